//! What `core show application` and `core show function` say on the real PBX, against what the module's
//! sources register and set.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use outdial_harness::{Rig, RigOptions, Workspace};

/// Strings in capitals that are no value of OUTDIAL_STATUS.
const OTHER: &[&str] = &[
    "OUTDIAL_STATUS",
    "OUTDIAL_QUEUE_OPTIONS",
    "AMDSTATUS",
    "AMDCAUSE",
    "HUMAN",
    "MACHINE",
    "NOTSURE",
    "PJSIP",
    "SIP",
];

/// What shared code can say, and never says for this application: nothing is played to a caller, a
/// release is his time-out, and it asks about failures only.
const NEVER: &[(&str, &str)] = &[
    ("OutdialInbound", "MESSAGE"),
    ("OutdialInbound", "RELEASED"),
    ("OutdialInbound", "OK"),
];

/// One function of a C file.
struct Function {
    file: String,
    is_static: bool,
    /// Words and strings of its body.
    words: BTreeSet<String>,
    strings: BTreeSet<String>,
}

/// An application as the sources have it.
struct Application {
    name: String,
    /// All that it can set OUTDIAL_STATUS to.
    statuses: BTreeSet<String>,
    /// Letters.
    options: BTreeSet<char>,
}

#[derive(Default)]
struct Sources {
    functions: BTreeMap<String, Vec<Function>>,
    /// Applications by file: name and the function that runs it.
    registered: Vec<(String, String, String)>,
    /// Option letters by file and table.
    options: BTreeMap<(String, String), BTreeSet<char>>,
    dialplan_functions: BTreeSet<String>,
}

/// Text without comments; the documentation is one.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        code.push_str(&rest[..start]);
        let end = rest[start..].find("*/");
        rest = &rest[end.map_or(rest.len(), |end| start + end + 2)..];
    }
    code + rest
}

/// What is between quotes.
fn strings(code: &str) -> impl Iterator<Item = &str> {
    let lines = code.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2))
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The text between `start` and `end`, wherever they stand.
fn all_between<'a>(text: &'a str, start: &'a str, end: char) -> impl Iterator<Item = &'a str> {
    text.split(start)
        .skip(1)
        .filter_map(move |rest| rest.split(end).next())
}

