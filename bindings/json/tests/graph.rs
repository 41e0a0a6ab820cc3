//! A graph is written and asked as JSON, and comes back as it was.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use memlith::{Cancellation, Db, ErrorKind, Graph, NewMemory, Options, Space};
use memlith_json::{Change, GraphError, Question, analyse, ask, write_node_link};
use serde_json::{Value, json};

fn change(db: &Db, namespace: &str, change: Value) -> Value {
    let change = Change::read(change).unwrap();
    db.write(|tx| change.apply(&mut tx.graph(namespace))).unwrap()
}

/// Ada knows Babbage, both live in London, and a memory mentions Ada.
fn small() -> (Db, Graph) {
    let db = Options::new().threads(false).in_memory().unwrap();
    let memory = db.remember(NewMemory::new("Ada wrote notes")).unwrap();
    let nodes = json!({"upsert_nodes": [
        {"id": "ada", "kind": "person", "name": "Ada", "tags": ["m"], "aliases": "countess",
         "importance": 0.75, "properties": {"kind": "hidden", "born": 1815}, "created_ms": "1970-01-01T00:00:01Z"},
        {"id": "babbage", "kind": "person"},
        {"id": "london", "kind": "city"},
    ]});
    let done = change(&db, "default", nodes.clone());
    assert_eq!(done["did"], json!(["created", "created", "created"]));
    assert_eq!(
        change(&db, "default", nodes)["did"],
        json!(["unchanged", "unchanged", "unchanged"])
    );
    let edges = json!({"upsert_edges": [
        {"source": "ada", "kind": "knows", "target": "babbage", "weight": 0.5, "from_ms": 5,
         "properties": {"since": 1833}},
        {"source": "countess", "kind": "lives_in", "target": "london"},
        {"source": "babbage", "kind": "lives_in", "target": "london", "weight": 2},
        {"source": format!("memory:{memory}"), "kind": "mentions", "target": "ada"},
    ]});
    change(&db, "default", edges);
    let graph = db.read().unwrap().graph("default");
    (db, graph)
}

fn asked(graph: &Graph, question: &str, request: Value) -> Value {
    ask(graph, Question::from_name(question).unwrap(), request).unwrap()
}

#[test]
fn what_comes_out_goes_in_again() {
    let (db, graph) = small();
    let (nodes, edges) = (asked(&graph, "nodes", json!({})), asked(&graph, "edges", json!({})));
    let ada = &nodes[0];
    assert_eq!(ada["properties"], json!({"kind": "hidden", "born": 1815}));
    assert_eq!((&ada["importance"], &ada["created_ms"]), (&json!(0.75), &json!(1000)));
    assert_eq!(asked(&graph, "node", json!({"node": "countess"})), *ada);
    assert_eq!(asked(&graph, "edge", json!({"edge": edges[0]["number"]})), edges[0]);
    assert_eq!(asked(&graph, "node", json!({"node": "nobody"})), Value::Null);
    let done = change(&db, "default", json!({"upsert_nodes": nodes}));
    assert_eq!(done["did"], json!(["unchanged", "unchanged", "unchanged"]));
    let done = change(&db, "default", json!({"upsert_edges": edges}));
    assert_eq!(done["did"], json!(vec!["unchanged"; 4]));
}

#[test]
fn a_listing_goes_on_behind_a_number() {
    let (_db, graph) = small();
    for of in ["nodes", "edges"] {
        let all = asked(&graph, of, json!({}));
        let mut listed = Vec::new();
        loop {
            let after = listed.last().map(|last: &Value| last["number"].clone());
            let page = asked(&graph, of, json!({"after": after, "limit": 2}));
            let Some(page) = page.as_array().filter(|page| !page.is_empty()).cloned() else {
                break;
            };
            listed.extend(page);
        }
        assert_eq!(json!(listed), all);
    }
    assert_eq!(asked(&graph.view().graph("other"), "edges", json!({})), json!([]));
}

