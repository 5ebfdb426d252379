//! Campaigns: whether, how many and in what way they dial.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::answers::{AnswerRules, OnMachine};
use super::checks::{in_range, len_u32, name};
use super::{ConfigError, RetryPolicy};
use crate::ids::CampaignId;
use crate::limits;
use crate::number::Number;

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
