//! The pacing decision: how many calls a campaign starts now, or why none.

use crate::campaign::{Busy, Campaign, Check};
use crate::config::CampaignState;
use crate::deadline::{Owner, Why};
use crate::explain::Reason;
use crate::ids::{AgentId, CampaignId};
use crate::limits;
use crate::pacing::{Load, calls};
use crate::predict::{View, seconds};
use crate::time::{Now, Span, Tick};

use super::Engine;

impl Engine {
    /// Decides anew for every campaign that something happened to, the higher priority first.
    pub(super) fn pace_dirty(&mut self, now: Now) {
        let campaigns = &self.campaigns;
        let order = self
            .dirty
            .by_priority(|id| campaigns.get(&id).map_or(0, |c| c.config.priority));
        for id in &order {
            self.pace(now, *id);
        }
        // What dialing itself touched is paced at the next event or deadline.
        self.dirty.clear();
        self.dirty.reuse(order);
    }

    fn pace(&mut self, now: Now, id: CampaignId) {
        self.begin_check_if_due(now, id);
        if let Some(reason) = self.hold(now, id) {
            self.held_back(now, id, reason);
            self.plan_next_pace(now, id, Some(reason));
            return;
        }
        self.sweep(now, id);
        self.ask_for_leads(now, id);
        self.cancel_surplus(now, id);
        let mut reason = self.serve_personal(now, id).err();
        match self.wanted(now, id) {
            Some(Ok(wanted)) => {
                for _ in 0..wanted.min(limits::DIALS_PER_DECISION) {
                    let dialed = self.room().and_then(|()| self.dial_next(now, id));
                    if let Err(why) = dialed {
                        reason = Some(why);
                        break;
                    }
                }
            }
            // In a preview campaign agents without a lead to look at have the better reason.
            Some(Err(Reason::Previewing)) => {
                reason.get_or_insert(Reason::Previewing);
            }
            Some(Err(why)) => reason = Some(why),
            None => return,
        }
        match reason {
            Some(reason) => self.held_back(now, id, reason),
            None => {
                if let Some(campaign) = self.campaigns.get_mut(&id) {
                    campaign.why_now = None;
                }
            }
        }
        self.plan_next_pace(now, id, reason);
    }

    pub(super) fn held_back(&mut self, now: Now, id: CampaignId, reason: Reason) {
        if let Some(campaign) = self.campaigns.get_mut(&id) {
            campaign.held_back(now.tick, reason);
        }
    }

    /// What keeps a campaign from dialing at all.
    pub(super) fn hold(&self, now: Now, id: CampaignId) -> Option<Reason> {
        let campaign = self.campaigns.get(&id)?;
        if !campaign.is_running() {
            return Some(Reason::Paused);
        }
        self.node_holds(now).or(match &campaign.check {
            Check::Ready => self.pbx_rests(now),
            Check::Unknown | Check::Pending { .. } => Some(Reason::Checking),
            Check::Refused { .. } => Some(Reason::Refused),
        })
    }

    /// What keeps an agent from a call of their own. A campaign that is paused dials nothing by
    /// itself, and is not checked; its agents may call. One that is stopped is called for by nobody.
    pub(super) fn hold_personal(&self, now: Now, id: CampaignId) -> Option<Reason> {
        let campaign = self.campaigns.get(&id)?;
        if campaign.removed || campaign.config.state == CampaignState::Stopped {
            return Some(Reason::Paused);
        }
        if campaign.is_running() {
            return self.hold(now, id);
        }
        self.node_holds(now).or(match &campaign.check {
            Check::Refused { .. } => Some(Reason::Refused),
            Check::Ready | Check::Unknown | Check::Pending { .. } => self.pbx_rests(now),
        })
    }

    fn pbx_rests(&self, now: Now) -> Option<Reason> {
        (now.tick < self.pbx_resting_until).then_some(Reason::PbxOverload)
    }

    /// What keeps the whole node from dialing.
    fn node_holds(&self, now: Now) -> Option<Reason> {
        let link_gone = match self.unlinked_since {
            Some(since) => now.tick - since >= limits::LINK_DOWN_DIALING,
            None => !self.linked,
        };
        if self.draining {
            Some(Reason::Draining)
        } else if !self.journal_writable {
            Some(Reason::Journal)
        } else if link_gone || self.epoch.is_none() {
            Some(Reason::LinkDown)
        } else {
            None
        }
    }

    /// The node's own bounds.
    pub(super) fn room(&self) -> Result<(), Reason> {
        if self.attempts.len() >= limits::LIVE_ATTEMPTS || self.attempt_counter == u32::MAX {
            return Err(Reason::EngineLimit);
        }
        if self.dialing >= self.settings.max_concurrent_originates {
            return Err(Reason::MaxConcurrentOriginates);
        }
        Ok(())
    }

