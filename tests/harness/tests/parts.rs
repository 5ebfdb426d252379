//! The module's own tests, run by Asterisk's test framework.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Rig, RigOptions};

/// How many there are at least.
const TESTS: usize = 9;

#[test]
fn the_parts_of_the_module_pass_their_tests() {
    let rig = Rig::start("parts", RigOptions::default()).unwrap();
    let listed = rig
        .pbx
        .cli("test show registered category /res/outdial/")
        .unwrap();
    let listed = listed
        .lines()
        .filter(|line| line.contains("/res/outdial/"))
        .count();
    assert!(listed >= TESTS, "{listed} tests are registered");

    let said = rig.pbx.cli("test execute category /res/outdial/").unwrap();
    assert!(
        said.contains(&format!("{listed} Test(s) Executed")) && said.contains(" 0 Failed"),
        "{said}"
    );
    // What the manager could not take is counted, and the log says so once for all of it.
    let lost = rig.pbx.log();
    let lost = lost
        .lines()
        .filter(|l| l.contains("AMI events come faster"));
    assert_eq!(lost.count(), 1);
    let status = rig.pbx.cli("outdial show status").unwrap();
    assert!(status.contains("500 lost"), "{status}");
    // They leave nothing behind: no channel, and nothing that keeps the module.
    assert_eq!(rig.pbx.channels().unwrap(), 0);
    wait_for("the unload", Duration::from_secs(10), || {
        let said = rig.pbx.cli("module unload res_outdial.so");
        Ok(said.unwrap_or_default().contains("Unloaded"))
    })
    .unwrap();
}
