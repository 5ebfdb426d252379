//! Everything that speaks SQL.
//!
//! `postgres` is a blocking client and must not run on a tokio thread: each user here has threads
//! of its own, fed by bounded channels.

pub mod agents;
pub mod callbacks;
#[cfg(test)]
mod callbacks_tests;
pub mod campaigns;
pub mod config;
pub mod connect;
pub mod dispositions;
pub mod dnc;
pub mod fields;
pub mod grant;
pub mod history;
pub mod import;
pub mod inbound;
pub mod leads;
pub mod lease;
#[cfg(test)]
mod lease_tests;
pub mod lists;
pub mod migrate;
pub mod nodes;
pub mod pins;
pub mod pool;
pub mod results;
#[cfg(test)]
mod results_tests;
pub mod retry;
pub mod routes;
pub mod snapshot;
pub mod statistics;
pub mod status;
#[cfg(test)]
mod test_campaign_tests;
pub mod trunks;

use postgres::error::SqlState;

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// PostgreSQL can't be reached, or the connection broke.
    #[error("PostgreSQL is not reachable: {0}")]
    Unavailable(String),
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// What was asked for can't be; says why and how to mend it.
    #[error("{0}")]
    Refused(String),
    /// PostgreSQL refused a statement.
    #[error("PostgreSQL refused: {}", describe(.0))]
    Sql(postgres::Error),
    /// The sidecar is stopping.
    #[error("the sidecar is stopping")]
    Stopping,
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> StoreError {
        match fault(&error) {
            Fault::Connection => StoreError::Unavailable(describe(&error)),
            Fault::Data | Fault::Passing | Fault::Server => StoreError::Sql(error),
        }
    }
}

/// Whose fault a failed statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection: connect again and repeat.
    Connection,
    /// Another transaction: repeat.
    Passing,
    /// The values that were sent: repeating does not help.
    Data,
    /// The server or the schema (disk full, no permission): wait, and repeat.
    Server,
}

/// See [`Fault`].
pub fn fault(error: &postgres::Error) -> Fault {
    let Some(state) = error.code() else {
        // No SQLSTATE: I/O, or a value that the client could not encode.
        return if error.is_closed() || is_io(error) {
            Fault::Connection
        } else {
            Fault::Data
        };
    };
    if *state == SqlState::T_R_DEADLOCK_DETECTED || *state == SqlState::T_R_SERIALIZATION_FAILURE {
        return Fault::Passing;
    }
    match state.code().get(..2) {
        Some("22" | "23" | "P0") => Fault::Data,
        Some("08" | "57") => Fault::Connection,
        _ => Fault::Server,
    }
}

fn is_io(error: &postgres::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// PostgreSQL's message and hint without the values of the row, which may hold a number or a
/// name (they are in DETAIL).
pub fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => {
            let mut text = format!("{} ({})", db.message(), db.code().code());
            if let Some(constraint) = db.constraint() {
                text.push_str(&format!(", constraint {constraint}"));
            }
            if let Some(hint) = db.hint() {
                text.push_str(&format!("; hint: {hint}"));
            }
            text
        }
        None => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(error) = cause {
                text.push_str(&format!(": {error}"));
                cause = error.source();
            }
            text
        }
    }
}

/// A failed write of configuration, in the operator's words.
pub fn explain(what: &str, name: &str, error: postgres::Error) -> StoreError {
    let state = error.code().cloned();
    if state == Some(SqlState::UNIQUE_VIOLATION) {
        return StoreError::Refused(format!("{what} {name:?} exists already"));
    }
    if state == Some(SqlState::CHECK_VIOLATION)
        && let Some(constraint) = error.as_db_error().and_then(|db| db.constraint())
    {
        return StoreError::Refused(match allowed(constraint) {
            Some((field, allowed)) => {
                format!("{what} {name:?}: {field} is out of range; allowed: {allowed}")
            }
            None => format!("{what} {name:?}: a value is out of range (constraint {constraint})"),
        });
    }
    error.into()
}

/// What a field of a campaign is called and may hold, in the operator's words.
pub fn allowed_in_campaign(field: &str) -> Option<&'static str> {
    allowed(&format!("campaigns_{field}_check")).map(|(_, allowed)| allowed)
}

