//! Issabel CallCenter's predictive rule with overcommit, after its `Predictor.class.php` and
//! `CampaignProcess.class.php`, in our own words.

use std::collections::{BTreeMap, VecDeque};

use outdial_engine::{Span, Tick};

/// The daemon looks at its campaigns this often.
pub(super) const LOOK: Span = Span::seconds(3);
/// An agent counts as free soon when it is this likely that the call will be over by the time that a
/// new one is answered.
const SURE: f64 = 0.97;
/// Nothing is predicted before so many calls are complete.
const COMPLETE: f64 = 10.0;
/// Believed until the first answer, in seconds.
const TIME_TO_ANSWER: f64 = 8.0;
/// The answer rate is that of so long,
const HISTORY: Span = Span::seconds(1_800);
/// of at least so many calls,
const CALLS: u32 = 10;
/// and never believed to be lower.
const LEAST_ANSWERS: f64 = 0.2;

/// What the rule remembers; times in seconds.
#[derive(Debug, Default)]
pub(super) struct Issabel {
    /// Since when each call has been talked on.
    talking: BTreeMap<u64, Tick>,
    talked: Mean,
    to_answer: Mean,
    /// When each call that has ended or was answered was dialed, and whether it was answered.
    history: VecDeque<(Tick, bool)>,
}

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn or(&self, otherwise: f64) -> f64 {
        if self.count > 0.0 {
            self.sum / self.count
        } else {
            otherwise
        }
    }
}

impl Issabel {
    pub(super) fn resolved(&mut self, dialed: Tick, now: Tick, answered: bool) {
        self.history.push_back((dialed, answered));
        if answered {
            self.to_answer.add(seconds(now - dialed));
        }
    }

    pub(super) fn talks(&mut self, call: u64, now: Tick) {
        self.talking.insert(call, now);
    }

    pub(super) fn talked(&mut self, call: u64, now: Tick) {
        if let Some(since) = self.talking.remove(&call) {
            self.talked.add(seconds(now - since));
        }
    }

    /// Calls to dial now.
    pub(super) fn wanted(&mut self, now: Tick, free: u32, waiting: u32, in_flight: u32) -> f64 {
        let agents = free.saturating_add(self.free_soon(now));
        // What is in flight is taken off before, and not after, the overcommitment.
        let calls = agents.saturating_sub(waiting).saturating_sub(in_flight);
        (f64::from(calls) / self.answer_rate(now)).round()
    }

    /// Agents who talk and count as free.
    fn free_soon(&self, now: Tick) -> u32 {
        if self.talked.count < COMPLETE {
            return 0;
        }
        let (mean, ahead) = (self.talked.or(1.0), self.to_answer.or(TIME_TO_ANSWER));
        let over = |since: Tick| 1.0 - (-(seconds(now - since) + ahead) / mean).exp();
        let soon = self.talking.values().filter(|since| over(**since) >= SURE);
        u32::try_from(soon.count()).unwrap_or(u32::MAX)
    }

    fn answer_rate(&mut self, now: Tick) -> f64 {
        while let Some((dialed, _)) = self.history.front() {
            if now.0 < HISTORY.0 || *dialed >= Tick(now.0 - HISTORY.0) {
                break;
            }
            self.history.pop_front();
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let all = count(self.history.len());
        let answered = count(
            self.history
                .iter()
                .filter(|(_, answered)| *answered)
                .count(),
        );
        if all < CALLS || answered == 0 {
            return 1.0;
        }
        (f64::from(answered) / f64::from(all)).max(LEAST_ANSWERS)
    }
}

fn seconds(span: Span) -> f64 {
    f64::from(u32::try_from(span.as_ms()).unwrap_or(u32::MAX)) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u32) -> Tick {
        Tick(0) + Span::seconds(seconds)
    }

    #[test]
    fn one_call_for_each_free_agent_until_it_knows_the_answer_rate() {
        let mut rule = Issabel::default();
        assert!((rule.wanted(at(0), 5, 0, 0) - 5.0).abs() < 1e-9);
        assert!((rule.wanted(at(0), 5, 1, 2) - 2.0).abs() < 1e-9);
        assert!(rule.wanted(at(0), 1, 0, 4).abs() < 1e-9);
    }

    #[test]
    fn then_as_many_more_as_are_not_answered_but_five_at_most() {
        for (of, each) in [(2, 2.0), (4, 4.0), (10, 5.0)] {
            let mut rule = Issabel::default();
            for i in 0..100 {
                rule.resolved(at(i), at(i + 8), i % of == 0);
            }
            assert!((rule.wanted(at(200), 1, 0, 0) - each).abs() < 1e-9, "{of}");
            let later = rule.wanted(at(200 + 1_800), 1, 0, 0);
            assert!((later - 1.0).abs() < 1e-9, "forgotten");
        }
    }

    #[test]
    fn who_has_talked_for_very_long_counts_as_free() {
        let mut rule = Issabel::default();
        for call in 0..20 {
            rule.talks(call, at(0));
            rule.talked(call, at(100));
        }
        rule.talks(99, at(1_000));
        assert!(rule.wanted(at(1_300), 0, 0, 0).abs() < 1e-9);
        assert!((rule.wanted(at(1_345), 0, 0, 0) - 1.0).abs() < 1e-9);
    }
}
