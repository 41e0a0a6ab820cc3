//! The graph against a naive model: maps of nodes and edges.
//!
//! Random transactions, checkpoints, rebuilds and reopenings; then everything that is asked of the file
//! is answered by the model too.

use memlith::analytics::{EdgeWeight, Orientation};
use memlith::{
    Db, Direction, EdgeId, Entity, Follow, Graph, GraphPattern, MemoryId, NewEdge, NewMemory,
    NewNode, Node, NodeId, NodeSearch, Options, Upserted, When,
};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const NAMES: u8 = 9;
const WORDS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
const PATHS: [&str; 2] = ["rank", "said"];
const KINDS: [&str; 3] = ["knows", "likes", "owns"];

#[derive(Clone, Debug)]
enum Step {
    Node(u8, u8),
    Declare,
    Drop,
    Memory,
    Edge { from: u8, kind: u8, to: u8, weight: u8 },
    DeleteNode(u8),
    Forget(u8),
    DeleteEdge(u8),
    Merge(u8, u8),
    Checkpoint,
    Rebuild,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..NAMES, 0..4_u8).prop_map(|(n, rank)| Step::Node(n, rank)),
        1 => Just(Step::Declare),
        1 => Just(Step::Drop),
        2 => Just(Step::Memory),
        10 => (any::<u8>(), 0..3_u8, any::<u8>(), 0..5_u8)
            .prop_map(|(from, kind, to, weight)| Step::Edge { from, kind, to, weight }),
        1 => (0..NAMES).prop_map(Step::DeleteNode),
        1 => any::<u8>().prop_map(Step::Forget),
        2 => any::<u8>().prop_map(Step::DeleteEdge),
        1 => (0..NAMES, 0..NAMES).prop_map(|(a, b)| Step::Merge(a, b)),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Rebuild),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    names: BTreeMap<String, NodeId>,
    memories: BTreeSet<MemoryId>,
    edges: BTreeMap<EdgeId, (Entity, usize, Entity, f32)>,
    /// Are properties indexed?
    is_declared: bool,
}

impl Model {
    fn entities(&self) -> Vec<Entity> {
        let nodes: BTreeSet<Entity> = self.names.values().map(|id| Entity::Node(*id)).collect();
        nodes.into_iter().chain(self.memories.iter().map(|id| Entity::Memory(*id))).collect()
    }

    fn remove(&mut self, entity: Entity) {
        self.edges.retain(|_, (from, _, to, _)| *from != entity && *to != entity);
    }

    fn next(&self, of: Entity, direction: Direction) -> BTreeSet<(EdgeId, Entity)> {
        let sides = self.edges.iter().flat_map(|(id, (from, _, to, _))| {
            let out = (*from == of && direction != Direction::In).then_some((*id, *to));
            let back = (*to == of && direction != Direction::Out).then_some((*id, *from));
            [out, back]
        });
        sides.flatten().collect()
    }

    fn hops(&self, from: Entity) -> BTreeMap<Entity, usize> {
        let mut hops = BTreeMap::from([(from, 0)]);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for (_, next) in self.next(at, Direction::Out) {
                if !hops.contains_key(&next) {
                    hops.insert(next, hops[&at] + 1);
                    queue.push_back(next);
                }
            }
        }
        hops
    }
}

fn name(n: u8) -> String {
    format!("n{n}")
}

