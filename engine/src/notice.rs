//! Changes of state, told to whoever watches. Nothing is decided by them.

use std::sync::Arc;

use crate::agent::AgentState;
use crate::attempt::State;
use crate::event::LegEnd;
use crate::ids::{LeadId, LegId, SessionId};
use crate::number::Number;

/// What is told; nothing unless asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Each change of an attempt's state.
    pub calls: bool,
    /// Each change of an agent's state or pause code.
    pub agents: bool,
}

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An attempt. Test calls are not told of.
    Call(CallNotice),
    /// An agent.
    Agent(AgentNotice),
}

/// An attempt's state changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallNotice {
    /// The current leg, or the last one.
    pub leg: LegId,
    /// The campaign's name.
    pub campaign: Arc<str>,
    /// Whom.
    pub lead: LeadId,
    /// The name of the leg's trunk; empty for one that was removed.
    pub trunk: Arc<str>,
    /// The number, as the lead has it.
    pub number: Number,
    /// The name of the agent who was chosen, or is reserved.
    pub agent: Option<Arc<str>>,
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// Of one that is over: why, as in [`crate::AttemptResult::detail`]. May be empty.
    pub reason: String,
    /// Of one that is over: what the last leg ended with.
    pub end: LegEnd,
}

/// An agent's state or pause code changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentNotice {
    /// The agent's name.
    pub agent: Arc<str>,
    /// The agent's channel; `None` for one who has none now.
    pub session: Option<SessionId>,
    /// The name of the campaign of the call in hand, or of the last one.
    pub campaign: Option<Arc<str>>,
    /// The call in hand.
    pub leg: Option<LegId>,
    /// The state before; the same where only the pause code has changed.
    pub from: AgentState,
    /// The state now.
    pub to: AgentState,
    /// The pause code, of one who is paused or will be after the call in hand.
    pub pause: Option<Arc<str>>,
}
