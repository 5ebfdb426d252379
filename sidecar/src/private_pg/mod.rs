//! A PostgreSQL cluster of our own, for those who name no database.
//!
//! It lives in the data folder, runs as an unprivileged user, listens on a Unix socket in its own
//! folder only, and lets in nobody but that user and root. It outlives a crash of the sidecar and
//! is found again; a clean exit stops it.

mod binaries;
mod cluster;

pub use binaries::find as find_binaries;
pub use cluster::{Cluster, ROLE, socket_dir};

use std::path::PathBuf;

/// What goes wrong with the private cluster.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePgError {
    /// No server is installed.
    #[error(
        "no PostgreSQL server is installed (looked in {0}). Install one with: apt install \
         postgresql; or set OUTDIAL_DATABASE_URL to a database that you run"
    )]
    NotInstalled(String),
    /// The cluster was made by another major version.
    #[error(
        "the private database in {data} was made by PostgreSQL {major}, which is not installed. \
         Install postgresql-{major}, or move the data with pg_upgrade"
    )]
    OtherMajor {
        /// Folder.
        data: PathBuf,
        /// Its version.
        major: String,
    },
    /// No user to run as.
    #[error(
        "PostgreSQL does not run as root, and there is no user {0:?}. Create one with: useradd \
         --system outdial; or name one with pg_user"
    )]
    NoUser(String),
    /// The path of the socket is too long for the kernel.
    #[error(
        "the data folder's path is too long for a Unix socket: {0} (107 bytes at most); choose a shorter data_dir"
    )]
    PathTooLong(PathBuf),
    /// A file or folder.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Reason.
        error: std::io::Error,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {output}{hint}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        output: String,
        /// What to look at.
        hint: String,
    },
}
