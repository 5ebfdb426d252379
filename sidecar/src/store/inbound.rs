//! Calls that come in: who calls, and whose agents he is for.

use outdial_link::{Callback, Claim, Known, LeadNumber, Lease, Owner};
use postgres::{Client, Row, Transaction};

use crate::clock;
use crate::limits;
use crate::store::StoreError;
use crate::store::lease::Lessee;

/// Whose call it can be.
#[derive(Clone, Copy, Debug)]
pub struct Among<'a> {
    /// The caller's number, in each of the ways in which it can be meant.
    pub numbers: &'a [String],
    /// Only this campaign.
    pub campaign: Option<i64>,
    /// Test campaigns, or all others.
    pub test: bool,
    /// A lead that was never dialed, too.
    pub anybody: bool,
}

/// Campaigns that take calls.
const TAKES_CALLS: &str = "c.state IN ('running', 'paused') AND c.mode <> 'agentless' \
     AND c.queue IS NULL AND c.inbound_days > 0 AND c.test = $1 AND ($2::bigint IS NULL OR c.id = $2)";

/// One caller id of each campaign that takes calls: its country is that of national numbers.
///
/// # Errors
/// What PostgreSQL says.
pub fn caller_ids(
    client: &mut Client,
    campaign: Option<i64>,
    test: bool,
) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT c.caller_ids[1] FROM outdial.campaigns c
         WHERE {TAKES_CALLS} AND cardinality(c.caller_ids) > 0 LIMIT $3"
    );
    let rows = client.query(&sql, &[&test, &campaign, &limits::LIST_ROWS])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The lead that was dialed last of those with one of the numbers, claimed for `who` until
/// `expires_at_ms` if nobody else has it. A lead that is done is claimed too: it keeps its reason,
/// and is done again if the lease is given back.
///
/// Plan: `lead_numbers_by_number`, then primary keys; nothing depends on the size of the tables.
///
/// # Errors
/// What PostgreSQL says.
pub fn find(
    client: &mut Client,
    who: Lessee<'_>,
    among: Among<'_>,
    expires_at_ms: i64,
) -> Result<Option<Known>, StoreError> {
    let mut transaction = client.transaction()?;
    let sql = format!(
        "SELECT l.campaign_id, l.id, n.number, l.status, l.lease_id, l.lease_node, l.lease_epoch,
                coalesce(l.list_id, 0) AS list, l.skill, l.holder, l.attempts, l.last_outcome,
                l.last_count, l.callback_at IS NOT NULL AS callback, l.callback_agent,
                l.callback_tries, l.rank,
                EXISTS (SELECT FROM outdial.do_not_call d WHERE d.number = n.number
                  AND (d.campaign_id IS NULL OR d.campaign_id = l.campaign_id)) AS forbidden
         FROM outdial.lead_numbers n
         JOIN outdial.leads l ON l.campaign_id = n.campaign_id AND l.id = n.lead_id
         JOIN outdial.campaigns c ON c.id = l.campaign_id
         WHERE {TAKES_CALLS} AND n.number = ANY ($3)
           AND ($4 OR l.dialed_at > now() - make_interval(days => c.inbound_days))
         ORDER BY l.dialed_at DESC NULLS LAST, l.campaign_id, l.id, n.position
         LIMIT 1 FOR UPDATE OF l"
    );
    let found = transaction.query_opt(
        &sql,
        &[&among.test, &among.campaign, &among.numbers, &among.anybody],
    )?;
    let Some(row) = found else {
        return Ok(None);
    };
    let (claim, lease) = claim(&mut transaction, who, &row, among.test, expires_at_ms)?;
    let lead = lead(&mut transaction, &row, lease, expires_at_ms)?;
    transaction.commit()?;
    Ok(Some(Known {
        campaign: clock::uid(row.get("campaign_id")),
        lead,
        claim,
        forbidden: row.get("forbidden"),
    }))
}

