//! SIPp as agents' phones: `tests/sipp/agent.xml`, or another one that logs as it does.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::carrier::sipp;
use crate::ports;
use crate::process::Proc;
use crate::wait::wait_for;
use crate::workspace::Workspace;

/// Phones that have called in.
pub struct Agents {
    log: PathBuf,
    count: usize,
    proc: Proc,
}

impl Agents {
    /// Calls each of the extensions and waits until all are answered.
    ///
    /// # Errors
    /// SIPp does not start, or a phone is not answered.
    pub fn start(
        workspace: &Workspace,
        logs: &Path,
        name: &str,
        sip_port: u16,
        extensions: &[String],
    ) -> Result<Agents> {
        Agents::playing(workspace, logs, name, sip_port, extensions, "agent")
    }

    /// As [`Agents::start`], with another scenario of `tests/sipp`.
    ///
    /// # Errors
    /// As [`Agents::start`].
    pub fn playing(
        workspace: &Workspace,
        logs: &Path,
        name: &str,
        sip_port: u16,
        extensions: &[String],
        scenario: &str,
    ) -> Result<Agents> {
        let injected = logs.join(format!("{name}.csv"));
        let mut csv = String::from("SEQUENTIAL\n");
        for extension in extensions {
            writeln!(csv, "{extension};")?;
        }
        fs::write(&injected, csv).with_context(|| format!("writing {}", injected.display()))?;
        let mut command = sipp(logs, name, ports::free()?);
        command
            .arg("-sf")
            .arg(workspace.tests(&format!("sipp/{scenario}.xml")))
            .arg("-inf")
            .arg(&injected)
            .args(["-m", &extensions.len().to_string(), "-r", "50"])
            .args(["-l", &(extensions.len() + 1).to_string()])
            .arg(format!("127.0.0.1:{sip_port}"));
        let log = logs.join(format!("{name}.log"));
        let _ = fs::remove_file(&log);
        let proc = Proc::spawn(name, command, &logs.join(format!("{name}.out")))?;
        let agents = Agents {
            log,
            count: extensions.len(),
            proc,
        };
        wait_for("the agents' calls", Duration::from_secs(20), || {
            Ok(agents.up()? >= agents.count)
        })
        .with_context(|| agents.proc.tail())?;
        Ok(agents)
    }

    fn lines(&self, what: char) -> Result<usize> {
        let text = match fs::read_to_string(&self.log) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error).context("reading the agents' log"),
        };
        Ok(text.lines().filter(|line| line.starts_with(what)).count())
    }

    /// Calls that were answered so far.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn up(&self) -> Result<usize> {
        self.lines('U')
    }

    /// Calls that the PBX has hung up.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn hung_up(&self) -> Result<usize> {
        self.lines('D')
    }

    /// All phones hang up.
    ///
    /// # Errors
    /// SIPp does not end.
    pub fn hang_up(&mut self) -> Result<()> {
        // The first one lets calls finish, the next one hangs them up.
        self.proc.signal(Signal::SIGUSR1)?;
        if self.proc.wait(Duration::from_millis(500)).is_err() {
            self.proc.signal(Signal::SIGUSR1)?;
        }
        if self.proc.wait(Duration::from_secs(5)).is_err() {
            self.proc.kill9()?;
        }
        Ok(())
    }
}
