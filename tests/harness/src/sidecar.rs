//! `outdial serve` with a private PostgreSQL of its own, and the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::{Client, Config, NoTls};
use serde_json::Value;

use crate::http;
use crate::process::{Proc, reap_pid_file, run};
use crate::wait::{wait_for, wait_until};
use crate::workspace::{Workspace, keep};

/// A first start makes a database cluster.
const START: Duration = Duration::from_secs(60);

/// A sidecar, running or stopped.
pub struct Sidecar {
    binary: PathBuf,
    data: PathBuf,
    run: PathBuf,
    logs: PathBuf,
    /// Where HTTP is served.
    pub http_port: u16,
    /// Node name.
    pub node: String,
    database_url: Option<String>,
    proc: Option<Proc>,
    starts: u32,
    /// More environment.
    pub env: Vec<(String, String)>,
}

impl Sidecar {
    /// Prepares one; it is not started. `run` is where its sockets go, as Asterisk sees it.
    ///
    /// # Errors
    /// Folders can't be made, or no port is free.
    pub fn prepare(workspace: &Workspace, name: &str, run: &Path, logs: &Path) -> Result<Sidecar> {
        // Not below the sources: the database's own user must be able to reach it.
        let data = PathBuf::from(format!("/tmp/outdial-{name}-{}-data", std::process::id()));
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
        }
        for folder in [&data, &run.to_path_buf()] {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        Ok(Sidecar {
            binary: workspace.binary(),
            data,
            run: run.to_path_buf(),
            logs: logs.to_path_buf(),
            http_port: crate::ports::free()?,
            node: "pbx1".into(),
            database_url: None,
            proc: None,
            starts: 0,
            env: Vec::new(),
        })
    }

    /// Prepares one and starts it.
    ///
    /// # Errors
    /// As [`Sidecar::prepare`] and [`Sidecar::start`].
    pub fn launch(workspace: &Workspace, name: &str, run: &Path, logs: &Path) -> Result<Sidecar> {
        let mut sidecar = Sidecar::prepare(workspace, name, run, logs)?;
        sidecar.start()?;
        Ok(sidecar)
    }

    /// The socket of the link.
    #[must_use]
    pub fn link_socket(&self) -> PathBuf {
        self.run.join("link.sock")
    }

