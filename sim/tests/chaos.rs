//! Whole shifts with everything going wrong at once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use outdial_engine::Watch;
use outdial_sim::chaos::{ChaosPlan, Failure, run, run_watched, shrink, sweep};

const SEEDS: u64 = 300;
const EIGHT_HOURS: u32 = 480;

fn report(failure: Failure) -> String {
    let small = shrink(failure.clone());
    format!(
        "{failure}\nsmallest: {small}\n\
         cargo run --release -p outdial-sim --bin soak -- --replay '{}'",
        small.plan
    )
}

#[test]
fn every_rule_is_kept_whatever_goes_wrong() {
    let began = Instant::now();
    let mut all = sweep(0, SEEDS, EIGHT_HOURS, |_| {});
    if !all.failures.is_empty() {
        panic!("{}", report(all.failures.swap_remove(0)));
    }
    let tally = all.tally;
    println!(
        "{} seeds, {} virtual hours, {} dials, {} connected, {} abandoned, {} phones picked up, {} taken by \
         members of queues, {} callers served in {:.0} s",
        tally.seeds,
        tally.minutes / 60,
        tally.dials,
        tally.completed,
        tally.abandoned,
        tally.picked_up,
        tally.taken,
        tally.served,
        began.elapsed().as_secs_f64()
    );
    // Shifts in which nothing happens would keep every rule, too.
    assert_eq!(tally.seeds, SEEDS);
    assert!(tally.dials > 1_000 * SEEDS, "{tally:?}");
    assert!(
        tally.completed > 200 * SEEDS && tally.abandoned > SEEDS && tally.picked_up > 50 * SEEDS,
        "{tally:?}"
    );
    assert!(
        tally.taken > 20 * SEEDS && tally.served > 20 * SEEDS,
        "{tally:?}"
    );
}

#[test]
fn what_once_failed_does_not_fail_again() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "plan"))
        .collect();
    files.sort();
    let mut played = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        for line in lines {
            let plan: ChaosPlan = line.parse().unwrap();
            if let Err(failure) = run(&plan) {
                panic!("{}: {}", file.display(), report(failure));
            }
            played += 1;
        }
    }
    assert!(played >= 4);
}

#[test]
fn the_same_plan_gives_the_same_run() {
    let play = |seed| run(&ChaosPlan::of(seed, 120)).unwrap();
    assert_eq!(play(7), play(7));
    assert_ne!(play(7), play(8));
}

#[test]
fn who_watches_changes_nothing_and_misses_nothing() {
    let watches = [
        Watch::default(),
        Watch {
            calls: true,
            agents: true,
        },
    ];
    let mut notices = 0;
    for seed in 0..20 {
        let [alone, watched] = watches.map(|watch| {
            let mut lines = Vec::new();
            let mut trace = |line: &str| lines.push(line.to_owned());
            let plan = ChaosPlan::of(seed, 120);
            // The oracle compares each notice with the one before.
            if let Err(failure) = run_watched(&plan, watch, Some(&mut trace)) {
                panic!("{failure}");
            }
            lines
        });
        let (told, rest): (Vec<String>, Vec<String>) = watched
            .into_iter()
            .partition(|line| line.contains(" < Notice("));
        assert_eq!(rest, alone, "seed {seed}");
        notices += told.len();
    }
    assert!(notices > 20_000, "{notices}");
}
