//! One attempt to reach a lead on one number.

mod classify;
mod state;

pub use classify::{Blame, classify};
pub use state::{Outcome, State, Trigger, next};

use std::sync::Arc;

use crate::deadline::Why;
use crate::engine::Caller;
use crate::event::{Disposition, LeadNumber, Lease, LegEnd, Verdict};
use crate::ids::{AgentId, AttemptId, CampaignId, LegId, RequestId, TrunkId};
use crate::number::Number;
use crate::time::{Tick, Wall};

/// Why outdial ends a leg by itself; decides the outcome when the leg is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The carrier gave no answer of any kind.
    Setup,
    /// Nobody answered in time.
    NoAnswer,
    /// The call may not go on: revoked, do-not-call, node stopped.
    Cancelled(&'static str),
    /// A machine answered.
    Machine,
    /// A machine was left a message.
    Voicemail {
        /// To its end.
        whole: bool,
    },
    /// No agent came and there is nothing to play, or the message is over.
    Abandoned,
    /// An agentless campaign's message was heard.
    Completed,
    /// The agent's side of the call is over.
    AgentLeft,
    /// A limit of time was passed that no sane call passes.
    Fault(&'static str),
}

/// What the attempt is for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// A campaign's lead.
    Lead {
        campaign: CampaignId,
        lease: Box<Lease>,
        /// Index into the lease's numbers.
        index: usize,
    },
    /// A test of a trunk.
    Test { request: RequestId, number: Number },
}

/// How a call fares in a queue of the PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InQueue {
    /// It waits there for a member.
    Waits,
    /// It is being taken out.
    Leaves,
    /// A member has taken it.
    Taken,
}

/// A live attempt.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) purpose: Purpose,
    pub(crate) state: State,
    pub(crate) since: Tick,
    /// The attempt's own start.
    pub(crate) began: Tick,
    /// When the current leg was placed.
    pub(crate) placed: Tick,
    /// Legs placed so far.
    pub(crate) legs: u8,
    /// The current leg is in the PBX.
    pub(crate) leg_live: bool,
    /// Reconciliations in a row that did not find the leg.
    pub(crate) missing: u8,
    pub(crate) trunk: TrunkId,
    /// The trunks that it has failed over from.
    pub(crate) tried: Vec<TrunkId>,
    pub(crate) caller_id: Number,
    /// The agent who is reserved for it from the start.
    pub(crate) for_agent: Option<AgentId>,
    /// The agent who was chosen.
    pub(crate) agent: Option<AgentId>,
    /// It was handed to a queue of the PBX.
    pub(crate) in_queue: Option<InQueue>,
    pub(crate) connect_tries: u8,
    pub(crate) ending: Option<Ending>,
    pub(crate) hangups: u8,
    pub(crate) deadline: Option<(Tick, Why)>,
    pub(crate) rang: bool,
    pub(crate) verdict: Option<Verdict>,
    /// A machine is left a message.
    pub(crate) voicemail: bool,
    /// The callee's greeting has set the clock.
    pub(crate) greeted: bool,
    pub(crate) started_at: Wall,
    pub(crate) alerting: Option<Tick>,
    pub(crate) ringing_at: Option<Wall>,
    pub(crate) answered: Option<(Tick, Wall)>,
    /// The abandon clock started here: at the answer, or the greeting.
    pub(crate) clock: Option<Tick>,
    pub(crate) bridged: Option<(Tick, Wall)>,
    /// The agent came after the campaign's limit.
    pub(crate) late: bool,
    /// The recording's name, where its campaign records; since the agent was chosen.
    pub(crate) recording: Option<Arc<str>>,
    /// The agent is out of the call.
    pub(crate) agent_left: bool,
    /// The call goes on without the agent, as the host has said.
    pub(crate) goes_on: bool,
    pub(crate) ended: Option<(LegEnd, Wall)>,
    /// What the agent made of it.
    pub(crate) disposition: Option<Box<Disposition>>,
    /// It came in.
    pub(crate) inbound: Option<Box<Caller>>,
}

impl Attempt {
    pub(crate) fn new(
        id: AttemptId,
        purpose: Purpose,
        caller_id: Number,
        now: crate::time::Now,
    ) -> Attempt {
        Attempt {
            id,
            purpose,
            state: State::Queued,
            since: now.tick,
            began: now.tick,
            placed: now.tick,
            legs: 0,
            leg_live: false,
            missing: 0,
            trunk: TrunkId(0),
            tried: Vec::new(),
            caller_id,
            for_agent: None,
            agent: None,
            in_queue: None,
            connect_tries: 0,
            ending: None,
            hangups: 0,
            deadline: None,
            rang: false,
            verdict: None,
            voicemail: false,
            greeted: false,
            started_at: now.wall,
            alerting: None,
            ringing_at: None,
            answered: None,
            clock: None,
            bridged: None,
            late: false,
            recording: None,
            agent_left: false,
            goes_on: false,
            ended: None,
            disposition: None,
            inbound: None,
        }
    }

    pub(crate) fn leg(&self) -> LegId {
        LegId {
            attempt: self.id,
            n: self.legs,
        }
    }

    pub(crate) fn campaign(&self) -> Option<CampaignId> {
        match &self.purpose {
            Purpose::Lead { campaign, .. } => Some(*campaign),
            Purpose::Test { .. } => None,
        }
    }

    /// The number as the lead has it.
    pub(crate) fn number(&self) -> &Number {
        match &self.purpose {
            Purpose::Lead { lease, index, .. } => &lease.numbers[*index].number,
            Purpose::Test { number, .. } => number,
        }
    }

    pub(crate) fn lead(&self) -> Option<(&Lease, &LeadNumber)> {
        match &self.purpose {
            Purpose::Lead { lease, index, .. } => Some((lease, &lease.numbers[*index])),
            Purpose::Test { .. } => None,
        }
    }
}
