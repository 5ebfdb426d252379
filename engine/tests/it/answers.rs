//! What becomes of an answered call: machines, greetings, the abandon account.

use crate::bench::*;

fn with(answers: AnswerRules) -> Bench {
    let mut b = Bench::new(CampaignConfig {
        answers,
        ..campaign()
    });
    b.log_in(1);
    b
}

fn verdict(b: &mut Bench, leg: LegId, verdict: Verdict) -> Vec<Command> {
    b.leg(leg, LegEvent::Answered);
    let verdict = Some(verdict);
    b.leg(leg, LegEvent::Ready { verdict })
}

fn greeting_ended(ms: u32) -> LegEvent {
    let ago = Span::ms(ms);
    LegEvent::GreetingEnded { ago }
}

#[test]
fn a_machine_is_hung_up_and_is_not_abandoned() {
    let mut b = with(AnswerRules::default());
    let leg = b.dial();
    let told = verdict(&mut b, leg, Verdict::Machine);
    assert!(has(&told, &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Machine]);
    assert_eq!(b.campaign().abandoned_milli, 0);
}

#[test]
fn a_machine_is_left_a_message() {
    let mut b = with(AnswerRules {
        machine: OnMachine::Message("sorry".into()),
        ..AnswerRules::default()
    });
    let leg = b.dial();
    let told = verdict(&mut b, leg, Verdict::Machine);
    assert!(has(&told, &leave(leg)), "after the beep: {told:?}");
    assert!(!has(&told, &play(leg)));
    let told = b.leg(leg, LegEvent::Played { whole: true });
    assert!(has(&told, &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Machine]);
    assert_eq!(b.results()[0].detail, "message left");
    assert_eq!(b.campaign().abandoned_milli, 0);
}

#[test]
fn a_machine_that_hangs_up_on_the_message_is_still_a_machine() {
    let mut b = with(AnswerRules {
        machine: OnMachine::Message("sorry".into()),
        ..AnswerRules::default()
    });
    let leg = b.dial();
    verdict(&mut b, leg, Verdict::Machine);
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Machine]);
}

#[test]
fn machines_unknown_ones_and_call_screening_are_treated_as_the_campaign_has_it() {
    let cases = [
        (Verdict::Human, false),
        (Verdict::Machine, true),
        (Verdict::Unknown, true),
        (Verdict::Screening, true),
    ];
    for (said, machine) in cases {
        let strict = AnswerRules {
            unknown_is_machine: true,
            screening_is_machine: true,
            ..AnswerRules::default()
        };
        let mut b = with(strict);
        let leg = b.dial();
        let told = verdict(&mut b, leg, said);
        assert_eq!(has(&told, &hang_up(leg)), machine, "{said:?}");
        assert_eq!(has(&told, &connect(leg, 1)), !machine, "{said:?}");

        let all = AnswerRules {
            machine: OnMachine::Agent,
            ..AnswerRules::default()
        };
        let mut b = with(all);
        let leg = b.dial();
        let told = verdict(&mut b, leg, said);
        assert!(has(&told, &connect(leg, 1)), "{said:?}");
    }
}

#[test]
fn people_among_the_machines_count_as_abandoned_by_their_share() {
    let mut b = with(AnswerRules {
        people_among_machines_milli: 40,
        ..AnswerRules::default()
    });
    let leg = b.dial();
    verdict(&mut b, leg, Verdict::Machine);
    b.end(leg, 0);
    let campaign = b.campaign();
    assert_eq!(
        (campaign.answered_milli, campaign.abandoned_milli),
        (40, 40)
    );
}

/// Two calls for one agent.
fn two_for_one(clock: ClockStart) -> (Bench, Vec<LegId>) {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Power { ratio_milli: 2_000 },
        answers: AnswerRules {
            clock,
            ..AnswerRules::default()
        },
        ..campaign()
    });
    b.log_in(1);
    let legs = originates(&b.lease([1, 2]));
    (b, legs)
}

/// Two calls for one agent; the one that gets none. Answered at once.
fn without_agent(clock: ClockStart) -> (Bench, LegId) {
    let (mut b, legs) = two_for_one(clock);
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    b.answer(legs[1]);
    (b, legs[1])
}

#[test]
fn the_limit_runs_from_the_end_of_the_greeting_where_the_campaign_has_it_so() {
    let (mut b, leg) = without_agent(ClockStart::GreetingEnd);
    b.wait_ms(500);
    b.leg(leg, LegEvent::GreetingBegan);
    b.wait_ms(1_000);
    b.leg(leg, greeting_ended(0));
    b.wait_ms(100);
    // Said twice, it moves nothing.
    b.leg(leg, greeting_ended(0));
    assert!(!has(&b.wait_ms(1_899), &play(leg)));
    assert!(has(&b.wait_ms(1), &play(leg)));
}

