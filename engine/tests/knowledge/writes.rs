//! What a transaction does to nodes and edges, and what it refuses.

use memlith::{
    Db, EdgePatch, Entity, ErrorKind, Follow, MemoryId, NewEdge, NewMemory, NewNode, NodePatch,
    Options, Upserted,
};
use serde_json::json;

fn db() -> Db {
    Options::new().in_memory().unwrap()
}

#[test]
fn a_node_is_written_once_under_its_name_and_read_back_whole() {
    let db = db();
    let graph = db.graph("a");
    let new = || {
        NewNode::new("ada")
            .kind("person")
            .name("Ada Lovelace")
            .importance(0.75)
            .tags(["z", "a", "a"])
            .aliases(["countess"])
            .properties(json!({ "born": 1815 }))
            .created_ms(-5)
    };
    let Upserted::Created(id) = graph.upsert_node(new()).unwrap() else { panic!("it was there") };
    let ada = graph.read().unwrap().node("countess").unwrap().unwrap();
    assert_eq!((ada.id, ada.external_id.as_str(), ada.namespace.as_str()), (id, "ada", "a"));
    assert_eq!((ada.kind.as_deref(), ada.name.as_deref()), (Some("person"), Some("Ada Lovelace")));
    assert_eq!(
        (ada.tags, ada.importance, ada.created_ms),
        (vec!["a".into(), "z".into()], 0.75, -5)
    );
    assert_eq!(ada.properties, json!({ "born": 1815 }));

    let seq = db.read().unwrap().seq();
    assert_eq!(graph.upsert_node(new()).unwrap(), Upserted::Unchanged(id));
    assert_eq!(db.read().unwrap().seq(), seq, "nothing was written");
    // Through its alias, and without its properties.
    let again = graph.upsert_node(NewNode::new("countess").kind("person")).unwrap();
    assert_eq!(again, Upserted::Updated(id));
    let ada = graph.read().unwrap().node(id).unwrap().unwrap();
    assert_eq!(
        (ada.external_id.as_str(), ada.properties, ada.created_ms),
        ("ada", json!(null), -5)
    );
    assert_eq!(ada.aliases, ["countess"]);
    // Another namespace knows nothing of it.
    assert_eq!(db.graph("b").read().unwrap().node("ada").unwrap(), None);
    assert_eq!(db.graph("b").read().unwrap().node(id).unwrap(), None);
}

#[test]
fn an_edge_is_one_for_its_ends_and_kind_unless_it_is_added() {
    let db = db();
    let graph = db.graph("a");
    graph.upsert_nodes(vec![NewNode::new("x"), NewNode::new("y")]).unwrap();
    let first = graph.upsert_edge(NewEdge::new("x", "knows", "y").weight(0.5)).unwrap();
    assert!(matches!(first, Upserted::Created(_)));
    let same = graph.upsert_edge(NewEdge::new("x", "knows", "y").weight(0.5)).unwrap();
    assert_eq!(same, Upserted::Unchanged(first.id()));
    let other = graph.upsert_edge(NewEdge::new("x", "knows", "y").weight(2.0)).unwrap();
    assert_eq!(other, Upserted::Updated(first.id()));
    let back = graph.upsert_edge(NewEdge::new("y", "knows", "x")).unwrap();
    let kind = graph.upsert_edge(NewEdge::new("x", "likes", "y")).unwrap();
    let parallel = db.write(|tx| tx.graph("a").add_edge(NewEdge::new("x", "knows", "y"))).unwrap();
    let read = graph.read().unwrap();
    let out = read.neighbours("x", &Follow::new(), 10).unwrap();
    let ids: Vec<_> = out.found.iter().map(|next| next.link.id).collect();
    assert_eq!(ids, [first.id(), parallel, kind.id()]);
    assert_eq!(read.edge(first.id()).unwrap().unwrap().weight, 2.0);
    assert!(graph.delete_edge(back.id()).unwrap() && !graph.delete_edge(back.id()).unwrap());
    let patch = EdgePatch::new().until_ms(1).properties(json!({ "why": "moved" }));
    assert!(db.write(|tx| tx.graph("a").update_edge(first.id(), &patch)).unwrap());
    let read = graph.read().unwrap();
    let edge = read.edge(first.id()).unwrap().unwrap();
    assert_eq!((edge.until_ms, edge.properties), (Some(1), json!({ "why": "moved" })));
    assert_eq!(read.neighbours("x", &Follow::new(), 10).unwrap().found.len(), 2, "it ended");
    assert_eq!(read.neighbours("y", &Follow::new(), 10).unwrap().found.len(), 0);
}

