//! Agents as people: they come and go, pause, decide about leads, wrap up, and call in again when
//! nothing happens any more.

use std::collections::BTreeMap;

use outdial_engine::agent::AgentState;
use outdial_engine::attempt::Outcome;
use outdial_engine::{
    After, AgentEvent, AgentId, Disposition, Event, LeaseId, SessionId, Span, Tick, Wall,
};

use super::pbx::{Pbx, PbxAct};
use super::plan::Fault;
use super::stage::{Care, Happening, Stage, chance, exponential, pick, whole};
use crate::chance::Chance;

/// Who waits so long for nothing calls in again.
const PATIENCE: Span = Span::seconds(240);

/// What an agent does by themselves.
#[derive(Clone, Debug)]
pub(crate) enum DeskAct {
    /// Calls in.
    Come(AgentId),
    /// Something now and then.
    Whim(AgentId),
    Unpause(AgentId),
    /// Is through with the wrap-up, or with the lead on the screen.
    Does(AgentId, AgentEvent),
}

/// What an agent wants that only the store can give: a lead to call by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manual(pub(crate) AgentId);

#[derive(Clone, Debug)]
struct Person {
    /// Has a phone, and logs in without a channel.
    phone: bool,
    session: Option<SessionId>,
    /// What the desk shows, and since when.
    shown: (AgentState, Tick),
    coming: bool,
}

/// All agents.
pub(crate) struct Desk {
    people: BTreeMap<AgentId, Person>,
    chance: Chance,
}

impl Desk {
    pub(crate) fn new(stage: &mut Stage, agents: impl Iterator<Item = (AgentId, bool)>) -> Desk {
        let mut desk = Desk {
            people: BTreeMap::new(),
            chance: chance(stage.plan.seed, "desk", 0),
        };
        for (agent, phone) in agents {
            let person = Person {
                phone,
                session: None,
                shown: (AgentState::LoggedOut, stage.now.tick),
                coming: false,
            };
            desk.people.insert(agent, person);
            desk.come_later(stage, agent, 60_000);
            desk.next_whim(stage, agent);
        }
        desk
    }

    fn come_later(&mut self, stage: &mut Stage, agent: AgentId, mean_ms: u32) {
        let after = exponential(&mut self.chance, mean_ms);
        if let Some(person) = self.people.get_mut(&agent)
            && !person.coming
        {
            person.coming = true;
            stage.plan_in(after, Happening::Desk(DeskAct::Come(agent)));
        }
    }

    fn next_whim(&mut self, stage: &mut Stage, agent: AgentId) {
        let after = exponential(&mut self.chance, 600_000);
        stage.plan_in(after, Happening::Desk(DeskAct::Whim(agent)));
    }

    pub(crate) fn act(&mut self, stage: &mut Stage, pbx: &mut Pbx, act: DeskAct) -> Option<Manual> {
        if stage.closing {
            return None;
        }
        match act {
            DeskAct::Come(agent) => {
                if let Some(person) = self.people.get_mut(&agent) {
                    person.coming = false;
                    if person.phone {
                        if person.shown.0 == AgentState::LoggedOut {
                            says(stage, agent, AgentEvent::LogIn);
                        }
                        // Looks from time to time whether that has worked.
                        self.come_later(stage, agent, 180_000);
                    } else if person.session.is_none() {
                        person.session = Some(pbx.enter(stage, agent));
                        person.shown = (AgentState::Entering, stage.now.tick);
                    }
                }
            }
            DeskAct::Whim(agent) => {
                self.next_whim(stage, agent);
                return self.whim(stage, pbx, agent);
            }
            DeskAct::Unpause(agent) => says(stage, agent, AgentEvent::Unpause),
            DeskAct::Does(agent, what) => says(stage, agent, what),
        }
        None
    }

    fn whim(&mut self, stage: &mut Stage, pbx: &mut Pbx, agent: AgentId) -> Option<Manual> {
        let person = self.people.get(&agent)?;
        let phone = person.phone;
        let Some(session) = person.session.clone() else {
            return match phone {
                true => self.whim_by_phone(stage, pbx, agent),
                false => None,
            };
        };
        if self.is_stuck(stage, pbx, agent, &session) {
            pbx.dismiss(stage, session);
            return None;
        }
        match pick(&mut self.chance, 20) {
            0..7 => self.pauses(stage, agent),
            7 => says(stage, agent, AgentEvent::LogOff { finish: true }),
            8 => says(stage, agent, AgentEvent::LogOff { finish: false }),
            // Says things that make no sense at the time.
            9 => says(stage, agent, AgentEvent::Dial),
            10 => says(stage, agent, AgentEvent::Ready),
            11..15 => return Some(Manual(agent)),
            15..18 if stage.has(Fault::Vanish) => {
                stage.plan_in(Span(0), Happening::Pbx(PbxAct::Goes(session)));
            }
            _ => {}
        }
        None
    }

