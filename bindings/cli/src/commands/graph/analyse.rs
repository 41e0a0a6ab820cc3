//! `memlith graph rank`, `communities` and `stats`: the graph as a whole.

use super::{Following, Place};
use crate::output::table::{grouped, number, pairs, printable, table};
use crate::output::{Bar, Console, Failure, Outcome};
use clap::{Args, ValueEnum};
use memlith::analytics::{
    Betweenness, EdgeWeight, Leiden, Orientation, PageRank, Projection, Run, betweenness,
    core_numbers, degrees, leiden, page_rank, weak_components,
};
use memlith::{Db, Follow, Graph, Projected, When};
use memlith_json::Names;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How nodes are ranked.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// By who is pointed to by whom
    Pagerank,
    /// By the number of edges
    Degree,
    /// By how many shortest paths lead through them
    Betweenness,
    /// By how densely joined a part they are in
    Core,
}

const RANK_HELP: &str = "\
Examples:
  memlith graph rank agent.lith --limit 20
  memlith graph rank agent.lith --by betweenness --kind cites --direction out
  memlith graph rank agent.lith --by pagerank --write rank";

/// Rank nodes and memories by how they are joined
#[derive(Debug, Args)]
#[command(after_help = RANK_HELP)]
pub(super) struct Rank {
    #[command(flatten)]
    place: Place,

    #[command(flatten)]
    following: Following,

    /// By what
    #[arg(long, value_name = "HOW", default_value = "pagerank")]
    by: By,

    /// Answers at most
    #[arg(long, short, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Write the result into this property of every node
    #[arg(long, value_name = "PROPERTY")]
    write: Option<String>,
}

impl Rank {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (db, graph) = open(&self.place, self.write.is_some())?;
        let all =
            graph.project(&self.following.follow()?, Orientation::Directed, EdgeWeight::Weight)?;
        let scores = scores(all.projection(), self.by)?;
        if let Some(property) = &self.write {
            write_back(&db, &self.place, &all, property, scores.iter().map(|score| json!(score)))?;
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let mut rows = table(["node", "score"]);
        let mut names = Names::of(&graph);
        for place in order.into_iter().take(self.limit) {
            let (name, score) = (names.get(all.entities()[place])?, scores[place]);
            if console.is_json() {
                console.json(&json!({ "id": name, "score": score }))?;
            } else {
                rows.add_row([printable(&name).into(), number(format!("{score:.6}"))]);
            }
        }
        if console.is_json() { Ok(()) } else { console.line(rows.trim_fmt()) }
    }
}

fn scores(projection: &Projection, by: By) -> Outcome<Vec<f64>> {
    analysed(|run| {
        Ok(match by {
            By::Pagerank => page_rank(projection, &PageRank::default(), run)?.ranks,
            By::Degree => degrees(projection)
                .iter()
                .map(|d| f64::from(d.incoming) + f64::from(d.out))
                .collect(),
            By::Betweenness => betweenness(projection, &Betweenness::default(), run)?,
            By::Core => core_numbers(projection, run)?.into_iter().map(f64::from).collect(),
        })
    })
}

const COMMUNITIES_HELP: &str = "\
Examples:
  memlith graph communities agent.lith
  memlith graph communities agent.lith --resolution 2 --write community";

/// Find groups of nodes and memories that hang together (Leiden)
#[derive(Debug, Args)]
#[command(after_help = COMMUNITIES_HELP)]
pub(super) struct CommunitiesArgs {
    #[command(flatten)]
    place: Place,

    #[command(flatten)]
    following: Following,

    /// Above one for smaller communities, below for larger ones
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    resolution: f64,

    /// What choices are drawn by
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Answers at most
    #[arg(long, short, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Write the number of its community into this property of every node
    #[arg(long, value_name = "PROPERTY")]
    write: Option<String>,
}

/// Members of a community that are shown.
const SHOWN: usize = 5;

