//! A bench for the engine: a clock, one campaign, and what the engine asked for.

pub use outdial_engine::agent::AgentState;
pub use outdial_engine::attempt::Outcome;
pub use outdial_engine::config::*;
use outdial_engine::snapshot::CampaignView;
pub use outdial_engine::*;

pub const CAMPAIGN: CampaignId = CampaignId(1);
pub const TRUNK: TrunkId = TrunkId(1);
pub const SECOND_TRUNK: TrunkId = TrunkId(2);
pub const EPOCH: Epoch = Epoch(7);
/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000;

pub fn campaign() -> CampaignConfig {
    CampaignConfig {
        id: CAMPAIGN,
        name: "spring".into(),
        state: CampaignState::Running,
        mode: Mode::Progressive,
        priority: 0,
        max_concurrent: 100,
        min_ring_ms: 15_000,
        ring_timeout_ms: 25_000,
        connect_limit_ms: 2_000,
        abandon: AbandonRule::default(),
        message: Some("sorry".into()),
        target: Target {
            context: "outdial".into(),
            exten: "s".into(),
            priority: 1,
        },
        agentless: AgentlessAction::PlayMessage,
        wrap_up_ms: 5_000,
        recording: None,
        amd: None,
        answers: AnswerRules::default(),
        caller_ids: CallerIds {
            numbers: vec![Number::new("551130001000").unwrap()],
            ..CallerIds::default()
        },
        retry: RetryPolicy::default(),
    }
}

pub fn trunk(id: TrunkId) -> TrunkConfig {
    TrunkConfig {
        id,
        name: format!("trunk{id}").into(),
        tech: "PJSIP".into(),
        endpoint: format!("carrier{id}").into(),
        enabled: true,
        cps_milli: 100_000,
        burst: 100,
        max_channels: 100,
    }
}

pub fn route(trunk: TrunkId, priority: u32) -> Route {
    Route {
        campaign: None,
        prefix: "".into(),
        trunk,
        priority,
        weight: 1,
        strip: 0,
        prepend: "".into(),
    }
}

pub struct Bench {
    pub engine: Engine,
    pub now: Now,
    pub records: Vec<Record>,
}

impl Bench {
    /// Linked, one trunk, one running campaign that the PBX has everything for.
    pub fn new(campaign: CampaignConfig) -> Bench {
        let now = Now {
            tick: Tick(1_000_000),
            wall: Wall(START),
        };
        let mut bench = Bench {
            engine: Engine::new(1),
            now,
            records: Vec::new(),
        };
        bench.tell(Event::Link(Link::Up { epoch: EPOCH }));
        bench.tell(Event::Config(ConfigChange::Trunk(trunk(TRUNK))));
        bench.tell(Event::Config(ConfigChange::Routes(vec![route(TRUNK, 1)])));
        let asked = bench.tell(Event::Config(ConfigChange::Campaign(Box::new(campaign))));
        bench.grant_probes(&asked);
        bench
    }

    /// Answers every probe among `commands` with yes; gives what the engine asks for then.
    pub fn grant_probes(&mut self, commands: &[Command]) -> Vec<Command> {
        let mut after = Vec::new();
        for command in commands {
            if let Command::Probe { request, .. } = command {
                after.extend(self.tell(Event::Probed {
                    request: *request,
                    answer: 1,
                }));
            }
        }
        after
    }

    pub fn tell(&mut self, event: Event) -> Vec<Command> {
        self.engine.handle(self.now, event);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        while let Some(command) = self.engine.poll_command() {
            if let Command::Journal(record) = &command {
                self.records.push(record.clone());
            }
            commands.push(command);
        }
        commands
    }

    /// Lets time pass, stopping at every deadline on the way.
    pub fn wait_ms(&mut self, ms: u64) -> Vec<Command> {
        let end = Tick(self.now.tick.0 + ms * 1000);
        let mut commands = Vec::new();
        loop {
            let due = self.engine.poll_timeout().map(|(at, _)| at);
            let next = due
                .filter(|at| *at <= end)
                .unwrap_or(end)
                .max(self.now.tick);
            let passed = next - self.now.tick;
            self.now.wall.0 += i64::try_from(passed.as_ms()).unwrap();
            self.now.tick = next;
            if due.is_none_or(|at| at > end) {
                return commands;
            }
            self.engine.handle_timeout(self.now);
            commands.extend(self.drain());
        }
    }

