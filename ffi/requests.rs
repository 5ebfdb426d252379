//! What the PBX's console and dialplan ask of the sidecar.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam::channel::{RecvTimeoutError, Sender, bounded};
use outdial_link::{Caller, CallerIs, Known, PinChecked, Request, Secret, Up};

use crate::abi::{
    OUTDIAL_E_ARGUMENT, OUTDIAL_E_DENIED, OUTDIAL_E_FULL, OUTDIAL_E_IO, OUTDIAL_E_LOCKED,
    OUTDIAL_E_NOT_FOUND, OUTDIAL_E_TIMEOUT,
};
use crate::agents::Refused;
use crate::limits;
use crate::shared::Shared;

/// What the sidecar answers.
pub(crate) enum Reply {
    /// It was done, or not.
    Done(Result<String, String>),
    /// A lead's own columns.
    Columns(Result<Vec<(String, String)>, String>),
    /// What came of a PIN.
    Pin(Result<PinChecked, String>),
    /// Who calls.
    Caller(CallerIs),
}

/// Questions that wait for the sidecar.
#[derive(Default)]
pub(crate) struct Waiting {
    last: AtomicU64,
    askers: Mutex<BTreeMap<u64, Sender<Reply>>>,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Sender<Reply>>> {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sidecar answers. Gives the reply back if nobody waits for it any more.
    pub(crate) fn answered(&self, request: u64, reply: Reply) -> Option<Reply> {
        // With the lock: who gives up finds the reply, or is not found here.
        match self.lock().remove(&request) {
            Some(asker) => asker.try_send(reply).err().map(|e| e.into_inner()),
            None => Some(reply),
        }
    }

    /// The sidecar is gone: nobody waits in vain.
    pub(crate) fn lost(&self) {
        self.lock().clear();
    }
}

/// Has the sidecar do something; what it says of it.
///
/// # Errors
/// A code of OUTDIAL_E_, and words for a person: OUTDIAL_E_NOT_FOUND when it refuses.
pub(crate) fn ask(shared: &Shared, what: Request) -> Result<String, Refused> {
    match wait(shared, |request| Up::Request { request, what })? {
        Reply::Done(Ok(text)) => Ok(text),
        Reply::Done(Err(text)) => Err((OUTDIAL_E_NOT_FOUND, text)),
        Reply::Columns(_) | Reply::Pin(_) | Reply::Caller(_) => Err(strange()),
    }
}

/// A lead's own columns.
///
/// # Errors
/// As [`ask`]; OUTDIAL_E_IO when PostgreSQL is not reachable.
pub(crate) fn columns(shared: &Shared, lead: u64) -> Result<Vec<(String, String)>, Refused> {
    let message = |request| Up::Columns { request, lead };
    match wait(shared, message)? {
        Reply::Columns(Ok(columns)) => Ok(columns),
        Reply::Columns(Err(text)) => Err((OUTDIAL_E_IO, text)),
        Reply::Done(_) | Reply::Pin(_) | Reply::Caller(_) => Err(strange()),
    }
}

/// Whether this is the agent's PIN.
///
/// # Errors
/// As [`ask`]; OUTDIAL_E_DENIED when it is not, OUTDIAL_E_LOCKED when it was not looked at,
/// OUTDIAL_E_IO when PostgreSQL is not reachable.
pub(crate) fn pin(shared: &Shared, agent: String, pin: Secret) -> Result<(), Refused> {
    let message = |request| Up::Pin {
        request,
        agent,
        pin,
    };
    match wait(shared, message)? {
        Reply::Pin(Ok(PinChecked::Right)) => Ok(()),
        Reply::Pin(Ok(PinChecked::Wrong)) => Err((OUTDIAL_E_DENIED, "The PIN is wrong.".into())),
        Reply::Pin(Ok(PinChecked::Locked)) => {
            let text = "Locked after too many wrong PINs; `outdial agents unlock` ends that.";
            Err((OUTDIAL_E_LOCKED, text.into()))
        }
        Reply::Pin(Err(text)) => Err((OUTDIAL_E_IO, text)),
        Reply::Done(_) | Reply::Columns(_) | Reply::Caller(_) => Err(strange()),
    }
}

/// Who calls; `None`: nobody who was dialed lately.
///
/// # Errors
/// As [`ask`]; OUTDIAL_E_ARGUMENT for a question that is wrong, OUTDIAL_E_IO when PostgreSQL is not
/// reachable.
pub(crate) fn caller(shared: &Shared, call: Caller) -> Result<Option<Box<Known>>, Refused> {
    match wait(shared, |request| Up::Inbound { request, call })? {
        Reply::Caller(CallerIs::Known(known)) => Ok(Some(known)),
        Reply::Caller(CallerIs::Nobody) => Ok(None),
        Reply::Caller(CallerIs::Wrong(text)) => Err((OUTDIAL_E_ARGUMENT, text)),
        Reply::Caller(CallerIs::Unavailable(text)) => Err((OUTDIAL_E_IO, text)),
        Reply::Done(_) | Reply::Columns(_) | Reply::Pin(_) => Err(strange()),
    }
}

fn strange() -> Refused {
    let text = "The sidecar answers another question; is it the same release?";
    (OUTDIAL_E_IO, text.into())
}

fn wait(shared: &Shared, message: impl FnOnce(u64) -> Up) -> Result<Reply, Refused> {
    crate::console::check(shared)?;
    let waiting = &shared.waiting;
    let (reply, answer) = bounded(1);
    let request = waiting.last.fetch_add(1, Ordering::Relaxed) + 1;
    {
        let mut askers = waiting.lock();
        if askers.len() >= limits::REQUESTS_WAITING {
            return Err((OUTDIAL_E_FULL, "Too many requests wait already.".into()));
        }
        askers.insert(request, reply);
    }
    if !shared.outbox.send_at_once(shared, message(request)) {
        waiting.lock().remove(&request);
        let text = "The sidecar is not connected, and this is its business. Is `outdial serve` \
                    running?";
        return Err((OUTDIAL_E_IO, text.into()));
    }
    let answered = answer.recv_timeout(limits::CONSOLE_SIDECAR);
    waiting.lock().remove(&request);
    let answered = answered.or_else(|error| answer.try_recv().map_err(|_| error));
    answered.map_err(|error| match error {
        RecvTimeoutError::Timeout => (OUTDIAL_E_TIMEOUT, "The sidecar does not answer.".into()),
        RecvTimeoutError::Disconnected => (OUTDIAL_E_IO, "The sidecar went away.".into()),
    })
}
