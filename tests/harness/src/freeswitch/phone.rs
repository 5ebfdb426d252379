//! An agent's phone registers (RFC 3261 section 10), for FreeSWITCH rings whoever is registered.

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Registers `user` with the profile that listens on `profile`, as somebody who is reached on `port`.
pub(super) fn register(profile: u16, user: &str, port: u16) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").context("a socket")?;
    socket.set_read_timeout(Some(LIMIT)).context("a socket")?;
    let here = socket.local_addr().context("a socket")?;
    let packet = format!(
        "REGISTER sip:127.0.0.1:{profile} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {here};branch=z9hG4bK{user}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:{user}@127.0.0.1>;tag={user}\r\n\
         To: <sip:{user}@127.0.0.1>\r\n\
         Call-ID: register-{user}\r\n\
         CSeq: 1 REGISTER\r\n\
         Contact: <sip:{user}@127.0.0.1:{port}>\r\n\
         Expires: 3600\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket
        .send_to(packet.as_bytes(), ("127.0.0.1", profile))
        .context("sending REGISTER")?;
    let mut buffer = [0; 8_192];
    let (size, _) = socket
        .recv_from(&mut buffer)
        .context("the answer to REGISTER")?;
    let answer = String::from_utf8_lossy(&buffer[..size]);
    ensure!(answer.starts_with("SIP/2.0 200"), "REGISTER: {answer}");
    Ok(())
}
