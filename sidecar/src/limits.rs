//! Every bound of the sidecar, in one place.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Leads handed out for one request of the engine.
pub const LEASES_PER_REQUEST: u32 = 2_000;
/// How long a lease lasts unless it is renewed.
pub const LEASE_TTL: Duration = Duration::from_secs(120);
/// Leases in hand are renewed this often.
pub const LEASE_RENEW: Duration = Duration::from_secs(30);
/// Leases renewed by one statement.
pub const LEASE_RENEW_BATCH: usize = 10_000;
/// Expired leases are looked for this often, and so many are freed by one statement.
pub const RECLAIM_INTERVAL: Duration = Duration::from_secs(5);
/// A lease of another node is freed this long after it expired, and no sooner: the node may have
/// dialed it while its sidecar was gone, and only its journal knows. No call lasts longer.
pub const RECLAIM_OTHERS_AFTER: Duration = Duration::from_secs(4 * 3600);
/// See [`RECLAIM_INTERVAL`].
pub const RECLAIM_BATCH: i64 = 5_000;
/// The engine is told to ask again after this long at the latest, because leads may be added.
pub const NEXT_DUE_MAX: Duration = Duration::from_secs(30);
/// Pairs of time zone and priority looked at for one lease request.
pub const LEASE_GROUPS: i64 = 5_000;
/// Leads of their own that one agent has in hand at most, of each campaign.
pub const OWN_LEADS_IN_HAND: i64 = 2;
/// Callbacks that are due are brought to the engine this often, asked for or not.
pub const CALLBACK_PUSH: Duration = Duration::from_secs(2);
/// So many at once.
pub const CALLBACKS_PUSHED: u32 = 50;
/// A callback lies at most so many days ahead.
pub const CALLBACK_DAYS: i64 = 366;
/// Characters of a note.
pub const NOTE_CHARS: usize = 500;
/// An agent's call may be given a disposition for so many days after its end.
pub const DISPOSITION_DAYS: i32 = 7;
/// Digits of an agent's PIN.
pub const PIN_DIGITS: RangeInclusive<usize> = 4..=12;
/// So many wrong PINs of an agent in a row, within [`PIN_TRIES_WITHIN`], lock the agent.
pub const PIN_TRIES: i32 = 5;
/// See [`PIN_TRIES`].
pub const PIN_TRIES_WITHIN: Duration = Duration::from_secs(15 * 60);
/// So long.
pub const PIN_LOCKED_FOR: Duration = Duration::from_secs(15 * 60);
/// PINs compared at once; each takes 19 MiB and some 20 ms of a processor.
pub const PINS_AT_ONCE: usize = 2;
/// A lead whose number is claimed by another lease is looked at again after this long.
pub const CLAIMED_RETRY_SECONDS: i32 = 60;
/// A lead whose numbers reached their daily cap is looked at again after this long.
pub const CAPPED_RETRY_SECONDS: i32 = 3_600;

/// Records committed in one transaction.
pub const RECORDS_PER_BATCH: usize = 1_000;
/// Records are gathered this long before they are committed.
pub const RECORDS_GATHER: Duration = Duration::from_millis(200);
/// Frames of records that wait for PostgreSQL. What comes on top is not read into memory: the
/// journal inside the PBX holds it and sends it again.
pub const RECORD_FRAMES_WAITING: usize = 512;
/// Records waiting for PostgreSQL, over all frames.
pub const RECORDS_WAITING: usize = 50_000;
/// Tries of a batch that fails for a passing reason before the connection is given up.
pub const DEADLOCK_TRIES: u32 = 5;

/// Requests of the engine that wait for the lease thread.
pub const LEASE_JOBS_WAITING: usize = 4_096;
/// Requests of the control socket that wait for a database thread.
pub const STORE_JOBS_WAITING: usize = 256;
/// Threads, each with a connection, that serve the control socket and the health check.
pub const STORE_THREADS: usize = 2;
/// Messages to the engine that wait for its socket.
pub const LINK_OUT_WAITING: usize = 8_192;
/// Bytes read from the link at once.
pub const LINK_READ_BYTES: usize = 64 * 1024;
/// Connections of the link at once, accepted or being refused.
pub const LINK_CONNECTIONS: usize = 8;
/// A connection that has not said hello by then is closed.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// Welcoming an engine takes an epoch from PostgreSQL; after this long it is refused.
pub const WELCOME_TIMEOUT: Duration = Duration::from_secs(5);
/// What the PBX's console and dialplan ask for: carried out at once, the others wait.
pub const REQUESTS: usize = 8;
/// Questions to the engine that have no answer yet.
pub const ASKS_OPEN: usize = 64;
/// Steps of a test call that wait to be read.
pub const ASK_STEPS: usize = 64;
/// The engine answers a check within this time.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// A test call ends within this time.
pub const TEST_CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// Refusals of configuration that are remembered.
pub const REFUSALS: usize = 256;
/// Characters of a text from the PBX that are kept.
pub const TEXT_CHARS: usize = 500;

