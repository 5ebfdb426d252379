//! Whether the PBX has what a campaign needs, and whether PBX and engine agree on what is live.

use std::collections::BTreeSet;

use crate::campaign::Check;
use crate::command::{Command, Level, Probe};
use crate::config::{AgentlessAction, ClockStart, Mode, OnMachine};
use crate::deadline::{Owner, Why};
use crate::event::LegEnd;
use crate::ids::{AttemptId, CampaignId, LegId, RequestId, SessionId};
use crate::limits;
use crate::time::Now;

use super::Engine;

/// The application that tells people from machines.
const AMD: &str = "AMD";

/// A probe under way.
#[derive(Clone, Debug)]
pub(super) struct Question {
    campaign: CampaignId,
    what: Probe,
    due: crate::time::Tick,
}

impl Question {
    /// When no answer counts as a no.
    pub(super) fn due(&self) -> crate::time::Tick {
        self.due
    }
}

impl Engine {
    pub(super) fn check_asked(&mut self, now: Now, request: RequestId, id: CampaignId) {
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            let result = Err("the campaign's configuration was refused or has not arrived".into());
            self.push(Command::Checked { request, result });
            return;
        };
        campaign.asked_by.push(request);
        if !matches!(campaign.check, Check::Pending { .. }) {
            self.begin_check(now, id);
        }
    }

    /// A campaign that should run, or is asked about, and was not checked is; one that was refused is checked again
    /// from time to time, because the PBX may have been mended.
    pub(super) fn begin_check_if_due(&mut self, now: Now, id: CampaignId) {
        let Some(campaign) = self.campaigns.get(&id) else {
            return;
        };
        if !campaign.is_running() && campaign.asked_by.is_empty() {
            return;
        }
        let due = match &campaign.check {
            Check::Unknown => true,
            Check::Pending { .. } | Check::Ready => false,
            Check::Refused { again_at, .. } => *again_at <= now.tick,
        };
        if due {
            self.begin_check(now, id);
        }
    }

    fn begin_check(&mut self, now: Now, id: CampaignId) {
        let needs = self.needs(id);
        let mut left = BTreeSet::new();
        for what in needs {
            self.last_question += 1;
            let request = RequestId(self.last_question);
            let due = now.tick + limits::PROBE_TIMEOUT;
            self.questions.insert(
                request,
                Question {
                    campaign: id,
                    what: what.clone(),
                    due,
                },
            );
            self.deadlines
                .arm(due, Owner::Probe(request), Why::ProbeTimeout);
            self.push(Command::Probe { request, what });
            left.insert(request);
        }
        let no_trunk = self
            .routes
            .trunks(id)
            .iter()
            .all(|t| !self.trunks.contains_key(t));
        let lacks = if no_trunk {
            vec!["no route leads to a trunk".to_owned()]
        } else {
            vec![]
        };
        if let Some(campaign) = self.campaigns.get_mut(&id) {
            let warnings = Vec::new();
            campaign.check = Check::Pending {
                left,
                lacks,
                warnings,
            };
        }
        self.conclude_check(now, id);
    }

    /// Everything that the PBX must have for this campaign.
    fn needs(&self, id: CampaignId) -> BTreeSet<Probe> {
        let mut needs = BTreeSet::new();
        let Some(campaign) = self.campaigns.get(&id) else {
            return needs;
        };
        for trunk in self.routes.trunks(id) {
            if let Some(trunk) = self.trunks.get(&trunk).filter(|t| t.config.enabled) {
                let (tech, endpoint) = (trunk.config.tech.clone(), trunk.config.endpoint.clone());
                needs.insert(Probe::Endpoint { tech, endpoint });
            }
        }
        needs.insert(Probe::Target(campaign.config.target.clone()));
        if let Some(sound) = &campaign.config.message {
            needs.insert(Probe::Sound(sound.clone()));
        }
        if let OnMachine::Message(sound) = &campaign.config.answers.machine {
            needs.insert(Probe::Sound(sound.clone()));
        }
        if let Some(queue) = &campaign.config.queue {
            needs.insert(Probe::Queue(queue.clone()));
        }
        if let AgentlessAction::Goto(target) = &campaign.config.agentless {
            needs.insert(Probe::Target(target.clone()));
        }
        // Counted from AMD's verdict, nothing that it takes is too long.
        let clock = campaign.config.answers.clock;
        let after_greeting = clock == ClockStart::GreetingEnd;
        let counts = campaign.config.mode != Mode::Agentless && clock != ClockStart::Verdict;
        if counts {
            let target = campaign.config.target.clone();
            needs.insert(Probe::Amd {
                target,
                after_greeting,
            });
        }
        if let Some(arguments) = campaign.config.amd.clone() {
            needs.insert(Probe::Application(AMD.into()));
            if counts {
                needs.insert(Probe::AmdArguments {
                    arguments,
                    after_greeting,
                });
            }
        }
        needs
    }

    pub(super) fn probed(&mut self, now: Now, request: RequestId, answer: u32) {
        let Some(question) = self.questions.remove(&request) else {
            return;
        };
        let Some(campaign) = self.campaigns.get_mut(&question.campaign) else {
            return;
        };
        let limit = campaign.config.connect_limit_ms;
        let Check::Pending {
            left,
            lacks,
            warnings,
        } = &mut campaign.check
        else {
            return;
        };
        if left.remove(&request) {
            match lack(&question.what) {
                Some(lack) if answer == 0 => lacks.push(lack),
                Some(_) => {}
                None => warnings.extend(outlasts(&question.what, answer, limit)),
            }
        }
        self.conclude_check(now, question.campaign);
    }

    fn conclude_check(&mut self, now: Now, id: CampaignId) {
        let Some(campaign) = self.campaigns.get_mut(&id) else {
            return;
        };
        let Check::Pending {
            left,
            lacks,
            warnings,
        } = &campaign.check
        else {
            return;
        };
        if !left.is_empty() {
            return;
        }
        let result = match lacks.is_empty() {
            true => Ok(warnings.clone()),
            false => Err(lacks.join("; ")),
        };
        campaign.check = match &result {
            Ok(_) => Check::Ready,
            Err(lacks) => Check::Refused {
                lacks: lacks.clone(),
                again_at: now.tick + limits::RECHECK,
            },
        };
        for request in std::mem::take(&mut campaign.asked_by) {
            self.push(Command::Checked {
                request,
                result: result.clone(),
            });
        }
        match &result {
            Ok(warnings) => {
                for warning in warnings {
                    self.log(Level::Warn, format!("campaign {id}: {warning}"));
                }
            }
            Err(lacks) => self.log(Level::Warn, format!("campaign {id} can't dial: {lacks}")),
        }
        self.push(Command::CampaignChecked {
            campaign: id,
            result: result.map(drop),
        });
        self.dirty.insert(id);
    }

    /// Trunks or routes changed: what was found out before holds no more.
    pub(super) fn forget_checks(&mut self, now: Now) {
        for campaign in self.campaigns.values_mut() {
            campaign.check = Check::Unknown;
            campaign.hopper.recall(now.wall);
        }
        self.all_dirty();
    }

    /// Compares the PBX's live legs and sessions with ours. What is missing, or unknown, twice in
    /// a row is no longer a matter of events under way.
    pub(super) fn reconcile(&mut self, now: Now, legs: Vec<LegId>, sessions: Vec<SessionId>) {
        let legs: BTreeSet<LegId> = legs.into_iter().collect();
        let sessions: BTreeSet<SessionId> = sessions.into_iter().collect();
        self.reconcile_legs(now, &legs);
        self.reconcile_sessions(now, &sessions);
        self.unknown = (legs, sessions);
    }

    fn reconcile_legs(&mut self, now: Now, legs: &BTreeSet<LegId>) {
        let mut lost: Vec<AttemptId> = Vec::new();
        for attempt in self.attempts.values_mut().filter(|a| a.leg_live) {
            attempt.missing = if legs.contains(&attempt.leg()) {
                0
            } else {
                attempt.missing + 1
            };
            if attempt.missing >= 2 {
                lost.push(attempt.id);
            }
        }
        lost.sort_unstable();
        for id in lost {
            self.totals.ghosts += 1;
            self.log(
                Level::Warn,
                format!("attempt {id}: its channel is gone without a word"),
            );
            self.leg_ended(now, id, LegEnd::default());
        }
        for leg in legs {
            let ours = self
                .attempts
                .get(&leg.attempt)
                .is_some_and(|a| a.leg_live && a.legs == leg.n);
            if !ours && self.unknown.0.contains(leg) {
                self.push(Command::Hangup {
                    leg: *leg,
                    q850: 16,
                });
            }
        }
    }

    fn reconcile_sessions(&mut self, now: Now, sessions: &BTreeSet<SessionId>) {
        let mut lost: Vec<SessionId> = Vec::new();
        for agent in self.agents.values_mut() {
            let Some(channel) = agent.channel_mut() else {
                continue;
            };
            channel.missing = if sessions.contains(&channel.id) {
                0
            } else {
                channel.missing + 1
            };
            if channel.missing >= 2 {
                lost.push(channel.id.clone());
            }
        }
        for session in lost {
            self.log(Level::Warn, "an agent's channel is gone without a word");
            self.session_event(now, session, crate::event::SessionEvent::Gone);
        }
        for session in sessions {
            if !self.sessions.contains_key(session) && self.unknown.1.contains(session) {
                let why = crate::command::Dismissal::LoggedOff;
                self.push(Command::Dismiss {
                    session: session.clone(),
                    why,
                });
            }
        }
    }
}

