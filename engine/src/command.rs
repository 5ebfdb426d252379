//! Everything the engine asks for. Commands are executed in order.

use std::sync::Arc;

use crate::attempt::{Outcome, State};
use crate::config::{ConfigError, Target};
use crate::event::{Disposition, LegEnd, Verdict};
use crate::ids::{
    AgentId, AttemptId, CampaignId, LeadId, LeaseId, LegId, RequestId, SessionId, TrunkId,
};
use crate::notice::Notice;
use crate::number::Number;
use crate::time::{Tick, Wall};

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make this record durable. A [`Command::Originate`] behind it waits until it is.
    Journal(Record),
    /// Dial.
    Originate(Box<Originate>),
    /// Bring the agent to the customer.
    Connect {
        /// The customer.
        leg: LegId,
        /// The agent's log-in.
        session: SessionId,
    },
    /// Play a sound to the customer.
    Play {
        /// The customer.
        leg: LegId,
        /// The sound's name in the PBX.
        sound: Arc<str>,
    },
    /// Leave a message on the machine that has answered, once it records: after its beep.
    LeaveMessage {
        /// The machine.
        leg: LegId,
        /// The sound's name in the PBX.
        sound: Arc<str>,
    },
    /// Let the call go on in the dialplan: behind `OutdialConnect`, or at `target`.
    Release {
        /// The customer.
        leg: LegId,
        /// Where to; `None` is behind `OutdialConnect`.
        target: Option<Target>,
    },
    /// End a leg, in whatever state it is.
    Hangup {
        /// The leg.
        leg: LegId,
        /// Q.850 cause towards the carrier.
        q850: u8,
    },
    /// Ring an agent's phone. [`crate::SessionEvent::Waiting`] follows when it is answered and the
    /// agent can be connected; [`crate::SessionEvent::Gone`] when it is on hook again.
    Ring(Box<Ring>),
    /// Log an agent off, or put a phone that was rung on hook again.
    Dismiss {
        /// The log-in.
        session: SessionId,
        /// Why, for the channel variable and the log.
        why: Dismissal,
    },
    /// Ask the PBX whether it has a thing.
    Probe {
        /// Echoed in [`crate::Event::Probed`].
        request: RequestId,
        /// What it must have.
        what: Probe,
    },
    /// Ask the sidecar for leads.
    NeedLeads {
        /// Whose.
        campaign: CampaignId,
        /// How many, at most.
        count: u32,
    },
    /// Give leases back unused.
    ReturnLeases {
        /// Their campaign.
        campaign: CampaignId,
        /// The leases.
        leases: Vec<LeaseId>,
    },
    /// A configuration was refused; the old one stays.
    ConfigRefused {
        /// Kind and id, `campaign 7` for example.
        what: String,
        /// What is wrong.
        error: ConfigError,
    },
    /// A campaign may dial now, or may not, and why.
    CampaignChecked {
        /// Which.
        campaign: CampaignId,
        /// `Err` names what the PBX lacks.
        result: Result<(), String>,
    },
    /// The answer to [`crate::Event::Check`].
    Checked {
        /// As in the question.
        request: RequestId,
        /// `Ok` may hold warnings; `Err` names what is missing.
        result: Result<Vec<String>, String>,
    },
    /// The answer to [`crate::Event::Agent`] and [`crate::Event::Dispose`].
    Done {
        /// As in the question.
        request: RequestId,
        /// `Err` says why it could not be done.
        result: Result<(), String>,
    },
    /// An agent's state changed.
    AgentChanged {
        /// Who.
        agent: AgentId,
        /// The new state.
        state: crate::agent::AgentState,
        /// The pause code, of one who is paused or will be after the call in hand.
        pause: Option<Arc<str>>,
    },
    /// An agent may look at a lead, and dial or skip it.
    Preview {
        /// Who.
        agent: AgentId,
        /// The campaign.
        campaign: CampaignId,
        /// The lease that allows it.
        lease: LeaseId,
        /// The lead.
        lead: LeadId,
        /// The number that will be dialed.
        number: Number,
        /// Its place among the lead's numbers.
        position: u8,
        /// Until then; then it is decided for the agent.
        until: Wall,
    },
    /// The agent does not look at the lead any more.
    PreviewOver {
        /// Who.
        agent: AgentId,
    },
    /// Give a lease back; the lead is not looked at again before this instant.
    DeferLease {
        /// Its campaign.
        campaign: CampaignId,
        /// The lease.
        lease: LeaseId,
        /// Not before.
        until: Wall,
    },
    /// The answer to [`crate::Event::Manual`].
    ManualPlaced {
        /// As in the question.
        request: RequestId,
        /// The attempt, or why it may not be; then the lease is given back.
        result: Result<AttemptId, String>,
    },
    /// What a test call did.
    TestCallStep {
        /// As in [`crate::Event::TestCall`].
        request: RequestId,
        /// What happened.
        step: TestStep,
    },
    /// Something changed that somebody watches; see [`crate::Engine::watch`].
    Notice(Box<Notice>),
    /// Something that an operator should see.
    Log(LogLine),
}

