//! Verifying a file: every checksum, the chain of the log, and every index against the rows.
//!
//! **Invariant:** verifying changes nothing and reads everything. What it reports is wrong; what it
//! does not report is as it was committed.

use crate::commit::log::{ChangeKind, LogRow, Model, commitment};
use crate::db::Db;
use crate::derived::{Indexes, SpaceIndex, Versions};
use crate::error::Detail;
use crate::ids::{MemoryId, SpaceId};
use crate::knowledge::{verify_edges, verify_nodes};
use crate::memory::{MemoryRow, SpaceVector, vector_digest};
use crate::owner::names_vector;
use crate::rows::{Pinned, Rows};
use crate::schema::{self, Table, external_key, read_u64, read_vector_key, vector_key};
use crate::sealed::SealedRow;
use crate::view::View;
use crate::{Error, Result};
use memlith_index::attributes::Attributes;
use memlith_index::image::ImageError;
use memlith_index::text::TextView;
use memlith_index::vectors::VectorView;
use redb::ReadableTable;
use std::collections::HashMap;
use std::fmt::Display;
use std::ops::Bound;

/// Problems that a report lists at most; the count goes on.
const MAX_LISTED: usize = 1_000;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// What was checked, and how many of it.
    pub checked: Vec<(&'static str, u64)>,
    /// What is wrong, a thousand at most.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problem_count: u64,
    /// What was found and does no harm.
    pub notes: Vec<&'static str>,
}

impl VerifyReport {
    /// Is everything as it was committed?
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    pub(crate) fn add(&mut self, place: impl Into<String>, what: impl Display) {
        self.problem_count += 1;
        if self.problems.len() < MAX_LISTED {
            self.problems.push(Problem { place: place.into(), what: what.to_string() });
        }
    }

    /// Runs one check; what it fails with is a problem, not the end.
    fn check(&mut self, name: &'static str, check: impl FnOnce(&mut Self) -> Result<u64>) {
        match check(self) {
            Ok(count) => self.checked.push((name, count)),
            Err(e) => {
                self.checked.push((name, 0));
                self.add(name, e);
            }
        }
    }
}

