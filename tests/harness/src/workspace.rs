//! Where things are: sources, what was built, Asterisk, a folder for each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};

use crate::process::run;

/// What was built, and where Asterisk is.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The sources.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Root of the file system that has Asterisk; `/` where this machine has it.
    pub asterisk_root: PathBuf,
    /// The major version of Asterisk that was asked for by `ASTERISK` in the environment; `None`:
    /// this machine's, or 22.
    pub asked: Option<u32>,
}

static READY: OnceLock<std::result::Result<Workspace, String>> = OnceLock::new();

impl Workspace {
    /// Builds what is stale (`make all`), once for each process. `OUTDIAL_PREBUILT=1` says that
    /// this was done.
    ///
    /// # Errors
    /// The build fails, or there is no Asterisk.
    pub fn ready() -> Result<Workspace> {
        READY
            .get_or_init(|| Workspace::make().map_err(|error| format!("{error:#}")))
            .clone()
            .map_err(|error| anyhow!(error))
    }

    fn make() -> Result<Workspace> {
        let root = sources()?;
        if std::env::var_os("OUTDIAL_PREBUILT").is_none() {
            build(&root, "all")?;
        }
        let workspace = Workspace::plain()?;
        for built in [workspace.library(), workspace.module(), workspace.binary()] {
            if !built.exists() {
                bail!("{} is missing: run make", built.display());
            }
        }
        Ok(workspace)
    }

    /// Without Asterisk: the library, the sidecar and the simulated PBX. Builds what is stale, as
    /// [`Workspace::ready`] does.
    ///
    /// # Errors
    /// The build fails.
    pub fn without_asterisk() -> Result<Workspace> {
        let root = sources()?;
        if std::env::var_os("OUTDIAL_PREBUILT").is_none() {
            build(&root, "library")?;
        }
        let workspace = Workspace {
            target: target(&root),
            root,
            asterisk_root: PathBuf::from("/"),
            asked: None,
        };
        for built in [workspace.library(), workspace.sim_pbx(), workspace.binary()] {
            if !built.exists() {
                bail!("{} is missing: run make", built.display());
            }
        }
        Ok(workspace)
    }

    /// Without what is built here: Asterisk and SIPp only.
    ///
    /// # Errors
    /// There is no Asterisk.
    pub fn plain() -> Result<Workspace> {
        let asked = match std::env::var("ASTERISK") {
            Ok(major) if !major.is_empty() => Some(major.parse().context("ASTERISK")?),
            Ok(_) | Err(_) => None,
        };
        Workspace::with(asked)
    }

    /// The same with the root of another version of Asterisk, which is made if need be.
    ///
    /// # Errors
    /// It can't be made.
    pub fn of_version(&self, major: u32) -> Result<Workspace> {
        let mut make = Command::new(self.root.join("scripts/asterisk-root"));
        run(make.arg(major.to_string()).env_remove("ASTERISK_ROOT"))?;
        Workspace::with(Some(major))
    }

    fn with(asked: Option<u32>) -> Result<Workspace> {
        let root = sources()?;
        let target = target(&root);
        let mut where_is = Command::new(root.join("scripts/asterisk-root"));
        where_is
            .arg("--print")
            .args(asked.map(|major| major.to_string()));
        let asterisk_root = PathBuf::from(run(&mut where_is)?.trim());
        if !asterisk_root.join("usr/sbin/asterisk").exists() {
            bail!(
                "there is no Asterisk in {}: run make setup",
                asterisk_root.display()
            );
        }
        if asterisk_root != Path::new("/") && !nix::unistd::geteuid().is_root() {
            bail!(
                "Asterisk runs in {}, and entering it needs root; or install Asterisk 22 and its \
                 headers on this machine",
                asterisk_root.display()
            );
        }
        Ok(Workspace {
            root,
            target,
            asterisk_root,
            asked,
        })
    }

