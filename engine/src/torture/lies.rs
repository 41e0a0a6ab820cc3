//! A device that says that it has synced, and loses a part of that when the power fails.
//!
//! No engine can keep what such a device loses. But the file must not lie as well: it is refused,
//! or it is exactly one of its commits, or whoever reads gets an error, or `verify` finds it.

use super::crashes::{Ran, run};
use super::invariants::INVARIANTS;
use super::points::points;
use super::setup::Setup;
use super::state::State;
use super::{Tally, at};
use crate::db::Db;
use crate::file::crash::{Crash, Replay, Rng};
use crate::file::sim::{Event, SimDisk};
use crate::{ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

const STEPS: usize = 60;
/// Syncs that are lost, each in a run of its own.
const LIES: usize = 24;

/// What became of a file.
enum Fate {
    Refused,
    Reported,
    Verified,
    Sound,
}

/// One seed.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    let ran = at(&format!("workload of seed {seed}"), || run(seed, STEPS));
    let syncs: Vec<usize> =
        (0..ran.record.len()).filter(|i| matches!(ran.record[*i], Event::Sync)).collect();
    let mut rng = Rng::new(!seed);
    for point in points(&ran.record, LIES, &mut rng) {
        // One of the last syncs before it.
        let before = syncs.partition_point(|sync| *sync < point);
        let Some(lie) = before.checked_sub(1 + rng.below(6) as usize).map(|i| syncs[i]) else {
            continue;
        };
        let mut replay = Replay::new(ran.start.clone(), &ran.record);
        replay.lose_sync(lie, &mut rng);
        replay.advance(point);
        let crash = Crash::any(&mut rng);
        let image = crash.image(&replay.durable, &replay.pending, &mut rng);
        let place = format!("seed {seed}, sync {lie} lost, then {crash:?} at {point}");
        let fate = at(&place, || fate(image, Setup::of(seed), &ran));
        tally.add("syncs lost", 1);
        tally.add(
            match fate {
                Fate::Refused => "refused on opening",
                Fate::Reported => "reported by a read",
                Fate::Verified => "found by verify",
                Fate::Sound => "as if nothing was lost, or an older commit",
            },
            1,
        );
    }
}

fn fate(image: Vec<u8>, setup: Setup, ran: &Ran) -> Fate {
    let disk = SimDisk::new(image);
    let db = match setup.open(&disk, &ran.clock.fork()) {
        Ok(db) => db,
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Corruption, "refused for {e}");
            return Fate::Refused;
        }
    };
    let fate = match is_sound(&db, ran) {
        Err(e) => {
            let is_clear = matches!(e.kind(), ErrorKind::Corruption | ErrorKind::Latched);
            assert!(is_clear, "a read failed with {e}");
            Fate::Reported
        }
        Ok(Ok(())) => Fate::Sound,
        Ok(Err(why)) => {
            let report = db.verify(&mut |_| {});
            assert!(report.is_err() || report.is_ok_and(|r| !r.is_clean()), "unnoticed: {why}");
            Fate::Verified
        }
    };
    disk.cut_power();
    fate
}

/// Is the file one of its commits, as far as one can see? Else: in words, why not.
fn is_sound(db: &Db, ran: &Ran) -> Result<std::result::Result<(), String>> {
    let view = db.read()?;
    let seq = view.seq().0;
    assert!(seq <= ran.timeline.last(), "commit {seq} never happened");
    let state = State::of(&view)?;
    drop(view);
    let checks = || -> Result<()> {
        state.assert_is(&ran.timeline.states[seq as usize], seq);
        INVARIANTS.iter().try_for_each(|(_, check)| check(db))
    };
    match catch_unwind(AssertUnwindSafe(checks)) {
        Ok(done) => done.map(Ok),
        Err(panic) => Ok(Err(super::words(&*panic).to_owned())),
    }
}