    /// `outdial ARGS`, with this sidecar's settings.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(args)
            .env("OUTDIAL_DATA_DIR", &self.data)
            .env("OUTDIAL_RUN_DIR", &self.run)
            .env("OUTDIAL_HTTP", format!("127.0.0.1:{}", self.http_port))
            .env("OUTDIAL_NODE", &self.node)
            .env("OUTDIAL_LOG_FORMAT", "json")
            .env_remove("OUTDIAL_CONFIG")
            .env_remove("OUTDIAL_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .env_remove("SUPABASE_URL")
            .current_dir(&self.logs);
        if let Some(url) = &self.database_url {
            command.env("OUTDIAL_DATABASE_URL", url);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs an `outdial` command and gives what it printed.
    ///
    /// # Errors
    /// It fails: what it printed.
    pub fn outdial<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<String> {
        run(&mut self.command(args))
    }

    /// Runs an `outdial` command that must fail, and gives what it printed.
    ///
    /// # Errors
    /// It succeeds, or can't be started.
    pub fn outdial_fails<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<String> {
        let output = self.command(args).output().context("starting outdial")?;
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        match output.status.code() {
            Some(0) => bail!("it should have failed, but printed:\n{text}"),
            Some(101) | None => bail!("it crashed ({}):\n{text}", output.status),
            Some(_) => Ok(text),
        }
    }

    /// Starts it and waits until it is up.
    ///
    /// # Errors
    /// It ends, or does not come up; the error holds the end of its log.
    pub fn start(&mut self) -> Result<()> {
        self.spawn()?;
        let up = wait_for("the start of the sidecar", START, || {
            if !self.alive() {
                bail!("the sidecar has ended");
            }
            Ok(matches!(
                http::get(self.http_port, "/health/live"),
                Ok((200, _))
            ))
        });
        up.with_context(|| self.proc.as_ref().map(Proc::tail).unwrap_or_default())?;
        Ok(())
    }

    /// Starts it and does not wait.
    ///
    /// # Errors
    /// It can't be started.
    pub fn spawn(&mut self) -> Result<()> {
        self.starts += 1;
        let log = self.logs.join(format!("sidecar-{}.log", self.starts));
        reap_pid_file(&self.postmaster_file());
        self.proc = Some(Proc::spawn(
            "outdial serve",
            self.command(&["serve"]),
            &log,
        )?);
        Ok(())
    }

    /// Whether it runs.
    pub fn alive(&mut self) -> bool {
        self.proc.as_mut().is_some_and(Proc::alive)
    }

    /// The process.
    ///
    /// # Errors
    /// It was never started.
    pub fn process(&mut self) -> Result<&mut Proc> {
        self.proc
            .as_mut()
            .ok_or_else(|| anyhow!("the sidecar was not started"))
    }

    /// kill -9; the database goes on.
    ///
    /// # Errors
    /// It does not go.
    pub fn kill9(&mut self) -> Result<()> {
        self.process()?.kill9()
    }

    /// Stops it as an operator would.
    ///
    /// # Errors
    /// It does not end by itself within 30 s.
    pub fn stop(&mut self) -> Result<()> {
        let proc = self.process()?;
        proc.signal(Signal::SIGTERM)?;
        proc.wait(Duration::from_secs(30)).map(|_| ())
    }

    /// All its lives' logs.
    #[must_use]
    pub fn log(&self) -> String {
        (1..=self.starts)
            .filter_map(|n| fs::read(self.logs.join(format!("sidecar-{n}.log"))).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    /// `GET /health`: status and body.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn health(&self) -> Result<(u16, Value)> {
        let (status, body) = http::get(self.http_port, "/health")?;
        Ok((
            status,
            serde_json::from_str(&body).with_context(|| format!("not JSON: {body}"))?,
        ))
    }

    /// `GET /status`.
    ///
    /// # Errors
    /// Nobody answers, or it is not 200.
    pub fn status(&self) -> Result<Value> {
        let (status, body) = http::get(self.http_port, "/status")?;
        if status != 200 {
            bail!("/status gave {status}: {body}");
        }
        serde_json::from_str(&body).with_context(|| format!("not JSON: {body}"))
    }

    /// Waits until `/health` gives this status and its body fits.
    ///
    /// # Errors
    /// It does not come; the error holds what came last.
    pub fn wait_health(
        &self,
        status: u16,
        limit: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let mut last = String::new();
        let came = wait_until(&format!("/health {status}"), limit, || {
            match self.health() {
                Ok((got, body)) if got == status && fits(&body) => return Ok(Some(body)),
                Ok((got, body)) => last = format!("{got} {body}"),
                Err(error) => last = format!("{error:#}"),
            }
            Ok(None)
        });
        came.with_context(|| format!("last: {last}"))
    }

    fn postmaster_file(&self) -> PathBuf {
        self.data.join("postgres/data/postmaster.pid")
    }

    /// Process id of the private PostgreSQL's first process.
    ///
    /// # Errors
    /// It does not run.
    pub fn postmaster(&self) -> Result<Pid> {
        let file = self.postmaster_file();
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let pid = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .parse()
            .context("a process id")?;
        Ok(Pid::from_raw(pid))
    }

    /// How to connect to the private PostgreSQL.
    #[must_use]
    pub fn database(&self) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.data.join("postgres/socket"))
            .user("outdial")
            .dbname("outdial")
            .connect_timeout(Duration::from_secs(5));
        config
    }

    /// The same, for people.
    #[must_use]
    pub fn psql_line(&self) -> String {
        format!(
            "psql -h {} -U outdial outdial",
            self.data.join("postgres/socket").display()
        )
    }

    /// A connection of the test's own.
    ///
    /// # Errors
    /// PostgreSQL does not let us in.
    pub fn sql(&self) -> Result<Client> {
        self.database()
            .connect(NoTls)
            .context("connecting to PostgreSQL")
    }

    /// One text out of the database; empty for NULL.
    ///
    /// # Errors
    /// As PostgreSQL says.
    pub fn text(&self, sql: &str) -> Result<String> {
        let row = self
            .sql()?
            .query_one(sql, &[])
            .with_context(|| sql.to_owned())?;
        let text: Option<String> = row.try_get(0).with_context(|| sql.to_owned())?;
        Ok(text.unwrap_or_default())
    }

    /// One number out of the database.
    ///
    /// # Errors
    /// As PostgreSQL says.
    pub fn count(&self, sql: &str) -> Result<i64> {
        let row = self
            .sql()?
            .query_one(sql, &[])
            .with_context(|| sql.to_owned())?;
        row.try_get(0).with_context(|| sql.to_owned())
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if let Some(proc) = self.proc.as_mut() {
            let _ = proc.signal(Signal::SIGCONT);
            let _ = proc.end(Signal::SIGTERM, Duration::from_secs(15));
        }
        if let Ok(pid) = self.postmaster() {
            let _ = kill(pid, Signal::SIGCONT);
            let _ = kill(pid, Signal::SIGQUIT);
            let _ = wait_for("the end of PostgreSQL", Duration::from_secs(10), || {
                Ok(kill(pid, None).is_err())
            });
        }
        keep(&self.data.join("postgres/log"), &self.logs.join("postgres"));
        let _ = fs::remove_dir_all(&self.data);
    }
}
