//! Power loss at every instant of a file's first moments, in every way.
//!
//! Before a new file gets its name nobody opens it by mistake, but somebody may by hand: whatever
//! is there is refused or opens empty. Once it has its name, it opens and keeps its first commit.

use super::crashes::survive;
use super::setup::{Setup, TestClock};
use super::state::Timeline;
use super::workload::Workload;
use super::{CRASHES, Tally, actions, at};
use crate::ErrorKind;
use crate::file::crash::{Crash, Replay, Rng};
use crate::file::sim::{Event, SimDisk};

/// Steps behind the creation.
const STEPS: usize = 2;

/// One seed.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    let (setup, disk, clock) = (Setup::of(seed), SimDisk::default(), TestClock::new());
    let start = disk.start_recording();
    setup.make(&disk).expect("a new file");
    disk.mark(Event::Acknowledged(0));
    let timeline = Timeline::default();
    let mut workload = Workload::over(setup, disk.clone(), clock, Rng::new(seed), timeline);
    workload.open().expect("it opens");
    let view = workload.db().read().expect("a View");
    workload.timeline.push(&view, actions::Known::default()).expect("readable rows");
    drop(view);
    for _ in 0..STEPS {
        workload.transact().unwrap_or_else(|e| panic!("{e}"));
        disk.mark(Event::Acknowledged(workload.db().durable_seq().0));
    }
    disk.cut_power();
    let record = disk.take_record();
    let named = record.iter().position(|e| matches!(e, Event::Acknowledged(0))).expect("the mark");
    let Workload { timeline, clock, .. } = workload;

    let mut rng = Rng::new(!seed);
    let mut replay = Replay::new(start, &record);
    for point in 0..=record.len() {
        replay.advance(point);
        for crash in Crash::ALL {
            let image = crash.image(&replay.durable, &replay.pending, &mut rng);
            at(&format!("seed {seed}, point {point} of {}, {crash:?}", record.len()), || {
                if point <= named {
                    refuse_or_open_empty(&image, setup, &clock);
                } else {
                    let (disk, least, most) =
                        (SimDisk::new(image), replay.acknowledged, replay.begun);
                    survive(&disk, setup, &clock, &timeline, least, most, &mut rng);
                }
            });
            tally.add(CRASHES, 1);
        }
    }
}

fn refuse_or_open_empty(image: &[u8], setup: Setup, clock: &TestClock) {
    let disk = SimDisk::new(image.to_vec());
    match setup.open(&disk, clock) {
        Ok(db) => assert_eq!(db.read().expect("a View").seq().0, 0, "a commit nobody made"),
        Err(e) => {
            let is_clear = matches!(e.kind(), ErrorKind::NotMemlith | ErrorKind::Corruption);
            assert!(is_clear, "refused for {e}");
            assert!(disk.bytes() == image, "refused, and changed");
        }
    }
    disk.cut_power();
}
