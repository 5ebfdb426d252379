//! Builds the C host with a sanitizer against the shared library.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::talk::{self, Host};

const SOURCES: [&str; 5] = ["pbx.c", "vtable.c", "crowd.c", "bad.c", "main.c"];

/// The program, built once for all tests.
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = talk::library_folder("c_host");
    let program = out.join("c_host");
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"])
        .args(talk::sanitizer_flags())
        .arg("-I")
        .arg(root.join("include"))
        .arg("-o")
        .arg(&program)
        .args(SOURCES.map(|name| root.join("tests/c_host").join(name)))
        .args(talk::is_threads().then(|| root.join("tests/c_host/tsan.c")))
        .arg("-L")
        .arg(&out)
        .arg(format!("-Wl,-rpath,{}", out.display()))
        .args(["-loutdial", "-lpthread"]);
    let built = cc.output().expect("a C compiler, as cc");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    program
}

/// The program with its arguments.
pub fn command(mode: &str, socket: &Path, journal: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args([mode, "pbx1"])
        .args([socket, journal])
        .args(more);
    talk::sanitize(&mut command);
    command
}

impl Host {
    pub fn start(mode: &str, socket: &Path, journal: &Path, more: &[&str]) -> Host {
        Host::of(command(mode, socket, journal, more))
    }

    /// Starts in mode `run` and waits until the engine runs.
    pub fn run(socket: &Path, journal: &Path, more: &[&str]) -> Host {
        let mut host = Host::start("run", socket, journal, more);
        assert_eq!(host.answer().0, 0);
        host
    }
}
