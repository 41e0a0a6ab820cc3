//! Exporting, and importing what was exported.

use crate::support::{Place, vectors};
use serde_json::{Value, json};
use std::fs;

/// A file with everything that a memory can have, and text that is awkward to print.
fn stocked() -> Place {
    let place = Place::new();
    let rows = vectors(4, 3);
    let awkward =
        "quote \" backslash \\ tab \t nul \u{0} line\nseparator \u{2028} emoji 🦀 é e\u{301}";
    let lines = [
        json!({"id": "a", "text": awkward, "kind": "k", "tags": ["x", "y z"], "importance": 0.1,
               "valence": -0.3, "priority": -7, "agent": "ag", "session": "s 1", "project": "p",
               "channel": "c", "source": "o", "created_at": "2025-01-31T12:00:00.123Z",
               "expires_at": "2999-01-01T00:00:00Z", "embedding": rows[0],
               "metadata": {"deep": {"list": [1, 2.5, null, true, 0.1, 1e300]}, "n": 12_345_678_901_u64}}),
        json!({"id": "b", "text": "other space", "namespace": "n",
               "embedding": {"small": [0.1, 0.7], "default": rows[1]}}),
        json!({"text": "without an id"}),
        json!({"text": "without an id"}),
        json!({"id": "c", "text": "old", "created_at": "2025-03-01T00:00:00Z"}),
        json!({"id": "d", "text": "newer, though of an earlier day", "supersedes": "c",
               "created_at": "2025-02-01T00:00:00Z", "embedding": [0.1, -1e-7, 3.402_823_5e38]}),
    ];
    place.write_lines("in.jsonl", &lines);
    place.import(&["in.jsonl"]);
    place.run(&["put", "t.lith", "without an id"]).exits(0);
    place
}

/// Lines in an order that does not depend on when they were written.
fn sorted(text: &str) -> Vec<Value> {
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    lines.sort_by_key(|line| line["id"].as_str().unwrap().to_owned());
    lines
}

#[test]
fn an_export_imports_to_an_equal_file() {
    let place = stocked();
    let first = place.run(&["export", "t.lith"]).exits(0).out;
    assert_eq!(first.lines().count(), 7);
    place.write("again.jsonl", &first);
    let import = place.run(&["import", "u.lith", "again.jsonl", "--json"]).exits(0);
    assert_eq!(import.json()["imported"], 7);
    assert_eq!(import.err, "");
    let second = place.run(&["export", "u.lith"]).exits(0).out;
    assert_eq!(sorted(&first), sorted(&second));
    let d = sorted(&second).into_iter().find(|line| line["id"] == "d").unwrap();
    assert_eq!(d["supersedes"], "c");

    let again = place.run(&["import", "u.lith", "again.jsonl", "--json"]).exits(0).json();
    assert_eq!((&again["imported"], &again["unchanged"]), (&json!(0), &json!(7)));
}

#[test]
fn an_export_goes_straight_into_an_import() {
    let place = stocked();
    let text = place.run(&["export", "t.lith", "--json"]).exits(0).out;
    let import = place.run_with(&["import", "u.lith", "-", "--json"], &text).exits(0);
    assert_eq!(import.json()["imported"], 7);
}

#[test]
fn a_named_file_appears_whole_and_is_packed_by_its_name() {
    let place = stocked();
    let text = place.run(&["export", "t.lith"]).exits(0).out;
    let plain = place.run(&["export", "t.lith", "--out", "plain.jsonl", "--json"]).exits(0);
    assert_eq!(plain.json()["exported"], 7);
    assert_eq!(fs::read_to_string(place.path("plain.jsonl")).unwrap(), text);
    place.run(&["export", "t.lith", "--out", "packed.jsonl.gz"]).exits(0);
    let packed = fs::read(place.path("packed.jsonl.gz")).unwrap();
    assert!(packed.starts_with(b"\x1f\x8b"));
    let import = ["import", "u.lith", "packed.jsonl.gz", "--json"];
    assert_eq!(place.run(&import).exits(0).json()["imported"], 7);
    assert!(!place.names().iter().any(|name| name.contains("exporting")), "{:?}", place.names());
}

#[test]
fn what_killed_exports_left_is_removed_by_the_next_to_the_same_name() {
    let place = stocked();
    for left in [".out.jsonl.7-0.exporting", ".out.jsonl.812-1.exporting"] {
        place.write(left, "half a l");
    }
    let others = [
        ".out.jsonl.7-0.exporting.txt",
        ".out.jsonl.first.exporting",
        ".out.jsonl.9-0.exporting",
        ".other.jsonl.7-0.exporting",
        "out.jsonl.7-0.exporting",
    ];
    for other in others {
        place.write(other, "mine");
    }
    // An export that is alive holds a lock.
    let alive = fs::File::open(place.path(others[2])).unwrap();
    alive.lock().unwrap();
    place.run(&["export", "t.lith", "--out", "out.jsonl"]).exits(0);
    let mut expected: Vec<&str> = [&others[..], &["in.jsonl", "out.jsonl", "t.lith"]].concat();
    expected.sort_unstable();
    assert_eq!(place.names(), expected);
}

#[test]
fn the_store_is_never_written_over() {
    let place = stocked();
    let before = fs::read(place.path("t.lith")).unwrap();
    place.run(&["export", "t.lith", "--out", "./t.lith"]).exits(2);
    assert_eq!(fs::read(place.path("t.lith")).unwrap(), before);
}

#[test]
fn parts_can_be_exported_and_vectors_left_out() {
    let place = stocked();
    let only = |args: &[&str]| place.run(&[&["export", "t.lith"], args].concat()).exits(0).lines();
    assert_eq!(only(&["--namespace", "n"]).len(), 1);
    assert_eq!(only(&["--filter", "tag:\"y z\""])[0]["id"], "a");
    assert!(only(&[]).iter().any(|line| line["embedding"].is_array()));
    assert!(only(&["--no-vectors"]).iter().all(|line| line["embedding"].is_null()));
}
