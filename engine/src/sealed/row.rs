//! The rows of [`schema::SEALED`](crate::schema::SEALED): which segments hold sealed vectors, and
//! how they are laid out.
//!
//! ```text
//! version u8 | form u8 | dimension u32 | count u32 | first id u64 | last id u64 | segment [24]
//! ```
//!
//! See `docs/file-format.md`, "Sealed row". All that is needed to read a vector stands in the row,
//! so that opening a file reads none of the segment, and damage to its head loses no vector.
//!
//! **Invariant:** a [`SealedRow`] that was decoded describes a segment of just its length.

use crate::components::Form;
use crate::file::SegmentRef;
use crate::ids::SpaceId;
use crate::memory::MAX_DIMENSIONS;
use crate::rows::Pinned;
use crate::{Error, Result, schema};
use redb::ReadableTable;
use std::borrow::Cow;

const VERSION: u8 = 1;

/// Bytes of a row.
const ROW_LEN: usize = 26 + SegmentRef::ENCODED_LEN;
/// Bytes of a segment's header; the ids begin there.
pub(super) const HEADER_LEN: usize = 64;
const ID_LEN: usize = size_of::<u64>();
/// Where the vectors of a segment begin, it is a multiple of this.
const ALIGN: usize = 64;
const MAGIC: [u8; 8] = *b"MLSEAL\0\x01";

/// How a segment is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) space: SpaceId,
    /// Components of each vector.
    pub(crate) dimension: u32,
    /// How many vectors there are.
    pub(crate) count: u32,
    /// How they are stored.
    pub(crate) form: Form,
}

impl Layout {
    /// Bytes of a vector. They follow one another without gaps.
    pub(crate) fn vector_len(self) -> usize {
        self.form.vector_len(self.dimension as usize)
    }

    /// The row of a vector; `None` if these are not its bytes.
    pub(crate) fn unpack(self, packed: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.form.unpack(packed, self.dimension as usize)
    }

    /// Where the id of a vector lies.
    pub(crate) fn id_at(index: u32) -> usize {
        HEADER_LEN + index as usize * ID_LEN
    }

    /// Where a vector lies.
    pub(crate) fn vector_at(self, index: u32) -> usize {
        Self::id_at(self.count).next_multiple_of(ALIGN) + index as usize * self.vector_len()
    }

    /// Bytes of the whole.
    pub(crate) fn len(self) -> u64 {
        self.vector_at(self.count) as u64
    }

    /// Bytes that a vector costs at most.
    pub(crate) fn cost(dimension: usize) -> usize {
        ID_LEN + Form::F32.vector_len(dimension)
    }

    /// The head of the segment: it says once more what its row says.
    pub(crate) fn header(self) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&self.space.0.to_le_bytes());
        header[12..16].copy_from_slice(&self.dimension.to_le_bytes());
        header[16..20].copy_from_slice(&self.count.to_le_bytes());
        header[20] = self.form.code();
        header
    }

    /// Reads the head of a segment; `None` if these bytes are none.
    pub(crate) fn of_header(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        let number = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (space, form) = (SpaceId(number(8)), Form::of_code(header[20])?);
        let layout = Layout { space, dimension: number(12), count: number(16), form };
        (layout.is_possible() && layout.header() == *header).then_some(layout)
    }

    fn is_possible(self) -> bool {
        (1..=MAX_DIMENSIONS).contains(&(self.dimension as usize))
            && (1..=super::MAX_COUNT).contains(&(self.count as usize))
    }
}

/// A segment of sealed vectors, as its row names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealedRow {
    pub(crate) space: SpaceId,
    /// Rises with every segment of the space: of two copies of a vector the one in the higher
    /// counts.
    pub(crate) number: u32,
    pub(crate) dimension: u32,
    pub(crate) count: u32,
    pub(crate) form: Form,
    /// The lowest and the highest id.
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) segment: SegmentRef,
}

impl SealedRow {
    pub(crate) fn layout(&self) -> Layout {
        let SealedRow { space, dimension, count, form, .. } = *self;
        Layout { space, dimension, count, form }
    }

    pub(crate) fn key(&self) -> [u8; 8] {
        schema::sealed_key(self.space, self.number)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, self.form.code()];
        out.extend(self.dimension.to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend(self.first.to_le_bytes());
        out.extend(self.last.to_le_bytes());
        out.extend(self.segment.encode());
        out
    }

