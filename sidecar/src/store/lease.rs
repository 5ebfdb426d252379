//! Leases: who may dial whom, and for how long.

use std::collections::BTreeMap;

use outdial_link::{LeadNumber, Lease};
use postgres::Client;

use crate::clock;
use crate::limits;
use crate::store::StoreError;
use crate::windows::{Schedule, Window, Zones};

const GROUPS: &str = include_str!("lease_groups.sql");
const LEASE: &str = include_str!("lease.sql");
const RELEASE: &str = include_str!("release.sql");

/// A lead whose numbers are all refused leaves the queue; so many batches of such leads are
/// worked off in one request.
const EMPTY_ROUNDS: u32 = 10;

/// Who leases.
#[derive(Clone, Copy, Debug)]
pub struct Lessee<'a> {
    /// Node.
    pub node: &'a str,
    /// Life of its engine.
    pub epoch: u32,
}

/// The answer to a request for leads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Granted {
    /// Leads.
    pub leases: Vec<Lease>,
    /// Where there are none: when to ask again.
    pub next_due_ms: Option<i64>,
}

struct Rules {
    time_zone: Option<String>,
    schedule: Schedule,
    max_attempts: i32,
    max_attempts_per_number: i32,
    number_attempts_per_day: i32,
    test: bool,
}

/// The groups that may be dialed now, best first.
#[derive(Default)]
struct Open {
    zones: Vec<String>,
    priorities: Vec<i16>,
    days: Vec<String>,
    since_until_ms: Vec<(i64, i64)>,
}

/// Leases up to `count` leads of a running campaign whose window is open where the lead lives. A
/// simulated PBX gets none but those of test campaigns, and a real one none of those.
///
/// # Errors
/// What PostgreSQL says.
pub fn lease(
    client: &mut Client,
    who: Lessee<'_>,
    campaign: u64,
    count: u32,
    now_ms: i64,
) -> Result<Granted, StoreError> {
    let Some(rules) = rules(client, who, campaign)? else {
        return Ok(Granted::default());
    };
    let mut zones = Zones::new(rules.schedule, now_ms);
    for _ in 0..EMPTY_ROUNDS {
        let (open, next_due_ms) = groups(client, campaign, &rules, &mut zones, now_ms)?;
        if open.zones.is_empty() {
            return Ok(Granted {
                leases: Vec::new(),
                next_due_ms,
            });
        }
        let leases = take(client, who, campaign, count, now_ms, &rules, &open)?;
        let leases = recheck(client, who, campaign, leases)?;
        if !leases.is_empty() {
            return Ok(Granted {
                leases,
                next_due_ms: None,
            });
        }
    }
    Ok(Granted {
        leases: Vec::new(),
        next_due_ms: Some(now_ms),
    })
}

fn rules(client: &mut Client, who: Lessee<'_>, campaign: u64) -> Result<Option<Rules>, StoreError> {
    let row = client.query_opt(
        "SELECT time_zone, extract(epoch FROM window_start)::integer,
                extract(epoch FROM window_end)::integer, window_days,
                max_attempts, max_attempts_per_number, number_attempts_per_day, test
         FROM outdial.campaigns WHERE id = $1 AND state = 'running'
           AND test = coalesce((SELECT n.test FROM outdial.nodes n WHERE n.name = $2), false)",
        &[&clock::id(campaign), &who.node],
    )?;
    Ok(row.map(|row| Rules {
        time_zone: row.get(0),
        schedule: Schedule::new(row.get(1), row.get(2), &row.get::<_, Vec<i16>>(3)),
        max_attempts: row.get(4),
        max_attempts_per_number: row.get(5),
        number_attempts_per_day: row.get(6),
        test: row.get(7),
    }))
}

