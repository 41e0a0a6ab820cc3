//! Where the image of an index lies and what it is of: the rows of [`schema::IMAGES`].
//!
//! ```text
//! version u8 | numbering [16] | watermark u64 | note u32 len, bytes | place u8 | bytes or segment
//! ```
//!
//! **Invariant:** the images that one file names at one time have one numbering and one watermark:
//! a checkpoint writes them together.

use super::Numbering;
use crate::file::{Container, SegmentRef};
use crate::ids::Seq;
use crate::rows::Pinned;
use crate::{Error, Result, schema};
use memlith_index::image::SharedSource;
use redb::ReadableTable;
use std::collections::BTreeMap;
use std::sync::Arc;

const VERSION: u8 = 1;
const INLINE: u8 = 0;
const SEGMENT: u8 = 1;

/// Where the bytes of an image are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Inline(Arc<Vec<u8>>),
    Segment(SegmentRef),
}

/// One row of the images table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImageRow {
    pub(crate) numbering: Numbering,
    pub(crate) watermark: Seq,
    /// What the index needs to know beside its bytes.
    pub(crate) note: String,
    pub(crate) place: Place,
}

impl Place {
    /// Stores an image, in the row itself if it is no larger than that; no row names it yet.
    pub(crate) fn write(container: &Container, image: Vec<u8>, max_inline: usize) -> Result<Place> {
        if image.len() <= max_inline {
            return Ok(Place::Inline(Arc::new(image)));
        }
        container.write_segment(&image).map(Place::Segment)
    }

    pub(crate) fn open(&self, container: &Container) -> Result<SharedSource> {
        match self {
            Place::Inline(bytes) => Ok(Arc::new(bytes.as_ref().clone())),
            Place::Segment(segment) => container.open_segment(segment),
        }
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        match self {
            Place::Inline(bytes) => bytes.len() as u64,
            Place::Segment(segment) => segment.len,
        }
    }

    /// The segment that it lies in, if it does not lie in its row.
    pub(crate) fn segment(&self) -> Option<SegmentRef> {
        match self {
            Place::Inline(_) => None,
            Place::Segment(segment) => Some(*segment),
        }
    }

    /// Gives the space back, once no durable row names it.
    pub(crate) fn release(&self, container: &Container) {
        if let Some(segment) = self.segment() {
            container.release(&segment);
        }
    }
}

impl ImageRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.numbering);
        out.extend(self.watermark.0.to_le_bytes());
        out.extend((self.note.len() as u32).to_le_bytes());
        out.extend(self.note.as_bytes());
        match &self.place {
            Place::Inline(bytes) => {
                out.push(INLINE);
                out.extend(bytes.iter());
            }
            Place::Segment(segment) => {
                out.push(SEGMENT);
                out.extend(segment.encode());
            }
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes)
            .ok_or_else(|| Error::corruption("image row", "an image row", "bytes that are none"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let (numbering, rest) = rest.split_first_chunk()?;
        let (watermark, rest) = rest.split_first_chunk()?;
        let (note_len, rest) = rest.split_first_chunk()?;
        let (note, rest) = rest.split_at_checked(u32::from_le_bytes(*note_len) as usize)?;
        let (&place, rest) = rest.split_first()?;
        let place = match place {
            INLINE => Place::Inline(Arc::new(rest.to_vec())),
            SEGMENT => Place::Segment(SegmentRef::decode(rest).ok()?),
            _ => return None,
        };
        Some(ImageRow {
            numbering: *numbering,
            watermark: Seq(u64::from_le_bytes(*watermark)),
            note: String::from_utf8(note.to_vec()).ok()?,
            place,
        })
    }

    /// All rows of the table, by the name of their index.
    pub(crate) fn load_all(rows: &Pinned) -> Result<BTreeMap<String, ImageRow>> {
        let mut all = BTreeMap::new();
        rows.read(schema::IMAGES, |table| {
            for entry in table.iter()? {
                let (name, row) = entry?;
                let name = String::from_utf8_lossy(name.value()).into_owned();
                all.insert(name, ImageRow::decode(row.value())?);
            }
            Ok(all)
        })
    }
}
