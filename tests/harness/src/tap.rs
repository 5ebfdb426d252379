//! Listens to what the PBX says over RTP: a socket that a callee's SDP names in the place of its own.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};

/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of an RTP header without extensions.
const HEADER: usize = 12;
/// Mean of the samples' magnitudes from which a packet is no silence; as AMD() has it.
const LOUD: i64 = 256;

/// A listening socket, and when it heard something.
pub struct Tap {
    /// Its port.
    pub port: u16,
    heard: Arc<Mutex<Vec<f64>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Listens on a free port.
    ///
    /// # Errors
    /// There is none.
    pub fn start() -> Result<Tap> {
        let port = crate::ports::free()?;
        let socket = UdpSocket::bind(("127.0.0.1", port)).context("a socket for RTP")?;
        socket
            .set_read_timeout(Some(LOOK))
            .context("a socket for RTP")?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (writes, ends) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut packet = [0; 2_048];
            while !ends.load(Ordering::Relaxed) {
                let Ok(size) = socket.recv(&mut packet) else {
                    continue;
                };
                if is_loud(&packet[..size])
                    && let Ok(at) = SystemTime::now().duration_since(UNIX_EPOCH)
                    && let Ok(mut heard) = writes.lock()
                {
                    heard.push(at.as_secs_f64());
                }
            }
        });
        Ok(Tap {
            port,
            heard,
            stop,
            thread: Some(thread),
        })
    }

    /// When the first sound after `since` came, in seconds since 1970; silence is none.
    ///
    /// # Errors
    /// The listening thread has panicked.
    pub fn first_after(&self, since: f64) -> Result<Option<f64>> {
        let heard = self
            .heard
            .lock()
            .map_err(|_| anyhow!("the thread that listens has panicked"))?;
        Ok(heard.iter().copied().find(|at| *at > since))
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// PCMU that is no silence.
fn is_loud(packet: &[u8]) -> bool {
    let Some(samples) = packet.get(HEADER..).filter(|samples| !samples.is_empty()) else {
        return false;
    };
    if packet[1] & 0x7f != 0 {
        return false;
    }
    let sum: i64 = samples.iter().map(|sample| magnitude(*sample)).sum();
    sum / i64::try_from(samples.len()).unwrap_or(1) >= LOUD
}

/// ITU-T G.711, µ-law, without the sign.
fn magnitude(sample: u8) -> i64 {
    let bits = !sample;
    let mantissa = i64::from(bits & 0x0f);
    let exponent = (bits >> 4) & 0x07;
    (((mantissa << 3) + 0x84) << exponent) - 0x84
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_events_are_not_loud() {
        let packet = |kind: u8, sample: u8| {
            let mut packet = vec![0x80, kind];
            packet.resize(HEADER, 0);
            packet.resize(HEADER + 160, sample);
            packet
        };
        assert!(is_loud(&packet(0, 0x10)));
        assert!(is_loud(&packet(0x80, 0x90)), "with the marker");
        assert!(!is_loud(&packet(0, 0xff)));
        assert!(!is_loud(&packet(101, 0x10)), "a digit");
        assert!(!is_loud(&packet(0, 0x10)[..HEADER]));
        assert_eq!(magnitude(0x80), 32_124);
        assert_eq!(magnitude(0xff), 0);
    }
}
