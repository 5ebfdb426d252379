//! The messages of versions 1 and 2.

use serde::{Deserialize, Serialize};

use crate::hello::Hello;
use crate::snapshot::Snapshot;

/// From the library to the sidecar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Up {
    /// First message. Frozen.
    Hello(Hello),
    /// Twice a second, from the link's own thread, so that a stalled pump shows.
    Heartbeat(Heartbeat),
    /// Journal records in order. The sidecar acknowledges them with [`Down::Ack`] after COMMIT;
    /// what it has not acknowledged is sent again after a reconnect.
    Records(Vec<Numbered>),
    /// All records that a former life of the engine left behind have been sent: leases of older
    /// epochs of this node that no record speaks of may be freed.
    ReplayDone,
    /// Ask for leads.
    NeedLeads {
        /// Campaign.
        campaign: u64,
        /// At most this many.
        count: u32,
    },
    /// Leases given back unused.
    ReturnLeases {
        /// Campaign.
        campaign: u64,
        /// Lease ids.
        leases: Vec<u64>,
    },
    /// The engine refused a configuration; the old one stays in force.
    ConfigRefused {
        /// Kind and id, `campaign 7` for example.
        what: String,
        /// Field, problem and what is allowed.
        error: String,
    },
    /// A running campaign was checked against the PBX.
    CampaignChecked {
        /// Campaign.
        campaign: u64,
        /// `Some` names what the PBX lacks; the campaign does not dial.
        lacks: Option<String>,
    },
    /// An agent's state changed.
    AgentChanged {
        /// Agent.
        agent: u64,
        /// State name, as in `outdial show agents`.
        state: String,
        /// The pause code, of one who is paused or will be after the call in hand.
        pause: Option<String>,
    },
    /// An agent may look at a lead, and dial or skip it.
    Preview {
        /// Agent.
        agent: u64,
        /// What is looked at; `None`: nothing any more.
        lead: Option<Preview>,
    },
    /// Give a lease back; its lead is not looked at again before this instant.
    DeferLease {
        /// Campaign.
        campaign: u64,
        /// Lease.
        lease: u64,
        /// Not before.
        until_ms: i64,
    },
    /// The whole state, at most once a second.
    Snapshot(Box<Snapshot>),
    /// The answer to [`Down::Ask`]; a test call gives several, the last one with `last`.
    Answer {
        /// As in the question.
        request: u64,
        /// Nothing more comes.
        last: bool,
        /// The answer, or what went wrong.
        result: Result<Answer, String>,
    },
    /// A command that somebody typed in the PBX's own console.
    Console {
        /// Echoed in [`Down::ConsoleDone`].
        request: u64,
        /// What to do.
        command: Console,
    },
}

/// A lead that an agent looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Campaign.
    pub campaign: u64,
    /// Lead.
    pub lead: u64,
    /// Digits that will be dialed.
    pub number: String,
    /// The number's place among the lead's.
    pub position: u8,
    /// Until then; then it is decided for the agent.
    pub until_ms: i64,
}

/// How the library is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// How late the pump's most overdue work is, in ms; 0 when nothing is due.
    pub pump_overdue_ms: u32,
    /// How long the oldest job waits in the shim's pool, in ms.
    pub pool_oldest_ms: u32,
    /// Jobs in the shim's pool, waiting and running.
    pub pool_jobs: u32,
    /// Records not yet acknowledged.
    pub journal_backlog: u64,
    /// The journal can be written.
    pub journal_writable: bool,
    /// A panic was caught: nothing is dialed until the PBX restarts.
    pub poisoned: bool,
    /// No new calls.
    pub draining: bool,
}

/// A record with its place in the journal; places grow by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    /// Place.
    pub seq: u64,
    /// The record.
    pub record: Record,
}

/// What must survive a crash. Also the journal's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// A leg is about to be placed.
    Started(Started),
    /// The callee answered.
    Answered {
        /// Attempt.
        attempt: u64,
        /// When.
        at_ms: i64,
    },
    /// The callee talks to an agent or to the operator's own dialplan.
    Bridged {
        /// Attempt.
        attempt: u64,
        /// When.
        at_ms: i64,
        /// The agent, if one.
        agent: Option<u64>,
    },
    /// A message is being played.
    MessageStarted {
        /// Attempt.
        attempt: u64,
        /// When.
        at_ms: i64,
    },
    /// The attempt is over.
    Ended(Box<AttemptResult>),
}

