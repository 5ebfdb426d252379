//! Trunks: the token bucket, channels in use, and back-off after failures.

use crate::config::TrunkConfig;
use crate::explain::Reason;
use crate::limits::{DIAL_AHEAD, TRUNK_BACKOFF, TRUNK_BACKOFF_MAX, TRUNK_FAULTS};
use crate::time::{Span, Tick};

/// One call, in the bucket's unit: at 1 call per 1000 seconds (`cps_milli` 1) one microsecond
/// brings one unit, so all arithmetic is exact.
const TOKEN: u64 = 1_000_000_000;

/// A token bucket. In any window of t seconds at most `cps * t + burst` calls are due.
#[derive(Clone, Debug)]
struct Bucket {
    units: u64,
    /// When it held that; up to [`DIAL_AHEAD`] in the future.
    at: Tick,
}

/// A trunk at run time.
#[derive(Clone, Debug)]
pub(crate) struct Trunk {
    pub(crate) config: TrunkConfig,
    bucket: Bucket,
    pub(crate) channels: u32,
    pub(crate) legs: u64,
    pub(crate) answered: u64,
    pub(crate) faults: u64,
    faults_in_a_row: u32,
    backoff: Span,
    pub(crate) backoff_until: Option<Tick>,
}

impl Trunk {
    pub(crate) fn new(config: TrunkConfig, now: Tick) -> Trunk {
        let units = u64::from(config.burst) * TOKEN;
        Trunk {
            config,
            bucket: Bucket { units, at: now },
            channels: 0,
            legs: 0,
            answered: 0,
            faults: 0,
            faults_in_a_row: 0,
            backoff: TRUNK_BACKOFF,
            backoff_until: None,
        }
    }

    /// Takes new limits; what the bucket holds by the old ones it keeps, up to the new burst.
    pub(crate) fn configure(&mut self, config: TrunkConfig, now: Tick) {
        self.refill(now);
        self.config = config;
        self.bucket.units = self.bucket.units.min(self.full());
    }

    fn full(&self) -> u64 {
        u64::from(self.config.burst) * TOKEN
    }

    fn refill(&mut self, now: Tick) {
        let elapsed = now - self.bucket.at;
        if elapsed.0 > 0 {
            let gained = elapsed.0.saturating_mul(u64::from(self.config.cps_milli));
            self.bucket.units = self.bucket.units.saturating_add(gained).min(self.full());
            self.bucket.at = now;
        }
    }

    /// Why no call can start now, if none can.
    pub(crate) fn check(&mut self, now: Tick) -> Result<(), Reason> {
        if !self.config.enabled || self.backoff_until.is_some_and(|until| now < until) {
            return Err(Reason::TrunkBackoff);
        }
        if self.channels >= self.config.max_channels {
            return Err(Reason::TrunkChannels);
        }
        if self.due(now) - now > DIAL_AHEAD {
            return Err(Reason::TrunkCps);
        }
        Ok(())
    }

    /// When the next call is due by the bucket.
    fn due(&mut self, now: Tick) -> Tick {
        self.refill(now);
        let missing = TOKEN.saturating_sub(self.bucket.units);
        let wait = Span(missing.div_ceil(u64::from(self.config.cps_milli.max(1))));
        self.bucket.at.max(now) + wait
    }

    /// When a call can be decided on, if only time is in the way.
    pub(crate) fn free_at(&mut self, now: Tick) -> Option<Tick> {
        if !self.config.enabled || self.channels >= self.config.max_channels {
            return None;
        }
        let at = Tick(self.due(now).0.saturating_sub(DIAL_AHEAD.0)).max(now);
        Some(self.backoff_until.map_or(at, |until| at.max(until)))
    }

    /// Starts a call; [`Trunk::check`] allowed it. Returns when it is due.
    pub(crate) fn take(&mut self, now: Tick) -> Tick {
        let due = self.due(now);
        self.refill(due);
        self.bucket.units = self.bucket.units.saturating_sub(TOKEN);
        self.channels += 1;
        self.legs += 1;
        due
    }

    /// A call that was taken never left the PBX.
    pub(crate) fn give_back(&mut self, now: Tick) {
        self.refill(now);
        self.bucket.units = (self.bucket.units + TOKEN).min(self.full());
        self.legs = self.legs.saturating_sub(1);
    }

    /// A call's channel is gone.
    pub(crate) fn release(&mut self) {
        self.channels = self.channels.saturating_sub(1);
    }

    /// The carrier works: somebody was reached, or the callee's side has spoken.
    pub(crate) fn worked(&mut self) {
        self.faults_in_a_row = 0;
        self.backoff = TRUNK_BACKOFF;
        self.backoff_until = None;
    }

