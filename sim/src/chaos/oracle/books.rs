//! The engine's books against what is true: at intervals, and at the end.

use std::collections::{BTreeMap, BTreeSet};

use outdial_engine::agent::AgentState;
use outdial_engine::attempt::State;
use outdial_engine::config::Mode;
use outdial_engine::snapshot::{AttemptView, Snapshot};
use outdial_engine::{AgentId, LeaseId, LegId, Now, Span, Tick};

use super::super::pbx::Pbx;
use super::{Fate, Oracle, Verdict};

/// What engine and PBX may differ in for so long: two reconciliations, and a hang-up that is
/// forgotten now and then.
pub(super) const SETTLES: Span = Span::seconds(100);
/// An agent who was chosen for a call and has none.
const RETURNS: Span = Span::seconds(110);

/// What differs, and since when.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspects {
    ghosts: BTreeMap<LegId, Tick>,
    strays: BTreeMap<LegId, Tick>,
    agents: BTreeMap<AgentId, Tick>,
}

impl Oracle {
    pub(crate) fn inspect(
        &mut self,
        now: Now,
        view: &Snapshot,
        held: &[LeaseId],
        pbx: &Pbx,
    ) -> Verdict {
        self.leases_add_up(held)?;
        counters_add_up(view)?;
        self.no_ghosts(now, view, pbx)?;
        self.phones.inspect(now, view, pbx)?;
        self.agents_are_somewhere(now, view)?;
        self.removed_trunks_go(view)?;
        self.lines.nobody_waits_too_long(now)?;
        self.callers.inspect(now)?;
        self.abandoned_within_limit()
    }

    /// Each lease is held, used, given back, revoked or void: none is lost, none is made up.
    fn leases_add_up(&self, held: &[LeaseId]) -> Verdict {
        let engine: BTreeSet<LeaseId> = held.iter().copied().collect();
        let live = |id: &LeaseId| self.tries.values().any(|t| t.lease == *id);
        for (id, book) in &self.leases {
            let has = engine.contains(id);
            let should = match book.fate {
                Fate::Held | Fate::InUse => true,
                Fate::Revoked | Fate::Void => has && live(id),
            };
            if has != should {
                let has = if has { "holds" } else { "does not hold" };
                return Err(format!(
                    "the engine {has} lease {id}, which is {:?}",
                    book.fate
                ));
            }
        }
        match engine.iter().find(|id| !self.leases.contains_key(id)) {
            Some(id) => Err(format!("the engine holds lease {id}, never granted")),
            None => Ok(()),
        }
    }

    /// A leg that only one of the two knows is found out in time.
    fn no_ghosts(&mut self, now: Now, view: &Snapshot, pbx: &Pbx) -> Verdict {
        let engine: BTreeSet<LegId> = view.attempts.iter().filter_map(leg).collect();
        let real: BTreeSet<LegId> = pbx.legs().collect();
        let known = |id: &LegId| {
            view.attempts
                .iter()
                .any(|a| a.id == id.attempt && a.leg == id.n)
        };
        let ghosts = engine.difference(&real).copied();
        let strays = real.iter().filter(|id| !known(id)).copied();
        if let Some(leg) = overdue(&mut self.suspects.ghosts, ghosts, now.tick, SETTLES) {
            return Err(format!(
                "leg {leg} is long gone, and the engine still counts it"
            ));
        }
        if let Some(leg) = overdue(&mut self.suspects.strays, strays, now.tick, SETTLES) {
            return Err(format!(
                "leg {leg} lives on in the PBX, and the engine does not know it"
            ));
        }
        Ok(())
    }

    /// Who is reserved or talks has a call; who does not for long is lost to the campaign.
    fn agents_are_somewhere(&mut self, now: Now, view: &Snapshot) -> Verdict {
        let with: BTreeSet<AgentId> = view
            .attempts
            .iter()
            .flat_map(|a| [a.agent, a.for_agent])
            .flatten()
            .collect();
        let lost = view
            .agents
            .iter()
            .filter(|a| matches!(a.state, AgentState::Reserved | AgentState::OnCall))
            .filter(|a| !with.contains(&a.id))
            .map(|a| a.id);
        match overdue(&mut self.suspects.agents, lost, now.tick, RETURNS) {
            Some(agent) => Err(format!("agent {agent} has no call, and is not let go")),
            None => Ok(()),
        }
    }

