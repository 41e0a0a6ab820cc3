//! Append-only storage with one writer and many readers.
//!
//! An [`Appender`] adds *rows* of a fixed number of items; a [`Reader`] is a snapshot of the rows
//! that were there when it was taken. Rows lie in chunks that double in size and never move, so a
//! snapshot costs one reference count, an append never copies what is already there, and a reader
//! takes no lock.
//!
//! **Invariant:** a row below the length of any [`Reader`] is initialised and never written again;
//! rows above it are touched by the one [`Appender`] alone, which is neither `Clone` nor appends
//! through `&self`.
//!
//! The unsafe below rests on that invariant only. The safe design (a `OnceLock` in each slot) costs
//! a state word and a check per item and breaks the contiguous rows that the kernels scan. Any
//! index with an in-memory tail may use it.

use std::cell::UnsafeCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Rows in the first chunk; chunk `c` holds `FIRST_ROWS << c`.
const FIRST_ROWS: usize = 64;

/// Chunks an arena can have, which bounds it to [`MAX_ROWS`] rows.
const CHUNKS: usize = 26;

/// The most rows an arena can hold: as many as a `u32` counts, less a chunk.
pub const MAX_ROWS: usize = FIRST_ROWS * ((1 << CHUNKS) - 1);

type Chunk<T> = Box<[UnsafeCell<MaybeUninit<T>>]>;

/// The chunks, shared by the writer and its readers.
struct Shared<T> {
    chunks: [OnceLock<Chunk<T>>; CHUNKS],
    /// Items in a row.
    width: usize,
    /// Rows written so far. Only the writer stores it and only `drop` reads it.
    written: AtomicUsize,
}

#[expect(
    unsafe_code,
    reason = "UnsafeCell makes the chunks !Sync; the module invariant restores it"
)]
// SAFETY: slots below a reader's length are only read, and slots above every length are accessed by
// the single `Appender` alone. A `Reader` gets its length together with its existence, so whatever
// handed it to another thread also made the writes below that length visible there. `T: Sync` lets
// readers share items, `T: Send` lets whoever drops the last handle drop them.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if !std::mem::needs_drop::<T>() {
            return;
        }
        let mut left = *self.written.get_mut() * self.width;
        for chunk in self.chunks.iter_mut().filter_map(OnceLock::get_mut) {
            let filled = left.min(chunk.len());
            left -= filled;
            for slot in &mut chunk[..filled] {
                #[expect(unsafe_code, reason = "only the arena knows which slots are initialised")]
                // SAFETY: the first `written * width` slots are initialised, each is visited once,
                // and `&mut self` means that nobody can look at them afterwards.
                unsafe {
                    slot.get_mut().assume_init_drop();
                }
            }
        }
    }
}

/// Where row `row` lies: its chunk, and its row number in that chunk.
#[inline]
fn locate(row: usize) -> (usize, usize) {
    let shifted = row + FIRST_ROWS;
    let chunk = (shifted.ilog2() - FIRST_ROWS.ilog2()) as usize;
    (chunk, shifted - (FIRST_ROWS << chunk))
}

impl<T> Shared<T> {
    /// Initialised items from row `row` up to row `len` or the end of the chunk, whichever is first.
    #[inline]
    fn rows_from(&self, row: usize, len: usize) -> &[T] {
        if row >= len {
            return &[];
        }
        let (chunk, at) = locate(row);
        let cells = self.chunks[chunk].get().expect("a row below the length has its chunk");
        let rows = (len - row).min((FIRST_ROWS << chunk) - at);
        let cells = &cells[at * self.width..(at + rows) * self.width];
        #[expect(unsafe_code, reason = "the length is the proof that the slots are initialised")]
        // SAFETY: all of `cells` lies below `len`, hence is initialised and never written again;
        // `UnsafeCell<MaybeUninit<T>>` has the layout of `T`.
        unsafe {
            std::slice::from_raw_parts(cells.as_ptr().cast::<T>(), cells.len())
        }
    }
}

