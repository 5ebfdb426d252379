//! What agents make of calls: the table, and a word that comes when the call is over.

use outdial_link::After;
use postgres::Client;
use serde_json::Value;

use crate::clock;
use crate::limits;
use crate::store::callbacks::{self, Place};
use crate::store::fields::rows;
use crate::store::{StoreError, explain, retry};

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The operator's word.
    pub code: String,
    /// The lead is over.
    pub is_final: bool,
    /// The lead is called back.
    pub callback: bool,
    /// The lead is tried again as after this outcome.
    pub retry_as: Option<String>,
    /// The number goes on the do-not-call list.
    pub do_not_call: bool,
}

/// The disposition of that code.
///
/// # Errors
/// Lists the codes that there are; what PostgreSQL says.
pub fn named(client: &mut Client, code: &str) -> Result<Kind, StoreError> {
    let row = client.query_opt(
        "SELECT code, final, callback, retry_as, do_not_call FROM outdial.dispositions WHERE code = $1",
        &[&code],
    )?;
    if let Some(row) = row {
        return Ok(Kind {
            code: row.get(0),
            is_final: row.get(1),
            callback: row.get(2),
            retry_as: row.get(3),
            do_not_call: row.get(4),
        });
    }
    let known = client.query("SELECT code FROM outdial.dispositions ORDER BY code", &[])?;
    let known: Vec<String> = known.iter().map(|row| row.get(0)).collect();
    Err(StoreError::Refused(format!(
        "there is no disposition {code:?}; code is one of: {}",
        known.join(", ")
    )))
}

/// All of them, by code.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT to_jsonb(d) FROM outdial.dispositions d ORDER BY code",
        &[],
    )
}

/// Adds one, or changes the one of that code.
///
/// # Errors
/// Names the field that is wrong and what is allowed.
pub fn put(client: &mut Client, kind: &Kind, name: &str) -> Result<(), StoreError> {
    client
        .execute(
            "INSERT INTO outdial.dispositions (code, name, final, callback, retry_as, do_not_call)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (code) DO UPDATE SET name = excluded.name, final = excluded.final,
               callback = excluded.callback, retry_as = excluded.retry_as,
               do_not_call = excluded.do_not_call",
            &[
                &kind.code,
                &name,
                &kind.is_final,
                &kind.callback,
                &kind.retry_as,
                &kind.do_not_call,
            ],
        )
        .map_err(|error| explain("disposition", &kind.code, error))?;
    Ok(())
}

/// Removes one; attempts that have it keep it.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn remove(client: &mut Client, code: &str) -> Result<(), StoreError> {
    match client.execute("DELETE FROM outdial.dispositions WHERE code = $1", &[&code])? {
        0 => Err(StoreError::NotFound(format!(
            "there is no disposition {code:?}"
        ))),
        _ => Ok(()),
    }
}

/// An attempt that is in the table.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// Its lead.
    pub lead: u64,
    attempt: i64,
    started_at: std::time::SystemTime,
}

/// The attempt that is meant, or the agent's last one.
///
/// # Errors
/// [`StoreError::NotFound`] where there is none in the last days; what PostgreSQL says.
pub fn recorded(
    client: &mut Client,
    agent: Option<u64>,
    attempt: Option<u64>,
) -> Result<Recorded, StoreError> {
    let row = client.query_opt(
        "SELECT attempt_id, started_at, lead_id FROM outdial.attempts
         WHERE ($1::bigint IS NULL OR agent_id = $1) AND ($2::bigint IS NULL OR attempt_id = $2)
           AND coalesce($1, $2) IS NOT NULL
           AND started_at > now() - make_interval(days => $3)
         ORDER BY started_at DESC LIMIT 1",
        &[
            &agent.map(clock::id),
            &attempt.map(clock::id),
            &limits::DISPOSITION_DAYS,
        ],
    )?;
    let row = row.ok_or_else(|| {
        StoreError::NotFound(format!(
            "there is no such call, now or in the last {} days",
            limits::DISPOSITION_DAYS
        ))
    })?;
    Ok(Recorded {
        attempt: row.get(0),
        started_at: row.get(1),
        lead: clock::uid(row.get(2)),
    })
}

