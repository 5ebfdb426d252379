//! Agents without a channel: their phone is rung for each call.

use crate::bench::*;

/// A customer may wait 8 s for an agent.
fn patient() -> CampaignConfig {
    CampaignConfig {
        connect_limit_ms: 8_000,
        ..campaign()
    }
}

/// Calls the phone was rung for and was answered.
fn pick_up(b: &mut Bench, ring: &Ring) -> Vec<Command> {
    b.phone(ring, SessionEvent::Waiting)
}

fn bridge(b: &mut Bench, leg: LegId, ring: &Ring) -> Vec<Command> {
    let session = ring.session.clone();
    b.leg(leg, LegEvent::Bridged { session })
}

fn connects(told: &[Command], leg: LegId, ring: &Ring) -> bool {
    let session = ring.session.clone();
    has(told, &Command::Connect { leg, session })
}

fn only_ring(told: &[Command]) -> Ring {
    let rings = rings(told);
    assert_eq!(rings.len(), 1, "{told:?}");
    rings[0].clone()
}

/// One call is answered, and the phone rings.
fn rung(b: &mut Bench) -> (LegId, Ring) {
    let leg = b.dial();
    (leg, only_ring(&b.answer(leg)))
}

#[test]
fn who_logs_in_without_a_channel_is_dialed_for() {
    let mut b = Bench::new(patient());
    let told = b.log_in_on_hook(1);
    assert!(rings(&told).is_empty());
    assert_eq!(b.agent_state(1), AgentState::Available);
    b.dial();
}

#[test]
fn the_phone_rings_for_an_answered_call_and_is_put_on_hook_after_it() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let (leg, ring) = rung(&mut b);
    assert_eq!(&*ring.agent, "a1");
    assert_eq!((&*ring.tech, &*ring.endpoint), ("PJSIP", "101"));
    assert_eq!(&*ring.account, "spring");
    assert_eq!(
        ring.caller_id.digits(),
        "551130001000",
        "not the customer's"
    );
    assert_eq!(ring.session, SessionId::ring(EPOCH, 1));
    assert_eq!(b.agent_state(1), AgentState::Ringing);
    b.wait_ms(3_000);
    let told = pick_up(&mut b, &ring);
    assert!(connects(&told, leg, &ring));
    assert_eq!(b.agent_state(1), AgentState::Reserved);
    bridge(&mut b, leg, &ring);
    assert_eq!(b.agent_state(1), AgentState::OnCall);
    let told = b.end(leg, 0);
    assert!(has(&told, &hang_up_phone(&ring)));
    assert_eq!(b.agent_state(1), AgentState::WrapUp);
    b.phone(&ring, SessionEvent::Gone);
    b.wait_ms(5_000);
    assert_eq!(b.agent_state(1), AgentState::Available);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
    assert_eq!(b.results()[0].agent, Some(AgentId(1)));
    let (_, again) = rung_for(&mut b, 2);
    assert_eq!(again.session, SessionId::ring(EPOCH, 2));
}

fn rung_for(b: &mut Bench, id: u64) -> (LegId, Ring) {
    let leg = originates(&b.lease([id]))[0];
    (leg, only_ring(&b.answer(leg)))
}

#[test]
fn an_agent_ends_a_call_by_hanging_up_and_stays_logged_in() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let (leg, ring) = rung(&mut b);
    pick_up(&mut b, &ring);
    bridge(&mut b, leg, &ring);
    b.phone(&ring, SessionEvent::Gone);
    assert_eq!(b.agent_state(1), AgentState::WrapUp);
    b.end(leg, 0);
    assert_eq!(b.agent_state(1), AgentState::WrapUp);
    b.wait_ms(5_000);
    assert_eq!(b.agent_state(1), AgentState::Available);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

#[test]
fn a_phone_that_is_not_answered_yields_to_the_next_agent_within_the_same_limit() {
    let mut b = Bench::new(patient());
    for agent in [1, 2] {
        let mut config = agent_of(agent, vec![CAMPAIGN], true);
        config.ring_timeout_ms = 3_000;
        b.tell(Event::Config(ConfigChange::Agent(config)));
        b.desk(agent, AgentEvent::LogIn);
        b.wait_ms(1);
    }
    let leg = originates(&b.lease([1, 2]))[0];
    let first = only_ring(&b.answer(leg));
    assert_eq!(&*first.agent, "a1");
    let told = b.wait_ms(3_000);
    assert!(has(&told, &hang_up_phone(&first)));
    let second = only_ring(&told);
    assert_eq!(&*second.agent, "a2");
    b.phone(&first, SessionEvent::Gone);
    assert_eq!(b.agent_state(1), AgentState::Entering, "rests");
    // Missed as well; nobody is left, and at 8 s the customer gets the message.
    let told = b.wait_ms(4_999);
    assert!(!has(&told, &play(leg)));
    assert!(has(&b.wait_ms(1), &play(leg)));
    b.end(leg, 0);
    assert_eq!(b.outcomes(), [Outcome::Abandoned]);
}

