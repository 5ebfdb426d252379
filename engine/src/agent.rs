//! Agents: who is logged in, and what each is doing.

use std::sync::Arc;

use crate::config::AgentConfig;
use crate::deadline::Why;
use crate::event::Lease;
use crate::ids::{AgentId, AttemptId, CampaignId, RequestId, SessionId};
use crate::time::{Span, Tick};

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Not there.
    LoggedOut,
    /// Logged in, but not to be had at present: the channel is not in its waiting bridge, or the
    /// phone is being put on hook, or was not answered a moment ago.
    Entering,
    /// Waits for a call.
    Available,
    /// Looks at a lead, and decides whether it is called.
    Previewing,
    /// Chosen for a call; the phone rings.
    Ringing,
    /// Chosen for a call, being connected.
    Reserved,
    /// Talks.
    OnCall,
    /// After a call.
    WrapUp,
    /// Takes no calls, by own choice; see [`crate::snapshot::AgentView::pause`].
    Paused,
}

impl AgentState {
    /// The name that CLI and API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AgentState::LoggedOut => "logged out",
            AgentState::Entering => "entering",
            AgentState::Available => "available",
            AgentState::Previewing => "previewing",
            AgentState::Ringing => "ringing",
            AgentState::Reserved => "reserved",
            AgentState::OnCall => "on call",
            AgentState::WrapUp => "wrap-up",
            AgentState::Paused => "paused",
        }
    }
}

/// An agent's channel in the PBX.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: SessionId,
    /// It is in its waiting bridge.
    pub(crate) waiting: bool,
    /// How often the host was told to let it go.
    pub(crate) dismissals: u8,
    /// Reconciliations in a row that did not find it.
    pub(crate) missing: u8,
}

impl Channel {
    pub(crate) fn new(id: SessionId) -> Channel {
        Channel {
            id,
            waiting: false,
            dismissals: 0,
            missing: 0,
        }
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissals > 0
    }
}

/// One log-in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) since: Tick,
    /// The agent has no channel but during calls.
    pub(crate) on_hook: bool,
    /// Always there for an agent who called in.
    pub(crate) channel: Option<Channel>,
    /// Rings in a row that were not answered.
    pub(crate) missed: u8,
    /// The phone is not rung before.
    pub(crate) rest_until: Option<Tick>,
    pub(crate) talk: Span,
    pub(crate) wrap_up: Span,
    pub(crate) paused: Span,
    pub(crate) calls: u64,
}

impl Session {
    /// By a channel that called in, or without one.
    pub(crate) fn new(now: Tick, channel: Option<SessionId>) -> Session {
        Session {
            since: now,
            on_hook: channel.is_none(),
            channel: channel.map(Channel::new),
            missed: 0,
            rest_until: None,
            talk: Span(0),
            wrap_up: Span(0),
            paused: Span(0),
            calls: 0,
        }
    }
}

/// How an agent stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// After the call in hand and its wrap-up.
    Finish,
    /// Now.
    Drop,
}

/// A lead that an agent looks at, or that is dialed once the agent has answered the phone.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    pub(crate) campaign: CampaignId,
    pub(crate) lease: Lease,
    pub(crate) stage: Stage,
}

/// How far a preview has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The agent looks at it.
    Shown,
    /// The agent's phone rings for it.
    Rings {
        /// A manual call's; it is answered when the call is placed.
        request: Option<RequestId>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) config: AgentConfig,
    pub(crate) removed: bool,
    pub(crate) session: Option<Session>,
    pub(crate) state: AgentState,
    pub(crate) since: Tick,
    /// Was free since then, and has had no call since; kept while a phone rings in vain through no
    /// fault of the agent's.
    pub(crate) idle_since: Option<Tick>,
    pub(crate) attempt: Option<AttemptId>,
    /// The campaign of the last call.
    pub(crate) serves: Option<CampaignId>,
    /// Takes no calls once the one in hand is over, and why.
    pub(crate) pause: Option<Arc<str>>,
    /// Is logged off once the call in hand is over; without wrap-up, if it was cut short.
    pub(crate) leaving: Option<Leaving>,
    /// The lead that the agent looks at, or is rung for.
    pub(crate) preview: Option<Box<Preview>>,
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
            idle_since: None,
            attempt: None,
            serves: None,
            pause: None,
            leaving: None,
            preview: None,
            deadline: None,
        }
    }

    pub(crate) fn id(&self) -> AgentId {
        self.config.id
    }

    pub(crate) fn is_on_hook(&self) -> bool {
        self.session.as_ref().is_some_and(|s| s.on_hook)
    }

    pub(crate) fn channel(&self) -> Option<&Channel> {
        self.session.as_ref()?.channel.as_ref()
    }

    pub(crate) fn channel_mut(&mut self) -> Option<&mut Channel> {
        self.session.as_mut()?.channel.as_mut()
    }

    /// The channel is in its waiting bridge.
    pub(crate) fn waits(&self) -> bool {
        self.channel().is_some_and(|c| c.waiting)
    }

    pub(crate) fn campaigns(&self) -> impl Iterator<Item = CampaignId> {
        self.config.campaigns.iter().map(|member| member.campaign)
    }

    /// Lower is served first.
    pub(crate) fn rank(&self, campaign: CampaignId) -> u8 {
        let member = self
            .config
            .campaigns
            .iter()
            .find(|m| m.campaign == campaign);
        member.map_or(u8::MAX, |m| m.rank)
    }

    /// How well the agent has a skill; 0: not at all.
    pub(crate) fn skill(&self, name: &str) -> u8 {
        let skill = self.config.skills.iter().find(|s| &*s.name == name);
        skill.map_or(0, |s| s.level)
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
            AgentState::Paused => session.paused = Span(session.paused.0 + spent.0),
            AgentState::LoggedOut
            | AgentState::Entering
            | AgentState::Available
            | AgentState::Previewing
            | AgentState::Ringing
            | AgentState::Reserved => {}
        }
    }
}
