//! Calls that come in: who is served when, what dialing makes of them, what becomes of their leads.

use crate::bench::*;

const WAIT_MS: u32 = 60_000;

fn caller(lease: u64, claim: Claim) -> Inbound {
    Inbound {
        campaign: CAMPAIGN,
        lead: lead(lease),
        claim,
        called: Some(Number::new("551140000000").unwrap()),
        wait: Span::ms(WAIT_MS),
        forbidden: false,
    }
}

fn announce(b: &mut Bench, call: Inbound) -> Vec<Command> {
    let request = RequestId(5);
    let call = Box::new(call);
    b.tell(Event::Inbound { request, call })
}

fn answer(commands: &[Command]) -> Result<InboundCall, String> {
    let answer = commands.iter().find_map(|c| match c {
        Command::InboundTaken { result, .. } => Some(result.clone()),
        _ => None,
    });
    answer.unwrap()
}

/// He is taken, and waits in his bridge.
fn calls(b: &mut Bench, lease: u64) -> LegId {
    let told = announce(b, caller(lease, Claim::Taken));
    let leg = answer(&told).unwrap().leg;
    b.leg(leg, LegEvent::Ready { verdict: None });
    leg
}

fn state_of(b: &Bench, leg: LegId) -> Option<State> {
    let view = b.engine.snapshot(b.now);
    let found = view.attempts.iter().find(|a| a.id == leg.attempt);
    found.map(|a| a.state)
}

/// A pause, so that nothing is dialed by itself.
fn pause(b: &mut Bench) {
    let config = CampaignConfig {
        state: CampaignState::Paused,
        ..campaign()
    };
    b.tell(Event::Config(ConfigChange::Campaign(Box::new(config))));
}

#[test]
fn who_calls_gets_the_free_agent_and_a_row() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let told = announce(&mut b, caller(7, Claim::Taken));
    let call = answer(&told).unwrap();
    assert_eq!(call.lead, LeadId(7));
    let started = b.records.iter().find_map(|r| match r {
        Record::Started(started) => Some(started.clone()),
        _ => None,
    });
    let started = started.unwrap();
    assert!(started.inbound && started.trunk == TrunkId(0));
    assert!(
        matches!(started.if_lost, LeadNext::Callback { at, .. } if at == b.now.wall),
        "a crash while he waits: he is called back"
    );
    let told = b.leg(call.leg, LegEvent::Ready { verdict: None });
    assert!(has(&told, &connect(call.leg, 1)));
    b.bridge(call.leg, 1);
    b.wait_ms(20_000);
    b.end(call.leg, 0);
    b.session(1, SessionEvent::Waiting);
    b.wait_ms(5_000);

    let result = b.results()[0].clone();
    assert_eq!(result.outcome, Outcome::Completed);
    assert!(result.inbound && !result.charged && result.legs == 0);
    assert_eq!(result.caller_id.digits(), "551140000000");
    assert_eq!(result.lease, LeaseId(7));
    let done = LeadNext::Done {
        status: "completed".into(),
    };
    assert_eq!(result.next, done);
    let view = b.campaign();
    assert_eq!((view.answered_milli, view.abandoned_milli), (0, 0));
    assert_eq!((view.live, view.open), (0, 0));
    assert!(view.outcomes.is_empty(), "nobody was dialed");
}

#[test]
fn a_machine_and_the_message_are_for_who_was_dialed() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let told = announce(&mut b, caller(7, Claim::Taken));
    let leg = answer(&told).unwrap().leg;
    let verdict = Some(Verdict::Machine);
    let told = b.leg(leg, LegEvent::Ready { verdict });
    assert!(has(&told, &connect(leg, 1)));
}

#[test]
fn who_is_not_served_is_let_go_and_called_back() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let first = calls(&mut b, 1);
    b.bridge(first, 1);
    let second = calls(&mut b, 2);
    let told = b.wait_ms(u64::from(WAIT_MS) - 1);
    assert!(
        !told
            .iter()
            .any(|c| matches!(c, Command::Play { .. } | Command::Hangup { .. }))
    );
    let told = b.wait_ms(1);
    let release = Command::Release {
        leg: second,
        target: None,
    };
    assert!(has(&told, &release), "{told:?}");
    b.leg(second, LegEvent::Released);
    b.end(second, 0);
    let result = b.results()[0].clone();
    assert_eq!(
        (result.outcome, &*result.detail),
        (Outcome::Abandoned, "no agent")
    );
    let due = LeadNext::Callback {
        at: b.now.wall,
        position: 0,
        agent: None,
        tries: 0,
    };
    assert_eq!(result.next, due);
    assert_eq!(
        b.campaign().abandoned_milli,
        0,
        "nobody was abandoned by a dialer"
    );
}

