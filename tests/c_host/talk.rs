//! What hosts in C have in common: sanitizers, the library beside them, commands on stdin and answers
//! on stdout.
//!
//! `OUTDIAL_HOST_SANITIZER=thread`: with ThreadSanitizer and not AddressSanitizer, as
//! `scripts/thread-sanitizer` has it; `OUTDIAL_HOST_LIBRARY` names a library that was built for it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::peer::PATIENCE;

/// How the host ends when a sanitizer has found something.
pub const FOUND: i32 = 66;

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

/// Flags of the C compiler.
pub fn sanitizer_flags() -> [String; 2] {
    [
        format!("-fsanitize={}", sanitizer()),
        "-fno-omit-frame-pointer".into(),
    ]
}

fn sanitizer() -> &'static str {
    if is_threads() { "thread" } else { "address" }
}

/// A folder of that name, to build a host in, with the library by the names that it is looked for.
pub fn library_folder(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", sanitizer()));
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
    out
}

/// What the sanitizers are to do.
pub fn sanitize(command: &mut Command) {
    command
        .env(
            "ASAN_OPTIONS",
            format!("detect_leaks=1:halt_on_error=1:exitcode={FOUND}"),
        )
        .env(
            "TSAN_OPTIONS",
            format!("second_deadlock_stack=1:exitcode={FOUND}"),
        )
        .env_remove("RUST_BACKTRACE");
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
    pub fn of(mut command: Command) -> Host {
        let mut child = command
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

    /// Says something and returns code and output.
    pub fn say(&mut self, command: &str) -> (i32, String) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{command}").unwrap();
        self.answer()
    }

    /// Waits for the answer to what was said.
    pub fn answer(&mut self) -> (i32, String) {
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
