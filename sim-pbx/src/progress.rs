//! A line that says how it goes.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::library::Engine;
use crate::limits;
use crate::vtable::Host;

/// Prints it from time to time.
pub struct Progress {
    wanted: bool,
    terminal: bool,
    started: Instant,
    shown: Instant,
    dialed: u64,
}

impl Progress {
    /// On a terminal, or wherever it is `wanted`.
    pub fn new(wanted: bool) -> Progress {
        let terminal = std::io::stdout().is_terminal();
        Progress {
            wanted: wanted || terminal,
            terminal,
            started: Instant::now(),
            shown: Instant::now(),
            dialed: 0,
        }
    }

    fn every(&self) -> Duration {
        match self.terminal {
            true => limits::PROGRESS,
            false => limits::PROGRESS_LINE,
        }
    }

    /// The time until the next line.
    pub fn next(&self) -> Duration {
        self.every().saturating_sub(self.shown.elapsed())
    }

    /// Prints the line, if it is time.
    pub fn show(&mut self, host: &Host, engine: &Engine) {
        if self.next().is_zero() {
            self.print(host, engine, false);
        }
    }

    /// Prints the last line.
    pub fn end(&mut self, host: &Host, engine: &Engine) {
        self.print(host, engine, true);
    }

    fn print(&mut self, host: &Host, engine: &Engine, last: bool) {
        let seconds = self.shown.elapsed().as_secs_f64().max(0.001);
        self.shown = Instant::now();
        if !self.wanted {
            return;
        }
        let stats = engine.stats();
        let line = {
            let state = host.state();
            let (legs, agents, talking) = state.figures();
            let counts = &state.counts;
            let new = u32::try_from(counts.dialed - self.dialed).unwrap_or(u32::MAX);
            self.dialed = counts.dialed;
            let ends: Vec<String> = counts
                .ends
                .iter()
                .map(|(how, count)| format!("{how} {count}"))
                .collect();
            format!(
                "{:>4} s  {legs} calls live, {talking}/{agents} agents talk, {:.1} calls/s, {} \
                 dialed, {} answered  [{}]{}",
                self.started.elapsed().as_secs(),
                f64::from(new) / seconds,
                counts.dialed,
                counts.answered,
                ends.join(", "),
                refused(&counts.refused, engine)
            )
        };
        let state = match (stats.poisoned, stats.linked) {
            (1.., _) => "  POISONED",
            (0, 0) => "  no sidecar",
            (0, 1..) => "",
        };
        let (before, after) = match (self.terminal, last) {
            (true, false) => ("\r", "\x1b[K"),
            (true, true) => ("\r", "\x1b[K\n"),
            (false, _) => ("", "\n"),
        };
        let mut out = std::io::stdout().lock();
        // Nobody may read it.
        let _ = write!(out, "{before}{line}{state}{after}");
        let _ = out.flush();
    }
}

fn refused(codes: &std::collections::BTreeMap<i32, u64>, engine: &Engine) -> String {
    let codes: Vec<String> = codes
        .iter()
        .map(|(code, count)| format!("{count} events not taken: {}", engine.describe(*code)))
        .collect();
    if codes.is_empty() {
        String::new()
    } else {
        format!("  ({})", codes.join(", "))
    }
}
