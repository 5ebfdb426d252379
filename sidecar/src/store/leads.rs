//! Single leads.

use postgres::Client;
use serde_json::Value;

use crate::clock;
use crate::store::StoreError;

/// The lead's own columns: texts as they are, other values as JSON.
///
/// # Errors
/// [`StoreError::NotFound`]; what PostgreSQL says.
pub fn columns(client: &mut Client, lead: u64) -> Result<Vec<(String, String)>, StoreError> {
    // By campaign, so that the look-up meets the key.
    let row = client.query_opt(
        "SELECT l.data FROM outdial.campaigns c CROSS JOIN LATERAL (
           SELECT data FROM outdial.leads WHERE campaign_id = c.id AND id = $1) l",
        &[&clock::id(lead)],
    )?;
    let row = row.ok_or_else(|| StoreError::NotFound(format!("there is no lead {lead}")))?;
    let Value::Object(fields) = row.get(0) else {
        return Ok(Vec::new());
    };
    let text = |value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    };
    Ok(fields
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect())
}
