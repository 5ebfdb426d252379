//! What the journal tells: starts and results of attempts, written in batches.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outdial_link::{AttemptResult, Disposed, LeadNext, Numbered, Record, Started};
use postgres::{Client, Transaction};

use crate::clock;
use crate::limits;
use crate::store::connect::Connection;
use crate::store::{Fault, StoreError, describe, fault};

const RESULTS: &str = include_str!("results.sql");

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Attempts that were new.
    pub attempts: u64,
    /// Leads that followed.
    pub leads: u64,
    /// Records put aside.
    pub quarantined: u64,
}

/// Writes `records` of `node` in one transaction; waits for PostgreSQL as long as it takes.
///
/// # Errors
/// [`StoreError::Stopping`] only: nothing was written then, and nothing may be acknowledged.
pub fn write(
    connection: &mut Connection,
    node: &str,
    records: &[Numbered],
    troubled: &dyn Fn(Option<String>),
) -> Result<Written, StoreError> {
    let mut pause = limits::RECONNECT_FIRST;
    let mut passing = 0;
    loop {
        let client = connection.get()?;
        let error = match together(client, node, records) {
            Ok(written) => {
                troubled(None);
                return Ok(written);
            }
            Err(error) => error,
        };
        let error = match fault(&error) {
            Fault::Data => match one_by_one(client, node, records) {
                Ok(written) => {
                    troubled(None);
                    return Ok(written);
                }
                Err(error) => error,
            },
            Fault::Connection | Fault::Passing | Fault::Server => error,
        };
        match fault(&error) {
            Fault::Passing if passing < limits::DEADLOCK_TRIES => passing += 1,
            Fault::Connection | Fault::Passing | Fault::Data | Fault::Server => {
                let why = describe(&error);
                tracing::warn!(error = why, "results can't be written; trying again");
                troubled(Some(why));
                connection.drop_client();
                if connection.stopping() {
                    return Err(StoreError::Stopping);
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(limits::RECONNECT_MAX);
            }
        }
    }
}

fn together(
    client: &mut Client,
    node: &str,
    records: &[Numbered],
) -> Result<Written, postgres::Error> {
    let mut transaction = client.transaction()?;
    let written = apply(&mut transaction, node, records)?;
    transaction.commit()?;
    Ok(written)
}

/// Each record behind a savepoint, so that one that PostgreSQL refuses stops no other.
fn one_by_one(
    client: &mut Client,
    node: &str,
    records: &[Numbered],
) -> Result<Written, postgres::Error> {
    let mut transaction = client.transaction()?;
    let mut written = Written::default();
    for record in records {
        let mut savepoint = transaction.transaction()?;
        match apply(&mut savepoint, node, std::slice::from_ref(record)) {
            Ok(one) => {
                savepoint.commit()?;
                written.attempts += one.attempts;
                written.leads += one.leads;
            }
            Err(error) if fault(&error) == Fault::Data => {
                savepoint.rollback()?;
                quarantine(&mut transaction, node, record, &error)?;
                written.quarantined += 1;
            }
            Err(error) => return Err(error),
        }
    }
    transaction.commit()?;
    Ok(written)
}

fn quarantine(
    transaction: &mut Transaction<'_>,
    node: &str,
    record: &Numbered,
    error: &postgres::Error,
) -> Result<(), postgres::Error> {
    let why = describe(error);
    tracing::warn!(
        seq = record.seq,
        attempt = record.record.attempt(),
        error = why,
        "PostgreSQL refused a record; it is in outdial.quarantine"
    );
    let mut bytes = Vec::new();
    if outdial_link::encode(record, &mut bytes).is_err() {
        bytes.clear();
    }
    transaction.execute(
        "INSERT INTO outdial.quarantine (node, seq, attempt, error, record)
         VALUES ($1, $2::text::numeric, $3::text::numeric, $4, $5)",
        &[
            &node,
            &record.seq.to_string(),
            &record.record.attempt().to_string(),
            &why,
            &bytes,
        ],
    )?;
    Ok(())
}

fn apply(
    transaction: &mut Transaction<'_>,
    node: &str,
    records: &[Numbered],
) -> Result<Written, postgres::Error> {
    let mut started: Vec<&Started> = Vec::new();
    let mut ended: BTreeMap<(u64, i64), &AttemptResult> = BTreeMap::new();
    for record in records {
        match &record.record {
            Record::Started(start) => started.push(start),
            Record::Ended(result) => {
                ended
                    .entry((result.attempt, result.started_at_ms))
                    .or_insert(result);
            }
            // They matter to what the journal says after a crash, and change no row.
            Record::Answered { .. } | Record::Bridged { .. } | Record::MessageStarted { .. } => {}
        }
    }
    let over: BTreeSet<u64> = ended.keys().map(|(attempt, _)| *attempt).collect();
    started.retain(|start| !over.contains(&start.attempt));
    mark_dialing(transaction, &started)?;
    let ended: Vec<&AttemptResult> = ended.into_values().collect();
    write_results(transaction, node, &ended)
}

fn mark_dialing(
    transaction: &mut Transaction<'_>,
    started: &[&Started],
) -> Result<(), postgres::Error> {
    if started.is_empty() {
        return Ok(());
    }
    let column = |f: fn(&Started) -> u64| -> Vec<i64> {
        started.iter().map(|start| clock::id(f(start))).collect()
    };
    // One that calls us is not dialed.
    let dialed_at: Vec<Option<SystemTime>> = started
        .iter()
        .map(|start| (!start.inbound).then(|| instant(start.started_at_ms)))
        .collect();
    transaction.execute(
        "UPDATE outdial.leads l SET status = 'dialing', dialed_at = coalesce(s.dialed_at, l.dialed_at)
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[])
           AS s (campaign_id, lead_id, lease_id, dialed_at)
         WHERE l.campaign_id = s.campaign_id AND l.id = s.lead_id AND l.lease_id = s.lease_id
           AND l.status = 'leased'",
        &[
            &column(|s| s.campaign),
            &column(|s| s.lead),
            &column(|s| s.lease),
            &dialed_at,
        ],
    )?;
    Ok(())
}

