//! What is written down during a shift.

use outdial_engine::{Span, Tick};

use crate::figures::{Figures, QUARTER_SECONDS, Quarter};

const QUARTER: Span = Span::seconds(QUARTER_SECONDS);

/// Keeps the figures: what happens in the warm-up goes into its quarter of an hour only.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    figures: Figures,
    from: Tick,
}

impl Book {
    /// The first `warm_up` seconds are left out.
    pub(crate) fn new(warm_up: u32) -> Book {
        Book {
            figures: Figures::default(),
            from: Tick(0) + Span::seconds(warm_up),
        }
    }

    pub(crate) fn close(self) -> Figures {
        self.figures
    }

    /// Whether the warm-up is over.
    pub(crate) fn counts(&self, now: Tick) -> bool {
        now >= self.from
    }

    pub(crate) fn dialed(&mut self, now: Tick) {
        self.figures.dials += u64::from(now >= self.from);
    }

    /// A person answered.
    pub(crate) fn answered(&mut self, now: Tick) {
        self.figures.answers += u64::from(now >= self.from);
        self.quarter(now).answers += 1;
    }

    /// A person who answered got no agent, or too late.
    pub(crate) fn abandoned(&mut self, now: Tick) {
        self.figures.abandoned += u64::from(now >= self.from);
        self.quarter(now).abandoned += 1;
    }

    /// A person who answered got an agent.
    pub(crate) fn connected(&mut self, now: Tick) {
        self.figures.connected += u64::from(now >= self.from);
    }

    /// So many agents were logged in all that time, and so many of them busy.
    pub(crate) fn worked(&mut self, since: Tick, until: Tick, logged_in: u32, busy: u32) {
        let (agents, busy) = (f64::from(logged_in), f64::from(busy));
        let counted = seconds(until - since.max(self.from));
        self.figures.logged_in += counted * agents;
        self.figures.busy += counted * busy;
        let mut since = since;
        while since < until {
            let next = Tick((since.0 / QUARTER.0 + 1) * QUARTER.0).min(until);
            let part = seconds(next - since);
            let quarter = self.quarter(since);
            quarter.logged_in += part * agents;
            quarter.busy += part * busy;
            since = next;
        }
    }

    fn quarter(&mut self, now: Tick) -> &mut Quarter {
        let index = usize::try_from(now.0 / QUARTER.0).unwrap_or(0);
        let quarters = &mut self.figures.quarters;
        if quarters.len() <= index {
            quarters.resize(index + 1, Quarter::default());
        }
        &mut quarters[index]
    }
}

/// To the millisecond.
fn seconds(span: Span) -> f64 {
    f64::from(u32::try_from(span.as_ms()).unwrap_or(u32::MAX)) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_counts_in_its_quarter_only() {
        let at = |seconds| Tick(0) + Span::seconds(seconds);
        let mut book = Book::new(600);
        for seconds in [599, 600, 900] {
            book.dialed(at(seconds));
            book.answered(at(seconds));
            book.abandoned(at(seconds));
            book.connected(at(seconds));
        }
        book.worked(at(500), at(610), 3, 2);
        let figures = book.close();
        assert_eq!((figures.dials, figures.answers), (2, 2));
        assert_eq!((figures.abandoned, figures.connected), (2, 2));
        let quarters = figures.quarters.iter().map(|q| (q.answers, q.abandoned));
        assert_eq!(quarters.collect::<Vec<_>>(), [(2, 2), (1, 1)]);
        assert!((figures.logged_in - 30.0).abs() < 1e-9 && (figures.busy - 20.0).abs() < 1e-9);
    }
    #[test]
    fn time_is_booked_in_the_quarters_it_was_worked_in() {
        let at = |seconds| Tick(0) + Span::seconds(seconds);
        let mut book = Book::new(0);
        book.worked(at(800), at(1_900), 2, 0);
        book.worked(at(890), at(910), 0, 1);
        let figures = book.close();
        let quarters = figures.quarters.iter().map(|q| (q.logged_in, q.busy));
        assert_eq!(
            quarters.collect::<Vec<_>>(),
            [(200.0, 10.0), (1_800.0, 10.0), (200.0, 0.0)]
        );
        assert!((figures.quarters[0].talk_share() - 0.05).abs() < 1e-9);
    }
}
