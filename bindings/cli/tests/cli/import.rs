//! Importing lines of JSON, with and without a matrix of vectors.

use crate::support::{Place, gzipped, jsonl, npy, vectors};
use serde_json::{Value, json};

fn lines(count: usize) -> Vec<Value> {
    (0..count)
        .map(|i| json!({"id": format!("m{i}"), "text": format!("memory number {i}"), "kind": "fact"}))
        .collect()
}

fn counts(summary: &Value) -> [u64; 4] {
    ["imported", "updated", "skipped", "unchanged"].map(|key| summary[key].as_u64().unwrap())
}

#[test]
fn a_second_run_updates_and_never_duplicates() {
    let place = Place::new();
    place.write_lines("in.jsonl", &lines(25));
    assert_eq!(counts(&place.import(&["in.jsonl", "--batch", "10"])), [25, 0, 0, 0]);
    assert_eq!(counts(&place.import(&["in.jsonl"])), [0, 25, 0, 25]);
    let mut changed = lines(26);
    changed[3]["text"] = "changed".into();
    place.write_lines("in.jsonl", &changed);
    assert_eq!(counts(&place.import(&["in.jsonl"])), [1, 25, 0, 24]);
    assert_eq!(place.ids().len(), 26);
    let got = place.run(&["get", "t.lith", "m3", "--json"]).exits(0).json();
    assert_eq!(got["text"], "changed");
}

#[test]
fn of_lines_with_the_same_id_the_last_one_counts_and_that_is_said() {
    let place = Place::new();
    let texts = ["first", "second", "third"];
    place.write_lines("in.jsonl", &texts.map(|text| json!({"id": "a", "text": text})));
    let run = place.run(&["import", "t.lith", "in.jsonl"]).exits(0);
    assert!(run.err.contains("2 lines have the id of an earlier line"), "{run:?}");
    let got = place.run(&["get", "t.lith", "a", "--json"]).exits(0).json();
    assert_eq!(got["text"], "third");
}

#[test]
fn lines_without_ids_are_not_duplicated_either() {
    let place = Place::new();
    let lines = [json!({"text": "tea"}), json!({"text": "tea"}), json!({"text": "coffee"})];
    place.write_lines("in.jsonl", &lines);
    assert_eq!(counts(&place.import(&["in.jsonl"])), [3, 0, 0, 0]);
    let ids = place.ids();
    assert_eq!(counts(&place.import(&["in.jsonl"])), [0, 3, 0, 3]);
    assert_eq!(place.ids(), ids);
}

#[test]
fn the_namespace_of_a_line_goes_before_that_of_the_command() {
    let place = Place::new();
    place.write_lines("in.jsonl", &[json!({"text": "a"}), json!({"text": "b", "namespace": "x"})]);
    place.import(&["in.jsonl", "--namespace", "y"]);
    for (namespace, text) in [("x", "b"), ("y", "a")] {
        let args = ["list", "t.lith", "--namespace", namespace, "--json"];
        assert_eq!(place.run(&args).exits(0).json()["text"], text);
    }
}

#[test]
fn stdin_and_gzip_are_read_like_a_file() {
    let place = Place::new();
    let packed = gzipped(jsonl(&lines(5)));
    place.write("in.jsonl.gz", &packed);
    assert_eq!(counts(&place.import(&["in.jsonl.gz"])), [5, 0, 0, 0]);
    let args = ["import", "t.lith", "-", "--json"];
    let plain = place.run_with(&args, jsonl(&lines(7))).exits(0);
    assert_eq!(counts(&plain.json()), [2, 5, 0, 5]);
    let packed = place.run_with(&args, packed).exits(0);
    assert_eq!(counts(&packed.json()), [0, 5, 0, 5]);
}

#[test]
fn bad_lines_are_named_and_passed_over_and_the_rest_is_in() {
    let place = Place::new();
    let text = "{\"id\": \"a\", \"text\": \"first\"}\n\nnot json\n{\"id\": \"b\"}\n\
                {\"id\": \"c\", \"text\": \"x\", \"importance\": 7}\n{\"id\": \"d\", \"text\": \"last\"}";
    place.write("in.jsonl", text);
    let run = place.run(&["import", "t.lith", "in.jsonl", "--json"]).exits(0);
    assert_eq!(counts(&run.json()), [2, 0, 3, 0]);
    let mut bad: Vec<u64> = run
        .err
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line))
        .map(|warning| {
            assert!(!warning["warning"]["message"].as_str().unwrap().is_empty());
            warning["warning"]["line"].as_u64().unwrap()
        })
        .collect();
    bad.sort_unstable();
    assert_eq!(bad, [3, 4, 5]);
    assert_eq!(place.ids(), ["a", "d"]);
    let people = place.run(&["import", "t.lith", "in.jsonl"]).exits(0);
    assert!(people.err.contains("line 4 skipped: the field \"text\" is missing"), "{people:?}");
}