    /// A call failed by the trunk's fault.
    pub(crate) fn failed(&mut self, now: Tick) {
        self.faults += 1;
        self.faults_in_a_row = self.faults_in_a_row.saturating_add(1);
        let resting = self.backoff_until.is_some_and(|until| now < until);
        if self.faults_in_a_row >= TRUNK_FAULTS && !resting {
            self.backoff_until = Some(now + self.backoff);
            self.backoff = Span((self.backoff.0 * 2).min(TRUNK_BACKOFF_MAX.0));
        }
    }

    /// What the bucket holds, in thousandths of a call.
    pub(crate) fn tokens_milli(&self, now: Tick) -> i64 {
        let mut later = self.clone();
        later.refill(now);
        i64::try_from(later.bucket.units / (TOKEN / 1000)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TrunkId;
    use proptest::prelude::*;

    fn config(cps_milli: u32, burst: u32) -> TrunkConfig {
        TrunkConfig {
            id: TrunkId(1),
            name: "t".into(),
            tech: "PJSIP".into(),
            endpoint: "t".into(),
            enabled: true,
            cps_milli,
            burst,
            max_channels: 10_000,
        }
    }

    proptest! {
        #[test]
        fn no_window_passes_more_than_rate_times_length_plus_burst(
            cps_milli in 100u32..200_000,
            burst in 1u32..20,
            steps in proptest::collection::vec(0u64..400_000, 1..300),
        ) {
            let mut trunk = Trunk::new(config(cps_milli, burst), Tick(0));
            let mut now = Tick(0);
            let mut passed = Vec::new();
            for step in steps {
                now = now + Span(step);
                while trunk.check(now).is_ok() {
                    let due = trunk.take(now);
                    prop_assert!(due >= now && due - now <= DIAL_AHEAD);
                    passed.push(due);
                }
            }
            for (i, from) in passed.iter().enumerate() {
                for (j, to) in passed.iter().enumerate().skip(i) {
                    let allowed = (*to - *from).0 * u64::from(cps_milli) / TOKEN + u64::from(burst);
                    prop_assert!((j - i + 1) as u64 <= allowed);
                }
            }
        }

        #[test]
        fn who_comes_late_by_less_than_the_lead_loses_no_call(
            cps_milli in 1_000u32..1_000_000,
            late in proptest::collection::vec(0..=DIAL_AHEAD.0, 200),
        ) {
            let mut trunk = Trunk::new(config(cps_milli, 1), Tick(0));
            let mut now = Tick(0);
            let mut calls = 0;
            for late in late {
                now = trunk.free_at(now).unwrap() + Span(late);
                while trunk.check(now).is_ok() {
                    trunk.take(now);
                    calls += 1;
                }
            }
            let all = now.0 * u64::from(cps_milli) / TOKEN;
            // A microsecond may be lost to rounding with each call.
            let lost = calls * u64::from(cps_milli) / TOKEN + 1;
            prop_assert!(calls + lost >= all, "{} of {}", calls, all);
        }

        #[test]
        fn free_at_is_the_first_instant_that_passes(
            cps_milli in 100u32..200_000,
            burst in 1u32..5,
        ) {
            let mut trunk = Trunk::new(config(cps_milli, burst), Tick(0));
            while trunk.check(Tick(0)).is_ok() {
                trunk.take(Tick(0));
            }
            let at = trunk.free_at(Tick(0)).unwrap();
            prop_assert_eq!(trunk.clone().check(Tick(at.0 - 1)), Err(Reason::TrunkCps));
            prop_assert_eq!(trunk.check(at), Ok(()));
        }
    }

    #[test]
    fn a_lower_rate_works_at_once() {
        let mut trunk = Trunk::new(config(100_000, 10), Tick(0));
        trunk.configure(config(5_000, 1), Tick(0));
        trunk.check(Tick(0)).unwrap();
        assert_eq!(trunk.take(Tick(0)), Tick(0));
        let at = Tick(200_000 - DIAL_AHEAD.0);
        assert_eq!(trunk.check(Tick(at.0 - 1)), Err(Reason::TrunkCps));
        assert_eq!(trunk.check(at), Ok(()));
        assert_eq!(trunk.take(at), Tick(200_000));
    }

    #[test]
    fn a_trunk_that_keeps_failing_rests_longer_and_longer_until_it_works() {
        let mut trunk = Trunk::new(config(100_000, 10), Tick(0));
        for _ in 0..TRUNK_FAULTS {
            assert_eq!(trunk.check(Tick(0)), Ok(()));
            trunk.failed(Tick(0));
        }
        assert_eq!(trunk.check(Tick(0)), Err(Reason::TrunkBackoff));
        let after = Tick(0) + TRUNK_BACKOFF;
        assert_eq!(trunk.check(after), Ok(()));
        trunk.failed(after);
        assert_eq!(
            trunk.check(after + TRUNK_BACKOFF),
            Err(Reason::TrunkBackoff)
        );
        trunk.worked();
        assert_eq!(trunk.check(after), Ok(()));
    }
}
