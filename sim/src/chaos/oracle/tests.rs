//! The oracle finds what is wrong: one stream of events and commands that is right, and as many as
//! there are rules with one thing wrong in them.

mod callers;
mod lines;

use std::collections::BTreeMap;

use outdial_engine::agent::AgentState;
use outdial_engine::attempt::State;
use outdial_engine::config::{ConfigChange, Mode, Settings};
use outdial_engine::snapshot::{AgentView, AttemptView, Snapshot, Totals};
use outdial_engine::{
    AgentEvent, AgentId, AttemptResult, Command, Dismissal, Epoch, Event, LeadId, LeadNext,
    LeadNumber, Lease, LeaseId, LegEnd, LegId, Link, ListId, Now, Number, Originate, Record, Ring,
    SessionEvent, SessionId, Span, Started, Tick, Wall, Why,
};

use super::super::pbx::{Fact, Pbx};
use super::super::plan::ChaosPlan;
use super::super::setup::Setup;
use super::super::stage::Stage;
use super::{CampaignId, Oracle, Outcome, TrunkId, Verdict};

const START: i64 = 1_767_603_600_000;
const CAMPAIGN: CampaignId = CampaignId(1);
const TRUNK: TrunkId = TrunkId(1);

/// The oracle with one campaign, one trunk and one lease.
struct Bench {
    oracle: Oracle,
    now: Now,
    setup: Setup,
}

fn number(n: u64) -> Number {
    Number::new(&format!("5511{n:08}")).unwrap()
}

fn lease(n: u64) -> Lease {
    Lease {
        id: LeaseId(n),
        lead: LeadId(n),
        list: ListId(1),
        weight: 1,
        priority: 0,
        owner: None,
        skill: None,
        last: None,
        callback: None,
        attempts: 0,
        numbers: vec![LeadNumber {
            number: number(n),
            position: 0,
            attempts: 0,
            not_before: Wall(START - 1_000_000),
            not_after: Wall(START + 1_000_000),
        }],
        expires_at: Wall(START + 120_000),
    }
}

fn leg(n: u32) -> LegId {
    LegId {
        attempt: Epoch(1).attempt(n),
        n: 1,
    }
}

fn done() -> LeadNext {
    let status = "over".into();
    LeadNext::Done { status }
}

impl Bench {
    fn new() -> Bench {
        let plan: ChaosPlan = "seed=1,minutes=1,agents=1,campaigns=1,trunks=1"
            .parse()
            .unwrap();
        let now = Now {
            tick: Tick(1_000_000),
            wall: Wall(START),
        };
        let mut bench = Bench {
            oracle: Oracle::new(),
            now,
            setup: Setup::new(&plan),
        };
        let trunk = bench.setup.trunks.get_mut(&TRUNK).unwrap();
        (trunk.cps_milli, trunk.burst, trunk.max_channels) = (1_000, 2, 9);
        let campaign = bench.setup.campaigns.get_mut(&CAMPAIGN).unwrap();
        campaign.max_concurrent = 9;
        campaign.mode = Mode::Agentless;
        campaign.caller_ids.daily_cap = Some(3);
        campaign.retry.max_attempts = 1;
        bench.tell(Event::Link(Link::Up { epoch: Epoch(1) }));
        bench.configure();
        bench.grant(1);
        bench
    }

    fn configure(&mut self) {
        let trunk = self.setup.trunks[&TRUNK].clone();
        let campaign = Box::new(self.setup.campaigns[&CAMPAIGN].clone());
        self.tell(Event::Config(ConfigChange::Trunk(trunk)));
        self.tell(Event::Config(ConfigChange::Campaign(campaign)));
    }

    fn tell(&mut self, event: Event) {
        self.oracle.told(self.now, &event);
    }

    fn ask(&mut self, command: &Command) -> Verdict {
        self.oracle.asked(self.now, command)
    }

    fn grant(&mut self, n: u64) {
        self.tell(Event::Leases {
            campaign: CAMPAIGN,
            leases: vec![lease(n)],
            next_due: None,
        });
    }

    fn wait(&mut self, seconds: u32) {
        self.now.tick = self.now.tick + Span::seconds(seconds);
        self.now.wall.0 += i64::from(seconds) * 1_000;
    }

    fn start(&mut self, n: u32, with: u64) -> Verdict {
        let started = self.started(n, with);
        self.ask(&Command::Journal(Record::Started(started)))
    }

