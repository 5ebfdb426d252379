//! The engine's state in tables that operators query.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outdial_link::Snapshot;
use postgres::Client;

use crate::clock;
use crate::limits;
use crate::store::StoreError;

/// Replaces what is known of `node`.
///
/// # Errors
/// What PostgreSQL says.
pub fn write(client: &mut Client, node: &str, snapshot: &Snapshot) -> Result<(), StoreError> {
    let mut transaction = client.transaction()?;
    let taken_at = instant(snapshot.at_ms);
    transaction.execute(
        "DELETE FROM outdial.snapshot_trunks WHERE node = $1",
        &[&node],
    )?;
    let trunks = &snapshot.trunks;
    transaction.execute(
        "INSERT INTO outdial.snapshot_trunks
         SELECT $1, id, name, tokens / 1000.0, cps / 1000.0, burst, channels, most, backoff, $2
         FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::timestamptz[])
           AS t (id, name, tokens, cps, burst, channels, most, backoff)",
        &[
            &node,
            &taken_at,
            &trunks.iter().map(|t| clock::id(t.id)).collect::<Vec<_>>(),
            &trunks.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
            &trunks.iter().map(|t| t.tokens_milli).collect::<Vec<_>>(),
            &trunks
                .iter()
                .map(|t| i64::from(t.cps_milli))
                .collect::<Vec<_>>(),
            &trunks
                .iter()
                .map(|t| i64::from(t.burst))
                .collect::<Vec<_>>(),
            &trunks
                .iter()
                .map(|t| i64::from(t.channels))
                .collect::<Vec<_>>(),
            &trunks
                .iter()
                .map(|t| i64::from(t.max_channels))
                .collect::<Vec<_>>(),
            &trunks
                .iter()
                .map(|t| t.backoff_until_ms.map(instant))
                .collect::<Vec<_>>(),
        ],
    )?;
    write_timers(&mut transaction, node, snapshot, taken_at)?;
    transaction.commit()?;
    Ok(())
}

/// Timers that are no longer there fired, if their instant is past, or were cancelled. They are
/// shown a while longer.
fn write_timers(
    transaction: &mut postgres::Transaction<'_>,
    node: &str,
    snapshot: &Snapshot,
    taken_at: SystemTime,
) -> Result<(), StoreError> {
    let live: Vec<_> = snapshot
        .attempts
        .iter()
        .filter_map(|a| {
            Some((
                a,
                a.deadline_ms?,
                a.deadline.as_deref().unwrap_or("deadline"),
            ))
        })
        .collect();
    transaction.execute(
        "WITH live AS MATERIALIZED (
           SELECT * FROM unnest($3::bigint[], $4::smallint[], $5::text[], $6::bigint[], $7::text[],
                                $8::timestamptz[])
             AS t (attempt_id, leg, timer, campaign_id, state, fires_at)
         ), ended AS (
           UPDATE outdial.snapshot_timers s
           SET fired = s.fires_at <= $2, cancelled = s.fires_at > $2, taken_at = $2
           WHERE s.node = $1 AND NOT s.fired AND NOT s.cancelled
             AND NOT EXISTS (SELECT FROM live l WHERE l.attempt_id = s.attempt_id
                             AND l.leg = s.leg AND l.timer = s.timer)
         ), old AS (
           DELETE FROM outdial.snapshot_timers
           WHERE node = $1 AND (fired OR cancelled) AND taken_at < $2 - make_interval(secs => $9)
         )
         INSERT INTO outdial.snapshot_timers AS s
           (node, attempt_id, leg, timer, campaign_id, state, fires_at, taken_at)
         SELECT $1, attempt_id, leg, timer, campaign_id, state, fires_at, $2 FROM live
         ON CONFLICT (node, attempt_id, leg, timer) DO UPDATE
           SET state = excluded.state, fires_at = excluded.fires_at, taken_at = excluded.taken_at,
               fired = false, cancelled = false",
        &[
            &node,
            &taken_at,
            &live
                .iter()
                .map(|(a, ..)| clock::id(a.id))
                .collect::<Vec<_>>(),
            &live
                .iter()
                .map(|(a, ..)| i16::from(a.leg))
                .collect::<Vec<_>>(),
            &live.iter().map(|(_, _, timer)| *timer).collect::<Vec<_>>(),
            &live
                .iter()
                .map(|(a, ..)| clock::id(a.campaign))
                .collect::<Vec<_>>(),
            &live
                .iter()
                .map(|(a, ..)| a.state.as_str())
                .collect::<Vec<_>>(),
            &live
                .iter()
                .map(|(_, at, _)| instant(*at))
                .collect::<Vec<_>>(),
            &f64::from(limits::TIMERS_KEPT_SECONDS),
        ],
    )?;
    Ok(())
}

fn instant(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
