//! What calls refuse: the kind of each error, and that its message says what is wrong, of what, and
//! what to do. Errors of opening are in `opening.rs`.

use super::{assert_error, memory};
use memlith::filter::MAX_DEPTH;
use memlith::{
    Db, Embedder, EmbedderError, Error, ErrorKind, Filter, List, MAX_ANNOTATION_BYTES,
    MAX_CONTENT_BYTES, MAX_DIMENSIONS, MAX_EXTERNAL_ID_BYTES, MAX_IDEMPOTENCY_KEY_BYTES,
    MAX_LABEL_BYTES, MAX_LIMIT, MAX_METADATA_BYTES, MAX_METADATA_DEPTH, MAX_METADATA_INDEXES,
    MAX_SPACES, MAX_TAGS, MemoryId, Metric, NewMemory, Options, Patch, Recall, Result, Space,
    WriteOptions,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A database with one memory, which has a vector of three dimensions.
fn db() -> Result<Db> {
    let db = Options::new().threads(false).in_memory()?;
    db.remember(memory().external_id("taken").vector([1.0, 2.0, 3.0]))?;
    Ok(db)
}

/// Refused with this message, and nothing of it is there.
#[track_caller]
fn assert_refused(new: NewMemory, kind: ErrorKind, message: &str) -> Result<()> {
    let db = db()?;
    let before = db.head()?;
    assert_error(db.remember(new.clone()), kind, message);
    assert_error(db.remember_batch(vec![memory(), new]), kind, message);
    assert_eq!(db.head()?, before);
    Ok(())
}

#[test]
fn a_vector_that_its_space_refuses() -> Result<()> {
    assert_refused(
        memory().vector([1.0, 2.0]),
        ErrorKind::DimensionMismatch,
        "space \"default\" holds vectors of 3 dimensions, this one has 2",
    )?;
    assert_refused(
        memory().vector([1.0, f32::NAN, 0.0]),
        ErrorKind::InvalidInput,
        "space \"default\" refuses the vector: component 1 of the vector is not a finite number",
    )?;
    assert_refused(
        memory().vector([0.0, 0.0, 0.0]),
        ErrorKind::InvalidInput,
        "space \"default\" refuses the vector: vector of 3 zeros has no direction",
    )?;
    assert_refused(
        memory().vector([1.0, 0.0, 0.0]).vector([1.0, 0.0, 0.0]),
        ErrorKind::InvalidInput,
        "vectors: must be one at most in each space",
    )?;
    assert_refused(
        memory().vector_in("voices", [1.0]),
        ErrorKind::NotFound,
        "vector space \"voices\" does not exist",
    )?;
    // Where zeros have a meaning they are taken.
    let db = db()?;
    db.create_space(&Space::new("l2", 2).metric(Metric::L2))?;
    db.remember(memory().vector_in("l2", [0.0, 0.0]))?;
    Ok(())
}

#[test]
fn a_query_that_its_space_refuses() -> Result<()> {
    let db = db()?;
    let recall = |request: Recall| db.recall(&request);
    assert_error(
        recall(Recall::new().vector([1.0])),
        ErrorKind::DimensionMismatch,
        "space \"default\" holds vectors of 3 dimensions, this one has 1",
    );
    assert_error(
        recall(Recall::new().space("voices").vector([1.0])),
        ErrorKind::NotFound,
        "vector space \"voices\" does not exist",
    );
    assert_error(
        recall(Recall::new().recency(f32::NAN, Duration::from_secs(1))),
        ErrorKind::InvalidInput,
        "weights: must be finite and not negative",
    );
    assert_error(
        recall(Recall::new().recency(1.0, Duration::ZERO)),
        ErrorKind::InvalidInput,
        "half-life: must be longer than nothing",
    );
    assert_error(
        recall(Recall::new().min_score(f32::NAN)),
        ErrorKind::InvalidInput,
        "least score: must be a number",
    );
    let slow = Recall::new().filter("meta.x = 1".parse()?).deadline(Duration::ZERO);
    assert_error(recall(slow), ErrorKind::DeadlineExceeded, "the deadline passed while recalling");
    Ok(())
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }))
}

