//! Deterministic inputs that the benches share: memories with text, tags and embeddings that look
//! like real ones to the indexes.
//!
//! Sentences recombine a small list of words, drawn by a power law as in prose, with a rare word of
//! their own now and then. Embeddings lie in clusters, as those of sentences do, and a sentence's
//! cluster is told by its topic word, so that text and vectors agree.
//!
//! **Invariant:** the same arguments give the same bytes on every machine.

use memlith::{Db, Durability, NewMemory, Options, Recall};
use std::path::Path;

/// Components of an embedding: as many as small sentence encoders give.
pub const DIMENSION: usize = 384;
/// Clusters of embeddings, and tags.
pub const TOPICS: u64 = 500;
/// Memories of one transaction when a file is filled.
pub const BATCH: u64 = 1_000;

const NAMES: &[&str] = &[
    "ada",
    "the crew",
    "our landlord",
    "a customer",
    "the night shift",
    "grace",
    "the board",
    "my sister",
    "the planner",
    "a neighbour",
    "the new hire",
    "the auditor",
];
const VERBS: &[&str] = &[
    "prefers",
    "asked about",
    "moved",
    "broke",
    "repaired",
    "cancelled",
    "ordered",
    "forgot",
    "measured",
    "sold",
    "painted",
    "signed",
    "returned",
    "postponed",
    "found",
    "tested",
];
const THINGS: &[&str] = &[
    "tea", "invoice", "kettle", "bridge", "report", "window", "garden", "ticket", "engine",
    "ledger", "camera", "boat", "recipe", "server", "letter", "contract", "bicycle", "lamp",
    "harvest", "meeting", "password", "shipment", "roof", "violin", "vaccine", "schedule",
];
const PLACES: &[&str] = &[
    "in the kitchen",
    "at the station",
    "near the harbour",
    "on the third floor",
    "in lisbon",
    "at the workshop",
    "behind the school",
    "in the archive",
    "on the terrace",
    "at the clinic",
];
const TIMES: &[&str] = &[
    "on friday",
    "last spring",
    "before lunch",
    "every winter",
    "after the storm",
    "at night",
    "two years ago",
    "this quarter",
    "during the audit",
    "tomorrow",
];
const KINDS: &[&str] = &["fact", "event", "plan", "turn"];

/// A hash of one number: the source of everything here (splitmix64).
pub fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// The topic of memory `i`: its cluster and its tag.
pub fn topic(i: u64) -> u64 {
    mix(i ^ 0x5eed) % TOPICS
}

fn pick<'a>(words: &[&'a str], seed: u64) -> &'a str {
    // The product of two uniform numbers: early words come far more often.
    let first = mix(seed) % words.len() as u64;
    let second = mix(seed ^ u64::MAX) % words.len() as u64;
    words[(first * second / words.len() as u64) as usize]
}

/// The text of memory `i`: twelve to twenty words.
pub fn sentence(i: u64) -> String {
    let seed = |part: u64| mix(i).wrapping_add(part);
    let half = |at: u64| {
        format!(
            "{} {} the {} {} {}",
            pick(NAMES, seed(at)),
            pick(VERBS, seed(at + 1)),
            pick(THINGS, seed(at + 2)),
            pick(PLACES, seed(at + 3)),
            pick(TIMES, seed(at + 4)),
        )
    };
    let rare = format!("ref{}", mix(i) % 50_000);
    format!("{} because of topic{}; {} {rare}", half(0), topic(i), half(10))
}

/// The embedding of memory `i`: its cluster's centre, and noise of its own of half that size.
pub fn embedding(i: u64) -> Vec<f32> {
    let noise = |row: u64, component: u64| {
        let bits = mix(row.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ mix(component + 1));
        (bits >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let centre = topic(i) + (1 << 40);
    (0..DIMENSION as u64).map(|c| noise(centre, c) + 0.5 * noise(i, c)).collect()
}

/// Memory `i`, without its embedding.
pub fn bare_memory(i: u64) -> NewMemory {
    NewMemory::new(sentence(i))
        .external_id(format!("m{i}"))
        .kind(KINDS[(mix(i) % 4) as usize])
        .importance((mix(i ^ 7) % 1_000) as f32 / 1_000.0)
        .tags([format!("topic{}", topic(i)), format!("decile{}", mix(i ^ 9) % 10)])
        .session(format!("s{}", i / 50))
        .created_ms(1_700_000_000_000 + i as i64 * 60_000)
}

/// Memory `i`.
pub fn memory(i: u64) -> NewMemory {
    bare_memory(i).vector(embedding(i))
}

/// A request for memories near number `i`, which need not be in the file.
pub fn question(i: u64) -> Recall {
    let words = format!("{} topic{}", pick(THINGS, mix(i ^ 0xa5c)), topic(i));
    Recall::new().text(words).vector(embedding(i)).limit(10)
}

/// Memories `from..to`, in transactions of [`BATCH`].
///
/// # Panics
/// If the file refuses one.
pub fn fill(db: &Db, from: u64, to: u64) {
    for start in (from..to).step_by(BATCH as usize) {
        let batch: Vec<_> = (start..to.min(start + BATCH)).map(memory).collect();
        db.upsert_batch(batch).expect("the memories are within every limit");
    }
}

/// A file of `count` memories, filled quickly and left with its images written.
///
/// # Panics
/// If it cannot be made.
pub fn filled(path: &Path, count: u64) -> Db {
    let db = Options::new().durability(Durability::Relaxed).open(path).expect("a new file opens");
    fill(&db, 0, count);
    db.checkpoint().expect("images are written");
    db
}
