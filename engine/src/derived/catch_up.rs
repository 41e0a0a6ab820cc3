//! Bringing indexes up to date: from their images and the log, or from nothing but rows.
//!
//! **Invariant:** both ways end in indexes that give the same answers; a test compares them.

use super::image::ImageRow;
use super::{
    AttributeIndex, ContentIndex, Folded, Indexes, KnowledgeIndex, Names, NodeIndex, Room,
    SpaceIndex, Versions,
};
use crate::catalog::{Catalog, MetadataIndex};
use crate::clock::random;
use crate::commit::Ascending;
use crate::commit::log::{Aspects, Change, ChangeKind, LogRow, Model};
use crate::file::Container;
use crate::ids::{MemoryId, Seq, SpaceId};
use crate::memory::access;
use crate::planted::{self, Defect};
use crate::rows::{Opened, Pinned};
use crate::schema::{self, Table, log_key, read_u64};
use crate::text_settings::TextSettings;
use crate::{Error, Result};
use memlith_index::attributes::Attributes;
use memlith_index::image::SharedSource;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Changes that catching up holds in memory at a time.
const MAX_GATHERED: usize = 100_000;

/// What to do about an image that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It has just been written: its place is not to be trusted.
    Refuse,
    /// The rows know everything that is in it.
    MakeAnew,
}

impl Indexes {
    /// Indexes as they stood when `images` were written; `None` if there are none of use.
    pub(crate) fn open_images(
        container: &Container,
        images: &BTreeMap<String, ImageRow>,
        catalog: Catalog,
        rows: &Pinned,
        graph_bytes: u64,
        unreadable: Unreadable,
    ) -> Result<Option<Indexes>> {
        let room = Room::of(graph_bytes, rows)?;
        let mut indexes = Indexes::empty([0; 16], room);
        let text_settings = Arc::clone(catalog.text());
        indexes.set_text(Seq(0), &text_settings, rows)?;
        let Some(row) = images.get(AttributeIndex::NAME) else { return Ok(None) };
        let note: Value = serde_json::from_str(&row.note).unwrap_or_default();
        let opened = row.place.open(container);
        let mut read = BTreeMap::new();
        match opened.and_then(|i| Ok((AttributeIndex::open(i.clone(), declared(&note))?, i))) {
            Ok((attributes, image)) => {
                indexes.attributes = attributes;
                read.insert(AttributeIndex::NAME.to_owned(), image);
            }
            Err(e) if unreadable == Unreadable::Refuse => return Err(e),
            Err(_) => return Ok(None),
        }
        indexes.numbering = row.numbering;
        (indexes.watermark, indexes.memories) = (row.watermark, row.watermark);
        indexes.graph = row.watermark;
        // An image that is missing, or of another numbering, is as good as none.
        let open = |name: &str| {
            let found = images.get(name)?;
            let same = found.numbering == row.numbering && found.watermark == row.watermark;
            same.then(|| found.place.open(container))
        };

        let mut missing: Vec<String> = Vec::new();
        let mut note_missing = |name: String, why: Option<Error>| match why {
            Some(e) if unreadable == Unreadable::Refuse => Err(e),
            _ => {
                missing.push(name);
                Ok(())
            }
        };
        let mut text = BTreeMap::new();
        let names = Names::MEMORIES;
        // Images of words that were found in another way are of no use.
        let manifest = open(names.manifest).filter(|_| note["text"] == text_settings.to_json());
        let opened = manifest
            .map(|manifest| open_text((names, &text_settings), manifest?, &open, &mut text));
        match opened {
            Some(Ok(content)) => {
                indexes.content = content;
                read.append(&mut text);
            }
            failed => {
                // Their names are those of other bytes, until the next checkpoint.
                indexes.content.pass_over(images.keys().map(String::as_str));
                note_missing(names.manifest.into(), failed.and_then(Result::err))?;
            }
        }
        for (id, space) in catalog.indexed() {
            let name = SpaceIndex::name_of(*id);
            let was_there = lists(&note["spaces"], *id);
            let opened = open(&name);
            let index =
                match opened.map(|i| i.and_then(|i| Ok((SpaceIndex::open(*id, i.clone())?, i)))) {
                    Some(Ok((index, image))) => {
                        read.insert(name, image);
                        index
                    }
                    failed => {
                        if was_there {
                            note_missing(name, failed.and_then(Result::err))?;
                        }
                        SpaceIndex::new(*id, space)
                    }
                };
            indexes.spaces.insert(*id, index);
        }
        let mut graph = BTreeMap::new();
        let mut is_graph_missing = false;
        let is_needed = room.has_edges(rows)?;
        match open_graph(&open, (&note, &catalog), (room, is_needed), &mut graph) {
            Ok(Some(knowledge)) => {
                indexes.knowledge = knowledge;
                read.append(&mut graph);
            }
            Err(e) if unreadable == Unreadable::Refuse => return Err(e),
            // None were written of a graph that was empty.
            Ok(None) | Err(_) => {
                indexes.knowledge.words_mut().pass_over(images.keys().map(String::as_str));
                is_graph_missing = note["graph"] == json!(true);
            }
        }
        indexes.images = Arc::new(read);
        indexes.adopt_catalog(indexes.watermark, catalog, rows)?;
        if !missing.is_empty() {
            indexes.refill(&missing, rows)?;
        }
        if is_graph_missing {
            let (seq, memories) = (indexes.watermark, indexes.attributes.version());
            indexes.knowledge.fold_all(seq, &memories, rows, true)?;
            indexes.graph = seq;
        }
        Ok(Some(indexes))
    }

