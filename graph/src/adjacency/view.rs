//! An adjacency at one moment.
//!
//! **Invariant:** what a view sees never changes, whatever the writer does meanwhile: it pins how many
//! entries the delta had and how many changes had been made. Any number of threads may use it and its
//! clones.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::delta::{Delta, Entry};
use super::edge::{Direction, Edge, EdgeKey, HalfEdge, Place, Side, Validity};
use super::filter::Filter;
use super::image::{Image, ImageReader, ImageWriter, Sieve};
use super::store::EdgeStore;
use crate::image::ImageError;

/// What the writer and its views share.
pub(super) struct Shared {
    pub(super) image: Option<Image>,
    pub(super) delta: Delta,
}

impl Shared {
    pub(super) fn contains_node(&self, pin: &Pin, node: u32) -> Result<bool, ImageError> {
        if node >= pin.bound || self.delta.is_gone(node, pin.changes) {
            return Ok(false);
        }
        if self.delta.is_born(node, pin.changes) {
            return Ok(true);
        }
        self.image.as_ref().map_or(Ok(false), |image| image.reader().has_node(node))
    }
}

/// What a view pins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pin {
    /// The last sequence that changed something.
    pub(super) seq: u64,
    /// Entries of the delta.
    pub(super) entries: u32,
    /// Changes that have been made.
    pub(super) changes: u32,
    /// One more than the highest node there ever was.
    pub(super) bound: u32,
    pub(super) nodes: u32,
    pub(super) edges: u32,
}

/// The nodes and edges at one sequence. Cheap to clone; any number may be held and used at once.
#[derive(Clone)]
pub struct GraphView {
    pub(super) shared: Arc<Shared>,
    pub(super) pin: Pin,
    /// Where all of it is instead, if it is not here.
    pub(super) store: Option<Arc<dyn EdgeStore>>,
}

impl GraphView {
    /// A view of what a store has: so many nodes below `bound`, and so many edges. It has no image.
    pub fn over(store: Arc<dyn EdgeStore>, bound: u32, nodes: u32, edges: u32) -> Self {
        let shared = Arc::new(Shared { image: None, delta: Delta::new() });
        let pin = Pin { bound, nodes, edges, ..Pin::default() };
        GraphView { shared, pin, store: Some(store) }
    }

    /// The sequence of the last change that this view sees: what was computed from one view holds for
    /// every view of the same index and sequence.
    pub fn seq(&self) -> u64 {
        self.pin.seq
    }

    /// Is this what an image holds that its index was opened from? Then that need not be written again.
    pub fn is_image(&self) -> bool {
        self.shared.image.is_some() && self.pin.changes == 0
    }

    /// Number of nodes.
    pub fn node_count(&self) -> u32 {
        self.pin.nodes
    }

    /// Number of edges.
    pub fn edge_count(&self) -> u32 {
        self.pin.edges
    }

    /// One more than the highest node there ever was: every node is below.
    pub fn node_bound(&self) -> u32 {
        self.pin.bound
    }

    /// Is the node there?
    pub fn contains_node(&self, node: u32) -> Result<bool, ImageError> {
        match &self.store {
            Some(store) => Ok(node < self.pin.bound && store.contains_node(node)?),
            None => self.shared.contains_node(&self.pin, node),
        }
    }

