//! Phones that call, or callees who answer, behind one SIP and one RTP socket.

use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::call::{Call, CallSeen, Here, Plan, Status};
use super::heard::Heard;
use super::message::Message;
use super::socket::{Packet, local, open, receive};
use super::voice::mark_of;

/// The thread looks at least this often whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// SIP Call-ID.
pub type CallId = String;

/// A peer that runs. Dropping it leaves its calls as they are, as a cut cable would.
pub struct Peer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Where it listens for SIP.
    pub port: u16,
}

struct Shared {
    state: Mutex<State>,
    sip: UdpSocket,
    media: UdpSocket,
    stop: AtomicBool,
}

struct State {
    here: Here,
    plan: Option<Plan>,
    calls: BTreeMap<CallId, Call>,
    /// Calls by the other side's RTP port.
    by_media: BTreeMap<u16, CallId>,
    over: Vec<CallSeen>,
    gone: BTreeSet<CallId>,
    count: u32,
}

impl Peer {
    /// Starts one; calls that come in are answered by the plan, or refused without one.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(plan: Option<Plan>) -> Result<Peer> {
        let (sip, port) = open()?;
        let (media, media_port) = open()?;
        let here = Here {
            sip: format!("127.0.0.1:{port}"),
            media: media_port,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                here,
                plan,
                calls: BTreeMap::new(),
                by_media: BTreeMap::new(),
                over: Vec::new(),
                gone: BTreeSet::new(),
                count: 0,
            }),
            sip,
            media,
            stop: AtomicBool::new(false),
        });
        let runs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sip peer".into())
            .spawn(move || runs.run())
            .context("a thread")?;
        Ok(Peer {
            shared,
            thread: Some(thread),
            port,
        })
    }

    /// Calls `number` at the PBX on `port`, as `user`. Its audio is made of the sample `mark`.
    pub fn call(&self, port: u16, user: &str, number: &str, mark: u8) -> CallId {
        let mut state = self.shared.state();
        state.count += 1;
        let id = format!("{}-{}", self.port, state.count);
        let (call, invite) =
            Call::outgoing(&state.here, port, &id, (user, number), mark, unix_now());
        state.calls.insert(id.clone(), call);
        drop(state);
        self.shared.send(port, &invite);
        id
    }

    /// Where a call stands.
    #[must_use]
    pub fn status(&self, id: &str) -> Status {
        let state = self.shared.state();
        state.calls.get(id).map_or(Status::Over, Call::status)
    }

    /// Hangs up a call that is up.
    pub fn hang_up(&self, id: &str) {
        let mut state = self.shared.state();
        let call = state.calls.get_mut(id);
        let bye = call.and_then(|call| Some((call.far, call.hang_up(unix_now())?)));
        drop(state);
        if let Some((port, bye)) = bye {
            self.shared.send(port, &bye);
        }
    }

    /// Presses keys: digits of RFC 4733 within the audio.
    pub fn press(&self, id: &str, keys: &str) {
        if let Some(call) = self.shared.state().calls.get_mut(id) {
            call.voice.press(keys);
        }
    }

    /// What the call has heard; nothing once it is over.
    #[must_use]
    pub fn heard(&self, id: &str) -> Heard {
        let state = self.shared.state();
        state
            .calls
            .get(id)
            .map(|call| call.heard.clone())
            .unwrap_or_default()
    }

    /// The call of this number that is not over.
    #[must_use]
    pub fn with(&self, number: &str) -> Option<CallId> {
        let state = self.shared.state();
        let mut calls = state.calls.iter();
        calls
            .find(|(_, call)| call.seen.number == number)
            .map(|(id, _)| id.clone())
    }

    /// Nothing more is sent in this call, and nothing that comes is answered.
    pub fn vanish(&self, id: &str) {
        let mut state = self.shared.state();
        if let Some(call) = state.calls.remove(id) {
            state.by_media.retain(|_, of| of != id);
            state.over.push(call.seen);
            state.gone.insert(id.into());
        }
    }

    /// Calls that are over, in the order of their ends.
    #[must_use]
    pub fn over(&self) -> Vec<CallSeen> {
        self.shared.state().over.clone()
    }

    /// How many calls are not over.
    #[must_use]
    pub fn live(&self) -> usize {
        self.shared.state().calls.len()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, port: u16, text: &str) {
        // What does not get there is sent again, as with any loss.
        let _ = self.sip.send_to(text.as_bytes(), local(port));
    }

    fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let mut ready = [
                PollFd::new(self.sip.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.media.as_fd(), PollFlags::POLLIN),
            ];
            let next = self.state().next(Instant::now());
            let wait = PollTimeout::try_from(next).unwrap_or(PollTimeout::ZERO);
            // Interrupted, it looks again.
            let _ = poll(&mut ready, wait);
            while let Some(packet) = receive(&self.sip) {
                let said = self.state().hears_sip(&packet);
                for text in said {
                    self.send(packet.from, &text);
                }
            }
            while let Some(packet) = receive(&self.media) {
                self.state().hears_media(&packet);
            }
            self.works();
        }
    }

    fn works(&self) {
        let now = Instant::now();
        let mut state = self.state();
        let due = |call: &Call| call.deadline().is_some_and(|at| at <= now);
        for call in state.calls.values_mut().filter(|call| due(call)) {
            if let Some(text) = call.works(now, unix_now()) {
                self.send(call.far, &text);
            }
            if let Some((port, packets)) = call.speaks(now) {
                for packet in packets {
                    let _ = self.media.send_to(&packet, local(port));
                }
            }
        }
        state.sweep();
    }
}

