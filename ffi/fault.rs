//! Panics on purpose, so that tests can see what the guard does with them. Not in a release: the
//! feature is off there.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

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

/// No panic but, where two threads ask for it, a data race: a run under ThreadSanitizer must find it.
pub const OUTDIAL_FAULT_RACE: u32 = 4;

/// Panics at the place named by OUTDIAL_FAULT_, or does what else it names.
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
                OUTDIAL_FAULT_RACE => race(),
                _ => return OUTDIAL_E_ARGUMENT,
            }
            OUTDIAL_OK
        })
    })
}

struct Unguarded(UnsafeCell<u64>);

// SAFETY: nobody sees to it; that is what it is for. Only a test asks for the race.
unsafe impl Sync for Unguarded {}

static UNGUARDED: Unguarded = Unguarded(UnsafeCell::new(0));

/// How many threads are inside.
static RACERS: AtomicU32 = AtomicU32::new(0);
/// How long the first one waits for the other.
const RENDEZVOUS: Duration = Duration::from_secs(10);

/// Writes to one place; another thread that does the same at that time is told nothing. It waits for
/// the other without a word either: two calls that come one after the other, with the locks and
/// counters that they pass, would be no race.
fn race() {
    let until = Instant::now() + RENDEZVOUS;
    RACERS.fetch_add(1, Ordering::Relaxed);
    while RACERS.load(Ordering::Relaxed) < 2 && Instant::now() < until {
        std::thread::yield_now();
    }
    // SAFETY: the place is there; that another thread writes to it too is the fault.
    unsafe { UNGUARDED.0.get().write_volatile(1) };
}