fn apply(db: &Db, model: &mut Model, step: &Step) {
    let graph = db.graph("default");
    let entities = model.entities();
    let pick = |n: u8| entities.get(n as usize % entities.len().max(1)).copied();
    match *step {
        Step::Node(n, rank) => {
            let properties = json!({ "rank": rank, "said": WORDS[usize::from(rank)] });
            let new = NewNode::new(name(n)).properties(properties);
            let upserted = graph.upsert_node(new).unwrap();
            let known = model.names.insert(name(n), upserted.id());
            assert_eq!(known.is_none(), matches!(upserted, Upserted::Created(_)));
            assert!(known.is_none_or(|known| known == upserted.id()));
        }
        Step::Declare => {
            for path in PATHS {
                model.is_declared |= db.write(|tx| tx.index_metadata(path)).is_ok();
            }
        }
        Step::Drop => {
            for path in PATHS.iter().filter(|_| model.is_declared) {
                db.write(|tx| tx.drop_metadata_index(path)).unwrap();
            }
            model.is_declared = false;
        }
        Step::Memory => {
            model.memories.insert(db.remember(NewMemory::new("m")).unwrap());
        }
        Step::Edge { from, kind, to, weight } => {
            let Some((from, to)) = pick(from).zip(pick(to)) else { return };
            let (kind, weight) = (usize::from(kind), f32::from(weight));
            let edge = NewEdge::new(from, KINDS[kind], to).weight(weight);
            let id = graph.upsert_edge(edge).unwrap().id();
            let is_same = |e: &&(Entity, usize, Entity, f32)| (e.0, e.1, e.2) == (from, kind, to);
            let known = model.edges.iter().find(|(_, e)| is_same(e)).map(|(id, _)| *id);
            assert_eq!(known.unwrap_or(id), id);
            model.edges.insert(id, (from, kind, to, weight));
        }
        Step::DeleteNode(n) => {
            let known = model.names.get(&name(n)).copied();
            assert_eq!(graph.delete_node(name(n)).unwrap(), known.is_some());
            if let Some(id) = known {
                model.names.retain(|_, known| *known != id);
                model.remove(id.into());
            }
        }
        Step::Forget(n) => {
            let Some(id) = model.memories.iter().nth(n as usize % 7).copied() else { return };
            assert!(db.forget(id).unwrap());
            model.memories.remove(&id);
            model.remove(id.into());
        }
        Step::DeleteEdge(n) => {
            let count = model.edges.len().max(1);
            let Some(id) = model.edges.keys().nth(n as usize % count).copied() else { return };
            assert!(graph.delete_edge(id).unwrap());
            model.edges.remove(&id);
        }
        Step::Merge(a, b) => {
            let ids = model.names.get(&name(a)).copied().zip(model.names.get(&name(b)).copied());
            let Some((gone, kept)) = ids else { return };
            graph.merge_nodes(name(a), name(b)).unwrap();
            if gone == kept {
                return;
            }
            for id in model.names.values_mut().filter(|id| **id == gone) {
                *id = kept;
            }
            // Under which numbers its edges go on is the file's to say: take them from there.
            let kept = Entity::Node(kept);
            let moved = |e: Entity| if e == Entity::Node(gone) { kept } else { e };
            let mut expected = BTreeMap::new();
            for (from, kind, to, weight) in std::mem::take(&mut model.edges).into_values() {
                let (new_from, new_to) = (moved(from), moved(to));
                if new_from != new_to || from == to {
                    let known: &mut f32 = expected.entry((new_from, kind, new_to)).or_insert(0.0);
                    *known = known.max(weight);
                }
            }
            let read = graph.read().unwrap();
            for of in model.entities() {
                for next in read.neighbours(of, &Follow::new(), 1_000).unwrap().found {
                    let kind = KINDS.iter().position(|k| **k == *next.link.kind).unwrap();
                    let weight = expected.remove(&(of, kind, next.entity));
                    assert_eq!(weight, Some(next.link.weight));
                    model.edges.insert(next.link.id, (of, kind, next.entity, next.link.weight));
                }
            }
            assert!(expected.is_empty(), "{expected:?}");
        }
        Step::Checkpoint => db.checkpoint().unwrap(),
        Step::Rebuild => db.rebuild(&mut |_, _| {}).unwrap(),
        Step::Reopen => unreachable!("seen to by the caller"),
    }
}

/// Filters of properties and searches for words find what the rows say.
fn check_nodes(graph: &Graph, model: &Model) {
    let mut nodes = Vec::new();
    graph
        .for_each_node(|node| {
            nodes.push(node);
            Ok(true)
        })
        .unwrap();
    for rank in 0..4_u64 {
        let expected = |is: &dyn Fn(u64) -> bool| {
            let ranked = |node: &&Node| node.properties["rank"].as_u64().is_some_and(is);
            nodes.iter().filter(ranked).map(|node| node.id).collect::<BTreeSet<_>>()
        };
        let found = |filter: String| {
            let mut pattern = GraphPattern::new();
            pattern.matching(filter.parse().unwrap());
            let found = graph.find(&pattern, 1_000).unwrap();
            let scanned = found.filters[0].as_ref().unwrap().scanned_rows;
            assert!(scanned == 0 || !model.is_declared, "{filter} read {scanned} rows");
            let node = |entity: Entity| match entity {
                Entity::Node(id) => id,
                Entity::Memory(_) => panic!("no memory has a rank"),
            };
            found.rows.iter().map(|row| node(row.entities[0])).collect::<BTreeSet<_>>()
        };
        assert_eq!(found(format!("meta.rank = {rank}")), expected(&|is| is == rank));
        assert_eq!(found(format!("meta.rank >= {rank}")), expected(&|is| is >= rank));
        let words = NodeSearch::new(WORDS[rank as usize]).limit(1_000);
        let found = graph.search(&words).unwrap().into_iter().map(|found| found.node.id);
        let said = if model.is_declared { expected(&|is| is == rank) } else { BTreeSet::new() };
        assert_eq!(found.collect::<BTreeSet<_>>(), said);
    }
    for (name, id) in &model.names {
        let found = graph.search(&NodeSearch::new(&**name)).unwrap();
        assert!(found.iter().any(|found| found.node.id == *id), "{name} is not found by its name");
    }
}

