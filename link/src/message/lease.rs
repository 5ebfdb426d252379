//! Leads that may be dialed.

use serde::{Deserialize, Serialize};

/// A lead that may be dialed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Id; never reused.
    pub id: u64,
    /// Lead.
    pub lead: u64,
    /// List.
    pub list: u64,
    /// The list's share among lists of equal priority, from 1.
    pub weight: u32,
    /// Higher first.
    pub priority: i32,
    /// An agent who has it alone.
    pub owner: Option<Owner>,
    /// Agents who have it are preferred.
    pub skill: Option<String>,
    /// Attempts so far.
    pub attempts: u16,
    /// How the last ones ended, all of them, and how many they are.
    pub last: Option<(String, u16)>,
    /// Somebody asked to be called now.
    pub callback: Option<Callback>,
    /// Numbers in the order in which to try them.
    pub numbers: Vec<LeadNumber>,
    /// Void from here on.
    pub expires_at_ms: i64,
}

/// A call that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// With this agent.
    pub agent: Option<u64>,
    /// Attempts at it so far.
    pub tries: u16,
}

/// Who has a lead alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Agent.
    pub agent: u64,
    /// Until then; `None`: for ever.
    pub until_ms: Option<i64>,
}

/// One number of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadNumber {
    /// Digits.
    pub number: String,
    /// Place among the lead's numbers.
    pub position: u8,
    /// Attempts so far.
    pub attempts: u16,
    /// Dial from here on.
    pub not_before_ms: i64,
    /// Dial before this instant only.
    pub not_after_ms: i64,
}
