//! Results on a real PostgreSQL.

use outdial_link::{AttemptResult, Config, LeadNext, Lease, Numbered, Record, Started};

use crate::clock;
use crate::store::connect::Connection;
use crate::store::history;
use crate::store::lease::{self, Lessee, lease};
use crate::store::results::{Written, write};
use crate::testing::{Database, campaign, lead, status};

const PBX1: Lessee<'_> = Lessee {
    node: "pbx1",
    epoch: 1,
};

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
        if_lost: LeadNext::Done,
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
        next,
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
        ended(bench.spring, &done, 12, "completed", LeadNext::Done),
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
        LeadNext::Done,
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
        ended(bench.spring, &leases[0], 11, "completed", LeadNext::Done),
        ended(bench.spring, &leases[1], 12, "nonsense", LeadNext::Done),
        ended(bench.spring, &leases[2], 13, "busy", LeadNext::Done),
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
    let mut record = ended(bench.spring, &lease, 11, "failed", LeadNext::Done);
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
    let mut record = ended(bench.spring, &lease, 11, "busy", LeadNext::Done);
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
    for (n, outcome) in (1..).zip(["completed", "completed", "abandoned", "machine", "busy"]) {
        let lease = bench.lease(&[&format!("551190000000{n}")]);
        let mut record = ended(bench.spring, &lease, n, outcome, LeadNext::Done);
        let Record::Ended(result) = &mut record else {
            unreachable!()
        };
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
    assert_eq!((*campaign, *answered, *abandoned), (bench.spring, 3, 1));
    assert!((0..86_400_000).contains(&(clock::now_ms() - at_ms)));
    assert_eq!(shown, &[("551130001000".to_owned(), 5)]);

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
