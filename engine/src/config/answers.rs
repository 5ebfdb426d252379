//! What is done with an answered call, by who or what has answered.

use std::sync::Arc;

use crate::event::Verdict;

/// From where an answered call's time without an agent is counted. What AMD takes counts, unless it
/// is counted from its verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockStart {
    /// The answer.
    #[default]
    Answer,
    /// The callee's first sound; the answer until one is heard.
    GreetingStart,
    /// The end of the callee's first words (16 CFR 310.4(b)(4)(iii): "the called person's completed
    /// greeting"), which AMD hears; the answer until that is heard.
    GreetingEnd,
    /// AMD's verdict; the answer where there is none. No rule that we know of counts so.
    Verdict,
}

/// What is done with a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnMachine {
    /// The call is ended.
    #[default]
    HangUp,
    /// It is left this message, after its beep: voicemail drop.
    Message(Arc<str>),
    /// It gets an agent, as a person does.
    Agent,
}

/// Who gets an agent, by what AMD said. Where it did not run, a person is believed to have answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerRules {
    /// From where the time without an agent is counted.
    pub clock: ClockStart,
    /// [`Verdict::Machine`].
    pub machine: OnMachine,
    /// [`Verdict::Unknown`] is treated as a machine. Usually it is a person.
    pub unknown_is_machine: bool,
    /// [`Verdict::Screening`] is treated as a machine. Otherwise the agent says who calls.
    pub screening_is_machine: bool,
    /// People among those whom AMD takes for machines, in thousandths, as an audit of recordings
    /// found: they count as abandoned.
    pub people_among_machines_milli: u32,
}

impl AnswerRules {
    /// What is done with who answered, if it is a machine by these rules.
    #[must_use]
    pub fn machine(&self, verdict: Option<Verdict>) -> Option<&OnMachine> {
        let machine = match verdict? {
            Verdict::Human => false,
            Verdict::Machine => true,
            Verdict::Unknown => self.unknown_is_machine,
            Verdict::Screening => self.screening_is_machine,
        };
        (machine && self.machine != OnMachine::Agent).then_some(&self.machine)
    }
}
