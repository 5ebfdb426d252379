//! `make soak SEEDS=n`: whole shifts with everything going wrong at once, as many as asked for.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use outdial_sim::chaos::{ChaosPlan, Failure, Tally, run_traced, shrink, sweep};

/// Plays random shifts in which things go wrong, and checks that the engine keeps every rule.
#[derive(Debug, Parser)]
struct Args {
    /// So many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Virtual minutes of each.
    #[arg(long, default_value_t = 480)]
    minutes: u32,
    /// Plays this one plan, as a failure printed it.
    #[arg(long)]
    replay: Option<ChaosPlan>,
    /// Prints the plan of the first seed and plays nothing.
    #[arg(long)]
    show: bool,
    /// With `--replay`: prints every event and command.
    #[arg(long, requires = "replay")]
    trace: bool,
    /// Does not look for a smaller plan that fails too.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.show {
        println!("{}", ChaosPlan::of(args.from, args.minutes));
        return ExitCode::SUCCESS;
    }
    let began = Instant::now();
    let (tally, failure) = match &args.replay {
        Some(plan) => match run_traced(
            plan,
            args.trace.then_some(&mut |line: &str| println!("{line}")),
        ) {
            Ok(tally) => (tally, None),
            Err(failure) => (Tally::default(), Some(failure)),
        },
        None => {
            let shown = |tally: &Tally| eprint!("\r{} of {} ", tally.seeds, args.seeds);
            let mut all = sweep(args.from, args.seeds, args.minutes, shown);
            eprintln!();
            let first = (!all.failures.is_empty()).then(|| all.failures.swap_remove(0));
            (all.tally, first)
        }
    };
    println!("{}", line(&tally, began.elapsed().as_secs_f64()));
    match failure {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            tell(failure, args.keep);
            ExitCode::FAILURE
        }
    }
}

fn tell(failure: Failure, keep: bool) {
    println!("FAILED: {failure}");
    let failure = if keep { failure } else { shrink(failure) };
    if !keep {
        println!("smallest: {failure}");
    }
    println!(
        "cargo run --release -p outdial-sim --bin soak -- --replay '{}'",
        failure.plan
    );
}

fn line(tally: &Tally, seconds: f64) -> String {
    let events = u32::try_from(tally.events).map_or(f64::MAX, f64::from);
    format!(
        "{} seeds, {} virtual hours, {} events, {} dials, {} connected, {} abandoned, {} taken by members of queues, {} callers served; {seconds:.1} s, {:.0} events/s",
        tally.seeds,
        tally.minutes / 60,
        tally.events,
        tally.dials,
        tally.completed,
        tally.abandoned,
        tally.taken,
        tally.served,
        events / seconds.max(0.001),
    )
}
