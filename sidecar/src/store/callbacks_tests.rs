//! Callbacks, owners, lists, caps and dispositions on a real PostgreSQL.

use std::collections::BTreeMap;

use jiff::Timestamp;
use outdial_link::{After, Lease};
use postgres::Client;
use serde_json::Map;

use crate::clock;
use crate::store::callbacks::{self, Callback};
use crate::store::dispositions::{self, Kind};
use crate::store::grant::{self, Want};
use crate::store::lease::{self, Lessee};
use crate::store::{agents, lists};
use crate::testing::{Database, campaign, lead, leads, status};

const PBX1: Lessee<'_> = Lessee {
    node: "pbx1",
    epoch: 1,
};
/// A Wednesday, 12:00 in São Paulo.
const NOON: &str = "2026-12-02T15:00:00Z";

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

struct Bench {
    client: Client,
    spring: u64,
    ana: u64,
    bruno: u64,
}

impl Bench {
    fn new() -> Bench {
        let database = Database::new();
        let mut client = database.client();
        let spring = campaign(&mut client, "spring");
        let names = ["ana".to_owned(), "bruno".to_owned()];
        agents::add(&mut client, &names, &["spring".into()], None, &Map::new()).unwrap();
        let (ana, bruno) = (
            agents::TABLE.id(&mut client, "ana").unwrap(),
            agents::TABLE.id(&mut client, "bruno").unwrap(),
        );
        Bench {
            client,
            spring,
            ana,
            bruno,
        }
    }

    fn take(&mut self, agents: &[u64], count: u32) -> Vec<Lease> {
        self.take_at(agents, count, clock::now_ms())
    }

    fn take_at(&mut self, agents: &[u64], count: u32, now_ms: i64) -> Vec<Lease> {
        let want = Want {
            campaign: self.spring,
            count,
            agents,
            only_callbacks: false,
        };
        grant::lease(&mut self.client, PBX1, want, now_ms)
            .unwrap()
            .leases
    }

    fn run(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap();
    }

    fn lead(&mut self, number: &str) -> u64 {
        lead(&mut self.client, self.spring, &[number])
    }

    fn call_back(&mut self, lead: u64, at_ms: i64, agent: Option<&str>) {
        let wanted = Callback {
            at: Timestamp::from_millisecond(at_ms).unwrap().to_string(),
            agent: agent.map(str::to_owned),
            note: None,
        };
        callbacks::set(&mut self.client, lead, &wanted, at_ms - 1_000).unwrap();
    }
}

fn ids(leases: &[Lease]) -> Vec<u64> {
    leases.iter().map(|l| l.lead).collect()
}

#[test]
fn a_callback_comes_at_its_time_and_before_all_others() {
    let mut bench = Bench::new();
    leads(&mut bench.client, bench.spring, 20);
    bench.run("UPDATE outdial.leads SET priority = 100");
    let asked = bench.lead("5511911111111");
    let later = clock::now_ms() + 3_600_000;
    bench.call_back(asked, later, None);
    assert!(!ids(&bench.take(&[], 5)).contains(&asked), "not yet");
    bench.run("UPDATE outdial.leads SET callback_at = now(), next_at = now() WHERE callback_at IS NOT NULL");
    let leases = bench.take(&[], 5);
    assert_eq!(leases[0].lead, asked);
    assert!(leases[0].priority > leases[1].priority);
    assert_eq!(leases[0].callback.unwrap().tries, 0);
    assert!(leases[1].callback.is_none());
}

#[test]
fn a_callback_with_an_agent_goes_only_where_the_agent_is_until_its_hold_is_over() {
    let mut bench = Bench::new();
    let asked = bench.lead("5511911111111");
    bench.call_back(asked, clock::now_ms() - 60_000, Some("ana"));
    let (ana, bruno) = (bench.ana, bench.bruno);
    assert!(bench.take(&[], 5).is_empty(), "nobody is here");
    assert!(bench.take(&[bruno], 5).is_empty(), "she is not here");
    let leases = bench.take(&[bruno, ana], 5);
    assert_eq!(ids(&leases), [asked]);
    let owner = leases[0].owner.unwrap();
    assert_eq!(owner.agent, ana);
    let left = owner.until_ms.unwrap() - clock::now_ms();
    assert!((58 * 60_000..60 * 60_000).contains(&left), "{left}");
    // She goes; an hour later anybody may have it.
    lease::defer(&mut bench.client, PBX1, leases[0].id, clock::now_ms() - 1).unwrap();
    assert!(bench.take(&[bruno], 5).is_empty());
    bench.run("UPDATE outdial.leads SET callback_at = now() - interval '61 min'");
    let leases = bench.take(&[], 5);
    assert_eq!((ids(&leases), leases[0].owner), (vec![asked], None));
    assert!(leases[0].callback.unwrap().agent.is_none());
}

