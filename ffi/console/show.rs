//! Tables of the console, at most 100 columns wide.

use std::sync::atomic::Ordering;

use outdial_link::{CampaignSnapshot, QueueSnapshot, Snapshot, Totals};

use crate::field::percent;
use crate::shared::Shared;
use crate::slots::Slot;

/// Rows of one table.
const ROWS: usize = 200;

pub(super) fn status(shared: &Shared, totals: Result<&Totals, &str>) -> String {
    let counters = &shared.counters;
    let flags = &shared.flags;
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Acquire);
    let state = if shared.is_poisoned() {
        "stopped by an internal error: restart the PBX"
    } else if flags.draining.load(Ordering::Acquire) {
        "draining"
    } else if shared.is_running() {
        "running"
    } else {
        "not running"
    };
    let yes = |flag: bool, yes: &'static str, no: &'static str| if flag { yes } else { no };
    let linked = flags.linked.load(Ordering::Acquire);
    let unwritable = flags.journal_unwritable.load(Ordering::Acquire);
    let mut rows = vec![
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Node", shared.node.to_string()),
        ("State", state.to_owned()),
        ("Sidecar", yes(linked, "connected", "not connected").into()),
        (
            "Journal",
            format!(
                "{}, {} records not yet acknowledged",
                yes(!unwritable, "writable", "CAN'T BE WRITTEN"),
                load(&counters.backlog)
            ),
        ),
    ];
    match totals {
        Ok(totals) => {
            rows.push((
                "Calls",
                format!(
                    "{} live, {} of them dialing, {} ended since the start",
                    totals.live, totals.dialing, totals.ended
                ),
            ));
            rows.push(("Leads in hand", totals.leases.to_string()));
            rows.push(("Ghost calls", totals.ghosts.to_string()));
        }
        Err(error) => rows.push(("Engine", error.to_owned())),
    }
    let stray = load(&counters.stray) + load(&counters.stray_in_engine);
    rows.push((
        "Agent sessions",
        shared.slots.used(Slot::Session).to_string(),
    ));
    rows.push((
        "Events",
        format!(
            "{} taken, {} refused (queue full), {stray} stray",
            load(&counters.posted),
            load(&counters.refused)
        ),
    ));
    rows.push((
        "Event to command",
        format!(
            "p50 {} us, p99 {} us",
            shared.latency.quantile(50),
            shared.latency.quantile(99)
        ),
    ));
    let mut out = String::new();
    for (name, value) in rows {
        line(&mut out, &format!("{name:<18}{value}"));
    }
    out
}

pub(super) fn campaigns(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    line(
        &mut out,
        "Campaign                 State      Live Dial. Bridged Leads Agents Free  Why not more",
    );
    for campaign in snapshot.campaigns.iter().take(ROWS) {
        let why = match (&campaign.lacks, &campaign.why_now) {
            (Some(lacks), _) => lacks.as_str(),
            (None, Some(why)) => why.as_str(),
            (None, None) => "-",
        };
        line(
            &mut out,
            &format!(
                "{:<24} {:<9} {:>5} {:>5} {:>7} {:>5} {:>6} {:>4}  {why}",
                cut(&campaign.name, 24),
                campaign.state,
                campaign.live,
                campaign.dialing,
                campaign.bridged,
                campaign.leases,
                campaign.agents,
                campaign.free,
            ),
        );
        if let Some(queue) = &campaign.queue {
            let queue = in_queue(campaign, queue);
            line(&mut out, &format!("    queue {queue}"));
        }
        counts(&mut out, "outcomes", &campaign.outcomes);
        let why: Vec<_> = campaign
            .why
            .iter()
            .map(|held| (held.reason.clone(), held.count))
            .collect();
        counts(&mut out, "held back by", &why);
    }
    end(&mut out, snapshot.campaigns.len(), "campaign");
    out
}

