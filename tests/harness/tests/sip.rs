//! What carriers say before a call is up, over PJSIP: row, legs, trunk and the carriers' own logs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use outdial_harness::carrier::Call;
use outdial_harness::trunk::endpoint;
use outdial_harness::truth::{Attempt, attempts, compare, outcomes};
use outdial_harness::wait::wait_for;
use outdial_harness::{Carrier, Rig, RigOptions, ports};

const AGENTS: u32 = 16;
const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(60);

/// Numbers in São Paulo go to the carrier of `carrier.xml`; those of Rio to the one of `awkward.xml`,
/// those of Minas to the same one by an account's name, those of Paraná to a port where nobody is. For
/// each of them a second carrier, where all numbers are answered, is the way round.
const SP: u32 = 11;
const RIO: u32 = 21;
const MINAS: u32 = 31;
const PARANA: u32 = 41;

/// The number that has the scenario do what the digits of `plan` say there.
fn number(area: u32, plan: u32, serial: u32) -> String {
    format!("55{area}9{plan:03}{serial:05}")
}

/// What must become of a number.
struct Case {
    what: &'static str,
    area: u32,
    plan: u32,
    row: Row,
    /// Which carriers saw it, in turn, and what they say of its end.
    seen: &'static str,
    number: String,
}

/// What must be in its row.
#[derive(Debug, PartialEq)]
struct Row {
    outcome: String,
    detail: String,
    sip: Option<i16>,
    q850: Option<i16>,
    trunk: String,
    legs: i16,
    charged: bool,
}

fn row(outcome: &str, detail: &str, ends: (i16, i16), trunk: &str, legs: i16) -> Row {
    Row {
        outcome: outcome.into(),
        detail: detail.into(),
        sip: (ends.0 > 0).then_some(ends.0),
        q850: (ends.1 > 0).then_some(ends.1),
        trunk: trunk.into(),
        legs,
        charged: outcome != "congested",
    }
}

/// The carrier's word is the last one.
fn told(outcome: &str, sip: i16, q850: i16) -> Row {
    row(outcome, &format!("sip {sip}"), (sip, q850), "carrier", 1)
}

/// It is answered, after all, over the second carrier.
fn round() -> Row {
    row("completed", "", (200, 16), "second", 2)
}

fn case(what: &'static str, area: u32, plan: u32, row: Row, seen: &'static str) -> Case {
    let number = String::new();
    Case {
        what,
        area,
        plan,
        row,
        seen,
        number,
    }
}

fn cases() -> Vec<Case> {
    let up = || row("completed", "", (200, 16), "carrier", 1);
    let rang = |trunk| row("no_answer", "ring timeout", (0, 16), trunk, 1);
    let busy = |trunk| row("busy", "sip 486", (486, 17), trunk, 1);
    // What takes longest comes first.
    let mut cases = vec![
        case("no reply", SP, 801, round(), "carrier live, second bye_out"),
        case(
            "late reply",
            RIO,
            401,
            round(),
            "awkward cancelled, second bye_out",
        ),
        case("qualify", PARANA, 1, round(), "second bye_out"),
        case("180", SP, 11, up(), "carrier bye_out"),
        case("183", SP, 904, up(), "carrier bye_out"),
        case("183, 486", RIO, 220, busy("awkward"), "awkward 486"),
        case("183, 180", RIO, 310, rang("awkward"), "awkward cancelled"),
        case("486", SP, 300, busy("carrier"), "carrier 486"),
        case("603", SP, 600, told("busy", 603, 21), "carrier 603"),
        case("404", SP, 500, told("invalid", 404, 1), "carrier 404"),
        case("503", SP, 401, round(), "carrier 503, second bye_out"),
        case(
            "180, 503",
            SP,
            410,
            told("congested", 503, 34),
            "carrier 503",
        ),
        case("302", SP, 701, round(), "carrier 302, second bye_out"),
        case(
            "180, 302",
            SP,
            710,
            told("congested", 302, 0),
            "carrier 302",
        ),
        case("no answer", SP, 210, rang("carrier"), "carrier cancelled"),
        case(
            "answer crosses CANCEL",
            RIO,
            0,
            rang("awkward"),
            "awkward answered",
        ),
        case(
            "answer after CANCEL",
            RIO,
            20,
            rang("awkward"),
            "awkward answered",
        ),
        case("from_user", MINAS, 200, busy("account"), "awkward 486"),
    ];
    for (serial, case) in (100..).zip(&mut cases) {
        case.number = number(case.area, case.plan, serial);
    }
    cases
}

struct Carriers {
    second: Carrier,
    awkward: Carrier,
}

