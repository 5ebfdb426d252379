//! Campaigns, trunks, routes, agents and callees as a plan's seed has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use outdial_engine::config::{
    AbandonRule, AgentConfig, AgentlessAction, AnswerRules, CallerIds, CampaignConfig,
    CampaignState, ClockStart, Membership, Mode, OnMachine, Phone, RetryPolicy, RetryRule, Route,
    Settings, Skill, Target, TrunkConfig,
};
use outdial_engine::{AgentId, CampaignId, Number, TrunkId, limits};

use super::plan::ChaosPlan;
use super::stage::{chance, pick, whole};
use crate::chance::Chance;

/// Skills that leads may ask for.
pub(crate) const SKILLS: [&str; 2] = ["spanish", "billing"];

/// Queues of the PBX that campaigns may have.
pub(crate) const QUEUES: u32 = 2;

/// How the callees of one campaign behave: shares of 1, times in ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callees {
    /// A person answers.
    pub(crate) answers: f64,
    /// Of the rest: fails at once, gives no reply at all, is a machine; the others ring on.
    pub(crate) fails: f64,
    pub(crate) silent: f64,
    pub(crate) machine: f64,
    /// AMD runs.
    pub(crate) amd: bool,
    pub(crate) set_up_ms: u32,
    pub(crate) ring_ms: u32,
    pub(crate) talk_ms: u32,
    /// Who waits for an agent hangs up after this long.
    pub(crate) patience_ms: u32,
    /// Leads in all.
    pub(crate) leads: u32,
    /// Leads whose numbers may be called for a part of the time only.
    pub(crate) windows: f64,
    /// Leads that belong to an agent.
    pub(crate) owned: f64,
}

/// The whole configuration at the start.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) campaigns: BTreeMap<CampaignId, CampaignConfig>,
    pub(crate) callees: BTreeMap<CampaignId, Callees>,
    pub(crate) trunks: BTreeMap<TrunkId, TrunkConfig>,
    pub(crate) routes: Vec<Route>,
    pub(crate) agents: BTreeMap<AgentId, AgentConfig>,
}

impl Setup {
    pub(crate) fn new(plan: &ChaosPlan) -> Setup {
        let of = |purpose, n| chance(plan.seed, purpose, n);
        let ids = |n: u32| (1..=u64::from(n)).collect::<Vec<u64>>();
        let shared = of("shared", 0).happens(0.5);
        let mut draw = of("settings", 0);
        Setup {
            settings: Settings {
                max_concurrent_originates: whole(&mut draw, 1, 40),
            },
            campaigns: ids(plan.campaigns)
                .into_iter()
                .map(|n| {
                    let mut config = campaign(&mut of("campaign", n), n);
                    if plan.phones > 0 {
                        // It takes a while to pick up.
                        config.connect_limit_ms *= 3;
                    }
                    if plan.queues > 0 {
                        with_queue(&mut of("queue", n), plan.queues, &mut config);
                    }
                    (CampaignId(n), config)
                })
                .collect(),
            callees: ids(plan.campaigns)
                .into_iter()
                .map(|n| (CampaignId(n), callees(&mut of("callees", n))))
                .collect(),
            trunks: ids(plan.trunks)
                .into_iter()
                .map(|n| (TrunkId(n), trunk(&mut of("trunk", n), n)))
                .collect(),
            routes: routes(&mut of("routes", 0), plan.trunks),
            agents: ids(plan.agents)
                .into_iter()
                .map(|n| {
                    let campaigns = shared.then_some(plan.campaigns);
                    let first = n % u64::from(plan.campaigns) + 1;
                    let mut config = agent(&mut of("agent", n), n, first, campaigns);
                    let mut draw = of("phone", n);
                    config.phone = draw.happens(f64::from(plan.phones) / 100.0).then(|| Phone {
                        tech: "SIM".into(),
                        endpoint: config.name.clone(),
                    });
                    config.ring_timeout_ms = whole(&mut draw, 1_000, 20_000);
                    (AgentId(n), config)
                })
                .collect(),
        }
    }
}

