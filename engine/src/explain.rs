//! Why a campaign dials fewer calls than it could.

/// One reason. Each pacing decision that is held back counts exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The campaign is paused or stopped.
    Paused,
    /// The PBX is being asked whether it has what the campaign needs.
    Checking,
    /// The PBX lacks something that the campaign needs.
    Refused,
    /// The engine drains.
    Draining,
    /// The journal can't be written.
    Journal,
    /// The sidecar has been gone for too long.
    LinkDown,
    /// The PBX refused to dial (overload, limits) a moment ago.
    PbxOverload,
    /// The PBX has not told who is in the campaign's queue.
    QueueUnknown,
    /// No agent is logged in for it.
    NoAgents,
    /// All agents are busy or already dialed for: the ordinary state of a busy campaign.
    AgentsBusy,
    /// Agents look at leads and decide themselves.
    Previewing,
    /// One call for each free agent and no more, because too many calls were abandoned.
    AbandonBudget,
    /// The campaign's `max_ratio` is reached.
    MaxRatio,
    /// No lead is due.
    NoLeads,
    /// Leads are there, but outside their calling window.
    WindowClosed,
    /// Leads are there, but on the do-not-call list.
    DoNotCall,
    /// Leads are there, but each waits for one agent who is busy, paused or not there.
    OwnerAway,
    /// Leads are there, but their people call us just now.
    Calling,
    /// No route leads to the number.
    NoRoute,
    /// Every caller id was shown as often as it may be in a day.
    CallerIds,
    /// The trunk's calls per second are used up for now.
    TrunkCps,
    /// The trunk's channels are all in use.
    TrunkChannels,
    /// The trunk failed and is left alone for a while, or is disabled.
    TrunkBackoff,
    /// The campaign's `max_concurrent` is reached.
    MaxConcurrent,
    /// The node's `max_concurrent_originates` is reached.
    MaxConcurrentOriginates,
    /// The engine's own limit of live attempts is reached.
    EngineLimit,
}

impl Reason {
    /// The name that CLI and API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Paused => "paused",
            Reason::Checking => "checking the PBX",
            Reason::Refused => "the PBX lacks something",
            Reason::Draining => "draining",
            Reason::Journal => "journal unwritable",
            Reason::LinkDown => "link down",
            Reason::PbxOverload => "PBX overloaded",
            Reason::QueueUnknown => "queue not known",
            Reason::NoAgents => "no agents",
            Reason::AgentsBusy => "agents busy",
            Reason::Previewing => "agents look at leads",
            Reason::AbandonBudget => "abandon budget",
            Reason::MaxRatio => "max_ratio",
            Reason::NoLeads => "no leads",
            Reason::WindowClosed => "window closed",
            Reason::DoNotCall => "do not call",
            Reason::OwnerAway => "leads wait for their agents",
            Reason::Calling => "leads call us",
            Reason::NoRoute => "no route",
            Reason::CallerIds => "caller ids used up",
            Reason::TrunkCps => "trunk CPS",
            Reason::TrunkChannels => "trunk channels",
            Reason::TrunkBackoff => "trunk failing",
            Reason::MaxConcurrent => "max_concurrent",
            Reason::MaxConcurrentOriginates => "max_concurrent_originates",
            Reason::EngineLimit => "engine limit",
        }
    }
}
