//! Answers that are kept, so that a request which comes again is not carried out again.
//!
//! **Invariant:** a kept answer is the one that the request would get: of the same request, of a state with the
//! same memories, and of a time at which nothing has expired since. What depends on the moment itself, on the
//! graph, or on how often memories were read, is not kept. Together the answers take no more than they may,
//! in bytes.

use super::{Hit, Recall, Recalled, Weights};
use crate::filter::{Attribute, Filter, Op, Path, Predicate, Time, Value};
use crate::ids::Seq;
use crate::memory::Memory;
use crate::recently::RecentlyUsed;
use crate::sync::Mutex;
use std::fmt::{self, Write as _};
use std::hash::Hash;
use std::ops::Bound;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// What an answer takes beside its texts, at least, in bytes; so it bounds their number too.
const BASE_BYTES: usize = 512;
/// What a memory of an answer takes beside its texts.
const MEMORY_BYTES: usize = 512;

/// Kept answers in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerStats {
    /// How many bytes they may take; none are kept if 0.
    pub limit_bytes: u64,
    /// About how many they take.
    pub bytes: u64,
    /// How many there are.
    pub answers: u64,
    /// Requests that were answered by one.
    pub hits: u64,
    /// Requests that could have been, but that none was there for.
    pub misses: u64,
}

impl AnswerStats {
    /// Of these.
    pub(crate) fn of<K: Clone + Eq + Hash, V>(kept: &RecentlyUsed<K, V>) -> Self {
        let (hits, misses) = kept.hits_and_misses();
        let (limit_bytes, bytes) = (kept.limit_bytes(), kept.bytes());
        AnswerStats { limit_bytes, bytes, answers: kept.len() as u64, hits, misses }
    }
}

/// What an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    /// The last commit that changed memories, or what they are found by.
    pub(super) memories: Seq,
    pub(super) now_ms: i64,
}

struct Kept {
    request: Recall,
    basis: Basis,
    /// When the first of the memories expires that had not when it was made.
    until_ms: i64,
    answer: Arc<Recalled>,
}

/// The kept answers of a handle, by the hashes of requests.
pub(crate) struct Answers(Mutex<RecentlyUsed<u64, Kept>>);

impl Answers {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Answers(Mutex::new(RecentlyUsed::new(limit_bytes as u64)))
    }

    pub(crate) fn stats(&self) -> AnswerStats {
        AnswerStats::of(&self.0.lock())
    }

    /// May answers to such a request be kept?
    pub(super) fn takes(&self, request: &Recall) -> bool {
        self.0.lock().limit_bytes() > 0 && is_lasting(request)
    }

    /// The answer to a request that is taken.
    pub(super) fn find(&self, request: &Recall, basis: Basis) -> Option<Arc<Recalled>> {
        let mut kept = self.0.lock();
        let found = kept.find(&key_of(request), |kept| {
            kept.basis.memories == basis.memories
                && (kept.basis.now_ms..kept.until_ms).contains(&basis.now_ms)
                && is_same(&kept.request, request)
        });
        found.map(|found| Arc::clone(&found.answer))
    }

    /// Keeps an answer, in place of those that were not used for longest.
    pub(super) fn keep(&self, request: &Recall, basis: Basis, until_ms: i64, answer: &Recalled) {
        let bytes = BASE_BYTES + 2 * request_bytes(request) + answer_bytes(answer);
        let (plain, answer) = (plain(request), Arc::new(answer.clone()));
        let kept = Kept { request: plain, basis, until_ms, answer };
        self.0.lock().put(key_of(request), kept, bytes);
    }
}

/// Does the answer depend on nothing but the memories and what has expired? A new field of a request has to be
/// thought of here: what it looks at may change without a memory changing.
fn is_lasting(request: &Recall) -> bool {
    let Recall {
        text: _,
        signs: _,
        vector: _,
        space: _,
        also: _,
        namespace: _,
        filter,
        limit: _,
        offset: _,
        min_score: _,
        cut: _,
        diversity: _,
        collapse: _,
        max_tokens: _,
        tokens: _,
        snippet: _,
        neighbours: _,
        weights,
        boosts,
        fusion: _,
        half_life: _,
        include_superseded: _,
        as_of: _,
        explain: _,
        effort: _,
        deadline: _,
        cancellation: _,
    } = request;
    let Weights {
        text: _,
        vector: _,
        importance: _,
        valence: _,
        context: _,
        recency,
        accesses,
        neighbourhood,
    } = *weights;
    let mut filters = filter.iter().chain(boosts.iter().map(|(filter, _)| filter));
    let is_of_others = [recency, accesses, neighbourhood].iter().any(|weight| *weight > 0.0);
    !is_of_others && filters.all(is_lasting_filter)
}

