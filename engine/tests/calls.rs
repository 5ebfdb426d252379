//! Calls from dial to result, as an operator would tell them.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    reason = "a test may panic"
)]

mod common;

use common::*;
use outdial_engine::attempt::Outcome;
use outdial_engine::config::*;
use outdial_engine::*;

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
    let connect = b.leg(leg, LegEvent::Ready { verdict: None });
    assert!(has(
        &connect,
        &Command::Connect {
            leg,
            session: session(1)
        }
    ));
    b.leg(
        leg,
        LegEvent::Bridged {
            session: session(1),
        },
    );
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
    assert_eq!(result.next, LeadNext::Done);
    assert_eq!(result.ended_at.0 - result.bridged_at.unwrap().0, 30_000);
}

#[test]
fn nothing_is_dialed_without_agents_link_journal_or_while_draining() {
    let mut b = Bench::new(campaign());
    assert!(originates(&b.lease(1..=9)).is_empty());
    assert_eq!(b.why_now(), Some(Reason::NoAgents));

    b.tell(Event::JournalWritable(false));
    assert!(originates(&b.log_in(1)).is_empty());
    assert_eq!(b.why_now(), Some(Reason::Journal));

    let drained = b.tell(Event::Drain(true));
    assert!(has(
        &drained,
        &Command::Dismiss {
            session: session(1),
            why: Dismissal::Draining
        }
    ));
    b.tell(Event::JournalWritable(true));
    assert_eq!(b.why_now(), Some(Reason::Draining));
}

#[test]
fn while_draining_agents_stay_for_calls_that_ring() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.log_in(2);
    let leg = originates(&b.lease([1]))[0];
    let goes = |told: &[Command], agent| {
        let why = Dismissal::Draining;
        has(
            told,
            &Command::Dismiss {
                session: session(agent),
                why,
            },
        )
    };
    let told = b.tell(Event::Drain(true));
    assert!(!goes(&told, 1) && !goes(&told, 2), "it may be answered");
    b.leg(leg, LegEvent::Answered);
    let told = b.leg(leg, LegEvent::Ready { verdict: None });
    assert!(has(
        &told,
        &Command::Connect {
            leg,
            session: session(1)
        }
    ));
    assert!(goes(&told, 2));
    b.leg(
        leg,
        LegEvent::Bridged {
            session: session(1),
        },
    );
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    assert!(goes(&b.wait_ms(5_000), 1), "after the wrap-up");
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
fn an_answered_call_without_an_agent_gets_the_message_after_two_seconds() {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Power { ratio_milli: 2_000 },
        ..campaign()
    });
    b.log_in(1);
    let legs = originates(&b.lease([1, 2]));
    assert_eq!(legs.len(), 2);
    for leg in &legs {
        b.leg(*leg, LegEvent::Answered);
        b.leg(*leg, LegEvent::Ready { verdict: None });
    }
    b.leg(
        legs[0],
        LegEvent::Bridged {
            session: session(1),
        },
    );
    assert!(
        b.wait_ms(1_999)
            .iter()
            .all(|c| !matches!(c, Command::Play { .. }))
    );
    let after = b.wait_ms(1);
    assert!(has(
        &after,
        &Command::Play {
            leg: legs[1],
            sound: "sorry".into()
        }
    ));
    let done = b.leg(legs[1], LegEvent::Played { whole: true });
    assert!(has(
        &done,
        &Command::Hangup {
            leg: legs[1],
            q850: 16
        }
    ));
    b.end(legs[1], 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
    assert_eq!(b.results()[0].detail, "no agent");
    let LeadNext::Retry { at, .. } = b.results()[0].next else {
        panic!("is retried")
    };
    assert!(at.0 - b.now.wall.0 >= 72 * 3_600_000, "not within 72 hours");
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
    let leg = originates(&b.lease([1]))[0];
    b.leg(leg, LegEvent::Ringing);
    assert!(originates(&b.end(leg, 503)).is_empty());
    assert_eq!(b.outcomes(), [Outcome::Congested]);
}

#[test]
fn a_phone_that_rings_out_is_hung_up_and_is_a_no_answer() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1]))[0];
    b.wait_ms(3_000);
    b.leg(leg, LegEvent::Ringing);
    let hangup = |c: &Command| matches!(c, Command::Hangup { .. });
    assert!(!b.wait_ms(24_999).iter().any(hangup));
    assert!(has(&b.wait_ms(1), &Command::Hangup { leg, q850: 16 }));
    b.end(leg, 487);
    assert_eq!(b.outcomes(), [Outcome::NoAnswer]);
    assert_eq!(b.results()[0].detail, "ring timeout");
}

