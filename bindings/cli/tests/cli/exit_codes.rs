//! Each exit code, and the error that goes with it in words and in JSON.

use crate::support::Place;
use serde_json::json;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::Stdio;

#[test]
fn usage_is_two() {
    let place = Place::new();
    place.run(&["put", "t.lith", "text"]).exits(0);
    for args in [
        &["nonsense"][..],
        &["recall"],
        &["recall", "t.lith"],
        &["recall", "t.lith", "x", "--limit", "many"],
        &["recall", "t.lith", "x", "--half-life", "soon"],
        &["recall", "t.lith", "--vector", "1, 2"],
        &["recall", "t.lith", "x", "--filter", "tag:"],
        &["list", "t.lith", "--order", "sideways"],
        &["put", "t.lith", "x", "--created-at", "yesterday"],
    ] {
        place.run(args).exits(2);
        let run = place.run(&[args, &["--json"]].concat()).exits(2);
        assert!(!run.error().1.is_empty() && run.out.is_empty(), "{run:?}");
    }
    let run = place.run(&["recall", "t.lith", "x", "--filter", "tag:a and", "--json"]).exits(2);
    assert_eq!(run.error().0, "filter_syntax");
    let people = place.run(&["recall", "t.lith", "x", "--filter", "tag:a and"]).exits(2);
    assert!(people.err.contains('^'), "a caret points at the column: {people:?}");
    assert_eq!(place.run(&["frob", "--json"]).exits(2).error().0, "usage");
}

#[test]
fn help_and_version_are_no_failure() {
    let place = Place::new();
    assert!(place.run(&["--version"]).exits(0).out.starts_with("memlith "));
    let help = place.run(&["import", "--help"]).exits(0);
    assert!(help.out.contains("Examples:"), "{}", help.out);
}

#[test]
fn what_is_not_there_is_three() {
    let place = Place::new();
    for args in [
        &["recall", "t.lith", "x"][..],
        &["get", "t.lith", "x"],
        &["forget", "t.lith", "x"],
        &["list", "t.lith"],
        &["stats", "t.lith"],
        &["verify", "t.lith"],
        &["log", "t.lith"],
        &["export", "t.lith"],
        &["rebuild", "t.lith"],
        &["text", "t.lith"],
        &["text", "t.lith", "--tags", "2"],
        &["compact", "t.lith"],
        &["salvage", "t.lith", "new.lith"],
    ] {
        let run = place.run(&[args, &["--json"]].concat()).exits(3);
        assert_eq!(run.error().0, "not_found", "{args:?}");
        assert!(run.error().1.contains("t.lith"), "{args:?}: {run:?}");
    }
    assert!(place.names().is_empty(), "reading makes no file");
}

#[test]
fn a_file_in_use_is_four_and_says_by_whom() {
    let place = Place::new();
    // An import that waits for its input holds the file.
    let mut command = place.command(&["import", "t.lith", "-", "--batch", "1", "--json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("MEMLITH_BUSY_TIMEOUT", "60000");
    let mut holder = command.spawn().unwrap();
    let mut input = holder.stdin.take().unwrap();
    writeln!(input, "{}", json!({"id": "x", "text": "text"})).unwrap();
    input.flush().unwrap();
    while !place.path("t.lith").exists() {
        assert!(holder.try_wait().unwrap().is_none(), "it ended before its input did");
        std::thread::yield_now();
    }
    let run = place.run(&["put", "t.lith", "other", "--json"]).exits(4);
    assert_eq!(run.error().0, "in_use");
    if cfg!(target_os = "linux") {
        assert!(run.error().1.contains(&holder.id().to_string()), "{run:?}");
    }
    place.run(&["recall", "t.lith", "text"]).exits(4);
    drop(input);
    assert!(holder.wait().unwrap().success());
    place.run(&["recall", "t.lith", "text"]).exits(0);
}

#[test]
fn damage_is_five() {
    let place = Place::new();
    let lines: Vec<_> = (0..200).map(|i| json!({"id": i, "text": format!("memory {i}")})).collect();
    place.write_lines("in.jsonl", &lines);
    place.import(&["in.jsonl"]);
    let report = place.run(&["verify", "t.lith", "--json"]).exits(0).json();
    assert_eq!(report["clean"], true);
    assert!(report["checked"].as_object().is_some_and(|c| !c.is_empty()), "{report}");

    // Every byte of content that verify reads is under a checksum: turn one of them.
    let bytes = fs::read(place.path("t.lith")).unwrap();
    let at = bytes.windows(10).rposition(|w| w == b"memory 150").expect("the text is in the file");
    let mut file = fs::File::options().read(true).write(true).open(place.path("t.lith")).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
    drop(file);
    let run = place.run(&["verify", "t.lith", "--json"]).exits(5);
    assert_eq!(run.error().0, "corruption", "{run:?}");
}

#[test]
fn what_is_not_ours_is_one_and_stays_as_it_is() {
    let place = Place::new();
    place.write("t.lith", "a shopping list, and a long one\n".repeat(4_000));
    let before = fs::read(place.path("t.lith")).unwrap();
    for args in [&["recall", "t.lith", "x"][..], &["put", "t.lith", "x"], &["verify", "t.lith"]] {
        let run = place.run(&[args, &["--json"]].concat()).exits(1);
        assert_eq!(run.error().0, "not_memlith", "{args:?}");
    }
    assert_eq!(fs::read(place.path("t.lith")).unwrap(), before);
}
