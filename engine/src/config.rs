//! What the sidecar tells the engine to do: campaigns, trunks, routes, agents, settings.
//!
//! Each is replaced whole. A value outside its range is refused with a [`ConfigError`] that names
//! the field; the old configuration stays in force.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::event::Verdict;
use crate::ids::{AgentId, CampaignId, TrunkId};
use crate::limits;
use crate::number::Number;
use crate::time::Wall;

pub use crate::retry::{RetryPolicy, RetryRule};

/// What is wrong with one field of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}; allowed: {allowed}")]
pub struct ConfigError {
    /// The field as the operator knows it.
    pub field: &'static str,
    /// What was found there.
    pub problem: String,
    /// What may stand there.
    pub allowed: String,
}

impl ConfigError {
    pub(crate) fn new(
        field: &'static str,
        problem: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        ConfigError {
            field,
            problem: problem.into(),
            allowed: allowed.into(),
        }
    }
}

/// One change of configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// Settings of this node.
    Settings(Settings),
    /// A campaign, new or changed.
    Campaign(Box<CampaignConfig>),
    /// A campaign is gone: its dials in flight are ended as if it had been stopped.
    CampaignRemoved(CampaignId),
    /// A trunk, new or changed.
    Trunk(TrunkConfig),
    /// A trunk is gone: nothing more is dialed over it.
    TrunkRemoved(TrunkId),
    /// All routes, replacing those before.
    Routes(Vec<Route>),
    /// An agent, new or changed.
    Agent(AgentConfig),
    /// An agent is gone: logged out when free.
    AgentRemoved(AgentId),
    /// Calls of a campaign that a person answered on the day (UTC) of `at`, and those of them that
    /// got no agent, as far as this engine does not know of them. Added to its own count.
    Abandons {
        /// The campaign.
        campaign: CampaignId,
        /// Any instant of that day.
        at: Wall,
        /// Calls.
        answered: u32,
        /// Calls.
        abandoned: u32,
    },
    /// Calls of the last 24 hours in which these numbers were shown, as far as this engine does not
    /// know of them: those before its start, and those of other nodes. Added to its own count.
    CallerIdsShown(Vec<(Number, u32)>),
}

/// Settings of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Calls that may be dialing (not yet answered) at once.
    pub max_concurrent_originates: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            max_concurrent_originates: limits::CONCURRENT_ORIGINATES_DEFAULT,
        }
    }
}

impl Settings {
    /// # Errors
    /// Names the first field outside its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        in_range(
            "max_concurrent_originates",
            self.max_concurrent_originates,
            limits::CONCURRENT_ORIGINATES,
        )
    }
}

/// Whether a campaign dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignState {
    /// It dials.
    Running,
    /// It dials nothing new; what it holds it keeps.
    Paused,
    /// It dials nothing new and gives its leases back.
    Stopped,
}

/// How many calls are dialed for the agents who are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An agent sees the lead first, and dials or skips it.
    Preview {
        /// The agent has so long; then it is decided for them. `None`: until
        /// [`limits::PREVIEW_MOST`], when it is skipped.
        timeout_ms: Option<u32>,
        /// What is decided then: `true` dials, `false` skips.
        dial: bool,
    },
    /// One call for each free agent: `free - in_flight`.
    Progressive,
    /// A fixed ratio: `min(ratio * free - in_flight, max_concurrent - active)`.
    Power {
        /// Calls for each free agent, in thousandths (3000 is 3.0).
        ratio_milli: u32,
    },
    /// As many as the abandon budget allows by prediction; see `predict`.
    Predictive {
        /// Live calls for each agent logged in, in thousandths, at most; `None`: the prediction and
        /// the other caps are the only bounds.
        max_ratio_milli: Option<u32>,
    },
    /// No agents: `max_concurrent - active`.
    Agentless,
}

/// The range of [`Mode::Power`]'s ratio, in thousandths.
pub const POWER_RATIO_MILLI: RangeInclusive<u32> = 1_000..=5_000;

