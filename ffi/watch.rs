//! Changes of state for a host that asked to be told, for other programs' sake.

use std::ffi::CString;
use std::sync::atomic::Ordering;

use outdial_engine::attempt::State;
use outdial_engine::{AgentNotice, CallNotice, LegEnd, Watch};

use crate::abi::{
    OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OUTDIAL_E_POISONED, OUTDIAL_NOTICE_AGENT,
    OUTDIAL_NOTICE_CALL, OUTDIAL_OK, OUTDIAL_WATCH_AGENTS, OUTDIAL_WATCH_CALLS, OutdialNotice,
};
use crate::convert;
use crate::exports::{OutdialEngine, with};
use crate::guard;
use crate::host::{c, digits, size_u32};

/// Says of which changes of state the host wants to be told from now on, by `notice`: OUTDIAL_WATCH_
/// or-ed, 0 for none, as at first. What is not watched costs nothing.
///
/// Thread: any. Does not wait; also before `outdial_start`.
/// Returns OUTDIAL_OK; OUTDIAL_E_ARGUMENT for an unknown bit; OUTDIAL_E_ABI when the host has no
/// `notice`; OUTDIAL_E_POISONED. NULL: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_watch(engine: *const OutdialEngine, what: u32) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_watch", |engine| {
            let shared = engine.shared();
            if what & !(OUTDIAL_WATCH_CALLS | OUTDIAL_WATCH_AGENTS) != 0 {
                return OUTDIAL_E_ARGUMENT;
            }
            if what != 0 && !shared.host.takes_notices() {
                return OUTDIAL_E_ABI;
            }
            if shared.is_poisoned() {
                return OUTDIAL_E_POISONED;
            }
            // The pump looks at each turn.
            shared.flags.watch.store(what, Ordering::Release);
            shared.mailbox.ring();
            OUTDIAL_OK
        })
    })
}

/// OUTDIAL_WATCH_, as the engine has it.
pub(crate) fn watch_of(what: u32) -> Watch {
    Watch {
        calls: what & OUTDIAL_WATCH_CALLS != 0,
        agents: what & OUTDIAL_WATCH_AGENTS != 0,
    }
}

/// A change of state with texts for C.
pub(crate) struct Told {
    kind: u32,
    attempt: u64,
    lead: u64,
    leg: CString,
    session: CString,
    campaign: CString,
    trunk: CString,
    number: CString,
    agent: CString,
    old_state: CString,
    state: CString,
    pause: CString,
    reason: CString,
    over: bool,
    end: LegEnd,
}

impl Told {
    /// `leg` is the leg's id as the host knows it.
    pub(crate) fn call(leg: CString, call: &CallNotice) -> Told {
        Told {
            kind: OUTDIAL_NOTICE_CALL,
            attempt: call.leg.attempt.0,
            lead: call.lead.0,
            leg,
            session: CString::default(),
            campaign: c(&call.campaign),
            trunk: c(&call.trunk),
            number: digits(&call.number),
            agent: c(call.agent.as_deref().unwrap_or_default()),
            old_state: c(call.from.name()),
            state: c(call.to.name()),
            pause: CString::default(),
            reason: c(&call.reason),
            over: matches!(call.to, State::Final(_)),
            end: call.end,
        }
    }

    /// `leg` is the id of the leg in hand as the host knows it, or empty.
    pub(crate) fn agent(leg: CString, agent: &AgentNotice) -> Told {
        let session = agent.session.as_ref().map(|session| &*session.0);
        Told {
            kind: OUTDIAL_NOTICE_AGENT,
            attempt: 0,
            lead: 0,
            leg,
            session: c(session.unwrap_or_default()),
            campaign: c(agent.campaign.as_deref().unwrap_or_default()),
            trunk: CString::default(),
            number: CString::default(),
            agent: c(&agent.agent),
            old_state: c(convert::agent_state(agent.from)),
            state: c(convert::agent_state(agent.to)),
            pause: c(agent.pause.as_deref().unwrap_or_default()),
            reason: CString::default(),
            over: false,
            end: LegEnd::default(),
        }
    }

    /// Valid as long as this is.
    pub(crate) fn raw(&self) -> OutdialNotice {
        OutdialNotice {
            struct_size: size_u32::<OutdialNotice>(),
            kind: self.kind,
            attempt: self.attempt,
            lead: self.lead,
            leg: self.leg.as_ptr(),
            session: self.session.as_ptr(),
            campaign: self.campaign.as_ptr(),
            trunk: self.trunk.as_ptr(),
            number: self.number.as_ptr(),
            agent: self.agent.as_ptr(),
            old_state: self.old_state.as_ptr(),
            state: self.state.as_ptr(),
            pause: self.pause.as_ptr(),
            reason: self.reason.as_ptr(),
            over: u32::from(self.over),
            sip_status: self.end.sip.map_or(0, i32::from),
            q850: self.end.q850.map_or(0, i32::from),
        }
    }
}
