//! Deadlines, each with its reason.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::ids::{AgentId, AttemptId, CampaignId, RequestId};
use crate::time::Tick;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No trunk for the failover came free.
    QueueTimeout,
    /// The carrier gives no answer of any kind.
    SetupTimeout,
    /// Nobody answers.
    RingTimeout,
    /// The dialplan does not reach `OutdialConnect`.
    ClassifyTimeout,
    /// No agent within the limit: the message is due.
    ConnectLimit,
    /// The chosen agent does not arrive.
    ConnectTimeout,
    /// A call lasts implausibly long.
    TalkTimeout,
    /// A message lasts implausibly long.
    MessageTimeout,
    /// The agent's wrap-up is over.
    WrapUpEnds,
    /// The agent has looked at a lead for long enough.
    PreviewEnds,
    /// Nobody is left to take the call, and it has rung long enough to be given up.
    MinRing,
    /// An agent whose call fell through is not back.
    AgentReturn,
    /// The agent's phone has rung for long enough.
    PhoneTimeout,
    /// A phone that was not answered may ring again.
    PhoneBackoff,
    /// The host has not confirmed a hangup.
    HangupTimeout,
    /// The host has not answered a probe.
    ProbeTimeout,
    /// Pacing is due.
    Pace,
}

impl Why {
    /// The name that CLI and API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Why::QueueTimeout => "queue timeout",
            Why::SetupTimeout => "setup timeout",
            Why::RingTimeout => "ring timeout",
            Why::ClassifyTimeout => "classify timeout",
            Why::ConnectLimit => "connect limit",
            Why::ConnectTimeout => "connect timeout",
            Why::TalkTimeout => "talk timeout",
            Why::MessageTimeout => "message timeout",
            Why::WrapUpEnds => "wrap-up ends",
            Why::PreviewEnds => "preview ends",
            Why::MinRing => "minimum ring",
            Why::AgentReturn => "agent return",
            Why::PhoneTimeout => "phone timeout",
            Why::PhoneBackoff => "phone back-off",
            Why::HangupTimeout => "hangup timeout",
            Why::ProbeTimeout => "probe timeout",
            Why::Pace => "pace",
        }
    }
}

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Attempt(AttemptId),
    Agent(AgentId),
    Campaign(CampaignId),
    Probe(RequestId),
}

/// All deadlines of the engine, and some that were cancelled: what is armed is known by its owner,
/// so that to cancel, which happens as often as to arm, costs nothing here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Tick, Owner, Why)>>,
}

impl Deadlines {
    pub(crate) fn arm(&mut self, at: Tick, owner: Owner, why: Why) {
        self.heap.push(Reverse((at, owner, why)));
    }

    /// Armed and cancelled ones.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// The earliest deadline, which may be cancelled.
    pub(crate) fn first(&self) -> Option<(Tick, Owner, Why)> {
        self.heap.peek().map(|first| first.0)
    }

    pub(crate) fn pop_first(&mut self) {
        self.heap.pop();
    }

    /// Takes the earliest deadline that is due; it may be cancelled.
    pub(crate) fn pop_due(&mut self, now: Tick) -> Option<(Tick, Owner, Why)> {
        self.first().filter(|(at, ..)| *at <= now)?;
        self.heap.pop().map(|first| first.0)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(Tick, Owner, Why) -> bool) {
        self.heap
            .retain(|Reverse((at, owner, why))| keep(*at, *owner, *why));
    }
}
