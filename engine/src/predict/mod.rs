//! Predictive pacing: before each dial the risk that one more answer finds no free agent is
//! predicted, and dials are made while it is at most as large as the abandon budget allows.
//!
//! Learned from results: when dials ring and are answered ([`life`]), whether answers come more often than
//! that just now ([`pulse`]), how long agents are busy ([`stay`]). Decided: [`risk`]. Corrected by
//! what was really abandoned: [`budget`].

mod budget;
mod life;
mod math;
mod pulse;
mod risk;
mod stay;

pub(crate) use life::{End, Phase};

use budget::Budget;
use life::{BINS, Hazards, Life, Outlook, PHASES};
use math::{index, real};
use pulse::Pulse;
use risk::{Alike, EXACT, MIDDLES, Picture, SLOTS};
use stay::{Busy, Stay};

use crate::time::{Span, Tick};

/// The tables are made anew this often.
const REBUILD: Span = Span::seconds(2);
/// Who has not looked for so long, because another mode dials, starts the correction anew.
const BLIND: Span = Span::seconds(5);
/// Seconds over which dials per second are counted.
const RATE_SECONDS: f64 = 180.0;
/// Talk time believed at first: mean in seconds, and standard deviation by mean.
const TALK: (f64, f64) = (120.0, 1.0);
/// Spread of the wrap-up time believed at first.
const WRAP_VARIATION: f64 = 0.6;
/// Where there are many, those of nearly the same age are taken together: pieces of so many
/// seconds, and so many pieces.
const DIAL_PIECE: f64 = 0.5;
const AGENT_PIECE: f64 = 2.0;
const PIECES: usize = 256;

/// The outlook is made anew when the correction has changed by this much, as a share of it.
const SAME_FACTOR: f64 = 0.01;

/// A dial that has rung long enough is ended when its answer would find no agent with at least this
/// chance, and with so many times the risk that a new dial may take.
const HOPELESS: f64 = 0.4;
const HOPELESS_TIMES: f64 = 4.0;

/// How far a dial has come. Ages in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stage {
    /// The phase that it is in, or was in when it was answered.
    pub(crate) phase: Phase,
    /// For how long, or how long until the answer.
    pub(crate) age: f64,
    /// It was answered so long ago, and is being told apart.
    pub(crate) classifying: Option<f64>,
    /// Nobody and nothing has answered it, and it is not being ended.
    pub(crate) open: bool,
}

impl Stage {
    /// Where it is now.
    fn place(self) -> (Phase, f64) {
        match self.classifying {
            Some(age) => (Phase::Classifying, age),
            None => (self.phase, self.age),
        }
    }
}

/// What a decision looks at. Ages in seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// Free agents.
    pub(crate) free: u32,
    /// Answered calls that wait for an agent, or will in a moment.
    pub(crate) waiting: u32,
    /// The dials that are not answered by a person.
    pub(crate) dials: Vec<Stage>,
    /// For how long each of the busy agents has talked, or is about to.
    pub(crate) talking: Vec<f64>,
    /// For how long each of the others has been in wrap-up.
    pub(crate) wrapping: Vec<f64>,
    /// An answered call waits so long for an agent, in seconds.
    pub(crate) limit: f64,
    /// Dials that may be made at most, by every other bound.
    pub(crate) most: u32,
    /// A dial may be ended once it has rung so long, in seconds.
    pub(crate) min_ring: f64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Dials to make.
    pub(crate) calls: u32,
    /// The dial to end, by its place in [`View::dials`].
    pub(crate) end: Option<usize>,
}

impl View {
    /// Nobody, but the memory stays.
    pub(crate) fn clear(&mut self) {
        self.dials.clear();
        self.talking.clear();
        self.wrapping.clear();
    }
}

/// One campaign's predictor.
#[derive(Clone, Debug)]
pub(crate) struct Predictor {
    life: Life,
    pulse: Pulse,
    talk: Stay,
    wrap: Stay,
    budget: Budget,
    hazards: Hazards,
    /// What follows from the hazards and this correction.
    outlook: (f64, Outlook),
    busy: Busy<SLOTS>,
    /// The connect limit that `busy` was made for.
    limit: f64,
    /// A stay has ended since then.
    learned: bool,
    rebuilt: Option<Tick>,
    looked: Option<Tick>,
    /// Answers that the dials in flight had let expect when they were last looked at.
    counted: f64,
    /// The same of dials that ended since, up to their ends.
    ended: f64,
    /// Answers since then.
    answered: f64,
    /// Dials per second of late, and when that was so.
    rate: (f64, Option<Tick>),
}

