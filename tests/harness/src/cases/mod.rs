//! What must be true of outdial in every PBX: each case is a function that a test of each PBX calls.
//!
//! A case panics where the PBX does otherwise, as a test does.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a case fails by panicking"
)]

pub mod agents;
pub mod campaign;
pub mod decisions;
pub mod lifecycle;
pub mod mistakes;
pub mod on_hook;

use std::time::Duration;

use crate::wait::wait_for;
use crate::{Pbx, Rig};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(120);

/// Calls live, or agents wait.
fn unload_is_refused<P: Pbx>(rig: &Rig<P>) {
    let refused = rig.pbx.unload().unwrap_err();
    let refused = format!("{refused:#}");
    assert!(refused.contains(P::IN_USE), "{refused}");
}

/// Agents still wait: drain lets them go, then the module unloads, loads again, and the PBX stops
/// gracefully.
fn drained_it_unloads_and_stops<P: Pbx>(rig: &mut Rig<P>, phones: usize) {
    rig.pbx.order("drain").unwrap();
    wait_for("the phones' end", SOON, || {
        Ok(rig.agents[0].hung_up()? == phones)
    })
    .unwrap();
    wait_for("the unload", SOON, || Ok(rig.pbx.unload().is_ok())).unwrap();
    rig.pbx.load().unwrap();
    rig.wait_healthy(SOON).unwrap();
    rig.phones(1, 3).unwrap();
    rig.wait_agents("available", 3, SOON).unwrap();
    rig.pbx.order("drain").unwrap();
    rig.pbx.stop_gracefully(P::END).unwrap();
}
