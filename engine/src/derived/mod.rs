//! Derived indexes: attributes, text, vectors and the graph, folded from the log.
//!
//! ```text
//! rows + log --fold--> Indexes (one writer, behind the commit lock)
//!                        |  versions(): O(1)
//!                        v
//!                      Versions (in a View) --store_images--> segments + image rows
//!                                                             { numbering, watermark }
//! ```
//!
//! **Invariant:** an index is a function of the rows and of the numbering. It can be deleted and
//! rebuilt; what it answers then is the same. Its watermark is the last commit that it has folded
//! in, and an image is used only if its numbering is that of the attributes.

mod attributes;
mod catch_up;
mod checkpoint;
mod image;
mod knowledge;
mod nodes;
mod text;
mod vectors;

pub(crate) use attributes::{AttributeIndex, Label, MAX_METADATA_TEXT, column, field};
pub(crate) use catch_up::Unreadable;
pub(crate) use checkpoint::Checkpoint;
pub(crate) use image::{ImageRow, Place};
pub(crate) use knowledge::{
    KnowledgeIndex, KnowledgeView, Room, bitmap_of_nodes, is_memory, memory_place, of_memory,
    of_node,
};
pub(crate) use nodes::{NodeIndex, node_column};
use text::store_text;
pub(crate) use text::{ContentIndex, Names};
pub(crate) use vectors::SpaceIndex;

use crate::catalog::{Catalog, MetadataIndex};
use crate::commit::log::{Aspects, Change, ChangeKind, Model};
use crate::ids::{MemoryId, Seq, SpaceId};
use crate::memory::{ArchivedMemoryRow, access};
use crate::rows::Rows;
use crate::schema::{Table, memory_key};
use crate::text_settings::TextSettings;
use crate::{Error, Result};
use memlith_index::attributes::Attributes;
use memlith_index::image::SharedSource;
use memlith_index::text::TextView;
use memlith_index::vectors::VectorView;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which run of ordinals an image speaks of. Drawn anew whenever ordinals are allotted anew.
pub(crate) type Numbering = [u8; 16];

/// What indexes read in place, by their names.
pub(crate) type Images = Arc<BTreeMap<String, SharedSource>>;

/// A changed memory as an index gets to see it.
pub(crate) struct Folded<'a> {
    pub(crate) ordinal: u32,
    pub(crate) id: MemoryId,
    pub(crate) aspects: Aspects,
    /// The row as it stands now; `None` if it is gone.
    pub(crate) row: Option<&'a ArchivedMemoryRow>,
}

/// What every derived index can do.
pub(crate) trait Derived {
    /// The name of its image row.
    fn name(&self) -> String;

    /// Takes in one changed memory.
    fn fold(&mut self, seq: Seq, change: &Folded<'_>, rows: &dyn Rows) -> Result<()>;

    /// What it holds in memory beyond its image, in bytes.
    fn heap_bytes(&self) -> usize;
}

/// All derived indexes of a file, and how far they have been folded.
pub(crate) struct Indexes {
    pub(crate) numbering: Numbering,
    pub(crate) watermark: Seq,
    /// The last commit that is known to have changed memories, or what they are found by; perhaps a later
    /// one, where images or rows were read as they stood.
    memories: Seq,
    /// Likewise of nodes and edges.
    graph: Seq,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) attributes: AttributeIndex,
    pub(crate) content: ContentIndex,
    pub(crate) spaces: BTreeMap<SpaceId, SpaceIndex>,
    pub(crate) knowledge: KnowledgeIndex,
    pub(crate) images: Images,
    /// Changes folded since the images were written.
    pub(crate) unsaved: u64,
    /// Of them, those of edges.
    pub(crate) unsaved_edges: u64,
}

/// One version of all indexes: what a View holds. Cloning costs a few reference counts.
#[derive(Clone)]
pub(crate) struct Versions {
    pub(crate) numbering: Numbering,
    /// Equal in two Views of a handle only if they have the same memories, found by the same.
    pub(crate) memories: Seq,
    /// Equal in two Views of a handle only if they have the same nodes and edges.
    pub(crate) graph: Seq,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) attributes: Attributes,
    pub(crate) text: TextView,
    /// The tag of the next segment of text.
    next_text_tag: u64,
    pub(crate) vectors: Arc<BTreeMap<SpaceId, VectorView>>,
    pub(crate) knowledge: KnowledgeView,
    pub(crate) images: Images,
}

