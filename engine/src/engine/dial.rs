//! Placing a leg: whether the number may be called now, over which trunk, and the originate.

use crate::attempt::{Attempt, Outcome, Purpose, State, Trigger};
use crate::command::{Command, Originate, Record, Started, TestStep};
use crate::config::{Route, Target};
use crate::deadline::Why;
use crate::event::Lease;
use crate::explain::Reason;
use crate::hopper::{Spot, alive};
use crate::ids::{AgentId, AttemptId, CampaignId, LeaseId, RequestId, TrunkId};
use crate::limits;
use crate::number::Number;
use crate::retry::{Over, lead_next};
use crate::routes::dialed;
use crate::time::Now;

use super::Engine;

/// A trunk that can take a call now, and the digits to dial over it.
struct Way {
    trunk: TrunkId,
    digits: Number,
}

impl Engine {
    /// Starts the next call of a campaign. `Err` says why there is none.
    pub(super) fn dial_next(&mut self, now: Now, id: CampaignId) -> Result<(), Reason> {
        self.any_trunk(now, id)?;
        let mut reason = None;
        let mut spot = None;
        for _ in 0..limits::LOOK_AHEAD {
            let campaign = self.campaigns.get(&id).ok_or(Reason::Paused)?;
            spot = campaign.hopper.next(spot);
            let Some(lease) = spot.map(Spot::lease) else {
                break;
            };
            let way = self.allowed_number(now, id, lease).and_then(|index| {
                let number = self.number_of(id, lease, index).ok_or(Reason::NoLeads)?;
                Ok((index, self.choose_trunk(now, id, &number, &[])?))
            });
            match way {
                Ok((index, way)) => {
                    let attempt = self.begin(now, id, lease, index, None)?;
                    self.place_leg(now, attempt, way);
                    return Ok(());
                }
                Err(why) => {
                    if let Some(why) = self.pass_over(id, lease, why) {
                        reason.get_or_insert(why);
                    }
                }
            }
        }
        let aside = self.campaigns.get(&id).and_then(|c| c.hopper.aside());
        Err(reason.or(aside).unwrap_or(Reason::NoLeads))
    }

    /// The first of these leads that may be dialed now, whether or not a trunk is free, and which
    /// of its numbers.
    pub(super) fn first_allowed(
        &mut self,
        now: Now,
        id: CampaignId,
        leases: Vec<LeaseId>,
    ) -> Result<(LeaseId, usize), Reason> {
        let mut reason = None;
        for lease in leases {
            let index = self.allowed_number(now, id, lease).and_then(|index| {
                let number = self.number_of(id, lease, index).ok_or(Reason::NoLeads)?;
                match self.choose_trunk(now, id, &number, &[]) {
                    Err(Reason::NoRoute) => Err(Reason::NoRoute),
                    Ok(_) | Err(_) => Ok(index),
                }
            });
            match index {
                Ok(index) => return Ok((lease, index)),
                Err(why) => {
                    if let Some(why) = self.pass_over(id, lease, why) {
                        reason.get_or_insert(why);
                    }
                }
            }
        }
        Err(reason.unwrap_or(Reason::NoLeads))
    }

    /// What becomes of a lead that can't be dialed now; `Some` is a reason worth telling.
    fn pass_over(&mut self, id: CampaignId, lease: LeaseId, why: Reason) -> Option<Reason> {
        let trunk = [
            Reason::TrunkCps,
            Reason::TrunkChannels,
            Reason::TrunkBackoff,
        ];
        if trunk.contains(&why) {
            // The lead keeps its place in the line.
            return Some(why);
        }
        if matches!(why, Reason::NoLeads | Reason::DoNotCall) {
            self.give_back(id, vec![lease]);
            return None;
        }
        if let Some(campaign) = self.campaigns.get_mut(&id) {
            campaign.hopper.set_aside(lease, why);
        }
        Some(why)
    }

    fn number_of(&self, id: CampaignId, lease: LeaseId, index: usize) -> Option<Number> {
        let lease = self.campaigns.get(&id)?.hopper.get(lease)?;
        Some(lease.numbers.get(index)?.number.clone())
    }

