//! CDR and CEL of outdial's channels, as cdr_csv and cel_custom write them on the real PBX.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use outdial_harness::wait::{wait_for, wait_until};
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(60);

const CDR: &str = "[general]\nenable = yes\nunanswered = yes\n\
    [csv]\nusegmtime = yes\nloguniqueid = yes\nloguserfield = yes\n";
const CEL: &str = "[general]\nenable = yes\napps = outdialconnect\nevents = ALL\n";
const CEL_CUSTOM: &str = "[mappings]\ncel.csv => \
    ${eventtype},${CHANNEL(accountcode)},${CHANNEL(userfield)},${CHANNEL(uniqueid)}\n";

/// One line of cdr_csv.
#[derive(Clone, Debug)]
struct Cdr {
    account: String,
    channel: String,
    peer: String,
    app: String,
    billed: u32,
    disposition: String,
    id: String,
    user: String,
}

/// Asterisk writes both kinds of records from now on.
fn switch_on(rig: &Rig) {
    let asterisk = &rig.pbx;
    for folder in ["cdr-csv", "cel-custom"] {
        fs::create_dir_all(asterisk.run_dir().join("log").join(folder)).unwrap();
    }
    asterisk.write_etc("cdr.conf", CDR).unwrap();
    asterisk.write_etc("cel.conf", CEL).unwrap();
    asterisk.write_etc("cel_custom.conf", CEL_CUSTOM).unwrap();
    for line in [
        "module reload cdr",
        "module reload cel",
        "module load cdr_csv.so",
        "module load res_cdrel_custom.so",
        "module load cel_custom.so",
    ] {
        // Not every version has each of these modules.
        let _ = asterisk.cli(line);
    }
    let said = asterisk.cli("cdr show status").unwrap();
    assert!(said.contains("csv"), "{said}");
    let said = asterisk.cli("cel show status").unwrap();
    assert!(
        said.contains("Enabled") && said.contains("Custom"),
        "{said}"
    );
}

fn read(rig: &Rig, file: &str) -> String {
    let path = rig.pbx.run_dir().join("log").join(file);
    fs::read_to_string(path).unwrap_or_default()
}

fn cdrs(rig: &Rig) -> Vec<Cdr> {
    let parse = |line: &str| {
        // No field here has a comma in it.
        let fields: Vec<&str> = line.split(',').map(|f| f.trim_matches('"')).collect();
        assert_eq!(fields.len(), 18, "{line}");
        Cdr {
            account: fields[0].into(),
            channel: fields[5].into(),
            peer: fields[6].into(),
            app: fields[7].into(),
            billed: fields[13].parse().unwrap(),
            disposition: fields[14].into(),
            id: fields[16].into(),
            user: fields[17].into(),
        }
    };
    read(rig, "cdr-csv/Master.csv").lines().map(parse).collect()
}

/// Attempt and lead by number.
fn attempts(rig: &Rig) -> BTreeMap<String, (i64, i64, String)> {
    let query = "SELECT number, attempt_id, lead_id, outcome FROM outdial.attempts";
    let rows = rig.sidecar.sql().unwrap().query(query, &[]).unwrap();
    rows.iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3))))
        .collect()
}

