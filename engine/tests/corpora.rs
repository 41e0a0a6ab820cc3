//! What the fuzzers have found stays found: their corpora, on the ordinary compiler.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

#[path = "../../fuzz/bodies/file.rs"]
mod file;
#[path = "../../fuzz/bodies/filter.rs"]
mod filter;

use file::Outcome;
use std::fs;
use std::path::Path;

/// The inputs of a target, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn filters() {
    let mut parsed = Vec::new();
    for (name, input) in corpus("filter") {
        if filter::parse(std::str::from_utf8(&input).unwrap()) {
            parsed.push(name);
        }
    }
    assert!(parsed.len() > 3, "few inputs are filters any more: {parsed:?}");
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let sound = file::sound(folder.path());
    assert_eq!(file::open(&sound, folder.path()), Outcome::Opened);
    let inputs = corpus("file");
    assert!(inputs.len() > 5, "the corpus has moved");
    for (name, input) in inputs {
        let outcome = file::open(&file::bytes_of(&input, &sound), folder.path());
        match name.split('-').next() {
            // Whether damage shows on opening is another matter: `verify` finds the rest.
            Some("edit") => {}
            _ => assert_eq!(outcome, Outcome::Refused, "{name}"),
        }
    }
}
