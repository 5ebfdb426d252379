//! What the engine decides, seen on the real PBX: a campaign that lacks something, a trunk that
//! fails, an answered call that finds no agent, a test of a trunk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use outdial_harness::cases::decisions;
use outdial_harness::{Rig, RigOptions};

#[test]
fn what_the_pbx_lacks_and_what_the_carrier_says() {
    let rig = Rig::start("decisions", RigOptions::default()).unwrap();
    decisions::a_campaign_starts_only_with_all_it_needs(&rig);
    decisions::a_trunk_is_tested(&rig);
    decisions::another_trunk_is_tried(&rig);
}

#[test]
fn who_finds_no_agent_hears_the_message_after_two_seconds() {
    let mut rig = Rig::start("abandoned", decisions::rush()).unwrap();
    decisions::who_finds_no_agent_hears_the_message_after_two_seconds(&mut rig);
}
