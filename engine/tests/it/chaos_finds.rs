//! What the simulator found: events that come twice or too early, calls of agents' own, and deadlines
//! that bring nothing about.

use crate::bench::*;

fn manual(lease: u64) -> Event {
    Event::Manual {
        request: RequestId(1),
        agent: AgentId(1),
        campaign: CAMPAIGN,
        lease: Box::new(lead(lease)),
    }
}

fn returns(commands: &[Command]) -> usize {
    let returns = |c: &&Command| matches!(c, Command::ReturnLeases { .. });
    commands.iter().filter(returns).count()
}

#[test]
fn a_grant_that_comes_twice_is_dialed_once() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let leg = b.dial();
    assert!(originates(&b.lease([1])).is_empty(), "while it rings");
    b.end(leg, 486);
    let again = b.lease([1]);
    assert!(originates(&again).is_empty(), "after its result");
    assert_eq!((returns(&again), b.results().len()), (0, 1));
}

#[test]
fn a_manual_call_that_is_asked_for_twice_keeps_its_lease() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    assert_eq!(originates(&b.tell(manual(1))).len(), 1);
    let again = b.tell(manual(1));
    assert!(originates(&again).is_empty());
    assert_eq!(returns(&again), 0, "{again:?}");
    assert_eq!(b.engine.leases(), [LeaseId(1)]);
}

#[test]
fn a_revocation_that_overtakes_its_grant_holds() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    b.tell(Event::Revoke(vec![LeaseId(1)]));
    assert!(originates(&b.lease([1])).is_empty());
    assert_eq!(b.engine.leases(), []);
}

#[test]
fn an_agent_who_comes_in_twice_by_one_channel_stays() {
    let mut b = Bench::new(campaign());
    b.log_in(1);
    let again = b.enter(1);
    assert!(!has(&again, &dismiss(1, Dismissal::Duplicate)), "{again:?}");
    assert_eq!(b.campaign().free, 1);
}

/// One attempt at once: the first agent has it.
fn full() -> (Bench, CampaignConfig) {
    let config = CampaignConfig {
        mode: Mode::Preview {
            timeout_ms: None,
            dial: false,
        },
        max_concurrent: 1,
        ..campaign()
    };
    let mut b = Bench::new(config.clone());
    b.lease(1..=4);
    for agent in [1, 2] {
        b.log_in(agent);
    }
    (b, config)
}

fn dials(b: &mut Bench, agent: u64) -> usize {
    let told = b.tell(Event::Agent {
        agent: AgentId(agent),
        what: AgentEvent::Dial,
        request: None,
    });
    originates(&told).len()
}

#[test]
fn previews_and_manual_calls_keep_the_campaigns_cap() {
    let (mut b, _) = full();
    assert_eq!((dials(&mut b, 1), dials(&mut b, 2)), (1, 0));
    let told = b.tell(manual(9));
    assert!(originates(&told).is_empty(), "{told:?}");
}

#[test]
fn previews_keep_the_nodes_cap_on_dials() {
    let (mut b, config) = full();
    b.tell(Event::Config(ConfigChange::Campaign(Box::new(
        CampaignConfig {
            max_concurrent: 9,
            ..config
        },
    ))));
    b.tell(Event::Config(ConfigChange::Settings(Settings {
        max_concurrent_originates: 1,
    })));
    assert_eq!((dials(&mut b, 1), dials(&mut b, 2)), (1, 0));
}

#[test]
fn an_agents_own_call_for_a_paused_campaign_is_held_by_what_holds_the_node() {
    let (drain, journal) = (Event::Drain(true), Event::JournalWritable(false));
    for (n, trouble) in (1..).zip([Some(drain), Some(journal), None]) {
        let mut b = Bench::new(campaign());
        b.log_in(1);
        b.tell(Event::Config(ConfigChange::Campaign(Box::new(
            CampaignConfig {
                state: CampaignState::Paused,
                ..campaign()
            },
        ))));
        let held = trouble.is_some();
        if let Some(trouble) = trouble {
            b.tell(trouble);
        }
        let told = b.tell(manual(n));
        assert_eq!(originates(&told).is_empty(), held, "{told:?}");
    }
}

#[test]
fn waiting_for_a_trunks_rate_takes_few_wake_ups_though_another_one_is_free() {
    let mut b = Bench::new(CampaignConfig {
        mode: Mode::Agentless,
        ..campaign()
    });
    b.tell(Event::Config(ConfigChange::Trunk(TrunkConfig {
        cps_milli: 1_000,
        burst: 1,
        ..trunk(TRUNK)
    })));
    b.tell(Event::Config(ConfigChange::Trunk(trunk(SECOND_TRUNK))));
    let routes = vec![route(TRUNK, 1), route(SECOND_TRUNK, 2)];
    let asked = b.tell(Event::Config(ConfigChange::Routes(routes)));
    b.grant_probes(&asked);
    b.lease(1..=20);
    let end = Tick(b.now.tick.0 + 900_000);
    let mut wake_ups = 0;
    while let Some((at, _)) = b.engine.poll_timeout().filter(|(at, _)| *at < end) {
        b.now.tick = at;
        b.engine.handle_timeout(b.now);
        wake_ups += 1;
        assert!(wake_ups < 20, "again and again for nothing");
    }
}

/// A call that rings over the first of two trunks.
fn with_two_trunks() -> (Bench, LegId) {
    let mut b = Bench::new(campaign());
    b.tell(Event::Config(ConfigChange::Trunk(trunk(SECOND_TRUNK))));
    let routes = vec![route(TRUNK, 1), route(SECOND_TRUNK, 2)];
    let asked = b.tell(Event::Config(ConfigChange::Routes(routes)));
    b.grant_probes(&asked);
    b.log_in(1);
    let leg = b.dial();
    (b, leg)
}

#[test]
fn what_is_revoked_while_its_hang_up_is_under_way_goes_over_no_other_trunk() {
    let (mut b, leg) = with_two_trunks();
    assert!(
        has(&b.wait_ms(12_000), &hang_up(leg)),
        "no reply of any kind"
    );
    b.tell(Event::Revoke(vec![LeaseId(1)]));
    assert!(originates(&b.end(leg, 487)).is_empty());
    assert_eq!(b.outcomes(), [Outcome::Cancelled]);
}

#[test]
fn what_was_leased_in_another_epoch_goes_over_no_other_trunk() {
    let (mut b, leg) = with_two_trunks();
    b.tell(Event::Link(Link::Up { epoch: Epoch(8) }));
    assert!(originates(&b.end(leg, 503)).is_empty());
    assert_eq!(b.outcomes(), [Outcome::Cancelled]);
}

#[test]
fn a_trunk_that_is_removed_goes_with_its_last_call() {
    let (mut b, leg) = with_two_trunks();
    b.tell(Event::Config(ConfigChange::TrunkRemoved(TRUNK)));
    let ids = |b: &Bench| -> Vec<TrunkId> {
        let trunks = b.engine.snapshot(b.now).trunks;
        trunks.iter().map(|trunk| trunk.id).collect()
    };
    assert_eq!(ids(&b), [TRUNK, SECOND_TRUNK], "a call is under way");
    b.end(leg, 486);
    assert_eq!(ids(&b), [SECOND_TRUNK]);
}
