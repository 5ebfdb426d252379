//! May this call be made, now?

use outdial_engine::config::CampaignState;
use outdial_engine::{Now, Originate, Span};

use super::{Fate, LegBook, Oracle, Try, Verdict};

/// Without a sidecar nothing is dialed after this long.
const LINK_DOWN: Span = Span::seconds(30);
/// A call for one agent waits for a trunk this long.
const QUEUED: Span = Span::seconds(11);

impl Oracle {
    pub(super) fn originate(&mut self, now: Now, originate: &Originate) -> Verdict {
        let leg = originate.leg;
        let Some(call) = self.tries.get(&leg.attempt).cloned() else {
            return Err(format!("leg {leg} is dialed without a record of its start"));
        };
        if call.inbound {
            return Err(format!("leg {leg} came in, and is dialed"));
        }
        if call.leg != leg || call.originated {
            return Err(format!(
                "leg {leg} is dialed, the record is of {}",
                call.leg
            ));
        }
        if let Some(known) = self.tries.get_mut(&leg.attempt) {
            known.originated = true;
        }
        self.dials += 1;
        let checks = self
            .node_may_dial(now)
            .and_then(|()| self.campaign_dials(&call))
            .and_then(|()| self.lease_allows(now, &call))
            .and_then(|()| self.alone(&call))
            .and_then(|()| self.callers.none_is_dialed(call.lead, &call.number))
            .and_then(|()| self.needs_an_agent(&call))
            .and_then(|()| self.within_caps(now, originate, &call));
        checks.map_err(|why| format!("leg {leg} of campaign {}: {why}", call.campaign))
    }

    /// What one agent asked for needs none of the others, and a failover is no new call.
    fn needs_an_agent(&self, call: &Try) -> Verdict {
        match call.personal || call.leg.n > 1 {
            true => Ok(()),
            false => self.mode_allows(call),
        }
    }

    fn node_may_dial(&self, now: Now) -> Verdict {
        if self.draining {
            return Err("dialed while draining".into());
        }
        if self.journal_bad {
            return Err("dialed while the journal can't be written".into());
        }
        let down = self.link_down_since.map(|since| now.tick - since);
        if down.is_some_and(|down| down >= LINK_DOWN) || self.epoch.is_none() {
            return Err(format!("dialed without a sidecar, gone for {down:?}"));
        }
        Ok(())
    }

    fn campaign_dials(&self, call: &Try) -> Verdict {
        let personal = self
            .leases
            .get(&call.lease)
            .is_some_and(|book| book.personal);
        match self.is_running(call.campaign) {
            Some(CampaignState::Running) => Ok(()),
            // An agent's own call may be made for a campaign that is paused.
            Some(CampaignState::Paused) if personal => Ok(()),
            state => Err(format!("dialed for a campaign that is {state:?}")),
        }
    }

    fn lease_allows(&self, now: Now, call: &Try) -> Verdict {
        let Some(book) = self.leases.get(&call.lease) else {
            return Err("its lease was settled before, or never granted".into());
        };
        let lease = call.lease;
        match book.fate {
            Fate::InUse => {}
            Fate::Held => return Err(format!("lease {lease} is not in use by this attempt")),
            Fate::Revoked => return Err(format!("lease {lease} was revoked")),
            Fate::Void => return Err(format!("lease {lease} is of an epoch that is over")),
        }
        if book.epoch != self.epoch || book.campaign != call.campaign {
            return Err(format!("lease {lease} is another epoch's or campaign's"));
        }
        if now.wall >= book.lease.expires_at {
            let late = now.wall.0 - book.lease.expires_at.0;
            return Err(format!("lease {lease} expired {late} ms ago"));
        }
        let number = book.lease.numbers.iter().find(|n| n.number == call.number);
        let Some(number) = number.filter(|_| book.lease.lead == call.lead) else {
            return Err(format!("lease {lease} is not for this number"));
        };
        if now.wall < number.not_before || now.wall >= number.not_after {
            return Err("dialed outside the number's window".into());
        }
        if self.forbidden.contains(&call.number) {
            return Err("dialed a number on the do-not-call list".into());
        }
        Ok(())
    }

    fn alone(&self, call: &Try) -> Verdict {
        // Who calls us is looked at elsewhere.
        for (id, other) in self.tries.iter().filter(|(_, other)| !other.inbound) {
            if *id != call.leg.attempt && other.lead == call.lead {
                return Err(format!("attempt {id} calls the same lead"));
            }
            if *id != call.leg.attempt && other.number == call.number {
                return Err(format!("attempt {id} calls the same number"));
            }
        }
        Ok(())
    }

    fn within_caps(&mut self, now: Now, originate: &Originate, call: &Try) -> Verdict {
        let leg = originate.leg;
        let Some(trunk) = self.trunks.get_mut(&call.trunk) else {
            return Err("dialed over a trunk that is not known".into());
        };
        if trunk.removed || !trunk.config.enabled {
            return Err("dialed over a trunk that was taken away".into());
        }
        if originate.due < now.tick {
            return Err("due in the past".into());
        }
        if !trunk.take(originate.due, leg) {
            let rate = trunk.config.cps_milli;
            return Err(format!(
                "more than the {rate} milli calls per second of trunk {}",
                call.trunk
            ));
        }
        let channels = trunk.config.max_channels;
        let book = LegBook {
            trunk: call.trunk,
            answered: false,
        };
        self.legs.insert(leg, book);
        let on_trunk = self.legs.values().filter(|l| l.trunk == call.trunk).count();
        if on_trunk > usize::try_from(channels).unwrap_or(usize::MAX) {
            return Err(format!(
                "{on_trunk} channels of {channels} on trunk {}",
                call.trunk
            ));
        }
        let dialing = self.legs.values().filter(|l| !l.answered).count();
        let most = self.settings.max_concurrent_originates;
        if dialing > usize::try_from(most).unwrap_or(usize::MAX) {
            return Err(format!("{dialing} dialing at once, {most} allowed"));
        }
        if leg.n > 1 {
            return Ok(());
        }
        self.campaign_caps(now, call)
    }

    fn campaign_caps(&mut self, now: Now, call: &Try) -> Verdict {
        let live = self
            .tries
            .values()
            .filter(|t| t.campaign == call.campaign)
            .count();
        let live = u64::try_from(live).unwrap_or(u64::MAX);
        let Some(campaign) = self.campaigns.get_mut(&call.campaign) else {
            return Err("the campaign is not known".into());
        };
        campaign.live_most = campaign.live_most.max(live);
        // A call for one agent may have waited for its trunk since before the cap was lowered.
        let (since, before) = campaign.capped_before;
        let before = if now.tick - since < QUEUED { before } else { 0 };
        let most = u64::from(campaign.config.max_concurrent.max(before));
        if live > most {
            return Err(format!("{live} attempts live, {most} allowed"));
        }
        let shown = self.shown.entry(call.caller_id.clone()).or_default();
        *shown += 1;
        // A run is shorter than the 24 hours that the cap looks back on.
        if let Some(cap) = campaign
            .config
            .caller_ids
            .daily_cap
            .filter(|cap| *shown > *cap)
        {
            return Err(format!(
                "the caller id is shown {shown} times, {cap} allowed"
            ));
        }
        Ok(())
    }
}
