//! A voice bot takes the calls of a campaign without agents, over AudioSocket.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::bot::Bot;
use outdial_harness::tap::Tap;
use outdial_harness::trunk::endpoint;
use outdial_harness::truth::{Attempt, attempts};
use outdial_harness::voice::{Sound, VOICES};
use outdial_harness::wait::{wait_for, wait_until};
use outdial_harness::{Rig, RigOptions};

const SOON: Duration = Duration::from_secs(20);
/// Pieces of 20 ms that the bot hears, and says.
const PIECES: usize = 25;

/// As docs/ASTERISK.md has it.
const DIALPLAN: &str = "
[bot]
exten => s,1,OutdialConnect()
 same => n,TryExec(AudioSocket(${UUID()},127.0.0.1:@PORT@))
 same => n,GotoIf($[\"${TRYSTATUS}\" != \"SUCCESS\"]?nobody)
 same => n,OutdialDisposition(contacted)
 same => n,Hangup()
 same => n(nobody),OutdialDisposition(callback,+1h)
 same => n,Hangup()
";

fn row(rig: &Rig, number: &str) -> Attempt {
    wait_until(&format!("the row of {number}"), SOON, || {
        let rows = attempts(&mut rig.sidecar.sql()?)?;
        Ok(rows.into_iter().find(|row| row.number == number))
    })
    .unwrap()
}

fn disposition(rig: &Rig, number: &str) -> String {
    let sql = format!("SELECT disposition FROM outdial.attempts WHERE number = '{number}'");
    rig.sidecar.text(&sql).unwrap()
}

#[test]
fn a_bot_hears_a_call_speaks_and_hangs_up() {
    let bot = Bot::start(PIECES).unwrap();
    let options = RigOptions {
        dialplan: DIALPLAN.replace("@PORT@", &bot.port.to_string()),
        ..RigOptions::default()
    };
    let rig = Rig::start("audiosocket", options).unwrap();
    for module in [
        "res_audiosocket",
        "app_audiosocket",
        "func_uuid",
        "app_exec",
    ] {
        let said = rig.pbx.cli(&format!("module load {module}.so"));
        assert!(said.unwrap().contains("Loaded"), "{module}");
    }
    let sound = Sound::beep(&rig.logs, 800, 3.0).unwrap();
    for name in VOICES {
        sound.write(&rig.logs.join(format!("{name}.ulaw"))).unwrap();
    }
    let tap = Tap::start().unwrap();
    let heard = [("heard", tap.port.to_string())];
    let callees = rig.callees("voices", "voices", &heard).unwrap();
    rig.pjsip("voices", &endpoint("voices", callees.port, "", ""))
        .unwrap();
    rig.trunk("voices", "5521", &[]).unwrap();
    let once = ["--max-attempts", "1", "--context", "bot"];
    rig.agentless("robot", "continue", &once).unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();

    // A mailbox: it stays until the caller hangs up.
    let number = "5521910000001".to_owned();
    rig.insert("robot", std::slice::from_ref(&number)).unwrap();
    let taken = row(&rig, &number);
    assert_eq!((taken.outcome.as_str(), taken.legs), ("completed", 1));
    assert_eq!(disposition(&rig, &number), "contacted");
    let heard = bot.calls();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].uuid.len(), 32, "{heard:?}");
    assert!(heard[0].loud >= PIECES, "{heard:?}");
    let answered = taken.answered.unwrap();
    let spoke = tap.first_after(answered).unwrap().unwrap();
    assert!(spoke < taken.ended, "{spoke}: {taken:?}");
    let call = wait_until("the callee's last word", SOON, || {
        let calls = callees.calls()?;
        Ok(calls.into_iter().find(|call| call.ended.is_some()))
    });
    assert_eq!(call.unwrap().ending.as_deref(), Some("bye_in"));

    // Nobody is there: the dialplan goes on.
    let port = bot.port;
    drop(bot);
    let number = "5521910000002".to_owned();
    rig.insert("robot", std::slice::from_ref(&number)).unwrap();
    let missed = row(&rig, &number);
    assert_eq!((missed.outcome.as_str(), missed.legs), ("completed", 1));
    assert_eq!(disposition(&rig, &number), "callback");
    assert!(rig.pbx.log().contains(&port.to_string()));
    wait_for("the end of every channel", SOON, || {
        Ok(rig.live()? == 0 && rig.pbx.channels()? == 0)
    })
    .unwrap();
}
