//! The leads in hand of one campaign.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::ops::Bound::{Excluded, Unbounded};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::event::Lease;
use crate::explain::Reason;
use crate::ids::{AgentId, LeaseId, ListId};
use crate::limits::LEASE_MARGIN_MS;
use crate::number::Number;
use crate::time::Wall;

/// Priority, then the list's turn, then the lease: within a list each has a later turn than the one
/// before it.
type Place = (Reverse<i32>, u64, LeaseId);

/// One lead of a list of weight 1 moves its list's turn so far.
const TURN: u64 = 1_000_000;

/// Where a lease is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    Ready,
    Aside(Reason),
    /// Only its owner may have it.
    Owned,
}

/// A lease in hand. There may be a hundred thousand of them: small.
#[derive(Clone, Debug)]
struct Held {
    lease: Lease,
    turn: u64,
    shelf: Shelf,
}

impl Held {
    fn place(&self) -> Place {
        (Reverse(self.lease.priority), self.turn, self.lease.id)
    }
}

/// Leads by priority; among equals the lists take turns by their weights (start-time fair queueing:
/// Goyal, Vin and Cheng, SIGCOMM 1996), and each list's leads come in the order in which they came.
/// Those that can't be dialed for a reason of their own are set aside until something changes, and
/// keep their place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hopper {
    /// By the lease's id. Its order shows nowhere.
    leases: HashTable<Box<Held>>,
    ready: BTreeSet<Place>,
    aside: BTreeMap<Reason, BTreeSet<LeaseId>>,
    owned: BTreeMap<AgentId, BTreeSet<Place>>,
    /// The turn that each list's next lead has at the earliest.
    turns: BTreeMap<ListId, u64>,
    /// The turn of the lead that was taken last.
    turn: u64,
}

/// A place in the line, and who has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot(Place);

impl Spot {
    pub(crate) fn lease(self) -> LeaseId {
        self.0.2
    }
}

