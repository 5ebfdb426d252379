//! The journal: what must survive a crash, on disk before it counts.
//!
//! One thread writes records, an answer at once, and syncs them in groups. What is written
//! survives the end of the process; what is synced survives the end of the machine too, and only
//! then a call is placed or the sidecar told. A start that can't be recorded is refused, so its
//! call is never placed; every other record is kept in memory until it can be written, and goes to
//! the sidecar all the same.

mod file;
mod recover;
mod scan;
mod segment;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam::channel::{Receiver, Sender, unbounded};
use outdial_engine::Level;
use outdial_link::{Numbered, Record};

pub(crate) use file::{Found, Store};

use crate::bell::Bell;
use crate::clock::Clock;
use crate::limits;
use crate::pump::Input;
use crate::shared::Shared;

/// Work for the journal's thread.
pub(crate) enum Job {
    /// Write this; `token` grows by one with each record.
    Append { token: u64, record: Record },
    /// The sidecar has everything up to here.
    Acknowledged(u64),
    /// Say when all that came before is written.
    Flush(Sender<()>),
    /// Write, close, write no more.
    Seal(Sender<()>),
    /// End the thread.
    Stop,
    /// Panic, on purpose.
    #[cfg(feature = "fault-injection")]
    Panic,
}

/// What the pump is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Every record up to this token that was not refused is on disk.
    Durable(u64),
    /// This start was not recorded.
    Refused(u64),
    /// The journal can be written, or not.
    Writable(bool),
}

/// Where the other threads leave jobs.
pub(crate) struct Queue {
    jobs: Sender<Job>,
    bell: Bell,
}

/// Makes both ends of the queue. It is bounded by `limits::STARTS_WAITING`, and by four more
/// records for each live attempt.
pub(crate) fn queue() -> (Queue, Receiver<Job>) {
    let (jobs, receiver) = unbounded();
    let bell = Bell::default();
    (Queue { jobs, bell }, receiver)
}

impl Queue {
    /// Leaves a job. After the thread's end nothing comes of it.
    pub(crate) fn send(&self, clock: Clock, job: Job) {
        let waits = match &job {
            // Who has answered is not called again, even if the process ends now.
            Job::Append {
                record: Record::Answered { .. },
                ..
            } => false,
            Job::Append { .. } | Job::Acknowledged(_) => true,
            Job::Flush(_) | Job::Seal(_) | Job::Stop => false,
            #[cfg(feature = "fault-injection")]
            Job::Panic => false,
        };
        drop(self.jobs.send(job));
        if waits {
            self.bell.ring_within(clock.tick(), limits::SYNC);
        } else {
            self.bell.ring();
        }
    }
}

/// The journal's thread.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    jobs: Receiver<Job>,
    store: Option<Store>,
    next_seq: u64,
    /// Written, with their tokens, but not synced.
    written: Vec<(u64, Numbered)>,
    /// Numbered and sent, but not on disk.
    unwritten: Vec<Numbered>,
    /// The sidecar has everything up to here, and the store does not know it yet.
    acknowledged: Option<u64>,
    /// No sync before this.
    sync_at: Instant,
    writable: bool,
    retry_at: Option<Instant>,
}

impl Journal {
    pub(crate) fn new(shared: Arc<Shared>, jobs: Receiver<Job>, store: Store) -> Journal {
        Journal {
            shared,
            jobs,
            next_seq: store.next_seq(),
            store: Some(store),
            written: Vec::new(),
            unwritten: Vec::new(),
            acknowledged: None,
            sync_at: Instant::now(),
            writable: true,
            retry_at: None,
        }
    }

    pub(crate) fn run(mut self) {
        loop {
            if self.turn() {
                return;
            }
            let now = Instant::now();
            if now >= self.sync_at {
                self.sync();
                self.forget_acknowledged();
            }
            if self.retry_at.is_some_and(|at| at <= now) {
                self.retry();
            }
            self.wait();
        }
    }

