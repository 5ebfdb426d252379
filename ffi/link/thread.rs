//! The link's thread.

use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam::channel::TrySendError;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use outdial_engine::{Epoch, Level};
use outdial_link::{
    CallerIs, Down, Heartbeat, Hello, Numbered, Up, VERSION_MAX, VERSION_MIN, Welcome,
};

use super::connection::{Connection, LinkError};
use super::{Inbox, Order};
use crate::abi::{OUTDIAL_ABI_MAJOR, OUTDIAL_ABI_MINOR};
use crate::journal::Job;
use crate::pump::Input;
use crate::requests::Reply;
use crate::shared::Shared;
use crate::{inbound, limits};

/// Owns the connection and the records that are not yet acknowledged.
pub(crate) struct LinkThread {
    shared: Arc<Shared>,
    inbox: Inbox,
    path: PathBuf,
    connection: Option<Connection>,
    next_try: Instant,
    pause: Duration,
    next_heartbeat: Instant,
    unacknowledged: VecDeque<Numbered>,
    /// Records of the front that this connection has carried.
    sent: usize,
    /// Records up to here are a former life's.
    recovered: u64,
    replay_done: bool,
    /// No sending before this, so that several messages share a wake-up of both ends.
    send_at: Instant,
    /// For the pump, while its queue is full.
    waiting: VecDeque<Input>,
    last_error: String,
    stop_at: Option<Instant>,
}

impl LinkThread {
    pub(crate) fn new(
        shared: Arc<Shared>,
        inbox: Inbox,
        path: PathBuf,
        records: Vec<Numbered>,
    ) -> LinkThread {
        let now = Instant::now();
        LinkThread {
            shared,
            inbox,
            path,
            connection: None,
            next_try: now,
            pause: limits::RECONNECT_MIN,
            next_heartbeat: now,
            recovered: records.last().map_or(0, |numbered| numbered.seq),
            unacknowledged: records.into(),
            sent: 0,
            replay_done: false,
            send_at: now,
            waiting: VecDeque::new(),
            last_error: String::new(),
            stop_at: None,
        }
    }

    pub(crate) fn run(mut self) {
        loop {
            self.shared.outbox.heard();
            self.take_orders();
            self.take_records();
            self.pass_on();
            if self.is_over() {
                self.shared.flags.linked.store(false, Ordering::Release);
                return;
            }
            if self.connection.is_none() && Instant::now() >= self.next_try {
                self.connect();
            }
            if let Err(error) = self.talk() {
                self.lost(&error);
            }
            let ready = self.wait();
            if ready && let Err(error) = self.listen() {
                self.lost(&error);
            }
        }
    }

    fn is_over(&self) -> bool {
        let Some(at) = self.stop_at else {
            return false;
        };
        let done = self.unacknowledged.is_empty()
            && !self.connection.as_ref().is_some_and(Connection::has_output);
        let hopeless = !self.connection.as_ref().is_some_and(|c| c.welcomed);
        done || hopeless || Instant::now() >= at
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.inbox.orders.try_recv() {
            match order {
                Order::Reconnect(path) => {
                    self.path = path;
                    self.lost(&LinkError::Reloaded);
                    self.next_try = Instant::now();
                }
                Order::Stop(linger) => self.stop_at = Some(Instant::now() + linger),
                #[cfg(feature = "fault-injection")]
                Order::Panic => panic!("injected"),
            }
        }
    }

    fn take_records(&mut self) {
        while let Ok(records) = self.inbox.records.try_recv() {
            self.unacknowledged.extend(records);
        }
    }

    fn connect(&mut self) {
        match Connection::open(&self.path) {
            Ok(mut connection) => {
                let hello = Up::Hello(self.hello());
                if let Err(error) = connection.send(&hello) {
                    return self.lost(&error);
                }
                self.sent = 0;
                self.replay_done = false;
                self.connection = Some(connection);
            }
            Err(error) => self.lost(&error),
        }
    }

    fn hello(&self) -> Hello {
        Hello {
            version_min: VERSION_MIN,
            version_max: VERSION_MAX,
            node: self.shared.node.to_string(),
            instance: self.shared.instance,
            library: env!("CARGO_PKG_VERSION").into(),
            abi: OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR,
            pbx: self.shared.pbx.to_string(),
            pid: std::process::id(),
            leases: self.shared.leases().clone(),
            test_host: self.shared.test_host,
        }
    }

