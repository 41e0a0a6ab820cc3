//! Documents that have at least one of several terms: `MaxScore` over windows of entries.
//!
//! Of each window the terms that could not lift a document over the cutoff by themselves, even together,
//! are not *essential*: the others are added up over the whole window, and these are looked up only for
//! documents that they could lift. A window without an essential term is not read at all.
//!
//! **Invariant:** every live document with a sum that the collector wants is handed over, with all of its
//! terms added up.

use super::Search;
use super::cursor::{Cursor, END};
use super::top::Collector;
use crate::text::WINDOW;
use crate::text::bm25::Scorer;
use crate::text::image::BLOCK;
use crate::text::part::Window;
use crate::text::view::TextError;

/// Sums of the documents of one window.
struct Sums {
    sums: Vec<f64>,
    touched: [u64; (WINDOW / u64::BITS) as usize],
}

impl Sums {
    fn new() -> Self {
        let sums = vec![0.0; WINDOW as usize];
        Self { sums, touched: [0; (WINDOW / u64::BITS) as usize] }
    }

    /// Adds the postings of `cursor` in the window that begins at `first`, and says how many.
    fn add(
        &mut self,
        cursor: &mut Cursor<'_>,
        first: u32,
        window: &Window<'_>,
        scorer: &Scorer,
    ) -> Result<usize, TextError> {
        let end = first + (WINDOW - 1);
        let mut added = 0;
        let mut shares = [0.0; BLOCK];
        cursor.move_to(first, scorer)?;
        while cursor.first() <= end {
            cursor.load()?;
            let (entries, tfs) = cursor.rest();
            let skipped = entries.partition_point(|&entry| entry < first);
            let count = if cursor.last() <= end {
                entries.len()
            } else {
                entries.partition_point(|&entry| entry <= end)
            };
            let postings = (&entries[skipped..count], &tfs[skipped..count]);
            window.contributions(postings, cursor.weight, scorer, &mut shares);
            for (&entry, score) in postings.0.iter().zip(shares) {
                let offset = (entry - first) as usize % WINDOW as usize;
                self.sums[offset] += score;
                self.touched[offset / 64] |= 1 << (offset % 64);
            }
            added += count;
            if cursor.last() > end {
                cursor.pass(count);
                break;
            }
            cursor.next_block(scorer)?;
        }
        Ok(added)
    }
}

impl Search<'_, '_, '_> {
    /// Searches one part.
    pub(super) fn any(
        &mut self,
        cursors: &mut [Cursor<'_>],
        excluded: &mut [Cursor<'_>],
        collector: &mut impl Collector,
    ) -> Result<(), TextError> {
        let (part, scorer) = (self.part, self.scorer);
        let mut sums = Sums::new();
        // By ascending bound in the window.
        let mut order: Vec<usize> = (0..cursors.len()).collect();
        let mut bounds = vec![0.0; cursors.len()];
        let mut position = 0;
        loop {
            let mut next = END;
            for cursor in cursors.iter_mut() {
                cursor.move_to(position, scorer)?;
                next = next.min(cursor.first().max(position));
            }
            if next == END || next >= part.entries() {
                return Ok(());
            }
            let first = next - next % WINDOW;
            let end = first.saturating_add(WINDOW);
            for (cursor, bound) in cursors.iter().zip(&mut bounds) {
                *bound = cursor.bound_below(end, scorer)?;
            }
            order.sort_by(|&a, &b| bounds[a].total_cmp(&bounds[b]));

            let window = part.window(first)?;
            let lowest = if part.is_sorted() { window.ordinal(0) } else { 0 };
            let cutoff = collector.cutoff(lowest);
            let mut spare = 0.0;
            let mut spared = 0;
            while let Some(&at) = order.get(spared)
                && spare + bounds[at] < cutoff
            {
                spare += bounds[at];
                spared += 1;
            }
            if spared == order.len() {
                // Nothing changes before the first block ends.
                let until = cursors.iter().filter(|c| !c.is_done()).map(|c| match c.first() {
                    first if first >= end => first,
                    _ => c.last().saturating_add(1),
                });
                let until = until.min().unwrap_or(END);
                position = end.max(until - until % WINDOW);
                self.meter.spend(BLOCK)?;
                continue;
            }
            let (spared, essential) = order.split_at(spared);
            let mut visited = BLOCK;
            for &at in essential {
                visited += sums.add(&mut cursors[at], first, &window, scorer)?;
            }
            self.meter.spend(visited)?;
            for word in 0..sums.touched.len() {
                let mut bits = std::mem::take(&mut sums.touched[word]);
                while bits != 0 {
                    let offset = word * 64 + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    let sum = std::mem::take(&mut sums.sums[offset]);
                    if sum + spare < collector.cutoff(lowest) || !window.is_live(offset) {
                        continue;
                    }
                    let ordinal = window.ordinal(offset);
                    let cutoff = collector.cutoff(ordinal);
                    if sum + spare < cutoff
                        || self.filter.is_some_and(|filter| !filter.contains(ordinal))
                    {
                        continue;
                    }
                    let entry = first + offset as u32;
                    let sum = self.add_spared(
                        (entry, window.length(offset)),
                        sum,
                        spare,
                        (spared, &bounds),
                        cursors,
                        cutoff,
                    )?;
                    if let Some(sum) = sum
                        && collector.wants(ordinal, sum)
                        && !has_any(excluded, entry, scorer)?
                    {
                        collector.take(ordinal, sum);
                    }
                }
            }
            if end == END {
                return Ok(());
            }
            position = end;
        }
    }

    /// Adds the terms that were spared to the sum of a document; `None` once it is too low.
    fn add_spared(
        &self,
        (entry, length): (u32, u32),
        mut sum: f64,
        mut spare: f64,
        (spared, bounds): (&[usize], &[f64]),
        cursors: &mut [Cursor<'_>],
        cutoff: f64,
    ) -> Result<Option<f64>, TextError> {
        for &at in spared.iter().rev() {
            if sum + spare < cutoff {
                return Ok(None);
            }
            spare -= bounds[at];
            let cursor = &mut cursors[at];
            let tf = cursor.tf_of(entry, self.scorer)?;
            if tf > 0 {
                sum += self.scorer.contribution(cursor.weight, tf, length);
            }
        }
        Ok(Some(sum))
    }
}

/// Does the document have any of the terms?
pub(super) fn has_any(
    cursors: &mut [Cursor<'_>],
    entry: u32,
    scorer: &Scorer,
) -> Result<bool, TextError> {
    for cursor in cursors {
        if cursor.tf_of(entry, scorer)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