    fn started(&self, n: u32, with: u64) -> Started {
        Started {
            leg: leg(n),
            lease: LeaseId(with),
            lead: LeadId(with),
            campaign: CAMPAIGN,
            trunk: TRUNK,
            number: number(with),
            position: 0,
            caller_id: number(99),
            started_at: self.now.wall,
            if_lost: done(),
            inbound: false,
        }
    }

    fn originate(&mut self, n: u32) -> Verdict {
        let target = self.setup.campaigns[&CAMPAIGN].target.clone();
        self.ask(&Command::Originate(Box::new(Originate {
            leg: leg(n),
            lead: None,
            record: false,
            amd: None,
            due: self.now.tick,
            tech: "SIM".into(),
            endpoint: "carrier1".into(),
            number: number(1),
            caller_id: number(99),
            account: "c1".into(),
            timeout_ms: 1,
            target,
        })))
    }

    fn dial(&mut self, n: u32, with: u64) -> Verdict {
        self.start(n, with)?;
        self.originate(n)
    }

    /// Dials the lease that was granted, after `trouble`.
    fn dial_after(trouble: impl FnOnce(&mut Bench)) -> Verdict {
        let mut bench = Bench::new();
        trouble(&mut bench);
        bench.dial(1, 1)
    }

    fn end(&mut self, n: u32, with: u64, next: LeadNext) -> Verdict {
        let result = self.result(n, with, next);
        self.ask(&Command::Journal(Record::Ended(result)))
    }

    fn result(&self, n: u32, with: u64, next: LeadNext) -> AttemptResult {
        AttemptResult {
            attempt: leg(n).attempt,
            lease: LeaseId(with),
            lead: LeadId(with),
            campaign: CAMPAIGN,
            trunk: TRUNK,
            number: number(with),
            position: 0,
            caller_id: number(99),
            legs: 1,
            outcome: Outcome::Busy,
            detail: String::new(),
            end: LegEnd::default(),
            verdict: None,
            agent: None,
            started_at: self.now.wall,
            ringing_at: None,
            answered_at: None,
            bridged_at: None,
            ended_at: self.now.wall,
            charged: true,
            connect_us: None,
            recording: None,
            disposition: None,
            next,
            late: false,
            inbound: false,
        }
    }

    fn pbx() -> Pbx {
        Pbx::new(1, BTreeMap::new())
    }
}

fn says(verdict: Verdict, words: &str) {
    let why = verdict.expect_err(words);
    assert!(why.contains(words), "{why:?} instead of {words:?}");
}

#[test]
fn what_is_right_is_let_pass() {
    let mut bench = Bench::new();
    bench.dial(1, 1).unwrap();
    bench.end(1, 1, done()).unwrap();
    bench.grant(2);
    bench
        .ask(&Command::ReturnLeases {
            campaign: CAMPAIGN,
            leases: vec![LeaseId(2)],
        })
        .unwrap();
}

#[test]
fn a_dial_without_record_or_lease_is_found() {
    says(Bench::new().originate(1), "without a record");
    says(Bench::new().start(1, 7), "never granted");
    let mut bench = Bench::new();
    bench.dial(1, 1).unwrap();
    says(bench.originate(1), "the record is of");
}

#[test]
fn a_dial_without_a_live_lease_is_found() {
    says(Bench::dial_after(|b| b.wait(120)), "expired 0 ms ago");
    says(
        Bench::dial_after(|b| b.tell(Event::Revoke(vec![LeaseId(1)]))),
        "revoked",
    );
    says(
        Bench::dial_after(|b| b.tell(Event::Link(Link::Up { epoch: Epoch(2) }))),
        "epoch",
    );
    let given_back = |b: &mut Bench| {
        b.ask(&Command::ReturnLeases {
            campaign: CAMPAIGN,
            leases: vec![LeaseId(1)],
        })
        .unwrap();
    };
    says(Bench::dial_after(given_back), "settled or never granted");
}

#[test]
fn a_dial_outside_window_or_on_the_list_is_found() {
    let late = |b: &mut Bench| {
        b.tell(Event::Renewed {
            leases: vec![LeaseId(1)],
            expires_at: Wall(START + 9_000_000),
        });
        b.wait(1_000);
    };
    says(Bench::dial_after(late), "window");
    says(
        Bench::dial_after(|b| b.tell(Event::DoNotCall(vec![number(1)]))),
        "do-not-call",
    );
}

