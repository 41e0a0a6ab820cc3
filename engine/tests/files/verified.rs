//! Opening with verification: a damaged file is refused, and left as it is.

use memlith::{Db, ErrorKind, NewMemory, Options};
use std::path::Path;

fn verified() -> Options {
    Options::new().create(false).verify_on_open(true)
}

/// Makes a file of some memories, with the images of their indexes.
fn make(path: &Path) -> memlith::Result<()> {
    let db = Db::open(path)?;
    for n in 0..50 {
        db.remember(NewMemory::new(format!("memory {n} {}", "of many words ".repeat(40))))?;
    }
    db.checkpoint()?;
    db.close()
}

#[test]
fn a_sound_file_opens_and_can_be_used() -> memlith::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.lith");
    make(&path)?;
    assert_eq!(verified().open_read_only(&path)?.read()?.seq().0, 50);
    let db = verified().open(&path)?;
    db.remember(NewMemory::new("one more"))?;
    // Also one that was not closed, as a crash leaves it.
    let copy = folder.path().join("copy.lith");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(verified().open(&copy)?.read()?.seq().0, 51);
    db.close()?;
    assert_eq!(verified().open(&path)?.read()?.seq().0, 51);
    Ok(())
}

#[test]
fn a_damaged_file_is_refused_and_stays_as_it_is() -> memlith::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.lith");
    make(&path)?;
    let sound = std::fs::read(&path).unwrap();
    let needle = b"memory 7 of many";
    let at = sound.windows(needle.len()).position(|w| w == needle).expect("it is stored as text");
    let mut damaged = sound;
    damaged[at] ^= 0x20;
    std::fs::write(&path, &damaged).unwrap();
    for opened in [verified().open(&path), verified().open_read_only(&path)] {
        let Err(e) = opened else { panic!("it was opened") };
        assert_eq!(e.kind(), ErrorKind::Corruption, "{e}");
    }
    assert!(std::fs::read(&path).unwrap() == damaged, "the file was changed");
    Ok(())
}