/// Leases the lead and claims its numbers, if nobody has it. The lead's row is locked.
fn claim(
    transaction: &mut Transaction<'_>,
    who: Lessee<'_>,
    row: &Row,
    test: bool,
    expires_at_ms: i64,
) -> Result<(Claim, u64), StoreError> {
    let epoch = i32::try_from(who.epoch).unwrap_or(i32::MAX);
    let status: &str = row.get("status");
    let ours = row.get::<_, Option<&str>>("lease_node") == Some(who.node)
        && row.get::<_, Option<i32>>("lease_epoch") == Some(epoch);
    match (status, row.get::<_, Option<i64>>("lease_id")) {
        ("ready" | "done", _) => {}
        ("leased", Some(lease)) if ours => return Ok((Claim::InHand, clock::uid(lease))),
        // Another node's, on the line just now, or set apart by an operator.
        (_, _) => return Ok((Claim::None, 0)),
    }
    let (campaign, lead): (i64, i64) = (row.get("campaign_id"), row.get("id"));
    let lease: i64 = transaction
        .query_one(
            "UPDATE outdial.leads SET status = 'leased', lease_id = nextval('outdial.lease_seq'),
               lease_node = $3, lease_epoch = $4,
               lease_expires_at = to_timestamp($5::bigint / 1000.0)
             WHERE campaign_id = $1 AND id = $2 RETURNING lease_id",
            &[&campaign, &lead, &who.node, &epoch, &expires_at_ms],
        )?
        .get(0);
    // In order of the number, as everybody claims. One that another lease has stays there.
    transaction.execute(
        "INSERT INTO outdial.number_guard AS g (number, lease_id, node, campaign_id, lead_id, claimed_at)
         SELECT DISTINCT outdial.guard_key(number, $5), $3::bigint, $4::text, $1::bigint, $2::bigint, now()
         FROM outdial.lead_numbers WHERE campaign_id = $1 AND lead_id = $2
         ORDER BY 1
         ON CONFLICT (number) DO UPDATE
           SET lease_id = excluded.lease_id, node = excluded.node,
               campaign_id = excluded.campaign_id, lead_id = excluded.lead_id,
               claimed_at = excluded.claimed_at
           WHERE g.lease_id IS NULL",
        &[&campaign, &lead, &lease, &who.node, &test],
    )?;
    Ok((Claim::Taken, clock::uid(lease)))
}

/// The lead with all its numbers, the caller's first.
fn lead(
    transaction: &mut Transaction<'_>,
    row: &Row,
    lease: u64,
    expires_at_ms: i64,
) -> Result<Lease, StoreError> {
    let (campaign, lead): (i64, i64) = (row.get("campaign_id"), row.get("id"));
    let caller: &str = row.get("number");
    let numbers = transaction.query(
        "SELECT number, position, attempts FROM outdial.lead_numbers
         WHERE campaign_id = $1 AND lead_id = $2 ORDER BY number <> $3, position",
        &[&campaign, &lead, &caller],
    )?;
    let number = |column: &str| clock::u16_of(row.get(column));
    Ok(Lease {
        id: lease,
        lead: clock::uid(lead),
        list: clock::uid(row.get("list")),
        weight: 1,
        priority: i32::from(row.get::<_, i16>("rank")),
        owner: row.get::<_, Option<i64>>("holder").map(|agent| Owner {
            agent: clock::uid(agent),
            until_ms: None,
        }),
        skill: row.get("skill"),
        attempts: number("attempts"),
        last: row
            .get::<_, Option<String>>("last_outcome")
            .map(|outcome| (outcome, number("last_count"))),
        callback: row.get::<_, bool>("callback").then(|| Callback {
            agent: row.get::<_, Option<i64>>("callback_agent").map(clock::uid),
            tries: number("callback_tries"),
        }),
        numbers: numbers
            .iter()
            .map(|n| LeadNumber {
                number: n.get("number"),
                position: clock::u8_of(i32::from(n.get::<_, i16>("position"))),
                attempts: clock::u16_of(n.get("attempts")),
                not_before_ms: 0,
                not_after_ms: i64::MAX,
            })
            .collect(),
        expires_at_ms,
    })
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
