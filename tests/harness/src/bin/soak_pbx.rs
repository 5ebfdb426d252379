//! `make soak-pbx`: 10,000 calls over PJSIP between SIPp and agents who log in, pause, vanish and come
//! back. No ghost call, and nothing left of any call; Asterisk's resident memory grows by less than 2%
//! between call 1,000 and the end.
//!
//! `CALLS=2000` makes it shorter, `CPS=40` faster, `CDR=yes` lets Asterisk write CDRs, `SEED=7` has the
//! agents do other things.

use std::process::ExitCode;

use outdial_harness::figures::{rounded, write_json};
use outdial_harness::soak::{Gauge, SoakOptions, Soaked, run, start};
use outdial_harness::{Context, Result, ensure};
use serde_json::json;

const CALLS: usize = 10_000;
const AGENTS: u8 = 40;
const CPS: u32 = 25;
/// A look after each so many calls; memory is compared with that at the first look.
const EVERY: usize = 1_000;
const GROWTH_LIMIT_PERCENT: f64 = 2.0;

fn main() -> ExitCode {
    match soak() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak_pbx: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn number<T: std::str::FromStr>(name: &str, otherwise: T) -> Result<T> {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .ok()
            .with_context(|| format!("{name} is not a number")),
        Err(_) => Ok(otherwise),
    }
}

fn growth_percent(looks: &[Gauge]) -> Result<f64> {
    let first = looks.first().context("no look at the memory")?;
    let last = looks.last().context("no look at the memory")?;
    let kb = |look: &Gauge| u32::try_from(look.pbx.rss_kb).map(f64::from);
    let (first, last) = (kb(first)?, kb(last)?);
    Ok((last - first) / first * 100.0)
}

fn soak() -> Result<()> {
    let options = SoakOptions {
        kind: "bench".into(),
        calls: number("CALLS", CALLS)?,
        agents: AGENTS,
        cps: number("CPS", CPS)?,
        every: EVERY,
        cdr: std::env::var("CDR").is_ok_and(|word| word == "yes"),
        seed: number("SEED", 1)?,
    };
    let mut rig = start("soak_pbx", &options)?;
    let soaked = run(&mut rig, &options)?;
    let growth = growth_percent(&soaked.during)?;
    let load = std::fs::read_to_string("/proc/loadavg").context("reading the load")?;
    let name = if options.cdr {
        "soak_pbx_cdr"
    } else {
        "soak_pbx"
    };
    let path = rig.workspace.target.join(format!("bench/{name}.json"));
    let mut value = soaked.json();
    value["calls"] = json!(options.calls);
    value["agents"] = json!(options.agents);
    value["calls_per_second_at_most"] = json!(options.cps);
    value["cdr"] = json!(options.cdr);
    value["seed"] = json!(options.seed);
    value["growth_percent"] = json!(rounded(growth, 3));
    value["growth_limit_percent"] = json!(GROWTH_LIMIT_PERCENT);
    value["load_average_at_the_end"] = json!(load.trim());
    write_json(&path, &value)?;
    show(&soaked);
    println!("written to {}", path.display());
    println!(
        "{}: Asterisk's memory from call {EVERY} on: {growth:+.2} %, below {GROWTH_LIMIT_PERCENT} % is asked for",
        if growth < GROWTH_LIMIT_PERCENT {
            "PASS"
        } else {
            "FAIL"
        }
    );
    ensure!(
        growth < GROWTH_LIMIT_PERCENT,
        "Asterisk grew by {growth:.2} %"
    );
    Ok(())
}

fn show(soaked: &Soaked) {
    println!("agents did: {:?}", soaked.did);
    println!("attempts by outcome: {:?}", soaked.outcomes);
    println!("calls as the carrier saw them: {:?}", soaked.verdicts);
    println!("attempts with an agent: {}", soaked.bridged);
    for (when, look) in [("before", &soaked.before), ("after", &soaked.after)] {
        println!(
            "idle {when}: Asterisk {:?}, sidecar {:?}, {} channels, {} bridges, {} tasks waiting (most ever {})",
            look.pbx, look.sidecar, look.channels, look.bridges, look.tasks.0, look.tasks.1
        );
    }
    println!("PASS: engine, PBX, database and carrier agree; nothing is left");
}
