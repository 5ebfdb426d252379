//! The leads in hand of one campaign.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::event::Lease;
use crate::explain::Reason;
use crate::ids::{AgentId, LeaseId, ListId};
use crate::limits::LEASE_MARGIN_MS;
use crate::number::Number;
use crate::time::Wall;

/// Priority, then the list's turn, then arrival.
type Place = (Reverse<i32>, u64, u64);

/// One lead of a list of weight 1 moves its list's turn so far.
const TURN: u64 = 1_000_000;

/// Where a lease is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    Ready,
    Aside(Reason),
    /// Only this agent may have it.
    Owned(AgentId),
}

/// Leads by priority; among equals the lists take turns by their weights (start-time fair queueing:
/// Goyal, Vin and Cheng, SIGCOMM 1996), and each list's leads come in the order in which they came.
/// Those that can't be dialed for a reason of their own are set aside until something changes, and
/// keep their place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hopper {
    leases: BTreeMap<LeaseId, (Lease, Place, Shelf)>,
    ready: BTreeSet<(Place, LeaseId)>,
    aside: BTreeMap<Reason, BTreeSet<LeaseId>>,
    owned: BTreeMap<AgentId, BTreeSet<(Place, LeaseId)>>,
    /// The turn that each list's next lead has at the earliest.
    turns: BTreeMap<ListId, u64>,
    /// The turn of the lead that was taken last.
    turn: u64,
    arrivals: u64,
}

impl Hopper {
    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }

    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// All leases, wherever they are kept.
    pub(crate) fn ids(&self) -> impl Iterator<Item = LeaseId> {
        self.leases.keys().copied()
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
        if self.leases.contains_key(&lease.id) {
            return;
        }
        self.arrivals += 1;
        let turn = self.turns.entry(lease.list).or_default();
        *turn = (*turn).max(self.turn);
        let place = (Reverse(lease.priority), *turn, self.arrivals);
        *turn = turn.saturating_add(TURN / u64::from(lease.weight.max(1)));
        let (id, owner) = (lease.id, owner(&lease, now));
        let shelf = owner.map_or(Shelf::Ready, Shelf::Owned);
        self.leases.insert(id, (lease, place, shelf));
        self.shelve(id, place, shelf);
    }

    fn shelve(&mut self, id: LeaseId, place: Place, shelf: Shelf) {
        match shelf {
            Shelf::Ready => {
                self.ready.insert((place, id));
            }
            Shelf::Aside(reason) => {
                self.aside.entry(reason).or_default().insert(id);
            }
            Shelf::Owned(agent) => {
                self.owned.entry(agent).or_default().insert((place, id));
            }
        }
    }

    fn unshelve(&mut self, id: LeaseId, place: Place, shelf: Shelf) {
        match shelf {
            Shelf::Ready => {
                self.ready.remove(&(place, id));
            }
            Shelf::Aside(reason) => {
                if let Some(aside) = self.aside.get_mut(&reason) {
                    aside.remove(&id);
                    if aside.is_empty() {
                        self.aside.remove(&reason);
                    }
                }
            }
            Shelf::Owned(agent) => {
                if let Some(owned) = self.owned.get_mut(&agent) {
                    owned.remove(&(place, id));
                    if owned.is_empty() {
                        self.owned.remove(&agent);
                    }
                }
            }
        }
    }

    fn reshelve(&mut self, id: LeaseId, to: Shelf) {
        let Some((_, place, shelf)) = self.leases.get_mut(&id) else {
            return;
        };
        let (place, from) = (*place, std::mem::replace(shelf, to));
        self.unshelve(id, place, from);
        self.shelve(id, place, to);
    }

    pub(crate) fn remove(&mut self, id: LeaseId) -> Option<Lease> {
        let (lease, place, shelf) = self.leases.remove(&id)?;
        self.unshelve(id, place, shelf);
        Some(lease)
    }

    /// Takes a lease to dial it: its list's turn is over.
    pub(crate) fn take(&mut self, id: LeaseId) -> Option<Lease> {
        if let Some((_, (_, turn, _), _)) = self.leases.get(&id) {
            self.turn = self.turn.max(*turn);
        }
        self.remove(id)
    }

    /// The leases to look at next, in order.
    pub(crate) fn peek(&self, most: usize) -> Vec<LeaseId> {
        self.ready.iter().take(most).map(|(_, id)| *id).collect()
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
            .filter_map(|(_, id)| Some((*id, self.get(*id)?.owner?.until)))
            .collect()
    }

    /// The leases to look at next that only this agent may have.
    pub(crate) fn peek_owned(&self, agent: AgentId, most: usize) -> Vec<LeaseId> {
        let owned = self.owned.get(&agent).into_iter().flatten();
        owned.take(most).map(|(_, id)| *id).collect()
    }

    pub(crate) fn get(&self, id: LeaseId) -> Option<&Lease> {
        self.leases.get(&id).map(|(lease, ..)| lease)
    }

    pub(crate) fn set_aside(&mut self, id: LeaseId, reason: Reason) {
        self.reshelve(id, Shelf::Aside(reason));
    }

    /// Looks again at all that was set aside.
    pub(crate) fn recall(&mut self, now: Wall) {
        let aside: Vec<LeaseId> = self.aside.values().flatten().copied().collect();
        self.lay_out(&aside, now);
    }

    fn lay_out(&mut self, ids: &[LeaseId], now: Wall) {
        for id in ids {
            let owner = self.get(*id).and_then(|lease| owner(lease, now));
            self.reshelve(*id, owner.map_or(Shelf::Ready, Shelf::Owned));
        }
    }

    pub(crate) fn renew(&mut self, leases: &BTreeSet<LeaseId>, expires_at: Wall) {
        for id in leases {
            if let Some((lease, ..)) = self.leases.get_mut(id) {
                lease.expires_at = expires_at;
            }
        }
    }

    /// Takes `number` off every lead; leads that have no other number are handed out.
    pub(crate) fn forbid(&mut self, number: &Number) -> Vec<LeaseId> {
        let mut empty = Vec::new();
        for (lease, ..) in self.leases.values_mut() {
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

    /// Brings back what waited for its window, or for its owner, and no longer has to. Takes out
    /// what is set aside or owned and is about to expire, or is outside its window for good.
    pub(crate) fn sweep(&mut self, now: Wall) -> Vec<LeaseId> {
        let kept = self.aside.values().flatten().copied();
        let owned = self.owned.values().flatten().map(|(_, id)| *id);
        let (mut gone, mut due) = (Vec::new(), Vec::new());
        for id in kept.chain(owned) {
            let Some((lease, _, shelf)) = self.leases.get(&id) else {
                continue;
            };
            let over = lease.numbers.iter().all(|n| n.not_after <= now);
            let open = lease
                .numbers
                .iter()
                .any(|n| n.not_before <= now && now < n.not_after);
            if !alive(lease, now) || over {
                gone.push(id);
            } else if match shelf {
                Shelf::Aside(Reason::WindowClosed) => open,
                Shelf::Owned(_) => owner(lease, now).is_none(),
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
        let all = self.ids().collect();
        *self = Hopper {
            arrivals: self.arrivals,
            ..Hopper::default()
        };
        all
    }
}

/// Who alone may have the lead just now.
fn owner(lease: &Lease, now: Wall) -> Option<AgentId> {
    let owner = lease.owner?;
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
            owner: Some(Owner {
                agent: AgentId(7),
                until,
            }),
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
        assert_eq!(hopper.forbid(&Number::new("5511").unwrap()).len(), 4);
        assert_eq!((hopper.len(), hopper.ready()), (0, 0));
    }
}
