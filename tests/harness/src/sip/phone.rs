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

use crate::wait::wait_until;

/// How long the PBX may take to answer.
const LIMIT: Duration = Duration::from_secs(10);
/// After so long what had no answer is sent again.
const AGAIN: Duration = Duration::from_millis(500);
/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

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
    branches: AtomicU32,
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
            branches: AtomicU32::new(0),
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
        let id = format!("{}-{}@phone", self.port, shared.branch());
        let dialog = Dialog {
            local: format!(
                "<sip:{}@127.0.0.1:{}>;tag={}",
                shared.user,
                self.port,
                shared.branch()
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
        match self.ask(&line, "INVITE", &more, Some(shared.sdp()))? {
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
        self.ask(line, "REFER", &more, None)
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
        self.ask(line, "BYE", "", None)?;
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
    fn ask(&self, line: &Line, method: &str, more: &str, body: Option<String>) -> Result<u16> {
        let (packet, key, to) = {
            let mut state = self.shared.state();
            let dialog = state.dialogs.get_mut(&line.0).context("a call")?;
            dialog.sequence += 1;
            let packet = self.shared.request(&line.0, dialog, method, more, body);
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

    fn branch(&self) -> u32 {
        self.branches.fetch_add(1, Ordering::Relaxed)
    }

    fn sdp(&self) -> String {
        format!(
            "v=0\r\no=phone 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
            self.media
        )
    }

    fn contact(&self) -> String {
        format!("Contact: <sip:{}@127.0.0.1:{}>\r\n", self.user, self.port)
    }

    fn request(
        &self,
        id: &str,
        dialog: &Dialog,
        method: &str,
        more: &str,
        body: Option<String>,
    ) -> String {
        let body = body.unwrap_or_default();
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{};branch=z9hG4bK{}-{}\r\n\
             Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {id}\r\nCSeq: {} {method}\r\n{}\
             Supported: replaces\r\nAllow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS\r\n\
             {more}{kind}Content-Length: {}\r\n\r\n{body}",
            dialog.target,
            self.port,
            self.port,
            self.branch(),
            dialog.local,
            dialog.remote,
            dialog.sequence,
            self.contact(),
            body.len()
        )
    }

    fn listen(&self) {
        let mut buffer = [0; 8_192];
        while !self.stop.load(Ordering::Relaxed) {
            let Ok((size, from)) = self.socket.recv_from(&mut buffer) else {
                continue;
            };
            let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
            let reply = match text.strip_prefix("SIP/2.0 ") {
                Some(_) => self.response(&text),
                None => self.asked(&text),
            };
            if let Some(reply) = reply {
                drop(self.socket.send_to(reply.as_bytes(), from));
            }
        }
    }

    /// A response has come; an INVITE's final one is acknowledged.
    fn response(&self, text: &str) -> Option<String> {
        let status: u16 = text.split_whitespace().nth(1)?.parse().ok()?;
        let (id, sequence) = (header(text, "Call-ID")?, header(text, "CSeq")?);
        let (number, method) = sequence.split_once(' ')?;
        if status < 200 {
            return None;
        }
        let mut state = self.state();
        state
            .answers
            .insert((id.clone(), number.parse().ok()?), status);
        if method != "INVITE" {
            return None;
        }
        let dialog = state.dialogs.get_mut(&id)?;
        dialog.remote = header(text, "To")?;
        if status < 300 {
            dialog.up = true;
            dialog.target = uri(&header(text, "Contact")?);
        } else {
            dialog.ended = true;
        }
        let mut acknowledged = dialog.clone();
        acknowledged.sequence = number.parse().ok()?;
        let ack = self.request(&id, &acknowledged, "ACK", "", None);
        // Of a refusal it is part of the INVITE's transaction, and so is its branch.
        Some(if status < 300 {
            ack
        } else {
            same_branch(&ack, text)
        })
    }

    /// A request has come: yes, whatever it is.
    fn asked(&self, text: &str) -> Option<String> {
        let method = text.split_whitespace().next()?;
        let id = header(text, "Call-ID")?;
        let mut state = self.state();
        let mut to = header(text, "To")?;
        match method {
            "ACK" => return None,
            "INVITE" if !state.dialogs.contains_key(&id) => {
                to = format!("{to};tag=in{}", self.branch());
                let dialog = Dialog {
                    local: to.clone(),
                    remote: header(text, "From")?,
                    target: uri(&header(text, "Contact")?),
                    up: true,
                    ..Dialog::default()
                };
                state.dialogs.insert(id.clone(), dialog);
                state.incoming.push(id);
            }
            "INVITE" => to = state.dialogs.get(&id)?.local.clone(),
            "BYE" => state.dialogs.get_mut(&id)?.ended = true,
            "NOTIFY" => {
                let fragment = text.rsplit("SIP/2.0 ").next().unwrap_or_default();
                let status = fragment.split_whitespace().next();
                if let Some(dialog) = state.dialogs.get_mut(&id) {
                    dialog.transfer = status.and_then(|s| s.parse().ok()).or(dialog.transfer);
                }
            }
            _ => {}
        }
        let body = if method == "INVITE" {
            self.sdp()
        } else {
            String::new()
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let vias: String = text
            .lines()
            .filter(|line| line.starts_with("Via:"))
            .map(|line| format!("{line}\r\n"))
            .collect();
        Some(format!(
            "SIP/2.0 200 OK\r\n{vias}From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{}\
             Supported: replaces\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            header(text, "From")?,
            header(text, "Call-ID")?,
            header(text, "CSeq")?,
            self.contact(),
            body.len()
        ))
    }
}

fn header(text: &str, name: &str) -> Option<String> {
    let head = text.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

fn tag(party: &str) -> Option<&str> {
    party.split(";tag=").nth(1)?.split(';').next()
}

/// What is between the angle brackets.
fn uri(party: &str) -> String {
    let inside = party.split('<').nth(1).unwrap_or(party);
    inside.split('>').next().unwrap_or(inside).to_owned()
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

fn same_branch(ack: &str, response: &str) -> String {
    let branch = |text: &str| {
        let via = header(text, "Via")?;
        Some(via.split(";branch=").nth(1)?.split(';').next()?.to_owned())
    };
    match (branch(ack), branch(response)) {
        (Some(own), Some(same)) => ack.replace(&own, &same),
        _ => ack.to_owned(),
    }
}
