//! Calls that come in: whoever was dialed lately calls back, and waits for an agent of the campaign.
//!
//! Such a call is an attempt without a trunk. It begins where a dialed one is that has been
//! answered, and pacing counts it as one in flight, so that dialing makes room for it. It is no
//! part of the abandon rate, and dials learn nothing from it. The line of callers is behind the
//! line of those who were dialed: these have a limit of seconds.

use std::collections::BTreeSet;

use crate::attempt::{Attempt, Ending, Outcome, Purpose, State};
use crate::command::{Command, InboundCall, Record, Started};
use crate::config::{CampaignState, Mode};
use crate::deadline::Why;
use crate::event::{Claim, Inbound, Lease};
use crate::ids::{AttemptId, CampaignId, LeadId, LeaseId, LegId, RequestId};
use crate::limits;
use crate::number::Number;
use crate::retry::{Over, caller_next};
use crate::time::{Now, Span, Wall};

use super::Engine;

/// What an attempt has that came in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// He waits for an agent so long at most.
    pub(crate) wait: Span,
    /// His number is on the do-not-call list: he is never called back.
    pub(crate) forbidden: bool,
}

/// Legs that came in and live: their numbers and their leads.
#[derive(Debug, Default)]
pub(super) struct Calling {
    numbers: BTreeSet<(Number, AttemptId)>,
    leads: BTreeSet<(LeadId, AttemptId)>,
}

impl Engine {
    pub(super) fn inbound(&mut self, now: Now, request: RequestId, call: Inbound) {
        let (campaign, lease, taken) = (
            call.campaign,
            call.lead.id,
            call.claim == Claim::Taken && call.lead.id != LeaseId::NONE,
        );
        if taken && !self.granted.is_new(now.tick, lease) {
            // The lease is in use, or back already.
            let result = Err("this call was announced before".into());
            self.push(Command::InboundTaken { request, result });
            return;
        }
        let result = self.take_caller(now, call);
        if taken && result.is_err() {
            self.give_back(campaign, vec![lease]);
        }
        self.push(Command::InboundTaken { request, result });
    }

    fn take_caller(&mut self, now: Now, call: Inbound) -> Result<InboundCall, String> {
        self.may_take(call.campaign)?;
        let caller = call.lead.numbers.first().map(|n| n.number.clone());
        let caller = caller.ok_or("the call has no number")?;
        let lease = self.lease_for(now, call.claim, call.lead);
        let index = lease.numbers.iter().position(|n| n.number == caller);
        let (Some(epoch), Some(campaign)) = (self.epoch, self.campaigns.get_mut(&call.campaign))
        else {
            return Err("the sidecar is not connected".into());
        };
        let called = call
            .called
            .or(campaign.config.caller_ids.numbers.first().cloned());
        let called = called.ok_or("the campaign has no caller id")?;
        self.attempt_counter += 1;
        let id = epoch.attempt(self.attempt_counter);
        let lead = lease.lead;
        campaign.live += 1;
        campaign.count(State::Classifying, true, false);
        let record = campaign.config.recording.is_some();
        let purpose = Purpose::Lead {
            campaign: call.campaign,
            lease: Box::new(lease),
            index: index.unwrap_or(0),
        };
        let mut attempt = Attempt::new(id, purpose, called, now);
        attempt.state = State::Classifying;
        attempt.legs = 1;
        attempt.leg_live = true;
        attempt.answered = Some((now.tick, now.wall));
        attempt.clock = Some(now.tick);
        attempt.inbound = Some(Box::new(Caller {
            wait: call.wait.min(limits::CALLER_WAIT),
            forbidden: call.forbidden,
        }));
        let leg = attempt.leg();
        self.attempts.insert(id, attempt);
        self.callers.numbers.insert((caller, id));
        self.callers.leads.insert((lead, id));
        self.arm(
            id,
            now.tick + limits::CLASSIFY_TIMEOUT,
            Why::ClassifyTimeout,
        );
        if let Some(started) = self.caller_started(now, id) {
            self.push(Command::Journal(Record::Started(started)));
        }
        self.note_call(id, State::Queued);
        self.dirty.insert(call.campaign);
        Ok(InboundCall { leg, lead, record })
    }

    /// Whether a campaign takes calls that come in.
    fn may_take(&self, id: CampaignId) -> Result<(), String> {
        let campaign = self.campaigns.get(&id).filter(|c| !c.removed);
        let campaign = campaign.ok_or("this node does not know the campaign")?;
        let why = if self.draining {
            "outdial is draining"
        } else if !self.journal_writable {
            "the journal can't be written"
        } else if self.epoch.is_none() {
            "the sidecar is not connected"
        } else if campaign.config.state == CampaignState::Stopped {
            "the campaign is stopped"
        } else if campaign.config.mode == Mode::Agentless {
            "the campaign has no agents"
        } else if campaign.config.queue.is_some() {
            "the campaign's agents are those of a queue: go on with Queue()"
        } else if campaign.on_duty() == 0 {
            "no agent of the campaign is at work"
        } else if self.attempts.len() >= limits::LIVE_ATTEMPTS || self.attempt_counter == u32::MAX {
            "outdial has as many calls as it can hold"
        } else {
            return Ok(());
        };
        Err(why.into())
    }

