//! Calls in the PBX's own queues: members who ring, take them, talk, and have lives of their own.

use std::sync::Arc;

use outdial_engine::{Event, LegEvent, LegId, QueueCounts, Span};

use super::super::plan::Fault;
use super::super::queues::{Does, PbxQueue, Who};
use super::super::stage::{Care, Happening, Stage, chance, exponential, pick, whole};
use super::Step;
use super::{Fact, Pbx, PbxAct, Phase, TALK_MOST, step, tell};

/// What happens in a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum QueueAct {
    /// Somebody who was not dialed.
    StrangerCalls,
    StrangerGoes(Who),
    /// A call reaches `Queue()`.
    Enters(LegId),
    /// `Dequeue` reaches it.
    Leaves(LegId),
    PicksUp(usize, u64),
    RingsOut(usize, u64),
    TalkOver(usize, u64),
    WrapUpOver(usize, u64),
    /// A member comes, goes, pauses.
    Whim(usize),
    /// It is counted once more.
    Counts,
}

/// How often strangers call, and how long they wait.
const STRANGERS_MS: u32 = 150_000;
const STRANGER_WAITS_MS: u32 = 30_000;

fn plan(stage: &mut Stage, after: Span, queue: &Arc<str>, act: QueueAct) {
    let act = PbxAct::Queue(queue.clone(), act);
    stage.plan_in(after, Happening::Pbx(act));
}

impl Pbx {
    /// The queues that campaigns may have, with their members, who come in a minute.
    pub(crate) fn open_queues(&mut self, stage: &mut Stage, names: &[Arc<str>]) {
        for (n, name) in (0..).zip(names) {
            let queue = PbxQueue::new(&mut chance(stage.plan.seed, "members", n));
            for place in 0..queue.places() {
                let after = exponential(&mut self.queue_dice, 30_000);
                plan(stage, after, name, QueueAct::Whim(place));
            }
            let after = exponential(&mut self.queue_dice, STRANGERS_MS);
            plan(stage, after, name, QueueAct::StrangerCalls);
            self.queues.insert(name.clone(), queue);
        }
    }

    pub(crate) fn has_queue(&self, name: &str) -> bool {
        self.queues.get(name).is_some_and(|queue| queue.there)
    }

    /// All queues go, as when the module is reloaded without them, or come back.
    pub(crate) fn queues_go(&mut self, stage: &mut Stage, gone: bool) {
        let names: Vec<Arc<str>> = self.queues.keys().cloned().collect();
        for name in names {
            let Some(queue) = self.queues.get_mut(&name) else {
                continue;
            };
            queue.there = !gone;
            let thrown_out = match gone {
                true => queue.empties(),
                false => vec![],
            };
            for who in thrown_out {
                if let Who::Leg(leg) = who {
                    self.unqueued(stage, leg);
                }
            }
            self.goes_on_in(stage, &name);
        }
    }

    pub(crate) fn watch_queue(&mut self, stage: &mut Stage, name: &Arc<str>, on: bool) {
        if let Some(queue) = self.queues.get_mut(name) {
            queue.watched = on;
            queue.told = None;
            queue.silent = stage.has(Fault::Queue) && self.queue_dice.happens(0.15);
            let after = match queue.silent {
                true => exponential(&mut self.queue_dice, 60_000),
                false => Span::ms(3),
            };
            plan(stage, after, name, QueueAct::Counts);
        }
    }

    pub(crate) fn enqueue(&mut self, stage: &mut Stage, leg: LegId, name: &Arc<str>) {
        if stage.has(Fault::Lost) && self.queue_dice.happens(0.01) {
            return;
        }
        if let Some(live) = self.legs.get_mut(&leg) {
            live.phase = Phase::ToQueue;
            live.queue = Some(name.clone());
            let after = Span::ms(whole(&mut self.queue_dice, 5, 120));
            plan(stage, after, name, QueueAct::Enters(leg));
        }
    }

    pub(crate) fn dequeue(&mut self, stage: &mut Stage, leg: LegId) {
        if stage.has(Fault::Lost) && self.queue_dice.happens(0.01) {
            return;
        }
        let queue = self.legs.get(&leg).and_then(|live| live.queue.clone());
        if let Some(name) = queue {
            let after = Span::ms(whole(&mut self.queue_dice, 3, 250));
            plan(stage, after, &name, QueueAct::Leaves(leg));
        }
    }

