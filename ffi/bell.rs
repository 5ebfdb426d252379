//! Waking our own threads, and not more often than they are needed.
//!
//! A wake-up costs more CPU than most of what it is for. So who has something that can wait a
//! little says how long, and the sleeper is left alone if it wakes by itself before that.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use outdial_engine::Tick;

use crate::clock::{Clock, micros};

/// One sleeper, any number of wakers. What is to be done stands in queues beside it.
#[derive(Default)]
pub(crate) struct Bell {
    sleeper: OnceCell<Thread>,
    /// Tick at which the sleeper wakes by itself; 0 while it is awake.
    due: AtomicU64,
}

impl Bell {
    /// Wakes the sleeper. Called after its queue was filled.
    pub(crate) fn ring(&self) {
        self.ring_if(|_| true);
    }

    /// Wakes the sleeper, unless it wakes within `span` anyway. Called after its queue was filled.
    pub(crate) fn ring_within(&self, now: Tick, span: Duration) {
        self.ring_if(|due| due > now.0.saturating_add(micros(span)));
    }

    fn ring_if(&self, must: impl FnOnce(u64) -> bool) {
        // Pairs with the one in `sleep`: either we see that it sleeps, or it sees the queue.
        fence(Ordering::SeqCst);
        let due = self.due.load(Ordering::Relaxed);
        if due != 0
            && must(due)
            && let Some(sleeper) = self.sleeper.get()
        {
            sleeper.unpark();
        }
    }

    /// Sleeps until `until`, until somebody rings, or not at all unless the queues are `idle`.
    /// For one thread only. Returns early at times.
    pub(crate) fn sleep(&self, clock: Clock, until: Instant, idle: impl FnOnce() -> bool) {
        self.sleeper.get_or_init(thread::current);
        let left = until.saturating_duration_since(Instant::now());
        let due = clock.tick().0.saturating_add(micros(left)).max(1);
        self.due.store(due, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !left.is_zero() && idle() {
            thread::park_timeout(left);
        }
        self.due.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
