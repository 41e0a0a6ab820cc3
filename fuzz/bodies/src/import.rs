//! Any lines, with any matrix beside them, are imported as far as they are good; to import them
//! again changes nothing that is exported, and an export imports to what it was made from.

use memlith::{Clock, Db, Options};
use memlith_cli::fuzzing;

/// The first byte of an input, by bits: a matrix comes along; the first bad line ends it.
const WITH_MATRIX: u8 = 1;
const STRICT: u8 = 2;

/// What a file exports is compared, so the time must not pass.
struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> i64 {
        1_750_000_000_000
    }
}

fn empty() -> Db {
    Options::new().threads(false).clock(Stopped).in_memory().expect("a file in memory opens")
}

fn exported(db: &Db) -> String {
    let lines = fuzzing::export(&db.read().expect("a view")).expect("what was imported exports");
    String::from_utf8(lines).expect("an export is text")
}

/// `how u8, lines`, or `how u8, length of the matrix u16, matrix, lines`. Tells whether a line of it
/// is in.
pub(crate) fn import(input: &[u8]) -> bool {
    let Some((&how, rest)) = input.split_first() else { return false };
    let (matrix, lines) = match rest.split_first_chunk() {
        Some((len, rest)) if how & WITH_MATRIX != 0 => {
            let len = usize::from(u16::from_le_bytes(*len)).min(rest.len());
            let (matrix, lines) = rest.split_at(len);
            (Some(matrix), lines)
        }
        _ => (None, rest),
    };
    let is_strict = how & STRICT != 0;

    let db = empty();
    let taken = fuzzing::import(&db, lines, matrix, is_strict);
    let spaces = db.read().expect("a view").spaces();
    assert!(taken != Ok(0) || spaces.is_empty(), "bad lines have left {spaces:?}");
    let report = db.verify(&mut |_| {}).expect("it can be verified");
    assert!(report.is_clean(), "{report:#?}");
    let first = exported(&db);
    // Not of each line the same becomes: what superseded a memory and has expired cannot again.
    let _ = fuzzing::import(&db, lines, matrix, is_strict);
    assert_eq!(exported(&db), first, "imported a second time");

    let copy = empty();
    let count = first.lines().count() as u64;
    assert_eq!(fuzzing::import(&copy, first.as_bytes(), None, true), Ok(count));
    assert_eq!(exported(&copy), first, "imported from an export");
    count > 0
}
