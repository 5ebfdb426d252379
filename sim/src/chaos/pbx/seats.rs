//! The channels of agents who wait, and their phones.

use outdial_engine::{AgentId, Ring, SessionEvent, SessionId, Span};

use super::super::plan::Fault;
use super::super::stage::{Care, Happening, Stage, exponential, pick, whole};
use super::{Fact, Pbx, PbxAct, Phase, Place, Seat, Step, step, tell_session};

impl Pbx {
    /// Phones that ring or are off hook.
    pub(crate) fn phones(&self) -> impl Iterator<Item = (&SessionId, AgentId)> {
        let rung = self.seats.iter().filter(|(_, seat)| seat.rung);
        rung.map(|(session, seat)| (session, seat.agent))
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        self.seats.keys()
    }

    /// The agent's channel waits in its own bridge.
    pub(crate) fn waits(&self, session: &SessionId) -> bool {
        self.seats
            .get(session)
            .is_some_and(|seat| seat.place == Place::Waiting)
    }

    /// An agent calls in.
    pub(crate) fn enter(&mut self, stage: &mut Stage, agent: AgentId) -> SessionId {
        self.sessions += 1;
        let session = SessionId(format!("s{}", self.sessions).into());
        let place = Place::OnTheWay;
        let rung = false;
        self.seats
            .insert(session.clone(), Seat { agent, rung, place });
        let agent = format!("a{agent}").into();
        tell_session(
            stage,
            Care::Progress,
            &session,
            SessionEvent::Entered {
                agent,
                pin_checked: false,
            },
        );
        self.return_soon(stage, &session);
        session
    }

    /// The engine rings an agent's phone.
    pub(crate) fn ring(&mut self, stage: &mut Stage, ring: &Ring) {
        let agent = ring.agent.get(1..).and_then(|n| n.parse().ok());
        let agent = AgentId(agent.unwrap_or(0));
        let session = &ring.session;
        if stage.has(Fault::Refused) && self.phones.happens(0.03) {
            self.facts.push(Fact::Left(agent, session.clone()));
            tell_session(stage, Care::Terminal, session, SessionEvent::Refused);
            return;
        }
        let seat = Seat {
            agent,
            rung: true,
            place: Place::Ringing,
        };
        self.seats.insert(session.clone(), seat);
        let draw = &mut self.phones;
        let end = match pick(draw, 10) {
            // Busy, or nobody is registered.
            0 => Span::ms(whole(draw, 10, 800)),
            // Nobody is at the desk.
            1 | 2 => Span::ms(ring.timeout_ms),
            _ => {
                let after = exponential(draw, 2_000);
                let answer = Happening::Pbx(PbxAct::Waits(session.clone()));
                stage.plan_in(after, answer);
                Span::ms(ring.timeout_ms).max(after)
            }
        };
        stage.plan_in(end, Happening::Pbx(PbxAct::RangOut(session.clone())));
    }

    /// An agent puts the phone down, whatever it does.
    pub(crate) fn put_down(&mut self, stage: &mut Stage, agent: AgentId) {
        let mut rung = self.seats.iter().filter(|(_, seat)| seat.rung);
        let session = rung.find(|(_, seat)| seat.agent == agent);
        if let Some(session) = session.map(|(session, _)| session.clone()) {
            self.goes(stage, session);
        }
    }

    pub(super) fn return_soon(&mut self, stage: &mut Stage, session: &SessionId) {
        let after = Span::ms(whole(&mut self.chance, 10, 300));
        stage.plan_in(after, Happening::Pbx(PbxAct::Waits(session.clone())));
    }

    /// The agent's channel is to end.
    pub(crate) fn dismiss(&mut self, stage: &mut Stage, session: SessionId) {
        let rung = self.seats.get(&session).is_some_and(|seat| seat.rung);
        if rung && stage.has(Fault::Lost) && self.phones.happens(0.03) {
            return;
        }
        let after = Span::ms(whole(&mut self.chance, 10, 500));
        stage.plan_in(after, Happening::Pbx(PbxAct::Goes(session)));
    }

    pub(super) fn leaves_leg(&mut self, stage: &mut Stage, session: &SessionId) {
        if let Some(seat) = self.seats.get_mut(session) {
            seat.place = Place::OnTheWay;
            self.return_soon(stage, session);
        }
    }

    pub(super) fn goes(&mut self, stage: &mut Stage, session: SessionId) {
        let Some(seat) = self.seats.remove(&session) else {
            return;
        };
        if let Place::With(leg) = seat.place
            && let Some(live) = self.legs.get_mut(&leg)
        {
            live.with.remove(&session);
            live.phase = Phase::Waiting;
            step(stage, Span::seconds(10), leg, Step::Impatient);
        }
        self.facts.push(Fact::Left(seat.agent, session.clone()));
        tell_session(stage, Care::Terminal, &session, SessionEvent::Gone);
    }
}
