//! Results on a real PostgreSQL.

use outdial_link::{AttemptResult, Config, Disposed, LeadNext, Lease, Numbered, Record, Started};

use crate::clock;
use crate::store::connect::Connection;
use crate::store::history;
use crate::store::lease::{self, Lessee};
use crate::store::results::{Written, write};
use crate::testing::{Database, campaign, lead, lease, status};

const PBX1: Lessee<'_> = Lessee {
    node: "pbx1",
    epoch: 1,
};

fn over(status: &str) -> LeadNext {
    let status = status.into();
    LeadNext::Done { status }
}

fn started(campaign: u64, lease: &Lease, attempt: u64) -> Record {
    Record::Started(Started {
        attempt,
        leg: 1,
        lease: lease.id,
        lead: lease.lead,
        campaign,
        trunk: 1,
        number: lease.numbers[0].number.clone(),
        position: lease.numbers[0].position,
        caller_id: "551130001000".into(),
        started_at_ms: 1_795_000_000_000,
        if_lost: over("failed"),
        inbound: false,
    })
}

fn ended(campaign: u64, lease: &Lease, attempt: u64, outcome: &str, next: LeadNext) -> Record {
    Record::Ended(Box::new(AttemptResult {
        attempt,
        lease: lease.id,
        lead: lease.lead,
        campaign,
        trunk: 1,
        number: lease.numbers[0].number.clone(),
        position: lease.numbers[0].position,
        caller_id: "551130001000".into(),
        legs: 1,
        outcome: outcome.into(),
        detail: "sip 486".into(),
        sip: Some(486),
        q850: Some(17),
        verdict: None,
        agent: None,
        started_at_ms: 1_795_000_000_000,
        ringing_at_ms: Some(1_795_000_001_000),
        answered_at_ms: None,
        bridged_at_ms: None,
        ended_at_ms: 1_795_000_002_000,
        charged: true,
        connect_us: None,
        recording: None,
        disposition: None,
        next,
        late: false,
        inbound: false,
    }))
}

fn numbered(records: Vec<Record>) -> Vec<Numbered> {
    (1..)
        .zip(records)
        .map(|(seq, record)| Numbered { seq, record })
        .collect()
}

struct Bench {
    client: postgres::Client,
    connection: Connection,
    spring: u64,
}

impl Bench {
    fn new() -> Bench {
        let database = Database::new();
        let mut client = database.client();
        let spring = campaign(&mut client, "spring");
        let connection = Connection::new(database.connector(), "test");
        Bench {
            client,
            connection,
            spring,
        }
    }

    fn lease(&mut self, numbers: &[&str]) -> Lease {
        lead(&mut self.client, self.spring, numbers);
        let mut granted = lease(&mut self.client, PBX1, self.spring, 1, clock::now_ms()).unwrap();
        granted.leases.remove(0)
    }

    fn write(&mut self, records: Vec<Record>) -> Written {
        write(&mut self.connection, "pbx1", &numbered(records), &|_| {}).unwrap()
    }

    fn count(&mut self, what: &str) -> i64 {
        self.client
            .query_one(&format!("SELECT count(*) FROM {what}"), &[])
            .unwrap()
            .get(0)
    }
}

#[test]
fn the_same_records_twice_change_nothing_the_second_time() {
    let mut bench = Bench::new();
    let (busy, done) = (
        bench.lease(&["5511900000001", "5511900000002"]),
        bench.lease(&["5511900000003"]),
    );
    let retry = LeadNext::Retry {
        at_ms: 1_795_000_600_000,
        position: 1,
    };
    let records = vec![
        started(bench.spring, &busy, 11),
        started(bench.spring, &done, 12),
        ended(bench.spring, &busy, 11, "busy", retry),
        ended(bench.spring, &done, 12, "completed", over("completed")),
    ];
    assert_eq!(
        bench.write(records.clone()),
        Written {
            attempts: 2,
            leads: 2,
            quarantined: 0
        }
    );
    assert_eq!(
        bench.write(records.clone()),
        Written {
            attempts: 0,
            leads: 0,
            quarantined: 0
        }
    );
    // Also when both copies are in one batch.
    assert_eq!(bench.write([records.clone(), records].concat()).attempts, 0);

    assert_eq!(bench.count("outdial.attempts"), 2);
    assert_eq!(
        status(&mut bench.client, done.lead),
        ("done".into(), Some("completed".into()))
    );
    let row = bench
        .client
        .query_one(
            "SELECT status, attempts, next_position::integer, (extract(epoch FROM next_at) * 1000)::bigint, lease_id
             FROM outdial.leads WHERE id = $1",
            &[&clock::id(busy.lead)],
        )
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "ready");
    assert_eq!(
        (
            row.get::<_, i32>(1),
            row.get::<_, i32>(2),
            row.get::<_, i64>(3)
        ),
        (1, 1, 1_795_000_600_000)
    );
    assert_eq!(row.get::<_, Option<i64>>(4), None);
    assert_eq!(bench.count("outdial.lead_numbers WHERE attempts = 1"), 2);
    assert_eq!(
        bench.count("outdial.number_guard WHERE lease_id IS NOT NULL"),
        0
    );
    assert_eq!(
        bench.count("outdial.number_guard WHERE day_attempts = 1 AND total_attempts = 1"),
        2
    );
}

