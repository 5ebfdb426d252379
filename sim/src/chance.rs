//! Random durations, the same for the same seed on every machine.

use outdial_engine::Span;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, LogNormal};

/// Why a distribution can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSpread;

/// A source of chance.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The same seed gives the same chances.
    #[must_use]
    pub fn new(seed: u64) -> Chance {
        Chance(ChaCha8Rng::seed_from_u64(seed))
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// Between 0 and 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    pub(crate) fn span(&mut self, spread: &Spread) -> Span {
        let seconds = match spread {
            Spread::LogNormal(d) => d.sample(&mut self.0),
            Spread::Gamma(d) => d.sample(&mut self.0),
            Spread::Zero => 0.0,
        };
        span(seconds)
    }
}

/// How a duration in seconds is spread.
#[derive(Clone, Debug)]
pub(crate) enum Spread {
    LogNormal(LogNormal<f64>),
    Gamma(Gamma<f64>),
    Zero,
}

impl Spread {
    /// Lognormal; `variation` is the standard deviation divided by the mean.
    pub(crate) fn log_normal(mean: f64, variation: f64) -> Result<Spread, BadSpread> {
        let d = LogNormal::from_mean_cv(mean, variation).map_err(|_| BadSpread)?;
        Ok(Spread::LogNormal(d))
    }

    pub(crate) fn gamma(mean: f64, shape: f64) -> Result<Spread, BadSpread> {
        let d = Gamma::new(shape, mean / shape).map_err(|_| BadSpread)?;
        Ok(Spread::Gamma(d))
    }
}

/// Seconds, at most a day.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before the cast"
)]
pub(crate) fn span(seconds: f64) -> Span {
    Span((seconds.clamp(0.0, 86_400.0) * 1e6) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(spread: &Spread) -> f64 {
        let mut chance = Chance::new(1);
        let n = 40_000;
        let sum: u64 = (0..n).map(|_| chance.span(spread).0).sum();
        f64::from(u32::try_from(sum / n / 1_000).unwrap()) / 1e3
    }

    #[test]
    fn means_are_what_was_asked_for() {
        let talk = mean(&Spread::log_normal(120.0, 1.0).unwrap());
        assert!((talk - 120.0).abs() < 2.0, "{talk}");
        let ring = mean(&Spread::gamma(9.0, 2.2).unwrap());
        assert!((ring - 9.0).abs() < 0.2, "{ring}");
        assert!(Spread::gamma(9.0, -1.0).is_err());
    }

    #[test]
    fn the_same_seed_gives_the_same() {
        let draw = |seed| {
            (0..5)
                .map(|_| 0)
                .scan(Chance::new(seed), |c, _| Some(c.share().to_bits()))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
