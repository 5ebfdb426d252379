//! What is measured: scenarios, teams, algorithms, and what is asked of them.

use outdial_engine::config::Mode;
use outdial_sim::{Change, Figures, Plan, Rival, Shift, SimError, Tells, World, rivals};

/// Agents, shifts, and hours of each: so many that the abandon rate has a narrow interval, and so
/// long that the budget has found its level, which takes some thousand answers.
const TEAMS: [(u32, u32, u32); 7] = [
    (5, 4, 150),
    (10, 4, 75),
    (20, 4, 40),
    (50, 4, 16),
    (100, 4, 8),
    (200, 2, 8),
    (500, 1, 8),
];
const ANSWERS: [f64; 4] = [0.1, 0.2, 0.3, 0.5];
/// Talk share in percent that the predictive mode must reach: teams as above, answers as above.
const GOALS: [[f64; 4]; 7] = [
    [72.0, 74.0, 78.0, 84.0],
    [80.0, 82.0, 83.0, 86.0],
    [86.0, 87.0, 88.0, 90.0],
    [92.0, 92.0, 92.0, 93.0],
    [95.0, 95.0, 95.0, 96.0],
    [97.0, 97.0, 97.0, 97.0],
    [98.0, 98.0, 98.0, 98.0],
];
/// Abandoned calls in percent, at most.
const LIMIT: f64 = 3.0;
/// The same in the first hour after a cold start.
const LIMIT_COLD: f64 = 3.2;
const HOUR: u32 = 3_600;
/// A shift that begins with half an hour of warm-up is not made shorter than this, in seconds.
const LEAST: u32 = 2 * HOUR;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pacer {
    Ours(Mode),
    Theirs(Rival),
}

const PREDICTIVE: (&str, Pacer) = (
    "predictive",
    Pacer::Ours(Mode::Predictive {
        max_ratio_milli: None,
    }),
);
const HARD_LIMIT: (&str, Pacer) = (
    "VICIdial hard limit",
    Pacer::Theirs(Rival::AdaptHardLimit(3.0)),
);
const ISSABEL: (&str, Pacer) = ("Issabel, overcommit", Pacer::Theirs(Rival::Issabel));
const STEADY: [(&str, Pacer); 6] = [
    ("progressive 1:1", Pacer::Ours(Mode::Progressive)),
    (
        "ratio 3 less busy",
        Pacer::Theirs(Rival::RatioLessBusy(3.0)),
    ),
    ("power 3", Pacer::Ours(Mode::Power { ratio_milli: 3_000 })),
    HARD_LIMIT,
    ISSABEL,
    PREDICTIVE,
];
const CHANGING: [(&str, Pacer); 5] = [
    PREDICTIVE,
    ("ratio 2 of idle", Pacer::Theirs(Rival::RatioOfFree(2.0))),
    ("ratio 4 of idle", Pacer::Theirs(Rival::RatioOfFree(4.0))),
    HARD_LIMIT,
    ISSABEL,
];

/// What is asked of a cell, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Goal {
    pub talk_share: Option<f64>,
    pub abandoned: Option<f64>,
    /// In the quarter of an hour after a jump: which one, and how much.
    pub after_jump: Option<(usize, f64)>,
}

#[derive(Clone, Debug)]
pub struct Cell {
    pub scenario: &'static str,
    pub algorithm: &'static str,
    pub answers: f64,
    pub pacer: Pacer,
    pub plan: Plan,
    pub shifts: u32,
    pub goal: Goal,
}

