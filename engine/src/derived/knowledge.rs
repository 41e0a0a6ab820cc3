//! The knowledge graph: what nodes are found by, and who is joined to whom.
//!
//! Nodes have ordinals of their own, which are no part of the numbering of memories; a memory has in
//! the graph the ordinal that it has everywhere. In the adjacency nodes have the even ordinals and
//! memories the odd ones.
//!
//! **Invariant:** the adjacency has every node, every edge under its own number, and the memories that
//! edges join. All images are written together, and none is of use without the others.

use super::SpaceIndex;
use super::nodes::NodeIndex;
use super::text::ContentIndex;
use crate::catalog::Catalog;
use crate::commit::Linked;
use crate::commit::log::{Change, ChangeKind};
use crate::error::Detail;
use crate::ids::{MemoryId, NodeId, Seq, SpaceId};
use crate::knowledge::{Ends, Entity, access_edge};
use crate::planted::{self, Defect};
use crate::rows::{Pinned, Rows};
use crate::schema::{Table, read_u64};
use crate::text_settings::TextSettings;
use crate::{Error, Result};
use memlith_graph::adjacency::{Edge, EdgeKey, GraphError, GraphIndex, GraphView, Validity};
use memlith_graph::image as graph_image;
use memlith_index::attributes::Attributes;
use memlith_index::image::{ImageError, SharedSource};
use memlith_index::text::TextView;
use memlith_index::vectors::VectorView;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};
use std::sync::Arc;

/// The writer.
pub(crate) struct KnowledgeIndex {
    nodes: NodeIndex,
    /// `None` of a graph that is too large: who walks it reads rows.
    adjacency: Option<GraphIndex>,
    room: Room,
    /// Where edges were that are about to be folded as removed.
    hints: BTreeMap<u64, Ends>,
    /// Edges that were removed and that nothing says where they were.
    lost: BTreeSet<u32>,
    /// Edges that name what is not there yet are passed over: the log will bring them.
    is_partial: bool,
    /// Edges that were folded.
    folded: u32,
}

/// What an adjacency may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Image and changes may take as much in bytes …
    pub(crate) max_bytes: u64,
    /// … or are let go if all edges have links. Else they are held all the same.
    pub(crate) is_linked: bool,
}

impl Room {
    /// Of a file that says which edges have links.
    pub(crate) fn of(max_bytes: u64, rows: &Pinned) -> Result<Room> {
        Ok(Room { max_bytes, is_linked: Linked::load(rows)?.is_complete() })
    }

    /// Is an adjacency of so many bytes to be held?
    pub(crate) fn has(self, bytes: u64) -> bool {
        !self.is_linked || bytes <= self.max_bytes
    }

    /// Is that of the edges that there are, made from rows?
    pub(crate) fn has_edges(self, rows: &Pinned) -> Result<bool> {
        Ok(self.has(rows.len(Table::Edges)?.saturating_mul(BYTES_AN_EDGE)))
    }
}

/// One version.
#[derive(Clone)]
pub(crate) struct KnowledgeView {
    pub(crate) nodes: Attributes,
    pub(crate) words: TextView,
    /// The tag of the next segment of words.
    pub(super) next_tag: u64,
    /// Of every space, those vectors that nodes have there.
    pub(crate) vectors: Arc<BTreeMap<SpaceId, VectorView>>,
    /// `None` of a graph that is too large; see [`View::adjacency`](crate::View).
    pub(crate) adjacency: Option<GraphView>,
    pub(crate) room: Room,
}

/// Memory that an edge takes at least while it is in no image.
const BYTES_AN_EDGE: u64 = 40;
/// Edges that are folded between two looks at what they take.
const LOOK: u32 = 4_096;

impl KnowledgeIndex {
    /// A graph of nothing.
    pub(crate) fn new(room: Room) -> Self {
        Self::over(NodeIndex::new(), Some(GraphIndex::new()), room)
    }

    pub(crate) const NODES: &str = "graph/nodes";
    pub(crate) const EDGES: &str = "graph/edges";

    fn over(nodes: NodeIndex, adjacency: Option<GraphIndex>, room: Room) -> Self {
        let (hints, lost, is_partial) = (BTreeMap::new(), BTreeSet::new(), false);
        KnowledgeIndex { nodes, adjacency, room, hints, lost, is_partial, folded: 0 }
    }

