//! Trunks: the token bucket and channels in use.

use crate::breaker::Breaker;
use crate::config::TrunkConfig;
use crate::explain::Reason;
use crate::ids::LegId;
use crate::limits::{DIAL_AHEAD, FALSE_ANSWER, FALSE_ANSWERS};
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
    /// It goes when the last call over it has.
    pub(crate) removed: bool,
    bucket: Bucket,
    pub(crate) channels: u32,
    pub(crate) legs: u64,
    pub(crate) answered: u64,
    pub(crate) faults: u64,
    /// Answered calls that were over within [`crate::limits::SHORT_CALL`].
    pub(crate) short_calls: u64,
    /// Answers that came before any ringing, within [`FALSE_ANSWER`].
    pub(crate) false_answers: u64,
    false_answers_in_a_row: u32,
    pub(crate) breaker: Breaker,
}

impl Trunk {
    pub(crate) fn new(config: TrunkConfig, now: Tick) -> Trunk {
        let units = u64::from(config.burst) * TOKEN;
        Trunk {
            config,
            removed: false,
            bucket: Bucket { units, at: now },
            channels: 0,
            legs: 0,
            answered: 0,
            faults: 0,
            short_calls: 0,
            false_answers: 0,
            false_answers_in_a_row: 0,
            breaker: Breaker::new(),
        }
    }

    /// Takes new limits; what the bucket holds by the old ones it keeps, up to the new burst.
    pub(crate) fn configure(&mut self, config: TrunkConfig, now: Tick) {
        self.refill(now);
        self.removed = false;
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
        if !self.config.enabled || !self.breaker.admits(now) {
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
        Some(at.max(self.breaker.opens_at(now)?))
    }

    /// Starts a call; [`Trunk::check`] allowed it. Returns when it is due.
    pub(crate) fn take(&mut self, now: Tick, leg: LegId) -> Tick {
        self.breaker.started(leg);
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
    pub(crate) fn release(&mut self, leg: LegId) {
        self.breaker.ended(leg);
        self.channels = self.channels.saturating_sub(1);
    }

    /// A call was answered after this time. `alerted`: it rang, or played something, before.
    /// `true`: so many answers in a row came before any ringing that an operator should know.
    pub(crate) fn answered(&mut self, leg: LegId, after: Span, alerted: bool) -> bool {
        self.breaker.worked(leg);
        self.answered += 1;
        if alerted || after >= FALSE_ANSWER {
            self.false_answers_in_a_row = 0;
            return false;
        }
        self.false_answers += 1;
        self.false_answers_in_a_row = self.false_answers_in_a_row.saturating_add(1);
        self.false_answers_in_a_row == FALSE_ANSWERS
    }

    /// A call failed by the trunk's fault.
    pub(crate) fn failed(&mut self, now: Tick, leg: LegId, gravity: u32) {
        self.faults += 1;
        self.breaker.failed(now, leg, gravity);
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
    use crate::ids::{AttemptId, TrunkId};
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

    const LEG: LegId = LegId {
        attempt: AttemptId(1),
        n: 1,
    };

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
                    let due = trunk.take(now, LEG);
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
                    trunk.take(now, LEG);
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
                trunk.take(Tick(0), LEG);
            }
            let at = trunk.free_at(Tick(0)).unwrap();
            prop_assert_eq!(trunk.clone().check(Tick(at.0 - 1)), Err(Reason::TrunkCps));
            prop_assert_eq!(trunk.check(at), Ok(()));
        }
    }

    #[test]
    fn answers_before_any_ringing_are_told_of_once_when_there_are_many_in_a_row() {
        let mut trunk = Trunk::new(config(100_000, 10), Tick(0));
        let soon = Span::ms(300);
        let mut told = 0;
        for _ in 0..3 * FALSE_ANSWERS {
            told += u32::from(trunk.answered(LEG, soon, false));
        }
        assert_eq!(told, 1);
        assert!(!trunk.answered(LEG, soon, true), "it rang");
        assert!(
            !trunk.answered(LEG, Span::ms(3_000), false),
            "it took its time"
        );
        for n in 1..=FALSE_ANSWERS {
            assert_eq!(trunk.answered(LEG, soon, false), n == FALSE_ANSWERS);
        }
        assert_eq!(trunk.false_answers, u64::from(4 * FALSE_ANSWERS));
    }

    #[test]
    fn a_lower_rate_works_at_once() {
        let mut trunk = Trunk::new(config(100_000, 10), Tick(0));
        trunk.configure(config(5_000, 1), Tick(0));
        trunk.check(Tick(0)).unwrap();
        assert_eq!(trunk.take(Tick(0), LEG), Tick(0));
        let at = Tick(200_000 - DIAL_AHEAD.0);
        assert_eq!(trunk.check(Tick(at.0 - 1)), Err(Reason::TrunkCps));
        assert_eq!(trunk.check(at), Ok(()));
        assert_eq!(trunk.take(at, LEG), Tick(200_000));
    }
}
