//! Builds the C host with a sanitizer against the shared library, and talks to it.
//!
//! `OUTDIAL_HOST_SANITIZER=thread`: with ThreadSanitizer and not AddressSanitizer, as
//! `scripts/thread-sanitizer` has it; `OUTDIAL_HOST_LIBRARY` names a library that was built for it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::peer::PATIENCE;

const SOURCES: [&str; 5] = ["pbx.c", "vtable.c", "crowd.c", "bad.c", "main.c"];
/// How the host ends when a sanitizer has found something.
pub const FOUND: i32 = 66;

/// The program, built once for all tests.
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// The host runs under ThreadSanitizer.
pub fn is_threads() -> bool {
    std::env::var("OUTDIAL_HOST_SANITIZER").is_ok_and(|name| name == "thread")
}

/// The library that belongs to it.
fn library() -> PathBuf {
    if let Some(library) = std::env::var_os("OUTDIAL_HOST_LIBRARY") {
        return PathBuf::from(library);
    }
    assert!(!is_threads(), "OUTDIAL_HOST_LIBRARY is not set");
    let deps = std::env::current_exe().unwrap();
    deps.parent().unwrap().join("liboutdial.so")
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sanitizer = if is_threads() { "thread" } else { "address" };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c_host-{sanitizer}"));
    std::fs::create_dir_all(&out).unwrap();
    let library = library();
    assert!(library.exists(), "{} is not built", library.display());
    for name in [
        "liboutdial.so".to_owned(),
        format!("liboutdial.so.{}", env!("CARGO_PKG_VERSION")),
    ] {
        let link = out.join(name);
        drop(std::fs::remove_file(&link));
        symlink(&library, &link).unwrap();
    }
    let program = out.join("c_host");
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"])
        .arg(format!("-fsanitize={sanitizer}"))
        .arg("-fno-omit-frame-pointer")
        .arg("-I")
        .arg(root.join("include"))
        .arg("-o")
        .arg(&program)
        .args(SOURCES.map(|name| root.join("tests/c_host").join(name)))
        .args(is_threads().then(|| root.join("tests/c_host/tsan.c")))
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

/// A running host.
pub struct Host {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// What it printed that was no answer to a command: log lines and faults.
    pub log: Vec<String>,
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program with its arguments and what the sanitizers are to do.
pub fn command(mode: &str, socket: &Path, journal: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args([mode, "pbx1"])
        .args([socket, journal])
        .args(more)
        .env(
            "ASAN_OPTIONS",
            format!("detect_leaks=1:halt_on_error=1:exitcode={FOUND}"),
        )
        .env(
            "TSAN_OPTIONS",
            format!("second_deadlock_stack=1:exitcode={FOUND}"),
        )
        .env_remove("RUST_BACKTRACE");
    command
}

impl Host {
    pub fn start(mode: &str, socket: &Path, journal: &Path, more: &[&str]) -> Host {
        let mut child = command(mode, socket, journal, more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().unwrap();
        let (tx, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if tx.send(line).is_err() {
                    return;
                }
            }
        });
        Host {
            child,
            stdin,
            lines,
            log: Vec::new(),
        }
    }

    /// Starts in mode `run` and waits until the engine runs.
    pub fn run(socket: &Path, journal: &Path, more: &[&str]) -> Host {
        let mut host = Host::start("run", socket, journal, more);
        assert_eq!(host.answer().0, 0);
        host
    }

    /// Says something and returns code and output.
    pub fn say(&mut self, command: &str) -> (i32, String) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{command}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> (i32, String) {
        let mut output = String::new();
        loop {
            let line = match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("the host does not answer"),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the host ended: {:?}\n{:#?}", self.child.wait(), self.log)
                }
            };
            if let Some(code) = line.strip_prefix("done ") {
                return (code.parse().unwrap(), output);
            } else if let Some(text) = line.strip_prefix("out ") {
                output.push_str(text);
                output.push('\n');
            } else {
                self.log.push(line);
            }
        }
    }

    /// Ends as a process does whose power is cut.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub fn finish(mut self) -> (ExitStatus, Vec<String>) {
        drop(self.stdin.take());
        let mut log = std::mem::take(&mut self.log);
        log.extend(self.lines.iter());
        (self.child.wait().unwrap(), log)
    }
}
