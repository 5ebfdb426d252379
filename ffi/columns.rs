//! A lead's own columns, read once for each leg.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outdial_engine::LegId;

use crate::field::look;
use crate::limits;
use crate::requests;
use crate::shared::Shared;

/// Name and value.
pub(crate) type Columns = BTreeMap<String, String>;

/// Columns of live legs.
#[derive(Default)]
pub(crate) struct Cache(Mutex<BTreeMap<LegId, Arc<Columns>>>);

impl Cache {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<LegId, Arc<Columns>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The leg has ended.
    pub(crate) fn forget(&self, leg: LegId) {
        self.lock().remove(&leg);
    }
}

/// The columns of a leg's lead, as they were when they were first asked for.
///
/// # Errors
/// A code of OUTDIAL_E_.
pub(crate) fn of(shared: &Shared, leg: LegId) -> Result<Arc<Columns>, i32> {
    if let Some(columns) = shared.columns.lock().get(&leg) {
        return Ok(Arc::clone(columns));
    }
    let lead = look(shared, move |engine, now| {
        engine.call(now, leg).map(|call| call.lead.0)
    })?;
    let columns = requests::columns(shared, lead).map_err(|(code, _)| code)?;
    let columns: Arc<Columns> = Arc::new(columns.into_iter().collect());
    let mut cache = shared.columns.lock();
    // Under the lock: a leg that ends now is forgotten after it.
    if cache.len() < limits::LEGS_WITH_COLUMNS && shared.slots.has_leg(leg) {
        cache.insert(leg, Arc::clone(&columns));
    }
    Ok(columns)
}
