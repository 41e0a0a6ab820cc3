//! Single memories: put, get, forget, list.

use crate::support::Place;
use serde_json::json;

#[test]
fn put_creates_updates_and_says_which() {
    let place = Place::new();
    let put = |text: &str| {
        let args = ["put", "t.lith", text, "--id", "tea", "--tag", "b", "--tag", "a", "--json"];
        place.run(&args).exits(0).json()
    };
    let first = put("Ada prefers tea");
    assert_eq!((&first["id"], &first["outcome"]), (&json!("tea"), &json!("created")));
    assert_eq!(put("Ada prefers tea")["outcome"], "unchanged");
    let last = put("Ada prefers mint tea");
    assert_eq!(last["outcome"], "updated");
    assert_eq!(last["number"], first["number"]);
    let got = place.run(&["get", "t.lith", "tea", "--json"]).exits(0).json();
    assert_eq!(got["text"], "Ada prefers mint tea");
    assert_eq!(got["tags"], json!(["a", "b"]));
}

#[test]
fn put_takes_every_field_by_option_and_by_line() {
    let place = Place::new();
    let options = [
        "put",
        "t.lith",
        "t",
        "--id",
        "x",
        "--namespace",
        "n",
        "--kind",
        "k",
        "--tag",
        "g",
        "--importance",
        "0.25",
        "--valence",
        "-0.5",
        "--priority",
        "-3",
        "--metadata",
        "{\"m\": 1}",
        "--agent",
        "a",
        "--session",
        "s",
        "--project",
        "p",
        "--channel",
        "c",
        "--source",
        "o",
        "--created-at",
        "2025-01-31T12:00:00+01:00",
        "--expires-at",
        "2999-01-01",
        "--vector",
        "[1, 0.5]",
    ];
    place.run(&options).exits(0);
    let get = ["get", "t.lith", "x", "--namespace", "n", "--vectors", "--json"];
    let by_option = place.run(&get).exits(0).json();
    assert_eq!(by_option["created_at"], "2025-01-31T11:00:00Z");
    assert_eq!(by_option["valence"], -0.5);
    assert_eq!(by_option["embedding"], json!([1.0, 0.5]));

    // What get prints is a line that put takes, in another file.
    place.run_with(&["put", "u.lith"], by_option.to_string()).exits(0);
    let get = ["get", "u.lith", "x", "--namespace", "n", "--vectors", "--json"];
    let mut by_line = place.run(&get).exits(0).json();
    by_line["updated_at"] = by_option["updated_at"].clone();
    by_line["accesses"] = by_option["accesses"].clone();
    assert_eq!(by_line, by_option);
}

#[test]
fn put_wants_exactly_one_memory() {
    let place = Place::new();
    place.run(&["put", "t.lith"]).exits(2);
    place.run_with(&["put", "t.lith"], "{\"text\": \"a\"}\n{\"text\": \"b\"}\n").exits(2);
    place.run_with(&["put", "t.lith"], "not json").exits(1);
    place.run(&["put", "t.lith", "text", "--metadata", "{"]).exits(2);
    assert!(place.names().is_empty(), "none of them made a file");
}

#[test]
fn a_memory_that_replaces_another_is_found_in_its_place() {
    let place = Place::new();
    place.run(&["put", "t.lith", "Ada prefers tea", "--id", "1"]).exits(0);
    let args = ["put", "t.lith", "Ada prefers coffee", "--id", "2", "--supersedes", "1"];
    place.run(&args).exits(0);
    place.run(&["put", "t.lith", "nothing", "--supersedes", "absent"]).exits(3);
    let found = |more: &[&str]| {
        let args = [&["recall", "t.lith", "what does Ada prefer", "--json"], more].concat();
        place.run(&args).exits(0).json()["hits"].as_array().unwrap().len()
    };
    assert_eq!(found(&[]), 1);
    assert_eq!(found(&["--include-superseded"]), 2);
    let old = place.run(&["get", "t.lith", "1", "--json"]).exits(0).json();
    assert_eq!(old["superseded_by"], "2");
    let new = place.run(&["get", "t.lith", "2", "--json"]).exits(0).json();
    assert_eq!(new["supersedes"], "1");
}

