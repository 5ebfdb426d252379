//! Queue mode: the members of one of the PBX's own queues are a campaign's agents.

use crate::bench::*;

fn queued(mode: Mode) -> CampaignConfig {
    CampaignConfig {
        mode,
        queue: Some("sales".into()),
        ..campaign()
    }
}

fn counts(members: u32, free: u32, callers: u32) -> Event {
    Event::Queue {
        queue: "sales".into(),
        counts: Some(QueueCounts {
            members,
            free,
            callers,
        }),
    }
}

fn watch(on: bool) -> Command {
    let queue = "sales".into();
    Command::WatchQueue { queue, on }
}

fn enqueue(leg: LegId) -> Command {
    let queue = "sales".into();
    Command::Enqueue { leg, queue }
}

fn with_members(mode: Mode, members: u32) -> Bench {
    let mut b = Bench::new(queued(mode));
    b.tell(counts(members, members, 0));
    b
}

/// One member, and one call that is with him.
fn talking() -> (Bench, LegId) {
    let mut b = with_members(Mode::Progressive, 1);
    let leg = b.dial();
    b.answer(leg);
    b.tell(counts(1, 0, 0));
    b.leg(leg, LegEvent::Member);
    (b, leg)
}

fn set(b: &mut Bench, config: CampaignConfig) -> Vec<Command> {
    b.tell(Event::Config(ConfigChange::Campaign(Box::new(config))))
}

#[test]
fn nothing_is_dialed_before_the_queue_is_known() {
    let mut b = Bench::new(queued(Mode::Progressive));
    assert!(originates(&b.lease(1..=5)).is_empty());
    assert_eq!(b.why_now(), Some(Reason::QueueUnknown));
    assert_eq!(originates(&b.tell(counts(2, 2, 0))).len(), 2);
    let unknown = Event::Queue {
        queue: "sales".into(),
        counts: None,
    };
    let told = b.tell(unknown);
    assert!(told.iter().any(|c| matches!(c, Command::Probe { .. })));
}

#[test]
fn a_queue_is_watched_while_a_campaign_runs_with_it() {
    let mut b = Bench::new(campaign());
    assert!(has(&set(&mut b, queued(Mode::Progressive)), &watch(true)));
    b.tell(counts(3, 2, 0));
    assert_eq!((b.campaign().agents, b.campaign().free), (3, 2));
    let paused = CampaignConfig {
        state: CampaignState::Paused,
        ..queued(Mode::Progressive)
    };
    assert!(has(&set(&mut b, paused), &watch(false)));
    assert_eq!(b.campaign().queue.unwrap().counts, None);
    let told = b.tell(counts(3, 2, 0));
    assert!(told.is_empty(), "nobody asked any more");
    assert_eq!(b.campaign().free, 0);
}

#[test]
fn a_campaign_whose_queue_is_missing_is_refused_and_says_how_to_mend_it() {
    let mut b = Bench::new(campaign());
    let asked = set(&mut b, queued(Mode::Progressive));
    for command in &asked {
        if let Command::Probe { request, what } = command {
            let answer = u32::from(!matches!(what, Probe::Queue(_)));
            let request = *request;
            b.tell(Event::Probed { request, answer });
        }
    }
    let snapshot::Readiness::Refused(why) = b.campaign().readiness else {
        panic!("{:?}", b.campaign().readiness);
    };
    assert!(
        why.contains("no queue sales") && why.contains("queues.conf"),
        "{why}"
    );
}

#[test]
fn a_queue_goes_with_dialing_for_agents_only() {
    let preview = Mode::Preview {
        timeout_ms: None,
        dial: true,
    };
    for mode in [preview, Mode::Agentless] {
        let error = queued(mode).validate().unwrap_err();
        assert_eq!(error.field, "queue", "{error}");
        assert!(error.to_string().contains("progressive"), "{error}");
    }
    let called = |queue: &str| CampaignConfig {
        queue: Some(queue.into()),
        ..queued(Mode::Progressive)
    };
    assert_eq!(called("a,b").validate().unwrap_err().field, "queue");
    called("support@default").validate().unwrap();
}

