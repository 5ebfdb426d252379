//! What happens to an answered call: who answered, an agent or a message or the dialplan.

use std::sync::Arc;

use crate::attempt::{Attempt, Ending, State, Trigger};
use crate::command::{Command, Level, Record};
use crate::config::{AgentlessAction, ClockStart, Mode, OnMachine};
use crate::deadline::Why;
use crate::event::Verdict;
use crate::ids::{AttemptId, LegId};
use crate::limits;
use crate::time::{Now, Span, Tick};

use super::Engine;

/// When a message begins.
#[derive(Clone, Copy, Debug)]
enum Play {
    /// At once: a person listens.
    Now,
    /// When the machine records.
    Leave,
}

impl Engine {
    pub(super) fn answered(&mut self, now: Now, id: AttemptId) {
        let known = self.attempts.get(&id).is_some_and(|a| a.answered.is_some());
        if known {
            return;
        }
        let leg = self.mark_answered(now, id);
        if self.is_test(id) {
            self.advance(now, id, Trigger::Answer);
            self.report_step(id);
            self.end_leg(now, id, Ending::Completed);
            return;
        }
        self.push(Command::Journal(Record::Answered { leg, at: now.wall }));
        let ending = self.attempts.get(&id).is_some_and(|a| a.ending.is_some());
        if self.advance(now, id, Trigger::Answer) && !ending {
            self.arm(
                id,
                now.tick + limits::CLASSIFY_TIMEOUT,
                Why::ClassifyTimeout,
            );
        } else if ending {
            // Answer and our hangup crossed: the hangup stands.
            self.arm(id, now.tick + limits::HANGUP_TIMEOUT, Why::HangupTimeout);
        }
    }