impl Db {
    /// Checks everything there is to check: what the file says under one View, then every image and
    /// every page that it has now. `progress` gets the name of each part as it begins.
    ///
    /// Readers go on meanwhile. Writers do too, but for the two last parts, which make them wait for
    /// as long as it takes to read all tables (a transaction that begins may be
    /// [`Busy`](crate::ErrorKind::Busy) meanwhile); so do not call it inside of a transaction.
    ///
    /// What the handle has in its cache is not read from the disk again: damage to such a page shows
    /// once it is read, or when the file is verified by a handle that has just opened it.
    ///
    /// An image that is damaged is a problem although it costs no answer: opening makes its index
    /// anew from the rows. A [`checkpoint`](Db::checkpoint) replaces it.
    ///
    /// # Errors
    /// Only if it cannot be carried out at all; damage is in the report. A handle that is
    /// [`Latched`](crate::ErrorKind::Latched) cannot: what it holds in memory may be ahead of the
    /// file.
    pub fn verify(&self, progress: &mut dyn FnMut(&'static str)) -> Result<VerifyReport> {
        let view = self.read()?;
        let rows = view.rows()?;
        let container = self.core.committer.container();
        if container.is_latched() {
            return Err(Detail::Latched.into());
        }
        let mut report = VerifyReport::default();
        if container.found_one_slot() {
            report.notes.push(
                "one of the two header slots was damaged when the file was opened, as a power cut \
                 may leave it; the other one serves, and writing replaces it",
            );
        }
        progress("file");
        report.check("file", |_| container.verify().map(|()| 2));
        progress("log");
        report.check("log", |_| view.verify_log(None, container.file_id()).map(|log| log.rows));
        progress("memories");
        report.check("memories", |report| verify_memories(&rows, report));
        progress("external ids");
        report.check("external ids", |report| verify_external(&rows, report));
        progress("vectors");
        report.check("vectors", |report| verify_vectors(&rows, report));
        progress("sealed vectors");
        report.check("sealed vectors", |report| verify_sealed(&rows, report));
        progress("nodes");
        report.check("nodes", |report| verify_nodes(&rows, report));
        progress("edges");
        let catalog = &view.versions().catalog;
        report.check("edges", |report| verify_edges(&rows, catalog, report));
        progress("other tables");
        report.check("other tables", |_| read_other_tables(&rows));
        progress("indexes");
        report.check("indexes", |report| verify_indexes(&view, &rows, report));
        progress("images");
        report.check("images", |report| {
            let committer = &self.core.committer;
            committer.read_images(|name, e| report.add(format!("image {name}"), e))
        });
        progress("pages");
        report.check("pages", |_| self.core.committer.read_all_pages());
        Ok(report)
    }
}

/// Every memory: that it can be read, that it is what the log committed to, that what it names is
/// there.
fn verify_memories(rows: &Pinned, report: &mut VerifyReport) -> Result<u64> {
    let committed = commitments(rows, Model::Memory)?;
    let mut count = 0;
    rows.scan(Table::Memories, Bound::Unbounded, |key, value| {
        count += 1;
        let Some(id) = read_u64(key).map(MemoryId) else {
            report.add("memories", format!("key of {} bytes", key.len()));
            return Ok(true);
        };
        let place = || format!("memory {id}");
        match MemoryRow::decode(value) {
            Err(e) => report.add(place(), e),
            Ok(row) => {
                let of_log = committed.get(&id.0);
                if of_log.is_some_and(|c| *c != Some(commitment(&row.salt, value))) {
                    report.add(place(), "is not what the log committed to");
                }
                verify_named_vectors(rows, (id.0, &row.vectors), &place(), report);
                if let Some(external) = &row.external_id {
                    let found =
                        rows.get(Table::External, &external_key(&row.namespace, external))?;
                    if found.and_then(|b| read_u64(&b)) != Some(id.0) {
                        report.add(place(), "is not found by its external id");
                    }
                }
            }
        }
        Ok(true)
    })?;
    for (id, _) in committed.iter().filter(|(_, committed)| committed.is_some()) {
        if rows.get(Table::Memories, &schema::memory_key(MemoryId(*id)))?.is_none() {
            report.add(format!("memory {id}"), "is in the log but not in the file");
        }
    }
    Ok(count)
}

/// The vectors that the row of a memory or a node names: that they are there, and are those.
pub(crate) fn verify_named_vectors(
    rows: &Pinned,
    (owner, named): (u64, &[SpaceVector]),
    place: &str,
    report: &mut VerifyReport,
) {
    for vector in named {
        match rows.get(Table::Vectors, &vector_key(SpaceId(vector.space), owner)) {
            Ok(Some(bytes)) if vector_digest(&bytes) == vector.digest => {}
            Ok(_) => report.add(place, format!("vector in space {} differs", vector.space)),
            Err(e) => report.add(place, e),
        }
    }
}

/// What the log says last of each thing of a model that it names: its commitment, or `None` if it is
/// gone.
pub(crate) fn commitments(rows: &Pinned, model: Model) -> Result<HashMap<u64, Option<[u8; 16]>>> {
    let mut last = HashMap::new();
    rows.read(schema::LOG, |log| {
        for entry in log.iter()? {
            let row = LogRow::decode(entry?.1.value())?;
            for change in row.changes.iter().filter(|c| c.model == model) {
                let is_there = change.kind != ChangeKind::Deleted;
                last.insert(change.id, is_there.then_some(change.commitment));
            }
        }
        Ok(last)
    })
}

/// Every external id leads to a memory that has it.
fn verify_external(rows: &Pinned, report: &mut VerifyReport) -> Result<u64> {
    let mut count = 0;
    rows.scan(Table::External, Bound::Unbounded, |key, value| {
        count += 1;
        let id = read_u64(value).map(MemoryId);
        let row = match id {
            Some(id) => rows.get(Table::Memories, &schema::memory_key(id))?,
            None => None,
        };
        let row = row.and_then(|bytes| MemoryRow::decode(&bytes).ok());
        let is_right = row.is_some_and(|row| {
            row.external_id.is_some_and(|e| external_key(&row.namespace, &e) == key)
        });
        if !is_right {
            report.add("external ids", format!("{id:?} does not have the external id"));
        }
        Ok(true)
    })?;
    Ok(count)
}

/// Every vector belongs to a memory or a node that names it.
fn verify_vectors(rows: &Pinned, report: &mut VerifyReport) -> Result<u64> {
    let mut count = 0;
    rows.scan(Table::Vectors, Bound::Unbounded, |key, _| {
        count += 1;
        let Some((space, owner)) = read_vector_key(key) else {
            report.add("vectors", format!("key of {} bytes", key.len()));
            return Ok(true);
        };
        // A row that cannot be read has been reported.
        if !names_vector(rows, space, owner).unwrap_or_default() {
            let place = format!("memory or node {owner}");
            report.add(place, "does not name a vector that is there");
        }
        Ok(true)
    })?;
    Ok(count)
}

/// Every segment of sealed vectors is whole, and those in use are those that the rows name.
fn verify_sealed(rows: &Pinned, report: &mut VerifyReport) -> Result<u64> {
    let named = SealedRow::load_all(rows)?;
    let mut count = 0;
    for segment in rows.sealed().segments() {
        count += u64::from(segment.row.count);
        if let Err(e) = segment.verify() {
            let SealedRow { space, number, .. } = segment.row;
            report.add(format!("sealed vectors {number} of space {}", space.0), e);
        }
    }
    if !rows.sealed().segments().map(|segment| &segment.row).eq(&named) {
        report.add("sealed vectors", "those in use are not those that the file names");
    }
    Ok(count)
}

/// Reads the tables that no other check reads whole: their pages carry checksums.
fn read_other_tables(rows: &Pinned) -> Result<u64> {
    let mut count = 0;
    for table in [schema::OUTCOMES, schema::IMAGES, schema::ACCESSES, schema::EMBEDDINGS] {
        rows.read(table, |table| {
            for entry in table.iter()? {
                entry?;
                count += 1;
            }
            Ok(())
        })?;
    }
    rows.scan(Table::Catalog, Bound::Unbounded, |_, _| {
        count += 1;
        Ok(true)
    })?;
    Ok(count)
}

/// Every index is what a rebuild from the rows would be.
fn verify_indexes(view: &View, rows: &Pinned, report: &mut VerifyReport) -> Result<u64> {
    let graph_bytes = view.versions().knowledge.room.max_bytes;
    let rebuilt =
        Indexes::rebuild(rows, view.seq(), graph_bytes, &mut |_| {})?.versions(view.seq());
    let live = view.versions();
    let mut count = 0;
    let mut compare = |name: &str, same: Result<bool, Error>| {
        count += 1;
        match same {
            Ok(true) => {}
            Ok(false) => report.add(name, "differs from what the rows say; run a rebuild"),
            Err(e) => report.add(name, e),
        }
    };
    compare("attributes", same_attributes(live, &rebuilt));
    compare("text", same_text(words_of_memories(live), words_of_memories(&rebuilt)));
    compare("graph", same_graph(live, &rebuilt));
    compare("text of nodes", same_text(words_of_nodes(live), words_of_nodes(&rebuilt)));
    compare("vector spaces", Ok(live.vectors.keys().eq(rebuilt.vectors.keys())));
    let spaces_of_nodes =
        |versions: &Versions| versions.knowledge.vectors.keys().copied().collect::<Vec<_>>();
    compare("vector spaces of nodes", Ok(spaces_of_nodes(live) == spaces_of_nodes(&rebuilt)));
    for id in live.vectors.keys() {
        for (name, of) in [
            (SpaceIndex::name_of(*id), vectors_of_memories as VectorsOf),
            (SpaceIndex::name_of_nodes(*id), vectors_of_nodes),
        ] {
            compare(&name, same_vectors(of(live, *id), of(&rebuilt, *id)));
            // Which neighbours a vector has depends on who came first: only that they are there counts.
            let graph = of(live, *id).0.map_or(Ok(()), VectorView::validate);
            compare(&format!("graph of {name}"), graph.map(|()| true).map_err(Into::into));
        }
    }
    Ok(count)
}

fn same_attributes(live: &Versions, rebuilt: &Versions) -> Result<bool> {
    live.attributes.validate()?;
    Ok(live.attributes.digest()? == rebuilt.attributes.digest()?)
}

/// Words, and whose they are.
type Words<'a> = (&'a TextView, &'a Attributes);

fn words_of_memories(versions: &Versions) -> Words<'_> {
    (&versions.text, &versions.attributes)
}