#[test]
fn a_start_alone_marks_the_lead_as_dialing() {
    let mut bench = Bench::new();
    let lease = bench.lease(&["5511900000001"]);
    bench.write(vec![started(bench.spring, &lease, 11)]);
    assert_eq!(status(&mut bench.client, lease.lead).0, "dialing");
    assert_eq!(bench.count("outdial.attempts"), 0);
}

#[test]
fn a_result_whose_lease_is_not_the_leads_any_more_is_kept_and_leaves_the_lead_alone() {
    let mut bench = Bench::new();
    let old = bench.lease(&["5511900000001"]);
    crate::store::lease::release(
        &mut bench.client,
        "pbx1",
        Some(1),
        &[old.id],
        &["leased"],
        None,
    )
    .unwrap();
    let reborn = Lessee {
        node: "pbx2",
        epoch: 2,
    };
    let new = lease(&mut bench.client, reborn, bench.spring, 1, clock::now_ms())
        .unwrap()
        .leases
        .remove(0);
    assert_eq!(new.lead, old.lead);

    let written = bench.write(vec![ended(
        bench.spring,
        &old,
        11,
        "completed",
        over("completed"),
    )]);
    assert_eq!(
        written,
        Written {
            attempts: 1,
            leads: 0,
            quarantined: 0
        }
    );
    assert_eq!(status(&mut bench.client, new.lead).0, "leased");
    assert_eq!(
        bench.count("outdial.number_guard WHERE lease_id IS NOT NULL"),
        1
    );
    assert_eq!(
        bench.count("outdial.number_guard WHERE total_attempts = 1"),
        1
    );
}

#[test]
fn a_record_that_postgresql_refuses_is_put_aside_and_the_others_go_on() {
    let mut bench = Bench::new();
    let leases: Vec<Lease> = (1..=3)
        .map(|n| bench.lease(&[&format!("551190000000{n}")]))
        .collect();
    let records = vec![
        ended(bench.spring, &leases[0], 11, "completed", over("completed")),
        ended(bench.spring, &leases[1], 12, "nonsense", over("nonsense")),
        ended(bench.spring, &leases[2], 13, "busy", over("busy")),
    ];
    assert_eq!(
        bench.write(records),
        Written {
            attempts: 2,
            leads: 2,
            quarantined: 1
        }
    );
    assert_eq!(bench.count("outdial.attempts"), 2);
    let row = bench
        .client
        .query_one(
            "SELECT seq::bigint, attempt::bigint, error, record FROM outdial.quarantine",
            &[],
        )
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 12));
    let error: String = row.get(2);
    assert!(
        error.contains("attempts_outcome_check") && !error.contains("55119"),
        "{error}"
    );
    let mut reader = outdial_link::Reader::default();
    reader.push(row.get(3));
    assert_eq!(
        reader.next::<Numbered>().unwrap().unwrap().record.attempt(),
        12
    );
}

#[test]
fn texts_that_a_column_cannot_hold_do_not_stop_a_result() {
    let mut bench = Bench::new();
    let lease = bench.lease(&["5511900000001"]);
    let mut record = ended(bench.spring, &lease, 11, "failed", over("failed"));
    if let Record::Ended(result) = &mut record {
        result.detail = format!("a\0b\n{}", "x".repeat(10_000));
        result.q850 = Some(255);
        result.sip = Some(65_535);
        result.ended_at_ms = i64::MAX;
        result.ringing_at_ms = Some(-5);
    }
    assert_eq!(
        bench.write(vec![record]),
        Written {
            attempts: 1,
            leads: 1,
            quarantined: 0
        }
    );
}