impl Cell {
    fn new(
        scenario: &'static str,
        (algorithm, pacer): (&'static str, Pacer),
        world: World,
        (shifts, hours): (u32, u32),
    ) -> Cell {
        let mode = match pacer {
            Pacer::Ours(mode) => mode,
            Pacer::Theirs(_) => Mode::Progressive,
        };
        let predictive = pacer == PREDICTIVE.1;
        Cell {
            scenario,
            algorithm,
            answers: world.changes.first().map_or(0.0, |c| c.answers),
            pacer,
            plan: Plan {
                seconds: hours * HOUR,
                ..Plan::new(world, mode, 0)
            },
            shifts,
            goal: Goal {
                abandoned: predictive.then_some(LIMIT),
                ..Goal::default()
            },
        }
    }

    /// Leaves so many percent of the shifts; where not even one would be left, of its hours.
    pub fn shorten(&mut self, percent: u32) {
        let part = self.shifts * percent;
        self.shifts = (part / 100).max(1);
        if part < 100 && self.plan.seconds > LEAST {
            self.plan.seconds = (self.plan.seconds / 100 * part).max(LEAST);
        }
    }

    /// Works the shift of this seed.
    pub fn work(&self, seed: u64) -> Result<Figures, SimError> {
        let plan = Plan {
            seed,
            ..self.plan.clone()
        };
        match self.pacer {
            Pacer::Ours(_) => Shift::work(plan),
            Pacer::Theirs(rival) => rivals::work(rival, plan),
        }
    }

    /// Roughly how long one shift takes, in some unit: calls, and decisions.
    pub fn cost(&self) -> f64 {
        let agents = f64::from(self.plan.world.agents());
        let hours = f64::from(self.plan.seconds) / f64::from(HOUR);
        let dials = hours * agents * 25.0 / self.answers;
        match self.pacer {
            Pacer::Theirs(_) => dials / 6.0,
            Pacer::Ours(Mode::Predictive { .. }) => (dials + hours * 14_400.0) * 2.0,
            Pacer::Ours(_) => dials + hours * 3_600.0,
        }
    }
}

pub fn all() -> Vec<Cell> {
    let mut cells = steady();
    cells.extend(changing());
    cells.extend(cold());
    cells.extend(wrong());
    cells.extend(elsewhere());
    cells
}

/// Worlds that stay as they are, for everybody.
fn steady() -> Vec<Cell> {
    let mut cells = Vec::new();
    for ((agents, shifts, hours), goals) in TEAMS.into_iter().zip(GOALS) {
        for pacer in STEADY {
            for (answers, goal) in ANSWERS.into_iter().zip(goals) {
                let world = World::steady(agents, answers);
                let mut cell = Cell::new("steady", pacer, world, (shifts, hours));
                cell.goal.talk_share = (pacer == PREDICTIVE).then_some(goal);
                cells.push(cell);
            }
        }
    }
    cells
}

/// Six hours in which something changes.
fn changing() -> Vec<Cell> {
    let mut cells = Vec::new();
    for pacer in CHANGING {
        let mut add = |scenario, agents, changes| {
            let world = World {
                changes,
                ..World::steady(agents, 0.25)
            };
            cells.push(Cell::new(scenario, pacer, world, (1_000 / agents, 6)));
        };
        for agents in [10, 20, 100] {
            let answers = |n| if n == 1 { 0.15 } else { 0.4 };
            let jump = every(2 * HOUR, 3, |n| usual(answers(n), agents));
            add("answers 0.4, 0.15, 0.4", agents, jump);
        }
        let answers = |n| if n % 2 == 1 { 0.15 } else { 0.4 };
        let turns = every(HOUR / 2, 12, |n| usual(answers(n), 20));
        add("answers alternate", 20, turns);
        for agents in [20, 100] {
            let team = |n| if n % 2 == 1 { agents / 2 } else { agents };
            let bursts = every(HOUR / 2, 12, |n| usual(0.25, team(n)));
            add("half the agents go and come", agents, bursts);
        }
        let talk = every(3 * HOUR, 2, |n| Change {
            talk: if n == 1 { 60.0 } else { 120.0 },
            ..usual(0.25, 20)
        });
        add("talk time halves", 20, talk);
    }
    let after = usize::try_from(4 * HOUR / 900).unwrap_or(0);
    for cell in &mut cells {
        let limit = match cell.plan.world.agents() {
            10 => 10.0,
            20 => 7.0,
            _ => 4.0,
        };
        if cell.goal.abandoned.is_some() && cell.scenario == "answers 0.4, 0.15, 0.4" {
            cell.goal.after_jump = Some((after, limit));
        }
    }
    cells
}

/// A first hour from nothing.
fn cold() -> Vec<Cell> {
    let team = |agents| {
        let world = World::steady(agents, 0.25);
        let mut cell = Cell::new("cold first hour", PREDICTIVE, world, (4_000 / agents, 1));
        cell.plan.warm_up = 0;
        cell.goal.abandoned = Some(LIMIT_COLD);
        cell
    };
    [10, 20, 100].map(team).into()
}

/// Worlds in which what was learned is never true: by the time that the tables have it, it is
/// otherwise, and answers come in crowds.
fn wrong() -> Vec<Cell> {
    let mut cells = Vec::new();
    for agents in [10, 20, 100] {
        let mut add = |scenario, changes| {
            let world = World {
                changes,
                ..World::steady(agents, 0.25)
            };
            cells.push(Cell::new(scenario, PREDICTIVE, world, (500 / agents, 12)));
        };
        // No pattern that a table could hold: by the digits of a square.
        let high = |n: u32| (n * n * 7 + n * 13) % 11 < 5;
        let crowds = every(60, 12 * 60, |n| {
            usual(if high(n) { 0.5 } else { 0.125 }, agents)
        });
        add("wrong: answers in crowds", crowds);
        let swings = every(300, 12 * 12, |n| Change {
            ring: if n % 2 == 1 { 1.6 } else { 0.4 },
            ..usual(0.25, agents)
        });
        add("wrong: ringing swings", swings);
    }
    cells
}

/// Other carriers and callees.
fn elsewhere() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (agents, shifts, hours) in [(5, 4, 150), (10, 4, 75), (20, 4, 40)] {
        let mut add = |scenario, change: fn(&mut World)| {
            let mut world = World::steady(agents, 0.2);
            change(&mut world);
            cells.push(Cell::new(scenario, PREDICTIVE, world, (shifts, hours)));
        };
        add("no ringing told", |world| world.tells = Tells::Nothing);
        add("early media", |world| world.tells = Tells::EarlyMedia);
        add("ringing 12 s, memoryless", |world| world.ring = (12.0, 1.0));
        add("machines told after 6 s", |world| world.amd = 6.0);
        add("AMD for everybody", |world| {
            world.amd = 4.0;
            world.amd_person = Some((1.5, 0.4));
        });
    }
    cells
}

fn usual(answers: f64, agents: u32) -> Change {
    Change {
        at_seconds: 0,
        answers,
        talk: 120.0,
        agents,
        ring: 1.0,
    }
}

fn every(seconds: u32, times: u32, what: impl Fn(u32) -> Change) -> Vec<Change> {
    let change = |n| Change {
        at_seconds: n * seconds,
        ..what(n)
    };
    (0..times).map(change).collect()
}
