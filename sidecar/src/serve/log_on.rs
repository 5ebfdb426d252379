//! Agents who say their PIN.

use outdial_link::{PinChecked, Secret};

use crate::serve::console::Console;
use crate::store::pins::Try;
use crate::store::{StoreError, pins};
use crate::{limits, pin};

impl Console {
    /// Whether this is the agent's PIN. A wrong one is counted; the last one that is allowed locks the
    /// agent.
    ///
    /// # Errors
    /// PostgreSQL is not reachable: then nobody logs in by a PIN.
    pub async fn check_pin(&self, agent: String, said: Secret) -> Result<PinChecked, StoreError> {
        let name = agent.clone();
        let begun = self
            .pool
            .call(move |client| pins::begin_try(client, &name))
            .await?;
        let (hash, last) = match begun {
            Try::Compare { hash, last } => (hash, last),
            Try::Locked => return Ok(PinChecked::Locked),
            Try::NoPin => return Ok(PinChecked::Wrong),
        };
        if pin::compare(said, hash).await? {
            self.pool
                .call(move |client| pins::forget(client, &agent))
                .await?;
            return Ok(PinChecked::Right);
        }
        if last {
            tracing::warn!(
                tries = limits::PIN_TRIES,
                "an agent is locked after too many wrong PINs; outdial agents list shows who"
            );
        }
        Ok(PinChecked::Wrong)
    }
}
