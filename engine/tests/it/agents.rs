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
    // Gone in the middle of the call, and nobody says that it goes on: the customer is hung up.
    let told = b.session(2, SessionEvent::Gone);
    assert!(!has(&told, &hang_up(leg)), "he may have been transferred");
    assert!(has(&b.wait_ms(5_000), &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

/// Agent and customer part, told in either order; the agent has wrapped up and takes the next call
/// before the first one is over.
#[test]
fn a_call_goes_on_without_the_agent_who_transferred_it() {
    for left_first in [true, false] {
        let mut b = Bench::new(campaign());
        b.log_in(1);
        let leg = b.dial();
        b.answer(leg);
        b.bridge(leg, 1);
        if left_first {
            b.leg(leg, LegEvent::Left);
            b.session(1, SessionEvent::Waiting);
        } else {
            b.session(1, SessionEvent::Waiting);
            b.leg(leg, LegEvent::Left);
        }
        assert_eq!(b.agent_state(1), AgentState::WrapUp);
        b.wait_ms(5_000);
        assert_eq!(b.agent_state(1), AgentState::Available);
        assert!(b.outcomes().is_empty(), "the first call lives");
        let next = originates(&b.lease([2]))[0];
        b.answer(next);
        b.bridge(next, 1);
        assert!(!has(&b.wait_ms(60_000), &hang_up(leg)));
        b.end(leg, 0);
        assert_eq!(b.outcomes(), [Outcome::Completed]);
        assert_eq!(b.results()[0].agent, Some(AgentId(1)));
        assert_eq!(b.agent_state(1), AgentState::OnCall, "with the next one");
        b.end(next, 0);
        b.session(1, SessionEvent::Waiting);
        b.wait_ms(5_000);
        assert_eq!(b.outcomes().len(), 2);
    }
}

#[test]
fn what_the_agent_says_of_a_transferred_call_counts_when_it_is_over() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.answer(leg);
    b.bridge(leg, 1);
    b.leg(leg, LegEvent::Left);
    b.session(1, SessionEvent::Waiting);
    let said = Disposition {
        attempt: Some(leg.attempt),
        code: "sale".into(),
        after: After::Final,
        do_not_call: false,
        note: None,
    };
    b.desk(1, AgentEvent::Dispose(Box::new(said)));
    assert_eq!(b.agent_state(1), AgentState::Available);
    assert!(b.outcomes().is_empty());
    b.end(leg, 0);
    let status = "sale".into();
    assert_eq!(b.results()[0].next, LeadNext::Done { status });
}

#[test]
fn an_agent_hangs_up_the_customer_and_stays() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    assert!(done(&b.desk(1, AgentEvent::HangUp)).is_err(), "no call");
    let leg = b.dial();
    b.answer(leg);
    b.bridge(leg, 1);
    assert!(has(&b.desk(1, AgentEvent::HangUp), &hang_up(leg)));
    b.session(1, SessionEvent::Waiting);
    b.end(leg, 0);
    assert_eq!(b.agent_state(1), AgentState::WrapUp);
    b.wait_ms(5_000);
    assert_eq!(b.agent_state(1), AgentState::Available);
    assert_eq!(b.results()[0].detail, "agent ended the call");
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
        what: SessionEvent::Entered {
            agent: name.into(),
            pin_checked: false,
        },
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
fn who_has_a_pin_enters_with_a_checked_one_only() {
    let mut b = Bench::new(campaign());
    let mut config = agent_of(1, vec![CAMPAIGN], false);
    let enter = |pin_checked| SessionEvent::Entered {
        agent: "a1".into(),
        pin_checked,
    };
    let unchecked = dismiss(1, Dismissal::PinUnchecked);
    assert_eq!(b.engine.agent_has_pin("a1"), None);
    config.pin = true;
    b.tell(Event::Config(ConfigChange::Agent(config.clone())));
    assert_eq!(b.engine.agent_has_pin("a1"), Some(true));
    assert!(has(&b.session(1, enter(false)), &unchecked));
    assert_eq!(b.agent_state(1), AgentState::LoggedOut);
    assert!(!has(&b.session(1, enter(true)), &unchecked));
    b.session(1, SessionEvent::Waiting);
    assert_eq!(b.agent_state(1), AgentState::Available);
    // It says no more than that: not that he is logged in already.
    let other = SessionId("other".into());
    let told = b.tell(Event::Session {
        session: other.clone(),
        what: enter(false),
    });
    let why = Dismissal::PinUnchecked;
    assert!(has(
        &told,
        &Command::Dismiss {
            session: other,
            why
        }
    ));
    // Given one while he works: he works on, and is asked the next time.
    b.session(1, SessionEvent::Gone);
    config.pin = false;
    b.tell(Event::Config(ConfigChange::Agent(config.clone())));
    assert_eq!(b.engine.agent_has_pin("a1"), Some(false));
    b.session(1, enter(false));
    b.session(1, SessionEvent::Waiting);
    config.pin = true;
    b.tell(Event::Config(ConfigChange::Agent(config)));
    assert_eq!(b.agent_state(1), AgentState::Available);
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
    b.session(
        1,
        SessionEvent::Entered {
            agent: "a1".into(),
            pin_checked: false,
        },
    );
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
