//! Where everything lies in an image (`docs/file-format.md`, "Adjacency").
//!
//! ```text
//!   0   magic "MLADJC" and two digits of version
//!   8   nodes u32 (one more than the highest) | edges u32 | nodes that are there u32
//!  20   types u32 | weights u32 (0: each record has its own) | beginnings u32 | ends u32
//!  36   bytes of an edge ordinal u32 (0: that of slot n is n)               zeros up to 64
//!  64   presence      a bit a node, lowest first
//!       types         u16 each, ascending
//!       weights       f32 each, ascending
//!       beginnings    i64 each, ascending: the instants from which edges hold
//!       ends          i64 each, ascending: those at which they end
//!       out starts    nodes + 1 numbers: the slot at which the list of a node begins
//!       out records   a record a slot
//!       in starts, in records
//!       ordinals      of the edge of each out slot
//! ```
//!
//! A *record* is a half edge: its *word*, then the place of its weight (or the weight), of its
//! beginning and of its end. The word is the place of its type, and in as many bits below it as the
//! number of nodes needs the node at the other end.
//!
//! ```text
//!   |<---- word, 3 bytes --->|<-- weight, 4 bytes -->| beginning, end: no byte each
//!   | ....tttnnnnnnnnnnnnnnn |                       | where no edge of the image has any
//! ```
//!
//! A list ascends by word, then by the ordinal of the edge. Numbers take as many bytes as their
//! greatest possible value needs, little-endian; each section begins at a multiple of 8 and is
//! followed by at least eight bytes that are there, so that any number is one load of eight bytes.
//!
//! **Invariant:** all that is here was computed from the header alone; only the reader and the writer
//! beside it use it.

use std::ops::Range;

use crate::adjacency::edge::Side;

pub(super) const MAGIC: [u8; 8] = *b"MLADJC01";
pub(super) const HEADER_BYTES: usize = 64;
/// Numbers in the header.
pub(super) const FIELDS: usize = 8;
const _: () = assert!(MAGIC.len() + 4 * FIELDS <= HEADER_BYTES, "the header holds its fields");

/// Bytes that every section can be read beyond its end.
pub(super) const PAD: usize = 8;

/// The most nodes and the most edges an adjacency can have.
pub(crate) const MAX_COUNT: u32 = 1 << 31;

/// The most different weights that are worth a table.
pub(super) const MAX_WEIGHTS: usize = 1 << 16;

/// How much of everything there is: the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) nodes: u32,
    pub(super) edges: u32,
    pub(super) present: u32,
    pub(super) types: u32,
    pub(super) weights: u32,
    pub(super) froms: u32,
    pub(super) untils: u32,
    pub(super) ordinal_bytes: u32,
}

impl Counts {
    pub(super) fn to_fields(self) -> [u32; FIELDS] {
        let Self { nodes, edges, present, types, weights, froms, untils, ordinal_bytes } = self;
        [nodes, edges, present, types, weights, froms, untils, ordinal_bytes]
    }

    pub(super) fn from_fields(fields: [u32; FIELDS]) -> Self {
        let [nodes, edges, present, types, weights, froms, untils, ordinal_bytes] = fields;
        Self { nodes, edges, present, types, weights, froms, untils, ordinal_bytes }
    }

    /// The rule among counts that does not hold, if there is one.
    pub(super) fn fault(self) -> Option<&'static str> {
        let is_filled = self.edges > 0;
        let tables = [self.types, self.froms, self.untils];
        if self.nodes > MAX_COUNT || self.present > self.nodes {
            Some("number of nodes of an adjacency")
        } else if self.edges > MAX_COUNT || (is_filled && self.nodes == 0) {
            Some("number of edges of an adjacency")
        } else if tables.iter().any(|&table| (table > 0) != is_filled || table > self.edges) {
            Some("size of a table of an adjacency")
        } else if self.types > 1 << 16 || self.weights as usize > MAX_WEIGHTS {
            Some("number of types or weights of an adjacency")
        } else if self.ordinal_bytes > 4 {
            Some("width of an edge ordinal of an adjacency")
        } else {
            None
        }
    }
}

