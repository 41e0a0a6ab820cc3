//! What nodes of the graph are found by: attributes, words and vectors.
//!
//! **Invariant:** each of them is about the nodes that there are, under the same ordinals.

use super::attributes::{FieldId, borrowed, declared_labels, declared_texts, field, ordered};
use super::text::{ContentIndex, Names};
use super::{Derived, SpaceIndex};
use crate::Result;
use crate::catalog::{Catalog, MetadataIndex};
use crate::commit::log::{Aspects, Change, ChangeKind};
use crate::ids::{Seq, SpaceId};
use crate::knowledge::{ArchivedNodeRow, access_node};
use crate::rows::Rows;
use crate::schema::Table;
use crate::text_settings::TextSettings;
use memlith_index::attributes::{Attributes, ColumnId, Entry};
use std::collections::BTreeMap;
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
pub(crate) struct NodeIndex {
    pub(super) attributes: Attributes,
    /// Names of nodes, and what texts stand at declared paths.
    pub(super) words: ContentIndex,
    /// Of every space, those vectors that nodes have there.
    pub(super) spaces: BTreeMap<SpaceId, SpaceIndex>,
    /// Paths of properties that have labels and words.
    pub(super) declared: Vec<MetadataIndex>,
}

impl NodeIndex {
    pub(super) fn new() -> Self {
        NodeIndex {
            attributes: Attributes::new(node_column::COUNT),
            words: ContentIndex::new(Names::NODES),
            spaces: BTreeMap::new(),
            declared: Vec::new(),
        }
    }

    /// Makes the labels and words of properties those of `wanted`, reading every node if that changes
    /// anything.
    pub(super) fn declare(
        &mut self,
        seq: Seq,
        wanted: Vec<MetadataIndex>,
        rows: &dyn Rows,
    ) -> Result<()> {
        if wanted == self.declared {
            return Ok(());
        }
        for gone in self.declared.iter().filter(|d| !wanted.contains(d)) {
            self.attributes.drop_field(field::metadata(gone.field))?;
        }
        self.declared = wanted;
        self.describe_all(seq, rows)
    }

    /// Has words be found as `settings` say, reading every node if a language is another than before.
    pub(super) fn set_text(
        &mut self,
        seq: Seq,
        settings: &Arc<TextSettings>,
        rows: &dyn Rows,
    ) -> Result<()> {
        if self.words.settings().has_languages_of(settings) {
            return Ok(());
        }
        self.words = self.words.anew(settings);
        self.describe_all(seq, rows)
    }

    /// Has an index for each space that the catalogue knows, and for no other.
    pub(super) fn set_spaces(&mut self, catalog: &Catalog) {
        self.spaces.retain(|id, _| catalog.indexed().any(|(known, _)| known == id));
        for (id, space) in catalog.indexed() {
            self.spaces.entry(*id).or_insert_with(|| SpaceIndex::new(*id, space));
        }
    }

    /// Takes in the attributes and words of every node again.
    fn describe_all(&mut self, seq: Seq, rows: &dyn Rows) -> Result<()> {
        for ordinal in self.attributes.live() {
            let Some(id) = self.attributes.id_of(ordinal)? else { continue };
            if let Some(bytes) = rows.get(Table::Nodes, &id.to_be_bytes())? {
                self.describe(seq, ordinal, id, access_node(&bytes)?)?;
            }
        }
        Ok(())
    }

    /// Takes in a changed node. Returns its ordinal, if it has one, and whether it is there.
    pub(super) fn fold(
        &mut self,
        seq: Seq,
        change: &Change,
        rows: &dyn Rows,
    ) -> Result<(Option<u32>, bool)> {
        let id = change.id;
        let known = self.attributes.ordinal_of(id)?;
        let Some(bytes) = rows.get(Table::Nodes, &id.to_be_bytes())? else {
            if let Some(ordinal) = known {
                self.attributes.remove(ordinal)?;
                self.words.remove(ordinal, seq)?;
                for space in self.spaces.values_mut() {
                    space.remove(seq, ordinal)?;
                }
            }
            return Ok((known, false));
        };
        let row = access_node(&bytes)?;
        let ordinal = match known {
            Some(ordinal) => ordinal,
            None => self.attributes.push(id)?,
        };
        self.describe(seq, ordinal, id, row)?;
        let has_same_vectors = known.is_some()
            && change.kind == ChangeKind::Updated
            && !change.aspects.has(Aspects::VECTORS);
        for space in self.spaces.values_mut().filter(|_| !has_same_vectors) {
            space.set(seq, (ordinal, id), &row.vectors, rows)?;
        }
        Ok((Some(ordinal), true))
    }

    /// Takes in attributes and words of a node.
    fn describe(&mut self, seq: Seq, ordinal: u32, id: u64, row: &ArchivedNodeRow) -> Result<()> {
        let spaces: Vec<[u8; 4]> =
            row.vectors.iter().map(|v| v.space.to_native().to_be_bytes()).collect();
        let mut labels: Vec<(FieldId, &[u8])> = vec![(field::NAMESPACE, row.namespace.as_bytes())];
        labels.extend(row.kind.as_ref().map(|kind| (field::KIND, kind.as_bytes())));
        labels.extend(row.tags.iter().map(|tag| (field::TAG, tag.as_bytes())));
        labels.extend(spaces.iter().map(|space| (field::SPACE, &space[..])));
        let of_properties = declared_labels(&self.declared, &row.properties);
        labels.extend(borrowed(&of_properties));
        let columns = [
            (node_column::CREATED, row.created_ms.to_native()),
            (node_column::UPDATED, row.updated_ms.to_native()),
            (node_column::IMPORTANCE, ordered(row.importance.to_native())),
        ];
        self.attributes.set(ordinal, &Entry { id, labels: &labels, columns: &columns })?;
        let words = words_of(row, &self.declared);
        self.words.insert(ordinal, (&row.namespace, &words), seq)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let vectors: usize = self.spaces.values().map(Derived::heap_bytes).sum();
        self.attributes.heap_bytes() + self.words.heap_bytes() + vectors
    }
}

/// What a node is found by: what it is called, and the texts at declared paths of its properties.
fn words_of(row: &ArchivedNodeRow, declared: &[MetadataIndex]) -> String {
    let mut words = row.external_id.as_str().to_owned();
    for text in row.name.iter().chain(row.aliases.iter()) {
        words.extend(["\n", text.as_str()]);
    }
    // Properties that do not parse have no words; `verify` reports them with their row.
    if !declared.is_empty()
        && !row.properties.is_empty()
        && let Ok(properties) = serde_json::from_str(&row.properties)
    {
        declared_texts(declared, &properties, |text| words.extend(["\n", text]));
    }
    words
}
