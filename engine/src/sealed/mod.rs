//! Sealed vectors: full-precision vectors in immutable, mapped segments, named by rows.
//!
//! ```text
//! Table::Vectors   what was written lately: one row a vector
//!      |  sealing (commit/seal.rs): segment durable, then its row in and the vectors' rows out,
//!      v                            in one durable commit
//! schema::SEALED   space, number -> segment of many vectors, read in place
//!      |  merging (commit/merge.rs): several into one, without what no row names any more
//!      v
//! ```
//!
//! A sealed vector is *truth*: there is no other copy of it. The vector of a memory or a node in a
//! space is its row, if there is one, else what the newest segment of the space has under its
//! number. Whether it has a vector there at all only [its own row](crate::owner) tells: copies of
//! vectors that were replaced, or whose memory or node is gone, stay in their segment until it is
//! merged.
//!
//! **Invariant:** a [`SealedVectors`] shows the segments that the rows of one instant name, and
//! while it lives none of them gives its space back. It reads nothing before it is asked for a
//! vector, and answers with the bytes that were sealed or with an error.

#[cfg(test)]
mod measure;
mod row;
mod segment;
mod unnamed;
mod writer;

pub(crate) use row::{Layout, SealedRow};
pub(crate) use segment::SealedSegment;
pub(crate) use unnamed::Unnamed;
pub(crate) use writer::SealedWriter;

use crate::Result;
use crate::file::Container;
use crate::ids::SpaceId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Vectors that one segment holds at most: their ids are gathered in memory when it is written.
pub(crate) const MAX_COUNT: usize = 1 << 22;

/// A vector in a segment.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) segment: Arc<SealedSegment>,
    /// Its place among the vectors of the segment.
    pub(crate) index: u32,
}

/// The sealed segments of one instant.
#[derive(Clone, Default)]
pub(crate) struct SealedVectors {
    /// By space, in ascending order of their numbers.
    spaces: BTreeMap<SpaceId, Vec<Arc<SealedSegment>>>,
    figures: Arc<Figures>,
}

/// The sealed vectors of a space in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SealedFigures {
    pub(crate) segments: u64,
    /// Those that no row names any more included.
    pub(crate) vectors: u64,
    /// Bytes of content.
    pub(crate) bytes: u64,
}

/// The same by space.
pub(crate) type Figures = BTreeMap<SpaceId, SealedFigures>;

impl SealedVectors {
    /// The segments that `rows` name, whose extents the container has registered.
    pub(crate) fn open(container: &Container, rows: Vec<SealedRow>) -> Result<Self> {
        let mut spaces: BTreeMap<SpaceId, Vec<Arc<SealedSegment>>> = BTreeMap::new();
        for row in rows {
            let segment = Arc::new(SealedSegment::new(container, row)?);
            spaces.entry(row.space).or_default().push(segment);
        }
        for segments in spaces.values_mut() {
            segments.sort_by_key(|s| s.row.number);
        }
        Ok(Self::of(spaces))
    }

    fn of(spaces: BTreeMap<SpaceId, Vec<Arc<SealedSegment>>>) -> Self {
        let figures_of = |segments: &Vec<Arc<SealedSegment>>| SealedFigures {
            segments: segments.len() as u64,
            vectors: segments.iter().map(|s| u64::from(s.row.count)).sum(),
            bytes: segments.iter().map(|s| s.row.segment.len).sum(),
        };
        let figures = spaces.iter().map(|(space, segments)| (*space, figures_of(segments)));
        let figures = Arc::new(figures.collect());
        SealedVectors { spaces, figures }
    }

    /// The same without some segments, and with others.
    pub(crate) fn exchanged(
        &self,
        gone: &[Arc<SealedSegment>],
        added: &[Arc<SealedSegment>],
    ) -> Self {
        let mut spaces = self.spaces.clone();
        for segment in gone {
            if let Some(segments) = spaces.get_mut(&segment.row.space) {
                segments.retain(|s| s.row.number != segment.row.number);
            }
        }
        for segment in added {
            let segments = spaces.entry(segment.row.space).or_default();
            let at = segments.partition_point(|s| s.row.number < segment.row.number);
            segments.insert(at, segment.clone());
        }
        spaces.retain(|_, segments| !segments.is_empty());
        Self::of(spaces)
    }

    /// Where the newest copy of a vector is. Costs a step or two in each segment whose range of
    /// ids includes it.
    pub(crate) fn find(&self, space: SpaceId, owner: u64) -> Result<Option<Sealed>> {
        for segment in self.of_space(space).iter().rev() {
            if let Some(index) = segment.find(owner)? {
                return Ok(Some(Sealed { segment: segment.clone(), index }));
            }
        }
        Ok(None)
    }

    /// Reads the newest copy of a vector into a slice of its dimension; is there one?
    pub(crate) fn read(&self, space: SpaceId, owner: u64, out: &mut [f32]) -> Result<bool> {
        for segment in self.of_space(space).iter().rev() {
            if let Some(index) = segment.find(owner)? {
                return segment.read(index, out).map(|()| true);
            }
        }
        Ok(false)
    }

    /// The segments of a space, the newest last.
    pub(crate) fn of_space(&self, space: SpaceId) -> &[Arc<SealedSegment>] {
        self.spaces.get(&space).map_or(&[], Vec::as_slice)
    }

    /// The segments of a space that are newer than one of it.
    pub(crate) fn newer_than(&self, row: &SealedRow) -> &[Arc<SealedSegment>] {
        let segments = self.of_space(row.space);
        &segments[segments.partition_point(|s| s.row.number <= row.number)..]
    }

    /// The spaces that have any.
    pub(crate) fn spaces(&self) -> impl Iterator<Item = SpaceId> + '_ {
        self.spaces.keys().copied()
    }

    /// All segments.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<SealedSegment>> {
        self.spaces.values().flatten()
    }

    /// The highest number of a segment.
    pub(crate) fn last_number(&self) -> u32 {
        self.segments().map(|s| s.row.number).max().unwrap_or_default()
    }

    /// How much there is, by space. Keeps no space of the file.
    pub(crate) fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }
}