    fn mark_answered(&mut self, now: Now, id: AttemptId) -> LegId {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return LegId { attempt: id, n: 0 };
        };
        attempt.answered = Some((now.tick, now.wall));
        attempt.clock = Some(now.tick);
        let (leg, id) = (attempt.leg(), attempt.trunk);
        let (after, alerted) = (now.tick - attempt.placed, attempt.alerting.is_some());
        if self
            .trunks
            .get_mut(&id)
            .is_some_and(|trunk| trunk.answered(leg, after, alerted))
        {
            self.log(
                Level::Warn,
                format!(
                    "trunk {id} answered {} calls in a row before they rang: the carrier may answer \
                     (and charge) for callees who never did; place a test call to a phone at hand",
                    limits::FALSE_ANSWERS
                ),
            );
        }
        leg
    }

    pub(super) fn ready(&mut self, now: Now, id: AttemptId, verdict: Option<Verdict>) {
        self.answered(now, id);
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.ending.is_some() || attempt.state != State::Classifying {
            return;
        }
        if attempt.inbound.is_some() {
            if self.advance(now, id, Trigger::Human) {
                self.await_agent(now, id);
            }
            return;
        }
        attempt.verdict = verdict;
        let Some(campaign) = attempt.campaign().and_then(|c| self.campaigns.get(&c)) else {
            return;
        };
        // Else the clock goes on: what AMD has taken is time in which the callee had nobody.
        if verdict.is_some() && campaign.config.answers.clock == ClockStart::Verdict {
            attempt.clock = Some(now.tick);
        }
        let agentless =
            (campaign.config.mode == Mode::Agentless).then(|| campaign.config.agentless.clone());
        if let Some(machine) = campaign.config.answers.machine(verdict).cloned() {
            self.machine(now, id, machine);
            return;
        }
        if !self.advance(now, id, Trigger::Human) {
            return;
        }
        match agentless {
            None => self.await_agent(now, id),
            Some(AgentlessAction::PlayMessage) => self.play_message(now, id),
            Some(AgentlessAction::Continue) => self.release(now, id, None),
            Some(AgentlessAction::Goto(target)) => self.release(now, id, Some(target)),
        }
    }

    /// A machine answered, or what is to be treated as one. Some of those that AMD takes for
    /// machines are people, who were hung up on: they count against the budget by the share that
    /// an audit found (Ofcom counts them, persistent misuse policy A1.39).
    fn machine(&mut self, now: Now, id: AttemptId, then: OnMachine) {
        match then {
            OnMachine::HangUp | OnMachine::Agent => self.end_leg(now, id, Ending::Machine),
            OnMachine::Message(sound) => {
                if let Some(attempt) = self.attempts.get_mut(&id) {
                    attempt.voicemail = true;
                }
                self.play(now, id, sound, Play::Leave);
            }
        }
    }

    /// The callee's greeting began, or ended, so long ago: the abandon clock runs from there, if the
    /// campaign has it so. It is never set back, and a call that is not silent for longer than the
    /// limit gets its message by the time that is known so far.
    pub(super) fn greeting(&mut self, now: Now, id: AttemptId, what: ClockStart, ago: Span) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let campaign = attempt.campaign().and_then(|c| self.campaigns.get(&c));
        let applies = attempt.inbound.is_none()
            && campaign.is_some_and(|c| c.config.answers.clock == what)
            && attempt.answered.is_some()
            && attempt.ending.is_none()
            && !attempt.greeted;
        let waits = attempt.state == State::AwaitingAgent;
        let classifies = attempt.state == State::Classifying;
        if !applies || !(waits || classifies) {
            return;
        }
        let queued = attempt.in_queue;
        if queued.is_none() {
            self.stop_waiting(id);
        }
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.greeted = true;
            let at = Tick(now.tick.0.saturating_sub(ago.0));
            attempt.clock = attempt.clock.max(Some(at));
        }
        if queued.is_some() {
            self.arm_line(now, id);
        } else if waits && !self.is_agentless(id) {
            self.await_agent(now, id);
        }
    }

    fn release(&mut self, now: Now, id: AttemptId, target: Option<crate::config::Target>) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let leg = attempt.leg();
        self.push(Command::Release { leg, target });
        self.arm(id, now.tick + limits::CONNECT_TIMEOUT, Why::ConnectTimeout);
    }

    pub(super) fn released(&mut self, now: Now, id: AttemptId) {
        let agentless = self
            .attempts
            .get(&id)
            .is_some_and(|a| a.state == State::AwaitingAgent && a.ending.is_none());
        if agentless {
            self.mark_bridged(now, id);
        }
    }

    /// No agent in time: the safe-harbour message, or nothing but a hangup where there is none.
    /// A caller is let go.
    pub(super) fn give_up_on_agents(&mut self, now: Now, id: AttemptId) {
        if self.attempts.get(&id).is_some_and(|a| a.inbound.is_some()) {
            self.let_caller_go(now, id);
            return;
        }
        let message = self
            .attempts
            .get(&id)
            .and_then(|a| self.campaigns.get(&a.campaign()?))
            .is_some_and(|c| c.config.message.is_some());
        if message {
            self.play_message(now, id);
        } else {
            self.end_leg(now, id, Ending::Abandoned);
        }
    }

    fn play_message(&mut self, now: Now, id: AttemptId) {
        let sound = self
            .attempts
            .get(&id)
            .and_then(|a| self.campaigns.get(&a.campaign()?))
            .and_then(|c| c.config.message.clone());
        match sound {
            Some(sound) => self.play(now, id, sound, Play::Now),
            None => self.end_leg(now, id, Ending::Abandoned),
        }
    }

    fn play(&mut self, now: Now, id: AttemptId, sound: Arc<str>, when: Play) {
        let Some(leg) = self.attempts.get(&id).map(Attempt::leg) else {
            return;
        };
        if self.advance(now, id, Trigger::Play) {
            self.push(Command::Journal(Record::MessageStarted {
                leg,
                at: now.wall,
            }));
            self.push(match when {
                Play::Now => Command::Play { leg, sound },
                Play::Leave => Command::LeaveMessage { leg, sound },
            });
            self.arm(id, now.tick + limits::MESSAGE_TIMEOUT, Why::MessageTimeout);
        }
    }

    pub(super) fn played(&mut self, now: Now, id: AttemptId, whole: bool) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        if attempt.state != State::PlayingMessage || attempt.ending.is_some() {
            return;
        }
        let ending = match (attempt.voicemail, self.is_agentless(id), whole) {
            (true, _, _) => Ending::Voicemail { whole },
            (false, true, true) => Ending::Completed,
            (false, true, false) => Ending::Fault("message not played"),
            (false, false, _) => Ending::Abandoned,
        };
        self.end_leg(now, id, ending);
    }

    pub(super) fn is_agentless(&self, id: AttemptId) -> bool {
        self.attempts
            .get(&id)
            .and_then(|a| self.campaigns.get(&a.campaign()?))
            .is_some_and(|c| c.config.mode == Mode::Agentless)
    }
}
