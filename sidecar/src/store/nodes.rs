//! Nodes, their sidecars and their lives.

use postgres::Client;

use crate::clock;
use crate::limits;
use crate::store::{StoreError, history};

/// Who a sidecar is.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Node name.
    pub node: String,
    /// Unique for this run.
    pub token: String,
    /// Host.
    pub host: String,
    /// Process.
    pub pid: u32,
}

/// Takes the node's name for this sidecar, or confirms that it still has it.
///
/// # Errors
/// [`StoreError::Refused`] names the sidecar on another host that has it.
pub fn hold(client: &mut Client, me: &Holder) -> Result<(), StoreError> {
    let row = client.query_opt(
        "SELECT holder_host, holder_pid FROM outdial.nodes
         WHERE name = $1 AND holder IS NOT NULL AND holder <> $2",
        &[&me.node, &me.token],
    )?;
    if let Some(row) = row {
        let host: Option<String> = row.get(0);
        let pid: i64 = row.get::<_, Option<i64>>(1).unwrap_or(0);
        if host.as_ref() == Some(&me.host) && pid != i64::from(me.pid) && is_sidecar(pid) {
            return Err(held(me, &me.host, pid));
        }
    }
    let taken = client.execute(
        "INSERT INTO outdial.nodes AS n (name, holder, holder_host, holder_pid, holder_seen, sidecar)
         VALUES ($1, $2, $3, $4, now(), $5)
         ON CONFLICT (name) DO UPDATE
           SET holder = excluded.holder, holder_host = excluded.holder_host,
               holder_pid = excluded.holder_pid, holder_seen = now(), sidecar = excluded.sidecar
           -- On the same host it was seen above that the other process is gone.
           WHERE n.holder IS NULL OR n.holder = excluded.holder
              OR n.holder_host = excluded.holder_host
              OR n.holder_seen < now() - make_interval(secs => $6)",
        &[
            &me.node,
            &me.token,
            &me.host,
            &i64::from(me.pid),
            &env!("CARGO_PKG_VERSION"),
            &f64::from(limits::HOLDER_STALE_SECONDS),
        ],
    )?;
    if taken == 1 {
        return Ok(());
    }
    let row = client.query_one(
        "SELECT holder_host, holder_pid FROM outdial.nodes WHERE name = $1",
        &[&me.node],
    )?;
    let host: Option<String> = row.get(0);
    let pid: Option<i64> = row.get(1);
    Err(held(me, &host.unwrap_or_default(), pid.unwrap_or_default()))
}

fn held(me: &Holder, host: &str, pid: i64) -> StoreError {
    StoreError::Refused(format!(
        "node {:?} is held by the sidecar on host {host} (process {pid}). Give this one another \
         name (node in the settings and in outdial.conf), or stop that one",
        me.node
    ))
}

fn is_sidecar(pid: i64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "outdial")
}

/// Gives the name up at a clean exit.
///
/// # Errors
/// What PostgreSQL says.
pub fn release(client: &mut Client, me: &Holder) -> Result<(), StoreError> {
    client.execute(
        "UPDATE outdial.nodes SET holder = NULL WHERE name = $1 AND holder = $2",
        &[&me.node, &me.token],
    )?;
    Ok(())
}

/// One life of a node's engine.
#[derive(Clone, Debug)]
pub struct Life {
    /// What attempt ids are drawn from: the same for each reconnect.
    pub epoch: u32,
    /// What it can't know; empty at a reconnect, when it knows better.
    pub history: Vec<outdial_link::Config>,
}

/// Begins a life of the node's engine, or goes on with it.
///
/// # Errors
/// [`StoreError::Refused`] a simulated PBX in the place of a real one that holds leads, or the
/// other way round; or what PostgreSQL says.
pub fn life(client: &mut Client, hello: &outdial_link::Hello) -> Result<Life, StoreError> {
    of_one_kind(client, hello)?;
    let abi = format!("{}.{}", hello.abi >> 16, hello.abi & 0xffff);
    let row = client.query_one(
        "INSERT INTO outdial.nodes AS n (name, instance, epoch, last_seen, library, abi, pbx, pbx_pid, test)
         VALUES ($1, $2::text::numeric, nextval('outdial.node_epoch_seq')::integer, now(), $3, $4, $5, $6, $7)
         ON CONFLICT (name) DO UPDATE SET
           epoch = CASE WHEN n.instance = excluded.instance AND n.epoch IS NOT NULL
                        THEN n.epoch ELSE excluded.epoch END,
           instance = excluded.instance, last_seen = now(), library = excluded.library,
           abi = excluded.abi, pbx = excluded.pbx, pbx_pid = excluded.pbx_pid, test = excluded.test
         RETURNING epoch, epoch = currval('outdial.node_epoch_seq')",
        &[
            &hello.node,
            &hello.instance.to_string(),
            &hello.library,
            &abi,
            &hello.pbx,
            &i64::from(hello.pid),
            &hello.test_host,
        ],
    )?;
    // What real calls have used up of abandon budgets and caller ids is nothing to a test.
    let history = if row.get(1) && !hello.test_host {
        history::load(client)?
    } else {
        Vec::new()
    };
    Ok(Life {
        epoch: clock::u32_of(row.get(0)),
        history,
    })
}

/// The journal of a real PBX may still know what became of the leads that it holds, and a
/// simulated one would close them as lost.
fn of_one_kind(client: &mut Client, hello: &outdial_link::Hello) -> Result<(), StoreError> {
    let held = client.query_opt(
        "SELECT c.name FROM outdial.leads l JOIN outdial.campaigns c ON c.id = l.campaign_id
         WHERE l.status IN ('leased', 'dialing') AND l.lease_node = $1 AND c.test <> $2
         LIMIT 1",
        &[&hello.node, &hello.test_host],
    )?;
    let Some(row) = held else { return Ok(()) };
    let campaign: String = row.get(0);
    let (new, old, kind) = match hello.test_host {
        true => ("simulated", "real", "campaign"),
        false => ("real", "simulated", "test campaign"),
    };
    Err(StoreError::Refused(format!(
        "this is a {new} PBX, and node {:?} still holds leads of {kind} {campaign:?} for a {old} \
         one; start that one again and drain it, or give this one a sidecar and a node name of \
         its own",
        hello.node
    )))
}

/// The engine is there.
///
/// # Errors
/// What PostgreSQL says.
pub fn seen(client: &mut Client, node: &str) -> Result<(), StoreError> {
    client.execute(
        "UPDATE outdial.nodes SET last_seen = now() WHERE name = $1",
        &[&node],
    )?;
    Ok(())
}
