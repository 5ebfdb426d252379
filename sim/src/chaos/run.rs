//! One run: the loop over the virtual clock, and who gets which command.

use outdial_engine::config::ConfigChange;
use outdial_engine::{CampaignId, Command, Engine, Event, Link, Probe, Record, Span, Tick, Watch};

use super::callers::{CallerAct, Callers};
use super::desk::{Desk, DeskAct, Manual};
use super::oracle::Oracle;
use super::pbx::{Fact, Pbx};
use super::plan::ChaosPlan;
use super::setup::{QUEUES, Setup, queue_name};
use super::stage::{Happening, Stage};
use super::store::{Store, StoreAct};
use super::trouble::{Trouble, Troubles};

/// Deadlines that may be worked off at one instant before the engine is taken to spin.
const AT_ONCE: u32 = 100;
/// Deadlines in one virtual second that bring nothing about, for each campaign.
const IDLE_PER_SECOND: u32 = 100;
/// Commands that one event may bring.
const COMMANDS: u32 = 100_000;
/// Requests for leads in one virtual minute, for each campaign.
const REQUESTS_PER_MINUTE: u32 = 3_000;
/// After the drain everything is over within this time: the longest call and wrap-up, a message,
/// and a few reconciliations.
const DRAINED: Span = Span::seconds(900 + 3_600 + 600);
const MINUTE: Span = Span::seconds(60);

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub seeds: u64,
    /// Virtual minutes, drains included.
    pub minutes: u64,
    /// Events that the engine took in.
    pub events: u64,
    /// Legs dialed.
    pub dials: u64,
    /// Attempts ended.
    pub results: u64,
    /// Of which a person was connected or heard the message.
    pub completed: u64,
    /// Of which a person got no agent.
    pub abandoned: u64,
    /// Agents' phones that were picked up.
    pub picked_up: u64,
    /// Calls that members of queues have taken.
    pub taken: u64,
    /// People who called in and got an agent.
    pub served: u64,
}

impl Tally {
    /// Adds another run's.
    pub fn add(&mut self, other: &Tally) {
        self.seeds += other.seeds;
        self.minutes += other.minutes;
        self.events += other.events;
        self.dials += other.dials;
        self.results += other.results;
        self.completed += other.completed;
        self.abandoned += other.abandoned;
        self.picked_up += other.picked_up;
        self.taken += other.taken;
        self.served += other.served;
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, {at} into {plan}", at = clock(*.at))]
pub struct Failure {
    /// What was played.
    pub plan: ChaosPlan,
    /// When.
    pub at: Tick,
    /// Which rule, and how.
    pub what: String,
}

fn clock(at: Tick) -> String {
    let ms = at.0 / 1_000;
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{h}:{m:02}:{s:02}.{:03}", ms % 1_000)
}

struct Run<'a> {
    engine: Engine,
    stage: Stage,
    setup: Setup,
    pbx: Pbx,
    desk: Desk,
    callers: Callers,
    store: Store,
    troubles: Troubles,
    oracle: Oracle,
    events: u64,
    requests: u32,
    /// The virtual second, and the deadlines in it that brought nothing about.
    idle: (u64, u32),
    trace: Option<Trace<'a>>,
}

/// Who wants to read along: a line for each event and command.
pub type Trace<'a> = &'a mut dyn FnMut(&str);

/// Plays a plan.
///
/// # Errors
/// The first rule that was broken.
pub fn run(plan: &ChaosPlan) -> Result<Tally, Failure> {
    run_traced(plan, None)
}

/// Plays a plan, for somebody who reads along.
///
/// # Errors
/// The first rule that was broken.
pub fn run_traced(plan: &ChaosPlan, trace: Option<Trace<'_>>) -> Result<Tally, Failure> {
    run_watched(plan, Watch::default(), trace)
}

/// As [`run_traced`], with an engine that tells of changes of state.
///
/// # Errors
/// The first rule that was broken.
pub fn run_watched(
    plan: &ChaosPlan,
    watch: Watch,
    trace: Option<Trace<'_>>,
) -> Result<Tally, Failure> {
    let mut stage = Stage::new(plan);
    let setup = Setup::new(plan);
    let mut engine = Engine::new(plan.seed);
    engine.watch(watch);
    let mut run = Run {
        engine,
        pbx: Pbx::new(plan.seed, setup.callees.clone()),
        desk: Desk::new(
            &mut stage,
            setup.agents.values().map(|a| (a.id, a.phone.is_some())),
        ),
        store: Store::new(plan.seed, plan.agents, setup.callees.clone()),
        troubles: Troubles::new(&mut stage),
        callers: Callers::new(&mut stage),
        oracle: Oracle::new(),
        events: 0,
        requests: 0,
        idle: (0, 0),
        trace,
        stage,
        setup,
    };
    let played = run.play();
    let at = run.stage.now.tick;
    played.map_err(|what| Failure {
        plan: plan.clone(),
        at,
        what,
    })?;
    let of = |outcome| run.oracle.by_outcome.get(&outcome).copied().unwrap_or(0);
    Ok(Tally {
        seeds: 1,
        minutes: at.0 / MINUTE.0,
        events: run.events,
        dials: run.oracle.dials,
        results: run.oracle.results,
        completed: of(outdial_engine::attempt::Outcome::Completed),
        abandoned: of(outdial_engine::attempt::Outcome::Abandoned),
        picked_up: run.pbx.picked_up,
        taken: run.pbx.taken,
        served: run.pbx.served,
    })
}

type Played = Result<(), String>;

impl Run<'_> {
    fn play(&mut self) -> Played {
        if self.stage.plan.queues > 0 {
            let names: Vec<_> = (1..=QUEUES).map(queue_name).collect();
            self.pbx.open_queues(&mut self.stage, &names);
        }
        self.link_up(false)?;
        let renew = Happening::Store(StoreAct::Renew);
        self.stage.plan_in(Span::seconds(30), renew);
        self.stage.plan_in(Span::seconds(30), Happening::Reconcile);
        self.stage.plan_in(MINUTE, Happening::Inspect);
        let end = Tick(0) + Span::seconds(self.stage.plan.minutes.saturating_mul(60));
        while self.turn(end)? {}
        self.stage.set(end);
        self.close()?;
        let latest = end + DRAINED;
        while !self.is_over() && self.turn(latest)? {}
        let view = self.engine.snapshot(self.stage.now);
        self.oracle
            .all_over(&view, &self.engine.leases(), &self.pbx)
    }

