//! The command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use outdial_sim::World;

use crate::limits;

/// A simulated PBX in real time: plays PBX, carrier, callees and agents for outdial's own engine.
/// Nobody is called. Sidecar, API and pages work as with a real PBX, but only test campaigns are
/// dialed (outdial campaign create NAME --test), and they are left out of statistics.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "outdial-sim-pbx",
    args_override_self = true,
    version,
    after_help = "Examples:
  outdial-sim-pbx --socket /run/outdial/link.sock --journal /tmp/sim-journal --agents 20
  outdial-sim-pbx --socket run/link.sock --journal journal --agents alice,bob --answer-rate 0.4 \\
      --speed 10 --call-log calls.jsonl
  outdial-sim-pbx --socket run/link.sock --journal journal --agents 500 --speed 1 \\
      --cps-limit 200 --max-calls 5000 --progress --duration 600
  outdial-sim-pbx --socket run/link.sock --journal journal --lose-events 0.001 \\
      --late-events 0.01 --kill-agent-every 60

Speed: the engine's clock is real, so what the engine itself times stays as it is: calls per
second of a trunk, ring timeout, connect limit, wrap-up, retry delays, calling windows. --speed
divides what carrier, callees and agents take: set-up, ringing, AMD, talk, messages. Set the
campaign's --ring-timeout-ms and --wrap-up-ms to match (25 s of ringing at --speed 10 are 2500).

Ends on SIGTERM or Ctrl-C: no new calls, calls in progress finish within --drain-seconds. A second
signal ends it at once; the journal keeps what happened."
)]
pub struct Options {
    /// The sidecar's socket
    #[arg(long, default_value = "/run/outdial/link.sock")]
    pub socket: PathBuf,
    /// Folder of the journal, of this node alone
    #[arg(long)]
    pub journal: PathBuf,
    /// Node name, as the sidecar's
    #[arg(long, default_value = "pbx1")]
    pub node: String,
    /// liboutdial.so [default: the one beside this program, else the one installed]
    #[arg(long, value_name = "PATH")]
    pub library: Option<PathBuf>,
    /// Agents who log in: how many (named 1001 and up), or their names with commas
    #[arg(long, default_value = "20", value_name = "COUNT|NAMES")]
    pub agents: String,
    /// Agents who log in, a name on each line; in place of --agents
    #[arg(long, value_name = "FILE", conflicts_with = "agents")]
    pub agents_from_file: Option<PathBuf>,
    /// Share of the calls that a person answers
    #[arg(long, default_value_t = 0.25, value_name = "SHARE", value_parser = share)]
    pub answer_rate: f64,
    /// Share of the calls that a machine answers
    #[arg(long, default_value_t = 0.2, value_name = "SHARE", value_parser = share)]
    pub machine_rate: f64,
    /// Share of the calls to a busy line (486)
    #[arg(long, default_value_t = 0.08, value_name = "SHARE", value_parser = share)]
    pub busy_rate: f64,
    /// Share of the calls to a number that does not exist (404)
    #[arg(long, default_value_t = 0.05, value_name = "SHARE", value_parser = share)]
    pub invalid_rate: f64,
    /// Share of the calls that the carrier can't place (503)
    #[arg(long, default_value_t = 0.01, value_name = "SHARE", value_parser = share)]
    pub congested_rate: f64,
    /// Share of the calls that the callee declines (603); what is left of all rings on
    #[arg(long, default_value_t = 0.01, value_name = "SHARE", value_parser = share)]
    pub refuse_rate: f64,
    /// Mean time from ringing to an answer
    #[arg(long, default_value_t = 9.0, value_name = "SECONDS", value_parser = above_zero)]
    pub ring_seconds: f64,
    /// Mean talk time
    #[arg(long, default_value_t = 120.0, value_name = "SECONDS", value_parser = above_zero)]
    pub talk_seconds: f64,
    /// Carrier, callees and agents are so much faster; the engine is not, see below
    #[arg(long, default_value_t = 1.0, value_name = "TIMES", value_parser = above_zero)]
    pub speed: f64,
    /// Answered calls that answering machine detection tells right; of the others it can't tell.
    /// 0: none runs, and agents get machines
    #[arg(long, default_value_t = 1.0, value_name = "SHARE", value_parser = share)]
    pub amd: f64,
    /// Calls that the carrier takes within a second; 503 above it [default: no limit]
    #[arg(long, value_name = "CALLS")]
    pub cps_limit: Option<usize>,
    /// Calls that the carrier carries at once; 503 above it [default: no limit]
    #[arg(long, value_name = "CALLS")]
    pub max_calls: Option<usize>,
    /// Share of the events that the PBX never tells the engine (never the end of a call or log-in)
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub lose_events: f64,
    /// Share of the events that it tells twice
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub duplicate_events: f64,
    /// Share of the events that it tells up to 2 s late, behind others
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub late_events: f64,
    /// Of the agents' phones that are rung (agents with a phone who logged in on hook), nobody picks
    /// up so many
    #[arg(long, default_value_t = 0.1, value_name = "SHARE", value_parser = share)]
    pub phones_missed: f64,
    /// Cut an agent off so often, in or out of a call
    #[arg(long, value_name = "SECONDS", value_parser = above_zero)]
    pub kill_agent_every: Option<f64>,
    /// What becomes of a call depends on this, the number, and how often it was dialed before
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// End by itself, as by SIGTERM
    #[arg(long, value_name = "SECONDS", value_parser = above_zero)]
    pub duration: Option<f64>,
    /// Calls in progress may take so long to finish at the end; then they are hung up
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS", value_parser = at_least_zero)]
    pub drain_seconds: f64,
    /// Write each call down, a line of JSON for each thing that happens to it; has numbers in it
    #[arg(long, value_name = "FILE")]
    pub call_log: Option<PathBuf>,
    /// Write the log there [default: standard error]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Least level that is logged: debug, info, warn or error
    #[arg(long, default_value = "info", value_parser = level)]
    pub log_level: u32,
    /// Print how it goes also where standard output is no terminal
    #[arg(long)]
    pub progress: bool,
}

