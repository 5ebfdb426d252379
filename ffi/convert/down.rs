//! From the sidecar to the engine. What can't be an engine's value is refused here, field by
//! field; ranges are the engine's to check.

use outdial_engine::attempt::Outcome;
use outdial_engine::config::{
    AbandonRule, AgentConfig, AgentlessAction, AnswerRules, CallerIds, CampaignConfig,
    CampaignState, ClockStart, ConfigChange, Membership, Mode, OnMachine, Phone, RetryPolicy,
    RetryRule, Route, Settings, Skill, Target, TrunkConfig,
};
use outdial_engine::{
    After, AgentEvent, AgentId, AttemptId, AttemptsInARow, Callback, CampaignId, Disposition,
    LeadId, LeadNumber, Lease, LeaseId, ListId, NumberError, Owner, TrunkId, Wall,
};
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
            campaigns: agent
                .campaigns
                .into_iter()
                .map(|member| Membership {
                    campaign: CampaignId(member.campaign),
                    rank: member.rank,
                })
                .collect(),
            skills: agent
                .skills
                .into_iter()
                .map(|skill| Skill {
                    name: text(&skill.name),
                    level: skill.level,
                })
                .collect(),
            phone: agent.phone.map(|phone| Phone {
                tech: text(&phone.tech),
                endpoint: text(&phone.endpoint),
            }),
            ring_timeout_ms: agent.ring_timeout_ms,
            pin: agent.pin,
        }),
        link::Config::AgentRemoved(id) => ConfigChange::AgentRemoved(AgentId(id)),
        link::Config::Abandons {
            campaign,
            at_ms,
            answered,
            abandoned,
        } => ConfigChange::Abandons {
            campaign: CampaignId(campaign),
            at: Wall(at_ms),
            answered,
            abandoned,
        },
        link::Config::CallerIdsShown(shown) => {
            let shown = shown
                .into_iter()
                .map(|(digits, times)| Ok((number(&digits)?, times)))
                .collect::<Result<Vec<_>, NumberError>>()
                .map_err(|error| ("caller ids shown".to_owned(), error.to_string()))?;
            ConfigChange::CallerIdsShown(shown)
        }
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
            list: ListId(lease.list),
            weight: lease.weight,
            priority: lease.priority,
            owner: lease.owner.map(|owner| {
                Box::new(Owner {
                    agent: AgentId(owner.agent),
                    until: owner.until_ms.map(Wall),
                })
            }),
            skill: lease.skill.as_deref().map(text),
            attempts: lease.attempts,
            last: lease.last.and_then(|(outcome, count)| {
                let outcome = Outcome::named(&outcome)?;
                Some(AttemptsInARow { outcome, count })
            }),
            callback: lease.callback.map(|callback| {
                Box::new(Callback {
                    agent: callback.agent.map(AgentId),
                    tries: callback.tries,
                })
            }),
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
    let numbers = from
        .caller_ids
        .numbers
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
            link::Mode::Preview { timeout_ms, dial } => Mode::Preview { timeout_ms, dial },
            link::Mode::Progressive => Mode::Progressive,
            link::Mode::Power(ratio_milli) => Mode::Power { ratio_milli },
            link::Mode::Predictive(max_ratio_milli) => Mode::Predictive { max_ratio_milli },
            link::Mode::Agentless => Mode::Agentless,
        },
        priority: from.priority,
        max_concurrent: from.max_concurrent,
        min_ring_ms: from.min_ring_ms,
        ring_timeout_ms: from.ring_timeout_ms,
        connect_limit_ms: from.connect_limit_ms,
        abandon: AbandonRule {
            limit_milli: from.abandon_limit_milli,
            daily: from.abandon_daily,
        },
        answers: answers(&from.answers),
        message: from.message.as_deref().map(text),
        target: target(&from.target),
        agentless: match &from.agentless {
            link::AgentlessAction::PlayMessage => AgentlessAction::PlayMessage,
            link::AgentlessAction::Continue => AgentlessAction::Continue,
            link::AgentlessAction::Goto(to) => AgentlessAction::Goto(target(to)),
        },
        wrap_up_ms: from.wrap_up_ms,
        recording: from.recording.as_deref().map(text),
        amd: from.amd.as_deref().map(text),
        caller_ids: CallerIds {
            numbers,
            daily_cap: from.caller_ids.daily_cap,
            local_digits: from.caller_ids.local_digits,
        },
        retry: retry(&from.retry),
    })
}

