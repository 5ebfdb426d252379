//! Single figures and texts, for a dialplan's functions.

use std::time::Instant;

use crossbeam::channel::bounded;
use libc::{c_char, size_t};
use outdial_engine::snapshot::{AgentView, CallView, CampaignView};
use outdial_engine::{Engine, Now, Span, Verdict};

use crate::abi::{
    OUTDIAL_E_ARGUMENT, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED, OUTDIAL_E_TIMEOUT,
    OUTDIAL_OF_AGENT, OUTDIAL_OF_CAMPAIGN, OUTDIAL_OF_LEG, OUTDIAL_OK,
};
use crate::exports::{OutdialEngine, with};
use crate::pump::Input;
use crate::shared::Shared;
use crate::{columns, convert, guard, limits, raw};

/// In front of the name of a lead's own column.
const COLUMN: &str = "lead.";

/// Whether an agent has one; known of agents who are not logged in, too.
const PIN: &str = "pin";

type Read<T> = fn(&T) -> String;
/// Fields by name.
type Fields<T> = [(&'static str, Read<T>)];

const CALL: &Fields<CallView> = &[
    ("agent", |c| c.agent.as_deref().unwrap_or_default().into()),
    ("amd", |c| c.verdict.map_or("", verdict).into()),
    ("attempt", |c| c.attempt.id.to_string()),
    ("attempts", |c| c.attempts.to_string()),
    ("caller_id", |c| c.caller_id.to_string()),
    ("campaign", |c| c.campaign.to_string()),
    ("direction", |c| {
        let inbound = c.attempt.inbound;
        if inbound { "inbound" } else { "outbound" }.into()
    }),
    ("lead", |c| c.lead.to_string()),
    ("leg", |c| c.attempt.leg.to_string()),
    ("list", |c| c.list.to_string()),
    ("number", |c| c.number.to_string()),
    ("position", |c| c.position.to_string()),
    ("recording", |c| {
        c.recording.as_deref().unwrap_or_default().into()
    }),
    ("state", |c| c.attempt.state.name().into()),
    ("trunk", |c| c.trunk.to_string()),
];

const AGENT: &Fields<AgentView> = &[
    ("calls", |a| a.calls.to_string()),
    ("logged_in", |a| seconds(a.logged_in)),
    ("pause", |a| a.pause.as_deref().unwrap_or_default().into()),
    ("paused", |a| seconds(a.paused)),
    ("since", |a| seconds(a.since)),
    ("state", |a| convert::agent_state(a.state).into()),
    ("talk", |a| seconds(a.talk)),
    ("wrap_up", |a| seconds(a.wrap_up)),
];

const CAMPAIGN: &Fields<CampaignView> = &[
    ("abandon_rate", |c| {
        percent(c.abandoned_milli, c.answered_milli)
    }),
    ("abandoned", |c| (c.abandoned_milli / 1_000).to_string()),
    ("agents", |c| c.agents.to_string()),
    ("answered", |c| (c.answered_milli / 1_000).to_string()),
    ("bridged", |c| c.bridged.to_string()),
    ("dialing", |c| c.dialing.to_string()),
    ("free", |c| c.free.to_string()),
    ("leads", |c| c.leases.to_string()),
    ("live", |c| c.live.to_string()),
    ("short_calls", |c| c.short_calls.to_string()),
    ("state", |c| {
        convert::readiness(c.readiness.clone()).0.into()
    }),
    ("why", |c| c.why_now.map_or("", |why| why.name()).into()),
];

/// Reads one field. `of` is one of OUTDIAL_OF_, `name` the leg's id, or the agent's or campaign's
/// name. docs/ABI.md lists the fields. Times are whole seconds, rates percent. Of a leg, a name that
/// is no field is a column of the lead's own; `lead.` in front means the column in any case, and
/// gives an empty text where the lead has none of that name.
///
/// Thread: any, without channel locks. Waits for the engine, up to 2 s; for the first column of a
/// leg, also for the sidecar, up to 5 s.
/// Ownership: the texts stay the caller's; `buf` (`len` bytes) is written on success only, cut to
/// fit and ended by NUL. An empty text: there is none now, of a call without an agent for example.
/// Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when there is no such leg, logged-in agent (for `pin`: no such agent) or campaign;
/// OUTDIAL_E_ARGUMENT for an unknown field or subject or a malformed text; OUTDIAL_E_STATE when the
/// engine does not run; OUTDIAL_E_TIMEOUT; OUTDIAL_E_IO, for a column, when the sidecar is not
/// connected or PostgreSQL not reachable; OUTDIAL_E_POISONED. NULL anywhere: OUTDIAL_E_ARGUMENT.
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
            match read(shared, of, name, field) {
                Ok(value) => {
                    raw::write_text(buf, len, &value);
                    OUTDIAL_OK
                }
                Err(code) => code,
            }
        })
    })
}