#[test]
fn questions_are_answered_by_name() {
    let (_db, graph) = small();
    let near = asked(&graph, "neighbours", json!({"of": "ada", "follow": {"direction": "both"}}));
    let nodes: Vec<_> =
        near["found"].as_array().unwrap().iter().map(|n| n["node"].clone()).collect();
    assert_eq!(json!(nodes), json!(["babbage", "london", "memory:1"]));
    assert_eq!((&near["found"][0]["link"]["from_ms"], &near["cut"]), (&json!(5), &Value::Null));

    let request = json!({"text": "+ada babb*", "signs": true, "filter": "kind:person"});
    let named = &asked(&graph, "search", request)["found"];
    assert_eq!((named.as_array().unwrap().len(), &named[0]["node"]["name"]), (1, &json!("Ada")));
    assert_eq!(named[0]["matched_terms"], json!(["ada"]));
    let both = asked(&graph, "search", json!({"text": "countess london", "limit": 1}));
    assert_eq!(both["found"].as_array().unwrap().len(), 1);

    let request =
        json!({"starts": ["memory:1", ["babbage", 0.5]], "paths": true, "depth": 3, "limit": 1});
    let related = asked(&graph, "related", request);
    assert_eq!((&related["found"][0]["node"], &related["cut"]), (&json!("ada"), &Value::Null));
    assert_eq!(related["found"][0]["path"]["nodes"], json!(["memory:1", "ada"]));

    let part =
        asked(&graph, "subgraph", json!({"starts": ["london"], "follow": {"direction": "in"}}));
    assert_eq!(part["nodes"][0], json!({"node": "london", "hops": 0}));
    assert_eq!(part["links"].as_array().unwrap().len(), 3);

    let ends = |how: Value| {
        let mut request = json!({"from": "ada", "to": "london"});
        request.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        asked(&graph, "paths", request)
    };
    assert_eq!(ends(json!({}))["found"][0]["nodes"], json!(["ada", "london"]));
    assert_eq!(ends(json!({"how": "cheapest"}))["found"][0]["cost"], json!(1.0));
    assert_eq!(ends(json!({"how": "all", "limit": 5}))["found"].as_array().unwrap().len(), 2);
    let later = json!({"follow": {"kinds": ["knows"], "when": "1970-01-01"}});
    assert_eq!(ends(later)["found"], json!([]));

    let pattern = json!({
        "nodes": {"a": "ada", "other": {"filter": "kind:person"}, "town": null},
        "edges": [
            {"from": "a", "to": "town", "follow": {"kinds": ["lives_in"]}},
            {"from": "other", "to": "town", "follow": {"kinds": ["lives_in"]}},
            {"from": "a", "to": "other"},
        ],
    });
    let found = asked(&graph, "find", pattern);
    assert_eq!(
        found["found"][0]["nodes"],
        json!({"a": "ada", "other": "babbage", "town": "london"})
    );
    assert_eq!(found["found"][0]["links"][2]["kind"], json!("knows"));
    assert!(!found["steps"].as_array().unwrap().is_empty());
}

#[test]
fn every_analysis_has_a_value_for_every_node() {
    let (db, graph) = small();
    for (what, with) in [
        ("degrees", json!({})),
        ("page_rank", json!({"damping": 0.5, "weighted": true, "restart": {"ada": 1}})),
        ("eigenvector", json!({"max_rounds": 50})),
        ("closeness", json!({})),
        ("betweenness", json!({"normalized": true})),
        ("components", json!({"strong": true})),
        ("communities", json!({"resolution": 0.5, "seed": 3})),
        ("label_propagation", json!({"seed": 3})),
        ("cdlp", json!({"rounds": 3})),
        ("cores", json!({})),
        ("triangles", json!({})),
        ("clustering", json!({})),
        ("hops", json!({"source": "babbage"})),
        ("distances", json!({"source": "babbage"})),
    ] {
        let request = json!({"what": what, "with": with, "threads": 1});
        let answer = analyse(&graph, request, &mut |_| true).unwrap();
        assert_eq!(answer["nodes"], json!(["ada", "memory:1", "babbage", "london"]), "{what}");
        assert_eq!(answer["values"].as_array().unwrap().len(), 4, "{what}");
        if what == "hops" {
            assert_eq!(answer["values"], json!([null, null, 0, 1]));
        }
    }
    let request = json!({"what": "page_rank"});
    assert!(matches!(analyse(&graph, request, &mut |_| false), Err(GraphError::Stopped)));
    let cancellation = Cancellation::new();
    let until = graph.clone().cancellation(&cancellation);
    let stopped = analyse(&until, json!({"what": "page_rank"}), &mut |_| {
        cancellation.cancel();
        true
    });
    let is_cancelled =
        matches!(stopped, Err(GraphError::Engine(e)) if e.kind() == ErrorKind::Cancelled);
    assert!(is_cancelled);
    let written = json!({"write_property": {"name": "rank", "values": {"ada": 0.25, "nobody": 1}}});
    assert_eq!(change(&db, "default", written), json!(1));
    let graph = db.read().unwrap().graph("default");
    assert_eq!(asked(&graph, "node", json!({"node": "ada"}))["properties"]["rank"], json!(0.25));
}

