//! All of it together: carrier, sidecar with database, a PBX with the module, agents.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use anyhow::Result;

use crate::agents::Agents;
use crate::asterisk::Asterisk;
use crate::carrier::Carrier;
use crate::pbx::{Pbx, PbxOptions};
use crate::site::{Site, TrunkOptions};

/// What is not the same for every test.
#[derive(Clone, Debug)]
pub struct RigOptions {
    /// Folder of `target/` for the logs.
    pub kind: String,
    /// Calls that may be dialing at once.
    pub max_concurrent_originates: u32,
    /// The trunk's calls per second.
    pub cps: u32,
    /// The trunk's burst.
    pub burst: u32,
    /// The trunk's channels.
    pub channels: u32,
    /// Added to the dialplan, in the PBX's own language.
    pub dialplan: String,
    /// Added to the module's settings.
    pub settings: String,
    /// Print each `outdial` command.
    pub echo: bool,
    /// More environment for the PBX.
    pub env: Vec<(String, String)>,
    /// Where the PBX's carrier `carrier2` is, if not where `carrier` is.
    pub carrier2_port: Option<u16>,
}

impl Default for RigOptions {
    fn default() -> Self {
        RigOptions {
            kind: "e2e".into(),
            max_concurrent_originates: 100,
            cps: 50,
            burst: 1,
            channels: 500,
            dialplan: String::new(),
            settings: String::new(),
            echo: false,
            env: Vec::new(),
            carrier2_port: None,
        }
    }
}

/// Servers, in the order in which they stop.
pub struct Rig<P: Pbx = Asterisk> {
    /// Phones of agents.
    pub agents: Vec<Agents>,
    /// The PBX.
    pub pbx: P,
    /// Sidecar, database and folders.
    pub site: Site,
    /// The other end of the trunk.
    pub carrier: Carrier,
}

impl<P: Pbx> Deref for Rig<P> {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl<P: Pbx> DerefMut for Rig<P> {
    fn deref_mut(&mut self) -> &mut Site {
        &mut self.site
    }
}

impl Rig {
    /// [`Rig::on`] Asterisk.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start(name: &str, options: RigOptions) -> Result<Rig> {
        Rig::on(name, options)
    }
}

impl<P: Pbx> Rig<P> {
    /// Starts all but the agents, and adds the trunk `carrier` with a route for all numbers.
    ///
    /// # Errors
    /// Something does not start.
    pub fn on(name: &str, options: RigOptions) -> Result<Rig<P>> {
        let site = Site::start(P::workspace()?, &options.kind, name, options.echo)?;
        let carrier = Carrier::start(&site.workspace, &site.logs, "carrier", None)?;
        let pbx = P::start(
            &site.workspace,
            site.run_dir(),
            &site.logs,
            PbxOptions {
                carrier_port: carrier.port,
                carrier2_port: options.carrier2_port,
                node: site.sidecar.node.clone(),
                socket: site.sidecar.link_socket(),
                journal: None,
                load_outdial: true,
                load: Vec::new(),
                dialplan: options.dialplan.clone(),
                settings: options.settings.clone(),
                env: options.env.clone(),
            },
        )?;
        let rig = Rig {
            agents: Vec::new(),
            pbx,
            site,
            carrier,
        };
        let trunk = TrunkOptions {
            cps: options.cps,
            burst: options.burst,
            channels: options.channels,
        };
        let (tech, endpoint) = P::trunk("carrier");
        rig.open(options.max_concurrent_originates, (tech, &endpoint), trunk)?;
        Ok(rig)
    }

    /// Adds agents 1001 to 1000 + `count` to a campaign, and their phones call in.
    ///
    /// # Errors
    /// A command fails, or a phone is not answered.
    pub fn log_in(&mut self, campaign: &str, count: u32) -> Result<()> {
        self.add_agents(campaign, count)?;
        self.phones(1, count)?;
        self.wait_agents("available", count as usize, Duration::from_secs(10))
    }

    /// The phones of agents `first` to `last` call in.
    ///
    /// # Errors
    /// One is not answered.
    pub fn phones(&mut self, first: u32, last: u32) -> Result<()> {
        let extensions: Vec<String> = (first..=last).map(|n| (8000 + n).to_string()).collect();
        let name = format!("agents-{}", self.agents.len() + 1);
        let agents = Agents::start(
            &self.site.workspace,
            &self.site.logs,
            &name,
            self.pbx.sip_port(),
            &extensions,
        )?;
        self.agents.push(agents);
        Ok(())
    }
}
