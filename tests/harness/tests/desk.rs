//! What an agent does by keys of the telephone, what a transfer leaves behind, and who listens.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);

/// The agent's telephone is a robot that hums, and presses what the global variable PRESS says.
const DIALPLAN: &str = r#"
[desk-in]
exten => in,1,Answer()
 same => n,Set(__TRANSFER_CONTEXT=transfers)
 same => n,OutdialAgent(1001,a(beep)t)
 same => n,Set(GLOBAL(LEFT)=${OUTDIAL_STATUS})
exten => mute,1,Answer()
 same => n,OutdialAgent(1001,a(no-such-sound))
 same => n,Set(GLOBAL(NO_SOUND)=${OUTDIAL_STATUS})

[robot]
exten => robot,1,PlayTones(425)
 same => n(again),Set(KEY=${GLOBAL(PRESS)})
 same => n,GotoIf($["${KEY}" = ""]?idle)
 same => n,Set(GLOBAL(PRESS)=)
 same => n,SendDTMF(${KEY},100,100)
 same => n,PlayTones(425)
 same => n(idle),Wait(0.1)
 same => n,Goto(again)

[transfers]
exten => 700,1,Set(GLOBAL(MOVED)=${OUTDIAL(campaign)}/${OUTDIAL(agent)}/${OUTDIAL(lead.none)})
 same => n,Wait(4)
 same => n,Hangup()

exten => _70[12],1,Answer()
 same => n,Set(GLOBAL(CONSULTED${EXTEN})=yes)
 same => n,Wait(60)

[survey]
exten => s,1,OutdialConnect()
 same => n,Set(GLOBAL(AFTER)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(contacted)
 same => n,Set(GLOBAL(SURVEY)=${OUTDIAL_STATUS})
 same => n,Hangup()

[spies]
exten => spy,1,Answer()
 same => n,OutdialMonitor(1001,whisper)
 same => n,Set(GLOBAL(SPIED)=${OUTDIAL_STATUS})
exten => wrong,1,OutdialMonitor(1001,shout)
 same => n,Set(GLOBAL(WRONG_MODE)=${OUTDIAL_STATUS})
 same => n,OutdialMonitor(1002)
 same => n,Set(GLOBAL(NOBODY)=${OUTDIAL_STATUS})
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

fn global(rig: &Rig, name: &str) -> String {
    rig.pbx.global(name, SOON).unwrap()
}

/// Half a second later: what is pressed during a beep is lost.
fn press(rig: &Rig, keys: &str) {
    rig.pbx
        .cli(&format!("dialplan set global PRESS w{keys}"))
        .unwrap();
}

/// How often the log has all of these in one line.
fn logged(rig: &Rig, words: &[&str]) -> usize {
    let log = rig.pbx.log();
    let all = |line: &&str| words.iter().all(|word| line.contains(word));
    log.lines().filter(all).count()
}

fn wait_logged(rig: &Rig, times: usize, words: &[&str]) {
    wait_for(&format!("{times} times {words:?}"), SOON, || {
        Ok(logged(rig, words) >= times)
    })
    .unwrap();
}

fn text(rig: &Rig, sql: &str) -> String {
    rig.sidecar.text(sql).unwrap()
}

fn call(rig: &Rig, campaign: &str, fate: Fate, serial: u32) -> String {
    let number = fate.number(0, serial);
    rig.insert(campaign, std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", campaign]).unwrap();
    number
}

fn wait_done(rig: &Rig, number: &str, detail: &str, reason: &str) {
    let sql = format!(
        "SELECT count(*) FROM outdial.attempts a JOIN outdial.leads l
           ON l.campaign_id = a.campaign_id AND l.id = a.lead_id
         WHERE a.number = '{number}' AND a.outcome = 'completed' AND a.detail = '{detail}'
           AND l.status = 'done' AND l.reason = '{reason}'"
    );
    wait_for("the result", SOON, || Ok(rig.sidecar.count(&sql)? == 1)).unwrap_or_else(|error| {
        let all = text(
            rig,
            "SELECT string_agg(concat_ws(' ', number, outcome, detail, disposition), '; ')
             FROM outdial.attempts",
        );
        panic!("{error:#}: {all}")
    });
}

#[test]
fn an_agent_works_by_keys_and_calls_go_on_without_him() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        settings: KEYS.into(),
        ..RigOptions::default()
    };
    let rig = Rig::start("desk-keys", options).unwrap();
    let pattern = "{date}/{campaign}-{agent}-{number}-{attempt}.wav";
    rig.campaign(
        "desk",
        &[
            "--wrap-up-ms",
            "60000",
            "--context",
            "survey",
            "--recording",
            pattern,
        ],
    )
    .unwrap();
    let refused = ["campaign", "set", "desk", "--recording", "../{attempt}.wav"];
    let why = rig.sidecar.outdial_fails(&refused).unwrap();
    assert!(
        why.contains("recording") && why.contains("{date}/{campaign}"),
        "{why}"
    );
    for agent in ["1001", "1002"] {
        rig.outdial(&["agents", "add", agent, "--campaign", "desk"])
            .unwrap();
    }
    let cli = |line: &str| rig.pbx.cli(line).unwrap();
    cli("channel originate Local/mute@desk-in application Wait 1");
    assert_eq!(global(&rig, "NO_SOUND"), "ERROR");
    cli("channel originate Local/in@desk-in/n extension robot@robot");
    rig.wait_agents("available", 1, SOON).unwrap();

    he_pauses_and_comes_back(&rig);
    he_holds_disposes_and_hangs_up(&rig);
    he_is_not_heard_while_muted(&rig);
    a_transferred_call_goes_on(&rig);
    a_call_is_handed_over_after_a_word(&rig);
    three_talk(&rig);
    a_survey_follows_the_agent(&rig);
    a_supervisor_listens(&rig);
}

