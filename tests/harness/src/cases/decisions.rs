//! What the engine decides, seen on the real PBX: a campaign that lacks something, a trunk that
//! fails, an answered call that finds no agent, a test of a trunk.

use std::time::Duration;

use super::SOON;
use crate::truth::{attempts, settled};
use crate::wait::wait_for;
use crate::{Fate, Lead, Pbx, Rig, RigOptions};

const LATER: Duration = Duration::from_secs(40);

/// A campaign is not started without its sound, its target and its trunk.
pub fn a_campaign_starts_only_with_all_it_needs<P: Pbx>(rig: &Rig<P>) {
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
    let (_, endpoint) = P::trunk("carrier");
    rig.outdial(&["trunks", "set", "carrier", "--endpoint", &endpoint])
        .unwrap();
    rig.outdial(&["campaign", "start", "spring"]).unwrap();
    rig.outdial(&["campaign", "stop", "spring"]).unwrap();
    assert!(
        rig.carrier.calls().unwrap().is_empty(),
        "nothing was dialed"
    );
}

/// By a call that the command line asks for.
pub fn a_trunk_is_tested<P: Pbx>(rig: &Rig<P>) {
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

/// Where the first one fails, and not where the callee has spoken; a 302 is not followed.
pub fn another_trunk_is_tried<P: Pbx>(rig: &Rig<P>) {
    let (tech, endpoint) = P::trunk("carrier2");
    let backup = ["trunks", "add", "backup", "--tech", tech];
    rig.outdial(&[&backup[..], &["--endpoint", &endpoint]].concat())
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

/// Four are dialed at once.
#[must_use]
pub fn rush() -> RigOptions {
    RigOptions {
        burst: 10,
        ..RigOptions::default()
    }
}

/// Four customers answer, and there is one agent.
pub fn who_finds_no_agent_hears_the_message_after_two_seconds<P: Pbx>(rig: &mut Rig<P>) {
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
    assert_eq!(rig.pbx.played("vm-goodbye"), 3);
    wait_for("one call live", SOON, || Ok(rig.live()? == 1)).unwrap();

    // The agent goes home: the customer is not left alone.
    rig.pbx.hang_up_phones().unwrap();
    rig.wait_attempts(4, SOON).unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let talked = rows.iter().filter(|row| row.outcome == "completed").count();
    assert_eq!(talked, 1);
    settled(&rows, || rig.carrier.calls(), None).unwrap();
}