impl Hopper {
    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }

    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// All leases, wherever they are kept, in no order that means anything.
    pub(crate) fn ids(&self) -> impl Iterator<Item = LeaseId> {
        self.leases.iter().map(|held| held.lease.id)
    }

    /// Why the leads that are set aside are, if any are.
    pub(crate) fn aside(&self) -> Option<Reason> {
        let owned = (!self.owned.is_empty()).then_some(Reason::OwnerAway);
        self.aside.keys().next().copied().or(owned)
    }

    /// How many are set aside for this reason.
    pub(crate) fn aside_for(&self, reason: Reason) -> usize {
        if reason == Reason::OwnerAway {
            return self.owned.values().map(BTreeSet::len).sum();
        }
        self.aside.get(&reason).map_or(0, BTreeSet::len)
    }

    /// A lease that is already here is not taken twice.
    pub(crate) fn push(&mut self, lease: Lease, now: Wall) {
        if self.get(lease.id).is_some() {
            return;
        }
        let turn = self.turns.entry(lease.list).or_default();
        *turn = (*turn).max(self.turn);
        let held = Box::new(Held {
            turn: *turn,
            shelf: owner(&lease, now).map_or(Shelf::Ready, |_| Shelf::Owned),
            lease,
        });
        *turn = turn.saturating_add(TURN / u64::from(held.lease.weight.max(1)));
        self.shelve(&held);
        self.insert(held);
    }

    fn held(&self, id: LeaseId) -> Option<&Held> {
        let held = self.leases.find(hash(id), |held| held.lease.id == id);
        held.map(Box::as_ref)
    }

    fn insert(&mut self, held: Box<Held>) {
        let by = hash(held.lease.id);
        self.leases
            .insert_unique(by, held, |held| hash(held.lease.id));
    }

    /// Off the table; it is still on its shelf.
    fn extract(&mut self, id: LeaseId) -> Option<Box<Held>> {
        let entry = self.leases.find_entry(hash(id), |held| held.lease.id == id);
        entry.ok().map(|entry| entry.remove().0)
    }

    fn shelve(&mut self, held: &Held) {
        let place = held.place();
        match (held.shelf, held.lease.owner.as_deref()) {
            (Shelf::Ready, _) => {
                self.ready.insert(place);
            }
            (Shelf::Aside(reason), _) => {
                self.aside.entry(reason).or_default().insert(place.2);
            }
            (Shelf::Owned, Some(owner)) => {
                self.owned.entry(owner.agent).or_default().insert(place);
            }
            (Shelf::Owned, None) => {}
        }
    }

    fn unshelve(&mut self, held: &Held) {
        let place = held.place();
        match (held.shelf, held.lease.owner.as_deref()) {
            (Shelf::Ready, _) => {
                self.ready.remove(&place);
            }
            (Shelf::Aside(reason), _) => {
                if let Some(aside) = self.aside.get_mut(&reason) {
                    aside.remove(&place.2);
                    if aside.is_empty() {
                        self.aside.remove(&reason);
                    }
                }
            }
            (Shelf::Owned, Some(owner)) => {
                if let Some(owned) = self.owned.get_mut(&owner.agent) {
                    owned.remove(&place);
                    if owned.is_empty() {
                        self.owned.remove(&owner.agent);
                    }
                }
            }
            (Shelf::Owned, None) => {}
        }
    }

    fn reshelve(&mut self, id: LeaseId, to: impl Fn(&Lease) -> Shelf) {
        let Some(mut held) = self.extract(id) else {
            return;
        };
        self.unshelve(&held);
        held.shelf = to(&held.lease);
        self.shelve(&held);
        self.insert(held);
    }

    pub(crate) fn remove(&mut self, id: LeaseId) -> Option<Lease> {
        let held = self.extract(id)?;
        self.unshelve(&held);
        Some(held.lease)
    }

    /// Takes a lease to dial it: its list's turn is over.
    pub(crate) fn take(&mut self, id: LeaseId) -> Option<Lease> {
        if let Some(held) = self.held(id) {
            self.turn = self.turn.max(held.turn);
        }
        self.remove(id)
    }

    /// The leases to look at next, in order.
    pub(crate) fn peek(&self, most: usize) -> Vec<LeaseId> {
        self.ready.iter().take(most).map(|place| place.2).collect()
    }

    /// The one to look at next, behind the one that was looked at last.
    pub(crate) fn next(&self, behind: Option<Spot>) -> Option<Spot> {
        match behind {
            None => self.ready.first(),
            Some(spot) => self.ready.range((Excluded(spot.0), Unbounded)).next(),
        }
        .map(|place| Spot(*place))
    }

    pub(crate) fn has_owned(&self) -> bool {
        !self.owned.is_empty()
    }

    /// Agents who have leads of their own here.
    pub(crate) fn owners(&self) -> impl Iterator<Item = AgentId> {
        self.owned.keys().copied()
    }

    pub(crate) fn owns(&self, agent: AgentId) -> bool {
        self.owned.contains_key(&agent)
    }

    /// The leases that only this agent may have, each until then.
    pub(crate) fn owned_by(&self, agent: AgentId) -> Vec<(LeaseId, Option<Wall>)> {
        let owned = self.owned.get(&agent).into_iter().flatten();
        owned
            .filter_map(|place| Some((place.2, self.get(place.2)?.owner.as_deref()?.until)))
            .collect()
    }

    /// The leases to look at next that only this agent may have.
    pub(crate) fn peek_owned(&self, agent: AgentId, most: usize) -> Vec<LeaseId> {
        let owned = self.owned.get(&agent).into_iter().flatten();
        owned.take(most).map(|place| place.2).collect()
    }

    pub(crate) fn get(&self, id: LeaseId) -> Option<&Lease> {
        self.held(id).map(|held| &held.lease)
    }

    pub(crate) fn set_aside(&mut self, id: LeaseId, reason: Reason) {
        self.reshelve(id, |_| Shelf::Aside(reason));
    }

    /// Looks again at all that was set aside.
    pub(crate) fn recall(&mut self, now: Wall) {
        let aside: Vec<LeaseId> = self.aside.values().flatten().copied().collect();
        self.lay_out(&aside, now);
    }

    fn lay_out(&mut self, ids: &[LeaseId], now: Wall) {
        for id in ids {
            self.reshelve(*id, |lease| {
                owner(lease, now).map_or(Shelf::Ready, |_| Shelf::Owned)
            });
        }
    }

    pub(crate) fn renew(&mut self, leases: &BTreeSet<LeaseId>, expires_at: Wall) {
        // Mostly all leases of the node are renewed at once.
        #[allow(clippy::iter_over_hash_type, reason = "any order does the same")]
        for held in &mut self.leases {
            if leases.contains(&held.lease.id) {
                held.lease.expires_at = expires_at;
            }
        }
    }

    /// Takes these numbers off every lead; leads that have no other number are handed out.
    pub(crate) fn forbid(&mut self, numbers: &BTreeSet<Number>) -> Vec<LeaseId> {
        let mut empty = Vec::new();
        #[allow(clippy::iter_over_hash_type, reason = "sorted afterwards")]
        for held in &mut self.leases {
            held.lease.numbers.retain(|n| !numbers.contains(&n.number));
            if held.lease.numbers.is_empty() {
                empty.push(held.lease.id);
            }
        }
        empty.sort_unstable();
        for id in &empty {
            self.remove(*id);
        }
        empty
    }

    /// Brings back what waited for its window, or for its owner, and no longer has to. Takes out
    /// what is set aside or owned and is about to expire, or is outside its window for good.
    pub(crate) fn sweep(&mut self, now: Wall) -> Vec<LeaseId> {
        let kept = self.aside.values().flatten().copied();
        let owned = self.owned.values().flatten().map(|place| place.2);
        let (mut gone, mut due) = (Vec::new(), Vec::new());
        for id in kept.chain(owned) {
            let Some(held) = self.held(id) else {
                continue;
            };
            let lease = &held.lease;
            let over = lease.numbers.iter().all(|n| n.not_after <= now);
            let open = lease
                .numbers
                .iter()
                .any(|n| n.not_before <= now && now < n.not_after);
            if !alive(lease, now) || over {
                gone.push(id);
            } else if match held.shelf {
                Shelf::Aside(Reason::WindowClosed) => open,
                Shelf::Owned => owner(lease, now).is_none(),
                Shelf::Aside(_) | Shelf::Ready => false,
            } {
                due.push(id);
            }
        }
        self.lay_out(&due, now);
        for id in &gone {
            self.remove(*id);
        }
        gone
    }

    pub(crate) fn drain(&mut self) -> Vec<LeaseId> {
        let mut all: Vec<LeaseId> = self.ids().collect();
        all.sort_unstable();
        *self = Hopper::default();
        all
    }
}