    /// The graph as images have it, without `edges` one that is too large.
    pub(crate) fn open(nodes: NodeIndex, edges: Option<SharedSource>, room: Room) -> Result<Self> {
        let edges = edges.filter(|image| room.has(image.len() as u64));
        let open = |image| GraphIndex::from_image(Arc::new(ImageOfGraph(image)));
        let adjacency = edges.map(open).transpose()?;
        Ok(Self::over(nodes, adjacency, room))
    }

    /// What an adjacency that is held takes, in bytes.
    fn bytes_used(&self) -> Option<u64> {
        let used = self.adjacency.as_ref()?.bytes_used();
        Some((used.image + used.delta) as u64)
    }

    /// Does the adjacency take more than it may?
    pub(crate) fn is_too_large(&self) -> bool {
        self.bytes_used().is_some_and(|bytes| bytes > self.room.max_bytes)
    }

    /// All edges have links: the adjacency is let go once it is too large.
    pub(crate) fn may_be_let_go(&mut self) {
        self.room.is_linked = true;
        self.keep_within();
    }

    /// Lets the adjacency go if it has become too large.
    fn keep_within(&mut self) {
        if self.bytes_used().is_some_and(|bytes| !self.room.has(bytes)) {
            self.adjacency = None;
        }
    }

    pub(crate) fn version(&self, seq: Seq) -> KnowledgeView {
        let NodeIndex { attributes, words, spaces, .. } = &self.nodes;
        let vectors = spaces.iter().map(|(id, space)| (*id, space.version(seq))).collect();
        KnowledgeView {
            nodes: attributes.clone(),
            words: words.version(seq),
            next_tag: words.next_tag(),
            vectors: Arc::new(vectors),
            adjacency: self.adjacency.as_ref().map(GraphIndex::view),
            room: self.room,
        }
    }

    pub(crate) fn words(&self) -> &ContentIndex {
        &self.nodes.words
    }

    pub(crate) fn words_mut(&mut self) -> &mut ContentIndex {
        &mut self.nodes.words
    }

    pub(crate) fn nodes(&self) -> &Attributes {
        &self.nodes.attributes
    }

    pub(crate) fn spaces(&self) -> &BTreeMap<SpaceId, SpaceIndex> {
        &self.nodes.spaces
    }

    pub(crate) fn spaces_mut(&mut self) -> &mut BTreeMap<SpaceId, SpaceIndex> {
        &mut self.nodes.spaces
    }

    /// Edges of the adjacency; none if it is not held.
    pub(crate) fn edges(&self) -> u64 {
        self.adjacency.as_ref().map_or(0, |adjacency| adjacency.edge_count().into())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes() + self.delta_bytes()
    }

    /// Takes in a changed catalogue: vectors of the spaces that there are, and labels and words of declared
    /// properties, which reads every node if these are others than before.
    pub(crate) fn adopt_catalog(
        &mut self,
        seq: Seq,
        catalog: &Catalog,
        rows: &dyn Rows,
    ) -> Result<()> {
        self.nodes.set_spaces(catalog);
        self.nodes.declare(seq, catalog.indexes().cloned().collect(), rows)
    }

    /// Has words be found as `settings` say, reading every node if a language is another than before.
    pub(crate) fn set_text(
        &mut self,
        seq: Seq,
        settings: &Arc<TextSettings>,
        rows: &dyn Rows,
    ) -> Result<()> {
        self.nodes.set_text(seq, settings, rows)
    }

    /// Memory of what has changed in the adjacency since its image was written.
    pub(crate) fn delta_bytes(&self) -> usize {
        self.adjacency.as_ref().map_or(0, |adjacency| adjacency.bytes_used().delta)
    }

    /// Says where edges were that the next changes remove.
    pub(crate) fn expect(&mut self, removed: &BTreeMap<u64, Ends>) {
        self.hints.extend(removed);
    }

    /// Takes in a changed node.
    pub(crate) fn fold_node(&mut self, seq: Seq, change: &Change, rows: &dyn Rows) -> Result<()> {
        let (ordinal, is_there) = self.nodes.fold(seq, change, rows)?;
        if let (Some(ordinal), Some(adjacency)) = (ordinal.map(of_node), &mut self.adjacency) {
            if is_there {
                adjacency.insert_node(ordinal, seq.0).map_err(refused)?;
            } else {
                adjacency.remove_node(ordinal, seq.0).map_err(refused)?;
            }
        }
        Ok(())
    }

