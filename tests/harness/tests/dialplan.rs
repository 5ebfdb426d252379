//! Applications, functions and console commands, on the real PBX.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(40);

const DIALPLAN: &str = r"
[ask]
exten => s,1,Set(GLOBAL(CALL)=${OUTDIAL(campaign)}/${OUTDIAL(number)}/${OUTDIAL(attempts)}/${OUTDIAL(trunk)}/${OUTDIAL(position)})
 same => n,Set(GLOBAL(NONSENSE)=[${OUTDIAL(nonsense)}])
 same => n,Set(GLOBAL(CAMPAIGN)=${OUTDIAL_CAMPAIGN(asked,state)}/${OUTDIAL_CAMPAIGN(asked,live)}/${OUTDIAL_CAMPAIGN(asked,abandon_rate)})
 same => n,OutdialConnect()
 same => n,Wait(1)

[desk]
exten => pause,1,OutdialPause(1001,lunch)
 same => n,Set(GLOBAL(PAUSED)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(1001,state)}/${OUTDIAL_AGENT(1001,pause)})
exten => back,1,OutdialUnpause(1001)
 same => n,Set(GLOBAL(BACK)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(1001,state)}/${OUTDIAL_AGENT(1001,pause)})
exten => wrong,1,OutdialPause()
 same => n,Set(GLOBAL(NO_AGENT)=${OUTDIAL_STATUS})
 same => n,OutdialPause(nobody)
 same => n,Set(GLOBAL(NOBODY)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(nobody,state)})
 same => n,OutdialPause(1002)
 same => n,Set(GLOBAL(ABSENT)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(1002,state)})
 same => n,OutdialUnpause(1001,x)
 same => n,Set(GLOBAL(TOO_MANY)=${OUTDIAL_STATUS})
 same => n,Set(GLOBAL(STRANGER)=[${OUTDIAL(lead)}])
 same => n,Set(GLOBAL(NO_CAMPAIGN)=[${OUTDIAL_CAMPAIGN(nothing,state)}])
 same => n,OutdialConnect()
 same => n,Set(GLOBAL(CONNECT)=${OUTDIAL_STATUS})
 same => n,Set(GLOBAL(WENT_ON)=yes)
";

/// The value of a global variable, once it is there.
fn global(rig: &Rig, name: &str) -> String {
    let mut found = String::new();
    wait_for(&format!("global variable {name}"), SOON, || {
        let all = rig.asterisk.cli("dialplan show globals")?;
        let line = all
            .lines()
            .find_map(|l| l.trim().strip_prefix(&format!("{name}=")));
        found = line.unwrap_or_default().to_owned();
        Ok(line.is_some())
    })
    .unwrap();
    found
}

/// Runs an extension of the context `desk` on a channel that outdial has not dialed.
fn run(rig: &Rig, exten: &str) {
    let line = format!("channel originate Local/{exten}@desk application Wait 1");
    rig.asterisk.cli(&line).unwrap();
}

#[test]
fn a_dialplan_asks_and_acts_and_errors_go_on_with_a_status() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let mut rig = Rig::start("dialplan", options).unwrap();
    let once = ["--max-attempts", "1", "--context", "ask"];
    rig.agentless("asked", "continue", &once).unwrap();
    rig.campaign("calm", &["--wrap-up-ms", "0"]).unwrap();
    rig.outdial(&["agents", "add", "1002", "--campaign", "calm"])
        .unwrap();
    rig.log_in("calm", 1).unwrap();

    a_call_knows_itself(&rig);
    an_agent_is_paused_by_dialplan_and_console(&rig);
    mistakes_have_a_status(&rig);
    the_console_answers(&rig);
}

fn a_call_knows_itself(rig: &Rig) {
    let number = Fate::Answer(2).number(0, 7);
    rig.insert("asked", std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", "asked"]).unwrap();
    let call = format!("asked/{number}/0/carrier/0");
    assert_eq!(global(rig, "CALL"), call);
    assert_eq!(global(rig, "CAMPAIGN"), "running/1/0.00");
    assert_eq!(global(rig, "NONSENSE"), "[]");
    assert!(rig.asterisk.log().contains("there is no field 'nonsense'"));
    rig.wait_leads("asked", &["done"], LATER).unwrap();
}

fn an_agent_is_paused_by_dialplan_and_console(rig: &Rig) {
    run(rig, "pause");
    assert_eq!(global(rig, "PAUSED"), "OK/paused/lunch");
    rig.wait_agents("paused", 1, SOON).unwrap();
    run(rig, "back");
    assert_eq!(global(rig, "BACK"), "OK/available/");
    let said = rig
        .asterisk
        .cli("outdial agent pause 1001 coffee break")
        .unwrap_or_else(|error| format!("{error:#}"));
    assert!(said.contains("Usage"), "two codes: {said}");
    rig.asterisk.cli("outdial agent pause 1001 coffee").unwrap();
    rig.wait_agents("paused", 1, SOON).unwrap();
    rig.asterisk.cli("outdial agent unpause 1001").unwrap();
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn mistakes_have_a_status(rig: &Rig) {
    run(rig, "wrong");
    assert_eq!(global(rig, "WENT_ON"), "yes");
    for (name, value) in [
        ("NO_AGENT", "ERROR"),
        ("NOBODY", "UNKNOWN/logged_out"),
        ("ABSENT", "NOT_NOW/logged_out"),
        ("TOO_MANY", "ERROR"),
        ("STRANGER", "[]"),
        ("NO_CAMPAIGN", "[]"),
        ("CONNECT", "NOT_OUTDIAL"),
    ] {
        assert_eq!(global(rig, name), value, "{name}");
    }
    let log = rig.asterisk.log();
    for warning in [
        "OutdialPause(agent[,code]): got ''",
        "OutdialPause(nobody): no agent of that name is configured",
        "OutdialPause(1002): the agent is not logged in",
        "OutdialUnpause(agent): got '1001,x'",
        "OUTDIAL on channel",
        "OUTDIAL_CAMPAIGN: 'nothing'",
        "which outdial has not dialed",
    ] {
        assert!(
            log.lines()
                .any(|l| l.contains("WARNING") && l.contains(warning)),
            "{warning}"
        );
    }
}

fn the_console_answers(rig: &Rig) {
    let cli = |line: &str| {
        let said = rig.asterisk.cli(line);
        said.unwrap_or_else(|error| format!("{error:#}"))
    };
    let said = cli("outdial show why asked");
    assert!(said.contains("asked is running"), "{said}");
    assert!(said.contains("no leads"), "{said}");
    let said = cli("outdial show campaign asked");
    assert!(
        said.contains("completed") && said.contains("Abandoned"),
        "{said}"
    );
    let said = cli("outdial show why nothing");
    assert!(said.contains("No campaign 'nothing'"), "{said}");
    cli("outdial agent logout 1001");
    rig.wait_agents("logged_out", 1, SOON).unwrap();
}