/// The one writer of an arena.
pub struct Appender<T> {
    shared: Arc<Shared<T>>,
    len: usize,
}

impl<T> Default for Appender<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Appender<T> {
    /// An arena whose rows are single items.
    pub fn new() -> Self {
        Self::with_width(1)
    }

    /// An arena whose rows are `width` items that lie one behind the other.
    ///
    /// # Panics
    /// If `width` is zero.
    pub fn with_width(width: usize) -> Self {
        assert!(width > 0, "a row has at least one item");
        let shared = Shared {
            chunks: [const { OnceLock::new() }; CHUNKS],
            width,
            written: AtomicUsize::new(0),
        };
        Self { shared: Arc::new(shared), len: 0 }
    }

    /// Appends a row of one item and returns its number.
    ///
    /// # Panics
    /// If rows are wider than one item, or the arena holds [`MAX_ROWS`].
    pub fn push(&mut self, item: T) -> usize {
        self.append(1, std::iter::once(item))
    }

    /// Appends a row of `width` items and returns its number.
    ///
    /// # Panics
    /// If `row` is not one row, or the arena holds [`MAX_ROWS`].
    pub fn push_row(&mut self, row: &[T]) -> usize
    where
        T: Copy,
    {
        self.append(row.len(), row.iter().copied())
    }

    /// Appends a row of items that `item` makes, and returns its number.
    ///
    /// # Panics
    /// If the arena holds [`MAX_ROWS`].
    pub fn push_row_with(&mut self, item: impl FnMut() -> T) -> usize {
        self.append(self.shared.width, std::iter::repeat_with(item))
    }

    fn append(&mut self, width: usize, items: impl Iterator<Item = T>) -> usize {
        assert_eq!(width, self.shared.width, "the row has the width of the arena");
        assert!(self.len < MAX_ROWS, "the arena has room for another row");
        let (chunk, at) = locate(self.len);
        let cells = self.shared.chunks[chunk].get_or_init(|| {
            let items = (FIRST_ROWS << chunk) * width;
            (0..items).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect()
        });
        for (cell, item) in cells[at * width..(at + 1) * width].iter().zip(items) {
            let slot = cell.get();
            #[expect(unsafe_code, reason = "the slot is written through a shared chunk")]
            // SAFETY: the slot is at or above the length of this arena, so no reader looks at it,
            // and `&mut self` of the only `Appender` excludes another writer.
            unsafe {
                slot.write(MaybeUninit::new(item));
            }
        }
        let row = self.len;
        self.len += 1;
        // Relaxed: whoever drops the last handle has synchronised with us through the `Arc`.
        self.shared.written.store(self.len, Ordering::Relaxed);
        row
    }

    /// A snapshot of the rows so far. O(1).
    pub fn reader(&self) -> Reader<T> {
        Reader { shared: Arc::clone(&self.shared), len: self.len }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there no row?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item of row `row` (its first, if rows are wider).
    pub fn get(&self, row: usize) -> Option<&T> {
        self.rows_from(row).first()
    }

    /// As [`Reader::rows_from`], over all rows so far.
    pub fn rows_from(&self, row: usize) -> &[T] {
        self.shared.rows_from(row, self.len)
    }

    /// Bytes of the chunks allocated so far, used or not.
    pub fn heap_bytes(&self) -> usize {
        let slots: usize =
            self.shared.chunks.iter().filter_map(OnceLock::get).map(|chunk| chunk.len()).sum();
        slots * size_of::<T>()
    }
}

impl<T> fmt::Debug for Appender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appender").field("len", &self.len).finish_non_exhaustive()
    }
}

/// The rows of an arena at one moment.
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    len: usize,
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), len: self.len }
    }
}