#[test]
fn without_a_greeting_the_limit_runs_from_the_answer() {
    for clock in [
        ClockStart::Answer,
        ClockStart::GreetingStart,
        ClockStart::GreetingEnd,
        ClockStart::Verdict,
    ] {
        let (mut b, leg) = without_agent(clock);
        assert!(has(&b.wait_ms(2_000), &play(leg)), "{clock:?}");
        // Too late: the message plays.
        b.leg(leg, greeting_ended(0));
        assert!(!has(&b.wait_ms(5_000), &play(leg)));
    }
    let (mut b, leg) = without_agent(ClockStart::Answer);
    b.wait_ms(1_000);
    b.leg(leg, greeting_ended(0));
    assert!(has(&b.wait_ms(1_000), &play(leg)), "not what it asked for");
}

#[test]
fn a_greeting_before_outdial_connect_counts_too() {
    let (mut b, legs) = two_for_one(ClockStart::GreetingStart);
    b.answer(legs[0]);
    b.leg(legs[1], LegEvent::Answered);
    b.wait_ms(800);
    b.leg(legs[1], LegEvent::GreetingBegan);
    b.wait_ms(200);
    b.leg(legs[1], LegEvent::Ready { verdict: None });
    assert!(!has(&b.wait_ms(1_799), &play(legs[1])));
    assert!(has(&b.wait_ms(1), &play(legs[1])));
}

/// A person who is answered by AMD after `amd_ms`, while the only agent talks; `tail_ms` of that was
/// the silence behind the greeting.
fn told_apart(clock: ClockStart, amd_ms: u64, tail_ms: u32) -> (Bench, LegId) {
    let (mut b, legs) = two_for_one(clock);
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    b.leg(legs[1], LegEvent::Answered);
    b.wait_ms(amd_ms);
    b.leg(legs[1], greeting_ended(tail_ms));
    let verdict = Some(Verdict::Human);
    b.leg(legs[1], LegEvent::Ready { verdict });
    (b, legs[1])
}

#[test]
fn what_amd_takes_counts() {
    let (mut b, leg) = told_apart(ClockStart::Answer, 1_500, 800);
    assert!(!has(&b.wait_ms(499), &play(leg)));
    assert!(has(&b.wait_ms(1), &play(leg)));

    let (mut b, leg) = told_apart(ClockStart::GreetingEnd, 1_500, 800);
    assert!(!has(&b.wait_ms(1_199), &play(leg)));
    assert!(has(&b.wait_ms(1), &play(leg)));

    let (mut b, leg) = told_apart(ClockStart::Verdict, 2_500, 800);
    assert!(!has(&b.wait_ms(1_999), &play(leg)));
    assert!(has(&b.wait_ms(1), &play(leg)));

    // More silence than there was time since the answer.
    let (mut b, leg) = told_apart(ClockStart::GreetingEnd, 500, 800);
    assert!(!has(&b.wait_ms(1_499), &play(leg)));
    assert!(has(&b.wait_ms(1), &play(leg)));
}

