//! The smallest plan that still fails.

use super::plan::ChaosPlan;
use super::run::{Failure, run};

/// Runs that a search takes at most.
const RUNS: u32 = 120;

/// Tries smaller plans as long as they fail: less time, fewer faults, agents, campaigns and trunks.
#[must_use]
pub fn shrink(failure: Failure) -> Failure {
    let mut best = failure;
    let mut runs = 0;
    'again: loop {
        for plan in smaller(&best) {
            runs += 1;
            if runs > RUNS {
                return best;
            }
            if let Err(failure) = run(&plan) {
                best = failure;
                continue 'again;
            }
        }
        return best;
    }
}

/// Smaller plans, the boldest first.
fn smaller(failure: &Failure) -> Vec<ChaosPlan> {
    let plan = &failure.plan;
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut ChaosPlan)| {
        let mut smaller = plan.clone();
        change(&mut smaller);
        if smaller != *plan {
            all.push(smaller);
        }
    };
    // Nothing behind the failure is needed.
    let minutes = u32::try_from(failure.at.0 / 60_000_000 + 1).unwrap_or(u32::MAX);
    with(&|p| p.minutes = p.minutes.min(minutes));
    with(&|p| p.minutes = p.minutes.div_ceil(2));
    for fault in &plan.faults {
        with(&|p| {
            p.faults.remove(fault);
        });
    }
    with(&|p| p.phones = 0);
    with(&|p| p.phones = p.phones.min(1) * 100);
    with(&|p| p.queues = 0);
    with(&|p| p.queues = p.queues.min(1) * 100);
    with(&|p| p.callers = 0);
    with(&|p| p.callers /= 2);
    with(&|p| p.campaigns = 1);
    with(&|p| p.campaigns = (p.campaigns - 1).max(1));
    with(&|p| p.trunks = 1);
    with(&|p| p.trunks = (p.trunks - 1).max(1));
    with(&|p| p.agents = p.agents.div_ceil(2));
    with(&|p| p.agents = (p.agents - 1).max(1));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use outdial_engine::Tick;

    #[test]
    fn every_smaller_plan_is_another_one_and_the_smallest_has_none() {
        let at = Tick(60_000_000 * 3);
        let what = String::new();
        let plan = ChaosPlan::of(3, 480);
        let failure = Failure { plan, at, what };
        let plans = smaller(&failure);
        assert!(plans.len() > 3 && plans.iter().all(|p| *p != failure.plan));
        let plan: ChaosPlan = "seed=1,minutes=1,agents=1,campaigns=1,trunks=1"
            .parse()
            .unwrap();
        assert_eq!(smaller(&Failure { plan, ..failure }), vec![]);
    }
}
