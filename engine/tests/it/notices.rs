//! What is told to whoever watches.

use crate::bench::*;
use outdial_engine::attempt::State;

const ALL: Watch = Watch {
    calls: true,
    agents: true,
};

fn calls(commands: &[Command]) -> Vec<CallNotice> {
    commands
        .iter()
        .filter_map(|command| match command {
            Command::Notice(notice) => match &**notice {
                Notice::Call(call) => Some(call.clone()),
                Notice::Agent(_) => None,
            },
            _ => None,
        })
        .collect()
}

fn agents(commands: &[Command]) -> Vec<AgentNotice> {
    commands
        .iter()
        .filter_map(|command| match command {
            Command::Notice(notice) => match &**notice {
                Notice::Agent(agent) => Some(agent.clone()),
                Notice::Call(_) => None,
            },
            _ => None,
        })
        .collect()
}

/// One call from lead to wrap-up's end.
fn whole_call(b: &mut Bench) -> (LegId, Vec<Command>) {
    let mut said = b.log_in(1);
    let dialed = b.lease([1]);
    let leg = originates(&dialed)[0];
    said.extend(dialed);
    said.extend(b.leg(leg, LegEvent::Ringing));
    said.extend(b.leg(leg, LegEvent::Answered));
    said.extend(b.leg(leg, LegEvent::Ready { verdict: None }));
    said.extend(b.bridge(leg, 1));
    said.extend(b.end(leg, 0));
    said.extend(b.session(1, SessionEvent::Waiting));
    said.extend(b.wait_ms(5_000));
    (leg, said)
}

#[test]
fn nobody_watches_and_nothing_is_told() {
    let mut b = Bench::new(campaign());
    let (_, said) = whole_call(&mut b);
    assert!(calls(&said).is_empty() && agents(&said).is_empty());
}

#[test]
fn each_step_of_a_call_is_told_with_who_and_where() {
    let mut b = Bench::new(campaign());
    b.engine.watch(ALL);
    let (leg, said) = whole_call(&mut b);
    let told = calls(&said);
    let states: Vec<(State, State)> = told.iter().map(|n| (n.from, n.to)).collect();
    assert_eq!(
        states,
        [
            (State::Queued, State::Originating),
            (State::Originating, State::Ringing),
            (State::Ringing, State::Classifying),
            (State::Classifying, State::AwaitingAgent),
            (State::AwaitingAgent, State::ConnectingAgent),
            (State::ConnectingAgent, State::Bridged),
            (State::Bridged, State::WrapUp),
            (State::WrapUp, State::Final(Outcome::Completed)),
        ]
    );
    for notice in &told {
        assert_eq!(notice.leg, leg, "the first one, too");
        assert_eq!(&*notice.campaign, "spring");
        assert_eq!(&*notice.trunk, "trunk1");
        assert_eq!(notice.lead, LeadId(1));
    }
    let who: Vec<Option<&str>> = told.iter().map(|n| n.agent.as_deref()).collect();
    assert_eq!(who[3], None, "nobody is chosen yet");
    assert_eq!(who[4..], [Some("a1"); 4]);
}

#[test]
fn the_end_is_told_with_its_reason_and_the_carriers_word() {
    let mut b = Bench::new(campaign());
    b.engine.watch(ALL);
    b.log_in(1);
    let leg = b.dial();
    let told = calls(&b.end(leg, 486));
    let last = &told[0];
    assert_eq!(last.to, State::Final(Outcome::Busy));
    assert_eq!(last.reason, "sip 486");
    assert_eq!(last.end.sip, Some(486));
}

#[test]
fn an_agents_states_are_told_and_a_pause_code_that_alone_has_changed() {
    let mut b = Bench::new(campaign());
    b.engine.watch(ALL);
    let (leg, mut said) = whole_call(&mut b);
    let code = |code: &str| AgentEvent::Pause { code: code.into() };
    said.extend(b.desk(1, code("lunch")));
    said.extend(b.desk(1, code("training")));
    said.extend(b.session(1, SessionEvent::Gone));
    let told = agents(&said);
    let states: Vec<AgentState> = told.iter().map(|n| n.to).collect();
    assert_eq!(
        states,
        [
            AgentState::Entering,
            AgentState::Available,
            AgentState::Reserved,
            AgentState::OnCall,
            AgentState::WrapUp,
            AgentState::Available,
            AgentState::Paused,
            AgentState::Paused,
            AgentState::LoggedOut,
        ]
    );
    for pair in told.windows(2) {
        assert_eq!(pair[0].to, pair[1].from);
    }
    assert!(told.iter().all(|n| &*n.agent == "a1"));
    assert!(told.iter().all(|n| n.session == Some(session(1))));
    assert_eq!(told[3].leg, Some(leg));
    assert_eq!(told[3].campaign.as_deref(), Some("spring"));
    assert_eq!(told[6].pause.as_deref(), Some("lunch"));
    assert_eq!(told[7].pause.as_deref(), Some("training"));
}

#[test]
fn one_kind_can_be_watched_alone() {
    let mut b = Bench::new(campaign());
    b.engine.watch(Watch {
        agents: true,
        ..Watch::default()
    });
    let (_, said) = whole_call(&mut b);
    assert!(calls(&said).is_empty());
    assert!(!agents(&said).is_empty());
}
