//! Where PostgreSQL's programs are.

use std::path::{Path, PathBuf};

use crate::private_pg::PrivatePgError;

const DEBIAN: &str = "/usr/lib/postgresql";
const OTHERS: &[&str] = &[
    "/usr/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/usr/pgsql/bin",
];

/// The folder of `initdb` and `pg_ctl`: the one configured, else that of `major` where the cluster
/// exists already, else the newest.
///
/// # Errors
/// [`PrivatePgError::NotInstalled`].
pub fn find(configured: Option<&Path>, major: Option<&str>) -> Result<PathBuf, PrivatePgError> {
    let complete = |dir: &Path| {
        ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|p| dir.join(p).is_file())
    };
    if let Some(dir) = configured {
        return if complete(dir) {
            Ok(dir.to_path_buf())
        } else {
            Err(PrivatePgError::NotInstalled(dir.display().to_string()))
        };
    }
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, dir)| complete(dir))
        .collect();
    versions.sort();
    if let Some(major) = major
        && let Some((_, dir)) = versions
            .iter()
            .find(|(version, _)| version.to_string() == major)
    {
        return Ok(dir.clone());
    }
    versions
        .pop()
        .map(|(_, dir)| dir)
        .or_else(|| OTHERS.iter().map(PathBuf::from).find(|dir| complete(dir)))
        .ok_or_else(|| {
            PrivatePgError::NotInstalled(format!("{DEBIAN}/*/bin, {}", OTHERS.join(", ")))
        })
}
