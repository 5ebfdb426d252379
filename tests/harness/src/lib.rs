//! Starts real servers for outdial's tests, demo and benchmarks: PostgreSQL and sidecar, Asterisk
//! or FreeSWITCH with the module, SIPp as carrier and as agents; or a simulated PBX in place of all these. Everything listens on 127.0.0.1, on free
//! ports, and is stopped by process id when its owner goes, also after a panic.
//!
//! Linux only. Needs root where Asterisk lives in a root of its own (`scripts/asterisk-root`).

pub mod agents;
pub mod ami;
pub mod answering;
pub mod asterisk;
pub mod bot;
pub mod carrier;
pub mod cases;
pub mod console;
pub mod figures;
pub mod freeswitch;
pub mod http;
pub mod leads;
pub mod members;
pub mod pbx;
pub mod ports;
pub mod process;
pub mod rig;
pub mod sanitize;
pub mod sidecar;
pub mod sim;
pub mod sip;
pub mod site;
pub mod soak;
pub mod tap;
pub mod trunk;
pub mod truth;
pub mod voice;
pub mod wait;
pub mod workspace;

pub use agents::Agents;
pub use asterisk::Asterisk;
pub use carrier::Carrier;
pub use freeswitch::FreeSwitch;
pub use leads::{Fate, Lead};
pub use pbx::{Pbx, PbxOptions};
pub use rig::{Rig, RigOptions};
pub use sidecar::Sidecar;
pub use sim::{SimOptions, SimPbx, SimRig};
pub use sip::{Line, Phone};
pub use site::{Site, TrunkOptions};
pub use wait::wait_until;
pub use workspace::Workspace;

pub use anyhow::{Context, Result, anyhow, bail, ensure};
