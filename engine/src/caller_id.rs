//! Which number the callee sees: rotation, local presence, and how often each may be shown in a
//! day.

use std::collections::BTreeMap;

use crate::config::CallerIds;
use crate::number::Number;
use crate::time::Wall;

const HOUR_MS: i64 = 3_600_000;
/// Hours that are looked back on: 24 whole ones and the one that runs.
const HOURS: usize = 25;

/// How often each number was shown in the last 24 hours, over all campaigns. No calendar's day:
/// the engine has no time zones, and a number that was worn out at 23:59 is still so at 0:01.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    by_number: BTreeMap<Number, Day>,
}

#[derive(Clone, Debug)]
struct Day {
    /// By hour, the one that runs first.
    hours: [u32; HOURS],
    hour: i64,
}

impl Day {
    fn new(now: Wall) -> Day {
        Day {
            hours: [0; HOURS],
            hour: now.0.div_euclid(HOUR_MS),
        }
    }

    /// Moves on to the hour of `now`. A clock that was set back changes nothing.
    fn turn(&mut self, now: Wall) {
        let hour = now.0.div_euclid(HOUR_MS);
        let passed = hour.saturating_sub(self.hour);
        if passed <= 0 {
            return;
        }
        let passed = usize::try_from(passed).unwrap_or(HOURS).min(HOURS);
        self.hours.rotate_right(passed);
        self.hours[..passed].fill(0);
        self.hour = hour;
    }

    fn sum(&self) -> u32 {
        self.hours.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }
}

impl Shown {
    /// Counts `times` uses of a number now.
    pub(crate) fn count(&mut self, now: Wall, number: &Number, times: u32) {
        if !self.by_number.contains_key(number) {
            // What was not shown for a day is forgotten.
            self.by_number.retain(|_, day| {
                day.turn(now);
                day.sum() > 0
            });
        }
        let day = self
            .by_number
            .entry(number.clone())
            .or_insert_with(|| Day::new(now));
        day.turn(now);
        day.hours[0] = day.hours[0].saturating_add(times);
    }

    fn of(&mut self, now: Wall, number: &Number) -> u32 {
        self.by_number.get_mut(number).map_or(0, |day| {
            day.turn(now);
            day.sum()
        })
    }

    /// The number to show to `called`, and its place in the pool; `None` when all are used up for
    /// the day. Among those with the most leading digits in common with it, if they have at least
    /// `local_digits`, else among all, the next in turn from `turn` on.
    pub(crate) fn choose(
        &mut self,
        now: Wall,
        pool: &CallerIds,
        turn: usize,
        called: &Number,
    ) -> Option<usize> {
        let len = pool.numbers.len();
        let mut best: Option<(usize, usize)> = None;
        for step in 0..len {
            let index = (turn + step) % len;
            let number = &pool.numbers[index];
            if pool
                .daily_cap
                .is_some_and(|cap| self.of(now, number) >= cap)
            {
                continue;
            }
            let near = match usize::from(pool.local_digits) {
                0 => return Some(index),
                least => Some(in_common(number, called)).filter(|n| *n >= least),
            };
            let near = near.unwrap_or(0);
            if best.is_none_or(|(_, so_far)| near > so_far) {
                best = Some((index, near));
            }
        }
        best.map(|(index, _)| index)
    }
}

/// Leading digits that two numbers have in common.
fn in_common(a: &Number, b: &Number) -> usize {
    let (a, b) = (a.digits().bytes(), b.digits().bytes());
    a.zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &str) -> Number {
        Number::new(digits).unwrap()
    }

    fn pool(numbers: &[&str], daily_cap: Option<u32>, local_digits: u8) -> CallerIds {
        CallerIds {
            numbers: numbers.iter().map(|n| number(n)).collect(),
            daily_cap,
            local_digits,
        }
    }

    const HOUR: i64 = HOUR_MS;

    #[test]
    fn in_turn_without_more_ado() {
        let pool = pool(&["100", "200", "300"], None, 0);
        let mut shown = Shown::default();
        let called = number("3999");
        for (turn, index) in [(0, 0), (1, 1), (2, 2), (3, 0)] {
            assert_eq!(shown.choose(Wall(0), &pool, turn, &called), Some(index));
        }
        let nothing = CallerIds {
            numbers: vec![],
            ..pool
        };
        assert_eq!(shown.choose(Wall(0), &nothing, 0, &called), None);
    }

    #[test]
    fn the_nearest_number_is_shown_if_it_is_near_enough() {
        let pool = pool(&["12125550100", "13125550100", "13125550101"], None, 4);
        let mut shown = Shown::default();
        let chicago = number("13125559999");
        assert_eq!(shown.choose(Wall(0), &pool, 0, &chicago), Some(1));
        assert_eq!(
            shown.choose(Wall(0), &pool, 2, &chicago),
            Some(2),
            "in turn"
        );
        let elsewhere = number("14155559999");
        assert_eq!(shown.choose(Wall(0), &pool, 0, &elsewhere), Some(0));
        assert_eq!(shown.choose(Wall(0), &pool, 1, &elsewhere), Some(1));
    }

    #[test]
    fn a_number_rests_for_24_hours_when_it_is_used_up() {
        let pool = pool(&["100", "200"], Some(2), 0);
        let mut shown = Shown::default();
        let called = number("999");
        for (hour, index) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
            let now = Wall(hour * HOUR);
            let chosen = shown.choose(now, &pool, 0, &called).unwrap();
            assert_eq!(chosen, index, "{hour}");
            shown.count(now, &pool.numbers[chosen], 1);
        }
        assert_eq!(shown.choose(Wall(4 * HOUR), &pool, 0, &called), None);
        assert_eq!(shown.choose(Wall(24 * HOUR), &pool, 0, &called), None);
        assert_eq!(shown.choose(Wall(25 * HOUR), &pool, 0, &called), Some(0));
    }

    #[test]
    fn a_clock_set_back_forgets_nothing_and_old_numbers_are_forgotten() {
        let mut shown = Shown::default();
        shown.count(Wall(50 * HOUR), &number("100"), 3);
        shown.count(Wall(20 * HOUR), &number("100"), 1);
        assert_eq!(shown.of(Wall(20 * HOUR), &number("100")), 4);
        shown.count(Wall(90 * HOUR), &number("200"), 1);
        assert_eq!(shown.by_number.len(), 1);
    }
}