    /// The lease that the call uses up. One that this engine has in hand is dialed no more; one that
    /// a live call has stays there, and this call has none.
    fn lease_for(&mut self, now: Now, claim: Claim, lead: Lease) -> Lease {
        let none = |lead: Lease| Lease {
            id: LeaseId::NONE,
            ..lead
        };
        match claim {
            Claim::Taken => lead,
            Claim::None => none(lead),
            Claim::InHand => {
                let mut hoppers = self.campaigns.values_mut();
                let found = hoppers.find_map(|c| c.hopper.remove(lead.id));
                found
                    .or_else(|| self.take_from_preview(now, lead.id))
                    // Numbers that may not be dialed are not in the lease; his own must be.
                    .map(|held| Lease {
                        numbers: lead.numbers.clone(),
                        ..held
                    })
                    .unwrap_or_else(|| none(lead))
            }
        }
    }

    /// The agent looks at the lead no more: its person calls.
    fn take_from_preview(&mut self, now: Now, lease: LeaseId) -> Option<Lease> {
        let looks = |a: &&crate::agent::Agent| {
            let preview = a.preview.as_ref();
            preview.is_some_and(|p| p.lease.id == lease && p.stage == crate::agent::Stage::Shown)
        };
        let agent = self.agents.values().find(looks)?.id();
        let preview = self.end_preview(agent)?;
        self.make_available(now, agent);
        Some(preview.lease)
    }

    /// Somebody at this number, or the lead's person at another one, talks to us just now, or waits
    /// for it.
    pub(super) fn is_calling(&self, lead: LeadId, number: &Number) -> bool {
        let from = AttemptId(0);
        let mut numbers = self.callers.numbers.range((number.clone(), from)..);
        let mut leads = self.callers.leads.range((lead, from)..);
        numbers.next().is_some_and(|(caller, _)| caller == number)
            || leads.next().is_some_and(|(caller, _)| *caller == lead)
    }

    /// A leg is gone. If it was a caller's: what was set aside for him may be dialed again.
    pub(super) fn caller_gone(&mut self, now: Now, id: AttemptId) {
        let caller = self.attempts.get(&id).filter(|a| a.inbound.is_some());
        let Some((lease, number)) = caller.and_then(Attempt::lead) else {
            return;
        };
        let (lead, number) = (lease.lead, number.number.clone());
        self.callers.numbers.remove(&(number, id));
        self.callers.leads.remove(&(lead, id));
        let reason = crate::explain::Reason::Calling;
        let campaigns = self.campaigns.iter_mut();
        for (id, campaign) in campaigns.filter(|(_, c)| c.hopper.aside_for(reason) > 0) {
            campaign.hopper.recall(now.wall);
            self.dirty.insert(*id);
        }
    }

    /// He has waited long enough: his call goes on in the dialplan, and is none of ours any more.
    pub(super) fn let_caller_go(&mut self, now: Now, id: AttemptId) {
        self.stop_waiting(id);
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.ending = Some(Ending::Abandoned);
        attempt.hangups = 0;
        let leg: LegId = attempt.leg();
        self.push(Command::Release { leg, target: None });
        self.arm(id, now.tick + limits::HANGUP_TIMEOUT, Why::HangupTimeout);
    }

    fn caller_started(&self, now: Now, id: AttemptId) -> Option<Started> {
        let attempt = self.attempts.get(&id)?;
        let (lease, number) = attempt.lead()?;
        let campaign = attempt.campaign()?;
        let Purpose::Lead { index, .. } = &attempt.purpose else {
            return None;
        };
        let policy = &self.campaigns.get(&campaign)?.config.retry;
        let over = over(lease, *index, Outcome::Failed, now.wall);
        Some(Started {
            leg: attempt.leg(),
            lease: lease.id,
            lead: lease.lead,
            campaign,
            trunk: attempt.trunk,
            number: number.number.clone(),
            position: number.position,
            caller_id: attempt.caller_id.clone(),
            started_at: attempt.started_at,
            if_lost: caller_next(policy, &over, attempt.inbound.as_deref()?.forbidden),
            inbound: true,
        })
    }
}

/// A call that came in: it counts towards no cap, and in no row.
fn over(lease: &Lease, index: usize, outcome: Outcome, now: Wall) -> Over<'_> {
    Over {
        outcome,
        lease,
        index,
        charged: false,
        dialed: false,
        disposition: None,
        now,
    }
}
