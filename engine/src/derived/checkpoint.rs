//! Writing the images of all indexes, so that opening has little to fold.
//!
//! **Invariant:** images are written from a version, beside the running indexes, and become those
//! of the file in one durable commit; until then nothing names them, and a crash leaves the old
//! ones in force.

use super::image::{ImageRow, Place};
use super::{
    AttributeIndex, KnowledgeIndex, KnowledgeView, Names, SpaceIndex, Versions, store_text,
};
use crate::Result;
use crate::file::Container;
use crate::ids::Seq;
use serde_json::json;
use std::collections::BTreeMap;

/// Ordinals below which it never pays to number anew.
const MIN_ORDINALS: u64 = 4_096;

/// Images that are stored but not yet named.
#[derive(Default)]
pub(crate) struct Checkpoint {
    pub(crate) images: BTreeMap<String, ImageRow>,
    /// Those of them that the file names already.
    pub(crate) kept: Vec<Place>,
}

/// Stores the image that a closure makes under a name.
pub(super) type Store<'a> = dyn FnMut(String, &dyn Fn() -> Result<Vec<u8>>) -> Result<bool> + 'a;

impl Versions {
    /// Are more than half of the ordinals those of memories, or of nodes, that are gone?
    pub(crate) fn is_mostly_dead(&self) -> bool {
        [&self.attributes, &self.knowledge.nodes].iter().any(|attributes| {
            let all = u64::from(attributes.next_ordinal());
            all > MIN_ORDINALS && attributes.live_len() < all / 2
        })
    }

    /// Stores an image of every index, the small ones in their rows; of segments of text only those that
    /// `named`, the images of the file, have not. `watermark` is the commit that this is the version of.
    /// `None`, with nothing stored, if `goes_on` says no between two images.
    pub(crate) fn store_images(
        &self,
        watermark: Seq,
        named: &BTreeMap<String, ImageRow>,
        container: &Container,
        max_inline: usize,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Checkpoint>> {
        let mut stored = Checkpoint::default();
        let mut store = |name: String, image: &dyn Fn() -> Result<Vec<u8>>| -> Result<bool> {
            if !goes_on() {
                return Ok(false);
            }
            let is_same = |row: &&ImageRow| row.numbering == self.numbering;
            let known = named.get(&name).filter(is_same).filter(|_| Names::is_of_segment(&name));
            let place = match known {
                Some(row) => {
                    stored.kept.push(row.place.clone());
                    row.place.clone()
                }
                None => Place::write(container, image()?, max_inline)?,
            };
            let note = self.note();
            let row = ImageRow { numbering: self.numbering, watermark, note, place };
            stored.images.insert(name, row);
            Ok(true)
        };
        match self.store_all(&mut store) {
            Ok(true) => Ok(Some(stored)),
            Ok(false) => {
                stored.discard(container);
                Ok(None)
            }
            Err(e) => {
                stored.discard(container);
                Err(e)
            }
        }
    }

    /// Gives `store` every index, until it says that this is not wanted any more.
    fn store_all(&self, store: &mut Store<'_>) -> Result<bool> {
        let attributes = || Ok(self.attributes.write_image()?);
        if !store(AttributeIndex::NAME.into(), &attributes)?
            || !store_text(Names::MEMORIES, &self.text, self.next_text_tag, store)?
        {
            return Ok(false);
        }
        if !self.knowledge.is_untouched() {
            let nodes = || Ok(self.knowledge.nodes.write_image()?);
            let KnowledgeView { words, next_tag, adjacency, .. } = &self.knowledge;
            if let Some(adjacency) = adjacency
                && !store(KnowledgeIndex::EDGES.into(), &|| Ok(adjacency.write_image()?))?
            {
                return Ok(false);
            }
            if !store(KnowledgeIndex::NODES.into(), &nodes)?
                || !store_text(Names::NODES, words, *next_tag, store)?
            {
                return Ok(false);
            }
        }
        for (id, vectors) in self.vectors.iter() {
            if !store(SpaceIndex::name_of(*id), &|| Ok(vectors.write_image()?))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the images say beside their bytes: which spaces there are, which metadata paths have
    /// labels, how words are found, and whether there is a graph.
    fn note(&self) -> String {
        let spaces: Vec<u32> = self.vectors.keys().map(|id| id.0).collect();
        let metadata: BTreeMap<&str, u8> =
            self.catalog.indexes().map(|i| (i.path.as_str(), i.field)).collect();
        let graph = !self.knowledge.is_untouched();
        let text = self.catalog.text().to_json();
        json!({ "spaces": spaces, "metadata": metadata, "text": text, "graph": graph }).to_string()
    }
}

impl Checkpoint {
    /// How large the new images are, together.
    pub(crate) fn len_bytes(&self) -> u64 {
        let new = self.images.values().filter(|row| !self.kept.contains(&row.place));
        new.map(|row| row.place.len_bytes()).sum()
    }

    /// Gives the space of images that no row will name back.
    pub(crate) fn discard(self, container: &Container) {
        for row in self.images.values().filter(|row| !self.kept.contains(&row.place)) {
            row.place.release(container);
        }
    }
}
