//! What must hold after every step, and at the end.

use super::*;

impl Oracle {
    /// The engine's counters against its own list of attempts, and results against starts.
    pub(super) fn check(&self) -> Result<(), TestCaseError> {
        let view = self.bench.engine.snapshot(self.bench.now);
        let campaign = &view.campaigns[0];
        prop_assert_eq!(campaign.live as usize, view.attempts.len());
        let dialing = view
            .attempts
            .iter()
            .filter(|a| a.state.is_dialing())
            .count();
        prop_assert_eq!(campaign.dialing as usize, dialing);
        prop_assert_eq!(view.totals.dialing as usize, dialing);
        let with_state = |states: &[AgentState]| {
            let own = |a: &&snapshot::AgentView| self.assigned.contains(&a.id.0);
            let own = view.agents.iter().filter(own);
            own.filter(|a| states.contains(&a.state)).count()
        };
        use AgentState as A;
        if let Some(queue) = &campaign.queue {
            let free = queue.counts.map_or(0, |counts| counts.free);
            prop_assert_eq!(campaign.free, free);
            let waits = |a: &&snapshot::AttemptView| a.state == attempt::State::AwaitingAgent;
            let waiting = view.attempts.iter().filter(waits).count();
            prop_assert!(queue.waiting as usize <= waiting, "{} wait", queue.waiting);
        } else {
            prop_assert_eq!(campaign.free as usize, with_state(&[A::Available]));
        }
        let busy = [A::Previewing, A::Ringing, A::Reserved, A::OnCall, A::WrapUp];
        prop_assert_eq!(campaign.busy as usize, with_state(&busy));
        let open = |a: &&snapshot::AttemptView| {
            (a.state.is_dialing() || a.state == attempt::State::Classifying)
                && a.for_agent.is_none()
                && !a.inbound
        };
        let open = view.attempts.iter().filter(open).count();
        prop_assert_eq!(campaign.open as usize, open);
        for agent in view.agents.iter().filter(|a| a.state == A::Ringing) {
            prop_assert!(agent.on_hook, "{} was rung and has no phone", agent.name);
            let rung = |(_, name, _): &&(SessionId, Arc<str>, u32)| *name == agent.name;
            let told = self.phones.iter().find(rung).map(|(_, _, told)| *told);
            prop_assert_eq!(told, Some(0), "{} does not ring", agent.name);
        }
        for attempt in &view.attempts {
            prop_assert!(attempt.deadline.is_some(), "{:?} has no way out", attempt);
        }
        for trunk in &view.trunks {
            let with_leg = |a: &&snapshot::AttemptView| {
                let legless = [attempt::State::Queued, attempt::State::WrapUp];
                a.trunk == trunk.id && !legless.contains(&a.state)
            };
            let live = view.attempts.iter().filter(with_leg).count();
            prop_assert_eq!(trunk.channels as usize, live, "{}", trunk.name);
        }
        let mut seen = BTreeSet::new();
        for result in self.bench.results() {
            prop_assert!(seen.insert(result.attempt), "two results for one attempt");
        }
        Ok(())
    }

    /// Nothing more happens but time: everything must end by its own deadlines.
    pub(super) fn end(&mut self) -> Result<(), TestCaseError> {
        let told = self.bench.tell(Event::Drain(true));
        self.obey(told)?;
        for _ in 0..6 {
            let told = self.bench.wait_ms(4 * 3_600_000 / 2);
            self.obey(told)?;
        }
        prop_assert_eq!(self.bench.engine.totals().live, 0);
        let started: BTreeSet<AttemptId> = self
            .bench
            .records
            .iter()
            .filter_map(|r| match r {
                Record::Started(s) => Some(s.leg.attempt),
                _ => None,
            })
            .collect();
        let ended: BTreeSet<AttemptId> = self.bench.results().iter().map(|r| r.attempt).collect();
        // A call for one agent that never got a trunk has a result and no start.
        prop_assert!(started.is_subset(&ended), "a result for each attempt");
        prop_assert!(self.held.is_empty(), "lost: {:?}", self.held);
        prop_assert_eq!(self.asked, 0, "manual calls without an answer");
        prop_assert!(self.phones.is_empty(), "ghosts: {:?}", self.phones);
        let agents = self.bench.engine.snapshot(self.bench.now).agents;
        let on_hook: Vec<_> = agents.iter().filter(|a| a.on_hook).collect();
        prop_assert!(on_hook.is_empty(), "not sent home: {:?}", on_hook);
        let total: u64 = self.bench.engine.snapshot(self.bench.now).campaigns[0]
            .outcomes
            .iter()
            .map(|(_, n)| n)
            .sum();
        let results = self.bench.results();
        let dialed = results.iter().filter(|r| !r.inbound).count();
        prop_assert_eq!(total as usize, dialed);
        Ok(())
    }
}
