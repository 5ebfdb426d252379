//! Events from the host.

use std::sync::atomic::Ordering;

use libc::c_char;
use outdial_engine::{
    Event, LegEnd, LegEvent, LegId, RequestId, SessionEvent, SessionId, Span, Tick, Verdict,
};

use crate::abi::{
    OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OUTDIAL_E_FULL, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED,
    OUTDIAL_E_STATE, OUTDIAL_EVENT_LEG_ANSWERED, OUTDIAL_EVENT_LEG_BRIDGED,
    OUTDIAL_EVENT_LEG_CONNECT_FAILED, OUTDIAL_EVENT_LEG_EARLY_MEDIA, OUTDIAL_EVENT_LEG_ENDED,
    OUTDIAL_EVENT_LEG_GREETING_BEGAN, OUTDIAL_EVENT_LEG_GREETING_ENDED, OUTDIAL_EVENT_LEG_LEFT,
    OUTDIAL_EVENT_LEG_MEMBER, OUTDIAL_EVENT_LEG_PLAYED, OUTDIAL_EVENT_LEG_PROCEEDING,
    OUTDIAL_EVENT_LEG_READY, OUTDIAL_EVENT_LEG_RELEASED, OUTDIAL_EVENT_LEG_RINGING,
    OUTDIAL_EVENT_LEG_UNQUEUED, OUTDIAL_EVENT_PROBED, OUTDIAL_EVENT_SESSION_ENTERED,
    OUTDIAL_EVENT_SESSION_GONE, OUTDIAL_EVENT_SESSION_WAITING, OUTDIAL_OK, OUTDIAL_VERDICT_HUMAN,
    OUTDIAL_VERDICT_MACHINE, OUTDIAL_VERDICT_NONE, OUTDIAL_VERDICT_SCREENING,
    OUTDIAL_VERDICT_UNKNOWN, OutdialEvent,
};
use crate::exports::OutdialEngine;
use crate::host::size_u32;
use crate::shared::Shared;
use crate::slots::Slot;
use crate::{guard, limits, raw};

/// An event on its way to the pump.
pub(crate) struct Posted {
    pub(crate) event: Event,
    pub(crate) at: Tick,
    pub(crate) slot: Slot,
    /// Somebody waits for what the engine says to it.
    pub(crate) urgent: bool,
}

/// Tells the engine what happened.
///
/// Thread: any, with channel locks held. Never blocks, never calls back.
/// Ownership: `event` and its texts stay the caller's; they are copied.
/// Returns OUTDIAL_OK when the event was taken; OUTDIAL_E_FULL when the queue is full (never for
/// OUTDIAL_EVENT_LEG_ENDED of an accepted leg, nor for OUTDIAL_EVENT_SESSION_GONE of an accepted
/// session); OUTDIAL_E_NOT_FOUND for a leg or session that is not this engine's or has ended (but
/// OUTDIAL_EVENT_LEG_CONNECT_FAILED is taken after its leg's end as long as the session lives);
/// OUTDIAL_E_ARGUMENT when a text or number is malformed; OUTDIAL_E_ABI when the struct is too
/// small; OUTDIAL_E_STATE before `outdial_start` and after `outdial_stop`; OUTDIAL_E_POISONED
/// after a caught panic. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `event` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_post(
    engine: *const OutdialEngine,
    event: *const OutdialEvent,
) -> i32 {
    guard::catch(OUTDIAL_E_POISONED, || {
        // SAFETY: the caller's promise is ours.
        let Some(engine) = (unsafe { raw::reference(engine) }) else {
            return OUTDIAL_E_ARGUMENT;
        };
        guard::engine(engine.shared(), "outdial_post", OUTDIAL_E_POISONED, || {
            // SAFETY: the caller's promise is ours.
            unsafe { post(engine.shared(), event) }
        })
    })
}

/// # Safety
/// As for [`outdial_post`].
unsafe fn post(shared: &Shared, event: *const OutdialEvent) -> i32 {
    // SAFETY: every version of the struct begins with its size.
    let Some(size) = (unsafe { raw::struct_size(event) }) else {
        return OUTDIAL_E_ARGUMENT;
    };
    if size < size_u32::<OutdialEvent>() {
        return OUTDIAL_E_ABI;
    }
    // SAFETY: not NULL and as large as our struct; the caller keeps it during the call.
    let Some(event) = (unsafe { raw::reference(event) }) else {
        return OUTDIAL_E_ARGUMENT;
    };
    if shared.is_poisoned() {
        return OUTDIAL_E_POISONED;
    }
    if !shared.flags.accepting.load(Ordering::Acquire) {
        return OUTDIAL_E_STATE;
    }
    // SAFETY: the texts of a valid event end in NUL.
    let parsed = unsafe { read(shared, event) };
    let followed = event.kind == OUTDIAL_EVENT_LEG_ANSWERED && event.value != 0;
    take(shared, parsed, followed)
}