    /// Sends what there is to send.
    fn talk(&mut self) -> Result<(), LinkError> {
        if Instant::now() >= self.send_at || self.shared.outbox.is_urgent() {
            self.fill()?;
        }
        match &mut self.connection {
            Some(connection) => connection.flush(),
            None => Ok(()),
        }
    }

    /// Encodes what there is to send.
    fn fill(&mut self) -> Result<(), LinkError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        if connection.welcomed {
            while self.sent < self.unacknowledged.len() && connection.has_room() {
                let end = (self.sent + limits::RECORDS_PER_MESSAGE).min(self.unacknowledged.len());
                let records = self.unacknowledged.range(self.sent..end).cloned().collect();
                connection.send(&Up::Records(records))?;
                self.sent = end;
            }
            let replayed = match self.unacknowledged.get(self.sent) {
                None => true,
                Some(next) => next.seq > self.recovered,
            };
            if !self.replay_done && replayed {
                connection.send(&Up::ReplayDone)?;
                self.replay_done = true;
            }
            while connection.has_room()
                && let Ok(message) = self.inbox.messages.try_recv()
            {
                connection.send(&message)?;
            }
            if Instant::now() >= self.next_heartbeat && connection.has_room() {
                self.next_heartbeat = Instant::now() + limits::HEARTBEAT;
                let heartbeat = heartbeat(&self.shared);
                connection.send(&Up::Heartbeat(heartbeat))?;
            }
        } else if connection.opened.elapsed() > limits::HANDSHAKE {
            return Err(LinkError::NoWelcome);
        }
        if connection.has_output() {
            self.send_at = Instant::now() + limits::SEND;
        }
        Ok(())
    }

    /// Waits for the socket, the bell or the next deadline. `true`: the socket can be read.
    fn wait(&self) -> bool {
        let now = Instant::now();
        let mut until = now + limits::HEARTBEAT;
        match &self.connection {
            None => until = until.min(self.next_try),
            Some(connection) if connection.welcomed => {
                until = until.min(self.next_heartbeat.max(self.send_at));
            }
            Some(connection) => until = until.min(connection.opened + limits::HANDSHAKE),
        }
        if let Some(at) = self.stop_at {
            until = until.min(at);
        }
        let is_full = !self.waiting.is_empty();
        if is_full {
            until = until.min(now + limits::PUMP_FULL_RETRY);
        }
        let holds_back = now < self.send_at;
        if holds_back {
            // What is left for us until then needs no bell.
            self.shared.outbox.hush();
            until = until.min(self.send_at);
        }
        // One more, because poll rounds down and would spin through the last millisecond.
        let ms = until.saturating_duration_since(now).as_millis() + 1;
        let timeout = PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![PollFd::new(self.inbox.bell.as_fd(), PollFlags::POLLIN)];
        if let Some(connection) = &self.connection {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, !is_full);
            flags.set(PollFlags::POLLOUT, connection.has_output());
            fds.push(PollFd::new(connection.fd(), flags));
        }
        if poll(&mut fds, timeout).is_err() {
            return false;
        }
        let readable = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        let ready = |fd: Option<&PollFd<'_>>| {
            fd.and_then(PollFd::revents)
                .is_some_and(|events| events.intersects(readable))
        };
        let (bell, socket) = (ready(fds.first()), ready(fds.get(1)));
        if bell {
            let mut bytes = [0; 64];
            while matches!((&self.inbox.bell).read(&mut bytes), Ok(n) if n > 0) {}
        }
        socket && !is_full
    }

    /// Reads and passes on what the sidecar says.
    fn listen(&mut self) -> Result<(), LinkError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        connection.read()?;
        while self.waiting.len() < limits::LINK_INBOX {
            let Some(connection) = &mut self.connection else {
                return Ok(());
            };
            let Some(message) = connection.next()? else {
                break;
            };
            self.take(message)?;
        }
        self.pass_on();
        Ok(())
    }

    fn take(&mut self, message: Down) -> Result<(), LinkError> {
        match message {
            Down::Welcome(welcome) => self.welcome(&welcome)?,
            Down::Refused { why } => return Err(LinkError::Refused(why)),
            Down::Ack { seq } => self.acknowledged(seq),
            Down::Requested { request, result } => {
                let _ = self.shared.waiting.answered(request, Reply::Done(result));
            }
            Down::Columns { request, result } => {
                let reply = Reply::Columns(result);
                let _ = self.shared.waiting.answered(request, reply);
            }
            Down::Inbound { request, answer } => {
                let reply = Reply::Caller(answer);
                let left = self.shared.waiting.answered(request, reply);
                if let Some(Reply::Caller(CallerIs::Known(known))) = left {
                    inbound::give_back(&self.shared, known.campaign, inbound::leased(&known));
                }
            }
            Down::Pin { request, result } => {
                self.shared.waiting.answered(request, Reply::Pin(result));
            }
            Down::Config { .. }
            | Down::Leases { .. }
            | Down::Renewed { .. }
            | Down::Revoke { .. }
            | Down::DoNotCall { .. }
            | Down::Ask { .. } => self.waiting.push_back(Input::Down(Box::new(message))),
        }
        Ok(())
    }

    fn welcome(&mut self, welcome: &Welcome) -> Result<(), LinkError> {
        if !(VERSION_MIN..=VERSION_MAX).contains(&welcome.version) {
            return Err(LinkError::Version(welcome.version));
        }
        if welcome.epoch == 0 || welcome.epoch > Epoch::MAX.0 {
            return Err(LinkError::Epoch(welcome.epoch));
        }
        if let Some(connection) = &mut self.connection {
            connection.welcomed = true;
        }
        self.pause = limits::RECONNECT_MIN;
        self.last_error.clear();
        self.next_heartbeat = Instant::now();
        // Messages of the time before this connection mean nothing to this sidecar.
        while self.inbox.messages.try_recv().is_ok() {}
        self.shared.flags.linked.store(true, Ordering::Release);
        self.shared.log(
            Level::Info,
            &format!("connected to sidecar {}", welcome.sidecar),
        );
        self.waiting.push_back(Input::LinkUp {
            epoch: welcome.epoch,
        });
        Ok(())
    }

    fn acknowledged(&mut self, seq: u64) {
        let mut count = 0;
        // Only what this connection carried can be meant.
        while self.sent > 0 && self.unacknowledged.front().is_some_and(|n| n.seq <= seq) {
            self.unacknowledged.pop_front();
            self.sent -= 1;
            count += 1;
        }
        self.shared
            .counters
            .backlog
            .fetch_sub(count, Ordering::AcqRel);
        self.shared
            .journal
            .send(self.shared.clock, Job::Acknowledged(seq));
    }

    /// Gives the pump what it takes.
    fn pass_on(&mut self) {
        while let Some(input) = self.waiting.pop_front() {
            match self.shared.mailbox.send(input) {
                Ok(()) => {}
                Err(TrySendError::Full(input)) => {
                    self.waiting.push_front(input);
                    return;
                }
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
    }

    fn lost(&mut self, error: &LinkError) {
        let was_linked = self.shared.flags.linked.swap(false, Ordering::AcqRel);
        self.connection = None;
        self.shared.waiting.lost();
        if was_linked {
            self.waiting.push_back(Input::LinkDown);
        }
        let refused = matches!(error, LinkError::Refused(_) | LinkError::Peer(_));
        self.next_try = Instant::now()
            + if refused {
                limits::REFUSED_PAUSE
            } else {
                self.pause
            };
        self.pause = (self.pause * 2).min(limits::RECONNECT_MAX);
        let text = error.to_string();
        if was_linked || text != self.last_error {
            self.shared.log(
                Level::Warn,
                &format!(
                    "no sidecar at {}: {text}. Trying again; is `outdial serve` running?",
                    self.path.display()
                ),
            );
            self.last_error = text;
        }
    }
}

fn heartbeat(shared: &Shared) -> Heartbeat {
    let counters = &shared.counters;
    Heartbeat {
        pump_overdue_ms: u32::try_from(shared.overdue_ms()).unwrap_or(u32::MAX),
        pool_oldest_ms: counters.pool_oldest_ms.load(Ordering::Acquire),
        pool_jobs: counters.pool_jobs.load(Ordering::Acquire),
        journal_backlog: counters.backlog.load(Ordering::Acquire),
        journal_writable: !shared.flags.journal_unwritable.load(Ordering::Acquire),
        poisoned: shared.is_poisoned(),
        draining: shared.flags.draining.load(Ordering::Acquire),
    }
}
