//! The types that cross the C boundary, as `include/outdial.h` shows them.
//!
//! Every text is UTF-8, ends in NUL and belongs to the side that passes it; the other side copies
//! what it needs before it returns. Structs begin with their size, so that a later minor version
//! can append fields.

use libc::{c_char, c_void};

/// Major version of this ABI. Differs: the library refuses the host.
pub const OUTDIAL_ABI_MAJOR: u32 = 1;
/// Minor version of this ABI. Grows when something is appended.
pub const OUTDIAL_ABI_MINOR: u32 = 4;

/// Success.
pub const OUTDIAL_OK: i32 = 0;
/// An argument is NULL, too long or malformed.
pub const OUTDIAL_E_ARGUMENT: i32 = 1;
/// The host was built for another major version, or its struct is too small.
pub const OUTDIAL_E_ABI: i32 = 2;
/// The queue is full, or the host's pool is: the event or originate was not taken.
pub const OUTDIAL_E_FULL: i32 = 3;
/// A panic was caught earlier; the engine does nothing more until the PBX restarts.
pub const OUTDIAL_E_POISONED: i32 = 4;
/// A file or socket could not be used; the message says which and why.
pub const OUTDIAL_E_IO: i32 = 5;
/// Not possible in the engine's present state (started twice, stopped, never started).
pub const OUTDIAL_E_STATE: i32 = 6;
/// No answer within the time allowed.
pub const OUTDIAL_E_TIMEOUT: i32 = 7;
/// The thing named does not exist.
pub const OUTDIAL_E_NOT_FOUND: i32 = 8;
/// A PIN is wrong.
pub const OUTDIAL_E_DENIED: i32 = 9;
/// There were too many wrong PINs; this one was not looked at.
pub const OUTDIAL_E_LOCKED: i32 = 10;

/// The carrier has taken the call (SIP 100). Id: leg.
pub const OUTDIAL_EVENT_LEG_PROCEEDING: u32 = 1;
/// The callee's phone rings (SIP 180). Id: leg.
pub const OUTDIAL_EVENT_LEG_RINGING: u32 = 2;
/// Media before the answer (SIP 183). Id: leg.
pub const OUTDIAL_EVENT_LEG_EARLY_MEDIA: u32 = 3;
/// Answered. Id: leg; `value`: 1 if OUTDIAL_EVENT_LEG_READY follows within milliseconds (the
/// engine then need not wake up twice), else 0.
pub const OUTDIAL_EVENT_LEG_ANSWERED: u32 = 4;
/// The dialplan reached OutdialConnect; the channel waits in its own bridge. Id: leg;
/// `value`: one of OUTDIAL_VERDICT_.
pub const OUTDIAL_EVENT_LEG_READY: u32 = 5;
/// Customer and agent are in one bridge. Id: leg; `other`: session.
pub const OUTDIAL_EVENT_LEG_BRIDGED: u32 = 6;
/// The agent could not be brought to the customer. Id: leg; `other`: session.
pub const OUTDIAL_EVENT_LEG_CONNECT_FAILED: u32 = 7;
/// A message has ended. Id: leg; `value`: 1 if it was played to its end, else 0.
pub const OUTDIAL_EVENT_LEG_PLAYED: u32 = 8;
/// The call went on in the dialplan, as `release` asked. Id: leg.
pub const OUTDIAL_EVENT_LEG_RELEASED: u32 = 9;
/// Terminal: the channel is destroyed, or never came to be. Exactly once for each leg that
/// `originate` accepted. Id: leg; `sip_status` and `q850` of the final response, 0 where there
/// is none; `value`: 1 if the PBX itself refused the call, else 0.
pub const OUTDIAL_EVENT_LEG_ENDED: u32 = 10;
/// The callee began to speak. Id: leg. Only hosts that listen for it post it.
pub const OUTDIAL_EVENT_LEG_GREETING_BEGAN: u32 = 11;
/// The callee's first words are over. Id: leg; `value`: for so many ms already. Only hosts that listen
/// for it post it.
pub const OUTDIAL_EVENT_LEG_GREETING_ENDED: u32 = 12;
/// The customer goes on without the agent who was in his bridge: in the dialplan behind
/// OutdialConnect, or with somebody else to whom the call was transferred. Id: leg.
pub const OUTDIAL_EVENT_LEG_LEFT: u32 = 13;
/// OutdialAgent was entered. Id: session; `other`: the agent's name; `value`: 1 if `outdial_check_pin`
/// has found his PIN right, else 0. An agent who has one is dismissed without it.
pub const OUTDIAL_EVENT_SESSION_ENTERED: u32 = 20;
/// The agent's channel waits inside its holding bridge; again after each call. For a phone that
/// `ring` has rung the first one is the answer. Id: session.
pub const OUTDIAL_EVENT_SESSION_WAITING: u32 = 21;
/// Terminal: the channel has left OutdialAgent, or the phone that was rung is on hook again,
/// answered or not. Exactly once for each SESSION_ENTERED that was accepted, and for each `ring`
/// that was. Id: session; `value`: 1 if the PBX itself did not ring the phone, else 0.
pub const OUTDIAL_EVENT_SESSION_GONE: u32 = 22;
/// The answer to `probe`. `request`; `value`: 1 if the PBX has the thing, else 0; ms where the probe
/// asks for a time.
pub const OUTDIAL_EVENT_PROBED: u32 = 30;

