//! The model sidecar with its database: leads, leases, claims on numbers, results.

mod asked;
mod callers;

use std::collections::{BTreeMap, BTreeSet};

use outdial_engine::config::{CampaignConfig, RetryPolicy};
use outdial_engine::{
    After, AgentId, AttemptResult, AttemptsInARow, Callback, CampaignId, Epoch, Event, LeadId,
    LeadNext, LeadNumber, Lease, LeaseId, ListId, Number, Owner, Record, Span, Wall,
};

use super::plan::Fault;
use super::setup::{Callees, SKILLS, number};
use super::stage::{Happening, Stage, chance, exponential, pick, whole};
use crate::chance::Chance;

/// A lease holds so long unless it is renewed.
const LEASE_MS: i64 = 120_000;
/// Numbers whose window opens within this time are leased already.
const EARLY_MS: i64 = 60_000;
/// Leads that one request looks at in vain.
const NOT_NOW: usize = 50;
/// How numbers begin that are in several lists.
const SHARED: &str = "5510";
const HOUR_MS: i64 = 3_600_000;

/// What the store does after a while.
#[derive(Clone, Debug)]
pub(crate) enum StoreAct {
    /// Answers a request for leads of this connection.
    Grant(u32, CampaignId, u32),
    /// Moves the expiry of everything that is leased.
    Renew,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ready,
    Leased(LeaseId),
    Dialing(LeaseId),
    Done,
}

#[derive(Clone, Debug)]
struct Lead {
    campaign: CampaignId,
    numbers: Vec<(Number, u16)>,
    window: (Wall, Wall),
    attempts: u16,
    next_at: Wall,
    next_position: usize,
    status: Status,
    /// Never again, whatever the result says.
    closed: bool,
    /// It was done before somebody called and it was leased for that: if nothing comes of it, it is
    /// done again.
    was_done: bool,
    owner: Option<AgentId>,
    skill: Option<&'static str>,
    last: Option<AttemptsInARow>,
    callback: Option<Callback>,
}

/// Leads of all campaigns and who holds them.
pub(crate) struct Store {
    callees: BTreeMap<CampaignId, Callees>,
    policies: BTreeMap<CampaignId, RetryPolicy>,
    /// Campaigns that calls may come in for.
    take_calls: BTreeSet<CampaignId>,
    agents: u32,
    leads: BTreeMap<LeadId, Lead>,
    due: BTreeMap<CampaignId, BTreeSet<(Wall, LeadId)>>,
    dealt: BTreeMap<CampaignId, u32>,
    leases: BTreeMap<LeaseId, LeadId>,
    claims: BTreeMap<Number, LeaseId>,
    forbidden: BTreeSet<Number>,
    last_lease: u64,
    last_request: u64,
    /// The connection that is up, if one is.
    pub(crate) up: bool,
    pub(crate) connection: u32,
    pub(crate) epoch: Epoch,
    /// Records that wait for the link.
    outbox: Vec<Record>,
    chance: Chance,
}

impl Store {
    pub(crate) fn new(seed: u64, agents: u32, callees: BTreeMap<CampaignId, Callees>) -> Store {
        Store {
            callees,
            policies: BTreeMap::new(),
            take_calls: BTreeSet::new(),
            agents,
            leads: BTreeMap::new(),
            due: BTreeMap::new(),
            dealt: BTreeMap::new(),
            leases: BTreeMap::new(),
            claims: BTreeMap::new(),
            forbidden: BTreeSet::new(),
            last_lease: 0,
            last_request: 0,
            up: false,
            connection: 0,
            epoch: Epoch(1),
            outbox: Vec::new(),
            chance: chance(seed, "store", 0),
        }
    }

    /// The store leases by the rules that it has written itself.
    pub(crate) fn configure(&mut self, campaign: &CampaignConfig) {
        self.policies.insert(campaign.id, campaign.retry.clone());
        match callers::takes_calls(campaign) {
            true => self.take_calls.insert(campaign.id),
            false => self.take_calls.remove(&campaign.id),
        };
    }

