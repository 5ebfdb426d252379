//! Telling whoever watches of changes of state.

use crate::agent::AgentState;
use crate::attempt::{Attempt, State};
use crate::command::Command;
use crate::event::LegEnd;
use crate::ids::{AgentId, AttemptId};
use crate::notice::{AgentNotice, CallNotice, Notice, Watch};

use super::Engine;

impl Engine {
    /// From now on tells of these changes, as [`Command::Notice`]. Decides nothing, and costs
    /// nothing while nobody watches.
    pub fn watch(&mut self, watch: Watch) {
        self.watch = watch;
    }

    /// A live attempt came here from another state. What is over is told by [`Self::note_end`].
    pub(super) fn note_call(&mut self, id: AttemptId, from: State) {
        if !self.watch.calls {
            return;
        }
        let attempt = self.attempts.get(&id);
        if let Some(notice) = attempt.and_then(|a| self.call_notice(a, from)) {
            self.push(Command::Notice(Box::new(Notice::Call(notice))));
        }
    }

    /// An attempt that was taken out came to its end from this state.
    pub(super) fn note_end(&mut self, attempt: &Attempt, from: State, why: (&str, LegEnd)) {
        if !self.watch.calls {
            return;
        }
        let (reason, end) = why;
        if let Some(notice) = self.call_notice(attempt, from) {
            let reason = reason.to_owned();
            let notice = CallNotice {
                reason,
                end,
                ..notice
            };
            self.push(Command::Notice(Box::new(Notice::Call(notice))));
        }
    }

    fn call_notice(&self, attempt: &Attempt, from: State) -> Option<CallNotice> {
        let (lease, number) = attempt.lead()?;
        let campaign = self.campaigns.get(&attempt.campaign()?)?;
        let trunk = self.trunks.get(&attempt.trunk);
        let agent = attempt.agent.or(attempt.for_agent);
        Some(CallNotice {
            leg: attempt.leg(),
            campaign: campaign.config.name.clone(),
            lead: lease.lead,
            trunk: trunk.map_or_else(|| "".into(), |t| t.config.name.clone()),
            number: number.number.clone(),
            agent: agent
                .and_then(|agent| self.agents.get(&agent))
                .map(|agent| agent.config.name.clone()),
            from,
            to: attempt.state,
            reason: String::new(),
            end: LegEnd::default(),
        })
    }

    /// An agent came here from another state, or has another pause code in the same one.
    pub(super) fn note_agent(&mut self, id: AgentId, from: AgentState) {
        if !self.watch.agents {
            return;
        }
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        let campaign = agent.serves.and_then(|id| self.campaigns.get(&id));
        let call = agent.attempt.and_then(|id| self.attempts.get(&id));
        let notice = AgentNotice {
            agent: agent.config.name.clone(),
            session: agent.channel().map(|channel| channel.id.clone()),
            campaign: campaign.map(|c| c.config.name.clone()),
            leg: call.map(Attempt::leg),
            from,
            to: agent.state,
            pause: agent.pause.clone(),
        };
        self.push(Command::Notice(Box::new(Notice::Agent(notice))));
    }
}
