//! Agents: who is logged in, and what each is doing.

use crate::config::AgentConfig;
use crate::deadline::Why;
use crate::ids::{AgentId, AttemptId, CampaignId, SessionId};
use crate::time::{Span, Tick};

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Not there.
    LoggedOut,
    /// Logged in, but the channel is not in its waiting bridge at present.
    Entering,
    /// Waits for a call.
    Available,
    /// Chosen for a call, being connected.
    Reserved,
    /// Talks.
    OnCall,
    /// After a call.
    WrapUp,
}

impl AgentState {
    /// The name that CLI and API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AgentState::LoggedOut => "logged out",
            AgentState::Entering => "entering",
            AgentState::Available => "available",
            AgentState::Reserved => "reserved",
            AgentState::OnCall => "on call",
            AgentState::WrapUp => "wrap-up",
        }
    }
}

/// One log-in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) since: Tick,
    /// The channel is in its waiting bridge.
    pub(crate) waiting: bool,
    /// The host was told to log it off.
    pub(crate) dismissed: bool,
    /// Reconciliations in a row that did not find it.
    pub(crate) missing: u8,
    pub(crate) talk: Span,
    pub(crate) wrap_up: Span,
    pub(crate) calls: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) config: AgentConfig,
    pub(crate) removed: bool,
    pub(crate) session: Option<Session>,
    pub(crate) state: AgentState,
    pub(crate) since: Tick,
    pub(crate) attempt: Option<AttemptId>,
    /// The campaign of the last call.
    pub(crate) serves: Option<CampaignId>,
    pub(crate) deadline: Option<(Tick, Why)>,
}

impl Agent {
    pub(crate) fn new(config: AgentConfig, now: Tick) -> Agent {
        Agent {
            config,
            removed: false,
            session: None,
            state: AgentState::LoggedOut,
            since: now,
            attempt: None,
            serves: None,
            deadline: None,
        }
    }

    pub(crate) fn id(&self) -> AgentId {
        self.config.id
    }

    /// Books the time spent in the state that is left.
    pub(crate) fn account(&mut self, now: Tick) {
        let spent = now - self.since;
        let Some(session) = &mut self.session else {
            return;
        };
        match self.state {
            AgentState::OnCall => session.talk = Span(session.talk.0 + spent.0),
            AgentState::WrapUp => session.wrap_up = Span(session.wrap_up.0 + spent.0),
            AgentState::LoggedOut
            | AgentState::Entering
            | AgentState::Available
            | AgentState::Reserved => {}
        }
    }
}
