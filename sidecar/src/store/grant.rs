//! Leasing: who may dial whom, and for how long.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use outdial_link::{Callback, LeadNumber, Lease, Owner};
use postgres::{Client, Row};

use crate::clock;
use crate::limits;
use crate::store::StoreError;
use crate::store::lease::{Lessee, release};
use crate::windows::{Schedule, Window, Zones};

const GROUPS: &str = include_str!("lease_groups.sql");
const HELD_ZONES: &str = include_str!("held_zones.sql");
const LEASE: &str = include_str!("lease.sql");

/// A lead whose numbers are all refused leaves the queue; so many batches of such leads are
/// worked off in one request.
const EMPTY_ROUNDS: u32 = 10;

/// Callbacks have this rank at least; see the column `rank` of `leads`.
const CALLBACK_RANK: i16 = 500;

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// Campaign.
    pub campaign: u64,
    /// Leads, at most.
    pub count: u32,
    /// Agents who take calls at this node: only they may have leads that are theirs alone.
    pub agents: &'a [u64],
    /// Callbacks that anybody may have, and leads of the agents; nothing else.
    pub only_callbacks: bool,
}

/// The answer to a request for leads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Granted {
    /// Leads.
    pub leases: Vec<Lease>,
    /// Where there are none: when to ask again.
    pub next_due_ms: Option<i64>,
}

struct Rules {
    time_zone: Option<String>,
    schedule: Schedule,
    max_attempts: i32,
    max_attempts_per_number: i32,
    number_attempts_per_day: i32,
    number_attempts_total: Option<i32>,
    callback_hold_minutes: Option<i32>,
    test: bool,
}

impl Rules {
    /// The zone that is meant by a lead's column.
    fn zone<'a>(&'a self, zone: &'a str) -> Option<&'a str> {
        if zone.is_empty() {
            self.time_zone.as_deref()
        } else {
            Some(zone)
        }
    }

    fn hold_ms(&self) -> Option<i64> {
        self.callback_hold_minutes
            .map(|minutes| i64::from(minutes) * 60_000)
    }
}

/// Leads of one zone, list and rank that may be dialed now.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    /// The list's priority and the leads' rank.
    priority: Reverse<i32>,
    /// The zone that closes first comes first.
    until_ms: i64,
    zone: String,
    list: i64,
    rank: i16,
    weight: i32,
}

/// A zone whose window is open.
struct Open {
    zone: String,
    day: String,
    since_ms: i64,
    until_ms: i64,
}

/// Leases leads of a running campaign whose window is open where the lead lives.
///
/// # Errors
/// What PostgreSQL says.
pub fn lease(
    client: &mut Client,
    who: Lessee<'_>,
    want: Want<'_>,
    now_ms: i64,
) -> Result<Granted, StoreError> {
    let Some(rules) = rules(client, who, want.campaign)? else {
        return Ok(Granted::default());
    };
    let agents = members(client, want)?;
    let mut zones = Zones::new(rules.schedule, now_ms);
    let_go_of_absent(client, want.campaign, &rules, &mut zones, now_ms)?;
    for _ in 0..EMPTY_ROUNDS {
        let (mut groups, next_due_ms) = groups(client, want.campaign, &rules, &mut zones, now_ms)?;
        if want.only_callbacks {
            groups.retain(|group| group.rank >= CALLBACK_RANK);
        }
        let open = open_zones(client, want.campaign, &agents, &groups, &rules, &mut zones)?;
        if open.is_empty() {
            return Ok(Granted {
                leases: Vec::new(),
                next_due_ms,
            });
        }
        let leases = take(
            client,
            who,
            (want, now_ms),
            &agents,
            &rules,
            (&groups, &open),
        )?;
        let leases = recheck(client, who, want.campaign, leases)?;
        if !leases.is_empty() {
            return Ok(Granted {
                leases,
                next_due_ms: None,
            });
        }
        if groups.is_empty() {
            return Ok(Granted {
                leases,
                next_due_ms,
            });
        }
    }
    Ok(Granted {
        leases: Vec::new(),
        next_due_ms: Some(now_ms),
    })
}

