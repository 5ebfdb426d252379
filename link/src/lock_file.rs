//! A lock file that names its holder. Both sides guard with one what two processes must not share.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Held as long as this lives; the kernel frees it when the process dies.
#[derive(Debug)]
pub struct LockFile {
    _file: Flock<File>,
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("process {holder} holds it")]
    Held {
        /// Its process id, or "unknown".
        holder: String,
    },
    /// The file can't be made or locked.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl LockFile {
    /// Takes the lock, or says who has it. Makes the file with these permission bits if missing.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn take(path: &Path, mode: u32) -> Result<LockFile, LockError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(mode)
            .open(path)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                name_holder(&mut file)?;
                Ok(LockFile { _file: file })
            }
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut holder = String::new();
                // Who it is helps; that it is somebody is known anyway.
                drop(file.read_to_string(&mut holder));
                let holder = match holder.trim() {
                    "" => "unknown".into(),
                    pid => pid.to_owned(),
                };
                Err(LockError::Held { holder })
            }
            Err((_, errno)) => Err(LockError::Io(errno.into())),
        }
    }
}

fn name_holder(file: &mut File) -> io::Result<()> {
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    match written {
        // Only the holder's name is lost on a full disk.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_was_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = LockFile::take(&path, 0o600).unwrap();
        let Err(LockError::Held { holder }) = LockFile::take(&path, 0o600) else {
            panic!("it was taken twice");
        };
        assert_eq!(holder, std::process::id().to_string());
        drop(first);
        drop(LockFile::take(&path, 0o600).unwrap());
    }
}
