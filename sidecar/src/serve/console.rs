//! What the PBX asks for; starting, pausing and stopping campaigns, from wherever it is asked.

use std::sync::mpsc::SyncSender;

use outdial_link::{Answer, Ask, CampaignAction, Request};
use tokio::sync::oneshot;

use crate::limits;
use crate::link_server::Link;
use crate::link_server::state::NOT_CONNECTED;
use crate::serve::dispose::Said;
use crate::serve::watcher::Poke;
use crate::store::pool::Pool;
use crate::store::{StoreError, campaigns, leads};

/// Carries commands out; cheap to clone.
#[derive(Clone)]
pub struct Console {
    /// Database.
    pub pool: Pool,
    /// Engine.
    pub link: Link,
    /// Watcher.
    pub pokes: SyncSender<Poke>,
}

impl Console {
    /// What the PBX's console or dialplan asks for; what to print.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn run(&self, what: Request) -> Result<String, StoreError> {
        match what {
            Request::Campaign { name, action } => return self.campaign(&name, action).await,
            Request::Dispose {
                of,
                code,
                callback_at,
                callback_personal,
                note,
            } => {
                let said = Said {
                    code,
                    callback_at,
                    callback_personal,
                    note,
                };
                self.dispose(of.into(), said).await?;
            }
            Request::Add {
                campaign,
                number,
                columns,
            } => self.add(campaign, number, columns).await?,
            Request::DoNotCall { number, campaign } => self.do_not_call(&number, campaign).await?,
        }
        Ok(String::new())
    }

    /// A lead's own columns, as texts.
    ///
    /// # Errors
    /// No such lead; what PostgreSQL says.
    pub async fn columns(&self, lead: u64) -> Result<Vec<(String, String)>, StoreError> {
        self.pool
            .call(move |client| leads::columns(client, lead))
            .await
    }

    /// Starts, pauses or stops a campaign; a start is refused until all that it needs is there.
    ///
    /// # Errors
    /// What is missing, and how to mend it.
    pub async fn campaign(&self, name: &str, action: CampaignAction) -> Result<String, StoreError> {
        let (state, done) = match action {
            CampaignAction::Start => ("running", "started"),
            CampaignAction::Pause => ("paused", "paused"),
            CampaignAction::Stop => ("stopped", "stopped"),
        };
        let warnings = match action {
            CampaignAction::Start => self.check(name).await?,
            CampaignAction::Pause | CampaignAction::Stop => Vec::new(),
        };
        let owned = name.to_owned();
        self.pool
            .call(move |client| campaigns::set_state(client, &owned, state))
            .await?;
        self.refresh().await?;
        tracing::info!(campaign = name, state, "campaign changed");
        let mut said = format!("campaign {name:?} {done}");
        for warning in warnings {
            said.push_str("\nwarning: ");
            said.push_str(&warning);
        }
        Ok(said)
    }

    /// Waits until the engine was sent the configuration as it is now.
    ///
    /// # Errors
    /// PostgreSQL is not reachable.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.pokes
            .try_send(Some(reply))
            .map_err(|_| StoreError::Unavailable("the configuration thread is busy".into()))?;
        answer.await.map_err(|_| StoreError::Stopping)?
    }

    /// Whether the campaign may start; if so, what there is to be warned of.
    async fn check(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let owned = name.to_owned();
        let (id, lacks) = self
            .pool
            .call(move |client| {
                Ok((
                    campaigns::TABLE.id(client, &owned)?,
                    campaigns::lacks(client, &owned)?,
                ))
            })
            .await?;
        if !lacks.is_empty() {
            return Err(refused(name, &lacks.join("\n  ")));
        }
        self.refresh().await?;
        self.fits(name, id)?;
        let mut answer = self
            .link
            .ask(Ask::Check { campaign: id })
            .map_err(|why| refused(name, &why))?;
        let mut warnings = Vec::new();
        let deadline = tokio::time::Instant::now() + limits::CHECK_TIMEOUT;
        loop {
            match tokio::time::timeout_at(deadline, answer.recv()).await {
                Ok(Some((_, Ok(Answer::Step(warning))))) => warnings.push(warning),
                Ok(Some((_, Ok(Answer::Done | Answer::Ready)))) => return Ok(warnings),
                Ok(Some((_, Ok(Answer::Placed(_) | Answer::Ended { .. })))) => {
                    return Err(refused(name, "the PBX gave an answer that is none"));
                }
                Ok(Some((_, Err(why)))) => {
                    return Err(refused(name, &format!("the PBX says: {why}")));
                }
                Ok(None) => return Err(refused(name, NOT_CONNECTED)),
                Err(_) => return Err(refused(name, "the PBX did not answer the check in time")),
            }
        }
    }

    /// A simulated PBX dials test campaigns, a real one all others.
    fn fits(&self, name: &str, id: u64) -> Result<(), StoreError> {
        let Some(connected) = self.link.connected() else {
            return Ok(());
        };
        match (
            self.link.config().tests.contains(&id),
            connected.hello.test_host,
        ) {
            (true, true) | (false, false) => Ok(()),
            (true, false) => Err(refused(
                name,
                "it is a test campaign, and a real PBX is connected, which would call people; \
                 start outdial-sim-pbx with a sidecar of its own",
            )),
            (false, true) => Err(refused(
                name,
                "a simulated PBX is connected, which would use up its leads without a call; \
                 make a test campaign: outdial campaign create NAME --test",
            )),
        }
    }
}

fn refused(name: &str, why: &str) -> StoreError {
    StoreError::Refused(format!("campaign {name:?} can't start:\n  {why}"))
}
