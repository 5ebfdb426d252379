//! One call of a peer: what it answers, and what it does when.

use std::time::{Duration, Instant};

use super::heard::Heard;
use super::message::{Message, Request, sdp};
use super::voice::Voice;

/// SIP's T1: what is not answered is sent again.
const AGAIN: Duration = Duration::from_millis(500);
const TRIES: u32 = 20;
const PACKET: Duration = Duration::from_millis(20);

/// What a peer does with calls that come in.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// It rings for so long.
    pub ring: Duration,
    /// It hangs up so long after the answer was acknowledged.
    pub talk: Duration,
    /// The sample that its audio is made of.
    pub mark: u8,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not answered yet.
    Calling,
    /// Answered and acknowledged.
    Up,
    /// Over, refused, or never made.
    Over,
}

/// What was seen of a call, in seconds since 1970: when the kernel had the packet.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSeen {
    /// SIP Call-ID.
    pub id: String,
    /// Who was called.
    pub number: String,
    /// INVITE.
    pub invited: f64,
    /// The ACK for the answer came, or our own was sent.
    pub acknowledged: Option<f64>,
    /// The first packet of somebody's audio, and whose.
    pub heard: Option<(f64, u8)>,
    /// Over.
    pub ended: Option<f64>,
    /// The final response where there was no answer.
    pub refused: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Inviting,
    Ringing,
    Answered,
    Up,
    Ending,
    Over,
}

/// What is sent until it is answered.
struct Unanswered {
    text: String,
    at: Instant,
    tries: u32,
}

/// Where a peer is, as SIP has it.
#[derive(Clone, Debug)]
pub(super) struct Here {
    pub(super) sip: String,
    pub(super) media: u16,
}

pub(super) struct Call {
    stage: Stage,
    /// Port of the other side.
    pub(super) far: u16,
    /// Port where it hears.
    pub(super) far_media: Option<u16>,
    here: Here,
    user: String,
    target: String,
    ours: String,
    theirs: String,
    sequence: u32,
    invite: Option<Message>,
    plan: Option<Plan>,
    pub(super) voice: Voice,
    next_voice: Option<Instant>,
    /// The end of the ringing, or of the talk.
    due: Option<Instant>,
    unanswered: Option<Unanswered>,
    pub(super) seen: CallSeen,
    pub(super) heard: Heard,
}

impl Call {
    fn new(stage: Stage, here: &Here, far: u16, id: &str, number: &str, mark: u8, at: f64) -> Call {
        Call {
            stage,
            far,
            far_media: None,
            here: here.clone(),
            user: number.into(),
            target: String::new(),
            ours: String::new(),
            theirs: String::new(),
            sequence: 1,
            invite: None,
            plan: None,
            voice: Voice::new(mark),
            next_voice: None,
            due: None,
            unanswered: None,
            seen: CallSeen {
                id: id.into(),
                number: number.into(),
                invited: at,
                acknowledged: None,
                heard: None,
                ended: None,
                refused: None,
            },
            heard: Heard::default(),
        }
    }

    /// Calls `number` as `user`; gives the INVITE.
    pub(super) fn outgoing(
        here: &Here,
        far: u16,
        id: &str,
        (user, number): (&str, &str),
        mark: u8,
        at: f64,
    ) -> (Call, String) {
        let mut call = Call::new(Stage::Inviting, here, far, id, number, mark, at);
        call.user = user.into();
        call.target = format!("sip:{number}@127.0.0.1:{far}");
        call.ours = format!("<sip:{user}@{}>;tag={id}", here.sip);
        call.theirs = format!("<{}>", call.target);
        let invite = call.request("INVITE", "INVITE", 1, &sdp(here.media));
        call.repeat(&invite);
        (call, invite)
    }

    /// Somebody calls; gives what is answered at once.
    pub(super) fn incoming(
        here: &Here,
        far: u16,
        invite: Message,
        plan: Plan,
        at: f64,
    ) -> (Call, String) {
        let id = invite.header("call-id").to_owned();
        let mut call = Call::new(Stage::Ringing, here, far, &id, invite.user(), plan.mark, at);
        call.target = invite.contact().unwrap_or_default().into();
        call.ours = format!("{};tag=callee", invite.header("to"));
        call.theirs = invite.header("from").into();
        call.far_media = invite.media_port();
        call.due = Some(Instant::now() + plan.ring);
        call.plan = Some(plan);
        let ringing = invite.response("180 Ringing", "callee", &here.sip, "");
        call.invite = Some(invite);
        (call, ringing)
    }