/// Bits that `value` takes.
fn bits(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Bytes that `value` takes.
pub(super) fn bytes_of(value: u64) -> usize {
    bits(value).div_ceil(8) as usize
}

/// The eight bytes at `at`, of which a number takes the lowest. Zero beyond the end.
#[inline]
pub(super) fn load(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..)
        .and_then(|bytes| bytes.first_chunk())
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A number within a record, or in a column of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Where in the record.
    pub(super) at: usize,
    pub(super) width: usize,
    mask: u64,
}

impl Field {
    fn new(at: usize, width: usize) -> Self {
        let mask = if width == 0 { 0 } else { u64::MAX >> (64 - 8 * width) };
        Self { at, width, mask }
    }

    /// A column of numbers that go up to `greatest`.
    pub(super) fn column(greatest: u64) -> Self {
        Self::new(0, bytes_of(greatest))
    }

    /// A column of numbers of `width` bytes.
    pub(super) fn of_width(width: usize) -> Self {
        Self::new(0, width)
    }

    /// The number of the record that begins at `start` of `bytes`.
    #[inline]
    pub(super) fn get(self, bytes: &[u8], start: usize) -> u64 {
        load(bytes, start + self.at) & self.mask
    }

    /// Writes it there; `value` fits.
    pub(super) fn put(self, bytes: &mut [u8], start: usize, value: u64) {
        let at = start + self.at;
        bytes[at..at + self.width].copy_from_slice(&value.to_le_bytes()[..self.width]);
    }
}

/// What a record consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) word: Field,
    pub(super) weight: Field,
    pub(super) from: Field,
    pub(super) until: Field,
    pub(super) bytes: usize,
    /// Bits of the word that hold the node.
    node_bits: u32,
}

impl Record {
    fn new(counts: &Counts) -> Self {
        let last = |count: u32| u64::from(count.saturating_sub(1));
        let node_bits = bits(last(counts.nodes));
        let word = Field::new(0, (node_bits + bits(last(counts.types))).div_ceil(8) as usize);
        let weight_bytes = if counts.weights == 0 { 4 } else { bytes_of(last(counts.weights)) };
        let weight = Field::new(word.width, weight_bytes);
        let from = Field::new(weight.at + weight.width, bytes_of(last(counts.froms)));
        let until = Field::new(from.at + from.width, bytes_of(last(counts.untils)));
        let bytes = until.at + until.width;
        Self { word, weight, from, until, bytes, node_bits }
    }

    /// The word of a half edge whose type has place `code` and whose other end is `node`.
    #[inline]
    pub(super) fn word_of(self, code: u64, node: u32) -> u64 {
        (code << self.node_bits) | u64::from(node)
    }

    /// Place of the type, and node.
    #[inline]
    pub(super) fn split(self, word: u64) -> (u64, u32) {
        (word >> self.node_bits, (word & !(u64::MAX << self.node_bits)) as u32)
    }
}

/// The lists of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) starts: Range<usize>,
    pub(super) records: Range<usize>,
}

/// Where the sections lie, without what they can be read beyond their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) counts: Counts,
    pub(super) presence: Range<usize>,
    pub(super) types: Range<usize>,
    pub(super) weights: Range<usize>,
    pub(super) froms: Range<usize>,
    pub(super) untils: Range<usize>,
    out: Lists,
    incoming: Lists,
    pub(super) ordinals: Range<usize>,
    pub(super) record: Record,
    /// A number in the starts.
    pub(super) start: Field,
    pub(super) ordinal: Field,
    /// Length of the image.
    pub(super) end: usize,
}

