use std::sync::atomic::AtomicU32;

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
    let start = Instant::now();
    thread::scope(|scope| {
        let waker = scope.spawn(|| {
            while bell.due.load(Ordering::Acquire) == 0 {
                thread::yield_now();
            }
            bell.ring_within(clock.tick(), Duration::from_secs(1));
        });
        let end = start + Duration::from_millis(50);
        bell.sleep(clock, end, || true);
        drop(waker.join());
    });
    assert!(start.elapsed() >= Duration::from_millis(45));
}
