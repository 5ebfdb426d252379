//! The end of an attempt: its result, and what becomes of the lead.

use crate::agent::{Agent, AgentState};
use crate::attempt::{Attempt, Ending, Outcome, Purpose};
use crate::command::{AttemptResult, Command, LeadNext, Record};
use crate::config::RetryPolicy;
use crate::event::Lease;
use crate::ids::{AgentId, AttemptId};
use crate::limits::{PBX_RETRY_MS, SHORT_CALL};
use crate::time::{Now, Wall};

use super::Engine;

impl Engine {
    /// The attempt has reached a final state: the one place where results are made.
    pub(super) fn finish(&mut self, now: Now, id: AttemptId, outcome: Outcome) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        self.totals.ended += 1;
        let Purpose::Lead {
            campaign,
            lease,
            index,
        } = &attempt.purpose
        else {
            return;
        };
        let Some(campaign) = self.campaigns.get_mut(campaign) else {
            return;
        };
        campaign.live = campaign.live.saturating_sub(1);
        *campaign.outcomes.entry(outcome).or_default() += 1;
        let (end, ended_at) = attempt.ended.unwrap_or((Default::default(), now.wall));
        let lasted = attempt.answered.map(|(_, at)| ended_at.0 - at.0);
        let short = i64::try_from(SHORT_CALL.as_ms()).unwrap_or(i64::MAX);
        if lasted.is_some_and(|ms| ms < short) {
            campaign.short_calls += 1;
            if let Some(trunk) = self.trunks.get_mut(&attempt.trunk) {
                trunk.short_calls += 1;
            }
        }
        let charged = attempt.legs > 0 && !end.refused_by_pbx && outcome != Outcome::Congested;
        let next = match end.refused_by_pbx {
            true => LeadNext::Retry {
                at: Wall(now.wall.0 + PBX_RETRY_MS),
                position: lease.numbers[*index].position,
            },
            false => lead_next(
                &campaign.config.retry,
                outcome,
                lease,
                *index,
                charged,
                now.wall,
            ),
        };
        let gone = campaign.removed && campaign.live == 0;
        let campaign_id = campaign.config.id;
        let number = &lease.numbers[*index];
        let result = AttemptResult {
            attempt: id,
            lease: lease.id,
            lead: lease.lead,
            campaign: campaign_id,
            trunk: attempt.trunk,
            number: number.number.clone(),
            position: number.position,
            caller_id: attempt.caller_id.clone(),
            // One that the PBX or the journal refused reached no carrier.
            legs: attempt.legs.saturating_sub(u8::from(end.refused_by_pbx)),
            outcome,
            detail: detail(&attempt, outcome),
            end,
            verdict: attempt.verdict,
            agent: attempt.agent,
            started_at: attempt.started_at,
            ringing_at: attempt.ringing_at,
            answered_at: attempt.answered.map(|(_, at)| at),
            bridged_at: attempt.bridged.map(|(_, at)| at),
            ended_at,
            charged,
            connect_us: attempt
                .bridged
                .zip(attempt.answered)
                .map(|((bridged, _), (answered, _))| (bridged - answered).0),
            next,
        };
        self.push(Command::Journal(Record::Ended(result)));
        self.let_go(now, id, attempt.for_agent);
        if gone {
            self.campaigns.remove(&campaign_id);
        }
    }

    /// The agent who was reserved for a call from its start is free again, if the two never met.
    fn let_go(&mut self, now: Now, id: AttemptId, agent: Option<AgentId>) {
        let waits = agent
            .and_then(|agent| self.agents.get(&agent))
            .filter(|a| a.state == AgentState::Reserved && a.attempt == Some(id) && a.waits());
        if let Some(agent) = waits.map(Agent::id) {
            self.make_available(now, agent);
        }
    }
}

/// Why, in a word.
fn detail(attempt: &Attempt, outcome: Outcome) -> String {
    let (end, _) = attempt.ended.unwrap_or_default();
    match attempt.ending {
        Some(Ending::Setup) => return "no reply from the trunk".into(),
        Some(Ending::NoAnswer) if outcome == Outcome::NoAnswer => return "ring timeout".into(),
        Some(Ending::Cancelled(why)) if outcome == Outcome::Cancelled => return why.into(),
        Some(Ending::Fault(what)) => return what.into(),
        Some(Ending::Machine) => return "AMD: machine".into(),
        Some(Ending::Voicemail { whole: true }) => return "message left".into(),
        Some(Ending::Voicemail { whole: false }) => return "message cut off".into(),
        Some(Ending::AgentLeft) => return "agent ended the call".into(),
        Some(Ending::NoAnswer | Ending::Cancelled(_) | Ending::Abandoned | Ending::Completed)
        | None => {}
    }
    if attempt.answered.is_some() {
        let waited = outcome == Outcome::Abandoned;
        return match (waited, attempt.ending.is_some()) {
            (true, true) => "no agent".into(),
            (true, false) => "hung up while waiting".into(),
            (false, _) => String::new(),
        };
    }
    if end.refused_by_pbx {
        return "refused by the PBX".into();
    }
    match (end.sip, end.q850) {
        (Some(sip), _) => format!("sip {sip}"),
        (None, Some(cause)) => format!("q850 {cause}"),
        (None, None) => "no reply".into(),
    }
}

