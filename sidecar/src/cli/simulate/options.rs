//! What is simulated: flags over the file over the recorded campaign over defaults.

use std::path::PathBuf;

use clap::Args;
use outdial_engine::config::Mode;
use outdial_sim::{Change, Plan, World};

use crate::cli::simulate::like::Like;
use crate::cli::simulate::settings::{self, Settings, power_ratio, rounded};
use crate::cli::{CliError, Context};
use crate::limits;

const ANSWER_RATE: (f64, f64) = (0.01, 0.95);
/// Agents who take part of the time after a call take at most so many times their mean.
const LONGEST_WRAP_UP: f64 = 6.0;

#[derive(Args)]
pub struct Simulate {
    /// Campaign whose settings hold: a TOML file with the fields that `outdial campaign create`
    /// knows, such as mode, ratio, max_ratio, abandon_limit, ring_timeout_ms, wrap_up_ms
    #[arg(long, value_name = "FILE")]
    campaign: Option<PathBuf>,
    /// Take callees, talk time and settings from this campaign's recorded calls of the last 30
    /// days; flags and --campaign win over it
    #[arg(long, value_name = "CAMPAIGN")]
    like: Option<String>,
    /// Agents at work [default: 20; with --like those of the campaign]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::SIMULATE_AGENTS)))]
    agents: Option<u32>,
    /// Share of the dials that a person answers, if it rings long enough: 0.01 to 0.95
    /// [default: 0.25]
    #[arg(long, value_name = "P", value_parser = within(ANSWER_RATE.0, ANSWER_RATE.1))]
    answer_rate: Option<f64>,
    /// Length of the shift, 0.5 to 200
    #[arg(long, value_name = "H", default_value = "8", value_parser = within(0.5, 200.0))]
    hours: f64,
    /// progressive, predictive, power (with the campaign's ratio) or power:RATIO; may be given
    /// several times [default: progressive, power:1.5, power:2, power:3, predictive, and the
    /// campaign's own]
    #[arg(long = "mode", value_name = "MODE", value_parser = read_mode)]
    modes: Vec<Wanted>,
    /// Mean talk time, 5 to 3600 [default: 120]
    #[arg(long, value_name = "SECONDS", value_parser = within(5.0, 3_600.0))]
    talk: Option<f64>,
    /// Mean time after a call, 0 to 600 [default: all of the campaign's wrap_up_ms, which is
    /// 10000 unless the campaign says otherwise]
    #[arg(long, value_name = "SECONDS", value_parser = within(0.0, 600.0))]
    wrap_up: Option<f64>,
    /// Mean time from ringing to an answer, 1 to 60 [default: 9]
    #[arg(long, value_name = "SECONDS", value_parser = within(1.0, 60.0))]
    ring: Option<f64>,
    /// Machines among the dials that no person answers, 0 to 1 [default: 0.45]
    #[arg(long, value_name = "P", value_parser = within(0.0, 1.0))]
    machines: Option<f64>,
    /// New calls per second at most, 0.001 to 1000 [default: no such bound]
    #[arg(long, value_name = "CPS", value_parser = within(0.001, 1_000.0))]
    cps: Option<f64>,
    /// Shifts of each mode, each with other dice, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::SIMULATE_RUNS)))]
    runs: u32,
    /// The same seed gives the same figures
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the chart goes
    #[arg(long, value_name = "FILE", default_value = "simulate.svg")]
    pub(super) svg: PathBuf,
    /// Replace the chart if the file exists already
    #[arg(long)]
    pub(super) force: bool,
}

/// A mode as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Progressive,
    /// With the campaign's ratio.
    Power,
    PowerOf(u32),
    Predictive,
}

/// What is worked through.
pub struct Task {
    /// Modes in the order in which they are shown.
    pub modes: Vec<Mode>,
    /// The plan of each but for its mode and seed.
    pub plan: Plan,
    pub settings: Settings,
    pub runs: u32,
    pub hours: f64,
    pub seed: u64,
    /// What the reader should know.
    pub remarks: Vec<String>,
}

