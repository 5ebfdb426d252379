//! The messages of version 3.

mod config;
mod inbound;
mod lease;
mod pin;
mod record;
mod request;

pub use config::*;
pub use inbound::*;
pub use lease::*;
pub use pin::*;
pub use record::*;
pub use request::*;

use serde::{Deserialize, Serialize};

use crate::hello::Hello;
use crate::snapshot::Snapshot;

/// From the library to the sidecar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Up {
    /// First message. Frozen.
    Hello(Hello),
    /// Twice a second, from the link's own thread, so that a stalled pump shows.
    Heartbeat(Heartbeat),
    /// Journal records in order. The sidecar acknowledges them with [`Down::Ack`] after COMMIT;
    /// what it has not acknowledged is sent again after a reconnect.
    Records(Vec<Numbered>),
    /// All records that a former life of the engine left behind have been sent: leases of older
    /// epochs of this node that no record speaks of may be freed.
    ReplayDone,
    /// Ask for leads.
    NeedLeads {
        /// Campaign.
        campaign: u64,
        /// At most this many.
        count: u32,
    },
    /// Leases given back unused.
    ReturnLeases {
        /// Campaign.
        campaign: u64,
        /// Lease ids.
        leases: Vec<u64>,
    },
    /// The engine refused a configuration; the old one stays in force.
    ConfigRefused {
        /// Kind and id, `campaign 7` for example.
        what: String,
        /// Field, problem and what is allowed.
        error: String,
    },
    /// A running campaign was checked against the PBX.
    CampaignChecked {
        /// Campaign.
        campaign: u64,
        /// `Some` names what the PBX lacks; the campaign does not dial.
        lacks: Option<String>,
    },
    /// An agent's state changed.
    AgentChanged {
        /// Agent.
        agent: u64,
        /// State name, as in `outdial show agents`.
        state: String,
        /// The pause code, of one who is paused or will be after the call in hand.
        pause: Option<String>,
    },
    /// An agent may look at a lead, and dial or skip it.
    Preview {
        /// Agent.
        agent: u64,
        /// What is looked at; `None`: nothing any more.
        lead: Option<Preview>,
    },
    /// Give a lease back; its lead is not looked at again before this instant.
    DeferLease {
        /// Campaign.
        campaign: u64,
        /// Lease.
        lease: u64,
        /// Not before.
        until_ms: i64,
    },
    /// The whole state, at most once a second.
    Snapshot(Box<Snapshot>),
    /// The answer to [`Down::Ask`]; a test call gives several, the last one with `last`.
    Answer {
        /// As in the question.
        request: u64,
        /// Nothing more comes.
        last: bool,
        /// The answer, or what went wrong.
        result: Result<Answer, String>,
    },
    /// Something that the PBX's console or dialplan asks of the sidecar.
    Request {
        /// Echoed in [`Down::Requested`].
        request: u64,
        /// What.
        what: Request,
    },
    /// What are a lead's own columns?
    Columns {
        /// Echoed in [`Down::Columns`].
        request: u64,
        /// Lead.
        lead: u64,
    },
    /// Is this the agent's PIN?
    Pin {
        /// Echoed in [`Down::Pin`].
        request: u64,
        /// Agent's name.
        agent: String,
        /// What was keyed in.
        pin: Secret,
    },
    /// Somebody calls us: whose is he?
    Inbound {
        /// Echoed in [`Down::Inbound`].
        request: u64,
        /// The call.
        call: Caller,
    },
}

/// A lead that an agent looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Campaign.
    pub campaign: u64,
    /// Lead.
    pub lead: u64,
    /// Digits that will be dialed.
    pub number: String,
    /// The number's place among the lead's.
    pub position: u8,
    /// Until then; then it is decided for the agent.
    pub until_ms: i64,
}

/// How the library is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// How late the pump's most overdue work is, in ms; 0 when nothing is due.
    pub pump_overdue_ms: u32,
    /// How long the oldest job waits in the shim's pool, in ms.
    pub pool_oldest_ms: u32,
    /// Jobs in the shim's pool, waiting and running.
    pub pool_jobs: u32,
    /// Records not yet acknowledged.
    pub journal_backlog: u64,
    /// The journal can be written.
    pub journal_writable: bool,
    /// A panic was caught: nothing is dialed until the PBX restarts.
    pub poisoned: bool,
    /// No new calls.
    pub draining: bool,
}

