//! A table space is a plain file: property tests against a `Vec<u8>`.

use super::super::backend::TableSpace;
use super::super::pages::PAGE_LEN;
use super::super::sim::SimDisk;
use super::super::{Container, SegmentRef, Settings};
use super::small;
use proptest::prelude::*;
use redb::StorageBackend;
use std::io;
use std::sync::Arc;

/// Pages of the largest space that is tried.
const PAGES: u64 = 40;

#[derive(Clone, Debug)]
enum Step {
    SetLen(u64),
    /// Whole pages, as redb writes them: first page, count, content.
    Write(u64, u64, u8),
    Sync,
    Segment(usize),
    Release,
    Trim,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..=PAGES).prop_map(Step::SetLen),
        6 => (0..PAGES, 1..6u64, 1..=255u8).prop_map(|(at, n, byte)| Step::Write(at, n, byte)),
        1 => Just(Step::Sync),
        1 => (1..60_000usize).prop_map(Step::Segment),
        1 => Just(Step::Release),
        1 => Just(Step::Trim),
        1 => Just(Step::Reopen),
    ]
}

struct Subject {
    disk: SimDisk,
    settings: Settings,
    container: Container,
    space: TableSpace,
    segments: Vec<SegmentRef>,
}

impl Subject {
    fn reopen(&mut self) {
        self.space.sync_data().unwrap();
        let disk = SimDisk::new(self.disk.bytes());
        self.container = Container::open_on(Arc::new(disk.clone()), &self.settings).unwrap();
        self.container.register(&self.segments).unwrap();
        self.space = self.container.backend();
        self.disk = disk;
    }

    fn check(&self, model: &[Option<u8>]) {
        let len = (model.len() * PAGE_LEN) as u64;
        assert_eq!(self.space.len().unwrap(), len);
        let mut page = vec![0; PAGE_LEN];
        for (i, expected) in model.iter().enumerate().skip(1) {
            let read = self.space.read((i * PAGE_LEN) as u64, &mut page);
            match expected {
                Some(byte) => {
                    read.unwrap();
                    assert!(page.iter().all(|b| b == byte), "page {i}");
                }
                // A page that was never written: zeros where its chunk has no place yet; later it
                // has no checksum that could match, and redb reads no such page.
                None => match read {
                    Ok(()) => assert!(page.iter().all(|b| *b == 0), "page {i}"),
                    Err(e) => assert_eq!(e.kind(), io::ErrorKind::InvalidData),
                },
            }
        }
        assert!(self.space.read(len, &mut page).is_err());
        assert!(self.space.read(u64::MAX, &mut page).is_err());
        self.container.verify().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_table_space_is_a_plain_file(steps in prop::collection::vec(step(), 1..60), inline_runs in 0..3usize) {
        let settings = Settings { inline_runs, ..small() };
        let disk = SimDisk::default();
        let container = Container::create_on(Arc::new(disk.clone()), &settings).unwrap();
        let space = container.backend();
        let mut subject = Subject { disk, settings, container, space, segments: Vec::new() };
        let mut model: Vec<Option<u8>> = Vec::new();
        for step in steps {
            match step {
                Step::SetLen(pages) => {
                    subject.space.set_len(pages * PAGE_LEN as u64).unwrap();
                    model.resize(pages as usize, None);
                }
                Step::Write(at, n, byte) => {
                    let data = vec![byte; n as usize * PAGE_LEN];
                    let written = subject.space.write(at * PAGE_LEN as u64, &data);
                    prop_assert_eq!(written.is_ok(), at + n <= model.len() as u64);
                    if written.is_ok() {
                        model[at as usize..(at + n) as usize].fill(Some(byte));
                    }
                }
                Step::Sync => subject.space.sync_data().unwrap(),
                Step::Segment(len) => {
                    let segment = subject.container.write_segment(&vec![0xEE; len]).unwrap();
                    subject.segments.push(segment);
                }
                Step::Release => {
                    if let Some(segment) = subject.segments.pop() {
                        subject.container.release(&segment);
                    }
                }
                Step::Trim => subject.container.trim().unwrap(),
                Step::Reopen => subject.reopen(),
            }
            subject.check(&model);
        }
        for segment in &subject.segments {
            let source = subject.container.open_segment(segment).unwrap();
            prop_assert!(source.get(0..source.len()).unwrap().iter().all(|b| *b == 0xEE));
        }
    }
}
