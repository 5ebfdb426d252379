//! What FreeSWITCH's dialplan may ask of outdial, and have written: right, wrong, and hostile.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::freeswitch::{Event, Events, Installation, SKIPPED};
use outdial_harness::wait::{wait_for, wait_until};
use outdial_harness::{Fate, FreeSwitch, Pbx, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);
const CALLS: &str = "outdial::call_state";
const AGENTS: &str = "outdial::agent_state";

/// `@EVIL@` is a file that must not come to be.
const DIALPLAN: &str = r#"
<context name="survey">
  <extension name="s">
    <condition field="destination_number" expression="^s$">
      <action application="outdial_get" data="number=number"/>
      <action application="set_global" data="NUMBER=${number}/${outdial_call(campaign)}/${outdial_campaign}"/>
      <action application="set" data="hostile=${outdial_call(note)}"/>
      <action application="set" data="again=${hostile}"/>
      <action application="set_global" data="HOSTILE=${again}"/>
      <action application="outdial_get" data="got=lead.note"/>
      <action application="set" data="again=${got}"/>
      <action application="set_global" data="GOT=${again}/${outdial_status}"/>
      <action application="outdial_get" data="none=lead.none"/>
      <action application="set_global" data="EMPTY=[${none}]${outdial_status}"/>
      <action application="outdial_get" data="wrong=no_such_field"/>
      <action application="set_global" data="NO_FIELD=[${wrong}]${outdial_status}"/>
      <action application="outdial_get" data="nothing"/>
      <action application="set_global" data="NOTHING=${outdial_status}"/>
      <action application="set_global" data="CAMPAIGN=${outdial_campaign(survey,state)}[${outdial_campaign(none,state)}]"/>
      <action application="outdial_disposition" data="nonsense"/>
      <action application="set_global" data="NONSENSE=${outdial_status}"/>
      <action application="outdial_disposition" data="callback,+1d,n(he said: later, not now)"/>
      <action application="set_global" data="LATER=${outdial_status}"/>
      <action application="outdial_dnc" data=",survey"/>
      <action application="set_global" data="DNC=${outdial_status}"/>
      <action application="outdial_connect"/>
      <action application="set_global" data="RELEASED=${outdial_status}"/>
      <action application="hangup"/>
    </condition>
  </extension>
</context>
<context name="plain">
  <extension name="bad">
    <condition field="destination_number" expression="^bad$">
      <action application="answer"/>
      <action application="set" data="all="/>
      @WRONG@
      <action application="set_global" data="ALL=${all}"/>
      <action application="hangup"/>
    </condition>
  </extension>
  <extension name="desk">
    <condition field="destination_number" expression="^desk$">
      <action application="outdial_pause" data="1001,&quot;tea, then&quot;"/>
      <action application="set_global" data="PAUSED=${outdial_status}/${outdial_agent(1001,state)}/${outdial_agent(1001,pause)}"/>
      <action application="outdial_unpause" data="1001"/>
      <action application="set_global" data="BACK=${outdial_status}/${outdial_agent(1001,state)}"/>
    </condition>
  </extension>
</context>
"#;

/// Applications, and what outdial_status says of them on a channel that is not outdial's.
const WRONG: [(&str, &str, &str); 21] = [
    ("outdial_pause", "", "ERROR"),
    ("outdial_pause", "1001,a,b", "ERROR"),
    ("outdial_pause", "nobody,lunch", "UNKNOWN"),
    ("outdial_pause", "1002", "NOT_NOW"),
    ("outdial_unpause", "1001,lunch", "ERROR"),
    ("outdial_unpause", "nobody", "UNKNOWN"),
    ("outdial_disposition", "", "ERROR"),
    ("outdial_disposition", "sale,,x", "ERROR"),
    ("outdial_disposition", "sale,,a", "ERROR"),
    ("outdial_disposition", "sale", "NOT_OUTDIAL"),
    ("outdial_disposition", "sale,,a(nobody)", "REFUSED"),
    ("outdial_add", "", "ERROR"),
    ("outdial_add", "survey", "ERROR"),
    ("outdial_add", "survey,+5511910000001,nonsense", "ERROR"),
    ("outdial_add", "none,+5511910000001", "REFUSED"),
    ("outdial_add", "survey,12", "REFUSED"),
    ("outdial_dnc", "", "NOT_OUTDIAL"),
    ("outdial_dnc", "12,none", "REFUSED"),
    ("outdial_dnc", "1,2,3", "ERROR"),
    ("outdial_get", "a=number", "NOT_OUTDIAL"),
    ("outdial_monitor", "", "ERROR"),
];

