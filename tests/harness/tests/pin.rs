//! An agent's PIN: who says it gets in, who doesn't doesn't, and nobody else gets to know it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);

const PIN: &str = "270451";
const WRONG: &str = "908172";

/// Phones log agents in; the robot at their other end presses what the global variable PRESS says.
const DIALPLAN: &str = r#"
[pins]
exten => in,1,Set(GLOBAL(LEFT)=)
 same => n,OutdialAgent(1001)
 same => n,Set(GLOBAL(LEFT)=${OUTDIAL_STATUS})
exten => free,1,OutdialAgent(1002)
 same => n,Set(GLOBAL(FREE_LEFT)=${OUTDIAL_STATUS})
exten => beep,1,OutdialAgent(1001,p(beep))
exten => mute,1,OutdialAgent(1001,p(no-such-sound))
 same => n,Set(GLOBAL(MUTE)=${OUTDIAL_STATUS})
exten => has,1,Set(GLOBAL(HAS)=${OUTDIAL_AGENT(1001,pin)}${OUTDIAL_AGENT(1002,pin)})

[robot]
exten => robot,1,NoOp()
 same => n(again),Set(KEY=${GLOBAL(PRESS)})
 same => n,GotoIf($["${KEY}" = ""]?idle)
 same => n,Set(GLOBAL(PRESS)=)
 same => n,SendDTMF(${KEY},100,100)
 same => n(idle),Wait(0.1)
 same => n,Goto(again)
"#;

/// The agent's phone, and how often it has been asked for a PIN.
struct Desk {
    rig: Rig,
    asked: usize,
}

impl Desk {
    fn cli(&self, line: &str) -> String {
        self.rig.pbx.cli(line).unwrap()
    }

    fn call(&self, exten: &str) {
        self.cli(&format!(
            "channel originate Local/{exten}@pins/n extension robot@robot"
        ));
    }

    fn global(&self, name: &str) -> String {
        self.rig.pbx.global(name, SOON).unwrap()
    }

    /// The phone's last log-in ends with this status.
    fn left(&self, status: &str) {
        wait_for(status, SOON, || Ok(self.global("LEFT") == status)).unwrap();
    }

    fn logged(&self, words: &[&str]) -> usize {
        let log = self.rig.pbx.log();
        let all = |line: &&str| words.iter().all(|word| line.contains(word));
        log.lines().filter(all).count()
    }

    /// What Asterisk and the engine tell each other is written down from now on.
    fn trace(&self) {
        self.cli("logger add channel trace debug");
        self.cli("outdial set debug on");
    }

