//! `make install` and `make uninstall`, into a folder.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use outdial_harness::Workspace;
use outdial_harness::process::run;

fn make(workspace: &Workspace, words: &[&str], destination: &Path) -> String {
    run(Command::new("make")
        .args(["-s"])
        .args(words)
        .arg(format!("DESTDIR={}", destination.display()))
        .current_dir(&workspace.root)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL"))
    .unwrap()
}

fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            files(&path, found);
        } else {
            found.insert(path);
        }
    }
}

fn below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    files(folder, &mut found);
    found
        .iter()
        .map(|path| path.strip_prefix(folder).unwrap().display().to_string())
        .collect()
}

#[test]
fn install_puts_everything_in_place_and_uninstall_takes_it_away() {
    let workspace = Workspace::ready().unwrap();
    let destination = workspace.log_dir("e2e", "install").unwrap();
    make(&workspace, &["install", "prefix=/opt/x"], &destination);

    let version = env!("CARGO_PKG_VERSION");
    let expected: BTreeSet<String> = [
        format!("opt/x/lib/liboutdial.so.{version}"),
        "opt/x/lib/liboutdial.so".into(),
        "opt/x/include/outdial.h".into(),
        "opt/x/bin/outdial".into(),
        "opt/x/bin/outdial-sim-pbx".into(),
        "opt/x/lib/systemd/system/outdial.service".into(),
        "opt/x/lib/sysusers.d/outdial.conf".into(),
        "opt/x/lib/tmpfiles.d/outdial.conf".into(),
        "opt/x/lib/asterisk/modules/res_outdial.so".into(),
    ]
    .into();
    let found = below(&destination);
    assert!(
        expected.is_subset(&found),
        "missing: {:?}",
        expected.difference(&found)
    );
    let others: Vec<_> = found.difference(&expected).collect();
    assert!(
        others
            .iter()
            .all(|path| path.ends_with("res_outdial-en_US.xml")),
        "{others:?}"
    );

    let library = destination.join(format!("opt/x/lib/liboutdial.so.{version}"));
    let soname = run(Command::new("readelf").arg("-d").arg(&library)).unwrap();
    assert!(
        soname.contains(&format!("liboutdial.so.{version}")) && soname.contains("NODELETE"),
        "{soname}"
    );
    let link = fs::read_link(destination.join("opt/x/lib/liboutdial.so")).unwrap();
    assert_eq!(link, Path::new(&format!("liboutdial.so.{version}")));
    let mode = fs::metadata(destination.join("opt/x/bin/outdial"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
    let unit =
        fs::read_to_string(destination.join("opt/x/lib/systemd/system/outdial.service")).unwrap();
    assert!(
        unit.contains("ExecStart=/opt/x/bin/outdial serve") && !unit.contains("@bindir@"),
        "{unit}"
    );
    let runs = run(Command::new(destination.join("opt/x/bin/outdial")).arg("--version")).unwrap();
    assert!(runs.contains(version), "{runs}");

    // A running PBX keeps its library: a second install brings a new file under the old name.
    let before = inode(&library);
    make(&workspace, &["install", "prefix=/opt/x"], &destination);
    assert_ne!(
        inode(&library),
        before,
        "the file must not be written in place"
    );
    assert_eq!(below(&destination), found, "no temporary file is left");

    make(&workspace, &["uninstall", "prefix=/opt/x"], &destination);
    assert_eq!(below(&destination), BTreeSet::new());
}

fn inode(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).unwrap().ino()
}

#[test]
fn samples_are_put_beside_asterisk_and_never_over_an_operators_file() {
    let workspace = Workspace::ready().unwrap();
    let destination = workspace.log_dir("e2e", "samples").unwrap();
    let etc = destination.join("etc/asterisk");
    make(
        &workspace,
        &["-C", "asterisk-module", "samples"],
        &destination,
    );
    assert!(etc.join("outdial.conf").exists());
    fs::write(etc.join("outdial.conf"), "mine").unwrap();
    make(
        &workspace,
        &["-C", "asterisk-module", "samples"],
        &destination,
    );
    assert_eq!(
        fs::read_to_string(etc.join("outdial.conf")).unwrap(),
        "mine"
    );
}
