//! Writing the images of all indexes, so that opening has little to fold.
//!
//! **Invariant:** images are written from a version, beside the running indexes, and become those
//! of the file in one durable commit; until then nothing names them, and a crash leaves the old
//! ones in force.

use super::image::{ImageRow, Place};
use super::{AttributeIndex, ContentIndex, SpaceIndex, Versions};
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
}

impl Versions {
    /// Are more than half of the ordinals those of memories that are gone?
    pub(crate) fn is_mostly_dead(&self) -> bool {
        let all = u64::from(self.attributes.next_ordinal());
        all > MIN_ORDINALS && self.attributes.live_len() < all / 2
    }

    /// Stores an image of every index, the small ones in their rows. `watermark` is the commit that
    /// this is the version of.
    pub(crate) fn store_images(
        &self,
        watermark: Seq,
        container: &Container,
        max_inline: usize,
    ) -> Result<Checkpoint> {
        let mut stored = Checkpoint::default();
        match self.store_into(&mut stored, watermark, container, max_inline) {
            Ok(()) => Ok(stored),
            Err(e) => {
                stored.discard(container);
                Err(e)
            }
        }
    }

    fn store_into(
        &self,
        stored: &mut Checkpoint,
        watermark: Seq,
        container: &Container,
        max_inline: usize,
    ) -> Result<()> {
        let mut store = |name: String, image: Vec<u8>| -> Result<()> {
            let place = Place::write(container, image, max_inline)?;
            let note = self.note();
            let row = ImageRow { numbering: self.numbering, watermark, note, place };
            stored.images.insert(name, row);
            Ok(())
        };
        store(AttributeIndex::NAME.into(), self.attributes.write_image()?)?;
        store(ContentIndex::NAME.into(), self.text.write_image()?)?;
        for (id, vectors) in self.vectors.iter() {
            store(SpaceIndex::name_of(*id), vectors.write_image()?)?;
        }
        Ok(())
    }

    /// What the images say beside their bytes: which spaces there are, and which metadata paths
    /// have labels.
    fn note(&self) -> String {
        let spaces: Vec<u32> = self.vectors.keys().map(|id| id.0).collect();
        let metadata: BTreeMap<&str, u8> =
            self.catalog.indexes().map(|i| (i.path.as_str(), i.field)).collect();
        json!({ "spaces": spaces, "metadata": metadata }).to_string()
    }
}

impl Checkpoint {
    /// Gives the space of images that no row will name back.
    pub(crate) fn discard(self, container: &Container) {
        for row in self.images.values() {
            row.place.release(container);
        }
    }
}