#[test]
fn a_callback_waits_for_ever_if_the_campaign_says_so() {
    let mut bench = Bench::new();
    bench.run("UPDATE outdial.campaigns SET callback_hold_minutes = NULL");
    let asked = bench.lead("5511911111111");
    bench.call_back(asked, clock::now_ms() - 60_000, Some("ana"));
    bench.run("UPDATE outdial.leads SET callback_at = now() - interval '30 days'");
    assert!(bench.take(&[bench.bruno], 5).is_empty());
    let leases = bench.take(&[bench.ana], 5);
    assert_eq!(leases[0].owner.unwrap().until_ms, None);
}

#[test]
fn a_callbacks_hold_counts_only_while_it_may_be_called() {
    let mut bench = Bench::new();
    bench.run(
        "UPDATE outdial.campaigns SET time_zone = 'America/Sao_Paulo',
         window_start = '09:00', window_end = '20:00'",
    );
    let asked = bench.lead("5511911111111");
    let closing = ms("2026-12-02T22:50:00Z");
    bench.call_back(asked, closing, Some("ana"));
    bench.run("UPDATE outdial.leads SET next_at = '2026-01-01Z'");
    let (morning, minutes) = (ms("2026-12-03T12:00:00Z"), 60_000);
    assert!(bench.take_at(&[], 5, morning + 59 * minutes).is_empty());
    assert_eq!(ids(&bench.take_at(&[], 5, morning + 61 * minutes)), [asked]);
}

#[test]
fn the_leads_own_clock_and_the_campaigns_hours_say_when() {
    let mut bench = Bench::new();
    bench.run(
        "UPDATE outdial.campaigns SET time_zone = 'America/Sao_Paulo',
         window_start = '09:00', window_end = '20:00', window_days = '{1,2,3,4,5}'",
    );
    let asked = bench.lead("5511911111111");
    let place = callbacks::place(&mut bench.client, asked).unwrap();
    let read = |text: &str| place.instant(text, ms(NOON)).map_err(|e| e.to_string());
    assert_eq!(
        read("2026-12-03T15:00").unwrap(),
        (ms("2026-12-03T18:00:00Z"), false)
    );
    assert_eq!(
        read("2026-12-03T15:00+00:00").unwrap(),
        (ms("2026-12-03T15:00:00Z"), false)
    );
    // Friday at night becomes Monday morning.
    assert_eq!(
        read("2026-12-04T21:30").unwrap(),
        (ms("2026-12-07T12:00:00Z"), true)
    );
    for (text, says) in [
        ("tomorrow", "is no time"),
        ("2026-12-02T11:59", "is over"),
        ("2028-01-01T12:00", "is too far away"),
    ] {
        let error = read(text).unwrap_err();
        let fine = error.contains("callback_at") && error.contains("from now to 366 days ahead");
        assert!(fine && error.contains(says), "{error}");
    }
    bench.run(&format!(
        "UPDATE outdial.leads SET time_zone = 'Asia/Tokyo' WHERE id = {asked}"
    ));
    let place = callbacks::place(&mut bench.client, asked).unwrap();
    let tokyo = place.instant("2026-12-03T15:00", ms(NOON)).unwrap();
    assert_eq!(tokyo.0, ms("2026-12-03T06:00:00Z"));
}