    pub(super) fn queue_acts(&mut self, stage: &mut Stage, name: &Arc<str>, act: QueueAct) {
        match act {
            QueueAct::StrangerCalls => self.stranger_calls(stage, name),
            QueueAct::StrangerGoes(who) => {
                if let Some(queue) = self.queues.get_mut(name) {
                    queue.leaves(who);
                }
            }
            QueueAct::Enters(leg) => self.enters(stage, name, leg),
            QueueAct::Leaves(leg) => self.taken_out(stage, name, leg),
            QueueAct::PicksUp(place, turn) => self.picks_up(stage, name, (place, turn)),
            QueueAct::RingsOut(place, turn) => {
                if let Some(queue) = self.queues.get_mut(name)
                    && queue.member(place, turn).is_some()
                {
                    // Rung without an answer: app_queue has him rest a moment, or pauses him.
                    let then =
                        [Does::Paused, Does::WrapsUp, Does::WrapsUp][pick(&mut self.queue_dice, 3)];
                    let turn = queue.turns(place, then);
                    plan(
                        stage,
                        Span::seconds(5),
                        name,
                        QueueAct::WrapUpOver(place, turn),
                    );
                }
            }
            QueueAct::TalkOver(place, turn) => self.member_talk_over(stage, name, (place, turn)),
            QueueAct::WrapUpOver(place, turn) => {
                if let Some(queue) = self.queues.get_mut(name) {
                    let wraps = queue.member(place, turn).map(|m| m.does);
                    if wraps == Some(Does::WrapsUp) {
                        queue.turns(place, Does::Free);
                    }
                }
            }
            QueueAct::Whim(place) => self.member_whim(stage, name, place),
            QueueAct::Counts => {
                if let Some(queue) = self.queues.get_mut(name) {
                    queue.silent = false;
                }
            }
        }
        self.goes_on_in(stage, name);
    }

