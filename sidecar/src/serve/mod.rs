//! `outdial serve`: start-up, threads, shutdown.

pub mod console;
pub mod health;
pub mod housekeeper;
pub mod leaser;
pub mod lock;
mod start;
pub mod watcher;
pub mod writer;

pub use start::{ServeError, run};
