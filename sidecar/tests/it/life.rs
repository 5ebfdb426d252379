//! A campaign from start to results, through crashes of either side.

use std::time::{Duration, Instant};

use outdial_link::{Answer, Ask, Config, Down, Up};

use crate::module::{Module, ended, hello, started};
use crate::sidecar::{LONG, Sidecar, wait};

/// Answers the check of a campaign's start.
fn start(sidecar: &Sidecar, module: &mut Module, name: &str) {
    std::thread::scope(|scope| {
        let command = scope.spawn(|| sidecar.good(&["campaign", "start", name]));
        let request = module.until(|down| match down {
            Down::Ask {
                request,
                ask: Ask::Check { .. },
            } => Some(*request),
            _ => None,
        });
        module.send(Up::Answer {
            request,
            last: true,
            result: Ok(Answer::Ready),
        });
        assert!(command.join().unwrap().contains("started"));
    });
    module.until(|down| match down {
        Down::Config { changes, .. } => changes.iter().find_map(|c| match c {
            Config::Campaign(c) if c.state == outdial_link::CampaignState::Running => Some(()),
            _ => None,
        }),
        _ => None,
    });
}

#[test]
fn a_start_is_refused_until_everything_is_there() {
    let sidecar = Sidecar::start();
    sidecar.good(&[
        "campaign", "create", "spring", "--mode", "power", "--ratio", "2",
    ]);
    let error = sidecar.bad(&["campaign", "start", "spring"]);
    for lack in ["caller id", "message", "time zone", "route"] {
        assert!(error.contains(lack), "{lack}: {error}");
    }
    sidecar.good(&[
        "campaign",
        "set",
        "spring",
        "--caller-id",
        "+551140001000",
        "--message",
        "sorry",
        "--time-zone",
        "UTC",
    ]);
    sidecar.good(&["trunks", "add", "carrier"]);
    sidecar.good(&["routes", "add", "--trunk", "carrier"]);
    let error = sidecar.bad(&["campaign", "start", "spring"]);
    assert!(error.contains("no module is connected"), "{error}");

    let mut module = Module::connect(&sidecar, 1);
    std::thread::scope(|scope| {
        let command = scope.spawn(|| sidecar.bad(&["campaign", "start", "spring"]));
        let request = module.until(|down| match down {
            Down::Ask {
                request,
                ask: Ask::Check { .. },
            } => Some(*request),
            _ => None,
        });
        let result = Err("there is no sound 'sorry'".into());
        module.send(Up::Answer {
            request,
            last: true,
            result,
        });
        let error = command.join().unwrap();
        assert!(error.contains("no sound 'sorry'"), "{error}");
    });
    assert_eq!(sidecar.count("campaigns WHERE state = 'stopped'"), 1);
    start(&sidecar, &mut module, "spring");
    assert!(
        sidecar
            .good(&["campaign", "pause", "spring"])
            .contains("paused")
    );
}

#[test]
fn results_survive_a_crash_of_the_sidecar_and_are_written_once() {
    let mut sidecar = Sidecar::start();
    let campaign = sidecar.campaign("spring");
    sidecar.leads("spring", 5_511_987_650_000..5_511_987_650_020);
    let mut module = Module::connect(&sidecar, 1);
    start(&sidecar, &mut module, "spring");
    let leases = module.need(campaign, 10);
    assert_eq!(leases.len(), 10);

    let epoch = u64::from(module.welcome.epoch) << 32;
    let mut records: Vec<_> = leases
        .iter()
        .zip(1..)
        .map(|(l, n)| started(campaign, l, epoch | n))
        .collect();
    module.records(1, records.clone());
    assert_eq!(sidecar.count("leads WHERE status = 'dialing'"), 10);
    module.send(Up::ReturnLeases {
        campaign,
        leases: vec![],
    });

    sidecar.kill();
    sidecar.restart();
    let mut again = hello("pbx1", 1);
    again.leases = leases.iter().map(|l| l.id).collect();
    let mut module = Module::introduce(&sidecar, again).unwrap();
    assert_eq!(u64::from(module.welcome.epoch) << 32, epoch);
    // Nothing was acknowledged as far as the module knows: all of it comes again, and more.
    records.extend(
        leases
            .iter()
            .zip(1..)
            .map(|(l, n)| ended(campaign, l, epoch | n, "completed")),
    );
    module.records(1, records.clone());
    module.records(1, records);
    assert_eq!(sidecar.count("attempts"), 10);
    assert_eq!(
        sidecar.count("leads WHERE status = 'done' AND reason = 'completed'"),
        10
    );
    assert_eq!(module.need(campaign, 100).len(), 10);
    assert_eq!(sidecar.count("number_guard WHERE lease_id IS NOT NULL"), 10);

    let log = sidecar.log();
    assert!(
        !log.contains("55119876") && !log.contains("Secreta"),
        "{log}"
    );
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    for field in ["level", "time", "pid", "hostname", "name", "msg"] {
        assert!(line.get(field).is_some(), "{field}");
    }
}