#[test]
fn who_hangs_up_while_he_waits_is_called_back_unless_nobody_may() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let busy = calls(&mut b, 1);
    b.bridge(busy, 1);
    let patient = calls(&mut b, 2);
    b.wait_ms(5_000);
    b.end(patient, 0);
    assert_eq!(b.results()[0].detail, "hung up while waiting");
    assert!(matches!(b.results()[0].next, LeadNext::Callback { .. }));

    let mut call = caller(3, Claim::Taken);
    call.forbidden = true;
    let told = announce(&mut b, call);
    let leg = answer(&told).unwrap().leg;
    b.leg(leg, LegEvent::Ready { verdict: None });
    b.end(leg, 0);
    let done = LeadNext::Done {
        status: "do_not_call".into(),
    };
    assert_eq!(b.results()[1].next, done);
}

#[test]
fn callers_stand_behind_who_was_dialed_and_come_in_order() {
    let power = CampaignConfig {
        mode: Mode::Power { ratio_milli: 2_000 },
        ..campaign()
    };
    let mut b = Bench::new(power);
    b.log_in(1);
    let legs = originates(&b.lease([11, 12]));
    assert_eq!(legs.len(), 2);
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    let first = calls(&mut b, 1);
    b.wait_ms(100);
    let second = calls(&mut b, 2);
    b.answer(legs[1]);
    b.end(legs[0], 0);
    b.session(1, SessionEvent::Waiting);
    let told = b.wait_ms(0);
    drop(told);
    // The wrap-up, then who was dialed: his limit is over meanwhile, so the callers come.
    let told = b.wait_ms(5_000);
    assert!(has(&told, &connect(first, 1)), "{told:?}");
    b.bridge(first, 1);
    b.end(first, 0);
    b.session(1, SessionEvent::Waiting);
    let told = b.wait_ms(5_000);
    assert!(has(&told, &connect(second, 1)), "{told:?}");
}

#[test]
fn who_was_dialed_goes_first() {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Power { ratio_milli: 2_000 },
        wrap_up_ms: 0,
        ..campaign()
    });
    b.log_in(1);
    let legs = originates(&b.lease([11, 12]));
    b.answer(legs[0]);
    b.bridge(legs[0], 1);
    let caller = calls(&mut b, 1);
    b.answer(legs[1]);
    b.end(legs[0], 0);
    let told = b.session(1, SessionEvent::Waiting);
    assert!(has(&told, &connect(legs[1], 1)), "{told:?}");
    assert_eq!(state_of(&b, caller), Some(State::AwaitingAgent));
}

#[test]
fn dialing_makes_room_for_who_waits() {
    let mut b = Bench::new(CampaignConfig {
        wrap_up_ms: 0,
        ..campaign()
    });
    b.log_in(1);
    let busy = calls(&mut b, 1);
    b.bridge(busy, 1);
    let waits = calls(&mut b, 2);
    b.lease([11, 12, 13]);
    b.end(busy, 0);
    let told = b.session(1, SessionEvent::Waiting);
    assert!(has(&told, &connect(waits, 1)));
    assert!(originates(&told).is_empty());
    b.bridge(waits, 1);
    b.end(waits, 0);
    let told = b.session(1, SessionEvent::Waiting);
    assert_eq!(originates(&told).len(), 1, "and goes on after it");
}

#[test]
fn an_agent_who_is_promised_to_a_dial_is_not_given_away() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let dial = b.dial();
    b.leg(dial, LegEvent::Ringing);
    let caller = calls(&mut b, 2);
    assert_eq!(state_of(&b, caller), Some(State::AwaitingAgent));
    let told = b.end(dial, 486);
    assert!(has(&told, &connect(caller, 1)), "the dial has failed");
    b.bridge(caller, 1);

    b.log_in(2);
    let told = b.lease([5]);
    let dial = originates(&told)[0];
    b.leg(dial, LegEvent::Ringing);
    let second = calls(&mut b, 6);
    let told = b.answer(dial);
    assert!(has(&told, &connect(dial, 2)), "each as it was promised");
    assert_eq!(state_of(&b, second), Some(State::AwaitingAgent));
}

#[test]
fn nobody_dials_who_is_on_the_line() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.log_in(2);
    pause(&mut b);
    b.lease([3, 4]);
    // The lead is in hand: its lease is used up by the call.
    let told = announce(&mut b, caller(3, Claim::InHand));
    let leg = answer(&told).unwrap().leg;
    b.leg(leg, LegEvent::Ready { verdict: None });
    b.bridge(leg, 1);
    // Another lead has the same number.
    let twin = Lease {
        numbers: lead(3).numbers,
        ..lead(9)
    };
    b.give(vec![twin]);
    let asked = b.tell(Event::Config(ConfigChange::Campaign(Box::new(campaign()))));
    let mut told = b.grant_probes(&asked);
    told.extend(asked);
    let dialed = originates(&told);
    assert_eq!(dialed.len(), 1, "lead 4 alone");
    b.end(dialed[0], 486);
    assert_eq!(b.why_now(), Some(Reason::Calling));
    let told = b.end(leg, 0);
    assert_eq!(originates(&told).len(), 1, "he is off the line");
    b.session(1, SessionEvent::Waiting);
    b.wait_ms(5_000);
    let used: Vec<_> = b.results().iter().map(|r| r.lease).collect();
    assert_eq!(used, [LeaseId(4), LeaseId(3)]);
}

