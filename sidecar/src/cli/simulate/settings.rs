//! The campaign that is simulated: its file, or what the sidecar knows of it.

use std::path::Path;

use outdial_engine::config::{AbandonRule, ConfigError, Mode, POWER_RATIO_MILLI};
use outdial_sim::{Plan, World};
use serde_json::{Map, Value};

use crate::cli::{CliError, table};
use crate::limits;
use crate::store::{allowed_in_campaign, campaigns};

/// A campaign's fields that the simulation looks at.
const LOOKED_AT: [&str; 10] = [
    "mode",
    "ratio",
    "max_ratio",
    "abandon_limit",
    "abandon_window",
    "max_concurrent",
    "min_ring_ms",
    "ring_timeout_ms",
    "connect_limit_ms",
    "wrap_up_ms",
];

/// A campaign's settings, as far as they matter here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The campaign's own mode; `None` where there is no campaign, or where it can't be simulated.
    pub own: Option<Mode>,
    /// Of power.
    pub ratio_milli: u32,
    /// Of predictive.
    pub max_ratio_milli: Option<u32>,
    pub abandon: AbandonRule,
    pub max_concurrent: u32,
    pub min_ring_ms: u32,
    pub ring_timeout_ms: u32,
    pub connect_limit_ms: u32,
    pub wrap_up_ms: u32,
    /// What the reader should know of the campaign: fields and modes that are not simulated.
    pub remarks: Vec<String>,
}

/// The fields of a campaign's file, as `outdial campaign create` knows them.
pub fn read(path: &Path) -> Result<Map<String, Value>, CliError> {
    let cant_read = |error| CliError::File(format!("can't read {}", path.display()), error);
    let bytes = std::fs::metadata(path).map_err(cant_read)?.len();
    if bytes > limits::SIMULATE_FILE_BYTES {
        return Err(CliError::Refused(format!(
            "{} has {bytes} bytes; a campaign's file has at most {}",
            path.display(),
            limits::SIMULATE_FILE_BYTES
        )));
    }
    let text = std::fs::read_to_string(path).map_err(cant_read)?;
    let refused = |why: String| CliError::Refused(format!("{}: {why}", path.display()));
    let fields: Map<String, Value> =
        toml::from_str(&text).map_err(|error| refused(error.to_string()))?;
    let known = campaigns::TABLE.columns;
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(fields),
        Some(key) => Err(refused(format!(
            "a campaign has no field {key:?}; fields: {}",
            known.join(", ")
        ))),
    }
}

impl Settings {
    /// Settings of a campaign with these fields and the defaults of `campaign create`; without
    /// any fields it is nobody's. `whose` is said in errors.
    pub fn new(fields: Option<&Map<String, Value>>, whose: &str) -> Result<Settings, CliError> {
        let none = Map::new();
        let fields = Fields {
            fields: fields.unwrap_or(&none),
            whose,
            given: fields.is_some(),
        };
        let settings = fields.settings()?;
        fields.check(&settings)?;
        Ok(settings)
    }

    /// The campaign at work in that world by that mode.
    pub fn plan(&self, world: World, mode: Mode) -> Plan {
        Plan {
            abandon: self.abandon,
            max_concurrent: self.max_concurrent,
            min_ring_ms: self.min_ring_ms,
            ring_timeout_ms: self.ring_timeout_ms,
            connect_limit_ms: self.connect_limit_ms,
            wrap_up_ms: self.wrap_up_ms,
            ..Plan::new(world, mode, 0)
        }
    }

    /// In percent.
    pub fn abandon_limit(&self) -> f64 {
        f64::from(self.abandon.limit_milli) / 10.0
    }
}

struct Fields<'a> {
    fields: &'a Map<String, Value>,
    whose: &'a str,
    given: bool,
}

