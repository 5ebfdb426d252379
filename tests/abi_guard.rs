//! Nothing unwinds into C: every `extern "C"` body is one call of the panic guard, threads start
//! in one place, and every `unsafe` says why it is sound.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// What is wrong in one source file.
#[derive(Default)]
struct Findings {
    guarded: usize,
    bare: Vec<String>,
}

impl Findings {
    fn function(&mut self, signature: &syn::Signature, body: Option<&syn::Block>) {
        let is_c = signature
            .abi
            .as_ref()
            .is_some_and(|abi| abi.name.as_ref().is_none_or(|name| name.value() != "Rust"));
        let Some(body) = body.filter(|_| is_c) else {
            return;
        };
        if is_guard_call(body) {
            self.guarded += 1;
        } else {
            self.bare.push(signature.ident.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Findings {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, Some(&item.block));
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, Some(&item.block));
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.default.as_ref());
        syn::visit::visit_trait_item_fn(self, item);
    }
}

/// The body is nothing but `guard::catch(...)`.
fn is_guard_call(body: &syn::Block) -> bool {
    let statement = match body.stmts.as_slice() {
        [syn::Stmt::Expr(expr, _)] => expr,
        _ => return false,
    };
    let syn::Expr::Call(call) = statement else {
        return false;
    };
    let syn::Expr::Path(path) = &*call.func else {
        return false;
    };
    let path: Vec<String> = path
        .path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect();
    path == ["guard", "catch"]
}

fn look(source: &str) -> Findings {
    let mut findings = Findings::default();
    findings.visit_file(&syn::parse_file(source).unwrap());
    findings
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn ffi() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ffi")
}

#[test]
fn every_function_that_c_calls_is_behind_the_guard() {
    let mut guarded = 0;
    for path in sources(&ffi()) {
        let findings = look(&std::fs::read_to_string(&path).unwrap());
        assert!(
            findings.bare.is_empty(),
            "{}: not behind the guard: {:?}",
            path.display(),
            findings.bare
        );
        guarded += findings.guarded;
    }
    assert!(guarded >= 15, "only {guarded} were found");
}

#[test]
fn a_bare_function_is_found() {
    let bare = [
        "pub extern \"C\" fn f() {}",
        "extern fn f() {}",
        "pub unsafe extern \"C-unwind\" fn f() { prepare(); guard::catch((), || {}) }",
        "impl T { extern \"C\" fn f() { other::catch((), || {}) } }",
        "mod inner { fn g() { extern \"C\" fn f() { if true { guard::catch((), || {}) } } } }",
    ];
    for source in bare {
        assert_eq!(look(source).bare, ["f"], "{source}");
    }
    let good = look("extern \"C\" fn f() -> i32 { guard::catch(1, || 0) }");
    assert!(good.bare.is_empty());
    assert_eq!(good.guarded, 1);
}

#[test]
fn threads_are_started_in_one_place_only() {
    for path in sources(&ffi()) {
        let source = std::fs::read_to_string(&path).unwrap();
        let starts = [
            "thread::spawn(",
            "thread::Builder",
            "thread::{Builder",
            "thread::scope",
        ]
        .iter()
        .any(|start| source.contains(start));
        assert!(
            !starts || path.ends_with("threads.rs") || path.ends_with("tests.rs"),
            "{} starts a thread past ffi/threads.rs",
            path.display()
        );
    }
}

#[test]
fn no_global_state_and_no_unsafe_outside_the_boundary() {
    for path in sources(&ffi()) {
        let source = std::fs::read_to_string(&path).unwrap();
        for word in ["static mut ", "thread_local!", "lazy_static"] {
            assert!(!source.contains(word), "{}: {word}", path.display());
        }
        let is_static = |line: &&str| format!(" {line}").contains(" static ");
        // In no release: what it has is for tests to trip over.
        let released = !path.ends_with("ffi/fault.rs");
        if let Some(line) = source.lines().find(is_static).filter(|_| released) {
            panic!("{}: {line}", path.display());
        }
        let inside = ["journal", "link", "pump", "convert"];
        let may = !path
            .strip_prefix(ffi())
            .unwrap()
            .components()
            .any(|c| inside.iter().any(|name| c.as_os_str() == *name));
        assert!(
            may || !source.contains("unsafe "),
            "{} has no business with unsafe code",
            path.display()
        );
    }
}
