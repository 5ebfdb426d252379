//! The risk that one more answer finds no free agent, and how many dials it allows.

use super::math::{density, phi, real};

/// A dial made now is answered in one of these spans, if at all.
pub(super) const SLOTS: usize = 9;
/// Their middles, in seconds from now.
pub(super) const MIDDLES: [f64; SLOTS] = [1.5, 4.5, 7.5, 10.5, 13.5, 16.5, 19.5, 22.5, 25.5];
/// Half of a span.
pub(super) const HALF: f64 = 1.5;
/// Up to so many dials in flight and busy agents the distribution is calculated exactly.
pub(super) const EXACT: u32 = 48;

/// Dials in flight, or busy agents, that are alike: how many, and each one's chance to be answered,
/// or free, by the middle of each slot.
pub(super) type Alike = (u32, [f64; SLOTS]);

/// What is known at this moment.
#[derive(Clone, Debug)]
pub(super) struct Picture<'a> {
    /// Free agents, less the answered calls that wait for one.
    pub(super) free: i64,
    /// Dials in flight.
    pub(super) dials: &'a [Alike],
    /// Busy agents.
    pub(super) busy: &'a [Alike],
    /// The chance that a dial made now is answered by the middle of each slot.
    pub(super) new: [f64; SLOTS],
    /// The chance that it is answered in that slot, if it is answered.
    pub(super) weights: [f64; SLOTS],
}

