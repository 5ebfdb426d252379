//! Thousands of calls over PJSIP between SIPp and agents who never sit still; and then the question
//! whether anything is left of them.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::leads::Fate;
use crate::rig::{Rig, RigOptions};
use crate::truth::{Attempt, attempts, outcomes, settled};
use crate::wait::{wait_for, wait_until};

mod gauge;
mod team;

pub use gauge::{Gauge, Held};
pub use team::Team;

const CAMPAIGN: &str = "soak";
/// A phone that sends nothing for so long is gone, in seconds.
const RTP_TIMEOUT: u32 = 3;
/// SIP keeps a transaction for 32 s after its end (RFC 3261, timer D), and Asterisk's pools keep idle
/// threads for a minute.
const REST: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(20);
/// What becomes of the calls, in turn.
const FATES: &[Fate] = &[
    Fate::Answer(1),
    Fate::Answer(0),
    Fate::Busy,
    Fate::Answer(2),
    Fate::Answer(1),
    Fate::RingNoAnswer,
    Fate::Answer(1),
    Fate::Congestion,
    Fate::Answer(3),
    Fate::Answer(0),
    Fate::Unknown,
    Fate::Answer(1),
    Fate::AnswerStay,
    Fate::Answer(2),
    Fate::Decline,
    Fate::Answer(1),
];

/// How much of it.
#[derive(Clone, Debug)]
pub struct SoakOptions {
    /// Folder of `target/` for the logs.
    pub kind: String,
    /// Calls.
    pub calls: usize,
    /// Agents stay for all of it, and do not pause.
    pub calm: bool,
    /// Agents.
    pub agents: u8,
    /// Calls per second.
    pub cps: u32,
    /// A look after each so many calls.
    pub every: usize,
    /// With CDRs, as an Asterisk without `cdr.conf` has them.
    pub cdr: bool,
    /// Of what agents do.
    pub seed: u64,
}

/// What came of it.
pub struct Soaked {
    /// Before the first call, with nobody logged in.
    pub before: Gauge,
    /// Now and then.
    pub during: Vec<Gauge>,
    /// After the last call, with nobody logged in.
    pub after: Gauge,
    /// What the agents did.
    pub did: BTreeMap<&'static str, usize>,
    /// Attempts by outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// Calls as SIPp saw them end.
    pub verdicts: BTreeMap<String, usize>,
    /// Attempts in which agent and customer talked.
    pub bridged: usize,
    /// How long the calls took.
    pub seconds: f64,
}

impl Soaked {
    /// For the file.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "seconds": self.seconds,
            "attempts_by_outcome": self.outcomes,
            "calls_as_the_carrier_saw_them": self.verdicts,
            "attempts_with_an_agent": self.bridged,
            "agents_did": self.did,
            "idle_before": self.before.json(),
            "looks": self.during.iter().map(Gauge::json).collect::<Vec<_>>(),
            "idle_after": self.after.json(),
        })
    }
}

/// Everything up, with nobody logged in and nothing dialed.
///
/// # Errors
/// Something does not start.
pub fn start(name: &str, options: &SoakOptions) -> Result<Rig> {
    let rig = Rig::start(
        name,
        RigOptions {
            kind: options.kind.clone(),
            cps: options.cps,
            channels: 1_000,
            max_concurrent_originates: 200,
            dialplan: team::DIALPLAN.into(),
            settings: format!("max_calls = 1000\n{}", team::KEYS),
            // As in `make long-run`: with an arena for each thread, what grows is what each of them
            // once had in use; with one, a leak shows to the kilobyte.
            env: vec![("MALLOC_ARENA_MAX".into(), "1".into())],
            ..RigOptions::default()
        },
    )?;
    prepare_asterisk(&rig, options)?;
    let never = ["busy", "no_answer", "congested", "invalid", "abandoned"];
    let never: Vec<String> = never.iter().map(|name| format!("{name}=never")).collect();
    let mut more = vec!["--max-attempts", "1", "--wrap-up-ms", "100"];
    more.extend(["--ring-timeout-ms", "3000", "--max-concurrent", "500"]);
    for rule in &never {
        more.extend(["--retry", rule]);
    }
    rig.power(CAMPAIGN, "2", &more)?;
    rig.add_agents(CAMPAIGN, options.agents.into())?;
    let numbers: Vec<String> = (0..options.calls)
        .map(|place| {
            let serial = u32::try_from(place).context("a count")?;
            let ring = u8::try_from(place / FATES.len() % 3).context("a count")?;
            Ok(FATES[place % FATES.len()].number(ring, serial))
        })
        .collect::<Result<_>>()?;
    rig.insert(CAMPAIGN, &numbers)?;
    Ok(rig)
}

