//! What becomes of a lead after an attempt: retry rules, callbacks, dispositions, the final status.

use std::sync::Arc;

use crate::attempt::Outcome;
use crate::command::LeadNext;
use crate::config::{ConfigError, in_range, name};
use crate::event::{After, AttemptsInARow, Callback, Disposition, Lease};
use crate::ids::AgentId;
use crate::limits;
use crate::time::Wall;

/// What happens to a lead after one outcome.
///
/// Delay and number of attempts by outcome are what the field has: VICIdial's lead recycling (2
/// minutes to a week, 1 to 10 attempts for each status), WombatDialer's reschedule rules (seconds,
/// fixed or growing, and attempts for each state), Genesys' auto-scheduled callbacks (up to a week,
/// number of calls for each reason).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryRule {
    /// Whether the lead is tried again at all.
    pub retry: bool,
    /// Not before so many seconds, after the first, second, third, ... attempt in a row with this
    /// outcome; the last one holds for all that follow. Empty: at once.
    pub delays_seconds: Vec<u32>,
    /// At most so many attempts in a row with this outcome; then the lead is over. `None`: the
    /// policy's caps are the only ones.
    pub attempts: Option<u16>,
    /// Try the lead's next number rather than the same one.
    pub next_number: bool,
    /// What the lead is marked with when this rule, or a cap after this outcome, ends it. `None`:
    /// [`Outcome::lead_status`].
    pub status: Option<Arc<str>>,
}

impl RetryRule {
    /// No further attempt.
    pub const NEVER: RetryRule = RetryRule {
        retry: false,
        delays_seconds: Vec::new(),
        attempts: None,
        next_number: false,
        status: None,
    };

    /// The same number, `delay_seconds` later.
    #[must_use]
    pub fn same(delay_seconds: u32) -> RetryRule {
        RetryRule::growing(&[delay_seconds])
    }

    /// The next number, `delay_seconds` later.
    #[must_use]
    pub fn next(delay_seconds: u32) -> RetryRule {
        RetryRule {
            next_number: true,
            ..RetryRule::same(delay_seconds)
        }
    }

    /// The same number, after longer and longer delays.
    #[must_use]
    pub fn growing(delays_seconds: &[u32]) -> RetryRule {
        RetryRule {
            retry: true,
            delays_seconds: delays_seconds.to_vec(),
            ..RetryRule::NEVER
        }
    }

    /// The same rule for at most so many attempts in a row.
    #[must_use]
    pub fn at_most(self, attempts: u16) -> RetryRule {
        RetryRule {
            attempts: Some(attempts),
            ..self
        }
    }

    /// The delay after the `nth` attempt in a row, counted from 1.
    #[must_use]
    pub fn delay_seconds(&self, nth: u16) -> u32 {
        let last = self.delays_seconds.len().saturating_sub(1);
        let place = usize::from(nth.saturating_sub(1)).min(last);
        self.delays_seconds.get(place).copied().unwrap_or(0)
    }

    fn validate(&self, fields: &RuleFields) -> Result<(), ConfigError> {
        let delays = self.delays_seconds.len();
        if delays > limits::RETRY_DELAYS {
            return Err(ConfigError::new(
                fields.delay,
                format!("has {delays} delays"),
                format!("1 to {}", limits::RETRY_DELAYS),
            ));
        }
        for delay in &self.delays_seconds {
            in_range(fields.delay, *delay, limits::RETRY_DELAY_SECONDS)?;
        }
        if let Some(attempts) = self.attempts {
            in_range(fields.attempts, u32::from(attempts), limits::LEAD_ATTEMPTS)?;
        }
        match &self.status {
            Some(status) => name(fields.status, status),
            None => Ok(()),
        }
    }
}

/// What a rule's fields are called in an error.
struct RuleFields {
    delay: &'static str,
    attempts: &'static str,
    status: &'static str,
}

/// What a lead is marked with whose number is on the do-not-call list.
const DO_NOT_CALL: &str = "do_not_call";

static NEVER: RetryRule = RetryRule::NEVER;

macro_rules! fields {
    ($rule:literal) => {
        RuleFields {
            delay: concat!("retry.", $rule, ".delay_seconds"),
            attempts: concat!("retry.", $rule, ".attempts"),
            status: concat!("retry.", $rule, ".status"),
        }
    };
}

/// When and whether a lead is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts of one lead over all its numbers.
    pub max_attempts: u16,
    /// Attempts of one of its numbers.
    pub max_attempts_per_number: u16,
    /// What a lead is marked with that was reached, unless the agent says otherwise.
    pub completed_status: Option<Arc<str>>,
    /// By outcome; see [`RetryPolicy::rule`].
    pub no_answer: RetryRule,
    /// See [`RetryPolicy::rule`].
    pub busy: RetryRule,
    /// See [`RetryPolicy::rule`].
    pub congested: RetryRule,
    /// See [`RetryPolicy::rule`].
    pub invalid: RetryRule,
    /// See [`RetryPolicy::rule`].
    pub machine: RetryRule,
    /// 72 hours by default (Ofcom's persistent misuse policy, A1.60).
    pub abandoned: RetryRule,
    /// See [`RetryPolicy::rule`].
    pub cancelled: RetryRule,
    /// See [`RetryPolicy::rule`].
    pub failed: RetryRule,
    /// A callback that somebody asked for and that did not reach them. The lead's and the number's
    /// own caps don't hold for it; [`RetryRule::attempts`] does, or `max_attempts` without it.
    pub callback: RetryRule,
}