#[test]
fn an_id_is_the_users_own_before_it_is_a_number() {
    let place = Place::new();
    let number = |text: &str, id: &[&str]| {
        let run = place.run(&[&["put", "t.lith", text, "--json"], id].concat()).exits(0);
        run.json()["number"].to_string()
    };
    let anonymous = number("anonymous", &[]);
    number("named like a number", &["--id", &anonymous]);
    let get = |more: &[&str]| {
        let run = place.run(&[&["get", "t.lith", &anonymous, "--json"], more].concat());
        run.exits(0).json()["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(get(&[]), "named like a number");
    assert_eq!(get(&["--number"]), "anonymous");
}

#[test]
fn get_shows_what_is_there_and_names_what_is_not() {
    let place = Place::new();
    place.run(&["put", "t.lith", "one\nand \u{1b}[2J a trick", "--id", "1"]).exits(0);
    let run = place.run(&["get", "t.lith", "1", "absent", "--json"]).exits(3);
    assert_eq!(run.json()["id"], "1");
    assert_eq!(run.error().0, "not_found");
    assert!(run.error().1.contains("absent"));
    let people = place.run(&["get", "t.lith", "1"]).exits(0);
    assert!(people.out.contains("one\nand"), "{}", people.out);
    assert!(!people.out.contains('\u{1b}'), "{}", people.out);
}

#[test]
fn forget_takes_ids_or_a_confirmed_filter() {
    let place = Place::new();
    for (id, tag) in [("1", "a"), ("2", "a"), ("3", "b"), ("4", "b")] {
        place.run(&["put", "t.lith", "text", "--id", id, "--tag", tag]).exits(0);
    }
    place.run(&["forget", "t.lith", "1"]).exits(0);
    let run = place.run(&["forget", "t.lith", "1", "2", "--json"]).exits(3);
    assert_eq!(run.json(), json!({"forgotten": 1, "missing": ["1"]}));
    place.run(&["forget", "t.lith"]).exits(2);
    place.run(&["forget", "t.lith", "3", "--filter", "tag:b", "--yes"]).exits(2);
    let asked = place.run(&["forget", "t.lith", "--filter", "tag:b"]).exits(2);
    assert!(asked.err.contains("2 memories") && asked.err.contains("--yes"), "{asked:?}");
    assert_eq!(place.ids(), ["3", "4"]);
    let json = place.run(&["forget", "t.lith", "--filter", "tag:b", "--json"]).exits(0);
    assert_eq!(json.json(), json!({"forgotten": 2}));
    assert!(place.ids().is_empty());
    place.run(&["forget", "t.lith", "--filter", "tag:b", "--yes"]).exits(0);
}

#[test]
fn pages_follow_each_other_by_their_cursor() {
    let place = Place::new();
    let lines: Vec<_> = (0..25)
        .map(|i| {
            json!({"id": i, "text": "t", "importance": f64::from(i % 5) / 4.0, "priority": i,
                        "created_at": 1_700_000_000_000_i64 + i64::from((i * 7) % 25)})
        })
        .collect();
    place.write_lines("in.jsonl", &lines);
    place.import(&["in.jsonl"]);
    for order in ["newest", "oldest", "importance", "priority", "updated"] {
        let all = ["list", "t.lith", "--order", order, "--all", "--json"];
        let all = place.run(&all).exits(0).lines();
        let mut paged = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut args = vec!["list", "t.lith", "--order", order, "--limit", "10", "--json"];
            if let Some(cursor) = &after {
                args.extend(["--after", cursor.as_str()]);
            }
            let page = place.run(&args).exits(0).lines();
            after = page.last().and_then(|line| line["next"].as_str()).map(str::to_owned);
            let is_last = after.is_none();
            paged.extend(page.iter().map(|line| line["id"].clone()));
            if is_last {
                break;
            }
        }
        let all: Vec<_> = all.iter().map(|line| line["id"].clone()).collect();
        assert_eq!(paged, all, "{order}");
        assert_eq!(paged.len(), 25, "{order}");
    }
    let first = place.run(&["list", "t.lith", "--order", "oldest", "--limit", "1", "--json"]);
    assert_eq!(first.exits(0).json()["id"], "0");
    place.run(&["list", "t.lith", "--after", "nonsense"]).exits(2);
}

#[test]
fn put_says_what_the_new_memory_resembles_if_asked() {
    let place = Place::new();
    let put = |args: &[&str]| place.run(&[&["put", "t.lith"], args].concat()).exits(0);
    put(&["the deploy key lies in the vault", "--id", "key"]);
    let again = put(&["The deploy key lies in the vault", "--resembling", "--json"]).json();
    assert_eq!(again["resembles"], json!([{"number": 1, "words": 1.0}]));
    assert!(put(&["it rains", "--resembling"]).out.contains("created"));
    assert!(put(&["It rains!", "--resembling"]).out.contains("resembles #3"));
    // What is updated does not resemble itself.
    let args = ["the deploy key lies in the safe", "--id", "key", "--resembling", "--json"];
    assert_eq!(put(&args).json()["resembles"], json!([]));
    let found = place.run(&["recall", "t.lith", "rains", "--collapse", "--json"]).exits(0).json();
    assert_eq!(found["hits"][0]["duplicates"], json!([4]));
}
