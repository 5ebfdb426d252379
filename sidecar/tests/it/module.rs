//! The module's end of the link.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use outdial_link::{
    AttemptResult, Config, Down, Heartbeat, Hello, LeadNext, Lease, Numbered, Reader, Record,
    Started, Up, Welcome, encode,
};

use crate::sidecar::Sidecar;

pub struct Module {
    stream: UnixStream,
    reader: Reader,
    pub welcome: Welcome,
    pub config: Vec<Config>,
}

pub fn hello(node: &str, instance: u64) -> Hello {
    Hello {
        version_min: outdial_link::VERSION_MIN,
        version_max: outdial_link::VERSION_MAX,
        node: node.into(),
        instance,
        library: env!("CARGO_PKG_VERSION").into(),
        abi: 1 << 16,
        pbx: "Asterisk 22.10".into(),
        pid: 4711,
        leases: Vec::new(),
        test_host: false,
    }
}

impl Module {
    pub fn connect(sidecar: &Sidecar, instance: u64) -> Module {
        Module::introduce(sidecar, hello(&sidecar.node, instance)).unwrap()
    }

    /// The hand-shake, or why it was refused.
    pub fn introduce(sidecar: &Sidecar, hello: Hello) -> Result<Module, String> {
        let stream = UnixStream::connect(sidecar.link_socket()).unwrap();
        let welcome = Welcome {
            version: 0,
            epoch: 0,
            sidecar: String::new(),
        };
        let mut module = Module {
            stream,
            reader: Reader::default(),
            welcome,
            config: Vec::new(),
        };
        module.send(Up::Hello(hello));
        match module.next() {
            Down::Welcome(welcome) => module.welcome = welcome,
            Down::Refused { why } => return Err(why),
            other => panic!("{other:?} instead of a welcome"),
        }
        match module.next() {
            Down::Config {
                full: true,
                changes,
            } => module.config = changes,
            other => panic!("{other:?} instead of the configuration"),
        }
        Ok(module)
    }

    pub fn send(&mut self, message: Up) {
        let mut bytes = Vec::new();
        encode(&message, &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
    }

    pub fn next(&mut self) -> Down {
        self.within(Duration::from_secs(20)).expect("a message")
    }

    /// The next message, if one comes in time.
    pub fn within(&mut self, limit: Duration) -> Option<Down> {
        let deadline = Instant::now() + limit;
        let mut buffer = vec![0; 65_536];
        loop {
            if let Some(message) = self.reader.next().unwrap() {
                return Some(message);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.stream.set_read_timeout(Some(left)).unwrap();
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the sidecar closed the link"),
                Ok(read) => self.reader.push(&buffer[..read]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads on until `f` finds what it looks for.
    pub fn until<T>(&mut self, mut f: impl FnMut(&Down) -> Option<T>) -> T {
        loop {
            if let Some(found) = f(&self.next()) {
                return found;
            }
        }
    }

    pub fn heartbeat(&mut self, change: impl Fn(&mut Heartbeat)) {
        let mut heartbeat = Heartbeat {
            journal_writable: true,
            ..Heartbeat::default()
        };
        change(&mut heartbeat);
        self.send(Up::Heartbeat(heartbeat));
    }

    pub fn need(&mut self, campaign: u64, count: u32) -> Vec<Lease> {
        self.send(Up::NeedLeads { campaign, count });
        self.until(|down| match down {
            Down::Leases {
                campaign: of,
                leases,
                ..
            } if *of == campaign => Some(leases.clone()),
            _ => None,
        })
    }

    /// Sends records with places from `first` on, and waits until they are committed.
    pub fn records(&mut self, first: u64, records: Vec<Record>) {
        let last = first + u64::try_from(records.len()).unwrap() - 1;
        let records = (first..)
            .zip(records)
            .map(|(seq, record)| Numbered { seq, record })
            .collect();
        self.send(Up::Records(records));
        self.until(|down| matches!(down, Down::Ack { seq } if *seq == last).then_some(()));
    }
}

/// No further attempt.
pub fn done(status: &str) -> LeadNext {
    let status = status.into();
    LeadNext::Done { status }
}

pub fn started(campaign: u64, lease: &Lease, attempt: u64) -> Record {
    Record::Started(Started {
        attempt,
        leg: 1,
        lease: lease.id,
        lead: lease.lead,
        campaign,
        trunk: 1,
        number: lease.numbers[0].number.clone(),
        position: lease.numbers[0].position,
        caller_id: "551130001000".into(),
        started_at_ms: 1_795_000_000_000,
        if_lost: done("failed"),
        inbound: false,
    })
}

pub fn ended(campaign: u64, lease: &Lease, attempt: u64, outcome: &str) -> Record {
    Record::Ended(Box::new(AttemptResult {
        attempt,
        lease: lease.id,
        lead: lease.lead,
        campaign,
        trunk: 1,
        number: lease.numbers[0].number.clone(),
        position: lease.numbers[0].position,
        caller_id: "551130001000".into(),
        legs: 1,
        outcome: outcome.into(),
        detail: "test".into(),
        sip: None,
        q850: Some(16),
        verdict: None,
        agent: None,
        started_at_ms: 1_795_000_000_000,
        ringing_at_ms: None,
        answered_at_ms: None,
        bridged_at_ms: None,
        ended_at_ms: 1_795_000_002_000,
        charged: true,
        connect_us: None,
        recording: None,
        disposition: None,
        next: done(outcome),
        late: false,
        inbound: false,
    }))
}
