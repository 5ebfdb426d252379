//! How long an agent stays in a call and in the wrap-up after it.

use super::math::{Fading, real};

/// Seconds at which the hazard may change.
const EDGES: [f64; 13] = [
    0.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 240.0, 480.0, 960.0,
];
const PIECES: usize = EDGES.len();
/// Stays that are remembered.
const MEMORY: f64 = 500.0;
/// Stays that the prior counts for.
const PRIOR: usize = 20;
/// Step of the convolution in [`Busy`], in seconds.
const STEP: f64 = 0.5;

/// Hazards that are constant in pieces (Friedman, "Piecewise Exponential Models for Survival Data
/// with Covariates", 1982): in each, ends divided by time spent there.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    time: [f64; PIECES],
    ends: [f64; PIECES],
    fading: Fading,
}

impl Stay {
    /// Believed at first: lognormal with this mean in seconds, and this standard deviation divided
    /// by the mean.
    pub(super) fn new(mean: f64, variation: f64) -> Stay {
        let mut stay = Stay {
            time: [0.0; PIECES],
            ends: [0.0; PIECES],
            fading: Fading::new(),
        };
        let sigma2 = libm::log(1.0 + variation * variation);
        let mu = libm::log(mean.max(0.1)) - sigma2 / 2.0;
        for i in 0..PRIOR {
            let z = quantile((real(i) + 0.5) / real(PRIOR));
            stay.count(libm::exp(mu + libm::sqrt(sigma2) * z));
        }
        stay
    }

    fn count(&mut self, seconds: f64) {
        let weight = self.fading.weight();
        for piece in 0..PIECES {
            let (from, to) = bounds(piece);
            if seconds < from {
                break;
            }
            self.time[piece] += (seconds.min(to) - from) * weight;
            if seconds < to {
                self.ends[piece] += weight;
            }
        }
    }

    /// Takes in a stay that has ended.
    pub(super) fn add(&mut self, seconds: f64) {
        let all = self.time.iter_mut().chain(&mut self.ends);
        self.fading.grow(MEMORY, all);
        self.count(seconds.max(0.0));
    }

    /// Ends per second in a piece; where nobody has come so far, that of all stays.
    fn hazard(&self, piece: usize) -> f64 {
        let (time, ends) = (self.time[piece], self.ends[piece]);
        if time > 0.0 {
            return ends / time;
        }
        let (all, over) = (self.ends.iter().sum::<f64>(), self.time.iter().sum::<f64>());
        if over > 0.0 { all / over } else { 1.0 }
    }

    /// The integral of the hazard up to each edge, and the hazards.
    fn cumulative(&self) -> Cumulative {
        let mut cumulative = Cumulative {
            at: [0.0; PIECES],
            hazard: [0.0; PIECES],
        };
        for piece in 0..PIECES {
            cumulative.hazard[piece] = self.hazard(piece);
            if piece > 0 {
                let (from, to) = bounds(piece - 1);
                cumulative.at[piece] =
                    cumulative.at[piece - 1] + cumulative.hazard[piece - 1] * (to - from);
            }
        }
        cumulative
    }
}

fn bounds(piece: usize) -> (f64, f64) {
    let to = EDGES.get(piece + 1).copied().unwrap_or(f64::INFINITY);
    (EDGES[piece], to)
}

/// The standard normal quantile, good to 0.0005 (Abramowitz and Stegun 26.2.23).
fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let t = libm::sqrt(-2.0 * libm::log(p));
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    -(t - above / below)
}

#[derive(Clone, Debug)]
struct Cumulative {
    at: [f64; PIECES],
    hazard: [f64; PIECES],
}

impl Cumulative {
    /// The chance to stay beyond `seconds`.
    fn beyond(&self, seconds: f64) -> f64 {
        let piece = EDGES.partition_point(|edge| *edge <= seconds).max(1) - 1;
        let sum = self.at[piece] + self.hazard[piece] * (seconds - EDGES[piece]);
        libm::exp(-sum.max(0.0))
    }
}

/// Ages at which [`Busy`] keeps answers ready, in seconds.
const AGES: [f64; 22] = [
    0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0,
    130.0, 170.0, 240.0, 360.0, 600.0, 1_000.0,
];

/// The chance that an agent who is busy is free a given time from now, for fixed times.
#[derive(Clone, Debug)]
pub(super) struct Busy<const N: usize> {
    talk: [[f64; N]; AGES.len()],
    wrap: [[f64; N]; AGES.len()],
}

impl<const N: usize> Busy<N> {
    /// `from_now`: the times, in seconds, ascending.
    pub(super) fn new(talk: &Stay, wrap: &Stay, from_now: &[f64; N]) -> Busy<N> {
        let (talk, wrap) = (talk.cumulative(), wrap.cumulative());
        let mut busy = Busy {
            talk: [[0.0; N]; AGES.len()],
            wrap: [[0.0; N]; AGES.len()],
        };
        let over = wrapped_up(&wrap, from_now);
        for (i, age) in AGES.into_iter().enumerate() {
            let stays = wrap.beyond(age).max(1e-12);
            for (k, v) in from_now.iter().enumerate() {
                busy.wrap[i][k] = 1.0 - wrap.beyond(age + v) / stays;
            }
            busy.talk[i] = both(&talk, &over, age);
        }
        busy
    }