impl Sources {
    fn read(workspace: &Workspace) -> Sources {
        let mut sources = Sources::default();
        let folder = workspace.root.join("asterisk-module");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // The module's own tests are no applications.
            let counts = path.extension().is_some_and(|e| e == "c") && !name.starts_with("test");
            if counts {
                sources.take_in(&name, &code(&fs::read_to_string(path).unwrap()));
            }
        }
        sources
    }

    fn take_in(&mut self, file: &str, code: &str) {
        let names: BTreeMap<&str, &str> = all_between(code, "static const char ", ';')
            .filter_map(|text| Some((text.split('[').next()?, text.split('"').nth(1)?)))
            .collect();
        for call in all_between(code, "ast_register_application_xml(", ')') {
            let (variable, runs) = call.split_once(", ").unwrap();
            let name = names[variable].to_owned();
            self.registered
                .push((file.to_owned(), name, runs.to_owned()));
        }
        for table in all_between(code, "AST_APP_OPTIONS(", ';') {
            let letters = all_between(table, "AST_APP_OPTION", '\n');
            let letters = letters.filter_map(|option| option.split('\'').nth(1)?.chars().next());
            let name = table.split(',').next().unwrap();
            self.options
                .insert((file.to_owned(), name.to_owned()), letters.collect());
        }
        let functions = all_between(code, ".name = \"", '"');
        self.dialplan_functions.extend(
            functions
                .filter(|name| name.starts_with("OUTDIAL"))
                .map(str::to_owned),
        );
        self.take_functions(file, code);
    }

    /// A function begins with its name at the left and ends with a brace there.
    fn take_functions(&mut self, file: &str, code: &str) {
        let mut body = String::new();
        for line in code.lines() {
            let outside = !body.contains("\n{\n");
            if outside && (line.is_empty() || line.starts_with(char::is_alphabetic)) {
                body.clear();
            }
            body.push_str(line);
            body.push('\n');
            if line != "}" {
                continue;
            }
            let Some((head, _)) = body.split_once('(') else {
                continue;
            };
            let function = Function {
                file: file.to_owned(),
                is_static: head.starts_with("static "),
                words: words(&body).map(str::to_owned).collect(),
                strings: strings(&body).map(str::to_owned).collect(),
            };
            if let Some(name) = words(head).last() {
                self.functions
                    .entry(name.to_owned())
                    .or_default()
                    .push(function);
            }
            body.clear();
        }
    }

    /// What a name means in a file.
    fn function(&self, file: &str, name: &str) -> Option<&Function> {
        let known = self.functions.get(name)?;
        let own = known.iter().find(|f| f.file == file);
        own.or_else(|| known.iter().find(|f| !f.is_static))
    }

    /// All that runs when this function does, in the module.
    fn reached(&self, file: &str, name: &str) -> Vec<&Function> {
        let mut reached: Vec<&Function> = self.function(file, name).into_iter().collect();
        let mut next = 0;
        while let Some(function) = reached.get(next) {
            next += 1;
            let (words, file) = (&function.words, &function.file);
            for word in words {
                let called = self.function(file, word);
                if let Some(called) = called
                    && !reached.iter().any(|known| std::ptr::eq(*known, called))
                {
                    reached.push(called);
                }
            }
        }
        reached
    }

    fn applications(&self) -> Vec<Application> {
        let is_status = |text: &&String| {
            text.len() > 1
                && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                && !OTHER.contains(&text.as_str())
        };
        let all = self.registered.iter().map(|(file, name, runs)| {
            let reached = self.reached(file, runs);
            let own = self.function(file, runs).unwrap();
            let tables = self
                .options
                .iter()
                .filter(|((at, table), _)| at == file && own.words.contains(table.as_str()));
            let strings = reached.iter().flat_map(|f| &f.strings);
            Application {
                name: name.clone(),
                statuses: strings.filter(is_status).cloned().collect(),
                options: tables.flat_map(|(_, letters)| letters.clone()).collect(),
            }
        });
        all.collect()
    }
}

/// What the console says, or why it does not.
fn cli(rig: &Rig, line: &str) -> String {
    let said = rig.pbx.cli(line);
    said.unwrap_or_else(|error| format!("{error:#}"))
}

/// The parts of what `core show` says, by their headings.
fn parts(said: &str) -> BTreeMap<String, String> {
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    let mut heading = String::new();
    for line in said.lines() {
        let inside = line.strip_prefix('[');
        match inside.and_then(|line| line.trim().strip_suffix(']')) {
            Some(name) => heading = name.to_owned(),
            None => {
                let part = parts.entry(heading.clone()).or_default();
                part.push_str(line);
                part.push('\n');
            }
        }
    }
    parts
}

