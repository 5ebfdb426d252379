//! "Why am I not dialing?": each reason with the figures behind it.

use crate::campaign::{Busy, Campaign, Check};
use crate::explain::Reason;
use crate::ids::TrunkId;
use crate::snapshot::Held;
use crate::time::{Now, Span};
use crate::trunk::Trunk;

use super::Engine;

impl Engine {
    /// Why a campaign dialed fewer calls than it could, most frequent first.
    pub(super) fn why(&self, now: Now, campaign: &Campaign) -> Vec<Held> {
        let mut why: Vec<Held> = campaign
            .why
            .iter()
            .map(|(reason, (count, last))| Held {
                reason: *reason,
                count: *count,
                ago: now.tick - *last,
                figures: self.figures(now, campaign, *reason),
            })
            .collect();
        why.sort_by_key(|held| (std::cmp::Reverse(held.count), held.reason));
        why
    }

    /// What a reason looks like in figures just now; they may have changed since it counted.
    fn figures(&self, now: Now, campaign: &Campaign, reason: Reason) -> String {
        let config = &campaign.config;
        match reason {
            Reason::Paused | Reason::Draining | Reason::Journal | Reason::DoNotCall => {
                String::new()
            }
            Reason::Checking => match &campaign.check {
                Check::Pending { left, .. } => format!("{} questions open", left.len()),
                Check::Unknown | Check::Ready | Check::Refused { .. } => String::new(),
            },
            Reason::Refused => match &campaign.check {
                Check::Refused { lacks, .. } => lacks.clone(),
                Check::Unknown | Check::Ready | Check::Pending { .. } => String::new(),
            },
            Reason::LinkDown => match self.unlinked_since {
                Some(since) => format!("gone for {}", short(now.tick - since)),
                None => String::new(),
            },
            Reason::PbxOverload => match self.pbx_resting_until - now.tick {
                Span(0) => String::new(),
                rest => format!("rests for {}", short(rest)),
            },
            Reason::QueueUnknown => match &config.queue {
                Some(queue) => format!("queue {queue}"),
                None => String::new(),
            },
            Reason::NoAgents | Reason::AgentsBusy if config.queue.is_some() => members(campaign),
            Reason::NoAgents => format!(
                "{} logged in, {} of them paused",
                campaign.logged_in,
                campaign.paused.len()
            ),
            Reason::AgentsBusy | Reason::Previewing => agents(campaign),
            Reason::AbandonBudget => {
                let sums = campaign.account.sums(now.wall, config.abandon);
                format!(
                    "{} of {} answered calls abandoned, {} allowed",
                    sums.abandoned_milli / 1_000,
                    sums.answered_milli / 1_000,
                    percent(config.abandon.limit_milli)
                )
            }
            Reason::MaxRatio => {
                format!("{} live for {} agents", campaign.live, campaign.crew())
            }
            Reason::NoLeads => match campaign.asking.next_due.map(|due| due.0 - now.wall.0) {
                Some(ms) if ms > 0 => format!("the next is due in {}", short(millis(ms))),
                Some(_) | None => format!("{} in hand", campaign.hopper.len()),
            },
            Reason::WindowClosed => format!(
                "{} in hand wait for their window",
                campaign.hopper.aside_for(reason)
            ),
            Reason::OwnerAway | Reason::Calling => {
                format!("{} in hand", campaign.hopper.aside_for(reason))
            }
            Reason::NoRoute => format!("{} in hand", campaign.hopper.aside_for(reason)),
            Reason::CallerIds => match config.caller_ids.daily_cap {
                Some(cap) => format!(
                    "{} numbers, each shown {cap} times in 24 hours",
                    config.caller_ids.numbers.len()
                ),
                None => String::new(),
            },
            Reason::TrunkCps => self.trunks_of(campaign, |t| {
                format!("{} of {} calls/s", t.config.name, milli(t.config.cps_milli))
            }),
            Reason::TrunkChannels => self.trunks_of(campaign, |t| {
                format!("{} {}/{}", t.config.name, t.channels, t.config.max_channels)
            }),
            Reason::TrunkBackoff => self.trunks_of(campaign, |t| {
                let state = match t.config.enabled {
                    true => t.breaker.circuit(now.tick).name(),
                    false => "disabled",
                };
                let health = percent(t.breaker.score());
                format!("{} {state}, health {health}", t.config.name)
            }),
            Reason::MaxConcurrent => format!("{} of {}", campaign.live, config.max_concurrent),
            Reason::MaxConcurrentOriginates => format!(
                "{} of {} dialing on this node",
                self.dialing, self.settings.max_concurrent_originates
            ),
            Reason::EngineLimit => format!("{} live", self.attempts.len()),
        }
    }

    fn trunks_of(&self, campaign: &Campaign, one: impl Fn(&Trunk) -> String) -> String {
        let ids: Vec<TrunkId> = self.routes.trunks(campaign.config.id);
        let all: Vec<String> = ids
            .iter()
            .filter_map(|id| self.trunks.get(id))
            .take(SHOWN)
            .map(one)
            .collect();
        let more = ids.len().saturating_sub(SHOWN);
        match more {
            0 => all.join(", "),
            more => format!("{} and {more} more", all.join(", ")),
        }
    }
}

/// Trunks named in one line.
const SHOWN: usize = 5;

fn agents(campaign: &Campaign) -> String {
    let with = |busy: Busy| campaign.busy.values().filter(|(b, _)| *b == busy).count();
    format!(
        "{} logged in, {} with a call, {} in wrap-up, {} free, {} calls in flight",
        campaign.logged_in,
        with(Busy::Call),
        with(Busy::WrapUp),
        campaign.idle.len(),
        campaign.in_flight
    )
}

fn members(campaign: &Campaign) -> String {
    let queue = campaign.config.queue.as_deref().unwrap_or_default();
    let counts = campaign.line.counts.unwrap_or_default();
    format!(
        "queue {queue}: {} logged in, {} free, {} callers wait, {} calls in flight",
        counts.members, counts.free, counts.callers, campaign.in_flight
    )
}

fn milli(value: u32) -> String {
    match value % 1_000 {
        0 => format!("{}", value / 1_000),
        rest => format!("{}.{rest:03}", value / 1_000),
    }
}

fn percent(milli: u32) -> String {
    format!("{}.{}%", milli / 10, milli % 10)
}

fn millis(ms: i64) -> Span {
    Span(u64::try_from(ms).unwrap_or(0).saturating_mul(1_000))
}

/// To the second, or less under ten of them.
fn short(span: Span) -> String {
    let seconds = span.as_ms() / 1_000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, span.as_ms() % 1_000 / 100),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_shares_are_readable() {
        let said = |ms: u64| short(Span(ms * 1_000));
        assert_eq!(said(1_250), "1.2 s");
        assert_eq!(said(65_000), "65 s");
        assert_eq!(said(600_000), "10 min");
        assert_eq!(said(90_000_000), "25 h");
        assert_eq!(percent(28), "2.8%");
        assert_eq!((milli(2_500), milli(50_000)), ("2.500".into(), "50".into()));
    }
}
