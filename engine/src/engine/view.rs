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
                    for_agent: attempt.for_agent,
                    agent: attempt.agent,
                    deadline: attempt.deadline,
                })
                .collect(),
        }
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
            agents: campaign.logged_in,
            free: len(campaign.idle.len()),
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
        paused: session.paused,
        pause: agent.pause,
        calls: session.calls,
        on_hook: session.on_hook,
    })
}