#[test]
fn changes_change_and_say_whether_there_was_something() {
    let (db, graph) = small();
    let edge = asked(&graph, "edges", json!({}))[0]["number"].clone();
    let update = json!({"update_edge": {"edge": edge, "patch": {"weight": 1, "from_ms": null}}});
    assert_eq!(change(&db, "default", update), json!(true));
    let patch = json!({"kind": null, "add_tags": ["x"], "properties": {"born": null}});
    let update = json!({"update_node": {"node": "ada", "patch": patch}});
    assert_eq!(change(&db, "default", update), json!(true));
    let again = json!({"source": "ada", "kind": "knows", "target": "babbage"});
    change(&db, "default", json!({"add_edges": [again]}));
    let graph = db.read().unwrap().graph("default");
    let ada = asked(&graph, "node", json!({"node": "ada"}));
    assert_eq!((ada.get("kind"), &ada["tags"]), (None, &json!(["m", "x"])));
    let edge = asked(&graph, "edge", json!({"edge": edge}));
    assert_eq!((&edge["weight"], edge.get("from_ms")), (&json!(1.0), None));
    assert_eq!(asked(&graph, "edges", json!({})).as_array().unwrap().len(), 5);

    let merge = json!({"merge_nodes": {"from": "babbage", "into": "ada"}});
    assert_eq!(change(&db, "default", merge), Value::Null);
    assert_eq!(change(&db, "default", json!({"delete_edge": edge["number"]})), json!(false));
    assert_eq!(change(&db, "default", json!({"delete_node": "babbage"})), json!(true));
    assert_eq!(change(&db, "default", json!({"delete_node": "ada"})), json!(false));
}

#[test]
fn a_document_is_read_as_it_was_written() {
    let (db, graph) = small();
    let mut document = Vec::new();
    write_node_link(&graph, &mut document).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let done = change(&db, "default", json!({"import": {"graph": document}}));
    assert_eq!(done, json!({"nodes": 0, "edges": 0}));
    let links = json!({"nodes": [], "edges": [{"source": 1, "target": 2, "colour": "red"}]});
    let import = json!({"import": {"graph": links, "default_kind": "next"}});
    assert_eq!(change(&db, "copy", import), json!({"nodes": 2, "edges": 1}));
    let edges = asked(&db.read().unwrap().graph("copy"), "edges", json!({}));
    assert_eq!(
        (&edges[0]["kind"], &edges[0]["properties"]),
        (&json!("next"), &json!({"colour": "red"}))
    );
}

#[test]
fn what_held_twice_is_read_as_two_edges_and_closed_by_a_later_document() {
    let db = Options::new().threads(false).in_memory().unwrap();
    let document = |until: Value| {
        json!({"import": {"graph": {"nodes": [], "edges": [
            {"source": "ada", "target": "london", "kind": "lives_in", "from_ms": 10, "until_ms": 20},
            {"source": "ada", "target": "london", "kind": "lives_in", "from_ms": 30, "until_ms": until},
        ]}}})
    };
    assert_eq!(change(&db, "default", document(Value::Null))["edges"], 2);
    assert_eq!(change(&db, "default", document(json!(40)))["edges"], 0);
    let edges = asked(&db.read().unwrap().graph("default"), "edges", json!({}));
    let times: Vec<_> =
        edges.as_array().unwrap().iter().map(|e| (&e["from_ms"], &e["until_ms"])).collect();
    assert_eq!(times, [(&json!(10), &json!(20)), (&json!(30), &json!(40))]);
}

