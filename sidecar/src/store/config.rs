//! The whole configuration as the engine gets it.

use std::collections::{BTreeMap, BTreeSet};

use outdial_link::{
    Agent, AgentlessAction, AnswerRules, CallerIds, Campaign, CampaignState, ClockStart, Config,
    Membership, Mode, OnMachine, Phone, Route, Skill, Target, Trunk,
};
use postgres::{Client, IsolationLevel, Row, Transaction};
use serde_json::Value;

use crate::clock;
use crate::store::{StoreError, retry};

/// Everything there is, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// See [`outdial_link::Config::Settings`].
    pub max_concurrent_originates: u32,
    /// Those that could dial; see [`Configuration::incomplete`].
    pub campaigns: BTreeMap<u64, Campaign>,
    /// Campaigns that the engine would refuse, with the reason.
    pub incomplete: BTreeMap<u64, (String, CampaignState, String)>,
    /// Test campaigns, complete or not.
    pub tests: BTreeSet<u64>,
    /// Trunks.
    pub trunks: BTreeMap<u64, Trunk>,
    /// Routes.
    pub routes: Vec<Route>,
    /// Agents.
    pub agents: BTreeMap<u64, Agent>,
}

impl Configuration {
    /// Everything, in an order in which nothing refers to what comes later.
    pub fn full(&self) -> Vec<Config> {
        self.changes_from(&Configuration::default(), true)
    }

    /// What a PBX may know of it: a simulated one the test campaigns, a real one all others.
    #[must_use]
    pub fn for_host(&self, test_host: bool) -> Configuration {
        let mut part = self.clone();
        let fits = |id: &u64| self.tests.contains(id) == test_host;
        part.campaigns.retain(|id, _| fits(id));
        part.incomplete.retain(|id, _| fits(id));
        part.routes
            .retain(|route| route.campaign.as_ref().is_none_or(fits));
        for agent in part.agents.values_mut() {
            agent.campaigns.retain(|member| fits(&member.campaign));
        }
        part
    }

    /// What turns `old` into `self`.
    pub fn diff(&self, old: &Configuration) -> Vec<Config> {
        self.changes_from(old, false)
    }

    fn changes_from(&self, old: &Configuration, all: bool) -> Vec<Config> {
        let mut changes = Vec::new();
        if all || self.max_concurrent_originates != old.max_concurrent_originates {
            changes.push(Config::Settings {
                max_concurrent_originates: self.max_concurrent_originates,
            });
        }
        let changed = |id: &u64, trunk: &Trunk| old.trunks.get(id) != Some(trunk);
        for (_, trunk) in self.trunks.iter().filter(|(id, trunk)| changed(id, trunk)) {
            changes.push(Config::Trunk(trunk.clone()));
        }
        if all || self.routes != old.routes {
            changes.push(Config::Routes(self.routes.clone()));
        }
        let changed = |id: &u64, agent: &Agent| old.agents.get(id) != Some(agent);
        for (_, agent) in self.agents.iter().filter(|(id, agent)| changed(id, agent)) {
            changes.push(Config::Agent(agent.clone()));
        }
        for (id, campaign) in &self.campaigns {
            if old.campaigns.get(id) != Some(campaign) {
                changes.push(Config::Campaign(Box::new(campaign.clone())));
            }
        }
        let gone = |id: &&u64| !self.campaigns.contains_key(id);
        changes.extend(
            old.campaigns
                .keys()
                .filter(gone)
                .map(|id| Config::CampaignRemoved(*id)),
        );
        let gone = |id: &&u64| !self.agents.contains_key(id);
        changes.extend(
            old.agents
                .keys()
                .filter(gone)
                .map(|id| Config::AgentRemoved(*id)),
        );
        let gone = |id: &&u64| !self.trunks.contains_key(id);
        changes.extend(
            old.trunks
                .keys()
                .filter(gone)
                .map(|id| Config::TrunkRemoved(*id)),
        );
        changes
    }
}

/// The versions of the change counters: configuration, do-not-call.
///
/// # Errors
/// What PostgreSQL says.
pub fn versions(client: &mut Client) -> Result<(i64, i64), StoreError> {
    let row = client.query_one(
        "SELECT (SELECT version FROM outdial.changes WHERE what = 'config'),
                (SELECT version FROM outdial.changes WHERE what = 'do_not_call')",
        &[],
    )?;
    Ok((row.get(0), row.get(1)))
}

