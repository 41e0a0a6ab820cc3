//! Making an image, step by step.
//!
//! Three passes over the nodes of a view: a survey that finds out what the tables hold and how wide
//! numbers are, then the lists of either side. A step does as much of it as it is told to, and at least
//! a node.
//!
//! **Invariant:** a view stands still, so that each pass meets the same edges.

use std::collections::BTreeSet;

use super::layout::{Counts, HEADER_BYTES, Layout, MAGIC, MAX_WEIGHTS, bytes_of};
use crate::adjacency::edge::{HalfEdge, Side, Validity};
use crate::adjacency::filter::Filter;
use crate::adjacency::view::GraphView;
use crate::image::ImageError;

/// What only an image can be at fault for: what the survey has seen on one side is not on the other.
const DIFFERENT_SIDES: ImageError =
    ImageError::Inconsistent { what: "the two sides of an adjacency" };

/// What is being written of a view.
pub struct ImageWriter {
    view: GraphView,
    stage: Stage,
    /// The next node of the pass.
    node: u32,
}

enum Stage {
    Survey(Survey),
    Lists(Box<Lists>, Side),
    Done(Vec<u8>),
}

impl ImageWriter {
    /// Nothing is done yet.
    pub fn new(view: &GraphView) -> Self {
        Self { view: view.clone(), stage: Stage::Survey(Survey::default()), node: 0 }
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
                Stage::Lists(lists, side) => lists.visit(&self.view, *side, self.node)?,
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
            Stage::Survey(survey) => Stage::Lists(Box::new(Lists::new(survey)?), Side::Out),
            Stage::Lists(mut lists, Side::Out) => {
                lists.end_of_side(Side::Out)?;
                lists.cursor = 0;
                Stage::Lists(lists, Side::In)
            }
            Stage::Lists(mut lists, Side::In) => {
                lists.end_of_side(Side::In)?;
                Stage::Done(lists.bytes)
            }
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

/// What the nodes and edges are like.
#[derive(Default)]
struct Survey {
    present: Vec<u32>,
    types: BTreeSet<u16>,
    /// Bits of weights, as long as they are few.
    weights: BTreeSet<u32>,
    froms: BTreeSet<i64>,
    untils: BTreeSet<i64>,
    /// Of each out slot.
    ordinals: Vec<u32>,
}

impl Survey {
    /// Returns the number of edges that leave the node.
    fn visit(&mut self, view: &GraphView, node: u32) -> Result<usize, ImageError> {
        if !view.contains_node(node)? {
            return Ok(0);
        }
        self.present.push(node);
        let before = self.ordinals.len();
        view.edges(&Filter::default())?.visit_whole(Side::Out, node, |edge| {
            self.types.insert(edge.key.edge_type);
            if self.weights.len() <= MAX_WEIGHTS {
                self.weights.insert(edge.weight.to_bits());
            }
            self.froms.insert(edge.valid.from);
            self.untils.insert(edge.valid.until);
            self.ordinals.push(edge.key.ordinal);
        })?;
        Ok(self.ordinals.len() - before)
    }

    fn counts(&self) -> Counts {
        let edges = self.ordinals.len();
        let weights = self.weights.len();
        // A table of weights pays if it is smaller than what it saves in the two records of an edge.
        let saved = 4_usize.saturating_sub(bytes_of(weights.saturating_sub(1) as u64)) * 2 * edges;
        let has_table = weights <= MAX_WEIGHTS && 4 * weights < saved;
        let is_by_slot = self.ordinals.iter().zip(0..).all(|(&ordinal, slot)| ordinal == slot);
        let highest = self.ordinals.iter().copied().max().unwrap_or(0);
        Counts {
            nodes: self.present.last().map_or(0, |&node| node + 1),
            edges: edges as u32,
            present: self.present.len() as u32,
            types: self.types.len() as u32,
            weights: if has_table { weights as u32 } else { 0 },
            froms: self.froms.len() as u32,
            untils: self.untils.len() as u32,
            ordinal_bytes: if is_by_slot { 0 } else { bytes_of(u64::from(highest)) as u32 },
        }
    }
}

/// The lists, being written.
struct Lists {
    layout: Layout,
    bytes: Vec<u8>,
    types: Vec<u16>,
    weights: Vec<u32>,
    froms: Vec<i64>,
    untils: Vec<i64>,
    /// The next slot.
    cursor: usize,
    /// One more than the last node whose start was written.
    started: usize,
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
        let types: Vec<u16> = survey.types.into_iter().collect();
        let weights: Vec<u32> = match counts.weights {
            0 => Vec::new(),
            _ => survey.weights.into_iter().collect(),
        };
        let froms: Vec<i64> = survey.froms.into_iter().collect();
        let untils: Vec<i64> = survey.untils.into_iter().collect();
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
        for (slot, ordinal) in survey.ordinals.into_iter().enumerate() {
            let start = layout.ordinals.start + slot * layout.ordinal.width;
            layout.ordinal.put(&mut bytes, start, u64::from(ordinal));
        }
        Ok(Self { layout, bytes, types, weights, froms, untils, cursor: 0, started: 0 })
    }

    /// Writes a list; returns its length.
    fn visit(&mut self, view: &GraphView, side: Side, node: u32) -> Result<usize, ImageError> {
        if node >= self.layout.counts.nodes {
            return Ok(0);
        }
        self.start(side);
        let before = self.cursor;
        let records = self.layout.lists(side).records.start;
        let edges = view.edges(&Filter::default())?;
        edges.try_visit(side, node, |half| {
            let valid = edges.validity(&half)?;
            if self.cursor == self.layout.counts.edges as usize {
                return Err(DIFFERENT_SIDES);
            }
            self.put(records + self.cursor * self.layout.record.bytes, &half, valid)?;
            self.cursor += 1;
            Ok(())
        })?;
        Ok(self.cursor - before)
    }

    fn put(&mut self, start: usize, half: &HalfEdge, valid: Validity) -> Result<(), ImageError> {
        let record = self.layout.record;
        if half.node >= self.layout.counts.nodes {
            return Err(DIFFERENT_SIDES);
        }
        let weight = match self.layout.counts.weights {
            0 => u64::from(half.weight.to_bits()),
            _ => place_of(&self.weights, &half.weight.to_bits())?,
        };
        let fields = [
            (record.word, record.word_of(place_of(&self.types, &half.edge_type)?, half.node)),
            (record.weight, weight),
            (record.from, place_of(&self.froms, &valid.from)?),
            (record.until, place_of(&self.untils, &valid.until)?),
        ];
        for (field, number) in fields {
            field.put(&mut self.bytes, start, number);
        }
        Ok(())
    }

    /// Notes that the next list begins at the cursor.
    fn start(&mut self, side: Side) {
        let Layout { start, .. } = self.layout;
        let at = self.layout.lists(side).starts.start + self.started * start.width;
        start.put(&mut self.bytes, at, self.cursor as u64);
        self.started += 1;
    }

    fn end_of_side(&mut self, side: Side) -> Result<(), ImageError> {
        self.start(side);
        self.started = 0;
        if self.cursor == self.layout.counts.edges as usize { Ok(()) } else { Err(DIFFERENT_SIDES) }
    }
}

/// Where `value` is in a table, which the survey has filled from one side of the lists.
fn place_of<T: Ord>(table: &[T], value: &T) -> Result<u64, ImageError> {
    table.binary_search(value).map(|place| place as u64).map_err(|_| DIFFERENT_SIDES)
}

fn write_all<const N: usize>(bytes: &mut [u8], items: impl IntoIterator<Item = [u8; N]>) {
    for (bytes, item) in bytes.as_chunks_mut().0.iter_mut().zip(items) {
        *bytes = item;
    }
}