    /// Nothing new goes wrong, and everybody goes home.
    fn close(&mut self) -> Played {
        self.stage.closing = true;
        self.pbx.journal_bad = false;
        self.pbx.queues_go(&mut self.stage, false);
        self.tell(Event::JournalWritable(true))?;
        if !self.store.up {
            self.link_up(false)?;
        }
        self.tell(Event::Drain(true))
    }

    fn is_over(&self) -> bool {
        let live = self.engine.totals().live > 0 || self.pbx.legs().next().is_some();
        let view = || self.engine.snapshot(self.stage.now);
        !live && self.pbx.sessions().next().is_none() && view().agents.is_empty()
    }

    /// Works off the next instant; `false`: it lies behind `end`.
    fn turn(&mut self, end: Tick) -> Result<bool, String> {
        let due = self.engine.poll_timeout().map(|(at, _)| at);
        let next = self.stage.queue.next().into_iter().chain(due).min();
        let Some(next) = next.filter(|next| *next < end) else {
            return Ok(false);
        };
        self.stage.set(next.max(self.stage.now.tick));
        let now = self.stage.now.tick;
        while let Some(what) = self.stage.queue.pop(now) {
            self.happen(what)?;
        }
        let mut turns = 0;
        while self.engine.poll_timeout().is_some_and(|(at, _)| at <= now) {
            turns += 1;
            if turns > AT_ONCE {
                let why = self.engine.poll_timeout().map(|(_, why)| why.name());
                return Err(format!(
                    "the engine makes no progress: {why:?} is always due"
                ));
            }
            self.engine.handle_timeout(self.stage.now);
            if self.obey()? == 0 {
                self.idles()?;
            }
        }
        Ok(true)
    }

    /// A deadline brought nothing about. That happens, but an engine that does nothing else takes a
    /// whole core.
    fn idles(&mut self) -> Played {
        let second = self.stage.now.tick.0 / 1_000_000;
        if self.idle.0 != second {
            self.idle = (second, 0);
        }
        self.idle.1 += 1;
        match self.idle.1 > IDLE_PER_SECOND * self.stage.plan.campaigns {
            true => Err("the engine wakes up again and again for nothing".into()),
            false => Ok(()),
        }
    }

    fn tell(&mut self, event: Event) -> Played {
        self.events += 1;
        if let Some(trace) = &mut self.trace {
            trace(&format!("{} > {event:?}", clock(self.stage.now.tick)));
        }
        self.oracle.told(self.stage.now, &event);
        self.engine.handle(self.stage.now, event);
        self.obey().map(|_| ())
    }

