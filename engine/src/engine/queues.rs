//! Campaigns whose agents are the members of one of the PBX's own queues.
//!
//! Who gets a call, whom it rings and when a member wraps up is the queue's business. The engine
//! knows two things: how many members there are, and whether one has taken the call within the
//! campaign's limit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::attempt::{Ending, InQueue, State};
use crate::campaign::{Campaign, Check};
use crate::command::{Command, Level};
use crate::deadline::Why;
use crate::event::QueueCounts;
use crate::ids::AttemptId;
use crate::limits;
use crate::line;
use crate::predict::seconds;
use crate::time::{Now, Span};

use super::Engine;

/// Queues that are watched, and what was said of them last.
pub(super) type Queues = BTreeMap<Arc<str>, Option<QueueCounts>>;

impl Engine {
    /// Running campaigns want to know of their queues; nobody else does.
    pub(super) fn watch_queues(&mut self) {
        let running = self.campaigns.values().filter(|c| c.is_running());
        let needed: BTreeSet<Arc<str>> = running.filter_map(|c| c.config.queue.clone()).collect();
        let known: BTreeSet<Arc<str>> = self.queues.keys().cloned().collect();
        for queue in known.difference(&needed) {
            self.queues.remove(queue);
            let queue = queue.clone();
            self.push(Command::WatchQueue { queue, on: false });
        }
        for queue in needed.difference(&known) {
            self.queues.insert(queue.clone(), None);
            let queue = queue.clone();
            self.push(Command::WatchQueue { queue, on: true });
        }
        for campaign in self.campaigns.values_mut() {
            let queue = campaign.config.queue.as_ref();
            let counts = queue.and_then(|queue| self.queues.get(queue));
            campaign.line.counts = counts.copied().flatten();
        }
    }

    /// The PBX has counted.
    pub(super) fn queue_counted(&mut self, queue: &str, counts: Option<QueueCounts>) {
        let Some(known) = self.queues.get_mut(queue) else {
            self.totals.stray += 1;
            return;
        };
        let gone = known.is_some() && counts.is_none();
        *known = counts;
        for (id, campaign) in &mut self.campaigns {
            if campaign.config.queue.as_deref() != Some(queue) {
                continue;
            }
            campaign.line.counts = counts;
            if gone && campaign.check == Check::Ready {
                // Is the queue still there? The answer names it.
                campaign.check = Check::Unknown;
            }
            self.dirty.insert(*id);
        }
    }

    /// Hands an answered call to its campaign's queue, as long as it may wait there.
    pub(super) fn enqueue(&mut self, now: Now, id: AttemptId, queue: Arc<str>) {
        let (limit, recording) = (self.wait_limit(id), self.recording_name(now, id, None));
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let Some(campaign) = attempt.campaign().and_then(|c| self.campaigns.get_mut(&c)) else {
            return;
        };
        if attempt.clock.unwrap_or(now.tick) + limit <= now.tick {
            self.give_up_on_agents(now, id);
            return;
        }
        attempt.in_queue = Some(InQueue::Waits);
        attempt.recording = recording;
        campaign.line.waiting += 1;
        let leg = attempt.leg();
        self.push(Command::Enqueue { leg, queue });
        self.arm_line(now, id);
    }

    /// A call may wait in its queue until the campaign's limit.
    pub(super) fn arm_line(&mut self, now: Now, id: AttemptId) {
        let waits = |a: &&crate::attempt::Attempt| a.in_queue == Some(InQueue::Waits);
        let Some(attempt) = self.attempts.get(&id).filter(waits) else {
            return;
        };
        let since = attempt.clock.unwrap_or(now.tick);
        self.arm(id, since + self.wait_limit(id), Why::ConnectLimit);
    }

    /// It has waited for as long as the campaign lets one wait. Only the PBX knows whether a member
    /// takes it at this very moment, so the message comes when it says that none has.
    pub(super) fn dequeue(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.in_queue = Some(InQueue::Leaves);
        let leg = attempt.leg();
        self.push(Command::Dequeue { leg });
        self.arm(id, now.tick + limits::CONNECT_TIMEOUT, Why::ConnectTimeout);
    }

