//! What the dialplan has done in the database: dispositions, leads, the do-not-call list.

use libc::{c_char, size_t};
use outdial_link::{CallOf, Request};

use crate::abi::{
    OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED, OUTDIAL_E_STATE,
    OUTDIAL_OF_AGENT, OUTDIAL_OF_LEG, OUTDIAL_OK, OutdialDisposition,
};
use crate::agents::Refused;
use crate::exports::{OutdialEngine, with};
use crate::field::look;
use crate::shared::Shared;
use crate::{guard, limits, raw, requests};

const NAME_BYTES: usize = outdial_engine::limits::NAME_BYTES;

/// Says what came of a call. `of` is OUTDIAL_OF_LEG with the id of a live leg, or OUTDIAL_OF_AGENT
/// with the name of an agent: the call that he has in hand or wraps up, else his last one. A wrap-up
/// ends with it.
///
/// Thread: any, without channel locks. Waits for the engine, up to 2 s, and for the sidecar, up to
/// 5 s.
/// Ownership: everything stays the caller's. `err` (`err_len` bytes, may be NULL) gets a message for
/// a person when the call fails, cut to fit and ended by NUL.
/// Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when the sidecar refused: there is no such disposition,
/// agent or call, or the callback's time is none; OUTDIAL_E_STATE for a leg that is not a lead's or
/// has ended, and when the engine does not run; OUTDIAL_E_IO when the sidecar is not connected;
/// OUTDIAL_E_TIMEOUT: it may have been done; OUTDIAL_E_FULL; OUTDIAL_E_ARGUMENT; OUTDIAL_E_ABI;
/// OUTDIAL_E_POISONED. NULL for `engine`, `name`, `said` or its code: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `said` is NULL or valid; the texts are NULL
/// or end in NUL; `err` is NULL or has room for `err_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_dispose(
    engine: *const OutdialEngine,
    of: u32,
    name: *const c_char,
    said: *const OutdialDisposition,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_dispose", |engine| {
            let done = disposition(engine.shared(), of, name, said)
                .and_then(|request| requests::ask(engine.shared(), request));
            told(done, err, err_len)
        })
    })
}

/// Adds a lead to a campaign. `number` is written as people write it: with `+`, or as the column
/// `country` says. `names` and `values` have `count` columns: those that an import knows
/// (`time_zone`, `priority`, `owner_agent`, `skill`, further numbers as `phone2`), `list` (default
/// `added`), `country` (BR for example), and the lead's own. A number that is in the campaign
/// already is refused.
///
/// Thread: any, without channel locks. Waits for the sidecar, up to 5 s.
/// Ownership: as for `outdial_dispose`.
/// Returns OUTDIAL_OK: the lead is in the database; OUTDIAL_E_NOT_FOUND when the sidecar refused,
/// `err` says why; else as `outdial_dispose`. NULL for `engine`, `campaign`, `number`, or for an
/// array whose `count` is not 0: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `names` and `values` are NULL or have
/// `count` texts; the texts are NULL or end in NUL; `err` is NULL or has room for `err_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_add(
    engine: *const OutdialEngine,
    campaign: *const c_char,
    number: *const c_char,
    names: *const *const c_char,
    values: *const *const c_char,
    count: size_t,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_add", |engine| {
            let done = needed("campaign", campaign, NAME_BYTES)
                .and_then(|campaign| Ok((campaign, needed("number", number, NAME_BYTES)?)))
                .and_then(|texts| Ok((texts, columns(names, values, count)?)))
                .and_then(|((campaign, number), columns)| {
                    let request = Request::Add {
                        campaign,
                        number,
                        columns,
                    };
                    requests::ask(engine.shared(), request)
                });
            told(done, err, err_len)
        })
    })
}

/// Puts a number on the do-not-call list: for `campaign`, or for all where it is NULL or empty.
/// Whoever holds a lead with it gives it back within seconds, and calls that ring are cancelled.
///
/// Thread: any, without channel locks. Waits for the sidecar, up to 5 s.
/// Ownership: as for `outdial_dispose`.
/// Returns OUTDIAL_OK, also if it was on the list before; else as `outdial_dispose`. NULL for
/// `engine` or `number`: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// As `outdial_dispose`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_do_not_call(
    engine: *const OutdialEngine,
    number: *const c_char,
    campaign: *const c_char,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_do_not_call", |engine| {
            let done = needed("number", number, NAME_BYTES)
                .and_then(|number| {
                    let campaign = optional("campaign", campaign, NAME_BYTES)?;
                    Ok(Request::DoNotCall { number, campaign })
                })
                .and_then(|request| requests::ask(engine.shared(), request));
            told(done, err, err_len)
        })
    })
}