    /// The node's own bounds and the campaign's, for a call that no formula has allowed.
    pub(super) fn room_in(&self, id: CampaignId) -> Result<(), Reason> {
        self.room()?;
        match self.campaigns.get(&id) {
            Some(campaign) if campaign.live >= campaign.config.max_concurrent => {
                Err(Reason::MaxConcurrent)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Calls that the campaign wants to start; `Err` says why none.
    fn wanted(&mut self, now: Now, id: CampaignId) -> Option<Result<u32, Reason>> {
        let load = self.load(id)?;
        let campaign = self.campaigns.get(&id)?;
        if campaign.config.queue.is_some() && campaign.line.counts.is_none() {
            return Some(Err(Reason::QueueUnknown));
        }
        let mode = campaign.config.mode;
        Some(calls(mode, load, |most| {
            self.predict(now, id, load.free, most)
        }))
    }

    fn predict(&mut self, now: Now, id: CampaignId, free: u32, most: u32) -> Result<u32, Reason> {
        let mut view = std::mem::take(&mut self.seen);
        self.look(now, id, &mut view);
        view.free = free;
        view.most = most.min(limits::DIALS_PER_DECISION);
        let campaign = self.campaigns.get_mut(&id);
        let decided = campaign.map(|c| (c.predictor.decide(now.tick, &view), c));
        self.seen = view;
        let (decision, campaign) = decided.ok_or(Reason::Paused)?;
        if let Some(dial) = decision.end.and_then(|place| campaign.dials.at(place)) {
            self.end_hopeless(now, id, dial);
            return Err(Reason::AgentsBusy);
        }
        match decision.calls {
            0 if campaign.predictor.is_strict() => Err(Reason::AbandonBudget),
            0 => Err(Reason::AgentsBusy),
            calls => Ok(calls),
        }
    }

    /// What the prediction has to know of a campaign's dials and agents.
    fn look(&self, now: Now, id: CampaignId, view: &mut View) {
        view.clear();
        let Some(campaign) = self.campaigns.get(&id) else {
            return;
        };
        let age = |since: Tick| seconds(now.tick - since);
        let waiting = campaign.waiting.len() + campaign.callers.len();
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        view.waiting = waiting.saturating_add(campaign.line.waiting);
        view.limit = seconds(Span::ms(campaign.config.connect_limit_ms));
        view.min_ring = seconds(Span::ms(campaign.config.min_ring_ms));
        view.dials.extend(campaign.dials.stages(now.tick));
        if campaign.config.queue.is_some() {
            view.talking.extend(campaign.line.talks().map(age));
            let wrap_up = Span::ms(campaign.config.wrap_up_ms);
            let wrap_ups = campaign.line.wrap_ups(now.tick, wrap_up);
            view.wrapping.extend(wrap_ups.map(age));
            return;
        }
        for (agent, (with, since)) in &campaign.busy {
            if !self.counts(campaign, *agent) {
                continue;
            }
            match with {
                Busy::Call => view.talking.push(age(*since)),
                Busy::WrapUp => view.wrapping.push(age(*since)),
            }
        }
    }

    fn load(&self, id: CampaignId) -> Option<Load> {
        let campaign = self.campaigns.get(&id)?;
        Some(Load {
            agents: campaign.on_duty(),
            free: self.free_agents(campaign),
            in_flight: campaign.in_flight,
            active: campaign.live,
            max_concurrent: campaign.config.max_concurrent,
        })
    }

    /// Free agents that this campaign may count on. An agent of several campaigns that dial now
    /// counts for one of them only: the highest priority; equals share by the agent's number.
    fn free_agents(&self, campaign: &Campaign) -> u32 {
        if let Some(queue) = &campaign.config.queue {
            return self.free_members(campaign, queue);
        }
        let free = match campaign.shared.is_empty() {
            true => campaign.idle.len(),
            false => {
                let idle = campaign.idle.iter();
                idle.filter(|(_, id)| self.counts(campaign, *id)).count()
            }
        };
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    pub(super) fn counts(&self, campaign: &Campaign, id: AgentId) -> bool {
        if !campaign.shared.contains(&id) {
            return true;
        }
        let agent = self.agents.get(&id);
        agent.is_some_and(|agent| self.counted_for(agent) == Some(campaign.config.id))
    }

    fn counted_for(&self, agent: &crate::agent::Agent) -> Option<CampaignId> {
        let active = || {
            let campaigns = agent.campaigns().filter_map(|id| self.campaigns.get(&id));
            campaigns.filter(|c| c.is_active() && c.config.queue.is_none())
        };
        let top = active().map(|c| c.config.priority).max()?;
        let equals = || active().filter(|c| c.config.priority == top);
        let turn = usize::try_from(agent.id().0).unwrap_or(0);
        let turn = turn.checked_rem(equals().count())?;
        equals().nth(turn).map(|c| c.config.id)
    }

    /// Leads that were set aside and will not be dialed any more go back; those whose time has come
    /// are looked at again.
    fn sweep(&mut self, now: Now, id: CampaignId) {
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        let gone = campaign.hopper.sweep(now.wall);
        self.give_back(id, gone);
    }

    /// When to decide again if nothing happens before.
    fn plan_next_pace(&mut self, now: Now, id: CampaignId, reason: Option<Reason>) {
        let at = match reason {
            Some(Reason::TrunkCps | Reason::TrunkBackoff) => self.trunk_free_at(now, id),
            Some(Reason::PbxOverload) => Some(self.pbx_resting_until),
            Some(_) | None => None,
        };
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        let idle = self.draining || !campaign.is_running();
        let latest = now.tick + limits::PACING_INTERVAL;
        let at = (!idle).then(|| at.map_or(latest, |at| at.clamp(Tick(now.tick.0 + 1), latest)));
        // One that is armed and comes sooner serves as well.
        let sooner = |old: Tick| at.is_some_and(|at| now.tick < old && old <= at);
        if campaign.pace_at == at || campaign.pace_at.is_some_and(sooner) {
            return;
        }
        campaign.pace_at = at;
        if let Some(at) = at {
            self.deadlines.arm(at, Owner::Campaign(id), Why::Pace);
        }
    }

    /// When the first of the campaign's trunks that are in the way can take a call again. One that
    /// could take it now is not what is waited for: it comes after another one that only lacks
    /// tokens, or does not reach the number.
    fn trunk_free_at(&mut self, now: Now, id: CampaignId) -> Option<Tick> {
        let routes = self.routes.of(id).iter();
        routes
            .filter_map(|r| self.trunks.get_mut(&r.trunk)?.free_at(now.tick))
            .filter(|at| *at > now.tick)
            .min()
    }
}
