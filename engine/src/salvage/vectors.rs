//! Which vectors can be had: those that a proved row names by their digest.
//!
//! **Invariant:** where a vector is found decides nothing; its digest does.

use super::survey::{Progress, Survey};
use super::tree::{Found, Step, Trees, Walked, scan};
use crate::Result;
use crate::ids::{MemoryId, SpaceId};
use crate::memory::{access, vector_digest};
use crate::schema::{Table, read_u64, vector_key};
use std::collections::HashMap;

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
        if gaps == 0 && self.elsewhere.is_empty() {
            return Ok(());
        }
        let mut wanted = self.missing_vectors()?;
        if wanted.is_empty() {
            return Ok(());
        }
        let (wreck, total) = (self.wreck, self.wreck.chunks() as u64);
        scan(wreck, &mut |done| progress("search", done, total), &mut |leaf| {
            for row in leaf.rows() {
                let Some(key) = parse_vector_key(row.key) else { continue };
                if wanted.get(&key).is_some_and(|digest| vector_digest(row.value) == *digest) {
                    wanted.remove(&key);
                    self.vectors.insert(key, row.value_at());
                }
            }
        });
        Ok(())
    }

    /// Digests of the vectors that a proved row names and the tree of the state does not have.
    fn missing_vectors(&self) -> Result<HashMap<(u32, u64), [u8; 16]>> {
        let mut lookup = Trees::new(self.wreck);
        let root = self.state.tables.of(Table::Vectors);
        let mut wanted = HashMap::new();
        let mut note = |id: u64, value: &[u8]| {
            for vector in access(value).iter().flat_map(|row| row.vectors.iter()) {
                let space = vector.space.to_native();
                let found = lookup.get(root, &vector_key(SpaceId(space), MemoryId(id)));
                let is_there =
                    matches!(found, Found::Value(bytes) if vector_digest(&bytes) == vector.digest);
                if !is_there {
                    wanted.insert((space, id), vector.digest);
                }
            }
        };
        self.each_proved(&mut |id, value| {
            note(id, value);
            Ok(())
        })?;
        Ok(wanted)
    }
}

/// The space and the memory of a key.
pub(super) fn parse_vector_key(key: &[u8]) -> Option<(u32, u64)> {
    let (space, id) = key.split_first_chunk()?;
    Some((u32::from_be_bytes(*space), read_u64(id)?))
}
