//! The figures, for people and for programs.

use std::path::Path;

use outdial_engine::config::Mode;
use outdial_sim::Figures;
use serde_json::{Value, json};

use crate::cli::simulate::options::Task;
use crate::cli::simulate::work::Row;
use crate::cli::table;

const COLUMNS: [(&str, &str); 8] = [
    ("mode", "mode"),
    ("talk share %", "talk_share"),
    ("calls/agent/h", "calls"),
    ("abandoned %", "abandoned"),
    ("answered/h", "answered"),
    ("dials/h", "dials"),
    ("waiting s", "waiting"),
    ("worst 15 min %", "worst"),
];

/// Fewer answers than this leave an abandon rate of 3% open by a third of itself (95%, Wald).
const ANSWERS: u64 = 1_200;

/// What was asked for, and what came of it.
pub struct Report {
    pub task: Task,
    pub rows: Vec<Row>,
}

/// A mode's name with its setting.
pub fn name(mode: Mode) -> String {
    let ratio = |milli: u32| f64::from(milli) / 1e3;
    match mode {
        Mode::Preview { .. } => "preview".into(),
        Mode::Progressive => "progressive".into(),
        Mode::Power { ratio_milli } => format!("power {}", ratio(ratio_milli)),
        Mode::Predictive {
            max_ratio_milli: None,
        } => "predictive".into(),
        Mode::Predictive {
            max_ratio_milli: Some(milli),
        } => format!("predictive, ratio up to {}", ratio(milli)),
        Mode::Agentless => "agentless".into(),
    }
}

impl Report {
    /// The share of answered calls that may be abandoned.
    pub fn limit(&self) -> f64 {
        self.task.settings.abandon_limit() / 100.0
    }

    fn is_own(&self, row: &Row) -> bool {
        self.task.settings.own == Some(row.mode)
    }

    /// Hours of all shifts together.
    fn hours(&self) -> f64 {
        self.task.hours * f64::from(self.task.runs)
    }

    /// Calls that got an agent, for each agent and hour.
    fn calls(row: &Row) -> f64 {
        Figures::hourly(row.all.connected, row.all.logged_in / 3_600.0)
    }

    /// What was simulated, in one line.
    pub fn title(&self) -> String {
        let task = &self.task;
        let answers = task.plan.world.changes.first().map_or(0.0, |c| c.answers);
        format!(
            "{} agents, {} h, {} of the dials answered by a person",
            task.plan.world.agents(),
            task.hours,
            percent(answers),
        )
    }

    /// The table, and what it says.
    pub fn print(&self, svg: &Path) {
        println!("{}; {}.", self.title(), self.durations());
        for remark in &self.task.remarks {
            println!("{remark}");
        }
        println!();
        let rows: Vec<Value> = self.rows.iter().map(|row| self.line(row)).collect();
        table::print(&COLUMNS, &rows);
        println!();
        if self.rows.iter().any(|row| self.is_own(row)) {
            println!("* the campaign's own mode");
        }
        for line in self.verdict() {
            println!("{line}");
        }
        println!("chart: {}", svg.display());
    }

    fn durations(&self) -> String {
        let world = &self.task.plan.world;
        let talk = world.changes.first().map_or(0.0, |change| change.talk);
        let runs = match self.task.runs {
            1 => "1 shift".into(),
            more => format!("{more} shifts"),
        };
        format!(
            "{:.0} s to the answer, {talk:.0} s of talk, {:.0} s of wrap-up; of the other dials {} \
             reach a machine and {} fail; {runs} of each mode, seed {}",
            world.ring.0,
            world.wrap_up.0,
            percent(world.not_answered.1),
            percent(world.not_answered.0),
            self.task.seed,
        )
    }

    fn line(&self, row: &Row) -> Value {
        let mark = if self.is_own(row) { " *" } else { "" };
        let (least, most) = row.spread();
        let rate = row.all.abandon_rate() * 100.0;
        let spread = match row.runs.len() {
            0 | 1 => String::new(),
            _ => format!(" ({:.1} to {:.1})", least * 100.0, most * 100.0),
        };
        json!({
            "mode": format!("{}{mark}", name(row.mode)),
            "talk_share": format!("{:.1}", row.all.talk_share() * 100.0),
            "calls": format!("{:.1}", Self::calls(row)),
            "abandoned": format!("{rate:.1}{spread}"),
            "answered": format!("{:.0}", Figures::hourly(row.all.answers, self.hours())),
            "dials": format!("{:.0}", Figures::hourly(row.all.dials, self.hours())),
            "waiting": format!("{:.1}", row.all.waiting()),
            "worst": format!("{:.1}", row.worst_quarter() * 100.0),
        })
    }

