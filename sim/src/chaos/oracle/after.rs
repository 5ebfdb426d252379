//! What may become of a lead after an attempt.

use outdial_engine::attempt::Outcome;
use outdial_engine::config::RetryPolicy;
use outdial_engine::{After, AgentId, AttemptResult, LeadNext, Lease, Now, Wall};

use super::{Oracle, Verdict};

impl Oracle {
    /// Whoever has used up the attempts is not tried again.
    pub(super) fn caps_after(
        &mut self,
        now: Now,
        result: &AttemptResult,
        lease: &Lease,
    ) -> Verdict {
        let lead = self.leads.entry(result.lead).or_default();
        if result.charged {
            lead.charged += 1;
            *lead.by_number.entry(result.number.clone()).or_default() += 1;
        }
        let after = result.disposition.as_deref().map(|said| said.after);
        let outcome = match after {
            Some(After::RetryAs(outcome)) => outcome,
            Some(After::Final | After::Callback { .. }) | None => result.outcome,
        };
        let before = lead
            .row
            .filter(|(of, _)| *of == outcome)
            .map_or(0, |row| row.1);
        let row = before + u16::from(result.legs > 0);
        if result.legs > 0 {
            lead.row = Some((outcome, row));
        }
        let Some(campaign) = self.campaigns.get(&result.campaign) else {
            return Ok(());
        };
        let policy = &campaign.config.retry;
        let id = result.attempt;
        let (at, position) = match result.next {
            LeadNext::Done { .. } => return Ok(()),
            LeadNext::Retry { at, position } => (at, position),
            LeadNext::Callback {
                at, agent, tries, ..
            } => return callback_fits(now, result, lease, (at, agent, tries), policy),
        };
        if result.outcome == Outcome::Completed && !matches!(after, Some(After::RetryAs(_))) {
            return Err(format!("attempt {id}: who was reached is called again"));
        }
        if lease.callback.is_some() || matches!(after, Some(After::Final)) {
            return Err(format!("attempt {id}: tried again by the ordinary rule"));
        }
        let most = policy.rule(outcome).attempts.unwrap_or(u16::MAX);
        if row >= most && !result.end.refused_by_pbx {
            return Err(format!(
                "attempt {id}: tried again after {row} attempts in a row that ended {outcome:?}"
            ));
        }
        // A refusal by the PBX is nobody's attempt, whatever the caps were lowered to since.
        if lead.charged >= policy.max_attempts && !result.end.refused_by_pbx {
            return Err(format!(
                "attempt {id}: the lead is tried again after {} attempts",
                lead.charged
            ));
        }
        let next = lease.numbers.iter().find(|n| n.position == position);
        let Some(next) = next else {
            return Err(format!(
                "attempt {id}: the next number's place {position} is no place"
            ));
        };
        let spent = lead.by_number.get(&next.number).copied().unwrap_or(0);
        if spent >= policy.max_attempts_per_number && !result.end.refused_by_pbx {
            return Err(format!(
                "attempt {id}: the number is tried again after {spent} attempts"
            ));
        }
        let delay = i64::from(policy.rule(outcome).delay_seconds(row)) * 1_000;
        if at.0 < now.wall.0 + delay && !result.end.refused_by_pbx {
            return Err(format!(
                "attempt {id}: tried again before the rule's {delay} ms"
            ));
        }
        Ok(())
    }
}

/// A callback that an agent has promised, or one that did not reach anybody.
fn callback_fits(
    now: Now,
    result: &AttemptResult,
    lease: &Lease,
    (at, agent, tries): (Wall, Option<AgentId>, u16),
    policy: &RetryPolicy,
) -> Verdict {
    let id = result.attempt;
    if let Some(After::Callback {
        at: said,
        agent: who,
    }) = result.disposition.as_deref().map(|said| said.after)
    {
        return match (at, agent, tries) == (said, who, 0) {
            true => Ok(()),
            false => Err(format!("attempt {id}: the callback is not what was said")),
        };
    }
    let Some(before) = lease.callback.as_deref().copied() else {
        return Err(format!("attempt {id}: nobody asked for this callback"));
    };
    let most = policy.callback.attempts.unwrap_or(policy.max_attempts);
    let plain = result.disposition.is_none() && result.outcome != Outcome::Invalid;
    if plain && !result.end.refused_by_pbx && result.outcome != Outcome::Abandoned && tries >= most
    {
        return Err(format!(
            "attempt {id}: called back again after {tries} tries"
        ));
    }
    if agent.is_some() && agent != before.agent {
        return Err(format!("attempt {id}: the callback has changed hands"));
    }
    if result.outcome == Outcome::Completed && result.disposition.is_none() || at < now.wall {
        return Err(format!("attempt {id}: called back, though it was reached"));
    }
    Ok(())
}
