//! Salvage: what comes out of a damaged file is what was in it, and what does not come out is said.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod original;

use memlith::{
    Db, ErrorKind, LogRow, Loss, MemoryId, Model, NewMemory, SalvageReport, Seq, Space, salvage,
};
use original::{End, Log, Original, Rng, described};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;

const PAGE: usize = 4096;
const SLOT: usize = 32 << 10;
/// Where the first chunk lies, and how long each is.
const CHUNKS: usize = 64 << 10;
const CHUNK: usize = 256 << 10;
/// The first byte of a branch of redb's.
const BRANCH: u8 = 2;

/// Places of pages of the tables that hold something.
fn pages(bytes: &[u8]) -> Vec<usize> {
    let is_table = |at: &usize| (at - CHUNKS) % CHUNK >= PAGE;
    let is_used = |at: &usize| bytes[*at..(*at + PAGE).min(bytes.len())].iter().any(|b| *b != 0);
    (CHUNKS..bytes.len()).step_by(PAGE).filter(is_table).filter(is_used).collect()
}

fn wipe(bytes: &mut [u8], range: Range<usize>) {
    let end = range.end.min(bytes.len());
    bytes[range.start..end].fill(0);
}

/// What must be there if nothing is said to be lost.
#[track_caller]
fn assert_complete(report: Option<SalvageReport>, original: &Original) -> SalvageReport {
    let report = report.expect("something comes out");
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(report.memories.recovered, original.last().1.len() as u64);
    assert!(report.lost.is_empty() && report.unidentified == 0 && report.lost_vectors.is_empty());
    report
}

#[test]
fn a_sound_file_comes_out_as_it_was() {
    for (log, end) in
        [(Log::Whole, End::Closed), (Log::Trimmed, End::Closed), (Log::Whole, End::Killed)]
    {
        let original = Original::make(1, 40, log, end);
        let report = assert_complete(original.check(|_| {}), &original);
        assert!(report.damage.is_empty() && report.unproven.is_empty(), "{report:#?}");
        let salvaged = original.salvaged(|_| {}).unwrap();
        let view = salvaged.open().read().unwrap();
        assert_eq!(described(&view), original.spaces);
        assert_eq!(view.metadata_indexes(), ["lang"]);
    }
}

#[test]
fn the_new_log_says_where_its_memories_come_from_and_commits_to_the_same_rows() {
    let original = Original::make(2, 30, Log::Whole, End::Closed);
    let salvaged = original.salvaged(|_| {}).unwrap();
    let SalvageReport { file_id, seq, hash, .. } = salvaged.report.clone();
    let hex =
        |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let reason = format!(
        "salvaged from file {}, commit {}, head {}",
        hex(&file_id.unwrap()),
        seq.unwrap(),
        hex(&hash.unwrap())
    );
    let log = salvaged.open().log(Seq(0), 1_000).unwrap();
    assert!(log.iter().all(|row| row.reason == reason && row.actor == "memlith"), "{log:?}");
    let mut new: BTreeMap<u64, [u8; 16]> = BTreeMap::new();
    let memories = |row: &LogRow| {
        let of_memories = row.changes.iter().filter(|c| c.model == Model::Memory);
        of_memories.map(|c| (c.id, c.commitment)).collect::<Vec<_>>()
    };
    new.extend(log.iter().flat_map(memories));
    let mut old: BTreeMap<u64, [u8; 16]> = BTreeMap::new();
    old.extend(original.log.iter().flat_map(memories));
    old.retain(|_, commitment| *commitment != [0; 16]);
    assert_eq!(new, old);
}

#[test]
fn a_file_whose_memories_are_all_gone_gives_none_of_their_numbers_again() {
    for has_space in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("t.lith"), folder.path().join("new.lith"));
        let db = Db::open(&path).unwrap();
        if has_space {
            db.create_space(&Space::new("left", 2)).unwrap();
        }
        for text in ["one", "two", "three"] {
            let id = db.remember(NewMemory::new(text)).unwrap();
            assert!(db.forget(id).unwrap());
        }
        let spaces = db.read().unwrap().spaces();
        db.close().unwrap();
        let report = salvage(&path, &new, &mut |_, _, _| {}).unwrap();
        assert!(report.is_complete(), "{report:#?}");
        let db = Db::open(&new).unwrap();
        assert_eq!(db.read().unwrap().spaces(), spaces);
        let log = db.log(Seq(0), 10).unwrap();
        let last = log.last().expect("the new log says where the file comes from");
        assert!(last.reason.starts_with("salvaged from file "), "{log:?}");
        assert_eq!(db.remember(NewMemory::new("four")).unwrap(), MemoryId(4));
        let verified = db.verify(&mut |_| {}).unwrap();
        assert!(verified.is_clean(), "{:?}", verified.problems);
    }
}

