//! Power loss at chosen points of a record, and again inside each recovery.

use super::points::points;
use super::tally::{COMPOUND, CRASHES, Tally, at};
use crate::file::crash::{Crash, Replay, Rng};
use crate::file::sim::{Event, SimDisk};

/// Crashes `count` times, twice each. `check` opens what is left, finds what must be there, marks a
/// [`Begin`](Event::Begin) and goes on working, and cuts the power.
pub(crate) fn outages(
    start: Vec<u8>,
    record: &[Event],
    count: usize,
    rng: &mut Rng,
    tally: &mut Tally,
    check: &mut dyn FnMut(&SimDisk, &Replay<'_>, &mut Rng),
) {
    let mut replay = Replay::new(start, record);
    for point in points(record, count, rng) {
        replay.advance(point);
        let crash = Crash::any(rng);
        let image = crash.image(&replay.durable, &replay.pending, rng);
        let disk = SimDisk::new(image.clone());
        disk.start_recording();
        let place = format!("point {point} of {}, {crash:?}", record.len());
        at(&place, || check(&disk, &replay, rng));
        tally.add(CRASHES, 1);

        // The second crash, inside the recovery. If the first was only a killed process, then
        // what was pending is still in the page cache, and still not durable.
        let again = disk.take_record();
        let recovery = again.iter().position(|e| matches!(e, Event::Begin(_)));
        let stop = rng.below(recovery.unwrap_or(again.len()) as u64 + 1) as usize;
        let (durable, pending) = match crash {
            Crash::KeepAll => (replay.durable.clone(), replay.pending.clone()),
            _ => (image, Vec::new()),
        };
        let mut second = Replay::resume(durable, pending, &again);
        second.advance(stop);
        (second.acknowledged, second.begun) = (replay.acknowledged, replay.begun);
        let crash = Crash::any(rng);
        let image = crash.image(&second.durable, &second.pending, rng);
        let place = format!("{place}, recovery stopped at {stop} by {crash:?}");
        at(&place, || check(&SimDisk::new(image), &second, rng));
        tally.add(COMPOUND, 1);
    }
}
