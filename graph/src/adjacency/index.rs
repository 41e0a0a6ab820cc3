//! The one writer of an adjacency.
//!
//! **Invariant:** operations come with sequences that do not descend, and all of one sequence come
//! before a view of it. Both ends of an edge are nodes that are there. What the writer counts is exact
//! after every call, so that a view copies it.

use std::sync::Arc;

use super::delta::{Delta, MAX_CHANGES};
use super::edge::{Edge, EdgeKey, Side};
use super::filter::Filter;
use super::image::{Image, MAX_COUNT};
use super::table::{NONE, Table};
use super::view::{BytesUsed, GraphView, Pin, Shared};
use crate::image::{ImageError, SharedSource};

/// Why a change was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The image could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// An edge needs both of its ends.
    #[error("node {node} is not in the graph")]
    NoSuchNode {
        /// The one that is missing.
        node: u32,
    },
    /// Ordinals are never dealt twice.
    #[error("node {node} was removed and cannot come back")]
    NodeGone {
        /// The node.
        node: u32,
    },
    /// A weight is a number from zero on.
    #[error("weight {weight} of an edge is not a finite number from zero on")]
    Weight {
        /// The weight.
        weight: f32,
    },
    /// Nodes are numbered below 2^31.
    #[error("node {node} is above what a graph can hold")]
    NodeTooHigh {
        /// The node.
        node: u32,
    },
    /// Too much has changed since the image was written; write it anew.
    #[error("{changes} changes since the image was written are all there can be")]
    Full {
        /// Number of changes.
        changes: u32,
    },
}

/// An adjacency, as its writer holds it. Readers hold [`GraphView`]s.
pub struct GraphIndex {
    shared: Arc<Shared>,
    /// What a view of this moment would pin.
    pin: Pin,
    /// Validities in the delta.
    validities: u32,
    /// Ordinal of each edge of the delta that lives -> its entry.
    entries: Table,
}

/// Where a live edge lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    /// It does not live.
    Nowhere,
    /// An entry of the delta.
    Entry(u32),
    /// The out slot and the in slot of the image.
    Slots(u32, u32),
}

