//! Events in any order, twice, late or never: the books stay right and everything ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bench::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Lease(u64),
    Enter(u64),
    Waiting(u64),
    Gone(u64),
    /// Something about the n-th leg that was ever dialed.
    Leg(usize, u8, u16),
    Refuse(usize),
    Link(bool),
    Journal(bool),
    Drain(bool),
    Revoke(u64),
    Forbid(u64),
    State(u8),
    Ratio(u32),
    Predict,
    Preview,
    /// Something about the n-th phone that was last rung.
    Phone(usize, u8),
    /// It is picked up, and its agent brought to the customer.
    PickUp(usize),
    /// The n-th leg that was last dialed asks for an agent.
    Ready(usize),
    /// From now on calls go to the queue; this one does, and a member takes it.
    Member(usize),
    /// An agent does something at the desk.
    Desk(u64, u8),
    /// A lead that belongs to an agent.
    Own(u64, u64),
    Manual(u64, u64),
    /// The n-th lead calls; whether it was leased for that, is in hand, or neither.
    Call(u64, u8),
    /// Machines get a message, or none.
    Voicemail(bool),
    /// The campaign's calls go to a queue of the PBX, or not.
    Queue(bool),
    /// What the PBX says of that queue: members, free ones, callers.
    Counts(u32, u32, u32),
    /// An agent belongs to the campaign from now on, or does not.
    Assign(u64, bool),
    Reconcile,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u64..30_000).prop_map(Step::Wait),
        4 => (0u64..2_000).prop_map(Step::Wait),
        4 => (0u64..40).prop_map(Step::Lease),
        3 => (1u64..5).prop_map(Step::Enter),
        6 => (1u64..5).prop_map(Step::Waiting),
        1 => (1u64..5).prop_map(Step::Gone),
        30 => (0usize..60, 0u8..13, prop::sample::select(vec![0u16, 200, 302, 404, 486, 487, 503]))
            .prop_map(|(n, what, sip)| Step::Leg(n, what, sip)),
        1 => (0usize..60).prop_map(Step::Refuse),
        1 => any::<bool>().prop_map(Step::Link),
        1 => any::<bool>().prop_map(Step::Journal),
        1 => any::<bool>().prop_map(Step::Drain),
        1 => (0u64..40).prop_map(Step::Revoke),
        1 => (0u64..40).prop_map(Step::Forbid),
        1 => (0u8..4).prop_map(Step::State),
        1 => (1_000u32..5_000).prop_map(Step::Ratio),
        1 => Just(Step::Predict),
        1 => Just(Step::Preview),
        6 => (0usize..3).prop_map(Step::PickUp),
        4 => (0usize..4).prop_map(Step::Ready),
        6 => (0usize..3, 0u8..8).prop_map(|(n, what)| Step::Phone(n, what)),
        5 => (1u64..7, 0u8..28).prop_map(|(agent, what)| Step::Desk(agent, what)),
        2 => (0u64..40, 1u64..7).prop_map(|(n, agent)| Step::Own(n, agent)),
        2 => (0u64..40, 1u64..7).prop_map(|(n, agent)| Step::Manual(n, agent)),
        3 => (0u64..40, 0u8..6).prop_map(|(n, claim)| Step::Call(n, claim)),
        1 => any::<bool>().prop_map(Step::Voicemail),
        2 => prop::bool::weighted(0.2).prop_map(Step::Queue),
        2 => (0usize..4).prop_map(Step::Member),
        4 => (0u32..6, 0u32..6, 0u32..3)
            .prop_map(|(members, free, callers)| Step::Counts(members, free, callers)),
        1 => (1u64..7, prop::bool::weighted(0.8)).prop_map(|(agent, on)| Step::Assign(agent, on)),
        1 => Just(Step::Reconcile),
    ]
}

const AGENTS: std::ops::Range<u64> = 1..7;

fn has_phone(agent: u64) -> bool {
    agent > 3
}

