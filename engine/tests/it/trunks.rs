//! Trunks and what callees see: breakers, weights by health, caller ids.

use crate::bench::*;

fn agentless() -> CampaignConfig {
    CampaignConfig {
        mode: Mode::Agentless,
        ..campaign()
    }
}

fn circuit(b: &Bench) -> Circuit {
    b.engine.snapshot(b.now).trunks[0].circuit
}

#[test]
fn a_trunk_that_is_down_is_tried_with_one_call_until_it_works() {
    let mut b = Bench::new(agentless());
    let legs = originates(&b.lease(1..=50));
    for leg in &legs[..5] {
        b.end(*leg, 503);
    }
    assert!(matches!(circuit(&b), Circuit::Open { .. }));
    assert_eq!(b.why_now(), Some(Reason::TrunkBackoff));
    // The other calls of that time fail too: it is down already.
    for leg in &legs[5..] {
        b.end(*leg, 503);
    }
    b.lease(51..=90);
    let tried = originates(&b.wait_ms(600));
    assert_eq!(tried.len(), 1, "one call");
    assert_eq!(circuit(&b), Circuit::HalfOpen);
    assert!(originates(&b.wait_ms(5_000)).is_empty());
    let after = b.leg(tried[0], LegEvent::Ringing);
    assert_eq!(circuit(&b), Circuit::Closed);
    assert!(originates(&after).len() > 10, "it rings: all go");
}

#[test]
fn what_the_callee_says_never_opens_a_breaker() {
    let mut b = Bench::new(agentless());
    for leg in originates(&b.lease(1..=50)) {
        b.end(leg, 486);
    }
    assert_eq!(circuit(&b), Circuit::Closed);
    assert_eq!(b.engine.snapshot(b.now).trunks[0].health_milli, 1_000);
}

#[test]
fn a_sick_trunk_gets_fewer_calls_than_its_equal() {
    let mut b = Bench::new(agentless());
    b.tell(Event::Config(ConfigChange::Trunk(trunk(SECOND_TRUNK))));
    let routes = vec![route(TRUNK, 1), route(SECOND_TRUNK, 1)];
    let asked = b.tell(Event::Config(ConfigChange::Routes(routes)));
    let mut told = b.grant_probes(&asked);
    let mut by_trunk = [0, 0];
    for round in 0..40 {
        told.extend(b.lease(round * 50..(round + 1) * 50));
        for command in std::mem::take(&mut told) {
            let Command::Originate(call) = command else {
                continue;
            };
            let second = &*call.endpoint == "carrier2";
            by_trunk[usize::from(second)] += 1;
            // The second one fails three of four calls, each in its own way.
            let fails = second && by_trunk[1] % 4 != 0;
            told.extend(b.end(call.leg, if fails { 488 } else { 486 }));
        }
        told.extend(b.wait_ms(1_000));
    }
    let view = b.engine.snapshot(b.now);
    assert!(
        view.trunks[1].health_milli < 900,
        "{}",
        view.trunks[1].health_milli
    );
    assert!(by_trunk[0] > by_trunk[1] * 11 / 10, "{by_trunk:?}");
    assert!(by_trunk[1] > 100, "{by_trunk:?}");
}

fn shown(commands: &[Command]) -> Vec<String> {
    commands
        .iter()
        .filter_map(|c| match c {
            Command::Originate(call) => Some(call.caller_id.digits().to_owned()),
            _ => None,
        })
        .collect()
}

fn pool(numbers: &[&str], daily_cap: Option<u32>, local_digits: u8) -> CampaignConfig {
    CampaignConfig {
        caller_ids: CallerIds {
            numbers: numbers.iter().map(|n| Number::new(n).unwrap()).collect(),
            daily_cap,
            local_digits,
        },
        ..agentless()
    }
}

#[test]
fn caller_ids_are_shown_in_turn_and_only_so_often_in_a_day() {
    let mut b = Bench::new(pool(&["551130001000", "551130002000"], Some(2), 0));
    let told = b.lease(1..=9);
    let turns = [
        "551130001000",
        "551130002000",
        "551130001000",
        "551130002000",
    ];
    assert_eq!(shown(&told), turns);
    assert_eq!(b.why_now(), Some(Reason::CallerIds));
    let results = b.records.iter();
    let started = results.filter_map(|r| match r {
        Record::Started(s) => Some(s.caller_id.digits().to_owned()),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), turns);
}

#[test]
fn what_was_shown_before_the_engine_began_counts_too() {
    let mut b = Bench::new(CampaignConfig {
        state: CampaignState::Stopped,
        ..pool(&["551130001000", "551130002000"], Some(5), 0)
    });
    let number = Number::new("551130001000").unwrap();
    b.tell(Event::Config(ConfigChange::CallerIdsShown(vec![(
        number, 5,
    )])));
    let running = pool(&["551130001000", "551130002000"], Some(5), 0);
    let asked = b.tell(Event::Config(ConfigChange::Campaign(Box::new(running))));
    b.grant_probes(&asked);
    assert_eq!(shown(&b.lease(1..=9)), ["551130002000"; 5]);
}

#[test]
fn the_nearest_caller_id_is_shown() {
    // Leads' numbers begin with 55110.
    let mut b = Bench::new(pool(&["552130001000", "551100001000"], None, 4));
    assert_eq!(shown(&b.lease(1..=3)), ["551100001000"; 3]);
}

#[test]
fn wrong_caller_id_settings_name_their_field() {
    for (config, field) in [
        (pool(&[], None, 0), "caller_ids"),
        (pool(&["55113"], Some(0), 0), "caller_id_daily_cap"),
        (pool(&["55113"], None, 11), "local_presence"),
    ] {
        let error = config.validate().unwrap_err();
        assert_eq!(error.field, field);
    }
}