    /// The agent takes calls of these campaigns from now on, and of no others.
    pub fn assign(&mut self, agent: u64, campaigns: Vec<CampaignId>) -> Vec<Command> {
        self.tell(Event::Config(ConfigChange::Agent(agent_of(
            agent, campaigns, false,
        ))))
    }

    /// An agent with a phone logs in; he has no channel.
    pub fn log_in_on_hook(&mut self, agent: u64) -> Vec<Command> {
        let config = agent_of(agent, vec![CAMPAIGN], true);
        self.tell(Event::Config(ConfigChange::Agent(config)));
        let told = self.desk(agent, AgentEvent::LogIn);
        assert_eq!(done(&told), Ok(()));
        told
    }

    /// What an agent does at the desk; the engine says whether it was possible.
    pub fn desk(&mut self, agent: u64, what: AgentEvent) -> Vec<Command> {
        self.tell(Event::Agent {
            agent: AgentId(agent),
            what,
            request: Some(RequestId(99)),
        })
    }

    /// Something about a phone that was rung.
    pub fn phone(&mut self, ring: &Ring, what: SessionEvent) -> Vec<Command> {
        let session = ring.session.clone();
        self.tell(Event::Session { session, what })
    }

    pub fn agent_state(&self, agent: u64) -> AgentState {
        let view = self.engine.snapshot(self.now);
        let agent = view.agents.iter().find(|a| a.id.0 == agent);
        agent.map_or(AgentState::LoggedOut, |a| a.state)
    }

    pub fn log_in(&mut self, agent: u64) -> Vec<Command> {
        self.assign(agent, vec![CAMPAIGN]);
        self.enter(agent)
    }

    /// An agent who is configured comes in and waits.
    pub fn enter(&mut self, agent: u64) -> Vec<Command> {
        let mut commands = self.session(
            agent,
            SessionEvent::Entered {
                agent: format!("a{agent}").into(),
                pin_checked: false,
            },
        );
        commands.extend(self.session(agent, SessionEvent::Waiting));
        commands
    }

    pub fn session(&mut self, agent: u64, what: SessionEvent) -> Vec<Command> {
        self.tell(Event::Session {
            session: session(agent),
            what,
        })
    }

    pub fn lease(&mut self, ids: impl IntoIterator<Item = u64>) -> Vec<Command> {
        let leases = ids.into_iter().map(lead).collect();
        self.give(leases)
    }

    pub fn give(&mut self, leases: Vec<Lease>) -> Vec<Command> {
        self.tell(Event::Leases {
            campaign: CAMPAIGN,
            leases,
            next_due: None,
        })
    }

    pub fn leg(&mut self, leg: LegId, what: LegEvent) -> Vec<Command> {
        self.tell(Event::Leg { leg, what })
    }

    /// Leases lead 1, for which one call is dialed.
    pub fn dial(&mut self) -> LegId {
        let legs = originates(&self.lease([1]));
        assert_eq!(legs.len(), 1);
        legs[0]
    }

    /// The customer answers, and is ready for an agent.
    pub fn answer(&mut self, leg: LegId) -> Vec<Command> {
        self.leg(leg, LegEvent::Answered);
        self.leg(leg, LegEvent::Ready { verdict: None })
    }

    pub fn bridge(&mut self, leg: LegId, agent: u64) -> Vec<Command> {
        let session = session(agent);
        self.leg(leg, LegEvent::Bridged { session })
    }

    pub fn connect_failed(&mut self, leg: LegId, agent: u64) -> Vec<Command> {
        let session = session(agent);
        self.leg(leg, LegEvent::ConnectFailed { session })
    }

    pub fn end(&mut self, leg: LegId, sip: u16) -> Vec<Command> {
        self.leg(leg, ended(sip))
    }

