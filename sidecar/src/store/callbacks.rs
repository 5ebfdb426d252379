//! Callbacks: set, listed, cancelled.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use postgres::{Client, Row};
use serde_json::{Value, json};

use crate::clock;
use crate::limits;
use crate::store::fields::rows;
use crate::store::{StoreError, agents};
use crate::windows::{Schedule, Window, Zones};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Callback {
    /// Local where the lead lives, or with an offset.
    pub at: String,
    /// The agent's name; `None`: anybody.
    pub agent: Option<String>,
    /// For whoever calls.
    pub note: Option<String>,
}

/// A callback that was set.
#[derive(Clone, Debug)]
pub struct Set {
    /// When; inside the campaign's hours.
    pub at_ms: i64,
    /// The lead's zone.
    pub zone: String,
    /// It was moved into the campaign's hours.
    pub moved: bool,
    /// The lead's lease at that time: node, epoch, id.
    pub lease: Option<(String, u32, u64)>,
}

/// A lead's campaign, and where and when it may be called.
pub struct Place {
    campaign: i64,
    zone: String,
    schedule: Schedule,
}

/// The lead's place.
///
/// # Errors
/// [`StoreError::NotFound`]; a lead and a campaign without time zone; what PostgreSQL says.
pub fn place(client: &mut Client, lead: u64) -> Result<Place, StoreError> {
    let row = client
        .query_opt(
            "SELECT c.id, coalesce(nullif(l.time_zone, ''), c.time_zone),
                    extract(epoch FROM c.window_start)::integer,
                    extract(epoch FROM c.window_end)::integer, c.window_days, c.name
             FROM outdial.campaigns c CROSS JOIN LATERAL (
               SELECT time_zone FROM outdial.leads WHERE campaign_id = c.id AND id = $1) l",
            &[&clock::id(lead)],
        )?
        .ok_or_else(|| StoreError::NotFound(format!("there is no lead {lead}")))?;
    let zone = row.get::<_, Option<String>>(1).ok_or_else(|| {
        let campaign: String = row.get(5);
        StoreError::Refused(format!(
            "neither lead {lead} nor its campaign has a time zone: \
             outdial campaign set '{campaign}' --time-zone America/Sao_Paulo"
        ))
    })?;
    Ok(Place {
        campaign: row.get(0),
        zone,
        schedule: Schedule::new(row.get(2), row.get(3), &row.get::<_, Vec<i16>>(4)),
    })
}

impl Place {
    /// Reads an instant: local to the lead, with an offset, or `+` and a span from now (`+90m`,
    /// `+1d 2h`; a day is the lead's calendar day). Inside the campaign's hours: one
    /// outside is moved to their next beginning. Tells whether it was moved.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub fn instant(&self, text: &str, now_ms: i64) -> Result<(i64, bool), StoreError> {
        let refused = |problem: &str| {
            StoreError::Refused(format!(
                "callback_at {text:?} {problem}; allowed: from now to {} days ahead, as \
                 2026-12-01T15:00 (the lead's own time, {}), 2026-12-01T15:00-03:00, or +2h (from now)",
                limits::CALLBACK_DAYS,
                self.zone
            ))
        };
        let at_ms = self
            .read(text, now_ms)
            .ok_or_else(|| refused("is no time"))?;
        let latest = now_ms + limits::CALLBACK_DAYS * 86_400_000;
        if !(now_ms..=latest).contains(&at_ms) {
            return Err(refused(if at_ms < now_ms {
                "is over"
            } else {
                "is too far away"
            }));
        }
        match Zones::new(self.schedule, at_ms).window(&self.zone) {
            Some(Window::Open { .. }) => Ok((at_ms, false)),
            Some(Window::Closed {
                opens_ms: Some(opens_ms),
            }) => Ok((*opens_ms, true)),
            Some(Window::Closed { opens_ms: None }) => Err(StoreError::Refused(
                "the campaign has no day on which it may call".into(),
            )),
            None => Err(StoreError::Refused(format!(
                "this host knows no time zone {:?}",
                self.zone
            ))),
        }
    }

    /// An hour that the clocks show twice is the first one; one that they skip comes behind the gap.
    fn read(&self, text: &str, now_ms: i64) -> Option<i64> {
        if let Some(span) = text.strip_prefix('+') {
            let span: Span = span.trim().parse().ok()?;
            let zone = TimeZone::get(&self.zone).ok()?;
            let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone);
            return Some(now.checked_add(span).ok()?.timestamp().as_millisecond());
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(at.as_millisecond());
        }
        let local: DateTime = text.parse().ok()?;
        let zone = TimeZone::get(&self.zone).ok()?;
        let at = zone.to_ambiguous_zoned(local).compatible().ok()?;
        Some(at.timestamp().as_millisecond())
    }
}

