//! Documents that have all of several terms, and those of a small set.
//!
//! A *lead* brings candidates in batches: the rarest of the groups that are required, or the documents of
//! a filter that keeps few. A group is one term or several of which any will do. The other groups are
//! looked up for what is left of a batch, one after the other, and only what has passed them all is
//! scored. A block of a lead that cannot reach the cutoff is not read.
//!
//! **Invariant:** every live document that has a term of each group, and a sum that the collector wants,
//! is handed over.

use super::any::has_any;
use super::batch::Batch;
use super::cursor::Cursor;
use super::top::Collector;
use super::{Group, Search};
use crate::image::ImageError;
use crate::text::WINDOW;
use crate::text::bm25::Scorer;
use crate::text::image::BLOCK;
use crate::text::part::{PartAt, Window};
use crate::text::view::TextError;

/// Where candidates come from.
pub(super) enum Lead<'a> {
    /// A term, which counts too.
    Cursor(Box<Cursor<'a>>),
    /// Entries, ascending.
    Entries(Vec<u32>),
}

/// The windows of a part, as far as they were looked at.
struct Documents<'a> {
    part: PartAt<'a>,
    windows: Vec<Option<Window<'a>>>,
}

impl<'a> Documents<'a> {
    fn of(part: PartAt<'a>) -> Self {
        let windows = part.entries().div_ceil(WINDOW);
        Self { part, windows: (0..windows).map(|_| None).collect() }
    }

    /// The window of `entry`, and its place there.
    fn find(&mut self, entry: u32) -> Result<(&Window<'a>, usize), ImageError> {
        let known = &mut self.windows[(entry / WINDOW) as usize];
        let window = match known {
            Some(window) => window,
            None => known.insert(self.part.window(entry - entry % WINDOW)?),
        };
        Ok((window, (entry % WINDOW) as usize))
    }

    /// Adds what a term of `weight` contributes, by the frequencies that the batch has of it.
    fn add(&mut self, batch: &mut Batch, weight: f64, scorer: &Scorer) -> Result<(), ImageError> {
        let mut done = 0;
        while let Some(&entry) = batch.entries().get(done) {
            // A batch may span windows.
            let end = entry - entry % WINDOW + (WINDOW - 1);
            let count = batch.entries()[done..].partition_point(|&entry| entry <= end);
            let (window, _) = self.find(entry)?;
            let range = done..done + count;
            let postings = (&batch.entries()[range.clone()], &batch.tfs()[range]);
            let mut shares = [0.0; BLOCK];
            window.contributions(postings, weight, scorer, &mut shares);
            batch.add(done, &shares[..count]);
            done += count;
        }
        Ok(())
    }
}

