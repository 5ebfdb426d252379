//! Time as the engine sees it: handed in with every call, never read.

use std::ops::{Add, Sub};

/// Monotonic time in microseconds since a start that the host chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

/// Wall-clock time in milliseconds since 1970-01-01T00:00:00Z. It may jump; deadlines use [`Tick`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

/// A span of time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Span {
    /// `ms` milliseconds.
    #[must_use]
    pub const fn ms(ms: u32) -> Span {
        Span(ms as u64 * 1000)
    }

    /// `s` seconds.
    #[must_use]
    pub const fn seconds(s: u32) -> Span {
        Span(s as u64 * 1_000_000)
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0 / 1000
    }
}

impl Add<Span> for Tick {
    type Output = Tick;
    fn add(self, span: Span) -> Tick {
        Tick(self.0.saturating_add(span.0))
    }
}

impl Sub for Tick {
    type Output = Span;
    /// The time from `earlier` to `self`; zero when `earlier` is later.
    fn sub(self, earlier: Tick) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// Both clocks at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines and durations.
    pub tick: Tick,
    /// For calling windows and records.
    pub wall: Wall,
}
