//! The snapshot.

use crate::agent::Agent;
use crate::campaign::{Campaign, Check};
use crate::config::CampaignState;
use crate::ids::{AgentId, AttemptId, LeadId, LegId};
use crate::snapshot::{
    AgentView, AttemptView, CallView, CampaignView, QueueView, Readiness, Snapshot, TrunkView,
};
use crate::time::Now;

use super::Engine;

impl Engine {
    pub(super) fn view(&self, now: Now) -> Snapshot {
        Snapshot {
            totals: self.totals(),
            campaigns: self
                .campaigns
                .values()
                .map(|campaign| self.campaign_view(campaign, now))
                .collect(),
            trunks: self
                .trunks
                .values()
                .map(|trunk| TrunkView {
                    id: trunk.config.id,
                    name: trunk.config.name.clone(),
                    cps_milli: trunk.config.cps_milli,
                    burst: trunk.config.burst,
                    tokens_milli: trunk.tokens_milli(now.tick),
                    channels: trunk.channels,
                    max_channels: trunk.config.max_channels,
                    legs: trunk.legs,
                    answered: trunk.answered,
                    faults: trunk.faults,
                    short_calls: trunk.short_calls,
                    false_answers: trunk.false_answers,
                    health_milli: trunk.breaker.score(),
                    circuit: trunk.breaker.circuit(now.tick),
                })
                .collect(),
            agents: self
                .agents
                .values()
                .filter_map(|agent| {
                    let call = self.call_of(agent);
                    Some(AgentView {
                        call,
                        ..agent_view(agent, now)?
                    })
                })
                .collect(),
            attempts: self
                .attempts
                .values()
                .map(|attempt| attempt_view(attempt, now))
                .collect(),
        }
    }

    /// One campaign, by its name.
    #[must_use]
    pub fn campaign_named(&self, now: Now, name: &str) -> Option<CampaignView> {
        let mut campaigns = self.campaigns.values().filter(|c| !c.removed);
        let campaign = campaigns.find(|c| &*c.config.name == name)?;
        Some(self.campaign_view(campaign, now))
    }

    /// One logged-in agent, by name.
    #[must_use]
    pub fn agent_named(&self, now: Now, name: &str) -> Option<AgentView> {
        let id = self.agent_id(name)?;
        agent_view(self.agents.get(&id)?, now)
    }

    /// The id of an agent, logged in or not, by name.
    #[must_use]
    pub fn agent_id(&self, name: &str) -> Option<AgentId> {
        self.agent_names.get(name).copied()
    }

    /// Whether an agent, logged in or not, has to say a PIN; `None`: there is no such agent.
    #[must_use]
    pub fn agent_has_pin(&self, name: &str) -> Option<bool> {
        let agent = self.agents.get(&self.agent_id(name)?);
        agent.filter(|a| !a.removed).map(|a| a.config.pin)
    }

    /// A live leg's call; `None` for one that is over, or a test.
    #[must_use]
    pub fn call(&self, now: Now, leg: LegId) -> Option<CallView> {
        let attempt = self.attempts.get(&leg.attempt)?;
        let attempt = Some(attempt).filter(|a| a.legs == leg.n && a.leg_live)?;
        let (lease, number) = attempt.lead()?;
        let campaign = self.campaigns.get(&attempt.campaign()?)?;
        let agent = attempt.agent.and_then(|id| self.agents.get(&id));
        let trunk = self.trunks.get(&attempt.trunk);
        Some(CallView {
            attempt: attempt_view(attempt, now),
            campaign: campaign.config.name.clone(),
            trunk: trunk.map_or_else(|| "".into(), |t| t.config.name.clone()),
            agent: agent.map(|a| a.config.name.clone()),
            lead: lease.lead,
            list: lease.list,
            number: number.number.clone(),
            position: number.position,
            attempts: lease.attempts,
            caller_id: attempt.caller_id.clone(),
            verdict: attempt.verdict,
            recording: attempt.recording.clone(),
        })
    }

    fn call_of(&self, agent: &Agent) -> Option<(AttemptId, LeadId)> {
        let id = agent.attempt?;
        let (lease, _) = self.attempts.get(&id)?.lead()?;
        Some((id, lease.lead))
    }

    fn campaign_view(&self, campaign: &Campaign, now: Now) -> CampaignView {
        let readiness = match (campaign.config.state, &campaign.check) {
            (CampaignState::Paused, _) => Readiness::Paused,
            (CampaignState::Stopped, _) => Readiness::Stopped,
            (CampaignState::Running, Check::Ready) => Readiness::Running,
            (CampaignState::Running, Check::Refused { lacks, .. }) => {
                Readiness::Refused(lacks.clone())
            }
            (CampaignState::Running, Check::Unknown | Check::Pending { .. }) => Readiness::Checking,
        };
        let len = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let sums = campaign.account.sums(now.wall, campaign.config.abandon);
        CampaignView {
            id: campaign.config.id,
            name: campaign.config.name.clone(),
            readiness,
            live: campaign.live,
            dialing: campaign.dialing,
            open: len(campaign.dials.len()),
            busy: len(campaign.busy.len()),
            bridged: campaign.bridged,
            leases: len(campaign.hopper.len()),
            agents: campaign.crew(),
            free: match &campaign.config.queue {
                Some(_) => campaign.line.counts.map_or(0, |counts| counts.free),
                None => len(campaign.idle.len()),
            },
            queue: campaign.config.queue.clone().map(|name| QueueView {
                name,
                counts: campaign.line.counts,
                waiting: campaign.line.waiting,
            }),
            answered_milli: sums.answered_milli,
            abandoned_milli: sums.abandoned_milli,
            short_calls: campaign.short_calls,
            outcomes: campaign
                .outcomes
                .iter()
                .map(|(outcome, count)| (*outcome, *count))
                .collect(),
            why: self.why(now, campaign),
            why_now: campaign.why_now,
        }
    }
}

fn agent_view(agent: &Agent, now: Now) -> Option<AgentView> {
    let mut agent = agent.clone();
    agent.account(now.tick);
    let session = agent.session?;
    Some(AgentView {
        id: agent.config.id,
        name: agent.config.name,
        state: agent.state,
        since: now.tick - agent.since,
        logged_in: now.tick - session.since,
        talk: session.talk,
        wrap_up: session.wrap_up,
        paused: session.paused,
        pause: agent.pause,
        calls: session.calls,
        call: None,
        on_hook: session.on_hook,
    })
}

fn attempt_view(attempt: &crate::attempt::Attempt, now: Now) -> AttemptView {
    AttemptView {
        id: attempt.id,
        leg: attempt.legs,
        campaign: attempt.campaign(),
        trunk: attempt.trunk,
        state: attempt.state,
        since: now.tick - attempt.since,
        for_agent: attempt.for_agent,
        agent: attempt.agent,
        deadline: attempt.deadline,
        inbound: attempt.inbound.is_some(),
    }
}
