//! The little mathematics that prediction needs. From `libm` and not from the standard library,
//! whose results differ between platforms: the same events must give the same commands everywhere.

/// The standard normal distribution.
pub(super) fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// The standard normal density.
pub(super) fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / libm::sqrt(2.0 * std::f64::consts::PI)
}

/// `x` rounded down, between 0 and `most`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before the cast"
)]
pub(super) fn index(x: f64, most: usize) -> usize {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    x.clamp(0.0, f64::from(most)) as usize
}

/// A count as a number to calculate with.
pub(super) fn real(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Above this the sums of a [`Fading`] are made small again.
const WEIGHT_MOST: f64 = 1e9;

/// The weight of observations in sums of which only ratios matter. It grows with each one, so that
/// those further back count for less.
#[derive(Clone, Debug)]
pub(super) struct Fading {
    weight: f64,
}

impl Fading {
    pub(super) fn new() -> Fading {
        Fading { weight: 1.0 }
    }

    /// Of the newest observation.
    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    /// One more observation comes; about `memory` of them are remembered. `sums`: all that weights
    /// were added to.
    pub(super) fn grow<'a>(&mut self, memory: f64, sums: impl IntoIterator<Item = &'a mut f64>) {
        self.weight *= memory / (memory - 1.0);
        if self.weight > WEIGHT_MOST {
            for sum in sums {
                *sum /= self.weight;
            }
            self.weight = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fading_sums_keep_their_ratios_when_made_small() {
        let mut fading = Fading::new();
        let mut sums = [0.0, 0.0];
        for i in 0..30_000 {
            fading.grow(500.0, &mut sums);
            assert!(fading.weight() <= WEIGHT_MOST);
            sums[usize::from(i % 5 == 0)] += fading.weight();
        }
        let share = sums[1] / (sums[0] + sums[1]);
        assert!((share - 0.2).abs() < 0.01, "{share}");
    }

    #[test]
    fn the_normal_distribution_at_known_points() {
        for (x, p) in [(0.0, 0.5), (1.0, 0.841_344_7), (-2.0, 0.022_750_1)] {
            assert!((phi(x) - p).abs() < 1e-6, "{x}");
        }
        assert!((density(0.0) - 0.398_942_3).abs() < 1e-6);
    }

    #[test]
    fn an_index_never_leaves_its_range() {
        for (x, i) in [(-1.0, 0), (0.9, 0), (3.5, 3), (99.0, 7), (f64::NAN, 0)] {
            assert_eq!(index(x, 7), i, "{x}");
        }
    }
}
