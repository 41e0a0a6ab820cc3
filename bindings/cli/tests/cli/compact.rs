//! A file that was emptied, and what it gives back.

use crate::support::Place;
use serde_json::json;

#[test]
fn compacting_says_how_long_the_file_was_and_is() {
    let place = Place::new();
    let lines: Vec<_> = (0..2_000)
        .map(|n| json!({ "id": n.to_string(), "text": format!("{n} {}", "filler ".repeat(200)) }))
        .collect();
    place.write_lines("in.jsonl", &lines);
    place.run(&["import", "t.lith", "in.jsonl", "--json"]).exits(0);
    let filled = place.path("t.lith").metadata().unwrap().len();
    place.run(&["forget", "t.lith", "--filter", "priority <= 5", "--json"]).exits(0);
    place.run(&["put", "t.lith", "what is left", "--id", "left", "--json"]).exits(0);

    let len = || place.path("t.lith").metadata().unwrap().len();
    let before = len();
    let compacted = place.run(&["compact", "t.lith", "--json"]).exits(0).json();
    assert_eq!(compacted["before_bytes"], before);
    assert_eq!(compacted["after_bytes"], len());
    // Closing has given back what was free; images that were not due there are written now.
    assert!(len() <= before + (256 << 10), "{before} bytes, then {}", len());
    assert!(len() < filled / 4);
    let stats = place.run(&["stats", "t.lith", "--json"]).exits(0).json();
    assert_eq!((&stats["memories"], &stats["file_bytes"]), (&json!(1), &json!(len())));
    assert!(stats["free_bytes"].as_u64().unwrap() <= 256 << 10);
    place.run(&["verify", "t.lith"]).exits(0);
    let said = place.run(&["compact", "t.lith"]).exits(0);
    assert!(said.out.contains("before, ") && said.out.contains(" now, in "), "{said:?}");
}
