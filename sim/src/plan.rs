//! What is played through, and the configuration that the engine gets for it.

use outdial_engine::config::{
    AbandonRule, AgentlessAction, AnswerRules, CallerIds, CampaignConfig, CampaignState,
    ClockStart, ConfigError, Mode, RetryPolicy, Route, Target, TrunkConfig,
};
use outdial_engine::{CampaignId, Number, TrunkId};

use crate::error::SimError;
use crate::world::World;

pub(crate) const CAMPAIGN: CampaignId = CampaignId(1);
const TRUNK: TrunkId = TrunkId(1);

/// What is played through.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How callees and agents behave.
    pub world: World,
    /// How many calls are dialed for them.
    pub mode: Mode,
    /// The rule to be kept.
    pub abandon: AbandonRule,
    /// From answer to agent, at most, in ms.
    pub connect_limit_ms: u32,
    /// Rings so long, in ms.
    pub ring_timeout_ms: u32,
    /// Dials that no agent is left for ring so long, in ms.
    pub min_ring_ms: u32,
    /// An agent's time after a call, at most, in ms; the world says how much of it they take.
    pub wrap_up_ms: u32,
    /// Calls at once.
    pub max_concurrent: u32,
    /// New calls per second, in thousandths.
    pub cps_milli: u32,
    /// Calls that may start at once after a pause.
    pub burst: u32,
    /// How long, in seconds.
    pub seconds: u32,
    /// Left out of the figures at the start, in seconds.
    pub warm_up: u32,
    /// Seed.
    pub seed: u64,
}

impl Plan {
    /// Eight hours by the usual rule, the first half hour left out of the figures, and no other
    /// bound in the way.
    #[must_use]
    pub fn new(world: World, mode: Mode, seed: u64) -> Plan {
        Plan {
            world,
            mode,
            abandon: AbandonRule::default(),
            connect_limit_ms: 2_000,
            ring_timeout_ms: 25_000,
            min_ring_ms: 15_000,
            wrap_up_ms: 120_000,
            max_concurrent: 10_000,
            cps_milli: 1_000_000,
            burst: 1_000,
            seconds: 8 * 3_600,
            warm_up: 1_800,
            seed,
        }
    }

    /// Whether the engine takes it.
    ///
    /// # Errors
    /// Names the first field that is outside its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Ok(campaign) = self.campaign() {
            campaign.validate()?;
        }
        self.trunk().validate()
    }

    pub(crate) fn campaign(&self) -> Result<CampaignConfig, SimError> {
        let number = Number::new("551140000000").map_err(|e| SimError::Config(e.to_string()))?;
        Ok(CampaignConfig {
            id: CAMPAIGN,
            name: "sim".into(),
            state: CampaignState::Running,
            mode: self.mode,
            priority: 0,
            max_concurrent: self.max_concurrent,
            min_ring_ms: self.min_ring_ms,
            ring_timeout_ms: self.ring_timeout_ms,
            connect_limit_ms: self.connect_limit_ms,
            abandon: self.abandon,
            message: Some("message".into()),
            target: Target {
                context: "outdial".into(),
                exten: "s".into(),
                priority: 1,
            },
            agentless: AgentlessAction::PlayMessage,
            wrap_up_ms: self.wrap_up_ms,
            recording: None,
            amd: None,
            answers: AnswerRules {
                // Where AMD hears the greeting, the rule's two seconds run from its end.
                clock: match self.world.amd_person {
                    Some(_) => ClockStart::GreetingEnd,
                    None => ClockStart::Answer,
                },
                ..AnswerRules::default()
            },
            caller_ids: CallerIds {
                numbers: vec![number],
                ..CallerIds::default()
            },
            retry: RetryPolicy::default(),
        })
    }

    pub(crate) fn trunk(&self) -> TrunkConfig {
        TrunkConfig {
            id: TRUNK,
            name: "carrier".into(),
            tech: "SIM".into(),
            endpoint: "carrier".into(),
            enabled: true,
            cps_milli: self.cps_milli,
            burst: self.burst,
            max_channels: 10_000,
        }
    }
}

pub(crate) fn route() -> Route {
    Route {
        campaign: None,
        prefix: "".into(),
        trunk: TRUNK,
        priority: 1,
        weight: 1,
        strip: 0,
        prepend: "".into(),
    }
}