impl CommunitiesArgs {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        if !(self.resolution > 0.0 && self.resolution.is_finite()) {
            return Err(Failure::Usage("--resolution must be above 0".into()));
        }
        let (db, graph) = open(&self.place, self.write.is_some())?;
        let follow = self.following.follow()?;
        let all = graph.project(&follow, Orientation::Undirected, EdgeWeight::Weight)?;
        let how = Leiden { resolution: self.resolution, seed: self.seed, ..Leiden::default() };
        let found = analysed(|run| leiden(all.projection(), &how, run))?;
        if let Some(property) = &self.write {
            write_back(
                &db,
                &self.place,
                &all,
                property,
                found.communities.iter().map(|c| json!(c)),
            )?;
        }
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, community) in found.communities.iter().enumerate() {
            members.entry(*community).or_default().push(place);
        }
        let mut largest: Vec<_> = members.into_iter().collect();
        largest.sort_by_key(|(community, members)| (std::cmp::Reverse(members.len()), *community));
        let mut rows = table(["community", "members", "such as"]);
        let mut names = Names::of(&graph);
        for (community, members) in largest.into_iter().take(self.limit) {
            let some = members.iter().take(SHOWN).map(|at| names.get(all.entities()[*at]));
            let some = some.collect::<memlith::Result<Vec<_>>>()?;
            let count = members.len();
            if console.is_json() {
                console.json(&json!({ "community": community, "members": count, "some": some }))?;
            } else {
                let count = number(grouped(count as u64));
                let some = printable(&some.join(", "));
                rows.add_row([number(community.to_string()), count, some.into()]);
            }
        }
        if console.is_json() {
            return console.json(&json!({ "count": found.count, "modularity": found.modularity }));
        }
        console.line(rows.trim_fmt())?;
        let (count, modularity) = (found.count, found.modularity);
        console.line(format_args!("{count} communities, modularity {modularity:.4}"))
    }
}

const STATS_HELP: &str = "\
Examples:
  memlith graph stats agent.lith
  memlith graph stats agent.lith --namespace ada --json";

/// Show how many nodes and edges there are, of which kinds, and how they hang together
#[derive(Debug, Args)]
#[command(after_help = STATS_HELP)]
pub(super) struct StatsArgs {
    #[command(flatten)]
    place: Place,
}

impl StatsArgs {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        let (mut nodes, mut kinds) = (0_u64, BTreeMap::<String, u64>::new());
        graph.for_each_node(|_| {
            nodes += 1;
            Ok(true)
        })?;
        let mut edges = 0_u64;
        graph.for_each_edge(|edge| {
            edges += 1;
            *kinds.entry(edge.kind.to_string()).or_default() += 1;
            Ok(true)
        })?;
        let follow = Follow::new().when(When::Any);
        let all = graph.project(&follow, Orientation::Undirected, EdgeWeight::One)?;
        let found = analysed(|run| weak_components(all.projection(), run))?;
        let components = found.iter().collect::<std::collections::BTreeSet<_>>().len();
        if console.is_json() {
            return console.json(&json!({
                "nodes": nodes, "edges": edges, "components": components, "edge_kinds": kinds,
            }));
        }
        let mut rows = vec![
            ("nodes".to_owned(), grouped(nodes)),
            ("edges".to_owned(), grouped(edges)),
            ("components".to_owned(), grouped(components as u64)),
        ];
        rows.extend(
            kinds.into_iter().map(|(kind, n)| (format!("edges {}", printable(&kind)), grouped(n))),
        );
        console.line(pairs(rows).trim_fmt())
    }
}

/// The graph, in a file that is opened for what is to be done with it.
fn open(place: &Place, is_to_change: bool) -> Outcome<(Db, Graph)> {
    if !is_to_change {
        return place.read();
    }
    let db = crate::commands::open_to_change(&place.store.file)?;
    let graph = db.read()?.graph(&*place.namespace);
    Ok((db, graph))
}

/// Runs an analysis on all cores, with a bar.
fn analysed<T>(
    work: impl FnOnce(&mut Run<'_>) -> Result<T, memlith::analytics::Cancelled>,
) -> Outcome<T> {
    let bar = Bar::over_steps();
    let mut progress = |part: f64| {
        bar.step("analysed, per mille", (part * 1_000.0) as u64, 1_000);
        true
    };
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let done = work(&mut Run::new(threads, &mut progress));
    done.map_err(|e| Failure::Incomplete(e.to_string()))
}

/// Nodes that one transaction writes.
const BATCH: usize = 20_000;

fn write_back(
    db: &Db,
    place: &Place,
    all: &Projected,
    property: &str,
    results: impl Iterator<Item = Value>,
) -> Outcome {
    let results: Vec<Value> = results.collect();
    let values: Vec<_> = all.of_nodes(results).collect();
    for batch in values.chunks(BATCH) {
        db.write(|tx| tx.graph(&*place.namespace).write_property(property, batch.iter().cloned()))?;
    }
    Ok(())
}