#[test]
fn a_new_life_of_the_pbx_settles_the_leads_of_the_old_one() {
    let sidecar = Sidecar::start();
    let campaign = sidecar.campaign("spring");
    sidecar.leads("spring", 5_511_987_650_000..5_511_987_650_003);
    let mut module = Module::connect(&sidecar, 1);
    start(&sidecar, &mut module, "spring");
    let leases = module.need(campaign, 3);
    let epoch = u64::from(module.welcome.epoch) << 32;
    module.records(
        1,
        vec![
            started(campaign, &leases[0], epoch | 1),
            started(campaign, &leases[1], epoch | 2),
        ],
    );
    drop(module);

    let mut module = wait("the place to be free", LONG, || {
        Module::introduce(&sidecar, hello("pbx1", 2)).ok()
    });
    assert!(u64::from(module.welcome.epoch) << 32 > epoch);
    // The journal had one result more; of the other attempt it knows nothing.
    module.records(1, vec![ended(campaign, &leases[0], epoch | 1, "failed")]);
    module.send(Up::ReplayDone);
    wait("the old leases", LONG, || {
        (sidecar.count("leads WHERE status IN ('leased', 'dialing')") == 0).then_some(())
    });
    assert_eq!(sidecar.count("leads WHERE reason = 'node_lost'"), 1);
    assert_eq!(sidecar.count("leads WHERE reason = 'failed'"), 1);
    assert_eq!(module.need(campaign, 10).len(), 1);
}

#[test]
fn do_not_call_reaches_leads_in_hand() {
    let sidecar = Sidecar::start();
    let campaign = sidecar.campaign("spring");
    sidecar.leads("spring", 5_511_987_650_000..5_511_987_650_002);
    let mut module = Module::connect(&sidecar, 1);
    start(&sidecar, &mut module, "spring");
    let leases = module.need(campaign, 10);
    let asked = Instant::now();
    sidecar.good(&["dnc", "add", "+5511987650000", "--reason", "asked"]);
    let numbers = module.until(|down| match down {
        Down::DoNotCall { numbers } => Some(numbers.clone()),
        _ => None,
    });
    assert_eq!(numbers, ["5511987650000"]);
    assert!(asked.elapsed() < Duration::from_secs(2));
    sidecar.good(&[
        "dnc",
        "add",
        "(11) 98765-0001",
        "--country",
        "BR",
        "--campaign",
        "spring",
    ]);
    let revoked = module.until(|down| match down {
        Down::Revoke { leases } => Some(leases.clone()),
        _ => None,
    });
    let other = leases
        .iter()
        .find(|l| l.numbers[0].number == "5511987650001")
        .unwrap();
    assert_eq!(revoked, [other.id]);

    let first = leases.iter().find(|l| l.id != other.id).unwrap();
    module.send(Up::ReturnLeases {
        campaign,
        leases: vec![first.id],
    });
    wait("the lead to be closed", LONG, || {
        module.need(campaign, 10);
        (sidecar.count("leads WHERE reason = 'do_not_call'") == 1).then_some(())
    });
    assert!(sidecar.good(&["dnc", "list"]).contains("asked"));
    sidecar.good(&["dnc", "remove", "+5511987650000"]);
    assert_eq!(sidecar.count("do_not_call"), 1);
}

#[test]
fn two_nodes_share_one_database() {
    let first = Sidecar::start();
    let second = first.second_node("pbx2");
    let campaign = first.campaign("spring");
    first.leads("spring", 5_511_987_650_000..5_511_987_650_100);
    first
        .client()
        .batch_execute("UPDATE outdial.campaigns SET state = 'running'")
        .unwrap();
    let (mut one, mut two) = (Module::connect(&first, 1), Module::connect(&second, 2));
    assert_ne!(one.welcome.epoch, two.welcome.epoch);
    let (a, b) = (one.need(campaign, 60), two.need(campaign, 60));
    assert_eq!((a.len(), b.len()), (60, 40));
    assert!(a.iter().all(|x| b.iter().all(|y| x.lead != y.lead)));
}
