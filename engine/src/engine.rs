//! The engine: one mutation at a time.

use std::collections::VecDeque;

use crate::command::Command;
use crate::deadline::Why;
use crate::event::Event;
use crate::snapshot::Snapshot;
use crate::time::{Now, Tick};

/// The state machine. Feed it with [`Engine::handle`] and [`Engine::handle_timeout`], then drain
/// [`Engine::poll_command`], then wait for the next event or for [`Engine::poll_timeout`].
#[derive(Debug)]
pub struct Engine {
    commands: VecDeque<Command>,
}

impl Engine {
    /// A new engine. `seed` decides everything that looks random.
    #[must_use]
    pub fn new(_seed: u64) -> Engine {
        Engine {
            commands: VecDeque::new(),
        }
    }

    /// Takes in one event.
    pub fn handle(&mut self, _now: Now, _event: Event) {}

    /// Works off every deadline that is due.
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// The next thing to do, or `None` until something happens.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Engine::handle_timeout`] must be called at the latest, and what for.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Tick, Why)> {
        None
    }

    /// The state for people.
    #[must_use]
    pub fn snapshot(&self, _now: Now) -> Snapshot {
        Snapshot::default()
    }
}
