//! What links into the PBX: licences that go with the GPL version 2, and no async runtime or
//! database client.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use outdial_harness::process::run;
use serde_json::Value;

/// Compatible with the GPL version 2. Apache-2.0 is not: it adds conditions on patents.
const FINE: [&str; 9] = [
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
];

/// Has no place inside a PBX.
const KEPT_OUT: [&str; 4] = ["tokio", "postgres", "tokio-postgres", "hyper"];

/// An SPDX expression of ANDs over ORs, which is all that occurs.
fn fine(expression: &str) -> bool {
    expression.split(" AND ").all(|part| {
        part.split([' ', '(', ')', '/'])
            .any(|word| FINE.contains(&word))
    })
}

/// Everything that package `outdial` links, by name.
fn linked() -> BTreeMap<String, Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let said = run(Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
    .unwrap();
    let metadata: Value = serde_json::from_str(&said).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<String, Value> = list(&metadata["packages"])
        .into_iter()
        .map(|package| (package["id"].as_str().unwrap().to_owned(), package))
        .collect();
    let nodes: BTreeMap<String, Value> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| (node["id"].as_str().unwrap().to_owned(), node))
        .collect();
    let is_macro = |package: &Value| {
        list(&package["targets"])
            .iter()
            .any(|target| list(&target["kind"]).contains(&"proc-macro".into()))
    };
    let root = packages
        .iter()
        .find(|(_, package)| package["name"] == "outdial")
        .unwrap()
        .0
        .clone();
    let (mut seen, mut open) = (BTreeSet::new(), vec![root]);
    while let Some(id) = open.pop() {
        if is_macro(&packages[&id]) || !seen.insert(id.clone()) {
            continue;
        }
        for dependency in list(&nodes[&id]["deps"]) {
            if list(&dependency["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"].is_null())
            {
                open.push(dependency["pkg"].as_str().unwrap().to_owned());
            }
        }
    }
    seen.into_iter()
        .map(|id| {
            (
                packages[&id]["name"].as_str().unwrap().to_owned(),
                packages[&id].clone(),
            )
        })
        .collect()
}

#[test]
fn licences_go_with_the_gpl_version_2() {
    let linked = linked();
    assert!(
        linked.contains_key("outdial-engine") && linked.contains_key("libc"),
        "{:?}",
        linked.keys()
    );
    for (name, package) in &linked {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(fine(licence), "{name} is under {licence}");
    }
}

#[test]
fn no_runtime_and_no_database_client_is_linked_into_the_pbx() {
    let linked = linked();
    for name in KEPT_OUT {
        assert!(!linked.contains_key(name), "{name}");
    }
}

#[test]
fn expressions_are_understood() {
    assert!(fine("MIT OR Apache-2.0") && fine("Apache-2.0/MIT"));
    assert!(fine("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!fine("Apache-2.0") && !fine("Apache-2.0 AND MIT") && !fine("none"));
}