/// The range of [`Mode::Predictive`]'s ratio, in thousandths.
pub const MAX_RATIO_MILLI: RangeInclusive<u32> = 1_000..=20_000;

/// The abandon rule that a predictive campaign keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbandonRule {
    /// Abandoned calls among those that a person answered, in thousandths, at most.
    pub limit_milli: u32,
    /// The rule's window is a day or shorter: a small team gets no second chance in it.
    pub daily: bool,
}

impl Default for AbandonRule {
    /// 3% over 30 days (16 CFR 310.4(b)(4)(i), 47 CFR 64.1200(a)(7)).
    fn default() -> Self {
        AbandonRule {
            limit_milli: 30,
            daily: false,
        }
    }
}

/// A place in the dialplan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Context.
    pub context: Arc<str>,
    /// Extension.
    pub exten: Arc<str>,
    /// Priority, from 1.
    pub priority: u32,
}

/// What an agentless campaign does with an answered call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentlessAction {
    /// Plays [`CampaignConfig::message`], then hangs up.
    PlayMessage,
    /// Lets the call go on in the dialplan behind `OutdialConnect`.
    Continue,
    /// Sends the call elsewhere in the dialplan, an IVR or a voice bot for example.
    Goto(Target),
}

/// From where an answered call's time without an agent is counted. What AMD takes counts, unless it
/// is counted from its verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockStart {
    /// The answer.
    #[default]
    Answer,
    /// The callee's first sound; the answer until one is heard.
    GreetingStart,
    /// The end of the callee's first words (16 CFR 310.4(b)(4)(iii): "the called person's completed
    /// greeting"), which AMD hears; the answer until that is heard.
    GreetingEnd,
    /// AMD's verdict; the answer where there is none. No rule that we know of counts so.
    Verdict,
}

/// What is done with a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnMachine {
    /// The call is ended.
    #[default]
    HangUp,
    /// It is left this message, after its beep: voicemail drop.
    Message(Arc<str>),
    /// It gets an agent, as a person does.
    Agent,
}

/// Who gets an agent, by what AMD said. Where it did not run, a person is believed to have answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerRules {
    /// From where the time without an agent is counted.
    pub clock: ClockStart,
    /// [`Verdict::Machine`].
    pub machine: OnMachine,
    /// [`Verdict::Unknown`] is treated as a machine. Usually it is a person.
    pub unknown_is_machine: bool,
    /// [`Verdict::Screening`] is treated as a machine. Otherwise the agent says who calls.
    pub screening_is_machine: bool,
    /// People among those whom AMD takes for machines, in thousandths, as an audit of recordings
    /// found: they count as abandoned.
    pub people_among_machines_milli: u32,
}