impl Record {
    /// The attempt that the record speaks of.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        match self {
            Record::Started(started) => started.attempt,
            Record::Answered { attempt, .. }
            | Record::Bridged { attempt, .. }
            | Record::MessageStarted { attempt, .. } => *attempt,
            Record::Ended(result) => result.attempt,
        }
    }
}

/// The start of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Attempt; unique over all nodes and restarts.
    pub attempt: u64,
    /// 1 for the first originate, 2 after the first failover, and so on.
    pub leg: u8,
    /// Lease.
    pub lease: u64,
    /// Lead.
    pub lead: u64,
    /// Campaign.
    pub campaign: u64,
    /// Trunk.
    pub trunk: u64,
    /// Digits.
    pub number: String,
    /// The number's place among the lead's.
    pub position: u8,
    /// Digits shown to the callee.
    pub caller_id: String,
    /// Start of the attempt's first leg.
    pub started_at_ms: i64,
    /// What becomes of the lead if the node is lost before an answer.
    pub if_lost: LeadNext,
}

/// What becomes of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeadNext {
    /// No further attempt.
    Done {
        /// What the lead is marked with: `completed`, `unreachable`, a disposition's code.
        status: String,
    },
    /// Again.
    Retry {
        /// Not before.
        at_ms: i64,
        /// From this number on.
        position: u8,
    },
    /// Somebody is called back, as they asked.
    Callback {
        /// When.
        at_ms: i64,
        /// From this number on.
        position: u8,
        /// By this agent; `None`: by whoever is free.
        agent: Option<u64>,
        /// Attempts at it so far.
        tries: u16,
    },
}

/// What an agent made of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposed {
    /// The operator's word for it.
    pub code: String,
    /// The outcome by whose rule the lead is tried again, if it is.
    pub retry_as: Option<String>,
    /// The number goes on the do-not-call list.
    pub do_not_call: bool,
    /// What the agent wrote down.
    pub note: Option<String>,
}

/// One finished attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// Attempt.
    pub attempt: u64,
    /// Lease that it used up.
    pub lease: u64,
    /// Lead.
    pub lead: u64,
    /// Campaign.
    pub campaign: u64,
    /// Last trunk.
    pub trunk: u64,
    /// Digits.
    pub number: String,
    /// The number's place among the lead's.
    pub position: u8,
    /// Digits shown to the callee.
    pub caller_id: String,
    /// Legs that left the PBX.
    pub legs: u8,
    /// One of completed, `no_answer`, busy, congested, invalid, machine, abandoned, cancelled,
    /// failed.
    pub outcome: String,
    /// Why: `sip 486`, `ring timeout`, `no agent`, `node lost`.
    pub detail: String,
    /// Final SIP status.
    pub sip: Option<u16>,
    /// Q.850 cause.
    pub q850: Option<u8>,
    /// AMD's verdict: human, machine, unknown, screening.
    pub verdict: Option<String>,
    /// Agent who talked.
    pub agent: Option<u64>,
    /// Start of the first leg.
    pub started_at_ms: i64,
    /// First ringing.
    pub ringing_at_ms: Option<i64>,
    /// Answer.
    pub answered_at_ms: Option<i64>,
    /// Agent connected.
    pub bridged_at_ms: Option<i64>,
    /// End of the call.
    pub ended_at_ms: i64,
    /// Counts towards the lead's and the number's caps. Faults of PBX and route don't.
    pub charged: bool,
    /// From answer to agent, in microseconds.
    pub connect_us: Option<u64>,
    /// What the agent made of it.
    pub disposition: Option<Disposed>,
    /// What becomes of the lead.
    pub next: LeadNext,
}

/// A command typed in the PBX's own console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Console {
    /// Start, pause or stop a campaign.
    Campaign {
        /// Name.
        name: String,
        /// What.
        action: CampaignAction,
    },
}

/// What can be done with a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CampaignAction {
    /// Dial.
    Start,
    /// Dial nothing new.
    Pause,
    /// Dial nothing new and give the leads back.
    Stop,
}