fn prepare_asterisk(rig: &Rig, options: &SoakOptions) -> Result<()> {
    let path = rig.pbx.run_dir().join("etc/pjsip.conf");
    let text = fs::read_to_string(&path).context("reading pjsip.conf")?;
    let phones = "[agents](base)\n";
    ensure!(text.contains(phones), "no {phones} in pjsip.conf");
    let timed = format!("{phones}rtp_timeout = {RTP_TIMEOUT}\n");
    let text = text.replacen(phones, &timed, 1);
    rig.pbx.write_etc("pjsip.conf", &text)?;
    rig.pbx.cli("module reload res_pjsip.so")?;
    wait_for("the phones' time limit", Duration::from_secs(10), || {
        let said = rig.pbx.cli("pjsip show endpoint agents")?;
        let row = said.lines().find(|l| l.trim().starts_with("rtp_timeout "));
        Ok(row.is_some_and(|row| row.trim().ends_with(&RTP_TIMEOUT.to_string())))
    })?;
    if options.cdr {
        rig.pbx.write_etc("cdr.conf", "[general]\nenable = yes\n")?;
        rig.pbx.write_etc("cdr_custom.conf", "")?;
        rig.pbx.cli("module reload cdr")?;
        rig.pbx.cli("module load cdr_csv.so")?;
        let said = rig.pbx.cli("cdr show status")?;
        ensure!(said.contains("Enabled"), "{said}");
    }
    // Every call is logged otherwise.
    rig.pbx.cli("core set verbose 0")?;
    Ok(())
}

/// All calls, from the first to the last one's end, and the quiet after it.
///
/// # Errors
/// They do not end, or something is left of them.
pub fn run(rig: &mut Rig, options: &SoakOptions) -> Result<Soaked> {
    let before = Gauge::read(rig, 0)?;
    let mut team = Team::new(options.agents, options.calm, options.seed)?;
    rig.outdial(&["campaign", "start", CAMPAIGN])?;
    let start = Instant::now();
    let during = dial(rig, &mut team, options)?;
    let seconds = start.elapsed().as_secs_f64();
    finish(rig, &mut team, options)?;
    team.go_home();
    let after = quiet(rig, &before, options.calls)?;
    let rows = attempts(&mut rig.sidecar.sql()?)?;
    let calls = settled(&rows, || rig.carrier.calls(), None)?;
    let mut verdicts = BTreeMap::new();
    for call in &calls {
        *verdicts.entry(call.verdict().to_owned()).or_default() += 1;
    }
    let soaked = Soaked {
        before,
        during,
        after,
        did: team.did,
        outcomes: outcomes(&rows),
        verdicts,
        bridged: rows.iter().filter(|row| row.bridged.is_some()).count(),
        seconds,
    };
    agree(rig, &soaked, &rows, options.calls)?;
    Ok(soaked)
}

fn done(rig: &Rig) -> Result<usize> {
    let count = rig.sidecar.count("SELECT count(*) FROM outdial.attempts")?;
    usize::try_from(count).context("a count")
}

