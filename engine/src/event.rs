//! Everything the engine is told. Events may arrive in any order, twice, late or never.

use std::sync::Arc;

use crate::attempt::Outcome;
use crate::config::ConfigChange;
use crate::ids::{
    AgentId, AttemptId, CampaignId, Epoch, LeadId, LeaseId, LegId, ListId, RequestId, SessionId,
    TrunkId,
};
use crate::number::Number;
use crate::time::{Span, Wall};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something about a leg, from the PBX.
    Leg {
        /// Which leg.
        leg: LegId,
        /// What happened to it.
        what: LegEvent,
    },
    /// Something about an agent's waiting channel, from the PBX.
    Session {
        /// Which log-in.
        session: SessionId,
        /// What happened to it.
        what: SessionEvent,
    },
    /// Something that an agent did.
    Agent {
        /// Who.
        agent: AgentId,
        /// What.
        what: AgentEvent,
        /// Echoed in [`crate::Command::Done`], if somebody wants to know whether it was possible.
        request: Option<RequestId>,
    },
    /// An agent calls somebody of their own accord. It passes the same gate as every other call.
    Manual {
        /// Echoed in [`crate::Command::ManualPlaced`].
        request: RequestId,
        /// Who calls: must be free, or paused.
        agent: AgentId,
        /// In whose name.
        campaign: CampaignId,
        /// Whom, as for every other call.
        lease: Box<Lease>,
    },
    /// Somebody calls us who was dialed lately.
    Inbound {
        /// Echoed in [`crate::Command::InboundTaken`].
        request: RequestId,
        /// Who, and for whom.
        call: Box<Inbound>,
    },
    /// The answer to [`crate::Command::Probe`].
    Probed {
        /// Which question.
        request: RequestId,
        /// 0: the PBX does not have the thing. Else 1, or as many ms as were asked for.
        answer: u32,
    },
    /// What is known of one of the PBX's own queues, after [`crate::Command::WatchQueue`] and whenever
    /// it has changed.
    Queue {
        /// Its name.
        queue: Arc<str>,
        /// `None`: the PBX can't tell, or has no such queue.
        counts: Option<QueueCounts>,
    },
    /// What the PBX has alive right now. A leg that is missing in two of these in a row, and has
    /// no terminal event, is a ghost; a leg that the engine does not know is hung up.
    Reconcile {
        /// Legs that the PBX side holds.
        legs: Vec<LegId>,
        /// Agent sessions that the PBX side holds.
        sessions: Vec<SessionId>,
    },
    /// A change of configuration.
    Config(ConfigChange),
    /// Leads to dial.
    Leases {
        /// Their campaign.
        campaign: CampaignId,
        /// The leads; empty when there are none just now.
        leases: Vec<Lease>,
        /// Ask again not before this instant, where the store knows when the next lead is due.
        next_due: Option<Wall>,
    },
    /// The expiry of these leases moved.
    Renewed {
        /// The leases.
        leases: Vec<LeaseId>,
        /// The new expiry.
        expires_at: Wall,
    },
    /// These leases may not be used any more.
    Revoke(Vec<LeaseId>),
    /// These numbers may not be dialed any more.
    DoNotCall(Vec<Number>),
    /// The sidecar came or went.
    Link(Link),
    /// The journal can be written again, or can't any more. It starts out writable.
    JournalWritable(bool),
    /// Stop dialing and log agents off when free (`true`), or go on (`false`).
    Drain(bool),
    /// Check what a campaign needs against the PBX, whatever the campaign's state.
    Check {
        /// Echoed in [`crate::Command::Checked`].
        request: RequestId,
        /// Which.
        campaign: CampaignId,
    },
    /// Place one call over one trunk, report what the carrier says and hang up on answer.
    TestCall {
        /// Echoed in [`crate::Command::TestCallStep`].
        request: RequestId,
        /// The trunk to try.
        trunk: TrunkId,
        /// Whom to call.
        number: Number,
        /// What the callee sees.
        caller_id: Number,
    },
    /// What came of a live call, in the dialplan's word. Said again, or by an agent too, the last word
    /// counts.
    Dispose {
        /// Echoed in [`crate::Command::Done`].
        request: RequestId,
        /// Which call.
        attempt: AttemptId,
        /// What; its own `attempt` is not looked at.
        said: Box<Disposition>,
    },
    /// The host refused an originate at once, or the journal could not take its start.
    Refused {
        /// The leg that will not be.
        leg: LegId,
        /// Why.
        why: Refusal,
    },
}

