//! Each attempt begins once, and has one result.

use outdial_engine::attempt::Outcome;
use outdial_engine::{AttemptResult, LeaseId, LegId, Now, Started};

use super::{Fate, Oracle, Try, Verdict};

impl Oracle {
    pub(super) fn started(&mut self, started: &Started) -> Verdict {
        let id = started.leg.attempt;
        if self.ended.contains(&id) {
            return Err(format!("attempt {id} starts a leg after its result"));
        }
        if let Some(known) = self.tries.get_mut(&id) {
            let next = LegId {
                n: known.leg.n + 1,
                ..known.leg
            };
            if started.leg != next || started.lease != known.lease || started.number != known.number
            {
                return Err(format!("attempt {id} goes on as another one: {started:?}"));
            }
            known.leg = started.leg;
            known.trunk = started.trunk;
            known.originated = false;
            return Ok(());
        }
        let personal = match self.leases.get_mut(&started.lease) {
            Some(book) => {
                if book.fate == Fate::Held {
                    book.fate = Fate::InUse;
                }
                book.personal && !started.inbound
            }
            // Who calls may have a lead that somebody else has.
            None if started.inbound && started.lease == LeaseId::NONE => false,
            None => {
                return Err(format!(
                    "attempt {id} starts with lease {}, settled or never granted",
                    started.lease
                ));
            }
        };
        if started.inbound {
            self.callers.started(started)?;
        }
        self.tries.insert(
            id,
            Try {
                lease: started.lease,
                lead: started.lead,
                number: started.number.clone(),
                campaign: started.campaign,
                leg: started.leg,
                trunk: started.trunk,
                caller_id: started.caller_id.clone(),
                originated: false,
                inbound: started.inbound,
                personal,
                in_flight: !personal,
            },
        );
        Ok(())
    }

    pub(super) fn result(&mut self, now: Now, result: &AttemptResult) -> Verdict {
        let id = result.attempt;
        self.results += 1;
        *self.by_outcome.entry(result.outcome).or_default() += 1;
        if !self.ended.insert(id) {
            return Err(format!("attempt {id} has two results"));
        }
        let known = self.tries.remove(&id);
        self.lines.result(result)?;
        if known
            .as_ref()
            .is_some_and(|known| known.inbound != result.inbound)
        {
            return Err(format!("attempt {id} came in, or did not"));
        }
        if result.inbound {
            self.callers.result(now, result)?;
            if result.lease == LeaseId::NONE {
                return Ok(());
            }
        }
        let Some(book) = self.leases.remove(&result.lease) else {
            let lease = result.lease;
            return Err(format!(
                "attempt {id} has a result with lease {lease}, settled or never granted"
            ));
        };
        self.settled.insert(result.lease);
        let fits = match (&known, book.fate) {
            (Some(known), Fate::InUse | Fate::Revoked | Fate::Void) => {
                (known.lease, known.lead) == (result.lease, result.lead)
            }
            // It waited for a trunk and never got one.
            (None, Fate::Held | Fate::Revoked | Fate::Void) => result.legs == 0,
            (Some(_), Fate::Held) | (None, Fate::InUse) => false,
        };
        if !fits {
            let fate = book.fate;
            return Err(format!(
                "attempt {id}: its result fits no start (lease {fate:?}): {result:?}"
            ));
        }
        if result.inbound {
            return Ok(());
        }
        if let Some(campaign) = self.campaigns.get_mut(&result.campaign) {
            campaign.abandoned += u64::from(result.outcome == Outcome::Abandoned);
            campaign.served += u64::from(result.outcome == Outcome::Completed);
        }
        self.caps_after(now, result, &book.lease)
    }
}
