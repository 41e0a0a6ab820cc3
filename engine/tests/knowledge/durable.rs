//! The graph across closing, checkpoints, crashes of the log's reach, and salvage.

use memlith::{
    Cost, Db, Direction, Follow, LogRetention, NewEdge, NewMemory, NewNode, Options, Recall,
    Related, salvage,
};
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
    let seen = read.neighbours("n9", &Follow::new().direction(Direction::In), 9).unwrap();
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

#[test]
fn a_graph_that_is_too_large_to_be_held_answers_the_same_from_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.lith");
    let open = |bytes| Options::new().threads(false).graph_bytes(bytes).open(&path).unwrap();
    // What walks say, and whether they read rows.
    let said = |db: &Db| {
        let graph = db.graph("r").read().unwrap();
        let both = Follow::new().direction(Direction::Both);
        let related = Related::to(["n3"]).follow(both.clone()).depth(3).limit(50).with_paths();
        let related = graph.related(&related).unwrap();
        let cheapest = graph.cheapest_path("n4", "n9", &Follow::new(), Cost::Weight).unwrap();
        let heavy = graph.neighbours("n7", &both.kinds(["next"]).min_weight(7.0), 9).unwrap();
        let recall = Recall::new().text("saw 5").namespace("r").neighbourhood(0.5).limit(50);
        let recalled = db.recall(&recall).unwrap().hits;
        let recalled: Vec<_> = recalled.iter().map(|hit| (hit.memory.id, hit.score)).collect();
        let stats = db.stats().unwrap();
        assert_eq!((stats.nodes, stats.edges), (300, 600));
        assert!(db.verify(&mut |_| {}).unwrap().is_clean());
        ((related, cheapest, heavy, recalled), stats.is_graph_in_rows)
    };
    let db = open(1 << 20);
    ring(&db, 300);
    let (held, in_rows) = said(&db);
    assert!(!in_rows);
    db.checkpoint().unwrap();
    db.close().unwrap();
    for bytes in [1_000, 0] {
        let db = open(bytes);
        // It is held until all edges are linked to their ends.
        let is_linked = bytes == 0;
        assert_eq!(said(&db), (held.clone(), is_linked));
        db.checkpoint().unwrap();
        assert_eq!(said(&db), (held.clone(), true));
        let stats = db.stats().unwrap();
        assert_eq!((stats.graph_image_bytes, stats.graph_delta_bytes), (0, 0));
        db.checkpoint().unwrap();
        assert_eq!(said(&db), (held.clone(), true));
        db.close().unwrap();
    }
    // It is held again once it may be.
    let db = open(1 << 20);
    assert_eq!(said(&db), (held, false));
    db.checkpoint().unwrap();
    let stats = db.stats().unwrap();
    db.close().unwrap();
    // It grows too large for what it may take, and a View of before goes on as it is.
    let db = open(stats.graph_image_bytes + stats.graph_delta_bytes + 1_000);
    assert!(!db.stats().unwrap().is_graph_in_rows);
    let before = db.graph("r").read().unwrap();
    db.write(|tx| {
        let mut graph = tx.graph("r");
        for n in 0..300 {
            graph.upsert_edge(NewEdge::new(
                format!("n{n}"),
                "back",
                format!("n{}", (n + 7) % 300),
            ))?;
        }
        Ok(())
    })
    .unwrap();
    let stats = db.stats().unwrap();
    assert!(stats.is_graph_in_rows && stats.edges == 900);
    let next =
        |graph: &memlith::Graph| graph.neighbours("n7", &Follow::new(), 9).unwrap().found.len();
    assert_eq!((next(&before), next(&db.graph("r").read().unwrap())), (1, 2));
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}
