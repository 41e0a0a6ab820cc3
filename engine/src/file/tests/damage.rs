//! Damaged, newer and failing storage: a clear error, never a panic, never a wrong answer.

use super::super::alloc::Extent;
use super::super::crash::Rng;
use super::super::disk::Disk;
use super::super::open::load;
use super::super::sim::{Event, SimDisk};
use super::super::slot::{self, Found, HEAD_LEN, SLOT_LEN, Slot};
use super::super::{Container, Settings, error_from};
use super::{ROWS, get, open_tables, put, small};
use crate::{Error, ErrorKind};
use redb::{Database, ReadableDatabase, ReadableTable, StorageError};
use std::io;
use std::sync::Arc;

/// A file of a hundred rows and a segment, closed cleanly.
fn sound() -> Vec<u8> {
    let disk = SimDisk::default();
    let container = Container::create_on(Arc::new(disk.clone()), &small()).unwrap();
    let tables = open_tables(&container);
    for key in 0..100 {
        put(&tables, key, &Rng::new(key).bytes(700)).unwrap();
    }
    drop(tables);
    disk.bytes()
}

fn open(bytes: &[u8]) -> Result<Container, Error> {
    let container = Container::open_on(Arc::new(SimDisk::new(bytes.to_vec())), &small())?;
    container.register(&[])?;
    Ok(container)
}

/// Changes a field of both slots and makes their checksums hold.
fn with_slots(bytes: &[u8], change: impl Fn(&mut Slot)) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for i in 0..2 {
        let at = i * SLOT_LEN;
        let old: [u8; SLOT_LEN] = bytes[at..at + SLOT_LEN].try_into().unwrap();
        let Found::Valid(mut slot) = Slot::decode(&old) else { panic!("no slot") };
        let runs = old[slot.inline_range(0).start..slot.inline_range(1).end].to_vec();
        change(&mut slot);
        let new = slot.encode(&runs);
        bytes[at..at + new.len()].copy_from_slice(&new);
    }
    bytes
}

#[test]
fn a_file_with_either_slot_damaged_is_as_good_as_new() {
    let sound = sound();
    for i in 0..2 {
        let mut bytes = sound.clone();
        bytes[i * SLOT_LEN + 100] ^= 1;
        let container = open(&bytes).unwrap();
        let tables = open_tables(&container);
        assert_eq!(get(&tables, 99).unwrap(), Rng::new(99).bytes(700));
        // The next sync repairs the damaged one.
        put(&tables, 1, b"one").unwrap();
        container.verify().unwrap();
    }
    let mut bytes = sound;
    bytes[100] ^= 1;
    bytes[SLOT_LEN + 100] ^= 1;
    assert_eq!(open(&bytes).unwrap_err().kind(), ErrorKind::Corruption);
}

#[test]
fn newer_formats_are_told_apart_for_readers_and_writers() {
    let sound = sound();
    let newer = with_slots(&sound, |slot| slot.read_version = slot::READ_VERSION + 1);
    assert_eq!(open(&newer).unwrap_err().kind(), ErrorKind::UnsupportedFormat);

    let newer = with_slots(&sound, |slot| slot.write_version = slot::WRITE_VERSION + 1);
    assert_eq!(open(&newer).unwrap_err().kind(), ErrorKind::UnsupportedFormat);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.lith");
    std::fs::write(&path, &newer).unwrap();
    let access = super::super::Access::ReadOnly;
    let container = Container::open(&path, &Settings::default(), access).unwrap();
    assert_eq!(container.format().write, slot::WRITE_VERSION + 1);
    assert_eq!(get(&open_tables(&container), 99).unwrap(), Rng::new(99).bytes(700));
    assert_eq!(std::fs::read(&path).unwrap(), newer);
}