/// A heartbeat older than this means that the module is gone or stuck.
pub const HEARTBEAT_STALE: Duration = Duration::from_secs(2);
/// A pump that is later than this is stalled.
pub const PUMP_OVERDUE_MS: u32 = 2_000;
/// A job that waits longer in the originate pool means that it is stalled.
pub const POOL_OLDEST_MS: u32 = 5_000;
/// The database counts as reachable when it answered this recently.
pub const DATABASE_STALE: Duration = Duration::from_secs(5);

/// The change counter is read this often where no notification arrives.
pub const CONFIG_POLL: Duration = Duration::from_millis(500);
/// Wake-ups that wait for the configuration thread.
pub const CONFIG_POKES: usize = 64;
/// The listening connection is checked this often.
pub const LISTEN_WAIT: Duration = Duration::from_secs(1);
/// Snapshots reach their tables at most this often.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);
/// A timer that fired or was cancelled is shown for this many seconds.
pub const TIMERS_KEPT_SECONDS: i32 = 60;

/// First and longest pause between two tries to reach PostgreSQL.
pub const RECONNECT_FIRST: Duration = Duration::from_millis(100);
/// See [`RECONNECT_FIRST`].
pub const RECONNECT_MAX: Duration = Duration::from_secs(2);
/// A try to reach PostgreSQL ends after this long.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// At start-up PostgreSQL is waited for this long.
pub const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The private PostgreSQL is looked at this often.
pub const PRIVATE_PG_CHECK: Duration = Duration::from_millis(500);
/// The sidecar writes that it is alive this often; another host may take the node's name over
/// when that is older than [`HOLDER_STALE_SECONDS`].
pub const NODE_SEEN: Duration = Duration::from_secs(5);
/// See [`NODE_SEEN`].
pub const HOLDER_STALE_SECONDS: i32 = 20;
/// Months of partitions made ahead.
pub const PARTITIONS_AHEAD: i32 = 3;
/// Partitions and orphaned claims are looked after this often.
pub const HOURLY: Duration = Duration::from_secs(3_600);
/// On shutdown, records in hand are committed for this long.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a JSON request on the control socket.
pub const REQUEST_BYTES: usize = 1024 * 1024;
/// Imports at once.
pub const IMPORTS: usize = 2;
/// Bytes of one line of an imported file.
pub const IMPORT_LINE_BYTES: usize = 64 * 1024;
/// Columns of an imported file.
pub const IMPORT_COLUMNS: usize = 200;
/// Leads written at once.
pub const IMPORT_CHUNK_ROWS: usize = 10_000;
/// Bytes of leads written at once.
pub const IMPORT_CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Pieces of an uploaded file that wait to be parsed.
pub const IMPORT_PIECES: usize = 16;
/// Lines of the report that wait to be read.
pub const IMPORT_REPORTS: usize = 1_024;
/// Numbers of one lead; the engine takes no more.
pub const NUMBERS_PER_LEAD: usize = 10;
/// Numbers in one do-not-call request.
pub const DNC_PER_REQUEST: usize = 10_000;
/// Countries whose national numbers a caller's number is compared with.
pub const CALLER_COUNTRIES: usize = 16;
/// Days back from now whose attempts a campaign's statistics are made of.
pub const STATISTICS_DAYS: i32 = 30;
/// Rows of a listing.
pub const LIST_ROWS: i64 = 10_000;
/// An agent who asks for more wrap-up time gets so much, unless they say how much, in ms.
pub const WRAP_UP_EXTENSION_MS: u32 = 30_000;

/// Dials that a campaign must have made before a simulation may take after it.
pub const SIMULATE_DIALS: u64 = 200;
/// Agents of a simulated team.
pub const SIMULATE_AGENTS: u32 = 2_000;
/// Simulated shifts of each mode.
pub const SIMULATE_RUNS: u32 = 100;
/// Modes compared at once.
pub const SIMULATE_MODES: usize = 12;
/// Bytes of a simulated campaign's file.
pub const SIMULATE_FILE_BYTES: u64 = 1024 * 1024;
