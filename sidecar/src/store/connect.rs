//! How a connection to PostgreSQL is made and kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres::{Client, Config, NoTls};

use crate::limits;
use crate::store::StoreError;

/// Makes connections; cheap to clone.
#[derive(Clone)]
pub struct Connector {
    config: Arc<Config>,
    stopping: Arc<AtomicBool>,
}

impl Connector {
    /// To the database that `url` names.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn from_url(url: &str) -> Result<Connector, StoreError> {
        refuse_tls(url)?;
        let config = url.parse::<Config>().map_err(|error| {
            StoreError::Refused(format!("the database URL can't be read: {error}"))
        })?;
        Ok(Connector::new(config))
    }

    /// With these parameters.
    pub fn new(mut config: Config) -> Connector {
        config
            .application_name("outdial")
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .keepalives_idle(Duration::from_secs(10))
            .tcp_user_timeout(Duration::from_secs(15));
        Connector {
            config: Arc::new(config),
            stopping: Arc::default(),
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with PostgreSQL's reason.
    pub fn connect(&self) -> Result<Client, StoreError> {
        self.config
            .connect(NoTls)
            .map_err(|error| StoreError::Unavailable(super::describe(&error)))
    }

    /// Ends every wait in [`Connection::get`].
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The sidecar is stopping.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

fn refuse_tls(url: &str) -> Result<(), StoreError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&') {
        if let Some(mode @ ("require" | "verify-ca" | "verify-full")) =
            pair.strip_prefix("sslmode=")
        {
            return Err(StoreError::Refused(format!(
                "sslmode={mode} is not supported yet: this version speaks to PostgreSQL without \
                 TLS. Use sslmode=disable inside a trusted network, a Unix socket, or a tunnel"
            )));
        }
    }
    Ok(())
}

/// One connection that is made again when it breaks.
pub struct Connection {
    connector: Connector,
    client: Option<Client>,
    name: &'static str,
}

impl Connection {
    /// Connects when first used.
    pub fn new(connector: Connector, name: &'static str) -> Connection {
        Connection {
            connector,
            client: None,
            name,
        }
    }

    /// The connection, if it can be had now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn try_get(&mut self) -> Result<&mut Client, StoreError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = None;
        }
        match &mut self.client {
            Some(client) => Ok(client),
            empty => Ok(empty.insert(self.connector.connect()?)),
        }
    }

    /// The connection; waits for PostgreSQL as long as it takes.
    ///
    /// # Errors
    /// [`StoreError::Stopping`] only.
    pub fn get(&mut self) -> Result<&mut Client, StoreError> {
        let mut pause = limits::RECONNECT_FIRST;
        let mut warned = false;
        if self.connector.stopping() {
            return Err(StoreError::Stopping);
        }
        while self.client.as_ref().is_none_or(Client::is_closed) {
            if self.connector.stopping() {
                return Err(StoreError::Stopping);
            }
            match self.connector.connect() {
                Ok(client) => self.client = Some(client),
                Err(error) => {
                    if !warned {
                        tracing::warn!(user = self.name, %error, "waiting for PostgreSQL");
                        warned = true;
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(limits::RECONNECT_MAX);
                }
            }
        }
        if warned {
            tracing::info!(user = self.name, "PostgreSQL is back");
        }
        self.client.as_mut().ok_or(StoreError::Stopping)
    }

    /// Forgets the connection: its state is unknown.
    pub fn drop_client(&mut self) {
        self.client = None;
    }

    /// The sidecar is stopping.
    pub fn stopping(&self) -> bool {
        self.connector.stopping()
    }
}
