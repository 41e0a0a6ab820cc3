//! A table space: what redb takes for a plain file, mapped onto chunks.
//!
//! **Invariant:** the bytes of a space are those of a file to which the same calls were made, at
//! every instant and after every crash. A chunk gets its place at its first write; until then it
//! reads as zeros. Called by [`TableSpace`](super::TableSpace).

use super::alloc::{Extent, Owner};
use super::container::{Container, State};
use parking_lot::RwLockWriteGuard;
use std::io;
use std::ops::Range;

/// Most bytes that get their place at once.
const MAX_GROUP_BYTES: u64 = 1 << 30;

impl Container {
    pub(super) fn table_len(&self, space: usize) -> u64 {
        self.0.state.read().spaces[space].len
    }

    pub(super) fn read_table(&self, space: usize, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.state.read();
        check_inside(&state, space, offset, out.len())?;
        for piece in self.pieces(offset, out.len()) {
            let out = &mut out[piece.range];
            match state.spaces[space].map.get(piece.logical) {
                Some(chunk) => self.0.disk.read_at(self.offset(chunk) + piece.within, out)?,
                None => out.fill(0),
            }
        }
        Ok(())
    }

    pub(super) fn write_table(&self, space: usize, offset: u64, data: &[u8]) -> io::Result<()> {
        let chunk_bytes = self.0.chunk_bytes;
        let mut state = self.0.state.read();
        check_inside(&state, space, offset, data.len())?;
        let end = offset + data.len() as u64;
        let touched = (offset / chunk_bytes) as usize..end.div_ceil(chunk_bytes) as usize;
        if state.spaces[space].map.has_hole(touched.clone()) {
            drop(state);
            let mut changing = self.0.state.write();
            self.place(&mut changing, space, touched)?;
            state = RwLockWriteGuard::downgrade(changing);
        }
        for piece in self.pieces(offset, data.len()) {
            let Some(chunk) = state.spaces[space].map.get(piece.logical) else {
                unreachable!("a chunk without a place was just given one");
            };
            self.0.disk.write_at(self.offset(chunk) + piece.within, &data[piece.range])?;
        }
        Ok(())
    }

    /// Changes the length in memory alone: the next sync makes it durable (rule 1). redb syncs
    /// after it grows and before it writes a header that relies on it; after shrinking nothing
    /// waits.
    pub(super) fn set_table_len(&self, space: usize, len: u64) -> io::Result<()> {
        let chunk_bytes = self.0.chunk_bytes;
        let mut state = self.0.state.write();
        let State { spaces, chunks, dirty, zeroed, .. } = &mut *state;
        let space = &mut spaces[space];
        let old = space.len;
        let within = old % chunk_bytes;
        if len > old && within > 0 {
            // The rest of the last chunk may hold bytes from before a shrink.
            if let Some(chunk) = space.map.get((old / chunk_bytes) as usize) {
                let rest = (chunk_bytes - within).min(len - old);
                self.zero_stale(self.offset(chunk) + within, rest, zeroed)?;
            }
        }
        let count = len.div_ceil(chunk_bytes);
        super::map::check_count(count)?;
        // Rule 3.
        space.map.resize(count as usize, |start| chunks.leave(Extent { start, chunks: 1 }));
        space.len = len;
        *dirty = true;
        Ok(())
    }

    /// Gives the chunks of `range`, with their groups, a place.
    fn place(&self, state: &mut State, space: usize, range: Range<usize>) -> io::Result<()> {
        let State { spaces, chunks, dirty, zeroed, .. } = state;
        let map = &mut spaces[space].map;
        let max_group = (MAX_GROUP_BYTES / self.0.chunk_bytes) as usize;
        for logical in range {
            if map.get(logical).is_some() {
                continue;
            }
            let group = map.group(logical, max_group);
            let extent = chunks.take(group.len() as u32, Owner::Table)?;
            let bytes = u64::from(extent.chunks) * self.0.chunk_bytes;
            self.zero_stale(self.offset(extent.start), bytes, zeroed)?;
            map.place(group.start, extent.range());
            *dirty = true;
        }
        Ok(())
    }

    /// Rule 6: what lies inside the file may hold old bytes; what lies behind it reads as zeros.
    fn zero_stale(&self, at: u64, len: u64, zeroed: &mut bool) -> io::Result<()> {
        let stale = self.0.disk.len()?.saturating_sub(at).min(len);
        if stale > 0 {
            self.0.disk.zero(at, stale)?;
            *zeroed = true;
        }
        Ok(())
    }

    /// Cuts a range of the space at the borders of its chunks.
    fn pieces(&self, offset: u64, len: usize) -> impl Iterator<Item = Piece> + use<> {
        let chunk_bytes = self.0.chunk_bytes;
        let mut done = 0;
        std::iter::from_fn(move || {
            if done == len {
                return None;
            }
            let at = offset + done as u64;
            let within = at % chunk_bytes;
            let n = (chunk_bytes - within).min((len - done) as u64) as usize;
            let range = done..done + n;
            done += n;
            Some(Piece { logical: (at / chunk_bytes) as usize, within, range })
        })
    }
}

/// A part of a read or write that lies in one chunk.
struct Piece {
    logical: usize,
    /// Where in the chunk it begins.
    within: u64,
    /// Which part of the caller's buffer it is.
    range: Range<usize>,
}

fn check_inside(state: &State, space: usize, offset: u64, len: usize) -> io::Result<()> {
    match offset.checked_add(len as u64) {
        Some(end) if end <= state.spaces[space].len => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
