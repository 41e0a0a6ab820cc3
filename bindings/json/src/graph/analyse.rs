//! Analyses of a graph as a whole, as objects.
//!
//! **Invariant:** values stand in the order of `nodes`; a distance that there is none of is null.

use super::follow::FollowJson;
use super::{GraphError, Names, entity_ref};
use memlith::analytics::{
    self, Betweenness, Cancelled, Communities, EdgeWeight, Eigenvector, Leiden, Orientation,
    PageRank, Projection, Run, UNREACHED,
};
use memlith::{Entity, Graph, Projected};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    what: What,
    /// What only this analysis has.
    #[serde(default)]
    with: Map<String, Value>,
    #[serde(default)]
    follow: FollowJson,
    #[serde(default)]
    orientation: OrientationJson,
    #[serde(default)]
    weight: WeightJson,
    threads: Option<usize>,
    deadline_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Degrees,
    PageRank,
    Eigenvector,
    Closeness,
    Betweenness,
    Components,
    Communities,
    LabelPropagation,
    Cdlp,
    Cores,
    Triangles,
    Clustering,
    Hops,
    Distances,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OrientationJson {
    #[default]
    Directed,
    Undirected,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WeightJson {
    #[default]
    Weight,
    One,
}

/// Analyses a graph: `{"what": "page_rank", "with": {"damping": 0.85}, "follow": {…}, "orientation":
/// "directed", "weight": "weight", "threads": 2, "deadline_ms": 1000}`, of which only `what` must be there.
///
/// | what | with |
/// |---|---|
/// | `degrees`, `closeness`, `cores`, `triangles`, `clustering` | |
/// | `page_rank` | `damping`, `max_rounds`, `tolerance`, `weighted`, `restart` (`{name: share}`) |
/// | `eigenvector` | `max_rounds`, `tolerance`, `weighted` |
/// | `betweenness` | `sources`, `seed`, `weighted`, `normalized` |
/// | `components` | `strong` |
/// | `communities` | `resolution`, `randomness`, `max_rounds`, `seed` |
/// | `label_propagation` | `max_rounds`, `seed` |
/// | `cdlp` | `rounds` |
/// | `hops`, `distances` | `source` (a name) |
///
/// One that was asked before is not made again as long as it is kept (`graph_cache_bytes`).
///
/// The answer is `{"nodes": [name, …], "values": [number, …], …}`, with what else there is to say.
/// `progress` hears which part is done, from zero to one, and says whether to go on.
///
/// # Errors
/// What is wrong with the request, or what the engine says; [`GraphError::Stopped`] if it was stopped.
pub fn analyse(
    graph: &Graph,
    request: Value,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<Value, GraphError> {
    let asked: Asked = serde_json::from_value(request)?;
    let until =
        asked.deadline_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
    let orientation = match asked.orientation {
        OrientationJson::Directed => Orientation::Directed,
        OrientationJson::Undirected => Orientation::Undirected,
    };
    let weight = match asked.weight {
        WeightJson::Weight => EdgeWeight::Weight,
        WeightJson::One => EdgeWeight::One,
    };
    let threads =
        asked.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, Into::into));
    let mut go_on = |part: f64| {
        until.is_none_or(|until| Instant::now() < until)
            && graph.check_cancelled().is_ok()
            && progress(part)
    };
    let Asked { what, with, follow, .. } = asked;
    // Results are the same with any number of threads.
    let name = format!("{what:?} {}", Value::Object(with.clone()));
    let answer = graph.analysed(&follow.read()?, orientation, weight, name, |all| {
        let place = |name: &str| place_of(graph, all, name);
        let mut answer = run(what, with, all.projection(), place, Run::new(threads, &mut go_on))?;
        let names = &mut Names::of(graph);
        let nodes = all.entities().iter().map(|entity| names.get(*entity));
        answer.insert("nodes".into(), json!(nodes.collect::<memlith::Result<Vec<_>>>()?));
        Ok::<_, GraphError>(Value::Object(answer))
    });
    if let Err(GraphError::Stopped) = answer {
        graph.check_cancelled()?;
    }
    answer.map(Arc::unwrap_or_clone)
}