    pub(crate) fn act(&mut self, stage: &mut Stage, act: StoreAct) {
        match act {
            StoreAct::Grant(connection, campaign, count) => {
                if self.up && connection == self.connection {
                    self.grant(stage, campaign, count);
                }
            }
            StoreAct::Renew => {
                stage.plan_in(Span::seconds(30), Happening::Store(StoreAct::Renew));
                if self.up {
                    let leases: Vec<LeaseId> = self.leases.keys().copied().collect();
                    let expires_at = Wall(stage.now.wall.0 + LEASE_MS);
                    self.send(stage, Event::Renewed { leases, expires_at });
                }
            }
        }
    }

    /// A record of the engine's journal. While the link is down it is kept.
    pub(crate) fn record(&mut self, stage: &Stage, record: &Record) {
        self.outbox.push(record.clone());
        if self.up {
            self.flush(stage.now.wall);
        }
    }

    pub(crate) fn need(&mut self, stage: &mut Stage, campaign: CampaignId, count: u32) {
        if self.up {
            let after = Span::ms(whole(&mut self.chance, 3, 40));
            let grant = StoreAct::Grant(self.connection, campaign, count);
            stage.plan_in(after, Happening::Store(grant));
        }
    }

    /// Leases that come back unused; their leads are due again at `at`.
    pub(crate) fn give_back(&mut self, leases: &[LeaseId], at: Wall) {
        if self.up {
            for lease in leases {
                self.free(*lease, at);
            }
        }
    }

    fn flush(&mut self, now: Wall) {
        for record in std::mem::take(&mut self.outbox) {
            match record {
                Record::Started(started) => {
                    let lead = self.leads.get_mut(&started.lead);
                    if let Some(lead) = lead.filter(|l| l.status == Status::Leased(started.lease)) {
                        lead.status = Status::Dialing(started.lease);
                    }
                }
                Record::Ended(result) => self.settle(&result, now),
                Record::Answered { .. }
                | Record::Bridged { .. }
                | Record::MessageStarted { .. } => {}
            }
        }
    }

    fn settle(&mut self, result: &AttemptResult, now: Wall) {
        let Some(id) = self.leases.remove(&result.lease) else {
            return;
        };
        self.claims.retain(|_, lease| *lease != result.lease);
        let Some(lead) = self.leads.get_mut(&id) else {
            return;
        };
        if result.charged {
            lead.attempts += 1;
            if let Some((_, attempts)) = lead.numbers.get_mut(usize::from(result.position)) {
                *attempts += 1;
            }
        }
        if result.legs > 0 {
            let outcome = match result.disposition.as_deref().map(|said| said.after) {
                Some(After::RetryAs(outcome)) => outcome,
                Some(After::Final | After::Callback { .. }) | None => result.outcome,
            };
            let before = lead.last.filter(|last| last.outcome == outcome);
            let count = before.map_or(1, |last| last.count + 1);
            lead.last = Some(AttemptsInARow { outcome, count });
        }
        lead.status = Status::Done;
        lead.was_done = false;
        lead.callback = None;
        let (at, position) = match result.next {
            LeadNext::Done { .. } => return,
            LeadNext::Retry { at, position } => (at, position),
            LeadNext::Callback {
                at,
                position,
                agent,
                tries,
            } => {
                lead.callback = Some(Callback { agent, tries });
                (at, position)
            }
        };
        if !lead.closed {
            lead.next_position = usize::from(position);
            self.ready(id, at.max(now));
        }
    }

    fn ready(&mut self, id: LeadId, at: Wall) {
        if let Some(lead) = self.leads.get_mut(&id) {
            lead.status = Status::Ready;
            lead.next_at = at;
            self.due.entry(lead.campaign).or_default().insert((at, id));
        }
    }