fn he_pauses_and_comes_back(rig: &Rig) {
    press(rig, "*1");
    rig.wait_agents("paused", 1, SOON).unwrap();
    assert!(
        rig.pbx
            .cli("outdial show agents")
            .unwrap()
            .contains("lunch")
    );
    press(rig, "*2");
    rig.wait_agents("available", 1, SOON).unwrap();
    // Nothing to hold, nobody to hang up: he hears that it was not done.
    press(rig, "*3");
    wait_logged(rig, 1, &["Playing 'beeperr"]);
    press(rig, "*0");
    wait_logged(rig, 1, &["Key *0", "the agent has no call"]);
    let refused = logged(rig, &["Playing 'beeperr"]);
    press(rig, "*4");
    wait_logged(rig, refused + 1, &["Playing 'beeperr"]);
}

fn he_holds_disposes_and_hangs_up(rig: &Rig) {
    let beeps = logged(rig, &["Playing 'beep."]);
    let number = call(rig, "desk", Fate::AnswerStay, 1);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    wait_logged(rig, beeps + 1, &["Playing 'beep.", "Local/in@desk-in"]);
    press(rig, "*3");
    wait_logged(rig, 1, &["Started music on hold", "PJSIP/carrier"]);
    press(rig, "*3");
    wait_logged(rig, 1, &["Stopped music on hold", "PJSIP/carrier"]);
    press(rig, "*82");
    wait_logged(rig, 1, &["Key *82", "there is no disposition"]);
    press(rig, "*81");
    wait_for("the disposition", SOON, || {
        Ok(logged(rig, &["Playing 'beep.", "Local/in@desk-in"]) >= beeps + 2)
    })
    .unwrap();
    press(rig, "*0");
    wait_done(rig, &number, "agent ended the call", "sale");
    it_was_recorded(rig, &number);
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn a_transferred_call_goes_on(rig: &Rig) {
    let number = call(rig, "desk", Fate::AnswerStay, 2);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    press(rig, "#1ww700");
    assert_eq!(global(rig, "MOVED"), "desk/1001/");
    rig.wait_agents("wrap_up", 1, SOON).unwrap();
    let live = format!(
        "SELECT count(*)::text FROM outdial.attempts WHERE number = '{number}' AND ended_at IS NOT NULL"
    );
    assert_eq!(text(rig, &live), "0", "it goes on");
    press(rig, "*7");
    rig.wait_agents("available", 1, SOON).unwrap();
    wait_done(rig, &number, "", "completed");
}

/// Packets of sound that the customer was sent.
fn sent(rig: &Rig) -> u64 {
    let stats = rig.pbx.cli("pjsip show channelstats").unwrap();
    let line = stats.lines().find(|line| line.contains("carrier-"));
    let columns: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    let codec = columns.iter().position(|c| *c == "ulaw");
    let count = codec.and_then(|at| columns.get(at + 5)).map(|c| c.parse());
    count.unwrap_or_else(|| panic!("{stats}")).unwrap()
}

fn wait_heard(rig: &Rig) {
    let before = sent(rig);
    wait_for(
        "sound at the customer",
        SOON,
        || Ok(sent(rig) > before + 20),
    )
    .unwrap();
}

fn he_is_not_heard_while_muted(rig: &Rig) {
    let mute = || {
        let done = logged(rig, &["Playing 'beep.", "Local/in@desk-in"]);
        press(rig, "*4");
        wait_logged(rig, done + 1, &["Playing 'beep.", "Local/in@desk-in"]);
    };
    // The robot hums between the keys.
    let other_keys = || {
        for _ in 0..3 {
            let before = logged(rig, &["Key *82"]);
            press(rig, "*82");
            wait_logged(rig, before + 1, &["Key *82"]);
        }
    };
    let number = call(rig, "desk", Fate::AnswerStay, 6);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    wait_heard(rig);
    mute();
    let before = sent(rig);
    other_keys();
    assert_eq!(sent(rig), before, "not a word");
    mute();
    wait_heard(rig);
    mute();
    he_ends_it(rig, &number);

    // That was for one call.
    let number = call(rig, "desk", Fate::AnswerStay, 7);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    wait_heard(rig);
    he_ends_it(rig, &number);
}

/// By key, and the wrap-up too.
fn he_ends_it(rig: &Rig, number: &str) {
    press(rig, "*0");
    rig.wait_agents("wrap_up", 1, SOON).unwrap();
    press(rig, "*7");
    rig.wait_agents("available", 1, SOON).unwrap();
    wait_done(rig, number, "agent ended the call", "completed");
}

/// The table knows the file, and it has sound in it.
fn it_was_recorded(rig: &Rig, number: &str) {
    let name = text(
        rig,
        &format!("SELECT recording FROM outdial.attempts WHERE number = '{number}'"),
    );
    let date = text(
        rig,
        &format!(
            "SELECT to_char(answered_at AT TIME ZONE 'UTC', 'YYYYMMDD') || '/desk-1001-' || number
               || '-' || attempt_id || '.wav' FROM outdial.attempts WHERE number = '{number}'"
        ),
    );
    assert_eq!(name, date);
    let file = rig.pbx.run_dir().join("spool/monitor").join(&name);
    let size = std::fs::metadata(&file).map_or(0, |meta| meta.len());
    assert!(
        size > 16_000,
        "{}: {size} bytes, more than a second",
        file.display()
    );
}

/// The channels in one bridge with the customer.
fn beside_the_customer(rig: &Rig) -> Vec<String> {
    let list = rig.pbx.cli("bridge show all").unwrap();
    let ids = list.lines().filter_map(|l| l.split_whitespace().next());
    for id in ids.filter(|id| id.contains('-')) {
        let inside = rig.pbx.cli(&format!("bridge show {id}")).unwrap();
        let channels: Vec<String> = inside
            .lines()
            .filter_map(|l| l.trim().strip_prefix("Channel: ").map(str::to_owned))
            .collect();
        if channels.iter().any(|c| c.contains("PJSIP/carrier")) {
            return channels;
        }
    }
    Vec::new()
}

fn wait_beside(rig: &Rig, who: &[&str]) {
    let mut beside = Vec::new();
    let done = wait_for("the bridge", SOON, || {
        beside = beside_the_customer(rig);
        let there = |name: &&&str| beside.iter().any(|c| c.contains(**name));
        Ok(beside.len() == who.len() + 1 && who.iter().all(|name| there(&name)))
    });
    done.unwrap_or_else(|error| panic!("{who:?} beside the customer: {beside:?}: {error:#}"));
}

fn hang_up(rig: &Rig, name: &str) {
    let channel = beside_the_customer(rig)
        .into_iter()
        .find(|c| c.contains(name))
        .unwrap();
    rig.pbx
        .cli(&format!("channel request hangup {channel}"))
        .unwrap();
}

/// Attended: the agent speaks with somebody else first, then leaves the two alone.
fn a_call_is_handed_over_after_a_word(rig: &Rig) {
    let number = call(rig, "desk", Fate::AnswerStay, 4);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    press(rig, "#2ww701");
    assert_eq!(global(rig, "CONSULTED701"), "yes");
    assert_eq!(rig.agents_in("on_call").unwrap(), 1, "he speaks with 701");
    press(rig, "#3");
    rig.wait_agents("wrap_up", 1, SOON).unwrap();
    wait_beside(rig, &["Local/701@"]);
    press(rig, "*7");
    rig.wait_agents("available", 1, SOON).unwrap();
    let ended = format!(
        "SELECT count(*)::text FROM outdial.attempts WHERE number = '{number}' AND ended_at IS NOT NULL"
    );
    assert_eq!(text(rig, &ended), "0", "the two go on");
    hang_up(rig, "Local/701@");
    wait_done(rig, &number, "", "contacted");
}

fn three_talk(rig: &Rig) {
    let number = call(rig, "desk", Fate::AnswerStay, 5);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    press(rig, "#2ww702");
    assert_eq!(global(rig, "CONSULTED702"), "yes");
    press(rig, "#4");
    wait_beside(rig, &["Local/702@", "Local/in@desk-in"]);
    assert_eq!(rig.agents_in("on_call").unwrap(), 1);
    hang_up(rig, "Local/702@");
    he_ends_it(rig, &number);
}

/// The agent hangs up with the key of features.conf or ours, or the customer stays for a survey.
fn a_survey_follows_the_agent(rig: &Rig) {
    let number = call(rig, "desk", Fate::AnswerStay, 3);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    let bridge = rig.pbx.cli("bridge show all").unwrap();
    let with_two = bridge
        .lines()
        .find(|l| l.contains("basic") && l.split_whitespace().any(|w| w == "2"))
        .and_then(|l| l.split_whitespace().next())
        .unwrap_or_else(|| panic!("no bridge of two: {bridge}"))
        .to_owned();
    let inside = rig.pbx.cli(&format!("bridge show {with_two}")).unwrap();
    let agent = inside
        .lines()
        .find_map(|l| {
            l.trim()
                .strip_prefix("Channel: ")
                .filter(|c| c.contains("Local/in@"))
        })
        .unwrap_or_else(|| panic!("no agent in it: {inside}"))
        .to_owned();
    rig.pbx
        .cli(&format!("bridge kick {with_two} {agent}"))
        .unwrap();
    assert_eq!(global(rig, "AFTER"), "CONNECTED");
    assert_eq!(global(rig, "SURVEY"), "OK");
    press(rig, "*7");
    wait_done(rig, &number, "", "contacted");
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn a_supervisor_listens(rig: &Rig) {
    let cli = |line: &str| rig.pbx.cli(line).unwrap();
    cli("channel originate Local/wrong@spies application Wait 1");
    assert_eq!(global(rig, "WRONG_MODE"), "ERROR");
    assert_eq!(global(rig, "NOBODY"), "UNKNOWN");
    cli("channel originate Local/spy@spies/n application Wait 60");
    wait_for("the spy", SOON, || {
        Ok(rig
            .pbx
            .cli("core show channels concise")?
            .contains("ChanSpy"))
    })
    .unwrap();
    press(rig, "*9");
    assert_eq!(global(rig, "LEFT"), "LOGGED_OFF");
    assert_eq!(global(rig, "SPIED"), "OK");
    rig.wait_agents("logged_out", 1, SOON).unwrap();
}
