//! The shifts, on all cores.

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use outdial_engine::config::Mode;
use outdial_sim::{Figures, Plan, Shift, SimError};

use crate::cli::CliError;
use crate::cli::simulate::options::Task;

/// What came of one mode.
pub struct Row {
    pub mode: Mode,
    /// Each shift's.
    pub runs: Vec<Figures>,
    /// All of them together.
    pub all: Figures,
}

impl Row {
    /// The lowest and the highest abandon rate of a shift.
    pub fn spread(&self) -> (f64, f64) {
        let rates = self.runs.iter().map(Figures::abandon_rate);
        rates.fold((1.0, 0.0), |(least, most), rate| {
            (rate.min(least), rate.max(most))
        })
    }

    /// The worst abandon rate of a quarter of an hour in any of the shifts.
    pub fn worst_quarter(&self) -> f64 {
        let worst = self.runs.iter().map(|figures| figures.worst_quarter(0));
        worst.fold(0.0, f64::max)
    }
}

type Done = Vec<(usize, Result<Figures, SimError>)>;

/// Works every shift of the task.
pub fn work(task: &Task, quiet: bool) -> Result<Vec<Row>, CliError> {
    let plans = plans(task);
    let bar = bar(plans.len(), quiet);
    let work = Mutex::new((plans.into_iter().enumerate(), Done::new()));
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for _ in 0..threads {
            scope.spawn(|| {
                // In a statement of its own: the lock is not held while the shift is worked.
                while let Some((place, plan)) = take(&work) {
                    let figures = Shift::work(plan);
                    if let Ok(mut work) = work.lock() {
                        work.1.push((place, figures));
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let broken = |_| CliError::Refused("a simulated shift panicked".into());
    let (_, mut done) = work.into_inner().map_err(broken)?;
    done.sort_by_key(|(place, _)| *place);
    let mut figures = done.into_iter().map(|(_, figures)| figures);
    let runs = usize::try_from(task.runs).unwrap_or(1);
    let mut rows = Vec::new();
    for mode in &task.modes {
        let runs: Result<Vec<Figures>, SimError> = figures.by_ref().take(runs).collect();
        let runs = runs.map_err(|error| CliError::Refused(error.to_string()))?;
        let mut all = Figures::default();
        runs.iter().for_each(|one| all.add(one));
        rows.push(Row {
            mode: *mode,
            runs,
            all,
        });
    }
    Ok(rows)
}

/// Each mode meets the same dice as the others.
fn plans(task: &Task) -> Vec<Plan> {
    let run = |mode: Mode, run: u32| Plan {
        mode,
        seed: task.seed.wrapping_add(u64::from(run)),
        ..task.plan.clone()
    };
    let modes = task.modes.iter();
    modes
        .flat_map(|mode| (0..task.runs).map(|n| run(*mode, n)))
        .collect()
}

fn take(
    work: &Mutex<(std::iter::Enumerate<std::vec::IntoIter<Plan>>, Done)>,
) -> Option<(usize, Plan)> {
    work.lock().ok()?.0.next()
}

fn bar(shifts: usize, quiet: bool) -> ProgressBar {
    let target = if quiet || !std::io::stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let count = u64::try_from(shifts).unwrap_or(u64::MAX);
    let bar = ProgressBar::with_draw_target(Some(count), target);
    let style = "{bar:40} {pos} of {len} shifts  {elapsed}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