    /// Does what the engine asks for; tells how many things that were.
    fn obey(&mut self) -> Result<u32, String> {
        for done in 0..COMMANDS {
            let Some(command) = self.engine.poll_command() else {
                return Ok(done);
            };
            if let Some(trace) = &mut self.trace {
                trace(&format!("{} < {command:?}", clock(self.stage.now.tick)));
            }
            self.oracle.asked(self.stage.now, &command)?;
            self.execute(&command)?;
        }
        Err("the engine asks for things without end".into())
    }

    fn execute(&mut self, command: &Command) -> Played {
        let stage = &mut self.stage;
        match command {
            Command::Originate(originate) => {
                let name = originate.account.get(1..).and_then(|n| n.parse().ok());
                let campaign = CampaignId(name.unwrap_or(0));
                self.pbx.originate(stage, originate, campaign);
            }
            Command::Connect { leg, session } => self.pbx.connect(stage, *leg, session.clone()),
            Command::Play { leg, .. } | Command::LeaveMessage { leg, .. } => {
                self.pbx.play(stage, *leg)
            }
            Command::Release { leg, .. } => self.pbx.release(stage, *leg),
            Command::Hangup { leg, .. } => self.pbx.hang_up(stage, *leg),
            Command::Dismiss { session, .. } => self.pbx.dismiss(stage, session.clone()),
            Command::Probe { request, what } => {
                let there = match what {
                    Probe::Queue(queue) => self.pbx.has_queue(queue),
                    Probe::Endpoint { .. }
                    | Probe::Target(_)
                    | Probe::Sound(_)
                    | Probe::Amd { .. }
                    | Probe::AmdArguments { .. }
                    | Probe::Application(_) => true,
                };
                let (request, answer) = (*request, u32::from(there));
                let answer = Box::new(Event::Probed { request, answer });
                stage.plan_in(Span::ms(3), Happening::Arrives(answer));
            }
            Command::NeedLeads { campaign, count } => {
                self.requests += 1;
                self.store.need(stage, *campaign, *count);
            }
            Command::Journal(record) => {
                if let Record::Started(started) = record {
                    self.callers.dialed(stage, &self.store, started);
                }
                self.store.record(stage, record);
            }
            Command::ReturnLeases { leases, .. } => {
                self.store.give_back(leases, stage.now.wall);
            }
            Command::DeferLease { lease, until, .. } => self.store.give_back(&[*lease], *until),
            Command::AgentChanged { agent, state, .. } => self.desk.shows(stage, *agent, *state),
            Command::Preview { agent, lease, .. } => self.desk.previews(stage, *agent, *lease),
            Command::Ring(ring) => self.pbx.ring(stage, ring),
            Command::Enqueue { leg, queue } => self.pbx.enqueue(stage, *leg, queue),
            Command::Dequeue { leg } => self.pbx.dequeue(stage, *leg),
            Command::WatchQueue { queue, on } => self.pbx.watch_queue(stage, queue, *on),
            Command::InboundTaken { request, result } => {
                let caller = self.callers.answered(*request);
                if let (Some(caller), Ok(call)) = (caller, result) {
                    self.pbx.takes_in(stage, *call, caller);
                }
            }
            Command::ConfigRefused { .. }
            | Command::CampaignChecked { .. }
            | Command::Checked { .. }
            | Command::Done { .. }
            | Command::PreviewOver { .. }
            | Command::ManualPlaced { .. }
            | Command::TestCallStep { .. }
            | Command::Notice(_)
            | Command::Log(_) => {}
        }
        Ok(())
    }

    fn happen(&mut self, what: Happening) -> Played {
        match what {
            Happening::Arrives(event) => self.tell(*event)?,
            Happening::FromStore(connection, event) => {
                if self.store.up && connection == self.store.connection {
                    self.tell(*event)?;
                }
            }
            Happening::Pbx(act) => self.pbx.act(&mut self.stage, act),
            Happening::Desk(act) => self.desk_acts(act),
            Happening::Caller(act) => self.caller_acts(act)?,
            Happening::Store(act) => self.store.act(&mut self.stage, act),
            Happening::Trouble(trouble) => self.trouble(trouble)?,
            Happening::Reconcile => {
                self.stage.plan_in(Span::seconds(30), Happening::Reconcile);
                self.tell(self.pbx.reconcile())?;
            }
            Happening::Inspect => self.inspect()?,
        }
        for fact in std::mem::take(&mut self.pbx.facts) {
            self.oracle.happened(&fact);
            if let Fact::Left(agent, session) = &fact {
                self.desk.left(&mut self.stage, *agent, session);
            }
        }
        Ok(())
    }

