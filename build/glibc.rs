//! Lets `liboutdial.so` load where glibc is as old as 2.31 (Debian 11), wherever it is linked.
//!
//! glibc 2.34 moved the functions of libpthread and libdl into libc, under a new version; what is
//! linked against it asks for that version. So the linker is shown both libraries as glibc 2.31 had
//! them: the old versions, which every later glibc has too, and functions without a body. Nothing
//! of them gets into `liboutdial.so` but names and versions. What became a function of libc in 2.33
//! is linked in (`stat.c`).
//!
//! `tests/harness/tests/glibc.rs` fails when something newer is asked for: add it here.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A library of glibc 2.31: its file for the linker, its soname, and its functions by their version
/// on `x86_64`.
struct Library {
    file: &'static str,
    soname: &'static str,
    versions: &'static [(&'static str, &'static [&'static str])],
}

const LIBRARIES: [Library; 2] = [
    Library {
        file: "libpthread.so",
        soname: "libpthread.so.0",
        versions: &[
            (
                "GLIBC_2.2.5",
                &[
                    "pthread_attr_getguardsize",
                    "pthread_attr_getstack",
                    "pthread_attr_setguardsize",
                    "pthread_attr_setstacksize",
                    "pthread_create",
                    "pthread_detach",
                    "pthread_getattr_np",
                    "pthread_getspecific",
                    "pthread_join",
                    "pthread_key_create",
                    "pthread_key_delete",
                    "pthread_kill",
                    "pthread_setspecific",
                    "pthread_sigmask",
                ],
            ),
            ("GLIBC_2.12", &["pthread_getname_np", "pthread_setname_np"]),
        ],
    },
    Library {
        file: "libdl.so",
        soname: "libdl.so.2",
        versions: &[(
            "GLIBC_2.2.5",
            &["dladdr", "dlclose", "dlerror", "dlopen", "dlsym"],
        )],
    },
];

/// On this architecture glibc began with one version for everything.
const AARCH64: &str = "GLIBC_2.17";

/// Tells the linker, if the target has glibc.
pub fn reach_back(out: &Path) -> Result<(), Box<dyn Error>> {
    for source in ["build/glibc.rs", "build/stat.c"] {
        println!("cargo:rerun-if-changed={source}");
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let libc = env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    if libc != "gnu" || !["x86_64", "aarch64"].contains(&arch.as_str()) {
        return Ok(());
    }
    let folder = out.join("glibc-2.31");
    fs::create_dir_all(&folder)?;
    for library in &LIBRARIES {
        make(library, &folder, arch == "aarch64")?;
    }
    let stat = folder.join("stat.o");
    cc(
        &["-O2", "-fPIC", "-ffunction-sections", "-c", "build/stat.c"],
        &stat,
    )?;
    // For this library only, not for programs: those need the old start-up files too.
    println!("cargo:rustc-cdylib-link-arg=-L{}", folder.display());
    println!("cargo:rustc-cdylib-link-arg={}", stat.display());
    Ok(())
}

fn make(library: &Library, folder: &Path, aarch64: bool) -> Result<(), Box<dyn Error>> {
    let mut source = String::new();
    let mut script = String::new();
    for (version, functions) in library.versions {
        let body: String = functions
            .iter()
            .map(|name| format!("\t{name};\n"))
            .collect();
        script.push_str(&format!("{version} {{\n{body}}};\n"));
        source.extend(
            functions
                .iter()
                .map(|name| format!("void {name}(void) {{}}\n")),
        );
    }
    if aarch64 {
        let names = library
            .versions
            .iter()
            .flat_map(|(_, functions)| *functions);
        let body: String = names.map(|name| format!("\t{name};\n")).collect();
        script = format!("{AARCH64} {{\n{body}}};\n");
    }
    let stem = folder.join(library.file);
    let (code, map) = (stem.with_extension("c"), stem.with_extension("map"));
    fs::write(&code, source)?;
    fs::write(&map, script)?;
    let soname = format!("-Wl,-soname,{}", library.soname);
    let map = format!("-Wl,--version-script,{}", map.display());
    let code = code.display().to_string();
    let args = ["-shared", "-nostdlib", "-fno-builtin", &soname, &map, &code];
    cc(&args, &stem)
}

/// Runs the compiler that Rust links with.
fn cc(args: &[&str], output: &Path) -> Result<(), Box<dyn Error>> {
    let compiler = env::var_os("RUSTC_LINKER").map_or_else(|| PathBuf::from("cc"), PathBuf::from);
    let status = Command::new(&compiler)
        .args(args)
        .arg("-o")
        .arg(output)
        .status()
        .map_err(|error| format!("{}: {error}", compiler.display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} {}: {status}", compiler.display(), args.join(" ")).into())
    }
}
