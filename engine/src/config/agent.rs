//! Agents: what they do, what they are good at, and where they are rung.

use std::sync::Arc;

use super::ConfigError;
use super::checks::{dialable, in_range, len_u32, name};
use crate::ids::{AgentId, CampaignId};
use crate::limits;

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
            name("skills", &skill.name)?;
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
