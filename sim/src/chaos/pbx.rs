//! The model PBX with its carriers and callees: legs, and the channels of agents who wait.
//!
//! What it promises is what the real one does: every accepted leg has one terminal event, every
//! session has one, and what is really live can be asked for at any time.

use std::collections::{BTreeMap, BTreeSet};

use outdial_engine::{
    After, AgentId, CampaignId, Event, LegEnd, LegEvent, LegId, Originate, Refusal, RequestId,
    Ring, SessionEvent, SessionId, Span, Verdict, Wall,
};

use outdial_engine::attempt::Outcome;

use super::desk::disposition;
use super::plan::Fault;
use super::setup::Callees;
use super::stage::{Care, Happening, Stage, chance, exponential, pick, whole};
use crate::chance::Chance;

/// Nobody talks longer.
pub(crate) const TALK_MOST: Span = Span::seconds(900);

/// What happens in the PBX by itself.
#[derive(Clone, Debug)]
pub(crate) enum PbxAct {
    Leg(LegId, Step),
    /// The agent's channel reaches the customer's bridge.
    Joins(LegId, SessionId),
    /// The agent's channel waits (again).
    Waits(SessionId),
    /// The agent's channel ends.
    Goes(SessionId),
    /// Nobody has picked up.
    RangOut(SessionId),
}

/// What a leg does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Begins,
    Proceeds,
    Rings,
    Media,
    Fails(u16),
    Answers,
    GreetingBegan,
    GreetingEnded,
    Ready,
    Played,
    Released,
    /// Nobody came for so long.
    Impatient,
    TalkOver,
    /// Whatever the leg does, now it ends.
    HungUp,
}

/// What really happened, for those who keep books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Answered(LegId),
    /// The leg is gone; `person`: who was called hung up before there was an agent.
    Ended {
        leg: LegId,
        person: bool,
    },
    /// The PBX never took it.
    Refused(LegId),
    /// The agent's channel is gone.
    Left(AgentId, SessionId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Dialing,
    Answered,
    Waiting,
    Playing,
    Talking,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fails,
    Silent,
    RingsOn,
    Machine,
    Person,
}

#[derive(Clone, Debug)]
struct Leg {
    campaign: CampaignId,
    phase: Phase,
    fate: Fate,
    /// A message was played to it.
    heard: bool,
    with: BTreeSet<SessionId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The phone rings.
    Ringing,
    OnTheWay,
    Waiting,
    With(LegId),
}

#[derive(Clone, Debug)]
struct Seat {
    agent: AgentId,
    /// The engine rang it.
    rung: bool,
    place: Place,
}

/// Everything that is live in the PBX.
pub(crate) struct Pbx {
    legs: BTreeMap<LegId, Leg>,
    seats: BTreeMap<SessionId, Seat>,
    callees: BTreeMap<CampaignId, Callees>,
    chance: Chance,
    /// What agents' phones do.
    phones: Chance,
    sessions: u64,
    /// The journal can't be written, so originates behind it are refused.
    pub(crate) journal_bad: bool,
    /// Since they were last asked for.
    pub(crate) facts: Vec<Fact>,
    /// Phones that were picked up.
    pub(crate) picked_up: u64,
}

impl Pbx {
    pub(crate) fn new(seed: u64, callees: BTreeMap<CampaignId, Callees>) -> Pbx {
        Pbx {
            legs: BTreeMap::new(),
            seats: BTreeMap::new(),
            callees,
            chance: chance(seed, "pbx", 0),
            phones: chance(seed, "phones", 0),
            sessions: 0,
            journal_bad: false,
            facts: Vec::new(),
            picked_up: 0,
        }
    }

    pub(crate) fn legs(&self) -> impl Iterator<Item = LegId> {
        self.legs.keys().copied()
    }

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

