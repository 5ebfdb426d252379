//! What is told to the engine and written down, once the lock is given up.

use std::collections::BTreeMap;
use std::ffi::CString;

use crate::call_log::Seen;
use crate::library::Event;
use crate::pbx::Id;

/// One event on its way.
pub enum Post {
    /// Never lost.
    Plain(Event),
    /// May be lost, doubled or late, where the command line says so.
    Told(Event),
    /// A leg's end; then it is forgotten.
    Ended(Id, Event),
    /// A log-in; the answer counts.
    Entered(Id, Event),
    /// A session's end; then it is forgotten.
    Gone(Id, Event),
}

/// What one batch of happenings gave.
#[derive(Default)]
pub struct Out {
    /// The engine's heartbeat is too old: nothing is dialed.
    pub stale: bool,
    /// In order.
    pub posts: Vec<Post>,
    /// Lines of the call log: leg, number, what was seen.
    pub lines: Vec<(Id, Box<str>, Seen)>,
}

impl Out {
    /// An ordinary event.
    pub fn tell(&mut self, event: Event) {
        self.posts.push(Post::Told(event));
    }
}

/// Counters since the start.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Calls that left the PBX.
    pub dialed: u64,
    /// Of them answered.
    pub answered: u64,
    /// Of them with an agent.
    pub bridged: u64,
    /// Agents' phones rung.
    pub rung: u64,
    /// Agents cut off.
    pub killed: u64,
    /// Events that were lost, doubled or late on purpose.
    pub troubled: u64,
    /// Events that the engine did not take, by its answer.
    pub refused: BTreeMap<i32, u64>,
    /// Calls that are over, by how.
    pub ends: BTreeMap<String, u64>,
}

impl Counts {
    /// A call is over.
    pub fn ended(&mut self, sip: i32, how: &str) {
        let how = match sip {
            0 => how.to_owned(),
            486 => "busy".into(),
            404 => "invalid".into(),
            603 => "declined".into(),
            503 => "congested".into(),
            487 => "cancelled".into(),
            other => other.to_string(),
        };
        *self.ends.entry(how).or_default() += 1;
    }
}

/// An event of that kind about a leg or session.
pub fn event(kind: u32, id: &str) -> Event {
    Event {
        kind,
        id: text(id),
        ..Event::default()
    }
}

/// A text for C. Ids come from the engine's own texts and names from the command line: neither
/// has a zero byte, and one that had would be unknown.
pub fn text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}