/// Takes in an event of the host, and counts it.
pub(crate) fn take(shared: &Shared, parsed: Result<Event, i32>, followed: bool) -> i32 {
    match parsed.and_then(|parsed| enqueue(shared, parsed, followed)) {
        Ok(()) => {
            shared.counters.posted.fetch_add(1, Ordering::Relaxed);
            OUTDIAL_OK
        }
        Err(code) => {
            if code == OUTDIAL_E_FULL {
                shared.counters.refused.fetch_add(1, Ordering::Relaxed);
            } else {
                shared.counters.stray.fetch_add(1, Ordering::Relaxed);
            }
            code
        }
    }
}

/// Takes the event's place in the queue and puts it there. `followed`: an urgent one comes at once.
fn enqueue(shared: &Shared, event: Event, followed: bool) -> Result<(), i32> {
    let slots = &shared.slots;
    let slot = match &event {
        Event::Leg { leg, what } => match what {
            LegEvent::Ended(_) => {
                if !slots.end_leg(*leg) {
                    return Err(OUTDIAL_E_NOT_FOUND);
                }
                shared.columns.forget(*leg);
                Slot::Leg
            }
            LegEvent::Proceeding
            | LegEvent::Ringing
            | LegEvent::EarlyMedia
            | LegEvent::Answered
            | LegEvent::GreetingBegan
            | LegEvent::GreetingEnded { .. }
            | LegEvent::Ready { .. }
            | LegEvent::Bridged { .. }
            | LegEvent::Played { .. }
            | LegEvent::Released
            | LegEvent::Member
            | LegEvent::Unqueued
            | LegEvent::Left => {
                if !slots.has_leg(*leg) {
                    return Err(OUTDIAL_E_NOT_FOUND);
                }
                general(shared)?
            }
            // It is the agent's event too: who was not moved says nothing else.
            LegEvent::ConnectFailed { session } => {
                if !slots.has_leg(*leg) && !slots.has_session(session) {
                    return Err(OUTDIAL_E_NOT_FOUND);
                }
                general(shared)?
            }
        },
        Event::Session { session, what } => match what {
            SessionEvent::Entered { .. } => {
                if slots.has_session(session) {
                    return Err(OUTDIAL_E_ARGUMENT);
                }
                let slot = general(shared)?;
                if !slots.reserve_session(session) {
                    slots.give_back(slot);
                    return Err(OUTDIAL_E_FULL);
                }
                slot
            }
            SessionEvent::Waiting => {
                if !slots.has_session(session) {
                    return Err(OUTDIAL_E_NOT_FOUND);
                }
                general(shared)?
            }
            SessionEvent::Gone | SessionEvent::Refused => {
                if !slots.end_session(session) {
                    return Err(OUTDIAL_E_NOT_FOUND);
                }
                Slot::Session
            }
        },
        Event::Agent { .. }
        | Event::Manual { .. }
        | Event::Inbound { .. }
        | Event::Dispose { .. }
        | Event::Probed { .. }
        | Event::Queue { .. }
        | Event::Reconcile { .. }
        | Event::Config(_)
        | Event::Leases { .. }
        | Event::Renewed { .. }
        | Event::Revoke(_)
        | Event::DoNotCall(_)
        | Event::Link(_)
        | Event::JournalWritable(_)
        | Event::Drain(_)
        | Event::Check { .. }
        | Event::TestCall { .. }
        | Event::Refused { .. } => general(shared)?,
    };
    let posted = Posted {
        urgent: is_urgent(&event) && !followed,
        event,
        at: shared.clock.tick(),
        slot,
    };
    // There is a place for each slot, so this fails only when the pump is gone for good.
    if shared.mailbox.post(posted) {
        Ok(())
    } else {
        Err(OUTDIAL_E_STATE)
    }
}

/// Whether somebody waits for what the engine says to it: a customer, an agent, a command. An
/// answer starts the clock of the abandoned calls, and must be on disk soon.
fn is_urgent(event: &Event) -> bool {
    !matches!(
        event,
        Event::Queue { .. }
            | Event::Leg {
                what: LegEvent::Proceeding
                    | LegEvent::Ringing
                    | LegEvent::EarlyMedia
                    | LegEvent::Bridged { .. }
                    | LegEvent::Member
                    | LegEvent::Released
                    | LegEvent::Ended(_),
                ..
            }
    )
}

fn general(shared: &Shared) -> Result<Slot, i32> {
    if shared.slots.take_general() {
        Ok(Slot::General)
    } else {
        Err(OUTDIAL_E_FULL)
    }
}

