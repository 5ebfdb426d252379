//! The engine: one mutation at a time.

mod agents;
mod answers;
mod calls;
mod checks;
mod configure;
mod desk;
mod dial;
mod finish;
mod inbound;
mod leads;
mod learn;
mod pace;
mod parting;
mod personal;
mod phones;
mod queues;
mod surplus;
mod view;
mod waiting;
mod watch;
mod why;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::agent::Agent;
use crate::attempt::{State, Trigger, next};
use crate::attempts::Attempts;
use crate::caller_id::Shown;
use crate::campaign::Campaign;
use crate::command::{Command, Level, LogLine};
use crate::config::Settings;
use crate::deadline::{Deadlines, Owner, Why};
use crate::dirty::Dirty;
use crate::event::{Event, Link};
use crate::granted::Granted;
use crate::ids::{AgentId, AttemptId, CampaignId, Epoch, LegId, RequestId, SessionId, TrunkId};
use crate::notice::Watch;
use crate::number::Number;
use crate::predict::View;
use crate::rng::Rng;
use crate::routes::Routes;
use crate::snapshot::{Snapshot, Totals};
use crate::time::{Now, Tick};
use crate::trunk::Trunk;

use checks::Question;
pub(crate) use inbound::Caller;
use inbound::Calling;
use learn::Step;
use queues::Queues;

/// The state machine. Feed it with [`Engine::handle`] and [`Engine::handle_timeout`], then drain
/// [`Engine::poll_command`], then wait for the next event or for [`Engine::poll_timeout`].
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    campaigns: BTreeMap<CampaignId, Campaign>,
    trunks: BTreeMap<TrunkId, Trunk>,
    routes: Routes,
    /// How often each caller id was shown.
    shown: Shown,
    agents: BTreeMap<AgentId, Agent>,
    agent_names: BTreeMap<Arc<str>, AgentId>,
    sessions: BTreeMap<SessionId, AgentId>,
    attempts: Attempts,
    /// Queues of the PBX that running campaigns name, and what is known of them.
    queues: Queues,
    /// Answered calls that wait for an agent, over all campaigns, and callers.
    waiting: usize,
    /// Who calls us just now.
    callers: Calling,
    /// Attempts that wait for a trunk.
    queued: BTreeSet<AttemptId>,
    questions: BTreeMap<RequestId, Question>,
    last_question: u64,
    do_not_call: BTreeMap<Number, Tick>,
    /// Leases that were granted lately.
    granted: Granted,
    /// What the last reconciliation found and the engine did not know.
    unknown: (BTreeSet<LegId>, BTreeSet<SessionId>),
    deadlines: Deadlines,
    dirty: Dirty,
    commands: VecDeque<Command>,
    /// Something was taken in, last at this time, and what follows from it is not decided.
    unsettled: Option<Now>,
    epoch: Option<Epoch>,
    attempt_counter: u32,
    ring_counter: u32,
    linked: bool,
    /// Since when the sidecar is gone.
    unlinked_since: Option<Tick>,
    journal_writable: bool,
    draining: bool,
    pbx_resting_until: Tick,
    dialing: u32,
    totals: Totals,
    rng: Rng,
    /// Of the routes that are weighed just now. Kept for its memory, as is the next one.
    weights: Vec<u32>,
    /// What the prediction looks at.
    seen: View,
    /// Which changes of state are told.
    watch: Watch,
}

impl Engine {
    /// A new engine. `seed` decides everything that looks random.
    #[must_use]
    pub fn new(seed: u64) -> Engine {
        Engine {
            settings: Settings::default(),
            campaigns: BTreeMap::new(),
            trunks: BTreeMap::new(),
            routes: Routes::default(),
            shown: Shown::default(),
            agents: BTreeMap::new(),
            agent_names: BTreeMap::new(),
            sessions: BTreeMap::new(),
            attempts: Attempts::default(),
            queues: Queues::new(),
            waiting: 0,
            callers: Calling::default(),
            queued: BTreeSet::new(),
            questions: BTreeMap::new(),
            last_question: 0,
            do_not_call: BTreeMap::new(),
            granted: Granted::default(),
            unknown: (BTreeSet::new(), BTreeSet::new()),
            deadlines: Deadlines::default(),
            dirty: Dirty::default(),
            commands: VecDeque::new(),
            unsettled: None,
            epoch: None,
            attempt_counter: 0,
            ring_counter: 0,
            linked: false,
            unlinked_since: None,
            journal_writable: true,
            draining: false,
            pbx_resting_until: Tick(0),
            dialing: 0,
            totals: Totals::default(),
            rng: Rng::new(seed),
            weights: Vec::new(),
            seen: View::default(),
            watch: Watch::default(),
        }
    }

