//! What the sidecar says, as the engine's events.

use std::collections::BTreeSet;

use outdial_engine::config::ConfigChange;
use outdial_engine::{
    AgentId, AttemptId, CampaignId, Event, LeaseId, Level, Now, RequestId, TrunkId, Wall,
};
use outdial_link::{Answer, Ask, Config, Down, Up};

use super::Pump;
use crate::convert;

/// What the engine was given, so that what a full configuration leaves out can be taken away.
#[derive(Default)]
pub(super) struct Known {
    campaigns: BTreeSet<CampaignId>,
    trunks: BTreeSet<TrunkId>,
    agents: BTreeSet<AgentId>,
}

impl Known {
    fn follow(&mut self, change: &ConfigChange) {
        match change {
            ConfigChange::Settings(_)
            | ConfigChange::Routes(_)
            | ConfigChange::Abandons { .. }
            | ConfigChange::CallerIdsShown(_) => {}
            ConfigChange::Campaign(campaign) => {
                self.campaigns.insert(campaign.id);
            }
            ConfigChange::CampaignRemoved(id) => {
                self.campaigns.remove(id);
            }
            ConfigChange::Trunk(trunk) => {
                self.trunks.insert(trunk.id);
            }
            ConfigChange::TrunkRemoved(id) => {
                self.trunks.remove(id);
            }
            ConfigChange::Agent(agent) => {
                self.agents.insert(agent.id);
            }
            ConfigChange::AgentRemoved(id) => {
                self.agents.remove(id);
            }
        }
    }

    /// What takes away all that `named` does not have.
    fn missing_from(&self, named: &Known) -> Vec<ConfigChange> {
        let agents = self.agents.difference(&named.agents);
        let campaigns = self.campaigns.difference(&named.campaigns);
        let trunks = self.trunks.difference(&named.trunks);
        agents
            .map(|id| ConfigChange::AgentRemoved(*id))
            .chain(campaigns.map(|id| ConfigChange::CampaignRemoved(*id)))
            .chain(trunks.map(|id| ConfigChange::TrunkRemoved(*id)))
            .collect()
    }
}

impl Pump {
    pub(super) fn take_down(&mut self, now: Now, down: Down) {
        match down {
            Down::Config { full, changes } => self.configure(now, full, changes),
            Down::Leases {
                campaign,
                leases,
                next_due_ms,
            } => {
                let converted = convert::leases(leases);
                if converted.bad_numbers > 0 {
                    self.shared.log(
                        Level::Warn,
                        &format!(
                            "campaign {campaign}: {} numbers of leads are malformed and were not \
                             taken; {} leads have no other and were given back",
                            converted.bad_numbers,
                            converted.unusable.len()
                        ),
                    );
                }
                if !converted.unusable.is_empty() {
                    self.give_back(campaign, converted.unusable);
                }
                self.handle(
                    now,
                    Event::Leases {
                        campaign: CampaignId(campaign),
                        leases: converted.leases,
                        next_due: next_due_ms.map(Wall),
                    },
                );
            }
            Down::Renewed {
                leases,
                expires_at_ms,
            } => {
                self.handle(
                    now,
                    Event::Renewed {
                        leases: leases.into_iter().map(LeaseId).collect(),
                        expires_at: Wall(expires_at_ms),
                    },
                );
            }
            Down::Revoke { leases } => {
                let leases = leases.into_iter().map(LeaseId).collect();
                self.handle(now, Event::Revoke(leases));
            }
            Down::DoNotCall { numbers } => {
                let all = numbers.len();
                let numbers: Vec<_> = numbers
                    .iter()
                    .filter_map(|text| convert::number(text).ok())
                    .collect();
                if numbers.len() < all {
                    // Such an entry matches nothing that could be dialed.
                    let text = format!(
                        "{} do-not-call entries are no telephone numbers",
                        all - numbers.len()
                    );
                    self.shared.log(Level::Warn, &text);
                }
                self.handle(now, Event::DoNotCall(numbers));
            }
            Down::Ask { request, ask } => self.ask(now, request, ask),
            // The link's thread takes these itself.
            Down::Welcome(_)
            | Down::Refused { .. }
            | Down::Ack { .. }
            | Down::Requested { .. }
            | Down::Columns { .. }
            | Down::Pin { .. }
            | Down::Inbound { .. } => {}
        }
    }