fn campaign(draw: &mut Chance, id: u64) -> CampaignConfig {
    let mode = mode(draw);
    let caller_ids = whole(draw, 1, 4);
    CampaignConfig {
        id: CampaignId(id),
        name: format!("c{id}").into(),
        state: CampaignState::Running,
        mode,
        priority: i32::try_from(whole(draw, 0, 1)).unwrap_or(0),
        max_concurrent: match mode {
            // Its only bound: a small one keeps the run short.
            Mode::Agentless => whole(draw, 1, 5),
            Mode::Preview { .. }
            | Mode::Progressive
            | Mode::Power { .. }
            | Mode::Predictive { .. } => whole(draw, 1, 60),
        },
        min_ring_ms: if draw.happens(0.5) { 15_000 } else { 5_000 },
        ring_timeout_ms: whole(draw, 15, 30) * 1_000,
        connect_limit_ms: whole(draw, 1, 3) * 1_000,
        abandon: AbandonRule {
            limit_milli: 30,
            daily: draw.happens(0.3),
        },
        message: Some("sorry".into()),
        target: Target {
            context: "outdial".into(),
            exten: "s".into(),
            priority: 1,
        },
        agentless: match pick(draw, 3) {
            0 => AgentlessAction::PlayMessage,
            1 => AgentlessAction::Continue,
            _ => AgentlessAction::Goto(Target {
                context: "ivr".into(),
                exten: "s".into(),
                priority: 1,
            }),
        },
        wrap_up_ms: [0, 5_000, 20_000, 60_000][pick(draw, 4)],
        recording: None,
        amd: None,
        answers: answers(draw),
        caller_ids: CallerIds {
            // Campaigns share some of them: the cap holds over all.
            numbers: (0..caller_ids)
                .filter_map(|n| number("5511300", n))
                .collect(),
            daily_cap: draw.happens(0.15).then(|| whole(draw, 20, 400)),
            local_digits: 0,
        },
        retry: retry(draw),
        queue: None,
    }
}

/// Of so many campaigns in a hundred the agents are the members of a queue.
fn with_queue(draw: &mut Chance, percent: u32, config: &mut CampaignConfig) {
    if !draw.happens(f64::from(percent) / 100.0) {
        return;
    }
    config.queue = Some(queue_name(whole(draw, 1, QUEUES)));
    // The member's phone rings first.
    config.connect_limit_ms = (config.connect_limit_ms + 2_000).min(10_000);
    suit_queue(draw, config);
}

pub(crate) fn queue_name(n: u32) -> Arc<str> {
    format!("q{n}").into()
}

/// A queue does not go with every mode.
pub(crate) fn suit_queue(draw: &mut Chance, config: &mut CampaignConfig) {
    let suits = match config.mode {
        Mode::Progressive | Mode::Power { .. } | Mode::Predictive { .. } => true,
        Mode::Preview { .. } | Mode::Agentless => false,
    };
    if config.queue.is_some() && !suits {
        config.mode = match pick(draw, 3) {
            0 => Mode::Progressive,
            1 => Mode::Power { ratio_milli: 1_500 },
            _ => Mode::Predictive {
                max_ratio_milli: None,
            },
        };
    }
}

pub(crate) fn mode(draw: &mut Chance) -> Mode {
    match pick(draw, 100) {
        0..15 => Mode::Preview {
            timeout_ms: draw.happens(0.7).then(|| whole(draw, 5, 30) * 1_000),
            dial: draw.happens(0.5),
        },
        15..40 => Mode::Progressive,
        40..60 => Mode::Power {
            ratio_milli: whole(draw, 1_000, 3_000),
        },
        60..82 => Mode::Predictive {
            max_ratio_milli: draw.happens(0.3).then(|| whole(draw, 1_000, 5_000)),
        },
        _ => Mode::Agentless,
    }
}

fn answers(draw: &mut Chance) -> AnswerRules {
    AnswerRules {
        clock: [
            ClockStart::Answer,
            ClockStart::GreetingStart,
            ClockStart::GreetingEnd,
            ClockStart::Verdict,
        ][pick(draw, 4)],
        machine: match pick(draw, 4) {
            0 | 1 => OnMachine::HangUp,
            2 => OnMachine::Message("beep".into()),
            _ => OnMachine::Agent,
        },
        unknown_is_machine: draw.happens(0.2),
        screening_is_machine: draw.happens(0.2),
        people_among_machines_milli: if draw.happens(0.3) { 50 } else { 0 },
    }
}