#[test]
fn a_dial_that_the_node_may_not_make_is_found() {
    says(
        Bench::dial_after(|b| b.tell(Event::Drain(true))),
        "draining",
    );
    says(
        Bench::dial_after(|b| b.tell(Event::JournalWritable(false))),
        "journal",
    );
    let unlinked = |b: &mut Bench| {
        b.tell(Event::Link(Link::Down));
        b.wait(30);
    };
    says(Bench::dial_after(unlinked), "without a sidecar");
    let stopped = |b: &mut Bench| b.tell(Event::Config(ConfigChange::CampaignRemoved(CAMPAIGN)));
    says(Bench::dial_after(stopped), "Stopped");
}

#[test]
fn two_calls_to_one_lead_or_number_are_found() {
    let mut bench = Bench::new();
    bench.dial(1, 1).unwrap();
    let mut again = lease(1);
    again.id = LeaseId(2);
    bench.tell(Event::Leases {
        campaign: CAMPAIGN,
        leases: vec![again],
        next_due: None,
    });
    let started = Started {
        leg: leg(2),
        lease: LeaseId(2),
        lead: LeadId(1),
        campaign: CAMPAIGN,
        trunk: TRUNK,
        number: number(1),
        position: 0,
        caller_id: number(99),
        started_at: bench.now.wall,
        if_lost: done(),
        inbound: false,
    };
    bench
        .ask(&Command::Journal(Record::Started(started)))
        .unwrap();
    says(bench.originate(2), "calls the same lead");
}

/// Dials four leases, one each second, under what `cap` changes.
fn four(seconds: u32, cap: impl FnOnce(&mut Setup)) -> Verdict {
    let mut bench = Bench::new();
    bench
        .setup
        .campaigns
        .get_mut(&CAMPAIGN)
        .unwrap()
        .caller_ids
        .daily_cap = None;
    cap(&mut bench.setup);
    // Two of them, so that no change is under way any more.
    bench.wait(5);
    bench.configure();
    bench.wait(20);
    for n in 1..=4 {
        bench.grant(u64::from(n));
        bench.dial(n, u64::from(n))?;
        bench.wait(seconds);
    }
    Ok(())
}

#[test]
fn caps_that_are_exceeded_are_found() {
    four(1, |_| {}).unwrap();
    says(four(0, |_| {}), "milli calls per second");
    let channels = |s: &mut Setup| s.trunks.get_mut(&TRUNK).unwrap().max_channels = 3;
    says(four(1, channels), "channels");
    let live = |s: &mut Setup| s.campaigns.get_mut(&CAMPAIGN).unwrap().max_concurrent = 3;
    says(four(1, live), "attempts live");
    let shown = |s: &mut Setup| {
        s.campaigns.get_mut(&CAMPAIGN).unwrap().caller_ids.daily_cap = Some(3);
    };
    says(four(1, shown), "caller id");
    let mut bench = Bench::new();
    let settings = Settings {
        max_concurrent_originates: 1,
    };
    bench.tell(Event::Config(ConfigChange::Settings(settings)));
    bench.dial(1, 1).unwrap();
    bench.grant(2);
    says(bench.dial(2, 2), "dialing at once");
}

#[test]
fn answered_calls_make_room_for_others() {
    let mut bench = Bench::new();
    let settings = Settings {
        max_concurrent_originates: 1,
    };
    bench.tell(Event::Config(ConfigChange::Settings(settings)));
    bench.dial(1, 1).unwrap();
    bench.oracle.happened(&Fact::Answered(leg(1)));
    bench.grant(2);
    bench.dial(2, 2).unwrap();
}

#[test]
fn results_that_do_not_fit_are_found() {
    let mut bench = Bench::new();
    bench.dial(1, 1).unwrap();
    bench.end(1, 1, done()).unwrap();
    says(bench.end(1, 1, done()), "two results");
    says(Bench::new().end(1, 1, done()), "fits no start");
    let mut bench = Bench::new();
    bench.dial(1, 1).unwrap();
    let at = Wall(START + 9_000_000);
    says(
        bench.end(1, 1, LeadNext::Retry { at, position: 0 }),
        "after 1 attempts",
    );
}