impl AnswerRules {
    /// What is done with who answered, if it is a machine by these rules.
    #[must_use]
    pub fn machine(&self, verdict: Option<Verdict>) -> Option<&OnMachine> {
        let machine = match verdict? {
            Verdict::Human => false,
            Verdict::Machine => true,
            Verdict::Unknown => self.unknown_is_machine,
            Verdict::Screening => self.screening_is_machine,
        };
        (machine && self.machine != OnMachine::Agent).then_some(&self.machine)
    }
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignConfig {
    /// Its number in the database.
    pub id: CampaignId,
    /// Its name, unique.
    pub name: Arc<str>,
    /// Whether it dials.
    pub state: CampaignState,
    /// How many calls it dials.
    pub mode: Mode,
    /// Shared agents and trunk tokens go to the higher priority first.
    pub priority: i32,
    /// Attempts live at once.
    pub max_concurrent: u32,
    /// Dials that no agent is left for are ended once they have rung so long; those that do not
    /// ring yet at once. A predictive campaign also ends a dial that has rung so long when its answer
    /// would likely find no agent. Rules ask for at least 15 s (16 CFR 310.4(b)(4)(ii)).
    pub min_ring_ms: u32,
    /// Counted from the first ringing; rules ask for at least 15 s (16 CFR 310.4(b)(4)(ii)).
    pub ring_timeout_ms: u32,
    /// From answer to agent; then the call gets the message and counts as abandoned.
    /// 2 s in 16 CFR 310.4(b)(4)(iii) and 47 CFR 64.1200(a)(7).
    pub connect_limit_ms: u32,
    /// How many calls a predictive campaign may abandon.
    pub abandon: AbandonRule,
    /// Who gets an agent.
    pub answers: AnswerRules,
    /// The safe-harbour message, or what an agentless campaign plays: a sound's name in the PBX.
    pub message: Option<Arc<str>>,
    /// Where an answered call enters the dialplan.
    pub target: Target,
    /// Only with [`Mode::Agentless`].
    pub agentless: AgentlessAction,
    /// An agent's time after a call, unless the disposition comes earlier.
    pub wrap_up_ms: u32,
    /// Calls with an agent are recorded, by names of this pattern; `None`: they are not.
    pub recording: Option<Arc<str>>,
    /// The host tells people from machines before the call is ready, unless the dialplan has: with
    /// these arguments of AMD(), see [`crate::amd`]. `None`: only the dialplan does.
    pub amd: Option<Arc<str>>,
    /// What the callee sees.
    pub caller_ids: CallerIds,
    /// When and whether a lead is tried again.
    pub retry: RetryPolicy,
    /// The PBX's own queue whose members are the agents; `None`: outdial's own agents are.
    pub queue: Option<Arc<str>>,
}

impl CampaignConfig {
    /// # Errors
    /// Names the first field that is wrong, and what is allowed there.
    pub fn validate(&self) -> Result<(), ConfigError> {
        name("name", &self.name)?;
        name("context", &self.target.context)?;
        name("exten", &self.target.exten)?;
        in_range(
            "max_concurrent",
            self.max_concurrent,
            1..=len_u32(limits::LIVE_ATTEMPTS),
        )?;
        in_range("ring_timeout_ms", self.ring_timeout_ms, 1_000..=120_000)?;
        in_range("min_ring_ms", self.min_ring_ms, 0..=120_000)?;
        in_range("connect_limit_ms", self.connect_limit_ms, 100..=10_000)?;
        in_range("wrap_up_ms", self.wrap_up_ms, 0..=3_600_000)?;
        if let Some(sound) = &self.message {
            name("message", sound)?;
        }
        if let Some(pattern) = &self.recording {
            crate::recording::check(pattern)?;
        }
        if let Some(arguments) = &self.amd {
            crate::amd::check(arguments)?;
        }
        if let Some(queue) = &self.queue {
            crate::line::check(queue, self.mode)?;
        }
        self.caller_ids.validate()?;
        match self.mode {
            Mode::Power { ratio_milli } => in_range("ratio", ratio_milli, POWER_RATIO_MILLI)?,
            Mode::Predictive {
                max_ratio_milli: Some(ratio),
            } => in_range("max_ratio", ratio, MAX_RATIO_MILLI)?,
            Mode::Preview {
                timeout_ms: Some(ms),
                ..
            } => in_range("preview_timeout_ms", ms, 1_000..=600_000)?,
            Mode::Predictive {
                max_ratio_milli: None,
            }
            | Mode::Preview {
                timeout_ms: None, ..
            }
            | Mode::Progressive
            | Mode::Agentless => {}
        }
        in_range("abandon_limit", self.abandon.limit_milli, 1..=100)?;
        if let OnMachine::Message(sound) = &self.answers.machine {
            name("machine_message", sound)?;
        }
        in_range(
            "people_among_machines",
            self.answers.people_among_machines_milli,
            0..=500,
        )?;
        if self.needs_message() && self.message.is_none() {
            return Err(ConfigError::new(
                "message",
                "is missing",
                "a sound, because a call that finds no agent must get a message",
            ));
        }
        if let AgentlessAction::Goto(target) = &self.agentless {
            name("agentless context", &target.context)?;
            name("agentless exten", &target.exten)?;
        }
        self.retry.validate()
    }