fn write_results(
    transaction: &mut Transaction<'_>,
    node: &str,
    ended: &[&AttemptResult],
) -> Result<Written, postgres::Error> {
    if ended.is_empty() {
        return Ok(Written::default());
    }
    fn all<'a, T>(ended: &[&'a AttemptResult], f: impl Fn(&'a AttemptResult) -> T) -> Vec<T> {
        ended.iter().map(|result| f(result)).collect()
    }
    let ids = |f: fn(&AttemptResult) -> u64| all(ended, |r| clock::id(f(r)));
    let row = transaction.query_one(
        RESULTS,
        &[
            &node,
            &ids(|r| r.attempt),
            &ids(|r| r.lease),
            &ids(|r| r.lead),
            &ids(|r| r.campaign),
            &ids(|r| r.trunk),
            &all(ended, |r| r.number.as_str()),
            &all(ended, |r| i16::from(r.position)),
            &all(ended, |r| i16::from(r.legs)),
            &all(ended, |r| r.outcome.as_str()),
            &all(ended, |r| plain(&r.detail)),
            &all(ended, |r| {
                r.sip.map(|sip| i16::try_from(sip).unwrap_or(i16::MAX))
            }),
            &all(ended, |r| r.q850.map(i16::from)),
            &all(ended, |r| r.verdict.as_deref().map(plain)),
            &all(ended, |r| r.agent.map(clock::id)),
            &all(ended, |r| instant(r.started_at_ms)),
            &all(ended, |r| r.ringing_at_ms.map(instant)),
            &all(ended, |r| r.answered_at_ms.map(instant)),
            &all(ended, |r| r.bridged_at_ms.map(instant)),
            &all(ended, |r| instant(r.ended_at_ms)),
            &all(ended, |r| r.charged),
            &all(ended, |r| r.connect_us.map(clock::id)),
            &all(ended, |r| next(&r.next).at),
            &all(ended, |r| next(&r.next).position),
            &all(ended, |r| r.caller_id.as_str()),
            &all(ended, |r| next(&r.next).status),
            &all(ended, |r| next(&r.next).callback),
            &all(ended, |r| next(&r.next).agent),
            &all(ended, |r| next(&r.next).tries),
            &all(ended, |r| disposed(r).map(|d| plain(&d.code))),
            &all(ended, |r| disposed(r).and_then(|d| d.retry_as.as_deref())),
            &all(ended, |r| disposed(r).is_some_and(|d| d.do_not_call)),
            &all(ended, |r| {
                disposed(r).and_then(|d| d.note.as_deref()).map(plain)
            }),
            &all(ended, |r| r.recording.as_deref().map(plain)),
            &all(ended, |r| r.late),
            &all(ended, |r| r.inbound),
        ],
    )?;
    let count = |column| -> u64 { u64::try_from(row.get::<_, i64>(column)).unwrap_or(0) };
    Ok(Written {
        attempts: count(0),
        leads: count(1),
        quarantined: 0,
    })
}

/// What becomes of a lead, as columns.
#[derive(Default)]
struct Next {
    at: Option<SystemTime>,
    position: Option<i16>,
    status: Option<String>,
    callback: bool,
    agent: Option<i64>,
    tries: i32,
}

fn next(next: &LeadNext) -> Next {
    match next {
        LeadNext::Done { status } => Next {
            status: Some(plain(status)),
            ..Next::default()
        },
        LeadNext::Retry { at_ms, position } => Next {
            at: Some(instant(*at_ms)),
            position: Some(i16::from(*position)),
            ..Next::default()
        },
        LeadNext::Callback {
            at_ms,
            position,
            agent,
            tries,
        } => Next {
            at: Some(instant(*at_ms)),
            position: Some(i16::from(*position)),
            status: None,
            callback: true,
            agent: agent.map(clock::id),
            tries: i32::from(*tries),
        },
    }
}

fn disposed(result: &AttemptResult) -> Option<&Disposed> {
    result.disposition.as_ref()
}

/// PostgreSQL's year 9999 is the last one taken.
const LAST_MS: u64 = 253_402_300_799_000;

fn instant(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0).min(LAST_MS))
}

/// Carriers and dialplans write these texts: bounded, and without what `text` can't hold.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(limits::TEXT_CHARS)
        .collect()
}
