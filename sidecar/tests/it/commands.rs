//! Commands: what they say, and what they refuse.

use std::process::Command;

use outdial_link::{Answer, Ask, Down, Up};

use crate::module::Module;
use crate::sidecar::{LONG, Sidecar, wait};

#[test]
fn a_second_sidecar_names_the_first() {
    let sidecar = Sidecar::start();
    let error = sidecar.bad(&["serve", "--log-format", "json"]);
    assert!(
        error.contains(&format!("process {}", sidecar.pid())),
        "{error}"
    );
    // Other sockets, same database and node.
    let run = sidecar.dir.join("run2");
    let output = Command::new(env!("CARGO_BIN_EXE_outdial"))
        .env("OUTDIAL_DATABASE_URL", sidecar.url())
        .args([
            "serve",
            "--node",
            "pbx1",
            "--http",
            "127.0.0.1:0",
            "--run-dir",
            run.to_str().unwrap(),
        ])
        .args(["--data-dir", sidecar.dir.to_str().unwrap()])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && error.contains(&format!("process {}", sidecar.pid())),
        "{error}"
    );
}

#[test]
fn configuration_is_kept_listed_and_checked() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring sale");
    for (args, words) in [
        (&["campaign", "create", "spring sale"][..], "exists already"),
        (
            &["campaign", "create", "x", "--ratio", "9"],
            "ratio is out of range; allowed: 1 to 5",
        ),
        (
            &["campaign", "create", "x", "--window", "20:00-09:00"],
            "end after its start",
        ),
        (
            &["campaign", "create", "x", "--time-zone", "Mars/Olympus"],
            "no time zone",
        ),
        (&["campaign", "create", "a&b"], "name is out of range"),
        (
            &["campaign", "set", "nope", "--ratio", "2"],
            "there is no campaign",
        ),
        (
            &["trunks", "set", "carrier", "--cps-limit", "0"],
            "cps_limit is out of range",
        ),
        (&["trunks", "add", "carrier"], "exists already"),
        (&["routes", "add", "--trunk", "nope"], "there is no trunk"),
        (&["routes", "add", "--trunk", "carrier"], "already"),
        (
            &["agents", "add", "ana", "--campaign", "nope"],
            "there is no campaign",
        ),
        (&["agents", "pause", "nobody"], "there is no agent"),
        (&["agents", "log-in", "nobody"], "there is no agent"),
        (
            &["agents", "add", "ana", "--phone", "101"],
            "write technology/endpoint",
        ),
        (
            &["agents", "add", "ana", "--phone", "PJSIP/101&PJSIP/102"],
            "phone is out of range",
        ),
        (
            &["agents", "add", "ana", "bruno", "--phone", "PJSIP/101"],
            "one by one",
        ),
        (
            &["agents", "add", "ana", "--ring-timeout-ms", "10"],
            "ring_timeout_ms is out of range",
        ),
        (
            &["agents", "add", "ana", "--skill", "a;b=3"],
            "skills is out of range",
        ),
        (
            &["agents", "set", "nobody", "--phone", "PJSIP/101"],
            "there is no agent",
        ),
        (
            &["campaign", "set", "spring sale", "--on-machine", "message"],
            "message needs a machine_message",
        ),
        (
            &[
                "campaign",
                "set",
                "spring sale",
                "--people-among-machines",
                "60",
            ],
            "people_among_machines is out of range",
        ),
        (&["dnc", "add", "1&PJSIP/evil"], "no telephone number"),
        (&["trunks", "remove", "nope"], "there is no trunk"),
    ] {
        let error = sidecar.bad(args);
        assert!(error.contains(words), "{args:?}: {error}");
    }
    sidecar.good(&["agents", "add", "ana", "bruno", "--campaign", "spring sale"]);
    sidecar.good(&[
        "agents",
        "add",
        "ana",
        "--campaign",
        "spring sale",
        "--rank",
        "3",
    ]);
    assert_eq!(sidecar.count("agent_campaigns WHERE rank = 3"), 1);
    assert!(sidecar.good(&["agents", "list"]).contains("spring sale"));
    let phones = |what: &str| sidecar.count(&format!("agents WHERE {what}"));
    sidecar.good(&["agents", "add", "bruno", "--phone", "PJSIP/101"]);
    assert_eq!(
        phones("phone_endpoint = '101' AND ring_timeout_ms = 15000"),
        1
    );
    assert!(sidecar.good(&["agents", "list"]).contains("PJSIP/101"));
    sidecar.good(&["agents", "set", "bruno", "--ring-timeout-ms", "8000"]);
    assert_eq!(
        phones("phone_endpoint = '101' AND ring_timeout_ms = 8000"),
        1
    );
    assert!(sidecar.good(&["status"]).contains("PJSIP/101"));
    sidecar.good(&["agents", "set", "bruno", "--no-phone"]);
    assert_eq!(phones("phone_tech IS NULL"), 2);
    sidecar.good(&["agents", "remove", "bruno"]);
    sidecar.good(&["trunks", "set", "carrier", "--cps-limit", "2.5"]);
    assert!(sidecar.good(&["trunks", "list"]).contains("2.5"));
    let shown: serde_json::Value =
        serde_json::from_str(&sidecar.good(&["campaign", "show", "spring sale", "--json"]))
            .unwrap();
    assert_eq!(shown["agents"], serde_json::json!(["ana"]));
    assert_eq!(shown["lacks"], serde_json::json!([]));
    sidecar.good(&["routes", "remove", "1"]);
    assert!(
        sidecar
            .good(&["campaign", "show", "spring sale"])
            .contains("lacks: no route")
    );
    assert!(sidecar.good(&["status"]).contains("no module is connected"));
    let config = sidecar.good(&["config", "show"]);
    assert!(
        config.contains("pbx1") && config.contains("outdial.toml"),
        "{config}"
    );
}

