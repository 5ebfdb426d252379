//! FreeSWITCH as the PBX of a case.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::socket::EventSocket;
use super::{FreeSwitch, phone};
use crate::pbx::{Extension, Pbx, PbxOptions, freeswitch_context};
use crate::process::Proc;
use crate::wait::wait_until;
use crate::workspace::Workspace;

impl Pbx for FreeSwitch {
    /// Its SIP library keeps it to itself.
    const HEARS_TRYING: bool = false;
    const ANY: &'static str = r"\d+";
    const ERROR: &'static str = "[ERR]";
    const LOOPBACK: &'static str = "loopback";
    const IN_USE: &'static str = "Module in use";
    /// Its SIP stack waits for the last transactions (RFC 3261, 32 s).
    const END: Duration = Duration::from_secs(60);

    fn workspace() -> Result<Workspace> {
        let workspace = Workspace::without_asterisk()?;
        workspace.build_freeswitch_module()?;
        Ok(workspace)
    }

    fn start(workspace: &Workspace, run: &Path, logs: &Path, options: PbxOptions) -> Result<Self> {
        FreeSwitch::start(workspace, run, logs, options)
    }

    fn sip_port(&self) -> u16 {
        self.sip_port
    }

    fn trunk(carrier: &str) -> (&'static str, String) {
        ("sofia", carrier.into())
    }

    /// One that is registered.
    fn phone(&self, number: &str) -> Result<String> {
        phone::register(self.sip_port, number, self.options.carrier_port)?;
        Ok(format!("user/{number}@127.0.0.1"))
    }

    fn show(&self, what: &str) -> Result<String> {
        self.cli(&format!("outdial {what}"))
    }

    fn order(&self, what: &str) -> Result<String> {
        self.cli(&format!("outdial {what}"))
    }

    fn load(&self) -> Result<()> {
        // The first line is about the configuration.
        let said = self.cli("load mod_outdial")?;
        ensure!(!said.contains("-ERR"), "{said}");
        Ok(())
    }

    fn unload(&self) -> Result<()> {
        let said = self.cli("unload mod_outdial")?;
        ensure!(said.contains("+OK"), "{said}");
        Ok(())
    }

    fn settings(&self) -> String {
        self.settings()
    }

    fn write_settings(&self, settings: &str) -> Result<()> {
        self.write_config(settings)
    }

    fn reload(&self) -> Result<String> {
        self.cli("outdial reload")
    }

    fn context(name: &str, extensions: &[Extension<'_>]) -> String {
        freeswitch_context(name, extensions)
    }

    fn application(name: &str) -> String {
        format!("outdial_{}", name.to_lowercase())
    }

    fn run(&self, context: &str, exten: &str) -> Result<()> {
        self.cli(&format!(
            "bgapi originate loopback/{exten}/{context}/XML &sleep(1000)"
        ))
        .map(drop)
    }

    /// Sessions: what has ended but is not destroyed yet counts.
    fn channels(&self) -> Result<usize> {
        let said = self.cli("status")?;
        said.lines()
            .find_map(|line| line.split_once(" session(s) - peak"))
            .and_then(|(count, _)| count.trim().parse().ok())
            .with_context(|| format!("counting sessions: {said}"))
    }

    fn hang_up_phones(&self) -> Result<()> {
        self.cli("hupall NORMAL_CLEARING sofia_profile_name internal")
            .map(drop)
    }

    fn global(&self, name: &str, limit: Duration) -> Result<String> {
        wait_until(&format!("global variable {name}"), limit, || {
            let socket = EventSocket::open(self.command_port, &self.password)?;
            let value = socket.api(&format!("global_getvar {name}"))?;
            // That is how it says that there is none.
            Ok((!value.is_empty() && value != "-ERR no reply\n").then_some(value))
        })
    }

    fn played(&self, sound: &str) -> usize {
        let log = self.log();
        let ends = log.lines().filter(|l| l.contains("done playing file"));
        ends.filter(|line| line.contains(sound)).count()
    }

    fn log(&self) -> String {
        self.log()
    }

    fn process(&mut self) -> Result<&mut Proc> {
        self.proc.as_mut().context("FreeSWITCH was not started")
    }

    fn pid(&self) -> Result<u32> {
        self.proc
            .as_ref()
            .map(Proc::pid)
            .context("FreeSWITCH was not started")
    }

    fn stop_gracefully(&mut self, limit: Duration) -> Result<()> {
        // The connection may be cut by the end that it asks for.
        let _ = self.cli("fsctl shutdown elegant");
        self.process()?.wait(limit).map(|_| ())
    }
}
