//! What the library inside the PBX and its sidecar say to each other.
//!
//! Frames on a Unix stream socket: a `u32` length (little endian, of what follows), then one
//! message in postcard's encoding. The library connects, the sidecar listens. The library opens
//! with [`Up::Hello`] and the sidecar answers [`Down::Welcome`] or [`Down::Refused`]; both are
//! frozen for all versions, so that any two builds can at least say why they don't talk: a field
//! may be appended to the hello, which an older build overlooks and a newer one does without.
//!
//! Version 3 is the first one of a release; 1 and 2 were those of its development.
//!
//! Instants are wall-clock milliseconds since 1970 in UTC; spans are named with their unit.

mod frame;
mod hello;
pub mod lock_file;
mod message;
mod snapshot;

pub use frame::{FRAME_BYTES, FrameError, Reader, encode};
pub use hello::Hello;
pub use message::*;
pub use snapshot::*;

/// The newest version of the messages that this build speaks.
pub const VERSION_MAX: u16 = 3;
/// The oldest version of the messages that this build speaks.
pub const VERSION_MIN: u16 = 3;
/// The version that both sides speak, given the other side's range.
#[must_use]
pub fn negotiate(min: u16, max: u16) -> Option<u16> {
    let version = max.min(VERSION_MAX);
    (version >= min && version >= VERSION_MIN).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_spoken() {
        assert_eq!(negotiate(VERSION_MIN, VERSION_MAX + 5), Some(VERSION_MAX));
        assert_eq!(negotiate(VERSION_MAX + 1, VERSION_MAX + 5), None);
    }
}
