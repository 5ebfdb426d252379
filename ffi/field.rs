//! Single figures and texts, for a dialplan's functions.

use std::time::Instant;

use crossbeam::channel::bounded;
use libc::{c_char, size_t};
use outdial_engine::snapshot::{AgentView, CallView, CampaignView};
use outdial_engine::{Engine, LegId, Now, Verdict};

use crate::abi::{
    OUTDIAL_E_ARGUMENT, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED, OUTDIAL_E_TIMEOUT,
    OUTDIAL_OF_AGENT, OUTDIAL_OF_CAMPAIGN, OUTDIAL_OF_LEG, OUTDIAL_OK,
};
use crate::exports::{OutdialEngine, with};
use crate::pump::Input;
use crate::shared::Shared;
use crate::{convert, guard, limits, raw};

/// Whose field it is.
pub(crate) enum Subject {
    Leg(LegId),
    Agent(Box<str>),
    Campaign(Box<str>),
}

/// Fields of a call, as the documentation lists them.
const CALL: [&str; 13] = [
    "agent",
    "amd",
    "attempt",
    "attempts",
    "caller_id",
    "campaign",
    "lead",
    "leg",
    "list",
    "number",
    "position",
    "state",
    "trunk",
];
/// Fields of an agent.
const AGENT: [&str; 8] = [
    "calls",
    "logged_in",
    "pause",
    "paused",
    "since",
    "state",
    "talk",
    "wrap_up",
];
/// Fields of a campaign.
const CAMPAIGN: [&str; 12] = [
    "abandon_rate",
    "abandoned",
    "agents",
    "answered",
    "bridged",
    "dialing",
    "free",
    "leads",
    "live",
    "short_calls",
    "state",
    "why",
];

/// Reads one field. `of` is one of OUTDIAL_OF_, `name` the leg's id, or the agent's or campaign's
/// name. docs/ABI.md lists the fields. Times are whole seconds, rates percent.
///
/// Thread: any, without channel locks. Waits for the engine, up to 2 s.
/// Ownership: the texts stay the caller's; `buf` (`len` bytes) is written on success only, cut to
/// fit and ended by NUL. An empty text: there is none now, of a call without an agent for example.
/// Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when there is no such leg, logged-in agent or campaign;
/// OUTDIAL_E_ARGUMENT for an unknown field or subject or a malformed text; OUTDIAL_E_STATE when the
/// engine does not run; OUTDIAL_E_TIMEOUT; OUTDIAL_E_POISONED. NULL anywhere: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; the texts are NULL or end in NUL; `buf` is
/// NULL or has room for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_field(
    engine: *const OutdialEngine,
    of: u32,
    name: *const c_char,
    field: *const c_char,
    buf: *mut c_char,
    len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_field", |engine| {
            let shared = engine.shared();
            let text = |text| raw::text(text, limits::ID_BYTES);
            let (Some(name), Some(field), false) = (text(name), text(field), buf.is_null()) else {
                return OUTDIAL_E_ARGUMENT;
            };
            match subject(shared, of, name, field).and_then(|of| read(shared, of, field)) {
                Ok(value) => {
                    raw::write_text(buf, len, &value);
                    OUTDIAL_OK
                }
                Err(code) => code,
            }
        })
    })
}

fn subject(shared: &Shared, of: u32, name: &str, field: &str) -> Result<Subject, i32> {
    let (subject, fields): (_, &[&str]) = match of {
        OUTDIAL_OF_LEG => {
            let leg = shared.host.parse_leg(name).ok_or(OUTDIAL_E_NOT_FOUND)?;
            (Subject::Leg(leg), &CALL)
        }
        OUTDIAL_OF_AGENT => (Subject::Agent(name.into()), &AGENT),
        OUTDIAL_OF_CAMPAIGN => (Subject::Campaign(name.into()), &CAMPAIGN),
        _ => return Err(OUTDIAL_E_ARGUMENT),
    };
    match fields.contains(&field) {
        true => Ok(subject),
        false => Err(OUTDIAL_E_ARGUMENT),
    }
}

