//! A real PostgreSQL for tests: one cluster for the test process, a database for each test.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, Config};

use crate::private_pg::Cluster;
use crate::store::connect::Connector;
use crate::store::grant::{self, Granted, Want};
use crate::store::lease::Lessee;
use crate::store::{StoreError, migrate};

struct Server {
    cluster: Cluster,
    // Databases are made one at a time: the template may have no other user.
    turn: std::sync::Mutex<()>,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let dir = temp_dir();
        let cluster = Cluster::start(&dir, None, None)
            .expect("the tests need an installed PostgreSQL 14 or newer");
        watch_over(&dir);
        let mut client = Connector::new(cluster.config()).connect().unwrap();
        migrate::migrate(&mut client).unwrap();
        client
            .batch_execute("ALTER SYSTEM SET fsync = off")
            .unwrap();
        client.batch_execute("SELECT pg_reload_conf()").unwrap();
        Server {
            cluster,
            turn: std::sync::Mutex::new(()),
        }
    })
}

fn temp_dir() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("outdial-test-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    // The server's user must be able to pass through.
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Stops the server and removes its folder when the test process is gone, however it ends.
#[allow(
    clippy::zombie_processes,
    reason = "it outlives this process on purpose"
)]
fn watch_over(dir: &std::path::Path) {
    let script = "while [ -d /proc/$0 ]; do sleep 0.3; done; \
                  kill -QUIT $(head -1 $1/postgres/data/postmaster.pid); sleep 0.5; rm -rf $1";
    std::process::Command::new("sh")
        .args([
            "-c",
            script,
            &std::process::id().to_string(),
            &dir.display().to_string(),
        ])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
}

/// A database of its own, with the schema.
pub struct Database {
    config: Config,
}

impl Database {
    /// A new one.
    pub fn new() -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let server = server();
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let turn = server.turn.lock().unwrap();
        let mut config = server.cluster.config();
        config.dbname("postgres");
        let mut client = Connector::new(config.clone()).connect().unwrap();
        client
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE outdial"))
            .unwrap();
        drop(turn);
        config.dbname(&name);
        Database { config }
    }

    /// Makes connections to it.
    pub fn connector(&self) -> Connector {
        Connector::new(self.config.clone())
    }

    /// A connection to it.
    pub fn client(&self) -> Client {
        self.connector().connect().unwrap()
    }
}

/// A running campaign whose window is always open; its id.
pub fn campaign(client: &mut Client, name: &str) -> u64 {
    let row = client
        .query_one(
            "INSERT INTO outdial.campaigns (name, state, caller_ids, time_zone, window_start, window_end, window_days)
             VALUES ($1, 'running', '{551140001000}', 'UTC', '00:00', '24:00', '{1,2,3,4,5,6,7}') RETURNING id",
            &[&name],
        )
        .unwrap();
    crate::clock::uid(row.get(0))
}

/// A lead; its id.
pub fn lead(client: &mut Client, campaign: u64, numbers: &[&str]) -> u64 {
    let campaign = crate::clock::id(campaign);
    let id: i64 = client
        .query_one(
            "INSERT INTO outdial.leads (campaign_id) VALUES ($1) RETURNING id",
            &[&campaign],
        )
        .unwrap()
        .get(0);
    client
        .execute(
            "INSERT INTO outdial.lead_numbers (campaign_id, lead_id, position, number)
             SELECT $1, $2, ordinality - 1, n FROM unnest($3::text[]) WITH ORDINALITY AS t (n, ordinality)",
            &[&campaign, &id, &numbers],
        )
        .unwrap();
    crate::clock::uid(id)
}

/// Leads with one number each, `5511900000000` and up.
pub fn leads(client: &mut Client, campaign: u64, count: i64) {
    let campaign = crate::clock::id(campaign);
    client
        .execute(
            "WITH l AS (INSERT INTO outdial.leads (campaign_id) SELECT $1 FROM generate_series(1, $2::bigint) RETURNING id)
             INSERT INTO outdial.lead_numbers (campaign_id, lead_id, position, number)
             SELECT $1, id, 0, (5511900000000 + row_number() OVER (ORDER BY id))::text FROM l",
            &[&campaign, &count],
        )
        .unwrap();
}

/// Status and reason of a lead.
pub fn status(client: &mut Client, lead: u64) -> (String, Option<String>) {
    let row = client
        .query_one(
            "SELECT status, reason FROM outdial.leads WHERE id = $1",
            &[&crate::clock::id(lead)],
        )
        .unwrap();
    (row.get(0), row.get(1))
}

/// Leases leads for a node where no agent is.
pub fn lease(
    client: &mut Client,
    who: Lessee<'_>,
    campaign: u64,
    count: u32,
    now_ms: i64,
) -> Result<Granted, StoreError> {
    let want = Want {
        campaign,
        count,
        agents: &[],
        only_callbacks: false,
    };
    grant::lease(client, who, want, now_ms)
}
