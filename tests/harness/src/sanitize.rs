//! `OUTDIAL_SANITIZE=address`: Asterisk runs with a module that was built with AddressSanitizer and
//! UndefinedBehaviorSanitizer. What they find, leaks at Asterisk's end among it, fails the test.
//!
//! Asterisk has no frame pointers, so a leak's trace ends in its allocator:
//! `ASAN_OPTIONS=fast_unwind_on_malloc=0` follows it further, and makes Asterisk's start take minutes.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::run;
use crate::workspace::Workspace;

/// For compiler and linker.
const FLAGS: &str = "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined";
/// The runtimes, which come first of all that Asterisk loads.
const RUNTIMES: [&str; 2] = ["libasan.so", "libubsan.so"];
/// Reports are files of that name, with the process id behind it.
const REPORT: &str = "sanitizer";
/// The end of a process that found something.
const FOUND: i32 = 66;

/// Whether it was asked for.
///
/// # Errors
/// Something else was.
pub fn wanted() -> Result<bool> {
    match std::env::var("OUTDIAL_SANITIZE").as_deref() {
        Err(_) | Ok("") => Ok(false),
        Ok("address") => Ok(true),
        Ok(other) => bail!("OUTDIAL_SANITIZE={other}: only address is known"),
    }
}

/// Builds the module for it.
///
/// # Errors
/// It can't be built.
pub fn module(workspace: &Workspace) -> Result<PathBuf> {
    let flags = [format!("CFLAGS={FLAGS}"), format!("LDFLAGS={FLAGS}")];
    workspace.build_module(&workspace.module_folder("-address"), &flags)
}

/// The command that runs `asterisk` under it, with its reports in `log`; the same path in Asterisk's
/// root and outside of it. There `/proc` is mounted for this process alone: the sanitizers read it.
///
/// # Errors
/// Asterisk's root has no such runtimes.
pub fn asterisk(workspace: &Workspace, log: &Path) -> Result<Command> {
    let reports = format!("log_path={}:exitcode={FOUND}", log.join(REPORT).display());
    let more = std::env::var("ASAN_OPTIONS").unwrap_or_default();
    let root = &workspace.asterisk_root;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "slave", "sh", "-c"])
        .arg(
            "[ -e \"$0/proc/self\" ] || mount -t proc proc \"$0/proc\" && exec chroot \"$0\" env \"$@\"",
        )
        .arg(root)
        .arg(preload(root)?)
        .arg(format!(
            "ASAN_OPTIONS={reports}:detect_leaks=1:halt_on_error=1:{more}"
        ))
        .arg(format!(
            "UBSAN_OPTIONS={reports}:print_stacktrace=1:halt_on_error=1"
        ))
        .arg("/usr/sbin/asterisk");
    Ok(command)
}

fn preload(root: &Path) -> Result<OsString> {
    let multiarch = run(Command::new("cc").arg("-print-multiarch"))?;
    let folders = [format!("usr/lib/{}", multiarch.trim()), "usr/lib64".into()];
    let mut all = b"LD_PRELOAD=".to_vec();
    for name in RUNTIMES {
        // The number behind the name is the runtime's ABI; the module asks for this compiler's.
        let own = run(Command::new("cc").arg(format!("-print-file-name={name}")))?;
        let own = fs::canonicalize(own.trim()).with_context(|| format!("the compiler's {name}"))?;
        let own = own.file_name().unwrap_or_default().to_string_lossy();
        let soname: String = own.split('.').take(3).collect::<Vec<_>>().join(".");
        let place = folders
            .iter()
            .find(|dir| root.join(dir).join(&soname).exists());
        let Some(place) = place else {
            bail!(
                "{soname} is not in {}: install libasan and libubsan there",
                root.display()
            );
        };
        all.extend(format!("/{place}/{soname} ").bytes());
    }
    Ok(OsString::from_vec(all))
}

/// What was found in processes that have ended; empty where nothing was.
#[must_use]
pub fn reports(log: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(log).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(&format!("{REPORT}."))
        {
            let report = fs::read(entry.path()).unwrap_or_default();
            all.push_str(&String::from_utf8_lossy(&report));
        }
    }
    all
}
