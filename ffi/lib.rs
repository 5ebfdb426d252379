//! The outdial engine as a shared library that a PBX loads.

mod abi;

pub use abi::*;
