//! Agents who do all that agents do: log in by calling, pause in every way there is, hang up wherever
//! they are, vanish, have their phones' machine die, and come back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::rig::Rig;
use crate::sip::{CallId, Peer, Status};

/// Machines that the phones are on; one of them dies now and then.
const MACHINES: usize = 4;
/// Between two things that agents do.
const STEP: Duration = Duration::from_millis(150);
/// One of so many steps is the death of a machine.
const DEATHS: u64 = 250;
/// What calm agents do, of the ten things that agents do: no less than ends a call that stays.
const KEY: u64 = 9;
/// An agent is back, or at work again, after 1 s and up to so many ms more.
const AWAY_MS: u64 = 2_000;

/// Keys and extensions that the agents use; `1NNN` is the agent of phone `8NNN`.
pub(super) const DIALPLAN: &str = "
[agents](+)
exten => _6[0-9]XX,1,OutdialPause(1${EXTEN:1},break)
 same => n,Hangup()
exten => _5[0-9]XX,1,OutdialUnpause(1${EXTEN:1})
 same => n,Hangup()
";
pub(super) const KEYS: &str = "
[keys]
*1 = pause,break
*2 = unpause
*0 = hangup
";

struct Agent {
    number: u32,
    mark: u8,
    machine: usize,
    /// The call by which he is logged in.
    call: Option<CallId>,
    /// When he calls in again.
    back: Instant,
    /// When he ends his pause.
    pause: Option<Instant>,
}

/// All of them.
pub struct Team {
    machines: Vec<Peer>,
    agents: Vec<Agent>,
    next: Instant,
    calm: bool,
    dice: u64,
    /// What they did, and how often.
    pub did: BTreeMap<&'static str, usize>,
}

impl Team {
    /// `count` agents who call in at the next [`Team::act`]. The same seed does the same things, as
    /// far as the PBX lets it. Calm agents stay, and only press keys.
    ///
    /// # Errors
    /// No port is free.
    pub fn new(count: u8, calm: bool, seed: u64) -> Result<Team> {
        let machines = (0..MACHINES).map(|_| Peer::start(None));
        let now = Instant::now();
        Ok(Team {
            machines: machines.collect::<Result<_>>()?,
            agents: (1..=count)
                .map(|n| Agent {
                    number: n.into(),
                    mark: n,
                    machine: usize::from(n) % MACHINES,
                    call: None,
                    back: now,
                    pause: None,
                })
                .collect(),
            next: now,
            calm,
            dice: seed,
            did: BTreeMap::new(),
        })
    }

