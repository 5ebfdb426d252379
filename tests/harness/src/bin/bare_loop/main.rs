//! `make bench`: what outdial costs inside the PBX, beside a loop in C that originates and nothing
//! else, on the same threads, over SIP and inside the PBX, in the same run.
//!
//! `PBX=freeswitch` takes FreeSWITCH instead of Asterisk. `RUNS=1` and `TECH=PJSIP` make it short,
//! `VERBOSE=1` shows where the time went, by thread.

mod asterisk;
mod freeswitch;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use outdial_harness::carrier::busiest;
use outdial_harness::figures::{Measure, count, ratio, report};
use outdial_harness::process::{cpu_by_thread, cpu_seconds, family, pin};
use outdial_harness::wait::{wait_for, wait_looking};
use outdial_harness::{
    Asterisk, Context, Fate, FreeSwitch, Pbx, Result, Rig, RigOptions, bail, ensure,
};

/// Offered calls per second.
const RATE: u32 = 100;
/// Calls of one measurement.
const CALLS: u32 = 400;
/// Calls of one measurement at saturation.
const BURST: u32 = 2_000;
/// Calls at once at saturation.
const AT_ONCE: u32 = 100;
/// Rounds, where `RUNS` says nothing else.
const RUNS: usize = 25;
const SATURATION_RUNS: usize = 3;
const CPU: &str = "CPU per call at 100 calls/s";
const OFFERED: &str = "calls per second where 100 were asked for";
const SATURATION: &str = "calls per second at saturation";
const MOST: f64 = 1.10;
/// From the last start to the end of a measurement.
const REST_SECONDS: u64 = 3;
const SECOND: Duration = Duration::from_secs(1);

/// A PBX with a loop to compare with.
trait BarePbx: Pbx {
    /// Technology over SIP.
    const SIP: &'static str;
    /// Technology of calls that stay inside the PBX.
    const INSIDE: &'static str;
    /// Context `bench` for outdial's calls, `bare` for the loop's, `loop` for who answers inside.
    const DIALPLAN: &'static str;

    /// Loads the loop, and keeps the log from costing either side something.
    fn prepare(rig: &Rig<Self>) -> Result<()>;

    /// Runs the loop: technology, number, calls, calls per second, calls at once.
    fn bare(&self, tech: &str, number: &str, numbers: &str) -> Result<String>;
}

