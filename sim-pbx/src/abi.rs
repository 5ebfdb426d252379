//! `include/outdial.h`, as far as this host uses it.
//!
//! Declarations of its own, as every host has them: nothing here is taken from the library's
//! sources. The test below compares them.

use std::ffi::{c_char, c_void};

/// Major version of the ABI that this host was written for.
pub const ABI_MAJOR: u32 = 1;
/// Minor version: the first that knows `ring`, and `test_host`. An older library would take this
/// host for a real PBX.
pub const ABI_MINOR: u32 = 1;

/// `OUTDIAL_OK`.
pub const OK: i32 = 0;
/// `OUTDIAL_E_FULL`.
pub const E_FULL: i32 = 3;

/// `OUTDIAL_EVENT_LEG_PROCEEDING`.
pub const LEG_PROCEEDING: u32 = 1;
/// `OUTDIAL_EVENT_LEG_RINGING`.
pub const LEG_RINGING: u32 = 2;
/// `OUTDIAL_EVENT_LEG_ANSWERED`.
pub const LEG_ANSWERED: u32 = 4;
/// `OUTDIAL_EVENT_LEG_READY`.
pub const LEG_READY: u32 = 5;
/// `OUTDIAL_EVENT_LEG_BRIDGED`.
pub const LEG_BRIDGED: u32 = 6;
/// `OUTDIAL_EVENT_LEG_CONNECT_FAILED`.
pub const LEG_CONNECT_FAILED: u32 = 7;
/// `OUTDIAL_EVENT_LEG_PLAYED`.
pub const LEG_PLAYED: u32 = 8;
/// `OUTDIAL_EVENT_LEG_RELEASED`.
pub const LEG_RELEASED: u32 = 9;
/// `OUTDIAL_EVENT_LEG_ENDED`.
pub const LEG_ENDED: u32 = 10;
/// `OUTDIAL_EVENT_SESSION_ENTERED`.
pub const SESSION_ENTERED: u32 = 20;
/// `OUTDIAL_EVENT_SESSION_WAITING`.
pub const SESSION_WAITING: u32 = 21;
/// `OUTDIAL_EVENT_SESSION_GONE`.
pub const SESSION_GONE: u32 = 22;
/// `OUTDIAL_EVENT_PROBED`.
pub const PROBED: u32 = 30;

/// `OUTDIAL_VERDICT_NONE`.
pub const VERDICT_NONE: i32 = 0;
/// `OUTDIAL_VERDICT_HUMAN`.
pub const VERDICT_HUMAN: i32 = 1;
/// `OUTDIAL_VERDICT_MACHINE`.
pub const VERDICT_MACHINE: i32 = 2;
/// `OUTDIAL_VERDICT_UNKNOWN`.
pub const VERDICT_UNKNOWN: i32 = 3;

/// `OUTDIAL_DISMISS_LOGGED_OFF`.
pub const DISMISS_LOGGED_OFF: u32 = 4;

/// `OUTDIAL_LOG_INFO`.
pub const LOG_INFO: u32 = 20;
/// `OUTDIAL_LOG_WARN`.
pub const LOG_WARN: u32 = 30;
/// `OUTDIAL_LOG_ERROR`.
pub const LOG_ERROR: u32 = 40;

/// `struct outdial_event`.
#[repr(C)]
pub struct Event {
    pub struct_size: u32,
    pub kind: u32,
    pub id: *const c_char,
    pub other: *const c_char,
    pub request: u64,
    pub value: i32,
    pub sip_status: i32,
    pub q850: i32,
}

/// `struct outdial_originate`.
#[repr(C)]
pub struct Originate {
    pub struct_size: u32,
    pub timeout_ms: u32,
    pub leg: *const c_char,
    pub tech: *const c_char,
    pub endpoint: *const c_char,
    pub number: *const c_char,
    pub caller_id: *const c_char,
    pub account: *const c_char,
    pub context: *const c_char,
    pub exten: *const c_char,
    pub priority: u32,
}

/// `struct outdial_host_load`.
#[repr(C)]
pub struct HostLoad {
    pub struct_size: u32,
    pub waiting: u32,
    pub running: u32,
    pub oldest_ms: u32,
}

/// What `visit_live` calls for each leg and session.
pub type Visit = unsafe extern "C" fn(visitor: *mut c_void, id: *const c_char, session: i32);

