//! A campaign from a CSV file to the results, over a real trunk to agents; and the trunk's limit,
//! changed while it dials.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use outdial_harness::carrier::busiest;
use outdial_harness::figures::{count, percentile};
use outdial_harness::truth::{attempts, compare, outcomes, per_number};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Lead, Rig, RigOptions};

const SECONDS_60: Duration = Duration::from_secs(60);

/// What each fate must become; an answered one goes to an agent, or is abandoned if none is free.
fn expected(fate: Fate) -> &'static [&'static str] {
    match fate {
        Fate::Answer(_) | Fate::AnswerStay | Fate::EarlyThenAnswer => &["completed", "abandoned"],
        Fate::RingNoAnswer | Fate::Unavailable => &["no_answer"],
        Fate::Busy | Fate::Decline => &["busy"],
        Fate::Unknown | Fate::Incomplete => &["invalid"],
        Fate::Congestion
        | Fate::Forbidden
        | Fate::Moved
        | Fate::ServerError
        | Fate::Unauthorized
        | Fate::Silence => &["congested"],
    }
}

#[test]
fn every_attempt_is_in_the_table_once_as_the_carrier_saw_it() {
    let mut rig = Rig::start("campaign", RigOptions::default()).unwrap();
    let fates = [
        Fate::Answer(1),
        Fate::Busy,
        Fate::Answer(2),
        Fate::RingNoAnswer,
        Fate::Answer(0),
        Fate::Unknown,
        Fate::Answer(1),
        Fate::Decline,
        Fate::EarlyThenAnswer,
        Fate::Congestion,
        Fate::Answer(1),
        Fate::Moved,
        Fate::Answer(2),
        Fate::Unavailable,
        Fate::Answer(1),
        Fate::Forbidden,
        Fate::Answer(0),
        Fate::Incomplete,
        Fate::Answer(1),
        Fate::ServerError,
    ];
    let leads: Vec<Lead> = (0..160)
        .map(|serial| Lead {
            fate: fates[usize::try_from(serial).unwrap() % fates.len()],
            ring_half_seconds: u8::try_from(serial % 3).unwrap(),
            serial,
        })
        .collect();
    // Busy numbers are tried once more; nothing else is.
    rig.power(
        "spring",
        "2",
        &[
            "--ring-timeout-ms",
            "3000",
            "--wrap-up-ms",
            "200",
            "--max-attempts",
            "2",
            "--retry",
            "busy=1s",
            "--retry",
            "no_answer=never",
            "--retry",
            "congested=never",
            "--retry",
            "invalid=never",
            "--retry",
            "abandoned=never",
            "--retry",
            "failed=never",
            "--retry",
            "cancelled=never",
            "--retry",
            "machine=never",
        ],
    )
    .unwrap();
    rig.import("spring", &leads).unwrap();
    rig.log_in("spring", 12).unwrap();

    let refused = rig
        .pbx
        .cli("module unload res_outdial.so")
        .unwrap_or_else(|e| format!("{e:#}"));
    assert!(
        refused.contains("Unable to unload resource"),
        "agents wait, so: {refused}"
    );

    rig.outdial(&["campaign", "start", "spring"]).unwrap();
    rig.wait_leads("spring", &["done"], Duration::from_secs(120))
        .unwrap();
    wait_for("the last call's end", Duration::from_secs(10), || {
        Ok(rig.carrier.calls()?.iter().all(|call| call.ended.is_some()))
    })
    .unwrap();

    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let calls = rig.carrier.calls().unwrap();
    compare(&rows, &calls, None).unwrap();
    let dialed = per_number(&calls);
    for lead in &leads {
        let number = lead.number();
        let times = if matches!(lead.fate, Fate::Busy | Fate::Decline) {
            2
        } else {
            1
        };
        assert_eq!(dialed.get(&number), Some(&times), "{lead:?}");
        for row in rows.iter().filter(|row| row.number == number) {
            assert!(
                expected(lead.fate).contains(&row.outcome.as_str()),
                "{lead:?}: {row:?}"
            );
        }
    }
    assert_eq!(dialed.len(), leads.len(), "a 302 is not followed");
    let counts = outcomes(&rows);
    assert!(counts["completed"] > 40, "{counts:?}");
    let agents: BTreeMap<_, _> = rows
        .iter()
        .filter_map(|row| Some((row.agent?, ())))
        .collect();
    assert_eq!(agents.len(), 12, "every agent had calls");
    for row in rows.iter().filter(|row| row.outcome == "completed") {
        assert!(
            row.bridged.is_some() && row.agent.is_some() && row.connect_us.is_some(),
            "{row:?}"
        );
    }
    assert_eq!(
        rig.sidecar
            .count("SELECT count(*) FROM outdial.quarantine")
            .unwrap(),
        0
    );
    wait_for("no call live", Duration::from_secs(5), || {
        Ok(rig.live()? == 0)
    })
    .unwrap();

    drained_it_unloads_and_stops(&mut rig);
}

/// Agents still wait: drain lets them go, then the module unloads, loads again, and Asterisk stops
/// gracefully.
fn drained_it_unloads_and_stops(rig: &mut Rig) {
    rig.pbx.cli("outdial drain").unwrap();
    wait_for("the phones' end", Duration::from_secs(10), || {
        Ok(rig.agents[0].hung_up()? == 12)
    })
    .unwrap();
    wait_for("the unload", Duration::from_secs(10), || {
        let said = rig
            .pbx
            .cli("module unload res_outdial.so")
            .unwrap_or_default();
        Ok(said.contains("Unloaded"))
    })
    .unwrap();
    let loaded = rig.pbx.cli("module load res_outdial.so").unwrap();
    assert!(loaded.contains("Loaded"), "{loaded}");
    rig.wait_healthy(Duration::from_secs(10)).unwrap();
    rig.phones(1, 3).unwrap();
    rig.wait_agents("available", 3, Duration::from_secs(5))
        .unwrap();
    rig.pbx.cli("outdial drain").unwrap();
    rig.pbx.stop_gracefully(Duration::from_secs(15)).unwrap();
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
