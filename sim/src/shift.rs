//! One team at work in a world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outdial_engine::config::{AgentConfig, ConfigChange, Settings};
use outdial_engine::{
    AgentEvent, AgentId, Command, Engine, Epoch, Event, LegEnd, LegEvent, LegId, Link, Now,
    SessionEvent, SessionId, Span, Tick, Verdict, Wall, limits,
};

use crate::book::Book;
use crate::chance::span;
use crate::error::SimError;
use crate::figures::Figures;
use crate::leads::Leads;
use crate::plan::{CAMPAIGN, Plan, route};
use crate::queue::Queue;
use crate::world::{Change, Dice, Fate, Tells};

/// The safe-harbour message.
const MESSAGE: Span = Span::seconds(5);
/// The wall clock when a shift begins: 2026-01-05T09:00:00Z, a Monday.
const MORNING_MS: i64 = 1_767_603_600_000;
/// The events of one instant that the engine may give rise to; more is an endless loop.
const AT_ONCE: u32 = 1_000_000;

/// Something that the model makes happen.
#[derive(Clone, Debug)]
enum Happening {
    Change(Change),
    Rings(LegId),
    Fails(LegId),
    Answers(LegId, bool),
    Told(LegId, Verdict),
    Ended(LegId),
    Played(LegId),
    TalkEnds(LegId, AgentId),
    Ready(AgentId),
}

/// A leg in the model PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leg {
    Dialing,
    Machine,
    Person,
    /// A person whose greeting was over then.
    Waits(Tick),
    Talking,
}

/// An agent in the model.
#[derive(Clone, Debug)]
struct Worker {
    session: SessionId,
    name: Arc<str>,
    logged_in: Option<Tick>,
    /// In talk or wrap-up since.
    busy: Option<Tick>,
    /// To leave when the call is over.
    leaves: bool,
}

/// One shift under way.
pub struct Shift {
    engine: Engine,
    dice: Dice,
    plan: Plan,
    queue: Queue<Happening>,
    legs: BTreeMap<LegId, Leg>,
    workers: BTreeMap<AgentId, Worker>,
    leads: Leads,
    now: Tick,
    book: Book,
    sessions: u64,
    /// How long decisions took, where that is asked for.
    decisions: Option<Vec<Duration>>,
}

impl Shift {
    /// Works a whole shift.
    ///
    /// # Errors
    /// The world or the configuration is impossible, or the engine hangs.
    pub fn work(plan: Plan) -> Result<Figures, SimError> {
        let mut shift = Shift::new(plan)?;
        shift.run()?;
        Ok(shift.book.close())
    }

    /// Works a shift, and measures how long the engine needed for each event that makes it decide
    /// anew, decision and all, after the warm-up.
    ///
    /// # Errors
    /// As of [`Shift::work`].
    pub fn decisions(plan: Plan) -> Result<Vec<Duration>, SimError> {
        let mut shift = Shift::new(plan)?;
        shift.decisions = Some(Vec::new());
        shift.run()?;
        Ok(shift.decisions.unwrap_or_default())
    }

    fn new(plan: Plan) -> Result<Shift, SimError> {
        let dice = Dice::new(&plan.world, plan.seed).map_err(|_| SimError::World)?;
        let mut shift = Shift {
            engine: Engine::new(plan.seed),
            dice,
            queue: Queue::default(),
            legs: BTreeMap::new(),
            workers: BTreeMap::new(),
            leads: Leads::default(),
            now: Tick(0),
            book: Book::new(plan.warm_up),
            sessions: 0,
            decisions: None,
            plan,
        };
        shift.set_up()?;
        Ok(shift)
    }

    fn clock(&self) -> Now {
        let ms = i64::try_from(self.now.0 / 1_000).unwrap_or(i64::MAX);
        Now {
            tick: self.now,
            wall: Wall(MORNING_MS.saturating_add(ms)),
        }
    }

