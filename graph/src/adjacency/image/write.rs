//! Making an image, step by step.
//!
//! A survey reads the edges of a view once, by source, and finds out what the tables hold and how wide
//! numbers are. Then the lists are filled: that of a source in order, and those of the targets record by
//! record; and last each of the latter is put in order. A step does as much as it is told to, and at least
//! a node. All of it takes about as much memory as the image.
//!
//! **Invariant:** the lists of targets are made from those of the sources, so that the two sides of an
//! image agree whatever it was made from.

use std::collections::BTreeSet;

use super::layout::{Counts, HEADER_BYTES, Layout, MAGIC, MAX_WEIGHTS, PAD, bytes_of};
use crate::adjacency::edge::{Edge, Side, Validity};
use crate::adjacency::filter::Filter;
use crate::adjacency::view::GraphView;
use crate::image::ImageError;

/// What is being written of a view.
pub struct ImageWriter {
    view: GraphView,
    stage: Stage,
    /// The next node of the pass.
    node: u32,
}

enum Stage {
    Survey(Box<Survey>),
    Fill(Box<Lists>),
    Sort(Box<Lists>),
    Done(Vec<u8>),
}

impl ImageWriter {
    /// Nothing is done yet.
    pub fn new(view: &GraphView) -> Self {
        Self { view: view.clone(), stage: Stage::Survey(Box::default()), node: 0 }
    }

    /// Goes on until about `half_edges` have been looked at. Is it done?
    ///
    /// # Errors
    /// [`ImageError`] if the image under the view cannot be read, or this machine cannot address such
    /// an image.
    pub fn step(&mut self, half_edges: usize) -> Result<bool, ImageError> {
        let mut left = half_edges;
        while left > 0 {
            let visited = match &mut self.stage {
                Stage::Done(_) => break,
                _ if self.node >= self.view.node_bound() => {
                    self.next_stage()?;
                    continue;
                }
                Stage::Survey(survey) => survey.visit(&self.view, self.node)?,
                Stage::Fill(lists) => lists.fill(self.node as usize),
                Stage::Sort(lists) => lists.sort(self.node as usize),
            };
            // A node without edges costs something too.
            left = left.saturating_sub(visited + 1);
            self.node += 1;
        }
        Ok(matches!(self.stage, Stage::Done(_)))
    }

    fn next_stage(&mut self) -> Result<(), ImageError> {
        self.node = 0;
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done(Vec::new())) {
            Stage::Survey(survey) => Stage::Fill(Box::new(Lists::new(*survey)?)),
            Stage::Fill(lists) => Stage::Sort(lists),
            Stage::Sort(lists) => Stage::Done(lists.bytes),
            done @ Stage::Done(_) => done,
        };
        Ok(())
    }

    /// The image, for which all steps that are left are made.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn finish(mut self) -> Result<Vec<u8>, ImageError> {
        loop {
            match self.stage {
                Stage::Done(bytes) => return Ok(bytes),
                _ => self.step(usize::MAX)?,
            };
        }
    }
}

impl std::fmt::Debug for ImageWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageWriter").field("node", &self.node).finish_non_exhaustive()
    }
}

/// An edge whose source is known.
struct Row {
    target: u32,
    /// Bits of its weight.
    weight: u32,
    ordinal: u32,
    edge_type: u16,
}

/// Values that there are; most are those that came last.
struct Distinct<T> {
    all: BTreeSet<T>,
    last: Option<T>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { all: BTreeSet::new(), last: None }
    }
}

impl<T: Ord + Copy> Distinct<T> {
    fn insert(&mut self, value: T) {
        if self.last != Some(value) {
            self.last = Some(value);
            self.all.insert(value);
        }
    }
}

/// What the nodes and edges are like.
#[derive(Default)]
struct Survey {
    present: Vec<u32>,
    types: Distinct<u16>,
    /// Bits of weights, as long as they are few.
    weights: Distinct<u32>,
    froms: Distinct<i64>,
    untils: Distinct<i64>,
    rows: Vec<Row>,
    /// Of each row, if any does not always hold.
    valid: Vec<Validity>,
    /// Where the rows of each node end.
    ends: Vec<usize>,
}

