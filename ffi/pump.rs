//! The pump: the one thread that owns the engine and calls the host.

mod commands;
mod mailbox;
mod sidecar;
mod starts;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam::channel::Sender;
use outdial_engine::{
    AgentEvent, Claim, Engine, Epoch, Event, Inbound, LegId, Level, Link, Now, Refusal, RequestId,
    SessionEvent, SessionId, Tick,
};
use outdial_link::{Snapshot, Up};

pub(crate) use mailbox::{Input, Mailbox, Received, mailbox};
use starts::Starts;

use crate::journal::Notice;
use crate::post::Posted;
use crate::shared::Shared;
use crate::slots::Slot;
use crate::{convert, inbound, limits};

/// The thread's state.
pub(crate) struct Pump {
    shared: Arc<Shared>,
    engine: Engine,
    received: Received,
    /// Events that carrying out commands gave rise to.
    feedback: VecDeque<Event>,
    starts: Starts,
    next_token: u64,
    known: sidecar::Known,
    /// The sidecar has said who and what there is.
    configured: bool,
    /// Agents who came before that: the engine would turn them away as unknown. They keep their
    /// places in the queue, which bounds them.
    early: VecDeque<Posted>,
    /// Reserved places whose owners the host did not name at the last reconciliation.
    absent: (BTreeSet<LegId>, BTreeSet<SessionId>),
    reconcile_at: Instant,
    load_at: Instant,
    snapshot_at: Instant,
    stopping: bool,
    /// Who waits for what the engine says to an agent's wish.
    asker: Option<Asker>,
    /// Who waits for what the engine says to a call that comes in.
    caller: Option<inbound::Ask>,
    /// What the engine was last told to tell; OUTDIAL_WATCH_.
    watched: u32,
}

/// Who waits for the answer to an agent's wish; see [`Input::Agent`].
type Asker = Sender<Option<Result<(), String>>>;

/// Names a wish that came from this process. The sidecar's count up from 1.
const OURS: RequestId = RequestId(u64::MAX);

impl Pump {
    pub(crate) fn new(shared: Arc<Shared>, received: Received, seed: u64) -> Pump {
        let now = Instant::now();
        Pump {
            shared,
            engine: Engine::new(seed),
            received,
            feedback: VecDeque::new(),
            starts: Starts::default(),
            next_token: 1,
            known: sidecar::Known::default(),
            configured: false,
            early: VecDeque::new(),
            absent: (BTreeSet::new(), BTreeSet::new()),
            reconcile_at: now,
            load_at: now,
            snapshot_at: now,
            stopping: false,
            asker: None,
            caller: None,
            watched: 0,
        }
    }

    pub(crate) fn run(&mut self) {
        while !self.shared.is_poisoned() {
            self.beat();
            self.watch();
            self.take_inputs();
            let more = self.take_events();
            self.work_off_deadlines();
            self.let_starts_leave();
            self.periodic();
            if self.stopping && !more {
                return;
            }
            if !more {
                self.wait();
            }
        }
    }

    /// Feeds the engine one event and does what it asks for.
    fn handle(&mut self, now: Now, event: Event) -> bool {
        self.engine.handle(now, event);
        self.drain_commands()
    }

    /// `true`: there was something to do.
    fn drain_commands(&mut self) -> bool {
        let mut any = false;
        loop {
            while let Some(command) = self.engine.poll_command() {
                any = true;
                self.execute(command);
            }
            let Some(event) = self.feedback.pop_front() else {
                return any;
            };
            let now = self.shared.clock.now();
            self.engine.handle(now, event);
        }
    }

    fn beat(&self) {
        let tick = self.shared.clock.tick().0.max(1);
        self.shared.counters.beat.store(tick, Ordering::Release);
        self.shared.counters.due.store(tick, Ordering::Release);
    }

    /// Whether the host wants to be told of other changes of state than before.
    fn watch(&mut self) {
        let wanted = self.shared.flags.watch.load(Ordering::Acquire);
        if wanted != self.watched {
            self.watched = wanted;
            self.engine.watch(crate::watch::watch_of(wanted));
        }
    }

    fn take_inputs(&mut self) {
        for _ in 0..limits::INPUTS_PER_TURN {
            let Ok(input) = self.received.inputs.try_recv() else {
                return;
            };
            self.take_input(input);
        }
    }

