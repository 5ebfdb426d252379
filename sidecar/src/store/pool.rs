//! Threads that run SQL for whoever waits on tokio.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use postgres::Client;
use tokio::sync::{mpsc, oneshot};

use crate::limits;
use crate::store::StoreError;
use crate::store::connect::{Connection, Connector};

type Job = Box<dyn FnOnce(Result<&mut Client, StoreError>) + Send>;

/// The asking end; cheap to clone.
#[derive(Clone)]
pub struct Pool {
    jobs: mpsc::Sender<Job>,
}

impl Pool {
    /// Starts the threads; they end when the last [`Pool`] is gone.
    pub fn start(connector: &Connector) -> (Pool, Vec<JoinHandle<()>>) {
        let (jobs, waiting) = mpsc::channel::<Job>(limits::STORE_JOBS_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = (0..limits::STORE_THREADS)
            .filter_map(|_| {
                let waiting = Arc::clone(&waiting);
                let connection = Connection::new(connector.clone(), "control");
                std::thread::Builder::new()
                    .name("store".into())
                    .spawn(move || work(&waiting, connection))
                    .ok()
            })
            .collect();
        (Pool { jobs }, threads)
    }

    /// Runs `f` on a thread with a connection.
    ///
    /// # Errors
    /// What `f` says, or that PostgreSQL is not reachable.
    pub async fn call<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Client) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |client| {
            // Nobody waits any more when the asker went away; the work is done all the same.
            let _ = reply.send(client.and_then(f));
        });
        self.jobs
            .send(job)
            .await
            .map_err(|_| StoreError::Stopping)?;
        answer.await.map_err(|_| StoreError::Stopping)?
    }
}

fn work(waiting: &Mutex<mpsc::Receiver<Job>>, mut connection: Connection) {
    loop {
        let job = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        match job {
            Some(job) => job(connection.try_get()),
            None => return,
        }
    }
}
