//! The do-not-call list.

use postgres::Client;
use serde_json::Value;

use crate::limits;
use crate::store::StoreError;
use crate::store::fields::rows;

/// Adds numbers (digits only); tells how many were new.
///
/// # Errors
/// A bad number, or what PostgreSQL says.
pub fn add(
    client: &mut Client,
    numbers: &[String],
    campaign: Option<i64>,
    reason: Option<&str>,
) -> Result<u64, StoreError> {
    Ok(client.execute(
        "INSERT INTO outdial.do_not_call (number, campaign_id, reason)
         SELECT DISTINCT n, $2::bigint, $3::text FROM unnest($1::text[]) AS n
         ON CONFLICT DO NOTHING",
        &[&numbers, &campaign, &reason],
    )?)
}

/// Takes numbers off; tells how many were on it.
///
/// # Errors
/// What PostgreSQL says.
pub fn remove(
    client: &mut Client,
    numbers: &[String],
    campaign: Option<i64>,
) -> Result<u64, StoreError> {
    Ok(client.execute(
        "DELETE FROM outdial.do_not_call
         WHERE number = ANY ($1) AND coalesce(campaign_id, 0) = coalesce($2::bigint, 0)",
        &[&numbers, &campaign],
    )?)
}

/// The newest entries.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT to_jsonb(d) || jsonb_build_object('campaign', c.name)
         FROM outdial.do_not_call d LEFT JOIN outdial.campaigns c ON c.id = d.campaign_id
         ORDER BY d.id DESC LIMIT $1",
        &[&limits::LIST_ROWS],
    )
}

/// Whether nobody may call the number.
///
/// # Errors
/// What PostgreSQL says.
pub fn is_global(client: &mut Client, number: &str) -> Result<bool, StoreError> {
    let row = client.query_one(
        "SELECT EXISTS (SELECT FROM outdial.do_not_call WHERE number = $1 AND campaign_id IS NULL)",
        &[&number],
    )?;
    Ok(row.get(0))
}
