//! Calls that come in: each is answered once, is nobody's dial, and waits for as long as it may.

use std::collections::BTreeMap;

use outdial_engine::config::{CampaignState, Mode};
use outdial_engine::{
    After, AttemptResult, CampaignId, Claim, Inbound, InboundCall, LeadId, LeadNext, LeaseId,
    LegId, Now, Number, RequestId, Span, Started, Tick,
};

use super::{Oracle, Verdict};

/// After the longest wait: the agent who was just being connected, a message to the host.
const LET_GO: Span = Span::seconds(10);
/// An agent is tried for a caller so often at most.
const TRIES: u32 = 20;

#[derive(Clone, Debug)]
struct Asked {
    call: Inbound,
    /// Why it may not be taken.
    may: Verdict,
    /// The record of its start.
    started: Option<Started>,
}

#[derive(Clone, Debug)]
struct Caller {
    lead: LeadId,
    number: Number,
    since: Tick,
    wait: Span,
    forbidden: bool,
    /// Agents that were brought to him.
    tries: u32,
    /// One has talked to him.
    served: bool,
    /// His call goes on elsewhere, or is being ended.
    let_go: bool,
    /// He waits in his bridge.
    ready: bool,
    /// His channel is really there.
    live: bool,
}

/// Who calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Callers {
    asked: BTreeMap<RequestId, Asked>,
    calls: BTreeMap<LegId, Caller>,
}

impl Callers {
    pub(super) fn told(&mut self, request: RequestId, call: &Inbound, may: Verdict) {
        let asked = Asked {
            call: call.clone(),
            may,
            started: None,
        };
        self.asked.insert(request, asked);
    }

    /// The start of a call that came in: it is the one that was announced last.
    pub(super) fn started(&mut self, started: &Started) -> Verdict {
        let Some(asked) = self.asked.values_mut().next_back() else {
            return Err(format!(
                "leg {} comes in, and nobody has called",
                started.leg
            ));
        };
        let call = &asked.call;
        let caller = call.lead.numbers.first().map(|n| &n.number);
        let lease = match call.claim {
            Claim::Taken => started.lease == call.lead.id,
            Claim::InHand => [call.lead.id, LeaseId::NONE].contains(&started.lease),
            Claim::None => started.lease == LeaseId::NONE,
        };
        let fits = lease
            && started.lead == call.lead.lead
            && started.campaign == call.campaign
            && Some(&started.number) == caller;
        if !fits || asked.started.replace(started.clone()).is_some() {
            return Err(format!("who calls is another one: {started:?}"));
        }
        Ok(())
    }

    pub(super) fn answered(
        &mut self,
        now: Now,
        request: RequestId,
        result: &Result<InboundCall, String>,
    ) -> Verdict {
        let Some(asked) = self.asked.remove(&request) else {
            return Err(format!(
                "an answer to call {request}, which did not come in"
            ));
        };
        let (Ok(call), Some(started)) = (result, &asked.started) else {
            return match (result, asked.started) {
                (Err(_), None) => Ok(()),
                (Err(_), Some(_)) | (Ok(_), _) => Err(format!(
                    "call {request} is taken and not, or without a record"
                )),
            };
        };
        asked
            .may
            .map_err(|why| format!("call {request} is taken, {why}"))?;
        if started.leg != call.leg || started.lead != call.lead {
            return Err(format!("call {request} is taken as another one: {call:?}"));
        }
        let caller = Caller {
            lead: call.lead,
            number: started.number.clone(),
            since: now.tick,
            wait: asked.call.wait,
            forbidden: asked.call.forbidden,
            tries: 0,
            served: false,
            let_go: false,
            ready: false,
            live: true,
        };
        self.calls.insert(call.leg, caller);
        Ok(())
    }

    pub(super) fn ready(&mut self, leg: LegId) {
        if let Some(caller) = self.calls.get_mut(&leg) {
            caller.ready = true;
        }
    }

    pub(super) fn served(&mut self, leg: LegId) {
        if let Some(caller) = self.calls.get_mut(&leg) {
            caller.served = true;
        }
    }

