//! A dialplan author's errors: each ends in a WARNING that names it and in OUTDIAL_STATUS, and the channel
//! goes on. Those of OutdialPause, OutdialDisposition, OutdialAdd, OutdialDNC and the functions are in
//! `dialplan.rs`, those of OutdialMonitor in `desk.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::cases::mistakes;
use outdial_harness::{Asterisk, Rig, RigOptions};

#[test]
fn each_has_a_warning_and_a_status_and_the_channel_goes_on() {
    let mut rig = Rig::start("mistakes", mistakes::dialplan::<Asterisk>()).unwrap();
    mistakes::each_has_a_warning_and_a_status_and_the_channel_goes_on(&mut rig);
}

/// FreeSWITCH says so when the sound is to be played.
#[test]
fn an_announcement_that_is_not_there_keeps_an_agent_out() {
    let dialplan = "
[wrong]
exten => agent,1,OutdialAgent(1001,a(no-such-sound))
 same => n,Set(GLOBAL(SOUND)=${OUTDIAL_STATUS})
";
    let options = RigOptions {
        dialplan: dialplan.into(),
        ..RigOptions::default()
    };
    let rig = Rig::start("no-sound", options).unwrap();
    rig.pbx
        .cli("channel originate Local/agent@wrong application Wait 1")
        .unwrap();
    let status = rig.pbx.global("SOUND", Duration::from_secs(15)).unwrap();
    assert_eq!(status, "ERROR");
    let warning = "OutdialAgent: there is no sound 'no-such-sound'";
    assert_eq!(rig.pbx.log().matches(warning).count(), 1);
}
