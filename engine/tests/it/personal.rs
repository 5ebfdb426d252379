//! Calls for one agent: previews, leads that belong to an agent, manual calls.

use crate::bench::*;

fn preview(timeout_ms: Option<u32>, dial: bool) -> CampaignConfig {
    CampaignConfig {
        mode: Mode::Preview { timeout_ms, dial },
        ..campaign()
    }
}

fn act(b: &mut Bench, agent: u64, what: AgentEvent) -> Vec<Command> {
    b.tell(Event::Agent {
        agent: AgentId(agent),
        what,
        request: None,
    })
}

/// The leads that agents were given to look at.
fn shown(commands: &[Command]) -> Vec<(u64, u64)> {
    commands
        .iter()
        .filter_map(|c| match c {
            Command::Preview { agent, lead, .. } => Some((agent.0, lead.0)),
            _ => None,
        })
        .collect()
}

fn returned(commands: &[Command], lease: u64) -> bool {
    commands.iter().any(|c| match c {
        Command::ReturnLeases { leases, .. } => leases.contains(&LeaseId(lease)),
        _ => false,
    })
}

fn owned(id: u64, agent: u64, until: Option<i64>) -> Lease {
    Lease {
        owner: Some(Box::new(Owner {
            agent: AgentId(agent),
            until: until.map(Wall),
        })),
        ..lead(id)
    }
}

#[test]
fn an_agent_looks_at_a_lead_then_dials_it() {
    let mut b = Bench::new(preview(None, false));
    b.log_in(1);
    let told = b.lease([1, 2]);
    assert_eq!(shown(&told), [(1, 1)]);
    assert!(originates(&told).is_empty());
    assert_eq!(b.why_now(), Some(Reason::Previewing));
    let told = act(&mut b, 1, AgentEvent::Dial);
    assert!(has(&told, &Command::PreviewOver { agent: AgentId(1) }));
    let leg = originates(&told)[0];
    assert!(shown(&told).is_empty(), "reserved");
    b.wait_ms(8_000);
    assert!(has(&b.answer(leg), &connect(leg, 1)));
    b.bridge(leg, 1);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    assert_eq!(shown(&b.wait_ms(5_000)), [(1, 2)], "after the wrap-up");
    assert_eq!(b.outcomes(), [Outcome::Completed]);
    assert_eq!(b.results()[0].agent, Some(AgentId(1)));
}

#[test]
fn who_does_not_answer_gives_the_agent_back_at_once() {
    let mut b = Bench::new(preview(None, false));
    b.log_in(1);
    b.lease([1, 2]);
    let leg = originates(&act(&mut b, 1, AgentEvent::Dial))[0];
    assert_eq!(shown(&b.end(leg, 486)), [(1, 2)]);
}

#[test]
fn a_lead_that_is_skipped_comes_again_later() {
    let mut b = Bench::new(preview(None, false));
    b.log_in(1);
    b.lease([1, 2]);
    let told = act(&mut b, 1, AgentEvent::Skip);
    let until = Wall(b.now.wall.0 + 300_000);
    assert!(has(
        &told,
        &Command::DeferLease {
            campaign: CAMPAIGN,
            lease: LeaseId(1),
            until
        }
    ));
    assert_eq!(shown(&told), [(1, 2)]);
    assert!(b.results().is_empty());
}

#[test]
fn when_the_time_is_up_it_is_decided_as_the_campaign_has_it() {
    let mut b = Bench::new(preview(Some(20_000), true));
    b.log_in(1);
    b.lease([1]);
    assert!(originates(&b.wait_ms(19_999)).is_empty());
    assert_eq!(originates(&b.wait_ms(1)).len(), 1);

    let mut b = Bench::new(preview(Some(20_000), false));
    b.log_in(1);
    b.lease([1]);
    let told = b.wait_ms(20_000);
    assert!(originates(&told).is_empty());
    assert!(told.iter().any(|c| matches!(c, Command::DeferLease { .. })));
}

