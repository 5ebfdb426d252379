//! What becomes of leads: callbacks, owners, lists and dispositions, from the command line to the
//! link.

use jiff::Timestamp;
use outdial_link::{
    After, AgentAction, AgentSnapshot, Answer, Ask, Disposed, Disposition, Down, LeadNext, Lease,
    Record, Snapshot, Up,
};

use crate::module::{Module, ended, started};
use crate::sidecar::{LONG, Sidecar, wait};

const ATTEMPT: u64 = (1 << 32) + 1;

fn ready() -> (Sidecar, u64) {
    let sidecar = Sidecar::start();
    let spring = sidecar.campaign("spring");
    sidecar.good(&["agents", "add", "ana", "--campaign", "spring"]);
    let mut client = sidecar.client();
    client
        .batch_execute("UPDATE outdial.campaigns SET state = 'running'")
        .unwrap();
    (sidecar, spring)
}

fn agent(sidecar: &Sidecar, name: &str) -> u64 {
    let id: i64 = sidecar
        .client()
        .query_one("SELECT id FROM outdial.agents WHERE name = $1", &[&name])
        .unwrap()
        .get(0);
    u64::try_from(id).unwrap()
}

/// So many seconds from now, in the lead's zone, which is UTC.
fn at(seconds: i64) -> String {
    let at = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Leases that come although nobody asked.
fn brought(module: &mut Module) -> Vec<Lease> {
    module.until(|down| match down {
        Down::Leases { leases, .. } if !leases.is_empty() => Some(leases.clone()),
        _ => None,
    })
}

fn changes(module: &mut Module, agent: u64, state: &str) {
    module.send(Up::AgentChanged {
        agent,
        state: state.into(),
        pause: None,
    });
}

/// Answers the disposition that the sidecar hands on.
fn takes(module: &mut Module) -> Disposition {
    let (request, said) = module.until(|down| match down {
        Down::Ask {
            request,
            ask:
                Ask::Agent {
                    action: AgentAction::Dispose(said),
                    ..
                },
        } => Some((*request, said.clone())),
        _ => None,
    });
    module.send(Up::Answer {
        request,
        last: true,
        result: Ok(Answer::Done),
    });
    *said
}

#[test]
fn a_callback_comes_to_its_agents_node_at_its_time_and_a_disposition_sets_the_next() {
    let (sidecar, spring) = ready();
    let ana = agent(&sidecar, "ana");
    sidecar.leads("spring", 5_511_987_650_000..5_511_987_650_001);
    let lead = "+5511987650000";
    let said = sidecar.good(&["leads", "callback", lead, "--at", &at(4), "--agent", "ana"]);
    assert!(
        said.contains("is called back at") && said.contains("(UTC)"),
        "{said}"
    );
    let listed = sidecar.good(&["leads", "callbacks"]);
    assert!(
        listed.contains("ana") && listed.contains("spring"),
        "{listed}"
    );

    let mut module = Module::connect(&sidecar, 1);
    assert!(
        module.need(spring, 10).is_empty(),
        "too early, and she is not here"
    );
    changes(&mut module, ana, "available");
    let leases = brought(&mut module);
    assert_eq!(leases.len(), 1);
    let lease = &leases[0];
    assert_eq!(lease.owner.unwrap().agent, ana);
    assert_eq!(lease.callback.unwrap().agent, Some(ana));
    assert!(lease.priority >= 1_000);

    // She talks, and promises another call.
    module.records(1, vec![started(spring, lease, ATTEMPT)]);
    changes(&mut module, ana, "on_call");
    module.send(Up::Snapshot(Box::new(Snapshot {
        at_ms: 1,
        agents: vec![AgentSnapshot {
            id: ana,
            name: "ana".into(),
            state: "on_call".into(),
            call: Some((ATTEMPT, lease.lead)),
            ..AgentSnapshot::default()
        }],
        ..Snapshot::default()
    })));
    let later = at(86_400);
    let wanted = ["--code", "callback", "--callback-at", &later, "--personal"];
    let dispose = [&["agents", "dispose", "ana"][..], &wanted].concat();
    let said = std::thread::scope(|scope| {
        let command = scope.spawn(|| {
            wait("the snapshot", LONG, || {
                let output = sidecar.run(&dispose);
                output.status.success().then_some(())
            });
        });
        let said = takes(&mut module);
        command.join().unwrap();
        said
    });
    assert_eq!(
        (said.code.as_str(), said.attempt),
        ("callback", Some(ATTEMPT))
    );
    let After::Callback { at_ms, agent } = said.after else {
        panic!("{said:?}");
    };
    assert_eq!(agent, Some(ana));
    let mut record = ended(spring, lease, ATTEMPT, "completed");
    if let Record::Ended(result) = &mut record {
        result.disposition = Some(Disposed {
            code: said.code,
            retry_as: None,
            do_not_call: false,
            note: None,
        });
        result.next = LeadNext::Callback {
            at_ms,
            position: 0,
            agent,
            tries: 0,
        };
    }
    module.records(2, vec![record]);
    let noted = sidecar.count("attempts WHERE disposition = 'callback'");
    let waits = sidecar.count(
        "leads WHERE status = 'ready' AND callback_agent IS NOT NULL AND next_at > now() + interval '23 h'",
    );
    assert_eq!((noted, waits), (1, 1));
    sidecar.good(&["leads", "callback", lead, "--cancel"]);
    assert_eq!(
        sidecar.count("leads WHERE reason = 'callback_cancelled'"),
        1
    );
}

#[test]
fn a_lead_in_hand_that_is_to_be_called_later_is_taken_back() {
    let (sidecar, spring) = ready();
    sidecar.leads("spring", 5_511_987_650_000..5_511_987_650_001);
    let mut module = Module::connect(&sidecar, 1);
    let leases = module.need(spring, 10);
    assert_eq!(leases.len(), 1);
    let id = leases[0].lead.to_string();
    sidecar.good(&["leads", "callback", &id, "--at", &at(3_600)]);
    let revoked = module.until(|down| match down {
        Down::Revoke { leases } => Some(leases.clone()),
        _ => None,
    });
    assert_eq!(revoked, [leases[0].id]);
}

#[test]
fn a_disposition_after_the_call_reaches_the_lead_and_the_do_not_call_list() {
    let (sidecar, spring) = ready();
    let ana = agent(&sidecar, "ana");
    sidecar.leads("spring", 5_511_987_650_000..5_511_987_650_001);
    let error = sidecar.bad(&["agents", "dispose", "ana", "--code", "sale"]);
    assert!(error.contains("no such call"), "{error}");
    let mut module = Module::connect(&sidecar, 1);
    let lease = module.need(spring, 1).remove(0);
    let mut record = ended(spring, &lease, ATTEMPT, "completed");
    if let Record::Ended(result) = &mut record {
        result.agent = Some(ana);
        result.started_at_ms = Timestamp::now().as_millisecond() - 60_000;
    }
    module.records(1, vec![record]);
    sidecar.good(&["agents", "dispose", "ana", "--code", "do_not_call"]);
    assert_eq!(sidecar.count("leads WHERE reason = 'do_not_call'"), 1);
    assert_eq!(
        sidecar.count("do_not_call WHERE number = '5511987650000'"),
        1
    );
}

#[test]
fn what_is_wrong_is_said_with_the_field_and_its_range() {
    let (sidecar, _) = ready();
    sidecar.leads("spring", 5_511_987_650_000..5_511_987_650_001);
    let lead = "+5511987650000";
    for (args, words) in [
        (
            &["leads", "callback", lead, "--at", "soon"][..],
            "callback_at \"soon\" is no time; allowed: from now to 366 days ahead",
        ),
        (
            &["leads", "callback", lead, "--at", "2020-01-01T10:00"],
            "is over",
        ),
        (
            &["leads", "callback", "ana", "--at", "2020-01-01T10:00"],
            "write its id, or one of its numbers with +",
        ),
        (&["leads", "callback", lead, "--cancel"], "has no callback"),
        (&["leads", "callback", lead], "--at"),
        (
            &[
                "lists",
                "set",
                "leads",
                "--campaign",
                "spring",
                "--weight",
                "0",
            ],
            "weight is out of range; allowed: 1 to 1000",
        ),
        (
            &[
                "lists",
                "set",
                "nope",
                "--campaign",
                "spring",
                "--weight",
                "2",
            ],
            "no list \"nope\"",
        ),
        (
            &["dispositions", "set", "Sold Out", "--name", "x", "--final"],
            "code is out of range; allowed: 1 to 40 of a-z",
        ),
        (
            &["dispositions", "set", "sold", "--name", "x"],
            "exactly one of them",
        ),
        (
            &["agents", "dispose", "ana", "--code", "sold"],
            "code is one of: answering_machine",
        ),
        (
            &["agents", "dispose", "ana", "--code", "callback"],
            "callback_at is missing",
        ),
        (
            &[
                "campaign",
                "set",
                "spring",
                "--retry",
                "busy=10m,attempts:0",
            ],
            "retry.busy.attempts is 0; allowed: 1 to 1000",
        ),
        (
            &["campaign", "set", "spring", "--retry", "bussy=10m"],
            "retry.bussy is no rule",
        ),
        (
            &[
                "campaign",
                "set",
                "spring",
                "--callback-hold-minutes",
                "99999",
            ],
            "callback_hold_minutes is out of range; allowed: 0 to 10080",
        ),
        (
            &["campaign", "set", "spring", "--number-attempts-total", "0"],
            "number_attempts_total is out of range; allowed: 1 to 1000",
        ),
    ] {
        let error = sidecar.bad(args);
        assert!(error.contains(words), "{args:?}: {error}");
    }
    for args in [
        &[
            "lists",
            "set",
            "leads",
            "--campaign",
            "spring",
            "--weight",
            "3",
            "--priority",
            "-5",
        ][..],
        &[
            "dispositions",
            "set",
            "sold_out",
            "--name",
            "Sold out",
            "--final",
        ],
        &["dispositions", "remove", "sold_out"],
        &[
            "campaign",
            "set",
            "spring",
            "--retry",
            "busy=10m/20m,attempts:5,status:line_busy",
        ],
        &[
            "campaign",
            "set",
            "spring",
            "--callback-hold-minutes",
            "forever",
            "--number-attempts-total",
            "none",
        ],
    ] {
        sidecar.good(args);
    }
    let listed = sidecar.good(&["lists", "list"]);
    assert!(
        listed.contains("leads") && listed.contains("-5"),
        "{listed}"
    );
}

#[test]
fn owner_and_skill_come_with_an_import() {
    let (sidecar, spring) = ready();
    let ana = agent(&sidecar, "ana");
    let file = sidecar.dir.join("own.csv");
    let rows = "phone,who,skill\n+5511987650000,ana,french\n+5511987650001,,\n+5511987650002,carla,\n+5511987650003,,;x\n";
    std::fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();
    sidecar.good(&[
        "leads",
        "import",
        file,
        "--campaign",
        "spring",
        "--map",
        "who=owner",
    ]);
    let rejects = std::fs::read_to_string(sidecar.dir.join("own.rejects.csv")).unwrap();
    assert!(
        rejects.contains("owner: no agent of that name takes calls of the campaign"),
        "{rejects}"
    );
    assert!(
        rejects.contains("skill \";x\"") || rejects.contains("skill \"\";x\"\""),
        "{rejects}"
    );
    let mut module = Module::connect(&sidecar, 1);
    let first = module.need(spring, 10);
    assert_eq!((first.len(), first[0].owner), (1, None));
    changes(&mut module, ana, "available");
    let hers = module.need(spring, 10);
    assert_eq!(hers[0].owner.unwrap().agent, ana);
    assert_eq!(hers[0].skill.as_deref(), Some("french"));
}
