//! An Asterisk of its own: configuration, modules and folders of one run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::pbx::PbxOptions;
use crate::process::{Proc, rss_kb};
use crate::sanitize;
use crate::wait::{wait_for, wait_until};
use crate::workspace::{Workspace, keep};

/// How long Asterisk may take to start.
const START: Duration = Duration::from_secs(30);

/// The same under a sanitizer.
const SLOW_START: Duration = Duration::from_secs(300);
/// How long it may take to end when it is told to end now; the search for leaks is in it.
const END: Duration = Duration::from_secs(20);

/// A running Asterisk.
pub struct Asterisk {
    workspace: Workspace,
    run: PathBuf,
    logs: PathBuf,
    /// Where SIP comes in.
    pub sip_port: u16,
    options: PbxOptions,
    proc: Option<Proc>,
    starts: u32,
}

impl Asterisk {
    /// Makes configuration and folders below `run` and starts it; its logs are copied to `logs`
    /// in the end.
    ///
    /// # Errors
    /// Something can't be written, or Asterisk does not start.
    pub fn start(
        workspace: &Workspace,
        run: &Path,
        logs: &Path,
        options: PbxOptions,
    ) -> Result<Asterisk> {
        let mut asterisk = Asterisk {
            workspace: workspace.clone(),
            run: run.join("asterisk"),
            logs: logs.to_path_buf(),
            sip_port: crate::ports::free()?,
            options,
            proc: None,
            starts: 0,
        };
        asterisk.lay_out()?;
        asterisk.boot()?;
        Ok(asterisk)
    }

    fn lay_out(&self) -> Result<()> {
        for folder in ["etc", "modules", "lib", "spool", "run", "log", "so"] {
            let path = self.run.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        }
        self.write_config()?;
        let inside = self.workspace.module_dir()?;
        let outside = self.outside(&inside);
        for entry in fs::read_dir(&outside).context("reading Asterisk's modules")? {
            let name = entry.context("reading Asterisk's modules")?.file_name();
            symlink(inside.join(&name), self.run.join("modules").join(&name))
                .with_context(|| format!("linking {}", name.display()))?;
        }
        self.lay_out_data()?;
        if !self.options.load_outdial {
            return Ok(());
        }
        let module = if sanitize::wanted()? {
            sanitize::module(&self.workspace)?
        } else {
            self.workspace.module()
        };
        self.install_module(&module)?;
        let library = self.run.join("so").join(self.workspace.soname());
        fs::copy(self.workspace.library(), &library)
            .with_context(|| format!("copying {}", library.display()))?;
        Ok(())
    }

    /// Asterisk's own sounds and documentation, and the module's documentation beside it.
    fn lay_out_data(&self) -> Result<()> {
        let inside = Path::new("/usr/share/asterisk");
        let data = self.run.join("data");
        let docs = data.join("documentation/thirdparty");
        fs::create_dir_all(&docs).with_context(|| format!("making {}", docs.display()))?;
        for folder in ["", "documentation"] {
            let from = inside.join(folder);
            for entry in fs::read_dir(self.outside(&from)).context("reading Asterisk's data")? {
                let name = entry.context("reading Asterisk's data")?.file_name();
                let to = data.join(folder).join(&name);
                if !to.exists() {
                    symlink(from.join(&name), &to)
                        .with_context(|| format!("linking {}", name.display()))?;
                }
            }
        }
        let built = self.workspace.module_documentation();
        if self.options.load_outdial {
            fs::copy(&built, docs.join("res_outdial-en_US.xml"))
                .with_context(|| format!("copying {}", built.display()))?;
        }
        Ok(())
    }