    /// `liboutdial.so`.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.target.join("release/liboutdial.so")
    }

    /// The name that the module asks the loader for.
    #[must_use]
    pub fn soname(&self) -> String {
        format!("liboutdial.so.{}", env!("CARGO_PKG_VERSION"))
    }

    /// `res_outdial.so`.
    #[must_use]
    pub fn module(&self) -> PathBuf {
        self.module_folder("").join("res_outdial.so")
    }

    /// The folder that a module is built in; one of its own for each version and each purpose.
    #[must_use]
    pub fn module_folder(&self, purpose: &str) -> PathBuf {
        let version = self
            .asked
            .map_or_else(String::new, |major| format!("-{major}"));
        self.target
            .join(format!("asterisk-module{version}{purpose}"))
    }

    /// Builds a module in a folder of its own, against the library that was built, with more
    /// variables for its Makefile.
    ///
    /// # Errors
    /// It can't be built.
    pub fn build_module(&self, build: &Path, more: &[String]) -> Result<PathBuf> {
        let release = self.target.join("release");
        let mut make = Command::new("make");
        make.args(["-s", "-C", "asterisk-module"])
            .arg(format!("BUILD={}", build.display()))
            .arg(format!("OUTDIAL_LIB={}", release.display()))
            .arg(format!(
                "ASTERISK_INCLUDE={}",
                self.asterisk_include().display()
            ));
        if let Some(major) = self.asked {
            make.arg(format!("SYSROOT={}", self.asterisk_root.display()))
                .arg(format!("ASTERISK_MAJOR={major}"));
        }
        run(without_make(make.args(more).current_dir(&self.root)))?;
        Ok(build.join("res_outdial.so"))
    }

    /// `mod_outdial.so`.
    #[must_use]
    pub fn freeswitch_module(&self) -> PathBuf {
        self.target.join("freeswitch-mod/mod_outdial.so")
    }

    /// Builds it where it is stale, against the library that was built.
    ///
    /// # Errors
    /// It can't be built.
    pub fn build_freeswitch_module(&self) -> Result<()> {
        let build = self.target.join("freeswitch-mod");
        let mut make = Command::new("make");
        make.args(["-s", "-C", "freeswitch-mod"])
            .arg(format!("BUILD={}", build.display()))
            .arg(format!(
                "OUTDIAL_LIB={}",
                self.target.join("release").display()
            ));
        run(without_make(make.current_dir(&self.root))).map(drop)
    }

    /// `asterisk`, in its root.
    #[must_use]
    pub fn asterisk(&self) -> Command {
        if self.asterisk_root == Path::new("/") {
            return Command::new("asterisk");
        }
        let mut chroot = Command::new("chroot");
        chroot.arg(&self.asterisk_root).arg("/usr/sbin/asterisk");
        chroot
    }

    /// The major version of its Asterisk.
    ///
    /// # Errors
    /// It doesn't tell.
    pub fn asterisk_major(&self) -> Result<u32> {
        let said = run(self.asterisk().arg("-V"))?;
        said.strip_prefix("Asterisk ")
            .and_then(|version| version.split('.').next()?.parse().ok())
            .with_context(|| format!("no version in {said:?}"))
    }

    /// What `core show application` shows of the module.
    #[must_use]
    pub fn module_documentation(&self) -> PathBuf {
        self.target.join("asterisk-module/res_outdial-en_US.xml")
    }

    /// The `outdial` binary.
    #[must_use]
    pub fn binary(&self) -> PathBuf {
        self.target.join("release/outdial")
    }

    /// The `outdial-sim-pbx` binary.
    #[must_use]
    pub fn sim_pbx(&self) -> PathBuf {
        self.target.join("release/outdial-sim-pbx")
    }

    /// A file of `tests/`.
    #[must_use]
    pub fn tests(&self, path: &str) -> PathBuf {
        self.root.join("tests").join(path)
    }

    /// Folder of Asterisk's headers, without those of its root's C library.
    #[must_use]
    pub fn asterisk_include(&self) -> PathBuf {
        if self.asterisk_root == Path::new("/") {
            PathBuf::from("/usr/include")
        } else {
            self.asterisk_root.join("include")
        }
    }

    /// Where Asterisk keeps its modules, as seen from inside its root.
    ///
    /// # Errors
    /// There are none.
    pub fn module_dir(&self) -> Result<PathBuf> {
        let usr = self.asterisk_root.join("usr");
        let mut places = vec![usr.join("lib64"), usr.join("lib")];
        for entry in fs::read_dir(usr.join("lib"))
            .context("reading usr/lib")?
            .flatten()
        {
            places.push(entry.path());
        }
        let found = places
            .into_iter()
            .map(|place| place.join("asterisk/modules"))
            .find(|place| place.join("chan_pjsip.so").exists())
            .ok_or_else(|| anyhow!("no Asterisk modules in {}", usr.display()))?;
        let inside = found
            .strip_prefix(&self.asterisk_root)
            .context("a module folder")?;
        Ok(Path::new("/").join(inside))
    }

    /// A folder for logs that stay: `target/e2e/NAME`, emptied; `e2e-16` where version 16 was asked
    /// for.
    ///
    /// # Errors
    /// It can't be made.
    pub fn log_dir(&self, kind: &str, name: &str) -> Result<PathBuf> {
        let kind = match self.asked {
            Some(major) => format!("{kind}-{major}"),
            None => kind.into(),
        };
        let folder = self.target.join(kind).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("emptying {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(folder)
    }
}

fn build(root: &Path, what: &str) -> Result<()> {
    let mut make = Command::new("make");
    run(without_make(make.args(["-s", what]).current_dir(root))).map(|_| ())
}

/// Make's own variables would make this one a child of the make that runs the tests.
fn without_make(make: &mut Command) -> &mut Command {
    make.env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env_remove("MFLAGS")
}

fn sources() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .context("finding the sources")
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// A folder in `/tmp` that has the same path inside Asterisk's root and outside of it: sockets
/// have one name for both, and a short one. Removed when dropped.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    real: PathBuf,
}

impl RunDir {
    /// Makes it.
    ///
    /// # Errors
    /// It can't be made.
    pub fn new(workspace: &Workspace, name: &str) -> Result<RunDir> {
        let path = PathBuf::from(format!("/tmp/outdial-{name}-{}", std::process::id()));
        let inside = path.strip_prefix("/").context("a run folder")?;
        let real = workspace.asterisk_root.join(inside);
        for old in [&path, &real] {
            if fs::symlink_metadata(old).is_ok() {
                let removed = if old.is_symlink() {
                    fs::remove_file(old)
                } else {
                    fs::remove_dir_all(old)
                };
                removed.with_context(|| format!("removing {}", old.display()))?;
            }
        }
        fs::create_dir_all(&real).with_context(|| format!("making {}", real.display()))?;
        if real != path {
            std::os::unix::fs::symlink(&real, &path)
                .with_context(|| format!("linking {}", path.display()))?;
        }
        Ok(RunDir { path, real })
    }

    /// Its path, in both views.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.real != self.path {
            let _ = fs::remove_file(&self.path);
        }
        let _ = fs::remove_dir_all(&self.real);
    }
}

/// Copies a file or a folder's files; what is not there is passed over.
pub fn keep(from: &Path, to: &Path) {
    if from.is_dir() {
        let _ = fs::create_dir_all(to);
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            if entry.path().is_file() {
                let _ = fs::copy(entry.path(), to.join(entry.file_name()));
            }
        }
    } else if from.is_file() {
        let _ = fs::copy(from, to);
    }
}
