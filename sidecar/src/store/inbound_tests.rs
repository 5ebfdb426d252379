use postgres::Client;

use super::*;
use crate::testing::{self, Database, campaign, status};

const ANA: &str = "5511987654321";
const US: Lessee<'_> = Lessee {
    node: "pbx1",
    epoch: 3,
};

fn dialed(client: &mut Client, lead: u64, ago: &str) {
    let sql =
        format!("UPDATE outdial.leads SET dialed_at = now() - interval '{ago}' WHERE id = $1");
    client.execute(&sql, &[&clock::id(lead)]).unwrap();
}

fn calls_as(client: &mut Client, among: Among<'_>) -> Option<Known> {
    let expires_at_ms = clock::now_ms() + 120_000;
    find(client, US, among, expires_at_ms).unwrap()
}

fn calls(client: &mut Client) -> Option<Known> {
    let numbers = [ANA.to_owned()];
    let among = Among {
        numbers: &numbers,
        campaign: None,
        test: false,
        anybody: false,
    };
    calls_as(client, among)
}

fn guard(client: &mut Client, number: &str) -> Option<i64> {
    let row = client
        .query_opt(
            "SELECT lease_id FROM outdial.number_guard WHERE number = $1",
            &[&number],
        )
        .unwrap();
    row.and_then(|row| row.get(0))
}

fn set(client: &mut Client, campaign: u64, what: &str) {
    let sql = format!("UPDATE outdial.campaigns SET {what} WHERE id = $1");
    client.execute(&sql, &[&clock::id(campaign)]).unwrap();
}

#[test]
fn the_lead_that_was_dialed_last_is_meant_and_claimed() {
    let database = Database::new();
    let client = &mut database.client();
    let (spring, autumn) = (campaign(client, "spring"), campaign(client, "autumn"));
    let old = testing::lead(client, spring, &[ANA]);
    let new = testing::lead(client, autumn, &["5511900000001", ANA]);
    assert_eq!(calls(client), None, "never dialed");
    dialed(client, old, "2 days");
    dialed(client, new, "1 hour");

    let known = calls(client).unwrap();
    assert_eq!((known.campaign, known.lead.lead), (autumn, new));
    assert_eq!((known.claim, known.forbidden), (Claim::Taken, false));
    let numbers: Vec<_> = known
        .lead
        .numbers
        .iter()
        .map(|n| (&*n.number, n.position))
        .collect();
    assert_eq!(numbers, [(ANA, 1), ("5511900000001", 0)], "his first");
    assert_eq!(status(client, new).0, "leased");
    let lease = Some(clock::id(known.lead.id));
    assert_eq!(guard(client, ANA), lease);
    assert_eq!(guard(client, "5511900000001"), lease);
    // The other list's lead can't be leased meanwhile: its number is claimed.
    let now_ms = clock::now_ms();
    let granted = testing::lease(client, US, spring, 10, now_ms).unwrap();
    assert!(granted.leases.is_empty());
}

#[test]
fn who_has_the_lead_keeps_it() {
    let database = Database::new();
    let client = &mut database.client();
    let spring = campaign(client, "spring");
    let lead = testing::lead(client, spring, &[ANA]);
    dialed(client, lead, "1 hour");
    let now_ms = clock::now_ms();
    let granted = testing::lease(client, US, spring, 10, now_ms).unwrap();
    let known = calls(client).unwrap();
    assert_eq!(known.claim, Claim::InHand);
    assert_eq!(known.lead.id, granted.leases[0].id);
    for (change, why) in [
        ("lease_node = 'pbx2'", "another node's"),
        ("lease_node = 'pbx1', lease_epoch = 2", "another life's"),
        ("lease_epoch = 3, status = 'dialing'", "on the line"),
        ("status = 'paused'", "set apart"),
    ] {
        client
            .batch_execute(&format!("UPDATE outdial.leads SET {change}"))
            .unwrap();
        let known = calls(client).unwrap();
        assert_eq!((known.claim, known.lead.id), (Claim::None, 0), "{why}");
    }
}

#[test]
fn a_lead_that_is_done_is_done_again_if_the_call_is_not_taken() {
    let database = Database::new();
    let client = &mut database.client();
    let spring = campaign(client, "spring");
    let lead = testing::lead(client, spring, &[ANA]);
    dialed(client, lead, "1 hour");
    client
        .batch_execute("UPDATE outdial.leads SET status = 'done', reason = 'sale'")
        .unwrap();
    let known = calls(client).unwrap();
    assert_eq!(known.claim, Claim::Taken);
    let back = |client: &mut Client, lease: u64| {
        crate::store::lease::release(client, "pbx1", Some(3), &[lease], &["leased"], None).unwrap()
    };
    back(client, known.lead.id);
    assert_eq!(status(client, lead), ("done".into(), Some("sale".into())));
    assert_eq!(guard(client, ANA), None);

    // Whatever an operator has left there: a lead that was ready is ready again.
    client
        .batch_execute("UPDATE outdial.leads SET status = 'ready'")
        .unwrap();
    let now_ms = clock::now_ms();
    let granted = testing::lease(client, US, spring, 10, now_ms).unwrap();
    back(client, granted.leases[0].id);
    assert_eq!(status(client, lead), ("ready".into(), None));
}

#[test]
fn campaigns_say_for_how_long_and_whether_at_all() {
    let database = Database::new();
    let client = &mut database.client();
    let spring = campaign(client, "spring");
    let lead = testing::lead(client, spring, &[ANA]);
    dialed(client, lead, "29 days");
    let free = |client: &mut Client| {
        client
            .batch_execute(
                "UPDATE outdial.leads SET status = 'ready', lease_id = NULL;
                 UPDATE outdial.number_guard SET lease_id = NULL",
            )
            .unwrap();
    };
    assert!(calls(client).is_some());
    free(client);
    set(client, spring, "state = 'paused'");
    assert!(calls(client).is_some(), "paused");
    free(client);
    for what in [
        "inbound_days = 0",
        "inbound_days = 28",
        "inbound_days = 30, state = 'stopped'",
        "state = 'running', mode = 'agentless'",
    ] {
        set(client, spring, what);
        assert_eq!(calls(client), None, "{what}");
    }
    set(client, spring, "mode = 'progressive'");
    let numbers = [ANA.to_owned()];
    let among = |campaign, test, anybody| Among {
        numbers: &numbers,
        campaign,
        test,
        anybody,
    };
    assert_eq!(
        calls_as(client, among(None, true, false)),
        None,
        "a test's PBX"
    );
    assert_eq!(calls_as(client, among(Some(99), false, false)), None);
    dialed(client, lead, "31 days");
    assert_eq!(calls(client), None);
    let id = Some(clock::id(spring));
    assert!(
        calls_as(client, among(id, false, true)).is_some(),
        "whoever"
    );
    client
        .batch_execute("INSERT INTO outdial.do_not_call (number) VALUES ('5511987654321')")
        .unwrap();
    assert!(calls_as(client, among(id, false, true)).unwrap().forbidden);
    assert_eq!(caller_ids(client, None, false).unwrap(), ["551140001000"]);
}
