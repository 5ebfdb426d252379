//! Counters and the heartbeat.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::abi::{OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OUTDIAL_E_POISONED, OUTDIAL_OK, OutdialStats};
use crate::exports::{OutdialEngine, with};
use crate::shared::Shared;
use crate::slots::Slot;
use crate::{guard, raw};

/// Bytes of the smallest `struct outdial_stats` that makes sense: size and one figure.
const STATS_MIN: usize = 8;

/// Fills `stats`, as far as its `struct_size` says that there is room.
///
/// Thread: any. Does not wait.
/// Ownership: `stats` stays the caller's; written on success only, `struct_size` never.
/// Returns OUTDIAL_OK, also on a poisoned engine (`poisoned` is 1 then); OUTDIAL_E_ABI when
/// `struct_size` is below 8. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `stats` is NULL or has room for its
/// `struct_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_stats(
    engine: *const OutdialEngine,
    stats: *mut OutdialStats,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_stats", |engine| {
            let Some(size) = raw::struct_size(stats) else {
                return OUTDIAL_E_ARGUMENT;
            };
            let room = usize::try_from(size).unwrap_or(0);
            if room < STATS_MIN {
                return OUTDIAL_E_ABI;
            }
            let mut filled = collect(engine.shared());
            filled.struct_size = size;
            let bytes = room.min(size_of::<OutdialStats>());
            std::ptr::copy_nonoverlapping(
                (&raw const filled).cast::<u8>(),
                stats.cast::<u8>(),
                bytes,
            );
            OUTDIAL_OK
        })
    })
}

/// Age of the pump's last turn, in ms. Above 2000 the host must not originate. The largest value
/// there is: before the first turn, after a caught panic, and for NULL.
///
/// Thread: any, also with channel locks held. Takes no lock.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_heartbeat_age_ms(engine: *const OutdialEngine) -> u64 {
    guard::catch(u64::MAX, || {
        // SAFETY: the caller's promise is ours.
        unsafe { raw::reference(engine) }
            .map_or(u64::MAX, |engine| engine.shared().heartbeat_age_ms())
    })
}

fn collect(shared: &Shared) -> OutdialStats {
    let counters = &shared.counters;
    let flag = |flag: &AtomicBool| u32::from(flag.load(Ordering::Acquire));
    let count = |used: usize| u64::try_from(used).unwrap_or(u64::MAX);
    OutdialStats {
        struct_size: 0,
        poisoned: flag(&shared.flags.poisoned),
        draining: flag(&shared.flags.draining),
        linked: flag(&shared.flags.linked),
        live_attempts: counters.live_attempts.load(Ordering::Acquire),
        sessions: count(shared.slots.used(Slot::Session)),
        legs: counters.legs.load(Ordering::Acquire),
        posted: counters.posted.load(Ordering::Acquire),
        refused: counters.refused.load(Ordering::Acquire),
        stray: counters
            .stray
            .load(Ordering::Acquire)
            .saturating_add(counters.stray_in_engine.load(Ordering::Acquire)),
        heartbeat_age_ms: shared.heartbeat_age_ms(),
        event_to_command_p50_us: shared.latency.quantile(50),
        event_to_command_p99_us: shared.latency.quantile(99),
    }
}