impl Versions {
    /// The vectors of a space: those of memories, then those of nodes.
    pub(crate) fn in_space(&self, id: SpaceId) -> impl Iterator<Item = &VectorView> {
        self.vectors.get(&id).into_iter().chain(self.knowledge.vectors.get(&id))
    }

    /// How many those are.
    pub(crate) fn live_in_space(&self, id: SpaceId) -> u64 {
        self.in_space(id).map(|vectors| vectors.live() as u64).sum()
    }
}

impl Indexes {
    /// Indexes of a file without rows.
    pub(crate) fn empty(numbering: Numbering, room: Room) -> Self {
        Indexes {
            numbering,
            watermark: Seq(0),
            memories: Seq(0),
            graph: Seq(0),
            catalog: Arc::default(),
            attributes: AttributeIndex::default(),
            content: ContentIndex::new(Names::MEMORIES),
            spaces: BTreeMap::new(),
            knowledge: KnowledgeIndex::new(room),
            images: Images::default(),
            unsaved: 0,
            unsaved_edges: 0,
        }
    }

    /// Every index but the attributes, which give the others their ordinals.
    fn followers(&mut self) -> impl Iterator<Item = &mut dyn Derived> {
        let spaces = self.spaces.values_mut().map(|s| s as &mut dyn Derived);
        std::iter::once(&mut self.content as &mut dyn Derived).chain(spaces)
    }

    /// Every index.
    pub(crate) fn all(&self) -> impl Iterator<Item = &dyn Derived> {
        let spaces = self.spaces.values().map(|s| s as &dyn Derived);
        [&self.attributes as &dyn Derived, &self.content].into_iter().chain(spaces)
    }

