//! Asterisk as the PBX of a case.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Extension, Pbx, PbxOptions, asterisk_context};
use crate::asterisk::Asterisk;
use crate::process::Proc;
use crate::workspace::Workspace;

impl Pbx for Asterisk {
    const HEARS_TRYING: bool = true;
    const ANY: &'static str = "_X.";
    const ERROR: &'static str = "ERROR";
    const LOOPBACK: &'static str = "Local";
    const IN_USE: &'static str = "Unable to unload resource";
    const END: Duration = Duration::from_secs(15);

    fn workspace() -> Result<Workspace> {
        Workspace::ready()
    }

    fn start(workspace: &Workspace, run: &Path, logs: &Path, options: PbxOptions) -> Result<Self> {
        Asterisk::start(workspace, run, logs, options)
    }

    fn sip_port(&self) -> u16 {
        self.sip_port
    }

    fn trunk(carrier: &str) -> (&'static str, String) {
        ("PJSIP", carrier.into())
    }

    fn phone(&self, number: &str) -> Result<String> {
        Ok(format!("PJSIP/{number}@carrier"))
    }

    fn show(&self, what: &str) -> Result<String> {
        self.cli(&format!("outdial show {what}"))
    }

    fn order(&self, what: &str) -> Result<String> {
        self.cli(&format!("outdial {what}"))
    }

    fn load(&self) -> Result<()> {
        let said = self.cli("module load res_outdial.so")?;
        ensure!(said.contains("Loaded"), "{said}");
        Ok(())
    }

    fn unload(&self) -> Result<()> {
        let said = self.cli("module unload res_outdial.so")?;
        ensure!(said.contains("Unloaded"), "{said}");
        Ok(())
    }

    fn settings(&self) -> String {
        self.settings()
    }

    fn write_settings(&self, settings: &str) -> Result<()> {
        self.write_etc("outdial.conf", &format!("[general]\n{settings}"))
    }

    fn reload(&self) -> Result<String> {
        self.cli("module reload res_outdial.so")
    }

    fn context(name: &str, extensions: &[Extension<'_>]) -> String {
        asterisk_context(name, extensions)
    }

    fn application(name: &str) -> String {
        format!("Outdial{name}")
    }

    fn run(&self, context: &str, exten: &str) -> Result<()> {
        self.cli(&format!(
            "channel originate Local/{exten}@{context} application Wait 1"
        ))
        .map(drop)
    }

    fn channels(&self) -> Result<usize> {
        self.channels()
    }

    fn hang_up_phones(&self) -> Result<()> {
        let channels = self.cli("core show channels concise")?;
        let names = channels.lines().filter_map(|line| line.split('!').next());
        for phone in names.filter(|name| name.starts_with("PJSIP/agents-")) {
            self.cli(&format!("channel request hangup {phone}"))?;
        }
        Ok(())
    }

    fn global(&self, name: &str, limit: Duration) -> Result<String> {
        self.global(name, limit)
    }

    fn played(&self, sound: &str) -> usize {
        self.log().matches(&format!("Playing '{sound}")).count()
    }

    fn log(&self) -> String {
        self.log()
    }

    fn process(&mut self) -> Result<&mut Proc> {
        self.process()
    }

    fn pid(&self) -> Result<u32> {
        self.pid()
    }

    fn stop_gracefully(&mut self, limit: Duration) -> Result<()> {
        self.stop_gracefully(limit)
    }
}