/// Running campaigns with callbacks due, or with leads of one of these agents, for which the node
/// can do something: agents of theirs take calls here, or none are needed.
///
/// # Errors
/// What PostgreSQL says.
pub fn called_back(client: &mut Client, agents: &[u64]) -> Result<Vec<u64>, StoreError> {
    let agents: Vec<i64> = agents.iter().copied().map(clock::id).collect();
    let rows = client.query(
        "SELECT c.id FROM outdial.campaigns c
         WHERE c.state = 'running'
           AND (c.mode = 'agentless' OR EXISTS (SELECT FROM outdial.agent_campaigns ac
                WHERE ac.campaign_id = c.id AND ac.agent_id = ANY ($1)))
           AND EXISTS (SELECT FROM outdial.leads l
                WHERE l.campaign_id = c.id AND l.status = 'ready' AND l.callback_at <= now()
                  AND l.next_at <= now() AND (l.holder IS NULL OR l.holder = ANY ($1)))",
        &[&agents],
    )?;
    Ok(rows.iter().map(|row| clock::uid(row.get(0))).collect())
}

fn rules(client: &mut Client, who: Lessee<'_>, campaign: u64) -> Result<Option<Rules>, StoreError> {
    let row = client.query_opt(
        "SELECT time_zone, extract(epoch FROM window_start)::integer,
                extract(epoch FROM window_end)::integer, window_days,
                max_attempts, max_attempts_per_number, number_attempts_per_day,
                number_attempts_total, callback_hold_minutes, test
         FROM outdial.campaigns WHERE id = $1 AND state = 'running'
           AND test = coalesce((SELECT n.test FROM outdial.nodes n WHERE n.name = $2), false)",
        &[&clock::id(campaign), &who.node],
    )?;
    Ok(row.map(|row| Rules {
        time_zone: row.get(0),
        schedule: Schedule::new(row.get(1), row.get(2), &row.get::<_, Vec<i16>>(3)),
        max_attempts: row.get(4),
        max_attempts_per_number: row.get(5),
        number_attempts_per_day: row.get(6),
        number_attempts_total: row.get(7),
        callback_hold_minutes: row.get(8),
        test: row.get(9),
    }))
}

