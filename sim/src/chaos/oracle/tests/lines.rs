//! What is done with calls in queues, and what is dialed for their members.

use outdial_engine::{LegEvent, QueueCounts};

use super::*;

fn queue(bench: &mut Bench, mode: Mode, campaign: CampaignId) {
    let mut config = bench.setup.campaigns[&CAMPAIGN].clone();
    config.id = campaign;
    (config.mode, config.queue) = (mode, Some("q1".into()));
    config.connect_limit_ms = 2_000;
    config.caller_ids.daily_cap = None;
    bench.tell(Event::Config(ConfigChange::Campaign(Box::new(config))));
}

/// One campaign with a queue of two members, who are free.
fn bench(mode: Mode) -> Bench {
    let mut bench = Bench::new();
    let trunk = bench.setup.trunks.get_mut(&TRUNK).unwrap();
    (trunk.cps_milli, trunk.burst) = (1_000_000, 100);
    bench.wait(5);
    bench.configure();
    queue(&mut bench, mode, CAMPAIGN);
    bench.ask(&watch(true)).unwrap();
    counts(&mut bench, 2, 0);
    bench
}

fn watch(on: bool) -> Command {
    let queue = "q1".into();
    Command::WatchQueue { queue, on }
}

fn counts(bench: &mut Bench, free: u32, callers: u32) {
    let counts = Some(QueueCounts {
        members: 2,
        free,
        callers,
    });
    let queue = "q1".into();
    bench.tell(Event::Queue { queue, counts });
}

fn leg_tells(bench: &mut Bench, n: u32, what: LegEvent) {
    let leg = leg(n);
    bench.tell(Event::Leg { leg, what });
}

fn dial(bench: &mut Bench, n: u32) -> Verdict {
    bench.grant(u64::from(n));
    bench.dial(n, u64::from(n))
}

fn enqueue(n: u32) -> Command {
    let queue = "q1".into();
    Command::Enqueue { leg: leg(n), queue }
}

fn dequeue(n: u32) -> Command {
    Command::Dequeue { leg: leg(n) }
}

fn hang_up(n: u32) -> Command {
    let q850 = 16;
    Command::Hangup { leg: leg(n), q850 }
}

fn play(n: u32) -> Command {
    let sound = "sorry".into();
    Command::Play { leg: leg(n), sound }
}

fn bridged(n: u32) -> Command {
    Command::Journal(Record::Bridged {
        leg: leg(n),
        at: Wall(START),
        agent: None,
        late: false,
    })
}

/// A call that waits in the queue.
fn waits() -> Bench {
    let mut bench = bench(Mode::Progressive);
    dial(&mut bench, 1).unwrap();
    leg_tells(&mut bench, 1, LegEvent::Answered);
    bench.ask(&enqueue(1)).unwrap();
    bench
}

fn ends(bench: &mut Bench, outcome: Outcome) -> Verdict {
    let result = AttemptResult {
        outcome,
        ..bench.result(1, 1, done())
    };
    bench.ask(&Command::Journal(Record::Ended(result)))
}

#[test]
fn a_call_that_a_member_takes_and_one_that_none_takes_are_let_pass() {
    let mut bench = waits();
    leg_tells(&mut bench, 1, LegEvent::Member);
    bench.wait(60);
    bench.ask(&bridged(1)).unwrap();
    ends(&mut bench, Outcome::Completed).unwrap();

    let mut bench = waits();
    bench.wait(2);
    bench.ask(&dequeue(1)).unwrap();
    bench.wait(1);
    leg_tells(&mut bench, 1, LegEvent::Unqueued);
    bench.ask(&play(1)).unwrap();
    bench.ask(&hang_up(1)).unwrap();
    ends(&mut bench, Outcome::Abandoned).unwrap();
}

#[test]
fn who_goes_into_the_wrong_queue_or_twice_is_found() {
    says(waits().ask(&enqueue(1)), "for the second time");
    let mut bench = waits();
    leg_tells(&mut bench, 1, LegEvent::Unqueued);
    says(bench.ask(&enqueue(1)), "for the second time");
    let mut bench = waits();
    let elsewhere = Command::Enqueue {
        leg: leg(1),
        queue: "q2".into(),
    };
    says(bench.ask(&elsewhere), "not its campaign's");
    says(waits().ask(&enqueue(7)), "is no call");
    dial(&mut bench, 2).unwrap();
    says(bench.ask(&enqueue(2)), "before its answer");
}