impl Survey {
    /// Returns the number of edges that leave the node.
    fn visit(&mut self, view: &GraphView, node: u32) -> Result<usize, ImageError> {
        let before = self.rows.len();
        if view.contains_node(node)? {
            self.present.push(node);
            let edges = view.edges(&Filter::default())?;
            edges.visit_whole(Side::Out, node, |edge| self.add(&edge))?;
        }
        self.ends.push(self.rows.len());
        Ok(self.rows.len() - before)
    }

    fn add(&mut self, edge: &Edge) {
        let Edge { key, weight, valid } = *edge;
        let (weight, edge_type) = (weight.to_bits(), key.edge_type);
        self.types.insert(edge_type);
        if self.weights.all.len() <= MAX_WEIGHTS {
            self.weights.insert(weight);
        }
        self.froms.insert(valid.from);
        self.untils.insert(valid.until);
        if valid != Validity::ALWAYS || !self.valid.is_empty() {
            self.valid.resize(self.rows.len(), Validity::ALWAYS);
            self.valid.push(valid);
        }
        self.rows.push(Row { target: key.target, weight, ordinal: key.ordinal, edge_type });
    }

    fn counts(&self) -> Counts {
        let edges = self.rows.len();
        let weights = self.weights.all.len();
        // A table of weights pays if it is smaller than what it saves in the two records of an edge.
        let saved = 4_usize.saturating_sub(bytes_of(weights.saturating_sub(1) as u64)) * 2 * edges;
        let has_table = weights <= MAX_WEIGHTS && 4 * weights < saved;
        let is_by_slot = self.rows.iter().zip(0..).all(|(row, slot)| row.ordinal == slot);
        let highest = self.rows.iter().map(|row| row.ordinal).max().unwrap_or(0);
        Counts {
            nodes: self.present.last().map_or(0, |&node| node + 1),
            edges: u32::try_from(edges).unwrap_or(u32::MAX),
            present: self.present.len() as u32,
            types: self.types.all.len() as u32,
            weights: if has_table { weights as u32 } else { 0 },
            froms: self.froms.all.len() as u32,
            untils: self.untils.all.len() as u32,
            ordinal_bytes: if is_by_slot { 0 } else { bytes_of(u64::from(highest)) as u32 },
        }
    }
}

/// The lists, being written.
struct Lists {
    layout: Layout,
    bytes: Vec<u8>,
    rows: Vec<Row>,
    valid: Vec<Validity>,
    ends: Vec<usize>,
    types: Vec<u16>,
    weights: Vec<u32>,
    froms: Vec<i64>,
    untils: Vec<i64>,
    /// The next free slot of each target; where its list ends, once all are filled.
    next: Vec<u32>,
    /// The records of a target as they came, and where each of them is to be.
    unsorted: Vec<u8>,
    order: Vec<(u64, usize)>,
}

impl Lists {
    fn new(survey: Survey) -> Result<Self, ImageError> {
        let counts = survey.counts();
        if let Some(what) = counts.fault() {
            return Err(ImageError::Inconsistent { what });
        }
        let layout = Layout::new(counts)
            .ok_or(ImageError::Inconsistent { what: "number of edges of an adjacency" })?;
        let mut bytes = vec![0; layout.end];
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        write_all(&mut bytes[MAGIC.len()..HEADER_BYTES], counts.to_fields().map(u32::to_le_bytes));
        for &node in &survey.present {
            bytes[layout.presence.start + node as usize / 8] |= 1 << (node % 8);
        }
        let types: Vec<u16> = survey.types.all.into_iter().collect();
        let weights: Vec<u32> = match counts.weights {
            0 => Vec::new(),
            _ => survey.weights.all.into_iter().collect(),
        };
        let froms: Vec<i64> = survey.froms.all.into_iter().collect();
        let untils: Vec<i64> = survey.untils.all.into_iter().collect();
        write_all(
            &mut bytes[layout.types.clone()],
            types.iter().map(|number| number.to_le_bytes()),
        );
        write_all(
            &mut bytes[layout.weights.clone()],
            weights.iter().map(|bits| bits.to_le_bytes()),
        );
        write_all(&mut bytes[layout.froms.clone()], froms.iter().map(|from| from.to_le_bytes()));
        write_all(
            &mut bytes[layout.untils.clone()],
            untils.iter().map(|until| until.to_le_bytes()),
        );
        let (rows, valid, mut ends) = (survey.rows, survey.valid, survey.ends);
        // Behind the last node that is there nothing leaves.
        ends.truncate(counts.nodes as usize);
        let mut next = vec![0; counts.nodes as usize + 1];
        for row in &rows {
            let degree = next.get_mut(row.target as usize + 1);
            *degree
                .ok_or(ImageError::Inconsistent { what: "node of an edge of an adjacency" })? += 1;
        }
        for node in 1..next.len() {
            next[node] += next[node - 1];
        }
        let (unsorted, order) = (Vec::new(), Vec::new());
        let mut lists = Self {
            layout,
            bytes,
            rows,
            valid,
            ends,
            types,
            weights,
            froms,
            untils,
            next,
            unsorted,
            order,
        };
        for node in 0..lists.next.len() {
            let out = node.checked_sub(1).map_or(0, |before| lists.ends[before]);
            lists.start(Side::Out, node, out as u64);
            lists.start(Side::In, node, u64::from(lists.next[node]));
        }
        Ok(lists)
    }