/// A call that comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Whose agents are to have it.
    pub campaign: CampaignId,
    /// Who calls; the first number is the one that he calls from. Windows don't matter.
    pub lead: Lease,
    /// Whether the lead may be settled with this call.
    pub claim: Claim,
    /// Our number that he has dialed, where it is known.
    pub called: Option<Number>,
    /// He waits for an agent so long, [`crate::limits::CALLER_WAIT`] at most.
    pub wait: Span,
    /// His number is on the do-not-call list: he is served, and never called back.
    pub forbidden: bool,
}

/// How a lead stands whose person calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It was leased for this call.
    Taken,
    /// This engine has the lease in hand already.
    InHand,
    /// Somebody else has it, or nobody can: the call leaves the lead as it is.
    None,
}

/// Whether the sidecar is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Connected. Leases of another epoch are void.
    Up {
        /// What attempt ids are drawn from.
        epoch: Epoch,
    },
    /// Gone.
    Down,
}

/// Why a leg was not even started. None of these charges trunk or lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The PBX is overloaded, limited or shutting down.
    Overload,
    /// The journal could not record the start.
    Journal,
}

/// What happens to a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegEvent {
    /// The carrier has taken the call (SIP 100).
    Proceeding,
    /// It rings (SIP 180).
    Ringing,
    /// Media before the answer (SIP 183).
    EarlyMedia,
    /// Answered.
    Answered,
    /// The callee began to speak.
    GreetingBegan,
    /// The callee's first words are over.
    GreetingEnded {
        /// For so long already: who listens is sure only after a silence.
        ago: Span,
    },
    /// `OutdialConnect` runs and waits for the engine.
    Ready {
        /// What AMD said before, if it ran.
        verdict: Option<Verdict>,
    },
    /// Customer and agent are in one bridge.
    Bridged {
        /// The agent's log-in.
        session: SessionId,
    },
    /// The agent could not be brought to the customer.
    ConnectFailed {
        /// The agent's log-in.
        session: SessionId,
    },
    /// A message has ended.
    Played {
        /// It was heard to its end.
        whole: bool,
    },
    /// The call went on in the dialplan as [`crate::Command::Release`] asked.
    Released,
    /// A member of the queue that [`crate::Command::Enqueue`] named has taken the call: the two are in
    /// one bridge.
    Member,
    /// The customer is out of that queue again and no member has taken the call; he waits as after
    /// [`LegEvent::Ready`].
    Unqueued,
    /// The customer goes on without the agent: in the dialplan behind `OutdialConnect`, or with
    /// whoever the call was transferred to.
    Left,
    /// Terminal, exactly once: the leg is gone from the PBX.
    Ended(LegEnd),
}

/// Members and callers of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Members who are logged in and not paused, whatever they do.
    pub members: u32,
    /// Of which free for a call that comes now: nobody in wrap-up or with a call. One who is being
    /// rung for a caller of this queue counts, as that caller does.
    pub free: u32,
    /// Callers whom no member has taken yet, whoever sent them.
    pub callers: u32,
}

/// Who or what answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A person.
    Human,
    /// A machine.
    Machine,
    /// AMD could not tell.
    Unknown,
    /// A service that answers for the callee and asks who calls.
    Screening,
}

/// How a leg ended, as the PBX saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegEnd {
    /// SIP status of the final response; `None` where there was none.
    pub sip: Option<u16>,
    /// Q.850 cause; `None` where the PBX gave none.
    pub q850: Option<u8>,
    /// The PBX itself refused (overload, sessions per second, no such endpoint known to it).
    pub refused_by_pbx: bool,
}