    fn configure(&mut self, now: Now, full: bool, changes: Vec<Config>) {
        let mut named = Known::default();
        let mut has_routes = false;
        for change in changes {
            named.name(&change);
            match convert::change(change) {
                Ok(change) => {
                    has_routes |= matches!(change, ConfigChange::Routes(_));
                    self.known.follow(&change);
                    self.handle(now, Event::Config(change));
                }
                Err((what, error)) => {
                    self.shared
                        .log(Level::Warn, &format!("{what} was refused: {error}"));
                    self.send(Up::ConfigRefused { what, error });
                }
            }
        }
        if !full {
            return;
        }
        let mut gone = self.known.missing_from(&named);
        if !has_routes {
            gone.insert(0, ConfigChange::Routes(Vec::new()));
        }
        for change in gone {
            self.known.follow(&change);
            self.handle(now, Event::Config(change));
        }
        if !self.configured {
            self.let_agents_in();
        }
    }

    fn ask(&mut self, now: Now, request: u64, ask: Ask) {
        let answer = |result| Up::Answer {
            request,
            last: true,
            result,
        };
        match ask {
            Ask::Drain(on) => {
                self.drain(now, on);
                self.send(answer(Ok(Answer::Done)));
            }
            Ask::Check { campaign } => {
                self.handle(
                    now,
                    Event::Check {
                        request: RequestId(request),
                        campaign: CampaignId(campaign),
                    },
                );
            }
            Ask::Agent { agent, action } => {
                self.handle(
                    now,
                    Event::Agent {
                        agent: AgentId(agent),
                        what: convert::agent_action(action),
                        request: Some(RequestId(request)),
                    },
                );
            }
            Ask::Dispose { attempt, said } => {
                self.handle(
                    now,
                    Event::Dispose {
                        request: RequestId(request),
                        attempt: AttemptId(attempt),
                        said: Box::new(convert::disposition(*said)),
                    },
                );
            }
            Ask::Manual {
                agent,
                campaign,
                lease,
            } => {
                let converted = convert::leases(vec![*lease]);
                let Some(lease) = converted.leases.into_iter().next() else {
                    self.give_back(campaign, converted.unusable);
                    self.send(answer(Err(
                        "the lead has no number that can be dialed".into()
                    )));
                    return;
                };
                self.handle(
                    now,
                    Event::Manual {
                        request: RequestId(request),
                        agent: AgentId(agent),
                        campaign: CampaignId(campaign),
                        lease: Box::new(lease),
                    },
                );
            }
            Ask::TestCall {
                trunk,
                number,
                caller_id,
            } => match (convert::number(&number), convert::number(&caller_id)) {
                (Ok(number), Ok(caller_id)) => {
                    self.handle(
                        now,
                        Event::TestCall {
                            request: RequestId(request),
                            trunk: TrunkId(trunk),
                            number,
                            caller_id,
                        },
                    );
                }
                (Err(error), _) => self.send(answer(Err(format!("the number: {error}")))),
                (Ok(_), Err(error)) => {
                    self.send(answer(Err(format!("the caller id: {error}"))));
                }
            },
        }
    }
}

impl Known {
    /// Notes what a change speaks of, whether or not the engine takes it.
    fn name(&mut self, change: &Config) {
        match change {
            Config::Campaign(campaign) => {
                self.campaigns.insert(CampaignId(campaign.id));
            }
            Config::Trunk(trunk) => {
                self.trunks.insert(TrunkId(trunk.id));
            }
            Config::Agent(agent) => {
                self.agents.insert(AgentId(agent.id));
            }
            Config::Settings { .. }
            | Config::Abandons { .. }
            | Config::CallerIdsShown(_)
            | Config::Routes(_)
            | Config::CampaignRemoved(_)
            | Config::TrunkRemoved(_)
            | Config::AgentRemoved(_) => {}
        }
    }
}