/// A line of a dialplan that has it: in the README, in docs/, in the samples, or in the examples that
/// `core show` has.
fn has_example(workspace: &Workspace, call: &str) -> bool {
    let folder = |name: &str| {
        let all = fs::read_dir(workspace.root.join(name)).unwrap();
        all.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let mut files = folder("docs");
    files.push(workspace.root.join("README.md"));
    files.extend(folder("asterisk-module/samples"));
    files.extend(folder("asterisk-module"));
    let read = |file: &Path| fs::read_to_string(file).unwrap_or_default();
    files.iter().filter(|file| file.is_file()).any(|file| {
        let text = read(file);
        let mut lines = text.lines().filter(|line| line.contains("=>"));
        lines.any(|line| line.contains(call))
    })
}

/// What is not said of an application or function.
fn missing(
    rig: &Rig,
    kind: &str,
    name: &str,
    example: &str,
) -> (BTreeMap<String, String>, Vec<String>) {
    let parts = parts(&cli(rig, &format!("core show {kind} {name}")));
    let text = |part: &str| parts.get(part).cloned().unwrap_or_default();
    let mut lacks = Vec::new();
    let synopsis = text("Synopsis");
    if synopsis.trim().is_empty() || synopsis.contains("Not available") {
        lacks.push(format!("{name}: no synopsis"));
    }
    if !text("Syntax").contains(&format!("{name}(")) {
        lacks.push(format!("{name}: no syntax"));
    }
    if !has_example(&rig.workspace, example) {
        lacks.push(format!("{name}: no line of a dialplan shows it"));
    }
    (parts, lacks)
}

fn undocumented(rig: &Rig, application: &Application) -> Vec<String> {
    let name = &application.name;
    let (parts, mut lacks) = missing(rig, "application", name, &format!("{name}("));
    let starts = |part: &str, with: &[String]| {
        let text = parts.get(part).cloned().unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| with.iter().any(|with| line.starts_with(with)))
    };
    let never = |status: &str| NEVER.contains(&(name.as_str(), status));
    for status in application.statuses.iter().filter(|s| !never(s)) {
        if !starts(
            "Description",
            &[format!("{status}:"), format!("{status} -")],
        ) {
            lacks.push(format!("{name}: OUTDIAL_STATUS {status} is not described"));
        }
    }
    for option in &application.options {
        if !starts("Arguments", &[format!("{option}:"), format!("{option}(")]) {
            lacks.push(format!("{name}: option {option} is not described"));
        }
    }
    lacks
}

/// What the console lists by this beginning.
fn listed(rig: &Rig, line: &str, prefix: &str) -> BTreeSet<String> {
    let said = cli(rig, line);
    let first = said
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let names = first.filter_map(|word| word.split([':', '(']).next());
    names
        .filter(|name| name.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

#[test]
fn applications_and_functions_are_documented_as_they_are() {
    let rig = Rig::start("documented", RigOptions::default()).unwrap();
    let sources = Sources::read(&rig.workspace);
    let applications = sources.applications();
    let mut lacks = Vec::new();
    for application in &applications {
        let Application { name, statuses, .. } = application;
        assert!(statuses.len() > 1, "{name}: {statuses:?}");
        lacks.extend(undocumented(&rig, application));
    }
    for name in &sources.dialplan_functions {
        let (_, missing) = missing(&rig, "function", name, &format!("${{{name}("));
        lacks.extend(missing);
    }
    assert!(lacks.is_empty(), "{}", lacks.join("\n"));

    // What was found in the sources is what Asterisk has.
    let names: BTreeSet<String> = applications.iter().map(|a| a.name.clone()).collect();
    assert_eq!(
        listed(&rig, "core show applications like Outdial", "Outdial"),
        names
    );
    assert!(
        names.contains("OutdialAgent") && names.len() >= 4,
        "{names:?}"
    );
    let found = listed(&rig, "core show functions like OUTDIAL", "OUTDIAL");
    assert_eq!(found, sources.dialplan_functions);
    assert!(found.len() >= 3, "{found:?}");

    // The search itself finds what it is for.
    let agent = applications
        .iter()
        .find(|a| a.name == "OutdialAgent")
        .unwrap();
    assert!(agent.options.contains(&'m'), "{:?}", agent.options);
    for status in ["DUPLICATE", "HANGUP", "ERROR"] {
        assert!(agent.statuses.contains(status), "{:?}", agent.statuses);
    }
    let pause = applications
        .iter()
        .find(|a| a.name == "OutdialPause")
        .unwrap();
    assert!(pause.statuses.contains("NOT_NOW"), "set in another file");
    assert!(
        !pause.statuses.contains("DUPLICATE"),
        "another application's"
    );
}
