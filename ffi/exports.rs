//! The functions of the C ABI that make, run and end an engine.

use std::ffi::CStr;
use std::time::Duration;

use libc::{c_char, size_t};

use crate::abi::{
    OUTDIAL_ABI_MAJOR, OUTDIAL_ABI_MINOR, OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OUTDIAL_E_DENIED,
    OUTDIAL_E_FULL, OUTDIAL_E_IO, OUTDIAL_E_LOCKED, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED,
    OUTDIAL_E_STATE, OUTDIAL_E_TIMEOUT, OUTDIAL_OK, OutdialHost, OutdialSettings,
};
use crate::handle::Handle;
use crate::pump::Input;
use crate::settings::{Refusal, Settings};
use crate::shared::Shared;
use crate::{guard, raw};

/// An engine. Opaque; made by `outdial_new`, ended by `outdial_free`.
pub struct OutdialEngine {
    pub(crate) handle: Handle,
}

impl OutdialEngine {
    pub(crate) fn shared(&self) -> &Shared {
        &self.handle.shared
    }
}

/// The ABI version that this library speaks: OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn outdial_abi_version() -> u32 {
    guard::catch(0, || OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR)
}

/// The version of this library, `0.1.0` for example.
///
/// Thread: any. Ownership: the library's; valid as long as the process lives.
#[unsafe(no_mangle)]
pub extern "C" fn outdial_version() -> *const c_char {
    guard::catch(c"".as_ptr(), || {
        concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
    })
}

/// What a code of OUTDIAL_OK or OUTDIAL_E_ means, in English.
///
/// Thread: any. Ownership: the library's; valid as long as the process lives. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn outdial_strerror(code: i32) -> *const c_char {
    guard::catch(c"".as_ptr(), || describe(code).as_ptr())
}

/// Makes an engine: checks the host, locks and reads the journal, and records what a crash left
/// unfinished. Dials nothing and starts no thread.
///
/// Thread: any; may wait for the disk. `log` of the host may be called before it returns.
/// Ownership: `host`, `settings` and their texts stay the caller's; what is needed is copied.
/// `*out` is written on success only, and is the caller's until `outdial_free`.
/// `err` (`err_len` bytes, may be NULL) gets a message for the operator when the call fails, cut
/// to fit and ended by NUL.
/// Returns OUTDIAL_OK; OUTDIAL_E_ABI when the host was built for another major version or a
/// struct is too small; OUTDIAL_E_ARGUMENT for a bad setting; OUTDIAL_E_IO when the journal can't
/// be used. NULL for `host`, `settings` or `out`: refused.
///
/// # Safety
/// The pointers are NULL or valid; `err` has room for `err_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_new(
    host: *const OutdialHost,
    settings: *const OutdialSettings,
    out: *mut *mut OutdialEngine,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    guard::catch(OUTDIAL_E_POISONED, || {
        if out.is_null() {
            // SAFETY: the caller's promise is ours.
            return unsafe { fail((OUTDIAL_E_ARGUMENT, "out: NULL".into()), err, err_len) };
        }
        // SAFETY: the caller's promise is ours.
        let made = unsafe { Settings::read(settings) }
            // SAFETY: as above.
            .and_then(|settings| unsafe { Handle::new(host, settings) });
        match made {
            Ok(handle) => {
                let engine = Box::into_raw(Box::new(OutdialEngine { handle }));
                // SAFETY: not NULL, and the caller promised that it can be written.
                unsafe { out.write(engine) };
                OUTDIAL_OK
            }
            // SAFETY: the caller's promise is ours.
            Err(refusal) => unsafe { fail(refusal, err, err_len) },
        }
    })
}

/// Starts the engine's threads. From here on the host's functions are called and events are taken.
///
/// Thread: any, without channel locks.
/// Returns OUTDIAL_OK; OUTDIAL_E_STATE when it was started before; OUTDIAL_E_IO when no thread
/// could be started; OUTDIAL_E_POISONED. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_start(engine: *const OutdialEngine) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_start", |engine| engine.handle.start())
    })
}

/// Stops dialing and logs agents off as they come free (`on` not 0), or goes on (0). Calls that
/// are up go on. `outdial_stats` shows when none is left.
///
/// Thread: any. Does not wait.
/// Returns OUTDIAL_OK; OUTDIAL_E_STATE when the engine does not run; OUTDIAL_E_FULL when the pump
/// is overloaded (try again); OUTDIAL_E_POISONED. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_drain(engine: *const OutdialEngine, on: i32) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_drain", |engine| {
            let shared = engine.shared();
            if shared.is_poisoned() {
                return OUTDIAL_E_POISONED;
            }
            if !shared.is_running() {
                return OUTDIAL_E_STATE;
            }
            match shared.mailbox.send(Input::Drain(on != 0)) {
                Ok(()) => OUTDIAL_OK,
                Err(_) => OUTDIAL_E_FULL,
            }
        })
    })
}

