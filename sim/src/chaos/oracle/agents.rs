//! Agents of our own: who is free for which campaign, and nobody has two calls.

use std::collections::{BTreeMap, BTreeSet};

use outdial_engine::agent::AgentState;
use outdial_engine::config::AgentConfig;
use outdial_engine::{
    AgentId, CampaignId, Command, Event, LegEvent, LegId, SessionEvent, SessionId,
};

use super::Verdict;

/// What is known of agents by what was told, to the engine and by it.
#[derive(Clone, Debug, Default)]
pub(super) struct Agents {
    campaigns: BTreeMap<AgentId, BTreeSet<CampaignId>>,
    states: BTreeMap<AgentId, AgentState>,
    /// With whom each log-in is, or soon will be.
    with: BTreeMap<SessionId, LegId>,
}

impl Agents {
    pub(super) fn configured(&mut self, config: &AgentConfig) {
        let campaigns = config.campaigns.iter().map(|member| member.campaign);
        self.campaigns.insert(config.id, campaigns.collect());
    }

    /// The engine is about to be told this.
    pub(super) fn told(&mut self, event: &Event) {
        match event {
            Event::Session { session, what } => match what {
                SessionEvent::Waiting | SessionEvent::Gone | SessionEvent::Refused => {
                    self.with.remove(session);
                }
                SessionEvent::Entered { .. } => {}
            },
            Event::Leg { leg, what } => match what {
                LegEvent::ConnectFailed { session } => {
                    self.with.remove(session);
                }
                LegEvent::Ended(_) => self.with.retain(|_, with| with != leg),
                LegEvent::Proceeding
                | LegEvent::Ringing
                | LegEvent::EarlyMedia
                | LegEvent::Answered
                | LegEvent::GreetingBegan
                | LegEvent::GreetingEnded { .. }
                | LegEvent::Ready { .. }
                | LegEvent::Bridged { .. }
                | LegEvent::Played { .. }
                | LegEvent::Released
                | LegEvent::Member
                | LegEvent::Unqueued
                | LegEvent::Left => {}
            },
            Event::Agent { .. }
            | Event::Manual { .. }
            | Event::Inbound { .. }
            | Event::Probed { .. }
            | Event::Queue { .. }
            | Event::Reconcile { .. }
            | Event::Config(_)
            | Event::Leases { .. }
            | Event::Renewed { .. }
            | Event::Revoke(_)
            | Event::DoNotCall(_)
            | Event::Link(_)
            | Event::JournalWritable(_)
            | Event::Drain(_)
            | Event::Check { .. }
            | Event::TestCall { .. }
            | Event::Dispose { .. }
            | Event::Refused { .. } => {}
        }
    }

    /// The engine asked for this.
    pub(super) fn asked(&mut self, command: &Command) -> Verdict {
        if let Command::AgentChanged { agent, state, .. } = command {
            self.states.insert(*agent, *state);
        }
        let Command::Connect { leg, session } = command else {
            return Ok(());
        };
        match self.with.insert(session.clone(), *leg) {
            Some(other) if other != *leg => Err(format!(
                "{session} is brought to leg {leg} and has leg {other}"
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// How many of a campaign's agents are in this state.
    pub(super) fn count(&self, campaign: CampaignId, state: AgentState) -> u32 {
        let serves = |agent: &AgentId| {
            let campaigns = self.campaigns.get(agent);
            campaigns.is_some_and(|campaigns| campaigns.contains(&campaign))
        };
        let found = self
            .states
            .iter()
            .filter(|(id, is)| **is == state && serves(id));
        u32::try_from(found.count()).unwrap_or(u32::MAX)
    }
}
