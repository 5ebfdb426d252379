//! Brings the schema up to date. Migrations are embedded and only ever added to.

use postgres::Client;

use crate::store::StoreError;

const MIGRATIONS: &[(i32, &str, &str)] = &[
    (1, "schema", include_str!("migrations/0001_schema.sql")),
    (
        2,
        "predictive",
        include_str!("migrations/0002_predictive.sql"),
    ),
    (
        3,
        "decisions",
        include_str!("migrations/0003_decisions.sql"),
    ),
    (4, "leads", include_str!("migrations/0004_leads.sql")),
    (5, "test", include_str!("migrations/0005_test.sql")),
    (6, "phones", include_str!("migrations/0006_phones.sql")),
    (7, "skills", include_str!("migrations/0007_skills.sql")),
    (
        8,
        "recording",
        include_str!("migrations/0008_recording.sql"),
    ),
    (9, "log_on", include_str!("migrations/0009_log_on.sql")),
    (10, "queue", include_str!("migrations/0010_queue.sql")),
    (11, "inbound", include_str!("migrations/0011_inbound.sql")),
    (
        12,
        "queue_names",
        include_str!("migrations/0012_queue_names.sql"),
    ),
];

/// The version of the schema that this build needs.
pub const VERSION: i32 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Any number; two sidecars that start at once take turns.
const LOCK: i64 = 0x006f_7574_6469_616c;

/// Applies what is missing; tells how many migrations that were.
///
/// # Errors
/// A newer schema than this build knows, an old server, or what PostgreSQL says.
pub fn migrate(client: &mut Client) -> Result<usize, StoreError> {
    let server: i32 = client
        .query_one("SELECT current_setting('server_version_num')::integer", &[])?
        .get(0);
    if server < 140_000 {
        return Err(StoreError::Refused(format!(
            "PostgreSQL {}.{} is too old; 14 or newer is needed",
            server / 10_000,
            server % 10_000
        )));
    }
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    transaction.batch_execute(
        "CREATE SCHEMA IF NOT EXISTS outdial;
         CREATE TABLE IF NOT EXISTS outdial.migrations (
           version integer PRIMARY KEY,
           name text NOT NULL,
           applied_at timestamptz NOT NULL DEFAULT now()
         )",
    )?;
    let current: i32 = transaction
        .query_one(
            "SELECT coalesce(max(version), 0) FROM outdial.migrations",
            &[],
        )?
        .get(0);
    if current > VERSION {
        return Err(StoreError::Refused(format!(
            "the database has schema version {current}, this outdial knows up to {VERSION}; \
             install the newer outdial, or restore the backup made before the upgrade"
        )));
    }
    let mut applied = 0;
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > current) {
        transaction.batch_execute(sql)?;
        transaction.execute(
            "INSERT INTO outdial.migrations (version, name) VALUES ($1, $2)",
            &[version, name],
        )?;
        applied += 1;
    }
    transaction.commit()?;
    Ok(applied)
}

/// The schema's version in the database; `None` where there is none.
///
/// # Errors
/// What PostgreSQL says.
pub fn version(client: &mut Client) -> Result<Option<i32>, StoreError> {
    let known: bool = client
        .query_one("SELECT to_regclass('outdial.migrations') IS NOT NULL", &[])?
        .get(0);
    if !known {
        return Ok(None);
    }
    Ok(client
        .query_one("SELECT max(version) FROM outdial.migrations", &[])?
        .get(0))
}

/// Makes the partitions of the coming months.
///
/// # Errors
/// What PostgreSQL says.
pub fn make_partitions(client: &mut Client) -> Result<i32, StoreError> {
    let ahead = crate::limits::PARTITIONS_AHEAD;
    Ok(client
        .query_one("SELECT outdial.make_partitions($1)", &[&ahead])?
        .get(0))
}
