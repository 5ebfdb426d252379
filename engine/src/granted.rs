//! Leases that were granted, or revoked, a moment ago: a grant that comes twice is one grant, and one
//! that a revocation has overtaken is none.

use rustc_hash::FxHashSet;

use crate::ids::LeaseId;
use crate::limits::{LEASE_MEMORY, LEASES_REMEMBERED};
use crate::time::Tick;

/// What the engine has heard of, in two generations, so that a lease is remembered for
/// [`LEASE_MEMORY`] at least without its time being kept. Their order shows nowhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Granted {
    young: FxHashSet<LeaseId>,
    old: FxHashSet<LeaseId>,
    /// When the young ones began to be gathered.
    since: Tick,
}

impl Granted {
    /// Notes a lease; `true` if nothing was heard of it lately.
    pub(crate) fn is_new(&mut self, now: Tick, lease: LeaseId) -> bool {
        if now - self.since >= LEASE_MEMORY || self.young.len() >= LEASES_REMEMBERED {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        !self.old.contains(&lease) && self.young.insert(lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn a_lease_is_new_once_in_a_while() {
        let mut granted = Granted::default();
        let start = Tick(5);
        let almost = start + Span(LEASE_MEMORY.0 - 1);
        assert!(granted.is_new(start, LeaseId(1)));
        assert!(!granted.is_new(almost, LeaseId(1)));
        assert!(granted.is_new(almost, LeaseId(2)));
        let later = almost + LEASE_MEMORY;
        assert!(granted.is_new(later + LEASE_MEMORY, LeaseId(1)));
    }

    #[test]
    fn what_came_late_in_a_generation_is_remembered_as_long() {
        let mut granted = Granted::default();
        for second in 0..3 * LEASE_MEMORY.0 / 1_000_000 {
            let now = Tick(second * 1_000_000);
            assert!(granted.is_new(now, LeaseId(second)));
            let back = second.saturating_sub(LEASE_MEMORY.0 / 1_000_000 - 1);
            assert!(!granted.is_new(now, LeaseId(back)), "{back} at {second}");
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut granted = Granted::default();
        let most = u64::try_from(LEASES_REMEMBERED).unwrap();
        for id in 0..3 * most {
            assert!(granted.is_new(Tick(0), LeaseId(id)));
        }
        assert!(granted.young.len() + granted.old.len() <= 2 * LEASES_REMEMBERED);
        assert!(granted.is_new(Tick(0), LeaseId(0)));
        assert!(!granted.is_new(Tick(0), LeaseId(3 * most - 1)));
    }
}
