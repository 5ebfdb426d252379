//! The time of one decision.

use outdial_engine::config::Mode;
use outdial_sim::{Plan, Shift, SimError, World};

const AGENTS: u32 = 500;
/// In microseconds, at most.
const LIMIT: f64 = 50.0;

/// Measures decisions of a large team at work, prints them, and says whether they are fast enough.
pub fn measure() -> Result<bool, SimError> {
    let mode = Mode::Predictive {
        max_ratio_milli: None,
    };
    let mut reached = true;
    for answers in [0.1, 0.3] {
        let plan = Plan {
            seconds: 1_200,
            warm_up: 600,
            ..Plan::new(World::steady(AGENTS, answers), mode, 1)
        };
        let mut times: Vec<f64> = Shift::decisions(plan)?
            .into_iter()
            .map(|time| time.as_secs_f64() * 1e6)
            .collect();
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times.get(times.len() * percent / 100).copied();
        let (Some(median), Some(most)) = (at(50), at(95)) else {
            return Ok(false);
        };
        // Every 2 s a decision finds the tables due and makes them anew: those are the slowest.
        let slowest = times.last().copied().unwrap_or_default();
        let verdict = if most <= LIMIT { "PASS" } else { "MISSED" };
        reached &= most <= LIMIT;
        println!(
            "one decision, {AGENTS} agents, p {answers:.2}, with its event and dials: median \
             {median:.1} us, 95% below {most:.1} us, slowest {slowest:.0} us, of {} (95% at most \
             {LIMIT:.0} us): {verdict}",
            times.len()
        );
    }
    Ok(reached)
}
