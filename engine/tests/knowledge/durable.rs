//! The graph across closing, checkpoints, crashes of the log's reach, and salvage.

use memlith::{Db, Follow, LogRetention, NewEdge, NewMemory, NewNode, Options, salvage};
use std::time::Duration;

/// A ring of nodes, each with a memory that mentions it.
fn ring(db: &Db, count: usize) {
    db.write(|tx| {
        for n in 0..count {
            let seen = tx.remember(NewMemory::new(format!("saw {n}")).namespace("r"))?;
            let mut graph = tx.graph("r");
            graph.upsert_node(NewNode::new(format!("n{n}")))?;
            graph.upsert_edge(NewEdge::new(seen, "mentions", format!("n{n}")))?;
        }
        let mut graph = tx.graph("r");
        for n in 0..count {
            let to = format!("n{}", (n + 1) % count);
            graph.upsert_edge(NewEdge::new(format!("n{n}"), "next", to).weight(n as f32))?;
        }
        Ok(())
    })
    .unwrap();
}

fn assert_ring(db: &Db, count: usize) {
    let graph = db.graph("r").read().unwrap();
    let path = graph.shortest_path("n0", "n5", &Follow::new()).unwrap().unwrap();
    assert_eq!(path.links.len(), 5);
    let stats = db.stats().unwrap();
    assert_eq!((stats.nodes, stats.edges), (count as u64, 2 * count as u64));
    let report = db.verify(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}

#[test]
fn an_image_is_read_in_place_and_what_came_behind_it_is_folded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.lith");
    let db = Db::open(&path).unwrap();
    ring(&db, 3_000);
    assert!(db.stats().unwrap().graph_delta_bytes > 0);
    db.checkpoint().unwrap();
    let stats = db.stats().unwrap();
    assert!(stats.graph_image_bytes > 0);
    assert_ring(&db, 3_000);
    // Behind the image: edges of it go, with a node, with a memory and by themselves.
    let graph = db.graph("r");
    assert!(graph.delete_node("n100").unwrap());
    let read = graph.read().unwrap();
    let next = read.neighbours("n7", &Follow::new(), 1).unwrap().found[0].link.id;
    assert!(graph.delete_edge(next).unwrap());
    let seen = read.neighbours("n9", &Follow::new().direction(memlith::Direction::In), 9).unwrap();
    let memory = seen.found.iter().find_map(|next| match next.entity {
        memlith::Entity::Memory(id) => Some(id),
        memlith::Entity::Node(_) => None,
    });
    assert!(db.forget(memory.unwrap()).unwrap());
    graph.upsert_edge(NewEdge::new("n7", "next", "n8")).unwrap();
    drop((graph, read, db));
    let db = Db::open(&path).unwrap();
    let stats = db.stats().unwrap();
    assert_eq!((stats.nodes, stats.edges), (2_999, 6_000 - 3 - 1));
    let report = db.verify(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    db.rebuild(&mut |_, _| {}).unwrap();
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn a_graph_whose_log_was_trimmed_is_made_from_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.lith");
    let options =
        || Options::new().log_retention(LogRetention::new(1, Duration::ZERO)).background_threads(0);
    let db = options().open(&path).unwrap();
    for _ in 0..3 {
        ring(&db, 20);
        db.checkpoint().unwrap();
    }
    db.close().unwrap();
    let db = options().open(&path).unwrap();
    let graph = db.graph("r").read().unwrap();
    assert_eq!(graph.shortest_path("n0", "n5", &Follow::new()).unwrap().unwrap().links.len(), 5);
    assert_eq!(db.stats().unwrap().edges, 20 + 3 * 20);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn salvage_brings_the_graph_over() {
    let folder = tempfile::tempdir().unwrap();
    let [path, new] = ["g.lith", "new.lith"].map(|name| folder.path().join(name));
    let db = Db::open(&path).unwrap();
    ring(&db, 50);
    db.graph("r").delete_node("n49").unwrap();
    db.close().unwrap();
    let report = salvage(&path, &new, &mut |_, _, _| {}).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.nodes.recovered, report.edges.recovered), (49, 97));
    let (old, new) = (Db::open(&path).unwrap(), Db::open(&new).unwrap());
    assert!(new.verify(&mut |_| {}).unwrap().is_clean());
    let [old, new] = [&old, &new].map(|db| db.graph("r").read().unwrap());
    for n in 0..49 {
        let name = format!("n{n}");
        assert_eq!(old.node(&*name).unwrap(), new.node(&*name).unwrap());
        let next = |graph: &memlith::Graph| graph.neighbours(&*name, &Follow::new(), 9).unwrap();
        assert_eq!(next(&old), next(&new));
        let edge = next(&new).found.first().map(|next| next.link.id);
        assert_eq!(edge.map(|id| old.edge(id).unwrap()), edge.map(|id| new.edge(id).unwrap()));
    }
}
