//! Which vector spaces and metadata indexes are proved, and how texts are searched.
//!
//! **Invariant:** the row of a space says always the same, under its own key or that of a successor, and its
//! number is never given again: whatever leaf it stands in, it is the one, as long as all agree. An index may
//! come and go, and how texts are searched may change, so that their rows must be of the state, or of a commit
//! since which the catalogue has not changed.

use super::page::Tree;
use super::survey::{Progress, Survey};
use super::tree::{Step, Trees, Walked, scan};
use crate::Result;
use crate::catalog::{Catalog, Space};
use crate::file::Wreck;
use crate::ids::SpaceId;
use crate::schema::Table;
use crate::text_settings::TextSettings;
use std::collections::{BTreeMap, BTreeSet};

impl Survey<'_> {
    /// Reads the catalogue. A row that the state has lost is the same in the commit before, if none
    /// since has changed the catalogue; and that of a space never changes.
    pub(super) fn read_catalogue(&mut self, progress: Progress<'_>) -> Result<()> {
        let mut rows = BTreeMap::new();
        let tree = self.state.tables.of(Table::Catalog);
        let gaps = gather(self.wreck, tree, &mut rows)?;
        self.note_gaps("catalogue", gaps);
        if gaps > 0 {
            let other = self.state.other.as_ref().filter(|other| {
                other.tip.is_some_and(|tip| self.chain.keeps_catalog_since(tip.seq))
            });
            if let Some(other) = other {
                gather(self.wreck, other.of(Table::Catalog), &mut rows)?;
            }
        }
        let mut catalog = Catalog::default();
        for (key, value) in &rows {
            // One that breaks the rules is as good as lost.
            let _ = catalog.apply(key, Some(value));
        }
        let counter = rows.get(&Catalog::counter_key()).map(|row| String::from_utf8_lossy(row));
        self.highest_space = counter.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.spaces = catalog.spaces().cloned().collect();
        self.successors = catalog.successors().cloned().collect();
        self.indexes = catalog.indexes().map(|index| index.path.clone()).collect();
        self.text = TextSettings::clone(catalog.text());
        let kinds = catalog.edge_kinds().map(|(name, number)| (name.to_string(), number));
        self.edge_kinds = kinds.collect();
        if gaps > 0 {
            self.search_spaces(progress);
        }
        self.spaces.sort_unstable_by_key(|(id, _)| *id);
        let named = self.named_spaces.last().copied().unwrap_or(0);
        self.highest_space = self.highest_space.max(named);
        Ok(())
    }

    /// Looks everywhere for the rows of spaces that memories name.
    fn search_spaces(&mut self, progress: Progress<'_>) {
        let is_known = |id: &u32| self.indexed().any(|(known, _)| known.0 == *id);
        let missing: BTreeSet<u32> =
            self.named_spaces.iter().copied().filter(|id| !is_known(id)).collect();
        if missing.is_empty() {
            return;
        }
        let mut found: BTreeMap<u32, Vec<Space>> = BTreeMap::new();
        let total = self.wreck.chunks() as u64;
        scan(self.wreck, &mut |done| progress("search", done, total), &mut |leaf| {
            // Nothing commits to these rows but the checksum of their page.
            for row in leaf.rows().filter(|_| leaf.is_intact) {
                let mut one = Catalog::default();
                if one.apply(row.key, Some(row.value)).is_err() {
                    continue;
                }
                for (id, space) in one.indexed().filter(|(id, _)| missing.contains(&id.0)) {
                    let known = found.entry(id.0).or_default();
                    if !known.contains(space) {
                        known.push(space.clone());
                    }
                }
            }
        });
        for (id, mut spaces) in found {
            // Two that differ: one of them is of a transaction that did not happen.
            let Some(space) = spaces.pop().filter(|_| spaces.is_empty()) else { continue };
            let is_of = |(_, other): &(SpaceId, Space)| other.name == space.name;
            // A name that is taken is that of the space which this one was to succeed.
            if !self.spaces.iter().any(is_of) {
                self.spaces.push((SpaceId(id), space));
            } else if !self.successors.iter().any(is_of) {
                self.successors.push((SpaceId(id), space));
            }
        }
    }
}

impl Survey<'_> {
    /// Spaces and successors.
    pub(super) fn indexed(&self) -> impl Iterator<Item = &(SpaceId, Space)> {
        self.spaces.iter().chain(&self.successors)
    }
}

/// The rows of a tree that are not known yet. Returns how many gaps there are.
fn gather(wreck: &Wreck, tree: Tree, rows: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Result<u64> {
    let mut gaps = 0;
    Trees::new(wreck).walk(tree, &mut Walked::default(), &mut |step| {
        match step {
            Step::Row(row) => {
                rows.entry(row.key.to_vec()).or_insert_with(|| row.value.to_vec());
            }
            Step::Gap(..) => gaps += 1,
        }
        Ok(())
    })?;
    Ok(gaps)
}
