//! A dialplan author's errors: each ends in a WARNING that names it and in OUTDIAL_STATUS, and the channel
//! goes on. Those of OutdialPause, OutdialDisposition, OutdialAdd, OutdialDNC and the functions are in
//! `dialplan.rs`, those of OutdialMonitor in `desk.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);

const DIALPLAN: &str = "
[wrong]
exten => agent,1,OutdialAgent()
 same => n,Set(GLOBAL(NAMELESS)=${OUTDIAL_STATUS})
 same => n,OutdialAgent(1002,a(beep)
 same => n,Set(GLOBAL(OPTION)=${OUTDIAL_STATUS})
 same => n,OutdialAgent(1002,a(no-such-sound))
 same => n,Set(GLOBAL(SOUND)=${OUTDIAL_STATUS})
 same => n,OutdialAgent(stranger)
 same => n,Set(GLOBAL(STRANGER)=${OUTDIAL_STATUS})
 same => n,OutdialAgent(1001)
 same => n,Set(GLOBAL(SECOND)=${OUTDIAL_STATUS})
 same => n,OutdialConnect()
 same => n,Set(GLOBAL(FOREIGN)=${OUTDIAL_STATUS})
 same => n,OutdialAdd(nothing,+5511900200077)
 same => n,Set(GLOBAL(NOWHERE)=${OUTDIAL_STATUS})
 same => n,Set(GLOBAL(WENT_ON)=yes)

[twice]
exten => s,1,OutdialConnect(now)
 same => n,Set(GLOBAL(FIRST)=${OUTDIAL_STATUS})
 same => n,OutdialConnect()
 same => n,Set(GLOBAL(AGAIN)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(contacted)
 same => n,Set(GLOBAL(AFTER)=${OUTDIAL_STATUS})
 same => n,Hangup()
";

fn has(rig: &Rig, statuses: &[(&str, &str)], warnings: &[&str]) {
    for (name, value) in statuses {
        let status = rig.pbx.global(name, SOON).unwrap();
        assert_eq!(status, *value, "{name}");
    }
    for warning in warnings {
        let log = rig.pbx.log();
        let lines = log.lines().filter(|l| l.contains("WARNING"));
        let lines = lines.filter(|l| l.contains(warning));
        assert_eq!(lines.count(), 1, "{warning}\n{log}");
    }
}

#[test]
fn each_has_a_warning_and_a_status_and_the_channel_goes_on() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let mut rig = Rig::start("mistakes", options).unwrap();
    rig.campaign("calm", &[]).unwrap();
    rig.log_in("calm", 1).unwrap();
    rig.outdial(&["agents", "add", "1002", "--campaign", "calm"])
        .unwrap();
    let once = ["--max-attempts", "1", "--context", "twice"];
    rig.agentless("robot", "continue", &once).unwrap();

    let line = "channel originate Local/agent@wrong application Wait 1";
    rig.pbx.cli(line).unwrap();
    has(
        &rig,
        &[
            ("NAMELESS", "ERROR"),
            ("OPTION", "ERROR"),
            ("SOUND", "ERROR"),
            ("STRANGER", "UNKNOWN"),
            ("SECOND", "DUPLICATE"),
            ("FOREIGN", "NOT_OUTDIAL"),
            ("NOWHERE", "REFUSED"),
            ("WENT_ON", "yes"),
        ],
        &[
            "OutdialAgent: there is no sound 'no-such-sound'",
            "OutdialAgent(stranger): no agent of that name is configured",
            "OutdialAgent(1001): the agent is logged in on another channel",
            "OutdialConnect on channel",
            "OutdialAdd(nothing)",
        ],
    );
    let log = rig.pbx.log();
    let wrong = log
        .lines()
        .filter(|l| l.contains("WARNING") && l.contains("agent missing or too long, or wrong"));
    assert_eq!(wrong.count(), 2);
    assert_eq!(rig.agents_in("available").unwrap(), 1, "1001 stays");

    let number = Fate::AnswerStay.number(0, 1);
    rig.insert("robot", std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    has(
        &rig,
        &[
            ("FIRST", "RELEASED"),
            ("AGAIN", "REPEATED"),
            ("AFTER", "OK"),
        ],
        &[
            "OutdialConnect takes no options, 'now' is ignored",
            "OutdialConnect was called before on leg",
        ],
    );
    wait_for("the end of the call", SOON, || Ok(rig.live()? == 0)).unwrap();
}