#[test]
fn a_newer_slot_is_not_passed_over_for_an_older_one() {
    let mut bytes = sound();
    let newest = load(&SimDisk::new(bytes.clone())).unwrap().slot.sequence;
    let mut count = 0;
    let changed = with_slots(&bytes, |slot| {
        if slot.sequence == newest {
            slot.read_version += 1;
        }
    });
    for (old, new) in bytes.iter_mut().zip(changed) {
        count += usize::from(*old != new);
        *old = new;
    }
    assert!(count > 0);
    assert_eq!(open(&bytes).unwrap_err().kind(), ErrorKind::UnsupportedFormat);
}

#[test]
fn maps_that_contradict_themselves_are_corruption() {
    let sound = sound();
    for change in [
        (|slot| slot.spaces[slot.active].len *= 1 << 20) as fn(&mut Slot),
        |slot| slot.spaces[slot.active].len += 1 << 30,
        |slot| slot.spaces[slot.active].map_checksum ^= 1,
        |slot| slot.spaces[1 - slot.active] = slot.spaces[slot.active],
        |slot| slot.chunk_bytes *= 2,
    ] {
        assert_eq!(open(&with_slots(&sound, change)).unwrap_err().kind(), ErrorKind::Corruption);
    }
}

type Change = fn(&mut Slot);

/// Fields that a checksum confirms, and that were never written.
#[test]
fn a_slot_of_hostile_fields_is_refused_or_harmless() {
    let sound = sound();
    let rows = open_and_read(&sound).unwrap();
    let changes: &[(&str, Change)] = &[
        ("the last sequence", |slot| slot.sequence = u64::MAX),
        ("no floor", |slot| slot.floor = 0),
        ("the highest floor", |slot| slot.floor = u64::MAX),
        ("the other space", |slot| slot.active = 1 - slot.active),
        ("chunks of nothing", |slot| slot.chunk_bytes = 0),
        ("small chunks", |slot| slot.chunk_bytes /= 2),
        ("chunks of no power", |slot| slot.chunk_bytes += 4096),
        ("the largest chunks", |slot| slot.chunk_bytes = 1 << 31),
        ("no length", |slot| slot.spaces[slot.active].len = 0),
        ("a page less", |slot| slot.spaces[slot.active].len -= 4096),
        ("a page more", |slot| slot.spaces[slot.active].len += 4096),
        ("part of a page", |slot| slot.spaces[slot.active].len += 1),
        ("the last length", |slot| slot.spaces[slot.active].len = u64::MAX),
        ("no runs", |slot| slot.spaces[slot.active].runs = 0),
        ("all runs there can be", |slot| slot.spaces[slot.active].runs = u32::MAX),
        ("runs elsewhere", |slot| slot.spaces[slot.active].spill = Some(at(0, 1))),
        ("runs behind the end", |slot| slot.spaces[slot.active].spill = Some(at(1 << 20, 1))),
        ("runs everywhere", |slot| slot.spaces[slot.active].spill = Some(at(0, 1 << 24))),
        ("runs beyond all", |slot| slot.spaces[slot.active].spill = Some(at(u32::MAX, 9))),
        ("runs of the other space", |slot| slot.spaces[1 - slot.active].runs = 9),
        ("a length of the other space", |slot| slot.spaces[1 - slot.active].len = 1 << 40),
        ("another seal", |slot| slot.seal ^= 1),
        ("no seal", |slot| slot.seal = 0),
    ];
    for (what, change) in changes {
        match open_and_read(&with_slots(&sound, change)) {
            Ok(found) => assert!(found == rows, "{what}: other rows"),
            Err(e) => assert_eq!(e.kind(), ErrorKind::Corruption, "{what}: {e}"),
        }
    }
}

fn at(start: u32, chunks: u32) -> Extent {
    Extent { start, chunks }
}

#[test]
fn noise_behind_a_sound_header_is_corruption() {
    let sound = sound();
    let page = HEAD_LEN as usize + 4096;
    for (from, seal) in [(HEAD_LEN as usize, true), (HEAD_LEN as usize, false), (page + 4096, true)]
    {
        let mut bytes = with_slots(&sound, |slot| slot.seal = if seal { slot.seal } else { 0 });
        let noise = Rng::new(from as u64).bytes(bytes.len() - from);
        bytes[from..].copy_from_slice(&noise);
        let e = open_and_read(&bytes).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corruption, "from {from} on, sealed: {seal}: {e}");
    }
}

