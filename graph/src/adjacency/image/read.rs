//! Reading an image in place.
//!
//! **Invariant:** whatever the bytes are, a list has as many records as its image has edges at most,
//! and every half edge that is handed out has a node, a type and a weight that can be.

use std::cmp::Ordering;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::Place;
use super::layout::{Counts, FIELDS, HEADER_BYTES, Layout, MAGIC, PAD};
use crate::adjacency::edge::{Direction, EdgeKey, HalfEdge, Place as AnyPlace, Side, Validity};
use crate::adjacency::filter::Filter;
use crate::image::{ImageError, SharedSource};
use crate::prefetch::prefetch;

/// Records of a list that are looked at in one go.
const BLOCK: usize = 256;

/// A list that has fewer records than this times the wanted types is read through.
const SCAN_RECORDS: usize = 16;

const fn inconsistent(what: &'static str) -> ImageError {
    ImageError::Inconsistent { what }
}

/// An image that was opened.
#[derive(Clone)]
pub(crate) struct Image {
    source: SharedSource,
    layout: Arc<Layout>,
    types: Arc<[u16]>,
}

impl Image {
    /// Reads the header and the types; costs the same for every number of edges.
    pub(crate) fn open(source: SharedSource) -> Result<Self, ImageError> {
        let header = source.get(0..HEADER_BYTES)?;
        if !header.starts_with(&MAGIC) {
            return Err(ImageError::WrongFormat { expected: "an adjacency of version 1" });
        }
        let (fields, _) = header[MAGIC.len()..].as_chunks::<4>();
        let fields: [u32; FIELDS] = std::array::from_fn(|at| u32::from_le_bytes(fields[at]));
        let counts = Counts::from_fields(fields);
        if let Some(fault) = counts.fault() {
            return Err(inconsistent(fault));
        }
        let layout =
            Layout::new(counts).ok_or_else(|| inconsistent("number of edges of an adjacency"))?;
        match source.len().cmp(&layout.end) {
            Ordering::Less => {
                return Err(ImageError::Truncated { end: layout.end, len: source.len() });
            }
            Ordering::Equal => {}
            Ordering::Greater => return Err(inconsistent("length of an adjacency")),
        }
        let (types, _) = source.get(layout.types.clone())?.as_chunks::<2>();
        let types: Arc<[u16]> = types.iter().map(|&bytes| u16::from_le_bytes(bytes)).collect();
        if !types.is_sorted_by(|a, b| a < b) {
            return Err(inconsistent("order of the types of an adjacency"));
        }
        Ok(Self { source, layout: Arc::new(layout), types })
    }

    /// One more than the highest node.
    pub(crate) fn nodes(&self) -> u32 {
        self.layout.counts.nodes
    }

    /// Nodes that are there.
    pub(crate) fn present(&self) -> u32 {
        self.layout.counts.present
    }

    pub(crate) fn edges(&self) -> u32 {
        self.layout.counts.edges
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.layout.end
    }

    pub(crate) fn reader(&self) -> ImageReader<'_> {
        ImageReader { image: self, verified: self.source.verified() }
    }
}

/// What of a filter an image can decide by comparing the numbers of a record.
#[derive(Clone, Debug)]
pub(crate) struct Sieve {
    types: Places,
    /// How many types are wanted, if not all are.
    wanted: Option<usize>,
    /// A word from which on no type is wanted: lists ascend by type.
    beyond: u64,
    /// The least number of a weight.
    min_weight: u64,
    /// One more than the greatest number of a beginning.
    from_below: u64,
    /// The least number of an end.
    until_from: u64,
}

/// A set of places of types. The first 64, which are mostly all, take no memory beside it.
#[derive(Clone, Debug, Default)]
struct Places {
    first: u64,
    rest: Vec<u64>,
}

