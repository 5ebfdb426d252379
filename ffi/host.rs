//! Calls to the host: the vtable behind safe functions.

use std::ffi::{CStr, CString};
use std::mem::offset_of;

use libc::{c_char, c_void};
use outdial_engine::config::Target;
use outdial_engine::{Dismissal, LegId, Level, Notice, Number, Originate, Probe, Ring, SessionId};

use crate::abi::{
    OUTDIAL_ABI_MAJOR, OUTDIAL_ABI_MINOR, OUTDIAL_DISMISS_DRAINING, OUTDIAL_DISMISS_DUPLICATE,
    OUTDIAL_DISMISS_FULL, OUTDIAL_DISMISS_LOGGED_OFF, OUTDIAL_DISMISS_ON_HOOK,
    OUTDIAL_DISMISS_PIN_UNCHECKED, OUTDIAL_DISMISS_UNKNOWN, OUTDIAL_E_ABI, OUTDIAL_LOG_DEBUG,
    OUTDIAL_LOG_ERROR, OUTDIAL_LOG_INFO, OUTDIAL_LOG_WARN, OUTDIAL_OK, OUTDIAL_PROBE_AMD,
    OUTDIAL_PROBE_AMD_AFTER_GREETING, OUTDIAL_PROBE_AMD_ARGUMENTS,
    OUTDIAL_PROBE_AMD_ARGUMENTS_AFTER_GREETING, OUTDIAL_PROBE_APPLICATION, OUTDIAL_PROBE_ENDPOINT,
    OUTDIAL_PROBE_SOUND, OUTDIAL_PROBE_TARGET, OutdialHost, OutdialHostLoad, OutdialNotice,
    OutdialOriginate, OutdialRing,
};
use crate::watch::Told;
use crate::{guard, limits, raw};

type Originates = unsafe extern "C" fn(*mut c_void, *const OutdialOriginate) -> i32;
type Rings = unsafe extern "C" fn(*mut c_void, *const OutdialRing) -> i32;
type TakesTwo = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char);
type Releases = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *const c_char, u32);
type TakesOneAndWhy = unsafe extern "C" fn(*mut c_void, *const c_char, u32);
type Probes = unsafe extern "C" fn(*mut c_void, u64, u32, *const c_char, *const c_char, u32);
type Visit = unsafe extern "C" fn(*mut c_void, *const c_char, i32);
type Visits = unsafe extern "C" fn(*mut c_void, Visit, *mut c_void);
type Loads = unsafe extern "C" fn(*mut c_void, *mut OutdialHostLoad);
type Logs = unsafe extern "C" fn(*mut c_void, u32, *const c_char);
type Notices = unsafe extern "C" fn(*mut c_void, *const OutdialNotice);
type Faults = unsafe extern "C" fn(*mut c_void, *const c_char);

/// The host's vtable, checked: right version, nothing missing.
pub(crate) struct Host {
    node: Box<str>,
    ctx: *mut c_void,
    originate: Originates,
    connect: TakesTwo,
    play: TakesTwo,
    release: Releases,
    hangup: TakesOneAndWhy,
    dismiss: TakesOneAndWhy,
    probe: Probes,
    visit_live: Visits,
    load: Loads,
    log: Logs,
    on_fault: Faults,
    /// `None`: built for ABI 1.0.
    ring: Option<Rings>,
    /// `None`: built for ABI 1.1, or wants to know nothing.
    notice: Option<Notices>,
    /// `play`, where the host was built for ABI 1.2.
    leave_message: TakesTwo,
}

// SAFETY: `struct outdial_host` promises that `ctx` and the functions may be used from the
// engine's own threads; nothing else in here is a pointer.
unsafe impl Send for Host {}
// SAFETY: as above; `log` and `on_fault`, the only ones that several threads call at once, are
// documented as such, and the others are called by the pump alone.
unsafe impl Sync for Host {}

/// What the host's registry holds.
#[derive(Default)]
pub(crate) struct Live {
    /// Ids of legs.
    pub(crate) legs: Vec<String>,
    /// Ids of sessions.
    pub(crate) sessions: Vec<String>,
}