#[test]
fn amd_that_takes_longer_than_the_limit_leaves_no_time_to_wait() {
    let (mut b, leg) = told_apart(ClockStart::Answer, 2_500, 800);
    assert!(has(&b.wait_ms(0), &play(leg)));

    // An agent who is free is connected all the same.
    let (b, _) = served_after(ClockStart::Answer, 2_500, 0);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

/// A person whom AMD has taken `amd_ms` for, and whose agent is there `connect_ms` later; then the
/// call ends. The account, in calls: answered and abandoned.
fn served_after(clock: ClockStart, amd_ms: u64, connect_ms: u64) -> (Bench, (u64, u64)) {
    let mut b = with(AnswerRules {
        clock,
        ..AnswerRules::default()
    });
    let leg = b.dial();
    b.leg(leg, LegEvent::Answered);
    b.wait_ms(amd_ms);
    b.leg(leg, greeting_ended(800));
    let verdict = Some(Verdict::Human);
    let told = b.leg(leg, LegEvent::Ready { verdict });
    assert!(has(&told, &connect(leg, 1)));
    b.wait_ms(connect_ms);
    b.bridge(leg, 1);
    let view = b.campaign();
    let account = (view.answered_milli / 1_000, view.abandoned_milli / 1_000);
    b.wait_ms(30_000);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    b.wait_ms(30_000);
    (b, account)
}

#[test]
fn a_call_whose_agent_comes_after_the_limit_counts_as_abandoned() {
    for (clock, amd_ms, connect_ms, late) in [
        (ClockStart::Answer, 1_900, 100, false),
        (ClockStart::Answer, 1_900, 101, true),
        (ClockStart::Answer, 2_500, 0, true),
        (ClockStart::GreetingEnd, 2_500, 100, false),
        (ClockStart::GreetingEnd, 2_500, 1_300, true),
        (ClockStart::Verdict, 4_000, 100, false),
        (ClockStart::Verdict, 4_000, 1_900, false),
    ] {
        let (b, account) = served_after(clock, amd_ms, connect_ms);
        let case = (clock, amd_ms, connect_ms);
        assert_eq!(account, (1, u64::from(late)), "{case:?}");
        assert_eq!(b.outcomes(), [Outcome::Completed], "{case:?}");
        assert_eq!(b.results()[0].late, late, "{case:?}");
        let bridged = b.records.iter().find_map(|record| match record {
            Record::Bridged { late, .. } => Some(*late),
            Record::Started(_)
            | Record::Answered { .. }
            | Record::MessageStarted { .. }
            | Record::Ended(_) => None,
        });
        assert_eq!(bridged, Some(late), "{case:?}");
    }
}

#[test]
fn agents_who_come_too_late_use_up_a_predictive_campaigns_budget() {
    // 700 short calls with the only agent, one answer in 21 dials; then how many are dialed for him.
    let dialed_for_one_agent = |amd_ms| {
        let mut b = Bench::new(CampaignConfig {
            mode: Mode::Predictive {
                max_ratio_milli: None,
            },
            ..campaign()
        });
        b.log_in(1);
        let mut leads = 1..;
        for _ in 0..700 {
            for _ in 0..20 {
                let leg = originates(&b.lease(leads.next()))[0];
                b.end(leg, 404);
            }
            let leg = originates(&b.lease(leads.next()))[0];
            b.leg(leg, LegEvent::Answered);
            b.wait_ms(amd_ms);
            let verdict = Some(Verdict::Human);
            b.leg(leg, LegEvent::Ready { verdict });
            b.bridge(leg, 1);
            b.wait_ms(1_000);
            b.end(leg, 0);
            b.session(1, SessionEvent::Waiting);
            b.desk(1, AgentEvent::Ready);
        }
        assert_eq!(b.campaign().answered_milli, 700_000);
        originates(&b.lease(leads.take(20))).len()
    };
    assert!(dialed_for_one_agent(1_000) > 1);
    assert_eq!(dialed_for_one_agent(2_500), 1);
}

#[test]
fn a_campaign_that_asks_for_amd_has_the_pbx_run_it_and_needs_it_there() {
    for (clock, asked_for_time) in [
        (ClockStart::Answer, Some(false)),
        (ClockStart::GreetingEnd, Some(true)),
        (ClockStart::Verdict, None),
    ] {
        let mut b = Bench::new(CampaignConfig {
            amd: Some("2500,,800".into()),
            answers: AnswerRules {
                clock,
                ..AnswerRules::default()
            },
            ..campaign()
        });
        b.log_in(1);
        let told = b.lease([1]);
        let amd = told.iter().find_map(|command| match command {
            Command::Originate(originate) => originate.amd.as_deref(),
            _ => None,
        });
        assert_eq!(amd, Some("2500,,800"));
        let request = RequestId(9);
        let asked = b.tell(Event::Check {
            request,
            campaign: CAMPAIGN,
        });
        let (mut told, mut time) = (Vec::new(), None);
        for command in &asked {
            let Command::Probe { request, what } = command else {
                continue;
            };
            if let Probe::AmdArguments {
                arguments,
                after_greeting,
            } = what
            {
                assert_eq!(&**arguments, "2500,,800");
                time = Some(*after_greeting);
            }
            let answer = match what {
                Probe::AmdArguments { .. } => 5_000,
                Probe::Amd { .. } | Probe::Application(_) => 0,
                Probe::Endpoint { .. } | Probe::Target(_) | Probe::Sound(_) => 1,
            };
            told.extend(b.tell(Event::Probed {
                request: *request,
                answer,
            }));
        }
        assert_eq!(time, asked_for_time, "{clock:?}");
        let lacks = told.iter().find_map(|command| match command {
            Command::Checked { result, .. } => result.clone().err(),
            _ => None,
        });
        let lacks = lacks.unwrap();
        assert!(lacks.contains("no application AMD"), "{lacks}");
        assert!(lacks.contains("app_amd.so"), "{lacks}");
    }
}

#[test]
fn the_time_that_a_campaigns_own_amd_may_take_is_warned_of() {
    let mut b = Bench::new(CampaignConfig {
        amd: Some("".into()),
        ..campaign()
    });
    let request = RequestId(9);
    let asked = b.tell(Event::Check {
        request,
        campaign: CAMPAIGN,
    });
    let mut told = Vec::new();
    for command in &asked {
        if let Command::Probe { request, what } = command {
            let own = matches!(what, Probe::AmdArguments { .. });
            told.extend(b.tell(Event::Probed {
                request: *request,
                answer: if own { 2_001 } else { 1 },
            }));
        }
    }
    let warnings = told.iter().find_map(|command| match command {
        Command::Checked { result, .. } => result.clone().ok(),
        _ => None,
    });
    let warnings = warnings.unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("the campaign's AMD() may take 2001 ms"),
        "{warnings:?}"
    );
}