/// `struct outdial_ring`.
#[repr(C)]
pub struct Ring {
    pub struct_size: u32,
    pub timeout_ms: u32,
    pub session: *const c_char,
    pub agent: *const c_char,
    pub tech: *const c_char,
    pub endpoint: *const c_char,
    pub caller_id: *const c_char,
    pub account: *const c_char,
}

/// `struct outdial_host`.
#[repr(C)]
pub struct Host {
    pub abi_version: u32,
    pub struct_size: u32,
    pub ctx: *mut c_void,
    pub originate: unsafe extern "C" fn(*mut c_void, *const Originate) -> i32,
    pub connect: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char),
    pub play: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char),
    pub release:
        unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *const c_char, u32),
    pub hangup: unsafe extern "C" fn(*mut c_void, *const c_char, u32),
    pub dismiss: unsafe extern "C" fn(*mut c_void, *const c_char, u32),
    pub probe: unsafe extern "C" fn(*mut c_void, u64, u32, *const c_char, *const c_char, u32),
    pub visit_live: unsafe extern "C" fn(*mut c_void, Visit, *mut c_void),
    pub load: unsafe extern "C" fn(*mut c_void, *mut HostLoad),
    pub log: unsafe extern "C" fn(*mut c_void, u32, *const c_char),
    pub on_fault: unsafe extern "C" fn(*mut c_void, *const c_char),
    pub ring: unsafe extern "C" fn(*mut c_void, *const Ring) -> i32,
}

/// `struct outdial_settings`.
#[repr(C)]
pub struct Settings {
    pub struct_size: u32,
    pub node: *const c_char,
    pub socket: *const c_char,
    pub journal: *const c_char,
    pub pbx: *const c_char,
    pub journal_bytes: u64,
    pub test_host: u32,
}

/// `struct outdial_stats`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    pub struct_size: u32,
    pub poisoned: u32,
    pub draining: u32,
    pub linked: u32,
    pub live_attempts: u64,
    pub sessions: u64,
    pub legs: u64,
    pub posted: u64,
    pub refused: u64,
    pub stray: u64,
    pub heartbeat_age_ms: u64,
    pub event_to_command_p50_us: u64,
    pub event_to_command_p99_us: u64,
}

/// `outdial_abi_version`.
pub type AbiVersion = unsafe extern "C" fn() -> u32;
/// `outdial_version`, and `outdial_strerror` but for its argument.
pub type Version = unsafe extern "C" fn() -> *const c_char;
/// `outdial_strerror`.
pub type StrError = unsafe extern "C" fn(i32) -> *const c_char;
/// `outdial_new`.
pub type New =
    unsafe extern "C" fn(*const Host, *const Settings, *mut *mut c_void, *mut c_char, usize) -> i32;
/// `outdial_start` and `outdial_seal`.
pub type Takes = unsafe extern "C" fn(*const c_void) -> i32;
/// `outdial_drain`.
pub type Drain = unsafe extern "C" fn(*const c_void, i32) -> i32;
/// `outdial_stop`.
pub type Stop = unsafe extern "C" fn(*const c_void, u32) -> i32;
/// `outdial_free`.
pub type Free = unsafe extern "C" fn(*mut c_void);
/// `outdial_post`.
pub type Post = unsafe extern "C" fn(*const c_void, *const Event) -> i32;
/// `outdial_stats`.
pub type GetStats = unsafe extern "C" fn(*const c_void, *mut Stats) -> i32;
/// `outdial_heartbeat_age_ms`.
pub type HeartbeatAge = unsafe extern "C" fn(*const c_void) -> u64;

/// The size of a struct, as its first field has it.
pub const fn size<T>() -> u32 {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the structs here are far smaller"
    )]
    {
        size_of::<T>() as u32
    }
}

#[cfg(test)]
mod tests {
    use std::mem::{align_of, offset_of};

    use super::*;

    /// Sizes and places of fields, against the library's own; `tests/abi_layout.rs` compares those
    /// with what a C compiler makes of the header.
    macro_rules! same {
        ($own:ident, $library:ident { $($field:ident),* $(,)? }) => {
            $(assert_eq!(
                offset_of!($own, $field),
                offset_of!(outdial::$library, $field),
                concat!(stringify!($library), ".", stringify!($field))
            );)*
            assert_eq!(align_of::<$own>(), align_of::<outdial::$library>());
            // The library may have grown since.
            assert!(size_of::<$own>() <= size_of::<outdial::$library>());
        };
    }