fn words_of_nodes(versions: &Versions) -> Words<'_> {
    (&versions.knowledge.words, &versions.knowledge.nodes)
}

/// Compares postings by the number of their memory or node: the two number ordinals differently.
fn same_text(live: Words<'_>, rebuilt: Words<'_>) -> Result<bool> {
    live.0.validate()?;
    Ok(text_digest(live)? == text_digest(rebuilt)?)
}

/// Compares nodes and edges by their numbers, likewise.
fn same_graph(live: &Versions, rebuilt: &Versions) -> Result<bool> {
    live.knowledge.validate()?;
    let digest = |versions: &Versions| versions.knowledge.digest(&versions.attributes);
    let ((nodes, edges), (nodes_rebuilt, edges_rebuilt)) = (digest(live)?, digest(rebuilt)?);
    // What one of them does not hold is read from the rows, which have been verified.
    let same_edges = edges.zip(edges_rebuilt).is_none_or(|(one, other)| one == other);
    Ok(nodes == nodes_rebuilt && same_edges)
}

fn text_digest((text, attributes): Words<'_>) -> Result<u128> {
    let ids = ids_by_ordinal(attributes)?;
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    text.for_each_live(|ordinal, length| {
        hash.update(&ids.get(ordinal as usize).copied().unwrap_or_default().to_le_bytes());
        hash.update(&length.to_le_bytes());
    })?;
    text.for_each_posting(|term, ordinal, count| {
        hash.update(term.as_bytes());
        hash.update(&ids.get(ordinal as usize).copied().unwrap_or_default().to_le_bytes());
        hash.update(&count.to_le_bytes());
    })?;
    Ok(hash.digest128())
}

