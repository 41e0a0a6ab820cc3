//! What a file with a graph costs: no rival has all of it, so these figures stand alone, but for single
//! durable edges, which are compared with transactions of bare redb.

use crate::Failure;
use crate::args::Own;
use crate::clock::{Stopwatch, median};
use crate::contender::{NAMESPACE, fill, related};
use crate::data::{Input, kind_name};
use crate::report::{number, save, table};
use memlith::analytics::{EdgeWeight, Orientation};
use memlith::{Db, Follow, NewEdge, NodeId};
use memlith_graph::adjacency::{Edge, GraphIndex};
use redb::{Database, TableDefinition};
use serde::Serialize;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::Instant;

/// Rows of bare redb, as long as what an edge takes.
const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
const ROW_BYTES: usize = 100;

/// One line of the table.
#[derive(Serialize)]
struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
}

/// Measures and prints.
pub(crate) fn run(args: &Own) -> Result<(), Failure> {
    let input = args.source.load()?;
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let mut figures = Vec::new();
    let mut note = |what: &str, value: f64, unit: &'static str| {
        figures.push(Figure { what: what.to_owned(), value, unit });
    };
    adjacency(&input, &mut note)?;

    let path = folder.path().join("graph.lith");
    let db = Db::open(&path)?;
    let (nodes, _) = fill(&db, &input)?;
    db.checkpoint()?;
    projecting(args, &db, &mut note)?;
    db.close()?;
    let bytes = std::fs::metadata(&path)?.len() as f64 / input.edges.len() as f64;
    note("file, an edge", bytes, "bytes");
    opening(args, &path, &input, &nodes, &mut note)?;
    commits(args, folder.path(), &input, &nodes, &mut note)?;

    let mut shown = table(&["what", "", ""], 1);
    for Figure { what, value, unit } in &figures {
        shown.add_row([what.clone(), number(*value), (*unit).to_owned()]);
    }
    writeln!(stdout(), "{}\n\n{shown}", input.source)?;
    save(&figures, args.json.as_deref())
}

/// Memory of the adjacency, in the numbering that the engine gives it: nodes are even, and edges are
/// numbered behind them.
fn adjacency(input: &Input, note: &mut impl FnMut(&str, f64, &'static str)) -> Result<(), Failure> {
    let mut graph = GraphIndex::new();
    let watch = Stopwatch::start();
    for node in 0..input.nodes {
        graph.insert_node(2 * node, 1)?;
    }
    for (ordinal, edge) in (input.nodes + 1..).zip(&input.edges) {
        let (source, target) = (2 * edge.source, 2 * edge.target);
        graph.insert(Edge::new(source, edge.kind, target, ordinal, edge.weight), 1)?;
    }
    note("taking all into the delta", watch.cpu_s(), "CPU s");
    let halves = 2.0 * input.edges.len() as f64;
    note("delta, an edge and direction", graph.bytes_used().delta as f64 / halves, "bytes");
    let watch = Stopwatch::start();
    let image = graph.write_image()?;
    note("writing the image", watch.cpu_s(), "CPU s");
    note("image, an edge and direction", image.len() as f64 / halves, "bytes");
    Ok(())
}

fn projecting(
    args: &Own,
    db: &Db,
    note: &mut impl FnMut(&str, f64, &'static str),
) -> Result<(), Failure> {
    let graph = db.read()?.graph(NAMESPACE);
    let mut times = Vec::new();
    for _ in 0..args.repeat {
        let watch = Stopwatch::start();
        graph.project(&Follow::new(), Orientation::Directed, EdgeWeight::Weight)?;
        times.push(watch.cpu_s() * 1e3);
    }
    note("projecting all for analyses", median(times), "CPU ms");
    Ok(())
}

/// From nothing to the first walk, with the file in the system's cache.
fn opening(
    args: &Own,
    path: &Path,
    input: &Input,
    nodes: &[NodeId],
    note: &mut impl FnMut(&str, f64, &'static str),
) -> Result<(), Failure> {
    let (mut opens, mut firsts) = (Vec::new(), Vec::new());
    for (start, _) in input.pairs(args.repeat as usize) {
        let mut request = related();
        request.starts = vec![(nodes[start as usize].into(), 1.0)];
        let begin = Instant::now();
        let db = Db::open(path)?;
        opens.push(begin.elapsed().as_secs_f64() * 1e3);
        db.read()?.graph(NAMESPACE).related(&request)?;
        firsts.push(begin.elapsed().as_secs_f64() * 1e3);
        db.close()?;
    }
    note("opening", median(opens), "ms");
    note("opening, to the first walk", median(firsts), "ms");
    Ok(())
}

/// Single edges, each durable, in turn with transactions of bare redb over as many rows as there are edges.
fn commits(
    args: &Own,
    folder: &Path,
    input: &Input,
    nodes: &[NodeId],
    note: &mut impl FnMut(&str, f64, &'static str),
) -> Result<(), Failure> {
    let bare = Database::create(folder.join("bare.redb"))?;
    let write = |keys: &mut dyn Iterator<Item = u64>| -> Result<(), Failure> {
        let transaction = bare.begin_write()?;
        {
            let mut rows = transaction.open_table(ROWS)?;
            for key in keys {
                rows.insert(key, [7; ROW_BYTES].as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    };
    let rows = input.edges.len() as u64;
    write(&mut (0..rows))?;
    let db = Db::open(folder.join("graph.lith"))?;
    let graph = db.graph(NAMESPACE);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (at, (source, target)) in (0..).zip(input.pairs(args.commits)) {
        let edge = NewEdge::new(nodes[source as usize], kind_name(0), nodes[target as usize]);
        let begin = Instant::now();
        graph.upsert_edge(edge.weight(0.25))?;
        ours.push(begin.elapsed().as_secs_f64() * 1e6);
        let begin = Instant::now();
        write(&mut std::iter::once(rows + at))?;
        theirs.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
    let (ours, theirs) = (median(ours), median(theirs));
    note("a durable edge", ours, "us");
    note("a durable row of bare redb", theirs, "us");
    note("the one by the other", ours / theirs, "x");
    note("the same, median of pairs", ratio, "x");
    db.close()?;
    Ok(())
}