/// # Safety
/// The event's texts are NULL or end in NUL.
unsafe fn read(shared: &Shared, event: &OutdialEvent) -> Result<Event, i32> {
    // SAFETY: passed on.
    let leg = || unsafe { leg(shared, event.id) };
    // SAFETY: passed on.
    let session = |text| unsafe { session(text) };
    let what = match event.kind {
        OUTDIAL_EVENT_LEG_PROCEEDING => LegEvent::Proceeding,
        OUTDIAL_EVENT_LEG_RINGING => LegEvent::Ringing,
        OUTDIAL_EVENT_LEG_EARLY_MEDIA => LegEvent::EarlyMedia,
        OUTDIAL_EVENT_LEG_ANSWERED => LegEvent::Answered,
        OUTDIAL_EVENT_LEG_GREETING_BEGAN => LegEvent::GreetingBegan,
        OUTDIAL_EVENT_LEG_GREETING_ENDED => LegEvent::GreetingEnded {
            ago: Span::ms(u32::try_from(event.value).unwrap_or(0)),
        },
        OUTDIAL_EVENT_LEG_READY => LegEvent::Ready {
            verdict: verdict(event.value)?,
        },
        OUTDIAL_EVENT_LEG_BRIDGED => LegEvent::Bridged {
            session: session(event.other)?,
        },
        OUTDIAL_EVENT_LEG_CONNECT_FAILED => LegEvent::ConnectFailed {
            session: session(event.other)?,
        },
        OUTDIAL_EVENT_LEG_PLAYED => LegEvent::Played {
            whole: event.value != 0,
        },
        OUTDIAL_EVENT_LEG_RELEASED => LegEvent::Released,
        OUTDIAL_EVENT_LEG_LEFT => LegEvent::Left,
        OUTDIAL_EVENT_LEG_MEMBER => LegEvent::Member,
        OUTDIAL_EVENT_LEG_UNQUEUED => LegEvent::Unqueued,
        OUTDIAL_EVENT_LEG_ENDED => LegEvent::Ended(leg_end(event)),
        OUTDIAL_EVENT_SESSION_ENTERED => {
            // SAFETY: passed on.
            let agent = unsafe { raw::text(event.other, outdial_engine::limits::NAME_BYTES) };
            let agent = agent.filter(|a| !a.is_empty()).ok_or(OUTDIAL_E_ARGUMENT)?;
            return Ok(Event::Session {
                session: session(event.id)?,
                what: SessionEvent::Entered {
                    agent: agent.into(),
                    pin_checked: event.value == 1,
                },
            });
        }
        OUTDIAL_EVENT_SESSION_WAITING => {
            return Ok(Event::Session {
                session: session(event.id)?,
                what: SessionEvent::Waiting,
            });
        }
        OUTDIAL_EVENT_SESSION_GONE => {
            return Ok(Event::Session {
                session: session(event.id)?,
                what: match event.value {
                    0 => SessionEvent::Gone,
                    _ => SessionEvent::Refused,
                },
            });
        }
        OUTDIAL_EVENT_PROBED => {
            return Ok(Event::Probed {
                request: RequestId(event.request),
                answer: u32::try_from(event.value).unwrap_or(0),
            });
        }
        _ => return Err(OUTDIAL_E_ARGUMENT),
    };
    Ok(Event::Leg { leg: leg()?, what })
}

/// # Safety
/// `id` is NULL or ends in NUL.
unsafe fn leg(shared: &Shared, id: *const c_char) -> Result<LegId, i32> {
    // SAFETY: passed on.
    let text = unsafe { raw::text(id, limits::ID_BYTES) }.ok_or(OUTDIAL_E_ARGUMENT)?;
    shared.host.parse_leg(text).ok_or(OUTDIAL_E_NOT_FOUND)
}

/// # Safety
/// `id` is NULL or ends in NUL.
unsafe fn session(id: *const c_char) -> Result<SessionId, i32> {
    // SAFETY: passed on.
    let text = unsafe { raw::text(id, limits::ID_BYTES) };
    match text {
        Some(text) if !text.is_empty() => Ok(SessionId(text.into())),
        Some(_) | None => Err(OUTDIAL_E_ARGUMENT),
    }
}

fn verdict(value: i32) -> Result<Option<Verdict>, i32> {
    match value {
        OUTDIAL_VERDICT_NONE => Ok(None),
        OUTDIAL_VERDICT_HUMAN => Ok(Some(Verdict::Human)),
        OUTDIAL_VERDICT_MACHINE => Ok(Some(Verdict::Machine)),
        OUTDIAL_VERDICT_UNKNOWN => Ok(Some(Verdict::Unknown)),
        OUTDIAL_VERDICT_SCREENING => Ok(Some(Verdict::Screening)),
        _ => Err(OUTDIAL_E_ARGUMENT),
    }
}

/// A status or cause outside its range counts as none: a terminal event is never refused for it.
fn leg_end(event: &OutdialEvent) -> LegEnd {
    LegEnd {
        sip: u16::try_from(event.sip_status)
            .ok()
            .filter(|sip| (100..700).contains(sip)),
        q850: u8::try_from(event.q850)
            .ok()
            .filter(|q850| (1..128).contains(q850)),
        refused_by_pbx: event.value != 0,
    }
}
