//! Trunks as operators see them.

use postgres::Client;
use serde_json::Value;

use crate::store::StoreError;
use crate::store::fields::{Table, rows};

/// The table.
pub const TABLE: Table = Table {
    name: "outdial.trunk_config",
    what: "trunk",
    columns: &[
        "name",
        "tech",
        "endpoint",
        "cps_limit",
        "burst",
        "max_channels",
        "enabled",
    ],
};

/// All trunks, by name.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT to_jsonb(t) FROM outdial.trunk_config t ORDER BY name",
        &[],
    )
}

/// One trunk.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn show(client: &mut Client, name: &str) -> Result<Value, StoreError> {
    rows(
        client,
        "SELECT to_jsonb(t) FROM outdial.trunk_config t WHERE name = $1",
        &[&name],
    )?
    .into_iter()
    .next()
    .ok_or_else(|| StoreError::NotFound(format!("there is no trunk {name:?}")))
}

/// A caller id for a test call: the first one of any campaign.
///
/// # Errors
/// What PostgreSQL says.
pub fn any_caller_id(client: &mut Client) -> Result<Option<String>, StoreError> {
    let row = client.query_opt(
        "SELECT caller_ids[1] FROM outdial.campaigns WHERE cardinality(caller_ids) > 0
         ORDER BY id LIMIT 1",
        &[],
    )?;
    Ok(row.map(|row| row.get(0)))
}