    /// Rings whoever is free for whoever waits, and says what has changed.
    fn goes_on_in(&mut self, stage: &mut Stage, name: &Arc<str>) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        while let Some((place, _, turn)) = queue.rings_next() {
            let draw = &mut self.queue_dice;
            let answer = match draw.happens(0.08) {
                true => (
                    Span::ms(whole(draw, 3_000, 12_000)),
                    QueueAct::RingsOut(place, turn),
                ),
                false => (exponential(draw, 500), QueueAct::PicksUp(place, turn)),
            };
            plan(stage, answer.0, name, answer.1);
        }
        self.count(stage, name);
    }

    fn count(&mut self, stage: &mut Stage, name: &Arc<str>) {
        let Some(queue) = self
            .queues
            .get_mut(name)
            .filter(|queue| queue.watched && !queue.silent)
        else {
            return;
        };
        let mut counts = queue.counts();
        if stage.has(Fault::Queue) && self.queue_dice.happens(0.03) {
            counts = counts.map(|_| QueueCounts {
                members: whole(&mut self.queue_dice, 0, 9),
                free: whole(&mut self.queue_dice, 0, 9),
                callers: whole(&mut self.queue_dice, 0, 3),
            });
            let soon = exponential(&mut self.queue_dice, 4_000);
            plan(stage, soon, name, QueueAct::Counts);
        }
        if queue.told == Some(counts) {
            return;
        }
        queue.told = Some(counts);
        let wire = [Fault::Lost, Fault::Doubled, Fault::Late, Fault::Reordered];
        if stage.has(Fault::Queue) || wire.into_iter().any(|fault| stage.has(fault)) {
            self.facts.push(Fact::Miscounted(name.clone()));
        }
        let queue = name.clone();
        stage.send(Care::Progress, Event::Queue { queue, counts });
    }

    fn stranger_calls(&mut self, stage: &mut Stage, name: &Arc<str>) {
        if stage.closing {
            return;
        }
        let next = exponential(&mut self.queue_dice, STRANGERS_MS);
        plan(stage, next, name, QueueAct::StrangerCalls);
        self.strangers += 1;
        let who = Who::Stranger(self.strangers);
        let entered = self
            .queues
            .get_mut(name)
            .is_some_and(|queue| queue.enters(who));
        if entered {
            let patience = exponential(&mut self.queue_dice, STRANGER_WAITS_MS);
            plan(stage, patience, name, QueueAct::StrangerGoes(who));
        }
    }

    fn enters(&mut self, stage: &mut Stage, name: &Arc<str>, leg: LegId) {
        let refused = stage.has(Fault::Refused) && self.queue_dice.happens(0.03);
        let phase = self.legs.get(&leg).map(|live| live.phase);
        let entered = match phase {
            Some(Phase::ToQueue) => {
                let queue = self.queues.get_mut(name).filter(|_| !refused);
                queue.is_some_and(|queue| queue.enters(Who::Leg(leg)))
            }
            // Taken out before he was in.
            Some(Phase::NotToQueue) => false,
            Some(
                Phase::Dialing
                | Phase::Answered
                | Phase::Waiting
                | Phase::Playing
                | Phase::Talking
                | Phase::InQueue,
            )
            | None => return,
        };
        if !entered {
            self.unqueued(stage, leg);
        } else if let Some(live) = self.legs.get_mut(&leg) {
            live.phase = Phase::InQueue;
        }
    }

    /// The one word that is owed: no member has him.
    fn unqueued(&mut self, stage: &mut Stage, leg: LegId) {
        if let Some(live) = self.legs.get_mut(&leg) {
            live.phase = Phase::Waiting;
            live.queue = None;
            tell(stage, leg, LegEvent::Unqueued);
        }
    }

    fn taken_out(&mut self, stage: &mut Stage, name: &Arc<str>, leg: LegId) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        if live.phase == Phase::ToQueue {
            live.phase = Phase::NotToQueue;
        }
        let who = Who::Leg(leg);
        let queue = self.queues.get_mut(name).filter(|queue| queue.waits(who));
        if let Some(queue) = queue {
            if queue.leaves(who) {
                self.facts.push(Fact::RungInVain(leg));
            }
            self.unqueued(stage, leg);
        }
    }

    fn picks_up(&mut self, stage: &mut Stage, name: &Arc<str>, (place, turn): (usize, u64)) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let Some(Does::RungFor(who)) = queue.member(place, turn).map(|m| m.does) else {
            return;
        };
        let turn = queue.takes(place, who);
        let mean = match who {
            Who::Leg(leg) => self.talk_ms(leg),
            Who::Stranger(_) => 60_000,
        };
        let talk = exponential(&mut self.queue_dice, mean).min(TALK_MOST);
        plan(stage, talk, name, QueueAct::TalkOver(place, turn));
        if let Who::Leg(leg) = who {
            // The count first: he is never taken for free once the engine knows that he has the call.
            self.count(stage, name);
            if let Some(live) = self.legs.get_mut(&leg) {
                live.phase = Phase::Talking;
                self.taken += 1;
                tell(stage, leg, LegEvent::Member);
            }
        }
    }

    fn member_talk_over(
        &mut self,
        stage: &mut Stage,
        name: &Arc<str>,
        (place, turn): (usize, u64),
    ) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let Some(Does::TalksTo(who)) = queue.member(place, turn).map(|m| m.does) else {
            return;
        };
        self.member_wraps_up(stage, name, place);
        let Who::Leg(leg) = who else { return };
        let draw = &mut self.queue_dice;
        if draw.happens(0.7) || !self.legs.contains_key(&leg) {
            self.ends(stage, leg, None, false);
            return;
        }
        // The member has hung up first, or transferred the call.
        let span = exponential(draw, 40_000).min(TALK_MOST);
        tell(stage, leg, LegEvent::Left);
        step(stage, span, leg, Step::TalkOver);
    }

    fn member_wraps_up(&mut self, stage: &mut Stage, name: &Arc<str>, place: usize) {
        if let Some(queue) = self.queues.get_mut(name) {
            let wrap_up = Span::ms(queue.wrap_up_ms);
            let turn = queue.turns(place, Does::WrapsUp);
            plan(stage, wrap_up, name, QueueAct::WrapUpOver(place, turn));
        }
    }

    fn member_whim(&mut self, stage: &mut Stage, name: &Arc<str>, place: usize) {
        if stage.closing {
            return;
        }
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let Some(does) = queue.now(place).map(|member| member.does) else {
            return;
        };
        let draw = &mut self.queue_dice;
        let mean = match does {
            Does::Away | Does::Paused => 240_000,
            Does::Free | Does::RungFor(_) | Does::TalksTo(_) | Does::WrapsUp => 400_000,
        };
        let next = exponential(draw, mean);
        plan(stage, next, name, QueueAct::Whim(place));
        let off = [Does::Paused, Does::Paused, Does::Away][pick(draw, 3)];
        let vanishes = stage.has(Fault::Vanish) && draw.happens(0.4);
        match does {
            Does::Away | Does::Paused => {
                queue.turns(place, Does::Free);
            }
            // The one who is waited for is rung for by the next.
            Does::Free | Does::WrapsUp | Does::RungFor(_) => {
                queue.turns(place, off);
            }
            Does::TalksTo(who) => {
                queue.leaves_after_call(place, off);
                if let (true, Who::Leg(leg)) = (vanishes, who) {
                    // His channel is gone, and the customer's call with it.
                    self.ends(stage, leg, None, false);
                }
            }
        }
    }

    /// The leg is gone: whoever was rung for it, or talked, is not any more.
    pub(super) fn out_of_queues(&mut self, stage: &mut Stage, leg: LegId) {
        let who = Who::Leg(leg);
        let with =
            |queue: &PbxQueue| queue.waits(who) || queue.place_of(Does::TalksTo(who)).is_some();
        let found = self.queues.iter_mut().find(|(_, queue)| with(queue));
        let Some((name, queue)) = found else { return };
        let name = name.clone();
        if queue.leaves(who) {
            self.facts.push(Fact::RungInVain(leg));
        }
        if let Some(place) = queue.place_of(Does::TalksTo(who)) {
            self.member_wraps_up(stage, &name, place);
        }
        self.goes_on_in(stage, &name);
    }
}