/// # Safety
/// `err` is NULL or has room for `err_len` bytes.
pub(crate) unsafe fn told<T>(done: Result<T, Refused>, err: *mut c_char, err_len: size_t) -> i32 {
    match done {
        Ok(_) => OUTDIAL_OK,
        Err((code, text)) => {
            // SAFETY: the caller's promise is ours.
            unsafe { raw::write_text(err, err_len, &text) };
            code
        }
    }
}

/// # Safety
/// `name` and the texts of `said` are NULL or end in NUL; `said` is NULL or valid.
unsafe fn disposition(
    shared: &Shared,
    of: u32,
    name: *const c_char,
    said: *const OutdialDisposition,
) -> Result<Request, Refused> {
    // SAFETY: passed on.
    let (size, name) = unsafe { (raw::struct_size(said), needed("name", name, NAME_BYTES)?) };
    let whole = usize::try_from(size.unwrap_or(0)).unwrap_or(0) >= size_of::<OutdialDisposition>();
    if size.is_some() && !whole {
        let text = "the struct is smaller than this library's";
        return Err((OUTDIAL_E_ABI, text.into()));
    }
    // SAFETY: whole, so all of its fields are there.
    let said = unsafe { raw::reference(said) };
    let said = said.ok_or_else(|| (OUTDIAL_E_ARGUMENT, "there is no disposition".to_owned()))?;
    // SAFETY: passed on.
    let (code, callback_at, note) = unsafe {
        (
            needed("code", said.code, NAME_BYTES)?,
            optional("callback's time", said.callback_at, NAME_BYTES)?,
            optional("note", said.note, limits::VALUE_BYTES)?,
        )
    };
    let of = match of {
        OUTDIAL_OF_AGENT => CallOf::Agent { agent: name },
        OUTDIAL_OF_LEG => live(shared, &name)?,
        _ => {
            let text = "a disposition is of a leg or of an agent";
            return Err((OUTDIAL_E_ARGUMENT, text.into()));
        }
    };
    Ok(Request::Dispose {
        of,
        code,
        callback_at,
        callback_personal: said.callback_personal != 0,
        note,
    })
}

fn live(shared: &Shared, leg: &str) -> Result<CallOf, Refused> {
    let over = || (OUTDIAL_E_STATE, "no lead's call, or it is over".to_owned());
    let leg = shared.host.parse_leg(leg).ok_or_else(over)?;
    let found = look(shared, move |engine, now| {
        let call = engine.call(now, leg)?;
        Some(CallOf::Live {
            attempt: call.attempt.id.0,
            lead: call.lead.0,
            agent: call.attempt.agent.map(|agent| agent.0),
        })
    });
    found.map_err(|code| match code {
        OUTDIAL_E_NOT_FOUND => over(),
        code => (code, "the engine does not answer".into()),
    })
}

/// # Safety
/// The arrays are NULL or have `count` texts, which are NULL or end in NUL.
unsafe fn columns(
    names: *const *const c_char,
    values: *const *const c_char,
    count: size_t,
) -> Result<Vec<(String, String)>, Refused> {
    if count > limits::COLUMNS || (count > 0 && (names.is_null() || values.is_null())) {
        let text = format!(
            "up to {} columns, each with name and value",
            limits::COLUMNS
        );
        return Err((OUTDIAL_E_ARGUMENT, text));
    }
    (0..count)
        .map(|i| {
            // SAFETY: `i` is below the count of both arrays.
            let (name, value) = unsafe { (*names.add(i), *values.add(i)) };
            // SAFETY: passed on.
            unsafe {
                let name = needed("column's name", name, NAME_BYTES)?;
                let value = optional("column's value", value, limits::VALUE_BYTES)?;
                Ok((name, value.unwrap_or_default()))
            }
        })
        .collect()
}

/// # Safety
/// `text` is NULL or ends in NUL.
pub(crate) unsafe fn needed(
    what: &str,
    text: *const c_char,
    most: usize,
) -> Result<String, Refused> {
    // SAFETY: the caller's promise is ours.
    let text = unsafe { optional(what, text, most) }?;
    text.ok_or_else(|| (OUTDIAL_E_ARGUMENT, format!("the {what} is missing")))
}

/// # Safety
/// `text` is NULL or ends in NUL.
pub(crate) unsafe fn optional(
    what: &str,
    text: *const c_char,
    most: usize,
) -> Result<Option<String>, Refused> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise is ours.
    let text = unsafe { raw::text(text, most) };
    let text = text.ok_or_else(|| {
        let text = format!("the {what} is no UTF-8 or longer than {most} bytes");
        (OUTDIAL_E_ARGUMENT, text)
    })?;
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}