    /// Reads a row.
    ///
    /// # Errors
    /// Corruption, if it is none, or describes another segment than it names.
    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self> {
        Self::parse(key, value).ok_or_else(|| {
            Error::corruption("sealed row", "a segment of vectors", "bytes that are none")
        })
    }

    pub(crate) fn parse(key: &[u8], value: &[u8]) -> Option<Self> {
        let (space, number) = key.split_first_chunk()?;
        let number = u32::from_be_bytes(number.try_into().ok()?);
        let value: &[u8; ROW_LEN] = value.try_into().ok()?;
        let (&[version, form], rest) = value.split_first_chunk()?;
        let (dimension, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (last, segment) = rest.split_first_chunk()?;
        let row = SealedRow {
            space: SpaceId(u32::from_be_bytes(*space)),
            number,
            dimension: u32::from_le_bytes(*dimension),
            count: u32::from_le_bytes(*count),
            form: Form::of_code(form)?,
            first: u64::from_le_bytes(*first),
            last: u64::from_le_bytes(*last),
            segment: SegmentRef::decode(segment).ok()?,
        };
        let layout = row.layout();
        let is_whole =
            version == VERSION && layout.is_possible() && layout.len() == row.segment.len;
        let span = row.last.checked_sub(row.first)?;
        (is_whole && span >= u64::from(row.count) - 1).then_some(row)
    }

    /// All rows.
    pub(crate) fn load_all(rows: &Pinned) -> Result<Vec<SealedRow>> {
        rows.read(schema::SEALED, |table| {
            let mut all = Vec::new();
            for entry in table.iter()? {
                let (key, value) = entry?;
                all.push(SealedRow::decode(key.value(), value.value())?);
            }
            Ok(all)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Extent;

    fn row() -> SealedRow {
        let mut row = SealedRow {
            space: SpaceId(3),
            number: 7,
            dimension: 9,
            count: 5,
            form: Form::F16,
            first: 10,
            last: 14,
            segment: SegmentRef {
                extent: Extent { start: 1, chunks: 1 },
                len: 0,
                checksum: 0x0123_4567_89ab_cdef,
            },
        };
        row.segment.len = row.layout().len();
        row
    }

    #[test]
    fn a_row_reads_back_and_one_that_contradicts_itself_is_refused() {
        let sound = row();
        assert_eq!(SealedRow::decode(&sound.key(), &sound.encode()).unwrap(), sound);
        let with = |change: fn(&mut SealedRow)| {
            let mut row = row();
            change(&mut row);
            SealedRow::decode(&row.key(), &row.encode()).unwrap_err().kind()
        };
        let changes: [fn(&mut SealedRow); 7] = [
            |row| row.count = 0,
            |row| row.count = 6,
            |row| row.dimension = 0,
            |row| row.dimension = u32::MAX,
            |row| row.segment.len += 1,
            |row| row.last = 13,
            |row| row.first = 15,
        ];
        for change in changes {
            assert_eq!(with(change), crate::ErrorKind::Corruption);
        }
        for at in [0, 1] {
            let mut value = sound.encode();
            value[at] ^= 2;
            assert!(SealedRow::decode(&sound.key(), &value).is_err(), "another version or storage");
        }
        assert!(SealedRow::decode(&sound.key()[1..], &sound.encode()).is_err());
        assert!(SealedRow::decode(&sound.key(), &sound.encode()[1..]).is_err());
    }

    #[test]
    fn a_header_says_what_its_row_says() {
        let layout = row().layout();
        assert_eq!(Layout::of_header(&layout.header()), Some(layout));
        for at in 0..HEADER_LEN {
            let mut header = layout.header();
            header[at] ^= 0x80;
            assert_ne!(Layout::of_header(&header), Some(layout), "byte {at}");
        }
        assert_eq!(Layout::of_header(&layout.header()[1..]), None);
    }

    #[test]
    fn vectors_begin_where_a_cache_line_does() {
        for count in 1..20 {
            let layout = Layout { count, ..row().layout() };
            assert_eq!(layout.vector_at(0) % ALIGN, 0);
            assert!(layout.vector_at(0) >= Layout::id_at(count));
        }
    }
}
