//! A campaign's calls in one of the PBX's own queues, whose members are its agents.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::config::{self, ConfigError, Mode};
use crate::event::QueueCounts;
use crate::ids::AttemptId;
use crate::time::{Span, Tick};

/// What a campaign with a queue keeps. Empty for all others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// What the PBX said last of the queue; `None`: nothing is known, so nothing is dialed.
    pub(crate) counts: Option<QueueCounts>,
    /// Calls that wait there for a member.
    pub(crate) waiting: u32,
    /// When it dialed last: of campaigns that share a queue the next member is for who has waited
    /// longest.
    pub(crate) dialed: Tick,
    /// Calls that a member has taken, and since when.
    talks: BTreeMap<AttemptId, Tick>,
    /// Members who have just hung up, by the end of their calls.
    wrap_ups: VecDeque<Tick>,
}

impl Line {
    /// What was said of another queue says nothing of this one.
    pub(crate) fn configure(&mut self, old: &Option<Arc<str>>, new: &Option<Arc<str>>) {
        if old != new {
            self.counts = None;
        }
    }

    /// A member has taken a call.
    pub(crate) fn taken(&mut self, now: Tick, id: AttemptId) {
        self.talks.insert(id, now);
    }

    /// Member and customer part; gives how long they have talked. `None`: they did not, or have
    /// parted before.
    pub(crate) fn parted(&mut self, now: Tick, id: AttemptId, wrap_up: Span) -> Option<Span> {
        let since = self.talks.remove(&id)?;
        while self.wrap_ups.front().is_some_and(|at| *at + wrap_up <= now) {
            self.wrap_ups.pop_front();
        }
        self.wrap_ups.push_back(now);
        Some(now - since)
    }

    /// Since when members talk.
    pub(crate) fn talks(&self) -> impl Iterator<Item = Tick> {
        self.talks.values().copied()
    }

    /// Since when members wrap up.
    pub(crate) fn wrap_ups(&self, now: Tick, wrap_up: Span) -> impl Iterator<Item = Tick> {
        let still = move |at: &Tick| *at + wrap_up > now;
        self.wrap_ups.iter().copied().filter(still)
    }
}

/// Whether a campaign of this mode can have this queue.
///
/// # Errors
/// What is wrong, and what is allowed.
pub(crate) fn check(queue: &str, mode: Mode) -> Result<(), ConfigError> {
    // FreeSWITCH's mod_callcenter calls its queues support@default.
    config::marked_name("queue", queue, "_-./@")?;
    let problem = match mode {
        Mode::Progressive | Mode::Power { .. } | Mode::Predictive { .. } => return Ok(()),
        Mode::Preview { .. } => "does not go with mode preview: a member of a queue sees no leads",
        Mode::Agentless => "does not go with mode agentless, whose calls need no agent",
    };
    let allowed = "mode progressive, power or predictive; or no queue";
    Err(ConfigError::new("queue", problem, allowed))
}

/// Members that another campaign on the same queue can count on having, whatever happens: of the
/// calls that are under way those that the mode dialed for a member of its own. What a predictive
/// campaign dials is weighed against its share of the members; who waits in the queue is sure.
pub(crate) fn claims(mode: Mode, in_flight: u32, waiting: u32) -> u32 {
    match mode {
        Mode::Progressive => in_flight,
        Mode::Power { ratio_milli } => {
            let members = u64::from(in_flight).saturating_mul(1_000);
            let members = members.div_ceil(u64::from(ratio_milli.max(1_000)));
            u32::try_from(members).unwrap_or(u32::MAX).max(waiting)
        }
        Mode::Predictive { .. } => waiting,
        Mode::Preview { .. } | Mode::Agentless => 0,
    }
}

/// The share of the one at this place among `equals` campaigns.
pub(crate) fn share(members: u32, equals: usize, place: usize) -> u32 {
    let Some(equals) = u32::try_from(equals).ok().filter(|n| *n > 0) else {
        return 0;
    };
    let rest = usize::try_from(members % equals).unwrap_or(usize::MAX);
    members / equals + u32::from(place < rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pacing::times;

    #[test]
    fn shares_add_up() {
        for (members, equals) in [(0, 2), (1, 2), (5, 3), (7, 7), (9, 1)] {
            let sum: u32 = (0..equals).map(|n| share(members, equals, n)).sum();
            assert_eq!(sum, members);
        }
        assert_eq!(share(3, 0, 0), 0);
    }

    #[test]
    fn what_a_mode_dialed_claims_the_members_it_was_dialed_for() {
        let power = Mode::Power { ratio_milli: 2_500 };
        assert_eq!(claims(Mode::Progressive, 3, 1), 3);
        assert_eq!(claims(power, times(2, 2_500), 0), 2);
        assert_eq!(claims(power, 6, 5), 5);
        let predictive = Mode::Predictive {
            max_ratio_milli: None,
        };
        assert_eq!(claims(predictive, 20, 2), 2);
    }
}
