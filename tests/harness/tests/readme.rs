//! Every command in the README is run as it stands there, in its order.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

use outdial_harness::process::run;
use outdial_harness::{Fate, Lead, Rig, RigOptions, Workspace};

/// What a test machine can't do, and where it is done instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("make demo", "its own test below"),
    ("make demo PBX=sim", "sim_pbx.rs runs the simulated PBX"),
    (
        "make demo PBX=freeswitch",
        "freeswitch.rs runs a whole campaign, where one is installed",
    ),
    ("make test", "runs this"),
    ("make", "installed by install.rs, into a folder"),
    (
        "sudo make install",
        "installed by install.rs, into a folder",
    ),
    (
        "sudo make -C asterisk-module samples",
        "install.rs, into a folder",
    ),
    (
        "sudo usermod -aG outdial asterisk",
        "a test does not change the machine's users",
    ),
    (
        "sudo systemctl enable --now outdial",
        "a test machine has no systemd",
    ),
    (
        "sudo systemctl restart asterisk",
        "a test machine has no systemd",
    ),
];

/// The lines of the README's fenced blocks of that language; `None` is a block without one.
fn commands(readme: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = None;
    for line in readme.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(opened), None) => inside = Some(opened == language),
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) if !line.trim().is_empty() => found.push(line.to_owned()),
            (None, _) => {}
        }
    }
    found
}

fn readme() -> String {
    fs::read_to_string(Workspace::ready().unwrap().root.join("README.md")).unwrap()
}

/// A shell that finds `outdial`, and its settings.
fn shell_with_outdial(rig: &Rig, line: &str) -> Command {
    let outdial = rig.sidecar.command::<&str>(&[]);
    let folder = Path::new(outdial.get_program()).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", line]);
    for (name, value) in outdial.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.env("PATH", path);
    shell
}

#[test]
fn every_command_works_as_it_stands() {
    let rig = Rig::start("readme", RigOptions::default()).unwrap();
    // The README starts from nothing.
    rig.outdial(&["trunks", "remove", "carrier"]).unwrap();
    let readme = readme();
    let folder = rig.logs.clone();
    let lead = |serial| Lead {
        fate: Fate::Busy,
        ring_half_seconds: 0,
        serial,
    };
    let rows: String = (0..20)
        .map(|serial| format!("Ana,{}\n", lead(serial).number()))
        .collect();
    fs::write(folder.join("leads.csv"), format!("name,phone\n{rows}")).unwrap();

    let shell = commands(&readme, "sh");
    assert!(shell.len() > 15, "{shell:?}");
    for line in &shell {
        if ELSEWHERE.iter().any(|(command, _)| command == line) {
            continue;
        }
        let said = run(shell_with_outdial(&rig, line).current_dir(&folder));
        // The doctor of a test machine may find fault with the machine.
        if line == "outdial doctor" {
            assert!(format!("{said:?}").contains("PostgreSQL"), "{said:?}");
            continue;
        }
        said.unwrap_or_else(|error| panic!("{line}: {error:#}"));
    }
    assert_eq!(
        rig.sidecar
            .count("SELECT count(*) FROM outdial.leads")
            .unwrap(),
        20
    );
    let running = "SELECT count(*) FROM outdial.campaigns WHERE state = 'running'";
    assert_eq!(rig.sidecar.count(running).unwrap(), 1);

    let console = readme
        .split("## In Asterisk's console")
        .nth(1)
        .and_then(|rest| rest.split("```").nth(1))
        .unwrap()
        .to_owned();
    let mut typed = 0;
    for line in console.lines().filter(|line| !line.trim().is_empty()) {
        for command in alternatives(line) {
            let said = rig.pbx.cli(&command).unwrap();
            let bad = ["No such command", "Usage:", "rror"]
                .iter()
                .any(|bad| said.contains(bad));
            assert!(!bad, "{command}: {said}");
            typed += 1;
        }
    }
    assert!(typed >= 11, "{console}");
}

/// `show a|b` is `show a` and `show b`; NAME is the campaign of the README.
fn alternatives(line: &str) -> Vec<String> {
    let line = line.replace("NAME", "spring");
    let words: Vec<&str> = line.split(' ').collect();
    let Some(at) = words.iter().position(|word| word.contains('|')) else {
        return vec![line];
    };
    let each = |choice| {
        let mut words = words.clone();
        words[at] = choice;
        words.join(" ")
    };
    words[at].split('|').map(each).collect()
}

#[test]
fn every_target_that_the_readme_names_is_there() {
    let workspace = Workspace::ready().unwrap();
    for line in commands(&readme(), "sh") {
        let Some(words) = line.trim_start_matches("sudo ").strip_prefix("make") else {
            continue;
        };
        let mut make = Command::new("make");
        make.arg("-n")
            .args(words.split_whitespace())
            .current_dir(&workspace.root);
        make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
        run(&mut make).unwrap_or_else(|error| panic!("{line}: {error:#}"));
    }
}
