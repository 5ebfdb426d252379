//! Campaigns that something happened to.

use crate::ids::CampaignId;

/// A small ordered set that keeps its memory: there is one for each event, and mostly it has one
/// member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dirty(Vec<CampaignId>);

impl Dirty {
    pub(crate) fn insert(&mut self, id: CampaignId) {
        if let Err(place) = self.0.binary_search(&id) {
            self.0.insert(place, id);
        }
    }

    /// All of these, which come in order.
    pub(crate) fn replace(&mut self, ids: impl Iterator<Item = CampaignId>) {
        self.0.clear();
        self.0.extend(ids);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = CampaignId> {
        self.0.iter().copied()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Hands them out by priority, the highest first, equals in their order.
    pub(crate) fn by_priority(&mut self, priority: impl Fn(CampaignId) -> i32) -> Vec<CampaignId> {
        let mut all = std::mem::take(&mut self.0);
        // Stable, so equals stay in order.
        all.sort_by_cached_key(|id| std::cmp::Reverse(priority(*id)));
        all
    }

    /// Takes the memory back that [`Dirty::by_priority`] gave away.
    pub(crate) fn reuse(&mut self, mut ids: Vec<CampaignId>) {
        if ids.capacity() > self.0.capacity() {
            ids.clear();
            self.0 = ids;
        }
    }
}
