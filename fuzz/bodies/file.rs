//! Any bytes are a file that opens or is refused. Opening for reading changes no byte, nor does
//! refusing.
//!
//! Input is either a whole file, or edits to a sound one, which reach further: see [`bytes_of`].

use memlith::{Db, NewMemory, Options, Recall};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The first byte of an input that is a whole file. Any other: edits follow.
pub(crate) const WHOLE: u8 = 0;
/// The offset of an edit that cuts the file: its four bytes are the length to cut to.
pub(crate) const CUT: u32 = u32::MAX;

/// The bytes of a sound file with a little of everything.
pub(crate) fn sound(folder: &Path) -> Vec<u8> {
    let path = folder.join("sound.lith");
    let db = Options::new().threads(false).open(&path).expect("a new file opens");
    for i in 0..40_u8 {
        let memory = NewMemory::new(format!("the one about {i}"))
            .external_id(format!("id{i}"))
            .tag("all")
            .vector([f32::from(i), 1.0, -1.0]);
        db.remember(memory).expect("a small memory is taken");
        if i == 30 {
            db.checkpoint().expect("images are written");
        }
    }
    db.close().expect("a sound file closes");
    fs::read(&path).expect("the file is there")
}

/// The file that an input stands for: `0, bytes…`, or `1, (offset u32, length u8, bytes…)…` over
/// the bytes of `sound`. Integers are little-endian; an offset counts modulo the length.
pub(crate) fn bytes_of(input: &[u8], sound: &[u8]) -> Vec<u8> {
    let Some((&form, mut rest)) = input.split_first() else { return Vec::new() };
    if form == WHOLE {
        return rest.to_vec();
    }
    let mut file = sound.to_vec();
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

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Opened,
    Refused,
}

/// Opens `bytes` as a file in `folder`, for reading and then for writing.
pub(crate) fn open(bytes: &[u8], folder: &Path) -> Outcome {
    let path = folder.join("any.lith");
    fs::write(&path, bytes).expect("the folder can be written to");
    let is_untouched = || fs::read(&path).expect("the file is there") == bytes;
    let options = || Options::new().busy_timeout(Duration::ZERO).threads(false).create(false);

    if let Ok(db) = options().open_read_only(&path) {
        read_all(&db);
    }
    assert!(is_untouched(), "reading changed the file");

    match options().open(&path) {
        Ok(db) => {
            read_all(&db);
            let _ = db.remember(NewMemory::new("one more").tag("new"));
            let _ = db.checkpoint();
            let _ = db.close();
            Outcome::Opened
        }
        Err(e) => {
            assert!(is_untouched(), "a file was changed and then refused: {e}");
            Outcome::Refused
        }
    }
}

/// Reads all there is; errors are answers.
fn read_all(db: &Db) {
    let _ = db.stats();
    let _ = db.verify(&mut |_| {});
    let _ = db.recall(&Recall::new().text("the one").vector([1.0, 2.0, 3.0]).explain(true));
    if let Ok(filter) = "importance > 0.1 and not tag:none".parse() {
        let _ = db.recall(&Recall::new().filter(filter));
    }
}