impl State {
    /// How long nothing is due, in whole milliseconds upwards.
    fn next(&self, now: Instant) -> Duration {
        let first = self.calls.values().filter_map(Call::deadline).min();
        let wait = first.map_or(LOOK, |at| at.saturating_duration_since(now).min(LOOK));
        let whole = u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or_default();
        Duration::from_millis(whole)
    }

    fn hears_sip(&mut self, packet: &Packet) -> Vec<String> {
        let Some(message) = Message::parse(&packet.bytes) else {
            return Vec::new();
        };
        let id = message.header("call-id").to_owned();
        if self.gone.contains(&id) {
            return Vec::new();
        }
        if let Some(call) = self.calls.get_mut(&id) {
            let before = call.far_media;
            let mut said: Vec<String> = call.takes(&message, packet.at).into_iter().collect();
            if message.status().is_none() && message.method() == "CANCEL" {
                said.insert(0, message.response("200 OK", "callee", &self.here.sip, ""));
            }
            if let Some(port) = call.far_media.filter(|port| before != Some(*port)) {
                self.by_media.insert(port, id);
            }
            self.sweep();
            return said;
        }
        if message.status().is_some() || message.method() == "ACK" {
            return Vec::new();
        }
        vec![self.hears_first(message, &id, packet)]
    }

    /// A request of no call that we know.
    fn hears_first(&mut self, message: Message, id: &str, packet: &Packet) -> String {
        match (message.method(), self.plan) {
            ("INVITE", Some(plan)) => {
                let (call, ringing) =
                    Call::incoming(&self.here, packet.from, message, plan, packet.at);
                if let Some(port) = call.far_media {
                    self.by_media.insert(port, id.into());
                }
                self.calls.insert(id.into(), call);
                ringing
            }
            ("INVITE", None) => message.response("486 Busy Here", "busy", &self.here.sip, ""),
            _ => message.response("200 OK", "none", &self.here.sip, ""),
        }
    }

    fn hears_media(&mut self, packet: &Packet) {
        let id = self.by_media.get(&packet.from);
        if let Some(call) = id.and_then(|id| self.calls.get_mut(id)) {
            call.heard.takes(&packet.bytes, packet.at);
            if let Some(mark) = mark_of(&packet.bytes) {
                call.hears(mark, packet.at);
            }
        }
    }

    fn sweep(&mut self) {
        let State {
            calls,
            by_media,
            over,
            ..
        } = self;
        calls.retain(|id, call| {
            if call.is_over() {
                by_media.retain(|_, of| of != id);
                over.push(call.seen.clone());
            }
            !call.is_over()
        });
    }
}

fn unix_now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}
