//! Agents who come back whatever the customers do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::cases::agents;
use outdial_harness::{Rig, RigOptions};

#[test]
fn customers_who_hang_up_at_once_lose_no_agent() {
    let mut rig = Rig::start("agents", agents::hasty()).unwrap();
    agents::customers_who_hang_up_at_once_lose_no_agent(&mut rig, Duration::from_millis(5));
}

#[test]
fn an_agent_is_paused_comes_back_and_is_logged_off() {
    let mut rig = Rig::start("desk", RigOptions::default()).unwrap();
    agents::an_agent_is_paused_comes_back_and_is_logged_off(&mut rig);
}
