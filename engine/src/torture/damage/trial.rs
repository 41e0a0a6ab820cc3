//! What becomes of a damaged file: opened and asked, verified, opened with verification.
//!
//! **Invariant:** each damaged file is opened twice: plainly, and then as one that must be whole.
//! The second opening, and `verify` behind the first, miss nothing that is live, and complain of
//! nothing that is not. No opening that is refused changes the file, reads without end, or takes
//! memory out of proportion.

use super::answers::Answers;
use super::closed::{Closed, MEMORY_LIMIT};
use super::heap::measured;
use super::live::{Live, Use};
use super::watched::Watched;
use crate::db::Db;
use crate::file::Access;
use crate::memory::NewMemory;
use crate::torture::Tally;
use crate::{Error, ErrorKind, VerifyReport};

/// Reading a damaged file takes at most so many times what the sound one takes: a repair reads all
/// tables some times over.
const READ_FACTOR: u64 = 6;
/// Memory that opening, asking and verifying a file takes at most, in lengths of the file …
const HEAP_FACTOR: usize = 4;
/// … beyond the limit that is set and what any file takes.
const HEAP_BASE: usize = MEMORY_LIMIT + (2 << 20);

/// What became of a damaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was in bytes that nothing uses: all is as before.
    Harmless,
    /// It was in one of two header slots: all is as before, and the report has a note.
    Noted,
    /// Opening was refused.
    Refused,
    /// Some read was.
    Reported,
    /// Every read was right; `verify` found it.
    Latent,
    /// A read was wrong, which nobody promised to notice without verification.
    Misread,
}

/// How far the checksums go against a kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// No read is wrong.
    Right,
    /// Pages and their checksums belong together, but not in this file at this time: a read may be
    /// wrong, and only an opening that verifies must notice.
    Verified,
}

/// What a file that opened did.
struct Opened {
    /// Kinds of answers that are not those of the sound file; none if a read was refused.
    wrong: Option<Vec<&'static str>>,
    is_found: bool,
    is_noted: bool,
}

/// A sound file, and what it answers.
pub(super) struct Subject {
    pub(super) closed: Closed,
    pub(super) live: Live,
    expected: Answers,
    read_limit: u64,
}

impl Subject {
    pub(super) fn new(closed: Closed) -> Subject {
        let live = Live::find(&closed);
        let disk = Watched::new(closed.bytes.clone(), u64::MAX);
        let db = closed.open(&disk, Access::ReadWrite, true).expect("a sound file verifies");
        let expected = closed.ask(&db).expect("it answers");
        drop(db);
        let read_limit = READ_FACTOR * disk.read_bytes();
        Subject { closed, live, expected, read_limit }
    }

    /// Tries a damaged file; counts what became of it.
    ///
    /// # Panics
    /// If something does not hold.
    pub(super) fn try_bytes(
        &self,
        bytes: &[u8],
        promise: Promise,
        access: Access,
        goes_on: bool,
        tally: &mut Tally,
    ) -> Fate {
        let sound = &self.closed.bytes;
        let used = self.live.most_used_difference(sound, bytes);
        let opened = match promise {
            Promise::Right => self.bounded(bytes, "plainly", || self.open(bytes)),
            // What redb says when it panics takes memory as well.
            Promise::Verified => self.open(bytes),
        };
        let verified = self.bounded(bytes, "verified", || self.open_verified(bytes, access));
        let fate = fate_of(opened.as_ref(), promise);
        match used {
            Use::None if fate == Fate::Refused && bytes.len() < sound.len() => {}
            Use::None => assert_eq!(fate, Fate::Harmless, "nothing uses these bytes"),
            Use::Slot => assert!(
                matches!(fate, Fate::Noted | Fate::Harmless | Fate::Refused),
                "{fate:?} for a header slot"
            ),
            Use::Live => assert!(
                promise == Promise::Verified || !matches!(fate, Fate::Harmless | Fate::Noted),
                "{fate:?} for bytes that are live: missed by verify"
            ),
        }
        match verified {
            Ok(()) => {
                assert!(used != Use::Live, "missed by an opening that verifies");
                assert!(fate != Fate::Refused, "refused, but not by an opening that verifies");
                tally.add("opened although damaged, with verification", 1);
            }
            Err(kind) => {
                assert_clear(kind, bytes);
                // A lone slot whose seal is of another time is what a killed process may leave: taken
                // plainly, refused by whoever asks for certainty.
                let is_in_doubt = used == Use::Slot && promise == Promise::Verified;
                let is_refused = used == Use::Live || fate == Fate::Refused || is_in_doubt;
                assert!(is_refused, "refused by an opening that verifies, for nothing");
                tally.add("refused by an opening that verifies", 1);
            }
        }
        if matches!(fate, Fate::Harmless | Fate::Noted) && goes_on && used != Use::Live {
            self.go_on(bytes);
            tally.add("damaged files written to, closed and verified", 1);
        }
        fate
    }