/// Until all calls but the last few are over, looking now and then.
fn dial(rig: &mut Rig, team: &mut Team, options: &SoakOptions) -> Result<Vec<Gauge>> {
    let mut looks: Vec<Gauge> = Vec::new();
    let mut looked = Instant::now();
    let start = Instant::now();
    let limit =
        Duration::from_secs(60) + Duration::from_secs(1) * u32::try_from(options.calls)? / 5;
    // The last ones may be such as wait for an agent's key.
    let nearly = options.calls - options.calls.min(50);
    wait_until("the calls", limit, || {
        team.act(rig)?;
        if looked.elapsed() < Duration::from_secs(1) {
            return Ok(None);
        }
        looked = Instant::now();
        let calls = done(rig)?;
        if calls / options.every > looks.last().map_or(0, |look| look.calls / options.every) {
            let look = Gauge::read(rig, calls)?;
            println!(
                "{:>4} s {calls:>6} calls  Asterisk {:>7} kB {:>3} threads {:>4} files  sidecar {:>6} kB  {:>3} channels  {:>3} bridges",
                start.elapsed().as_secs(),
                look.pbx.rss_kb,
                look.pbx.threads,
                look.pbx.files,
                look.sidecar.rss_kb,
                look.channels,
                look.bridges,
            );
            looks.push(look);
        }
        Ok((calls >= nearly).then_some(()))
    })?;
    // The last one is while calls and agents are still there, as the others.
    let calls = done(rig)?;
    looks.push(Gauge::read(rig, calls)?);
    Ok(looks)
}

/// The last calls end, and each agent is there once more, free for a call.
fn finish(rig: &Rig, team: &mut Team, options: &SoakOptions) -> Result<()> {
    let mut looked = Instant::now();
    wait_until("the last calls", REST, || {
        team.finish(rig)?;
        if looked.elapsed() < Duration::from_secs(1) {
            return Ok(None);
        }
        looked = Instant::now();
        let all = done(rig)? >= options.calls && rig.live()? == 0;
        Ok(all.then_some(()))
    })?;
    for agent in 1..=options.agents {
        let line = format!("outdial agent unpause {}", 1_000 + u32::from(agent));
        rig.pbx.ask(&line)?;
    }
    wait_for("every agent's return", Duration::from_secs(30), || {
        team.finish(rig)?;
        std::thread::sleep(TICK);
        Ok(rig.agents_in("available")? == usize::from(options.agents))
    })
    .with_context(|| rig.sidecar.outdial(&["status"]).unwrap_or_default())
}

/// Nothing is left but what was there before: waits as long as SIP and idle threads may take.
fn quiet(rig: &mut Rig, before: &Gauge, calls: usize) -> Result<Gauge> {
    let mut last = String::new();
    let found = wait_until("the quiet after the calls", REST, || {
        std::thread::sleep(Duration::from_secs(1));
        let now = Gauge::read(rig, calls)?;
        let idle = now.channels == 0
            && now.bridges == 0
            && now.sessions == 0
            && now.live == 0
            && now.pbx.files <= before.pbx.files
            && now.pbx.threads <= before.pbx.threads
            && now.sidecar.files <= before.sidecar.files
            && now.sidecar.threads <= before.sidecar.threads;
        last = format!("before: {before:?}\nnow: {now:?}");
        Ok(idle.then_some(now))
    });
    found.with_context(|| last)
}

/// Engine, PBX, database and carrier count the same.
fn agree(rig: &Rig, soaked: &Soaked, rows: &[Attempt], calls: usize) -> Result<()> {
    let after = &soaked.after;
    let ended = usize::try_from(after.ended).context("a count")?;
    ensure!(rows.len() == calls, "{} attempts of {calls}", rows.len());
    ensure!(ended == calls, "the engine counts {ended} of {calls}");
    ensure!(after.ghosts == 0, "{} ghost calls", after.ghosts);
    for (what, sql) in [
        (
            "leads that are not done",
            "SELECT count(*) FROM outdial.leads WHERE status <> 'done'",
        ),
        (
            "records put aside",
            "SELECT count(*) FROM outdial.quarantine",
        ),
    ] {
        let count = rig.sidecar.count(sql)?;
        ensure!(count == 0, "{what}: {count}");
    }
    Ok(())
}