impl Default for RetryPolicy {
    /// Busy soon, no answer and machine later and on the next number, a fault of the route soon and
    /// ever more rarely. A caller who is not in the charge of `max_attempts` (congested) needs an end
    /// of its own.
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 6,
            max_attempts_per_number: 3,
            completed_status: None,
            no_answer: RetryRule::next(3_600),
            busy: RetryRule::growing(&[600, 1_200, 3_600]),
            congested: RetryRule::growing(&[300, 600, 1_800, 3_600]).at_most(20),
            invalid: RetryRule::next(0),
            machine: RetryRule::next(4 * 3_600),
            abandoned: RetryRule::same(72 * 3_600),
            cancelled: RetryRule::same(300),
            failed: RetryRule::same(600),
            callback: RetryRule::growing(&[300, 900, 3_600]).at_most(3),
        }
    }
}

impl Outcome {
    /// What a lead is marked with that ends with this outcome, unless the campaign says otherwise.
    #[must_use]
    pub const fn lead_status(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::NoAnswer | Outcome::Busy => "unreachable",
            Outcome::Congested => "congested",
            Outcome::Invalid => "invalid_number",
            Outcome::Machine => "machine",
            Outcome::Abandoned => "abandoned",
            Outcome::Cancelled => "cancelled",
            Outcome::Failed => "failed",
        }
    }
}

impl RetryPolicy {
    /// The rule for `outcome`. Somebody who was reached is never called again by rule.
    #[must_use]
    pub fn rule(&self, outcome: Outcome) -> &RetryRule {
        match outcome {
            Outcome::Completed => &NEVER,
            Outcome::NoAnswer => &self.no_answer,
            Outcome::Busy => &self.busy,
            Outcome::Congested => &self.congested,
            Outcome::Invalid => &self.invalid,
            Outcome::Machine => &self.machine,
            Outcome::Abandoned => &self.abandoned,
            Outcome::Cancelled => &self.cancelled,
            Outcome::Failed => &self.failed,
        }
    }

    /// The rule for a callback that ended so. Nobody is called sooner than the law allows after an
    /// abandoned call, and a number that does not exist gives way to the next one.
    #[must_use]
    pub fn rule_of_callback(&self, outcome: Outcome) -> &RetryRule {
        match outcome {
            Outcome::Completed | Outcome::Invalid | Outcome::Abandoned => self.rule(outcome),
            Outcome::NoAnswer
            | Outcome::Busy
            | Outcome::Congested
            | Outcome::Machine
            | Outcome::Cancelled
            | Outcome::Failed => &self.callback,
        }
    }

    /// What a lead is marked with that ends with this outcome.
    fn status(&self, outcome: Outcome, rule: &RetryRule) -> Arc<str> {
        let given = match outcome {
            Outcome::Completed => self.completed_status.as_ref(),
            Outcome::NoAnswer
            | Outcome::Busy
            | Outcome::Congested
            | Outcome::Invalid
            | Outcome::Machine
            | Outcome::Abandoned
            | Outcome::Cancelled
            | Outcome::Failed => rule.status.as_ref(),
        };
        given.map_or_else(|| outcome.lead_status().into(), Arc::clone)
    }

    /// # Errors
    /// Names the first field outside its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let caps = [
            ("max_attempts", self.max_attempts),
            ("max_attempts_per_number", self.max_attempts_per_number),
        ];
        for (field, cap) in caps {
            in_range(field, u32::from(cap), limits::LEAD_ATTEMPTS)?;
        }
        if let Some(status) = &self.completed_status {
            name("retry.completed.status", status)?;
        }
        self.no_answer.validate(&fields!("no_answer"))?;
        self.busy.validate(&fields!("busy"))?;
        self.congested.validate(&fields!("congested"))?;
        self.invalid.validate(&fields!("invalid"))?;
        self.machine.validate(&fields!("machine"))?;
        self.abandoned.validate(&fields!("abandoned"))?;
        self.cancelled.validate(&fields!("cancelled"))?;
        self.failed.validate(&fields!("failed"))?;
        self.callback.validate(&fields!("callback"))
    }
}