#[test]
fn a_header_of_redb_that_changed_while_it_was_sealed_is_corruption() {
    let sound = sound();
    let header = HEAD_LEN as usize + 4096;
    for at in [0, 9, 11, 12, 20, 24, 40, 64, 200, 319, 320, 4095] {
        let mut bytes = sound.clone();
        bytes[header + at] ^= 1;
        let e = open_and_read(&bytes).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corruption, "byte {at}: {e}");
    }
}

#[test]
fn a_seal_is_broken_durably_before_the_header_changes() {
    let sealed = load(&SimDisk::new(sound())).unwrap().slot.seal;
    assert_ne!(sealed, 0, "it was closed in good order");
    let seal = seal_broken_first(sound());
    assert!(seal != 0 && seal != sealed, "closing seals the new header");
}

/// What is damaged now may be as it was after the next write, and have a seal.
#[test]
fn a_damaged_slot_is_replaced_durably_before_the_header_changes() {
    let unsealed = with_slots(&sound(), |slot| slot.seal = 0);
    for i in 0..2 {
        let mut bytes = unsealed.clone();
        bytes[i * SLOT_LEN + 100] ^= 1;
        seal_broken_first(bytes);
    }
}

/// Opens and closes a file. Returns the seal that it has then.
fn seal_broken_first(bytes: Vec<u8>) -> u64 {
    let disk = SimDisk::new(bytes);
    disk.start_recording();
    let container = Container::open_on(Arc::new(disk.clone()), &small()).unwrap();
    container.register(&[]).unwrap();
    drop(open_tables(&container));
    let record = disk.take_record();
    let header = HEAD_LEN + 4096;
    let is_slot = |e: &&Event| matches!(e, Event::Write(at, _) if *at < HEAD_LEN);
    let first = record.iter().position(|e| matches!(e, Event::Write(at, _) if *at == header));
    let before = &record[..first.expect("redb notes that it is open")];
    let broken = before.iter().position(|e| is_slot(&e)).expect("a slot without a seal");
    assert!(before[broken..].iter().any(|e| matches!(e, Event::Sync)), "it is durable");
    load(&disk).unwrap().slot.seal
}

/// Every row, or the first error.
fn read_all(tables: &Database) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let rows = tables.begin_read()?.open_table(ROWS)?;
    let mut all = Vec::new();
    for row in rows.iter()? {
        let (key, value) = row?;
        all.push((key.value(), value.value().to_vec()));
    }
    Ok(all)
}

fn open_and_read(bytes: &[u8]) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let container = open(bytes)?;
    let opened =
        Database::builder().set_cache_size(1 << 20).create_with_backend(container.backend());
    container.set_verifying();
    read_all(&opened?)
}

#[test]
fn a_flipped_byte_in_the_tables_is_corruption_or_harmless() {
    let sound = sound();
    let rows = open_and_read(&sound).unwrap();
    assert_eq!(rows.len(), 100);
    let mut rng = Rng::new(3);
    let mut noticed = 0;
    for _ in 0..1_500 {
        let mut bytes = sound.clone();
        let body = bytes.len() as u64 - HEAD_LEN;
        let at = (HEAD_LEN + rng.below(body)) as usize;
        bytes[at] ^= 1 << rng.below(8);
        match open_and_read(&bytes) {
            Ok(found) => assert!(found == rows, "byte {at} changed an answer"),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Corruption, "byte {at}: {e}");
                noticed += 1;
            }
        }
    }
    assert!(noticed > 300, "only {noticed} were noticed: did they hit the tables at all?");
}