    /// Writes to a file whose damage does no harm: it does none later either.
    fn go_on(&self, bytes: &[u8]) {
        let disk = Watched::new(bytes.to_vec(), u64::MAX);
        let open = |is_verified| self.closed.open(&disk, Access::ReadWrite, is_verified);
        let db = open(false).expect("it opened before");
        for n in 0..4_u8 {
            let text = format!("{n} behind the damage ").repeat(200 << n);
            db.remember(NewMemory::new(text)).expect("it can be written to");
            db.checkpoint().expect("it can be written to");
        }
        assert_eq!(db.stats().expect("it reads").last_background_error, None);
        db.close().expect("it can be closed");
        let db = open(true).expect("what was written verifies");
        let report = db.verify(&mut |_| {}).expect("the handle is not latched");
        assert_eq!(report.notes, [""; 0], "a damaged slot is replaced by writing");
    }

    /// Opens a file and asks everything; nothing if that is refused.
    fn open(&self, bytes: &[u8]) -> Option<Opened> {
        let disk = Watched::new(bytes.to_vec(), self.read_limit);
        let db = match self.closed.open(&disk, Access::ReadWrite, false) {
            Ok(db) => db,
            Err(e) => {
                assert_clear(e.kind(), bytes);
                assert!(disk.bytes() == bytes, "a file that was refused was changed");
                return None;
            }
        };
        let answers = self.closed.ask(&db);
        let report = db.verify(&mut |_| {});
        // Nothing is to be repaired by closing it.
        disk.cut_power();
        drop(db);
        let report = match (report, &answers) {
            (Ok(report), _) => report,
            // A read that fails is the last.
            (Err(e), Err(_)) if e.kind() == ErrorKind::Latched => VerifyReport::default(),
            (Err(e), _) => panic!("it cannot be verified: {e}"),
        };
        let wrong = match answers {
            Err(e) => {
                assert_clear(e.kind(), bytes);
                None
            }
            Ok(found) => {
                let is_wrong = |kind: &&&str| found.get(**kind) != self.expected.get(**kind);
                Some(self.expected.keys().filter(is_wrong).copied().collect())
            }
        };
        Some(Opened { wrong, is_found: !report.is_clean(), is_noted: !report.notes.is_empty() })
    }

    fn open_verified(&self, bytes: &[u8], access: Access) -> Result<(), ErrorKind> {
        let disk = Watched::new(bytes.to_vec(), self.read_limit);
        let opened = self.closed.open(&disk, access, true);
        let refused = opened.as_ref().map(drop).map_err(Error::kind);
        if refused.is_err() || access == Access::ReadOnly {
            assert!(disk.bytes() == bytes, "the file was changed");
        }
        disk.cut_power();
        drop::<Result<Db, Error>>(opened);
        refused
    }

    fn bounded<T>(&self, bytes: &[u8], how: &str, work: impl FnOnce() -> T) -> T {
        let (done, peak) = measured(work);
        // The simulated disk is memory, too, and so is the copy it is made from.
        let limit = HEAP_BASE + HEAP_FACTOR * bytes.len().max(self.closed.bytes.len());
        if let Some(peak) = peak {
            assert!(peak <= limit, "opened {how}, it took {peak} bytes of memory, of {limit}");
        }
        done
    }
}

/// What became of a file, by what the handle did, if there was one.
fn fate_of(opened: Option<&Opened>, promise: Promise) -> Fate {
    let Some(Opened { wrong, is_found, is_noted }) = opened else { return Fate::Refused };
    let Some(wrong) = wrong else { return Fate::Reported };
    if wrong.is_empty() {
        return match (is_found, is_noted) {
            (true, _) => Fate::Latent,
            (false, true) => Fate::Noted,
            (false, false) => Fate::Harmless,
        };
    }
    let is_promised = promise == Promise::Right;
    assert!(!is_promised, "wrong answers: {wrong:?}; does verify find it? {is_found}");
    Fate::Misread
}

/// Damage is called by its name.
fn assert_clear(kind: ErrorKind, bytes: &[u8]) {
    let has_magic = |at: usize| bytes.get(at..at + 8) == Some(b"\x93LITH\r\n\x1a".as_slice());
    let is_foreign = !has_magic(0) && !has_magic(32 << 10);
    let is_clear = kind == ErrorKind::Corruption || (kind == ErrorKind::NotMemlith && is_foreign);
    assert!(is_clear, "an error of kind {kind:?}");
}
