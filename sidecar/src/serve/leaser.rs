//! The thread that leases, renews and takes back.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use outdial_link::{Down, Hello};
use postgres::Client;
use tokio::sync::oneshot;

use crate::clock;
use crate::limits;
use crate::link_server::Link;
use crate::store::StoreError;
use crate::store::connect::Connection;
use crate::store::grant::{self, Want};
use crate::store::lease::{self, Lessee};
use crate::store::nodes::{self, Life};

/// A request that waited longer is dropped: the engine has asked again.
const STALE: Duration = Duration::from_secs(4);
/// The thread looks at what is due this often.
const TICK: Duration = Duration::from_secs(1);

/// What the link asks for.
pub enum LeaseJob {
    /// A module introduces itself: which life of its engine is it?
    Hello {
        /// Who.
        hello: Box<Hello>,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Life, StoreError>>,
    },
    /// A module was welcomed: its leases are checked and renewed.
    Adopt {
        /// Which.
        connection: u64,
    },
    /// Leads are wanted.
    Need {
        /// By whom.
        connection: u64,
        /// Campaign.
        campaign: u64,
        /// At most this many.
        count: u32,
        /// When it was asked.
        at: Instant,
    },
    /// A lease comes back; its lead is due again later.
    Defer {
        /// From whom.
        connection: u64,
        /// Which.
        lease: u64,
        /// Not before.
        until_ms: i64,
    },
    /// Leases come back unused.
    Return {
        /// From whom.
        connection: u64,
        /// Which.
        leases: Vec<u64>,
    },
}

/// The thread.
pub struct Leaser {
    /// This node.
    pub node: String,
    /// The engine.
    pub link: Link,
    /// Its own connection.
    pub connection: Connection,
}

