//! The hand-shake, and configuration on its way to the engine.

use std::time::{Duration, Instant};

use outdial_link::{
    AttemptSnapshot, CampaignAction, Config, Down, Request, Snapshot, TrunkSnapshot, Up,
};

use crate::module::{Module, hello};
use crate::sidecar::{LONG, Sidecar, wait};

#[test]
fn a_module_is_welcomed_refused_and_known_again() {
    let sidecar = Sidecar::start();

    let why = Module::introduce(&sidecar, hello("other", 1))
        .err()
        .unwrap();
    assert!(
        why.contains("\"other\"") && why.contains("\"pbx1\""),
        "{why}"
    );
    let mut future = hello("pbx1", 1);
    (future.version_min, future.version_max) = (900, 901);
    let why = Module::introduce(&sidecar, future).err().unwrap();
    assert!(why.contains("900 to 901"), "{why}");

    let first = Module::connect(&sidecar, 1);
    assert!((1..=i32::MAX.unsigned_abs()).contains(&first.welcome.epoch));
    assert!(first.config.iter().any(|c| matches!(
        c,
        Config::Settings {
            max_concurrent_originates: 50
        }
    )));
    let why = Module::introduce(&sidecar, hello("pbx1", 2)).err().unwrap();
    assert!(why.contains("4711"), "{why}");
    // The same engine again takes the place of its old connection.
    let again = Module::connect(&sidecar, 1);
    assert_eq!(again.welcome.epoch, first.welcome.epoch);
    drop(first);
    drop(again);
    let reborn = wait("the place to be free", LONG, || {
        Module::introduce(&sidecar, hello("pbx1", 2)).ok()
    });
    assert!(reborn.welcome.epoch > 1);
    assert_eq!(
        sidecar.count("nodes WHERE pbx = 'Asterisk 22.10' AND abi = '1.0'"),
        1
    );
}

#[test]
fn a_new_engine_is_told_of_the_days_before_it_and_one_that_comes_back_is_not() {
    let sidecar = Sidecar::start();
    let mut client = sidecar.client();
    let id = sidecar.campaign("spring");
    client
        .execute(
            "INSERT INTO campaign_days VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 100, 2)",
            &[&i64::try_from(id).unwrap()],
        )
        .unwrap();
    let told = |module: &Module| {
        let known = |c: &&Config| matches!(c, Config::Abandons { campaign, answered: 100, abandoned: 2, .. } if *campaign == id);
        module.config.iter().filter(known).count()
    };
    let first = Module::connect(&sidecar, 1);
    assert_eq!(told(&first), 1);
    let again = Module::connect(&sidecar, 1);
    assert_eq!(told(&again), 0);
}

#[test]
fn a_change_by_plain_sql_reaches_the_engine_within_a_second() {
    let sidecar = Sidecar::start();
    let id = sidecar.campaign("spring");
    let mut module = Module::connect(&sidecar, 1);
    let mut client = sidecar.client();
    assert!(
        module
            .config
            .iter()
            .any(|c| matches!(c, Config::Trunk(t) if t.cps_milli == 10_000))
    );

    let asked = Instant::now();
    client
        .batch_execute("UPDATE trunk_config SET cps_limit = 5")
        .unwrap();
    let changes = module.until(|down| match down {
        Down::Config {
            full: false,
            changes,
        } => Some(changes.clone()),
        _ => None,
    });
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(changes.len(), 1);
    assert!(matches!(&changes[0], Config::Trunk(t) if t.cps_milli == 5_000));

    client
        .batch_execute("UPDATE campaigns SET retry = '{\"busy\": {\"delay_seconds\": 2}}'")
        .unwrap();
    let campaign = module.until(|down| match down {
        Down::Config { changes, .. } => changes.iter().find_map(|c| match c {
            Config::Campaign(campaign) => Some(campaign.clone()),
            _ => None,
        }),
        _ => None,
    });
    assert_eq!(
        (
            campaign.id,
            campaign.retry.busy.delays_seconds.clone(),
            campaign.retry.busy.retry
        ),
        (id, vec![2], true)
    );
    assert_eq!(campaign.retry.no_answer.delays_seconds, [3_600]);

    // What the engine would refuse is taken away, and a broken rule does not get in at all.
    client
        .batch_execute("UPDATE campaigns SET caller_ids = '{}'")
        .unwrap();
    module.until(|down| match down {
        Down::Config { changes, .. } => {
            changes.contains(&Config::CampaignRemoved(id)).then_some(())
        }
        _ => None,
    });
    for sql in [
        "UPDATE trunk_config SET cps_limit = 0",
        "UPDATE campaigns SET retry = '{\"busi\": {}}'",
        "UPDATE campaigns SET retry = '{\"busy\": {\"delay_seconds\": -1}}'",
        "UPDATE campaigns SET time_zone = 'Mars/Olympus'",
        "UPDATE campaigns SET caller_ids = '{\"1&PJSIP/evil\"}'",
        "UPDATE campaigns SET context = 'a,b'",
        "UPDATE rate_limit_buckets SET tokens = 9",
    ] {
        assert!(client.batch_execute(sql).is_err(), "{sql}");
    }
}

