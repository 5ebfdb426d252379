//! How many calls may be in the air: one for each agent who is free, or as many as the ratio says,
//! whoever waits already counted.

use outdial_engine::agent::AgentState;
use outdial_engine::config::Mode;
use outdial_engine::{CampaignId, Command, LegId, Record};

use super::{CampaignBook, Oracle, Try, Verdict};

impl Oracle {
    /// A call that has an agent, a message or its end needs no free agent any more. What is not sure
    /// is left out: then more is allowed.
    pub(super) fn lands(&mut self, command: &Command) {
        let leg: LegId = match command {
            Command::Connect { leg, .. } => {
                self.callers.connecting(*leg);
                *leg
            }
            Command::Hangup { leg, .. } => {
                self.callers.hung_up(*leg);
                *leg
            }
            Command::Journal(Record::Bridged { leg, .. }) => {
                self.callers.served(*leg);
                *leg
            }
            Command::Journal(Record::MessageStarted { leg, .. }) | Command::Release { leg, .. } => {
                *leg
            }
            Command::Journal(Record::Started(_) | Record::Answered { .. } | Record::Ended(_))
            | Command::Originate(_)
            | Command::Play { .. }
            | Command::LeaveMessage { .. }
            | Command::Enqueue { .. }
            | Command::Dequeue { .. }
            | Command::WatchQueue { .. }
            | Command::Ring(_)
            | Command::Dismiss { .. }
            | Command::Probe { .. }
            | Command::NeedLeads { .. }
            | Command::ReturnLeases { .. }
            | Command::ConfigRefused { .. }
            | Command::CampaignChecked { .. }
            | Command::Checked { .. }
            | Command::Done { .. }
            | Command::AgentChanged { .. }
            | Command::Preview { .. }
            | Command::PreviewOver { .. }
            | Command::DeferLease { .. }
            | Command::ManualPlaced { .. }
            | Command::InboundTaken { .. }
            | Command::TestCallStep { .. }
            | Command::Notice(_)
            | Command::Log(_) => return,
        };
        if let Some(call) = self.tries.get_mut(&leg.attempt) {
            call.in_flight = false;
        }
    }

    /// Who calls gets no agent who is promised to a dial: of a progressive campaign's agents as many
    /// stay free as it has dials in the air.
    pub(super) fn keeps_promises(&self, command: &Command) -> Verdict {
        let Command::Connect { leg, session } = command else {
            return Ok(());
        };
        let call = self.tries.get(&leg.attempt).filter(|call| call.inbound);
        let book = call.and_then(|call| self.campaigns.get(&call.campaign));
        let progressive = |book: &&CampaignBook| {
            book.config.mode == Mode::Progressive && book.config.queue.is_none()
        };
        // A phone's agent was chosen when it began to ring.
        let (Some(call), Some(_), false) = (
            call,
            book.filter(progressive),
            self.phones.was_rung(session),
        ) else {
            return Ok(());
        };
        let dials = self.flying(|other| other.campaign == call.campaign && !other.inbound);
        let free = self.agents.count(call.campaign, AgentState::Available);
        match dials > free {
            true => Err(format!(
                "leg {leg} came in, and gets an agent who is promised: {dials} dials, {free} free"
            )),
            false => Ok(()),
        }
    }

    fn in_flight(&self, campaign: CampaignId) -> u32 {
        self.flying(|call| call.campaign == campaign)
    }

    fn flying(&self, which: impl Fn(&Try) -> bool) -> u32 {
        let all = self.tries.values();
        let flies = all.filter(|call| call.in_flight && which(call));
        u32::try_from(flies.count()).unwrap_or(u32::MAX)
    }

    /// This call is one of those that the mode allows.
    pub(super) fn mode_allows(&self, call: &Try) -> Verdict {
        let Some(book) = self.campaigns.get(&call.campaign) else {
            return Ok(());
        };
        let config = &book.config;
        let (free, what) = match &config.queue {
            Some(queue) => (self.members_for(call.campaign, queue)?, "members"),
            None => (
                self.agents.count(call.campaign, AgentState::Available),
                "agents",
            ),
        };
        let most = match config.mode {
            Mode::Progressive => free,
            Mode::Power { ratio_milli } => times(free, ratio_milli),
            Mode::Predictive { .. } | Mode::Preview { .. } | Mode::Agentless => return Ok(()),
        };
        // Whose agent's phone rings has him, though the engine has not said who that is.
        let rung = match config.queue {
            Some(_) => 0,
            None => self.agents.count(call.campaign, AgentState::Ringing),
        };
        let flies = self.in_flight(call.campaign).saturating_sub(rung);
        match flies > most {
            true => Err(format!(
                "{flies} calls in flight for {free} {what} who are free: {most} allowed"
            )),
            false => Ok(()),
        }
    }

    /// Members who are free, less those who are for strangers, or for what other campaigns have
    /// dialed for them.
    fn members_for(&self, campaign: CampaignId, queue: &str) -> Result<u32, String> {
        let Some(counts) = self.lines.counts(queue) else {
            return Err(format!("dialed, and nothing is known of {queue}"));
        };
        let others = self.campaigns.iter();
        let others = others
            .filter(|(id, book)| **id != campaign && book.config.queue.as_deref() == Some(queue));
        let claimed: u32 = others.map(|(id, book)| self.claims(*id, book, queue)).sum();
        let on_queue = |id: CampaignId| {
            let book = self.campaigns.get(&id);
            book.is_some_and(|book| book.config.queue.as_deref() == Some(queue))
        };
        let ours = self.lines.waiting_in(queue, on_queue);
        let strangers = counts.callers.saturating_sub(ours);
        Ok(counts
            .free
            .saturating_sub(strangers)
            .saturating_sub(claimed))
    }

    /// Members that another campaign's calls are sure to need.
    fn claims(&self, id: CampaignId, book: &CampaignBook, queue: &str) -> u32 {
        let waiting = self.lines.waiting_in(queue, |of| of == id);
        let flies = self.in_flight(id);
        match book.config.mode {
            Mode::Progressive => flies,
            Mode::Power { ratio_milli } => {
                let sure = u64::from(flies) * 1_000 / u64::from(ratio_milli.max(1_000));
                u32::try_from(sure).unwrap_or(u32::MAX).max(waiting)
            }
            Mode::Predictive { .. } => waiting,
            Mode::Preview { .. } | Mode::Agentless => 0,
        }
    }
}

fn times(n: u32, ratio_milli: u32) -> u32 {
    let product = u64::from(n) * u64::from(ratio_milli) / 1_000;
    u32::try_from(product).unwrap_or(u32::MAX)
}
