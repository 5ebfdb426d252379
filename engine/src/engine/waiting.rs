//! Who waits for an agent: the line of those who were dialed, and behind it that of those who called.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::agent::Agent;
use crate::attempt::Attempt;
use crate::campaign::Campaign;
use crate::config::Mode;
use crate::deadline::Why;
use crate::ids::{AgentId, AttemptId, CampaignId};
use crate::time::{Now, Span, Tick};

use super::Engine;

/// Since when each has waited.
type Line = BTreeSet<(Tick, AttemptId)>;

impl Engine {
    /// Puts an answered call into the line for an agent.
    pub(super) fn await_agent(&mut self, now: Now, id: AttemptId) {
        if let Some(agent) = self.reserved_for(id) {
            let campaign = self.attempts.get(&id).and_then(|a| a.campaign());
            if let Some(campaign) = campaign {
                self.connect_to(now, campaign, id, agent);
            }
            return;
        }
        self.unreserve(id);
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let since = attempt.clock.unwrap_or(now.tick);
        let (limit, inbound) = (self.wait_limit(id), attempt.inbound.is_some());
        let Some(campaign) = attempt.campaign().and_then(|c| self.campaigns.get_mut(&c)) else {
            return;
        };
        // A caller is none of the queue's, should the campaign get one while he waits.
        if let Some(queue) = campaign.config.queue.clone().filter(|_| !inbound) {
            self.enqueue(now, id, queue);
            return;
        }
        let line = match inbound {
            true => &mut campaign.callers,
            false => &mut campaign.waiting,
        };
        self.waiting += usize::from(line.insert((since, id)));
        self.arm(id, since + limit, Why::ConnectLimit);
    }

    /// Takes an attempt out of the line; does nothing if it is not in it.
    pub(super) fn stop_waiting(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let Some(since) = attempt.clock else { return };
        if let Some(campaign) = attempt.campaign().and_then(|c| self.campaigns.get_mut(&c)) {
            let was =
                campaign.waiting.remove(&(since, id)) || campaign.callers.remove(&(since, id));
            self.waiting -= usize::from(was);
        }
        self.leaves_line(id);
    }

    /// How long somebody waits for an agent, from the start of the clock.
    pub(super) fn wait_limit(&self, id: AttemptId) -> Span {
        let attempt = self.attempts.get(&id);
        if let Some(caller) = attempt.and_then(|a| a.inbound.as_deref()) {
            return caller.wait;
        }
        let campaign = attempt.and_then(|a| self.campaigns.get(&a.campaign()?));
        Span::ms(campaign.map_or(0, |c| c.config.connect_limit_ms))
    }

    /// An agent who comes now comes after the limit: AMD took longer, or connecting did. The rules
    /// count such a call as abandoned, whoever talks then (16 CFR 310.4(b)(1)(iv): "does not connect
    /// the call to a sales representative within two (2) seconds of the person's completed greeting").
    pub(super) fn is_too_late(&self, now: Now, id: AttemptId) -> bool {
        let served =
            |a: &&Attempt| (a.agent.is_some() || a.in_queue.is_some()) && a.inbound.is_none();
        let since = self.attempts.get(&id).filter(served).and_then(|a| a.clock);
        since.is_some_and(|since| now.tick - since > self.wait_limit(id))
    }

    /// Gives free agents to answered calls, then to callers.
    pub(super) fn serve_waiting(&mut self, now: Now) {
        let dialed = |c: &Campaign| !c.idle.is_empty();
        while let Some((campaign, attempt)) = self.first_in_line(|c| &c.waiting, dialed) {
            self.connect(now, campaign, attempt);
        }
        while let Some((campaign, attempt)) =
            self.first_in_line(|c| &c.callers, has_agent_for_caller)
        {
            self.connect(now, campaign, attempt);
        }
    }

    /// The higher priority first, then who waits longest.
    fn first_in_line(
        &self,
        line: impl Fn(&Campaign) -> &Line,
        can_serve: impl Fn(&Campaign) -> bool,
    ) -> Option<(CampaignId, AttemptId)> {
        let campaigns = self.campaigns.iter().filter(|(_, c)| can_serve(c));
        campaigns
            .filter_map(|(id, c)| Some((c, id, line(c).first()?)))
            .min_by_key(|(c, id, first)| (-i64::from(c.config.priority), **first, **id))
            .map(|(_, id, first)| (*id, first.1))
    }

    fn connect(&mut self, now: Now, serves: CampaignId, attempt: AttemptId) {
        if let Some(agent) = self.best_free(serves, attempt) {
            self.connect_to(now, serves, attempt, agent);
        }
    }

    /// Whose lead it is, then who has the call's skill best, then the lowest rank, then has been idle
    /// longest.
    fn best_free(&self, serves: CampaignId, attempt: AttemptId) -> Option<AgentId> {
        let (lease, _) = self.attempts.get(&attempt)?.lead()?;
        let idle = &self.campaigns.get(&serves)?.idle;
        let owner = lease.owner.as_deref().map(|owner| owner.agent);
        let order = |agent: &Agent| {
            let skill = lease.skill.as_ref().map_or(0, |name| agent.skill(name));
            (
                owner != Some(agent.id()),
                Reverse(skill),
                agent.rank(serves),
            )
        };
        idle.iter()
            .filter_map(|(since, id)| Some((order(self.agents.get(id)?), *since, *id)))
            .min()
            .map(|(_, _, id)| id)
    }
}

/// Where each dial has an agent promised, only an agent who is not goes to a caller.
fn has_agent_for_caller(campaign: &Campaign) -> bool {
    let waiting = campaign.callers.len();
    let dialed = usize::try_from(campaign.in_flight).unwrap_or(usize::MAX);
    match campaign.config.mode {
        Mode::Preview { .. } | Mode::Progressive => {
            campaign.idle.len() > dialed.saturating_sub(waiting)
        }
        Mode::Power { .. } | Mode::Predictive { .. } | Mode::Agentless => !campaign.idle.is_empty(),
    }
}
