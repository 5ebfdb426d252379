//! What the engine decides, seen on the real PBX: a campaign that lacks something, a trunk that
//! fails, an answered call that finds no agent, a test of a trunk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::truth::{attempts, settled};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Lead, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(40);

#[test]
fn what_the_pbx_lacks_and_what_the_carrier_says() {
    let rig = Rig::start("decisions", RigOptions::default()).unwrap();
    a_campaign_starts_only_with_all_it_needs(&rig);
    a_trunk_is_tested(&rig);
    another_trunk_is_tried(&rig);
}

fn a_campaign_starts_only_with_all_it_needs(rig: &Rig) {
    rig.campaign("spring", &["--message", "no-such-sound"])
        .unwrap();
    rig.insert("spring", &[Fate::Busy.number(0, 1)]).unwrap();
    let lacks = |expected: &str, mend: &[&str]| {
        let said = rig
            .sidecar
            .outdial_fails(&["campaign", "start", "spring"])
            .unwrap();
        assert!(said.contains(expected), "{said}");
        let mut set = vec!["campaign", "set", "spring"];
        set.extend(mend);
        rig.outdial(&set).unwrap();
    };
    lacks(
        "no-such-sound",
        &["--message", "vm-goodbye", "--context", "nowhere"],
    );
    lacks("nowhere", &["--context", "outdial"]);
    rig.outdial(&["trunks", "set", "carrier", "--endpoint", "no-such-endpoint"])
        .unwrap();
    lacks("no-such-endpoint", &["--context", "outdial"]);
    rig.outdial(&["trunks", "set", "carrier", "--endpoint", "carrier"])
        .unwrap();
    rig.outdial(&["campaign", "start", "spring"]).unwrap();
    rig.outdial(&["campaign", "stop", "spring"]).unwrap();
    assert!(
        rig.carrier.calls().unwrap().is_empty(),
        "nothing was dialed"
    );
}

fn a_trunk_is_tested(rig: &Rig) {
    let test = |fate: Fate, serial| {
        let number = format!("+{}", fate.number(0, serial));
        let line = ["trunks", "test", "carrier", &number];
        rig.outdial(&line)
            .or_else(|_| rig.sidecar.outdial_fails(&line))
            .unwrap()
    };
    let busy = test(Fate::Busy, 11);
    assert!(busy.contains("486"), "{busy}");
    let answered = test(Fate::AnswerStay, 12);
    assert!(
        answered.contains("classifying") || answered.contains("answered"),
        "{answered}"
    );
    rig.outdial(&["dnc", "add", &format!("+{}", Fate::Busy.number(0, 13))])
        .unwrap();
    let refused = test(Fate::Busy, 13);
    assert!(refused.contains("do-not-call"), "{refused}");
    assert_eq!(rig.carrier.calls().unwrap().len(), 2);
}

fn another_trunk_is_tried(rig: &Rig) {
    rig.outdial(&["trunks", "add", "backup", "--endpoint", "carrier2"])
        .unwrap();
    rig.outdial(&["routes", "add", "--trunk", "backup", "--priority", "2"])
        .unwrap();
    rig.agentless(
        "failover",
        "continue",
        &["--retry", "congested=never", "--max-attempts", "1"],
    )
    .unwrap();
    rig.insert(
        "failover",
        &[
            Fate::Congestion.number(0, 21),
            Fate::Moved.number(0, 22),
            Fate::Decline.number(0, 23),
        ],
    )
    .unwrap();
    rig.outdial(&["campaign", "start", "failover"]).unwrap();
    rig.wait_leads("failover", &["done"], LATER).unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let legs = |fate: Fate, serial| {
        let number = fate.number(0, serial);
        let row = rows.iter().find(|row| row.number == number).unwrap();
        let calls = rig.carrier.calls().unwrap();
        let dialed = calls.iter().filter(|call| call.number == number).count();
        (row.outcome.clone(), row.legs, dialed)
    };
    assert_eq!(legs(Fate::Congestion, 21), ("congested".into(), 2, 2));
    assert_eq!(legs(Fate::Moved, 22), ("congested".into(), 2, 2));
    assert_eq!(legs(Fate::Decline, 23), ("busy".into(), 1, 1));
}

#[test]
fn who_finds_no_agent_hears_the_message_after_two_seconds() {
    let options = RigOptions {
        burst: 10,
        ..RigOptions::default()
    };
    let mut rig = Rig::start("abandoned", options).unwrap();
    rig.power(
        "rush",
        "4",
        &["--max-attempts", "1", "--retry", "abandoned=never"],
    )
    .unwrap();
    // They ring for a second, so that all four are dialed while the agent is free.
    let rings = |serial| Lead {
        fate: Fate::AnswerStay,
        ring_half_seconds: 2,
        serial,
    };
    let numbers: Vec<String> = (1..=4).map(|n| rings(n).number()).collect();
    rig.insert("rush", &numbers).unwrap();
    rig.log_in("rush", 1).unwrap();
    rig.outdial(&["campaign", "start", "rush"]).unwrap();
    rig.wait_attempts(3, LATER).unwrap();

    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    assert_eq!(rows.len(), 3, "one of four has the agent");
    for row in &rows {
        assert_eq!(
            (row.outcome.as_str(), row.detail.as_str()),
            ("abandoned", "no agent")
        );
        let heard = row.ended - row.answered.unwrap();
        assert!((2.0..9.0).contains(&heard), "{heard} s from answer to end");
    }
    let played = rig.pbx.log().matches("Playing 'vm-goodbye").count();
    assert_eq!(played, 3);
    wait_for("one call live", SOON, || Ok(rig.live()? == 1)).unwrap();

    // The agent goes home: the customer is not left alone.
    rig.pbx
        .cli("channel request hangup PJSIP/agents-00000000")
        .unwrap();
    rig.wait_attempts(4, SOON).unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let talked = rows.iter().filter(|row| row.outcome == "completed").count();
    assert_eq!(talked, 1);
    settled(&rows, || rig.carrier.calls(), None).unwrap();
}
