//! What the PBX's console and dialplan ask of the sidecar.

use serde::{Deserialize, Serialize};

/// Something to be done in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Start, pause or stop a campaign; answered by a sentence for a person.
    Campaign {
        /// Name.
        name: String,
        /// What.
        action: CampaignAction,
    },
    /// Say what came of a call.
    Dispose {
        /// Whose.
        of: CallOf,
        /// The operator's word for it.
        code: String,
        /// When to call back: local to the lead, with an offset, or `+` and a span.
        callback_at: Option<String>,
        /// By the same agent.
        callback_personal: bool,
        /// What the agent wrote down.
        note: Option<String>,
    },
    /// Add a lead.
    Add {
        /// Campaign's name.
        campaign: String,
        /// As a person writes it.
        number: String,
        /// Columns; `list` and `country` are taken for what they say.
        columns: Vec<(String, String)>,
    },
    /// Put a number on the do-not-call list.
    DoNotCall {
        /// As a person writes it.
        number: String,
        /// For this campaign only, by name.
        campaign: Option<String>,
    },
}

/// Which call is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallOf {
    /// The one that the agent has in hand, wraps up, or had last.
    Agent {
        /// Name.
        agent: String,
    },
    /// One that lives.
    Live {
        /// Attempt.
        attempt: u64,
        /// Its lead.
        lead: u64,
        /// The agent who has it.
        agent: Option<u64>,
    },
}

/// What can be done with a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CampaignAction {
    /// Dial.
    Start,
    /// Dial nothing new.
    Pause,
    /// Dial nothing new and give the leads back.
    Stop,
}
