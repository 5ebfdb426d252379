//! Queue mode: the members of an app_queue take a campaign's calls, and outdial only paces.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use outdial_harness::carrier::Call;
use outdial_harness::members::{self, Member, most_at_once, numbers};
use outdial_harness::truth::{Attempt, attempts, settled};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(20);
const LATER: Duration = Duration::from_secs(150);

/// After the member has hung up the customer goes on here; a member may send him to 700.
const DIALPLAN: &str = r"
[queued]
exten => s,1,Set(__TRANSFER_CONTEXT=moved)
 same => n,Set(OUTDIAL_QUEUE_OPTIONS=t)
 same => n,OutdialConnect()
 same => n,Set(GLOBAL(AFTER)=${OUTDIAL_STATUS})
 same => n,Wait(1)
 same => n,Hangup()

[members]
exten => talker,1,Answer()
 same => n,Playback(vm-goodbye&vm-goodbye&vm-goodbye)
 same => n,Hangup()

[moved]
exten => 700,1,Set(GLOBAL(MOVED)=${OUTDIAL(campaign)}/${OUTDIAL(state)})
 same => n,Wait(2)
 same => n,Hangup()
";

/// Members are SIP phones: each is an endpoint of its own, and what SIPp does with its number is what
/// the member does.
fn phones(rig: &Rig, fates: &[Member<'_>]) {
    let path = rig.pbx.run_dir().join("etc/pjsip.conf");
    let mut text = fs::read_to_string(&path).unwrap();
    for (name, number) in numbers(fates) {
        text.push_str(&format!(
            "\n[{name}](base)\ncontext = from-carrier\naors = {name}\n\n[{name}]\ntype = aor\n\
             contact = sip:{number}@127.0.0.1:{}\nqualify_frequency = 0\n",
            rig.carrier.port
        ));
    }
    rig.pbx.write_etc("pjsip.conf", &text).unwrap();
    rig.pbx.cli("module reload res_pjsip.so").unwrap();
    for (name, ..) in fates {
        let shown = format!("pjsip show endpoint {name}");
        wait_for("the members' endpoints", SOON, || {
            Ok(rig.pbx.cli(&shown)?.contains("Not in use"))
        })
        .unwrap();
    }
}

/// One queue of all phones.
fn queue(rig: &Rig, settings: &str, fates: &[Member<'_>]) {
    let mut text = format!("[general]\nautofill = yes\n\n[sales]\n{settings}\n");
    for (name, ..) in fates {
        text.push_str(&format!("member => PJSIP/{name}\n"));
    }
    rig.pbx.write_etc("queues.conf", &text).unwrap();
    let shown = rig.pbx.cli("module show like app_queue").unwrap();
    if shown.contains("1 modules loaded") {
        rig.pbx.cli("queue reload all").unwrap();
    } else {
        rig.pbx.cli("module load app_queue.so").unwrap();
    }
}

fn customers(rig: &Rig) -> Vec<Call> {
    members::customers(&rig.carrier).unwrap()
}

/// Unique ids of the calls with this event in app_queue's own log.
fn queue_log(rig: &Rig, event: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(rig.pbx.run_dir().join("log/queue_log")).unwrap_or_default();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        if fields.get(4) == Some(&event) {
            assert!(
                found.insert(fields[1].to_owned()),
                "twice {event} for {}",
                fields[1]
            );
        }
    }
    found
}

fn legs<'a>(rig: &Rig, rows: impl Iterator<Item = &'a Attempt>) -> BTreeSet<String> {
    let node = &rig.sidecar.node;
    rows.map(|row| format!("{node}-{}-{}", row.id, row.legs))
        .collect()
}

fn rows(rig: &Rig) -> Vec<Attempt> {
    attempts(&mut rig.sidecar.sql().unwrap()).unwrap()
}

fn cli(rig: &Rig, line: &str) -> String {
    rig.pbx.cli(line).unwrap()
}

