//! From the engine to the sidecar.

use outdial_engine::agent::AgentState;
use outdial_engine::snapshot::{Readiness, Snapshot, TrunkView};
use outdial_engine::{
    After, AttemptResult, Circuit, Disposition, LeadNext, LegEnd, Now, Record, Span, Started,
    TestStep, Verdict,
};
use outdial_link as link;

use crate::clock::Clock;

/// A journal record.
pub(crate) fn record(from: Record) -> link::Record {
    match from {
        Record::Started(started) => link::Record::Started(start(&started)),
        Record::Answered { leg, at } => link::Record::Answered {
            attempt: leg.attempt.0,
            at_ms: at.0,
        },
        Record::Bridged {
            leg,
            at,
            agent,
            late,
        } => link::Record::Bridged {
            attempt: leg.attempt.0,
            at_ms: at.0,
            agent: agent.map(|agent| agent.0),
            late,
        },
        Record::MessageStarted { leg, at } => link::Record::MessageStarted {
            attempt: leg.attempt.0,
            at_ms: at.0,
        },
        Record::Ended(result) => link::Record::Ended(Box::new(end(result))),
    }
}

/// An agent's state as CLI, API and sidecar name it.
pub(crate) fn agent_state(state: AgentState) -> &'static str {
    match state {
        AgentState::LoggedOut => "logged_out",
        AgentState::Entering => "entering",
        AgentState::Available => "available",
        AgentState::Previewing => "previewing",
        AgentState::Ringing => "ringing",
        AgentState::Reserved => "reserved",
        AgentState::OnCall => "on_call",
        AgentState::WrapUp => "wrap_up",
        AgentState::Paused => "paused",
    }
}

/// A step of a test call: the answer, and whether it is the last one.
pub(crate) fn test_step(step: TestStep) -> (Result<link::Answer, String>, bool) {
    match step {
        TestStep::Refused(why) => (Err(why), true),
        TestStep::State(state) => (Ok(link::Answer::Step(state.name().into())), false),
        TestStep::Ended(end) => (Ok(leg_end(end)), true),
    }
}

/// The end of a test call.
fn leg_end(end: LegEnd) -> link::Answer {
    link::Answer::Ended {
        sip: end.sip,
        q850: end.q850,
    }
}

/// The whole state. Long lists of attempts are cut.
pub(crate) fn snapshot(from: Snapshot, clock: Clock, now: Now) -> link::Snapshot {
    let totals = from.totals;
    link::Snapshot {
        at_ms: now.wall.0,
        totals: link::Totals {
            live: totals.live,
            dialing: totals.dialing,
            leases: totals.leases,
            legs: totals.legs,
            ended: totals.ended,
            illegal: totals.illegal,
            stray: totals.stray,
            ghosts: totals.ghosts,
        },
        campaigns: from
            .campaigns
            .into_iter()
            .map(|c| {
                let (state, lacks) = readiness(c.readiness);
                link::CampaignSnapshot {
                    id: c.id.0,
                    name: c.name.to_string(),
                    state: state.into(),
                    lacks,
                    live: c.live,
                    dialing: c.dialing,
                    bridged: c.bridged,
                    leases: c.leases,
                    agents: c.agents,
                    free: c.free,
                    outcomes: c
                        .outcomes
                        .into_iter()
                        .map(|(outcome, n)| (outcome.name().into(), n))
                        .collect(),
                    answered_milli: c.answered_milli,
                    abandoned_milli: c.abandoned_milli,
                    short_calls: c.short_calls,
                    why: c
                        .why
                        .into_iter()
                        .map(|held| link::HeldSnapshot {
                            reason: held.reason.name().into(),
                            count: held.count,
                            ago_ms: ms(held.ago),
                            figures: held.figures,
                        })
                        .collect(),
                    why_now: c.why_now.map(|reason| reason.name().into()),
                    queue: c.queue.map(|queue| link::QueueSnapshot {
                        name: queue.name.to_string(),
                        known: queue.counts.is_some(),
                        callers: queue.counts.map_or(0, |counts| counts.callers),
                        waiting: queue.waiting,
                    }),
                }
            })
            .collect(),
        trunks: from
            .trunks
            .into_iter()
            .map(|t| trunk(&t, clock, now))
            .collect(),
        agents: from
            .agents
            .into_iter()
            .map(|a| link::AgentSnapshot {
                id: a.id.0,
                name: a.name.to_string(),
                state: agent_state(a.state).into(),
                since_ms: ms(a.since),
                logged_in_ms: ms(a.logged_in),
                talk_ms: ms(a.talk),
                wrap_up_ms: ms(a.wrap_up),
                paused_ms: ms(a.paused),
                pause: a.pause.map(|code| code.to_string()),
                call: a.call.map(|(attempt, lead)| (attempt.0, lead.0)),
                calls: a.calls,
                on_hook: a.on_hook,
            })
            .collect(),
        attempts: from
            .attempts
            .into_iter()
            .take(link::Snapshot::ATTEMPTS)
            .map(|a| link::AttemptSnapshot {
                id: a.id.0,
                leg: a.leg,
                campaign: a.campaign.map_or(0, |campaign| campaign.0),
                trunk: a.trunk.0,
                state: a.state.name().into(),
                since_ms: ms(a.since),
                agent: a.agent.map(|agent| agent.0),
                deadline_ms: a.deadline.map(|(tick, _)| clock.wall_at(now, tick)),
                deadline: a.deadline.map(|(_, why)| why.name().into()),
                inbound: a.inbound,
            })
            .collect(),
    }
}

