//! What `/health` says.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::limits;
use crate::link_server::state::View;

/// How PostgreSQL is, as the database threads saw it last.
#[derive(Default)]
pub struct Database {
    inner: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    ok: Option<Instant>,
    error: Option<String>,
    writing: Option<String>,
}

impl Database {
    fn inner(&self) -> MutexGuard<'_, Seen> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It answered, or did not.
    pub fn answered(&self, result: Result<(), String>) {
        let mut seen = self.inner();
        match result {
            Ok(()) => {
                seen.ok = Some(Instant::now());
                seen.error = None;
            }
            Err(error) => seen.error = Some(error),
        }
    }

    /// Results can be written, or can't.
    pub fn writing(&self, trouble: Option<String>) {
        self.inner().writing = trouble;
    }

    /// What is wrong, if anything is.
    pub fn trouble(&self) -> Option<String> {
        let seen = self.inner();
        if let Some(error) = seen.error.as_ref().or(seen.writing.as_ref()) {
            return Some(error.clone());
        }
        match seen.ok {
            Some(at) if at.elapsed() <= limits::DATABASE_STALE => None,
            Some(_) => Some("it does not answer".into()),
            None => Some("it has not answered yet".into()),
        }
    }
}

/// The body of `GET /health`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `ok` or `degraded`.
    pub status: &'static str,
    /// The sidecar serves.
    pub running: bool,
    /// The module's heartbeat is younger than 2 s.
    pub voice_adapter_connected: bool,
    /// The engine's pump has nothing overdue.
    pub scheduler_active: bool,
    /// The originate pool is not stalled.
    pub executor_active: bool,
    /// In seconds.
    pub uptime: u64,
    /// `ok`, or what is wrong.
    pub database: String,
    /// Name.
    pub node: String,
    /// What is false, and why; empty when all is well.
    pub causes: Vec<String>,
}

/// Sums it up.
pub fn health(view: &View, database: &Database, node: &str, uptime: u64, running: bool) -> Health {
    let mut causes = Vec::new();
    if !running {
        causes.push("running: the sidecar is stopping".to_owned());
    }
    let beat = view.heartbeat.filter(|_| view.connection.is_some());
    let fresh = beat.filter(|(age, _)| *age < limits::HEARTBEAT_STALE);
    if fresh.is_none() {
        causes.push(match beat {
            Some((age, _)) => format!(
                "voiceAdapterConnected: the module's last heartbeat is {} ms old",
                age.as_millis()
            ),
            None => match &view.refusal {
                Some(why) => format!("voiceAdapterConnected: the module was refused: {why}"),
                None => "voiceAdapterConnected: no module is connected".into(),
            },
        });
    }
    let beat = fresh.map(|(_, beat)| beat);
    let scheduler = scheduler_trouble(beat.as_ref());
    let executor = match beat {
        None => Some("unknown while no module is connected".to_owned()),
        Some(beat) => (beat.pool_oldest_ms >= limits::POOL_OLDEST_MS).then(|| {
            format!(
                "a job has waited {} ms in the originate pool",
                beat.pool_oldest_ms
            )
        }),
    };
    let trouble = database.trouble();
    for (name, why) in [
        ("schedulerActive", &scheduler),
        ("executorActive", &executor),
        ("database", &trouble),
    ] {
        if let Some(why) = why {
            causes.push(format!("{name}: {why}"));
        }
    }
    Health {
        status: if causes.is_empty() { "ok" } else { "degraded" },
        running,
        voice_adapter_connected: fresh.is_some(),
        scheduler_active: scheduler.is_none(),
        executor_active: executor.is_none(),
        uptime,
        database: trouble.unwrap_or_else(|| "ok".into()),
        node: node.to_owned(),
        causes,
    }
}

fn scheduler_trouble(beat: Option<&outdial_link::Heartbeat>) -> Option<String> {
    let Some(beat) = beat else {
        return Some("unknown while no module is connected".into());
    };
    if beat.poisoned {
        return Some(
            "the engine is poisoned by a panic: it dials nothing until the PBX restarts".into(),
        );
    }
    if !beat.journal_writable {
        return Some("the journal can't be written (disk full?): nothing is dialed".into());
    }
    (beat.pump_overdue_ms >= limits::PUMP_OVERDUE_MS)
        .then(|| format!("the pump is {} ms late", beat.pump_overdue_ms))
}
