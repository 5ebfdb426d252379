//! Builds the contract host, and the module against the contract; compares that with FreeSWITCH's own
//! headers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::talk;

const SOURCES: [&str; 14] = [
    "abi.c",
    "bridge.c",
    "carrier.c",
    "channel.c",
    "core.c",
    "event.c",
    "json.c",
    "main.c",
    "media.c",
    "memory.c",
    "session.c",
    "states.c",
    "text.c",
    "xml.c",
];

pub struct Built {
    pub program: PathBuf,
    pub module: PathBuf,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn contract() -> PathBuf {
    root().join("tests/fs_contract")
}

/// Host and module, built once for all tests.
pub fn host() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let out = talk::library_folder("fs_contract");
        Built {
            program: build_program(&out),
            module: build_module(&out),
        }
    })
}

fn sanitizers() -> Vec<String> {
    let mut flags = talk::sanitizer_flags().to_vec();
    if !talk::is_threads() {
        flags.extend([
            "-fsanitize=undefined".into(),
            "-fno-sanitize-recover=undefined".into(),
        ]);
    }
    flags
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    if done.status.success() {
        Ok(())
    } else {
        Err(said)
    }
}

fn build_program(out: &Path) -> PathBuf {
    let program = out.join("fs_contract");
    let mut cc = Command::new("cc");
    cc.args([
        "-std=gnu11",
        "-g",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-D_GNU_SOURCE",
    ])
    .args(["-Wno-unused-parameter", "-Wno-missing-field-initializers"])
    .arg(format!(
        "-DOUTDIAL_VERSION=\"{}\"",
        env!("CARGO_PKG_VERSION")
    ))
    .args(sanitizers())
    .arg("-I")
    .arg(contract().join("include"))
    .arg("-I")
    .arg(root().join("include"))
    // The module finds FreeSWITCH's functions in the program.
    .arg("-rdynamic")
    .arg("-o")
    .arg(&program)
    .args(SOURCES.map(|name| contract().join(name)))
    .args(talk::is_threads().then(|| root().join("tests/c_host/tsan.c")))
    .args(["-lpthread", "-ldl"]);
    if talk::is_threads() {
        // What is thread-local in a library that is loaded later comes from the heap, and ThreadSanitizer
        // takes glibc's freeing of it after the thread's end for a race.
        cc.arg("-L")
            .arg(out)
            .arg(format!("-Wl,-rpath,{}", out.display()))
            .args(["-Wl,--no-as-needed", "-loutdial"]);
    }
    if let Err(said) = run(&mut cc) {
        panic!(
            "The contract host does not build. A function that calls.def states, and that is undefined \
             here, has to be written in one of tests/fs_contract/*.c:\n{said}"
        );
    }
    program
}

/// By the module's own Makefile, so that it has every source that is listed there.
fn build_module(out: &Path) -> PathBuf {
    let build = out.join("module");
    let flags = format!("-g -O1 {}", sanitizers().join(" "));
    // FreeSWITCH's headers are none of its prerequisites, so it would not see that the contract changed.
    drop(std::fs::remove_dir_all(&build));
    let mut make = Command::new("make");
    make.args(["-s", "-j2", "-C"])
        .arg(root().join("freeswitch-mod"))
        .arg(format!(
            "FREESWITCH_INCLUDE={}",
            contract().join("include").display()
        ))
        .arg(format!("OUTDIAL_LIB={}", out.display()))
        .arg(format!("BUILD={}", build.display()))
        .arg(format!("CFLAGS={flags}"))
        // Nothing is left to be found, or not, when it is loaded.
        .arg(format!("LDFLAGS=-Wl,-rpath,{}", out.display()))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL");
    if let Err(said) = run(&mut make) {
        panic!(
            "freeswitch-mod does not build against the contract. What is undeclared, unknown or no member \
             here needs a line in tests/fs_contract/include (switch.h there says where):\n{said}"
        );
    }
    build.join("mod_outdial.so")
}

/// Folder of the installed FreeSWITCH's switch.h: by `FREESWITCH_PREFIX`, pkg-config, or where it
/// installs itself.
pub fn freeswitch_include() -> Option<PathBuf> {
    let prefix = std::env::var_os("FREESWITCH_PREFIX").filter(|prefix| !prefix.is_empty());
    let known = || {
        let asked = Command::new("pkg-config")
            .args(["--variable=includedir", "freeswitch"])
            .output();
        let said = String::from_utf8(asked.ok()?.stdout).ok()?;
        Some(PathBuf::from(said.trim()))
    };
    let folder = match prefix {
        Some(prefix) => Some(PathBuf::from(prefix).join("include/freeswitch")),
        None => known()
            .filter(|folder| folder.join("switch.h").exists())
            .or_else(|| Some("/usr/local/freeswitch/include/freeswitch".into())),
    };
    folder.filter(|folder| folder.join("switch.h").exists())
}

/// Names of macros of the contract's; its own begin with FS_CONTRACT.
fn macros() -> Vec<String> {
    let text = std::fs::read_to_string(contract().join("include/macros.h")).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .map(|line| {
            let end = line.find(|c: char| !c.is_alphanumeric() && c != '_');
            line[..end.unwrap_or(line.len())].to_owned()
        })
        .filter(|name| !name.starts_with("FS_CONTRACT"))
        .collect()
}

/// Compares each line of the contract with the headers in `include`, and `more`, one line. Err: what
/// differs.
pub fn compare(include: &Path, more: Option<&str>) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let mut code = format!("#include \"{}\"\n", contract().join("check.c").display());
    for name in macros() {
        code += &format!("#ifndef {name}\n#error {name} is no macro\n#endif\n");
    }
    code += more.unwrap_or_default();
    let file = dir.path().join("check.c");
    std::fs::write(&file, code).unwrap();
    let mut cc = Command::new("cc");
    cc.args([
        "-std=gnu11",
        "-fsyntax-only",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-D_GNU_SOURCE",
    ])
    .arg("-isystem")
    .arg(include)
    .arg(file);
    run(&mut cc)
}