#[test]
fn bad_callbacks_are_refused_with_the_field() {
    let mut bench = Bench::new();
    let asked = bench.lead("5511911111111");
    let carla = ["carla".to_owned()];
    agents::add(&mut bench.client, &carla, &[], None, &Map::new()).unwrap();
    let mut refused = |lead: u64, agent: &str| {
        let wanted = Callback {
            at: "2026-12-03T15:00".into(),
            agent: Some(agent.into()),
            note: None,
        };
        let set = callbacks::set(&mut bench.client, lead, &wanted, ms(NOON));
        set.unwrap_err().to_string()
    };
    assert!(refused(asked, "nobody").contains("no agent \"nobody\""));
    assert!(refused(asked, "carla").contains("takes no calls of the lead's campaign"));
    assert!(refused(77_777, "ana").contains("no lead 77777"));
}

#[test]
fn a_number_finds_its_lead_and_a_callback_is_listed_and_cancelled() {
    let mut bench = Bench::new();
    let asked = bench.lead("5511911111111");
    let found = callbacks::find(&mut bench.client, "+5511911111111", None).unwrap();
    assert_eq!(found, asked);
    assert!(callbacks::find(&mut bench.client, "+5511900000000", None).is_err());
    assert!(callbacks::find(&mut bench.client, "ana", None).is_err());
    bench.call_back(asked, clock::now_ms() + 60_000, Some("ana"));
    let all = callbacks::list(&mut bench.client, Some("spring")).unwrap();
    assert_eq!((all.len(), &all[0]["agent"]), (1, &"ana".into()));
    let cancelled = callbacks::cancel(&mut bench.client, asked).unwrap();
    assert_eq!(cancelled, "ready");
    assert!(callbacks::cancel(&mut bench.client, asked).is_err());
    // One who was reached is not called again for that.
    bench.call_back(asked, clock::now_ms() + 60_000, None);
    bench.run("UPDATE outdial.leads SET last_outcome = 'completed'");
    let cancelled = callbacks::cancel(&mut bench.client, asked).unwrap();
    assert_eq!(cancelled, "done");
    let (_, reason) = status(&mut bench.client, asked);
    assert_eq!(reason.as_deref(), Some("callback_cancelled"));
}

#[test]
fn a_callback_is_not_held_up_by_the_leads_caps_but_by_the_numbers() {
    let mut bench = Bench::new();
    let asked = bench.lead("5511911111111");
    bench.call_back(asked, clock::now_ms() - 1_000, None);
    bench.run(
        "UPDATE outdial.leads SET attempts = 99; UPDATE outdial.lead_numbers SET attempts = 99",
    );
    let leases = bench.take(&[], 5);
    assert_eq!(ids(&leases), [asked]);
    let ids: Vec<u64> = leases.iter().map(|l| l.id).collect();
    lease::release(&mut bench.client, "pbx1", Some(1), &ids, &["leased"], None).unwrap();
    bench.run(
        "UPDATE outdial.number_guard SET day = (now() AT TIME ZONE 'UTC')::date, day_attempts = 10",
    );
    assert!(bench.take(&[], 5).is_empty());
    assert_eq!(status(&mut bench.client, asked).0, "ready");
}

#[test]
fn an_owners_leads_come_first_but_few_at_a_time_and_only_for_as_long_as_was_said() {
    let mut bench = Bench::new();
    leads(&mut bench.client, bench.spring, 20);
    let (ana, bruno) = (bench.ana, bench.bruno);
    bench.run(&format!(
        "UPDATE outdial.leads SET owner_agent = {ana} WHERE id IN
           (SELECT id FROM outdial.leads ORDER BY id LIMIT 5);
         UPDATE outdial.leads SET owner_agent = {bruno}, owner_until = now() + interval '1 h' WHERE id IN
           (SELECT id FROM outdial.leads ORDER BY id DESC LIMIT 1)"
    ));
    let leases = bench.take(&[ana], 10);
    let hers = leases.iter().filter(|l| {
        l.owner
            .is_some_and(|o| o.agent == ana && o.until_ms.is_none())
    });
    assert_eq!((leases.len(), hers.count()), (10, 2));
    assert!(leases[0].owner.is_some() && leases[2].owner.is_none());
    assert_eq!(
        bench.take(&[ana], 20).len(),
        6,
        "all that nobody has, and no more of hers"
    );
    bench.run("UPDATE outdial.leads SET owner_until = now() - interval '1 s' WHERE owner_until IS NOT NULL");
    let leases = bench.take(&[], 10);
    assert_eq!((leases.len(), leases[0].owner), (1, None));
}