    /// Works off what is queued. `true`: the thread ends.
    fn turn(&mut self) -> bool {
        let mut batch = Vec::new();
        for _ in 0..limits::JOBS_PER_TURN {
            let Ok(job) = self.jobs.try_recv() else {
                break;
            };
            match job {
                Job::Append { token, record } => batch.push((token, record)),
                Job::Acknowledged(seq) => self.acknowledged = Some(seq),
                Job::Flush(done) => {
                    self.append(std::mem::take(&mut batch));
                    self.sync();
                    let _ = done.try_send(());
                }
                Job::Seal(done) => {
                    self.append(std::mem::take(&mut batch));
                    self.sync();
                    self.store = None;
                    let _ = done.try_send(());
                }
                Job::Stop => {
                    self.append(std::mem::take(&mut batch));
                    self.sync();
                    self.forget_acknowledged();
                    return true;
                }
                #[cfg(feature = "fault-injection")]
                Job::Panic => panic!("injected"),
            }
        }
        self.append(batch);
        false
    }

    /// Sleeps until there is something to do.
    fn wait(&self) {
        let now = Instant::now();
        // Also when there is nothing to sync yet: what comes until then needs no wake-up.
        let mut until = if now < self.sync_at {
            self.sync_at
        } else {
            now + limits::IDLE
        };
        if let Some(at) = self.retry_at {
            until = until.min(at);
        }
        let idle = || self.jobs.is_empty();
        self.shared
            .journal
            .bell
            .sleep(self.shared.clock, until, idle);
    }

    /// Writes, or refuses the starts and keeps the rest.
    fn append(&mut self, batch: Vec<(u64, Record)>) {
        if batch.is_empty() {
            return;
        }
        if let Some(why) = self.holds_back() {
            self.unwritable(&why);
        } else if self.writable && self.unwritten.is_empty() {
            let records = self.number(batch.iter().map(|(_, record)| record.clone()));
            match self
                .store
                .as_mut()
                .map_or_else(sealed, |store| store.append(&records))
            {
                Ok(()) => {
                    let tokens = batch.iter().map(|(token, _)| *token);
                    self.written.extend(tokens.zip(records));
                    return;
                }
                Err(error) => {
                    self.next_seq -= count(records.len());
                    self.unwritable(&error.to_string());
                }
            }
        }
        // What was written before keeps its place before these.
        self.sync();
        self.refuse_starts(batch);
    }

    /// Makes what was written last: only now it counts.
    fn sync(&mut self) {
        let Some(&(last, _)) = self.written.last() else {
            return;
        };
        let synced = self.store.as_mut().map_or_else(sealed, Store::sync);
        self.sync_at = Instant::now() + limits::SYNC;
        let written = std::mem::take(&mut self.written);
        match synced {
            Ok(()) => {
                let starts = written.iter().filter(|(_, n)| is_start(&n.record)).count();
                self.hand_over(written.into_iter().map(|(_, numbered)| numbered).collect());
                self.starts_done(starts);
                self.tell(Notice::Durable(last));
            }
            Err(error) => {
                self.next_seq -= count(written.len());
                self.unwritable(&error.to_string());
                let batch = written.into_iter().map(|(token, n)| (token, n.record));
                self.refuse_starts(batch.collect());
            }
        }
    }

    /// The disk is out: starts are refused, the rest is kept and sent.
    fn refuse_starts(&mut self, batch: Vec<(u64, Record)>) {
        let mut kept = Vec::new();
        let mut starts = 0;
        for (token, record) in batch {
            if is_start(&record) {
                self.tell(Notice::Refused(token));
                starts += 1;
            } else {
                kept.push(record);
            }
        }
        self.starts_done(starts);
        let records = self.number(kept);
        if records.is_empty() {
            return;
        }
        // A journal at its cap still takes the end of what it began.
        if self.unwritten.is_empty() && self.write(&records).is_ok() {
            self.hand_over(records);
            return;
        }
        self.unwritten.extend(records.iter().cloned());
        self.hand_over(records);
    }