/// What an agent does.
pub(crate) fn agent_action(from: link::AgentAction) -> AgentEvent {
    match from {
        link::AgentAction::Ready => AgentEvent::Ready,
        link::AgentAction::ExtendWrapUp(by_ms) => AgentEvent::ExtendWrapUp { by_ms },
        link::AgentAction::Pause(code) => AgentEvent::Pause { code: text(&code) },
        link::AgentAction::Unpause => AgentEvent::Unpause,
        link::AgentAction::Dial => AgentEvent::Dial,
        link::AgentAction::Skip => AgentEvent::Skip,
        link::AgentAction::LogOff { finish } => AgentEvent::LogOff { finish },
        link::AgentAction::LogIn => AgentEvent::LogIn,
        link::AgentAction::HangUp => AgentEvent::HangUp,
        link::AgentAction::Dispose(said) => AgentEvent::Dispose(Box::new(disposition(*said))),
    }
}

/// An outcome that this build does not know ends the lead: nobody is called in doubt.
pub(crate) fn disposition(from: link::Disposition) -> Disposition {
    Disposition {
        attempt: from.attempt.map(AttemptId),
        code: text(&from.code),
        after: match from.after {
            link::After::Final => After::Final,
            link::After::RetryAs(outcome) => {
                Outcome::named(&outcome).map_or(After::Final, After::RetryAs)
            }
            link::After::Callback { at_ms, agent } => After::Callback {
                at: Wall(at_ms),
                agent: agent.map(AgentId),
            },
        },
        do_not_call: from.do_not_call,
        note: from.note.as_deref().map(text),
    }
}

fn answers(from: &link::AnswerRules) -> AnswerRules {
    AnswerRules {
        clock: match from.clock {
            link::ClockStart::Answer => ClockStart::Answer,
            link::ClockStart::GreetingStart => ClockStart::GreetingStart,
            link::ClockStart::GreetingEnd => ClockStart::GreetingEnd,
            link::ClockStart::Verdict => ClockStart::Verdict,
        },
        machine: match &from.machine {
            link::OnMachine::HangUp => OnMachine::HangUp,
            link::OnMachine::Message(sound) => OnMachine::Message(text(sound)),
            link::OnMachine::Agent => OnMachine::Agent,
        },
        unknown_is_machine: from.unknown_is_machine,
        screening_is_machine: from.screening_is_machine,
        people_among_machines_milli: from.people_among_machines_milli,
    }
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

fn retry(from: &link::RetryPolicy) -> RetryPolicy {
    RetryPolicy {
        max_attempts: from.max_attempts,
        max_attempts_per_number: from.max_attempts_per_number,
        completed_status: from.completed_status.as_deref().map(text),
        no_answer: rule(&from.no_answer),
        busy: rule(&from.busy),
        congested: rule(&from.congested),
        invalid: rule(&from.invalid),
        machine: rule(&from.machine),
        abandoned: rule(&from.abandoned),
        cancelled: rule(&from.cancelled),
        failed: rule(&from.failed),
        callback: rule(&from.callback),
    }
}

fn rule(from: &link::RetryRule) -> RetryRule {
    RetryRule {
        retry: from.retry,
        delays_seconds: from.delays_seconds.clone(),
        attempts: from.attempts,
        next_number: from.next_number,
        status: from.status.as_deref().map(text),
    }
}
