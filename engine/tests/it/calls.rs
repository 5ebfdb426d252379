//! Calls from dial to result, as an operator would tell them.

use crate::bench::*;

#[test]
fn a_call_goes_from_lead_to_agent_to_result() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let legs = originates(&b.lease([1, 2]));
    assert_eq!(legs.len(), 1, "one call for one free agent");
    let leg = legs[0];
    assert!(
        matches!(&b.records[0], Record::Started(s) if s.leg == leg),
        "journaled first"
    );

    b.leg(leg, LegEvent::Ringing);
    b.wait_ms(6_000);
    b.leg(leg, LegEvent::Answered);
    b.wait_ms(100);
    let ready = b.leg(leg, LegEvent::Ready { verdict: None });
    assert!(has(&ready, &connect(leg, 1)));
    b.bridge(leg, 1);
    b.wait_ms(30_000);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    assert!(b.results().is_empty(), "the agent wraps up");

    let next = b.wait_ms(5_000);
    assert_eq!(
        originates(&next).len(),
        1,
        "free again, the next lead is dialed"
    );
    let result = b.results()[0];
    assert_eq!(result.outcome, Outcome::Completed);
    assert_eq!(result.agent, Some(AgentId(1)));
    assert_eq!(result.connect_us, Some(100_000));
    assert_eq!(
        result.next,
        LeadNext::Done {
            status: "completed".into()
        }
    );
    assert_eq!(result.ended_at.0 - result.bridged_at.unwrap().0, 30_000);
}

#[test]
fn an_answered_call_without_an_agent_gets_the_message_after_two_seconds() {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Power { ratio_milli: 2_000 },
        ..campaign()
    });
    b.log_in(1);
    let legs = originates(&b.lease([1, 2]));
    assert_eq!(legs.len(), 2);
    for leg in &legs {
        b.answer(*leg);
    }
    b.bridge(legs[0], 1);
    assert!(
        b.wait_ms(1_999)
            .iter()
            .all(|c| !matches!(c, Command::Play { .. }))
    );
    let after = b.wait_ms(1);
    assert!(has(&after, &play(legs[1])));
    let done = b.leg(legs[1], LegEvent::Played { whole: true });
    assert!(has(&done, &hang_up(legs[1])));
    b.end(legs[1], 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
    assert_eq!(b.results()[0].detail, "no agent");
    let LeadNext::Retry { at, .. } = b.results()[0].next else {
        panic!("is retried")
    };
    assert!(at.0 - b.now.wall.0 >= 72 * 3_600_000, "not within 72 hours");
}

#[test]
fn a_503_fails_over_to_the_next_trunk_and_a_486_does_not() {
    let mut b = Bench::new(campaign());
    b.tell(Event::Config(ConfigChange::Trunk(trunk(SECOND_TRUNK))));
    let asked = b.tell(Event::Config(ConfigChange::Routes(vec![
        route(TRUNK, 1),
        route(SECOND_TRUNK, 2),
    ])));
    b.grant_probes(&asked);
    b.log_in(1);
    let leg = originates(&b.lease([1, 2]))[0];
    let second = originates(&b.end(leg, 503));
    assert_eq!(second, [LegId { n: 2, ..leg }], "same attempt, second leg");
    let third = originates(&b.end(second[0], 503));
    let result = b.results()[0];
    assert_eq!(
        (result.outcome, result.legs, result.charged),
        (Outcome::Congested, 2, false)
    );

    assert_eq!(third.len(), 1, "the next lead");
    b.end(third[0], 486);
    assert_eq!(
        (b.results()[1].outcome, b.results()[1].legs),
        (Outcome::Busy, 1)
    );
}

#[test]
fn who_was_rung_is_not_rung_again_over_another_trunk() {
    let mut b = Bench::new(campaign());
    b.tell(Event::Config(ConfigChange::Trunk(trunk(SECOND_TRUNK))));
    let routes = vec![route(TRUNK, 1), route(SECOND_TRUNK, 2)];
    let asked = b.tell(Event::Config(ConfigChange::Routes(routes)));
    b.grant_probes(&asked);
    b.log_in(1);
    let leg = b.dial();
    b.leg(leg, LegEvent::Ringing);
    assert!(originates(&b.end(leg, 503)).is_empty());
    assert_eq!(b.outcomes(), [Outcome::Congested]);
}