/// AMD did not run.
pub const OUTDIAL_VERDICT_NONE: i32 = 0;
/// A person answered.
pub const OUTDIAL_VERDICT_HUMAN: i32 = 1;
/// A machine answered.
pub const OUTDIAL_VERDICT_MACHINE: i32 = 2;
/// AMD could not tell.
pub const OUTDIAL_VERDICT_UNKNOWN: i32 = 3;
/// A service that answers for the callee and asks who calls.
pub const OUTDIAL_VERDICT_SCREENING: i32 = 4;

/// `probe` asks for an endpoint: `first` is the technology, `second` the endpoint.
pub const OUTDIAL_PROBE_ENDPOINT: u32 = 1;
/// `probe` asks for an extension: `first` is the context, `second` the extension, `number` the
/// priority.
pub const OUTDIAL_PROBE_TARGET: u32 = 2;
/// `probe` asks for a sound: `first` is its name.
pub const OUTDIAL_PROBE_SOUND: u32 = 3;
/// `probe` asks how long AMD may take before OutdialConnect at an extension, given as for
/// OUTDIAL_PROBE_TARGET. The answer's `value` is in ms, 0 where AMD does not run.
pub const OUTDIAL_PROBE_AMD: u32 = 4;
/// `probe` asks the same, counted from the end of the callee's greeting.
pub const OUTDIAL_PROBE_AMD_AFTER_GREETING: u32 = 5;
/// `probe` asks for an application of the dialplan: `first` is its name. Since ABI 1.4.
pub const OUTDIAL_PROBE_APPLICATION: u32 = 6;
/// `probe` asks how long AMD may take with the arguments in `first`. The answer is as for
/// OUTDIAL_PROBE_AMD. Since ABI 1.4.
pub const OUTDIAL_PROBE_AMD_ARGUMENTS: u32 = 7;
/// `probe` asks the same, counted from the end of the callee's greeting. Since ABI 1.4.
pub const OUTDIAL_PROBE_AMD_ARGUMENTS_AFTER_GREETING: u32 = 8;

/// Why an agent is logged off: no agent of that name is configured.
pub const OUTDIAL_DISMISS_UNKNOWN: u32 = 1;
/// Why an agent is logged off: already logged in on another channel.
pub const OUTDIAL_DISMISS_DUPLICATE: u32 = 2;
/// Why an agent is logged off: the engine drains.
pub const OUTDIAL_DISMISS_DRAINING: u32 = 3;
/// Why an agent is logged off: by a supervisor, or taken out of the configuration.
pub const OUTDIAL_DISMISS_LOGGED_OFF: u32 = 4;
/// Why an agent is logged off: more agents than the engine can hold.
pub const OUTDIAL_DISMISS_FULL: u32 = 5;
/// Why a phone that was rung is put on hook: the call that it was rung for is over, or has gone to
/// somebody else. The agent stays logged in.
pub const OUTDIAL_DISMISS_ON_HOOK: u32 = 6;
/// Why an agent is logged off: he has a PIN, and it was not checked. Since ABI 1.4.
pub const OUTDIAL_DISMISS_PIN_UNCHECKED: u32 = 7;

