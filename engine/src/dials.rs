//! A campaign's dials of which it is not known whether a person answers.

use std::collections::BTreeMap;

use crate::attempt::State;
use crate::ids::AttemptId;
use crate::limits::TELLING_APART;
use crate::predict::{Phase, Stage, seconds};
use crate::time::Tick;

/// By their start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dials {
    all: BTreeMap<(Tick, AttemptId), Dial>,
}

/// How far one has come, before it was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dial {
    phase: Phase,
    since: Tick,
    answered: Option<Tick>,
    /// We end it, because its answer would find no agent.
    ending: bool,
}

impl Dials {
    /// A dial that nothing has been heard of.
    pub(crate) fn insert(&mut self, dial: (Tick, AttemptId)) {
        let new = Dial {
            phase: Phase::Calling,
            since: dial.0,
            answered: None,
            ending: false,
        };
        self.all.entry(dial).or_insert(new);
    }

    pub(crate) fn remove(&mut self, dial: &(Tick, AttemptId)) -> Option<Dial> {
        self.all.remove(dial)
    }

    /// The one at this place in [`Dials::stages`].
    pub(crate) fn at(&self, place: usize) -> Option<(Tick, AttemptId)> {
        self.all.keys().nth(place).copied()
    }

    pub(crate) fn get_mut(&mut self, dial: &(Tick, AttemptId)) -> Option<&mut Dial> {
        self.all.get_mut(dial)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Tick, AttemptId)> {
        self.all.keys()
    }

    /// What a prediction looks at.
    pub(crate) fn stages(&self, now: Tick) -> impl Iterator<Item = Stage> {
        self.all.values().map(move |dial| dial.stage(now))
    }
}

impl Dial {
    /// We end it now.
    pub(crate) fn end(&mut self) {
        self.ending = true;
    }

    /// We ended it: what it would have come to is not known.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending
    }

    /// How far it has come by now.
    pub(crate) fn stage(&self, now: Tick) -> Stage {
        let answered = self.answered.map(|at| now - at);
        Stage {
            phase: self.phase,
            age: seconds(self.answered.unwrap_or(now) - self.since),
            open: answered.is_none() && !self.ending,
            classifying: answered.filter(|for_| *for_ >= TELLING_APART).map(seconds),
        }
    }

    /// The attempt has come to this state; gives the phase that it left, if it is another.
    pub(crate) fn comes_to(&mut self, state: State, now: Tick) -> Option<(Stage, Phase)> {
        let phase = match state {
            State::Ringing => Phase::Ringing,
            State::EarlyMedia => Phase::EarlyMedia,
            State::Classifying => {
                self.answered = Some(now);
                return None;
            }
            State::Queued
            | State::Originating
            | State::Proceeding
            | State::AwaitingAgent
            | State::ConnectingAgent
            | State::Bridged
            | State::PlayingMessage
            | State::WrapUp
            | State::Final(_) => Phase::Calling,
        };
        if phase == self.phase {
            return None;
        }
        let left = self.stage(now);
        self.phase = phase;
        self.since = now;
        Some((left, phase))
    }
}