    fn trace_log(&self) -> String {
        let path = self.rig.pbx.run_dir().join("log/trace");
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// How often the engine was told of a log-in.
    fn traced(&self) -> usize {
        self.trace_log().matches("in OutdialAgent, 1001").count()
    }

    /// Once the phone has been asked again, these keys are pressed.
    fn says(&mut self, keys: &str) {
        self.asked += 1;
        let times = self.asked;
        wait_for("the question for the PIN", SOON, || {
            Ok(self.logged(&["Playing 'agent-pass"]) >= times)
        })
        .unwrap();
        self.cli(&format!("dialplan set global PRESS {keys}#"));
    }

    fn gets_in(&mut self) {
        self.call("in");
        self.says(PIN);
        self.rig.wait_agents("available", 1, SOON).unwrap();
    }

    fn logs_off(&self) {
        self.rig.outdial(&["agents", "log-off", "1001"]).unwrap();
        self.left("LOGGED_OFF");
    }

    fn agents(&self) -> String {
        self.rig.outdial(&["agents", "list"]).unwrap()
    }

    /// What an `outdial` command prints that is told the PIN on its standard input.
    fn with_pin(&self, args: &[&str], pin: &str) -> (bool, String) {
        let mut child = self
            .rig
            .sidecar
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{pin}").unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

#[test]
fn an_agent_with_a_pin_gets_in_by_it_alone() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let rig = Rig::start("pin", options).unwrap();
    rig.campaign("desk", &[]).unwrap();
    rig.add_agents("desk", 2).unwrap();
    let mut desk = Desk { rig, asked: 0 };
    desk.trace();

    a_pin_is_set_and_not_shown(&desk);
    the_right_one_opens(&mut desk);
    wrong_ones_lock(&mut desk);
    sounds_must_be_there(&desk);
    without_the_sidecar_he_stays_out(&mut desk);
    before_the_configuration_he_stays_out(&mut desk);
    without_a_pin_he_is_not_asked(&mut desk);
    nothing_has_shown_it(&desk);
}

fn a_pin_is_set_and_not_shown(desk: &Desk) {
    let set = ["agents", "set", "1001", "--pin-stdin"];
    for (pin, why) in [
        ("12", "4 to 12 digits"),
        ("1234", "row"),
        ("0000", "row"),
        ("1001", "agent's name"),
        ("", "4 to 12 digits"),
    ] {
        let (done, said) = desk.with_pin(&set, pin);
        assert!(!done && said.contains(why), "{pin}: {said}");
    }
    let hash = |desk: &Desk| {
        let sql = "SELECT pin_hash FROM outdial.agents WHERE name = '1001'";
        desk.rig.sidecar.text(sql).unwrap()
    };
    assert_eq!(hash(desk), "");
    let (done, said) = desk.with_pin(&set, PIN);
    assert!(done && !said.contains(PIN), "{said}");
    let kept = hash(desk);
    assert!(kept.starts_with("$argon2id$") && !kept.contains(PIN));
    let several = ["agents", "add", "1001", "1002", "--pin-stdin"];
    let (done, said) = desk.with_pin(&several, PIN);
    assert!(!done && said.contains("one by one"), "{said}");
    let shown = desk.rig.outdial(&["--json", "agents", "list"]).unwrap();
    assert!(
        !shown.contains("argon2id") && !shown.contains(PIN),
        "{shown}"
    );
    assert!(desk.agents().contains("yes"));
    // Asking for it needs a terminal.
    let mut command = desk
        .rig
        .sidecar
        .command(&["agents", "set", "1001", "--pin"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(!output.status.success());
}

fn the_right_one_opens(desk: &mut Desk) {
    desk.gets_in();
    let channels = desk.cli("core show channels concise");
    let agent = channels
        .lines()
        .filter_map(|line| line.split('!').next())
        .find(|name| name.starts_with("Local/in@pins") && name.ends_with(";2"))
        .unwrap();
    let shown = desk.cli(&format!("core show channel {agent}"));
    assert!(
        shown.contains("OutdialAgent") && !shown.contains(PIN),
        "{shown}"
    );
    desk.logs_off();
    // Nothing, a wrong one, and then the right one.
    desk.call("in");
    desk.says("");
    desk.says(WRONG);
    desk.says(PIN);
    desk.rig.wait_agents("available", 1, SOON).unwrap();
    let tries = desk
        .rig
        .sidecar
        .count("SELECT count(*) FROM outdial.pin_tries");
    assert_eq!(tries.unwrap(), 0);
    desk.logs_off();
}

fn wrong_ones_lock(desk: &mut Desk) {
    desk.call("in");
    for _ in 0..3 {
        desk.says(WRONG);
    }
    desk.left("WRONG_PIN");
    // What was counted outlives the sidecar.
    desk.rig.site.sidecar.kill9().unwrap();
    desk.rig.site.sidecar.start().unwrap();
    desk.rig.wait_healthy(SOON).unwrap();
    assert!(!desk.agents().contains(":"), "nobody is locked");
    desk.call("in");
    desk.says(WRONG);
    desk.says(WRONG);
    desk.says(PIN);
    desk.left("LOCKED");
    desk.call("in");
    desk.says(PIN);
    desk.left("LOCKED");
    let until = "SELECT (extract(epoch FROM locked_until - now()) / 60)::integer::text
                 FROM outdial.pin_tries";
    assert_eq!(desk.rig.sidecar.text(until).unwrap(), "15");
    assert!(desk.agents().contains(":"), "{}", desk.agents());
    let unlock = ["agents", "unlock", "1001"];
    assert!(desk.rig.outdial(&unlock).unwrap().contains("may say"));
    assert!(desk.rig.outdial(&unlock).unwrap().contains("was not"));
    desk.gets_in();
    desk.logs_off();
}

fn sounds_must_be_there(desk: &Desk) {
    desk.call("mute");
    assert_eq!(desk.global("MUTE"), "ERROR");
    assert_eq!(
        desk.logged(&["WARNING", "no sound 'no-such-sound'", "core sounds"]),
        1
    );
    desk.call("beep");
    wait_for("the other sound", SOON, || {
        Ok(desk.logged(&["Playing 'beep"]) >= 1)
    })
    .unwrap();
    desk.cli(&format!("dialplan set global PRESS {PIN}#"));
    desk.rig.wait_agents("available", 1, SOON).unwrap();
    desk.rig.outdial(&["agents", "log-off", "1001"]).unwrap();
    desk.rig.wait_agents("available", 0, SOON).unwrap();
    desk.call("has");
    assert_eq!(desk.global("HAS"), "10");
}

fn without_the_sidecar_he_stays_out(desk: &mut Desk) {
    desk.rig.site.sidecar.stop().unwrap();
    desk.call("in");
    desk.says(PIN);
    desk.left("UNAVAILABLE");
    // Who has no PIN needs no sidecar.
    desk.call("free");
    wait_for("the agent without a PIN", SOON, || {
        Ok(desk.cli("outdial show agents").contains("available"))
    })
    .unwrap();
}

/// The engine does not know yet that he has one, so the phone is not asked; and he is not let in.
fn before_the_configuration_he_stays_out(desk: &mut Desk) {
    desk.rig.pbx.kill9().unwrap();
    desk.rig.pbx.boot().unwrap();
    desk.asked = desk.logged(&["Playing 'agent-pass"]);
    desk.trace();
    let before = desk.traced();
    desk.call("in");
    wait_for("the log-in", SOON, || Ok(desk.traced() > before)).unwrap();
    desk.rig.site.sidecar.start().unwrap();
    desk.left("UNAVAILABLE");
    desk.rig.wait_healthy(SOON).unwrap();
    desk.gets_in();
    desk.logs_off();
}

fn without_a_pin_he_is_not_asked(desk: &mut Desk) {
    let set = ["agents", "set", "1001", "--no-pin"];
    desk.rig.outdial(&set).unwrap();
    let asked = desk.logged(&["Playing 'agent-pass"]);
    desk.call("in");
    desk.rig.wait_agents("available", 1, SOON).unwrap();
    assert_eq!(desk.logged(&["Playing 'agent-pass"]), asked);
}

/// But for the robot, whose own dialplan shows what it presses.
fn nothing_has_shown_it(desk: &Desk) {
    let logs = [desk.rig.pbx.log(), desk.rig.sidecar.log(), desk.trace_log()];
    for line in logs.iter().flat_map(|log| log.lines()) {
        let robot = ["PRESS", "KEY", "SendDTMF"]
            .iter()
            .any(|w| line.contains(w));
        let shown = line.contains(PIN) || line.contains(WRONG);
        assert!(robot || !shown, "{line}");
    }
    assert!(desk.traced() > 0, "the trace was on");
}