impl Default for GraphIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl GraphIndex {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::over(None)
    }

    /// The graph whose image is `source`, which it reads in place. Costs the same for every number of
    /// edges.
    ///
    /// # Errors
    /// [`ImageError`] if the header or the length is not that of an image.
    pub fn from_image(source: SharedSource) -> Result<Self, ImageError> {
        Ok(Self::over(Some(Image::open(source)?)))
    }

    fn over(image: Option<Image>) -> Self {
        let pin = image.as_ref().map_or(Pin::default(), |image| Pin {
            bound: image.nodes(),
            nodes: image.present(),
            edges: image.edges(),
            ..Pin::default()
        });
        let shared = Arc::new(Shared { image, delta: Delta::new() });
        Self { shared, pin, validities: 0, entries: Table::new() }
    }

    /// Adds a node; false if it is there already.
    ///
    /// # Errors
    /// [`GraphError::NodeGone`] if it was removed, [`GraphError::NodeTooHigh`], [`GraphError::Full`],
    /// or that the image cannot be read.
    pub fn insert_node(&mut self, node: u32, seq: u64) -> Result<bool, GraphError> {
        if node >= MAX_COUNT {
            return Err(GraphError::NodeTooHigh { node });
        }
        if self.contains_node(node)? {
            return Ok(false);
        }
        if self.shared.delta.is_gone(node, self.pin.changes) {
            return Err(GraphError::NodeGone { node });
        }
        self.make_room(1)?;
        self.shared.delta.bear_node(node, self.pin.changes);
        self.pin.nodes += 1;
        self.pin.bound = self.pin.bound.max(node + 1);
        self.changed(seq);
        Ok(true)
    }

    /// Removes a node and all of its edges; false if it is not there. Costs what its edges do.
    ///
    /// # Errors
    /// [`GraphError::Full`], or that the image cannot be read.
    pub fn remove_node(&mut self, node: u32, seq: u64) -> Result<bool, GraphError> {
        if !self.contains_node(node)? {
            return Ok(false);
        }
        let mut keys: Vec<EdgeKey> = Vec::new();
        let view = self.view();
        let edges = view.edges(&Filter::default())?;
        edges.visit_whole(Side::Out, node, |edge| keys.push(edge.key))?;
        edges.visit_whole(Side::In, node, |edge| {
            if edge.key.source != node {
                keys.push(edge.key);
            }
        })?;
        self.make_room(keys.len() + 1)?;
        let homes = keys.iter().map(|&key| self.find(key)).collect::<Result<Vec<_>, _>>()?;
        for (key, home) in keys.into_iter().zip(homes) {
            self.kill(key, home, seq);
        }
        self.shared.delta.take_node(node, self.pin.changes);
        self.pin.nodes = self.pin.nodes.saturating_sub(1);
        self.changed(seq);
        Ok(true)
    }

    /// Adds an edge, or puts it in the place of the one with the same key; true if there was one.
    ///
    /// # Errors
    /// [`GraphError::Weight`], [`GraphError::NoSuchNode`], [`GraphError::Full`], or that the image
    /// cannot be read.
    pub fn insert(&mut self, edge: Edge, seq: u64) -> Result<bool, GraphError> {
        let home = self.find(edge.key)?;
        self.put(edge, home, seq)?;
        Ok(home != Home::Nowhere)
    }

    /// The same of an edge that is not in the image, where it is not looked for.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn insert_new(&mut self, edge: Edge, seq: u64) -> Result<bool, GraphError> {
        let home = self.find_in_delta(edge.key).unwrap_or(Home::Nowhere);
        self.put(edge, home, seq)?;
        Ok(home != Home::Nowhere)
    }

    /// Adds an edge that lay there.
    fn put(&mut self, edge: Edge, home: Home, seq: u64) -> Result<(), GraphError> {
        // Plus zero: there is one zero only, so that weights ascend as their bits do.
        let edge = Edge { weight: edge.weight + 0.0, ..edge };
        if !(0.0..f32::INFINITY).contains(&edge.weight) {
            return Err(GraphError::Weight { weight: edge.weight });
        }
        for node in [edge.key.source, edge.key.target] {
            if !self.contains_node(node)? {
                return Err(GraphError::NoSuchNode { node });
            }
        }
        self.make_room(2)?;
        self.kill(edge.key, home, seq);
        let number = self.pin.entries;
        self.shared.delta.push(number, &edge, &mut self.validities);
        self.entries.store(edge.key.ordinal, number);
        self.pin.entries += 1;
        self.pin.edges += 1;
        self.changed(seq);
        Ok(())
    }

    /// Removes an edge; false if it is not there.
    ///
    /// # Errors
    /// [`GraphError::Full`], or that the image cannot be read.
    pub fn remove(&mut self, key: EdgeKey, seq: u64) -> Result<bool, GraphError> {
        self.make_room(1)?;
        let home = self.find(key)?;
        self.kill(key, home, seq);
        Ok(home != Home::Nowhere)
    }

    /// Where a live edge lies.
    fn find(&self, key: EdgeKey) -> Result<Home, ImageError> {
        if let Some(home) = self.find_in_delta(key) {
            return Ok(home);
        }
        let Shared { image, delta } = &*self.shared;
        let slots = image.as_ref().map_or(Ok(None), |image| image.reader().find(key))?;
        let alive = slots.filter(|&(out, _)| !delta.is_dead(Side::Out, out, self.pin.changes));
        Ok(alive.map_or(Home::Nowhere, |(out, incoming)| Home::Slots(out, incoming)))
    }

    /// Where it lies if an entry has its ordinal.
    fn find_in_delta(&self, key: EdgeKey) -> Option<Home> {
        let number = self.entries.get(key.ordinal);
        let entry = (number != NONE).then(|| self.shared.delta.entry(number))?;
        let is_it = entry.is_some_and(|entry| entry.key(key.source) == key);
        Some(if is_it { Home::Entry(number) } else { Home::Nowhere })
    }

    /// Ends the edge that lies there, if it lies anywhere.
    fn kill(&mut self, key: EdgeKey, home: Home, seq: u64) {
        let (delta, change) = (&self.shared.delta, self.pin.changes);
        match home {
            Home::Nowhere => return,
            Home::Entry(number) => {
                delta.kill_entry(number, change);
                self.entries.store(key.ordinal, NONE);
            }
            Home::Slots(out, incoming) => delta.kill_slots(key, (out, incoming), change),
        }
        self.pin.edges = self.pin.edges.saturating_sub(1);
        self.changed(seq);
    }

    /// Is there room for as many changes?
    fn make_room(&self, changes: usize) -> Result<(), GraphError> {
        let made = self.pin.changes;
        if changes > (MAX_CHANGES - made) as usize {
            return Err(GraphError::Full { changes: made });
        }
        Ok(())
    }

    fn changed(&mut self, seq: u64) {
        debug_assert!(seq >= self.pin.seq, "sequences do not descend");
        self.pin.seq = seq;
        self.pin.changes += 1;
    }

    fn contains_node(&self, node: u32) -> Result<bool, ImageError> {
        self.shared.contains_node(&self.pin, node)
    }

    /// How many edges there are.
    pub fn edge_count(&self) -> u32 {
        self.pin.edges
    }

    /// The graph as it is now, for as long as the view is held. Copies a few counters.
    pub fn view(&self) -> GraphView {
        GraphView { shared: Arc::clone(&self.shared), pin: self.pin, store: None }
    }

    /// The same graph over a newer image, the one that was written from `written`, a view of this
    /// index. Costs what has changed since; views of this index stay as they are.
    ///
    /// # Errors
    /// [`GraphError::Image`] if the image cannot be read or does not hold what `written` saw.
    ///
    /// # Panics
    /// If `written` is a view of another index.
    pub fn rebased(&self, source: SharedSource, written: &GraphView) -> Result<Self, GraphError> {
        assert!(Arc::ptr_eq(&self.shared, &written.shared), "the view is of this index");
        let mut fresh = Self::from_image(source)?;
        let (old, since, now) = (&self.shared.delta, written.pin, self.pin);
        let differs =
            ImageError::Inconsistent { what: "an adjacency and what it was written from" };
        if (fresh.pin.nodes, fresh.pin.edges) != (since.nodes, since.edges) {
            return Err(differs.into());
        }
        fresh.pin.bound = since.bound;
        let mut gone = Vec::new();
        if let Some(image) = written.reader() {
            for slot in old.dead_since(since.changes) {
                gone.push(image.key_at(slot)?);
            }
        }
        // By number: edges come in the order in which they came before.
        let mut come = vec![None; (now.entries - since.entries) as usize];
        old.for_each(now.entries, |number, source, entry| {
            let is_dead = old.is_dead_entry(number, now.changes);
            let key = entry.key(source);
            if number >= since.entries {
                let edge = Edge { key, weight: entry.weight(), valid: old.validity(number) };
                come[(number - since.entries) as usize] = (!is_dead).then_some(edge);
            } else if is_dead && !old.is_dead_entry(number, since.changes) {
                gone.push(key);
            }
        });
        for key in gone {
            if !fresh.remove(key, now.seq)? {
                return Err(differs.into());
            }
        }
        for node in old.born_since(since.changes) {
            fresh.insert_node(node, now.seq)?;
        }
        for edge in come.into_iter().flatten() {
            fresh.insert(edge, now.seq)?;
        }
        for node in old.gone_since(since.changes) {
            fresh.remove_node(node, now.seq)?;
        }
        fresh.pin.seq = now.seq;
        Ok(fresh)
    }

    /// The image of this moment; see [`GraphView::write_image`].
    pub fn write_image(&self) -> Result<Vec<u8>, ImageError> {
        self.view().write_image()
    }

    /// Changes since the image was written: what folding them into a new one would save.
    pub fn changes(&self) -> u32 {
        self.pin.changes
    }

    /// Bytes of the image and memory of the delta, with what only the writer has.
    pub fn bytes_used(&self) -> BytesUsed {
        let used = self.view().bytes_used();
        BytesUsed { delta: used.delta + self.entries.heap_bytes(), ..used }
    }
}

impl std::fmt::Debug for GraphIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphIndex").field("pin", &self.pin).finish_non_exhaustive()
    }
}