fn main() -> ExitCode {
    let wanted = std::env::var("PBX").unwrap_or_default();
    let done = match wanted.as_str() {
        "" | "asterisk" => run::<Asterisk>("bare_loop"),
        "freeswitch" => run::<FreeSwitch>("bare_loop_freeswitch"),
        other => bad(other),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bare_loop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bad(pbx: &str) -> Result<()> {
    bail!("PBX={pbx}: asterisk or freeswitch")
}

struct Bench<P: Pbx> {
    name: &'static str,
    rig: Rig<P>,
    serial: u32,
    runs: BTreeMap<String, Vec<f64>>,
}

fn run<P: BarePbx>(name: &'static str) -> Result<()> {
    let options = RigOptions {
        kind: "bench".into(),
        max_concurrent_originates: AT_ONCE,
        cps: RATE,
        channels: 1_000,
        dialplan: P::DIALPLAN.into(),
        settings: "max_calls = 1000".into(),
        ..RigOptions::default()
    };
    let rig = Rig::<P>::on("bare_loop", options)?;
    let mut bench = Bench {
        name,
        rig,
        serial: 0,
        runs: BTreeMap::new(),
    };
    bench.prepare()?;
    let rounds = match std::env::var("RUNS") {
        Ok(text) => text.parse().context("RUNS is not a number")?,
        Err(_) => RUNS,
    };
    let only = std::env::var("TECH").ok();
    let techs: Vec<&str> = [P::SIP, P::INSIDE]
        .into_iter()
        .filter(|tech| only.as_deref().is_none_or(|only| only == *tech))
        .collect();
    bench.apart()?;
    // Caches and pools fill in a first round that nobody looks at.
    for tech in techs.iter().copied() {
        bench.bare(tech, 300, RATE)?;
        bench.outdial(tech, 300, RATE)?;
    }
    for round in 1..=rounds {
        for tech in techs.iter().copied() {
            println!("{tech}, {RATE} calls/s, round {round} of {rounds}");
            bench.pair(tech, round)?;
        }
    }
    bench.latency()?;
    bench.spread()?;
    for round in 1..=rounds.min(SATURATION_RUNS) {
        for tech in techs.iter().copied() {
            println!("{tech}, saturation, round {round}");
            bench.saturate(tech)?;
        }
    }
    println!("{}", bench.rig.pbx.show("status")?);
    bench.finish()
}

/// What the PBX had used when a measurement began.
struct Meter {
    threads: BTreeMap<String, f64>,
    cpu: f64,
    start: Instant,
}

impl<P: BarePbx> Bench<P> {
    fn prepare(&self) -> Result<()> {
        P::prepare(&self.rig)?;
        self.rig.outdial(&[
            "trunks",
            "add",
            "loop",
            "--tech",
            P::INSIDE,
            "--endpoint",
            "loop",
            "--cps-limit",
            &RATE.to_string(),
            "--max-channels",
            "1000",
        ])?;
        for (campaign, trunk) in [(P::SIP, "carrier"), (P::INSIDE, "loop")] {
            self.rig.agentless(
                campaign,
                "continue",
                &[
                    "--context",
                    "bench",
                    "--max-concurrent",
                    "1000",
                    "--max-attempts",
                    "1",
                ],
            )?;
            self.rig
                .outdial(&["routes", "add", "--trunk", trunk, "--campaign", campaign])?;
        }
        Ok(())
    }

    /// The PBX gets a core of its own, and the others the rest: what they do to its caches would
    /// count as its own time otherwise, and only while outdial dials.
    fn apart(&self) -> Result<()> {
        let cpus = std::thread::available_parallelism()
            .context("counting CPUs")?
            .get();
        if cpus < 2 {
            println!("one CPU only: the PBX shares it with sidecar, database and carrier");
            return Ok(());
        }
        let pbx = self.pbx()?;
        let others = format!("1-{}", cpus - 1);
        for pid in family(Pid::this())? {
            if pid != pbx {
                pin(pid, &others)?;
            }
        }
        println!("the PBX runs on CPU 0, all else on CPU {others}");
        pin(pbx, "0")
    }

    /// All of them on all cores, as in a small installation.
    fn spread(&self) -> Result<()> {
        let cpus = std::fs::read_to_string("/sys/devices/system/cpu/online")
            .context("reading which CPUs there are")?;
        for pid in family(Pid::this())? {
            pin(pid, cpus.trim())?;
        }
        println!("all on CPU {}", cpus.trim());
        Ok(())
    }

    fn pbx(&self) -> Result<Pid> {
        let pid = self.rig.pbx.pid()?;
        Ok(Pid::from_raw(pid.try_into().context("a process id")?))
    }

    /// The loop and outdial at the same rate, by turns first.
    fn pair(&mut self, tech: &str, round: usize) -> Result<()> {
        let (bare, outdial) = if round.is_multiple_of(2) {
            let outdial = self.outdial(tech, CALLS, RATE)?;
            (self.bare(tech, CALLS, RATE)?, outdial)
        } else {
            let bare = self.bare(tech, CALLS, RATE)?;
            (bare, self.outdial(tech, CALLS, RATE)?)
        };
        self.note(&format!("{tech}: bare loop, {CPU}"), bare.0);
        self.note(&format!("{tech}: outdial, {CPU}"), outdial.0);
        self.note(&format!("{tech}: bare loop, {OFFERED}"), bare.1);
        self.note(&format!("{tech}: outdial, {OFFERED}"), outdial.1);
        Ok(())
    }

    fn saturate(&mut self, tech: &str) -> Result<()> {
        let (_, rate) = self.bare(tech, BURST, 0)?;
        self.note(&format!("{tech}: bare loop, {SATURATION}"), rate);
        let (_, rate) = self.outdial(tech, BURST, 1_000)?;
        self.note(&format!("{tech}: outdial, {SATURATION}"), rate);
        Ok(())
    }

    /// From an event that somebody waits for to the engine's commands, as it counts them itself.
    fn latency(&mut self) -> Result<()> {
        let said = self.rig.pbx.show("status")?;
        let line = said
            .lines()
            .find(|line| line.starts_with("Event to command"))
            .with_context(|| format!("Event to command in: {said}"))?;
        for percentile in ["p50", "p99"] {
            let value: f64 = line
                .split(percentile)
                .nth(1)
                .and_then(|rest| rest.split_whitespace().next())
                .with_context(|| format!("{percentile} in: {line}"))?
                .parse()
                .with_context(|| format!("{percentile} in: {line}"))?;
            self.note(
                &format!("event to command, {percentile} at {RATE} calls/s"),
                value / 1e3,
            );
        }
        Ok(())
    }

    fn note(&mut self, what: &str, value: f64) {
        println!("  {what}: {value:.3}");
        self.runs.entry(what.to_owned()).or_default().push(value);
    }

    /// CPU ms per call, and calls per second.
    fn bare(&mut self, tech: &str, calls: u32, rate: u32) -> Result<(f64, f64)> {
        self.settle()?;
        let number = Fate::AnswerStay.number(0, 0);
        let meter = self.begin()?;
        let numbers = format!("{calls} {rate} {AT_ONCE}");
        let said = self.rig.pbx.bare(tech, &number, &numbers)?;
        let field = |name: &str| -> Result<f64> {
            said.split_whitespace()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
                .with_context(|| format!("{name} in: {said}"))
        };
        ensure!(field("answered")? >= 0.99 * f64::from(calls), "{said}");
        let cpu = self.end(&meter, calls, rate)?;
        Ok((cpu, field("calls_per_second")?))
    }

    fn outdial(&mut self, tech: &str, calls: u32, rate: u32) -> Result<(f64, f64)> {
        self.settle()?;
        let trunk = if tech == P::SIP { "carrier" } else { "loop" };
        self.rig
            .outdial(&["trunks", "set", trunk, "--cps-limit", &rate.to_string()])?;
        let first = self.serial;
        self.serial += calls;
        let numbers: Vec<String> = (first..self.serial)
            .map(|serial| Fate::AnswerStay.number(0, serial))
            .collect();
        self.rig.insert(tech, &numbers)?;
        let done = "SELECT count(*) FROM outdial.attempts WHERE answered_at IS NOT NULL";
        let there = self.rig.sidecar.count(done)?;
        let meter = self.begin()?;
        self.rig.outdial(&["campaign", "start", tech])?;
        let limit = Duration::from_secs(180);
        // Seldom: the query runs on the cores that are measured.
        wait_looking("the end of the calls", limit, SECOND, || {
            Ok((self.rig.sidecar.count(done)? >= there + i64::from(calls)).then_some(()))
        })?;
        let cpu = self.end(&meter, calls, rate)?;
        self.rig.outdial(&["campaign", "stop", tech])?;
        let sql = "SELECT extract(epoch FROM min(started_at))::float8, extract(epoch FROM max(ended_at))::float8
                   FROM (SELECT * FROM outdial.attempts ORDER BY started_at DESC LIMIT $1) a";
        let row = self
            .rig
            .sidecar
            .sql()?
            .query_one(sql, &[&i64::from(calls)])?;
        let (start, end): (f64, f64) = (row.get(0), row.get(1));
        Ok((cpu, ratio(f64::from(calls), end - start)))
    }

    fn begin(&self) -> Result<Meter> {
        let pid = self.rig.pbx.pid()?;
        Ok(Meter {
            threads: cpu_by_thread(pid)?,
            cpu: cpu_seconds(pid)?,
            start: Instant::now(),
        })
    }

    /// CPU ms per call since `begin`. At the common rate both get the same time: an idle PBX needs
    /// CPU too.
    fn end(&self, meter: &Meter, calls: u32, rate: u32) -> Result<f64> {
        self.settle()?;
        if rate == RATE {
            let window = Duration::from_secs(u64::from(calls / rate) + REST_SECONDS);
            let left = window.saturating_sub(meter.start.elapsed());
            std::thread::sleep(left);
        }
        let cpu = cpu_seconds(self.rig.pbx.pid()?)? - meter.cpu;
        self.explain(&meter.threads, calls)?;
        Ok(cpu * 1e3 / f64::from(calls))
    }

    /// Where it went, for those who want to know: `VERBOSE=1`.
    fn explain(&self, before: &BTreeMap<String, f64>, calls: u32) -> Result<()> {
        if std::env::var_os("VERBOSE").is_some() {
            for (name, seconds) in cpu_by_thread(self.rig.pbx.pid()?)? {
                let used = seconds - before.get(&name).copied().unwrap_or_default();
                println!(
                    "    {name:<18} {:>7.3} ms per call",
                    used * 1e3 / f64::from(calls)
                );
            }
        }
        Ok(())
    }

    /// Waits until no channel is left.
    fn settle(&self) -> Result<()> {
        wait_for("the last channel's end", Duration::from_secs(30), || {
            Ok(self.rig.pbx.channels()? == 0)
        })?;
        let start = Instant::now();
        wait_for("a quiet moment", Duration::from_secs(5), || {
            Ok(start.elapsed() > Duration::from_millis(500))
        })
    }

    fn finish(self) -> Result<()> {
        let mut measures = Vec::new();
        for (what, runs) in &self.runs {
            let bare = what.replace("outdial", "bare loop");
            let baseline = (bare != *what)
                .then(|| Some((bare.clone(), self.runs.get(&bare)?.clone())))
                .flatten();
            let unit = if what.ends_with(CPU) || what.starts_with("event") {
                "ms"
            } else {
                "calls/s"
            };
            measures.push(Measure {
                what: what.clone(),
                unit: unit.into(),
                runs: runs.clone(),
                baseline,
            });
        }
        report(&self.rig.workspace.target, self.name, &measures)?;
        let invited: Vec<f64> = self
            .rig
            .carrier
            .calls()?
            .iter()
            .map(|call| call.invited)
            .collect();
        println!(
            "busiest second at the carrier: {} calls of {}",
            busiest(&invited, 1.0),
            count(invited.len())
        );
        let name = format!("{}: outdial, {CPU}", P::SIP);
        let sip = measures.iter().find(|m| m.what == name);
        if let Some(sip) = sip.and_then(Measure::ratio) {
            ensure!(
                sip <= MOST,
                "over {} outdial needs {sip:.3} of the bare loop's CPU per call; at most {MOST} is \
                 allowed",
                P::SIP
            );
        }
        Ok(())
    }
}