#[test]
fn what_may_not_be_dialed_any_more_is_not_looked_at_any_more() {
    let number = lead(1).numbers[0].number.clone();
    for event in [
        Event::DoNotCall(vec![number]),
        Event::Revoke(vec![LeaseId(1)]),
        Event::Drain(true),
    ] {
        let mut b = Bench::new(preview(None, false));
        b.log_in(1);
        b.lease([1]);
        let told = b.tell(event.clone());
        assert!(
            has(&told, &Command::PreviewOver { agent: AgentId(1) }),
            "{event:?}"
        );
        assert!(originates(&act(&mut b, 1, AgentEvent::Dial)).is_empty());
    }
}

#[test]
fn a_window_that_closes_while_an_agent_looks_is_respected() {
    let mut b = Bench::new(preview(None, false));
    b.log_in(1);
    let mut lease = lead(1);
    lease.numbers[0].not_after = Wall(START + 30_000);
    b.give(vec![lease]);
    b.wait_ms(30_000);
    let told = act(&mut b, 1, AgentEvent::Dial);
    assert!(originates(&told).is_empty());
    assert!(returned(&told, 1));
}

#[test]
fn an_agent_who_goes_gives_the_lead_back() {
    for what in [
        AgentEvent::Pause { code: "x".into() },
        AgentEvent::LogOff { finish: true },
    ] {
        let mut b = Bench::new(preview(None, false));
        b.log_in(1);
        b.lease([1]);
        assert!(returned(&act(&mut b, 1, what), 1));
    }
    let mut b = Bench::new(preview(None, false));
    b.log_in(1);
    b.lease([1]);
    assert!(returned(&b.session(1, SessionEvent::Gone), 1));
}

