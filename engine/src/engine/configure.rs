//! Changes of configuration.

use crate::agent::{Agent, AgentState, Leaving};
use crate::campaign::{Campaign, Check};
use crate::command::Command;
use crate::config::{
    AgentConfig, CampaignConfig, CampaignState, ConfigChange, ConfigError, Route, TrunkConfig,
};
use crate::ids::{AgentId, CampaignId, TrunkId};
use crate::limits;
use crate::routes::Routes;
use crate::time::Now;
use crate::trunk::Trunk;

use super::Engine;
use super::phones::Unanswered;

impl Engine {
    pub(super) fn configure(&mut self, now: Now, change: ConfigChange) {
        let (what, result) = match change {
            ConfigChange::Settings(settings) => {
                let result = settings.validate();
                if result.is_ok() {
                    self.settings = settings;
                    self.all_dirty();
                }
                ("settings".to_owned(), result)
            }
            ConfigChange::Campaign(config) => (
                format!("campaign {}", config.id),
                self.set_campaign(now, *config),
            ),
            ConfigChange::CampaignRemoved(id) => {
                self.remove_campaign(now, id);
                return;
            }
            ConfigChange::Trunk(config) => {
                (format!("trunk {}", config.id), self.set_trunk(now, config))
            }
            ConfigChange::TrunkRemoved(id) => {
                self.remove_trunk(now, id);
                return;
            }
            ConfigChange::Routes(routes) => ("routes".to_owned(), self.set_routes(now, routes)),
            ConfigChange::Agent(config) => {
                (format!("agent {}", config.id), self.set_agent(now, config))
            }
            ConfigChange::AgentRemoved(id) => {
                self.remove_agent(now, id);
                return;
            }
            ConfigChange::Abandons {
                campaign,
                at,
                answered,
                abandoned,
            } => {
                if let Some(campaign) = self.campaigns.get_mut(&campaign) {
                    let (answered, abandoned) = (u64::from(answered), u64::from(abandoned));
                    let account = &mut campaign.account;
                    account.count_then(now.wall, at, answered, abandoned);
                }
                return;
            }
            ConfigChange::CallerIdsShown(numbers) => {
                for (number, times) in numbers {
                    self.shown.count(now.wall, &number, times);
                }
                return;
            }
        };
        if let Err(error) = result {
            self.push(Command::ConfigRefused { what, error });
        }
    }

    fn set_campaign(&mut self, now: Now, config: CampaignConfig) -> Result<(), ConfigError> {
        config.validate()?;
        let id = config.id;
        let stopped = config.state == CampaignState::Stopped;
        match self.campaigns.get_mut(&id) {
            Some(campaign) => {
                if needs_changed(&campaign.config, &config) {
                    campaign.check = Check::Unknown;
                }
                campaign
                    .line
                    .configure(&campaign.config.queue, &config.queue);
                campaign.config = config;
                campaign.removed = false;
            }
            None => {
                full("campaigns", self.campaigns.len(), limits::CAMPAIGNS)?;
                self.campaigns.insert(id, Campaign::new(config, now));
                self.count_agents_of(id);
            }
        }
        if stopped {
            self.return_leases_of(id);
            self.end_previews(now, |p| p.campaign == id);
        }
        self.watch_queues();
        self.dirty.insert(id);
        Ok(())
    }

    /// A campaign may arrive after its agents.
    fn count_agents_of(&mut self, id: CampaignId) {
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        for agent in self
            .agents
            .values()
            .filter(|a| a.campaigns().any(|c| c == id))
        {
            if agent.session.is_some() {
                campaign.logged_in += 1;
            }
            campaign.place(agent);
        }
    }

    fn remove_campaign(&mut self, now: Now, id: CampaignId) {
        self.return_leases_of(id);
        self.end_previews(now, |p| p.campaign == id);
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        campaign.removed = true;
        campaign.config.state = CampaignState::Stopped;
        if campaign.live == 0 {
            self.campaigns.remove(&id);
        }
        self.watch_queues();
    }

    fn set_trunk(&mut self, now: Now, config: TrunkConfig) -> Result<(), ConfigError> {
        config.validate()?;
        let id = config.id;
        match self.trunks.get_mut(&id) {
            Some(trunk) => {
                let old = &trunk.config;
                let elsewhere = old.tech != config.tech
                    || old.endpoint != config.endpoint
                    || old.enabled != config.enabled;
                trunk.configure(config, now.tick);
                if !elsewhere {
                    self.all_dirty();
                    return Ok(());
                }
            }
            None => {
                full("trunks", self.trunks.len(), limits::TRUNKS)?;
                self.trunks.insert(id, Trunk::new(config, now.tick));
            }
        }
        self.forget_checks(now);
        Ok(())
    }