fn dialplan() -> String {
    let wrong: Vec<String> = WRONG
        .iter()
        .map(|(app, data, _)| {
            format!(
                "<action application=\"{app}\" data=\"{data}\"/>\n\
                 <action application=\"set\" data=\"all=${{all}} ${{outdial_status}}\"/>\n"
            )
        })
        .collect();
    DIALPLAN.replace("@WRONG@", &wrong.concat())
}

fn global(rig: &Rig<FreeSwitch>, name: &str) -> String {
    rig.pbx.global(name, SOON).unwrap()
}

#[test]
fn a_dialplan_asks_and_writes_and_a_wallboard_hears_of_it() {
    if Installation::find().unwrap().is_none() {
        println!("{SKIPPED}");
        return;
    }
    let options = RigOptions {
        dialplan: dialplan(),
        ..RigOptions::default()
    };
    let mut rig = Rig::<FreeSwitch>::on("fs-dialplan", options).unwrap();
    let once = ["--max-attempts", "1", "--context", "survey"];
    rig.agentless("survey", "continue", &once).unwrap();
    rig.campaign("desk", &[]).unwrap();
    rig.log_in("desk", 1).unwrap();
    rig.outdial(&["agents", "add", "1002", "--campaign", "desk"])
        .unwrap();
    let events = rig.pbx.listen(&[CALLS, AGENTS]).unwrap();

    what_is_wrong_is_said_and_the_channel_goes_on(&rig);
    an_agent_is_paused_and_seen(&rig, &events);
    assert!(events.of(AGENTS).is_empty(), "off by default");
    rig.pbx
        .reload(&format!(
            "{}\nevents = yes\nevent_numbers = masked",
            rig.pbx.settings()
        ))
        .unwrap();
    an_agent_is_paused_and_seen(&rig, &events);
    agents_are_told_of(&events);
    a_lead_is_no_code(&rig);
    calls_are_told_of(&rig, &events);
    rig.pbx.reload(&rig.pbx.settings()).unwrap();
    let before = events.of(AGENTS).len();
    an_agent_is_paused_and_seen(&rig, &events);
    assert_eq!(events.of(AGENTS).len(), before, "off again");
}

fn what_is_wrong_is_said_and_the_channel_goes_on(rig: &Rig<FreeSwitch>) {
    rig.pbx
        .cli("bgapi originate loopback/bad/plain &sleep(60000)")
        .unwrap();
    let wanted: Vec<&str> = WRONG.iter().map(|(_, _, status)| *status).collect();
    let all = global(rig, "ALL");
    let seen: Vec<&str> = all.split_whitespace().collect();
    assert_eq!(seen, wanted);
    for (line, answer) in [
        ("outdial_add survey", "it takes"),
        ("outdial_dnc", "it takes"),
        ("outdial_add none,+5511910000001", "campaign"),
    ] {
        let refused = rig.pbx.cli(line).unwrap_err().to_string();
        assert!(refused.contains(answer), "{line}: {refused}");
    }
    // A number is for nobody's eyes.
    let log = rig.pbx.log();
    let warned = log
        .lines()
        .filter(|line| line.contains("[WARNING]") && line.contains("outdial_add("));
    assert!(warned.clone().count() >= 4);
    assert!(warned.clone().all(|line| !line.contains("5511910000001")));
}

fn an_agent_is_paused_and_seen(rig: &Rig<FreeSwitch>, events: &Events) {
    let before = events.of(AGENTS).len();
    rig.pbx.cli("global_setvar BACK=").unwrap();
    rig.pbx
        .cli("bgapi originate loopback/desk/plain &sleep(60000)")
        .unwrap();
    assert_eq!(global(rig, "BACK"), "OK/available");
    assert_eq!(global(rig, "PAUSED"), "OK/paused/tea, then");
    if rig
        .pbx
        .cli("outdial status")
        .unwrap()
        .contains("Events        on")
    {
        wait_for("the agent's events", SOON, || {
            Ok(events.of(AGENTS).len() >= before + 2)
        })
        .unwrap();
    }
}

fn agents_are_told_of(events: &Events) {
    let told = events.of(AGENTS);
    let paused = told
        .iter()
        .find(|e| e["Outdial-State"] == "paused")
        .unwrap();
    assert_eq!(paused["Outdial-Agent"], "1001");
    assert_eq!(paused["Outdial-Old-State"], "available");
    assert_eq!(paused["Outdial-Pause"], "tea, then");
    assert!(!paused["Unique-ID"].is_empty());
    for pair in told.windows(2) {
        assert_eq!(pair[0]["Outdial-State"], pair[1]["Outdial-Old-State"]);
    }
}

