//! The simulated PBX: its calls, its agents, and what is going to happen to them.
//!
//! Two threads share it: the engine's pump, which asks for something (`vtable.rs`) and only plans
//! what follows; and the timer (`timer.rs`), which makes it happen and tells the engine, never with
//! the lock held.

mod agents;
mod phones;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use outdial_engine::Tick;
use outdial_sim::{Chance, Fate, Queue};

use crate::abi;
use crate::call_log::Seen;
use crate::callee::{CONGESTED, Callees, Plan, Sip};
use crate::library::Event;
use crate::limits;
use crate::options::Options;
use crate::outcome::{Counts, Out, Post, event, text};
use crate::pbx::agents::{Agent, Session};

/// How a call ends that was never placed, because the engine stands still.
const STALE: &str = "engine_stalled";

/// A leg's or a session's id.
pub type Id = Arc<str>;

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The call leaves the PBX.
    Invite(Id),
    Proceeding(Id),
    Ringing(Id),
    Answer(Id),
    /// AMD is done with a machine.
    Told(Id),
    Fails(Id, Sip),
    /// Nobody answered for as long as the engine allowed.
    GivenUp(Id),
    /// The callee hangs up.
    TalkEnds(Id),
    /// The engine wants an agent on the call.
    Connect(Id, Id),
    Play(Id),
    Played(Id),
    Release(Id),
    Hangup(Id, i32),
    Probe(u64),
    /// An agent's phone calls in.
    LogIn(usize),
    /// An agent is back after a call.
    Waiting(Id),
    /// A session ends: by the engine's wish (why), or by itself (0).
    Gone(Id, u32),
    KillAnAgent,
    /// An event that was held up.
    Late(Event),
}

/// How far a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Dialing,
    Answered,
    Talking,
    /// Its end is being told.
    Over,
}

struct Leg {
    number: Box<str>,
    plan: Plan,
    timeout: Duration,
    stage: Stage,
    /// The carrier has it.
    carried: bool,
    session: Option<Id>,
}

/// Everything behind the lock.
pub struct State {
    started: Instant,
    queue: Queue<Happening>,
    legs: BTreeMap<Id, Leg>,
    sessions: BTreeMap<Id, Session>,
    agents: Vec<Agent>,
    callees: Callees,
    /// How often each number was dialed.
    dialed: HashMap<Box<str>, u32>,
    /// Calls that the carrier took within the last second, and how many it carries.
    taken: VecDeque<Instant>,
    carried: usize,
    cps_limit: Option<usize>,
    max_calls: Option<usize>,
    kill_every: Option<Duration>,
    /// Share of the phones that nobody picks up, and how much faster than life agents are.
    phones_missed: f64,
    speed: f64,
    chance: Chance,
    next_session: u64,
    session_prefix: String,
    /// Agents don't come back.
    pub draining: bool,
    pub counts: Counts,
}

impl State {
    /// A PBX without calls whose agents are about to log in.
    ///
    /// # Errors
    /// The options make no world.
    pub fn new(options: &Options) -> anyhow::Result<State> {
        let agents: Vec<Agent> = options.agents()?.into_iter().map(Agent::new).collect();
        let kill_every = options.kill_agent_every.map(Duration::from_secs_f64);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let mut state = State {
            started: Instant::now(),
            queue: Queue::default(),
            legs: BTreeMap::new(),
            sessions: BTreeMap::new(),
            callees: Callees::new(options)?,
            dialed: HashMap::new(),
            taken: VecDeque::new(),
            carried: 0,
            cps_limit: options.cps_limit,
            max_calls: options.max_calls,
            kill_every,
            phones_missed: options.phones_missed,
            speed: options.speed,
            chance: Chance::new(options.seed),
            next_session: 0,
            // Unlike those of this PBX's former lives.
            session_prefix: format!("sim-{}", now.unwrap_or_default().as_micros()),
            draining: false,
            counts: Counts::default(),
            agents,
        };
        for n in 0..state.agents.len() {
            let nth = u32::try_from(n).unwrap_or(u32::MAX);
            state.plan(limits::LOG_IN_SPACING * nth, Happening::LogIn(n));
        }
        if let Some(every) = kill_every {
            state.plan(every, Happening::KillAnAgent);
        }
        Ok(state)
    }