    pub(super) fn status(&self) -> Status {
        match self.stage {
            Stage::Inviting | Stage::Ringing | Stage::Answered => Status::Calling,
            Stage::Up => Status::Up,
            Stage::Ending | Stage::Over => Status::Over,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn request(&self, method: &str, of: &str, sequence: u32, sdp: &str) -> String {
        Request {
            method,
            of,
            uri: &self.target,
            from: &self.ours,
            to: &self.theirs,
            call: &self.seen.id,
            sequence,
            here: &self.here.sip,
            user: &self.user,
            more: "",
            sdp,
        }
        .text()
    }

    fn repeat(&mut self, text: &str) {
        self.unanswered = Some(Unanswered {
            text: text.into(),
            at: Instant::now() + AGAIN,
            tries: TRIES,
        });
    }

    fn over(&mut self, at: f64) {
        self.stage = Stage::Over;
        self.next_voice = None;
        self.unanswered = None;
        self.due = None;
        self.seen.ended.get_or_insert(at);
    }

    fn up(&mut self, at: f64) {
        self.stage = Stage::Up;
        self.unanswered = None;
        self.seen.acknowledged = Some(at);
        self.next_voice = Some(Instant::now());
        self.due = self.plan.map(|plan| Instant::now() + plan.talk);
    }

    /// Ends a call that is up; gives the BYE.
    pub(super) fn hang_up(&mut self, at: f64) -> Option<String> {
        if self.stage != Stage::Up {
            return None;
        }
        self.sequence += 1;
        let bye = self.request("BYE", "BYE", self.sequence, "");
        self.repeat(&bye);
        self.stage = Stage::Ending;
        self.next_voice = None;
        self.due = None;
        self.seen.ended = Some(at);
        Some(bye)
    }

    /// Somebody's audio.
    pub(super) fn hears(&mut self, mark: u8, at: f64) {
        if matches!(self.stage, Stage::Answered | Stage::Up) {
            self.seen.heard.get_or_insert((at, mark));
        }
    }

    /// A message of this dialog; gives what is said to it.
    pub(super) fn takes(&mut self, message: &Message, at: f64) -> Option<String> {
        match message.status() {
            Some(status) => self.takes_response(status, message, at),
            None => self.takes_request(message, at),
        }
    }

    fn takes_response(&mut self, status: u16, message: &Message, at: f64) -> Option<String> {
        match (message.method(), status) {
            ("INVITE", 100..200) => {
                self.unanswered = None;
                None
            }
            ("INVITE", 200..300) => {
                if self.stage == Stage::Inviting {
                    self.theirs = message.header("to").into();
                    self.far_media = message.media_port();
                    if let Some(contact) = message.contact() {
                        self.target = contact.into();
                    }
                    self.up(at);
                }
                Some(self.request("ACK", "ACK", 1, ""))
            }
            ("INVITE", _) => {
                self.theirs = message.header("to").into();
                self.seen.refused = Some(status);
                self.over(at);
                Some(self.request("ACK", "INVITE", 1, ""))
            }
            ("BYE", 200..) => {
                self.over(at);
                None
            }
            _ => None,
        }
    }

    fn takes_request(&mut self, message: &Message, at: f64) -> Option<String> {
        let sip = self.here.sip.clone();
        match message.method() {
            "ACK" => {
                if self.stage == Stage::Answered {
                    self.up(at);
                }
                None
            }
            "BYE" => {
                self.over(at);
                Some(message.response("200 OK", "", &sip, ""))
            }
            "CANCEL" if self.stage == Stage::Ringing => {
                self.over(at);
                let refused = self.invite.as_ref()?;
                let no = refused.response("487 Request Terminated", "callee", &sip, "");
                self.seen.refused = Some(487);
                Some(no)
            }
            // Sent again before our ringing got there.
            "INVITE" if matches!(self.stage, Stage::Ringing | Stage::Answered) => None,
            "INVITE" => Some(message.response("200 OK", "", &sip, &sdp(self.here.media))),
            _ => Some(message.response("200 OK", "", &sip, "")),
        }
    }

    /// When something is due without anybody's asking.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let again = self.unanswered.as_ref().map(|again| again.at);
        [again, self.due, self.next_voice]
            .into_iter()
            .flatten()
            .min()
    }

    /// SIP that is due.
    pub(super) fn works(&mut self, now: Instant, at: f64) -> Option<String> {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            if self.stage != Stage::Ringing {
                return self.hang_up(at);
            }
            let invite = self.invite.as_ref()?;
            let ok = invite.response("200 OK", "callee", &self.here.sip, &sdp(self.here.media));
            self.stage = Stage::Answered;
            self.repeat(&ok);
            return Some(ok);
        }
        let again = self.unanswered.as_mut().filter(|again| again.at <= now)?;
        again.at = now + AGAIN;
        again.tries -= 1;
        let text = again.text.clone();
        if again.tries == 0 {
            self.over(at);
        }
        Some(text)
    }

    /// RTP that is due, and the port where it goes.
    pub(super) fn speaks(&mut self, now: Instant) -> Option<(u16, Vec<Vec<u8>>)> {
        let next = self.next_voice.filter(|next| *next <= now)?;
        // Who could not run for a while does not make up for it.
        let late = now.duration_since(next) > PACKET * 5;
        self.next_voice = Some(if late { now } else { next } + PACKET);
        Some((self.far_media?, self.voice.next()))
    }
}