/// From the sidecar to the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Down {
    /// Answer to [`Up::Hello`]. Frozen.
    Welcome(Welcome),
    /// Answer to [`Up::Hello`]: no. Frozen. The library tries again later.
    Refused {
        /// Why, and how to mend it.
        why: String,
    },
    /// Changes of configuration, in order. The first batch after [`Down::Welcome`] has
    /// `full`: what it does not name is gone.
    Config {
        /// Everything there is.
        full: bool,
        /// The changes.
        changes: Vec<Config>,
    },
    /// Leads to dial.
    Leases {
        /// Campaign.
        campaign: u64,
        /// The leads; may be empty.
        leases: Vec<Lease>,
        /// When the next one is due, where that is known and there are none now.
        next_due_ms: Option<i64>,
    },
    /// Leases whose expiry moved.
    Renewed {
        /// Lease ids.
        leases: Vec<u64>,
        /// The new expiry.
        expires_at_ms: i64,
    },
    /// Leases that may not be used any more.
    Revoke {
        /// Lease ids.
        leases: Vec<u64>,
    },
    /// Numbers that may not be dialed any more.
    DoNotCall {
        /// Digits.
        numbers: Vec<String>,
    },
    /// Records up to and including this place are committed.
    Ack {
        /// Place.
        seq: u64,
    },
    /// A question or an order.
    Ask {
        /// Echoed in [`Up::Answer`].
        request: u64,
        /// What.
        ask: Ask,
    },
    /// A command from the console was carried out.
    ConsoleDone {
        /// As in [`Up::Console`].
        request: u64,
        /// What to print, or what went wrong.
        result: Result<String, String>,
    },
}

/// Answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version spoken from here on.
    pub version: u16,
    /// What attempt ids are drawn from; 1 to 2^31-1. The same for every reconnect of an instance.
    pub epoch: u32,
    /// Version of the sidecar.
    pub sidecar: String,
}

/// A question or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Stop dialing and log agents off when free, or go on.
    Drain(bool),
    /// Check what a campaign needs against the PBX, whatever the campaign's state.
    Check {
        /// Campaign; must be configured.
        campaign: u64,
    },
    /// Something that an agent does at the desk, or a supervisor for them.
    Agent {
        /// Agent.
        agent: u64,
        /// What.
        action: AgentAction,
    },
    /// An agent calls somebody of their own accord.
    Manual {
        /// Agent; must be free or paused.
        agent: u64,
        /// In whose name.
        campaign: u64,
        /// Whom.
        lease: Box<Lease>,
    },
    /// Place one call and report what the carrier says.
    TestCall {
        /// Trunk.
        trunk: u64,
        /// Digits.
        number: String,
        /// Digits.
        caller_id: String,
    },
}

/// What an agent does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentAction {
    /// Ends the wrap-up before its time.
    Ready,
    /// Needs more time for it, in ms.
    ExtendWrapUp(u32),
    /// Takes no calls once the one in hand is over; a pause code.
    Pause(String),
    /// Takes calls again.
    Unpause,
    /// Dials the lead that is looked at.
    Dial,
    /// Lets it pass.
    Skip,
    /// Says what came of the call in hand, or of the one before in its wrap-up, which ends then.
    Dispose(Box<Disposition>),
    /// Stops working.
    LogOff {
        /// After the call in hand, or dropping it.
        finish: bool,
    },
    /// Starts to work without a channel: the agent's phone is rung for each call.
    LogIn,
}

/// What an agent makes of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// The attempt that is meant; `None`: the one in hand.
    pub attempt: Option<u64>,
    /// The operator's word for it.
    pub code: String,
    /// What becomes of the lead.
    pub after: After,
    /// The number goes on the do-not-call list.
    pub do_not_call: bool,
    /// What the agent wrote down.
    pub note: Option<String>,
}

/// What becomes of a lead after an agent's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// No further attempt; the lead is marked with the code.
    Final,
    /// It is tried again as after this outcome.
    RetryAs(String),
    /// It is called back.
    Callback {
        /// When.
        at_ms: i64,
        /// By this agent; `None`: by whoever is free.
        agent: Option<u64>,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done.
    Done,
    /// The campaign may start.
    Ready,
    /// The call of [`Ask::Manual`] is placed, as this attempt.
    Placed(u64),
    /// A step of a test call, as a state name.
    Step(String),
    /// The end of a test call.
    Ended {
        /// Final SIP status.
        sip: Option<u16>,
        /// Q.850 cause.
        q850: Option<u8>,
    },
}