impl From<Cancelled> for GraphError {
    fn from(_: Cancelled) -> Self {
        GraphError::Stopped
    }
}

/// Where a node or a memory is in the projection.
fn place_of(graph: &Graph, all: &Projected, name: &str) -> Result<usize, GraphError> {
    let entity = match entity_ref(name) {
        memlith::EntityRef::Number(entity) => Some(entity),
        memlith::EntityRef::Name(name) => graph.node(name)?.map(|node| Entity::Node(node.id)),
    };
    let place = entity.and_then(|entity| all.entities().iter().position(|there| *there == entity));
    place.ok_or_else(|| GraphError::Invalid(format!("{name:?} is not among what is analysed")))
}

fn run(
    what: What,
    with: Map<String, Value>,
    graph: &Projection,
    place: impl Fn(&str) -> Result<usize, GraphError>,
    mut run: Run<'_>,
) -> Result<Map<String, Value>, GraphError> {
    let run = &mut run;
    let answer = match what {
        What::Degrees => {
            let Nothing {} = read(with)?;
            let degrees = analytics::degrees(graph);
            let both = |d: &analytics::Degree| u64::from(d.out) + u64::from(d.incoming);
            json!({
                "values": degrees.iter().map(both).collect::<Vec<_>>(),
                "out": degrees.iter().map(|d| d.out).collect::<Vec<_>>(),
                "incoming": degrees.iter().map(|d| d.incoming).collect::<Vec<_>>(),
                "out_weight": degrees.iter().map(|d| d.out_weight).collect::<Vec<_>>(),
                "incoming_weight": degrees.iter().map(|d| d.incoming_weight).collect::<Vec<_>>(),
            })
        }
        What::PageRank => page_rank(graph, &read(with)?, place, run)?,
        What::Eigenvector => {
            let with: EigenvectorJson = read(with)?;
            let default = Eigenvector::default();
            let how = Eigenvector {
                max_rounds: with.max_rounds.unwrap_or(default.max_rounds),
                tolerance: with.tolerance.unwrap_or(default.tolerance),
                is_weighted: with.weighted,
            };
            let found = analytics::eigenvector(graph, &how, run)?;
            json!({ "values": found.centralities, "rounds": found.rounds, "converged": found.has_converged })
        }
        What::Closeness => {
            let Nothing {} = read(with)?;
            let found = analytics::closeness(graph, run)?;
            json!({
                "values": found.iter().map(|c| c.closeness).collect::<Vec<_>>(),
                "harmonic": found.iter().map(|c| c.harmonic).collect::<Vec<_>>(),
            })
        }
        What::Betweenness => {
            let with: BetweennessJson = read(with)?;
            let how = Betweenness {
                sources: with.sources,
                seed: with.seed,
                is_weighted: with.weighted,
                is_normalized: with.normalized,
            };
            json!({ "values": analytics::betweenness(graph, &how, run)? })
        }
        What::Components => {
            let with: ComponentsJson = read(with)?;
            let found = if with.strong {
                analytics::strong_components(graph, run)?
            } else {
                analytics::weak_components(graph, run)?
            };
            // One is named by its first node.
            let count = found.iter().enumerate().filter(|(at, of)| *at == **of as usize).count();
            json!({ "values": found, "count": count })
        }
        What::Communities => communities(graph, &read(with)?, run)?,
        What::LabelPropagation => {
            let with: LabelsJson = read(with)?;
            let rounds = with.max_rounds.unwrap_or(100);
            json!({ "values": analytics::label_propagation(graph, rounds, with.seed, run)? })
        }
        What::Cdlp => {
            let with: CdlpJson = read(with)?;
            json!({ "values": analytics::cdlp(graph, with.rounds, run)? })
        }
        What::Cores => {
            let Nothing {} = read(with)?;
            json!({ "values": analytics::core_numbers(graph, run)? })
        }
        What::Triangles => {
            let Nothing {} = read(with)?;
            let found = analytics::triangles(graph, run)?;
            json!({ "values": found.of_node, "count": found.count })
        }
        What::Clustering => {
            let Nothing {} = read(with)?;
            json!({ "values": analytics::local_clustering(graph, run)? })
        }
        What::Hops => {
            let with: SourceJson = read(with)?;
            let hops = analytics::hops(graph, place(&with.source)?, run)?;
            let reached = |hops: u32| (hops != UNREACHED).then_some(hops);
            json!({ "values": hops.into_iter().map(reached).collect::<Vec<_>>() })
        }
        What::Distances => {
            let with: SourceJson = read(with)?;
            // What is not finite is null.
            json!({ "values": analytics::distances(graph, place(&with.source)?, run)? })
        }
    };
    match answer {
        Value::Object(answer) => Ok(answer),
        _ => Ok(Map::new()),
    }
}