    /// Spares a look at the leads when no trunk of the campaign takes a call now.
    fn any_trunk(&mut self, now: Now, id: CampaignId) -> Result<(), Reason> {
        let mut reason = None;
        for route in self.routes.of(id) {
            match self.trunks.get_mut(&route.trunk).map(|t| t.check(now.tick)) {
                Some(Err(Reason::TrunkCps)) => reason = Some(Reason::TrunkCps),
                Some(Err(busy)) => {
                    reason.get_or_insert(busy);
                }
                // Without such a trunk it is the lead's own matter.
                Some(Ok(())) | None => return Ok(()),
            }
        }
        reason.map_or(Ok(()), Err)
    }

    /// The lead's first number that may be dialed now. `Err(NoLeads)`: the lease is of no further
    /// use.
    fn allowed_number(
        &mut self,
        now: Now,
        id: CampaignId,
        lease: LeaseId,
    ) -> Result<usize, Reason> {
        let lease = self.campaigns.get(&id).and_then(|c| c.hopper.get(lease));
        let lease = lease.ok_or(Reason::NoLeads)?;
        let mut reason = Reason::NoLeads;
        for index in 0..lease.numbers.len() {
            match self.may_dial(now, lease, index) {
                Ok(()) => return Ok(index),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    /// The last word before a call: lease, window and do-not-call, at the instant of dialing.
    fn may_dial(&self, now: Now, lease: &Lease, index: usize) -> Result<(), Reason> {
        if !alive(lease, now.wall) {
            return Err(Reason::NoLeads);
        }
        let number = &lease.numbers[index];
        if self.is_forbidden(now, &number.number) {
            return Err(Reason::DoNotCall);
        }
        if now.wall >= number.not_after {
            return Err(Reason::NoLeads);
        }
        if now.wall < number.not_before {
            return Err(Reason::WindowClosed);
        }
        Ok(())
    }

    /// A trunk that can take the call now. Among routes of equal standing by weight and health; a
    /// lower one
    /// when all of the higher are down or full. Where only the calls per second are used up, the
    /// call waits rather than spills over.
    fn choose_trunk(
        &mut self,
        now: Now,
        campaign: CampaignId,
        number: &Number,
        tried: &[TrunkId],
    ) -> Result<Way, Reason> {
        let mut reason = None;
        for group in self.routes.groups(campaign, number) {
            self.weights.clear();
            let mut wait = false;
            for route in group.clone() {
                let weight = weight(&mut self.trunks, now, route, number, tried);
                self.weights.push(*weight.as_ref().unwrap_or(&0));
                if let Err(why) = weight {
                    wait |= why == Reason::TrunkCps;
                    reason.get_or_insert(why);
                }
            }
            let chosen = self.rng.weighted(&self.weights);
            if let Some(route) = chosen.and_then(|place| group.clone().nth(place)) {
                let digits = dialed(route, number).ok_or(Reason::NoRoute)?;
                return Ok(Way {
                    trunk: route.trunk,
                    digits,
                });
            }
            if wait {
                return Err(Reason::TrunkCps);
            }
        }
        Err(reason.unwrap_or(Reason::NoRoute))
    }

    /// Whether a failover makes sense: some route leads to a trunk not yet tried.
    pub(super) fn has_other_trunk(&self, id: AttemptId) -> bool {
        let Some(attempt) = self.attempts.get(&id) else {
            return false;
        };
        let Some(campaign) = attempt.campaign() else {
            return false;
        };
        self.routes
            .groups(campaign, attempt.number())
            .flatten()
            .any(|route| route.trunk != attempt.trunk && !attempt.tried.contains(&route.trunk))
    }

    /// Makes an attempt of a lead, which waits for its trunk. `for_agent`: who is reserved for it.
    pub(super) fn begin(
        &mut self,
        now: Now,
        campaign_id: CampaignId,
        lease: LeaseId,
        index: usize,
        for_agent: Option<AgentId>,
    ) -> Result<AttemptId, Reason> {
        let (Some(epoch), Some(campaign)) = (self.epoch, self.campaigns.get_mut(&campaign_id))
        else {
            return Err(Reason::LinkDown);
        };
        let called = campaign.hopper.get(lease).map(|l| &l.numbers[index].number);
        let called = called.ok_or(Reason::NoLeads)?;
        let (pool, turn) = (&campaign.config.caller_ids, campaign.caller_id_turn);
        let place = self.shown.choose(now.wall, pool, turn, called);
        let place = place.ok_or(Reason::CallerIds)?;
        let caller_id = pool.numbers[place].clone();
        campaign.caller_id_turn = place + 1;
        self.shown.count(now.wall, &caller_id, 1);
        let lease = campaign.hopper.take(lease).ok_or(Reason::NoLeads)?;
        self.attempt_counter += 1;
        let id = epoch.attempt(self.attempt_counter);
        let purpose = Purpose::Lead {
            campaign: campaign_id,
            lease: Box::new(lease),
            index,
        };
        campaign.live += 1;
        campaign.count(State::Queued, true, for_agent.is_some());
        self.dialing += 1;
        let mut attempt = Attempt::new(id, purpose, caller_id, now);
        attempt.for_agent = for_agent;
        self.attempts.insert(id, attempt);
        Ok(id)
    }

    /// Journals the start and asks the host to dial.
    fn place_leg(&mut self, now: Now, id: AttemptId, way: Way) {
        let Some(from) = self.step(now, id, Trigger::Dial) else {
            return;
        };
        let (Some(trunk), Some(attempt)) =
            (self.trunks.get_mut(&way.trunk), self.attempts.get_mut(&id))
        else {
            return;
        };
        attempt.legs += 1;
        attempt.placed = now.tick;
        let due = trunk.take(now.tick, attempt.leg());
        let (tech, endpoint) = (trunk.config.tech.clone(), trunk.config.endpoint.clone());
        attempt.leg_live = true;
        attempt.missing = 0;
        attempt.trunk = way.trunk;
        attempt.alerting = None;
        attempt.ending = None;
        attempt.hangups = 0;
        let leg = attempt.leg();
        let lead = attempt.lead().map(|(lease, _)| lease.lead);
        let campaign = attempt.campaign().and_then(|c| self.campaigns.get(&c));
        let record = campaign.is_some_and(|c| c.config.recording.is_some());
        let amd = campaign.and_then(|c| c.config.amd.clone());
        let caller_id = attempt.caller_id.clone();
        self.totals.legs += 1;
        self.note_call(id, from);
        let (account, target, timeout_ms) = self.call_settings(id);
        if let Some(started) = self.start_record(now, id) {
            self.push(Command::Journal(Record::Started(started)));
        }
        self.push(Command::Originate(Box::new(Originate {
            leg,
            lead,
            record,
            amd,
            due,
            tech,
            endpoint,
            number: way.digits,
            caller_id,
            account,
            timeout_ms,
            target,
        })));
        self.arm(id, now.tick + limits::SETUP_TIMEOUT, Why::SetupTimeout);
        self.report_step(id);
    }

    fn call_settings(&self, id: AttemptId) -> (std::sync::Arc<str>, Target, u32) {
        let campaign = self
            .attempts
            .get(&id)
            .and_then(|a| self.campaigns.get(&a.campaign()?))
            .map(|c| &c.config);
        let ring = campaign.map_or(limits::TEST_RING_TIMEOUT_MS, |c| c.ring_timeout_ms);
        let setup = u32::try_from(limits::SETUP_TIMEOUT.as_ms()).unwrap_or(u32::MAX);
        // A phone may take the whole set-up time, then progress, then ring.
        let timeout = setup
            .saturating_add(ring.saturating_mul(2))
            .saturating_add(5_000);
        match campaign {
            Some(c) => (c.name.clone(), c.target.clone(), timeout),
            None => {
                let target = Target {
                    context: "outdial".into(),
                    exten: "s".into(),
                    priority: 1,
                };
                ("test".into(), target, timeout)
            }
        }
    }

    fn start_record(&self, now: Now, id: AttemptId) -> Option<Started> {
        let attempt = self.attempts.get(&id)?;
        let Purpose::Lead {
            campaign,
            lease,
            index,
        } = &attempt.purpose
        else {
            return None;
        };
        let number = lease.numbers.get(*index)?;
        let policy = &self.campaigns.get(campaign)?.config.retry;
        let if_lost = Over {
            outcome: Outcome::Failed,
            lease,
            index: *index,
            charged: true,
            dialed: true,
            disposition: None,
            now: now.wall,
        };
        Some(Started {
            leg: attempt.leg(),
            lease: lease.id,
            lead: lease.lead,
            campaign: *campaign,
            trunk: attempt.trunk,
            number: number.number.clone(),
            position: number.position,
            caller_id: attempt.caller_id.clone(),
            started_at: attempt.started_at,
            if_lost: lead_next(policy, &if_lost),
        })
    }

    /// Tries again for attempts that failed over, and for test calls.
    pub(super) fn serve_queued(&mut self, now: Now) {
        let waiting: Vec<AttemptId> = self.queued.iter().copied().collect();
        for id in waiting {
            if self.dialing > self.settings.max_concurrent_originates {
                return;
            }
            self.serve_one(now, id);
        }
    }

    pub(super) fn serve_one(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let way = match &attempt.purpose {
            Purpose::Test { number, .. } => {
                let (number, trunk) = (number.clone(), attempt.trunk);
                self.trunks
                    .get_mut(&trunk)
                    .map_or(Err(Reason::NoRoute), |t| t.check(now.tick))
                    .map(|()| Way {
                        trunk,
                        digits: number,
                    })
            }
            Purpose::Lead {
                campaign,
                lease,
                index,
            } => {
                let (campaign, lease, index) = (*campaign, lease.clone(), *index);
                let tried = attempt.tried.clone();
                let hold = match attempt.for_agent.is_some() {
                    true => self.hold_personal(now, campaign),
                    false => self.hold(now, campaign),
                };
                // The store has given away what was leased in another epoch.
                let void = self.epoch != Some(id.epoch());
                if void || hold.is_some() || self.may_dial(now, &lease, index).is_err() {
                    self.advance(now, id, Trigger::End(Outcome::Cancelled));
                    return;
                }
                let number = lease.numbers[index].number.clone();
                self.choose_trunk(now, campaign, &number, &tried)
            }
        };
        match way {
            Ok(way) => self.place_leg(now, id, way),
            Err(Reason::NoRoute) => {
                self.advance(now, id, Trigger::End(Outcome::Congested));
            }
            // Some trunk will come free, or the deadline ends the wait.
            Err(_) => {}
        }
    }

    pub(super) fn test_call(
        &mut self,
        now: Now,
        request: RequestId,
        trunk: TrunkId,
        number: Number,
        caller_id: Number,
    ) {
        let refusal = match self.epoch {
            _ if !self.trunks.contains_key(&trunk) => Some("no such trunk"),
            _ if self.draining => Some("outdial is draining"),
            _ if self.is_forbidden(now, &number) => Some("the number is on the do-not-call list"),
            None => Some("the sidecar is not connected"),
            Some(_) => None,
        };
        if let Some(why) = refusal {
            let step = TestStep::Refused(why.into());
            self.push(Command::TestCallStep { request, step });
            return;
        }
        let Some(epoch) = self.epoch else { return };
        self.attempt_counter += 1;
        let id = epoch.attempt(self.attempt_counter);
        let mut attempt = Attempt::new(id, Purpose::Test { request, number }, caller_id, now);
        attempt.trunk = trunk;
        self.attempts.insert(id, attempt);
        self.queued.insert(id);
        self.dialing += 1;
        self.arm(id, now.tick + limits::QUEUE_TIMEOUT, Why::QueueTimeout);
    }

    pub(super) fn test_request(&self, id: AttemptId) -> Option<RequestId> {
        match &self.attempts.get(&id)?.purpose {
            Purpose::Test { request, .. } => Some(*request),
            Purpose::Lead { .. } => None,
        }
    }

    pub(super) fn is_test(&self, id: AttemptId) -> bool {
        self.test_request(id).is_some()
    }

    /// Tells who asked for a test call where it stands.
    pub(super) fn report_step(&mut self, id: AttemptId) {
        let Some(request) = self.test_request(id) else {
            return;
        };
        if let Some(state) = self.attempts.get(&id).map(|a| a.state) {
            self.push(Command::TestCallStep {
                request,
                step: TestStep::State(state),
            });
        }
    }

    /// A test call is over: nothing is recorded of it.
    pub(super) fn drop_test(&mut self, _now: Now, id: AttemptId) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        self.queued.remove(&id);
        if attempt.state.is_dialing() {
            self.dialing = self.dialing.saturating_sub(1);
        }
    }
}

/// A route's share of the calls: its weight, less the worse its trunk's health is; the worst keeps a
/// twentieth, or it would never be seen to have recovered. `Err`: what stands in its way.
fn weight(
    trunks: &mut std::collections::BTreeMap<TrunkId, crate::trunk::Trunk>,
    now: Now,
    route: &Route,
    number: &Number,
    tried: &[TrunkId],
) -> Result<u32, Reason> {
    if tried.contains(&route.trunk) || dialed(route, number).is_none() {
        return Err(Reason::NoRoute);
    }
    let trunk = trunks.get_mut(&route.trunk).ok_or(Reason::NoRoute)?;
    trunk.check(now.tick)?;
    Ok(route.weight.saturating_mul(trunk.breaker.score().max(50)))
}
