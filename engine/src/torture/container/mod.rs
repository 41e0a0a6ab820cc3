//! Power loss at any instant, also inside a recovery: what was acknowledged is there, nothing
//! is from the future, segments are whole, no chunk has two owners, and life goes on.

mod store;

use super::outages::outages;
use super::{Tally, at};
use crate::file::Settings;
use crate::file::crash::{Replay, Rng};
use crate::file::sim::{Event, SimDisk};
use store::{Model, Store};

const TRANSACTIONS: usize = 40;
const POINTS: usize = 60;

/// Small chunks and a tiny inline map: more reuse and more spilled maps, per seed.
fn settings(seed: u64) -> Settings {
    Settings {
        chunk_bytes: [16 << 10, 64 << 10, 256 << 10][seed as usize % 3],
        inline_runs: if seed.is_multiple_of(2) { 1 } else { 4000 },
        ..Settings::default()
    }
}

struct Ran {
    start: Vec<u8>,
    record: Vec<Event>,
    models: Vec<Model>,
}

fn workload(seed: u64, rng: &mut Rng) -> Ran {
    let disk = SimDisk::default();
    let mut store = Store::create(&disk, &settings(seed));
    store.container.sync().unwrap();
    let start = disk.start_recording();
    let mut models = vec![Model::default()];
    for _ in 0..TRANSACTIONS {
        store.transact(rng, &mut models).unwrap();
        if rng.one_in(9) {
            store.tables().compact().unwrap();
        }
        if rng.one_in(2) {
            for _ in 0..=rng.below(6) {
                store.arrange(models.len() as u64 - 1).unwrap();
            }
        }
        if rng.one_in(12) {
            store.container.trim().unwrap();
        }
        if rng.one_in(12) {
            store = store.reopen();
        }
        if rng.one_in(14) {
            store.rewrite().unwrap();
            let version = models.len() as u64 - 1;
            disk.mark(Event::Acknowledged(version));
        }
    }
    disk.cut_power();
    Ran { start, record: disk.take_record(), models }
}

/// Opens an image and checks everything that must hold; then goes on working.
fn check(disk: &SimDisk, seed: u64, models: &[Model], replay: &Replay<'_>, rng: &mut Rng) {
    let mut store = Store::open(disk, &settings(seed));
    let (version, content) = store.content();
    assert!(
        version >= replay.acknowledged,
        "lost version {}, holds {version}",
        replay.acknowledged
    );
    assert!(version <= replay.begun, "version {version} is from the future");
    assert_eq!(content, models[version as usize]);
    let mut later = vec![content];
    for _ in 0..3 {
        store.transact(rng, &mut later).unwrap();
    }
    assert_eq!(store.content().1, later[3]);
    while store.arrange(version + 3).unwrap() {}
    assert_eq!(store.content().1, later[3]);
    store.container.trim().unwrap();
    store.container.verify().unwrap();
    disk.cut_power();
}

/// One seed.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let Ran { start, record, models } =
        at(&format!("workload of seed {seed}"), || workload(seed, &mut rng));
    at(&format!("seed {seed}"), || {
        outages(start, &record, POINTS, &mut rng, tally, &mut |disk, replay, rng| {
            check(disk, seed, &models, replay, rng);
        });
    });
}