#[test]
fn strict_stops_at_the_first_bad_line_and_keeps_what_was_before() {
    for bad in ["not json", "{\"id\": \"z\", \"text\": \"x\", \"importance\": 7}"] {
        let place = Place::new();
        let mut text = jsonl(&lines(3));
        text.push_str(bad);
        text.push('\n');
        text.push_str("{\"id\": \"late\", \"text\": \"not reached\"}\n");
        place.write("in.jsonl", text);
        let run = place.run(&["import", "t.lith", "in.jsonl", "--strict", "--json"]).exits(1);
        assert_eq!(counts(&run.json()), [3, 0, 0, 0]);
        assert!(run.error().1.contains("line 4"), "{run:?}");
        assert_eq!(place.ids(), ["m0", "m1", "m2"]);
    }
}

#[test]
fn only_some_of_many_bad_lines_are_shown() {
    let place = Place::new();
    let mut text = "{}\n".repeat(1_480);
    text.push_str("{\"text\": \"good\"}\n");
    place.write("in.jsonl", text);
    let run = place.run(&["import", "t.lith", "in.jsonl", "--json"]).exits(0);
    assert_eq!(counts(&run.json()), [1, 0, 1_480, 0]);
    assert!(run.err.lines().count() < 1_010, "{}", run.err);
    assert!(run.err.contains("480 more"), "{}", run.err);
}

#[test]
fn not_one_good_line_is_a_failure() {
    let place = Place::new();
    place.write("in.jsonl", "{}\n");
    let run = place.run(&["import", "t.lith", "in.jsonl", "--json"]).exits(1);
    assert_eq!(counts(&run.json()), [0, 0, 1, 0]);
}

#[test]
fn unknown_fields_become_metadata_and_are_mentioned_once() {
    let place = Place::new();
    let lines = [json!({"text": "a", "url": "u"}), json!({"text": "b", "url": "v"})];
    place.write_lines("in.jsonl", &lines);
    let run = place.run(&["import", "t.lith", "in.jsonl"]).exits(0);
    assert_eq!(run.err.matches("\"url\"").count(), 1, "{run:?}");
    let args = ["list", "t.lith", "--filter", "meta.url = \"v\"", "--json"];
    assert_eq!(place.run(&args).exits(0).json()["text"], "b");
}

#[test]
fn row_i_of_the_matrix_belongs_to_line_i_through_blank_and_bad_lines() {
    for descr in ["<f2", "<f4"] {
        let place = Place::new();
        let rows = vectors(5, 8);
        place.write("v.npy", npy(descr, &rows));
        place.write(
            "in.jsonl",
            "{\"id\": \"0\", \"text\": \"a\"}\n\nbad\n{\"id\": \"3\", \"text\": \"b\"}\n\
             {\"id\": \"4\", \"text\": \"c\"}\n",
        );
        let summary = place.import(&["in.jsonl", "--vectors", "v.npy"]);
        assert_eq!(counts(&summary), [3, 0, 1, 0]);
        for line in [0, 3, 4] {
            let args = ["get", "t.lith", &line.to_string(), "--vectors", "--json"];
            let got = place.run(&args).exits(0).json();
            let vector: Vec<f32> = serde_json::from_value(got["embedding"].clone()).unwrap();
            assert_eq!(vector, rows[line], "{descr} line {line}");
        }
    }
}

#[test]
fn embeddings_in_the_lines_go_to_the_space_that_is_named() {
    let place = Place::new();
    place.write_lines("in.jsonl", &[json!({"id": "a", "text": "a", "embedding": [1, 0.5]})]);
    place.import(&["in.jsonl", "--space", "small"]);
    let got = place.run(&["get", "t.lith", "a", "--vectors", "--json"]).exits(0).json();
    assert_eq!(got["embedding"], json!({"small": [1.0, 0.5]}));
}

