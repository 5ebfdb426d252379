//! A sidecar for tests: speaks the link's messages, keeps everything in memory.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use outdial_link::*;

/// As long as a slow machine may need.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What the sidecar has seen, over all connections.
#[derive(Default)]
pub struct Seen {
    pub hellos: Vec<Hello>,
    pub heartbeats: Vec<Heartbeat>,
    pub records: Vec<Numbered>,
    /// Length of `records` at each `ReplayDone`.
    pub replays: Vec<usize>,
    pub checked: Vec<(u64, Option<String>)>,
    pub refused: Vec<(String, String)>,
    pub returned: Vec<u64>,
    pub answers: Vec<(u64, bool, Result<Answer, String>)>,
    pub requests: Vec<Request>,
    /// Questions for a lead's own columns.
    pub columns: usize,
    pub snapshots: usize,
    /// Agents' changes of state: who, what, and the pause code.
    pub states: Vec<(u64, String, Option<String>)>,
    pub leased: u64,
    pub orders: Vec<Down>,
    epochs: BTreeMap<u64, u32>,
}

impl Seen {
    pub fn ends(&self) -> BTreeMap<u64, AttemptResult> {
        let mut ends: BTreeMap<u64, AttemptResult> = BTreeMap::new();
        for numbered in &self.records {
            if let Record::Ended(result) = &numbered.record {
                let again = ends.insert(result.attempt, (**result).clone());
                assert!(
                    again.is_none_or(|before| before == **result),
                    "a replay repeats the same record"
                );
            }
        }
        ends
    }

    pub fn starts(&self) -> BTreeMap<(u64, u8), Started> {
        self.records
            .iter()
            .filter_map(|numbered| match &numbered.record {
                Record::Started(started) => Some(((started.attempt, started.leg), started.clone())),
                _ => None,
            })
            .collect()
    }
}

/// How the sidecar behaves.
#[derive(Clone)]
pub struct Plan {
    /// Last digits of the leads' numbers, in turn: they decide what the C host does.
    pub digits: &'static str,
    pub leads: u64,
    pub acknowledge: bool,
    pub sound: &'static str,
    /// Arguments of the campaign's AMD.
    pub amd: Option<&'static str>,
    /// Technology of the trunk and the phones.
    pub tech: &'static str,
    /// Endpoints of phones, each of one agent (from 11 on): the last digit decides what it does.
    pub phones: &'static [&'static str],
    /// The campaign's queue.
    pub queue: Option<&'static str>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            digits: "0567834589",
            leads: u64::MAX,
            acknowledge: true,
            sound: "sorry",
            amd: Some("2500,,800"),
            tech: "PJSIP",
            phones: &[],
            queue: None,
        }
    }
}

struct Shared {
    plan: Plan,
    seen: Mutex<Seen>,
    changed: Condvar,
    over: Mutex<bool>,
}

/// Listens until dropped.
pub struct Peer {
    pub path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    pub fn listen(path: &Path, plan: Plan) -> Peer {
        Peer::again(path, plan, Seen::default())
    }