#[test]
fn a_rule_that_is_not_kept_is_found() {
    let at = Wall(START + 9_000_000);
    let with = |attempts, next| {
        let mut bench = Bench::new();
        let campaign = bench.setup.campaigns.get_mut(&CAMPAIGN).unwrap();
        campaign.retry.max_attempts = 9;
        campaign.retry.busy.attempts = attempts;
        bench.configure();
        bench.dial(1, 1).unwrap();
        bench.end(1, 1, next)
    };
    let again = LeadNext::Retry { at, position: 0 };
    with(Some(2), again.clone()).unwrap();
    says(with(Some(1), again), "after 1 attempts in a row");
    let back = LeadNext::Callback {
        at,
        position: 0,
        agent: None,
        tries: 1,
    };
    says(with(None, back), "nobody asked for this callback");
}

#[test]
fn leases_that_do_not_add_up_are_found() {
    let mut bench = Bench::new();
    bench.dial(1, 1).unwrap();
    let back = Command::ReturnLeases {
        campaign: CAMPAIGN,
        leases: vec![LeaseId(1)],
    };
    says(bench.ask(&back), "while a call is dialed");
    let view = outdial_engine::Engine::new(1).snapshot(bench.now);
    let now = bench.now;
    let found = bench.oracle.inspect(now, &view, &[], &Bench::pbx());
    says(found, "does not hold lease 1");
    let found = bench
        .oracle
        .inspect(now, &view, &[LeaseId(1), LeaseId(8)], &Bench::pbx());
    says(found, "holds lease 8");
    says(
        bench.oracle.all_over(&view, &[LeaseId(1)], &Bench::pbx()),
        "still held",
    );
}

/// What the engine would show with one call under way.
fn view(state: State) -> Snapshot {
    let attempt = AttemptView {
        id: leg(1).attempt,
        leg: 1,
        campaign: None,
        trunk: TRUNK,
        state,
        since: Span(0),
        for_agent: None,
        agent: None,
        deadline: Some((Tick(1), Why::RingTimeout)),
        inbound: false,
    };
    Snapshot {
        totals: Totals {
            dialing: 1,
            ..Totals::default()
        },
        attempts: vec![attempt],
        ..Snapshot::default()
    }
}

/// Two looks at the same, two minutes apart.
fn twice(view: &Snapshot, pbx: &Pbx) -> Verdict {
    let mut bench = Bench::new();
    let held = [LeaseId(1)];
    bench.oracle.inspect(bench.now, view, &held, pbx)?;
    bench.wait(120);
    bench.oracle.inspect(bench.now, view, &held, pbx)
}

#[test]
fn ghosts_and_strays_are_found() {
    says(
        twice(&view(State::Ringing), &Bench::pbx()),
        "still counts it",
    );
    let plan: ChaosPlan = "seed=1,minutes=1".parse().unwrap();
    let mut pbx = Bench::pbx();
    let target = Bench::new().setup.campaigns[&CAMPAIGN].target.clone();
    let originate = Originate {
        leg: leg(1),
        lead: None,
        record: false,
        amd: None,
        due: Tick(0),
        tech: "SIM".into(),
        endpoint: "carrier1".into(),
        number: number(1),
        caller_id: number(99),
        account: "c1".into(),
        timeout_ms: 1,
        target,
    };
    pbx.originate(&mut Stage::new(&plan), &originate, CAMPAIGN);
    twice(&view(State::Ringing), &pbx).unwrap();
    says(twice(&Snapshot::default(), &pbx), "lives on in the PBX");
}

#[test]
fn counters_and_attempts_that_are_wrong_are_found() {
    let mut wrong = view(State::Ringing);
    wrong.totals.dialing = 2;
    says(twice(&wrong, &Bench::pbx()), "dialing: 2 counted, 1 there");
    let mut wrong = view(State::Ringing);
    wrong.attempts[0].deadline = None;
    says(twice(&wrong, &Bench::pbx()), "no way out");
}

#[test]
fn a_removed_trunk_that_stays_is_found() {
    let mut bench = Bench::new();
    let mut engine = outdial_engine::Engine::new(1);
    let trunk = bench.setup.trunks[&TRUNK].clone();
    engine.handle(bench.now, Event::Config(ConfigChange::Trunk(trunk)));
    let view = engine.snapshot(bench.now);
    let look = |bench: &mut Bench| {
        bench
            .oracle
            .inspect(bench.now, &view, &[LeaseId(1)], &Bench::pbx())
    };
    look(&mut bench).unwrap();
    bench.tell(Event::Config(ConfigChange::TrunkRemoved(TRUNK)));
    says(look(&mut bench), "is still there");
}

