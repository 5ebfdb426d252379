//! Every bound of the shell around the engine, in one place.

use std::time::Duration;

/// Events that wait for the pump, terminal ones apart. Above: `OUTDIAL_E_FULL`.
pub(crate) const GENERAL_EVENTS: usize = 16_384;
/// Legs that may be alive at once; each has a slot for its terminal event.
pub(crate) const LEGS: usize = outdial_engine::limits::LIVE_ATTEMPTS + 2_000;
/// Agent sessions that may be alive at once; each has a slot for its terminal event.
pub(crate) const SESSIONS: usize = outdial_engine::limits::AGENTS + 1_000;
/// Locks over which live legs and sessions are spread.
pub(crate) const SHARDS: usize = 64;
/// Inputs from our own threads that wait for the pump.
pub(crate) const INPUTS: usize = 4_096;
/// Events that one turn of the pump takes before it looks at deadlines again.
pub(crate) const EVENTS_PER_TURN: usize = 256;
/// Inputs that one turn of the pump takes.
pub(crate) const INPUTS_PER_TURN: usize = 256;
/// The pump turns at least this often, so that its heartbeat stays young.
pub(crate) const TURN: Duration = Duration::from_millis(250);
/// How long the pump may leave an event that nobody waits for, such as ringing: at most this long
/// it sleeps on, so that one wake-up serves several.
pub(crate) const LAZY: Duration = Duration::from_millis(10);
/// A call may leave this much before or after its time, to share a wake-up of the pump.
pub(crate) const START_SLACK: Duration = Duration::from_millis(10);
/// The PBX's live legs are compared with the engine's this often.
pub(crate) const RECONCILE: Duration = Duration::from_secs(10);
/// Legs and sessions that one reconciliation takes in.
pub(crate) const VISITED: usize = LEGS + SESSIONS;
/// The sidecar gets a snapshot this often.
pub(crate) const SNAPSHOT: Duration = Duration::from_secs(1);
/// The host is asked for its load this often.
pub(crate) const LOAD: Duration = Duration::from_millis(250);

/// Bytes of a channel's unique id, of a session or leg that is (Asterisk allows 149).
pub(crate) const ID_BYTES: usize = 150;
/// Bytes of a node's name.
pub(crate) const NODE_BYTES: usize = 32;
/// Bytes of a path (PATH_MAX), and of the PBX's description.
pub(crate) const PATH_BYTES: usize = 4_096;
/// Bytes of a console line.
pub(crate) const LINE_BYTES: usize = 1_024;
/// Bytes of a log line; longer ones are cut.
pub(crate) const LOG_BYTES: usize = 2_000;

/// Starts that wait for the disk. Above: the originate is refused.
pub(crate) const STARTS_WAITING: usize = 4_096;
/// Jobs that one turn of the journal takes, and so records in one write.
pub(crate) const JOBS_PER_TURN: usize = 1_024;
/// The journal syncs the disk this often at most. A start waits for it, so a call may be placed
/// that much later; one that comes after a pause is synced at once.
pub(crate) const SYNC: Duration = Duration::from_millis(100);
/// A thread that waits for nothing looks at its queue this often all the same.
pub(crate) const IDLE: Duration = Duration::from_secs(60);
/// Records that the sidecar has not acknowledged. Above: nothing more is dialed.
pub(crate) const UNACKNOWLEDGED: u64 = 500_000;
/// The journal's size unless the settings say otherwise.
pub(crate) const JOURNAL_BYTES: u64 = 256 * 1024 * 1024;
/// The smallest size that the settings may ask for.
pub(crate) const JOURNAL_BYTES_MIN: u64 = 64 * 1024;
/// A segment of the journal is closed at this size, or at an eighth of the journal's size.
pub(crate) const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// A segment that is acknowledged whole is replaced from this size on.
pub(crate) const SEGMENT_IDLE_BYTES: u64 = 64 * 1024;
/// Bytes of one record on disk.
pub(crate) const RECORD_BYTES: usize = 64 * 1024;
/// What must fit on the disk before a journal that failed counts as writable again.
pub(crate) const JOURNAL_PROBE_BYTES: usize = 16 * 1024;
/// A journal that failed is tried again this often.
pub(crate) const JOURNAL_RETRY: Duration = Duration::from_secs(1);
/// How long `outdial_seal` waits for the disk.
pub(crate) const SEAL_WAIT: Duration = Duration::from_secs(2);

/// Messages that wait for the sidecar, records apart. Above, they are dropped: each is either
/// repeated by the engine or told again by the next snapshot.
pub(crate) const OUTBOX: usize = 4_096;
/// Bytes encoded but not yet taken by the socket; above, nothing more is encoded.
pub(crate) const OUT_BYTES: usize = 1024 * 1024;
/// Records in one message.
pub(crate) const RECORDS_PER_MESSAGE: usize = 512;
/// The link sends this often at most; what comes after a pause is sent at once.
pub(crate) const SEND: Duration = Duration::from_millis(100);
/// Heartbeats to the sidecar.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(500);
/// First pause before another try to connect; doubled up to [`RECONNECT_MAX`].
pub(crate) const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// Longest pause before another try to connect.
pub(crate) const RECONNECT_MAX: Duration = Duration::from_secs(1);
/// Pause after the sidecar refused us.
pub(crate) const REFUSED_PAUSE: Duration = Duration::from_secs(2);
/// From connecting to the sidecar's welcome.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(5);
/// A sidecar that takes nothing for this long is cut off.
pub(crate) const LINK_STALL: Duration = Duration::from_secs(10);
/// How often a full pump is tried again.
pub(crate) const PUMP_FULL_RETRY: Duration = Duration::from_millis(10);
/// Bytes taken from the socket at once.
pub(crate) const READ_BYTES: usize = 64 * 1024;
/// Inputs for the pump that the link holds while the pump's queue is full; it reads no more then.
pub(crate) const LINK_INBOX: usize = 256;
/// How long a stopping engine waits for the sidecar's last acknowledgement, at most.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// The console waits this long for the pump.
pub(crate) const CONSOLE_PUMP: Duration = Duration::from_secs(2);
/// The console waits this long for the sidecar.
pub(crate) const CONSOLE_SIDECAR: Duration = Duration::from_secs(5);
/// Commands and requests that wait for the sidecar at once.
pub(crate) const REQUESTS_WAITING: usize = 256;
/// Orders that wait for the link's thread.
pub(crate) const ORDERS: usize = 16;
/// Legs whose lead's columns are kept; those of others are asked for each time.
pub(crate) const LEGS_WITH_COLUMNS: usize = 4096;
/// Columns that a lead can be added with.
pub(crate) const COLUMNS: usize = 64;
/// Bytes of a PIN; the sidecar says how long it may be.
pub(crate) const PIN_BYTES: usize = 32;
/// Bytes of a column's value, and of a note.
pub(crate) const VALUE_BYTES: usize = 4096;
/// Leases that are named to a sidecar that comes back.
pub(crate) const LEASES: usize = outdial_engine::limits::LEASES;
