//! Checks of everything that an operator would check, each with how to mend it.

mod host;

pub use host::host_checks;

use std::time::Duration;

use outdial_link::Heartbeat;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::http::App;
use crate::store::{migrate, status};

/// The most that the clocks of host and database may differ.
const SKEW_MS: i64 = 2_000;
/// Records that may wait in the journal before it is remarkable.
const BACKLOG: u64 = 10_000;

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// How to mend it.
    pub fix: Option<String>,
}

impl Check {
    /// All is well.
    pub fn good(name: &str, found: impl Into<String>) -> Check {
        Check {
            name: name.into(),
            ok: true,
            found: found.into(),
            fix: None,
        }
    }

    /// It is not.
    pub fn bad(name: &str, found: impl Into<String>, fix: impl Into<String>) -> Check {
        Check {
            name: name.into(),
            ok: false,
            found: found.into(),
            fix: Some(fix.into()),
        }
    }
}

/// What only the running sidecar can see.
pub async fn checks(app: &App) -> Vec<Check> {
    let mut checks = Vec::new();
    match app.console.pool.call(status::server).await {
        Ok(server) => database(&mut checks, &server),
        Err(error) => checks.push(Check::bad(
            "PostgreSQL",
            error.to_string(),
            "check that the server runs and that OUTDIAL_DATABASE_URL names it; see the sidecar's log",
        )),
    }
    module(&mut checks, app);
    checks
}

fn database(checks: &mut Vec<Check>, server: &status::Server) {
    checks.push(Check::good(
        "PostgreSQL",
        format!("version {}", server.version),
    ));
    checks.push(match server.schema {
        Some(version) if version == migrate::VERSION => {
            Check::good("schema", format!("version {version}"))
        }
        other => Check::bad(
            "schema",
            format!("version {other:?}, this outdial needs {}", migrate::VERSION),
            "restart the sidecar: it brings the schema up to date",
        ),
    });
    let skew_ms = server.now_ms - clock::now_ms();
    checks.push(if skew_ms.abs() <= SKEW_MS {
        Check::good("clock", format!("database and host differ by {skew_ms} ms"))
    } else {
        Check::bad(
            "clock",
            format!("database and host differ by {skew_ms} ms"),
            "run a time service on both: apt install systemd-timesyncd, or chrony",
        )
    });
    checks.push(if server.time_zones > 0 {
        Check::good(
            "time zones",
            format!("PostgreSQL knows {}", server.time_zones),
        )
    } else {
        Check::bad(
            "time zones",
            "PostgreSQL knows none",
            "apt install tzdata on the database server",
        )
    });
    checks.push(if server.trunks > 0 && server.routes > 0 {
        Check::good(
            "trunks",
            format!("{} enabled, {} routes", server.trunks, server.routes),
        )
    } else {
        Check::bad(
            "trunks",
            format!("{} enabled, {} routes", server.trunks, server.routes),
            "outdial trunks add NAME --endpoint ENDPOINT, then outdial routes add --trunk NAME",
        )
    });
    checks.push(if server.quarantined == 0 {
        Check::good("quarantine", "empty")
    } else {
        Check::bad(
            "quarantine",
            format!("{} records that PostgreSQL refused", server.quarantined),
            "SELECT received_at, attempt, error FROM outdial.quarantine; delete the rows when done",
        )
    });
}

fn module(checks: &mut Vec<Check>, app: &App) {
    let view = app.link.view();
    let Some(connection) = &view.connection else {
        let found = view
            .refusal
            .map_or_else(|| "not connected".into(), |why| format!("refused: {why}"));
        checks.push(Check::bad(
            "module",
            found,
            format!(
                "load it (asterisk -rx 'module load res_outdial.so'); outdial.conf must say node = {} and socket = {}; \
                 the PBX's user must be in the sockets' group (setting socket_group)",
                app.settings.node,
                app.settings.link_socket().display()
            ),
        ));
        return;
    };
    let hello = &connection.hello;
    checks.push(Check::good(
        "module",
        format!(
            "{}, process {}, epoch {}",
            hello.pbx, hello.pid, connection.epoch
        ),
    ));
    if hello.test_host {
        checks.push(Check::good(
            "test node",
            "the PBX is simulated: nobody is called, and only test campaigns are dialed",
        ));
    }
    let own = env!("CARGO_PKG_VERSION");
    let abi = format!("{}.{}", hello.abi >> 16, hello.abi & 0xffff);
    checks.push(if hello.library == own {
        Check::good("versions", format!("library and sidecar {own}, ABI {abi}"))
    } else {
        Check::bad(
            "versions",
            format!("library {} (ABI {abi}), sidecar {own}", hello.library),
            "install the same release of both; a new library takes effect when the PBX is restarted",
        )
    });
    heartbeat(checks, view.heartbeat);
    for (what, error) in &view.refused {
        checks.push(Check::bad(
            "configuration",
            format!("the engine refused {what}: {error}"),
            "correct that value",
        ));
    }
}

fn heartbeat(checks: &mut Vec<Check>, beat: Option<(Duration, Heartbeat)>) {
    match beat {
        None => checks.push(Check::bad(
            "heartbeat",
            "none yet",
            "wait a second; if it stays so, see the PBX's log",
        )),
        Some((age, beat)) => {
            checks.push(if beat.journal_writable && beat.journal_backlog < BACKLOG {
                Check::good("journal", format!("{} records wait", beat.journal_backlog))
            } else {
                Check::bad(
                    "journal",
                    format!("{} records wait, writable: {}", beat.journal_backlog, beat.journal_writable),
                    "free disk space under the journal (outdial.conf: journal), and check PostgreSQL",
                )
            });
            let stalled = beat.poisoned || age >= crate::limits::HEARTBEAT_STALE;
            checks.push(if stalled {
                Check::bad(
                    "engine",
                    format!(
                        "poisoned: {}, last heartbeat {} ms ago",
                        beat.poisoned,
                        age.as_millis()
                    ),
                    "restart the PBX, and report the panic in its log",
                )
            } else {
                Check::good(
                    "engine",
                    format!(
                        "pump {} ms late, {} jobs in the pool",
                        beat.pump_overdue_ms, beat.pool_jobs
                    ),
                )
            });
        }
    }
}