#[test]
fn a_change_is_seen_without_notifications_too() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let mut module = Module::connect(&sidecar, 1);
    let asked = Instant::now();
    // As behind a pooler that takes LISTEN away: the counter moves, and nothing is notified.
    sidecar
        .client()
        .batch_execute(
            "SET session_replication_role = replica;
             UPDATE outdial.trunk_config SET burst = 7;
             UPDATE outdial.changes SET version = version + 1 WHERE what = 'config'",
        )
        .unwrap();
    module.until(|down| matches!(down, Down::Config { full: false, .. }).then_some(()));
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn snapshots_are_shown_in_status_and_in_views() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let mut module = Module::connect(&sidecar, 1);
    let now_ms = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let attempt = |id: u64, fires_in_ms: i64| AttemptSnapshot {
        id,
        leg: 1,
        campaign: 1,
        trunk: 1,
        state: "ringing".into(),
        deadline_ms: Some(now_ms + fires_in_ms),
        deadline: Some("ring timeout".into()),
        ..AttemptSnapshot::default()
    };
    let trunk = TrunkSnapshot {
        id: 1,
        name: "carrier".into(),
        cps_milli: 10_000,
        tokens_milli: 2_500,
        max_channels: 100,
        health_milli: 970,
        circuit: "up".into(),
        ..TrunkSnapshot::default()
    };
    let mut snapshot = Snapshot {
        at_ms: now_ms,
        trunks: vec![trunk],
        attempts: vec![attempt(1, 20_000), attempt(2, -1), attempt(3, 30_000)],
        ..Snapshot::default()
    };
    module.send(Up::Snapshot(Box::new(snapshot.clone())));
    let views = |what: &str, count: i64| {
        wait(what, LONG, || (sidecar.count(what) == count).then_some(()));
    };
    views("call_attempt_timers WHERE NOT fired AND NOT cancelled", 3);
    views(
        "rate_limit_buckets WHERE tokens = 2.5 AND cps_limit = 10 AND trunk = 'carrier'",
        1,
    );
    let (_, status) = sidecar.get("/status").unwrap();
    assert_eq!(status["trunks"][0]["tokens"], 2.5);
    assert_eq!(status["trunks"][0]["health"], 0.97);
    assert_eq!(status["trunks"][0]["circuit"], "up");

    snapshot.at_ms += 1_000;
    snapshot.attempts.drain(..2);
    module.send(Up::Snapshot(Box::new(snapshot)));
    views("call_attempt_timers WHERE fired AND attempt_id = 2", 1);
    views("call_attempt_timers WHERE cancelled AND attempt_id = 1", 1);
    views(
        "call_attempt_timers WHERE NOT fired AND NOT cancelled AND attempt_id = 3",
        1,
    );
}

#[test]
fn a_command_typed_in_the_pbx_is_carried_out() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let mut module = Module::connect(&sidecar, 1);
    let mut typed = |request, name: &str, action| {
        let what = Request::Campaign {
            name: name.into(),
            action,
        };
        module.send(Up::Request { request, what });
        module.until(|down| match down {
            Down::Requested {
                request: of,
                result,
            } if *of == request => Some(result.clone()),
            _ => None,
        })
    };
    assert!(
        typed(1, "spring", CampaignAction::Pause)
            .unwrap()
            .contains("paused")
    );
    assert_eq!(sidecar.count("campaigns WHERE state = 'paused'"), 1);
    let error = typed(2, "nope", CampaignAction::Stop).unwrap_err();
    assert!(error.contains("there is no campaign"), "{error}");
}
