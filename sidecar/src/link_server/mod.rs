//! The listening end of the link: the library inside the PBX connects here.

pub mod connection;
pub mod listener;
pub mod state;

pub use state::Link;
