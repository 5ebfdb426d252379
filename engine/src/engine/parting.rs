//! An agent and a customer part, and the customer's call may go on: in the dialplan behind
//! `OutdialConnect`, or with somebody else to whom the agent has transferred it.
//!
//! Of the three that happen (the agent is back, the call goes on, the leg ends) each may be told
//! first. Whoever is back wraps up at once; the attempt ends when its leg has.

use crate::agent::{Agent, AgentState};
use crate::attempt::Outcome;
use crate::attempt::{Attempt, Ending, InQueue, State, Trigger};
use crate::deadline::Why;
use crate::ids::{AgentId, AttemptId};
use crate::limits;
use crate::time::Now;

use super::Engine;

impl Engine {
    /// The agent is back, or has hung up, while the customer's leg is not known to be gone.
    pub(super) fn agent_left_call(&mut self, now: Now, id: AgentId) {
        match self.agents.get(&id).and_then(|a| a.attempt) {
            Some(attempt) => {
                self.agent_parts(now, attempt);
                self.begin_wrap_up(now, id, attempt);
            }
            None => self.make_available(now, id),
        }
    }

    /// An agent is out of a call. Unless the host says before long that it goes on without him, it
    /// is one that nobody has any more.
    pub(super) fn agent_parts(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id).filter(|a| talks(a)) else {
            return;
        };
        if attempt.agent_left {
            return;
        }
        attempt.agent_left = true;
        if !attempt.goes_on && attempt.ending.is_none() {
            self.arm(id, now.tick + limits::PARTING, Why::AgentReturn);
        }
    }

    /// The host says that the customer goes on without the agent.
    pub(super) fn goes_on(&mut self, now: Now, id: AttemptId) {
        let talks = |a: &&mut Attempt| {
            let met = a.agent.is_some() || a.in_queue == Some(InQueue::Taken);
            talks(a) && met && a.ending.is_none()
        };
        let Some(attempt) = self.attempts.get_mut(&id).filter(talks) else {
            self.totals.stray += 1;
            return;
        };
        attempt.goes_on = true;
        if let Some((since, _)) = attempt.bridged {
            self.arm(id, since + limits::TALK_TIMEOUT, Why::TalkTimeout);
        }
        self.member_parts(now, id);
    }

    /// The leg of a call with an agent is gone: the attempt ends, with the wrap-up if there is one.
    pub(super) fn call_with_agent_over(&mut self, now: Now, id: AttemptId, agent: AgentId) {
        let left = self.attempts.get(&id).is_some_and(|a| a.agent_left);
        let wraps_up = match left {
            true => self.agents.get(&agent).is_some_and(|a| wraps_up(a, id)),
            false => self.begin_wrap_up(now, agent, id),
        };
        if !wraps_up {
            self.advance(now, id, Trigger::End(Outcome::Completed));
            return;
        }
        self.advance(now, id, Trigger::WrapUp);
        if let Some((at, why)) = self.agents.get(&agent).and_then(|a| a.deadline) {
            self.arm(id, at + limits::AGENT_RETURN, why);
        }
    }

    /// The agent has hung up the customer.
    pub(super) fn hang_up(&mut self, now: Now, id: AgentId) -> Result<(), &'static str> {
        let agent = self
            .agents
            .get(&id)
            .filter(|a| a.state == AgentState::OnCall);
        let attempt = agent.and_then(|a| a.attempt);
        let attempt = attempt.ok_or("the agent has no call")?;
        self.end_leg(now, attempt, Ending::AgentLeft);
        Ok(())
    }

    /// The wrap-up is over. An attempt whose call still goes on ends with that.
    pub(super) fn end_wrap_up(&mut self, now: Now, id: AgentId) {
        let attempt = self.agents.get_mut(&id).and_then(|a| a.attempt.take());
        let waits = |id: &AttemptId| {
            let attempt = self.attempts.get(id);
            attempt.is_some_and(|a| a.state == State::WrapUp)
        };
        if let Some(attempt) = attempt.filter(waits) {
            self.advance(now, attempt, Trigger::End(Outcome::Completed));
        }
        self.make_available(now, id);
    }
}

fn talks(attempt: &Attempt) -> bool {
    attempt.state == State::Bridged
}

fn wraps_up(agent: &Agent, attempt: AttemptId) -> bool {
    agent.state == AgentState::WrapUp && agent.attempt == Some(attempt)
}
