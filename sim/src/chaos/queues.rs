//! A queue of the PBX, as app_queue has it: members, who waits, and who is rung for whom. It does
//! nothing by itself; when what happens is the PBX's business.

use outdial_engine::{LegId, QueueCounts};

use super::stage::{pick, whole};
use crate::chance::Chance;

/// Who waits in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// A call that was dialed.
    Leg(LegId),
    /// Somebody who has called the queue himself.
    Stranger(u64),
}

/// What a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Not logged in.
    Away,
    Paused,
    Free,
    RungFor(Who),
    TalksTo(Who),
    WrapsUp,
}

/// One member. What is planned for him holds for as long as his turn is the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) does: Does,
    pub(crate) turn: u64,
    /// Goes on a break, or home, once the call in hand is over.
    pub(crate) leaves: Option<Does>,
}

/// One queue.
#[derive(Clone, Debug)]
pub(crate) struct PbxQueue {
    /// `false`: its configuration or the module is gone.
    pub(crate) there: bool,
    pub(crate) watched: bool,
    /// Nothing is said of it for a while.
    pub(crate) silent: bool,
    /// What was said last.
    pub(crate) told: Option<Option<QueueCounts>>,
    pub(crate) wrap_up_ms: u32,
    members: Vec<Member>,
    line: Vec<Who>,
}

impl PbxQueue {
    /// Nobody is logged in.
    pub(crate) fn new(draw: &mut Chance) -> PbxQueue {
        let member = Member {
            does: Does::Away,
            turn: 0,
            leaves: None,
        };
        let members = usize::try_from(whole(draw, 1, 8)).unwrap_or(1);
        PbxQueue {
            there: true,
            watched: false,
            silent: false,
            told: None,
            wrap_up_ms: [0, 2_000, 15_000][pick(draw, 3)],
            members: vec![member; members],
            line: Vec::new(),
        }
    }

    pub(crate) fn places(&self) -> usize {
        self.members.len()
    }

    /// `None`: it is another turn by now.
    pub(crate) fn member(&self, place: usize, turn: u64) -> Option<Member> {
        self.members.get(place).copied().filter(|m| m.turn == turn)
    }

    pub(crate) fn now(&self, place: usize) -> Option<Member> {
        self.members.get(place).copied()
    }

    /// Gives the new turn.
    pub(crate) fn turns(&mut self, place: usize, does: Does) -> u64 {
        let Some(member) = self.members.get_mut(place) else {
            return 0;
        };
        member.turn += 1;
        member.does = match does {
            Does::Free | Does::WrapsUp => member.leaves.take().unwrap_or(does),
            Does::Away | Does::Paused | Does::RungFor(_) | Does::TalksTo(_) => does,
        };
        member.turn
    }

    pub(crate) fn leaves_after_call(&mut self, place: usize, then: Does) {
        if let Some(member) = self.members.get_mut(place) {
            member.leaves = Some(then);
        }
    }

    /// `false`: there is no such queue.
    pub(crate) fn enters(&mut self, who: Who) -> bool {
        if self.there {
            self.line.push(who);
        }
        self.there
    }

    pub(crate) fn waits(&self, who: Who) -> bool {
        self.line.contains(&who)
    }

    /// Out of the line; who was rung for him rings no more. `true`: somebody was.
    pub(crate) fn leaves(&mut self, who: Who) -> bool {
        self.line.retain(|other| *other != who);
        let rung = self.place_of(Does::RungFor(who));
        if let Some(place) = rung {
            self.turns(place, Does::Free);
        }
        rung.is_some()
    }

    /// A member takes whom he was rung for.
    pub(crate) fn takes(&mut self, place: usize, who: Who) -> u64 {
        self.line.retain(|other| *other != who);
        self.turns(place, Does::TalksTo(who))
    }

    pub(crate) fn place_of(&self, does: Does) -> Option<usize> {
        self.members.iter().position(|m| m.does == does)
    }

    /// The next member to ring and for whom: first come, first served.
    pub(crate) fn rings_next(&mut self) -> Option<(usize, Who, u64)> {
        let rung = |who: &Who| self.place_of(Does::RungFor(*who)).is_some();
        let who = *self.line.iter().find(|who| !rung(who))?;
        let place = self.place_of(Does::Free).filter(|_| self.there)?;
        let turn = self.turns(place, Does::RungFor(who));
        Some((place, who, turn))
    }

    /// Everybody is thrown out; who talks goes on.
    pub(crate) fn empties(&mut self) -> Vec<Who> {
        let line = std::mem::take(&mut self.line);
        for who in &line {
            self.leaves(*who);
        }
        line
    }

    pub(crate) fn counts(&self) -> Option<QueueCounts> {
        if !self.there {
            return None;
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let count = |which: fn(&Does) -> bool| {
            number(self.members.iter().filter(|m| which(&m.does)).count())
        };
        Some(QueueCounts {
            members: count(|does| !matches!(does, Does::Away | Does::Paused)),
            free: count(|does| matches!(does, Does::Free | Does::RungFor(_))),
            callers: number(self.line.len()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(queue: &PbxQueue) -> (u32, u32, u32) {
        let counts = queue.counts().unwrap();
        (counts.members, counts.free, counts.callers)
    }

    #[test]
    fn first_come_first_served_and_who_is_rung_counts_as_free() {
        let mut queue = PbxQueue::new(&mut Chance::new(7));
        assert_eq!(counts(&queue), (0, 0, 0));
        queue.turns(0, Does::Free);
        assert!(queue.enters(Who::Stranger(1)) && queue.enters(Who::Stranger(2)));
        let (place, who, turn) = queue.rings_next().unwrap();
        assert_eq!(
            (place, who, queue.rings_next()),
            (0, Who::Stranger(1), None)
        );
        assert_eq!(counts(&queue), (1, 1, 2));
        assert!(queue.member(place, turn).is_some());
        queue.takes(place, who);
        assert_eq!(counts(&queue), (1, 0, 1));
        assert!(queue.member(place, turn).is_none(), "another turn");
        queue.leaves_after_call(place, Does::Paused);
        queue.turns(place, Does::WrapsUp);
        assert_eq!(counts(&queue), (0, 0, 1));
    }

    #[test]
    fn who_leaves_is_rung_for_no_more() {
        let mut queue = PbxQueue::new(&mut Chance::new(7));
        queue.turns(0, Does::Free);
        queue.enters(Who::Stranger(1));
        queue.rings_next().unwrap();
        assert!(queue.leaves(Who::Stranger(1)));
        assert_eq!(counts(&queue), (1, 1, 0));
        queue.enters(Who::Stranger(2));
        queue.there = false;
        assert_eq!(queue.empties(), [Who::Stranger(2)]);
        assert_eq!(
            (queue.counts(), queue.enters(Who::Stranger(3))),
            (None, false)
        );
    }
}