impl Host {
    /// Checks and copies a vtable.
    ///
    /// # Errors
    /// The message names both versions, both sizes or the missing function.
    ///
    /// # Safety
    /// `host` is NULL or points at a `struct outdial_host` of any version, whose `struct_size` is
    /// true.
    pub(crate) unsafe fn check(host: *const OutdialHost, node: &str) -> Result<Host, String> {
        // SAFETY: any version of the struct begins with two u32.
        let head = unsafe { raw::reference(host.cast::<[u32; 2]>()) }
            .ok_or("the host's vtable is NULL or not aligned")?;
        let [version, size] = *head;
        if version >> 16 != OUTDIAL_ABI_MAJOR {
            return Err(format!(
                "ABI version differs: the module was built for {}.{}, liboutdial {} speaks {}.{}; \
                 install module and library of one release",
                version >> 16,
                version & 0xffff,
                env!("CARGO_PKG_VERSION"),
                OUTDIAL_ABI_MAJOR,
                OUTDIAL_ABI_MINOR,
            ));
        }
        // ABI 1.0 ended here.
        let needed = offset_of!(OutdialHost, ring);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size < needed {
            return Err(format!(
                "struct outdial_host has {size} bytes in the module, liboutdial {} needs {needed}",
                env!("CARGO_PKG_VERSION"),
            ));
        }
        let mut copy = std::mem::MaybeUninit::<OutdialHost>::zeroed();
        // SAFETY: not NULL, aligned, and `size` bytes long, as just checked and promised; `copy` has
        // room for a whole one.
        unsafe {
            std::ptr::copy_nonoverlapping(
                host.cast::<u8>(),
                copy.as_mut_ptr().cast::<u8>(),
                size.min(size_of::<OutdialHost>()),
            );
        }
        // SAFETY: numbers, a pointer and functions that may be NULL: zero is a value of each.
        let host = unsafe { copy.assume_init() };
        let missing = |name: &'static str| move || format!("outdial_host.{name} is NULL");
        Ok(Host {
            node: node.into(),
            ctx: host.ctx,
            originate: host.originate.ok_or_else(missing("originate"))?,
            connect: host.connect.ok_or_else(missing("connect"))?,
            play: host.play.ok_or_else(missing("play"))?,
            release: host.release.ok_or_else(missing("release"))?,
            hangup: host.hangup.ok_or_else(missing("hangup"))?,
            dismiss: host.dismiss.ok_or_else(missing("dismiss"))?,
            probe: host.probe.ok_or_else(missing("probe"))?,
            visit_live: host.visit_live.ok_or_else(missing("visit_live"))?,
            load: host.load.ok_or_else(missing("load"))?,
            log: host.log.ok_or_else(missing("log"))?,
            on_fault: host.on_fault.ok_or_else(missing("on_fault"))?,
            ring: match host.ring {
                None if size >= offset_of!(OutdialHost, notice) => return Err(missing("ring")()),
                ring => ring,
            },
            notice: host.notice,
            leave_message: host
                .leave_message
                .or(host.play)
                .ok_or_else(missing("play"))?,
        })
    }

    /// Dials; the error is the host's code.
    pub(crate) fn originate(&self, originate: &Originate) -> Result<(), i32> {
        let leg = self.leg(originate.leg);
        let tech = c(&originate.tech);
        let endpoint = c(&originate.endpoint);
        let number = digits(&originate.number);
        let caller_id = digits(&originate.caller_id);
        let account = c(&originate.account);
        let context = c(&originate.target.context);
        let exten = c(&originate.target.exten);
        let amd = originate.amd.as_deref().map(c);
        let request = OutdialOriginate {
            struct_size: size_u32::<OutdialOriginate>(),
            timeout_ms: originate.timeout_ms,
            leg: leg.as_ptr(),
            tech: tech.as_ptr(),
            endpoint: endpoint.as_ptr(),
            number: number.as_ptr(),
            caller_id: caller_id.as_ptr(),
            account: account.as_ptr(),
            context: context.as_ptr(),
            exten: exten.as_ptr(),
            priority: originate.target.priority,
            attempt: originate.leg.attempt.0,
            lead: originate.lead.map_or(0, |lead| lead.0),
            record: u32::from(originate.record),
            amd: amd.as_deref().map_or(std::ptr::null(), CStr::as_ptr),
        };
        // SAFETY: the request and its texts live until the call returns; the host promised that
        // the function may be called with its ctx from the pump.
        let code = unsafe { (self.originate)(self.ctx, &raw const request) };
        if code == OUTDIAL_OK {
            Ok(())
        } else {
            Err(code)
        }
    }

