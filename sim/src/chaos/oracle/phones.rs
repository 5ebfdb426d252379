//! Agents' phones: rung one at a time, for agents who work, and not for ever.

use std::collections::{BTreeMap, BTreeSet};

use outdial_engine::agent::AgentState;
use outdial_engine::snapshot::Snapshot;
use outdial_engine::{AgentEvent, AgentId, Event, Now, Ring, SessionId, Tick};

use super::super::pbx::Pbx;
use super::Verdict;
use super::books::{SETTLES, overdue};

/// What is known of phones and of those they belong to.
#[derive(Clone, Debug, Default)]
pub(super) struct PhoneBook {
    /// Phones that really ring or are off hook.
    live: BTreeMap<SessionId, String>,
    /// Every session that a phone was ever rung with.
    used: BTreeSet<SessionId>,
    /// Agents who were told to stop working, and have not begun again.
    off: BTreeSet<String>,
    paused: BTreeSet<String>,
    /// The engine was told of an agent's own call last.
    manual: bool,
    /// Phones that belong to nobody who could use them, and since when.
    suspects: BTreeMap<SessionId, Tick>,
}

impl PhoneBook {
    /// The engine is about to be told this.
    pub(super) fn told(&mut self, event: &Event) {
        self.manual = matches!(event, Event::Manual { .. });
        let Event::Agent { agent, what, .. } = event else {
            return;
        };
        let name = format!("a{agent}");
        match what {
            AgentEvent::LogIn => {
                self.off.remove(&name);
                self.paused.remove(&name);
            }
            AgentEvent::LogOff { .. } => {
                self.off.insert(name);
            }
            AgentEvent::Pause { .. } => {
                self.paused.insert(name);
            }
            AgentEvent::Unpause => {
                self.paused.remove(&name);
            }
            AgentEvent::Ready
            | AgentEvent::ExtendWrapUp { .. }
            | AgentEvent::Dial
            | AgentEvent::Skip
            | AgentEvent::Dispose(_)
            | AgentEvent::HangUp => {}
        }
    }

    /// The engine wants a phone to ring.
    pub(super) fn rings(&mut self, ring: &Ring) -> Verdict {
        let name = ring.agent.to_string();
        if let Some((session, _)) = self.live.iter().find(|(_, agent)| **agent == name) {
            let new = &ring.session;
            return Err(format!("{name} is rung by {new} while {session} lives"));
        }
        if !self.used.insert(ring.session.clone()) {
            return Err(format!("{} is rung for the second time", ring.session));
        }
        if self.off.contains(&name) {
            return Err(format!("{name} is rung after logging off"));
        }
        // To call somebody oneself is no call that is taken.
        if self.paused.contains(&name) && !self.manual {
            return Err(format!("{name} is rung and takes no calls"));
        }
        self.live.insert(ring.session.clone(), name);
        Ok(())
    }

    /// The engine has rung it.
    pub(super) fn was_rung(&self, session: &SessionId) -> bool {
        self.used.contains(session)
    }

    /// The phone is really on hook.
    pub(super) fn gone(&mut self, session: &SessionId) {
        self.live.remove(session);
    }

    /// A phone rings or is off hook only as long as the engine wants something of its agent.
    pub(super) fn inspect(&mut self, now: Now, view: &Snapshot, pbx: &Pbx) -> Verdict {
        let wanted: BTreeSet<AgentId> = view
            .agents
            .iter()
            .filter(|agent| match agent.state {
                AgentState::Entering
                | AgentState::Ringing
                | AgentState::Reserved
                | AgentState::OnCall
                | AgentState::WrapUp => true,
                AgentState::LoggedOut
                | AgentState::Available
                | AgentState::Previewing
                | AgentState::Paused => false,
            })
            .map(|agent| agent.id)
            .collect();
        let ghosts = pbx.phones().filter(|(_, agent)| !wanted.contains(agent));
        let ghosts = ghosts.map(|(session, _)| session.clone());
        match overdue(&mut self.suspects, ghosts, now.tick, SETTLES) {
            Some(session) => Err(format!("{session} rings or waits for nobody")),
            None => Ok(()),
        }
    }
}
