//! Agents: logging in and off, and being lost in the middle of something.

use crate::bench::*;

#[test]
fn while_draining_agents_stay_for_calls_that_ring() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.log_in(2);
    let leg = b.dial();
    let goes = |told: &[Command], agent| {
        let why = Dismissal::Draining;
        has(told, &dismiss(agent, why))
    };
    let told = b.tell(Event::Drain(true));
    assert!(!goes(&told, 1) && !goes(&told, 2), "it may be answered");
    let told = b.answer(leg);
    assert!(has(&told, &connect(leg, 1)));
    assert!(goes(&told, 2));
    b.bridge(leg, 1);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    assert!(goes(&b.wait_ms(5_000), 1), "after the wrap-up");
}

#[test]
fn the_agents_vanishing_act_leaves_no_customer_alone() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.log_in(2);
    let leg = b.dial();
    b.answer(leg);
    // Gone while being connected: the other one takes over.
    let told = b.session(1, SessionEvent::Gone);
    assert!(has(&told, &connect(leg, 2)));
    b.bridge(leg, 2);
    // Gone in the middle of the call: the customer is hung up.
    let told = b.session(2, SessionEvent::Gone);
    assert!(has(&told, &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

#[test]
fn a_customer_who_hangs_up_while_being_connected_gives_the_agent_back() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1, 2]))[0];
    b.answer(leg);
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
    let told = b.connect_failed(leg, 1);
    assert_eq!(originates(&told).len(), 1, "available, and dialed for");
}

#[test]
fn an_agent_who_does_not_come_back_is_logged_off() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.answer(leg);
    b.end(leg, 0);
    let told = b.wait_ms(5_000);
    assert!(has(&told, &dismiss(1, Dismissal::LoggedOff)));
}

#[test]
fn unknown_and_double_log_ins_are_sent_away() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let other = SessionId("other".into());
    let enter = |name: &str| Event::Session {
        session: other.clone(),
        what: SessionEvent::Entered { agent: name.into() },
    };
    let told = b.tell(enter("a1"));
    assert!(has(
        &told,
        &Command::Dismiss {
            session: other.clone(),
            why: Dismissal::Duplicate
        }
    ));
    let told = b.tell(enter("nobody"));
    assert!(has(
        &told,
        &Command::Dismiss {
            session: other.clone(),
            why: Dismissal::Unknown
        }
    ));
}

#[test]
fn an_agent_of_two_campaigns_is_dialed_for_once() {
    let mut b = Bench::new(campaign());
    let second = CampaignConfig {
        id: CampaignId(2),
        name: "two".into(),
        priority: 5,
        ..campaign()
    };
    let asked = b.tell(Event::Config(ConfigChange::Campaign(Box::new(second))));
    b.grant_probes(&asked);
    b.assign(1, vec![CAMPAIGN, CampaignId(2)]);
    b.lease([1, 2]);
    b.tell(Event::Leases {
        campaign: CampaignId(2),
        leases: vec![lead(3), lead(4)],
        next_due: None,
    });
    b.session(1, SessionEvent::Entered { agent: "a1".into() });
    let mut told = b.session(1, SessionEvent::Waiting);
    told.extend(b.wait_ms(2_000));
    assert_eq!(originates(&told).len(), 1);
    assert!(matches!(b.records.last(), Some(Record::Started(s)) if s.campaign == CampaignId(2)));
}

#[test]
fn an_agent_whose_connect_failed_is_free_again_at_once_or_late() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.answer(leg);
    // The customer lives on: tried again, with the only agent there is.
    assert!(has(&b.connect_failed(leg, 1), &connect(leg, 1)));
    // No word within two seconds: given up on; the word comes late.
    b.wait_ms(2_000);
    let told = b.connect_failed(leg, 1);
    assert!(
        !told.iter().any(|c| matches!(c, Command::Dismiss { .. })),
        "{told:?}"
    );
    let told = b.wait_ms(10_000);
    assert!(
        !told.iter().any(|c| matches!(c, Command::Dismiss { .. })),
        "{told:?}"
    );
    assert_eq!(b.engine.snapshot(b.now).campaigns[0].free, 1);
}
