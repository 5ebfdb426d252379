//! Leases on a real PostgreSQL.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::clock;
use crate::limits;
use crate::store::grant::Granted;
use crate::store::lease::{self, Lessee};
use crate::testing::{Database, campaign, lead, leads, lease, status};

const PBX1: Lessee<'_> = Lessee {
    node: "pbx1",
    epoch: 1,
};
const PBX2: Lessee<'_> = Lessee {
    node: "pbx2",
    epoch: 2,
};

fn take(client: &mut postgres::Client, who: Lessee<'_>, campaign: u64, count: u32) -> Granted {
    lease(client, who, campaign, count, clock::now_ms()).unwrap()
}

fn numbers(granted: &Granted) -> Vec<&str> {
    granted
        .leases
        .iter()
        .flat_map(|l| l.numbers.iter().map(|n| n.number.as_str()))
        .collect()
}

fn give_back(client: &mut postgres::Client, who: Lessee<'_>, granted: &Granted) {
    let ids: Vec<u64> = granted.leases.iter().map(|l| l.id).collect();
    let freed = lease::release(client, who.node, Some(who.epoch), &ids, &["leased"], None).unwrap();
    assert_eq!(freed.len(), ids.len());
}

#[test]
fn eight_leasers_on_two_nodes_never_share_a_lead() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    leads(&mut client, spring, 4_000);
    let threads: Vec<_> = (0..8)
        .map(|place| {
            let mut client = database.client();
            let who = if place % 2 == 0 { PBX1 } else { PBX2 };
            std::thread::spawn(move || {
                let mut mine = Vec::new();
                loop {
                    let granted = take(&mut client, who, spring, 50);
                    if granted.leases.is_empty() {
                        return mine;
                    }
                    mine.extend(granted.leases.iter().map(|l| (l.id, l.lead)));
                }
            })
        })
        .collect();
    let all: Vec<(u64, u64)> = threads
        .into_iter()
        .flat_map(|t| t.join().unwrap())
        .collect();
    let ids: BTreeSet<u64> = all.iter().map(|(id, _)| *id).collect();
    let leads: BTreeSet<u64> = all.iter().map(|(_, lead)| *lead).collect();
    assert_eq!((all.len(), ids.len(), leads.len()), (4_000, 4_000, 4_000));
}

#[test]
fn a_number_in_two_campaigns_is_leased_once_at_a_time() {
    let database = Database::new();
    let mut client = database.client();
    let (spring, autumn) = (
        campaign(&mut client, "spring"),
        campaign(&mut client, "autumn"),
    );
    lead(&mut client, spring, &["5511900000001"]);
    let other = lead(&mut client, autumn, &["5511900000001"]);
    let twice = lead(&mut client, autumn, &["5511900000001", "5511900000002"]);

    let first = take(&mut client, PBX1, spring, 10);
    assert_eq!(numbers(&first), ["5511900000001"]);
    let second = take(&mut client, PBX2, autumn, 10);
    assert_eq!(numbers(&second), ["5511900000002"]);
    assert_eq!(second.leases[0].lead, twice);
    // The lead whose only number is claimed does not block the front of the queue.
    assert_eq!(status(&mut client, other).0, "ready");
    let due: bool = client
        .query_one(
            "SELECT next_at > now() FROM outdial.leads WHERE id = $1",
            &[&clock::id(other)],
        )
        .unwrap()
        .get(0);
    assert!(due);

    give_back(&mut client, PBX1, &first);
    client
        .execute(
            "UPDATE outdial.leads SET next_at = now() WHERE status = 'ready'",
            &[],
        )
        .unwrap();
    assert_eq!(
        numbers(&take(&mut client, PBX2, autumn, 10)),
        ["5511900000001"]
    );
}

#[test]
fn a_number_twice_in_one_batch_is_leased_once() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    for _ in 0..3 {
        lead(&mut client, spring, &["5511900000001"]);
    }
    assert_eq!(
        numbers(&take(&mut client, PBX1, spring, 10)),
        ["5511900000001"]
    );
}

