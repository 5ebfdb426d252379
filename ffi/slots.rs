//! Room for events. Ordinary events share one part of the queue; each accepted leg and each
//! accepted session holds one place of the other part, so that its terminal event always fits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use outdial_engine::{LegId, SessionId};

use crate::limits;

/// The place that an event takes in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    General,
    Leg,
    Session,
}

/// Counts places and knows who holds a reserved one.
pub(crate) struct Slots {
    general: AtomicUsize,
    leg_places: AtomicUsize,
    session_places: AtomicUsize,
    legs: Vec<Mutex<BTreeSet<LegId>>>,
    sessions: Vec<Mutex<BTreeSet<SessionId>>>,
}

impl Slots {
    /// Places in all: the queue must have as many.
    pub(crate) const ALL: usize = limits::GENERAL_EVENTS + limits::LEGS + limits::SESSIONS;

    pub(crate) fn new() -> Slots {
        Slots {
            general: AtomicUsize::new(0),
            leg_places: AtomicUsize::new(0),
            session_places: AtomicUsize::new(0),
            legs: (0..limits::SHARDS).map(|_| Mutex::default()).collect(),
            sessions: (0..limits::SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Takes a place for an ordinary event.
    pub(crate) fn take_general(&self) -> bool {
        take(&self.general, limits::GENERAL_EVENTS)
    }

    /// Reserves the place of a leg's terminal event. `false`: none left, or the leg has one.
    pub(crate) fn reserve_leg(&self, leg: LegId) -> bool {
        if !take(&self.leg_places, limits::LEGS) {
            return false;
        }
        let new = lock(self.leg_shard(leg)).insert(leg);
        if !new {
            self.give_back(Slot::Leg);
        }
        new
    }

    /// Reserves the place of a session's terminal event. `false`: none left, or it has one.
    pub(crate) fn reserve_session(&self, session: &SessionId) -> bool {
        if !take(&self.session_places, limits::SESSIONS) {
            return false;
        }
        let new = lock(self.session_shard(session)).insert(session.clone());
        if !new {
            self.give_back(Slot::Session);
        }
        new
    }

    pub(crate) fn has_leg(&self, leg: LegId) -> bool {
        lock(self.leg_shard(leg)).contains(&leg)
    }

    pub(crate) fn has_session(&self, session: &SessionId) -> bool {
        lock(self.session_shard(session)).contains(session)
    }

    /// Turns the leg's reservation into its terminal event's place. `false`: it has none.
    pub(crate) fn end_leg(&self, leg: LegId) -> bool {
        lock(self.leg_shard(leg)).remove(&leg)
    }

    /// Turns the session's reservation into its terminal event's place. `false`: it has none.
    pub(crate) fn end_session(&self, session: &SessionId) -> bool {
        lock(self.session_shard(session)).remove(session)
    }

    /// The event has left the queue, or never came to be.
    pub(crate) fn give_back(&self, slot: Slot) {
        self.counter(slot).fetch_sub(1, Ordering::AcqRel);
    }

    /// Places in use.
    pub(crate) fn used(&self, slot: Slot) -> usize {
        self.counter(slot).load(Ordering::Acquire)
    }

    /// Legs that hold a place.
    pub(crate) fn legs(&self) -> BTreeSet<LegId> {
        let mut all = BTreeSet::new();
        for shard in &self.legs {
            all.extend(lock(shard).iter().copied());
        }
        all
    }

    /// Sessions that hold a place.
    pub(crate) fn sessions(&self) -> BTreeSet<SessionId> {
        let mut all = BTreeSet::new();
        for shard in &self.sessions {
            all.extend(lock(shard).iter().cloned());
        }
        all
    }

    fn counter(&self, slot: Slot) -> &AtomicUsize {
        match slot {
            Slot::General => &self.general,
            Slot::Leg => &self.leg_places,
            Slot::Session => &self.session_places,
        }
    }

    fn leg_shard(&self, leg: LegId) -> &Mutex<BTreeSet<LegId>> {
        let shards = limits::SHARDS as u64;
        let i = usize::try_from(leg.attempt.0 % shards).unwrap_or(0);
        &self.legs[i]
    }

    fn session_shard(&self, session: &SessionId) -> &Mutex<BTreeSet<SessionId>> {
        let sum = session.0.bytes().fold(0usize, |sum, b| {
            sum.wrapping_mul(31).wrapping_add(usize::from(b))
        });
        &self.sessions[sum % limits::SHARDS]
    }
}

fn take(counter: &AtomicUsize, limit: usize) -> bool {
    counter
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
            (n < limit).then_some(n + 1)
        })
        .is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outdial_engine::AttemptId;

    fn leg(attempt: u64) -> LegId {
        LegId {
            attempt: AttemptId(attempt),
            n: 1,
        }
    }

    #[test]
    fn a_leg_has_one_place_and_one_end() {
        let slots = Slots::new();
        assert!(slots.reserve_leg(leg(7)));
        assert!(!slots.reserve_leg(leg(7)));
        assert!(slots.end_leg(leg(7)));
        assert!(!slots.end_leg(leg(7)));
    }

    #[test]
    fn a_place_is_free_again_only_when_its_event_has_left_the_queue() {
        let slots = Slots::new();
        for attempt in 0..limits::LEGS as u64 {
            assert!(slots.reserve_leg(leg(attempt)));
        }
        let next = leg(limits::LEGS as u64);
        assert!(slots.end_leg(leg(3)));
        assert!(!slots.reserve_leg(next), "the event of leg 3 still waits");
        slots.give_back(Slot::Leg);
        assert!(slots.reserve_leg(next));
    }
}
