//! One connection: the socket, its frames, and who is at the other end.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, getsockopt, recv, send, socket,
    sockopt,
};
use outdial_link::{Down, FrameError, Reader, Up, encode};

use crate::limits;

/// An open connection to the sidecar.
pub(super) struct Connection {
    socket: OwnedFd,
    reader: Reader,
    buffer: Vec<u8>,
    out: Vec<u8>,
    out_start: usize,
    /// Welcomed by the sidecar.
    pub(super) welcomed: bool,
    pub(super) opened: Instant,
    /// When the socket last took something, or had nothing to take.
    progress: Instant,
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("it closed the connection")]
    Closed,
    #[error("the settings were reloaded")]
    Reloaded,
    #[error("it takes nothing any more")]
    Stalled,
    #[error("it did not answer the greeting")]
    NoWelcome,
    #[error("it refused: {0}")]
    Refused(String),
    #[error(
        "the process at the other end runs as uid {0}, which is neither root, nor ours, nor the \
         owner of the socket's folder"
    )]
    Peer(u32),
    #[error("it speaks version {0}, which this library does not")]
    Version(u16),
    #[error("it gave epoch {0}, which is out of range")]
    Epoch(u32),
}

impl From<Errno> for LinkError {
    fn from(errno: Errno) -> LinkError {
        LinkError::Io(errno.into())
    }
}

impl Connection {
    /// Connects without waiting.
    pub(super) fn open(path: &Path) -> Result<Connection, LinkError> {
        let socket = socket(
            AddressFamily::Unix,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            None,
        )?;
        connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        check_peer(&socket, path)?;
        let now = Instant::now();
        Ok(Connection {
            socket,
            reader: Reader::default(),
            buffer: vec![0; limits::READ_BYTES],
            out: Vec::new(),
            out_start: 0,
            welcomed: false,
            opened: now,
            progress: now,
        })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn has_output(&self) -> bool {
        self.out_start < self.out.len()
    }

    /// Whether another message may be encoded.
    pub(super) fn has_room(&self) -> bool {
        self.out.len() - self.out_start < limits::OUT_BYTES
    }

    pub(super) fn send(&mut self, message: &Up) -> Result<(), LinkError> {
        if !self.has_output() {
            self.out.clear();
            self.out_start = 0;
            self.progress = Instant::now();
        }
        Ok(encode(message, &mut self.out)?)
    }

    /// Writes what the socket takes.
    pub(super) fn flush(&mut self) -> Result<(), LinkError> {
        while self.has_output() {
            let rest = &self.out[self.out_start..];
            match send(self.socket.as_raw_fd(), rest, MsgFlags::MSG_NOSIGNAL) {
                Ok(n) => {
                    self.out_start += n;
                    self.progress = Instant::now();
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    if self.progress.elapsed() > limits::LINK_STALL {
                        return Err(LinkError::Stalled);
                    }
                    break;
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        if self.out_start > limits::OUT_BYTES {
            self.out.drain(..self.out_start);
            self.out_start = 0;
        }
        Ok(())
    }

    /// Reads what is there, one buffer at most.
    pub(super) fn read(&mut self) -> Result<(), LinkError> {
        loop {
            match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(n) => {
                    self.reader.push(&self.buffer[..n]);
                    return Ok(());
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Result<Option<Down>, LinkError> {
        Ok(self.reader.next()?)
    }
}

/// The sidecar runs as root, as the PBX's own user, or as the owner of the folder that holds its
/// socket: nobody else can have put a socket there.
fn check_peer(socket: &OwnedFd, path: &Path) -> Result<(), LinkError> {
    let peer = getsockopt(socket, sockopt::PeerCredentials)?.uid();
    if peer == 0 || peer == nix::unistd::geteuid().as_raw() {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    if std::fs::metadata(folder)?.uid() == peer {
        return Ok(());
    }
    Err(LinkError::Peer(peer))
}
