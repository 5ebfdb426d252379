//! What came to a call of a peer: whose voice, music, keys.

use super::voice::{is_silence, key_of, mark_of};

/// What a call has heard so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The last packet of somebody's audio, in seconds since 1970, and whose.
    pub last: Option<(f64, u8)>,
    /// Packets that are nobody's audio alone and no silence: music, or two at once.
    pub mixed: u64,
    /// Keys that somebody pressed.
    pub keys: String,
    /// The timestamp of the last key.
    key_time: Option<[u8; 4]>,
}

impl Heard {
    pub(super) fn takes(&mut self, packet: &[u8], at: f64) {
        if let Some((key, time)) = key_of(packet) {
            // A key is several packets of one time.
            if self.key_time.replace(time) != Some(time) {
                self.keys.push(key);
            }
        } else if let Some(mark) = mark_of(packet) {
            self.last = Some((at, mark));
        } else if !is_silence(packet) {
            self.mixed += 1;
        }
    }
}
