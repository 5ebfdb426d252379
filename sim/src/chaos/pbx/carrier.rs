//! What carriers and callees make of a dial, up to the answer.

use outdial_engine::attempt::Outcome;
use outdial_engine::{After, CampaignId, Event, LegEnd, LegEvent, LegId, Refusal, Span, Wall};

use super::super::plan::Fault;
use super::super::stage::{Care, Stage, exponential, pick};
use super::{Fact, Fate, Pbx, Phase, Step, TALK_MOST, disposes, step, tell};

impl Pbx {
    pub(super) fn fate(&mut self, campaign: CampaignId) -> Fate {
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

    pub(super) fn begins(&mut self, stage: &mut Stage, leg: LegId) {
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

    pub(super) fn answers(&mut self, stage: &mut Stage, leg: LegId) {
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
}
