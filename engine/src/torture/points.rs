//! Where in a record of writes and syncs the power fails.
//!
//! **Invariant:** points are in order, and no more than there were events; where they lie is a
//! function of the record's shape and the generator.

use crate::file::crash::{Rng, is_header};
use crate::file::sim::Event;

const PAGE_BYTES: usize = 4 << 10;

/// Picks `count` points: some anywhere, the others where something is at stake, as far as the
/// record has such places.
pub(super) fn points(record: &[Event], count: usize, rng: &mut Rng) -> Vec<usize> {
    let places = |wanted: fn(&Event) -> bool| -> Vec<usize> {
        (0..record.len()).filter(|i| wanted(&record[*i])).collect()
    };
    let slots = places(is_header);
    let syncs = places(|e| matches!(e, Event::Sync));
    let lengths = places(|e| matches!(e, Event::SetLen(_)));
    // Pages come whole, and checksums and headers are short; the bytes of an image hardly ever are either.
    let segments = places(|e| match e {
        Event::Write(_, data) => data.len() > PAGE_BYTES && data.len() % PAGE_BYTES > 0,
        _ => false,
    });
    let pick = |from: &[usize], rng: &mut Rng| {
        (!from.is_empty()).then(|| from[rng.below(from.len() as u64) as usize])
    };
    let mut points: Vec<usize> = (0..count)
        .map(|_| {
            let any = rng.below(record.len() as u64 + 1) as usize;
            let place = match rng.below(9) {
                // Just behind the write of a slot.
                0..2 => pick(&slots, rng).map(|slot| slot + 1 + rng.below(8) as usize),
                // Just before a sync, when most is pending.
                2..4 => pick(&syncs, rng),
                // Before the first syncs behind the write of a segment, when a row is about to
                // name it.
                4..6 => pick(&segments, rng).and_then(|segment| {
                    let behind = syncs.partition_point(|sync| *sync < segment);
                    syncs.get(behind + rng.below(4) as usize).copied()
                }),
                // Around a change of the file's length.
                6 => pick(&lengths, rng).map(|length| length + rng.below(3) as usize),
                _ => None,
            };
            place.unwrap_or(any).min(record.len())
        })
        .collect();
    points.sort_unstable();
    points
}