/// What to dial, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Originate {
    /// Becomes the channel's unique id.
    pub leg: LegId,
    /// Whom; `None` for a test call.
    pub lead: Option<LeadId>,
    /// It is recorded once an agent is there, by the name of [`crate::snapshot::CallView::recording`].
    pub record: bool,
    /// The host runs AMD() with these arguments before the call is ready, unless the dialplan has.
    pub amd: Option<Arc<str>>,
    /// When it is to leave: now, or up to [`crate::limits::DIAL_AHEAD`] later.
    pub due: Tick,
    /// The trunk's channel technology.
    pub tech: Arc<str>,
    /// The trunk's endpoint.
    pub endpoint: Arc<str>,
    /// Digits to dial, stripped and prepended.
    pub number: Number,
    /// The caller id.
    pub caller_id: Number,
    /// The campaign's name: the channel's account code.
    pub account: Arc<str>,
    /// The host gives up by itself after this long; the engine's own deadlines come first.
    pub timeout_ms: u32,
    /// Where the answered call enters the dialplan.
    pub target: Target,
}

/// Which phone to ring, and what it shows. The customer's number is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Becomes the channel's unique id.
    pub session: SessionId,
    /// The agent's name.
    pub agent: Arc<str>,
    /// The phone's channel technology.
    pub tech: Arc<str>,
    /// The phone's endpoint.
    pub endpoint: Arc<str>,
    /// What the callee sees, or will see: the phone shows it.
    pub caller_id: Number,
    /// The campaign's name: the channel's account code, and the name that the phone shows.
    pub account: Arc<str>,
    /// The host gives up by itself after this long; the engine's own deadline comes first.
    pub timeout_ms: u32,
}

/// Why an agent's channel is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dismissal {
    /// No such agent.
    Unknown,
    /// The agent is logged in on another channel.
    Duplicate,
    /// The engine drains.
    Draining,
    /// A supervisor or the configuration took the agent off.
    LoggedOff,
    /// More agents than the engine can hold.
    Full,
    /// What the phone was rung for is over; the agent stays logged in.
    OnHook,
    /// The agent has a PIN, and it was not checked.
    PinUnchecked,
}

/// A thing that the PBX must have before a campaign may start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// An endpoint of a channel technology.
    Endpoint {
        /// Technology.
        tech: Arc<str>,
        /// Endpoint.
        endpoint: Arc<str>,
    },
    /// An extension in the dialplan.
    Target(Target),
    /// A sound file.
    Sound(Arc<str>),
    /// How many ms AMD may take in the dialplan from there on; 0 where it does not run.
    Amd {
        /// Where an answered call enters.
        target: Target,
        /// Counted from the end of the callee's greeting, not from the answer.
        after_greeting: bool,
    },
    /// How many ms AMD with these arguments may take.
    AmdArguments {
        /// As in [`Originate::amd`].
        arguments: Arc<str>,
        /// As in [`Probe::Amd`].
        after_greeting: bool,
    },
    /// An application of the dialplan.
    Application(Arc<str>),
}

impl PartialOrd for Target {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Target {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.context, &self.exten, self.priority).cmp(&(
            &other.context,
            &other.exten,
            other.priority,
        ))
    }
}

