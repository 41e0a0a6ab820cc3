//! Read-only opening: writes go to memory, the file keeps every byte.
//!
//! redb repairs what a crash has left by writing, and notes a clean close by writing. Over a file
//! opened for reading those writes stay here and vanish with the handle.
//!
//! **Invariant:** the disk below is only read; the overlay holds at most its limit. Put between
//! the container and the file by [`Container::open`](super::Container::open).

use super::disk::{Disk, Mapping};
use super::fault::Fault;
use crate::sync::RwLock;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

const PAGE_LEN: usize = 4096;

#[derive(Debug)]
pub(super) struct Overlay {
    below: Arc<dyn Disk>,
    limit_bytes: u64,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Length as changed by a write or a cut; the disk's own until then.
    len: Option<u64>,
    /// Bytes of the disk that are still there: what a cut took away comes back as zeros.
    visible: Option<u64>,
    /// Pages that differ from the disk, by number.
    pages: HashMap<u64, Box<[u8; PAGE_LEN]>>,
}

impl Overlay {
    pub(super) fn new(below: Arc<dyn Disk>, limit_bytes: u64) -> Self {
        Overlay { below, limit_bytes, state: RwLock::default() }
    }

    /// Reads the disk as far as it is still visible.
    fn read_below(&self, state: &State, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.below.read_at(offset, out)?;
        if let Some(visible) = state.visible {
            let keep = visible.saturating_sub(offset).min(out.len() as u64);
            out[keep as usize..].fill(0);
        }
        Ok(())
    }
}

/// Cuts a range at page borders: page number, range within the page, range within the buffer.
fn pages_of(
    offset: u64,
    len: usize,
) -> impl Iterator<Item = (u64, std::ops::Range<usize>, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let from = (at % PAGE_LEN as u64) as usize;
        let n = (PAGE_LEN - from).min(len - done);
        let part = (at / PAGE_LEN as u64, from..from + n, done..done + n);
        done += n;
        (n > 0).then_some(part)
    })
}

impl Disk for Overlay {
    fn len(&self) -> io::Result<u64> {
        self.state.read().len.map_or_else(|| self.below.len(), Ok)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state.read();
        self.read_below(&state, offset, out)?;
        if !state.pages.is_empty() {
            for (number, within, part) in pages_of(offset, out.len()) {
                if let Some(page) = state.pages.get(&number) {
                    out[part].copy_from_slice(&page[within]);
                }
            }
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state.write();
        let len = state.len.map_or_else(|| self.below.len(), Ok)?;
        for (number, within, part) in pages_of(offset, data.len()) {
            if !state.pages.contains_key(&number) {
                let needed = (state.pages.len() as u64 + 1) * PAGE_LEN as u64;
                if needed > self.limit_bytes {
                    return Err(Fault::OverlayFull { needed, limit: self.limit_bytes }.into());
                }
                let mut page = Box::new([0; PAGE_LEN]);
                self.read_below(&state, number * PAGE_LEN as u64, &mut page[..])?;
                state.pages.insert(number, page);
            }
            if let Some(page) = state.pages.get_mut(&number) {
                page[within].copy_from_slice(&data[part]);
            }
        }
        state.len = Some(len.max(offset + data.len() as u64));
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.write();
        let visible = state.visible.map_or_else(|| self.below.len(), Ok)?;
        state.visible = Some(visible.min(len));
        state.pages.retain(|number, _| number * (PAGE_LEN as u64) < len);
        if let Some(page) = state.pages.get_mut(&(len / PAGE_LEN as u64)) {
            page[(len % PAGE_LEN as u64) as usize..].fill(0);
        }
        state.len = Some(len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Segments are never rewritten, so the bytes below are those of the segment, unless the
    /// range has been written to.
    fn map(&self, offset: u64, len: usize) -> io::Result<Option<Mapping>> {
        let state = self.state.read();
        let changed = pages_of(offset, len).any(|(number, ..)| state.pages.contains_key(&number));
        let hidden = state.visible.is_some_and(|visible| visible < offset + len as u64);
        if changed || hidden { Ok(None) } else { self.below.map(offset, len) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::MemoryDisk;
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, Vec<u8>),
        SetLen(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let write = (0..20_000u64, 1..9_000usize, any::<u8>());
        prop_oneof![
            3 => write.prop_map(|(at, n, byte)| Step::Write(at, vec![byte; n])),
            1 => (0..25_000u64).prop_map(Step::SetLen),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn an_overlay_behaves_like_the_disk_and_leaves_it_alone(steps in prop::collection::vec(step(), 0..20)) {
            let bytes: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8 + 1).collect();
            let below = Arc::new(MemoryDisk::default());
            below.write_at(0, &bytes).unwrap();
            let (overlay, model) = (Overlay::new(below.clone(), 1 << 20), MemoryDisk::default());
            model.write_at(0, &bytes).unwrap();
            for step in steps {
                for disk in [&overlay as &dyn Disk, &model] {
                    match &step {
                        Step::Write(at, data) => disk.write_at(*at, data).unwrap(),
                        Step::SetLen(len) => disk.set_len(*len).unwrap(),
                    }
                }
                prop_assert_eq!(overlay.len().unwrap(), model.len().unwrap());
                let read = |disk: &dyn Disk| {
                    let mut out = vec![1; 30_000];
                    disk.read_at(0, &mut out).unwrap();
                    out
                };
                prop_assert_eq!(read(&overlay), read(&model));
            }
            let mut after = vec![0; bytes.len()];
            below.read_at(0, &mut after).unwrap();
            prop_assert_eq!(after, bytes);
        }
    }

    #[test]
    fn the_limit_holds() {
        let overlay = Overlay::new(Arc::new(MemoryDisk::default()), 2 * PAGE_LEN as u64);
        overlay.write_at(0, &[1; 2 * PAGE_LEN]).unwrap();
        let e = overlay.write_at(9_000, &[1]).unwrap_err();
        let e = super::super::error_from("writing", e);
        assert_eq!(e.kind(), crate::ErrorKind::LimitExceeded);
    }
}
