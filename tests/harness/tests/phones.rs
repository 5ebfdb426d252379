//! The carrier and the phones do what the tests take for granted, on an Asterisk without outdial.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::leads::ENDINGS;
use outdial_harness::wait::wait_for;
use outdial_harness::workspace::RunDir;
use outdial_harness::{Agents, Asterisk, Carrier, PbxOptions, Workspace};

#[test]
fn each_number_meets_its_fate() {
    let workspace = Workspace::plain().unwrap();
    let logs = workspace.log_dir("e2e", "phones").unwrap();
    let run = RunDir::new(&workspace, "phones").unwrap();
    let carrier = Carrier::start(&workspace, &logs, "carrier", None).unwrap();
    let options = PbxOptions {
        carrier_port: carrier.port,
        carrier2_port: None,
        node: "pbx1".into(),
        socket: "/nowhere".into(),
        journal: None,
        load_outdial: false,
        load: Vec::new(),
        dialplan: String::new(),
        settings: String::new(),
        env: Vec::new(),
    };
    let asterisk = Asterisk::start(&workspace, run.path(), &logs, options).unwrap();
    let phones: Vec<String> = (9001..=9005).map(|n: u32| n.to_string()).collect();
    let mut agents =
        Agents::start(&workspace, &logs, "agents", asterisk.sip_port, &phones).unwrap();
    assert_eq!(asterisk.channels().unwrap(), 5);

    for (serial, (fate, _)) in (0..).zip(ENDINGS) {
        let number = fate.number(1, serial);
        asterisk
            .cli(&format!(
                "channel originate PJSIP/{number}@carrier application Wait 3"
            ))
            .unwrap();
    }
    // What neither ends nor answers has to be hung up by this side.
    wait_for(
        "all but the call that only rings",
        Duration::from_secs(15),
        || {
            let calls = carrier.calls()?;
            Ok(calls.iter().filter(|call| call.ending.is_some()).count() >= ENDINGS.len() - 1)
        },
    )
    .unwrap();
    assert_eq!(
        agents.hung_up().unwrap(),
        0,
        "waiting phones stay up meanwhile"
    );
    asterisk.cli("channel request hangup all").unwrap();
    wait_for("the last end", Duration::from_secs(10), || {
        Ok(carrier.calls()?.iter().all(|call| call.ending.is_some()))
    })
    .unwrap();

    let calls = carrier.calls().unwrap();
    for (serial, (fate, ending)) in (0..).zip(ENDINGS) {
        let number = fate.number(1, serial);
        let found: Vec<_> = calls.iter().filter(|call| call.number == number).collect();
        assert_eq!(found.len(), 1, "{fate:?}");
        assert_eq!(found[0].ending.as_deref(), Some(ending), "{fate:?}");
        assert_eq!(found[0].answered.is_some(), fate.answers(), "{fate:?}");
    }
    wait_for("the phones' end", Duration::from_secs(5), || {
        Ok(agents.hung_up()? == 5)
    })
    .unwrap();
    agents.hang_up().unwrap();
}
