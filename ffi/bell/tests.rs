use std::sync::atomic::{AtomicBool, AtomicU32};

use super::*;

#[test]
fn no_ring_is_lost() {
    const ALL: u32 = 100_000;
    const LONG: Duration = Duration::from_secs(60);
    let clock = Clock::new();
    let (bell, work) = (Bell::default(), AtomicU32::new(0));
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut found = 0;
            while found < ALL {
                bell.sleep(clock, Instant::now() + LONG, || {
                    work.load(Ordering::Acquire) == 0
                });
                found += work.swap(0, Ordering::AcqRel);
            }
        });
        for n in 0..ALL {
            work.fetch_add(1, Ordering::AcqRel);
            if n % 2 == 0 {
                bell.ring();
            } else {
                bell.ring_within(clock.tick(), Duration::from_millis(10));
            }
        }
    });
    assert!(start.elapsed() < LONG);
}

#[test]
fn who_wakes_soon_is_left_alone() {
    let clock = Clock::new();
    let bell = Bell::default();
    let asleep = AtomicBool::new(false);
    let slept = AtomicU64::new(0);
    let start = Instant::now();
    let nap = Duration::from_millis(500);
    thread::scope(|scope| {
        scope.spawn(|| {
            while start.elapsed() < nap {
                if bell.due.load(Ordering::Acquire) != 0 {
                    asleep.store(true, Ordering::Release);
                    bell.ring_within(clock.tick(), Duration::from_secs(1));
                    return;
                }
                thread::yield_now();
            }
        });
        // In a thread of its own: the end of a scope's threads wakes the scope's own one.
        scope.spawn(|| {
            bell.sleep(clock, start + nap, || true);
            slept.store(micros(start.elapsed()), Ordering::Release);
        });
    });
    let slept = Duration::from_micros(slept.load(Ordering::Acquire));
    if asleep.load(Ordering::Acquire) {
        assert!(slept >= nap.mul_f64(0.9), "{slept:?}");
    } else {
        eprintln!("the waker came too late: nothing was tested");
    }
}