impl Predictor {
    /// `wrap_up`: how long an agent's wrap-up is expected to be, in seconds.
    pub(crate) fn new(wrap_up: f64) -> Predictor {
        let (life, talk) = (Life::new(), Stay::new(TALK.0, TALK.1));
        let hazards = life.hazards(&[[0; BINS]; PHASES]);
        let wrap = Stay::new(wrap_up, WRAP_VARIATION);
        let limit = 2.0;
        Predictor {
            outlook: (1.0, hazards.outlook(1.0)),
            hazards,
            busy: Busy::new(&talk, &wrap, &horizon(limit)),
            limit,
            learned: false,
            life,
            pulse: Pulse::default(),
            talk,
            wrap,
            budget: Budget::new(),
            rebuilt: None,
            looked: None,
            counted: 0.0,
            ended: 0.0,
            answered: 0.0,
            rate: (0.0, None),
        }
    }

    /// A dial has come to its end at this stage.
    pub(crate) fn resolved(&mut self, now: Tick, stage: Stage, end: End) {
        let (rate, at) = self.rate;
        let passed = at.map_or(0.0, |at| seconds(now - at));
        self.rate = (
            rate * libm::exp(-passed / RATE_SECONDS) + 1.0 / RATE_SECONDS,
            Some(now),
        );
        if end == End::Answered {
            self.answered += 1.0;
        }
        match stage.classifying {
            Some(age) => {
                self.left(stage.phase, stage.age, End::Moved(Phase::Classifying));
                self.left(Phase::Classifying, age, end);
            }
            None => self.left(stage.phase, stage.age, end),
        }
    }

    /// A dial has gone on from this stage to another phase.
    pub(crate) fn moved(&mut self, stage: Stage, to: Phase) {
        self.left(stage.phase, stage.age, End::Moved(to));
    }

    fn left(&mut self, phase: Phase, age: f64, end: End) {
        self.ended += self.hazards.expected(phase, age);
        self.life.add(phase, age, end, self.rate.0);
    }

    /// A person who answered got an agent, or did not. `share`: how much of a call it counts for, 1
    /// but for machines some of which are people. `target`: the share that may be abandoned.
    pub(crate) fn settled(&mut self, share: f64, abandoned: bool, target: f64) {
        self.budget.settle(share, abandoned, target);
    }

    /// An agent has talked for so many seconds.
    pub(crate) fn talked(&mut self, seconds: f64) {
        self.talk.add(seconds);
        self.learned = true;
    }

    /// An agent's wrap-up took so many seconds.
    pub(crate) fn wrapped_up(&mut self, seconds: f64) {
        self.wrap.add(seconds);
        self.learned = true;
    }

    /// One call for each free agent and no more, because too many calls were abandoned.
    pub(crate) fn is_strict(&self) -> bool {
        self.budget.is_strict()
    }

    /// What to do now.
    pub(crate) fn decide(&mut self, now: Tick, view: &View) -> Decision {
        self.look(now, view);
        let free = i64::from(view.free) - i64::from(view.waiting);
        if self.budget.is_strict() {
            let in_flight = i64::try_from(view.dials.len()).unwrap_or(i64::MAX);
            let wanted = u32::try_from(free.saturating_sub(in_flight)).unwrap_or(0);
            return Decision {
                calls: wanted.min(view.most),
                end: None,
            };
        }
        self.look_out();
        let outlook = &self.outlook.1;
        let (new, weights) = risk::slots(|age| outlook.answered_by(age));
        let picture = Picture {
            free,
            dials: &dials_in_flight(&view.dials, outlook),
            busy: &self.busy_agents(view),
            new,
            weights,
        };
        let risk = self.budget.risk();
        let calls = picture.dials(risk, view.most);
        let end = if calls == 0 {
            hopeless(&picture, view, outlook, risk)
        } else {
            None
        };
        Decision { calls, end }
    }

    /// Brings the outlook up to date with the correction.
    fn look_out(&mut self) {
        let factor = self.pulse.factor();
        if (factor / self.outlook.0 - 1.0).abs() > SAME_FACTOR {
            self.outlook = (factor, self.hazards.outlook(factor));
        }
    }

    /// Brings correction and tables up to date.
    fn look(&mut self, now: Tick, view: &View) {
        let expected = |hazards: &Hazards| -> f64 {
            let each = view.dials.iter().map(|dial| {
                let told = dial.classifying;
                hazards.expected(dial.phase, dial.age)
                    + told.map_or(0.0, |age| hazards.expected(Phase::Classifying, age))
            });
            each.sum()
        };
        let sum = expected(&self.hazards);
        match self.looked.map(|at| now - at) {
            Some(Span(0)) => {}
            Some(passed) if passed <= BLIND => {
                let expected = sum + self.ended - self.counted;
                self.pulse.pass(expected, self.answered, seconds(passed));
                self.begin_count(now, sum);
            }
            Some(_) | None => {
                self.pulse = Pulse::default();
                self.begin_count(now, sum);
            }
        }
        let due = self.rebuilt.is_none_or(|at| now - at >= REBUILD);
        let same_limit = (self.limit - view.limit).abs() < 1e-9;
        if !due && same_limit {
            return;
        }
        let mut in_flight = [[0; BINS]; PHASES];
        for dial in &view.dials {
            let (phase, age) = dial.place();
            in_flight[phase.place()][index(age, BINS - 1)] += 1;
        }
        let before = expected(&self.hazards);
        self.hazards = self.life.hazards(&in_flight);
        self.counted += expected(&self.hazards) - before;
        let factor = self.pulse.factor();
        self.outlook = (factor, self.hazards.outlook(factor));
        if self.learned || !same_limit {
            self.limit = view.limit;
            self.busy = Busy::new(&self.talk, &self.wrap, &horizon(view.limit));
            self.learned = false;
        }
        self.rebuilt = Some(now);
    }

