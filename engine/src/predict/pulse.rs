//! The fast correction: do answers come more or less often than the life table says just now?

/// So many expected answers are remembered, at least.
const MEMORY_ANSWERS: f64 = 40.0;
/// Or those of so many seconds.
const MEMORY_SECONDS: f64 = 45.0;
/// Answers that the table is believed for.
const TRUST: f64 = 40.0;
/// The same, when what was seen contradicts it.
const TRUST_SHAKEN: f64 = 5.0;
/// So many standard deviations are a contradiction.
const CONTRADICTION: f64 = 3.0;
/// The correction's bounds.
const LEAST: f64 = 0.2;
const MOST: f64 = 5.0;

/// The residual of a counting process (Andersen, Borgan, Gill, Keiding, "Statistical Models Based
/// on Counting Processes", II.4): answers seen against answers that the hazards of the dials in
/// flight lead one to expect. Not biased by bursts of dialing, as a rate of answers per dial would
/// be.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse {
    expected: f64,
    seen: f64,
    /// Answers expected per second of late.
    rate: f64,
}

impl Pulse {
    /// In the last `seconds`, more than none, so many answers were due and so many came.
    pub(super) fn pass(&mut self, expected: f64, seen: f64, seconds: f64) {
        let expected = expected.max(0.0);
        let forget = libm::exp(-seconds / MEMORY_SECONDS);
        self.rate = self.rate * forget + expected / seconds * (1.0 - forget);
        let memory = MEMORY_ANSWERS.max(MEMORY_SECONDS * self.rate);
        let keep = libm::exp(-expected / memory);
        self.expected = self.expected * keep + expected;
        self.seen = self.seen * keep + seen;
    }

    /// How many times as often as expected.
    pub(super) fn factor(&self) -> f64 {
        let off = (self.seen - self.expected).abs();
        let shaken = off > CONTRADICTION * libm::sqrt(self.expected);
        let trust = if shaken { TRUST_SHAKEN } else { TRUST };
        ((self.seen + trust) / (self.expected + trust)).clamp(LEAST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute of one expected answer per second, and `seen` for each ten of them.
    fn minute(seen: u32) -> Pulse {
        let mut pulse = Pulse::default();
        for second in 0..60 {
            let came = seen * (second + 1) / 10 - seen * second / 10;
            pulse.pass(1.0, f64::from(came), 1.0);
        }
        pulse
    }

    #[test]
    fn as_expected_changes_nothing() {
        assert!((Pulse::default().factor() - 1.0).abs() < 1e-12);
        assert!((minute(10).factor() - 1.0).abs() < 0.03);
    }

    #[test]
    fn a_doubled_answer_rate_is_seen_within_a_minute() {
        let factor = minute(20).factor();
        assert!(factor > 1.7, "{factor}");
        let factor = minute(2).factor();
        assert!(factor < 0.5, "{factor}");
    }
}
