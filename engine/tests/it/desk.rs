//! What agents do at their desks, and whom a call goes to.

use crate::bench::*;

fn act(b: &mut Bench, agent: u64, what: AgentEvent) -> Vec<Command> {
    b.tell(Event::Agent {
        agent: AgentId(agent),
        what,
        request: None,
    })
}

fn pause(b: &mut Bench, agent: u64) -> Vec<Command> {
    let code = "lunch".into();
    act(b, agent, AgentEvent::Pause { code })
}

fn state(b: &Bench, agent: u64) -> AgentState {
    let view = b.engine.snapshot(b.now);
    let found = view.agents.iter().find(|a| a.id == AgentId(agent));
    found.map_or(AgentState::LoggedOut, |a| a.state)
}

/// A call of agent 1 that has just ended.
fn after_a_call(b: &mut Bench) {
    let leg = b.dial();
    b.answer(leg);
    b.bridge(leg, 1);
    b.wait_ms(10_000);
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
}

#[test]
fn nobody_is_dialed_for_who_is_paused() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    pause(&mut b, 1);
    assert_eq!(state(&b, 1), AgentState::Paused);
    assert!(originates(&b.lease([1])).is_empty());
    assert_eq!(b.why_now(), Some(Reason::NoAgents));
    assert_eq!(b.campaign().why[0].figures, "1 logged in, 1 of them paused");
    let told = act(&mut b, 1, AgentEvent::Unpause);
    assert_eq!(originates(&told).len(), 1);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.agents[0].pause, None);
}

#[test]
fn a_pause_during_a_call_begins_after_the_wrap_up() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.answer(leg);
    b.bridge(leg, 1);
    let told = pause(&mut b, 1);
    assert!(has(
        &told,
        &Command::AgentChanged {
            agent: AgentId(1),
            state: AgentState::OnCall,
            pause: Some("lunch".into())
        }
    ));
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    assert_eq!(state(&b, 1), AgentState::WrapUp);
    b.wait_ms(5_000);
    assert_eq!(state(&b, 1), AgentState::Paused);
    b.wait_ms(60_000);
    let view = b.engine.snapshot(b.now);
    assert_eq!(view.agents[0].paused.as_ms(), 60_000);
}

#[test]
fn a_wrap_up_is_extended_and_ended() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    after_a_call(&mut b);
    act(&mut b, 1, AgentEvent::ExtendWrapUp { by_ms: 20_000 });
    b.wait_ms(24_999);
    assert_eq!(state(&b, 1), AgentState::WrapUp);
    b.wait_ms(1);
    assert_eq!(state(&b, 1), AgentState::Available);
    assert_eq!(b.outcomes(), [Outcome::Completed]);

    let asked = b.tell(Event::Agent {
        agent: AgentId(1),
        what: AgentEvent::Ready,
        request: Some(RequestId(3)),
    });
    let refused = Command::Done {
        request: RequestId(3),
        result: Err("the agent is not in wrap-up".into()),
    };
    assert!(has(&asked, &refused));
}

#[test]
fn an_agent_who_stops_finishes_the_call_in_hand() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.answer(leg);
    b.bridge(leg, 1);
    let told = act(&mut b, 1, AgentEvent::LogOff { finish: true });
    assert!(!has(&told, &hang_up(leg)));
    b.end(leg, 0);
    b.session(1, SessionEvent::Waiting);
    let told = b.wait_ms(5_000);
    assert!(has(&told, &dismiss(1, Dismissal::LoggedOff)));
}

#[test]
fn or_drops_it() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    b.answer(leg);
    b.bridge(leg, 1);
    let told = act(&mut b, 1, AgentEvent::LogOff { finish: false });
    assert!(has(&told, &hang_up(leg)));
    let told = b.end(leg, 0);
    assert!(has(&told, &dismiss(1, Dismissal::LoggedOff)), "no wrap-up");
    assert_eq!(b.outcomes(), [Outcome::Completed]);
}

