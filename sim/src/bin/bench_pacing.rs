//! `make bench-pacing`: talk share and abandon rate for each team, answer rate and mode.

use std::process::ExitCode;
use std::sync::Mutex;

use outdial_engine::config::Mode;
use outdial_sim::{Figures, Plan, Shift, SimError, World};

/// Agents, and hours that give the abandon rate a narrow interval.
const TEAMS: [(u32, u32); 7] = [
    (5, 500),
    (10, 250),
    (20, 125),
    (50, 50),
    (100, 25),
    (200, 16),
    (500, 8),
];
const ANSWERS: [f64; 4] = [0.1, 0.2, 0.3, 0.5];
/// Hours of one shift; the first half hour is left out.
const SHIFT: u32 = 8;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_pacing: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), SimError> {
    let most: u32 = env("MOST_AGENTS", 500);
    let share: u32 = env("HOURS_PERCENT", 100);
    let modes = [
        ("progressive", Mode::Progressive),
        (
            "predictive",
            Mode::Predictive {
                max_ratio_milli: None,
            },
        ),
    ];
    let mut cells = Vec::new();
    for (agents, hours) in TEAMS.into_iter().filter(|(agents, _)| *agents <= most) {
        for (name, mode) in modes {
            for answers in ANSWERS {
                let shifts = (hours * share / 100).div_ceil(SHIFT);
                cells.push((agents, name, mode, answers, shifts));
            }
        }
    }
    cells.reverse();
    let left = Mutex::new(cells);
    let next = || left.lock().ok().and_then(|mut cells| cells.pop());
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some((agents, name, mode, answers, shifts)) = next() {
                    match cell(agents, mode, answers, shifts) {
                        Ok(figures) => println!(
                            "{agents:>4} agents  p {answers:.1}  {name:<12} talk {:5.1}%  abandoned {:4.2}% +- {:.2}  {} answers",
                            figures.talk_share() * 100.0,
                            figures.abandon_rate() * 100.0,
                            figures.abandon_error() * 100.0,
                            figures.answers,
                        ),
                        Err(error) => {
                            if let Ok(mut failed) = failed.lock() {
                                *failed = Some(error);
                            }
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        Ok(Some(error)) => Err(error),
        Ok(None) | Err(_) => Ok(()),
    }
}

fn cell(agents: u32, mode: Mode, answers: f64, shifts: u32) -> Result<Figures, SimError> {
    let mut all = Figures::default();
    for seed in 0..shifts {
        let plan = Plan::new(World::steady(agents, answers), mode, u64::from(seed));
        all.add(&Shift::work(plan)?);
    }
    Ok(all)
}

fn env(name: &str, otherwise: u32) -> u32 {
    let value = std::env::var(name).ok();
    value.and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}
