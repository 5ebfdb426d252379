//! What a former life left behind: attempts without an end get one.

use std::collections::BTreeMap;

use outdial_link::{AttemptResult, LeadNext, Numbered, Record};

/// The end of each attempt that has a start and no end, in order of attempts.
///
/// `damaged`: a part of the journal could not be read, so that an attempt whose last word is
/// `Started` may have been answered; its lead is not called again.
///
/// Everything comes from the records alone, so that the same journal gives the same ends.
pub(super) fn missing_ends(records: &BTreeMap<u64, Record>, damaged: bool) -> Vec<Record> {
    let mut attempts: BTreeMap<u64, Vec<&Record>> = BTreeMap::new();
    for record in records.values() {
        attempts.entry(record.attempt()).or_default().push(record);
    }
    attempts
        .values()
        .filter_map(|records| end_of(records, damaged))
        .map(|result| Record::Ended(Box::new(result)))
        .collect()
}

fn end_of(records: &[&Record], damaged: bool) -> Option<AttemptResult> {
    let mut result: Option<AttemptResult> = None;
    let mut talked = false;
    for record in records {
        match record {
            Record::Ended(_) => return None,
            Record::Started(started) => {
                let next = match &started.if_lost {
                    LeadNext::Done { .. } => lost(),
                    _ if damaged => lost(),
                    again @ (LeadNext::Retry { .. } | LeadNext::Callback { .. }) => again.clone(),
                };
                let legs = result
                    .as_ref()
                    .map_or(started.leg, |r| r.legs.max(started.leg));
                // What came in left the PBX in no leg.
                let legs = if started.inbound { 0 } else { legs };
                result = Some(AttemptResult {
                    attempt: started.attempt,
                    lease: started.lease,
                    lead: started.lead,
                    campaign: started.campaign,
                    trunk: started.trunk,
                    number: started.number.clone(),
                    position: started.position,
                    legs,
                    outcome: "failed".into(),
                    detail: "node lost".into(),
                    sip: None,
                    q850: None,
                    verdict: None,
                    agent: None,
                    caller_id: started.caller_id.clone(),
                    started_at_ms: started.started_at_ms,
                    ringing_at_ms: None,
                    answered_at_ms: None,
                    bridged_at_ms: None,
                    ended_at_ms: started.started_at_ms,
                    charged: !started.inbound,
                    connect_us: None,
                    recording: None,
                    disposition: None,
                    next,
                    late: false,
                    inbound: started.inbound,
                });
            }
            Record::Answered { at_ms, .. } => {
                let result = result.as_mut()?;
                result.answered_at_ms = Some(*at_ms);
                reached(result, *at_ms, talked);
            }
            Record::Bridged {
                at_ms, agent, late, ..
            } => {
                let result = result.as_mut()?;
                talked = true;
                result.bridged_at_ms = Some(*at_ms);
                result.agent = *agent;
                result.late = *late;
                reached(result, *at_ms, talked);
            }
            Record::MessageStarted { at_ms, .. } => {
                reached(result.as_mut()?, *at_ms, talked);
            }
        }
    }
    result
}

/// Somebody answered: the lead is never called again by itself.
fn reached(result: &mut AttemptResult, at_ms: i64, talked: bool) {
    let outcome = if talked { "completed" } else { "abandoned" };
    result.outcome = outcome.into();
    result.ended_at_ms = result.ended_at_ms.max(at_ms);
    result.next = lost();
}

/// What happened on the call is not known.
fn lost() -> LeadNext {
    LeadNext::Done {
        status: "node_lost".into(),
    }
}

/// Numbers `records` from `next_seq` on.
pub(super) fn number(records: Vec<Record>, next_seq: u64) -> Vec<Numbered> {
    (next_seq..)
        .zip(records)
        .map(|(seq, record)| Numbered { seq, record })
        .collect()
}
