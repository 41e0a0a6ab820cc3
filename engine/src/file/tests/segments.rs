//! Segments: written, read in place, pinned, released.

use super::super::sim::SimDisk;
use super::super::{Access, Container, SegmentRef, Settings};
use super::{first_row, open_tables, put, small};
use crate::ErrorKind;
use memlith_index::image::ImageError;
use std::sync::Arc;

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

fn on_simulated_disk() -> (SimDisk, Container) {
    let disk = SimDisk::default();
    let container = Container::create_on(Arc::new(disk.clone()), &small()).unwrap();
    (disk, container)
}

fn is_corrupt(container: &Container, segment: &SegmentRef) -> bool {
    container.open_segment(segment).is_err_and(|e| e.kind() == ErrorKind::Corruption)
}

#[test]
fn a_segment_of_any_length_reads_back() {
    let (_, container) = on_simulated_disk();
    for len in [0, 1, 8, 65_535, 65_536, 65_537, 300_001] {
        let segment = container.write_segment(&content(len)).unwrap();
        let source = container.open_segment(&segment).unwrap();
        assert_eq!(source.len(), len);
        assert_eq!(source.get(0..len).unwrap(), content(len));
        assert_eq!(source.get(len..len).unwrap(), b"");
        let past = source.get(0..len + 1);
        assert_eq!(past, Err(ImageError::Truncated { end: len + 1, len }));
    }
    container.verify().unwrap();
}

#[test]
fn mapped_and_heap_sources_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    Container::create(&path, &Settings::default(), first_row).unwrap();
    let data = content(200_000);
    let segment = {
        let container = Container::open(&path, &Settings::default(), Access::ReadWrite).unwrap();
        container.register(&[]).unwrap();
        container.write_segment(&data).unwrap()
    };
    for mapping in [true, false] {
        let settings = Settings { mapping, ..Settings::default() };
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let container = Container::open(&path, &settings, access).unwrap();
            container.register(&[segment]).unwrap();
            let source = container.open_segment(&segment).unwrap();
            assert_eq!(source.get(70_000..140_000).unwrap(), &data[70_000..140_000]);
            assert_eq!(source.get(0..data.len()).unwrap(), data);
            assert_eq!(source.get(0..64).unwrap().as_ptr().align_offset(64), 0);
        }
    }
}

#[test]
fn a_source_is_verified_once_half_of_its_blocks_have_been_read_and_it_was_asked_for_the_rest() {
    let (_, container) = on_simulated_disk();
    let data = content(500_000);
    let segment = container.write_segment(&data).unwrap();
    let source = container.open_segment(&segment).unwrap();
    for block in [2, 0, 0, 7, 2, 0] {
        source.get(block * 65_536..block * 65_536 + 1).unwrap();
        assert!((0..20).all(|_| source.verified().is_none()), "three of eight have been read");
    }
    source.get(70_000..70_001).unwrap();
    assert_eq!(source.verified(), None);
    assert_eq!((0..8).find_map(|_| source.verified()), Some(data.as_slice()));
    let empty = container.write_segment(&[]).unwrap();
    assert_eq!(container.open_segment(&empty).unwrap().verified(), Some([].as_slice()));
}

#[test]
fn a_flipped_byte_is_damage_to_its_block_alone() {
    let (disk, container) = on_simulated_disk();
    let data = content(200_000);
    let segment = container.write_segment(&data).unwrap();
    let at = container.offset(segment.extent.start) as usize + 70_000;
    let mut bytes = disk.bytes();
    bytes[at] ^= 1;
    let damaged = Container::open_on(Arc::new(SimDisk::new(bytes)), &small()).unwrap();
    damaged.register(&[segment]).unwrap();
    let source = damaged.open_segment(&segment).unwrap();
    assert_eq!(source.get(0..65_536).unwrap(), &data[..65_536]);
    assert!(matches!(source.get(65_000..66_000), Err(ImageError::Damaged { .. })));
    assert!(matches!(source.get(70_000..70_001), Err(ImageError::Damaged { .. })));
    assert_eq!(source.get(131_072..200_000).unwrap(), &data[131_072..]);
    assert!((0..20).all(|_| source.verified().is_none()));
    assert!(matches!(source.get(70_000..70_001), Err(ImageError::Damaged { .. })));
}

