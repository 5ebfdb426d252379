//! Calls that come in from numbers that were dialed lately.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use crossbeam::channel::{Receiver, Sender, bounded};
use libc::{c_char, size_t};
use outdial_engine::{CampaignId, Claim, Inbound, InboundCall, Number, Span};
use outdial_link::{Caller, Known, Up};

use crate::abi::{
    OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OUTDIAL_E_IO, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED,
    OUTDIAL_E_STATE, OUTDIAL_E_TIMEOUT, OUTDIAL_LEG_LEN, OUTDIAL_OK, OutdialInbound,
    OutdialInboundLeg,
};
use crate::agents::Refused;
use crate::dialplan::{needed, optional};
use crate::exports::{OutdialEngine, with};
use crate::pump::Input;
use crate::shared::Shared;
use crate::{convert, guard, limits, raw, requests};

const NAME_BYTES: usize = outdial_engine::limits::NAME_BYTES;

/// Takes in a call from somebody who was dialed lately: finds out whose he is, and puts him in line
/// for that campaign's agents. From then on his channel is the leg that `leg` names, as if it had
/// been dialed and answered: the host posts OUTDIAL_EVENT_LEG_READY when he waits in his own bridge,
/// `connect` brings an agent, and exactly one OUTDIAL_EVENT_LEG_ENDED follows. `release` with a
/// NULL context says that he has waited long enough: his call is no leg any more, and the host posts
/// OUTDIAL_EVENT_LEG_ENDED while the channel goes on.
///
/// Thread: any, without channel locks. Waits for the sidecar, up to 5 s, and for the engine, up to
/// 2 s.
/// Ownership: everything stays the caller's. `leg` is written on success only, except for its
/// `struct_size`, which the caller sets. `err` (`err_len` bytes, may be NULL) gets a message for a
/// person when the call fails, cut to fit and ended by NUL.
/// Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when nobody with this number was dialed lately;
/// OUTDIAL_E_STATE when the campaign takes no calls now (nobody is at work, it is stopped, outdial
/// drains), and when the engine does not run; OUTDIAL_E_ARGUMENT for a number, campaign or country
/// that is none; OUTDIAL_E_IO when the sidecar is not connected or PostgreSQL not reachable;
/// OUTDIAL_E_TIMEOUT; OUTDIAL_E_FULL; OUTDIAL_E_ABI; OUTDIAL_E_POISONED. NULL for `engine`, `call`,
/// its number or `leg`: OUTDIAL_E_ARGUMENT. Since ABI 1.4.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `call` and `leg` are NULL or valid; the
/// texts are NULL or end in NUL; `err` is NULL or has room for `err_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_inbound(
    engine: *const OutdialEngine,
    call: *const OutdialInbound,
    leg: *mut OutdialInboundLeg,
    err: *mut c_char,
    err_len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_inbound", |engine| {
            let shared = engine.shared();
            let taken = room(leg)
                .and_then(|()| Ok((read(call)?, (*call).wait_ms)))
                .and_then(|((caller, called), wait_ms)| take(shared, caller, called, wait_ms));
            match taken {
                Ok(taken) => {
                    write(leg, shared, taken);
                    OUTDIAL_OK
                }
                Err((code, text)) => {
                    raw::write_text(err, err_len, &text);
                    code
                }
            }
        })
    })
}

/// # Safety
/// `leg` is NULL or valid.
unsafe fn room(leg: *const OutdialInboundLeg) -> Result<(), Refused> {
    // SAFETY: passed on.
    let size = unsafe { raw::struct_size(leg) };
    let size = size.ok_or_else(|| (OUTDIAL_E_ARGUMENT, "there is no room for the leg".into()))?;
    whole::<OutdialInboundLeg>(size)
}

fn whole<T>(size: u32) -> Result<(), Refused> {
    if usize::try_from(size).unwrap_or(0) >= size_of::<T>() {
        return Ok(());
    }
    let text = "the struct is smaller than this library's";
    Err((OUTDIAL_E_ABI, text.into()))
}

/// The question to the sidecar, and our number that was called.
///
/// # Safety
/// `call` is NULL or valid; its texts are NULL or end in NUL.
unsafe fn read(call: *const OutdialInbound) -> Result<(Caller, Option<Number>), Refused> {
    let none = || (OUTDIAL_E_ARGUMENT, "there is no call".to_owned());
    // SAFETY: passed on.
    whole::<OutdialInbound>(unsafe { raw::struct_size(call) }.ok_or_else(none)?)?;
    // SAFETY: whole, so all of its fields are there.
    let call = unsafe { raw::reference(call) }.ok_or_else(none)?;
    // SAFETY: passed on.
    let (number, called, campaign, country) = unsafe {
        (
            needed("number", call.number, NAME_BYTES)?,
            optional("called number", call.called, NAME_BYTES)?,
            optional("campaign", call.campaign, NAME_BYTES)?,
            optional("country", call.country, NAME_BYTES)?,
        )
    };
    let caller = Caller {
        number,
        campaign,
        country,
        anybody: call.anybody != 0,
    };
    // What was dialed may be a name, or digits of the PBX's own.
    let called = called.and_then(|text| Number::new(text.trim_start_matches('+')).ok());
    Ok((caller, called))
}

