//! The knowledge graph from the command line.

use crate::support::Place;
use serde_json::{Value, json};

/// ada - babbage - turing, and a memory that mentions ada.
fn place() -> Place {
    let place = Place::new();
    place.run(&["put", "t.lith", "Ada was seen", "--json"]).exits(0);
    let document = json!({
        "directed": true, "multigraph": false, "graph": {},
        "nodes": [
            { "id": "ada", "kind": "person", "name": "Ada L", "born": 1815, "tags": ["m"] },
            { "id": "babbage", "kind": "person" },
        ],
        "links": [
            { "source": "ada", "target": "babbage", "kind": "knows", "weight": 0.5, "since": 1833 },
            { "source": "babbage", "target": "turing", "kind": "inspires", "weight": 2.0 },
            { "source": "memory:1", "target": "ada", "kind": "mentions" },
            { "source": "ada", "target": "turing", "kind": "inspires", "weight": 9.0 },
        ],
    });
    place.write("g.json", document.to_string());
    let said = place.run(&["graph", "import", "t.lith", "g.json", "--json"]).exits(0).json();
    assert_eq!(said, json!({ "nodes": 3, "edges": 4 }));
    place
}

#[test]
fn what_is_exported_is_what_was_imported_and_imports_again() {
    let place = place();
    let out = place.run(&["graph", "export", "t.lith"]).exits(0).out;
    let exported: Value = serde_json::from_str(&out).unwrap();
    let ada = &exported["nodes"][0];
    assert_eq!(
        (&ada["id"], &ada["born"], &ada["tags"]),
        (&json!("ada"), &json!(1815), &json!(["m"]))
    );
    assert_eq!(exported["nodes"][3], json!({ "id": "memory:1", "kind": "memory" }));
    assert_eq!(exported["links"].as_array().unwrap().len(), 4);
    assert_eq!(exported["links"][0]["since"], 1833);
    // Into the same file: nothing changes.
    place.write("again.json", &out);
    let log = |place: &Place| place.run(&["log", "t.lith", "--json"]).exits(0).lines().len();
    let before = log(&place);
    place.run(&["graph", "import", "t.lith", "again.json", "--json"]).exits(0);
    assert_eq!(log(&place), before);
    let list = place.run(&["graph", "export", "t.lith", "--format", "tsv"]).exits(0).out;
    assert!(list.starts_with("source\ttarget\tkind\tweight\nada\tbabbage\tknows\t0.5\n"), "{list}");
    place.write("edges.tsv", list.replace("memory:1", "someone"));
    let said = place.run(&["graph", "import", "u.lith", "edges.tsv", "--json"]).exits(0).json();
    assert_eq!(said, json!({ "nodes": 4, "edges": 4 }));
    place.run(&["verify", "u.lith"]).exits(0);
    place.run(&["verify", "t.lith"]).exits(0);
}

#[test]
fn walks_answer_in_json_and_to_people() {
    let place = place();
    let related = place.run(&["graph", "related", "t.lith", "memory:1", "--json"]).exits(0).lines();
    let ids: Vec<_> = related.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["ada", "babbage", "turing"]);
    assert_eq!(related[1]["path"]["nodes"], json!(["memory:1", "ada", "babbage"]));
    let path = |more: &[&str]| {
        let args = [&["graph", "path", "t.lith", "ada", "turing"], more].concat();
        place.run(&args).exits(0).out.trim().to_owned()
    };
    assert_eq!(path(&[]), "ada -inspires-> turing");
    assert_eq!(path(&["--cheapest"]), "ada -knows-> babbage -inspires-> turing");
    assert_eq!(path(&["--all", "9"]).lines().count(), 2);
    place.run(&["graph", "path", "t.lith", "turing", "ada", "--direction", "out"]).exits(3);
    place.run(&["graph", "path", "t.lith", "turing", "nobody"]).exits(3);
    let dot = place.run(&["graph", "subgraph", "t.lith", "ada", "--dot"]).exits(0).out;
    assert!(dot.starts_with("digraph {") && dot.contains("\"ada\" -> \"babbage\""), "{dot}");
    let part = place.run(&["graph", "subgraph", "t.lith", "ada", "--json"]).exits(0).json();
    assert_eq!(part["nodes"].as_array().unwrap().len(), 4);
}

#[test]
fn analyses_rank_and_group_and_write_back() {
    let place = place();
    let args = ["graph", "rank", "t.lith", "--by", "pagerank", "--write", "rank", "--json"];
    let ranked = place.run(&args).exits(0).lines();
    assert_eq!((ranked.len(), &ranked[0]["id"]), (4, &json!("turing")));
    let out = place.run(&["graph", "export", "t.lith"]).exits(0).out;
    let exported: Value = serde_json::from_str(&out).unwrap();
    assert!(exported["nodes"][0]["rank"].as_f64().unwrap() > 0.0);
    let found = place.run(&["graph", "communities", "t.lith", "--json"]).exits(0).lines();
    assert!(found.last().unwrap()["count"].as_u64().unwrap() >= 1);
    let stats = place.run(&["graph", "stats", "t.lith", "--json"]).exits(0).json();
    assert_eq!(
        (&stats["nodes"], &stats["edges"], &stats["components"]),
        (&json!(3), &json!(4), &json!(1))
    );
    assert_eq!(stats["edge_kinds"], json!({ "inspires": 2, "knows": 1, "mentions": 1 }));
}

