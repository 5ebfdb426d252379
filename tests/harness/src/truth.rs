//! Compares the table of attempts with the carrier's own log.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::carrier::Call;

/// One row of `attempts`, as far as the comparison goes. Times in seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Id.
    pub id: i64,
    /// Number dialed.
    pub number: String,
    /// Lead.
    pub lead: i64,
    /// Legs placed.
    pub legs: i16,
    /// The last leg's trunk.
    pub trunk: String,
    /// Outcome.
    pub outcome: String,
    /// Why.
    pub detail: String,
    /// SIP status of the final response.
    pub sip: Option<i16>,
    /// Q.850 cause.
    pub q850: Option<i16>,
    /// What AMD said.
    pub verdict: Option<String>,
    /// It counts as an attempt of the lead.
    pub charged: bool,
    /// The agent came after the limit.
    pub late: bool,
    /// Start.
    pub started: f64,
    /// Ringing.
    pub ringing: Option<f64>,
    /// Answer.
    pub answered: Option<f64>,
    /// Agent connected.
    pub bridged: Option<f64>,
    /// End.
    pub ended: f64,
    /// Agent.
    pub agent: Option<i64>,
    /// From answer to agent, in microseconds.
    pub connect_us: Option<i64>,
}

/// All rows, by start.
///
/// # Errors
/// As PostgreSQL says.
pub fn attempts(sql: &mut Client) -> Result<Vec<Attempt>> {
    let rows = sql
        .query(
            "SELECT attempt_id, number, lead_id, legs, outcome, detail,
                    extract(epoch FROM started_at)::float8, extract(epoch FROM answered_at)::float8,
                    extract(epoch FROM bridged_at)::float8, extract(epoch FROM ended_at)::float8,
                    agent_id, connect_us, (SELECT name FROM outdial.trunk_config t WHERE t.id = trunk_id),
                    sip, q850, verdict, charged, extract(epoch FROM ringing_at)::float8,
                    late
             FROM outdial.attempts ORDER BY started_at, attempt_id",
            &[],
        )
        .context("reading the attempts")?;
    rows.iter()
        .map(|row| {
            Ok(Attempt {
                id: row.try_get(0)?,
                number: row.try_get(1)?,
                lead: row.try_get(2)?,
                legs: row.try_get(3)?,
                outcome: row.try_get(4)?,
                detail: row.try_get(5)?,
                started: row.try_get(6)?,
                answered: row.try_get(7)?,
                bridged: row.try_get(8)?,
                ended: row.try_get(9)?,
                agent: row.try_get(10)?,
                connect_us: row.try_get(11)?,
                trunk: row.try_get::<_, Option<String>>(12)?.unwrap_or_default(),
                sip: row.try_get(13)?,
                q850: row.try_get(14)?,
                verdict: row.try_get(15)?,
                charged: row.try_get(16)?,
                ringing: row.try_get(17)?,
                late: row.try_get(18)?,
            })
        })
        .collect()
}

/// Outcomes that an attempt may have, by how the carrier saw its last leg end. The carrier can't
/// tell an agent from a message, so an answered call may be either.
fn allowed(call: &Call) -> &'static [&'static str] {
    match call.verdict() {
        "answered" => &["completed", "abandoned", "machine", "cancelled"],
        "486" | "603" => &["busy"],
        "404" | "484" => &["invalid"],
        "480" => &["no_answer"],
        // Given up by us: rung long enough, or the campaign was stopped.
        "cancelled" | "given_up" => &["no_answer", "cancelled"],
        "302" | "401" | "403" | "500" | "503" => &["congested", "failed"],
        _ => &[],
    }
}

/// How long the callee's last word may take to the PBX's dialing thread on a busy machine, and how
/// long our CANCEL may take to the callee, in seconds.
const ON_THE_WAY: (f64, f64) = (0.25, 1.0);

/// The end of the ringing and the callee's last word crossed on the wire: both are right.
fn has_crossed(attempt: &Attempt, last: &Call) -> bool {
    let (there, back) = ON_THE_WAY;
    let said = last.answered.or(last.ended).map(|at| at - attempt.ended);
    said.is_some_and(|said| -there < said && said < back)
}

/// Every attempt of the table reached the carrier exactly as often as its legs say, every call of
/// the carrier belongs to an attempt, and outcome by outcome they agree. `lost` are outcomes whose
/// end the table could not know (after a crash), by detail.
///
/// # Errors
/// The first differences, with both sides.
pub fn compare(attempts: &[Attempt], calls: &[Call], lost: Option<&str>) -> Result<()> {
    let mut by_number: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        by_number.entry(&call.number).or_default().push(call);
    }
    let mut differences = Vec::new();
    for attempt in attempts {
        let legs = usize::try_from(attempt.legs).context("legs")?;
        // A leg that was journaled may not have left the machine when it was killed: then what
        // the carrier saw is the next attempt's.
        let is_lost = lost.is_some_and(|detail| attempt.detail == detail);
        let later = |a: &&Attempt| a.number == attempt.number && a.started > attempt.started;
        let next = if is_lost {
            let starts = attempts.iter().filter(later).map(|a| a.started);
            starts.fold(f64::INFINITY, f64::min)
        } else {
            f64::INFINITY
        };
        let taken: Vec<&Call> = match by_number.get_mut(attempt.number.as_str()) {
            Some(seen) => {
                let own = seen.iter().take_while(|call| call.invited < next).count();
                seen.drain(..legs.min(own)).collect()
            }
            None => Vec::new(),
        };
        if taken.len() != legs && !is_lost {
            differences.push(format!(
                "{attempt:?}: the carrier has {} calls",
                taken.len()
            ));
            continue;
        }
        let Some(last) = taken.last() else { continue };
        if attempt.detail == "ring timeout" && has_crossed(attempt, last) {
            continue;
        }
        if !is_lost && !allowed(last).contains(&attempt.outcome.as_str()) {
            differences.push(format!(
                "{attempt:?}: the carrier says {} ({last:?})",
                last.verdict()
            ));
        }
        if !is_lost && last.answered.is_some() != attempt.answered.is_some() {
            differences.push(format!("{attempt:?}: answered differs: {last:?}"));
        }
    }
    for (number, left) in by_number {
        if !left.is_empty() {
            differences.push(format!(
                "{number}: {} calls without an attempt: {left:?}",
                left.len()
            ));
        }
    }
    ensure!(
        differences.is_empty(),
        "{} differences between table and carrier:\n{}",
        differences.len(),
        differences
            .iter()
            .take(10)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
    Ok(())
}

/// Calls of each number, most first.
#[must_use]
pub fn per_number(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.number.clone()).or_default() += 1;
    }
    counts
}

/// Outcomes counted.
#[must_use]
pub fn outcomes(attempts: &[Attempt]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for attempt in attempts {
        *counts.entry(attempt.outcome.clone()).or_default() += 1;
    }
    counts
}

/// [`compare`], as soon as the last words of the carrier's log are on disk: it says a call's end
/// a moment after the table does.
///
/// # Errors
/// Every difference that is left after five seconds.
pub fn settled(
    rows: &[Attempt],
    calls: impl Fn() -> Result<Vec<Call>>,
    lost: Option<&str>,
) -> Result<Vec<Call>> {
    let limit = std::time::Duration::from_secs(5);
    let agrees = crate::wait::wait_for("table and carrier to agree", limit, || {
        Ok(compare(rows, &calls()?, lost).is_ok())
    });
    let calls = calls()?;
    compare(rows, &calls, lost)?;
    agrees.map(|()| calls)
}