pub(crate) fn retry(draw: &mut Chance) -> RetryPolicy {
    let mut rule = || match pick(draw, 4) {
        0 => RetryRule::NEVER,
        1 => RetryRule::same(whole(draw, 0, 1_200)),
        _ => RetryRule::next(whole(draw, 10, 3_600)),
    };
    let (no_answer, busy, machine, failed) = (rule(), rule(), rule(), rule());
    let max_attempts = u16::try_from(whole(draw, 1, 6)).unwrap_or(6);
    let max_attempts_per_number = u16::try_from(whole(draw, 1, 3)).unwrap_or(3);
    RetryPolicy {
        completed_status: None,
        // Caps in a row, and delays that grow, without a draw of their own.
        no_answer: no_answer.at_most(max_attempts_per_number + 1),
        busy: RetryRule {
            delays_seconds: (1..=3).map(|n| busy.delay_seconds(1) * n).collect(),
            attempts: (max_attempts > 2).then_some(2),
            ..busy
        },
        callback: RetryRule::growing(&[60, 600]).at_most(max_attempts_per_number),
        congested: RetryRule::same(60).at_most(30),
        invalid: RetryRule::next(0),
        machine,
        abandoned: RetryRule::same(72 * 3_600),
        cancelled: RetryRule::same(30),
        failed,
        max_attempts,
        max_attempts_per_number,
    }
}

fn callees(draw: &mut Chance) -> Callees {
    Callees {
        answers: 0.15 + 0.6 * draw.share(),
        fails: 0.3 * draw.share(),
        silent: 0.05 * draw.share(),
        machine: 0.4 * draw.share(),
        amd: draw.happens(0.5),
        set_up_ms: whole(draw, 200, 3_000),
        ring_ms: whole(draw, 3_000, 12_000),
        talk_ms: whole(draw, 20_000, 150_000),
        patience_ms: whole(draw, 3_000, 30_000),
        leads: if draw.happens(0.25) {
            whole(draw, 20, 400)
        } else {
            1_000_000
        },
        windows: if draw.happens(0.5) { draw.share() } else { 0.0 },
        owned: if draw.happens(0.3) { 0.1 } else { 0.0 },
    }
}

pub(crate) fn trunk(draw: &mut Chance, id: u64) -> TrunkConfig {
    TrunkConfig {
        id: TrunkId(id),
        name: format!("t{id}").into(),
        tech: "SIM".into(),
        endpoint: format!("carrier{id}").into(),
        enabled: true,
        cps_milli: whole(draw, 200, 6_000),
        burst: whole(draw, 1, 5),
        max_channels: whole(draw, 1, 30),
    }
}

/// Every trunk is reached; some only by prefix, some at a lower rank.
pub(crate) fn routes(draw: &mut Chance, trunks: u32) -> Vec<Route> {
    (1..=trunks)
        .map(|trunk| Route {
            campaign: None,
            prefix: if trunk > 1 && draw.happens(0.2) {
                "5512"
            } else {
                ""
            }
            .into(),
            trunk: TrunkId(u64::from(trunk)),
            priority: whole(draw, 1, 2),
            weight: whole(draw, 1, 5),
            strip: 0,
            prepend: if draw.happens(0.3) { "0" } else { "" }.into(),
        })
        .collect()
}

/// `others`: of how many campaigns the agent may serve more than the first.
fn agent(draw: &mut Chance, id: u64, first: u64, others: Option<u32>) -> AgentConfig {
    let name: Arc<str> = format!("a{id}").into();
    let others = (1..=u64::from(others.unwrap_or(0)))
        .filter(|n| *n != first && draw.happens(0.4))
        .collect::<Vec<u64>>();
    let campaigns = std::iter::once(first).chain(others);
    AgentConfig {
        id: AgentId(id),
        name,
        campaigns: campaigns
            .map(|n| Membership {
                campaign: CampaignId(n),
                rank: u8::try_from(whole(draw, 0, 2)).unwrap_or(0),
            })
            .collect(),
        skills: SKILLS
            .into_iter()
            .filter_map(|skill| {
                let level = u8::try_from(whole(draw, 1, 10)).unwrap_or(1);
                let name = skill.into();
                draw.happens(0.4).then_some(Skill { name, level })
            })
            .collect(),
        phone: None,
        ring_timeout_ms: limits::PHONE_RING_MS_DEFAULT,
        pin: false,
    }
}

/// `None` can't be: a prefix and eight digits are a number.
pub(crate) fn number(prefix: &str, n: u32) -> Option<Number> {
    Number::new(&format!("{prefix}{n:08}")).ok()
}
