//! The thread that writes what the journal tells.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use outdial_link::{Numbered, Record};

use crate::limits;
use crate::link_server::Link;
use crate::serve::health::Database;
use crate::store::StoreError;
use crate::store::connect::Connection;
use crate::store::lease::{Lessee, settle_former_lives};
use crate::store::results;

/// What the link hands on, in order.
pub enum WriteJob {
    /// Records, in the order of their places.
    Records {
        /// Over which connection they came.
        connection: u64,
        /// They.
        records: Vec<Numbered>,
    },
    /// The records of former lives have all been sent.
    ReplayDone {
        /// Over which connection this came.
        connection: u64,
    },
}

/// The thread.
pub struct Writer {
    /// This node.
    pub node: String,
    /// The engine.
    pub link: Link,
    /// Its own connection.
    pub connection: Connection,
    /// Where troubles are shown.
    pub database: Arc<Database>,
}

impl Writer {
    /// Works until the sending ends are gone or the sidecar stops.
    pub fn run(mut self, jobs: &Receiver<WriteJob>) {
        let mut kept = None;
        while let Some(job) = kept.take().or_else(|| jobs.recv().ok()) {
            let done = match job {
                WriteJob::Records {
                    connection,
                    records,
                } => {
                    let (records, next) = gather(connection, records, jobs);
                    kept = next;
                    self.write(connection, &records)
                }
                WriteJob::ReplayDone { connection } => self.replay_done(connection),
            };
            if done.is_err() {
                return;
            }
        }
    }

    fn write(&mut self, connection: u64, records: &[Numbered]) -> Result<(), StoreError> {
        let Some(last) = records.last().map(|record| record.seq) else {
            return Ok(());
        };
        let database = Arc::clone(&self.database);
        let troubled = move |why: Option<String>| database.writing(why);
        let written = results::write(&mut self.connection, &self.node, records, &troubled)?;
        tracing::debug!(
            records = records.len(),
            attempts = written.attempts,
            leads = written.leads,
            quarantined = written.quarantined,
            "committed"
        );
        let used: Vec<u64> = records
            .iter()
            .filter_map(|record| match &record.record {
                Record::Ended(result) => Some(result.lease),
                Record::Started(_)
                | Record::Answered { .. }
                | Record::Bridged { .. }
                | Record::MessageStarted { .. } => None,
            })
            .collect();
        self.link.let_go(used.iter());
        self.link.committed(connection, last, records.len());
        Ok(())
    }

    fn replay_done(&mut self, id: u64) -> Result<(), StoreError> {
        // Only the life that is connected may speak for those before it.
        let Some(current) = self.link.connected().filter(|connected| connected.id == id) else {
            return Ok(());
        };
        let who = Lessee {
            node: &self.node,
            epoch: current.epoch,
        };
        loop {
            let client = self.connection.get()?;
            match settle_former_lives(client, who) {
                Ok((0, 0)) => return Ok(()),
                Ok((freed, lost)) => {
                    tracing::info!(freed, lost, "settled the leads of the node's former lives");
                    return Ok(());
                }
                Err(error) => {
                    tracing::warn!(%error, "the leads of former lives can't be settled; trying again");
                    self.connection.drop_client();
                    std::thread::sleep(limits::RECONNECT_MAX);
                }
            }
        }
    }
}

/// Records of the same connection that come within a short time, up to a bound; and the job behind
/// them, if it is of another kind.
fn gather(
    connection: u64,
    mut records: Vec<Numbered>,
    jobs: &Receiver<WriteJob>,
) -> (Vec<Numbered>, Option<WriteJob>) {
    let deadline = Instant::now() + limits::RECORDS_GATHER;
    while records.len() < limits::RECORDS_PER_BATCH {
        let left = deadline.saturating_duration_since(Instant::now());
        match jobs.recv_timeout(left) {
            Ok(WriteJob::Records {
                connection: same,
                records: more,
            }) if same == connection => records.extend(more),
            Ok(other) => return (records, Some(other)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    (records, None)
}
