//! Walks over the graph of a View.

use memlith::analytics::{EdgeWeight, Orientation};
use memlith::{
    Cancellation, Clock, Cost, CutShort, Db, Direction, Entity, EntityRef, ErrorKind, Filter,
    Follow, GraphPattern, NewEdge, NewMemory, NewNode, NodeSearch, Options, Projected, Related,
    When,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// a -> b -> c -> d by `next`, a -> d by a heavy `jump`, and a memory that mentions c.
fn chain() -> (Db, Entity) {
    let db = Options::new().in_memory().unwrap();
    let graph = db.graph("n");
    let node = |name: &str, kind: &str| NewNode::new(name).kind(kind);
    graph
        .upsert_nodes(vec![node("a", "end"), node("b", "way"), node("c", "way"), node("d", "end")])
        .unwrap();
    let seen = db.remember(NewMemory::new("c was seen").namespace("n")).unwrap();
    graph
        .upsert_edges(vec![
            NewEdge::new("a", "next", "b"),
            NewEdge::new("b", "next", "c"),
            NewEdge::new("c", "next", "d"),
            NewEdge::new("a", "jump", "d").weight(10.0),
            NewEdge::new(seen, "mentions", "c").weight(0.5),
        ])
        .unwrap();
    (db, seen.into())
}

fn names(db: &Db, entities: &[Entity]) -> String {
    let graph = db.graph("n").read().unwrap();
    let name = |entity: &Entity| match entity {
        Entity::Node(id) => graph.node(*id).unwrap().unwrap().external_id,
        Entity::Memory(_) => "m".into(),
    };
    entities.iter().map(name).collect()
}

#[test]
fn neighbours_follow_direction_kind_weight_and_filter() {
    let (db, seen) = chain();
    let graph = db.graph("n").read().unwrap();
    let around = |follow: Follow, limit| {
        let found = graph.neighbours("c", &follow, limit).unwrap();
        let entities: Vec<_> = found.found.iter().map(|next| next.entity).collect();
        (names(&db, &entities), found.cut)
    };
    let both = || Follow::new().direction(Direction::Both);
    assert_eq!(around(Follow::new(), 9), ("d".into(), None));
    assert_eq!(around(both(), 9), ("dbm".into(), None));
    assert_eq!(around(both(), 2), ("db".into(), Some(CutShort::Results)));
    assert_eq!(around(both().kinds(["mentions", "unheard of"]), 9).0, "m");
    assert_eq!(around(both().kinds(["unheard of"]), 9).0, "");
    assert_eq!(around(both().min_weight(0.6), 9).0, "db");
    assert_eq!(around(both().filter(Filter::kind("way")), 9).0, "b");
    assert_eq!(around(both().edge_filter(Filter::kind("mentions")), 9).0, "m");
    let of_memory = graph.neighbours(seen, &Follow::new(), 9).unwrap();
    assert_eq!(names(&db, &[of_memory.found[0].entity]), "c");
}

#[test]
fn paths_are_shortest_by_steps_or_by_cost() {
    let (db, _) = chain();
    let graph = db.graph("n").read().unwrap();
    let shortest = graph.shortest_path("a", "d", &Follow::new()).unwrap().unwrap();
    assert_eq!((names(&db, &shortest.entities), &*shortest.links[0].kind), ("ad".into(), "jump"));
    let cheapest = graph.cheapest_path("a", "d", &Follow::new(), Cost::Weight).unwrap().unwrap();
    assert_eq!((names(&db, &cheapest.path.entities), cheapest.cost), ("abcd".into(), 3.0));
    let all = graph.all_paths("a", "d", 5, &Follow::new(), 10).unwrap();
    let all: Vec<_> = all.found.iter().map(|path| names(&db, &path.entities)).collect();
    assert_eq!(all, ["ad", "abcd"]);
    assert_eq!(graph.shortest_path("d", "a", &Follow::new()).unwrap(), None);
    let narrow = Follow::new().kinds(["next"]).max_work(1);
    let refused = graph.shortest_path("a", "d", &narrow).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
    let deep = graph.all_paths("a", "d", 65, &Follow::new(), 10).unwrap_err();
    assert_eq!(deep.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn related_and_subgraph_reach_as_far_as_they_are_told() {
    let (db, seen) = chain();
    let graph = db.graph("n").read().unwrap();
    let both = Follow::new().direction(Direction::Both);
    let near = Related::to([EntityRef::from(seen)]).follow(both.clone()).depth(2).with_paths();
    let near = graph.related(&near).unwrap();
    let scores: Vec<_> =
        near.found.iter().map(|one| (names(&db, &[one.entity]), one.score, one.hops)).collect();
    assert_eq!(scores, [("c".into(), 0.5, 1), ("b".into(), 0.25, 2), ("d".into(), 0.25, 2)]);
    assert_eq!(names(&db, &near.found[1].path.as_ref().unwrap().entities), "mcb");
    let weighted = Related::to([EntityRef::from(seen)]).follow(both.clone()).weighted().limit(1);
    assert_eq!(graph.related(&weighted).unwrap().found[0].score, 0.25);
    let part = graph.subgraph(&["b".into()], 1, &both, 10).unwrap();
    let entities: Vec<_> = part.entities.iter().map(|(entity, _)| *entity).collect();
    assert_eq!((names(&db, &entities), part.links.len(), part.cut), ("abc".into(), 2, None));
}

#[test]
fn an_edge_is_followed_only_while_it_holds() {
    let db = Options::new().in_memory().unwrap();
    let graph = db.graph("n");
    graph.upsert_nodes(["p", "q", "r"].map(NewNode::new).to_vec()).unwrap();
    graph
        .upsert_edges(vec![
            NewEdge::new("p", "lives_in", "q").until_ms(1_000),
            NewEdge::new("p", "lives_in", "r").from_ms(1_000),
        ])
        .unwrap();
    let graph = graph.read().unwrap();
    let at = |when| {
        let found = graph.neighbours("p", &Follow::new().when(when), 9).unwrap().found;
        names(&db, &found.iter().map(|next| next.entity).collect::<Vec<_>>())
    };
    assert_eq!(at(When::At(999)), "q");
    assert_eq!(at(When::At(1_000)), "r");
    assert_eq!(at(When::Now), "r");
    assert_eq!(at(When::Any), "qr");
}

#[test]
fn patterns_find_what_looks_like_them_and_say_how() {
    let (db, _) = chain();
    let graph = db.graph("n").read().unwrap();
    let mut pattern = GraphPattern::new();
    let ends = [0, 1].map(|_| pattern.matching(Filter::kind("end")));
    let [way, seen] = [0, 1].map(|_| pattern.any());
    pattern.edge(way, ends[1], Follow::new().kinds(["next"]));
    pattern.edge(seen, way, Follow::new().kinds(["mentions"]));
    pattern.edge(ends[0], ends[1], Follow::new());
    let matches = graph.find(&pattern, 10).unwrap();
    let rows: Vec<_> = matches.rows.iter().map(|row| names(&db, &row.entities)).collect();
    assert_eq!((rows.as_slice(), matches.steps.len()), (["adcm".to_owned()].as_slice(), 4));
    let mut apart = GraphPattern::new();
    apart.any();
    apart.any();
    assert_eq!(graph.find(&apart, 1).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(graph.find(&GraphPattern::new(), 1).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_projection_has_nodes_and_what_is_joined_and_results_go_back() {
    use memlith::analytics::degrees;
    let (db, seen) = chain();
    let alone = db.remember(NewMemory::new("alone").namespace("n")).unwrap();
    let graph = db.graph("n");
    let edge = graph.upsert_edge(NewEdge::new(alone, "mentions", "c")).unwrap().id();
    let count = |expected: &[&str]| {
        let read = db.graph("n").read().unwrap();
        let all = read.project(&Follow::new(), Orientation::Directed, EdgeWeight::One).unwrap();
        let mut found: Vec<_> = all.entities().iter().map(|e| names(&db, &[*e])).collect();
        found.sort();
        assert_eq!(found, expected);
        all
    };
    count(&["a", "b", "c", "d", "m", "m"]);
    assert!(graph.delete_edge(edge).unwrap());
    let all = count(&["a", "b", "c", "d", "m"]);
    assert!(all.entities().contains(&seen));
    let degrees: Vec<_> = degrees(all.projection()).iter().map(|d| d.out + d.incoming).collect();
    let results = all.of_nodes(degrees).map(|(node, degree)| (node, degree.into()));
    assert_eq!(db.write(|tx| tx.graph("n").write_property("degree", results)).unwrap(), 4);
    let c = graph.read().unwrap().node("c").unwrap().unwrap();
    assert_eq!(c.properties["degree"], 3);
    let busy: Filter = "meta.degree >= 3".parse().unwrap();
    let follow = Follow::new().filter(busy);
    let next = graph.read().unwrap().neighbours("b", &follow, 9).unwrap();
    assert_eq!(next.found.len(), 1);
}

/// A clock that stands still until it is set.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn a_kept_subgraph_ends_with_what_it_depends_on() {
    let hand = Hand(Arc::new(AtomicI64::new(1_000)));
    let options = Options::new().threads(false).graph_cache_bytes(1 << 20).clock(hand.clone());
    let db = options.in_memory().unwrap();
    let graph = db.graph("n");
    graph.upsert_nodes(["a", "b", "c"].map(NewNode::new).to_vec()).unwrap();
    graph.upsert_edge(NewEdge::new("a", "is", "b").from_ms(2_000).until_ms(3_000)).unwrap();
    let around = |follow: &Follow| {
        let hits = db.stats().unwrap().graph_answers.hits;
        let read = db.graph("n").read().unwrap();
        let found = read.subgraph(&["a".into()], 2, follow, 10).unwrap();
        let is_kept = db.stats().unwrap().graph_answers.hits > hits;
        (found.entities.len(), is_kept)
    };
    let at = |now_ms| {
        hand.0.store(now_ms, Ordering::Relaxed);
        around(&Follow::new())
    };
    assert_eq!((at(1_500), at(1_999)), ((1, false), (1, true)));
    assert_eq!((at(2_000), at(2_999)), ((2, false), (2, true)));
    assert_eq!((at(3_000), at(9_000)), ((1, false), (1, true)));
    assert_eq!(around(&Follow::new().when(When::At(2_500))), (2, false));
    // A deadline does not change an answer, nor does a memory that nothing asks about.
    db.remember(NewMemory::new("nothing of it").namespace("n")).unwrap();
    let hurried = Follow::new().deadline(Duration::from_mins(1));
    assert_eq!(around(&hurried), (1, true));
    let of_memories = Follow::new().filter("content contains nothing".parse().unwrap());
    assert_eq!((around(&of_memories).1, around(&of_memories).1), (false, true));
    let seen = NewMemory::new("a was seen").namespace("n").expires_ms(20_000);
    let seen = db.remember(seen).unwrap();
    assert!(!around(&of_memories).1);
    graph.upsert_edge(NewEdge::new("a", "in", seen)).unwrap();
    assert_eq!((at(10_000), at(19_999)), ((2, false), (2, true)));
    assert_eq!((at(20_000), at(30_000)), ((1, false), (1, true)));
    // What moves with time, or was cut short, is asked anew.
    let recent = Follow::new().filter("created > now-1d".parse().unwrap());
    assert_eq!((around(&recent).1, around(&recent).1), (false, false));
    let short = Follow::new().when(When::Any).max_work(0);
    assert_eq!((around(&short).1, around(&short).1), (false, false));
    graph.upsert_node(NewNode::new("c").kind("other")).unwrap();
    assert_eq!((around(&Follow::new()).1, around(&Follow::new()).1), (false, true));
    let stats = db.stats().unwrap().graph_answers;
    assert!(stats.answers > 0 && stats.bytes > 0 && stats.bytes <= stats.limit_bytes);
}

#[test]
fn who_cancelled_a_graph_gets_no_part_of_an_answer() {
    let db = Options::new().threads(false).in_memory().unwrap();
    db.graph("n").upsert_nodes(["a", "b"].map(NewNode::new).to_vec()).unwrap();
    db.graph("n").upsert_edge(NewEdge::new("a", "is", "b")).unwrap();
    let cancellation = Cancellation::new();
    let graph = db.graph("n").read().unwrap().cancellation(&cancellation);
    let follow = &Follow::new();
    let filtered = &Follow::new().filter("kind:other".parse().unwrap());
    let mut pattern = GraphPattern::new();
    let (some, other) = (pattern.any(), pattern.any());
    pattern.edge(some, other, Follow::new());
    let ask = || {
        [
            graph.neighbours("a", follow, 9).map(drop),
            graph.neighbours("a", filtered, 9).map(drop),
            graph.related(&Related::to(["a"])).map(drop),
            graph.subgraph(&["a".into()], 1, follow, 9).map(drop),
            graph.shortest_path("a", "b", follow).map(drop),
            graph.cheapest_path("a", "b", follow, Cost::Weight).map(drop),
            graph.all_paths("a", "b", 3, follow, 9).map(drop),
            graph.find(&pattern, 9).map(drop),
            graph.project(follow, Orientation::Directed, EdgeWeight::One).map(drop),
            graph.search(&NodeSearch::new("a")).map(drop),
            graph.check_cancelled(),
        ]
    };
    assert!(ask().iter().all(Result::is_ok));
    cancellation.cancel();
    for (which, answer) in ask().into_iter().enumerate() {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Cancelled, "{which}");
    }
    assert!(db.graph("n").read().unwrap().related(&Related::to(["a"])).is_ok());
}

#[test]
fn a_kept_projection_is_the_same_one() {
    let db = Options::new().threads(false).graph_cache_bytes(1 << 20).in_memory().unwrap();
    db.graph("n").upsert_nodes(["a", "b"].map(NewNode::new).to_vec()).unwrap();
    db.graph("n").upsert_edge(NewEdge::new("a", "is", "b")).unwrap();
    let project = |weight| {
        let read = db.graph("n").read().unwrap();
        read.project(&Follow::new(), Orientation::Directed, weight).unwrap()
    };
    let first = project(EdgeWeight::One);
    assert!(std::ptr::eq(first.projection(), project(EdgeWeight::One).projection()));
    assert!(!std::ptr::eq(first.projection(), project(EdgeWeight::Weight).projection()));
    let analyses = std::cell::Cell::new(0);
    let count = |name: &str| {
        let analyse = |all: &Projected| {
            analyses.set(analyses.get() + 1);
            Ok::<_, memlith::Error>(all.projection().edge_count().into())
        };
        let (read, how) = (db.graph("n").read().unwrap(), (Orientation::Directed, EdgeWeight::One));
        let found = read.analysed(&Follow::new(), how.0, how.1, name, analyse).unwrap();
        (found.as_u64(), analyses.get())
    };
    assert_eq!((count("edges"), count("edges")), ((Some(1), 1), (Some(1), 1)));
    assert_eq!(count("other"), (Some(1), 2));
    db.graph("n").upsert_edge(NewEdge::new("b", "is", "a")).unwrap();
    assert_eq!(count("edges"), (Some(2), 3));
    assert_eq!(project(EdgeWeight::One).projection().edge_count(), 2);
    assert_eq!(first.projection().edge_count(), 1);
}
