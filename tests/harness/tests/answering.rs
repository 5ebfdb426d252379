//! The audio of a nailed-up agent reaches each callee who answers; a few calls of `make bench-answer`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use outdial_harness::answering::{Answering, Side, delays_ms};
use outdial_harness::figures::percentile;

const CALLS: usize = 40;
/// Far above what is measured: here the machine may be busy with other things.
const SLOW_MS: f64 = 1_000.0;

#[test]
fn callees_hear_their_agent_soon_after_the_answer() {
    let mut answering = Answering::start("answering", "e2e").unwrap();
    for side in [Side::Dial, Side::Outdial] {
        let calls = answering.turn(side, CALLS).unwrap();
        let delays = delays_ms(&calls);
        assert_eq!(delays.len(), CALLS, "{side:?}: without audio: {calls:?}");
        let (first, last) = (percentile(&delays, 0.0), percentile(&delays, 100.0));
        // Dial() lets the audio through a moment before it sends the ACK.
        assert!(first > -SLOW_MS && last < SLOW_MS, "{side:?}: {delays:?}");
    }
}