fn trunk(from: &TrunkView, clock: Clock, now: Now) -> link::TrunkSnapshot {
    link::TrunkSnapshot {
        id: from.id.0,
        name: from.name.to_string(),
        cps_milli: from.cps_milli,
        burst: from.burst,
        tokens_milli: from.tokens_milli,
        channels: from.channels,
        max_channels: from.max_channels,
        legs: from.legs,
        answered: from.answered,
        faults: from.faults,
        short_calls: from.short_calls,
        false_answers: from.false_answers,
        health_milli: from.health_milli,
        circuit: from.circuit.name().into(),
        backoff_until_ms: match from.circuit {
            Circuit::Open { until } => Some(clock.wall_at(now, until)),
            Circuit::Closed | Circuit::HalfOpen => None,
        },
    }
}

pub(crate) fn readiness(from: Readiness) -> (&'static str, Option<String>) {
    match from {
        Readiness::Running => ("running", None),
        Readiness::Checking => ("checking", None),
        Readiness::Refused(lacks) => ("refused", Some(lacks)),
        Readiness::Paused => ("paused", None),
        Readiness::Stopped => ("stopped", None),
    }
}

fn start(from: &Started) -> link::Started {
    link::Started {
        attempt: from.leg.attempt.0,
        leg: from.leg.n,
        lease: from.lease.0,
        lead: from.lead.0,
        campaign: from.campaign.0,
        trunk: from.trunk.0,
        number: from.number.digits().into(),
        position: from.position,
        caller_id: from.caller_id.digits().into(),
        started_at_ms: from.started_at.0,
        if_lost: next(&from.if_lost),
        inbound: from.inbound,
    }
}

fn end(from: AttemptResult) -> link::AttemptResult {
    link::AttemptResult {
        attempt: from.attempt.0,
        lease: from.lease.0,
        lead: from.lead.0,
        campaign: from.campaign.0,
        trunk: from.trunk.0,
        number: from.number.digits().into(),
        position: from.position,
        caller_id: from.caller_id.digits().into(),
        legs: from.legs,
        outcome: from.outcome.name().into(),
        detail: from.detail,
        sip: from.end.sip,
        q850: from.end.q850,
        verdict: from.verdict.map(|verdict| {
            match verdict {
                Verdict::Human => "human",
                Verdict::Machine => "machine",
                Verdict::Unknown => "unknown",
                Verdict::Screening => "screening",
            }
            .into()
        }),
        agent: from.agent.map(|agent| agent.0),
        started_at_ms: from.started_at.0,
        ringing_at_ms: from.ringing_at.map(|at| at.0),
        answered_at_ms: from.answered_at.map(|at| at.0),
        bridged_at_ms: from.bridged_at.map(|at| at.0),
        ended_at_ms: from.ended_at.0,
        charged: from.charged,
        connect_us: from.connect_us,
        recording: from.recording.as_deref().map(str::to_owned),
        disposition: from.disposition.as_deref().map(disposed),
        next: next(&from.next),
        late: from.late,
        inbound: from.inbound,
    }
}

fn next(from: &LeadNext) -> link::LeadNext {
    match from {
        LeadNext::Done { status } => link::LeadNext::Done {
            status: status.to_string(),
        },
        LeadNext::Retry { at, position } => link::LeadNext::Retry {
            at_ms: at.0,
            position: *position,
        },
        LeadNext::Callback {
            at,
            position,
            agent,
            tries,
        } => link::LeadNext::Callback {
            at_ms: at.0,
            position: *position,
            agent: agent.map(|agent| agent.0),
            tries: *tries,
        },
    }
}

fn disposed(from: &Disposition) -> link::Disposed {
    link::Disposed {
        code: from.code.to_string(),
        retry_as: match from.after {
            After::RetryAs(outcome) => Some(outcome.name().into()),
            After::Final | After::Callback { .. } => None,
        },
        do_not_call: from.do_not_call,
        note: from.note.as_deref().map(Into::into),
    }
}

fn ms(span: Span) -> u64 {
    span.as_ms()
}