    pub(crate) fn reconcile(&self) -> Event {
        Event::Reconcile {
            legs: self.legs().collect(),
            sessions: self.sessions().cloned().collect(),
        }
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

    fn return_soon(&mut self, stage: &mut Stage, session: &SessionId) {
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

    pub(crate) fn originate(&mut self, stage: &mut Stage, what: &Originate, campaign: CampaignId) {
        let leg = what.leg;
        let fate = self.fate(campaign);
        let new = Leg {
            campaign,
            phase: Phase::Dialing,
            fate,
            heard: false,
            with: BTreeSet::new(),
        };
        self.legs.insert(leg, new);
        let begins = Happening::Pbx(PbxAct::Leg(leg, Step::Begins));
        stage.queue.plan(what.due.max(stage.now.tick), begins);
    }

    fn fate(&mut self, campaign: CampaignId) -> Fate {
        let Some(callees) = self.callees.get(&campaign).copied() else {
            return Fate::Silent;
        };
        if self.chance.happens(callees.answers) {
            return Fate::Person;
        }
        let share = self.chance.share();
        if share < callees.fails {
            Fate::Fails
        } else if share < callees.fails + callees.silent {
            Fate::Silent
        } else if share < callees.fails + callees.silent + callees.machine {
            Fate::Machine
        } else {
            Fate::RingsOn
        }
    }

    pub(crate) fn connect(&mut self, stage: &mut Stage, leg: LegId, session: SessionId) {
        if stage.has(Fault::Lost) && self.chance.happens(0.01) {
            return;
        }
        let after = Span::ms(whole(&mut self.chance, 20, 300));
        stage.plan_in(after, Happening::Pbx(PbxAct::Joins(leg, session)));
    }

    pub(crate) fn play(&mut self, stage: &mut Stage, leg: LegId) {
        if let Some(live) = self.legs.get_mut(&leg) {
            live.phase = Phase::Playing;
            live.heard = true;
            let length = Span::ms(whole(&mut self.chance, 3_000, 9_000));
            step(stage, length, leg, Step::Played);
        }
    }

    pub(crate) fn release(&mut self, stage: &mut Stage, leg: LegId) {
        step(stage, Span::ms(30), leg, Step::Released);
    }

    pub(crate) fn hang_up(&mut self, stage: &mut Stage, leg: LegId) {
        if stage.has(Fault::Lost) && self.chance.happens(0.03) {
            return;
        }
        let after = Span::ms(whole(&mut self.chance, 5, 250));
        step(stage, after, leg, Step::HungUp);
    }

    pub(crate) fn act(&mut self, stage: &mut Stage, act: PbxAct) {
        match act {
            PbxAct::Leg(leg, what) => self.step(stage, leg, what),
            PbxAct::Joins(leg, session) => self.joins(stage, leg, session),
            PbxAct::Waits(session) => {
                if let Some(seat) = self.seats.get_mut(&session) {
                    self.picked_up += u64::from(seat.place == Place::Ringing);
                    seat.place = Place::Waiting;
                    tell_session(stage, Care::Progress, &session, SessionEvent::Waiting);
                }
            }
            PbxAct::Goes(session) => self.goes(stage, session),
            PbxAct::RangOut(session) => {
                let seat = self.seats.get(&session);
                if seat.is_some_and(|seat| seat.place == Place::Ringing) {
                    self.goes(stage, session);
                }
            }
        }
    }

    fn step(&mut self, stage: &mut Stage, leg: LegId, what: Step) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        let dialing = live.phase == Phase::Dialing;
        match what {
            Step::Begins => self.begins(stage, leg),
            Step::Proceeds if dialing => tell(stage, leg, LegEvent::Proceeding),
            Step::Rings if dialing => tell(stage, leg, LegEvent::Ringing),
            Step::Media if dialing => tell(stage, leg, LegEvent::EarlyMedia),
            Step::Fails(sip) if dialing => self.ends(stage, leg, Some(sip), false),
            Step::Answers if dialing => self.answers(stage, leg),
            Step::GreetingBegan => tell(stage, leg, LegEvent::GreetingBegan),
            Step::GreetingEnded => {
                let ago = Span::default();
                tell(stage, leg, LegEvent::GreetingEnded { ago });
            }
            Step::Ready => self.ready(stage, leg),
            Step::Played if live.phase == Phase::Playing => {
                live.phase = Phase::Waiting;
                let whole = self.chance.happens(0.95);
                tell(stage, leg, LegEvent::Played { whole });
            }
            Step::Released => {
                live.phase = Phase::Talking;
                tell(stage, leg, LegEvent::Released);
                let span = exponential(&mut self.chance, 20_000);
                step(stage, span, leg, Step::TalkOver);
            }
            Step::Impatient if live.with.is_empty() && live.phase != Phase::Talking => {
                let person = !live.heard;
                self.ends(stage, leg, None, person);
            }
            Step::TalkOver => self.talk_over(stage, leg),
            Step::HungUp => {
                // The carrier confirms a cancelled call.
                let sip = dialing.then_some(487);
                self.ends(stage, leg, sip, false);
            }
            // Overtaken by what else happened to the leg.
            Step::Proceeds
            | Step::Rings
            | Step::Media
            | Step::Fails(_)
            | Step::Answers
            | Step::Played
            | Step::Impatient => {}
        }
    }

    fn begins(&mut self, stage: &mut Stage, leg: LegId) {
        let refused = stage.has(Fault::Refused) && self.chance.happens(0.02);
        if refused || self.journal_bad {
            self.refuse(stage, leg);
            return;
        }
        let Some(live) = self.legs.get(&leg) else {
            return;
        };
        let Some(callees) = self.callees.get(&live.campaign).copied() else {
            return;
        };
        let draw = &mut self.chance;
        let (fate, set_up) = (live.fate, exponential(draw, callees.set_up_ms));
        let taken = Span(set_up.0 / 4);
        if fate == Fate::Silent {
            return;
        }
        if draw.happens(0.9) {
            step(stage, taken, leg, Step::Proceeds);
        }
        if fate == Fate::Fails {
            const SIP: [u16; 10] = [404, 404, 486, 486, 603, 503, 503, 500, 302, 408];
            step(stage, set_up, leg, Step::Fails(SIP[pick(draw, SIP.len())]));
            return;
        }
        if draw.happens(0.95) {
            step(stage, set_up, leg, Step::Rings);
        }
        if draw.happens(0.2) {
            let half = Span(exponential(draw, callees.ring_ms).0 / 2);
            step(stage, Span(set_up.0 + half.0), leg, Step::Media);
        }
        let ring = Span(set_up.0 + exponential(draw, callees.ring_ms).0);
        match fate {
            Fate::Person | Fate::Machine => step(stage, ring, leg, Step::Answers),
            // Some carriers give up before we do.
            Fate::RingsOn if draw.happens(0.2) => step(stage, ring, leg, Step::Fails(480)),
            Fate::RingsOn | Fate::Silent | Fate::Fails => {}
        }
    }

    fn refuse(&mut self, stage: &mut Stage, leg: LegId) {
        if !self.journal_bad && self.chance.happens(0.3) {
            let end = LegEnd {
                refused_by_pbx: true,
                ..LegEnd::default()
            };
            self.legs.remove(&leg);
            self.facts.push(Fact::Ended { leg, person: false });
            let what = LegEvent::Ended(end);
            stage.send(Care::Terminal, Event::Leg { leg, what });
            return;
        }
        self.legs.remove(&leg);
        self.facts.push(Fact::Refused(leg));
        let why = if self.journal_bad {
            Refusal::Journal
        } else {
            Refusal::Overload
        };
        stage.send(Care::Terminal, Event::Refused { leg, why });
    }

    fn answers(&mut self, stage: &mut Stage, leg: LegId) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        live.phase = Phase::Answered;
        self.facts.push(Fact::Answered(leg));
        tell(stage, leg, LegEvent::Answered);
        step(stage, TALK_MOST, leg, Step::HungUp);
        let amd = self.callees.get(&live.campaign).is_some_and(|c| c.amd);
        let draw = &mut self.chance;
        if draw.happens(0.02) {
            // Hangs up at once.
            step(stage, exponential(draw, 1_000), leg, Step::Impatient);
        }
        if draw.happens(0.02) {
            let after = match pick(draw, 3) {
                0 => After::Final,
                1 => After::RetryAs(Outcome::NoAnswer),
                _ => After::Callback {
                    at: Wall(stage.now.wall.0 + 3_600_000),
                    agent: None,
                },
            };
            disposes(stage, leg, after);
        }
        if draw.happens(0.01) {
            // The dialplan never reaches `OutdialConnect`.
            return;
        }
        let begins = exponential(draw, 400);
        let ends = Span(begins.0 + exponential(draw, 900).0);
        step(stage, begins, leg, Step::GreetingBegan);
        step(stage, ends, leg, Step::GreetingEnded);
        let ready = if amd {
            Span(ends.0 + 500_000)
        } else {
            Span::ms(40)
        };
        step(stage, ready, leg, Step::Ready);
    }

