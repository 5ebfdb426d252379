//! A FreeSWITCH of its own: configuration, modules and folders of one run. Nothing is put into the folders
//! of the installation.

mod conf;
mod pbx;
mod phone;
mod socket;
mod sound;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use self::conf::Conf;
use self::socket::EventSocket;
use crate::pbx::PbxOptions;
use crate::process::{Proc, run};
use crate::wait::wait_for;
use crate::workspace::{Workspace, keep};

/// How long FreeSWITCH may take to start.
const START: Duration = Duration::from_secs(30);
/// How long it is waited for where nobody looks how it ends: its SIP stack waits up to 32 s for the last
/// transactions of calls that just were.
const END: Duration = Duration::from_secs(2);
/// What is printed, and nothing more, where there is nothing to test with.
pub const SKIPPED: &str = "freeswitch end-to-end: skipped, none installed";
/// Where a build from source goes if it is not told otherwise.
const DEFAULT_PREFIX: &str = "/usr/local/freeswitch";

/// A FreeSWITCH that is installed.
#[derive(Clone, Debug)]
pub struct Installation {
    prefix: PathBuf,
}

impl Installation {
    /// `FREESWITCH_PREFIX` in the environment, else what pkg-config says, else the default prefix.
    /// `None`: there is none.
    ///
    /// # Errors
    /// `FREESWITCH_PREFIX` is set, and nothing is there.
    pub fn find() -> Result<Option<Installation>> {
        let at = |prefix: PathBuf| {
            let there = prefix.join("bin/freeswitch").exists();
            there.then_some(Installation { prefix })
        };
        if let Some(named) = std::env::var_os("FREESWITCH_PREFIX").filter(|path| !path.is_empty()) {
            let named = PathBuf::from(named);
            return match at(named.clone()) {
                Some(found) => Ok(Some(found)),
                None => bail!(
                    "FREESWITCH_PREFIX: there is no {}/bin/freeswitch",
                    named.display()
                ),
            };
        }
        let asked = run(Command::new("pkg-config").args(["--variable=prefix", "freeswitch"]));
        let known = asked.ok().and_then(|said| at(PathBuf::from(said.trim())));
        Ok(known.or_else(|| at(DEFAULT_PREFIX.into())))
    }

    /// Its modules; a build from source has them below `lib`, or beside it.
    fn modules(&self) -> Result<PathBuf> {
        ["lib/freeswitch/mod", "lib64/freeswitch/mod", "mod"]
            .iter()
            .map(|folder| self.prefix.join(folder))
            .find(|folder| folder.join("mod_sofia.so").exists())
            .with_context(|| format!("no mod_sofia.so below {}", self.prefix.display()))
    }
}

/// A running FreeSWITCH.
pub struct FreeSwitch {
    installation: Installation,
    workspace: Workspace,
    run: PathBuf,
    logs: PathBuf,
    /// Where the phones' SIP comes in.
    pub sip_port: u16,
    trunk_port: u16,
    command_port: u16,
    password: String,
    options: PbxOptions,
    proc: Option<Proc>,
    starts: u32,
}

impl FreeSwitch {
    /// Makes configuration and folders below `run` and starts it; its logs are copied to `logs`
    /// in the end.
    ///
    /// # Errors
    /// There is none, something can't be written, or it does not start.
    pub fn start(
        workspace: &Workspace,
        run: &Path,
        logs: &Path,
        options: PbxOptions,
    ) -> Result<FreeSwitch> {
        let installation = Installation::find()?.context(SKIPPED)?;
        let mut freeswitch = FreeSwitch {
            installation,
            workspace: workspace.clone(),
            run: run.join("freeswitch"),
            logs: logs.to_path_buf(),
            sip_port: crate::ports::free()?,
            trunk_port: crate::ports::free()?,
            command_port: crate::ports::free()?,
            password: password()?,
            options,
            proc: None,
            starts: 0,
        };
        freeswitch.lay_out()?;
        freeswitch.boot()?;
        Ok(freeswitch)
    }

    fn lay_out(&self) -> Result<()> {
        for folder in FOLDERS {
            let path = self.run.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        }
        fs::create_dir_all(self.run.join("so")).context("a folder for the library")?;
        self.write_config(&self.settings())?;
        sound::write(&self.run.join("sounds"))?;
        for entry in fs::read_dir(self.installation.modules()?).context("reading the modules")? {
            let path = entry.context("reading the modules")?.path();
            let name = path.file_name().unwrap_or_default();
            // One that is installed is not the one to be tested.
            if path.extension().is_some_and(|ext| ext == "so") && name != "mod_outdial.so" {
                let to = self.run.join("mod").join(name);
                symlink(&path, &to).with_context(|| format!("linking {}", to.display()))?;
            }
        }
        if !self.options.load_outdial {
            return Ok(());
        }
        let module = self.workspace.freeswitch_module();
        let so = self.run.join("so").join(self.workspace.soname());
        for (from, to) in [
            (&module, self.run.join("mod/mod_outdial.so")),
            (&self.workspace.library(), so),
        ] {
            fs::copy(from, &to).with_context(|| format!("copying {}", from.display()))?;
        }
        Ok(())
    }

