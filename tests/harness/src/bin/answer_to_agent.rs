//! `make bench-answer`: from a callee's answer (the ACK) to the first packet of a nailed-up agent's
//! audio, at 20 calls per second, beside a plain `Dial()` bridge on the same Asterisk, by turns.
//!
//! Both instants are when the kernel had the packet, at the callee. `PAIRS=1` makes it short.

use std::process::ExitCode;

use outdial_harness::answering::{Answering, PHONES, RATE, Side, delays_ms};
use outdial_harness::figures::{count, median, percentile, ratio, rounded, write_json};
use outdial_harness::sip::CallSeen;
use outdial_harness::{Context, Result, ensure};
use serde_json::{Value, json};

/// Turns of each side, where `PAIRS` says nothing else.
const PAIRS: usize = 5;
/// Calls of a turn.
const CALLS: usize = 200;
/// Calls of a turn that nobody looks at: caches and pools fill.
const WARM: usize = 60;
/// What outdial may need more than `Dial()`, at the median.
const MORE_MS: f64 = 10.0;
/// What 99 of 100 callees wait at most.
const P99_MS: f64 = 100.0;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("answer_to_agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All calls of one side.
#[derive(Default)]
struct Calls {
    all: Vec<CallSeen>,
    medians: Vec<f64>,
    rates: Vec<f64>,
}

impl Calls {
    fn add(&mut self, calls: Vec<CallSeen>) {
        let answers = calls.iter().filter_map(|call| call.acknowledged);
        let (first, last) = answers.fold((f64::INFINITY, 0.0), |(first, last), at| {
            (at.min(first), at.max(last))
        });
        self.rates.push(ratio(count(calls.len() - 1), last - first));
        self.medians.push(median(&delays_ms(&calls)));
        self.all.extend(calls);
    }

    fn json(&self) -> Value {
        let delays = delays_ms(&self.all);
        let at = |percent| rounded(percentile(&delays, percent), 3);
        json!({
            "calls": self.all.len(),
            "without_audio": self.all.len() - delays.len(),
            "calls_per_second": rounded(median(&self.rates), 2),
            "median_ms": at(50.0),
            "p90_ms": at(90.0),
            "p99_ms": at(99.0),
            "longest_ms": at(100.0),
            "shortest_ms": at(0.0),
            "medians_of_turns_ms": self.medians.iter().map(|ms| rounded(*ms, 3)).collect::<Vec<_>>(),
        })
    }
}

fn run() -> Result<()> {
    let pairs = match std::env::var("PAIRS") {
        Ok(text) => text.parse().context("PAIRS is not a number")?,
        Err(_) => PAIRS,
    };
    let mut answering = Answering::start("answer_to_agent", "bench")?;
    let (mut outdial, mut dial) = (Calls::default(), Calls::default());
    answering.turn(Side::Dial, WARM)?;
    answering.turn(Side::Outdial, WARM)?;
    for pair in 1..=pairs {
        // Who is first changes, too.
        let order = if pair % 2 == 0 {
            [Side::Outdial, Side::Dial]
        } else {
            [Side::Dial, Side::Outdial]
        };
        for side in order {
            let calls = answering.turn(side, CALLS)?;
            let into = match side {
                Side::Outdial => &mut outdial,
                Side::Dial => &mut dial,
            };
            into.add(calls);
            println!(
                "pair {pair} of {pairs}, {side:?}: median {:.2} ms",
                into.medians.last().copied().unwrap_or_default()
            );
        }
    }
    report(&answering, &outdial, &dial)
}

/// From the answer to the agent as the engine counts it: without the way of SIP and RTP.
fn inside(answering: &Answering) -> Result<Value> {
    let row = answering.rig.sidecar.sql()?.query_one(
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY connect_us)::bigint,
                percentile_disc(0.99) WITHIN GROUP (ORDER BY connect_us)::bigint
         FROM outdial.attempts WHERE connect_us IS NOT NULL",
        &[],
    )?;
    let (middle, high): (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
    Ok(json!({ "median": middle, "p99": high }))
}

fn report(answering: &Answering, outdial: &Calls, dial: &Calls) -> Result<()> {
    let (ours, theirs) = (delays_ms(&outdial.all), delays_ms(&dial.all));
    let more = median(&ours) - median(&theirs);
    let high = percentile(&ours, 99.0);
    let criteria = [
        ("median, more than Dial()", more, MORE_MS),
        ("p99", high, P99_MS),
    ];
    let all = ours.len() == outdial.all.len() && theirs.len() == dial.all.len();
    let load = std::fs::read_to_string("/proc/loadavg").context("reading the load")?;
    let cpus = std::thread::available_parallelism().context("counting CPUs")?;
    let path = &answering.rig.workspace.target;
    let path = path.join("bench/answer_to_agent.json");
    let value = json!({
        "what": "from the ACK of a callee's answer to the first RTP packet of an agent's audio",
        "calls_per_second_asked": RATE,
        "phones": PHONES,
        "outdial": outdial.json(),
        "dial": dial.json(),
        "outdial_inside_us": inside(answering)?,
        "criteria": criteria.iter().map(|(what, ms, limit)| json!({
            "what": what, "ms": rounded(*ms, 3), "limit_ms": limit, "passed": ms < limit,
        })).collect::<Vec<_>>(),
        "every_call_had_audio": all,
        "cpus": cpus.get(),
        "load_average_at_the_end": load.trim(),
    });
    write_json(&path, &value)?;
    for (side, calls) in [("outdial", outdial), ("Dial()", dial)] {
        let json = calls.json();
        println!(
            "{side:<8} {} calls at {}/s: median {} ms, p90 {} ms, p99 {} ms, longest {} ms",
            json["calls"],
            json["calls_per_second"],
            json["median_ms"],
            json["p90_ms"],
            json["p99_ms"],
            json["longest_ms"]
        );
    }
    println!("written to {}", path.display());
    let mut failed = Vec::new();
    for (what, ms, limit) in criteria {
        let passed = ms < limit;
        let word = if passed { "PASS" } else { "FAIL" };
        println!("{word}: {what}: {ms:.2} ms, below {limit} ms is asked for");
        failed.extend((!passed).then_some(what));
    }
    ensure!(all, "calls without an agent's audio: see the file");
    ensure!(failed.is_empty(), "missed: {}", failed.join(", "));
    Ok(())
}
