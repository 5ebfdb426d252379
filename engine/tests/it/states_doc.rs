//! `docs/STATES.md` is what the table of transitions says.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use outdial_engine::attempt::{Outcome, State, Trigger, next};

const INTRODUCTION: &str = "# States of an attempt

Made from the one table of transitions in `engine/src/attempt/state.rs`, by
`OUTDIAL_WRITE_DOCS=1 cargo test -p outdial-engine states_doc`; the same test fails when the two
differ. What is not in the table is refused, counted (`illegal` in the totals) and logged.
";

/// What moves an attempt, in the words of the table.
fn word(trigger: Trigger) -> String {
    match trigger {
        Trigger::End(outcome) => format!("end: {outcome}"),
        Trigger::Dial
        | Trigger::Proceed
        | Trigger::Ring
        | Trigger::EarlyMedia
        | Trigger::Answer
        | Trigger::Human
        | Trigger::Reserve
        | Trigger::AgentLost
        | Trigger::Bridge
        | Trigger::Play
        | Trigger::Failover
        | Trigger::WrapUp => {
            let mut word = String::new();
            for c in format!("{trigger:?}").chars() {
                if c.is_uppercase() && !word.is_empty() {
                    word.push(' ');
                }
                word.extend(c.to_lowercase());
            }
            word
        }
    }
}

fn table() -> String {
    let live: Vec<State> = State::LIVE.into_iter().collect();
    let mut text = String::from(
        "## Table\n\nFrom the state on the left by what stands in the cell to the state above.\n\n| |",
    );
    for to in State::LIVE.iter().skip(1).chain([&State::Queued]) {
        write!(text, " {to} |").unwrap();
    }
    text.push_str(" ends as |\n|---|");
    text.push_str(&"---|".repeat(live.len() + 1));
    text.push('\n');
    for from in live {
        write!(text, "| **{from}** |").unwrap();
        for to in State::LIVE.iter().skip(1).chain([&State::Queued]) {
            let by: Vec<String> = Trigger::all()
                .filter(|trigger| next(from, *trigger) == Some(*to))
                .map(word)
                .collect();
            write!(text, " {} |", by.join(", ")).unwrap();
        }
        let ends: Vec<&str> = Outcome::ALL
            .into_iter()
            .filter(|outcome| next(from, Trigger::End(*outcome)).is_some())
            .map(Outcome::name)
            .collect();
        writeln!(text, " {} |", ends.join(", ")).unwrap();
    }
    text
}

fn diagram() -> String {
    let mut edges: BTreeMap<(State, State), Vec<String>> = BTreeMap::new();
    for from in State::LIVE {
        for trigger in Trigger::all() {
            match next(from, trigger) {
                Some(State::Final(_)) | None => {}
                Some(to) => edges.entry((from, to)).or_default().push(word(trigger)),
            }
        }
    }
    let mut text = String::from(
        "## Diagram\n\nWithout the ends, which the table has.\n\n```mermaid\nstateDiagram-v2\n    [*] --> queued\n",
    );
    for ((from, to), by) in edges {
        writeln!(text, "    {from} --> {to}: {}", by.join(", ")).unwrap();
    }
    text.push_str("```\n");
    text
}

#[test]
fn the_document_is_what_the_table_says() {
    let fresh = format!("{INTRODUCTION}\n{}\n{}", table(), diagram());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/STATES.md");
    if std::env::var_os("OUTDIAL_WRITE_DOCS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "docs/STATES.md is stale; run: OUTDIAL_WRITE_DOCS=1 cargo test -p outdial-engine states_doc"
    );
}
