//! A predictive campaign's dials in flight, when agents become few.

use crate::bench::*;

/// Two dials ring for two agents; 5 s of ringing are the minimum.
fn two_ringing() -> (Bench, Vec<LegId>) {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Predictive {
            max_ratio_milli: None,
        },
        min_ring_ms: 5_000,
        ..campaign()
    });
    b.log_in(1);
    b.log_in(2);
    let legs = originates(&b.lease(1..=20));
    assert_eq!(legs.len(), 2);
    for leg in &legs {
        b.leg(*leg, LegEvent::Ringing);
    }
    (b, legs)
}

#[test]
fn a_dial_that_would_find_nobody_ends_when_it_has_rung_for_the_minimum() {
    let (mut b, legs) = two_ringing();
    b.session(2, SessionEvent::Gone);
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    let early = b.wait_ms(4_999);
    assert!(!has(&early, &hang_up(legs[1])), "not within 5 s");
    let ended = b.wait_ms(251);
    assert!(has(&ended, &hang_up(legs[1])), "with the next decision");
    let before = b.outcomes().len();
    b.end(legs[1], 487);
    assert_eq!(b.outcomes()[before..], [Outcome::NoAnswer]);
}

#[test]
fn a_dial_that_somebody_is_free_for_rings_on() {
    let (mut b, legs) = two_ringing();
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    assert!(!has(&b.wait_ms(24_999), &hang_up(legs[1])));
    assert!(has(&b.wait_ms(1), &hang_up(legs[1])), "the ring time-out");
}

#[test]
fn who_answers_while_the_dial_is_being_ended_is_served_if_somebody_is_free() {
    let (mut b, legs) = two_ringing();
    b.session(2, SessionEvent::Gone);
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    b.wait_ms(5_250);
    let told = b.answer(legs[1]);
    assert!(!has(&told, &play(legs[1])), "its end is under way");
    b.end(legs[1], 0);
    assert_eq!(b.engine.totals().live, 1, "the other goes on");
}