    fn take_input(&mut self, input: Input) {
        let now = self.shared.clock.now();
        match input {
            Input::LinkUp { epoch } => {
                let epoch = Epoch(epoch);
                self.handle(now, Event::Link(Link::Up { epoch }));
            }
            Input::LinkDown => {
                self.handle(now, Event::Link(Link::Down));
                self.publish_leases();
            }
            Input::Down(down) => self.take_down(now, *down),
            Input::Journal(notice) => self.take_notice(now, notice),
            Input::Drain(on) => self.drain(now, on),
            Input::Agent { name, what, reply } => self.agent(now, &name, what, &reply),
            Input::Inbound(call, ask) => self.inbound(now, call, ask),
            Input::Look(look) => look(&self.engine, now),
            Input::Snapshot(reply) => {
                let snapshot = self.snapshot(now);
                drop(reply.try_send(Box::new(snapshot)));
            }
            Input::Stop => self.stopping = true,
            #[cfg(feature = "fault-injection")]
            Input::Panic => panic!("injected"),
        }
    }

    /// The engine says at once whether the agent can do it.
    fn agent(&mut self, now: Now, name: &str, what: AgentEvent, reply: &Asker) {
        let Some(agent) = self.engine.agent_id(name) else {
            drop(reply.try_send(None));
            return;
        };
        self.asker = Some(reply.clone());
        let event = Event::Agent {
            agent,
            what,
            request: Some(OURS),
        };
        self.handle(now, event);
        self.asker = None;
    }

    /// The engine says at once whether it takes the call.
    fn inbound(&mut self, now: Now, call: Box<Inbound>, ask: inbound::Ask) {
        let taken = call.claim == Claim::Taken;
        let (campaign, lease) = (call.campaign.0, call.lead.id.0);
        if !ask.begin() {
            inbound::give_back(&self.shared, campaign, taken.then_some(lease));
            return;
        }
        self.caller = Some(ask);
        let request = OURS;
        self.handle(now, Event::Inbound { request, call });
    }

    fn drain(&mut self, now: Now, on: bool) {
        self.shared.flags.draining.store(on, Ordering::Release);
        if on {
            self.let_agents_in();
        }
        self.handle(now, Event::Drain(on));
    }

    fn take_notice(&mut self, now: Now, notice: Notice) {
        match notice {
            Notice::Durable(token) => {
                self.starts.durable(now.tick, token);
            }
            Notice::Refused(token) => {
                if let Some(leg) = self.starts.refused(token) {
                    let why = Refusal::Journal;
                    self.handle(now, Event::Refused { leg, why });
                }
            }
            Notice::Writable(writable) => {
                self.handle(now, Event::JournalWritable(writable));
            }
        }
    }

    /// Takes what has come together, then does what follows from all of it. `true`: there is more.
    fn take_events(&mut self) -> bool {
        let mut urgent: Option<Tick> = None;
        let mut more = true;
        for _ in 0..limits::EVENTS_PER_TURN {
            let Ok(posted) = self.received.events.try_recv() else {
                more = false;
                break;
            };
            if posted.urgent {
                urgent.get_or_insert(posted.at);
            }
            self.take_event(posted);
        }
        if self.drain_commands()
            && let Some(at) = urgent
        {
            let us = self.shared.clock.tick() - at;
            self.shared.latency.record(us.0);
        }
        more && !self.shared.is_poisoned()
    }

    /// The engine gets the agents who came early.
    fn let_agents_in(&mut self) {
        self.configured = true;
        for posted in std::mem::take(&mut self.early) {
            self.shared.slots.give_back(posted.slot);
            self.handle(self.shared.clock.now(), posted.event);
        }
    }

    /// An agent came and left before the sidecar did: the engine never hears of it.
    fn forget_early(&mut self, gone: &SessionId) {
        let slots = &self.shared.slots;
        self.early.retain(|posted| {
            let is_gone =
                matches!(&posted.event, Event::Session { session, .. } if session == gone);
            if is_gone {
                slots.give_back(posted.slot);
            }
            !is_gone
        });
    }

    fn take_event(&mut self, posted: Posted) {
        if !self.configured
            && let Event::Session { session, what } = &posted.event
        {
            if matches!(what, SessionEvent::Gone | SessionEvent::Refused) {
                self.forget_early(session);
                self.shared.slots.give_back(posted.slot);
            } else {
                self.early.push_back(posted);
            }
            return;
        }
        self.shared.slots.give_back(posted.slot);
        self.engine.handle(self.shared.clock.now(), posted.event);
    }

