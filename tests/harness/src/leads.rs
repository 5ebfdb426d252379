//! Leads whose numbers tell the carrier what to do; see `tests/sipp/carrier.xml`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Answered; the callee hangs up after this many seconds.
    Answer(u8),
    /// Answered; the callee stays until the other side hangs up.
    AnswerStay,
    /// Rings until the caller gives up.
    RingNoAnswer,
    /// 486.
    Busy,
    /// 503.
    Congestion,
    /// 404.
    Unknown,
    /// 603.
    Decline,
    /// 302 to another number.
    Moved,
    /// Nothing comes back at all.
    Silence,
    /// 403.
    Forbidden,
    /// 484.
    Incomplete,
    /// 480.
    Unavailable,
    /// 500.
    ServerError,
    /// 183, then answered for a second.
    EarlyThenAnswer,
    /// 401.
    Unauthorized,
    /// Answered; the callee hangs up within 50 ms.
    AnswerBriefly,
}

impl Fate {
    fn digits(self) -> (u8, u8) {
        match self {
            Fate::Answer(talk) => (0, talk.min(9)),
            Fate::AnswerStay => (1, 0),
            Fate::RingNoAnswer => (2, 0),
            Fate::Busy => (3, 0),
            Fate::Congestion => (4, 0),
            Fate::Unknown => (5, 0),
            Fate::Decline => (6, 0),
            Fate::Moved => (7, 0),
            Fate::Silence => (8, 0),
            Fate::Forbidden => (9, 0),
            Fate::Incomplete => (9, 1),
            Fate::Unavailable => (9, 2),
            Fate::ServerError => (9, 3),
            Fate::EarlyThenAnswer => (9, 4),
            Fate::Unauthorized => (9, 5),
            Fate::AnswerBriefly => (9, 6),
        }
    }

    /// The number of a lead with this fate; see [`Lead`].
    #[must_use]
    pub fn number(self, ring_half_seconds: u8, serial: u32) -> String {
        Lead {
            fate: self,
            ring_half_seconds,
            serial,
        }
        .number()
    }

    /// The callee answers.
    #[must_use]
    pub fn answers(self) -> bool {
        matches!(
            self,
            Fate::Answer(_) | Fate::AnswerStay | Fate::EarlyThenAnswer | Fate::AnswerBriefly
        )
    }
}

/// One lead, with one number: a Brazilian mobile, `+55 11 9` and eight digits of plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// What happens.
    pub fate: Fate,
    /// Ringing before that, in half seconds, 0 to 9.
    pub ring_half_seconds: u8,
    /// Makes the number unlike the others of the same plan; 0 to 99,999.
    pub serial: u32,
}

impl Lead {
    /// The number in E.164, without `+`.
    #[must_use]
    pub fn number(&self) -> String {
        let (outcome, talk) = self.fate.digits();
        let ring = self.ring_half_seconds.min(9);
        format!("55119{outcome}{ring}{talk}{:05}", self.serial % 100_000)
    }
}

/// Writes leads as a CSV file with national numbers, as a customer's list has them.
///
/// # Errors
/// The file can't be written.
pub fn write_csv(path: &Path, leads: &[Lead]) -> Result<()> {
    let mut text = String::from("name,phone,city\n");
    for lead in leads {
        let number = lead.number();
        let (area, rest) = number[2..].split_at(2);
        let (first, last) = rest.split_at(5);
        writeln!(
            text,
            "Lead {},({area}) {first}-{last},São Paulo",
            lead.serial
        )?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// What the carrier can do with a call, and how it notes the call's end.
pub const ENDINGS: [(Fate, &str); 15] = [
    (Fate::Answer(1), "bye_out"),
    (Fate::AnswerStay, "bye_in"),
    (Fate::RingNoAnswer, "cancelled"),
    (Fate::Busy, "486"),
    (Fate::Congestion, "503"),
    (Fate::Unknown, "404"),
    (Fate::Decline, "603"),
    (Fate::Moved, "302"),
    (Fate::Forbidden, "403"),
    (Fate::Incomplete, "484"),
    (Fate::Unavailable, "480"),
    (Fate::ServerError, "500"),
    (Fate::EarlyThenAnswer, "bye_out"),
    (Fate::Unauthorized, "401"),
    (Fate::AnswerBriefly, "bye_out"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_holds_the_plan() {
        let lead = Lead {
            fate: Fate::Answer(3),
            ring_half_seconds: 2,
            serial: 42,
        };
        assert_eq!(lead.number(), "5511902300042");
        let lead = Lead {
            fate: Fate::Unavailable,
            ring_half_seconds: 0,
            serial: 1,
        };
        assert_eq!(lead.number(), "5511990200001");
    }
}
