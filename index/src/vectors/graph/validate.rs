//! Whether a graph is one that can be walked.
//!
//! **Invariant:** passes whatever links at the same time do; called by `verify` and by tests.

use super::lists::parted;
use super::{GraphView, MAX_STRIDE};
use crate::image::ImageError;

impl GraphView {
    /// Checks every place and every list.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`] with the rule that does not hold, or what reading the image gives.
    pub(in crate::vectors) fn validate(&self) -> Result<(), ImageError> {
        let inconsistent = |what| Err(ImageError::Inconsistent { what });
        let mut neighbours = [0; MAX_STRIDE];
        for (number, layer) in self.layers.iter().enumerate() {
            let mut last = None;
            for node in 0..layer.len() as u32 {
                let Some(place) = layer.place(node)? else {
                    return inconsistent("places of a layer");
                };
                if last.is_some_and(|last| last >= place.entry) {
                    return inconsistent("order of the nodes of a layer");
                }
                last = Some(place.entry);
                if number > 0 {
                    let below = self.layers[number - 1].place(place.below)?;
                    if below.is_none_or(|below| below.entry != place.entry) {
                        return inconsistent("layers of a node");
                    }
                }
                let count = layer.lists.read(node, &mut neighbours)?;
                let (neighbours, twin) = parted(&neighbours[..count]);
                let is_there = |neighbour: &u32| (*neighbour as usize) < layer.len();
                if !neighbours.iter().chain(&twin).all(is_there) {
                    return inconsistent("neighbours of a node");
                }
            }
        }
        Ok(())
    }
}