    fn work_off_deadlines(&mut self) {
        let now = self.shared.clock.now();
        if self
            .engine
            .poll_timeout()
            .is_some_and(|(at, _)| at <= now.tick)
        {
            self.engine.handle_timeout(now);
            self.drain_commands();
        }
    }

    fn periodic(&mut self) {
        let instant = Instant::now();
        if instant >= self.load_at {
            self.load_at = instant + limits::LOAD;
            let load = self.shared.host.load();
            let counters = &self.shared.counters;
            let jobs = load.waiting.saturating_add(load.running);
            counters.pool_jobs.store(jobs, Ordering::Release);
            counters
                .pool_oldest_ms
                .store(load.oldest_ms, Ordering::Release);
        }
        if instant >= self.reconcile_at {
            self.reconcile_at = instant + limits::RECONCILE;
            self.reconcile();
        }
        self.publish();
        if instant >= self.snapshot_at {
            self.snapshot_at = instant + limits::SNAPSHOT;
            self.publish_leases();
            if self.shared.flags.linked.load(Ordering::Acquire) {
                let snapshot = self.snapshot(self.shared.clock.now());
                let message = Up::Snapshot(Box::new(snapshot));
                self.shared.outbox.send(&self.shared, message);
            }
        }
    }

    /// Figures for other threads.
    fn publish(&self) {
        let counters = &self.shared.counters;
        let totals = self.engine.totals();
        counters.live_attempts.store(totals.live, Ordering::Release);
        counters
            .stray_in_engine
            .store(totals.stray, Ordering::Release);
    }

    /// What a reconnect tells the sidecar.
    fn publish_leases(&self) {
        let leases = self.engine.leases().into_iter().map(|lease| lease.0);
        let leases = leases.take(limits::LEASES).collect();
        *self.shared.leases() = leases;
    }

    fn snapshot(&self, now: Now) -> Snapshot {
        convert::snapshot(self.engine.snapshot(now), self.shared.clock, now)
    }

    /// Compares the engine, and the reserved places, with what the host holds.
    fn reconcile(&mut self) {
        // Before the visit: a place that is taken during it is not looked for.
        let (leg_places, session_places) = (self.shared.slots.legs(), self.shared.slots.sessions());
        let live = self.shared.host.visit_live();
        let foreign = live.legs.len();
        let legs: BTreeSet<LegId> = live
            .legs
            .iter()
            .filter_map(|id| self.shared.host.parse_leg(id))
            .collect();
        if legs.len() < foreign {
            self.shared.log(
                Level::Warn,
                "the host holds legs that are not this node's; they are left alone",
            );
        }
        let sessions: BTreeSet<SessionId> = live
            .sessions
            .into_iter()
            .map(|id| SessionId(id.into()))
            .collect();
        let waiting: BTreeSet<LegId> = self.starts.legs().collect();
        let event = Event::Reconcile {
            legs: legs.union(&waiting).copied().collect(),
            sessions: if self.configured {
                sessions.iter().cloned().collect()
            } else {
                Vec::new()
            },
        };
        self.handle(self.shared.clock.now(), event);
        let lost_legs: BTreeSet<LegId> = leg_places.difference(&legs).copied().collect();
        let lost_sessions: BTreeSet<SessionId> =
            session_places.difference(&sessions).cloned().collect();
        for leg in lost_legs.intersection(&self.absent.0) {
            if self.shared.slots.end_leg(*leg) {
                self.shared.slots.give_back(Slot::Leg);
            }
        }
        for session in lost_sessions.intersection(&self.absent.1) {
            if self.shared.slots.end_session(session) {
                self.shared.slots.give_back(Slot::Session);
            }
        }
        self.absent = (lost_legs, lost_sessions);
    }

    /// Sleeps until there is something to do.
    fn wait(&self) {
        let clock = self.shared.clock;
        let mut until = Instant::now() + limits::TURN;
        until = until.min(self.reconcile_at).min(self.load_at);
        let deadline = self.engine.poll_timeout().map(|(at, _)| at);
        for at in deadline.into_iter().chain(self.starts.next()) {
            until = until.min(clock.instant(at));
        }
        let left = until.saturating_duration_since(Instant::now());
        let due = Tick(clock.tick().0 + crate::clock::micros(left));
        self.shared.counters.due.store(due.0, Ordering::Release);
        self.shared.mailbox.bell.sleep(clock, until, || {
            self.received.events.is_empty()
                && self.received.inputs.is_empty()
                && !self.shared.is_poisoned()
        });
    }
}