    fn keeps(&self, row: &Row) -> bool {
        row.all.abandon_rate() <= self.limit()
    }

    /// The busiest of the modes that keep the limit.
    fn best(&self) -> Option<&Row> {
        let kept = self.rows.iter().filter(|row| self.keeps(row));
        kept.max_by(|a, b| a.all.talk_share().total_cmp(&b.all.talk_share()))
    }

    /// The table in plain words.
    fn verdict(&self) -> Vec<String> {
        let rule = self.task.settings.abandon;
        let window = if rule.daily { "a day" } else { "a month" };
        let seconds = f64::from(self.task.settings.connect_limit_ms) / 1e3;
        let mut lines = vec![format!(
            "Limit: of the calls that a person answers in {window}, at most {} may find no agent \
             within {seconds} s.",
            percent(self.limit())
        )];
        match self.best() {
            Some(best) => lines.push(format!(
                "Of the modes that kept it, {} kept agents busiest: {} of their time in talk or \
                 wrap-up, {:.0} s between calls.",
                name(best.mode),
                percent(best.all.talk_share()),
                best.all.waiting()
            )),
            None => lines.push("None of these modes kept it.".into()),
        }
        let over = self.rows.iter().filter(|row| !self.keeps(row));
        let over: Vec<String> = over
            .map(|row| format!("{} ({})", name(row.mode), percent(row.all.abandon_rate())))
            .collect();
        if !over.is_empty() {
            lines.push(format!("Above the limit: {}.", over.join(", ")));
        }
        if self.rows.iter().any(|row| row.all.answers < ANSWERS) {
            lines.push("Few calls, rough figures: more --runs or --hours make them firm.".into());
        }
        lines
    }

    /// Everything, rates and shares from 0 to 1, durations in seconds.
    pub fn json(&self, svg: &Path) -> Value {
        let (task, world) = (&self.task, &self.task.plan.world);
        let first = world.changes.first();
        json!({
            "agents": world.agents(),
            "hours": task.hours,
            "runs": task.runs,
            "seed": task.seed,
            "answer_rate": first.map(|change| change.answers),
            "ring_seconds": world.ring.0,
            "talk_seconds": first.map(|change| change.talk),
            "wrap_up_seconds": world.wrap_up.0,
            "machines": world.not_answered.1,
            "failures": world.not_answered.0,
            "abandon_limit": self.limit(),
            "remarks": task.remarks,
            "modes": self.rows.iter().map(|row| self.row_json(row)).collect::<Vec<_>>(),
            "best": self.best().map(|row| name(row.mode)),
            "chart": svg.display().to_string(),
        })
    }

    fn row_json(&self, row: &Row) -> Value {
        let (least, most) = row.spread();
        json!({
            "mode": name(row.mode),
            "own": self.is_own(row),
            "keeps_limit": self.keeps(row),
            "talk_share": row.all.talk_share(),
            "calls_per_agent_hour": Self::calls(row),
            "abandon_rate": row.all.abandon_rate(),
            "abandon_rate_lowest": least,
            "abandon_rate_highest": most,
            "answered_per_hour": Figures::hourly(row.all.answers, self.hours()),
            "connected_per_hour": Figures::hourly(row.all.connected, self.hours()),
            "dials_per_hour": Figures::hourly(row.all.dials, self.hours()),
            "waiting_seconds": row.all.waiting(),
            "worst_15_min": row.worst_quarter(),
            "talk_share_by_15_min":
                row.all.quarters.iter().map(|q| q.talk_share()).collect::<Vec<_>>(),
        })
    }
}

/// With as many digits as are worth reading.
fn percent(share: f64) -> String {
    let tenths = (share * 1_000.0).round() / 10.0;
    format!("{tenths}%")
}
