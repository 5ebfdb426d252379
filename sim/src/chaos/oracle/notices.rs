//! What is told of changes of state: no change is left out, and none is one that can't be.

use std::collections::BTreeMap;
use std::sync::Arc;

use outdial_engine::agent::AgentState;
use outdial_engine::attempt::{State, Trigger, next};
use outdial_engine::{AgentNotice, AttemptId, CallNotice, Notice};

use super::Verdict;

/// Where each one is, by what was told.
#[derive(Debug, Default)]
pub(super) struct Notices {
    calls: BTreeMap<AttemptId, State>,
    agents: BTreeMap<Arc<str>, AgentState>,
}

impl Notices {
    /// `inbound`: the call came in, so that it is answered when it begins.
    pub(super) fn told(&mut self, notice: &Notice, inbound: bool) -> Verdict {
        match notice {
            Notice::Call(call) => self.call(call, inbound),
            Notice::Agent(agent) => self.agent(agent),
        }
    }

    fn call(&mut self, call: &CallNotice, inbound: bool) -> Verdict {
        let id = call.leg.attempt;
        let was = self.calls.remove(&id).unwrap_or(State::Queued);
        if call.from != was {
            let (from, to) = (call.from, call.to);
            return Err(format!(
                "attempt {id} was {was}, and is told to go from {from} to {to}"
            ));
        }
        let begins = inbound && (was, call.to) == (State::Queued, State::Classifying);
        if !begins && Trigger::all().all(|trigger| next(was, trigger) != Some(call.to)) {
            return Err(format!("attempt {id} can't go from {was} to {}", call.to));
        }
        if !matches!(call.to, State::Final(_)) {
            self.calls.insert(id, call.to);
        }
        Ok(())
    }

    fn agent(&mut self, agent: &AgentNotice) -> Verdict {
        let was = self.agents.insert(agent.agent.clone(), agent.to);
        let was = was.unwrap_or(AgentState::LoggedOut);
        if agent.from == was {
            return Ok(());
        }
        Err(format!(
            "agent {} was {was:?}, and is told to go from {:?} to {:?}",
            agent.agent, agent.from, agent.to
        ))
    }
}
