//! What there is: campaigns, trunks, routes, agents.

use serde::{Deserialize, Serialize};

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
    /// AMD's verdict; the answer where there is none.
    Verdict,
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
    /// Name pattern of recordings; `None`: calls are not recorded.
    pub recording: Option<String>,
    /// What the callee sees.
    pub caller_ids: CallerIds,
    /// Retry rules.
    pub retry: RetryPolicy,
    /// Arguments of the AMD() that the PBX runs before the call is ready; empty: its own settings;
    /// `None`: it runs none.
    pub amd: Option<String>,
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
    /// `OutdialAgent` asks the agent for a PIN.
    pub pin: bool,
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
