//! An agent's PIN on FreeSWITCH: who says it gets in, who doesn't doesn't, and nobody else gets to know it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use outdial_harness::freeswitch::is_installed;
use outdial_harness::sip::{CallId, Peer};
use outdial_harness::wait::wait_for;
use outdial_harness::{FreeSwitch, Pbx, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);

const PIN: &str = "270451";
const WRONG: &str = "908172";

const DIALPLAN: &str = r#"
<context name="pins">
  <extension name="in">
    <condition field="destination_number" expression="^in$">
      <action application="outdial_agent" data="1001,p(tone_stream://%(400,400,440);loops=20)"/>
      <action application="set_global" data="LEFT=${outdial_status}"/>
      <action application="sleep" data="600000"/>
    </condition>
  </extension>
  <extension name="mute">
    <condition field="destination_number" expression="^mute$">
      <action application="outdial_agent" data="1001,p(no-such-sound)"/>
      <action application="set_global" data="MUTE=${outdial_status}"/>
      <action application="outdial_agent" data="1001,p"/>
      <action application="set_global" data="NO_SOUND=${outdial_status}"/>
      <action application="set_global" data="HAS=${outdial_agent(1001,pin)}${outdial_agent(1002,pin)}"/>
      <action application="set_global" data="STATE=${outdial_agent(1001,state)}"/>
      <action application="sleep" data="600000"/>
    </condition>
  </extension>
  <extension name="free">
    <condition field="destination_number" expression="^free$">
      <action application="outdial_agent" data="1002"/>
    </condition>
  </extension>
</context>
"#;

struct Desk {
    rig: Rig<FreeSwitch>,
    phones: Peer,
    phone: CallId,
    calls: u32,
    asked: usize,
}

impl Desk {
    fn cli(&self, line: &str) -> String {
        self.rig.pbx.cli(line).unwrap()
    }

    /// The phone calls in anew, and goes on at an extension of ours.
    fn call(&mut self, exten: &str) {
        self.cli("global_setvar LEFT=");
        self.phones.hang_up(&self.phone);
        self.calls += 1;
        let user = format!("30{:02}", self.calls);
        let port = self.rig.pbx.sip_port();
        self.phone = self.phones.call(port, &user, "9001", 0x21);
        self.rig.pbx.send_on(&user, exten, "pins").unwrap();
    }

    /// Once the phone has been asked again, these keys are pressed.
    fn says(&mut self, keys: &str) {
        self.asked += 1;
        let times = self.asked;
        wait_for("the question for the PIN", SOON, || {
            Ok(self.rig.pbx.log().matches("is asked for a PIN").count() >= times)
        })
        .unwrap();
        self.phones.press(&self.phone, &format!("{keys}#"));
    }

    fn left(&self, status: &str) {
        let left = self.rig.pbx.global("LEFT", SOON).unwrap();
        assert_eq!(left, status);
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

    fn set_pin(&self) {
        let args = ["agents", "set", "1001", "--pin-stdin"];
        let mut command = self.rig.sidecar.command(&args);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{PIN}").unwrap();
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn an_agent_with_a_pin_has_to_say_it() {
    if !is_installed().unwrap() {
        return;
    }
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let rig = Rig::<FreeSwitch>::on("fs-pin", options).unwrap();
    rig.campaign("desk", &[]).unwrap();
    rig.add_agents("desk", 2).unwrap();
    let mut desk = Desk {
        rig,
        phones: Peer::start(None).unwrap(),
        phone: CallId::new(),
        calls: 0,
        asked: 0,
    };
    desk.cli("outdial set debug on");
    desk.set_pin();

    the_right_one_opens(&mut desk);
    wrong_ones_lock(&mut desk);
    sounds_must_be_there(&mut desk);
    without_the_sidecar_he_stays_out(&mut desk);
    for line in desk.rig.pbx.log().lines() {
        assert!(!line.contains(PIN) && !line.contains(WRONG), "{line}");
    }
}

fn the_right_one_opens(desk: &mut Desk) {
    desk.gets_in();
    let all = desk.cli("show channels");
    let line = all.lines().find(|line| line.contains("outdial_agent"));
    let channel = line.and_then(|line| line.split(',').next()).unwrap();
    let shown = desk.cli(&format!("uuid_dump {channel}"));
    assert!(!shown.contains(PIN), "{shown}");
    desk.logs_off();
    // Nothing, a wrong one, and then the right one.
    desk.call("in");
    desk.says("");
    desk.says(WRONG);
    desk.says(PIN);
    desk.rig.wait_agents("available", 1, SOON).unwrap();
    desk.logs_off();
}

fn wrong_ones_lock(desk: &mut Desk) {
    desk.call("in");
    for _ in 0..3 {
        desk.says(WRONG);
    }
    desk.left("WRONG_PIN");
    desk.call("in");
    desk.says(WRONG);
    desk.says(WRONG);
    desk.says(PIN);
    desk.left("LOCKED");
    desk.rig.outdial(&["agents", "unlock", "1001"]).unwrap();
    desk.gets_in();
    desk.logs_off();
}

fn sounds_must_be_there(desk: &mut Desk) {
    desk.call("mute");
    let global = |name| desk.rig.pbx.global(name, SOON).unwrap();
    assert_eq!(global("MUTE"), "ERROR");
    assert_eq!(global("NO_SOUND"), "ERROR");
    assert_eq!(global("HAS"), "10");
    assert_eq!(global("STATE"), "logged_out");
}

fn without_the_sidecar_he_stays_out(desk: &mut Desk) {
    desk.rig.site.sidecar.stop().unwrap();
    desk.call("in");
    desk.says(PIN);
    desk.left("UNAVAILABLE");
    // Who has no PIN needs no sidecar.
    desk.call("free");
    wait_for("the agent without a PIN", SOON, || {
        Ok(desk.cli("outdial agents").contains("available"))
    })
    .unwrap();
}