fn wait_cli(rig: &Rig, line: &str, text: &str) {
    let mut said = String::new();
    wait_for(&format!("{text:?} in {line}"), SOON, || {
        said = rig.pbx.cli(line)?;
        Ok(said.contains(text))
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{said}"));
}

fn wait_counts(rig: &Rig, counts: &str) {
    wait_cli(
        rig,
        "outdial show campaign home",
        &format!("sales: {counts}"),
    );
}

fn nothing_is_left(rig: &Rig) {
    wait_for("the last channel's end", SOON, || {
        Ok(rig.pbx.channels()? == 0 && rig.live()? == 0)
    })
    .unwrap();
    let status = rig.sidecar.status().unwrap();
    assert_eq!(status["totals"]["ghosts"], 0, "{status:#}");
}

/// A campaign whose customers wait long enough for a phone to be picked up.
fn campaign(rig: &Rig, mode: &[&str]) {
    let options = ["--queue", "sales", "--message", "vm-goodbye"];
    let limits = ["--max-attempts", "1", "--connect-limit-ms", "8000"];
    let rest = ["--wrap-up-ms", "1000", "--context", "queued"];
    let all = [mode, &options, &limits, &rest].concat();
    rig.campaign("home", &all).unwrap();
}

fn start(name: &str, fates: &[Member<'_>], settings: &str) -> Rig {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let rig = Rig::start(name, options).unwrap();
    let path = rig.pbx.run_dir().join("etc/logger.conf");
    let logger = fs::read_to_string(path).unwrap();
    let logger = logger.replace("queue_log = no", "queue_log = yes");
    rig.pbx.write_etc("logger.conf", &logger).unwrap();
    cli(&rig, "logger reload");
    phones(&rig, fates);
    queue(&rig, settings, fates);
    rig
}

const SETTINGS: &str = "strategy = rrmemory\ntimeout = 6\nretry = 1\nwrapuptime = 1\n\
    ringinuse = no\njoinempty = yes";
const THREE: &[Member<'static>] = &[
    ("m1", Fate::AnswerStay, 1),
    ("m2", Fate::AnswerStay, 2),
    ("m3", Fate::AnswerStay, 0),
];

#[test]
fn members_take_the_calls_of_a_progressive_campaign() {
    let rig = start("queue", THREE, SETTINGS);
    campaign(&rig, &["--mode", "progressive"]);
    let numbers: Vec<String> = (0..24)
        .map(|n| Fate::Answer(3 + n % 2).number(n % 3, u32::from(n)))
        .collect();
    rig.insert("home", &numbers).unwrap();

    what_it_needs_is_said(&rig);
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    rig.wait_leads("home", &["done"], LATER).unwrap();

    let rows = rows(&rig);
    let done = |row: &Attempt| row.outcome == "completed" && row.bridged.is_some();
    assert!(
        rows.len() == numbers.len() && rows.iter().all(done),
        "{rows:#?}"
    );
    assert!(rows.iter().all(|row| row.agent.is_none()));
    assert_eq!(queue_log(&rig, "CONNECT"), legs(&rig, rows.iter()));
    assert_eq!(queue_log(&rig, "ABANDON").len(), 0);
    let calls = customers(&rig);
    let most = most_at_once(&calls, f64::INFINITY);
    assert!(
        (2..=3).contains(&most),
        "{most} calls at once for 3 members"
    );
    for (name, number) in numbers_of_members() {
        let all = rig.carrier.calls().unwrap();
        let taken = all
            .iter()
            .filter(|c| c.number == number && c.answered.is_some());
        assert!(taken.count() >= 3, "{name} took part");
    }
    settled(&rows, || Ok(customers(&rig)), None).unwrap();
    wait_counts(
        &rig,
        "3 members logged in, 3 free, 0 callers wait, 0 of them ours",
    );
    let shown = cli(&rig, "outdial show campaign home");
    assert!(shown.contains("outdial only paces"), "{shown}");
    let shown = rig.outdial(&["campaign", "show", "home"]).unwrap();
    assert!(shown.contains("outdial only paces"), "{shown}");
    nothing_is_left(&rig);
    cli(&rig, "outdial drain");
    cli(&rig, "module unload res_outdial.so");
    wait_cli(&rig, "module show like res_outdial", "0 modules loaded");
}

fn numbers_of_members() -> impl Iterator<Item = (&'static str, String)> {
    numbers(THREE)
}

/// A queue that is not there, and settings that don't go with one.
fn what_it_needs_is_said(rig: &Rig) {
    rig.outdial(&["campaign", "set", "home", "--queue", "nosuch"])
        .unwrap();
    let why = rig
        .sidecar
        .outdial_fails(&["campaign", "start", "home"])
        .unwrap();
    assert!(
        why.contains("no queue nosuch") && why.contains("queues.conf"),
        "{why}"
    );
    assert_eq!(rig.carrier.calls().unwrap().len(), 0);
    let preview = ["campaign", "set", "home", "--mode", "preview"];
    let why = rig.sidecar.outdial_fails(&preview).unwrap();
    assert!(
        why.contains("queue") && why.contains("progressive"),
        "{why}"
    );
    for queue in ["", "sales"] {
        rig.outdial(&["campaign", "set", "home", "--queue", queue])
            .unwrap();
    }
}

#[test]
fn who_is_not_served_in_time_gets_the_message_and_pauses_hold_the_dialing() {
    let members = &[("m1", Fate::RingNoAnswer, 0), ("m2", Fate::RingNoAnswer, 0)];
    let rig = start("queue-abandon", members, SETTINGS);
    campaign(&rig, &["--mode", "power", "--ratio", "2"]);
    rig.outdial(&["campaign", "set", "home", "--connect-limit-ms", "1500"])
        .unwrap();
    let stay = |n: u32| Fate::AnswerStay.number(0, n);
    let numbers: Vec<String> = (0..6).map(stay).collect();
    rig.insert("home", &numbers).unwrap();
    for member in ["m1", "m2"] {
        cli(&rig, &format!("queue pause member PJSIP/{member}"));
    }
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    wait_counts(&rig, "0 members logged in, 0 free");
    wait_cli(&rig, "outdial show why home", "no agents");
    assert_eq!(
        rig.carrier.calls().unwrap().len(),
        0,
        "nobody is dialed for them"
    );

    cli(&rig, "queue unpause member PJSIP/m1");
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let rows = rows(&rig);
    assert_eq!(rows.len(), numbers.len());
    for row in &rows {
        assert_eq!((&*row.outcome, &*row.detail), ("abandoned", "no agent"));
    }
    assert_eq!(queue_log(&rig, "ABANDON"), legs(&rig, rows.iter()));
    assert_eq!(queue_log(&rig, "CONNECT").len(), 0);
    let calls = customers(&rig);
    let most = most_at_once(&calls, 1.45);
    assert_eq!(most, 2, "for one member, at 2 to 1");
    for call in &calls {
        let lasted = call.ended.unwrap() - call.answered.unwrap();
        // The limit, then the message, which takes a second.
        assert!((2.0..6.0).contains(&lasted), "{lasted} s");
        assert_eq!(call.ending.as_deref(), Some("bye_in"));
    }
    settled(&rows, || Ok(customers(&rig)), None).unwrap();
    nothing_is_left(&rig);

    a_queue_that_goes_stops_the_dialing(&rig, members);
}

/// It is said what is missing, and when it is there again the dialing goes on.
fn a_queue_that_goes_stops_the_dialing(rig: &Rig, members: &[Member<'_>]) {
    let before = customers(rig).len();
    rig.pbx.write_etc("queues.conf", "[general]\n").unwrap();
    cli(rig, "queue reload all");
    wait_cli(rig, "outdial show why home", "no queue sales");
    rig.insert("home", &[Fate::Busy.number(0, 50)]).unwrap();
    wait_cli(rig, "outdial show campaign home", "refused");
    assert_eq!(customers(rig).len(), before);
    queue(rig, SETTINGS, members);
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    rig.wait_leads("home", &["done", "ready"], LATER).unwrap();
    wait_for(
        "the lead's call",
        SOON,
        || Ok(customers(rig).len() > before),
    )
    .unwrap();
    nothing_is_left(rig);
}

#[test]
fn calls_go_on_when_a_member_hangs_up_or_transfers_and_recordings_are_made() {
    let members = &[("m1", Fate::AnswerStay, 0)];
    let rig = start("queue-ends", members, SETTINGS);
    // Says goodbye, and hangs up.
    cli(&rig, "queue pause member PJSIP/m1");
    cli(&rig, "queue add member Local/talker@members/n to sales");
    campaign(&rig, &["--mode", "progressive"]);
    let pattern = ["--recording", "{campaign}-{attempt}.wav"];
    rig.outdial(&[&["campaign", "set", "home"][..], &pattern].concat())
        .unwrap();
    let number = Fate::AnswerStay.number(0, 1);
    rig.insert("home", std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    assert_eq!(rig.pbx.global("AFTER", SOON).unwrap(), "CONNECTED");
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let name = rig
        .sidecar
        .text("SELECT outcome || ' ' || recording FROM outdial.attempts")
        .unwrap();
    let file = name.strip_prefix("completed ").unwrap();
    let file = rig.pbx.run_dir().join("spool/monitor").join(file);
    let size = fs::metadata(&file).map_or(0, |meta| meta.len());
    assert!(size > 16_000, "{}: {size} bytes", file.display());
    nothing_is_left(&rig);

    // app_queue tells nobody of members who are added or removed, and yet it is seen.
    cli(&rig, "queue unpause member PJSIP/m1");
    wait_counts(&rig, "2 members logged in, 2 free");
    cli(
        &rig,
        "queue remove member Local/talker@members/n from sales",
    );
    wait_counts(&rig, "1 members logged in, 1 free");

    // The customer is sent elsewhere while he talks with the member.
    let number = Fate::AnswerStay.number(0, 2);
    rig.insert("home", std::slice::from_ref(&number)).unwrap();
    wait_cli(&rig, "outdial show calls", "bridged");
    let list = cli(&rig, "core show channels concise");
    let customer = list
        .lines()
        .find(|line| line.starts_with("PJSIP/carrier-"))
        .and_then(|line| line.split('!').next())
        .unwrap()
        .to_owned();
    cli(&rig, &format!("channel redirect {customer} moved,700,1"));
    assert_eq!(rig.pbx.global("MOVED", SOON).unwrap(), "home/bridged");
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let outcomes = rig
        .sidecar
        .text("SELECT string_agg(outcome, ' ') FROM outdial.attempts")
        .unwrap();
    assert_eq!(outcomes, "completed completed");
    nothing_is_left(&rig);
}
