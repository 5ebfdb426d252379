//! What the sidecar knows of the engine, and the way to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outdial_link::{Answer, Ask, Config, Down, Heartbeat, Hello, Preview, Snapshot, Welcome};
use tokio::sync::mpsc;

use crate::limits;
use crate::store::config::Configuration;

/// One step of the answer to a question: whether it is the last, and what it says.
pub type Step = (bool, Result<Answer, String>);

/// Shared by the link's tasks, the database threads and HTTP.
#[derive(Clone, Default)]
pub struct Link {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    next_connection: AtomicU64,
    next_request: AtomicU64,
    records_waiting: AtomicUsize,
    discarding: AtomicBool,
}

#[derive(Default)]
struct Inner {
    connection: Option<Connected>,
    heartbeat: Option<(Instant, Heartbeat)>,
    snapshot: Option<(Instant, Snapshot)>,
    agents: BTreeMap<u64, String>,
    /// Agents who take no calls once the one in hand is over.
    pausing: BTreeSet<u64>,
    previews: BTreeMap<u64, Preview>,
    held: BTreeSet<u64>,
    asks: BTreeMap<u64, mpsc::Sender<Step>>,
    refused: BTreeMap<String, String>,
    checked: BTreeMap<u64, Option<String>>,
    config: Configuration,
    replay: Replay,
    refusal: Option<String>,
    acked: u64,
}

/// A module that was welcomed.
#[derive(Clone)]
pub struct Connected {
    /// Tells this connection from those before.
    pub id: u64,
    /// What it said of itself.
    pub hello: Hello,
    /// See [`Welcome::epoch`].
    pub epoch: u32,
    /// Since then.
    pub since: Instant,
    out: mpsc::Sender<Down>,
}

/// How far the records that waited in the journal at the time of the connect have been written.
#[derive(Clone, Copy, Debug, Default)]
struct Replay {
    backlog: Option<u64>,
    first: Option<u64>,
    acked: u64,
}

impl Replay {
    fn done(self) -> bool {
        match (self.backlog, self.first) {
            (None, _) => false,
            (Some(0), _) => true,
            (Some(_), None) => false,
            (Some(backlog), Some(first)) => self.acked + 1 >= first.saturating_add(backlog),
        }
    }
}

/// Everything that is shown, taken at one instant.
#[derive(Clone, Default)]
pub struct View {
    /// Who is connected.
    pub connection: Option<Connected>,
    /// Age and content of the last heartbeat of this connection.
    pub heartbeat: Option<(Duration, Heartbeat)>,
    /// Age and content of the last snapshot.
    pub snapshot: Option<(Duration, Snapshot)>,
    /// Agents' states as last told.
    pub agents: BTreeMap<u64, String>,
    /// Leads that agents look at, by agent.
    pub previews: BTreeMap<u64, Preview>,
    /// Configuration that the engine refused: what, and why.
    pub refused: BTreeMap<String, String>,
    /// What the PBX lacks, by campaign.
    pub checked: BTreeMap<u64, Option<String>>,
    /// Why the last module that asked was not welcomed.
    pub refusal: Option<String>,
    /// Leases that the engine holds.
    pub held: usize,
    /// Records read and not yet written.
    pub records_waiting: usize,
}

/// A slot for one more connection could not be had, and who has it.
#[derive(Debug, thiserror::Error)]
#[error("node {node:?} is already served by process {pid} ({pbx}); stop that PBX first")]
pub struct Taken {
    node: String,
    pid: u32,
    pbx: String,
}