/// A lead by its id, or by one of its numbers with `+`.
///
/// # Errors
/// No such lead, or several; what PostgreSQL says.
pub fn find(client: &mut Client, lead: &str, campaign: Option<&str>) -> Result<u64, StoreError> {
    let Some(digits) = lead.strip_prefix('+') else {
        return lead.parse().map_err(|_| {
            StoreError::Refused(format!(
                "lead {lead:?}: write its id, or one of its numbers with +"
            ))
        });
    };
    let found = client.query(
        "SELECT n.lead_id, c.name FROM outdial.lead_numbers n
         JOIN outdial.campaigns c ON c.id = n.campaign_id
         WHERE n.number = $1 AND ($2::text IS NULL OR c.name = $2) ORDER BY 1 LIMIT 11",
        &[&digits, &campaign],
    )?;
    match found.as_slice() {
        [] => Err(StoreError::NotFound("no lead has this number".into())),
        [one] => Ok(clock::uid(one.get(0))),
        several => {
            let all = several.iter().map(|row| {
                let (lead, campaign): (i64, String) = (row.get(0), row.get(1));
                format!("{lead} ({campaign})")
            });
            Err(StoreError::Refused(format!(
                "several leads have this number: {}; name one by its id",
                all.collect::<Vec<_>>().join(", ")
            )))
        }
    }
}

/// Sets a lead's callback, in place of the one before. A lead that is being called just now keeps
/// it, unless the agent who talks to it says otherwise.
///
/// # Errors
/// No such lead or agent, a bad time, or what PostgreSQL says.
pub fn set(
    client: &mut Client,
    lead: u64,
    wanted: &Callback,
    now_ms: i64,
) -> Result<Set, StoreError> {
    let place = place(client, lead)?;
    let (at_ms, moved) = place.instant(&wanted.at, now_ms)?;
    let agent = wanted
        .agent
        .as_deref()
        .map(|name| member(client, name, place.campaign))
        .transpose()?;
    write(client, &place, lead, (at_ms, agent, wanted.note.as_deref()))?;
    let lease = client.query_one(
        "SELECT lease_node, lease_epoch, lease_id FROM outdial.leads WHERE campaign_id = $1 AND id = $2",
        &[&place.campaign, &clock::id(lead)],
    )?;
    Ok(Set {
        at_ms,
        zone: place.zone,
        moved,
        lease: held(&lease),
    })
}

fn held(row: &Row) -> Option<(String, u32, u64)> {
    let epoch = u32::try_from(row.get::<_, Option<i32>>(1)?).ok()?;
    Some((
        row.get::<_, Option<String>>(0)?,
        epoch,
        clock::uid(row.get::<_, Option<i64>>(2)?),
    ))
}

/// An agent of the campaign.
fn member(client: &mut Client, name: &str, campaign: i64) -> Result<i64, StoreError> {
    let agent = clock::id(agents::TABLE.id(client, name)?);
    let row = client.query_one(
        "SELECT EXISTS (SELECT FROM outdial.agent_campaigns WHERE agent_id = $1 AND campaign_id = $2),
                (SELECT name FROM outdial.campaigns WHERE id = $2)",
        &[&agent, &campaign],
    )?;
    if row.get(0) {
        return Ok(agent);
    }
    let campaign: String = row.get(1);
    Err(StoreError::Refused(format!(
        "agent {name:?} takes no calls of the lead's campaign: \
         outdial agents add {name} --campaign '{campaign}'"
    )))
}