#[test]
fn what_breaks_a_rule_is_refused_and_leaves_nothing() {
    let db = db();
    let graph = db.graph("a");
    graph.upsert_nodes(vec![NewNode::new("x").aliases(["ex"]), NewNode::new("y")]).unwrap();
    let elsewhere = db.remember(NewMemory::new("m").namespace("b")).unwrap();
    let seq = db.read().unwrap().seq();
    let nodes = [
        (NewNode::new(""), ErrorKind::InvalidInput),
        (NewNode::new("n".repeat(1025)), ErrorKind::LimitExceeded),
        (NewNode::new("n").kind(""), ErrorKind::InvalidInput),
        (NewNode::new("n").kind("k".repeat(513)), ErrorKind::LimitExceeded),
        (NewNode::new("n").name("n".repeat(4097)), ErrorKind::LimitExceeded),
        (NewNode::new("n").importance(f32::NAN), ErrorKind::InvalidInput),
        (NewNode::new("n").properties(json!([1])), ErrorKind::InvalidInput),
        (
            NewNode::new("n").properties(json!({ "p": "x".repeat(1 << 20) })),
            ErrorKind::LimitExceeded,
        ),
        (NewNode::new("n").tags((0..1025).map(|n| n.to_string())), ErrorKind::LimitExceeded),
        (NewNode::new("n").aliases((0..1025).map(|n| n.to_string())), ErrorKind::LimitExceeded),
        (NewNode::new("n").aliases(["ex"]), ErrorKind::AlreadyExists),
        (NewNode::new("n").created_ms(i64::MIN), ErrorKind::InvalidInput),
    ];
    for (node, kind) in nodes {
        assert_eq!(graph.upsert_node(node).unwrap_err().kind(), kind);
    }
    let edge = || NewEdge::new("x", "k", "y");
    let edges = [
        (NewEdge::new("x", "k", "nobody"), ErrorKind::NotFound),
        (NewEdge::new("x", "k", elsewhere), ErrorKind::NotFound),
        (NewEdge::new("x", "k", MemoryId(999)), ErrorKind::NotFound),
        (NewEdge::new("x", "", "y"), ErrorKind::InvalidInput),
        (NewEdge::new("x", "k".repeat(513), "y"), ErrorKind::LimitExceeded),
        (edge().weight(-1.0), ErrorKind::InvalidInput),
        (edge().weight(f32::INFINITY), ErrorKind::InvalidInput),
        (edge().properties(json!(1)), ErrorKind::InvalidInput),
        (edge().from_ms(5).until_ms(5), ErrorKind::InvalidInput),
        (edge().until_ms(i64::MAX), ErrorKind::InvalidInput),
    ];
    for (edge, kind) in edges {
        assert_eq!(graph.upsert_edge(edge).unwrap_err().kind(), kind);
    }
    let read = graph.read().unwrap();
    assert_eq!(read.view().seq(), seq);
    assert_eq!(read.node(elsewhere).unwrap_err().kind(), ErrorKind::InvalidInput);
    let missing = read.neighbours("nobody", &Follow::new(), 1).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let foreign = read.neighbours(elsewhere, &Follow::new(), 1).unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::NotFound);
}

#[test]
fn what_goes_takes_its_edges_with_it() {
    let db = db();
    let (graph, seen) =
        (db.graph("a"), db.remember(NewMemory::new("seen").namespace("a")).unwrap());
    let told = db.remember(NewMemory::new("told").namespace("a")).unwrap();
    graph.upsert_nodes(["x", "y", "z"].map(NewNode::new).to_vec()).unwrap();
    graph
        .upsert_edges(vec![
            NewEdge::new(seen, "mentions", "x"),
            NewEdge::new(seen, "relates_to", told),
            NewEdge::new("x", "knows", "y"),
            NewEdge::new("y", "knows", "z"),
            NewEdge::new("y", "knows", "y"),
        ])
        .unwrap();
    assert_eq!(db.stats().unwrap().edges, 5);
    assert!(db.forget(seen).unwrap());
    assert_eq!(db.stats().unwrap().edges, 3);
    assert!(graph.delete_node("y").unwrap() && !graph.delete_node("y").unwrap());
    let stats = db.stats().unwrap();
    assert_eq!((stats.nodes, stats.edges), (2, 0));
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
    // Its name is free again.
    assert!(matches!(graph.upsert_node(NewNode::new("y")).unwrap(), Upserted::Created(_)));
}

