//! Queue mode in FreeSWITCH: the agents of a queue of mod_callcenter take a campaign's calls, and outdial
//! only paces.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use outdial_harness::carrier::Call;
use outdial_harness::freeswitch::is_installed;
use outdial_harness::members::{self, Member, most_at_once, numbers};
use outdial_harness::truth::{Attempt, attempts, settled};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, FreeSwitch, Pbx, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(20);
const LATER: Duration = Duration::from_secs(150);
/// As mod_callcenter's own sample calls one.
const QUEUE: &str = "sales@default";

/// After the agent has hung up the customer goes on here; he may be sent to 700.
const DIALPLAN: &str = r#"
<context name="queued">
  <extension name="answered">
    <condition field="destination_number" expression="^s$">
      <action application="outdial_connect"/>
      <action application="set_global" data="AFTER=${outdial_status}"/>
      <action application="sleep" data="1000"/>
      <action application="hangup"/>
    </condition>
  </extension>
</context>
<context name="moved">
  <extension name="moved">
    <condition field="destination_number" expression="^700$">
      <action application="set_global" data="MOVED=${outdial_campaign}"/>
      <action application="sleep" data="2000"/>
      <action application="hangup"/>
    </condition>
  </extension>
</context>
"#;

type FsRig = Rig<FreeSwitch>;