    /// A restarted sidecar that remembers.
    pub fn again(path: &Path, plan: Plan, seen: Seen) -> Peer {
        drop(std::fs::remove_file(path));
        let listener = UnixListener::bind(path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let shared = Arc::new(Shared {
            plan,
            seen: Mutex::new(seen),
            changed: Condvar::new(),
            over: Mutex::new(false),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(&for_thread, &listener));
        Peer {
            path: path.to_owned(),
            shared,
            thread: Some(thread),
        }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap()
    }

    /// Waits until `done`; panics with `what` when it takes too long.
    pub fn wait(&self, what: &str, mut done: impl FnMut(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen();
        while !done(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain: {what}");
            seen = self.shared.changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    pub fn say(&self, message: Down) {
        self.seen().orders.push(message);
    }

    /// Goes away, as a killed sidecar does.
    pub fn kill(mut self) -> Seen {
        self.end();
        std::mem::take(&mut *self.seen())
    }

    fn end(&mut self) {
        *self.shared.over.lock().unwrap() = true;
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end();
        drop(std::fs::remove_file(&self.path));
    }
}

fn serve(shared: &Arc<Shared>, listener: &UnixListener) {
    // A new connection replaces the old one, as with one sidecar for each node.
    let mut connection: Option<(UnixStream, Reader)> = None;
    let mut buffer = vec![0; 65536];
    while !*shared.over.lock().unwrap() {
        if let Ok((stream, _)) = listener.accept() {
            stream
                .set_read_timeout(Some(Duration::from_millis(5)))
                .unwrap();
            connection = Some((stream, Reader::default()));
        }
        let Some((stream, reader)) = &mut connection else {
            // Nothing but accept to wait for, and it has no timeout of its own.
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        let mut out = Vec::new();
        for order in std::mem::take(&mut shared.seen.lock().unwrap().orders) {
            encode(&order, &mut out).unwrap();
        }
        match stream.read(&mut buffer) {
            Ok(0) => {
                connection = None;
                continue;
            }
            Ok(n) => {
                reader.push(&buffer[..n]);
                let mut seen = shared.seen.lock().unwrap();
                while let Some(message) = reader.next::<Up>().unwrap() {
                    take(&shared.plan, &mut seen, message, &mut out);
                }
                shared.changed.notify_all();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => {
                connection = None;
                continue;
            }
        }
        if stream.write_all(&out).is_err() {
            connection = None;
        }
    }
}

fn take(plan: &Plan, seen: &mut Seen, message: Up, out: &mut Vec<u8>) {
    let mut send = |message: Down| encode(&message, out).unwrap();
    match message {
        Up::Hello(hello) => {
            let next = 1 + u32::try_from(seen.epochs.len()).unwrap();
            let epoch = *seen.epochs.entry(hello.instance).or_insert(next);
            seen.hellos.push(hello);
            send(Down::Welcome(Welcome {
                version: VERSION_MAX,
                epoch,
                sidecar: "test".into(),
            }));
            send(Down::Config {
                full: true,
                changes: config(plan),
            });
        }
        Up::Heartbeat(heartbeat) => seen.heartbeats.push(heartbeat),
        Up::Records(records) => {
            if plan.acknowledge {
                let seq = records.last().unwrap().seq;
                send(Down::Ack { seq });
            }
            seen.records.extend(records);
        }
        Up::ReplayDone => seen.replays.push(seen.records.len()),
        Up::NeedLeads { campaign, count } => {
            let left = plan.leads.saturating_sub(seen.leased);
            let leases: Vec<Lease> = (0..u64::from(count).min(left))
                .map(|_| {
                    seen.leased += 1;
                    lease(plan, seen.leased)
                })
                .collect();
            send(Down::Leases {
                campaign,
                leases,
                next_due_ms: None,
            });
        }
        Up::ReturnLeases { leases, .. } => seen.returned.extend(leases),
        Up::ConfigRefused { what, error } => seen.refused.push((what, error)),
        Up::CampaignChecked { campaign, lacks } => seen.checked.push((campaign, lacks)),
        Up::AgentChanged {
            agent,
            state,
            pause,
        } => seen.states.push((agent, state, pause)),
        Up::Preview { .. } => {}
        Up::DeferLease { lease, .. } => seen.returned.push(lease),
        Up::Snapshot(_) => seen.snapshots += 1,
        Up::Answer {
            request,
            last,
            result,
        } => seen.answers.push((request, last, result)),
        Up::Request { request, what } => {
            let result = match &what {
                Request::Campaign { name, .. } if name == "autumn" => {
                    Ok(format!("Campaign {name}: done."))
                }
                Request::Campaign { name, .. } => Err(format!("No campaign {name}.")),
                Request::Dispose { code, .. } if code == "sale" => Ok(String::new()),
                Request::Dispose { code, .. } => Err(format!("there is no disposition {code}")),
                Request::Add { .. } | Request::DoNotCall { .. } => Ok(String::new()),
            };
            seen.requests.push(what);
            send(Down::Requested { request, result });
        }
        Up::Inbound { request, call } => {
            let answer = who_calls(plan, seen, &call.number);
            send(Down::Inbound { request, answer });
        }
        Up::Columns { request, lead } => {
            seen.columns += 1;
            let result = Ok(vec![("city".into(), format!("Town {lead}"))]);
            send(Down::Columns { request, result });
        }
        Up::Pin { request, pin, .. } => {
            let result = match pin.0.as_str() {
                "4711" => Ok(PinChecked::Right),
                "9999" => Ok(PinChecked::Locked),
                "5000" => Err("PostgreSQL is not reachable".into()),
                _ => Ok(PinChecked::Wrong),
            };
            send(Down::Pin { request, result });
        }
    }
}

/// Whoever has an odd number is known; of those in front of `+` nothing can be found out.
fn who_calls(plan: &Plan, seen: &mut Seen, number: &str) -> CallerIs {
    match number.bytes().last() {
        _ if number.starts_with('+') => CallerIs::Unavailable("no database".into()),
        Some(b'x') => CallerIs::Wrong("there is no such thing".into()),
        Some(digit) if digit % 2 == 1 => {
            seen.leased += 1;
            CallerIs::Known(Box::new(Known {
                campaign: 7,
                lead: lease(plan, seen.leased),
                claim: Claim::Taken,
                forbidden: false,
            }))
        }
        Some(_) | None => CallerIs::Nobody,
    }
}

fn lease(plan: &Plan, n: u64) -> Lease {
    let digits = plan.digits.as_bytes();
    let last = digits[usize::try_from(n).unwrap() % digits.len()] - b'0';
    Lease {
        id: n,
        lead: n,
        list: 1,
        weight: 1,
        priority: 0,
        owner: None,
        skill: None,
        attempts: 0,
        last: None,
        callback: None,
        numbers: vec![LeadNumber {
            number: format!("5511{:08}{last}", n),
            position: 0,
            attempts: 0,
            not_before_ms: 0,
            not_after_ms: i64::MAX,
        }],
        expires_at_ms: now_ms() + 120_000,
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn config(plan: &Plan) -> Vec<Config> {
    let again = || RetryRule {
        retry: true,
        delays_seconds: vec![3_600],
        attempts: None,
        next_number: false,
        status: None,
    };
    let mut changes = vec![
        Config::Settings {
            max_concurrent_originates: 50,
        },
        Config::Trunk(Trunk {
            id: 1,
            name: "carrier".into(),
            tech: plan.tech.into(),
            endpoint: "carrier".into(),
            enabled: true,
            cps_milli: 1_000_000,
            burst: 100,
            max_channels: 1_000,
        }),
        Config::Routes(vec![Route {
            campaign: None,
            prefix: String::new(),
            trunk: 1,
            priority: 1,
            weight: 1,
            strip: 0,
            prepend: String::new(),
        }]),
        Config::Campaign(Box::new(Campaign {
            id: 7,
            name: "autumn".into(),
            state: CampaignState::Running,
            mode: Mode::Power(2_000),
            priority: 0,
            max_concurrent: 100,
            ring_timeout_ms: 1_000,
            min_ring_ms: 0,
            connect_limit_ms: 100,
            abandon_limit_milli: 30,
            abandon_daily: false,
            answers: AnswerRules::default(),
            message: Some(plan.sound.into()),
            target: Target {
                context: "outdial".into(),
                exten: "s".into(),
                priority: 1,
            },
            agentless: AgentlessAction::Continue,
            wrap_up_ms: 0,
            recording: None,
            amd: plan.amd.map(str::to_owned),
            caller_ids: CallerIds {
                numbers: vec!["551130000000".into()],
                ..CallerIds::default()
            },
            retry: RetryPolicy {
                max_attempts: 3,
                max_attempts_per_number: 3,
                completed_status: None,
                no_answer: again(),
                busy: again(),
                congested: again(),
                invalid: again(),
                machine: again(),
                abandoned: again(),
                cancelled: again(),
                failed: again(),
                callback: again(),
            },
            queue: plan.queue.map(str::to_owned),
        })),
    ];
    changes.extend((0..5).map(|i| Config::Agent(agent(i + 1, format!("agent{i}"), None))));
    changes.push(Config::Agent(agent(10, GUARDED.into(), None)));
    changes.extend((11..).zip(plan.phones).map(|(id, endpoint)| {
        let phone = Phone {
            tech: plan.tech.into(),
            endpoint: (*endpoint).into(),
        };
        Config::Agent(agent(id, format!("phone{id}"), Some(phone)))
    }));
    changes
}

/// This agent has a PIN, and it is 4711.
pub const GUARDED: &str = "guarded";

fn agent(id: u64, name: String, phone: Option<Phone>) -> Agent {
    Agent {
        id,
        pin: name == GUARDED,
        name,
        campaigns: vec![Membership {
            campaign: 7,
            rank: 0,
        }],
        skills: vec![],
        phone,
        ring_timeout_ms: 1_000,
    }
}
