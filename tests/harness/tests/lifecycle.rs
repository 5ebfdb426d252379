//! Loading and unloading the module, again and again; and a module built for another Asterisk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::time::Duration;

use outdial_harness::cases::lifecycle;
use outdial_harness::sanitize;
use outdial_harness::{Asterisk, Rig, RigOptions};

/// The versions of Asterisk that are supported: from, to.
const OLDEST: u32 = 16;
const NEWEST: u32 = 22;

#[test]
fn a_hundred_rounds_of_load_and_unload_leave_memory_flat() {
    let mut rig = Rig::start("rounds", lifecycle::looped::<Asterisk>()).unwrap();
    let grown = lifecycle::rounds_of_load_and_unload(&mut rig, 100);
    // AddressSanitizer keeps what is freed, and finds leaks by itself.
    assert!(grown < 2.0 || sanitize::wanted().unwrap(), "{grown:.2} %");
}

#[test]
fn a_reload_takes_new_settings_and_keeps_the_old_where_they_are_wrong() {
    let mut rig = Rig::start("reload", RigOptions::default()).unwrap();
    lifecycle::a_reload_takes_new_settings_and_keeps_the_old_where_they_are_wrong(&mut rig);
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
