//! Imports that are killed, and run again.

use crate::support::{Place, npy, vectors};
use serde_json::json;
use std::io::Write;
use std::process::Stdio;

const LINES: usize = 600;

/// Kills imports at points that lie deeper in the input each time, without waiting for any
/// moment: so many lines are given, and with the next the process dies.
#[test]
fn a_killed_import_leaves_a_sound_file_that_a_rerun_completes() {
    let place = Place::new();
    let lines: Vec<_> = (0..LINES)
        .map(|i| json!({"id": format!("m{i}"), "text": format!("memory {i}"), "tags": ["t"]}))
        .collect();
    place.write_lines("in.jsonl", &lines);
    place.write("v.npy", npy("<f2", &vectors(LINES, 32)));

    let mut seen = 0;
    for given in [0, 1, 40, 130, 290, 450, 599] {
        let args = ["import", "t.lith", "-", "--vectors", "v.npy", "--batch", "7"];
        let mut command = place.command(&args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        for line in &lines[..given] {
            // Beyond what a pipe holds, this waits for the import to come along.
            writeln!(input, "{line}").unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        drop(input);

        if place.path("t.lith").exists() {
            place.run(&["verify", "t.lith"]).exits(0);
            let ids = place.ids();
            assert!(ids.len() >= seen, "what was committed is not lost again");
            assert!(ids.len() <= given.max(seen));
            seen = ids.len();
        }
    }

    let summary = place.import(&["in.jsonl", "--vectors", "v.npy"]);
    let of = |key: &str| summary[key].as_u64().unwrap() as usize;
    assert_eq!((of("imported") + of("updated"), of("skipped")), (LINES, 0));
    assert_eq!(of("updated"), seen);
    assert_eq!(place.ids().len(), LINES);
    place.run(&["verify", "t.lith"]).exits(0);
    assert_eq!(place.names(), ["in.jsonl", "t.lith", "v.npy"]);
}
