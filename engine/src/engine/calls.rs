//! What happens to calls: events of legs, and their deadlines.

use crate::agent::AgentState;
use crate::attempt::{Blame, Ending, Outcome, Purpose, State, Trigger, classify};
use crate::breaker::gravity;
use crate::command::{Command, Level, Record, TestStep};
use crate::config::ClockStart;
use crate::deadline::Why;
use crate::event::{LegEnd, LegEvent, Refusal};
use crate::ids::{AttemptId, LegId, SessionId, TrunkId};
use crate::limits;
use crate::time::{Now, Span};

use super::Engine;

/// Q.850: normal call clearing.
const NORMAL_CLEARING: u8 = 16;

impl Engine {
    pub(super) fn leg_event(&mut self, now: Now, leg: LegId, what: LegEvent) {
        let id = leg.attempt;
        let current = self
            .attempts
            .get(&id)
            .is_some_and(|a| a.legs == leg.n && a.leg_live);
        if !current {
            self.totals.stray += 1;
            // The agent of a call that is already over still has to come back.
            if let LegEvent::ConnectFailed { session } = what {
                self.agent_is_back(now, &session);
            }
            return;
        }
        match what {
            LegEvent::Proceeding => self.proceeding(now, id),
            LegEvent::Ringing => self.alerting(now, id, Trigger::Ring),
            LegEvent::EarlyMedia => self.alerting(now, id, Trigger::EarlyMedia),
            LegEvent::Answered => self.answered(now, id),
            LegEvent::GreetingBegan => {
                self.greeting(now, id, ClockStart::GreetingStart, Span::default());
            }
            LegEvent::GreetingEnded { ago } => {
                self.greeting(now, id, ClockStart::GreetingEnd, ago);
            }
            LegEvent::Ready { verdict } => self.ready(now, id, verdict),
            LegEvent::Bridged { session } => self.bridged(now, id, &session),
            LegEvent::ConnectFailed { session } => self.connect_failed(now, id, &session),
            LegEvent::Played { whole } => self.played(now, id, whole),
            LegEvent::Released => self.released(now, id),
            LegEvent::Member => self.taken_by_member(now, id),
            LegEvent::Unqueued => self.out_of_queue(now, id),
            LegEvent::Left => self.goes_on(now, id),
            LegEvent::Ended(end) => self.leg_ended(now, id, end),
        }
    }

    fn proceeding(&mut self, now: Now, id: AttemptId) {
        if self.advance_unless_ending(now, id, Trigger::Proceed) {
            // A phone that never rings is given as long as one that does.
            let limit = self.ring_timeout(id);
            self.arm(id, now.tick + limit, Why::RingTimeout);
            self.report_step(id);
        }
    }

    fn alerting(&mut self, now: Now, id: AttemptId, trigger: Trigger) {
        let ringing = trigger == Trigger::Ring;
        // 180 and 183 may come again and again; the second of a kind says nothing new.
        let same = if ringing {
            State::Ringing
        } else {
            State::EarlyMedia
        };
        if self.attempts.get(&id).is_some_and(|a| a.state == same) {
            return;
        }
        if !self.advance_unless_ending(now, id, trigger) {
            return;
        }
        let limit = self.ring_timeout(id);
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if ringing {
            attempt.rang = true;
            attempt.ringing_at.get_or_insert(now.wall);
        }
        let (trunk, leg) = (attempt.trunk, attempt.leg());
        // Counted from the first sign, so that switching between the two can't extend it.
        let since = *attempt.alerting.get_or_insert(now.tick);
        self.arm(id, since + limit, Why::RingTimeout);
        let opened = ringing
            && self
                .trunks
                .get_mut(&trunk)
                .is_some_and(|trunk| trunk.breaker.worked(leg));
        if opened {
            self.all_dirty();
        }
        self.report_step(id);
    }

