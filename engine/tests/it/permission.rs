//! Whether a call may be placed now: links, windows, do-not-call, leases, limits, what the PBX has.

use crate::bench::*;

#[test]
fn nothing_is_dialed_without_agents_link_journal_or_while_draining() {
    let mut b = Bench::new(campaign());
    assert!(originates(&b.lease(1..=9)).is_empty());
    assert_eq!(b.why_now(), Some(Reason::NoAgents));

    b.tell(Event::JournalWritable(false));
    assert!(originates(&b.log_in(1)).is_empty());
    assert_eq!(b.why_now(), Some(Reason::Journal));

    let drained = b.tell(Event::Drain(true));
    assert!(has(&drained, &dismiss(1, Dismissal::Draining)));
    b.tell(Event::JournalWritable(true));
    assert_eq!(b.why_now(), Some(Reason::Draining));
}

#[test]
fn what_a_reconnect_repeats_does_not_hold_up_a_campaign() {
    let mut b = Bench::new(campaign());
    b.tell(Event::Link(Link::Down));
    b.tell(Event::Link(Link::Up { epoch: EPOCH }));
    let mut told = b.tell(Event::Config(ConfigChange::Trunk(trunk(TRUNK))));
    told.extend(b.tell(Event::Config(ConfigChange::Routes(vec![route(TRUNK, 1)]))));
    told.extend(b.tell(Event::Config(ConfigChange::Campaign(Box::new(campaign())))));
    assert!(
        !told.iter().any(|c| matches!(c, Command::Probe { .. })),
        "{told:?}"
    );
}

#[test]
fn dialing_goes_on_for_a_while_without_the_sidecar_then_stops() {
    let mut b = Bench::new(campaign());
    b.lease(1..=9);
    b.tell(Event::Link(Link::Down));
    let first = originates(&b.log_in(1));
    assert_eq!(first.len(), 1, "from the leases in hand");
    b.end(first[0], 486);
    b.wait_ms(31_000);
    assert_eq!(b.why_now(), Some(Reason::LinkDown));
    let before = b.records.len();
    b.wait_ms(60_000);
    let started = b.records[before..]
        .iter()
        .filter(|r| matches!(r, Record::Started(_)))
        .count();
    assert_eq!(started, 0);
}

#[test]
fn over_dialing_without_a_message_is_refused_and_the_old_settings_stay() {
    let mut b = Bench::new(campaign());
    let bad = CampaignConfig {
        mode: Mode::Power { ratio_milli: 3_000 },
        message: None,
        ..campaign()
    };
    let refused = b.tell(Event::Config(ConfigChange::Campaign(Box::new(bad))));
    let Some(Command::ConfigRefused { error, .. }) = refused.first() else {
        panic!("{refused:?}")
    };
    assert_eq!(error.field, "message");
    b.log_in(1);
    assert_eq!(
        originates(&b.lease([1, 2, 3])).len(),
        1,
        "still progressive"
    );
}

#[test]
fn windows_and_do_not_call_are_checked_at_the_instant_of_dialing() {
    let mut b = Bench::new(campaign());
    let mut early = lead(1);
    early.numbers[0].not_before = Wall(START + 10_000);
    let mut late = lead(2);
    late.numbers[0].not_after = Wall(START - 1);
    let forbidden = lead(3);
    b.give(vec![early, late, forbidden.clone()]);
    b.tell(Event::DoNotCall(vec![forbidden.numbers[0].number.clone()]));
    assert!(originates(&b.log_in(1)).is_empty());
    assert_eq!(b.why_now(), Some(Reason::WindowClosed));
    // Granted before the entry, arrives after it.
    assert!(originates(&b.give(vec![forbidden])).is_empty());

    let dialed = b.wait_ms(10_250);
    let legs = originates(&dialed);
    assert_eq!(legs.len(), 1);
    assert!(matches!(b.records.last(), Some(Record::Started(s)) if s.lead == LeadId(1)));
}

#[test]
fn a_do_not_call_entry_ends_a_call_that_rings() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    let number = lead(1).numbers[0].number.clone();
    let told = b.tell(Event::DoNotCall(vec![number]));
    assert!(has(&told, &hang_up(leg)));
    b.end(leg, 487);
    assert_eq!(b.outcomes(), [Outcome::Cancelled]);
}

#[test]
fn a_lease_is_not_used_when_it_is_about_to_expire() {
    let mut b = Bench::new(campaign());
    let mut lease = lead(1);
    lease.expires_at = Wall(START + 4_999);
    b.give(vec![lease]);
    let told = b.log_in(1);
    assert!(originates(&told).is_empty());
    let back = Command::ReturnLeases {
        campaign: CAMPAIGN,
        leases: vec![LeaseId(1)],
    };
    assert!(has(&told, &back), "{told:?}");
}

#[test]
fn a_new_epoch_voids_the_leases_in_hand() {
    let mut b = Bench::new(campaign());
    b.lease(1..=5);
    b.tell(Event::Link(Link::Down));
    b.tell(Event::Link(Link::Up { epoch: Epoch(8) }));
    assert!(originates(&b.log_in(1)).is_empty());
}

#[test]
fn a_lower_cps_limit_works_at_once() {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Agentless,
        ..campaign()
    });
    b.tell(Event::Config(ConfigChange::Trunk(TrunkConfig {
        cps_milli: 5_000,
        burst: 1,
        ..trunk(TRUNK)
    })));
    let mut dialed = originates(&b.lease(1..=90)).len();
    dialed += originates(&b.wait_ms(9_000)).len();
    assert_eq!(dialed, 46, "5 a second for 9 seconds, and the burst of 1");
    assert_eq!(b.why_now(), Some(Reason::TrunkCps));
}

#[test]
fn a_campaign_that_lacks_something_in_the_pbx_does_not_dial() {
    let mut b = Bench::new(CampaignConfig {
        state: CampaignState::Stopped,
        ..campaign()
    });
    b.log_in(1);
    let asked = b.tell(Event::Check {
        request: RequestId(9),
        campaign: CAMPAIGN,
    });
    let mut told = Vec::new();
    for command in &asked {
        if let Command::Probe { request, what } = command {
            let answer = u32::from(!matches!(what, Probe::Sound(_)));
            told.extend(b.tell(Event::Probed {
                request: *request,
                answer,
            }));
        }
    }
    let result = Err("no sound sorry".to_owned());
    assert!(has(
        &told,
        &Command::Checked {
            request: RequestId(9),
            result
        }
    ));
    b.tell(Event::Config(ConfigChange::Campaign(Box::new(campaign()))));
    assert!(originates(&b.lease([1])).is_empty());
    assert_eq!(b.why_now(), Some(Reason::Refused));
    // Mended; found out by itself.
    let asked = b.wait_ms(30_250);
    assert_eq!(originates(&b.grant_probes(&asked)).len(), 1);
}
