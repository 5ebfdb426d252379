//! An engine's life: made, started, stopped.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};
use outdial_engine::Level;

use crate::abi::{
    OUTDIAL_E_ABI, OUTDIAL_E_FULL, OUTDIAL_E_IO, OUTDIAL_E_POISONED, OUTDIAL_E_STATE,
    OUTDIAL_E_TIMEOUT, OUTDIAL_OK, OutdialHost,
};
use crate::host::Host;
use crate::journal::{self, Found, Job, Journal, Store};
use crate::link::{Inbox, LinkThread, Order, outbox};
use crate::pump::{Input, Pump, Received, mailbox};
use crate::settings::{Refusal, Settings};
use crate::shared::{Parts, Shared};
use crate::{limits, threads};

/// What stands behind the opaque pointer.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    life: Mutex<Life>,
}

enum Life {
    New(Box<Ready>),
    Running(Running),
    Over,
}

/// What the threads will own.
struct Ready {
    store: Store,
    found: Found,
    socket: PathBuf,
    journal_dir: PathBuf,
    received: Received,
    jobs: Receiver<Job>,
    inbox: Inbox,
    seed: u64,
}

struct Running {
    journal_dir: PathBuf,
    pump: Option<Worker>,
    link: Option<Worker>,
    journal: Option<Worker>,
}

/// A thread, and a channel that closes when it ends.
struct Worker {
    thread: JoinHandle<()>,
    ended: Receiver<()>,
}

impl Handle {
    /// Makes an engine: checks the host, opens the journal, settles what a crash left.
    ///
    /// # Safety
    /// As for `outdial_new`.
    pub(crate) unsafe fn new(
        host: *const OutdialHost,
        settings: Settings,
    ) -> Result<Handle, Refusal> {
        // SAFETY: the caller's promise is ours.
        let host = unsafe { Host::check(host, &settings.node) };
        let host = host.map_err(|text| (OUTDIAL_E_ABI, text))?;
        let io = |text: String| (OUTDIAL_E_IO, text);
        let (store, found) = Store::open(&settings.journal, &settings.node, settings.journal_bytes)
            .map_err(|error| io(error.to_string()))?;
        let (mailbox, received) = mailbox();
        let (journal, jobs) = journal::queue();
        let (outbox, inbox) = outbox().map_err(|error| io(error.to_string()))?;
        let random = || random().map_err(|error| io(format!("no random numbers: {error}")));
        let shared = Shared::new(Parts {
            host,
            node: settings.node,
            pbx: settings.pbx,
            test_host: settings.test_host,
            // A column of the database holds it, signed.
            instance: random()? >> 1,
            mailbox,
            journal,
            outbox,
        });
        for warning in &found.warnings {
            shared.log(Level::Warn, warning);
        }
        if found.lost > 0 {
            let text = format!(
                "{} calls were under way when this node was lost; they are recorded as such",
                found.lost
            );
            shared.log(Level::Warn, &text);
        }
        if cfg!(feature = "fault-injection") {
            shared.log(Level::Warn, "built with fault injection: for tests only");
        }
        let backlog = u64::try_from(found.records.len()).unwrap_or(0);
        shared.counters.backlog.store(backlog, Ordering::Release);
        let ready = Ready {
            store,
            found,
            socket: settings.socket,
            journal_dir: settings.journal,
            received,
            jobs,
            inbox,
            seed: random()?,
        };
        Ok(Handle {
            shared: Arc::new(shared),
            life: Mutex::new(Life::New(Box::new(ready))),
        })
    }

    pub(crate) fn start(&self) -> i32 {
        if self.shared.is_poisoned() {
            return OUTDIAL_E_POISONED;
        }
        let mut life = self.life();
        let ready = match std::mem::replace(&mut *life, Life::Over) {
            Life::New(ready) => ready,
            other @ (Life::Running(_) | Life::Over) => {
                *life = other;
                return OUTDIAL_E_STATE;
            }
        };
        let shared = &self.shared;
        let journal = Journal::new(Arc::clone(shared), ready.jobs, ready.store);
        let records = ready.found.records;
        let link = LinkThread::new(Arc::clone(shared), ready.inbox, ready.socket, records);
        let mut pump = Pump::new(Arc::clone(shared), ready.received, ready.seed);
        let mut running = Running {
            journal_dir: ready.journal_dir,
            pump: None,
            link: None,
            journal: None,
        };
        shared.flags.accepting.store(true, Ordering::Release);
        let started = Worker::spawn(shared, "outdial-journal", move || journal.run())
            .map(|worker| running.journal = Some(worker))
            .and_then(|()| Worker::spawn(shared, "outdial-pump", move || pump.run()))
            .map(|worker| running.pump = Some(worker))
            .and_then(|()| Worker::spawn(shared, "outdial-link", move || link.run()))
            .map(|worker| running.link = Some(worker));
        *life = Life::Running(running);
        drop(life);
        match started {
            Ok(()) => OUTDIAL_OK,
            Err(error) => {
                let text = format!("no thread could be started: {error}");
                shared.log(Level::Error, &text);
                self.stop(limits::CONSOLE_PUMP);
                OUTDIAL_E_IO
            }
        }
    }

