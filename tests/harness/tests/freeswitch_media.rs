//! What is heard and kept of a call in FreeSWITCH: messages for machines, and recordings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use outdial_harness::carrier::Call;
use outdial_harness::freeswitch::is_installed;
use outdial_harness::tap::Tap;
use outdial_harness::truth::{Attempt, attempts};
use outdial_harness::voice::Callees;
use outdial_harness::wait::wait_until;
use outdial_harness::{Carrier, FreeSwitch, Pbx, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(40);
/// So long a machine is waited for that never stops talking, and some more.
const ENDLESS: Duration = Duration::from_secs(80);
/// What the module takes for the silence of a machine that has no beep, in seconds.
const MACHINE_SILENCE: f64 = 4.0;
/// A second of signed linear at 8 kHz, and the header of a WAV file.
const SECOND: f64 = 16_000.0;
const HEADER: f64 = 44.0;

/// In `machines` the dialplan's own detection has found one. In `records` the customer stays for two
/// seconds after his agent has left.
const DIALPLAN: &str = r#"
<context name="machines">
  <extension name="answered">
    <condition field="destination_number" expression="^s$">
      <action application="set" data="outdial_amd=MACHINE"/>
      <action application="outdial_connect"/>
      <action application="hangup"/>
    </condition>
  </extension>
</context>
<context name="records">
  <extension name="answered">
    <condition field="destination_number" expression="^s$">
      <action application="outdial_connect"/>
      <action application="set_global" data="AFTER=${outdial_status}"/>
      <action application="sleep" data="2000"/>
      <action application="hangup"/>
    </condition>
  </extension>
</context>
"#;

const ONCE: &[&str] = &["--wrap-up-ms", "0", "--max-attempts", "1"];

type FsRig = Rig<FreeSwitch>;

fn start(name: &str) -> FsRig {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    FsRig::on(name, options).unwrap()
}

/// The one row of a number, once it is there.
fn row(rig: &FsRig, number: &str, limit: Duration) -> Attempt {
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

/// Callees with a voice behind a trunk of their own; what they are told goes to the tap.
fn voices(rig: &FsRig) -> (Carrier, Tap) {
    let tap = Tap::start().unwrap();
    let heard = [("heard", tap.port.to_string())];
    let site = &rig.site;
    let callees = Carrier::playing(
        &site.workspace,
        &site.logs,
        "voices",
        None,
        "voices",
        &heard,
    );
    let callees = callees.unwrap();
    // Else what is played would go to where SIPp's voice comes from, and not to the tap; and without the
    // second one that voice would be ignored.
    let first = "<gateway name=\"carrier\">";
    let gateway = format!(
        "<gateway name=\"voices\">\n<param name=\"realm\" value=\"outdial.test\"/>\n\
         <param name=\"proxy\" value=\"127.0.0.1:{};transport=udp\"/>\n\
         <param name=\"register\" value=\"false\"/>\n<variables>\n\
         <variable name=\"disable_rtp_auto_adjust\" value=\"true\" direction=\"outbound\"/>\n\
         <variable name=\"rtp_manual_rtp_bugs\" value=\"ACCEPT_ANY_PACKETS\" direction=\"outbound\"/>\n\
         </variables>\n</gateway>\n{first}",
        callees.port
    );
    rig.pbx.change_config(first, &gateway).unwrap();
    rig.pbx.cli("sofia profile external rescan").unwrap();
    wait_until("the gateway", SOON, || {
        let said = rig.pbx.cli("sofia status gateway voices");
        Ok(said.ok().filter(|said| !said.contains("Invalid Gateway")))
    })
    .unwrap();
    let trunk = [
        "trunks",
        "add",
        "voices",
        "--tech",
        "sofia",
        "--endpoint",
        "voices",
    ];
    let limits = ["--cps-limit", "50", "--max-channels", "200"];
    rig.outdial(&[&trunk[..], &limits[..]].concat()).unwrap();
    rig.outdial(&["routes", "add", "--trunk", "voices", "--prefix", "5521"])
        .unwrap();
    (callees, tap)
}

#[test]
fn a_message_is_left_after_the_beep_or_after_a_silence() {
    if !is_installed().unwrap() {
        return;
    }
    let rig = start("fs-media");
    let said = Callees::write(&rig.logs).unwrap();
    let (callees, tap) = voices(&rig);
    let machines = ["--mode", "agentless", "--agentless", "continue"];
    let message = ["--on-machine", "message", "--machine-message", "vm-goodbye"];
    let place = ["--context", "machines"];
    rig.campaign("amd", &[&machines[..], &message, &place, ONCE].concat())
        .unwrap();

    amd_of_the_campaigns_own_is_refused(&rig);
    rig.outdial(&["campaign", "start", "amd"]).unwrap();
    // The others are done meanwhile.
    let endless = number(3, 0, 1);
    rig.insert("amd", std::slice::from_ref(&endless)).unwrap();
    let beep = said.mailbox.seconds();
    let silence = said.greeting.seconds() + MACHINE_SILENCE;
    for (kind, when) in [
        (1, beep - 0.1..beep + 1.5),
        (2, silence - 0.3..silence + 2.0),
    ] {
        a_message_is_left(&rig, (&callees, &tap), kind, when);
    }
    one_who_never_stops_talking_is_given_up(&rig, &callees, &endless);
}

/// The number that has voices.xml do `kind`; a person hangs up after `seconds`.
fn number(kind: u32, seconds: u32, serial: u32) -> String {
    format!("55219{kind}0{seconds}{serial:05}")
}

/// There is no AMD in FreeSWITCH; the dialplan's own finds its way by a variable.
fn amd_of_the_campaigns_own_is_refused(rig: &FsRig) {
    rig.campaign("own", &[&["--amd", "default"], ONCE].concat())
        .unwrap();
    let why = rig
        .sidecar
        .outdial_fails(&["campaign", "start", "own"])
        .unwrap();
    assert!(
        why.contains("no application AMD") && why.contains("outdial_amd"),
        "{why}"
    );
}

/// The first sound that the machine hears comes so long after it began to speak.
fn a_message_is_left(rig: &FsRig, (callees, tap): (&Carrier, &Tap), kind: u32, when: Range<f64>) {
    let number = number(kind, 0, 2);
    rig.insert("amd", std::slice::from_ref(&number)).unwrap();
    let row = row(rig, &number, LATER);
    assert_eq!(row.verdict.as_deref(), Some("machine"), "{row:?}");
    assert_eq!(
        (row.outcome.as_str(), row.detail.as_str()),
        ("machine", "message left")
    );
    assert!(row.agent.is_none() && row.charged, "{row:?}");
    let notes = callees.notes().unwrap();
    let spoke = notes
        .iter()
        .find(|note| note.what == "playing" && note.number == number)
        .unwrap();
    let heard = tap.first_after(spoke.at).unwrap().unwrap() - spoke.at;
    println!("the message began {heard:.2} s after the machine, which was due {when:?}");
    assert!(when.contains(&heard), "{heard} s, and not {when:?}");
    assert_eq!(call(callees, &number).ending.as_deref(), Some("bye_in"));
}

fn one_who_never_stops_talking_is_given_up(rig: &FsRig, callees: &Carrier, number: &str) {
    let row = row(rig, number, ENDLESS);
    assert_eq!(row.outcome, "machine", "{row:?}");
    assert_ne!(row.detail, "message left", "{row:?}");
    let call = call(callees, number);
    assert_eq!(call.ending.as_deref(), Some("bye_in"));
    let lasted = call.ended.unwrap() - call.answered.unwrap();
    assert!((59.0..66.0).contains(&lasted), "{lasted} s");
    assert!(rig.pbx.log().contains("the machine never stops talking"));
    assert_eq!(rig.pbx.channels().unwrap(), 0);
}

/// Seconds of sound in a WAV file.
fn seconds(file: &Path) -> f64 {
    let size = fs::metadata(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let size = u32::try_from(size.len()).unwrap();
    (f64::from(size) - HEADER) / SECOND
}

fn recording(rig: &FsRig, number: &str) -> String {
    let query = format!("SELECT recording FROM outdial.attempts WHERE number = '{number}'");
    rig.sidecar.text(&query).unwrap()
}

#[test]
fn calls_with_agents_are_recorded_while_the_two_are_together() {
    if !is_installed().unwrap() {
        return;
    }
    let mut rig = start("fs-record");
    Callees::write(&rig.logs).unwrap();
    let (callees, _) = voices(&rig);
    let pattern = ["--recording", "{date}/{campaign}-{agent}-{attempt}.wav"];
    let place = ["--context", "records"];
    rig.campaign("kept", &[&pattern[..], &place, ONCE].concat())
        .unwrap();
    rig.log_in("kept", 1).unwrap();
    rig.outdial(&["campaign", "start", "kept"]).unwrap();

    the_customer_leaves_first(&rig);
    the_agent_leaves_first(&rig, &callees);
}

fn the_customer_leaves_first(rig: &FsRig) {
    let number = number(0, 3, 1);
    rig.insert("kept", std::slice::from_ref(&number)).unwrap();
    let row = row(rig, &number, LATER);
    assert_eq!(row.outcome, "completed", "{row:?}");
    let name = recording(rig, &number);
    assert!(name.contains("/kept-1001-"), "{name}");
    let file = rig.pbx.run_dir().join("recordings").join(&name);
    let kept = wait_until("the recording's end", SOON, || {
        let kept = seconds(&file);
        Ok((kept > 2.5).then_some(kept))
    });
    let kept = kept.unwrap();
    assert!((2.5..3.6).contains(&kept), "{kept} s of 3");
    let sound = fs::read(&file).unwrap();
    let loud = sound[44..].chunks(2).filter(|s| {
        let sample = i16::from_le_bytes([s[0], s[1]]);
        sample.unsigned_abs() > 2_000
    });
    let loud = loud.count();
    assert!(loud > 500, "{loud} loud samples of a hello");
}

/// What comes after him in the dialplan is not on it.
fn the_agent_leaves_first(rig: &FsRig, callees: &Carrier) {
    let number = number(1, 0, 2);
    rig.insert("kept", std::slice::from_ref(&number)).unwrap();
    let agent = wait_until("the talk", SOON, || {
        let shown = rig.pbx.cli("show channels")?;
        let node = &rig.sidecar.node;
        let talks = rig.pbx.show("calls")?.contains("bridged");
        let uuids = shown
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').next());
        let agent = uuids
            .filter(|uuid| uuid.len() > 20 && !uuid.starts_with(&format!("{node}-")))
            .map(str::to_owned)
            .next();
        Ok(agent.filter(|_| talks))
    })
    .unwrap();
    rig.pbx.cli(&format!("sched_hangup +2 {agent}")).unwrap();
    assert_eq!(rig.pbx.global("AFTER", SOON).unwrap(), "CONNECTED");
    let row = row(rig, &number, LATER);
    let call = call(callees, &number);
    let lasted = call.ended.unwrap() - call.answered.unwrap();
    assert!(lasted > 3.9, "{lasted} s: {row:?}");
    let file = rig
        .pbx
        .run_dir()
        .join("recordings")
        .join(recording(rig, &number));
    let kept = seconds(&file);
    assert!(
        kept > 1.5 && kept < lasted - 1.5,
        "{kept} s of {lasted}: {row:?}"
    );
}
