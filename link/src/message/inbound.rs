//! Calls that come in.

use serde::{Deserialize, Serialize};

use crate::message::Lease;

/// Somebody calls us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// His number as the PBX has it.
    pub number: String,
    /// Only this campaign is meant, by name.
    pub campaign: Option<String>,
    /// Of numbers without a country code; two letters.
    pub country: Option<String>,
    /// Who was not dialed lately is made a lead of the campaign.
    pub anybody: bool,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallerIs {
    /// Somebody who belongs to a campaign.
    Known(Box<Known>),
    /// Nobody who was dialed lately.
    Nobody,
    /// The question is wrong: no such campaign, for example.
    Wrong(String),
    /// The database can't be asked.
    Unavailable(String),
}

/// Somebody who belongs to a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Campaign.
    pub campaign: u64,
    /// The lead; its first number is the one that he calls from.
    pub lead: Lease,
    /// How the lead stands.
    pub claim: Claim,
    /// He may not be called back.
    pub forbidden: bool,
}

/// How a lead stands whose person calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// It was leased for this call.
    Taken,
    /// This node's engine had it in hand before: the lease has that number.
    InHand,
    /// Somebody else has it: the lease has the number 0.
    None,
}
