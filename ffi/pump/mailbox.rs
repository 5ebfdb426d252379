//! What reaches the pump, and when it wakes up for it.

use std::time::Instant;

use crossbeam::channel::{Receiver, SendTimeoutError, Sender, TrySendError, bounded};
use outdial_engine::{AgentEvent, Engine, Inbound, Now};
use outdial_link::{Down, Snapshot};

use crate::bell::Bell;
use crate::clock::Clock;
use crate::inbound;
use crate::journal::Notice;
use crate::limits;
use crate::post::Posted;
use crate::slots::Slots;

/// Looks at the engine on the pump's thread; must not take long.
pub(crate) type Look = Box<dyn FnOnce(&Engine, Now) + Send>;

/// What our own threads tell the pump.
pub(crate) enum Input {
    /// The sidecar welcomed us.
    LinkUp { epoch: u32 },
    /// It is gone.
    LinkDown,
    /// It said something.
    Down(Box<Down>),
    /// The journal said something.
    Journal(Notice),
    /// Drain, or go on.
    Drain(bool),
    /// An agent does something by phone or console. The answer: `None` for an unknown name.
    Agent {
        name: Box<str>,
        what: AgentEvent,
        reply: Sender<Option<Result<(), String>>>,
    },
    /// Somebody calls us. The answer: his leg.
    Inbound(Box<Inbound>, inbound::Ask),
    /// Somebody wants to see something, and takes it along.
    Look(Look),
    /// Somebody wants to see the state.
    Snapshot(Sender<Box<Snapshot>>),
    /// Work off what is queued, then end.
    Stop,
    /// Panic, on purpose.
    #[cfg(feature = "fault-injection")]
    Panic,
}

/// The other threads' end.
pub(crate) struct Mailbox {
    events: Sender<Posted>,
    inputs: Sender<Input>,
    pub(super) bell: Bell,
}

/// The pump's end.
pub(crate) struct Received {
    pub(super) events: Receiver<Posted>,
    pub(super) inputs: Receiver<Input>,
}

/// Makes both ends.
pub(crate) fn mailbox() -> (Mailbox, Received) {
    let (event_tx, events) = bounded(Slots::ALL);
    let (input_tx, inputs) = bounded(limits::INPUTS);
    let mailbox = Mailbox {
        events: event_tx,
        inputs: input_tx,
        bell: Bell::default(),
    };
    (mailbox, Received { events, inputs })
}

impl Mailbox {
    /// An event of the host. `false`: there is no room, or the pump is gone for good.
    pub(crate) fn post(&self, posted: Posted) -> bool {
        let (at, urgent) = (posted.at, posted.urgent);
        let sent = self.events.try_send(posted).is_ok();
        if urgent {
            self.bell.ring();
        } else {
            self.bell.ring_within(at, limits::LAZY);
        }
        sent
    }

    /// An input, unless there is no room for it now.
    pub(crate) fn send(&self, input: Input) -> Result<(), TrySendError<Input>> {
        let sent = self.inputs.try_send(input);
        self.bell.ring();
        sent
    }

    /// An input; waits for room until `deadline`.
    pub(crate) fn send_by(
        &self,
        input: Input,
        deadline: Instant,
    ) -> Result<(), SendTimeoutError<Input>> {
        // A pump whose queue is full is awake.
        let sent = self.inputs.send_deadline(input, deadline);
        self.bell.ring();
        sent
    }

    /// As [`Mailbox::send_by`]; once it is in, it can wait a little.
    pub(crate) fn send_lazily_by(
        &self,
        clock: Clock,
        input: Input,
        deadline: Instant,
    ) -> Result<(), SendTimeoutError<Input>> {
        let sent = self.inputs.send_deadline(input, deadline);
        self.bell.ring_within(clock.tick(), limits::LAZY);
        sent
    }

    /// Lets the pump look at the flags.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }
}
