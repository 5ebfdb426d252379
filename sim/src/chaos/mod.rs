//! Chaos: whole shifts with everything going wrong at once, judged by an oracle.
//!
//! A [`ChaosPlan`] says what a run is made of; everything else follows from its seed, so the same
//! plan gives the same run. The workload (`pbx`, `desk`, `callers`, `store`, `trouble`) does what real ones
//! might, the oracle knows nothing of how: it sees what the engine is told, what it asks for and what
//! really happened.

mod callers;
mod desk;
mod oracle;
mod pbx;
mod plan;
mod queues;
mod run;
mod setup;
mod shrink;
mod stage;
mod store;
mod sweep;
mod trouble;

pub use plan::{ChaosPlan, Fault, PlanError};
pub use run::{Failure, Tally, Trace, run, run_traced, run_watched};
pub use shrink::shrink;
pub use sweep::{Sweep, sweep};
