//! Calls for one agent: leads that are looked at before they are dialed, leads that belong to an
//! agent, and calls that agents place of their own accord.
//!
//! The agent is reserved from the dial on, so no such call is ever without one, and pacing counts
//! neither the call nor the agent.

use crate::agent::{AgentState, Preview, Stage};
use crate::attempt::State;
use crate::command::Command;
use crate::config::Mode;
use crate::deadline::Why;
use crate::event::Lease;
use crate::explain::Reason;
use crate::ids::{AgentId, AttemptId, CampaignId, LeaseId, RequestId};
use crate::limits;
use crate::time::{Now, Span, Wall};

use super::Engine;

impl Engine {
    /// Gives free agents the leads that are theirs, and in a preview campaign the next ones to look
    /// at. `Err`: why somebody got none.
    pub(super) fn serve_personal(&mut self, now: Now, id: CampaignId) -> Result<(), Reason> {
        let Some(campaign) = self.campaigns.get(&id) else {
            return Ok(());
        };
        let preview = matches!(campaign.config.mode, Mode::Preview { .. });
        if !preview && !campaign.hopper.has_owned() {
            return Ok(());
        }
        // Who has leads of their own is not asked which campaign pacing counts them for.
        let free: Vec<AgentId> = campaign
            .idle
            .iter()
            .filter(|_| campaign.config.queue.is_none())
            .map(|(_, agent)| *agent)
            .filter(|agent| campaign.hopper.owns(*agent) || self.counts(campaign, *agent))
            .collect();
        let mut reason = match campaign.hopper.has_owned() {
            true => self.send_back_of_absent(now, id),
            false => Ok(()),
        };
        for agent in free {
            match self.next_for(now, id, agent, preview) {
                Ok((lease, index)) if preview => self.show(now, id, agent, lease, index),
                Ok((lease, index)) => {
                    let room = self.room_in(id);
                    let placed =
                        room.and_then(|()| self.call_for(now, id, (lease, index), agent, None));
                    reason = reason.and(placed.map(|_| ()));
                }
                Err(why) => reason = reason.and(Err(why)),
            }
        }
        reason
    }

    /// Gives back the leads of agents who take no calls here: another node may have the agent, and
    /// when the time of an owner is over the store gives the lead to anybody.
    fn send_back_of_absent(&mut self, now: Now, id: CampaignId) -> Result<(), Reason> {
        let Some(campaign) = self.campaigns.get(&id) else {
            return Ok(());
        };
        // A queue's members are nobody's owners.
        let queue = campaign.config.queue.is_some();
        let owners = campaign.hopper.owners();
        let owners = owners.filter(|a| queue || self.is_away(*a));
        let leases: Vec<(LeaseId, Option<Wall>)> = owners
            .flat_map(|agent| campaign.hopper.owned_by(agent))
            .collect();
        let later = now.wall.0.saturating_add(limits::OWNER_RETRY_MS);
        for (lease, until) in &leases {
            if let Some(campaign) = self.campaigns.get_mut(&id) {
                campaign.hopper.remove(*lease);
            }
            let until = Wall(until.map_or(later, |until| until.0.min(later)));
            self.push(Command::DeferLease {
                campaign: id,
                lease: *lease,
                until,
            });
        }
        if leases.is_empty() {
            Ok(())
        } else {
            Err(Reason::OwnerAway)
        }
    }

    /// Takes no calls, or none after the one in hand.
    fn is_away(&self, agent: AgentId) -> bool {
        self.agents.get(&agent).is_none_or(|agent| {
            let let_go = agent.channel().is_some_and(|c| c.is_dismissed());
            let gone = agent.session.is_none() || let_go && !agent.is_on_hook();
            gone || agent.pause.is_some() || agent.leaving.is_some() || agent.removed
        })
    }

    /// Agents whose own leads wait are reserved for them before pacing counts them for a call.
    pub(super) fn serve_owners(&mut self, now: Now) {
        let campaigns: Vec<CampaignId> = self
            .dirty
            .iter()
            .filter(|id| self.campaigns.get(id).is_some_and(|c| c.hopper.has_owned()))
            .collect();
        for id in campaigns {
            // Pacing comes by all other reasons by itself.
            if self.hold(now, id).is_none()
                && let Err(Reason::OwnerAway) = self.serve_personal(now, id)
            {
                self.held_back(now, id, Reason::OwnerAway);
            }
        }
    }

    /// The lead that comes next for an agent, if one may be dialed now.
    fn next_for(
        &mut self,
        now: Now,
        id: CampaignId,
        agent: AgentId,
        preview: bool,
    ) -> Result<(LeaseId, usize), Reason> {
        let Some(campaign) = self.campaigns.get(&id) else {
            return Err(Reason::NoLeads);
        };
        let mut next = campaign.hopper.peek_owned(agent, limits::LOOK_AHEAD);
        if preview {
            next.extend(campaign.hopper.peek(limits::LOOK_AHEAD));
        }
        self.first_allowed(now, id, next)
    }

