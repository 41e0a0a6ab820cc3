//! The knowledge graph: attributes of nodes, and who is joined to whom.
//!
//! Nodes have ordinals of their own, which are no part of the numbering of memories; a memory has in
//! the graph the ordinal that it has everywhere. In the adjacency nodes have the even ordinals and
//! memories the odd ones.
//!
//! **Invariant:** the adjacency has every node, every edge under its own number, and the memories that
//! edges join. Both images are written together, and each is of no use without the other.

use super::attributes::{FieldId, field, ordered};
use crate::commit::log::{Change, ChangeKind};
use crate::ids::{MemoryId, NodeId, Seq};
use crate::knowledge::{ArchivedNodeRow, Ends, Entity, access_edge, access_node};
use crate::planted::{self, Defect};
use crate::rows::{Pinned, Rows};
use crate::schema::{Table, read_u64};
use crate::{Error, Result};
use memlith_graph::adjacency::{Edge, EdgeKey, GraphError, GraphIndex, GraphView, Validity};
use memlith_graph::image as graph_image;
use memlith_index::attributes::{Attributes, ColumnId, Entry};
use memlith_index::image::{ImageError, SharedSource};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};
use std::sync::Arc;

/// The number columns of nodes.
pub(crate) mod node_column {
    use super::ColumnId;
    pub(crate) const CREATED: ColumnId = ColumnId(0);
    pub(crate) const UPDATED: ColumnId = ColumnId(1);
    pub(crate) const IMPORTANCE: ColumnId = ColumnId(2);
    pub(crate) const COUNT: u8 = 3;
}

/// The writer.
pub(crate) struct KnowledgeIndex {
    nodes: Attributes,
    adjacency: GraphIndex,
    /// Where edges were that are about to be folded as removed.
    hints: BTreeMap<u64, Ends>,
    /// Edges that were removed and that nothing says where they were.
    lost: BTreeSet<u32>,
    /// Edges that name what is not there yet are passed over: the log will bring them.
    is_partial: bool,
}

/// One version.
#[derive(Clone)]
pub(crate) struct KnowledgeView {
    pub(crate) nodes: Attributes,
    pub(crate) adjacency: GraphView,
}

impl Default for KnowledgeIndex {
    fn default() -> Self {
        Self::over(Attributes::new(node_column::COUNT), GraphIndex::new())
    }
}

impl KnowledgeIndex {
    pub(crate) const NODES: &str = "graph/nodes";
    pub(crate) const EDGES: &str = "graph/edges";

    fn over(nodes: Attributes, adjacency: GraphIndex) -> Self {
        let (hints, lost, is_partial) = (BTreeMap::new(), BTreeSet::new(), false);
        KnowledgeIndex { nodes, adjacency, hints, lost, is_partial }
    }

    pub(crate) fn open(nodes: SharedSource, edges: SharedSource) -> Result<Self> {
        let adjacency = GraphIndex::from_image(Arc::new(ImageOfGraph(edges)))?;
        Ok(Self::over(Attributes::from_image(nodes)?, adjacency))
    }

    pub(crate) fn version(&self) -> KnowledgeView {
        KnowledgeView { nodes: self.nodes.clone(), adjacency: self.adjacency.view() }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes() + self.adjacency.bytes_used().delta
    }

    /// Memory of what has changed in the adjacency since its image was written.
    pub(crate) fn delta_bytes(&self) -> usize {
        self.adjacency.bytes_used().delta
    }

    /// Says where edges were that the next changes remove.
    pub(crate) fn expect(&mut self, removed: &BTreeMap<u64, Ends>) {
        self.hints.extend(removed);
    }

