//! The committed header is what the sources say, and both languages take it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_committed_header_is_up_to_date() {
    let fresh = include_str!(concat!(env!("OUT_DIR"), "/outdial.h"));
    let committed = std::fs::read_to_string(root().join("include/outdial.h")).unwrap();
    assert!(
        committed == fresh,
        "include/outdial.h is stale; run: OUTDIAL_WRITE_HEADER=1 cargo build -p outdial"
    );
}

#[test]
fn every_exported_function_is_in_the_header() {
    let header = include_str!("../include/outdial.h");
    let mut names = Vec::new();
    for file in [
        "exports.rs",
        "post.rs",
        "stats.rs",
        "watch.rs",
        "console/mod.rs",
    ] {
        let source = std::fs::read_to_string(root().join("ffi").join(file)).unwrap();
        names.extend(
            source
                .split("extern \"C\" fn outdial_")
                .skip(1)
                .map(|rest| format!("outdial_{}(", rest.split('(').next().unwrap())),
        );
    }
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        assert!(header.contains(&name), "{name}");
    }
}

#[test]
fn the_header_compiles_as_c99_and_as_cpp() {
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let source = out.join("header.c");
    let text = "#include <outdial.h>\n#include <outdial.h>\n\
        uint32_t version(void);\nuint32_t version(void) { return outdial_abi_version(); }\n";
    std::fs::write(&source, text).unwrap();
    for args in [
        ["cc", "-std=c99", "-xc"],
        ["c++", "-std=c++98", "-xc++"],
        ["c++", "-std=c++17", "-xc++"],
    ] {
        let [compiler, standard, language] = args;
        let mut command = Command::new(compiler);
        command
            .args([standard, language, "-Wall", "-Wextra", "-Werror"])
            .arg("-I")
            .arg(root().join("include"))
            .arg("-c")
            .arg(&source)
            .arg("-o")
            .arg(out.join("header.o"));
        let built = command.output().expect(compiler);
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{compiler} {standard}: {said}");
    }
}
