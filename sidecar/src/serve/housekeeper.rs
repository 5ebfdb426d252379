//! The thread for what has to be done from time to time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres::Client;
use tokio::sync::mpsc;

use crate::limits;
use crate::link_server::Link;
use crate::serve::health::Database;
use crate::store::connect::Connection;
use crate::store::lease::{self, Lessee};
use crate::store::nodes::{self, Holder};
use crate::store::{StoreError, history, migrate, snapshot, status};

const TICK: Duration = Duration::from_millis(500);

/// The thread.
pub struct Housekeeper {
    /// Who we are.
    pub holder: Holder,
    /// The engine.
    pub link: Link,
    /// Its own connection.
    pub connection: Connection,
    /// Where it says how PostgreSQL is.
    pub database: Arc<Database>,
    /// Ends the sidecar when another one has taken the node over.
    pub fatal: mpsc::Sender<String>,
}

struct Due {
    every: Duration,
    last: Option<Instant>,
}

impl Due {
    fn new(every: Duration) -> Due {
        Due { every, last: None }
    }

    fn now(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= self.every);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}

impl Housekeeper {
    /// Works until the sidecar stops.
    pub fn run(mut self) {
        let mut snapshot_at_ms = 0;
        let mut snapshots = Due::new(limits::SNAPSHOT_INTERVAL);
        let mut seen = Due::new(limits::NODE_SEEN);
        let mut reclaim = Due::new(limits::RECLAIM_INTERVAL);
        let mut hourly = Due::new(limits::HOURLY);
        while !self.connection.stopping() {
            let done = self.ping().and_then(|()| {
                if snapshots.now() {
                    snapshot_at_ms = self.snapshot(snapshot_at_ms)?;
                }
                if seen.now() {
                    self.hold()?;
                }
                if reclaim.now() {
                    self.reclaim()?;
                }
                if hourly.now() {
                    self.hourly()?;
                }
                Ok(())
            });
            if let Err(error) = done {
                tracing::debug!(%error, "housekeeping was cut short");
                self.connection.drop_client();
            }
            std::thread::sleep(TICK);
        }
    }

    fn client(&mut self) -> Result<&mut Client, StoreError> {
        self.connection.try_get()
    }

    fn ping(&mut self) -> Result<(), StoreError> {
        let answer = self.client().and_then(status::ping);
        self.database
            .answered(answer.as_ref().copied().map_err(ToString::to_string));
        answer
    }

    fn snapshot(&mut self, last_ms: i64) -> Result<i64, StoreError> {
        let Some(newer) = self.link.newer_snapshot(last_ms) else {
            return Ok(last_ms);
        };
        let node = self.holder.node.clone();
        snapshot::write(self.client()?, &node, &newer)?;
        Ok(newer.at_ms)
    }

    fn hold(&mut self) -> Result<(), StoreError> {
        let me = self.holder.clone();
        let connected = self.link.connected().is_some();
        let client = self.client()?;
        match nodes::hold(client, &me) {
            Ok(()) => {}
            Err(StoreError::Refused(why)) => {
                // The main thread waits for it; a second reason adds nothing.
                let _ = self.fatal.try_send(why);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if connected {
            nodes::seen(client, &me.node)?;
        }
        Ok(())
    }

    fn reclaim(&mut self) -> Result<(), StoreError> {
        let node = self.holder.node.clone();
        let (connected, replayed, held) = (
            self.link.connected(),
            self.link.replay_done(),
            self.link.held(),
        );
        let client = self.client()?;
        let freed = lease::reclaim_others(client, &node)?;
        if freed > 0 {
            tracing::warn!(freed, "freed leases of other nodes that expired unused");
        }
        // An expired lease of our own may be in an attempt whose start still waits in the journal:
        // the journal comes first.
        let Some(current) = connected.filter(|_| replayed) else {
            return Ok(());
        };
        let who = Lessee {
            node: &node,
            epoch: current.epoch,
        };
        let mut expired = lease::expired(client, who)?;
        expired.retain(|lease| held.binary_search(lease).is_err());
        let freed = lease::release(
            client,
            &node,
            Some(current.epoch),
            &expired,
            &["leased"],
            None,
        )?;
        if !freed.is_empty() {
            tracing::info!(
                freed = freed.len(),
                "freed leases that the engine let expire"
            );
        }
        Ok(())
    }

    fn hourly(&mut self) -> Result<(), StoreError> {
        let client = self.client()?;
        history::forget(client)?;
        match migrate::make_partitions(client) {
            Ok(0) => {}
            Ok(made) => tracing::info!(made, "made partitions for the coming months"),
            // Attempts go to the default partition meanwhile.
            Err(error) => tracing::warn!(%error, "partitions for the coming months can't be made"),
        }
        let freed = lease::free_orphaned_claims(client)?;
        if freed > 0 {
            tracing::warn!(freed, "freed claims on numbers that no lease stood behind");
        }
        Ok(())
    }
}