/// An agent's word on a call that the engine has settled already. The lead follows, unless it is
/// being called again.
///
/// # Errors
/// The lead is being called again; what PostgreSQL says.
pub fn apply(
    client: &mut Client,
    call: Recorded,
    place: &Place,
    (kind, after, note): (&Kind, &After, Option<&str>),
) -> Result<(), StoreError> {
    client.execute(
        "UPDATE outdial.attempts SET disposition = $3, note = coalesce($4, note)
         WHERE attempt_id = $1 AND started_at = $2",
        &[&call.attempt, &call.started_at, &kind.code, &note],
    )?;
    if kind.do_not_call {
        client.execute(
            "INSERT INTO outdial.do_not_call (number, reason)
             SELECT number, $3 FROM outdial.attempts
             WHERE attempt_id = $1 AND started_at = $2 AND NOT test
             ON CONFLICT (number, coalesce(campaign_id, 0)) DO NOTHING",
            &[&call.attempt, &call.started_at, &kind.code],
        )?;
    }
    let lead = clock::id(call.lead);
    match after {
        After::Callback { at_ms, agent } => callbacks::write(
            client,
            place,
            call.lead,
            (*at_ms, agent.map(clock::id), note),
        ),
        After::Final => free(client.execute(
            "UPDATE outdial.leads SET status = 'done', reason = $2, callback_at = NULL,
               callback_agent = NULL, callback_tries = 0, callback_note = NULL
             WHERE campaign_id = (SELECT campaign_id FROM outdial.attempts
                                  WHERE attempt_id = $3 AND started_at = $4)
               AND id = $1 AND status NOT IN ('leased', 'dialing')",
            &[&lead, &kind.code, &call.attempt, &call.started_at],
        )?),
        After::RetryAs(outcome) => {
            let row = client.query_one(
                "SELECT c.retry, c.max_attempts, c.max_attempts_per_number
                 FROM outdial.campaigns c JOIN outdial.attempts a ON a.campaign_id = c.id
                 WHERE a.attempt_id = $1 AND a.started_at = $2",
                &[&call.attempt, &call.started_at],
            )?;
            let caps = (clock::u16_of(row.get(1)), clock::u16_of(row.get(2)));
            let policy = retry::policy(&row.get::<_, Value>(0), caps.0, caps.1);
            let rule = retry::rule(&policy, outcome);
            let delay = f64::from(rule.delays_seconds.first().copied().unwrap_or(0));
            // The caps are kept where the lead is leased. A number that nobody has is not tried
            // again, as in the engine.
            free(client.execute(
                "UPDATE outdial.leads l SET
                   status = CASE WHEN again.yes THEN 'ready' ELSE 'done' END,
                   reason = CASE WHEN again.yes THEN NULL ELSE $2 END,
                   next_at = now() + make_interval(secs => $6),
                   next_position = CASE WHEN $7 THEN a.position + 1 ELSE a.position END,
                   last_outcome = $8, last_count = 1
                 FROM outdial.attempts a CROSS JOIN LATERAL (
                   SELECT $5 AND ($8 <> 'invalid' OR EXISTS (
                     SELECT FROM outdial.lead_numbers n WHERE n.campaign_id = a.campaign_id
                       AND n.lead_id = a.lead_id AND n.position <> a.position)) AS yes) again
                 WHERE a.attempt_id = $3 AND a.started_at = $4 AND l.campaign_id = a.campaign_id
                   AND l.id = $1 AND l.status NOT IN ('leased', 'dialing')",
                &[
                    &lead,
                    &kind.code,
                    &call.attempt,
                    &call.started_at,
                    &rule.retry,
                    &delay,
                    &rule.next_number,
                    outcome,
                ],
            )?)
        }
    }
}

fn free(changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        return Err(StoreError::Refused(
            "the disposition is noted with the call, but its lead is being called again".into(),
        ));
    }
    Ok(())
}
