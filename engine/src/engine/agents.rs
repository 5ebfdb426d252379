//! Agents and their channels: log-in, choice, return, wrap-up.

use std::sync::Arc;

use crate::agent::{Agent, AgentState, Leaving, Session};
use crate::attempt::{State, Trigger};
use crate::command::{Command, Dismissal, Level};
use crate::config::Phone;
use crate::deadline::{Owner, Why};
use crate::event::SessionEvent;
use crate::ids::{AgentId, AttemptId, CampaignId, SessionId};
use crate::limits;
use crate::recording;
use crate::time::{Now, Span, Tick};

use super::Engine;
use super::phones::Unanswered;

impl Engine {
    pub(super) fn session_event(&mut self, now: Now, session: SessionId, what: SessionEvent) {
        match what {
            SessionEvent::Entered { agent, pin_checked } => {
                self.session_entered(now, session, &agent, pin_checked);
            }
            SessionEvent::Waiting => self.agent_is_back(now, &session),
            SessionEvent::Gone => self.session_gone(now, &session, false),
            SessionEvent::Refused => self.session_gone(now, &session, true),
        }
    }

    fn session_entered(
        &mut self,
        now: Now,
        session: SessionId,
        name: &Arc<str>,
        pin_checked: bool,
    ) {
        let known = self.agent_names.get(name).copied();
        let agent = known
            .and_then(|id| self.agents.get_mut(&id))
            .filter(|a| !a.removed);
        let Some(agent) = agent else {
            let why = Dismissal::Unknown;
            self.push(Command::Dismiss { session, why });
            return;
        };
        let same = |known: &Session| known.channel.as_ref().is_some_and(|c| c.id == session);
        if agent.session.as_ref().is_some_and(same) {
            // Said twice.
            self.totals.stray += 1;
            return;
        }
        let refused = if agent.config.pin && !pin_checked {
            Some(Dismissal::PinUnchecked)
        } else if agent.session.is_some() {
            Some(Dismissal::Duplicate)
        } else {
            self.draining.then_some(Dismissal::Draining)
        };
        if let Some(why) = refused {
            self.push(Command::Dismiss { session, why });
            return;
        }
        let id = agent.id();
        agent.leaving = None;
        agent.session = Some(Session::new(now.tick, Some(session.clone())));
        self.sessions.insert(session, id);
        self.count_log_in(id, true);
        self.set_agent_state(now, id, AgentState::Entering);
    }

    pub(super) fn count_log_in(&mut self, id: AgentId, on: bool) {
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        for campaign in agent.campaigns() {
            if let Some(campaign) = self.campaigns.get_mut(&campaign) {
                campaign.logged_in = match on {
                    true => campaign.logged_in + 1,
                    false => campaign.logged_in.saturating_sub(1),
                };
            }
            self.dirty.insert(campaign);
        }
    }

    /// The agent's channel is in its waiting bridge.
    pub(super) fn agent_is_back(&mut self, now: Now, session: &SessionId) {
        let Some(&id) = self.sessions.get(session) else {
            self.totals.stray += 1;
            return;
        };
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if let Some(channel) = agent.channel_mut() {
            channel.waiting = true;
        }
        match agent.state {
            AgentState::Ringing => self.phone_answered(now, id),
            AgentState::Entering => self.make_available(now, id),
            // The call that it was meant for is over; else a connect is still under way.
            AgentState::Reserved => {
                if agent.attempt.is_none() {
                    self.make_available(now, id);
                }
            }
            AgentState::OnCall => self.agent_left_call(now, id),
            AgentState::Available
            | AgentState::Previewing
            | AgentState::WrapUp
            | AgentState::Paused
            | AgentState::LoggedOut => {}
        }
    }

