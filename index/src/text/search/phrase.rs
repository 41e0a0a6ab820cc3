//! Documents that have words in a row.
//!
//! **Invariant:** positions are read only of documents that have all of the words.

use super::cursor::MemoryList;
use super::meter::Meter;
use crate::image::ImageError;
use crate::text::image::{BLOCK, ListReader, Postings};
use crate::text::part::PartAt;
use crate::text::view::TextError;

/// A term of a phrase, and how far behind the first position it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::text) struct PhraseTerm {
    pub(in crate::text) term: String,
    pub(in crate::text) offset: u32,
}

/// The live documents of a part that have the phrase, and how often. Where no positions are kept, those
/// that have all of its terms, and how often they have the one that they have least.
pub(in crate::text) fn phrase(
    part: &PartAt<'_>,
    terms: &[PhraseTerm],
    meter: &mut Meter<'_>,
) -> Result<MemoryList, TextError> {
    let mut found = MemoryList::default();
    let mut walkers = Vec::with_capacity(terms.len());
    for PhraseTerm { term, offset } in terms {
        match Walker::new(part, term, *offset)? {
            Some(walker) => walkers.push(walker),
            None => return Ok(found),
        }
    }
    walkers.sort_by_key(Walker::len);
    let (Some((rarest, others)), mut entry) = (walkers.split_first_mut(), 0) else {
        return Ok(found);
    };
    let (mut starts, mut more) = (Vec::new(), Vec::new());
    while let Some(candidate) = rarest.seek(entry)? {
        entry = candidate;
        meter.spend(BLOCK / 8)?;
        let mut is_match = true;
        for walker in others.iter_mut() {
            match walker.seek(candidate)? {
                None => return Ok(found),
                Some(found) if found > candidate => {
                    (entry, is_match) = (found, false);
                    break;
                }
                Some(_) => {}
            }
        }
        if !is_match {
            continue;
        }
        entry = candidate + 1;
        if !part.is_live(candidate) {
            continue;
        }
        let tf = if part.has_positions() {
            rarest.starts(&mut starts)?;
            for walker in others.iter_mut() {
                walker.starts(&mut more)?;
                intersect(&mut starts, &more);
            }
            starts.len() as u32
        } else {
            others.iter().map(Walker::tf).fold(rarest.tf(), u32::min)
        };
        if tf > 0 {
            found.entries.push(candidate);
            found.tfs.push(tf);
        }
    }
    Ok(found)
}

/// Keeps in `starts` what is in `more`; both ascend.
fn intersect(starts: &mut Vec<u32>, more: &[u32]) {
    let mut rest = more;
    starts.retain(|&start| {
        rest = &rest[rest.partition_point(|&other| other < start)..];
        rest.first() == Some(&start)
    });
    starts.dedup();
}

/// Postings with positions.
enum Positioned<'a> {
    Stored(ListReader<'a>),
    Memory { entries: Vec<u32>, tfs: Vec<u32>, positions: Vec<u32>, ends: Vec<usize> },
}

/// Walks over the documents of one term.
struct Walker<'a> {
    list: Positioned<'a>,
    offset: u32,
    block: usize,
    /// The block that was read, and whether with its positions.
    read: Option<(usize, bool)>,
    postings: Box<Postings>,
    at: usize,
}

impl<'a> Walker<'a> {
    fn new(part: &PartAt<'a>, term: &str, offset: u32) -> Result<Option<Self>, TextError> {
        let list = match *part {
            PartAt::Sealed { sealed, .. } => match sealed.image.find_term(term)? {
                Some(record) => Positioned::Stored(sealed.image.list(&record)?),
                None => return Ok(None),
            },
            PartAt::Tail(tail) => {
                let Some(mut list) = tail.postings(term) else { return Ok(None) };
                let (mut entries, mut tfs, mut positions, mut ends) = <_>::default();
                while let Some((entry, tf)) =
                    list.next(|position| Vec::push(&mut positions, position))
                {
                    if entry >= tail.entries {
                        break;
                    }
                    Vec::push(&mut entries, entry);
                    Vec::push(&mut tfs, tf);
                    Vec::push(&mut ends, positions.len());
                }
                Positioned::Memory { entries, tfs, positions, ends }
            }
        };
        let postings = Box::default();
        Ok(Some(Self { list, offset, block: 0, read: None, postings, at: 0 }))
    }

    fn len(&self) -> usize {
        match &self.list {
            Positioned::Stored(list) => list.count() as usize,
            Positioned::Memory { entries, .. } => entries.len(),
        }
    }

    /// The first document from `entry` on.
    fn seek(&mut self, entry: u32) -> Result<Option<u32>, ImageError> {
        match &self.list {
            Positioned::Memory { entries, .. } => {
                self.at += entries[self.at..].partition_point(|&found| found < entry);
                Ok(entries.get(self.at).copied())
            }
            Positioned::Stored(list) => loop {
                let block = list.seek(self.block, entry);
                if block >= list.block_count() {
                    return Ok(None);
                }
                if self.read.is_none_or(|(read, _)| read != block) {
                    list.read(block, false, &mut self.postings)?;
                    (self.block, self.at, self.read) = (block, 0, Some((block, false)));
                }
                let rest = &self.postings.entries()[self.at..];
                self.at += rest.partition_point(|&found| found < entry);
                if let Some(&found) = self.postings.entries().get(self.at) {
                    return Ok(Some(found));
                }
                // Only a list of one block does not say where it ends.
                self.block = block + 1;
                if self.block >= list.block_count() {
                    return Ok(None);
                }
            },
        }
    }

    fn tf(&self) -> u32 {
        match &self.list {
            Positioned::Stored(_) => self.postings.tfs[self.at],
            Positioned::Memory { tfs, .. } => tfs[self.at],
        }
    }

    /// Where the phrase would begin, by each occurrence in the present document.
    fn starts(&mut self, into: &mut Vec<u32>) -> Result<(), ImageError> {
        into.clear();
        let offset = self.offset;
        match &self.list {
            Positioned::Memory { positions, ends, .. } => {
                let start = self.at.checked_sub(1).map_or(0, |before| ends[before]);
                let own = &positions[start..ends[self.at]];
                into.extend(own.iter().filter_map(|position| position.checked_sub(offset)));
            }
            Positioned::Stored(list) => {
                if let Some((block, false)) = self.read {
                    list.read(block, true, &mut self.postings)?;
                    self.read = Some((block, true));
                }
                let sum = |tfs: &[u32]| tfs.iter().map(|&tf| tf as usize).sum::<usize>();
                let start = sum(&self.postings.tfs[..self.at]);
                let end = start + self.postings.tfs[self.at] as usize;
                let deltas = self.postings.positions.get(start..end).unwrap_or_default();
                let positions = deltas.iter().scan(0_u32, |position, &delta| {
                    *position = position.saturating_add(delta);
                    Some(*position)
                });
                into.extend(positions.filter_map(|position| position.checked_sub(offset)));
            }
        }
        Ok(())
    }
}
