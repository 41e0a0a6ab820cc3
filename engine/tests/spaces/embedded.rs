//! What embedders made is kept in the file, and no other process asks for it again.

use super::fake::Fake;
use memlith::{Db, Embedder, EmbedderError, MemoryId, NewMemory, Options, Recall};
use std::path::Path;

type Result<T> = std::result::Result<T, memlith::Error>;

const DIMENSION: usize = 8;
/// What a vector takes in the file: the hash of its text, and its components.
const ROW: usize = 16 + 4 * DIMENSION;

fn opened(path: &Path, embedder: &Fake, bytes: usize) -> Result<Db> {
    let options = Options::new().threads(false).embedding_file_bytes(bytes);
    options.embedder(embedder.clone()).open(path)
}

fn remember(db: &Db, texts: &[&str]) -> Result<Vec<MemoryId>> {
    let memories = texts.iter().map(|text| NewMemory::new(*text)).collect();
    db.remember_batch(memories)
}

#[test]
fn what_was_embedded_is_not_again_by_a_later_process() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.lith");
    let first = Fake::new("model", DIMENSION);
    let db = opened(&path, &first, 1 << 20)?;
    remember(&db, &["tea", "green  tea", "coffee"])?;
    db.recall(&Recall::new().text("what to drink"))?;
    assert_eq!((first.texts(), db.stats()?.embedding.in_file), (4, 0));
    db.close()?;

    let second = Fake::new("model", DIMENSION);
    let db = opened(&path, &second, 1 << 20)?;
    assert_eq!(db.stats()?.embedding.in_file, 4);
    let ids = remember(&db, &["green tea", " tea", "cocoa"])?;
    assert_eq!((second.texts(), db.stats()?.embedding.hits), (1, 2));
    let view = db.read()?;
    assert_eq!(view.vector(ids[1], "default")?, Some(second.vector("tea")));
    db.recall(&Recall::new().text("what to drink"))?;
    assert_eq!(second.texts(), 1);
    drop(view);
    assert!(db.verify(&mut |_| {})?.is_clean());
    db.close()?;

    // A reader finds what there is, and adds nothing.
    let reader = Fake::new("model", DIMENSION);
    let options = Options::new().threads(false).embedding_file_bytes(1 << 20);
    let db = options.embedder(reader.clone()).open_read_only(&path)?;
    db.recall(&Recall::new().text("cocoa"))?;
    assert_eq!(reader.texts(), 0);
    db.recall(&Recall::new().text("unheard of"))?;
    assert_eq!(reader.texts(), 1);
    db.close()?;

    // Unless it is wanted, nothing is kept; and what is kept is not used.
    let third = Fake::new("model", DIMENSION);
    let db = opened(&path, &third, 0)?;
    remember(&db, &["tea", "mate"])?;
    assert_eq!(third.texts(), 2);
    db.close()?;
    assert_eq!(opened(&path, &third, 1)?.stats()?.embedding.in_file, 5);
    Ok(())
}

#[test]
fn another_model_makes_its_own() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.lith");
    let (one, other) = (Fake::new("one", DIMENSION), Fake::new("other", DIMENSION));
    for embedder in [&one, &other] {
        let options = Options::new().threads(false).embedding_file_bytes(1 << 20);
        let db = options.embedder_for(embedder.identity(), embedder.clone()).open(&path)?;
        remember(&db, &["tea"])?;
        db.close()?;
    }
    assert_eq!((one.texts(), other.texts()), (1, 1));
    Ok(())
}

/// A model that is ill.
struct Blank;

impl Embedder for Blank {
    fn identity(&self) -> &'static str {
        "model"
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn embed(&self, texts: &[&str]) -> std::result::Result<Vec<Vec<f32>>, EmbedderError> {
        Ok(vec![vec![0.0; DIMENSION]; texts.len()])
    }
}

#[test]
fn a_model_that_failed_is_asked_again() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.lith");
    let options = || Options::new().threads(false).embedding_file_bytes(1 << 20);
    let db = options().embedder(Blank).open(&path)?;
    assert!(remember(&db, &["tea"]).is_err());
    db.close()?;
    let well = Fake::new("model", DIMENSION);
    let db = options().embedder(well.clone()).open(&path)?;
    remember(&db, &["tea"])?;
    assert_eq!(well.texts(), 1);
    db.close()
}

#[test]
fn a_file_keeps_no_more_than_it_may() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.lith");
    let texts: Vec<String> = (0..40).map(|n| format!("text {n}")).collect();
    for part in texts.chunks(20) {
        let embedder = Fake::new("model", DIMENSION);
        let db = opened(&path, &embedder, 30 * ROW + 1)?;
        remember(&db, &part.iter().map(String::as_str).collect::<Vec<_>>())?;
        db.close()?;
    }
    let embedder = Fake::new("model", DIMENSION);
    let db = opened(&path, &embedder, 30 * ROW + 1)?;
    assert_eq!(db.stats()?.embedding.in_file, 30);
    // The newest are all there.
    remember(&db, &texts[20..].iter().map(String::as_str).collect::<Vec<_>>())?;
    assert_eq!(embedder.texts(), 0);
    assert!(db.verify(&mut |_| {})?.is_clean());
    db.close()?;

    // Less is allowed: the next flush makes room.
    let db = opened(&path, &embedder, 5 * ROW)?;
    remember(&db, &["one more"])?;
    db.close()?;
    assert_eq!(opened(&path, &embedder, 5 * ROW)?.stats()?.embedding.in_file, 5);
    Ok(())
}