impl<T> Reader<T> {
    /// The same rows, without those from `len` on.
    #[must_use]
    pub fn truncated(self, len: usize) -> Self {
        Self { len: self.len.min(len), shared: self.shared }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there no row?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item of row `row` (its first, if rows are wider).
    pub fn get(&self, row: usize) -> Option<&T> {
        self.rows_from(row).first()
    }

    /// The items of row `row`.
    #[inline]
    pub fn row(&self, row: usize) -> Option<&[T]> {
        self.rows_from(row).get(..self.shared.width)
    }

    /// The items of row `row` and of those behind it that lie in the same chunk; empty if there is
    /// no such row. Two arenas break their chunks at the same rows, whatever their widths.
    #[inline]
    pub fn rows_from(&self, row: usize) -> &[T] {
        self.shared.rows_from(row, self.len)
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let mut row = 0;
        std::iter::from_fn(move || {
            let items = self.rows_from(row);
            row += items.len() / self.shared.width;
            (!items.is_empty()).then_some(items)
        })
        .flatten()
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chunks_tile_the_rows() {
        let mut expected = (0, 0);
        for row in 0..FIRST_ROWS * 31 {
            assert_eq!(locate(row), expected);
            expected.1 += 1;
            if expected.1 == FIRST_ROWS << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert_eq!(locate(MAX_ROWS - 1).0, CHUNKS - 1);
    }

    #[test]
    fn every_item_is_dropped_once() {
        let witness = Arc::new(());
        let mut appender = Appender::new();
        for _ in 0..200 {
            appender.push(Arc::clone(&witness));
        }
        let reader = appender.reader();
        drop(appender);
        assert_eq!(Arc::strong_count(&witness), 201);
        drop(reader);
        assert_eq!(Arc::strong_count(&witness), 1);
    }

    #[test]
    fn readers_on_other_threads_see_their_rows_while_the_writer_goes_on() {
        let (send, receive) = std::sync::mpsc::sync_channel::<Reader<u64>>(4);
        let rows = if cfg!(miri) { 300 } else { 20_000 };
        let checker = std::thread::spawn(move || {
            let mut seen = 0;
            for reader in receive {
                assert!(reader.iter().copied().eq(0..reader.len() as u64));
                assert_eq!(reader.get(reader.len()), None);
                seen = reader.len();
            }
            seen
        });
        let mut appender = Appender::new();
        for row in 0..rows {
            appender.push(row);
            if row % 97 == 0 {
                send.send(appender.reader()).unwrap();
            }
        }
        send.send(appender.reader()).unwrap();
        drop(send);
        assert_eq!(checker.join().unwrap(), rows as usize);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 64 }))]

        /// Against a `Vec`: every snapshot keeps the rows it was taken with.
        #[test]
        fn snapshots_equal_prefixes(
            width in 1_usize..5,
            rows in proptest::collection::vec(any::<u16>(), 0..300),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
            let row_of = |value: u16| vec![value; width];
            let mut appender = Appender::with_width(width);
            let mut snapshots = Vec::new();
            for row in 0..=rows.len() {
                if cuts.contains(&row) {
                    snapshots.push(appender.reader());
                }
                if let Some(&value) = rows.get(row) {
                    prop_assert_eq!(appender.push_row(&row_of(value)), row);
                }
            }
            let whole = appender.reader();
            for cut in cuts {
                snapshots.push(whole.clone().truncated(cut));
            }
            for snapshot in snapshots {
                let model: Vec<u16> =
                    rows[..snapshot.len()].iter().flat_map(|&value| row_of(value)).collect();
                prop_assert!(snapshot.iter().eq(model.iter()));
                for (row, &value) in rows[..snapshot.len()].iter().enumerate() {
                    let expected = row_of(value);
                    prop_assert_eq!(snapshot.row(row), Some(expected.as_slice()));
                }
                prop_assert!(snapshot.row(snapshot.len()).is_none());
            }
        }
    }
}
