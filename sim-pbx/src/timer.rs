//! The thread that makes things happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use outdial_sim::Chance;

use crate::abi;
use crate::call_log::CallLog;
use crate::library::{Engine, Event};
use crate::limits;
use crate::options::Options;
use crate::outcome::{Out, Post};
use crate::pbx::Happening;
use crate::vtable::{Host, Note};

/// Events that go wrong on purpose.
struct Trouble {
    chance: Chance,
    lose: f64,
    duplicate: f64,
    late: f64,
}

/// The thread's own.
pub struct Timer {
    host: &'static Host,
    engine: Arc<Engine>,
    log: CallLog,
    trouble: Trouble,
    over: Arc<AtomicBool>,
}

impl Timer {
    /// `over` ends it.
    pub fn new(
        host: &'static Host,
        engine: Arc<Engine>,
        log: CallLog,
        options: &Options,
        over: Arc<AtomicBool>,
    ) -> Timer {
        Timer {
            host,
            engine,
            log,
            trouble: Trouble {
                chance: Chance::new(!options.seed),
                lose: options.lose_events,
                duplicate: options.duplicate_events,
                late: options.late_events,
            },
            over,
        }
    }

    /// Works until it is over.
    pub fn run(mut self) {
        let mut out = Out::default();
        while !self.over.load(Ordering::Acquire) {
            self.batch(&mut out);
            // Before the engine hears of it: what is written was so, whenever this process ends.
            if let Err(error) = self.write(&mut out) {
                let text = format!("the call log can't be written: {error}");
                self.host.note(Note::Fault(text));
                return;
            }
            for post in out.posts.drain(..) {
                self.post(post);
            }
        }
    }

    /// Waits for what is due, and makes it happen.
    fn batch(&self, out: &mut Out) {
        let mut state = self.host.state();
        let wait = state.next().unwrap_or(limits::PROGRESS);
        if !wait.is_zero() {
            let wait = wait.min(limits::PROGRESS);
            state = match self.host.wake.wait_timeout(state, wait) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        out.stale = self.engine.heartbeat_age_ms() > limits::HEARTBEAT_MS;
        for _ in 0..limits::BATCH {
            let Some(what) = state.pop() else { break };
            state.happen(what, out);
        }
    }

    fn write(&mut self, out: &mut Out) -> std::io::Result<()> {
        for (leg, number, seen) in out.lines.drain(..) {
            self.log.write(&leg, &number, seen)?;
        }
        self.log.flush()
    }

    fn post(&mut self, post: Post) {
        match post {
            Post::Plain(event) => {
                self.tell(&event);
            }
            Post::Told(event) => self.tell_perhaps(event),
            Post::Ended(leg, event) => {
                self.tell(&event);
                self.host.state().forget_leg(&leg);
            }
            Post::Entered(session, event) => {
                let accepted = self.tell(&event);
                self.host.state().entered(&session, accepted);
            }
            Post::Gone(session, event) => {
                self.tell(&event);
                self.host.state().forget_session(&session);
            }
        }
    }

    fn tell_perhaps(&mut self, event: Event) {
        let trouble = &mut self.trouble;
        if trouble.chance.happens(trouble.lose) {
            self.host.state().counts.troubled += 1;
            return;
        }
        if trouble.chance.happens(trouble.late) {
            let share = trouble.chance.share();
            let late = Duration::from_secs_f64(limits::LATE.as_secs_f64() * share);
            let mut state = self.host.state();
            state.counts.troubled += 1;
            state.plan(late, Happening::Late(event));
            return;
        }
        if trouble.chance.happens(trouble.duplicate) {
            self.host.state().counts.troubled += 1;
            self.tell(&event);
        }
        self.tell(&event);
    }

    fn tell(&self, event: &Event) -> bool {
        let code = self.engine.post(event);
        if code != abi::OK {
            let mut state = self.host.state();
            *state.counts.refused.entry(code).or_default() += 1;
        }
        code == abi::OK
    }
}