#[test]
fn a_page_in_the_wrong_place_and_a_wiped_page_are_noticed() {
    let sound = sound();
    let rows = open_and_read(&sound).unwrap();
    let pages: Vec<usize> = (HEAD_LEN as usize..sound.len() - 4096).step_by(4096).collect();
    let mut noticed = 0;
    for (i, &page) in pages.iter().enumerate() {
        let mut wiped = sound.clone();
        wiped[page..page + 4096].fill(0);
        let mut moved = sound.clone();
        moved.copy_within(page..page + 4096, pages[(i + 1) % pages.len()]);
        for bytes in [wiped, moved] {
            match open_and_read(&bytes) {
                Ok(found) => assert!(found == rows),
                Err(_) => noticed += 1,
            }
        }
    }
    assert!(noticed > 10);
}

#[test]
fn a_full_disk_latches_and_what_was_committed_is_there() {
    for changes in 0..40 {
        let disk = SimDisk::default();
        let container = Container::create_on(Arc::new(disk.clone()), &small()).unwrap();
        let tables = open_tables(&container);
        put(&tables, 1, b"committed").unwrap();
        disk.fail_after(changes, io::ErrorKind::StorageFull);
        let mut failed = None;
        for key in 2..60 {
            if let Err(e) = put(&tables, key, &[7; 9_000]) {
                failed = Some(e);
                break;
            }
        }
        let redb::Error::Io(e) = failed.unwrap() else { panic!("not an I/O error") };
        assert_eq!(error_from("committing", e).kind(), ErrorKind::StorageFull);
        assert!(container.is_latched());
        // No retry, even if there were room again.
        disk.recover();
        assert!(put(&tables, 99, b"too late").is_err());
        assert_eq!(container.write_segment(b"x").unwrap_err().kind(), ErrorKind::Latched);
        assert_eq!(container.trim().unwrap_err().kind(), ErrorKind::Latched);
        let before = disk.bytes();
        drop((tables, container));
        assert_eq!(disk.bytes(), before, "closing a latched container wrote");
        let tables = open_tables(&open(&before).unwrap());
        assert_eq!(get(&tables, 1).unwrap(), b"committed");
        assert_eq!(get(&tables, 99), None);
    }
}

#[test]
fn a_failed_segment_latches_too() {
    let disk = SimDisk::default();
    let container = Container::create_on(Arc::new(disk.clone()), &small()).unwrap();
    disk.fail_after(0, io::ErrorKind::Other);
    assert_eq!(container.write_segment(b"x").unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(container.write_segment(b"x").unwrap_err().kind(), ErrorKind::Latched);
}

#[test]
fn a_commit_costs_one_sync_and_seldom_a_slot() {
    let disk = SimDisk::default();
    let container = Container::create_on(Arc::new(disk.clone()), &small()).unwrap();
    let tables = open_tables(&container);
    for key in 0..200 {
        put(&tables, key, &[1; 500]).unwrap();
    }
    let (syncs, slots) = (disk.syncs(), container.stats().unwrap().slot_writes);
    for key in 0..200 {
        put(&tables, key, &[2; 500]).unwrap();
    }
    assert_eq!(disk.syncs() - syncs, 200);
    assert_eq!(container.stats().unwrap().slot_writes, slots);
}

#[test]
fn an_unknown_storage_error_of_redb_is_passed_on() {
    let e = error_from("reading", io::ErrorKind::PermissionDenied.into());
    assert_eq!(e.kind(), ErrorKind::Io);
    let e = StorageError::Io(io::Error::from(super::super::Fault::Latched));
    let StorageError::Io(e) = e else { unreachable!() };
    assert_eq!(error_from("reading", e).kind(), ErrorKind::Latched);
}

#[test]
fn a_chunk_size_out_of_bounds_is_invalid() {
    for chunk_bytes in [0, 4096, 100_000, 4 << 20] {
        let settings = Settings { chunk_bytes, ..Settings::default() };
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::default());
        let e = Container::create_on(disk, &settings).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidInput);
    }
}
