//! From a callee's answer to the first audio of an agent: by outdial, and by a plain `Dial()` bridge
//! on the same Asterisk, with the same phones and callees.
//!
//! Both sides have phones that are up and talk all the time. For outdial they wait in `OutdialAgent`;
//! for the comparison each runs `Dial()` in a loop, so that there, too, nothing but the bridge stands
//! between the answer and the audio.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::leads::Fate;
use crate::rig::{Rig, RigOptions};
use crate::sip::{CallId, CallSeen, Peer, Plan, Status};
use crate::trunk::endpoint;
use crate::wait::wait_for;

/// Calls per second.
pub const RATE: u32 = 20;
/// Phones of each side. With these times [`RATE`] calls per second keep 24 of them busy.
pub const PHONES: u8 = 40;
const RING: Duration = Duration::from_millis(200);
const TALK: Duration = Duration::from_secs(1);
/// From one start to the next, so that all phones together make [`RATE`] calls per second.
const STAGGER: Duration = Duration::from_millis(50);
/// The sample of which the callees' audio is made; phones have 1 to [`PHONES`].
const CALLEE: u8 = 0xb5;
const CAMPAIGN: &str = "answer";
const SOON: Duration = Duration::from_secs(20);

/// A phone rings 0.2 s, talks 1 s and rests 0.8 s: forty of them make 20 calls per second.
const DIALPLAN: &str = "
[agents](+)
exten => _7[0-9]XX,1,Answer()
 same => n(again),Dial(PJSIP/5511970000000@answer,10,g)
 same => n,Wait(0.8)
 same => n,Goto(again)
";

/// Who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A progressive campaign with nailed-up agents.
    Outdial,
    /// `Dial()` in a loop.
    Dial,
}

/// Asterisk with outdial, callees who answer, and phones.
pub struct Answering {
    /// All but callees and phones.
    pub rig: Rig,
    callees: Peer,
    phones: Peer,
    serial: u32,
}

impl Answering {
    /// Starts all of it; no phone has called in.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start(name: &str, kind: &str) -> Result<Answering> {
        let rig = Rig::start(
            name,
            RigOptions {
                kind: kind.into(),
                dialplan: DIALPLAN.into(),
                ..RigOptions::default()
            },
        )?;
        let callees = Peer::start(Some(Plan {
            ring: RING,
            talk: TALK,
            mark: CALLEE,
        }))?;
        let trunk = endpoint(CAMPAIGN, callees.port, "", "");
        rig.pjsip(CAMPAIGN, &trunk)?;
        rig.campaign(CAMPAIGN, &["--wrap-up-ms", "0", "--max-attempts", "1"])?;
        rig.trunk(CAMPAIGN, "55", &["--campaign", CAMPAIGN])?;
        rig.outdial(&["trunks", "set", CAMPAIGN, "--cps-limit", &RATE.to_string()])?;
        rig.add_agents(CAMPAIGN, PHONES.into())?;
        rig.outdial(&["campaign", "start", CAMPAIGN])?;
        // Every call is logged otherwise.
        rig.pbx.cli("core set verbose 0")?;
        Ok(Answering {
            rig,
            callees,
            phones: Peer::start(None)?,
            serial: 0,
        })
    }

    /// Phones of one side call in, `calls` calls are made and come to their end, and the phones go.
    ///
    /// # Errors
    /// Calls are missing, or something is left.
    pub fn turn(&mut self, side: Side, calls: usize) -> Result<Vec<CallSeen>> {
        let before = self.callees.over().len();
        let phones = self.phones_in(side)?;
        match side {
            Side::Outdial => {
                let first = self.serial;
                self.serial += u32::try_from(calls)?;
                let numbers: Vec<String> = (first..self.serial)
                    .map(|serial| Fate::AnswerStay.number(0, serial))
                    .collect();
                self.rig.insert(CAMPAIGN, &numbers)?;
            }
            Side::Dial => {}
        }
        let limit = SOON + (RING + TALK) * u32::try_from(calls)? / RATE * 2;
        wait_for("the end of the calls", limit, || {
            Ok(self.callees.over().len() >= before + calls)
        })?;
        let made = self.callees.over()[before..][..calls].to_vec();
        for phone in &phones {
            self.phones.hang_up(phone);
        }
        wait_for("the last channel's end", SOON, || {
            Ok(self.rig.pbx.channels()? == 0 && self.callees.live() == 0)
        })?;
        let own = 1..=PHONES;
        for call in &made {
            ensure!(call.acknowledged.is_some(), "not answered: {call:?}");
            let mark = call.heard.map(|(_, mark)| mark);
            ensure!(mark.is_none_or(|mark| own.contains(&mark)), "{call:?}");
        }
        Ok(made)
    }

    fn phones_in(&self, side: Side) -> Result<Vec<CallId>> {
        let mut phones = Vec::new();
        for phone in 1..=PHONES {
            let extension = match side {
                Side::Outdial => 8_000,
                Side::Dial => 7_000,
            } + u32::from(phone);
            let port = self.rig.pbx.sip_port;
            phones.push(
                self.phones
                    .call(port, "agents", &extension.to_string(), phone),
            );
            std::thread::sleep(STAGGER);
        }
        wait_for("the phones", SOON, || {
            let up = |id: &CallId| self.phones.status(id) == Status::Up;
            Ok(phones.iter().all(up))
        })?;
        match side {
            Side::Outdial => self.rig.wait_agents("available", PHONES.into(), SOON)?,
            Side::Dial => {}
        }
        Ok(phones)
    }
}

/// From the ACK to the first audio of an agent, in ms, of those calls that had any.
#[must_use]
pub fn delays_ms(calls: &[CallSeen]) -> Vec<f64> {
    calls
        .iter()
        .filter_map(|call| Some((call.heard?.0 - call.acknowledged?) * 1e3))
        .collect()
}
