//! HTTP: health and status for everybody on this host, control for the command line.

mod control;
mod error;
mod import;
mod leads;
mod public;
mod status;

use std::sync::Arc;
use std::time::Instant;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use crate::link_server::Link;
use crate::link_server::listener::may_connect;
use crate::serve::console::Console;
use crate::serve::health::Database;
use crate::settings::Settings;
use crate::store::connect::Connector;

/// What the handlers share; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Settings.
    pub settings: Arc<Settings>,
    /// Campaigns, and the database.
    pub console: Console,
    /// For imports, which have a connection of their own.
    pub connector: Connector,
    /// How PostgreSQL is.
    pub database: Arc<Database>,
    /// The engine.
    pub link: Link,
    /// When the sidecar started.
    pub started: Instant,
    /// Bounds imports.
    pub imports: Arc<Semaphore>,
}

/// Health and status, read-only.
pub async fn serve_public(listener: TcpListener, app: App) {
    if let Err(error) = axum::serve(listener, public::router(app)).await {
        tracing::error!(%error, "HTTP ended");
    }
}

/// Control over a Unix socket; whoever is neither root, our user nor in the group is turned away.
pub async fn serve_control(listener: UnixListener, group: Option<u32>, app: App) {
    let checked = Checked { listener, group };
    if let Err(error) = axum::serve(checked, control::router(app)).await {
        tracing::error!(%error, "the control socket ended");
    }
}

struct Checked {
    listener: UnixListener,
    group: Option<u32>,
}

impl axum::serve::Listener for Checked {
    type Io = tokio::net::UnixStream;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) if may_connect(&stream, self.group) => {
                    return (stream, address);
                }
                Ok(_) => tracing::warn!(
                    "refused a connection on the control socket: not root, not our user, not in the group"
                ),
                Err(error) => {
                    tracing::warn!(%error, "can't accept on the control socket");
                    tokio::time::sleep(crate::limits::RECONNECT_FIRST).await;
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