impl Fields<'_> {
    fn settings(&self) -> Result<Settings, CliError> {
        let ratio_milli = self.thousandths("ratio", 1e3)?.unwrap_or(3_000);
        let max_ratio_milli = self.thousandths("max_ratio", 1e3)?;
        let mut remarks = Vec::new();
        let own = match self.word("mode", "progressive")? {
            "progressive" => Some(Mode::Progressive),
            "power" => Some(Mode::Power { ratio_milli }),
            "predictive" => Some(Mode::Predictive { max_ratio_milli }),
            mode @ ("preview" | "agentless") => {
                remarks.push(format!(
                    "The campaign's own mode, {mode}, is not simulated."
                ));
                None
            }
            _ => return Err(self.refused("mode")),
        };
        let daily = match self.word("abandon_window", "month")? {
            "day" => true,
            "month" => false,
            _ => return Err(self.refused("abandon_window")),
        };
        Ok(Settings {
            own: own.filter(|_| self.given),
            ratio_milli,
            max_ratio_milli,
            abandon: AbandonRule {
                limit_milli: self.thousandths("abandon_limit", 10.0)?.unwrap_or(30),
                daily,
            },
            max_concurrent: self.whole("max_concurrent", 100)?,
            min_ring_ms: self.whole("min_ring_ms", 15_000)?,
            ring_timeout_ms: self.whole("ring_timeout_ms", 25_000)?,
            connect_limit_ms: self.whole("connect_limit_ms", 2_000)?,
            wrap_up_ms: self.whole("wrap_up_ms", 10_000)?,
            remarks,
        })
    }

    /// By the engine's own rules, the ratios even where the mode does not use them.
    fn check(&self, settings: &Settings) -> Result<(), CliError> {
        let ratio_milli = settings.ratio_milli;
        let max_ratio_milli = settings.max_ratio_milli;
        for mode in [
            Mode::Power { ratio_milli },
            Mode::Predictive { max_ratio_milli },
        ] {
            let plan = settings.plan(World::steady(1, 0.5), mode);
            plan.check().map_err(|error| self.explain(&error))?;
        }
        Ok(())
    }

    /// The engine's thousandths are no operator's units.
    fn explain(&self, error: &ConfigError) -> CliError {
        match self.fields.contains_key(error.field) {
            true => self.refused(error.field),
            false => CliError::Refused(error.to_string()),
        }
    }

    fn refused(&self, field: &str) -> CliError {
        let value = table::text(self.fields.get(field).unwrap_or(&Value::Null));
        let allowed = allowed_in_campaign(field).unwrap_or("another value");
        CliError::Refused(format!(
            "{}: {field} is {value}; allowed: {allowed}",
            self.whose
        ))
    }

    fn word(&self, field: &str, otherwise: &'static str) -> Result<&str, CliError> {
        match self.fields.get(field) {
            None => Ok(otherwise),
            Some(value) => value.as_str().ok_or_else(|| self.refused(field)),
        }
    }

    fn whole(&self, field: &str, otherwise: u32) -> Result<u32, CliError> {
        let Some(value) = self.fields.get(field) else {
            return Ok(otherwise);
        };
        let whole = value.as_u64().and_then(|n| u32::try_from(n).ok());
        whole.ok_or_else(|| self.refused(field))
    }

    /// A number in units of which `per_unit` are one.
    fn thousandths(&self, field: &str, per_unit: f64) -> Result<Option<u32>, CliError> {
        let Some(value) = self.fields.get(field) else {
            return Ok(None);
        };
        let number = value.as_f64().ok_or_else(|| self.refused(field))?;
        match rounded(number * per_unit) {
            Some(milli) => Ok(Some(milli)),
            None => Err(self.refused(field)),
        }
    }
}

/// A power ratio in thousandths, if there can be such a one.
pub fn power_ratio(text: &str) -> Option<u32> {
    let ratio: f64 = text.parse().ok()?;
    rounded(ratio * 1e3).filter(|milli| POWER_RATIO_MILLI.contains(milli))
}

/// To the nearest whole number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "looked at before the cast"
)]
pub fn rounded(number: f64) -> Option<u32> {
    (0.0..4e9).contains(&number).then(|| number.round() as u32)
}

/// Fields that the file has and the simulation leaves alone.
pub fn not_looked_at(fields: &Map<String, Value>) -> Vec<&str> {
    let keys = fields.keys().map(String::as_str);
    keys.filter(|key| !LOOKED_AT.contains(key) && *key != "name")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> Result<Settings, String> {
        let fields: Map<String, Value> = toml::from_str(toml).unwrap();
        Settings::new(Some(&fields), "x").map_err(|error| error.to_string())
    }

    #[test]
    fn fields_are_read_in_the_operators_units() {
        let read =
            settings("mode = 'power'\nratio = 2\nabandon_limit = 1.5\nabandon_window = 'day'");
        let read = read.unwrap();
        assert_eq!(read.own, Some(Mode::Power { ratio_milli: 2_000 }));
        assert_eq!((read.abandon.limit_milli, read.abandon.daily), (15, true));
        assert_eq!(Settings::new(None, "").unwrap().own, None);
        assert_eq!(settings("").unwrap().own, Some(Mode::Progressive));
        let preview = settings("mode = 'preview'").unwrap();
        assert!(preview.own.is_none() && preview.remarks[0].contains("preview"));
    }

    #[test]
    fn what_is_out_of_range_is_named_with_its_range() {
        for (toml, words) in [
            ("ratio = 9", "x: ratio is 9; allowed: 1 to 5"),
            ("max_ratio = 0.5", "x: max_ratio is 0.5; allowed: 1 to 20"),
            ("abandon_limit = 40", "allowed: 0.1 to 10 percent"),
            ("abandon_limit = -1", "abandon_limit is -1"),
            ("abandon_window = 'year'", "allowed: day or month"),
            (
                "mode = 'fast'",
                "mode is fast; allowed: preview, progressive",
            ),
            ("ring_timeout_ms = 5", "allowed: 1000 to 120000"),
            ("connect_limit_ms = 99999", "allowed: 100 to 10000"),
            ("wrap_up_ms = -3", "wrap_up_ms is -3; allowed: 0 to 3600000"),
            ("min_ring_ms = 'long'", "min_ring_ms is long; allowed: 0 to"),
            ("max_concurrent = 0", "allowed: 1 to 10000"),
        ] {
            let error = settings(toml).unwrap_err();
            assert!(error.contains(words), "{toml}: {error}");
        }
    }
}
