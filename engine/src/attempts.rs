//! All live attempts.

use rustc_hash::FxHashMap;

use crate::attempt::Attempt;
use crate::ids::AttemptId;

/// Attempts are looked up several times for each event, so that is what is made cheap; going over
/// all of them in order is rare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    slots: Vec<Option<Attempt>>,
    free: Vec<usize>,
    /// Nobody goes over it, so its order shows nowhere.
    by_id: FxHashMap<AttemptId, usize>,
}

impl Attempts {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Takes in one whose id is new.
    pub(crate) fn insert(&mut self, id: AttemptId, attempt: Attempt) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = Some(attempt);
                slot
            }
            None => {
                if self.slots.len() == self.slots.capacity() {
                    // An attempt is large: no doubling.
                    self.slots.reserve_exact(self.slots.len() / 8 + 64);
                }
                self.slots.push(Some(attempt));
                self.slots.len() - 1
            }
        };
        self.by_id.insert(id, slot);
    }

    pub(crate) fn remove(&mut self, id: &AttemptId) -> Option<Attempt> {
        let slot = self.by_id.remove(id)?;
        self.free.push(slot);
        self.slots[slot].take()
    }

    pub(crate) fn get(&self, id: &AttemptId) -> Option<&Attempt> {
        self.slots[*self.by_id.get(id)?].as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: &AttemptId) -> Option<&mut Attempt> {
        self.slots[*self.by_id.get(id)?].as_mut()
    }

    /// All of them, in the order of their ids.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Attempt> {
        let mut all: Vec<&Attempt> = self.slots.iter().flatten().collect();
        all.sort_unstable_by_key(|attempt| attempt.id);
        all.into_iter()
    }

    /// All of them, in no order that means anything.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Attempt> {
        self.slots.iter_mut().flatten()
    }
}