impl Leaser {
    /// Works until the sending ends are gone or the sidecar stops.
    pub fn run(mut self, jobs: &Receiver<LeaseJob>) {
        let mut renewed = Instant::now();
        let mut called_back = Instant::now();
        while !self.connection.stopping() {
            match jobs.recv_timeout(TICK) {
                Ok(job) => {
                    if let Err(error) = self.work(job) {
                        tracing::warn!(%error, "a request for leads failed");
                        self.connection.drop_client();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if called_back.elapsed() >= limits::CALLBACK_PUSH {
                called_back = Instant::now();
                if let Err(error) = self.call_back() {
                    tracing::warn!(%error, "callbacks that are due can't be leased; trying again");
                    self.connection.drop_client();
                }
            }
            if renewed.elapsed() >= limits::LEASE_RENEW {
                match self.renew() {
                    Ok(()) => renewed = Instant::now(),
                    Err(error) => {
                        tracing::warn!(%error, "leases can't be renewed; trying again");
                        renewed += TICK;
                    }
                }
            }
        }
    }

    fn work(&mut self, job: LeaseJob) -> Result<(), StoreError> {
        match job {
            LeaseJob::Hello { hello, reply } => {
                let life = self
                    .connection
                    .try_get()
                    .and_then(|client| nodes::life(client, &hello));
                // Whoever waited too long has refused the module already.
                let _ = reply.send(life);
                Ok(())
            }
            LeaseJob::Adopt { connection } => {
                if self.link.is_current(connection) {
                    self.renew()?;
                    let epoch = self.link.connected().map_or(0, |connected| connected.epoch);
                    let client = self.connection.try_get()?;
                    revoke_forbidden(
                        client,
                        &self.link,
                        Lessee {
                            node: &self.node,
                            epoch,
                        },
                    )?;
                }
                Ok(())
            }
            LeaseJob::Need {
                connection,
                campaign,
                count,
                at,
            } => {
                if at.elapsed() > STALE {
                    return Ok(());
                }
                self.grant(connection, campaign, count, false)
            }
            LeaseJob::Defer {
                connection,
                lease,
                until_ms,
            } => {
                let Some(current) = self.link.connected().filter(|c| c.id == connection) else {
                    return Ok(());
                };
                let client = self.connection.try_get()?;
                let who = Lessee {
                    node: &self.node,
                    epoch: current.epoch,
                };
                lease::defer(client, who, lease, until_ms)
            }
            LeaseJob::Return { connection, leases } => {
                let Some(current) = self.link.connected().filter(|c| c.id == connection) else {
                    return Ok(());
                };
                let client = self.connection.try_get()?;
                lease::release(
                    client,
                    &self.node,
                    Some(current.epoch),
                    &leases,
                    &["leased"],
                    None,
                )?;
                Ok(())
            }
        }
    }

    /// Brings callbacks that are due to the engine, which asks for leads only when it has few.
    fn call_back(&mut self) -> Result<(), StoreError> {
        let Some(current) = self.link.connected() else {
            return Ok(());
        };
        let agents = self.link.agents_at_work();
        let client = self.connection.try_get()?;
        for campaign in grant::called_back(client, &agents)? {
            self.grant(current.id, campaign, limits::CALLBACKS_PUSHED, true)?;
        }
        Ok(())
    }

    fn grant(
        &mut self,
        connection: u64,
        campaign: u64,
        count: u32,
        only_callbacks: bool,
    ) -> Result<(), StoreError> {
        let Some(current) = self.link.connected().filter(|c| c.id == connection) else {
            return Ok(());
        };
        let who = Lessee {
            node: &self.node,
            epoch: current.epoch,
        };
        let agents = self.link.agents_at_work();
        let want = Want {
            campaign,
            count,
            agents: &agents,
            only_callbacks,
        };
        let client = self.connection.try_get()?;
        let granted = grant::lease(client, who, want, clock::now_ms())?;
        if only_callbacks && granted.leases.is_empty() {
            return Ok(());
        }
        let ids: Vec<u64> = granted.leases.iter().map(|lease| lease.id).collect();
        self.link.hold(ids.iter().copied());
        let sent = self.link.send_to(
            connection,
            Down::Leases {
                campaign,
                leases: granted.leases,
                next_due_ms: granted.next_due_ms,
            },
        );
        if !sent {
            // The engine never saw them.
            self.link.let_go(ids.iter());
            lease::release(client, &self.node, Some(who.epoch), &ids, &["leased"], None)?;
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<(), StoreError> {
        let Some(current) = self.link.connected() else {
            return Ok(());
        };
        let held = self.link.held();
        if held.is_empty() {
            return Ok(());
        }
        let who = Lessee {
            node: &self.node,
            epoch: current.epoch,
        };
        let client = self.connection.try_get()?;
        let (expires_at_ms, kept) = lease::renew(client, who, &held, clock::now_ms())?;
        let kept: std::collections::BTreeSet<u64> = kept.into_iter().collect();
        let lost: Vec<u64> = held
            .into_iter()
            .filter(|lease| !kept.contains(lease))
            .collect();
        if !lost.is_empty() {
            self.link.let_go(lost.iter());
            self.link.send_to(current.id, Down::Revoke { leases: lost });
        }
        let leases = kept.into_iter().collect();
        self.link.send_to(
            current.id,
            Down::Renewed {
                leases,
                expires_at_ms,
            },
        );
        Ok(())
    }
}

/// Tells the engine which of the numbers and leases in its hands may not be dialed any more.
///
/// # Errors
/// What PostgreSQL says.
pub fn revoke_forbidden(
    client: &mut Client,
    link: &Link,
    who: Lessee<'_>,
) -> Result<(), StoreError> {
    let forbidden = lease::forbidden(client, who)?;
    if !forbidden.numbers.is_empty() {
        tracing::info!(
            numbers = forbidden.numbers.len(),
            "do-not-call: numbers in hand are revoked"
        );
        link.send(Down::DoNotCall {
            numbers: forbidden.numbers,
        });
    }
    if !forbidden.leases.is_empty() {
        tracing::info!(
            leases = forbidden.leases.len(),
            "do-not-call: leases in hand are revoked"
        );
        // Not renewed any more; the engine may have placed the call a moment ago, so the lead goes
        // back only when the lease has expired untouched.
        link.let_go(forbidden.leases.iter());
        link.send(Down::Revoke {
            leases: forbidden.leases,
        });
    }
    Ok(())
}
