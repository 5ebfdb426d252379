//! Test campaigns and real ones on a real PostgreSQL: neither sees the other.

use outdial_link::{AttemptResult, LeadNext, Lease, Numbered, Record};
use postgres::Client;

use crate::clock;
use crate::store::connect::Connection;
use crate::store::lease::{self, Lessee};
use crate::store::{config, history, results, statistics};
use crate::testing::{Database, campaign, lead, lease};

const REAL: Lessee<'_> = Lessee {
    node: "pbx1",
    epoch: 1,
};
const SIMULATED: Lessee<'_> = Lessee {
    node: "sim1",
    epoch: 2,
};
const NUMBER: &str = "5511900000001";

/// A real and a simulated node, a real campaign and a test, each with the same number.
struct Bench {
    database: Database,
    client: Client,
    real: u64,
    trial: u64,
}

impl Bench {
    fn new() -> Bench {
        let database = Database::new();
        let mut client = database.client();
        let real = campaign(&mut client, "real");
        client
            .batch_execute(
                "INSERT INTO outdial.campaigns (name, test, state, caller_ids, time_zone, window_start, window_end, window_days)
                 SELECT 'trial', true, state, caller_ids, time_zone, window_start, window_end, window_days FROM outdial.campaigns;
                 INSERT INTO outdial.nodes (name, test) VALUES ('pbx1', false), ('sim1', true)",
            )
            .unwrap();
        let trial = client
            .query_one("SELECT id FROM outdial.campaigns WHERE test", &[])
            .unwrap();
        let trial = clock::uid(trial.get(0));
        for campaign in [real, trial] {
            lead(&mut client, campaign, &[NUMBER]);
        }
        Bench {
            database,
            client,
            real,
            trial,
        }
    }

    fn lease(&mut self, who: Lessee<'_>, campaign: u64) -> Vec<Lease> {
        let granted = lease(&mut self.client, who, campaign, 10, clock::now_ms());
        granted.unwrap().leases
    }

    fn write(&mut self, who: Lessee<'_>, campaign: u64, lease: &Lease, attempt: u64) {
        let started_at_ms = clock::now_ms() - 5_000;
        let record = Record::Ended(Box::new(AttemptResult {
            attempt,
            lease: lease.id,
            lead: lease.lead,
            campaign,
            trunk: 1,
            number: lease.numbers[0].number.clone(),
            position: 0,
            caller_id: "551130001000".into(),
            legs: 1,
            outcome: "completed".into(),
            detail: String::new(),
            sip: None,
            q850: Some(16),
            verdict: None,
            agent: None,
            started_at_ms,
            ringing_at_ms: Some(started_at_ms + 1_000),
            answered_at_ms: Some(started_at_ms + 2_000),
            bridged_at_ms: Some(started_at_ms + 2_000),
            ended_at_ms: started_at_ms + 4_000,
            charged: true,
            connect_us: None,
            recording: None,
            disposition: None,
            next: LeadNext::Done {
                status: "completed".into(),
            },
            late: false,
            inbound: false,
        }));
        let mut connection = Connection::new(self.database.connector(), "test");
        let records = [Numbered { seq: 1, record }];
        let written = results::write(&mut connection, who.node, &records, &|_| {}).unwrap();
        assert_eq!((written.attempts, written.leads), (1, 1));
    }

    fn count(&mut self, what: &str) -> i64 {
        self.client
            .query_one(&format!("SELECT count(*) FROM outdial.{what}"), &[])
            .unwrap()
            .get(0)
    }
}

#[test]
fn a_node_is_leased_only_what_it_may_dial() {
    let mut bench = Bench::new();
    let (real, trial) = (bench.real, bench.trial);
    assert_eq!(bench.lease(SIMULATED, real), []);
    assert_eq!(bench.lease(REAL, trial), []);
    // The same number at the same time: the test keeps no real call waiting.
    assert_eq!(bench.lease(SIMULATED, trial).len(), 1);
    assert_eq!(bench.lease(REAL, real).len(), 1);
    let claims = "number_guard WHERE lease_id IS NOT NULL";
    assert_eq!(bench.count(claims), 2);
}

