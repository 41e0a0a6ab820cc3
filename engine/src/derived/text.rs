//! Words: those of memories, over their content, and those of nodes, over their names.
//!
//! What is written lies in memory, until a job makes a segment of it; segments of a size are merged. A
//! checkpoint stores what the file does not have yet, each segment as an image of its own, and a *manifest*
//! that says which there are and what in them is dead:
//!
//! ```text
//! version u8 | next tag u64 | segments u32 | of each: tag u64 | dead u32 len, roaring bitmap
//! ```
//!
//! Which texts of a memory these are, and in which language each namespace is, [`TextSettings`] say.
//!
//! **Invariant:** every live memory, or node, has one entry, of its present texts. A tag names the same bytes for as
//! long as the numbering lasts.

use super::attributes::texts_at;
use super::checkpoint::{Since, Store};
use super::{Derived, Folded};
use crate::commit::log::Aspects;
use crate::ids::Seq;
use crate::memory::ArchivedMemoryRow;
use crate::rows::Rows;
use crate::text_settings::TextSettings;
use crate::{Error, Result};
use memlith_index::image::SharedSource;
use memlith_index::text::{Bm25, Compacted, Compaction, Segment, TextIndex, TextView};
use roaring::RoaringBitmap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Chosen by measurement on judged sets: decision 0018.
const RANKING: Bm25 = Bm25 { k1: 1.2, b: 0.5, rarity: 1.5 };

/// Segments that a manifest may name; far above what merging leaves.
const MAX_SEGMENTS: usize = 4_096;
const VERSION: u8 = 1;

/// Whose words they are: the names of their images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Of the manifest.
    pub(crate) manifest: &'static str,
    /// What names of segments begin with.
    segment: &'static str,
}

impl Names {
    pub(crate) const MEMORIES: Names = Names { manifest: "text", segment: "text/" };
    pub(crate) const NODES: Names = Names { manifest: "graph/text", segment: "graph/text/" };

    /// Is it the name of one of its images?
    pub(crate) fn has(self, name: &str) -> bool {
        name == self.manifest || name.starts_with(self.segment)
    }

    /// The name of a segment's image.
    pub(crate) fn of_segment(self, tag: u64) -> String {
        format!("{}{tag}", self.segment)
    }
}

/// The writer of a text index.
pub(crate) struct ContentIndex {
    names: Names,
    settings: Arc<TextSettings>,
    index: TextIndex,
    /// The tag of the next segment.
    next_tag: u64,
    /// Segments that no image holds yet, by tag, with their bytes.
    unstored: BTreeMap<u64, usize>,
}

/// Which segments there are, and what in each is dead.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Manifest {
    next_tag: u64,
    segments: Vec<(u64, RoaringBitmap)>,
}

impl ContentIndex {
    /// One without words.
    pub(crate) fn new(names: Names) -> Self {
        Self::under(names, Arc::default(), 0)
    }

    fn under(names: Names, settings: Arc<TextSettings>, next_tag: u64) -> Self {
        let (index, unstored) = (TextIndex::new(settings.analyzer()), BTreeMap::new());
        ContentIndex { names, settings, index, next_tag, unstored }
    }

    /// What it is made under.
    pub(crate) fn settings(&self) -> &Arc<TextSettings> {
        &self.settings
    }

    /// One without words, under other settings; it gives none of the tags that this one has given.
    pub(crate) fn anew(&self, settings: &Arc<TextSettings>) -> Self {
        Self::under(self.names, Arc::clone(settings), self.next_tag)
    }

    /// The index of a manifest, whose segments are opened by the name of their image.
    pub(crate) fn open(
        names: Names,
        settings: &Arc<TextSettings>,
        manifest: &SharedSource,
        mut segment: impl FnMut(String) -> Result<SharedSource>,
    ) -> Result<Self> {
        let manifest = Manifest::decode(manifest.get(0..manifest.len())?)?;
        let mut segments = Vec::with_capacity(manifest.segments.len());
        for (tag, dead) in manifest.segments {
            segments.push(Segment { tag, source: segment(names.of_segment(tag))?, dead });
        }
        let index = TextIndex::from_segments(segments, settings.analyzer())?;
        let fresh = Self::under(names, Arc::clone(settings), manifest.next_tag);
        Ok(ContentIndex { index, ..fresh })
    }

