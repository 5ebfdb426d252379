//! The journal: what must survive a crash, on disk before it counts.
//!
//! One thread writes groups of records with one `fdatasync` each. A start that can't be written
//! is refused, so its call is never placed; every other record is kept in memory until it can be
//! written, and goes to the sidecar all the same.

mod file;
mod recover;
mod segment;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender};
use outdial_engine::Level;
use outdial_link::{Numbered, Record};

pub(crate) use file::{Found, Store};

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

/// The journal's thread.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    jobs: Receiver<Job>,
    store: Option<Store>,
    next_seq: u64,
    /// Numbered and sent, but not on disk.
    unwritten: Vec<Numbered>,
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
            unwritten: Vec::new(),
            writable: true,
            retry_at: None,
        }
    }

    pub(crate) fn run(mut self) {
        loop {
            let first = match self.retry_at {
                None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => self.jobs.recv_deadline(at),
            };
            let first = match first {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    self.retry();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.turn(first) {
                return;
            }
            if self.retry_at.is_some_and(|at| at <= Instant::now()) {
                self.retry();
            }
        }
    }

    /// Works off what is queued, one commit at most. `true`: the thread ends.
    fn turn(&mut self, first: Job) -> bool {
        let mut batch = Vec::new();
        let mut job = Some(first);
        while let Some(next) = job.take() {
            match next {
                Job::Append { token, record } => {
                    batch.push((token, record));
                    if batch.len() >= limits::RECORDS_PER_COMMIT {
                        break;
                    }
                }
                Job::Acknowledged(seq) => self.acknowledged(seq),
                Job::Flush(done) => {
                    self.commit(std::mem::take(&mut batch));
                    let _ = done.try_send(());
                }
                Job::Seal(done) => {
                    self.commit(std::mem::take(&mut batch));
                    self.store = None;
                    let _ = done.try_send(());
                }
                Job::Stop => {
                    self.commit(std::mem::take(&mut batch));
                    return true;
                }
                #[cfg(feature = "fault-injection")]
                Job::Panic => panic!("injected"),
            }
            job = self.jobs.try_recv().ok();
        }
        self.commit(batch);
        false
    }

    fn commit(&mut self, batch: Vec<(u64, Record)>) {
        let Some(&(last, _)) = batch.last() else {
            return;
        };
        let starts = batch.iter().filter(|(_, r)| is_start(r)).count();
        let held = self.holds_back();
        if let Some(why) = held {
            self.unwritable(&why);
        } else if self.writable && self.unwritten.is_empty() {
            let records = self.number(batch.iter().map(|(_, record)| record.clone()));
            match self.write(&records) {
                Ok(()) => {
                    self.hand_over(records);
                    self.starts_done(starts);
                    self.tell(Notice::Durable(last));
                    return;
                }
                Err(error) => {
                    self.next_seq -= u64::try_from(records.len()).unwrap_or(0);
                    self.unwritable(&error.to_string());
                }
            }
        }
        self.refuse_starts(batch, starts);
    }

    /// The disk is out: starts are refused, the rest is kept and sent.
    fn refuse_starts(&mut self, batch: Vec<(u64, Record)>, starts: usize) {
        let mut kept = Vec::new();
        for (token, record) in batch {
            if is_start(&record) {
                self.tell(Notice::Refused(token));
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
            None => Err(io::Error::other("it is sealed")),
        }
    }

    fn acknowledged(&mut self, seq: u64) {
        let Some(store) = &mut self.store else {
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
        let starts = u64::try_from(starts).unwrap_or(0);
        self.shared
            .counters
            .starts_waiting
            .fetch_sub(starts, Ordering::AcqRel);
    }

    /// The pump takes inputs until it stops; it never waits for the journal.
    fn tell(&self, notice: Notice) {
        let mut input = Input::Journal(notice);
        while !self.shared.is_poisoned() {
            match self.shared.inputs.send_timeout(input, limits::TURN) {
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

fn is_start(record: &Record) -> bool {
    matches!(record, Record::Started(_))
}
