//! `outdial serve`: start-up, threads, shutdown.

mod add;
pub mod console;
pub mod dispose;
pub mod health;
pub mod housekeeper;
pub mod inbound;
pub mod leaser;
pub mod lock;
mod log_on;
mod start;
pub mod watcher;
pub mod writer;

pub use start::{ServeError, run};
