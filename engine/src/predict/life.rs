//! The life of a dial: how far it has come, and when it is answered or ends otherwise.

use super::math::{Fading, index, real};
use super::risk::{MIDDLES, SLOTS};

/// One-second bins of the age in a phase; what is older sits in the last.
pub(super) const BINS: usize = 45;
/// Dials that a table remembers, at least.
const MEMORY_DIALS: f64 = 500.0;
/// Seconds of dialing that it remembers, at least: much longer than a phone rings, or short calls
/// count more than long ones.
const MEMORY_SECONDS: f64 = 180.0;

/// How far a dial has come, as far as carrier and PBX tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Nothing has been heard from the callee's side. Where a carrier never tells, all of it.
    Calling,
    /// The callee's phone rings.
    Ringing,
    /// The carrier plays something: ringing, or an announcement.
    EarlyMedia,
    /// Somebody or something has picked up, and is being told apart.
    Classifying,
}

/// The number of phases.
pub(super) const PHASES: usize = 4;

impl Phase {
    pub(super) const ALL: [Phase; PHASES] = [
        Phase::Calling,
        Phase::Ringing,
        Phase::EarlyMedia,
        Phase::Classifying,
    ];

    pub(super) const fn place(self) -> usize {
        match self {
            Phase::Calling => 0,
            Phase::Ringing => 1,
            Phase::EarlyMedia => 2,
            Phase::Classifying => 3,
        }
    }
}

/// How a dial left a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A person answered.
    Answered,
    /// Busy, no answer, a machine, a failure.
    Other,
    /// We gave it up: what it would have come to is not known.
    Cancelled,
    /// It went on to another phase.
    Moved(Phase),
}

/// A life table with several ends (Kalbfleisch and Prentice, "The Statistical Analysis of Failure
/// Time Data", chapter 8): for each second of a phase how many dials were exposed to it, and how
/// many of them left it in which way. What lies further back counts for less.
#[derive(Clone, Debug)]
struct LifeTable {
    exposed: [f64; BINS],
    answered: [f64; BINS],
    other: [f64; BINS],
    moved: [[f64; BINS]; PHASES],
    fading: Fading,
}

impl LifeTable {
    /// What is believed before the first dial: `dials`, half of them answered after `from` to `to`
    /// seconds, the others ended at `end`.
    fn new(dials: f64, from: usize, to: usize, end: usize) -> LifeTable {
        let mut table = LifeTable {
            exposed: [0.0; BINS],
            answered: [0.0; BINS],
            other: [0.0; BINS],
            moved: [[0.0; BINS]; PHASES],
            fading: Fading::new(),
        };
        for bin in from..to {
            table.count(bin, End::Answered, dials / 2.0 / real(to - from));
        }
        table.count(end, End::Other, dials / 2.0);
        table
    }

    fn count(&mut self, bin: usize, end: End, weight: f64) {
        for exposed in &mut self.exposed[..=bin] {
            *exposed += weight;
        }
        match end {
            End::Answered => self.answered[bin] += weight,
            End::Other => self.other[bin] += weight,
            End::Moved(to) => self.moved[to.place()][bin] += weight,
            End::Cancelled => {}
        }
    }

    fn add(&mut self, age: f64, end: End, per_second: f64) {
        let memory = MEMORY_DIALS.max(MEMORY_SECONDS * per_second);
        let ends = [&mut self.exposed, &mut self.answered, &mut self.other];
        let all = ends.into_iter().chain(&mut self.moved).flatten();
        self.fading.grow(memory, all);
        self.count(index(age, BINS - 1), end, self.fading.weight());
    }

    fn hazards(&self, in_flight: &[u32; BINS]) -> PhaseHazards {
        let mut hazards = PhaseHazards {
            answer: [0.0; BINS],
            other: [0.0; BINS],
            moved: [[0.0; BINS]; PHASES],
            sums: [0.0; BINS + 1],
        };
        let mut older = 0.0;
        for bin in (0..BINS).rev() {
            let exposed = self.exposed[bin] + older * self.fading.weight();
            if exposed > 0.0 {
                hazards.answer[bin] = self.answered[bin] / exposed;
                hazards.other[bin] = self.other[bin] / exposed;
                for to in 0..PHASES {
                    hazards.moved[to][bin] = self.moved[to][bin] / exposed;
                }
            }
            older += f64::from(in_flight[bin]);
        }
        for bin in 0..BINS {
            hazards.sums[bin + 1] = hazards.sums[bin] + hazards.answer[bin];
        }
        hazards
    }
}

/// A life table of each phase.
#[derive(Clone, Debug)]
pub(super) struct Life {
    tables: [LifeTable; PHASES],
}

impl Life {
    /// What is believed before the first dial: half of them answered after 3 to 18 s, the others
    /// ended at 22 s; the later phases are believed in less.
    pub(super) fn new() -> Life {
        Life {
            tables: Phase::ALL.map(|phase| match phase {
                Phase::Calling => LifeTable::new(15.0, 3, 18, 22),
                Phase::Ringing | Phase::EarlyMedia => LifeTable::new(15.0, 0, 15, 20),
                Phase::Classifying => LifeTable::new(5.0, 0, 4, 4),
            }),
        }
    }

