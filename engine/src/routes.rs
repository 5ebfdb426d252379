//! Which trunks reach a number, in the order in which to try them.

use std::collections::BTreeMap;

use crate::config::Route;
use crate::ids::{CampaignId, TrunkId};
use crate::number::Number;

/// All routes, ordered for look-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Routes {
    shared: Vec<Route>,
    own: BTreeMap<CampaignId, Vec<Route>>,
}

impl Routes {
    /// Longest prefix first, then the lower priority.
    pub(crate) fn new(routes: Vec<Route>) -> Routes {
        let mut all = Routes::default();
        for route in routes {
            match route.campaign {
                None => all.shared.push(route),
                Some(campaign) => all.own.entry(campaign).or_default().push(route),
            }
        }
        let order = |r: &Route| (usize::MAX - r.prefix.len(), r.priority, r.trunk);
        all.shared.sort_by_key(order);
        for routes in all.own.values_mut() {
            routes.sort_by_key(order);
        }
        all
    }

    /// The routes that hold for a campaign: its own, or the shared ones if it has none.
    pub(crate) fn of(&self, campaign: CampaignId) -> &[Route] {
        self.own.get(&campaign).unwrap_or(&self.shared)
    }

    /// The routes that match `number`, in groups of equal standing; a later group is for when
    /// every trunk of the earlier ones is down, full or already tried.
    pub(crate) fn groups<'a>(
        &'a self,
        campaign: CampaignId,
        number: &'a Number,
    ) -> impl Iterator<Item = impl Iterator<Item = &'a Route> + Clone> {
        let standing = |r: &Route| (r.prefix.len(), r.priority);
        self.of(campaign)
            .chunk_by(move |a, b| standing(a) == standing(b))
            .map(|group| group.iter().filter(|r| number.starts_with(&r.prefix)))
    }

    /// The trunks that a campaign may use at all.
    pub(crate) fn trunks(&self, campaign: CampaignId) -> Vec<TrunkId> {
        let mut trunks: Vec<TrunkId> = self.of(campaign).iter().map(|r| r.trunk).collect();
        trunks.sort();
        trunks.dedup();
        trunks
    }
}

/// The digits that are dialed over `route`; `None` when nothing dialable is left of the number.
pub(crate) fn dialed(route: &Route, number: &Number) -> Option<Number> {
    number.changed(usize::from(route.strip), &route.prepend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(campaign: Option<u64>, prefix: &str, trunk: u64, priority: u32) -> Route {
        Route {
            campaign: campaign.map(CampaignId),
            prefix: prefix.into(),
            trunk: TrunkId(trunk),
            priority,
            weight: 1,
            strip: 0,
            prepend: "".into(),
        }
    }

    fn order(routes: &Routes, campaign: u64, number: &str) -> Vec<Vec<u64>> {
        let number = Number::new(number).unwrap();
        routes
            .groups(CampaignId(campaign), &number)
            .map(|g| g.map(|r| r.trunk.0).collect::<Vec<_>>())
            .filter(|g| !g.is_empty())
            .collect()
    }

    #[test]
    fn the_longest_prefix_then_the_lower_priority_comes_first() {
        let routes = Routes::new(vec![
            route(None, "", 1, 1),
            route(None, "55", 2, 2),
            route(None, "55", 3, 1),
            route(None, "55", 4, 1),
            route(None, "44", 5, 1),
            route(Some(9), "", 6, 1),
        ]);
        assert_eq!(order(&routes, 1, "5511"), [vec![3, 4], vec![2], vec![1]]);
        assert_eq!(order(&routes, 9, "5511"), [vec![6]]);
        assert_eq!(order(&routes, 1, "33"), [vec![1]]);
    }

    #[test]
    fn digits_are_stripped_then_prepended() {
        let number = Number::new("5511987654321").unwrap();
        let mut r = route(None, "55", 1, 1);
        r.strip = 2;
        r.prepend = "015".into();
        assert_eq!(dialed(&r, &number).unwrap().digits(), "01511987654321");
        r.strip = 13;
        r.prepend = "".into();
        assert_eq!(dialed(&r, &number), None);
    }
}