impl Layout {
    /// None if this machine cannot address such an image.
    pub(super) fn new(counts: Counts) -> Option<Self> {
        let record = Record::new(&counts);
        let start = Field::column(u64::from(counts.edges));
        let ordinal = Field::of_width(counts.ordinal_bytes as usize);
        let [nodes, edges] = [counts.nodes, counts.edges].map(|count| count as usize);
        let mut end = HEADER_BYTES;
        let mut section = |count: usize, width: usize| {
            let begin = end;
            let stop = begin.checked_add(count.checked_mul(width)?)?;
            end = stop.checked_add(PAD)?.checked_next_multiple_of(8)?;
            Some(begin..stop)
        };
        let presence = section(nodes.div_ceil(8), 1)?;
        let types = section(counts.types as usize, size_of::<u16>())?;
        let weights = section(counts.weights as usize, size_of::<f32>())?;
        let froms = section(counts.froms as usize, size_of::<i64>())?;
        let untils = section(counts.untils as usize, size_of::<i64>())?;
        let mut lists = || {
            let starts = section(nodes + 1, start.width)?;
            Some(Lists { starts, records: section(edges, record.bytes)? })
        };
        let (out, incoming) = (lists()?, lists()?);
        let ordinals = section(edges, ordinal.width)?;
        Some(Self {
            counts,
            presence,
            types,
            weights,
            froms,
            untils,
            out,
            incoming,
            ordinals,
            record,
            start,
            ordinal,
            end,
        })
    }

    pub(super) fn lists(&self, side: Side) -> &Lists {
        match side {
            Side::Out => &self.out,
            Side::In => &self.incoming,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(nodes: u32, types: u32, weights: u32) -> Counts {
        let (froms, untils) = (1, 1);
        let edges = 1 << 20;
        Counts { nodes, edges, present: nodes, types, weights, froms, untils, ordinal_bytes: 3 }
    }

    #[test]
    fn a_million_random_weights_take_seven_bytes_a_half_edge() {
        assert_eq!(Record::new(&counts(100_000, 8, 0)).bytes, 7);
        assert_eq!(Record::new(&counts(100_000, 8, 200)).bytes, 4);
        assert_eq!(Record::new(&counts(100_000, 8, 1)).bytes, 3, "one weight takes no byte");
    }

    #[test]
    fn the_widest_record_keeps_its_parts_apart() {
        let widest = Counts { froms: 1 << 31, ..counts(MAX_COUNT, 1 << 16, 0) };
        let record = Record::new(&widest);
        let word = record.word_of(u64::from(u16::MAX), MAX_COUNT - 1);
        assert_eq!(record.split(word), (u64::from(u16::MAX), MAX_COUNT - 1));
        let mut bytes = vec![0; record.bytes + PAD];
        let values =
            [(record.word, word), (record.weight, 0x7f00_0001), (record.from, 0x7fff_fffe)];
        for (field, value) in values {
            field.put(&mut bytes, 0, value);
        }
        for (field, value) in values {
            assert_eq!(field.get(&bytes, 0), value);
        }
        assert_eq!(record.until.get(&bytes, 0), 0);
    }

    #[test]
    fn one_node_without_a_choice_takes_no_bits() {
        let record = Record::new(&counts(1, 1, 1));
        assert_eq!((record.bytes, record.split(0)), (0, (0, 0)));
    }

    #[test]
    fn sections_lie_behind_each_other() {
        let layout = Layout::new(counts(1000, 3, 17)).expect("a small image");
        let Layout { presence, types, weights, froms, untils, out, incoming, ordinals, .. } =
            &layout;
        let sections = [
            presence,
            types,
            weights,
            froms,
            untils,
            &out.starts,
            &out.records,
            &incoming.starts,
            &incoming.records,
            ordinals,
        ];
        let mut end = HEADER_BYTES;
        for section in sections {
            assert!(section.start == end && section.start.is_multiple_of(8));
            end = (section.end + PAD).next_multiple_of(8);
        }
        assert_eq!(end, layout.end);
    }
}