/// One change of configuration. Ranges are checked by the engine, which refuses what is outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Config {
    /// Settings of the node.
    Settings {
        /// Calls that may be dialing at once.
        max_concurrent_originates: u32,
    },
    /// A campaign, new or changed.
    Campaign(Box<Campaign>),
    /// A campaign is gone.
    CampaignRemoved(u64),
    /// A trunk, new or changed.
    Trunk(Trunk),
    /// A trunk is gone.
    TrunkRemoved(u64),
    /// All routes.
    Routes(Vec<Route>),
    /// An agent, new or changed.
    Agent(Agent),
    /// An agent is gone.
    AgentRemoved(u64),
    /// What a new engine can't know of a campaign's day: calls that a person answered, and those of
    /// them that got no agent.
    Abandons {
        /// Campaign.
        campaign: u64,
        /// Any instant of that day, in UTC.
        at_ms: i64,
        /// Calls.
        answered: u32,
        /// Calls.
        abandoned: u32,
    },
    /// What a new engine can't know: calls of the last 24 hours in which these digits were shown.
    CallerIdsShown(Vec<(String, u32)>),
}

/// Numbers shown to callees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerIds {
    /// Digits, used in turn.
    pub numbers: Vec<String>,
    /// Calls in 24 hours in which one of them is shown.
    pub daily_cap: Option<u32>,
    /// Local presence: leading digits in common; 0 is off.
    pub local_digits: u8,
}

/// From where an answered call's time without an agent is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockStart {
    /// The answer.
    #[default]
    Answer,
    /// The callee's first sound.
    GreetingStart,
    /// The end of the callee's first words.
    GreetingEnd,
}

/// What is done with a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnMachine {
    /// The call is ended.
    #[default]
    HangUp,
    /// It is left this sound.
    Message(String),
    /// It gets an agent.
    Agent,
}

/// Who gets an agent, by what AMD said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRules {
    /// From where the time without an agent is counted.
    pub clock: ClockStart,
    /// What is done with a machine.
    pub machine: OnMachine,
    /// Who can't be told apart is treated as a machine.
    pub unknown_is_machine: bool,
    /// Call screening is treated as a machine.
    pub screening_is_machine: bool,
    /// People among those whom AMD takes for machines, in thousandths.
    pub people_among_machines_milli: u32,
}

/// Whether a campaign dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CampaignState {
    /// It dials.
    Running,
    /// It dials nothing new.
    Paused,
    /// It dials nothing new and holds no leads.
    Stopped,
}

/// How many calls are dialed for the agents who are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// An agent sees the lead first, and dials or skips it.
    Preview {
        /// The agent has so long.
        timeout_ms: Option<u32>,
        /// What is decided then: dial, or skip.
        dial: bool,
    },
    /// One for each.
    Progressive,
    /// A fixed ratio, in thousandths.
    Power(u32),
    /// As many as the abandon rule allows; live calls for each agent logged in at most, in
    /// thousandths.
    Predictive(Option<u32>),
    /// No agents.
    Agentless,
}

/// What an agentless campaign does with an answered call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentlessAction {
    /// Plays the message.
    PlayMessage,
    /// Goes on behind `OutdialConnect`.
    Continue,
    /// Goes elsewhere in the dialplan.
    Goto(Target),
}

/// A place in the dialplan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Context.
    pub context: String,
    /// Extension.
    pub exten: String,
    /// Priority, from 1.
    pub priority: u32,
}

/// A campaign. Fields as the engine's configuration names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Whether it dials.
    pub state: CampaignState,
    /// How it paces.
    pub mode: Mode,
    /// Higher first.
    pub priority: i32,
    /// Attempts live at once.
    pub max_concurrent: u32,
    /// Dials that no agent is left for ring so long.
    pub min_ring_ms: u32,
    /// From the first ringing.
    pub ring_timeout_ms: u32,
    /// From answer to agent.
    pub connect_limit_ms: u32,
    /// Abandoned calls among those that a person answered, in thousandths.
    pub abandon_limit_milli: u32,
    /// The abandon rule looks at a single day.
    pub abandon_daily: bool,
    /// Who gets an agent.
    pub answers: AnswerRules,
    /// Sound.
    pub message: Option<String>,
    /// Where an answered call enters the dialplan.
    pub target: Target,
    /// Only for [`Mode::Agentless`].
    pub agentless: AgentlessAction,
    /// After a call.
    pub wrap_up_ms: u32,
    /// What the callee sees.
    pub caller_ids: CallerIds,
    /// Retry rules.
    pub retry: RetryPolicy,
}

