//! Generates the C header, and gives the shared library its name and its reach back to old systems.

#[path = "build/glibc.rs"]
mod glibc;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that declare something in the header.
const SOURCES: [&str; 12] = [
    "ffi/abi.rs",
    "ffi/exports.rs",
    "ffi/post.rs",
    "ffi/queue.rs",
    "ffi/agents.rs",
    "ffi/dialplan.rs",
    "ffi/inbound.rs",
    "ffi/pin.rs",
    "ffi/field.rs",
    "ffi/stats.rs",
    "ffi/watch.rs",
    "ffi/console/mod.rs",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let version = env::var("CARGO_PKG_VERSION")?;
    let header = generate(&root)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("outdial.h"), &header)?;
    if env::var("OUTDIAL_WRITE_HEADER").is_ok_and(|value| value == "1") {
        fs::create_dir_all(root.join("include"))?;
        fs::write(root.join("include/outdial.h"), &header)?;
    }
    // An engine that is loaded stays: its threads and thread-local data may outlive an unload.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,liboutdial.so.{version}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    glibc::reach_back(&out)?;
    println!("cargo:rerun-if-env-changed=OUTDIAL_WRITE_HEADER");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=build.rs");
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
    }
    Ok(())
}

fn generate(root: &Path) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join(source));
    }
    let mut header = Vec::new();
    builder.generate()?.write(&mut header);
    // Rust's heading for what the caller must see to.
    let header = String::from_utf8(header)?.replace(" * # Safety\n", " * Required:\n");
    Ok(header.into_bytes())
}