#[test]
fn an_agent_without_a_call_is_found() {
    let agent = AgentView {
        id: AgentId(1),
        name: "a1".into(),
        state: AgentState::OnCall,
        since: Span(0),
        logged_in: Span(0),
        talk: Span(0),
        wrap_up: Span(0),
        paused: Span(0),
        pause: None,
        calls: 1,
        call: None,
        on_hook: false,
    };
    let view = Snapshot {
        agents: vec![agent],
        ..Snapshot::default()
    };
    says(twice(&view, &Bench::pbx()), "has no call");
}

#[test]
fn too_many_abandoned_calls_are_found() {
    let mut bench = Bench::new();
    let campaign = bench.setup.campaigns.get_mut(&CAMPAIGN).unwrap();
    campaign.mode = Mode::Predictive {
        max_ratio_milli: None,
    };
    bench.oracle = Oracle::new();
    bench.configure();
    let view = Snapshot::default();
    let book = bench.oracle.campaigns.get_mut(&CAMPAIGN).unwrap();
    (book.served, book.abandoned) = (877, 150);
    bench
        .oracle
        .inspect(bench.now, &view, &[], &Bench::pbx())
        .unwrap();
    bench.oracle.campaigns.get_mut(&CAMPAIGN).unwrap().abandoned = 151;
    says(
        bench.oracle.inspect(bench.now, &view, &[], &Bench::pbx()),
        "151 of 1028 abandoned",
    );
}

#[test]
fn a_log_in_that_is_the_only_one_is_no_duplicate() {
    let mut bench = Bench::new();
    let session = SessionId("s1".into());
    let what = SessionEvent::Entered {
        agent: "a1".into(),
        pin_checked: false,
    };
    bench.tell(Event::Session {
        session: session.clone(),
        what,
    });
    let why = Dismissal::Duplicate;
    says(bench.ask(&Command::Dismiss { session, why }), "only one");
}

fn ring(n: u32) -> Command {
    Command::Ring(Box::new(Ring {
        session: SessionId::ring(Epoch(1), n),
        agent: "a1".into(),
        tech: "SIM".into(),
        endpoint: "a1".into(),
        caller_id: Number::new("55113000").unwrap(),
        account: "c1".into(),
        timeout_ms: 10_000,
    }))
}

fn desk(bench: &mut Bench, what: AgentEvent) {
    let (agent, request) = (AgentId(1), None);
    bench.tell(Event::Agent {
        agent,
        what,
        request,
    });
}

#[test]
fn a_phone_that_is_rung_while_it_is_in_use_is_found() {
    let mut bench = Bench::new();
    bench.ask(&ring(1)).unwrap();
    says(bench.ask(&ring(2)), "while ring-1-1 lives");
    let left = |n| Fact::Left(AgentId(1), SessionId::ring(Epoch(1), n));
    bench.oracle.happened(&left(1));
    bench.ask(&ring(3)).unwrap();
    bench.oracle.happened(&left(3));
    says(bench.ask(&ring(3)), "for the second time");
}

#[test]
fn a_phone_that_is_rung_for_somebody_who_does_not_work_is_found() {
    let mut bench = Bench::new();
    desk(&mut bench, AgentEvent::LogOff { finish: true });
    says(bench.ask(&ring(1)), "after logging off");
    desk(&mut bench, AgentEvent::LogIn);
    desk(&mut bench, AgentEvent::Pause { code: "x".into() });
    says(bench.ask(&ring(2)), "takes no calls");
    desk(&mut bench, AgentEvent::Unpause);
    bench.ask(&ring(3)).unwrap();
}

#[test]
fn a_phone_that_rings_on_for_nobody_is_found() {
    let mut stage = Stage::new(&"seed=1".parse().unwrap());
    let mut pbx = Bench::pbx();
    let Command::Ring(ring) = ring(1) else {
        panic!("no ring");
    };
    pbx.ring(&mut stage, &ring);
    says(twice(&Snapshot::default(), &pbx), "for nobody");
}
