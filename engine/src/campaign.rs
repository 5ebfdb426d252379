//! A campaign at run time.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::agent::{Agent, AgentState};
use crate::attempt::{Outcome, State};
use crate::config::{CampaignConfig, CampaignState, Mode};
use crate::dials::Dials;
use crate::explain::Reason;
use crate::hopper::Hopper;
use crate::ids::{AgentId, AttemptId, RequestId};
use crate::limits::LEASES_PER_CAMPAIGN;
use crate::line::Line;
use crate::predict::{Predictor, seconds};
use crate::time::{Now, Span, Tick, Wall};

/// What is known of the PBX's readiness for a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Unknown,
    Pending {
        left: BTreeSet<RequestId>,
        lacks: Vec<String>,
        warnings: Vec<String>,
    },
    Ready,
    Refused {
        lacks: String,
        again_at: Tick,
    },
}

/// A request for leads that is under way, or the time before which none makes sense.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asking {
    pub(crate) since: Option<Tick>,
    pub(crate) not_before: Option<Tick>,
    pub(crate) next_due: Option<Wall>,
}

/// What keeps an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// A call, or one that comes in a moment.
    Call,
    /// The wrap-up after it.
    WrapUp,
}

#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) config: CampaignConfig,
    pub(crate) removed: bool,
    pub(crate) check: Check,
    /// Who wants to know the result of the check.
    pub(crate) asked_by: Vec<RequestId>,
    pub(crate) hopper: Hopper,
    pub(crate) asking: Asking,
    pub(crate) live: u32,
    pub(crate) dialing: u32,
    pub(crate) in_flight: u32,
    pub(crate) bridged: u32,
    /// Free agents, longest idle first.
    pub(crate) idle: BTreeSet<(Tick, AgentId)>,
    /// Agents in one of these lists who are in other campaigns too.
    pub(crate) shared: BTreeSet<AgentId>,
    /// Agents logged in.
    pub(crate) logged_in: u32,
    /// Answered calls without an agent, longest waiting first.
    pub(crate) waiting: BTreeSet<(Tick, AttemptId)>,
    /// Who has called and waits for an agent, longest waiting first.
    pub(crate) callers: BTreeSet<(Tick, AttemptId)>,
    /// Dials of which it is not known whether a person answers, by their start.
    pub(crate) dials: Dials,
    /// Its calls in a queue of the PBX, and what is known of that queue.
    pub(crate) line: Line,
    /// Agents who take no calls.
    pub(crate) paused: BTreeSet<AgentId>,
    /// Agents with a call or in the wrap-up after one, and since when.
    pub(crate) busy: BTreeMap<AgentId, (Busy, Tick)>,
    /// Learns whatever the mode, so that a change of mode finds it ready.
    pub(crate) predictor: Box<Predictor>,
    /// Abandoned calls, over the rule's window.
    pub(crate) account: Account,
    /// Answered calls that were over within [`crate::limits::SHORT_CALL`].
    pub(crate) short_calls: u64,
    pub(crate) outcomes: BTreeMap<Outcome, u64>,
    /// Decisions by what held them back, and when the last was.
    pub(crate) why: BTreeMap<Reason, (u64, Tick)>,
    pub(crate) why_now: Option<Reason>,
    pub(crate) pace_at: Option<Tick>,
    /// Place of the caller id whose turn is next.
    pub(crate) caller_id_turn: usize,
}

