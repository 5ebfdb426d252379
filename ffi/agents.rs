//! What agents do by their phones, or have done for them at the console.

use std::time::Instant;

use crossbeam::channel::bounded;
use libc::{c_char, size_t};
use outdial_engine::AgentEvent;

use crate::abi::{
    OUTDIAL_AGENT_DIAL, OUTDIAL_AGENT_HANG_UP, OUTDIAL_AGENT_LOG_OFF, OUTDIAL_AGENT_LOG_OFF_NOW,
    OUTDIAL_AGENT_PAUSE, OUTDIAL_AGENT_READY, OUTDIAL_AGENT_SKIP, OUTDIAL_AGENT_UNPAUSE,
    OUTDIAL_E_ARGUMENT, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED, OUTDIAL_E_STATE,
    OUTDIAL_E_TIMEOUT, OUTDIAL_OK,
};
use crate::exports::{OutdialEngine, with};
use crate::pump::Input;
use crate::shared::Shared;
use crate::{guard, limits, raw};

/// Why an agent's wish was not granted: a code of OUTDIAL_E_, and words for a person.
pub(crate) type Refused = (i32, String);

/// Does something for an agent: `action` is one of OUTDIAL_AGENT_. `code` is the pause code, NULL
/// or empty for none; other actions don't look at it.
///
/// Thread: any, without channel locks. Waits for the engine, up to 2 s.
/// Ownership: `agent`, `code` and `err` stay the caller's. `err` (`err_len` bytes, may be NULL) gets
/// a message for a person when the call fails, cut to fit and ended by NUL.
/// Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when no agent has this name; OUTDIAL_E_STATE when the
/// agent can't do that now (not logged in, for example), or the engine does not run;
/// OUTDIAL_E_TIMEOUT; OUTDIAL_E_ARGUMENT for an unknown action or a malformed text;
/// OUTDIAL_E_POISONED. NULL for `engine` or `agent`: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; the texts are NULL or end in NUL; `err` is
/// NULL or has room for `err_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_agent(
    engine: *const OutdialEngine,
    agent: *const c_char,
    action: u32,
    code: *const c_char,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_agent", |engine| {
            let done = wish(agent, action, code)
                .and_then(|(name, what)| perform(engine.shared(), name, what));
            match done {
                Ok(()) => OUTDIAL_OK,
                Err((code, text)) => {
                    raw::write_text(err, err_len, &text);
                    code
                }
            }
        })
    })
}

/// # Safety
/// The texts are NULL or end in NUL.
unsafe fn wish<'a>(
    agent: *const c_char,
    action: u32,
    code: *const c_char,
) -> Result<(&'a str, AgentEvent), Refused> {
    let malformed = |what: &str| {
        let most = outdial_engine::limits::NAME_BYTES;
        let text = format!("the {what} is missing, no UTF-8 or longer than {most} bytes");
        (OUTDIAL_E_ARGUMENT, text)
    };
    // SAFETY: passed on.
    let text = |text| unsafe { raw::text(text, outdial_engine::limits::NAME_BYTES) };
    let name = text(agent).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| malformed("agent's name"))?;
    let what = match action {
        OUTDIAL_AGENT_READY => AgentEvent::Ready,
        OUTDIAL_AGENT_PAUSE => {
            let code = match code.is_null() {
                true => "",
                false => text(code).ok_or_else(|| malformed("pause code"))?,
            };
            AgentEvent::Pause { code: code.into() }
        }
        OUTDIAL_AGENT_UNPAUSE => AgentEvent::Unpause,
        OUTDIAL_AGENT_DIAL => AgentEvent::Dial,
        OUTDIAL_AGENT_SKIP => AgentEvent::Skip,
        OUTDIAL_AGENT_LOG_OFF => AgentEvent::LogOff { finish: true },
        OUTDIAL_AGENT_LOG_OFF_NOW => AgentEvent::LogOff { finish: false },
        OUTDIAL_AGENT_HANG_UP => AgentEvent::HangUp,
        _ => return Err((OUTDIAL_E_ARGUMENT, format!("there is no action {action}"))),
    };
    Ok((name, what))
}

/// Has the engine do it, and waits for what it says.
pub(crate) fn perform(shared: &Shared, name: &str, what: AgentEvent) -> Result<(), Refused> {
    crate::console::check(shared)?;
    let timeout = || (OUTDIAL_E_TIMEOUT, "the engine does not answer".to_owned());
    let (reply, answer) = bounded(1);
    let name = name.into();
    let deadline = Instant::now() + limits::CONSOLE_PUMP;
    let asked = shared
        .mailbox
        .send_by(Input::Agent { name, what, reply }, deadline);
    asked.map_err(|_| timeout())?;
    match answer.recv_timeout(limits::CONSOLE_PUMP) {
        Ok(Some(result)) => result.map_err(|text| (OUTDIAL_E_STATE, text)),
        Ok(None) => Err((
            OUTDIAL_E_NOT_FOUND,
            "no agent of that name is configured".to_owned(),
        )),
        Err(_) => Err(timeout()),
    }
}
