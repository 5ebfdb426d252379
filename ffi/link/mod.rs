//! The client end of the link to the sidecar.
//!
//! One thread with one `poll`: it connects, says hello, sends records until they are
//! acknowledged, and passes on what the sidecar says. It never waits for the pump: when the
//! pump's queue is full, it stops reading. Its heartbeat therefore shows a stalled pump.

mod connection;
mod thread;

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use outdial_link::{Numbered, Up};

pub(crate) use thread::LinkThread;

use crate::limits;
use crate::shared::Shared;

/// Orders to the link's thread.
pub(crate) enum Order {
    /// Connect to this socket from now on.
    Reconnect(PathBuf),
    /// Send what is left, wait for the acknowledgement at most this long, then end.
    Stop(Duration),
    /// Panic, on purpose.
    #[cfg(feature = "fault-injection")]
    Panic,
}

/// What the other threads have for the sidecar. Nobody waits here.
pub(crate) struct Outbox {
    messages: Sender<Up>,
    records: Sender<Vec<Numbered>>,
    orders: Sender<Order>,
    bell: UnixStream,
    rung: AtomicBool,
    /// Somebody waits for the answer to a message.
    urgent: AtomicBool,
}

/// The thread's end of [`Outbox`].
pub(crate) struct Inbox {
    messages: Receiver<Up>,
    records: Receiver<Vec<Numbered>>,
    orders: Receiver<Order>,
    bell: UnixStream,
}

/// Makes both ends.
///
/// # Errors
/// No file descriptors are left.
pub(crate) fn outbox() -> io::Result<(Outbox, Inbox)> {
    let (bell, heard) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    heard.set_nonblocking(true)?;
    let (message_tx, message_rx) = bounded(limits::OUTBOX);
    // Bounded by `limits::UNACKNOWLEDGED`, above which the journal takes no start.
    let (record_tx, record_rx) = unbounded();
    let (order_tx, order_rx) = bounded(limits::ORDERS);
    Ok((
        Outbox {
            messages: message_tx,
            records: record_tx,
            orders: order_tx,
            bell,
            rung: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
        },
        Inbox {
            messages: message_rx,
            records: record_rx,
            orders: order_rx,
            bell: heard,
        },
    ))
}

impl Outbox {
    /// Sends a message if the sidecar is there and takes messages. `false`: dropped.
    pub(crate) fn send(&self, shared: &Shared, message: Up) -> bool {
        if !shared.flags.linked.load(Ordering::Acquire) {
            return false;
        }
        let sent = self.messages.try_send(message).is_ok();
        self.wake();
        sent
    }

    /// As [`Outbox::send`], and without waiting for others to share the wake-up.
    pub(crate) fn send_at_once(&self, shared: &Shared, message: Up) -> bool {
        let sent = self.send(shared, message);
        self.urgent.store(true, Ordering::Release);
        // Even if the thread is hushed. Full means that it has been rung for already.
        drop((&self.bell).write(&[1]));
        sent
    }

    /// Whether somebody waits; asked once.
    fn is_urgent(&self) -> bool {
        self.urgent.swap(false, Ordering::AcqRel)
    }

    /// Sends records; they stay until they are acknowledged.
    pub(crate) fn records(&self, shared: &Shared, records: Vec<Numbered>) {
        let count = u64::try_from(records.len()).unwrap_or(0);
        shared.counters.backlog.fetch_add(count, Ordering::AcqRel);
        drop(self.records.send(records));
        self.wake();
    }

    /// `false`: the thread has too many orders already.
    pub(crate) fn order(&self, order: Order) -> bool {
        let sent = self.orders.try_send(order).is_ok();
        self.wake();
        sent
    }

    pub(crate) fn wake(&self) {
        // Pairs with the one in `heard`: either the thread sees what we left, or we see that it
        // has to be rung for.
        fence(Ordering::SeqCst);
        if !self.rung.swap(true, Ordering::AcqRel) {
            // Full means that the thread has been rung for already.
            drop((&self.bell).write(&[1]));
        }
    }

    /// The thread looks again before long: nobody needs to ring until then.
    fn hush(&self) {
        self.rung.store(true, Ordering::Release);
    }

    fn heard(&self) {
        self.rung.store(false, Ordering::Release);
        fence(Ordering::SeqCst);
    }
}
