//! What came of a call: an agent's word, or the dialplan's.

use outdial_link::{After, AgentAction, Ask, CallOf, Disposition};

use crate::clock;
use crate::limits;
use crate::serve::console::Console;
use crate::store::dispositions::{self, Kind};
use crate::store::{StoreError, agents, callbacks};

/// Which call.
#[derive(Clone, Debug)]
pub enum Of {
    /// The agent's: the one that is meant, else the one in hand, else the last one.
    Agent {
        /// Name.
        name: String,
        /// Attempt.
        attempt: Option<u64>,
    },
    /// One that lived when it was said.
    Live {
        /// Attempt.
        attempt: u64,
        /// Its lead.
        lead: u64,
        /// The agent who has it.
        agent: Option<u64>,
    },
}

impl From<CallOf> for Of {
    fn from(of: CallOf) -> Of {
        match of {
            CallOf::Agent { agent } => Of::Agent {
                name: agent,
                attempt: None,
            },
            CallOf::Live {
                attempt,
                lead,
                agent,
            } => Of::Live {
                attempt,
                lead,
                agent,
            },
        }
    }
}

/// What was said.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The operator's word.
    pub code: String,
    /// For a code that is a callback.
    pub callback_at: Option<String>,
    /// By the same agent.
    pub callback_personal: bool,
    /// What the agent wrote down.
    pub note: Option<String>,
}

/// Who took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The engine, which decides what becomes of the lead and ends the agent's wrap-up.
    InHand,
    /// The call was over: the store did as the table says.
    Late,
}

impl Console {
    /// Takes a disposition. While the call lives or is wrapped up the engine decides what becomes of
    /// the lead; later the store follows the table.
    ///
    /// # Errors
    /// No such agent, code or call; a callback's time that is missing, none, or out of bounds; the
    /// lead is being called again; what PostgreSQL says.
    pub async fn dispose(&self, of: Of, said: Said) -> Result<Taken, StoreError> {
        check_note(&said)?;
        let code = said.code.clone();
        let kind = self
            .pool
            .call(move |client| dispositions::named(client, &code))
            .await?;
        check_callback(&kind, &said)?;
        let (agent, attempt, in_hand) = match of {
            Of::Agent { name, attempt } => {
                let agent = self
                    .pool
                    .call(move |client| agents::TABLE.id(client, &name))
                    .await?;
                let in_hand = self.of_agent(agent, attempt, &kind, &said).await?;
                (Some(agent), attempt, in_hand)
            }
            Of::Live {
                attempt,
                lead,
                agent,
            } => {
                let after = self.read_after(agent, lead, &kind, &said).await?;
                let said = Box::new(disposition(&kind, &said, Some(attempt), after));
                let in_hand = self.tell(Ask::Dispose { attempt, said }).await?;
                (None, Some(attempt), in_hand)
            }
        };
        if in_hand {
            return Ok(Taken::InHand);
        }
        let late = move |client: &mut postgres::Client| {
            let call = dispositions::recorded(client, agent, attempt)?;
            let place = callbacks::place(client, call.lead)?;
            let after = after(client, agent, call.lead, &kind, &said)?;
            dispositions::apply(client, call, &place, (&kind, &after, said.note.as_deref()))
        };
        self.pool.call(late).await?;
        Ok(Taken::Late)
    }

    /// `false`: the call that is meant is over.
    async fn of_agent(
        &self,
        agent: u64,
        meant: Option<u64>,
        kind: &Kind,
        said: &Said,
    ) -> Result<bool, StoreError> {
        let (state, call) = self.link.call_of(agent);
        if !state.is_some_and(|state| matches!(state.as_str(), "on_call" | "wrap_up")) {
            return Ok(false);
        }
        let call = call.filter(|(attempt, _)| meant.is_none_or(|meant| meant == *attempt));
        let (attempt, after) = match (call, meant) {
            (Some((attempt, lead)), _) => {
                let after = self.read_after(Some(agent), lead, kind, said).await?;
                (Some(attempt), after)
            }
            (None, Some(_)) => return Ok(false),
            (None, None) if kind.callback => {
                return Err(refused(
                    "the call has only just begun; say it again in a second",
                ));
            }
            (None, None) => (None, plain(kind)),
        };
        let action = AgentAction::Dispose(Box::new(disposition(kind, said, attempt, after)));
        self.tell(Ask::Agent { agent, action }).await
    }

    /// Tells the engine; `false`: the call is over.
    async fn tell(&self, ask: Ask) -> Result<bool, StoreError> {
        let mut answer = self.link.ask(ask).map_err(StoreError::Refused)?;
        match tokio::time::timeout(limits::CHECK_TIMEOUT, answer.recv()).await {
            Ok(Some((_, result))) => Ok(result.is_ok()),
            Ok(None) | Err(_) => Err(refused("the PBX does not answer")),
        }
    }

    async fn read_after(
        &self,
        agent: Option<u64>,
        lead: u64,
        kind: &Kind,
        said: &Said,
    ) -> Result<After, StoreError> {
        let (kind, said) = (kind.clone(), said.clone());
        self.pool
            .call(move |client| after(client, agent, lead, &kind, &said))
            .await
    }
}

fn disposition(kind: &Kind, said: &Said, attempt: Option<u64>, after: After) -> Disposition {
    Disposition {
        attempt,
        code: kind.code.clone(),
        after,
        do_not_call: kind.do_not_call,
        note: said.note.clone(),
    }
}

/// What becomes of the lead.
fn after(
    client: &mut postgres::Client,
    agent: Option<u64>,
    lead: u64,
    kind: &Kind,
    said: &Said,
) -> Result<After, StoreError> {
    let Some(at) = said.callback_at.as_deref().filter(|_| kind.callback) else {
        return Ok(plain(kind));
    };
    if said.callback_personal && agent.is_none() {
        return Err(refused(
            "no agent has the call, so nobody can have its callback alone",
        ));
    }
    let (at_ms, _) = callbacks::place(client, lead)?.instant(at, clock::now_ms())?;
    Ok(After::Callback {
        at_ms,
        agent: agent.filter(|_| said.callback_personal),
    })
}

/// What becomes of the lead, if it is not called back.
fn plain(kind: &Kind) -> After {
    kind.retry_as.clone().map_or(After::Final, After::RetryAs)
}

fn check_note(said: &Said) -> Result<(), StoreError> {
    let length = said.note.as_ref().map_or(0, |note| note.chars().count());
    if length > limits::NOTE_CHARS {
        return Err(StoreError::Refused(format!(
            "note has {length} characters; allowed: up to {}",
            limits::NOTE_CHARS
        )));
    }
    Ok(())
}

fn check_callback(kind: &Kind, said: &Said) -> Result<(), StoreError> {
    let code = &kind.code;
    match (kind.callback, &said.callback_at) {
        (true, None) => Err(StoreError::Refused(format!(
            "callback_at is missing; {code} needs one, as 2026-12-01T15:00, the lead's own time, or \
             +2h"
        ))),
        (false, Some(_)) => Err(StoreError::Refused(format!(
            "callback_at is given, but {code} is no callback; leave it out, or take a code that is one"
        ))),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

fn refused(why: &str) -> StoreError {
    StoreError::Refused(why.into())
}
