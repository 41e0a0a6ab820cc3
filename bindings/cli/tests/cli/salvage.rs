//! What comes out of a damaged file, and which exit code says whether it is all.

use crate::support::Place;
use serde_json::json;
use std::fs;

/// A file of two hundred memories, each long enough to have a page of its own.
fn file() -> Place {
    let place = Place::new();
    let filler = "x".repeat(3_000);
    let line = |i: u32| json!({"id": format!("m{i}"), "text": format!("memory {i} {filler}")});
    place.write_lines("in.jsonl", &(0..200).map(line).collect::<Vec<_>>());
    place.import(&["in.jsonl"]);
    place
}

#[test]
fn a_sound_file_is_salvaged_whole() {
    let place = file();
    let report = place.run(&["salvage", "t.lith", "new.lith", "--json"]).exits(0).json();
    assert_eq!(report["complete"], true);
    assert_eq!(report["memories"], json!({"recovered": 200, "lost": 0}));
    assert_eq!(report["damage"], json!([]));
    let export = |name: &str| place.run(&["export", name]).exits(0).out;
    assert!(export("t.lith") == export("new.lith"));
    place.run(&["verify", "new.lith"]).exits(0);
    let run = place.run(&["salvage", "t.lith", "new.lith", "--json"]).exits(1);
    assert_eq!(run.error().0, "already_exists");
}

#[test]
fn what_is_lost_is_named_and_is_exit_code_six() {
    let place = file();
    let mut bytes = fs::read(place.path("t.lith")).unwrap();
    let at = bytes.windows(11).rposition(|w| w == b"memory 150 ").expect("the text is in the file");
    bytes[at] ^= 1;
    place.write("t.lith", &bytes);
    let run = place.run(&["salvage", "t.lith", "new.lith", "--json"]).exits(6);
    let report = run.json();
    assert_eq!(report["complete"], false);
    assert_eq!(report["memories"], json!({"recovered": 199, "lost": 1}));
    let lost = &report["lost"][0];
    assert_eq!((&lost["id"], &lost["namespace"]), (&json!("m150"), &json!("default")));
    assert_eq!(run.error().0, "incomplete");
    assert!(fs::read(place.path("t.lith")).unwrap() == bytes, "the damaged file was changed");
    place.run(&["verify", "new.lith"]).exits(0);
    place.run(&["get", "new.lith", "m149"]).exits(0);
    place.run(&["get", "new.lith", "m150"]).exits(3);

    let people = place.run(&["salvage", "t.lith", "other.lith"]).exits(6);
    assert!(people.out.contains("lost memory 151, default: m150"), "{people:?}");
    assert!(people.err.ends_with("without 1 memory\n"), "{people:?}");
}

#[test]
fn a_new_file_that_cannot_be_made_is_the_one_that_is_named() {
    let place = file();
    let run = place.run(&["salvage", "t.lith", "nowhere/new.lith", "--json"]).exits(3);
    let (kind, message) = run.error();
    assert_eq!(kind, "not_found");
    assert!(message.contains("nowhere") && !message.contains("t.lith"), "{message}");
}

#[test]
fn a_file_of_which_nothing_is_left_makes_no_new_one() {
    let place = file();
    let len = fs::read(place.path("t.lith")).unwrap().len();
    place.write("t.lith", vec![0; len]);
    let run = place.run(&["salvage", "t.lith", "new.lith", "--json"]).exits(1);
    assert_eq!(run.error().0, "not_memlith");
    assert_eq!(place.names(), ["in.jsonl", "t.lith"]);
}
