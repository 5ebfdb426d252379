//! Calls in the PBX's queues: each that goes in comes out once, in time, and nothing else is done to
//! it meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use outdial_engine::attempt::Outcome;
use outdial_engine::{
    AttemptId, AttemptResult, CampaignId, Command, Event, LegEvent, LegId, Now, QueueCounts,
    Record, Span, Tick,
};

use super::{Oracle, Verdict};

/// The host says within this time whether a member has the call; then it is hung up.
const WORD: Span = Span::seconds(2);

/// A call that waits.
#[derive(Clone, Debug)]
struct Waits {
    queue: Arc<str>,
    campaign: CampaignId,
    answered: Tick,
    /// Its clock began here at the latest.
    clock: Tick,
    limit: Span,
    taken_out: Option<Tick>,
}

/// How a wait was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Member,
    Unqueued,
    HungUp,
}

/// Calls in queues, and what the engine was told of these.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    counts: BTreeMap<Arc<str>, Option<QueueCounts>>,
    answered: BTreeMap<AttemptId, Tick>,
    waits: BTreeMap<LegId, Waits>,
    ends: BTreeMap<LegId, End>,
}

impl Lines {
    /// The engine is about to be told this. Gives for how many calls without an agent it excuses.
    pub(super) fn told(&mut self, now: Now, event: &Event) -> u64 {
        match event {
            Event::Queue { queue, counts } => self.counted(queue, *counts),
            Event::Leg { leg, what } => self.leg(now, *leg, what),
            Event::Session { .. }
            | Event::Agent { .. }
            | Event::Manual { .. }
            | Event::Inbound { .. }
            | Event::Probed { .. }
            | Event::Reconcile { .. }
            | Event::Config(_)
            | Event::Leases { .. }
            | Event::Renewed { .. }
            | Event::Revoke(_)
            | Event::DoNotCall(_)
            | Event::Link(_)
            | Event::JournalWritable(_)
            | Event::Drain(_)
            | Event::Check { .. }
            | Event::TestCall { .. }
            | Event::Dispose { .. }
            | Event::Refused { .. } => 0,
        }
    }

    /// Members who go, and strangers who come, leave calls behind that were dialed for somebody.
    fn counted(&mut self, queue: &Arc<str>, counts: Option<QueueCounts>) -> u64 {
        let ours = self.waiting_in(queue, |_| true);
        let Some(known) = self.counts.get_mut(queue) else {
            return 0;
        };
        let (old, new) = (known.unwrap_or_default(), counts.unwrap_or_default());
        *known = counts;
        let strangers = new.callers.saturating_sub(ours);
        u64::from(old.members.saturating_sub(new.members) + strangers)
    }

    fn leg(&mut self, now: Now, leg: LegId, what: &LegEvent) -> u64 {
        match what {
            LegEvent::Answered | LegEvent::Ready { .. } => {
                self.answered.entry(leg.attempt).or_insert(now.tick);
                0
            }
            LegEvent::GreetingBegan | LegEvent::GreetingEnded { .. } => {
                if let Some(waits) = self.waits.get_mut(&leg) {
                    waits.clock = now.tick;
                }
                0
            }
            LegEvent::Member => self.over(leg, End::Member),
            LegEvent::Unqueued => self.over(leg, End::Unqueued),
            LegEvent::Ended(_) => self.over(leg, End::HungUp),
            LegEvent::Proceeding
            | LegEvent::Ringing
            | LegEvent::EarlyMedia
            | LegEvent::Bridged { .. }
            | LegEvent::ConnectFailed { .. }
            | LegEvent::Played { .. }
            | LegEvent::Released
            | LegEvent::Left => 0,
        }
    }

    /// The first word counts. Who is thrown out by the queue is not for pacing to answer for.
    fn over(&mut self, leg: LegId, end: End) -> u64 {
        let Some(waits) = self.waits.remove(&leg) else {
            return 0;
        };
        self.ends.insert(leg, end);
        u64::from(end == End::Unqueued && waits.taken_out.is_none())
    }

    /// What was said of a queue last, as long as it is watched.
    pub(super) fn counts(&self, queue: &str) -> Option<QueueCounts> {
        self.counts.get(queue).copied().flatten()
    }

    /// Calls of these campaigns that wait in a queue.
    pub(super) fn waiting_in(&self, queue: &str, which: impl Fn(CampaignId) -> bool) -> u32 {
        let found = self.waits.values();
        let found = found.filter(|waits| &*waits.queue == queue && which(waits.campaign));
        u32::try_from(found.count()).unwrap_or(u32::MAX)
    }

    /// Whoever waits past the limit is taken out.
    pub(super) fn nobody_waits_too_long(&self, now: Now) -> Verdict {
        let overdue = |w: &Waits| w.taken_out.is_none() && now.tick > w.clock + w.limit;
        match self.waits.iter().find(|(_, waits)| overdue(waits)) {
            Some((leg, waits)) => Err(format!(
                "leg {leg} waits in {} for more than {} ms",
                waits.queue,
                waits.limit.as_ms()
            )),
            None => Ok(()),
        }
    }

    fn take_out(&mut self, now: Now, leg: LegId) -> Verdict {
        let Some(waits) = self.waits.get_mut(&leg) else {
            let end = self.ends.get(&leg);
            return Err(format!("leg {leg} is taken out of no queue ({end:?})"));
        };
        if waits.taken_out.replace(now.tick).is_some() {
            return Err(format!("leg {leg} is taken out of its queue twice"));
        }
        let early = now.tick < waits.answered + waits.limit;
        match early {
            true => Err(format!("leg {leg} is taken out of its queue too early")),
            false => Ok(()),
        }
    }