impl Simulate {
    /// Puts everything together.
    pub fn task(&self, context: &Context) -> Result<Task, CliError> {
        let like = self.like.as_deref();
        let like = like.map(|name| Like::ask(context, name)).transpose()?;
        let mut remarks = Vec::new();
        let mut settings = self.settings(like.as_ref(), &mut remarks)?;
        remarks.append(&mut settings.remarks);
        let wrap_up = self.wrap_up(&mut settings);
        let world = self.world(like.as_ref(), wrap_up)?;
        if let Some(like) = &like {
            remarks.push(format!(
                "Callees as campaign {:?} met them in {} dials of the last {} days.",
                like.campaign, like.dials, like.days
            ));
        }
        let agents = world.agents();
        if settings.max_concurrent < 2 * agents {
            remarks.push(format!(
                "The campaign may have {} calls at once (max_concurrent): for {agents} agents that \
                 may be what holds dialing back.",
                settings.max_concurrent
            ));
        }
        let modes = self.modes(&settings)?;
        let mut plan = settings.plan(world, Mode::Progressive);
        // A shift counts from its first call: what a mode costs while it learns belongs to it.
        plan.warm_up = 0;
        plan.seconds = rounded(self.hours * 3_600.0).unwrap_or(3_600);
        if let Some(cps) = self.cps {
            plan.cps_milli = rounded(cps * 1e3).unwrap_or(1).max(1);
            plan.burst = 1;
        }
        Ok(Task {
            modes,
            plan,
            settings,
            runs: self.runs,
            hours: self.hours,
            seed: self.seed,
            remarks,
        })
    }

    fn settings(
        &self,
        like: Option<&Like>,
        remarks: &mut Vec<String>,
    ) -> Result<Settings, CliError> {
        let mut whose = like.map_or(String::new(), |like| {
            format!("campaign {:?}", like.campaign)
        });
        let mut fields = like.map(|like| like.settings.clone());
        if let Some(path) = &self.campaign {
            let file = settings::read(path)?;
            let idle = settings::not_looked_at(&file);
            if !idle.is_empty() {
                remarks.push(format!("No part in the simulation: {}.", idle.join(", ")));
            }
            whose = path.display().to_string();
            fields.get_or_insert_default().extend(file);
        }
        Settings::new(fields.as_ref(), &whose)
    }

    /// Mean and variation of the time after a call; with the flag the campaign's bound gives way.
    fn wrap_up(&self, settings: &mut Settings) -> (f64, f64) {
        let Some(mean) = self.wrap_up else {
            return (f64::from(settings.wrap_up_ms) / 1e3, 0.0);
        };
        settings.wrap_up_ms = rounded(mean * 1e3 * LONGEST_WRAP_UP).unwrap_or(0);
        (mean, 0.6)
    }

    fn world(&self, like: Option<&Like>, wrap_up: (f64, f64)) -> Result<World, CliError> {
        let assigned = like.map(|like| like.agents).filter(|agents| *agents > 0);
        let agents = self.agents.or(assigned).unwrap_or(20);
        let answers = match (self.answer_rate, like) {
            (Some(rate), _) => rate,
            (None, Some(like)) => recorded_rate(like)?,
            (None, None) => 0.25,
        };
        let steady = World::steady(agents.min(limits::SIMULATE_AGENTS), answers);
        let recorded = |mean: fn(&Like) -> Option<f64>, least: f64, most: f64| {
            like.and_then(mean).map(|mean| mean.clamp(least, most))
        };
        let (fails, machines) = like.map_or(steady.not_answered, Like::not_answered);
        let machines = self.machines.unwrap_or(machines);
        let (set_up, ring, talk) = (steady.set_up, steady.ring, 120.0);
        let talk = self
            .talk
            .or(recorded(|like| like.talk_seconds, 5.0, 3_600.0))
            .unwrap_or(talk);
        Ok(World {
            set_up: (
                recorded(|like| like.set_up_seconds, 0.1, 30.0).unwrap_or(set_up.0),
                set_up.1,
            ),
            ring: (
                self.ring
                    .or(recorded(|like| like.ring_seconds, 1.0, 60.0))
                    .unwrap_or(ring.0),
                ring.1,
            ),
            not_answered: (fails.min(1.0 - machines), machines),
            talk_cv: recorded(Like::talk_variation, 0.1, 3.0).unwrap_or(steady.talk_cv),
            wrap_up,
            changes: steady
                .changes
                .iter()
                .map(|change| Change { talk, ..*change })
                .collect(),
            amd: steady.amd,
            amd_person: steady.amd_person,
            tells: steady.tells,
        })
    }

