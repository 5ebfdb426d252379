//! The end of an attempt: its result, and what becomes of the lead.

use crate::agent::{Agent, AgentState};
use crate::attempt::{Attempt, Ending, Outcome, Purpose, State};
use crate::command::{AttemptResult, Command, Record};
use crate::ids::{AgentId, AttemptId};
use crate::limits::SHORT_CALL;
use crate::retry::{Over, caller_next, lead_next, refused_by_pbx};
use crate::time::Now;

use super::Engine;

impl Engine {
    /// The attempt has reached a final state: the one place where results are made.
    pub(super) fn finish(&mut self, now: Now, id: AttemptId, from: State, outcome: Outcome) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        self.totals.ended += 1;
        let Purpose::Lead {
            campaign,
            lease,
            index,
        } = &attempt.purpose
        else {
            return;
        };
        let Some(campaign) = self.campaigns.get_mut(campaign) else {
            return;
        };
        campaign.live = campaign.live.saturating_sub(1);
        let inbound = attempt.inbound.as_deref();
        if inbound.is_none() {
            *campaign.outcomes.entry(outcome).or_default() += 1;
        }
        let (end, ended_at) = attempt.ended.unwrap_or((Default::default(), now.wall));
        let lasted = attempt.answered.map(|(_, at)| ended_at.0 - at.0);
        let short = i64::try_from(SHORT_CALL.as_ms()).unwrap_or(i64::MAX);
        if inbound.is_none() && lasted.is_some_and(|ms| ms < short) {
            campaign.short_calls += 1;
            if let Some(trunk) = self.trunks.get_mut(&attempt.trunk) {
                trunk.short_calls += 1;
            }
        }
        let charged = inbound.is_none()
            && attempt.legs > 0
            && !end.refused_by_pbx
            && outcome != Outcome::Congested;
        // One that the PBX or the journal refused reached no carrier.
        let legs = match inbound {
            Some(_) => 0,
            None => attempt.legs.saturating_sub(u8::from(end.refused_by_pbx)),
        };
        let over = Over {
            outcome,
            lease,
            index: *index,
            charged,
            dialed: legs > 0,
            disposition: attempt.disposition.as_deref(),
            now: now.wall,
        };
        let policy = &campaign.config.retry;
        let next = match (inbound, end.refused_by_pbx) {
            (Some(_), _) if attempt.bridged.is_some() => {
                let outcome = Outcome::Completed;
                lead_next(policy, &Over { outcome, ..over })
            }
            (Some(caller), _) => caller_next(policy, &over, caller.forbidden),
            (None, true) => refused_by_pbx(&over),
            (None, false) => lead_next(policy, &over),
        };
        let gone = campaign.removed && campaign.live == 0;
        let campaign_id = campaign.config.id;
        let number = &lease.numbers[*index];
        let result = AttemptResult {
            attempt: id,
            lease: lease.id,
            lead: lease.lead,
            campaign: campaign_id,
            trunk: attempt.trunk,
            number: number.number.clone(),
            position: number.position,
            caller_id: attempt.caller_id.clone(),
            legs,
            outcome,
            detail: detail(&attempt, outcome),
            end,
            verdict: attempt.verdict,
            agent: attempt.agent,
            started_at: attempt.started_at,
            ringing_at: attempt.ringing_at,
            answered_at: attempt.answered.map(|(_, at)| at),
            bridged_at: attempt.bridged.map(|(_, at)| at),
            ended_at,
            charged,
            connect_us: attempt
                .bridged
                .zip(attempt.answered)
                .map(|((bridged, _), (answered, _))| (bridged - answered).0),
            recording: attempt
                .recording
                .clone()
                .filter(|_| attempt.bridged.is_some()),
            disposition: attempt.disposition.clone(),
            next,
            late: attempt.late,
            inbound: inbound.is_some(),
        };
        self.note_end(&attempt, from, (&result.detail, end));
        self.push(Command::Journal(Record::Ended(result)));
        self.let_go(now, id, attempt.for_agent);
        if gone {
            self.campaigns.remove(&campaign_id);
        }
    }

    /// The agent who was reserved for a call from its start is free again, if the two never met.
    fn let_go(&mut self, now: Now, id: AttemptId, agent: Option<AgentId>) {
        let waits = agent
            .and_then(|agent| self.agents.get(&agent))
            .filter(|a| a.state == AgentState::Reserved && a.attempt == Some(id) && a.waits());
        if let Some(agent) = waits.map(Agent::id) {
            self.make_available(now, agent);
        }
    }
}

/// Why, in a word.
fn detail(attempt: &Attempt, outcome: Outcome) -> String {
    let (end, _) = attempt.ended.unwrap_or_default();
    match attempt.ending {
        Some(Ending::Setup) => return "no reply from the trunk".into(),
        Some(Ending::NoAnswer) if outcome == Outcome::NoAnswer => return "ring timeout".into(),
        Some(Ending::Cancelled(why)) if outcome == Outcome::Cancelled => return why.into(),
        Some(Ending::Fault(what)) => return what.into(),
        Some(Ending::Machine) => return "AMD: machine".into(),
        Some(Ending::Voicemail { whole: true }) => return "message left".into(),
        Some(Ending::Voicemail { whole: false }) => return "message cut off".into(),
        Some(Ending::AgentLeft) => return "agent ended the call".into(),
        Some(Ending::NoAnswer | Ending::Cancelled(_) | Ending::Abandoned | Ending::Completed)
        | None => {}
    }
    if attempt.answered.is_some() {
        let waited = outcome == Outcome::Abandoned;
        return match (waited, attempt.ending.is_some()) {
            (true, true) => "no agent".into(),
            (true, false) => "hung up while waiting".into(),
            (false, _) => String::new(),
        };
    }
    if end.refused_by_pbx {
        return "refused by the PBX".into();
    }
    match (end.sip, end.q850) {
        (Some(sip), _) => format!("sip {sip}"),
        (None, Some(cause)) => format!("q850 {cause}"),
        (None, None) => "no reply".into(),
    }
}