/// When and whether a lead is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts of one lead.
    pub max_attempts: u16,
    /// Attempts of one of its numbers.
    pub max_attempts_per_number: u16,
    /// What a lead is marked with that was reached.
    pub completed_status: Option<String>,
    /// After this outcome.
    pub no_answer: RetryRule,
    /// After this outcome.
    pub busy: RetryRule,
    /// After this outcome.
    pub congested: RetryRule,
    /// After this outcome.
    pub invalid: RetryRule,
    /// After this outcome.
    pub machine: RetryRule,
    /// After this outcome.
    pub abandoned: RetryRule,
    /// After this outcome.
    pub cancelled: RetryRule,
    /// After this outcome.
    pub failed: RetryRule,
    /// After a callback that did not reach anybody.
    pub callback: RetryRule,
}

/// What happens to a lead after one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRule {
    /// Tried again at all.
    pub retry: bool,
    /// Not before so long after the first, second, ... attempt in a row; the last one holds on.
    pub delays_seconds: Vec<u32>,
    /// In a row, at most.
    pub attempts: Option<u16>,
    /// On the next number.
    pub next_number: bool,
    /// What the lead is marked with that ends by it.
    pub status: Option<String>,
}

/// A trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Channel technology.
    pub tech: String,
    /// Endpoint in the PBX.
    pub endpoint: String,
    /// May be used.
    pub enabled: bool,
    /// Calls per second, in thousandths.
    pub cps_milli: u32,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Calls at once.
    pub max_channels: u32,
}

/// Which trunk reaches a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// For this campaign only.
    pub campaign: Option<u64>,
    /// Leading digits.
    pub prefix: String,
    /// Trunk.
    pub trunk: u64,
    /// Lower first.
    pub priority: u32,
    /// Share among equals.
    pub weight: u32,
    /// Digits taken off.
    pub strip: u8,
    /// Digits put in front.
    pub prepend: String,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Id.
    pub id: u64,
    /// Name given to `OutdialAgent`.
    pub name: String,
    /// Campaigns.
    pub campaigns: Vec<Membership>,
    /// What the agent is good at.
    pub skills: Vec<Skill>,
    /// Where the agent can be rung.
    pub phone: Option<Phone>,
    /// The phone rings so long.
    pub ring_timeout_ms: u32,
}

/// Where an agent is rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// Channel technology.
    pub tech: String,
    /// Endpoint.
    pub endpoint: String,
}

/// An agent's part in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Campaign.
    pub campaign: u64,
    /// Lower first.
    pub rank: u8,
}

/// What an agent is good at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skill {
    /// Name.
    pub name: String,
    /// How good, 1 to 10.
    pub level: u8,
}

/// A lead that may be dialed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Id; never reused.
    pub id: u64,
    /// Lead.
    pub lead: u64,
    /// List.
    pub list: u64,
    /// The list's share among lists of equal priority, from 1.
    pub weight: u32,
    /// Higher first.
    pub priority: i32,
    /// An agent who has it alone.
    pub owner: Option<Owner>,
    /// Agents who have it are preferred.
    pub skill: Option<String>,
    /// Attempts so far.
    pub attempts: u16,
    /// How the last ones ended, all of them, and how many they are.
    pub last: Option<(String, u16)>,
    /// Somebody asked to be called now.
    pub callback: Option<Callback>,
    /// Numbers in the order in which to try them.
    pub numbers: Vec<LeadNumber>,
    /// Void from here on.
    pub expires_at_ms: i64,
}

/// A call that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// With this agent.
    pub agent: Option<u64>,
    /// Attempts at it so far.
    pub tries: u16,
}

/// Who has a lead alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Agent.
    pub agent: u64,
    /// Until then; `None`: for ever.
    pub until_ms: Option<i64>,
}

/// One number of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadNumber {
    /// Digits.
    pub number: String,
    /// Place among the lead's numbers.
    pub position: u8,
    /// Attempts so far.
    pub attempts: u16,
    /// Dial from here on.
    pub not_before_ms: i64,
    /// Dial before this instant only.
    pub not_after_ms: i64,
}
