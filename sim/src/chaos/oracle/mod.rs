//! What must hold whatever happens. It sees the events that reach the engine, the engine's commands
//! and what really happened in the PBX; how the workload comes by them it does not know.

mod after;
mod agents;
mod attempts;
mod books;
mod callers;
mod dials;
mod lines;
mod notices;
mod phones;
mod rate;
mod room;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use outdial_engine::attempt::Outcome;
use outdial_engine::config::{CampaignConfig, CampaignState, ConfigChange, Settings};
use outdial_engine::{
    AttemptId, CampaignId, Claim, Command, Dismissal, Epoch, Event, LeadId, Lease, LeaseId,
    LegEvent, LegId, Link, Now, Number, Record, SessionEvent, SessionId, Tick, TrunkId, Wall,
};

use super::pbx::Fact;
use rate::TrunkBook;

pub(super) type Verdict = Result<(), String>;

/// What became of a lease that the engine was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The engine has it and has not begun.
    Held,
    /// An attempt has begun under it.
    InUse,
    /// Taken back by the store.
    Revoked,
    /// Of an epoch that is over.
    Void,
}

#[derive(Clone, Debug)]
struct LeaseBook {
    lease: Lease,
    campaign: CampaignId,
    fate: Fate,
    epoch: Option<Epoch>,
    /// An agent asked for it, saw it first, or has it alone.
    personal: bool,
}

#[derive(Clone, Debug)]
struct Try {
    lease: LeaseId,
    lead: LeadId,
    number: Number,
    campaign: CampaignId,
    leg: LegId,
    trunk: TrunkId,
    caller_id: Number,
    originated: bool,
    /// It came in.
    inbound: bool,
    /// For one agent alone.
    personal: bool,
    /// It may still need an agent who is free.
    in_flight: bool,
}

/// A leg that is really in the PBX.
#[derive(Clone, Copy, Debug)]
struct LegBook {
    trunk: TrunkId,
    answered: bool,
}

#[derive(Clone, Debug)]
struct CampaignBook {
    config: CampaignConfig,
    removed: bool,
    /// The cap on live attempts before it was changed, and when that was.
    capped_before: (Tick, u32),
    /// The same mode all the time.
    steady: bool,
    abandoned: u64,
    served: u64,
    live_most: u64,
}

#[derive(Clone, Debug, Default)]
struct LeadBook {
    charged: u16,
    by_number: BTreeMap<Number, u16>,
    /// Attempts in a row with one outcome.
    row: Option<(Outcome, u16)>,
}

/// The books and the rules.
pub(super) struct Oracle {
    leases: BTreeMap<LeaseId, LeaseBook>,
    /// Given back, used up, or revoked before they came.
    settled: BTreeSet<LeaseId>,
    tries: BTreeMap<AttemptId, Try>,
    ended: BTreeSet<AttemptId>,
    leads: BTreeMap<LeadId, LeadBook>,
    legs: BTreeMap<LegId, LegBook>,
    trunks: BTreeMap<TrunkId, TrunkBook>,
    campaigns: BTreeMap<CampaignId, CampaignBook>,
    settings: Settings,
    forbidden: BTreeSet<Number>,
    shown: BTreeMap<Number, u32>,
    epoch: Option<Epoch>,
    linked: bool,
    link_down_since: Option<Tick>,
    journal_bad: bool,
    draining: bool,
    /// Sessions that the engine was told of, by agent's name.
    sessions: BTreeMap<SessionId, String>,
    /// What keeps an answered call from its agent without pacing being to blame.
    excused: u64,
    suspects: books::Suspects,
    phones: phones::PhoneBook,
    notices: notices::Notices,
    lines: lines::Lines,
    callers: callers::Callers,
    agents: agents::Agents,
    pub(super) dials: u64,
    pub(super) results: u64,
    pub(super) by_outcome: BTreeMap<Outcome, u64>,
}

impl Oracle {
    pub(super) fn new() -> Oracle {
        Oracle {
            leases: BTreeMap::new(),
            settled: BTreeSet::new(),
            tries: BTreeMap::new(),
            ended: BTreeSet::new(),
            leads: BTreeMap::new(),
            legs: BTreeMap::new(),
            trunks: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            settings: Settings::default(),
            forbidden: BTreeSet::new(),
            shown: BTreeMap::new(),
            epoch: None,
            linked: false,
            link_down_since: None,
            journal_bad: false,
            draining: false,
            sessions: BTreeMap::new(),
            excused: 0,
            suspects: books::Suspects::default(),
            phones: phones::PhoneBook::default(),
            notices: notices::Notices::default(),
            lines: lines::Lines::default(),
            callers: callers::Callers::default(),
            agents: agents::Agents::default(),
            dials: 0,
            results: 0,
            by_outcome: BTreeMap::new(),
        }
    }

