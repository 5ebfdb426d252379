//! A socket that says when the kernel had a packet: not when this process came to read it.

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};

use crate::ports;

const LARGEST: usize = 8_192;
/// Packets wait here while this process does not run.
const BUFFER: usize = 4 << 20;

/// A packet, who sent it, and when it came, in seconds since 1970.
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    pub(super) from: u16,
    pub(super) at: f64,
}

/// A socket on a free port.
pub(super) fn open() -> Result<(UdpSocket, u16)> {
    let port = ports::free()?;
    let socket = UdpSocket::bind(("127.0.0.1", port)).context("a socket")?;
    socket.set_nonblocking(true).context("a socket")?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("times of packets")?;
    setsockopt(&socket, sockopt::RcvBuf, &BUFFER).context("room for packets")?;
    Ok((socket, port))
}

/// The next packet; `None`: there is none.
pub(super) fn receive(socket: &UdpSocket) -> Option<Packet> {
    let mut bytes = vec![0; LARGEST];
    let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let (size, from, at) = {
        let mut into = [IoSliceMut::new(&mut bytes)];
        // An error here is word of an earlier packet that nobody took (ICMP), or that there is none.
        let got = recvmsg::<SockaddrIn>(
            socket.as_raw_fd(),
            &mut into,
            Some(&mut space),
            MsgFlags::MSG_DONTWAIT,
        )
        .ok()?;
        let at = got.cmsgs().ok()?.find_map(|message| {
            if let ControlMessageOwned::ScmTimestampns(time) = message {
                let nanoseconds = u32::try_from(time.tv_nsec()).ok()?;
                let seconds = u32::try_from(time.tv_sec()).ok()?;
                return Some(f64::from(seconds) + f64::from(nanoseconds) / 1e9);
            }
            None
        })?;
        (got.bytes, got.address?.port(), at)
    };
    bytes.truncate(size);
    Some(Packet { bytes, from, at })
}

/// Where a peer on this machine is.
pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