/// # Safety
/// `leg` is valid, and whole.
unsafe fn write(leg: *mut OutdialInboundLeg, shared: &Shared, taken: InboundCall) {
    let name = shared.host.leg_name(taken.leg);
    let mut text = [0; OUTDIAL_LEG_LEN];
    copy(&name, &mut text);
    // SAFETY: the caller's promise is ours.
    unsafe {
        (*leg).record = u32::from(taken.record);
        (*leg).attempt = taken.leg.attempt.0;
        (*leg).lead = taken.lead.0;
        (*leg).leg = text;
    }
}

/// A node's name has 32 bytes at most, and the two numbers have 24 with their dashes: it fits.
fn copy(name: &CStr, to: &mut [c_char; OUTDIAL_LEG_LEN]) {
    let bytes = name.to_bytes().iter().take(OUTDIAL_LEG_LEN - 1);
    for (place, byte) in to.iter_mut().zip(bytes) {
        *place = c_char::from_ne_bytes([*byte]);
    }
}

fn take(
    shared: &Shared,
    caller: Caller,
    called: Option<Number>,
    wait_ms: u32,
) -> Result<InboundCall, Refused> {
    let Some(known) = requests::caller(shared, caller)? else {
        let text = "nobody with this number was dialed lately";
        return Err((OUTDIAL_E_NOT_FOUND, text.into()));
    };
    let (campaign, lease) = (known.campaign, leased(&known));
    let Some(inbound) = inbound(*known, called, wait_ms) else {
        give_back(shared, campaign, lease);
        let text = "the lead has no number that can be used";
        return Err((OUTDIAL_E_IO, text.into()));
    };
    let (ask, answer) = question();
    let deadline = Instant::now() + limits::CONSOLE_PUMP;
    let input = Input::Inbound(Box::new(inbound), ask);
    if shared.mailbox.send_by(input, deadline).is_err() {
        give_back(shared, campaign, lease);
        return Err((OUTDIAL_E_TIMEOUT, "the engine does not answer".into()));
    }
    answer.wait()
}

/// What must be given back if the call is not taken.
pub(crate) fn leased(known: &Known) -> Option<u64> {
    match known.claim {
        outdial_link::Claim::Taken => Some(known.lead.id),
        outdial_link::Claim::InHand | outdial_link::Claim::None => None,
    }
}

/// A lease that is not used after all.
pub(crate) fn give_back(shared: &Shared, campaign: u64, lease: Option<u64>) {
    if let Some(lease) = lease {
        let leases = vec![lease];
        shared
            .outbox
            .send(shared, Up::ReturnLeases { campaign, leases });
    }
}

fn inbound(known: Known, called: Option<Number>, wait_ms: u32) -> Option<Inbound> {
    let claim = match known.claim {
        outdial_link::Claim::Taken => Claim::Taken,
        outdial_link::Claim::InHand => Claim::InHand,
        outdial_link::Claim::None => Claim::None,
    };
    let converted = convert::leases(vec![known.lead]);
    Some(Inbound {
        campaign: CampaignId(known.campaign),
        lead: converted.leases.into_iter().next()?,
        claim,
        called,
        wait: Span::ms(wait_ms),
        forbidden: known.forbidden,
    })
}

/// Nobody has answered, and somebody waits.
const OPEN: u8 = 0;
/// The pump has it: an answer comes.
const TAKEN: u8 = 1;
/// Nobody waits any more.
const GIVEN_UP: u8 = 2;

/// The pump's end of a question: a call whose asker is gone must not be taken in, and one that was
/// taken in must reach its asker.
pub(crate) struct Ask {
    state: Arc<AtomicU8>,
    reply: Sender<Result<InboundCall, Refused>>,
}

struct Answer {
    state: Arc<AtomicU8>,
    reply: Receiver<Result<InboundCall, Refused>>,
}

fn question() -> (Ask, Answer) {
    let state = Arc::new(AtomicU8::new(OPEN));
    let (reply, answer) = bounded(1);
    let ask = Ask {
        state: Arc::clone(&state),
        reply,
    };
    let answer = Answer {
        state,
        reply: answer,
    };
    (ask, answer)
}

impl Ask {
    /// `false`: nobody waits any more, and nothing may be done.
    pub(crate) fn begin(&self) -> bool {
        self.state
            .compare_exchange(OPEN, TAKEN, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    pub(crate) fn answer(self, result: Result<InboundCall, String>) {
        let result = result.map_err(|text| (OUTDIAL_E_STATE, text));
        // The asker waits: it has not given up.
        drop(self.reply.try_send(result));
    }
}

impl Answer {
    fn wait(self) -> Result<InboundCall, Refused> {
        let gone = || (OUTDIAL_E_TIMEOUT, "the engine does not answer".to_owned());
        if let Ok(result) = self.reply.recv_timeout(limits::CONSOLE_PUMP) {
            return result;
        }
        let given_up =
            self.state
                .compare_exchange(OPEN, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire);
        match given_up {
            Ok(_) => Err(gone()),
            // The pump is just at it; if it panics, its end of the channel goes with it.
            Err(_) => self.reply.recv().map_err(|_| gone())?,
        }
    }
}

/// Why a leg can't be had although the engine has taken the call.
pub(crate) const NO_PLACE: &str = "outdial has as many calls as it can hold";
