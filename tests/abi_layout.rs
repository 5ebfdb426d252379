//! C and Rust agree on the size of every struct and on the place of every field.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::Command;

use outdial::{
    OutdialDisposition, OutdialEvent, OutdialHost, OutdialHostLoad, OutdialNotice,
    OutdialOriginate, OutdialRing, OutdialSettings, OutdialStats,
};

/// Name in C, size, and offset of each field, in order.
type Layout = (&'static str, usize, Vec<(&'static str, usize)>);

macro_rules! layout {
    ($c:literal, $rust:ident { $($field:ident),* $(,)? }) => {
        ($c, size_of::<$rust>(), vec![$((stringify!($field), offset_of!($rust, $field))),*])
    };
}

fn layouts() -> Vec<Layout> {
    vec![
        layout!(
            "outdial_event",
            OutdialEvent {
                struct_size,
                kind,
                id,
                other,
                request,
                value,
                sip_status,
                q850,
            }
        ),
        layout!(
            "outdial_originate",
            OutdialOriginate {
                struct_size,
                timeout_ms,
                leg,
                tech,
                endpoint,
                number,
                caller_id,
                account,
                context,
                exten,
                priority,
                attempt,
                lead,
                record,
                amd,
            }
        ),
        layout!(
            "outdial_ring",
            OutdialRing {
                struct_size,
                timeout_ms,
                session,
                agent,
                tech,
                endpoint,
                caller_id,
                account,
            }
        ),
        layout!(
            "outdial_notice",
            OutdialNotice {
                struct_size,
                kind,
                attempt,
                lead,
                leg,
                session,
                campaign,
                trunk,
                number,
                agent,
                old_state,
                state,
                pause,
                reason,
                over,
                sip_status,
                q850,
            }
        ),
        layout!(
            "outdial_disposition",
            OutdialDisposition {
                struct_size,
                callback_personal,
                code,
                callback_at,
                note,
            }
        ),
        layout!(
            "outdial_host_load",
            OutdialHostLoad {
                struct_size,
                waiting,
                running,
                oldest_ms,
            }
        ),
        layout!(
            "outdial_host",
            OutdialHost {
                abi_version,
                struct_size,
                ctx,
                originate,
                connect,
                play,
                release,
                hangup,
                dismiss,
                probe,
                visit_live,
                load,
                log,
                on_fault,
                ring,
                notice,
                leave_message,
            }
        ),
        layout!(
            "outdial_settings",
            OutdialSettings {
                struct_size,
                node,
                socket,
                journal,
                pbx,
                journal_bytes,
                test_host,
            }
        ),
        layout!(
            "outdial_stats",
            OutdialStats {
                struct_size,
                poisoned,
                draining,
                linked,
                live_attempts,
                sessions,
                legs,
                posted,
                refused,
                stray,
                heartbeat_age_ms,
                event_to_command_p50_us,
                event_to_command_p99_us,
            }
        ),
    ]
}

#[test]
fn every_struct_and_field_lies_where_c_sees_it() {
    let mut source = String::from("#include <stdio.h>\n#include \"outdial.h\"\nint main(void) {\n");
    let mut expected = String::new();
    for (name, size, fields) in layouts() {
        writeln!(source, "printf(\"{name} %zu\\n\", sizeof(struct {name}));").unwrap();
        writeln!(expected, "{name} {size}").unwrap();
        for (field, offset) in fields {
            writeln!(
                source,
                "printf(\"{name}.{field} %zu\\n\", offsetof(struct {name}, {field}));"
            )
            .unwrap();
            writeln!(expected, "{name}.{field} {offset}").unwrap();
        }
    }
    source.push_str("return 0; }\n");

    assert_eq!(compile_and_run(&source), expected);
}

#[test]
fn no_struct_and_no_field_is_forgotten_here() {
    let source = include_str!("../ffi/abi.rs");
    let mut found = Vec::new();
    for item in syn::parse_file(source).unwrap().items {
        let syn::Item::Struct(item) = item else {
            continue;
        };
        assert!(
            item.attrs.iter().any(|attr| attr.path().is_ident("repr")),
            "{} is not repr(C)",
            item.ident
        );
        found.push(item.fields.len());
    }
    let mut known: Vec<usize> = layouts()
        .iter()
        .map(|(_, _, fields)| fields.len())
        .collect();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known, "fields of the structs in ffi/abi.rs");
}

fn compile_and_run(source: &str) -> String {
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (c, program) = (out.join("layout.c"), out.join("layout"));
    std::fs::write(&c, source).unwrap();
    let built = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("include"))
        .arg(&c)
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let ran = Command::new(program).output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}