fn ids_by_ordinal(attributes: &Attributes) -> Result<Vec<u64>, ImageError> {
    (0..attributes.next_ordinal())
        .map(|ordinal| Ok(attributes.id_of(ordinal)?.unwrap_or_default()))
        .collect()
}

/// The vectors of a space, and whose they are.
type Vectors<'a> = (Option<&'a VectorView>, &'a Attributes);
/// Which of them.
type VectorsOf = for<'a> fn(&'a Versions, SpaceId) -> Vectors<'a>;

fn vectors_of_memories(versions: &Versions, space: SpaceId) -> Vectors<'_> {
    (versions.vectors.get(&space), &versions.attributes)
}

fn vectors_of_nodes(versions: &Versions, space: SpaceId) -> Vectors<'_> {
    (versions.knowledge.vectors.get(&space), &versions.knowledge.nodes)
}

/// Compares codes, which are a function of the vectors, by the number of their memory or node.
fn same_vectors(live: Vectors<'_>, rebuilt: Vectors<'_>) -> Result<bool> {
    let digest = |(vectors, attributes): Vectors<'_>| -> Result<Option<u128>> {
        let ids = ids_by_ordinal(attributes)?;
        let Some(vectors) = vectors else { return Ok(None) };
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        vectors.for_each_code(|ordinal, code| {
            hash.update(&ids.get(ordinal as usize).copied().unwrap_or_default().to_le_bytes());
            hash.update(code);
        })?;
        Ok(Some(hash.digest128()))
    };
    Ok(digest(live)? == digest(rebuilt)?)
}
