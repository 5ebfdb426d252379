//! Who was dialed calls back, on FreeSWITCH.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::freeswitch::is_installed;
use outdial_harness::sip::{CallId, Peer};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, FreeSwitch, Pbx, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);
const AGENT: u8 = 0x21;
const CALLER: u8 = 0xb5;

const DIALPLAN: &str = r#"
<context name="callers">
  <extension name="back">
    <condition field="destination_number" expression="^back$">
      <action application="outdial_inbound"/>
      <action application="set_global" data="BACK=${outdial_status}/${outdial_call(direction)}/${outdial_call(campaign)}/${outdial_call(agent)}"/>
      <action application="outdial_disposition" data="sale"/>
      <action application="set_global" data="SAID=${outdial_status}"/>
      <action application="outdial_inbound"/>
      <action application="set_global" data="AGAIN=${outdial_status}"/>
      <action application="sleep" data="600000"/>
    </condition>
  </extension>
  <extension name="short">
    <condition field="destination_number" expression="^short$">
      <action application="outdial_inbound" data="back,w(2)m(tone_stream://%(500,0,425);loops=-1)"/>
      <action application="set_global" data="SHORT=${outdial_status}"/>
      <action application="sleep" data="600000"/>
    </condition>
  </extension>
  <extension name="anybody">
    <condition field="destination_number" expression="^anybody$">
      <action application="outdial_inbound" data="back,u"/>
      <action application="set_global" data="ANYBODY=${outdial_status}"/>
    </condition>
  </extension>
  <extension name="wrong">
    <condition field="destination_number" expression="^wrong$">
      <action application="outdial_inbound" data=""/>
      <action application="set" data="all=${outdial_status}"/>
      <action application="outdial_inbound" data="nothing"/>
      <action application="set" data="all=${all} ${outdial_status}"/>
      <action application="outdial_inbound" data=",u"/>
      <action application="set" data="all=${all} ${outdial_status}"/>
      <action application="outdial_inbound" data="back,w(0)"/>
      <action application="set" data="all=${all} ${outdial_status}"/>
      <action application="outdial_inbound" data="back,c(XX)"/>
      <action application="set" data="all=${all} ${outdial_status}"/>
      <action application="outdial_inbound" data="back,ms"/>
      <action application="set_global" data="ALL=${all} ${outdial_status}"/>
      <action application="sleep" data="600000"/>
    </condition>
  </extension>
</context>
<context name="ours">
  <extension name="s">
    <condition field="destination_number" expression="^s$">
      <action application="outdial_inbound"/>
      <action application="set_global" data="OURS=${outdial_status}"/>
      <action application="outdial_connect"/>
    </condition>
  </extension>
</context>
"#;

struct Desk {
    rig: Rig<FreeSwitch>,
    phones: Peer,
    agent: CallId,
}

impl Desk {
    fn cli(&self, line: &str) -> String {
        self.rig.pbx.cli(line).unwrap()
    }

    fn global(&self, name: &str) -> String {
        self.rig.pbx.global(name, SOON).unwrap()
    }

    /// Somebody calls, and goes on at an extension of ours.
    fn calls(&self, number: &str, exten: &str) -> CallId {
        let port = self.rig.pbx.sip_port();
        let call = self.phones.call(port, number, "9001", CALLER);
        self.rig.pbx.send_on(number, exten, "callers").unwrap();
        call
    }

    fn wait_hears(&self, call: &CallId, mark: u8) {
        wait_for(&format!("{mark:#x} to be heard"), SOON, || {
            let heard = self.phones.heard(call);
            Ok(heard.last.is_some_and(|(_, whose)| whose == mark))
        })
        .unwrap();
    }

    /// The agent's phone calls in.
    fn agent_comes(&mut self) {
        let port = self.rig.pbx.sip_port();
        self.agent = self.phones.call(port, "agent", "8001", AGENT);
        self.rig.wait_agents("available", 1, SOON).unwrap();
    }

    /// What the table has of the number's last call, once it is over.
    fn attempt(&self, number: &str, calls: i64) -> String {
        let count =
            format!("SELECT count(*) FROM outdial.attempts WHERE number = '{number}' AND inbound");
        wait_for("the row", SOON, || {
            Ok(self.rig.sidecar.count(&count)? >= calls)
        })
        .unwrap();
        let sql = format!(
            "SELECT concat_ws('/', outcome, legs, trunk_id, disposition) FROM outdial.attempts
             WHERE number = '{number}' AND inbound ORDER BY started_at DESC LIMIT 1"
        );
        self.rig.sidecar.text(&sql).unwrap()
    }
}