#[test]
fn numbers_on_do_not_call_are_not_leased() {
    let database = Database::new();
    let mut client = database.client();
    let (spring, autumn) = (
        campaign(&mut client, "spring"),
        campaign(&mut client, "autumn"),
    );
    let gone = lead(&mut client, spring, &["5511900000001"]);
    let half = lead(&mut client, spring, &["5511900000001", "5511900000002"]);
    let own = lead(&mut client, spring, &["5511900000003"]);
    lead(&mut client, autumn, &["5511900000003"]);
    client
        .execute(
            "INSERT INTO outdial.do_not_call (number, campaign_id) VALUES ('5511900000001', NULL), ('5511900000003', $1)",
            &[&clock::id(spring)],
        )
        .unwrap();

    let granted = take(&mut client, PBX1, spring, 10);
    assert_eq!(numbers(&granted), ["5511900000002"]);
    assert_eq!(granted.leases[0].lead, half);
    for lead in [gone, own] {
        assert_eq!(
            status(&mut client, lead),
            ("done".into(), Some("do_not_call".into()))
        );
    }
    assert_eq!(
        numbers(&take(&mut client, PBX1, autumn, 10)),
        ["5511900000003"]
    );
}

#[test]
fn a_do_not_call_entry_finds_leases_in_hand() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    lead(&mut client, spring, &["5511900000001"]);
    lead(&mut client, spring, &["5511900000002"]);
    let granted = take(&mut client, PBX1, spring, 10);
    client
        .execute(
            "INSERT INTO outdial.do_not_call (number, campaign_id) VALUES ('5511900000001', NULL), ('5511900000002', $1)",
            &[&clock::id(spring)],
        )
        .unwrap();
    let found = lease::forbidden(&mut client, PBX1).unwrap();
    assert_eq!(found.numbers, ["5511900000001"]);
    let revoked = granted
        .leases
        .iter()
        .find(|l| l.numbers[0].number == "5511900000002")
        .unwrap();
    assert_eq!(found.leases, [revoked.id]);
    assert!(
        lease::forbidden(&mut client, PBX2)
            .unwrap()
            .numbers
            .is_empty()
    );
}

#[test]
fn only_leads_whose_window_is_open_are_leased() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    client
        .execute("UPDATE outdial.campaigns SET window_start = '09:00', window_end = '20:00', time_zone = 'America/Sao_Paulo'", &[])
        .unwrap();
    let ids: Vec<u64> = (1..=3)
        .map(|n| lead(&mut client, spring, &[&format!("551190000000{n}")]))
        .collect();
    for (id, zone) in ids.iter().zip(["", "America/Manaus", "Asia/Tokyo"]) {
        client
            .execute(
                "UPDATE outdial.leads SET time_zone = $2, next_at = '2026-01-01Z' WHERE id = $1",
                &[&clock::id(*id), &zone],
            )
            .unwrap();
    }
    // A Wednesday, 09:30 in São Paulo, 08:30 in Manaus, 21:30 in Tokyo.
    let now = "2026-03-04T12:30:00Z"
        .parse::<Timestamp>()
        .unwrap()
        .as_millisecond();
    let granted = lease(&mut client, PBX1, spring, 10, now).unwrap();
    assert_eq!(granted.leases.len(), 1);
    assert_eq!(granted.leases[0].lead, ids[0]);
    let number = &granted.leases[0].numbers[0];
    assert_eq!(
        number.not_before_ms,
        "2026-03-04T12:00:00Z"
            .parse::<Timestamp>()
            .unwrap()
            .as_millisecond()
    );
    assert_eq!(
        number.not_after_ms,
        "2026-03-04T23:00:00Z"
            .parse::<Timestamp>()
            .unwrap()
            .as_millisecond()
    );
    // Nothing more is open; the next window opens in half an hour, but the engine asks again sooner.
    let granted = lease(&mut client, PBX1, spring, 10, now).unwrap();
    assert!(granted.leases.is_empty());
    assert_eq!(
        granted.next_due_ms,
        Some(now + clock::millis(limits::NEXT_DUE_MAX))
    );
    let soon = now + 30 * 60_000 - 10_000;
    assert_eq!(
        lease(&mut client, PBX1, spring, 10, soon)
            .unwrap()
            .next_due_ms,
        Some(now + 30 * 60_000)
    );
    assert_eq!(
        lease(&mut client, PBX1, spring, 10, now + 31 * 60_000)
            .unwrap()
            .leases[0]
            .lead,
        ids[1]
    );
}