#[test]
fn who_waits_past_the_limit_is_found() {
    let mut bench = waits();
    bench.wait(2);
    bench.oracle.lines.nobody_waits_too_long(bench.now).unwrap();
    bench.wait(1);
    says(bench.ask(&watch(false)), "more than 2000 ms");
    let mut bench = waits();
    bench.wait(3);
    let now = bench.now;
    let held = [LeaseId(1)];
    let found = bench
        .oracle
        .inspect(now, &Snapshot::default(), &held, &Bench::pbx());
    says(found, "more than 2000 ms");
    // The greeting sets the clock anew.
    let mut bench = waits();
    bench.wait(1);
    let ago = Span(0);
    leg_tells(&mut bench, 1, LegEvent::GreetingEnded { ago });
    bench.wait(2);
    bench.oracle.lines.nobody_waits_too_long(bench.now).unwrap();
}

#[test]
fn who_is_taken_out_too_early_or_twice_is_found() {
    let mut bench = waits();
    bench.wait(1);
    says(bench.ask(&dequeue(1)), "too early");
    let mut bench = waits();
    bench.wait(2);
    bench.ask(&dequeue(1)).unwrap();
    says(bench.ask(&dequeue(1)), "twice");
    let mut bench = waits();
    leg_tells(&mut bench, 1, LegEvent::Member);
    bench.wait(2);
    says(bench.ask(&dequeue(1)), "of no queue (Some(Member))");
}

#[test]
fn what_else_is_done_to_a_call_in_a_queue_is_found() {
    let connect = Command::Connect {
        leg: leg(1),
        session: SessionId("s1".into()),
    };
    let release = Command::Release {
        leg: leg(1),
        target: None,
    };
    says(waits().ask(&connect), "gets an agent while it waits");
    says(waits().ask(&play(1)), "gets a message while it waits");
    says(waits().ask(&release), "is let go while it waits");
    says(waits().ask(&hang_up(1)), "is hung up while it waits");
    let mut bench = waits();
    bench.wait(2);
    bench.ask(&dequeue(1)).unwrap();
    bench.wait(1);
    says(bench.ask(&hang_up(1)), "is hung up while it waits");
    bench.wait(1);
    let mut bench = waits();
    bench.wait(2);
    bench.ask(&dequeue(1)).unwrap();
    bench.wait(2);
    bench.ask(&hang_up(1)).unwrap();
}

#[test]
fn a_result_that_the_queue_knows_better_is_found() {
    says(waits().ask(&bridged(1)), "no member has taken it");
    let mut bench = waits();
    leg_tells(&mut bench, 1, LegEvent::Member);
    says(ends(&mut bench, Outcome::Abandoned), "a member had it");
    let mut bench = waits();
    leg_tells(&mut bench, 1, LegEvent::Unqueued);
    says(ends(&mut bench, Outcome::Completed), "no member had it");
}

#[test]
fn more_calls_than_members_who_are_free_are_found() {
    let dials = |mode, strangers| {
        let mut bench = bench(mode);
        counts(&mut bench, 2, strangers);
        (1..=4).map(|n| dial(&mut bench, n)).find(Verdict::is_err)
    };
    let found = dials(Mode::Progressive, 0).unwrap();
    says(found, "3 calls in flight for 2 members");
    let found = dials(Mode::Progressive, 1).unwrap();
    says(found, "2 calls in flight for 1 members");
    let power = Mode::Power { ratio_milli: 1_500 };
    says(dials(power, 0).unwrap(), "4 calls in flight");
    let mut unknown = bench(Mode::Progressive);
    unknown.ask(&watch(false)).unwrap();
    says(dial(&mut unknown, 1), "nothing is known of q1");
    says(unknown.ask(&watch(false)), "is not watched");
    unknown.ask(&watch(true)).unwrap();
    says(unknown.ask(&watch(true)), "is watched already");
}

#[test]
fn who_waits_is_no_stranger_and_who_talks_needs_nobody() {
    let mut bench = waits();
    counts(&mut bench, 2, 1);
    dial(&mut bench, 2).unwrap();
    leg_tells(&mut bench, 1, LegEvent::Member);
    bench.ask(&bridged(1)).unwrap();
    counts(&mut bench, 2, 0);
    dial(&mut bench, 3).unwrap();
    says(dial(&mut bench, 4), "3 calls in flight for 2 members");
}

#[test]
fn members_whom_another_campaign_has_dialed_for_are_found() {
    let mut bench = bench(Mode::Progressive);
    queue(&mut bench, Mode::Progressive, CampaignId(2));
    dial(&mut bench, 1).unwrap();
    let other = bench.oracle.tries.get_mut(&leg(1).attempt).unwrap();
    other.campaign = CampaignId(2);
    dial(&mut bench, 2).unwrap();
    says(dial(&mut bench, 3), "2 calls in flight for 1 members");
}
