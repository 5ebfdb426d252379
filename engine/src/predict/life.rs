//! The life of a dial: when it is answered, or ends otherwise.

use super::math::{Fading, index, real};

/// One-second bins of a dial's age; what is older sits in the last.
pub(super) const BINS: usize = 45;
/// Dials that the table remembers, at least.
const MEMORY_DIALS: f64 = 500.0;
/// Seconds of dialing that it remembers, at least: much longer than a phone rings, or short calls
/// count more than long ones.
const MEMORY_SECONDS: f64 = 180.0;

/// How a dial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A person answered.
    Answered,
    /// Busy, no answer, a machine, a failure.
    Other,
    /// We gave it up: what it would have come to is not known.
    Cancelled,
}

/// A life table with two ends (Kalbfleisch and Prentice, "The Statistical Analysis of Failure Time
/// Data", chapter 8): for each second of age how many dials were exposed to it, and how many of
/// them were answered in it or ended otherwise. What lies further back counts for less.
#[derive(Clone, Debug)]
pub(super) struct LifeTable {
    exposed: [f64; BINS],
    answered: [f64; BINS],
    other: [f64; BINS],
    fading: Fading,
}

impl LifeTable {
    /// What is believed before the first dial: 15 dials, half of them answered after 3 to 18 s, the
    /// others ended at 22 s.
    pub(super) fn new() -> LifeTable {
        let mut table = LifeTable {
            exposed: [0.0; BINS],
            answered: [0.0; BINS],
            other: [0.0; BINS],
            fading: Fading::new(),
        };
        for bin in 3..18 {
            table.count(bin, End::Answered, 0.5);
        }
        table.count(22, End::Other, 7.5);
        table
    }

    fn count(&mut self, bin: usize, end: End, weight: f64) {
        for exposed in &mut self.exposed[..=bin] {
            *exposed += weight;
        }
        match end {
            End::Answered => self.answered[bin] += weight,
            End::Other => self.other[bin] += weight,
            End::Cancelled => {}
        }
    }

    /// Takes in a dial that ended at `age` seconds, at `per_second` dials per second.
    pub(super) fn add(&mut self, age: f64, end: End, per_second: f64) {
        let memory = MEMORY_DIALS.max(MEMORY_SECONDS * per_second);
        let all = [&mut self.exposed, &mut self.answered, &mut self.other];
        self.fading.grow(memory, all.into_iter().flatten());
        self.count(index(age, BINS - 1), end, self.fading.weight());
    }

    /// The hazards that follow, with the dials in flight counted as exposed to the seconds that
    /// they have behind them. `in_flight`: how many are in each second of age.
    pub(super) fn hazards(&self, in_flight: &[u32; BINS]) -> Hazards {
        let mut hazards = Hazards {
            answer: [0.0; BINS],
            other: [0.0; BINS],
            sums: [0.0; BINS + 1],
        };
        let mut older = 0.0;
        for bin in (0..BINS).rev() {
            let exposed = self.exposed[bin] + older * self.fading.weight();
            if exposed > 0.0 {
                hazards.answer[bin] = self.answered[bin] / exposed;
                hazards.other[bin] = self.other[bin] / exposed;
            }
            older += f64::from(in_flight[bin]);
        }
        for bin in 0..BINS {
            hazards.sums[bin + 1] = hazards.sums[bin] + hazards.answer[bin];
        }
        hazards
    }
}

/// Chances to be answered, or to end otherwise, in each second, for a dial that has come so far.
#[derive(Clone, Debug)]
pub(super) struct Hazards {
    answer: [f64; BINS],
    other: [f64; BINS],
    /// Of `answer`, up to each second.
    sums: [f64; BINS + 1],
}

impl Hazards {
    /// The curve for answers that come `factor` times as often.
    pub(super) fn curve(&self, factor: f64) -> Curve {
        let mut curve = Curve {
            answered: [0.0; BINS + 1],
            left: [1.0; BINS + 1],
        };
        for bin in 0..BINS {
            let left = curve.left[bin];
            let other = self.other[bin].min(1.0);
            let answer = (self.answer[bin] * factor).min(1.0 - other);
            curve.answered[bin + 1] = curve.answered[bin] + left * answer;
            curve.left[bin + 1] = left * (1.0 - other - answer);
        }
        curve
    }

