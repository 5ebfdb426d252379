//! Many seeds, on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::plan::ChaosPlan;
use super::run::{Failure, Tally, run};

/// What came of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// All runs that kept every rule.
    pub tally: Tally,
    /// Those that did not, by seed. After the first no new ones are begun.
    pub failures: Vec<Failure>,
}

/// Plays the seeds `from..from + count`, each for so many virtual minutes. `progress` is called after
/// each run, by any thread.
pub fn sweep(from: u64, count: u64, minutes: u32, progress: impl Fn(&Tally) + Sync) -> Sweep {
    let next = AtomicU64::new(from);
    let stop = AtomicBool::new(false);
    let all = Mutex::new(Sweep::default());
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from.saturating_add(count) {
                        return;
                    }
                    let played = run(&ChaosPlan::of(seed, minutes));
                    let Ok(mut all) = all.lock() else { return };
                    match played {
                        Ok(tally) => all.tally.add(&tally),
                        Err(failure) => {
                            stop.store(true, Ordering::Relaxed);
                            all.failures.push(failure);
                        }
                    }
                    progress(&all.tally);
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_default();
    all.failures.sort_by_key(|failure| failure.plan.seed);
    all
}
