//! Agents without a channel: their SIP phones are rung for answered calls and put on hook after.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use outdial_harness::cases::on_hook;
use outdial_harness::{Rig, RigOptions};

#[test]
fn a_phone_that_is_not_answered_yields_to_one_that_is() {
    let rig = Rig::start("on-hook", RigOptions::default()).unwrap();
    on_hook::a_phone_that_is_not_answered_yields_to_one_that_is(&rig);
}

#[test]
fn agents_end_calls_by_hanging_up_and_customers_who_go_stop_the_phone() {
    let rig = Rig::start("on-hook-ends", RigOptions::default()).unwrap();
    on_hook::agents_end_calls_by_hanging_up_and_customers_who_go_stop_the_phone(&rig);
}
