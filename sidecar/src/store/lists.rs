//! Lists of leads.

use postgres::Client;
use serde_json::{Map, Value};

use crate::clock;
use crate::store::fields::rows;
use crate::store::{StoreError, campaigns, explain};

/// All lists, with their leads by status.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client, campaign: Option<&str>) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT jsonb_build_object('name', li.name, 'campaign', c.name, 'weight', li.weight,
           'priority', li.priority, 'leads', coalesce(n.leads, 0), 'ready', coalesce(n.ready, 0),
           'done', coalesce(n.done, 0))
         FROM outdial.lists li JOIN outdial.campaigns c ON c.id = li.campaign_id
         LEFT JOIN (SELECT campaign_id, list_id, count(*) AS leads,
                      count(*) FILTER (WHERE status = 'ready') AS ready,
                      count(*) FILTER (WHERE status = 'done') AS done
                    FROM outdial.leads GROUP BY 1, 2) n ON n.campaign_id = c.id AND n.list_id = li.id
         WHERE $1::text IS NULL OR c.name = $1
         ORDER BY c.name, li.priority DESC, li.name",
        &[&campaign],
    )
}

/// Changes weight, priority or both.
///
/// # Errors
/// Names the field that is wrong and what is allowed; [`StoreError::NotFound`].
pub fn change(
    client: &mut Client,
    campaign: &str,
    name: &str,
    fields: &Map<String, Value>,
) -> Result<(), StoreError> {
    let mut numbers = [None, None];
    for (key, value) in fields {
        let place = match key.as_str() {
            "weight" => 0,
            "priority" => 1,
            _ => {
                return Err(StoreError::Refused(format!(
                    "a list has no field {key:?}; fields: weight, priority"
                )));
            }
        };
        let number = value.as_i64().and_then(|n| i32::try_from(n).ok());
        numbers[place] = Some(number.ok_or_else(|| {
            StoreError::Refused(format!(
                "list {name:?}: {key} is {value}; allowed: a whole number"
            ))
        })?);
    }
    // What fits no smallint is out of range all the same.
    let priority = numbers[1].map(|n| i16::try_from(n).unwrap_or(i16::MAX));
    let id = clock::id(campaigns::TABLE.id(client, campaign)?);
    let changed = client
        .execute(
            "UPDATE outdial.lists SET weight = coalesce($3, weight),
               priority = coalesce($4, priority)
             WHERE campaign_id = $1 AND name = $2",
            &[&id, &name, &numbers[0], &priority],
        )
        .map_err(|error| explain("list", name, error))?;
    if changed == 0 {
        return Err(StoreError::NotFound(format!(
            "campaign {campaign:?} has no list {name:?}"
        )));
    }
    Ok(())
}