#[test]
fn what_is_wrong_in_an_input_is_said_and_nothing_of_its_batch_is_written() {
    let place = place();
    for (name, input, why) in [
        ("a.json", "{}", "neither"),
        ("b.json", "{\"nodes\":[{\"kind\":\"x\"}]}", "id is missing"),
        ("c.json", "{\"links\":[{\"source\":\"ada\",\"target\":1.5}]}", "whole number"),
        ("d.csv", "ada\n", "line 1: an edge needs"),
        ("e.csv", "ada,babbage,knows,heavy\n", "is no weight"),
        ("f.csv", "ada,\"babbage\n", "does not end"),
        ("g.csv", "ada,memory:99\n", "memory 99"),
        ("h.csv", "x,y\nada,babbage,knows,-1\n", "weight of an edge"),
    ] {
        place.write(name, input);
        let run = place.run(&["graph", "import", "t.lith", name]);
        assert!(run.code != Some(0) && run.err.contains(why), "{name}: {run:?}");
    }
    let stats = place.run(&["graph", "stats", "t.lith", "--json"]).exits(0).json();
    assert_eq!((&stats["nodes"], &stats["edges"]), (&json!(3), &json!(4)));
}

#[test]
fn a_recall_finds_what_is_joined_to_its_hits_and_shows_the_way() {
    let place = place();
    place.run(&["put", "t.lith", "A letter about engines", "--json"]).exits(0);
    place.write("more.csv", "memory:2,ada,mentions\n");
    let ids = place.run(&["list", "t.lith", "--json"]).exits(0).lines();
    let letter = ids.iter().find(|line| line["text"] == "A letter about engines").unwrap();
    place.write("more.csv", format!("memory:{},ada,mentions\n", letter["number"]));
    place.run(&["graph", "import", "t.lith", "more.csv", "--json"]).exits(0);
    let args = ["recall", "t.lith", "seen", "--neighbourhood", "0.5", "--explain"];
    let answer = place.run(&[&args[..], &["--json"]].concat()).exits(0).json();
    let second = &answer["hits"][1];
    assert_eq!(second["text"], "A letter about engines");
    assert_eq!(second["joined"]["kinds"], json!(["mentions", "mentions"]));
    assert_eq!(second["joined"]["nodes"][1], "ada");
    let shown = place.run(&args).exits(0).out;
    assert!(shown.contains("-mentions-> ada <-mentions-"), "{shown}");
}

#[test]
fn nodes_are_found_by_words_and_drawn() {
    let place = place();
    let found = place.run(&["graph", "search", "t.lith", "L", "--json"]).exits(0).lines();
    assert_eq!(
        (found.len(), &found[0]["id"], &found[0]["kind"]),
        (1, &json!("ada"), &json!("person"))
    );
    let shown = place.run(&["graph", "search", "t.lith", "babbag*", "--signs"]).exits(0).out;
    assert!(shown.contains("babbage"), "{shown}");
    let args = ["graph", "search", "t.lith", "ada", "--filter", "kind:place", "--json"];
    assert_eq!(place.run(&args).exits(0).lines().len(), 0);
    let args = ["graph", "subgraph", "t.lith", "ada", "--svg"];
    let drawn = place.run(&args).exits(0).out;
    assert!(drawn.starts_with("<svg ") && drawn.contains(">Ada L</text>"), "{drawn}");
    assert_eq!(drawn.matches("<line").count(), 4);
    assert_eq!(place.run(&args).exits(0).out, drawn);
}

#[test]
fn nodes_are_found_by_their_embeddings_which_come_and_go_with_the_document() {
    let place = Place::new();
    let node =
        |id: &str, x: f64, y: f64| json!({ "id": id, "kind": "person", "embedding": [x, y] });
    let nodes = [node("ada", 1.0, 0.25), node("babbage", 0.75, 0.5), node("london", 0.0, 1.0)];
    place.write("g.json", json!({ "nodes": nodes, "links": [] }).to_string());
    place.run(&["graph", "import", "t.lith", "g.json", "--json"]).exits(0);
    let ids = |args: &[&str]| -> Vec<Value> {
        let found = place.run(&[&["graph", "nearest", "t.lith", "--json"], args].concat());
        found.exits(0).lines().into_iter().map(|line| line["id"].clone()).collect()
    };
    assert_eq!(ids(&["--vector", "[1, 0]"]), ["ada", "babbage", "london"]);
    assert_eq!(ids(&["--node", "ada", "--limit", "1"]), ["babbage"], "not itself");
    assert_eq!(ids(&["--vector", "[0, 1]", "--min-score", "0.9"]), ["london"]);
    assert_eq!(ids(&["--vector", "[0, 1]", "--filter", "kind:city"]), [""; 0]);
    let shown = place.run(&["graph", "nearest", "t.lith", "--node", "ada"]).exits(0).out;
    assert!(shown.contains("babbage") && !shown.contains("ada"), "{shown}");
    let bare = place.run(&["graph", "nearest", "t.lith", "--node", "nobody"]).exits(1).err;
    assert!(bare.contains("\"nobody\" has no embedding"), "{bare}");
    place.run(&["graph", "nearest", "t.lith"]).exits(2);

    let out = place.run(&["graph", "export", "t.lith"]).exits(0).out;
    let exported: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(exported["nodes"][1]["embedding"], json!([0.75, 0.5]));
    place.write("again.json", &out);
    place.run(&["graph", "import", "u.lith", "again.json", "--json"]).exits(0);
    assert_eq!(place.run(&["graph", "export", "u.lith"]).exits(0).out, out);
    let stats = place.run(&["stats", "u.lith", "--json"]).exits(0).json();
    assert_eq!(stats["spaces"][0]["nodes"], 3, "{stats}");
}
