//! The engine from outside: events in, commands out.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod agents;
mod answers;
mod any_order;
mod bench;
mod calls;
mod chaos_finds;
mod desk;
mod inbound;
mod notices;
mod on_hook;
mod permission;
mod personal;
mod predictive;
mod queue;
mod states_doc;
mod trunks;
