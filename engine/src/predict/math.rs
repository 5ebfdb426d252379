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

#[cfg(test)]
mod tests {
    use super::*;

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
