//! Agents: who is logged in, and who has been idle longest.
/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Not there.
    LoggedOut,
    /// Logged in; the channel is not yet (or not at present) in its waiting bridge.
    Entering,
    /// Waits for a call.
    Available,
    /// Chosen for a call, being connected.
    Reserved,
    /// Talks.
    OnCall,
    /// After a call.
    WrapUp,
}
