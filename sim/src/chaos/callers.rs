//! People who were dialed and call back: what the dialplan, the library and the store do until the
//! engine has their call.

use std::collections::BTreeMap;

use outdial_engine::{CampaignId, Claim, Event, Inbound, LeadId, RequestId, Span, Started};

use super::plan::Fault;
use super::stage::{Happening, Stage, chance, exponential, whole};
use super::store::Store;
use crate::chance::Chance;

/// So long `OutdialInbound` waits for the store's answer.
const ANSWER_MOST: Span = Span::seconds(5);

/// What callers do.
#[derive(Clone, Debug)]
pub(crate) enum CallerAct {
    /// Somebody calls.
    Calls,
    /// The lead's person does, because his phone rings, or has just rung.
    CallsBack(LeadId, usize),
    /// The store has found whose he is, over this connection.
    Known(u32, Box<Inbound>),
}

/// Calls that come in.
pub(crate) struct Callers {
    chance: Chance,
    last_request: u64,
    /// Calls that the engine was asked to take: their campaigns, and how patient they are.
    asked: BTreeMap<RequestId, (CampaignId, u32)>,
}

impl Callers {
    pub(crate) fn new(stage: &mut Stage) -> Callers {
        let mut callers = Callers {
            chance: chance(stage.plan.seed, "callers", 0),
            last_request: 0,
            asked: BTreeMap::new(),
        };
        callers.next(stage);
        callers
    }

    fn next(&mut self, stage: &mut Stage) {
        if let Some(mean_ms) = 3_600_000_u32.checked_div(stage.plan.callers) {
            let after = exponential(&mut self.chance, mean_ms);
            stage.plan_in(after, Happening::Caller(CallerAct::Calls));
        }
    }

    /// What the engine is told, if it comes to that.
    pub(crate) fn act(
        &mut self,
        stage: &mut Stage,
        store: &mut Store,
        act: CallerAct,
    ) -> Option<Event> {
        match act {
            CallerAct::Calls => {
                if !stage.closing {
                    self.next(stage);
                    if let Some(who) = store.somebody(&mut self.chance) {
                        self.calls(stage, store, who);
                    }
                }
                None
            }
            CallerAct::CallsBack(lead, place) => {
                if !stage.closing {
                    self.calls(stage, store, (lead, place));
                }
                None
            }
            CallerAct::Known(connection, call) => self.known(stage, store, connection, call),
        }
    }

    /// A lead is dialed: now and then its person calls before he can answer.
    pub(crate) fn dialed(&mut self, stage: &mut Stage, store: &Store, started: &Started) {
        if stage.plan.callers == 0 || started.inbound || !self.chance.happens(0.02) {
            return;
        }
        if let Some(place) = store.place_of(started.lead, &started.number) {
            let after = exponential(&mut self.chance, 2_500);
            let calls = CallerAct::CallsBack(started.lead, place);
            stage.plan_in(after, Happening::Caller(calls));
        }
    }

    fn calls(&mut self, stage: &mut Stage, store: &mut Store, who: (LeadId, usize)) {
        let draw = &mut self.chance;
        let stale = draw.happens(0.05);
        let found = store.caller(stage.now.wall, who, stale);
        let Some((campaign, lead, claim, forbidden)) = found else {
            return;
        };
        let call = Inbound {
            campaign,
            called: None,
            wait: Span::ms(whole(draw, 3_000, 120_000)),
            lead,
            claim,
            forbidden,
        };
        let after = match stage.has(Fault::Late) && draw.happens(0.05) {
            true => exponential(draw, 2_000),
            false => Span::ms(whole(draw, 3, 60)),
        };
        if after >= ANSWER_MOST {
            gives_up(stage, store, &call);
            return;
        }
        let known = CallerAct::Known(store.connection, Box::new(call));
        stage.plan_in(after, Happening::Caller(known));
    }

    fn known(
        &mut self,
        stage: &mut Stage,
        store: &mut Store,
        connection: u32,
        call: Box<Inbound>,
    ) -> Option<Event> {
        if !store.up || connection != store.connection {
            // The store's answer went with the connection; the next one frees the lease.
            return None;
        }
        let draw = &mut self.chance;
        let hung_up = draw.happens(0.02);
        let lost = stage.has(Fault::Lost) && draw.happens(0.02);
        if hung_up || lost {
            gives_up(stage, store, &call);
            return None;
        }
        self.last_request += 1;
        let request = RequestId(self.last_request);
        let patience = whole(draw, 5_000, 200_000);
        self.asked.insert(request, (call.campaign, patience));
        Some(Event::Inbound { request, call })
    }

    /// The engine has answered: the caller's campaign and patience.
    pub(crate) fn answered(&mut self, request: RequestId) -> Option<(CampaignId, u32)> {
        self.asked.remove(&request)
    }
}

/// The library gives back what nobody waits for any more.
fn gives_up(stage: &Stage, store: &mut Store, call: &Inbound) {
    if call.claim == Claim::Taken {
        store.give_back(&[call.lead.id], stage.now.wall);
    }
}