fn hash(id: LeaseId) -> u64 {
    FxBuildHasher.hash_one(id)
}

/// Who alone may have the lead just now.
fn owner(lease: &Lease, now: Wall) -> Option<AgentId> {
    let owner = lease.owner.as_deref()?;
    let still = owner.until.is_none_or(|until| now < until);
    still.then_some(owner.agent)
}

/// The lease may still be used.
pub(crate) fn alive(lease: &Lease, now: Wall) -> bool {
    now.0 < lease.expires_at.0.saturating_sub(LEASE_MARGIN_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{LeadNumber, Owner};
    use crate::ids::LeadId;

    fn lease(id: u64) -> Lease {
        Lease {
            id: LeaseId(id),
            lead: LeadId(id),
            list: ListId(0),
            weight: 1,
            priority: 0,
            attempts: 0,
            last: None,
            callback: None,
            owner: None,
            skill: None,
            numbers: vec![LeadNumber {
                number: Number::new("5511").unwrap(),
                position: 0,
                attempts: 0,
                not_before: Wall(0),
                not_after: Wall(1_000_000),
            }],
            expires_at: Wall(i64::MAX),
        }
    }

    fn ids(hopper: &Hopper) -> Vec<u64> {
        hopper.peek(usize::MAX).iter().map(|id| id.0).collect()
    }

    const NOW: Wall = Wall(0);

    #[test]
    fn the_higher_priority_first_then_as_they_came() {
        let mut hopper = Hopper::default();
        for (id, priority) in [(1, 0), (2, 5), (3, 0), (4, 5)] {
            let lease = Lease {
                priority,
                ..lease(id)
            };
            hopper.push(lease.clone(), NOW);
            hopper.push(lease, NOW);
        }
        assert_eq!(ids(&hopper), [2, 4, 1, 3]);
    }

    #[test]
    fn lists_take_turns_by_their_weights() {
        let mut hopper = Hopper::default();
        let of = |list, weight, id| Lease {
            list: ListId(list),
            weight,
            ..lease(id)
        };
        // The second list comes late and does not make up for what it missed.
        for id in 0..60 {
            hopper.push(of(1, 1, id), NOW);
        }
        for _ in 0..20 {
            let first = hopper.peek(1)[0];
            hopper.take(first);
        }
        for id in 100..160 {
            hopper.push(of(2, 3, id), NOW);
        }
        let next = ids(&hopper);
        let second = next[..40].iter().filter(|id| **id >= 100).count();
        assert!((29..=31).contains(&second), "{second} of 40");
    }

    #[test]
    fn what_is_set_aside_keeps_its_place() {
        let mut hopper = Hopper::default();
        for id in 1..=3 {
            hopper.push(lease(id), NOW);
        }
        hopper.set_aside(LeaseId(1), Reason::NoRoute);
        assert_eq!((ids(&hopper), hopper.len()), (vec![2, 3], 3));
        assert_eq!(hopper.aside(), Some(Reason::NoRoute));
        hopper.recall(NOW);
        assert_eq!(ids(&hopper), [1, 2, 3]);
        assert_eq!(hopper.aside(), None);
    }

    #[test]
    fn a_window_that_opens_brings_its_lead_back_and_one_that_closes_sends_it_away() {
        let mut hopper = Hopper::default();
        let mut early = lease(1);
        early.numbers[0].not_before = Wall(500);
        hopper.push(early, NOW);
        hopper.set_aside(LeaseId(1), Reason::WindowClosed);
        assert!(hopper.sweep(Wall(499)).is_empty() && ids(&hopper).is_empty());
        assert!(hopper.sweep(Wall(500)).is_empty());
        assert_eq!(ids(&hopper), [1]);
        hopper.set_aside(LeaseId(1), Reason::WindowClosed);
        assert_eq!(hopper.sweep(Wall(1_000_000)), [LeaseId(1)]);
    }

    #[test]
    fn an_owner_has_its_leads_alone_for_as_long_as_that_was_said() {
        let mut hopper = Hopper::default();
        let of = |id, until| Lease {
            owner: Some(Box::new(Owner {
                agent: AgentId(7),
                until,
            })),
            ..lease(id)
        };
        hopper.push(of(1, None), NOW);
        hopper.push(of(2, Some(Wall(300))), NOW);
        hopper.push(lease(3), NOW);
        assert_eq!(ids(&hopper), [3]);
        let owned = |hopper: &Hopper| hopper.peek_owned(AgentId(7), 10);
        assert_eq!(owned(&hopper), [LeaseId(1), LeaseId(2)]);
        assert_eq!(hopper.aside_for(Reason::OwnerAway), 2);
        hopper.sweep(Wall(300));
        assert_eq!(ids(&hopper), [2, 3]);
        assert_eq!(owned(&hopper), [LeaseId(1)]);
        assert!(hopper.take(LeaseId(1)).is_some());
        assert!(owned(&hopper).is_empty());
    }

    #[test]
    fn whatever_is_done_the_shelves_hold_what_there_is() {
        let mut hopper = Hopper::default();
        for id in 1..=6 {
            hopper.push(lease(id), NOW);
        }
        hopper.set_aside(LeaseId(2), Reason::NoRoute);
        hopper.set_aside(LeaseId(2), Reason::WindowClosed);
        hopper.remove(LeaseId(2));
        hopper.remove(LeaseId(3));
        hopper.remove(LeaseId(3));
        assert_eq!(hopper.aside(), None);
        assert_eq!((hopper.len(), hopper.ready()), (4, 4));
        assert_eq!(
            hopper
                .forbid(&BTreeSet::from([Number::new("5511").unwrap()]))
                .len(),
            4
        );
        assert_eq!((hopper.len(), hopper.ready()), (0, 0));
    }
}