    /// The results so far, in order.
    pub fn results(&self) -> Vec<&AttemptResult> {
        self.records
            .iter()
            .filter_map(|record| match record {
                Record::Ended(result) => Some(result),
                Record::Started(_)
                | Record::Answered { .. }
                | Record::Bridged { .. }
                | Record::MessageStarted { .. } => None,
            })
            .collect()
    }

    pub fn outcomes(&self) -> Vec<Outcome> {
        self.results().iter().map(|r| r.outcome).collect()
    }

    pub fn campaign(&self) -> CampaignView {
        self.engine.snapshot(self.now).campaigns.swap_remove(0)
    }

    pub fn why_now(&self) -> Option<Reason> {
        self.campaign().why_now
    }
}

pub fn agent_of(agent: u64, campaigns: Vec<CampaignId>, phone: bool) -> AgentConfig {
    AgentConfig {
        id: AgentId(agent),
        name: format!("a{agent}").into(),
        campaigns: campaigns.into_iter().map(Membership::from).collect(),
        skills: vec![],
        phone: phone.then(|| Phone {
            tech: "PJSIP".into(),
            endpoint: format!("10{agent}").into(),
        }),
        ring_timeout_ms: limits::PHONE_RING_MS_DEFAULT,
        pin: false,
    }
}

/// Which phones are to ring.
pub fn rings(commands: &[Command]) -> Vec<Ring> {
    commands
        .iter()
        .filter_map(|c| match c {
            Command::Ring(ring) => Some((**ring).clone()),
            _ => None,
        })
        .collect()
}

/// The answer to what somebody did at a desk.
pub fn done(commands: &[Command]) -> Result<(), String> {
    let answer = commands.iter().find_map(|c| match c {
        Command::Done { result, .. } => Some(result.clone()),
        _ => None,
    });
    answer.unwrap()
}

pub fn hang_up_phone(ring: &Ring) -> Command {
    Command::Dismiss {
        session: ring.session.clone(),
        why: Dismissal::OnHook,
    }
}

pub fn session(agent: u64) -> SessionId {
    SessionId(format!("s{agent}").into())
}

pub fn connect(leg: LegId, agent: u64) -> Command {
    let session = session(agent);
    Command::Connect { leg, session }
}

pub fn dismiss(agent: u64, why: Dismissal) -> Command {
    let session = session(agent);
    Command::Dismiss { session, why }
}

pub fn hang_up(leg: LegId) -> Command {
    Command::Hangup { leg, q850: 16 }
}

pub fn play(leg: LegId) -> Command {
    let sound = "sorry".into();
    Command::Play { leg, sound }
}

/// A message for a machine: it waits for the beep.
pub fn leave(leg: LegId) -> Command {
    let sound = "sorry".into();
    Command::LeaveMessage { leg, sound }
}

pub fn ended(sip: u16) -> LegEvent {
    LegEvent::Ended(LegEnd {
        sip: (sip != 0).then_some(sip),
        ..LegEnd::default()
    })
}

/// A lead with one number that may be dialed for an hour.
pub fn lead(id: u64) -> Lease {
    Lease {
        id: LeaseId(id),
        lead: LeadId(id),
        list: ListId(1),
        weight: 1,
        owner: None,
        skill: None,
        last: None,
        callback: None,
        priority: 0,
        attempts: 0,
        numbers: vec![number(id, 0)],
        expires_at: Wall(START + 3_600_000),
    }
}

pub fn number(lead: u64, position: u8) -> LeadNumber {
    LeadNumber {
        number: Number::new(&format!("5511{position}{lead:08}")).unwrap(),
        position,
        attempts: 0,
        not_before: Wall(START - 3_600_000),
        not_after: Wall(START + 3_600_000),
    }
}

pub fn originates(commands: &[Command]) -> Vec<LegId> {
    commands
        .iter()
        .filter_map(|c| {
            if let Command::Originate(o) = c {
                Some(o.leg)
            } else {
                None
            }
        })
        .collect()
}

pub fn has(commands: &[Command], wanted: &Command) -> bool {
    commands.contains(wanted)
}