impl Places {
    fn insert(&mut self, place: usize) {
        let bit = 1 << (place % 64);
        match (place / 64).checked_sub(1) {
            None => self.first |= bit,
            Some(at) => {
                self.rest.resize(self.rest.len().max(at + 1), 0);
                self.rest[at] |= bit;
            }
        }
    }

    #[inline]
    fn contains(&self, place: u64) -> bool {
        let word = match (place / 64).checked_sub(1) {
            None => self.first,
            Some(at) => self.rest.get(at as usize).copied().unwrap_or(0),
        };
        word >> (place % 64) & 1 == 1
    }
}

/// An image within one call: once all of it is verified, nobody is asked for each list.
#[derive(Clone, Copy)]
pub(crate) struct ImageReader<'a> {
    image: &'a Image,
    verified: Option<&'a [u8]>,
}

/// The records of a node.
#[derive(Clone, Copy)]
struct List<'a> {
    bytes: &'a [u8],
    /// Slot of the first.
    first: u32,
    len: usize,
}

impl<'a> ImageReader<'a> {
    fn get(self, range: Range<usize>) -> Result<&'a [u8], ImageError> {
        match self.verified {
            Some(bytes) => {
                let (end, len) = (range.end, bytes.len());
                bytes.get(range).ok_or(ImageError::Truncated { end, len })
            }
            None => self.image.source.get(range),
        }
    }

    /// `count` numbers of `width` bytes from the `first` on, and what may be read beyond them.
    fn column(
        self,
        section: &Range<usize>,
        first: usize,
        count: usize,
        width: usize,
    ) -> Result<&'a [u8], ImageError> {
        let start = section.start + first * width;
        self.get(start..start + count * width + PAD)
    }

    /// Is the node there?
    pub(crate) fn has_node(self, node: u32) -> Result<bool, ImageError> {
        if node >= self.image.nodes() {
            return Ok(false);
        }
        let at = self.image.layout.presence.start + node as usize / 8;
        Ok(self.get(at..at + 1)?[0] >> (node % 8) & 1 == 1)
    }

    #[inline]
    fn list(self, side: Side, node: u32) -> Result<List<'a>, ImageError> {
        let Layout { counts, start, record, .. } = &*self.image.layout;
        if node >= counts.nodes {
            return Ok(List { bytes: &[], first: 0, len: 0 });
        }
        let lists = self.image.layout.lists(side);
        let starts = self.column(&lists.starts, node as usize, 2, start.width)?;
        let (first, end) = (start.get(starts, 0), start.get(starts, start.width));
        if first > end || end > u64::from(counts.edges) {
            return Err(inconsistent("start of a list of an adjacency"));
        }
        let (first, len) = (first as u32, (end - first) as usize);
        let bytes = self.column(&lists.records, first as usize, len, record.bytes)?;
        Ok(List { bytes, first, len })
    }

    /// Asks for where the list of a node lies.
    #[inline]
    pub(crate) fn prefetch_start(self, side: Side, node: u32) {
        let Layout { start, .. } = &*self.image.layout;
        let at = self.image.layout.lists(side).starts.start + node as usize * start.width;
        // As long as blocks are still to be verified that takes far longer than memory does.
        if let Some(bytes) = self.verified.and_then(|bytes| bytes.get(at..=at)) {
            prefetch(bytes);
        }
    }

    /// Asks for the beginning of the list of a node.
    #[inline]
    pub(crate) fn prefetch_list(self, side: Side, node: u32) {
        if self.verified.is_some()
            && let Ok(list) = self.list(side, node)
        {
            prefetch(&list.bytes[..list.len * self.image.layout.record.bytes]);
        }
    }

    /// The sieve of `filter`.
    pub(crate) fn sieve(self, filter: &Filter<'_>) -> Result<Sieve, ImageError> {
        let Layout { counts, record, .. } = &*self.image.layout;
        let (mut types, mut count, mut beyond) = (Places::default(), 0, 0);
        for (place, edge_type) in self.image.types.iter().enumerate() {
            if filter.types.is_none_or(|types| types.contains(edge_type)) {
                types.insert(place);
                count += 1;
                beyond = record.word_of(place as u64 + 1, 0);
            }
        }
        let wanted = (count < self.image.types.len()).then_some(count);
        let beyond = if wanted.is_none() { u64::MAX } else { beyond };
        // Of numbers that are not negative the bits ascend as the numbers do.
        let least = filter.min_weight.max(0.0);
        let min_weight = if counts.weights == 0 {
            u64::from(least.to_bits())
        } else {
            self.weights_below(least)?
        };
        let (from_below, until_from) = match filter.as_of {
            None => (u64::MAX, 0),
            Some(instant) => self.instants_at(instant)?,
        };
        Ok(Sieve { types, wanted, beyond, min_weight, from_below, until_from })
    }

    fn weights_below(self, least: f32) -> Result<u64, ImageError> {
        let (weights, _) = self.get(self.image.layout.weights.clone())?.as_chunks();
        Ok(weights.partition_point(|&bytes| f32::from_le_bytes(bytes) < least) as u64)
    }

    fn instants_at(self, instant: i64) -> Result<(u64, u64), ImageError> {
        let Layout { froms, untils, .. } = &*self.image.layout;
        let (froms, _) = self.get(froms.clone())?.as_chunks();
        let (untils, _) = self.get(untils.clone())?.as_chunks();
        let begun = froms.partition_point(|&from| i64::from_le_bytes(from) <= instant);
        let ended = untils.partition_point(|&until| {
            let until = i64::from_le_bytes(until);
            until <= instant && until != i64::MAX
        });
        Ok((begun as u64, ended as u64))
    }

    /// The first instant behind `instant` at which an edge begins or ends to hold.
    pub(crate) fn next_change(self, instant: i64) -> Result<Option<i64>, ImageError> {
        let Layout { froms, untils, .. } = &*self.image.layout;
        let mut next = None;
        for table in [froms, untils] {
            let (instants, _) = self.get(table.clone())?.as_chunks();
            let behind = instants.partition_point(|&at| i64::from_le_bytes(at) <= instant);
            let first = instants.get(behind).map(|&at| i64::from_le_bytes(at));
            next = next.into_iter().chain(first.filter(|&at| at != i64::MAX)).min();
        }
        Ok(next)
    }

    /// Hands the half edges of a node that pass to `found`, by ascending type, node and ordinal,
    /// until it breaks. `is_dead` is asked about slots; `spend` hears how many records are looked at,
    /// before they are, and may break too.
    #[inline]
    pub(crate) fn visit(
        self,
        side: Side,
        node: u32,
        sieve: &Sieve,
        is_dead: impl Fn(u32) -> bool,
        spend: &mut impl FnMut(usize) -> ControlFlow<()>,
        mut found: impl FnMut(HalfEdge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ImageError> {
        let list = self.list(side, node)?;
        let mut scan = |run: Range<usize>| {
            let mut first = run.start;
            while first < run.end {
                let block = first..run.end.min(first + BLOCK);
                first = block.end;
                if spend(block.len()).is_break()
                    || self.scan(side, node, list, block, sieve, &is_dead, &mut found)?.is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        match sieve.wanted {
            Some(wanted) if list.len >= SCAN_RECORDS * wanted.max(1) => {
                for place in 0..self.image.types.len() as u64 {
                    let is_wanted = sieve.types.contains(place);
                    if is_wanted && scan(self.run_of_type(list, place))?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            _ => scan(0..list.len),
        }
    }

    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the one loop that all reading goes through")]
    fn scan(
        self,
        side: Side,
        owner: u32,
        list: List<'a>,
        run: Range<usize>,
        sieve: &Sieve,
        is_dead: &impl Fn(u32) -> bool,
        found: &mut impl FnMut(HalfEdge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ImageError> {
        let Layout { counts, record, .. } = &*self.image.layout;
        let (types, nodes, record) = (&self.image.types[..], counts.nodes, *record);
        for at in run {
            let start = at * record.bytes;
            let word = record.word.get(list.bytes, start);
            if word >= sieve.beyond {
                break;
            }
            let (code, node) = record.split(word);
            let weight = record.weight.get(list.bytes, start);
            if !sieve.types.contains(code) || weight < sieve.min_weight {
                if code as usize >= types.len() {
                    return Err(inconsistent("type of an edge of an adjacency"));
                }
                continue;
            }
            if record.from.get(list.bytes, start) >= sieve.from_below
                || record.until.get(list.bytes, start) < sieve.until_from
            {
                continue;
            }
            let slot = list.first + at as u32;
            if is_dead(slot) {
                continue;
            }
            if node >= nodes {
                return Err(inconsistent("node of an edge of an adjacency"));
            }
            let weight = if counts.weights == 0 {
                f32::from_bits(weight as u32)
            } else {
                self.weight(weight)?
            };
            // Neither negative nor infinite nor NaN.
            if !(0.0..f32::INFINITY).contains(&weight) {
                return Err(inconsistent("weight of an edge of an adjacency"));
            }
            let &edge_type = types
                .get(code as usize)
                .ok_or_else(|| inconsistent("type of an edge of an adjacency"))?;
            let place = AnyPlace::Image(Place { side, owner, slot });
            if found(HalfEdge { node, edge_type, weight, place }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The weight at `place` of the table.
    fn weight(self, place: u64) -> Result<f32, ImageError> {
        let bytes =
            self.entry(&self.image.layout.weights, self.image.layout.counts.weights, place)?;
        Ok(f32::from_le_bytes(bytes))
    }

    fn entry<const N: usize>(
        self,
        table: &Range<usize>,
        len: u32,
        place: u64,
    ) -> Result<[u8; N], ImageError> {
        if place >= u64::from(len) {
            return Err(inconsistent("place in a table of an adjacency"));
        }
        let start = table.start + place as usize * N;
        Ok(self.get(start..start + N)?.as_chunks().0[0])
    }

    /// The records of a type in a list.
    fn run_of_type(self, list: List<'a>, code: u64) -> Range<usize> {
        let record = self.image.layout.record;
        self.first_from(list, record.word_of(code, 0))
            ..self.first_from(list, record.word_of(code + 1, 0))
    }

    /// The first record whose word is not below `word`; as good as the order of the list.
    fn first_from(self, list: List<'a>, word: u64) -> usize {
        let record = self.image.layout.record;
        let (mut low, mut high) = (0, list.len);
        while low < high {
            let middle = low.midpoint(high);
            if record.word.get(list.bytes, middle * record.bytes) < word {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The out slot of the half edge at `place`.
    fn out_slot(self, place: Place) -> Result<u32, ImageError> {
        if place.side == Side::Out {
            return Ok(place.slot);
        }
        // Both lists order the edges between two nodes alike: the n-th here is the n-th there.
        let record = self.image.layout.record;
        let here = self.list(Side::In, place.owner)?;
        let at = place.slot.wrapping_sub(here.first) as usize;
        let word = record.word.get(here.bytes, at * record.bytes);
        let (code, source) = record.split(word);
        let nth = at.checked_sub(self.first_from(here, word));
        let there = self.list(Side::Out, source)?;
        let there_word = record.word_of(code, place.owner);
        let slot = nth.map(|nth| self.first_from(there, there_word) + nth).filter(|&slot| {
            slot < there.len && record.word.get(there.bytes, slot * record.bytes) == there_word
        });
        let slot = slot.ok_or_else(|| inconsistent("the two sides of an adjacency"))?;
        Ok(there.first + slot as u32)
    }

    fn ordinal_at(self, slot: u32) -> Result<u32, ImageError> {
        let Layout { ordinal, ordinals, .. } = &*self.image.layout;
        if ordinal.width == 0 {
            return Ok(slot);
        }
        let bytes = self.column(ordinals, slot as usize, 1, ordinal.width)?;
        Ok(ordinal.get(bytes, 0) as u32)
    }

    /// The edge in an out slot.
    pub(crate) fn key_at(self, slot: u32) -> Result<EdgeKey, ImageError> {
        let Layout { counts, start, record, .. } = &*self.image.layout;
        let lists = self.image.layout.lists(Side::Out);
        // The last node whose list begins at the slot or before.
        let (mut low, mut high) = (0, counts.nodes);
        while low < high {
            let middle = low.midpoint(high);
            let bytes = self.column(&lists.starts, middle as usize, 1, start.width)?;
            if start.get(bytes, 0) <= u64::from(slot) { low = middle + 1 } else { high = middle }
        }
        if slot >= counts.edges || low == 0 {
            return Err(inconsistent("slot of an adjacency"));
        }
        let bytes = self.column(&lists.records, slot as usize, 1, record.bytes)?;
        let (code, target) = record.split(record.word.get(bytes, 0));
        let edge_type = self.image.types.get(code as usize).copied();
        let edge_type = edge_type.ok_or_else(|| inconsistent("type of an edge of an adjacency"))?;
        let ordinal = self.ordinal_at(slot)?;
        Ok(EdgeKey { source: low - 1, edge_type, target, ordinal })
    }

    /// The ordinal of the edge that was met at `place`. Costs two searches in lists for one that was
    /// met at its target.
    pub(crate) fn ordinal(self, place: Place) -> Result<u32, ImageError> {
        self.ordinal_at(self.out_slot(place)?)
    }

    /// When the edge that was met at `place` holds.
    pub(crate) fn validity(self, place: Place) -> Result<Validity, ImageError> {
        let Layout { counts, record, froms, untils, .. } = &*self.image.layout;
        let records = &self.image.layout.lists(place.side).records;
        let bytes = self.column(records, place.slot as usize, 1, record.bytes)?;
        let from = self.entry(froms, counts.froms, record.from.get(bytes, 0))?;
        let until = self.entry(untils, counts.untils, record.until.get(bytes, 0))?;
        Ok(Validity { from: i64::from_le_bytes(from), until: i64::from_le_bytes(until) })
    }

    /// The out slot and the in slot of an edge.
    pub(crate) fn find(self, key: EdgeKey) -> Result<Option<(u32, u32)>, ImageError> {
        let record = self.image.layout.record;
        let Ok(code) = self.image.types.binary_search(&key.edge_type) else { return Ok(None) };
        if key.source >= self.image.nodes() || key.target >= self.image.nodes() {
            return Ok(None);
        }
        let [there, back] = [key.target, key.source].map(|node| record.word_of(code as u64, node));
        let list = self.list(Side::Out, key.source)?;
        let run = self.first_from(list, there)..self.first_from(list, there + 1);
        // Parallel edges ascend by ordinal.
        let (mut low, mut high) = (run.start, run.end);
        while low < high {
            let middle = low.midpoint(high);
            if self.ordinal_at(list.first + middle as u32)? < key.ordinal {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low >= run.end || self.ordinal_at(list.first + low as u32)? != key.ordinal {
            return Ok(None);
        }
        let incoming = self.list(Side::In, key.target)?;
        let at = self.first_from(incoming, back) + (low - run.start);
        let is_there =
            at < incoming.len && record.word.get(incoming.bytes, at * record.bytes) == back;
        if !is_there {
            return Err(inconsistent("the two sides of an adjacency"));
        }
        Ok(Some((list.first + low as u32, incoming.first + at as u32)))
    }

    /// Hands the out slot and the ordinal of each edge of a type from one node to another to `found`, ascending.
    /// Costs a binary search.
    pub(crate) fn each_between(
        self,
        source: u32,
        edge_type: u16,
        target: u32,
        mut found: impl FnMut(u32, u32),
    ) -> Result<(), ImageError> {
        let Ok(code) = self.image.types.binary_search(&edge_type) else { return Ok(()) };
        if source >= self.image.nodes() || target >= self.image.nodes() {
            return Ok(());
        }
        let there = self.image.layout.record.word_of(code as u64, target);
        let list = self.list(Side::Out, source)?;
        for at in self.first_from(list, there)..self.first_from(list, there + 1) {
            let slot = list.first + at as u32;
            found(slot, self.ordinal_at(slot)?);
        }
        Ok(())
    }

    /// Reads all of it and says which rule does not hold.
    pub(crate) fn validate(self) -> Result<(), ImageError> {
        let Layout { counts, weights, froms, untils, .. } = &*self.image.layout;
        let (table, _) = self.get(weights.clone())?.as_chunks();
        if !table.is_sorted_by(|&a, &b| f32::from_le_bytes(a) < f32::from_le_bytes(b)) {
            return Err(inconsistent("order of the weights of an adjacency"));
        }
        for table in [froms, untils] {
            let (instants, _) = self.get(table.clone())?.as_chunks();
            if !instants.is_sorted_by(|&a, &b| i64::from_le_bytes(a) < i64::from_le_bytes(b)) {
                return Err(inconsistent("order of the instants of an adjacency"));
            }
        }
        let mut present = 0;
        for node in 0..counts.nodes {
            present += u32::from(self.has_node(node)?);
        }
        if present != counts.present {
            return Err(inconsistent("number of nodes of an adjacency"));
        }
        for side in Direction::Both.sides() {
            self.validate_side(*side)?;
        }
        Ok(())
    }

    fn validate_side(self, side: Side) -> Result<(), ImageError> {
        let Layout { counts, record, .. } = &*self.image.layout;
        let sieve = self.sieve(&Filter::default())?;
        let mut next = 0;
        for node in 0..counts.nodes {
            let list = self.list(side, node)?;
            if list.first != next || (list.len > 0 && !self.has_node(node)?) {
                return Err(inconsistent("start of a list of an adjacency"));
            }
            next += list.len as u32;
            let mut before = None;
            let mut fault = Ok(());
            let flow = self.visit(
                side,
                node,
                &sieve,
                |_| false,
                &mut |_| ControlFlow::Continue(()),
                |half| {
                    fault = self.validate_half(half, side, node, &mut before);
                    if fault.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                },
            )?;
            debug_assert_eq!(flow.is_break(), fault.is_err());
            fault?;
            debug_assert!(list.bytes.len() >= list.len * record.bytes);
        }
        if next != counts.edges {
            return Err(inconsistent("number of edges of an adjacency"));
        }
        Ok(())
    }

    fn validate_half(
        self,
        half: HalfEdge,
        side: Side,
        owner: u32,
        last: &mut Option<(u16, u32, u32)>,
    ) -> Result<(), ImageError> {
        let AnyPlace::Image(place) = half.place else { return Ok(()) };
        let ordinal = self.ordinal(place)?;
        let order = (half.edge_type, half.node, ordinal);
        if last.replace(order).is_some_and(|last| last >= order) || !self.has_node(half.node)? {
            return Err(inconsistent("order of a list of an adjacency"));
        }
        let valid = self.validity(place)?;
        let (source, target) = match side {
            Side::Out => (owner, half.node),
            Side::In => (half.node, owner),
        };
        let key = EdgeKey { source, edge_type: half.edge_type, target, ordinal };
        let Some((out, incoming)) = self.find(key)? else {
            return Err(inconsistent("the two sides of an adjacency"));
        };
        let (mine, other) = match side {
            Side::Out => (out, Place { side: Side::In, owner: target, slot: incoming }),
            Side::In => (incoming, Place { side: Side::Out, owner: source, slot: out }),
        };
        if mine != place.slot || self.validity(other)? != valid {
            return Err(inconsistent("the two sides of an adjacency"));
        }
        Ok(())
    }
}
