//! Between the link's plain types and the engine's.

mod down;
mod up;

pub(crate) use down::{agent_action, change, disposition, leases};
pub(crate) use up::{agent_state, readiness, record, snapshot, test_step};

use std::sync::Arc;

use outdial_engine::{Number, NumberError};

fn text(text: &str) -> Arc<str> {
    Arc::from(text)
}

/// A number that the sidecar sent. Its digits never appear in the error.
pub(crate) fn number(text: &str) -> Result<Number, NumberError> {
    Number::new(text)
}