#[test]
fn vectors_that_no_space_takes_are_bad_lines() {
    let place = Place::new();
    let lines = [
        json!({"id": "a", "text": "a", "embedding": [1, 2, 3]}),
        json!({"id": "b", "text": "b", "embedding": [1, 2]}),
        json!({"id": "c", "text": "c", "embedding": [0, 0, 0]}),
        json!({"id": "d", "text": "d", "embedding": [3, 2, 1]}),
    ];
    place.write_lines("in.jsonl", &lines);
    let run = place.run(&["import", "t.lith", "in.jsonl"]).exits(0);
    assert!(run.err.contains("line 2 skipped") && run.err.contains("line 3 skipped"), "{run:?}");
    assert_eq!(place.ids(), ["a", "d"]);
}

#[test]
fn a_bad_line_does_not_decide_how_long_the_vectors_of_a_space_are() {
    let place = Place::new();
    let lines = [
        json!({"id": "a", "text": "a", "embedding": [1, 2], "kind": ""}),
        json!({"id": "b", "text": "b", "embedding": [1, 2, 3]}),
    ];
    place.write_lines("in.jsonl", &lines);
    let run = place.run(&["import", "t.lith", "in.jsonl"]).exits(0);
    assert!(run.err.contains("line 1 skipped"), "{run:?}");
    assert_eq!(place.ids(), ["b"]);
}

#[test]
fn a_matrix_that_does_not_fit_the_lines_is_refused() {
    let place = Place::new();
    place.write_lines("in.jsonl", &lines(4));
    place.write("v.npy", npy("<f4", &vectors(3, 2)));
    let run = place.run(&["import", "t.lith", "in.jsonl", "--vectors", "v.npy"]).exits(1);
    assert!(run.err.contains("3 rows") && run.err.contains("line 4"), "{run:?}");
    assert_eq!(place.ids().len(), 3, "what came before is in");

    place.write("v.npy", npy("<f4", &vectors(5, 2)));
    let run = place.run(&["import", "t.lith", "in.jsonl", "--vectors", "v.npy"]).exits(0);
    assert!(run.err.contains("1 rows of vectors have no line"), "{run:?}");

    place.write("v.npy", npy("<f4", &vectors(4, 3)));
    let run = place.run(&["import", "t.lith", "in.jsonl", "--vectors", "v.npy"]).exits(1);
    assert!(run.err.contains("3 dimensions") && run.err.contains("has 2"), "{run:?}");
}

#[test]
fn an_input_that_is_missing_leaves_no_file_behind() {
    let place = Place::new();
    place.run(&["import", "t.lith", "absent.jsonl"]).exits(3);
    place.write_lines("in.jsonl", &lines(1));
    place.run(&["import", "t.lith", "in.jsonl", "--vectors", "absent.npy"]).exits(3);
    place.write("v.npy", "not a matrix");
    place.run(&["import", "t.lith", "in.jsonl", "--vectors", "v.npy"]).exits(1);
    assert_eq!(place.names(), ["in.jsonl", "v.npy"]);
}

#[cfg(unix)]
#[test]
fn afterwards_there_is_one_file_that_only_its_owner_reads() {
    let place = Place::new();
    place.write_lines("in.jsonl", &lines(10));
    place.import(&["in.jsonl"]);
    assert_eq!(place.names(), ["in.jsonl", "t.lith"]);
    assert_eq!(crate::support::mode(&place.path("t.lith")), 0o600);
}

#[test]
fn a_link_to_a_memory_that_comes_later_is_said_to_be_missing() {
    let place = Place::new();
    let lines =
        [json!({"id": "new", "text": "b", "supersedes": "old"}), json!({"id": "old", "text": "a"})];
    place.write("in.jsonl", jsonl(&lines));
    let run = place.run(&["import", "t.lith", "in.jsonl"]).exits(0);
    assert!(run.err.contains("1 lines supersede a memory that was not there"), "{}", run.err);
    place.write("sorted.jsonl", jsonl(&[lines[1].clone(), lines[0].clone()]));
    for _ in 0..2 {
        let run = place.run(&["import", "u.lith", "sorted.jsonl"]).exits(0);
        assert!(!run.err.contains("supersede"), "{}", run.err);
    }
}
