//! Figures for `outdial status` and `outdial doctor`.

use postgres::Client;

use crate::store::StoreError;

/// PostgreSQL answers.
///
/// # Errors
/// What PostgreSQL says.
pub fn ping(client: &mut Client) -> Result<(), StoreError> {
    client.query_one("SELECT 1", &[])?;
    Ok(())
}

/// Version, clock (ms), and what is configured and put aside.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Server {
    /// `15.18`.
    pub version: String,
    /// Schema version.
    pub schema: Option<i32>,
    /// The server's clock.
    pub now_ms: i64,
    /// Enabled trunks.
    pub trunks: i64,
    /// Routes.
    pub routes: i64,
    /// Agents.
    pub agents: i64,
    /// Records that PostgreSQL refused.
    pub quarantined: i64,
    /// Names of campaigns with leads in zones that PostgreSQL does not know.
    pub time_zones: i64,
}

/// See [`Server`].
///
/// # Errors
/// What PostgreSQL says.
pub fn server(client: &mut Client) -> Result<Server, StoreError> {
    let schema = crate::store::migrate::version(client)?;
    let row = client.query_one(
        "SELECT current_setting('server_version'),
                floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
                (SELECT count(*) FROM outdial.trunk_config WHERE enabled),
                (SELECT count(*) FROM outdial.routes),
                (SELECT count(*) FROM outdial.agents),
                (SELECT count(*) FROM outdial.quarantine),
                (SELECT count(*) FROM pg_timezone_names)",
        &[],
    )?;
    Ok(Server {
        version: row.get(0),
        schema,
        now_ms: row.get(1),
        trunks: row.get(2),
        routes: row.get(3),
        agents: row.get(4),
        quarantined: row.get(5),
        time_zones: row.get(6),
    })
}
