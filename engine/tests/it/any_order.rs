//! Events in any order, twice, late or never: the books stay right and everything ends.

mod books;
mod host;
mod play;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bench::*;
use proptest::prelude::*;
use step::step;

const AGENTS: std::ops::Range<u64> = 1..7;

fn has_phone(agent: u64) -> bool {
    agent > 3
}

/// Plays the PBX and the sidecar, and keeps its own books.
struct Oracle {
    bench: Bench,
    config: CampaignConfig,
    /// With a queue, as long as the mode goes with one.
    queue: bool,
    legs: Vec<LegId>,
    /// Those of them that came in.
    callers: Vec<LegId>,
    accepted: BTreeSet<LegId>,
    forbidden: BTreeSet<u64>,
    hangups: BTreeSet<LegId>,
    connects: BTreeMap<LegId, SessionId>,
    sessions: BTreeSet<u64>,
    /// Phones that ring or are off hook, in the order in which they were rung, and how often each
    /// was told to be put on hook.
    phones: Vec<(SessionId, Arc<str>, u32)>,
    /// Manual calls that were asked for and not answered.
    asked: u32,
    /// Agents of the campaign.
    assigned: BTreeSet<u64>,
    leases: u64,
    /// Leases that the engine was given and has neither used nor given back.
    held: BTreeSet<LeaseId>,
    /// Whose they all are.
    lead_of: BTreeMap<LeaseId, u64>,
    /// Leases that were taken back: those that were not granted yet never are.
    revoked: BTreeSet<LeaseId>,
}

impl Oracle {
    fn new() -> Oracle {
        let config = CampaignConfig {
            mode: Mode::Power { ratio_milli: 2_000 },
            connect_limit_ms: 10_000,
            ..campaign()
        };
        let mut bench = Bench::new(config.clone());
        bench.tell(Event::Config(ConfigChange::Trunk(trunk(SECOND_TRUNK))));
        let routes = vec![route(TRUNK, 1), route(SECOND_TRUNK, 2)];
        let asked = bench.tell(Event::Config(ConfigChange::Routes(routes)));
        bench.grant_probes(&asked);
        for agent in AGENTS {
            let config = agent_of(agent, vec![CAMPAIGN], has_phone(agent));
            bench.tell(Event::Config(ConfigChange::Agent(config)));
            if agent > 4 {
                bench.desk(agent, AgentEvent::LogIn);
            }
        }
        Oracle {
            bench,
            config,
            queue: false,
            legs: Vec::new(),
            callers: Vec::new(),
            accepted: BTreeSet::new(),
            forbidden: BTreeSet::new(),
            hangups: BTreeSet::new(),
            connects: BTreeMap::new(),
            sessions: BTreeSet::new(),
            phones: Vec::new(),
            asked: 0,
            assigned: AGENTS.collect(),
            leases: 0,
            held: BTreeSet::new(),
            lead_of: BTreeMap::new(),
            revoked: BTreeSet::new(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_books_stay_right_and_everything_ends(
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut oracle = Oracle::new();
        for step in &steps {
            oracle.take(step)?;
        }
        oracle.end()?;
    }

    #[test]
    fn the_same_events_give_the_same_commands(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut runs = (Oracle::new(), Oracle::new());
        for step in &steps {
            runs.0.take(step)?;
            runs.1.take(step)?;
        }
        prop_assert_eq!(&runs.0.bench.records, &runs.1.bench.records);
        prop_assert_eq!(&runs.0.legs, &runs.1.legs);
    }
}

#[test]
fn the_random_events_really_reach_the_outcomes() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<Outcome> = BTreeSet::new();
    // Those never call in, so whom they talked to, they were rung for.
    let talked = |r: &&AttemptResult| r.bridged_at.is_some() && r.agent.is_some_and(|a| a.0 > 4);
    let taken = |r: &&AttemptResult| r.bridged_at.is_some() && r.agent.is_none();
    let called = |r: &&AttemptResult| r.bridged_at.is_some() && r.inbound;
    let (mut by_phone, mut by_member, mut inbound) = (0, 0, 0);
    for _ in 0..300 {
        let steps = proptest::collection::vec(step(), 200)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let mut oracle = Oracle::new();
        for step in &steps {
            oracle.take(step).unwrap();
        }
        seen.extend(oracle.bench.outcomes());
        by_phone += oracle.bench.results().into_iter().filter(talked).count();
        by_member += oracle.bench.results().into_iter().filter(taken).count();
        inbound += oracle.bench.results().into_iter().filter(called).count();
    }
    let missing: Vec<_> = Outcome::ALL.iter().filter(|o| !seen.contains(o)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
    assert!(by_phone > 10, "{by_phone} calls by phones that were rung");
    assert!(by_member > 10, "{by_member} calls by members of a queue");
    assert!(inbound > 10, "{inbound} calls that came in");
}