/// Reads everything as of one instant.
///
/// # Errors
/// What PostgreSQL says.
pub fn load(client: &mut Client) -> Result<Configuration, StoreError> {
    let mut transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()?;
    let mut found = Configuration {
        max_concurrent_originates: setting(&mut transaction)?,
        ..Configuration::default()
    };
    load_campaigns(&mut transaction, &mut found)?;
    load_trunks(&mut transaction, &mut found)?;
    for row in transaction.query(
        "SELECT a.id, a.name, coalesce(array_agg(ac.campaign_id ORDER BY ac.campaign_id)
                  FILTER (WHERE ac.campaign_id IS NOT NULL), '{}'),
                coalesce(array_agg(ac.rank ORDER BY ac.campaign_id)
                  FILTER (WHERE ac.campaign_id IS NOT NULL), '{}'),
                a.phone_tech, a.phone_endpoint, a.ring_timeout_ms, a.skills,
                a.pin_hash IS NOT NULL
         FROM outdial.agents a LEFT JOIN outdial.agent_campaigns ac ON ac.agent_id = a.id
         GROUP BY a.id",
        &[],
    )? {
        let id = clock::uid(row.get(0));
        let campaigns = row.get::<_, Vec<i64>>(2).into_iter().map(clock::uid);
        let ranks = row.get::<_, Vec<i16>>(3).into_iter().map(i32::from);
        let agent = Agent {
            id,
            name: row.get(1),
            // The engine knows only campaigns that could dial.
            campaigns: campaigns
                .zip(ranks.map(clock::u8_of))
                .filter(|(id, _)| found.campaigns.contains_key(id))
                .map(|(campaign, rank)| Membership { campaign, rank })
                .collect(),
            skills: skills(row.get(7)),
            phone: row
                .get::<_, Option<String>>(4)
                .zip(row.get(5))
                .map(|(tech, endpoint)| Phone { tech, endpoint }),
            ring_timeout_ms: clock::u32_of(row.get(6)),
            pin: row.get(8),
        };
        found.agents.insert(id, agent);
    }
    transaction.commit()?;
    Ok(found)
}

/// Levels outside their range are the table's to refuse.
fn skills(from: Value) -> Vec<Skill> {
    let Value::Object(from) = from else {
        return Vec::new();
    };
    let skill = |(name, level): (String, Value)| {
        let level = u8::try_from(level.as_u64()?).ok()?;
        Some(Skill { name, level })
    };
    from.into_iter().filter_map(skill).collect()
}

fn setting(transaction: &mut Transaction<'_>) -> Result<u32, StoreError> {
    let row = transaction.query_opt(
        "SELECT value::integer FROM outdial.settings WHERE key = 'max_concurrent_originates'",
        &[],
    )?;
    Ok(row.map_or(50, |row| clock::u32_of(row.get(0))))
}

fn load_trunks(
    transaction: &mut Transaction<'_>,
    found: &mut Configuration,
) -> Result<(), StoreError> {
    for row in transaction.query(
        "SELECT id, name, tech, endpoint, enabled, (cps_limit * 1000)::integer, burst, max_channels
         FROM outdial.trunk_config",
        &[],
    )? {
        let id = clock::uid(row.get(0));
        let trunk = Trunk {
            id,
            name: row.get(1),
            tech: row.get(2),
            endpoint: row.get(3),
            enabled: row.get(4),
            cps_milli: clock::u32_of(row.get(5)),
            burst: clock::u32_of(row.get(6)),
            max_channels: clock::u32_of(row.get(7)),
        };
        found.trunks.insert(id, trunk);
    }
    for row in transaction.query(
        "SELECT campaign_id, prefix, trunk_id, priority, weight, strip, prepend
         FROM outdial.routes ORDER BY id",
        &[],
    )? {
        let campaign = row.get::<_, Option<i64>>(0).map(clock::uid);
        if campaign.is_some_and(|id| !found.campaigns.contains_key(&id)) {
            continue;
        }
        found.routes.push(Route {
            campaign,
            prefix: row.get(1),
            trunk: clock::uid(row.get(2)),
            priority: clock::u32_of(row.get(3)),
            weight: clock::u32_of(row.get(4)),
            strip: clock::u8_of(row.get(5)),
            prepend: row.get(6),
        });
    }
    Ok(())
}

