//! Calls that are up, over PJSIP on the trunk of the sample: hold, session timers, media that ends; and
//! who answers, by AMD with real voices.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::time::Duration;

use outdial_harness::carrier::{Call, Note};
use outdial_harness::tap::Tap;
use outdial_harness::truth::{Attempt, attempts};
use outdial_harness::voice;
use outdial_harness::wait::{wait_for, wait_until};
use outdial_harness::{Agents, Carrier, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(30);
/// The session timers' shortest time is 90 s (RFC 4028 section 5); who waits for a refresh in vain gives
/// up after two thirds of that.
const TIMER: Duration = Duration::from_secs(100);
/// In the sample it is 30.
const RTP_TIMEOUT: f64 = 2.0;
/// What the shim takes for the silence of a machine that has no beep, in seconds.
const MACHINE_SILENCE: f64 = 4.0;

const DIALPLAN: &str = r"
[amd]
exten => s,1,AMD()
 same => n,OutdialConnect()
 same => n,Hangup()
";

/// The number that has the scenario do `k`, `r`, `t`; see there.
fn number(area: u32, (k, r, t): (u32, u32, u32), serial: u32) -> String {
    format!("55{area}9{k}{r}{t}{serial:05}")
}

/// Trunk and phone of the sample, with what is not the same here.
fn sample(rig: &Rig) -> (String, String) {
    let path = "asterisk-module/samples/pjsip_outdial.conf.sample";
    let text = fs::read_to_string(rig.workspace.root.join(path)).unwrap();
    let text = changed(&text, &[("transport-udp", "udp")]);
    let (trunk, rest) = text.split_once("; A phone behind NAT").unwrap();
    let (phone, _) = rest.split_once("; The transport").unwrap();
    (trunk.to_owned(), format!(";{phone}"))
}

fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} in the sample");
        text.replace(from, to)
    })
}

/// A SIPp with a scenario at the other end of a trunk of the sample.
fn trunk(
    rig: &Rig,
    (name, prefix): (&str, &str),
    keys: &[(&str, String)],
    changes: &[(&str, &str)],
) -> Carrier {
    let carrier = rig.callees(name, name, keys).unwrap();
    let here = format!("127.0.0.1:{}", carrier.port);
    let short = format!("rtp_timeout = {RTP_TIMEOUT}");
    let all = [
        ("sip.carrier1.example.com:5060", here.as_str()),
        ("carrier1", name),
        ("rtp_timeout = 30", &short),
    ];
    let (sample, _) = sample(rig);
    let sample = changed(&sample, &[&all[..], changes].concat());
    rig.pjsip(name, &sample).unwrap();
    rig.trunk(name, prefix, &[]).unwrap();
    carrier
}

/// The one row of a number, once it is there.
fn row(rig: &Rig, number: &str, limit: Duration) -> Attempt {
    wait_until(&format!("the row of {number}"), limit, || {
        let rows = attempts(&mut rig.sidecar.sql()?)?;
        Ok(rows.into_iter().find(|row| row.number == number))
    })
    .unwrap()
}

fn call(carrier: &Carrier, number: &str) -> Call {
    wait_until("the carrier's last word", SOON, || {
        let calls = carrier.calls()?;
        let own = calls.into_iter().find(|call| call.number == number);
        Ok(own.filter(|call| call.ended.is_some()))
    })
    .unwrap()
}

#[test]
fn calls_that_are_up_and_who_answers_them() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let mut rig = Rig::start("sip-media", options).unwrap();
    let talks = trunk(&rig, ("talks", "5511"), &[], &[]);
    let once = ["--wrap-up-ms", "0", "--max-attempts", "1"];
    rig.campaign("talk", &once).unwrap();
    rig.log_in("talk", 6).unwrap();

    // These take their time; the rest of the test is done meanwhile.
    let held = number(11, (0, 2, 0), 1);
    let mute = number(11, (3, 0, 0), 2);
    let fades = number(11, (3, 2, 0), 3);
    let by_update = number(11, (1, 0, 0), 4);
    let by_invite = number(11, (1, 0, 1), 5);
    let forgets = number(11, (2, 0, 0), 6);
    let numbers = [&held, &mute, &fades, &by_update, &by_invite, &forgets];
    rig.insert("talk", &numbers.map(Clone::clone)).unwrap();
    rig.outdial(&["campaign", "start", "talk"]).unwrap();

    amd_tells_who_answers(&mut rig);
    a_phone_behind_nat_is_reached(&rig);

    a_call_is_held_and_taken_back(&rig, &talks, &held);
    a_call_without_media_ends(&rig, &talks, &mute, 0.0);
    a_call_without_media_ends(&rig, &talks, &fades, 1.0);
    for (number, by) in [(&by_update, "update"), (&by_invite, "reinvite")] {
        the_session_is_refreshed(&rig, &talks, number, by);
    }
    a_session_that_nobody_refreshes_ends(&rig, &talks, &forgets);
    // Asterisk asks for the first time within qualify_frequency.
    let contacts = rig.pbx.cli("pjsip show contacts").unwrap();
    let answers = |l: &str| l.contains("talks/") && l.contains("Avail");
    assert!(contacts.lines().any(answers), "{contacts}");
    rig.wait_agents("available", 8, SOON).unwrap();
    assert_eq!(rig.agents[0].hung_up().unwrap(), 0, "no agent was lost");
    wait_for("the customers' channels' end", SOON, || {
        Ok(rig.live()? == 0 && rig.pbx.channels()? == 8)
    })
    .unwrap();
}