    fn ready(&mut self, stage: &mut Stage, leg: LegId) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        let callees = self.callees.get(&live.campaign).copied();
        live.phase = Phase::Waiting;
        let draw = &mut self.chance;
        let verdict = callees
            .is_some_and(|c| c.amd)
            .then(|| match pick(draw, 20) {
                0 => Verdict::Unknown,
                1 => Verdict::Screening,
                // AMD is wrong at times.
                2 if live.fate == Fate::Person => Verdict::Machine,
                _ if live.fate == Fate::Machine => Verdict::Machine,
                _ => Verdict::Human,
            });
        tell(stage, leg, LegEvent::Ready { verdict });
        let patience = callees.map_or(10_000, |c| c.patience_ms);
        // Nobody hangs up in the very moment of the answer.
        let span = Span(Span::ms(whole(draw, patience / 2, patience)).0 + 3_500_000);
        step(stage, span, leg, Step::Impatient);
    }

    fn joins(&mut self, stage: &mut Stage, leg: LegId, session: SessionId) {
        let broken = stage.has(Fault::Refused) && self.chance.happens(0.03);
        let free = self.waits(&session) && !broken;
        let Some(live) = self.legs.get_mut(&leg).filter(|_| free) else {
            tell(stage, leg, LegEvent::ConnectFailed { session });
            return;
        };
        live.phase = Phase::Talking;
        live.with.insert(session.clone());
        if let Some(seat) = self.seats.get_mut(&session) {
            seat.place = Place::With(leg);
        }
        tell(stage, leg, LegEvent::Bridged { session });
        let mean = self
            .callees
            .get(&live.campaign)
            .map_or(60_000, |c| c.talk_ms);
        let talk = exponential(&mut self.chance, mean).min(TALK_MOST);
        step(stage, talk, leg, Step::TalkOver);
    }

    fn talk_over(&mut self, stage: &mut Stage, leg: LegId) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        let agent_first = self.chance.happens(0.3) && !live.with.is_empty();
        if !agent_first {
            self.ends(stage, leg, None, false);
            return;
        }
        let with = std::mem::take(&mut live.with);
        live.phase = Phase::Waiting;
        for session in with {
            if self.seats.get(&session).is_some_and(|seat| seat.rung) {
                self.goes(stage, session);
            } else {
                self.leaves_leg(stage, &session);
            }
        }
        if self.chance.happens(0.5) {
            // Transferred, or the dialplan goes on.
            if let Some(live) = self.legs.get_mut(&leg) {
                live.phase = Phase::Talking;
            }
            tell(stage, leg, LegEvent::Left);
            let span = exponential(&mut self.chance, 60_000).min(TALK_MOST);
            step(stage, span, leg, Step::TalkOver);
        } else {
            step(stage, Span::seconds(20), leg, Step::Impatient);
        }
    }

    fn leaves_leg(&mut self, stage: &mut Stage, session: &SessionId) {
        if let Some(seat) = self.seats.get_mut(session) {
            seat.place = Place::OnTheWay;
            self.return_soon(stage, session);
        }
    }

    fn ends(&mut self, stage: &mut Stage, leg: LegId, sip: Option<u16>, person: bool) {
        let Some(gone) = self.legs.remove(&leg) else {
            return;
        };
        self.facts.push(Fact::Ended { leg, person });
        let end = LegEnd {
            sip,
            q850: Some(16),
            ..LegEnd::default()
        };
        let what = LegEvent::Ended(end);
        stage.send(Care::Terminal, Event::Leg { leg, what });
        for session in gone.with {
            self.leaves_leg(stage, &session);
        }
    }

    fn goes(&mut self, stage: &mut Stage, session: SessionId) {
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

fn step(stage: &mut Stage, after: Span, leg: LegId, what: Step) {
    stage.plan_in(after, Happening::Pbx(PbxAct::Leg(leg, what)));
}

fn tell(stage: &mut Stage, leg: LegId, what: LegEvent) {
    stage.send(Care::Progress, Event::Leg { leg, what });
}

fn tell_session(stage: &mut Stage, care: Care, session: &SessionId, what: SessionEvent) {
    let session = session.clone();
    stage.send(care, Event::Session { session, what });
}

/// The dialplan says what came of the call.
fn disposes(stage: &mut Stage, leg: LegId, after: After) {
    stage.send(
        Care::Progress,
        Event::Dispose {
            request: RequestId(u64::MAX),
            attempt: leg.attempt,
            said: disposition(after),
        },
    );
}