    /// Takes in a memory that is gone.
    pub(crate) fn drop_memory(&mut self, seq: Seq, ordinal: u32) -> Result<()> {
        if let (Some(ordinal), Some(adjacency)) = (of_memory(ordinal), &mut self.adjacency) {
            adjacency.remove_node(ordinal, seq.0).map_err(refused)?;
        }
        Ok(())
    }

    /// Takes in a changed edge. `memories` has the ordinals of memories.
    pub(crate) fn fold_edge(
        &mut self,
        seq: Seq,
        change: &Change,
        memories: &Attributes,
        rows: &dyn Rows,
    ) -> Result<()> {
        let ordinal = edge_ordinal(change.id)?;
        self.folded = self.folded.wrapping_add(1);
        if self.folded.is_multiple_of(LOOK) {
            self.keep_within();
        }
        let Some(mut adjacency) = self.adjacency.take() else {
            self.hints.remove(&change.id);
            return Ok(());
        };
        let folded = self.fold_into(&mut adjacency, seq, (change, ordinal), memories, rows);
        self.adjacency = Some(adjacency);
        folded
    }

    fn fold_into(
        &mut self,
        adjacency: &mut GraphIndex,
        seq: Seq,
        (change, ordinal): (&Change, u32),
        memories: &Attributes,
        rows: &dyn Rows,
    ) -> Result<()> {
        let bytes = rows.get(Table::Edges, &change.id.to_be_bytes())?;
        let Some(bytes) = bytes else {
            if change.kind == ChangeKind::Created {
                // It came and went behind the image, and so was never folded.
                self.hints.remove(&change.id);
                return Ok(());
            }
            let Some(ends) = self.hints.remove(&change.id) else {
                if !planted::is(Defect::EdgesLeftOver) {
                    self.lost.insert(ordinal);
                }
                return Ok(());
            };
            if let Some(key) = self.key_of(ends, ordinal, memories)? {
                adjacency.remove(key, seq.0).map_err(refused)?;
            }
            return Ok(());
        };
        let row = access_edge(&bytes)?;
        let ends = row.ends();
        let key = self.key_of(ends, ordinal, memories)?;
        for end in [ends.source, ends.target].map(Entity::of_code) {
            // A node was folded before; of memories those come that are joined to something.
            if let Entity::Memory(_) = end
                && let Some(ordinal) = ordinal_of(self.nodes(), memories, end)?
                && memory_place(ordinal).is_some_and(|memory| memories.is_live(memory))
            {
                adjacency.insert_node(ordinal, seq.0).map_err(refused)?;
            }
        }
        let Some(key) = key else {
            if self.is_partial {
                return Ok(());
            }
            let found = format!("edge {} without one of its ends", change.id);
            return Err(Error::corruption("edge row", "an edge between what is there", found));
        };
        let (from, until) = row.validity();
        let valid = Validity {
            from: from.unwrap_or(Validity::ALWAYS.from),
            until: until.unwrap_or(Validity::ALWAYS.until),
        };
        let edge = Edge { key, weight: row.weight.to_native(), valid };
        // Where an image has an edge, its creation was folded before.
        let inserted = match change.kind {
            ChangeKind::Created => adjacency.insert_new(edge, seq.0),
            _ => adjacency.insert(edge, seq.0),
        };
        match inserted {
            Err(GraphError::NoSuchNode { .. }) if self.is_partial => Ok(()),
            inserted => inserted.map(drop).map_err(refused),
        }
    }

    fn ordinal_of(&self, code: u64, memories: &Attributes) -> Result<Option<u32>> {
        ordinal_of(self.nodes(), memories, Entity::of_code(code))
    }

    fn key_of(&self, ends: Ends, ordinal: u32, memories: &Attributes) -> Result<Option<EdgeKey>> {
        let source = self.ordinal_of(ends.source, memories)?;
        let target = self.ordinal_of(ends.target, memories)?;
        let key = |(source, target)| EdgeKey { source, edge_type: ends.kind, target, ordinal };
        Ok(source.zip(target).map(key))
    }

    /// Ends a fold: looks for what was removed and whose place is not known, once over all edges.
    pub(crate) fn settle(&mut self, seq: Seq) -> Result<()> {
        self.hints.clear();
        self.keep_within();
        let lost = std::mem::take(&mut self.lost);
        let Some(adjacency) = self.adjacency.as_mut().filter(|_| !lost.is_empty()) else {
            return Ok(());
        };
        let mut keys = Vec::new();
        adjacency.view().for_each_edge(|edge| {
            if lost.contains(&edge.key.ordinal) {
                keys.push(edge.key);
            }
        })?;
        for key in keys {
            adjacency.remove(key, seq.0).map_err(refused)?;
        }
        Ok(())
    }

