//! `make demo`: a campaign of 500 leads from a real Asterisk, or with `PBX=freeswitch` from a real
//! FreeSWITCH, to ten agents, with SIPp as carrier and as phones; or, with `PBX=sim`, from a simulated PBX that plays all of these. Every command
//! that it runs is printed, so it is a walkthrough as well.

use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outdial_harness::carrier::{Call, busiest};
use outdial_harness::figures::{count, percentile, ratio, rounded, write_json};
use outdial_harness::truth::{Attempt, attempts, outcomes};
use outdial_harness::{
    Context, Fate, FreeSwitch, Lead, Result, Rig, RigOptions, SimOptions, SimRig, Site,
    TrunkOptions, bail, ensure,
};
use serde_json::json;

const LEADS: u32 = 500;
const AGENTS: u32 = 10;
const CAMPAIGN: &str = "demo";
/// The whole run takes about one and a half minutes; something is wrong if it takes this long.
const LIMIT: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("catching Ctrl-C")?;
    }
    let exit = std::env::var("EXIT").is_ok_and(|value| value == "1");

    let mut pbx = Pbx::start()?;
    let leads = leads();
    pbx.campaign()?;
    let said = pbx.site_mut().import(CAMPAIGN, &leads)?;
    print!("{}", indented(&said));
    pbx.log_in()?;

    let start = Instant::now();
    pbx.site().outdial(&["campaign", "start", CAMPAIGN])?;
    let finished = watch(&pbx, start, &stop)?;
    if finished {
        summarize(&pbx, leads.len())?;
    }
    if exit || !finished {
        println!("Stopping everything.");
        return Ok(());
    }
    look_around(&pbx);
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("\nStopping everything.");
    Ok(())
}

/// What dials.
enum Pbx {
    /// A real one, with SIPp as carrier and as phones.
    Asterisk(Box<Rig>),
    /// The other real one, with the same around it.
    FreeSwitch(Box<Rig<FreeSwitch>>),
    /// None at all.
    Simulated(Box<SimRig>),
}

const TRUNK: TrunkOptions = TrunkOptions {
    cps: 25,
    burst: 5,
    channels: 60,
};

/// Callees like those whom SIPp plays, ten times as fast as people.
const CALLEES: &str = "--agents 10 --answer-rate 0.55 --machine-rate 0.05 --busy-rate 0.1 \
    --invalid-rate 0.06 --congested-rate 0.03 --refuse-rate 0.03 --ring-seconds 15 \
    --talk-seconds 18 --speed 10";

fn rig_options() -> RigOptions {
    RigOptions {
        kind: "demo".into(),
        cps: TRUNK.cps,
        burst: TRUNK.burst,
        channels: TRUNK.channels,
        echo: true,
        ..RigOptions::default()
    }
}

impl Pbx {
    fn start() -> Result<Pbx> {
        let wanted = std::env::var("PBX").unwrap_or_default();
        match wanted.as_str() {
            "" | "asterisk" => {
                println!(
                    "Starting PostgreSQL and sidecar, Asterisk with the module, and SIPp as carrier."
                );
                let rig = Rig::start("run", rig_options())?;
                Ok(Pbx::Asterisk(Box::new(rig)))
            }
            "freeswitch" => {
                println!(
                    "Starting PostgreSQL and sidecar, FreeSWITCH with the module, and SIPp as carrier."
                );
                let rig = Rig::<FreeSwitch>::on("run", rig_options())?;
                Ok(Pbx::FreeSwitch(Box::new(rig)))
            }
            "sim" => {
                println!("Starting PostgreSQL and sidecar, and a simulated PBX: nobody is called.");
                println!("  $ outdial-sim-pbx {CALLEES}");
                let options = SimOptions {
                    kind: "demo".into(),
                    trunk: TRUNK,
                    pbx: CALLEES.split_whitespace().map(str::to_owned).collect(),
                    echo: true,
                    ..SimOptions::default()
                };
                Ok(Pbx::Simulated(Box::new(SimRig::start("run", &options)?)))
            }
            other => bail!("PBX={other}: asterisk, freeswitch or sim"),
        }
    }

    fn site(&self) -> &Site {
        match self {
            Pbx::Asterisk(rig) => &rig.site,
            Pbx::FreeSwitch(rig) => &rig.site,
            Pbx::Simulated(rig) => &rig.site,
        }
    }

    fn site_mut(&mut self) -> &mut Site {
        match self {
            Pbx::Asterisk(rig) => &mut rig.site,
            Pbx::FreeSwitch(rig) => &mut rig.site,
            Pbx::Simulated(rig) => &mut rig.site,
        }
    }

