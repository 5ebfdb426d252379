//! Leases in hand: given back, deferred, renewed, reclaimed.

use std::collections::BTreeMap;

use postgres::Client;

use crate::clock;
use crate::limits;
use crate::store::StoreError;

const RELEASE: &str = include_str!("release.sql");

/// Who leases.
#[derive(Clone, Copy, Debug)]
pub struct Lessee<'a> {
    /// Node.
    pub node: &'a str,
    /// Life of its engine.
    pub epoch: u32,
}

/// Gives leases back: ready again, or done where there is a reason. Tells which ones it were.
///
/// # Errors
/// What PostgreSQL says.
pub fn release(
    client: &mut Client,
    node: &str,
    epoch: Option<u32>,
    leases: &[u64],
    statuses: &[&str],
    reason: Option<&str>,
) -> Result<Vec<u64>, StoreError> {
    if leases.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = leases.iter().map(|id| clock::id(*id)).collect();
    let epoch = epoch.map(|epoch| i32::try_from(epoch).unwrap_or(i32::MAX));
    let rows = client.query(RELEASE, &[&ids, &reason, &statuses, &node, &epoch])?;
    Ok(rows.iter().map(|row| clock::uid(row.get(0))).collect())
}

/// Gives a lease back; its lead is not leased again before `until_ms`.
///
/// # Errors
/// What PostgreSQL says.
pub fn defer(
    client: &mut Client,
    who: Lessee<'_>,
    lease: u64,
    until_ms: i64,
) -> Result<(), StoreError> {
    let epoch = i32::try_from(who.epoch).unwrap_or(i32::MAX);
    client.execute(
        "UPDATE outdial.leads SET
           next_at = greatest(to_timestamp($4::bigint / 1000.0), callback_at)
         WHERE lease_node = $1 AND lease_epoch = $2 AND lease_id = $3
           AND status = 'leased' AND status IN ('leased', 'dialing')",
        &[&who.node, &epoch, &clock::id(lease), &until_ms],
    )?;
    release(
        client,
        who.node,
        Some(who.epoch),
        &[lease],
        &["leased"],
        None,
    )
    .map(|_| ())
}

/// Moves the expiry of leases in hand. Tells the new expiry and which leases are still held.
///
/// # Errors
/// What PostgreSQL says.
pub fn renew(
    client: &mut Client,
    who: Lessee<'_>,
    leases: &[u64],
    now_ms: i64,
) -> Result<(i64, Vec<u64>), StoreError> {
    let expires_at_ms = now_ms + clock::millis(limits::LEASE_TTL);
    let mut kept = Vec::new();
    for batch in leases.chunks(limits::LEASE_RENEW_BATCH) {
        let ids: Vec<i64> = batch.iter().map(|id| clock::id(*id)).collect();
        let rows = client.query(
            "UPDATE outdial.leads SET lease_expires_at = to_timestamp($4::bigint / 1000.0)
             WHERE lease_node = $1 AND lease_epoch = $2 AND lease_id = ANY ($3)
               AND status IN ('leased', 'dialing')
             RETURNING lease_id",
            &[
                &who.node,
                &i32::try_from(who.epoch).unwrap_or(i32::MAX),
                &ids,
                &expires_at_ms,
            ],
        )?;
        kept.extend(rows.iter().map(|row| clock::uid(row.get(0))));
    }
    Ok((expires_at_ms, kept))
}

/// Frees expired leases of other nodes that were never dialed, and tells how many.
///
/// # Errors
/// What PostgreSQL says.
pub fn reclaim_others(client: &mut Client, node: &str) -> Result<usize, StoreError> {
    let rows = client.query(
        "SELECT lease_node, lease_id FROM outdial.leads
         WHERE status = 'leased' AND status IN ('leased', 'dialing')
           AND lease_node <> $1 AND lease_expires_at < now() - make_interval(secs => $3)
         LIMIT $2",
        &[
            &node,
            &limits::RECLAIM_BATCH,
            &limits::RECLAIM_OTHERS_AFTER.as_secs_f64(),
        ],
    )?;
    let mut by_node: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in rows {
        by_node
            .entry(row.get(0))
            .or_default()
            .push(clock::uid(row.get(1)));
    }
    let mut freed = 0;
    for (other, leases) in by_node {
        freed += release(client, &other, None, &leases, &["leased"], None)?.len();
    }
    Ok(freed)
}