    /// Over-dialing is refused without a message, and so is a message campaign.
    fn needs_message(&self) -> bool {
        match self.mode {
            Mode::Preview { .. } | Mode::Progressive => false,
            Mode::Power { ratio_milli } => ratio_milli > 1_000,
            Mode::Predictive { .. } => true,
            Mode::Agentless => self.agentless == AgentlessAction::PlayMessage,
        }
    }
}

/// Numbers shown to callees. Without one nothing is dialed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerIds {
    /// Used in turn.
    pub numbers: Vec<Number>,
    /// Each is shown in at most so many calls in 24 hours, over all campaigns; `None`: no limit.
    pub daily_cap: Option<u32>,
    /// Local presence: numbers that have at least so many leading digits in common with the called
    /// number, country code included, are preferred, the nearest first. 0: off. Country and area
    /// code of +1 have 4 digits.
    pub local_digits: u8,
}

impl CallerIds {
    /// # Errors
    /// Names the first field that is wrong, and what is allowed there.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.numbers.is_empty() || self.numbers.len() > limits::CALLER_IDS {
            return Err(ConfigError::new(
                "caller_ids",
                format!("has {} numbers", self.numbers.len()),
                format!("1 to {}", limits::CALLER_IDS),
            ));
        }
        if let Some(cap) = self.daily_cap {
            in_range("caller_id_daily_cap", cap, 1..=1_000_000)?;
        }
        in_range("local_presence", u32::from(self.local_digits), 0..=10)
    }
}

/// A trunk: one endpoint of the PBX towards a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkConfig {
    /// Its number in the database.
    pub id: TrunkId,
    /// Its name, unique.
    pub name: Arc<str>,
    /// Channel technology, `PJSIP` for example.
    pub tech: Arc<str>,
    /// The endpoint's name in the PBX.
    pub endpoint: Arc<str>,
    /// Whether it may be used.
    pub enabled: bool,
    /// New calls per second, in thousandths.
    pub cps_milli: u32,
    /// Calls that may start at once after a pause.
    pub burst: u32,
    /// Calls at once, answered or not.
    pub max_channels: u32,
}

impl TrunkConfig {
    /// # Errors
    /// Names the first field that is wrong, and what is allowed there.
    pub fn validate(&self) -> Result<(), ConfigError> {
        name("name", &self.name)?;
        name("tech", &self.tech)?;
        name("endpoint", &self.endpoint)?;
        in_range("cps_limit", self.cps_milli, 1..=1_000_000)?;
        in_range("burst", self.burst, 1..=1_000)?;
        in_range(
            "max_channels",
            self.max_channels,
            1..=len_u32(limits::LIVE_ATTEMPTS),
        )
    }
}

/// Which trunk reaches a number. The longest matching prefix decides, then the lower `priority`,
/// then `weight` among equals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// For this campaign only; `None` is for every campaign that has no route of its own.
    pub campaign: Option<CampaignId>,
    /// Leading digits of the number; empty matches every number.
    pub prefix: Box<str>,
    /// The trunk.
    pub trunk: TrunkId,
    /// Lower is tried first.
    pub priority: u32,
    /// Share among routes of equal prefix and priority, from 1.
    pub weight: u32,
    /// Leading digits taken off before dialing.
    pub strip: u8,
    /// Digits put in front after stripping.
    pub prepend: Box<str>,
}

