//! What a memory is to hold, and what a transaction does to it.
//!
//! **Invariant:** a [`Note`] says all that is given with a memory: two memories of equal notes
//! differ in nothing that a writer chose.

use memlith::NewMemory;

/// How many dimensions a vector has. With some hundred memories the image of the space is too
/// large to lie in a row, and becomes a segment.
const DIMENSION: u64 = 160;
/// Numbers that make different vectors.
pub(super) const VECTORS: u64 = 251;

/// The kind of edge from a memory to the node of its id, which the driver of the library writes with it.
pub(super) const NOTES: &str = "notes";

/// What a memory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Words, separated by single spaces. The first is a tag as well.
    pub(super) text: String,
    /// What its vector is made of.
    pub(super) vector: Option<u64>,
}

/// One change: of the memory with this external id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) id: String,
    /// `None` forgets it.
    pub(super) note: Option<Note>,
}

impl Note {
    /// Whole numbers from -125 to 125: any language computes the same.
    pub(super) fn vector(&self) -> Option<Vec<f32>> {
        let number = self.vector?;
        let at = |i| (number * (i + 1) % VECTORS) as f32 - 125.0;
        Some((0..DIMENSION).map(at).collect())
    }

    /// The tag of the memory.
    pub(super) fn tag(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    /// The memory to be written.
    pub(super) fn memory(&self, namespace: &str, id: &str) -> NewMemory {
        let memory = NewMemory::new(&self.text).namespace(namespace).external_id(id);
        let memory = memory.tag(self.tag());
        match self.vector() {
            Some(vector) => memory.vector(vector),
            None => memory,
        }
    }
}
