//! From the sidecar to the engine. What can't be an engine's value is refused here, field by
//! field; ranges are the engine's to check.

use outdial_engine::config::{
    AbandonRule, AgentConfig, AgentlessAction, CampaignConfig, CampaignState, ConfigChange, Mode,
    RetryPolicy, RetryRule, Route, Settings, Target, TrunkConfig,
};
use outdial_engine::{AgentId, CampaignId, LeadId, LeadNumber, Lease, LeaseId, TrunkId, Wall};
use outdial_link as link;

use super::{number, text};

/// Leases as far as they can be used.
pub(crate) struct Converted {
    /// Usable leases.
    pub(crate) leases: Vec<Lease>,
    /// Leases without one usable number: to be given back.
    pub(crate) unusable: Vec<u64>,
    /// Numbers that were dropped.
    pub(crate) bad_numbers: usize,
}

/// One change of configuration.
///
/// # Errors
/// What it is about, and what is wrong with it.
pub(crate) fn change(change: link::Config) -> Result<ConfigChange, (String, String)> {
    Ok(match change {
        link::Config::Settings {
            max_concurrent_originates,
        } => ConfigChange::Settings(Settings {
            max_concurrent_originates,
        }),
        link::Config::Campaign(campaign) => {
            let what = format!("campaign {}", campaign.id);
            let campaign = convert_campaign(*campaign).map_err(|error| (what, error))?;
            ConfigChange::Campaign(Box::new(campaign))
        }
        link::Config::CampaignRemoved(id) => ConfigChange::CampaignRemoved(CampaignId(id)),
        link::Config::Trunk(trunk) => ConfigChange::Trunk(convert_trunk(&trunk)),
        link::Config::TrunkRemoved(id) => ConfigChange::TrunkRemoved(TrunkId(id)),
        link::Config::Routes(routes) => {
            ConfigChange::Routes(routes.into_iter().map(convert_route).collect())
        }
        link::Config::Agent(agent) => ConfigChange::Agent(AgentConfig {
            id: AgentId(agent.id),
            name: text(&agent.name),
            campaigns: agent.campaigns.into_iter().map(CampaignId).collect(),
        }),
        link::Config::AgentRemoved(id) => ConfigChange::AgentRemoved(AgentId(id)),
    })
}

/// Leases of one batch.
pub(crate) fn leases(leases: Vec<link::Lease>) -> Converted {
    let mut converted = Converted {
        leases: Vec::with_capacity(leases.len()),
        unusable: Vec::new(),
        bad_numbers: 0,
    };
    for lease in leases {
        let all = lease.numbers.len();
        let numbers: Vec<LeadNumber> = lease.numbers.iter().filter_map(lead_number).collect();
        converted.bad_numbers += all - numbers.len();
        if numbers.is_empty() {
            converted.unusable.push(lease.id);
            continue;
        }
        converted.leases.push(Lease {
            id: LeaseId(lease.id),
            lead: LeadId(lease.lead),
            priority: lease.priority,
            attempts: lease.attempts,
            numbers,
            expires_at: Wall(lease.expires_at_ms),
        });
    }
    converted
}

fn lead_number(from: &link::LeadNumber) -> Option<LeadNumber> {
    Some(LeadNumber {
        number: number(&from.number).ok()?,
        position: from.position,
        attempts: from.attempts,
        not_before: Wall(from.not_before_ms),
        not_after: Wall(from.not_after_ms),
    })
}

fn convert_campaign(from: link::Campaign) -> Result<CampaignConfig, String> {
    let caller_ids = from
        .caller_ids
        .iter()
        .enumerate()
        .map(|(i, text)| {
            number(text).map_err(|error| format!("caller_ids entry {} is refused: {error}", i + 1))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(CampaignConfig {
        id: CampaignId(from.id),
        name: text(&from.name),
        state: match from.state {
            link::CampaignState::Running => CampaignState::Running,
            link::CampaignState::Paused => CampaignState::Paused,
            link::CampaignState::Stopped => CampaignState::Stopped,
        },
        mode: match from.mode {
            link::Mode::Progressive => Mode::Progressive,
            link::Mode::Power(ratio_milli) => Mode::Power { ratio_milli },
            link::Mode::Predictive(max_ratio_milli) => Mode::Predictive { max_ratio_milli },
            link::Mode::Agentless => Mode::Agentless,
        },
        priority: from.priority,
        max_concurrent: from.max_concurrent,
        ring_timeout_ms: from.ring_timeout_ms,
        connect_limit_ms: from.connect_limit_ms,
        abandon: AbandonRule {
            limit_milli: from.abandon_limit_milli,
            daily: from.abandon_daily,
        },
        message: from.message.as_deref().map(text),
        target: target(&from.target),
        agentless: match &from.agentless {
            link::AgentlessAction::PlayMessage => AgentlessAction::PlayMessage,
            link::AgentlessAction::Continue => AgentlessAction::Continue,
            link::AgentlessAction::Goto(to) => AgentlessAction::Goto(target(to)),
        },
        wrap_up_ms: from.wrap_up_ms,
        caller_ids,
        retry: retry(from.retry),
    })
}

fn convert_trunk(from: &link::Trunk) -> TrunkConfig {
    TrunkConfig {
        id: TrunkId(from.id),
        name: text(&from.name),
        tech: text(&from.tech),
        endpoint: text(&from.endpoint),
        enabled: from.enabled,
        cps_milli: from.cps_milli,
        burst: from.burst,
        max_channels: from.max_channels,
    }
}

fn convert_route(from: link::Route) -> Route {
    Route {
        campaign: from.campaign.map(CampaignId),
        prefix: from.prefix.into(),
        trunk: TrunkId(from.trunk),
        priority: from.priority,
        weight: from.weight,
        strip: from.strip,
        prepend: from.prepend.into(),
    }
}

fn target(from: &link::Target) -> Target {
    Target {
        context: text(&from.context),
        exten: text(&from.exten),
        priority: from.priority,
    }
}

fn retry(from: link::RetryPolicy) -> RetryPolicy {
    RetryPolicy {
        max_attempts: from.max_attempts,
        max_attempts_per_number: from.max_attempts_per_number,
        no_answer: rule(from.no_answer),
        busy: rule(from.busy),
        congested: rule(from.congested),
        invalid: rule(from.invalid),
        machine: rule(from.machine),
        abandoned: rule(from.abandoned),
        cancelled: rule(from.cancelled),
        failed: rule(from.failed),
    }
}

fn rule(from: link::RetryRule) -> RetryRule {
    RetryRule {
        retry: from.retry,
        delay_seconds: from.delay_seconds,
        next_number: from.next_number,
    }
}
