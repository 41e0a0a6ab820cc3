//! Recall through the graph: what is joined to hits counts.

use memlith::{
    Db, EdgePatch, Filter, Leg, LegOutcome, MemoryId, NewEdge, NewMemory, NewNode, Options, Recall,
    Recalled,
};

/// A hit, one that shares a node of two with it, one of a node of twelve, and one that is joined to nothing.
fn place() -> Db {
    let db = Options::new().in_memory().unwrap();
    db.write(|tx| {
        let mut remember =
            |content: String| tx.remember(NewMemory::new(content).namespace("n").kind("note"));
        let hit = remember("the ferry to Calais".into())?;
        let near = remember("it cost eighty pounds".into())?;
        let crowd: Vec<MemoryId> =
            (0..11).map(|n| remember(format!("Ada said thing {n}"))).collect::<Result<_, _>>()?;
        remember("nothing to do with it".into())?;
        let mut graph = tx.graph("n");
        graph.upsert_nodes(["trip", "ada"].map(NewNode::new).to_vec())?;
        for (memory, node) in [(hit, "trip"), (near, "trip"), (hit, "ada")] {
            graph.upsert_edge(NewEdge::new(memory, "about", node))?;
        }
        for memory in crowd {
            graph.upsert_edge(NewEdge::new(memory, "about", "ada"))?;
        }
        Ok(())
    })
    .unwrap();
    db
}

fn ask() -> Recall {
    Recall::new().text("ferry").namespace("n").limit(20).explain(true)
}

fn contents(answer: &Recalled) -> Vec<&str> {
    answer.hits.iter().map(|hit| &*hit.memory.content).collect()
}

#[test]
fn what_shares_a_node_with_few_others_is_found_first_and_says_how() {
    let db = place();
    assert_eq!(contents(&db.recall(&ask()).unwrap()), ["the ferry to Calais"]);
    let answer = db.recall(&ask().neighbourhood(0.5)).unwrap();
    let found = contents(&answer);
    assert_eq!(found[..2], ["the ferry to Calais", "it cost eighty pounds"]);
    assert_eq!(found.len(), 13, "all but the one that is joined to nothing");
    let explained = |at: usize| answer.hits[at].explanation.as_ref().unwrap();
    let joined = explained(1).joined.as_ref().unwrap();
    let hit = answer.hits[0].memory.id;
    let near = answer.hits[1].memory.id;
    assert_eq!(joined.names, [format!("memory:{hit}"), "trip".into(), format!("memory:{near}")]);
    assert_eq!(joined.path.links.len(), 2);
    assert!(explained(0).joined.is_none(), "nothing goes back to where it came from");
    let part = |at: usize| {
        let legs = &explained(at).legs;
        legs.iter().find(|leg| leg.leg == Leg::Neighbourhood).map_or(0.0, |leg| leg.normalised)
    };
    // Half of a half each way, and then all of it or an eleventh.
    assert!((part(1) - 1.0).abs() < 1e-6 && (part(2) - 1.0 / 11.0).abs() < 1e-6);
    let leg = answer.legs.iter().find(|leg| leg.leg == Leg::Neighbourhood).unwrap();
    assert_eq!(leg.outcome, LegOutcome::Ran { candidates: 12 });
}

#[test]
fn only_what_is_in_scope_receives_and_hands_on_and_only_over_what_holds() {
    let db = place();
    let answer = db.recall(&ask().neighbourhood(1.0).filter(Filter::kind("note"))).unwrap();
    assert_eq!(answer.hits.len(), 13);
    let near = answer.hits[1].memory.id;
    // A chain of memories: the one in the middle leaves the scope.
    let [middle, end] = ["middle", "end"].map(|kind| {
        db.remember(NewMemory::new(format!("the {kind}")).namespace("n").kind(kind)).unwrap()
    });
    let graph = db.graph("n");
    let chain = vec![NewEdge::new(near, "then", middle), NewEdge::new(middle, "then", end)];
    graph.upsert_edges(chain).unwrap();
    let found = |filter: &str| {
        let request = ask().neighbourhood(1.0).filter(filter.parse().unwrap());
        let answer = db.recall(&request).unwrap();
        answer.hits.iter().map(|hit| hit.memory.id).collect::<Vec<_>>()
    };
    assert!(found("all").contains(&middle));
    assert!(!found("kind != middle").contains(&middle));
    // From the hit over trip and near to the middle is three steps; the end is beyond.
    assert!(!found("all").contains(&end));
    graph.upsert_edge(NewEdge::new(answer.hits[0].memory.id, "then", middle)).unwrap();
    assert!(found("all").contains(&end));
    assert!(!found("kind != middle").contains(&end), "through what is not in scope");
    let edges = db.read().unwrap().graph("n");
    let to_end = edges.neighbours(middle, &memlith::Follow::new(), 9).unwrap().found;
    let to_end = to_end.iter().find(|next| next.entity == end.into()).unwrap().link.id;
    let is_over = EdgePatch::new().until_ms(1);
    db.write(|tx| tx.graph("n").update_edge(to_end, &is_over)).unwrap();
    assert!(!found("all").contains(&end), "over an edge that holds no more");
}

#[test]
fn without_edges_or_something_to_look_for_it_does_not_run_and_changes_nothing() {
    let db = Options::new().in_memory().unwrap();
    db.remember(NewMemory::new("the ferry")).unwrap();
    let plain = db.recall(&Recall::new().text("ferry")).unwrap();
    let asked = db.recall(&Recall::new().text("ferry").neighbourhood(1.0)).unwrap();
    assert_eq!(contents(&asked), contents(&plain));
    assert_eq!(asked.hits[0].score, plain.hits[0].score, "the score of the one leg that ran");
    let outcomes = |answer: &Recalled| answer.legs.last().unwrap().outcome.clone();
    assert!(matches!(outcomes(&asked), LegOutcome::NotRun { why } if why.contains("joined")));
    let db = place();
    let all = db.recall(&Recall::new().neighbourhood(1.0)).unwrap();
    assert!(matches!(outcomes(&all), LegOutcome::NotRun { why } if why.contains("looked for")));
    assert!(db.recall(&ask().neighbourhood(-1.0)).is_err());
}
