//! One HTTP GET, for the sidecar's health and status.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Status and body of `GET path` on 127.0.0.1.
///
/// # Errors
/// Nobody listens, or what comes back is no HTTP.
pub fn get(port: u16, path: &str) -> Result<(u16, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT).context("connecting")?;
    stream
        .set_read_timeout(Some(TIMEOUT))
        .context("setting a timeout")?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    .context("sending")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("reading")?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or_else(|| anyhow!("no HTTP: {text}"))?;
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| anyhow!("no status: {head}"))?;
    Ok((status, body.to_owned()))
}
