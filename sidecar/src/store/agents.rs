//! Agents as operators see them.

use postgres::Client;
use serde_json::Value;

use crate::store::fields::{Table, rows};
use crate::store::{StoreError, campaigns, explain};

/// The table.
pub const TABLE: Table = Table {
    name: "outdial.agents",
    what: "agent",
    columns: &["name"],
};

/// All agents, by name.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT to_jsonb(a) || jsonb_build_object('campaigns',
           (SELECT coalesce(jsonb_agg(c.name ORDER BY c.name), '[]')
            FROM outdial.agent_campaigns ac JOIN outdial.campaigns c ON c.id = ac.campaign_id
            WHERE ac.agent_id = a.id))
         FROM outdial.agents a ORDER BY name",
        &[],
    )
}

/// Adds agents, or gives existing ones further campaigns, or another rank in those they have.
///
/// # Errors
/// A campaign that does not exist, a bad name, or what PostgreSQL says.
pub fn add(
    client: &mut Client,
    names: &[String],
    campaign_names: &[String],
    rank: Option<i16>,
) -> Result<(), StoreError> {
    let mut ids = Vec::new();
    for name in campaign_names {
        ids.push(crate::clock::id(campaigns::TABLE.id(client, name)?));
    }
    let mut transaction = client.transaction()?;
    for name in names {
        let row = transaction
            .query_one(
                "INSERT INTO outdial.agents AS a (name) VALUES ($1)
                 ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
                &[name],
            )
            .map_err(|error| explain("agent", name, error))?;
        transaction
            .execute(
                "INSERT INTO outdial.agent_campaigns AS ac (agent_id, campaign_id, rank)
             SELECT $1, unnest($2::bigint[]), coalesce($3::smallint, 0)
             ON CONFLICT (agent_id, campaign_id) DO UPDATE SET rank = coalesce($3::smallint, ac.rank)",
                &[&row.get::<_, i64>(0), &ids, &rank],
            )
            .map_err(|error| explain("agent", name, error))?;
    }
    transaction.commit()?;
    Ok(())
}
