//! What goes wrong from time to time, besides what the wire does to events.

use outdial_engine::config::{CampaignState, ConfigChange, Phone};
use outdial_engine::{AgentId, CampaignId, Event, TrunkId};

use super::plan::Fault;
use super::setup::{QUEUES, Setup, mode, queue_name, retry, routes, suit_queue, trunk};
use super::stage::{Happening, Stage, chance, exponential, pick, whole};
use crate::chance::Chance;

/// One kind of trouble, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    LinkDown,
    LinkUp,
    ClockStep,
    JournalBad,
    JournalGood,
    Drain,
    GoOn,
    Change,
    Revoke,
    DoNotCall,
    QueuesGone,
    QueuesBack,
}

/// The dice for trouble.
pub(crate) struct Troubles {
    chance: Chance,
}

impl Troubles {
    /// Each kind comes for the first time.
    pub(crate) fn new(stage: &mut Stage) -> Troubles {
        let mut troubles = Troubles {
            chance: chance(stage.plan.seed, "trouble", 0),
        };
        for (fault, trouble) in [
            (Some(Fault::Link), Trouble::LinkDown),
            (Some(Fault::Clock), Trouble::ClockStep),
            (Some(Fault::Journal), Trouble::JournalBad),
            (Some(Fault::Drain), Trouble::Drain),
            (Some(Fault::Config), Trouble::Change),
            (Some(Fault::Revoke), Trouble::Revoke),
            (None, Trouble::DoNotCall),
            (Some(Fault::Queue), Trouble::QueuesGone),
        ] {
            if fault.is_none_or(|fault| stage.has(fault)) {
                troubles.again(stage, trouble);
            }
        }
        troubles
    }

    /// Plans what follows: the end of a trouble, or its next time.
    pub(crate) fn again(&mut self, stage: &mut Stage, trouble: Trouble) {
        let minute = 60_000;
        let mean_ms = match trouble {
            Trouble::LinkDown | Trouble::JournalBad => 45 * minute,
            Trouble::LinkUp => 40_000,
            Trouble::ClockStep => 90 * minute,
            Trouble::JournalGood => 15_000,
            Trouble::Drain => 120 * minute,
            Trouble::GoOn => 2 * minute,
            Trouble::Change => 6 * minute,
            Trouble::Revoke => 3 * minute,
            Trouble::DoNotCall => 5 * minute,
            Trouble::QueuesGone => 60 * minute,
            Trouble::QueuesBack => 20_000,
        };
        let after = exponential(&mut self.chance, mean_ms);
        stage.plan_in(after, Happening::Trouble(trouble));
    }

    /// By how much the wall clock is set, in ms: by up to half an hour, and never more than two
    /// hours from the true time.
    pub(crate) fn step_ms(&mut self, skew_ms: i64) -> i64 {
        let most = [1_000, 60_000, 1_800_000][pick(&mut self.chance, 3)];
        let step = i64::from(whole(&mut self.chance, 0, 2 * most)) - i64::from(most);
        (skew_ms + step).clamp(-7_200_000, 7_200_000) - skew_ms
    }

    pub(crate) fn new_epoch(&mut self, stage: &Stage) -> bool {
        stage.has(Fault::Epoch) && self.chance.happens(0.4)
    }

    /// A change of configuration. `setup` is kept up to date with it.
    pub(crate) fn change(&mut self, stage: &mut Stage, setup: &mut Setup) -> Vec<ConfigChange> {
        let draw = &mut self.chance;
        match pick(draw, 12) {
            0..5 => self.campaign(stage, setup),
            5..8 => self.trunk(stage, setup),
            8 => {
                setup.routes = routes(draw, stage.plan.trunks);
                vec![ConfigChange::Routes(setup.routes.clone())]
            }
            9 => {
                setup.settings.max_concurrent_originates = whole(draw, 1, 40);
                vec![ConfigChange::Settings(setup.settings.clone())]
            }
            _ => self.agent(stage, setup),
        }
    }

