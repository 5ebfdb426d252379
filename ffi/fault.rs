//! Panics on purpose, so that tests can see what the guard does with them. Not in a release: the
//! feature is off there.

use crate::abi::{OUTDIAL_E_ARGUMENT, OUTDIAL_E_POISONED, OUTDIAL_OK};
use crate::exports::{OutdialEngine, with};
use crate::guard;
use crate::journal::Job;
use crate::link::Order;
use crate::pump::Input;

/// Panic in this function itself.
pub const OUTDIAL_FAULT_EXPORT: u32 = 0;
/// Panic in the pump's thread.
pub const OUTDIAL_FAULT_PUMP: u32 = 1;
/// Panic in the journal's thread.
pub const OUTDIAL_FAULT_JOURNAL: u32 = 2;
/// Panic in the link's thread.
pub const OUTDIAL_FAULT_LINK: u32 = 3;

/// Panics at the place named by OUTDIAL_FAULT_.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
///
/// # Panics
/// On purpose, inside the guard.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_fault(engine: *const OutdialEngine, place: u32) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_fault", |engine| {
            let shared = engine.shared();
            match place {
                OUTDIAL_FAULT_EXPORT => panic!("injected"),
                OUTDIAL_FAULT_PUMP => drop(shared.mailbox.send(Input::Panic)),
                OUTDIAL_FAULT_JOURNAL => shared.journal.send(shared.clock, Job::Panic),
                OUTDIAL_FAULT_LINK => {
                    shared.outbox.order(Order::Panic);
                }
                _ => return OUTDIAL_E_ARGUMENT,
            }
            OUTDIAL_OK
        })
    })
}