    #[test]
    fn structs_lie_as_the_header_says() {
        same!(
            Event,
            OutdialEvent {
                struct_size,
                kind,
                id,
                other,
                request,
                value,
                sip_status,
                q850,
            }
        );
        same!(
            Originate,
            OutdialOriginate {
                struct_size,
                timeout_ms,
                leg,
                tech,
                endpoint,
                number,
                caller_id,
                account,
                context,
                exten,
                priority,
            }
        );
        same!(
            HostLoad,
            OutdialHostLoad {
                struct_size,
                waiting,
                running,
                oldest_ms,
            }
        );
        same!(
            Host,
            OutdialHost {
                abi_version,
                struct_size,
                ctx,
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
        );
        same!(
            Ring,
            OutdialRing {
                struct_size,
                timeout_ms,
                session,
                agent,
                tech,
                endpoint,
                caller_id,
                account,
            }
        );
        same!(
            Settings,
            OutdialSettings {
                struct_size,
                node,
                socket,
                journal,
                pbx,
                journal_bytes,
                test_host,
            }
        );
        same!(
            Stats,
            OutdialStats {
                struct_size,
                poisoned,
                draining,
                linked,
                live_attempts,
                sessions,
                legs,
                posted,
                refused,
                stray,
                heartbeat_age_ms,
                event_to_command_p50_us,
                event_to_command_p99_us,
            }
        );
    }

    #[test]
    fn numbers_are_the_headers() {
        assert_eq!(ABI_MAJOR, outdial::OUTDIAL_ABI_MAJOR);
        const { assert!(ABI_MINOR <= outdial::OUTDIAL_ABI_MINOR) };
        assert_eq!([OK, E_FULL], [outdial::OUTDIAL_OK, outdial::OUTDIAL_E_FULL]);
        assert_eq!(
            [
                LEG_PROCEEDING,
                LEG_RINGING,
                LEG_ANSWERED,
                LEG_READY,
                LEG_BRIDGED
            ],
            [
                outdial::OUTDIAL_EVENT_LEG_PROCEEDING,
                outdial::OUTDIAL_EVENT_LEG_RINGING,
                outdial::OUTDIAL_EVENT_LEG_ANSWERED,
                outdial::OUTDIAL_EVENT_LEG_READY,
                outdial::OUTDIAL_EVENT_LEG_BRIDGED,
            ]
        );
        assert_eq!(
            [LEG_CONNECT_FAILED, LEG_PLAYED, LEG_RELEASED, LEG_ENDED],
            [
                outdial::OUTDIAL_EVENT_LEG_CONNECT_FAILED,
                outdial::OUTDIAL_EVENT_LEG_PLAYED,
                outdial::OUTDIAL_EVENT_LEG_RELEASED,
                outdial::OUTDIAL_EVENT_LEG_ENDED,
            ]
        );
        assert_eq!(
            [SESSION_ENTERED, SESSION_WAITING, SESSION_GONE, PROBED],
            [
                outdial::OUTDIAL_EVENT_SESSION_ENTERED,
                outdial::OUTDIAL_EVENT_SESSION_WAITING,
                outdial::OUTDIAL_EVENT_SESSION_GONE,
                outdial::OUTDIAL_EVENT_PROBED,
            ]
        );
        assert_eq!(
            [
                VERDICT_NONE,
                VERDICT_HUMAN,
                VERDICT_MACHINE,
                VERDICT_UNKNOWN
            ],
            [
                outdial::OUTDIAL_VERDICT_NONE,
                outdial::OUTDIAL_VERDICT_HUMAN,
                outdial::OUTDIAL_VERDICT_MACHINE,
                outdial::OUTDIAL_VERDICT_UNKNOWN,
            ]
        );
        assert_eq!(
            [DISMISS_LOGGED_OFF, LOG_INFO, LOG_WARN, LOG_ERROR],
            [
                outdial::OUTDIAL_DISMISS_LOGGED_OFF,
                outdial::OUTDIAL_LOG_INFO,
                outdial::OUTDIAL_LOG_WARN,
                outdial::OUTDIAL_LOG_ERROR,
            ]
        );
    }
}
