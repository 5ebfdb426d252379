//! kill -9 of either side, in the middle of calls: nothing lost, nobody called twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use outdial_harness::carrier::Call;
use outdial_harness::truth::{Attempt, attempts, per_number, settled};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const CAMPAIGN: &str = "robot";

fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

/// An agentless campaign of `count` leads that keeps many calls in all states live.
fn rig(name: &str, count: u32, retry_failed: &str) -> Rig {
    let options = RigOptions {
        cps: 30,
        max_concurrent_originates: 200,
        dialplan: "\n[robot]\nexten => s,1,Wait(60)\n".into(),
        ..RigOptions::default()
    };
    let rig = Rig::start(name, options).unwrap();
    rig.agentless(
        CAMPAIGN,
        "goto robot,s",
        &[
            "--max-concurrent",
            "200",
            "--ring-timeout-ms",
            "4000",
            "--max-attempts",
            "2",
            "--retry",
            &format!("failed={retry_failed}"),
            "--retry",
            "busy=never",
            "--retry",
            "no_answer=never",
            "--retry",
            "congested=never",
            "--retry",
            "invalid=never",
            "--retry",
            "abandoned=never",
            "--retry",
            "cancelled=never",
            "--retry",
            "machine=never",
        ],
    )
    .unwrap();
    let fates = [
        Fate::RingNoAnswer,
        Fate::Answer(5),
        Fate::Busy,
        Fate::Answer(9),
        Fate::Answer(2),
    ];
    let numbers: Vec<String> = (0..count)
        .map(|serial| {
            let fate = fates[usize::try_from(serial).unwrap() % fates.len()];
            fate.number(u8::try_from(2 + serial % 4).unwrap(), serial)
        })
        .collect();
    rig.insert(CAMPAIGN, &numbers).unwrap();
    rig.outdial(&["campaign", "start", CAMPAIGN]).unwrap();
    rig
}

fn calls_before(rig: &Rig, instant: f64) -> Vec<Call> {
    rig.carrier
        .calls()
        .unwrap()
        .into_iter()
        .filter(|call| call.invited < instant)
        .collect()
}

fn rows(rig: &Rig) -> Vec<Attempt> {
    attempts(&mut rig.sidecar.sql().unwrap()).unwrap()
}

#[test]
fn sidecar_killed_amid_two_hundred_calls() {
    let mut rig = rig("crash-sidecar", 400, "1s");
    wait_for("200 calls", Duration::from_secs(60), || {
        Ok(rig.carrier.calls()?.len() >= 200)
    })
    .unwrap();
    rig.sidecar.kill9().unwrap();
    let killed = now();
    assert!(
        calls_before(&rig, killed)
            .iter()
            .filter(|call| call.ended.is_none())
            .count()
            > 50
    );
    // Calls go on and end while nobody takes their results.
    wait_for("ends without a sidecar", Duration::from_secs(20), || {
        Ok(rig
            .carrier
            .calls()?
            .iter()
            .filter(|call| call.ended.is_some_and(|at| at > killed))
            .count()
            >= 20)
    })
    .unwrap();

    rig.sidecar.spawn().unwrap();
    let (restarted, start) = (now(), Instant::now());
    wait_for("dialing after the restart", Duration::from_secs(5), || {
        Ok(rig
            .carrier
            .calls()?
            .iter()
            .any(|call| call.invited > restarted + 0.5))
    })
    .unwrap();
    let over: BTreeSet<String> = rig
        .carrier
        .calls()
        .unwrap()
        .into_iter()
        .filter(|call| call.ended.is_some_and(|at| at < restarted))
        .map(|call| call.number)
        .collect();
    let left = Duration::from_secs(10).saturating_sub(start.elapsed());
    wait_for("the results of the time without a sidecar", left, || {
        let Ok(mut sql) = rig.sidecar.sql() else {
            return Ok(false);
        };
        let there: BTreeSet<String> = attempts(&mut sql)?
            .into_iter()
            .map(|row| row.number)
            .collect();
        Ok(over.is_subset(&there))
    })
    .unwrap();

    rig.wait_healthy(Duration::from_secs(10)).unwrap();
    rig.wait_leads(CAMPAIGN, &["done"], Duration::from_secs(60))
        .unwrap();
    settled(&rows(&rig), || rig.carrier.calls(), None).unwrap();
    for (number, times) in per_number(&rig.carrier.calls().unwrap()) {
        assert_eq!(times, 1, "{number}");
    }
}

#[test]
fn asterisk_killed_amid_two_hundred_calls() {
    let mut rig = rig("crash-asterisk", 400, "1s");
    wait_for("200 calls", Duration::from_secs(60), || {
        Ok(rig.carrier.calls()?.len() >= 200)
    })
    .unwrap();
    rig.pbx.kill9().unwrap();
    let killed = now();
    let before = calls_before(&rig, killed);
    let answered: BTreeSet<String> = before
        .iter()
        .filter(|call| call.answered.is_some_and(|at| at < killed))
        .map(|call| call.number.clone())
        .collect();
    let live = before.iter().filter(|call| call.ended.is_none()).count();
    assert!(live > 50, "{live} calls were live");

    rig.pbx.boot().unwrap();
    let (restarted, start) = (now(), Instant::now());
    wait_for("dialing after the restart", Duration::from_secs(5), || {
        Ok(rig
            .carrier
            .calls()?
            .iter()
            .any(|call| call.invited > restarted))
    })
    .unwrap();
    let numbers: BTreeSet<String> = before.iter().map(|call| call.number.clone()).collect();
    let left = Duration::from_secs(10).saturating_sub(start.elapsed());
    wait_for("the results of the calls that were cut", left, || {
        let there: BTreeSet<String> = rows(&rig).into_iter().map(|row| row.number).collect();
        Ok(numbers.is_subset(&there))
    })
    .unwrap();

    rig.wait_leads(CAMPAIGN, &["done"], Duration::from_secs(90))
        .unwrap();
    let rows = rows(&rig);
    let calls = settled(&rows, || rig.carrier.calls(), Some("node lost")).unwrap();
    let lost: Vec<&Attempt> = rows
        .iter()
        .filter(|row| row.detail == "node lost")
        .collect();
    assert!(
        lost.len() >= 50,
        "{} attempts were lost with the node",
        lost.len()
    );
    for row in &lost {
        // The table's word is the journal's: what was answered before the end is not "failed".
        let was_answered = row.answered.is_some();
        assert_eq!(row.outcome == "failed", !was_answered, "{row:?}");
    }
    let per_number = per_number(&calls);
    for number in &answered {
        assert_eq!(
            per_number.get(number),
            Some(&1),
            "{number} had answered, and was called again"
        );
    }
    for (number, times) in per_number.iter().filter(|(_, times)| **times > 1) {
        let tries: Vec<&Attempt> = rows.iter().filter(|row| &row.number == number).collect();
        assert_eq!((*times, tries.len()), (2, 2), "{number}");
        assert_eq!(
            (tries[0].outcome.as_str(), tries[0].detail.as_str()),
            ("failed", "node lost"),
            "{number}"
        );
    }
}
