//! Free ports of 127.0.0.1.

use std::net::{TcpListener, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Below the range from which the kernel hands out ports by itself.
const FIRST: u16 = 20_000;
const COUNT: u16 = 9_000;

static NEXT: AtomicU16 = AtomicU16::new(0);
static LOCK: Mutex<()> = Mutex::new(());

/// A port that is free for TCP and UDP now; this process never hands it out twice.
///
/// # Errors
/// None is free.
pub fn free() -> Result<u16> {
    run(1)
}

/// The first of `count` ports in a row: SIPp takes more than the media port that it is told.
///
/// # Errors
/// There are none.
pub fn run(count: u16) -> Result<u16> {
    let guard = LOCK.lock();
    // Each process begins elsewhere, so that runs side by side rarely meet.
    let start = u16::try_from(u64::from(std::process::id()) * 97 % u64::from(COUNT))?;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(count, Ordering::Relaxed);
        let port = FIRST + (start.wrapping_add(step)) % COUNT;
        if (port..port + count).all(is_free) {
            drop(guard);
            return Ok(port);
        }
    }
    bail!(
        "no {count} free ports between {FIRST} and {}",
        FIRST + COUNT
    );
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}
