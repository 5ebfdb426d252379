//! The simulated PBX with a real sidecar and a real PostgreSQL: what the table says is what its own
//! log of calls says, and real campaigns are none of its business.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use outdial_harness::truth::{attempts, outcomes, per_number, settled};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Lead, SimOptions, SimRig};

/// Callees twenty times as fast as people.
const FAST: &str = "--agents 10 --speed 20 --ring-seconds 8 --talk-seconds 15 --drain-seconds 20";

fn start(name: &str, more: &str) -> SimRig {
    let words = FAST.split_whitespace().chain(more.split_whitespace());
    let options = SimOptions {
        pbx: words.map(str::to_owned).collect(),
        ..SimOptions::default()
    };
    SimRig::start(name, &options).unwrap()
}

fn leads(from: u32, count: u32) -> Vec<Lead> {
    // The number's digits mean nothing to a simulated PBX.
    let lead = |serial| Lead {
        fate: Fate::AnswerStay,
        ring_half_seconds: 0,
        serial,
    };
    (from..from + count).map(lead).collect()
}

/// A test campaign that dials each of these leads once, and at least so many of ten agents who
/// wait.
fn test_campaign(rig: &mut SimRig, name: &str, count: u32, waiting: usize) {
    let options = "--test --ring-timeout-ms 2500 --wrap-up-ms 100 --max-attempts 1 \
        --max-attempts-per-number 1 --retry congested=never --retry failed=never";
    let options: Vec<&str> = options.split_whitespace().collect();
    rig.power(name, "3", &options).unwrap();
    rig.import(name, &leads(0, count)).unwrap();
    rig.add_agents(name, 10).unwrap();
    rig.wait_agents("available", waiting, Duration::from_secs(30))
        .unwrap();
}

/// The engine has no call left, and never lost one.
fn no_ghosts(rig: &SimRig) {
    wait_for("the end of all calls", Duration::from_secs(20), || {
        Ok(rig.live()? == 0)
    })
    .unwrap();
    let totals = &rig.sidecar.status().unwrap()["totals"];
    assert_eq!(totals["ghosts"], 0, "{totals}");
    assert_eq!(totals["illegal"], 0, "{totals}");
}

/// SIGTERM: it drains, ends well, and leaves nobody logged in and nothing leased.
fn drains(rig: &mut SimRig) {
    let process = rig.pbx.process().unwrap();
    process.signal(Signal::SIGTERM).unwrap();
    let status = process.wait(Duration::from_secs(40)).unwrap();
    assert!(status.success(), "{status}: {}", process.tail());
}

#[test]
fn the_table_is_what_the_pbx_saw_and_a_real_campaign_is_left_alone() {
    let mut rig = start("sim-truth", "");
    // A real one that runs, as plain SQL or a real node's operator can have it.
    rig.power("real", "3", &[]).unwrap();
    rig.import("real", &leads(10_000, 20)).unwrap();
    let refused = rig
        .sidecar
        .outdial_fails(&["campaign", "start", "real"])
        .unwrap();
    assert!(refused.contains("simulated PBX"), "{refused}");
    let mut sql = rig.sidecar.sql().unwrap();
    sql.execute(
        "UPDATE outdial.campaigns SET state = 'running' WHERE name = 'real'",
        &[],
    )
    .unwrap();

    test_campaign(&mut rig, "trial", 500, 10);
    rig.outdial(&["campaign", "start", "trial"]).unwrap();
    rig.wait_leads("trial", &["done"], Duration::from_secs(240))
        .unwrap();
    no_ghosts(&rig);

    let rows = attempts(&mut sql).unwrap();
    let calls = settled(&rows, || rig.pbx.calls(), None).unwrap();
    assert_eq!((rows.len(), calls.len()), (500, 500));
    let counts = outcomes(&rows);
    for outcome in ["completed", "no_answer", "busy", "invalid", "machine"] {
        assert!(counts.contains_key(outcome), "{counts:?}");
    }
    assert!(
        per_number(&calls).values().all(|count| *count == 1),
        "a number was dialed twice"
    );
    let count = |sql: &str| rig.sidecar.count(sql).unwrap();
    let of_real = "FROM outdial.leads l JOIN outdial.campaigns c ON c.id = l.campaign_id
                   WHERE c.name = 'real' AND l.status = 'ready' AND l.attempts = 0";
    assert_eq!(count(&format!("SELECT count(*) {of_real}")), 20);
    left_out_of_statistics(&rig);
    drains(&mut rig);
    assert_eq!(
        rig.sidecar
            .count("SELECT count(*) FROM outdial.leads WHERE status IN ('leased', 'dialing')")
            .unwrap(),
        0
    );
}

