//! `make long-run`: 50 calls per second for ten minutes through PJSIP. The sidecar stays below
//! 80 MB; Asterisk's resident memory grows by less than 2% between call 1,000 and the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use outdial_harness::carrier::busiest;
use outdial_harness::figures::{Measure, count, percentile, ratio, report};
use outdial_harness::process::rss_kb;
use outdial_harness::truth::{attempts, settled};
use outdial_harness::wait::wait_until;
use outdial_harness::{Context, Fate, Result, Rig, RigOptions, ensure};

const CPS: u32 = 50;
/// Calls before the first one that counts: SIP keeps a transaction for 32 s after its end (RFC
/// 3261, timer D), so memory follows the calls of the last half minute and is steady only then.
const BEFORE: usize = 2_500;
/// Memory is compared with that after so many calls.
const WARM: usize = 1_000;
const SIDECAR_LIMIT_KB: f64 = 80.0 * 1024.0;
const GROWTH_LIMIT: f64 = 0.02;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("long_run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let minutes = std::env::var("MINUTES")
        .ok()
        .and_then(|m| m.parse().ok())
        .unwrap_or(10u32);
    let calls = BEFORE + usize::try_from(minutes * 60 * CPS).context("a count")?;
    let options = RigOptions {
        kind: "bench".into(),
        max_concurrent_originates: 1_000,
        cps: CPS,
        channels: 2_000,
        settings: "max_calls = 2000".into(),
        // With an arena for each thread what grows is what each of them once had in use: with 16 of
        // them resident memory went from 148.6 to 160.0 MB between calls 10,500 and 19,400, while
        // the memory in use (malloc_info) was no more than another run's after 12,000 calls. With
        // one, a leak shows to the kilobyte.
        env: vec![("MALLOC_ARENA_MAX".into(), "1".into())],
        ..RigOptions::default()
    };
    let mut rig = Rig::start("long_run", options)?;
    rig.agentless(
        "long",
        "continue",
        &["--max-concurrent", "2000", "--max-attempts", "1"],
    )?;
    let fates = [
        Fate::Answer(1),
        Fate::Busy,
        Fate::AnswerStay,
        Fate::Unknown,
        Fate::Answer(2),
    ];
    let numbers: Vec<String> = (0..u32::try_from(calls).context("a count")?)
        .map(|serial| {
            let fate = fates[usize::try_from(serial).unwrap_or(0) % fates.len()];
            fate.number(u8::try_from(1 + serial % 8).unwrap_or(1), serial)
        })
        .collect();
    for chunk in numbers.chunks(10_000) {
        rig.insert("long", chunk)?;
    }
    rig.outdial(&["campaign", "start", "long"])?;
    let start = Instant::now();

    let mut sidecar: Vec<f64> = Vec::new();
    let mut asterisk: Vec<f64> = Vec::new();
    let mut warm: Option<f64> = None;
    let limit = Duration::from_secs(u64::from(minutes) * 90 + 60);
    let mut looked = Instant::now();
    wait_until("the end of the campaign", limit, || {
        if looked.elapsed() < Duration::from_secs(1) {
            return Ok(None);
        }
        looked = Instant::now();
        let done = usize::try_from(rig.sidecar.count("SELECT count(*) FROM outdial.attempts")?)
            .context("a count")?;
        let pid = rig.sidecar.process()?.pid();
        sidecar.push(kilobytes(rss_kb(pid)?));
        asterisk.push(kilobytes(rig.pbx.rss_kb()?));
        if warm.is_none() && done >= BEFORE + WARM {
            warm = asterisk.last().copied();
        }
        if asterisk.len().is_multiple_of(30) {
            println!(
                "{:>4} s  {done:>6} attempts  sidecar {:>6.1} MB  Asterisk {:>6.1} MB",
                start.elapsed().as_secs(),
                sidecar.last().copied().unwrap_or_default() / 1024.0,
                asterisk.last().copied().unwrap_or_default() / 1024.0,
            );
        }
        Ok((done >= calls).then_some(()))
    })?;
    let warm = warm.context("memory was never warm")?;
    let end = *asterisk.last().context("memory was never measured")?;
    let growth = ratio(end - warm, warm);
    let rows = attempts(&mut rig.sidecar.sql()?)?;
    let seen = settled(&rows, || rig.carrier.calls(), None)?;
    let invited: Vec<f64> = seen.iter().map(|call| call.invited).collect();
    let first = invited.iter().copied().fold(f64::INFINITY, f64::min);
    let last = invited.iter().copied().fold(0.0, f64::max);

    let one = |what: &str, unit: &str, value: f64, baseline: (&str, f64)| Measure {
        what: what.into(),
        unit: unit.into(),
        runs: vec![value],
        baseline: Some((baseline.0.into(), vec![baseline.1])),
    };
    let highest = percentile(&sidecar, 100.0);
    report(
        &rig.workspace.target,
        "long_run",
        &[
            one(
                "calls per second, mean",
                "calls/s",
                ratio(count(invited.len()), last - first),
                ("limit", f64::from(CPS)),
            ),
            one(
                "calls per second, busiest second",
                "calls/s",
                count(busiest(&invited, 1.0)),
                ("limit", f64::from(CPS)),
            ),
            one(
                "sidecar, resident memory, highest",
                "kB",
                highest,
                ("80 MB", SIDECAR_LIMIT_KB),
            ),
            one(
                "Asterisk, resident memory, end",
                "kB",
                end,
                ("after 1,000 calls", warm),
            ),
        ],
    )?;
    ensure!(
        highest < SIDECAR_LIMIT_KB,
        "the sidecar needed {highest} kB"
    );
    ensure!(
        growth < GROWTH_LIMIT,
        "Asterisk grew by {:.2} %",
        growth * 100.0
    );
    Ok(())
}

fn kilobytes(kb: u64) -> f64 {
    u32::try_from(kb).map_or(0.0, f64::from)
}
