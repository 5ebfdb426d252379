//! A telephone of its own for what SIPp can't do: calls that know each other, so that one can be put
//! into the place of another (Replaces, RFC 3891) or be transferred to it (REFER, RFC 3515).
//!
//! It answers every call at once, and says yes to whatever it is asked within one.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::message::{Message, Request, sdp};
use crate::wait::wait_until;

/// How long the PBX may take to answer.
const LIMIT: Duration = Duration::from_secs(10);
/// After so long what had no answer is sent again.
const AGAIN: Duration = Duration::from_millis(500);
/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// What it says that it can do, in every request.
const ABLE: &str =
    "Supported: replaces\r\nAllow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS\r\n";

/// One call, by its Call-ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

/// One end of a dialog (RFC 3261 section 12).
#[derive(Clone, Default)]
struct Dialog {
    /// Our own From or To, with the tag.
    local: String,
    /// The PBX's, with its tag once it has told.
    remote: String,
    /// Where the PBX wants what belongs to the call.
    target: String,
    sequence: u32,
    up: bool,
    ended: bool,
    /// What the last NOTIFY said of a transfer.
    transfer: Option<u16>,
}

#[derive(Default)]
struct State {
    dialogs: BTreeMap<String, Dialog>,
    /// Calls that came in, in order.
    incoming: Vec<String>,
    /// Final responses, by Call-ID and CSeq.
    answers: BTreeMap<(String, u32), u16>,
}

struct Shared {
    socket: UdpSocket,
    port: u16,
    media: u16,
    user: String,
    state: Mutex<State>,
    stop: AtomicBool,
    count: AtomicU32,
}

/// A telephone; its calls are not hung up when it goes.
pub struct Phone {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    _media: UdpSocket,
}

impl Phone {
    /// Listens. `user` is what From says: the PBX's name of the endpoint.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(user: &str) -> Result<Phone> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("a socket for SIP")?;
        let media = UdpSocket::bind("127.0.0.1:0").context("a socket for RTP")?;
        socket.set_read_timeout(Some(LOOK)).context("a socket")?;
        let port = socket.local_addr().context("a socket")?.port();
        let shared = Arc::new(Shared {
            socket,
            port,
            media: media.local_addr().context("a socket")?.port(),
            user: user.to_owned(),
            state: Mutex::default(),
            stop: AtomicBool::new(false),
            count: AtomicU32::new(0),
        });
        let listens = Arc::clone(&shared);
        let thread = std::thread::spawn(move || listens.listen());
        Ok(Phone {
            port,
            shared,
            thread: Some(thread),
            _media: media,
        })
    }

    /// Calls an extension and waits until it is answered; in the place of another call where one is
    /// named.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub fn call(&self, pbx: u16, exten: &str, instead_of: Option<(&Phone, &Line)>) -> Result<Line> {
        let shared = &self.shared;
        let id = format!("phone-{}-{}", self.port, shared.count());
        let dialog = Dialog {
            local: format!(
                "<sip:{}@127.0.0.1:{}>;tag={}",
                shared.user,
                self.port,
                shared.count()
            ),
            remote: format!("<sip:{exten}@127.0.0.1:{pbx}>"),
            target: format!("sip:{exten}@127.0.0.1:{pbx}"),
            ..Dialog::default()
        };
        shared.state().dialogs.insert(id.clone(), dialog);
        let line = Line(id);
        let mut more = String::new();
        if let Some((phone, other)) = instead_of {
            more = format!("Replaces: {}\r\nRequire: replaces\r\n", phone.names(other)?);
        }
        match self.ask(&line, "INVITE", &more)? {
            200 => Ok(line),
            status => bail!("{exten} answers {status}"),
        }
    }

    /// The next call that came in after the `before` first ones; it is answered.
    ///
    /// # Errors
    /// None comes.
    pub fn incoming(&self, before: usize) -> Result<Line> {
        wait_until("a call to the telephone", LIMIT, || {
            let state = self.shared.state();
            let next = state.incoming.get(before).cloned();
            Ok(next
                .filter(|id| state.dialogs.get(id).is_some_and(|d| d.up))
                .map(Line))
        })
    }

    /// Asks the PBX to transfer who is at the other end of `line`: to an extension, or to who is at the
    /// other end of another call. Its answer; 202 is a yes.
    ///
    /// # Errors
    /// It does not answer.
    pub fn refer(&self, pbx: u16, line: &Line, exten: &str, to: Option<&Line>) -> Result<u16> {
        let replaces = match to {
            Some(other) => format!("?Replaces={}", escaped(&self.names(other)?)),
            None => String::new(),
        };
        let more = format!(
            "Refer-To: <sip:{exten}@127.0.0.1:{pbx}{replaces}>\r\nReferred-By: <sip:{}@127.0.0.1>\r\n",
            self.shared.user
        );
        self.ask(line, "REFER", &more)
    }

    /// What the PBX says in the end of the transfer that it was asked for on `line`.
    ///
    /// # Errors
    /// It says nothing.
    pub fn transferred(&self, line: &Line) -> Result<u16> {
        wait_until("the end of a transfer", LIMIT, || {
            let state = self.shared.state();
            let said = state.dialogs.get(&line.0).and_then(|d| d.transfer);
            Ok(said.filter(|status| *status >= 200))
        })
    }

    /// Hangs up.
    ///
    /// # Errors
    /// The PBX does not answer.
    pub fn hang_up(&self, line: &Line) -> Result<()> {
        self.ask(line, "BYE", "")?;
        if let Some(dialog) = self.shared.state().dialogs.get_mut(&line.0) {
            dialog.ended = true;
        }
        Ok(())
    }

    /// Whether the call has ended, whoever hung up.
    #[must_use]
    pub fn is_over(&self, line: &Line) -> bool {
        let state = self.shared.state();
        state.dialogs.get(&line.0).is_none_or(|dialog| dialog.ended)
    }

    /// How Replaces names a call of this telephone to the PBX (RFC 3891 section 6.1).
    fn names(&self, line: &Line) -> Result<String> {
        let state = self.shared.state();
        let dialog = state.dialogs.get(&line.0).context("a call")?;
        let remote = tag(&dialog.remote).context("the PBX's tag")?;
        let local = tag(&dialog.local).context("a tag")?;
        // From the PBX's side: its own tag is the one of To.
        Ok(format!("{};to-tag={remote};from-tag={local}", line.0))
    }

    /// Sends a request and waits for its final response.
    fn ask(&self, line: &Line, method: &str, more: &str) -> Result<u16> {
        let (packet, key, to) = {
            let mut state = self.shared.state();
            let dialog = state.dialogs.get_mut(&line.0).context("a call")?;
            dialog.sequence += 1;
            let packet = self.shared.request(&line.0, dialog, (method, method), more);
            (
                packet,
                (line.0.clone(), dialog.sequence),
                address(&dialog.target),
            )
        };
        let mut sent: Option<Instant> = None;
        wait_until(&format!("the response to {method}"), LIMIT, || {
            if let Some(status) = self.shared.state().answers.get(&key) {
                return Ok(Some(*status));
            }
            if sent.is_none_or(|at| at.elapsed() > AGAIN) {
                sent = Some(Instant::now());
                self.shared
                    .socket
                    .send_to(packet.as_bytes(), &to)
                    .context("sending")?;
            }
            Ok(None)
        })
    }
}

