//! What is built loads where the C library is old.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use outdial_harness::Workspace;
use outdial_harness::process::run;

/// The oldest glibc that is supported: Debian 11 has it.
const OLDEST: [u32; 2] = [2, 31];

/// The newest version of glibc whose symbols a file asks for, or has.
fn newest(file: &Path) -> [u32; 2] {
    let said = run(Command::new("objdump").arg("-T").arg(file)).unwrap();
    // GLIBC_PRIVATE has no number.
    let versions = said.split("GLIBC_").skip(1).filter_map(|rest| {
        let word = rest
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
            .next()?;
        let mut numbers = word.split('.').map_while(|number| number.parse().ok());
        Some([numbers.next()?, numbers.next()?])
    });
    versions.max().unwrap()
}

/// The C library of the root that Asterisk runs in.
fn libc(workspace: &Workspace) -> PathBuf {
    let root = &workspace.asterisk_root;
    let found = ["x86_64-linux-gnu", "aarch64-linux-gnu", "../lib64", ""]
        .map(|folder| root.join("lib").join(folder).join("libc.so.6"))
        .into_iter()
        .find(|file| file.exists());
    found.unwrap()
}

#[test]
fn the_library_asks_for_nothing_newer_than_debian_11() {
    let workspace = Workspace::ready().unwrap();
    let library = newest(&workspace.library());
    assert!(
        library <= OLDEST,
        "liboutdial.so asks for glibc {library:?}"
    );
}

#[test]
fn the_module_asks_for_nothing_newer_than_its_root_has() {
    let workspace = Workspace::ready().unwrap();
    let has = newest(&libc(&workspace));
    let module = newest(&workspace.module());
    assert!(
        module <= has,
        "res_outdial.so asks for glibc {module:?}, and {has:?} is there"
    );
    if workspace.asterisk_major().unwrap() == 16 {
        assert!(module <= OLDEST, "res_outdial.so asks for glibc {module:?}");
    }
}
