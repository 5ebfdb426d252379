//! What predictions learn from: how dials end, who was abandoned, how long agents are busy.

use crate::agent::AgentState;
use crate::attempt::{Outcome, State};
use crate::config::{AbandonRule, Mode};
use crate::ids::{AttemptId, CampaignId};
use crate::predict::{End, seconds};
use crate::time::{Now, Tick};

use super::Engine;

/// Of the share that a rule allows, this much is aimed at: what is in flight comes on top.
const AIM: f64 = 2.8 / 3.0;
/// The same for a small team whose rule looks at a single day.
const AIM_SMALL: f64 = 2.0 / 3.0;
/// A small team has fewer agents.
const SMALL: u32 = 10;

impl Engine {
    /// An attempt of a campaign that began at `began` went from one state to another.
    pub(super) fn learn_of_attempt(
        &mut self,
        now: Now,
        campaign: CampaignId,
        (id, began): (AttemptId, Tick),
        (from, to): (State, State),
    ) {
        let Some(campaign) = self.campaigns.get_mut(&campaign) else {
            return;
        };
        if is_open(to) {
            campaign.dials.insert((began, id));
        } else if campaign.dials.remove(&(began, id)) {
            let age = seconds(now.tick - began);
            campaign.predictor.resolved(now.tick, age, end(to));
        }
        if campaign.config.mode == Mode::Agentless {
            return;
        }
        if let Some(abandoned) = settles(from, to) {
            let target = target(campaign.config.abandon, campaign.logged_in);
            campaign.predictor.settled(abandoned, target);
        }
    }

    /// An agent who last served this campaign left the state `was`, entered then, for another.
    pub(super) fn learn_of_agent(
        &mut self,
        now: Now,
        serves: Option<CampaignId>,
        was: (AgentState, Tick),
        is: AgentState,
    ) {
        let Some(campaign) = serves.and_then(|id| self.campaigns.get_mut(&id)) else {
            return;
        };
        let spent = seconds(now.tick - was.1);
        match (was.0, is) {
            (AgentState::OnCall, AgentState::WrapUp | AgentState::LoggedOut) => {
                campaign.predictor.talked(spent);
            }
            (AgentState::OnCall, AgentState::Available | AgentState::Entering) => {
                campaign.predictor.talked(spent);
                campaign.predictor.wrapped_up(0.0);
            }
            (AgentState::WrapUp, AgentState::Available | AgentState::Entering) => {
                campaign.predictor.wrapped_up(spent);
            }
            _ => {}
        }
    }
}

/// Nobody knows yet whether a person answers.
fn is_open(state: State) -> bool {
    state.is_dialing() || state == State::Classifying
}

fn end(to: State) -> End {
    match to {
        // Who hangs up before there is an agent has answered all the same.
        State::AwaitingAgent
        | State::ConnectingAgent
        | State::Bridged
        | State::PlayingMessage
        | State::WrapUp
        | State::Final(Outcome::Abandoned | Outcome::Completed) => End::Answered,
        State::Final(Outcome::Cancelled) => End::Cancelled,
        State::Final(
            Outcome::NoAnswer
            | Outcome::Busy
            | Outcome::Congested
            | Outcome::Invalid
            | Outcome::Machine
            | Outcome::Failed,
        ) => End::Other,
        State::Queued
        | State::Originating
        | State::Proceeding
        | State::Ringing
        | State::EarlyMedia
        | State::Classifying => End::Cancelled,
    }
}

/// Whether an answered call got no agent (`true`), or did; `None`: neither is known by this step.
fn settles(from: State, to: State) -> Option<bool> {
    let waits = matches!(
        from,
        State::Classifying | State::AwaitingAgent | State::ConnectingAgent
    );
    let abandoned = matches!(to, State::PlayingMessage | State::Final(Outcome::Abandoned));
    (waits && (abandoned || to == State::Bridged)).then_some(abandoned)
}

fn target(rule: AbandonRule, agents: u32) -> f64 {
    let limit = f64::from(rule.limit_milli) / 1_000.0;
    let small = rule.daily && agents < SMALL;
    limit * if small { AIM_SMALL } else { AIM }
}
