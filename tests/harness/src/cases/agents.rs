//! Agents who come back whatever the customers do.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{LATER, SOON};
use crate::truth::{Attempt, attempts, settled};
use crate::{Fate, Pbx, Rig, RigOptions};

/// Nobody may be lost in 1,500 calls.
pub const AGENTS: u32 = 20;

/// What [`customers_who_hang_up_at_once_lose_no_agent`] needs.
#[must_use]
pub fn hasty() -> RigOptions {
    RigOptions {
        cps: 100,
        max_concurrent_originates: 200,
        channels: 400,
        ..RigOptions::default()
    }
}

/// Customers who hang up the moment they have answered meet agents on their way to them. None of
/// the agents may be lost on it. A hundred customers at least must be gone `at_once` after the agent has
/// come, for else it shows nothing.
pub fn customers_who_hang_up_at_once_lose_no_agent<P: Pbx>(rig: &mut Rig<P>, at_once: Duration) {
    rig.power("hasty", "3", &["--wrap-up-ms", "0", "--max-attempts", "1"])
        .unwrap();
    rig.log_in("hasty", AGENTS).unwrap();

    // Those who hang up as they answer are gone before a slower PBX has an agent for them.
    let fate = |serial| match serial % 2 {
        0 => Fate::Answer(0),
        _ => Fate::AnswerBriefly,
    };
    let hasty: Vec<String> = (0..1_500)
        .map(|serial| fate(serial).number(0, serial))
        .collect();
    rig.insert("hasty", &hasty).unwrap();
    rig.outdial(&["campaign", "start", "hasty"]).unwrap();
    rig.wait_leads("hasty", &["done"], LATER).unwrap();
    let back = usize::try_from(AGENTS).unwrap();
    rig.wait_agents("available", back, SOON).unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let close = |row: &&Attempt| {
        row.bridged
            .is_some_and(|at| row.ended - at < at_once.as_secs_f64())
    };
    let close = rows.iter().filter(close).count();
    assert!(
        close >= 100,
        "{close} customers left within {at_once:?} of the agent's coming"
    );

    // Each of them still gets calls.
    let calm: Vec<String> = (0..4 * AGENTS)
        .map(|serial| Fate::Answer(1).number(0, 10_000 + serial))
        .collect();
    rig.insert("hasty", &calm).unwrap();
    rig.wait_leads("hasty", &["done"], LATER).unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let calls = talks(rows.iter().filter(|row| calm.contains(&row.number)));
    assert_eq!(calls.len(), back, "agents with a call: {calls:?}");
    settled(&rows, || rig.carrier.calls(), None).unwrap();
}

/// By the command line, while others talk.
pub fn an_agent_is_paused_comes_back_and_is_logged_off<P: Pbx>(rig: &mut Rig<P>) {
    let wrap_up = ["--wrap-up-ms", "0", "--max-attempts", "1"];
    rig.campaign("calm", &wrap_up).unwrap();
    rig.log_in("calm", 2).unwrap();
    rig.outdial(&["agents", "pause", "1001", "--code", "lunch"])
        .unwrap();
    rig.wait_agents("paused", 1, SOON).unwrap();
    assert!(rig.pbx.show("agents").unwrap().contains("paused"));

    let numbers: Vec<String> = (0..4).map(|n| Fate::Answer(1).number(0, n)).collect();
    rig.insert("calm", &numbers).unwrap();
    rig.outdial(&["campaign", "start", "calm"]).unwrap();
    rig.wait_leads("calm", &["done"], LATER).unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    assert_eq!(talks(rows.iter()).len(), 1, "one agent had all calls");

    rig.outdial(&["agents", "unpause", "1001"]).unwrap();
    rig.wait_agents("available", 2, SOON).unwrap();
    rig.outdial(&["agents", "log-off", "1001"]).unwrap();
    rig.wait_agents("logged_out", 1, SOON).unwrap();
    let said = rig.outdial(&["agents", "pause", "1001"]).unwrap_err();
    assert!(format!("{said:#}").contains("not logged in"), "{said:#}");
}

/// Calls of each agent.
fn talks<'a>(rows: impl Iterator<Item = &'a Attempt>) -> BTreeMap<i64, usize> {
    let mut calls = BTreeMap::new();
    for agent in rows.filter_map(|row| row.agent) {
        *calls.entry(agent).or_default() += 1;
    }
    calls
}