/// The leases that were given back, and until when each.
fn deferred(commands: &[Command]) -> Vec<(u64, i64)> {
    commands
        .iter()
        .filter_map(|c| match c {
            Command::DeferLease { lease, until, .. } => Some((lease.0, until.0)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_lead_waits_while_the_agent_it_belongs_to_talks() {
    let mut b = Bench::new(campaign());
    b.log_in(2);
    let call = b.dial();
    b.answer(call);
    b.bridge(call, 2);
    b.log_in(1);
    let told = b.give(vec![owned(3, 2, None)]);
    assert!(originates(&told).is_empty() && deferred(&told).is_empty());
    assert_eq!(b.why_now(), Some(Reason::OwnerAway));
    b.end(call, 0);
    b.session(2, SessionEvent::Waiting);
    let leg = originates(&b.wait_ms(5_000))[0];
    // The other one is dialed for as if this call were not there.
    assert_eq!(originates(&b.lease([5])).len(), 1);
    assert!(has(&b.answer(leg), &connect(leg, 2)));
}

#[test]
fn and_anybody_may_have_it_when_its_time_is_over() {
    let mut b = Bench::new(campaign());
    b.log_in(2);
    let call = b.dial();
    b.answer(call);
    b.bridge(call, 2);
    b.log_in(1);
    b.give(vec![owned(3, 2, Some(START + 60_000))]);
    assert!(originates(&b.wait_ms(59_000)).is_empty());
    assert_eq!(originates(&b.wait_ms(1_500)).len(), 1);
}

#[test]
fn a_lead_whose_agent_is_away_is_given_back_because_another_node_may_have_the_agent() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let later = START + 15_000;
    let told = b.give(vec![owned(3, 2, None)]);
    assert_eq!(deferred(&told), [(3, later)]);
    // Or sooner, if then anybody may have it.
    let told = b.give(vec![owned(4, 2, Some(START + 5_000))]);
    assert_eq!(deferred(&told), [(4, START + 5_000)]);

    for what in [
        AgentEvent::Pause { code: "x".into() },
        AgentEvent::LogOff { finish: true },
    ] {
        let mut b = Bench::new(campaign());
        b.log_in(2);
        let call = b.dial();
        b.answer(call);
        b.bridge(call, 2);
        b.give(vec![owned(3, 2, None)]);
        let mut told = act(&mut b, 2, what.clone());
        told.extend(b.wait_ms(300));
        assert_eq!(deferred(&told).len(), 1, "{what:?}: none after this call");
    }
}

#[test]
fn an_agent_of_two_campaigns_gets_a_lead_of_their_own_before_they_are_dialed_for() {
    let mut b = Bench::new(campaign());
    let other = CampaignConfig {
        id: CampaignId(9),
        name: "other".into(),
        priority: 5,
        ..campaign()
    };
    let asked = b.tell(Event::Config(ConfigChange::Campaign(Box::new(other))));
    b.grant_probes(&asked);
    b.assign(1, vec![CAMPAIGN, CampaignId(9)]);
    b.enter(1);
    let told = b.tell(Event::Leases {
        campaign: CampaignId(9),
        leases: vec![lead(4), lead(5)],
        next_due: None,
    });
    let legs = originates(&told);
    assert_eq!(legs.len(), 1);
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    assert!(originates(&b.give(vec![owned(3, 1, None)])).is_empty());
    b.end(legs[0], 0);
    b.session(1, SessionEvent::Waiting);
    let legs = originates(&b.wait_ms(5_000));
    assert_eq!(legs.len(), 1, "one agent, one call");
    b.end(legs[0], 486);
    assert_eq!(b.results()[1].lead, LeadId(3));
}

fn disposed(code: &str, after: After) -> AgentEvent {
    AgentEvent::Dispose(Box::new(Disposition {
        attempt: None,
        code: code.into(),
        after,
        do_not_call: false,
        note: None,
    }))
}

fn in_call(b: &mut Bench) -> LegId {
    b.log_in(1);
    let leg = b.dial();
    b.answer(leg);
    b.bridge(leg, 1);
    leg
}

#[test]
fn a_disposition_ends_the_wrap_up_and_decides_what_becomes_of_the_lead() {
    let mut b = Bench::new(campaign());
    let leg = in_call(&mut b);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    assert!(b.results().is_empty(), "wrap-up");
    act(&mut b, 1, disposed("sale", After::Final));
    let result = &b.results()[0];
    let status = "sale".into();
    assert_eq!(result.next, LeadNext::Done { status });
    assert_eq!(result.disposition.as_ref().unwrap().code, "sale".into());
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.agents[0].state, AgentState::Available);
}

#[test]
fn a_disposition_during_the_call_leaves_no_wrap_up() {
    let mut b = Bench::new(campaign());
    let leg = in_call(&mut b);
    let at = Wall(START + 7_200_000);
    let agent = Some(AgentId(1));
    let back = After::Callback { at, agent };
    act(&mut b, 1, disposed("first thought", After::Final));
    act(&mut b, 1, disposed("callback", back));
    b.end(leg, 0);
    let (position, tries) = (0, 0);
    let next = LeadNext::Callback {
        at,
        position,
        agent,
        tries,
    };
    assert_eq!(b.results()[0].next, next);
    b.session(1, SessionEvent::Waiting);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.agents[0].state, AgentState::Available);
}

#[test]
fn a_disposition_of_a_call_that_is_over_is_refused() {
    let mut b = Bench::new(campaign());
    let leg = in_call(&mut b);
    let say = |b: &mut Bench, attempt: Option<AttemptId>| {
        let said = Disposition {
            attempt,
            code: "sale".into(),
            after: After::Final,
            do_not_call: false,
            note: None,
        };
        let told = b.tell(Event::Agent {
            agent: AgentId(1),
            what: AgentEvent::Dispose(Box::new(said)),
            request: Some(RequestId(4)),
        });
        told.iter().find_map(|c| match c {
            Command::Done { result, .. } => Some(result.clone()),
            _ => None,
        })
    };
    let other = AttemptId(leg.attempt.0 + 1);
    assert!(say(&mut b, Some(other)).unwrap().is_err());
    assert!(say(&mut b, Some(leg.attempt)).unwrap().is_ok());
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    assert!(say(&mut b, None).unwrap().is_err());
    assert_eq!(b.results().len(), 1);
}

#[test]
fn a_call_whose_agent_is_lost_is_given_to_another_one() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.log_in(2);
    let leg = originates(&b.give(vec![owned(1, 2, None)]))[0];
    b.leg(leg, LegEvent::Ringing);
    b.session(2, SessionEvent::Gone);
    assert!(
        originates(&b.lease([5])).is_empty(),
        "agent 1 may be needed"
    );
    assert!(has(&b.answer(leg), &connect(leg, 1)));
    b.bridge(leg, 1);
    b.end(leg, 0);
    assert_eq!(b.campaign().live, 1, "wrap-up");
}