    /// Takes in one event.
    pub fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Leg { leg, what } => self.leg_event(now, leg, what),
            Event::Refused { leg, why } => self.leg_refused(now, leg, why),
            Event::Session { session, what } => self.session_event(now, session, what),
            Event::Agent {
                agent,
                what,
                request,
            } => {
                let result = self.agent_event(now, agent, what);
                self.done(request, result);
            }
            Event::Dispose {
                request,
                attempt,
                said,
            } => {
                let result = self.dispose_live(attempt, said);
                self.done(Some(request), result);
            }
            Event::Manual {
                request,
                agent,
                campaign,
                lease,
            } => self.manual(now, request, agent, campaign, *lease),
            Event::Inbound { request, call } => self.inbound(now, request, *call),
            Event::Probed { request, answer } => self.probed(now, request, answer),
            Event::Queue { queue, counts } => self.queue_counted(&queue, counts),
            Event::Reconcile { legs, sessions } => self.reconcile(now, legs, sessions),
            Event::Config(change) => self.configure(now, change),
            Event::Leases {
                campaign,
                leases,
                next_due,
            } => {
                self.leases_granted(now, campaign, leases, next_due);
            }
            Event::Renewed { leases, expires_at } => self.leases_renewed(&leases, expires_at),
            Event::Revoke(leases) => self.leases_revoked(now, &leases),
            Event::DoNotCall(numbers) => self.forbid(now, numbers),
            Event::Link(link) => self.link_changed(now, link),
            Event::JournalWritable(writable) => {
                self.journal_writable = writable;
                self.all_dirty();
            }
            Event::Drain(on) => self.drain(now, on),
            Event::Check { request, campaign } => self.check_asked(now, request, campaign),
            Event::TestCall {
                request,
                trunk,
                number,
                caller_id,
            } => {
                self.test_call(now, request, trunk, number, caller_id);
            }
        }
        self.unsettled = Some(now);
    }

    /// Works off every deadline that is due.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((at, owner, why)) = self.deadlines.pop_due(now.tick) {
            if !self.is_armed(at, owner, why) {
                continue;
            }
            match owner {
                Owner::Attempt(id) => self.attempt_due(now, id, why),
                Owner::Agent(id) => self.agent_due(now, id, why),
                Owner::Campaign(id) => {
                    if let Some(campaign) = self.campaigns.get_mut(&id) {
                        campaign.pace_at = None;
                    }
                    self.dirty.insert(id);
                }
                Owner::Probe(id) => self.probed(now, id, 0),
            }
        }
        self.unsettled = Some(now);
    }

    /// The next thing to do, or `None` until something happens. What follows from all that was
    /// taken in since the last one is decided here, once: who comes with many events at a time has
    /// them weighed together.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.commands.is_empty() {
            let now = self.unsettled.take()?;
            self.settle(now);
            self.forget_cancelled();
        }
        self.commands.pop_front()
    }

    /// When [`Engine::handle_timeout`] must be called at the latest, and what for. Valid when
    /// [`Engine::poll_command`] has nothing more.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Tick, Why)> {
        self.deadlines.first().map(|(at, _, why)| (at, why))
    }

    /// The state for people.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Snapshot {
        self.view(now)
    }

    /// Totals alone: cheap enough for every turn of the pump.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            live: self.attempts.len() as u64,
            dialing: u64::from(self.dialing),
            leases: self.campaigns.values().map(|c| c.hopper.len() as u64).sum(),
            ..self.totals
        }
    }

    /// Leases in hand, those of live attempts included: what a reconnect tells the sidecar.
    #[must_use]
    pub fn leases(&self) -> Vec<crate::ids::LeaseId> {
        let mut all: Vec<_> = self
            .campaigns
            .values()
            .flat_map(|c| c.hopper.ids())
            .collect();
        all.extend(
            self.attempts
                .values()
                .filter_map(|a| a.lead().map(|(lease, _)| lease.id))
                // A call that came in may have none.
                .filter(|lease| *lease != crate::ids::LeaseId::NONE),
        );
        let previews = self.agents.values().filter_map(|a| a.preview.as_ref());
        all.extend(previews.map(|preview| preview.lease.id));
        all.sort();
        all
    }

    fn push(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    fn log(&mut self, level: Level, text: impl Into<String>) {
        self.push(Command::Log(LogLine {
            level,
            text: text.into(),
        }));
    }

    /// Tells whoever asked whether it was possible.
    fn done(&mut self, request: Option<RequestId>, result: Result<(), &'static str>) {
        self.totals.stray += u64::from(result.is_err());
        if let Some(request) = request {
            let result = result.map_err(ToOwned::to_owned);
            self.push(Command::Done { request, result });
        }
    }

    fn all_dirty(&mut self) {
        self.dirty.replace(self.campaigns.keys().copied());
    }

    /// A deadline holds as long as its owner says so: cancelling is forgetting it there.
    fn is_armed(&self, at: Tick, owner: Owner, why: Why) -> bool {
        let own = match owner {
            Owner::Attempt(id) => self.attempts.get(&id).and_then(|a| a.deadline),
            Owner::Agent(id) => self.agents.get(&id).and_then(|a| a.deadline),
            Owner::Campaign(id) => {
                let at = self.campaigns.get(&id).and_then(|c| c.pace_at);
                at.map(|at| (at, Why::Pace))
            }
            Owner::Probe(id) => self
                .questions
                .get(&id)
                .map(|q| (q.due(), Why::ProbeTimeout)),
        };
        own == Some((at, why))
    }

    /// Nobody is woken for what was cancelled, and not too much of it is kept.
    fn forget_cancelled(&mut self) {
        while let Some((at, owner, why)) = self.deadlines.first() {
            if self.is_armed(at, owner, why) {
                break;
            }
            self.deadlines.pop_first();
        }
        let live = self.attempts.len() + self.agents.len() + self.campaigns.len();
        if self.deadlines.len() > 4 * live + 1_000 {
            let mut deadlines = std::mem::take(&mut self.deadlines);
            deadlines.retain(|at, owner, why| self.is_armed(at, owner, why));
            self.deadlines = deadlines;
        }
    }

    /// Agents for those who wait, trunks for those who failed over, then new calls.
    fn settle(&mut self, now: Now) {
        if self.waiting > 0 {
            self.serve_waiting(now);
        }
        self.serve_queued(now);
        self.serve_owners(now);
        self.pace_dirty(now);
        self.send_home(now);
    }

    /// Moves an attempt along the table: counters, deadline of the old state cancelled. A final
    /// state takes the attempt out. `false`: the table refuses, and nothing happened.
    fn advance(&mut self, now: Now, id: AttemptId, trigger: Trigger) -> bool {
        let from = self.step(now, id, trigger);
        if let Some(from) = from {
            self.note_call(id, from);
        }
        from.is_some()
    }

    /// As [`Self::advance`], and tells nobody: gives the state that it left.
    fn step(&mut self, now: Now, id: AttemptId, trigger: Trigger) -> Option<State> {
        let attempt = self.attempts.get_mut(&id)?;
        let from = attempt.state;
        let Some(to) = next(from, trigger) else {
            self.totals.illegal += 1;
            self.log(
                Level::Debug,
                format!("attempt {id}: {trigger:?} in {from} refused"),
            );
            return None;
        };
        attempt.state = to;
        attempt.since = now.tick;
        attempt.deadline = None;
        let campaign = attempt.campaign();
        let (began, voicemail) = (attempt.began, attempt.voicemail);
        let (personal, late) = (attempt.for_agent.is_some(), attempt.late);
        let inbound = attempt.inbound.is_some();
        if from.is_dialing() && !to.is_dialing() {
            self.dialing = self.dialing.saturating_sub(1);
        } else if !from.is_dialing() && to.is_dialing() {
            self.dialing += 1;
        }
        if from == State::Queued {
            self.queued.remove(&id);
        } else if to == State::Queued {
            self.queued.insert(id);
        }
        if let Some(campaign) = campaign {
            if let Some(campaign) = self.campaigns.get_mut(&campaign) {
                campaign.count(from, false, personal);
                campaign.count(to, true, personal);
            }
            let step = Step {
                from,
                to,
                voicemail,
                personal,
                late,
            };
            if !inbound {
                self.learn_of_attempt(now, campaign, (id, began), step);
            }
            // How far a dial has come is looked at with the next decision.
            if !(from.is_dialing() && to.is_dialing()) {
                self.dirty.insert(campaign);
            }
        }
        if from == State::AwaitingAgent {
            self.stop_waiting(id);
        }
        if let State::Final(outcome) = to {
            self.finish(now, id, from, outcome);
        }
        Some(from)
    }

    /// Sets the attempt's one deadline.
    fn arm(&mut self, id: AttemptId, at: Tick, why: Why) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.deadline = Some((at, why));
        self.deadlines.arm(at, Owner::Attempt(id), why);
    }

    fn link_changed(&mut self, now: Now, link: Link) {
        match link {
            Link::Up { epoch } => {
                if self.epoch != Some(epoch) {
                    // Leases of another epoch are void: the store has given them away.
                    self.end_previews(now, |_| true);
                    for campaign in self.campaigns.values_mut() {
                        campaign.hopper.drain();
                    }
                    self.epoch = Some(epoch);
                    self.attempt_counter = 0;
                }
                self.linked = true;
                self.unlinked_since = None;
                for campaign in self.campaigns.values_mut() {
                    campaign.asking = crate::campaign::Asking::default();
                }
            }
            Link::Down => {
                self.linked = false;
                self.unlinked_since.get_or_insert(now.tick);
            }
        }
        self.all_dirty();
    }
}
