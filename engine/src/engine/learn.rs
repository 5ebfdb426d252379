//! What predictions learn from: how dials end, who was abandoned, how long agents are busy.

use crate::agent::AgentState;
use crate::attempt::{Outcome, State};
use crate::config::{AbandonRule, Mode};
use crate::ids::{AttemptId, CampaignId};
use crate::predict::{End, seconds};
use crate::time::{Now, Tick};

use super::Engine;

/// Of the share that a rule allows, this much is aimed at: what is in flight comes on top.
const AIM: f64 = 2.9 / 3.0;
/// The same for a small team whose rule looks at a single day.
const AIM_SMALL: f64 = 2.0 / 3.0;
/// A small team has fewer agents.
const SMALL: u32 = 10;

/// One step of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) from: State,
    pub(super) to: State,
    /// A machine is left a message.
    pub(super) voicemail: bool,
    /// One agent waits for it.
    pub(super) personal: bool,
    /// Its agent came after the limit.
    pub(super) late: bool,
}

impl Engine {
    /// An attempt of a campaign that began at `began` went from one state to another.
    pub(super) fn learn_of_attempt(
        &mut self,
        now: Now,
        campaign: CampaignId,
        (id, began): (AttemptId, Tick),
        step: Step,
    ) {
        let Step {
            from,
            to,
            voicemail,
            personal,
            late,
        } = step;
        let Some(campaign) = self.campaigns.get_mut(&campaign) else {
            return;
        };
        if is_open(to) && personal {
            // One agent waits for it: it is no risk, and is dialed by another rule than chance.
        } else if is_open(to) {
            campaign.dials.insert((began, id));
            let dial = campaign.dials.get_mut(&(began, id));
            if let Some((left, phase)) = dial.and_then(|dial| dial.comes_to(to, now.tick)) {
                campaign.predictor.moved(left, phase);
            }
        } else if let Some(dial) = campaign.dials.remove(&(began, id)) {
            let end = if voicemail { End::Other } else { end(to) };
            let end = if dial.is_ending() && end == End::Other {
                End::Cancelled
            } else {
                end
            };
            let stage = dial.stage(now.tick);
            campaign.predictor.resolved(now.tick, stage, end);
        }
        if campaign.config.mode == Mode::Agentless {
            return;
        }
        let target = target(campaign.config.abandon, campaign.logged_in);
        if to == State::Final(Outcome::Machine) {
            let share = campaign.config.answers.people_among_machines_milli;
            campaign
                .predictor
                .settled(f64::from(share) / 1e3, true, target);
            let share = u64::from(share);
            campaign.account.count(now.wall, share, share);
        } else if let Some(abandoned) = settles(from, to).filter(|_| !voicemail) {
            let abandoned = abandoned || late;
            campaign.predictor.settled(1.0, abandoned, target);
            let abandoned = if abandoned { 1_000 } else { 0 };
            campaign.account.count(now.wall, 1_000, abandoned);
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
            (
                AgentState::OnCall,
                AgentState::Available | AgentState::Entering | AgentState::Paused,
            ) => {
                campaign.predictor.talked(spent);
                campaign.predictor.wrapped_up(0.0);
            }
            (
                AgentState::WrapUp,
                AgentState::Available | AgentState::Entering | AgentState::Paused,
            ) => {
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

/// Whether an answered call got no agent (`true`), or did, in time or too late; `None`: neither is
/// known by this step.
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
