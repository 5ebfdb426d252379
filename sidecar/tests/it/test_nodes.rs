//! Simulated PBXs and real ones: who is handed what, and who may take whose place.

use std::time::Duration;

use outdial_link::{Config, Down, Hello, VERSION_MIN};

use crate::module::{Module, hello};
use crate::sidecar::{LONG, Sidecar, wait};

fn simulated(node: &str, instance: u64) -> Hello {
    Hello {
        version_min: VERSION_MIN,
        pbx: "simulated PBX".into(),
        test_host: true,
        ..hello(node, instance)
    }
}

fn campaigns(config: &[Config]) -> Vec<String> {
    let names = config.iter().filter_map(|change| match change {
        Config::Campaign(campaign) => Some(campaign.name.clone()),
        _ => None,
    });
    names.collect()
}

/// A real campaign and a test, both running by plain SQL, each with leads.
fn set_up(sidecar: &Sidecar) -> (u64, u64) {
    for (name, more) in [("real", None), ("trial", Some("--test"))] {
        let mut args = vec!["campaign", "create", name, "--caller-id", "551140001000"];
        args.extend([
            "--time-zone",
            "UTC",
            "--window",
            "00:00-24:00",
            "--days",
            "all",
        ]);
        args.extend(more);
        sidecar.good(&args);
    }
    sidecar.good(&["trunks", "add", "carrier"]);
    sidecar.good(&["routes", "add", "--trunk", "carrier"]);
    let mut client = sidecar.client();
    client
        .batch_execute(
            "WITH n AS (SELECT nextval('outdial.lead_seq') AS lead, c.id FROM outdial.campaigns c, generate_series(1, 5)),
                  l AS (INSERT INTO outdial.leads (campaign_id, id) SELECT id, lead FROM n)
             INSERT INTO outdial.lead_numbers (campaign_id, lead_id, position, number)
             SELECT id, lead, 0, (5511900000000 + lead)::text FROM n;
             UPDATE outdial.campaigns SET state = 'running'",
        )
        .unwrap();
    let id = |name: &str| -> i64 {
        let mut client = sidecar.client();
        let row = client.query_one("SELECT id FROM outdial.campaigns WHERE name = $1", &[&name]);
        row.unwrap().get(0)
    };
    (
        u64::try_from(id("real")).unwrap(),
        u64::try_from(id("trial")).unwrap(),
    )
}

fn wait_gone(sidecar: &Sidecar) {
    wait("the end of the link", LONG, || {
        let status = sidecar.get("/status").unwrap().1;
        (status["link"]["connected"] == false).then_some(())
    });
}

#[test]
fn a_host_is_handed_its_own_kind_of_campaign_only() {
    let sidecar = Sidecar::start();
    let (real, trial) = set_up(&sidecar);

    let mut module = Module::connect(&sidecar, 1);
    wait("the real one", LONG, || {
        (campaigns(&module.config) == ["real"]).then_some(())
    });
    assert_eq!(module.need(trial, 5), []);
    let error = sidecar.bad(&["campaign", "start", "trial"]);
    assert!(error.contains("a real PBX is connected"), "{error}");
    // A change of a test campaign is none of its business.
    sidecar.good(&["campaign", "set", "trial", "--priority", "7"]);
    while let Some(message) = module.within(Duration::from_millis(700)) {
        assert!(
            !matches!(&message, Down::Config { changes, .. } if !campaigns(changes).is_empty()),
            "{message:?}"
        );
    }
    drop(module);
    wait_gone(&sidecar);

    let mut module = Module::introduce(&sidecar, simulated(&sidecar.node, 2)).unwrap();
    assert_eq!(campaigns(&module.config), ["trial"]);
    assert_eq!(module.need(real, 5), []);
    assert_eq!(module.need(trial, 5).len(), 5);
    let status = sidecar.get("/status").unwrap().1;
    assert_eq!(status["test"], true, "{status}");
    assert!(sidecar.good(&["status"]).contains("test node"));
    let error = sidecar.bad(&["campaign", "start", "real"]);
    assert!(error.contains("a simulated PBX is connected"), "{error}");
}

#[test]
fn neither_takes_the_others_place_while_it_holds_leads() {
    let sidecar = Sidecar::start();
    let (real, _) = set_up(&sidecar);
    let mut module = Module::connect(&sidecar, 1);
    let leases = module.need(real, 3);
    assert_eq!(leases.len(), 3);
    drop(module);
    wait_gone(&sidecar);

    // It would say that it has no records, and the real calls would count as lost.
    let refused = Module::introduce(&sidecar, simulated(&sidecar.node, 2));
    let why = refused.err().unwrap();
    assert!(
        why.contains("a simulated PBX") && why.contains("\"real\""),
        "{why}"
    );
    assert_eq!(sidecar.count("leads WHERE status = 'leased'"), 3);

    let mut back = Module::connect(&sidecar, 1);
    back.send(outdial_link::Up::ReturnLeases {
        campaign: real,
        leases: leases.iter().map(|lease| lease.id).collect(),
    });
    wait("leads that came back", LONG, || {
        (sidecar.count("leads WHERE status = 'leased'") == 0).then_some(())
    });
    drop(back);
    wait_gone(&sidecar);
    assert!(Module::introduce(&sidecar, simulated(&sidecar.node, 3)).is_ok());
}