impl<'a> Search<'a, '_, '_> {
    /// Searches one part.
    pub(super) fn all(
        &mut self,
        lead: Lead<'a>,
        groups: &mut [Group<'a>],
        optional: &mut [Cursor<'a>],
        excluded: &mut [Cursor<'a>],
        collector: &mut impl Collector,
    ) -> Result<(), TextError> {
        let optional_bound = optional.iter().map(|cursor| cursor.bound).sum();
        let mut documents = Documents::of(self.part);
        let mut batch = Batch::new();
        let mut rest = Rest { groups, optional, optional_bound, excluded };
        match lead {
            Lead::Cursor(mut lead) => {
                let mut lowest = 0;
                while !lead.is_done() {
                    let bound = lead.block_bound() + rest.bound(&lead, self)?;
                    if bound >= collector.cutoff(lowest) {
                        lead.load()?;
                        let (entries, tfs) = lead.rest();
                        batch.begin(entries, tfs);
                        documents.add(&mut batch, lead.weight, self.scorer)?;
                        self.batch(&mut batch, lowest, &mut rest, &mut documents, collector)?;
                        if self.part.is_sorted() {
                            let (window, at) = documents.find(lead.last())?;
                            lowest = window.ordinal(at).saturating_add(1);
                        }
                    }
                    self.meter.spend(BLOCK)?;
                    // On to where the others are.
                    let next = rest.next(lead.last().saturating_add(1), self)?;
                    lead.next_block(self.scorer)?;
                    lead.move_to(next, self.scorer)?;
                }
            }
            Lead::Entries(entries) => {
                for entries in entries.chunks(BLOCK) {
                    batch.begin(entries, &[]);
                    self.batch(&mut batch, 0, &mut rest, &mut documents, collector)?;
                    self.meter.spend(BLOCK)?;
                }
            }
        }
        Ok(())
    }

    /// Looks the rest up for candidates, and hands over what is left.
    fn batch(
        &mut self,
        batch: &mut Batch,
        lowest: u32,
        rest: &mut Rest<'_, '_>,
        documents: &mut Documents<'a>,
        collector: &mut impl Collector,
    ) -> Result<(), TextError> {
        let scorer = self.scorer;
        // What the groups that are still to come add at most.
        let mut open = rest.groups.iter().map(|group| group.bound).sum::<f64>();
        for group in rest.groups.iter_mut() {
            batch.drop_below(collector.cutoff(lowest) - (open + rest.optional_bound));
            open -= group.bound;
            if let [cursor] = &mut group.cursors[..] {
                cursor.meet(batch, scorer)?;
                documents.add(batch, cursor.weight, scorer)?;
                continue;
            }
            batch.retain(|entry| {
                let mut found = None;
                for cursor in &mut group.cursors {
                    let tf = cursor.tf_of(entry, scorer)?;
                    if tf > 0 {
                        let (window, at) = documents.find(entry)?;
                        let more = scorer.contribution(cursor.weight, tf, window.length(at));
                        found = Some(found.unwrap_or(0.0) + more);
                    }
                }
                Ok(found)
            })?;
        }
        for (&entry, &sum) in batch.entries().iter().zip(batch.sums()) {
            let mut sum = sum;
            if sum + rest.optional_bound < collector.cutoff(lowest) {
                continue;
            }
            let (window, at) = documents.find(entry)?;
            let ordinal = window.ordinal(at);
            if sum + rest.optional_bound < collector.cutoff(ordinal)
                || !window.is_live(at)
                || self.filter.is_some_and(|filter| !filter.contains(ordinal))
            {
                continue;
            }
            let length = window.length(at);
            for cursor in rest.optional.iter_mut() {
                let tf = cursor.tf_of(entry, scorer)?;
                if tf > 0 {
                    sum += scorer.contribution(cursor.weight, tf, length);
                }
            }
            if collector.wants(ordinal, sum) && !has_any(rest.excluded, entry, scorer)? {
                collector.take(ordinal, sum);
            }
        }
        Ok(())
    }
}

/// What candidates are looked up in.
struct Rest<'r, 'a> {
    groups: &'r mut [Group<'a>],
    optional: &'r mut [Cursor<'a>],
    optional_bound: f64,
    excluded: &'r mut [Cursor<'a>],
}

impl Rest<'_, '_> {
    /// What all of it adds at most to documents of the block that `lead` stands at.
    fn bound(&mut self, lead: &Cursor<'_>, search: &Search<'_, '_, '_>) -> Result<f64, TextError> {
        let mut bound = self.optional_bound;
        for group in self.groups.iter_mut() {
            group.bound = 0.0;
            for cursor in &mut group.cursors {
                cursor.move_to(lead.first(), search.scorer)?;
                let end = lead.last().saturating_add(1);
                group.bound += cursor.bound_below(end, search.scorer)?;
            }
            bound += group.bound;
        }
        Ok(bound)
    }

    /// The first entry from `entry` on that all groups may have.
    fn next(&mut self, entry: u32, search: &Search<'_, '_, '_>) -> Result<u32, TextError> {
        let mut next = entry;
        for group in self.groups.iter_mut() {
            let mut first = u32::MAX;
            for cursor in &mut group.cursors {
                cursor.move_to(next, search.scorer)?;
                first = first.min(cursor.first());
            }
            next = next.max(first);
        }
        Ok(next)
    }
}