    /// SplitMix64.
    fn roll(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn away(&mut self) -> Instant {
        Instant::now() + Duration::from_millis(1_000 + self.roll(AWAY_MS))
    }

    fn note(&mut self, what: &'static str) {
        *self.did.entry(what).or_default() += 1;
    }

    /// What is due: who is out calls in, who pauses works again, and at times somebody does something.
    ///
    /// # Errors
    /// The PBX does not answer.
    pub fn act(&mut self, rig: &Rig) -> Result<()> {
        self.come_and_go(rig);
        self.unpause(rig)?;
        let now = Instant::now();
        if now < self.next {
            return Ok(());
        }
        self.next = now + STEP;
        if !self.calm && self.roll(DEATHS) == 0 {
            return self.machine_dies();
        }
        let count = u64::try_from(self.agents.len()).unwrap_or(1);
        let who = usize::try_from(self.roll(count)).unwrap_or(0);
        self.do_something(rig, who)
    }

    fn come_and_go(&mut self, rig: &Rig) {
        let now = Instant::now();
        for place in 0..self.agents.len() {
            let agent = &self.agents[place];
            let phone = &self.machines[agent.machine];
            let is_over = |call: &CallId| phone.status(call) == Status::Over;
            if agent.call.as_ref().is_some_and(is_over) {
                let back = self.away();
                let agent = &mut self.agents[place];
                (agent.call, agent.back) = (None, back);
            } else if agent.call.is_none() && agent.back <= now {
                let extension = (8_000 + agent.number).to_string();
                let call = phone.call(rig.pbx.sip_port, "agents", &extension, agent.mark);
                self.agents[place].call = Some(call);
                self.note("calls to log in");
            }
        }
    }

    fn unpause(&mut self, rig: &Rig) -> Result<()> {
        let now = Instant::now();
        for place in 0..self.agents.len() {
            if self.agents[place].pause.is_some_and(|end| end <= now) {
                self.agents[place].pause = None;
                let way = self.roll(3);
                self.in_a_way(rig, place, way, ("*2", 5_000, "unpause"))?;
            }
        }
        Ok(())
    }

    /// By key, by the dialplan, or by the console.
    fn in_a_way(
        &self,
        rig: &Rig,
        place: usize,
        way: u64,
        (keys, extension, word): (&str, u32, &str),
    ) -> Result<()> {
        let agent = &self.agents[place];
        let phone = &self.machines[agent.machine];
        match (way, &agent.call) {
            (0, Some(call)) => phone.press(call, keys),
            (1, _) => {
                let dialed = (extension + agent.number).to_string();
                phone.call(rig.pbx.sip_port, "agents", &dialed, agent.mark);
            }
            _ => {
                let line = format!("outdial agent {word} {}", 1_000 + agent.number);
                rig.pbx.ask(&line)?;
            }
        }
        Ok(())
    }

    fn do_something(&mut self, rig: &Rig, place: usize) -> Result<()> {
        let Some(call) = self.agents[place].call.clone() else {
            return Ok(());
        };
        let back = self.away();
        let what = if self.calm { KEY } else { self.roll(10) };
        let agent = &mut self.agents[place];
        let phone = &self.machines[agent.machine];
        match what {
            0..=2 => {
                agent.pause = Some(back);
                let names = [
                    "pauses by key",
                    "pauses by dialplan",
                    "pauses by the console",
                ];
                self.in_a_way(rig, place, what, ("*1", 6_000, "pause"))?;
                self.note(names[usize::try_from(what).unwrap_or(0)]);
            }
            3..=4 => {
                phone.hang_up(&call);
                self.note("hang-ups");
            }
            5 => {
                phone.vanish(&call);
                (agent.call, agent.back) = (None, back);
                self.note("phones that vanish");
            }
            6 => {
                let line = format!("outdial agent logout {}", 1_000 + agent.number);
                rig.pbx.ask(&line)?;
                self.note("log-offs by the console");
            }
            7..=KEY => {
                phone.press(&call, "*0");
                self.note("keys to hang up the customer");
            }
            _ => {}
        }
        Ok(())
    }

    /// Its sockets close in the middle of whatever is going on.
    fn machine_dies(&mut self) -> Result<()> {
        let places = u64::try_from(MACHINES).unwrap_or(1);
        let dead = usize::try_from(self.roll(places)).unwrap_or(0);
        self.machines[dead] = Peer::start(None)?;
        let back = self.away();
        for agent in self.agents.iter_mut().filter(|a| a.machine == dead) {
            (agent.call, agent.back) = (None, back);
        }
        self.note("machines that die");
        Ok(())
    }

    /// Only what lets calls end: customers who would stay are hung up, agents who fell off come back.
    ///
    /// # Errors
    /// The PBX does not answer.
    pub fn finish(&mut self, rig: &Rig) -> Result<()> {
        self.come_and_go(rig);
        self.unpause(rig)?;
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + STEP * 4;
        for agent in &self.agents {
            if let Some(call) = &agent.call {
                self.machines[agent.machine].press(call, "*0");
            }
        }
        Ok(())
    }

    /// All phones hang up.
    pub fn go_home(&mut self) {
        for agent in &mut self.agents {
            if let Some(call) = agent.call.take() {
                self.machines[agent.machine].hang_up(&call);
            }
        }
    }
}