    pub(crate) fn version(&self, seq: Seq) -> TextView {
        self.index.view(seq.0).with_parameters(RANKING)
    }

    /// The tag of the next segment.
    pub(crate) fn next_tag(&self) -> u64 {
        self.next_tag
    }

    /// Takes in a text of a namespace, in the place of the one that was there.
    pub(super) fn insert(
        &mut self,
        ordinal: u32,
        (namespace, text): (&str, &str),
        seq: Seq,
    ) -> Result<()> {
        let language = self.settings.language_in(namespace);
        Ok(self.index.insert_fields(ordinal, &[(text, 1)], language, seq.0)?)
    }

    /// Takes in what a memory is found by.
    fn insert_memory(&mut self, ordinal: u32, row: &ArchivedMemoryRow, seq: Seq) -> Result<()> {
        let TextSettings { tags, metadata, .. } = &*self.settings;
        let mut fields: Vec<(&str, u8)> = vec![(&row.content, 1)];
        if *tags > 0 {
            fields.extend(row.tags.iter().map(|tag| (tag.as_str(), *tags)));
        }
        // Metadata that does not parse has no words; `verify` reports it with its row.
        let has_any = !metadata.is_empty() && !row.metadata.is_empty();
        let parsed: Value = if has_any {
            serde_json::from_str(&row.metadata).unwrap_or_default()
        } else {
            Value::Null
        };
        for (path, times) in metadata {
            fields.extend(texts_at(&parsed, path).map(|text| (text, *times)));
        }
        let language = self.settings.language_in(&row.namespace);
        Ok(self.index.insert_fields(ordinal, &fields, language, seq.0)?)
    }

    pub(super) fn remove(&mut self, ordinal: u32, seq: Seq) -> Result<()> {
        self.index.remove(ordinal, seq.0)?;
        Ok(())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.index.heap_bytes() + self.unstored.values().sum::<usize>()
    }

    /// Gives no tag that the name of one of these images has.
    pub(crate) fn pass_over<'a>(&mut self, images: impl Iterator<Item = &'a str>) {
        let tags =
            images.filter_map(|name| name.strip_prefix(self.names.segment)?.parse::<u64>().ok());
        self.next_tag = tags.map(|tag| tag.saturating_add(1)).fold(self.next_tag, u64::max);
    }

    /// Why there is a segment to be made, if there is: of so many texts in memory, or of segments.
    pub(crate) fn is_due(&self, tail: u64) -> Option<&'static str> {
        if self.index.is_merge_due() {
            Some("segments of text are many of one size, or much in one is dead")
        } else if self.index.unsealed() >= tail {
            Some("many texts lie in memory")
        } else {
            None
        }
    }

    /// Begins to make it. Segments that are due to be merged go first, so that they stay few.
    pub(crate) fn begin_segment(&mut self, tail: u64) -> Option<Compaction> {
        let merge = self.index.merge();
        if merge.is_none() && self.index.unsealed() >= tail {
            return self.index.seal();
        }
        merge
    }

    /// Takes in a segment that was made. False if what it was made of is of this index no more.
    pub(crate) fn adopt(&mut self, made: Compacted) -> bool {
        let Compacted { image, receipt } = made;
        let (tag, len) = (self.next_tag, image.len());
        if self.index.adopt(&receipt, tag, Arc::new(image)).is_err() {
            return false;
        }
        self.next_tag += 1;
        self.unstored.insert(tag, len);
        let tags: Vec<u64> = self.index.tags().collect();
        self.unstored.retain(|tag, _| tags.contains(tag));
        true
    }
}

