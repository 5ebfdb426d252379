//! Bounds and durations of the simulated PBX.

use std::time::Duration;

/// Legs live at once; above, `originate` is refused as by a PBX that is full.
pub const LEGS: usize = 50_000;
/// Agents.
pub const AGENTS: usize = 10_000;
/// Numbers of which it is remembered how often they were dialed.
pub const NUMBERS: usize = 2_000_000;
/// The engine's heartbeat may be so old; above, nothing is dialed.
pub const HEARTBEAT_MS: u64 = 2_000;
/// Happenings that are worked off before their events are posted.
pub const BATCH: usize = 256;
/// Lines of the log that may wait to be written; what comes then is dropped.
pub const NOTES: usize = 4_096;
/// The carrier says so fast that it has taken a call.
pub const PROCEEDING: Duration = Duration::from_millis(20);
/// The carrier says so fast that it is full.
pub const REFUSAL: Duration = Duration::from_millis(30);
/// An agent is back in the waiting bridge so long after a call.
pub const BACK: Duration = Duration::from_millis(1);
/// Between two agents' first log-ins.
pub const LOG_IN_SPACING: Duration = Duration::from_millis(5);
/// An agent who was turned away, or was cut off, tries again.
pub const LOG_IN_AGAIN: Duration = Duration::from_secs(3);
/// An agent whom a supervisor logged off comes back.
pub const LOGGED_OFF: Duration = Duration::from_secs(30);
/// A phone that is picked up rings between this and that.
pub const PHONE_PICKED_UP: (Duration, Duration) =
    (Duration::from_millis(300), Duration::from_millis(3_000));
/// The safe-harbour message.
pub const MESSAGE: Duration = Duration::from_secs(5);
/// A machine talks to an agent so long before the agent hangs up.
pub const MACHINE_TALK: Duration = Duration::from_secs(5);
/// The most that a late event is late.
pub const LATE: Duration = Duration::from_secs(2);
/// Legs and sessions that were ended by force are gone after this.
pub const FORCED: Duration = Duration::from_secs(5);
/// `outdial_stop` may take so long.
pub const STOP_MS: u32 = 5_000;
/// Between two looks while draining.
pub const DRAIN_LOOK: Duration = Duration::from_millis(50);
/// Between two lines of progress on a terminal.
pub const PROGRESS: Duration = Duration::from_secs(1);
/// Between two lines of progress elsewhere.
pub const PROGRESS_LINE: Duration = Duration::from_secs(5);
