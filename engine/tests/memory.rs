//! What waiting leads and live attempts need in memory.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    dead_code,
    reason = "a test fails by panicking, and uses a part of the benchmark's world"
)]

#[path = "../benches/world/mod.rs"]
mod world;

use outdial_engine::config::Mode;
use outdial_engine::{CampaignId, Event, Span};
use world::{World, lease};

#[global_allocator]
static ALLOC: dhat::Alloc = dhat::Alloc;

/// Bytes that are allocated now.
fn allocated() -> usize {
    dhat::HeapStats::get().curr_bytes
}

/// One test: the allocator counts for the whole process.
#[test]
fn a_waiting_lead_needs_less_than_256_bytes_and_a_live_attempt_less_than_1024() {
    let _profiler = dhat::Profiler::builder().testing().build();
    waiting_leads();
    live_attempts();
}

fn waiting_leads() {
    const CAMPAIGNS: u64 = 100;
    const EACH: u64 = 1_000;
    let mut world = World::new();
    // Nobody is logged in, so nothing is dialed.
    world.campaigns(1..=CAMPAIGNS, Mode::Progressive, 100);
    let before = allocated();
    for campaign in 1..=CAMPAIGNS {
        let first = campaign * EACH;
        let leases = (first..first + EACH).map(|id| lease(id, world.now.wall));
        let leases = leases.collect();
        world.tell(Event::Leases {
            campaign: CampaignId(campaign),
            leases,
            next_due: None,
        });
    }
    let leads = world.engine.totals().leases;
    assert_eq!(leads, CAMPAIGNS * EACH);
    let each = (allocated() - before) as f64 / leads as f64;
    println!("a waiting lead: {each:.0} bytes, of {leads}");
    assert!(each < 256.0, "{each:.0} bytes");
}

fn live_attempts() {
    const ATTEMPTS: u64 = 10_000;
    let mut world = World::new();
    world.most_leads = ATTEMPTS;
    world.stay = true;
    let before = allocated();
    world.campaigns(1..=5, Mode::Agentless, 2_000);
    for _ in 0..200_000 {
        world.step();
        if world.engine.totals().live == ATTEMPTS {
            break;
        }
    }
    world.pass(Span::ms(1));
    let totals = world.engine.totals();
    assert_eq!((totals.live, totals.leases), (ATTEMPTS, 0));
    let each = (allocated() - before) as f64 / ATTEMPTS as f64;
    println!("a live attempt: {each:.0} bytes, of {ATTEMPTS}");
    assert!(each < 1_024.0, "{each:.0} bytes");
}
