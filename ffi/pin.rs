//! The PIN that an agent says before he is logged in.

use libc::{c_char, size_t};
use outdial_link::Secret;

use crate::abi::OUTDIAL_E_POISONED;
use crate::dialplan::{needed, told};
use crate::exports::{OutdialEngine, with};
use crate::{guard, limits, requests};

const NAME_BYTES: usize = outdial_engine::limits::NAME_BYTES;

/// Whether `pin` is the PIN of the agent called `agent`. Wrong ones are counted over all channels and
/// nodes; too many in a row lock the agent for some minutes. `outdial_field` says who has a PIN. Who
/// has said the right one is let in by OUTDIAL_EVENT_SESSION_ENTERED with a `value` of 1.
///
/// Thread: any, without channel locks. Waits for the sidecar, up to 5 s.
/// Ownership: as for `outdial_dispose`. The PIN is neither kept nor logged.
/// Returns OUTDIAL_OK: it is; OUTDIAL_E_DENIED: it is not, or the agent has none; OUTDIAL_E_LOCKED: it
/// was not looked at; OUTDIAL_E_IO when the sidecar is not connected or PostgreSQL not reachable;
/// else as `outdial_dispose`. NULL or an empty text for `agent` or `pin`: OUTDIAL_E_ARGUMENT. Since
/// ABI 1.4.
///
/// # Safety
/// As `outdial_dispose`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_check_pin(
    engine: *const OutdialEngine,
    agent: *const c_char,
    pin: *const c_char,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_check_pin", |engine| {
            let done = needed("agent", agent, NAME_BYTES)
                .and_then(|agent| Ok((agent, needed("PIN", pin, limits::PIN_BYTES)?)))
                .and_then(|(agent, pin)| requests::pin(engine.shared(), agent, Secret(pin)));
            told(done, err, err_len)
        })
    })
}
