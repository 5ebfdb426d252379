//! What a leg's end says, before an answer.

use crate::attempt::Outcome;
use crate::event::LegEnd;

/// Whose word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The callee's, or the number's: the attempt ends with this outcome.
    Callee(Outcome),
    /// The route's: another trunk may be tried, and the trunk's health is charged.
    Route,
    /// The PBX's own: neither trunk nor lead is charged.
    Pbx,
}

/// Classifies the end of a leg that was not answered: by SIP status where there is one (RFC 3261
/// section 21), by Q.850 cause only where there is none. Asterisk makes cause 21 of 401, 403, 407
/// and 603 alike, so the cause alone can't tell the route's fault from the callee's word.
///
/// `rang`: the callee's phone has rung.
#[must_use]
pub fn classify(end: LegEnd, rang: bool) -> Blame {
    if end.refused_by_pbx {
        return Blame::Pbx;
    }
    match end.sip {
        Some(status) => by_sip(status, rang),
        None => by_q850(end.q850, rang),
    }
}

fn by_sip(status: u16, rang: bool) -> Blame {
    match status {
        // RFC 8197 (607) and RFC 8688 (608): refused on the callee's behalf.
        486 | 600 | 603 | 607 | 608 => Blame::Callee(Outcome::Busy),
        404 | 410 | 484 | 485 | 604 => Blame::Callee(Outcome::Invalid),
        480 | 487 => Blame::Callee(Outcome::NoAnswer),
        408 if rang => Blame::Callee(Outcome::NoAnswer),
        _ => Blame::Route,
    }
}

fn by_q850(cause: Option<u8>, rang: bool) -> Blame {
    match cause {
        Some(17 | 21) => Blame::Callee(Outcome::Busy),
        Some(1 | 22 | 28) => Blame::Callee(Outcome::Invalid),
        // Not 20: without a SIP status it is the PBX that knows of no such registration.
        Some(18 | 19) => Blame::Callee(Outcome::NoAnswer),
        Some(16 | 31 | 102) if rang => Blame::Callee(Outcome::NoAnswer),
        _ => Blame::Route,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sip(status: u16) -> Blame {
        // Cause 21 beside it must not matter.
        classify(
            LegEnd {
                sip: Some(status),
                q850: Some(21),
                refused_by_pbx: false,
            },
            false,
        )
    }

    #[test]
    fn the_callees_word_ends_the_attempt() {
        for status in [486, 600, 603, 607, 608] {
            assert_eq!(sip(status), Blame::Callee(Outcome::Busy), "{status}");
        }
        for status in [404, 410, 484] {
            assert_eq!(sip(status), Blame::Callee(Outcome::Invalid), "{status}");
        }
    }

    #[test]
    fn the_routes_fault_tries_the_next_trunk() {
        for status in [302, 401, 402, 403, 407, 408, 488, 500, 502, 503, 504] {
            assert_eq!(sip(status), Blame::Route, "{status}");
        }
        assert_eq!(classify(LegEnd::default(), false), Blame::Route, "no reply");
    }

    #[test]
    fn the_cause_counts_only_without_a_status() {
        let q850 = |cause| {
            classify(
                LegEnd {
                    q850: Some(cause),
                    ..LegEnd::default()
                },
                false,
            )
        };
        assert_eq!(q850(17), Blame::Callee(Outcome::Busy));
        assert_eq!(q850(1), Blame::Callee(Outcome::Invalid));
        assert_eq!(q850(19), Blame::Callee(Outcome::NoAnswer));
        assert_eq!(q850(20), Blame::Route);
        assert_eq!(q850(34), Blame::Route);
    }

    #[test]
    fn a_refusal_by_the_pbx_is_nobodys_fault() {
        let end = LegEnd {
            sip: Some(503),
            q850: Some(42),
            refused_by_pbx: true,
        };
        assert_eq!(classify(end, false), Blame::Pbx);
    }
}