#[test]
fn what_is_not_charged_counts_for_nothing() {
    let mut bench = Bench::new();
    let lease = bench.lease(&["5511900000001"]);
    let mut record = ended(
        bench.spring,
        &lease,
        11,
        "congested",
        LeadNext::Retry {
            at_ms: 1_795_000_600_000,
            position: 0,
        },
    );
    if let Record::Ended(result) = &mut record {
        result.charged = false;
    }
    bench.write(vec![record]);
    assert_eq!(bench.count("outdial.leads WHERE attempts > 0"), 0);
    assert_eq!(bench.count("outdial.lead_numbers WHERE attempts > 0"), 0);
    assert_eq!(
        bench.count("outdial.number_guard WHERE total_attempts > 0"),
        0
    );
}

#[test]
fn attempts_lie_in_the_partition_of_their_month() {
    let mut bench = Bench::new();
    let lease = bench.lease(&["5511900000001"]);
    let mut record = ended(bench.spring, &lease, 11, "busy", over("busy"));
    if let Record::Ended(result) = &mut record {
        result.started_at_ms = clock::now_ms();
    }
    bench.write(vec![record]);
    assert_eq!(bench.count("outdial.attempts_default"), 0);
    assert_eq!(bench.count("outdial.attempts"), 1);
    assert_eq!(
        crate::store::migrate::make_partitions(&mut bench.client).unwrap(),
        0
    );
    let unprotected = bench.count("pg_class WHERE relnamespace = 'outdial'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity");
    assert_eq!(unprotected, 0);
}

#[test]
fn a_new_engine_learns_what_was_abandoned_and_which_numbers_were_shown() {
    let mut bench = Bench::new();
    let mut records = Vec::new();
    let outcomes = [
        ("completed", false),
        ("completed", true),
        ("completed", false),
        ("abandoned", false),
        ("machine", false),
        ("busy", false),
    ];
    for (n, (outcome, late)) in (1..).zip(outcomes) {
        let lease = bench.lease(&[&format!("551190000000{n}")]);
        let mut record = ended(bench.spring, &lease, n, outcome, over(outcome));
        let Record::Ended(result) = &mut record else {
            unreachable!()
        };
        result.late = late;
        result.started_at_ms = clock::now_ms();
        result.answered_at_ms = (outcome != "busy").then_some(result.started_at_ms + 5_000);
        records.push(record);
    }
    bench.write(records.clone());
    bench.write(records);

    let history = history::load(&mut bench.client).unwrap();
    let [
        Config::Abandons {
            campaign,
            at_ms,
            answered,
            abandoned,
        },
        Config::CallerIdsShown(shown),
    ] = &history[..]
    else {
        panic!("{history:?}")
    };
    assert_eq!((*campaign, *answered, *abandoned), (bench.spring, 4, 2));
    assert_eq!(bench.count("outdial.attempts WHERE late"), 1);
    assert!((0..86_400_000).contains(&(clock::now_ms() - at_ms)));
    assert_eq!(shown, &[("551130001000".to_owned(), 6)]);

    bench
        .client
        .batch_execute(
            "UPDATE outdial.campaign_days SET day = day - 30;
             UPDATE outdial.caller_id_hours SET hour = hour - interval '3 days'",
        )
        .unwrap();
    assert_eq!(history::load(&mut bench.client).unwrap(), []);
    assert_eq!(history::forget(&mut bench.client).unwrap(), 1);
}

#[test]
fn a_lead_that_is_skipped_is_due_again_later() {
    let mut bench = Bench::new();
    let lease = bench.lease(&["5511900000001"]);
    let until_ms = clock::now_ms() + 600_000;
    lease::defer(&mut bench.client, PBX1, lease.id, until_ms).unwrap();
    let due = "outdial.leads WHERE status = 'ready' AND next_at > now() + interval '9 minutes'";
    assert_eq!(bench.count(due), 1);
    assert_eq!(
        bench.count("outdial.number_guard WHERE lease_id IS NOT NULL"),
        0
    );
    // Somebody else's is left alone.
    lease::defer(&mut bench.client, PBX1, 4_711, 0).unwrap();
    assert_eq!(bench.count(due), 1);
}

