//! `outdial-sim-pbx` in place of Asterisk, carrier, callees and agents.

use std::collections::BTreeMap;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::carrier::Call;
use crate::process::Proc;
use crate::site::{Site, TrunkOptions};
use crate::workspace::Workspace;

/// A simulated PBX, running or stopped. Its journal stays between its lives.
pub struct SimPbx {
    program: PathBuf,
    library: PathBuf,
    socket: PathBuf,
    node: String,
    folder: PathBuf,
    logs: PathBuf,
    proc: Option<Proc>,
    starts: u32,
    /// More of its options, as the command line has them.
    pub options: Vec<String>,
}

impl SimPbx {
    /// Prepares one for a site's sidecar; it is not started.
    #[must_use]
    pub fn prepare(site: &Site, options: &[&str]) -> SimPbx {
        SimPbx {
            program: site.workspace.sim_pbx(),
            library: site.workspace.library(),
            socket: site.sidecar.link_socket(),
            node: site.sidecar.node.clone(),
            folder: site.run_dir().join("sim-pbx"),
            logs: site.logs.clone(),
            proc: None,
            starts: 0,
            options: options.iter().map(|&option| option.to_owned()).collect(),
        }
    }

    /// Starts it, with a log of its own for each life.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(&mut self) -> Result<()> {
        self.starts += 1;
        let mut command = Command::new(&self.program);
        command
            .arg("--socket")
            .arg(&self.socket)
            .arg("--library")
            .arg(&self.library)
            .args(["--node", &self.node, "--progress"])
            .arg("--journal")
            .arg(self.folder.join("journal"))
            .arg("--call-log")
            .arg(self.call_log())
            .args(&self.options);
        let log = self.logs.join(format!("sim-pbx-{}.log", self.starts));
        fs::create_dir_all(&self.folder).context("making the folder of the simulated PBX")?;
        self.proc = Some(Proc::spawn("outdial-sim-pbx", command, &log)?);
        Ok(())
    }

    /// What it writes of each call.
    #[must_use]
    pub fn call_log(&self) -> PathBuf {
        self.logs.join("calls.jsonl")
    }

    /// The process.
    ///
    /// # Errors
    /// It was never started.
    pub fn process(&mut self) -> Result<&mut Proc> {
        self.proc
            .as_mut()
            .context("the simulated PBX was not started")
    }

    /// All calls of all its lives, in the order in which they were placed.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn calls(&self) -> Result<Vec<Call>> {
        match fs::read_to_string(self.call_log()) {
            Ok(text) => parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).context("reading the call log"),
        }
    }
}

impl Drop for SimPbx {
    fn drop(&mut self) {
        if let Some(proc) = &mut self.proc {
            // The first one drains, the second one ends it at once.
            let _ = proc.signal(Signal::SIGTERM);
            let _ = proc.signal(Signal::SIGTERM);
        }
    }
}

fn parse(text: &str) -> Result<Vec<Call>> {
    let mut calls: Vec<Call> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    // A process that was killed may leave half a line.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let (leg, at) = (field("leg"), line["at"].as_f64().unwrap_or_default());
        if line["event"] == "dialed" {
            places.insert(leg.clone(), calls.len());
            calls.push(Call {
                id: leg,
                number: field("number"),
                invited: at,
                answered: None,
                ended: None,
                ending: None,
            });
            continue;
        }
        let Some(call) = places.get(&leg).and_then(|place| calls.get_mut(*place)) else {
            continue;
        };
        match line["event"].as_str().unwrap_or_default() {
            "answered" => call.answered = Some(at),
            "ended" => {
                call.ended = Some(at);
                call.ending = Some(match line["sip"].as_i64().unwrap_or_default() {
                    0 => field("how"),
                    487 => "cancelled".into(),
                    sip => sip.to_string(),
                });
            }
            _ => {}
        }
    }
    Ok(calls)
}

/// What is not the same for every test.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Folder of `target/` for the logs.
    pub kind: String,
    /// Calls that may be dialing at once.
    pub max_concurrent_originates: u32,
    /// The trunk.
    pub trunk: TrunkOptions,
    /// Options of `outdial-sim-pbx`.
    pub pbx: Vec<String>,
    /// Print each `outdial` command.
    pub echo: bool,
}

impl Default for SimOptions {
    fn default() -> Self {
        SimOptions {
            kind: "sim".into(),
            max_concurrent_originates: 200,
            trunk: TrunkOptions {
                cps: 100,
                burst: 5,
                channels: 500,
            },
            pbx: Vec::new(),
            echo: false,
        }
    }
}

/// A site with a simulated PBX.
pub struct SimRig {
    /// The PBX.
    pub pbx: SimPbx,
    /// Sidecar, database and folders.
    pub site: Site,
}

impl SimRig {
    /// Starts both, and adds the trunk `carrier` with a route for all numbers.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start(name: &str, options: &SimOptions) -> Result<SimRig> {
        let workspace = Workspace::without_asterisk()?;
        let site = Site::start(workspace, &options.kind, name, options.echo)?;
        let words: Vec<&str> = options.pbx.iter().map(String::as_str).collect();
        let mut pbx = SimPbx::prepare(&site, &words);
        pbx.start()?;
        site.open(
            options.max_concurrent_originates,
            ("PJSIP", "carrier"),
            options.trunk,
        )?;
        Ok(SimRig { pbx, site })
    }
}

impl Deref for SimRig {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl DerefMut for SimRig {
    fn deref_mut(&mut self) -> &mut Site {
        &mut self.site
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_log_is_read() {
        let calls = parse(
            "{\"at\":1.5,\"leg\":\"a\",\"number\":\"551\",\"event\":\"dialed\"}\n\
             {\"at\":2.5,\"leg\":\"a\",\"number\":\"551\",\"event\":\"answered\",\"machine\":false}\n\
             {\"at\":2.5,\"leg\":\"b\",\"number\":\"552\",\"event\":\"dialed\"}\n\
             {\"at\":3.5,\"leg\":\"b\",\"number\":\"552\",\"event\":\"ended\",\"sip\":487,\"how\":\"cancelled\"}\n\
             {\"at\":4.5,\"leg\":\"a\",\"number\":\"551\",\"event\":\"ended\",\"sip\":0,\"how\":\"bye_out\"}\n\
             {\"at\":5",
        )
        .unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].verdict(), "answered");
        assert_eq!(calls[0].ending.as_deref(), Some("bye_out"));
        assert_eq!(calls[1].verdict(), "cancelled");
    }
}