/// An attempt that is over, as far as its lead is concerned.
pub(crate) struct Over<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) lease: &'a Lease,
    /// The number, as an index into the lease's.
    pub(crate) index: usize,
    /// It counts towards the caps.
    pub(crate) charged: bool,
    /// It reached a carrier, so it counts as one in a row.
    pub(crate) dialed: bool,
    /// What the agent made of it.
    pub(crate) disposition: Option<&'a Disposition>,
    pub(crate) now: Wall,
}

impl Over<'_> {
    /// Attempts in a row with this outcome, this one included.
    fn in_a_row(&self, outcome: Outcome) -> u16 {
        let before = match self.lease.last {
            Some(AttemptsInARow { outcome: of, count }) if of == outcome => count,
            Some(_) | None => 0,
        };
        before.saturating_add(u16::from(self.dialed))
    }

    /// The callback stays the agent's for as long as nobody else might have had it.
    fn callback_agent(&self, callback: Callback) -> Option<AgentId> {
        let agent = callback.agent?;
        let owner = self.lease.owner.as_deref()?;
        let still = owner.until.is_none_or(|until| self.now < until);
        (owner.agent == agent && still).then_some(agent)
    }
}

/// What becomes of a lead.
pub(crate) fn lead_next(policy: &RetryPolicy, over: &Over<'_>) -> LeadNext {
    let position = over.lease.numbers[over.index].position;
    let (outcome, code) = match over.disposition.map(|said| (&said.after, &said.code)) {
        None => (over.outcome, None),
        Some((After::Final, code)) => {
            let status = Arc::clone(code);
            return LeadNext::Done { status };
        }
        Some((After::Callback { at, agent }, _)) => {
            return LeadNext::Callback {
                at: *at,
                position,
                agent: *agent,
                tries: 0,
            };
        }
        Some((After::RetryAs(outcome), code)) => (*outcome, Some(code)),
    };
    let callback = over.lease.callback.as_deref().copied();
    let rule = match callback {
        Some(_) => policy.rule_of_callback(outcome),
        None => policy.rule(outcome),
    };
    let done = || LeadNext::Done {
        status: code.map_or_else(|| policy.status(outcome, rule), Arc::clone),
    };
    let charge = u16::from(over.charged);
    let (row, most, capped) = match callback {
        Some(callback) => {
            let tries = callback.tries.saturating_add(u16::from(over.dialed));
            (tries, rule.attempts.or(Some(policy.max_attempts)), false)
        }
        None => {
            let attempts = over.lease.attempts.saturating_add(charge);
            let capped = attempts >= policy.max_attempts;
            (over.in_a_row(outcome), rule.attempts, capped)
        }
    };
    if !rule.retry || capped || most.is_some_and(|most| row >= most) {
        return done();
    }
    let Some(position) = next_number(policy, over, outcome, rule) else {
        return done();
    };
    let delay_ms = i64::from(rule.delay_seconds(row)) * 1_000;
    let at = Wall(over.now.0.saturating_add(delay_ms));
    match callback {
        Some(callback) => LeadNext::Callback {
            at,
            position,
            agent: over.callback_agent(callback),
            tries: row,
        },
        None => LeadNext::Retry { at, position },
    }
}

/// What becomes of the lead of somebody who called and got no agent: he is called back, at once and
/// by whoever is free, unless nobody may call him.
pub(crate) fn caller_next(policy: &RetryPolicy, over: &Over<'_>, forbidden: bool) -> LeadNext {
    if over.disposition.is_some() {
        return lead_next(policy, over);
    }
    if forbidden {
        let status = DO_NOT_CALL.into();
        return LeadNext::Done { status };
    }
    LeadNext::Callback {
        at: over.now,
        position: over.lease.numbers[over.index].position,
        agent: None,
        tries: 0,
    }
}

/// The place of the number to try next, if one may be tried still.
fn next_number(
    policy: &RetryPolicy,
    over: &Over<'_>,
    outcome: Outcome,
    rule: &RetryRule,
) -> Option<u8> {
    let numbers = &over.lease.numbers;
    let usable = |i: &usize| {
        let charge = u16::from(over.charged && *i == over.index);
        let spent = numbers[*i].attempts.saturating_add(charge);
        let dead = outcome == Outcome::Invalid && *i == over.index;
        !dead && (over.lease.callback.is_some() || spent < policy.max_attempts_per_number)
    };
    let first = over.index + usize::from(rule.next_number);
    let count = numbers.len();
    (first..first + count)
        .map(|i| i % count)
        .find(usable)
        .map(|i| numbers[i].position)
}

/// A call that the PBX itself refused: nobody's attempt, so nothing changes but the instant.
pub(crate) fn refused_by_pbx(over: &Over<'_>) -> LeadNext {
    let position = over.lease.numbers[over.index].position;
    let at = Wall(over.now.0.saturating_add(limits::PBX_RETRY_MS));
    match over.lease.callback.as_deref().copied() {
        Some(callback) => LeadNext::Callback {
            at,
            position,
            agent: over.callback_agent(callback),
            tries: callback.tries,
        },
        None => LeadNext::Retry { at, position },
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
