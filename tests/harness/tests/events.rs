//! AMI events for wallboards, on the real PBX.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use outdial_harness::ami::{Ami, AmiEvent};
use outdial_harness::wait::{wait_for, wait_until};
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(40);
const CALLS: &str = "OutdialCallState";
const AGENTS: &str = "OutdialAgentState";

const DIALPLAN: &str = r"
[desk]
exten => pause,1,OutdialPause(1001,${URIDECODE(tea%0d%0aHacked:%20yes)})
 same => n,OutdialUnpause(1001)
";

/// Changes outdial.conf and has it read; what the console says.
fn reload(rig: &mut Rig, settings: &str) -> String {
    let node = rig.sidecar.node.clone();
    let socket = rig.sidecar.link_socket();
    let journal = rig.pbx.run_dir().join("journal");
    let text = format!(
        "[general]\nnode = {node}\nsocket = {}\njournal = {}\n{settings}\n",
        socket.display(),
        journal.display()
    );
    rig.pbx.write_etc("outdial.conf", &text).unwrap();
    rig.pbx.cli("outdial reload").unwrap()
}

/// Dials a number of `calm` and waits for its end.
fn dial(rig: &Rig, number: &str) {
    rig.insert("calm", &[number.to_owned()]).unwrap();
    rig.wait_leads("calm", &["done"], LATER).unwrap();
    wait_for("no call live", SOON, || Ok(rig.live()? == 0)).unwrap();
}

/// The events of the one call that ended with this outcome.
fn call(ami: &Ami, outcome: &str) -> Vec<AmiEvent> {
    let last = wait_until(&format!("a call that is {outcome}"), SOON, || {
        let mut all = ami.events(CALLS).into_iter();
        Ok(all.find(|e| e.get("Outcome").is_some_and(|o| o == outcome)))
    })
    .unwrap();
    let all = ami.events(CALLS).into_iter();
    all.filter(|e| e["Attempt"] == last["Attempt"]).collect()
}

fn states(events: &[AmiEvent]) -> Vec<&str> {
    events.iter().map(|e| e["State"].as_str()).collect()
}

#[test]
fn a_wallboard_hears_of_calls_and_agents_when_it_is_switched_on() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let mut rig = Rig::start("events", options).unwrap();
    let once = ["--max-attempts", "1", "--wrap-up-ms", "300"];
    rig.campaign("calm", &once).unwrap();
    rig.log_in("calm", 1).unwrap();
    rig.outdial(&["campaign", "start", "calm"]).unwrap();
    let ami = Ami::open(&rig.pbx).unwrap();

    off_by_default(&rig, &ami);
    let said = reload(&mut rig, "ami_events = yes");
    assert!(said.contains("ami_events: was No, is Yes now"), "{said}");
    a_bridged_call_is_told_step_by_step(&rig, &ami);
    a_busy_one_has_the_carriers_word(&rig, &ami);
    an_agent_is_told_and_a_line_end_in_a_code_makes_no_line(&rig, &ami);
    numbers_are_a_choice(&mut rig, &ami);
    many_are_in_order(&rig, &ami);
    off_again(&mut rig, &ami);
}

fn off_by_default(rig: &Rig, ami: &Ami) {
    let said = rig.pbx.cli("outdial show status").unwrap();
    assert!(said.contains("AMI events    off"), "{said}");
    dial(rig, &Fate::Busy.number(0, 1));
    assert!(ami.events(CALLS).is_empty() && ami.events(AGENTS).is_empty());
}

fn a_bridged_call_is_told_step_by_step(rig: &Rig, ami: &Ami) {
    dial(rig, &Fate::Answer(1).number(1, 2));
    let told = call(ami, "completed");
    let seen = states(&told);
    assert_eq!(seen[0], "originating", "{told:?}");
    for state in ["ringing", "awaiting_agent", "connecting_agent", "bridged"] {
        assert!(seen.contains(&state), "{state}: {seen:?}");
    }
    assert_eq!(seen[seen.len() - 2..], ["wrap_up", "completed"]);
    let mut sql = rig.sidecar.sql().unwrap();
    let query = "SELECT attempt_id, lead_id FROM outdial.attempts WHERE outcome = 'completed'";
    let row = sql.query_one(query, &[]).unwrap();
    let (attempt, lead): (i64, i64) = (row.get(0), row.get(1));
    for event in &told {
        assert_eq!(event["Node"], rig.sidecar.node);
        assert_eq!(event["Campaign"], "calm");
        assert_eq!(event["Trunk"], "carrier");
        assert_eq!(event["Attempt"], attempt.to_string());
        assert_eq!(event["Lead"], lead.to_string());
        assert_eq!(event["Leg"], format!("{}-{attempt}-1", rig.sidecar.node));
        assert_eq!(event["Uniqueid"], event["Leg"]);
        assert!(!event.contains_key("Number"));
    }
    let bridged = told.iter().find(|e| e["State"] == "bridged").unwrap();
    assert_eq!(bridged["Agent"], "1001");
    assert_eq!(bridged["OldState"], "connecting_agent");
    assert!(!bridged.contains_key("Outcome"));
}