/// Why a campaign does not dial more, the most frequent reason first.
pub(super) fn why(campaign: &CampaignSnapshot) -> String {
    let mut out = String::new();
    let now = match (&campaign.lacks, &campaign.why_now) {
        (Some(lacks), _) => lacks.as_str(),
        (None, Some(why)) => why.as_str(),
        (None, None) => "nothing holds it back",
    };
    line(
        &mut out,
        &format!("{} is {}: {now}", cut(&campaign.name, 40), campaign.state),
    );
    if campaign.why.is_empty() {
        return out;
    }
    line(
        &mut out,
        "Reason                      Decisions  Last  Figures now",
    );
    for held in &campaign.why {
        line(
            &mut out,
            &format!(
                "{:<26} {:>10} {:>5}  {}",
                cut(&held.reason, 26),
                held.count,
                span(held.ago_ms),
                held.figures
            ),
        );
    }
    out
}

/// One campaign's figures.
pub(super) fn campaign(campaign: &CampaignSnapshot) -> String {
    let mut out = String::new();
    let mut row = |name: &str, value: String| line(&mut out, &format!("{name:<18}{value}"));
    row("Campaign", campaign.name.clone());
    row("State", campaign.state.clone());
    row(
        "Calls",
        format!(
            "{} live, {} dialing, {} with an agent or in their target",
            campaign.live, campaign.dialing, campaign.bridged
        ),
    );
    match &campaign.queue {
        None => row(
            "Agents",
            format!("{} logged in, {} free", campaign.agents, campaign.free),
        ),
        Some(queue) => {
            row("Queue", in_queue(campaign, queue));
            row("", PACES_ONLY.into());
        }
    }
    row("Leads in hand", campaign.leases.to_string());
    row(
        "Abandoned",
        format!(
            "{} of {} calls answered by a person over the rule's window ({}%)",
            campaign.abandoned_milli / 1_000,
            campaign.answered_milli / 1_000,
            percent(campaign.abandoned_milli, campaign.answered_milli)
        ),
    );
    row("Short calls", campaign.short_calls.to_string());
    for (outcome, count) in campaign.outcomes.iter().filter(|(_, count)| *count > 0) {
        row(&format!("  {outcome}"), count.to_string());
    }
    out.push_str(&why(campaign));
    out
}

/// What outdial leaves to a queue.
const PACES_ONLY: &str = "outdial only paces: who gets a call, wrap-up and pauses are the queue's";

fn in_queue(campaign: &CampaignSnapshot, queue: &QueueSnapshot) -> String {
    if !queue.known {
        return format!("{}, nothing known of it", cut(&queue.name, 30));
    }
    format!(
        "{}: {} members logged in, {} free, {} callers wait, {} of them ours",
        cut(&queue.name, 30),
        campaign.agents,
        campaign.free,
        queue.callers,
        queue.waiting
    )
}

pub(super) fn calls(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    line(
        &mut out,
        "Attempt              Leg Campaign           Trunk          State             For  Next",
    );
    for call in snapshot.attempts.iter().take(ROWS) {
        let campaign = snapshot.campaigns.iter().find(|c| c.id == call.campaign);
        let trunk = snapshot.trunks.iter().find(|t| t.id == call.trunk);
        let next = call.deadline.as_deref().unwrap_or("-");
        let none = if call.inbound { "(inbound)" } else { "-" };
        line(
            &mut out,
            &format!(
                "{:<20} {:>3} {:<18} {:<14} {:<16} {:>4}  {next}",
                call.id,
                call.leg,
                cut(campaign.map_or("(test call)", |c| &c.name), 18),
                cut(trunk.map_or(none, |t| &t.name), 14),
                call.state,
                span(call.since_ms),
            ),
        );
    }
    let total = usize::try_from(snapshot.totals.live)
        .unwrap_or(0)
        .max(snapshot.attempts.len());
    end(&mut out, total, "call");
    out
}

pub(super) fn agents(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    line(
        &mut out,
        "Agent                    State       For   Calls  Logged in    Talk Wrap-up  Talk share  Pause",
    );
    for agent in snapshot.agents.iter().take(ROWS) {
        let share = agent.talk_ms * 100 / agent.logged_in_ms.max(1);
        line(
            &mut out,
            &format!(
                "{:<24} {:<10} {:>4} {:>7} {:>10} {:>7} {:>7} {share:>10}%  {}",
                cut(&agent.name, 24),
                agent.state,
                span(agent.since_ms),
                agent.calls,
                span(agent.logged_in_ms),
                span(agent.talk_ms),
                span(agent.wrap_up_ms),
                cut(agent.pause.as_deref().unwrap_or("-"), 24),
            ),
        );
    }
    end(&mut out, snapshot.agents.len(), "agent");
    out
}

