//! What somebody asks the store for: a call of an agent's own, leases back, a number on the list.

use outdial_engine::{AgentId, CampaignId, Event, LeaseId, Number, RequestId, Span};

use super::super::stage::{Happening, Stage, pick, whole};
use super::Store;

impl Store {
    /// An agent asks for a call of their own.
    pub(crate) fn manual(&mut self, stage: &mut Stage, agent: AgentId, campaign: CampaignId) {
        if !self.up {
            return;
        }
        let lead = self.new_lead(stage, campaign);
        let Some(lease) = lead.and_then(|id| self.lease(id, stage.now.wall)) else {
            return;
        };
        self.last_request += 1;
        let request = RequestId(self.last_request);
        let lease = Box::new(lease);
        self.send(
            stage,
            Event::Manual {
                request,
                agent,
                campaign,
                lease,
            },
        );
    }

    /// Takes back some leases; who is called under them is not called again.
    pub(crate) fn revoke(&mut self, stage: &mut Stage) {
        let all: Vec<LeaseId> = self.leases.keys().copied().collect();
        if !self.up || all.is_empty() {
            return;
        }
        let mut leases: Vec<LeaseId> = (0..whole(&mut self.chance, 1, 4))
            .map(|_| all[pick(&mut self.chance, all.len())])
            .collect();
        leases.sort_unstable();
        leases.dedup();
        for lease in &leases {
            let lead = self.leases.get(lease).copied();
            if let Some(lead) = lead.and_then(|id| self.leads.get_mut(&id)) {
                lead.closed = true;
            }
        }
        self.send(stage, Event::Revoke(leases));
    }

    /// Somebody does not want to be called any more.
    pub(crate) fn forbid(&mut self, stage: &mut Stage) {
        let claimed: Vec<&Number> = self.claims.keys().collect();
        if !self.up || claimed.is_empty() {
            return;
        }
        let number = claimed[pick(&mut self.chance, claimed.len())].clone();
        self.forbidden.insert(number.clone());
        // A connection that breaks now takes the entry with it, but the next one brings it.
        let event = Box::new(Event::DoNotCall(vec![number]));
        stage.plan_in(Span::ms(5), Happening::Arrives(event));
    }
}