    /// Ends the threads in an order that loses nothing: pump, then link, then journal.
    pub(crate) fn stop(&self, timeout: Duration) -> i32 {
        let deadline = Instant::now() + timeout;
        let mut life = self.life();
        let running = match &mut *life {
            Life::New(_) | Life::Over => {
                *life = Life::Over;
                return OUTDIAL_OK;
            }
            Life::Running(running) => running,
        };
        let shared = &self.shared;
        shared.flags.accepting.store(false, Ordering::Release);
        if running.pump.is_some() {
            drop(shared.mailbox.send_by(Input::Stop, deadline));
        }
        if !Worker::join(&mut running.pump, deadline) {
            return OUTDIAL_E_TIMEOUT;
        }
        if running.journal.is_some() {
            let (done, flushed) = bounded(1);
            shared.journal.send(shared.clock, Job::Flush(done));
            let _ = flushed.recv_deadline(deadline);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if running.link.is_some() {
            shared
                .outbox
                .order(Order::Stop(limits::LINGER.min(left / 2)));
        }
        if !Worker::join(&mut running.link, deadline) {
            return OUTDIAL_E_TIMEOUT;
        }
        shared.journal.send(shared.clock, Job::Stop);
        if !Worker::join(&mut running.journal, deadline) {
            return OUTDIAL_E_TIMEOUT;
        }
        *life = Life::Over;
        OUTDIAL_OK
    }

    /// Nothing is dialed or written from here on.
    pub(crate) fn seal(&self) -> i32 {
        let shared = &self.shared;
        shared.flags.sealed.store(true, Ordering::Release);
        let Ok(life) = self.life.try_lock() else {
            return OUTDIAL_OK;
        };
        let Life::Running(_) = &*life else {
            return OUTDIAL_OK;
        };
        drop(life);
        let (done, sealed) = bounded(1);
        shared.journal.send(shared.clock, Job::Seal(done));
        match sealed.recv_timeout(limits::SEAL_WAIT) {
            // Its thread has ended: nothing more is written either.
            Ok(()) | Err(RecvTimeoutError::Disconnected) => OUTDIAL_OK,
            Err(RecvTimeoutError::Timeout) => OUTDIAL_E_TIMEOUT,
        }
    }

    pub(crate) fn reload(&self, settings: &Settings) -> Result<(), Refusal> {
        let shared = &self.shared;
        if shared.is_poisoned() {
            return Err((OUTDIAL_E_POISONED, "the engine is poisoned".into()));
        }
        let life = self.life();
        let Life::Running(running) = &*life else {
            return Err((OUTDIAL_E_STATE, "the engine does not run".into()));
        };
        let changed = if *settings.node != *shared.node {
            Some("node")
        } else if settings.journal != running.journal_dir {
            Some("journal")
        } else if settings.test_host != shared.test_host {
            Some("test_host")
        } else {
            None
        };
        if let Some(what) = changed {
            let text = format!(
                "a change of {what} needs a new engine: drain, then unload and load the module"
            );
            return Err((OUTDIAL_E_STATE, text));
        }
        if shared
            .outbox
            .order(Order::Reconnect(settings.socket.clone()))
        {
            Ok(())
        } else {
            Err((OUTDIAL_E_FULL, "too many reloads at once; try again".into()))
        }
    }

    /// Every thread has ended, or none was started.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(&*self.life(), Life::Running(_))
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    fn spawn(
        shared: &Arc<Shared>,
        name: &'static str,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Worker> {
        let (alive, ended) = bounded(1);
        let thread = threads::spawn(shared, name, move || {
            // Dropped when the body ends, in whatever way.
            let _alive = alive;
            body();
        })?;
        Ok(Worker { thread, ended })
    }

    /// `true`: the thread has ended, or there was none.
    fn join(worker: &mut Option<Worker>, deadline: Instant) -> bool {
        let Some(running) = worker else {
            return true;
        };
        let ended = running.ended.recv_deadline(deadline);
        if ended == Err(RecvTimeoutError::Timeout) {
            return false;
        }
        if let Some(worker) = worker.take() {
            drop(worker.thread.join());
        }
        true
    }
}

fn random() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    // SAFETY: the buffer is ours and as long as said.
    let n = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if usize::try_from(n).is_ok_and(|n| n == bytes.len()) {
        Ok(u64::from_ne_bytes(bytes))
    } else {
        Err(std::io::Error::last_os_error())
    }
}
