//! The header is what the crate exports, and what it exports has not changed under its users.
//!
//! `cargo test -p memlith-capi --test header -- --ignored` writes the header and the list of symbols anew.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]
#![expect(clippy::print_stderr, reason = "what is passed over is said")]

use cbindgen::{Builder, Config, Language, Style};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header() -> String {
    let read = |name: &str| fs::read_to_string(folder().join("header").join(name)).unwrap();
    let mut config = Config {
        language: Language::C,
        style: Style::Both,
        header: Some(read("preamble.h").trim_end().to_owned()),
        include_guard: Some("MEMLITH_H".into()),
        no_includes: true,
        sys_includes: ["math.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"]
            .map(str::to_owned)
            .to_vec(),
        cpp_compat: true,
        usize_is_size_t: true,
        line_length: 100,
        tab_width: 4,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        trailer: None,
        ..Config::default()
    };
    config.parse.parse_deps = false;
    let mut text = Vec::new();
    // The sources, not cargo: what the test is built of is there. Modules are found by themselves.
    let bindings = Builder::new().with_config(config).with_src(folder().join("src/lib.rs"));
    bindings.generate().unwrap().write(&mut text);
    let text = String::from_utf8(text).unwrap();
    // Definitions belong outside of what is made anew at will, but inside of the guard.
    let end = text.rfind("#endif").unwrap();
    format!("{}{}\n{}", &text[..end], read("init.h"), &text[end..])
}

/// Every function that the header declares.
fn symbols(header: &str) -> BTreeSet<String> {
    let names = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let declared = |name: &&str| {
        name.starts_with("ml_")
            && header.contains(&format!("{name}("))
            && !name.ends_with("_init")
            && !["ml_cstr", "ml_floats_of"].contains(name)
    };
    names.filter(declared).map(str::to_owned).collect()
}

fn list(symbols: &BTreeSet<String>) -> String {
    symbols.iter().flat_map(|name| [name.as_str(), "\n"]).collect()
}

#[test]
fn the_header_is_that_of_the_sources() {
    let there = fs::read_to_string(folder().join("include/memlith.h")).unwrap();
    assert!(
        there == header(),
        "write it anew: cargo test -p memlith-capi --test header -- --ignored"
    );
}

#[test]
fn every_function_is_declared_once() {
    let header = header();
    for name in symbols(&header) {
        let [plain, pointer] = [' ', '*'].map(|before| format!("{before}{name}("));
        let declares = |line: &&str| {
            line.starts_with(|c: char| c.is_ascii_alphabetic())
                && (line.contains(&plain) || line.contains(&pointer))
        };
        assert_eq!(header.lines().filter(declares).count(), 1, "{name}");
    }
}

#[test]
fn no_function_is_gone_or_has_come_unsaid() {
    let there = fs::read_to_string(folder().join("include/symbols.txt")).unwrap();
    assert_eq!(there, list(&symbols(&header())), "a change of the ABI: see docs/c.md");
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let library = env::current_exe().unwrap().with_file_name("libmemlith_capi.so");
    let Ok(said) = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output() else {
        eprintln!("passed over: there is no nm");
        return;
    };
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let lines = String::from_utf8(said.stdout).unwrap();
    let names = lines.lines().filter_map(|line| line.split(' ').next_back());
    let exported = names.filter(|name| name.starts_with("ml_")).map(str::to_owned).collect();
    assert_eq!(list(&symbols(&header())), list(&exported));
}

#[test]
fn what_is_installed_is_there_and_has_the_version_of_the_interface() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let section = |name: &str| {
        let begin = format!("[package.metadata.capi.{name}]\n");
        manifest.split(&begin).nth(1).unwrap().split("\n[").next().unwrap().to_owned()
    };
    let value = |section: &str, key: &str| {
        let line = section.lines().find(|line| line.starts_with(&format!("{key} = ")));
        line.unwrap().split('"').nth(1).unwrap().to_owned()
    };
    // cargo-c makes the name of the library, and of the link to it, of these.
    let library = section("library");
    let major = value(&library, "version").split('.').next().unwrap().parse();
    assert_eq!(major, Ok(memlith_capi::ML_ABI_VERSION));
    assert_eq!(value(&library, "name"), "memlith");
    assert_eq!(value(&section("pkg_config"), "filename"), "memlith");
    let installed = section("install.include");
    let files: Vec<&str> =
        installed.split("from = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(files, ["include/memlith.h", "include/memlith.hpp"]);
    assert!(files.iter().all(|file| folder().join(file).is_file()));
}

#[test]
#[ignore = "writes the header and the list of symbols"]
fn write() {
    let header = header();
    fs::write(folder().join("include/symbols.txt"), list(&symbols(&header))).unwrap();
    fs::write(folder().join("include/memlith.h"), header).unwrap();
}
