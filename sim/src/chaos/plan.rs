//! What one chaos run is made of, as one line that can be replayed.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Events that never arrive; hang-ups and connects that the PBX forgets.
    Lost,
    /// Events that arrive twice.
    Doubled,
    /// Events that arrive seconds later.
    Late,
    /// Events that overtake each other.
    Reordered,
    /// Originates that the PBX refuses, connects that fail.
    Refused,
    /// Agents whose channel goes in the middle of anything.
    Vanish,
    /// The link to the store goes down and comes up again.
    Link,
    /// It sometimes comes up with a new epoch.
    Epoch,
    /// Leases are revoked.
    Revoke,
    /// The wall clock is set forward and back.
    Clock,
    /// Campaigns, trunks, routes, agents and settings change in flight.
    Config,
    /// The journal can't be written for a while.
    Journal,
    /// The engine is drained for a while, then goes on.
    Drain,
    /// The PBX's queues go and come back, and are counted wrongly.
    Queue,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 14] = [
        Fault::Lost,
        Fault::Doubled,
        Fault::Late,
        Fault::Reordered,
        Fault::Refused,
        Fault::Vanish,
        Fault::Link,
        Fault::Epoch,
        Fault::Revoke,
        Fault::Clock,
        Fault::Config,
        Fault::Journal,
        Fault::Drain,
        Fault::Queue,
    ];

    /// Those that every plan may have. The others are for what not every plan has.
    const COMMON: usize = 13;

    /// As it is written in a plan.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Lost => "lost",
            Fault::Doubled => "doubled",
            Fault::Late => "late",
            Fault::Reordered => "reordered",
            Fault::Refused => "refused",
            Fault::Vanish => "vanish",
            Fault::Link => "link",
            Fault::Epoch => "epoch",
            Fault::Revoke => "revoke",
            Fault::Clock => "clock",
            Fault::Config => "config",
            Fault::Journal => "journal",
            Fault::Drain => "drain",
            Fault::Queue => "queue",
        }
    }
}

/// Why a text is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no part of a plan; one is seed=7,minutes=480,agents=5,campaigns=2,trunks=2,faults=lost+late"
)]
pub struct PlanError(String);

/// One run. Everything that is not said here is drawn from the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaosPlan {
    /// Decides everything that looks random.
    pub seed: u64,
    /// Virtual minutes before everything is drained.
    pub minutes: u32,
    /// Agents, from 1.
    pub agents: u32,
    /// Campaigns, from 1.
    pub campaigns: u32,
    /// Trunks, from 1.
    pub trunks: u32,
    /// Percent of the agents who have a phone and log in without a channel.
    pub phones: u32,
    /// Percent of the campaigns whose agents are the members of a queue of the PBX.
    pub queues: u32,
    /// People who call in, in an hour.
    pub callers: u32,
    /// What goes wrong.
    pub faults: BTreeSet<Fault>,
}

impl ChaosPlan {
    /// The plan that belongs to a seed. One in eight has no faults at all, so that what only a quiet
    /// run promises is looked at too.
    #[must_use]
    pub fn of(seed: u64, minutes: u32) -> ChaosPlan {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x706c_616e);
        let quiet = rng.random_ratio(1, 8);
        let share = rng.random_range(0.15..0.9);
        let plan = ChaosPlan {
            seed,
            minutes,
            agents: rng.random_range(2..=12),
            campaigns: rng.random_range(1..=3),
            trunks: rng.random_range(1..=3),
            faults: Fault::ALL[..Fault::COMMON]
                .iter()
                .copied()
                .filter(|_| rng.random_bool(share) && !quiet)
                .collect(),
            phones: if rng.random_bool(0.5) {
                rng.random_range(10..=100)
            } else {
                0
            },
            queues: 0,
            callers: 0,
        };
        plan.with_queues_and_callers(quiet, share)
    }

    /// By dice of their own, so that what else belongs to a seed stays as it was.
    fn with_queues_and_callers(mut self, quiet: bool, share: f64) -> ChaosPlan {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x6c69_6e65);
        if rng.random_bool(0.4) {
            self.queues = [50, 100][rng.random_range(0..2)];
            let goes_wrong = rng.random_bool(share) && !quiet;
            self.faults.extend(goes_wrong.then_some(Fault::Queue));
        }
        if rng.random_bool(0.4) {
            self.callers = rng.random_range(10..=120);
        }
        self
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

impl fmt::Display for ChaosPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<&str> = self.faults.iter().map(|fault| fault.name()).collect();
        write!(
            f,
            "seed={},minutes={},agents={},campaigns={},trunks={},phones={},queues={},callers={},faults={}",
            self.seed,
            self.minutes,
            self.agents,
            self.campaigns,
            self.trunks,
            self.phones,
            self.queues,
            self.callers,
            faults.join("+")
        )
    }
}

impl FromStr for ChaosPlan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<ChaosPlan, PlanError> {
        let mut plan = ChaosPlan {
            seed: 0,
            minutes: 480,
            agents: 1,
            campaigns: 1,
            trunks: 1,
            phones: 0,
            queues: 0,
            callers: 0,
            faults: BTreeSet::new(),
        };
        for part in text.trim().split(',') {
            let wrong = || PlanError(part.to_owned());
            let (name, value) = part.split_once('=').ok_or_else(wrong)?;
            let count = || {
                value
                    .parse::<u32>()
                    .ok()
                    .filter(|n| (1..=1_000_000).contains(n))
            };
            let up_to = |most: u32| value.parse::<u32>().ok().filter(|n| *n <= most);
            match name {
                "seed" => plan.seed = value.parse().map_err(|_| wrong())?,
                "minutes" => plan.minutes = count().ok_or_else(wrong)?,
                "agents" => plan.agents = count().ok_or_else(wrong)?,
                "campaigns" => plan.campaigns = count().ok_or_else(wrong)?,
                "phones" => plan.phones = up_to(100).ok_or_else(wrong)?,
                "queues" => plan.queues = up_to(100).ok_or_else(wrong)?,
                "callers" => plan.callers = up_to(10_000).ok_or_else(wrong)?,
                "trunks" => plan.trunks = count().ok_or_else(wrong)?,
                "faults" => {
                    for fault in value.split('+').filter(|name| !name.is_empty()) {
                        let known = Fault::ALL.into_iter().find(|f| f.name() == fault);
                        plan.faults.insert(known.ok_or_else(wrong)?);
                    }
                }
                _ => return Err(wrong()),
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        for seed in 0..50 {
            let plan = ChaosPlan::of(seed, 480);
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        for text in [
            "",
            "seed",
            "seed=x",
            "agents=0",
            "phones=101",
            "queues=101",
            "callers=-1",
            "faults=rain",
            "cats=3",
        ] {
            assert!(text.parse::<ChaosPlan>().is_err(), "{text}");
        }
    }

    #[test]
    fn seeds_bring_every_fault_and_quiet_runs() {
        let plans: Vec<ChaosPlan> = (0..200).map(|seed| ChaosPlan::of(seed, 1)).collect();
        for fault in Fault::ALL {
            assert!(plans.iter().any(|p| p.has(fault)), "{fault:?}");
        }
        assert!(plans.iter().any(|p| p.faults.is_empty()));
        let queues = plans.iter().filter(|p| p.queues > 0).count();
        let callers = plans.iter().filter(|p| p.callers > 0).count();
        assert!(queues > 50 && callers > 50, "{queues} and {callers} of 200");
        let without = |p: &&ChaosPlan| p.has(Fault::Queue) && p.queues == 0;
        assert_eq!(plans.iter().find(without), None);
    }
}
