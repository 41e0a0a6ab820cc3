//! A segment, and what became of its entries since it was written.
//!
//! **Invariant:** how many live documents have a term is exact at every sequence, and asking again costs
//! what has died since.

use super::deaths::Deaths;
use super::image::{Image, ListReader, Postings, TermRecord};
use super::tiers::Size;
use super::writer::Segment;
use crate::image::ImageError;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Terms whose dead are remembered.
const MAX_COUNTED: usize = 4096;

pub(super) struct Sealed {
    /// What the caller calls it.
    pub(super) tag: u64,
    pub(super) image: Image,
    pub(super) deaths: Deaths,
    /// By term: how many deaths were looked at, and how many of those had it.
    counted: Mutex<HashMap<TermRecord, (usize, u32)>>,
}

impl Sealed {
    pub(super) fn new(image: Image, tag: u64) -> Self {
        let deaths = Deaths::new(image.documents());
        Self { tag, image, deaths, counted: Mutex::default() }
    }

    /// How large it is at `seq`.
    pub(super) fn size(&self, seq: u64) -> Size {
        let all = u64::from(self.image.documents());
        Size { live: all - (self.deaths.count_at(seq) as u64).min(all), all }
    }

    /// As it is kept between two runs.
    pub(super) fn segment(&self, seq: u64) -> Segment {
        let dead = self.deaths.between(0, self.deaths.count_at(seq)).into_iter().collect();
        Segment { tag: self.tag, source: self.image.source(), dead }
    }

    /// How many documents that live at `seq` have the term. Costs a look at the list for each of those
    /// that died since the last time.
    pub(super) fn frequency(
        &self,
        record: &TermRecord,
        list: &ListReader<'_>,
        seq: u64,
    ) -> Result<u64, ImageError> {
        let all = u64::from(list.count());
        let deaths = self.deaths.count_at(seq);
        if deaths == 0 {
            return Ok(all);
        }
        let counted = || self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counted().get(record).copied().unwrap_or_default();
        let dead = if known.0 <= deaths {
            known.1 + count_among(list, &self.deaths.between(known.0, deaths))?
        } else {
            known.1 - count_among(list, &self.deaths.between(deaths, known.0))?.min(known.1)
        };
        if known.0 < deaths {
            let mut counted = counted();
            if counted.len() >= MAX_COUNTED {
                counted.clear();
            }
            counted.insert(record.clone(), (deaths, dead));
        }
        Ok(all.saturating_sub(u64::from(dead)))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner).capacity();
        self.deaths.heap_bytes() + counted * size_of::<(TermRecord, (usize, u32))>()
    }
}

/// How many of `entries`, which ascend, are in the list.
fn count_among(list: &ListReader<'_>, entries: &[u32]) -> Result<u32, ImageError> {
    let mut postings = Postings::default();
    let (mut block, mut read, mut count) = (0, None, 0);
    for &entry in entries {
        block = list.seek(block, entry);
        if block >= list.block_count() {
            break;
        }
        if list.span(block)?.first > entry {
            continue;
        }
        if read != Some(block) {
            list.read(block, false, &mut postings)?;
            read = Some(block);
        }
        count += u32::from(postings.entries().binary_search(&entry).is_ok());
    }
    Ok(count)
}