    /// The engine is about to be told this.
    pub(super) fn told(&mut self, now: Now, event: &Event) {
        self.phones.told(event);
        self.agents.told(event);
        self.excused += self.lines.told(now, event);
        match event {
            Event::Leases {
                campaign, leases, ..
            } => {
                for lease in leases {
                    let personal = lease.owner.is_some();
                    self.granted(*campaign, lease, personal);
                }
            }
            Event::Manual {
                campaign, lease, ..
            } => self.granted(*campaign, lease, true),
            Event::Inbound { request, call } => {
                if call.claim == Claim::Taken {
                    self.granted(call.campaign, &call.lead, true);
                }
                let may = self.may_take(call.campaign);
                self.callers.told(*request, call, may);
            }
            Event::Renewed { leases, expires_at } => self.renewed(leases, *expires_at),
            Event::Revoke(leases) => self.revoked(leases),
            Event::DoNotCall(numbers) => self.forbidden.extend(numbers.iter().cloned()),
            Event::Link(link) => self.link(now, *link),
            Event::Queue { .. } => {}
            Event::JournalWritable(writable) => self.journal_bad = !writable,
            Event::Drain(on) => self.draining = *on,
            Event::Config(change) => self.configured(now, change),
            Event::Session { session, what } => self.session(session, what),
            Event::Agent { .. } | Event::Dispose { .. } => self.excused += 1,
            Event::Leg {
                what: LegEvent::ConnectFailed { .. },
                ..
            } => self.excused += 1,
            Event::Leg {
                leg,
                what: LegEvent::Ready { .. },
            } => self.callers.ready(*leg),
            Event::Refused { leg, .. } => {
                if let Some(book) = self.tries.get(&leg.attempt).filter(|t| t.leg == *leg)
                    && let Some(trunk) = self.trunks.get_mut(&book.trunk)
                {
                    trunk.give_back(now.tick, *leg);
                }
            }
            Event::Leg { .. }
            | Event::Probed { .. }
            | Event::Reconcile { .. }
            | Event::Check { .. }
            | Event::TestCall { .. } => {}
        }
    }

    fn granted(&mut self, campaign: CampaignId, lease: &Lease, personal: bool) {
        // One that is granted twice is one lease all the same.
        if self.settled.contains(&lease.id) {
            return;
        }
        self.leases.entry(lease.id).or_insert(LeaseBook {
            lease: lease.clone(),
            campaign,
            fate: Fate::Held,
            epoch: self.epoch,
            personal,
        });
    }

    fn renewed(&mut self, leases: &[LeaseId], expires_at: Wall) {
        for lease in leases {
            if let Some(book) = self.leases.get_mut(lease) {
                book.lease.expires_at = expires_at;
            }
        }
    }

    fn revoked(&mut self, leases: &[LeaseId]) {
        for lease in leases {
            match self.leases.get_mut(lease) {
                Some(book) => book.fate = Fate::Revoked,
                None => {
                    self.settled.insert(*lease);
                }
            }
        }
    }

    fn link(&mut self, now: Now, link: Link) {
        match link {
            Link::Up { epoch } => {
                self.linked = true;
                self.link_down_since = None;
                if self.epoch != Some(epoch) {
                    self.epoch = Some(epoch);
                    for book in self.leases.values_mut() {
                        book.fate = Fate::Void;
                    }
                }
            }
            Link::Down => {
                self.linked = false;
                self.link_down_since.get_or_insert(now.tick);
            }
        }
    }

    fn session(&mut self, session: &SessionId, what: &SessionEvent) {
        match what {
            SessionEvent::Entered { agent, .. } => {
                self.sessions.insert(session.clone(), agent.to_string());
            }
            SessionEvent::Gone | SessionEvent::Refused => {
                self.excused += 1;
                self.sessions.remove(session);
            }
            SessionEvent::Waiting => {}
        }
    }

    fn configured(&mut self, now: Now, change: &ConfigChange) {
        match change {
            ConfigChange::Settings(settings) => self.settings = settings.clone(),
            ConfigChange::Campaign(config) => {
                let config = (**config).clone();
                let book = self.campaigns.entry(config.id).or_insert(CampaignBook {
                    config: config.clone(),
                    removed: false,
                    capped_before: (Tick(0), 0),
                    steady: true,
                    abandoned: 0,
                    served: 0,
                    live_most: 0,
                });
                let same = book.config.mode == config.mode && book.config.queue == config.queue;
                book.steady &= same && !book.removed;
                if book.config.max_concurrent > config.max_concurrent {
                    book.capped_before = (now.tick, book.config.max_concurrent);
                }
                book.config = config;
                book.removed = false;
            }
            ConfigChange::CampaignRemoved(id) => {
                if let Some(book) = self.campaigns.get_mut(id) {
                    book.removed = true;
                }
            }
            ConfigChange::Trunk(config) => match self.trunks.get_mut(&config.id) {
                Some(book) => book.configure(now.tick, config.clone()),
                None => {
                    self.trunks
                        .insert(config.id, TrunkBook::new(now.tick, config.clone()));
                }
            },
            ConfigChange::TrunkRemoved(id) => {
                if let Some(book) = self.trunks.get_mut(id) {
                    book.removed = true;
                }
            }
            ConfigChange::Agent(config) => self.agents.configured(config),
            ConfigChange::Routes(_)
            | ConfigChange::AgentRemoved(_)
            | ConfigChange::Abandons { .. }
            | ConfigChange::CallerIdsShown(_) => {}
        }
    }