    fn now(&self) -> Tick {
        Tick(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Plans a happening; true when it is the next one.
    pub fn plan(&mut self, after: Duration, what: Happening) -> bool {
        let after = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        let at = Tick(self.now().0.saturating_add(after));
        let first = self.queue.next().is_none_or(|next| at < next);
        self.queue.plan(at, what);
        first
    }

    /// The time until the next happening.
    pub fn next(&self) -> Option<Duration> {
        let next = self.queue.next()?;
        Some(Duration::from_micros(next.0.saturating_sub(self.now().0)))
    }

    /// Something that is due.
    pub fn pop(&mut self) -> Option<Happening> {
        self.queue.pop(self.now())
    }

    /// A call is accepted, or the PBX is full.
    pub fn originate(&mut self, leg: &str, number: &str, timeout: Duration) -> bool {
        if self.legs.len() >= limits::LEGS || self.legs.contains_key(leg) {
            return false;
        }
        let nth = self.dialed.get(number).copied().unwrap_or(0);
        let Ok(plan) = self.callees.plan(number, nth) else {
            return false;
        };
        if self.dialed.len() >= limits::NUMBERS {
            self.dialed.clear();
        }
        self.dialed.insert(number.into(), nth + 1);
        let id: Id = leg.into();
        let leg = Leg {
            number: number.into(),
            plan,
            timeout,
            stage: Stage::Dialing,
            carried: false,
            session: None,
        };
        self.legs.insert(id.clone(), leg);
        self.plan(Duration::ZERO, Happening::Invite(id));
        true
    }

    /// Ids of all legs and all sessions.
    pub fn live(&self) -> (Vec<Id>, Vec<Id>) {
        (
            self.legs.keys().cloned().collect(),
            self.sessions.keys().cloned().collect(),
        )
    }

    /// Legs up, agents logged in, and those of them who talk.
    pub fn figures(&self) -> (usize, usize, usize) {
        let talking = self.sessions.values().filter(|s| s.leg.is_some()).count();
        (self.legs.len(), self.sessions.len(), talking)
    }

    /// Makes it happen; what is to be told and written goes to `out`.
    pub fn happen(&mut self, what: Happening, out: &mut Out) {
        match what {
            Happening::Invite(id) => self.invite(&id, out),
            Happening::Proceeding(id) => {
                if self.is(&id, Stage::Dialing) {
                    out.tell(event(abi::LEG_PROCEEDING, &id));
                }
            }
            Happening::Ringing(id) => {
                if self.is(&id, Stage::Dialing) {
                    self.write(&id, Seen::Ringing, out);
                    out.tell(event(abi::LEG_RINGING, &id));
                }
            }
            Happening::Answer(id) => self.answer(&id, out),
            Happening::Told(id) => {
                if self.is(&id, Stage::Answered) {
                    self.ready(&id, out);
                }
            }
            Happening::Fails(id, sip) => {
                if self.is(&id, Stage::Dialing) {
                    self.end(&id, sip, 0, "failed", out);
                }
            }
            Happening::GivenUp(id) => {
                if self.is(&id, Stage::Dialing) {
                    self.end(&id, 0, 19, "given_up", out);
                }
            }
            Happening::TalkEnds(id) => self.end(&id, 0, 16, "bye_out", out),
            Happening::Connect(leg, session) => self.connect(&leg, &session, out),
            Happening::Play(id) => {
                if self.is_up(&id) {
                    let length = self.callees.quick(limits::MESSAGE);
                    self.plan(length, Happening::Played(id));
                }
            }
            Happening::Played(id) => {
                if self.is_up(&id) {
                    out.tell(Event {
                        value: 1,
                        ..event(abi::LEG_PLAYED, &id)
                    });
                }
            }
            Happening::Release(id) => self.release(id, out),
            Happening::Hangup(id, q850) => {
                let (sip, how) = match self.is(&id, Stage::Dialing) {
                    true => (487, "cancelled"),
                    false => (0, "bye_in"),
                };
                self.end(&id, sip, q850, how, out);
            }
            Happening::Probe(request) => out.posts.push(Post::Plain(Event {
                kind: abi::PROBED,
                request,
                value: 1,
                ..Event::default()
            })),
            Happening::LogIn(agent) => self.log_in(agent, out),
            Happening::Waiting(id) => {
                if let Some(session) = self.sessions.get_mut(&id)
                    && !session.leaving
                {
                    session.leg = None;
                    out.tell(event(abi::SESSION_WAITING, &id));
                }
            }
            Happening::Gone(id, why) => self.gone(&id, why, out),
            Happening::KillAnAgent => self.kill_an_agent(out),
            Happening::Late(event) => out.posts.push(Post::Plain(event)),
        }
    }

    fn is(&self, id: &str, stage: Stage) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.stage == stage)
    }

