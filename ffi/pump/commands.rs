//! What the engine asks for, carried out.

use std::sync::atomic::Ordering;

use outdial_engine::{
    Command, Event, InboundCall, LegEnd, LegEvent, LegId, Originate, Probe, Record, Refusal, Ring,
    SessionEvent,
};
use outdial_link::{Answer, Preview, Up};

use super::Pump;
use super::starts::Start;
use crate::journal::Job;
use crate::slots::Slot;
use crate::{convert, inbound, limits};

impl Pump {
    pub(super) fn execute(&mut self, command: Command) {
        let host = &self.shared.host;
        match command {
            Command::Journal(record) => self.journal(record),
            Command::Originate(originate) => {
                let leg = originate.leg;
                if !self.starts.push(originate) {
                    let why = Refusal::Journal;
                    self.feedback.push_back(Event::Refused { leg, why });
                }
            }
            Command::Connect { leg, session } => host.connect(leg, &session),
            Command::Play { leg, sound } => host.play(leg, &sound),
            Command::LeaveMessage { leg, sound } => host.leave_message(leg, &sound),
            Command::Release { leg, target } => host.release(leg, target.as_ref()),
            Command::Enqueue { leg, queue } => host.enqueue(leg, &queue),
            Command::Dequeue { leg } => host.dequeue(leg),
            Command::WatchQueue { queue, on } => host.watch_queue(&queue, on),
            Command::Hangup { leg, q850 } => self.hang_up(leg, q850),
            Command::Ring(ring) => self.ring(&ring),
            Command::Dismiss { session, why } => host.dismiss(&session, why),
            // A host without queues can't be asked for one.
            Command::Probe {
                request,
                what: Probe::Queue(_),
            } if !host.has_queues() => {
                let answer = 0;
                self.feedback.push_back(Event::Probed { request, answer });
            }
            Command::Probe { request, what } => host.probe(request.0, &what),
            Command::NeedLeads { campaign, count } => self.send(Up::NeedLeads {
                campaign: campaign.0,
                count,
            }),
            Command::ReturnLeases { campaign, leases } => {
                let leases = leases.into_iter().map(|lease| lease.0).collect();
                self.give_back(campaign.0, leases);
            }
            Command::ConfigRefused { what, error } => self.send(Up::ConfigRefused {
                what,
                error: error.to_string(),
            }),
            Command::CampaignChecked { campaign, result } => self.send(Up::CampaignChecked {
                campaign: campaign.0,
                lacks: result.err(),
            }),
            Command::Checked { request, result } => self.checked(request.0, result),
            Command::AgentChanged {
                agent,
                state,
                pause,
            } => self.send(Up::AgentChanged {
                agent: agent.0,
                state: convert::agent_state(state).into(),
                pause: pause.map(|code| code.to_string()),
            }),
            Command::Preview {
                agent,
                campaign,
                lease: _,
                lead,
                number,
                position,
                until,
            } => self.send(Up::Preview {
                agent: agent.0,
                lead: Some(Preview {
                    campaign: campaign.0,
                    lead: lead.0,
                    number: number.digits().into(),
                    position,
                    until_ms: until.0,
                }),
            }),
            Command::PreviewOver { agent } => self.send(Up::Preview {
                agent: agent.0,
                lead: None,
            }),
            Command::DeferLease {
                campaign,
                lease,
                until,
            } => self.send(Up::DeferLease {
                campaign: campaign.0,
                lease: lease.0,
                until_ms: until.0,
            }),
            Command::ManualPlaced { request, result } => self.send(Up::Answer {
                request: request.0,
                last: true,
                result: result.map(|attempt| Answer::Placed(attempt.0)),
            }),
            Command::Done { request, result } if request == super::OURS => {
                if let Some(asker) = self.asker.take() {
                    // Who has given up waiting needs no answer.
                    drop(asker.try_send(Some(result)));
                }
            }
            Command::Done { request, result } => self.send(Up::Answer {
                request: request.0,
                last: true,
                result: result.map(|()| Answer::Done),
            }),
            Command::InboundTaken { request: _, result } => self.inbound_taken(result),
            Command::TestCallStep { request, step } => {
                let (result, last) = convert::test_step(step);
                self.send(Up::Answer {
                    request: request.0,
                    last,
                    result,
                });
            }
            Command::Notice(notice) => host.notice(&notice),
            Command::Log(line) => self.shared.log(line.level, &line.text),
        }
    }