/// What becomes of a lead after `outcome` on its `index`-th number.
pub(super) fn lead_next(
    policy: &RetryPolicy,
    outcome: Outcome,
    lease: &Lease,
    index: usize,
    charged: bool,
    now: Wall,
) -> LeadNext {
    let rule = policy.rule(outcome);
    let charge = u16::from(charged);
    if !rule.retry || lease.attempts.saturating_add(charge) >= policy.max_attempts {
        return LeadNext::Done;
    }
    let usable = |i: usize| {
        let spent = lease.numbers[i]
            .attempts
            .saturating_add(if i == index { charge } else { 0 });
        let dead = outcome == Outcome::Invalid && i == index;
        !dead && spent < policy.max_attempts_per_number
    };
    let first = if rule.next_number { index + 1 } else { index };
    let count = lease.numbers.len();
    let found = (first..first + count)
        .map(|i| i % count)
        .find(|i| usable(*i));
    match found {
        Some(i) => LeadNext::Retry {
            at: Wall(now.0.saturating_add(i64::from(rule.delay_seconds) * 1000)),
            position: lease.numbers[i].position,
        },
        None => LeadNext::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LeadNumber;
    use crate::ids::{LeadId, LeaseId, ListId};
    use crate::number::Number;

    fn lease(attempts: u16, per_number: &[u16]) -> Lease {
        Lease {
            id: LeaseId(1),
            lead: LeadId(1),
            list: ListId(1),
            weight: 1,
            priority: 0,
            owner: None,
            skill: None,
            attempts,
            numbers: (0u8..)
                .zip(per_number)
                .map(|(position, attempts)| LeadNumber {
                    number: Number::new(&format!("55119{position}")).unwrap(),
                    position,
                    attempts: *attempts,
                    not_before: Wall(0),
                    not_after: Wall(i64::MAX),
                })
                .collect(),
            expires_at: Wall(i64::MAX),
        }
    }

    fn after(outcome: Outcome, lease: &Lease, index: usize) -> LeadNext {
        lead_next(
            &RetryPolicy::default(),
            outcome,
            lease,
            index,
            true,
            Wall(0),
        )
    }

    #[test]
    fn a_busy_number_is_tried_again_and_an_unanswered_one_yields_to_the_next() {
        let lease = lease(0, &[0, 0]);
        assert_eq!(
            after(Outcome::Busy, &lease, 0),
            LeadNext::Retry {
                at: Wall(600_000),
                position: 0
            }
        );
        assert_eq!(
            after(Outcome::NoAnswer, &lease, 0),
            LeadNext::Retry {
                at: Wall(3_600_000),
                position: 1
            }
        );
        assert_eq!(
            after(Outcome::NoAnswer, &lease, 1),
            LeadNext::Retry {
                at: Wall(3_600_000),
                position: 0
            }
        );
    }

    #[test]
    fn caps_and_invalid_numbers_end_a_lead() {
        assert_eq!(
            after(Outcome::Completed, &lease(0, &[0, 0]), 0),
            LeadNext::Done
        );
        assert_eq!(
            after(Outcome::Busy, &lease(5, &[0]), 0),
            LeadNext::Done,
            "lead's cap"
        );
        assert_eq!(
            after(Outcome::Busy, &lease(2, &[2]), 0),
            LeadNext::Done,
            "number's cap"
        );
        assert_eq!(
            after(Outcome::Invalid, &lease(0, &[0]), 0),
            LeadNext::Done,
            "only number"
        );
        assert_eq!(
            after(Outcome::Busy, &lease(2, &[2, 0]), 0),
            LeadNext::Retry {
                at: Wall(600_000),
                position: 1
            }
        );
    }

    #[test]
    fn what_is_not_charged_does_not_use_up_the_cap() {
        let policy = RetryPolicy::default();
        let lease = lease(5, &[2]);
        let next = lead_next(&policy, Outcome::Congested, &lease, 0, false, Wall(0));
        assert_eq!(
            next,
            LeadNext::Retry {
                at: Wall(300_000),
                position: 0
            }
        );
    }
}