#[test]
fn an_answered_call_goes_to_the_queue_and_a_member_takes_it() {
    let mut b = with_members(Mode::Progressive, 1);
    b.log_in(1);
    let leg = b.dial();
    b.leg(leg, LegEvent::Answered);
    let told = b.leg(leg, LegEvent::Ready { verdict: None });
    assert!(has(&told, &enqueue(leg)));
    assert!(
        !has(&told, &connect(leg, 1)),
        "outdial's agents are not used"
    );
    assert_eq!(b.campaign().queue.unwrap().waiting, 1);
    b.wait_ms(500);
    b.tell(counts(1, 0, 0));
    b.leg(leg, LegEvent::Member);
    assert_eq!(b.campaign().bridged, 1);
    assert_eq!(b.campaign().queue.unwrap().waiting, 0);
    assert!(!has(&b.wait_ms(60_000), &hang_up(leg)));
    b.end(leg, 0);
    let result = b.results()[0];
    assert_eq!(result.outcome, Outcome::Completed);
    assert_eq!((result.agent, result.connect_us), (None, Some(500_000)));
    assert!(result.bridged_at.is_some());
}

#[test]
fn who_rings_is_free_and_who_waits_is_in_flight() {
    let mut b = with_members(Mode::Progressive, 2);
    let legs = originates(&b.lease(1..=9));
    assert_eq!(legs.len(), 2);
    b.answer(legs[0]);
    // One member is rung for the caller: nobody is counted twice.
    assert!(originates(&b.tell(counts(2, 2, 1))).is_empty());
    // The count comes first, then the word that he has the call.
    assert!(originates(&b.tell(counts(2, 1, 0))).is_empty());
    assert!(originates(&b.leg(legs[0], LegEvent::Member)).is_empty());
    b.end(legs[1], 486);
    assert_eq!(b.campaign().live, 2, "one more for the one who is free");
    // Somebody calls in and takes the free one.
    let last = b.engine.snapshot(b.now).attempts[1].id;
    b.end(
        LegId {
            attempt: last,
            n: 1,
        },
        486,
    );
    b.tell(counts(2, 1, 1));
    assert_eq!(b.campaign().live, 2, "it was dialed before");
    let last = b.engine.snapshot(b.now).attempts[1].id;
    b.end(
        LegId {
            attempt: last,
            n: 1,
        },
        486,
    );
    assert_eq!(b.campaign().live, 1, "a caller who is not ours is for him");
    assert_eq!(b.why_now(), Some(Reason::AgentsBusy));
}

