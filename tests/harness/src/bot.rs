//! A voice bot: the server's end of AudioSocket, which carries a call's audio over TCP.
//!
//! A message is a kind, two bytes of length with the higher one first, and so many bytes: 0x00 hang-up,
//! 0x01 the call's UUID, 0x10 audio, signed 16 bit at 8 kHz with the lower byte first.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

const HANG_UP: u8 = 0x00;
const UUID: u8 = 0x01;
const AUDIO: u8 = 0x10;
/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);
/// Samples of 20 ms.
const FRAME: usize = 160;
/// A sample that is no silence.
const LOUD: u16 = 1_000;

/// What was heard of one call.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Its UUID, as text without dashes.
    pub uuid: String,
    /// Pieces of audio.
    pub pieces: usize,
    /// Those of them that were no silence.
    pub loud: usize,
}

/// A bot that listens to so many pieces of sound, says as many itself, and hangs up.
pub struct Bot {
    /// Where it listens.
    pub port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bot {
    /// Listens on a free port; takes one call at a time.
    ///
    /// # Errors
    /// There is no port.
    pub fn start(pieces: usize) -> Result<Bot> {
        let listener = TcpListener::bind("127.0.0.1:0").context("a socket for the bot")?;
        listener.set_nonblocking(true).context("a socket")?;
        let port = listener.local_addr().context("a socket")?.port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (writes, ends) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let call = talk(stream, pieces, &ends);
                        let mut all = writes.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(call);
                    }
                    Err(_) => std::thread::sleep(LOOK),
                }
            }
        });
        Ok(Bot {
            port,
            heard,
            stop,
            thread: Some(thread),
        })
    }

    /// The calls that are over.
    #[must_use]
    pub fn calls(&self) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// One call, until it has heard enough or the other end goes; what it heard till then counts.
fn talk(mut stream: TcpStream, pieces: usize, stop: &AtomicBool) -> Heard {
    let mut heard = Heard::default();
    let timeout = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(LOOK)));
    if timeout.is_err() {
        return heard;
    }
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    while heard.loud < pieces && !stop.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => return heard,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return heard,
        }
        while let Some((kind, body)) = message(&mut bytes) {
            match kind {
                UUID => heard.uuid = body.iter().map(|byte| format!("{byte:02x}")).collect(),
                AUDIO => {
                    heard.pieces += 1;
                    heard.loud += usize::from(is_loud(&body));
                }
                _ => {}
            }
        }
    }
    for _ in 0..pieces {
        // One piece each 20 ms, as a call has it.
        std::thread::sleep(LOOK);
        if stream.write_all(&packed(AUDIO, &tone())).is_err() {
            return heard;
        }
    }
    drop(stream.write_all(&packed(HANG_UP, &[])));
    // Whoever closes with something unread resets the connection, and the hang-up may be lost.
    while !stop.load(Ordering::Relaxed) && !matches!(stream.read(&mut buffer), Ok(0)) {}
    heard
}

/// Takes the first message, once it is whole.
fn message(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let length = usize::from(u16::from_be_bytes([*bytes.get(1)?, *bytes.get(2)?]));
    if bytes.len() < 3 + length {
        return None;
    }
    let kind = bytes[0];
    let body = bytes[3..3 + length].to_vec();
    bytes.drain(..3 + length);
    Some((kind, body))
}

fn packed(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut all = vec![kind, length[0], length[1]];
    all.extend_from_slice(body);
    all
}

fn is_loud(body: &[u8]) -> bool {
    let samples = body.as_chunks::<2>().0.iter();
    let mut magnitudes = samples.map(|pair| i16::from_le_bytes(*pair).unsigned_abs());
    magnitudes.any(|magnitude| magnitude > LOUD)
}

/// 20 ms of a square wave of 500 Hz.
fn tone() -> Vec<u8> {
    let sample = |n: usize| if n % 16 < 8 { 8_000_i16 } else { -8_000 };
    (0..FRAME).flat_map(|n| sample(n).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_apart() {
        let mut bytes = packed(UUID, &[7; 16]);
        bytes.extend(packed(AUDIO, &tone()));
        bytes.extend([AUDIO, 1]);
        assert_eq!(message(&mut bytes), Some((UUID, vec![7; 16])));
        let (kind, audio) = message(&mut bytes).unwrap();
        assert_eq!((kind, audio.len()), (AUDIO, 320));
        assert!(is_loud(&audio) && !is_loud(&[0; 320]));
        assert_eq!(message(&mut bytes), None);
        assert_eq!(bytes, [AUDIO, 1]);
    }
}
