//! One sidecar for each set of sockets.

use std::path::{Path, PathBuf};

use outdial_link::lock_file::{self, LockFile};

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

/// Takes the lock of `run_dir`.
///
/// # Errors
/// See [`LockError`].
pub fn take(run_dir: &Path) -> Result<LockFile, LockError> {
    let path = run_dir.join("outdial.pid");
    LockFile::take(&path, 0o644).map_err(|error| match error {
        lock_file::LockError::Held { holder: pid } => LockError::Held {
            pid,
            dir: run_dir.to_path_buf(),
        },
        lock_file::LockError::Io(error) => LockError::File { path, error },
    })
}
