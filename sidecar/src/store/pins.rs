//! PINs of agents in the database: their hashes, and wrong ones in a row.

use postgres::{Client, GenericClient};

use crate::limits;
use crate::store::StoreError;

/// What may be done about a PIN that an agent has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Try {
    /// Compare it. It counts as a wrong one until [`forget`] is called.
    Compare {
        /// With this.
        hash: String,
        /// If it is wrong, the agent is locked.
        last: bool,
    },
    /// Nothing: there were too many wrong ones.
    Locked,
    /// Nothing: there is no such agent, or he has no PIN any more.
    NoPin,
}

/// Counts a try before the PIN is looked at, so that tries at once on many channels can't be more
/// than tries one after the other. The last one that is allowed locks the agent, unless it is right.
///
/// # Errors
/// What PostgreSQL says.
pub fn begin_try(client: &mut Client, agent: &str) -> Result<Try, StoreError> {
    let counted = client.query_opt(
        "INSERT INTO outdial.pin_tries AS t (agent_id, wrong, since, locked_until)
         SELECT id, 1, now(), NULL FROM outdial.agents WHERE name = $1 AND pin_hash IS NOT NULL
         ON CONFLICT (agent_id) DO UPDATE SET
           wrong = CASE WHEN t.locked_until IS NULL AND t.since > now() - make_interval(secs => $3)
                        THEN t.wrong + 1 ELSE 1 END,
           since = CASE WHEN t.locked_until IS NULL AND t.since > now() - make_interval(secs => $3)
                        THEN t.since ELSE now() END,
           locked_until = CASE WHEN t.locked_until IS NULL AND t.wrong + 1 >= $2
                                 AND t.since > now() - make_interval(secs => $3)
                               THEN now() + make_interval(secs => $4) END
         WHERE t.locked_until IS NULL OR t.locked_until <= now()
         RETURNING (SELECT pin_hash FROM outdial.agents WHERE id = t.agent_id),
           t.locked_until IS NOT NULL",
        &[
            &agent,
            &limits::PIN_TRIES,
            &limits::PIN_TRIES_WITHIN.as_secs_f64(),
            &limits::PIN_LOCKED_FOR.as_secs_f64(),
        ],
    )?;
    if let Some(row) = counted
        && let Some(hash) = row.get::<_, Option<String>>(0)
    {
        let last = row.get(1);
        return Ok(Try::Compare { hash, last });
    }
    let has_pin = client.query_opt(
        "SELECT FROM outdial.agents WHERE name = $1 AND pin_hash IS NOT NULL",
        &[&agent],
    )?;
    Ok(has_pin.map_or(Try::NoPin, |_| Try::Locked))
}

/// Lets an agent try again who is locked; tells whether he was.
///
/// # Errors
/// What PostgreSQL says.
pub fn unlock(client: &mut Client, agent: &str) -> Result<bool, StoreError> {
    let locked = client.query_opt(
        "SELECT FROM outdial.pin_tries t JOIN outdial.agents a ON a.id = t.agent_id
         WHERE a.name = $1 AND t.locked_until > now()",
        &[&agent],
    )?;
    forget(client, agent)?;
    Ok(locked.is_some())
}

/// Nothing is held against him any more: his PIN was right, or he has another one, or none.
///
/// # Errors
/// What PostgreSQL says.
pub fn forget(client: &mut impl GenericClient, agent: &str) -> Result<u64, StoreError> {
    Ok(client.execute(
        "DELETE FROM outdial.pin_tries t USING outdial.agents a
         WHERE a.id = t.agent_id AND a.name = $1",
        &[&agent],
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Database;

    const HASH: &str = "$argon2id$test";

    fn bench() -> Client {
        let mut client = Database::new().client();
        client
            .execute(
                "INSERT INTO outdial.agents (name, pin_hash) VALUES ('ana', $1), ('bob', NULL)",
                &[&HASH],
            )
            .unwrap();
        client
    }

    fn compare(last: bool) -> Try {
        Try::Compare {
            hash: HASH.into(),
            last,
        }
    }

    fn tries(client: &mut Client, n: usize) -> Vec<Try> {
        (0..n).map(|_| begin_try(client, "ana").unwrap()).collect()
    }

    fn wait(client: &mut Client, minutes: i32) {
        client
            .execute(
                "UPDATE outdial.pin_tries SET since = since - make_interval(mins => $1),
                   locked_until = locked_until - make_interval(mins => $1)",
                &[&minutes],
            )
            .unwrap();
    }

    #[test]
    fn five_wrong_ones_in_a_row_lock_for_a_quarter_of_an_hour() {
        let mut client = bench();
        let four = vec![compare(false); 4];
        assert_eq!(tries(&mut client, 4), four);
        assert_eq!(tries(&mut client, 2), [compare(true), Try::Locked]);
        wait(&mut client, 14);
        assert_eq!(tries(&mut client, 1), [Try::Locked]);
        wait(&mut client, 1);
        assert_eq!(tries(&mut client, 4), four, "from the beginning");
        // A right one ends the row, and so does time.
        forget(&mut client, "ana").unwrap();
        assert_eq!(tries(&mut client, 4), four);
        wait(&mut client, 15);
        assert_eq!(tries(&mut client, 4), four);
        assert_eq!(tries(&mut client, 1), [compare(true)]);
        assert!(unlock(&mut client, "ana").unwrap());
        assert!(!unlock(&mut client, "ana").unwrap());
        assert_eq!(tries(&mut client, 4), four);
    }

    #[test]
    fn tries_at_once_are_no_more_than_tries_one_after_the_other() {
        let database = Database::new();
        let mut client = database.client();
        client
            .execute(
                "INSERT INTO outdial.agents (name, pin_hash) VALUES ('ana', $1)",
                &[&HASH],
            )
            .unwrap();
        let threads: Vec<_> = (0..12)
            .map(|_| {
                let mut client = database.client();
                std::thread::spawn(move || begin_try(&mut client, "ana").unwrap())
            })
            .collect();
        let compared = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|tried| matches!(tried, Try::Compare { .. }))
            .count();
        assert_eq!(i32::try_from(compared).unwrap(), limits::PIN_TRIES);
    }

    #[test]
    fn who_has_no_pin_can_be_wrong_as_often_as_he_likes() {
        let mut client = bench();
        for name in ["bob", "nobody"] {
            for _ in 0..6 {
                assert_eq!(begin_try(&mut client, name).unwrap(), Try::NoPin);
            }
        }
    }
}