fn a_lead_is_no_code(rig: &Rig<FreeSwitch>) {
    let file = rig.run_dir().join("evil");
    let note = format!("${{system(touch {})}}$${{pid}}", file.display());
    let number = Fate::Answer(3).number(0, 7);
    let said = rig.pbx.cli(&format!(
        "outdial_add survey,+{number},note={note},owner=\"a, b\""
    ));
    assert!(said.unwrap().starts_with("+OK"));
    let again = rig.pbx.cli(&format!("outdial_add survey,+{number}"));
    assert!(again.is_err(), "it is there already");
    rig.outdial(&["campaign", "start", "survey"]).unwrap();

    assert_eq!(global(rig, "NUMBER"), format!("{number}/survey/survey"));
    let harmless = note.replace("${", "$ {");
    assert_eq!(global(rig, "HOSTILE"), harmless);
    assert_eq!(global(rig, "GOT"), format!("{harmless}/OK"));
    assert_eq!(global(rig, "EMPTY"), "[]OK");
    assert_eq!(global(rig, "NO_FIELD"), "[]ERROR");
    assert_eq!(global(rig, "NOTHING"), "ERROR");
    assert_eq!(global(rig, "CAMPAIGN"), "running[]");
    assert_eq!(global(rig, "NONSENSE"), "REFUSED");
    assert_eq!(global(rig, "LATER"), "OK");
    assert_eq!(global(rig, "DNC"), "OK");
    assert_eq!(global(rig, "RELEASED"), "RELEASED");
    assert!(!file.exists(), "a column was executed");
    let kept = rig
        .sidecar
        .text("SELECT data->>'owner' FROM outdial.leads WHERE data ? 'owner'");
    assert_eq!(kept.unwrap(), "a, b");
    wait_for("the attempt", SOON, || {
        let sql = "SELECT count(*) FROM outdial.attempts WHERE disposition = 'callback'
                   AND note = 'he said: later, not now'";
        Ok(rig.sidecar.count(sql)? == 1)
    })
    .unwrap();
    let listed = format!("SELECT count(*) FROM outdial.do_not_call WHERE number = '{number}'");
    assert_eq!(rig.sidecar.count(&listed).unwrap(), 1);
}

/// The events of the one call that ended with this outcome.
fn call(events: &Events, outcome: &str) -> Vec<Event> {
    let last = wait_until(&format!("a call that is {outcome}"), SOON, || {
        let mut all = events.of(CALLS).into_iter();
        Ok(all.find(|e| e.get("Outdial-Outcome").is_some_and(|o| o == outcome)))
    })
    .unwrap();
    let all = events.of(CALLS).into_iter();
    all.filter(|e| e["Outdial-Attempt"] == last["Outdial-Attempt"])
        .collect()
}

fn calls_are_told_of(rig: &Rig<FreeSwitch>, events: &Events) {
    let told = call(events, "completed");
    let states: Vec<&str> = told.iter().map(|e| e["Outdial-State"].as_str()).collect();
    assert_eq!(states[0], "originating", "{states:?}");
    assert_eq!(states.last(), Some(&"completed"));
    for pair in told.windows(2) {
        assert_eq!(pair[0]["Outdial-State"], pair[1]["Outdial-Old-State"]);
    }
    rig.insert("survey", &[Fate::Busy.number(0, 4_321)])
        .unwrap();
    let told = call(events, "busy");
    let last = told.last().unwrap();
    let node = &rig.sidecar.node;
    assert_eq!(last["Outdial-Node"], *node);
    assert_eq!(last["Outdial-Campaign"], "survey");
    assert_eq!(last["Outdial-Trunk"], "carrier");
    assert_eq!(last["Outdial-Reason"], "sip 486");
    assert_eq!(last["Outdial-SIP-Status"], "486");
    assert_eq!(last["Outdial-Q850"], "17");
    assert_eq!(last["Outdial-Number"], "**********321");
    let leg = format!("{node}-{}-1", last["Outdial-Attempt"]);
    assert_eq!(last["Outdial-Leg"], leg);
    assert_eq!(last["Unique-ID"], leg);
    let said = rig.pbx.cli("outdial status").unwrap();
    assert!(
        said.contains("with masked numbers") && said.contains(" 0 lost"),
        "{said}"
    );
}