    /// Answers expected of one dial up to this age, as long as it lives.
    pub(super) fn expected(&self, age: f64) -> f64 {
        at(&self.sums, age)
    }
}

/// How many of the dials are answered by an age, and how many still go on at it.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    answered: [f64; BINS + 1],
    left: [f64; BINS + 1],
}

/// Between the values at whole seconds.
fn at(values: &[f64; BINS + 1], age: f64) -> f64 {
    let low = index(age, BINS - 1);
    let part = (age - real(low)).clamp(0.0, 1.0);
    values[low] + (values[low + 1] - values[low]) * part
}

impl Curve {
    /// The chance that a new dial is answered by this age, in seconds.
    pub(super) fn answered_by(&self, age: f64) -> f64 {
        at(&self.answered, age)
    }

    /// The chance that a new dial is answered at all.
    #[cfg(test)]
    fn answered(&self) -> f64 {
        self.answered[BINS]
    }

    /// The chance that a dial of this age is answered within the next `span` seconds.
    pub(super) fn answered_within(&self, age: f64, span: f64) -> f64 {
        let left = at(&self.left, age);
        if left < 1e-9 {
            return 0.0;
        }
        let gain = self.answered_by(age + span) - self.answered_by(age);
        (gain / left).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [u32; BINS] = [0; BINS];

    #[test]
    fn before_the_first_dial_half_of_them_are_answered_within_18_seconds() {
        let curve = LifeTable::new().hazards(&NONE).curve(1.0);
        assert!((curve.answered() - 0.5).abs() < 1e-9);
        assert!(curve.answered_by(3.0).abs() < 1e-9);
        assert!((curve.answered_by(18.0) - 0.5).abs() < 1e-9);
        assert!((curve.answered_within(10.5, 30.0) - 0.25 / 0.75).abs() < 0.02);
        assert!(curve.answered_within(20.0, 30.0) < 1e-9);
    }

    #[test]
    fn it_learns_and_forgets() {
        let mut table = LifeTable::new();
        let dial = |table: &mut LifeTable, n: u32, of: u32| {
            for i in 0..n {
                let end = if i % of == 0 {
                    End::Answered
                } else {
                    End::Other
                };
                table.add(8.5, end, 1.0);
            }
        };
        dial(&mut table, 3_000, 10);
        let tenth = table.hazards(&NONE).curve(1.0).answered();
        assert!((tenth - 0.1).abs() < 0.01, "{tenth}");
        dial(&mut table, 3_000, 2);
        let half = table.hazards(&NONE).curve(1.0).answered();
        assert!((half - 0.5).abs() < 0.01, "{half}");
    }

    #[test]
    fn who_still_rings_lowers_the_hazard_of_the_seconds_behind_it() {
        let table = LifeTable::new();
        let mut ringing = NONE;
        ringing[30] = 15;
        let with = table.hazards(&ringing);
        let without = table.hazards(&NONE);
        assert!((with.answer[5] * 2.0 - without.answer[5]).abs() < 0.01);
        let mut young = NONE;
        young[2] = 15;
        assert!((table.hazards(&young).answer[5] - without.answer[5]).abs() < 1e-9);
    }

    #[test]
    fn a_cancelled_dial_is_no_answer_and_no_failure() {
        let mut table = LifeTable::new();
        for _ in 0..2_000 {
            table.add(1.5, End::Cancelled, 1.0);
        }
        let curve = table.hazards(&NONE).curve(1.0);
        assert!(
            (curve.answered() - 0.5).abs() < 1e-6,
            "nothing was learnt of later seconds"
        );
    }

    #[test]
    fn expected_answers_grow_with_age_alone() {
        let hazards = LifeTable::new().hazards(&NONE);
        assert!(hazards.expected(2.0).abs() < 1e-12);
        let (ten, eleven) = (hazards.expected(10.0), hazards.expected(10.5));
        assert!(eleven > ten);
        assert!((hazards.expected(40.0) - hazards.expected(1e6)).abs() < 1e-12);
    }
}