/// `outdial_agent`: ends the wrap-up before its time.
pub const OUTDIAL_AGENT_READY: u32 = 1;
/// `outdial_agent`: takes no calls once the one in hand is over.
pub const OUTDIAL_AGENT_PAUSE: u32 = 2;
/// `outdial_agent`: takes calls again.
pub const OUTDIAL_AGENT_UNPAUSE: u32 = 3;
/// `outdial_agent`: dials the lead that is looked at.
pub const OUTDIAL_AGENT_DIAL: u32 = 4;
/// `outdial_agent`: lets the lead that is looked at pass.
pub const OUTDIAL_AGENT_SKIP: u32 = 5;
/// `outdial_agent`: logs off after the call in hand and its wrap-up.
pub const OUTDIAL_AGENT_LOG_OFF: u32 = 6;
/// `outdial_agent`: logs off now, and hangs up the call in hand.
pub const OUTDIAL_AGENT_LOG_OFF_NOW: u32 = 7;
/// `outdial_agent`: ends the call in hand, and stays.
pub const OUTDIAL_AGENT_HANG_UP: u32 = 8;

/// `outdial_dispose`, and `outdial_field` of a live leg: `agent`, `amd`, `attempt`, `attempts`,
/// `caller_id`, `campaign`, `lead`, `leg`, `list`, `number`, `position`, `recording`, `state`,
/// `trunk`, or a column of the lead's own.
pub const OUTDIAL_OF_LEG: u32 = 1;
/// `outdial_dispose`, and `outdial_field` of a logged-in agent: `calls`, `logged_in`, `pause`,
/// `paused`, `since`, `state`, `talk`, `wrap_up`; of any agent `pin`: 1 if he has one, else 0.
pub const OUTDIAL_OF_AGENT: u32 = 2;
/// `outdial_field` of a campaign: `abandon_rate`, `abandoned`, `agents`, `answered`, `bridged`,
/// `dialing`, `free`, `leads`, `live`, `short_calls`, `state`, `why`.
pub const OUTDIAL_OF_CAMPAIGN: u32 = 3;

/// `notice` tells of an attempt.
pub const OUTDIAL_NOTICE_CALL: u32 = 1;
/// `notice` tells of an agent.
pub const OUTDIAL_NOTICE_AGENT: u32 = 2;

/// `outdial_watch`: attempts.
pub const OUTDIAL_WATCH_CALLS: u32 = 1;
/// `outdial_watch`: agents.
pub const OUTDIAL_WATCH_AGENTS: u32 = 2;

/// Log level: for developers.
pub const OUTDIAL_LOG_DEBUG: u32 = 10;
/// Log level: ordinary.
pub const OUTDIAL_LOG_INFO: u32 = 20;
/// Log level: something to look at.
pub const OUTDIAL_LOG_WARN: u32 = 30;
/// Log level: something is broken.
pub const OUTDIAL_LOG_ERROR: u32 = 40;

/// What the host tells the engine. Unused texts are NULL, unused numbers 0.
#[repr(C)]
pub struct OutdialEvent {
    /// sizeof(struct outdial_event) of the host's build.
    pub struct_size: u32,
    /// One of OUTDIAL_EVENT_.
    pub kind: u32,
    /// Leg or session, as the kind says.
    pub id: *const c_char,
    /// Session or agent's name, as the kind says.
    pub other: *const c_char,
    /// As in `probe`.
    pub request: u64,
    /// As the kind says.
    pub value: i32,
    /// SIP status of the final response, 0 for none.
    pub sip_status: i32,
    /// Q.850 cause, 0 for none.
    pub q850: i32,
}