    /// The leg has its place before the host hears of it, so that its end always fits.
    fn inbound_taken(&mut self, result: Result<InboundCall, String>) {
        let Some(ask) = self.caller.take() else {
            return;
        };
        let shared = &self.shared;
        let closing = shared.is_sealed() || shared.is_poisoned();
        let result = result.and_then(|call| {
            if !closing && shared.slots.reserve_leg(call.leg) {
                return Ok(call);
            }
            self.feedback.push_back(Event::Leg {
                leg: call.leg,
                what: LegEvent::Ended(LegEnd::default()),
            });
            Err(inbound::NO_PLACE.into())
        });
        ask.answer(result);
    }

    /// Warnings come before the last word, as steps: a sidecar that knows of none takes the first for
    /// the answer, and it is a yes as well.
    fn checked(&self, request: u64, result: Result<Vec<String>, String>) {
        let (warnings, result) = match result {
            Ok(warnings) => (warnings, Ok(Answer::Ready)),
            Err(lacks) => (Vec::new(), Err(lacks)),
        };
        for warning in warnings {
            self.send(Up::Answer {
                request,
                last: false,
                result: Ok(Answer::Step(warning)),
            });
        }
        self.send(Up::Answer {
            request,
            last: true,
            result,
        });
    }

    pub(super) fn send(&self, message: Up) {
        self.shared.outbox.send(&self.shared, message);
    }

    pub(super) fn give_back(&self, campaign: u64, leases: Vec<u64>) {
        self.send(Up::ReturnLeases { campaign, leases });
    }

    fn journal(&mut self, record: Record) {
        let start = match &record {
            // The call is there already; nothing waits for this.
            Record::Started(started) if started.inbound => {
                let waiting = &self.shared.counters.starts_waiting;
                waiting.fetch_add(1, Ordering::AcqRel);
                None
            }
            Record::Started(started) => Some(started.leg),
            Record::Answered { .. }
            | Record::Bridged { .. }
            | Record::MessageStarted { .. }
            | Record::Ended(_) => None,
        };
        if let Some(leg) = start {
            let waiting = &self.shared.counters.starts_waiting;
            let limit = u64::try_from(limits::STARTS_WAITING).unwrap_or(0);
            if waiting.load(Ordering::Acquire) >= limit {
                self.starts.recorded(leg, Start::Refused);
                return;
            }
            waiting.fetch_add(1, Ordering::AcqRel);
            let start = Start::Token(self.next_token);
            self.starts.recorded(leg, start);
        }
        let token = self.next_token;
        self.next_token += 1;
        let record = convert::record(record);
        let job = Job::Append { token, record };
        self.shared.journal.send(self.shared.clock, job);
    }

    /// Originates what is on disk and whose time has come.
    pub(super) fn let_starts_leave(&mut self) {
        let mut any = false;
        while let Some(originate) = self.starts.pop(self.shared.clock.tick()) {
            self.originate(&originate);
            any = true;
        }
        if any {
            self.drain_commands();
        }
    }

    fn originate(&mut self, originate: &Originate) {
        let leg = originate.leg;
        let shared = &self.shared;
        let accepted = !shared.is_sealed()
            && !shared.is_poisoned()
            && shared.slots.reserve_leg(leg)
            && match shared.host.originate(originate) {
                Ok(()) => true,
                Err(_) => {
                    if shared.slots.end_leg(leg) {
                        shared.slots.give_back(Slot::Leg);
                    }
                    false
                }
            };
        if accepted {
            shared.counters.legs.fetch_add(1, Ordering::Relaxed);
        } else {
            self.feedback.push_back(Event::Refused {
                leg,
                why: Refusal::Overload,
            });
        }
    }

    fn ring(&mut self, ring: &Ring) {
        let (shared, session) = (&self.shared, &ring.session);
        let accepted = !shared.is_sealed()
            && !shared.is_poisoned()
            && shared.slots.reserve_session(session)
            && match shared.host.ring(ring) {
                Ok(()) => true,
                Err(_) => {
                    if shared.slots.end_session(session) {
                        shared.slots.give_back(Slot::Session);
                    }
                    false
                }
            };
        if !accepted {
            let session = session.clone();
            let what = SessionEvent::Refused;
            self.feedback.push_back(Event::Session { session, what });
        }
    }

    /// A leg that still waits for the disk ends here: the host never hears of it.
    fn hang_up(&mut self, leg: LegId, q850: u8) {
        if self.starts.cancel(leg) {
            self.feedback.push_back(Event::Leg {
                leg,
                what: LegEvent::Ended(LegEnd::default()),
            });
        } else {
            self.shared.host.hangup(leg, q850);
        }
    }
}