impl Picture<'_> {
    /// How many dials may be made now, `most` at most, so that none of them adds an answer that
    /// finds no agent with more than this chance.
    pub(super) fn dials(&self, risk: f64, most: u32) -> u32 {
        if self.is_small() {
            self.exactly(risk, most)
        } else {
            self.roughly(risk, most)
        }
    }

    /// So few that the distribution is calculated exactly.
    pub(super) fn is_small(&self) -> bool {
        let count = |all: &[Alike]| all.iter().map(|(n, _)| n).sum::<u32>();
        count(self.dials) + count(self.busy) <= EXACT
    }

    /// Weighs the slots: an answer in one takes an agent away from those after it too.
    fn cost(&self, late: &[f64; SLOTS]) -> f64 {
        let mut worst = 0.0_f64;
        let mut cost = 0.0;
        for k in (0..SLOTS).rev() {
            worst = worst.max(late[k]);
            cost += self.weights[k] * worst;
        }
        cost
    }

    /// For an answer in each slot, the chance that it or one after it finds no agent. `without`: the
    /// place of a dial that is left out, because it is its answer.
    pub(super) fn late(&self, without: Option<usize>) -> [f64; SLOTS] {
        let mut worst = 0.0_f64;
        let mut late = [0.0; SLOTS];
        for k in (0..SLOTS).rev() {
            let need = Need::without(self, k, without);
            worst = worst.max(need.reaches(self.free));
            late[k] = worst;
        }
        late
    }

    /// By convolution, dial for dial.
    fn exactly(&self, risk: f64, most: u32) -> u32 {
        if self.is_over(risk) {
            return 0;
        }
        let mut needs: [Need; SLOTS] = std::array::from_fn(|k| Need::new(self, k));
        let mut dials = 0;
        while dials < most {
            let late = std::array::from_fn(|k| needs[k].reaches(self.free));
            if self.cost(&late) > risk {
                break;
            }
            dials += 1;
            for (need, chance) in needs.iter_mut().zip(self.new) {
                need.add(chance);
            }
        }
        dials
    }

    /// Mostly not even one dial may be made, and the slots that weigh most show it already: what they
    /// cost is a part of the whole.
    fn is_over(&self, risk: f64) -> bool {
        let mut order: [usize; SLOTS] = std::array::from_fn(|k| k);
        order.sort_unstable_by(|a, b| self.weights[*b].total_cmp(&self.weights[*a]));
        let mut least = 0.0;
        order.into_iter().take(SLOTS / 2).any(|k| {
            least += self.weights[k] * Need::new(self, k).reaches(self.free);
            least > risk
        })
    }

    /// By the normal distribution with a correction for its skew; the first number of dials that
    /// is too many is found by halving, because each dial adds to the risk.
    fn roughly(&self, risk: f64, most: u32) -> u32 {
        let sums: [Sums; SLOTS] = std::array::from_fn(|k| {
            let mut sums = Sums::default();
            for (n, chances) in self.dials {
                sums.add(f64::from(*n), chances[k]);
            }
            for (n, chances) in self.busy {
                sums.take(f64::from(*n), chances[k]);
            }
            sums
        });
        let allowed = |dials: u32| {
            let late = std::array::from_fn(|k| {
                let mut sums = sums[k];
                sums.add(f64::from(dials), self.new[k]);
                sums.reaches(self.free)
            });
            self.cost(&late) <= risk
        };
        let (mut low, mut high) = (0, most);
        while low < high {
            let middle = low + (high - low) / 2;
            if allowed(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The distribution of answers less agents who come free, by one instant.
struct Need {
    /// Chance of each value, from `-busy` on.
    chances: Vec<f64>,
    busy: usize,
}

impl Need {
    fn new(picture: &Picture<'_>, slot: usize) -> Need {
        Need::without(picture, slot, None)
    }

    fn without(picture: &Picture<'_>, slot: usize, left_out: Option<usize>) -> Need {
        let busy = picture.busy.iter().map(|(n, _)| *n).sum::<u32>();
        let busy = usize::try_from(busy).unwrap_or(0);
        let mut chances = vec![0.0; busy + 1];
        chances[busy] = 1.0;
        let mut need = Need { chances, busy };
        for (n, each) in picture.busy {
            for _ in 0..*n {
                need.take(each[slot]);
            }
        }
        let dials = picture.dials.iter().enumerate();
        for (_, (n, each)) in dials.filter(|(place, _)| Some(*place) != left_out) {
            for _ in 0..*n {
                need.add(each[slot]);
            }
        }
        need
    }

    /// One more answer, with this chance.
    fn add(&mut self, chance: f64) {
        self.chances.push(0.0);
        for i in (1..self.chances.len()).rev() {
            self.chances[i] = self.chances[i] * (1.0 - chance) + self.chances[i - 1] * chance;
        }
        self.chances[0] *= 1.0 - chance;
    }

    /// One more agent, with this chance.
    fn take(&mut self, chance: f64) {
        for i in 0..self.chances.len() - 1 {
            self.chances[i] = self.chances[i] * (1.0 - chance) + self.chances[i + 1] * chance;
        }
        if let Some(last) = self.chances.last_mut() {
            *last *= 1.0 - chance;
        }
    }

    /// The chance that there are at least so many.
    fn reaches(&self, free: i64) -> f64 {
        let busy = i64::try_from(self.busy).unwrap_or(i64::MAX);
        let from = usize::try_from(free.saturating_add(busy)).unwrap_or(0);
        self.chances.iter().skip(from).sum()
    }
}

/// The first three cumulants of the same.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    mean: f64,
    variance: f64,
    third: f64,
}

impl Sums {
    fn add(&mut self, n: f64, chance: f64) {
        let variance = chance * (1.0 - chance);
        self.mean += n * chance;
        self.variance += n * variance;
        self.third += n * variance * (1.0 - 2.0 * chance);
    }

    fn take(&mut self, n: f64, chance: f64) {
        let variance = chance * (1.0 - chance);
        self.mean -= n * chance;
        self.variance += n * variance;
        self.third -= n * variance * (1.0 - 2.0 * chance);
    }

    /// The chance that the sum is at least `free`: the normal distribution and the first term of
    /// its Edgeworth expansion (Abramowitz and Stegun 26.2.48), which is not trusted far out.
    fn reaches(&self, free: i64) -> f64 {
        let free = f64::from(i32::try_from(free).unwrap_or(i32::MAX));
        let over = free - 0.5 - self.mean;
        let deviation = libm::sqrt(self.variance);
        if deviation < 1e-9 {
            return if over > 0.0 { 0.0 } else { 1.0 };
        }
        let z = over / deviation;
        let tail = phi(-z);
        let skew = self.third / (deviation * deviation * deviation);
        let correction = skew / 6.0 * (z * z - 1.0) * density(z);
        (tail + correction).clamp(0.3 * tail, 3.0 * tail).min(1.0)
    }
}

/// Chances of a new dial, slot by slot, from its chance to be answered by an age.
pub(super) fn slots(answered_by: impl Fn(f64) -> f64) -> ([f64; SLOTS], [f64; SLOTS]) {
    let by = MIDDLES.map(&answered_by);
    let mut weights =
        MIDDLES.map(|middle| (answered_by(middle + HALF) - answered_by(middle - HALF)).max(0.0));
    let all: f64 = weights.iter().sum();
    if all > 0.0 {
        weights = weights.map(|weight| weight / all);
    } else {
        weights = [1.0 / real(SLOTS); SLOTS];
    }
    (by, weights)
}

/// The chance that a dial is answered, and that it is and finds no agent, from its chances to be
/// answered by the middle of each slot and those that an answer then is late.
pub(super) fn lost(by: &[f64; SLOTS], late: &[f64; SLOTS]) -> (f64, f64) {
    let (mut answered, mut lost) = (0.0, 0.0);
    for (by, late) in by.iter().zip(late) {
        let gain = (by - answered).max(0.0);
        answered += gain;
        lost += gain * late;
    }
    (answered, lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: [f64; SLOTS] = [0.02, 0.08, 0.14, 0.18, 0.21, 0.23, 0.24, 0.245, 0.25];

    fn picture<'a>(free: i64, dials: &'a [Alike], busy: &'a [Alike]) -> Picture<'a> {
        let mut weights = NEW;
        for k in (1..SLOTS).rev() {
            weights[k] -= weights[k - 1];
        }
        Picture {
            free,
            dials,
            busy,
            new: NEW,
            weights: weights.map(|w| w / 0.25),
        }
    }

    #[test]
    fn nobody_free_and_nobody_coming_free_allows_no_dial() {
        assert_eq!(picture(0, &[], &[]).dials(0.5, 10), 0);
        assert_eq!(picture(-2, &[], &[]).dials(0.5, 10), 0);
    }

    #[test]
    fn one_free_agent_is_safe_with_one_dial() {
        assert_eq!(picture(1, &[], &[]).dials(1e-9, 10), 1);
    }

    #[test]
    fn who_accepts_more_risk_dials_more() {
        let busy = [(5, [0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6])];
        let allowed = |risk| picture(3, &[], &busy).dials(risk, 100);
        assert!(allowed(0.001) < allowed(0.03));
        assert!(allowed(0.03) < allowed(0.3));
        assert_eq!(allowed(1.0), 100, "the cap");
    }

    #[test]
    fn dials_in_flight_count_and_busy_agents_help() {
        let risk = 0.03;
        let alone = picture(4, &[], &[]).dials(risk, 100);
        let ringing = [(6, [0.2; SLOTS])];
        assert!(picture(4, &ringing, &[]).dials(risk, 100) < alone);
        let busy = [(6, [0.5; SLOTS])];
        assert!(picture(4, &[], &busy).dials(risk, 100) > alone);
    }

    #[test]
    fn the_exact_distribution_of_a_small_case() {
        // Two dials in flight at 0.5, one agent free with 0.5: P(D >= 2) = 1/8, P(D >= 1) = 1/2.
        let (dials, busy) = ([(2, [0.5; SLOTS])], [(1, [0.5; SLOTS])]);
        let need = Need::new(&picture(0, &dials, &busy), 0);
        for (at_least, chance) in [(2, 0.125), (1, 0.5), (0, 0.875), (-1, 1.0), (3, 0.0)] {
            assert!(
                (need.reaches(at_least) - chance).abs() < 1e-12,
                "{at_least}"
            );
        }
    }

    #[test]
    fn both_ways_agree_where_both_are_good() {
        let dials: Vec<Alike> = (0..24u32)
            .map(|i| (1, [0.05 + 0.02 * f64::from(i % 10); SLOTS]))
            .collect();
        let busy: Vec<Alike> = (0..24u32)
            .map(|i| (1, [0.1 + 0.02 * f64::from(i % 10); SLOTS]))
            .collect();
        for free in [2, 4, 6] {
            let picture = picture(free, &dials, &busy);
            for risk in [0.01, 0.03, 0.1, 0.3] {
                let (a, b) = (picture.exactly(risk, 200), picture.roughly(risk, 200));
                assert!(a.abs_diff(b) <= 2, "free {free}, risk {risk}: {a} {b}");
            }
        }
    }

    #[test]
    fn slots_add_up_to_one() {
        let (by, weights) = slots(|age| (age / 60.0).min(0.3));
        assert!(by.is_sorted());
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let (_, flat) = slots(|_| 0.0);
        assert!(
            (flat.iter().sum::<f64>() - 1.0).abs() < 1e-12,
            "never answered"
        );
    }
}