    /// All calls, as the carrier saw them.
    fn calls(&self) -> Result<Vec<Call>> {
        match self {
            Pbx::Asterisk(rig) => rig.carrier.calls(),
            Pbx::FreeSwitch(rig) => rig.carrier.calls(),
            Pbx::Simulated(rig) => rig.pbx.calls(),
        }
    }

    fn campaign(&self) -> Result<()> {
        let mut options = vec![
            "--ring-timeout-ms",
            "5000",
            "--wrap-up-ms",
            "500",
            "--max-attempts",
            "1",
            "--retry",
            "congested=never",
        ];
        match self {
            Pbx::Asterisk(_) | Pbx::FreeSwitch(_) => {}
            Pbx::Simulated(_) => options.push("--test"),
        }
        self.site().power(CAMPAIGN, "3", &options)
    }

    fn log_in(&mut self) -> Result<()> {
        match self {
            Pbx::Asterisk(rig) => {
                println!("Ten phones call OutdialAgent.");
                rig.log_in(CAMPAIGN, AGENTS)
            }
            Pbx::FreeSwitch(rig) => {
                println!("Ten phones call outdial_agent.");
                rig.log_in(CAMPAIGN, AGENTS)
            }
            Pbx::Simulated(rig) => {
                println!("Ten agents log in by themselves.");
                rig.add_agents(CAMPAIGN, AGENTS)?;
                rig.wait_agents("available", AGENTS as usize, Duration::from_secs(15))
            }
        }
    }
}

/// A mix as a list of consumers gives it. Numbers differ in their serial only, so that each run
/// is the same.
fn leads() -> Vec<Lead> {
    (0..LEADS)
        .map(|serial| {
            // 37 is prime to 100: a fixed shuffle of the shares.
            let fate = match serial * 37 % 100 {
                0..=27 => Fate::Answer(1),
                28..=44 => Fate::Answer(2),
                45..=54 => Fate::Answer(3),
                55..=57 => Fate::EarlyThenAnswer,
                58..=73 => Fate::RingNoAnswer,
                74..=83 => Fate::Busy,
                84..=87 => Fate::Congestion,
                88..=93 => Fate::Unknown,
                94..=96 => Fate::Decline,
                97..=98 => Fate::Unavailable,
                _ => Fate::ServerError,
            };
            Lead {
                fate,
                ring_half_seconds: u8::try_from(serial % 7).unwrap_or(0),
                serial,
            }
        })
        .collect()
}

