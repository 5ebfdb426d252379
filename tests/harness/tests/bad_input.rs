//! Bad input of every kind: a clear error, nothing dialed that must not be, nothing lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use outdial_harness::process::run;
use outdial_harness::truth::{attempts, settled};
use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(30);

/// A campaign that lets each answered call go on in the dialplan.
fn robot(rig: &Rig, name: &str) {
    let options = ["--max-attempts", "1", "--max-concurrent", "50"];
    rig.agentless(name, "continue", &options).unwrap();
}

/// Imports a file; what was printed, whether it worked or not.
fn import(rig: &Rig, name: &str, content: &[u8]) -> String {
    let file = rig.logs.join(name);
    fs::write(&file, content).unwrap();
    let file = file.display().to_string();
    let args = [
        "leads",
        "import",
        &file,
        "--campaign",
        "lists",
        "--country",
        "BR",
    ];
    rig.outdial(&args)
        .or_else(|_| rig.sidecar.outdial_fails(&args))
        .unwrap()
}

fn leads(rig: &Rig) -> i64 {
    rig.sidecar
        .count("SELECT count(*) FROM outdial.leads")
        .unwrap()
}

#[test]
fn hostile_lists_dial_nothing_but_their_good_numbers() {
    let rig = Rig::start("lists", RigOptions::default()).unwrap();
    robot(&rig, "lists");

    let said = import(&rig, "no-number.csv", b"name,city\nAna,Recife\n");
    assert!(
        said.to_lowercase().contains("phone"),
        "it says which column it lacks: {said}"
    );
    let said = import(&rig, "latin1.csv", b"name,phone\nJo\xe3o,(11) 98765-4321\n");
    assert!(
        said.to_lowercase().contains("encoding") || said.contains("UTF-8"),
        "{said}"
    );
    let mut long = b"name,phone\n".to_vec();
    long.resize(10 * 1024 * 1024, b'x');
    let said = import(&rig, "long.csv", &long);
    assert!(said.contains("long"), "{said}");
    let said = import(&rig, "empty.csv", b"");
    assert!(!said.trim().is_empty());
    assert_eq!(
        leads(&rig),
        0,
        "not one of these files was taken, not even in part"
    );

    let good = [Fate::Busy.number(0, 1), Fate::Busy.number(0, 2)];
    let hostile = format!(
        "name,phone,FILE(/outdial-evil),GLOBAL(X),execute_on_answer,__SHELL(touch /outdial-evil)\n\
         Ana,{},evil,evil,system touch /outdial-evil,evil\n\
         Eve,1&PJSIP/evil,,,,\n\
         Eve,\"5511987654321,1&Local/s@evil\",,,,\n\
         Eve,\"\"\"5511987654322\"\"/n\",,,,\n\
         =cmd|'/c calc'!A1,{},@SUM(1),+1,-1,=1\n\
         Eve,${{SHELL(touch /outdial-evil)}},,,,\n",
        &good[0][2..],
        &good[1][2..],
    );
    let said = import(&rig, "hostile.csv", hostile.as_bytes());
    let rejects = fs::read_to_string(rig.logs.join("hostile.csv.rejects.csv"))
        .or_else(|_| fs::read_to_string(rig.logs.join("hostile.rejects.csv")))
        .unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(rejects.contains("PJSIP/evil"), "{rejects}");
    let numbers = rig
        .sidecar
        .count("SELECT count(*) FROM outdial.lead_numbers WHERE number !~ '^[0-9]+$'");
    assert_eq!(numbers.unwrap(), 0);
    let names = "SELECT count(*) FROM outdial.leads, jsonb_object_keys(data) AS k WHERE k !~ '^[a-z][a-z0-9_]{0,63}$'";
    assert_eq!(
        rig.sidecar.count(names).unwrap(),
        0,
        "every name of a column is harmless"
    );
    let told = rig
        .sidecar
        .outdial_fails(&["trunks", "test", "carrier", "1&PJSIP/evil"])
        .unwrap();
    assert!(!told.trim().is_empty());
    let sql = "INSERT INTO outdial.lead_numbers VALUES (1, 1, 5, '1&PJSIP/evil', 0)";
    assert!(
        rig.sidecar.sql().unwrap().execute(sql, &[]).is_err(),
        "the table refuses it as well"
    );

    rig.outdial(&["campaign", "start", "lists"]).unwrap();
    rig.wait_leads("lists", &["done"], LATER).unwrap();
    let calls = rig.carrier.calls().unwrap();
    let mut dialed: Vec<&str> = calls.iter().map(|call| call.number.as_str()).collect();
    dialed.sort_unstable();
    let numbers: Vec<String> = {
        let rows = rig
            .sidecar
            .sql()
            .unwrap()
            .query("SELECT number FROM outdial.lead_numbers ORDER BY 1", &[]);
        rows.unwrap().iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(
        dialed, numbers,
        "what was taken was dialed, once, and nothing else"
    );
    assert!(good.iter().all(|number| numbers.contains(number)));
    assert!(!rig.workspace.asterisk_root.join("outdial-evil").exists());
    assert!(!Path::new("/outdial-evil").exists());
    let globals = rig.pbx.cli("dialplan show globals").unwrap();
    assert!(!globals.contains("X=evil"), "{globals}");
}

/// Asterisk writes its log from a thread of its own.
fn wait_error(rig: &Rig, before: usize, named: &str) {
    let what = format!("an ERROR that names {named:?}");
    wait_for(&what, LATER, || {
        let log = rig.pbx.log();
        let mut lines = log.get(before..).unwrap_or_default().lines();
        Ok(lines.any(|line| line.contains("ERROR") && line.contains(named)))
    })
    .unwrap();
}

#[test]
fn a_module_that_can_not_work_says_why_and_the_pbx_lives() {
    let mut rig = Rig::start("module", RigOptions::default()).unwrap();
    let load = |rig: &Rig| {
        rig.pbx
            .cli("module load res_outdial.so")
            .unwrap_or_else(|error| format!("{error:#}"))
    };
    assert!(
        rig.pbx
            .cli("module unload res_outdial.so")
            .unwrap()
            .contains("Unloaded")
    );
    let fine = fs::read_to_string(rig.pbx.run_dir().join("etc/outdial.conf")).unwrap();

    for (conf, named) in [
        ("[general]\ntrunk = x\n".to_owned(), "trunk"),
        ("[general]\nnode = a-b\n".to_owned(), "a-b"),
        ("[campaigns]\nx = 1\n".to_owned(), "campaigns"),
        ("[general]\nmax_calls = many\n".to_owned(), "many"),
        (
            fine.replace("/journal\n", "/etc/modules.conf/journal\n"),
            "journal",
        ),
    ] {
        rig.pbx.write_etc("outdial.conf", &conf).unwrap();
        let before = rig.pbx.log().len();
        let said = load(&rig);
        assert!(said.contains("Unable to load"), "{conf}: {said}");
        wait_error(&rig, before, named);
    }
    fs::remove_file(rig.pbx.run_dir().join("etc/outdial.conf")).unwrap();
    assert!(load(&rig).contains("Unable to load"), "no outdial.conf");
    rig.pbx.write_etc("outdial.conf", &fine).unwrap();

    rig.pbx
        .install_module(&module_of_another_abi(&rig))
        .unwrap();
    rig.pbx.forget_declined().unwrap();
    let before = rig.pbx.log().len();
    assert!(load(&rig).contains("Unable to load"), "another ABI");
    wait_error(&rig, before, "ABI");
    rig.pbx.install_module(&rig.workspace.module()).unwrap();
    rig.pbx.forget_declined().unwrap();

    without_a_sidecar(&mut rig);
}

/// The shim, built against a header of another major version.
fn module_of_another_abi(rig: &Rig) -> PathBuf {
    let build = rig.workspace.module_folder("-abi");
    fs::create_dir_all(build.join("include")).unwrap();
    let header = fs::read_to_string(rig.workspace.root.join("include/outdial.h")).unwrap();
    let other = header.replace(
        "#define OUTDIAL_ABI_MAJOR 1",
        "#define OUTDIAL_ABI_MAJOR 99",
    );
    assert_ne!(header, other);
    fs::write(build.join("include/outdial.h"), other).unwrap();
    let include = format!("OUTDIAL_INCLUDE={}", build.join("include").display());
    rig.workspace.build_module(&build, &[include]).unwrap()
}

fn without_a_sidecar(rig: &mut Rig) {
    rig.sidecar.stop().unwrap();
    let said = rig.pbx.cli("module load res_outdial.so").unwrap();
    assert!(said.contains("Loaded"), "{said}");
    let told = rig.sidecar.outdial_fails(&["status"]).unwrap();
    assert!(
        told.contains("outdial serve"),
        "it says what to start: {told}"
    );
    rig.phones(1, 1).unwrap();
    assert_eq!(rig.carrier.calls().unwrap().len(), 0);
    assert!(rig.pbx.alive());
    rig.sidecar.start().unwrap();
    rig.wait_healthy(SOON).unwrap();
}

/// A small file system of its own; taken away again when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, kilobytes: u32) -> SmallDisk {
        fs::create_dir_all(path).unwrap();
        let path = path.canonicalize().unwrap();
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(&path))
        .unwrap();
        SmallDisk(path)
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.0.join("ballast")).unwrap();
        for size in [4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_dialing_and_loses_nothing() {
    let mut rig = Rig::start("disk", RigOptions::default()).unwrap();
    let disk = SmallDisk::mount(&rig.run_dir().join("small"), 2048);
    rig.pbx.options().journal = Some(rig.run_dir().join("small/journal"));
    rig.pbx.write_config().unwrap();
    assert!(
        rig.pbx
            .cli("module unload res_outdial.so")
            .unwrap()
            .contains("Unloaded")
    );
    assert!(
        rig.pbx
            .cli("module load res_outdial.so")
            .unwrap()
            .contains("Loaded")
    );
    rig.wait_healthy(SOON).unwrap();

    robot(&rig, "robot");
    let numbers: Vec<String> = (0..40)
        .map(|serial| Fate::Answer(1).number(0, serial))
        .collect();
    rig.insert("robot", &numbers).unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    wait_for("some calls", SOON, || Ok(rig.carrier.calls()?.len() >= 5)).unwrap();
    disk.fill();
    let more: Vec<String> = (100..400)
        .map(|serial| Fate::Busy.number(0, serial))
        .collect();
    rig.insert("robot", &more).unwrap();
    let body = rig
        .sidecar
        .wait_health(503, LATER, |body| body["schedulerActive"] == false)
        .unwrap();
    assert!(body["causes"].to_string().contains("journal"), "{body}");
    let stopped = rig.carrier.calls().unwrap().len();
    let why = rig.pbx.cli("outdial show campaigns").unwrap();
    assert!(why.contains("journal"), "{why}");
    assert!(stopped < 340);

    disk.free();
    rig.wait_healthy(LATER).unwrap();
    rig.wait_leads("robot", &["done"], Duration::from_secs(60))
        .unwrap();
    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    settled(&rows, || rig.carrier.calls(), None).unwrap();
    let (dialed, refused): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.legs > 0);
    assert_eq!(dialed.len(), 340);
    for row in refused {
        assert_eq!(row.detail, "journal unwritable", "{row:?}");
    }
}
