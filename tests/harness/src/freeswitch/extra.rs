//! What a test adds to the configuration of a FreeSWITCH that runs, and does with its channels.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{FreeSwitch, Installation, SKIPPED};
use crate::wait::wait_until;

/// A call that comes in is up by then.
const UP: Duration = Duration::from_secs(15);

impl FreeSwitch {
    /// Puts `to` in the place of the first `from` of its configuration and has it read. Not with phones that
    /// are rung or settings that change: these write the configuration anew.
    ///
    /// # Errors
    /// `from` is not there, or it can't be written or read.
    pub fn change_config(&self, from: &str, to: &str) -> Result<()> {
        let path = self.run.join("conf/freeswitch.xml");
        let all = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        ensure!(all.contains(from), "no {from} in {}", path.display());
        fs::write(&path, all.replacen(from, to, 1))
            .with_context(|| format!("writing {}", path.display()))?;
        self.cli("reloadxml").map(drop)
    }

    /// Whoever has called 9001, an extension that only waits, goes on at a place of a test's own: phones can
    /// dial digits of one context only.
    ///
    /// # Errors
    /// His channel is not there in time, or there is no such place.
    pub fn send_on(&self, caller: &str, exten: &str, context: &str) -> Result<()> {
        let own = format!(",{caller},");
        let channel = wait_until(&format!("the channel of {caller}"), UP, || {
            let all = self.cli("show channels")?;
            let line = all.lines().find(|line| line.contains(&own));
            let up = line.filter(|line| line.contains(",sleep,"));
            Ok(up
                .and_then(|line| line.split(',').next())
                .map(str::to_owned))
        })?;
        self.cli(&format!("uuid_transfer {channel} {exten} XML {context}"))
            .map(drop)
    }

    /// Folder of the run.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        &self.run
    }
}

/// Whether there is one to test with; says so where there is none.
///
/// # Errors
/// `FREESWITCH_PREFIX` is set, and nothing is there.
pub fn is_installed() -> Result<bool> {
    let found = Installation::find()?.is_some();
    if !found {
        println!("{SKIPPED}");
    }
    Ok(found)
}
