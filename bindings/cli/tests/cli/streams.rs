//! Pipes that close, and what goes to which stream.

use crate::support::Place;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

fn stocked() -> Place {
    let place = Place::new();
    let text = "a text of some length ".repeat(20);
    let lines: Vec<_> = (0..2_000).map(|i| json!({"id": i, "text": text})).collect();
    place.write_lines("in.jsonl", &lines);
    place.import(&["in.jsonl"]);
    place
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let place = stocked();
    for args in [&["export", "t.lith"][..], &["list", "t.lith", "--all", "--json"]] {
        let mut command = place.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(512, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with('{'), "{line}");
        // The pipe is closed by now, with most of the answer still to come.
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn nothing_but_the_answer_is_on_stdout_and_nothing_on_stderr() {
    let place = stocked();
    for args in [
        &["import", "t.lith", "in.jsonl", "--json"][..],
        &["stats", "t.lith", "--json"],
        &["verify", "t.lith", "--json"],
        &["rebuild", "t.lith", "--json"],
        &["text", "t.lith", "--json"],
        &["compact", "t.lith", "--json"],
    ] {
        let run = place.run(args).exits(0);
        assert_eq!(run.lines().len(), 1, "{args:?}: {run:?}");
        assert_eq!(run.err, "", "no progress bar in a pipe: {args:?}");
    }
}
