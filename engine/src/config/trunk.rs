//! Trunks, and which of them reaches a number.

use std::sync::Arc;

use super::ConfigError;
use super::checks::{digits, in_range, len_u32, name};
use crate::ids::{CampaignId, TrunkId};
use crate::limits;

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
