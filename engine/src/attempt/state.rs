//! The 20 states of an attempt and the one table of transitions between them.

use std::fmt;

/// Where an attempt stands. The first eleven are live, the last nine final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Accepted; waits for a trunk (only between two trunks, or while the journal is written).
    Queued,
    /// The PBX was asked to dial.
    Originating,
    /// The carrier has taken the call (SIP 100).
    Proceeding,
    /// The callee's phone rings (SIP 180).
    Ringing,
    /// The carrier plays something before the answer (SIP 183 with media).
    EarlyMedia,
    /// Answered; the dialplan runs up to `OutdialConnect`, with AMD where the operator has it.
    Classifying,
    /// A person waits for an agent.
    AwaitingAgent,
    /// An agent was chosen and is being connected.
    ConnectingAgent,
    /// The person talks to an agent, or to the operator's own dialplan.
    Bridged,
    /// A message is played to the person.
    PlayingMessage,
    /// The call is over; the agent's wrap-up runs.
    WrapUp,
    /// Final, with this outcome.
    Final(Outcome),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A person was connected, or heard the whole message of an agentless campaign.
    Completed,
    /// It rang and nobody answered.
    NoAnswer,
    /// The callee was busy or refused the call.
    Busy,
    /// The network or every trunk refused the call.
    Congested,
    /// The number does not exist.
    Invalid,
    /// A machine answered.
    Machine,
    /// A person answered and got no agent.
    Abandoned,
    /// Given up by outdial before an answer.
    Cancelled,
    /// A fault of PBX, node or engine.
    Failed,
}

impl Outcome {
    /// All outcomes, in the order of the table.
    pub const ALL: [Outcome; 9] = [
        Outcome::Completed,
        Outcome::NoAnswer,
        Outcome::Busy,
        Outcome::Congested,
        Outcome::Invalid,
        Outcome::Machine,
        Outcome::Abandoned,
        Outcome::Cancelled,
        Outcome::Failed,
    ];

    /// The name that database, API and CLI use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::NoAnswer => "no_answer",
            Outcome::Busy => "busy",
            Outcome::Congested => "congested",
            Outcome::Invalid => "invalid",
            Outcome::Machine => "machine",
            Outcome::Abandoned => "abandoned",
            Outcome::Cancelled => "cancelled",
            Outcome::Failed => "failed",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Outcome> {
        Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.name() == name)
    }
}

impl State {
    /// The live states, in the order of the table.
    pub const LIVE: [State; 11] = [
        State::Queued,
        State::Originating,
        State::Proceeding,
        State::Ringing,
        State::EarlyMedia,
        State::Classifying,
        State::AwaitingAgent,
        State::ConnectingAgent,
        State::Bridged,
        State::PlayingMessage,
        State::WrapUp,
    ];

    /// All 20 states.
    pub fn all() -> impl Iterator<Item = State> {
        State::LIVE
            .into_iter()
            .chain(Outcome::ALL.into_iter().map(State::Final))
    }

    /// The name that CLI and API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Originating => "originating",
            State::Proceeding => "proceeding",
            State::Ringing => "ringing",
            State::EarlyMedia => "early_media",
            State::Classifying => "classifying",
            State::AwaitingAgent => "awaiting_agent",
            State::ConnectingAgent => "connecting_agent",
            State::Bridged => "bridged",
            State::PlayingMessage => "playing_message",
            State::WrapUp => "wrap_up",
            State::Final(outcome) => outcome.name(),
        }
    }

    /// Not yet answered: the attempt still rings, or is about to.
    #[must_use]
    pub const fn is_dialing(self) -> bool {
        matches!(
            self,
            State::Queued
                | State::Originating
                | State::Proceeding
                | State::Ringing
                | State::EarlyMedia
        )
    }

    /// Will need an agent who is free now, unless it ends unanswered: what pacing subtracts.
    #[must_use]
    pub const fn is_in_flight(self) -> bool {
        self.is_dialing() || matches!(self, State::Classifying | State::AwaitingAgent)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What moves an attempt from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// A leg was handed to the PBX.
    Dial,
    /// The carrier took the call.
    Proceed,
    /// The phone rings.
    Ring,
    /// Media before the answer.
    EarlyMedia,
    /// Answered.
    Answer,
    /// The answered call asks for an agent.
    Human,
    /// An agent was chosen.
    Reserve,
    /// The chosen agent could not be connected.
    AgentLost,
    /// Customer and agent (or dialplan target) are connected.
    Bridge,
    /// A message starts.
    Play,
    /// The leg failed by the route's fault and another trunk is left.
    Failover,
    /// The call ended and the agent's wrap-up starts.
    WrapUp,
    /// The attempt is over.
    End(Outcome),
}

