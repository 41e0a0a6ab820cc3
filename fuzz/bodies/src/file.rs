//! Any bytes are a file that opens or is refused. Opening for reading changes no byte, nor does
//! refusing.
//!
//! Input is either a whole file, or edits to a sound one, which reach further: see [`bytes_of`].

use crate::exercise;
use crate::sound::sound;
use memlith::Options;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The first byte of an input that is a whole file; of one that is edits to a closed file. Any
/// other: edits to a file in use.
const WHOLE: u8 = 0;
const TO_CLOSED: u8 = 1;
/// The offset of an edit that cuts the file: its four bytes are the length to cut to.
const CUT: u32 = u32::MAX;

/// The file that an input stands for: `0, bytes…`, or `1, (offset u32, length u8, bytes…)…` over
/// the bytes of a sound file. Integers are little-endian; an offset counts modulo the length.
fn bytes_of(input: &[u8]) -> Vec<u8> {
    let Some((&form, mut rest)) = input.split_first() else { return Vec::new() };
    if form == WHOLE {
        return rest.to_vec();
    }
    let mut file = if form == TO_CLOSED { &sound().closed } else { &sound().open }.clone();
    while let Some(([a, b, c, d, len], behind)) = rest.split_first_chunk() {
        let offset = u32::from_le_bytes([*a, *b, *c, *d]);
        let (edit, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = behind;
        match edit.first_chunk() {
            Some(to) if offset == CUT => file.truncate(u32::from_le_bytes(*to) as usize),
            _ if file.is_empty() => {}
            _ => {
                let at = offset as usize % file.len();
                let end = file.len().min(at + edit.len());
                file[at..end].copy_from_slice(&edit[..end - at]);
            }
        }
    }
    file
}

/// Bytes as such a file. Tells whether it opened for writing.
pub(crate) fn open(input: &[u8]) -> bool {
    thread_local! {
        static FOLDER: TempDir = tempfile::tempdir().expect("a folder");
    }
    FOLDER.with(|folder| open_in(folder.path(), &bytes_of(input)))
}

/// Opens `bytes` as a file in `folder`, for reading and then for writing.
pub(crate) fn open_in(folder: &Path, bytes: &[u8]) -> bool {
    let path = folder.join("any.lith");
    fs::write(&path, bytes).expect("the folder can be written to");
    let is_untouched = || fs::read(&path).expect("the file is there") == bytes;
    let options = || Options::new().busy_timeout(Duration::ZERO).threads(false).create(false);

    salvage(&path, &folder.join("salvaged.lith"));
    assert!(is_untouched(), "salvage changed the file");

    if let Ok(db) = options().open_read_only(&path) {
        exercise::read(&db);
        let _ = db.verify(&mut |_| {});
    }
    assert!(is_untouched(), "reading changed the file");

    match options().open(&path) {
        Ok(db) => {
            exercise::change(&db);
            let _ = db.close();
            true
        }
        Err(e) => {
            assert!(is_untouched(), "a file was changed and then refused: {e}");
            false
        }
    }
}

/// Whatever is salvaged from a file, the new one is sound.
fn salvage(path: &Path, new: &Path) {
    let _ = fs::remove_file(new);
    if memlith::salvage(path, new, &mut |_, _, _| {}).is_err() {
        assert!(!new.exists(), "salvage failed and left a file");
        return;
    }
    let db = Options::new().threads(false).open_read_only(new).expect("a salvaged file opens");
    let report = db.verify(&mut |_| {}).expect("it can be verified");
    assert!(report.is_clean(), "{report:#?}");
}