fn page_rank(
    graph: &Projection,
    with: &PageRankJson,
    place: impl Fn(&str) -> Result<usize, GraphError>,
    run: &mut Run<'_>,
) -> Result<Value, GraphError> {
    let restart = with.restart.iter().map(|(name, share)| {
        let share = share.as_f64().filter(|share| *share >= 0.0);
        let share = share.ok_or_else(|| "\"restart\": shares must be numbers from 0 on".to_owned());
        Ok((place(name)?, share?))
    });
    let restart = restart.collect::<Result<Vec<_>, GraphError>>()?;
    let default = PageRank::default();
    let damping = with.damping.unwrap_or(default.damping);
    if !(0.0..=1.0).contains(&damping) {
        return Err(GraphError::Invalid("\"damping\" must be from 0 to 1".into()));
    }
    let how = PageRank {
        damping,
        max_rounds: with.max_rounds.unwrap_or(default.max_rounds),
        tolerance: with.tolerance.unwrap_or(default.tolerance),
        is_weighted: with.weighted,
        restart: (!restart.is_empty()).then_some(&restart),
    };
    let found = analytics::page_rank(graph, &how, run)?;
    Ok(json!({ "values": found.ranks, "rounds": found.rounds, "change": found.change }))
}

fn communities(
    graph: &Projection,
    with: &LeidenJson,
    run: &mut Run<'_>,
) -> Result<Value, GraphError> {
    let default = Leiden::default();
    let how = Leiden {
        resolution: with.resolution.unwrap_or(default.resolution),
        randomness: with.randomness.unwrap_or(default.randomness),
        max_rounds: with.max_rounds.unwrap_or(default.max_rounds),
        seed: with.seed,
    };
    if !(how.resolution > 0.0 && how.resolution.is_finite()) {
        return Err(GraphError::Invalid("\"resolution\" must be above 0".into()));
    }
    let found = analytics::leiden(graph, &how, run)?;
    let Communities { communities, count, modularity } = found;
    Ok(json!({ "values": communities, "count": count, "modularity": modularity }))
}

fn read<T: DeserializeOwned>(with: Map<String, Value>) -> Result<T, GraphError> {
    Ok(serde_json::from_value(Value::Object(with))?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PageRankJson {
    damping: Option<f64>,
    max_rounds: Option<u32>,
    tolerance: Option<f64>,
    weighted: bool,
    restart: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EigenvectorJson {
    max_rounds: Option<u32>,
    tolerance: Option<f64>,
    weighted: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BetweennessJson {
    sources: Option<usize>,
    seed: u64,
    weighted: bool,
    normalized: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ComponentsJson {
    strong: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LeidenJson {
    resolution: Option<f64>,
    randomness: Option<f64>,
    max_rounds: Option<u32>,
    seed: u64,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LabelsJson {
    max_rounds: Option<u32>,
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CdlpJson {
    rounds: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceJson {
    source: String,
}