    /// The edge, if it is there.
    pub fn edge(&self, key: EdgeKey) -> Result<Option<Edge>, ImageError> {
        let filter = Filter { types: Some(&[key.edge_type]), ..Filter::default() };
        let edges = self.edges(&filter)?;
        let mut found = Ok(None);
        let _ = edges.visit_side(Side::Out, key.source, &mut unbounded, |half| {
            if half.node == key.target {
                found = edges.edge(key.source, &half).map(|edge| (edge.key == key).then_some(edge));
            }
            if matches!(found, Ok(None)) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        found
    }

    /// Hands what the edges at a node are known by to `found`: of those that leave it, then of those that enter
    /// it; a loop once.
    pub fn edges_at(&self, node: u32, mut found: impl FnMut(EdgeKey)) -> Result<(), ImageError> {
        let edges = self.edges(&Filter::default())?;
        edges.visit_whole(Side::Out, node, |edge| found(edge.key))?;
        edges.visit_whole(Side::In, node, |edge| {
            if edge.key.source != node {
                found(edge.key);
            }
        })
    }

    /// The ordinals of the edges of a type that lead from one node to another, ascending. Costs a binary search in
    /// the image, and of what has changed since, the shorter of two lists: what leaves the one, and what enters the
    /// other.
    pub fn edges_between(
        &self,
        source: u32,
        edge_type: u16,
        target: u32,
    ) -> Result<Vec<u32>, ImageError> {
        let (delta, Pin { entries, changes, .. }) = (&self.shared.delta, self.pin);
        let mut found = Vec::new();
        if let Some(image) = self.reader() {
            image.each_between(source, edge_type, target, |slot, ordinal| {
                if !delta.is_dead(Side::Out, slot, changes) {
                    found.push(ordinal);
                }
            })?;
        }
        let (side, owner, other) = match delta.shorter(source, target) {
            Side::Out => (Side::Out, source, target),
            Side::In => (Side::In, target, source),
        };
        let fresh = delta.list(side, owner).filter(|&(number, entry)| {
            entry.other(side, owner) == other
                && entry.edge_type() == edge_type
                && number < entries
                && !delta.is_dead_entry(number, changes)
        });
        found.extend(fresh.map(|(_, entry)| entry.ordinal()));
        found.sort_unstable();
        Ok(found)
    }

    /// The first instant behind `instant` at which an edge may begin or end to hold; none if none does. At once
    /// of edges that lie elsewhere, which nobody has looked through.
    pub fn next_change(&self, instant: i64) -> Result<Option<i64>, ImageError> {
        if self.store.is_some() {
            return Ok(instant.checked_add(1));
        }
        let of_image = self.reader().map_or(Ok(None), |image| image.next_change(instant))?;
        let of_delta = self.shared.delta.next_change(instant);
        Ok(of_image.into_iter().chain(of_delta).min())
    }

    /// Hands every edge to `found`, by ascending source, type, target and ordinal.
    pub fn for_each_edge(&self, mut found: impl FnMut(Edge)) -> Result<(), ImageError> {
        let edges = self.edges(&Filter::default())?;
        for node in 0..self.pin.bound {
            edges.visit_whole(Side::Out, node, &mut found)?;
        }
        Ok(())
    }

    /// The edges that pass `filter`. Reads the tables of the image once.
    pub(crate) fn edges<'a>(&'a self, filter: &Filter<'a>) -> Result<Edges<'a>, ImageError> {
        let image = self.reader().map(|image| Ok((image, image.sieve(filter)?))).transpose()?;
        Ok(Edges { view: self, image, filter: *filter })
    }

    pub(super) fn reader(&self) -> Option<ImageReader<'_>> {
        self.shared.image.as_ref().map(Image::reader)
    }

    /// The image of what this view sees; the same nodes and edges give the same bytes.
    ///
    /// # Errors
    /// [`ImageError`] if the image under this view cannot be read, or this machine cannot address such
    /// an image.
    pub fn write_image(&self) -> Result<Vec<u8>, ImageError> {
        let mut writer = ImageWriter::new(self);
        while !writer.step(usize::MAX)? {}
        writer.finish()
    }

    /// Reads all of the image and says which of its rules does not hold.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`] with that rule, or why the image cannot be read.
    pub fn validate(&self) -> Result<(), ImageError> {
        self.reader().map_or(Ok(()), ImageReader::validate)
    }

    /// Bytes of the image, which is the source's, and memory of the delta.
    pub fn bytes_used(&self) -> BytesUsed {
        BytesUsed {
            image: self.shared.image.as_ref().map_or(0, Image::len_bytes),
            delta: self.shared.delta.heap_bytes(),
        }
    }
}

impl std::fmt::Debug for GraphView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphView").field("pin", &self.pin).finish_non_exhaustive()
    }
}

/// What an adjacency takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesUsed {
    /// Length of the image, which lies in memory or is mapped, as its source has it.
    pub image: usize,
    /// Memory of what has changed since.
    pub delta: usize,
}

