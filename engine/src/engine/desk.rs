//! What agents do at their desks: pause, more time, the next lead, going home.

use std::sync::Arc;

use crate::agent::{AgentState, Leaving};
use crate::attempt::{Ending, State};
use crate::command::{Command, Dismissal};
use crate::deadline::Why;
use crate::event::{AgentEvent, Disposition};
use crate::ids::{AgentId, AttemptId};
use crate::limits;
use crate::time::{Now, Span};

use super::Engine;
use super::phones::Unanswered;

/// The call that was meant is over, or never was.
const NO_CALL: &str = "the agent has no such call in hand";

/// As above, for the dialplan.
const OVER: &str = "there is no such call, or it is over";

impl Engine {
    /// `Err` says why the agent can't do that now.
    pub(super) fn agent_event(
        &mut self,
        now: Now,
        id: AgentId,
        what: AgentEvent,
    ) -> Result<(), &'static str> {
        if what == AgentEvent::LogIn {
            return self.log_in(now, id);
        }
        let agent = self.agents.get(&id).filter(|a| a.session.is_some());
        let state = agent.map(|a| a.state).ok_or("the agent is not logged in")?;
        let wraps_up = || {
            (state == AgentState::WrapUp)
                .then_some(())
                .ok_or("the agent is not in wrap-up")
        };
        let looks = || {
            (state == AgentState::Previewing)
                .then_some(())
                .ok_or("the agent looks at no lead")
        };
        match what {
            AgentEvent::LogIn => {}
            AgentEvent::Pause { code } => self.pause(now, id, code),
            AgentEvent::Unpause => self.unpause(now, id),
            AgentEvent::LogOff { finish } => self.log_off(now, id, finish),
            AgentEvent::Ready => {
                wraps_up()?;
                self.end_wrap_up(now, id);
            }
            AgentEvent::ExtendWrapUp { by_ms } => {
                wraps_up()?;
                self.extend_wrap_up(id, Span::ms(by_ms));
            }
            AgentEvent::Dial => {
                looks()?;
                self.accept_preview(now, id);
            }
            AgentEvent::Skip => {
                looks()?;
                self.skip_preview(now, id);
            }
            AgentEvent::Dispose(said) => self.dispose(now, id, said)?,
            AgentEvent::HangUp => self.hang_up(now, id)?,
        }
        Ok(())
    }

    /// What came of the call in hand. Said again, the last word counts.
    fn dispose(
        &mut self,
        now: Now,
        id: AgentId,
        said: Box<Disposition>,
    ) -> Result<(), &'static str> {
        let agent = self.agents.get(&id);
        let (state, attempt) = agent
            .and_then(|a| Some((a.state, a.attempt?)))
            .filter(|(state, _)| matches!(state, AgentState::OnCall | AgentState::WrapUp))
            .ok_or(NO_CALL)?;
        if said.attempt.is_some_and(|meant| meant != attempt) {
            return Err(NO_CALL);
        }
        let call = self.attempts.get_mut(&attempt).ok_or(NO_CALL)?;
        call.disposition = Some(said);
        if state == AgentState::WrapUp {
            self.end_wrap_up(now, id);
        }
        Ok(())
    }

    /// What came of a live call, whoever has it.
    pub(super) fn dispose_live(
        &mut self,
        id: AttemptId,
        said: Box<Disposition>,
    ) -> Result<(), &'static str> {
        let call = self.attempts.get_mut(&id).ok_or(OVER)?;
        call.lead().ok_or("it is a test of a trunk")?;
        call.disposition = Some(said);
        Ok(())
    }

    fn pause(&mut self, now: Now, id: AgentId, code: Arc<str>) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.pause = Some(code);
        match agent.state {
            AgentState::Available | AgentState::Entering => self.make_available(now, id),
            AgentState::Previewing => {
                self.return_preview(id);
                self.make_available(now, id);
            }
            AgentState::Ringing => self.not_answered(now, id, Unanswered::Withdrawn),
            // After the call in hand; or only the code is another one.
            AgentState::LoggedOut
            | AgentState::Reserved
            | AgentState::OnCall
            | AgentState::WrapUp
            | AgentState::Paused => self.tell_agent(id),
        }
    }

    fn unpause(&mut self, now: Now, id: AgentId) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.pause = None;
        if let Some(session) = &mut agent.session {
            session.missed = 0;
            session.rest_until = None;
        }
        let rests = agent.is_on_hook() && agent.state == AgentState::Entering;
        if rests || agent.state == AgentState::Paused {
            self.make_available(now, id);
        } else {
            self.tell_agent(id);
        }
    }

    /// Nothing but the pause code has changed.
    fn tell_agent(&mut self, id: AgentId) {
        if let Some(agent) = self.agents.get(&id) {
            let (state, pause) = (agent.state, agent.pause.clone());
            self.push(Command::AgentChanged {
                agent: id,
                state,
                pause,
            });
            self.note_agent(id, state);
        }
    }

    fn log_off(&mut self, now: Now, id: AgentId, finish: bool) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.leaving = Some(if finish {
            Leaving::Finish
        } else {
            Leaving::Drop
        });
        let attempt = agent.attempt;
        match agent.state {
            AgentState::Available | AgentState::Entering | AgentState::Paused => {
                self.make_available(now, id);
            }
            AgentState::Previewing => {
                self.return_preview(id);
                self.make_available(now, id);
            }
            AgentState::Ringing => self.not_answered(now, id, Unanswered::Withdrawn),
            AgentState::WrapUp if !finish => self.end_wrap_up(now, id),
            AgentState::OnCall if !finish => match attempt {
                Some(attempt) => self.end_leg(now, attempt, Ending::AgentLeft),
                None => self.make_available(now, id),
            },
            // The session's end gives the customer to another one.
            AgentState::Reserved if !finish => self.dismiss(id, Dismissal::LoggedOff),
            AgentState::LoggedOut
            | AgentState::Reserved
            | AgentState::OnCall
            | AgentState::WrapUp => {}
        }
    }

    fn extend_wrap_up(&mut self, id: AgentId, by: Span) {
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        let Some((at, Why::WrapUpEnds)) = agent.deadline else {
            return;
        };
        let until = (at + by).min(agent.since + limits::WRAP_UP_MOST);
        let attempt = agent.attempt;
        self.arm_agent(id, until, Why::WrapUpEnds);
        let wraps_up = |a: &crate::attempt::Attempt| a.state == State::WrapUp;
        if let Some(attempt) = attempt.filter(|a| self.attempts.get(a).is_some_and(wraps_up)) {
            self.arm(attempt, until + limits::AGENT_RETURN, Why::WrapUpEnds);
        }
    }
}
