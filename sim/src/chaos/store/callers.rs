//! Whose lead somebody is who calls, and whether it can be settled with that call.

use outdial_engine::config::{CampaignConfig, CampaignState, Mode};
use outdial_engine::{
    CampaignId, Claim, LeadId, LeadNumber, Lease, LeaseId, ListId, Number, Owner, Wall,
};

use super::super::stage::{pick, whole};
use super::{LEASE_MS, Lead, SHARED, Status, Store};
use crate::chance::Chance;

/// Who calls is mostly one of those who were dealt last.
const LATELY: u32 = 150;

/// Leads that are looked at for somebody with a number that others have, too.
const LOOKED_AT: usize = 600;

/// Whether the store looks for callers among this campaign's leads.
pub(super) fn takes_calls(campaign: &CampaignConfig) -> bool {
    campaign.state != CampaignState::Stopped
        && campaign.mode != Mode::Agentless
        && campaign.queue.is_none()
}

impl Store {
    /// Somebody who was dealt lately calls, or somebody whose number is in another lead, too, and
    /// that one is leased. `None`: there is no such lead.
    pub(crate) fn somebody(&self, draw: &mut Chance) -> Option<(LeadId, usize)> {
        let campaigns: Vec<(CampaignId, u32)> = self.dealt.iter().map(|(c, n)| (*c, *n)).collect();
        if campaigns.is_empty() {
            return None;
        }
        let (campaign, dealt) = campaigns[pick(draw, campaigns.len())];
        let n = whole(draw, dealt.saturating_sub(LATELY) + 1, dealt.max(1));
        let id = LeadId(campaign.0 * 2_000_000 + u64::from(n));
        let place = pick(draw, self.leads.get(&id)?.numbers.len());
        let shared = match draw.happens(0.2) {
            true => self.shared(draw, campaign),
            false => None,
        };
        Some(shared.unwrap_or((id, place)))
    }

    /// A lead of this campaign with a number that another lead's lease has claimed.
    fn shared(&self, draw: &mut Chance, campaign: CampaignId) -> Option<(LeadId, usize)> {
        let shared = self.claims.iter();
        let shared: Vec<(&Number, &LeaseId)> = shared
            .filter(|(number, _)| number.digits().starts_with(SHARED))
            .collect();
        let (number, lease) = *shared.get(pick(draw, shared.len()))?;
        let first = LeadId(campaign.0 * 2_000_000);
        let last = LeadId(first.0 + 1_999_999);
        let others = self.leads.range(first..=last).rev().take(LOOKED_AT);
        others
            .filter(|(id, _)| self.leases.get(lease) != Some(*id))
            .find_map(|(id, lead)| {
                let mut numbers = lead.numbers.iter();
                Some((*id, numbers.position(|(n, _)| n == number)?))
            })
    }

    /// The lead's person calls from this one of his numbers. `None`: there is no way to find out
    /// whose he is, or his campaign takes no calls. Else his campaign, the lead, its claim, and
    /// whether he is never to be called back.
    pub(crate) fn caller(
        &mut self,
        now: Wall,
        (id, place): (LeadId, usize),
        stale: bool,
    ) -> Option<(CampaignId, Lease, Claim, bool)> {
        let campaign = self.leads.get(&id)?.campaign;
        // The configuration may have changed since the store looked.
        if !self.up || (!stale && !self.take_calls.contains(&campaign)) {
            return None;
        }
        let claim = self.claim(id);
        let lead = self.leads.get(&id)?;
        let (caller, _) = lead.numbers.get(place)?;
        let forbidden = self.forbidden.contains(caller);
        let lease = match (claim, lead.status) {
            (Claim::Taken | Claim::InHand, Status::Leased(lease)) => lease,
            (Claim::Taken | Claim::InHand, Status::Ready | Status::Dialing(_) | Status::Done)
            | (Claim::None, _) => LeaseId::NONE,
        };
        let lease = of_caller(id, lead, lease, place, now);
        Some((campaign, lease, claim, forbidden))
    }

    /// The place of the number by which a lead was dialed.
    pub(crate) fn place_of(&self, id: LeadId, number: &Number) -> Option<usize> {
        let mut numbers = self.leads.get(&id)?.numbers.iter();
        numbers.position(|(n, _)| n == number)
    }

    /// Leases the lead for the call, if nobody has it. Numbers that another lease has stay there.
    fn claim(&mut self, id: LeadId) -> Claim {
        let Some(lead) = self.leads.get_mut(&id) else {
            return Claim::None;
        };
        match lead.status {
            Status::Leased(_) => return Claim::InHand,
            Status::Dialing(_) => return Claim::None,
            Status::Ready | Status::Done => {}
        }
        lead.was_done = lead.status == Status::Done;
        if let Some(due) = self.due.get_mut(&lead.campaign) {
            due.remove(&(lead.next_at, id));
        }
        self.last_lease += 1;
        let lease = LeaseId(self.last_lease);
        lead.status = Status::Leased(lease);
        self.leases.insert(lease, id);
        for (number, _) in &lead.numbers {
            self.claims.entry(number.clone()).or_insert(lease);
        }
        Claim::Taken
    }
}

/// All of the lead's numbers, the caller's first; no window is looked at.
fn of_caller(id: LeadId, lead: &Lead, lease: LeaseId, place: usize, now: Wall) -> Lease {
    let others = (0..lead.numbers.len()).filter(|other| *other != place);
    let order = std::iter::once(place).chain(others);
    let numbers = order.filter_map(|place| {
        let (number, attempts) = lead.numbers.get(place)?;
        Some(LeadNumber {
            number: number.clone(),
            position: u8::try_from(place).unwrap_or(0),
            attempts: *attempts,
            not_before: Wall(0),
            not_after: Wall(i64::MAX),
        })
    });
    let owner = lead.callback.and_then(|c| c.agent).or(lead.owner);
    Lease {
        id: lease,
        lead: id,
        list: ListId(id.0 % 3),
        weight: 1,
        priority: 0,
        owner: owner.map(|agent| Box::new(Owner { agent, until: None })),
        skill: lead.skill.map(Into::into),
        attempts: lead.attempts,
        last: lead.last,
        callback: lead.callback.map(Box::new),
        numbers: numbers.collect(),
        expires_at: Wall(now.0 + LEASE_MS),
    }
}
