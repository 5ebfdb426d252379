//! What becomes of people who call, and what is dialed meanwhile.

use outdial_engine::{Claim, Inbound, InboundCall, RequestId};

use super::*;

const REQUEST: RequestId = RequestId(1);

/// One campaign with one agent, who is free.
fn bench() -> Bench {
    let mut bench = Bench::new();
    let campaign = bench.setup.campaigns.get_mut(&CAMPAIGN).unwrap();
    campaign.mode = Mode::Progressive;
    bench.configure();
    let mut agent = bench.setup.agents[&AgentId(1)].clone();
    agent.campaigns = vec![CAMPAIGN.into()];
    bench.tell(Event::Config(ConfigChange::Agent(agent)));
    is(&mut bench, AgentState::Available);
    bench
}

fn is(bench: &mut Bench, state: AgentState) {
    let agent = AgentId(1);
    let pause = None;
    let changed = Command::AgentChanged {
        agent,
        state,
        pause,
    };
    bench.ask(&changed).unwrap();
}

fn inbound(n: u64, claim: Claim) -> Inbound {
    Inbound {
        campaign: CAMPAIGN,
        lead: lease(n),
        claim,
        called: None,
        wait: Span::seconds(30),
        forbidden: false,
    }
}

fn calls(bench: &mut Bench, call: Inbound) {
    let (request, call) = (REQUEST, Box::new(call));
    bench.tell(Event::Inbound { request, call });
}

fn begins(bench: &mut Bench, n: u32, with: u64) -> Verdict {
    let started = Started {
        inbound: true,
        ..bench.started(n, with)
    };
    bench.ask(&Command::Journal(Record::Started(started)))
}

fn taken(bench: &mut Bench, n: u32, with: u64) -> Verdict {
    let call = InboundCall {
        leg: leg(n),
        lead: LeadId(with),
        record: false,
    };
    let (request, result) = (REQUEST, Ok(call));
    bench.ask(&Command::InboundTaken { request, result })
}

/// Somebody has called, and waits.
fn waits() -> Bench {
    let mut bench = bench();
    calls(&mut bench, inbound(2, Claim::Taken));
    begins(&mut bench, 2, 2).unwrap();
    taken(&mut bench, 2, 2).unwrap();
    let (leg, what) = (leg(2), outdial_engine::LegEvent::Ready { verdict: None });
    bench.tell(Event::Leg { leg, what });
    bench
}

fn let_go(bench: &mut Bench) -> Verdict {
    let (leg, target) = (leg(2), None);
    bench.ask(&Command::Release { leg, target })
}

fn bridged(bench: &mut Bench) {
    bench
        .ask(&Command::Journal(Record::Bridged {
            leg: leg(2),
            at: bench.now.wall,
            agent: Some(AgentId(1)),
            late: false,
        }))
        .unwrap();
}

fn ends(bench: &mut Bench, change: impl FnOnce(&mut AttemptResult)) -> Verdict {
    let next = back(bench);
    let mut result = AttemptResult {
        inbound: true,
        charged: false,
        legs: 0,
        outcome: Outcome::Abandoned,
        ..bench.result(2, 2, next)
    };
    change(&mut result);
    bench.ask(&Command::Journal(Record::Ended(result)))
}

/// He is called back at once.
fn back(bench: &Bench) -> LeadNext {
    LeadNext::Callback {
        at: bench.now.wall,
        position: 0,
        agent: None,
        tries: 0,
    }
}

fn inspected(bench: &mut Bench) -> Verdict {
    let held = [LeaseId(1), LeaseId(2)];
    let (now, view) = (bench.now, Snapshot::default());
    bench.oracle.inspect(now, &view, &held, &Bench::pbx())
}

#[test]
fn who_is_served_and_who_is_let_go_are_let_pass() {
    let mut bench = waits();
    bridged(&mut bench);
    let served = |result: &mut AttemptResult| {
        result.bridged_at = Some(Wall(START));
        result.next = done();
    };
    ends(&mut bench, served).unwrap();
    let mut bench = waits();
    bench.wait(30);
    inspected(&mut bench).unwrap();
    let_go(&mut bench).unwrap();
    ends(&mut bench, |_| {}).unwrap();
}

#[test]
fn a_call_that_may_not_be_taken_is_found() {
    let takes = |trouble: &dyn Fn(&mut Bench)| {
        let mut bench = bench();
        trouble(&mut bench);
        calls(&mut bench, inbound(2, Claim::Taken));
        begins(&mut bench, 2, 2).unwrap();
        taken(&mut bench, 2, 2)
    };
    takes(&|_| {}).unwrap();
    says(
        takes(&|b| b.tell(Event::Drain(true))),
        "the node takes none",
    );
    let bad = |b: &mut Bench| b.tell(Event::JournalWritable(false));
    says(takes(&bad), "the node takes none");
    let gone = |b: &mut Bench| b.tell(Event::Config(ConfigChange::CampaignRemoved(CAMPAIGN)));
    says(takes(&gone), "is not known");
    let queue = |b: &mut Bench| {
        let campaign = b.setup.campaigns.get_mut(&CAMPAIGN).unwrap();
        campaign.queue = Some("q1".into());
        b.configure();
    };
    says(takes(&queue), "campaign takes none");
}