/// Notes of one number, with how long after its answer each came.
fn notes(carrier: &Carrier, number: &str) -> Vec<(String, f64)> {
    let answered = call(carrier, number).answered.unwrap();
    let own = |note: &Note| note.number == number;
    let notes = carrier.notes().unwrap();
    let own = notes.into_iter().filter(own);
    own.map(|note| (note.what, note.at - answered)).collect()
}

fn is_completed(row: &Attempt, (sip, q850): (i16, i16)) {
    assert_eq!(
        (row.outcome.as_str(), row.detail.as_str(), row.sip, row.q850),
        ("completed", "", Some(sip), Some(q850)),
        "{row:?}"
    );
    assert!(
        row.charged && row.agent.is_some() && row.bridged.is_some(),
        "{row:?}"
    );
    assert_eq!((row.trunk.as_str(), row.legs), ("talks", 1), "{row:?}");
}

fn a_call_is_held_and_taken_back(rig: &Rig, talks: &Carrier, number: &str) {
    let row = row(rig, number, LATER);
    is_completed(&row, (200, 16));
    let notes = notes(talks, number);
    let what: Vec<&str> = notes.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(what, ["held", "back"], "{notes:?}");
    assert_eq!(call(talks, number).ending.as_deref(), Some("bye_out"));
    assert!(row.ended - row.bridged.unwrap() > 2.5, "{row:?}");
}

/// rtp_timeout hangs it up; the agent is free again.
fn a_call_without_media_ends(rig: &Rig, talks: &Carrier, number: &str, talk: f64) {
    let row = row(rig, number, LATER);
    is_completed(&row, (200, 44));
    let call = call(talks, number);
    assert_eq!(call.ending.as_deref(), Some("bye_in"));
    let lasted = call.ended.unwrap() - call.answered.unwrap();
    let expected = talk + RTP_TIMEOUT;
    assert!(
        (expected - 0.5..expected + 3.0).contains(&lasted),
        "{lasted} s"
    );
}

/// The PBX, which dialed, was named as the one who refreshes.
fn the_session_is_refreshed(rig: &Rig, talks: &Carrier, number: &str, by: &str) {
    is_completed(&row(rig, number, TIMER), (200, 16));
    let notes = notes(talks, number);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].0, by);
    // At half of the 90 s (RFC 4028 section 7.2).
    assert!((40.0..50.0).contains(&notes[0].1), "{notes:?}");
    assert_eq!(call(talks, number).ending.as_deref(), Some("bye_out"));
}

/// The callee has refreshed it once, and is gone since: RFC 4028 section 10.
fn a_session_that_nobody_refreshes_ends(rig: &Rig, talks: &Carrier, number: &str) {
    let row = row(rig, number, TIMER);
    is_completed(&row, (200, 18));
    let notes = notes(talks, number);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let call = call(talks, number);
    assert_eq!(call.ending.as_deref(), Some("bye_in"));
    let lasted = call.ended.unwrap() - call.answered.unwrap();
    assert!((55.0..95.0).contains(&lasted), "{lasted} s");
}

