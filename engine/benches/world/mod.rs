//! An engine under load, and a PBX that tells it the life of each call: for the benchmarks and the test
//! of memory.

use std::collections::VecDeque;

use outdial_engine::config::*;
use outdial_engine::*;

pub fn campaign(id: u64, mode: Mode, max_concurrent: u32) -> CampaignConfig {
    CampaignConfig {
        id: CampaignId(id),
        name: format!("c{id}").into(),
        state: CampaignState::Running,
        mode,
        priority: 0,
        max_concurrent,
        min_ring_ms: 15_000,
        ring_timeout_ms: 25_000,
        connect_limit_ms: 2_000,
        abandon: AbandonRule::default(),
        answers: AnswerRules::default(),
        message: Some("sorry".into()),
        target: Target {
            context: "outdial".into(),
            exten: "s".into(),
            priority: 1,
        },
        agentless: AgentlessAction::Continue,
        wrap_up_ms: 5_000,
        recording: None,
        amd: None,
        caller_ids: CallerIds {
            numbers: vec![Number::new("551130001000").unwrap()],
            ..CallerIds::default()
        },
        retry: RetryPolicy::default(),
    }
}

/// An engine, and a PBX that tells it the life of each call, one step after the other.
pub struct World {
    pub engine: Engine,
    pub now: Now,
    leads: u64,
    /// Everybody answers, and nobody hangs up.
    pub stay: bool,
    /// There are no more than this.
    pub most_leads: u64,
    /// Calls by what happens to them next.
    calls: VecDeque<(LegId, u8)>,
    agents: VecDeque<SessionId>,
    connects: VecDeque<(LegId, SessionId)>,
    pub events: u64,
    /// Events that come together, as they do at such a rate.
    pub group: u64,
}

impl World {
    pub fn new() -> World {
        let now = Now {
            tick: Tick(1_000_000),
            wall: Wall(1_767_225_600_000),
        };
        let mut world = World {
            engine: Engine::new(1),
            now,
            leads: 0,
            most_leads: u64::MAX,
            stay: false,
            calls: VecDeque::new(),
            agents: VecDeque::new(),
            connects: VecDeque::new(),
            events: 0,
            group: 1,
        };
        world.tell(Event::Link(Link::Up { epoch: Epoch(1) }));
        world.tell(Event::Config(ConfigChange::Settings(Settings {
            max_concurrent_originates: 2_000,
        })));
        for id in 1..=8 {
            world.tell(Event::Config(ConfigChange::Trunk(TrunkConfig {
                id: TrunkId(id),
                name: format!("t{id}").into(),
                tech: "PJSIP".into(),
                endpoint: format!("t{id}").into(),
                enabled: true,
                cps_milli: 1_000_000,
                burst: 1_000,
                max_channels: 10_000,
            })));
        }
        let route = |trunk| Route {
            campaign: None,
            prefix: "".into(),
            trunk: TrunkId(trunk),
            priority: 1,
            weight: 1,
            strip: 0,
            prepend: "".into(),
        };
        let routes = (1..=8).map(route).collect();
        world.tell(Event::Config(ConfigChange::Routes(routes)));
        world
    }

    pub fn campaigns(&mut self, ids: std::ops::RangeInclusive<u64>, mode: Mode, max: u32) {
        for id in ids {
            let config = Box::new(campaign(id, mode, max));
            self.tell(Event::Config(ConfigChange::Campaign(config)));
        }
    }

    pub fn agents(&mut self, ids: std::ops::RangeInclusive<u64>, campaign: impl Fn(u64) -> u64) {
        for id in ids {
            let name: std::sync::Arc<str> = format!("a{id}").into();
            self.tell(Event::Config(ConfigChange::Agent(AgentConfig {
                id: AgentId(id),
                name: name.clone(),
                campaigns: vec![CampaignId(campaign(id)).into()],
                skills: vec![],
                phone: None,
                ring_timeout_ms: limits::PHONE_RING_MS_DEFAULT,
                pin: false,
            })));
            let session = SessionId(format!("s{id}").into());
            for what in [
                SessionEvent::Entered {
                    agent: name,
                    pin_checked: false,
                },
                SessionEvent::Waiting,
            ] {
                let session = session.clone();
                self.tell(Event::Session { session, what });
            }
        }
    }