    /// Rings a phone; the error is the host's code.
    pub(crate) fn ring(&self, ring: &Ring) -> Result<(), i32> {
        let function = self.ring.ok_or(OUTDIAL_E_ABI)?;
        let session = c(&ring.session.0);
        let agent = c(&ring.agent);
        let tech = c(&ring.tech);
        let endpoint = c(&ring.endpoint);
        let caller_id = digits(&ring.caller_id);
        let account = c(&ring.account);
        let request = OutdialRing {
            struct_size: size_u32::<OutdialRing>(),
            timeout_ms: ring.timeout_ms,
            session: session.as_ptr(),
            agent: agent.as_ptr(),
            tech: tech.as_ptr(),
            endpoint: endpoint.as_ptr(),
            caller_id: caller_id.as_ptr(),
            account: account.as_ptr(),
        };
        // SAFETY: as in `originate`.
        let code = unsafe { function(self.ctx, &raw const request) };
        if code == OUTDIAL_OK {
            Ok(())
        } else {
            Err(code)
        }
    }

    pub(crate) fn connect(&self, leg: LegId, session: &SessionId) {
        let (leg, session) = (self.leg(leg), c(&session.0));
        // SAFETY: as in `originate`.
        unsafe { (self.connect)(self.ctx, leg.as_ptr(), session.as_ptr()) }
    }

    pub(crate) fn play(&self, leg: LegId, sound: &str) {
        let (leg, sound) = (self.leg(leg), c(sound));
        // SAFETY: as in `originate`.
        unsafe { (self.play)(self.ctx, leg.as_ptr(), sound.as_ptr()) }
    }

    pub(crate) fn leave_message(&self, leg: LegId, sound: &str) {
        let (leg, sound) = (self.leg(leg), c(sound));
        // SAFETY: as in `originate`.
        unsafe { (self.leave_message)(self.ctx, leg.as_ptr(), sound.as_ptr()) }
    }

    pub(crate) fn release(&self, leg: LegId, target: Option<&Target>) {
        let leg = self.leg(leg);
        let null = std::ptr::null();
        match target {
            // SAFETY: as in `originate`; NULL is documented for "behind OutdialConnect".
            None => unsafe { (self.release)(self.ctx, leg.as_ptr(), null, null, 0) },
            Some(target) => {
                let (context, exten) = (c(&target.context), c(&target.exten));
                // SAFETY: as in `originate`.
                unsafe {
                    (self.release)(
                        self.ctx,
                        leg.as_ptr(),
                        context.as_ptr(),
                        exten.as_ptr(),
                        target.priority,
                    );
                }
            }
        }
    }

    pub(crate) fn hangup(&self, leg: LegId, q850: u8) {
        let leg = self.leg(leg);
        // SAFETY: as in `originate`.
        unsafe { (self.hangup)(self.ctx, leg.as_ptr(), u32::from(q850)) }
    }

    pub(crate) fn dismiss(&self, session: &SessionId, why: Dismissal) {
        let session = c(&session.0);
        let why = match why {
            Dismissal::Unknown => OUTDIAL_DISMISS_UNKNOWN,
            Dismissal::Duplicate => OUTDIAL_DISMISS_DUPLICATE,
            Dismissal::Draining => OUTDIAL_DISMISS_DRAINING,
            Dismissal::LoggedOff => OUTDIAL_DISMISS_LOGGED_OFF,
            Dismissal::Full => OUTDIAL_DISMISS_FULL,
            Dismissal::OnHook => OUTDIAL_DISMISS_ON_HOOK,
            Dismissal::PinUnchecked => OUTDIAL_DISMISS_PIN_UNCHECKED,
        };
        // SAFETY: as in `originate`.
        unsafe { (self.dismiss)(self.ctx, session.as_ptr(), why) }
    }

    pub(crate) fn probe(&self, request: u64, what: &Probe) {
        let (kind, first, second, number) = match what {
            Probe::Endpoint { tech, endpoint } => (OUTDIAL_PROBE_ENDPOINT, c(tech), c(endpoint), 0),
            Probe::Target(target) => (
                OUTDIAL_PROBE_TARGET,
                c(&target.context),
                c(&target.exten),
                target.priority,
            ),
            Probe::Sound(sound) => (OUTDIAL_PROBE_SOUND, c(sound), c(""), 0),
            Probe::Application(name) => (OUTDIAL_PROBE_APPLICATION, c(name), c(""), 0),
            Probe::AmdArguments {
                arguments,
                after_greeting,
            } => (
                if *after_greeting {
                    OUTDIAL_PROBE_AMD_ARGUMENTS_AFTER_GREETING
                } else {
                    OUTDIAL_PROBE_AMD_ARGUMENTS
                },
                c(arguments),
                c(""),
                0,
            ),
            Probe::Amd {
                target,
                after_greeting,
            } => (
                if *after_greeting {
                    OUTDIAL_PROBE_AMD_AFTER_GREETING
                } else {
                    OUTDIAL_PROBE_AMD
                },
                c(&target.context),
                c(&target.exten),
                target.priority,
            ),
        };
        // SAFETY: as in `originate`.
        unsafe {
            (self.probe)(
                self.ctx,
                request,
                kind,
                first.as_ptr(),
                second.as_ptr(),
                number,
            );
        }
    }

