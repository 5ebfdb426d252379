//! Some hundred calls of `make soak-pbx`: agents who log in, pause, vanish and come back, and nothing
//! left of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use outdial_harness::soak::{SoakOptions, run, start};

#[test]
fn nothing_is_left_of_agents_who_never_sit_still() {
    let options = SoakOptions {
        kind: "e2e".into(),
        calls: 400,
        agents: 20,
        cps: 25,
        every: 200,
        cdr: true,
        seed: 11,
    };
    let mut rig = start("soak_pbx", &options).unwrap();
    let soaked = run(&mut rig, &options).unwrap();
    assert!(soaked.bridged > 100, "{:?}", soaked.outcomes);
    let busy = [
        "calls to log in",
        "hang-ups",
        "phones that vanish",
        "pauses by key",
        "pauses by dialplan",
        "pauses by the console",
    ];
    for what in busy {
        assert!(soaked.did.contains_key(what), "{what}: {:?}", soaked.did);
    }
}
