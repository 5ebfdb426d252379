//! What an agent does by keys of the telephone on FreeSWITCH, and who listens: what agent, customer and
//! supervisor hear of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outdial_harness::freeswitch::is_installed;
use outdial_harness::sip::{CallId, Heard, Peer, Plan};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, FreeSwitch, Pbx, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);
/// Who was not heard for so long is not heard.
const QUIET_SECONDS: f64 = 1.0;

/// What each one's audio is made of.
const CUSTOMER: u8 = 0xb5;
const AGENT: u8 = 0x21;
const SUPERVISOR: u8 = 0x33;

const DIALPLAN: &str = r#"
<context name="desk">
  <extension name="in">
    <condition field="destination_number" expression="^in$">
      <action application="outdial_agent" data="1001,a"/>
      <action application="set_global" data="LEFT=${outdial_status}"/>
      <action application="sleep" data="60000"/>
    </condition>
  </extension>
  <extension name="spies">
    <condition field="destination_number" expression="^(listen|whisper|barge)$">
      <action application="outdial_monitor" data="1001,$1"/>
      <action application="set_global" data="SPIED=${outdial_status}"/>
      <action application="sleep" data="60000"/>
    </condition>
  </extension>
  <extension name="wrong">
    <condition field="destination_number" expression="^wrong$">
      <action application="outdial_monitor" data="1001,shout"/>
      <action application="set_global" data="WRONG_MODE=${outdial_status}"/>
      <action application="outdial_monitor" data="1002"/>
      <action application="set_global" data="NOBODY=${outdial_status}"/>
    </condition>
  </extension>
</context>
<context name="survey">
  <extension name="s">
    <condition field="destination_number" expression="^s$">
      <action application="outdial_connect"/>
      <action application="set_global" data="AFTER=${outdial_status}"/>
      <action application="outdial_disposition" data="contacted"/>
      <action application="set_global" data="SURVEY=${outdial_status}"/>
      <action application="hangup"/>
    </condition>
  </extension>
</context>
"#;

const KEYS: &str = "
[keys]
*1 = pause,lunch
*2 = unpause
*3 = hold
*4 = mute
*0 = hangup
*7 = ready
*81 = disposition,sale
*82 = disposition,nonsense
*9 = logoff
";

struct Desk {
    rig: Rig<FreeSwitch>,
    callees: Peer,
    phones: Peer,
    agent: CallId,
    serial: u32,
}

/// One call of the agent's.
struct Talk {
    number: String,
    customer: CallId,
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs_f64()
}

impl Desk {
    fn open() -> Desk {
        let callees = Peer::start(Some(Plan {
            ring: Duration::from_millis(100),
            talk: Duration::from_secs(600),
            mark: CUSTOMER,
        }))
        .unwrap();
        let options = RigOptions {
            dialplan: DIALPLAN.into(),
            settings: KEYS.into(),
            carrier2_port: Some(callees.port),
            ..RigOptions::default()
        };
        let rig = Rig::<FreeSwitch>::on("fs-desk", options).unwrap();
        let trunk = ["trunks", "add", "callees", "--tech", "sofia"];
        let to = ["--endpoint", "carrier2", "--cps-limit", "50"];
        rig.outdial(&[&trunk[..], &to[..], &["--max-channels", "9"]].concat())
            .unwrap();
        rig.outdial(&["routes", "add", "--trunk", "callees", "--prefix", "55"])
            .unwrap();
        rig.campaign("desk", &["--wrap-up-ms", "60000", "--context", "survey"])
            .unwrap();
        rig.add_agents("desk", 2).unwrap();
        rig.outdial(&["campaign", "start", "desk"]).unwrap();
        let mut desk = Desk {
            rig,
            callees,
            phones: Peer::start(None).unwrap(),
            agent: CallId::new(),
            serial: 0,
        };
        desk.cli("outdial set debug on");
        desk.music(true);
        desk.agent = desk.dials("1001", "in", AGENT);
        desk.rig.wait_agents("available", 1, SOON).unwrap();
        desk
    }

    fn cli(&self, line: &str) -> String {
        self.rig.pbx.cli(line).unwrap()
    }

    fn global(&self, name: &str) -> String {
        self.rig.pbx.global(name, SOON).unwrap()
    }

    /// A phone calls in, and goes on at an extension of ours.
    fn dials(&self, user: &str, exten: &str, mark: u8) -> CallId {
        let port = self.rig.pbx.sip_port();
        let call = self.phones.call(port, user, "9001", mark);
        self.rig.pbx.send_on(user, exten, "desk").unwrap();
        call
    }

    /// What customers on hold hear: one second that begins anew, or silence.
    fn music(&self, on: bool) {
        let sound = self.rig.run_dir().join("freeswitch/sounds/vm-goodbye.wav");
        let sound = if on { sound } else { "silence".into() };
        self.cli(&format!("global_setvar hold_music={}", sound.display()));
    }

    fn press(&self, keys: &str) {
        self.phones.press(&self.agent, keys);
    }

    /// How often the log has all of these in one line.
    fn logged(&self, words: &[&str]) -> usize {
        let log = self.rig.pbx.log();
        let all = |line: &&str| words.iter().all(|word| line.contains(word));
        log.lines().filter(all).count()
    }

