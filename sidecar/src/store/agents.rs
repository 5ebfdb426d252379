//! Agents as operators see them.

use postgres::{Client, Transaction};
use serde_json::{Map, Value};

use crate::pin;
use crate::store::fields::{Table, rows};
use crate::store::{StoreError, campaigns, explain, pins};

/// The table.
pub const TABLE: Table = Table {
    name: "outdial.agents",
    what: "agent",
    columns: &[
        "name",
        "phone_tech",
        "phone_endpoint",
        "ring_timeout_ms",
        "skills",
        pin::HASH,
    ],
};

/// All agents, by name. Of a PIN it says only that there is one.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT (to_jsonb(a) - 'pin_hash') || jsonb_build_object(
           'pin', a.pin_hash IS NOT NULL,
           'locked_until', (SELECT t.locked_until FROM outdial.pin_tries t
                            WHERE t.agent_id = a.id AND t.locked_until > now()),
           'phone', a.phone_tech || '/' || a.phone_endpoint, 'campaigns',
           (SELECT coalesce(jsonb_agg(c.name ORDER BY c.name), '[]')
            FROM outdial.agent_campaigns ac JOIN outdial.campaigns c ON c.id = ac.campaign_id
            WHERE ac.agent_id = a.id))
         FROM outdial.agents a ORDER BY name",
        &[],
    )
}

/// What changes on an agent, as it comes from outside: `phone` is `technology/endpoint`, or null for
/// none.
///
/// # Errors
/// Names the field that is wrong.
pub fn fields(mut body: Map<String, Value>) -> Result<Map<String, Value>, StoreError> {
    if let Some(phone) = body.remove("phone") {
        let (tech, endpoint) = match &phone {
            Value::Null => (Value::Null, Value::Null),
            Value::String(text) => match text.split_once('/') {
                Some((tech, endpoint)) => (tech.into(), endpoint.into()),
                None => return Err(no_phone(&phone)),
            },
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return Err(no_phone(&phone));
            }
        };
        body.insert("phone_tech".into(), tech);
        body.insert("phone_endpoint".into(), endpoint);
    }
    Ok(body)
}

fn no_phone(phone: &Value) -> StoreError {
    StoreError::Refused(format!(
        "phone {phone}: write technology/endpoint, PJSIP/101 for example, or null for none"
    ))
}

/// Adds agents, or gives existing ones further campaigns, or another rank in those they have, or
/// other `fields`.
///
/// # Errors
/// A campaign that does not exist, a bad name or field, or what PostgreSQL says.
pub fn add(
    client: &mut Client,
    names: &[String],
    campaign_names: &[String],
    rank: Option<i16>,
    fields: &Map<String, Value>,
) -> Result<(), StoreError> {
    if names.len() > 1 && fields.contains_key("phone_tech") {
        return Err(StoreError::Refused(
            "one phone for several agents: add them one by one".into(),
        ));
    }
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
        if !fields.is_empty() {
            set(&mut transaction, name, fields)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Changes an agent.
///
/// # Errors
/// No such agent, a bad field, or what PostgreSQL says.
pub fn change(
    client: &mut Client,
    name: &str,
    fields: &Map<String, Value>,
) -> Result<(), StoreError> {
    let mut transaction = client.transaction()?;
    set(&mut transaction, name, fields)?;
    transaction.commit()?;
    Ok(())
}

fn set(
    transaction: &mut Transaction<'_>,
    name: &str,
    fields: &Map<String, Value>,
) -> Result<(), StoreError> {
    TABLE.update(transaction, name, fields)?;
    if fields.contains_key(pin::HASH) {
        pins::forget(transaction, name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use outdial_link::{Agent, Phone, Skill};
    use serde_json::json;

    use super::*;
    use crate::store::config;
    use crate::testing::{Database, campaign};

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn phone_and_skills_reach_the_configuration() {
        let database = Database::new();
        let mut client = database.client();
        campaign(&mut client, "spring");
        let given = object(json!({
            "phone": "PJSIP/101", "ring_timeout_ms": 9000, "skills": {"vip": 1, "german": 8},
        }));
        let given = fields(given).unwrap();
        let names = ["ana".to_owned()];
        add(&mut client, &names, &["spring".into()], Some(3), &given).unwrap();
        let one = |client: &mut Client| -> Agent {
            let agents = config::load(client).unwrap().agents;
            agents.into_values().next().unwrap()
        };
        let agent = one(&mut client);
        let skill = |name: &str, level| Skill {
            name: name.into(),
            level,
        };
        assert_eq!(agent.skills, [skill("german", 8), skill("vip", 1)]);
        let phone = Phone {
            tech: "PJSIP".into(),
            endpoint: "101".into(),
        };
        assert_eq!((agent.phone, agent.ring_timeout_ms), (Some(phone), 9_000));

        let refused = |client: &mut Client, skills: Value| {
            let change = object(json!({ "skills": skills }));
            TABLE
                .update(client, "ana", &change)
                .unwrap_err()
                .to_string()
        };
        for bad in [
            json!({"german": 11}),
            json!({"german": 1.5}),
            json!([]),
            json!(null),
        ] {
            let said = refused(&mut client, bad);
            assert!(said.contains("skills"), "{said}");
        }
        let none = object(json!({ "skills": {}, "phone_tech": null, "phone_endpoint": null }));
        TABLE.update(&mut client, "ana", &none).unwrap();
        let agent = one(&mut client);
        assert!(agent.skills.is_empty() && agent.phone.is_none());
    }
}
