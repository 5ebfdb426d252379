//! What PBX and sidecar do.

use super::*;

impl Oracle {
    pub(super) fn call(&mut self, n: u64, claim: u8) -> Vec<Command> {
        let place = usize::try_from(n).unwrap() % self.held.len().max(1);
        let (claim, lead) = match (claim, self.held.iter().nth(place).copied()) {
            (0..3, _) => match self.lease(n) {
                Some(lease) => (Claim::Taken, lease),
                None => return vec![],
            },
            // Its lease is in the hopper, with an agent or with a call; or it was given back meanwhile.
            (3 | 4, Some(id)) => {
                let n = self.lead_of[&id];
                (Claim::InHand, Lease { id, ..lead(n) })
            }
            (_, _) => (Claim::None, lead(n)),
        };
        let call = Box::new(Inbound {
            campaign: CAMPAIGN,
            lead,
            claim,
            called: None,
            wait: Span::ms(40_000),
            forbidden: n.is_multiple_of(5),
        });
        let request = RequestId(2);
        self.bench.tell(Event::Inbound { request, call })
    }

    /// The store never leases a lead that is leased, or that may not be called.
    pub(super) fn lease(&mut self, n: u64) -> Option<Lease> {
        self.leases += 1;
        let mut lease = lead(n);
        lease.id = LeaseId(self.leases);
        lease.expires_at = Wall(self.bench.now.wall.0 + 60_000);
        lease.numbers.push(number(n, 1));
        let barred = self.forbidden.contains(&n) || self.revoked.contains(&lease.id);
        if barred || self.is_live(n) {
            return None;
        }
        self.held.insert(lease.id);
        self.lead_of.insert(lease.id, n);
        Some(lease)
    }

    /// Mostly one of the last legs; sometimes one that is long over.
    pub(super) fn recent_leg(&self, n: usize) -> Option<LegId> {
        let back = if n < 50 { n % 4 } else { n };
        self.legs.iter().rev().nth(back).copied()
    }

    pub(super) fn is_live(&self, lead: u64) -> bool {
        let started: BTreeMap<AttemptId, LeadId> = self
            .bench
            .records
            .iter()
            .filter_map(|r| match r {
                Record::Started(s) => Some((s.leg.attempt, s.lead)),
                _ => None,
            })
            .collect();
        let ended: BTreeSet<AttemptId> = self.bench.results().iter().map(|r| r.attempt).collect();
        started
            .iter()
            .any(|(attempt, l)| l.0 == lead && !ended.contains(attempt))
    }

    pub(super) fn configure(&mut self) -> Vec<Command> {
        let dialed_for = !matches!(self.config.mode, Mode::Preview { .. });
        self.config.queue = (self.queue && dialed_for).then(|| "sales".into());
        let config = Box::new(self.config.clone());
        self.bench
            .tell(Event::Config(ConfigChange::Campaign(config)))
    }

    pub(super) fn reconcile(&mut self) -> Vec<Command> {
        let legs = self.accepted.iter().copied().collect();
        let called_in = self.sessions.iter().map(|s| session(*s));
        let rung = self.phones.iter().map(|(session, ..)| session.clone());
        let sessions = called_in.chain(rung).collect();
        self.bench.tell(Event::Reconcile { legs, sessions })
    }

    /// A phone is rung only while its agent is logged in without a channel, and never twice at once.
    pub(super) fn rings(&mut self, ring: &Ring) -> Result<(), TestCaseError> {
        let double = self.phones.iter().any(|(_, agent, _)| *agent == ring.agent);
        prop_assert!(!double, "{} rings already", ring.agent);
        let reused = self.phones.iter().any(|(id, ..)| *id == ring.session);
        prop_assert!(!reused, "{} is another one's", ring.session);
        let (session, agent) = (ring.session.clone(), ring.agent.clone());
        self.phones.push((session, agent, 0));
        Ok(())
    }

    pub(super) fn is_phone(&self, session: &SessionId) -> bool {
        self.phones.iter().any(|(id, ..)| id == session)
    }

    /// Some hosts need to be told twice.
    pub(super) fn dismissed(&mut self, session: &SessionId) -> Result<(), TestCaseError> {
        let phone = self.phones.iter_mut().find(|(id, ..)| id == session);
        let obeyed = phone.is_some_and(|(id, _, told)| {
            *told += 1;
            *told > 1 || id.0.len().is_multiple_of(2)
        });
        if !obeyed {
            return Ok(());
        }
        let told = self.hang_up_phone(session.clone());
        self.obey(told)
    }

    pub(super) fn hang_up_phone(&mut self, session: SessionId) -> Vec<Command> {
        self.phones.retain(|(id, ..)| *id != session);
        let what = SessionEvent::Gone;
        self.bench.tell(Event::Session { session, what })
    }

    pub(super) fn pick_up(&mut self, n: usize) -> Result<Vec<Command>, TestCaseError> {
        let phone = self.phones.iter().rev().nth(n);
        let Some(session) = phone.map(|(session, ..)| session.clone()) else {
            return Ok(vec![]);
        };
        let told = self.phone(n, 0);
        self.obey(told)?;
        let mut connects = self.connects.iter();
        let leg = connects.find(|(_, with)| **with == session);
        Ok(match leg.map(|(leg, _)| *leg) {
            Some(leg) => self.bench.leg(leg, LegEvent::Bridged { session }),
            None => vec![],
        })
    }

    /// The n-th of the phones that were rung last.
    pub(super) fn phone(&mut self, n: usize, what: u8) -> Vec<Command> {
        let Some((session, _, dismissals)) = self.phones.iter().rev().nth(n).cloned() else {
            return vec![];
        };
        let what = match what {
            0..6 => SessionEvent::Waiting,
            6 if dismissals == 0 => {
                self.phones.retain(|(id, ..)| *id != session);
                SessionEvent::Refused
            }
            _ => return self.hang_up_phone(session),
        };
        self.bench.tell(Event::Session { session, what })
    }

    pub(super) fn leg(&mut self, leg: LegId, what: u8, sip: u16) -> Vec<Command> {
        let chosen = self.connects.get(&leg).filter(|_| sip != 302).cloned();
        let agent = chosen.unwrap_or_else(|| session(u64::from(sip % 4) + 1));
        let what = match what {
            0 => LegEvent::Proceeding,
            1 => LegEvent::Ringing,
            2 => LegEvent::EarlyMedia,
            3 => LegEvent::Answered,
            4 => LegEvent::Ready {
                verdict: (sip == 404).then_some(Verdict::Machine),
            },
            5 => LegEvent::Bridged { session: agent },
            6 => LegEvent::ConnectFailed { session: agent },
            7 => LegEvent::Played { whole: sip == 0 },
            8 => LegEvent::Member,
            9 => LegEvent::Unqueued,
            10 => LegEvent::Left,
            _ => {
                self.accepted.remove(&leg);
                ended(sip)
            }
        };
        self.bench.leg(leg, what)
    }
}
