//! What a new engine must know of the days before it.

use outdial_link::Config;
use postgres::Client;

use crate::clock;
use crate::store::StoreError;

/// Calls of the last 30 days that found no agent, and of the last 24 hours by the number shown.
/// Attempts that end later, of this node's former life or of other nodes, are not in it.
///
/// # Errors
/// What PostgreSQL says.
pub fn load(client: &mut Client) -> Result<Vec<Config>, StoreError> {
    let mut history = Vec::new();
    for row in client.query(
        "SELECT campaign_id, (extract(epoch FROM day) * 1000)::bigint, answered, abandoned
         FROM outdial.campaign_days
         WHERE day > (now() AT TIME ZONE 'UTC')::date - 30
         ORDER BY campaign_id, day",
        &[],
    )? {
        history.push(Config::Abandons {
            campaign: clock::uid(row.get(0)),
            at_ms: row.get(1),
            answered: clock::u32_of(row.get(2)),
            abandoned: clock::u32_of(row.get(3)),
        });
    }
    let shown: Vec<(String, u32)> = client
        .query(
            "SELECT caller_id, sum(shown)::integer FROM outdial.caller_id_hours
             WHERE hour > now() - interval '25 hours' GROUP BY caller_id ORDER BY caller_id",
            &[],
        )?
        .into_iter()
        .map(|row| (row.get(0), clock::u32_of(row.get(1))))
        .collect();
    if !shown.is_empty() {
        history.push(Config::CallerIdsShown(shown));
    }
    Ok(history)
}

/// Forgets hours that nobody looks at any more.
///
/// # Errors
/// What PostgreSQL says.
pub fn forget(client: &mut Client) -> Result<u64, StoreError> {
    let forgotten = client.execute(
        "DELETE FROM outdial.caller_id_hours WHERE hour < now() - interval '2 days'",
        &[],
    )?;
    Ok(forgotten)
}
