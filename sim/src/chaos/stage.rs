//! What all parts of the model share: the clock, what is going to happen, and the wire on which
//! events reach the engine.

use outdial_engine::{Event, Now, Span, Tick, Wall};

use super::callers::CallerAct;
use super::desk::DeskAct;
use super::pbx::PbxAct;
use super::plan::{ChaosPlan, Fault};
use super::store::StoreAct;
use super::trouble::Trouble;
use crate::chance::Chance;
use crate::queue::Queue;

/// The wall clock when a run begins: 2026-01-05T09:00:00Z, a Monday.
const MORNING_MS: i64 = 1_767_603_600_000;
/// An event is on its way for so long, when nothing is wrong.
const WIRE: Span = Span::ms(2);

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// An event reaches the engine.
    Arrives(Box<Event>),
    /// The same, if it is still the same connection to the store.
    FromStore(u32, Box<Event>),
    Pbx(PbxAct),
    Desk(DeskAct),
    Caller(CallerAct),
    Store(StoreAct),
    Trouble(Trouble),
    /// The PBX tells what is live.
    Reconcile,
    /// The oracle compares the engine's books with its own.
    Inspect,
}

/// How much an event may suffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// It tells how a call gets on, or what an agent does.
    Progress,
    /// It tells that something is gone for good.
    Terminal,
}

/// The clock, the queue and the wire.
pub(crate) struct Stage {
    pub(crate) now: Now,
    pub(crate) queue: Queue<Happening>,
    /// Nothing new is begun: everything is to come to its end.
    pub(crate) closing: bool,
    pub(crate) plan: ChaosPlan,
    /// The wall clock's error in ms.
    pub(crate) skew_ms: i64,
    chance: Chance,
}

impl Stage {
    pub(crate) fn new(plan: &ChaosPlan) -> Stage {
        let mut stage = Stage {
            now: Now::default(),
            queue: Queue::default(),
            closing: false,
            plan: plan.clone(),
            skew_ms: 0,
            chance: chance(plan.seed, "wire", 0),
        };
        stage.set(Tick(1_000_000));
        stage
    }

    /// Moves the clock on.
    pub(crate) fn set(&mut self, tick: Tick) {
        let ms = i64::try_from(tick.0 / 1_000).unwrap_or(i64::MAX / 4);
        self.now = Now {
            tick,
            wall: Wall(MORNING_MS + ms + self.skew_ms),
        };
    }

    pub(crate) fn start(&self) -> Wall {
        Wall(MORNING_MS)
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        !self.closing && self.plan.has(fault)
    }

    pub(crate) fn plan_in(&mut self, span: Span, what: Happening) {
        self.queue.plan(self.now.tick + span, what);
    }

    /// Puts an event on the wire. What becomes of it depends on what is wrong.
    pub(crate) fn send(&mut self, care: Care, event: Event) {
        let lost = match care {
            Care::Progress => 0.01,
            Care::Terminal => 0.004,
        };
        if self.has(Fault::Lost) && self.chance.happens(lost) {
            return;
        }
        if self.has(Fault::Doubled) && self.chance.happens(0.02) {
            let delay = self.delay();
            self.plan_in(delay, Happening::Arrives(Box::new(event.clone())));
        }
        let delay = self.delay();
        self.plan_in(delay, Happening::Arrives(Box::new(event)));
    }

    fn delay(&mut self) -> Span {
        if self.has(Fault::Late) && self.chance.happens(0.01) {
            return Span(WIRE.0 + exponential(&mut self.chance, 3_000).0);
        }
        if self.has(Fault::Reordered) && self.chance.happens(0.1) {
            return Span(WIRE.0 + exponential(&mut self.chance, 100).0);
        }
        WIRE
    }
}

/// A source of chance of its own for each purpose, so that one more draw here changes nothing there.
pub(crate) fn chance(seed: u64, purpose: &str, n: u64) -> Chance {
    // FNV-1a.
    let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Chance::new(
        hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xff51_afd7_ed55_8ccd),
    )
}

/// Exponential with this mean, at most eight times as long.
pub(crate) fn exponential(chance: &mut Chance, mean_ms: u32) -> Span {
    let share = -(1.0 - chance.share()).ln();
    crate::chance::span(f64::from(mean_ms) / 1e3 * share.min(8.0))
}

/// Any of `0..n`.
pub(crate) fn pick(chance: &mut Chance, n: usize) -> usize {
    let n32 = u32::try_from(n).unwrap_or(u32::MAX);
    usize::try_from(whole(chance, 0, n32.saturating_sub(1))).unwrap_or(0)
}

/// Any whole number from `from` to `to`, both included.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a u32 is one"
)]
pub(crate) fn whole(chance: &mut Chance, from: u32, to: u32) -> u32 {
    let room = f64::from(to.saturating_sub(from)) + 1.0;
    from + ((chance.share() * room) as u32).min(to.saturating_sub(from))
}