    pub(super) fn mark_bridged(&mut self, now: Now, id: AttemptId) {
        let late = self.is_too_late(now, id);
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.late = late;
        }
        if !self.advance(now, id, Trigger::Bridge) {
            return;
        }
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.bridged = Some((now.tick, now.wall));
        let (leg, agent) = (attempt.leg(), attempt.agent);
        self.push(Command::Journal(Record::Bridged {
            leg,
            at: now.wall,
            agent,
            late,
        }));
        self.arm(id, now.tick + limits::TALK_TIMEOUT, Why::TalkTimeout);
    }

    fn bridged(&mut self, now: Now, id: AttemptId, session: &SessionId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let chosen =
            attempt.agent.is_some() && self.sessions.get(session) == attempt.agent.as_ref();
        if !chosen || attempt.state != State::ConnectingAgent {
            self.totals.stray += 1;
            return;
        }
        if attempt.ending.is_none() {
            self.mark_bridged(now, id);
        }
        if let Some(agent) = self.attempts.get(&id).and_then(|a| a.agent) {
            self.set_agent_state(now, agent, AgentState::OnCall);
        }
    }

    fn connect_failed(&mut self, now: Now, id: AttemptId, session: &SessionId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let chosen =
            attempt.agent.is_some() && self.sessions.get(session) == attempt.agent.as_ref();
        if !chosen || attempt.state != State::ConnectingAgent {
            self.totals.stray += 1;
            // Given up on meanwhile: the agent waits all the same.
            self.agent_is_back(now, session);
            return;
        }
        self.let_agent_return(now, id);
        self.agent_is_back(now, session);
        self.try_next_agent(now, id);
    }

    /// The chosen agent can't be had: back into the line, or to the message.
    pub(super) fn try_next_agent(&mut self, now: Now, id: AttemptId) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.agent = None;
        }
        if !self.advance(now, id, Trigger::AgentLost) {
            return;
        }
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        // Who calls may wait on.
        let tries = match attempt.inbound {
            Some(_) => limits::CALLER_CONNECT_TRIES,
            None => limits::CONNECT_TRIES,
        };
        if attempt.ending.is_some() {
            self.arm(id, now.tick + limits::HANGUP_TIMEOUT, Why::HangupTimeout);
        } else if attempt.connect_tries >= tries {
            self.give_up_on_agents(now, id);
        } else {
            self.await_agent(now, id);
        }
    }

    /// Asks the host to end the leg; the outcome is decided now, the attempt ends when the leg
    /// is gone.
    pub(super) fn end_leg(&mut self, now: Now, id: AttemptId, ending: Ending) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.ending.is_some() {
            // A call that may not go on may not go on over another trunk either.
            if let (Some(Ending::Setup), Ending::Cancelled(_)) = (attempt.ending, ending) {
                attempt.ending = Some(ending);
            }
            return;
        }
        attempt.ending = Some(ending);
        attempt.hangups = 1;
        let leg = attempt.leg();
        self.stop_waiting(id);
        self.push(Command::Hangup {
            leg,
            q850: NORMAL_CLEARING,
        });
        self.arm(id, now.tick + limits::HANGUP_TIMEOUT, Why::HangupTimeout);
    }

    /// The leg is gone from the PBX.
    pub(super) fn leg_ended(&mut self, now: Now, id: AttemptId, end: LegEnd) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.leg_live = false;
        attempt.ended = Some((end, now.wall));
        let (state, ending) = (attempt.state, attempt.ending);
        let (trunk, leg) = (attempt.trunk, attempt.leg());
        let test = match attempt.purpose {
            Purpose::Test { request, .. } => Some(request),
            Purpose::Lead { .. } => None,
        };
        self.caller_gone(now, id);
        if let Some(request) = test {
            self.push(Command::TestCallStep {
                request,
                step: TestStep::Ended(end),
            });
            self.drop_test(now, id);
        } else {
            self.over(now, id, state, ending, end);
        }
        // After the verdict on it: one that brings none makes room for the next try.
        self.free_channel(trunk, leg);
    }

    /// A leg's channel is free again; a trunk that was removed goes with its last one.
    fn free_channel(&mut self, id: TrunkId, leg: LegId) {
        let Some(trunk) = self.trunks.get_mut(&id) else {
            return;
        };
        trunk.release(leg);
        if trunk.removed && trunk.channels == 0 {
            self.trunks.remove(&id);
        }
    }

    /// What the end of its leg means for an attempt that was in this state.
    fn over(&mut self, now: Now, id: AttemptId, state: State, ending: Option<Ending>, end: LegEnd) {
        match state {
            State::Queued | State::WrapUp | State::Final(_) => {}
            State::Originating | State::Proceeding | State::Ringing | State::EarlyMedia => {
                self.unanswered(now, id, end);
            }
            State::Classifying => {
                let outcome = match ending {
                    Some(Ending::Machine) => Outcome::Machine,
                    Some(Ending::Fault(_)) => Outcome::Failed,
                    Some(_) | None => Outcome::Abandoned,
                };
                self.advance(now, id, Trigger::End(outcome));
            }
            State::AwaitingAgent | State::ConnectingAgent => {
                self.let_agent_return(now, id);
                let fault = matches!(ending, Some(Ending::Fault(_)));
                let outcome = if fault {
                    Outcome::Failed
                } else {
                    Outcome::Abandoned
                };
                self.advance(now, id, Trigger::End(outcome));
            }
            State::Bridged => self.call_over(now, id),
            State::PlayingMessage => {
                let voicemail = self.attempts.get(&id).is_some_and(|a| a.voicemail);
                let outcome = match ending {
                    Some(_) | None if voicemail => Outcome::Machine,
                    Some(Ending::Fault(_)) => Outcome::Failed,
                    // Who listens to a message and hangs up was reached.
                    Some(_) | None if self.is_agentless(id) => Outcome::Completed,
                    Some(_) | None => Outcome::Abandoned,
                };
                self.advance(now, id, Trigger::End(outcome));
            }
        }
    }

    /// A leg ended without an answer: whose fault was it, and is another trunk left?
    fn unanswered(&mut self, now: Now, id: AttemptId, end: LegEnd) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let blame = match attempt.ending {
            Some(Ending::NoAnswer) => Blame::Callee(Outcome::NoAnswer),
            Some(Ending::Setup) => Blame::Route,
            Some(Ending::Cancelled(_)) => Blame::Callee(Outcome::Cancelled),
            Some(Ending::Fault(_)) => Blame::Callee(Outcome::Failed),
            Some(
                Ending::Machine
                | Ending::Voicemail { .. }
                | Ending::Abandoned
                | Ending::Completed
                | Ending::AgentLeft,
            )
            | None => classify(end, attempt.rang),
        };
        let (trunk, rang, leg) = (attempt.trunk, attempt.rang, attempt.leg());
        match blame {
            Blame::Callee(outcome) => {
                if outcome != Outcome::Cancelled
                    && let Some(trunk) = self.trunks.get_mut(&trunk)
                {
                    trunk.breaker.worked(leg);
                }
                self.advance(now, id, Trigger::End(outcome));
            }
            Blame::Route => {
                if let Some(trunk) = self.trunks.get_mut(&trunk) {
                    trunk.failed(now.tick, leg, gravity(end));
                }
                let again = !rang && leg.n < limits::LEGS_PER_ATTEMPT && self.has_other_trunk(id);
                if again && self.advance(now, id, Trigger::Failover) {
                    if let Some(attempt) = self.attempts.get_mut(&id) {
                        attempt.tried.push(trunk);
                    }
                    self.arm(id, now.tick + limits::QUEUE_TIMEOUT, Why::QueueTimeout);
                } else {
                    self.advance(now, id, Trigger::End(Outcome::Congested));
                }
            }
            Blame::Pbx => {
                self.pbx_overloaded(now);
                self.advance(now, id, Trigger::End(Outcome::Failed));
            }
        }
    }

    /// The host did not take an originate.
    pub(super) fn leg_refused(&mut self, now: Now, leg: LegId, why: Refusal) {
        let id = leg.attempt;
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.legs != leg.n || !attempt.leg_live || attempt.state != State::Originating {
            self.totals.stray += 1;
            return;
        }
        attempt.leg_live = false;
        let end = LegEnd {
            refused_by_pbx: true,
            ..LegEnd::default()
        };
        attempt.ended = Some((end, now.wall));
        attempt.ending = Some(Ending::Fault(match why {
            Refusal::Overload => "refused by the PBX",
            Refusal::Journal => "journal unwritable",
        }));
        let trunk = attempt.trunk;
        if let Some(trunk) = self.trunks.get_mut(&trunk) {
            trunk.give_back(now.tick);
        }
        self.free_channel(trunk, leg);
        if let Some(request) = self.test_request(id) {
            let step =
                TestStep::Refused("the PBX refused the call (overloaded or stopping)".into());
            self.push(Command::TestCallStep { request, step });
            self.drop_test(now, id);
            return;
        }
        match why {
            Refusal::Overload => self.pbx_overloaded(now),
            Refusal::Journal => {}
        }
        self.advance(now, id, Trigger::End(Outcome::Failed));
    }

    pub(super) fn pbx_overloaded(&mut self, now: Now) {
        self.pbx_resting_until = now.tick + limits::PBX_BACKOFF;
    }

    /// A connected call is over: wrap-up for the agent, then the result.
    fn call_over(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let fault = matches!(attempt.ending, Some(Ending::Fault(_)));
        let Some(agent) = attempt.agent else {
            self.member_parts(now, id);
            let outcome = if fault {
                Outcome::Failed
            } else {
                Outcome::Completed
            };
            self.advance(now, id, Trigger::End(outcome));
            return;
        };
        self.call_with_agent_over(now, id, agent);
    }

    pub(super) fn attempt_due(&mut self, now: Now, id: AttemptId, why: Why) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.deadline = None;
        match why {
            Why::QueueTimeout if self.is_test(id) => {
                let step = TestStep::Refused(
                    "the trunk stayed full, resting or disabled (see `outdial show trunks`)".into(),
                );
                if let Some(request) = self.test_request(id) {
                    self.push(Command::TestCallStep { request, step });
                }
                self.drop_test(now, id);
            }
            Why::QueueTimeout => {
                self.advance(now, id, Trigger::End(Outcome::Congested));
            }
            Why::SetupTimeout => self.end_leg(now, id, Ending::Setup),
            Why::RingTimeout => self.end_leg(now, id, Ending::NoAnswer),
            Why::ClassifyTimeout => {
                self.end_leg(now, id, Ending::Fault("never reached OutdialConnect"))
            }
            Why::ConnectLimit => self.connect_limit_due(now, id),
            Why::ConnectTimeout => self.connect_timed_out(now, id),
            Why::TalkTimeout => self.end_leg(now, id, Ending::Fault("call too long")),
            Why::MessageTimeout => self.end_leg(now, id, Ending::Abandoned),
            Why::WrapUpEnds => {
                self.advance(now, id, Trigger::End(Outcome::Completed));
            }
            Why::HangupTimeout => self.hang_up_again(now, id),
            Why::MinRing => self.min_ring_due(now, id),
            Why::AgentReturn => self.end_leg(now, id, Ending::AgentLeft),
            Why::ProbeTimeout
            | Why::PreviewEnds
            | Why::PhoneTimeout
            | Why::PhoneBackoff
            | Why::Pace => {}
        }
    }

    fn connect_timed_out(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        if attempt.state == State::ConnectingAgent {
            self.let_agent_return(now, id);
            self.try_next_agent(now, id);
        } else if attempt.in_queue.is_some() {
            self.stuck_in_queue(now, id);
        } else {
            self.end_leg(now, id, Ending::Fault("the PBX did not release the call"));
        }
    }

    fn hang_up_again(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.hangups >= limits::HANGUP_TRIES {
            self.totals.ghosts += 1;
            self.log(
                Level::Error,
                format!("attempt {id}: the PBX does not end its channel; given up"),
            );
            self.leg_ended(now, id, LegEnd::default());
            return;
        }
        attempt.hangups += 1;
        let leg = attempt.leg();
        self.push(Command::Hangup {
            leg,
            q850: NORMAL_CLEARING,
        });
        self.arm(id, now.tick + limits::HANGUP_TIMEOUT, Why::HangupTimeout);
    }

    /// Before an answer only: once we hang up, further progress changes nothing.
    fn advance_unless_ending(&mut self, now: Now, id: AttemptId, trigger: Trigger) -> bool {
        let ending = self.attempts.get(&id).is_none_or(|a| a.ending.is_some());
        !ending && self.advance(now, id, trigger)
    }

    pub(super) fn ring_timeout(&self, id: AttemptId) -> Span {
        let configured = self
            .attempts
            .get(&id)
            .and_then(|a| self.campaigns.get(&a.campaign()?))
            .map(|c| c.config.ring_timeout_ms);
        Span::ms(configured.unwrap_or(limits::TEST_RING_TIMEOUT_MS))
    }
}