#[test]
fn a_lead_that_somebody_else_has_is_left_alone() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let dial = b.dial();
    // His phone rings because of us, and he calls.
    for claim in [Claim::InHand, Claim::None] {
        let told = announce(&mut b, caller(1, claim));
        let leg = answer(&told).unwrap().leg;
        assert!(!b.engine.leases().contains(&LeaseId(0)));
        b.end(leg, 0);
    }
    b.end(dial, 486);
    let leases: Vec<_> = b.results().iter().map(|r| r.lease).collect();
    assert_eq!(leases, [LeaseId(0), LeaseId(0), LeaseId(1)]);
}

#[test]
fn a_call_that_can_not_be_is_refused_and_its_lease_goes_back() {
    let returned = |told: &[Command]| {
        has(
            told,
            &Command::ReturnLeases {
                campaign: CAMPAIGN,
                leases: vec![LeaseId(7)],
            },
        )
    };
    let refused = |b: &mut Bench, why: &str| {
        let told = announce(b, caller(7, Claim::Taken));
        let said = answer(&told).unwrap_err();
        assert!(said.contains(why), "{said}");
        assert!(returned(&told));
    };
    let mut b = Bench::new(campaign());
    refused(&mut b, "no agent");
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.tell(Event::JournalWritable(false));
    refused(&mut b, "journal");
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.tell(Event::Drain(true));
    refused(&mut b, "draining");
    for (config, why) in [
        (
            CampaignConfig {
                state: CampaignState::Stopped,
                ..campaign()
            },
            "stopped",
        ),
        (
            CampaignConfig {
                mode: Mode::Agentless,
                ..campaign()
            },
            "no agents",
        ),
    ] {
        let mut b = Bench::new(config);
        b.log_in(1);
        refused(&mut b, why);
    }
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let mut call = caller(7, Claim::Taken);
    call.campaign = CampaignId(99);
    assert!(answer(&announce(&mut b, call)).is_err());
    // Said twice: the lease is in use, and stays.
    let mut b = Bench::new(campaign());
    b.log_in(1);
    announce(&mut b, caller(7, Claim::Taken));
    let told = announce(&mut b, caller(7, Claim::Taken));
    assert!(answer(&told).is_err() && !returned(&told));
}

#[test]
fn his_own_agent_is_preferred_and_a_phone_is_rung_within_his_limit() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.log_in(2);
    let mut call = caller(7, Claim::Taken);
    call.lead.owner = Some(Box::new(Owner {
        agent: AgentId(2),
        until: None,
    }));
    let told = announce(&mut b, call);
    let leg = answer(&told).unwrap().leg;
    let told = b.leg(leg, LegEvent::Ready { verdict: None });
    assert!(has(&told, &connect(leg, 2)));

    let mut b = Bench::new(campaign());
    b.log_in_on_hook(3);
    let told = announce(&mut b, caller(8, Claim::Taken));
    let leg = answer(&told).unwrap().leg;
    let told = b.leg(leg, LegEvent::Ready { verdict: None });
    let ring = rings(&told).remove(0);
    // Longer than the campaign's limit for who was dialed.
    let told = b.wait_ms(10_000);
    assert!(rings(&told).is_empty() && state_of(&b, leg) == Some(State::ConnectingAgent));
    let told = b.phone(&ring, SessionEvent::Waiting);
    let session = ring.session.clone();
    assert!(has(&told, &Command::Connect { leg, session }));
}

#[test]
fn an_agent_who_can_not_be_had_costs_no_caller_his_place() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = calls(&mut b, 1);
    for _ in 0..limits::CONNECT_TRIES + 2 {
        b.connect_failed(leg, 1);
        assert_eq!(state_of(&b, leg), Some(State::ConnectingAgent));
    }
    b.bridge(leg, 1);
    assert_eq!(state_of(&b, leg), Some(State::Bridged));
}

#[test]
fn his_word_counts_as_in_any_call() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = calls(&mut b, 1);
    b.bridge(leg, 1);
    let said = Disposition {
        attempt: None,
        code: "callback".into(),
        after: After::Callback {
            at: Wall(START + 3_600_000),
            agent: Some(AgentId(1)),
        },
        do_not_call: false,
        note: None,
    };
    assert_eq!(
        done(&b.desk(1, AgentEvent::Dispose(Box::new(said)))),
        Ok(())
    );
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    let next = LeadNext::Callback {
        at: Wall(START + 3_600_000),
        position: 0,
        agent: Some(AgentId(1)),
        tries: 0,
    };
    assert_eq!(b.results()[0].next, next);
}
