//! What the sidecar tells the engine to do: campaigns, trunks, routes, agents, settings.
//!
//! Each is replaced whole. A value outside its range is refused with a [`ConfigError`] that names
//! the field; the old configuration stays in force.

mod agent;
mod answers;
mod campaign;
mod checks;
mod trunk;

use crate::ids::{AgentId, CampaignId, TrunkId};
use crate::limits;
use crate::number::Number;
use crate::time::Wall;

pub use crate::retry::{RetryPolicy, RetryRule};
pub use agent::{AgentConfig, Membership, Phone, Skill};
pub use answers::{AnswerRules, ClockStart, OnMachine};
pub use campaign::{
    AbandonRule, AgentlessAction, CallerIds, CampaignConfig, CampaignState, MAX_RATIO_MILLI, Mode,
    POWER_RATIO_MILLI, Target,
};
pub(crate) use checks::{in_range, marked_name, name};
pub use trunk::{Route, TrunkConfig};

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