#[test]
fn a_busy_phone_yields_at_once_and_rests() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    b.wait_ms(1);
    b.log_in_on_hook(2);
    let leg = originates(&b.lease([1, 2]))[0];
    let first = only_ring(&b.answer(leg));
    let told = b.phone(&first, SessionEvent::Gone);
    let second = only_ring(&told);
    assert_eq!(&*second.agent, "a2");
    assert_eq!(b.agent_state(1), AgentState::Entering);
    b.wait_ms(limits::PHONE_BACKOFF.as_ms() - 1);
    assert_eq!(b.agent_state(1), AgentState::Entering);
    b.wait_ms(1);
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn what_the_pbx_refuses_is_not_the_agents_fault() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let (_, ring) = rung(&mut b);
    let mut ring = ring;
    for _ in 0..4 {
        let told = b.phone(&ring, SessionEvent::Refused);
        assert!(rings(&told).is_empty());
        ring = only_ring(&b.wait_ms(limits::PBX_BACKOFF.as_ms()));
    }
    assert_eq!(b.agent_state(1), AgentState::Ringing, "not paused");
}

#[test]
fn a_customer_who_goes_stops_the_phone_and_the_agent_keeps_his_idle_time() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    b.wait_ms(60_000);
    b.log_in_on_hook(2);
    b.wait_ms(1_000);
    let leg = originates(&b.lease([1, 2]))[0];
    let ring = only_ring(&b.answer(leg));
    assert_eq!(&*ring.agent, "a1");
    b.wait_ms(2_000);
    let told = b.end(leg, 0);
    assert!(has(&told, &hang_up_phone(&ring)));
    assert_eq!(
        b.agent_state(1),
        AgentState::Entering,
        "until it is on hook"
    );
    b.phone(&ring, SessionEvent::Gone);
    assert_eq!(b.agent_state(1), AgentState::Available);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.agents[0].since, Span::seconds(63), "longest idle yet");
}

#[test]
fn an_answer_that_crosses_the_customers_hangup_is_put_on_hook() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let (leg, ring) = rung(&mut b);
    b.end(leg, 0);
    let told = pick_up(&mut b, &ring);
    assert!(!connects(&told, leg, &ring));
    b.phone(&ring, SessionEvent::Gone);
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn who_misses_too_many_rings_is_paused() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    for n in 1..=u64::from(limits::MISSED_RINGS) {
        let (leg, ring) = rung_for(&mut b, n);
        b.phone(&ring, SessionEvent::Gone);
        b.end(leg, 0);
        b.wait_ms(limits::PHONE_BACKOFF.as_ms());
    }
    assert_eq!(b.agent_state(1), AgentState::Paused);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.agents[0].pause.as_deref(), Some("no answer"));
    b.desk(1, AgentEvent::Unpause);
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn an_answer_between_them_starts_the_count_again() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    for n in 1..=2 * u64::from(limits::MISSED_RINGS) {
        let (leg, ring) = rung_for(&mut b, n);
        if n % 2 == 0 {
            pick_up(&mut b, &ring);
            bridge(&mut b, leg, &ring);
        }
        b.phone(&ring, SessionEvent::Gone);
        b.end(leg, 0);
        b.wait_ms(limits::PHONE_BACKOFF.as_ms());
    }
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn the_customers_limit_ends_the_ringing_and_counts_as_missed() {
    let mut b = Bench::new(campaign());
    b.log_in_on_hook(1);
    let (leg, ring) = rung(&mut b);
    let told = b.wait_ms(2_000);
    assert!(has(&told, &play(leg)));
    assert!(has(&told, &hang_up_phone(&ring)));
    b.phone(&ring, SessionEvent::Gone);
    assert_eq!(b.agent_state(1), AgentState::Entering, "rests");
}

