//! What must hold of a handle whatever happened to its file before.
//!
//! **Invariant:** each check answers its question a second time, from nothing but rows, and
//! compares. It panics where the two differ, and changes nothing but access counts.

use super::actions::{LANGUAGES, NAMESPACES, PATHS, TAGS, VOCABULARY, vector};
use crate::Metric;
use crate::Result;
use crate::catalog::Space;
use crate::components::{read_vector, vector_bytes};
use crate::db::Db;
use crate::derived::{ImageRow, Place};
use crate::file::crash::Rng;
use crate::filter::Filter;
use crate::graph_options::SearchEffort;
use crate::ids::{MemoryId, Seq, SpaceId};
use crate::knowledge::{NearestNodes, NodeRow};
use crate::memory::{List, MemoryRow, Order, SpaceVector, vector_digest};
use crate::recall::{Leg, Recall, Recalled};
use crate::rows::Rows;
use crate::schema::{Table, read_u64, vector_key};
use crate::sealed::{SealedRow, SealedSegment};
use crate::view::View;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// A name, and the check.
pub(super) type Invariant = (&'static str, fn(&Db) -> Result<()>);

pub(super) const INVARIANTS: &[Invariant] = &[
    ("no background job has panicked", jobs),
    ("the log is whole", log),
    ("everything verifies", verify),
    ("images are whole and in use", images),
    ("sealed vectors are whole, and the only copies", sealed),
    ("what no row names is free", orphans),
    ("listings are the rows", listings),
    ("filters are the rows", filters),
    ("text recall is that of the rows", text),
    ("the graph is that of its rows", super::graph::whole),
    ("vector recall is that of brute force", vectors),
    ("the nearest nodes are those of brute force", vectors_of_nodes),
];

/// Checks all of them.
pub(super) fn all(db: &Db) {
    for (name, check) in INVARIANTS {
        super::at(name, || check(db).unwrap_or_else(|e| panic!("{e}")));
    }
}

/// The scheduler would keep it to itself.
#[expect(clippy::unnecessary_wraps, reason = "it is one of the checks")]
pub(super) fn jobs(db: &Db) -> Result<()> {
    for job in db.core.background.stats().jobs {
        assert_eq!(job.panics, 0, "{}: {:?}", job.name, job.last_error);
    }
    Ok(())
}

fn log(db: &Db) -> Result<()> {
    let report = db.verify_log(None)?;
    assert_eq!(report.last, db.read()?.seq());
    Ok(())
}

fn verify(db: &Db) -> Result<()> {
    let report = db.verify(&mut |_| {})?;
    assert!(report.is_clean(), "{:?}", report.problems);
    Ok(())
}

/// Without this an image that was lost would cost time alone: opening makes the index anew.
fn images(db: &Db) -> Result<()> {
    let view = db.read()?;
    let images = ImageRow::load_all(&*view.rows()?)?;
    let oldest = db.log(Seq(0), 1)?.first().map_or(view.seq(), |row| row.seq);
    let mut reaches = Seq(0);
    for (name, image) in &images {
        let bytes = image.place.open(db.core.committer.container())?;
        bytes.get(0..bytes.len())?;
        assert!(image.watermark <= view.seq(), "{name} is from the future");
        assert_eq!(image.numbering, view.versions().numbering, "{name} is not in use");
        reaches = image.watermark;
    }
    assert!(
        oldest.0 <= reaches.0 + 1 || view.seq() == reaches,
        "no way from {reaches} to {oldest}"
    );
    Ok(())
}

/// Segments are read anew; each belongs to itself alone, and each vector is found in one place: as a
/// row, or once among those that are in force in segments.
fn sealed(db: &Db) -> Result<()> {
    let view = db.read()?;
    let rows = view.rows()?;
    let named = SealedRow::load_all(&rows)?;
    let in_use: Vec<SealedRow> = rows.sealed().segments().map(|segment| segment.row).collect();
    assert_eq!(named, in_use, "segments that rows name, and those in use");
    let mut chunks = BTreeSet::new();
    for row in named {
        let extent = row.segment.extent;
        let fresh = SealedSegment::new(db.core.committer.container(), row)?;
        fresh.verify()?;
        for chunk in extent.start..extent.start + extent.chunks {
            assert!(chunks.insert(chunk), "chunk {chunk} belongs to two segments");
        }
        for index in 0..row.count {
            assert_eq!(fresh.find(fresh.id(index)?)?, Some(index), "{row:?}");
        }
    }
    let each = |key: &[u8], named: Vec<SpaceVector>| {
        let id = read_u64(key).expect("an id");
        for named in named {
            let space = SpaceId(named.space);
            let row = rows.get_row(Table::Vectors, &vector_key(space, id))?;
            let sealed = rows.sealed().find(space, id)?;
            let sealed = sealed.as_ref().map(|s| s.segment.vector(s.index)).transpose()?;
            let is_twice = row.as_deref().is_some_and(|row| sealed.as_deref() == Some(row));
            assert!(!is_twice, "the vector of {id} in {space:?} is a row and sealed");
            let bytes = row.as_deref().or(sealed.as_deref());
            let bytes = bytes.expect("the vector that the row names");
            assert_eq!(vector_digest(bytes), named.digest, "vector of {id} in {space:?}");
            let mut read = vec![0.0; bytes.len() / size_of::<f32>()];
            assert!(rows.vectors_of(space)?.read(id, &mut read)?, "vector of {id} in {space:?}");
            assert_eq!(vector_bytes(&read), bytes, "vector of {id} in {space:?}, in place");
        }
        Ok(true)
    };
    rows.scan(Table::Memories, Bound::Unbounded, |key, value| {
        each(key, MemoryRow::decode(value)?.vectors)
    })?;
    rows.scan(Table::Nodes, Bound::Unbounded, |key, value| {
        each(key, NodeRow::decode(value)?.vectors)
    })
}

/// A segment that no row names has given its space back, unless an older View still reads it, or a
/// failure has left open whether a row names it: then the next opening gives it back.
fn orphans(db: &Db) -> Result<()> {
    if db.core.committer.views.held() > 0 || db.core.check_writable().is_err() {
        return Ok(());
    }
    let images = ImageRow::load_all(&*db.read()?.rows()?)?;
    let named = images.values().map(|image| match &image.place {
        Place::Segment(segment) => segment.extent.chunks as usize,
        Place::Inline(_) => 0,
    });
    let sealed = SealedRow::load_all(&*db.read()?.rows()?)?;
    let sealed = sealed.iter().map(|row| row.segment.extent.chunks as usize);
    let taken = db.core.committer.container().stats()?.segment_chunks;
    assert_eq!(
        taken,
        named.chain(sealed).sum::<usize>(),
        "chunks of segments, and those that rows name"
    );
    Ok(())
}

/// Every memory that has not expired, from the rows.
fn memories(view: &View) -> Result<BTreeMap<u64, MemoryRow>> {
    let now_ms = view.now_ms();
    let mut all = BTreeMap::new();
    view.rows()?.scan(Table::Memories, Bound::Unbounded, |key, value| {
        let row = MemoryRow::decode(value)?;
        if !row.is_expired(now_ms) {
            all.insert(read_u64(key).expect("an id"), row);
        }
        Ok(true)
    })?;
    Ok(all)
}

fn ids_of(rows: &BTreeMap<u64, MemoryRow>, keep: impl Fn(&MemoryRow) -> bool) -> BTreeSet<u64> {
    rows.iter().filter(|(_, row)| keep(row)).map(|(id, _)| *id).collect()
}

fn list(view: &View, mut request: List) -> Result<Vec<u64>> {
    let mut ids = Vec::new();
    loop {
        let page = view.list(&request)?;
        ids.extend(page.memories.iter().map(|m| m.id.0));
        match page.next {
            Some(cursor) => request = request.after(cursor),
            None => return Ok(ids),
        }
    }
}

fn listings(db: &Db) -> Result<()> {
    let view = db.read()?;
    let rows = memories(&view)?;
    let mut oldest: Vec<u64> = rows.keys().copied().collect();
    oldest.sort_by_key(|id| (rows[id].created_ms, *id));
    assert_eq!(list(&view, List::new().order(Order::Oldest).limit(7))?, oldest);
    for namespace in NAMESPACES {
        let expected = ids_of(&rows, |row| row.namespace == namespace);
        let request = List::new().namespace(namespace).order(Order::Importance).limit(5);
        let found = list(&view, request)?;
        assert_eq!(found.len(), expected.len(), "in {namespace}");
        assert_eq!(BTreeSet::from_iter(found), expected, "in {namespace}");
    }
    for (id, row) in &rows {
        let memory = view.peek_many(&[MemoryId(*id)])?.pop().flatten().expect("it is a row");
        assert_eq!((&memory.content, &memory.tags), (&row.content, &row.tags));
        if let Some(external) = &row.external_id {
            let found = view.get_external(&row.namespace, external)?;
            assert_eq!(found.map(|m| m.id.0), Some(*id), "{external}");
        }
    }
    Ok(())
}

fn filters(db: &Db) -> Result<()> {
    let view = db.read()?;
    let rows = memories(&view)?;
    let count = |filter: &Filter| view.count(None, Some(filter));
    for tag in TAGS {
        let expected = ids_of(&rows, |row| row.tags.iter().any(|t| t == tag));
        let found = list(&view, List::new().filter(Filter::tag(tag)).limit(50))?;
        assert_eq!(BTreeSet::from_iter(found), expected, "tag {tag}");
    }
    let metadata = |row: &MemoryRow, path: &str| -> serde_json::Value {
        let value: Option<serde_json::Value> = serde_json::from_str(&row.metadata).ok();
        value.and_then(|v| v.get(path).cloned()).unwrap_or_default()
    };
    for language in LANGUAGES {
        let expected = ids_of(&rows, |row| metadata(row, PATHS[0]) == language);
        let filter = Filter::meta(PATHS[0]).is(language);
        assert_eq!(count(&filter)?, expected.len() as u64, "language {language}");
    }
    for rank in 0..5_i64 {
        let expected = ids_of(&rows, |row| metadata(row, PATHS[1]).as_i64() >= Some(rank));
        let filter = Filter::meta(PATHS[1]).at_least(rank);
        assert_eq!(count(&filter)?, expected.len() as u64, "rank {rank}");
    }
    Ok(())
}

fn text(db: &Db) -> Result<()> {
    let view = db.read()?;
    let rows = memories(&view)?;
    for word in VOCABULARY.iter().step_by(3) {
        let has_word = |row: &MemoryRow| row.content.split(' ').any(|w| w == *word);
        let expected = ids_of(&rows, |row| row.succession.superseded_by.is_none() && has_word(row));
        let found =
            view.recall(&Recall::new().text(*word).weights(1.0, 0.0).context(0.0).limit(1_000))?;
        let found: Vec<u64> = found.hits.iter().map(|hit| hit.memory.id.0).collect();
        assert_eq!(found.len(), expected.len(), "memories with {word:?}");
        assert_eq!(BTreeSet::from_iter(found), expected, "memories with {word:?}");
    }
    // A word that only one memory has.
    if let Some((id, row)) = rows.iter().find(|(_, row)| row.succession.superseded_by.is_none()) {
        let word = row.content.split(' ').next().unwrap_or_default();
        let found = view.recall(&Recall::new().text(word).weights(1.0, 0.0).context(0.0))?;
        assert_eq!(found.hits.first().map(|hit| hit.memory.id.0), Some(*id), "{word:?}");
    }
    Ok(())
}

fn vectors(db: &Db) -> Result<()> {
    let view = db.read()?;
    let rows = memories(&view)?;
    let present = rows.iter().filter(|(_, row)| row.succession.superseded_by.is_none());
    let owners: Vec<Owner<'_>> = present.map(|(id, row)| (*id, &row.vectors[..])).collect();
    let mut rng = Rng::new(rows.len() as u64);
    let spaces: Vec<(SpaceId, Space)> = view.versions().catalog.spaces().cloned().collect();
    for (id, space) in spaces {
        let index = view.versions().vectors.get(&id).expect("every space has an index");
        index.validate().expect("a graph that can be walked");
        for limit in [1, 6] {
            let query = vector(&mut rng, space.dimension);
            let mut expected = brute_force(&view, &owners, (id, &space), &query)?;
            expected.truncate(limit);
            for effort in [SearchEffort::Balanced, SearchEffort::Exact] {
                let request = Recall::new().space(space.name.as_str()).vector(query.clone());
                let request = request.weights(0.0, 1.0).limit(limit).effort(effort);
                let found = raw_scores(&view.recall(&request.explain(true))?);
                check_neighbours(&space.name, &found, &expected);
            }
        }
    }
    Ok(())
}

fn check_neighbours(space: &str, found: &[(u64, f64)], expected: &[(u64, f64)]) {
    assert_eq!(found.len(), expected.len(), "neighbours in {space}");
    for ((_, found), (_, expected)) in found.iter().zip(expected) {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(error < 1e-4, "in {space}: {found} instead of {expected}");
    }
}

fn raw_scores(found: &Recalled) -> Vec<(u64, f64)> {
    let raw = |hit: &crate::recall::Hit| {
        let legs = hit.explanation.iter().flat_map(|e| &e.legs);
        let leg = legs.clone().find(|leg| leg.leg == Leg::Vector);
        (hit.memory.id.0, f64::from(leg.expect("the only leg").raw))
    };
    found.hits.iter().map(raw).collect()
}

/// Of each namespace by itself.
fn vectors_of_nodes(db: &Db) -> Result<()> {
    let view = db.read()?;
    let mut rows: BTreeMap<String, Vec<(u64, Vec<SpaceVector>)>> = BTreeMap::new();
    view.rows()?.scan(Table::Nodes, Bound::Unbounded, |key, value| {
        let (id, row) = (read_u64(key).expect("an id"), NodeRow::decode(value)?);
        rows.entry(row.namespace).or_default().push((id, row.vectors));
        Ok(true)
    })?;
    let mut rng = Rng::new(rows.len() as u64);
    let spaces: Vec<(SpaceId, Space)> = view.versions().catalog.spaces().cloned().collect();
    for (id, space) in spaces {
        let index = view.versions().knowledge.vectors.get(&id).expect("every space has an index");
        index.validate().expect("a graph that can be walked");
        for (namespace, nodes) in &rows {
            let owners: Vec<Owner<'_>> = nodes.iter().map(|(id, own)| (*id, &own[..])).collect();
            let query = vector(&mut rng, space.dimension);
            let mut expected = brute_force(&view, &owners, (id, &space), &query)?;
            expected.truncate(4);
            let request = NearestNodes::to(query).space(space.name.as_str()).limit(4);
            let found = view.graph(namespace.as_str()).nearest(&request)?;
            let found: Vec<_> =
                found.iter().map(|near| (near.node.id.0, f64::from(near.score))).collect();
            check_neighbours(&space.name, &found, &expected);
        }
    }
    Ok(())
}

/// A memory or a node, and the vectors that its row names.
type Owner<'a> = (u64, &'a [SpaceVector]);

/// Every vector of a space by its score, best first, computed in the plainest way.
fn brute_force(
    view: &View,
    owners: &[Owner<'_>],
    (id, space): (SpaceId, &Space),
    query: &[f32],
) -> Result<Vec<(u64, f64)>> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let mut scored = Vec::new();
    for (owner, named) in owners {
        if named.iter().all(|v| v.space != id.0) {
            continue;
        }
        let bytes = view.rows()?.get(Table::Vectors, &vector_key(id, *owner))?;
        let mut kept = vec![0.0; space.dimension];
        let read = bytes.and_then(|bytes| read_vector(&bytes, &mut kept));
        read.expect("the vector that the row names");
        let score = match space.metric {
            Metric::Dot => dot(query, &kept),
            Metric::L2 => {
                let apart: Vec<f32> = query.iter().zip(&kept).map(|(x, y)| x - y).collect();
                -dot(&apart, &apart).sqrt()
            }
            _ => dot(query, &kept) / (dot(query, query) * dot(&kept, &kept)).sqrt(),
        };
        scored.push((*owner, score));
    }
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(scored)
}