fn read(shared: &Shared, of: Subject, field: &str) -> Result<String, i32> {
    crate::console::check(shared).map_err(|(code, _)| code)?;
    let (reply, answer) = bounded(1);
    let field = field.into();
    let deadline = Instant::now() + limits::CONSOLE_PUMP;
    let asked = shared
        .mailbox
        .send_by(Input::Field { of, field, reply }, deadline);
    asked.map_err(|_| OUTDIAL_E_TIMEOUT)?;
    let answer = answer.recv_timeout(limits::CONSOLE_PUMP);
    answer
        .map_err(|_| OUTDIAL_E_TIMEOUT)?
        .ok_or(OUTDIAL_E_NOT_FOUND)
}

/// The pump's part; `None`: there is no such leg, agent, campaign or field.
pub(crate) fn of(engine: &Engine, now: Now, subject: &Subject, field: &str) -> Option<String> {
    match subject {
        Subject::Leg(leg) => of_call(*leg, &engine.call(now, *leg)?, field),
        Subject::Agent(name) => of_agent(&engine.agent_named(now, name)?, field),
        Subject::Campaign(name) => of_campaign(&engine.campaign_named(now, name)?, field),
    }
}

fn of_call(leg: LegId, call: &CallView, field: &str) -> Option<String> {
    Some(match field {
        "agent" => call.agent.as_deref().unwrap_or_default().to_owned(),
        "amd" => call.verdict.map_or("", verdict).to_owned(),
        "attempt" => call.attempt.id.to_string(),
        "attempts" => call.attempts.to_string(),
        "caller_id" => call.caller_id.to_string(),
        "campaign" => call.campaign.to_string(),
        "lead" => call.lead.to_string(),
        "leg" => leg.n.to_string(),
        "list" => call.list.to_string(),
        "number" => call.number.to_string(),
        "position" => call.position.to_string(),
        "state" => call.attempt.state.name().to_owned(),
        "trunk" => call.trunk.to_string(),
        _ => return None,
    })
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Human => "human",
        Verdict::Machine => "machine",
        Verdict::Unknown => "unknown",
        Verdict::Screening => "screening",
    }
}

fn of_agent(agent: &AgentView, field: &str) -> Option<String> {
    let seconds = |span: outdial_engine::Span| (span.as_ms() / 1_000).to_string();
    Some(match field {
        "calls" => agent.calls.to_string(),
        "logged_in" => seconds(agent.logged_in),
        "pause" => agent.pause.as_deref().unwrap_or_default().to_owned(),
        "paused" => seconds(agent.paused),
        "since" => seconds(agent.since),
        "state" => convert::agent_state(agent.state).to_owned(),
        "talk" => seconds(agent.talk),
        "wrap_up" => seconds(agent.wrap_up),
        _ => return None,
    })
}

fn of_campaign(campaign: &CampaignView, field: &str) -> Option<String> {
    Some(match field {
        "abandon_rate" => percent(campaign.abandoned_milli, campaign.answered_milli),
        "abandoned" => (campaign.abandoned_milli / 1_000).to_string(),
        "agents" => campaign.agents.to_string(),
        "answered" => (campaign.answered_milli / 1_000).to_string(),
        "bridged" => campaign.bridged.to_string(),
        "dialing" => campaign.dialing.to_string(),
        "free" => campaign.free.to_string(),
        "leads" => campaign.leases.to_string(),
        "live" => campaign.live.to_string(),
        "short_calls" => campaign.short_calls.to_string(),
        "state" => convert::readiness(campaign.readiness.clone()).0.to_owned(),
        "why" => campaign.why_now.map_or("", |why| why.name()).to_owned(),
        _ => return None,
    })
}

/// With two decimals; 0.00 where there was nothing.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_two_decimals() {
        assert_eq!(percent(0, 0), "0.00");
        assert_eq!(percent(28, 1_000), "2.80");
        assert_eq!(percent(1, 3), "33.33");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.00");
    }
}