#[test]
fn damaged_checksums_are_noticed_when_the_segment_is_opened() {
    let (disk, container) = on_simulated_disk();
    let segment = container.write_segment(&content(200_000)).unwrap();
    let mut bytes = disk.bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let damaged = Container::open_on(Arc::new(SimDisk::new(bytes)), &small()).unwrap();
    damaged.register(&[segment]).unwrap();
    assert!(is_corrupt(&damaged, &segment));
}

#[test]
fn a_pinned_segment_outlives_its_release() {
    let (_, container) = on_simulated_disk();
    let data = content(100_000);
    let first = container.write_segment(&data).unwrap();
    let source = container.open_segment(&first).unwrap();
    let clone = Arc::clone(&source);
    container.release(&first);
    let second = container.write_segment(&content(90_000)).unwrap();
    assert_ne!(second.extent.start, first.extent.start);
    drop(source);
    assert_eq!(clone.get(0..data.len()).unwrap(), data);
    assert_eq!(container.stats().unwrap().free_chunks, 0);
    drop(clone);
    assert_eq!(container.stats().unwrap().free_chunks, first.extent.chunks as usize);
    let third = container.write_segment(&content(90_000)).unwrap();
    assert_eq!(third.extent.start, first.extent.start);
}

#[test]
fn trimming_cuts_free_chunks_and_spares_pinned_ones() {
    let (_, container) = on_simulated_disk();
    let db = open_tables(&container);
    put(&db, 1, b"one").unwrap();
    let segments: Vec<SegmentRef> =
        (0..3).map(|i| container.write_segment(&content(50_000 + i)).unwrap()).collect();
    let source = container.open_segment(&segments[1]).unwrap();
    for segment in &segments {
        container.release(segment);
    }
    let before = container.stats().unwrap().file_len;
    container.trim().unwrap();
    let pinned = container.stats().unwrap().file_len;
    assert!(pinned < before);
    assert_eq!(source.get(0..50_001).unwrap(), content(50_001));
    drop(source);
    container.trim().unwrap();
    let stats = container.stats().unwrap();
    assert!(stats.file_len < pinned);
    assert_eq!(stats.segment_chunks, 0);
    // Life goes on behind the new end.
    let again = container.write_segment(&content(100_000)).unwrap();
    put(&db, 2, &content(100_000)).unwrap();
    assert_eq!(container.open_segment(&again).unwrap().get(0..9).unwrap(), &content(9));
    container.verify().unwrap();
}

#[test]
fn references_that_cannot_be_true_are_corruption() {
    let (disk, container) = on_simulated_disk();
    drop(open_tables(&container));
    let good = container.write_segment(&content(50_000)).unwrap();
    let reopen = || Container::open_on(Arc::new(SimDisk::new(disk.bytes())), &small()).unwrap();
    let changed = |change: fn(&mut SegmentRef)| {
        let mut segment = good;
        change(&mut segment);
        segment
    };
    let table_chunk = changed(|s| (s.extent.start, s.extent.chunks, s.len) = (0, 1, 10));
    for bad in [
        vec![good, good],
        vec![table_chunk],
        vec![changed(|s| s.extent.start += 1)],
        vec![changed(|s| s.extent.chunks += 1)],
        vec![changed(|s| s.extent.start = u32::MAX)],
        vec![changed(|s| s.len = u64::MAX)],
        vec![changed(|s| s.len = 1)],
    ] {
        let e = reopen().register(&bad).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corruption, "{bad:?}");
    }
    let open = reopen();
    open.register(&[good]).unwrap();
    let wrong_sum = changed(|s| s.checksum ^= 1);
    assert!(is_corrupt(&open, &wrong_sum));
    let elsewhere = changed(|s| s.extent.start = 0);
    assert!(is_corrupt(&open, &elsewhere));
}

#[test]
fn an_unnamed_segment_is_free_after_reopening() {
    let (disk, container) = on_simulated_disk();
    drop(open_tables(&container));
    let segment = container.write_segment(&content(50_000)).unwrap();
    let reopened = Container::open_on(Arc::new(SimDisk::new(disk.bytes())), &small()).unwrap();
    // Before the rows are known nothing inside the file is taken.
    let early = reopened.write_segment(&content(50_000)).unwrap();
    assert!(early.extent.start >= segment.extent.start + segment.extent.chunks);
    reopened.register(&[]).unwrap();
    let late = reopened.write_segment(&content(50_000)).unwrap();
    assert_eq!(late.extent.start, segment.extent.start);
}