/// What to dial. Valid during the call of `originate` only.
#[repr(C)]
pub struct OutdialOriginate {
    /// sizeof(struct outdial_originate) of the library's build.
    pub struct_size: u32,
    /// The host gives up after this long without an answer. The engine's own deadlines are
    /// earlier.
    pub timeout_ms: u32,
    /// The channel's unique id.
    pub leg: *const c_char,
    /// Channel technology, `PJSIP` for example.
    pub tech: *const c_char,
    /// The trunk's endpoint.
    pub endpoint: *const c_char,
    /// Digits only.
    pub number: *const c_char,
    /// Digits only.
    pub caller_id: *const c_char,
    /// The campaign's name, for the channel's account code.
    pub account: *const c_char,
    /// Where the answered call enters the dialplan.
    pub context: *const c_char,
    /// See `context`.
    pub exten: *const c_char,
    /// See `context`; from 1.
    pub priority: u32,
    /// The attempt's number in the database. Since ABI 1.2.
    pub attempt: u64,
    /// The lead's number in the database, 0 for a test call. Since ABI 1.2.
    pub lead: u64,
    /// 1: once an agent is there the call is recorded, by the name that `outdial_field` gives as
    /// `recording`. Since ABI 1.3.
    pub record: u32,
    /// The call is not ready before AMD has told who answered, with these arguments (as `AMD()` takes
    /// them; empty: the PBX's own settings), unless it has run in the dialplan. NULL: it is not asked
    /// for. Since ABI 1.4.
    pub amd: *const c_char,
}

/// Which agent's phone to ring. Valid during the call of `ring` only.
#[repr(C)]
pub struct OutdialRing {
    /// sizeof(struct outdial_ring) of the library's build.
    pub struct_size: u32,
    /// The host gives up after this long without an answer. The engine's own deadline is earlier.
    pub timeout_ms: u32,
    /// The channel's unique id: `ring-<epoch>-<n>`, unique over nodes and lives.
    pub session: *const c_char,
    /// The agent's name.
    pub agent: *const c_char,
    /// Channel technology, `PJSIP` for example.
    pub tech: *const c_char,
    /// The phone's endpoint.
    pub endpoint: *const c_char,
    /// What the phone shows: digits only, never the customer's.
    pub caller_id: *const c_char,
    /// The campaign's name, for the channel's account code and the phone's display.
    pub account: *const c_char,
}

/// A change of state. Valid during the call of `notice` only. A text that has nothing to say is
/// empty, never NULL.
#[repr(C)]
pub struct OutdialNotice {
    /// sizeof(struct outdial_notice) of the library's build.
    pub struct_size: u32,
    /// One of OUTDIAL_NOTICE_.
    pub kind: u32,
    /// Of a call: the attempt's number in the database.
    pub attempt: u64,
    /// Of a call: the lead's number in the database.
    pub lead: u64,
    /// The leg's id: of a call the current or last one, of an agent that of the call in hand.
    pub leg: *const c_char,
    /// Of an agent: the channel's unique id.
    pub session: *const c_char,
    /// The campaign's name; of an agent that of the call in hand, or of the last one.
    pub campaign: *const c_char,
    /// Of a call: the trunk's name.
    pub trunk: *const c_char,
    /// Of a call: the number as the lead has it.
    pub number: *const c_char,
    /// The agent's name; of a call that of who was chosen for it.
    pub agent: *const c_char,
    /// The state before, by the name that `outdial_field` gives it.
    pub old_state: *const c_char,
    /// The state now. For an attempt that is over: its outcome.
    pub state: *const c_char,
    /// Of an agent: the pause code.
    pub pause: *const c_char,
    /// Of a call that is over: why, in a few words.
    pub reason: *const c_char,
    /// Of a call: 1 if it is over, else 0.
    pub over: u32,
    /// Of a call that is over: SIP status of the final response, 0 for none.
    pub sip_status: i32,
    /// Of a call that is over: Q.850 cause, 0 for none.
    pub q850: i32,
}

