//! A histogram of durations that one thread fills and any thread reads.

use std::sync::atomic::{AtomicU64, Ordering};

/// Steps between two powers of two: a quantile is right within 1/8.
const STEPS: u64 = 8;
const BUCKETS: usize = 8 * 40;

/// Counts by logarithmic bucket, in microseconds.
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
}

impl Histogram {
    pub(crate) fn new() -> Histogram {
        Histogram {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }

    pub(crate) fn record(&self, us: u64) {
        if let Some(bucket) = self.buckets.get(index(us)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The upper edge of the bucket that holds the `percent`-th hundredth; 0 when empty.
    pub(crate) fn quantile(&self, percent: u64) -> u64 {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect();
        let total: u64 = counts.iter().sum();
        let wanted = (total.saturating_mul(percent)).div_ceil(100);
        let mut seen = 0;
        for (i, count) in counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && total > 0 {
                return upper(i);
            }
        }
        0
    }
}

fn index(us: u64) -> usize {
    let i = if us < STEPS {
        us
    } else {
        let power = u64::from(us.ilog2());
        let step = (us >> (power - 3)) & (STEPS - 1);
        (power - 2) * STEPS + step
    };
    usize::try_from(i).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn upper(index: usize) -> u64 {
    let i = u64::try_from(index).unwrap_or(u64::MAX);
    if i < STEPS {
        return i;
    }
    let power = i / STEPS + 2;
    ((STEPS + i % STEPS + 1) << (power - 3)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_within_an_eighth() {
        let histogram = Histogram::new();
        assert_eq!(histogram.quantile(99), 0);
        for us in 1..=10_000 {
            histogram.record(us);
        }
        let p50 = histogram.quantile(50);
        let p99 = histogram.quantile(99);
        assert!((5_000..=5_700).contains(&p50), "{p50}");
        assert!((9_900..=11_200).contains(&p99), "{p99}");
    }

    #[test]
    fn every_duration_has_a_bucket_whose_edge_is_not_below_it() {
        for us in [0, 1, 7, 8, 9, 15, 16, 1_000, 65_535, 1 << 40] {
            assert!(upper(index(us)) >= us, "{us}");
        }
        assert_eq!(index(u64::MAX), BUCKETS - 1);
    }
}
