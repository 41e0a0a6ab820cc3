//! A file whose every checksum holds and whose content is hostile opens, or is refused, or answers
//! with errors.
//!
//! Checksums keep accidents out, not forgers; and a fuzzer that has to guess them never gets past.
//! So an input is edits to the *rows* of a sound file: the tables are written anew with them by
//! redb, put into a container, and everything is sealed. Only redb's own pages are always well
//! formed: they are redb's to check.

mod container;
mod edits;
mod tables;

use crate::file;
use crate::sound::sound;
use container::Container;
use edits::Edit;
use std::sync::LazyLock;
use tables::Tables;
use tempfile::TempDir;

/// Edits as a file. Tells whether it opened for writing.
pub(crate) fn open(input: &[u8]) -> bool {
    static TABLES: LazyLock<Tables> =
        LazyLock::new(|| Tables::read(container::table_space(&sound().open)));
    thread_local! {
        static FOLDER: TempDir = tempfile::tempdir().expect("a folder");
    }
    let bytes = forge(TABLES.clone(), &edits::decode(input));
    FOLDER.with(|folder| file::open_in(folder.path(), &bytes))
}

/// The tables with the edits made to them, as a file.
fn forge(mut tables: Tables, edits: &[Edit<'_>]) -> Vec<u8> {
    for edit in edits {
        edit.make_in_rows(&mut tables);
    }
    let mut container = Container::default();
    tables.move_images(|content| container.add_segment(content));
    for edit in edits {
        edit.make_in_references(&mut tables);
    }
    tables.seal_log();
    let mut bytes = container.finish(tables.write());
    for edit in edits {
        edit.make_in_header(&mut bytes);
    }
    container::seal_header(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use memlith::{Options, Recall};

    /// Or everything else here would be about files that are refused at once.
    #[test]
    fn without_edits_it_is_a_sound_file_with_all_that_the_sound_one_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("forged.lith");
        // Without edits, and with three of the images in segments.
        for input in [&[][..], &[5, 8, 0, 0, 0, 0, 5, 8, 1, 0, 0, 0, 5, 8, 2, 0, 0, 0]] {
            let tables = Tables::read(container::table_space(&sound().open));
            std::fs::write(&path, forge(tables, &edits::decode(input))).expect("it is written");
            let db = Options::new().threads(false).open(&path).expect("it opens");
            let report = db.verify(&mut |_| {}).expect("it can be verified");
            assert!(report.is_clean(), "{report:#?}");
            let found = db.recall(&Recall::new().text("after")).expect("it answers");
            assert_eq!(found.hits[0].memory.content, "the one after 3");
            assert_eq!(db.read().expect("a view").seq().0, 33);
        }
    }
}
