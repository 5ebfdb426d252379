//! The thread that carries changes of configuration to the engine, and the one that listens for
//! them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};

use outdial_link::CampaignState;
use postgres::fallible_iterator::FallibleIterator;
use tokio::sync::oneshot;

use crate::limits;
use crate::link_server::Link;
use crate::serve::leaser::revoke_forbidden;
use crate::store::connect::Connection;
use crate::store::lease::Lessee;
use crate::store::{StoreError, config};

/// Wakes the watcher; whoever wants to know when it has looked gives an address.
pub type Poke = Option<oneshot::Sender<Result<(), StoreError>>>;

/// The thread.
pub struct Watcher {
    /// This node.
    pub node: String,
    /// The engine.
    pub link: Link,
    /// Its own connection.
    pub connection: Connection,
    /// Change counters as last seen.
    pub seen: Option<(i64, i64)>,
}

impl Watcher {
    /// Looks when poked, and every half second in any case: a connection pooler may take the
    /// notifications away.
    pub fn run(mut self, pokes: &Receiver<Poke>) {
        while !self.connection.stopping() {
            let mut waiting = match pokes.recv_timeout(limits::CONFIG_POLL) {
                Ok(poke) => vec![poke],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            waiting.extend(pokes.try_iter().take(limits::CONFIG_POKES));
            let looked = self.look();
            if looked.is_err() {
                self.connection.drop_client();
            }
            let answer = looked.map_err(|error| error.to_string());
            for reply in waiting.into_iter().flatten() {
                // Whoever went away does not need to know.
                let _ = reply.send(answer.clone().map_err(StoreError::Unavailable));
            }
        }
    }

    /// Reads what changed and passes it on.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn look(&mut self) -> Result<(), StoreError> {
        let client = self.connection.try_get()?;
        let (configuration, do_not_call) = config::versions(client)?;
        let seen = self.seen.unwrap_or((-1, -1));
        if configuration != seen.0 {
            let loaded = config::load(client)?;
            for (name, state, why) in loaded.incomplete.values() {
                if *state == CampaignState::Running {
                    tracing::warn!(campaign = name, why, "a running campaign does not dial");
                }
            }
            self.link.configure(loaded);
        }
        if do_not_call != seen.1
            && let Some(current) = self.link.connected()
        {
            let who = Lessee {
                node: &self.node,
                epoch: current.epoch,
            };
            revoke_forbidden(client, &self.link, who)?;
        }
        self.seen = Some((configuration, do_not_call));
        Ok(())
    }
}

/// Listens, and pokes the watcher for each notification.
pub fn listen(mut connection: Connection, pokes: &SyncSender<Poke>) {
    while let Ok(client) = connection.get() {
        let heard = client.batch_execute("LISTEN outdial").and_then(|()| {
            // What changed before the LISTEN took hold.
            poke(pokes);
            client
                .notifications()
                .timeout_iter(limits::LISTEN_WAIT)
                .next()
        });
        match heard {
            Ok(Some(_)) => poke(pokes),
            Ok(None) => {}
            Err(_) => connection.drop_client(),
        }
    }
}

fn poke(pokes: &SyncSender<Poke>) {
    match pokes.try_send(None) {
        // Full: it is about to look anyway. Gone: the sidecar stops.
        Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
    }
}
