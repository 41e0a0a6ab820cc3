//! The commit log, and statistics.

use crate::support::Place;
use serde_json::json;

fn stocked() -> Place {
    let place = Place::new();
    for i in 0..5 {
        place.run(&["put", "t.lith", "text", "--id", &i.to_string()]).exits(0);
    }
    place.run(&["forget", "t.lith", "3"]).exits(0);
    place
}

#[test]
fn the_log_shows_every_commit_in_order() {
    let place = stocked();
    let rows = place.run(&["log", "t.lith", "--json"]).exits(0).lines();
    let seqs: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted() && seqs.len() >= 6, "{seqs:?}");
    let last = rows.last().unwrap();
    assert_eq!(last["hash"].as_str().unwrap().len(), 64);
    assert!(last["changes"].as_array().is_some_and(|c| !c.is_empty()), "{last}");
    let newest = place.run(&["log", "t.lith", "--limit", "2", "--json"]).exits(0).lines();
    assert_eq!(newest, rows[rows.len() - 2..]);
    let from = ["log", "t.lith", "--from", &seqs[1].to_string(), "--limit", "2", "--json"];
    assert_eq!(place.run(&from).exits(0).lines(), rows[1..3]);
}

#[test]
fn a_head_that_was_kept_proves_what_came_before_it() {
    let place = stocked();
    let head = place.run(&["log", "t.lith", "--head"]).exits(0).out;
    assert_eq!(head.lines().count(), 1);
    place.write("head.json", &head);
    place.run(&["put", "t.lith", "later"]).exits(0);
    let verify = ["log", "t.lith", "--verify", "--expect", "head.json", "--json"];
    assert_eq!(place.run(&verify).exits(0).json()["intact"], true);

    // The head of another file is no head of this one.
    place.run(&["put", "u.lith", "text"]).exits(0);
    let other = place.run(&["log", "u.lith", "--head"]).exits(0).out;
    place.write("head.json", &other);
    let run = place.run(&verify);
    assert_ne!(run.code, Some(0), "{run:?}");
    place.write("head.json", "nonsense");
    place.run(&verify).exits(1);
}

#[test]
fn statistics_count_what_is_there_and_show_the_settings() {
    let place = stocked();
    let stats = place.run(&["stats", "t.lith", "--json"]).exits(0).json();
    assert_eq!(stats["memories"], 4, "{stats}");
    let background = &stats["background"];
    assert_eq!(background["threads"], 0, "a file that is only read has no background: {stats}");
    let jobs: Vec<_> = background["jobs"].as_array().unwrap().iter().map(|j| &j["name"]).collect();
    assert!(jobs.contains(&&json!("checkpoint")), "{stats}");
    assert_eq!(background["jobs"][0]["failures"], 0, "{stats}");
    let mut command = place.command(&["stats", "t.lith"]);
    let output = command.env("MEMLITH_BUSY_TIMEOUT", "123").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("MEMLITH_BUSY_TIMEOUT") && text.contains("123"), "{text}");
    assert!(text.contains("background job") && text.contains("checkpoint"), "{text}");
    assert!(text.contains("background_threads"), "{text}");
    let of = ["stats", "t.lith", "--namespace", "default", "--json"];
    assert_eq!(place.run(&of).exits(0).json()["memories"], json!(4));
}