    /// What the host's registry holds right now.
    pub(crate) fn visit_live(&self) -> Live {
        let mut live = Live::default();
        // SAFETY: `visit` gets back exactly this pointer, during the call only.
        unsafe { (self.visit_live)(self.ctx, visit, (&raw mut live).cast::<c_void>()) }
        live
    }

    pub(crate) fn load(&self) -> OutdialHostLoad {
        let mut load = OutdialHostLoad {
            struct_size: size_u32::<OutdialHostLoad>(),
            ..OutdialHostLoad::default()
        };
        // SAFETY: as in `originate`; the host writes at most `struct_size` bytes.
        unsafe { (self.load)(self.ctx, &raw mut load) }
        load
    }

    pub(crate) fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => OUTDIAL_LOG_DEBUG,
            Level::Info => OUTDIAL_LOG_INFO,
            Level::Warn => OUTDIAL_LOG_WARN,
            Level::Error => OUTDIAL_LOG_ERROR,
        };
        let text = c(cut(text, limits::LOG_BYTES));
        // SAFETY: as in `originate`; `log` may be called from every thread of ours.
        unsafe { (self.log)(self.ctx, level, text.as_ptr()) }
    }

    pub(crate) fn on_fault(&self, text: &str) {
        let text = c(cut(text, limits::LOG_BYTES));
        // SAFETY: as for `log`.
        unsafe { (self.on_fault)(self.ctx, text.as_ptr()) }
    }

    /// Whether it takes notices.
    pub(crate) fn takes_notices(&self) -> bool {
        self.notice.is_some()
    }

    /// Tells of a change of state.
    pub(crate) fn notice(&self, notice: &Notice) {
        let Some(function) = self.notice else { return };
        let told = match notice {
            Notice::Call(call) => Told::call(self.leg(call.leg), call),
            Notice::Agent(agent) => {
                let leg = agent.leg.map(|leg| self.leg(leg));
                Told::agent(leg.unwrap_or_default(), agent)
            }
        };
        let notice = told.raw();
        // SAFETY: the notice and its texts live until the call returns; else as in `originate`.
        unsafe { function(self.ctx, &raw const notice) }
    }

    /// The leg that `text` names, if it is one of this node's.
    pub(crate) fn parse_leg(&self, text: &str) -> Option<LegId> {
        LegId::parse(text.strip_prefix(&*self.node)?.strip_prefix('-')?)
    }

    fn leg(&self, leg: LegId) -> CString {
        c(&format!("{}-{leg}", self.node))
    }
}

/// Called by the host from within `visit_live`.
unsafe extern "C" fn visit(visitor: *mut c_void, id: *const c_char, session: i32) {
    guard::catch((), || {
        // SAFETY: the host passes on the pointer that `visit_live` gave it, within that call, on
        // the same thread, so this is the only reference.
        let Some(live) = (unsafe { visitor.cast::<Live>().as_mut() }) else {
            return;
        };
        // SAFETY: the host passes a text that ends in NUL and stays during the call.
        let Some(id) = (unsafe { raw::text(id, limits::ID_BYTES) }) else {
            return;
        };
        if live.legs.len() + live.sessions.len() >= limits::VISITED {
            return;
        }
        if session == 0 {
            live.legs.push(id.to_owned());
        } else {
            live.sessions.push(id.to_owned());
        }
    });
}

/// A text for C. A NUL inside ends it: no text of ours has one, and a cut name is looked up in
/// vain rather than obeyed.
pub(crate) fn c(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

pub(crate) fn digits(number: &Number) -> CString {
    c(number.digits())
}

fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `sizeof(T)`, as the ABI's `struct_size`.
pub(crate) const fn size_u32<T>() -> u32 {
    let size = size_of::<T>();
    assert!(size <= 1 << 16);
    // The assertion above leaves nothing to cut off.
    #[expect(clippy::cast_possible_truncation)]
    {
        size as u32
    }
}
