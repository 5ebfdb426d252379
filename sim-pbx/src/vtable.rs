//! What the engine asks for. Each function plans what follows, and returns.

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc::SyncSender};
use std::time::Duration;

use crate::abi;
use crate::pbx::{Happening, State};

/// A line of the log, or what ends this process.
pub enum Note {
    /// Level and text.
    Log(u32, String),
    /// A signal came.
    Signal,
    /// It can't go on: why.
    Fault(String),
}

/// What the vtable's context points at; never freed.
pub struct Host {
    state: Mutex<State>,
    /// Wakes the timer.
    pub wake: Condvar,
    notes: SyncSender<Note>,
}

impl Host {
    pub fn new(state: State, notes: SyncSender<Note>) -> Host {
        Host {
            state: Mutex::new(state),
            wake: Condvar::new(),
            notes,
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never waits; a line that finds no room is lost.
    pub fn note(&self, note: Note) {
        let _ = self.notes.try_send(note);
    }

    fn plan(&self, what: Happening) {
        if self.state().plan(Duration::ZERO, what) {
            self.wake.notify_one();
        }
    }

    /// The functions, with this host as their context.
    pub fn vtable(&'static self) -> abi::Host {
        abi::Host {
            abi_version: abi::ABI_MAJOR << 16 | abi::ABI_MINOR,
            struct_size: abi::size::<abi::Host>(),
            ctx: std::ptr::from_ref(self).cast_mut().cast(),
            originate,
            connect,
            play,
            release,
            hangup,
            dismiss,
            probe,
            visit_live,
            load,
            log,
            on_fault,
            ring,
        }
    }
}

/// # Safety
/// `ctx` is what [`Host::vtable`] gave.
unsafe fn host<'a>(ctx: *mut c_void) -> &'a Host {
    // SAFETY: a shared reference to a value that is never freed, says the caller.
    unsafe { &*ctx.cast_const().cast::<Host>() }
}

/// # Safety
/// `text` is NULL or ends in a zero, and stays as it is during `'a`.
unsafe fn read<'a>(text: *const c_char) -> &'a str {
    if text.is_null() {
        return "";
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or_default()
}

unsafe extern "C" fn originate(ctx: *mut c_void, request: *const abi::Originate) -> i32 {
    // SAFETY: the library passes our context, and a request that is valid during the call.
    let (host, request) = unsafe { (host(ctx), &*request) };
    // SAFETY: as above; so are the request's texts.
    let (leg, number) = unsafe { (read(request.leg), read(request.number)) };
    let timeout = Duration::from_millis(u64::from(request.timeout_ms));
    let accepted = host.state().originate(leg, number, timeout);
    if accepted {
        host.wake.notify_one();
        abi::OK
    } else {
        abi::E_FULL
    }
}

unsafe extern "C" fn ring(ctx: *mut c_void, request: *const abi::Ring) -> i32 {
    // SAFETY: the library passes our context, and a request that is valid during the call.
    let (host, request) = unsafe { (host(ctx), &*request) };
    // SAFETY: as above; so are the request's texts.
    let session = unsafe { read(request.session) };
    let timeout = Duration::from_millis(u64::from(request.timeout_ms));
    let rings = host.state().ring(session, timeout);
    if rings {
        host.wake.notify_one();
        abi::OK
    } else {
        abi::E_FULL
    }
}

unsafe extern "C" fn connect(ctx: *mut c_void, leg: *const c_char, session: *const c_char) {
    // SAFETY: the library passes our context, and texts that are valid during the call.
    let (host, leg, session) = unsafe { (host(ctx), read(leg), read(session)) };
    host.plan(Happening::Connect(leg.into(), session.into()));
}

unsafe extern "C" fn play(ctx: *mut c_void, leg: *const c_char, _sound: *const c_char) {
    // SAFETY: the library passes our context, and texts that are valid during the call.
    let (host, leg) = unsafe { (host(ctx), read(leg)) };
    host.plan(Happening::Play(leg.into()));
}

unsafe extern "C" fn release(
    ctx: *mut c_void,
    leg: *const c_char,
    _context: *const c_char,
    _exten: *const c_char,
    _priority: u32,
) {
    // SAFETY: the library passes our context, and texts that are valid during the call.
    let (host, leg) = unsafe { (host(ctx), read(leg)) };
    host.plan(Happening::Release(leg.into()));
}

unsafe extern "C" fn hangup(ctx: *mut c_void, leg: *const c_char, q850: u32) {
    // SAFETY: the library passes our context, and texts that are valid during the call.
    let (host, leg) = unsafe { (host(ctx), read(leg)) };
    let q850 = i32::try_from(q850).unwrap_or(16);
    host.plan(Happening::Hangup(leg.into(), q850));
}

unsafe extern "C" fn dismiss(ctx: *mut c_void, session: *const c_char, why: u32) {
    // SAFETY: the library passes our context, and texts that are valid during the call.
    let (host, session) = unsafe { (host(ctx), read(session)) };
    host.plan(Happening::Gone(session.into(), why));
}

/// This PBX has every endpoint, extension and sound.
unsafe extern "C" fn probe(
    ctx: *mut c_void,
    request: u64,
    _what: u32,
    _first: *const c_char,
    _second: *const c_char,
    _number: u32,
) {
    // SAFETY: the library passes our context.
    let host = unsafe { host(ctx) };
    host.plan(Happening::Probe(request));
}

unsafe extern "C" fn visit_live(ctx: *mut c_void, visit: abi::Visit, visitor: *mut c_void) {
    // SAFETY: the library passes our context.
    let (legs, sessions) = unsafe { host(ctx) }.state().live();
    for (ids, session) in [(legs, 0), (sessions, 1)] {
        for id in ids {
            let id = crate::outcome::text(&id);
            // SAFETY: the library's own function, with the library's own pointer, during the call.
            unsafe { visit(visitor, id.as_ptr(), session) };
        }
    }
}

unsafe extern "C" fn load(ctx: *mut c_void, load: *mut abi::HostLoad) {
    // SAFETY: the library passes our context.
    let (legs, _, _) = unsafe { host(ctx) }.state().figures();
    // SAFETY: the library passes a struct of its own to be filled. It is as large as ours or
    // larger, as the same major version has it.
    let load = unsafe { &mut *load };
    load.waiting = 0;
    load.running = u32::try_from(legs).unwrap_or(u32::MAX);
    load.oldest_ms = 0;
}

unsafe extern "C" fn log(ctx: *mut c_void, level: u32, text: *const c_char) {
    // SAFETY: the library passes our context, and a text that is valid during the call.
    let (host, text) = unsafe { (host(ctx), read(text)) };
    host.note(Note::Log(level, text.into()));
}

unsafe extern "C" fn on_fault(ctx: *mut c_void, text: *const c_char) {
    // SAFETY: the library passes our context, and a text that is valid during the call.
    let (host, text) = unsafe { (host(ctx), read(text)) };
    host.note(Note::Fault(text.into()));
}