    /// Takes in a changed node.
    pub(crate) fn fold_node(&mut self, seq: Seq, change: &Change, rows: &dyn Rows) -> Result<()> {
        let id = change.id;
        let bytes = rows.get(Table::Nodes, &id.to_be_bytes())?;
        let Some(bytes) = bytes else {
            if let Some(ordinal) = self.nodes.ordinal_of(id)? {
                self.nodes.remove(ordinal)?;
                self.adjacency.remove_node(of_node(ordinal), seq.0).map_err(refused)?;
            }
            return Ok(());
        };
        let row = access_node(&bytes)?;
        let ordinal = match self.nodes.ordinal_of(id)? {
            Some(ordinal) => ordinal,
            None => self.nodes.push(id)?,
        };
        self.set_node(ordinal, id, row)?;
        self.adjacency.insert_node(of_node(ordinal), seq.0).map_err(refused)?;
        Ok(())
    }

    fn set_node(&mut self, ordinal: u32, id: u64, row: &ArchivedNodeRow) -> Result<()> {
        let mut labels: Vec<(FieldId, &[u8])> = vec![(field::NAMESPACE, row.namespace.as_bytes())];
        labels.extend(row.kind.as_ref().map(|kind| (field::KIND, kind.as_bytes())));
        labels.extend(row.tags.iter().map(|tag| (field::TAG, tag.as_bytes())));
        let columns = [
            (node_column::CREATED, row.created_ms.to_native()),
            (node_column::UPDATED, row.updated_ms.to_native()),
            (node_column::IMPORTANCE, ordered(row.importance.to_native())),
        ];
        self.nodes.set(ordinal, &Entry { id, labels: &labels, columns: &columns })?;
        Ok(())
    }

    /// Takes in a memory that is gone.
    pub(crate) fn drop_memory(&mut self, seq: Seq, ordinal: u32) -> Result<()> {
        if let Some(ordinal) = of_memory(ordinal) {
            self.adjacency.remove_node(ordinal, seq.0).map_err(refused)?;
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
                self.adjacency.remove(key, seq.0).map_err(refused)?;
            }
            return Ok(());
        };
        let row = access_edge(&bytes)?;
        let ends = row.ends();
        let key = self.key_of(ends, ordinal, memories)?;
        for end in [ends.source, ends.target].map(Entity::of_code) {
            // A node was folded before; of memories those come that are joined to something.
            if let Entity::Memory(_) = end
                && let Some(ordinal) = ordinal_of(&self.nodes, memories, end)?
                && memory_place(ordinal).is_some_and(|memory| memories.is_live(memory))
            {
                self.adjacency.insert_node(ordinal, seq.0).map_err(refused)?;
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
        match self.adjacency.insert(edge, seq.0) {
            Err(GraphError::NoSuchNode { .. }) if self.is_partial => Ok(()),
            inserted => inserted.map(drop).map_err(refused),
        }
    }

    fn ordinal_of(&self, code: u64, memories: &Attributes) -> Result<Option<u32>> {
        ordinal_of(&self.nodes, memories, Entity::of_code(code))
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
        let lost = std::mem::take(&mut self.lost);
        if lost.is_empty() {
            return Ok(());
        }
        let mut keys = Vec::new();
        self.adjacency.view().for_each_edge(|edge| {
            if lost.contains(&edge.key.ordinal) {
                keys.push(edge.key);
            }
        })?;
        for key in keys {
            self.adjacency.remove(key, seq.0).map_err(refused)?;
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
        self.nodes.next_ordinal() == 0 && self.adjacency.node_bound() == 0
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
        Ok(self.adjacency.validate()?)
    }

    /// What must be equal in two versions of the same rows, whatever their ordinals are.
    pub(crate) fn digest(&self, memories: &Attributes) -> Result<(u128, u64, u128)> {
        let (mut sum, mut fault) = (0_u128, None);
        self.adjacency.for_each_edge(|edge| {
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
        Ok((self.nodes.digest()?, self.adjacency.edge_count().into(), sum))
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
fn memory_place(ordinal: u32) -> Option<u32> {
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
        Error::corruption("graph image", "a readable image", e.to_string())
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