impl Trigger {
    /// All triggers.
    pub fn all() -> impl Iterator<Item = Trigger> {
        [
            Trigger::Dial,
            Trigger::Proceed,
            Trigger::Ring,
            Trigger::EarlyMedia,
            Trigger::Answer,
            Trigger::Human,
            Trigger::Reserve,
            Trigger::AgentLost,
            Trigger::Bridge,
            Trigger::Play,
            Trigger::Failover,
            Trigger::WrapUp,
        ]
        .into_iter()
        .chain(Outcome::ALL.into_iter().map(Trigger::End))
    }
}

/// The table. `None`: illegal; the caller refuses and counts it.
///
/// Events may arrive in any order, so what the PBX reports later in a call's life is accepted
/// from every earlier state (an answer without ringing, `OutdialConnect` before the answer).
#[must_use]
pub const fn next(state: State, trigger: Trigger) -> Option<State> {
    use State as S;
    use Trigger as T;
    Some(match (state, trigger) {
        (S::Queued, T::Dial) => S::Originating,
        (S::Originating, T::Proceed) => S::Proceeding,
        (S::Originating | S::Proceeding | S::EarlyMedia, T::Ring) => S::Ringing,
        (S::Originating | S::Proceeding | S::Ringing, T::EarlyMedia) => S::EarlyMedia,
        (S::Originating | S::Proceeding | S::Ringing | S::EarlyMedia, T::Answer) => S::Classifying,
        (
            S::Originating | S::Proceeding | S::Ringing | S::EarlyMedia | S::Classifying,
            T::Human,
        ) => S::AwaitingAgent,
        (S::AwaitingAgent, T::Reserve) => S::ConnectingAgent,
        (S::ConnectingAgent, T::AgentLost) => S::AwaitingAgent,
        (S::AwaitingAgent | S::ConnectingAgent, T::Bridge) => S::Bridged,
        (S::Classifying | S::AwaitingAgent | S::Bridged, T::Play) => S::PlayingMessage,
        // Once a phone has rung, another trunk would ring it again.
        (S::Originating | S::Proceeding | S::EarlyMedia, T::Failover) => S::Queued,
        (S::Bridged, T::WrapUp) => S::WrapUp,
        (from, T::End(outcome)) if may_end(from, outcome) => S::Final(outcome),
        _ => return None,
    })
}

/// Which outcomes a live state can end in.
const fn may_end(state: State, outcome: Outcome) -> bool {
    use Outcome as O;
    match state {
        State::Queued => matches!(outcome, O::Congested | O::Cancelled | O::Failed),
        State::Originating | State::Proceeding | State::Ringing | State::EarlyMedia => matches!(
            outcome,
            O::NoAnswer | O::Busy | O::Congested | O::Invalid | O::Cancelled | O::Failed
        ),
        State::Classifying => matches!(outcome, O::Machine | O::Abandoned | O::Failed),
        State::AwaitingAgent | State::ConnectingAgent => {
            matches!(outcome, O::Abandoned | O::Failed)
        }
        State::Bridged => matches!(outcome, O::Completed | O::Failed),
        State::PlayingMessage => {
            matches!(
                outcome,
                O::Completed | O::Machine | O::Abandoned | O::Failed
            )
        }
        State::WrapUp => matches!(outcome, O::Completed),
        State::Final(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_twenty_states() {
        assert_eq!(State::all().count(), 20);
    }

    #[test]
    fn every_pair_is_decided_and_final_states_stay() {
        for state in State::all() {
            for trigger in Trigger::all() {
                let after = next(state, trigger);
                assert_ne!(after, Some(state), "{state} {trigger:?} moves nothing");
                if matches!(state, State::Final(_)) {
                    assert_eq!(after, None, "{state} {trigger:?}");
                }
            }
        }
    }

    #[test]
    fn every_live_state_reaches_an_end_and_is_reached() {
        for state in State::LIVE {
            assert!(
                Outcome::ALL
                    .into_iter()
                    .any(|o| next(state, Trigger::End(o)).is_some()),
                "{state} has no exit"
            );
            let reached = State::LIVE
                .into_iter()
                .any(|from| Trigger::all().any(|t| next(from, t) == Some(state)));
            assert!(
                reached || state == State::Queued,
                "{state} is never entered"
            );
        }
    }

    #[test]
    fn who_has_answered_is_never_unanswered_again() {
        let answered = [
            State::Classifying,
            State::AwaitingAgent,
            State::ConnectingAgent,
            State::Bridged,
            State::PlayingMessage,
            State::WrapUp,
        ];
        for state in answered {
            for trigger in Trigger::all() {
                let Some(after) = next(state, trigger) else {
                    continue;
                };
                assert!(!after.is_dialing(), "{state} {trigger:?}");
                let unanswered = [Outcome::NoAnswer, Outcome::Busy, Outcome::Cancelled];
                assert!(
                    !unanswered.iter().any(|o| after == State::Final(*o)),
                    "{state} {trigger:?}"
                );
            }
        }
    }
}
