//! What came of it: lines, goals, intervals, JSON.

use outdial_sim::{Figures, Quarter};
use serde_json::{Value, json};

use crate::cells::Cell;

/// Shifts that are enough to be compared with each other; where there are fewer, their hours are.
const SHIFTS: usize = 10;
/// Quarters of an hour in what is compared then.
const QUARTERS: usize = 4;

/// A cell and its figures; shares and rates in percent.
pub struct Row {
    cell: Cell,
    figures: Figures,
    shifts: usize,
    talk: Estimate,
    abandoned: Estimate,
}

/// A share, and half of its 95% confidence interval.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    value: f64,
    error: f64,
}

impl Row {
    pub fn new(cell: Cell, shifts: &[Figures]) -> Row {
        let mut figures = Figures::default();
        for shift in shifts {
            figures.add(shift);
        }
        let clusters = clusters(shifts, cell.plan.warm_up);
        let talk = clusters.iter().map(|c| (c.busy, c.logged_in));
        let abandoned = clusters
            .iter()
            .map(|c| (real(c.abandoned), real(c.answers)));
        Row {
            talk: estimate(figures.talk_share(), &talk.collect::<Vec<_>>()),
            abandoned: estimate(figures.abandon_rate(), &abandoned.collect::<Vec<_>>()),
            shifts: shifts.len(),
            figures,
            cell,
        }
    }

    fn after_jump(&self) -> Option<(f64, f64)> {
        let (quarter, limit) = self.cell.goal.after_jump?;
        Some((self.figures.quarter_rate(quarter) * 100.0, limit))
    }

    /// Each goal in words, and whether it was reached.
    fn goals(&self) -> Vec<(String, bool)> {
        let goal = self.cell.goal;
        let mut goals = Vec::new();
        if let Some(least) = goal.talk_share {
            goals.push((format!("talk >= {least}"), self.talk.value >= least));
        }
        if let Some(most) = goal.abandoned {
            goals.push((format!("abandoned <= {most}"), self.abandoned.value <= most));
        }
        if let Some((rate, most)) = self.after_jump() {
            let words = format!("after the jump {rate:.1} <= {most}");
            goals.push((words, rate <= most));
        }
        goals
    }

    pub fn line(&self) -> String {
        let goals = self.goals().into_iter().map(|(goal, reached)| {
            let verdict = if reached { "PASS" } else { "MISSED" };
            format!("{verdict} ({goal})")
        });
        let goals: Vec<String> = goals.collect();
        format!(
            "{:<27} {:>4} {:>5.2}  {:<19} {:5.1} +-{:4.1} {:6.2} +-{:5.2} {:6.1}  {}",
            self.cell.scenario,
            self.cell.plan.world.agents(),
            self.cell.answers,
            self.cell.algorithm,
            self.talk.value,
            self.talk.error,
            self.abandoned.value,
            self.abandoned.error,
            self.figures.worst_quarter(self.cell.plan.warm_up) * 100.0,
            goals.join(" "),
        )
    }

    pub fn json(&self) -> Value {
        let goals = self.goals();
        let interval = |estimate: Estimate| {
            let bound = |x: f64| (x / 100.0).clamp(0.0, 1.0);
            let (value, error) = (estimate.value, estimate.error);
            json!([bound(value - error), bound(value + error)])
        };
        json!({
            "scenario": self.cell.scenario,
            "agents": self.cell.plan.world.agents(),
            "p": self.cell.answers,
            "algorithm": self.cell.algorithm,
            "talk_share": self.figures.talk_share(),
            "talk_share_interval": interval(self.talk),
            "abandon_rate": self.figures.abandon_rate(),
            "abandon_rate_interval": interval(self.abandoned),
            "worst_15_min": self.figures.worst_quarter(self.cell.plan.warm_up),
            "after_jump": self.after_jump().map(|(rate, _)| rate / 100.0),
            "answers": self.figures.answers,
            "dials": self.figures.dials,
            "runs": self.shifts,
            "hours": self.cell.plan.seconds / 3_600,
            "goals_reached": (!goals.is_empty()).then(|| goals.iter().all(|(_, reached)| *reached)),
        })
    }
}

