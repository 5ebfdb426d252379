//! Waiting with a deadline, where there is no event to wait for.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Looks again and again until `check` gives something, at most for `limit`.
///
/// # Errors
/// Names what did not happen, or what `check` says.
pub fn wait_until<T>(
    what: &str,
    limit: Duration,
    check: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    wait_looking(what, limit, POLL, check)
}

/// [`wait_until`], looking less often: where the look itself costs what is measured.
///
/// # Errors
/// Names what did not happen, or what `check` says.
pub fn wait_looking<T>(
    what: &str,
    limit: Duration,
    every: Duration,
    mut check: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = check()? {
            return Ok(value);
        }
        if start.elapsed() >= limit {
            bail!("{what}: not within {limit:?}");
        }
        std::thread::sleep(every);
    }
}

/// [`wait_until`] for a condition.
///
/// # Errors
/// Names what did not happen, or what `check` says.
pub fn wait_for(
    what: &str,
    limit: Duration,
    mut check: impl FnMut() -> Result<bool>,
) -> Result<()> {
    wait_until(what, limit, || Ok(check()?.then_some(())))
}