/// What is missing, in the operator's words, where the answer is no; `None`: it is no such question.
fn lack(what: &Probe) -> Option<String> {
    Some(match what {
        Probe::Endpoint { tech, endpoint } => format!("no endpoint {tech}/{endpoint}"),
        Probe::Target(target) => format!(
            "no extension {} in context {} (priority {})",
            target.exten, target.context, target.priority
        ),
        Probe::Sound(sound) => format!("no sound {sound}"),
        // The engine does not know which PBX it is in.
        Probe::Queue(queue) => format!(
            "no queue {queue}: Asterisk has it where `queue show {queue}` shows it (app_queue.so, \
             queues.conf, `queue reload all`), FreeSWITCH where `callcenter_config queue list` does \
             (mod_callcenter, callcenter.conf.xml, `callcenter_config queue load {queue}`); or name \
             another by `outdial campaign set NAME --queue`"
        ),
        Probe::Application(name) => format!(
            "no application {name}: Asterisk has it where app_{}.so is loaded; FreeSWITCH has none, \
             so there `--no-amd`, and the dialplan's own verdict in the variable outdial_amd",
            name.to_lowercase()
        ),
        Probe::Amd { .. } | Probe::AmdArguments { .. } => return None,
    })
}

/// AMD may need more time than a call has.
fn outlasts(what: &Probe, takes_ms: u32, limit_ms: u32) -> Option<String> {
    let (whose, after_greeting) = match what {
        Probe::Amd {
            target,
            after_greeting,
        } => (
            format!("AMD() in {},{}", target.context, target.exten),
            after_greeting,
        ),
        Probe::AmdArguments { after_greeting, .. } => {
            ("the campaign's AMD()".to_owned(), after_greeting)
        }
        Probe::Endpoint { .. }
        | Probe::Target(_)
        | Probe::Sound(_)
        | Probe::Queue(_)
        | Probe::Application(_) => return None,
    };
    let (from, mend) = match after_greeting {
        true => ("the end of the greeting", "after_greeting_silence"),
        false => (
            "the answer",
            "total_analysis_time, or count from the greeting's end (--abandon-from greeting_end)",
        ),
    };
    (takes_ms > limit_ms).then(|| {
        format!(
            "{whose} may take {takes_ms} ms from {from} and an agent must be there within \
             {limit_ms} ms: people may count as abandoned before they are told from machines; \
             shorten {mend}"
        )
    })
}