#[test]
fn an_agent_who_comes_back_after_stopping_works_again() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    act(&mut b, 1, AgentEvent::LogOff { finish: true });
    b.session(1, SessionEvent::Gone);
    b.log_in(1);
    assert_eq!(state(&b, 1), AgentState::Available);
}

/// Two calls of a power campaign, and its one agent goes home. The first rings, the second does not
/// yet.
fn left_alone() -> (Bench, Vec<LegId>) {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Power { ratio_milli: 2_000 },
        ..campaign()
    });
    b.log_in(1);
    let legs = originates(&b.lease([1, 2]));
    b.leg(legs[0], LegEvent::Ringing);
    b.wait_ms(4_000);
    (b, legs)
}

#[test]
fn dials_that_nobody_is_left_for_are_given_up_once_they_have_rung_long_enough() {
    let (mut b, legs) = left_alone();
    let told = b.session(1, SessionEvent::Gone);
    assert!(has(&told, &hang_up(legs[1])), "does not ring yet");
    assert!(!has(&told, &hang_up(legs[0])));
    assert!(!has(&b.wait_ms(10_999), &hang_up(legs[0])));
    assert!(has(&b.wait_ms(1), &hang_up(legs[0])), "15 s of ringing");
    for leg in legs {
        b.end(leg, 487);
    }
    assert_eq!(b.outcomes(), [Outcome::Cancelled; 2]);
    assert_eq!(b.results()[0].detail, "no agent left");
}

#[test]
fn a_dial_rings_on_if_an_agent_comes_meanwhile_and_who_answers_before_hears_the_message() {
    let (mut b, legs) = left_alone();
    b.session(1, SessionEvent::Gone);
    b.log_in(2);
    assert!(!has(&b.wait_ms(20_999), &hang_up(legs[0])));
    assert!(
        has(&b.wait_ms(1), &hang_up(legs[0])),
        "25 s: nobody answers"
    );

    let (mut b, legs) = left_alone();
    b.session(1, SessionEvent::Gone);
    b.answer(legs[0]);
    assert!(has(&b.wait_ms(2_000), &play(legs[0])));
}

#[test]
fn pausing_leaves_dials_alone_too() {
    let (mut b, legs) = left_alone();
    assert!(has(&pause(&mut b, 1), &hang_up(legs[1])));
}

fn agent(id: u64, rank: u8, skills: &[(&str, u8)]) -> AgentConfig {
    AgentConfig {
        pin: false,
        campaigns: vec![Membership {
            campaign: CAMPAIGN,
            rank,
        }],
        skills: skills
            .iter()
            .map(|(name, level)| Skill {
                name: (*name).into(),
                level: *level,
            })
            .collect(),
        ..agent_of(id, vec![], false)
    }
}

/// Agents log in in this order, then a call asks for this skill; who gets it?
fn chosen(agents: Vec<AgentConfig>, skill: Option<&str>) -> u64 {
    let mut b = Bench::new(campaign());
    for agent in agents {
        let id = agent.id.0;
        b.tell(Event::Config(ConfigChange::Agent(agent)));
        b.enter(id);
        b.wait_ms(1_000);
    }
    let asked = Lease {
        skill: skill.map(Into::into),
        ..lead(1)
    };
    let leg = originates(&b.give(vec![asked]))[0];
    let told = b.answer(leg);
    (1..9).find(|id| has(&told, &connect(leg, *id))).unwrap()
}

#[test]
fn a_call_goes_to_skill_then_rank_then_who_waited_longest() {
    let all = || {
        vec![
            agent(1, 5, &[]),
            agent(2, 1, &[("french", 2)]),
            agent(3, 1, &[("french", 9)]),
            agent(4, 1, &[]),
        ]
    };
    assert_eq!(chosen(all(), None), 2, "lowest rank, longest idle");
    assert_eq!(chosen(all(), Some("french")), 3, "the best");
    assert_eq!(chosen(all(), Some("german")), 2, "nobody has it");
    assert_eq!(chosen(vec![agent(1, 5, &[]), agent(2, 5, &[])], None), 1);
}