/// Does what it matches follow from the state alone, and neither from the moment nor from reads?
pub(crate) fn is_lasting_filter(filter: &Filter) -> bool {
    match filter {
        Filter::All | Filter::None => true,
        Filter::And(terms) | Filter::Or(terms) => terms.iter().all(is_lasting_filter),
        Filter::Not(term) => is_lasting_filter(term),
        Filter::Test(Predicate { path, op }) => {
            let is_of_reads =
                matches!(path, Path::Attribute(Attribute::Accesses | Attribute::Accessed));
            !is_of_reads && !values(op).any(|v| matches!(v, Value::Time(Time::FromNow(_))))
        }
    }
}

/// The values that a test compares with.
fn values(op: &Op) -> impl Iterator<Item = &Value> {
    let (several, single, bounds): (&[Value], _, [Option<&Value>; 2]) = match op {
        Op::In(values) => (values, None, [None, None]),
        Op::Eq(value) | Op::Contains(value) => (&[], Some(value), [None, None]),
        Op::Range { lo, hi } => (&[], None, [lo, hi].map(of_bound)),
        Op::Matches(_) | Op::Exists => (&[], None, [None, None]),
    };
    several.iter().chain(single).chain(bounds.into_iter().flatten())
}

fn of_bound(bound: &Bound<Value>) -> Option<&Value> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}

/// The request without what does not change its answer.
fn plain(request: &Recall) -> Recall {
    Recall { deadline: None, cancellation: None, ..request.clone() }
}

fn is_same(kept: &Recall, request: &Recall) -> bool {
    kept.text == request.text && kept.vector == request.vector && *kept == plain(request)
}

/// A hash of a request, equal for equal ones.
fn key_of(request: &Recall) -> u64 {
    struct Hash(Xxh3);
    impl fmt::Write for Hash {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }
    let mut hash = Hash(Xxh3::new());
    let vectors = request.vector.iter().chain(request.also.iter().filter_map(|(_, v)| v.as_ref()));
    for value in vectors.flatten() {
        // Zeros of both signs are equal.
        hash.0.update(&(value + 0.0).to_bits().to_le_bytes());
    }
    let Recall { text, namespace, filter, limit, offset, weights, boosts, .. } = request;
    // Hashing does not fail.
    let _ = write!(hash, "{text:?}{namespace:?}{limit}/{offset}{weights:?}");
    for filter in filter.iter().chain(boosts.iter().map(|(filter, _)| filter)) {
        let _ = write!(hash, "{filter}");
    }
    hash.0.digest()
}

fn request_bytes(request: &Recall) -> usize {
    let vectors = request.vector.iter().chain(request.also.iter().filter_map(|(_, v)| v.as_ref()));
    let filters = request.filter.iter().chain(request.boosts.iter().map(|(filter, _)| filter));
    request.text.as_ref().map_or(0, String::len)
        + vectors.map(|vector| vector.len() * size_of::<f32>()).sum::<usize>()
        + filters.map(|filter| filter.to_string().len() * 8).sum::<usize>()
}

fn answer_bytes(answer: &Recalled) -> usize {
    let of_hit = |hit: &Hit| {
        let turns = hit.before.iter().chain(&hit.behind);
        let snippet = hit.snippet.as_ref().map_or(0, |snippet| snippet.text.len() + 256);
        memory_bytes(&hit.memory)
            + turns.map(memory_bytes).sum::<usize>()
            + snippet
            + hit.duplicates.len() * size_of::<u64>()
    };
    answer.hits.iter().map(of_hit).sum()
}

fn memory_bytes(memory: &Memory) -> usize {
    let metadata =
        if memory.metadata.is_null() { 0 } else { memory.metadata.to_string().len() * 4 };
    MEMORY_BYTES
        + memory.content.len()
        + metadata
        + memory.tags.iter().map(|tag| tag.len() + size_of::<String>()).sum::<usize>()
}