impl Drop for Phone {
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

    fn count(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn here(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A request of ours. `of` is the method whose transaction it belongs to.
    fn request(&self, id: &str, dialog: &Dialog, (method, of): (&str, &str), more: &str) -> String {
        let media = match method {
            "INVITE" => sdp(self.media),
            _ => String::new(),
        };
        Request {
            method,
            of,
            uri: &dialog.target,
            from: &dialog.local,
            to: &dialog.remote,
            call: id,
            sequence: dialog.sequence,
            here: &self.here(),
            user: &self.user,
            more: &format!("{ABLE}{more}"),
            sdp: &media,
        }
        .text()
    }

    fn listen(&self) {
        let mut buffer = [0; 8_192];
        while !self.stop.load(Ordering::Relaxed) {
            let Ok((size, from)) = self.socket.recv_from(&mut buffer) else {
                continue;
            };
            let Some(message) = Message::parse(&buffer[..size]) else {
                continue;
            };
            let reply = match message.status() {
                Some(status) => self.response(status, &message),
                None => self.asked(&message),
            };
            if let Some(reply) = reply {
                drop(self.socket.send_to(reply.as_bytes(), from));
            }
        }
    }

    /// A response has come; an INVITE's final one is acknowledged.
    fn response(&self, status: u16, message: &Message) -> Option<String> {
        let id = message.header("call-id").to_owned();
        let sequence = message.header("cseq").split(' ').next()?.parse().ok()?;
        if status < 200 {
            return None;
        }
        let mut state = self.state();
        state.answers.insert((id.clone(), sequence), status);
        if message.method() != "INVITE" {
            return None;
        }
        let dialog = state.dialogs.get_mut(&id)?;
        dialog.remote = message.header("to").into();
        // Of a refusal it is part of the INVITE's transaction.
        let of = if status < 300 {
            dialog.up = true;
            dialog.target = message.contact()?.into();
            "ACK"
        } else {
            dialog.ended = true;
            "INVITE"
        };
        let mut acknowledged = dialog.clone();
        acknowledged.sequence = sequence;
        Some(self.request(&id, &acknowledged, ("ACK", of), ""))
    }

    /// A request has come: yes, whatever it is.
    fn asked(&self, message: &Message) -> Option<String> {
        let id = message.header("call-id").to_owned();
        let mut state = self.state();
        let (mut tag, mut media) = (String::new(), String::new());
        match message.method() {
            "ACK" => return None,
            "INVITE" => {
                media = sdp(self.media);
                if !state.dialogs.contains_key(&id) {
                    tag = format!("in{}", self.count());
                    let dialog = Dialog {
                        local: format!("{};tag={tag}", message.header("to")),
                        remote: message.header("from").into(),
                        target: message.contact()?.into(),
                        up: true,
                        ..Dialog::default()
                    };
                    state.dialogs.insert(id.clone(), dialog);
                    state.incoming.push(id);
                } else if let Some(known) = state.dialogs.get(&id) {
                    // Sent again: the same answer.
                    tag = self::tag(&known.local)?.into();
                }
            }
            "BYE" => state.dialogs.get_mut(&id)?.ended = true,
            "NOTIFY" => {
                if let Some(dialog) = state.dialogs.get_mut(&id) {
                    dialog.transfer = message.fragment().or(dialog.transfer);
                }
            }
            _ => {}
        }
        Some(message.response("200 OK", &tag, &self.here(), &media))
    }
}

fn tag(party: &str) -> Option<&str> {
    party.split(";tag=").nth(1)?.split(';').next()
}

/// Where a URI leads to.
fn address(uri: &str) -> String {
    let host = uri
        .split('@')
        .next_back()
        .unwrap_or(uri)
        .trim_start_matches("sip:");
    host.split(';').next().unwrap_or(host).to_owned()
}

/// For a header inside a URI (RFC 3261 section 19.1.2).
fn escaped(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let code = |c: char| {
        if plain(c) {
            c.to_string()
        } else {
            format!("%{:02X}", u32::from(c))
        }
    };
    value.chars().map(code).collect()
}