#[test]
fn without_header_slots_the_chunks_say_where_they_belong() {
    let original = Original::make(3, 30, Log::Whole, End::Closed);
    for range in [0..SLOT, SLOT..2 * SLOT, 0..2 * SLOT] {
        let report = assert_complete(original.check(|bytes| wipe(bytes, range.clone())), &original);
        assert!(!report.damage.is_empty());
        assert_eq!(report.file_id.is_none(), range.len() > SLOT);
    }
    // A chunk more that says it is one of them.
    let report = original.check(|bytes| {
        wipe(bytes, 0..2 * SLOT);
        bytes.resize((bytes.len() - CHUNKS).next_multiple_of(CHUNK) + CHUNKS, 0);
        let copy = bytes[CHUNKS + CHUNK..CHUNKS + 2 * CHUNK].to_vec();
        wipe(bytes, CHUNKS + CHUNK + 9 * PAGE..CHUNKS + CHUNK + 40 * PAGE);
        bytes.extend(copy);
    });
    assert_complete(report, &original);
}

#[test]
fn memories_of_a_table_without_its_root_are_proved_by_the_log() {
    let original = Original::make(4, 50, Log::Whole, End::Closed);
    // Pages of sealed vectors may begin with any byte, but not with redb's padding as well.
    let is_branch = |at: &usize| {
        let head = &original.bytes[*at..*at + 8];
        (head[0], head[1], &head[4..]) == (BRANCH, 0, &[0; 4])
    };
    let branches: Vec<usize> = pages(&original.bytes).into_iter().filter(is_branch).collect();
    let mut largest_gap = 0;
    for page in branches {
        let report = original.check(|bytes| wipe(bytes, page..page + PAGE)).unwrap();
        assert_eq!((report.memories.lost, report.vectors.lost), (0, 0), "{report:#?}");
        let gaps = report.gaps.iter().map(|(first, last)| last.0 - first.0 + 1);
        largest_gap = largest_gap.max(gaps.sum());
    }
    // Without the root every memory is in the gap.
    assert!(largest_gap >= original.last().1.len() as u64, "{largest_gap}");
}

#[test]
fn without_the_header_of_the_tables_a_commit_is_looked_for() {
    let original = Original::make(5, 40, Log::Whole, End::Closed);
    // Its page is the first behind the checksums of the first chunk.
    let header = CHUNKS + PAGE..CHUNKS + 2 * PAGE;
    let report = original.check(|bytes| wipe(bytes, header.clone())).unwrap();
    assert!(!report.is_newest && !report.is_complete());
    assert_eq!(report.memories.recovered, original.last().1.len() as u64);
    assert_eq!(report.seq, Some(Seq(original.last().0)));
    // One of the two commits that it names.
    for slot in [64, 192] {
        let report = original.check(|bytes| bytes[header.start + slot + 60] ^= 1).unwrap();
        assert!(!report.is_newest);
    }
}

/// Pages that stand for all: the first ones, and some of the others.
fn sample(original: &Original, every: usize) -> Vec<usize> {
    let pages = pages(&original.bytes);
    let rest = pages.iter().skip(4).step_by(every);
    pages.iter().take(4).chain(rest).copied().collect()
}

fn lose_pages(every: usize) {
    for (seed, log) in [(6, Log::Whole), (7, Log::Trimmed)] {
        let original = Original::make(seed, 40, log, End::Closed);
        let mut losses = BTreeSet::new();
        for page in sample(&original, every) {
            let report = original.check(|bytes| wipe(bytes, page..page + PAGE));
            let report = report.unwrap_or_else(|| panic!("nothing without the page at {page}"));
            losses.insert(report.is_complete());
        }
        assert_eq!(losses, BTreeSet::from([false, true]));
    }
}

#[test]
fn a_page_is_lost() {
    lose_pages(23);
}

#[test]
#[ignore = "takes minutes"]
fn any_page_is_lost() {
    lose_pages(1);
}

