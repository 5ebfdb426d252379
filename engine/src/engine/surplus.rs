//! Dials that no agent is left for.

use crate::attempt::Ending;
use crate::campaign::Campaign;
use crate::config::Mode;
use crate::deadline::Why;
use crate::ids::{AttemptId, CampaignId};
use crate::pacing::times;
use crate::time::{Now, Span, Tick};

use super::Engine;

/// Shown with the attempt.
const NOBODY_LEFT: &str = "no agent left";

impl Engine {
    /// Agents went or paused: of the dials that are too many now, those that have rung for the
    /// campaign's minimum, or do not ring yet, are ended; the others when they have rung so long.
    /// Who answers before gets an agent or the message.
    pub(super) fn cancel_surplus(&mut self, now: Now, id: CampaignId) {
        let Some(campaign) = self.campaigns.get(&id) else {
            return;
        };
        let surplus = surplus(campaign);
        if surplus == 0 {
            return;
        }
        let minimum = Span::ms(campaign.config.min_ring_ms);
        // Those that do not ring yet first, then those that have rung longest.
        let mut dials: Vec<(Option<Tick>, AttemptId)> = campaign
            .dials
            .iter()
            .filter_map(|(_, id)| self.attempts.get(id))
            .filter(|a| a.state.is_dialing() && a.ending.is_none())
            .map(|a| (a.alerting, a.id))
            .collect();
        dials.sort_unstable();
        let many = usize::try_from(surplus).unwrap_or(usize::MAX);
        for (alerting, dial) in dials.into_iter().take(many) {
            match alerting.map(|since| since + minimum) {
                Some(until) if until > now.tick => self.arm_sooner(dial, until),
                Some(_) | None => self.cancel_dial(now, dial),
            }
        }
    }

    /// It has rung for the minimum: is there still nobody for it?
    pub(super) fn min_ring_due(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let campaign = attempt.campaign().and_then(|c| self.campaigns.get(&c));
        if campaign.is_some_and(|c| surplus(c) > 0) {
            self.cancel_dial(now, id);
        } else {
            let since = attempt.alerting.unwrap_or(now.tick);
            let until = since + self.ring_timeout(id);
            self.arm(id, until, Why::RingTimeout);
        }
    }

    /// Its answer would find no agent, and it has rung for the campaign's minimum: it ends now, as
    /// one that nobody answered, and not at the ring time-out.
    pub(super) fn end_hopeless(&mut self, now: Now, campaign: CampaignId, dial: (Tick, AttemptId)) {
        let campaign = self.campaigns.get_mut(&campaign);
        if let Some(dial) = campaign.and_then(|campaign| campaign.dials.get_mut(&dial)) {
            dial.end();
        }
        self.end_leg(now, dial.1, Ending::NoAnswer);
    }

    fn arm_sooner(&mut self, id: AttemptId, until: Tick) {
        let deadline = self.attempts.get(&id).and_then(|a| a.deadline);
        if deadline.is_some_and(|(at, _)| until < at) {
            self.arm(id, until, Why::MinRing);
        }
    }

    fn cancel_dial(&mut self, now: Now, id: AttemptId) {
        let queued = self.queued.contains(&id);
        if !queued {
            self.end_leg(now, id, Ending::Cancelled(NOBODY_LEFT));
            return;
        }
        self.cancel_dials(now, NOBODY_LEFT, |a| a.id == id);
    }
}

/// Dials that the mode would never have made for the agents that are left. What was predicted
/// stands, as long as somebody is there.
fn surplus(campaign: &Campaign) -> u32 {
    let agents = campaign.on_duty();
    let allowed = match campaign.config.mode {
        Mode::Agentless => return 0,
        Mode::Preview { .. } | Mode::Progressive => agents,
        Mode::Power { ratio_milli } => times(agents, ratio_milli),
        Mode::Predictive { .. } if agents > 0 => return 0,
        Mode::Predictive { .. } => 0,
    };
    // Callers are not dialed.
    let callers = u32::try_from(campaign.callers.len()).unwrap_or(u32::MAX);
    let dialed = campaign.in_flight.saturating_sub(callers);
    dialed.saturating_sub(allowed)
}