impl Link {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// An id for a new connection.
    pub fn connection_id(&self) -> u64 {
        self.shared.next_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A module that may take the place of the one that is connected: the same engine, or none.
    ///
    /// # Errors
    /// Names the process that is connected.
    pub fn admit(&self, hello: &Hello) -> Result<(), Taken> {
        match &self.inner().connection {
            Some(other) if other.hello.instance != hello.instance => Err(Taken {
                node: hello.node.clone(),
                pid: other.hello.pid,
                pbx: other.hello.pbx.clone(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Puts a connection in place, and sends it the welcome, the whole configuration, and behind it
    /// what a new engine must know of the days before it.
    pub fn connect(
        &self,
        id: u64,
        hello: Hello,
        (welcome, history): (Welcome, Vec<Config>),
        out: mpsc::Sender<Down>,
    ) {
        let mut inner = self.inner();
        inner.held = hello.leases.iter().copied().collect();
        inner.heartbeat = None;
        inner.snapshot = None;
        inner.agents.clear();
        inner.pausing.clear();
        inner.previews.clear();
        inner.asks.clear();
        inner.refused.clear();
        inner.checked.clear();
        inner.refusal = None;
        inner.replay = Replay::default();
        self.shared.discarding.store(false, Ordering::Relaxed);
        let epoch = welcome.epoch;
        let full = Down::Config {
            full: true,
            changes: inner
                .config
                .for_host(hello.test_host)
                .full()
                .into_iter()
                .chain(history)
                .collect(),
        };
        // The channel is new and holds far more than two messages.
        let _ = out.try_send(Down::Welcome(welcome));
        let _ = out.try_send(full);
        inner.connection = Some(Connected {
            id,
            hello,
            epoch,
            since: Instant::now(),
            out,
        });
    }

    /// The connection ended; nothing happens if another one has taken its place.
    pub fn disconnect(&self, id: u64) {
        let mut inner = self.inner();
        if inner
            .connection
            .as_ref()
            .is_some_and(|connection| connection.id == id)
        {
            inner.connection = None;
            inner.asks.clear();
            inner.agents.clear();
            inner.pausing.clear();
            inner.previews.clear();
        }
    }

    /// A module was turned away.
    pub fn note_refusal(&self, why: &str) {
        self.inner().refusal = Some(why.to_owned());
    }

    /// Who is connected.
    pub fn connected(&self) -> Option<Connected> {
        self.inner().connection.clone()
    }

    /// Whether this connection is the one in place.
    pub fn is_current(&self, id: u64) -> bool {
        self.inner()
            .connection
            .as_ref()
            .is_some_and(|connection| connection.id == id)
    }

    /// Sends to the engine; false where there is none. A module that does not read is cut off:
    /// it connects again and gets everything anew.
    pub fn send(&self, message: Down) -> bool {
        send(&mut self.inner(), message)
    }

    /// Sends only over that connection.
    pub fn send_to(&self, id: u64, message: Down) -> bool {
        let mut inner = self.inner();
        let current = inner
            .connection
            .as_ref()
            .is_some_and(|connection| connection.id == id);
        current && send(&mut inner, message)
    }

    /// Closes the connection; the module comes back and sends again what was not acknowledged.
    pub fn cut(&self, id: u64) {
        self.disconnect(id);
    }

    /// A new configuration: the engine gets the difference.
    pub fn configure(&self, config: Configuration) {
        let mut inner = self.inner();
        let test_host = inner
            .connection
            .as_ref()
            .is_some_and(|connection| connection.hello.test_host);
        let changes = config
            .for_host(test_host)
            .diff(&inner.config.for_host(test_host));
        inner.config = config;
        for change in &changes {
            // The engine says again what it refuses of the new one.
            let what = name_of(change);
            inner.refused.retain(|refused, _| *refused != what);
        }
        if !changes.is_empty() {
            send(
                &mut inner,
                Down::Config {
                    full: false,
                    changes,
                },
            );
        }
    }

    /// The configuration as last read.
    pub fn config(&self) -> Configuration {
        self.inner().config.clone()
    }

    /// Asks the engine; the steps of the answer come over the channel.
    ///
    /// # Errors
    /// Says that no module is connected, or that too many questions are open.
    pub fn ask(&self, ask: Ask) -> Result<mpsc::Receiver<Step>, String> {
        let mut inner = self.inner();
        inner.asks.retain(|_, steps| !steps.is_closed());
        if inner.asks.len() >= limits::ASKS_OPEN {
            return Err("too many questions to the module are open; try again in a moment".into());
        }
        let request = self.shared.next_request.fetch_add(1, Ordering::Relaxed) + 1;
        let (steps, answer) = mpsc::channel(limits::ASK_STEPS);
        if !send(&mut inner, Down::Ask { request, ask }) {
            return Err(NOT_CONNECTED.into());
        }
        inner.asks.insert(request, steps);
        Ok(answer)
    }

    /// A step of an answer.
    pub fn answered(&self, request: u64, last: bool, result: Result<Answer, String>) {
        let mut inner = self.inner();
        if let Some(steps) = inner.asks.get(&request) {
            // Whoever asked and went away does not hear it.
            let _ = steps.try_send((last, result));
        }
        if last {
            inner.asks.remove(&request);
        }
    }

    /// The module is alive.
    pub fn heartbeat(&self, heartbeat: Heartbeat) {
        let mut inner = self.inner();
        if inner.replay.backlog.is_none() {
            inner.replay.backlog = Some(heartbeat.journal_backlog);
        }
        inner.heartbeat = Some((Instant::now(), heartbeat));
    }

    /// The engine's state.
    pub fn snapshot(&self, snapshot: Snapshot) {
        self.inner().snapshot = Some((Instant::now(), snapshot));
    }

    /// The newest snapshot, if it is newer than `than_ms`.
    pub fn newer_snapshot(&self, than_ms: i64) -> Option<Snapshot> {
        let inner = self.inner();
        let (_, snapshot) = inner.snapshot.as_ref()?;
        (snapshot.at_ms != than_ms).then(|| snapshot.clone())
    }

    /// An agent's state, and the pause code of one who is paused or will be.
    pub fn agent(&self, agent: u64, state: String, pause: Option<String>) {
        let mut inner = self.inner();
        inner.agents.insert(agent, state);
        match pause {
            Some(_) => inner.pausing.insert(agent),
            None => inner.pausing.remove(&agent),
        };
    }

    /// Agents who take calls here, or will after the one in hand.
    pub fn agents_at_work(&self) -> Vec<u64> {
        let inner = self.inner();
        let mut agents: BTreeMap<u64, bool> = BTreeMap::new();
        for agent in inner.snapshot.iter().flat_map(|(_, s)| &s.agents) {
            agents.insert(agent.id, takes_calls(&agent.state) && agent.pause.is_none());
        }
        // What was told of an agent is newer than the snapshot.
        for (agent, state) in &inner.agents {
            let at_work = takes_calls(state) && !inner.pausing.contains(agent);
            agents.insert(*agent, at_work);
        }
        agents
            .into_iter()
            .filter_map(|(agent, at_work)| at_work.then_some(agent))
            .collect()
    }

    /// An agent's state, and the attempt and lead of the call in hand as far as they are known.
    pub fn call_of(&self, agent: u64) -> (Option<String>, Option<(u64, u64)>) {
        let inner = self.inner();
        let shown = inner.snapshot.as_ref().and_then(|(_, snapshot)| {
            let shown = snapshot.agents.iter().find(|a| a.id == agent)?;
            Some((shown.state.clone(), shown.call))
        });
        let state = inner.agents.get(&agent).cloned();
        let (shown_state, call) = shown.unzip();
        (state.or(shown_state), call.flatten())
    }

    /// An agent looks at a lead, or at none any more.
    pub fn preview(&self, agent: u64, lead: Option<Preview>) {
        let mut inner = self.inner();
        match lead {
            Some(lead) => inner.previews.insert(agent, lead),
            None => inner.previews.remove(&agent),
        };
    }

    /// The engine refused a configuration.
    pub fn config_refused(&self, what: String, error: String) {
        let mut inner = self.inner();
        if inner.refused.len() < limits::REFUSALS {
            inner.refused.insert(what, error);
        }
    }

    /// A campaign was checked against the PBX.
    pub fn campaign_checked(&self, campaign: u64, lacks: Option<String>) {
        self.inner().checked.insert(campaign, lacks);
    }

    /// The engine holds these leases.
    pub fn hold(&self, leases: impl Iterator<Item = u64>) {
        self.inner().held.extend(leases);
    }

    /// The engine does not hold these leases any more.
    pub fn let_go<'a>(&self, leases: impl Iterator<Item = &'a u64>) {
        let mut inner = self.inner();
        for lease in leases {
            inner.held.remove(lease);
        }
    }

    /// The leases that the engine holds.
    pub fn held(&self) -> Vec<u64> {
        self.inner().held.iter().copied().collect()
    }

    /// Records came in over a connection: false when they are not taken, because too many wait.
    /// They come again after a reconnect.
    pub fn take_records(&self, first: u64, count: usize) -> bool {
        if self.shared.discarding.load(Ordering::Relaxed) {
            return false;
        }
        let waiting = self.shared.records_waiting.load(Ordering::Relaxed);
        // A single frame is taken whatever its size, or it would never be.
        if waiting > 0 && waiting + count > limits::RECORDS_WAITING {
            self.shared.discarding.store(true, Ordering::Relaxed);
            return false;
        }
        self.shared
            .records_waiting
            .fetch_add(count, Ordering::Relaxed);
        let mut inner = self.inner();
        inner.replay.first.get_or_insert(first);
        true
    }

    /// Records could not be handed on after all.
    pub fn give_up_records(&self, count: usize) {
        self.shared
            .records_waiting
            .fetch_sub(count, Ordering::Relaxed);
        self.shared.discarding.store(true, Ordering::Relaxed);
    }

    /// Records of a connection were committed: acknowledges them. When some were not taken, and
    /// those that were are all written, the connection is closed, so that they come again.
    pub fn committed(&self, id: u64, seq: u64, count: usize) {
        let before = self
            .shared
            .records_waiting
            .fetch_sub(count, Ordering::Relaxed);
        let mut inner = self.inner();
        if inner
            .connection
            .as_ref()
            .is_some_and(|connection| connection.id == id)
        {
            inner.acked = seq;
            inner.replay.acked = seq;
            send(&mut inner, Down::Ack { seq });
        }
        if before == count && self.shared.discarding.swap(false, Ordering::Relaxed) {
            tracing::info!("PostgreSQL has caught up; the module sends again what had to wait");
            inner.connection = None;
        }
    }

    /// Whether every record that waited in the journal at the time of the connect is written.
    pub fn replay_done(&self) -> bool {
        self.inner().replay.done()
    }

    /// Everything that is shown.
    pub fn view(&self) -> View {
        let inner = self.inner();
        View {
            connection: inner.connection.clone(),
            heartbeat: inner
                .heartbeat
                .map(|(at, heartbeat)| (at.elapsed(), heartbeat)),
            snapshot: inner
                .snapshot
                .clone()
                .map(|(at, snapshot)| (at.elapsed(), snapshot)),
            agents: inner.agents.clone(),
            previews: inner.previews.clone(),
            refused: inner.refused.clone(),
            checked: inner.checked.clone(),
            refusal: inner.refusal.clone(),
            held: inner.held.len(),
            records_waiting: self.shared.records_waiting.load(Ordering::Relaxed),
        }
    }
}

/// An agent in this state takes calls, or will after the one in hand.
fn takes_calls(state: &str) -> bool {
    !matches!(state, "logged_out" | "entering" | "paused")
}

/// What to do when there is no module.
pub const NOT_CONNECTED: &str = "no module is connected: is the PBX running with the outdial \
    module loaded (module show like outdial), and does outdial.conf name this sidecar's node and \
    socket? outdial doctor tells more";

fn send(inner: &mut Inner, message: Down) -> bool {
    let Some(connection) = &inner.connection else {
        return false;
    };
    if connection.out.try_send(message).is_ok() {
        return true;
    }
    if !connection.out.is_closed() {
        tracing::warn!("the module does not read its messages; closing the connection");
    }
    inner.connection = None;
    false
}

/// As the engine names it in a refusal.
fn name_of(change: &Config) -> String {
    match change {
        Config::Settings { .. } => "settings".into(),
        Config::Campaign(campaign) => format!("campaign {}", campaign.id),
        Config::CampaignRemoved(id) => format!("campaign {id}"),
        Config::Trunk(trunk) => format!("trunk {}", trunk.id),
        Config::TrunkRemoved(id) => format!("trunk {id}"),
        Config::Routes(_) => "routes".into(),
        Config::Agent(agent) => format!("agent {}", agent.id),
        Config::AgentRemoved(id) => format!("agent {id}"),
        Config::Abandons { campaign, .. } => format!("abandons of campaign {campaign}"),
        Config::CallerIdsShown(_) => "caller ids shown".into(),
    }
}
