//! `make bench-pacing`: talk share and abandon rate of each mode and of others' rules, for teams
//! from 5 to 500 agents, in worlds that stay as they are and in worlds that change.
//!
//! `SHIFTS_PERCENT=10` makes it short, `MOST_AGENTS=20` leaves large teams out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use outdial_engine::config::Mode;
use outdial_sim::{Change, Figures, Plan, Rival, Shift, SimError, World, rivals};
use serde_json::{Value, json};

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

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pacer {
    Ours(Mode),
    Theirs(Rival),
}

const PREDICTIVE: (&str, Pacer) = (
    "predictive",
    Pacer::Ours(Mode::Predictive {
        max_ratio_milli: None,
    }),
);
const ALL: [(&str, Pacer); 5] = [
    ("progressive", Pacer::Ours(Mode::Progressive)),
    ("power 3", Pacer::Ours(Mode::Power { ratio_milli: 3_000 })),
    ("ratio 3 of all", Pacer::Theirs(Rival::RatioOfAll(3.0))),
    (
        "adapt hard limit",
        Pacer::Theirs(Rival::AdaptHardLimit(3.0)),
    ),
    PREDICTIVE,
];

/// What is asked of a cell.
#[derive(Clone, Copy, Debug, Default)]
struct Goal {
    talk_share: Option<f64>,
    abandoned: Option<f64>,
    /// In the quarter of an hour after a jump: which one, and how much.
    after_jump: Option<(usize, f64)>,
}

struct Cell {
    scenario: &'static str,
    algorithm: &'static str,
    answers: f64,
    pacer: Pacer,
    plan: Plan,
    shifts: u32,
    goal: Goal,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench_pacing: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let most: u32 = env("MOST_AGENTS", 500);
    let percent: u32 = env("SHIFTS_PERCENT", 100);
    let mut cells = steady();
    cells.extend(changing());
    cells.retain(|cell| cell.plan.world.agents() <= most);
    for cell in &mut cells {
        cell.shifts = (cell.shifts * percent).div_ceil(100);
    }
    let count = cells.len();
    let work = Mutex::new((cells.into_iter().enumerate(), Vec::new()));
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((place, cell)) = take(&work) {
                    let row = cell.work().map(|figures| (cell, figures));
                    if let Ok(mut work) = work.lock() {
                        work.1.push((place, row));
                        eprint!("\r{} of {count} ", work.1.len());
                    }
                }
            });
        }
    });
    eprintln!();
    let (_, mut rows) = work.into_inner().map_err(|_| "a thread panicked")?;
    rows.sort_by_key(|(place, _)| *place);
    let mut all = Vec::new();
    let mut reached = true;
    for (_, row) in rows {
        let (cell, figures) = row?;
        let misses = cell.misses(&figures);
        println!("{}", cell.line(&figures, &misses));
        reached &= misses.is_empty();
        all.push(cell.json(&figures));
    }
    let path = write(&Value::Array(all))?;
    println!("written to {}", path.display());
    Ok(reached)
}

type Rows = Vec<(usize, Result<(Cell, Figures), SimError>)>;

fn take(
    work: &Mutex<(std::iter::Enumerate<std::vec::IntoIter<Cell>>, Rows)>,
) -> Option<(usize, Cell)> {
    work.lock().ok()?.0.next()
}

fn env(name: &str, otherwise: u32) -> u32 {
    let value = std::env::var(name).ok();
    value.and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}

fn write(rows: &Value) -> Result<PathBuf, std::io::Error> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("pacing.json");
    std::fs::write(&path, format!("{rows:#}\n"))?;
    Ok(path)
}

/// Worlds that stay as they are, for everybody.
fn steady() -> Vec<Cell> {
    let mut cells = Vec::new();
    for ((agents, shifts, hours), goals) in TEAMS.into_iter().zip(GOALS) {
        for (algorithm, pacer) in ALL {
            for (answers, goal) in ANSWERS.into_iter().zip(goals) {
                let predictive = pacer == PREDICTIVE.1;
                cells.push(Cell {
                    scenario: "steady",
                    algorithm,
                    answers,
                    pacer,
                    plan: plan(World::steady(agents, answers), pacer, hours),
                    shifts,
                    goal: Goal {
                        talk_share: predictive.then_some(goal),
                        abandoned: predictive.then_some(LIMIT),
                        after_jump: None,
                    },
                });
            }
        }
    }
    cells
}

fn plan(world: World, pacer: Pacer, hours: u32) -> Plan {
    let mode = match pacer {
        Pacer::Ours(mode) => mode,
        Pacer::Theirs(_) => Mode::Progressive,
    };
    Plan {
        seconds: hours * HOUR,
        ..Plan::new(world, mode, 0)
    }
}