#[test]
fn priority_comes_first_and_then_what_is_due_longest() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    let ids: Vec<u64> = (1..=4)
        .map(|n| lead(&mut client, spring, &[&format!("551190000000{n}")]))
        .collect();
    for (id, priority, due) in [
        (ids[0], 0_i16, 10),
        (ids[1], 5, 20),
        (ids[2], 5, 30),
        (ids[3], 9, -60),
    ] {
        client
            .execute(
                "UPDATE outdial.leads SET priority = $2, next_at = now() - make_interval(secs => $3) WHERE id = $1",
                &[&clock::id(id), &priority, &f64::from(due)],
            )
            .unwrap();
    }
    let granted = take(&mut client, PBX1, spring, 10);
    let order: Vec<u64> = granted.leases.iter().map(|l| l.lead).collect();
    assert_eq!(order, [ids[2], ids[1], ids[0]]);
    let next = take(&mut client, PBX1, spring, 10).next_due_ms.unwrap();
    assert!(
        next > clock::now_ms() && next <= clock::now_ms() + clock::millis(limits::NEXT_DUE_MAX)
    );
}

#[test]
fn caps_are_kept_over_campaigns() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    client
        .execute("UPDATE outdial.campaigns SET number_attempts_per_day = 2, max_attempts_per_number = 3, max_attempts = 5", &[])
        .unwrap();
    let capped = lead(&mut client, spring, &["5511900000001"]);
    let spent = lead(&mut client, spring, &["5511900000002"]);
    let over = lead(&mut client, spring, &["5511900000003"]);
    client
        .batch_execute(
            "INSERT INTO outdial.number_guard (number, day, day_attempts) VALUES ('5511900000001', (now() AT TIME ZONE 'UTC')::date, 2);
             UPDATE outdial.lead_numbers SET attempts = 3 WHERE number = '5511900000002'",
        )
        .unwrap();
    client
        .execute(
            "UPDATE outdial.leads SET attempts = 5 WHERE id = $1",
            &[&clock::id(over)],
        )
        .unwrap();
    assert!(take(&mut client, PBX1, spring, 10).leases.is_empty());
    assert_eq!(status(&mut client, capped).0, "ready");
    for lead in [spent, over] {
        assert_eq!(
            status(&mut client, lead),
            ("done".into(), Some("max_attempts".into()))
        );
    }
}

#[test]
fn a_retry_starts_at_the_number_that_the_engine_named() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    lead(
        &mut client,
        spring,
        &["5511900000001", "5511900000002", "5511900000003"],
    );
    client
        .execute("UPDATE outdial.leads SET next_position = 1", &[])
        .unwrap();
    let granted = take(&mut client, PBX1, spring, 1);
    assert_eq!(
        numbers(&granted),
        ["5511900000002", "5511900000003", "5511900000001"]
    );
    assert_eq!(granted.leases[0].numbers[0].position, 1);
}

#[test]
fn leases_of_another_node_are_freed_only_when_they_have_expired_and_never_while_dialing() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    leads(&mut client, spring, 3);
    let granted = take(&mut client, PBX1, spring, 3);
    assert_eq!(lease::reclaim_others(&mut client, "pbx2").unwrap(), 0);
    let mut expired_for = |seconds: f64| {
        client
            .execute(
                "UPDATE outdial.leads SET lease_expires_at = now() - make_interval(secs => $1)",
                &[&seconds],
            )
            .unwrap();
        lease::reclaim_others(&mut client, "pbx2").unwrap()
    };
    let grace = limits::RECLAIM_OTHERS_AFTER.as_secs_f64();
    assert_eq!(
        expired_for(grace - 5.0),
        0,
        "its journal may know of a call"
    );
    client
        .execute(
            "UPDATE outdial.leads SET lease_expires_at = now() - make_interval(secs => $1)",
            &[&(grace + 1.0)],
        )
        .unwrap();
    client
        .execute(
            "UPDATE outdial.leads SET status = 'dialing' WHERE lease_id = $1",
            &[&clock::id(granted.leases[0].id)],
        )
        .unwrap();
    assert_eq!(lease::reclaim_others(&mut client, "pbx1").unwrap(), 0);
    // A renewed one lives on.
    let renewed = [granted.leases[1].id];
    assert_eq!(
        lease::renew(&mut client, PBX1, &renewed, clock::now_ms())
            .unwrap()
            .1,
        renewed
    );
    assert_eq!(lease::reclaim_others(&mut client, "pbx2").unwrap(), 1);
    assert_eq!(take(&mut client, PBX2, spring, 10).leases.len(), 1);
    // The first owner can't renew what it lost.
    let all: Vec<u64> = granted.leases.iter().map(|l| l.id).collect();
    assert_eq!(
        lease::renew(&mut client, PBX1, &all, clock::now_ms())
            .unwrap()
            .1
            .len(),
        2
    );
}