#[test]
fn a_merged_node_is_found_by_both_names_and_has_the_edges_of_both() {
    let db = db();
    let graph = db.graph("a");
    let ada = NewNode::new("ada").name("Ada").tags(["a"]).properties(json!({ "p": 1, "q": 1 }));
    let countess = NewNode::new("countess").kind("person").tags(["b"]).importance(0.9);
    let countess = countess.properties(json!({ "q": 2, "r": 2 })).aliases(["lady"]);
    graph.upsert_nodes(vec![ada, countess, NewNode::new("x")]).unwrap();
    graph
        .upsert_edges(vec![
            NewEdge::new("ada", "knows", "x").weight(0.25),
            NewEdge::new("countess", "knows", "x").weight(0.75),
            NewEdge::new("x", "admires", "countess"),
            NewEdge::new("ada", "is", "countess"),
            NewEdge::new("countess", "likes", "countess"),
        ])
        .unwrap();
    graph.merge_nodes("countess", "ada").unwrap();
    let read = graph.read().unwrap();
    let one = read.node("lady").unwrap().unwrap();
    assert_eq!(Some(&one), read.node("countess").unwrap().as_ref());
    assert_eq!((one.external_id.as_str(), one.aliases.len()), ("ada", 2));
    assert_eq!((one.kind.as_deref(), one.name.as_deref()), (Some("person"), Some("Ada")));
    assert_eq!((one.importance, one.tags.join(",")), (0.9, "a,b".into()));
    assert_eq!(one.properties, json!({ "p": 1, "q": 1, "r": 2 }));
    let mut edges = read.neighbours("ada", &Follow::new(), 10).unwrap().found;
    edges.sort_by(|a, b| a.link.kind.cmp(&b.link.kind));
    let seen: Vec<_> = edges.iter().map(|e| (&*e.link.kind, e.link.weight, e.entity)).collect();
    let x = read.node("x").unwrap().unwrap().id.into();
    assert_eq!(seen, [("knows", 0.75, x), ("likes", 1.0, Entity::Node(one.id))]);
    assert_eq!(read.neighbours("x", &Follow::new(), 10).unwrap().found[0].entity, one.id.into());
    assert_eq!(db.stats().unwrap().nodes, 2);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
    graph.merge_nodes("lady", "ada").unwrap();
    assert_eq!(graph.merge_nodes("nobody", "ada").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_transaction_writes_memories_and_graph_together_and_sees_what_it_wrote() {
    let db = db();
    let given_up: memlith::Result<()> = db.write(|tx| {
        let seen = tx.remember(NewMemory::new("seen"))?;
        let mut graph = tx.graph("default");
        graph.upsert_node(NewNode::new("x"))?;
        let edge = graph.upsert_edge(NewEdge::new(seen, "mentions", "x"))?.id();
        assert!(graph.edge(edge)?.is_some());
        assert!(graph.update_node("x", &NodePatch::new().add_alias("ex"))?);
        assert!(graph.node("ex")?.is_some());
        tx.forget(seen)?;
        assert!(tx.graph("default").edge(edge)?.is_none(), "it went with its end");
        Err(Options::new()
            .in_memory()
            .unwrap()
            .graph("")
            .upsert_node(NewNode::new(""))
            .unwrap_err())
    });
    assert!(given_up.is_err());
    assert_eq!(db.stats().unwrap().nodes, 0);
}

#[test]
fn ends_are_looked_for_in_their_namespace_however_many_are_named() {
    let db = db();
    let named = |prefix: &str| -> Vec<NewNode> {
        (0..200).map(|node| NewNode::new(format!("{prefix}{node}"))).collect()
    };
    let ids = |graph: &str, prefix| {
        let nodes = db.graph(graph).upsert_nodes(named(prefix)).unwrap();
        nodes.into_iter().map(Upserted::id).collect::<Vec<_>>()
    };
    let (here, there) = (ids("a", "x"), ids("b", "y"));
    db.write(|tx| {
        let mut graph = tx.graph("a");
        let fresh = graph.upsert_node(NewNode::new("fresh"))?.id();
        graph.delete_node(here[199])?;
        for (source, target) in here.iter().zip(&here[1..199]) {
            graph.add_edge(NewEdge::new(*source, "next", *target))?;
        }
        graph.add_edge(NewEdge::new(here[0], "next", fresh))?;
        for elsewhere in [there[0], there[199], here[199]] {
            let refused = graph.add_edge(NewEdge::new(here[0], "next", elsewhere));
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound, "{elsewhere}");
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(db.stats().unwrap().edges, 199);
}

#[test]
fn writers_of_the_same_edges_make_one_of_each_and_none_outlives_its_ends() {
    const WRITERS: u64 = 4;
    let db = db();
    let graph = db.graph("a");
    let mut new: Vec<NewNode> = (0..6).map(|n| NewNode::new(format!("n{n}"))).collect();
    new.extend((0..WRITERS).map(|n| NewNode::new(format!("gone{n}"))));
    graph.upsert_nodes(new).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let db = db.clone();
            scope.spawn(move || {
                for step in 0..40 {
                    // What another has made may be accepted, and in no View yet.
                    let (from, to) = ((step + writer) % 6, step * step % 6);
                    let edge = NewEdge::new(format!("n{from}"), "next", format!("n{to}"));
                    let own = NewEdge::new(format!("n{to}"), "to", format!("gone{writer}"));
                    db.write(|tx| {
                        let mut graph = tx.graph("a");
                        graph.upsert_edge(edge.weight(step as f32))?;
                        graph.upsert_edge(own)
                    })
                    .unwrap();
                }
                assert!(db.graph("a").delete_node(format!("gone{writer}")).unwrap());
            });
        }
    });
    let read = graph.read().unwrap();
    let mut pairs = std::collections::BTreeSet::new();
    read.for_each_edge(|edge| {
        assert_eq!(&*edge.kind, "next", "an edge to what is gone");
        assert!(pairs.insert((edge.source, edge.target)), "{edge:?} is there twice");
        Ok(true)
    })
    .unwrap();
    let expected: std::collections::BTreeSet<_> = (0..WRITERS)
        .flat_map(|writer| (0..40).map(move |step| ((step + writer) % 6, step * step % 6)))
        .collect();
    assert_eq!(pairs.len(), expected.len());
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}