/// Shows how it goes. False: somebody pressed Ctrl-C.
fn watch(pbx: &Pbx, start: Instant, stop: &AtomicBool) -> Result<bool> {
    let terminal = std::io::stdout().is_terminal();
    let mut sql = pbx.site().sidecar.sql()?;
    let mut printed = Instant::now();
    loop {
        if stop.load(Ordering::Relaxed) {
            println!();
            return Ok(false);
        }
        let row = sql.query_one(
            "SELECT (SELECT count(*) FROM outdial.leads WHERE status = 'done'),
                    (SELECT count(*) FILTER (WHERE outcome = 'abandoned' OR late) FROM outdial.attempts),
                    (SELECT count(*) FILTER (WHERE answered_at IS NOT NULL) FROM outdial.attempts)",
            &[],
        )?;
        let (done, abandoned, answered): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        let calls = pbx.calls()?;
        let live = calls.iter().filter(|call| call.ended.is_none()).count();
        let latest = calls.iter().map(|call| call.invited).fold(0.0, f64::max);
        let cps = calls
            .iter()
            .filter(|call| call.invited > latest - 1.0)
            .count();
        let line = format!(
            "{:>3} s  {done:>3}/{LEADS} leads  {live:>2} calls live  {:>2}/{AGENTS} agents busy  \
             {cps:>2} calls/s  {:>4.1} % abandoned",
            start.elapsed().as_secs(),
            pbx.site().agents_in("on_call")?,
            100.0 * ratio(integer(abandoned), integer(answered)),
        );
        let over = done >= i64::from(LEADS);
        if terminal {
            print!("\r{line}\x1b[K");
            std::io::stdout().flush().context("printing")?;
        } else if over || printed.elapsed() >= Duration::from_secs(5) {
            println!("{line}");
            printed = Instant::now();
        }
        if over {
            println!();
            return Ok(true);
        }
        if start.elapsed() > LIMIT {
            let why = pbx.site().sidecar.outdial(&["status"]).unwrap_or_default();
            bail!(
                "not done after {LIMIT:?}\n{why}logs: {}",
                pbx.site().logs.display()
            );
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn integer(value: i64) -> f64 {
    u32::try_from(value).map_or(0.0, f64::from)
}

fn summarize(pbx: &Pbx, leads: usize) -> Result<()> {
    let attempts = attempts(&mut pbx.site().sidecar.sql()?)?;
    ensure!(!attempts.is_empty(), "there is no attempt");
    let first = attempts
        .iter()
        .map(|a| a.started)
        .fold(f64::INFINITY, f64::min);
    let last = attempts.iter().map(|a| a.ended).fold(0.0, f64::max);
    let last_start = attempts.iter().map(|a| a.started).fold(0.0, f64::max);
    let duration = last - first;
    let invites: Vec<f64> = pbx.calls()?.iter().map(|call| call.invited).collect();
    let cps_peak = busiest(&invites, 1.0);
    let cps_mean = ratio(count(attempts.len()), last_start - first);
    let talk: f64 = attempts.iter().filter_map(talk_seconds).sum();
    let talk_share = ratio(talk, duration * f64::from(AGENTS));
    let counts = outcomes(&attempts);
    let answered = attempts.iter().filter(|a| a.answered.is_some()).count();
    let late = attempts.iter().filter(|a| a.late).count();
    let abandoned = counts.get("abandoned").copied().unwrap_or_default() + late;
    let abandon_rate = ratio(count(abandoned), count(answered));
    let delays: Vec<f64> = attempts
        .iter()
        .filter_map(|a| a.connect_us)
        .map(|us| integer(us) / 1e3)
        .collect();
    let (p50, p99) = (percentile(&delays, 50.0), percentile(&delays, 99.0));

    println!("{:<26} {:>9}", "Leads", leads);
    println!("{:<26} {:>9}", "Attempts", attempts.len());
    for (outcome, n) in &counts {
        println!(
            "  {outcome:<24} {n:>9}  {:>5.1} %",
            100.0 * ratio(count(*n), count(attempts.len()))
        );
    }
    println!("{:<26} {cps_mean:>9.1}", "Calls per second, mean");
    println!("{:<26} {cps_peak:>9}", "Calls per second, peak");
    println!("{:<26} {:>9.1} %", "Agents' talk share", 100.0 * talk_share);
    println!("{:<26} {:>9.1} %", "Abandon rate", 100.0 * abandon_rate);
    println!("{:<26} {p50:>9.2} ms", "Answer to agent, p50");
    println!("{:<26} {p99:>9.2} ms", "Answer to agent, p99");
    println!("{:<26} {duration:>9.1} s", "Duration");
    let path = pbx.site().workspace.target.join("demo/summary.json");
    write_json(
        &path,
        &json!({
            "leads": leads,
            "attempts": attempts.len(),
            "outcomes": counts,
            "cps_peak": cps_peak,
            "talk_share": rounded(talk_share, 4),
            "abandon_rate": rounded(abandon_rate, 4),
            "answer_to_agent_ms": { "p50": rounded(p50, 3), "p99": rounded(p99, 3) },
            "duration_seconds": rounded(duration, 3),
        }),
    )?;
    println!("Written to {}", relative(&path));
    Ok(())
}

fn talk_seconds(attempt: &Attempt) -> Option<f64> {
    attempt.agent?;
    Some(attempt.ended - attempt.bridged?)
}

fn look_around(pbx: &Pbx) {
    let site = pbx.site();
    let run = site.run_dir().display();
    let port = site.sidecar.http_port;
    println!("\nEverything still runs; Ctrl-C stops it. To look around, in another terminal:");
    println!("  curl -s http://127.0.0.1:{port}/status");
    println!("  curl -s http://127.0.0.1:{port}/health");
    println!("  {}", site.sidecar.psql_line());
    println!(
        "  OUTDIAL_RUN_DIR={run}/sidecar {} status",
        relative(&site.workspace.binary())
    );
    if let Pbx::Asterisk(rig) = pbx {
        let root = &rig.workspace.asterisk_root;
        let enter = if root == Path::new("/") {
            String::new()
        } else {
            format!("chroot {} ", root.display())
        };
        println!("  {enter}asterisk -C {run}/asterisk/etc/asterisk.conf -rx 'outdial show agents'");
    }
    if let Pbx::FreeSwitch(rig) = pbx {
        println!("  {}", rig.pbx.command_line("outdial agents"));
    }
    println!("Logs: {}", relative(&site.logs));
}

fn relative(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