/// What must survive a crash. `Started` is durable before the call is placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A leg is about to be placed.
    Started(Started),
    /// The callee answered.
    Answered {
        /// The leg.
        leg: LegId,
        /// When.
        at: Wall,
    },
    /// The callee talks to an agent, or to the operator's own dialplan.
    Bridged {
        /// The leg.
        leg: LegId,
        /// When.
        at: Wall,
        /// The agent, if one.
        agent: Option<AgentId>,
        /// Who came after the campaign's limit.
        late: bool,
    },
    /// A message is being played.
    MessageStarted {
        /// The leg.
        leg: LegId,
        /// When.
        at: Wall,
    },
    /// The attempt is over. Exactly one for each attempt that has a `Started`.
    Ended(AttemptResult),
}

/// The start of a leg, with all that a result needs if nothing more is ever heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The leg.
    pub leg: LegId,
    /// The lease that allows it.
    pub lease: LeaseId,
    /// Whom.
    pub lead: LeadId,
    /// For which campaign.
    pub campaign: CampaignId,
    /// Over which trunk.
    pub trunk: TrunkId,
    /// Number, as the lead has it.
    pub number: Number,
    /// Its place among the lead's numbers.
    pub position: u8,
    /// The number shown to the callee.
    pub caller_id: Number,
    /// The start of the attempt (its first leg).
    pub started_at: Wall,
    /// What becomes of the lead if the node is lost before an answer.
    pub if_lost: LeadNext,
}

/// What becomes of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeadNext {
    /// No further attempt.
    Done {
        /// What the lead is marked with: `completed`, `unreachable`, a disposition's code.
        status: Arc<str>,
    },
    /// Again, not before this instant, from this number on.
    Retry {
        /// Not before.
        at: Wall,
        /// The number's place among the lead's numbers.
        position: u8,
    },
    /// Somebody is to be called back, as they asked.
    Callback {
        /// When.
        at: Wall,
        /// The number's place among the lead's numbers.
        position: u8,
        /// By this agent; `None`: by whoever is free.
        agent: Option<AgentId>,
        /// Attempts at it so far.
        tries: u16,
    },
}

/// One finished attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptResult {
    /// Which.
    pub attempt: AttemptId,
    /// The lease that it used up.
    pub lease: LeaseId,
    /// Whom.
    pub lead: LeadId,
    /// For which campaign.
    pub campaign: CampaignId,
    /// The last trunk.
    pub trunk: TrunkId,
    /// Number, as the lead has it.
    pub number: Number,
    /// Its place among the lead's numbers.
    pub position: u8,
    /// The number shown to the callee.
    pub caller_id: Number,
    /// Legs that left the PBX.
    pub legs: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in a word that a person understands: `sip 486`, `ring timeout`, `no agent`.
    pub detail: String,
    /// What the last leg ended with.
    pub end: LegEnd,
    /// AMD's verdict, if it ran.
    pub verdict: Option<Verdict>,
    /// The agent who talked.
    pub agent: Option<AgentId>,
    /// Start of the first leg.
    pub started_at: Wall,
    /// First ringing.
    pub ringing_at: Option<Wall>,
    /// Answer.
    pub answered_at: Option<Wall>,
    /// Agent (or dialplan target) connected.
    pub bridged_at: Option<Wall>,
    /// The call's end; wrap-up is not in it.
    pub ended_at: Wall,
    /// Counts towards the lead's and the number's caps. Faults of PBX and route don't.
    pub charged: bool,
    /// From answer to agent in microseconds, on the monotonic clock.
    pub connect_us: Option<u64>,
    /// What the recording is called, if an agent was there and the campaign records.
    pub recording: Option<Arc<str>>,
    /// What the agent made of it.
    pub disposition: Option<Box<Disposition>>,
    /// What becomes of the lead.
    pub next: LeadNext,
    /// The agent came after the campaign's limit: abandoned, by the rules' count.
    pub late: bool,
}

/// What a test call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestStep {
    /// It could not be placed.
    Refused(String),
    /// It moved to this state.
    State(State),
    /// It is over.
    Ended(LegEnd),
}

/// A line for the operator's log. Numbers and names never appear in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How urgent.
    pub level: Level,
    /// What happened and what to do.
    pub text: String,
}

/// How urgent a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For developers.
    Debug,
    /// Ordinary.
    Info,
    /// Something to look at.
    Warn,
    /// Something is broken.
    Error,
}
