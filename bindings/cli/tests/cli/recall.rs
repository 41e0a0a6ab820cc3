//! Recalling: one question and many.

use crate::support::{Place, jsonl, npy, vectors};
use serde_json::{Value, json};

/// Twenty memories with vectors; every other one is tagged `even`.
fn stocked() -> (Place, Vec<Vec<f32>>) {
    let place = Place::new();
    let rows = vectors(20, 16);
    let words = ["tea", "coffee", "water", "juice", "milk"];
    let lines: Vec<Value> = (0..20)
        .map(|i| {
            let tags = if i % 2 == 0 { vec!["even"] } else { vec![] };
            let text = format!("{} in cup {i}", words[i % 5]);
            let namespace = if i < 10 { "low" } else { "high" };
            json!({"id": format!("m{i}"), "text": text, "tags": tags, "namespace": namespace,
                   "created_at": format!("2025-01-{:02}T00:00:00Z", i + 1)})
        })
        .collect();
    place.write_lines("in.jsonl", &lines);
    place.write("v.npy", npy("<f4", &rows));
    place.import(&["in.jsonl", "--vectors", "v.npy"]);
    (place, rows)
}

/// Ids by falling cosine to `query`, computed the plain way.
fn nearest(rows: &[Vec<f32>], query: &[f32], limit: usize) -> Vec<String> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let cosine = |row: &[f32]| dot(row, query) / (dot(row, row) * dot(query, query)).sqrt();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| cosine(&rows[*b]).total_cmp(&cosine(&rows[*a])));
    order.iter().take(limit).map(|i| format!("m{i}")).collect()
}

