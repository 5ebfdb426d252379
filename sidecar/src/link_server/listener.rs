//! Accepts modules on the Unix socket.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::limits;
use crate::link_server::connection::{Context, serve};

/// What goes wrong with a socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// It can't be made.
    #[error("can't listen on {path}: {error}; the folder must exist and be writable for this user")]
    Bind {
        /// Socket.
        path: PathBuf,
        /// Reason.
        error: std::io::Error,
    },
    /// The group does not exist.
    #[error("there is no group {0:?} (setting socket_group); create it with: groupadd {0}")]
    NoGroup(String),
    /// Its mode or group can't be set.
    #[error("can't set mode and group of {path}: {error}")]
    Mode {
        /// Socket.
        path: PathBuf,
        /// Reason.
        error: std::io::Error,
    },
}

/// Listens at `path` with mode 0660 and the group; what an earlier process left there is removed.
///
/// # Errors
/// See [`SocketError`].
pub fn bind(path: &Path, group: Option<&str>) -> Result<UnixListener, SocketError> {
    let bind = |error| SocketError::Bind {
        path: path.to_path_buf(),
        error,
    };
    let mode = |error| SocketError::Mode {
        path: path.to_path_buf(),
        error,
    };
    let gid = group.map(group_id).transpose()?;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(bind(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(bind)?;
    // Nobody can use the socket before its group is set.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(mode)?;
    if let Some(gid) = gid {
        std::os::unix::fs::chown(path, None, Some(gid)).map_err(mode)?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(mode)?;
    Ok(listener)
}

/// The id of a group.
///
/// # Errors
/// [`SocketError::NoGroup`].
pub fn group_id(name: &str) -> Result<u32, SocketError> {
    match nix::unistd::Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) | Err(_) => Err(SocketError::NoGroup(name.to_owned())),
    }
}

/// Whether the process at the other end is root, our own user, or in the socket's group.
pub fn may_connect(stream: &UnixStream, group: Option<u32>) -> bool {
    let Ok(peer) = stream.peer_cred() else {
        return false;
    };
    let own = nix::unistd::geteuid().as_raw();
    if peer.uid() == 0 || peer.uid() == own {
        return true;
    }
    let Some(group) = group else { return false };
    peer.gid() == group || in_group(peer.uid(), peer.gid(), group)
}

fn in_group(uid: u32, gid: u32, group: u32) -> bool {
    let Ok(Some(user)) = nix::unistd::User::from_uid(uid.into()) else {
        return false;
    };
    let Ok(name) = std::ffi::CString::new(user.name) else {
        return false;
    };
    nix::unistd::getgrouplist(&name, gid.into())
        .is_ok_and(|groups| groups.iter().any(|g| g.as_raw() == group))
}

/// Accepts until the process ends.
pub async fn accept(listener: UnixListener, group: Option<u32>, context: Arc<Context>) {
    let slots = Arc::new(Semaphore::new(limits::LINK_CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) if may_connect(&stream, group) => {
                let context = Arc::clone(&context);
                tokio::spawn(async move {
                    serve(stream, &context).await;
                    drop(slot);
                });
            }
            Ok((stream, _)) => {
                let uid = stream.peer_cred().map_or(-1, |peer| i64::from(peer.uid()));
                tracing::warn!(
                    uid,
                    "refused a connection on the link: not root, not our user, not in the group"
                );
            }
            Err(error) => {
                tracing::warn!(%error, "can't accept on the link");
                tokio::time::sleep(limits::RECONNECT_FIRST).await;
            }
        }
    }
}
