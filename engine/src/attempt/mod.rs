//! One attempt to reach a lead on one number.

mod state;

pub use state::{Outcome, State, Trigger, next};
