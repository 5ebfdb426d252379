//! What came of a shift.

/// The seconds of a quarter of an hour.
pub(crate) const QUARTER_SECONDS: u32 = 900;

/// One quarter of an hour; times in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quarter {
    /// Dials that a person answered.
    pub answers: u64,
    /// Of these, those that got no agent in time.
    pub abandoned: u64,
    /// Agents' time logged in.
    pub logged_in: f64,
    /// Agents' time in talk and wrap-up.
    pub busy: f64,
}

impl Quarter {
    /// Talk and wrap-up, as a share of the time logged in.
    #[must_use]
    pub fn talk_share(&self) -> f64 {
        share(self.busy, self.logged_in)
    }

    /// Abandoned calls among those that a person answered.
    #[must_use]
    pub fn abandon_rate(&self) -> f64 {
        share(real(self.abandoned), real(self.answers))
    }
}

/// Counts and times, warm-up left out; times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Dials that reached the carrier.
    pub dials: u64,
    /// Dials that a person answered.
    pub answers: u64,
    /// Of these, those that got no agent in time.
    pub abandoned: u64,
    /// Of the answers, those that got an agent.
    pub connected: u64,
    /// Agents' time logged in.
    pub logged_in: f64,
    /// Agents' time in talk and wrap-up.
    pub busy: f64,
    /// Each quarter of an hour, the warm-up's too.
    pub quarters: Vec<Quarter>,
}

impl Figures {
    /// Talk and wrap-up, as a share of the time logged in.
    #[must_use]
    pub fn talk_share(&self) -> f64 {
        share(self.busy, self.logged_in)
    }

    /// Abandoned calls among those that a person answered.
    #[must_use]
    pub fn abandon_rate(&self) -> f64 {
        share(real(self.abandoned), real(self.answers))
    }

    /// Half of the abandon rate's 95% confidence interval (Wald).
    #[must_use]
    pub fn abandon_error(&self) -> f64 {
        let rate = self.abandon_rate();
        1.96 * share(rate * (1.0 - rate), real(self.answers)).sqrt()
    }

    /// The worst abandon rate of a quarter of an hour from this second on.
    #[must_use]
    pub fn worst_quarter(&self, from_seconds: u32) -> f64 {
        let from = usize::try_from(from_seconds / QUARTER_SECONDS).unwrap_or(usize::MAX);
        let quarters = self.quarters.iter().skip(from);
        quarters.map(Quarter::abandon_rate).fold(0.0, f64::max)
    }

    /// The abandon rate of one quarter of an hour.
    #[must_use]
    pub fn quarter_rate(&self, quarter: usize) -> f64 {
        self.quarters
            .get(quarter)
            .map_or(0.0, Quarter::abandon_rate)
    }

    /// Seconds that an agent waits for each call.
    #[must_use]
    pub fn waiting(&self) -> f64 {
        share(self.logged_in - self.busy, real(self.connected))
    }

    /// So many of `count` in an hour.
    #[must_use]
    pub fn hourly(count: u64, hours: f64) -> f64 {
        share(real(count), hours)
    }

    /// Puts another shift's figures with these.
    pub fn add(&mut self, other: &Figures) {
        self.dials += other.dials;
        self.answers += other.answers;
        self.abandoned += other.abandoned;
        self.connected += other.connected;
        self.logged_in += other.logged_in;
        self.busy += other.busy;
        let most = self.quarters.len().max(other.quarters.len());
        self.quarters.resize(most, Quarter::default());
        for (sum, quarter) in self.quarters.iter_mut().zip(&other.quarters) {
            sum.answers += quarter.answers;
            sum.abandoned += quarter.abandoned;
            sum.logged_in += quarter.logged_in;
            sum.busy += quarter.busy;
        }
    }
}

fn real(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