/// What a test used up is nobody's budget, and it says that it was one.
fn left_out_of_statistics(rig: &SimRig) {
    let count = |sql: &str| rig.sidecar.count(sql).unwrap();
    for nothing in [
        "SELECT count(*) FROM outdial.attempts WHERE NOT test",
        "SELECT count(*) FROM outdial.campaign_days",
        "SELECT count(*) FROM outdial.caller_id_hours",
        "SELECT count(*) FROM outdial.number_guard WHERE number NOT LIKE 'test/%'",
        "SELECT count(*) FROM outdial.number_guard WHERE lease_id IS NOT NULL",
    ] {
        assert_eq!(count(nothing), 0, "{nothing}");
    }
    let status = rig.sidecar.status().unwrap();
    assert_eq!(status["test"], true, "{status}");
    assert_eq!(status["agents"][0]["test"], true, "{status}");
    let doctor = rig.outdial(&["doctor"]).unwrap_or_else(|e| e.to_string());
    assert!(doctor.contains("the PBX is simulated"), "{doctor}");
    let list = rig.outdial(&["campaign", "list"]).unwrap();
    let line = |name: &str| list.lines().find(|l| l.starts_with(name)).unwrap();
    assert!(line("trial").contains("yes"), "{list}");
    assert!(!line("real").contains("yes"), "{list}");
}

#[test]
fn killed_in_the_middle_and_started_again_it_dials_nothing_twice() {
    let mut rig = start("sim-kill", "");
    test_campaign(&mut rig, "trial", 200, 10);
    rig.outdial(&["campaign", "start", "trial"]).unwrap();
    for life in 1..=3 {
        rig.wait_attempts(40 * life, Duration::from_secs(60))
            .unwrap();
        rig.pbx.process().unwrap().kill9().unwrap();
        rig.pbx.start().unwrap();
    }
    rig.wait_leads("trial", &["done"], Duration::from_secs(180))
        .unwrap();
    no_ghosts(&rig);

    let mut sql = rig.sidecar.sql().unwrap();
    let rows = attempts(&mut sql).unwrap();
    let calls = settled(&rows, || rig.pbx.calls(), Some("node lost")).unwrap();
    let twice: BTreeMap<_, _> = per_number(&calls)
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .collect();
    assert_eq!(twice, BTreeMap::new(), "dialed twice");
    let mut leads: Vec<i64> = rows.iter().map(|row| row.lead).collect();
    leads.sort_unstable();
    leads.dedup();
    assert_eq!(leads.len(), rows.len(), "a lead with two attempts");
    assert!(
        rows.iter().any(|row| row.detail == "node lost"),
        "no call was up when it was killed"
    );
    drains(&mut rig);
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_journal_keeps_what_happened() {
    // Whoever is connected talks for longer than the test.
    let mut rig = start(
        "sim-signal",
        "--answer-rate 0.7 --machine-rate 0 --talk-seconds 40000",
    );
    test_campaign(&mut rig, "trial", 40, 10);
    rig.outdial(&["campaign", "start", "trial"]).unwrap();
    rig.wait_agents("on_call", 3, Duration::from_secs(30))
        .unwrap();

    let process = rig.pbx.process().unwrap();
    process.signal(Signal::SIGTERM).unwrap();
    wait_for("the draining", Duration::from_secs(10), || {
        Ok(process.output().contains("draining"))
    })
    .unwrap();
    process.signal(Signal::SIGTERM).unwrap();
    let status = process.wait(Duration::from_secs(5)).unwrap();
    assert_eq!(status.code(), Some(1), "{}", process.tail());

    rig.outdial(&["campaign", "stop", "trial"]).unwrap();
    rig.pbx.start().unwrap();
    let lost = "SELECT count(*) FROM outdial.attempts WHERE detail = 'node lost' AND outcome = 'completed'";
    wait_for("the lost calls", Duration::from_secs(20), || {
        Ok(rig.sidecar.count(lost)? >= 3)
    })
    .unwrap();
    // Nobody talks any more: it ends by itself.
    drains(&mut rig);
}

#[test]
fn events_that_are_lost_doubled_and_late_and_agents_who_vanish_leave_no_call_behind() {
    let mut rig = start(
        "sim-faults",
        "--lose-events 0.02 --duplicate-events 0.05 --late-events 0.05 --kill-agent-every 2",
    );
    test_campaign(&mut rig, "trial", 150, 5);
    rig.outdial(&["campaign", "start", "trial"]).unwrap();
    rig.wait_leads("trial", &["done"], Duration::from_secs(240))
        .unwrap();
    wait_for("the end of all calls", Duration::from_secs(40), || {
        Ok(rig.live()? == 0)
    })
    .unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let calls = rig.pbx.calls().unwrap();
    assert_eq!((rows.len(), calls.len()), (150, 150), "one result per call");
    assert!(calls.iter().all(|call| call.ended.is_some()));
    drains(&mut rig);
}
