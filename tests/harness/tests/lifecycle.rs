//! Loading and unloading the module, again and again; and a module built for another Asterisk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use outdial_harness::sanitize;
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

/// The versions of Asterisk that are supported: from, to.
const OLDEST: u32 = 16;
const NEWEST: u32 = 22;
const ROUNDS: u32 = 100;
const SOON: Duration = Duration::from_secs(10);
/// After so many rounds every cache and arena is warm.
const WARM: u32 = 10;
/// Calls of each round.
const CALLS: u32 = 3;

#[test]
fn a_hundred_rounds_of_load_and_unload_leave_memory_flat() {
    let options = RigOptions {
        dialplan: "\n[loop]\nexten => _X.,1,Answer()\n same => n,Wait(5)\n".into(),
        // With an arena for each thread, what grows is the number of arenas that loads and console
        // threads have touched; with one, a leak shows to the kilobyte.
        env: vec![("MALLOC_ARENA_MAX".into(), "1".into())],
        ..RigOptions::default()
    };
    let mut rig = Rig::start("rounds", options).unwrap();
    // Over Local: SIP keeps a transaction for 32 s after its end (RFC 3261, timer D), so memory
    // would follow the calls of the last half minute.
    rig.outdial(&[
        "trunks",
        "add",
        "loop",
        "--tech",
        "Local",
        "--cps-limit",
        "50",
    ])
    .unwrap();
    rig.agentless(
        "robot",
        "continue",
        &["--max-concurrent", "10", "--max-attempts", "1"],
    )
    .unwrap();
    rig.outdial(&["routes", "add", "--trunk", "loop", "--campaign", "robot"])
        .unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    unload(&rig, 0);
    let mut warm = 0;
    for round in 1..=ROUNDS {
        let numbers: Vec<String> = (0..CALLS)
            .map(|n| Fate::Answer(1).number(0, round * CALLS + n))
            .collect();
        rig.insert("robot", &numbers).unwrap();
        let said = rig.pbx.cli("module load res_outdial.so").unwrap();
        assert!(said.contains("Loaded"), "round {round}: {said}");
        rig.wait_attempts(i64::from(round * CALLS), Duration::from_secs(20))
            .unwrap();
        rig.pbx.cli("outdial drain").unwrap();
        unload(&rig, round);
        let rss = rig.pbx.rss_kb().unwrap();
        if round == WARM {
            warm = rss;
        }
        if round == ROUNDS {
            let grown = 100.0 * (kilobytes(rss) / kilobytes(warm) - 1.0);
            println!(
                "resident: {warm} kB after {WARM} rounds, {rss} kB after {ROUNDS}: {grown:+.2} %"
            );
            // AddressSanitizer keeps what is freed, and finds leaks by itself.
            assert!(
                grown < 2.0 || sanitize::wanted().unwrap(),
                "{warm} kB grew to {rss} kB: {grown:.2} %"
            );
        }
    }
    assert!(rig.pbx.alive());
    let sql = "SELECT count(*) FROM outdial.attempts WHERE outcome = 'completed'";
    assert_eq!(rig.sidecar.count(sql).unwrap(), i64::from(ROUNDS * CALLS));
    assert_eq!(
        rig.carrier.calls().unwrap().len(),
        0,
        "the campaign's own route was taken"
    );
}

fn kilobytes(kb: u64) -> f64 {
    f64::from(u32::try_from(kb).unwrap())
}

fn unload(rig: &Rig, round: u32) {
    wait_for(&format!("unload {round}"), Duration::from_secs(10), || {
        let said = rig
            .pbx
            .cli("module unload res_outdial.so")
            .unwrap_or_default();
        Ok(said.contains("Unloaded"))
    })
    .unwrap();
}

#[test]
fn a_reload_takes_new_settings_and_keeps_the_old_where_they_are_wrong() {
    let mut rig = Rig::start("reload", RigOptions::default()).unwrap();
    let etc = rig.pbx.run_dir().join("etc/outdial.conf");
    let fine = fs::read_to_string(etc).unwrap();
    let reload = |rig: &Rig, conf: &str| {
        rig.pbx.write_etc("outdial.conf", conf).unwrap();
        rig.pbx.cli("module reload res_outdial.so").unwrap();
    };
    let elsewhere = fine.replace("/link.sock", "/nowhere.sock");
    assert_ne!(elsewhere, fine);
    reload(&rig, &elsewhere);
    rig.sidecar.wait_health(503, SOON, |_| true).unwrap();
    reload(&rig, &fine);
    rig.wait_healthy(SOON).unwrap();

    reload(&rig, &elsewhere.replace("node =", "nod ="));
    rig.pbx
        .wait_log("outdial.conf is not applied", SOON)
        .unwrap();
    rig.agentless("robot", "continue", &["--max-attempts", "1"])
        .unwrap();
    rig.insert("robot", &[Fate::Answer(0).number(0, 1)])
        .unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    rig.wait_leads("robot", &["done"], SOON).unwrap();
    rig.wait_healthy(SOON).unwrap();
    assert!(rig.pbx.alive());
}

/// The module of the other version that is supported, built with that version's headers. In the
/// older system's C library, which the newer one can load too.
fn module_of_the_other(rig: &Rig) -> (u32, u32, PathBuf) {
    let workspace = &rig.workspace;
    let here = workspace.asterisk_major().unwrap();
    let other = if here == OLDEST { NEWEST } else { OLDEST };
    let build = workspace.module_folder("-other");
    if !nix::unistd::geteuid().is_root() {
        // Without the other's root, its number must do.
        let major = format!("ASTERISK_MAJOR={other}");
        return (
            here,
            other,
            workspace.build_module(&build, &[major]).unwrap(),
        );
    }
    let others = workspace.of_version(other).unwrap();
    let oldest = if here == OLDEST { workspace } else { &others };
    let sysroot = format!("SYSROOT={}", oldest.asterisk_root.display());
    let module = others.build_module(&build, &[sysroot]).unwrap();
    (here, other, module)
}

#[test]
fn a_module_for_another_asterisk_declines() {
    let mut rig = Rig::start("other-major", RigOptions::default()).unwrap();
    let (here, other, module) = module_of_the_other(&rig);
    let said = rig.pbx.cli("module unload res_outdial.so").unwrap();
    assert!(said.contains("Unloaded"), "{said}");
    rig.pbx.install_module(&module).unwrap();
    let said = rig
        .pbx
        .cli("module load res_outdial.so")
        .unwrap_or_else(|error| format!("{error:#}"));
    assert!(said.contains("Unable to load"), "{said}");
    let log = rig.pbx.log();
    let why = format!("built for Asterisk {other}, and this is Asterisk {here}.");
    assert!(
        log.lines()
            .any(|line| line.contains("ERROR") && line.contains(&why)),
        "{log}"
    );
    assert!(rig.pbx.alive());

    rig.pbx.install_module(&rig.workspace.module()).unwrap();
    rig.pbx.forget_declined().unwrap();
    let said = rig.pbx.cli("module load res_outdial.so").unwrap();
    assert!(said.contains("Loaded"), "{said}");
    rig.wait_healthy(Duration::from_secs(10)).unwrap();
}