    /// Answered and not over.
    fn is_up(&self, id: &str) -> bool {
        self.is(id, Stage::Answered) || self.is(id, Stage::Talking)
    }

    fn write(&self, id: &Id, seen: Seen, out: &mut Out) {
        if let Some(leg) = self.legs.get(id) {
            out.lines.push((id.clone(), leg.number.clone(), seen));
        }
    }

    fn invite(&mut self, id: &Id, out: &mut Out) {
        if !self.is(id, Stage::Dialing) {
            return;
        }
        if out.stale {
            self.end(id, 0, 0, STALE, out);
            return;
        }
        self.counts.dialed += 1;
        self.write(id, Seen::Dialed, out);
        if !self.carrier_takes() {
            self.plan(limits::REFUSAL, Happening::Fails(id.clone(), CONGESTED));
            return;
        }
        self.carried += 1;
        let Some(leg) = self.legs.get_mut(id) else {
            return;
        };
        leg.carried = true;
        let (plan, timeout) = (leg.plan, leg.timeout);
        self.plan(limits::PROCEEDING, Happening::Proceeding(id.clone()));
        self.plan(timeout, Happening::GivenUp(id.clone()));
        let (set_up, then) = match plan.fate {
            Fate::Fails(after) => {
                let after = self.callees.real(after).max(limits::REFUSAL);
                self.plan(after, Happening::Fails(id.clone(), plan.sip));
                return;
            }
            Fate::Rings(set_up) => (set_up, None),
            Fate::Person(set_up, ring) | Fate::Machine(set_up, ring) => (set_up, Some(ring)),
        };
        let set_up = self.callees.real(set_up).max(limits::REFUSAL);
        self.plan(set_up, Happening::Ringing(id.clone()));
        if let Some(ring) = then {
            let ring = self.callees.real(ring);
            self.plan(set_up + ring, Happening::Answer(id.clone()));
        }
    }

    fn carrier_takes(&mut self) -> bool {
        if self.max_calls.is_some_and(|most| self.carried >= most) {
            return false;
        }
        let Some(limit) = self.cps_limit else {
            return true;
        };
        let now = Instant::now();
        while let Some(first) = self.taken.front()
            && now.duration_since(*first) >= Duration::from_secs(1)
        {
            self.taken.pop_front();
        }
        if self.taken.len() >= limit {
            return false;
        }
        self.taken.push_back(now);
        true
    }

    fn answer(&mut self, id: &Id, out: &mut Out) {
        let amd = self.callees.has_amd();
        let Some(leg) = self.legs.get_mut(id) else {
            return;
        };
        if leg.stage != Stage::Dialing {
            return;
        }
        leg.stage = Stage::Answered;
        let machine = matches!(leg.plan.fate, Fate::Machine(..));
        self.counts.answered += 1;
        self.write(id, Seen::Answered { machine }, out);
        let at_once = !(machine && amd);
        out.tell(Event {
            value: i32::from(at_once),
            ..event(abi::LEG_ANSWERED, id)
        });
        if at_once {
            self.ready(id, out);
        } else {
            self.plan(self.callees.amd(), Happening::Told(id.clone()));
        }
    }

