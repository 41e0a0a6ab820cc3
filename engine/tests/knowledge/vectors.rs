//! Embeddings of nodes: beside those of memories in one space, and found by nearness alone.

use memlith::{
    Db, Embedder, EmbedderError, ErrorKind, Filter, GraphOptions, NearestNodes, NewMemory, NewNode,
    NodePatch, Options, SearchEffort, Space, Upserted, salvage,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn options() -> Options {
    Options::new().threads(false)
}

fn names(db: &Db, request: &NearestNodes) -> Vec<String> {
    let near = db.graph("n").read().unwrap().nearest(request).unwrap();
    assert!(near.is_sorted_by(|a, b| a.score >= b.score));
    near.into_iter().map(|near| near.node.external_id).collect()
}

fn vector(db: &Db, node: &str, space: &str) -> Option<Vec<f32>> {
    db.graph("n").read().unwrap().vector(node, space).unwrap()
}

#[test]
fn a_node_has_what_it_was_given_until_it_has_it_no_more() {
    let db = options().in_memory().unwrap();
    let graph = db.graph("n");
    let ada = || NewNode::new("ada").kind("person");
    assert!(matches!(graph.upsert_node(ada().vector([1.0, 0.0])).unwrap(), Upserted::Created(_)));
    graph.upsert_node(NewNode::new("london").kind("city").vector([0.9, 0.1])).unwrap();
    db.graph("other").upsert_node(NewNode::new("ada").vector([1.0, 0.0])).unwrap();
    let near = NearestNodes::to([1.0, 0.0]);
    assert_eq!(names(&db, &near), ["ada", "london"], "of one namespace");
    assert_eq!(names(&db, &near.clone().filter(Filter::kind("city"))), ["london"]);
    assert_eq!(names(&db, &near.clone().limit(1)), ["ada"]);
    assert_eq!(names(&db, &near.clone().min_score(0.999)), ["ada"]);
    let node = graph.read().unwrap().node("ada").unwrap().unwrap();
    assert_eq!(node.spaces, ["default"]);

    let same = graph.upsert_node(ada().vector([1.0, 0.0])).unwrap();
    assert!(matches!(same, Upserted::Unchanged(_)));
    let kept = graph.upsert_node(ada()).unwrap();
    assert!(matches!(kept, Upserted::Unchanged(_)), "what is not mentioned stays");
    graph.upsert_node(ada().vector([0.0, 1.0])).unwrap();
    assert_eq!(names(&db, &near), ["london", "ada"]);
    graph.update_node("ada", &NodePatch::new().vector_in("default", [0.5, 0.5])).unwrap();
    assert_eq!(vector(&db, "ada", "default"), Some(vec![0.5, 0.5]));
    graph.update_node("ada", &NodePatch::new().remove_vector("default")).unwrap();
    assert_eq!(vector(&db, "ada", "default"), None);
    assert_eq!(names(&db, &near), ["london"]);
    graph.delete_node("london").unwrap();
    assert_eq!(names(&db, &near), [""; 0]);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn what_breaks_a_rule_changes_nothing() {
    let db = options().in_memory().unwrap();
    let graph = db.graph("n");
    graph.upsert_node(NewNode::new("ada").vector([1.0, 0.0])).unwrap();
    let before = db.read().unwrap().seq();
    let refused = |new: NewNode| graph.upsert_node(new).unwrap_err().kind();
    let new = || NewNode::new("ada").name("changed");
    assert_eq!(refused(new().vector([1.0])), ErrorKind::DimensionMismatch);
    assert_eq!(refused(new().vector([f32::NAN, 1.0])), ErrorKind::InvalidInput);
    assert_eq!(refused(new().vector_in("none", [1.0])), ErrorKind::NotFound);
    assert_eq!(refused(new().vector([1.0, 2.0]).vector([2.0, 1.0])), ErrorKind::InvalidInput);
    let gone = NodePatch::new().remove_vector("none");
    assert_eq!(graph.update_node("ada", &gone).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(db.read().unwrap().seq(), before);

    let read = graph.read().unwrap();
    let failed = |request: NearestNodes| read.nearest(&request).unwrap_err().kind();
    assert_eq!(failed(NearestNodes::to([1.0])), ErrorKind::DimensionMismatch);
    assert_eq!(failed(NearestNodes::to([1.0, 0.0]).space("none")), ErrorKind::NotFound);
    assert_eq!(failed(NearestNodes::to([1.0, 0.0]).min_score(f32::NAN)), ErrorKind::InvalidInput);
    assert_eq!(failed(NearestNodes::to_text("ada")), ErrorKind::InvalidInput);
    let late = NearestNodes::to([1.0, 0.0]).deadline(Duration::ZERO);
    assert_eq!(failed(late), ErrorKind::DeadlineExceeded);
    assert_eq!(read.vector("ada", "none").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(read.vector("none", "default").unwrap(), None);
}

#[test]
fn a_space_is_one_of_memories_and_of_nodes() {
    let db = options().in_memory().unwrap();
    db.create_space(&Space::new("picture", 3)).unwrap();
    let graph = db.graph("n");
    let seen = NewMemory::new("seen").namespace("n").vector([1.0, 0.0]);
    let seen = db.remember(seen).unwrap();
    let ada = NewNode::new("ada").vector([1.0, 0.0]).vector_in("picture", [0.0, 1.0, 0.0]);
    graph.upsert_node(ada).unwrap();
    let view = db.read().unwrap();
    let neighbours = view.nearest(&memlith::Nearest::to([1.0, 0.0])).unwrap();
    assert_eq!(neighbours[0].iter().map(|n| n.id).collect::<Vec<_>>(), [seen], "no node");
    assert_eq!(names(&db, &NearestNodes::to([1.0, 0.0])), ["ada"], "no memory");
    let counts = |db: &Db| -> Vec<(String, u64, u64)> {
        let spaces = db.read().unwrap().spaces();
        spaces.into_iter().map(|space| (space.name, space.vectors, space.nodes)).collect()
    };
    assert_eq!(counts(&db), [("default".into(), 1, 1), ("picture".into(), 0, 1)]);
    let has = |space: &str| {
        let filter = Filter::space(space);
        names(&db, &NearestNodes::to([1.0, 0.0]).filter(filter))
    };
    assert_eq!(has("picture"), ["ada"]);
    db.write(|tx| {
        tx.graph("n").upsert_node(NewNode::new("new").vector_in("picture", [1.0, 0.0, 0.0]))?;
        tx.drop_space("picture")
    })
    .unwrap();
    assert_eq!(counts(&db), [("default".into(), 1, 1)]);
    assert_eq!(has("picture"), [""; 0]);
    assert_eq!(graph.read().unwrap().node("ada").unwrap().unwrap().spaces, ["default"]);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn of_two_that_are_one_the_embeddings_stay_that_only_one_had() {
    let db = options().in_memory().unwrap();
    db.create_space(&Space::new("picture", 3)).unwrap();
    let graph = db.graph("n");
    let countess = NewNode::new("countess").vector([0.0, 1.0]);
    graph.upsert_node(countess.vector_in("picture", [0.0, 1.0, 0.0])).unwrap();
    graph.upsert_node(NewNode::new("ada").vector([1.0, 0.0])).unwrap();
    graph.merge_nodes("countess", "ada").unwrap();
    assert_eq!(vector(&db, "ada", "default"), Some(vec![1.0, 0.0]));
    assert_eq!(vector(&db, "countess", "picture"), Some(vec![0.0, 1.0, 0.0]));
    assert_eq!(names(&db, &NearestNodes::to([0.0, 1.0, 0.0]).space("picture")), ["ada"]);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

/// Numbers that depend on a seed alone.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }

    fn vector(&mut self) -> Vec<f32> {
        (0..24).map(|_| self.below(1_000) as f32 - 499.5).collect()
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

type Known = BTreeMap<String, Vec<f32>>;

/// What is near is what a comparison with every one of them says.
fn assert_is(db: &Db, known: &Known, rng: &mut Rng) {
    for _ in 0..4 {
        let query = rng.vector();
        let mut expected: Vec<_> =
            known.iter().map(|(name, v)| (cosine(&query, v), name.clone())).collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0));
        expected.truncate(8);
        for effort in [SearchEffort::Exact, SearchEffort::Ef(400)] {
            let request = NearestNodes::to(query.clone()).limit(8).effort(effort);
            let expected: Vec<_> = expected.iter().map(|(_, name)| name.clone()).collect();
            assert_eq!(names(db, &request), expected, "{effort:?}");
        }
    }
    for (name, own) in known {
        assert_eq!(vector(db, name, "default").as_ref(), Some(own), "{name}");
    }
    let report = db.verify(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}

/// Nodes that come, change, are merged and go, beside memories that do.
fn churn(db: &Db, known: &mut Known, rng: &mut Rng, count: u64) {
    for n in 0..count {
        let name = format!("n{}", rng.below(500));
        let graph = db.graph("n");
        match rng.below(8) {
            0 => {
                graph.delete_node(&*name).unwrap();
                known.remove(&name);
            }
            1 if known.contains_key(&name) => {
                graph.update_node(&*name, &NodePatch::new().remove_vector("default")).unwrap();
                known.remove(&name);
            }
            2 => {
                let memory = NewMemory::new(format!("m{n}")).vector(rng.vector());
                db.remember(memory.external_id(format!("m{}", n % 40))).ok();
            }
            _ => {
                let vector = rng.vector();
                graph.upsert_node(NewNode::new(&*name).vector(vector.clone())).unwrap();
                known.insert(name, vector);
            }
        }
    }
}

#[test]
fn the_nearest_are_those_of_brute_force_however_vectors_lie() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.lith");
    // Some are rows, some sealed in segments that are merged, some linked and some not.
    let open = || options().seal_bytes(4 << 10).open(&path).unwrap();
    let db = open();
    let graph = GraphOptions::new().m(6).ef_construction(40).link_from(50).scan_below(1);
    db.create_space(&Space::new("default", 24).graph(graph)).unwrap();
    let (mut known, mut rng) = (Known::new(), Rng(7));
    churn(&db, &mut known, &mut rng, 700);
    assert_is(&db, &known, &mut rng);
    db.link(&mut |_, _| {}).unwrap();
    assert_is(&db, &known, &mut rng);
    db.checkpoint().unwrap();
    let sealed = db.read().unwrap().spaces()[0].sealed_vectors;
    assert!(sealed > 0, "nothing was sealed");
    churn(&db, &mut known, &mut rng, 300);
    assert_is(&db, &known, &mut rng);
    // As a killed process leaves it: what came behind the images is folded.
    let copy = folder.path().join("copy.lith");
    std::fs::copy(&path, &copy).unwrap();
    assert_is(&options().open(&copy).unwrap(), &known, &mut rng);
    db.close().unwrap();
    let db = open();
    assert_is(&db, &known, &mut rng);
    db.rebuild(&mut |_, _| {}).unwrap();
    assert_is(&db, &known, &mut rng);
    // Ordinals of nodes are allotted anew once most of them are dead.
    for _ in 0..12 {
        churn_away(&db, &mut known, &mut rng);
    }
    db.compact(&mut |_, _| {}).unwrap();
    assert_is(&db, &known, &mut rng);
    drop(db);
    assert_is(&open(), &known, &mut rng);
}

/// Nodes that come and go at once.
fn churn_away(db: &Db, known: &mut Known, rng: &mut Rng) {
    let names: Vec<String> = (0..500).map(|n| format!("passing{n}")).collect();
    let new = |name: &String| NewNode::new(&**name).vector(vec![1.0; 24]);
    db.graph("n").upsert_nodes(names.iter().map(new).collect()).unwrap();
    db.write(|tx| {
        let mut graph = tx.graph("n");
        names.iter().try_for_each(|name| graph.delete_node(&**name).map(drop))
    })
    .unwrap();
    churn(db, known, rng, 5);
}

/// Counts letters, once it is ready.
struct Letters(&'static str, Arc<AtomicBool>);

impl Embedder for Letters {
    fn identity(&self) -> &str {
        self.0
    }

    fn dimension(&self) -> usize {
        2
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        if !self.1.load(Ordering::Relaxed) {
            return Err("the model is not there".into());
        }
        let count = |text: &str, letter| text.matches(letter).count() as f32 + 0.5;
        Ok(texts.iter().map(|text| vec![count(text, 'a'), count(text, 'o')]).collect())
    }
}

#[test]
fn a_text_is_embedded_and_the_embedder_of_nodes_does_not_change() {
    let [old, new] = [true, false].map(|ready| Arc::new(AtomicBool::new(ready)));
    let embedders = options().embedder(Letters("old", old)).embedder(Letters("new", new.clone()));
    let db = embedders.in_memory().unwrap();
    db.create_space(&Space::new("default", 2).embedder("old")).unwrap();
    let graph = db.graph("n");
    graph.upsert_node(NewNode::new("ada").vector([3.0, 0.1])).unwrap();
    graph.upsert_node(NewNode::new("london").vector([0.1, 3.0])).unwrap();
    assert_eq!(names(&db, &NearestNodes::to_text("foo").limit(1)), ["london"]);
    let successor = Space::new("default", 2).embedder("new");
    let refused = db.reembed(&successor).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.to_string().contains("nodes of the graph"), "{refused}");
    for node in ["ada", "london"] {
        graph.update_node(node, &NodePatch::new().remove_vector("default")).unwrap();
    }
    db.remember(NewMemory::new("tea")).unwrap();
    db.reembed(&successor).unwrap();
    let early = graph.upsert_node(NewNode::new("ada").vector([3.0, 0.1])).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::InvalidInput);
    new.store(true, Ordering::Relaxed);
    db.finish_reembedding("default", &mut |_, _| {}).unwrap();
    graph.upsert_node(NewNode::new("ada").vector([3.0, 0.1])).unwrap();
    assert_eq!(names(&db, &NearestNodes::to_text("a")), ["ada"]);
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}

/// Changes a bit of every copy of a vector.
fn damage(bytes: &mut [u8], vector: &[f32]) {
    let needle: Vec<u8> = vector.iter().flat_map(|c| c.to_le_bytes()).collect();
    let found = bytes.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle);
    let places: Vec<usize> = found.map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "it is nowhere");
    for at in places {
        bytes[at] ^= 0x55;
    }
}

#[test]
fn salvage_brings_them_back_and_says_which_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let path = at("v.lith");
    let db = options().seal_bytes(16 << 10).open(&path).unwrap();
    let mut rng = Rng(3);
    let mut known = Known::new();
    // Components so far apart that they are sealed as they are.
    let wide = |rng: &mut Rng| -> Vec<f32> {
        let noise = (0..600).map(|_| rng.below(1 << 20) as f32 * 1.000_1 + 0.37);
        [1e-30].into_iter().chain(noise).collect()
    };
    for n in 0..40 {
        let (name, vector) = (format!("n{n}"), wide(&mut rng));
        db.graph("n").upsert_node(NewNode::new(&*name).vector(vector.clone())).unwrap();
        known.insert(name, vector);
        db.remember(NewMemory::new(format!("m{n}")).vector(wide(&mut rng))).unwrap();
    }
    db.close().unwrap();
    let recovered = |from: &Path, into: &Path| {
        let report = salvage(from, into, &mut |_, _, _| {}).unwrap();
        (report, options().open(into).unwrap())
    };
    let (report, db) = recovered(&path, &at("whole.lith"));
    assert!(report.is_complete() && report.lost_vectors_of_nodes.is_empty(), "{report:#?}");
    assert_eq!((report.nodes.recovered, report.vectors.recovered), (40, 80));
    for (name, own) in &known {
        assert_eq!(vector(&db, name, "default").as_ref(), Some(own));
    }
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());

    // A sealed vector of a node is damaged: the node comes out without it.
    let mut bytes = std::fs::read(&path).unwrap();
    let (name, own) = known.first_key_value().unwrap();
    damage(&mut bytes, own);
    let damaged = at("damaged.lith");
    std::fs::write(&damaged, bytes).unwrap();
    let (report, db) = recovered(&damaged, &at("new.lith"));
    let lost: Vec<_> = report.lost_vectors_of_nodes.iter().map(|(_, space)| &**space).collect();
    assert_eq!(lost, ["default"], "{report:#?}");
    assert_eq!((report.vectors.recovered, report.vectors.lost), (79, 1));
    assert_eq!((report.nodes.recovered, report.nodes.lost), (40, 0));
    assert_eq!(vector(&db, name, "default"), None);
    for (other, own) in known.iter().filter(|(other, _)| *other != name) {
        assert_eq!(vector(&db, other, "default").as_ref(), Some(own));
    }
    assert!(db.verify(&mut |_| {}).unwrap().is_clean());
}
