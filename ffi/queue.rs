//! What the host knows of its own queues.

use std::sync::atomic::Ordering;

use outdial_engine::{Event, QueueCounts};

use crate::abi::{
    OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OUTDIAL_E_POISONED, OUTDIAL_E_STATE, OutdialQueue,
};
use crate::exports::OutdialEngine;
use crate::host::size_u32;
use crate::shared::Shared;
use crate::{guard, post, raw};

/// Tells the engine what has become of a queue that `watch_queue` has asked for. Since ABI 1.4.
///
/// Thread: any, with channel locks held. Never blocks, never calls back.
/// Order: what is posted here and by `outdial_post` from one thread arrives in that order. Of a member
/// who takes a call the count comes first, then OUTDIAL_EVENT_LEG_MEMBER: so he is never taken for
/// free.
/// Ownership: `queue` and its text stay the caller's; they are copied.
/// Returns OUTDIAL_OK when it was taken; OUTDIAL_E_FULL when the queue of events is full;
/// OUTDIAL_E_ARGUMENT when the name is missing, too long or no UTF-8; OUTDIAL_E_ABI when the struct is
/// too small; OUTDIAL_E_STATE before `outdial_start` and after `outdial_stop`; OUTDIAL_E_POISONED after
/// a caught panic. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `queue` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_post_queue(
    engine: *const OutdialEngine,
    queue: *const OutdialQueue,
) -> i32 {
    guard::catch(OUTDIAL_E_POISONED, || {
        // SAFETY: the caller's promise is ours.
        let Some(engine) = (unsafe { raw::reference(engine) }) else {
            return OUTDIAL_E_ARGUMENT;
        };
        let shared = engine.shared();
        guard::engine(shared, "outdial_post_queue", OUTDIAL_E_POISONED, || {
            // SAFETY: the caller's promise is ours.
            unsafe { post_queue(shared, queue) }
        })
    })
}

/// # Safety
/// As for [`outdial_post_queue`].
unsafe fn post_queue(shared: &Shared, queue: *const OutdialQueue) -> i32 {
    // SAFETY: every version of the struct begins with its size.
    let Some(size) = (unsafe { raw::struct_size(queue) }) else {
        return OUTDIAL_E_ARGUMENT;
    };
    if size < size_u32::<OutdialQueue>() {
        return OUTDIAL_E_ABI;
    }
    // SAFETY: not NULL and as large as our struct; the caller keeps it during the call.
    let Some(queue) = (unsafe { raw::reference(queue) }) else {
        return OUTDIAL_E_ARGUMENT;
    };
    if shared.is_poisoned() {
        return OUTDIAL_E_POISONED;
    }
    if !shared.flags.accepting.load(Ordering::Acquire) {
        return OUTDIAL_E_STATE;
    }
    // SAFETY: the name of a valid queue ends in NUL.
    let name = unsafe { raw::text(queue.queue, outdial_engine::limits::NAME_BYTES) };
    let counts = QueueCounts {
        members: queue.members,
        free: queue.free,
        callers: queue.callers,
    };
    let name = name.filter(|name| !name.is_empty());
    let event = name.ok_or(OUTDIAL_E_ARGUMENT).map(|name| Event::Queue {
        queue: name.into(),
        counts: (queue.known != 0).then_some(counts),
    });
    post::take(shared, event, false)
}
