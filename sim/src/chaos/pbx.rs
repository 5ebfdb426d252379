//! The model PBX with its carriers and callees: legs, and the channels of agents who wait.
//!
//! What it promises is what the real one does: every accepted leg has one terminal event, every
//! session has one, and what is really live can be asked for at any time.

mod carrier;
mod inbound;
mod queue;
mod seats;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use outdial_engine::{
    After, AgentId, CampaignId, Event, LegEnd, LegEvent, LegId, Originate, RequestId, SessionEvent,
    SessionId, Span, Verdict,
};

use super::desk::disposition;
use super::plan::Fault;
use super::queues::PbxQueue;
use super::setup::Callees;
use super::stage::{Care, Happening, Stage, chance, exponential, pick, whole};
use crate::chance::Chance;

pub(crate) use queue::QueueAct;

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
    Queue(Arc<str>, QueueAct),
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
    /// What is said of this queue may not be what is.
    Miscounted(Arc<str>),
    /// It left its queue while a member was rung for it.
    RungInVain(LegId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Dialing,
    Answered,
    Waiting,
    Playing,
    Talking,
    /// On the way to a queue.
    ToQueue,
    /// The same, and out again as soon as it is there.
    NotToQueue,
    InQueue,
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
    /// The queue that it was handed to.
    queue: Option<Arc<str>>,
    /// It came in.
    inbound: bool,
}

impl Leg {
    fn new(campaign: CampaignId, phase: Phase, fate: Fate) -> Leg {
        Leg {
            campaign,
            phase,
            fate,
            heard: false,
            with: BTreeSet::new(),
            queue: None,
            inbound: false,
        }
    }
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
    queues: BTreeMap<Arc<str>, PbxQueue>,
    callees: BTreeMap<CampaignId, Callees>,
    chance: Chance,
    /// What agents' phones do.
    phones: Chance,
    /// What members of queues, and who calls them, do.
    queue_dice: Chance,
    /// Who calls in.
    inbound_dice: Chance,
    strangers: u64,
    sessions: u64,
    /// The journal can't be written, so originates behind it are refused.
    pub(crate) journal_bad: bool,
    /// Since they were last asked for.
    pub(crate) facts: Vec<Fact>,
    /// Phones that were picked up.
    pub(crate) picked_up: u64,
    /// Calls that members of queues have taken.
    pub(crate) taken: u64,
    /// People who called in and got an agent.
    pub(crate) served: u64,
}

impl Pbx {
    pub(crate) fn new(seed: u64, callees: BTreeMap<CampaignId, Callees>) -> Pbx {
        Pbx {
            legs: BTreeMap::new(),
            seats: BTreeMap::new(),
            queues: BTreeMap::new(),
            callees,
            chance: chance(seed, "pbx", 0),
            phones: chance(seed, "phones", 0),
            queue_dice: chance(seed, "queues", 0),
            inbound_dice: chance(seed, "inbound", 0),
            strangers: 0,
            sessions: 0,
            journal_bad: false,
            facts: Vec::new(),
            picked_up: 0,
            taken: 0,
            served: 0,
        }
    }

    pub(crate) fn legs(&self) -> impl Iterator<Item = LegId> {
        self.legs.keys().copied()
    }

    pub(crate) fn reconcile(&self) -> Event {
        Event::Reconcile {
            legs: self.legs().collect(),
            sessions: self.sessions().cloned().collect(),
        }
    }

    pub(crate) fn originate(&mut self, stage: &mut Stage, what: &Originate, campaign: CampaignId) {
        let leg = what.leg;
        let fate = self.fate(campaign);
        let new = Leg::new(campaign, Phase::Dialing, fate);
        self.legs.insert(leg, new);
        let begins = Happening::Pbx(PbxAct::Leg(leg, Step::Begins));
        stage.queue.plan(what.due.max(stage.now.tick), begins);
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
            PbxAct::Queue(queue, act) => self.queue_acts(stage, &queue, act),
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
            // He has waited long enough: his call goes on elsewhere.
            Step::Released if live.inbound => self.ends(stage, leg, None, false),
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

    fn ready(&mut self, stage: &mut Stage, leg: LegId) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        if live.inbound {
            live.phase = Phase::Waiting;
            tell(stage, leg, LegEvent::Ready { verdict: None });
            return;
        }
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
        self.served += u64::from(live.inbound);
        live.with.insert(session.clone());
        if let Some(seat) = self.seats.get_mut(&session) {
            seat.place = Place::With(leg);
        }
        tell(stage, leg, LegEvent::Bridged { session });
        let mean = self.talk_ms(leg);
        let talk = exponential(&mut self.chance, mean).min(TALK_MOST);
        step(stage, talk, leg, Step::TalkOver);
    }

    /// How long whoever is on this leg talks, in the mean.
    fn talk_ms(&self, leg: LegId) -> u32 {
        let live = self.legs.get(&leg);
        let callees = live.and_then(|live| self.callees.get(&live.campaign));
        callees.map_or(60_000, |c| c.talk_ms)
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
        self.out_of_queues(stage, leg);
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