    /// What is expected and seen is counted from here on.
    fn begin_count(&mut self, now: Tick, expected: f64) {
        self.looked = Some(now);
        self.counted = expected;
        self.ended = 0.0;
        self.answered = 0.0;
    }

    fn busy_agents(&self, view: &View) -> Vec<Alike> {
        let mut all = alike(&view.talking, AGENT_PIECE, |age| self.busy.talking(age));
        let wrapping = alike(&view.wrapping, AGENT_PIECE, |age| self.busy.wrapping(age));
        all.extend(wrapping);
        all
    }
}

/// When an agent must be free for an answer in the middle of each slot.
fn horizon(limit: f64) -> [f64; SLOTS] {
    MIDDLES.map(|middle| middle + limit)
}

/// Chances of the dials by how far they have come.
fn dials_in_flight(dials: &[Stage], outlook: &Outlook) -> Vec<Alike> {
    let places = || dials.iter().map(|dial| dial.place());
    if is_few(dials.len()) {
        let each = places().map(|(phase, age)| (1, outlook.in_slots(phase, age)));
        return each.collect();
    }
    let mut counts = [[0u32; PIECES]; PHASES];
    for (phase, age) in places() {
        count(&mut counts[phase.place()], age, DIAL_PIECE);
    }
    let mut all = Vec::with_capacity(2 * PIECES);
    for phase in Phase::ALL {
        let chances = |age| outlook.in_slots(phase, age);
        all.extend(by_age(&counts[phase.place()], DIAL_PIECE, chances));
    }
    all
}

/// Of the dials in flight that may be ended, the one whose answer would find no agent and is most
/// likely to come; small teams only, because in large ones an agent comes free in time.
fn hopeless(picture: &Picture<'_>, view: &View, outlook: &Outlook, risk: f64) -> Option<usize> {
    let may_end =
        |dial: &Stage| dial.open && dial.phase == Phase::Ringing && dial.age >= view.min_ring;
    if !picture.is_small() || !view.dials.iter().any(may_end) {
        return None;
    }
    let limit = (HOPELESS_TIMES * risk).max(HOPELESS);
    let lost = |dial: &Stage, late: &[f64; SLOTS]| {
        let (answered, lost) = risk::lost(&outlook.in_slots(dial.phase, dial.age), late);
        (lost > limit * answered).then_some(answered)
    };
    // Each counts its own answer here: none that passes below is left out.
    let late = picture.late(None);
    let all = view.dials.iter().enumerate();
    let candidates = all.filter(|(_, dial)| may_end(dial));
    let worst = candidates
        .filter_map(|(place, dial)| Some((place, dial, lost(dial, &late)?)))
        .max_by(|a, b| a.2.total_cmp(&b.2));
    let (place, dial, _) = worst?;
    lost(dial, &picture.late(Some(place))).map(|_| place)
}

/// Chances of agents by their ages: each by itself while they are few.
fn alike(ages: &[f64], piece: f64, chances: impl Fn(f64) -> [f64; SLOTS]) -> Vec<Alike> {
    if is_few(ages.len()) {
        return ages.iter().map(|age| (1, chances(*age))).collect();
    }
    let mut counts = [0u32; PIECES];
    for age in ages {
        count(&mut counts, *age, piece);
    }
    by_age(&counts, piece, chances).collect()
}

fn is_few(many: usize) -> bool {
    u32::try_from(many).is_ok_and(|n| n <= EXACT)
}

/// Counts one of this age to those of nearly the same.
fn count(counts: &mut [u32; PIECES], age: f64, piece: f64) {
    counts[index(age / piece, PIECES - 1)] += 1;
}

/// Those of nearly the same age together.
fn by_age(
    counts: &[u32; PIECES],
    piece: f64,
    chances: impl Fn(f64) -> [f64; SLOTS],
) -> impl Iterator<Item = Alike> {
    let there = counts.iter().enumerate().filter(|(_, n)| **n > 0);
    there.map(move |(i, n)| (*n, chances((real(i) + 0.5) * piece)))
}

/// A span in seconds.
pub(crate) fn seconds(span: Span) -> f64 {
    // Exact up to 285 years.
    let whole = u32::try_from(span.0 / 1_000_000).unwrap_or(u32::MAX);
    let rest = u32::try_from(span.0 % 1_000_000).unwrap_or(0);
    f64::from(whole) + f64::from(rest) / 1e6
}

#[cfg(test)]
mod tests;
