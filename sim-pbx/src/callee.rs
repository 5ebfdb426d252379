//! What becomes of one call, drawn when it is dialed.

use std::time::Duration;

use outdial_engine::Span;
use outdial_sim::{BadSpread, Dice, Fate, World};

use crate::options::Options;

/// How a call ends that nobody answers, by the final SIP status.
pub type Sip = i32;

const BUSY: Sip = 486;
const INVALID: Sip = 404;
/// The carrier has no room, or can't place a call.
pub const CONGESTED: Sip = 503;
const REFUSED: Sip = 603;

/// What will become of one call, if nobody hangs up before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The model's word.
    pub fate: Fate,
    /// With [`Fate::Fails`]: how.
    pub sip: Sip,
    /// How long callee and agent talk.
    pub talk: Span,
    /// AMD tells a person from a machine.
    pub told: bool,
}

/// All callees.
pub struct Callees {
    world: World,
    seed: u64,
    failures: [(f64, Sip); 4],
    amd: f64,
    speed: f64,
}

impl Callees {
    /// Callees as the command line has them.
    ///
    /// # Errors
    /// The figures make no world.
    pub fn new(options: &Options) -> anyhow::Result<Callees> {
        let world = options.world()?;
        let [busy, invalid, congested, refused] = options.failures();
        let callees = Callees {
            world,
            seed: options.seed,
            failures: [
                (busy, BUSY),
                (invalid, INVALID),
                (congested, CONGESTED),
                (refused, REFUSED),
            ],
            amd: options.amd,
            speed: options.speed,
        };
        callees
            .plan("0", 0)
            .map_err(|BadSpread| anyhow::anyhow!("ring and talk seconds make no distribution"))?;
        Ok(callees)
    }

    /// What becomes of the call to `number` that is its `nth`, from 0. The same every time.
    ///
    /// # Errors
    /// The world is none; [`Callees::new`] has looked.
    pub fn plan(&self, number: &str, nth: u32) -> Result<Plan, BadSpread> {
        let mut dice = Dice::new(&self.world, seed(self.seed, number, nth))?;
        Ok(Plan {
            fate: dice.fate(),
            sip: self.failure(dice.chance.share()),
            talk: dice.talk(),
            told: dice.chance.happens(self.amd),
        })
    }

    /// AMD runs at all.
    pub fn has_amd(&self) -> bool {
        self.amd > 0.0
    }

    /// AMD needs so long to tell a machine.
    pub fn amd(&self) -> Duration {
        self.quick(Duration::from_secs_f64(self.world.amd))
    }

    /// A span of the model, in real time.
    pub fn real(&self, span: Span) -> Duration {
        self.quick(Duration::from_micros(span.0))
    }

    /// A duration of callee or agent, at this speed.
    pub fn quick(&self, duration: Duration) -> Duration {
        Duration::from_secs_f64(duration.as_secs_f64() / self.speed)
    }

    fn failure(&self, share: f64) -> Sip {
        let all: f64 = self.failures.iter().map(|(rate, _)| rate).sum();
        let mut left = share * all;
        for (rate, sip) in self.failures {
            if left < rate {
                return sip;
            }
            left -= rate;
        }
        BUSY
    }
}

/// FNV-1a, so that the same number means the same call on every machine.
fn seed(seed: u64, number: &str, nth: u32) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let bytes = seed.to_le_bytes().into_iter().chain(number.bytes());
    for byte in bytes.chain(nth.to_le_bytes()) {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::collections::BTreeMap;

    fn callees(words: &[&str]) -> Callees {
        let words = ["sim", "--journal", "/tmp/j"].iter().chain(words);
        Callees::new(&Options::try_parse_from(words).unwrap()).unwrap()
    }

    #[test]
    fn the_same_number_meets_the_same_callee_and_another_seed_another() {
        let plans = |seed: &str| -> Vec<Plan> {
            let callees = callees(&["--seed", seed]);
            (0..20)
                .map(|nth| callees.plan("5511900000001", nth).unwrap())
                .collect()
        };
        assert_eq!(plans("1"), plans("1"));
        assert_ne!(plans("1"), plans("2"));
    }

    #[test]
    fn calls_end_in_the_shares_asked_for() {
        let callees = callees(&["--amd", "0.9"]);
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        let calls = 40_000;
        for n in 0..calls {
            let plan = callees.plan(&format!("55119{n:08}"), 0).unwrap();
            let what = match (plan.fate, plan.sip) {
                (Fate::Person(..), _) => "person",
                (Fate::Machine(..), _) => "machine",
                (Fate::Rings(_), _) => "rings",
                (Fate::Fails(_), BUSY) => "busy",
                (Fate::Fails(_), INVALID) => "invalid",
                (Fate::Fails(_), CONGESTED) => "congested",
                (Fate::Fails(_), _) => "refused",
            };
            *counts.entry(what).or_default() += 1.0 / f64::from(calls);
            if plan.told {
                *counts.entry("told").or_default() += 1.0 / f64::from(calls);
            }
        }
        for (what, share) in [
            ("person", 0.25),
            ("machine", 0.2),
            ("busy", 0.08),
            ("invalid", 0.05),
            ("congested", 0.01),
            ("refused", 0.01),
            ("rings", 0.4),
            ("told", 0.9),
        ] {
            assert!((counts[what] - share).abs() < 0.01, "{what}: {counts:?}");
        }
    }

    #[test]
    fn speed_divides_what_callees_take() {
        let slow = callees(&[]);
        let fast = callees(&["--speed", "10"]);
        assert_eq!(slow.real(Span::seconds(20)), Duration::from_secs(20));
        assert_eq!(fast.real(Span::seconds(20)), Duration::from_secs(2));
    }
}
