//! A table space: what redb takes for a plain file, mapped onto chunks.
//!
//! **Invariant:** the bytes of a space are those of a file to which the same calls were made, at
//! every instant and after every crash, or reading them is an error. A chunk gets its place at
//! its first write; until then it reads as zeros. Called by [`TableSpace`](super::TableSpace).

use super::alloc::{Extent, Owner};
use super::container::{Container, State};
use super::fault::Fault;
use super::map::check_count;
use super::pages::{Mode, PAGE_LEN, SUM_LEN, SUMS_LEN, needs_mending};
use crate::sync::RwLockWriteGuard;
use std::io;
use std::ops::Range;

/// Most bytes that get their place at once.
const MAX_GROUP_BYTES: u64 = 1 << 30;

/// Bytes of a table space that a chunk holds.
pub(super) const fn payload(chunk_bytes: u64) -> u64 {
    chunk_bytes - SUMS_LEN as u64
}

impl Container {
    pub(super) fn table_len(&self, space: usize) -> u64 {
        self.0.state.read().spaces[space].len
    }

    /// Reads from a space, and checks every whole page that it reads. Page 0 is redb's header,
    /// which is rewritten in place and carries checksums of its own.
    pub(super) fn read_table(&self, space: usize, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.state.read();
        check_inside(&state, space, offset, out.len())?;
        for piece in self.pieces(offset, out.len()) {
            let out = &mut out[piece.range.clone()];
            let Some(chunk) = state.spaces[space].map.get(piece.logical) else {
                // The map, which has a checksum, says that these are zeros.
                out.fill(0);
                continue;
            };
            self.0.disk.read_at(self.table_offset(chunk) + piece.within, out)?;
            let (first, pages) = piece.whole_pages(out);
            let load = || self.load_sums(chunk);
            if let Err(page) = self.0.pages[space].read(piece.logical, first, pages, load)? {
                let chunk = piece.logical as u64 * payload(self.0.chunk_bytes);
                let offset = chunk + (page * PAGE_LEN) as u64;
                return Err(Fault::DamagedPage { offset }.into());
            }
        }
        Ok(())
    }