#[test]
fn who_was_dialed_and_calls_back_gets_his_campaigns_agent() {
    if !is_installed().unwrap() {
        return;
    }
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let rig = Rig::<FreeSwitch>::on("fs-inbound", options).unwrap();
    let once = ["--max-attempts", "1", "--wrap-up-ms", "200"];
    rig.campaign("back", &once).unwrap();
    rig.add_agents("back", 1).unwrap();
    let mut desk = Desk {
        rig,
        phones: Peer::start(None).unwrap(),
        agent: CallId::new(),
    };
    desk.cli("outdial set debug on");
    desk.agent_comes();
    let numbers: Vec<String> = (1..=3).map(|n| Fate::Busy.number(0, n)).collect();
    desk.rig.insert("back", &numbers).unwrap();
    desk.rig.outdial(&["campaign", "start", "back"]).unwrap();
    desk.rig.wait_attempts(3, SOON).unwrap();
    desk.rig.wait_agents("available", 1, SOON).unwrap();

    what_is_wrong_is_said(&desk);
    he_is_put_in_line_and_stays_ours(&mut desk, &numbers[0]);
    he_waits_no_longer_than_he_may(&mut desk, &numbers[1], &numbers[2]);
    a_dialed_call_is_none_that_came_in(&desk);
}

fn what_is_wrong_is_said(desk: &Desk) {
    let call = desk.calls("5511930000009", "wrong");
    assert_eq!(
        desk.global("ALL"),
        "NOT_FOUND ERROR ERROR ERROR ERROR ERROR"
    );
    desk.phones.hang_up(&call);
}

fn he_is_put_in_line_and_stays_ours(desk: &mut Desk, number: &str) {
    let call = desk.calls(number, "back");
    desk.rig.wait_agents("on_call", 1, SOON).unwrap();
    desk.wait_hears(&call, AGENT);
    desk.wait_hears(&desk.agent, CALLER);
    desk.phones.hang_up(&desk.agent);
    assert_eq!(desk.global("BACK"), "CONNECTED/inbound/back/1001");
    assert_eq!(desk.global("SAID"), "OK");
    assert_eq!(desk.global("AGAIN"), "REPEATED");
    // The agent has gone, and the call has not.
    desk.rig.wait_agents("available", 0, SOON).unwrap();
    wait_for("his call", SOON, || Ok(desk.rig.live()? == 1)).unwrap();
    desk.phones.hang_up(&call);
    assert_eq!(desk.attempt(number, 1), "completed/0/0/sale");
    // Nobody is at work.
    let call = desk.calls("5511930000008", "anybody");
    assert_eq!(desk.global("ANYBODY"), "NOT_NOW");
    desk.phones.hang_up(&call);
}

fn he_waits_no_longer_than_he_may(desk: &mut Desk, first: &str, second: &str) {
    desk.agent_comes();
    let talks = desk.calls(first, "back");
    desk.rig.wait_agents("on_call", 1, SOON).unwrap();
    let waits = desk.calls(second, "short");
    assert_eq!(desk.global("SHORT"), "TIMEOUT");
    let music = desk.phones.heard(&waits).mixed;
    assert!(music > 50, "music while he waited: {music} packets");
    wait_for("one call", SOON, || Ok(desk.rig.live()? == 1)).unwrap();
    assert_eq!(desk.attempt(second, 1), "abandoned/0/0");
    desk.phones.hang_up(&talks);
    assert_eq!(desk.attempt(first, 1), "completed/0/0");
    desk.rig.wait_agents("available", 1, SOON).unwrap();
    desk.phones.hang_up(&desk.agent);
    // He is on the line, and none of ours: nothing of the module is left on his channel.
    wait_for("the unload", SOON, || Ok(desk.rig.pbx.unload().is_ok())).unwrap();
    assert_eq!(desk.rig.pbx.channels().unwrap(), 1);
    desk.phones.hang_up(&waits);
    wait_for("no channel", SOON, || Ok(desk.rig.pbx.channels()? == 0)).unwrap();
    desk.rig.pbx.load().unwrap();
    desk.rig.wait_healthy(SOON).unwrap();
    desk.agent_comes();
}

fn a_dialed_call_is_none_that_came_in(desk: &Desk) {
    let set = ["campaign", "set", "back", "--context", "ours"];
    desk.rig.outdial(&set).unwrap();
    let number = Fate::Answer(1).number(0, 77);
    desk.rig.insert("back", &[number]).unwrap();
    desk.rig.outdial(&["campaign", "start", "back"]).unwrap();
    assert_eq!(desk.global("OURS"), "NOT_INBOUND");
}