/// Six hours in which something changes, and a first hour from nothing.
fn changing() -> Vec<Cell> {
    let mut cells = Vec::new();
    let others = [
        PREDICTIVE,
        ("ratio 2 of free", Pacer::Theirs(Rival::RatioOfFree(2.0))),
        ("ratio 4 of free", Pacer::Theirs(Rival::RatioOfFree(4.0))),
        (
            "adapt hard limit",
            Pacer::Theirs(Rival::AdaptHardLimit(3.0)),
        ),
    ];
    let jump = [(10, 10.0), (20, 7.0), (100, 4.0)];
    for (algorithm, pacer) in others {
        for (agents, after_jump) in jump {
            let changes = every(2 * HOUR, 3, |n| {
                (if n == 1 { 0.15 } else { 0.4 }, 120.0, agents)
            });
            let quarter = usize::try_from(4 * HOUR / 900).unwrap_or(0);
            let cell = six_hours(
                "answers 0.4, 0.15, 0.4",
                algorithm,
                pacer,
                changes,
                100 / agents,
            );
            cells.push(with(cell, Some((quarter, after_jump))));
        }
        let changes = every(1_800, 12, |n| {
            (if n % 2 == 1 { 0.15 } else { 0.4 }, 120.0, 20)
        });
        cells.push(six_hours("answers alternate", algorithm, pacer, changes, 5));
        for agents in [20, 100] {
            let changes = every(1_800, 12, |n| {
                (0.25, 120.0, if n % 2 == 1 { agents / 2 } else { agents })
            });
            cells.push(six_hours(
                "half the agents go and come",
                algorithm,
                pacer,
                changes,
                100 / agents,
            ));
        }
        let changes = every(3 * HOUR, 2, |n| {
            (0.25, if n == 1 { 60.0 } else { 120.0 }, 20)
        });
        cells.push(six_hours("talk time halves", algorithm, pacer, changes, 5));
    }
    for agents in [10, 20, 100] {
        let (algorithm, pacer) = PREDICTIVE;
        let mut cell = Cell {
            scenario: "cold first hour",
            algorithm,
            answers: 0.25,
            pacer,
            plan: plan(World::steady(agents, 0.25), pacer, 1),
            shifts: 4_000 / agents,
            goal: Goal {
                abandoned: Some(LIMIT_COLD),
                ..Goal::default()
            },
        };
        cell.plan.warm_up = 0;
        cells.push(cell);
    }
    cells
}

fn every(seconds: u32, times: u32, what: impl Fn(u32) -> (f64, f64, u32)) -> Vec<Change> {
    let change = |n| {
        let (answers, talk, agents) = what(n);
        Change {
            at_seconds: n * seconds,
            answers,
            talk,
            agents,
        }
    };
    (0..times).map(change).collect()
}

fn six_hours(
    scenario: &'static str,
    algorithm: &'static str,
    pacer: Pacer,
    changes: Vec<Change>,
    tens: u32,
) -> Cell {
    let world = World {
        changes,
        ..World::steady(0, 0.25)
    };
    let predictive = pacer == PREDICTIVE.1;
    Cell {
        scenario,
        algorithm,
        answers: world.changes.first().map_or(0.0, |c| c.answers),
        pacer,
        plan: plan(world, pacer, 6),
        shifts: tens * 10,
        goal: Goal {
            abandoned: predictive.then_some(LIMIT),
            ..Goal::default()
        },
    }
}

fn with(mut cell: Cell, after_jump: Option<(usize, f64)>) -> Cell {
    cell.goal.after_jump = after_jump.filter(|_| cell.goal.abandoned.is_some());
    cell
}

impl Cell {
    fn work(&self) -> Result<Figures, SimError> {
        let mut all = Figures::default();
        for seed in 0..self.shifts {
            let plan = Plan {
                seed: u64::from(seed),
                ..self.plan.clone()
            };
            all.add(&match self.pacer {
                Pacer::Ours(_) => Shift::work(plan)?,
                Pacer::Theirs(rival) => rivals::work(rival, plan)?,
            });
        }
        Ok(all)
    }

    /// What was asked for and not reached, in words.
    fn misses(&self, figures: &Figures) -> Vec<String> {
        let mut misses = Vec::new();
        let (share, rate) = (figures.talk_share() * 100.0, figures.abandon_rate() * 100.0);
        if let Some(goal) = self.goal.talk_share.filter(|goal| share < *goal) {
            misses.push(format!("talk share below {goal}%"));
        }
        if let Some(limit) = self.goal.abandoned.filter(|limit| rate > *limit) {
            misses.push(format!("abandoned above {limit}%"));
        }
        if let Some((quarter, limit)) = self.goal.after_jump {
            let rate = figures.quarter_rate(quarter) * 100.0;
            if rate > limit {
                misses.push(format!(
                    "{rate:.1}% in the 15 minutes after the jump, above {limit}%"
                ));
            }
        }
        misses
    }

    fn line(&self, figures: &Figures, misses: &[String]) -> String {
        let jump = self.goal.after_jump.map_or(String::new(), |(quarter, _)| {
            format!(
                "  after the jump {:.1}%",
                figures.quarter_rate(quarter) * 100.0
            )
        });
        let missed = match misses {
            [] => String::new(),
            some => format!("  MISSED: {}", some.join("; ")),
        };
        format!(
            "{:<28} {:>4} agents  p {:.2}  {:<17} talk {:5.1}%  abandoned {:5.2}% +- {:.2}  worst quarter {:5.1}%{jump}{missed}",
            self.scenario,
            self.plan.world.agents(),
            self.answers,
            self.algorithm,
            figures.talk_share() * 100.0,
            figures.abandon_rate() * 100.0,
            figures.abandon_error() * 100.0,
            figures.worst_quarter(self.plan.warm_up) * 100.0,
        )
    }

    fn json(&self, figures: &Figures) -> Value {
        json!({
            "scenario": self.scenario,
            "agents": self.plan.world.agents(),
            "p": self.answers,
            "algorithm": self.algorithm,
            "talk_share": figures.talk_share(),
            "abandon_rate": figures.abandon_rate(),
            "abandon_rate_error": figures.abandon_error(),
            "worst_15_min": figures.worst_quarter(self.plan.warm_up),
            "answers": figures.answers,
            "runs": self.shifts,
            "hours": self.plan.seconds / HOUR,
        })
    }
}