    /// Takes in every row of the graph, into an index that is empty.
    ///
    /// `is_partial`: memories that are in no index yet are passed over, with their edges.
    pub(crate) fn fold_all(
        &mut self,
        seq: Seq,
        memories: &Attributes,
        rows: &Pinned,
        is_partial: bool,
    ) -> Result<()> {
        self.is_partial = is_partial;
        if !self.room.has_edges(rows)? {
            self.adjacency = None;
        }
        let mut each = |table, model| {
            rows.scan(table, Bound::Unbounded, |key, _| {
                let bad = || Error::corruption("graph key", "eight bytes", "another length");
                let id = read_u64(key).ok_or_else(bad)?;
                let change = Change::of_row(model, id);
                if table == Table::Nodes {
                    self.fold_node(seq, &change, rows)?;
                } else {
                    self.fold_edge(seq, &change, memories, rows)?;
                }
                Ok(true)
            })
        };
        each(Table::Nodes, crate::commit::Model::Node)?;
        each(Table::Edges, crate::commit::Model::Edge)?;
        self.is_partial = false;
        self.settle(seq)
    }
}

impl KnowledgeView {
    /// Is there neither a node nor an edge, nor was there ever?
    pub(crate) fn is_untouched(&self) -> bool {
        let has_edges = self.adjacency.as_ref().is_none_or(|a| a.node_bound() > 0);
        self.nodes.next_ordinal() == 0 && !has_edges
    }

    /// The spaces in which nodes have vectors, or had some since the images were written.
    pub(super) fn spaces_in_use(&self) -> impl Iterator<Item = (SpaceId, &VectorView)> {
        let is_used = |vectors: &VectorView| vectors.live() + vectors.dead() > 0;
        self.vectors.iter().map(|(id, vectors)| (*id, vectors)).filter(move |(_, v)| is_used(v))
    }

    /// One more than the highest ordinal that the adjacency can have.
    pub(crate) fn bound(&self, memories: &Attributes) -> u32 {
        let nodes = of_node(self.nodes.next_ordinal());
        nodes.max(memories.next_ordinal().saturating_mul(2))
    }

    /// The ordinal of an entity in the adjacency.
    pub(crate) fn ordinal_of(&self, memories: &Attributes, entity: Entity) -> Result<Option<u32>> {
        ordinal_of(&self.nodes, memories, entity)
    }

    /// The entity of an ordinal of the adjacency.
    pub(crate) fn entity_of(&self, memories: &Attributes, ordinal: u32) -> Result<Entity> {
        let unknown =
            || Error::corruption("adjacency", "ordinals of the index", format!("{ordinal}"));
        if let Some(place) = memory_place(ordinal) {
            return Ok(Entity::Memory(MemoryId(memories.id_of(place)?.ok_or_else(unknown)?)));
        }
        Ok(Entity::Node(NodeId(self.nodes.id_of(node_place(ordinal))?.ok_or_else(unknown)?)))
    }

    /// Reads all of both images and says which of their rules does not hold.
    pub(crate) fn validate(&self) -> Result<()> {
        self.nodes.validate()?;
        Ok(self.adjacency.as_ref().map_or(Ok(()), GraphView::validate)?)
    }

    /// What must be equal in two versions of the same rows, whatever their ordinals are: of nodes, and of
    /// edges if these are held.
    pub(crate) fn digest(&self, memories: &Attributes) -> Result<(u128, Option<(u64, u128)>)> {
        let nodes = self.nodes.digest()?;
        let Some(adjacency) = &self.adjacency else { return Ok((nodes, None)) };
        let (mut sum, mut fault) = (0_u128, None);
        adjacency.for_each_edge(|edge| {
            let end = |ordinal| self.entity_of(memories, ordinal).map(Entity::code);
            match end(edge.key.source).and_then(|source| Ok((source, end(edge.key.target)?))) {
                Err(e) => fault = Some(e),
                Ok((source, target)) => {
                    let mut bytes = Vec::with_capacity(64);
                    bytes.extend(edge.key.ordinal.to_le_bytes());
                    bytes.extend(edge.key.edge_type.to_le_bytes());
                    bytes.extend([source, target].iter().flat_map(|code| code.to_le_bytes()));
                    bytes.extend(edge.weight.to_bits().to_le_bytes());
                    bytes.extend(edge.valid.from.to_le_bytes());
                    bytes.extend(edge.valid.until.to_le_bytes());
                    sum = sum.wrapping_add(xxhash_rust::xxh3::xxh3_128(&bytes));
                }
            }
        })?;
        if let Some(e) = fault {
            return Err(e);
        }
        Ok((nodes, Some((adjacency.edge_count().into(), sum))))
    }
}

