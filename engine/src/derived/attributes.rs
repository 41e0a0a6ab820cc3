//! The attributes of memories: labels as bitmaps, numbers as columns, and the numbering.
//!
//! **Invariant:** a memory has its ordinal from the fold of its creation on, whether its row still
//! stands or not. The labels and columns of a live ordinal are those of its row.

use super::{Derived, Folded};
use crate::Result;
use crate::catalog::MetadataIndex;
use crate::ids::{MemoryId, Seq};
use crate::memory::{LabelOf, access};
use crate::rows::Rows;
use crate::schema::{Table, memory_key};
pub(super) use memlith_index::attributes::FieldId;
use memlith_index::attributes::{Attributes, ColumnId, Entry, cell};
use memlith_index::image::SharedSource;
use rkyv::option::ArchivedOption;
use serde_json::Value;

/// The label fields.
pub(crate) mod field {
    use super::FieldId;
    pub(crate) const NAMESPACE: FieldId = FieldId(0);
    pub(crate) const KIND: FieldId = FieldId(1);
    pub(crate) const AGENT: FieldId = FieldId(2);
    pub(crate) const SESSION: FieldId = FieldId(3);
    pub(crate) const PROJECT: FieldId = FieldId(4);
    pub(crate) const CHANNEL: FieldId = FieldId(5);
    pub(crate) const TAG: FieldId = FieldId(6);
    pub(crate) const SOURCE: FieldId = FieldId(7);
    /// One label per vector space that holds an embedding: its number, big-endian.
    pub(crate) const SPACE: FieldId = FieldId(8);
    /// What a query must look at in few memories only: see the constants below.
    pub(crate) const FLAG: FieldId = FieldId(9);
    /// Label of [`FLAG`]: it has a time of expiry.
    pub(crate) const EXPIRES: &[u8] = b"expires";
    /// Label of [`FLAG`]: another memory supersedes it.
    pub(crate) const SUPERSEDED: &[u8] = b"superseded";
    /// The field of the first declared metadata index.
    const METADATA: u8 = 64;

    /// The field of a declared metadata index.
    pub(crate) fn metadata(index: u8) -> FieldId {
        FieldId(METADATA.saturating_add(index))
    }
}

/// The number columns. Times are in milliseconds; reals in their order-preserving form.
pub(crate) mod column {
    use super::ColumnId;
    pub(crate) const CREATED: ColumnId = ColumnId(0);
    pub(crate) const UPDATED: ColumnId = ColumnId(1);
    pub(crate) const EXPIRES: ColumnId = ColumnId(2);
    pub(crate) const IMPORTANCE: ColumnId = ColumnId(3);
    pub(crate) const VALENCE: ColumnId = ColumnId(4);
    pub(crate) const PRIORITY: ColumnId = ColumnId(5);
    pub(crate) const COUNT: u8 = 6;
}

/// Longer text values are indexed by so many first bytes, and compared in the row.
pub(crate) const MAX_METADATA_TEXT: usize = 256;

/// The writer of the attributes.
pub(crate) struct AttributeIndex {
    attributes: Attributes,
    declared: Vec<MetadataIndex>,
}

impl Default for AttributeIndex {
    fn default() -> Self {
        AttributeIndex { attributes: Attributes::new(column::COUNT), declared: Vec::new() }
    }
}

impl AttributeIndex {
    pub(crate) const NAME: &str = "attributes";

    /// Attributes as an image has them; `declared` are the metadata indexes at its watermark.
    pub(crate) fn open(image: SharedSource, declared: Vec<MetadataIndex>) -> Result<Self> {
        Ok(AttributeIndex { attributes: Attributes::from_image(image)?, declared })
    }

    pub(crate) fn version(&self) -> Attributes {
        self.attributes.clone()
    }

    pub(super) fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    pub(crate) fn ordinal_of(&self, id: MemoryId) -> Result<Option<u32>> {
        Ok(self.attributes.ordinal_of(id.0)?)
    }

    pub(crate) fn push(&mut self, id: MemoryId) -> Result<u32> {
        Ok(self.attributes.push(id.0)?)
    }

    /// Makes the labels of metadata those of `wanted`, reading every live row if there are new
    /// ones.
    pub(crate) fn declare(&mut self, wanted: Vec<MetadataIndex>, rows: &dyn Rows) -> Result<()> {
        for gone in self.declared.iter().filter(|d| !wanted.contains(d)) {
            self.attributes.drop_field(field::metadata(gone.field))?;
        }
        let new: Vec<_> = wanted.iter().filter(|w| !self.declared.contains(w)).cloned().collect();
        if !new.is_empty() {
            for ordinal in self.attributes.live() {
                let Some(id) = self.attributes.id_of(ordinal)?.map(MemoryId) else { continue };
                if let Some(bytes) = rows.get(Table::Memories, &memory_key(id))? {
                    let labels = declared_labels(&new, &access(&bytes)?.metadata);
                    self.attributes.add_labels(ordinal, &borrowed(&labels))?;
                }
            }
        }
        self.declared = wanted;
        Ok(())
    }
}

