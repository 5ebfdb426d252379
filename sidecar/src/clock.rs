//! Wall-clock time and conversions of numbers that cross to the database.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 in UTC.
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    millis(since)
}

/// `span` in whole milliseconds.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// An id for a `bigint` column. Ids come from sequences or from `epoch << 32 | counter` with an
/// epoch below 2^31, so they fit; what does not fit is bad input and matches no row.
pub fn id(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(-1)
}

/// An id from a `bigint` column.
pub fn uid(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A count or setting from an `integer` column; CHECK constraints keep it at 0 or above.
pub fn u32_of(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// See [`u32_of`].
pub fn u16_of(value: i32) -> u16 {
    u16::try_from(value.max(0)).unwrap_or(u16::MAX)
}

/// See [`u32_of`].
pub fn u8_of(value: i32) -> u8 {
    u8::try_from(value.max(0)).unwrap_or(u8::MAX)
}
