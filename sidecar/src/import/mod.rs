//! Leads from CSV files.

pub mod numbers;
