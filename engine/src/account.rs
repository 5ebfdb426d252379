//! How many of a campaign's answered calls found no agent, over the window that the rule looks at.

use crate::config::AbandonRule;
use crate::time::Wall;

const DAY_MS: i64 = 86_400_000;
/// Days that are kept: the longest window's and the one that runs.
const DAYS: usize = 31;

/// Calls answered by a person and those of them that were abandoned, in thousandths of a call:
/// people whom AMD takes for machines are counted by their share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) answered_milli: u64,
    pub(crate) abandoned_milli: u64,
}

/// One campaign's account, by days in UTC.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The day that runs first.
    days: [Sums; DAYS],
    day: i64,
}

impl Account {
    pub(crate) fn new(now: Wall) -> Account {
        Account {
            days: [Sums::default(); DAYS],
            day: now.0.div_euclid(DAY_MS),
        }
    }

    fn turn(&mut self, now: Wall) {
        let day = now.0.div_euclid(DAY_MS);
        let passed = day.saturating_sub(self.day);
        if passed <= 0 {
            return;
        }
        let passed = usize::try_from(passed).unwrap_or(DAYS).min(DAYS);
        self.days.rotate_right(passed);
        self.days[..passed].fill(Sums::default());
        self.day = day;
    }

    /// `answered_milli` of a person's answers, of which `abandoned_milli` got no agent.
    pub(crate) fn count(&mut self, now: Wall, answered_milli: u64, abandoned_milli: u64) {
        self.turn(now);
        self.add(0, answered_milli, abandoned_milli);
    }

    /// What is known from elsewhere of the day that `at` lies in; too long ago is left out.
    pub(crate) fn count_then(&mut self, now: Wall, at: Wall, answered: u64, abandoned: u64) {
        self.turn(now);
        let ago = self.day.saturating_sub(at.0.div_euclid(DAY_MS)).max(0);
        if let Some(ago) = usize::try_from(ago).ok().filter(|ago| *ago < DAYS) {
            self.add(
                ago,
                answered.saturating_mul(1_000),
                abandoned.saturating_mul(1_000),
            );
        }
    }

    fn add(&mut self, ago: usize, answered_milli: u64, abandoned_milli: u64) {
        let day = &mut self.days[ago];
        day.answered_milli = day.answered_milli.saturating_add(answered_milli);
        day.abandoned_milli = day.abandoned_milli.saturating_add(abandoned_milli);
    }

    /// Over the rule's window: today, or the last 30 days with it.
    pub(crate) fn sums(&self, now: Wall, rule: AbandonRule) -> Sums {
        let mut account = self.clone();
        account.turn(now);
        let days = if rule.daily { 1 } else { DAYS - 1 };
        account.days[..days]
            .iter()
            .fold(Sums::default(), |all, day| Sums {
                answered_milli: all.answered_milli.saturating_add(day.answered_milli),
                abandoned_milli: all.abandoned_milli.saturating_add(day.abandoned_milli),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: AbandonRule = AbandonRule {
        limit_milli: 30,
        daily: false,
    };
    const DAILY: AbandonRule = AbandonRule {
        daily: true,
        ..MONTH
    };

    fn day(n: i64) -> Wall {
        Wall(n * DAY_MS + 1)
    }

    fn calls(account: &Account, now: Wall, rule: AbandonRule) -> (u64, u64) {
        let sums = account.sums(now, rule);
        (sums.answered_milli / 1_000, sums.abandoned_milli / 1_000)
    }

    #[test]
    fn each_rule_looks_at_its_own_window() {
        let mut account = Account::new(day(100));
        account.count(day(100), 10_000, 1_000);
        account.count(day(120), 5_000, 2_000);
        assert_eq!(calls(&account, day(120), DAILY), (5, 2));
        assert_eq!(calls(&account, day(120), MONTH), (15, 3));
        assert_eq!(calls(&account, day(129), MONTH), (15, 3));
        assert_eq!(calls(&account, day(130), MONTH), (5, 2), "30 days later");
        assert_eq!(calls(&account, day(121), DAILY), (0, 0));
    }

    #[test]
    fn what_was_before_the_start_is_put_on_its_own_day() {
        let mut account = Account::new(day(100));
        account.count_then(day(100), day(99), 7, 1);
        account.count_then(day(100), day(10), 500, 500);
        assert_eq!(calls(&account, day(100), MONTH), (7, 1));
        assert_eq!(calls(&account, day(100), DAILY), (0, 0));
    }

    #[test]
    fn a_clock_set_back_loses_nothing() {
        let mut account = Account::new(day(100));
        account.count(day(98), 3_000, 0);
        assert_eq!(calls(&account, day(100), DAILY), (3, 0));
    }
}
