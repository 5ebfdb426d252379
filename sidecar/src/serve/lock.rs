//! One sidecar for each set of sockets.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another sidecar has it.
    #[error(
        "another sidecar (process {pid}) already serves {dir}; stop it first, or give this one another run_dir and node"
    )]
    Held {
        /// Its process id.
        pid: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The file.
    #[error("{path}: {error}; the folder must exist and be writable for this user")]
    File {
        /// Which.
        path: PathBuf,
        /// Reason.
        error: std::io::Error,
    },
}

/// Held as long as this lives; the kernel frees it when the process dies.
pub struct Lock {
    _file: Flock<File>,
}

/// Takes the lock of `run_dir`.
///
/// # Errors
/// See [`LockError`].
pub fn take(run_dir: &Path) -> Result<Lock, LockError> {
    let path = run_dir.join("outdial.pid");
    let io = |error| LockError::File {
        path: path.clone(),
        error,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(&path)
        .map_err(io)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut file) => {
            let pid = std::process::id();
            file.set_len(0).map_err(io)?;
            file.rewind().map_err(io)?;
            writeln!(file, "{pid}").map_err(io)?;
            Ok(Lock { _file: file })
        }
        Err((mut file, _)) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(io)?;
            Err(LockError::Held {
                pid: pid.trim().to_owned(),
                dir: run_dir.to_path_buf(),
            })
        }
    }
}
