//! How fast the engine is: events per second with 10,000 attempts live. Run by `make bench`.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    reason = "a benchmark may panic"
)]

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use outdial_engine::config::Mode;

use world::World;

mod world;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Events of one round, about: what a group of posts to the library holds.
const EVENTS: u64 = 100_000;

/// 100 campaigns, 500 agents, and as many attempts live as the engine takes.
fn busy(modes: &[Mode]) -> World {
    let mut world = World::new();
    for id in 1..=100 {
        let mode = modes[usize::try_from(id).unwrap() % modes.len()];
        world.campaigns(id..=id, mode, 1_000);
    }
    world.agents(1..=500, |id| id % 100 + 1);
    for _ in 0..2_000 {
        if world.engine.totals().live >= 9_900 {
            break;
        }
        for _ in 0..100 {
            world.step();
        }
    }
    world
}

#[divan::bench(sample_count = 5, sample_size = 1, args = [1, 32])]
fn events_of_100_campaigns_with_10000_attempts(bencher: Bencher, group: u64) {
    let agentless = Mode::Agentless;
    let modes = [
        Mode::Progressive,
        agentless,
        Mode::Power { ratio_milli: 3_000 },
        agentless,
        Mode::Predictive {
            max_ratio_milli: None,
        },
    ];
    bencher
        .with_inputs(|| busy(&modes))
        .input_counter(|_| ItemsCount::new(EVENTS))
        .bench_local_values(|mut world| {
            world.group = group;
            let until = world.events + EVENTS;
            while world.events < until {
                world.step();
            }
            world
        });
}