fn manual(b: &mut Bench, lease: Lease) -> (Vec<Command>, Result<AttemptId, String>) {
    let told = b.tell(Event::Manual {
        request: RequestId(9),
        agent: AgentId(1),
        campaign: CAMPAIGN,
        lease: Box::new(lease),
    });
    let placed = told.iter().find_map(|c| match c {
        Command::ManualPlaced { request, result } if request.0 == 9 => Some(result.clone()),
        _ => None,
    });
    (told, placed.unwrap())
}

#[test]
fn an_agent_who_is_paused_calls_by_hand_and_is_paused_afterwards() {
    let mut b = Bench::new(CampaignConfig {
        state: CampaignState::Paused,
        ..campaign()
    });
    let asked = b.tell(Event::Check {
        request: RequestId(1),
        campaign: CAMPAIGN,
    });
    b.grant_probes(&asked);
    b.log_in(1);
    act(
        &mut b,
        1,
        AgentEvent::Pause {
            code: "by hand".into(),
        },
    );
    let (told, placed) = manual(&mut b, lead(7));
    let leg = originates(&told)[0];
    assert_eq!(placed, Ok(leg.attempt));
    assert!(has(&b.answer(leg), &connect(leg, 1)));
    b.bridge(leg, 1);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    b.wait_ms(5_000);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.agents[0].state, AgentState::Paused);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

#[test]
fn a_manual_call_passes_the_same_gate() {
    let mut b = Bench::new(campaign());
    let (told, placed) = manual(&mut b, lead(1));
    assert_eq!(placed, Err("the agent is not logged in, or is busy".into()));
    assert!(returned(&told, 1));
    b.log_in(1);

    b.tell(Event::DoNotCall(vec![lead(2).numbers[0].number.clone()]));
    let (told, placed) = manual(&mut b, lead(2));
    assert!(placed.is_err() && originates(&told).is_empty());

    let mut closed = lead(3);
    closed.numbers[0].not_after = Wall(START - 1);
    let (told, placed) = manual(&mut b, closed);
    assert!(placed.is_err() && originates(&told).is_empty());

    b.tell(Event::Drain(true));
    let (told, placed) = manual(&mut b, lead(4));
    assert!(placed.is_err() && originates(&told).is_empty());
}

#[test]
fn a_manual_call_waits_for_a_trunk_and_gives_up() {
    let mut b = Bench::new(campaign());
    b.tell(Event::Config(ConfigChange::Trunk(TrunkConfig {
        max_channels: 1,
        ..trunk(TRUNK)
    })));
    let asked = b.wait_ms(300);
    b.grant_probes(&asked);
    b.log_in(1);
    b.log_in(2);
    let first = originates(&b.lease([1]))[0];
    let (told, placed) = manual(&mut b, lead(2));
    assert!(placed.is_ok() && originates(&told).is_empty());
    b.wait_ms(10_000);
    assert_eq!(b.outcomes(), [Outcome::Congested]);
    assert_eq!((b.results()[0].legs, b.results()[0].charged), (0, false));
    let (_, placed) = manual(&mut b, lead(3));
    assert!(placed.is_ok(), "free again");
    assert_eq!(
        originates(&b.end(first, 486)).len(),
        1,
        "now there is a channel"
    );
}

/// The dialplan says it of a call that nobody has, and an agent may still say otherwise.
#[test]
fn the_dialplan_disposes_of_a_live_call() {
    let dispose = |b: &mut Bench, attempt, code: &str| {
        let said = Disposition {
            attempt: None,
            code: code.into(),
            after: After::Final,
            do_not_call: true,
            note: None,
        };
        let told = b.tell(Event::Dispose {
            request: RequestId(9),
            attempt,
            said: Box::new(said),
        });
        told.iter().find_map(|c| match c {
            Command::Done { request, result } if *request == RequestId(9) => Some(result.clone()),
            _ => None,
        })
    };
    let mut b = Bench::new(campaign());
    let leg = in_call(&mut b);
    assert_eq!(dispose(&mut b, leg.attempt, "menu"), Some(Ok(())));
    b.end(leg, 0);
    let result = &b.results()[0];
    assert_eq!(result.disposition.as_ref().unwrap().code, "menu".into());
    let status = "menu".into();
    assert_eq!(result.next, LeadNext::Done { status });
    let late = dispose(&mut b, leg.attempt, "late").unwrap();
    assert!(late.unwrap_err().contains("over"));
}
