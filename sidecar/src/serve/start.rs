//! Puts the sidecar together, and takes it apart.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{Mutex, Semaphore, mpsc};

use crate::http::{self, App};
use crate::limits;
use crate::link_server::Link;
use crate::link_server::connection::Context;
use crate::link_server::listener::{self, SocketError};
use crate::private_pg::{Cluster, PrivatePgError};
use crate::serve::console::Console;
use crate::serve::health::Database;
use crate::serve::housekeeper::Housekeeper;
use crate::serve::leaser::Leaser;
use crate::serve::lock::{self, LockError};
use crate::serve::watcher::{Watcher, listen};
use crate::serve::writer::Writer;
use crate::settings::{Settings, hostname};
use crate::store::connect::{Connection, Connector};
use crate::store::nodes::{self, Holder};
use crate::store::pool::Pool;
use crate::store::{StoreError, migrate};

/// Why the sidecar does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another one does.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The private cluster.
    #[error(transparent)]
    PrivatePg(#[from] PrivatePgError),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// HTTP.
    #[error("can't listen on http://{0}: {1}; set another address with http")]
    Http(std::net::SocketAddr, std::io::Error),
    /// A folder or thread.
    #[error("{0}: {1}")]
    System(String, std::io::Error),
    /// Another sidecar took over.
    #[error("{0}")]
    Lost(String),
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// See [`ServeError`].
pub fn run(settings: &Settings) -> Result<(), ServeError> {
    let started = Instant::now();
    for dir in [&settings.data_dir, &settings.run_dir] {
        make_dir(dir)?;
    }
    let _lock = lock::take(&settings.run_dir)?;
    let (connector, cluster) = database(settings)?;
    let served = serve(settings, &connector, started);
    connector.stop();
    if let Some(cluster) = cluster {
        cluster.stop();
    }
    tracing::info!("stopped");
    served
}

fn make_dir(dir: &Path) -> Result<(), ServeError> {
    std::fs::create_dir_all(dir).map_err(|error| {
        ServeError::System(format!("can't make the folder {}", dir.display()), error)
    })
}

fn database(settings: &Settings) -> Result<(Connector, Option<Cluster>), ServeError> {
    if let Some(url) = &settings.database_url {
        return Ok((Connector::from_url(url)?, None));
    }
    let cluster = Cluster::start(
        &settings.data_dir,
        settings.pg_bin.as_deref(),
        settings.pg_user.as_deref(),
    )?;
    Ok((Connector::new(cluster.config()), Some(cluster)))
}

fn serve(settings: &Settings, connector: &Connector, started: Instant) -> Result<(), ServeError> {
    let mut client = first_client(connector)?;
    let applied = migrate::migrate(&mut client)?;
    if applied > 0 {
        tracing::info!(
            applied,
            version = migrate::VERSION,
            "the schema was brought up to date"
        );
    }
    let holder = Holder {
        node: settings.node.clone(),
        token: format!("{:016x}", rand::random::<u64>()),
        host: hostname(),
        pid: std::process::id(),
    };
    nodes::hold(&mut client, &holder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| ServeError::System("can't start tokio".into(), error))?;
    let link = Link::default();
    let (threads, parts) = threads(settings, connector, &link, &holder)?;
    let served = runtime.block_on(listen_all(settings, parts, link, started));
    // Tasks go first: they hold the sending ends that the threads wait for.
    runtime.shutdown_timeout(limits::RECONNECT_MAX);
    finish(threads, connector);
    if let Err(error) = nodes::release(&mut client, &holder) {
        tracing::debug!(%error, "the node's name was not given up");
    }
    served
}

/// PostgreSQL may still be starting, or the network.
fn first_client(connector: &Connector) -> Result<postgres::Client, StoreError> {
    let deadline = Instant::now() + limits::START_TIMEOUT;
    let mut warned = false;
    loop {
        match connector.connect() {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(error) => {
                if !warned {
                    tracing::warn!(%error, "waiting for PostgreSQL");
                    warned = true;
                }
                std::thread::sleep(limits::RECONNECT_FIRST);
            }
        }
    }
}

/// What the tasks need of the threads.
struct Parts {
    context: Context,
    database: Arc<Database>,
    connector: Connector,
    fatal: mpsc::Receiver<String>,
}

type Threads = Vec<JoinHandle<()>>;

fn threads(
    settings: &Settings,
    connector: &Connector,
    link: &Link,
    holder: &Holder,
) -> Result<(Threads, Parts), ServeError> {
    let connection = |name| Connection::new(connector.clone(), name);
    let database = Arc::new(Database::default());
    let node = settings.node.clone();
    let (leaser, lease_jobs) = sync_channel(limits::LEASE_JOBS_WAITING);
    let (writer, write_jobs) = sync_channel(limits::RECORD_FRAMES_WAITING);
    let (pokes, poked) = sync_channel(limits::CONFIG_POKES);
    let (fatal, fatal_seen) = mpsc::channel(1);
    let (pool, mut threads) = Pool::start(connector);

    let mut watch = Watcher {
        node: node.clone(),
        link: link.clone(),
        connection: connection("configuration"),
        seen: None,
    };
    // Before any module connects, so that its first configuration is a whole one.
    watch.look()?;
    let write = Writer {
        node: node.clone(),
        link: link.clone(),
        connection: connection("results"),
        database: Arc::clone(&database),
    };
    let lease = Leaser {
        node: node.clone(),
        link: link.clone(),
        connection: connection("leases"),
    };
    let keep = Housekeeper {
        holder: holder.clone(),
        link: link.clone(),
        connection: connection("housekeeping"),
        database: Arc::clone(&database),
        fatal,
    };
    let (listening, notify) = (connection("notifications"), pokes.clone());
    threads.push(spawn("results", move || write.run(&write_jobs))?);
    threads.push(spawn("leases", move || lease.run(&lease_jobs))?);
    threads.push(spawn("configuration", move || watch.run(&poked))?);
    threads.push(spawn("housekeeping", move || keep.run())?);
    threads.push(spawn("notifications", move || listen(listening, &notify))?);
    let console = Console {
        pool,
        link: link.clone(),
        pokes,
    };
    let context = Context {
        node,
        link: link.clone(),
        leaser,
        writer,
        console,
        handshake: Mutex::new(()),
        request_slots: Arc::new(Semaphore::new(limits::REQUESTS)),
    };
    Ok((
        threads,
        Parts {
            context,
            database,
            connector: connector.clone(),
            fatal: fatal_seen,
        },
    ))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, ServeError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map_err(|error| ServeError::System(format!("can't start the thread {name:?}"), error))
}

async fn listen_all(
    settings: &Settings,
    parts: Parts,
    link: Link,
    started: Instant,
) -> Result<(), ServeError> {
    let group = settings.socket_group.as_deref();
    let gid = group.map(listener::group_id).transpose()?;
    let link_socket = listener::bind(&settings.link_socket(), group)?;
    let control_socket = listener::bind(&settings.control_socket(), group)?;
    let public = tokio::net::TcpListener::bind(settings.http)
        .await
        .map_err(|error| ServeError::Http(settings.http, error))?;
    let app = App {
        settings: Arc::new(settings.clone()),
        console: parts.context.console.clone(),
        connector: parts.connector,
        database: parts.database,
        link,
        started,
        imports: Arc::new(Semaphore::new(limits::IMPORTS)),
    };
    let context = Arc::new(parts.context);
    let tasks = [
        tokio::spawn(listener::accept(link_socket, gid, context)),
        tokio::spawn(http::serve_control(control_socket, gid, app.clone())),
        tokio::spawn(http::serve_public(public, app)),
    ];
    tracing::info!(
        node = settings.node,
        http = %settings.http,
        link = %settings.link_socket().display(),
        version = env!("CARGO_PKG_VERSION"),
        "serving"
    );
    let ended = until_told(parts.fatal).await;
    for task in tasks {
        task.abort();
    }
    for socket in [settings.link_socket(), settings.control_socket()] {
        // Whoever connects in the meantime finds nobody; a leftover would be removed at the start.
        let _ = std::fs::remove_file(socket);
    }
    ended
}

async fn until_told(mut fatal: mpsc::Receiver<String>) -> Result<(), ServeError> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = |error| ServeError::System("can't wait for signals".into(), error);
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("told to stop (SIGTERM)"),
        _ = interrupt.recv() => tracing::info!("told to stop (SIGINT)"),
        Some(why) = fatal.recv() => return Err(ServeError::Lost(why)),
    }
    Ok(())
}

/// Lets the threads finish what they have, then ends their waits for PostgreSQL.
fn finish(threads: Threads, connector: &Connector) {
    let deadline = Instant::now() + limits::SHUTDOWN_TIMEOUT;
    let writing = |threads: &Threads| {
        threads
            .iter()
            .any(|thread| thread.thread().name() == Some("results") && !thread.is_finished())
    };
    while writing(&threads) && Instant::now() < deadline {
        std::thread::sleep(limits::RECONNECT_FIRST);
    }
    connector.stop();
    for thread in threads {
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(limits::RECONNECT_FIRST);
        }
    }
}
