//! What goes into a prompt, and what a recall brings of the conversation around a hit.

use crate::support::Place;
use serde_json::{Value, json};

fn talked() -> Place {
    let place = Place::new();
    let turns = ["Hello!", "Which hotel in Lisbon?", "The one by the river.", "Goodbye."];
    let lines: Vec<Value> = (0..)
        .zip(turns)
        .map(|(i, text)| json!({"id": format!("t{i}"), "text": text, "session": "monday"}))
        .chain([json!({"id": "m0", "text": "Ada was in Lisbon in May", "channel": "travel"})])
        .collect();
    place.write_lines("in.jsonl", &lines);
    place.import(&["in.jsonl"]);
    place
}

fn of<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap()).collect()
}

#[test]
fn a_context_has_turns_and_what_is_alike_within_its_budget() {
    let place = talked();
    let args = ["context", "t.lith", "Ada in Lisbon", "--session", "monday", "--json"];
    let answer = place.run(&args).exits(0).json();
    assert_eq!(of(&answer["recent"], "id"), ["t0", "t1", "t2", "t3"]);
    assert_eq!(of(&answer["similar"], "id"), ["m0"]);
    assert!(answer["tokens"].as_u64().unwrap() > 0);
    let args = [&args[..], &["--max-tokens", "5"]].concat();
    let answer = place.run(&args).exits(0).json();
    assert!(answer["tokens"].as_u64().unwrap() <= 5, "{answer}");
    let shown = place.run(&["context", "t.lith", "--session", "monday"]).exits(0).out;
    assert!(shown.contains("recent:") && shown.contains("by the river"), "{shown}");
}

#[test]
fn a_recall_brings_turns_a_snippet_and_its_steps() {
    let place = talked();
    let asked = ["recall", "t.lith", "+hotel", "--signs", "--neighbours", "1", "--snippet", "80"];
    let answer = place.run(&[&asked[..], &["--json"]].concat()).exits(0).json();
    let hit = &answer["hits"][0];
    assert_eq!(hit["id"], "t1");
    assert_eq!((of(&hit["before"], "id"), of(&hit["behind"], "id")), (vec!["t0"], vec!["t2"]));
    assert_eq!(hit["snippet"]["marks"], json!([[6, 11]]));
    assert!(answer["steps"]["read"].is_u64());
    let shown = place.run(&[&asked[..], &["--explain"]].concat()).exits(0).out;
    for part in ["> Which hotel", "age: ", "steps: filter"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    place.run(&["recall", "t.lith", "tea", "--cut", "2"]).exits(2);
}