    /// Calls in flight keep their channel count: the trunk goes when they are over.
    fn remove_trunk(&mut self, now: Now, id: TrunkId) {
        let Some(trunk) = self.trunks.get_mut(&id) else {
            return;
        };
        if trunk.channels == 0 {
            self.trunks.remove(&id);
        } else {
            trunk.config.enabled = false;
            trunk.removed = true;
        }
        self.forget_checks(now);
    }

    fn set_routes(&mut self, now: Now, routes: Vec<Route>) -> Result<(), ConfigError> {
        full("routes", routes.len(), limits::ROUTES + 1)?;
        for route in &routes {
            route.validate()?;
        }
        let routes = Routes::new(routes);
        // A reconnect says it all again; only a change asks the PBX again.
        if routes != self.routes {
            self.routes = routes;
            self.forget_checks(now);
        }
        Ok(())
    }

    fn set_agent(&mut self, now: Now, config: AgentConfig) -> Result<(), ConfigError> {
        config.validate()?;
        let id = config.id;
        let namesake = self
            .agent_names
            .get(&config.name)
            .copied()
            .filter(|other| *other != id);
        if namesake.is_some() {
            return Err(ConfigError {
                field: "name",
                problem: "is another agent's".into(),
                allowed: "a name that no other agent has".into(),
            });
        }
        if let Some(mut agent) = self.agents.remove(&id) {
            self.uncount_agent(&agent);
            self.agent_names.remove(&agent.config.name);
            agent.config = config;
            agent.removed = false;
            self.agent_names.insert(agent.config.name.clone(), id);
            self.agents.insert(id, agent);
        } else {
            full("agents", self.agents.len(), limits::AGENTS)?;
            self.agent_names.insert(config.name.clone(), id);
            self.agents.insert(id, Agent::new(config, now.tick));
        }
        self.recount_agent(id);
        let agent = self.agents.get_mut(&id);
        // Without a phone there is nothing to ring.
        if let Some(agent) = agent.filter(|a| a.is_on_hook() && a.config.phone.is_none()) {
            agent.leaving.get_or_insert(Leaving::Finish);
            self.let_go_if_free(now, id);
        }
        Ok(())
    }

    fn uncount_agent(&mut self, agent: &Agent) {
        for id in agent.campaigns() {
            let Some(campaign) = self.campaigns.get_mut(&id) else {
                continue;
            };
            if agent.session.is_some() {
                campaign.logged_in = campaign.logged_in.saturating_sub(1);
            }
            campaign.displace(agent.id(), agent.since);
            self.dirty.insert(id);
        }
    }

    fn recount_agent(&mut self, id: AgentId) {
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        for campaign_id in agent.campaigns() {
            let Some(campaign) = self.campaigns.get_mut(&campaign_id) else {
                continue;
            };
            if agent.session.is_some() {
                campaign.logged_in += 1;
            }
            campaign.place(agent);
            self.dirty.insert(campaign_id);
        }
    }

    /// The agent finishes the call in hand, then is logged off.
    fn remove_agent(&mut self, now: Now, id: AgentId) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.removed = true;
        if agent.session.is_none() {
            let name = agent.config.name.clone();
            self.agents.remove(&id);
            self.agent_names.remove(&name);
            return;
        };
        self.let_go_if_free(now, id);
    }

    /// Who has no call in hand is logged off now.
    fn let_go_if_free(&mut self, now: Now, id: AgentId) {
        match self.agents.get(&id).map(|a| a.state) {
            Some(
                AgentState::Available
                | AgentState::Entering
                | AgentState::Paused
                | AgentState::Previewing,
            ) => {
                self.return_preview(id);
                self.make_available(now, id);
            }
            Some(AgentState::Ringing) => self.not_answered(now, id, Unanswered::Withdrawn),
            Some(
                AgentState::LoggedOut
                | AgentState::Reserved
                | AgentState::OnCall
                | AgentState::WrapUp,
            )
            | None => {}
        }
    }
}

/// Whether the PBX must be asked again.
fn needs_changed(old: &CampaignConfig, new: &CampaignConfig) -> bool {
    old.target != new.target
        || old.message != new.message
        || old.answers.machine != new.answers.machine
        || old.agentless != new.agentless
        || old.queue != new.queue
}

fn full(field: &'static str, have: usize, limit: usize) -> Result<(), ConfigError> {
    if have < limit {
        return Ok(());
    }
    Err(ConfigError {
        field,
        problem: format!("are {have} already"),
        allowed: format!("at most {limit}"),
    })
}