    /// For an agent who has talked for `age` seconds; one chance for each of the times.
    pub(super) fn talking(&self, age: f64) -> [f64; N] {
        between(&self.talk, age)
    }

    /// For an agent who has been in wrap-up for `age` seconds.
    pub(super) fn wrapping(&self, age: f64) -> [f64; N] {
        between(&self.wrap, age)
    }
}

/// For each step of time in which a talk may end: the chance that the wrap-up after it is over at each
/// of the times. It is the same for all ages, and most of the work.
fn wrapped_up<const N: usize>(wrap: &Cumulative, from_now: &[f64; N]) -> Vec<[f64; N]> {
    let mut over = Vec::new();
    let mut x = 0.0;
    let last = from_now.last().copied().unwrap_or(0.0);
    while x < last {
        over.push(from_now.map(|v| {
            let rest = v - x - STEP / 2.0;
            if rest > 0.0 {
                1.0 - wrap.beyond(rest)
            } else {
                0.0
            }
        }));
        x += STEP;
    }
    over
}

/// Talk ends within the time, and so does the wrap-up after it.
fn both<const N: usize>(talk: &Cumulative, over: &[[f64; N]], age: f64) -> [f64; N] {
    let mut free = [0.0; N];
    let stays = talk.beyond(age).max(1e-12);
    let mut x = 0.0;
    let mut before = 1.0;
    for over in over {
        let after = talk.beyond(age + x + STEP) / stays;
        let ends = before - after;
        for (free, over) in free.iter_mut().zip(over) {
            *free += ends * over;
        }
        before = after;
        x += STEP;
    }
    free
}

fn between<const N: usize>(table: &[[f64; N]; AGES.len()], age: f64) -> [f64; N] {
    let high = AGES
        .partition_point(|a| *a <= age)
        .min(AGES.len() - 1)
        .max(1);
    let (from, to) = (AGES[high - 1], AGES[high]);
    let part = ((age - from) / (to - from)).clamp(0.0, 1.0);
    std::array::from_fn(|k| table[high - 1][k] + (table[high][k] - table[high - 1][k]) * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [f64; 3] = [3.5, 12.5, 27.5];

    #[test]
    fn the_prior_is_the_lognormal_that_was_asked_for() {
        let talk = Stay::new(120.0, 1.0).cumulative();
        // Median of a lognormal with mean 120 and CV 1: 120 / sqrt(2) = 84.9.
        let beyond = talk.beyond(84.9);
        assert!((beyond - 0.5).abs() < 0.06, "{beyond}");
    }

    #[test]
    fn it_learns_another_talk_time() {
        let mut stay = Stay::new(120.0, 1.0);
        for i in 0..4_000u32 {
            // Exponential with mean 30 s, by quantiles in a scattered order.
            let p = (f64::from(i * 617 % 1_000) + 0.5) / 1_000.0;
            stay.add(-30.0 * libm::log(1.0 - p));
        }
        let beyond = stay.cumulative().beyond(30.0);
        assert!((beyond - libm::exp(-1.0)).abs() < 0.03, "{beyond}");
    }

    #[test]
    fn who_talks_is_free_later_than_who_wraps_up() {
        let busy = Busy::new(&Stay::new(60.0, 1.0), &Stay::new(20.0, 0.6), &TIMES);
        let (talking, wrapping) = (busy.talking(30.0), busy.wrapping(5.0));
        for k in 0..TIMES.len() {
            assert!(talking[k] < wrapping[k], "{talking:?} {wrapping:?}");
        }
        assert!(talking.is_sorted() && wrapping.is_sorted());
        assert!(wrapping[2] > 0.6 && wrapping[2] <= 1.0, "{wrapping:?}");
    }

    #[test]
    fn memoryless_stays_give_the_known_formula() {
        let mut talk = Stay::new(40.0, 1.0);
        let mut wrap = Stay::new(10.0, 1.0);
        for i in 0..20_000u32 {
            let p = (f64::from(i * 617 % 1_000) + 0.5) / 1_000.0;
            talk.add(-40.0 * libm::log(1.0 - p));
            wrap.add(-10.0 * libm::log(1.0 - p));
        }
        let busy = Busy::new(&talk, &wrap, &TIMES);
        for (k, v) in TIMES.into_iter().enumerate() {
            let (a, b) = (1.0 / 40.0, 1.0 / 10.0);
            let both = 1.0 - (b * libm::exp(-a * v) - a * libm::exp(-b * v)) / (b - a);
            let got = busy.talking(20.0)[k];
            assert!((got - both).abs() < 0.02, "{v}: {got} {both}");
        }
    }

    #[test]
    fn no_wrap_up_at_all_is_no_special_case() {
        let mut wrap = Stay::new(0.1, 0.1);
        for _ in 0..1_000 {
            wrap.add(0.0);
        }
        let busy = Busy::new(&Stay::new(60.0, 1.0), &wrap, &TIMES);
        assert!(busy.wrapping(0.0)[0] > 0.99);
        assert!(busy.talking(500.0).iter().all(|f| f.is_finite()));
    }
}