/// Carriers, endpoints, trunks and routes.
fn build(rig: &Rig) -> Carriers {
    let second = rig.callees("second", "carrier", &[]).unwrap();
    let awkward = rig.callees("awkward", "awkward", &[]).unwrap();
    let nobody = ports::free().unwrap();
    let qualified = "qualify_frequency = 1\nqualify_timeout = 0.5";
    for (name, port, more, aor) in [
        ("second", second.port, "", ""),
        ("awkward", awkward.port, "", ""),
        ("account", awkward.port, "from_user = customer77", ""),
        ("nobody", nobody, "", qualified),
    ] {
        rig.pjsip(name, &endpoint(name, port, more, aor)).unwrap();
    }
    // The first three digits of all numbers here are 55 and an area; the next four are 9 and the plan.
    let answered = ["--strip", "6", "--prepend", "551190"];
    rig.trunk("second", "55", &answered).unwrap();
    rig.trunk("awkward", "5521", &[]).unwrap();
    rig.trunk("account", "5531", &[]).unwrap();
    rig.trunk("nobody", "5541", &[]).unwrap();
    rig.outdial(&["routes", "add", "--trunk", "carrier", "--prefix", "5511"])
        .unwrap();
    wait_for("qualify to notice", SOON, || {
        Ok(rig.pbx.cli("pjsip show contacts")?.contains("Unavail"))
    })
    .unwrap();
    Carriers { second, awkward }
}