fn ordinal_of(nodes: &Attributes, memories: &Attributes, entity: Entity) -> Result<Option<u32>> {
    Ok(match entity {
        Entity::Node(id) => nodes.ordinal_of(id.0)?.map(of_node),
        Entity::Memory(id) => memories.ordinal_of(id.0)?.and_then(of_memory),
    })
}

/// The ordinal in the adjacency of the node with this one. There are fewer than 2^30 nodes, for there
/// are no more numbers for them.
pub(crate) fn of_node(ordinal: u32) -> u32 {
    ordinal << 1
}

/// Likewise of a memory; `None` if it is too high to be joined to anything.
pub(crate) fn of_memory(ordinal: u32) -> Option<u32> {
    (ordinal < 1 << 30).then_some(ordinal << 1 | 1)
}

fn node_place(ordinal: u32) -> u32 {
    ordinal >> 1
}

/// The ordinal of the memory that has this one in the adjacency, if it is a memory's.
pub(crate) fn memory_place(ordinal: u32) -> Option<u32> {
    (ordinal & 1 == 1).then_some(ordinal >> 1)
}

/// Is it a memory that has this ordinal in the adjacency?
pub(crate) fn is_memory(ordinal: u32) -> bool {
    memory_place(ordinal).is_some()
}

/// Ordinals of nodes as those of the adjacency.
pub(crate) fn bitmap_of_nodes(nodes: &RoaringBitmap) -> RoaringBitmap {
    let mut bitmap = RoaringBitmap::new();
    // It rises with what it is made of.
    let _ = bitmap.append(nodes.iter().map(of_node));
    bitmap
}

/// The number of an edge is its ordinal.
fn edge_ordinal(id: u64) -> Result<u32> {
    u32::try_from(id)
        .map_err(|_| Error::corruption("edge", "a number that an edge can have", id.to_string()))
}

/// A graph refuses only what contradicts itself, and what is too much of it.
fn refused(e: GraphError) -> Error {
    match e {
        GraphError::Image(e) => e.into(),
        other => Error::corruption("graph", "rows that fit together", other.to_string()),
    }
}

impl From<graph_image::ImageError> for Error {
    fn from(e: graph_image::ImageError) -> Self {
        match e {
            graph_image::ImageError::Elsewhere(e) => Detail::Elsewhere { source: e.0 }.into(),
            e => Error::corruption("graph image", "a readable image", e.to_string()),
        }
    }
}

/// An image of the engine, as the graph reads it.
struct ImageOfGraph(SharedSource);

impl graph_image::Source for ImageOfGraph {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, range: Range<usize>) -> Result<&[u8], graph_image::ImageError> {
        self.0.get(range).map_err(|e| match e {
            ImageError::Damaged { start, end } => graph_image::ImageError::Damaged { start, end },
            ImageError::Truncated { end, len } => graph_image::ImageError::Truncated { end, len },
            _ => graph_image::ImageError::Inconsistent { what: "the source of an image" },
        })
    }

    fn prefetch(&self) {
        self.0.prefetch();
    }

    fn verified(&self) -> Option<&[u8]> {
        self.0.verified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_of_nodes_and_memories_alternate_and_come_back() {
        for ordinal in [0, 1, 2, 1 << 16, (1 << 30) - 1] {
            let (node, memory) = (of_node(ordinal), of_memory(ordinal).unwrap());
            assert_eq!((node_place(node), memory_place(node)), (ordinal, None));
            assert_eq!(memory_place(memory), Some(ordinal));
            assert!(node.max(memory) < 1 << 31);
        }
        assert_eq!(of_memory(1 << 30), None);
        let nodes: RoaringBitmap = [3, 1 << 16, 70_001].into_iter().collect();
        let bitmap = bitmap_of_nodes(&nodes);
        assert_eq!(bitmap.iter().map(node_place).collect::<RoaringBitmap>(), nodes);
    }
}