#[test]
fn who_was_rung_at_the_last_moment_has_missed_nothing() {
    let mut b = Bench::new(patient());
    b.log_in(9);
    let leg = b.dial();
    b.answer(leg);
    b.session(9, SessionEvent::Gone);
    b.wait_ms(7_000);
    b.log_in_on_hook(1);
    assert_eq!(b.agent_state(1), AgentState::Ringing);
    assert!(has(&b.wait_ms(1_000), &play(leg)));
    let ring = SessionId::ring(EPOCH, 1);
    b.tell(Event::Session {
        session: ring,
        what: SessionEvent::Gone,
    });
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn logging_in_is_refused_with_a_reason() {
    let mut b = Bench::new(patient());
    b.assign(1, vec![CAMPAIGN]);
    let refusal = |b: &mut Bench| done(&b.desk(1, AgentEvent::LogIn)).unwrap_err();
    assert!(refusal(&mut b).contains("no phone"));
    b.log_in_on_hook(1);
    assert!(refusal(&mut b).contains("already"));
    b.desk(1, AgentEvent::LogOff { finish: true });
    assert_eq!(b.agent_state(1), AgentState::LoggedOut);
    b.tell(Event::Drain(true));
    assert!(refusal(&mut b).contains("draining"));
    b.tell(Event::Drain(false));
    // Called in: nailed up for this log-in, whatever the phone.
    b.enter(1);
    assert!(refusal(&mut b).contains("already"));
    let leg = b.dial();
    assert!(has(&b.answer(leg), &connect(leg, 1)));
    let none = b.tell(Event::Agent {
        agent: AgentId(77),
        what: AgentEvent::LogIn,
        request: Some(RequestId(1)),
    });
    assert!(done(&none).unwrap_err().contains("no such agent"));
}

#[test]
fn who_is_logged_in_without_a_channel_does_not_call_in_too() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let told = b.enter(1);
    assert!(has(&told, &dismiss(1, Dismissal::Duplicate)));
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn pausing_or_leaving_while_it_rings_gives_the_customer_to_another() {
    for what in [
        AgentEvent::Pause { code: "x".into() },
        AgentEvent::LogOff { finish: true },
        AgentEvent::LogOff { finish: false },
    ] {
        let mut b = Bench::new(patient());
        b.log_in_on_hook(1);
        b.wait_ms(1);
        b.log_in_on_hook(2);
        let leg = originates(&b.lease([1, 2]))[0];
        let first = only_ring(&b.answer(leg));
        let told = b.desk(1, what.clone());
        assert!(has(&told, &hang_up_phone(&first)));
        assert_eq!(&*only_ring(&told).agent, "a2");
        b.phone(&first, SessionEvent::Gone);
        let after = match what {
            AgentEvent::Pause { .. } => AgentState::Paused,
            _ => AgentState::LoggedOut,
        };
        assert_eq!(b.agent_state(1), after);
    }
}

#[test]
fn a_phone_that_is_taken_away_and_an_agent_who_is_removed_finish_the_call_in_hand() {
    for remove in [false, true] {
        let mut b = Bench::new(patient());
        b.log_in_on_hook(1);
        let (leg, ring) = rung(&mut b);
        pick_up(&mut b, &ring);
        bridge(&mut b, leg, &ring);
        let change = match remove {
            true => ConfigChange::AgentRemoved(AgentId(1)),
            false => ConfigChange::Agent(agent_of(1, vec![CAMPAIGN], false)),
        };
        let told = b.tell(Event::Config(change));
        assert!(!has(&told, &hang_up_phone(&ring)));
        b.end(leg, 0);
        b.phone(&ring, SessionEvent::Gone);
        b.wait_ms(5_000);
        assert_eq!(b.agent_state(1), AgentState::LoggedOut);
    }
}

#[test]
fn and_while_it_rings_it_stops_at_once() {
    for remove in [false, true] {
        let mut b = Bench::new(patient());
        b.log_in_on_hook(1);
        let (_, ring) = rung(&mut b);
        let change = match remove {
            true => ConfigChange::AgentRemoved(AgentId(1)),
            false => ConfigChange::Agent(agent_of(1, vec![CAMPAIGN], false)),
        };
        let told = b.tell(Event::Config(change));
        assert!(has(&told, &hang_up_phone(&ring)));
        b.phone(&ring, SessionEvent::Gone);
        assert_eq!(b.agent_state(1), AgentState::LoggedOut);
    }
}

#[test]
fn draining_waits_for_the_call_that_the_phone_rings_for() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    b.wait_ms(1);
    b.log_in_on_hook(2);
    let leg = originates(&b.lease([1, 2]))[0];
    b.answer(leg);
    let ring = SessionId::ring(EPOCH, 1);
    b.tell(Event::Drain(true));
    assert_eq!(b.agent_state(1), AgentState::Ringing);
    let session = ring.clone();
    let told = b.tell(Event::Session {
        session,
        what: SessionEvent::Waiting,
    });
    let session = ring.clone();
    assert!(has(&told, &Command::Connect { leg, session }));
    let session = ring.clone();
    b.leg(leg, LegEvent::Bridged { session });
    b.end(leg, 0);
    b.tell(Event::Session {
        session: ring,
        what: SessionEvent::Gone,
    });
    b.wait_ms(60_000);
    assert_eq!(b.agent_state(1), AgentState::LoggedOut);
    assert_eq!(b.agent_state(2), AgentState::LoggedOut);
}

