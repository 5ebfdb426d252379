//! The leads in hand of one campaign.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::event::Lease;
use crate::explain::Reason;
use crate::ids::LeaseId;
use crate::limits::LEASE_MARGIN_MS;
use crate::number::Number;
use crate::time::Wall;

type Place = (Reverse<i32>, u64);

/// Leads by priority, then in the order in which they came. Those that can't be dialed for a
/// reason of their own are set aside until something changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hopper {
    ready: BTreeMap<Place, Lease>,
    aside: BTreeMap<LeaseId, (Lease, Reason)>,
    places: BTreeMap<LeaseId, Place>,
    arrivals: u64,
}

impl Hopper {
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.aside.len()
    }

    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// All leases, ready and set aside.
    pub(crate) fn ids(&self) -> impl Iterator<Item = LeaseId> {
        self.places.keys().chain(self.aside.keys()).copied()
    }

    /// Why the leads that are set aside are, if any are.
    pub(crate) fn aside(&self) -> Option<Reason> {
        self.aside.values().next().map(|(_, reason)| *reason)
    }

    /// A lease that is already here is not taken twice.
    pub(crate) fn push(&mut self, lease: Lease) {
        if self.places.contains_key(&lease.id) || self.aside.contains_key(&lease.id) {
            return;
        }
        self.arrivals += 1;
        let place = (Reverse(lease.priority), self.arrivals);
        self.places.insert(lease.id, place);
        self.ready.insert(place, lease);
    }

    pub(crate) fn remove(&mut self, id: LeaseId) -> Option<Lease> {
        if let Some(place) = self.places.remove(&id) {
            return self.ready.remove(&place);
        }
        self.aside.remove(&id).map(|(lease, _)| lease)
    }

    /// The leases to look at next, in order.
    pub(crate) fn peek(&self, most: usize) -> Vec<LeaseId> {
        self.ready
            .values()
            .take(most)
            .map(|lease| lease.id)
            .collect()
    }

    pub(crate) fn get(&self, id: LeaseId) -> Option<&Lease> {
        self.ready.get(self.places.get(&id)?)
    }

    pub(crate) fn set_aside(&mut self, id: LeaseId, reason: Reason) {
        let Some(place) = self.places.remove(&id) else {
            return;
        };
        if let Some(lease) = self.ready.remove(&place) {
            self.aside.insert(id, (lease, reason));
        }
    }

    /// Looks again at what was set aside, all of it or for one reason.
    pub(crate) fn recall(&mut self, only: Option<Reason>) {
        for (id, (lease, reason)) in std::mem::take(&mut self.aside) {
            if only.is_none_or(|only| only == reason) {
                self.push(lease);
            } else {
                self.aside.insert(id, (lease, reason));
            }
        }
    }

    pub(crate) fn renew(&mut self, leases: &BTreeSet<LeaseId>, expires_at: Wall) {
        let aside = self.aside.values_mut().map(|(lease, _)| lease);
        for lease in self.ready.values_mut().chain(aside) {
            if leases.contains(&lease.id) {
                lease.expires_at = expires_at;
            }
        }
    }

    /// Takes `number` off every lead; leads that have no other number are handed out.
    pub(crate) fn forbid(&mut self, number: &Number) -> Vec<LeaseId> {
        let mut empty = Vec::new();
        let aside = self.aside.values_mut().map(|(lease, _)| lease);
        for lease in self.ready.values_mut().chain(aside) {
            lease.numbers.retain(|n| n.number != *number);
            if lease.numbers.is_empty() {
                empty.push(lease.id);
            }
        }
        for id in &empty {
            self.remove(*id);
        }
        empty
    }

    /// Takes out what was set aside and is about to expire, or is outside its window for good.
    pub(crate) fn sweep(&mut self, now: Wall) -> Vec<LeaseId> {
        let gone: Vec<LeaseId> = self
            .aside
            .values()
            .filter(|(lease, _)| {
                !alive(lease, now) || lease.numbers.iter().all(|n| n.not_after <= now)
            })
            .map(|(lease, _)| lease.id)
            .collect();
        for id in &gone {
            self.aside.remove(id);
        }
        gone
    }

    pub(crate) fn drain(&mut self) -> Vec<LeaseId> {
        let all = self.ids().collect();
        *self = Hopper {
            arrivals: self.arrivals,
            ..Hopper::default()
        };
        all
    }
}

/// The lease may still be used.
pub(crate) fn alive(lease: &Lease, now: Wall) -> bool {
    now.0 < lease.expires_at.0.saturating_sub(LEASE_MARGIN_MS)
}
