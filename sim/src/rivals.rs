//! How others pace, for comparison: the same callees and agents, other rules.
//!
//! They look at the floor every so often and start calls, or not; none of them looks at the calls
//! in flight one by one.

mod issabel;

use std::collections::{BTreeMap, BTreeSet};

use outdial_engine::{Span, Tick};

use crate::book::Book;
use crate::error::SimError;
use crate::figures::Figures;
use crate::plan::Plan;
use crate::queue::Queue;
use crate::world::{Change, Dice, Fate};

use issabel::Issabel;

/// Somebody else's rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rival {
    /// So many dials for each free agent, less one for each busy agent.
    RatioLessBusy(f64),
    /// So many dials for each free agent.
    RatioOfFree(f64),
    /// VICIdial's ADAPT_HARD_LIMIT with this highest dial level: the level follows the difference
    /// of agents and calls that wait, every 15 s, and falls to 1 when too many of the day's
    /// answered calls were dropped. After `AST_VDadapt.pl`, `calculate_dial_level`.
    AdaptHardLimit(f64),
    /// Issabel CallCenter's predictive rule, with overcommitment.
    Issabel,
}

/// VICIdial's auto-dial script wakes up this often.
const LOOK: Span = Span::ms(2_000);
/// It samples agents and calls that wait this often.
const SAMPLE: Span = Span::seconds(1);
/// It averages so many samples.
const SAMPLES: usize = 15;
/// It moves the level this often.
const MOVE: Span = Span::seconds(15);

enum Happening {
    Change(Change),
    Look,
    Sample,
    Move,
    Ends(u64),
    Answers(u64),
    Gives(u64),
    TalkEnds(u64),
    Free(u32),
}

/// A team that is paced by a rival's rule.
struct Floor {
    rival: Rival,
    plan: Plan,
    dice: Dice,
    queue: Queue<Happening>,
    now: Tick,
    book: Book,
    /// When each was dialed.
    dials: BTreeMap<u64, Tick>,
    dialed: u64,
    waiting: BTreeSet<u64>,
    free: u32,
    agents: u32,
    /// Agents who leave as soon as their call is over.
    surplus: u32,
    level: f64,
    samples: Vec<f64>,
    today: (u64, u64),
    issabel: Issabel,
    since: Tick,
}

/// Works a whole shift by a rival's rule; the plan's own mode is not looked at.
///
/// # Errors
/// The world is impossible.
pub fn work(rival: Rival, plan: Plan) -> Result<Figures, SimError> {
    let dice = Dice::new(&plan.world, plan.seed).map_err(|_| SimError::World)?;
    let mut floor = Floor {
        rival,
        dice,
        queue: Queue::default(),
        now: Tick(0),
        book: Book::new(plan.warm_up),
        dials: BTreeMap::new(),
        dialed: 0,
        waiting: BTreeSet::new(),
        free: 0,
        agents: 0,
        surplus: 0,
        level: 1.0,
        samples: Vec::new(),
        today: (0, 0),
        issabel: Issabel::default(),
        since: Tick(0),
        plan,
    };
    floor.run()?;
    Ok(floor.book.close())
}

impl Floor {
    fn run(&mut self) -> Result<(), SimError> {
        for change in self.plan.world.changes.clone() {
            let at = Tick(0) + Span::seconds(change.at_seconds);
            self.queue.plan(at, Happening::Change(change));
        }
        self.queue.plan(Tick(0), Happening::Look);
        self.queue.plan(Tick(0), Happening::Sample);
        self.queue.plan(Tick(0) + MOVE, Happening::Move);
        let end = Tick(0) + Span::seconds(self.plan.seconds);
        while let Some(next) = self.queue.next().filter(|next| *next < end) {
            self.work(next);
            self.now = next;
            while let Some(what) = self.queue.pop(self.now) {
                self.happen(what)?;
            }
        }
        self.work(end);
        Ok(())
    }

    /// Books the agents' time up to `until`.
    fn work(&mut self, until: Tick) {
        let busy = self.agents - self.free;
        self.book.worked(self.since, until, self.agents, busy);
        self.since = until;
    }

    fn happen(&mut self, what: Happening) -> Result<(), SimError> {
        match what {
            Happening::Change(change) => {
                self.dice.change(&change).map_err(|_| SimError::World)?;
                self.staff(change.agents);
            }
            Happening::Look => {
                let every = match self.rival {
                    Rival::RatioLessBusy(_) | Rival::RatioOfFree(_) | Rival::AdaptHardLimit(_) => {
                        LOOK
                    }
                    Rival::Issabel => issabel::LOOK,
                };
                self.queue.plan(self.now + every, Happening::Look);
                for _ in 0..self.wanted() {
                    self.dial();
                }
            }
            Happening::Sample => {
                self.queue.plan(self.now + SAMPLE, Happening::Sample);
                let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
                self.samples.push(f64::from(self.free) - f64::from(waiting));
                if self.samples.len() > SAMPLES {
                    self.samples.remove(0);
                }
            }
            Happening::Move => {
                self.queue.plan(self.now + MOVE, Happening::Move);
                self.move_level();
            }
            Happening::Ends(dial) => {
                self.resolve(dial, false);
            }
            Happening::TalkEnds(dial) => self.issabel.talked(dial, self.now),
            Happening::Answers(dial) => self.answer(dial),
            Happening::Gives(dial) => {
                if self.waiting.remove(&dial) {
                    self.today.1 += 1;
                    self.book.abandoned(self.now);
                }
            }
            Happening::Free(agents) => self.come_free(agents),
        }
        Ok(())
    }

