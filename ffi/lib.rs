//! The outdial engine as a shared library that a PBX loads.
//!
//! C sees `include/outdial.h`; `docs/ABI.md` tells how to use it. Around the engine, which does no
//! I/O, stand three threads: the pump owns the engine and calls the host, the journal writes to
//! disk, the link talks to the sidecar.

mod abi;
mod agents;
mod bell;
mod clock;
mod columns;
mod console;
mod convert;
mod dialplan;
mod exports;
#[cfg(feature = "fault-injection")]
mod fault;
mod field;
mod guard;
mod handle;
mod histogram;
mod host;
mod inbound;
mod journal;
mod limits;
mod link;
mod pin;
mod post;
mod pump;
mod queue;
mod raw;
mod requests;
mod settings;
mod shared;
mod slots;
mod stats;
mod threads;
mod watch;

pub use abi::*;
pub use agents::outdial_agent;
pub use console::{OutdialWrite, outdial_cli, outdial_cli_complete};
pub use dialplan::{outdial_add, outdial_dispose, outdial_do_not_call};
pub use exports::*;
#[cfg(feature = "fault-injection")]
pub use fault::*;
pub use field::outdial_field;
pub use inbound::outdial_inbound;
pub use pin::outdial_check_pin;
pub use post::outdial_post;
pub use queue::outdial_post_queue;
pub use stats::{outdial_heartbeat_age_ms, outdial_stats};
pub use watch::outdial_watch;
