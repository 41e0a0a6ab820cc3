//! Candidates that are looked at together.
//!
//! **Invariant:** entries ascend. What decides over single candidates does so without a branch: whether one
//! has a word nobody foresees, a processor least of all.

use crate::text::image::{BLOCK, Postings};
use crate::text::view::TextError;

/// Candidates, and what they have scored so far.
pub(super) struct Batch {
    entries: [u32; BLOCK],
    /// How often each has the term that was looked up last.
    tfs: [u32; BLOCK],
    sums: [f64; BLOCK],
    len: usize,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { entries: [0; BLOCK], tfs: [0; BLOCK], sums: [0.0; BLOCK], len: 0 }
    }

    /// Begins anew, with at most [`BLOCK`] entries, which have a term so often; the frequencies may be left
    /// out.
    pub(super) fn begin(&mut self, entries: &[u32], tfs: &[u32]) {
        self.len = entries.len();
        self.entries[..entries.len()].copy_from_slice(entries);
        self.tfs[..tfs.len()].copy_from_slice(tfs);
        self.sums[..entries.len()].fill(0.0);
    }

    pub(super) fn entries(&self) -> &[u32] {
        &self.entries[..self.len]
    }

    pub(super) fn tfs(&self) -> &[u32] {
        &self.tfs[..self.len]
    }

    pub(super) fn sums(&self) -> &[f64] {
        &self.sums[..self.len]
    }

    /// Adds to the sums from the candidate `from` on.
    pub(super) fn add(&mut self, from: usize, shares: &[f64]) {
        for (sum, share) in self.sums[from..self.len].iter_mut().zip(shares) {
            *sum += share;
        }
    }

    /// Drops those whose sums are below `least`.
    pub(super) fn drop_below(&mut self, least: f64) {
        let mut kept = 0;
        for i in 0..self.len.min(BLOCK) {
            (self.entries[kept], self.sums[kept]) = (self.entries[i], self.sums[i]);
            kept += usize::from(self.sums[i] >= least);
        }
        self.len = kept;
    }

    /// Keeps those that `keep` says something of, with what it adds to their sums.
    pub(super) fn retain(
        &mut self,
        mut keep: impl FnMut(u32) -> Result<Option<f64>, TextError>,
    ) -> Result<(), TextError> {
        let mut kept = 0;
        for i in 0..self.len {
            let entry = self.entries[i];
            if let Some(more) = keep(entry)? {
                (self.entries[kept], self.sums[kept]) = (entry, self.sums[i] + more);
                kept += 1;
            }
        }
        self.len = kept;
        Ok(())
    }

    /// Begins to keep those that are met.
    pub(super) fn meeting(&mut self) -> Meeting<'_> {
        Meeting { batch: self, next: 0, kept: 0 }
    }
}

/// A pass over candidates that keeps those which have a term, block by block of its postings.
pub(super) struct Meeting<'b> {
    batch: &'b mut Batch,
    next: usize,
    kept: usize,
}

impl Meeting<'_> {
    /// The next candidate that was not decided over.
    #[inline]
    pub(super) fn next(&self) -> Option<u32> {
        self.batch.entries().get(self.next).copied()
    }

    /// How many of the rest come before `entry`.
    #[inline]
    fn below(&self, entry: u32) -> usize {
        let rest = &self.batch.entries()[self.next..];
        match rest.last() {
            Some(&last) if last < entry => rest.len(),
            _ => rest.partition_point(|&candidate| candidate < entry),
        }
    }

    /// Drops those below `entry`.
    #[inline]
    pub(super) fn skip_to(&mut self, entry: u32) {
        self.next += self.below(entry);
    }

    /// Of those that are no higher than `last` keeps the ones among `postings`.
    #[inline]
    pub(super) fn keep(&mut self, postings: &Postings, last: u32) {
        let end = (self.next + self.below(last.saturating_add(1))).min(BLOCK);
        let Batch { entries, tfs, sums, .. } = &mut *self.batch;
        for i in self.next..end {
            let (entry, sum) = (entries[i], sums[i]);
            let place = postings.place(entry);
            (entries[self.kept], sums[self.kept]) = (entry, sum);
            tfs[self.kept] = postings.tfs[place];
            self.kept += usize::from(postings.entries[place] == entry);
        }
        self.next = end;
    }
}

impl Drop for Meeting<'_> {
    fn drop(&mut self) {
        self.batch.len = self.kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_met_in_blocks() {
        let mut batch = Batch::new();
        batch.begin(&[1, 4, 7, 9, 20, 21, 300], &[]);
        batch.add(0, &[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]);
        let mut postings = Postings::default();
        let mut meeting = batch.meeting();
        meeting.skip_to(3);
        assert_eq!(meeting.next(), Some(4));
        postings.set(&[(3, 1), (4, 2), (9, 3), (10, 1)]);
        meeting.keep(&postings, 19);
        postings.set(&[(21, 7)]);
        meeting.keep(&postings, 21);
        assert_eq!(meeting.next(), Some(300));
        // What was not decided over is not there.
        drop(meeting);
        assert_eq!((batch.entries(), batch.tfs()), (&[4, 9, 21][..], &[2, 3, 7][..]));
        assert_eq!(batch.sums(), [1.0, 2.0, 3.0]);
        batch.drop_below(2.0);
        assert_eq!((batch.entries(), batch.sums()), (&[9, 21][..], &[2.0, 3.0][..]));
    }
}
