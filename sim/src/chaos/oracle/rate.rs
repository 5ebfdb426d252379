//! A trunk's calls per second, judged by when they were due.

use std::collections::BTreeSet;

use outdial_engine::config::TrunkConfig;
use outdial_engine::{LegId, Tick};

/// What rounding may bring.
const ROUNDING: f64 = 0.02;
/// What a change of the rate may bring: calls are decided on a little before they are due.
const CHANGE: f64 = 1.0;

/// One trunk with the tokens that it can have at most: in any window of t seconds `rate * t + burst`.
#[derive(Clone, Debug)]
pub(super) struct TrunkBook {
    pub(super) config: TrunkConfig,
    pub(super) removed: bool,
    tokens: f64,
    at: Tick,
    /// Legs that took a token and are not known to have been refused.
    taken: BTreeSet<LegId>,
}

impl TrunkBook {
    pub(super) fn new(now: Tick, config: TrunkConfig) -> TrunkBook {
        TrunkBook {
            tokens: f64::from(config.burst),
            config,
            removed: false,
            at: now,
            taken: BTreeSet::new(),
        }
    }

    fn refill(&mut self, now: Tick) {
        let ms = (now - self.at).0 / 1_000;
        let seconds = f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1e3 + 0.001;
        if now > self.at {
            let rate = f64::from(self.config.cps_milli) / 1e3;
            self.tokens = (self.tokens + rate * seconds).min(f64::from(self.config.burst));
            self.at = now;
        }
    }

    /// A removed trunk that comes back has a full bucket.
    pub(super) fn configure(&mut self, now: Tick, config: TrunkConfig) {
        self.refill(now);
        let burst = f64::from(config.burst);
        self.tokens = match self.removed {
            true => burst,
            false => (self.tokens + CHANGE).min(burst + CHANGE),
        };
        self.removed = false;
        self.config = config;
    }

    /// `false`: more calls than the rate allows.
    pub(super) fn take(&mut self, due: Tick, leg: LegId) -> bool {
        self.refill(due);
        self.taken.insert(leg);
        self.tokens -= 1.0;
        self.tokens > -ROUNDING
    }

    /// A leg that never left the PBX took no token.
    pub(super) fn give_back(&mut self, now: Tick, leg: LegId) {
        if self.taken.remove(&leg) {
            self.refill(now);
            self.tokens = (self.tokens + 1.0).min(f64::from(self.config.burst));
        }
    }
}
