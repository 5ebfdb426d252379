//! The console's commands that dialplan.rs does not try, and what `core show` says of applications and
//! functions, on the real PBX.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(40);

/// What the console says, or why it does not.
fn cli(rig: &Rig, line: &str) -> String {
    let said = rig.pbx.cli(line);
    said.unwrap_or_else(|error| format!("{error:#}"))
}

#[test]
fn the_console_commands_shows_reloads_and_debugs() {
    let mut rig = Rig::start("console", RigOptions::default()).unwrap();
    let once = ["--max-attempts", "1", "--wrap-up-ms", "0"];
    rig.campaign("calm", &once).unwrap();
    rig.log_in("calm", 1).unwrap();

    every_table_is_shown(&rig);
    campaigns_are_started_paused_and_stopped(&rig);
    words_and_names_are_completed(&rig);
    debug_lines_come_and_go(&rig);
    a_reload_says_what_it_did(&mut rig);
    drain_and_undrain(&rig);
}

fn every_table_is_shown(rig: &Rig) {
    for (table, heading) in [
        ("status", "liboutdial"),
        ("campaigns", "Why not more"),
        ("calls", "0 calls"),
        ("agents", "1 agent"),
        ("trunks", "CPS limit"),
    ] {
        let said = cli(rig, &format!("outdial show {table}"));
        assert!(said.contains(heading), "{table}: {said}");
        assert!(said.lines().all(|line| line.chars().count() <= 100));
    }
    for line in [
        "outdial show nonsense",
        "outdial show status now",
        "outdial campaign start",
        "outdial agent pause",
        "outdial drain all",
        "outdial reload now",
        "outdial set debug",
        "outdial set debug perhaps",
    ] {
        let said = cli(rig, line);
        let refused = said.contains("Usage: ") || said.contains("No such command");
        assert!(refused, "{line}: {said}");
    }
}

fn campaigns_are_started_paused_and_stopped(rig: &Rig) {
    let state = || {
        let said = cli(rig, "outdial show campaign calm");
        let line = said.lines().find(|l| l.starts_with("State")).unwrap_or("");
        line.split_whitespace().nth(1).unwrap_or("").to_owned()
    };
    for (word, becomes) in [
        ("start", "running"),
        ("pause", "paused"),
        ("start", "running"),
        ("stop", "stopped"),
    ] {
        cli(rig, &format!("outdial campaign {word} calm"));
        wait_for(&format!("campaign {becomes}"), SOON, || {
            Ok(state() == becomes)
        })
        .unwrap();
    }
    let said = cli(rig, "outdial campaign start nothing");
    assert!(said.contains("nothing"), "{said}");
}

/// As a console does when the tab key is pressed.
fn completions(rig: &Rig, line: &str) -> Vec<String> {
    // Its last argument is the word to be completed, which may be empty.
    let said = cli(rig, &format!("_command matchesarray \"{line}\" \"\""));
    let words = said
        .split_whitespace()
        .map(|w| w.trim_matches('"').to_owned());
    words.filter(|w| w != "_EOF_").collect()
}

fn words_and_names_are_completed(rig: &Rig) {
    let all = |line: &str| completions(rig, line).into_iter().collect::<BTreeSet<_>>();
    let words = all("outdial ");
    for word in [
        "agent", "campaign", "drain", "reload", "set", "show", "undrain",
    ] {
        assert!(words.contains(word), "{word}: {words:?}");
    }
    let words = all("outdial show ");
    for word in [
        "agents",
        "calls",
        "campaign",
        "campaigns",
        "status",
        "trunks",
        "why",
    ] {
        assert!(words.contains(word), "{word}: {words:?}");
    }
    assert!(all("outdial set ").contains("debug"));
    let words = all("outdial set debug ");
    assert!(words.contains("on") && words.contains("off"), "{words:?}");
    for line in ["outdial show why ", "outdial campaign start "] {
        assert!(all(line).contains("calm"), "{line}");
    }
    assert!(all("outdial agent pause ").contains("1001"));
}

