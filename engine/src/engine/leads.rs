//! Leads in hand: granted, renewed, revoked, given back, forbidden.

use std::collections::BTreeSet;

use crate::attempt::{Ending, State};
use crate::command::Command;
use crate::event::Lease;
use crate::ids::{AttemptId, CampaignId, LeaseId};
use crate::limits;
use crate::number::Number;
use crate::time::{Now, Tick, Wall};

use super::Engine;

impl Engine {
    pub(super) fn leases_granted(
        &mut self,
        now: Now,
        id: CampaignId,
        mut leases: Vec<Lease>,
        next_due: Option<Wall>,
    ) {
        leases.retain(|lease| self.granted.is_new(now.tick, lease.id));
        let in_hand: usize = self.campaigns.values().map(|c| c.hopper.len()).sum();
        let draining = self.draining;
        let Some(campaign) = self
            .campaigns
            .get_mut(&id)
            .filter(|c| !c.removed && !draining)
        else {
            let leases = leases.into_iter().map(|l| l.id).collect();
            self.push(Command::ReturnLeases {
                campaign: id,
                leases,
            });
            return;
        };
        campaign.asking.since = None;
        campaign.asking.next_due = next_due;
        campaign.asking.not_before = leases.is_empty().then_some(now.tick + limits::LEADS_RETRY);
        let mut refused = Vec::new();
        let mut room = limits::LEASES.saturating_sub(in_hand);
        for mut lease in leases {
            let stopped = campaign.config.state == crate::config::CampaignState::Stopped;
            lease
                .numbers
                .retain(|n| !recent(&self.do_not_call, now, &n.number));
            let useless =
                lease.numbers.is_empty() || lease.numbers.len() > limits::NUMBERS_PER_LEAD;
            if useless || stopped || room == 0 {
                refused.push(lease.id);
            } else {
                room -= 1;
                campaign.hopper.push(lease, now.wall);
            }
        }
        self.give_back(id, refused);
        self.dirty.insert(id);
    }

    pub(super) fn leases_renewed(&mut self, leases: &[LeaseId], expires_at: Wall) {
        let leases: BTreeSet<LeaseId> = leases.iter().copied().collect();
        for campaign in self.campaigns.values_mut() {
            campaign.hopper.renew(&leases, expires_at);
        }
        for agent in self.agents.values_mut() {
            if let Some(preview) = &mut agent.preview
                && leases.contains(&preview.lease.id)
            {
                preview.lease.expires_at = expires_at;
            }
        }
        for attempt in self.attempts.values_mut() {
            if let crate::attempt::Purpose::Lead { lease, .. } = &mut attempt.purpose
                && leases.contains(&lease.id)
            {
                lease.expires_at = expires_at;
            }
        }
    }

    pub(super) fn leases_revoked(&mut self, now: Now, leases: &[LeaseId]) {
        for lease in leases {
            self.granted.is_new(now.tick, *lease);
        }
        for campaign in self.campaigns.values_mut() {
            for lease in leases {
                campaign.hopper.remove(*lease);
            }
        }
        self.end_previews(now, |p| leases.contains(&p.lease.id));
        self.cancel_dials(now, "lease revoked", |a| {
            a.lead()
                .is_some_and(|(lease, _)| leases.contains(&lease.id))
        });
    }

    /// These numbers were put on the do-not-call list: off the leads in hand, and off the line
    /// where they ring already.
    pub(super) fn forbid(&mut self, now: Now, numbers: Vec<Number>) {
        self.do_not_call
            .retain(|_, at| now.tick - *at < limits::DO_NOT_CALL_MEMORY);
        let numbers: BTreeSet<Number> = numbers.into_iter().collect();
        let campaigns = self.campaigns.iter_mut();
        let returned: Vec<(CampaignId, Vec<LeaseId>)> = campaigns
            .map(|(id, campaign)| (*id, campaign.hopper.forbid(&numbers)))
            .filter(|(_, empty)| !empty.is_empty())
            .collect();
        for (campaign, leases) in returned {
            self.give_back(campaign, leases);
        }
        self.end_previews(now, |p| {
            p.lease.numbers.iter().any(|n| numbers.contains(&n.number))
        });
        self.cancel_dials(now, "do not call", |a| numbers.contains(a.number()));
        for number in numbers {
            if self.do_not_call.len() >= limits::DO_NOT_CALL {
                // No room to remember who may not be called: then nobody whose lease is under
                // way may be.
                self.return_all_leases();
                self.do_not_call.clear();
            }
            self.do_not_call.insert(number, now.tick);
        }
    }

    pub(super) fn is_forbidden(&self, now: Now, number: &Number) -> bool {
        recent(&self.do_not_call, now, number)
    }

    /// Ends every unanswered call that `which` names.
    pub(super) fn cancel_dials(
        &mut self,
        now: Now,
        why: &'static str,
        which: impl Fn(&crate::attempt::Attempt) -> bool,
    ) {
        let dials: Vec<(AttemptId, State)> = self
            .attempts
            .values()
            .filter(|a| a.state.is_dialing() && which(a))
            .map(|a| (a.id, a.state))
            .collect();
        for (id, state) in dials {
            if state == State::Queued {
                if let Some(attempt) = self.attempts.get_mut(&id) {
                    attempt.ending = Some(Ending::Cancelled(why));
                }
                let cancelled = crate::attempt::Trigger::End(crate::attempt::Outcome::Cancelled);
                self.advance(now, id, cancelled);
            } else {
                self.end_leg(now, id, Ending::Cancelled(why));
            }
        }
    }

    pub(super) fn give_back(&mut self, campaign: CampaignId, leases: Vec<LeaseId>) {
        if leases.is_empty() {
            return;
        }
        if let Some(campaign) = self.campaigns.get_mut(&campaign) {
            for lease in &leases {
                campaign.hopper.remove(*lease);
            }
        }
        self.push(Command::ReturnLeases { campaign, leases });
    }

    pub(super) fn return_all_leases(&mut self) {
        let ids: Vec<CampaignId> = self.campaigns.keys().copied().collect();
        for id in ids {
            self.return_leases_of(id);
        }
    }

    pub(super) fn return_leases_of(&mut self, id: CampaignId) {
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        let leases = campaign.hopper.drain();
        self.give_back(id, leases);
    }

    /// Asks for leads when few are left and none are on their way.
    pub(super) fn ask_for_leads(&mut self, now: Now, id: CampaignId) {
        if !self.linked || self.draining {
            return;
        }
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        let wanted = campaign.wanted_leads();
        let in_hand = u32::try_from(campaign.hopper.len()).unwrap_or(u32::MAX);
        let asking = &mut campaign.asking;
        let under_way = asking
            .since
            .is_some_and(|at| now.tick - at < limits::LEADS_TIMEOUT);
        let too_early = asking.not_before.is_some_and(|at| now.tick < at);
        if in_hand.saturating_mul(2) > wanted || wanted <= in_hand || under_way || too_early {
            return;
        }
        asking.since = Some(now.tick);
        self.push(Command::NeedLeads {
            campaign: id,
            count: wanted - in_hand,
        });
    }
}

fn recent(list: &std::collections::BTreeMap<Number, Tick>, now: Now, number: &Number) -> bool {
    list.get(number)
        .is_some_and(|at| now.tick - *at < limits::DO_NOT_CALL_MEMORY)
}
