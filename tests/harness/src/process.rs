//! Child processes that never outlive their owner.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::wait::wait_until;

/// A running process. Dropping it ends it.
pub struct Proc {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    log: PathBuf,
}

impl Proc {
    /// Starts `command` in a process group of its own, with what it prints going to `log`.
    ///
    /// # Errors
    /// The log can't be written, or the program can't be started.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Proc> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone().context("sharing the log")?)
            .stderr(out)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("starting {name}: {command:?}"))?;
        reaper_tell("+", &child.id().to_string());
        Ok(Proc {
            name: name.to_owned(),
            child,
            ended: None,
            log: log.to_path_buf(),
        })
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it prints to.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        self.poll().is_none()
    }

    /// How it ended, if it has.
    pub fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            reaper_tell("-", &self.pid().to_string());
            self.ended = Some(status);
        }
        self.ended
    }

    /// Sends a signal; nothing happens when it has ended.
    ///
    /// # Errors
    /// It can't be signalled.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.poll().is_some() {
            return Ok(());
        }
        let pid = i32::try_from(self.pid()).context("a process id")?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("{signal} to {}", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end in time.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {} (log: {})", self.name, self.log.display());
        wait_until(&what, limit, || Ok(self.poll()))
    }

    /// kill -9, and waits until it is gone.
    ///
    /// # Errors
    /// It does not go.
    pub fn kill9(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.wait(Duration::from_secs(10)).map(|_| ())
    }

    /// Asks it to end; kills it where it does not within `limit`.
    ///
    /// # Errors
    /// It does not go even so.
    pub fn end(&mut self, signal: Signal, limit: Duration) -> Result<()> {
        self.signal(signal)?;
        if self.wait(limit).is_err() {
            self.kill9()?;
        }
        Ok(())
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read(&self.log)
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    }

    /// The end of what it has printed.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.output();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        if self.kill9().is_err() {
            eprintln!("{} (process {}) does not end", self.name, self.pid());
        }
    }
}

/// Runs a program to its end and gives what it printed.
///
/// # Errors
/// It can't be started, or fails: then the error holds what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(out);
    }
    let err = String::from_utf8_lossy(&output.stderr);
    Err(anyhow!(
        "{command:?} failed ({}):\n{out}{err}",
        output.status
    ))
}

/// Resident memory of a process, in kB.
///
/// # Errors
/// There is no such process.
pub fn rss_kb(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid}"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kb| kb.parse().ok())
        .ok_or_else(|| anyhow!("no VmRSS of process {pid}"))
}

/// CPU time that a process has used, user and system, in seconds.
///
/// # Errors
/// There is no such process.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    stat_cpu(&format!("/proc/{pid}/stat"))
}

fn stat_cpu(path: &str) -> Result<f64> {
    let stat = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let rest = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest)
        .unwrap_or_default();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |n: usize| {
        fields
            .get(n)
            .and_then(|v| v.parse::<u32>().ok())
            .unwrap_or_default()
    };
    // utime and stime are fields 14 and 15, counted from the process id; 100 ticks a second.
    Ok(f64::from(field(11) + field(12)) / 100.0)
}

/// Threads held still, as if the machine never gave them the processor. Dropping it lets them go.
pub struct Frozen {
    threads: Vec<Pid>,
}

impl Frozen {
    /// Holds these threads. What it starts must end on the same thread: tracing belongs to one.
    ///
    /// # Errors
    /// Tracing is not allowed.
    pub fn hold(threads: &[Pid]) -> Result<Frozen> {
        let mut frozen = Frozen {
            threads: Vec::new(),
        };
        for thread in threads {
            ptrace::seize(*thread, ptrace::Options::empty())
                .with_context(|| format!("tracing thread {thread}"))?;
            frozen.threads.push(*thread);
            ptrace::interrupt(*thread).with_context(|| format!("stopping thread {thread}"))?;
            waitpid(*thread, Some(WaitPidFlag::__WALL))
                .with_context(|| format!("waiting for thread {thread}"))?;
        }
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for thread in &self.threads {
            // It may have been killed meanwhile.
            let _ = ptrace::detach(*thread, None);
        }
    }
}