    pub(super) fn write_table(&self, space: usize, offset: u64, data: &[u8]) -> io::Result<()> {
        if offset == 0 {
            self.break_seal()?;
        }
        let payload = payload(self.0.chunk_bytes);
        let mut state = self.0.state.read();
        check_inside(&state, space, offset, data.len())?;
        let end = offset + data.len() as u64;
        let touched = (offset / payload) as usize..end.div_ceil(payload) as usize;
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
            let data = &data[piece.range.clone()];
            self.0.disk.write_at(self.table_offset(chunk) + piece.within, data)?;
            let (first, pages) = piece.whole_pages(data);
            if pages.len() < data.len() && !piece.is_header() {
                // redb writes whole pages; all but its header.
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a part of a page"));
            }
            if !pages.is_empty() {
                let load = || self.load_sums(chunk);
                self.0.pages[space].wrote(piece.logical, first, pages, load)?;
            }
        }
        Ok(())
    }

    /// Changes the length in memory alone: the next sync makes it durable (rule 1). redb syncs
    /// after it grows and before it writes a header that relies on it; after shrinking nothing
    /// waits.
    pub(super) fn set_table_len(&self, space: usize, len: u64) -> io::Result<()> {
        let payload = payload(self.0.chunk_bytes);
        let count = len.div_ceil(payload);
        check_count(count)?;
        let pages = &self.0.pages[space];
        let mut state = self.0.state.write();
        let State { spaces, chunks, dirty, unsettled, .. } = &mut *state;
        let space = &mut spaces[space];
        let border = space.len.min(len);
        if let Some(chunk) = space.map.get((border / payload) as usize) {
            let within = border % payload;
            if within > 0 && len > space.len {
                // The rest of the last chunk may hold bytes from before a shrink.
                let rest = (payload - within).min(len - border);
                self.zero_stale(self.table_offset(chunk) + within, rest, unsettled)?;
            } else if within > 0 && len < space.len {
                let first = within.div_ceil(PAGE_LEN as u64) as usize;
                let load = || self.load_sums(chunk);
                pages.cut((border / payload) as usize, first, load)?;
            }
        }
        // Rule 3.
        space.map.resize(count as usize, |start| chunks.leave(Extent { start, chunks: 1 }));
        pages.forget(count as usize);
        space.len = len;
        *dirty = true;
        Ok(())
    }

    /// Gives the chunks of `range`, with their groups, a place.
    fn place(&self, state: &mut State, space: usize, range: Range<usize>) -> io::Result<()> {
        let State { spaces, chunks, dirty, unsettled, .. } = state;
        let map = &mut spaces[space].map;
        let max_group = (MAX_GROUP_BYTES / self.0.chunk_bytes) as usize;
        for logical in range {
            if map.get(logical).is_some() {
                continue;
            }
            let group = map.group(logical, max_group);
            let extent = chunks.take(group.len() as u32, Owner::Table)?;
            let bytes = u64::from(extent.chunks) * self.0.chunk_bytes;
            self.zero_stale(self.offset(extent.start), bytes, unsettled)?;
            map.place(group.start, extent.range());
            *dirty = true;
        }
        Ok(())
    }

    /// Rule 6: what lies inside the file may hold old bytes; what lies behind it reads as zeros.
    fn zero_stale(&self, at: u64, len: u64, unsettled: &mut bool) -> io::Result<()> {
        let stale = self.0.disk.len()?.saturating_sub(at).min(len);
        if stale > 0 {
            self.0.disk.zero(at, stale)?;
            *unsettled = true;
        }
        Ok(())
    }

    /// The stored checksums of a chunk's pages.
    fn load_sums(&self, chunk: u32) -> io::Result<Box<[u64]>> {
        let count = payload(self.0.chunk_bytes) as usize / PAGE_LEN;
        let mut bytes = vec![0; count * SUM_LEN];
        self.0.disk.read_at(self.offset(chunk), &mut bytes)?;
        let (sums, _) = bytes.as_chunks::<SUM_LEN>();
        Ok(sums.iter().map(|sum| u64::from_le_bytes(*sum)).collect())
    }

    /// Writes the checksums that have changed; part of a sync.
    pub(super) fn write_sums(&self) -> io::Result<()> {
        let state = self.0.state.read();
        for (space, pages) in state.spaces.iter().zip(&self.0.pages) {
            pages.flush(|logical, sums| match space.map.get(logical) {
                Some(chunk) => self.0.disk.write_at(self.offset(chunk), sums),
                None => Ok(()),
            })?;
        }
        Ok(())
    }

    /// Prepares the checking of pages for redb's opening of a space.
    pub(super) fn begin_recovery(&self, space: usize) -> io::Result<()> {
        self.check_seal(space)?;
        let mut header = [0; 10];
        let has_header = self.table_len(space) >= header.len() as u64;
        if has_header {
            self.read_table(space, 0, &mut header)?;
        }
        if has_header && needs_mending(&header) {
            self.0.pages[space].set_mode(Mode::Recovering);
        }
        Ok(())
    }

    /// Where a chunk's part of the table space lies in the file.
    fn table_offset(&self, chunk: u32) -> u64 {
        self.offset(chunk) + SUMS_LEN as u64
    }

    /// Cuts a range of the space at the borders of its chunks.
    fn pieces(&self, offset: u64, len: usize) -> impl Iterator<Item = Piece> + use<> {
        let payload = payload(self.0.chunk_bytes);
        let mut done = 0;
        std::iter::from_fn(move || {
            if done == len {
                return None;
            }
            let at = offset + done as u64;
            let within = at % payload;
            let n = (payload - within).min((len - done) as u64) as usize;
            let range = done..done + n;
            done += n;
            Some(Piece { logical: (at / payload) as usize, within, range })
        })
    }
}

/// A part of a read or write that lies in one chunk.
struct Piece {
    logical: usize,
    /// Where in the chunk's part of the space it begins.
    within: u64,
    /// Which part of the caller's buffer it is.
    range: Range<usize>,
}

impl Piece {
    /// Does it begin with redb's header?
    fn is_header(&self) -> bool {
        self.logical == 0 && self.within == 0
    }

    /// The whole pages of the piece that have checksums, and the number of the first.
    fn whole_pages<'a>(&self, bytes: &'a [u8]) -> (usize, &'a [u8]) {
        let page = PAGE_LEN as u64;
        let first = self.within.div_ceil(page).max(u64::from(self.logical == 0));
        let start = (first * page - self.within).min(bytes.len() as u64) as usize;
        let len = (bytes.len() - start) / PAGE_LEN * PAGE_LEN;
        (first as usize, &bytes[start..start + len])
    }
}

fn check_inside(state: &State, space: usize, offset: u64, len: usize) -> io::Result<()> {
    let end = offset.saturating_add(len as u64);
    let len = state.spaces[space].len;
    if end <= len { Ok(()) } else { Err(Fault::BeyondEnd { end, len }.into()) }
}