/// Those of the agents who take the campaign's calls.
fn members(client: &mut Client, want: Want<'_>) -> Result<Vec<i64>, StoreError> {
    if want.agents.is_empty() {
        return Ok(Vec::new());
    }
    let agents: Vec<i64> = want.agents.iter().copied().map(clock::id).collect();
    let rows = client.query(
        "SELECT agent_id FROM outdial.agent_campaigns
         WHERE campaign_id = $1 AND agent_id = ANY ($2) ORDER BY agent_id",
        &[&clock::id(want.campaign), &agents],
    )?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Leads whose owner had them first, and callbacks whose agent did not come, are anybody's from
/// now on. A callback's time counts only while it may be called.
fn let_go_of_absent(
    client: &mut Client,
    campaign: u64,
    rules: &Rules,
    zones: &mut Zones,
    now_ms: i64,
) -> Result<(), StoreError> {
    let id = clock::id(campaign);
    client.execute(
        "UPDATE outdial.leads l SET owner_agent = NULL, owner_until = NULL
         FROM (SELECT id FROM outdial.leads
               WHERE campaign_id = $1 AND status = 'ready' AND owner_until <= now()
               ORDER BY id FOR UPDATE SKIP LOCKED) over
         WHERE l.campaign_id = $1 AND l.id = over.id",
        &[&id],
    )?;
    let Some(hold_ms) = rules.hold_ms() else {
        return Ok(());
    };
    let found = client.query(
        "SELECT DISTINCT time_zone FROM outdial.leads
         WHERE campaign_id = $1 AND status = 'ready' AND callback_agent IS NOT NULL
           AND callback_at <= to_timestamp($2::bigint / 1000.0)",
        &[&id, &(now_ms - hold_ms)],
    )?;
    for row in found {
        let zone: String = row.get(0);
        let window = rules.zone(&zone).and_then(|name| zones.window(name));
        let Some(Window::Open { since_ms, .. }) = window else {
            continue;
        };
        if since_ms + hold_ms > now_ms {
            continue;
        }
        client.execute(
            "UPDATE outdial.leads l SET callback_agent = NULL
             FROM (SELECT id FROM outdial.leads
                   WHERE campaign_id = $1 AND status = 'ready' AND callback_agent IS NOT NULL
                     AND callback_at <= to_timestamp($2::bigint / 1000.0) AND time_zone = $3
                   ORDER BY id FOR UPDATE SKIP LOCKED) over
             WHERE l.campaign_id = $1 AND l.id = over.id",
            &[&id, &(now_ms - hold_ms), &zone],
        )?;
    }
    Ok(())
}

/// The groups that may be dialed now, best first.
fn groups(
    client: &mut Client,
    campaign: u64,
    rules: &Rules,
    zones: &mut Zones,
    now_ms: i64,
) -> Result<(Vec<Group>, Option<i64>), StoreError> {
    let rows = client.query(GROUPS, &[&clock::id(campaign), &limits::LEASE_GROUPS])?;
    let mut open = Vec::new();
    let mut next_due: Option<i64> = None;
    let mut due_at = |at: i64| next_due = Some(next_due.map_or(at, |next: i64| next.min(at)));
    for row in rows {
        let (zone, due_ms): (String, i64) = (row.get("time_zone"), row.get("due_ms"));
        let rank: i16 = row.get("rank");
        let Some(name) = rules.zone(&zone) else {
            continue;
        };
        match zones.window(name) {
            Some(Window::Open { until_ms, .. }) if due_ms <= now_ms => open.push(Group {
                priority: Reverse(i32::from(rank) + i32::from(row.get::<_, i16>("priority"))),
                until_ms: *until_ms,
                zone,
                list: row.get("list"),
                rank,
                weight: row.get("weight"),
            }),
            Some(Window::Open { .. }) => due_at(due_ms),
            Some(Window::Closed {
                opens_ms: Some(opens_ms),
            }) => due_at(due_ms.max(*opens_ms)),
            Some(Window::Closed { opens_ms: None }) => {}
            None => tracing::warn!(
                campaign,
                zone = name,
                "leads in an unknown time zone are not dialed"
            ),
        }
    }
    open.sort();
    let latest = now_ms + clock::millis(limits::NEXT_DUE_MAX);
    Ok((open, next_due.map(|at| at.min(latest))))
}

/// The open zones of the groups, and of the agents' own leads.
fn open_zones(
    client: &mut Client,
    campaign: u64,
    agents: &[i64],
    groups: &[Group],
    rules: &Rules,
    zones: &mut Zones,
) -> Result<Vec<Open>, StoreError> {
    let mut names: BTreeSet<String> = groups.iter().map(|group| group.zone.clone()).collect();
    if !agents.is_empty() {
        let held = client.query(HELD_ZONES, &[&clock::id(campaign), &agents])?;
        names.extend(held.iter().map(|row| row.get::<_, String>(0)));
    }
    Ok(names
        .into_iter()
        .filter_map(|zone| match zones.window(rules.zone(&zone)?)? {
            Window::Open {
                since_ms,
                until_ms,
                day,
            } => Some(Open {
                day: day.clone(),
                since_ms: *since_ms,
                until_ms: *until_ms,
                zone,
            }),
            Window::Closed { .. } => None,
        })
        .collect())
}

/// So many leads of each group: those of equal priority share by the weights of their lists.
fn quotas(groups: &[Group], count: i64) -> Vec<i64> {
    groups
        .iter()
        .map(|group| {
            let equals = groups.iter().filter(|g| g.priority == group.priority);
            let lists: BTreeSet<(i64, i32)> = equals.map(|g| (g.list, g.weight)).collect();
            let all: i64 = lists.iter().map(|(_, weight)| i64::from(*weight)).sum();
            (count * i64::from(group.weight) + all - 1) / all.max(1)
        })
        .collect()
}

fn take(
    client: &mut Client,
    who: Lessee<'_>,
    (want, now_ms): (Want<'_>, i64),
    agents: &[i64],
    rules: &Rules,
    (groups, open): (&[Group], &[Open]),
) -> Result<Vec<Lease>, StoreError> {
    let expires_at_ms = now_ms + clock::millis(limits::LEASE_TTL);
    let count = i64::from(want.count.min(limits::LEASES_PER_REQUEST));
    let group = |f: fn(&Group) -> &str| -> Vec<&str> { groups.iter().map(f).collect() };
    let rows = client.query(
        LEASE,
        &[
            &clock::id(want.campaign),
            &count,
            &who.node,
            &i32::try_from(who.epoch).unwrap_or(i32::MAX),
            &expires_at_ms,
            &group(|g| &g.zone),
            &groups.iter().map(|g| g.list).collect::<Vec<_>>(),
            &groups.iter().map(|g| g.rank).collect::<Vec<_>>(),
            &quotas(groups, count),
            &open.iter().map(|o| o.zone.as_str()).collect::<Vec<_>>(),
            &open.iter().map(|o| o.day.as_str()).collect::<Vec<_>>(),
            &agents,
            &limits::OWN_LEADS_IN_HAND,
            &rules.max_attempts,
            &rules.max_attempts_per_number,
            &rules.number_attempts_per_day,
            &rules.number_attempts_total,
            &f64::from(limits::CLAIMED_RETRY_SECONDS),
            &f64::from(limits::CAPPED_RETRY_SECONDS),
            &rules.test,
        ],
    )?;
    let mut leases: Vec<Lease> = Vec::new();
    for row in rows {
        let zone: &str = row.get("time_zone");
        let Some(window) = open.iter().find(|o| o.zone == zone) else {
            continue;
        };
        let number = LeadNumber {
            number: row.get("number"),
            position: clock::u8_of(i32::from(row.get::<_, i16>("position"))),
            attempts: clock::u16_of(row.get("number_attempts")),
            not_before_ms: window.since_ms,
            not_after_ms: window.until_ms,
        };
        let id = clock::uid(row.get("lease"));
        match leases.last_mut() {
            Some(lease) if lease.id == id => lease.numbers.push(number),
            _ => leases.push(Lease {
                numbers: vec![number],
                expires_at_ms,
                ..granted(&row, id, window, rules)
            }),
        }
    }
    Ok(leases)
}

/// All but the numbers.
fn granted(row: &Row, id: u64, window: &Open, rules: &Rules) -> Lease {
    let number = |column: &str| clock::u16_of(row.get(column));
    let callback_at_ms: Option<i64> = row.get("callback_at_ms");
    let callback_agent: Option<i64> = row.get("callback_agent");
    let until_ms = match (callback_at_ms, callback_agent) {
        (Some(at_ms), Some(_)) => rules
            .hold_ms()
            .map(|hold_ms| at_ms.max(window.since_ms) + hold_ms),
        (Some(_) | None, _) => row.get("owner_until_ms"),
    };
    Lease {
        id,
        lead: clock::uid(row.get("id")),
        list: clock::uid(row.get("list")),
        weight: clock::u32_of(row.get("weight")),
        priority: row.get("priority"),
        owner: row.get::<_, Option<i64>>("holder").map(|agent| Owner {
            agent: clock::uid(agent),
            until_ms,
        }),
        skill: row.get("skill"),
        attempts: number("attempts"),
        last: row
            .get::<_, Option<String>>("last_outcome")
            .map(|outcome| (outcome, number("last_count"))),
        callback: callback_at_ms.map(|_| Callback {
            agent: callback_agent.map(clock::uid),
            tries: number("callback_tries"),
        }),
        numbers: Vec::new(),
        expires_at_ms: 0,
    }
}

/// A do-not-call entry that was committed while the leases were taken is seen here; one that is
/// committed later finds the leases and revokes them.
fn recheck(
    client: &mut Client,
    who: Lessee<'_>,
    campaign: u64,
    mut leases: Vec<Lease>,
) -> Result<Vec<Lease>, StoreError> {
    let numbers: Vec<&str> = leases
        .iter()
        .flat_map(|lease| lease.numbers.iter().map(|n| n.number.as_str()))
        .collect();
    if numbers.is_empty() {
        return Ok(leases);
    }
    let found = client.query(
        "SELECT number FROM outdial.do_not_call
         WHERE number = ANY ($1) AND (campaign_id IS NULL OR campaign_id = $2)",
        &[&numbers, &clock::id(campaign)],
    )?;
    let forbidden: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let hit = |lease: &Lease| lease.numbers.iter().any(|n| forbidden.contains(&n.number));
    let back: Vec<u64> = leases
        .iter()
        .filter(|lease| hit(lease))
        .map(|lease| lease.id)
        .collect();
    release(client, who.node, Some(who.epoch), &back, &["leased"], None)?;
    leases.retain(|lease| !hit(lease));
    Ok(leases)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(priority: i32, list: i64, weight: i32) -> Group {
        Group {
            priority: Reverse(priority),
            until_ms: 0,
            zone: String::new(),
            list,
            rank: 0,
            weight,
        }
    }

    #[test]
    fn lists_of_equal_priority_share_by_weight() {
        let groups = [
            group(5, 1, 1),
            group(0, 2, 1),
            group(0, 3, 3),
            group(0, 4, 6),
        ];
        assert_eq!(quotas(&groups, 100), [100, 10, 30, 60]);
        assert_eq!(quotas(&groups, 1), [1, 1, 1, 1]);
    }
}