fn ids(answer: &Value) -> Vec<&str> {
    let hits = answer["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

#[test]
fn an_answer_in_json_has_its_promised_shape() {
    let (place, _) = stocked();
    let args = ["recall", "t.lith", "tea", "--limit", "2", "--json"];
    let answer = place.run(&args).exits(0).json();
    assert!(answer["seconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(answer["legs"]["text"]["ran"], true);
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 2);
    for hit in hits {
        assert!(hit["text"].as_str().unwrap().starts_with("tea"), "{hit}");
        assert!(hit["id"].is_string() && hit["tags"].is_array(), "{hit}");
        assert!(hit["score"].as_f64().unwrap() > 0.0, "{hit}");
        assert_eq!(hit["legs"]["text"]["weight"], 1.0, "{hit}");
    }
}

#[test]
fn a_vector_finds_its_neighbours_however_it_is_given() {
    let (place, rows) = stocked();
    let expected = nearest(&rows, &rows[7], 5);
    place.write("q.npy", npy("<f2", &rows[7..8]));
    let array = json!(rows[7]).to_string();
    for args in [["--vector-file", "q.npy"], ["--vector", &array]] {
        let args = [&["recall", "t.lith", "--limit", "5", "--json"], &args[..]].concat();
        assert_eq!(ids(&place.run(&args).exits(0).json()), expected);
    }
    let args = ["recall", "t.lith", "--vector-file", "v.npy"];
    assert!(place.run(&args).exits(2).err.contains("20 vectors"));
}

#[test]
fn namespace_filter_and_threshold_bound_the_answer() {
    let (place, rows) = stocked();
    let vector = json!(rows[0]).to_string();
    let recall = |more: &[&str]| {
        let args = [&["recall", "t.lith", "--vector", &vector, "--limit", "20", "--json"], more];
        place.run(&args.concat()).exits(0).json()
    };
    assert_eq!(ids(&recall(&[])).len(), 20);
    assert_eq!(ids(&recall(&["--namespace", "low"])).len(), 10);
    assert_eq!(ids(&recall(&["--namespace", "low", "--filter", "tag:even"])).len(), 5);
    let filtered = recall(&["--filter", "created >= 2025-01-16 and not tag:even"]);
    let mut found = ids(&filtered);
    found.sort_unstable();
    assert_eq!(found, ["m15", "m17", "m19"]);
    assert_eq!(filtered["filter"]["matching"], 3);
    let best = ids(&recall(&["--min-score", "0.999"])).len();
    assert!((1..20).contains(&best), "{best}");
}

#[test]
fn a_filter_alone_recalls_what_matches() {
    let (place, _) = stocked();
    let args = ["recall", "t.lith", "--filter", "tag:even", "--limit", "100", "--json"];
    assert_eq!(ids(&place.run(&args).exits(0).json()).len(), 10);
}

#[test]
fn people_get_a_table_and_an_explanation() {
    let (place, _) = stocked();
    let run = place.run(&["recall", "t.lith", "coffee", "--explain"]).exits(0);
    assert!(run.out.contains("coffee in cup 1"), "{}", run.out);
    assert!(run.out.contains("text") && run.out.contains("#1"), "{}", run.out);
    assert!(!run.out.contains('\x1b'), "no colours in a pipe");
    let nothing = place.run(&["recall", "t.lith", "xylophone"]).exits(0);
    assert!(nothing.out.contains("0 hits"), "{}", nothing.out);
}

#[test]
fn many_questions_get_one_line_each_in_their_order() {
    let (place, rows) = stocked();
    place.write("q.npy", npy("<f4", &rows));
    let questions: Vec<Value> =
        (0..20).map(|i| json!({"text": "milk", "id": i, "relevant": ["m4"]})).collect();
    place.write_lines("q.jsonl", &questions);
    let ask = |mode: &str| {
        let args = ["recall", "t.lith", "--queries", "q.jsonl", "--vectors", "q.npy", "--mode"];
        let args = [&args[..], &[mode, "--limit", "4", "--json"]].concat();
        place.run(&args).exits(0).lines()
    };
    for (i, answer) in ask("vector").iter().enumerate() {
        let ids: Vec<String> = serde_json::from_value(answer["ids"].clone()).unwrap();
        assert_eq!(ids, nearest(&rows, &rows[i], 4), "question {i}");
        let scores: Vec<f32> = serde_json::from_value(answer["scores"].clone()).unwrap();
        assert!(scores.len() == 4 && scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        assert!(answer["us"].is_u64(), "{answer}");
    }
    for answer in ask("text") {
        assert_eq!(answer["ids"], json!(["m4", "m9", "m14", "m19"]));
    }
    assert_eq!(ask("hybrid")[9]["ids"][0], "m9", "nearest, and has the word");
}

#[test]
fn a_question_may_bring_its_own_namespace_filter_and_vector() {
    let (place, rows) = stocked();
    let questions = [
        json!({"text": "tea", "namespace": "high"}),
        json!({"text": "tea", "filter": "tag:even"}),
        json!({"embedding": rows[3], "namespace": "low"}),
    ];
    place.write_lines("q.jsonl", &questions);
    let args = ["recall", "t.lith", "--queries", "q.jsonl", "--namespace", "low", "--json"];
    let answers = place.run(&args).exits(0).lines();
    assert_eq!(answers[0]["ids"], json!(["m10", "m15"]));
    assert_eq!(answers[1]["ids"], json!(["m0"]));
    assert_eq!(answers[2]["ids"][0], "m3");
    let piped = place.run_with(
        &["recall", "t.lith", "--queries", "-", "--namespace", "low", "--json"],
        jsonl(&questions),
    );
    assert_eq!(piped.exits(0).lines()[1]["ids"], answers[1]["ids"]);
}

#[test]
fn a_bad_question_has_its_error_in_its_place_and_the_others_are_answered() {
    let (place, _) = stocked();
    place.write(
        "q.jsonl",
        "{\"text\": \"tea\"}\nnot json\n{\"text\": \"tea\", \"filter\": \"tag:\"}\n\
                            {\"id\": 1}\n{\"text\": \"tea\"}\n",
    );
    let run = place.run(&["recall", "t.lith", "--queries", "q.jsonl", "--json"]).exits(1);
    let answers = run.lines();
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["ids"], answers[4]["ids"]);
    for (i, kind) in [(1, "invalid_input"), (2, "filter_syntax"), (3, "invalid_input")] {
        assert_eq!(answers[i]["error"]["kind"], kind, "{}", answers[i]);
        assert_eq!(answers[i]["ids"], json!([]));
    }
    assert!(run.error().1.contains("line 2"), "{run:?}");
}

#[test]
fn what_counts_and_what_is_looked_among_can_be_said() {
    let (place, _) = stocked();
    let ask = |args: &[&str]| {
        let run = place.run(&[&["recall", "t.lith", "--json"], args].concat());
        run.exits(0).json()
    };
    let lifted = ask(&["tea", "--boost", "tag:even and namespace:high=0.5", "--explain"]);
    assert_eq!(ids(&lifted)[0], "m10");
    assert_eq!(lifted["hits"][0]["legs"]["affinity"]["weight"], 0.5);
    assert_eq!(ids(&ask(&["--filter", "all", "--as-of", "2025-01-03"])), ["m2", "m1", "m0"]);
    assert_eq!(ids(&ask(&["--filter", r"content matches /^tea.*\d{2}$/"])), ["m15", "m10"]);
    let looked_into = ask(&["--filter", "content contains 'in cup 1'", "--limit", "20"]);
    assert_eq!(ids(&looked_into).len(), 11);
    assert_eq!(looked_into["filter"]["scanned_rows"], 20);
    for args in [["--boost", "tag:even"], ["--boost", "tag:=1"], ["--as-of", "seq:x"]] {
        place.run(&[&["recall", "t.lith", "tea"], &args[..]].concat()).exits(2);
    }
}

#[test]
fn fields_are_found_and_words_in_the_language_that_the_file_is_told() {
    let place = Place::new();
    let line =
        json!({"id": "a", "text": "Von vielen Katzen", "tags": ["roman"], "title": "Der Kater"});
    place.write_lines("in.jsonl", &[line]);
    place.import(&["in.jsonl"]);
    let found = |words: &str| {
        let answer = place.run(&["recall", "t.lith", words, "--json"]).exits(0).json();
        answer["hits"].as_array().unwrap().len()
    };
    assert_eq!((found("Katze"), found("Roman"), found("Kater")), (0, 0, 0));
    let set = [
        "text",
        "t.lith",
        "--language",
        "german",
        "--tags",
        "2",
        "--metadata",
        "title=3",
        "--json",
    ];
    let told = json!({"language": "german", "namespaces": {}, "tags": 2, "metadata": {"title": 3}});
    assert_eq!(place.run(&set).exits(0).json(), told);
    assert_eq!(place.run(&["text", "t.lith", "--json"]).exits(0).json(), told);
    assert_eq!(place.run(&["stats", "t.lith", "--json"]).exits(0).json()["text"], told);
    assert_eq!((found("Katze"), found("Roman"), found("Kater")), (1, 1, 1));
    place.run(&["text", "t.lith", "--language", "klingon"]).exits(2);
    place.run(&["text", "t.lith", "--tags", "9"]).exits(1);
    let shown = place.run(&["text", "t.lith", "--language", "none"]).exits(0).out;
    assert_eq!(shown.trim(), "language: none");
    assert_eq!(found("Roman"), 0);
}

#[test]
fn words_are_found_in_the_language_of_their_namespace() {
    let place = Place::new();
    let line = |namespace: &str| json!({"text": "Von vielen Katzen", "namespace": namespace});
    place.write_lines("in.jsonl", &[line("reisen"), line("notes"), line("code")]);
    place.import(&["in.jsonl"]);
    let languages = ["--language-of", "reisen=german", "--language-of", "code=none"];
    let shown = place.run(&[&["text", "t.lith"], &languages[..]].concat()).exits(0).out;
    assert_eq!(
        shown.trim(),
        "language: english\nlanguage of code: none\nlanguage of reisen: german"
    );
    let told = place.run(&["text", "t.lith", "--json"]).exits(0).json();
    assert_eq!(told["namespaces"], json!({"code": null, "reisen": "german"}));
    assert_eq!(place.run(&["stats", "t.lith", "--json"]).exits(0).json()["text"], told);
    let answer = place.run(&["recall", "t.lith", "Katze", "--json"]).exits(0).json();
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!((hits.len(), &hits[0]["namespace"]), (1, &json!("reisen")));
    for slip in ["reisen", "reisen=klingon"] {
        place.run(&["text", "t.lith", "--language-of", slip]).exits(2);
    }
    place.run(&["text", "t.lith", "--language-of", "=german"]).exits(1);
}
