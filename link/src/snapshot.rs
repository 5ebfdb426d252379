//! The engine's state as the sidecar shows it.

use serde::{Deserialize, Serialize};

/// The whole state at one instant. Lists are ordered by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When.
    pub at_ms: i64,
    /// Totals since the engine started.
    pub totals: Totals,
    /// By campaign.
    pub campaigns: Vec<CampaignSnapshot>,
    /// By trunk.
    pub trunks: Vec<TrunkSnapshot>,
    /// Logged-in agents.
    pub agents: Vec<AgentSnapshot>,
    /// Attempts that are live, at most [`Snapshot::ATTEMPTS`].
    pub attempts: Vec<AttemptSnapshot>,
}

impl Snapshot {
    /// The most attempts that one snapshot lists.
    pub const ATTEMPTS: usize = 2_000;
}

/// Totals since the engine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Attempts live.
    pub live: u64,
    /// Attempts not yet answered.
    pub dialing: u64,
    /// Leases in hand.
    pub leases: u64,
    /// Legs placed.
    pub legs: u64,
    /// Attempts ended.
    pub ended: u64,
    /// Transitions that the table refused.
    pub illegal: u64,
    /// Events about legs and sessions that are not known.
    pub stray: u64,
    /// Legs that the PBX lost without a word.
    pub ghosts: u64,
}

/// One campaign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CampaignSnapshot {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// running, paused, stopped, checking or refused.
    pub state: String,
    /// What the PBX lacks, where refused.
    pub lacks: Option<String>,
    /// Attempts live.
    pub live: u32,
    /// Attempts not yet answered.
    pub dialing: u32,
    /// Attempts bridged.
    pub bridged: u32,
    /// Leads in hand.
    pub leases: u32,
    /// Agents logged in for it.
    pub agents: u32,
    /// Agents free.
    pub free: u32,
    /// Attempts by outcome since the engine started.
    pub outcomes: Vec<(String, u64)>,
    /// Calls answered by a person over the abandon rule's window, in thousandths.
    pub answered_milli: u64,
    /// Those of them that got no agent, in thousandths.
    pub abandoned_milli: u64,
    /// Answered calls that were over within 6 s.
    pub short_calls: u64,
    /// Why it dialed fewer calls than it could, most frequent first.
    pub why: Vec<HeldSnapshot>,
    /// The reason that holds right now.
    pub why_now: Option<String>,
    /// The PBX's own queue whose members are its agents.
    pub queue: Option<QueueSnapshot>,
}

/// A campaign's queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSnapshot {
    /// Its name in the PBX.
    pub name: String,
    /// The PBX has told of it.
    pub known: bool,
    /// Callers whom no member has taken yet, whoever sent them.
    pub callers: u32,
    /// Of which the campaign's own.
    pub waiting: u32,
}

/// One reason that held a campaign back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSnapshot {
    /// Why.
    pub reason: String,
    /// Decisions since the engine started.
    pub count: u64,
    /// The last of them was so long ago, in ms.
    pub ago_ms: u64,
    /// The figures behind it as they are now; may be empty.
    pub figures: String,
}

/// One trunk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrunkSnapshot {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Calls per second, in thousandths.
    pub cps_milli: u32,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Tokens in the bucket, in thousandths.
    pub tokens_milli: i64,
    /// Channels in use.
    pub channels: u32,
    /// Channels allowed.
    pub max_channels: u32,
    /// Legs placed.
    pub legs: u64,
    /// Legs answered.
    pub answered: u64,
    /// Legs that failed by the trunk's fault.
    pub faults: u64,
    /// Answered calls that were over within 6 s.
    pub short_calls: u64,
    /// Answers that came before any ringing, within a second.
    pub false_answers: u64,
    /// Moving average of its results by cause, in thousandths: 1000 is a trunk that always works.
    pub health_milli: u32,
    /// `up`, `down` (left alone after failures) or `trying` (with one call).
    pub circuit: String,
    /// Left alone until this instant.
    pub backoff_until_ms: Option<i64>,
}

/// One logged-in agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentSnapshot {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// State name.
    pub state: String,
    /// In that state for this long, in ms.
    pub since_ms: u64,
    /// Logged in for this long, in ms.
    pub logged_in_ms: u64,
    /// Of which talking, in ms.
    pub talk_ms: u64,
    /// Of which in wrap-up, in ms.
    pub wrap_up_ms: u64,
    /// Calls taken.
    pub calls: u64,
    /// Of which paused, in ms.
    pub paused_ms: u64,
    /// The pause code, of one who is paused or will be after the call in hand.
    pub pause: Option<String>,
    /// The call in hand, or the one that is wrapped up: attempt and lead.
    pub call: Option<(u64, u64)>,
    /// Logged in without a channel: the agent's phone is rung for each call.
    pub on_hook: bool,
}

/// One live attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptSnapshot {
    /// Id.
    pub id: u64,
    /// Leg.
    pub leg: u8,
    /// Campaign.
    pub campaign: u64,
    /// Trunk.
    pub trunk: u64,
    /// State name.
    pub state: String,
    /// In that state for this long, in ms.
    pub since_ms: u64,
    /// Agent, if one.
    pub agent: Option<u64>,
    /// When its deadline fires.
    pub deadline_ms: Option<i64>,
    /// What the deadline is for.
    pub deadline: Option<String>,
    /// It came in: there is no trunk.
    pub inbound: bool,
}