/// Prints what the columns are.
pub fn head() {
    println!(
        "{:<27} {:>4} {:>5}  {:<19} {:>12} {:>14} {:>6}",
        "scenario", "team", "p", "algorithm", "talk %", "abandoned %", "worst"
    );
}

/// Prints the table, and each goal that was missed; gives whether every goal was reached.
pub fn sum_up(rows: &[Row]) -> bool {
    table(rows);
    let mut count = (0, 0);
    println!();
    for row in rows {
        let goals = row.goals();
        count.1 += goals.len();
        count.0 += goals.iter().filter(|(_, reached)| *reached).count();
        if goals.iter().any(|(_, reached)| !reached) {
            println!("MISSED: {}", row.line());
        }
    }
    println!("{} of {} goals reached", count.0, count.1);
    count.0 == count.1
}

/// The steady worlds, a line for each team: talk share (abandoned) by answer probability.
fn table(rows: &[Row]) {
    let steady = || rows.iter().filter(|row| row.cell.scenario == "steady");
    let mut algorithms = Vec::new();
    let mut teams = Vec::new();
    for row in steady() {
        if !algorithms.contains(&row.cell.algorithm) {
            algorithms.push(row.cell.algorithm);
        }
        let agents = row.cell.plan.world.agents();
        if !teams.contains(&agents) {
            teams.push(agents);
        }
    }
    if teams.is_empty() {
        return;
    }
    println!("\n| agents | {} |", algorithms.join(" | "));
    println!("|---{}|", "|---".repeat(algorithms.len()));
    for agents in teams {
        let column = |algorithm: &&str| {
            let cells = steady().filter(|row| {
                row.cell.algorithm == *algorithm && row.cell.plan.world.agents() == agents
            });
            let words = cells.map(|row| {
                let (talk, abandoned) = (row.talk.value, row.abandoned.value);
                if abandoned < 0.05 {
                    format!("{talk:.0}")
                } else {
                    format!("{talk:.0}({abandoned:.1})")
                }
            });
            words.collect::<Vec<_>>().join("/")
        };
        let columns: Vec<String> = algorithms.iter().map(column).collect();
        println!("| {agents} | {} |", columns.join(" | "));
    }
}

/// What is compared with each other to know how sure a figure is: calls of one hour, and more so of
/// one shift, have much in common.
fn clusters(shifts: &[Figures], warm_up: u32) -> Vec<Quarter> {
    let warm_up = usize::try_from(warm_up / 900).unwrap_or(0);
    let length = if shifts.len() >= SHIFTS {
        usize::MAX
    } else {
        QUARTERS
    };
    let counted = shifts
        .iter()
        .map(|shift| shift.quarters.get(warm_up..).unwrap_or_default());
    let chunks = counted.flat_map(|quarters| quarters.chunks(length));
    chunks
        .map(|quarters| {
            let mut sum = Quarter::default();
            for quarter in quarters {
                sum.answers += quarter.answers;
                sum.abandoned += quarter.abandoned;
                sum.logged_in += quarter.logged_in;
                sum.busy += quarter.busy;
            }
            sum
        })
        .collect()
}

/// A ratio of sums, with the linearized error of a cluster sample (Cochran, "Sampling Techniques",
/// 6.13).
fn estimate(share: f64, clusters: &[(f64, f64)]) -> Estimate {
    let whole: f64 = clusters.iter().map(|(_, whole)| whole).sum();
    let n = f64::from(u32::try_from(clusters.len()).unwrap_or(u32::MAX));
    let off: f64 = clusters
        .iter()
        .map(|(part, whole)| (part - share * whole).powi(2))
        .sum();
    let error = if n > 1.0 && whole > 0.0 {
        1.96 * (off * n / (n - 1.0)).sqrt() / whole
    } else {
        f64::NAN
    };
    Estimate {
        value: share * 100.0,
        error: error * 100.0,
    }
}

fn real(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
