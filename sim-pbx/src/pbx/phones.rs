//! Agents' phones, which the engine has rung: picked up after a while, or not.

use std::time::Duration;

use super::agents::Session;
use super::{Happening, Id, State};
use crate::limits;

impl State {
    /// Rings a phone; false: no such ring can be, nothing follows.
    pub fn ring(&mut self, session: &str, timeout: Duration) -> bool {
        if session.is_empty() || self.sessions.contains_key(session) {
            return false;
        }
        let id: Id = session.into();
        self.sessions.insert(id.clone(), Session::of_phone());
        self.counts.rung += 1;
        if self.chance.happens(self.phones_missed) {
            self.plan(timeout, Happening::Gone(id, 0));
        } else {
            let shortest = limits::PHONE_PICKED_UP.0.as_secs_f64();
            let spread = limits::PHONE_PICKED_UP.1.as_secs_f64() - shortest;
            let after = (shortest + self.chance.share() * spread) / self.speed;
            self.plan(Duration::from_secs_f64(after), Happening::Waiting(id));
        }
        true
    }
}