/// How busy the host's pool is.
#[repr(C)]
#[derive(Default)]
pub struct OutdialHostLoad {
    /// sizeof(struct outdial_host_load) of the library's build.
    pub struct_size: u32,
    /// Jobs waiting for a thread.
    pub waiting: u32,
    /// Jobs being worked on.
    pub running: u32,
    /// How long the oldest waiting job has waited, in ms.
    pub oldest_ms: u32,
}

/// What the engine asks of the host.
///
/// Thread: every function is called from the engine's pump thread only, one at a time, between
/// `outdial_start` and the return of `outdial_stop`; `log` and `on_fault` also from the engine's
/// other threads, and from the thread that calls `outdial_new`.
/// Each one enqueues and returns: it must not wait, dial, take a channel lock or call back into
/// the library, except for `outdial_post`.
/// Lifetime: `outdial_new` copies the struct; what `ctx` points at outlives `outdial_stop`.
/// No function may be NULL but `notice` and `leave_message`. A struct of ABI 1.0 ends before `ring`, one
/// of 1.1 before `notice`, one of 1.2 before `leave_message`: such a host is never asked for these.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OutdialHost {
    /// OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR of the host's build.
    pub abi_version: u32,
    /// sizeof(struct outdial_host) of the host's build.
    pub struct_size: u32,
    /// Passed to every function.
    pub ctx: *mut c_void,
    /// Dials. OUTDIAL_OK: accepted, and exactly one OUTDIAL_EVENT_LEG_ENDED will follow.
    /// Anything else: refused, and nothing follows.
    pub originate:
        Option<unsafe extern "C" fn(ctx: *mut c_void, request: *const OutdialOriginate) -> i32>,
    /// Brings the agent to the customer. OUTDIAL_EVENT_LEG_BRIDGED or _CONNECT_FAILED follows.
    pub connect:
        Option<unsafe extern "C" fn(ctx: *mut c_void, leg: *const c_char, session: *const c_char)>,
    /// Plays a sound to a customer who waits or talks. OUTDIAL_EVENT_LEG_PLAYED follows.
    pub play:
        Option<unsafe extern "C" fn(ctx: *mut c_void, leg: *const c_char, sound: *const c_char)>,
    /// Lets a customer go on in the dialplan: at the place given, or behind OutdialConnect where
    /// `context` is NULL. OUTDIAL_EVENT_LEG_RELEASED follows.
    pub release: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            leg: *const c_char,
            context: *const c_char,
            exten: *const c_char,
            priority: u32,
        ),
    >,
    /// Ends a leg, ringing or answered. OUTDIAL_EVENT_LEG_ENDED follows. A leg that the host does
    /// not know: nothing happens.
    pub hangup: Option<unsafe extern "C" fn(ctx: *mut c_void, leg: *const c_char, q850: u32)>,
    /// Lets an agent's channel go: logs him off, or puts a phone that was rung on hook; `why` is one
    /// of OUTDIAL_DISMISS_. OUTDIAL_EVENT_SESSION_GONE follows.
    pub dismiss: Option<unsafe extern "C" fn(ctx: *mut c_void, session: *const c_char, why: u32)>,
    /// Asks whether the PBX has a thing; `what` is one of OUTDIAL_PROBE_.
    /// OUTDIAL_EVENT_PROBED with the same `request` follows.
    pub probe: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            request: u64,
            what: u32,
            first: *const c_char,
            second: *const c_char,
            number: u32,
        ),
    >,
    /// Calls `visit` for each leg and each session that the host's own registry holds, during the
    /// call. `session` is 1 for a session, 0 for a leg. Must not scan the PBX's channels.
    pub visit_live: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            visit: unsafe extern "C" fn(visitor: *mut c_void, id: *const c_char, session: i32),
            visitor: *mut c_void,
        ),
    >,
    /// Fills `load`.
    pub load: Option<unsafe extern "C" fn(ctx: *mut c_void, load: *mut OutdialHostLoad)>,
    /// A line for the PBX's log. No number or name is in it above OUTDIAL_LOG_DEBUG.
    pub log: Option<unsafe extern "C" fn(ctx: *mut c_void, level: u32, text: *const c_char)>,
    /// The engine is poisoned: a panic was caught. It has stopped dialing; live calls are the
    /// host's to finish. Called once.
    pub on_fault: Option<unsafe extern "C" fn(ctx: *mut c_void, text: *const c_char)>,
    /// Rings an agent's phone. OUTDIAL_OK: accepted, and exactly one OUTDIAL_EVENT_SESSION_GONE
    /// will follow; when it is answered, OUTDIAL_EVENT_SESSION_WAITING before that, and from then
    /// on the session is like one of OutdialAgent's. `dismiss` ends it, ringing or answered.
    /// Anything else: refused, and nothing follows.
    pub ring: Option<unsafe extern "C" fn(ctx: *mut c_void, request: *const OutdialRing) -> i32>,
    /// A state changed that `outdial_watch` has asked for. In order; nothing depends on it. Since
    /// ABI 1.2; NULL: `outdial_watch` is refused.
    pub notice: Option<unsafe extern "C" fn(ctx: *mut c_void, notice: *const OutdialNotice)>,
    /// Leaves a message on a machine: as `play`, but begins when the machine records, which is after
    /// its beep, or after a silence where it has none. The host gives up on one that never comes to
    /// that: OUTDIAL_EVENT_LEG_PLAYED with 0. Since ABI 1.3; NULL: `play` is called.
    pub leave_message:
        Option<unsafe extern "C" fn(ctx: *mut c_void, leg: *const c_char, sound: *const c_char)>,
}