    fn desk_acts(&mut self, act: DeskAct) {
        let wish = self.desk.act(&mut self.stage, &mut self.pbx, act);
        let Some(Manual(agent)) = wish else { return };
        let config = self.setup.agents.get(&agent);
        let campaign = config.and_then(|config| config.campaigns.first());
        if let Some(campaign) = campaign.map(|member| member.campaign) {
            self.store.manual(&mut self.stage, agent, campaign);
        }
    }

    fn caller_acts(&mut self, act: CallerAct) -> Played {
        match self.callers.act(&mut self.stage, &mut self.store, act) {
            Some(event) => self.tell(event),
            None => Ok(()),
        }
    }

    fn inspect(&mut self) -> Played {
        self.stage.plan_in(MINUTE, Happening::Inspect);
        let campaigns = self.stage.plan.campaigns;
        if self.requests > REQUESTS_PER_MINUTE * campaigns {
            return Err(format!("{} requests for leads in a minute", self.requests));
        }
        self.requests = 0;
        let view = self.engine.snapshot(self.stage.now);
        let held = self.engine.leases();
        self.oracle.inspect(self.stage.now, &view, &held, &self.pbx)
    }

    fn trouble(&mut self, trouble: Trouble) -> Played {
        if self.stage.closing {
            return Ok(());
        }
        let next = match trouble {
            Trouble::LinkDown => Trouble::LinkUp,
            Trouble::LinkUp => Trouble::LinkDown,
            Trouble::JournalBad => Trouble::JournalGood,
            Trouble::JournalGood => Trouble::JournalBad,
            Trouble::Drain => Trouble::GoOn,
            Trouble::GoOn => Trouble::Drain,
            Trouble::QueuesGone => Trouble::QueuesBack,
            Trouble::QueuesBack => Trouble::QueuesGone,
            same
            @ (Trouble::ClockStep | Trouble::Change | Trouble::Revoke | Trouble::DoNotCall) => same,
        };
        self.troubles.again(&mut self.stage, next);
        match trouble {
            Trouble::LinkDown => {
                self.store.hang_up();
                self.tell(Event::Link(Link::Down))?;
            }
            Trouble::LinkUp => {
                let new_epoch = self.troubles.new_epoch(&self.stage);
                self.link_up(new_epoch)?;
            }
            Trouble::ClockStep => {
                self.stage.skew_ms += self.troubles.step_ms(self.stage.skew_ms);
                self.stage.set(self.stage.now.tick);
            }
            Trouble::JournalBad | Trouble::JournalGood => {
                self.pbx.journal_bad = trouble == Trouble::JournalBad;
                let event = Box::new(Event::JournalWritable(!self.pbx.journal_bad));
                self.stage.plan_in(Span::ms(50), Happening::Arrives(event));
            }
            Trouble::Drain => self.tell(Event::Drain(true))?,
            Trouble::GoOn => self.tell(Event::Drain(false))?,
            Trouble::Change if self.store.up => {
                for change in self.troubles.change(&mut self.stage, &mut self.setup) {
                    self.configure(change)?;
                }
            }
            Trouble::Change => {}
            Trouble::Revoke => self.store.revoke(&mut self.stage),
            Trouble::DoNotCall => self.store.forbid(&mut self.stage),
            Trouble::QueuesGone => self.pbx.queues_go(&mut self.stage, true),
            Trouble::QueuesBack => self.pbx.queues_go(&mut self.stage, false),
        }
        Ok(())
    }

    /// A connection begins with everything that the store has to say.
    fn link_up(&mut self, new_epoch: bool) -> Played {
        let held = self.engine.leases();
        self.store.connect(self.stage.now.wall, &held, new_epoch);
        let epoch = self.store.epoch;
        self.tell(Event::Link(Link::Up { epoch }))?;
        let setup = self.setup.clone();
        self.configure(ConfigChange::Settings(setup.settings))?;
        for trunk in setup.trunks.into_values() {
            self.configure(ConfigChange::Trunk(trunk))?;
        }
        self.configure(ConfigChange::Routes(setup.routes))?;
        for campaign in setup.campaigns.into_values() {
            self.configure(ConfigChange::Campaign(Box::new(campaign)))?;
        }
        for agent in setup.agents.into_values() {
            self.configure(ConfigChange::Agent(agent))?;
        }
        Ok(())
    }

    fn configure(&mut self, change: ConfigChange) -> Played {
        if let ConfigChange::Campaign(config) = &change {
            self.store.configure(config);
        }
        self.tell(Event::Config(change))
    }
}