impl Options {
    /// The names of the agents.
    ///
    /// # Errors
    /// The file can't be read, or there are too many.
    pub fn agents(&self) -> Result<Vec<String>> {
        let names: Vec<String> = match &self.agents_from_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("reading {}", file.display()))?;
                text.lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty() && !line.starts_with('#'))
                    .map(str::to_owned)
                    .collect()
            }
            None => match self.agents.parse::<usize>() {
                Ok(count) => (1..=count.min(limits::AGENTS + 1))
                    .map(|n| (1000 + n).to_string())
                    .collect(),
                Err(_) => self
                    .agents
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect(),
            },
        };
        ensure!(
            names.len() <= limits::AGENTS,
            "at most {} agents",
            limits::AGENTS
        );
        Ok(names)
    }

    /// Shares of the calls that end as busy, invalid, congested and refused.
    pub fn failures(&self) -> [f64; 4] {
        [
            self.busy_rate,
            self.invalid_rate,
            self.congested_rate,
            self.refuse_rate,
        ]
    }

    /// The model's world.
    ///
    /// # Errors
    /// The shares are more than all calls.
    pub fn world(&self) -> Result<World> {
        let failures: f64 = self.failures().iter().sum();
        let all = self.answer_rate + self.machine_rate + failures;
        ensure!(
            all <= 1.0 + 1e-9,
            "answer, machine, busy, invalid, congested and refuse rate make {all:.3}, more than 1"
        );
        let rest = (1.0 - self.answer_rate).max(f64::EPSILON);
        let mut world = World::steady(0, self.answer_rate);
        world.ring.0 = self.ring_seconds;
        world.not_answered = (failures / rest, self.machine_rate / rest);
        for change in &mut world.changes {
            change.talk = self.talk_seconds;
        }
        Ok(world)
    }

    /// Where the library is.
    pub fn library(&self) -> PathBuf {
        if let Some(path) = &self.library {
            return path.clone();
        }
        let beside = std::env::current_exe()
            .ok()
            .and_then(|program| Some(program.parent()?.join("liboutdial.so")));
        match beside {
            Some(path) if path.exists() => path,
            Some(_) | None => {
                Path::new(concat!("liboutdial.so.", env!("CARGO_PKG_VERSION"))).into()
            }
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err("a number is needed".into()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let value = number(text)?;
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err("0 to 1 is allowed".into())
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    let value = number(text)?;
    if value > 0.0 && value <= 1e6 {
        Ok(value)
    } else {
        Err("above 0, and at most a million".into())
    }
}

fn at_least_zero(text: &str) -> Result<f64, String> {
    let value = number(text)?;
    if (0.0..=1e6).contains(&value) {
        Ok(value)
    } else {
        Err("0 to a million is allowed".into())
    }
}

fn level(text: &str) -> Result<u32, String> {
    match text {
        "debug" => Ok(10),
        "info" => Ok(20),
        "warn" => Ok(30),
        "error" => Ok(40),
        _ => Err("debug, info, warn or error".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn options(words: &[&str]) -> Options {
        Options::try_parse_from(["sim", "--journal", "/tmp/j"].iter().chain(words)).unwrap()
    }

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
        assert!(
            Options::try_parse_from(["sim", "--journal", "j", "--answer-rate", "1.1"]).is_err()
        );
        assert!(Options::try_parse_from(["sim", "--journal", "j", "--speed", "0"]).is_err());
    }

    #[test]
    fn agents_are_a_count_or_names() {
        assert_eq!(
            options(&["--agents", "2"]).agents().unwrap(),
            ["1001", "1002"]
        );
        assert_eq!(
            options(&["--agents", "ann, bob"]).agents().unwrap(),
            ["ann", "bob"]
        );
        assert_eq!(options(&["--agents", "0"]).agents().unwrap().len(), 0);
        assert!(options(&["--agents", "10001"]).agents().is_err());
    }

    #[test]
    fn shares_of_all_calls_become_shares_of_those_that_nobody_answers() {
        let world = options(&["--answer-rate", "0.5", "--machine-rate", "0.2"])
            .world()
            .unwrap();
        assert!((world.not_answered.0 - 0.3).abs() < 1e-9, "{world:?}");
        assert!((world.not_answered.1 - 0.4).abs() < 1e-9, "{world:?}");
        assert!(options(&["--answer-rate", "0.9"]).world().is_err());
    }
}