#[test]
fn leases_that_come_back_free_their_own_claims() {
    let mut bench = Bench::new();
    let (real, trial) = (bench.real, bench.trial);
    let simulated = bench.lease(SIMULATED, trial);
    let kept = bench.lease(REAL, real);
    let ids = [simulated[0].id];
    let client = &mut bench.client;
    let back = lease::release(client, "sim1", Some(2), &ids, &["leased"], None).unwrap();
    assert_eq!(back, ids);
    let held = bench
        .client
        .query(
            "SELECT number, lease_id FROM outdial.number_guard WHERE lease_id IS NOT NULL",
            &[],
        )
        .unwrap();
    let held: Vec<(String, i64)> = held.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(held, [(NUMBER.to_owned(), clock::id(kept[0].id))]);
}

#[test]
fn a_test_uses_up_nothing_real_and_is_left_out_of_statistics() {
    let mut bench = Bench::new();
    let (real, trial) = (bench.real, bench.trial);
    let lease = bench.lease(SIMULATED, trial).remove(0);
    bench.write(SIMULATED, trial, &lease, 1);

    assert_eq!(bench.count("attempts WHERE test"), 1);
    assert_eq!(bench.count("campaign_days"), 0);
    assert_eq!(bench.count("caller_id_hours"), 0);
    assert_eq!(
        bench.count("number_guard WHERE total_attempts > 0 AND number NOT LIKE 'test/%'"),
        0
    );
    // Caps are kept among tests, as they would be.
    assert_eq!(
        bench.count("number_guard WHERE day_attempts = 1 AND number = 'test/5511900000001'"),
        1
    );
    assert_eq!(history::load(&mut bench.client).unwrap(), []);
    let dials = |bench: &mut Bench, name| {
        statistics::load(&mut bench.client, name).unwrap()["dials"].clone()
    };
    assert_eq!(dials(&mut bench, "trial"), 0);

    let lease = bench.lease(REAL, real).remove(0);
    bench.write(REAL, real, &lease, 2);
    assert_eq!(bench.count("attempts WHERE NOT test"), 1);
    assert_eq!(bench.count("campaign_days"), 1);
    assert_eq!(bench.count("caller_id_hours"), 1);
    assert_eq!(
        bench.count("number_guard WHERE day_attempts = 1 AND number = '5511900000001'"),
        1
    );
    assert_eq!(dials(&mut bench, "real"), 1);
}

#[test]
fn a_campaign_stays_what_it_is() {
    let mut bench = Bench::new();
    let changed = bench
        .client
        .execute("UPDATE outdial.campaigns SET test = NOT test", &[]);
    let error = changed.unwrap_err();
    assert!(
        error
            .as_db_error()
            .unwrap()
            .message()
            .contains("whole life"),
        "{error:?}"
    );
    // Saying the same again changes nothing, and everything else can change.
    let same = "UPDATE outdial.campaigns SET test = test, priority = 3";
    assert_eq!(bench.client.execute(same, &[]).unwrap(), 2);
}

#[test]
fn each_host_is_configured_with_its_own_campaigns() {
    let mut bench = Bench::new();
    bench
        .client
        .batch_execute(
            "INSERT INTO outdial.agents (name) VALUES ('ann');
             INSERT INTO outdial.agent_campaigns (agent_id, campaign_id)
             SELECT a.id, c.id FROM outdial.agents a, outdial.campaigns c;
             INSERT INTO outdial.trunk_config (name, endpoint) VALUES ('carrier', 'carrier');
             INSERT INTO outdial.routes (campaign_id, trunk_id)
             SELECT c.id, t.id FROM outdial.campaigns c, outdial.trunk_config t
             UNION ALL SELECT NULL, t.id FROM outdial.trunk_config t",
        )
        .unwrap();
    let whole = config::load(&mut bench.client).unwrap();
    assert_eq!(whole.campaigns.len(), 2);
    for (test_host, campaign) in [(false, bench.real), (true, bench.trial)] {
        let part = whole.for_host(test_host);
        let campaigns: Vec<u64> = part.campaigns.keys().copied().collect();
        assert_eq!(campaigns, [campaign]);
        let routes: Vec<Option<u64>> = part.routes.iter().map(|route| route.campaign).collect();
        assert_eq!(routes.len(), 2);
        assert!(routes.iter().all(|of| of.is_none_or(|of| of == campaign)));
        let agent = part.agents.values().next().unwrap();
        let member: Vec<u64> = agent.campaigns.iter().map(|m| m.campaign).collect();
        assert_eq!(member, [campaign]);
    }
}
