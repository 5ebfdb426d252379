//! PINs that agents say when they log in: what may be one, and its hash.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, PasswordHash, PasswordHasher, PasswordVerifier, SaltString};

use outdial_link::Secret;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::limits;
use crate::store::StoreError;

/// A PIN that may be one. Neither shown nor logged by anything that prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin")
    }
}

impl Pin {
    /// `text`, if that may be the PIN of the agent called `name`.
    ///
    /// # Errors
    /// What is wrong with it; never the PIN itself.
    pub fn new(text: &str, name: &str) -> Result<Pin, StoreError> {
        let refused = |why: &str| Err(StoreError::Refused(format!("the PIN of {name:?} {why}")));
        if !limits::PIN_DIGITS.contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return refused(&format!(
                "is none; write {} to {} digits",
                limits::PIN_DIGITS.start(),
                limits::PIN_DIGITS.end()
            ));
        }
        if is_row(text) {
            return refused("is a row of digits, as 0000, 1234 or 9876; take another");
        }
        let digits: String = name.chars().filter(char::is_ascii_digit).collect();
        let in_name = !digits.is_empty() && (digits.contains(text) || text.contains(&digits));
        if in_name && digits.len() >= NAME_DIGITS {
            return refused("is in the agent's name; take another");
        }
        Ok(Pin(text.to_owned()))
    }

    /// What is kept of it: argon2id, with a salt of its own.
    fn hash(&self) -> Result<String, StoreError> {
        let salt = SaltString::generate(&mut OsRng);
        let hash = Argon2::default().hash_password(self.0.as_bytes(), &salt);
        hash.map(|hash| hash.to_string())
            .map_err(|error| unusable(&error))
    }
}

/// Fewer digits in a name are a coincidence.
const NAME_DIGITS: usize = 3;

/// The same digit again and again, or one up or down each time; 9 and 0 are neighbours.
fn is_row(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().map(|b| b - b'0').collect();
    [0, 1, 9].into_iter().any(|step| {
        digits
            .windows(2)
            .all(|pair| (pair[0] + step) % 10 == pair[1])
    })
}

/// The column that holds the hash.
pub const HASH: &str = "pin_hash";

/// Puts the hash in the place of a PIN that came from outside for the agents of these names; null takes
/// it away.
///
/// # Errors
/// It can't be the PIN of that agent, or is meant for several.
pub async fn seal(fields: &mut Map<String, Value>, names: &[String]) -> Result<(), StoreError> {
    let refused = |why: &str| Err(StoreError::Refused(why.into()));
    if fields.contains_key(HASH) {
        return refused("the hash of a PIN can't be set; give the pin");
    }
    let hash = match fields.remove("pin") {
        None => return Ok(()),
        Some(Value::Null) => Value::Null,
        Some(Value::String(text)) => {
            let [name] = names else {
                return refused("one PIN for several agents: add them one by one");
            };
            let pin = Pin::new(&text, name)?;
            at_length(move || pin.hash()).await?.into()
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return refused("pin: a text of digits, or null for none");
        }
    };
    fields.insert(HASH.into(), hash);
    Ok(())
}

/// Whether `said` is the PIN that the hash was made of.
///
/// # Errors
/// The hash is none.
pub async fn compare(said: Secret, hash: String) -> Result<bool, StoreError> {
    at_length(move || is_right(&said.0, &hash)).await
}

/// Hashes take memory and time on purpose: on a thread that may, and only so many at once.
static AT_LENGTH: Semaphore = Semaphore::const_new(limits::PINS_AT_ONCE);

async fn at_length<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let _turn = AT_LENGTH
        .acquire()
        .await
        .map_err(|_| StoreError::Stopping)?;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Stopping)?
}

fn is_right(text: &str, hash: &str) -> Result<bool, StoreError> {
    let hash = PasswordHash::new(hash).map_err(|error| unusable(&error))?;
    match Argon2::default().verify_password(text.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::Password) => Ok(false),
        Err(error) => Err(unusable(&error)),
    }
}

fn unusable(error: &password_hash::Error) -> StoreError {
    StoreError::Unavailable(format!("PINs can't be checked: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_obvious_is_refused_and_named_but_not_shown() {
        for (pin, name, word) in [
            ("123", "ana", "4 to 12 digits"),
            ("1234567890123", "ana", "4 to 12 digits"),
            ("12a4", "ana", "4 to 12 digits"),
            ("12\u{663}4", "ana", "4 to 12 digits"),
            ("", "ana", "4 to 12 digits"),
            ("0000", "ana", "row"),
            ("1234", "ana", "row"),
            ("7890", "ana", "row"),
            ("0123456789", "ana", "row"),
            ("4321", "ana", "row"),
            ("1008", "agent 1008", "name"),
            ("1008", "PJSIP/1008-0042", "name"),
            ("91008", "1008", "name"),
        ] {
            let said = Pin::new(pin, name).unwrap_err().to_string();
            assert!(said.contains(word), "{pin}: {said}");
            let elsewhere = said.replace(name, "").replace("0000, 1234 or 9876", "");
            assert!(pin.is_empty() || !elsewhere.contains(pin), "{said}");
        }
        for (pin, name) in [("4711", "ana"), ("2580", "ana 2"), ("135791113151", "1001")] {
            assert_eq!(format!("{:?}", Pin::new(pin, name).unwrap()), "Pin");
        }
    }

    #[test]
    fn a_hash_knows_its_pin_and_hides_it() {
        let pin = Pin::new("4711", "ana").unwrap();
        let (one, other) = (pin.hash().unwrap(), pin.hash().unwrap());
        assert!(
            one.starts_with("$argon2id$") && !one.contains("4711"),
            "{one}"
        );
        assert_ne!(one, other, "each with a salt of its own");
        assert!(is_right("4711", &one).unwrap());
        assert!(!is_right("4712", &one).unwrap());
        assert!(!is_right("", &one).unwrap());
        assert!(is_right("4711", "4711").is_err());
    }
}