fn read(shared: &Shared, of: u32, name: &str, field: &str) -> Result<String, i32> {
    match of {
        OUTDIAL_OF_LEG => call(shared, name, field),
        OUTDIAL_OF_AGENT if field == PIN => {
            let name = name.to_owned();
            let has_pin = look(shared, move |engine, _| engine.agent_has_pin(&name))?;
            Ok(u8::from(has_pin).to_string())
        }
        OUTDIAL_OF_AGENT => {
            let (read, name) = (named(AGENT, field)?, name.to_owned());
            look(shared, move |engine, now| {
                engine.agent_named(now, &name).as_ref().map(read)
            })
        }
        OUTDIAL_OF_CAMPAIGN => {
            let (read, name) = (named(CAMPAIGN, field)?, name.to_owned());
            look(shared, move |engine, now| {
                engine.campaign_named(now, &name).as_ref().map(read)
            })
        }
        _ => Err(OUTDIAL_E_ARGUMENT),
    }
}

/// A field of ours, else a column of the lead's own.
fn call(shared: &Shared, name: &str, field: &str) -> Result<String, i32> {
    let leg = shared.host.parse_leg(name).ok_or(OUTDIAL_E_NOT_FOUND)?;
    let column = field.strip_prefix(COLUMN);
    if let (None, Ok(read)) = (column, named(CALL, field)) {
        return look(shared, move |engine, now| {
            engine.call(now, leg).as_ref().map(read)
        });
    }
    let columns = columns::of(shared, leg)?;
    match (columns.get(column.unwrap_or(field)), column) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(_)) => Ok(String::new()),
        (None, None) => Err(OUTDIAL_E_ARGUMENT),
    }
}

fn named<T>(fields: &Fields<T>, name: &str) -> Result<Read<T>, i32> {
    let found = fields.iter().find(|(known, _)| *known == name);
    found.map(|(_, read)| *read).ok_or(OUTDIAL_E_ARGUMENT)
}

/// What the pump finds; `None` there: there is no such leg, agent or campaign.
pub(crate) fn look<T: Send + 'static>(
    shared: &Shared,
    find: impl FnOnce(&Engine, Now) -> Option<T> + Send + 'static,
) -> Result<T, i32> {
    crate::console::check(shared).map_err(|(code, _)| code)?;
    let (reply, answer) = bounded(1);
    let look = Box::new(move |engine: &Engine, now| {
        // Who has given up waiting needs no answer.
        drop(reply.try_send(find(engine, now)));
    });
    let deadline = Instant::now() + limits::CONSOLE_PUMP;
    let asked = shared.mailbox.send_by(Input::Look(look), deadline);
    asked.map_err(|_| OUTDIAL_E_TIMEOUT)?;
    let answer = answer.recv_timeout(limits::CONSOLE_PUMP);
    answer
        .map_err(|_| OUTDIAL_E_TIMEOUT)?
        .ok_or(OUTDIAL_E_NOT_FOUND)
}

fn seconds(span: Span) -> String {
    (span.as_ms() / 1_000).to_string()
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Human => "human",
        Verdict::Machine => "machine",
        Verdict::Unknown => "unknown",
        Verdict::Screening => "screening",
    }
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