    fn wait_logged(&self, times: usize, words: &[&str]) {
        wait_for(&format!("{times} times {words:?}"), SOON, || {
            Ok(self.logged(words) >= times)
        })
        .unwrap();
    }

    /// Presses a key and waits until the agent is told that it was done, or not.
    fn pressed(&self, keys: &str, answer: &str) {
        let words = ["Agent '1001' hears that it was ", answer];
        let line = words.concat() + "\n";
        let before = self.rig.pbx.log().matches(&line).count();
        self.press(keys);
        wait_for(&format!("{keys}: {answer}"), SOON, || {
            Ok(self.rig.pbx.log().matches(&line).count() > before)
        })
        .unwrap();
    }

    fn talk(&mut self) -> Talk {
        self.serial += 1;
        let number = Fate::AnswerStay.number(0, self.serial);
        self.rig
            .insert("desk", std::slice::from_ref(&number))
            .unwrap();
        self.rig.wait_agents("on_call", 1, SOON).unwrap();
        let customer = self.callees.with(&number).unwrap();
        Talk { number, customer }
    }

    fn customer(&self, talk: &Talk) -> Heard {
        self.callees.heard(&talk.customer)
    }

    /// Somebody's voice from now on, and who else's is not heard.
    fn wait_heard(&self, who: &str, mark: u8, heard: impl Fn() -> Heard) {
        let since = now();
        wait_for(&format!("{who} hears {mark:#x}"), SOON, || {
            Ok(heard()
                .last
                .is_some_and(|(at, whose)| at > since && whose == mark))
        })
        .unwrap_or_else(|error| panic!("{error:#}: {:?}", heard()));
    }

    fn wait_quiet(&self, who: &str, heard: impl Fn() -> Heard) {
        let since = now();
        wait_for(&format!("{who} hears nobody"), SOON, || {
            let last = heard().last.map_or(since, |(at, _)| at.max(since));
            Ok(now() - last > QUIET_SECONDS)
        })
        .unwrap_or_else(|error| panic!("{error:#}: {:?}", heard()));
    }

    /// What the table has of a call that is done.
    fn wait_done(&self, talk: &Talk, detail: &str, reason: &str) {
        let sql = format!(
            "SELECT count(*) FROM outdial.attempts a JOIN outdial.leads l
               ON l.campaign_id = a.campaign_id AND l.id = a.lead_id
             WHERE a.number = '{}' AND a.outcome = 'completed' AND a.detail = '{detail}'
               AND l.status = 'done' AND l.reason = '{reason}'",
            talk.number
        );
        wait_for(
            "the result",
            SOON,
            || Ok(self.rig.sidecar.count(&sql)? == 1),
        )
        .unwrap();
    }

    /// By key, and the wrap-up too.
    fn ends(&self, talk: &Talk, reason: &str) {
        self.press("*0");
        self.rig.wait_agents("wrap_up", 1, SOON).unwrap();
        self.press("*7");
        self.rig.wait_agents("available", 1, SOON).unwrap();
        self.wait_done(talk, "agent ended the call", reason);
    }
}

#[test]
fn an_agent_works_by_keys_and_a_supervisor_listens() {
    if !is_installed().unwrap() {
        return;
    }
    let mut desk = Desk::open();
    he_pauses_and_comes_back(&desk);
    he_holds_and_disposes(&mut desk);
    what_is_no_key_goes_through(&mut desk);
    he_is_not_heard_while_muted(&mut desk);
    a_supervisor_is_heard_by_whom_he_may(&mut desk);
    a_survey_follows_the_agent(&mut desk);
}

fn he_pauses_and_comes_back(desk: &Desk) {
    desk.pressed("*1", "done");
    desk.rig.wait_agents("paused", 1, SOON).unwrap();
    assert!(desk.cli("outdial agents").contains("lunch"));
    desk.pressed("*2", "done");
    desk.rig.wait_agents("available", 1, SOON).unwrap();
    // Nothing to hold, nobody to hang up.
    desk.pressed("*3", "not done");
    desk.pressed("*4", "not done");
    desk.pressed("*0", "not done");
    desk.wait_logged(1, &["Key *0", "the agent has no call"]);
    // Those were beeps, and they are over.
    let beeps = || desk.phones.heard(&desk.agent).mixed;
    assert!(beeps() > 10, "{} packets", beeps());
    let mut last = (beeps(), now());
    wait_for("silence behind the beeps", SOON, || {
        if beeps() != last.0 {
            last = (beeps(), now());
        }
        Ok(now() - last.1 > QUIET_SECONDS)
    })
    .unwrap();
}