/// What the agents' phones do is what SIPp does with their numbers.
fn callcenter(members: &[Member<'_>], strategy: &str) -> String {
    let mut agents = String::new();
    let mut tiers = String::new();
    for (name, number) in numbers(members) {
        agents += &format!(
            "<agent name=\"{name}\" type=\"callback\" status=\"Available\" wrap-up-time=\"1\" \
             max-no-answer=\"0\" contact=\"sofia/gateway/carrier/{number}\"/>\n"
        );
        tiers +=
            &format!("<tier agent=\"{name}\" queue=\"{QUEUE}\" level=\"1\" position=\"1\"/>\n");
    }
    format!(
        "<configuration name=\"callcenter.conf\"><settings/>\n<queues><queue name=\"{QUEUE}\">\n\
         <param name=\"strategy\" value=\"{strategy}\"/>\n\
         <param name=\"moh-sound\" value=\"tone_stream://%(400,200,425);loops=-1\"/>\n\
         <param name=\"tier-rules-apply\" value=\"false\"/>\n\
         <param name=\"abandoned-resume-allowed\" value=\"false\"/>\n</queue></queues>\n\
         <agents>{agents}</agents>\n<tiers>{tiers}</tiers></configuration>"
    )
}

fn start(name: &str, members: &[Member<'_>], strategy: &str) -> FsRig {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let rig = FsRig::on(name, options).unwrap();
    let first = "<configuration name=\"logfile.conf\">";
    let callcenter = callcenter(members, strategy) + first;
    rig.pbx.change_config(first, &callcenter).unwrap();
    cli(&rig, "load mod_callcenter");
    rig
}

/// A campaign whose customers wait long enough for a phone to be picked up.
fn campaign(rig: &FsRig, mode: &[&str]) {
    let options = ["--queue", QUEUE, "--message", "vm-goodbye"];
    let limits = ["--max-attempts", "1", "--connect-limit-ms", "8000"];
    let rest = ["--wrap-up-ms", "1000", "--context", "queued"];
    rig.campaign("home", &[mode, &options, &limits, &rest].concat())
        .unwrap();
}

fn customers(rig: &FsRig) -> Vec<Call> {
    members::customers(&rig.carrier).unwrap()
}

fn rows(rig: &FsRig) -> Vec<Attempt> {
    attempts(&mut rig.sidecar.sql().unwrap()).unwrap()
}

fn legs<'a>(rig: &FsRig, rows: impl Iterator<Item = &'a Attempt>) -> BTreeSet<String> {
    let node = &rig.sidecar.node;
    rows.map(|row| format!("{node}-{}-{}", row.id, row.legs))
        .collect()
}

/// Channels of which mod_callcenter says this in the log.
fn said_of(rig: &FsRig, words: &str) -> BTreeSet<String> {
    let log = rig.pbx.log();
    let lines = log.lines().filter(|line| line.contains(words));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

const ANSWERED: &str = "is answered by an agent in queue";
const BRIDGED: &str = "is bridged to agent";
const LEFT: &str = "abandoned waiting in queue";

fn cli(rig: &FsRig, line: &str) -> String {
    rig.pbx.cli(line).unwrap()
}

fn wait_shown(rig: &FsRig, what: &str, text: &str) {
    let mut said = String::new();
    wait_for(&format!("{text:?} in {what}"), SOON, || {
        said = rig.pbx.show(what)?;
        Ok(said.contains(text))
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{said}"));
}

fn wait_counts(rig: &FsRig, counts: &str) {
    wait_shown(rig, "campaign home", &format!("{QUEUE}: {counts}"));
}

fn set_status(rig: &FsRig, member: &str, status: &str) {
    let line = format!("callcenter_config agent set status {member} '{status}'");
    assert!(cli(rig, &line).contains("+OK"));
}

fn nothing_is_left(rig: &FsRig) {
    wait_for("the last channel's end", SOON, || {
        Ok(rig.pbx.channels()? == 0 && rig.live()? == 0)
    })
    .unwrap();
    let status = rig.sidecar.status().unwrap();
    assert_eq!(status["totals"]["ghosts"], 0, "{status:#}");
}

const THREE: &[Member<'static>] = &[
    ("m1", Fate::AnswerStay, 1),
    ("m2", Fate::AnswerStay, 2),
    ("m3", Fate::AnswerStay, 0),
];

#[test]
fn agents_of_the_queue_take_the_calls_of_a_progressive_campaign() {
    if !is_installed().unwrap() {
        return;
    }
    let rig = start("fs-queue", THREE, "longest-idle-agent");
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
    assert_eq!(said_of(&rig, ANSWERED), legs(&rig, rows.iter()));
    assert_eq!(said_of(&rig, LEFT).len(), 0);
    let most = most_at_once(&customers(&rig), f64::INFINITY);
    assert!((2..=3).contains(&most), "{most} calls at once for 3 agents");
    for (name, number) in members::numbers(THREE) {
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
    nothing_is_left(&rig);
    rig.pbx.order("drain").unwrap();
    rig.pbx.unload().unwrap();
}

/// A queue that is not there.
fn what_it_needs_is_said(rig: &FsRig) {
    let queue = |queue: &str| {
        rig.outdial(&["campaign", "set", "home", "--queue", queue])
            .unwrap();
    };
    queue("nosuch@default");
    let why = rig
        .sidecar
        .outdial_fails(&["campaign", "start", "home"])
        .unwrap();
    assert!(
        why.contains("no queue nosuch@default") && why.contains("callcenter_config queue list"),
        "{why}"
    );
    assert_eq!(rig.carrier.calls().unwrap().len(), 0);
    for other in ["", QUEUE] {
        queue(other);
    }
}

#[test]
fn who_is_not_served_in_time_gets_the_message_and_breaks_hold_the_dialing() {
    if !is_installed().unwrap() {
        return;
    }
    let members = &[("m1", Fate::RingNoAnswer, 0), ("m2", Fate::RingNoAnswer, 0)];
    let rig = start("fs-queue-abandon", members, "longest-idle-agent");
    campaign(&rig, &["--mode", "power", "--ratio", "2"]);
    rig.outdial(&["campaign", "set", "home", "--connect-limit-ms", "1500"])
        .unwrap();
    let stay = |n: u32| Fate::AnswerStay.number(0, n);
    let numbers: Vec<String> = (0..6).map(stay).collect();
    rig.insert("home", &numbers).unwrap();
    set_status(&rig, "m1", "On Break");
    set_status(&rig, "m2", "Logged Out");
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    wait_counts(&rig, "0 members logged in, 0 free");
    wait_shown(&rig, "why home", "no agents");
    assert_eq!(
        rig.carrier.calls().unwrap().len(),
        0,
        "nobody is dialed for them"
    );

    set_status(&rig, "m1", "Available");
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let rows = rows(&rig);
    assert_eq!(rows.len(), numbers.len());
    for row in &rows {
        assert_eq!((&*row.outcome, &*row.detail), ("abandoned", "no agent"));
    }
    assert_eq!(said_of(&rig, LEFT), legs(&rig, rows.iter()));
    assert_eq!(said_of(&rig, ANSWERED).len(), 0);
    let calls = customers(&rig);
    let most = most_at_once(&calls, 1.45);
    assert_eq!(most, 2, "for one agent, at 2 to 1");
    for call in &calls {
        let lasted = call.ended.unwrap() - call.answered.unwrap();
        // The limit, then the message, which takes a second.
        assert!((2.0..6.0).contains(&lasted), "{lasted} s");
        assert_eq!(call.ending.as_deref(), Some("bye_in"));
    }
    settled(&rows, || Ok(customers(&rig)), None).unwrap();
    nothing_is_left(&rig);

    a_queue_that_goes_stops_the_dialing(&rig);
}

/// It is said what is missing, and when it is there again the dialing goes on.
fn a_queue_that_goes_stops_the_dialing(rig: &FsRig) {
    let before = customers(rig).len();
    // mod_callcenter loads one by itself that is configured, as long as it knows of callers.
    let (there, gone) = (format!("name=\"{QUEUE}\""), "name=\"gone@default\"");
    rig.pbx.change_config(&there, gone).unwrap();
    cli(rig, &format!("callcenter_config queue unload {QUEUE}"));
    wait_shown(rig, "why home", &format!("no queue {QUEUE}"));
    rig.insert("home", &[Fate::Busy.number(0, 50)]).unwrap();
    wait_shown(rig, "campaign home", "refused");
    assert_eq!(customers(rig).len(), before);
    rig.pbx.change_config(gone, &there).unwrap();
    cli(rig, &format!("callcenter_config queue load {QUEUE}"));
    set_status(rig, "m1", "Available");
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    wait_for(
        "the lead's call",
        SOON,
        || Ok(customers(rig).len() > before),
    )
    .unwrap();
    nothing_is_left(rig);
}

#[test]
fn calls_go_on_when_an_agent_hangs_up_or_transfers_and_recordings_are_made() {
    if !is_installed().unwrap() {
        return;
    }
    // Talks for three seconds, and hangs up.
    let members = &[("m1", Fate::Answer(3), 0), ("m2", Fate::AnswerStay, 0)];
    let rig = start("fs-queue-ends", members, "ring-all");
    set_status(&rig, "m2", "On Break");
    campaign(&rig, &["--mode", "progressive"]);
    let pattern = ["--recording", "{date}/{campaign}-{attempt}.wav"];
    rig.outdial(&[&["campaign", "set", "home"][..], &pattern].concat())
        .unwrap();
    rig.insert("home", &[Fate::AnswerStay.number(0, 1)])
        .unwrap();
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    assert_eq!(rig.pbx.global("AFTER", SOON).unwrap(), "CONNECTED");
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let call = &customers(&rig)[0];
    let lasted = call.ended.unwrap() - call.answered.unwrap();
    // The agent's three seconds, and one more in the dialplan.
    assert!((3.5..8.0).contains(&lasted), "{lasted} s");
    let name = rig
        .sidecar
        .text("SELECT outcome || ' ' || recording FROM outdial.attempts")
        .unwrap();
    let file = name.strip_prefix("completed ").unwrap();
    let file = rig.pbx.run_dir().join("recordings").join(file);
    let size = fs::metadata(&file).map_or(0, |meta| meta.len());
    // 16,000 bytes for a second: the talk, not what came after it.
    assert!(
        (40_000..56_000).contains(&size),
        "{}: {size} bytes",
        file.display()
    );
    nothing_is_left(&rig);

    // mod_callcenter tells nobody of tiers that are added or removed, and yet it is seen.
    set_status(&rig, "m2", "Available");
    wait_counts(&rig, "2 members logged in, 2 free");
    cli(&rig, &format!("callcenter_config tier del {QUEUE} m1"));
    wait_counts(&rig, "1 members logged in, 1 free");

    // The customer is sent elsewhere while he talks with the agent.
    rig.insert("home", &[Fate::AnswerStay.number(0, 2)])
        .unwrap();
    wait_shown(&rig, "calls", "bridged");
    let rows = cli(&rig, "show channels");
    let node = &rig.sidecar.node;
    let customer = rows
        .lines()
        .filter_map(|line| line.split(',').next())
        .find(|uuid| uuid.starts_with(&format!("{node}-")))
        .unwrap();
    cli(&rig, &format!("uuid_transfer {customer} 700 XML moved"));
    assert_eq!(rig.pbx.global("MOVED", SOON).unwrap(), "home");
    rig.wait_leads("home", &["done"], LATER).unwrap();
    let outcomes = rig
        .sidecar
        .text("SELECT string_agg(outcome, ' ') FROM outdial.attempts")
        .unwrap();
    assert_eq!(outcomes, "completed completed");
    nothing_is_left(&rig);
}

#[test]
fn an_agent_who_answers_at_the_limit_has_the_call_or_has_not() {
    if !is_installed().unwrap() {
        return;
    }
    // They are called within a tenth of a second. One picks up well before the limit, one at it, one would
    // behind it.
    let members = &[
        ("m1", Fate::AnswerStay, 1),
        ("m2", Fate::AnswerStay, 2),
        ("m3", Fate::AnswerStay, 3),
    ];
    let rig = start("fs-queue-limit", members, "longest-idle-agent");
    campaign(&rig, &["--mode", "progressive"]);
    rig.outdial(&["campaign", "set", "home", "--connect-limit-ms", "1080"])
        .unwrap();
    let short = |n: u32| Fate::Answer(4).number(0, n);
    let numbers: Vec<String> = (0..30).map(short).collect();
    rig.insert("home", &numbers).unwrap();
    rig.outdial(&["campaign", "start", "home"]).unwrap();
    rig.wait_leads("home", &["done"], LATER).unwrap();
    nothing_is_left(&rig);

    let rows = rows(&rig);
    assert_eq!(rows.len(), numbers.len());
    let (served, not): (Vec<&Attempt>, Vec<&Attempt>) =
        rows.iter().partition(|row| row.bridged.is_some());
    println!("{} served, {} not", served.len(), not.len());
    assert!(
        !served.is_empty() && !not.is_empty(),
        "{} of {}",
        served.len(),
        rows.len()
    );
    assert!(served.iter().all(|row| row.outcome == "completed"));
    assert!(not.iter().all(|row| row.outcome == "abandoned"), "{not:#?}");
    assert_eq!(said_of(&rig, BRIDGED), legs(&rig, served.into_iter()));
    settled(&rows, || Ok(customers(&rig)), None).unwrap();
}
