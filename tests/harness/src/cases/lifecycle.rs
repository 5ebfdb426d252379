//! Loading, unloading and reloading the module.

use std::time::Duration;

use super::SOON;
use crate::pbx::Step::{Answer, Wait};
use crate::process::rss_kb;
use crate::truth::attempts;
use crate::wait::wait_for;
use crate::{Fate, Pbx, Rig, RigOptions};

const LATER: Duration = Duration::from_secs(20);
/// After so many rounds every cache and arena is warm.
const WARM: u32 = 10;
/// Calls of each round.
const CALLS: u32 = 3;

/// A context for calls that need no carrier.
#[must_use]
pub fn looped<P: Pbx>() -> RigOptions {
    RigOptions {
        dialplan: P::context("loop", &[(P::ANY, &[Answer, Wait(5)])]),
        // With an arena for each thread, what grows is the number of arenas that loads and console
        // threads have touched; with one, a leak shows to the kilobyte.
        env: vec![("MALLOC_ARENA_MAX".into(), "1".into())],
        ..RigOptions::default()
    }
}

/// `rounds` rounds of load, three calls and unload. By how many percent resident memory has grown since the
/// tenth.
pub fn rounds_of_load_and_unload<P: Pbx>(rig: &mut Rig<P>, rounds: u32) -> f64 {
    // Not over SIP: that keeps a transaction for 32 s after its end (RFC 3261, timer D), so memory would
    // follow the calls of the last half minute.
    let trunk = ["trunks", "add", "loop", "--tech", P::LOOPBACK];
    rig.outdial(&[&trunk[..], &["--cps-limit", "50"]].concat())
        .unwrap();
    let options = ["--max-concurrent", "10", "--max-attempts", "1"];
    rig.agentless("robot", "continue", &options).unwrap();
    rig.outdial(&["routes", "add", "--trunk", "loop", "--campaign", "robot"])
        .unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    unload(rig, 0);
    let (mut warm, mut last) = (0, 0);
    for round in 1..=rounds {
        let number = |n| Fate::Answer(1).number(0, round * CALLS + n);
        let numbers: Vec<String> = (0..CALLS).map(number).collect();
        rig.insert("robot", &numbers).unwrap();
        rig.pbx.load().unwrap();
        rig.wait_attempts(i64::from(round * CALLS), LATER).unwrap();
        rig.pbx.order("drain").unwrap();
        unload(rig, round);
        last = rss_kb(rig.pbx.pid().unwrap()).unwrap();
        if round == WARM {
            warm = last;
        }
    }
    assert!(rig.pbx.process().unwrap().alive());
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    assert_eq!(rows.len(), usize::try_from(rounds * CALLS).unwrap());
    let others: Vec<_> = rows.iter().filter(|r| r.outcome != "completed").collect();
    assert!(
        others.is_empty(),
        "{} of {}: {others:#?}",
        others.len(),
        rows.len()
    );
    let dialed = rig.carrier.calls().unwrap().len();
    assert_eq!(dialed, 0, "the campaign's own route was taken");
    let grown = 100.0 * (kilobytes(last) / kilobytes(warm) - 1.0);
    println!("resident: {warm} kB after {WARM} rounds, {last} kB after {rounds}: {grown:+.2} %");
    grown
}

fn kilobytes(kb: u64) -> f64 {
    f64::from(u32::try_from(kb).unwrap())
}

fn unload<P: Pbx>(rig: &Rig<P>, round: u32) {
    let what = format!("unload {round}");
    wait_for(&what, SOON, || Ok(rig.pbx.unload().is_ok())).unwrap();
}

/// A socket where nobody listens, and back; then a name that is not known.
pub fn a_reload_takes_new_settings_and_keeps_the_old_where_they_are_wrong<P: Pbx>(
    rig: &mut Rig<P>,
) {
    let fine = rig.pbx.settings();
    let reload = |rig: &Rig<P>, settings: &str| {
        rig.pbx.write_settings(settings).unwrap();
        rig.pbx.reload().unwrap()
    };
    let elsewhere = fine.replace("/link.sock", "/nowhere.sock");
    assert_ne!(elsewhere, fine);
    reload(rig, &elsewhere);
    rig.sidecar.wait_health(503, SOON, |_| true).unwrap();
    reload(rig, &fine);
    rig.wait_healthy(SOON).unwrap();

    let said = reload(rig, &elsewhere.replace("node =", "nod ="));
    wait_for("what is wrong", SOON, || {
        Ok((rig.pbx.log() + &said).contains("is not applied"))
    })
    .unwrap();
    rig.agentless("robot", "continue", &["--max-attempts", "1"])
        .unwrap();
    rig.insert("robot", &[Fate::Answer(0).number(0, 1)])
        .unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    rig.wait_leads("robot", &["done"], SOON).unwrap();
    rig.wait_healthy(SOON).unwrap();
    assert!(rig.pbx.process().unwrap().alive());
}

/// Settings with which the module can't work keep it from loading, and the log names what is wrong.
pub fn wrong_settings_keep_it_from_loading<P: Pbx>(rig: &mut Rig<P>) {
    rig.pbx.unload().unwrap();
    let fine = rig.pbx.settings();
    for (settings, named) in [
        ("trunk = x\n".to_owned(), "trunk"),
        ("node = a-b\n".to_owned(), "a-b"),
        ("max_calls = many\n".to_owned(), "many"),
        (
            "node = pbx1\njournal = /dev/null/journal\n".to_owned(),
            "journal",
        ),
    ] {
        rig.pbx.write_settings(&settings).unwrap();
        let before = rig.pbx.log().len();
        assert!(rig.pbx.load().is_err(), "{named}");
        // The log is written by a thread of its own.
        wait_for(&format!("an error that names {named}"), SOON, || {
            let log = rig.pbx.log();
            let mut lines = log.get(before..).unwrap_or_default().lines();
            Ok(lines.any(|line| line.contains(P::ERROR) && line.contains(named)))
        })
        .unwrap();
    }
    rig.pbx.write_settings(&fine).unwrap();
    rig.pbx.load().unwrap();
    rig.wait_healthy(SOON).unwrap();
    assert!(rig.pbx.process().unwrap().alive());
}