    fn set_up(&mut self) -> Result<(), SimError> {
        let settings = Settings {
            max_concurrent_originates: 2_000,
        };
        self.tell(Event::Config(ConfigChange::Settings(settings)))?;
        self.tell(Event::Config(ConfigChange::Trunk(self.plan.trunk())))?;
        self.tell(Event::Config(ConfigChange::Routes(vec![route()])))?;
        for n in 1..=self.plan.world.agents() {
            let id = AgentId(u64::from(n));
            let name: Arc<str> = format!("{n}").into();
            let config = AgentConfig {
                id,
                name: name.clone(),
                campaigns: vec![CAMPAIGN.into()],
                skills: vec![],
                phone: None,
                ring_timeout_ms: limits::PHONE_RING_MS_DEFAULT,
                pin: false,
            };
            self.tell(Event::Config(ConfigChange::Agent(config)))?;
            let worker = Worker {
                session: SessionId("".into()),
                name,
                logged_in: None,
                busy: None,
                leaves: false,
            };
            self.workers.insert(id, worker);
        }
        let campaign = self.plan.campaign()?;
        campaign
            .validate()
            .map_err(|e| SimError::Config(e.to_string()))?;
        self.tell(Event::Config(ConfigChange::Campaign(Box::new(campaign))))?;
        self.tell(Event::Link(Link::Up { epoch: Epoch(1) }))?;
        for change in self.plan.world.changes.clone() {
            self.queue.plan(
                Tick(0) + Span::seconds(change.at_seconds),
                Happening::Change(change),
            );
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), SimError> {
        let end = Tick(0) + Span::seconds(self.plan.seconds);
        loop {
            let due = self.engine.poll_timeout().map(|(at, _)| at);
            let Some(next) = self.queue.next().into_iter().chain(due).min() else {
                break;
            };
            if next >= end {
                break;
            }
            self.now = self.now.max(next);
            while let Some(what) = self.queue.pop(self.now) {
                self.happen(what)?;
            }
            if due.is_some_and(|at| at <= self.now) {
                self.engine.handle_timeout(self.clock());
                self.obey()?;
            }
        }
        self.now = end;
        for id in self.workers.keys().copied().collect::<Vec<_>>() {
            self.book_busy(id);
            self.book_log_in(id);
        }
        Ok(())
    }

    fn tell(&mut self, event: Event) -> Result<(), SimError> {
        if self.decisions.is_some() && is_decisive(&event) && self.book.counts(self.now) {
            return self.tell_and_measure(event);
        }
        self.engine.handle(self.clock(), event);
        self.obey()
    }

    /// As `tell`: what follows from the event is decided once all that it asks for itself is fetched.
    fn tell_and_measure(&mut self, event: Event) -> Result<(), SimError> {
        let mut commands = Vec::new();
        let now = self.clock();
        let began = Instant::now();
        self.engine.handle(now, event);
        while let Some(command) = self.engine.poll_command() {
            commands.push(command);
        }
        let took = began.elapsed();
        if let Some(times) = &mut self.decisions {
            times.push(took);
        }
        for command in commands {
            self.execute(command)?;
        }
        self.obey()
    }

    fn tell_leg(&mut self, leg: LegId, what: LegEvent) -> Result<(), SimError> {
        self.tell(Event::Leg { leg, what })
    }

    /// Does what the engine asks for until it asks for nothing more.
    fn obey(&mut self) -> Result<(), SimError> {
        for _ in 0..AT_ONCE {
            let Some(command) = self.engine.poll_command() else {
                return Ok(());
            };
            self.execute(command)?;
        }
        Err(SimError::Endless)
    }

    fn execute(&mut self, command: Command) -> Result<(), SimError> {
        match command {
            Command::Originate(originate) => self.dial(originate.leg),
            Command::Connect { leg, session } => return self.connect(leg, session),
            Command::Play { leg, .. } | Command::LeaveMessage { leg, .. } => {
                self.book.abandoned(self.now);
                self.queue.plan(self.now + MESSAGE, Happening::Played(leg));
            }
            Command::Hangup { leg, .. } => self.queue.plan(self.now, Happening::Ended(leg)),
            Command::Probe { request, .. } => {
                self.engine.handle(
                    self.clock(),
                    Event::Probed {
                        request,
                        answer: 1,
                    },
                );
            }
            Command::NeedLeads { campaign, count } => {
                let leases = self.leads.deal(self.clock().wall, count);
                let leases = leases.map_err(|e| SimError::Config(e.to_string()))?;
                self.engine.handle(
                    self.clock(),
                    Event::Leases {
                        campaign,
                        leases,
                        next_due: None,
                    },
                );
            }
            Command::ConfigRefused { what, error } => {
                return Err(SimError::Config(format!("{what}: {error}")));
            }
            Command::Journal(_)
            | Command::Release { .. }
            // Nobody here has a phone, or a queue.
            | Command::Ring(_)
            | Command::Enqueue { .. }
            | Command::Dequeue { .. }
            | Command::WatchQueue { .. }
            | Command::Dismiss { .. }
            | Command::ReturnLeases { .. }
            | Command::CampaignChecked { .. }
            | Command::Checked { .. }
            | Command::AgentChanged { .. }
            | Command::Done { .. }
            | Command::Preview { .. }
            | Command::PreviewOver { .. }
            | Command::DeferLease { .. }
            | Command::ManualPlaced { .. }
            // Nobody here calls.
            | Command::InboundTaken { .. }
            | Command::TestCallStep { .. }
            | Command::Notice(_)
            | Command::Log(_) => {}
        }
        Ok(())
    }

    fn dial(&mut self, leg: LegId) {
        self.book.dialed(self.now);
        self.legs.insert(leg, Leg::Dialing);
        match self.dice.fate() {
            Fate::Fails(after) => self.queue.plan(self.now + after, Happening::Fails(leg)),
            Fate::Rings(after) => self.queue.plan(self.now + after, Happening::Rings(leg)),
            Fate::Person(set_up, ring) => self.ring(leg, set_up, ring, true),
            Fate::Machine(set_up, ring) => self.ring(leg, set_up, ring, false),
        }
    }

    fn ring(&mut self, leg: LegId, set_up: Span, ring: Span, person: bool) {
        self.queue.plan(self.now + set_up, Happening::Rings(leg));
        let answer = self.now + set_up + ring;
        self.queue.plan(answer, Happening::Answers(leg, person));
    }

    fn connect(&mut self, leg: LegId, session: SessionId) -> Result<(), SimError> {
        let agent = self.workers.iter().find(|(_, w)| w.session == session);
        let Some(agent) = agent.map(|(id, _)| *id) else {
            return Ok(());
        };
        let waited = match self.legs.insert(leg, Leg::Talking) {
            Some(Leg::Waits(since)) => self.now - since,
            Some(Leg::Dialing | Leg::Machine | Leg::Person | Leg::Talking) | None => Span(0),
        };
        self.book.connected(self.now);
        if waited > Span::ms(self.plan.connect_limit_ms) {
            self.book.abandoned(self.now);
        }
        if let Some(worker) = self.workers.get_mut(&agent) {
            worker.busy = Some(self.now);
        }
        let talk = self.dice.talk();
        self.queue
            .plan(self.now + talk, Happening::TalkEnds(leg, agent));
        self.engine.handle(
            self.clock(),
            Event::Leg {
                leg,
                what: LegEvent::Bridged { session },
            },
        );
        Ok(())
    }

    fn happen(&mut self, what: Happening) -> Result<(), SimError> {
        match what {
            Happening::Change(change) => self.change(&change),
            Happening::Rings(leg) if self.is(leg, Leg::Dialing) => match self.plan.world.tells {
                Tells::Ringing => self.tell_leg(leg, LegEvent::Ringing),
                Tells::EarlyMedia => self.tell_leg(leg, LegEvent::EarlyMedia),
                Tells::Nothing => Ok(()),
            },
            Happening::Fails(leg) if self.is(leg, Leg::Dialing) => self.end(leg, Some(404)),
            Happening::Answers(leg, person) if self.is(leg, Leg::Dialing) => {
                self.answer(leg, person)
            }
            Happening::Told(leg, verdict)
                if self.is(leg, Leg::Machine) || self.is(leg, Leg::Person) =>
            {
                if verdict == Verdict::Human {
                    self.legs.insert(leg, Leg::Waits(self.now));
                    let ago = Span::default();
                    self.tell_leg(leg, LegEvent::GreetingEnded { ago })?;
                }
                let verdict = Some(verdict);
                self.tell_leg(leg, LegEvent::Ready { verdict })
            }
            Happening::Ended(leg) if self.legs.contains_key(&leg) => self.end(leg, None),
            Happening::Played(leg) if self.legs.contains_key(&leg) => {
                self.tell_leg(leg, LegEvent::Played { whole: true })
            }
            Happening::TalkEnds(leg, agent) => self.talk_ends(leg, agent),
            Happening::Ready(agent) => self.ready(agent),
            // The leg has gone meanwhile.
            Happening::Rings(_)
            | Happening::Fails(_)
            | Happening::Answers(..)
            | Happening::Told(..)
            | Happening::Ended(_)
            | Happening::Played(_) => Ok(()),
        }
    }

    fn is(&self, leg: LegId, state: Leg) -> bool {
        self.legs.get(&leg) == Some(&state)
    }

    fn answer(&mut self, leg: LegId, person: bool) -> Result<(), SimError> {
        let state = if person { Leg::Person } else { Leg::Machine };
        self.legs.insert(leg, state);
        if !person {
            let amd = span(self.plan.world.amd);
            let told = Happening::Told(leg, Verdict::Machine);
            self.queue.plan(self.now + amd, told);
            return self.tell_leg(leg, LegEvent::Answered);
        }
        self.book.answered(self.now);
        self.tell_leg(leg, LegEvent::Answered)?;
        if let Some(amd) = self.dice.amd_person() {
            let told = Happening::Told(leg, Verdict::Human);
            self.queue.plan(self.now + amd, told);
            return Ok(());
        }
        self.legs.insert(leg, Leg::Waits(self.now));
        let verdict = Some(Verdict::Human);
        self.tell_leg(leg, LegEvent::Ready { verdict })
    }

    fn end(&mut self, leg: LegId, sip: Option<u16>) -> Result<(), SimError> {
        self.legs.remove(&leg);
        let end = LegEnd {
            sip,
            q850: Some(16),
            ..LegEnd::default()
        };
        self.tell_leg(leg, LegEvent::Ended(end))
    }

    fn talk_ends(&mut self, leg: LegId, agent: AgentId) -> Result<(), SimError> {
        self.end(leg, None)?;
        if self.plan.wrap_up_ms == 0 {
            self.book_busy(agent);
            if self.workers.get(&agent).is_some_and(|w| w.leaves) {
                return self.leave(agent);
            }
        } else {
            // A little before the engine would end it: then an agent is never on the next call.
            let most = Span::ms(self.plan.wrap_up_ms - 1);
            let wrap_up = self.dice.wrap_up().min(most);
            self.queue.plan(self.now + wrap_up, Happening::Ready(agent));
        }
        let session = self.workers.get(&agent).map(|w| w.session.clone());
        let Some(session) = session else {
            return Ok(());
        };
        let what = SessionEvent::Waiting;
        self.tell(Event::Session { session, what })
    }

    fn ready(&mut self, agent: AgentId) -> Result<(), SimError> {
        self.book_busy(agent);
        let leaves = self.workers.get(&agent).is_some_and(|w| w.leaves);
        if leaves {
            return self.leave(agent);
        }
        let what = AgentEvent::Ready;
        self.tell(Event::Agent {
            agent,
            what,
            request: None,
        })
    }

    fn change(&mut self, change: &Change) -> Result<(), SimError> {
        self.dice.change(change).map_err(|_| SimError::World)?;
        let all: Vec<AgentId> = self.workers.keys().copied().collect();
        for (n, agent) in (0..).zip(all) {
            let there = self
                .workers
                .get(&agent)
                .is_some_and(|w| w.logged_in.is_some());
            let busy = self.workers.get(&agent).is_some_and(|w| w.busy.is_some());
            let wanted = n < change.agents;
            if let Some(worker) = self.workers.get_mut(&agent) {
                worker.leaves = there && !wanted;
            }
            match (there, wanted) {
                (false, true) => self.come(agent)?,
                (true, false) if !busy => self.leave(agent)?,
                (true, _) | (false, false) => {}
            }
        }
        Ok(())
    }

    fn come(&mut self, agent: AgentId) -> Result<(), SimError> {
        self.sessions += 1;
        let session = SessionId(format!("s{}", self.sessions).into());
        let Some(worker) = self.workers.get_mut(&agent) else {
            return Ok(());
        };
        worker.session = session.clone();
        worker.logged_in = Some(self.now);
        worker.leaves = false;
        let name = worker.name.clone();
        let what = SessionEvent::Entered {
            agent: name,
            pin_checked: false,
        };
        self.tell(Event::Session {
            session: session.clone(),
            what,
        })?;
        let what = SessionEvent::Waiting;
        self.tell(Event::Session { session, what })
    }

    fn leave(&mut self, agent: AgentId) -> Result<(), SimError> {
        self.book_log_in(agent);
        let Some(worker) = self.workers.get_mut(&agent) else {
            return Ok(());
        };
        worker.leaves = false;
        let session = worker.session.clone();
        let what = SessionEvent::Gone;
        self.tell(Event::Session { session, what })
    }

    fn book_busy(&mut self, agent: AgentId) {
        let worker = self.workers.get_mut(&agent);
        if let Some(since) = worker.and_then(|w| w.busy.take()) {
            self.book.worked(since, self.now, 0, 1);
        }
    }

    fn book_log_in(&mut self, agent: AgentId) {
        let worker = self.workers.get_mut(&agent);
        if let Some(since) = worker.and_then(|w| w.logged_in.take()) {
            self.book.worked(since, self.now, 1, 0);
        }
    }
}

/// The engine paces at once after it, and not at its next deadline.
fn is_decisive(event: &Event) -> bool {
    matches!(
        event,
        Event::Leg {
            what: LegEvent::Ready { .. } | LegEvent::Ended(_),
            ..
        } | Event::Agent { .. }
    )
}