    /// Notes that the list of a node begins at a slot.
    fn start(&mut self, side: Side, node: usize, slot: u64) {
        let Layout { start, .. } = self.layout;
        let at = self.layout.lists(side).starts.start + node * start.width;
        start.put(&mut self.bytes, at, slot);
    }

    /// Writes both records of each edge that leaves the node; returns how many do.
    fn fill(&mut self, node: usize) -> usize {
        let Some(&end) = self.ends.get(node) else { return 0 };
        let begin = node.checked_sub(1).map_or(0, |before| self.ends[before]);
        for slot in begin..end {
            let target = self.rows[slot].target as usize;
            let there = self.next[target] as usize;
            self.next[target] += 1;
            self.put(Side::Out, slot, slot, target as u32);
            self.put(Side::In, there, slot, node as u32);
            let at = self.layout.ordinals.start + slot * self.layout.ordinal.width;
            self.layout.ordinal.put(&mut self.bytes, at, u64::from(self.rows[slot].ordinal));
        }
        end - begin
    }

    /// Writes the record of a row, which leads to `other`.
    fn put(&mut self, side: Side, slot: usize, row: usize, other: u32) {
        let record = self.layout.record;
        let Row { weight, edge_type, .. } = self.rows[row];
        let valid = self.valid.get(row).copied().unwrap_or_default();
        let weight = match self.layout.counts.weights {
            0 => u64::from(weight),
            _ => place_of(&self.weights, &weight),
        };
        let fields = [
            (record.word, record.word_of(place_of(&self.types, &edge_type), other)),
            (record.weight, weight),
            (record.from, place_of(&self.froms, &valid.from)),
            (record.until, place_of(&self.untils, &valid.until)),
        ];
        let start = self.layout.lists(side).records.start + slot * record.bytes;
        for (field, number) in fields {
            field.put(&mut self.bytes, start, number);
        }
    }

    /// Puts the records of a target in order, which are in that of their sources; returns their number.
    fn sort(&mut self, node: usize) -> usize {
        let Some(&end) = self.next.get(node).filter(|_| node < self.ends.len()) else { return 0 };
        let begin = node.checked_sub(1).map_or(0, |before| self.next[before]);
        let (record, records) = (self.layout.record, &self.layout.lists(Side::In).records);
        let width = record.bytes;
        let places = records.start + begin as usize * width..records.start + end as usize * width;
        if width > 0 && end - begin > 1 {
            let Self { unsorted, order, bytes, .. } = self;
            unsorted.clear();
            unsorted.extend_from_slice(&bytes[places.start..places.end + PAD]);
            // By place among equals: edges between the same nodes stay in the order of their ordinals.
            order.clear();
            let at = (0..unsorted.len() - PAD).step_by(width);
            order.extend(at.map(|at| (record.word.get(unsorted, at), at)));
            order.sort_unstable();
            for (sorted, (_, at)) in bytes[places].chunks_mut(width).zip(order) {
                sorted.copy_from_slice(&unsorted[*at..*at + width]);
            }
        }
        (end - begin) as usize
    }
}

/// Where `value` is in a table, all of which is there.
fn place_of<T: Ord>(table: &[T], value: &T) -> u64 {
    table.partition_point(|entry| entry < value) as u64
}

fn write_all<const N: usize>(bytes: &mut [u8], items: impl IntoIterator<Item = [u8; N]>) {
    for (bytes, item) in bytes.as_chunks_mut().0.iter_mut().zip(items) {
        *bytes = item;
    }
}
