//! `outdial status`.

use serde_json::Value;

use crate::cli::client::{get, path};
use crate::cli::table::{print, text};
use crate::cli::{CliError, Context};

const CAMPAIGNS: &[(&str, &str)] = &[
    ("name", "name"),
    ("state", "state"),
    ("live", "live"),
    ("dialing", "dialing"),
    ("bridged", "bridged"),
    ("leads", "leases"),
    ("agents", "agents"),
    ("free", "free"),
    ("queue", "queue"),
    ("why not more", "why_now"),
    ("lacks", "lacks"),
];

const TRUNKS: &[(&str, &str)] = &[
    ("name", "name"),
    ("endpoint", "endpoint"),
    ("circuit", "circuit"),
    ("health", "health"),
    ("cps", "cps_limit"),
    ("tokens", "tokens"),
    ("channels", "channels"),
    ("of", "max_channels"),
    ("legs", "legs"),
    ("answered", "answered"),
    ("faults", "faults"),
];

const AGENTS: &[(&str, &str)] = &[
    ("name", "name"),
    ("state", "state"),
    ("pause", "pause"),
    ("phone", "phone"),
    ("calls", "calls"),
    ("talk ms", "talk_ms"),
];

pub fn run(context: &Context) -> Result<(), CliError> {
    let status = get(context, &path(&["status"]))?;
    if context.json {
        println!("{status:#}");
        return Ok(());
    }
    println!(
        "node {}, outdial {}, up {} s: {}",
        text(&status["node"]),
        text(&status["version"]),
        text(&status["uptime"]),
        text(&status["status"])
    );
    for cause in status["causes"].as_array().into_iter().flatten() {
        println!("  {}", text(cause));
    }
    let link = &status["link"];
    if link["connected"] == Value::Bool(true) {
        println!(
            "module: {}, process {}, library {}, epoch {}; {} leads in hand, {} records wait in the journal",
            text(&link["pbx"]),
            text(&link["pid"]),
            text(&link["library"]),
            text(&link["epoch"]),
            text(&status["leases"]),
            text(&status["journal"]["backlog"])
        );
    }
    if status["test"] == Value::Bool(true) {
        println!("test node: the PBX is simulated, nobody is called; test campaigns only");
    }
    let section = |title: &str, key: &str, columns: &[(&str, &str)]| {
        let rows = status[key].as_array().cloned().unwrap_or_default();
        if !rows.is_empty() {
            println!("\n{title}");
            print(columns, &rows);
        }
    };
    section("Campaigns", "campaigns", CAMPAIGNS);
    section("Trunks", "trunks", TRUNKS);
    section("Agents", "agents", AGENTS);
    Ok(())
}