    /// Lets an agent look at a lead.
    fn show(&mut self, now: Now, id: CampaignId, agent: AgentId, lease: LeaseId, index: usize) {
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        let Mode::Preview { timeout_ms, .. } = campaign.config.mode else {
            return;
        };
        let Some(lease) = campaign.hopper.take(lease) else {
            return;
        };
        let time = timeout_ms.map_or(limits::PREVIEW_MOST, Span::ms);
        let ms = i64::try_from(time.as_ms()).unwrap_or(i64::MAX);
        let number = &lease.numbers[index];
        self.commands.push_back(Command::Preview {
            agent,
            campaign: id,
            lease: lease.id,
            lead: lease.lead,
            number: number.number.clone(),
            position: number.position,
            until: Wall(now.wall.0.saturating_add(ms)),
        });
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.preview = Some(Box::new(Preview {
                campaign: id,
                lease,
                stage: Stage::Shown,
            }));
        }
        self.set_agent_state(now, agent, AgentState::Previewing);
        self.arm_agent(agent, now.tick + time, Why::PreviewEnds);
    }

    /// The agent dials what is looked at, if it may be dialed still.
    pub(super) fn accept_preview(&mut self, now: Now, id: AgentId) {
        let Some(preview) = self.end_preview(id) else {
            self.make_available(now, id);
            return;
        };
        let (campaign, lease) = (preview.campaign, preview.lease.id);
        let placed = match (self.hold(now, campaign), self.campaigns.get_mut(&campaign)) {
            (None, Some(known)) => {
                known.hopper.push(preview.lease, now.wall);
                let room = self.room_in(campaign);
                room.and_then(|()| self.first_allowed(now, campaign, vec![lease]))
                    .and_then(|lead| self.call_for(now, campaign, lead, id, None).map(|_| ()))
            }
            (hold, _) => {
                self.give_back(campaign, vec![lease]);
                Err(hold.unwrap_or(Reason::Paused))
            }
        };
        if let Err(why) = placed {
            self.held_back(now, campaign, why);
            self.make_available(now, id);
        }
    }

    /// The lead comes again later.
    pub(super) fn skip_preview(&mut self, now: Now, id: AgentId) {
        if let Some(preview) = self.end_preview(id) {
            self.defer(now, &preview);
        }
        self.make_available(now, id);
    }

    /// The lead is not looked at again before the campaign's delay is over.
    pub(super) fn defer(&mut self, now: Now, preview: &Preview) {
        let campaign = self.campaigns.get(&preview.campaign);
        let seconds = campaign.map_or(0, |c| c.config.retry.cancelled.delay_seconds(1));
        let until = now.wall.0.saturating_add(i64::from(seconds) * 1_000);
        self.push(Command::DeferLease {
            campaign: preview.campaign,
            lease: preview.lease.id,
            until: Wall(until),
        });
    }

    /// Time is up.
    pub(super) fn preview_due(&mut self, now: Now, id: AgentId) {
        let preview = self.agents.get(&id).and_then(|a| a.preview.as_ref());
        let mode = preview
            .and_then(|p| self.campaigns.get(&p.campaign))
            .map(|c| c.config.mode);
        match mode {
            Some(Mode::Preview {
                timeout_ms: Some(_),
                dial: true,
            }) => self.accept_preview(now, id),
            Some(_) | None => self.skip_preview(now, id),
        }
    }

    /// The agent looks no more; the lead goes back as it came.
    pub(super) fn return_preview(&mut self, id: AgentId) {
        if let Some(preview) = self.end_preview(id) {
            self.give_back(preview.campaign, vec![preview.lease.id]);
            if let Stage::Rings {
                request: Some(request),
            } = preview.stage
            {
                let result = Err("the agent's phone was still ringing when it had to end".into());
                self.push(Command::ManualPlaced { request, result });
            }
        }
    }

    pub(super) fn end_preview(&mut self, id: AgentId) -> Option<Box<Preview>> {
        let preview = self.agents.get_mut(&id)?.preview.take()?;
        match preview.stage {
            Stage::Shown => self.push(Command::PreviewOver { agent: id }),
            Stage::Rings { .. } => {}
        }
        Some(preview)
    }

    /// Ends the previews that `which` names: their leads may not be dialed any more, or their
    /// campaign dials no more.
    pub(super) fn end_previews(&mut self, now: Now, which: impl Fn(&Preview) -> bool) {
        let agents: Vec<AgentId> = self
            .agents
            .values()
            .filter(|a| a.preview.as_ref().is_some_and(|p| which(p)))
            .map(|a| a.id())
            .collect();
        for agent in agents {
            self.return_preview(agent);
            self.make_available(now, agent);
        }
    }

    /// Dials a lead of the hopper for one agent, who is reserved. Waits for a trunk if none is free.
    pub(super) fn dial_for(
        &mut self,
        now: Now,
        campaign: CampaignId,
        lease: LeaseId,
        index: usize,
        agent: AgentId,
    ) -> Result<AttemptId, Reason> {
        let id = self.begin(now, campaign, lease, index, Some(agent))?;
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.attempt = Some(id);
            agent.serves = Some(campaign);
        }
        self.set_agent_state(now, agent, AgentState::Reserved);
        self.queued.insert(id);
        self.arm(id, now.tick + limits::QUEUE_TIMEOUT, Why::QueueTimeout);
        self.serve_one(now, id);
        Ok(id)
    }

    /// An agent's own call.
    pub(super) fn manual(
        &mut self,
        now: Now,
        request: RequestId,
        agent: AgentId,
        campaign: CampaignId,
        lease: Lease,
    ) {
        let id = lease.id;
        if !self.granted.is_new(now.tick, id) {
            // The lease is in use, or back already.
            let result = Err("this call was asked for before".into());
            self.push(Command::ManualPlaced { request, result });
            return;
        }
        let result = match self.place_manual(now, request, agent, campaign, lease) {
            Ok(Some(attempt)) => Ok(attempt),
            // The answer comes when the agent has picked up, or has not.
            Ok(None) => return,
            Err(why) => Err(why),
        };
        self.push(Command::ManualPlaced { request, result });
    }

    /// What is of no further use may have been given back already.
    pub(super) fn give_back_if_held(&mut self, campaign: CampaignId, lease: LeaseId) {
        let hopper = self.campaigns.get(&campaign).map(|c| &c.hopper);
        if hopper.is_some_and(|hopper| hopper.get(lease).is_some()) {
            self.give_back(campaign, vec![lease]);
        }
    }

    fn place_manual(
        &mut self,
        now: Now,
        request: RequestId,
        agent: AgentId,
        campaign: CampaignId,
        lease: Lease,
    ) -> Result<Option<AttemptId>, String> {
        let id = lease.id;
        if let Err(why) = self.may_call(now, agent, campaign) {
            self.give_back(campaign, vec![id]);
            return Err(why);
        }
        if let Some(campaign) = self.campaigns.get_mut(&campaign) {
            campaign.hopper.push(lease, now.wall);
        }
        let placed = self
            .first_allowed(now, campaign, vec![id])
            .map_err(|why| format!("this number may not be dialed now: {}", why.name()))
            .and_then(|lead| {
                let placed = self.call_for(now, campaign, lead, agent, Some(request));
                placed.map_err(|why| format!("not now: {}", why.name()))
            });
        if placed.is_err() {
            self.give_back_if_held(campaign, id);
        }
        placed
    }

    /// Whether an agent may call somebody by hand, whoever that is.
    fn may_call(&self, now: Now, agent: AgentId, campaign: CampaignId) -> Result<(), String> {
        let ready = self.agents.get(&agent).is_some_and(|a| {
            let state = matches!(a.state, AgentState::Available | AgentState::Paused);
            state && a.attempt.is_none() && (a.waits() || a.is_on_hook())
        });
        if !ready {
            return Err("the agent is not logged in, or is busy".into());
        }
        let queue = self.campaigns.get(&campaign);
        if let Some(queue) = queue.and_then(|c| c.config.queue.as_ref()) {
            return Err(format!(
                "the campaign's calls go to queue {queue}: its agents are that queue's members"
            ));
        }
        let hold = self.hold_personal(now, campaign);
        let stopped = self
            .campaigns
            .get(&campaign)
            .is_none_or(|c| c.removed || c.config.state == crate::config::CampaignState::Stopped);
        if stopped {
            return Err("the campaign is stopped".into());
        }
        match hold.or(self.room_in(campaign).err()) {
            Some(why) => Err(format!("not now: {}", why.name())),
            None => Ok(()),
        }
    }

    /// The agent that a call was dialed for is not to be had any more: it is one like any other.
    pub(super) fn unreserve(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.for_agent.is_none() {
            return;
        }
        let (state, began, campaign) = (attempt.state, attempt.began, attempt.campaign());
        let Some(campaign) = campaign.and_then(|c| self.campaigns.get_mut(&c)) else {
            return;
        };
        campaign.count(state, false, true);
        campaign.count(state, true, false);
        if state.is_dialing() || state == State::Classifying {
            campaign.dials.insert((began, id));
        }
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.for_agent = None;
        }
    }

    /// The agent that waits for this call, if it was dialed for one.
    pub(super) fn reserved_for(&self, id: AttemptId) -> Option<AgentId> {
        let agent = self.attempts.get(&id)?.for_agent?;
        let reserved = self
            .agents
            .get(&agent)
            .is_some_and(|a| a.state == AgentState::Reserved && a.attempt == Some(id));
        reserved.then_some(agent)
    }
}