    /// Indexes under a new numbering, without the ordinals of memories that are gone. What `before`
    /// knows of vectors is kept, their graphs above all; the rest is made from `rows` of the same
    /// commit.
    pub(crate) fn renumber(before: &Versions, rows: &Pinned, seq: Seq) -> Result<Indexes> {
        // Ordinals are dealt in the order of ids, then as now.
        let renumber = |attributes: &Attributes| {
            let live = attributes.live();
            move |ordinal| live.contains(ordinal).then(|| live.rank(ordinal) as u32 - 1)
        };
        let (memories, nodes) = (renumber(&before.attributes), renumber(&before.knowledge.nodes));
        let mut indexes = Indexes::empty(random()?, before.knowledge.room);
        let catalog = Catalog::load(rows)?;
        indexes.adopt_catalog(seq, catalog.clone(), rows)?;
        indexes.spaces.clear();
        indexes.knowledge.spaces_mut().clear();
        indexes.fold_all(rows, seq, &mut |_| {})?;
        for (id, space) in catalog.indexed() {
            let of_memories = before.vectors.get(id);
            let index = SpaceIndex::renumbered(*id, space, of_memories, &memories)?;
            indexes.spaces.insert(*id, index);
            let of_nodes = before.knowledge.vectors.get(id);
            let index = SpaceIndex::renumbered(*id, space, of_nodes, &nodes)?;
            indexes.knowledge.spaces_mut().insert(*id, index);
        }
        Ok(indexes)
    }

