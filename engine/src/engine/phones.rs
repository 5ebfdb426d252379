//! Agents without a channel: their phone is rung for each call and put on hook after it.
//!
//! For a call that is answered the phone rings while the customer waits, within the campaign's
//! limit. For a call of the agent's own (a preview, an owned lead, a manual call) the phone rings
//! first, and the customer is dialed once the agent is there.

use crate::agent::{Agent, AgentState, Channel, Preview, Session, Stage};
use crate::attempt::{State, Trigger};
use crate::command::{Command, Dismissal, Level, Ring};
use crate::config::Phone;
use crate::deadline::Why;
use crate::explain::Reason;
use crate::ids::{AgentId, AttemptId, CampaignId, LeaseId, RequestId, SessionId};
use crate::limits;
use crate::number::Number;
use crate::time::{Now, Span};

use super::Engine;

/// The pause code of an agent who missed too many rings.
const NO_ANSWER: &str = "no answer";

/// Why a phone that rang has brought nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It was not picked up, was busy, or can't be reached.
    Missed,
    /// The PBX did not ring it.
    Refused,
    /// It was no longer wanted.
    Withdrawn,
}

impl Engine {
    /// `Err` says why not.
    pub(super) fn log_in(&mut self, now: Now, id: AgentId) -> Result<(), &'static str> {
        let agent = self.agents.get_mut(&id).filter(|a| !a.removed);
        let agent = agent.ok_or("there is no such agent")?;
        if agent.session.is_some() {
            return Err("the agent is logged in already");
        }
        if agent.config.phone.is_none() {
            return Err("the agent has no phone to ring: give them one, or call OutdialAgent");
        }
        if self.draining {
            return Err("outdial is draining");
        }
        agent.leaving = None;
        agent.pause = None;
        agent.session = Some(Session::new(now.tick, None));
        self.count_log_in(id, true);
        self.make_available(now, id);
        Ok(())
    }

    /// Rings an agent for a customer who waits. The customer's limit goes on.
    pub(super) fn ring_for_call(
        &mut self,
        now: Now,
        attempt: AttemptId,
        agent: AgentId,
        phone: Phone,
    ) {
        let Some(call) = self.attempts.get(&attempt) else {
            return;
        };
        let since = call.clock.unwrap_or(now.tick);
        let caller_id = call.caller_id.clone();
        let Some(campaign) = call.campaign() else {
            return;
        };
        let limit = self.wait_limit(attempt);
        self.arm(attempt, since + limit, Why::ConnectLimit);
        self.ring(now, agent, campaign, phone, caller_id);
    }

    /// The customer has waited for as long as one is let wait.
    pub(super) fn connect_limit_due(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        if attempt.in_queue.is_some() {
            self.dequeue(now, id);
            return;
        }
        if attempt.state == State::ConnectingAgent {
            let (agent, limit) = (attempt.agent, self.wait_limit(id));
            if !self.advance(now, id, Trigger::AgentLost) {
                return;
            }
            if let Some(attempt) = self.attempts.get_mut(&id) {
                attempt.agent = None;
            }
            if let Some(agent) = agent {
                let rang = self.agents.get(&agent).map(|a| now.tick - a.since);
                // Who was rung at the last moment could not have answered.
                let fair = rang.is_some_and(|rang| rang.0.saturating_mul(2) >= limit.0);
                let how = if fair {
                    Unanswered::Missed
                } else {
                    Unanswered::Withdrawn
                };
                self.stop_ringing(now, agent, how);
            }
        }
        self.give_up_on_agents(now, id);
    }

    /// Calls a lead for one agent, who is reserved: at once if the agent's channel waits, else when
    /// the phone has been answered. `None`: it rings.
    pub(super) fn call_for(
        &mut self,
        now: Now,
        campaign: CampaignId,
        (lease, index): (LeaseId, usize),
        agent: AgentId,
        request: Option<RequestId>,
    ) -> Result<Option<AttemptId>, Reason> {
        let known = self.agents.get(&agent);
        let Some(phone) = known
            .filter(|a| !a.waits())
            .and_then(|a| a.config.phone.clone())
        else {
            return self.dial_for(now, campaign, lease, index, agent).map(Some);
        };
        let known = self.campaigns.get_mut(&campaign).ok_or(Reason::Paused)?;
        let caller_id = known.config.caller_ids.numbers.first().cloned();
        let caller_id = caller_id.ok_or(Reason::CallerIds)?;
        let lease = known.hopper.take(lease).ok_or(Reason::NoLeads)?;
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.preview = Some(Box::new(Preview {
                campaign,
                lease,
                stage: Stage::Rings { request },
            }));
            agent.serves = Some(campaign);
        }
        self.ring(now, agent, campaign, phone, caller_id);
        Ok(None)
    }

    fn ring(
        &mut self,
        now: Now,
        id: AgentId,
        campaign: CampaignId,
        phone: Phone,
        caller_id: Number,
    ) {
        let account = self.campaigns.get(&campaign);
        let account = account.map_or_else(|| "".into(), |c| c.config.name.clone());
        // Without an epoch there is no call that anybody could be rung for.
        let (Some(epoch), Some(agent)) = (self.epoch, self.agents.get_mut(&id)) else {
            return;
        };
        self.ring_counter = self.ring_counter.wrapping_add(1);
        let session = SessionId::ring(epoch, self.ring_counter);
        if agent.state == AgentState::Available {
            agent.idle_since = Some(agent.since);
        }
        if let Some(log_in) = &mut agent.session {
            log_in.channel = Some(Channel::new(session.clone()));
        }
        let (name, ring_timeout_ms) = (agent.config.name.clone(), agent.config.ring_timeout_ms);
        self.sessions.insert(session.clone(), id);
        self.set_agent_state(now, id, AgentState::Ringing);
        let until = now.tick + Span::ms(ring_timeout_ms);
        self.arm_agent(id, until, Why::PhoneTimeout);
        self.push(Command::Ring(Box::new(Ring {
            session,
            agent: name,
            tech: phone.tech,
            endpoint: phone.endpoint,
            caller_id,
            account,
            timeout_ms: ring_timeout_ms.saturating_add(limits::PHONE_RING_MARGIN_MS),
        })));
    }

    /// The agent has picked up, and the channel waits.
    pub(super) fn phone_answered(&mut self, now: Now, id: AgentId) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let attempt = agent.attempt;
        let session = agent.channel().map(|c| c.id.clone());
        if let Some(log_in) = &mut agent.session {
            log_in.missed = 0;
        }
        let waits = |a: &crate::attempt::Attempt| {
            a.state == State::ConnectingAgent && a.agent == Some(id) && a.ending.is_none()
        };
        let waiting = attempt.filter(|a| self.attempts.get(a).is_some_and(waits));
        match (waiting, session) {
            (Some(attempt), Some(session)) => self.bring(now, attempt, id, session),
            (_, _) => self.dial_what_it_rang_for(now, id),
        }
    }

    /// The agent is there; may the lead still be dialed?
    fn dial_what_it_rang_for(&mut self, now: Now, id: AgentId) {
        let Some(preview) = self.end_preview(id) else {
            self.make_available(now, id);
            return;
        };
        let Stage::Rings { request } = preview.stage else {
            self.make_available(now, id);
            return;
        };
        let (campaign, lease) = (preview.campaign, preview.lease.id);
        let hold = match request {
            Some(_) => self.hold_personal(now, campaign),
            None => self.hold(now, campaign),
        };
        let placed = match (hold, self.campaigns.get_mut(&campaign)) {
            (None, Some(known)) => {
                known.hopper.push(preview.lease, now.wall);
                let room = self.room_in(campaign);
                room.and_then(|()| self.first_allowed(now, campaign, vec![lease]))
                    .and_then(|(lease, index)| self.dial_for(now, campaign, lease, index, id))
            }
            (hold, _) => {
                self.give_back(campaign, vec![lease]);
                Err(hold.unwrap_or(Reason::Paused))
            }
        };
        if let Err(why) = placed {
            self.give_back_if_held(campaign, lease);
            self.held_back(now, campaign, why);
            self.make_available(now, id);
        }
        if let Some(request) = request {
            let result = placed.map_err(|why| format!("not now: {}", why.name()));
            self.push(Command::ManualPlaced { request, result });
        }
    }

    /// A phone rang in vain, or must ring no more: the customer gets another agent.
    pub(super) fn not_answered(&mut self, now: Now, id: AgentId, how: Unanswered) {
        let attempt = self.agents.get_mut(&id).and_then(|a| a.attempt.take());
        self.stop_ringing(now, id, how);
        if let Some(attempt) = attempt {
            self.try_next_agent(now, attempt);
        }
    }

    /// A phone rang in vain, or must ring no more.
    fn stop_ringing(&mut self, now: Now, id: AgentId, how: Unanswered) {
        self.charge_ring(now, id, how);
        self.end_errand(now, id, how);
        self.make_available(now, id);
    }

    /// What an agent's missed ring means for the next one.
    fn charge_ring(&mut self, now: Now, id: AgentId, how: Unanswered) {
        if how == Unanswered::Refused {
            self.pbx_overloaded(now);
        }
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let Some(log_in) = &mut agent.session else {
            return;
        };
        match how {
            Unanswered::Withdrawn => {}
            Unanswered::Refused => log_in.rest_until = Some(now.tick + limits::PBX_BACKOFF),
            Unanswered::Missed => {
                agent.idle_since = None;
                log_in.missed += 1;
                log_in.rest_until = Some(now.tick + limits::PHONE_BACKOFF);
                if log_in.missed >= limits::MISSED_RINGS && agent.pause.is_none() {
                    log_in.missed = 0;
                    agent.pause = Some(NO_ANSWER.into());
                    let times = limits::MISSED_RINGS;
                    let text = format!("agent {id} did not answer the phone {times} times; paused");
                    self.log(Level::Warn, text);
                }
            }
        }
    }

    /// The call of the agent's own that the phone rang for is not made.
    fn end_errand(&mut self, now: Now, id: AgentId, how: Unanswered) {
        let Some(preview) = self.end_preview(id) else {
            return;
        };
        let why = match how {
            Unanswered::Missed => "the agent's phone was not answered",
            Unanswered::Refused => "the PBX did not ring the agent's phone",
            Unanswered::Withdrawn => "the agent paused or stopped working",
        };
        match preview.stage {
            Stage::Rings {
                request: Some(request),
            } => {
                self.give_back(preview.campaign, vec![preview.lease.id]);
                let result = Err(why.into());
                self.push(Command::ManualPlaced { request, result });
            }
            Stage::Rings { request: None } | Stage::Shown => self.defer(now, &preview),
        }
    }

    /// A phone that was rung is on hook again.
    pub(super) fn phone_gone(&mut self, now: Now, id: AgentId, refused: bool) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let channel = agent.session.as_mut().and_then(|s| s.channel.take());
        let ours = channel.is_some_and(|c| c.is_dismissed());
        match agent.state {
            AgentState::Ringing if refused => self.not_answered(now, id, Unanswered::Refused),
            AgentState::Ringing => self.not_answered(now, id, Unanswered::Missed),
            AgentState::Reserved => self.left_before_the_call(now, id, ours),
            // To hang up is how an agent with a phone ends a call.
            AgentState::OnCall => self.agent_left_call(now, id),
            AgentState::Entering => self.make_available(now, id),
            AgentState::LoggedOut
            | AgentState::Available
            | AgentState::Previewing
            | AgentState::WrapUp
            | AgentState::Paused => {}
        }
    }

    /// The agent picked up, and hung up before there was a customer.
    fn left_before_the_call(&mut self, now: Now, id: AgentId, ours: bool) {
        let attempt = self.agents.get_mut(&id).and_then(|a| a.attempt.take());
        let how = if ours {
            Unanswered::Withdrawn
        } else {
            Unanswered::Missed
        };
        self.stop_ringing(now, id, how);
        let Some(attempt) = attempt else { return };
        match self.attempts.get(&attempt).map(|a| a.state) {
            Some(State::ConnectingAgent) => self.try_next_agent(now, attempt),
            // It was dialed for this agent, who does not want it any more.
            Some(
                State::Queued
                | State::Originating
                | State::Proceeding
                | State::Ringing
                | State::EarlyMedia,
            ) => self.cancel_dials(now, "the agent hung up", |a| a.id == attempt),
            Some(
                State::Classifying
                | State::AwaitingAgent
                | State::Bridged
                | State::PlayingMessage
                | State::WrapUp
                | State::Final(_),
            ) => self.unreserve(attempt),
            None => {}
        }
    }

    /// Free, once the phone is on hook; or what the agent is to be then.
    pub(super) fn make_available_on_hook(&mut self, now: Now, id: AgentId) {
        let needed = self.agents.get(&id).is_some_and(|a| self.is_needed(a));
        let draining = self.draining && !needed;
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.attempt = None;
        if agent.channel().is_some() {
            self.put_on_hook(now, id);
            return;
        }
        if agent.removed || agent.leaving.is_some() || draining {
            self.leave(now, id);
            return;
        }
        let rest_until = agent.session.as_ref().and_then(|s| s.rest_until);
        let rest_until = rest_until.filter(|until| *until > now.tick);
        match (&agent.pause, rest_until) {
            (Some(_), _) => self.set_agent_state(now, id, AgentState::Paused),
            (None, Some(until)) => {
                self.set_agent_state(now, id, AgentState::Entering);
                self.arm_agent(id, until, Why::PhoneBackoff);
            }
            (None, None) => self.set_agent_state(now, id, AgentState::Available),
        }
    }

    fn put_on_hook(&mut self, now: Now, id: AgentId) {
        self.set_agent_state(now, id, AgentState::Entering);
        self.dismiss(id, Dismissal::OnHook);
        self.arm_agent(id, now.tick + limits::HANGUP_TIMEOUT, Why::HangupTimeout);
    }

    /// The host has not said that the phone is on hook.
    pub(super) fn put_on_hook_again(&mut self, now: Now, id: AgentId) {
        let Some(channel) = self.agents.get_mut(&id).and_then(Agent::channel_mut) else {
            self.make_available(now, id);
            return;
        };
        let session = channel.id.clone();
        if channel.dismissals >= limits::HANGUP_TRIES {
            self.totals.ghosts += 1;
            self.log(
                Level::Error,
                format!("agent {id}: the PBX does not end the phone's channel; logged off"),
            );
            self.sessions.remove(&session);
            // The phone may still ring, so it is not rung again by this log-in.
            self.leave(now, id);
            return;
        }
        channel.dismissals += 1;
        let why = Dismissal::OnHook;
        self.push(Command::Dismiss { session, why });
        self.arm_agent(id, now.tick + limits::HANGUP_TIMEOUT, Why::HangupTimeout);
    }
}
