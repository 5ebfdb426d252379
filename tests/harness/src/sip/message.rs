//! SIP messages: what is read of them, and how ours are written.

use std::fmt::Write as _;

/// One message, as it came.
#[derive(Clone, Debug)]
pub(super) struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Message {
            first,
            headers,
            body: body.to_owned(),
        })
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first header of this name, in small letters; empty: there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// The status of a response.
    pub(super) fn status(&self) -> Option<u16> {
        let rest = self.first.strip_prefix("SIP/2.0 ")?;
        rest.split(' ').next()?.parse().ok()
    }

    /// The method: the request's own, or that of the request which a response is for.
    pub(super) fn method(&self) -> &str {
        let request = self.first.split(' ').next().unwrap_or_default();
        if self.status().is_none() {
            return request;
        }
        self.header("cseq").split(' ').nth(1).unwrap_or_default()
    }

    /// Who is called: the user of the request's URI.
    pub(super) fn user(&self) -> &str {
        let uri = self.first.split(' ').nth(1).unwrap_or_default();
        let user = uri.split(':').nth(1).unwrap_or_default();
        user.split('@').next().unwrap_or_default()
    }

    /// Where requests of this dialog go: the URI in `Contact`.
    pub(super) fn contact(&self) -> Option<&str> {
        let (_, rest) = self.header("contact").split_once('<')?;
        rest.split('>').next()
    }

    /// The port on which the other side hears, by its SDP.
    pub(super) fn media_port(&self) -> Option<u16> {
        let line = self.body.lines().find_map(|l| l.strip_prefix("m=audio "))?;
        line.split(' ').next()?.parse().ok()
    }

    /// What a NOTIFY says of a transfer: the status in its body (RFC 3515 section 2.4.5).
    pub(super) fn fragment(&self) -> Option<u16> {
        let rest = self.body.strip_prefix("SIP/2.0 ")?;
        rest.split_whitespace().next()?.parse().ok()
    }

    /// A response to this request; `tag` is ours.
    pub(super) fn response(&self, status: &str, tag: &str, here: &str, sdp: &str) -> String {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["via", "record-route", "from"] {
            for value in self.all(name) {
                let _ = write!(text, "{name}: {value}\r\n");
            }
        }
        let to = self.header("to");
        let tagged = if to.contains("tag=") || tag.is_empty() {
            to.to_owned()
        } else {
            format!("{to};tag={tag}")
        };
        let _ = write!(
            text,
            "To: {tagged}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:{here}>\r\n{}",
            self.header("call-id"),
            self.header("cseq"),
            ending(sdp)
        );
        text
    }
}

/// A request of ours within or before a dialog.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// The method whose transaction it belongs to: its own, but for the ACK of a failure.
    pub(super) of: &'a str,
    pub(super) uri: &'a str,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) call: &'a str,
    pub(super) sequence: u32,
    /// Our address and port.
    pub(super) here: &'a str,
    pub(super) user: &'a str,
    /// Further headers, each with its line end.
    pub(super) more: &'a str,
    pub(super) sdp: &'a str,
}

impl Request<'_> {
    pub(super) fn text(&self) -> String {
        let Request {
            method,
            of,
            uri,
            from,
            to,
            call,
            sequence,
            here,
            user,
            more,
            sdp,
        } = self;
        format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {here};branch=z9hG4bK-{call}-{sequence}-{of}\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: {call}\r\nCSeq: {sequence} {method}\r\n\
             Contact: <sip:{user}@{here}>\r\nMax-Forwards: 70\r\n{more}{}",
            ending(sdp)
        )
    }
}

fn ending(sdp: &str) -> String {
    let kind = if sdp.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!("{kind}Content-Length: {}\r\n\r\n{sdp}", sdp.len())
}

/// What we say of our audio: it comes to, and from, this port.
pub(super) fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:+5511@127.0.0.1:5070 SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=1\r\n\
         From: <sip:x@y>;tag=f\r\nTo: <sip:z@y>\r\nCall-ID: abc\r\nCSeq: 7 INVITE\r\n\
         Contact: <sip:asterisk@127.0.0.1:5060>\r\nContent-Length: 30\r\n\r\nv=0\r\nm=audio 14000 RTP/AVP 0\r\n";

    #[test]
    fn a_request_is_read_and_answered() {
        let invite = Message::parse(INVITE.as_bytes()).unwrap();
        assert_eq!((invite.method(), invite.user()), ("INVITE", "+5511"));
        assert_eq!(invite.status(), None);
        assert_eq!(invite.contact(), Some("sip:asterisk@127.0.0.1:5060"));
        assert_eq!(invite.media_port(), Some(14_000));

        let text = invite.response("200 OK", "t", "127.0.0.1:9", &sdp(4_000));
        let ok = Message::parse(text.as_bytes()).unwrap();
        assert_eq!((ok.status(), ok.method()), (Some(200), "INVITE"));
        assert_eq!(ok.header("to"), "<sip:z@y>;tag=t");
        assert_eq!(ok.header("via"), "SIP/2.0/UDP a;branch=1");
        assert_eq!(ok.media_port(), Some(4_000));
    }

    #[test]
    fn a_request_of_ours_is_read_back() {
        let text = Request {
            method: "BYE",
            of: "BYE",
            uri: "sip:asterisk@127.0.0.1:5060",
            from: "<sip:a@b>;tag=1",
            to: "<sip:c@d>;tag=2",
            call: "id",
            sequence: 3,
            here: "127.0.0.1:7",
            user: "a",
            more: "",
            sdp: "",
        }
        .text();
        let bye = Message::parse(text.as_bytes()).unwrap();
        assert_eq!((bye.method(), bye.header("cseq")), ("BYE", "3 BYE"));
        assert_eq!(bye.header("content-length"), "0");
    }
}