#[test]
fn an_answer_that_crosses_our_hangup_is_counted_as_abandoned() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1]))[0];
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
    let leg = originates(&b.lease([1]))[0];
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
    let leg = originates(&b.lease([1]))[0];
    let number = lead(1).numbers[0].number.clone();
    let told = b.tell(Event::DoNotCall(vec![number]));
    assert!(has(&told, &Command::Hangup { leg, q850: 16 }));
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
fn the_agents_vanishing_act_leaves_no_customer_alone() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.log_in(2);
    let leg = originates(&b.lease([1]))[0];
    b.leg(leg, LegEvent::Answered);
    b.leg(leg, LegEvent::Ready { verdict: None });
    // Gone while being connected: the other one takes over.
    let told = b.session(1, SessionEvent::Gone);
    assert!(has(
        &told,
        &Command::Connect {
            leg,
            session: session(2)
        }
    ));
    b.leg(
        leg,
        LegEvent::Bridged {
            session: session(2),
        },
    );
    // Gone in the middle of the call: the customer is hung up.
    let told = b.session(2, SessionEvent::Gone);
    assert!(has(&told, &Command::Hangup { leg, q850: 16 }));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

#[test]
fn a_customer_who_hangs_up_while_being_connected_gives_the_agent_back() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1, 2]))[0];
    b.leg(leg, LegEvent::Answered);
    b.leg(leg, LegEvent::Ready { verdict: None });
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
    let told = b.leg(
        leg,
        LegEvent::ConnectFailed {
            session: session(1),
        },
    );
    assert_eq!(originates(&told).len(), 1, "available, and dialed for");
}

#[test]
fn an_agent_who_does_not_come_back_is_logged_off() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1]))[0];
    b.leg(leg, LegEvent::Answered);
    b.leg(leg, LegEvent::Ready { verdict: None });
    b.end(leg, 0);
    let told = b.wait_ms(5_000);
    assert!(has(
        &told,
        &Command::Dismiss {
            session: session(1),
            why: Dismissal::LoggedOff
        }
    ));
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
            let found = !matches!(what, Probe::Sound(_));
            told.extend(b.tell(Event::Probed {
                request: *request,
                found,
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

#[test]
fn ghosts_are_found_by_reconciliation() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1]))[0];
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
    assert!(has(
        &b.tell(live(vec![leg])),
        &Command::Hangup { leg, q850: 16 }
    ));
}

#[test]
fn a_hangup_that_is_not_confirmed_is_repeated_and_then_given_up() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1]))[0];
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
    b.leg(legs[0], LegEvent::Answered);
    let told = b.leg(legs[0], LegEvent::Ready { verdict: None });
    assert!(has(
        &told,
        &Command::Play {
            leg: legs[0],
            sound: "sorry".into()
        }
    ));
    b.leg(legs[0], LegEvent::Played { whole: true });
    let next = originates(&b.end(legs[0], 0));
    assert_eq!(b.outcomes(), [Outcome::Completed]);
    assert_eq!(next.len(), 1);
}

#[test]
fn a_machine_is_hung_up_and_is_not_abandoned() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = originates(&b.lease([1]))[0];
    b.leg(leg, LegEvent::Answered);
    let told = b.leg(
        leg,
        LegEvent::Ready {
            verdict: Some(Verdict::Machine),
        },
    );
    assert!(has(&told, &Command::Hangup { leg, q850: 16 }));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Machine]);
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
    b.tell(Event::Config(ConfigChange::Agent(AgentConfig {
        id: AgentId(1),
        name: "a1".into(),
        campaigns: vec![CAMPAIGN, CampaignId(2)],
    })));
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
    let leg = originates(&b.lease([1]))[0];
    b.leg(leg, LegEvent::Answered);
    b.leg(leg, LegEvent::Ready { verdict: None });
    let failed = || LegEvent::ConnectFailed {
        session: session(1),
    };
    let connect = Command::Connect {
        leg,
        session: session(1),
    };
    // The customer lives on: tried again, with the only agent there is.
    assert!(has(&b.leg(leg, failed()), &connect));
    // No word within two seconds: given up on; the word comes late.
    b.wait_ms(2_000);
    let told = b.leg(leg, failed());
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
