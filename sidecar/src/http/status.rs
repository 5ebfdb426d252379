//! The body of `/status`.

use serde_json::{Value, json};

use crate::http::App;
use crate::link_server::state::View;

/// Everything at a glance; from memory only, so it answers when PostgreSQL does not.
pub fn status(app: &App) -> Value {
    let view = app.link.view();
    let health = super::public::health_of(app);
    let beat = view.heartbeat.filter(|_| view.connection.is_some());
    json!({
        "node": app.settings.node,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime": app.started.elapsed().as_secs(),
        "status": health.status,
        "causes": health.causes,
        "test": is_test(&view),
        "link": link(&view),
        "journal": beat.map(|(_, beat)| json!({
            "backlog": beat.journal_backlog,
            "writable": beat.journal_writable,
            "waiting_for_commit": view.records_waiting,
        })),
        "leases": view.held,
        "trunks": trunks(app, &view),
        "routes": routes(app, &view),
        "campaigns": campaigns(app, &view),
        "agents": agents(app, &view),
        "totals": view.snapshot.as_ref().map(|(_, s)| json!({
            "live": s.totals.live,
            "dialing": s.totals.dialing,
            "leases": s.totals.leases,
            "legs": s.totals.legs,
            "ended": s.totals.ended,
            "illegal": s.totals.illegal,
            "stray": s.totals.stray,
            "ghosts": s.totals.ghosts,
        })),
        "snapshot_age_ms": view.snapshot.as_ref().map(|(age, _)| crate::clock::millis(*age)),
        "config_refused": view.refused,
    })
}

/// A simulated PBX is connected: its calls reach nobody, and its agents are no people.
fn is_test(view: &View) -> bool {
    let connection = view.connection.as_ref();
    connection.is_some_and(|connection| connection.hello.test_host)
}

fn link(view: &View) -> Value {
    let Some(connection) = &view.connection else {
        return json!({ "connected": false, "refused": view.refusal });
    };
    json!({
        "connected": true,
        "pbx": connection.hello.pbx,
        "test_host": connection.hello.test_host,
        "library": connection.hello.library,
        "abi": format!("{}.{}", connection.hello.abi >> 16, connection.hello.abi & 0xffff),
        "pid": connection.hello.pid,
        "epoch": connection.epoch,
        "connected_seconds": connection.since.elapsed().as_secs(),
        "heartbeat_age_ms": view.heartbeat.map(|(age, _)| crate::clock::millis(age)),
        "pump_overdue_ms": view.heartbeat.map(|(_, beat)| beat.pump_overdue_ms),
        "pool_jobs": view.heartbeat.map(|(_, beat)| beat.pool_jobs),
        "pool_oldest_ms": view.heartbeat.map(|(_, beat)| beat.pool_oldest_ms),
        "poisoned": view.heartbeat.map(|(_, beat)| beat.poisoned),
        "draining": view.heartbeat.map(|(_, beat)| beat.draining),
    })
}

fn milli(value: i64) -> Value {
    // Thousandths as a decimal number; they are far below what a double holds exactly.
    serde_json::from_str(&format!(
        "{}{}.{:03}",
        if value < 0 { "-" } else { "" },
        value.abs() / 1000,
        value.abs() % 1000
    ))
    .unwrap_or(Value::Null)
}

fn trunks(app: &App, view: &View) -> Value {
    let config = app.link.config();
    let live = |id| {
        view.snapshot
            .as_ref()
            .and_then(|(_, s)| s.trunks.iter().find(|t| t.id == id))
    };
    config
        .trunks
        .values()
        .map(|trunk| {
            let live = live(trunk.id);
            json!({
                "name": trunk.name,
                "endpoint": format!("{}/{}", trunk.tech, trunk.endpoint),
                "enabled": trunk.enabled,
                "cps_limit": milli(i64::from(trunk.cps_milli)),
                "burst": trunk.burst,
                "max_channels": trunk.max_channels,
                "tokens": live.map(|t| milli(t.tokens_milli)),
                "channels": live.map(|t| t.channels),
                "legs": live.map(|t| t.legs),
                "answered": live.map(|t| t.answered),
                "faults": live.map(|t| t.faults),
                "short_calls": live.map(|t| t.short_calls),
                "false_answers": live.map(|t| t.false_answers),
                "backoff_until_ms": live.and_then(|t| t.backoff_until_ms),
                "health": live.map(|t| milli(i64::from(t.health_milli))),
                "circuit": live.map_or("unknown", |t| t.circuit.as_str()),
            })
        })
        .collect()
}