/// Gives `store` the images of a version: each segment under its name, then what lies in memory as a segment
/// of its own, then the manifest. `store` says whether to go on.
pub(crate) fn store_text(
    names: Names,
    view: &TextView,
    next_tag: u64,
    store: &mut Store<'_>,
) -> Result<bool> {
    let mut manifest = Manifest { next_tag, segments: Vec::new() };
    for Segment { tag, source, dead } in view.segments() {
        let bytes = || Ok(source.get(0..source.len())?.to_vec());
        // Which is never written to.
        if !store(names.of_segment(tag), Since::Unchanged, &bytes)? {
            return Ok(false);
        }
        manifest.segments.push((tag, dead));
    }
    if let Some(image) = view.write_unsealed()? {
        if !store(names.of_segment(next_tag), Since::Changed, &|| Ok(image.clone()))? {
            return Ok(false);
        }
        manifest.segments.push((next_tag, RoaringBitmap::new()));
        manifest.next_tag = next_tag.saturating_add(1);
    }
    store(names.manifest.into(), Since::Changed, &|| manifest.encode())
}

impl Manifest {
    fn encode(&self) -> Result<Vec<u8>> {
        let mut out = vec![VERSION];
        out.extend(self.next_tag.to_le_bytes());
        out.extend((self.segments.len() as u32).to_le_bytes());
        for (tag, dead) in &self.segments {
            out.extend(tag.to_le_bytes());
            out.extend((dead.serialized_size() as u32).to_le_bytes());
            dead.serialize_into(&mut out).map_err(|e| Error::io("writing a bitmap", e))?;
        }
        Ok(out)
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let bad = || Error::corruption("text manifest", "segments and their dead", "other bytes");
        Self::parse(bytes).ok_or_else(bad)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let (next_tag, rest) = rest.split_first_chunk()?;
        let (count, mut rest) = rest.split_first_chunk()?;
        let (next_tag, count) = (u64::from_le_bytes(*next_tag), u32::from_le_bytes(*count));
        if count as usize > MAX_SEGMENTS {
            return None;
        }
        let mut segments: Vec<(u64, RoaringBitmap)> = Vec::new();
        for _ in 0..count {
            let (tag, behind) = rest.split_first_chunk()?;
            let (len, behind) = behind.split_first_chunk()?;
            let (dead, behind) = behind.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            let (tag, dead) =
                (u64::from_le_bytes(*tag), RoaringBitmap::deserialize_from(dead).ok()?);
            if tag >= next_tag || segments.iter().any(|(other, _)| *other == tag) {
                return None;
            }
            segments.push((tag, dead));
            rest = behind;
        }
        rest.is_empty().then_some(Manifest { next_tag, segments })
    }
}

impl Derived for ContentIndex {
    fn name(&self) -> String {
        self.names.manifest.into()
    }

    fn fold(&mut self, seq: Seq, change: &Folded<'_>, _: &dyn Rows) -> Result<()> {
        match change.row {
            Some(row)
                if change.aspects.has(Aspects::CONTENT)
                    || self.settings.has_fields() && change.aspects.has(Aspects::ATTRIBUTES) =>
            {
                self.insert_memory(change.ordinal, row, seq)?;
            }
            Some(_) => {}
            None => self.remove(change.ordinal, seq)?,
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        ContentIndex::heap_bytes(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back_and_nothing_else_does() {
        let dead = RoaringBitmap::from_sorted_iter([1, 5, 70_000]).unwrap();
        let segments = vec![(3, dead), (0, RoaringBitmap::new())];
        let manifest = Manifest { next_tag: 4, segments };
        let bytes = manifest.encode().unwrap();
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        for cut in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        // A tag that is still to be given, or that comes twice.
        let of = |next_tag, tags: &[u64]| Manifest {
            next_tag,
            segments: tags.iter().map(|tag| (*tag, RoaringBitmap::new())).collect(),
        };
        for bad in [of(3, &[3]), of(9, &[2, 2])] {
            assert!(Manifest::decode(&bad.encode().unwrap()).is_err());
        }
    }
}