impl Route {
    /// # Errors
    /// Names the first field that is wrong, and what is allowed there.
    pub fn validate(&self) -> Result<(), ConfigError> {
        digits("prefix", &self.prefix)?;
        digits("prepend", &self.prepend)?;
        in_range("strip", u32::from(self.strip), 0..=14)?;
        in_range("weight", self.weight, 1..=1_000)
    }
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// Its number in the database.
    pub id: AgentId,
    /// The name given to `OutdialAgent`, unique.
    pub name: Arc<str>,
    /// Campaigns whose calls the agent takes.
    pub campaigns: Vec<Membership>,
    /// What the agent is good at.
    pub skills: Vec<Skill>,
    /// Where the agent can be rung: then it takes no channel to be logged in.
    pub phone: Option<Phone>,
    /// The phone rings so long; the campaign's `connect_limit_ms` may end it before.
    pub ring_timeout_ms: u32,
    /// Nobody enters `OutdialAgent` as this agent without saying the PIN.
    pub pin: bool,
}

/// Where an agent is rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Channel technology, `PJSIP` for example.
    pub tech: Arc<str>,
    /// The phone's endpoint.
    pub endpoint: Arc<str>,
}

/// An agent's part in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The campaign.
    pub campaign: CampaignId,
    /// Of the free agents those with the lowest rank get a call first; among equals who has waited
    /// longest.
    pub rank: u8,
}

impl From<CampaignId> for Membership {
    /// Rank 0: before all others.
    fn from(campaign: CampaignId) -> Membership {
        Membership { campaign, rank: 0 }
    }
}

/// What an agent is good at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Name, as leads ask for it.
    pub name: Arc<str>,
    /// How good, from 1 to 10.
    pub level: u8,
}

impl AgentConfig {
    /// # Errors
    /// Names the first field that is wrong, and what is allowed there.
    pub fn validate(&self) -> Result<(), ConfigError> {
        name("name", &self.name)?;
        in_range(
            "campaigns",
            len_u32(self.campaigns.len()),
            0..=len_u32(limits::CAMPAIGNS),
        )?;
        in_range("skills", len_u32(self.skills.len()), 0..=limits::SKILLS)?;
        for skill in &self.skills {
            self::name("skills", &skill.name)?;
            in_range("skill level", u32::from(skill.level), 1..=10)?;
        }
        if let Some(phone) = &self.phone {
            dialable("phone_tech", &phone.tech, "_-.")?;
            dialable("phone_endpoint", &phone.endpoint, "_-.@")?;
        }
        in_range(
            "ring_timeout_ms",
            self.ring_timeout_ms,
            limits::PHONE_RING_MS,
        )?;
        Ok(())
    }
}

pub(crate) fn in_range(
    field: &'static str,
    value: u32,
    range: RangeInclusive<u32>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        format!("is {value}"),
        format!("{} to {}", range.start(), range.end()),
    ))
}

/// Names reach dial strings and dialplan look-ups: letters, digits and a few marks only.
pub(crate) fn name(field: &'static str, text: &str) -> Result<(), ConfigError> {
    marked_name(field, text, "_-./")
}

/// A name with these marks.
pub(crate) fn marked_name(field: &'static str, text: &str, marks: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == ' ' || marks.contains(c);
    let plain = !text.is_empty() && text.len() <= limits::NAME_BYTES && text.chars().all(allowed);
    if plain && !text.contains("..") {
        return Ok(());
    }
    let marks: Vec<String> = marks.chars().map(String::from).collect();
    Err(ConfigError::new(
        field,
        format!("is {text:?}"),
        format!(
            "1 to {} of A-Z a-z 0-9 {} and space",
            limits::NAME_BYTES,
            marks.join(" ")
        ),
    ))
}

/// Part of a dial string.
fn dialable(field: &'static str, text: &str, marks: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    if (1..=limits::NAME_BYTES).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        format!("is {text:?}"),
        format!("1 to {} of A-Z a-z 0-9 {marks}", limits::NAME_BYTES),
    ))
}

fn digits(field: &'static str, text: &str) -> Result<(), ConfigError> {
    if text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        format!("is {text:?}"),
        "up to 15 digits",
    ))
}

fn len_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
