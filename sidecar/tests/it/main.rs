//! The `outdial` binary against a real PostgreSQL, with a module played over the link's protocol.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that can't go on says so by panicking, and looks for one message among many"
)]

mod commands;
mod health;
mod import;
mod leads;
mod life;
mod link;
mod module;
mod sidecar;
mod simulate;
mod test_nodes;
