//! Routes as operators see them.

use postgres::Client;
use serde_json::Value;

use crate::store::StoreError;
use crate::store::fields::{Table, rows};

/// The table.
pub const TABLE: Table = Table {
    name: "outdial.routes",
    what: "route",
    columns: &[
        "campaign_id",
        "prefix",
        "trunk_id",
        "priority",
        "weight",
        "strip",
        "prepend",
    ],
};

/// All routes, in the order in which they are tried.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT to_jsonb(r) || jsonb_build_object('trunk', t.name, 'campaign', c.name)
         FROM outdial.routes r JOIN outdial.trunk_config t ON t.id = r.trunk_id
         LEFT JOIN outdial.campaigns c ON c.id = r.campaign_id
         ORDER BY c.name NULLS LAST, length(r.prefix) DESC, r.prefix, r.priority, r.id",
        &[],
    )
}

/// Removes one route.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn remove(client: &mut Client, id: i64) -> Result<(), StoreError> {
    if client.execute("DELETE FROM outdial.routes WHERE id = $1", &[&id])? == 0 {
        return Err(StoreError::NotFound(format!("there is no route {id}")));
    }
    Ok(())
}
