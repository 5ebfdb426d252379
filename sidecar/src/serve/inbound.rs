//! Who calls us, and whose agents he is for.

use outdial_link::{Caller, CallerIs, Claim, Known};
use postgres::Client;

use crate::clock;
use crate::import::numbers::{NumberError, Numbers};
use crate::limits;
use crate::serve::console::Console;
use crate::store::inbound::{self, Among};
use crate::store::lease::Lessee;
use crate::store::{StoreError, campaigns};

/// The list of leads who were not dialed, but have called.
const LIST: &str = "inbound";

impl Console {
    /// Finds the lead that calls, and claims it for the call where nobody else has it.
    pub async fn caller(&self, call: Caller) -> CallerIs {
        match self.known(call).await {
            Ok(Some(known)) => {
                if known.claim == Claim::Taken {
                    self.link.hold([known.lead.id].into_iter());
                }
                CallerIs::Known(Box::new(known))
            }
            Ok(None) => CallerIs::Nobody,
            Err(error @ (StoreError::NotFound(_) | StoreError::Refused(_))) => {
                CallerIs::Wrong(error.to_string())
            }
            Err(error) => CallerIs::Unavailable(error.to_string()),
        }
    }

    async fn known(&self, call: Caller) -> Result<Option<Known>, StoreError> {
        if call.anybody && call.campaign.is_none() {
            let text = "only a campaign that is named can have whoever calls";
            return Err(StoreError::Refused(text.into()));
        }
        let Some(numbers) = self.numbers(&call).await? else {
            return Ok(None);
        };
        let known = self.find(&call, numbers.clone(), false).await?;
        if known.is_some() || !call.anybody {
            return Ok(known);
        }
        let known = self.find(&call, numbers.clone(), true).await?;
        let (Some(campaign), None) = (&call.campaign, &known) else {
            return Ok(known);
        };
        // Of the ways in which the number can be meant, the one that is a number.
        for number in &numbers {
            let columns = vec![("list".to_owned(), LIST.to_owned())];
            match self
                .add(campaign.clone(), format!("+{number}"), columns)
                .await
            {
                Ok(()) => return self.find(&call, numbers, true).await,
                Err(StoreError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The caller's number, in each of the ways in which it can be meant; `None`: he has none, or
    /// the campaign takes no calls.
    async fn numbers(&self, call: &Caller) -> Result<Option<Vec<String>>, StoreError> {
        let call = call.clone();
        let test = self.is_test();
        let numbers = move |client: &mut Client| {
            let country = call.country.as_deref().map(|c| Numbers::new(Some(c)));
            let country = country
                .transpose()
                .map_err(|error| StoreError::Refused(error.to_string()))?;
            let campaign = campaigns::id(client, call.campaign.as_deref())?;
            let caller_ids = inbound::caller_ids(client, campaign, test)?;
            let countries = match country {
                Some(country) => vec![country],
                None => Numbers::of_countries(&caller_ids, limits::CALLER_COUNTRIES),
            };
            let found = (!caller_ids.is_empty()).then(|| meant(&call.number, &countries));
            Ok(found.filter(|numbers| !numbers.is_empty()))
        };
        self.pool.call(numbers).await
    }

    async fn find(
        &self,
        call: &Caller,
        numbers: Vec<String>,
        anybody: bool,
    ) -> Result<Option<Known>, StoreError> {
        let connected = self.link.connected();
        let connected = connected.ok_or_else(|| StoreError::Unavailable("no module".into()))?;
        let (name, test) = (call.campaign.clone(), self.is_test());
        let find = move |client: &mut Client| {
            let who = Lessee {
                node: &connected.hello.node,
                epoch: connected.epoch,
            };
            let among = Among {
                numbers: &numbers,
                campaign: campaigns::id(client, name.as_deref())?,
                test,
                anybody,
            };
            let expires_at_ms = clock::now_ms() + clock::millis(limits::LEASE_TTL);
            inbound::find(client, who, among, expires_at_ms)
        };
        self.pool.call(find).await
    }

    fn is_test(&self) -> bool {
        self.link.connected().is_some_and(|c| c.hello.test_host)
    }
}

/// A number of a carrier's making: with `+`, with the country's code or with 00 before it, or as it
/// is written in one of the countries.
fn meant(text: &str, countries: &[Numbers]) -> Vec<String> {
    let text = text.trim();
    let anywhere = |text: &str| -> Result<String, NumberError> { Numbers::new(None)?.loose(text) };
    let mut all: Vec<String> = Vec::new();
    let mut add = |digits: Result<String, NumberError>| {
        if let Ok(digits) = digits
            && !all.contains(&digits)
        {
            all.push(digits);
        }
    };
    if !text.starts_with('+') {
        for country in countries {
            add(country.digits(text));
        }
        if let Some(rest) = text.strip_prefix("00") {
            add(anywhere(rest));
        }
    }
    add(anywhere(text));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_known_however_the_carrier_writes_him() {
        let ids = ["551140000000".to_owned(), "4930901820".to_owned()];
        let countries = Numbers::of_countries(&ids, 16);
        assert_eq!(countries.len(), 2);
        let ana = "5511987654321";
        for text in [
            ana,
            "+5511987654321",
            "005511987654321",
            "11987654321",
            "011987654321",
            "(11) 98765-4321",
        ] {
            let found = meant(text, &countries);
            assert!(found.iter().any(|n| n == ana), "{text}: {found:?}");
        }
        assert_eq!(meant("+5511987654321", &countries), [ana]);
        for nobody in ["", "anonymous", "restricted", "1"] {
            assert!(meant(nobody, &countries).is_empty(), "{nobody}");
        }
    }
}
