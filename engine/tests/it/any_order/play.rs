//! What happens, and what the engine asks for.

use super::step::Step;
use super::*;

impl Oracle {
    pub(super) fn obey(&mut self, commands: Vec<Command>) -> Result<(), TestCaseError> {
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

    pub(super) fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
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
}
