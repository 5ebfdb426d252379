//! The decisions of a dialer, as a pure state machine: events in, commands out.
//!
//! The engine does no I/O, reads no clock, starts no thread and has no randomness of its own.
#![forbid(unsafe_code)]

mod account;
pub mod agent;
mod amd;
pub mod attempt;
mod attempts;
mod breaker;
mod caller_id;
mod campaign;
mod command;
pub mod config;
mod deadline;
mod dials;
mod dirty;
mod engine;
mod event;
mod explain;
mod granted;
mod hopper;
mod ids;
pub mod limits;
mod notice;
mod number;
mod pacing;
mod predict;
mod recording;
mod retry;
mod rng;
mod routes;
pub mod snapshot;
mod time;
mod trunk;

pub use breaker::Circuit;
pub use command::*;
pub use deadline::Why;
pub use engine::Engine;
pub use event::*;
pub use explain::Reason;
pub use ids::*;
pub use notice::{AgentNotice, CallNotice, Notice, Watch};
pub use number::{Number, NumberError};
pub use time::{Now, Span, Tick, Wall};
