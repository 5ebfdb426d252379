//! Each cause that `/health` can name is broken on purpose, and mended.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use outdial_harness::process::{Frozen, family, named_threads};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(30);

/// `/health` says 503 and this cause alone is false.
fn broken<'a>(flag: &'a str, name: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |body| {
        let named = body["causes"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|cause| {
                cause
                    .as_str()
                    .is_some_and(|cause| cause.starts_with(&format!("{name}:")))
            });
        named && (flag.is_empty() || body[flag] == false)
    }
}

#[test]
fn each_cause_is_named_and_goes_when_mended() {
    let mut rig = Rig::start("health", RigOptions::default()).unwrap();
    let body = rig.sidecar.health().unwrap().1;
    for flag in [
        "running",
        "voiceAdapterConnected",
        "schedulerActive",
        "executorActive",
    ] {
        assert_eq!(body[flag], true, "{body}");
    }
    for field in ["status", "uptime", "database", "node"] {
        assert!(!body[field].is_null(), "{field} is missing: {body}");
    }
    the_adapter(&mut rig);
    the_scheduler(&rig);
    the_executor(&rig);
    the_database(&rig);
    let live = outdial_harness::http::get(rig.sidecar.http_port, "/health/live").unwrap();
    assert_eq!(live.0, 200);
}

fn the_adapter(rig: &mut Rig) {
    rig.pbx.process().unwrap().signal(Signal::SIGSTOP).unwrap();
    rig.sidecar
        .wait_health(
            503,
            SOON,
            broken("voiceAdapterConnected", "voiceAdapterConnected"),
        )
        .unwrap();
    rig.pbx.process().unwrap().signal(Signal::SIGCONT).unwrap();
    rig.wait_healthy(SOON).unwrap();

    rig.pbx.kill9().unwrap();
    rig.sidecar
        .wait_health(
            503,
            SOON,
            broken("voiceAdapterConnected", "voiceAdapterConnected"),
        )
        .unwrap();
    rig.pbx.boot().unwrap();
    rig.wait_healthy(SOON).unwrap();
}

/// The pump's thread alone gets no processor any more, while it has something to do.
fn the_scheduler(rig: &Rig) {
    let pid = rig.pbx.pid().unwrap();
    let pump: Vec<Pid> = named_threads(pid)
        .unwrap()
        .into_iter()
        .filter(|(_, name)| name == "outdial-pump")
        .map(|(thread, _)| thread)
        .collect();
    assert_eq!(pump.len(), 1);
    let frozen = Frozen::hold(&pump).unwrap();
    rig.sidecar
        .wait_health(503, SOON, broken("schedulerActive", "schedulerActive"))
        .unwrap();
    drop(frozen);
    rig.wait_healthy(SOON).unwrap();
}

/// The pool's threads get no processor any more, and a call waits for one.
fn the_executor(rig: &Rig) {
    let pid = rig.pbx.pid().unwrap();
    let before: Vec<Pid> = named_threads(pid)
        .unwrap()
        .into_iter()
        .map(|(thread, _)| thread)
        .collect();
    rig.agentless("robot", "continue", &["--max-attempts", "1"])
        .unwrap();
    let number = |serial| Fate::Busy.number(0, serial);
    rig.insert("robot", &[number(1)]).unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    rig.wait_attempts(1, SOON).unwrap();
    // Threads of the pool that dialed stay for the next call.
    let pool: Vec<Pid> = named_threads(pid)
        .unwrap()
        .into_iter()
        .filter(|(thread, name)| name.starts_with("outdial") && !before.contains(thread))
        .map(|(thread, _)| thread)
        .collect();
    assert!(!pool.is_empty(), "the pool has a thread");
    let frozen = Frozen::hold(&pool).unwrap();
    rig.insert("robot", &[number(2)]).unwrap();
    rig.sidecar
        .wait_health(503, LATER, broken("executorActive", "executorActive"))
        .unwrap();
    drop(frozen);
    rig.wait_healthy(SOON).unwrap();
    rig.wait_leads("robot", &["done", "ready"], LATER).unwrap();
}

fn the_database(rig: &Rig) {
    let postmaster = rig.sidecar.postmaster().unwrap();
    let processes = family(postmaster).unwrap();
    for process in &processes {
        let _ = kill(*process, Signal::SIGSTOP);
    }
    let down = rig.sidecar.wait_health(503, LATER, broken("", "database"));
    for process in &processes {
        let _ = kill(*process, Signal::SIGCONT);
    }
    assert_ne!(down.unwrap()["database"], "ok");
    rig.wait_healthy(LATER).unwrap();

    // Gone altogether: the sidecar starts its own again.
    kill(postmaster, Signal::SIGQUIT).unwrap();
    wait_for("the database's end", SOON, || {
        Ok(kill(postmaster, None).is_err())
    })
    .unwrap();
    rig.wait_healthy(LATER).unwrap();
}