    /// A path of Asterisk's as this process sees it.
    fn outside(&self, path: &Path) -> PathBuf {
        self.workspace
            .asterisk_root
            .join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Puts a module beside the others, as `res_outdial.so`.
    ///
    /// # Errors
    /// It can't be copied.
    pub fn install_module(&self, module: &Path) -> Result<()> {
        let name = module.file_name().unwrap_or_default();
        let to = self.run.join("modules").join(name);
        let fresh = to.with_extension("new");
        fs::copy(module, &fresh).with_context(|| format!("copying {}", module.display()))?;
        fs::rename(&fresh, &to).with_context(|| format!("renaming to {}", to.display()))
    }

    /// Before 16.30, 18.16 and 20.1 Asterisk keeps a module that has declined, whatever is put in its
    /// place: version 16 is started anew, without it. The configuration is written anew.
    ///
    /// # Errors
    /// It does not stop, or not start again.
    pub fn forget_declined(&mut self) -> Result<()> {
        if self.workspace.asterisk_major()? > 16 {
            return Ok(());
        }
        self.options.load_outdial = false;
        self.write_config()?;
        self.stop_gracefully(START)?;
        self.boot()?;
        self.options.load_outdial = true;
        self.write_config()
    }

    /// Writes the configuration anew, with the options as they are now.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write_config(&self) -> Result<()> {
        let options = &self.options;
        let mut load = options.load.clone();
        if options.load_outdial {
            load.push("res_outdial.so".into());
        }
        let load: String = load.iter().map(|name| format!("load = {name}\n")).collect();
        let carrier2 = options.carrier2_port.unwrap_or(options.carrier_port);
        let fill = [
            ("@RUN@", self.run.display().to_string()),
            ("@SIP_PORT@", self.sip_port.to_string()),
            ("@CARRIER_PORT@", options.carrier_port.to_string()),
            ("@CARRIER2_PORT@", carrier2.to_string()),
            ("@RTP_START@", "10000".into()),
            ("@RTP_END@", "18999".into()),
            ("@LOAD@", load),
        ];
        let templates = self.workspace.tests("asterisk/etc");
        for entry in fs::read_dir(&templates).context("reading the templates")? {
            let entry = entry.context("reading the templates")?;
            let mut text = fs::read_to_string(entry.path())
                .with_context(|| format!("reading {}", entry.path().display()))?;
            for (name, value) in &fill {
                text = text.replace(name, value);
            }
            if entry.file_name() == "extensions.conf" {
                text.push_str(&options.dialplan);
            }
            self.write_etc(&entry.file_name().to_string_lossy(), &text)?;
        }
        self.write_etc("outdial.conf", &format!("[general]\n{}", self.settings()))
    }

    /// The module's settings as the options have them.
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

    /// Writes one file of the configuration.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write_etc(&self, name: &str, text: &str) -> Result<()> {
        let path = self.run.join("etc").join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// The options; a change counts from the next [`Asterisk::write_config`].
    pub fn options(&mut self) -> &mut PbxOptions {
        &mut self.options
    }