#[test]
fn each_leg_has_one_cdr_that_names_campaign_attempt_and_lead() {
    let mut rig = Rig::start("records", RigOptions::default()).unwrap();
    switch_on(&rig);
    let once = ["--max-attempts", "1", "--wrap-up-ms", "100"];
    let three = ["--mode", "power", "--ratio", "3"];
    // Nine seconds of it.
    let message = ["--message", "tt-allbusy", "--connect-limit-ms", "1000"];
    let options = [&once[..], &three, &message].concat();
    rig.campaign("spring", &options).unwrap();
    rig.log_in("spring", 1).unwrap();

    // Three dials for one agent: who answers first is served, the others hear the message.
    let answered: Vec<String> = [(0, 1), (2, 2), (2, 3)]
        .map(|(ring, serial)| Fate::Answer(9).number(ring, serial))
        .into();
    rig.insert("spring", &answered).unwrap();
    rig.outdial(&["campaign", "start", "spring"]).unwrap();
    rig.wait_attempts(3, LATER).unwrap();
    let unanswered = [Fate::Busy.number(0, 4), Fate::Unknown.number(0, 5)];
    rig.insert("spring", &unanswered).unwrap();
    rig.wait_attempts(5, LATER).unwrap();

    let rows = attempts(&rig);
    let id = |number: &str| format!("{}-{}-1", rig.sidecar.node, rows[number].0);
    let all = wait_until("five records", SOON, || {
        let all = cdrs(&rig);
        Ok((all.len() >= 5).then_some(all))
    })
    .unwrap();
    for number in answered.iter().chain(&unanswered) {
        let (attempt, lead, outcome) = &rows[number];
        let mine: Vec<&Cdr> = all.iter().filter(|cdr| cdr.id == id(number)).collect();
        assert_eq!(mine.len(), 1, "{number}, {outcome}: {all:#?}");
        let cdr = mine[0];
        assert_eq!(cdr.account, "spring", "{cdr:?}");
        assert!(cdr.channel.starts_with("PJSIP/carrier-"), "{cdr:?}");
        let user = format!("outdial:{attempt}:{lead}");
        let (disposition, user, peer, billed) = match outcome.as_str() {
            "completed" => (
                "ANSWERED",
                format!("{user};outdial:agent:1001"),
                "PJSIP/agents-",
                8..11,
            ),
            // A second of waiting, and the message: Asterisk alone makes one for each.
            "abandoned" => ("ANSWERED", user, "", 8..11),
            "busy" => ("BUSY", user, "", 0..1),
            // A 404: to Asterisk whatever is neither busy nor congestion was not answered.
            _ => ("NO ANSWER", user, "", 0..1),
        };
        assert_eq!(cdr.user, user, "{cdr:?}");
        assert_eq!(cdr.disposition, disposition, "{cdr:?}");
        assert!(cdr.peer.starts_with(peer), "{cdr:?}");
        assert!(billed.contains(&cdr.billed), "{cdr:?}");
        if disposition == "ANSWERED" {
            assert_eq!(cdr.app, "OutdialConnect", "{cdr:?}");
        }
    }
    let outcome = |number: &String| rows[number].2.as_str();
    let outcomes: Vec<&str> = answered.iter().map(outcome).collect();
    for both in ["abandoned", "completed"] {
        assert!(outcomes.contains(&both), "{outcomes:?}");
    }
    assert_eq!(all.len(), 5, "the agent's come with the log-off: {all:#?}");

    cel_has_them_too(&rig, &rows);
    the_agents_channel_is_named(&rig);
    unloading_leaves_cdrs_to_asterisk(&rig);
}

fn cel_has_them_too(rig: &Rig, rows: &BTreeMap<String, (i64, i64, String)>) {
    let node = rig.sidecar.node.clone();
    let cel = read(rig, "cel-custom/cel.csv");
    for (attempt, lead, outcome) in rows.values() {
        let end = format!("CHAN_END,spring,outdial:{attempt}:{lead},{node}-{attempt}-1");
        let ends = cel.lines().filter(|line| **line == *end).count();
        assert_eq!(ends, 1, "{outcome}: {end}: {cel}");
        let answer = format!("ANSWER,spring,outdial:{attempt}:{lead},{node}-{attempt}-1");
        let answers = cel.lines().filter(|line| **line == *answer).count();
        let expected = usize::from(["completed", "abandoned"].contains(&outcome.as_str()));
        assert_eq!(answers, expected, "{outcome}: {cel}");
    }
    assert!(cel.contains("BRIDGE_ENTER,"), "{cel}");
}

fn the_agents_channel_is_named(rig: &Rig) {
    rig.pbx.cli("outdial agent logout 1001").unwrap();
    let query = |cdr: &Cdr| cdr.user == "outdial:agent:1001";
    wait_for("the agent's records", SOON, || {
        Ok(cdrs(rig).iter().any(query))
    })
    .unwrap_or_else(|error| panic!("{error:#}: {:#?}", cdrs(rig)));
    let cel = read(rig, "cel-custom/cel.csv");
    assert!(cel.contains(",outdial:agent:1001,"), "{cel}");
}

/// With the module gone, records are made as if it had never been there.
fn unloading_leaves_cdrs_to_asterisk(rig: &Rig) {
    wait_for("the unload", SOON, || {
        let said = rig.pbx.cli("module unload res_outdial.so");
        Ok(said.is_ok_and(|said| said.contains("Unloaded")))
    })
    .unwrap();
    let before = cdrs(rig).len();
    let line = "channel originate Local/9001@agents application Wait 1";
    rig.pbx.cli(line).unwrap();
    wait_for("more records", SOON, || {
        let all = cdrs(rig);
        Ok(all.len() > before && all.last().is_some_and(|cdr| cdr.user.is_empty()))
    })
    .unwrap();
}
