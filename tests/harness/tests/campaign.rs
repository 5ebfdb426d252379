//! A whole campaign, and the trunk's limit, changed while it dials.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use outdial_harness::carrier::busiest;
use outdial_harness::cases::campaign::every_attempt_is_in_the_table_once;
use outdial_harness::figures::{count, percentile};
use outdial_harness::truth::attempts;
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SECONDS_60: Duration = Duration::from_secs(60);

#[test]
fn every_attempt_is_in_the_table_once_as_the_carrier_saw_it() {
    let mut rig = Rig::start("campaign", RigOptions::default()).unwrap();
    every_attempt_is_in_the_table_once(&mut rig, 160, 12);
}

/// How much longer the slowest call since `since` took to the carrier than the fastest one.
fn lateness_spread(rig: &Rig, since: f64) -> f64 {
    let started: BTreeMap<String, f64> = attempts(&mut rig.sidecar.sql().unwrap())
        .unwrap()
        .into_iter()
        .map(|attempt| (attempt.number, attempt.started))
        .collect();
    let delays: Vec<f64> = rig
        .carrier
        .calls()
        .unwrap()
        .iter()
        .filter(|call| call.invited > since)
        .filter_map(|call| Some(call.invited - started.get(&call.number)?))
        .collect();
    assert!(!delays.is_empty());
    percentile(&delays, 100.0) - percentile(&delays, 0.0)
}

#[test]
fn a_new_cps_limit_works_within_a_second() {
    let options = RigOptions {
        cps: 25,
        burst: 2,
        ..RigOptions::default()
    };
    let rig = Rig::start("cps", options).unwrap();
    rig.agentless(
        "robot",
        "play_message",
        &["--max-concurrent", "400", "--max-attempts", "1"],
    )
    .unwrap();
    let numbers: Vec<String> = (0..500)
        .map(|serial| Fate::Busy.number(1, serial))
        .collect();
    rig.insert("robot", &numbers).unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    let invited = || -> Vec<f64> {
        rig.carrier
            .calls()
            .unwrap()
            .iter()
            .map(|call| call.invited)
            .collect()
    };
    wait_for("100 calls", SECONDS_60, || Ok(invited().len() >= 100)).unwrap();

    let before = busiest(&invited(), 1.0);
    assert!(before >= 20, "{before} calls in a second at a limit of 25");
    rig.sidecar
        .sql()
        .unwrap()
        .execute("UPDATE outdial.trunk_config SET cps_limit = 5", &[])
        .unwrap();
    let changed = now();
    let start = Instant::now();
    wait_for("six seconds more", SECONDS_60, || {
        Ok(start.elapsed() > Duration::from_secs(6))
    })
    .unwrap();

    let after: Vec<f64> = invited()
        .into_iter()
        .filter(|at| *at > changed + 1.0)
        .collect();
    let most = busiest(&after, 1.0);
    // A machine that stands still for a while makes calls arrive together that left apart.
    let spread = lateness_spread(&rig, changed + 1.0);
    let allowed = 5.0 * (1.0 + spread) + 2.0;
    assert!(
        count(most) <= allowed,
        "{most} calls in a second at a limit of 5 and a burst of 2; {spread:.3} s between the \
         least and the most delayed call"
    );
    assert!(
        after.len() >= 20,
        "it goes on dialing: {} calls",
        after.len()
    );
    let why = rig.sidecar.status().unwrap()["campaigns"][0]["why_now"].clone();
    assert_eq!(why, "trunk CPS");
}

fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}