    /// Indexes made from rows alone, under a new numbering.
    pub(crate) fn rebuild(
        rows: &Pinned,
        seq: Seq,
        graph_bytes: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Indexes> {
        let mut indexes = Indexes::empty(random()?, Room::of(graph_bytes, rows)?);
        indexes.adopt_catalog(seq, Catalog::load(rows)?, rows)?;
        indexes.fold_all(rows, seq, progress)?;
        Ok(indexes)
    }

    /// Takes in every row, into indexes that are empty.
    fn fold_all(&mut self, rows: &Pinned, seq: Seq, progress: &mut dyn FnMut(u64)) -> Result<()> {
        let mut done = 0;
        rows.scan(Table::Memories, Bound::Unbounded, |key, _| {
            let id = memory_id(key)?;
            self.fold(seq, [&Change::of_row(Model::Memory, id.0)], rows)?;
            done += 1;
            progress(done);
            Ok(true)
        })?;
        self.knowledge.fold_all(seq, &self.attributes.version(), rows, false)?;
        (self.watermark, self.memories, self.graph) = (seq, seq, seq);
        Ok(())
    }

    /// Fills followers whose image was of no use from the rows of what is live.
    fn refill(&mut self, names: &[String], rows: &Pinned) -> Result<()> {
        let seq = self.watermark;
        rows.scan(Table::Memories, Bound::Unbounded, |key, value| {
            let id = memory_id(key)?;
            // Without an ordinal it came after the watermark: the log will bring it.
            if let Some(ordinal) = self.attributes.ordinal_of(id)? {
                let row = Some(access(value)?);
                let folded = Folded { ordinal, id, aspects: Aspects::ALL, row };
                for index in self.followers().filter(|i| names.contains(&i.name())) {
                    index.fold(seq, &folded, rows)?;
                }
            }
            Ok(true)
        })
    }

    /// Folds what the log holds behind the watermark, up to `last`. Returns `false`, and changes
    /// nothing, if the log does not reach back so far.
    pub(crate) fn catch_up(&mut self, last: Seq, rows: &Pinned) -> Result<bool> {
        if self.watermark >= last {
            return Ok(self.watermark == last);
        }
        rows.read(schema::LOG, |log| self.fold_log(log, last, rows))
    }

    fn fold_log(&mut self, log: &Opened, last: Seq, rows: &Pinned) -> Result<bool> {
        let passed_over = u64::from(planted::is(Defect::WatermarkTooHigh));
        let first = Seq(self.watermark.0 + passed_over + 1);
        let mut gathered = Gathered::default();
        let mut expected = first;
        for entry in log.range::<&[u8]>(log_key(first).as_slice()..)? {
            let (_, row) = entry?;
            let row = LogRow::decode(row.value())?;
            if row.seq != expected {
                if expected == first {
                    return Ok(false);
                }
                return Err(Error::corruption(
                    "log",
                    format!("commit {expected}"),
                    format!("commit {}", row.seq),
                ));
            }
            for change in row.changes {
                gather(&mut gathered, change);
            }
            if gathered.iter().len() >= MAX_GATHERED {
                let gathered = std::mem::take(&mut gathered);
                self.fold(row.seq, gathered.iter().map(|(_, change)| change), rows)?;
            }
            expected = Seq(row.seq.0 + 1);
        }
        self.fold(last, gathered.iter().map(|(_, change)| change), rows)?;
        Ok(true)
    }
}

/// Opens an image by its name, if there is one of use.
type Open<'a> = dyn Fn(&str) -> Option<Result<SharedSource>> + 'a;
/// What was opened, by name.
type Read = BTreeMap<String, SharedSource>;

/// A text index, of its manifest. `read` gets its images.
fn open_text(
    (names, settings): (Names, &Arc<TextSettings>),
    manifest: SharedSource,
    open: &Open<'_>,
    read: &mut Read,
) -> Result<ContentIndex> {
    let content = ContentIndex::open(names, settings, &manifest, |name| {
        let missing = || Error::corruption("index", "an image of each segment of text", "none");
        let image = open(&name).ok_or_else(missing)??;
        read.insert(name, image.clone());
        Ok(image)
    })?;
    read.insert(names.manifest.to_owned(), manifest);
    Ok(content)
}

/// The index of the graph; `None` if one of its images is missing, or of words in other languages. That of edges
/// may be missing, if it is not needed, and of vectors those of spaces in which no node had any.
fn open_graph(
    open: &Open<'_>,
    (note, catalog): (&Value, &Catalog),
    (room, is_needed): (Room, bool),
    read: &mut Read,
) -> Result<Option<KnowledgeIndex>> {
    let settings = catalog.text();
    // A segment itself knows the language of the file, and none of a namespace.
    let of_namespaces = TextSettings::NAMESPACES;
    if note["text"][of_namespaces] != settings.to_json()[of_namespaces] {
        return Ok(None);
    }
    let names = [KnowledgeIndex::NODES, Names::NODES.manifest];
    let [Some(nodes), Some(words)] = names.map(open) else { return Ok(None) };
    let edges = open(KnowledgeIndex::EDGES).transpose()?;
    if edges.is_none() && is_needed {
        return Ok(None);
    }
    let nodes = nodes?;
    let words = open_text((Names::NODES, settings), words?, open, read)?;
    let attributes = Attributes::from_image(nodes.clone())?;
    read.insert(KnowledgeIndex::NODES.to_owned(), nodes);
    let mut spaces = BTreeMap::new();
    for (id, _) in catalog.indexed().filter(|(id, _)| lists(&note["spaces_of_nodes"], *id)) {
        let name = SpaceIndex::name_of_nodes(*id);
        let Some(image) = open(&name).transpose()? else { return Ok(None) };
        spaces.insert(*id, SpaceIndex::open(*id, image.clone())?);
        read.insert(name, image);
    }
    let nodes = NodeIndex { attributes, words, spaces, declared: declared(note) };
    let knowledge = KnowledgeIndex::open(nodes, edges.clone(), room)?;
    read.extend(edges.map(|edges| (KnowledgeIndex::EDGES.to_owned(), edges)));
    Ok(Some(knowledge))
}

/// Changes by what they are about.
type Gathered = Ascending<(Model, u64), Change>;

/// Adds a later change of the same thing to an earlier one.
fn gather(gathered: &mut Gathered, change: Change) {
    if change.kind == ChangeKind::Deleted && planted::is(Defect::DeletionsPassedOver) {
        return;
    }
    let of = (change.model, change.id);
    let Some(before) = gathered.get_mut(&of) else {
        gathered.insert(of, change);
        return;
    };
    before.aspects = before.aspects.with(change.aspects);
    // What was created behind the watermark must get its ordinal, whatever came later.
    if before.kind != ChangeKind::Created {
        before.kind = change.kind;
    }
}

fn memory_id(key: &[u8]) -> Result<MemoryId> {
    let bad = || Error::corruption("memory key", "eight bytes", format!("{} bytes", key.len()));
    read_u64(key).map(MemoryId).ok_or_else(bad)
}

/// Is a space in a list of a note?
fn lists(spaces: &Value, id: SpaceId) -> bool {
    spaces.as_array().is_some_and(|spaces| spaces.contains(&json!(id.0)))
}

fn declared(note: &Value) -> Vec<MetadataIndex> {
    let Some(paths) = note["metadata"].as_object() else { return Vec::new() };
    let index = |(path, field): (&String, &Value)| {
        let field = u8::try_from(field.as_u64()?).ok()?;
        Some(MetadataIndex { field, path: path.clone() })
    };
    paths.iter().filter_map(index).collect()
}
