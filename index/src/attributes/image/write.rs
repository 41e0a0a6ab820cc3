//! Writes an attribute image.
//!
//! **Invariant:** the bytes depend on the rows, their labels and their cells alone, not on how they
//! came to be: labels are renumbered by rank, and those that no row has are left out. For
//! [`Attributes`](crate::attributes::Attributes) only.

use super::layout::{HEADER_BYTES, Layout};
use super::posting_bytes;
use crate::attributes::block::ROWS;
use crate::attributes::dictionary::Dictionary;
use crate::attributes::entry::ColumnId;
use crate::attributes::labels::KeyRange;
use crate::attributes::packed::Packing;
use crate::attributes::posting::Posting;
use crate::attributes::rows::Rows;
use crate::image::ImageError;

pub(in crate::attributes) struct Writer<'a> {
    pub(in crate::attributes) rows: &'a Rows,
    pub(in crate::attributes) dictionary: &'a Dictionary,
    pub(in crate::attributes) live: &'a Posting,
}

/// The label sections, and the rank of each label by its number.
struct Labels {
    ranks: Vec<u32>,
    count: u32,
    records: Vec<u8>,
    keys: Vec<u8>,
    postings: Vec<u8>,
}

impl Writer<'_> {
    pub(in crate::attributes) fn write(self) -> Result<Vec<u8>, ImageError> {
        let labels = self.labels()?;
        let fields = self.fields()?;
        let mut layout = Layout {
            rows: self.rows.next(),
            labels: labels.count,
            columns: self.rows.columns() as u32,
            fields: fields.len() as u32,
            ..Layout::default()
        };
        let (row_ends, row_labels) = self.row_labels(&labels.ranks)?;
        let (mut packings, mut cells) = (Vec::new(), Vec::new());
        for column in (0..self.rows.columns()).map(|column| ColumnId(column as u8)) {
            pack(&self.column(column)?, &mut packings, &mut cells);
        }
        let (mut ids, mut packed_ends) = (Vec::new(), Vec::new());
        pack(&self.ids()?, &mut packings, &mut ids);
        pack(&row_ends, &mut packings, &mut packed_ends);
        let mut out = vec![0; HEADER_BYTES];
        let mut ends = layout.ends.iter_mut();
        let mut end_section = |out: &Vec<u8>| {
            *ends.next().expect("one end per section") = out.len() as u64;
        };
        for section in [packings, cells, ids] {
            out.extend(section);
            end_section(&out);
        }
        for (field, masks) in fields {
            out.extend(u64::from(field).to_le_bytes());
            out.extend(masks.into_iter().flat_map(u64::to_le_bytes));
        }
        end_section(&out);
        for section in [packed_ends, row_labels, labels.records, labels.keys, labels.postings] {
            out.extend(section);
            end_section(&out);
        }
        out.extend(self.live.len().to_le_bytes());
        posting_bytes::encode(self.live, &mut out);
        end_section(&out);
        out[..HEADER_BYTES].copy_from_slice(&layout.encode());
        Ok(out)
    }

    fn labels(&self) -> Result<Labels, ImageError> {
        let mut labels = Labels {
            ranks: vec![u32::MAX; self.dictionary.next() as usize],
            count: 0,
            records: Vec::new(),
            keys: Vec::new(),
            postings: Vec::new(),
        };
        for label in self.dictionary.range(KeyRange::ALL)? {
            let label = label?;
            labels.ranks[label.number as usize] = labels.count;
            labels.count += 1;
            labels.keys.extend(label.key);
            posting_bytes::encode(&*self.dictionary.posting(label.number)?, &mut labels.postings);
            labels.records.extend((labels.keys.len() as u64).to_le_bytes());
            labels.records.extend((labels.postings.len() as u64).to_le_bytes());
            // A row has a label once, and there are fewer than 2^32 rows.
            labels.records.extend((label.len as u32).to_le_bytes());
            labels.records.extend([0; 4]);
        }
        Ok(labels)
    }

    /// The fields that a row has a label of, with their masks.
    fn fields(&self) -> Result<Vec<(u8, Vec<u64>)>, ImageError> {
        let mut fields = Vec::new();
        for field in self.rows.fields() {
            let masks = (0..self.rows.blocks()).map(|block| self.rows.mask(field, block));
            let masks = masks.collect::<Result<Vec<_>, _>>()?;
            if masks.iter().any(|&mask| mask != 0) {
                fields.push((field.0, masks));
            }
        }
        Ok(fields)
    }

    /// Where each row's labels end, and their ranks.
    fn row_labels(&self, ranks: &[u32]) -> Result<(Vec<i64>, Vec<u8>), ImageError> {
        let (mut ends, mut labels) = (Vec::new(), Vec::new());
        for ordinal in 0..self.rows.next() {
            let numbers = self.rows.labels(ordinal)?;
            let mut row: Vec<u32> = numbers.iter().map(|&number| ranks[number as usize]).collect();
            row.sort_unstable();
            labels.extend(row.into_iter().flat_map(u32::to_le_bytes));
            ends.push(labels.len() as i64 / 4);
        }
        Ok((ends, labels))
    }

    fn ids(&self) -> Result<Vec<i64>, ImageError> {
        (0..self.rows.next()).map(|ordinal| Ok(self.rows.id(ordinal)? as i64)).collect()
    }

    /// The cells of a column.
    fn column(&self, column: ColumnId) -> Result<Vec<i64>, ImageError> {
        let mut cells = Vec::with_capacity(self.rows.next() as usize);
        for block in 0..self.rows.blocks() {
            let block_cells = self.rows.cells(column, block)?;
            let rows = (self.rows.next() as usize - block as usize * ROWS).min(ROWS);
            cells.extend((0..rows).map(|row| block_cells.get(row)));
        }
        Ok(cells)
    }
}

/// Appends numbers, and how they are packed.
fn pack(numbers: &[i64], packings: &mut Vec<u8>, out: &mut Vec<u8>) {
    let packing = Packing::of(numbers.iter().copied());
    packings.extend(packing.encode());
    for &number in numbers {
        packing.push(number, out);
    }
}

const _: () = assert!(ROWS == 64, "a mask of the image is one u64 per block");