fn load_campaigns(
    transaction: &mut Transaction<'_>,
    found: &mut Configuration,
) -> Result<(), StoreError> {
    for row in transaction.query(
        "SELECT id, name, state, mode, (ratio * 1000)::integer AS ratio_milli, priority,
                (max_ratio * 1000)::integer AS max_ratio_milli,
                (abandon_limit * 10)::integer AS abandon_limit_milli,
                abandon_window = 'day' AS abandon_daily,
                max_concurrent, ring_timeout_ms, connect_limit_ms, message, context, exten,
                exten_priority, agentless_action, goto_context, goto_exten, goto_priority,
                abandon_from, on_machine, machine_message, on_unknown = 'machine' AS unknown_is_machine,
                on_screening = 'machine' AS screening_is_machine,
                (people_among_machines * 10)::integer AS people_among_machines_milli,
                caller_id_daily_cap, local_presence,
                min_ring_ms, preview_timeout_ms, preview_dial,
                wrap_up_ms, recording, nullif(amd, 'default') AS amd_arguments,
                amd IS NOT NULL AS has_amd, caller_ids, max_attempts, max_attempts_per_number,
                retry, test
         FROM outdial.campaigns",
        &[],
    )? {
        let campaign = campaign(&row);
        if row.get("test") {
            found.tests.insert(campaign.id);
        }
        match incomplete(&campaign) {
            None => {
                found.campaigns.insert(campaign.id, campaign);
            }
            Some(why) => {
                found
                    .incomplete
                    .insert(campaign.id, (campaign.name, campaign.state, why));
            }
        }
    }
    Ok(())
}

/// Why the engine would refuse it.
fn incomplete(campaign: &Campaign) -> Option<String> {
    if campaign.caller_ids.numbers.is_empty() {
        return Some("it has no caller id".into());
    }
    let needs_message = match campaign.mode {
        Mode::Preview { .. } | Mode::Progressive => false,
        Mode::Power(ratio_milli) => ratio_milli > 1_000,
        Mode::Predictive(_) => true,
        Mode::Agentless => campaign.agentless == AgentlessAction::PlayMessage,
    };
    (needs_message && campaign.message.is_none()).then(|| "it has no message".into())
}

fn campaign(row: &Row) -> Campaign {
    let ratio_milli = clock::u32_of(row.get("ratio_milli"));
    let text =
        |column: &str| -> String { row.get::<_, Option<String>>(column).unwrap_or_default() };
    let number = |column: &str| clock::u32_of(row.get(column));
    Campaign {
        id: clock::uid(row.get("id")),
        name: text("name"),
        state: match text("state").as_str() {
            "running" => CampaignState::Running,
            "paused" => CampaignState::Paused,
            _ => CampaignState::Stopped,
        },
        mode: match text("mode").as_str() {
            "power" => Mode::Power(ratio_milli),
            "preview" => Mode::Preview {
                timeout_ms: row
                    .get::<_, Option<i32>>("preview_timeout_ms")
                    .map(clock::u32_of),
                dial: row.get("preview_dial"),
            },
            "predictive" => Mode::Predictive(
                row.get::<_, Option<i32>>("max_ratio_milli")
                    .map(clock::u32_of),
            ),
            "agentless" => Mode::Agentless,
            _ => Mode::Progressive,
        },
        priority: row.get("priority"),
        max_concurrent: number("max_concurrent"),
        min_ring_ms: number("min_ring_ms"),
        ring_timeout_ms: number("ring_timeout_ms"),
        connect_limit_ms: number("connect_limit_ms"),
        abandon_limit_milli: number("abandon_limit_milli"),
        abandon_daily: row.get("abandon_daily"),
        answers: AnswerRules {
            clock: match text("abandon_from").as_str() {
                "greeting_start" => ClockStart::GreetingStart,
                "greeting_end" => ClockStart::GreetingEnd,
                "verdict" => ClockStart::Verdict,
                _ => ClockStart::Answer,
            },
            machine: match text("on_machine").as_str() {
                "message" => OnMachine::Message(text("machine_message")),
                "agent" => OnMachine::Agent,
                _ => OnMachine::HangUp,
            },
            unknown_is_machine: row.get("unknown_is_machine"),
            screening_is_machine: row.get("screening_is_machine"),
            people_among_machines_milli: number("people_among_machines_milli"),
        },
        message: row.get("message"),
        target: Target {
            context: text("context"),
            exten: text("exten"),
            priority: number("exten_priority"),
        },
        agentless: match text("agentless_action").as_str() {
            "continue" => AgentlessAction::Continue,
            "goto" => AgentlessAction::Goto(Target {
                context: text("goto_context"),
                exten: text("goto_exten"),
                priority: number("goto_priority"),
            }),
            _ => AgentlessAction::PlayMessage,
        },
        wrap_up_ms: number("wrap_up_ms"),
        recording: row.get("recording"),
        amd: row.get::<_, bool>("has_amd").then(|| text("amd_arguments")),
        caller_ids: CallerIds {
            numbers: row.get("caller_ids"),
            daily_cap: row
                .get::<_, Option<i32>>("caller_id_daily_cap")
                .map(clock::u32_of),
            local_digits: clock::u8_of(i32::from(row.get::<_, i16>("local_presence"))),
        },
        retry: retry::policy(
            &row.get::<_, Value>("retry"),
            clock::u16_of(row.get("max_attempts")),
            clock::u16_of(row.get("max_attempts_per_number")),
        ),
    }
}