#[test]
fn what_is_wrong_is_said() {
    let (_db, graph) = small();
    let invalid = |error: GraphError| match error {
        GraphError::Invalid(why) => why,
        other => panic!("{other:?}"),
    };
    for (question, request, word) in [
        ("related", json!({"starts": ["ada"], "dept": 1}), "dept"),
        ("neighbours", json!({"of": "ada", "follow": {"kind": "x"}}), "kind"),
        ("neighbours", json!({"of": "ada", "follow": {"when": "soon"}}), "when"),
        ("subgraph", json!({"starts": ["ada"], "follow": {"filter": "and"}}), "filter"),
        ("search", json!({"text": "ada", "filter": "and"}), "filter"),
        ("search", json!({"filter": "kind:person"}), "text"),
        ("nearest", json!({}), "\"vector\" or \"text\""),
        ("nearest", json!({"vector": [1], "text": "a"}), "\"vector\" or \"text\""),
        ("nearest", json!({"vector": [1], "effort": "some"}), "effort"),
        ("paths", json!({"from": "ada", "to": "ada", "limit": 1}), "limit"),
        ("find", json!({"nodes": {"a": null}, "edges": [{"from": "a", "to": "b"}]}), "\"b\""),
        ("find", json!({"nodes": {"a": 7}}), "node of a pattern"),
    ] {
        let question = Question::from_name(question).unwrap();
        let why = invalid(ask(&graph, question, request).unwrap_err());
        assert!(why.contains(word), "{why}");
    }
    for (wrong, word) in [
        (json!({"upsert_nodes": [{"id": "memory:1"}]}), "memory:1"),
        (json!({"upsert_nodes": [{"id": "a", "kinds": "b"}]}), "kinds"),
        (json!({"upsert_edges": [{"source": "a", "target": "b"}]}), "kind"),
        (json!({"update_node": {"node": "a", "patch": {"tags": []}}}), "tags"),
        (json!({"import": {"graph": {}}}), "nodes"),
        (json!({"import": {"graph": {"nodes": [{"id": "a", "embedding": "x"}]}}}), "embedding"),
        (json!({"forget": 1}), "forget"),
    ] {
        let why = invalid(Change::read(wrong).unwrap_err());
        assert!(why.contains(word), "{why}");
    }
    for (wrong, word) in [
        (json!({"what": "page_rank", "with": {"source": "ada"}}), "source"),
        (json!({"what": "hops", "with": {"source": "nobody"}}), "nobody"),
        (json!({"what": "communities", "with": {"resolution": 0}}), "resolution"),
    ] {
        let why = invalid(analyse(&graph, wrong, &mut |_| true).unwrap_err());
        assert!(why.contains(word), "{why}");
    }
    let missing = ask(&graph, Question::Related, json!({"starts": ["nobody"]}));
    assert!(matches!(missing, Err(GraphError::Engine(e)) if e.kind() == ErrorKind::NotFound));
}

#[test]
fn embeddings_go_out_and_come_back_to_the_bit() {
    let db = Options::new().in_memory().unwrap();
    db.create_space(&Space::new("picture", 1)).unwrap();
    let vector = [0.1_f32, f32::MIN_POSITIVE, -1.0 / 3.0];
    let node = json!({"id": "ada", "embedding": {"default": vector, "picture": [0.7_f32]}});
    change(
        &db,
        "n",
        json!({"upsert_nodes": [node, {"id": "bare"}, {"id": "b", "vector": [1, 0, 0]}]}),
    );
    let graph = db.read().unwrap().graph("n");
    assert_eq!(graph.vector("ada", "default").unwrap().unwrap(), vector);
    assert_eq!(asked(&graph, "embedding", json!({"node": "bare"})), Value::Null);
    assert_eq!(
        asked(&graph, "embedding", json!({"node": "ada", "space": "picture"})),
        json!([0.7_f32])
    );
    let near = asked(&graph, "nearest", json!({"vector": [1, 0, 0], "limit": 1, "effort": 50}));
    assert_eq!(near["found"][0]["node"]["id"], "b");
    assert_eq!(near["found"][0]["node"]["spaces"], json!(["default"]));
    let mut document = Vec::new();
    write_node_link(&graph, &mut document).unwrap();

    let other = Options::new().in_memory().unwrap();
    other.create_space(&Space::new("picture", 1)).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    change(&other, "n", json!({"import": {"graph": document}}));
    let copy = other.read().unwrap().graph("n");
    for (node, space) in [("ada", "default"), ("ada", "picture"), ("b", "default")] {
        assert_eq!(copy.vector(node, space).unwrap(), graph.vector(node, space).unwrap());
    }
    assert_eq!(copy.vector("bare", "default").unwrap(), None);
    let gone = json!({"node": "ada", "patch": {"embedding": {"picture": null}}});
    assert_eq!(change(&other, "n", json!({"update_node": gone})), json!(true));
    let copy = other.read().unwrap().graph("n");
    assert_eq!(copy.node("ada").unwrap().unwrap().spaces, ["default"]);
}
