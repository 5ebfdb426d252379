//! Whose lead somebody is who calls, and whether it can be settled with that call.

use outdial_engine::config::{CampaignConfig, CampaignState, Mode};
use outdial_engine::{CampaignId, Claim, LeadId, LeadNumber, Lease, LeaseId, ListId, Owner, Wall};

use super::super::stage::{Stage, pick, whole};
use super::{LEASE_MS, Lead, Status, Store};
use crate::chance::Chance;

/// Who calls is mostly one of those who were dealt last.
const LATELY: u32 = 150;

/// Whether the store looks for callers among this campaign's leads.
pub(super) fn takes_calls(campaign: &CampaignConfig) -> bool {
    campaign.state != CampaignState::Stopped
        && campaign.mode != Mode::Agentless
        && campaign.queue.is_none()
}

impl Store {
    /// Somebody calls. `None`: he is nobody's, or there is no way to find out. Else his campaign,
    /// his lead, its claim, and whether he is never to be called back.
    pub(crate) fn caller(
        &mut self,
        stage: &Stage,
        draw: &mut Chance,
    ) -> Option<(CampaignId, Lease, Claim, bool)> {
        let campaigns: Vec<(CampaignId, u32)> = self.dealt.iter().map(|(c, n)| (*c, *n)).collect();
        if !self.up || campaigns.is_empty() {
            return None;
        }
        let (campaign, dealt) = campaigns[pick(draw, campaigns.len())];
        let n = whole(draw, dealt.saturating_sub(LATELY) + 1, dealt.max(1));
        // The configuration may have changed since the store looked.
        let stale = draw.happens(0.05);
        if !stale && !self.take_calls.contains(&campaign) {
            return None;
        }
        let mut id = LeadId(campaign.0 * 2_000_000 + u64::from(n));
        // Some call because their phone rings.
        if draw.happens(0.25) {
            let lately = LeadId(id.0.saturating_sub(u64::from(LATELY)))..=id;
            let rings = |(_, lead): &(&LeadId, &Lead)| {
                lead.campaign == campaign && matches!(lead.status, Status::Dialing(_))
            };
            id = self
                .leads
                .range(lately)
                .rev()
                .find(rings)
                .map_or(id, |(id, _)| *id);
        }
        // The number that was dialed last, or another one of his.
        let numbers = self.leads.get(&id)?.numbers.len();
        let place = match draw.happens(0.7) {
            true => self.leads.get(&id)?.next_position % numbers.max(1),
            false => pick(draw, numbers),
        };
        let claim = self.claim(id);
        let lead = self.leads.get(&id)?;
        let (caller, _) = lead.numbers.get(place)?;
        let forbidden = self.forbidden.contains(caller);
        let lease = match claim {
            Claim::Taken | Claim::InHand => match lead.status {
                Status::Leased(lease) => lease,
                Status::Ready | Status::Dialing(_) | Status::Done => LeaseId::NONE,
            },
            Claim::None => LeaseId::NONE,
        };
        let lease = of_caller(id, lead, lease, place, stage.now.wall);
        Some((campaign, lease, claim, forbidden))
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