    /// An agent is brought to him.
    pub(super) fn connecting(&mut self, leg: LegId) {
        if let Some(caller) = self.calls.get_mut(&leg) {
            caller.tries += 1;
        }
    }

    /// His call is being ended: no rule of waiting holds any more.
    pub(super) fn hung_up(&mut self, leg: LegId) {
        if let Some(caller) = self.calls.get_mut(&leg) {
            caller.let_go = true;
        }
    }

    /// His channel is really gone, or is none of ours any more.
    pub(super) fn gone(&mut self, leg: LegId) {
        if let Some(caller) = self.calls.get_mut(&leg) {
            caller.live = false;
        }
    }

    /// His call goes on elsewhere.
    pub(super) fn let_go(&mut self, now: Now, leg: LegId) -> Verdict {
        let Some(caller) = self.calls.get_mut(&leg) else {
            return Ok(());
        };
        caller.let_go = true;
        let early = now.tick < caller.since + caller.wait && caller.tries < TRIES;
        match early || caller.served {
            true => Err(format!("leg {leg} came in, and is let go too early")),
            false => Ok(()),
        }
    }

    /// Nobody calls whoever is calling us.
    pub(super) fn none_is_dialed(&self, lead: LeadId, number: &Number) -> Verdict {
        let same = |c: &&Caller| c.live && (c.lead == lead || c.number == *number);
        match self.calls.values().find(same) {
            Some(caller) => Err(format!(
                "dialed while lead {} calls us, since {:?}",
                caller.lead, caller.since
            )),
            None => Ok(()),
        }
    }

    pub(super) fn result(&mut self, now: Now, result: &AttemptResult) -> Verdict {
        let id = result.attempt;
        let leg = LegId { attempt: id, n: 1 };
        let Some(caller) = self.calls.remove(&leg) else {
            return Err(format!("attempt {id} came in, and was not taken"));
        };
        if result.charged || result.legs != 0 {
            return Err(format!("attempt {id} came in, and counts as a dial"));
        }
        if result.bridged_at.is_some() != caller.served {
            return Err(format!("attempt {id} came in, and had an agent or not"));
        }
        let said = result.disposition.as_deref().map(|said| said.after);
        let fits = match (said, &result.next) {
            (Some(After::Final), next) => matches!(next, LeadNext::Done { .. }),
            (Some(After::RetryAs(_) | After::Callback { .. }), _) => true,
            (None, LeadNext::Done { .. }) => caller.served || caller.forbidden,
            (None, LeadNext::Callback { at, tries, .. }) => {
                !caller.served && !caller.forbidden && *at == now.wall && *tries == 0
            }
            (None, LeadNext::Retry { .. }) => false,
        };
        match fits {
            true => Ok(()),
            false => Err(format!(
                "attempt {id} came in (served: {}): then {:?}",
                caller.served, result.next
            )),
        }
    }

    /// Each call is answered, and nobody waits for longer than he may.
    pub(super) fn inspect(&self, now: Now) -> Verdict {
        if let Some(request) = self.asked.keys().next() {
            return Err(format!("call {request} was not answered"));
        }
        let waits = |c: &Caller| c.live && c.ready && !c.served && !c.let_go;
        let late = |c: &Caller| waits(c) && now.tick > c.since + c.wait + LET_GO;
        match self.calls.iter().find(|(_, caller)| late(caller)) {
            Some((leg, _)) => Err(format!("leg {leg} came in, and waits for too long")),
            None => Ok(()),
        }
    }
}

impl Oracle {
    /// Whether a call for this campaign may be taken.
    pub(super) fn may_take(&self, id: CampaignId) -> Verdict {
        let Some(book) = self.campaigns.get(&id).filter(|book| !book.removed) else {
            return Err("and its campaign is not known".into());
        };
        if self.draining || self.journal_bad || self.epoch.is_none() {
            return Err("and the node takes none".into());
        }
        let config = &book.config;
        let takes = config.state != CampaignState::Stopped
            && config.mode != Mode::Agentless
            && config.queue.is_none();
        match takes {
            true => Ok(()),
            false => Err("and its campaign takes none".into()),
        }
    }
}