#[test]
fn who_waits_too_long_is_taken_out_and_hears_the_message() {
    let mut b = with_members(Mode::Progressive, 1);
    let leg = b.dial();
    b.answer(leg);
    let told = b.wait_ms(1_999);
    assert!(!has(&told, &Command::Dequeue { leg }));
    let told = b.wait_ms(1);
    assert!(has(&told, &Command::Dequeue { leg }));
    assert!(!has(&told, &play(leg)), "a member may just take it");
    let told = b.leg(leg, LegEvent::Unqueued);
    assert!(has(&told, &play(leg)));
    assert!(
        !has(&b.leg(leg, LegEvent::Member), &hang_up(leg)),
        "too late"
    );
    let told = b.leg(leg, LegEvent::Played { whole: true });
    assert!(has(&told, &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
    assert_eq!(b.results()[0].detail, "no agent");
    assert_eq!(b.campaign().abandoned_milli, 1_000);
}

#[test]
fn a_member_who_takes_the_call_at_the_last_moment_has_it() {
    let mut b = with_members(Mode::Progressive, 1);
    let leg = b.dial();
    b.answer(leg);
    assert!(has(&b.wait_ms(2_000), &Command::Dequeue { leg }));
    b.tell(counts(1, 0, 0));
    let told = b.leg(leg, LegEvent::Member);
    assert!(!has(&told, &play(leg)));
    assert!(!has(&b.wait_ms(60_000), &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

#[test]
fn a_host_that_says_nothing_is_not_waited_for() {
    let mut b = with_members(Mode::Progressive, 1);
    let leg = b.dial();
    b.answer(leg);
    b.wait_ms(2_000);
    let limit = limits::CONNECT_TIMEOUT.as_ms();
    assert!(has(&b.wait_ms(limit), &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
    assert_eq!(b.campaign().queue.unwrap().waiting, 0);
}

#[test]
fn a_queue_that_will_not_have_the_call_gives_it_the_message() {
    let mut b = with_members(Mode::Progressive, 1);
    let leg = b.dial();
    b.answer(leg);
    b.wait_ms(100);
    assert!(has(&b.leg(leg, LegEvent::Unqueued), &play(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
}

#[test]
fn a_customer_who_hangs_up_in_the_queue_was_abandoned() {
    let mut b = with_members(Mode::Progressive, 1);
    let leg = b.dial();
    b.answer(leg);
    b.wait_ms(900);
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
    assert_eq!(b.results()[0].detail, "hung up while waiting");
    assert_eq!(b.campaign().queue.unwrap().waiting, 0);
}

#[test]
fn what_amd_took_counts_and_may_leave_no_time_for_the_queue() {
    let mut b = with_members(Mode::Progressive, 1);
    let leg = b.dial();
    b.leg(leg, LegEvent::Answered);
    b.wait_ms(2_500);
    let told = b.leg(leg, LegEvent::Ready { verdict: None });
    assert!(!has(&told, &enqueue(leg)));
    assert!(has(&told, &play(leg)));
}

#[test]
fn a_greeting_moves_the_limit_of_a_call_that_is_in_the_queue() {
    let mut b = Bench::new(CampaignConfig {
        answers: AnswerRules {
            clock: ClockStart::GreetingEnd,
            ..AnswerRules::default()
        },
        ..queued(Mode::Progressive)
    });
    b.tell(counts(1, 1, 0));
    let leg = b.dial();
    b.answer(leg);
    b.wait_ms(1_500);
    let ago = Span::default();
    let told = b.leg(leg, LegEvent::GreetingEnded { ago });
    assert!(!has(&told, &enqueue(leg)), "it is in there");
    assert!(!has(&b.wait_ms(1_999), &Command::Dequeue { leg }));
    assert!(has(&b.wait_ms(1), &Command::Dequeue { leg }));
    assert_eq!(b.campaign().queue.unwrap().waiting, 1);
}

#[test]
fn a_call_goes_on_without_the_member() {
    let (mut b, leg) = talking();
    b.wait_ms(20_000);
    b.leg(leg, LegEvent::Left);
    assert!(b.outcomes().is_empty());
    assert!(!has(&b.wait_ms(60_000), &hang_up(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

#[test]
fn members_who_go_leave_no_dial_behind() {
    let mut b = with_members(Mode::Power { ratio_milli: 2_000 }, 2);
    let legs = originates(&b.lease(1..=9));
    assert_eq!(legs.len(), 4);
    let told = b.tell(counts(1, 1, 0));
    let hung_up = legs.iter().filter(|leg| has(&told, &hang_up(**leg)));
    assert_eq!(hung_up.count(), 2, "they do not ring yet");
    let told = b.tell(counts(0, 0, 0));
    assert!(
        legs.iter()
            .filter(|leg| has(&told, &hang_up(**leg)))
            .count()
            >= 2
    );
    assert_eq!(b.why_now(), Some(Reason::NoAgents));
}

#[test]
fn a_predictive_campaign_learns_from_the_members_talks() {
    let mut b = with_members(
        Mode::Predictive {
            max_ratio_milli: None,
        },
        4,
    );
    let legs = originates(&b.lease(1..=40));
    assert_eq!(legs.len(), 4, "nothing is known: one for each");
    for (n, leg) in (0..).zip(&legs) {
        b.leg(*leg, LegEvent::Ringing);
        b.answer(*leg);
        b.tell(counts(4, 3 - n, 0));
        b.leg(*leg, LegEvent::Member);
    }
    b.wait_ms(30_000);
    for leg in &legs {
        b.end(*leg, 0);
    }
    b.tell(counts(4, 4, 0));
    assert!(b.outcomes()[..4].iter().all(|o| *o == Outcome::Completed));
    assert!(b.campaign().live >= 1);
}

#[test]
fn two_campaigns_on_one_queue_never_count_a_member_twice() {
    const SECOND: CampaignId = CampaignId(2);
    let second = |priority| CampaignConfig {
        id: SECOND,
        name: "summer".into(),
        priority,
        ..queued(Mode::Progressive)
    };
    let lease = |b: &mut Bench, campaign, ids: std::ops::Range<u64>| {
        let leases = ids.map(lead).collect();
        b.tell(Event::Leases {
            campaign,
            leases,
            next_due: None,
        })
    };
    let live = |b: &Bench| {
        let view = b.engine.snapshot(b.now);
        (view.campaigns[0].live, view.campaigns[1].live)
    };
    for (priority, shares) in [(0, (2, 2)), (1, (0, 4)), (-1, (4, 0))] {
        let mut b = Bench::new(queued(Mode::Progressive));
        let asked = set(&mut b, second(priority));
        b.grant_probes(&asked);
        lease(&mut b, CAMPAIGN, 1..20);
        lease(&mut b, SECOND, 20..40);
        b.tell(counts(4, 4, 0));
        assert_eq!(live(&b), shares, "priority {priority}");
        // One is answered and taken, by whomever: as many calls as members.
        let view = b.engine.snapshot(b.now);
        let first = &view.attempts[0];
        let leg = LegId {
            attempt: first.id,
            n: first.leg,
        };
        b.answer(leg);
        b.tell(counts(4, 3, 0));
        b.leg(leg, LegEvent::Member);
        let (one, two) = live(&b);
        assert_eq!(one + two, 4);
        // He is free again: one more call, and no more.
        b.end(leg, 0);
        b.tell(counts(4, 4, 0));
        let (one, two) = live(&b);
        assert_eq!(one + two, 4);
    }
}

#[test]
fn what_belongs_to_an_agent_is_not_served_by_a_queue() {
    let mut b = with_members(Mode::Progressive, 2);
    b.log_in(1);
    let mut own = lead(1);
    own.owner = Some(Box::new(Owner {
        agent: AgentId(1),
        until: None,
    }));
    let told = b.give(vec![own]);
    assert!(originates(&told).is_empty());
    let given_back = |c: &Command| {
        matches!(
            c,
            Command::DeferLease {
                lease: LeaseId(1),
                ..
            }
        )
    };
    assert!(told.iter().any(given_back));
    let told = b.tell(Event::Manual {
        request: RequestId(1),
        agent: AgentId(1),
        campaign: CAMPAIGN,
        lease: Box::new(lead(2)),
    });
    let refused = told.iter().find_map(|c| match c {
        Command::ManualPlaced { result, .. } => result.clone().err(),
        _ => None,
    });
    assert!(refused.unwrap().contains("queue sales"));
}

#[test]
fn an_agent_of_a_campaign_with_a_queue_counts_for_his_other_one() {
    const SECOND: CampaignId = CampaignId(2);
    let mut b = Bench::new(CampaignConfig {
        priority: 9,
        ..queued(Mode::Progressive)
    });
    let second = CampaignConfig {
        id: SECOND,
        name: "summer".into(),
        ..campaign()
    };
    let asked = set(&mut b, second);
    b.grant_probes(&asked);
    b.tell(counts(1, 1, 0));
    b.lease(1..=5);
    b.assign(1, vec![CAMPAIGN, SECOND]);
    b.enter(1);
    let told = b.tell(Event::Leases {
        campaign: SECOND,
        leases: vec![lead(11), lead(12)],
        next_due: None,
    });
    assert_eq!(originates(&told).len(), 1);
}

#[test]
fn a_recording_has_no_agents_name_in_it() {
    let mut b = Bench::new(CampaignConfig {
        recording: Some("{campaign}-{agent}-{attempt}.wav".into()),
        ..queued(Mode::Progressive)
    });
    b.tell(counts(1, 1, 0));
    let leg = b.dial();
    b.answer(leg);
    b.leg(leg, LegEvent::Member);
    b.end(leg, 0);
    let name = format!("spring--{}.wav", leg.attempt);
    assert_eq!(b.results()[0].recording.as_deref(), Some(&*name));
}