    /// The module's settings as the options have them, as lines `name = value`.
    #[must_use]
    pub fn settings(&self) -> String {
        let options = &self.options;
        let own = self.run.join("journal");
        let journal = options.journal.as_ref().unwrap_or(&own);
        format!(
            "node = {}\nsocket = {}\njournal = {}\n{}\n",
            options.node,
            options.socket.display(),
            journal.display(),
            options.settings
        )
    }

    fn write_config(&self, settings: &str) -> Result<()> {
        let template = self.workspace.tests("freeswitch/freeswitch.xml");
        let text = fs::read_to_string(&template)
            .with_context(|| format!("reading {}", template.display()))?;
        let conf = Conf {
            run: self.run.display().to_string(),
            options: &self.options,
            settings,
            command_port: self.command_port,
            password: &self.password,
            sip_port: self.sip_port,
            trunk_port: self.trunk_port,
        };
        let to = self.run.join("conf/freeswitch.xml");
        fs::write(&to, conf.fill(&text)).with_context(|| format!("writing {}", to.display()))
    }

    /// Starts it, where it does not run, and waits until it takes calls.
    ///
    /// # Errors
    /// It does not start; the error holds the end of what it printed.
    pub fn boot(&mut self) -> Result<()> {
        self.starts += 1;
        let log = self.logs.join(format!("freeswitch-{}.out", self.starts));
        let mut server = Command::new(self.installation.prefix.join("bin/freeswitch"));
        // Neither a daemon nor a console, no search for routers, and no measuring of the clock: that is
        // repeated for half a minute where the machine is busy.
        server.args(["-nf", "-nc", "-nonat", "-nocal", "-np"]);
        for folder in FOLDERS {
            let path = self.run.join(folder);
            server.arg(format!("-{folder}")).arg(path);
        }
        server
            .env("LD_LIBRARY_PATH", self.run.join("so"))
            .envs(self.options.env.iter().map(|(name, value)| (name, value)))
            .current_dir("/");
        self.proc = Some(Proc::spawn("freeswitch", server, &log)?);
        let booted = wait_for("the start of FreeSWITCH", START, || {
            if !self.alive() {
                bail!("FreeSWITCH has ended");
            }
            Ok(self.is_up())
        });
        booted.with_context(|| format!("{}:\n{}", log.display(), self.tail()))
    }

    /// The event socket answers before the last module and the SIP profiles are up.
    fn is_up(&self) -> bool {
        let starts = self.log().matches("FreeSWITCH Started").count();
        starts >= usize::try_from(self.starts).unwrap_or(usize::MAX)
            && self
                .cli("sofia status")
                .is_ok_and(|said| said.matches("RUNNING").count() >= 2)
    }

    fn tail(&self) -> String {
        let printed = self.proc.as_ref().map(Proc::tail).unwrap_or_default();
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(25)..].join("\n");
        format!("{printed}\n{last}")
    }

    /// Runs a command of its console.
    ///
    /// # Errors
    /// It does not run, or the command does not exist or says -ERR.
    pub fn cli(&self, line: &str) -> Result<String> {
        let said = EventSocket::open(self.command_port, &self.password)?.api(line)?;
        if said.starts_with("-ERR") || said.starts_with("-USAGE") {
            bail!("{line}: {said}");
        }
        Ok(said)
    }

    /// Puts another module among its own.
    ///
    /// # Errors
    /// It can't be copied.
    pub fn install_module(&self, file: &Path) -> Result<()> {
        let name = file.file_name().context("a module's name")?;
        let to = self.run.join("mod").join(name);
        fs::copy(file, &to).with_context(|| format!("copying {}", file.display()))?;
        Ok(())
    }

    /// What a person types to run a command of its console.
    #[must_use]
    pub fn command_line(&self, line: &str) -> String {
        let client = self.installation.prefix.join("bin/fs_cli");
        let (port, password) = (self.command_port, &self.password);
        let client = client.display();
        format!("{client} -H 127.0.0.1 -P {port} -p {password} -x '{line}'")
    }

    /// Whether the process runs.
    pub fn alive(&mut self) -> bool {
        self.proc.as_mut().is_some_and(Proc::alive)
    }

    /// Its own log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.run.join("log/freeswitch.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

/// Folders that it is told about, by the names of its options.
const FOLDERS: [&str; 13] = [
    "conf",
    "log",
    "run",
    "db",
    "mod",
    "scripts",
    "temp",
    "htdocs",
    "grammar",
    "certs",
    "recordings",
    "storage",
    "sounds",
];

/// A password that nobody can guess: whoever has it may run any command.
fn password() -> Result<String> {
    let bytes = fs::read("/proc/sys/kernel/random/uuid").context("a random password")?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

impl Drop for FreeSwitch {
    fn drop(&mut self) {
        if let Some(proc) = self.proc.as_mut()
            && proc.alive()
        {
            let _ = proc.end(Signal::SIGTERM, END);
        }
        keep(
            &self.run.join("log/freeswitch.log"),
            &self.logs.join("freeswitch-full.log"),
        );
        keep(&self.run.join("conf"), &self.logs.join("freeswitch-conf"));
    }
}
