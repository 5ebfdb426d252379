//! Calls that wait for their start to be on disk.
//!
//! The journal syncs several starts at once. They leave with the same spaces between them with
//! which they were due, so that the carrier sees the rate that was asked for and not a burst for
//! each sync.

use std::collections::{BTreeMap, VecDeque};

use outdial_engine::{LegId, Originate, Tick};

use crate::clock::micros;
use crate::limits;

/// How the start of a leg stands with the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Given to the journal.
    Token(u64),
    /// Refused at once.
    Refused,
}

/// An originate whose start is not yet on disk, or whose time has not come.
struct Waiting {
    token: u64,
    /// Durable; may leave then.
    leaves: Option<Tick>,
    originate: Box<Originate>,
}

/// All of them, in the order of the engine's decisions.
#[derive(Default)]
pub(super) struct Starts {
    recorded: BTreeMap<LegId, Start>,
    waiting: VecDeque<Waiting>,
    /// Every start up to this token is on disk, or refused.
    durable: u64,
    /// When the last one was to leave.
    last: Tick,
}

impl Starts {
    /// The journal was asked to record the start of `leg`.
    pub(super) fn recorded(&mut self, leg: LegId, start: Start) {
        self.recorded.insert(leg, start);
    }

    /// An originate overtakes neither its own start nor an originate before it. `false`: it may
    /// not leave at all.
    pub(super) fn push(&mut self, originate: Box<Originate>) -> bool {
        let token = match self.recorded.remove(&originate.leg) {
            Some(Start::Refused) => return false,
            Some(Start::Token(token)) => token,
            // Nothing is recorded of it: a test call.
            None => 0,
        };
        let durable = token <= self.durable;
        self.waiting.push_back(Waiting {
            token,
            leaves: durable.then_some(originate.due),
            originate,
        });
        true
    }

    /// Every start up to `token` is on disk, or refused.
    pub(super) fn durable(&mut self, now: Tick, token: u64) {
        self.durable = self.durable.max(token);
        let mut late = None;
        for waiting in &mut self.waiting {
            if waiting.leaves.is_some() || waiting.token > self.durable {
                continue;
            }
            let due = waiting.originate.due;
            let late = *late.get_or_insert(now - due);
            self.last = self.last.max(due + late);
            waiting.leaves = Some(self.last);
        }
    }

    /// The next originate that may leave.
    pub(super) fn pop(&mut self, now: Tick) -> Option<Box<Originate>> {
        let leaves = self.waiting.front()?.leaves?;
        if leaves.0 > now.0.saturating_add(micros(limits::START_SLACK)) {
            return None;
        }
        self.waiting.pop_front().map(|waiting| waiting.originate)
    }

    /// When the next originate must leave, if it is on disk.
    pub(super) fn next(&self) -> Option<Tick> {
        let leaves = self.waiting.front()?.leaves?;
        Some(Tick(leaves.0.saturating_add(micros(limits::START_SLACK))))
    }

    /// The start with this token was not recorded.
    pub(super) fn refused(&mut self, token: u64) -> Option<LegId> {
        let at = self.waiting.iter().position(|w| w.token == token)?;
        self.waiting.remove(at).map(|waiting| waiting.originate.leg)
    }

    /// Takes out a leg that has not left. `false`: there is none.
    pub(super) fn cancel(&mut self, leg: LegId) -> bool {
        let at = self.waiting.iter().position(|w| w.originate.leg == leg);
        at.and_then(|at| self.waiting.remove(at)).is_some()
    }

    pub(super) fn legs(&self) -> impl Iterator<Item = LegId> {
        self.waiting.iter().map(|waiting| waiting.originate.leg)
    }
}

#[cfg(test)]
mod tests {
    use outdial_engine::config::Target;
    use outdial_engine::{AttemptId, Number};

    use super::*;

    fn leg(n: u64) -> LegId {
        LegId {
            attempt: AttemptId(n),
            n: 1,
        }
    }

    fn originate(due: Tick, n: u64) -> Box<Originate> {
        Box::new(Originate {
            leg: leg(n),
            lead: None,
            record: false,
            amd: None,
            due,
            tech: "PJSIP".into(),
            endpoint: "carrier".into(),
            number: Number::new("5511987654321").unwrap(),
            caller_id: Number::new("551130000000").unwrap(),
            account: "test".into(),
            timeout_ms: 1_000,
            target: Target {
                context: "outdial".into(),
                exten: "s".into(),
                priority: 1,
            },
        })
    }

    fn ms(ms: u64) -> Tick {
        Tick(ms * 1_000)
    }

    fn push(starts: &mut Starts, due: Tick, n: u64) {
        starts.recorded(leg(n), Start::Token(n));
        assert!(starts.push(originate(due, n)));
    }

    fn left(starts: &mut Starts, at: Tick) -> Vec<LegId> {
        std::iter::from_fn(|| starts.pop(at))
            .map(|originate| originate.leg)
            .collect()
    }

    #[test]
    fn none_leaves_before_it_is_on_disk_and_each_keeps_its_space() {
        let mut starts = Starts::default();
        for n in 1..=3 {
            push(&mut starts, ms(n * 20), n);
        }
        assert_eq!(left(&mut starts, ms(1_000)), []);
        starts.durable(ms(70), 2);
        assert_eq!(left(&mut starts, ms(70)), [leg(1)]);
        assert_eq!(starts.next(), Some(ms(100)));
        assert_eq!(left(&mut starts, ms(79)), []);
        assert_eq!(left(&mut starts, ms(80)), [leg(2)]);
        assert_eq!(left(&mut starts, ms(1_000)), []);
        starts.durable(ms(120), 3);
        assert_eq!(left(&mut starts, ms(120)), [leg(3)]);
    }

    #[test]
    fn a_fast_disk_lets_none_overtake() {
        let mut starts = Starts::default();
        push(&mut starts, ms(10), 1);
        push(&mut starts, ms(30), 2);
        starts.durable(ms(40), 2);
        push(&mut starts, ms(41), 3);
        starts.durable(ms(42), 3);
        assert_eq!(left(&mut starts, ms(42)), [leg(1)]);
        assert_eq!(left(&mut starts, ms(59)), [leg(2), leg(3)]);
    }

    #[test]
    fn what_was_refused_or_cancelled_never_leaves() {
        let mut starts = Starts::default();
        starts.recorded(leg(9), Start::Refused);
        assert!(!starts.push(originate(ms(1), 9)));
        push(&mut starts, ms(1), 1);
        push(&mut starts, ms(1), 2);
        push(&mut starts, ms(1), 3);
        assert_eq!(starts.refused(1), Some(leg(1)));
        assert!(starts.cancel(leg(2)));
        assert!(!starts.cancel(leg(2)));
        assert_eq!(starts.legs().collect::<Vec<_>>(), [leg(3)]);
        starts.durable(ms(5), 3);
        assert_eq!(left(&mut starts, ms(5)), [leg(3)]);
    }
}
