//! What the fuzzers have found stays found: every corpus, on the ordinary compiler.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

use memlith_fuzz_bodies::{TARGETS, target};
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

/// Runs every input of a target. Some must be taken and some refused, or the corpus no longer
/// reaches what it was made for: then the format has changed, and `seeds.rs` makes new ones.
fn replay(name: &str) {
    let target = target(name);
    let mut inputs: Vec<_> =
        fs::read_dir(folder().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    let (mut taken, mut failed) = (0, Vec::new());
    for path in &inputs {
        let input = fs::read(path).unwrap();
        match catch_unwind(|| target.run(&input)) {
            Ok(is_taken) => taken += usize::from(is_taken),
            Err(_) => failed.push(path),
        }
    }
    assert!(failed.is_empty(), "defects are shown by {failed:#?}");
    assert!(taken >= 2, "only {taken} of {} inputs of `{name}` are taken", inputs.len());
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_corpus_is_replayed_and_every_target_has_a_corpus() {
            let replayed = [$(stringify!($name)),*];
            let names = TARGETS.map(|target| target.name);
            assert_eq!(replayed, names);
            let mut folders: Vec<_> = fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            folders.sort();
            assert_eq!(folders, names);
        }
    };
}

replays! { attributes calls file filter forged import lines matrix model text vectors }