    /// The engine asked for this.
    pub(super) fn asked(&mut self, now: Now, command: &Command) -> Verdict {
        self.lines.nobody_waits_too_long(now)?;
        self.in_the_queue(now, command)?;
        self.agents.asked(command)?;
        self.keeps_promises(command)?;
        self.lands(command);
        match command {
            Command::Journal(Record::Started(started)) => self.started(started),
            Command::Journal(Record::Ended(result)) => self.result(now, result),
            Command::Originate(originate) => self.originate(now, originate),
            Command::ReturnLeases { leases, .. } => {
                leases.iter().try_for_each(|lease| self.given_back(*lease))
            }
            Command::DeferLease { lease, .. } => self.given_back(*lease),
            Command::Preview { lease, .. } => {
                if let Some(book) = self.leases.get_mut(lease) {
                    book.personal = true;
                }
                Ok(())
            }
            Command::Notice(notice) => self.notices.told(notice),
            Command::Ring(ring) => self.phones.rings(ring),
            Command::Dismiss { session, why } => self.dismissed(session, *why),
            Command::ConfigRefused { what, error } => Err(format!("{what} was refused: {error}")),
            Command::Release { leg, .. } => self.callers.let_go(now, *leg),
            Command::InboundTaken { request, result } => {
                self.callers.answered(now, *request, result)
            }
            Command::Journal(
                Record::Answered { .. } | Record::Bridged { .. } | Record::MessageStarted { .. },
            )
            | Command::Connect { .. }
            | Command::Play { .. }
            | Command::LeaveMessage { .. }
            | Command::Enqueue { .. }
            | Command::Dequeue { .. }
            | Command::WatchQueue { .. }
            | Command::Hangup { .. }
            | Command::Probe { .. }
            | Command::NeedLeads { .. }
            | Command::CampaignChecked { .. }
            | Command::Checked { .. }
            | Command::Done { .. }
            | Command::AgentChanged { .. }
            | Command::PreviewOver { .. }
            | Command::ManualPlaced { .. }
            | Command::TestCallStep { .. }
            | Command::Log(_) => Ok(()),
        }
    }

    fn given_back(&mut self, lease: LeaseId) -> Verdict {
        let Some(book) = self.leases.get(&lease) else {
            return Err(format!(
                "lease {lease} is given back, and was settled before or never granted"
            ));
        };
        match book.fate {
            Fate::Held => {
                self.leases.remove(&lease);
                self.settled.insert(lease);
                Ok(())
            }
            // What the store has taken back may come back all the same.
            Fate::Revoked | Fate::Void => Ok(()),
            Fate::InUse => Err(format!(
                "lease {lease} is given back while a call is dialed with it"
            )),
        }
    }

    fn dismissed(&self, session: &SessionId, why: Dismissal) -> Verdict {
        if why != Dismissal::Duplicate {
            return Ok(());
        }
        let agent = self.sessions.get(session);
        let others = self
            .sessions
            .iter()
            .filter(|(id, name)| *id != session && Some(*name) == agent);
        match others.count() {
            0 => Err(format!(
                "session {session} is dismissed as a duplicate and is the only one"
            )),
            _ => Ok(()),
        }
    }

    /// This really happened in the PBX.
    pub(super) fn happened(&mut self, fact: &Fact) {
        match fact {
            Fact::Answered(leg) => {
                if let Some(book) = self.legs.get_mut(leg) {
                    book.answered = true;
                }
            }
            Fact::Ended { leg, person } => {
                self.excused += u64::from(*person);
                self.legs.remove(leg);
                self.callers.gone(*leg);
            }
            Fact::Refused(leg) => {
                self.legs.remove(leg);
            }
            Fact::Left(_, session) => self.phones.gone(session),
            Fact::Miscounted(queue) => {
                // What is predicted from wrong figures is nobody's fault.
                let on_queue = |book: &&mut CampaignBook| book.config.queue.as_ref() == Some(queue);
                let books = self.campaigns.values_mut().filter(on_queue);
                books.for_each(|book| book.steady = false);
            }
            Fact::RungInVain(_) => self.excused += 1,
        }
    }

    fn is_running(&self, id: CampaignId) -> Option<CampaignState> {
        let book = self.campaigns.get(&id)?;
        Some(if book.removed {
            CampaignState::Stopped
        } else {
            book.config.state
        })
    }
}
