//! Nodes by words and by declared properties.

use memlith::{
    Db, ErrorKind, Filter, GraphPattern, NewMemory, NewNode, NodePatch, NodeSearch, Options,
};
use serde_json::json;
use std::time::Duration;

fn names(db: &Db, search: &NodeSearch) -> Vec<String> {
    let found = db.graph("n").read().unwrap().search(search).unwrap();
    found.into_iter().map(|found| found.node.external_id).collect()
}

fn search(text: &str) -> NodeSearch {
    NodeSearch::new(text)
}

#[test]
fn a_node_is_found_by_each_of_its_names_until_it_has_it_no_more() {
    let db = Options::new().in_memory().unwrap();
    let graph = db.graph("n");
    let ada = NewNode::new("ada-l").name("Ada Lovelace").kind("person").aliases(["Enchantress"]);
    graph.upsert_node(ada).unwrap();
    graph.upsert_node(NewNode::new("crater").name("Lovelace crater").kind("place")).unwrap();
    db.graph("other").upsert_node(NewNode::new("lovelace")).unwrap();
    for word in ["ada", "lovelace", "enchantress"] {
        assert!(names(&db, &search(word)).contains(&"ada-l".into()), "{word}");
    }
    assert_eq!(names(&db, &search("lovelace")).len(), 2, "of one namespace");
    assert_eq!(names(&db, &search("lovelace").limit(1)).len(), 1);
    assert_eq!(names(&db, &search("lovelace").filter(Filter::kind("place"))), ["crater"]);
    assert_eq!(names(&db, &search("+lovelace -crater").signs(true)), ["ada-l"]);
    let found = db.graph("n").read().unwrap().search(&search("Lovelace of Mars")).unwrap();
    assert_eq!(found[0].matched_terms.len(), 1);
    assert!(found[0].score >= found[1].score && found[1].score > 0.0);
    let mut patch = NodePatch::new().name("Ada King");
    patch.remove_aliases.push("Enchantress".into());
    graph.update_node("ada-l", &patch).unwrap();
    assert_eq!(names(&db, &search("enchantress")), [""; 0]);
    assert_eq!(names(&db, &search("king")), ["ada-l"]);
    graph.merge_nodes("crater", "ada-l").unwrap();
    assert_eq!(names(&db, &search("crater")), ["ada-l"], "by what is an alias now");
    graph.delete_node("ada-l").unwrap();
    assert_eq!(names(&db, &search("king")), [""; 0]);
    let late = search("king").deadline(Duration::ZERO).filter("meta.a = 1".parse().unwrap());
    graph.upsert_node(NewNode::new("king")).unwrap();
    let late = graph.read().unwrap().search(&late).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::DeadlineExceeded);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn a_declared_property_is_an_index_and_its_texts_are_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.lith");
    let db = Options::new().threads(false).open(&path).unwrap();
    let node = |n: u64| {
        let properties = json!({ "born": 1_800 + n, "said": ["engines", if n == 7 { "whistles" } else { "bells" }] });
        NewNode::new(format!("n{n}")).properties(properties)
    };
    db.graph("n").upsert_nodes((0..50).map(node).collect()).unwrap();
    db.remember(NewMemory::new("m").namespace("n").metadata(json!({ "born": 1_810 }))).unwrap();
    let find = |db: &Db| {
        let mut pattern = GraphPattern::new();
        pattern.matching("meta.born >= 1810 and < 1815".parse().unwrap());
        let found = db.graph("n").read().unwrap().find(&pattern, 100).unwrap();
        let report = found.filters[0].clone().unwrap();
        (found.rows.len(), report.scanned_rows, report.scanned_filter)
    };
    let (found, scanned, filter) = find(&db);
    assert_eq!((found, scanned), (5, 51), "the memory is joined to nothing");
    assert!(filter.unwrap().contains("meta.born"));
    assert_eq!(names(&db, &search("whistles")), [""; 0]);
    db.checkpoint().unwrap();
    db.write(|tx| {
        tx.index_metadata("born")?;
        tx.index_metadata("said")?;
        tx.graph("n").update_node("n12", &NodePatch::new().properties(json!({ "born": 1_900 })))
    })
    .unwrap();
    assert_eq!(find(&db), (4, 0, None));
    assert_eq!(names(&db, &search("whistles")), ["n7"]);
    // What was declared behind the image is taken up again on opening.
    drop(db);
    for checkpoints in [false, true] {
        let db = Options::new().threads(false).open(&path).unwrap();
        assert_eq!(find(&db), (4, 0, None));
        assert_eq!(names(&db, &search("whistles")), ["n7"]);
        assert!(db.verify(&mut |_| {}).unwrap().is_clean());
        if checkpoints {
            db.write(|tx| tx.drop_metadata_index("said")).unwrap();
            assert_eq!(names(&db, &search("whistles")), [""; 0]);
            assert_eq!(names(&db, &search("n7"))[0], "n7");
        }
        db.close().unwrap();
    }
    let db = Options::new().threads(false).open(&path).unwrap();
    assert_eq!(names(&db, &search("whistles")), [""; 0]);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn words_of_nodes_are_sealed_and_read_from_their_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.lith");
    let db = Options::new().threads(false).open(&path).unwrap();
    let nodes =
        |from: u32| (from..from + 8_192).map(|n| NewNode::new(format!("node{n}"))).collect();
    db.graph("n").upsert_nodes(nodes(0)).unwrap();
    db.checkpoint().unwrap();
    db.graph("n").upsert_nodes(nodes(8_192)).unwrap();
    db.graph("n").delete_node("node77").unwrap();
    db.close().unwrap();
    let db = Options::new().threads(false).open(&path).unwrap();
    for name in ["node5", "node16000"] {
        assert_eq!(names(&db, &search(name))[0], name);
    }
    assert_ne!(names(&db, &search("node77"))[0], "node77");
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
    db.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(names(&db, &search("node16000"))[0], "node16000");
}
