//! What the journal holds: the life of a call, as it must survive a crash.

use serde::{Deserialize, Serialize};

/// A record with its place in the journal; places grow by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    /// Place.
    pub seq: u64,
    /// The record.
    pub record: Record,
}

/// What must survive a crash. Also the journal's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// A leg is about to be placed.
    Started(Started),
    /// The callee answered.
    Answered {
        /// Attempt.
        attempt: u64,
        /// When.
        at_ms: i64,
    },
    /// The callee talks to an agent or to the operator's own dialplan.
    Bridged {
        /// Attempt.
        attempt: u64,
        /// When.
        at_ms: i64,
        /// The agent, if one.
        agent: Option<u64>,
        /// Who came after the campaign's limit.
        late: bool,
    },
    /// A message is being played.
    MessageStarted {
        /// Attempt.
        attempt: u64,
        /// When.
        at_ms: i64,
    },
    /// The attempt is over.
    Ended(Box<AttemptResult>),
}

impl Record {
    /// The attempt that the record speaks of.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        match self {
            Record::Started(started) => started.attempt,
            Record::Answered { attempt, .. }
            | Record::Bridged { attempt, .. }
            | Record::MessageStarted { attempt, .. } => *attempt,
            Record::Ended(result) => result.attempt,
        }
    }
}

/// The start of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Attempt; unique over all nodes and restarts.
    pub attempt: u64,
    /// 1 for the first originate, 2 after the first failover, and so on.
    pub leg: u8,
    /// Lease.
    pub lease: u64,
    /// Lead.
    pub lead: u64,
    /// Campaign.
    pub campaign: u64,
    /// Trunk.
    pub trunk: u64,
    /// Digits.
    pub number: String,
    /// The number's place among the lead's.
    pub position: u8,
    /// Digits shown to the callee.
    pub caller_id: String,
    /// Start of the attempt's first leg.
    pub started_at_ms: i64,
    /// What becomes of the lead if the node is lost before an answer.
    pub if_lost: LeadNext,
    /// It came in: nobody was dialed.
    pub inbound: bool,
}

/// What becomes of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeadNext {
    /// No further attempt.
    Done {
        /// What the lead is marked with: `completed`, `unreachable`, a disposition's code.
        status: String,
    },
    /// Again.
    Retry {
        /// Not before.
        at_ms: i64,
        /// From this number on.
        position: u8,
    },
    /// Somebody is called back, as they asked.
    Callback {
        /// When.
        at_ms: i64,
        /// From this number on.
        position: u8,
        /// By this agent; `None`: by whoever is free.
        agent: Option<u64>,
        /// Attempts at it so far.
        tries: u16,
    },
}

/// What an agent made of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposed {
    /// The operator's word for it.
    pub code: String,
    /// The outcome by whose rule the lead is tried again, if it is.
    pub retry_as: Option<String>,
    /// The number goes on the do-not-call list.
    pub do_not_call: bool,
    /// What the agent wrote down.
    pub note: Option<String>,
}

/// One finished attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// Attempt.
    pub attempt: u64,
    /// Lease that it used up.
    pub lease: u64,
    /// Lead.
    pub lead: u64,
    /// Campaign.
    pub campaign: u64,
    /// Last trunk.
    pub trunk: u64,
    /// Digits.
    pub number: String,
    /// The number's place among the lead's.
    pub position: u8,
    /// Digits shown to the callee.
    pub caller_id: String,
    /// Legs that left the PBX.
    pub legs: u8,
    /// One of completed, `no_answer`, busy, congested, invalid, machine, abandoned, cancelled,
    /// failed.
    pub outcome: String,
    /// Why: `sip 486`, `ring timeout`, `no agent`, `node lost`.
    pub detail: String,
    /// Final SIP status.
    pub sip: Option<u16>,
    /// Q.850 cause.
    pub q850: Option<u8>,
    /// AMD's verdict: human, machine, unknown, screening.
    pub verdict: Option<String>,
    /// Agent who talked.
    pub agent: Option<u64>,
    /// Start of the first leg.
    pub started_at_ms: i64,
    /// First ringing.
    pub ringing_at_ms: Option<i64>,
    /// Answer.
    pub answered_at_ms: Option<i64>,
    /// Agent connected.
    pub bridged_at_ms: Option<i64>,
    /// End of the call.
    pub ended_at_ms: i64,
    /// Counts towards the lead's and the number's caps. Faults of PBX and route don't.
    pub charged: bool,
    /// From answer to agent, in microseconds.
    pub connect_us: Option<u64>,
    /// The recording's path, relative to the PBX's folder for recordings.
    pub recording: Option<String>,
    /// What the agent made of it.
    pub disposition: Option<Disposed>,
    /// What becomes of the lead.
    pub next: LeadNext,
    /// The agent came after the campaign's limit: abandoned, by the rules' count.
    pub late: bool,
    /// It came in: nobody was dialed, and `caller_id` is the number that was called.
    pub inbound: bool,
}
