//! One layer of the graph: its nodes and their neighbours.
//!
//! **Invariant:** nodes ascend with their entries. On the ground a node has the number of its
//! entry, so that nothing is kept about it but its list.

use std::ops::Range;

use super::lists::{Lists, ListsWriter, StoredLists};
use crate::arena::{Appender, Reader};
use crate::image::{ImageError, SharedSource};

/// Where a node of an upper layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vectors) struct Place {
    /// Whose node it is.
    pub(in crate::vectors) entry: u32,
    /// The node of the same entry in the layer below.
    pub(in crate::vectors) below: u32,
}

impl Place {
    pub(in crate::vectors) const BYTES: usize = 8;

    pub(in crate::vectors) fn to_bytes(self) -> [u8; Self::BYTES] {
        (u64::from(self.below) << 32 | u64::from(self.entry)).to_le_bytes()
    }

    fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let word = u64::from_le_bytes(bytes);
        Self { entry: word as u32, below: (word >> 32) as u32 }
    }
}

/// A layer of an image.
#[derive(Clone)]
pub(in crate::vectors) struct StoredLayer {
    pub(in crate::vectors) source: SharedSource,
    /// Where its places lie; empty on the ground.
    pub(in crate::vectors) places: Range<usize>,
    /// Where its lists lie.
    pub(in crate::vectors) lists: Range<usize>,
}

/// A layer as everyone may use it.
#[derive(Clone)]
pub(in crate::vectors) struct Layer {
    stored: Option<(SharedSource, Range<usize>)>,
    /// `None` on the ground.
    places: Option<Reader<Place>>,
    pub(super) lists: Lists,
}

impl Layer {
    pub(in crate::vectors) fn len(&self) -> usize {
        self.lists.len()
    }

    /// Is a node its entry?
    #[inline]
    pub(super) fn is_ground(&self) -> bool {
        self.places.is_none()
    }

    /// The entry of a node, if there is such a node.
    #[inline]
    pub(super) fn entry(&self, node: u32) -> Result<Option<u32>, ImageError> {
        if self.is_ground() {
            return Ok(((node as usize) < self.len()).then_some(node));
        }
        Ok(self.place(node)?.map(|place| place.entry))
    }

    /// Where a node stands, if there is such a node.
    pub(super) fn place(&self, node: u32) -> Result<Option<Place>, ImageError> {
        let Some(places) = &self.places else {
            let exists = (node as usize) < self.len();
            return Ok(exists.then_some(Place { entry: node, below: node }));
        };
        let node = node as usize;
        let stored = self.stored_places();
        match &self.stored {
            Some((source, range)) if node < stored => {
                let at = range.start + node * Place::BYTES;
                let bytes = source.get(at..at + Place::BYTES)?.first_chunk().copied();
                Ok(bytes.map(Place::from_bytes))
            }
            _ => Ok(places.get(node - stored).copied()),
        }
    }

    fn stored_places(&self) -> usize {
        self.stored.as_ref().map_or(0, |(_, range)| range.len() / Place::BYTES)
    }

    /// The node of an entry, if it has one here.
    pub(super) fn node_of(&self, entry: u32) -> Result<Option<u32>, ImageError> {
        if self.places.is_none() {
            return Ok(((entry as usize) < self.len()).then_some(entry));
        }
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = low.midpoint(high);
            match self.place(middle)? {
                Some(place) if place.entry == entry => return Ok(Some(middle)),
                Some(place) if place.entry < entry => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(None)
    }
}

/// A layer as its writer has it.
pub(super) struct LayerWriter {
    stored: Option<(SharedSource, Range<usize>)>,
    places: Option<Appender<Place>>,
    lists: ListsWriter,
}

impl LayerWriter {
    /// A layer with lists of `stride`, behind the one of an image. The first layer is the ground.
    pub(super) fn new(stride: usize, is_ground: bool, stored: Option<StoredLayer>) -> Self {
        let (stored, lists) = stored
            .map(|StoredLayer { source, places, lists }| {
                let lists = StoredLists { source: source.clone(), bytes: lists };
                ((source, places), lists)
            })
            .unzip();
        let places = (!is_ground).then(Appender::new);
        Self { stored, places, lists: ListsWriter::new(stride, lists) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.len() == 0
    }

    /// Adds a node without neighbours; returns its number.
    pub(super) fn push(&mut self, place: Place) -> u32 {
        if let Some(places) = &mut self.places {
            places.push(place);
        }
        self.lists.push();
        self.lists.len() as u32 - 1
    }

    pub(super) fn layer(&self) -> Layer {
        Layer {
            stored: self.stored.clone(),
            places: self.places.as_ref().map(Appender::reader),
            lists: self.lists.lists(),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.places.as_ref().map_or(0, Appender::heap_bytes) + self.lists.heap_bytes()
    }
}