/// Settings of `outdial_new`.
#[repr(C)]
pub struct OutdialSettings {
    /// sizeof(struct outdial_settings) of the host's build.
    pub struct_size: u32,
    /// Legs of this node are named `<node>-...`: 1 to 32 of A-Z a-z 0-9 _ . (no `-`).
    pub node: *const c_char,
    /// Path of the sidecar's socket.
    pub socket: *const c_char,
    /// Folder of the journal; made if missing. One engine at a time.
    pub journal: *const c_char,
    /// The PBX and its version, for `outdial doctor`.
    pub pbx: *const c_char,
    /// The journal grows to this many bytes; then nothing more is dialed until the sidecar has
    /// acknowledged. 0: 256 MiB.
    pub journal_bytes: u64,
    /// 1: calls that this host places reach nobody, as those of a simulated PBX. It is handed test
    /// campaigns only. 0, or a struct of ABI 1.0, which ends before: a real PBX, which never is.
    pub test_host: u32,
}

/// What came of a call.
#[repr(C)]
pub struct OutdialDisposition {
    /// sizeof(struct outdial_disposition) of the host's build.
    pub struct_size: u32,
    /// 1: the callback is for the same agent; 0: for anybody.
    pub callback_personal: u32,
    /// One of the operator's codes.
    pub code: *const c_char,
    /// When to call back, for codes that are a callback: `2026-12-01T15:00`, the lead's own time,
    /// with an offset, or `+2h`, from now. NULL or empty: no callback.
    pub callback_at: *const c_char,
    /// What the agent wrote down; NULL or empty: nothing.
    pub note: *const c_char,
}

/// Counters of an engine.
#[repr(C)]
#[derive(Default)]
pub struct OutdialStats {
    /// sizeof(struct outdial_stats) of the host's build; set by the caller.
    pub struct_size: u32,
    /// 1 after a caught panic.
    pub poisoned: u32,
    /// 1 while draining.
    pub draining: u32,
    /// 1 while the sidecar is connected.
    pub linked: u32,
    /// Attempts live.
    pub live_attempts: u64,
    /// Agents' channels: those who called in, and phones that ring or talk.
    pub sessions: u64,
    /// Legs that the host accepted.
    pub legs: u64,
    /// Events taken.
    pub posted: u64,
    /// Events refused because the queue was full.
    pub refused: u64,
    /// Events that named no known leg or session, or made no sense there.
    pub stray: u64,
    /// Age of the pump's last turn, in ms: above 2000 the host must not originate.
    pub heartbeat_age_ms: u64,
    /// From an event's post to the commands that it caused: median, in microseconds.
    pub event_to_command_p50_us: u64,
    /// As above: 99th percentile.
    pub event_to_command_p99_us: u64,
}
