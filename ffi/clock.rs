//! The two clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use outdial_engine::{Now, Tick, Wall};

/// Reads the monotonic clock (CLOCK_MONOTONIC) as ticks since the engine was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock {
            start: Instant::now(),
        }
    }

    pub(crate) fn tick(self) -> Tick {
        Tick(micros(self.start.elapsed()))
    }

    pub(crate) fn now(self) -> Now {
        Now {
            tick: self.tick(),
            wall: wall(),
        }
    }

    /// The instant of `tick`.
    pub(crate) fn instant(self, tick: Tick) -> Instant {
        self.start + Duration::from_micros(tick.0)
    }

    /// What the wall clock will show at `tick`, if nobody sets it meanwhile.
    pub(crate) fn wall_at(self, now: Now, tick: Tick) -> i64 {
        let ahead = i64::try_from((tick - now.tick).as_ms()).unwrap_or(i64::MAX);
        let behind = i64::try_from((now.tick - tick).as_ms()).unwrap_or(i64::MAX);
        now.wall.0.saturating_add(ahead).saturating_sub(behind)
    }
}

/// Whole microseconds of `span`.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970.
pub(crate) fn wall() -> Wall {
    let ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    Wall(ms)
}