/// The calls of one number, as all carriers saw them: the last five digits are its own.
fn calls_of(all: &[(&'static str, Call)], number: &str) -> String {
    let serial = &number[number.len() - 5..];
    let own = all.iter().filter(|(_, call)| call.number.ends_with(serial));
    let said = own.map(|(carrier, call)| {
        let ending = match (*carrier, call.verdict()) {
            // The carriers that answer for good say who hung up.
            ("carrier" | "second", "answered") => call.ending.as_deref().unwrap_or("live"),
            (_, verdict) => verdict,
        };
        format!("{carrier} {ending}")
    });
    said.collect::<Vec<_>>().join(", ")
}

fn all_calls(rig: &Rig, carriers: &Carriers) -> Vec<(&'static str, Call)> {
    let mut all = Vec::new();
    for (name, carrier) in [
        ("carrier", &rig.carrier),
        ("second", &carriers.second),
        ("awkward", &carriers.awkward),
    ] {
        all.extend(
            carrier
                .calls()
                .unwrap()
                .into_iter()
                .map(|call| (name, call)),
        );
    }
    all.sort_by(|a, b| a.1.invited.total_cmp(&b.1.invited));
    all
}

#[test]
fn what_carriers_say_before_a_call_is_up() {
    let options = RigOptions {
        burst: 10,
        ..RigOptions::default()
    };
    let mut rig = Rig::start("sip", options).unwrap();
    let carriers = build(&rig);
    let mut rules = vec!["--ring-timeout-ms", "2000", "--wrap-up-ms", "0"];
    rules.extend(["--max-attempts", "1", "--retry", "congested=never"]);
    rig.campaign("all", &rules).unwrap();
    rig.log_in("all", AGENTS).unwrap();

    let cases = cases();
    // The callee answers just when the engine gives up.
    let close: Vec<String> = (0..24).map(|n| number(SP, 41, 1_000 + n)).collect();
    let hasty: Vec<String> = (0..10).map(|n| number(RIO, 100, 2_000 + n)).collect();
    let numbers: Vec<String> = cases.iter().map(|case| case.number.clone()).collect();
    rig.insert("all", &[numbers, close.clone(), hasty.clone()].concat())
        .unwrap();
    rig.outdial(&["campaign", "start", "all"]).unwrap();
    rig.wait_leads("all", &["done"], LATER).unwrap();

    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    nothing_is_left(&mut rig, &carriers);
    let all = all_calls(&rig, &carriers);
    let differences: Vec<String> = cases
        .iter()
        .filter_map(|case| difference(case, &rows, &all))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    alerting_is_in_the_rows(&cases, &rows);
    a_redirection_leads_nowhere(&all);
    each_trunk_shows_its_caller_id(&carriers);
    crossings_are_settled(&rig, &rows, &close);
    hasty_callees_are_over(&rows, &hasty);
}

/// What differs between a case and what came of it.
fn difference(case: &Case, rows: &[Attempt], all: &[(&'static str, Call)]) -> Option<String> {
    let own: Vec<&Attempt> = rows
        .iter()
        .filter(|row| row.number == case.number)
        .collect();
    let [attempt] = own.as_slice() else {
        return Some(format!("{}: {} attempts", case.what, own.len()));
    };
    let is = Row {
        outcome: attempt.outcome.clone(),
        detail: attempt.detail.clone(),
        sip: attempt.sip,
        // Asterisk's own cause for a 302 comes before or after the dialing thread looks for it.
        q850: attempt.q850.filter(|_| attempt.sip != Some(302)),
        trunk: attempt.trunk.clone(),
        legs: attempt.legs,
        charged: attempt.charged,
    };
    let seen = calls_of(all, &case.number);
    let agent = attempt.agent.is_some() == (case.row.outcome == "completed");
    if is == case.row && seen == case.seen && agent {
        return None;
    }
    Some(format!(
        "{}:\n  row      {is:?}\n  expected {:?}\n  seen     {seen}\n  expected {}\n  agent    {:?}",
        case.what, case.row, case.seen, attempt.agent
    ))
}

/// Every call has ended on both sides, and every agent waits.
fn nothing_is_left(rig: &mut Rig, carriers: &Carriers) {
    rig.wait_agents("available", AGENTS as usize, SOON).unwrap();
    wait_for("no call live, and the agents' channels only", SOON, || {
        Ok(rig.live()? == 0 && rig.pbx.channels()? == AGENTS as usize)
    })
    .unwrap();
    wait_for("the carriers' last words", SOON, || {
        // No reply at all: that carrier knows of no end either.
        let open = |call: &Call| call.ended.is_none() && !call.number.starts_with("551198");
        Ok(!all_calls(rig, carriers).iter().any(|(_, call)| open(call)))
    })
    .unwrap();
    assert_eq!(rig.agents[0].hung_up().unwrap(), 0, "no agent was lost");
}

/// 180 is ringing, 183 alone is not.
fn alerting_is_in_the_rows(cases: &[Case], rows: &[Attempt]) {
    for (what, ringing) in [
        ("180", true),
        ("183", false),
        ("183, 486", false),
        ("183, 180", true),
    ] {
        let case = cases.iter().find(|case| case.what == what).unwrap();
        let row = rows.iter().find(|row| row.number == case.number).unwrap();
        assert_eq!(row.ringing.is_some(), ringing, "{what}: {row:?}");
    }
}

/// Nothing arrives at the Contact of a 302.
fn a_redirection_leads_nowhere(all: &[(&'static str, Call)]) {
    let followed = all
        .iter()
        .filter(|(_, call)| call.number == "5511999999999");
    assert_eq!(followed.count(), 0);
}

/// `from_user` takes the caller id's place, and hides it.
fn each_trunk_shows_its_caller_id(carriers: &Carriers) {
    let notes = carriers.awkward.notes().unwrap();
    let shown = |area: &str| -> Vec<&str> {
        let own = notes.iter().filter(|note| note.number.starts_with(area));
        own.filter_map(|note| note.what.strip_prefix("from:"))
            .collect()
    };
    assert_eq!(shown("5531"), ["customer77"]);
    assert!(!shown("5521").is_empty());
    assert!(shown("5521").iter().all(|from| *from == "551140000000"));
}

/// Whoever was first, table and carrier agree, and nobody was left on the line.
fn crossings_are_settled(rig: &Rig, rows: &[Attempt], close: &[String]) {
    let rows: Vec<Attempt> = rows
        .iter()
        .filter(|r| close.contains(&r.number))
        .cloned()
        .collect();
    let mut calls = rig.carrier.calls().unwrap();
    calls.retain(|call| close.contains(&call.number));
    compare(&rows, &calls, None).unwrap();
    assert_eq!((rows.len(), calls.len()), (close.len(), close.len()));
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for call in &calls {
        let how = format!(
            "{} {}",
            call.verdict(),
            call.ending.as_deref().unwrap_or("-")
        );
        *ends.entry(how).or_default() += 1;
    }
    println!(
        "answered as the ringing ended: {:?}; the carrier: {ends:?}",
        outcomes(&rows)
    );
    for row in &rows {
        assert!(row.agent.is_some() == row.bridged.is_some(), "{row:?}");
        assert!(
            ["completed", "abandoned", "no_answer"].contains(&row.outcome.as_str()),
            "{row:?}"
        );
    }
}

/// The callee's BYE came before the PBX could do anything: an answered call all the same.
fn hasty_callees_are_over(rows: &[Attempt], hasty: &[String]) {
    let rows: Vec<&Attempt> = rows.iter().filter(|r| hasty.contains(&r.number)).collect();
    assert_eq!(rows.len(), hasty.len());
    for row in rows {
        assert!(
            row.answered.is_some() && row.charged && row.legs == 1,
            "{row:?}"
        );
        assert!(
            ["completed", "abandoned"].contains(&row.outcome.as_str()),
            "{row:?}"
        );
        assert_eq!((row.sip, row.q850), (Some(200), Some(16)), "{row:?}");
    }
}