/// From the sidecar to the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Down {
    /// Answer to [`Up::Hello`]. Frozen.
    Welcome(Welcome),
    /// Answer to [`Up::Hello`]: no. Frozen. The library tries again later.
    Refused {
        /// Why, and how to mend it.
        why: String,
    },
    /// Changes of configuration, in order. The first batch after [`Down::Welcome`] has
    /// `full`: what it does not name is gone.
    Config {
        /// Everything there is.
        full: bool,
        /// The changes.
        changes: Vec<Config>,
    },
    /// Leads to dial.
    Leases {
        /// Campaign.
        campaign: u64,
        /// The leads; may be empty.
        leases: Vec<Lease>,
        /// When the next one is due, where that is known and there are none now.
        next_due_ms: Option<i64>,
    },
    /// Leases whose expiry moved.
    Renewed {
        /// Lease ids.
        leases: Vec<u64>,
        /// The new expiry.
        expires_at_ms: i64,
    },
    /// Leases that may not be used any more.
    Revoke {
        /// Lease ids.
        leases: Vec<u64>,
    },
    /// Numbers that may not be dialed any more.
    DoNotCall {
        /// Digits.
        numbers: Vec<String>,
    },
    /// Records up to and including this place are committed.
    Ack {
        /// Place.
        seq: u64,
    },
    /// A question or an order.
    Ask {
        /// Echoed in [`Up::Answer`].
        request: u64,
        /// What.
        ask: Ask,
    },
    /// What came of an [`Up::Request`].
    Requested {
        /// As there.
        request: u64,
        /// What to print, or what went wrong.
        result: Result<String, String>,
    },
    /// The answer to [`Up::Columns`].
    Columns {
        /// As there.
        request: u64,
        /// Name and value, or what went wrong.
        result: Result<Vec<(String, String)>, String>,
    },
    /// The answer to [`Up::Pin`].
    Pin {
        /// As there.
        request: u64,
        /// What came of it, or why it can't be told.
        result: Result<PinChecked, String>,
    },
    /// The answer to [`Up::Inbound`].
    Inbound {
        /// As there.
        request: u64,
        /// Whose he is.
        answer: CallerIs,
    },
}

/// Answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version spoken from here on.
    pub version: u16,
    /// What attempt ids are drawn from; 1 to 2^31-1. The same for every reconnect of an instance.
    pub epoch: u32,
    /// Version of the sidecar.
    pub sidecar: String,
}

/// A question or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Stop dialing and log agents off when free, or go on.
    Drain(bool),
    /// Check what a campaign needs against the PBX, whatever the campaign's state.
    Check {
        /// Campaign; must be configured.
        campaign: u64,
    },
    /// Something that an agent does at the desk, or a supervisor for them.
    Agent {
        /// Agent.
        agent: u64,
        /// What.
        action: AgentAction,
    },
    /// An agent calls somebody of their own accord.
    Manual {
        /// Agent; must be free or paused.
        agent: u64,
        /// In whose name.
        campaign: u64,
        /// Whom.
        lease: Box<Lease>,
    },
    /// Place one call and report what the carrier says.
    TestCall {
        /// Trunk.
        trunk: u64,
        /// Digits.
        number: String,
        /// Digits.
        caller_id: String,
    },
    /// What came of a live call, in the dialplan's word.
    Dispose {
        /// The attempt that is meant.
        attempt: u64,
        /// What; [`Disposition::attempt`] is not looked at.
        said: Box<Disposition>,
    },
}

/// What an agent does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentAction {
    /// Ends the wrap-up before its time.
    Ready,
    /// Needs more time for it, in ms.
    ExtendWrapUp(u32),
    /// Takes no calls once the one in hand is over; a pause code.
    Pause(String),
    /// Takes calls again.
    Unpause,
    /// Dials the lead that is looked at.
    Dial,
    /// Lets it pass.
    Skip,
    /// Says what came of the call in hand, or of the one before in its wrap-up, which ends then.
    Dispose(Box<Disposition>),
    /// Stops working.
    LogOff {
        /// After the call in hand, or dropping it.
        finish: bool,
    },
    /// Starts to work without a channel: the agent's phone is rung for each call.
    LogIn,
    /// Ends the call in hand, and stays.
    HangUp,
}

/// What an agent makes of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// The attempt that is meant; `None`: the one in hand.
    pub attempt: Option<u64>,
    /// The operator's word for it.
    pub code: String,
    /// What becomes of the lead.
    pub after: After,
    /// The number goes on the do-not-call list.
    pub do_not_call: bool,
    /// What the agent wrote down.
    pub note: Option<String>,
}

/// What becomes of a lead after an agent's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// No further attempt; the lead is marked with the code.
    Final,
    /// It is tried again as after this outcome.
    RetryAs(String),
    /// It is called back.
    Callback {
        /// When.
        at_ms: i64,
        /// By this agent; `None`: by whoever is free.
        agent: Option<u64>,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done.
    Done,
    /// The campaign may start.
    Ready,
    /// The call of [`Ask::Manual`] is placed, as this attempt.
    Placed(u64),
    /// A step of a test call, as a state name; or a warning, before [`Answer::Ready`].
    Step(String),
    /// The end of a test call.
    Ended {
        /// Final SIP status.
        sip: Option<u16>,
        /// Q.850 cause.
        q850: Option<u8>,
    },
}