/// Contact and SDP of the phone name an address that nothing reaches.
fn a_phone_behind_nat_is_reached(rig: &Rig) {
    let (_, phone) = sample(rig);
    let changes = [("outdial-agents", "agents"), ("auth = phone1\n", "")];
    rig.pjsip("phone1", &changed(&phone, &changes)).unwrap();
    rig.campaign("home", &["--wrap-up-ms", "0", "--max-attempts", "1"])
        .unwrap();
    rig.outdial(&["agents", "add", "1009", "--campaign", "home"])
        .unwrap();
    let (sip, extension) = (rig.pbx.sip_port, ["8009".to_owned()]);
    let site = &rig.site;
    let phone = Agents::playing(
        &site.workspace,
        &site.logs,
        "natted",
        sip,
        &extension,
        "natted",
    );
    let phone = phone.unwrap();
    let log = fs::read_to_string(rig.logs.join("natted.log")).unwrap();
    let media = log.lines().find_map(|line| line.strip_prefix("M "));
    let port = media.unwrap().split_whitespace().nth(1).unwrap();

    // It hears the customer.
    rig.pbx.cli("rtp set debug on").unwrap();
    let customer = number(11, (3, 2, 0), 9);
    rig.insert("home", std::slice::from_ref(&customer)).unwrap();
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    assert_eq!(row(rig, &customer, LATER).outcome, "completed");
    rig.pbx.cli("rtp set debug off").unwrap();
    let sent = |to: &str| {
        let log = rig.pbx.log();
        let sent = log.lines().filter(|l| l.contains("Sent RTP packet to"));
        sent.filter(|l| l.contains(to)).count()
    };
    let (reached, lost) = (sent(&format!("127.0.0.1:{port} ")), sent("10.255.255.1"));
    assert!(
        reached > 20 && lost == 0,
        "{reached} packets, {lost} to its own address"
    );

    // And it hears that it is logged off.
    rig.outdial(&["agents", "log-off", "1009"]).unwrap();
    wait_for("BYE at the phone", SOON, || Ok(phone.hung_up()? == 1)).unwrap();
}

/// What the callees of voices.xml say, and what they hear.
struct Voices {
    callees: Carrier,
    tap: Tap,
    said: voice::Callees,
}

fn voices(rig: &Rig) -> Voices {
    let said = voice::Callees::write(&rig.logs).unwrap();
    let tap = Tap::start().unwrap();
    let heard = [("heard", tap.port.to_string())];
    // Else what is played would go to where SIPp's voice comes from, and not to the tap.
    let to_the_tap = [("rtp_symmetric = yes", "rtp_symmetric = no")];
    let callees = trunk(rig, ("voices", "5521"), &heard, &to_the_tap);
    Voices { callees, tap, said }
}

fn amd_tells_who_answers(rig: &mut Rig) {
    let voices = voices(rig);
    let options = [
        "--wrap-up-ms",
        "0",
        "--max-attempts",
        "1",
        "--context",
        "amd",
    ];
    rig.campaign("amd", &options).unwrap();
    rig.outdial(&["agents", "add", "1007", "1008", "--campaign", "amd"])
        .unwrap();
    rig.phones(7, 8).unwrap();
    a_start_warns_of_an_amd_that_outlasts_the_limit(rig);
    a_person_gets_an_agent(rig, &voices, "amd", 1);
    a_machine_gets_nobody(rig, &voices, "amd", 2);
    the_campaign_asks_for_amd_itself(rig, &voices);
    let message = ["--on-machine", "message", "--machine-message", "vm-goodbye"];
    rig.outdial(&[&["campaign", "set", "amd"][..], &message[..]].concat())
        .unwrap();
    let beep = voices.said.mailbox.seconds();
    a_message_is_left(rig, &voices, (1, 0, 0), beep - 0.1..beep + 1.5);
    let silence = voices.said.greeting.seconds() + MACHINE_SILENCE;
    a_message_is_left(rig, &voices, (2, 0, 0), silence - 0.3..silence + 2.0);
}

/// amd.conf allows 5 s, the campaign 2; behind a greeting AMD listens for 0.8 s.
fn a_start_warns_of_an_amd_that_outlasts_the_limit(rig: &Rig) {
    let start = || rig.outdial(&["campaign", "start", "amd"]).unwrap();
    let said = start();
    assert!(
        said.contains("warning: AMD() in amd,s may take 5000 ms"),
        "{said}"
    );
    assert!(rig.pbx.log().contains("AMD() in amd,s may take 5000 ms"));
    rig.outdial(&["campaign", "stop", "amd"]).unwrap();
    rig.outdial(&["campaign", "set", "amd", "--abandon-from", "greeting_end"])
        .unwrap();
    let said = start();
    assert!(!said.contains("warning"), "{said}");
}

/// Dials one callee of voices.xml and gives the row.
fn dial(rig: &Rig, campaign: &str, plan: (u32, u32, u32), serial: u32) -> Attempt {
    let number = number(21, plan, serial);
    rig.insert(campaign, std::slice::from_ref(&number)).unwrap();
    row(rig, &number, LATER)
}