fn he_holds_and_disposes(desk: &mut Desk) {
    let talk = desk.talk();
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.wait_heard("the agent", CUSTOMER, || desk.phones.heard(&desk.agent));
    let before = desk.customer(&talk).mixed;
    desk.pressed("*3", "done");
    desk.wait_quiet("the customer", || desk.customer(&talk));
    let music = desk.customer(&talk).mixed - before;
    assert!(
        music > 25,
        "half a second of music at least: {music} packets"
    );
    wait_for("the music to begin anew", SOON, || {
        Ok(desk.customer(&talk).mixed > before + 100)
    })
    .unwrap();
    desk.pressed("*3", "done");
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.wait_heard("the agent", CUSTOMER, || desk.phones.heard(&desk.agent));
    desk.pressed("*82", "not done");
    desk.wait_logged(1, &["Key *82", "there is no disposition"]);
    desk.pressed("*81", "done");
    desk.press("*0");
    desk.wait_done(&talk, "agent ended the call", "sale");
    desk.rig.wait_agents("available", 1, SOON).unwrap();
}

fn what_is_no_key_goes_through(desk: &mut Desk) {
    let talk = desk.talk();
    let keys = |wanted: &str| {
        wait_for(&format!("{wanted} at the customer"), SOON, || {
            Ok(desk.customer(&talk).keys == wanted)
        })
        .unwrap_or_else(|error| panic!("{error:#}: {:?}", desk.customer(&talk)));
    };
    desk.press("5");
    keys("5");
    // The beginning of a key that never comes, alone and with something else behind.
    desk.press("*");
    keys("5*");
    desk.press("*56");
    keys("5**56");
    desk.pressed("**3", "done");
    keys("5**56*");
    // On hold without music there is silence.
    desk.pressed("*3", "done");
    desk.music(false);
    desk.pressed("*3", "done");
    desk.wait_quiet("the customer", || desk.customer(&talk));
    let before = desk.customer(&talk).mixed;
    desk.wait_quiet("the customer", || desk.customer(&talk));
    assert_eq!(desk.customer(&talk).mixed, before, "no music");
    // It ends with the call.
    desk.ends(&talk, "completed");
    desk.music(true);
    let talk = desk.talk();
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.ends(&talk, "completed");
}

fn he_is_not_heard_while_muted(desk: &mut Desk) {
    let talk = desk.talk();
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.pressed("*4", "done");
    desk.wait_quiet("the customer", || desk.customer(&talk));
    desk.wait_heard("the agent", CUSTOMER, || desk.phones.heard(&desk.agent));
    desk.pressed("*4", "done");
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.pressed("*4", "done");
    desk.wait_quiet("the customer", || desk.customer(&talk));
    desk.ends(&talk, "completed");

    // That was for one call.
    let talk = desk.talk();
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.ends(&talk, "completed");
}

/// Whom the supervisor hears, and who hears the supervisor, by mode.
fn a_supervisor_is_heard_by_whom_he_may(desk: &mut Desk) {
    desk.cli("bgapi originate loopback/wrong/desk &sleep(1)");
    assert_eq!(desk.global("WRONG_MODE"), "ERROR");
    assert_eq!(desk.global("NOBODY"), "UNKNOWN");
    let agent = |desk: &Desk| desk.phones.heard(&desk.agent);

    let spy = desk.dials("2001", "listen", SUPERVISOR);
    desk.wait_heard("the supervisor", AGENT, || desk.phones.heard(&spy));
    desk.wait_quiet("the agent", || agent(desk));
    // A key of the supervisor's changes nothing.
    desk.phones.press(&spy, "3");
    desk.wait_quiet("the agent", || agent(desk));
    desk.phones.hang_up(&spy);

    let spy = desk.dials("2002", "whisper", SUPERVISOR);
    desk.wait_heard("the agent", SUPERVISOR, || agent(desk));
    let talk = desk.talk();
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    // Two at once: neither's own.
    let both = |heard: Heard| {
        heard
            .last
            .is_some_and(|(_, mark)| ![AGENT, CUSTOMER, SUPERVISOR].contains(&mark))
    };
    wait_for("the agent hears both", SOON, || Ok(both(agent(desk)))).unwrap();
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.phones.hang_up(&spy);

    let spy = desk.dials("2003", "barge", SUPERVISOR);
    wait_for("the customer hears both", SOON, || {
        Ok(both(desk.customer(&talk)))
    })
    .unwrap();
    desk.ends(&talk, "completed");
    // The agent logs off and stays on the line: the supervisor's dialplan goes on.
    desk.press("*9");
    assert_eq!(desk.global("LEFT"), "LOGGED_OFF");
    assert_eq!(desk.global("SPIED"), "OK");
    desk.rig.wait_agents("available", 0, SOON).unwrap();
    desk.phones.hang_up(&spy);
    desk.phones.hang_up(&desk.agent);
    // The next one is looked for among the channels.
    wait_for("no channel", SOON, || Ok(desk.rig.pbx.channels()? == 0)).unwrap();
}

fn a_survey_follows_the_agent(desk: &mut Desk) {
    desk.agent = desk.dials("1001", "in", AGENT);
    desk.rig.wait_agents("available", 1, SOON).unwrap();
    let talk = desk.talk();
    desk.wait_heard("the customer", AGENT, || desk.customer(&talk));
    desk.phones.hang_up(&desk.agent);
    assert_eq!(desk.global("AFTER"), "CONNECTED");
    assert_eq!(desk.global("SURVEY"), "OK");
    desk.wait_done(&talk, "", "contacted");
}