    fn campaign(&mut self, stage: &mut Stage, setup: &mut Setup) -> Vec<ConfigChange> {
        let draw = &mut self.chance;
        let n = u64::from(whole(draw, 1, stage.plan.campaigns));
        let Some(config) = setup.campaigns.get_mut(&CampaignId(n)) else {
            return vec![];
        };
        if stage.plan.queues > 0 && draw.happens(0.2) {
            config.queue = match config.queue {
                Some(_) => None,
                None => Some(queue_name(whole(draw, 1, QUEUES))),
            };
            suit_queue(draw, config);
            return vec![ConfigChange::Campaign(Box::new(config.clone()))];
        }
        match pick(draw, 8) {
            0 | 1 => {
                config.state = match config.state {
                    CampaignState::Running if draw.happens(0.5) => CampaignState::Paused,
                    CampaignState::Running => CampaignState::Stopped,
                    CampaignState::Paused | CampaignState::Stopped => CampaignState::Running,
                }
            }
            2 => {
                config.mode = mode(draw);
                suit_queue(draw, config);
                config.max_concurrent = config.max_concurrent.min(6);
            }
            3 => config.max_concurrent = whole(draw, 1, 6),
            4 => config.retry = retry(draw),
            5 => {
                config.ring_timeout_ms = whole(draw, 15, 30) * 1_000;
                config.wrap_up_ms = whole(draw, 0, 30) * 1_000;
            }
            6 => config.caller_ids.daily_cap = draw.happens(0.3).then(|| whole(draw, 50, 400)),
            _ => {
                // Comes back with the next change of it, or when the link does.
                let gone = ConfigChange::CampaignRemoved(config.id);
                let back = ConfigChange::Campaign(Box::new(config.clone()));
                let after = exponential(draw, 60_000);
                stage.plan_in(after, Happening::Arrives(Box::new(Event::Config(back))));
                return vec![gone];
            }
        }
        vec![ConfigChange::Campaign(Box::new(config.clone()))]
    }

    fn trunk(&mut self, stage: &mut Stage, setup: &mut Setup) -> Vec<ConfigChange> {
        let draw = &mut self.chance;
        let n = u64::from(whole(draw, 1, stage.plan.trunks));
        let mut config = trunk(draw, n);
        config.enabled = draw.happens(0.8);
        setup.trunks.insert(config.id, config.clone());
        if draw.happens(0.2) {
            let after = exponential(draw, 60_000);
            let back = Event::Config(ConfigChange::Trunk(config));
            stage.plan_in(after, Happening::Arrives(Box::new(back)));
            return vec![ConfigChange::TrunkRemoved(TrunkId(n))];
        }
        vec![ConfigChange::Trunk(config)]
    }

    fn agent(&mut self, stage: &mut Stage, setup: &mut Setup) -> Vec<ConfigChange> {
        let draw = &mut self.chance;
        let id = AgentId(u64::from(whole(draw, 1, stage.plan.agents)));
        let campaigns = stage.plan.campaigns;
        let Some(config) = setup.agents.get_mut(&id) else {
            return vec![];
        };
        if draw.happens(0.3) {
            let after = exponential(draw, 60_000);
            let back = Event::Config(ConfigChange::Agent(config.clone()));
            stage.plan_in(after, Happening::Arrives(Box::new(back)));
            return vec![ConfigChange::AgentRemoved(id)];
        }
        // Phones are taken away, and given.
        if stage.plan.phones > 0 && draw.happens(0.2) {
            let (tech, endpoint) = ("SIM".into(), config.name.clone());
            config.phone = match config.phone {
                Some(_) => None,
                None => Some(Phone { tech, endpoint }),
            };
        }
        config.campaigns = (1..=u64::from(campaigns))
            .filter(|_| draw.happens(0.6))
            .map(|n| CampaignId(n).into())
            .collect();
        vec![ConfigChange::Agent(config.clone())]
    }
}
