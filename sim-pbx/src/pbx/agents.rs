//! Agents whose channels wait inside the PBX: they log in by themselves, and come back when they
//! were turned away or cut off.

use std::time::Duration;

use super::{Happening, Id, State};
use crate::abi;
use crate::library::Event;
use crate::limits;
use crate::outcome::{Out, Post, event, text};

/// An agent's channel in its waiting bridge, or a phone that rings.
pub(super) struct Session {
    /// `None`: a phone's, which the engine has rung.
    agent: Option<usize>,
    /// The call in hand.
    pub(super) leg: Option<Id>,
    pub(super) leaving: bool,
}

impl Session {
    pub(super) fn of_phone() -> Session {
        Session {
            agent: None,
            leg: None,
            leaving: false,
        }
    }
}

pub(super) struct Agent {
    name: String,
    session: Option<Id>,
}

impl Agent {
    pub(super) fn new(name: String) -> Agent {
        Agent {
            name,
            session: None,
        }
    }
}

impl State {
    pub(super) fn log_in(&mut self, n: usize, out: &mut Out) {
        if self.draining {
            return;
        }
        self.next_session += 1;
        let id: Id = format!("{}-{}", self.session_prefix, self.next_session).into();
        let Some(agent) = self.agents.get_mut(n) else {
            return;
        };
        if agent.session.is_some() {
            return;
        }
        agent.session = Some(id.clone());
        let entered = Event {
            other: text(&agent.name),
            // He knows his PIN.
            value: 1,
            ..event(abi::SESSION_ENTERED, &id)
        };
        let session = Session {
            agent: Some(n),
            leg: None,
            leaving: false,
        };
        self.sessions.insert(id.clone(), session);
        out.posts.push(Post::Entered(id, entered));
    }

    /// What the engine said to a log-in.
    pub fn entered(&mut self, id: &Id, accepted: bool) {
        if accepted {
            self.plan(Duration::ZERO, Happening::Waiting(id.clone()));
        } else if let Some(agent) = self.forget_session(id) {
            self.plan(limits::LOG_IN_AGAIN, Happening::LogIn(agent));
        }
    }

    pub(super) fn gone(&mut self, id: &Id, why: u32, out: &mut Out) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.leaving {
            return;
        }
        session.leaving = true;
        let (leg, agent) = (session.leg.take(), session.agent);
        if let Some(leg) = leg {
            // The customer is alone in the bridge, leaves it, and the dialplan hangs up.
            self.end(&leg, 0, 16, "bye_in", out);
        }
        out.posts
            .push(Post::Gone(id.clone(), event(abi::SESSION_GONE, id)));
        let pause = match why {
            abi::DISMISS_LOGGED_OFF => limits::LOGGED_OFF,
            _ => limits::LOG_IN_AGAIN,
        };
        if let Some(agent) = agent {
            self.plan(pause, Happening::LogIn(agent));
        }
    }

    /// The session's end was told, or it never was; its agent.
    pub fn forget_session(&mut self, id: &str) -> Option<usize> {
        let session = self.sessions.remove(id)?;
        let agent = session.agent?;
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.session = None;
        }
        Some(agent)
    }

    pub(super) fn kill_an_agent(&mut self, out: &mut Out) {
        let share = self.chance.share();
        let count = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a small count"
        )]
        let nth = (share * f64::from(count)) as usize;
        if let Some(id) = self.sessions.keys().nth(nth).cloned() {
            self.counts.killed += 1;
            self.gone(&id, 0, out);
        }
        if let Some(every) = self.kill_every {
            self.plan(every, Happening::KillAnAgent);
        }
    }
}