/// What happens to an agent's waiting channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// `OutdialAgent` was entered.
    Entered {
        /// The agent's name as given in the dialplan.
        agent: Arc<str>,
        /// The agent's PIN was asked for, and was right.
        pin_checked: bool,
    },
    /// The channel waits in its bridge; repeated after each call. For a phone that was rung the
    /// first one is the answer.
    Waiting,
    /// Terminal, exactly once: the channel has left `OutdialAgent`, or the phone that was rung is
    /// on hook again, answered or not.
    Gone,
    /// In place of [`SessionEvent::Gone`]: the PBX did not take a [`crate::Command::Ring`], and no
    /// phone rang.
    Refused,
}

/// What an agent does, at the desk or by the phone's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// Starts to work without a channel: the agent's phone is rung for each call.
    LogIn,
    /// Ends the wrap-up before its time.
    Ready,
    /// Needs more time for it.
    ExtendWrapUp {
        /// So much more, in ms; [`crate::limits::WRAP_UP_MOST`] in all at most.
        by_ms: u32,
    },
    /// Takes no calls once the one in hand is over.
    Pause {
        /// Why: one of the operator's pause codes.
        code: Arc<str>,
    },
    /// Takes calls again.
    Unpause,
    /// Dials the lead that is looked at.
    Dial,
    /// Lets it pass: it comes again later.
    Skip,
    /// Says what came of the call in hand, or of the one before in its wrap-up, which ends then.
    Dispose(Box<Disposition>),
    /// Ends the call in hand, and stays.
    HangUp,
    /// Stops working.
    LogOff {
        /// After the call in hand and its wrap-up (`true`), or dropping it (`false`).
        finish: bool,
    },
}

/// What an agent, or the dialplan, makes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// The attempt that is meant; `None`: the one in hand.
    pub attempt: Option<AttemptId>,
    /// The operator's word for it.
    pub code: Arc<str>,
    /// What becomes of the lead.
    pub after: After,
    /// The number is put on the do-not-call list.
    pub do_not_call: bool,
    /// What the agent wrote down.
    pub note: Option<Arc<str>>,
}

/// What becomes of a lead after an agent's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// No further attempt; the lead is marked with the code.
    Final,
    /// It is tried again as after this outcome: a machine that AMD took for a person, a number that
    /// is somebody else's.
    RetryAs(Outcome),
    /// It is called back.
    Callback {
        /// When.
        at: Wall,
        /// By this agent; `None`: by whoever is free.
        agent: Option<AgentId>,
    },
}

/// A lead that this engine may dial until `expires_at`. There may be a hundred thousand of them, so
/// what few leads have is boxed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its number; never reused.
    pub id: LeaseId,
    /// The lead.
    pub lead: LeadId,
    /// The list that it comes from.
    pub list: ListId,
    /// The list's share among lists of equal priority, from 1.
    pub weight: u32,
    /// Higher first.
    pub priority: i32,
    /// An agent who has it alone: a personal callback, an account's manager.
    pub owner: Option<Box<Owner>>,
    /// Agents who have it are preferred, the best first.
    pub skill: Option<Arc<str>>,
    /// Attempts that the lead has had so far, over all numbers.
    pub attempts: u16,
    /// How its last attempts ended.
    pub last: Option<AttemptsInARow>,
    /// Somebody asked to be called now.
    pub callback: Option<Box<Callback>>,
    /// Numbers in the order in which to try them; the first one that may be dialed is.
    pub numbers: Vec<LeadNumber>,
    /// The engine stops using the lease [`crate::limits::LEASE_MARGIN_MS`] before.
    pub expires_at: Wall,
}

/// Attempts in a row with one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptsInARow {
    /// How each of them ended.
    pub outcome: Outcome,
    /// How many.
    pub count: u16,
}

/// A call that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// With this agent, who is the lease's owner for as long as nobody else may have it.
    pub agent: Option<AgentId>,
    /// Attempts at it so far.
    pub tries: u16,
}

/// Who has a lead alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub agent: AgentId,
    /// Until then; `None`: for ever.
    pub until: Option<Wall>,
}

/// One number of a lead, with the window in which it may be dialed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadNumber {
    /// The number.
    pub number: Number,
    /// Its place among the lead's numbers, from 0.
    pub position: u8,
    /// Attempts that it has had so far.
    pub attempts: u16,
    /// Dial from here on.
    pub not_before: Wall,
    /// Dial before this instant only.
    pub not_after: Wall,
}