#[test]
fn each_limit_of_a_memory() -> Result<()> {
    let limit = ErrorKind::LimitExceeded;
    let content = "x".repeat(MAX_CONTENT_BYTES + 1);
    assert_refused(
        NewMemory::new(content),
        limit,
        "bytes of content is 16777217, the limit is 16777216",
    )?;
    let tags = |n: usize| memory().tags((0..n).map(|n| n.to_string()));
    assert_refused(tags(MAX_TAGS + 1), limit, "number of tags is 1025, the limit is 1024")?;
    let pad = |n: usize| memory().metadata(json!({ "a": "x".repeat(n - 8) }));
    let message = "bytes of metadata is 1048577, the limit is 1048576";
    assert_refused(pad(MAX_METADATA_BYTES + 1), limit, message)?;
    let deep = |depth| memory().metadata(nested(depth));
    let message = "depth of metadata is 65, the limit is 64";
    assert_refused(deep(MAX_METADATA_DEPTH + 1), limit, message)?;
    let id = |n| memory().external_id("x".repeat(n));
    let message = "bytes of the external id is 1025, the limit is 1024";
    assert_refused(id(MAX_EXTERNAL_ID_BYTES + 1), limit, message)?;
    let long = || "l".repeat(MAX_LABEL_BYTES + 1);
    for (what, new) in [
        ("tag", memory().tag(long())),
        ("kind", memory().kind(long())),
        ("agent", memory().agent(long())),
        ("session", memory().session(long())),
        ("project", memory().project(long())),
        ("channel", memory().channel(long())),
        ("source", memory().source(long())),
        ("namespace", memory().namespace(long())),
    ] {
        assert_refused(new, limit, &format!("{what} has 513 bytes, the limit is 512"))?;
    }
    // What is just at the limit is taken.
    let db = db()?;
    db.remember(tags(MAX_TAGS))?;
    db.remember(pad(MAX_METADATA_BYTES))?;
    db.remember(deep(MAX_METADATA_DEPTH))?;
    db.remember(id(MAX_EXTERNAL_ID_BYTES))?;
    db.remember(memory().tag("l".repeat(MAX_LABEL_BYTES)))?;
    db.remember(NewMemory::new("x".repeat(MAX_CONTENT_BYTES)))?;
    assert_eq!(db.read()?.count(None, None)?, 7);
    Ok(())
}

#[test]
fn each_rule_of_a_memory() -> Result<()> {
    let invalid = ErrorKind::InvalidInput;
    let message = "importance: must be a number from 0 to 1";
    assert_refused(memory().importance(1.5), invalid, message)?;
    assert_refused(memory().importance(f32::NAN), invalid, message)?;
    let message = "valence: must be a number from -1 to 1";
    assert_refused(memory().valence(-1.5), invalid, message)?;
    let message = "metadata: must be a JSON object or null";
    assert_refused(memory().metadata(json!([1])), invalid, message)?;
    assert_refused(memory().tag(""), invalid, "tag: must not be empty")?;
    assert_refused(memory().namespace(""), invalid, "namespace: must not be empty")?;
    assert_refused(memory().external_id(""), invalid, "external id: must not be empty")?;
    let message = "priority or time: must be above the least 64-bit integer";
    assert_refused(memory().priority(i64::MIN), invalid, message)?;
    assert_refused(memory().expires_ms(i64::MIN), invalid, message)?;
    assert_error(db()?.upsert(memory()), invalid, "external id: must be given for an upsert");
    let patch = Patch::new().metadata(json!(7));
    let message = "metadata: must be a JSON object or null";
    assert_error(db()?.update(MemoryId(1), &patch), invalid, message);
    Ok(())
}

#[test]
fn each_limit_of_a_call() -> Result<()> {
    let db = db()?;
    let limit = ErrorKind::LimitExceeded;
    let view = db.read()?;
    let message = "limit of a listing is 10001, the limit is 10000";
    assert_error(view.list(&List::new().limit(MAX_LIMIT + 1)), limit, message);
    let message = "limit of a recall is 10001, the limit is 10000";
    assert_error(view.recall(&Recall::new().limit(MAX_LIMIT + 1)), limit, message);
    let long = |n: usize| "x".repeat(n + 1);
    for (options, message) in [
        (
            WriteOptions::new().actor(long(MAX_ANNOTATION_BYTES)),
            "bytes of the actor is 1025, the limit is 1024",
        ),
        (
            WriteOptions::new().reason(long(MAX_ANNOTATION_BYTES)),
            "bytes of the reason is 1025, the limit is 1024",
        ),
        (
            WriteOptions::new().idempotency_key(long(MAX_IDEMPOTENCY_KEY_BYTES)),
            "bytes of the idempotency key is 257, the limit is 256",
        ),
    ] {
        assert_error(db.transact(options, |_| Ok(())).map(|c| c.value), limit, message);
    }
    let empty = WriteOptions::new().idempotency_key("");
    let done = db.transact(empty, |_| Ok(())).map(|c| c.value);
    assert_error(done, ErrorKind::InvalidInput, "idempotency key: must not be empty");
    let cursor = "1.x".parse::<memlith::Cursor>();
    assert_error(cursor, ErrorKind::InvalidInput, "cursor: must be one that a listing gave");
    Ok(())
}

#[test]
fn each_limit_of_a_file() -> Result<()> {
    let db = db()?;
    let limit = ErrorKind::LimitExceeded;
    for n in 1..MAX_SPACES {
        db.create_space(&Space::new(n.to_string(), 1))?;
    }
    let message = "number of vector spaces is 65, the limit is 64";
    assert_error(db.create_space(&Space::new("x", 1)), limit, message);
    db.write(|tx| (0..MAX_METADATA_INDEXES).try_for_each(|n| tx.index_metadata(&n.to_string())))?;
    let message = "number of metadata indexes is 65, the limit is 64";
    assert_error(db.write(|tx| tx.index_metadata("x")), limit, message);
    Ok(())
}