    fn staff(&mut self, wanted: u32) {
        let there = self.agents - self.surplus;
        if wanted >= there {
            let back = self.surplus.min(wanted - there);
            self.surplus -= back;
            let new = wanted - there - back;
            self.agents += new;
            self.come_free(new);
        } else {
            let leave = there - wanted;
            let at_once = leave.min(self.free);
            self.free -= at_once;
            self.agents -= at_once;
            self.surplus += leave - at_once;
        }
    }

    fn come_free(&mut self, agents: u32) {
        for _ in 0..agents {
            if self.surplus > 0 {
                self.surplus -= 1;
                self.agents -= 1;
                continue;
            }
            self.free += 1;
            if let Some(dial) = self.waiting.pop_first() {
                self.connect(dial);
            }
        }
    }

    fn connect(&mut self, dial: u64) {
        self.book.connected(self.now);
        self.free -= 1;
        let talk = self.dice.talk();
        let wrap_up = self.dice.wrap_up();
        self.issabel.talks(dial, self.now);
        let over = self.now + talk;
        self.queue.plan(over, Happening::TalkEnds(dial));
        self.queue
            .plan(self.now + talk + wrap_up, Happening::Free(1));
    }

    /// A dial is over, or answered; `false`: it was before.
    fn resolve(&mut self, dial: u64, answered: bool) -> bool {
        let Some(dialed) = self.dials.remove(&dial) else {
            return false;
        };
        self.issabel.resolved(dialed, self.now, answered);
        true
    }

    fn answer(&mut self, dial: u64) {
        if !self.resolve(dial, true) {
            return;
        }
        self.today.0 += 1;
        self.book.answered(self.now);
        if self.free > 0 {
            self.connect(dial);
            return;
        }
        self.waiting.insert(dial);
        let limit = Span::ms(self.plan.connect_limit_ms);
        self.queue.plan(self.now + limit, Happening::Gives(dial));
    }

    fn dial(&mut self) {
        self.dialed += 1;
        let dial = self.dialed;
        self.book.dialed(self.now);
        self.dials.insert(dial, self.now);
        let rings = Span::ms(self.plan.ring_timeout_ms);
        match self.dice.fate() {
            Fate::Fails(after) => self.queue.plan(self.now + after, Happening::Ends(dial)),
            Fate::Rings(after) => self
                .queue
                .plan(self.now + after + rings, Happening::Ends(dial)),
            Fate::Person(set_up, ring) if ring < rings => {
                self.queue
                    .plan(self.now + set_up + ring, Happening::Answers(dial));
            }
            Fate::Machine(set_up, ring) if ring < rings => {
                let amd = crate::chance::span(self.plan.world.amd);
                self.queue
                    .plan(self.now + set_up + ring + amd, Happening::Ends(dial));
            }
            Fate::Person(set_up, _) | Fate::Machine(set_up, _) => {
                self.queue
                    .plan(self.now + set_up + rings, Happening::Ends(dial));
            }
        }
    }

    /// Dials to start now.
    fn wanted(&mut self) -> u32 {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (in_flight, waiting) = (count(self.dials.len()), count(self.waiting.len()));
        let dials = in_flight.saturating_add(waiting);
        let busy = self.agents - self.free;
        let wanted = match self.rival {
            Rival::RatioLessBusy(ratio) => {
                f64::from(self.free) * ratio - f64::from(dials) - f64::from(busy)
            }
            Rival::RatioOfFree(ratio) => f64::from(self.free) * ratio - f64::from(dials),
            Rival::AdaptHardLimit(_) => {
                f64::from(self.agents) * self.level - f64::from(dials) - f64::from(busy)
            }
            Rival::Issabel => self.issabel.wanted(self.now, self.free, waiting, in_flight),
        };
        whole(wanted)
    }

    fn move_level(&mut self) {
        let Rival::AdaptHardLimit(most) = self.rival else {
            return;
        };
        let n = u32::try_from(self.samples.len()).unwrap_or(1).max(1);
        let difference = self.samples.iter().sum::<f64>() / f64::from(n);
        if self.agents > 0 {
            self.level *= 1.0 + difference / f64::from(self.agents);
        }
        self.level = self.level.clamp(1.0, most);
        let (answers, dropped) = self.today;
        let real = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let limit = f64::from(self.plan.abandon.limit_milli) / 1e3;
        if self.dialed > 50 && real(dropped) > limit * real(answers) {
            self.level = 1.0;
        }
    }
}

/// Rounded down, from 0 on.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before the cast"
)]
fn whole(x: f64) -> u32 {
    x.clamp(0.0, 100_000.0) as u32
}