#[test]
fn a_phone_that_rings_out_is_hung_up_and_is_a_no_answer() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.wait_ms(3_000);
    b.leg(leg, LegEvent::Ringing);
    let hangup = |c: &Command| matches!(c, Command::Hangup { .. });
    assert!(!b.wait_ms(24_999).iter().any(hangup));
    assert!(has(&b.wait_ms(1), &hang_up(leg)));
    b.end(leg, 487);
    assert_eq!(b.outcomes(), [Outcome::NoAnswer]);
    assert_eq!(b.results()[0].detail, "ring timeout");
}

#[test]
fn an_answer_that_crosses_our_hangup_is_counted_as_abandoned() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.leg(leg, LegEvent::Ringing);
    b.wait_ms(25_000);
    b.leg(leg, LegEvent::Answered);
    assert!(b.leg(leg, LegEvent::Ready { verdict: None }).is_empty());
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
}

#[test]
fn a_trunk_that_gives_no_reply_is_the_routes_fault() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.wait_ms(12_000);
    b.end(leg, 0);
    let result = b.results()[0];
    assert_eq!(
        (result.outcome, result.charged),
        (Outcome::Congested, false)
    );
    assert_eq!(result.detail, "no reply from the trunk");
}

#[test]
fn a_refusal_by_the_pbx_charges_neither_trunk_nor_lead() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1, 2]))[0];
    let refused = b.tell(Event::Refused {
        leg,
        why: Refusal::Overload,
    });
    assert!(originates(&refused).is_empty(), "rests first");
    let result = b.results()[0];
    assert!(!result.charged);
    assert_eq!(result.legs, 0, "none left the PBX");
    assert_eq!(
        result.next,
        LeadNext::Retry {
            at: Wall(b.now.wall.0 + 5_000),
            position: 0
        }
    );
    let view = b.engine.snapshot(b.now);
    assert_eq!(
        (
            view.trunks[0].faults,
            view.trunks[0].legs,
            view.trunks[0].channels
        ),
        (0, 0, 0)
    );
    assert_eq!(originates(&b.wait_ms(500)).len(), 1);
}

#[test]
fn ghosts_are_found_by_reconciliation() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    let live = |legs: Vec<LegId>| Event::Reconcile {
        legs,
        sessions: vec![session(1)],
    };
    b.tell(live(vec![]));
    assert!(b.outcomes().is_empty(), "once may be an event under way");
    b.tell(live(vec![]));
    assert_eq!(b.outcomes(), [Outcome::Congested]);
    assert_eq!(b.engine.totals().ghosts, 1);
    // A leg that the engine has given up is hung up when it shows twice.
    b.tell(live(vec![leg]));
    assert!(has(&b.tell(live(vec![leg])), &hang_up(leg)));
}

#[test]
fn a_hangup_that_is_not_confirmed_is_repeated_and_then_given_up() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.leg(leg, LegEvent::Ringing);
    let told = b.wait_ms(25_000 + 6 * 5_000);
    let hangups = told
        .iter()
        .filter(|c| matches!(c, Command::Hangup { .. }))
        .count();
    assert_eq!(hangups, 6);
    assert_eq!(b.outcomes(), [Outcome::NoAnswer]);
    assert_eq!(b.engine.snapshot(b.now).trunks[0].channels, 0);
}

#[test]
fn an_agentless_campaign_plays_its_message() {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Agentless,
        max_concurrent: 2,
        ..campaign()
    });
    let legs = originates(&b.lease(1..=5));
    assert_eq!(legs.len(), 2);
    let told = b.answer(legs[0]);
    assert!(has(&told, &play(legs[0])));
    b.leg(legs[0], LegEvent::Played { whole: true });
    let next = originates(&b.end(legs[0], 0));
    assert_eq!(b.outcomes(), [Outcome::Completed]);
    assert_eq!(next.len(), 1);
}

#[test]
fn a_test_call_reports_each_step_and_leaves_no_record() {
    let mut b = Bench::new(campaign());
    let request = RequestId(5);
    let number = Number::new("5511999").unwrap();
    let told = b.tell(Event::TestCall {
        request,
        trunk: TRUNK,
        number: number.clone(),
        caller_id: number,
    });
    let leg = originates(&told)[0];
    b.leg(leg, LegEvent::Ringing);
    let told = b.end(leg, 486);
    let end = LegEnd {
        sip: Some(486),
        ..LegEnd::default()
    };
    assert!(has(
        &told,
        &Command::TestCallStep {
            request,
            step: TestStep::Ended(end)
        }
    ));
    assert!(b.records.is_empty());
    assert_eq!(b.engine.totals().live, 0);
    assert_eq!(b.engine.totals().dialing, 0);
}