fn debug_lines_come_and_go(rig: &Rig) {
    let number = |serial| Fate::Busy.number(0, serial);
    let dial = |serial: u32| {
        rig.insert("calm", &[number(serial)]).unwrap();
        rig.outdial(&["campaign", "start", "calm"]).unwrap();
        rig.wait_leads("calm", &["done"], LATER).unwrap();
    };
    let log = rig.pbx.run_dir().join("log/outdial-debug");
    let read = || fs::read_to_string(&log).unwrap_or_default();
    let name = log.display().to_string();
    cli(rig, &format!("logger add channel {name} debug"));
    let said = cli(rig, "outdial show status");
    assert!(said.contains("Debug         off"), "{said}");

    dial(1);
    assert!(!read().contains("engine"), "{}", read());
    let said = cli(rig, "outdial set debug on");
    assert!(
        said.contains("Debug is on") && said.contains("numbers"),
        "{said}"
    );
    let said = cli(rig, "outdial show status");
    assert!(said.contains("Debug         on"), "{said}");
    dial(2);
    wait_for("debug lines", SOON, || {
        let lines = read();
        let told = lines.contains("Told the engine: ") && lines.contains("SIP 486");
        Ok(told && lines.contains(&format!("as {}", number(2))))
    })
    .unwrap();
    assert!(!read().contains(&number(1)));
    // Asterisk itself says whom it calls, at verbose level.
    let log = rig.pbx.log();
    let mut ours = log.lines().filter(|line| !line.contains("VERBOSE"));
    assert!(
        !ours.any(|line| line.contains(&number(2))),
        "at debug level only"
    );

    let said = cli(rig, "outdial set debug off");
    assert!(said.contains("Debug is off"), "{said}");
    dial(3);
    assert!(!read().contains(&number(3)));
    cli(rig, "outdial set debug on");
    cli(rig, "module reload res_outdial.so");
    let said = cli(rig, "outdial show status");
    assert!(said.contains("Debug         off"), "{said}");
}

fn a_reload_says_what_it_did(rig: &mut Rig) {
    let said = cli(rig, "outdial reload");
    assert!(said.contains("says what it said before"), "{said}");
    let options = rig.pbx.options();
    options.settings = "max_calls = 321\ncontext = elsewhere\n[keys]\n*1 = unpause".into();
    options.node = "renamed".into();
    rig.pbx.write_config().unwrap();
    let said = cli(rig, "outdial reload");
    for line in [
        "max_calls: was 500, is 321 now",
        "context: was outdial, is elsewhere now",
        "[keys]: changed",
        "renamed needs a restart of Asterisk",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let said = cli(rig, "outdial show status");
    assert!(said.contains("of 321 call threads"), "{said}");
    assert!(
        said.contains(&format!("node {}", rig.sidecar.node)),
        "{said}"
    );
    rig.wait_healthy(SOON).unwrap();

    // The same by the loader, for the log.
    rig.pbx.options().settings = "max_calls = 322".into();
    rig.pbx.write_config().unwrap();
    cli(rig, "module reload res_outdial.so");
    rig.pbx
        .wait_log("max_calls: was 321, is 322 now", SOON)
        .unwrap();

    for (wrong, why) in [
        ("max_calls = many", "'max_calls' is a number"),
        ("ami_events = perhaps", "'ami_events' is yes or no"),
        ("ami_numbers = some", "'ami_numbers' is no, masked or yes"),
        ("nonsense = 1", "unknown key 'nonsense'"),
    ] {
        rig.pbx.options().settings = wrong.into();
        rig.pbx.write_config().unwrap();
        let said = cli(rig, "outdial reload");
        assert!(said.contains("is not applied"), "{wrong}: {said}");
        rig.pbx.wait_log(why, SOON).unwrap();
        let said = cli(rig, "outdial show status");
        assert!(said.contains("of 322 call threads"), "{wrong}: {said}");
    }
}

fn drain_and_undrain(rig: &Rig) {
    let said = cli(rig, "outdial drain");
    assert!(said.contains("Draining"), "{said}");
    rig.wait_agents("logged_out", 1, SOON).unwrap();
    wait_for("the drain", SOON, || {
        Ok(cli(rig, "outdial show status").contains("draining"))
    })
    .unwrap();
    let said = cli(rig, "outdial undrain");
    assert!(said.contains("Dialing goes on"), "{said}");
    wait_for("its end", SOON, || {
        Ok(!cli(rig, "outdial show status").contains("draining"))
    })
    .unwrap();
}
