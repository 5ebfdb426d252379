//! `make bench-pacing`: talk share and abandon rate of each mode and of others' rules, for teams
//! from 5 to 500 agents, in worlds that stay as they are, that change, and that are otherwise.
//!
//! `SHIFTS_PERCENT=10` makes it short, `MOST_AGENTS=20` leaves large teams out; `--help` shows more.

mod cells;
mod decision;
mod report;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;
use outdial_sim::{Figures, SimError};
use serde_json::Value;

use cells::Cell;
use report::Row;

/// Talk share and abandon rate of each mode and of others' rules, on a model.
#[derive(Debug, Parser)]
struct Options {
    /// Teams with at most so many agents.
    #[arg(long)]
    most_agents: Option<u32>,
    /// Teams with so many agents only.
    #[arg(long, value_delimiter = ',')]
    agents: Vec<u32>,
    /// This share of the shifts, in percent.
    #[arg(long)]
    percent: Option<u32>,
    /// Scenarios whose name contains this only.
    #[arg(long)]
    scenario: Option<String>,
    /// Algorithms whose name contains this only.
    #[arg(long)]
    algorithm: Option<String>,
    /// Leave the time of one decision out.
    #[arg(long)]
    no_decision: bool,
}

impl Options {
    fn wants(&self, cell: &Cell) -> bool {
        let agents = cell.plan.world.agents();
        let most = self.most_agents.unwrap_or(env("MOST_AGENTS", u32::MAX));
        let named = |name: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| name.contains(wanted))
        };
        agents <= most
            && (self.agents.is_empty() || self.agents.contains(&agents))
            && named(cell.scenario, &self.scenario)
            && named(cell.algorithm, &self.algorithm)
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench_pacing: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool, Box<dyn std::error::Error>> {
    let mut cells = cells::all();
    cells.retain(|cell| options.wants(cell));
    let percent = options.percent.unwrap_or(env("SHIFTS_PERCENT", 100));
    for cell in &mut cells {
        cell.shorten(percent);
    }
    let began = Instant::now();
    report::head();
    let rows = work(cells)?;
    let mut reached = report::sum_up(&rows);
    if !options.no_decision {
        reached &= decision::measure()?;
    }
    let rows = rows.iter().map(Row::json).collect();
    let path = write(&Value::Array(rows))?;
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    println!("{minutes:.1} minutes; written to {}", path.display());
    Ok(reached)
}

/// One shift of a cell.
struct Job {
    cell: usize,
    seed: u64,
    cost: f64,
}

/// Shifts to be worked, and those that are.
struct Work {
    jobs: Vec<Job>,
    done: usize,
    cost: f64,
    /// Of each cell, by seed.
    shifts: Vec<BTreeMap<u64, Figures>>,
    rows: Vec<(usize, Row)>,
    failed: Option<SimError>,
}

/// Works all shifts on all cores, the longest first; shows each cell when it is whole.
fn work(cells: Vec<Cell>) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let mut jobs = Vec::new();
    for (place, cell) in cells.iter().enumerate() {
        jobs.extend((0..cell.shifts).map(|seed| Job {
            cell: place,
            seed: u64::from(seed),
            cost: cell.cost(),
        }));
    }
    jobs.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let all = (jobs.len(), jobs.iter().map(|job| job.cost).sum());
    let work = Mutex::new(Work {
        jobs,
        done: 0,
        cost: 0.0,
        shifts: cells.iter().map(|_| BTreeMap::new()).collect(),
        rows: Vec::new(),
        failed: None,
    });
    let began = Instant::now();
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = next(&work) {
                    let figures = cells[job.cell].work(job.seed);
                    if let Ok(mut work) = work.lock() {
                        work.take(&job, &cells[job.cell], figures);
                        progress(&work, all, began);
                    }
                }
            });
        }
    });
    eprintln!();
    let mut work = work.into_inner().map_err(|_| "a thread panicked")?;
    if let Some(error) = work.failed {
        return Err(error.into());
    }
    work.rows.sort_by_key(|(place, _)| *place);
    Ok(work.rows.into_iter().map(|(_, row)| row).collect())
}

impl Work {
    fn take(&mut self, job: &Job, cell: &Cell, figures: Result<Figures, SimError>) {
        self.done += 1;
        self.cost += job.cost;
        match figures {
            Ok(figures) => {
                let shifts = &mut self.shifts[job.cell];
                shifts.insert(job.seed, figures);
                if u32::try_from(shifts.len()).is_ok_and(|n| n == cell.shifts) {
                    let shifts: Vec<Figures> = shifts.values().cloned().collect();
                    let row = Row::new(cell.clone(), &shifts);
                    println!("{}", row.line());
                    self.rows.push((job.cell, row));
                }
            }
            Err(error) => {
                self.jobs.clear();
                self.failed = Some(error);
            }
        }
    }
}

fn next(work: &Mutex<Work>) -> Option<Job> {
    work.lock().ok()?.jobs.pop()
}

/// How far it is, and how long it still takes: at each place on a terminal, else each tenth.
fn progress(work: &Work, (count, all): (usize, f64), began: Instant) {
    let done = work.done;
    let terminal = std::io::stderr().is_terminal();
    if !terminal && !done.is_multiple_of(count.div_ceil(10)) {
        return;
    }
    let left = began.elapsed().as_secs_f64() * (all / work.cost - 1.0);
    let ends = if terminal { "\r" } else { "\n" };
    eprint!(
        "{done} of {count} shifts, {:.0} minutes left {ends}",
        (left / 60.0).ceil()
    );
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