/// Threads of a process, with their names.
///
/// # Errors
/// There is no such process.
pub fn named_threads(pid: u32) -> Result<Vec<(Pid, String)>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("process {pid}"))?
    {
        let entry = entry.context("reading threads")?;
        // A thread may end while we look.
        let Ok(name) = fs::read_to_string(entry.path().join("comm")) else {
            continue;
        };
        let Ok(thread) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        found.push((Pid::from_raw(thread), name.trim().to_owned()));
    }
    Ok(found)
}

/// CPU time of a process's living threads, in seconds, by the threads' name.
///
/// # Errors
/// There is no such process.
pub fn cpu_by_thread(pid: u32) -> Result<BTreeMap<String, f64>> {
    let mut sums = BTreeMap::new();
    for (thread, name) in named_threads(pid)? {
        // A thread may end while we look.
        let path = format!("/proc/{pid}/task/{thread}/schedstat");
        let nanoseconds = fs::read_to_string(path)
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        *sums.entry(name).or_default() += nanoseconds.unwrap_or_default() / 1e9;
    }
    Ok(sums)
}

/// Process ids of a process and of its descendants.
///
/// # Errors
/// /proc can't be read.
pub fn family(pid: Pid) -> Result<Vec<Pid>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("reading /proc")?.flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let parent: Option<i32> = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let (Some(parent), Ok(child)) = (parent, entry.file_name().to_string_lossy().parse()) {
            parents.insert(Pid::from_raw(child), Pid::from_raw(parent));
        }
    }
    let mut all = vec![pid];
    let mut looked = 0;
    while let Some(parent) = all.get(looked).copied() {
        looked += 1;
        let children = parents.iter().filter(|(_, p)| **p == parent);
        all.extend(children.map(|(child, _)| *child));
    }
    Ok(all)
}

/// Lets a process, with all its threads, run on these CPUs only ("0", "1-3"). One that has ended
/// is no error.
///
/// # Errors
/// There is no such CPU.
pub fn pin(pid: Pid, cpus: &str) -> Result<()> {
    let pinned = run(Command::new("taskset").args(["-acp", cpus, &pid.to_string()]));
    if pinned.is_err() && !Path::new(&format!("/proc/{pid}")).exists() {
        return Ok(());
    }
    pinned.map(drop)
}

/// Threads of a process.
///
/// # Errors
/// There is no such process.
pub fn threads(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count())
}

/// Ends the process whose id is in the first line of `file` should this process die.
pub fn reap_pid_file(file: &Path) {
    reaper_tell("f", &file.display().to_string());
}

// Drop does not run when a test runner is killed; a shell that waits for the end of its input
// then ends what is left.
static REAPER: Mutex<Option<ChildStdin>> = Mutex::new(None);

const REAPER_SCRIPT: &str = r#"
pids=; files=
while read -r op what; do
    case $op in
        +) pids="$pids $what" ;;
        -) left=; for p in $pids; do [ "$p" = "$what" ] || left="$left $p"; done; pids=$left ;;
        f) files="$files $what" ;;
    esac
done
for p in $pids; do kill -9 "$p" 2>/dev/null; done
for f in $files; do [ -f "$f" ] && read -r p <"$f" && kill -QUIT "$p" 2>/dev/null; done
"#;

fn reaper_tell(op: &str, what: &str) {
    let Ok(mut reaper) = REAPER.lock() else {
        return;
    };
    if reaper.is_none() {
        let shell = Command::new("/bin/sh")
            .args(["-c", REAPER_SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        *reaper = shell.ok().and_then(|mut shell| shell.stdin.take());
    }
    if let Some(pipe) = reaper.as_mut() {
        // Without it, only the clean-up after a kill of this process is lost.
        let _ = writeln!(pipe, "{op} {what}");
    }
}

/// Appends to a file, making it first.
///
/// # Errors
/// It can't be written.
pub fn append(path: &Path, text: &str) -> Result<()> {
    let mut file: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("writing {}", path.display()))
}
