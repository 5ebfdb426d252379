//! The snapshot.

use crate::campaign::{Campaign, Check};
use crate::config::CampaignState;
use crate::snapshot::{AgentView, AttemptView, CampaignView, Readiness, Snapshot, TrunkView};
use crate::time::Now;

use super::Engine;

impl Engine {
    pub(super) fn view(&self, now: Now) -> Snapshot {
        Snapshot {
            totals: self.totals(),
            campaigns: self.campaigns.values().map(campaign_view).collect(),
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
                    backoff_until: trunk.backoff_until.filter(|until| now.tick < *until),
                })
                .collect(),
            agents: self
                .agents
                .values()
                .filter_map(|agent| agent_view(agent, now))
                .collect(),
            attempts: self
                .attempts
                .values()
                .map(|attempt| AttemptView {
                    id: attempt.id,
                    leg: attempt.legs,
                    campaign: attempt.campaign(),
                    trunk: attempt.trunk,
                    state: attempt.state,
                    since: now.tick - attempt.since,
                    agent: attempt.agent,
                    deadline: attempt.deadline,
                })
                .collect(),
        }
    }
}

fn agent_view(agent: &crate::agent::Agent, now: Now) -> Option<AgentView> {
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
        calls: session.calls,
    })
}

fn campaign_view(campaign: &Campaign) -> CampaignView {
    let readiness = match (campaign.config.state, &campaign.check) {
        (CampaignState::Paused, _) => Readiness::Paused,
        (CampaignState::Stopped, _) => Readiness::Stopped,
        (CampaignState::Running, Check::Ready) => Readiness::Running,
        (CampaignState::Running, Check::Refused { lacks, .. }) => Readiness::Refused(lacks.clone()),
        (CampaignState::Running, Check::Unknown | Check::Pending { .. }) => Readiness::Checking,
    };
    let mut why: Vec<_> = campaign
        .why
        .iter()
        .map(|(reason, count)| (*reason, *count))
        .collect();
    why.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    let len = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
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
        agents: campaign.logged_in,
        free: len(campaign.idle.len()),
        outcomes: campaign
            .outcomes
            .iter()
            .map(|(outcome, count)| (*outcome, *count))
            .collect(),
        why,
        why_now: campaign.why_now,
    }
}