    /// The PBX says neither that a member has the call nor that it is out of the queue.
    pub(super) fn stuck_in_queue(&mut self, now: Now, id: AttemptId) {
        self.log(
            Level::Warn,
            format!("attempt {id}: the PBX did not take it out of its queue; hung up"),
        );
        self.end_leg(now, id, Ending::Abandoned);
    }

    pub(super) fn taken_by_member(&mut self, now: Now, id: AttemptId) {
        if !self.is_in_line(id) {
            self.totals.stray += 1;
            return;
        }
        self.mark_bridged(now, id);
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.in_queue = Some(InQueue::Taken);
        if let Some(campaign) = attempt.campaign().and_then(|c| self.campaigns.get_mut(&c)) {
            campaign.line.taken(now.tick, id);
        }
    }

    /// The queue had nobody for it, or would not have it.
    pub(super) fn out_of_queue(&mut self, now: Now, id: AttemptId) {
        if !self.is_in_line(id) {
            self.totals.stray += 1;
            return;
        }
        self.leaves_line(id);
        self.give_up_on_agents(now, id);
    }

    fn is_in_line(&self, id: AttemptId) -> bool {
        self.attempts.get(&id).is_some_and(|a| {
            let waits = matches!(a.in_queue, Some(InQueue::Waits | InQueue::Leaves));
            waits && a.state == State::AwaitingAgent && a.ending.is_none()
        })
    }

    /// Takes an attempt out of its campaign's line, if it is in it.
    pub(super) fn leaves_line(&mut self, id: AttemptId) {
        let waits =
            |a: &&mut crate::attempt::Attempt| a.in_queue.is_some_and(|q| q != InQueue::Taken);
        let Some(attempt) = self.attempts.get_mut(&id).filter(waits) else {
            return;
        };
        attempt.in_queue = None;
        if let Some(campaign) = attempt.campaign().and_then(|c| self.campaigns.get_mut(&c)) {
            campaign.line.waiting = campaign.line.waiting.saturating_sub(1);
        }
    }

    /// Member and customer part: the one wraps up, for as long as the campaign says of its queue.
    pub(super) fn member_parts(&mut self, now: Now, id: AttemptId) {
        let campaign = self.attempts.get(&id).and_then(|a| a.campaign());
        let Some(campaign) = campaign.and_then(|c| self.campaigns.get_mut(&c)) else {
            return;
        };
        let wrap_up = Span::ms(campaign.config.wrap_up_ms);
        if let Some(talk) = campaign.line.parted(now.tick, id, wrap_up) {
            campaign.predictor.talked(seconds(talk));
            campaign.predictor.wrapped_up(seconds(wrap_up));
        }
    }

    /// Free members that this campaign may count on: those for whom nobody waits, and who are not
    /// for another campaign of this queue. One that is rung for a call of this campaign is free, and
    /// the call is in flight.
    pub(super) fn free_members(&self, campaign: &Campaign, queue: &str) -> u32 {
        let Some(counts) = campaign.line.counts else {
            return 0;
        };
        let on_queue = || {
            let all = self.campaigns.values();
            all.filter(|c| c.config.queue.as_deref() == Some(queue))
        };
        let ours: u32 = on_queue().map(|c| c.line.waiting).sum();
        let strangers = counts.callers.saturating_sub(ours);
        let free = counts.free.saturating_sub(strangers);
        if on_queue().count() == 1 {
            return free;
        }
        let others = on_queue().filter(|c| c.config.id != campaign.config.id);
        let claimed: u32 = others
            .map(|c| line::claims(c.config.mode, c.in_flight, c.line.waiting))
            .fold(0, u32::saturating_add);
        let active = || on_queue().filter(|c| c.is_active());
        let top = active().map(|c| c.config.priority).max();
        let mut equals: Vec<_> = active()
            .filter(|c| Some(c.config.priority) == top)
            .map(|c| (c.line.dialed, c.config.id))
            .collect();
        equals.sort_unstable();
        let place = equals.iter().position(|(_, id)| *id == campaign.config.id);
        let share = place.map_or(0, |place| line::share(free, equals.len(), place));
        share.min(free.saturating_sub(claimed))
    }
}
