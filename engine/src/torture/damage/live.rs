//! Which bytes of a sound file anything depends on.
//!
//! A page is in reach if redb's own check of its trees reads it: that check is not the engine's
//! `verify`, which is to be measured by it.
//!
//! **Invariant:** a byte is live exactly if the file's content, or the knowledge of what is free,
//! could change with it.

use super::closed::Closed;
use super::watched::Watched;
use crate::file::anatomy::Anatomy;
use crate::file::{Access, Container, Settings as FileSettings};
use redb::Database;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are compared at once.
const BLOCK: usize = 4096;

/// What a byte is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Nothing: free chunks, freed pages, padding behind the end of something.
    None,
    /// One of the two header slots, or the map of one: either slot is enough.
    Slot,
    /// Anything else.
    Live,
}

/// The uses of all bytes of a file.
pub(super) struct Live {
    pub(super) anatomy: Anatomy,
    uses: Vec<Use>,
    /// Where live bytes are, slots included.
    pub(super) ranges: Vec<Range<usize>>,
}

impl Live {
    pub(super) fn find(closed: &Closed) -> Live {
        let disk = Watched::new(closed.bytes.clone(), u64::MAX);
        let db = closed.open(&disk, Access::ReadOnly, false).expect("a sound file opens");
        let segments = Closed::segments(&db).expect("rows of images");
        let anatomy = Anatomy::of(&closed.bytes, &segments).expect("a sound file");
        let reach = pages_in_reach(&closed.bytes);
        let is_in_reach =
            |page: &Range<usize>| reach.iter().any(|r| r.start <= page.start && page.end <= r.end);
        let mut ranges = vec![anatomy.header.clone()];
        ranges.extend(anatomy.segments.iter().cloned());
        for page in anatomy.pages.iter().filter(|page| is_in_reach(&page.bytes)) {
            ranges.extend([page.bytes.clone(), page.sum.clone()]);
        }
        let mut uses = vec![Use::None; closed.bytes.len()];
        for range in &ranges {
            // What lies behind the end of the file is zeros.
            let end = range.end.min(uses.len());
            uses[range.start.min(end)..end].fill(Use::Live);
        }
        let slots = || anatomy.slots.iter().chain(&anatomy.maps).cloned();
        slots().for_each(|slot| uses[slot].fill(Use::Slot));
        ranges.extend(slots());
        Live { anatomy, uses, ranges }
    }

    /// The strictest use of the bytes that differ between the sound file and another.
    pub(super) fn most_used_difference(&self, sound: &[u8], other: &[u8]) -> Use {
        let mut found = Use::None;
        for (block, bytes) in sound.chunks(BLOCK).enumerate() {
            let start = block * BLOCK;
            if other.get(start..start + bytes.len()) == Some(bytes) {
                continue;
            }
            for (at, byte) in (start..).zip(bytes) {
                // What was cut off reads as zeros.
                if *byte != other.get(at).copied().unwrap_or(0) {
                    match self.uses[at] {
                        Use::Live => return Use::Live,
                        Use::Slot => found = Use::Slot,
                        Use::None => {}
                    }
                }
            }
        }
        found
    }
}

/// What redb reads to check its trees, as ranges of the file.
fn pages_in_reach(bytes: &[u8]) -> Vec<Range<usize>> {
    let disk = Watched::new(bytes.to_vec(), u64::MAX);
    let settings = FileSettings::default();
    let container = Container::open_on(Arc::new(disk.clone()), &settings).expect("a sound file");
    let mut database =
        Database::builder().create_with_backend(container.backend()).expect("a sound table space");
    container.set_verifying();
    disk.start_recording();
    assert!(database.check_integrity().expect("it can be checked"), "a sound table space");
    disk.take_record()
}