#[test]
fn what_a_catalogue_refuses() -> Result<()> {
    let db = db()?;
    let invalid = ErrorKind::InvalidInput;
    let message = "dimension of a space: must be 1 to 8,192";
    assert_error(db.create_space(&Space::new("x", 0)), invalid, message);
    assert_error(db.create_space(&Space::new("x", MAX_DIMENSIONS + 1)), invalid, message);
    let message = "space name: must have 1 to 512 bytes";
    assert_error(db.create_space(&Space::new("", 1)), invalid, message);
    let message = "metadata path: must have 1 to 512 bytes";
    assert_error(db.write(|tx| tx.index_metadata("")), invalid, message);
    let message = "vector space \"default\" exists already";
    assert_error(db.create_space(&Space::new("default", 3)), ErrorKind::AlreadyExists, message);
    db.write(|tx| tx.index_metadata("lang"))?;
    let message = "metadata index \"lang\" exists already";
    let again = db.write(|tx| tx.index_metadata("lang"));
    assert_error(again, ErrorKind::AlreadyExists, message);
    let message = "metadata index \"none\" does not exist";
    assert_error(db.write(|tx| tx.drop_metadata_index("none")), ErrorKind::NotFound, message);
    let message = "vector space \"none\" does not exist";
    assert_error(db.write(|tx| tx.drop_space("none")), ErrorKind::NotFound, message);
    assert_error(db.read()?.vector(MemoryId(1), "none"), ErrorKind::NotFound, message);
    Ok(())
}

#[test]
fn what_is_taken_or_missing() -> Result<()> {
    let message = "external id \"taken\" exists already";
    assert_refused(memory().external_id("taken"), ErrorKind::AlreadyExists, message)?;
    let db = db()?;
    db.remember(memory().external_id("taken").namespace("other"))?;
    let new = db.supersede(MemoryId(1), memory())?;
    let again = db.supersede(MemoryId(1), memory());
    let message = format!("superseding memory \"{new}\" exists already");
    assert_error(again, ErrorKind::AlreadyExists, &message);
    let none = db.supersede(MemoryId(99), memory());
    assert_error(none, ErrorKind::NotFound, "memory \"99\" does not exist");
    Ok(())
}

#[test]
fn a_filter_error_shows_where() -> Result<()> {
    let error = Error::from("tag:a and importence > 1".parse::<Filter>().unwrap_err());
    assert_eq!(error.kind(), ErrorKind::FilterSyntax);
    assert_eq!(error.filter().map(memlith::filter::FilterError::column), Some(11));
    assert_eq!(
        error.to_string(),
        "unknown attribute `importence`; did you mean `importance`? (column 11)\n  \
         tag:a and importence > 1\n            ^"
    );
    // One that was built is checked wherever it is used.
    let deep = (0..MAX_DEPTH).fold(Filter::tag("a"), |inner, _| !inner);
    let db = db()?;
    let patch = Patch::new();
    let kinds = [
        db.read()?.count(None, Some(&deep)).map(drop),
        db.read()?.list(&List::new().filter(deep.clone())).map(drop),
        db.recall(&Recall::new().filter(deep.clone())).map(drop),
        db.update_many(None, &deep, &patch).map(drop),
        db.forget_where(None, &deep).map(drop),
    ]
    .map(|done| done.err().map(|e| e.kind()));
    assert_eq!(kinds, [Some(ErrorKind::FilterSyntax); 5]);
    Ok(())
}

/// Answers with vectors of its dimension, or fails.
struct Toy {
    identity: &'static str,
    dimension: usize,
}

impl Embedder for Toy {
    fn identity(&self) -> &str {
        self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        if texts.contains(&"fail") {
            return Err("no route to the model".into());
        }
        Ok(texts.iter().map(|text| vec![text.len() as f32 + 1.0; self.dimension]).collect())
    }
}

#[test]
fn an_embedder_that_fails_or_is_another() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("e.lith");
    let open = |identity, dimension| {
        Options::new().threads(false).embedder(Toy { identity, dimension }).open(&path)
    };
    let db = open("mini-v1", 2)?;
    let id = db.remember(memory())?;
    assert_eq!(db.read()?.vector(id, "default")?, Some(vec![5.0, 5.0]));
    let failed = ErrorKind::Embedder;
    let message = "the embedder failed: no route to the model";
    assert_error(db.remember(NewMemory::new("fail")), failed, message);
    assert_error(db.update(id, &Patch::new().content("fail")), failed, message);
    assert_error(db.recall(&Recall::new().text("fail")), failed, message);
    assert_eq!(db.get(id)?.expect("it is there").content, "note");
    drop(db);

    let db = open("mini-v2", 2)?;
    let message = "space \"default\" belongs to embedder \"mini-v1\", not to \"mini-v2\"";
    assert_error(db.remember(memory()), ErrorKind::InvalidInput, message);
    assert_error(db.recall(&Recall::new().text("x")), ErrorKind::InvalidInput, message);
    assert_eq!(db.read()?.count(None, None)?, 1);
    Ok(())
}