/// Expired leases of this life of this node.
///
/// # Errors
/// What PostgreSQL says.
pub fn expired(client: &mut Client, who: Lessee<'_>) -> Result<Vec<u64>, StoreError> {
    let rows = client.query(
        "SELECT lease_id FROM outdial.leads
         WHERE status = 'leased' AND status IN ('leased', 'dialing')
           AND lease_node = $1 AND lease_epoch = $2 AND lease_expires_at < now()
         LIMIT $3",
        &[
            &who.node,
            &i32::try_from(who.epoch).unwrap_or(i32::MAX),
            &limits::RECLAIM_BATCH,
        ],
    )?;
    Ok(rows.iter().map(|row| clock::uid(row.get(0))).collect())
}

/// What former lives of the node left behind, once their journal has been read: leads that were
/// never dialed are ready again, those that were dialing without a result are done. Tells how many
/// of each.
///
/// # Errors
/// What PostgreSQL says.
pub fn settle_former_lives(
    client: &mut Client,
    who: Lessee<'_>,
) -> Result<(usize, usize), StoreError> {
    let epoch = i32::try_from(who.epoch).unwrap_or(i32::MAX);
    let mut settled = [0, 0];
    for (place, (status, reason)) in [("leased", None), ("dialing", Some("node_lost"))]
        .into_iter()
        .enumerate()
    {
        loop {
            let rows = client.query(
                "SELECT lease_id FROM outdial.leads
                 WHERE status = $1 AND status IN ('leased', 'dialing')
                   AND lease_node = $2 AND lease_epoch <> $3
                 LIMIT $4",
                &[&status, &who.node, &epoch, &limits::RECLAIM_BATCH],
            )?;
            let leases: Vec<u64> = rows.iter().map(|row| clock::uid(row.get(0))).collect();
            let freed = release(client, who.node, None, &leases, &[status], reason)?;
            settled[place] += freed.len();
            if freed.is_empty() {
                break;
            }
        }
    }
    Ok((settled[0], settled[1]))
}

/// Frees claims on numbers that no live lease stands behind any more, as when somebody deleted or
/// paused leads that were leased. Reads the whole of `number_guard`, so once an hour is enough.
///
/// # Errors
/// What PostgreSQL says.
pub fn free_orphaned_claims(client: &mut Client) -> Result<u64, StoreError> {
    Ok(client.execute(
        "UPDATE outdial.number_guard g SET lease_id = NULL
         WHERE g.lease_id IS NOT NULL AND g.claimed_at < now() - interval '1 hour'
           AND NOT EXISTS (SELECT FROM outdial.leads l
                           WHERE l.campaign_id = g.campaign_id AND l.id = g.lead_id
                             AND l.lease_id = g.lease_id AND l.status IN ('leased', 'dialing'))",
        &[],
    )?)
}

/// Leases in hand of `who` whose number is on the do-not-call list.
#[derive(Debug, Default)]
pub struct Forbidden {
    /// Numbers that nobody may dial.
    pub numbers: Vec<String>,
    /// Leases of campaigns that may not dial one of their numbers.
    pub leases: Vec<u64>,
}

/// See [`Forbidden`].
///
/// # Errors
/// What PostgreSQL says.
pub fn forbidden(client: &mut Client, who: Lessee<'_>) -> Result<Forbidden, StoreError> {
    let rows = client.query(
        "SELECT l.lease_id, d.number, d.campaign_id IS NULL
         FROM outdial.leads l
         JOIN outdial.lead_numbers n ON n.campaign_id = l.campaign_id AND n.lead_id = l.id
         JOIN outdial.do_not_call d ON d.number = n.number
           AND (d.campaign_id IS NULL OR d.campaign_id = l.campaign_id)
         WHERE l.status IN ('leased', 'dialing') AND l.lease_node = $1 AND l.lease_epoch = $2",
        &[&who.node, &i32::try_from(who.epoch).unwrap_or(i32::MAX)],
    )?;
    let mut found = Forbidden::default();
    for row in rows {
        if row.get::<_, bool>(2) {
            found.numbers.push(row.get(1));
        } else {
            found.leases.push(clock::uid(row.get(0)));
        }
    }
    Ok(found)
}