fn groups(
    client: &mut Client,
    campaign: u64,
    rules: &Rules,
    zones: &mut Zones,
    now_ms: i64,
) -> Result<(Open, Option<i64>), StoreError> {
    let rows = client.query(GROUPS, &[&clock::id(campaign), &limits::LEASE_GROUPS])?;
    let mut open = Vec::new();
    let mut next_due: Option<i64> = None;
    for row in rows {
        let (zone, priority, due_ms): (String, i16, i64) = (row.get(0), row.get(1), row.get(2));
        let name = if zone.is_empty() {
            rules.time_zone.as_deref()
        } else {
            Some(zone.as_str())
        };
        let Some(name) = name else { continue };
        match zones.window(name).cloned() {
            Some(Window::Open {
                since_ms,
                until_ms,
                day,
            }) if due_ms <= now_ms => {
                open.push((std::cmp::Reverse(priority), until_ms, zone, day, since_ms));
            }
            Some(Window::Open { .. }) => {
                next_due = Some(next_due.map_or(due_ms, |next| next.min(due_ms)));
            }
            Some(Window::Closed {
                opens_ms: Some(opens_ms),
            }) => {
                let at = due_ms.max(opens_ms);
                next_due = Some(next_due.map_or(at, |next| next.min(at)));
            }
            Some(Window::Closed { opens_ms: None }) => {}
            None => tracing::warn!(
                campaign,
                zone = name,
                "leads in an unknown time zone are not dialed"
            ),
        }
    }
    // Higher priority first; then the zone that closes first.
    open.sort();
    let mut sorted = Open::default();
    for (priority, until_ms, zone, day, since_ms) in open {
        sorted.zones.push(zone);
        sorted.priorities.push(priority.0);
        sorted.days.push(day);
        sorted.since_until_ms.push((since_ms, until_ms));
    }
    let latest = now_ms + clock::millis(limits::NEXT_DUE_MAX);
    Ok((sorted, next_due.map(|at| at.min(latest))))
}

fn take(
    client: &mut Client,
    who: Lessee<'_>,
    campaign: u64,
    count: u32,
    now_ms: i64,
    rules: &Rules,
    open: &Open,
) -> Result<Vec<Lease>, StoreError> {
    let expires_at_ms = now_ms + clock::millis(limits::LEASE_TTL);
    let rows = client.query(
        LEASE,
        &[
            &clock::id(campaign),
            &i64::from(count.min(limits::LEASES_PER_REQUEST)),
            &who.node,
            &i32::try_from(who.epoch).unwrap_or(i32::MAX),
            &expires_at_ms,
            &open.zones,
            &open.priorities,
            &open.days,
            &rules.max_attempts,
            &rules.max_attempts_per_number,
            &rules.number_attempts_per_day,
            &f64::from(limits::CLAIMED_RETRY_SECONDS),
            &f64::from(limits::CAPPED_RETRY_SECONDS),
            &rules.test,
        ],
    )?;
    let mut leases: Vec<Lease> = Vec::new();
    for row in rows {
        let id = clock::uid(row.get(0));
        let place = usize::try_from(row.get::<_, i64>(4))
            .unwrap_or(1)
            .saturating_sub(1);
        let (since_ms, until_ms) = open
            .since_until_ms
            .get(place)
            .copied()
            .unwrap_or((now_ms, now_ms));
        let number = LeadNumber {
            number: row.get(5),
            position: clock::u8_of(i32::from(row.get::<_, i16>(6))),
            attempts: clock::u16_of(row.get(7)),
            not_before_ms: since_ms,
            not_after_ms: until_ms,
        };
        match leases.last_mut() {
            Some(lease) if lease.id == id => lease.numbers.push(number),
            _ => leases.push(Lease {
                id,
                lead: clock::uid(row.get(1)),
                list: clock::uid(row.get(8)),
                weight: 1,
                priority: i32::from(row.get::<_, i16>(2)),
                owner: None,
                skill: None,
                attempts: clock::u16_of(row.get(3)),
                numbers: vec![number],
                expires_at_ms,
            }),
        }
    }
    Ok(leases)
}

/// A do-not-call entry that was committed while the leases were taken is seen here; one that is
/// committed later finds the leases and revokes them.
fn recheck(
    client: &mut Client,
    who: Lessee<'_>,
    campaign: u64,
    mut leases: Vec<Lease>,
) -> Result<Vec<Lease>, StoreError> {
    let numbers: Vec<&str> = leases
        .iter()
        .flat_map(|lease| lease.numbers.iter().map(|n| n.number.as_str()))
        .collect();
    if numbers.is_empty() {
        return Ok(leases);
    }
    let found = client.query(
        "SELECT number FROM outdial.do_not_call
         WHERE number = ANY ($1) AND (campaign_id IS NULL OR campaign_id = $2)",
        &[&numbers, &clock::id(campaign)],
    )?;
    let forbidden: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let hit = |lease: &Lease| lease.numbers.iter().any(|n| forbidden.contains(&n.number));
    let back: Vec<u64> = leases
        .iter()
        .filter(|lease| hit(lease))
        .map(|lease| lease.id)
        .collect();
    release(client, who.node, Some(who.epoch), &back, &["leased"], None)?;
    leases.retain(|lease| !hit(lease));
    Ok(leases)
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
        "UPDATE outdial.leads SET next_at = to_timestamp($4::bigint / 1000.0)
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
