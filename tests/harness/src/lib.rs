//! Starts real servers for outdial's tests, demo and benchmarks.
