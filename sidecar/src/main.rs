//! The outdial sidecar and command line.

fn main() {}