    fn hang_up(&mut self, now: Now, leg: LegId) -> Verdict {
        let Some(waits) = self.waits.get(&leg) else {
            return Ok(());
        };
        if waits.taken_out.is_none_or(|at| now.tick < at + WORD) {
            return Err(format!("leg {leg} is hung up while it waits in its queue"));
        }
        self.over(leg, End::HungUp);
        Ok(())
    }

    /// Nothing else is done to a call in a queue.
    fn left_alone(&self, leg: LegId, what: &str) -> Verdict {
        match self.waits.contains_key(&leg) {
            true => Err(format!("leg {leg} {what} while it waits in its queue")),
            false => Ok(()),
        }
    }

    fn bridged(&self, leg: LegId) -> Verdict {
        let queued = self.waits.contains_key(&leg) || self.ends.contains_key(&leg);
        match queued && self.ends.get(&leg) != Some(&End::Member) {
            true => Err(format!("leg {leg} talks, and no member has taken it")),
            false => Ok(()),
        }
    }

    /// The attempt is over, and its leg with it.
    pub(super) fn result(&mut self, result: &AttemptResult) -> Verdict {
        let of = |leg: &LegId| leg.attempt == result.attempt;
        let last = LegId {
            attempt: result.attempt,
            n: u8::MAX,
        };
        let first = LegId { n: 0, ..last };
        let end = self.ends.range(first..=last).next().map(|(_, end)| *end);
        self.answered.remove(&result.attempt);
        self.ends.retain(|leg, _| !of(leg));
        self.waits.retain(|leg, _| !of(leg));
        let id = result.attempt;
        match (end, result.outcome) {
            (Some(End::Member), Outcome::Abandoned) => {
                Err(format!("attempt {id} is abandoned, and a member had it"))
            }
            (Some(End::Unqueued | End::HungUp), Outcome::Completed) => {
                Err(format!("attempt {id} is completed, and no member had it"))
            }
            (Some(_), _) | (None, _) => Ok(()),
        }
    }
}

impl Oracle {
    /// What the engine asks for, as far as it is about a queue, or a call in one.
    pub(super) fn in_the_queue(&mut self, now: Now, command: &Command) -> Verdict {
        let lines = &mut self.lines;
        match command {
            Command::WatchQueue { queue, on: true } => {
                let queue = queue.clone();
                match lines.counts.insert(queue.clone(), None) {
                    Some(_) => Err(format!("{queue} is watched already")),
                    None => Ok(()),
                }
            }
            Command::WatchQueue { queue, on: false } => match lines.counts.remove(queue) {
                Some(_) => Ok(()),
                None => Err(format!("{queue} is not watched")),
            },
            Command::Enqueue { leg, queue } => self.enqueued(now, *leg, queue),
            Command::Dequeue { leg } => lines.take_out(now, *leg),
            Command::Hangup { leg, .. } => lines.hang_up(now, *leg),
            Command::Connect { leg, .. } => lines.left_alone(*leg, "gets an agent"),
            Command::Play { leg, .. } | Command::LeaveMessage { leg, .. } => {
                lines.left_alone(*leg, "gets a message")
            }
            Command::Release { leg, .. } => lines.left_alone(*leg, "is let go"),
            Command::Journal(Record::Bridged { leg, .. }) => lines.bridged(*leg),
            Command::Journal(
                Record::Started(_)
                | Record::Answered { .. }
                | Record::MessageStarted { .. }
                | Record::Ended(_),
            )
            | Command::Originate(_)
            | Command::Ring(_)
            | Command::Dismiss { .. }
            | Command::Probe { .. }
            | Command::NeedLeads { .. }
            | Command::ReturnLeases { .. }
            | Command::ConfigRefused { .. }
            | Command::CampaignChecked { .. }
            | Command::Checked { .. }
            | Command::Done { .. }
            | Command::AgentChanged { .. }
            | Command::Preview { .. }
            | Command::PreviewOver { .. }
            | Command::DeferLease { .. }
            | Command::ManualPlaced { .. }
            | Command::InboundTaken { .. }
            | Command::TestCallStep { .. }
            | Command::Notice(_)
            | Command::Log(_) => Ok(()),
        }
    }

    fn enqueued(&mut self, now: Now, leg: LegId, queue: &Arc<str>) -> Verdict {
        let call = self.tries.get(&leg.attempt).filter(|call| call.leg == leg);
        let campaign = call.and_then(|call| self.campaigns.get(&call.campaign));
        let (Some(call), Some(campaign)) = (call, campaign) else {
            return Err(format!("leg {leg} is handed to {queue}, and is no call"));
        };
        if campaign.config.queue.as_ref() != Some(queue) {
            return Err(format!(
                "leg {leg} is handed to {queue}, which is not its campaign's"
            ));
        }
        if call.inbound {
            return Err(format!("leg {leg} came in, and is handed to {queue}"));
        }
        let lines = &mut self.lines;
        if lines.waits.contains_key(&leg) || lines.ends.contains_key(&leg) {
            return Err(format!(
                "leg {leg} is handed to {queue} for the second time"
            ));
        }
        let Some(answered) = lines.answered.get(&leg.attempt).copied() else {
            return Err(format!("leg {leg} is handed to {queue} before its answer"));
        };
        let waits = Waits {
            queue: queue.clone(),
            campaign: call.campaign,
            answered,
            clock: now.tick,
            limit: Span::ms(campaign.config.connect_limit_ms),
            taken_out: None,
        };
        lines.waits.insert(leg, waits);
        Ok(())
    }
}
