//! The abandon budget: how much risk a dial may take, set by what was really abandoned.

use super::math::phi;

/// How far one answer moves the level.
const GAIN: f64 = 0.05;
/// Where a campaign starts: 0.6% risk. From 2.0, where teams come to rest, a first hour of 10 agents is
/// 4 points busier, but twelve hours of answers in crowds go above the limit.
const START: f64 = 2.5;
/// The boldest level: 90% risk.
const BOLDEST: f64 = -1.3;
/// The most careful one.
const CAREFUL: f64 = 8.5;
/// From here on it is strictly one call for each free agent.
const STRICT: f64 = 8.0;

/// Integral control on the abandon rate. The level itself is bounded and not the risk that follows
/// from it: bounds on the risk would hold the control at its floor. However wrong the prediction,
/// n answers bring at most `target * n + (CAREFUL - START) / GAIN` abandoned calls, and what was in
/// flight when it became strict.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    level: f64,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { level: START }
    }

    /// A person who answered was served, or was not. `share`: how much of a call it counts for.
    /// `target`: the share of calls that may be abandoned.
    pub(super) fn settle(&mut self, share: f64, abandoned: bool, target: f64) {
        let lost = if abandoned { 1.0 } else { 0.0 };
        self.level = (self.level - GAIN * share * (target - lost)).clamp(BOLDEST, CAREFUL);
    }

    /// The risk that the next dial may take.
    pub(super) fn risk(&self) -> f64 {
        phi(-self.level)
    }

    /// One call for each free agent, and no more.
    pub(super) fn is_strict(&self) -> bool {
        self.level >= STRICT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: f64 = 0.028;

    #[test]
    fn as_many_as_allowed_leave_it_where_it_is() {
        let mut budget = Budget::new();
        for i in 0..10_000u32 {
            budget.settle(1.0, i % 250 < 7, TARGET);
        }
        assert!((budget.level - START).abs() < 0.4, "{}", budget.level);
    }

    #[test]
    fn whatever_happens_it_is_strict_before_too_many_are_abandoned() {
        let mut budget = Budget::new();
        let mut abandoned = 0;
        while !budget.is_strict() {
            budget.settle(1.0, true, TARGET);
            abandoned += 1;
        }
        assert!(abandoned <= 120, "{abandoned}");
        for _ in 0..1_000 {
            budget.settle(1.0, false, TARGET);
        }
        assert!(!budget.is_strict(), "and comes back");
    }

    #[test]
    fn no_abandoned_call_makes_it_bold_but_not_blind() {
        let mut budget = Budget::new();
        for _ in 0..1_000_000 {
            budget.settle(1.0, false, TARGET);
        }
        assert!((budget.risk() - 0.903).abs() < 0.01);
    }
}
