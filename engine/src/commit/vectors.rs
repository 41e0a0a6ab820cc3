//! Writing the vectors of a commit: few become rows, many of a space become a segment at once.
//!
//! A row of a vector that moves into a segment later leaves a hole in the table space, which only
//! later rows fill. What comes in bulk never becomes a row.
//!
//! **Invariant:** a segment is durable before the commit that names it begins (rule 4), and its number
//! is above those of all segments that were named or begun before, so that its copies of vectors
//! count. A vector that has a copy in it has no row.

use super::committer::{Committer, State, write_rows};
use super::seal::MAX_BYTES;
use super::write_set::NewRow;
use crate::components::Shortest;
use crate::ids::SpaceId;
use crate::planted::{self, Defect};
use crate::rows::guarded;
use crate::schema::{self, Table, read_vector_key};
use crate::sealed::{Layout, MAX_COUNT, SealedSegment, SealedWriter, Unnamed};
use crate::{Error, Result};
use redb::WriteTransaction;
use std::sync::Arc;

/// A row to be written.
pub(crate) type Written<'a> = (&'a [u8], &'a NewRow);

impl Committer {
    /// Writes rows of vectors, in key order, or segments in their place, which go to
    /// [`name_segments`](Self::name_segments).
    pub(crate) fn write_vectors(
        &self,
        transaction: &WriteTransaction,
        rows: &[Written<'_>],
    ) -> Result<Vec<Unnamed>> {
        let mut segments = Vec::new();
        for of_space in rows.chunk_by(|(a, _), (b, _)| space_of(a) == space_of(b)) {
            let bytes: usize =
                of_space.iter().filter_map(|(_, v)| v.as_deref()).map(<[u8]>::len).sum();
            if (bytes as u64) < self.settings.bulk_bytes {
                guarded(|| write_rows(transaction, Table::Vectors, of_space.iter().copied()))?;
                continue;
            }
            segments.extend(self.write_segments(of_space)?);
            if !planted::is(Defect::RowLeftOver) {
                guarded(|| remove_rows(transaction, of_space))?;
            }
        }
        Ok(segments)
    }

    /// Writes vectors of one space into segments.
    fn write_segments(&self, rows: &[Written<'_>]) -> Result<Vec<Unnamed>> {
        let mut vectors = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            let Some(vector) = value.as_deref() else { continue };
            let (space, owner) = read_vector_key(key).ok_or_else(|| bad_key(key))?;
            vectors.push((space, owner, vector));
        }
        let Some(&(space, _, first)) = vectors.first() else { return Ok(Vec::new()) };
        let dimension = first.len() / size_of::<f32>();
        let most = (MAX_BYTES / Layout::cost(dimension)).clamp(1, MAX_COUNT);
        let one = |vectors: &[(SpaceId, u64, &[u8])]| {
            let ids: Vec<u64> = vectors.iter().map(|(_, owner, _)| *owner).collect();
            let mut shortest = Shortest::new();
            let _ = vectors.iter().all(|(.., row)| shortest.see(row));
            let form = shortest.form();
            let (container, dimension) = (self.container(), dimension as u32);
            let mut writer = SealedWriter::begin(container, space, dimension, form, &ids)?;
            for (_, _, vector) in vectors {
                writer.push(vector)?;
            }
            writer.finish()
        };
        vectors.chunks(most).map(one).collect()
    }
}

/// Writes the rows of segments that come to be in force with this transaction.
pub(super) fn name_segments(
    state: &mut State,
    transaction: &WriteTransaction,
    segments: Vec<Unnamed>,
) -> Result<Vec<Arc<SealedSegment>>> {
    let mut named = Vec::with_capacity(segments.len());
    if segments.is_empty() {
        return Ok(named);
    }
    let mut table = transaction.open_table(schema::SEALED)?;
    for unnamed in segments {
        let segment = unnamed.open(state.take_number()?)?;
        table.insert(segment.row.key().as_slice(), segment.row.encode().as_slice())?;
        unnamed.keep();
        named.push(segment);
    }
    Ok(named)
}

fn remove_rows(transaction: &WriteTransaction, rows: &[Written<'_>]) -> Result<()> {
    let mut table = transaction.open_table(Table::Vectors.definition())?;
    for (key, _) in rows {
        table.remove(key)?;
    }
    Ok(())
}

fn space_of(key: &[u8]) -> Option<SpaceId> {
    read_vector_key(key).map(|(space, _)| space)
}

fn bad_key(key: &[u8]) -> Error {
    Error::corruption("vector key", "12 bytes", format!("{} bytes", key.len()))
}
