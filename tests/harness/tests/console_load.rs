//! How long the console takes to answer while a thousand calls live, on the real PBX.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::figures::percentile;
use outdial_harness::wait::{wait_for, wait_looking};
use outdial_harness::{Fate, Rig, RigOptions};

/// Calls that ring, and calls that were answered and stay.
const RINGING: u32 = 900;
const ANSWERED: u32 = 100;
const LIVE: u32 = RINGING + ANSWERED;
const ROUNDS: usize = 15;
/// What is promised, in ms, and what a busy test machine is allowed.
const PROMISED_MS: f64 = 100.0;
const ALLOWED_MS: f64 = 500.0;

const DIALPLAN: &str = r"
[far]
exten => _551192.,1,Ringing()
 same => n,Wait(600)
exten => _551190.,1,Answer()
 same => n,Wait(600)

[stay]
exten => s,1,OutdialConnect()
 same => n,Wait(600)
";

/// A thousand calls over Local: 2,000 channels, and no SIP peer that would need the same two cores.
fn a_thousand_calls(rig: &Rig) {
    rig.outdial(&[
        "trunks",
        "add",
        "far",
        "--tech",
        "Local",
        "--cps-limit",
        "50",
        "--max-channels",
        "1100",
    ])
    .unwrap();
    let live = LIVE.to_string();
    let most = ["--max-concurrent", &live, "--max-attempts", "1"];
    let long = ["--ring-timeout-ms", "120000", "--context", "stay"];
    rig.agentless("crowd", "continue", &[&most[..], &long].concat())
        .unwrap();
    rig.outdial(&["routes", "add", "--trunk", "far", "--campaign", "crowd"])
        .unwrap();
    let mut numbers: Vec<String> = (0..ANSWERED)
        .map(|n| Fate::Answer(0).number(0, n))
        .collect();
    numbers.extend((0..RINGING).map(|n| Fate::RingNoAnswer.number(0, n)));
    rig.insert("crowd", &numbers).unwrap();
    rig.outdial(&["campaign", "start", "crowd"]).unwrap();
    let second = Duration::from_secs(1);
    wait_looking("a thousand calls", 100 * second, second, || {
        Ok((rig.live()? >= u64::from(LIVE)).then_some(()))
    })
    .unwrap_or_else(|error| panic!("{error:#}: {} live", rig.live().unwrap()));
}

#[test]
fn the_console_answers_at_once_while_a_thousand_calls_live() {
    let options = RigOptions {
        max_concurrent_originates: LIVE,
        dialplan: DIALPLAN.into(),
        settings: "max_calls = 1100\nami_events = yes".into(),
        ..RigOptions::default()
    };
    let rig = Rig::start("console-load", options).unwrap();
    a_thousand_calls(&rig);

    let mut slow = Vec::new();
    println!("{LIVE} calls live; ms from line to end of answer, {ROUNDS} times each:");
    for (line, says) in [
        ("outdial show status", "1000 live"),
        ("outdial show campaigns", "crowd"),
        ("outdial show calls", "1000 calls, the first 200 shown"),
        ("outdial show agents", "0 agents"),
        ("outdial show trunks", "1000/1100"),
        ("outdial show why crowd", "crowd is running"),
        ("outdial show campaign crowd", "1000 live"),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let (said, took) = rig.pbx.ask(line).unwrap();
            assert!(said.contains(says), "{line}: {said}");
            times.push(took.as_secs_f64() * 1000.0);
        }
        let (median, most) = (percentile(&times, 50.0), percentile(&times, 100.0));
        println!("  {line:<28} median {median:7.2}  longest {most:7.2}");
        if median > PROMISED_MS {
            println!("  more than the {PROMISED_MS} ms that are promised");
        }
        if median > ALLOWED_MS {
            slow.push(format!("{line}: {median:.0} ms"));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
    let said = rig.pbx.cli("outdial show status").unwrap();
    assert!(said.contains(" 0 lost"), "{said}");

    // Everybody goes, and nothing is left.
    rig.outdial(&["campaign", "stop", "crowd"]).unwrap();
    rig.pbx.cli("channel request hangup all").unwrap();
    wait_for("the end of all calls", Duration::from_secs(60), || {
        Ok(rig.live()? == 0 && rig.pbx.channels()? == 0)
    })
    .unwrap();
}