    /// Its folder.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        &self.run
    }

    /// `asterisk ARGS`, in its root.
    fn command(&self, args: &[&str]) -> Command {
        self.with_args(self.workspace.asterisk(), args)
    }

    fn with_args(&self, mut command: Command, args: &[&str]) -> Command {
        command
            .args([
                "-C",
                &self.run.join("etc/asterisk.conf").display().to_string(),
            ])
            .args(args)
            .env("LD_LIBRARY_PATH", self.run.join("so"))
            .env("HOME", "/tmp")
            .envs(self.options.env.iter().map(|(name, value)| (name, value)))
            .current_dir("/");
        command
    }

    /// Starts it, where it does not run, and waits until it takes calls.
    ///
    /// # Errors
    /// It does not start; the error holds the end of what it printed.
    pub fn boot(&mut self) -> Result<()> {
        self.starts += 1;
        let log = self.logs.join(format!("asterisk-{}.out", self.starts));
        let server = if sanitize::wanted()? {
            sanitize::asterisk(&self.workspace, &self.run.join("log"))?
        } else {
            self.workspace.asterisk()
        };
        let server = self.with_args(server, &["-f"]);
        self.proc = Some(Proc::spawn("asterisk", server, &log)?);
        let limit = if sanitize::wanted()? {
            SLOW_START
        } else {
            START
        };
        let booted = wait_for("the start of Asterisk", limit, || {
            if !self.alive() {
                bail!("Asterisk has ended");
            }
            Ok(self
                .cli("core waitfullybooted")
                .is_ok_and(|said| said.contains("fully booted")))
        });
        booted.with_context(|| {
            let tail = self.proc.as_ref().map(Proc::tail).unwrap_or_default();
            format!("{}:\n{tail}", log.display())
        })
    }

    /// Runs a command of its console.
    ///
    /// # Errors
    /// Asterisk does not run.
    pub fn cli(&self, line: &str) -> Result<String> {
        let mut command = self.command(&["-rx", line]);
        let output = command.output().context("starting the console")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("{line}: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(text)
    }

    /// The value of a global variable of the dialplan, once it is there.
    ///
    /// # Errors
    /// It is not there within `limit`.
    pub fn global(&self, name: &str, limit: Duration) -> Result<String> {
        let start = format!("{name}=");
        let mut found = String::new();
        wait_for(&format!("global variable {name}"), limit, || {
            let all = self.cli("dialplan show globals")?;
            let line = all.lines().find_map(|l| l.trim().strip_prefix(&start));
            found = line.unwrap_or_default().to_owned();
            Ok(line.is_some())
        })?;
        Ok(found)
    }

    /// Whether the process runs.
    pub fn alive(&mut self) -> bool {
        self.proc.as_mut().is_some_and(Proc::alive)
    }

    /// Process id.
    ///
    /// # Errors
    /// It was never started.
    pub fn pid(&self) -> Result<u32> {
        self.proc
            .as_ref()
            .map(Proc::pid)
            .context("Asterisk was not started")
    }

    /// The process.
    ///
    /// # Errors
    /// It was never started.
    pub fn process(&mut self) -> Result<&mut Proc> {
        self.proc.as_mut().context("Asterisk was not started")
    }

    /// Resident memory in kB.
    ///
    /// # Errors
    /// It does not run.
    pub fn rss_kb(&self) -> Result<u64> {
        rss_kb(self.pid()?)
    }

    /// Channels live.
    ///
    /// # Errors
    /// It does not answer.
    pub fn channels(&self) -> Result<usize> {
        let said = self.cli("core show channels count")?;
        said.lines()
            .find_map(|line| {
                line.trim()
                    .strip_suffix(" active channels")
                    .or(line.trim().strip_suffix(" active channel"))
            })
            .and_then(|n| n.trim().parse().ok())
            .with_context(|| format!("counting channels: {said}"))
    }

    /// kill -9.
    ///
    /// # Errors
    /// It does not go.
    pub fn kill9(&mut self) -> Result<()> {
        self.process()?.kill9()
    }

    /// `core stop gracefully`, and waits for the end.
    ///
    /// # Errors
    /// It does not end in time.
    pub fn stop_gracefully(&mut self, limit: Duration) -> Result<()> {
        // The console's connection may be cut by the end that it asks for.
        let _ = self.cli("core stop gracefully");
        self.process()?.wait(limit).map(|_| ())
    }

    /// Its own log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.run.join("log/full"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits until its log holds a text.
    ///
    /// # Errors
    /// It does not come.
    pub fn wait_log(&self, text: &str, limit: Duration) -> Result<()> {
        let what = format!("{text:?} in Asterisk's log");
        wait_until(&what, limit, || Ok(self.log().contains(text).then_some(())))
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        if let Some(proc) = self.proc.as_mut()
            && proc.alive()
        {
            let _ = self.command(&["-rx", "core stop now"]).output();
            if let Some(proc) = self.proc.as_mut() {
                let _ = proc.wait(END);
                let _ = proc.end(Signal::SIGKILL, Duration::from_secs(5));
            }
        }
        let found = sanitize::reports(&self.run.join("log"));
        keep(
            &self.run.join("log/full"),
            &self.logs.join("asterisk-full.log"),
        );
        keep(&self.run.join("etc"), &self.logs.join("asterisk-etc"));
        assert!(found.is_empty() || std::thread::panicking(), "{found}");
        eprint!("{found}");
    }
}
