//! Agents without a channel: their SIP phones are rung for answered calls and put on hook after.

use std::time::Duration;

use super::LATER;
use crate::carrier::Call;
use crate::truth::attempts;
use crate::wait::wait_for;
use crate::{Fate, Pbx, Rig};

const SOON: Duration = Duration::from_secs(20);

/// A campaign whose customers wait long enough for a phone to be picked up.
fn patient<P: Pbx>(rig: &Rig<P>, name: &str) {
    let options = ["--wrap-up-ms", "0", "--max-attempts", "1"];
    let limit = ["--connect-limit-ms", "10000"];
    let all = [&options[..], &limit[..]].concat();
    rig.campaign(name, &all).unwrap();
}

/// Adds an agent whose phone is a callee of SIPp's, and logs them in.
fn log_in<P: Pbx>(rig: &Rig<P>, agent: &str, campaign: &str, number: &str, ring_timeout_ms: &str) {
    let phone = rig.pbx.phone(number).unwrap();
    let who = ["agents", "add", agent, "--campaign", campaign];
    let phone = ["--phone", &phone, "--ring-timeout-ms", ring_timeout_ms];
    rig.outdial(&[&who[..], &phone[..]].concat()).unwrap();
    rig.outdial(&["agents", "log-in", agent]).unwrap();
}

fn calls_to<P: Pbx>(rig: &Rig<P>, number: &str) -> Vec<Call> {
    let mut calls = rig.carrier.calls().unwrap();
    calls.retain(|call| call.number == number);
    calls
}

fn endings(calls: &[Call]) -> Vec<&str> {
    calls.iter().filter_map(|c| c.ending.as_deref()).collect()
}

fn no_channel_is_left<P: Pbx>(rig: &Rig<P>) {
    wait_for("the last channel's end", SOON, || {
        Ok(rig.pbx.channels()? == 0)
    })
    .unwrap();
}

/// One phone is not picked up, one is busy, one is answered.
pub fn a_phone_that_is_not_answered_yields_to_one_that_is<P: Pbx>(rig: &Rig<P>) {
    patient(rig, "home");
    let silent = Fate::RingNoAnswer.number(0, 90_001);
    let busy = Fate::Busy.number(0, 90_002);
    // Rings for half a second, then picks up and stays until the PBX hangs up.
    let good = Fate::AnswerStay.number(1, 90_003);
    log_in(rig, "silent", "home", &silent, "1500");
    log_in(rig, "busy", "home", &busy, "1500");
    log_in(rig, "good", "home", &good, "5000");
    rig.wait_agents("available", 3, SOON).unwrap();
    assert_eq!(
        rig.pbx.channels().unwrap(),
        0,
        "logged in without a channel"
    );
    let said = rig.outdial(&["agents", "log-in", "good"]).unwrap_err();
    assert!(format!("{said:#}").contains("already"), "{said:#}");

    // Two at a time wait for the one who picks up.
    let customers: Vec<String> = (0..3).map(|n| Fate::Answer(1).number(0, n)).collect();
    rig.insert("home", &customers).unwrap();
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    rig.wait_leads("home", &["done"], LATER).unwrap();

    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let completed = rows.iter().filter(|row| row.outcome == "completed");
    assert!(completed.count() >= 1, "{rows:?}");
    for row in &rows {
        assert_eq!(row.agent.is_some(), row.bridged.is_some());
        assert_eq!(row.outcome == "completed", row.bridged.is_some(), "{row:?}");
    }
    let talks = rows.iter().filter(|row| row.bridged.is_some()).count();
    let (silent, busy, good) = (
        calls_to(rig, &silent),
        calls_to(rig, &busy),
        calls_to(rig, &good),
    );
    assert!(!silent.is_empty() && endings(&silent).iter().all(|e| *e == "cancelled"));
    assert!(!busy.is_empty() && endings(&busy).iter().all(|e| *e == "486"));
    let taken = endings(&good).iter().filter(|e| **e == "bye_in").count();
    assert!(taken >= talks, "{good:?}");
    rig.wait_agents("available", 1, SOON).unwrap();
    no_channel_is_left(rig);

    let shown = rig.pbx.show("agents").unwrap();
    assert!(shown.contains("good"), "{shown}");
    rig.outdial(&["agents", "log-off", "good"]).unwrap();
    let status = rig.outdial(&["status"]).unwrap();
    assert!(status.contains("logged_out"), "{status}");
}

/// An agent is on hook again whoever ends the call, and nobody's phone rings for a customer who is gone.
pub fn agents_end_calls_by_hanging_up_and_customers_who_go_stop_the_phone<P: Pbx>(rig: &Rig<P>) {
    patient(rig, "home");
    // Picks up at once, talks for a second and hangs up.
    let brisk = Fate::Answer(1).number(0, 90_001);
    log_in(rig, "brisk", "home", &brisk, "5000");
    let customers: Vec<String> = (0..3).map(|n| Fate::AnswerStay.number(0, n)).collect();
    rig.insert("home", &customers).unwrap();
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    assert!(
        rows.iter().all(|row| row.outcome == "completed"),
        "{rows:?}"
    );
    assert_eq!(endings(&calls_to(rig, &brisk)), ["bye_out"; 3]);
    for customer in &customers {
        assert_eq!(endings(&calls_to(rig, customer)), ["bye_in"]);
    }
    rig.wait_agents("available", 1, SOON).unwrap();
    no_channel_is_left(rig);

    // A phone that nobody picks up rings no longer than the customer waits.
    let silent = Fate::RingNoAnswer.number(0, 90_002);
    let phone = rig.pbx.phone(&silent).unwrap();
    rig.outdial(&["agents", "set", "brisk", "--phone", &phone])
        .unwrap();
    rig.outdial(&["agents", "set", "brisk", "--ring-timeout-ms", "60000"])
        .unwrap();
    let hasty = vec![Fate::Answer(2).number(0, 100)];
    rig.insert("home", &hasty).unwrap();
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let rang = calls_to(rig, &silent);
    assert_eq!(endings(&rang), ["cancelled"]);
    let rings = rang[0].ended.unwrap() - rang[0].invited;
    assert!((1.0..4.0).contains(&rings), "it rang for {rings} s");
    rig.wait_agents("available", 1, SOON).unwrap();
    no_channel_is_left(rig);
}
