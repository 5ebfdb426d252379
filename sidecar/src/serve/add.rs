//! One lead, or one number that nobody may call, from the dialplan.

use outdial_link::Down;

use crate::clock;
use crate::import::columns::Columns;
use crate::import::numbers::Numbers;
use crate::import::row::Leads;
use crate::import::{ImportError, Report};
use crate::serve::console::Console;
use crate::store::import::{Chunk, Lead, Writer};
use crate::store::{StoreError, campaigns, dnc};

/// Where a lead goes whose list is not named.
const LIST: &str = "added";

/// The column that an added lead's number comes in.
const PHONE: &str = "phone";

impl Console {
    /// Adds a lead, as an import of one row does.
    ///
    /// # Errors
    /// No such campaign; no number, or one that the campaign has already; a column's value that is
    /// none; what PostgreSQL says.
    pub async fn add(
        &self,
        campaign: String,
        number: String,
        columns: Vec<(String, String)>,
    ) -> Result<(), StoreError> {
        let (list, lead) = read(number, columns)?;
        let name = campaign.clone();
        let write = move |client: &mut postgres::Client| {
            let mut writer = Writer::start(client, &name, &list)?;
            let chunk = Chunk {
                leads: vec![lead],
                ..Chunk::default()
            };
            let rejected = writer.write(chunk)?;
            if let Some(Report::Reject { reason, .. }) = rejected.into_iter().next() {
                return Err(StoreError::Refused(reason));
            }
            writer.commit()?;
            campaigns::TABLE.id(client, &name)
        };
        let campaign = self.pool.call(write).await?;
        // The engine may have been told that nothing is due for a while.
        self.link.send(Down::Leases {
            campaign,
            leases: Vec::new(),
            next_due_ms: Some(clock::now_ms()),
        });
        Ok(())
    }

    /// Puts a number on the do-not-call list, and has it told to the engines.
    ///
    /// # Errors
    /// No number, no such campaign; what PostgreSQL says.
    pub async fn do_not_call(
        &self,
        number: &str,
        campaign: Option<String>,
    ) -> Result<(), StoreError> {
        let digits = Numbers::new(None)
            .and_then(|numbers| numbers.loose(number))
            .map_err(|error| StoreError::Refused(error.to_string()))?;
        let add = move |client: &mut postgres::Client| {
            let campaign = campaigns::id(client, campaign.as_deref())?;
            dnc::add(client, &[digits], campaign, Some("dialplan"))
        };
        self.pool.call(add).await?;
        self.refresh().await
    }
}

/// The list, and the lead.
fn read(number: String, columns: Vec<(String, String)>) -> Result<(String, Lead), StoreError> {
    let refused = |error: &dyn std::fmt::Display| StoreError::Refused(error.to_string());
    let (mut list, mut country) = (LIST.to_owned(), None);
    let (mut headers, mut fields) = (vec![PHONE.to_owned()], vec![number]);
    for (name, value) in columns {
        match name.as_str() {
            "list" => list = value,
            "country" => country = Some(value),
            PHONE => return Err(StoreError::Refused(
                "phone is the number that stands first; further ones are phone2, phone3 and so on"
                    .into(),
            )),
            _ => {
                headers.push(name);
                fields.push(value);
            }
        }
    }
    let numbers = Numbers::new(country.as_deref()).map_err(|error| refused(&error))?;
    let columns = Columns::read(&headers, "", None).map_err(|error| match error {
        ImportError::Store(error) => error,
        ImportError::Refused(_) | ImportError::BrokenOff => refused(&error),
    })?;
    let (_, left_out) = columns.report();
    if let Some((name, why)) = left_out.first() {
        return Err(StoreError::Refused(format!("column {name:?}: {why}")));
    }
    let mut leads = Leads::new(numbers, columns);
    let lead = leads
        .read(1, fields)
        .map_err(|(reason, _)| refused(&reason))?;
    if leads.numbers_left_out > 0 {
        return Err(StoreError::Refused("one of the numbers is none".into()));
    }
    Ok((list, lead))
}