fn check(db: &Db, model: &Model) {
    let graph = db.graph("default").read().unwrap();
    for (name, id) in &model.names {
        assert_eq!(graph.node(&**name).unwrap().map(|node| node.id), Some(*id));
    }
    for of in model.entities() {
        for direction in [Direction::Out, Direction::In, Direction::Both] {
            let follow = Follow::new().direction(direction);
            let found = graph.neighbours(of, &follow, 1_000).unwrap().found;
            let found: BTreeSet<_> = found.iter().map(|n| (n.link.id, n.entity)).collect();
            assert_eq!(found, model.next(of, direction), "next to {of}, {direction:?}");
        }
        let hops = model.hops(of);
        for to in model.entities() {
            let path = graph.shortest_path(of, to, &Follow::new()).unwrap();
            let expected = hops.get(&to).copied();
            // What was never joined to anything has no place to be found at.
            assert!(path.is_some() || expected.is_none_or(|hops| hops == 0), "{of} to {to}");
            assert!(
                path.is_none() || path.map(|path| path.links.len()) == expected,
                "{of} to {to}"
            );
        }
    }
    check_nodes(&graph, model);
    let stats = db.stats().unwrap();
    assert_eq!(stats.edges, model.edges.len() as u64);
    assert_eq!(stats.nodes, model.names.values().collect::<BTreeSet<_>>().len() as u64);
    let report = db.verify(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}

/// What is kept is what is found anew: by a request that says the same in other words.
fn check_kept(db: &Db, model: &Model, step: usize) {
    let graph = db.graph("default").read().unwrap();
    let of = |nodes: &str, edges: &str, never: usize| {
        let or_never = |filter: &str| {
            let term = if never == 0 { String::new() } else { format!(" or meta.never = {never}") };
            format!("{filter}{term}").parse().unwrap()
        };
        let follow =
            if nodes.is_empty() { Follow::new() } else { Follow::new().filter(or_never(nodes)) };
        if edges.is_empty() { follow } else { follow.edge_filter(or_never(edges)) }
    };
    for (nodes, edges) in
        [("", ""), ("meta.rank > 1", ""), ("", "kind = likes"), ("meta.rank > 0", "kind = knows")]
    {
        for when in [When::Now, When::Any] {
            let follow = of(nodes, edges, 0).when(when);
            let anew = of(nodes, edges, step + 1).when(when).max_work(1_000_000 + step as u64);
            for of in model.entities() {
                let around =
                    |follow: &Follow| graph.subgraph(&[of.into()], 2, follow, 1_000).unwrap();
                assert_eq!(around(&follow), around(&anew), "around {of}, {follow:?}");
            }
            let all = |follow: &Follow| {
                let all = graph.project(follow, Orientation::Directed, EdgeWeight::Weight).unwrap();
                (all.entities().to_vec(), all.projection().clone())
            };
            assert_eq!(all(&follow), all(&anew), "{follow:?}");
            assert_eq!(all(&follow), all(&anew), "{follow:?}, again");
        }
    }
    let stats = db.stats().unwrap().graph_answers;
    assert!(stats.bytes <= stats.limit_bytes && stats.hits > 0, "{stats:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_graph_is_what_a_map_of_edges_says(
        steps in prop::collection::vec(step(), 1..60),
        // Held whatever it takes, read from rows, or as it comes.
        graph_bytes in prop_oneof![Just(1 << 30), Just(0), 1_000..20_000_u64],
    ) {
        let options = || Options::new().graph_bytes(graph_bytes).graph_cache_bytes(100_000);
        let open = |path| options().open(path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.lith");
        let mut db = open(&path);
        let mut model = Model::default();
        for (at, step) in steps.iter().enumerate() {
            if matches!(step, Step::Reopen) {
                drop(db);
                db = open(&path);
                check(&db, &model);
            } else {
                apply(&db, &mut model, step);
            }
            if at % 3 == 0 && !model.entities().is_empty() {
                check_kept(&db, &model, at);
            }
        }
        check(&db, &model);
    }
}