#[test]
fn a_dismissal_that_is_not_obeyed_is_repeated_then_the_agent_is_logged_off() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let (leg, ring) = rung(&mut b);
    b.end(leg, 0);
    let told = b.wait_ms(limits::HANGUP_TIMEOUT.as_ms() * u64::from(limits::HANGUP_TRIES));
    let again = told.iter().filter(|c| **c == hang_up_phone(&ring)).count();
    assert_eq!(again, usize::from(limits::HANGUP_TRIES) - 1);
    assert_eq!(b.agent_state(1), AgentState::LoggedOut);
    assert_eq!(b.engine.totals().ghosts, 1);
}

#[test]
fn a_phone_that_the_pbx_lost_without_a_word_is_found_out() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let (leg, ring) = rung(&mut b);
    for sessions in [vec![ring.session.clone()], vec![], vec![]] {
        assert_eq!(b.agent_state(1), AgentState::Ringing);
        let legs = vec![leg];
        b.tell(Event::Reconcile { legs, sessions });
    }
    assert_eq!(b.agent_state(1), AgentState::Entering);
}

#[test]
fn an_agent_who_hangs_up_before_the_customer_is_there_gives_him_to_another() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    b.wait_ms(1);
    b.log_in_on_hook(2);
    let leg = originates(&b.lease([1, 2]))[0];
    let ring = only_ring(&b.answer(leg));
    pick_up(&mut b, &ring);
    let told = b.phone(&ring, SessionEvent::Gone);
    assert_eq!(&*only_ring(&told).agent, "a2");
}

fn manual(b: &mut Bench) -> Vec<Command> {
    b.tell(Event::Manual {
        request: RequestId(5),
        agent: AgentId(1),
        campaign: CAMPAIGN,
        lease: Box::new(lead(8)),
    })
}

fn placed(told: &[Command]) -> Option<Result<AttemptId, String>> {
    told.iter().find_map(|c| match c {
        Command::ManualPlaced { result, .. } => Some(result.clone()),
        _ => None,
    })
}

#[test]
fn a_manual_call_rings_the_agent_first() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let told = manual(&mut b);
    assert!(originates(&told).is_empty());
    assert_eq!(placed(&told), None);
    assert!(b.engine.leases().contains(&LeaseId(8)));
    let ring = only_ring(&told);
    let told = pick_up(&mut b, &ring);
    let leg = originates(&told)[0];
    assert_eq!(placed(&told), Some(Ok(leg.attempt)));
    let told = b.answer(leg);
    assert!(connects(&told, leg, &ring));
    bridge(&mut b, leg, &ring);
    b.end(leg, 0);
    b.phone(&ring, SessionEvent::Gone);
    b.wait_ms(5_000);
    assert_eq!(b.outcomes(), [Outcome::Completed]);
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn a_manual_call_whose_agent_does_not_pick_up_is_refused() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let ring = only_ring(&manual(&mut b));
    let told = b.phone(&ring, SessionEvent::Gone);
    assert!(originates(&told).is_empty());
    let why = placed(&told).unwrap().unwrap_err();
    assert!(why.contains("not answered"), "{why}");
    assert!(told.iter().any(
        |c| matches!(c, Command::ReturnLeases { leases, .. } if leases.contains(&LeaseId(8)))
    ));
}

#[test]
fn an_agent_who_hangs_up_while_the_customer_is_dialed_calls_it_off() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let ring = only_ring(&manual(&mut b));
    let leg = originates(&pick_up(&mut b, &ring))[0];
    let told = b.phone(&ring, SessionEvent::Gone);
    assert!(has(&told, &hang_up(leg)));
    b.end(leg, 487);
    assert_eq!(b.outcomes(), [Outcome::Cancelled]);
}