/// What the CHECK constraints allow.
fn allowed(constraint: &str) -> Option<(&'static str, &'static str)> {
    const NAME: &str = "1 to 80 of A-Z a-z 0-9 _ - . / and space, without \"..\"";
    const DIGITS: &str = "up to 15 digits";
    const PHONE: &str = "technology/endpoint, PJSIP/101 for example";
    Some(match constraint {
        "campaigns_name_check"
        | "trunk_config_name_check"
        | "agents_name_check"
        | "lists_name_check" => ("name", NAME),
        "campaigns_mode_check" => (
            "mode",
            "preview, progressive, power, predictive or agentless",
        ),
        "campaigns_ratio_check" => ("ratio", "1 to 5"),
        "campaigns_max_ratio_check" => ("max_ratio", "1 to 20"),
        "campaigns_abandon_limit_check" => ("abandon_limit", "0.1 to 10 percent"),
        "campaigns_abandon_window_check" => ("abandon_window", "day or month"),
        "campaigns_preview_timeout_ms_check" => ("preview_timeout_ms", "1000 to 600000"),
        "campaigns_min_ring_ms_check" => ("min_ring_ms", "0 to 120000"),
        "campaigns_abandon_from_check" => (
            "abandon_from",
            "answer, greeting_start, greeting_end or verdict",
        ),
        "campaigns_amd_check" => (
            "amd",
            "default, or up to 9 numbers from 0 to 60000 with commas between, as AMD() takes them, \
             for example 2500,1500,800,5000",
        ),
        "campaigns_on_machine_check" => ("on_machine", "hang_up, message or agent"),
        "campaigns_recording_check" => (
            "recording",
            "a relative path of A-Z a-z 0-9 _ - . / with {attempt} in it, and {agent}, {campaign}, \
             {date}, {lead}, {leg}, {number}, {time} where you like, at most 80 long, for example \
             {date}/{campaign}-{attempt}.wav",
        ),
        "campaigns_queue_check" => (
            "queue",
            "1 to 80 of A-Z a-z 0-9 _ - . / @ and space, without \"..\"",
        ),
        "campaigns_queue_mode_check" => (
            "queue with this mode",
            "progressive, power or predictive (members of a queue see no leads to preview, and calls of \
             an agentless campaign need no agent); --queue '' takes the queue away",
        ),
        "campaigns_machine_message_check" => ("machine_message", NAME),
        "campaigns_machine_message_given_check" => {
            ("on_machine", "message needs a machine_message, a sound")
        }
        "campaigns_on_unknown_check" => ("on_unknown", "agent or machine"),
        "campaigns_on_screening_check" => ("on_screening", "agent or machine"),
        "campaigns_people_among_machines_check" => ("people_among_machines", "0 to 50 percent"),
        "campaigns_caller_id_daily_cap_check" => ("caller_id_daily_cap", "1 to 1000000"),
        "campaigns_local_presence_check" => ("local_presence", "0 to 10 digits"),
        "campaigns_priority_check" => ("priority", "-1000 to 1000"),
        "campaigns_max_concurrent_check" => ("max_concurrent", "1 to 10000"),
        "campaigns_ring_timeout_ms_check" => ("ring_timeout_ms", "1000 to 120000"),
        "campaigns_connect_limit_ms_check" => ("connect_limit_ms", "100 to 10000"),
        "campaigns_wrap_up_ms_check" => ("wrap_up_ms", "0 to 3600000"),
        "campaigns_message_check" => ("message", NAME),
        "campaigns_context_check" => ("context", NAME),
        "campaigns_exten_check" => ("exten", NAME),
        "campaigns_caller_ids_check" => ("caller_ids", "up to 1000 numbers of 2 to 15 digits"),
        "campaigns_time_zone_check" => ("time_zone", "a zone name such as America/Sao_Paulo"),
        "campaigns_check" => (
            "window",
            "an end after its start; 24:00 is the end of the day",
        ),
        "campaigns_check1" => ("agentless_action", "goto needs a context and an extension"),
        "campaigns_max_attempts_check" => ("max_attempts", "1 to 1000"),
        "campaigns_max_attempts_per_number_check" => ("max_attempts_per_number", "1 to 1000"),
        "campaigns_number_attempts_per_day_check" => ("number_attempts_per_day", "1 to 1000"),
        "campaigns_retry_check" => (
            "retry",
            "an object such as {\"busy\": {\"retry\": true, \"delay_seconds\": 600, \"next_number\": false}}",
        ),
        "campaigns_number_attempts_total_check" => ("number_attempts_total", "1 to 1000"),
        "campaigns_inbound_days_check" => ("inbound_days", "0 to 3650"),
        "campaigns_callback_hold_minutes_check" => ("callback_hold_minutes", "0 to 10080"),
        "lists_weight_check" => ("weight", "1 to 1000"),
        "lists_priority_check" => ("priority", "-100 to 100"),
        "dispositions_code_check" => ("code", "1 to 40 of a-z 0-9 _, starting with a letter"),
        "dispositions_name_check" => ("name", "1 to 80 characters"),
        "dispositions_retry_as_check" => (
            "retry_as",
            "no_answer, busy, congested, invalid, machine, abandoned, cancelled or failed",
        ),
        "dispositions_one_check" => ("final, callback, retry_as", "exactly one of them"),
        "agents_phone_tech_check" => ("phone", PHONE),
        "agents_phone_endpoint_check" => ("phone", PHONE),
        "agents_phone_whole_check" => ("phone", PHONE),
        "agents_ring_timeout_ms_check" => ("ring_timeout_ms", "1000 to 120000"),
        "agents_skills_check" => ("skills", "up to 100 names, each with a level from 1 to 10"),
        "agent_campaigns_rank_check" => ("rank", "0 to 255"),
        "trunk_config_tech_check" => ("tech", NAME),
        "trunk_config_endpoint_check" => ("endpoint", NAME),
        "trunk_config_cps_limit_check" => ("cps_limit", "0.001 to 1000"),
        "trunk_config_burst_check" => ("burst", "1 to 1000"),
        "trunk_config_max_channels_check" => ("max_channels", "1 to 10000"),
        "routes_prefix_check" => ("prefix", DIGITS),
        "routes_prepend_check" => ("prepend", DIGITS),
        "routes_strip_check" => ("strip", "0 to 14"),
        "routes_weight_check" => ("weight", "1 to 1000"),
        "routes_priority_check" => ("priority", "0 to 1000000"),
        "do_not_call_number_check" => ("number", "2 to 15 digits"),
        _ => return None,
    })
}
