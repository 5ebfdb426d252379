//! A trunk's health, and the circuit breaker that leaves a failing trunk alone.

use crate::event::LegEnd;
use crate::ids::LegId;
use crate::limits::{TRUNK_BACKOFF, TRUNK_BACKOFF_MAX, TRUNK_FAULTS};
use crate::time::{Span, Tick};

/// Full health, or a whole fault, in thousandths.
const WHOLE: u32 = 1_000;
/// Results that the health score looks back on, roughly: each new one moves it by 1/32 of the way.
const MEMORY: u32 = 32;
/// Below this score the breaker opens, however the failures are spread.
const SICK: u32 = 300;
/// So many results are needed before the score may open it.
const RESULTS: u32 = 32;

/// How much a leg that failed by the route's fault says against the trunk, in thousandths. A trunk
/// that gives no reply, is overloaded or refuses our account is no use to anybody; what the far
/// network says of one call (no such route, incompatible media, moved) may hold for that call only.
#[must_use]
pub(crate) fn gravity(end: LegEnd) -> u32 {
    match (end.sip, end.q850) {
        (Some(401 | 402 | 403 | 407 | 408 | 500..=599), _) => WHOLE,
        // Rate limits that carriers answer with.
        (Some(429), _) => WHOLE,
        (Some(_), _) => WHOLE / 3,
        // No circuit, network out of order, temporary failure, congestion, none requested (ITU-T
        // Q.850 section 2.2).
        (None, Some(34 | 38 | 41 | 42 | 44 | 47)) => WHOLE,
        (None, Some(_)) => WHOLE / 3,
        (None, None) => WHOLE,
    }
}

/// Whether a trunk takes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// It does.
    Closed,
    /// It failed too often and is left alone until then.
    Open {
        /// When one call may try again.
        until: Tick,
    },
    /// One call is tried; what becomes of it decides.
    HalfOpen,
}

impl Circuit {
    /// The name that CLI and API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Circuit::Closed => "up",
            Circuit::Open { .. } => "down",
            Circuit::HalfOpen => "trying",
        }
    }
}

/// One trunk's breaker (Nygard, "Release It!", chapter 5).
#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    state: State,
    /// Moving average of results, in thousandths: 1000 is a trunk that always works.
    score: u32,
    results: u32,
    /// Gravity of the failures since something last worked.
    against: u32,
    backoff: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open(Tick),
    HalfOpen(Option<LegId>),
}

impl Breaker {
    pub(crate) fn new() -> Breaker {
        Breaker {
            state: State::Closed,
            score: WHOLE,
            results: 0,
            against: 0,
            backoff: TRUNK_BACKOFF,
        }
    }

    /// Health in thousandths.
    pub(crate) fn score(&self) -> u32 {
        self.score
    }

    pub(crate) fn circuit(&self, now: Tick) -> Circuit {
        match self.state {
            State::Closed => Circuit::Closed,
            State::Open(until) if now < until => Circuit::Open { until },
            State::Open(_) | State::HalfOpen(_) => Circuit::HalfOpen,
        }
    }

    /// Whether a call may start now.
    pub(crate) fn admits(&self, now: Tick) -> bool {
        match self.state {
            State::Closed | State::HalfOpen(None) => true,
            State::Open(until) => now >= until,
            State::HalfOpen(Some(_)) => false,
        }
    }

    /// When a call may start, if only time is in the way.
    pub(crate) fn opens_at(&self, now: Tick) -> Option<Tick> {
        match self.state {
            State::Closed | State::HalfOpen(None) => Some(now),
            State::Open(until) => Some(until.max(now)),
            State::HalfOpen(Some(_)) => None,
        }
    }

    /// A call starts: the one that is tried, if the breaker is not closed.
    pub(crate) fn started(&mut self, leg: LegId) {
        match self.state {
            State::Closed => {}
            State::Open(_) | State::HalfOpen(_) => self.state = State::HalfOpen(Some(leg)),
        }
    }

    /// A call that reached the carrier's side. What started before the breaker opened proves
    /// nothing about now. `true`: calls may start again.
    pub(crate) fn worked(&mut self, leg: LegId) -> bool {
        self.result(WHOLE);
        match self.state {
            State::Closed => self.against = 0,
            State::HalfOpen(Some(tried)) if tried == leg => {
                *self = Breaker {
                    score: self.score.max(WHOLE / 2),
                    ..Breaker::new()
                };
                return true;
            }
            State::Open(_) | State::HalfOpen(_) => {}
        }
        false
    }