#[test]
fn a_customer_who_does_not_answer_puts_the_agents_phone_on_hook() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let ring = only_ring(&manual(&mut b));
    let leg = originates(&pick_up(&mut b, &ring))[0];
    let told = b.end(leg, 486);
    assert!(has(&told, &hang_up_phone(&ring)));
    b.phone(&ring, SessionEvent::Gone);
    assert_eq!(b.agent_state(1), AgentState::Available);
}

#[test]
fn a_preview_rings_the_agent_first_and_is_deferred_if_he_does_not_pick_up() {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Preview {
            timeout_ms: None,
            dial: false,
        },
        ..patient()
    });
    b.log_in_on_hook(1);
    b.lease([1]);
    let told = b.desk(1, AgentEvent::Dial);
    assert!(has(&told, &Command::PreviewOver { agent: AgentId(1) }));
    let ring = only_ring(&told);
    let told = b.phone(&ring, SessionEvent::Gone);
    assert!(originates(&told).is_empty());
    assert!(
        told.iter()
            .any(|c| matches!(c, Command::DeferLease { lease, .. } if *lease == LeaseId(1)))
    );
}

#[test]
fn an_owned_lead_is_dialed_once_its_agent_is_there() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let mut own = lead(1);
    own.owner = Some(Box::new(Owner {
        agent: AgentId(1),
        until: None,
    }));
    let told = b.give(vec![own]);
    assert!(originates(&told).is_empty());
    let ring = only_ring(&told);
    assert_eq!(originates(&pick_up(&mut b, &ring)).len(), 1);
}

#[test]
fn a_lead_that_may_not_be_called_any_more_stops_the_phone_that_rings_for_it() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let ring = only_ring(&manual(&mut b));
    let told = b.tell(Event::DoNotCall(vec![number(8, 0).number]));
    assert!(has(&told, &hang_up_phone(&ring)));
    assert!(placed(&told).unwrap().is_err());
    let told = pick_up(&mut b, &ring);
    assert!(originates(&told).is_empty());
}

#[test]
fn a_phone_or_a_time_out_of_range_is_refused() {
    let mut b = Bench::new(patient());
    let mut config = agent_of(1, vec![CAMPAIGN], true);
    config.ring_timeout_ms = 100;
    let told = b.tell(Event::Config(ConfigChange::Agent(config.clone())));
    assert!(
        matches!(&told[..], [Command::ConfigRefused { error, .. }] if error.field == "ring_timeout_ms")
    );
    config.ring_timeout_ms = 15_000;
    config.phone = Some(Phone {
        tech: "PJSIP".into(),
        endpoint: "101,s,1".into(),
    });
    let told = b.tell(Event::Config(ConfigChange::Agent(config)));
    assert!(
        matches!(&told[..], [Command::ConfigRefused { error, .. }] if error.field == "phone_endpoint")
    );
}

fn times_returned(told: &[Command], lease: u64) -> usize {
    told.iter()
        .filter(|c| matches!(c, Command::ReturnLeases { leases, .. } if leases.contains(&LeaseId(lease))))
        .count()
}

#[test]
fn a_lease_that_has_expired_while_the_phone_rang_is_given_back_once() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let mut lease = lead(8);
    lease.expires_at = Wall(b.now.wall.0 + 10_000);
    let told = b.tell(Event::Manual {
        request: RequestId(5),
        agent: AgentId(1),
        campaign: CAMPAIGN,
        lease: Box::new(lease),
    });
    let ring = only_ring(&told);
    b.wait_ms(6_000);
    let told = pick_up(&mut b, &ring);
    assert!(placed(&told).unwrap().is_err());
    assert_eq!(times_returned(&told, 8), 1);
    assert!(has(&told, &hang_up_phone(&ring)));
}

#[test]
fn and_one_that_has_expired_before() {
    let mut b = Bench::new(patient());
    b.log_in_on_hook(1);
    let mut lease = lead(8);
    lease.expires_at = Wall(b.now.wall.0);
    let told = b.tell(Event::Manual {
        request: RequestId(5),
        agent: AgentId(1),
        campaign: CAMPAIGN,
        lease: Box::new(lease),
    });
    assert!(placed(&told).unwrap().is_err());
    assert_eq!(times_returned(&told, 8), 1);
}
