//! Leases that were granted, or revoked, a moment ago: a grant that comes twice is one grant, and one
//! that a revocation has overtaken is none.

use std::collections::{BTreeSet, VecDeque};

use crate::ids::LeaseId;
use crate::limits::{LEASE_MEMORY, LEASES_REMEMBERED};
use crate::time::Tick;

/// What the engine has heard of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Granted {
    ids: BTreeSet<LeaseId>,
    /// The oldest first.
    since: VecDeque<(Tick, LeaseId)>,
}

impl Granted {
    /// Notes a lease; `true` if nothing was heard of it lately.
    pub(crate) fn is_new(&mut self, now: Tick, lease: LeaseId) -> bool {
        self.forget(now);
        let new = self.ids.insert(lease);
        if new {
            self.since.push_back((now, lease));
        }
        new
    }

    fn forget(&mut self, now: Tick) {
        while let Some((since, lease)) = self.since.front().copied() {
            if now - since < LEASE_MEMORY && self.since.len() < LEASES_REMEMBERED {
                return;
            }
            self.since.pop_front();
            self.ids.remove(&lease);
        }
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
        assert!(granted.is_new(start, LeaseId(1)));
        assert!(!granted.is_new(start + Span::seconds(1), LeaseId(1)));
        assert!(granted.is_new(start + LEASE_MEMORY, LeaseId(1)));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut granted = Granted::default();
        let most = u64::try_from(LEASES_REMEMBERED).unwrap();
        for id in 0..most + 10 {
            assert!(granted.is_new(Tick(0), LeaseId(id)));
        }
        assert_eq!(granted.ids.len(), LEASES_REMEMBERED);
        assert!(granted.is_new(Tick(0), LeaseId(0)));
        assert!(!granted.is_new(Tick(0), LeaseId(most)));
    }
}
