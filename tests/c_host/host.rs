//! Builds the C host with AddressSanitizer against the shared library, and talks to it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::peer::PATIENCE;

/// The program, built once for all tests.
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_host");
    std::fs::create_dir_all(&out).unwrap();
    let deps = std::env::current_exe().unwrap();
    let library = deps.parent().unwrap().join("liboutdial.so");
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
        .args(["-fsanitize=address", "-fno-omit-frame-pointer"])
        .arg("-I")
        .arg(root.join("include"))
        .arg("-o")
        .arg(&program)
        .arg(root.join("tests/c_host/pbx.c"))
        .arg(root.join("tests/c_host/vtable.c"))
        .arg(root.join("tests/c_host/main.c"))
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

impl Host {
    pub fn start(mode: &str, socket: &Path, journal: &Path, more: &[&str]) -> Host {
        let mut child = Command::new(program())
            .args([mode, "pbx1"])
            .args([socket, journal])
            .args(more)
            .env("ASAN_OPTIONS", "detect_leaks=1:halt_on_error=1")
            .env_remove("RUST_BACKTRACE")
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