fn a_busy_one_has_the_carriers_word(rig: &Rig, ami: &Ami) {
    dial(rig, &Fate::Busy.number(0, 3));
    let told = call(ami, "busy");
    let last = told.last().unwrap();
    assert_eq!(last["State"], "busy");
    assert_eq!(last["Reason"], "sip 486");
    assert_eq!(last["SIPStatus"], "486");
    assert_eq!(last["Q850"], "17");
}

fn an_agent_is_told_and_a_line_end_in_a_code_makes_no_line(rig: &Rig, ami: &Ami) {
    rig.pbx.cli("module load func_uri.so").unwrap();
    let pause = "channel originate Local/pause@desk application Wait 1";
    rig.pbx.cli(pause).unwrap();
    let paused = wait_until("a pause", SOON, || {
        let all = ami.events(AGENTS);
        Ok(all.into_iter().find(|e| e["State"] == "paused"))
    })
    .unwrap();
    assert_eq!(paused["Agent"], "1001");
    assert_eq!(paused["OldState"], "available");
    assert_eq!(paused["Pause"], "tea  Hacked: yes");
    assert!(!paused.contains_key("Hacked"));
    assert!(!paused["Session"].is_empty());
    wait_for("the agent's return", SOON, || {
        let all = ami.events(AGENTS);
        Ok(all.last().is_some_and(|e| e["State"] == "available"))
    })
    .unwrap();
    let all = ami.events(AGENTS);
    let talks = all.iter().find(|e| e["State"] == "on_call").unwrap();
    assert_eq!(talks["Campaign"], "calm");
    assert!(!talks["Leg"].is_empty());
    for pair in all.windows(2) {
        assert_eq!(pair[0]["State"], pair[1]["OldState"], "{pair:?}");
    }
}

fn numbers_are_a_choice(rig: &mut Rig, ami: &Ami) {
    let said = reload(rig, "ami_events = yes\nami_numbers = masked");
    assert!(
        said.contains("ami_numbers: was no, is masked now"),
        "{said}"
    );
    let number = Fate::Decline.number(0, 4321);
    dial(rig, &number);
    let told = ami.events(CALLS).pop().unwrap();
    assert_eq!(told["Number"], "**********321");
    reload(rig, "ami_events = yes\nami_numbers = yes");
    let number = Fate::Decline.number(0, 4322);
    dial(rig, &number);
    assert_eq!(ami.events(CALLS).pop().unwrap()["Number"], number);
    let said = rig.pbx.cli("outdial show status").unwrap();
    assert!(said.contains("AMI events    on, with numbers;"), "{said}");
    assert!(said.contains(" 0 lost"), "{said}");
}

/// Forty calls at a time: each one's steps come in order, and none is missing.
fn many_are_in_order(rig: &Rig, ami: &Ami) {
    rig.agentless("crowd", "continue", &["--max-attempts", "1"])
        .unwrap();
    let fates = [Fate::Busy, Fate::Answer(1), Fate::Unknown];
    let numbers: Vec<String> = (0..60)
        .map(|n| fates[usize::try_from(n).unwrap() % 3].number(0, 100 + n))
        .collect();
    rig.insert("crowd", &numbers).unwrap();
    rig.outdial(&["campaign", "start", "crowd"]).unwrap();
    rig.wait_leads("crowd", &["done"], LATER).unwrap();
    let crowd = || {
        let all = ami.events(CALLS).into_iter();
        all.filter(|e| e["Campaign"] == "crowd").collect::<Vec<_>>()
    };
    wait_for("the last event", SOON, || {
        let over = crowd().iter().filter(|e| e.contains_key("Outcome")).count();
        Ok(over == numbers.len())
    })
    .unwrap();
    let mut at: BTreeMap<String, String> = BTreeMap::new();
    for event in crowd() {
        let was = at.insert(event["Attempt"].clone(), event["State"].clone());
        let was = was.unwrap_or_else(|| "queued".into());
        assert_eq!(event["OldState"], was, "{event:?}");
    }
    assert_eq!(at.len(), numbers.len());
}

fn off_again(rig: &mut Rig, ami: &Ami) {
    let said = reload(rig, "ami_events = no");
    assert!(said.contains("ami_events: was Yes, is No now"), "{said}");
    let before = ami.events(CALLS).len();
    dial(rig, &Fate::Busy.number(0, 5));
    assert_eq!(ami.events(CALLS).len(), before);

    let said = rig.pbx.cli("manager show event OutdialCallState").unwrap();
    for field in ["Campaign", "OldState", "SIPStatus", "Outcome"] {
        assert!(said.contains(field), "{field}: {said}");
    }
    let said = rig.pbx.cli("manager show event OutdialAgentState").unwrap();
    assert!(
        said.contains("OldState") && said.contains("Session"),
        "{said}"
    );
}
