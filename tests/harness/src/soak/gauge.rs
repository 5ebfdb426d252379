//! What PBX and sidecar hold: memory, threads, files, channels, bridges, work that waits.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::process::{rss_kb, threads};
use crate::rig::Rig;

/// One process.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Resident memory in kB.
    pub rss_kb: u64,
    /// Threads.
    pub threads: usize,
    /// File descriptors.
    pub files: usize,
}

impl Held {
    fn of(pid: u32) -> Result<Held> {
        let files = fs::read_dir(format!("/proc/{pid}/fd"))
            .with_context(|| format!("files of process {pid}"))?;
        Ok(Held {
            rss_kb: rss_kb(pid)?,
            threads: threads(pid)?,
            files: files.count(),
        })
    }

    fn json(self) -> Value {
        json!({"rss_kb": self.rss_kb, "threads": self.threads, "files": self.files})
    }
}

/// One look.
#[derive(Clone, Debug)]
pub struct Gauge {
    /// Calls so far.
    pub calls: usize,
    /// Asterisk.
    pub pbx: Held,
    /// `outdial serve`, without its database.
    pub sidecar: Held,
    /// `core show channels`.
    pub channels: usize,
    /// `bridge show all`.
    pub bridges: usize,
    /// Tasks that wait in Asterisk's taskprocessors, and the most that ever waited in one.
    pub tasks: (u64, u64),
    /// Calls that the engine has live.
    pub live: u64,
    /// Calls of which the engine knows and the PBX does not, or the other way round.
    pub ghosts: u64,
    /// Attempts that have ended, by the engine's own count.
    pub ended: u64,
    /// Agents' sessions.
    pub sessions: u64,
}

impl Gauge {
    /// Looks, after so many calls.
    ///
    /// # Errors
    /// Something does not run.
    pub fn read(rig: &mut Rig, calls: usize) -> Result<Gauge> {
        let (status, _) = rig.pbx.ask("outdial show status")?;
        let number = |row: &str, place: usize| {
            number(&status, row, place).with_context(|| format!("{row} in: {status}"))
        };
        let (bridges, _) = rig.pbx.ask("bridge show all")?;
        let (tasks, _) = rig.pbx.ask("core show taskprocessors")?;
        Ok(Gauge {
            calls,
            pbx: Held::of(rig.pbx.pid()?)?,
            sidecar: Held::of(rig.sidecar.process()?.pid())?,
            channels: rig.pbx.channels()?,
            bridges: rows(&bridges, "Bridge-ID"),
            tasks: backlog(&tasks),
            live: number("Calls", 0)?,
            ended: number("Calls", 2)?,
            ghosts: number("Ghost calls", 0)?,
            sessions: number("Agent sessions", 0)?,
        })
    }

    /// For the file.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "calls": self.calls,
            "asterisk": self.pbx.json(),
            "sidecar": self.sidecar.json(),
            "channels": self.channels,
            "bridges": self.bridges,
            "tasks_waiting": self.tasks.0,
            "most_tasks_ever_waiting_in_one": self.tasks.1,
            "engine": {"live": self.live, "ended": self.ended, "ghosts": self.ghosts, "sessions": self.sessions},
        })
    }
}

/// The n-th number in a row of `outdial show status`.
fn number(status: &str, row: &str, place: usize) -> Option<u64> {
    let line = status.lines().find_map(|l| l.trim().strip_prefix(row))?;
    let numbers = line.split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|text| text.parse().ok()).nth(place)
}

/// Rows of a table below its head.
fn rows(said: &str, head: &str) -> usize {
    let lines = said.lines().skip_while(|line| !line.starts_with(head));
    lines.skip(1).filter(|line| !line.trim().is_empty()).count()
}

/// Of all taskprocessors: tasks that wait now, and the most that ever waited in one.
fn backlog(said: &str) -> (u64, u64) {
    let row = |line: &str| -> Option<(u64, u64)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[_name, _processed, waiting, most, ..] = words.as_slice() else {
            return None;
        };
        Some((waiting.parse().ok()?, most.parse().ok()?))
    };
    said.lines()
        .filter_map(row)
        .fold((0, 0), |(sum, top), (waiting, most)| {
            (sum + waiting, top.max(most))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consoles_tables_are_read() {
        let status = "Node            pbx1\nCalls           2 live, 1 of them dialing, 30 ended since the start\n";
        assert_eq!(number(status, "Calls", 0), Some(2));
        assert_eq!(number(status, "Calls", 2), Some(30));
        assert_eq!(number(status, "Ghost calls", 0), None);
        let bridges =
            "Bridge-ID                 Chans Type\na-b      1 basic\nc-d      2 basic\n\n";
        assert_eq!(rows(bridges, "Bridge-ID"), 2);
        let tasks = "\nProcessor                 Processed   In Queue  Max Depth  Low water High water\n\
                     app_voicemail                     0          1          7        450        500\n\
                     ast_msg_queue                     0          2          3        450        500        0\n\n\
                     2 taskprocessors\n";
        assert_eq!(backlog(tasks), (3, 7));
    }
}
