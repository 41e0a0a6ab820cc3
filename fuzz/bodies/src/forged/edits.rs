//! What an input of this target says: edits, each a head of six bytes and bytes of its own.
//!
//! ```text
//! kind u8 | table u8 | row u8 | at i16 | count u8 | bytes
//! ```
//!
//! A place in a value counts from its beginning, or if negative from its end.
//!
//! **Invariant:** every input is edits: what is too large counts modulo what there is.

use super::tables::{IMAGES, NAMES, Tables};

/// How many rows a table may grow to.
const MAX_ROWS: usize = 500;
/// A reference stands at the end of its row.
const REFERENCE_LEN: usize = 24;
/// Both slots.
const HEAD_LEN: usize = 64 << 10;
const SLOT_LEN: usize = HEAD_LEN / 2;

/// One change to the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit<'a> {
    kind: Kind,
    table: usize,
    row: usize,
    at: i16,
    bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Writes over a part of a value, and perhaps beyond its end.
    Overwrite,
    /// Cuts a value.
    Cut,
    Remove,
    /// Gives a row the value of another: of the row `at` of the table.
    Copy,
    /// Puts the value of a row under another key as well.
    Insert,
    /// Puts an image into a segment.
    ToSegment,
    /// Writes over a segment reference, once the segment is where it says.
    Reference,
    /// Writes over both header slots.
    Header,
}

const KINDS: [Kind; 8] = [
    Kind::Overwrite,
    Kind::Cut,
    Kind::Remove,
    Kind::Copy,
    Kind::Insert,
    Kind::ToSegment,
    Kind::Reference,
    Kind::Header,
];

/// The edits that an input is.
pub(super) fn decode(mut input: &[u8]) -> Vec<Edit<'_>> {
    let mut edits = Vec::new();
    while let Some((&[kind, table, row, low, high, count], rest)) = input.split_first_chunk() {
        let (bytes, rest) = rest.split_at(usize::from(count).min(rest.len()));
        input = rest;
        edits.push(Edit {
            kind: KINDS[usize::from(kind) % KINDS.len()],
            table: usize::from(table) % NAMES.len(),
            row: usize::from(row),
            at: i16::from_le_bytes([low, high]),
            bytes,
        });
    }
    edits
}

fn place(at: i16, len: usize) -> usize {
    let distance = usize::from(at.unsigned_abs()) % (len + 1);
    if at < 0 { len - distance } else { distance }
}

fn overwrite(value: &mut Vec<u8>, at: i16, bytes: &[u8]) {
    let at = place(at, value.len());
    let end = at + bytes.len();
    value.resize(value.len().max(end), 0);
    value[at..end].copy_from_slice(bytes);
}

impl Edit<'_> {
    /// Makes an edit of rows.
    pub(super) fn make_in_rows(&self, tables: &mut Tables) {
        if matches!(self.kind, Kind::Reference | Kind::Header) {
            return;
        }
        let rows = &mut tables.rows[self.table];
        let len = rows.len().max(1);
        let Some(key) = rows.keys().nth(self.row % len).cloned() else { return };
        let Some(value) = rows.get_mut(&key) else { return };
        match self.kind {
            Kind::Overwrite => overwrite(value, self.at, self.bytes),
            Kind::Cut => value.truncate(place(self.at, value.len())),
            Kind::Remove => drop(rows.remove(&key)),
            Kind::Copy => {
                let other = rows.values().nth(place(self.at, len - 1)).cloned().unwrap_or_default();
                rows.insert(key, other);
            }
            Kind::Insert if len < MAX_ROWS => {
                let value = value.clone();
                rows.insert(self.bytes.to_vec(), value);
            }
            Kind::ToSegment if self.table == IMAGES => drop(tables.in_segments.insert(key)),
            _ => {}
        }
    }

    /// Makes an edit of a segment reference.
    pub(super) fn make_in_references(&self, tables: &mut Tables) {
        let names = tables.in_segments.len().max(1);
        let name = tables.in_segments.iter().nth(self.row % names);
        let row = name.and_then(|name| tables.rows[IMAGES].get_mut(name));
        if let (Kind::Reference, Some(row)) = (self.kind, row) {
            let (before, reference) = row.split_at(row.len().saturating_sub(REFERENCE_LEN));
            let mut reference = reference.to_vec();
            overwrite(&mut reference, self.at, self.bytes);
            *row = [before, &reference].concat();
        }
    }

    /// Makes an edit of the header.
    pub(super) fn make_in_header(&self, file: &mut [u8]) {
        if let (Kind::Header, Some(header)) = (self.kind, file.first_chunk_mut::<HEAD_LEN>()) {
            for slot in header.chunks_exact_mut(SLOT_LEN) {
                slot.iter_mut()
                    .skip(place(self.at, SLOT_LEN))
                    .zip(self.bytes)
                    .for_each(|(to, from)| *to = *from);
            }
        }
    }
}
