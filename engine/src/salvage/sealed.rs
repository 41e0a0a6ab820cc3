//! Sealed vectors of a damaged file: which segments there may be, and what can be had from them.
//!
//! Segments are named by the rows of the state and of the commit before; where such rows are lost,
//! the chunks that begin as a segment does are taken as well. A segment may be damaged, or another
//! by now: that decides nothing, the digest of a vector does.
//!
//! **Invariant:** nothing read here counts before its digest has been compared. No more than the ids
//! of segments stay in memory, and no segment is taken that would not fit the file.

use super::page::Tree;
use super::survey::Survey;
use super::tree::{Step, Trees, Walked};
use crate::Result;
use crate::file::Wreck;
use crate::memory::vector_digest;
use crate::schema::SEALED;
use crate::sealed::{Layout, SealedRow};
use redb::TableHandle;
use std::collections::{BTreeMap, HashMap};

/// Vectors that are read at once.
const BATCH: usize = 1_024;

/// What may be a segment.
struct Candidate {
    layout: Layout,
    /// Where in the file it begins.
    at: u64,
    ids: Vec<u64>,
}

/// Everything that may be a segment.
#[derive(Default)]
pub(super) struct Shelf {
    /// The newest last.
    candidates: Vec<Candidate>,
    /// Vectors that were found by their digest alone: which candidate, and the place in it.
    found: HashMap<(u32, u64), (usize, u32)>,
}

/// Digests of vectors, by space and memory.
pub(super) type Wanted = HashMap<(u32, u64), [u8; 16]>;

impl Shelf {
    /// Gathers the segments of a file. Returns how many pages of their rows are lost.
    pub(super) fn gather(survey: &Survey<'_>) -> Result<(Shelf, u64)> {
        let wreck = survey.wreck;
        let mut rows: BTreeMap<u64, (u32, Layout)> = BTreeMap::new();
        let mut gaps = 0;
        let trees = Trees::new(wreck);
        let mut take = |tree: Tree, gaps: &mut u64| {
            trees.walk(tree, &mut Walked::default(), &mut |step| {
                match step {
                    Step::Row(row) => {
                        if let Some(row) = SealedRow::parse(row.key, row.value) {
                            let at = wreck.extent_offset(row.segment.extent);
                            rows.entry(at).or_insert((row.number, row.layout()));
                        }
                    }
                    Step::Gap(..) => *gaps += 1,
                }
                Ok(())
            })
        };
        take(survey.state.tables.tree(SEALED.name()), &mut gaps)?;
        if let Some(other) = &survey.state.other {
            take(other.tree(SEALED.name()), &mut 0)?;
        }
        if gaps > 0 || !survey.state.is_newest {
            for at in wreck.chunk_offsets() {
                let header = wreck.read_file(at, 64);
                if let Some(layout) = header.and_then(|bytes| Layout::of_header(&bytes)) {
                    rows.entry(at).or_insert((0, layout));
                }
            }
        }
        let mut rows: Vec<(u64, u32, Layout)> =
            rows.into_iter().map(|(at, (number, layout))| (at, number, layout)).collect();
        rows.sort_by_key(|(_, number, _)| *number);
        let candidate = |(at, _, layout): (u64, u32, Layout)| {
            let len = Layout::id_at(layout.count) - Layout::id_at(0);
            let ids = wreck.read_file(at + Layout::id_at(0) as u64, len as u64)?;
            let ids = ids.as_chunks().0.iter().map(|id| u64::from_le_bytes(*id)).collect();
            Some(Candidate { layout, at, ids })
        };
        let candidates = rows.into_iter().filter_map(candidate).collect();
        Ok((Shelf { candidates, found: HashMap::new() }, gaps))
    }

    /// A vector that has this digest.
    pub(super) fn get(
        &self,
        wreck: &Wreck,
        (space, id): (u32, u64),
        digest: &[u8; 16],
    ) -> Option<Vec<u8>> {
        let read = |candidate: &Candidate, index: u32| {
            let packed = candidate.read(wreck, index, 1)?;
            let row = candidate.layout.unpack(&packed)?;
            (vector_digest(&row) == *digest).then(|| row.into_owned())
        };
        if let Some((which, index)) = self.found.get(&(space, id)) {
            return read(self.candidates.get(*which)?, *index);
        }
        self.candidates.iter().rev().filter(|c| c.layout.space.0 == space).find_map(|candidate| {
            let index = candidate.ids.binary_search(&id).ok()?;
            read(candidate, index as u32)
        })
    }

    /// Looks through all segments for vectors whose ids cannot be read where they should be; takes
    /// those that it finds from `wanted`.
    pub(super) fn search(&mut self, wreck: &Wreck, wanted: &mut Wanted) {
        let mut by_digest: HashMap<(u32, [u8; 16]), Vec<u64>> = HashMap::new();
        for ((space, id), digest) in &*wanted {
            by_digest.entry((*space, *digest)).or_default().push(*id);
        }
        for (which, candidate) in self.candidates.iter().enumerate() {
            let (space, len) = (candidate.layout.space.0, candidate.layout.vector_len());
            for first in (0..candidate.layout.count).step_by(BATCH) {
                let count = (candidate.layout.count - first).min(BATCH as u32);
                let Some(bytes) = candidate.read(wreck, first, count) else { continue };
                for (index, packed) in (first..).zip(bytes.chunks_exact(len)) {
                    let Some(row) = candidate.layout.unpack(packed) else { continue };
                    let ids = by_digest.remove(&(space, vector_digest(&row)));
                    for id in ids.into_iter().flatten() {
                        wanted.remove(&(space, id));
                        self.found.insert((space, id), (which, index));
                    }
                }
            }
        }
    }

    /// Spaces and memories of all vectors that there may be; some of them twice.
    pub(super) fn ids(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.candidates.iter().flat_map(|c| c.ids.iter().map(|id| (c.layout.space.0, *id)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }
}

impl Candidate {
    /// Vectors that follow one another.
    fn read(&self, wreck: &Wreck, first: u32, count: u32) -> Option<Vec<u8>> {
        let at = self.at + self.layout.vector_at(first) as u64;
        wreck.read_file(at, u64::from(count) * self.layout.vector_len() as u64)
    }
}