fn routes(app: &App, view: &View) -> Value {
    let config = app.link.config();
    config
        .routes
        .iter()
        .map(|route| {
            let trunk = config.trunks.get(&route.trunk);
            let live = view
                .snapshot
                .as_ref()
                .and_then(|(_, s)| s.trunks.iter().find(|t| t.id == route.trunk));
            let circuit = match (trunk, live) {
                (Some(trunk), _) if !trunk.enabled => "trunk disabled",
                (Some(_), Some(live)) => live.circuit.as_str(),
                (Some(_), None) | (None, _) => "unknown",
            };
            json!({
                "prefix": route.prefix,
                "trunk": trunk.map(|t| t.name.as_str()),
                "campaign": route.campaign.and_then(|id| config.campaigns.get(&id)).map(|c| c.name.as_str()),
                "priority": route.priority,
                "weight": route.weight,
                "circuit": circuit,
                "health": live.map(|t| milli(i64::from(t.health_milli))),
            })
        })
        .collect()
}

fn campaigns(app: &App, view: &View) -> Value {
    let config = app.link.config();
    let live = |id| {
        view.snapshot
            .as_ref()
            .and_then(|(_, s)| s.campaigns.iter().find(|c| c.id == id))
    };
    let complete = config.campaigns.values().map(|campaign| {
        let live = live(campaign.id);
        let test = config.tests.contains(&campaign.id);
        json!({
            "name": campaign.name,
            "test": test,
            "state": live.map_or_else(|| state_name(campaign.state).to_owned(), |c| c.state.clone()),
            "lacks": view.checked.get(&campaign.id).cloned().flatten()
                .or_else(|| live.and_then(|c| c.lacks.clone()))
                .or_else(|| other_host(view, test)),
            "live": live.map(|c| c.live),
            "dialing": live.map(|c| c.dialing),
            "bridged": live.map(|c| c.bridged),
            "leases": live.map(|c| c.leases),
            "agents": live.map(|c| c.agents),
            "free": live.map(|c| c.free),
            "answered": live.map(|c| c.answered_milli / 1_000),
            "abandoned": live.map(|c| c.abandoned_milli / 1_000),
            "short_calls": live.map(|c| c.short_calls),
            "outcomes": live.map(|c| c.outcomes.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()),
            "why": live.map(|c| c.why.iter().map(|held| json!({ "reason": held.reason, "count": held.count, "ago_ms": held.ago_ms, "figures": held.figures })).collect::<Vec<_>>()),
            "why_now": live.and_then(|c| c.why_now.clone()),
            "queue": campaign.queue,
            "queue_known": live.and_then(|c| c.queue.as_ref()).map(|q| q.known),
            "queue_callers": live.and_then(|c| c.queue.as_ref()).map(|q| q.callers),
        })
    });
    let incomplete = config.incomplete.iter().map(|(id, (name, state, why))| {
        let test = config.tests.contains(id);
        json!({ "name": name, "test": test, "state": state_name(*state), "lacks": why })
    });
    complete.chain(incomplete).collect()
}

/// Why the PBX that is connected never dials such a campaign.
fn other_host(view: &View, test: bool) -> Option<String> {
    let host = view.connection.as_ref()?.hello.test_host;
    match (test, host) {
        (true, true) | (false, false) => None,
        (true, false) => Some("a simulated PBX; this one is real".into()),
        (false, true) => Some("a real PBX; this one is simulated".into()),
    }
}

fn state_name(state: outdial_link::CampaignState) -> &'static str {
    match state {
        outdial_link::CampaignState::Running => "running",
        outdial_link::CampaignState::Paused => "paused",
        outdial_link::CampaignState::Stopped => "stopped",
    }
}

fn agents(app: &App, view: &View) -> Value {
    let config = app.link.config();
    let live = |id| {
        view.snapshot
            .as_ref()
            .and_then(|(_, s)| s.agents.iter().find(|a| a.id == id))
    };
    config
        .agents
        .values()
        .map(|agent| {
            let live = live(agent.id);
            let told = view.agents.get(&agent.id).cloned();
            let state = told.or_else(|| live.map(|a| a.state.clone()));
            json!({
                "name": agent.name,
                "test": is_test(view) && (live.is_some() || view.agents.contains_key(&agent.id)),
                "state": state.unwrap_or_else(|| "logged out".into()),
                "since_ms": live.map(|a| a.since_ms),
                "phone": agent.phone.as_ref().map(|p| format!("{}/{}", p.tech, p.endpoint)),
                "on_hook": live.map(|a| a.on_hook),
                "calls": live.map(|a| a.calls),
                "talk_ms": live.map(|a| a.talk_ms),
                "wrap_up_ms": live.map(|a| a.wrap_up_ms),
                "paused_ms": live.map(|a| a.paused_ms),
                "pause": live.and_then(|a| a.pause.clone()),
                "preview": view.previews.get(&agent.id).map(|p| json!({
                    "lead": p.lead,
                    "campaign": config.campaigns.get(&p.campaign).map(|c| c.name.as_str()),
                    "position": p.position,
                    "until_ms": p.until_ms,
                })),
                "logged_in_ms": live.map(|a| a.logged_in_ms),
            })
        })
        .collect()
}