#[test]
fn answers_that_do_not_fit_are_found() {
    says(taken(&mut bench(), 2, 2), "did not come in");
    says(begins(&mut bench(), 2, 1), "nobody has called");
    says(taken(&mut waits(), 2, 2), "did not come in");
    let mut unanswered = bench();
    calls(&mut unanswered, inbound(2, Claim::Taken));
    says(begins(&mut unanswered, 2, 1), "another one");
    says(inspected(&mut unanswered), "was not answered");
    let mut unrecorded = bench();
    calls(&mut unrecorded, inbound(2, Claim::Taken));
    says(taken(&mut unrecorded, 2, 2), "without a record");
    // What is nobody's to claim is not used up.
    let mut claimed = bench();
    calls(&mut claimed, inbound(1, Claim::None));
    says(begins(&mut claimed, 2, 1), "another one");
    // A call that is refused gives its lease back.
    let mut refused = bench();
    calls(&mut refused, inbound(2, Claim::Taken));
    let (request, result) = (REQUEST, Err(String::new()));
    refused
        .ask(&Command::InboundTaken { request, result })
        .unwrap();
    let (now, view) = (refused.now, Snapshot::default());
    let found = refused
        .oracle
        .inspect(now, &view, &[LeaseId(1)], &Bench::pbx());
    says(found, "does not hold lease 2");
}

#[test]
fn whoever_calls_and_is_dialed_is_found() {
    let twin = |bench: &mut Bench| {
        let mut twin = lease(9);
        twin.numbers = lease(2).numbers;
        bench.tell(Event::Leases {
            campaign: CAMPAIGN,
            leases: vec![twin],
            next_due: None,
        });
        let mut started = bench.started(3, 9);
        started.number = number(2);
        bench.ask(&Command::Journal(Record::Started(started)))?;
        bench.originate(3)
    };
    let mut calling = waits();
    bridged(&mut calling);
    says(twin(&mut calling), "dialed while lead 2 calls us");
    let mut gone = waits();
    bridged(&mut gone);
    let (leg, person) = (leg(2), false);
    gone.oracle.happened(&Fact::Ended { leg, person });
    twin(&mut gone).unwrap();
    says(waits().originate(2), "came in, and is dialed");
    let queue = "q1".into();
    let mut handed = waits();
    let campaign = handed.setup.campaigns.get_mut(&CAMPAIGN).unwrap();
    campaign.queue = Some("q1".into());
    handed.configure();
    says(
        handed.ask(&Command::Enqueue { leg, queue }),
        "came in, and is handed",
    );
}

#[test]
fn who_waits_too_long_or_not_long_enough_is_found() {
    let mut early = waits();
    early.wait(29);
    says(let_go(&mut early), "let go too early");
    let mut long = waits();
    long.wait(41);
    says(inspected(&mut long), "waits for too long");
}

#[test]
fn what_becomes_of_a_caller_is_judged() {
    says(ends(&mut waits(), |r| r.charged = true), "counts as a dial");
    says(ends(&mut waits(), |r| r.legs = 1), "counts as a dial");
    says(ends(&mut waits(), |r| r.next = done()), "served: false");
    says(
        ends(&mut waits(), |r| r.inbound = false),
        "came in, or did not",
    );
    let agent = |r: &mut AttemptResult| r.bridged_at = Some(Wall(START));
    says(ends(&mut waits(), agent), "had an agent or not");
    let mut served = waits();
    bridged(&mut served);
    says(ends(&mut served, agent), "served: true");
    let mut forbidden = bench();
    let call = Inbound {
        forbidden: true,
        ..inbound(2, Claim::Taken)
    };
    calls(&mut forbidden, call);
    begins(&mut forbidden, 2, 2).unwrap();
    taken(&mut forbidden, 2, 2).unwrap();
    says(ends(&mut forbidden, |_| {}), "served: false");
}

#[test]
fn a_dial_that_takes_the_agent_of_who_waits_is_found() {
    bench().dial(1, 1).unwrap();
    says(waits().dial(1, 1), "2 calls in flight for 1 agents");
    let mut busy = bench();
    is(&mut busy, AgentState::Paused);
    says(busy.dial(1, 1), "1 calls in flight for 0 agents");
}

fn connect(n: u32) -> Command {
    let session = SessionId("s1".into());
    let leg = leg(n);
    Command::Connect { leg, session }
}

#[test]
fn a_caller_who_gets_an_agent_that_is_promised_is_found() {
    let mut bench = bench();
    bench.dial(1, 1).unwrap();
    calls(&mut bench, inbound(2, Claim::Taken));
    begins(&mut bench, 2, 2).unwrap();
    taken(&mut bench, 2, 2).unwrap();
    is(&mut bench, AgentState::Reserved);
    says(bench.ask(&connect(2)), "who is promised: 1 dials, 0 free");
    // The dial has failed meanwhile.
    bench.end(1, 1, done()).unwrap();
    bench.ask(&connect(2)).unwrap();
}

#[test]
fn an_agent_with_two_calls_is_found() {
    let mut bench = waits();
    bench.ask(&connect(2)).unwrap();
    says(bench.ask(&connect(3)), "and has leg");
    let mut back = waits();
    back.ask(&connect(2)).unwrap();
    let (session, what) = (SessionId("s1".into()), SessionEvent::Waiting);
    back.tell(Event::Session { session, what });
    back.ask(&connect(3)).unwrap();
}