    /// As others do, but without a channel.
    fn whim_by_phone(
        &mut self,
        stage: &mut Stage,
        pbx: &mut Pbx,
        agent: AgentId,
    ) -> Option<Manual> {
        match pick(&mut self.chance, 20) {
            0..6 => self.pauses(stage, agent),
            6 | 7 => says(stage, agent, AgentEvent::LogOff { finish: true }),
            8 | 9 => says(stage, agent, AgentEvent::LogOff { finish: false }),
            10 => says(stage, agent, AgentEvent::LogIn),
            11..16 => return Some(Manual(agent)),
            16..18 => pbx.put_down(stage, agent),
            _ => {}
        }
        None
    }

    fn pauses(&mut self, stage: &mut Stage, agent: AgentId) {
        let code = "break".into();
        says(stage, agent, AgentEvent::Pause { code });
        let length = exponential(&mut self.chance, 120_000);
        stage.plan_in(length, Happening::Desk(DeskAct::Unpause(agent)));
    }

    /// The channel waits, the desk shows neither calls nor a reason why there are none.
    fn is_stuck(&self, stage: &Stage, pbx: &Pbx, agent: AgentId, session: &SessionId) -> bool {
        let Some(person) = self.people.get(&agent) else {
            return false;
        };
        let (state, since) = person.shown;
        let fine = matches!(state, AgentState::Available | AgentState::Paused);
        pbx.waits(session) && !fine && stage.now.tick - since > PATIENCE
    }

    /// The agent's channel is gone: comes back after a while.
    pub(crate) fn left(&mut self, stage: &mut Stage, agent: AgentId, session: &SessionId) {
        let Some(person) = self.people.get_mut(&agent) else {
            return;
        };
        if person.session.as_ref() == Some(session) {
            person.session = None;
            self.come_later(stage, agent, 180_000);
        }
    }

    /// The desk shows something new.
    pub(crate) fn shows(&mut self, stage: &mut Stage, agent: AgentId, state: AgentState) {
        let Some(person) = self.people.get_mut(&agent) else {
            return;
        };
        person.shown = (state, stage.now.tick);
        if person.phone && state == AgentState::Paused {
            // Who was away comes back.
            let away = exponential(&mut self.chance, 300_000);
            stage.plan_in(away, Happening::Desk(DeskAct::Unpause(agent)));
        }
        if state != AgentState::WrapUp {
            return;
        }
        let draw = &mut self.chance;
        let after = exponential(draw, 12_000);
        let what = match pick(draw, 10) {
            0 => AgentEvent::ExtendWrapUp {
                by_ms: whole(draw, 1_000, 60_000),
            },
            // Lets the time run out.
            1..3 => return,
            3 => said(After::Final),
            4 => said(After::RetryAs(Outcome::Machine)),
            5 => said(After::Callback {
                at: Wall(stage.now.wall.0 + 1_800_000),
                agent: agent.0.is_multiple_of(2).then_some(agent),
            }),
            _ => AgentEvent::Ready,
        };
        stage.plan_in(after, Happening::Desk(DeskAct::Does(agent, what)));
    }

    /// A lead is on the screen.
    pub(crate) fn previews(&mut self, stage: &mut Stage, agent: AgentId, _lease: LeaseId) {
        let draw = &mut self.chance;
        let after = exponential(draw, 6_000);
        let what = match pick(draw, 10) {
            0 => return,
            1..3 => AgentEvent::Skip,
            _ => AgentEvent::Dial,
        };
        stage.plan_in(after, Happening::Desk(DeskAct::Does(agent, what)));
    }
}

fn said(after: After) -> AgentEvent {
    AgentEvent::Dispose(disposition(after))
}

/// A word on a call that makes this of its lead.
pub(crate) fn disposition(after: After) -> Box<Disposition> {
    Box::new(Disposition {
        attempt: None,
        code: "said".into(),
        after,
        do_not_call: false,
        note: None,
    })
}

fn says(stage: &mut Stage, agent: AgentId, what: AgentEvent) {
    let request = None;
    stage.send(
        Care::Progress,
        Event::Agent {
            agent,
            what,
            request,
        },
    );
}
