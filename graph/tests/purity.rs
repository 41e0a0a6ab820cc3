//! The crate is pure: it reaches no file, clock, process or network, and no database. Threads it starts
//! in one module, scoped, so that none outlives a call.
//!
//! Both lists are of what is allowed, so that whatever is new has to be put on one by hand.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the standard library in which nothing reaches outside of the process's memory.
const ALLOWED_MODULES: [&str; 22] = [
    "alloc",
    "any",
    "arch",
    "array",
    "borrow",
    "cell",
    "char",
    "cmp",
    "collections",
    "convert",
    "error",
    "fmt",
    "hash",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "ptr",
    "slice",
    "str",
    "sync",
];

/// Dependencies, each pure itself.
const ALLOWED_DEPENDENCIES: [&str; 2] = ["roaring", "thiserror"];

/// The one file that may start threads.
const THREADS: &str = "analytics/threads.rs";

/// What needs no path to reach outside, when it runs or when it is compiled.
const FORBIDDEN: [&str; 8] = [
    "print!(",
    "println!(",
    "include!(",
    "include_str!(",
    "include_bytes!(",
    "env!(",
    "thread_local!",
    "extern ",
];

/// The library part of a source file, without comments.
///
/// Tests are at the end of a file, in a module of their own: what follows it would be missed, so
/// that there must be nothing.
fn library_code(source: &str) -> String {
    let (library, tests) = source.split_once("#[cfg(test)]").unwrap_or((source, ""));
    assert!(tests.is_empty() || tests.starts_with("\nmod tests {"), "tests are in `mod tests`");
    assert!(!tests.contains("\n}\n\n"), "nothing follows `mod tests`");
    let code = library.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// The first step behind every `root::`, also behind `root::{…}`.
fn steps_behind(root: &str, code: &str) -> Vec<String> {
    let path = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&path) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads_of_group(group)),
            None => found.push(name_at_start(rest)),
        }
    }
    found
}

/// The first names of the paths in `{a::b, c::{d, e}}`, given what stands behind the brace.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(name_at_start(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn name_at_start(code: &str) -> String {
    code.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '*').collect()
}

/// What in a source file reaches further than it may.
fn impurities(source: &str) -> Vec<String> {
    let code = library_code(source);
    let modules = ["std", "core"].map(|root| steps_behind(root, &code)).concat();
    let is_allowed = |module: &String| ALLOWED_MODULES.contains(&module.as_str());
    let mut found: Vec<String> = modules.into_iter().filter(|m| !is_allowed(m)).collect();
    found.extend(FORBIDDEN.into_iter().filter(|f| code.contains(f)).map(String::from));
    found
}

/// The names below `[dependencies]`, and below those of any target.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            is_inside = table.ends_with("dependencies]") && !table.starts_with("dev-");
            if let Some((_, name)) = table.split_once("dependencies.").filter(|_| !is_inside) {
                names.push(name.trim_end_matches(']').to_owned());
            }
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            names.push(line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned());
        }
    }
    names
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn no_source_reaches_outside() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 40, "the sources have moved: {} found", files.len());
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let mut found = impurities(&source);
        if file.ends_with(THREADS) {
            assert!(!library_code(&source).contains("thread::spawn"), "threads are scoped");
            found.retain(|module| module != "thread");
        }
        assert!(found.is_empty(), "{} uses {found:?}", file.display());
    }
}

#[test]
fn no_dependency_reaches_outside() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let found = dependencies(&fs::read_to_string(manifest).unwrap());
    assert!(!found.is_empty(), "the manifest lists its dependencies");
    for name in found {
        assert!(ALLOWED_DEPENDENCIES.contains(&name.as_str()), "{name} is not known to be pure");
    }
}

#[test]
fn the_check_sees_what_it_must() {
    assert_eq!(impurities("use std::time::Instant;"), ["time"]);
    assert_eq!(
        impurities("use std::{collections::{BTreeMap}, thread, fs::File};"),
        ["thread", "fs"]
    );
    assert_eq!(impurities("fn f() { std::process::exit(1) }"), ["process"]);
    assert_eq!(impurities("let now = ::std::time::Instant::now();"), ["time"]);
    assert_eq!(impurities("use std::*;"), ["*"]);
    assert_eq!(impurities("extern crate libc;"), ["extern "]);
    assert_eq!(impurities("println!(\"{x}\");"), ["println!("]);
    assert_eq!(impurities("// std::fs is for others\nuse std::sync::Arc;"), [""; 0]);
    assert_eq!(
        impurities("use std::fmt;\n#[cfg(test)]\nmod tests {\n  use std::fs;\n}\n"),
        [""; 0]
    );
    let manifest = "[dependencies]\na.workspace = true\n[target.'cfg(unix)'.dependencies]\n\
                    b = \"1\"\n[dependencies.c]\nversion = \"1\"\n[dev-dependencies]\nd = \"1\"\n";
    assert_eq!(dependencies(manifest), ["a", "b", "c"]);
}
