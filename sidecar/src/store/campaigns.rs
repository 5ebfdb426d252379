//! Campaigns as operators see them.

use postgres::Client;
use serde_json::Value;

use crate::clock;
use crate::store::StoreError;
use crate::store::fields::{Table, rows};

/// The table.
pub const TABLE: Table = Table {
    name: "outdial.campaigns",
    what: "campaign",
    columns: &[
        "name",
        "test",
        "mode",
        "ratio",
        "max_ratio",
        "abandon_limit",
        "abandon_window",
        "priority",
        "max_concurrent",
        "ring_timeout_ms",
        "connect_limit_ms",
        "message",
        "context",
        "exten",
        "exten_priority",
        "agentless_action",
        "goto_context",
        "goto_exten",
        "goto_priority",
        "wrap_up_ms",
        "recording",
        "amd",
        "caller_ids",
        "preview_timeout_ms",
        "preview_dial",
        "min_ring_ms",
        "caller_id_daily_cap",
        "local_presence",
        "abandon_from",
        "on_machine",
        "machine_message",
        "on_unknown",
        "on_screening",
        "people_among_machines",
        "time_zone",
        "window_start",
        "window_end",
        "window_days",
        "max_attempts",
        "max_attempts_per_number",
        "number_attempts_per_day",
        "number_attempts_total",
        "callback_hold_minutes",
        "retry",
    ],
};

/// All campaigns, by name.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT to_jsonb(c) FROM outdial.campaigns c ORDER BY name",
        &[],
    )
}

/// One campaign, with its leads by status and what it lacks to dial.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn show(client: &mut Client, name: &str) -> Result<Value, StoreError> {
    let found = rows(
        client,
        "SELECT to_jsonb(c) || jsonb_build_object(
           'leads', (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM
             (SELECT status, count(*) AS n FROM outdial.leads WHERE campaign_id = c.id GROUP BY status) s),
           'outcomes', (SELECT coalesce(jsonb_object_agg(outcome, n), '{}') FROM
             (SELECT outcome, count(*) AS n FROM outdial.attempts WHERE campaign_id = c.id GROUP BY outcome) s),
           'agents', (SELECT coalesce(jsonb_agg(a.name ORDER BY a.name), '[]') FROM outdial.agents a
             JOIN outdial.agent_campaigns ac ON ac.agent_id = a.id WHERE ac.campaign_id = c.id))
         FROM outdial.campaigns c WHERE name = $1",
        &[&name],
    )?;
    let mut campaign = found
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::NotFound(format!("there is no campaign {name:?}")))?;
    let lacks = lacks(client, name)?;
    if let Value::Object(fields) = &mut campaign {
        fields.insert("lacks".into(), lacks.into());
    }
    Ok(campaign)
}

/// What the campaign lacks before it may dial, each with how to mend it.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn lacks(client: &mut Client, name: &str) -> Result<Vec<String>, StoreError> {
    let row = client
        .query_opt(
            "SELECT cardinality(caller_ids) = 0,
                    message IS NULL AND (mode = 'power' AND ratio > 1 OR mode = 'predictive'
                      OR mode = 'agentless' AND agentless_action = 'play_message'),
                    time_zone IS NULL,
                    cardinality(window_days) = 0,
                    NOT EXISTS (SELECT FROM outdial.routes r JOIN outdial.trunk_config t ON t.id = r.trunk_id
                      WHERE t.enabled AND (r.campaign_id IS NULL OR r.campaign_id = c.id)),
                    mode
             FROM outdial.campaigns c WHERE name = $1",
            &[&name],
        )?
        .ok_or_else(|| StoreError::NotFound(format!("there is no campaign {name:?}")))?;
    let mode: String = row.get(5);
    let checks = [
        format!("no caller id: outdial campaign set '{name}' --caller-id NUMBER"),
        format!(
            "no message, which {mode} calls that find no agent must get: \
             outdial campaign set '{name}' --message SOUND"
        ),
        format!("no time zone: outdial campaign set '{name}' --time-zone America/Sao_Paulo"),
        format!(
            "no day of the week on which it may call: outdial campaign set '{name}' --days mon-sat"
        ),
        String::from(
            "no route to an enabled trunk: outdial trunks add NAME --endpoint ENDPOINT, \
             then outdial routes add --trunk NAME",
        ),
    ];
    Ok(checks
        .into_iter()
        .enumerate()
        .filter_map(|(column, text)| row.get::<_, bool>(column).then_some(text))
        .collect())
}

/// The id of the campaign of that name, if one is named.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn id(client: &mut Client, name: Option<&str>) -> Result<Option<i64>, StoreError> {
    name.map(|name| TABLE.id(client, name).map(clock::id))
        .transpose()
}

/// Changes a campaign's state.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn set_state(client: &mut Client, name: &str, state: &str) -> Result<(), StoreError> {
    let changed = client.execute(
        "UPDATE outdial.campaigns SET state = $2 WHERE name = $1",
        &[&name, &state],
    )?;
    if changed == 0 {
        return Err(StoreError::NotFound(format!(
            "there is no campaign {name:?}"
        )));
    }
    Ok(())
}
