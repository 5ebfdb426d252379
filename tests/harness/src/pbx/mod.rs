//! What the tests need of a PBX, whichever it is: the same cases run on both.

mod asterisk;
mod dialplan;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

pub use self::dialplan::{
    Extension, Step, asterisk as asterisk_context, freeswitch as freeswitch_context,
};
use crate::process::Proc;
use crate::workspace::Workspace;

/// What is not the same for every test.
#[derive(Clone, Debug)]
pub struct PbxOptions {
    /// Port of the carrier.
    pub carrier_port: u16,
    /// Port of the second carrier; the first one's unless it has one of its own.
    pub carrier2_port: Option<u16>,
    /// Node name in the module's settings.
    pub node: String,
    /// The sidecar's socket, as the PBX sees it.
    pub socket: PathBuf,
    /// Folder of the journal; `None`: in the run's folder.
    pub journal: Option<PathBuf>,
    /// Load the module at start.
    pub load_outdial: bool,
    /// More modules to load.
    pub load: Vec<String>,
    /// Added to the dialplan, in the PBX's own language.
    pub dialplan: String,
    /// Added to the module's settings, as lines `name = value`.
    pub settings: String,
    /// More environment.
    pub env: Vec<(String, String)>,
}

/// A running PBX with the module.
pub trait Pbx: Sized {
    /// Whether the carrier's 100 Trying reaches the module.
    const HEARS_TRYING: bool;

    /// An extension of its dialplan that takes every number.
    const ANY: &'static str;

    /// How its log marks an error.
    const ERROR: &'static str;

    /// Technology of a trunk that leads into a context of the PBX's own.
    const LOOPBACK: &'static str;

    /// What it says when a module is to be unloaded that is in use.
    const IN_USE: &'static str;

    /// How long it may take to end by itself, when no call is left.
    const END: Duration;

    /// Checks what was built, and that this PBX is installed.
    ///
    /// # Errors
    /// The build fails, or there is no such PBX.
    fn workspace() -> Result<Workspace>;

    /// Makes configuration and folders below `run` and starts it; its logs are copied to `logs` in the
    /// end.
    ///
    /// # Errors
    /// Something can't be written, or it does not start.
    fn start(workspace: &Workspace, run: &Path, logs: &Path, options: PbxOptions) -> Result<Self>;

    /// Where SIP comes in.
    fn sip_port(&self) -> u16;

    /// Technology and endpoint by which outdial's trunks know a carrier.
    fn trunk(carrier: &str) -> (&'static str, String);

    /// An agent's phone that is a callee of the carrier, as outdial's agents have it.
    ///
    /// # Errors
    /// The PBX does not take it.
    fn phone(&self, number: &str) -> Result<String>;

    /// What the module shows on the console: `status`, `agents`, `why NAME`.
    ///
    /// # Errors
    /// It does not run, or the command fails.
    fn show(&self, what: &str) -> Result<String>;

    /// What the module is told on the console: `drain`, `agent pause NAME`.
    ///
    /// # Errors
    /// It does not run, or the command fails.
    fn order(&self, what: &str) -> Result<String>;

    /// Loads the module.
    ///
    /// # Errors
    /// It is not loaded; with what the PBX says.
    fn load(&self) -> Result<()>;

    /// Unloads the module.
    ///
    /// # Errors
    /// It is not unloaded; with what the PBX says.
    fn unload(&self) -> Result<()>;

    /// The module's settings as the options have them, as lines `name = value`.
    fn settings(&self) -> String;

    /// Writes the module's settings anew, as lines `name = value`.
    ///
    /// # Errors
    /// They can't be written.
    fn write_settings(&self, settings: &str) -> Result<()>;

    /// Has the module read its settings; what is said of it.
    ///
    /// # Errors
    /// The PBX does not run.
    fn reload(&self) -> Result<String>;

    /// A context of its dialplan.
    fn context(name: &str, extensions: &[Extension<'_>]) -> String;

    /// What the dialplan calls an application of outdial's, `Agent` for example.
    fn application(name: &str) -> String;

    /// Runs an extension on a channel that outdial has not dialed.
    ///
    /// # Errors
    /// The PBX does not run.
    fn run(&self, context: &str, exten: &str) -> Result<()>;

    /// Channels live.
    ///
    /// # Errors
    /// It does not answer.
    fn channels(&self) -> Result<usize>;

    /// Hangs up the phones that have called in.
    ///
    /// # Errors
    /// It does not answer.
    fn hang_up_phones(&self) -> Result<()>;

    /// The value of a global variable of the dialplan, once it is there.
    ///
    /// # Errors
    /// It is not there within `limit`.
    fn global(&self, name: &str, limit: Duration) -> Result<String>;

    /// How often its log says that a sound was played.
    fn played(&self, sound: &str) -> usize;

    /// Its own log.
    fn log(&self) -> String;

    /// The process.
    ///
    /// # Errors
    /// It was never started.
    fn process(&mut self) -> Result<&mut Proc>;

    /// Process id.
    ///
    /// # Errors
    /// It was never started.
    fn pid(&self) -> Result<u32>;

    /// Ends by itself, once no call is left.
    ///
    /// # Errors
    /// It does not end in time.
    fn stop_gracefully(&mut self, limit: Duration) -> Result<()>;
}