    fn ready(&self, id: &Id, out: &mut Out) {
        let Some(leg) = self.legs.get(id) else {
            return;
        };
        let verdict = match (self.callees.has_amd(), leg.plan.told, leg.plan.fate) {
            (false, _, _) => abi::VERDICT_NONE,
            (true, false, _) => abi::VERDICT_UNKNOWN,
            (true, true, Fate::Machine(..)) => abi::VERDICT_MACHINE,
            (true, true, Fate::Person(..) | Fate::Rings(_) | Fate::Fails(_)) => abi::VERDICT_HUMAN,
        };
        out.tell(Event {
            value: verdict,
            ..event(abi::LEG_READY, id)
        });
    }

    fn connect(&mut self, id: &Id, to: &Id, out: &mut Out) {
        let told = Event {
            other: text(to),
            ..event(abi::LEG_BRIDGED, id)
        };
        let session = self
            .sessions
            .get_mut(to)
            .filter(|session| session.leg.is_none() && !session.leaving);
        let leg = self
            .legs
            .get_mut(id)
            .filter(|leg| leg.stage == Stage::Answered && leg.session.is_none());
        let (Some(session), Some(leg)) = (session, leg) else {
            out.tell(Event {
                kind: abi::LEG_CONNECT_FAILED,
                ..told
            });
            return;
        };
        session.leg = Some(id.clone());
        leg.session = Some(to.clone());
        leg.stage = Stage::Talking;
        let talk = match leg.plan.fate {
            Fate::Machine(..) => self.callees.quick(limits::MACHINE_TALK),
            Fate::Person(..) | Fate::Rings(_) | Fate::Fails(_) => self.callees.real(leg.plan.talk),
        };
        self.counts.bridged += 1;
        self.write(id, Seen::Bridged, out);
        out.tell(told);
        self.plan(talk, Happening::TalkEnds(id.clone()));
    }

    fn release(&mut self, id: Id, out: &mut Out) {
        let Some(leg) = self.legs.get(&id) else {
            return;
        };
        if !self.is_up(&id) {
            return;
        }
        let talk = self.callees.real(leg.plan.talk);
        out.tell(event(abi::LEG_RELEASED, &id));
        self.plan(talk, Happening::TalkEnds(id));
    }

    /// Ends a leg, once.
    fn end(&mut self, id: &Id, sip: i32, q850: i32, how: &'static str, out: &mut Out) {
        let Some(leg) = self.legs.get_mut(id) else {
            return;
        };
        if leg.stage == Stage::Over {
            return;
        }
        leg.stage = Stage::Over;
        let session = leg.session.take();
        if leg.carried {
            self.carried -= 1;
        }
        let how = match (sip, leg.carried) {
            (CONGESTED, false) => "refused",
            (_, true | false) => how,
        };
        self.counts.ended(sip, how);
        self.write(id, Seen::Ended { sip, how }, out);
        out.posts.push(Post::Ended(
            id.clone(),
            Event {
                sip_status: sip,
                q850,
                value: i32::from(how == STALE),
                ..event(abi::LEG_ENDED, id)
            },
        ));
        if let Some(session) = session {
            self.plan(limits::BACK, Happening::Waiting(session));
        }
    }

    /// The leg's end was told.
    pub fn forget_leg(&mut self, id: &str) {
        self.legs.remove(id);
    }

    /// Hangs everything up and logs everybody off.
    pub fn end_all(&mut self) {
        let (legs, sessions) = self.live();
        for leg in legs {
            self.plan(Duration::ZERO, Happening::Hangup(leg, 16));
        }
        for session in sessions {
            self.plan(Duration::ZERO, Happening::Gone(session, 0));
        }
    }
}
