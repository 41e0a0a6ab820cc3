//! Which vectors can be had: those that a proved row names by their digest.
//!
//! **Invariant:** where a vector is found decides nothing; its digest does.

use super::sealed::{Shelf, Wanted};
use super::survey::{Progress, Survey};
use super::tree::{Found, Step, Trees, Walked, scan};
use crate::Result;
use crate::ids::SpaceId;
use crate::knowledge::access_node;
use crate::memory::{ArchivedSpaceVector, access, vector_digest};
use crate::schema::{Table, read_vector_key, vector_key};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, HashSet};

impl Survey<'_> {
    /// Looks everywhere for vectors that are named and cannot be reached.
    pub(super) fn search_vectors(&mut self, progress: Progress<'_>) -> Result<()> {
        let root = self.state.tables.of(Table::Vectors);
        progress("vectors", 0, 1);
        let mut gaps = 0;
        Trees::new(self.wreck).walk(root, &mut Walked::default(), &mut |step| {
            gaps += u64::from(matches!(step, Step::Gap(..)));
            Ok(())
        })?;
        self.note_gaps("table of vectors", gaps);
        let (found, sealed_gaps) = Shelf::gather(self)?;
        self.note_gaps("table of sealed vectors", sealed_gaps);
        self.shelf = found;
        let is_sound = gaps == 0 && sealed_gaps == 0 && self.elsewhere.is_empty();
        if is_sound && self.shelf.is_empty() {
            return Ok(());
        }
        let mut wanted = self.missing_vectors()?;
        if wanted.is_empty() {
            return Ok(());
        }
        if is_sound {
            self.flaws.push(("sealed vectors", "are damaged".into()));
        }
        self.shelf.search(self.wreck, &mut wanted);
        if wanted.is_empty() {
            return Ok(());
        }
        let (wreck, total) = (self.wreck, self.wreck.chunks() as u64);
        scan(wreck, &mut |done| progress("search", done, total), &mut |leaf| {
            for row in leaf.rows() {
                let Some((space, owner)) = read_vector_key(row.key) else { continue };
                let key = (space.0, owner);
                if wanted.get(&key).is_some_and(|digest| vector_digest(row.value) == *digest) {
                    wanted.remove(&key);
                    self.vectors.insert(key, row.value_at());
                }
            }
        });
        Ok(())
    }

    /// Digests of the vectors that a proved row names and the tree of the state does not have.
    fn missing_vectors(&self) -> Result<Wanted> {
        let mut lookup = Trees::new(self.wreck);
        let root = self.state.tables.of(Table::Vectors);
        let mut wanted = HashMap::new();
        let mut note = |owner: u64, named: &[ArchivedSpaceVector]| {
            for vector in named {
                let space = vector.space.to_native();
                let found = lookup.get(root, &vector_key(SpaceId(space), owner));
                let is_there =
                    matches!(found, Found::Value(bytes) if vector_digest(&bytes) == vector.digest);
                let is_there = is_there || {
                    let sealed = self.shelf.get(self.wreck, (space, owner), &vector.digest);
                    sealed.is_some()
                };
                if !is_there {
                    wanted.insert((space, owner), vector.digest);
                }
            }
        };
        // A row that is none names nothing.
        self.each_proved(&mut |id, value| {
            if let Ok(row) = access(value) {
                note(id, &row.vectors);
            }
            Ok(())
        })?;
        self.each_of_graph(Table::Nodes, &mut |id, value| {
            if let Ok(row) = access_node(value) {
                note(id, &row.vectors);
            }
            Ok(())
        })?;
        Ok(wanted)
    }

    /// Sealed vectors of memories that are lost, as far as nothing shows that they were dead: the log
    /// does not say that the memory is gone, and its place in the table is lost.
    pub(super) fn sealed_of_lost(&self, salvaged: &RoaringTreemap, lost: u64) -> Result<u64> {
        let mut rows = HashSet::new();
        let root = self.state.tables.of(Table::Vectors);
        Trees::new(self.wreck).walk(root, &mut Walked::default(), &mut |step| {
            if let Step::Row(row) = step {
                rows.extend(read_vector_key(row.key));
            }
            Ok(())
        })?;
        let is_lost = |id: u64| {
            let in_gap = || self.gaps.iter().any(|(first, last)| (*first..=*last).contains(&id));
            !salvaged.contains(id)
                && self.chain.last_of_graph(id).is_none()
                && self.chain.last(id) != Some(None)
                && (self.refuted.contains(&id) || in_gap())
        };
        let mut of_space: BTreeMap<u32, HashSet<u64>> = BTreeMap::new();
        for (space, id) in self.shelf.ids().filter(|(_, id)| is_lost(*id)) {
            if !rows.contains(&(SpaceId(space), id)) {
                of_space.entry(space).or_default().insert(id);
            }
        }
        Ok(of_space.values().map(|ids| (ids.len() as u64).min(lost)).sum())
    }
}
