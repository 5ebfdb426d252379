//! How callees and agents behave.

use crate::chance::{BadSpread, Chance, Spread};
use outdial_engine::Span;

/// From a time on, some things are different.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Seconds since the shift began.
    pub at_seconds: u32,
    /// Share of the dials that a person answers.
    pub answers: f64,
    /// Mean talk time in seconds.
    pub talk: f64,
    /// Agents at work; the others leave when their call is over.
    pub agents: u32,
    /// Ringing up to an answer takes so many times as long as in the [`World`].
    pub ring: f64,
}

/// What the carrier tells of a phone that rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tells {
    /// That it rings (SIP 180).
    #[default]
    Ringing,
    /// That it hears something (SIP 183).
    EarlyMedia,
    /// Nothing.
    Nothing,
}

/// Callees and agents: durations in seconds; `cv` is the standard deviation divided by the
/// mean.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// From dialing to ringing, lognormal: mean and cv.
    pub set_up: (f64, f64),
    /// From ringing to an answer, gamma: mean and shape.
    pub ring: (f64, f64),
    /// Of the dials that no person answers: those that fail at once, and those that a machine
    /// answers. The rest rings on.
    pub not_answered: (f64, f64),
    /// AMD needs so long to tell a machine.
    pub amd: f64,
    /// AMD needs so long to tell a person, lognormal: mean and cv. `None`: no time.
    pub amd_person: Option<(f64, f64)>,
    /// What the carrier tells of a phone that rings.
    pub tells: Tells,
    /// Spread of the talk time, lognormal: cv.
    pub talk_cv: f64,
    /// Wrap-up time, lognormal: mean and cv. A mean of 0: there is none.
    pub wrap_up: (f64, f64),
    /// What changes, the first at 0.
    pub changes: Vec<Change>,
}

impl World {
    /// The benchmark's world, which stays as it is.
    #[must_use]
    pub fn steady(agents: u32, answers: f64) -> World {
        World {
            set_up: (2.5, 0.5),
            ring: (9.0, 2.2),
            not_answered: (0.15, 0.45),
            amd: 3.0,
            amd_person: None,
            tells: Tells::Ringing,
            talk_cv: 1.0,
            wrap_up: (20.0, 0.6),
            changes: vec![Change {
                at_seconds: 0,
                answers,
                talk: 120.0,
                agents,
                ring: 1.0,
            }],
        }
    }

    /// The most agents that are ever at work.
    #[must_use]
    pub fn agents(&self) -> u32 {
        self.changes.iter().map(|c| c.agents).max().unwrap_or(0)
    }
}

/// What will become of one dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Fails after this long.
    Fails(Span),
    /// Rings after the first span, and nobody answers.
    Rings(Span),
    /// Rings, then a person answers.
    Person(Span, Span),
    /// Rings, then a machine answers.
    Machine(Span, Span),
}

/// A world with its dice.
#[derive(Clone, Debug)]
pub struct Dice {
    /// What the dice are thrown with.
    pub chance: Chance,
    set_up: Spread,
    ring: Spread,
    ring_usual: (f64, f64),
    amd_person: Option<Spread>,
    wrap_up: Spread,
    talk: Spread,
    not_answered: (f64, f64),
    talk_cv: f64,
    answers: f64,
}

impl Dice {
    /// Dice for the world as it is at first.
    ///
    /// # Errors
    /// A mean, spread or shape is none.
    pub fn new(world: &World, seed: u64) -> Result<Dice, BadSpread> {
        let mut dice = Dice {
            chance: Chance::new(seed),
            set_up: Spread::log_normal(world.set_up.0, world.set_up.1)?,
            ring: Spread::gamma(world.ring.0, world.ring.1)?,
            ring_usual: world.ring,
            amd_person: match world.amd_person {
                Some((mean, cv)) => Some(Spread::log_normal(mean, cv)?),
                None => None,
            },
            wrap_up: if world.wrap_up.0 == 0.0 {
                Spread::Zero
            } else {
                Spread::log_normal(world.wrap_up.0, world.wrap_up.1)?
            },
            talk: Spread::log_normal(120.0, world.talk_cv)?,
            not_answered: world.not_answered,
            talk_cv: world.talk_cv,
            answers: 0.0,
        };
        if let Some(first) = world.changes.first() {
            dice.change(first)?;
        }
        Ok(dice)
    }

    pub(crate) fn change(&mut self, change: &Change) -> Result<(), BadSpread> {
        self.talk = Spread::log_normal(change.talk, self.talk_cv)?;
        let (mean, shape) = self.ring_usual;
        self.ring = Spread::gamma(mean * change.ring, shape)?;
        self.answers = change.answers;
        Ok(())
    }

    /// What becomes of a dial.
    pub fn fate(&mut self) -> Fate {
        let set_up = self.chance.span(&self.set_up);
        let ring = self.chance.span(&self.ring);
        if self.chance.happens(self.answers) {
            return Fate::Person(set_up, ring);
        }
        let share = self.chance.share();
        let (fails, machine) = self.not_answered;
        if share < fails {
            Fate::Fails(set_up)
        } else if share < fails + machine {
            Fate::Machine(set_up, ring)
        } else {
            Fate::Rings(set_up)
        }
    }

    /// AMD needs so long to tell that this is a person.
    pub(crate) fn amd_person(&mut self) -> Option<Span> {
        let spread = self.amd_person.as_ref()?;
        Some(self.chance.span(spread))
    }

    /// How long a person talks.
    pub fn talk(&mut self) -> Span {
        self.chance.span(&self.talk)
    }

    pub(crate) fn wrap_up(&mut self) -> Span {
        self.chance.span(&self.wrap_up)
    }
}