    fn modes(&self, settings: &Settings) -> Result<Vec<Mode>, CliError> {
        const USUAL: [Wanted; 5] = [
            Wanted::Progressive,
            Wanted::PowerOf(1_500),
            Wanted::PowerOf(2_000),
            Wanted::PowerOf(3_000),
            Wanted::Predictive,
        ];
        let usual = self.modes.is_empty();
        let wanted = if usual { &USUAL } else { self.modes.as_slice() };
        let mode = |wanted: &Wanted| match *wanted {
            Wanted::Progressive => Mode::Progressive,
            Wanted::Power => Mode::Power {
                ratio_milli: settings.ratio_milli,
            },
            Wanted::PowerOf(ratio_milli) => Mode::Power { ratio_milli },
            Wanted::Predictive => Mode::Predictive {
                max_ratio_milli: settings.max_ratio_milli,
            },
        };
        let mut modes: Vec<Mode> = Vec::new();
        let own = settings.own.filter(|_| usual);
        for mode in wanted.iter().map(mode).chain(own) {
            if !modes.contains(&mode) {
                modes.push(mode);
            }
        }
        if modes.len() > limits::SIMULATE_MODES {
            return Err(CliError::Refused(format!(
                "--mode is given {} times; allowed: up to {}",
                modes.len(),
                limits::SIMULATE_MODES
            )));
        }
        Ok(modes)
    }
}

fn recorded_rate(like: &Like) -> Result<f64, CliError> {
    let rate = like.answer_rate();
    if (ANSWER_RATE.0..=ANSWER_RATE.1).contains(&rate) {
        return Ok(rate);
    }
    Err(CliError::Refused(format!(
        "a person answered {} of the {} dials of campaign {:?}; --answer-rate is needed: {} to {}",
        like.persons, like.dials, like.campaign, ANSWER_RATE.0, ANSWER_RATE.1
    )))
}

/// Reads a number within bounds.
fn within(least: f64, most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync {
    move |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(format!("allowed: {least} to {most}")),
    }
}

fn read_mode(text: &str) -> Result<Wanted, String> {
    match (text, text.strip_prefix("power:")) {
        ("progressive", _) => Ok(Wanted::Progressive),
        ("power", _) => Ok(Wanted::Power),
        ("predictive", _) => Ok(Wanted::Predictive),
        (_, Some(ratio)) => match power_ratio(ratio) {
            Some(ratio_milli) => Ok(Wanted::PowerOf(ratio_milli)),
            None => Err("ratio allowed: 1 to 5".into()),
        },
        (_, None) => Err("allowed: progressive, predictive, power, power:RATIO".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read() {
        assert_eq!(read_mode("power:2.5"), Ok(Wanted::PowerOf(2_500)));
        assert_eq!(read_mode("power"), Ok(Wanted::Power));
        assert!(read_mode("power:6").is_err_and(|why| why.contains("1 to 5")));
        assert!(read_mode("preview").is_err_and(|why| why.contains("predictive")));
    }
}
