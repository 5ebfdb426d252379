//! Leads without end.

use outdial_engine::{LeadId, LeadNumber, Lease, LeaseId, ListId, Number, NumberError, Wall};

/// Longer than any shift.
const FAR: i64 = 10 * 366 * 86_400_000;

/// Deals out leads that have never been dialed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leads {
    dealt: u64,
}

impl Leads {
    pub(crate) fn deal(&mut self, now: Wall, count: u32) -> Result<Vec<Lease>, NumberError> {
        (0..count).map(|_| self.one(now)).collect()
    }

    fn one(&mut self, now: Wall) -> Result<Lease, NumberError> {
        self.dealt += 1;
        let number = LeadNumber {
            number: Number::new(&format!("55{:011}", self.dealt))?,
            position: 0,
            attempts: 0,
            not_before: now,
            not_after: Wall(now.0 + FAR),
        };
        Ok(Lease {
            id: LeaseId(self.dealt),
            lead: LeadId(self.dealt),
            list: ListId(1),
            weight: 1,
            priority: 0,
            owner: None,
            skill: None,
            last: None,
            callback: None,
            attempts: 0,
            numbers: vec![number],
            expires_at: Wall(now.0 + FAR),
        })
    }
}