impl Derived for AttributeIndex {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn fold(&mut self, _: Seq, change: &Folded<'_>, _: &dyn Rows) -> Result<()> {
        let Some(row) = change.row else {
            self.attributes.remove(change.ordinal)?;
            return Ok(());
        };
        let space_labels: Vec<_> =
            row.vectors.iter().map(|v| v.space.to_native().to_be_bytes()).collect();
        let mut labels: Vec<(FieldId, &[u8])> = vec![(field::NAMESPACE, row.namespace.as_bytes())];
        let single: [(FieldId, LabelOf); 6] = [
            (field::KIND, |l| &l.kind),
            (field::AGENT, |l| &l.agent),
            (field::SESSION, |l| &l.session),
            (field::PROJECT, |l| &l.project),
            (field::CHANNEL, |l| &l.channel),
            (field::SOURCE, |l| &l.source),
        ];
        labels
            .extend(single.into_iter().filter_map(|(f, of)| Some((f, row.label(of)?.as_bytes()))));
        labels.extend(row.tags.iter().map(|t| (field::TAG, t.as_bytes())));
        labels.extend(space_labels.iter().map(|s| (field::SPACE, s.as_slice())));
        if row.expires_ms.is_some() {
            labels.push((field::FLAG, field::EXPIRES));
        }
        if row.is_superseded() {
            labels.push((field::FLAG, field::SUPERSEDED));
        }
        let metadata = declared_labels(&self.declared, &row.metadata);
        labels.extend(borrowed(&metadata));

        let mut columns = vec![
            (column::CREATED, row.created_ms.to_native()),
            (column::UPDATED, row.updated_ms.to_native()),
            (column::IMPORTANCE, ordered(row.importance.to_native())),
            (column::VALENCE, ordered(row.valence.to_native())),
            (column::PRIORITY, row.priority.to_native()),
        ];
        if let ArchivedOption::Some(at) = &row.expires_ms {
            columns.push((column::EXPIRES, at.to_native()));
        }
        let entry = Entry { id: change.id.0, labels: &labels, columns: &columns };
        self.attributes.set(change.ordinal, &entry)?;
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        self.attributes.heap_bytes()
    }
}

pub(super) fn ordered(value: f32) -> i64 {
    cell::from_f64(f64::from(value))
}

/// A label, and of which field.
pub(super) type FieldLabel = (FieldId, Vec<u8>);

pub(super) fn borrowed(labels: &[FieldLabel]) -> Vec<(FieldId, &[u8])> {
    labels.iter().map(|(field, label)| (*field, label.as_slice())).collect()
}

/// The labels of metadata, or of properties, as JSON text.
pub(super) fn declared_labels(declared: &[MetadataIndex], metadata: &str) -> Vec<FieldLabel> {
    if declared.is_empty() || metadata.is_empty() {
        return Vec::new();
    }
    // Text that does not parse has no labels; `verify` reports it with its row.
    let Ok(metadata) = serde_json::from_str::<Value>(metadata) else { return Vec::new() };
    let of_path = |index: &MetadataIndex| {
        let field = field::metadata(index.field);
        metadata_labels(&metadata, &index.path).into_iter().map(move |label| (field, label))
    };
    declared.iter().flat_map(of_path).collect()
}

/// The texts at declared paths, by themselves or in lists.
pub(super) fn declared_texts(
    declared: &[MetadataIndex],
    metadata: &Value,
    mut text: impl FnMut(&str),
) {
    for index in declared {
        texts_at(metadata, &index.path).for_each(&mut text);
    }
}

/// The texts at a path, by themselves or in a list.
pub(super) fn texts_at<'a>(metadata: &'a Value, path: &str) -> impl Iterator<Item = &'a str> {
    let items = match at_path(metadata, path) {
        Some(Value::Array(items)) => &items[..],
        found => found.map_or(&[][..], std::slice::from_ref),
    };
    items.iter().filter_map(Value::as_str)
}

fn at_path<'a>(metadata: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(metadata, |v, step| v.get(step))
}

/// The labels under which a metadata object is found by one path: that there is something, the
/// scalar that is there, and each scalar of a list that is there.
fn metadata_labels(metadata: &Value, path: &str) -> Vec<Vec<u8>> {
    let Some(value) = at_path(metadata, path) else { return Vec::new() };
    let mut labels = vec![vec![PRESENT]];
    match value {
        Value::Array(items) => {
            labels.extend(items.iter().filter_map(Label::of).map(|l| l.encode(true)));
        }
        scalar => labels.extend(Label::of(scalar).map(|l| l.encode(false))),
    }
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// The label of every memory that has anything at a declared path.
const PRESENT: u8 = 0xff;
/// What is added to the type of a scalar that lies in a list.
const IN_LIST: u8 = 0x10;

/// A scalar of metadata as bytes that sort by type, then value.
pub(crate) enum Label<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
}

impl<'a> Label<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => Label::Null,
            Value::Bool(b) => Label::Bool(*b),
            Value::Number(n) => Label::Number(n.as_f64()?),
            Value::String(text) => Label::Text(text),
            Value::Array(_) | Value::Object(_) => return None,
        })
    }

    /// The stored form, of a scalar by itself or in a list.
    pub(crate) fn encode(&self, in_list: bool) -> Vec<u8> {
        let list = if in_list { IN_LIST } else { 0 };
        match self {
            Label::Null => vec![list],
            Label::Bool(b) => vec![1 + list, u8::from(*b)],
            Label::Number(n) => {
                // Flipping the sign bit makes two's complement sort as unsigned bytes.
                let sortable = (cell::from_f64(*n) as u64 ^ 1 << 63).to_be_bytes();
                [&[2 + list], sortable.as_slice()].concat()
            }
            Label::Text(text) => {
                let kept = text.len().min(MAX_METADATA_TEXT);
                [&[3 + list], &text.as_bytes()[..kept]].concat()
            }
        }
    }
}