impl Campaign {
    pub(crate) fn new(config: CampaignConfig, now: Now) -> Campaign {
        let wrap_up = seconds(Span::ms(config.wrap_up_ms));
        Campaign {
            predictor: Box::new(Predictor::new(wrap_up)),
            account: Account::new(now.wall),
            short_calls: 0,
            config,
            removed: false,
            check: Check::Unknown,
            asked_by: Vec::new(),
            hopper: Hopper::default(),
            asking: Asking::default(),
            live: 0,
            dialing: 0,
            in_flight: 0,
            bridged: 0,
            idle: BTreeSet::new(),
            shared: BTreeSet::new(),
            logged_in: 0,
            waiting: BTreeSet::new(),
            callers: BTreeSet::new(),
            dials: Dials::default(),
            line: Line::default(),
            paused: BTreeSet::new(),
            busy: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            why: BTreeMap::new(),
            why_now: None,
            pace_at: None,
            caller_id_turn: 0,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.config.state == CampaignState::Running && !self.removed
    }

    /// Dials now or has calls in flight: it may claim shared agents.
    pub(crate) fn is_active(&self) -> bool {
        self.in_flight > 0
            || (self.is_running() && self.check == Check::Ready && self.hopper.ready() > 0)
    }

    /// Agents logged in; of a queue its members who are not paused.
    pub(crate) fn crew(&self) -> u32 {
        match &self.config.queue {
            Some(_) => self.line.counts.map_or(0, |counts| counts.members),
            None => self.logged_in,
        }
    }

    /// Agents logged in who are not paused.
    pub(crate) fn on_duty(&self) -> u32 {
        if self.config.queue.is_some() {
            return self.crew();
        }
        let paused = u32::try_from(self.paused.len()).unwrap_or(u32::MAX);
        self.logged_in.saturating_sub(paused)
    }

    /// Counts an attempt into or out of a state. `personal`: one agent waits for it, so it needs
    /// none of the others.
    pub(crate) fn count(&mut self, state: State, entering: bool, personal: bool) {
        let step = |counter: &mut u32, applies: bool| {
            if applies && entering {
                *counter += 1;
            } else if applies {
                *counter = counter.saturating_sub(1);
            }
        };
        step(&mut self.dialing, state.is_dialing());
        step(&mut self.in_flight, state.is_in_flight() && !personal);
        step(&mut self.bridged, state == State::Bridged);
    }

    /// Puts an agent into the list where they belong by state.
    pub(crate) fn place(&mut self, agent: &Agent) {
        let (id, since) = (agent.id(), agent.since);
        if agent.config.campaigns.len() > 1 {
            self.shared.insert(id);
        }
        match agent.state {
            AgentState::Available => {
                self.idle.insert((since, id));
            }
            AgentState::Previewing
            | AgentState::Ringing
            | AgentState::Reserved
            | AgentState::OnCall => {
                self.busy.insert(id, (Busy::Call, since));
            }
            AgentState::WrapUp => {
                self.busy.insert(id, (Busy::WrapUp, since));
            }
            AgentState::Paused => {
                self.paused.insert(id);
            }
            AgentState::LoggedOut | AgentState::Entering => {}
        }
    }

    /// Takes an agent who was placed with this time out of every list.
    pub(crate) fn displace(&mut self, id: AgentId, since: Tick) {
        self.shared.remove(&id);
        self.idle.remove(&(since, id));
        self.busy.remove(&id);
        self.paused.remove(&id);
    }

    pub(crate) fn held_back(&mut self, now: Tick, reason: Reason) {
        let (count, last) = self.why.entry(reason).or_insert((0, now));
        *count += 1;
        *last = now;
        self.why_now = Some(reason);
    }

    /// How many leads it should have in hand: several rounds of dialing for everybody logged in.
    pub(crate) fn wanted_leads(&self) -> u32 {
        let round = match self.config.mode {
            Mode::Preview { .. } | Mode::Progressive => self.crew(),
            Mode::Power { ratio_milli } => self.crew().saturating_mul(ratio_milli).div_ceil(1000),
            // At worst one answer in ten, and as many dials in the air as that takes.
            Mode::Predictive { .. } => self.crew().saturating_mul(10),
            Mode::Agentless => self.config.max_concurrent,
        };
        if round == 0 {
            return 0;
        }
        round.saturating_mul(4).clamp(20, LEASES_PER_CAMPAIGN)
    }
}