/// Ends the engine's threads: works off the events that were taken, writes the journal, gives the
/// sidecar a moment to acknowledge. Takes no event any more. Hangs nothing up: drain first, or
/// what is up now counts as lost with the node when the next engine reads the journal.
///
/// Thread: any, without channel locks; waits up to `timeout_ms`.
/// Returns OUTDIAL_OK when the threads have ended, or none was started; OUTDIAL_E_TIMEOUT when
/// they have not: call again. Works on a poisoned engine too. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_stop(engine: *const OutdialEngine, timeout_ms: u32) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_stop", |engine| {
            let timeout = Duration::from_millis(timeout_ms.into());
            engine.handle.stop(timeout)
        })
    })
}

/// Ends an engine. Stop it first: one whose threads still run is left in memory, because they use
/// it.
///
/// Thread: any; no other call for this engine is under way or follows.
/// Ownership: takes the engine. NULL: nothing happens.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_free(engine: *mut OutdialEngine) {
    guard::catch((), || {
        // SAFETY: the caller's promise is ours.
        let Some(shown) = (unsafe { raw::reference(engine) }) else {
            return;
        };
        if shown.handle.is_over() {
            // SAFETY: `outdial_new` made it with Box::into_raw, and the caller gives it up.
            drop(unsafe { Box::from_raw(engine) });
        }
    });
}

/// For the exit handler of a process that ends without `outdial_stop`: nothing more is dialed,
/// the journal is written, synced and closed. Calls that are up count as lost with the node.
///
/// Thread: any; waits for the disk, 2 s at most. Starts nothing, so it may run while other
/// threads still do.
/// Returns OUTDIAL_OK, also when there was nothing to close; OUTDIAL_E_TIMEOUT when the disk did
/// not answer in time. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_seal(engine: *const OutdialEngine) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_seal", |engine| engine.handle.seal())
    })
}

/// Takes over changed settings. The path of the socket can change, and a reload connects anew;
/// any other change needs a new engine and is refused.
///
/// Thread: any. Does not wait.
/// Ownership: `settings` and its texts stay the caller's. `err` as in `outdial_new`.
/// Returns OUTDIAL_OK; OUTDIAL_E_STATE when a new engine is needed or this one does not run;
/// OUTDIAL_E_ARGUMENT or OUTDIAL_E_ABI for bad settings; OUTDIAL_E_FULL; OUTDIAL_E_POISONED.
/// NULL for `engine` or `settings`: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// The pointers are NULL or valid; `err` has room for `err_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_reload(
    engine: *const OutdialEngine,
    settings: *const OutdialSettings,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_reload", |engine| {
            let reloaded =
                Settings::read(settings).and_then(|settings| engine.handle.reload(&settings));
            match reloaded {
                Ok(()) => OUTDIAL_OK,
                Err(refusal) => fail(refusal, err, err_len),
            }
        })
    })
}

/// Runs `body` with the engine behind the pointer, inside its panic guard.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
pub(crate) unsafe fn with(
    engine: *const OutdialEngine,
    what: &'static str,
    body: impl FnOnce(&OutdialEngine) -> i32,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    match unsafe { raw::reference(engine) } {
        None => OUTDIAL_E_ARGUMENT,
        Some(engine) => guard::engine(engine.shared(), what, OUTDIAL_E_POISONED, || body(engine)),
    }
}

/// # Safety
/// `err` is NULL or has room for `err_len` bytes.
unsafe fn fail((code, text): Refusal, err: *mut c_char, err_len: size_t) -> i32 {
    // SAFETY: passed on.
    unsafe { raw::write_text(err, err_len, &text) };
    code
}

fn describe(code: i32) -> &'static CStr {
    match code {
        OUTDIAL_OK => c"success",
        OUTDIAL_E_ARGUMENT => c"an argument is missing or malformed",
        OUTDIAL_E_ABI => c"module and library are of different releases",
        OUTDIAL_E_FULL => c"the queue is full",
        OUTDIAL_E_POISONED => c"an internal error has stopped the engine; restart the PBX",
        OUTDIAL_E_IO => c"a file or socket can't be used",
        OUTDIAL_E_STATE => c"not possible in the engine's present state",
        OUTDIAL_E_TIMEOUT => c"no answer in time",
        OUTDIAL_E_NOT_FOUND => c"no such thing",
        OUTDIAL_E_DENIED => c"the PIN is wrong",
        OUTDIAL_E_LOCKED => c"too many wrong PINs",
        _ => c"unknown code",
    }
}