    /// What the controller promises whatever its predictions are worth: with alpha below 3%, at most
    /// `alpha * n + (8.5 - 2.5) / 0.05` abandoned calls and those in flight when it becomes strict.
    /// Then it dials one call for each free agent, so what is abandoned after that has another cause:
    /// agents who go or pause, connects that fail, callees who hang up first. Each is let pass once.
    fn abandoned_within_limit(&self) -> Verdict {
        for (id, book) in &self.campaigns {
            let predictive = matches!(book.config.mode, Mode::Predictive { .. });
            if !predictive || !book.steady {
                continue;
            }
            let calls = book.served + book.abandoned;
            let allowed = calls * 3 / 100 + 120 + book.live_most + self.excused;
            if book.abandoned > allowed {
                let abandoned = book.abandoned;
                return Err(format!(
                    "campaign {id}: {abandoned} of {calls} abandoned, {allowed} allowed"
                ));
            }
        }
        Ok(())
    }

    /// A trunk that was removed goes with the last call over it.
    fn removed_trunks_go(&self, view: &Snapshot) -> Verdict {
        let removed = |id| self.trunks.get(id).is_none_or(|book| book.removed);
        let stays = view
            .trunks
            .iter()
            .find(|trunk| removed(&trunk.id) && trunk.channels == 0);
        match stays {
            Some(trunk) => Err(format!("trunk {} was removed and is still there", trunk.id)),
            None => Ok(()),
        }
    }

    /// After a drain nothing is left of anything.
    pub(crate) fn all_over(&self, view: &Snapshot, held: &[LeaseId], pbx: &Pbx) -> Verdict {
        self.leases_add_up(held)?;
        counters_add_up(view)?;
        if let Some(lease) = held.first() {
            return Err(format!("lease {lease} is still held after the drain"));
        }
        if let Some(attempt) = view.attempts.first() {
            return Err(format!("still live after the drain: {attempt:?}"));
        }
        if let Some(id) = self.tries.keys().next() {
            return Err(format!("attempt {id} has no result"));
        }
        if let Some(leg) = pbx.legs().next() {
            return Err(format!("leg {leg} lives on after the drain"));
        }
        if let Some(session) = pbx.sessions().next() {
            return Err(format!("session {session} lives on after the drain"));
        }
        if let Some(agent) = view.agents.first() {
            return Err(format!("still logged in after the drain: {agent:?}"));
        }
        let results: u64 = view
            .campaigns
            .iter()
            .flat_map(|c| c.outcomes.iter().map(|(_, n)| *n))
            .sum();
        if results > self.results || view.totals.ended != self.results {
            let ended = view.totals.ended;
            return Err(format!(
                "{} results, {results} counted, {ended} ended",
                self.results
            ));
        }
        self.removed_trunks_go(view)
    }
}

/// The engine's sums against its own lists.
fn counters_add_up(view: &Snapshot) -> Verdict {
    let count = |which: &dyn Fn(&AttemptView) -> bool| {
        let n = view.attempts.iter().filter(|a| which(a)).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    };
    let same = |what: String, is: u32, should: u32| match is == should {
        true => Ok(()),
        false => Err(format!("{what}: {is} counted, {should} there")),
    };
    for campaign in &view.campaigns {
        let id = campaign.id;
        let own = |a: &AttemptView| a.campaign == Some(id);
        same(format!("campaign {id}, live"), campaign.live, count(&own))?;
        let dialing = count(&|a| own(a) && a.state.is_dialing());
        same(format!("campaign {id}, dialing"), campaign.dialing, dialing)?;
        let bridged = count(&|a| own(a) && a.state == State::Bridged);
        same(format!("campaign {id}, bridged"), campaign.bridged, bridged)?;
    }
    for trunk in &view.trunks {
        let legs = count(&|a| a.trunk == trunk.id && leg(a).is_some());
        same(
            format!("trunk {}, channels", trunk.id),
            trunk.channels,
            legs,
        )?;
    }
    let dialing = count(&|a| a.state.is_dialing());
    same(
        "dialing".into(),
        u32::try_from(view.totals.dialing).unwrap_or(u32::MAX),
        dialing,
    )?;
    match view.attempts.iter().find(|a| a.deadline.is_none()) {
        Some(attempt) => Err(format!("no way out: {attempt:?}")),
        None => Ok(()),
    }
}

/// The leg that the engine believes to be live.
fn leg(attempt: &AttemptView) -> Option<LegId> {
    let without = matches!(attempt.state, State::Queued | State::WrapUp);
    (!without).then_some(LegId {
        attempt: attempt.id,
        n: attempt.leg,
    })
}

/// Keeps those that are still suspect; the first that has been for too long.
pub(super) fn overdue<K: Ord + Clone>(
    known: &mut BTreeMap<K, Tick>,
    now_suspect: impl Iterator<Item = K>,
    now: Tick,
    limit: Span,
) -> Option<K> {
    let since: BTreeMap<K, Tick> = now_suspect
        .map(|key| {
            let since = known.get(&key).copied().unwrap_or(now);
            (key, since)
        })
        .collect();
    *known = since;
    let late = known.iter().find(|(_, since)| now - **since > limit);
    late.map(|(key, _)| key.clone())
}
