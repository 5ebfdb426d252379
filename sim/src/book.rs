//! What is written down during a shift.

use outdial_engine::{Span, Tick};

use crate::figures::Figures;

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

    pub(crate) fn dialed(&mut self, now: Tick) {
        self.figures.dials += u64::from(now >= self.from);
    }

    /// A person answered.
    pub(crate) fn answered(&mut self, now: Tick) {
        self.figures.answers += u64::from(now >= self.from);
        self.quarter(now).0 += 1;
    }

    /// A person who answered got no agent.
    pub(crate) fn abandoned(&mut self, now: Tick) {
        self.figures.abandoned += u64::from(now >= self.from);
        self.quarter(now).1 += 1;
    }

    /// So many agents were logged in all that time, and so many of them busy.
    pub(crate) fn worked(&mut self, since: Tick, until: Tick, logged_in: u32, busy: u32) {
        let ms = (until - since.max(self.from)).0 / 1_000;
        let seconds = f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1e3;
        self.figures.logged_in += seconds * f64::from(logged_in);
        self.figures.busy += seconds * f64::from(busy);
    }

    fn quarter(&mut self, now: Tick) -> &mut (u64, u64) {
        let index = usize::try_from(now.0 / 900_000_000).unwrap_or(0);
        let quarters = &mut self.figures.quarters;
        if quarters.len() <= index {
            quarters.resize(index + 1, (0, 0));
        }
        &mut quarters[index]
    }
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
        }
        book.worked(at(500), at(610), 3, 2);
        let figures = book.close();
        assert_eq!(
            (figures.dials, figures.answers, figures.abandoned),
            (2, 2, 2)
        );
        assert_eq!(figures.quarters, [(2, 2), (1, 1)]);
        assert!((figures.logged_in - 30.0).abs() < 1e-9 && (figures.busy - 20.0).abs() < 1e-9);
    }
}