    /// A call failed by the trunk's fault, which counts `gravity` thousandths.
    pub(crate) fn failed(&mut self, now: Tick, leg: LegId, gravity: u32) {
        self.result(WHOLE.saturating_sub(gravity));
        match self.state {
            State::Closed => {
                self.against = self.against.saturating_add(gravity);
                let sick = self.results >= RESULTS && self.score < SICK;
                if self.against >= TRUNK_FAULTS * WHOLE || sick {
                    self.state = State::Open(now + self.backoff);
                }
            }
            State::HalfOpen(Some(tried)) if tried == leg => {
                self.backoff = Span((self.backoff.0 * 2).min(TRUNK_BACKOFF_MAX.0));
                self.state = State::Open(now + self.backoff);
            }
            State::Open(_) | State::HalfOpen(_) => {}
        }
    }

    /// A call is gone; if it was the one that was tried and has proved nothing, another may try.
    pub(crate) fn ended(&mut self, leg: LegId) {
        if self.state == State::HalfOpen(Some(leg)) {
            self.state = State::HalfOpen(None);
        }
    }

    fn result(&mut self, value: u32) {
        self.results = self.results.saturating_add(1);
        // Rounded away from where it is, so that it reaches both ends.
        let moved = if value >= self.score {
            self.score + (value - self.score).div_ceil(MEMORY)
        } else {
            self.score - (self.score - value).div_ceil(MEMORY)
        };
        self.score = moved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AttemptId;

    fn leg(attempt: u64) -> LegId {
        LegId {
            attempt: AttemptId(attempt),
            n: 1,
        }
    }

    fn sip(status: u16) -> u32 {
        gravity(LegEnd {
            sip: Some(status),
            ..LegEnd::default()
        })
    }

    /// Open since [`Tick`] 0.
    fn open() -> Breaker {
        let mut breaker = Breaker::new();
        for n in 0..TRUNK_FAULTS {
            assert!(breaker.admits(Tick(0)), "{n}");
            breaker.failed(Tick(0), leg(u64::from(n)), WHOLE);
        }
        breaker
    }

    #[test]
    fn a_trunk_that_keeps_failing_is_left_alone_and_then_tried_with_one_call() {
        let mut breaker = open();
        assert!(!breaker.admits(Tick(TRUNK_BACKOFF.0 - 1)));
        let after = Tick(0) + TRUNK_BACKOFF;
        assert_eq!(breaker.opens_at(Tick(0)), Some(after));
        assert!(breaker.admits(after));
        breaker.started(leg(10));
        assert!(!breaker.admits(after), "one at a time");
        assert_eq!(breaker.opens_at(after), None);
        assert!(!breaker.worked(leg(3)));
        assert!(!breaker.admits(after), "an old call proves nothing");
        assert!(breaker.worked(leg(10)));
        assert!(breaker.admits(after));
        assert_eq!(breaker.circuit(after), Circuit::Closed);
    }

    #[test]
    fn each_failed_try_doubles_the_rest_up_to_its_limit() {
        let mut breaker = open();
        let mut now = Tick(0);
        let mut rests = Vec::new();
        for n in 100..120 {
            let at = breaker.opens_at(now).unwrap();
            rests.push(at - now);
            now = at;
            breaker.started(leg(n));
            breaker.failed(now, leg(n), WHOLE / 3);
        }
        assert_eq!(
            rests[..3],
            [Span::ms(500), Span::ms(1_000), Span::ms(2_000)]
        );
        assert_eq!(rests.last(), Some(&TRUNK_BACKOFF_MAX));
    }

    #[test]
    fn a_try_that_ends_without_a_word_makes_room_for_another() {
        let mut breaker = open();
        let after = Tick(0) + TRUNK_BACKOFF;
        breaker.started(leg(10));
        breaker.ended(leg(9));
        assert!(!breaker.admits(after));
        breaker.ended(leg(10));
        assert!(breaker.admits(after));
    }

    #[test]
    fn light_faults_count_less_than_grave_ones() {
        assert!(sip(503) > sip(488) && sip(403) == sip(503) && sip(302) == sip(488));
        let mut breaker = Breaker::new();
        for n in 0..2 * u64::from(TRUNK_FAULTS) {
            breaker.failed(Tick(0), leg(n), sip(488));
        }
        assert!(breaker.admits(Tick(0)));
        assert!(breaker.score() < WHOLE);
    }

    #[test]
    fn mostly_failing_opens_it_even_when_something_works_now_and_then() {
        let mut breaker = Breaker::new();
        let mut results = 0;
        while breaker.admits(Tick(0)) && results < 1_000 {
            if results % 5 == 0 {
                breaker.worked(leg(results));
            } else {
                breaker.failed(Tick(0), leg(results), WHOLE);
            }
            results += 1;
        }
        assert!((32..200).contains(&results), "{results}");
    }

    #[test]
    fn the_score_reaches_both_ends() {
        let mut breaker = Breaker::new();
        for n in 0..1_000 {
            breaker.failed(Tick(0), leg(n), WHOLE);
        }
        assert_eq!(breaker.score(), 0);
        for n in 0..1_000 {
            breaker.worked(leg(n));
        }
        assert_eq!(breaker.score(), WHOLE);
    }
}