    /// A lease that was not used is over; one under which a call was started is not.
    fn free(&mut self, lease: LeaseId, at: Wall) {
        let Some(id) = self.leases.get(&lease).copied() else {
            return;
        };
        let Some(lead) = self.leads.get_mut(&id) else {
            return;
        };
        if lead.status != Status::Leased(lease) {
            return;
        }
        lead.status = Status::Done;
        let closed = lead.closed || std::mem::take(&mut lead.was_done);
        self.leases.remove(&lease);
        self.claims.retain(|_, claim| *claim != lease);
        if !closed {
            self.ready(id, at);
        }
    }

    fn send(&mut self, stage: &mut Stage, event: Event) {
        let draw = &mut self.chance;
        if stage.has(Fault::Lost) && draw.happens(0.01) {
            return;
        }
        let mut after = || match stage.has(Fault::Late) && draw.happens(0.02) {
            true => exponential(draw, 2_000),
            false => Span::ms(2),
        };
        let first = after();
        let second = after();
        let twice = stage.has(Fault::Doubled) && self.chance.happens(0.03);
        let boxed = Box::new(event);
        if twice {
            let again = Happening::FromStore(self.connection, boxed.clone());
            stage.plan_in(Span(second.0 + 500_000), again);
        }
        stage.plan_in(first, Happening::FromStore(self.connection, boxed));
    }

    fn grant(&mut self, stage: &mut Stage, campaign: CampaignId, count: u32) {
        let now = stage.now.wall;
        let mut leases = Vec::new();
        let count = usize::try_from(count).unwrap_or(0);
        for _ in 0..count + NOT_NOW {
            if leases.len() >= count {
                break;
            }
            let next = self.due.get(&campaign).and_then(|due| due.first().copied());
            let id = match next.filter(|(at, _)| *at <= now) {
                Some((at, id)) => {
                    if let Some(due) = self.due.get_mut(&campaign) {
                        due.remove(&(at, id));
                    }
                    id
                }
                None => match self.new_lead(stage, campaign) {
                    Some(id) => id,
                    None => break,
                },
            };
            leases.extend(self.lease(id, now));
        }
        let next_due = match leases.is_empty() {
            true => self.due.get(&campaign).and_then(|due| Some(due.first()?.0)),
            false => None,
        };
        self.send(
            stage,
            Event::Leases {
                campaign,
                leases,
                next_due,
            },
        );
    }

    fn new_lead(&mut self, stage: &Stage, campaign: CampaignId) -> Option<LeadId> {
        let callees = self.callees.get(&campaign).copied()?;
        let dealt = self.dealt.entry(campaign).or_default();
        if *dealt >= callees.leads {
            return None;
        }
        *dealt += 1;
        let n = u32::try_from(campaign.0).unwrap_or(0) * 2_000_000 + *dealt;
        let draw = &mut self.chance;
        let mut numbers: Vec<(Number, u16)> = Vec::new();
        for position in 0..[1, 1, 2, 3][pick(draw, 4)] {
            // Some numbers are in several lists; in one lead each is once.
            let drawn = match draw.happens(0.03) {
                true => number(SHARED, whole(draw, 0, 30)),
                false => {
                    let prefix = if draw.happens(0.2) { "5512" } else { "5511" };
                    number(prefix, n * 4 + position)
                }
            };
            let drawn = drawn.filter(|number| numbers.iter().all(|(n, _)| n != number));
            numbers.extend(drawn.map(|number| (number, 0)));
        }
        let start = stage.start();
        let window = match draw.happens(callees.windows) {
            true => {
                let opens = i64::from(whole(draw, 0, 480)) * 60_000;
                let length = i64::from(whole(draw, 5, 300)) * 60_000;
                (
                    Wall(start.0 + opens - HOUR_MS),
                    Wall(start.0 + opens + length),
                )
            }
            false => (Wall(start.0 - 100 * HOUR_MS), Wall(start.0 + 100 * HOUR_MS)),
        };
        let owned = draw.happens(callees.owned);
        let lead = Lead {
            campaign,
            numbers,
            window,
            attempts: 0,
            next_at: stage.now.wall,
            next_position: 0,
            status: Status::Ready,
            closed: false,
            was_done: false,
            owner: owned.then(|| AgentId(u64::from(whole(draw, 1, self.agents)))),
            skill: draw.happens(0.2).then(|| SKILLS[pick(draw, SKILLS.len())]),
            last: None,
            callback: None,
        };
        let id = LeadId(u64::from(n));
        self.leads.insert(id, lead);
        Some(id)
    }

