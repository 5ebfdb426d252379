//! More trunks for a running rig: SIPp with a scenario, an endpoint of `pjsip.conf`, routes.

use std::time::Duration;

use anyhow::Result;

use crate::carrier::Carrier;
use crate::process::append;
use crate::rig::Rig;
use crate::wait::wait_for;

/// An endpoint as those of `tests/asterisk/etc/pjsip.conf`, with more options of the endpoint and of
/// its AOR.
#[must_use]
pub fn endpoint(name: &str, port: u16, more: &str, aor: &str) -> String {
    format!(
        "\n[{name}](base)\ncontext = from-carrier\naors = {name}\nfrom_domain = outdial.test\n{more}\n\
         \n[{name}]\ntype = aor\ncontact = sip:127.0.0.1:{port}\n{aor}\n"
    )
}

impl Rig {
    /// Starts a SIPp with a scenario of `tests/sipp`.
    ///
    /// # Errors
    /// It does not start.
    pub fn callees(&self, name: &str, scenario: &str, keys: &[(&str, String)]) -> Result<Carrier> {
        let site = &self.site;
        Carrier::playing(&site.workspace, &site.logs, name, None, scenario, keys)
    }

    /// Adds to `pjsip.conf` and waits until Asterisk has the endpoint.
    ///
    /// # Errors
    /// Asterisk does not take it.
    pub fn pjsip(&self, name: &str, text: &str) -> Result<()> {
        append(&self.pbx.run_dir().join("etc/pjsip.conf"), text)?;
        self.pbx.cli("module reload res_pjsip.so")?;
        wait_for(&format!("endpoint {name}"), Duration::from_secs(10), || {
            let said = self.pbx.cli(&format!("pjsip show endpoint {name}"));
            Ok(said.is_ok_and(|said| said.contains("ParameterName")))
        })
    }

    /// Makes a trunk of an endpoint, and a route to it for numbers that begin with `prefix`, with more
    /// options as the command line has them.
    ///
    /// # Errors
    /// The command fails.
    pub fn trunk(&self, endpoint: &str, prefix: &str, route: &[&str]) -> Result<()> {
        let limits = ["--cps-limit", "50", "--max-channels", "200"];
        let trunk = ["trunks", "add", endpoint, "--endpoint", endpoint];
        self.outdial(&[&trunk[..], &limits[..]].concat())?;
        let to = ["routes", "add", "--trunk", endpoint, "--prefix", prefix];
        self.outdial(&[&to[..], route].concat()).map(|_| ())
    }
}