pub(super) fn trunks(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    line(
        &mut out,
        "Trunk                    CPS limit Burst  Tokens  Channels     Legs Answered  Faults Health  State",
    );
    for trunk in snapshot.trunks.iter().take(ROWS) {
        line(
            &mut out,
            &format!(
                "{:<24} {:>9} {:>5} {:>7} {:>4}/{:<5} {:>7} {:>8} {:>7} {:>5}%  {}",
                cut(&trunk.name, 24),
                milli(i64::from(trunk.cps_milli)),
                trunk.burst,
                milli(trunk.tokens_milli),
                trunk.channels,
                trunk.max_channels,
                trunk.legs,
                trunk.answered,
                trunk.faults,
                trunk.health_milli / 10,
                trunk.circuit,
            ),
        );
    }
    end(&mut out, snapshot.trunks.len(), "trunk");
    out
}

fn counts(out: &mut String, what: &str, counts: &[(String, u64)]) {
    const WIDTH: usize = 98;
    let mut text = format!("    {what}:");
    let mut any = false;
    for (name, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let item = format!(" {name} {count}");
        if text.len() + item.len() > WIDTH {
            text.push_str(" ..");
            break;
        }
        if any {
            text.push(',');
        }
        text.push_str(&item);
        any = true;
    }
    if any {
        line(out, &text);
    }
}

fn end(out: &mut String, total: usize, what: &str) {
    let plural = if total == 1 { "" } else { "s" };
    let more = if total > ROWS {
        format!(", the first {ROWS} shown")
    } else {
        String::new()
    };
    line(out, &format!("{total} {what}{plural}{more}"));
}

/// Lines are cut at 100 columns.
fn line(out: &mut String, text: &str) {
    out.extend(text.trim_end().chars().take(100));
    out.push('\n');
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max - 2).collect();
    short.push_str("..");
    short
}

fn span(ms: u64) -> String {
    let s = ms / 1000;
    if s < 100 {
        format!("{s}s")
    } else if s < 100 * 60 {
        format!("{}m", s / 60)
    } else {
        format!("{}h", s / 3600)
    }
}

fn milli(milli: i64) -> String {
    let (whole, rest) = (milli / 1000, (milli % 1000).abs() / 10);
    format!("{whole}.{rest:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use outdial_link::{AgentSnapshot, AttemptSnapshot, HeldSnapshot, TrunkSnapshot};

    fn long(n: usize) -> String {
        "x".repeat(n)
    }

    #[test]
    fn no_line_is_wider_than_100_columns() {
        let snapshot = Snapshot {
            campaigns: vec![CampaignSnapshot {
                name: long(80),
                state: "running".into(),
                live: 10_000,
                why: (0..30)
                    .map(|count| HeldSnapshot {
                        reason: long(20),
                        count,
                        figures: long(200),
                        ..HeldSnapshot::default()
                    })
                    .collect(),
                why_now: Some(long(90)),
                queue: Some(QueueSnapshot {
                    name: long(80),
                    known: true,
                    callers: 100_000,
                    waiting: 10_000,
                }),
                ..CampaignSnapshot::default()
            }],
            agents: vec![AgentSnapshot {
                name: long(80),
                state: "logged_out".into(),
                ..AgentSnapshot::default()
            }],
            trunks: vec![TrunkSnapshot {
                name: long(80),
                legs: u64::MAX,
                ..TrunkSnapshot::default()
            }],
            attempts: vec![AttemptSnapshot {
                id: u64::MAX,
                state: "connecting_agent".into(),
                deadline: Some(long(80)),
                ..AttemptSnapshot::default()
            }],
            ..Snapshot::default()
        };
        for text in [
            why(&snapshot.campaigns[0]),
            campaign(&snapshot.campaigns[0]),
            campaigns(&snapshot),
            calls(&snapshot),
            agents(&snapshot),
            trunks(&snapshot),
        ] {
            assert!(text.lines().count() >= 3, "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }
}