    /// `None`: not now, or never again.
    fn lease(&mut self, id: LeadId, now: Wall) -> Option<Lease> {
        let lead = self.leads.get_mut(&id)?;
        let policy = self.policies.get(&lead.campaign)?;
        let (opens, closes) = lead.window;
        let called_back = lead.callback.is_some();
        let spent = lead.attempts >= policy.max_attempts && !called_back;
        let over = now >= closes || lead.closed;
        let usable = |(_, (number, attempts)): &(usize, &(Number, u16))| {
            let spent = *attempts >= policy.max_attempts_per_number && !called_back;
            !spent && !self.forbidden.contains(number)
        };
        let count = lead.numbers.len();
        let all: Vec<(usize, &(Number, u16))> = (lead.next_position..lead.next_position + count)
            .map(|i| (i % count, &lead.numbers[i % count]))
            .filter(usable)
            .collect();
        if spent || over || all.is_empty() {
            lead.status = Status::Done;
            return None;
        }
        let claimed = all
            .iter()
            .any(|(_, (number, _))| self.claims.contains_key(number));
        if claimed || opens.0 - EARLY_MS > now.0 {
            let at = if claimed {
                Wall(now.0 + 60_000)
            } else {
                Wall(opens.0 - EARLY_MS)
            };
            self.ready(id, at);
            return None;
        }
        self.last_lease += 1;
        let lease = Lease {
            id: LeaseId(self.last_lease),
            lead: id,
            list: ListId(id.0 % 3),
            weight: u32::try_from(id.0 % 3 + 1).unwrap_or(1),
            priority: i32::try_from(id.0 % 2).unwrap_or(0) + 1_000 * i32::from(called_back),
            owner: lead
                .callback
                .and_then(|c| c.agent)
                .or(lead.owner)
                .map(|agent| {
                    let until = (!id.0.is_multiple_of(4)).then_some(Wall(now.0 + 40_000));
                    Box::new(Owner { agent, until })
                }),
            skill: lead.skill.map(Into::into),
            last: lead.last,
            callback: lead.callback.map(Box::new),
            attempts: lead.attempts,
            numbers: all
                .into_iter()
                .map(|(position, (number, attempts))| LeadNumber {
                    number: number.clone(),
                    position: u8::try_from(position).unwrap_or(0),
                    attempts: *attempts,
                    not_before: opens,
                    not_after: closes,
                })
                .collect(),
            expires_at: Wall(now.0 + LEASE_MS),
        };
        lead.status = Status::Leased(lease.id);
        self.leases.insert(lease.id, id);
        for number in &lease.numbers {
            self.claims.insert(number.number.clone(), lease.id);
        }
        Some(lease)
    }

    /// The link is down.
    pub(crate) fn hang_up(&mut self) {
        self.up = false;
        self.connection += 1;
    }

    /// The link is up again; `held` is what the engine holds. With a new epoch all that was leased
    /// and not begun is given away.
    pub(crate) fn connect(&mut self, now: Wall, held: &[LeaseId], new_epoch: bool) {
        self.up = true;
        self.connection += 1;
        self.flush(now);
        self.epoch.0 += u32::from(new_epoch);
        let held: BTreeSet<LeaseId> = held.iter().copied().collect();
        let loose: Vec<LeaseId> = self
            .leases
            .keys()
            .filter(|lease| new_epoch || !held.contains(lease))
            .copied()
            .collect();
        for lease in loose {
            self.free(lease, now);
        }
    }
}