    /// `refused`: the PBX did not take it at all.
    fn session_gone(&mut self, now: Now, session: &SessionId, refused: bool) {
        let Some(id) = self.sessions.remove(session) else {
            self.totals.stray += 1;
            return;
        };
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if agent.is_on_hook() {
            self.phone_gone(now, id, refused);
            return;
        }
        let attempt = agent.attempt.take();
        self.leave(now, id);
        let Some(attempt) = attempt else { return };
        match self.attempts.get(&attempt).map(|a| a.state) {
            Some(State::ConnectingAgent) => self.try_next_agent(now, attempt),
            Some(State::Bridged) => self.agent_parts(now, attempt),
            Some(State::WrapUp) => {
                self.advance(
                    now,
                    attempt,
                    Trigger::End(crate::attempt::Outcome::Completed),
                );
            }
            // It was dialed for this agent.
            Some(_) => self.unreserve(attempt),
            None => {}
        }
    }

    /// The log-in is over.
    pub(super) fn leave(&mut self, now: Now, id: AgentId) {
        self.count_log_in(id, false);
        self.return_preview(id);
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.pause = None;
        self.set_agent_state(now, id, AgentState::LoggedOut);
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.session = None;
            agent.idle_since = None;
            agent.leaving = None;
            if agent.removed {
                let name = agent.config.name.clone();
                self.agents.remove(&id);
                self.agent_names.remove(&name);
            }
        }
    }

    /// Ready for the next call, unless the agent is to be logged off.
    pub(super) fn make_available(&mut self, now: Now, id: AgentId) {
        if self.agents.get(&id).is_some_and(Agent::is_on_hook) {
            self.make_available_on_hook(now, id);
            return;
        }
        let needed = self.agents.get(&id).is_some_and(|a| self.is_needed(a));
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if agent.session.is_none() {
            return;
        }
        agent.attempt = None;
        let goes = agent.removed || agent.leaving.is_some();
        let why = match (goes, self.draining && !needed) {
            (true, _) => Some(Dismissal::LoggedOff),
            (_, true) => Some(Dismissal::Draining),
            (false, false) => None,
        };
        if let Some(why) = why {
            self.dismiss(id, why);
            self.set_agent_state(now, id, AgentState::Entering);
            return;
        }
        let waiting = agent
            .channel()
            .is_some_and(|c| c.waiting && !c.is_dismissed());
        let state = match (waiting, &agent.pause) {
            (false, _) => AgentState::Entering,
            (true, Some(_)) => AgentState::Paused,
            (true, None) => AgentState::Available,
        };
        self.set_agent_state(now, id, state);
    }

    /// Tells the host to let an agent's channel go, once.
    pub(super) fn dismiss(&mut self, id: AgentId, why: Dismissal) {
        let agent = self.agents.get_mut(&id);
        let channel = agent.and_then(Agent::channel_mut);
        let Some(channel) = channel.filter(|c| !c.is_dismissed()) else {
            return;
        };
        channel.dismissals = 1;
        let session = channel.id.clone();
        self.push(Command::Dismiss { session, why });
    }

    /// The one place where an agent's state changes: idle lists, time books, deadline.
    pub(super) fn set_agent_state(&mut self, now: Now, id: AgentId, state: AgentState) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if agent.state == state {
            return;
        }
        let was = (agent.state, agent.since);
        let serves = agent.serves;
        agent.account(now.tick);
        agent.state = state;
        let idle_since = agent
            .idle_since
            .take_if(|_| matches!(state, AgentState::Available | AgentState::OnCall));
        agent.since = match state {
            AgentState::Available => idle_since.unwrap_or(now.tick),
            AgentState::LoggedOut
            | AgentState::Entering
            | AgentState::Previewing
            | AgentState::Ringing
            | AgentState::Reserved
            | AgentState::OnCall
            | AgentState::WrapUp
            | AgentState::Paused => now.tick,
        };
        agent.deadline = None;
        if let (AgentState::OnCall, Some(session)) = (state, &mut agent.session) {
            session.calls += 1;
        }
        for campaign in agent.campaigns() {
            if let Some(campaign) = self.campaigns.get_mut(&campaign) {
                campaign.displace(id, was.1);
                campaign.place(agent);
            }
            self.dirty.insert(campaign);
        }
        let pause = agent.pause.clone();
        self.learn_of_agent(now, serves, was, state);
        self.note_agent(id, was.0);
        self.push(Command::AgentChanged {
            agent: id,
            state,
            pause,
        });
    }

    pub(super) fn arm_agent(&mut self, id: AgentId, at: Tick, why: Why) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.deadline = Some((at, why));
        self.deadlines.arm(at, Owner::Agent(id), why);
    }

    pub(super) fn agent_due(&mut self, now: Now, id: AgentId, why: Why) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.deadline = None;
        match why {
            Why::WrapUpEnds => self.end_wrap_up(now, id),
            Why::PreviewEnds => self.preview_due(now, id),
            Why::PhoneTimeout => self.not_answered(now, id, Unanswered::Missed),
            Why::PhoneBackoff => self.make_available(now, id),
            Why::HangupTimeout => self.put_on_hook_again(now, id),
            Why::AgentReturn => self.return_due(id),
            // Nobody arms these for an agent.
            Why::QueueTimeout
            | Why::SetupTimeout
            | Why::RingTimeout
            | Why::ClassifyTimeout
            | Why::ConnectLimit
            | Why::ConnectTimeout
            | Why::TalkTimeout
            | Why::MessageTimeout
            | Why::MinRing
            | Why::ProbeTimeout
            | Why::Pace => {}
        }
    }

    fn return_due(&mut self, id: AgentId) {
        let channel = self.agents.get(&id).and_then(Agent::channel);
        if channel.is_none_or(|c| c.is_dismissed()) {
            return;
        }
        self.log(
            Level::Warn,
            format!("agent {id} did not come back from a call; logged off"),
        );
        self.dismiss(id, Dismissal::LoggedOff);
    }

    /// After a call. `false`: the agent has no wrap-up, or is gone.
    pub(super) fn begin_wrap_up(&mut self, now: Now, id: AgentId, attempt: AttemptId) -> bool {
        let wrap_up = self
            .attempts
            .get(&attempt)
            // Who has said during the call what came of it needs none.
            .filter(|a| a.disposition.is_none())
            .and_then(|a| self.campaigns.get(&a.campaign()?))
            .map_or(0, |c| c.config.wrap_up_ms);
        let Some(agent) = self.agents.get_mut(&id) else {
            return false;
        };
        if agent.attempt != Some(attempt) {
            return false;
        }
        if wrap_up == 0 || agent.leaving == Some(Leaving::Drop) {
            self.make_available(now, id);
            return false;
        }
        self.set_agent_state(now, id, AgentState::WrapUp);
        self.arm_agent(id, now.tick + Span::ms(wrap_up), Why::WrapUpEnds);
        if self.agents.get(&id).is_some_and(Agent::is_on_hook) {
            self.dismiss(id, Dismissal::OnHook);
        }
        true
    }

    /// The call that an agent was chosen for is over before the two were connected.
    pub(super) fn let_agent_return(&mut self, now: Now, attempt: AttemptId) {
        let Some(id) = self.attempts.get_mut(&attempt).and_then(|a| a.agent.take()) else {
            return;
        };
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if agent.attempt != Some(attempt) {
            return;
        }
        agent.attempt = None;
        if agent.is_on_hook() {
            self.make_available(now, id);
            return;
        }
        // `Bridged`, `ConnectFailed` or `Waiting` tells where the channel is.
        self.arm_agent(id, now.tick + limits::AGENT_RETURN, Why::AgentReturn);
    }

    pub(super) fn connect_to(
        &mut self,
        now: Now,
        serves: CampaignId,
        attempt: AttemptId,
        agent: AgentId,
    ) {
        let reach = self.agents.get(&agent).and_then(reach);
        let left = self.step(now, attempt, Trigger::Reserve);
        let (Some(reach), Some(from)) = (reach, left) else {
            // Neither can be: an idle agent can be reached, a waiting attempt awaits an agent.
            self.log(
                Level::Error,
                format!("attempt {attempt} and agent {agent} don't fit; both set aside"),
            );
            self.stop_waiting(attempt);
            self.set_agent_state(now, agent, AgentState::Entering);
            return;
        };
        let recording = self.recording_name(now, attempt, Some(agent));
        if let Some(call) = self.attempts.get_mut(&attempt) {
            call.agent = Some(agent);
            call.recording = recording;
        }
        self.note_call(attempt, from);
        match reach {
            Reach::Waits(session) => self.bring(now, attempt, agent, session),
            Reach::Phone(phone) => self.ring_for_call(now, attempt, agent, phone),
        }
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.attempt = Some(attempt);
            agent.serves = Some(serves);
        }
    }

    /// What the recording of the call with this agent is called; `None`: it is not recorded.
    pub(super) fn recording_name(
        &self,
        now: Now,
        attempt: AttemptId,
        agent: Option<AgentId>,
    ) -> Option<Arc<str>> {
        let call = self.attempts.get(&attempt)?;
        let config = &self.campaigns.get(&call.campaign()?)?.config;
        let pattern = config.recording.as_deref()?;
        let (lease, number) = call.lead()?;
        let fields = recording::Fields {
            attempt: attempt.0,
            leg: call.legs,
            lead: lease.lead.0,
            campaign: &config.name,
            number: number.number.digits(),
            // A queue's member has no name here.
            agent: agent
                .and_then(|agent| self.agents.get(&agent))
                .map_or("", |a| &*a.config.name),
            at: call.answered.map_or(now.wall, |(_, at)| at),
        };
        Some(recording::name(pattern, &fields))
    }

    /// Brings an agent whose channel waits to the customer.
    pub(super) fn bring(
        &mut self,
        now: Now,
        attempt: AttemptId,
        agent: AgentId,
        session: SessionId,
    ) {
        self.set_agent_state(now, agent, AgentState::Reserved);
        if let Some(channel) = self.agents.get_mut(&agent).and_then(Agent::channel_mut) {
            channel.waiting = false;
        }
        let Some(call) = self.attempts.get_mut(&attempt) else {
            return;
        };
        call.connect_tries = call.connect_tries.saturating_add(1);
        let leg = call.leg();
        self.push(Command::Connect { leg, session });
        self.arm(
            attempt,
            now.tick + limits::CONNECT_TIMEOUT,
            Why::ConnectTimeout,
        );
    }

    /// Stops dialing and sends agents home as they come free, or goes on.
    pub(super) fn drain(&mut self, now: Now, on: bool) {
        self.draining = on;
        if on {
            self.return_all_leases();
            self.end_previews(now, |_| true);
            self.send_home(now);
        }
        self.all_dirty();
    }

    /// While draining: agents without a call go, once no call that rings or waits may need them.
    pub(super) fn send_home(&mut self, now: Now) {
        if !self.draining {
            return;
        }
        let free = [
            AgentState::Available,
            AgentState::Entering,
            AgentState::Paused,
        ];
        let idle: Vec<AgentId> = self
            .agents
            .values()
            .filter(|a| free.contains(&a.state) && a.attempt.is_none())
            .filter(|a| a.channel().is_none_or(|c| !c.is_dismissed()))
            .filter(|a| !self.is_needed(a))
            .map(|a| a.id())
            .collect();
        for agent in idle {
            self.make_available(now, agent);
        }
    }

    pub(super) fn is_needed(&self, agent: &Agent) -> bool {
        let mut campaigns = agent.campaigns().filter_map(|id| self.campaigns.get(&id));
        campaigns.any(|campaign| campaign.in_flight > 0 && campaign.config.queue.is_none())
    }
}

/// How an agent who is free is reached.
enum Reach {
    /// The channel waits.
    Waits(SessionId),
    /// By this phone.
    Phone(Phone),
}

fn reach(agent: &Agent) -> Option<Reach> {
    match agent.channel() {
        Some(channel) => Some(Reach::Waits(channel.id.clone())),
        None => agent.config.phone.clone().map(Reach::Phone),
    }
}