    /// Takes in a dial that left a phase at `age` seconds, at `per_second` dials per second.
    pub(super) fn add(&mut self, phase: Phase, age: f64, end: End, per_second: f64) {
        self.tables[phase.place()].add(age, end, per_second);
    }

    /// The hazards that follow, with the dials in flight counted as exposed to the seconds that
    /// they have behind them. `in_flight`: how many are in each second of each phase.
    pub(super) fn hazards(&self, in_flight: &[[u32; BINS]; PHASES]) -> Hazards {
        Hazards {
            phases: Phase::ALL.map(|phase| {
                let place = phase.place();
                self.tables[place].hazards(&in_flight[place])
            }),
        }
    }
}

#[derive(Clone, Debug)]
struct PhaseHazards {
    answer: [f64; BINS],
    other: [f64; BINS],
    moved: [[f64; BINS]; PHASES],
    /// Of `answer`, up to each second.
    sums: [f64; BINS + 1],
}

/// Chances to leave a phase one way or the other in each second of it, for a dial that has come so
/// far.
#[derive(Clone, Debug)]
pub(super) struct Hazards {
    phases: [PhaseHazards; PHASES],
}

impl Hazards {
    /// Answers expected of one dial in this phase up to this age, as long as it lives.
    pub(super) fn expected(&self, phase: Phase, age: f64) -> f64 {
        let sums = &self.phases[phase.place()].sums;
        let low = index(age, BINS - 1);
        let part = (age - real(low)).clamp(0.0, 1.0);
        sums[low] + (sums[low + 1] - sums[low]) * part
    }

    /// The outlook for answers that come `factor` times as often.
    pub(super) fn outlook(&self, factor: f64) -> Outlook {
        let mut outlook = Outlook {
            answered: [[[0.0; STEPS]; BINS + 1]; PHASES],
            in_slots: [[[0.0; SLOTS]; BINS + 1]; PHASES],
        };
        for step in 1..STEPS {
            // A later phase first: its chances within the same time are known then.
            for phase in Phase::ALL.into_iter().rev() {
                self.advance(&mut outlook, phase.place(), step, factor);
            }
        }
        let ages = outlook.answered.iter().flatten();
        for (slots, chances) in outlook.in_slots.iter_mut().flatten().zip(ages) {
            *slots = MIDDLES.map(|middle| between(chances, middle));
        }
        outlook
    }

    /// The chances of all ages of a phase within `step` seconds, from those within one less.
    fn advance(&self, outlook: &mut Outlook, phase: usize, step: usize, factor: f64) {
        let hazards = &self.phases[phase];
        // Who goes on does so in the middle of a second, at the mean.
        let arrived: [f64; PHASES] = std::array::from_fn(|to| {
            let new = &outlook.answered[to][0];
            if to > phase {
                (new[step - 1] + new[step]) / 2.0
            } else {
                new[step - 1]
            }
        });
        for bin in 0..BINS {
            let mut left = 1.0 - hazards.other[bin].min(1.0);
            let mut chance = 0.0;
            for (to, arrived) in arrived.iter().enumerate() {
                let moves = hazards.moved[to][bin].min(left);
                chance += moves * arrived;
                left -= moves;
            }
            let answer = (hazards.answer[bin] * factor).min(left);
            chance += answer + (left - answer) * outlook.answered[phase][bin + 1][step - 1];
            outlook.answered[phase][bin][step] = chance;
        }
    }
}

/// Seconds that an outlook reaches, and the present.
const STEPS: usize = 28;

/// The chance that a dial is answered within so many seconds, by its phase and its age in it.
#[derive(Clone, Debug)]
pub(super) struct Outlook {
    answered: [[[f64; STEPS]; BINS + 1]; PHASES],
    /// The same by the middle of each slot.
    in_slots: [[[f64; SLOTS]; BINS + 1]; PHASES],
}

impl Outlook {
    /// The chances that a dial of this phase and age is answered by the middle of each slot.
    pub(super) fn in_slots(&self, phase: Phase, age: f64) -> [f64; SLOTS] {
        let ages = &self.in_slots[phase.place()];
        let low = index(age, BINS - 1);
        let part = (age - real(low)).clamp(0.0, 1.0);
        let (young, old) = (&ages[low], &ages[low + 1]);
        std::array::from_fn(|k| young[k] + (old[k] - young[k]) * part)
    }

    /// The chance that a dial made now is answered within so many seconds.
    pub(super) fn answered_by(&self, span: f64) -> f64 {
        between(&self.answered[Phase::Calling.place()][0], span)
    }
}

