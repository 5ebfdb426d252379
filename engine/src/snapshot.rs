//! The engine's state for people: CLI, API and tests read it, nothing else does.

use std::sync::Arc;

use crate::agent::AgentState;
use crate::attempt::{Outcome, State};
use crate::breaker::Circuit;
use crate::deadline::Why;
use crate::event::{QueueCounts, Verdict};
use crate::explain::Reason;
use crate::ids::{AgentId, AttemptId, CampaignId, LeadId, ListId, TrunkId};
use crate::number::Number;
use crate::time::{Span, Tick};

/// The whole state at one instant. Lists are ordered by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Totals since the engine started.
    pub totals: Totals,
    /// By campaign.
    pub campaigns: Vec<CampaignView>,
    /// By trunk.
    pub trunks: Vec<TrunkView>,
    /// Logged-in agents.
    pub agents: Vec<AgentView>,
    /// Live attempts.
    pub attempts: Vec<AttemptView>,
}

/// Totals since the engine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Attempts live.
    pub live: u64,
    /// Attempts not yet answered.
    pub dialing: u64,
    /// Leases in hand.
    pub leases: u64,
    /// Legs asked of the host.
    pub legs: u64,
    /// Attempts ended.
    pub ended: u64,
    /// Transitions that the table refused.
    pub illegal: u64,
    /// Events about legs and sessions that are not known.
    pub stray: u64,
    /// Legs that the PBX lost without a word.
    pub ghosts: u64,
}

/// Whether a campaign dials, as it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It dials.
    Running,
    /// It should dial; the PBX is being asked whether it has all it needs.
    Checking,
    /// It should dial, but the PBX lacks this.
    Refused(String),
    /// Paused.
    Paused,
    /// Stopped.
    Stopped,
}

/// One campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignView {
    /// Id.
    pub id: CampaignId,
    /// Name.
    pub name: Arc<str>,
    /// Whether it dials.
    pub readiness: Readiness,
    /// Attempts live.
    pub live: u32,
    /// Attempts not yet answered.
    pub dialing: u32,
    /// Attempts of which it is not known whether a person answers: those in AMD are among them.
    pub open: u32,
    /// Its agents who have a call or are in the wrap-up after one.
    pub busy: u32,
    /// Attempts bridged.
    pub bridged: u32,
    /// Leads in hand.
    pub leases: u32,
    /// Agents logged in for it; members of its queue who are not paused.
    pub agents: u32,
    /// Agents free; of a queue, whoever else counts on them.
    pub free: u32,
    /// The PBX's own queue whose members are its agents.
    pub queue: Option<QueueView>,
    /// Calls answered by a person over the abandon rule's window, in thousandths: people whom AMD
    /// takes for machines count by their share.
    pub answered_milli: u64,
    /// Those of them that got no agent, in thousandths.
    pub abandoned_milli: u64,
    /// Answered calls that were over within [`crate::limits::SHORT_CALL`].
    pub short_calls: u64,
    /// Attempts by outcome since the engine started.
    pub outcomes: Vec<(Outcome, u64)>,
    /// Why it dialed fewer calls than it could, most frequent first.
    pub why: Vec<Held>,
    /// What held it back at the last decision.
    pub why_now: Option<Reason>,
}

/// A campaign's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Its name in the PBX.
    pub name: Arc<str>,
    /// What the PBX says of it; `None`: nothing so far, or there is no such queue.
    pub counts: Option<QueueCounts>,
    /// The campaign's own calls that wait in it.
    pub waiting: u32,
}

/// One reason that held a campaign back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Why.
    pub reason: Reason,
    /// Decisions since the engine started.
    pub count: u64,
    /// The last of them was so long ago.
    pub ago: Span,
    /// The figures behind it as they are now; empty where there are none.
    pub figures: String,
}

/// One trunk.
#[derive(Clone, Debug, PartialEq)]
pub struct TrunkView {
    /// Id.
    pub id: TrunkId,
    /// Name.
    pub name: Arc<str>,
    /// Calls per second, in thousandths.
    pub cps_milli: u32,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Tokens in the bucket, in thousandths.
    pub tokens_milli: i64,
    /// Channels in use.
    pub channels: u32,
    /// Channels allowed.
    pub max_channels: u32,
    /// Legs placed.
    pub legs: u64,
    /// Legs answered.
    pub answered: u64,
    /// Legs that failed by the trunk's fault.
    pub faults: u64,
    /// Answered calls that were over within [`crate::limits::SHORT_CALL`].
    pub short_calls: u64,
    /// Answers that came before any ringing, within [`crate::limits::FALSE_ANSWER`].
    pub false_answers: u64,
    /// Moving average of its results by cause, in thousandths: 1000 is a trunk that always works.
    pub health_milli: u32,
    /// Whether it takes calls, as its failures have it.
    pub circuit: Circuit,
}

/// One logged-in agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentView {
    /// Id.
    pub id: AgentId,
    /// Name.
    pub name: Arc<str>,
    /// State.
    pub state: AgentState,
    /// In that state for.
    pub since: Span,
    /// Logged in for.
    pub logged_in: Span,
    /// Of which talking.
    pub talk: Span,
    /// Of which in wrap-up.
    pub wrap_up: Span,
    /// Of which paused.
    pub paused: Span,
    /// The pause code, of one who is paused or will be after the call in hand.
    pub pause: Option<Arc<str>>,
    /// Calls taken.
    pub calls: u64,
    /// The call in hand, or the one that is wrapped up, and its lead.
    pub call: Option<(AttemptId, LeadId)>,
    /// Logged in without a channel: the agent's phone is rung for each call.
    pub on_hook: bool,
}

/// One live attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptView {
    /// Id.
    pub id: AttemptId,
    /// Leg in use.
    pub leg: u8,
    /// Campaign; `None` for a test call.
    pub campaign: Option<CampaignId>,
    /// Trunk.
    pub trunk: TrunkId,
    /// State.
    pub state: State,
    /// In that state for.
    pub since: Span,
    /// The agent who is reserved for it from its start, as long as that holds.
    pub for_agent: Option<AgentId>,
    /// Agent, if one.
    pub agent: Option<AgentId>,
    /// The next deadline and what it is for.
    pub deadline: Option<(Tick, Why)>,
    /// It came in: nobody was dialed, and there is no trunk.
    pub inbound: bool,
}

/// One live attempt of a campaign, with whom it is for: what a dialplan may ask of its own call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallView {
    /// The attempt.
    pub attempt: AttemptView,
    /// Its campaign's name.
    pub campaign: Arc<str>,
    /// Its trunk's name; empty before it has one.
    pub trunk: Arc<str>,
    /// The chosen agent's name.
    pub agent: Option<Arc<str>>,
    /// The lead.
    pub lead: LeadId,
    /// The list that the lead is from.
    pub list: ListId,
    /// The number as the lead has it.
    pub number: Number,
    /// Its place among the lead's numbers, from 0.
    pub position: u8,
    /// Attempts that the lead had before this one, over all numbers.
    pub attempts: u16,
    /// The number that the callee sees.
    pub caller_id: Number,
    /// AMD's verdict, if it ran.
    pub verdict: Option<Verdict>,
    /// What the recording is called; `None`: the call is not recorded, or has no agent yet.
    pub recording: Option<Arc<str>>,
}
