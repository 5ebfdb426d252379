//! Loading and unloading the module, again and again; and a module built for another Asterisk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::time::Duration;

use outdial_harness::process::run;
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Lead, Rig, RigOptions};

const ROUNDS: u32 = 100;
/// After so many rounds every cache and arena is warm.
const WARM: u32 = 10;

#[test]
fn a_hundred_rounds_of_load_and_unload_leave_memory_flat() {
    let mut rig = Rig::start("rounds", RigOptions::default()).unwrap();
    rig.campaign("robot", &[
        "--mode", "agentless", "--agentless", "continue", "--message", "vm-goodbye",
        "--max-concurrent", "10", "--max-attempts", "1",
    ])
    .unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    let mut warm = 0;
    for round in 1..=ROUNDS {
        let numbers: Vec<String> = (0..3)
            .map(|n| {
                let fate = if n == 0 { Fate::Busy } else { Fate::AnswerStay };
                Lead { fate, ring_half_seconds: 0, serial: round * 3 + n }.number()
            })
            .collect();
        rig.insert("robot", &numbers).unwrap();
        let calls = usize::try_from(round * 3).unwrap();
        wait_for(&format!("the calls of round {round}"), Duration::from_secs(20), || {
            let seen = rig.carrier.calls()?;
            Ok(seen.len() >= calls && seen.iter().all(|call| call.ended.is_some()))
        })
        .unwrap();
        rig.asterisk.cli("outdial drain").unwrap();
        wait_for(&format!("unload {round}"), Duration::from_secs(10), || {
            let said = rig.asterisk.cli("module unload res_outdial.so").unwrap_or_default();
            Ok(said.contains("Unloaded"))
        })
        .unwrap();
        let rss = rig.asterisk.rss_kb().unwrap();
        if round == WARM {
            warm = rss;
        }
        if round == ROUNDS {
            let grown = 100.0 * (f64::from(u32::try_from(rss).unwrap()) / f64::from(u32::try_from(warm).unwrap()) - 1.0);
            println!("resident: {warm} kB after {WARM} rounds, {rss} kB after {ROUNDS}: {grown:+.2} %");
            assert!(grown < 2.0, "{warm} kB grew to {rss} kB: {grown:.2} %");
        }
        let said = rig.asterisk.cli("module load res_outdial.so").unwrap();
        assert!(said.contains("Loaded"), "round {round}: {said}");
    }
    assert!(rig.asterisk.alive());
    rig.wait_leads("robot", &["done"], Duration::from_secs(20)).unwrap();
    rig.wait_attempts(i64::from(ROUNDS * 3), Duration::from_secs(10)).unwrap();
    assert_eq!(rig.sidecar.count("SELECT count(*) FROM outdial.attempts").unwrap(), i64::from(ROUNDS * 3));
}

#[test]
fn a_module_for_another_asterisk_declines() {
    let mut rig = Rig::start("other-major", RigOptions::default()).unwrap();
    let said = rig.asterisk.cli("module unload res_outdial.so").unwrap();
    assert!(said.contains("Unloaded"), "{said}");
    let build = rig.workspace.target.join("asterisk-module-other");
    run(Command::new("make")
        .args(["-s", "-C", "asterisk-module", "ASTERISK_MAJOR=16"])
        .arg(format!("BUILD={}", build.display()))
        .arg(format!("OUTDIAL_LIB={}", rig.workspace.target.join("release").display()))
        .arg(format!("ASTERISK_INCLUDE={}", rig.workspace.asterisk_include().display()))
        .current_dir(&rig.workspace.root)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL"))
    .unwrap();
    rig.asterisk.install_module(&build.join("res_outdial.so")).unwrap();
    let said = rig.asterisk.cli("module load res_outdial.so").unwrap_or_else(|error| format!("{error:#}"));
    assert!(said.contains("Unable to load"), "{said}");
    let log = rig.asterisk.log();
    assert!(log.contains("16") && log.contains("22"), "both versions are named");
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains("Asterisk 16")), "{log}");
    assert!(rig.asterisk.alive());

    rig.asterisk.install_module(&rig.workspace.module()).unwrap();
    let said = rig.asterisk.cli("module load res_outdial.so").unwrap();
    assert!(said.contains("Loaded"), "{said}");
    rig.wait_healthy(Duration::from_secs(10)).unwrap();
}