/// Plays the PBX and the sidecar, and keeps its own books.
struct Oracle {
    bench: Bench,
    config: CampaignConfig,
    /// With a queue, as long as the mode goes with one.
    queue: bool,
    legs: Vec<LegId>,
    /// Those of them that came in.
    callers: Vec<LegId>,
    accepted: BTreeSet<LegId>,
    forbidden: BTreeSet<u64>,
    hangups: BTreeSet<LegId>,
    connects: BTreeMap<LegId, SessionId>,
    sessions: BTreeSet<u64>,
    /// Phones that ring or are off hook, in the order in which they were rung, and how often each
    /// was told to be put on hook.
    phones: Vec<(SessionId, Arc<str>, u32)>,
    /// Manual calls that were asked for and not answered.
    asked: u32,
    /// Agents of the campaign.
    assigned: BTreeSet<u64>,
    leases: u64,
    /// Leases that the engine was given and has neither used nor given back.
    held: BTreeSet<LeaseId>,
    /// Whose they all are.
    lead_of: BTreeMap<LeaseId, u64>,
    /// Leases that were taken back: those that were not granted yet never are.
    revoked: BTreeSet<LeaseId>,
}

impl Oracle {
    fn new() -> Oracle {
        let config = CampaignConfig {
            mode: Mode::Power { ratio_milli: 2_000 },
            connect_limit_ms: 10_000,
            ..campaign()
        };
        let mut bench = Bench::new(config.clone());
        bench.tell(Event::Config(ConfigChange::Trunk(trunk(SECOND_TRUNK))));
        let routes = vec![route(TRUNK, 1), route(SECOND_TRUNK, 2)];
        let asked = bench.tell(Event::Config(ConfigChange::Routes(routes)));
        bench.grant_probes(&asked);
        for agent in AGENTS {
            let config = agent_of(agent, vec![CAMPAIGN], has_phone(agent));
            bench.tell(Event::Config(ConfigChange::Agent(config)));
            if agent > 4 {
                bench.desk(agent, AgentEvent::LogIn);
            }
        }
        Oracle {
            bench,
            config,
            queue: false,
            legs: Vec::new(),
            callers: Vec::new(),
            accepted: BTreeSet::new(),
            forbidden: BTreeSet::new(),
            hangups: BTreeSet::new(),
            connects: BTreeMap::new(),
            sessions: BTreeSet::new(),
            phones: Vec::new(),
            asked: 0,
            assigned: AGENTS.collect(),
            leases: 0,
            held: BTreeSet::new(),
            lead_of: BTreeMap::new(),
            revoked: BTreeSet::new(),
        }
    }

