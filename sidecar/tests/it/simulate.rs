//! `outdial simulate`: the real binary, without a sidecar where it needs none.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::sidecar::Sidecar;

/// An empty folder that the command runs in.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("outdial-simulate-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_outdial"))
            .env_remove("DATABASE_URL")
            .env_remove("OUTDIAL_DATABASE_URL")
            .env_remove("OUTDIAL_CONFIG")
            .current_dir(&self.0)
            .arg("simulate")
            .args(args)
            .output()
            .unwrap()
    }

    fn good(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn bad(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let args = [args, &["--json", "--force"]].concat();
        serde_json::from_str(&self.good(&args)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode<'a>(found: &'a Value, name: &str) -> &'a Value {
    let modes = found["modes"].as_array().unwrap();
    modes.iter().find(|row| row["mode"] == name).unwrap()
}

fn real(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap()
}

#[test]
fn a_small_shift_gives_a_table_and_a_chart() {
    let folder = Folder::new();
    let said = folder.good(&["--agents", "3", "--hours", "1", "--runs", "1"]);
    let words = [
        "3 agents, 1 h, 25% of the dials",
        "TALK SHARE %",
        "\nprogressive ",
        "\npower 1.5 ",
        "\npower 2 ",
        "\npower 3 ",
        "\npredictive ",
        "at most 3% may find no agent within 2 s",
        "kept agents busiest",
        "Few calls, rough figures",
        "chart: simulate.svg",
    ];
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(
        !said.contains('*'),
        "no campaign, no mode of its own: {said}"
    );

    let again = folder.bad(&["--agents", "3", "--hours", "1", "--runs", "1"]);
    assert!(again.contains("simulate.svg exists already"), "{again}");
    let first = folder.read("simulate.svg");
    folder.good(&["--agents", "4", "--hours", "1", "--runs", "1", "--force"]);
    assert_ne!(first, folder.read("simulate.svg"));
}

#[test]
fn figures_agree_with_each_other() {
    let folder = Folder::new();
    let team = [
        "--agents",
        "10",
        "--hours",
        "4",
        "--runs",
        "4",
        "--answer-rate",
        "0.3",
    ];
    let found = folder.json(&team);
    let (one, many) = (mode(&found, "progressive"), mode(&found, "predictive"));
    assert!(real(one, "abandon_rate") == 0.0, "{one}");
    assert!(
        real(many, "talk_share") > real(one, "talk_share") + 0.05,
        "{many} {one}"
    );
    assert!(real(many, "waiting_seconds") < real(one, "waiting_seconds"));
    assert!(real(many, "abandon_rate") < 0.035, "{many}");
    let three = mode(&found, "power 3");
    assert!(real(three, "abandon_rate") > real(mode(&found, "power 1.5"), "abandon_rate"));
    assert_eq!(three["keeps_limit"], real(three, "abandon_rate") <= 0.03);
    for row in found["modes"].as_array().unwrap() {
        // Each hour of an agent is talk and wrap-up of so many calls, and the waits between.
        let calls = real(row, "calls_per_agent_hour");
        let hour = calls * real(row, "waiting_seconds") + real(row, "talk_share") * 3_600.0;
        assert!((hour - 3_600.0).abs() < 1.0, "{row}");
        assert!(
            (calls * 10.0 - real(row, "connected_per_hour")).abs() < 0.01,
            "{row}"
        );
        // A person answers 30% of the dials that ring long enough.
        let answered = real(row, "answered_per_hour") / real(row, "dials_per_hour");
        assert!((0.22..0.32).contains(&answered), "{row}");
        let lost = real(row, "answered_per_hour") * (1.0 - real(row, "abandon_rate"));
        assert!(
            (lost - real(row, "connected_per_hour")).abs() < 2.0,
            "{row}"
        );
        assert!(real(row, "abandon_rate_lowest") <= real(row, "abandon_rate"));
        assert!(real(row, "abandon_rate") <= real(row, "abandon_rate_highest"));
        assert!(real(row, "abandon_rate_highest") <= real(row, "worst_15_min"));
        assert_eq!(row["talk_share_by_15_min"].as_array().unwrap().len(), 16);
    }

    assert_eq!(found, folder.json(&team), "the same seed");
    let other = folder.json(&[&team[..], &["--seed", "99"]].concat());
    assert_ne!(found["modes"], other["modes"]);
}

#[test]
fn flags_change_what_is_simulated() {
    let folder = Folder::new();
    let base = [
        "--agents",
        "5",
        "--hours",
        "2",
        "--runs",
        "1",
        "--mode",
        "progressive",
    ];
    let with = |more: &[&str]| folder.json(&[&base[..], more].concat())["modes"][0].clone();
    let plain = with(&[]);
    for flag in ["--talk=300", "--wrap-up=60", "--answer-rate=0.6"] {
        assert!(
            real(&with(&[flag]), "talk_share") > real(&plain, "talk_share"),
            "{flag}"
        );
    }
    assert!(real(&with(&["--ring=20"]), "talk_share") < real(&plain, "talk_share"));
    assert!(real(&with(&["--cps=0.02"]), "dials_per_hour") < 73.0);
    // Machines are heard sooner than ringing is given up.
    let all = real(&with(&["--machines=1"]), "dials_per_hour");
    assert!(all > real(&with(&["--machines=0"]), "dials_per_hour"));
    let none = with(&["--wrap-up=0", "--talk=60"]);
    let calls = real(&none, "calls_per_agent_hour");
    let talk = real(&none, "talk_share") * 3_600.0 / calls;
    assert!((40.0..90.0).contains(&talk), "{talk}: {none}");
}

#[test]
fn a_campaigns_file_holds() {
    let folder = Folder::new();
    folder.write(
        "spring.toml",
        "mode = \"power\"\nratio = 2.5\nabandon_limit = 1\nwrap_up_ms = 30000\ntime_zone = \"UTC\"\n",
    );
    let team = ["--agents", "5", "--hours", "1", "--runs", "1"];
    let args = [&team[..], &["--campaign", "spring.toml"]].concat();
    let said = folder.good(&args);
    for word in [
        "\npower 2.5 * ",
        "* the campaign's own mode",
        "30 s of wrap-up",
        "at most 1% may",
        "No part in the simulation: time_zone.",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let found = folder.json(&[&args[..], &["--mode", "power"]].concat());
    let modes = found["modes"].as_array().unwrap();
    assert_eq!(
        (modes.len(), &modes[0]["mode"], &modes[0]["own"]),
        (1, &"power 2.5".into(), &true.into())
    );
    folder.write("narrow.toml", "max_concurrent = 1\n");
    let narrow = folder.json(&[&team[..], &["--campaign", "narrow.toml"]].concat());
    for row in narrow["modes"].as_array().unwrap() {
        assert!(
            real(row, "talk_share") < 0.2,
            "one call for five agents: {row}"
        );
    }
}

#[test]
fn bad_input_is_named_with_what_is_allowed() {
    let folder = Folder::new();
    for (args, field, allowed) in [
        (&["--agents", "0"][..], "--agents", "1..=2000"),
        (&["--agents", "2001"], "--agents", "1..=2000"),
        (&["--answer-rate", "0"], "--answer-rate", "0.01 to 0.95"),
        (&["--answer-rate", "NaN"], "--answer-rate", "0.01 to 0.95"),
        (&["--hours", "0.4"], "--hours", "0.5 to 200"),
        (&["--talk", "1"], "--talk", "5 to 3600"),
        (&["--wrap-up=-1"], "--wrap-up", "0 to 600"),
        (&["--ring", "61"], "--ring", "1 to 60"),
        (&["--machines", "1.1"], "--machines", "0 to 1"),
        (&["--cps", "0"], "--cps", "0.001 to 1000"),
        (&["--runs", "0"], "--runs", "1..=100"),
        (&["--mode", "preview"], "--mode", "progressive, predictive"),
        (&["--mode", "power:7"], "--mode", "1 to 5"),
    ] {
        let error = folder.bad(args);
        assert!(
            error.contains(field) && error.contains(allowed),
            "{args:?}: {error}"
        );
    }
    for (text, words) in [
        (
            "speed = 3",
            "no field \"speed\"; fields: name, test, mode, ratio",
        ),
        ("ratio = 9", "ratio is 9; allowed: 1 to 5"),
        ("mode = 'fast'", "mode is fast; allowed: preview"),
        ("wrap_up_ms = -1", "wrap_up_ms is -1; allowed: 0 to 3600000"),
        ("mode = ", "bad.toml"),
    ] {
        folder.write("bad.toml", text);
        let error = folder.bad(&["--campaign", "bad.toml"]);
        assert!(error.contains(words), "{text}: {error}");
    }
    let error = folder.bad(&["--campaign", "none.toml"]);
    assert!(error.contains("can't read none.toml"), "{error}");
    assert!(!folder.0.join("simulate.svg").exists());
}

#[test]
fn the_chart_is_xml_with_titles_axes_limit_and_legend() {
    let folder = Folder::new();
    folder.json(&[
        "--agents", "3", "--hours", "1", "--runs", "2", "--svg", "a&b.svg",
    ]);
    let svg = folder.read("a&b.svg");
    let document = roxmltree::Document::parse(&svg).unwrap();
    let root = document.root_element();
    let name = root.tag_name();
    assert_eq!(
        (name.name(), name.namespace()),
        ("svg", Some("http://www.w3.org/2000/svg"))
    );
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")))
        .filter_map(|node| node.text())
        .map(str::trim)
        .collect();
    for text in [
        "3 agents, 1 h, 25% of the dials answered by a person",
        "talk share (% of the time logged in)",
        "abandoned (% of the calls answered by a person)",
        "limit 3%",
        "time since the shift began (h)",
        "talk share (%)",
        "progressive",
        "power 1.5",
        "predictive",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    let count = |tag: &str| {
        let tag = ("http://www.w3.org/2000/svg", tag);
        document
            .descendants()
            .filter(|n| n.has_tag_name(tag))
            .count()
    };
    assert_eq!(count("circle"), 5 * (2 + 1), "each shift, and all together");
    assert!(count("polyline") >= 5, "{}", count("polyline"));
}

/// So many attempts of one outcome, a day ago; times in seconds after the start.
fn attempts(
    sidecar: &Sidecar,
    campaign: u64,
    outcome: &str,
    count: i32,
    [ringing, answered, bridged, ended]: [Option<f64>; 4],
) {
    let campaign = i64::try_from(campaign).unwrap();
    sidecar
        .client()
        .execute(
            "INSERT INTO outdial.attempts (attempt_id, started_at, node, campaign_id, lead_id,
               lease_id, trunk_id, number, position, legs, outcome, detail, ringing_at,
               answered_at, bridged_at, ended_at, charged)
             SELECT nextval('outdial.lead_seq'), t, 'pbx1', $1, 1, 1, 1, '5511900000001', 0, 1, $2,
               '', t + make_interval(secs => $4), t + make_interval(secs => $5),
               t + make_interval(secs => $6), t + make_interval(secs => $7), true
             FROM (SELECT now() - interval '1 day' AS t) s, generate_series(1, $3)",
            &[
                &campaign, &outcome, &count, &ringing, &answered, &bridged, &ended,
            ],
        )
        .unwrap();
}

#[test]
fn a_recorded_campaign_is_taken_after() {
    let sidecar = Sidecar::start();
    let spring = sidecar.campaign("spring");
    sidecar.good(&[
        "campaign",
        "set",
        "spring",
        "--mode",
        "predictive",
        "--message",
        "sorry",
    ]);
    sidecar.good(&["campaign", "set", "spring", "--wrap-up-ms", "15000"]);
    sidecar.good(&[
        "agents",
        "add",
        "ana",
        "bruno",
        "carla",
        "--campaign",
        "spring",
    ]);
    let svg = sidecar.dir.join("chart.svg");
    let like = |more: &[&str]| {
        let args = [
            "simulate", "--like", "spring", "--hours", "1", "--runs", "1", "--json",
        ];
        [
            &args[..],
            &["--force", "--svg", svg.to_str().unwrap()],
            more,
        ]
        .concat()
        .iter()
        .map(|arg| (*arg).to_owned())
        .collect::<Vec<String>>()
    };
    let run = |args: Vec<String>| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        serde_json::from_str::<Value>(&sidecar.good(&args)).unwrap()
    };

    let talked = |seconds: f64| [Some(2.0), Some(8.0), Some(8.0), Some(8.0 + seconds)];
    attempts(&sidecar, spring, "completed", 30, talked(60.0));
    attempts(&sidecar, spring, "completed", 30, talked(120.0));
    attempts(
        &sidecar,
        spring,
        "machine",
        70,
        [Some(2.0), Some(9.0), None, Some(12.0)],
    );
    let args = like(&[]);
    let few = sidecar.bad(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(
        few.contains("130 dials") && few.contains("200 are needed"),
        "{few}"
    );

    attempts(
        &sidecar,
        spring,
        "no_answer",
        35,
        [Some(2.0), None, None, Some(27.0)],
    );
    attempts(&sidecar, spring, "busy", 35, [None, None, None, Some(1.0)]);
    let found = run(like(&[]));
    for (key, expected) in [
        ("agents", 3.0),
        ("answer_rate", 0.3),
        ("ring_seconds", 6.0),
        ("talk_seconds", 90.0),
        ("wrap_up_seconds", 15.0),
        ("machines", 0.5),
        ("failures", 0.25),
    ] {
        assert!(
            (real(&found, key) - expected).abs() < 1e-6,
            "{key}: {found}"
        );
    }
    assert_eq!(mode(&found, "predictive")["own"], true);
    assert_eq!(mode(&found, "progressive")["own"], false);

    let found = run(like(&[
        "--agents",
        "5",
        "--talk",
        "200",
        "--answer-rate",
        "0.5",
    ]));
    assert_eq!(
        (&found["agents"], &found["talk_seconds"]),
        (&5.into(), &200.0.into())
    );
    assert!((real(&found, "answer_rate") - 0.5).abs() < 1e-9 && found["ring_seconds"] == 6.0);

    let nobody = sidecar.bad(&[
        "simulate",
        "--like",
        "nope",
        "--svg",
        svg.to_str().unwrap(),
        "--force",
    ]);
    assert!(nobody.contains("there is no campaign"), "{nobody}");
}
