//! A world like the one that a campaign has met.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::client::{get, path};
use crate::cli::{CliError, Context};
use crate::limits;

/// What the sidecar tells of a campaign's calls.
#[derive(Debug, Deserialize)]
pub struct Like {
    pub campaign: String,
    pub days: u32,
    pub dials: u64,
    pub persons: u64,
    pub machines: u64,
    pub failures: u64,
    /// Agents of the campaign.
    pub agents: u32,
    pub set_up_seconds: Option<f64>,
    pub ring_seconds: Option<f64>,
    pub talk_seconds: Option<f64>,
    pub talk_deviation_seconds: Option<f64>,
    /// Its fields as `outdial campaign show` has them.
    pub settings: Map<String, Value>,
}

impl Like {
    /// Asks the sidecar.
    pub fn ask(context: &Context, name: &str) -> Result<Like, CliError> {
        let answer = get(context, &path(&["campaigns", name, "statistics"]))?;
        let like: Like =
            serde_json::from_value(answer).map_err(|error| CliError::Broken(error.to_string()))?;
        if like.dials < limits::SIMULATE_DIALS {
            return Err(CliError::Refused(format!(
                "campaign {:?} has {} dials in the last {} days, too few to tell how its callees \
                 behave; {} are needed. Leave --like out and say --answer-rate, --talk and so on",
                like.campaign,
                like.dials,
                like.days,
                limits::SIMULATE_DIALS
            )));
        }
        Ok(like)
    }

    /// Share of the dials that a person answered.
    pub fn answer_rate(&self) -> f64 {
        share(self.persons, self.dials)
    }

    /// Of the dials that no person answered, those that failed at once, and those that a machine
    /// answered.
    pub fn not_answered(&self) -> (f64, f64) {
        let rest = self.dials.saturating_sub(self.persons);
        (share(self.failures, rest), share(self.machines, rest))
    }

    /// Standard deviation of the talk time by its mean.
    pub fn talk_variation(&self) -> Option<f64> {
        let mean = self.talk_seconds.filter(|mean| *mean > 0.0)?;
        Some(self.talk_deviation_seconds? / mean)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    let real = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if whole == 0 {
        0.0
    } else {
        real(part) / real(whole)
    }
}