/// Writes the callback down.
///
/// # Errors
/// What PostgreSQL says.
pub fn write(
    client: &mut Client,
    place: &Place,
    lead: u64,
    (at_ms, agent, note): (i64, Option<i64>, Option<&str>),
) -> Result<(), StoreError> {
    if note.is_some_and(|note| note.chars().count() > limits::NOTE_CHARS) {
        return Err(StoreError::Refused(format!(
            "note is too long; allowed: up to {} characters",
            limits::NOTE_CHARS
        )));
    }
    client.execute(
        "UPDATE outdial.leads SET
           status = CASE WHEN status IN ('leased', 'dialing') THEN status ELSE 'ready' END,
           reason = NULL, next_at = to_timestamp($3::bigint / 1000.0),
           callback_at = to_timestamp($3::bigint / 1000.0), callback_agent = $4::bigint,
           callback_tries = 0, callback_note = $5
         WHERE campaign_id = $1 AND id = $2",
        &[&place.campaign, &clock::id(lead), &at_ms, &agent, &note],
    )?;
    Ok(())
}

/// Takes a lead's callback back. A lead that was reached is over then, another one is in line again.
///
/// # Errors
/// [`StoreError::NotFound`] where there is none; what PostgreSQL says.
pub fn cancel(client: &mut Client, lead: u64) -> Result<String, StoreError> {
    let row = client.query_opt(
        "UPDATE outdial.leads l SET
           status = CASE WHEN status IN ('leased', 'dialing') THEN status
                         WHEN last_outcome = 'completed' THEN 'done' ELSE 'ready' END,
           reason = CASE WHEN last_outcome = 'completed' THEN 'callback_cancelled' END,
           next_at = now(), callback_at = NULL, callback_agent = NULL, callback_tries = 0,
           callback_note = NULL
         FROM outdial.campaigns c
         WHERE l.campaign_id = c.id AND l.id = $1 AND l.callback_at IS NOT NULL
         RETURNING l.status",
        &[&clock::id(lead)],
    )?;
    row.map(|row| row.get(0))
        .ok_or_else(|| StoreError::NotFound(format!("lead {lead} has no callback")))
}

/// Callbacks that are to come, the next one first.
///
/// # Errors
/// What PostgreSQL says.
pub fn list(client: &mut Client, campaign: Option<&str>) -> Result<Vec<Value>, StoreError> {
    rows(
        client,
        "SELECT jsonb_build_object('lead', l.id, 'campaign', c.name, 'at', to_char(
             l.callback_at AT TIME ZONE coalesce(nullif(l.time_zone, ''), c.time_zone, 'UTC'),
             'YYYY-MM-DD\"T\"HH24:MI'),
           'time_zone', coalesce(nullif(l.time_zone, ''), c.time_zone, 'UTC'),
           'at_utc', l.callback_at, 'agent', a.name, 'note', l.callback_note,
           'tries', l.callback_tries, 'status', l.status)
         FROM outdial.leads l
         JOIN outdial.campaigns c ON c.id = l.campaign_id
         LEFT JOIN outdial.agents a ON a.id = l.callback_agent
         WHERE l.callback_at IS NOT NULL AND l.status IN ('ready', 'leased', 'dialing')
           AND ($1::text IS NULL OR c.name = $1)
         ORDER BY l.callback_at LIMIT $2",
        &[&campaign, &limits::LIST_ROWS],
    )
}

/// What is told of a callback that was set.
pub fn told(set: &Set) -> Value {
    let local = Timestamp::from_millisecond(set.at_ms)
        .ok()
        .zip(TimeZone::get(&set.zone).ok())
        .map(|(at, zone)| zone.to_datetime(at).strftime("%Y-%m-%dT%H:%M").to_string());
    json!({ "at": local, "time_zone": set.zone, "moved": set.moved })
}