#[test]
fn an_owners_lead_outside_its_window_waits() {
    let mut bench = Bench::new();
    let own = bench.lead("5511911111111");
    let ana = bench.ana;
    bench.run(&format!(
        "UPDATE outdial.campaigns SET window_start = '09:00', window_end = '20:00',
           time_zone = 'America/Sao_Paulo';
         UPDATE outdial.leads SET owner_agent = {ana}, next_at = '2026-01-01Z'"
    ));
    let night = ms("2026-12-03T02:00:00Z");
    assert!(bench.take_at(&[ana], 5, night).is_empty());
    assert_eq!(ids(&bench.take_at(&[ana], 5, ms(NOON))), [own]);
}

#[test]
fn lists_take_turns_by_weight_and_the_higher_priority_comes_first() {
    let mut bench = Bench::new();
    leads(&mut bench.client, bench.spring, 90);
    let spring = bench.spring;
    bench.run(&format!(
        "INSERT INTO outdial.lists (campaign_id, name) VALUES ({spring}, 'a'), ({spring}, 'b'), ({spring}, 'vip');
         UPDATE outdial.leads l SET list_id = (SELECT li.id FROM outdial.lists li WHERE li.name =
           CASE WHEN l.id % 9 < 4 THEN 'a' WHEN l.id % 9 < 8 THEN 'b' ELSE 'vip' END)"
    ));
    let set = |bench: &mut Bench, list: &str, key: &str, value: i32| {
        let fields = serde_json::json!({ key: value });
        lists::change(
            &mut bench.client,
            "spring",
            list,
            fields.as_object().unwrap(),
        )
    };
    set(&mut bench, "a", "weight", 3).unwrap();
    set(&mut bench, "vip", "priority", 10).unwrap();
    let leases = bench.take(&[], 30);
    let mut count: BTreeMap<(i32, u32), usize> = BTreeMap::new();
    for lease in &leases {
        *count.entry((lease.priority, lease.weight)).or_default() += 1;
    }
    assert_eq!(count, [((10, 1), 10), ((0, 3), 20)].into());
    assert_eq!(leases[0].priority, 10);
    // The vips are gone; the others share.
    let leases = bench.take(&[], 24);
    let heavy = leases.iter().filter(|l| l.weight == 3).count();
    assert_eq!((leases.len(), heavy), (24, 18));
    for (list, key, value, says) in [
        (
            "a",
            "weight",
            0,
            "weight is out of range; allowed: 1 to 1000",
        ),
        (
            "a",
            "priority",
            101,
            "priority is out of range; allowed: -100 to 100",
        ),
        ("a", "colour", 1, "no field \"colour\""),
        ("x", "weight", 1, "no list \"x\""),
    ] {
        let error = set(&mut bench, list, key, value).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(
        lists::list(&mut bench.client, Some("spring"))
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_number_has_so_many_attempts_in_all_whatever_the_campaign() {
    let mut bench = Bench::new();
    let autumn = campaign(&mut bench.client, "autumn");
    let ours = bench.lead("5511911111111");
    let theirs = lead(
        &mut bench.client,
        autumn,
        &["5511911111111", "5511922222222"],
    );
    bench.run(
        "INSERT INTO outdial.number_guard (number, total_attempts) VALUES ('5511911111111', 7);
         UPDATE outdial.campaigns SET number_attempts_total = 7 WHERE name = 'spring'",
    );
    assert!(bench.take(&[], 5).is_empty());
    let spent = ("done".to_owned(), Some("max_attempts".to_owned()));
    assert_eq!(status(&mut bench.client, ours), spent);
    let take = |bench: &mut Bench| {
        let now = clock::now_ms();
        crate::testing::lease(&mut bench.client, PBX1, autumn, 5, now)
            .unwrap()
            .leases
    };
    let leases = take(&mut bench);
    assert_eq!(leases[0].numbers.len(), 2, "no such cap in the other one");
    let ids = [leases[0].id];
    lease::release(&mut bench.client, "pbx1", Some(1), &ids, &["leased"], None).unwrap();
    bench.run("UPDATE outdial.campaigns SET number_attempts_total = 7");
    let leases = take(&mut bench);
    assert_eq!((leases[0].lead, leases[0].numbers.len()), (theirs, 1));
    assert_eq!(leases[0].numbers[0].number, "5511922222222");
}

fn call_of(bench: &mut Bench, lead: u64) {
    let (ana, spring) = (bench.ana, bench.spring);
    bench.run(&format!(
        "INSERT INTO outdial.attempts (attempt_id, started_at, node, campaign_id, lead_id, lease_id,
           trunk_id, number, position, legs, outcome, detail, agent_id, ended_at, charged)
         VALUES (41, now() - interval '2 min', 'pbx1', {spring}, {lead}, 1, 1, '5511911111111', 0, 1,
           'completed', '', {ana}, now() - interval '1 min', true);
         UPDATE outdial.leads SET status = 'done', reason = 'completed', last_outcome = 'completed'
         WHERE id = {lead}"
    ));
}

fn say(bench: &mut Bench, code: &str) -> Result<(), String> {
    let call = dispositions::recorded(&mut bench.client, Some(bench.ana), None).unwrap();
    let place = callbacks::place(&mut bench.client, call.lead).unwrap();
    let kind = dispositions::named(&mut bench.client, code).map_err(|e| e.to_string())?;
    let after = match (&kind.retry_as, kind.callback) {
        (Some(outcome), _) => After::RetryAs(outcome.clone()),
        (None, true) => After::Callback {
            at_ms: clock::now_ms() + 60_000,
            agent: Some(bench.ana),
        },
        (None, false) => After::Final,
    };
    dispositions::apply(&mut bench.client, call, &place, (&kind, &after, Some("x")))
        .map_err(|e| e.to_string())
}

#[test]
fn a_word_that_comes_late_is_noted_with_the_call_and_its_lead_follows() {
    let mut bench = Bench::new();
    let lead = bench.lead("5511911111111");
    call_of(&mut bench, lead);
    let mut after = |code: &str| {
        say(&mut bench, code).unwrap();
        let noted: Option<String> = bench
            .client
            .query_one("SELECT disposition FROM outdial.attempts", &[])
            .unwrap()
            .get(0);
        assert_eq!(noted.as_deref(), Some(code));
        status(&mut bench.client, lead)
    };
    assert_eq!(after("sale"), ("done".into(), Some("sale".into())));
    assert_eq!(after("answering_machine"), ("ready".into(), None));
    assert_eq!(
        after("wrong_number"),
        ("done".into(), Some("wrong_number".into())),
        "it is the lead's only number"
    );
    assert_eq!(after("callback"), ("ready".into(), None));
    assert_eq!(
        after("do_not_call"),
        ("done".into(), Some("do_not_call".into()))
    );
    let forbidden = bench
        .client
        .query_one("SELECT number, reason FROM outdial.do_not_call", &[])
        .unwrap();
    assert_eq!(forbidden.get::<_, String>(0), "5511911111111");
    assert_eq!(forbidden.get::<_, String>(1), "do_not_call");
    let error = say(&mut bench, "sold").unwrap_err();
    assert!(
        error.contains("code is one of: answering_machine, callback"),
        "{error}"
    );
    bench.run("UPDATE outdial.leads SET status = 'dialing'");
    assert!(
        say(&mut bench, "sale")
            .unwrap_err()
            .contains("is being called again")
    );
}

#[test]
fn a_disposition_is_one_thing() {
    let mut bench = Bench::new();
    let kind = |is_final, retry_as: Option<&str>| Kind {
        code: "gatekeeper".into(),
        is_final,
        callback: false,
        retry_as: retry_as.map(str::to_owned),
        do_not_call: false,
    };
    dispositions::put(
        &mut bench.client,
        &kind(false, Some("no_answer")),
        "Only the desk",
    )
    .unwrap();
    dispositions::put(&mut bench.client, &kind(true, None), "Only the desk").unwrap();
    for bad in [
        kind(true, Some("busy")),
        kind(false, None),
        kind(false, Some("lunch")),
    ] {
        let error = dispositions::put(&mut bench.client, &bad, "x").unwrap_err();
        assert!(error.to_string().contains("allowed:"), "{error}");
    }
    dispositions::remove(&mut bench.client, "gatekeeper").unwrap();
    assert!(dispositions::remove(&mut bench.client, "gatekeeper").is_err());
    assert_eq!(dispositions::list(&mut bench.client).unwrap().len(), 8);
}