    fn retry(&mut self) {
        self.retry_at = Some(Instant::now() + limits::JOURNAL_RETRY);
        let pending = std::mem::take(&mut self.unwritten);
        let written = if pending.is_empty() {
            match &mut self.store {
                Some(store) => store.probe(),
                None => return,
            }
        } else {
            self.write(&pending)
        };
        if written.is_err() {
            self.unwritten = pending;
            return;
        }
        if self.holds_back().is_some() {
            return;
        }
        self.retry_at = None;
        self.writable = true;
        self.shared
            .flags
            .journal_unwritable
            .store(false, Ordering::Release);
        self.shared
            .log(Level::Info, "the journal can be written again");
        self.tell(Notice::Writable(true));
    }

    fn unwritable(&mut self, why: &str) {
        if self.retry_at.is_none() {
            self.retry_at = Some(Instant::now() + limits::JOURNAL_RETRY);
        }
        if !self.writable {
            return;
        }
        self.writable = false;
        self.shared
            .flags
            .journal_unwritable
            .store(true, Ordering::Release);
        self.shared.log(
            Level::Error,
            &format!("the journal can't be written: {why}. Nothing is dialed until it can."),
        );
        self.tell(Notice::Writable(false));
    }

    /// Why no start may be recorded although the disk may work.
    fn holds_back(&self) -> Option<String> {
        let backlog = self.shared.counters.backlog.load(Ordering::Acquire);
        if backlog > limits::UNACKNOWLEDGED {
            return Some(format!(
                "{backlog} records wait for the sidecar's acknowledgement"
            ));
        }
        let store = self.store.as_ref()?;
        store.is_full(self.writable).then(|| {
            format!(
                "{} is at its limit of {} bytes, because the sidecar has not acknowledged",
                store.dir().display(),
                store.cap()
            )
        })
    }

    fn write(&mut self, records: &[Numbered]) -> io::Result<()> {
        match &mut self.store {
            Some(store) => store.write(records),
            None => sealed(),
        }
    }

    /// Deletes what the sidecar has.
    fn forget_acknowledged(&mut self) {
        let (Some(seq), Some(store)) = (self.acknowledged.take(), &mut self.store) else {
            return;
        };
        if let Err(error) = store.acknowledge(seq) {
            self.shared.log(
                Level::Warn,
                &format!("old parts of the journal stay for now: {error}"),
            );
        }
    }

    fn number(&mut self, records: impl IntoIterator<Item = Record>) -> Vec<Numbered> {
        records
            .into_iter()
            .map(|record| {
                let seq = self.next_seq;
                self.next_seq += 1;
                Numbered { seq, record }
            })
            .collect()
    }

    fn hand_over(&self, records: Vec<Numbered>) {
        self.shared.outbox.records(&self.shared, records);
    }

    fn starts_done(&self, starts: usize) {
        self.shared
            .counters
            .starts_waiting
            .fetch_sub(count(starts), Ordering::AcqRel);
    }

    /// The pump takes inputs until it stops; it never waits for the journal.
    fn tell(&self, notice: Notice) {
        let mailbox = &self.shared.mailbox;
        let mut input = Input::Journal(notice);
        while !self.shared.is_poisoned() {
            let deadline = Instant::now() + limits::TURN;
            let sent = match notice {
                Notice::Durable(_) => mailbox.send_lazily_by(self.shared.clock, input, deadline),
                Notice::Refused(_) | Notice::Writable(_) => mailbox.send_by(input, deadline),
            };
            match sent {
                Ok(()) => return,
                Err(back) => {
                    if !self.shared.flags.accepting.load(Ordering::Acquire) {
                        return;
                    }
                    input = back.into_inner();
                }
            }
        }
    }
}

fn sealed() -> io::Result<()> {
    Err(io::Error::other("it is sealed"))
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn is_start(record: &Record) -> bool {
    matches!(record, Record::Started(_))
}