#[test]
fn a_new_life_settles_what_the_one_before_left_behind() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    leads(&mut client, spring, 3);
    let granted = take(&mut client, PBX1, spring, 2);
    client
        .execute(
            "UPDATE outdial.leads SET status = 'dialing' WHERE lease_id = $1",
            &[&clock::id(granted.leases[0].id)],
        )
        .unwrap();
    let reborn = Lessee {
        node: "pbx1",
        epoch: 7,
    };
    let fresh = take(&mut client, reborn, spring, 1);
    assert_eq!(
        lease::settle_former_lives(&mut client, reborn).unwrap(),
        (1, 1)
    );
    assert_eq!(
        status(&mut client, granted.leases[0].lead),
        ("done".into(), Some("node_lost".into()))
    );
    assert_eq!(status(&mut client, granted.leases[1].lead).0, "ready");
    assert_eq!(status(&mut client, fresh.leases[0].lead).0, "leased");
    let claims: i64 = client
        .query_one(
            "SELECT count(*) FROM outdial.number_guard WHERE lease_id IS NOT NULL",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(claims, 1);
}

#[test]
fn a_paused_campaign_leases_nothing() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    leads(&mut client, spring, 1);
    client
        .execute("UPDATE outdial.campaigns SET state = 'paused'", &[])
        .unwrap();
    assert_eq!(take(&mut client, PBX1, spring, 1), Granted::default());
}

#[test]
fn the_statement_walks_the_index_of_what_is_due() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    leads(&mut client, spring, 20_000);
    client
        .batch_execute("ANALYZE outdial.leads; ANALYZE outdial.lead_numbers")
        .unwrap();
    let plan: String = client
        .query("EXPLAIN WITH RECURSIVE x AS (SELECT 1) SELECT time_zone, -rank, next_at FROM outdial.leads
                WHERE status = 'ready' AND campaign_id = 1 AND holder IS NULL AND (time_zone, coalesce(list_id, 0), -rank) > ('', 0, 0::smallint)
                ORDER BY campaign_id, time_zone, coalesce(list_id, 0), (-rank), next_at LIMIT 1", &[])
        .unwrap()
        .iter()
        .map(|row| row.get::<_, String>(0) + "\n")
        .collect();
    assert!(
        plan.contains("leads_due") && plan.contains("ROW(time_zone"),
        "{plan}"
    );
    let filter = plan
        .lines()
        .any(|line| line.contains("Filter") && line.contains("ROW"));
    assert!(!filter, "{plan}");
}

#[test]
fn a_claim_without_a_lease_is_freed_after_an_hour() {
    let database = Database::new();
    let mut client = database.client();
    let spring = campaign(&mut client, "spring");
    leads(&mut client, spring, 3);
    let granted = take(&mut client, PBX1, spring, 3);
    client
        .batch_execute("UPDATE outdial.number_guard SET claimed_at = now() - interval '2 h'")
        .unwrap();
    assert_eq!(lease::free_orphaned_claims(&mut client).unwrap(), 0);
    let lead = |place: usize| clock::id(granted.leases[place].lead);
    client
        .execute("DELETE FROM outdial.leads WHERE id = $1", &[&lead(0)])
        .unwrap();
    client
        .execute(
            "UPDATE outdial.leads SET status = 'paused' WHERE id = $1",
            &[&lead(1)],
        )
        .unwrap();
    assert_eq!(lease::free_orphaned_claims(&mut client).unwrap(), 2);
}