#[test]
fn amd_that_the_limit_is_counted_from_is_not_asked_about() {
    let mut b = with(AnswerRules {
        clock: ClockStart::Verdict,
        ..AnswerRules::default()
    });
    let request = RequestId(9);
    let asked = b.tell(Event::Check {
        request,
        campaign: CAMPAIGN,
    });
    let of_amd = |command: &Command| {
        let amd = |what: &Probe| matches!(what, Probe::Amd { .. });
        matches!(command, Command::Probe { what, .. } if amd(what))
    };
    assert!(!asked.is_empty() && !asked.iter().any(of_amd), "{asked:?}");
}

#[test]
fn a_campaign_whose_amd_may_outlast_its_limit_starts_with_a_warning() {
    for (clock, takes, warned) in [
        (ClockStart::Answer, 5_000, Some("total_analysis_time")),
        (ClockStart::Answer, 2_000, None),
        (
            ClockStart::GreetingEnd,
            2_500,
            Some("after_greeting_silence"),
        ),
        (ClockStart::GreetingEnd, 800, None),
        (ClockStart::Answer, 0, None),
    ] {
        let mut b = with(AnswerRules {
            clock,
            ..AnswerRules::default()
        });
        let request = RequestId(9);
        let asked = b.tell(Event::Check {
            request,
            campaign: CAMPAIGN,
        });
        let mut told = Vec::new();
        for command in &asked {
            if let Command::Probe { request, what } = command {
                let amd = matches!(what, Probe::Amd { after_greeting, .. }
                    if *after_greeting == (clock == ClockStart::GreetingEnd));
                told.extend(b.tell(Event::Probed {
                    request: *request,
                    answer: if amd { takes } else { 1 },
                }));
            }
        }
        let warnings = told.iter().find_map(|command| match command {
            Command::Checked { result, .. } => result.clone().ok(),
            _ => None,
        });
        let warnings = warnings.unwrap();
        match warned {
            Some(word) => assert!(warnings[0].contains(word), "{warnings:?}"),
            None => assert!(warnings.is_empty(), "{warnings:?}"),
        }
    }
}

#[test]
fn the_abandon_account_spans_the_rules_window_and_what_was_before_the_engine() {
    let (mut b, leg) = without_agent(ClockStart::Answer);
    b.wait_ms(2_000);
    b.end(leg, 0);
    b.tell(Event::Config(ConfigChange::Abandons {
        campaign: CAMPAIGN,
        at: Wall(START - 86_400_000),
        answered: 100,
        abandoned: 2,
    }));
    let view = b.campaign();
    assert_eq!(
        (view.answered_milli, view.abandoned_milli),
        (102_000, 3_000)
    );
}

#[test]
fn short_calls_and_answers_before_any_ringing_are_counted() {
    let mut b = with(AnswerRules::default());
    let leg = b.dial();
    b.wait_ms(300);
    b.answer(leg);
    b.bridge(leg, 1);
    b.wait_ms(3_000);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    b.wait_ms(5_000);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.campaigns[0].short_calls, 1);
    assert_eq!(
        (view.trunks[0].short_calls, view.trunks[0].false_answers),
        (1, 1)
    );

    let leg = originates(&b.lease([2]))[0];
    b.leg(leg, LegEvent::Ringing);
    b.wait_ms(4_000);
    b.answer(leg);
    b.bridge(leg, 1);
    b.wait_ms(7_000);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    b.wait_ms(5_000);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.campaigns[0].short_calls, 1);
    assert_eq!(view.trunks[0].false_answers, 1);
}