/// Lets a visit look at everything.
fn unbounded(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The edges of a view that pass a filter.
pub(crate) struct Edges<'a> {
    view: &'a GraphView,
    image: Option<(ImageReader<'a>, Sieve)>,
    pub(crate) filter: Filter<'a>,
}

impl Edges<'_> {
    /// Hands the half edges of `node` to `found` until it breaks: first those that leave it, then those
    /// that enter it, each by ascending type, node and ordinal. `spend` hears how many are looked at,
    /// before they are, whether they pass or not, and may break too. Whether the filter admits the node at
    /// the other end is left to the caller, who may know it already.
    #[inline]
    pub(crate) fn visit(
        &self,
        direction: Direction,
        node: u32,
        spend: &mut impl FnMut(usize) -> ControlFlow<()>,
        mut found: impl FnMut(HalfEdge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ImageError> {
        for &side in direction.sides() {
            // A loop was met on the other side already.
            let flow = if direction == Direction::Both && side == Side::In {
                self.visit_side(side, node, spend, |half| {
                    if half.node == node { ControlFlow::Continue(()) } else { found(half) }
                })?
            } else {
                self.visit_side(side, node, spend, &mut found)?
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Asks for where the lists of a node lie that may be visited before long.
    #[inline]
    pub(crate) fn prefetch_start(&self, direction: Direction, node: u32) {
        if let Some((image, _)) = &self.image {
            for &side in direction.sides() {
                image.prefetch_start(side, node);
            }
        }
    }

    /// Asks for the lists of a node that will be visited next but some.
    #[inline]
    pub(crate) fn prefetch_lists(&self, direction: Direction, node: u32) {
        if let Some((image, _)) = &self.image {
            for &side in direction.sides() {
                image.prefetch_list(side, node);
            }
        }
    }

    /// As [`visit`](Self::visit), of one side.
    #[inline]
    pub(crate) fn visit_side(
        &self,
        side: Side,
        node: u32,
        spend: &mut impl FnMut(usize) -> ControlFlow<()>,
        mut found: impl FnMut(HalfEdge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ImageError> {
        if let Some(store) = &self.view.store {
            return self.visit_stored(&**store, side, node, spend, found);
        }
        if self.filter.edges.is_some() {
            return self.visit_chosen(side, node, spend, found);
        }
        if !self.view.shared.delta.has_touched(side, node) {
            return match &self.image {
                Some((image, sieve)) => image.visit(side, node, sieve, |_| false, spend, found),
                None => Ok(ControlFlow::Continue(())),
            };
        }
        self.visit_touched(side, node, spend, &mut found)
    }

    /// Those of a store, in the order of a list.
    fn visit_stored(
        &self,
        store: &dyn EdgeStore,
        side: Side,
        node: u32,
        spend: &mut impl FnMut(usize) -> ControlFlow<()>,
        mut found: impl FnMut(HalfEdge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ImageError> {
        let Filter { types, min_weight, as_of, .. } = self.filter;
        let mut halves: Vec<(u32, HalfEdge)> = Vec::new();
        let mut fault = None;
        let mut take = |edge: Edge| {
            spend(1)?;
            let EdgeKey { source, edge_type, target, ordinal } = edge.key;
            let passes = types.is_none_or(|types| types.contains(&edge_type))
                && edge.weight >= min_weight.max(0.0)
                && as_of.is_none_or(|instant| edge.valid.holds_at(instant));
            match if passes { self.is_chosen(ordinal) } else { Ok(false) } {
                Ok(true) => {
                    let node = if side == Side::Out { target } else { source };
                    let (weight, place) = (edge.weight, Place::Store(ordinal, side));
                    halves.push((ordinal, HalfEdge { node, edge_type, weight, place }));
                    ControlFlow::Continue(())
                }
                Ok(false) => ControlFlow::Continue(()),
                Err(error) => {
                    fault = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let mut flow = ControlFlow::Continue(());
        store.edges_at(node, side == Side::In, types, &mut |edge| {
            flow = take(edge);
            flow
        })?;
        if let Some(error) = fault {
            return Err(error);
        }
        if flow.is_break() {
            return Ok(flow);
        }
        halves.sort_unstable_by_key(|(ordinal, half)| (half.edge_type, half.node, *ordinal));
        Ok(halves.into_iter().try_for_each(|(_, half)| found(half)))
    }

    /// Those among them that pass the test of the filter.
    fn visit_chosen(
        &self,
        side: Side,
        node: u32,
        spend: &mut impl FnMut(usize) -> ControlFlow<()>,
        mut found: impl FnMut(HalfEdge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ImageError> {
        let mut fault = None;
        let is_chosen = |half: &HalfEdge| self.is_chosen(self.ordinal(half)?);
        let mut chosen = |half: HalfEdge| match is_chosen(&half) {
            Ok(true) => found(half),
            Ok(false) => ControlFlow::Continue(()),
            Err(error) => {
                fault = Some(error);
                ControlFlow::Break(())
            }
        };
        let flow = self.visit_touched(side, node, spend, &mut chosen)?;
        fault.map_or(Ok(flow), Err)
    }

    /// Does an edge pass the test of the filter?
    fn is_chosen(&self, ordinal: u32) -> Result<bool, ImageError> {
        self.filter.edges.map_or(Ok(true), |edges| edges.admits(ordinal))
    }

    /// Merges what is left of the list in the image with what the delta has.
    fn visit_touched(
        &self,
        side: Side,
        node: u32,
        spend: &mut impl FnMut(usize) -> ControlFlow<()>,
        found: &mut impl FnMut(HalfEdge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ImageError> {
        let Shared { delta, .. } = &*self.view.shared;
        let changes = self.view.pin.changes;
        if spend(delta.list(side, node).count()).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let mut fresh = self.fresh(side, node).into_iter().peekable();
        if let Some((image, sieve)) = &self.image {
            let is_dead = |slot| delta.is_dead(side, slot, changes);
            let mut fault = None;
            let flow = image.visit(side, node, sieve, is_dead, spend, |half| {
                loop {
                    match fresh.peek().map(|fresh| self.precedes(fresh, &half)).transpose() {
                        Ok(Some(true)) => {}
                        Ok(_) => return found(half),
                        Err(error) => {
                            fault = Some(error);
                            return ControlFlow::Break(());
                        }
                    }
                    if let Some(fresh) = fresh.next() {
                        found(fresh)?;
                    }
                }
            })?;
            if let Some(error) = fault {
                return Err(error);
            }
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(fresh.try_for_each(found))
    }

    /// What the delta adds to the list of a node, in the order of a list.
    fn fresh(&self, side: Side, node: u32) -> Vec<HalfEdge> {
        let Shared { delta, .. } = &*self.view.shared;
        let Pin { entries, changes, .. } = self.view.pin;
        let mut fresh: Vec<(u32, HalfEdge)> = delta
            .list(side, node)
            .filter(|&(number, _)| number < entries && !delta.is_dead_entry(number, changes))
            .filter(|&(number, entry)| self.passes(number, entry))
            .map(|(number, entry)| {
                let (node, edge_type) = (entry.other(side, node), entry.edge_type());
                let (weight, place) = (entry.weight(), Place::Delta(number, side));
                (entry.ordinal(), HalfEdge { node, edge_type, weight, place })
            })
            .collect();
        fresh.sort_unstable_by_key(|(ordinal, half)| (half.edge_type, half.node, *ordinal));
        fresh.into_iter().map(|(_, half)| half).collect()
    }

    fn passes(&self, number: u32, entry: &Entry) -> bool {
        let Filter { types, min_weight, as_of, .. } = self.filter;
        let holds = |instant| self.view.shared.delta.validity(number).holds_at(instant);
        types.is_none_or(|types| types.contains(&entry.edge_type()))
            && entry.weight() >= min_weight.max(0.0)
            && as_of.is_none_or(holds)
    }

    /// Does `a` come before `b` in a list?
    fn precedes(&self, a: &HalfEdge, b: &HalfEdge) -> Result<bool, ImageError> {
        Ok(match (a.edge_type, a.node).cmp(&(b.edge_type, b.node)) {
            Ordering::Less => true,
            Ordering::Equal => self.ordinal(a)? < self.ordinal(b)?,
            Ordering::Greater => false,
        })
    }

    /// The ordinal of the edge of `half`.
    pub(crate) fn ordinal(&self, half: &HalfEdge) -> Result<u32, ImageError> {
        match (half.place, &self.image) {
            (Place::Store(ordinal, _), _) => Ok(ordinal),
            (Place::Image(place), Some((image, _))) => image.ordinal(place),
            (Place::Delta(number, _), _) => {
                Ok(self.view.shared.delta.entry(number).map_or(0, Entry::ordinal))
            }
            (Place::Image(_), None) => unreachable!("half edges of an image have one"),
        }
    }

    /// The edge that `half` is, met at `owner`.
    pub(crate) fn edge(&self, owner: u32, half: &HalfEdge) -> Result<Edge, ImageError> {
        let (source, target) =
            if half.place.is_forward() { (owner, half.node) } else { (half.node, owner) };
        let ordinal = self.ordinal(half)?;
        let key = EdgeKey { source, edge_type: half.edge_type, target, ordinal };
        Ok(Edge { key, weight: half.weight, valid: self.validity(half)? })
    }

    /// When the edge of `half` holds.
    pub(crate) fn validity(&self, half: &HalfEdge) -> Result<Validity, ImageError> {
        match (half.place, &self.image) {
            (Place::Store(ordinal, _), _) => match &self.view.store {
                Some(store) => Ok(store.edge(ordinal)?.valid),
                None => Ok(Validity::ALWAYS),
            },
            (Place::Image(place), Some((image, _))) => image.validity(place),
            (Place::Delta(number, _), _) => Ok(self.view.shared.delta.validity(number)),
            (Place::Image(_), None) => unreachable!("half edges of an image have one"),
        }
    }

    /// As [`visit_side`](Self::visit_side), with all there is to know of each edge.
    pub(crate) fn visit_whole(
        &self,
        side: Side,
        node: u32,
        mut found: impl FnMut(Edge),
    ) -> Result<(), ImageError> {
        self.try_visit(side, node, |half| self.edge(node, &half).map(&mut found))
    }

    /// As [`visit_side`](Self::visit_side), until `found` fails.
    pub(crate) fn try_visit(
        &self,
        side: Side,
        node: u32,
        mut found: impl FnMut(HalfEdge) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let mut result = Ok(());
        let _ = self.visit_side(side, node, &mut unbounded, |half| {
            result = found(half);
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result
    }
}
