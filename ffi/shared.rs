//! What the threads of one engine share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use outdial_engine::{Level, Tick};

use crate::clock::Clock;
use crate::columns;
use crate::histogram::Histogram;
use crate::host::Host;
use crate::journal;
use crate::link::Outbox;
use crate::pump::Mailbox;
use crate::requests::Waiting;
use crate::slots::Slots;

/// Shared by the handle and the threads.
pub(crate) struct Shared {
    pub(crate) host: Host,
    pub(crate) node: Box<str>,
    pub(crate) pbx: Box<str>,
    /// Calls reach nobody.
    pub(crate) test_host: bool,
    /// Drawn at random for each engine.
    pub(crate) instance: u64,
    pub(crate) clock: Clock,
    pub(crate) slots: Slots,
    pub(crate) flags: Flags,
    pub(crate) counters: Counters,
    pub(crate) latency: Histogram,
    /// To the pump.
    pub(crate) mailbox: Mailbox,
    /// To the journal.
    pub(crate) journal: journal::Queue,
    /// To the link.
    pub(crate) outbox: Outbox,
    /// Leases in hand, a second old at most.
    leases: Mutex<Vec<u64>>,
    /// Questions to the sidecar.
    pub(crate) waiting: Waiting,
    /// Columns of live legs' leads.
    pub(crate) columns: columns::Cache,
}

/// States that every thread sees.
#[derive(Default)]
pub(crate) struct Flags {
    /// Started and not stopped: events are taken.
    pub(crate) accepting: AtomicBool,
    pub(crate) poisoned: AtomicBool,
    /// The process is about to end: nothing more is dialed or written.
    pub(crate) sealed: AtomicBool,
    pub(crate) draining: AtomicBool,
    pub(crate) linked: AtomicBool,
    pub(crate) journal_unwritable: AtomicBool,
    /// Of which changes of state the host is told: OUTDIAL_WATCH_.
    pub(crate) watch: AtomicU32,
}

/// Figures that every thread sees.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) posted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) stray: AtomicU64,
    /// As above, found by the engine.
    pub(crate) stray_in_engine: AtomicU64,
    pub(crate) legs: AtomicU64,
    pub(crate) live_attempts: AtomicU64,
    /// Records that the sidecar has not acknowledged.
    pub(crate) backlog: AtomicU64,
    /// Starts that wait for the disk.
    pub(crate) starts_waiting: AtomicU64,
    /// Tick of the pump's last turn; 0 before the first one.
    pub(crate) beat: AtomicU64,
    /// Tick at which the pump should be at work; what is later is overdue.
    pub(crate) due: AtomicU64,
    pub(crate) pool_jobs: AtomicU32,
    pub(crate) pool_oldest_ms: AtomicU32,
}

/// What [`Shared::new`] needs.
pub(crate) struct Parts {
    pub(crate) host: Host,
    pub(crate) node: Box<str>,
    pub(crate) pbx: Box<str>,
    pub(crate) test_host: bool,
    pub(crate) instance: u64,
    pub(crate) mailbox: Mailbox,
    pub(crate) journal: journal::Queue,
    pub(crate) outbox: Outbox,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Shared {
        Shared {
            host: parts.host,
            node: parts.node,
            pbx: parts.pbx,
            test_host: parts.test_host,
            instance: parts.instance,
            clock: Clock::new(),
            slots: Slots::new(),
            flags: Flags::default(),
            counters: Counters::default(),
            latency: Histogram::new(),
            mailbox: parts.mailbox,
            journal: parts.journal,
            outbox: parts.outbox,
            leases: Mutex::default(),
            waiting: Waiting::default(),
            columns: columns::Cache::default(),
        }
    }

    /// The first panic was caught: dialing ends here, live calls are the host's.
    pub(crate) fn poison(&self, what: &str, text: &str) {
        if self.flags.poisoned.swap(true, Ordering::AcqRel) {
            return;
        }
        let text = format!(
            "outdial: internal error in {what}: {text}. Dialing has stopped; live calls go on. \
             Restart the PBX to dial again."
        );
        self.host.log(Level::Error, &text);
        self.host.on_fault(&text);
        self.mailbox.ring();
        self.outbox.wake();
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.flags.poisoned.load(Ordering::Acquire)
    }

    /// Started and not stopped.
    pub(crate) fn is_running(&self) -> bool {
        self.flags.accepting.load(Ordering::Acquire)
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.flags.sealed.load(Ordering::Acquire)
    }

    pub(crate) fn log(&self, level: Level, text: &str) {
        self.host.log(level, text);
    }

    /// Age of the pump's last turn, in ms; as old as can be when it can't turn any more.
    pub(crate) fn heartbeat_age_ms(&self) -> u64 {
        let beat = self.counters.beat.load(Ordering::Acquire);
        if beat == 0 || self.is_poisoned() {
            return u64::MAX;
        }
        (self.clock.tick() - Tick(beat)).as_ms()
    }

    /// How late the pump is with what is due, in ms.
    pub(crate) fn overdue_ms(&self) -> u64 {
        let due = self.counters.due.load(Ordering::Acquire);
        if due == 0 {
            return 0;
        }
        (self.clock.tick() - Tick(due)).as_ms()
    }

    pub(crate) fn leases(&self) -> MutexGuard<'_, Vec<u64>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