/// The dialplan of this campaign has no AMD().
fn the_campaign_asks_for_amd_itself(rig: &Rig, voices: &Voices) {
    rig.outdial(&["campaign", "stop", "amd"]).unwrap();
    let options = [
        "--wrap-up-ms",
        "0",
        "--max-attempts",
        "1",
        "--amd",
        "default",
    ];
    rig.campaign("own", &options).unwrap();
    rig.outdial(&["agents", "add", "1007", "1008", "--campaign", "own"])
        .unwrap();
    let set = |options: &[&str]| {
        let all = [&["campaign", "set", "own"][..], options].concat();
        rig.outdial(&all).unwrap();
    };
    let start = ["campaign", "start", "own"];
    let module = |what: &str| {
        let line = format!("module {what} app_amd.so");
        rig.pbx.cli(&line).unwrap();
    };
    for bad in ["nonsense", "2500,-1", "1,2,3,4,5,6,7,8,9,10", ""] {
        let set = ["campaign", "set", "own", "--amd", bad];
        let why = rig.sidecar.outdial_fails(&set).unwrap();
        assert!(why.contains("2500,1500,800,5000"), "{bad}: {why}");
    }
    module("unload");
    let why = rig.sidecar.outdial_fails(&start).unwrap();
    assert!(
        why.contains("no application AMD") && why.contains("app_amd.so"),
        "{why}"
    );
    module("load");
    let said = rig.outdial(&start).unwrap();
    let warning = |ms: u32| format!("the campaign's AMD() may take {ms} ms from the answer");
    assert!(said.contains(&warning(5_000)), "{said}");
    rig.outdial(&["campaign", "stop", "own"]).unwrap();
    set(&["--amd", "2500,1500,800,4500"]);
    let said = rig.outdial(&start).unwrap();
    assert!(said.contains(&warning(4_500)), "{said}");
    rig.outdial(&["campaign", "stop", "own"]).unwrap();
    set(&["--amd", "default", "--abandon-from", "verdict"]);
    let said = rig.outdial(&start).unwrap();
    assert!(!said.contains("warning"), "{said}");

    a_person_gets_an_agent(rig, voices, "own", 6);
    a_machine_gets_nobody(rig, voices, "own", 7);
    // Without it the machine is a person like any other.
    set(&["--no-amd"]);
    let row = dial(rig, "own", (1, 0, 0), 8);
    assert_eq!(
        (row.verdict.as_deref(), row.agent.is_some()),
        (None, true),
        "{row:?}"
    );
    rig.outdial(&["campaign", "stop", "own"]).unwrap();
    rig.outdial(&["campaign", "start", "amd"]).unwrap();
}

fn a_person_gets_an_agent(rig: &Rig, voices: &Voices, campaign: &str, serial: u32) {
    let row = dial(rig, campaign, (0, 0, 4), serial);
    assert_eq!(row.verdict.as_deref(), Some("human"), "{row:?}");
    assert_eq!(row.outcome, "completed", "{row:?}");
    assert!(row.agent.is_some(), "{row:?}");
    let told = row.bridged.unwrap() - row.answered.unwrap();
    assert!((1.0..3.0).contains(&told), "AMD took {told} s: {row:?}");
    let ending = call(&voices.callees, &row.number).ending;
    assert_eq!(ending.as_deref(), Some("bye_out"));
}

fn a_machine_gets_nobody(rig: &Rig, voices: &Voices, campaign: &str, serial: u32) {
    let row = dial(rig, campaign, (1, 0, 0), serial);
    assert_eq!(row.verdict.as_deref(), Some("machine"), "{row:?}");
    assert_eq!(
        (row.outcome.as_str(), row.detail.as_str()),
        ("machine", "AMD: machine")
    );
    assert!(row.agent.is_none() && row.bridged.is_none(), "{row:?}");
    let call = call(&voices.callees, &row.number);
    assert_eq!(call.ending.as_deref(), Some("bye_in"));
    let lasted = call.ended.unwrap() - call.answered.unwrap();
    assert!(lasted < voices.said.greeting.seconds(), "{lasted} s");
    assert_eq!(
        voices.tap.first_after(call.invited).unwrap(),
        None,
        "it heard nothing"
    );
}

/// The first sound that the machine hears comes so long after it began to speak.
fn a_message_is_left(
    rig: &Rig,
    voices: &Voices,
    plan: (u32, u32, u32),
    when: std::ops::Range<f64>,
) {
    let row = dial(rig, "amd", plan, 3);
    assert_eq!(row.verdict.as_deref(), Some("machine"), "{row:?}");
    assert_eq!(
        (row.outcome.as_str(), row.detail.as_str()),
        ("machine", "message left")
    );
    assert!(row.agent.is_none() && row.charged, "{row:?}");
    let notes = voices.callees.notes().unwrap();
    let own = |note: &&Note| note.what == "playing" && note.number == row.number;
    let spoke = notes.iter().find(own).unwrap().at;
    let heard = voices.tap.first_after(spoke).unwrap().unwrap() - spoke;
    println!("the message began {heard:.2} s after the machine, which was due {when:?}");
    assert!(when.contains(&heard), "{heard} s, and not {when:?}");
}