/// Between the values at whole seconds.
fn between(values: &[f64; STEPS], span: f64) -> f64 {
    let low = index(span, STEPS - 2);
    let part = (span - real(low)).clamp(0.0, 1.0);
    values[low] + (values[low + 1] - values[low]) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [[u32; BINS]; PHASES] = [[0; BINS]; PHASES];

    fn answered(life: &Life) -> f64 {
        life.hazards(&NONE).outlook(1.0).answered_by(27.0)
    }

    #[test]
    fn before_the_first_dial_half_of_them_are_answered_within_18_seconds() {
        let outlook = Life::new().hazards(&NONE).outlook(1.0);
        assert!((outlook.answered_by(27.0) - 0.5).abs() < 1e-9);
        assert!(outlook.answered_by(3.0).abs() < 1e-9);
        assert!((outlook.answered_by(18.0) - 0.5).abs() < 1e-9);
        let later = |age| outlook.in_slots(Phase::Calling, age)[SLOTS - 1];
        assert!((later(10.5) - 0.25 / 0.75).abs() < 0.02);
        assert!(later(20.0) < 1e-9);
    }

    #[test]
    fn it_learns_and_forgets() {
        let mut life = Life::new();
        let dial = |life: &mut Life, n: u32, of: u32| {
            for i in 0..n {
                let end = if i % of == 0 {
                    End::Answered
                } else {
                    End::Other
                };
                life.add(Phase::Calling, 8.5, end, 1.0);
            }
        };
        dial(&mut life, 3_000, 10);
        let tenth = answered(&life);
        assert!((tenth - 0.1).abs() < 0.01, "{tenth}");
        dial(&mut life, 3_000, 2);
        let half = answered(&life);
        assert!((half - 0.5).abs() < 0.01, "{half}");
    }

    #[test]
    fn who_still_rings_lowers_the_hazard_of_the_seconds_behind_it() {
        let life = Life::new();
        let hazard = |in_flight| life.hazards(&in_flight).phases[0].answer[5];
        let mut ringing = NONE;
        ringing[0][30] = 15;
        assert!((hazard(ringing) * 2.0 - hazard(NONE)).abs() < 0.01);
        let mut young = NONE;
        young[0][2] = 15;
        assert!((hazard(young) - hazard(NONE)).abs() < 1e-9);
    }

    #[test]
    fn a_cancelled_dial_is_no_answer_and_no_failure() {
        let mut life = Life::new();
        for _ in 0..2_000 {
            life.add(Phase::Calling, 1.5, End::Cancelled, 1.0);
        }
        let answered = answered(&life);
        assert!(
            (answered - 0.5).abs() < 1e-6,
            "nothing was learnt of later seconds"
        );
    }

    #[test]
    fn expected_answers_grow_with_age_alone() {
        let hazards = Life::new().hazards(&NONE);
        let expected = |age| hazards.expected(Phase::Calling, age);
        assert!(expected(2.0).abs() < 1e-12);
        assert!(expected(10.5) > expected(10.0));
        assert!((expected(40.0) - expected(1e6)).abs() < 1e-12);
    }

    /// Rings after 1 to 6 s; then four tenths are answered 5 s later, three tenths by a machine that
    /// is told after 3 s, and three tenths ring on.
    fn told() -> Outlook {
        let mut life = Life::new();
        for i in 0..6_000u32 {
            let set_up = 1.5 + f64::from(i % 5);
            life.add(Phase::Calling, set_up, End::Moved(Phase::Ringing), 1.0);
            match i % 10 {
                0..4 => life.add(Phase::Ringing, 5.5, End::Answered, 1.0),
                4..7 => {
                    let end = End::Moved(Phase::Classifying);
                    life.add(Phase::Ringing, 5.5, end, 1.0);
                    life.add(Phase::Classifying, 3.5, End::Other, 1.0);
                }
                _ => life.add(Phase::Ringing, 25.0, End::Other, 1.0),
            }
        }
        life.hazards(&NONE).outlook(1.0)
    }

    #[test]
    fn a_dial_that_rings_has_the_outlook_of_its_ringing() {
        let outlook = told();
        let within = |phase, age, slot: usize| outlook.in_slots(phase, age)[slot];
        assert!((outlook.answered_by(25.0) - 0.4).abs() < 0.02);
        // Within 7.5, 4.5, and 25.5 seconds.
        assert!((within(Phase::Ringing, 0.0, 2) - 0.4).abs() < 0.02);
        assert!(within(Phase::Ringing, 0.0, 1) < 0.01, "not before 5 s");
        assert!(within(Phase::Ringing, 10.0, 8) < 0.01, "nor later");
        assert!(within(Phase::Classifying, 1.0, 8) < 0.02, "a machine");
        let soon = within(Phase::Calling, 5.0, 2);
        assert!((soon - 0.4).abs() < 0.06, "{soon}: it is about to ring");
    }

    #[test]
    fn more_answers_leave_less_for_later() {
        let hazards = Life::new().hazards(&NONE);
        let (once, twice) = (hazards.outlook(1.0), hazards.outlook(2.0));
        assert!(twice.answered_by(27.0) > once.answered_by(27.0));
        assert!(hazards.outlook(1e6).answered_by(27.0) <= 1.0);
    }
}
