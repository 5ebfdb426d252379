//! What a peer says over RTP: one sample value for each phone, so that whoever hears a packet knows
//! whose it is; and digits.

use std::collections::VecDeque;

/// Samples of a packet: 20 ms of PCMU.
pub(super) const SAMPLES: usize = 160;
const HEADER: usize = 12;
const PCMU: u8 = 0;
/// Payload type of digits, as our SDP has it.
const EVENT: u8 = 101;
/// Packets of a digit: 100 ms. Its last one is sent three times (RFC 4733, 2.5.1.4).
const DIGIT_PACKETS: u16 = 5;
const END_REPEATS: usize = 3;
/// Audio packets between two digits: 100 ms.
const DIGIT_GAP: u16 = 5;

/// A stream that is being sent.
pub(super) struct Voice {
    mark: u8,
    sequence: u16,
    time: u32,
    first: bool,
    digits: VecDeque<u8>,
    /// How far the digit in hand is, and how long the gap behind it still lasts.
    sent: u16,
    gap: u16,
}

impl Voice {
    pub(super) fn new(mark: u8) -> Voice {
        Voice {
            mark,
            sequence: 1,
            time: 0,
            first: true,
            digits: VecDeque::new(),
            sent: 0,
            gap: 0,
        }
    }

    /// Presses keys: 0 to 9, * and #.
    pub(super) fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            let event = match key {
                '*' => Some(10),
                '#' => Some(11),
                other => other.to_digit(10).and_then(|d| u8::try_from(d).ok()),
            };
            self.digits.extend(event);
        }
    }

    /// The packets of the next 20 ms.
    pub(super) fn next(&mut self) -> Vec<Vec<u8>> {
        let packets = match self.digits.front().copied() {
            Some(event) if self.gap == 0 => self.digit(event),
            Some(_) | None => {
                self.gap = self.gap.saturating_sub(1);
                let payload = [self.mark; SAMPLES];
                vec![self.packet(PCMU, self.time, &payload)]
            }
        };
        self.time = self.time.wrapping_add(160);
        packets
    }

    fn digit(&mut self, event: u8) -> Vec<Vec<u8>> {
        let began = self.time.wrapping_sub(u32::from(self.sent) * 160);
        self.sent += 1;
        let last = self.sent == DIGIT_PACKETS;
        self.first = self.sent == 1;
        let [high, low] = (self.sent * 160).to_be_bytes();
        let volume = if last { 0x80 | 10 } else { 10 };
        let payload = [event, volume, high, low];
        let count = if last { END_REPEATS } else { 1 };
        let packets = (0..count)
            .map(|_| self.packet(EVENT, began, &payload))
            .collect();
        if last {
            self.digits.pop_front();
            self.sent = 0;
            self.gap = DIGIT_GAP;
        }
        packets
    }

    fn packet(&mut self, kind: u8, time: u32, payload: &[u8]) -> Vec<u8> {
        let marker = if self.first { 0x80 } else { 0 };
        self.first = false;
        let mut packet = vec![0x80, marker | kind];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(time.to_be_bytes());
        packet.extend([0, 0, 0, self.mark]);
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }
}

/// Whose packet this is: the mark that all of its samples have. `None`: silence, music, a digit.
pub(super) fn mark_of(packet: &[u8]) -> Option<u8> {
    let samples = packet.get(HEADER..)?;
    let first = *samples.first()?;
    let pure = samples.len() >= SAMPLES && samples.iter().all(|sample| *sample == first);
    // 0xff and 0x7f are silence.
    (pure && packet[1] & 0x7f == PCMU && first & 0x7f != 0x7f).then_some(first)
}

/// Whether nothing is to be heard in a packet; what is no audio is silent too.
pub(super) fn is_silence(packet: &[u8]) -> bool {
    let audio = packet.get(1).is_some_and(|kind| kind & 0x7f == PCMU);
    // The smallest steps to either side of 0xff and 0x7f are noise that nobody hears.
    let quiet = |sample: &u8| sample & 0x7f > 0x7b;
    !audio || packet.get(HEADER..).unwrap_or_default().iter().all(quiet)
}

/// Which key a packet is of, and its timestamp.
pub(super) fn key_of(packet: &[u8]) -> Option<(char, [u8; 4])> {
    let event = usize::from(*packet.get(HEADER)?);
    let time = packet.get(4..8)?.try_into().ok()?;
    let key = "0123456789*#".chars().nth(event)?;
    (packet[1] & 0x7f == EVENT).then_some((key, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_whose_it_is() {
        let mut voice = Voice::new(0x21);
        let packet = voice.next().remove(0);
        assert_eq!(mark_of(&packet), Some(0x21));
        let mut mixed = packet.clone();
        mixed[40] = 0x22;
        assert_eq!(mark_of(&mixed), None);
        assert_eq!(mark_of(&Voice::new(0xff).next()[0]), None);
        assert_eq!(mark_of(&packet[..20]), None);
    }

    #[test]
    fn a_digit_has_one_time_and_an_end() {
        let mut voice = Voice::new(0x21);
        voice.press("*");
        let ticks: Vec<Vec<Vec<u8>>> = (0..6).map(|_| voice.next()).collect();
        let counts: Vec<usize> = ticks.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 1, 1, 1, 3, 1]);
        let digits: Vec<&Vec<u8>> = ticks[..5].iter().flatten().collect();
        assert!(digits.iter().all(|packet| packet[1] & 0x7f == EVENT));
        assert!(digits.iter().all(|packet| packet[4..8] == digits[0][4..8]));
        assert!(digits.iter().all(|packet| packet[12] == 10));
        assert_eq!(digits[6][13] & 0x80, 0x80);
        assert_eq!(digits[6][14..16], [3, 32], "800 samples");
        assert_eq!(mark_of(&ticks[5][0]), Some(0x21));
    }
}
