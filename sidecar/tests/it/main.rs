//! The `outdial` binary against a real PostgreSQL, with a module played over the link's protocol.

mod commands;
mod health;
mod import;
mod life;
mod link;
mod module;
mod sidecar;