/// Outcome, attempts in a row that ended so.
fn row(bench: &mut Bench) -> (Option<String>, i32) {
    let row = bench
        .client
        .query_one("SELECT last_outcome, last_count FROM outdial.leads", &[])
        .unwrap();
    (row.get(0), row.get(1))
}

/// Leases the only lead again.
fn again(bench: &mut Bench) -> Lease {
    bench
        .client
        .batch_execute(
            "UPDATE outdial.leads SET next_at = now(), callback_at = CASE WHEN callback_at IS NOT NULL THEN '2026-01-01Z'::timestamptz END",
        )
        .unwrap();
    lease(&mut bench.client, PBX1, bench.spring, 1, clock::now_ms())
        .unwrap()
        .leases
        .remove(0)
}

const SOON: LeadNext = LeadNext::Retry {
    at_ms: 1_795_000_600_000,
    position: 0,
};

#[test]
fn attempts_in_a_row_are_counted_and_come_with_the_lease() {
    let mut bench = Bench::new();
    bench
        .client
        .batch_execute("UPDATE outdial.campaigns SET max_attempts_per_number = 9")
        .unwrap();
    let mut held = bench.lease(&["5511900000001"]);
    assert_eq!(held.last, None);
    for (n, (outcome, legs, count)) in [
        ("busy", 1, ("busy", 1)),
        ("busy", 1, ("busy", 2)),
        // One that reached no carrier is no attempt.
        ("failed", 0, ("busy", 2)),
        ("no_answer", 1, ("no_answer", 1)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut record = ended(bench.spring, &held, 20 + n as u64, outcome, SOON);
        if let Record::Ended(result) = &mut record {
            result.legs = legs;
        }
        bench.write(vec![record.clone(), record]);
        let (last, number) = count;
        assert_eq!(row(&mut bench), (Some(last.into()), number));
        held = again(&mut bench);
        assert_eq!(
            held.last,
            Some((last.into(), u16::try_from(number).unwrap()))
        );
    }
}

fn dispose(record: &mut Record, disposed: Disposed) {
    if let Record::Ended(result) = record {
        result.disposition = Some(disposed);
    }
}

#[test]
fn what_the_engine_decided_of_a_callback_is_written_down() {
    let mut bench = Bench::new();
    let held = bench.lease(&["5511900000001"]);
    let ana: i64 = bench
        .client
        .query_one(
            "INSERT INTO outdial.agents (name) VALUES ('ana') RETURNING id",
            &[],
        )
        .unwrap()
        .get(0);
    let back = |agent: Option<u64>, tries| LeadNext::Callback {
        at_ms: 1_795_000_600_000,
        position: 0,
        agent,
        tries,
    };
    let asked = back(Some(clock::uid(ana)), 0);
    let mut record = ended(bench.spring, &held, 20, "completed", asked);
    let note = Some("after lunch".to_owned());
    dispose(
        &mut record,
        Disposed {
            code: "callback".into(),
            retry_as: None,
            do_not_call: false,
            note,
        },
    );
    bench.write(vec![record]);
    let lead = bench
        .client
        .query_one(
            "SELECT status, callback_agent, callback_tries, callback_note, callback_at = next_at, reason,
                    (SELECT disposition FROM outdial.attempts)
             FROM outdial.leads",
            &[],
        )
        .unwrap();
    assert_eq!(lead.get::<_, String>(0), "ready");
    assert_eq!(lead.get::<_, Option<i64>>(1), Some(ana));
    assert_eq!(
        lead.get::<_, Option<String>>(3).as_deref(),
        Some("after lunch")
    );
    assert!(lead.get::<_, bool>(4) && lead.get::<_, Option<String>>(5).is_none());
    assert_eq!(
        lead.get::<_, Option<String>>(6).as_deref(),
        Some("callback")
    );

    // The agent is gone from the system; the callback is anybody's.
    bench
        .client
        .batch_execute("DELETE FROM outdial.agents")
        .unwrap();
    let held = again(&mut bench);
    assert!(held.callback.is_some() && held.owner.is_none());
    bench.write(vec![ended(
        bench.spring,
        &held,
        21,
        "busy",
        back(Some(99), 1),
    )]);
    let held = again(&mut bench);
    assert_eq!(held.callback.unwrap().tries, 1);
    bench.write(vec![ended(
        bench.spring,
        &held,
        22,
        "completed",
        over("completed"),
    )]);
    let left = bench.count("outdial.leads WHERE callback_at IS NOT NULL OR status <> 'done'");
    assert_eq!(left, 0);
}

#[test]
fn an_agents_word_reaches_the_attempt_the_lead_and_the_do_not_call_list() {
    let mut bench = Bench::new();
    let held = bench.lease(&["5511900000001"]);
    let mut record = ended(bench.spring, &held, 20, "completed", over("do_not_call"));
    dispose(
        &mut record,
        Disposed {
            code: "do_not_call".into(),
            retry_as: Some("machine".into()),
            do_not_call: true,
            note: None,
        },
    );
    bench.write(vec![record.clone(), record]);
    let (state, reason) = status(&mut bench.client, held.lead);
    assert_eq!(
        (state.as_str(), reason.as_deref()),
        ("done", Some("do_not_call"))
    );
    assert_eq!(row(&mut bench), (Some("machine".into()), 1));
    assert_eq!(
        bench.count("outdial.do_not_call WHERE number = '5511900000001'"),
        1
    );
}

#[test]
fn a_callback_that_was_set_while_the_lead_was_called_stands() {
    let mut bench = Bench::new();
    let held = bench.lease(&["5511900000001"]);
    bench.write(vec![started(bench.spring, &held, 20)]);
    bench
        .client
        .batch_execute(
            "UPDATE outdial.leads SET callback_at = '2090-01-01Z', next_at = '2090-01-01Z'",
        )
        .unwrap();
    bench.write(vec![ended(
        bench.spring,
        &held,
        20,
        "busy",
        over("unreachable"),
    )]);
    let stands = bench.count(
        "outdial.leads WHERE status = 'ready' AND reason IS NULL AND callback_at = '2090-01-01Z'
         AND next_at = callback_at AND last_outcome = 'busy'",
    );
    assert_eq!(stands, 1);
}

/// A call that came in: no cap, no account and no row of attempts counts it, and the lead follows.
#[test]
fn who_called_was_not_dialed() {
    let mut bench = Bench::new();
    let spring = bench.spring;
    let dialed = bench.lease(&["5511900000001"]);
    let called = bench.lease(&["5511900000002"]);
    let inbound = |record: Record, answered: bool| match record.clone() {
        Record::Ended(mut result) => {
            result.inbound = true;
            result.legs = 0;
            result.charged = false;
            result.answered_at_ms = answered.then_some(1_795_000_001_000);
            Record::Ended(result)
        }
        Record::Started(start) => Record::Started(Started {
            inbound: true,
            ..start
        }),
        Record::Answered { .. } | Record::Bridged { .. } | Record::MessageStarted { .. } => record,
    };
    bench.write(vec![
        started(spring, &dialed, 1),
        inbound(started(spring, &called, 2), false),
    ]);
    let at = "outdial.leads WHERE status = 'dialing' AND dialed_at IS NOT NULL";
    assert_eq!(bench.count(at), 1, "while it rings he may call");
    let busy = LeadNext::Retry {
        at_ms: 1_795_000_600_000,
        position: 0,
    };
    bench.write(vec![
        ended(spring, &dialed, 1, "busy", busy),
        inbound(
            ended(spring, &called, 2, "completed", over("completed")),
            true,
        ),
    ]);
    assert_eq!(bench.count("outdial.attempts WHERE inbound"), 1);
    assert_eq!(bench.count("outdial.campaign_days"), 0);
    assert_eq!(bench.count("outdial.caller_id_hours WHERE shown = 1"), 1);
    let reached = "outdial.leads WHERE status = 'done' AND reason = 'completed' AND attempts = 0
                   AND last_outcome = 'completed' AND dialed_at IS NULL";
    assert_eq!(bench.count(reached), 1);
    assert_eq!(
        bench.count("outdial.leads WHERE last_outcome = 'busy' AND dialed_at IS NOT NULL"),
        1
    );
    let free = "outdial.number_guard WHERE lease_id IS NULL AND total_attempts = 0
                AND last_attempt_at IS NULL";
    assert_eq!(bench.count(free), 1);
    // Without a lease nothing of the lead changes.
    let none = Lease { id: 0, ..called };
    let lost = over("node_lost");
    bench.write(vec![inbound(
        ended(spring, &none, 3, "failed", lost),
        false,
    )]);
    assert_eq!(bench.count(reached), 1);
    assert_eq!(bench.count("outdial.attempts WHERE inbound"), 2);
}
