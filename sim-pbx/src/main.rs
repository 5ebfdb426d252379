//! `outdial-sim-pbx`: a PBX, carrier, callees and agents that are not there, in real time.
//!
//! One more host of `liboutdial.so`, as `asterisk-module` is one: it loads the library and uses its
//! C ABI, and nothing of engine, library or sidecar knows of it. Callees are those of `outdial-sim`,
//! so that there is one model of them.

mod abi;
mod call_log;
mod callee;
mod library;
mod limits;
mod options;
mod outcome;
mod pbx;
mod progress;
mod timer;
mod vtable;

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::call_log::CallLog;
use crate::library::{Engine, Library, Settings};
use crate::options::Options;
use crate::pbx::State;
use crate::progress::Progress;
use crate::timer::Timer;
use crate::vtable::{Host, Note};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("outdial-sim-pbx: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let (notes, heard) = sync_channel(limits::NOTES);
    let mut log = Log::open(options)?;
    watch_signals(notes.clone())?;
    let call_log = CallLog::open(options.call_log.as_deref())?;
    let host: &'static Host = Box::leak(Box::new(Host::new(State::new(options)?, notes)));
    let library = Library::load(&options.library())?;
    let version = library.version();
    let settings = Settings {
        node: c_text(options.node.as_bytes())?,
        socket: c_path(&options.socket)?,
        journal: c_path(&options.journal)?,
        pbx: c_text(format!("simulated PBX {}", env!("CARGO_PKG_VERSION")).as_bytes())?,
    };
    let engine = Arc::new(library.engine(&host.vtable(), &settings)?);
    engine.start()?;
    log.line(
        abi::LOG_INFO,
        &format!("simulated PBX, library {version}: calls reach nobody; test campaigns only"),
    );
    let over = Arc::new(AtomicBool::new(false));
    let timer = Timer::new(
        host,
        Arc::clone(&engine),
        call_log,
        options,
        Arc::clone(&over),
    );
    let timer = std::thread::Builder::new()
        .name("sim-timer".into())
        .spawn(move || timer.run())
        .context("starting the timer")?;
    let mut session = Running {
        options,
        host,
        engine,
        heard,
        log,
        progress: Progress::new(options.progress),
    };
    let ended = session.work();
    // After a fault nothing would move any more.
    let drained = match &ended {
        Ok(()) => session.drain(),
        Err(_) => Ok(()),
    };
    over.store(true, Ordering::Release);
    host.wake.notify_one();
    session.free(timer)?;
    ended.and(drained)
}

/// A signal can't be missed: the thread waits until there is room for it. The second one ends the
/// process even if nobody listens any more.
fn watch_signals(notes: SyncSender<Note>) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("catching signals")?;
    std::thread::Builder::new()
        .name("sim-signals".into())
        .spawn(move || {
            for _ in signals.forever() {
                // Nobody listens: the process is about to end.
                let _ = notes.send(Note::Signal);
            }
        })
        .context("starting the signal thread")?;
    Ok(())
}

struct Running<'a> {
    options: &'a Options,
    host: &'static Host,
    engine: Arc<Engine>,
    heard: Receiver<Note>,
    log: Log,
    progress: Progress,
}

impl Running<'_> {
    /// Until a signal comes, or the time is over.
    fn work(&mut self) -> Result<()> {
        let end = self
            .options
            .duration
            .map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
        loop {
            let mut wait = self.progress.next();
            if let Some(end) = end {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(());
                }
                wait = wait.min(left);
            }
            if self.listen(wait)? {
                return Ok(());
            }
            self.progress.show(self.host, &self.engine);
        }
    }

    /// Waits for a note; true: a signal.
    fn listen(&mut self, wait: Duration) -> Result<bool> {
        match self.heard.recv_timeout(wait) {
            Ok(Note::Log(level, text)) => {
                self.log.line(level, &text);
                Ok(false)
            }
            Ok(Note::Signal) => Ok(true),
            Ok(Note::Fault(text)) => bail!("{text}"),
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => Err(anyhow!("the host is gone")),
        }
    }

    /// No new calls; those that are up end by themselves or are hung up.
    fn drain(&mut self) -> Result<()> {
        self.progress.end(self.host, &self.engine);
        self.log.line(
            abi::LOG_INFO,
            "draining: no new calls; a second signal ends it at once",
        );
        self.host.state().draining = true;
        if let Err(error) = self.engine.drain() {
            self.log.line(abi::LOG_WARN, &format!("{error:#}"));
        }
        let end = Instant::now() + Duration::from_secs_f64(self.options.drain_seconds);
        while Instant::now() < end && !self.is_empty() {
            self.listen_or_exit()?;
        }
        self.host.state().end_all();
        self.host.wake.notify_one();
        let end = Instant::now() + limits::FORCED;
        while !self.is_empty() {
            if Instant::now() >= end {
                bail!("calls or log-ins are left that can't be ended");
            }
            self.listen_or_exit()?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        let (legs, sessions, _) = self.host.state().figures();
        let stats = self.engine.stats();
        legs == 0 && sessions == 0 && stats.live_attempts == 0 && stats.sessions == 0
    }

    fn listen_or_exit(&mut self) -> Result<()> {
        if self.listen(limits::DRAIN_LOOK)? {
            let sealed = self.engine.seal();
            self.log
                .line(abi::LOG_WARN, "ended at once; calls count as lost");
            if let Err(error) = sealed {
                self.log.line(abi::LOG_ERROR, &format!("{error:#}"));
            }
            std::process::exit(1);
        }
        Ok(())
    }

    /// Ends the engine's threads and the timer, and frees the engine.
    fn free(mut self, timer: JoinHandle<()>) -> Result<()> {
        let stopped = self.engine.stop(limits::STOP_MS);
        if timer.join().is_err() {
            bail!("the timer ended in a panic");
        }
        while let Ok(note) = self.heard.try_recv() {
            if let Note::Log(level, text) = note {
                self.log.line(level, &text);
            }
        }
        stopped?;
        let engine = Arc::into_inner(self.engine).context("the engine is still in use")?;
        engine.free();
        self.log.line(abi::LOG_INFO, "ended");
        Ok(())
    }
}

/// Where the log goes.
struct Log {
    file: Option<File>,
    level: u32,
}

impl Log {
    fn open(options: &Options) -> Result<Log> {
        let open = |path: &Path| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .with_context(|| format!("opening {}", path.display()))
        };
        Ok(Log {
            file: options.log.as_deref().map(open).transpose()?,
            level: options.log_level,
        })
    }

    fn line(&mut self, level: u32, text: &str) {
        if level < self.level {
            return;
        }
        let name = match level {
            abi::LOG_ERROR.. => "error",
            abi::LOG_WARN.. => "warn",
            abi::LOG_INFO.. => "info",
            0..abi::LOG_INFO => "debug",
        };
        // A log that can't be written ends nothing.
        let _ = match &mut self.file {
            Some(file) => writeln!(file, "{name}: {text}"),
            None => writeln!(std::io::stderr(), "{name}: {text}"),
        };
    }
}

fn c_text(text: &[u8]) -> Result<CString> {
    CString::new(text).context("a zero byte in a setting")
}

fn c_path(path: &Path) -> Result<CString> {
    let path = std::path::absolute(path).with_context(|| format!("{}", path.display()))?;
    c_text(path.as_os_str().as_bytes())
}