#[test]
fn a_test_call_shows_each_step() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let error = sidecar.bad(&["trunks", "test", "carrier", "+5511987650000"]);
    assert!(error.contains("no module is connected"), "{error}");
    sidecar.good(&["dnc", "add", "+5511987650000"]);
    let error = sidecar.bad(&["trunks", "test", "carrier", "+5511987650000"]);
    assert!(error.contains("do-not-call"), "{error}");

    let mut module = Module::connect(&sidecar, 1);
    std::thread::scope(|scope| {
        let command = scope.spawn(|| sidecar.good(&["trunks", "test", "carrier", "5511987650001"]));
        let request = module.until(|down| match down {
            Down::Ask {
                request,
                ask: Ask::TestCall {
                    number, caller_id, ..
                },
            } => {
                assert_eq!(
                    (number.as_str(), caller_id.as_str()),
                    ("5511987650001", "551140001000")
                );
                Some(*request)
            }
            _ => None,
        });
        module.send(Up::Answer {
            request,
            last: false,
            result: Ok(Answer::Step("ringing".into())),
        });
        let end = Answer::Ended {
            sip: Some(486),
            q850: Some(17),
        };
        module.send(Up::Answer {
            request,
            last: true,
            result: Ok(end),
        });
        let said = command.join().unwrap();
        assert!(
            said.contains("ringing") && said.contains("SIP 486") && said.contains("Q.850 cause 17"),
            "{said}"
        );
    });
}

#[test]
fn doctor_fails_until_everything_is_well() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let output = sidecar.run(&["doctor"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("FAIL  module") && said.contains("to mend it"),
        "{said}"
    );
    let mut module = Module::connect(&sidecar, 1);
    wait("doctor", LONG, || {
        module.heartbeat(|_| {});
        sidecar.run(&["doctor"]).status.success().then_some(())
    });
}

#[test]
fn the_address_of_an_api_is_no_database() {
    let output = Command::new(env!("CARGO_BIN_EXE_outdial"))
        .env_remove("DATABASE_URL")
        .env_remove("OUTDIAL_DATABASE_URL")
        .env("SUPABASE_URL", "https://x.supabase.co")
        .args(["config", "show"])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && error.contains("OUTDIAL_DATABASE_URL"),
        "{error}"
    );
}