    /// Takes in what commits up to `seq` have changed. `rows` must show the state at `seq`.
    ///
    /// Changes may come from several commits and must be sorted by model and id within each.
    pub(crate) fn fold<'a>(
        &mut self,
        seq: Seq,
        changes: impl IntoIterator<Item = &'a Change>,
        rows: &dyn Rows,
    ) -> Result<()> {
        for change in changes {
            self.unsaved += 1;
            match change.model {
                Model::Memory => {
                    self.memories = seq;
                    self.fold_memory(seq, change, rows)?;
                }
                Model::Node => {
                    self.graph = seq;
                    self.knowledge.fold_node(seq, change, rows)?;
                }
                Model::Edge => {
                    self.unsaved_edges += 1;
                    self.graph = seq;
                    let memories = self.attributes.attributes();
                    self.knowledge.fold_edge(seq, change, memories, rows)?;
                }
                Model::Space | Model::MetadataIndex | Model::Text => self.memories = seq,
                Model::EdgeKind => {}
            }
        }
        self.knowledge.settle(seq)?;
        self.watermark = seq;
        Ok(())
    }

    fn fold_memory(&mut self, seq: Seq, change: &Change, rows: &dyn Rows) -> Result<()> {
        let id = MemoryId(change.id);
        let bytes = rows.get(Table::Memories, &memory_key(id))?;
        let row = bytes.as_deref().map(access).transpose()?;
        let ordinal = match (self.attributes.ordinal_of(id)?, change.kind) {
            (Some(ordinal), _) => ordinal,
            // Also where the row is gone by now: numbering must not depend on when one folds.
            (None, ChangeKind::Created) => self.attributes.push(id)?,
            (None, _) => {
                return Err(Error::corruption("log", "the creation of a memory", id.to_string()));
            }
        };
        let aspects = match change.kind {
            ChangeKind::Updated => change.aspects,
            ChangeKind::Created | ChangeKind::Deleted => Aspects::ALL,
        };
        let folded = Folded { ordinal, id, aspects, row };
        self.attributes.fold(seq, &folded, rows)?;
        for index in self.followers() {
            index.fold(seq, &folded, rows)?;
        }
        if folded.row.is_none() {
            self.knowledge.drop_memory(seq, ordinal)?;
        }
        Ok(())
    }

    /// How many ordinals memories and nodes have been given.
    pub(crate) fn ordinals(&self) -> u64 {
        let of = |rows: &Attributes| u64::from(rows.next_ordinal());
        of(self.attributes.attributes()) + of(self.knowledge.nodes())
    }

    /// Vectors that were linked since the images were written.
    pub(crate) fn newly_linked(&self) -> u64 {
        let of_nodes = self.knowledge.spaces().values();
        self.spaces.values().chain(of_nodes).map(SpaceIndex::newly_linked).sum()
    }

    /// What all of them hold in memory beyond their images, in bytes.
    pub(crate) fn heap_bytes(&self) -> u64 {
        let followed: usize = self.all().map(Derived::heap_bytes).sum();
        (followed + self.knowledge.heap_bytes()) as u64
    }

    /// Has words be found as `settings` say, reading every row that is live if they are others than before.
    pub(crate) fn set_text(
        &mut self,
        seq: Seq,
        settings: &Arc<TextSettings>,
        rows: &dyn Rows,
    ) -> Result<()> {
        if self.content.settings() == settings {
            return Ok(());
        }
        self.content = self.content.anew(settings);
        Arc::make_mut(&mut self.images).retain(|name, _| !Names::MEMORIES.has(name));
        let attributes = self.attributes.version();
        for ordinal in attributes.live() {
            let Some(id) = attributes.id_of(ordinal)?.map(MemoryId) else { continue };
            // It may be gone by now: the log will say so.
            let Some(bytes) = rows.get(Table::Memories, &memory_key(id))? else { continue };
            let row = Some(access(&bytes)?);
            self.content.fold(seq, &Folded { ordinal, id, aspects: Aspects::ALL, row }, rows)?;
            self.unsaved += 1;
        }
        self.knowledge.set_text(seq, settings, rows)
    }

    /// Takes in a changed catalogue, at `seq`: indexes for new spaces, none for dropped ones, labels for
    /// newly declared metadata paths, words as they are to be found. `rows` must be those that `catalog` was read from.
    pub(crate) fn adopt_catalog(
        &mut self,
        seq: Seq,
        catalog: Catalog,
        rows: &dyn Rows,
    ) -> Result<()> {
        let images = &mut self.images;
        self.spaces.retain(|id, index| {
            let is_kept = catalog.indexed().any(|(known, _)| known == id);
            if !is_kept {
                let images = Arc::make_mut(images);
                images.remove(&index.name());
                images.remove(&SpaceIndex::name_of_nodes(*id));
            }
            is_kept
        });
        for (id, space) in catalog.indexed() {
            self.spaces.entry(*id).or_insert_with(|| SpaceIndex::new(*id, space));
        }
        let declared: Vec<MetadataIndex> = catalog.indexes().cloned().collect();
        self.attributes.declare(declared, rows)?;
        self.knowledge.adopt_catalog(seq, &catalog, rows)?;
        self.set_text(seq, catalog.text(), rows)?;
        self.catalog = Arc::new(catalog);
        Ok(())
    }

    /// The text indexes: of memories, and of nodes.
    pub(crate) fn texts(&self) -> [&ContentIndex; 2] {
        [&self.content, self.knowledge.words()]
    }

    /// The same, to be changed.
    pub(crate) fn texts_mut(&mut self) -> [&mut ContentIndex; 2] {
        [&mut self.content, self.knowledge.words_mut()]
    }

    /// The present version, for a View at `seq`.
    pub(crate) fn versions(&self, seq: Seq) -> Versions {
        Versions {
            numbering: self.numbering,
            memories: self.memories,
            graph: self.graph,
            catalog: self.catalog.clone(),
            attributes: self.attributes.version(),
            text: self.content.version(seq),
            next_text_tag: self.content.next_tag(),
            knowledge: self.knowledge.version(seq),
            images: self.images.clone(),
            vectors: Arc::new(self.spaces.iter().map(|(id, s)| (*id, s.version(seq))).collect()),
        }
    }
}