    fn obey(&mut self, commands: Vec<Command>) -> Result<(), TestCaseError> {
        let mut probes = Vec::new();
        for command in commands {
            match &command {
                Command::Originate(originate) => {
                    let record = self.bench.records.iter().rev().find_map(|r| match r {
                        Record::Started(s) if s.leg == originate.leg => Some(s.clone()),
                        _ => None,
                    });
                    let Some(started) = record else {
                        return Err(TestCaseError::fail("dialed without a record"));
                    };
                    let lead = started.lead.0;
                    prop_assert!(!self.forbidden.contains(&lead), "do-not-call was dialed");
                    let calls = |leg: &&LegId| {
                        let call = self.bench.engine.call(self.bench.now, **leg);
                        call.is_some_and(|call| call.lead.0 == lead)
                    };
                    prop_assert_eq!(self.callers.iter().find(calls), None, "he calls us");
                    self.legs.push(originate.leg);
                    self.accepted.insert(originate.leg);
                }
                Command::ReturnLeases { leases, .. } => {
                    for lease in leases {
                        self.held.remove(lease);
                    }
                }
                Command::DeferLease { lease, .. } => {
                    prop_assert!(self.held.remove(lease), "deferred without having it");
                }
                Command::InboundTaken {
                    result: Ok(call), ..
                } => {
                    self.legs.push(call.leg);
                    self.callers.push(call.leg);
                    self.accepted.insert(call.leg);
                }
                // Without a lease there is nothing to use up.
                Command::Journal(Record::Ended(result)) if result.lease.0 == 0 => {
                    prop_assert!(result.inbound);
                }
                Command::Journal(Record::Ended(result)) => {
                    prop_assert!(self.held.remove(&result.lease), "used twice");
                }
                Command::Hangup { leg, .. } => {
                    self.hangups.insert(*leg);
                }
                Command::Connect { leg, session } => {
                    self.connects.insert(*leg, session.clone());
                }
                Command::Ring(ring) => self.rings(ring)?,
                Command::ManualPlaced { .. } => {
                    prop_assert!(self.asked > 0, "an answer to nothing");
                    self.asked -= 1;
                }
                Command::Dismiss { session, .. } if self.is_phone(session) => {
                    self.dismissed(session)?;
                }
                Command::Dismiss { session, .. } => {
                    self.sessions
                        .retain(|s| crate::bench::session(*s) != *session);
                    let told = self.bench.tell(Event::Session {
                        session: session.clone(),
                        what: SessionEvent::Gone,
                    });
                    self.obey(told)?;
                }
                Command::Probe { .. } => probes.push(command),
                _ => {}
            }
        }
        let told = self.bench.grant_probes(&probes);
        if told.is_empty() {
            Ok(())
        } else {
            self.obey(told)
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let told = match step {
            Step::Wait(ms) => self.bench.wait_ms(*ms),
            Step::Lease(n) => match self.lease(*n) {
                Some(lease) => self.bench.give(vec![lease]),
                None => vec![],
            },
            Step::Own(n, agent) => match self.lease(*n) {
                Some(mut lease) => {
                    let until = (n % 2 == 0).then_some(Wall(self.bench.now.wall.0 + 20_000));
                    let agent = AgentId(*agent);
                    lease.owner = Some(Box::new(Owner { agent, until }));
                    self.bench.give(vec![lease])
                }
                None => vec![],
            },
            Step::Manual(n, agent) => match self.lease(*n) {
                Some(lease) => {
                    self.asked += 1;
                    self.bench.tell(Event::Manual {
                        request: RequestId(1),
                        agent: AgentId(*agent),
                        campaign: CAMPAIGN,
                        lease: Box::new(lease),
                    })
                }
                None => vec![],
            },
            Step::Call(n, claim) => self.call(*n, *claim),
            Step::Enter(a) => {
                self.sessions.insert(*a);
                let agent = format!("a{a}").into();
                self.bench.session(
                    *a,
                    SessionEvent::Entered {
                        agent,
                        pin_checked: false,
                    },
                )
            }
            Step::Waiting(a) => self.bench.session(*a, SessionEvent::Waiting),
            Step::Gone(a) => {
                self.sessions.remove(a);
                self.bench.session(*a, SessionEvent::Gone)
            }
            Step::Leg(n, what, sip) => match self.recent_leg(*n) {
                Some(leg) => self.leg(leg, *what, *sip),
                None => vec![],
            },
            Step::Refuse(n) => match self.recent_leg(*n) {
                Some(leg) => {
                    self.accepted.remove(&leg);
                    let why = Refusal::Overload;
                    self.bench.tell(Event::Refused { leg, why })
                }
                None => vec![],
            },
            Step::Link(true) => self.bench.tell(Event::Link(Link::Up { epoch: EPOCH })),
            Step::Link(false) => self.bench.tell(Event::Link(Link::Down)),
            Step::Journal(ok) => self.bench.tell(Event::JournalWritable(*ok)),
            Step::Drain(on) => self.bench.tell(Event::Drain(*on)),
            Step::Revoke(n) => {
                let lease = LeaseId(*n);
                self.revoked.insert(lease);
                // One that is being dialed still has its result to come.
                let used = |c: &Command| matches!(c, Command::Journal(Record::Ended(r)) if r.lease == lease);
                let told = self.bench.tell(Event::Revoke(vec![lease]));
                let live = self.bench.engine.leases().contains(&lease);
                if !live && !told.iter().any(used) {
                    self.held.remove(&lease);
                }
                told
            }
            Step::Forbid(n) => {
                self.forbidden.insert(*n);
                let numbers = vec![number(*n, 0).number, number(*n, 1).number];
                self.bench.tell(Event::DoNotCall(numbers))
            }
            Step::State(state) => {
                self.config.state = match state {
                    0 => CampaignState::Paused,
                    1 => CampaignState::Stopped,
                    _ => CampaignState::Running,
                };
                self.configure()
            }
            Step::Ratio(ratio_milli) => {
                self.config.mode = Mode::Power {
                    ratio_milli: *ratio_milli,
                };
                self.configure()
            }
            Step::Predict => {
                self.config.mode = Mode::Predictive {
                    max_ratio_milli: None,
                };
                self.configure()
            }
            Step::Preview => {
                self.config.mode = Mode::Preview {
                    timeout_ms: Some(8_000),
                    dial: self.leases.is_multiple_of(2),
                };
                self.configure()
            }
            Step::Voicemail(on) => {
                self.config.answers.machine = match on {
                    true => OnMachine::Message("sorry".into()),
                    false => OnMachine::HangUp,
                };
                self.configure()
            }
            Step::Queue(on) => {
                self.queue = *on;
                self.configure()
            }
            Step::Counts(members, free, callers) => self.bench.tell(Event::Queue {
                queue: "sales".into(),
                counts: (*members < 5).then_some(QueueCounts {
                    members: *members,
                    free: *free,
                    callers: *callers,
                }),
            }),
            Step::Desk(agent, what) => self.bench.tell(Event::Agent {
                agent: AgentId(*agent),
                what: match what {
                    0 => AgentEvent::Ready,
                    1 => AgentEvent::Pause { code: "x".into() },
                    2 => AgentEvent::Skip,
                    3 => AgentEvent::ExtendWrapUp { by_ms: 3_000 },
                    4 => AgentEvent::LogOff {
                        finish: agent % 2 == 0,
                    },
                    5..10 => AgentEvent::Dial,
                    10..16 => AgentEvent::LogIn,
                    _ => AgentEvent::Unpause,
                },
                request: None,
            }),
            Step::PickUp(n) => self.pick_up(*n)?,
            Step::Ready(n) => match self.recent_leg(*n) {
                Some(leg) => self.leg(leg, 4, 0),
                None => vec![],
            },
            Step::Member(n) => match self.recent_leg(*n) {
                Some(leg) => {
                    self.queue = true;
                    let mut told = self.configure();
                    told.extend(self.leg(leg, 4, 0));
                    self.obey(told)?;
                    self.bench.leg(leg, LegEvent::Member)
                }
                None => vec![],
            },
            Step::Phone(n, what) => self.phone(*n, *what),
            Step::Assign(agent, on) => {
                let campaigns = if *on {
                    self.assigned.insert(*agent);
                    vec![CAMPAIGN]
                } else {
                    self.assigned.remove(agent);
                    vec![]
                };
                // Now and then a phone is taken away, or given.
                let phone = has_phone(*agent) != (self.leases.is_multiple_of(7));
                let config = agent_of(*agent, campaigns, phone);
                self.bench.tell(Event::Config(ConfigChange::Agent(config)))
            }
            Step::Reconcile => self.reconcile(),
        };
        self.obey(told)?;
        self.check()
    }

    fn call(&mut self, n: u64, claim: u8) -> Vec<Command> {
        let place = usize::try_from(n).unwrap() % self.held.len().max(1);
        let (claim, lead) = match (claim, self.held.iter().nth(place).copied()) {
            (0..3, _) => match self.lease(n) {
                Some(lease) => (Claim::Taken, lease),
                None => return vec![],
            },
            // Its lease is in the hopper, with an agent or with a call; or it was given back meanwhile.
            (3 | 4, Some(id)) => {
                let n = self.lead_of[&id];
                (Claim::InHand, Lease { id, ..lead(n) })
            }
            (_, _) => (Claim::None, lead(n)),
        };
        let call = Box::new(Inbound {
            campaign: CAMPAIGN,
            lead,
            claim,
            called: None,
            wait: Span::ms(40_000),
            forbidden: n.is_multiple_of(5),
        });
        let request = RequestId(2);
        self.bench.tell(Event::Inbound { request, call })
    }

    /// The store never leases a lead that is leased, or that may not be called.
    fn lease(&mut self, n: u64) -> Option<Lease> {
        self.leases += 1;
        let mut lease = lead(n);
        lease.id = LeaseId(self.leases);
        lease.expires_at = Wall(self.bench.now.wall.0 + 60_000);
        lease.numbers.push(number(n, 1));
        let barred = self.forbidden.contains(&n) || self.revoked.contains(&lease.id);
        if barred || self.is_live(n) {
            return None;
        }
        self.held.insert(lease.id);
        self.lead_of.insert(lease.id, n);
        Some(lease)
    }

    /// Mostly one of the last legs; sometimes one that is long over.
    fn recent_leg(&self, n: usize) -> Option<LegId> {
        let back = if n < 50 { n % 4 } else { n };
        self.legs.iter().rev().nth(back).copied()
    }

    fn is_live(&self, lead: u64) -> bool {
        let started: BTreeMap<AttemptId, LeadId> = self
            .bench
            .records
            .iter()
            .filter_map(|r| match r {
                Record::Started(s) => Some((s.leg.attempt, s.lead)),
                _ => None,
            })
            .collect();
        let ended: BTreeSet<AttemptId> = self.bench.results().iter().map(|r| r.attempt).collect();
        started
            .iter()
            .any(|(attempt, l)| l.0 == lead && !ended.contains(attempt))
    }

    fn configure(&mut self) -> Vec<Command> {
        let dialed_for = !matches!(self.config.mode, Mode::Preview { .. });
        self.config.queue = (self.queue && dialed_for).then(|| "sales".into());
        let config = Box::new(self.config.clone());
        self.bench
            .tell(Event::Config(ConfigChange::Campaign(config)))
    }

    fn reconcile(&mut self) -> Vec<Command> {
        let legs = self.accepted.iter().copied().collect();
        let called_in = self.sessions.iter().map(|s| session(*s));
        let rung = self.phones.iter().map(|(session, ..)| session.clone());
        let sessions = called_in.chain(rung).collect();
        self.bench.tell(Event::Reconcile { legs, sessions })
    }

    /// A phone is rung only while its agent is logged in without a channel, and never twice at once.
    fn rings(&mut self, ring: &Ring) -> Result<(), TestCaseError> {
        let double = self.phones.iter().any(|(_, agent, _)| *agent == ring.agent);
        prop_assert!(!double, "{} rings already", ring.agent);
        let reused = self.phones.iter().any(|(id, ..)| *id == ring.session);
        prop_assert!(!reused, "{} is another one's", ring.session);
        let (session, agent) = (ring.session.clone(), ring.agent.clone());
        self.phones.push((session, agent, 0));
        Ok(())
    }

    fn is_phone(&self, session: &SessionId) -> bool {
        self.phones.iter().any(|(id, ..)| id == session)
    }

    /// Some hosts need to be told twice.
    fn dismissed(&mut self, session: &SessionId) -> Result<(), TestCaseError> {
        let phone = self.phones.iter_mut().find(|(id, ..)| id == session);
        let obeyed = phone.is_some_and(|(id, _, told)| {
            *told += 1;
            *told > 1 || id.0.len().is_multiple_of(2)
        });
        if !obeyed {
            return Ok(());
        }
        let told = self.hang_up_phone(session.clone());
        self.obey(told)
    }

    fn hang_up_phone(&mut self, session: SessionId) -> Vec<Command> {
        self.phones.retain(|(id, ..)| *id != session);
        let what = SessionEvent::Gone;
        self.bench.tell(Event::Session { session, what })
    }

    fn pick_up(&mut self, n: usize) -> Result<Vec<Command>, TestCaseError> {
        let phone = self.phones.iter().rev().nth(n);
        let Some(session) = phone.map(|(session, ..)| session.clone()) else {
            return Ok(vec![]);
        };
        let told = self.phone(n, 0);
        self.obey(told)?;
        let mut connects = self.connects.iter();
        let leg = connects.find(|(_, with)| **with == session);
        Ok(match leg.map(|(leg, _)| *leg) {
            Some(leg) => self.bench.leg(leg, LegEvent::Bridged { session }),
            None => vec![],
        })
    }

    /// The n-th of the phones that were rung last.
    fn phone(&mut self, n: usize, what: u8) -> Vec<Command> {
        let Some((session, _, dismissals)) = self.phones.iter().rev().nth(n).cloned() else {
            return vec![];
        };
        let what = match what {
            0..6 => SessionEvent::Waiting,
            6 if dismissals == 0 => {
                self.phones.retain(|(id, ..)| *id != session);
                SessionEvent::Refused
            }
            _ => return self.hang_up_phone(session),
        };
        self.bench.tell(Event::Session { session, what })
    }

    fn leg(&mut self, leg: LegId, what: u8, sip: u16) -> Vec<Command> {
        let chosen = self.connects.get(&leg).filter(|_| sip != 302).cloned();
        let agent = chosen.unwrap_or_else(|| session(u64::from(sip % 4) + 1));
        let what = match what {
            0 => LegEvent::Proceeding,
            1 => LegEvent::Ringing,
            2 => LegEvent::EarlyMedia,
            3 => LegEvent::Answered,
            4 => LegEvent::Ready {
                verdict: (sip == 404).then_some(Verdict::Machine),
            },
            5 => LegEvent::Bridged { session: agent },
            6 => LegEvent::ConnectFailed { session: agent },
            7 => LegEvent::Played { whole: sip == 0 },
            8 => LegEvent::Member,
            9 => LegEvent::Unqueued,
            10 => LegEvent::Left,
            _ => {
                self.accepted.remove(&leg);
                ended(sip)
            }
        };
        self.bench.leg(leg, what)
    }

    /// The engine's counters against its own list of attempts, and results against starts.
    fn check(&self) -> Result<(), TestCaseError> {
        let view = self.bench.engine.snapshot(self.bench.now);
        let campaign = &view.campaigns[0];
        prop_assert_eq!(campaign.live as usize, view.attempts.len());
        let dialing = view
            .attempts
            .iter()
            .filter(|a| a.state.is_dialing())
            .count();
        prop_assert_eq!(campaign.dialing as usize, dialing);
        prop_assert_eq!(view.totals.dialing as usize, dialing);
        let with_state = |states: &[AgentState]| {
            let own = |a: &&snapshot::AgentView| self.assigned.contains(&a.id.0);
            let own = view.agents.iter().filter(own);
            own.filter(|a| states.contains(&a.state)).count()
        };
        use AgentState as A;
        if let Some(queue) = &campaign.queue {
            let free = queue.counts.map_or(0, |counts| counts.free);
            prop_assert_eq!(campaign.free, free);
            let waits = |a: &&snapshot::AttemptView| a.state == attempt::State::AwaitingAgent;
            let waiting = view.attempts.iter().filter(waits).count();
            prop_assert!(queue.waiting as usize <= waiting, "{} wait", queue.waiting);
        } else {
            prop_assert_eq!(campaign.free as usize, with_state(&[A::Available]));
        }
        let busy = [A::Previewing, A::Ringing, A::Reserved, A::OnCall, A::WrapUp];
        prop_assert_eq!(campaign.busy as usize, with_state(&busy));
        let open = |a: &&snapshot::AttemptView| {
            (a.state.is_dialing() || a.state == attempt::State::Classifying)
                && a.for_agent.is_none()
                && !a.inbound
        };
        let open = view.attempts.iter().filter(open).count();
        prop_assert_eq!(campaign.open as usize, open);
        for agent in view.agents.iter().filter(|a| a.state == A::Ringing) {
            prop_assert!(agent.on_hook, "{} was rung and has no phone", agent.name);
            let rung = |(_, name, _): &&(SessionId, Arc<str>, u32)| *name == agent.name;
            let told = self.phones.iter().find(rung).map(|(_, _, told)| *told);
            prop_assert_eq!(told, Some(0), "{} does not ring", agent.name);
        }
        for attempt in &view.attempts {
            prop_assert!(attempt.deadline.is_some(), "{:?} has no way out", attempt);
        }
        for trunk in &view.trunks {
            let with_leg = |a: &&snapshot::AttemptView| {
                let legless = [attempt::State::Queued, attempt::State::WrapUp];
                a.trunk == trunk.id && !legless.contains(&a.state)
            };
            let live = view.attempts.iter().filter(with_leg).count();
            prop_assert_eq!(trunk.channels as usize, live, "{}", trunk.name);
        }
        let mut seen = BTreeSet::new();
        for result in self.bench.results() {
            prop_assert!(seen.insert(result.attempt), "two results for one attempt");
        }
        Ok(())
    }

    /// Nothing more happens but time: everything must end by its own deadlines.
    fn end(&mut self) -> Result<(), TestCaseError> {
        let told = self.bench.tell(Event::Drain(true));
        self.obey(told)?;
        for _ in 0..6 {
            let told = self.bench.wait_ms(4 * 3_600_000 / 2);
            self.obey(told)?;
        }
        prop_assert_eq!(self.bench.engine.totals().live, 0);
        let started: BTreeSet<AttemptId> = self
            .bench
            .records
            .iter()
            .filter_map(|r| match r {
                Record::Started(s) => Some(s.leg.attempt),
                _ => None,
            })
            .collect();
        let ended: BTreeSet<AttemptId> = self.bench.results().iter().map(|r| r.attempt).collect();
        // A call for one agent that never got a trunk has a result and no start.
        prop_assert!(started.is_subset(&ended), "a result for each attempt");
        prop_assert!(self.held.is_empty(), "lost: {:?}", self.held);
        prop_assert_eq!(self.asked, 0, "manual calls without an answer");
        prop_assert!(self.phones.is_empty(), "ghosts: {:?}", self.phones);
        let agents = self.bench.engine.snapshot(self.bench.now).agents;
        let on_hook: Vec<_> = agents.iter().filter(|a| a.on_hook).collect();
        prop_assert!(on_hook.is_empty(), "not sent home: {:?}", on_hook);
        let total: u64 = self.bench.engine.snapshot(self.bench.now).campaigns[0]
            .outcomes
            .iter()
            .map(|(_, n)| n)
            .sum();
        let results = self.bench.results();
        let dialed = results.iter().filter(|r| !r.inbound).count();
        prop_assert_eq!(total as usize, dialed);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_books_stay_right_and_everything_ends(
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut oracle = Oracle::new();
        for step in &steps {
            oracle.take(step)?;
        }
        oracle.end()?;
    }

    #[test]
    fn the_same_events_give_the_same_commands(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut runs = (Oracle::new(), Oracle::new());
        for step in &steps {
            runs.0.take(step)?;
            runs.1.take(step)?;
        }
        prop_assert_eq!(&runs.0.bench.records, &runs.1.bench.records);
        prop_assert_eq!(&runs.0.legs, &runs.1.legs);
    }
}

#[test]
fn the_random_events_really_reach_the_outcomes() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<Outcome> = BTreeSet::new();
    // Those never call in, so whom they talked to, they were rung for.
    let talked = |r: &&AttemptResult| r.bridged_at.is_some() && r.agent.is_some_and(|a| a.0 > 4);
    let taken = |r: &&AttemptResult| r.bridged_at.is_some() && r.agent.is_none();
    let called = |r: &&AttemptResult| r.bridged_at.is_some() && r.inbound;
    let (mut by_phone, mut by_member, mut inbound) = (0, 0, 0);
    for _ in 0..300 {
        let steps = proptest::collection::vec(step(), 200)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let mut oracle = Oracle::new();
        for step in &steps {
            oracle.take(step).unwrap();
        }
        seen.extend(oracle.bench.outcomes());
        by_phone += oracle.bench.results().into_iter().filter(talked).count();
        by_member += oracle.bench.results().into_iter().filter(taken).count();
        inbound += oracle.bench.results().into_iter().filter(called).count();
    }
    let missing: Vec<_> = Outcome::ALL.iter().filter(|o| !seen.contains(o)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
    assert!(by_phone > 10, "{by_phone} calls by phones that were rung");
    assert!(by_member > 10, "{by_member} calls by members of a queue");
    assert!(inbound > 10, "{inbound} calls that came in");
}