fn flip_bytes(seeds: Range<u64>) {
    let original = Original::make(8, 40, Log::Whole, End::Killed);
    let used: Vec<usize> =
        (0..original.bytes.len()).filter(|at| original.bytes[*at] != 0).collect();
    for seed in seeds {
        let mut rng = Rng(seed);
        let flips = [1, 4, 20, 100][seed as usize % 4];
        let report = original.check(|bytes| {
            for _ in 0..flips {
                bytes[used[rng.below(used.len())]] ^= 1 << rng.below(8);
            }
        });
        // A hundred hit every fourth page: the ends of all logs may be among them.
        assert!(report.is_some() || flips == 100, "nothing comes out of seed {seed}");
    }
}

#[test]
fn bytes_flip() {
    flip_bytes(0..16);
}

#[test]
#[ignore = "takes minutes"]
fn many_bytes_flip() {
    flip_bytes(0..1_000);
}

fn lose_ranges(seeds: Range<u64>) {
    let originals = [
        Original::make(9, 40, Log::Whole, End::Closed),
        Original::make(10, 40, Log::Trimmed, End::Killed),
    ];
    let mut outcomes = BTreeSet::new();
    for seed in seeds {
        let mut rng = Rng(seed);
        let original = &originals[seed as usize % 2];
        let report = original.check(|bytes| match seed as usize / 2 % 3 {
            0 => bytes.truncate(rng.below(bytes.len())),
            1 => {
                let from = rng.below(bytes.len());
                wipe(bytes, from..from + rng.below(400_000));
            }
            _ => {
                for _ in 0..rng.below(12) {
                    let from = rng.below(bytes.len());
                    wipe(bytes, from..from + rng.below(20_000));
                }
            }
        });
        let lost = report.map(|report| (report.memories.lost > 0, report.is_newest));
        outcomes.insert(lost);
    }
    assert!(outcomes.contains(&Some((true, true))), "{outcomes:?}");
}

#[test]
fn ranges_are_lost() {
    lose_ranges(0..24);
}

#[test]
#[ignore = "takes minutes"]
fn many_ranges_are_lost() {
    lose_ranges(0..1_000);
}

#[test]
fn what_is_lost_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.lith");
    let db = Db::open(&path).unwrap();
    let new = |n: u32| {
        NewMemory::new(format!("memory {n} {}", "x".repeat(3_000))).external_id(format!("x{n}"))
    };
    db.remember_batch((0..40).map(new).collect()).unwrap();
    let id = db.read().unwrap().get_external("default", "x17").unwrap().unwrap().id;
    db.close().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(10).position(|w| w == b"memory 17 ").unwrap();
    assert!(!bytes[at + 1..].windows(10).any(|w| w == b"memory 17 "), "there is one copy");
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let report = salvage(&path, folder.path().join("new.lith"), &mut |_, _, _| {}).unwrap();
    assert_eq!((report.memories.recovered, report.memories.lost), (39, 1));
    let [lost] = &report.lost[..] else { panic!("{report:#?}") };
    assert_eq!((lost.id, lost.why), (id, Loss::NotFound));
    assert_eq!(lost.external_id, Some(("default".into(), "x17".into())));
    assert_eq!((report.unidentified, report.is_newest), (0, true));
}

#[test]
fn what_cannot_be_salvaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let kind = |from: &str, to: &str| {
        salvage(place(from), place(to), &mut |_, _, _| {}).map(drop).unwrap_err().kind()
    };
    let db = Db::open(place("open.lith")).unwrap();
    db.remember(NewMemory::new("text")).unwrap();
    assert_eq!(kind("open.lith", "new.lith"), ErrorKind::InUse);
    drop(db);
    fs::write(place("there.lith"), "something").unwrap();
    assert_eq!(kind("open.lith", "there.lith"), ErrorKind::AlreadyExists);
    assert_eq!(kind("open.lith", "open.lith"), ErrorKind::AlreadyExists);
    assert_eq!(kind("missing.lith", "new.lith"), ErrorKind::NotFound);
    assert_eq!(kind("there.lith", "new.lith"), ErrorKind::NotMemlith);
    let mut bytes = fs::read(place("open.lith")).unwrap();
    bytes[CHUNKS..].fill(0);
    fs::write(place("hollow.lith"), bytes).unwrap();
    assert_eq!(kind("hollow.lith", "new.lith"), ErrorKind::Corruption);
    assert!(!place("new.lith").exists());
    assert_eq!(fs::read(place("there.lith")).unwrap(), b"something");
}