    pub fn tell(&mut self, event: Event) {
        self.events += 1;
        self.engine.handle(self.now, event);
        if self.events.is_multiple_of(self.group) {
            self.obey();
        }
    }

    pub fn pass(&mut self, span: Span) {
        self.now.tick = self.now.tick + span;
        self.now.wall.0 += i64::try_from(span.as_ms()).unwrap();
        self.engine.handle_timeout(self.now);
        self.obey();
    }

    fn obey(&mut self) {
        while let Some(command) = self.engine.poll_command() {
            match command {
                Command::Originate(call) => self.calls.push_back((call.leg, 0)),
                Command::Connect { leg, session } => self.connects.push_back((leg, session)),
                Command::Release { leg, .. } => self.calls.push_back((leg, 5)),
                Command::Play { leg, .. } | Command::LeaveMessage { leg, .. } => {
                    self.calls.push_back((leg, 6))
                }
                Command::Hangup { leg, .. } => self.calls.push_back((leg, 7)),
                Command::Probe { request, .. } => {
                    let answer = 1;
                    self.engine
                        .handle(self.now, Event::Probed { request, answer });
                }
                Command::NeedLeads { campaign, count } => {
                    let count = u64::from(count).min(self.most_leads - self.leads);
                    let leases = (0..count).map(|_| self.lease()).collect();
                    let event = Event::Leases {
                        campaign,
                        leases,
                        next_due: None,
                    };
                    self.engine.handle(self.now, event);
                }
                _ => {}
            }
        }
    }

    fn lease(&mut self) -> Lease {
        self.leads += 1;
        lease(self.leads, self.now.wall)
    }

    /// The next event of some call's or agent's life.
    pub fn step(&mut self) {
        if let Some((leg, session)) = self.connects.pop_front() {
            self.agents.push_back(session.clone());
            self.calls.push_back((leg, 7));
            return self.leg(leg, LegEvent::Bridged { session });
        }
        let Some((leg, next)) = self.calls.pop_front() else {
            self.obey();
            return self.pass(Span::ms(50));
        };
        let verdict = None;
        let what = match next {
            0 => LegEvent::Proceeding,
            1 => LegEvent::Ringing,
            // Six of ten are not answered.
            2 if !self.stay && leg.attempt.0 % 10 < 6 => return self.end(leg),
            2 => LegEvent::Answered,
            3 => LegEvent::Ready { verdict },
            5 => LegEvent::Released,
            6 => LegEvent::Played { whole: true },
            _ => return self.end(leg),
        };
        if next < 3 {
            self.calls.push_back((leg, next + 1));
        } else if next == 5 && !self.stay {
            self.calls.push_back((leg, 7));
        }
        self.leg(leg, what);
    }

    fn leg(&mut self, leg: LegId, what: LegEvent) {
        self.tell(Event::Leg { leg, what });
    }

    fn end(&mut self, leg: LegId) {
        let end = LegEnd {
            sip: Some(486),
            ..LegEnd::default()
        };
        self.leg(leg, LegEvent::Ended(end));
        if let Some(session) = self.agents.pop_front() {
            let what = SessionEvent::Waiting;
            self.tell(Event::Session { session, what });
        }
        // Time passes as it does at 10,000 events per second: more than a real PBX brings.
        if self.events.is_multiple_of(10) {
            self.pass(Span::ms(1));
        }
    }
}

pub fn lease(id: u64, now: Wall) -> Lease {
    Lease {
        id: LeaseId(id),
        lead: LeadId(id),
        list: ListId(1),
        weight: 1,
        priority: 0,
        owner: None,
        skill: None,
        last: None,
        callback: None,
        attempts: 0,
        numbers: vec![LeadNumber {
            number: number(id),
            position: 0,
            attempts: 0,
            not_before: now,
            not_after: Wall(now.0 + 36_000_000),
        }],
        expires_at: Wall(now.0 + 36_000_000),
    }
}

/// Without formatting: what makes the leases is not measured.
fn number(id: u64) -> Number {
    let mut digits = *b"5511900000000";
    let mut rest = id;
    for digit in digits[5..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap();
        rest /= 10;
    }
    Number::new(std::str::from_utf8(&digits).unwrap()).unwrap()
}
