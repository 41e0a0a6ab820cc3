//! What a recall answers.

use crate::ids::{MemoryId, Seq};
use crate::knowledge::GraphPath;
use crate::memory::Memory;
use std::ops::Range;

/// One way by which a recall finds or ranks memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Leg {
    /// BM25 over the words of the content.
    Text,
    /// Nearness of the embedding.
    Vector,
    /// How new it is.
    Recency,
    /// How important it is.
    Importance,
    /// How good it is.
    Valence,
    /// How often it was read or recalled.
    Accesses,
    /// How many of the boosts of the request it gets, by their weights.
    Affinity,
    /// What is said around it in its session.
    Context,
    /// What it is joined to in the graph.
    Neighbourhood,
}

impl Leg {
    /// Its name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Leg::Text => "text",
            Leg::Vector => "vector",
            Leg::Recency => "recency",
            Leg::Importance => "importance",
            Leg::Valence => "valence",
            Leg::Accesses => "accesses",
            Leg::Affinity => "affinity",
            Leg::Context => "context",
            Leg::Neighbourhood => "neighbourhood",
        }
    }
}

/// What became of a leg.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LegOutcome {
    /// It ran and brought so many candidates.
    Ran {
        /// Memories that it scored.
        candidates: usize,
    },
    /// It could not run.
    NotRun {
        /// Why, and what would let it.
        why: &'static str,
    },
}

/// One leg of the request and how it went.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LegReport {
    /// Which leg.
    pub leg: Leg,
    /// In which vector space, if it is a vector leg.
    pub space: Option<String>,
    /// How it went.
    pub outcome: LegOutcome,
    /// How the vector leg found its candidates, in a word or two.
    pub strategy: Option<&'static str>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// The part of one leg in the score of a hit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LegScore {
    /// Which leg.
    pub leg: Leg,
    /// In which vector space, if it is a vector leg.
    pub space: Option<String>,
    /// Place among the candidates of this leg, from 1; `None` if the leg only reranks.
    pub rank: Option<usize>,
    /// As the leg counts it: BM25, cosine, negated distance, ….
    pub raw: f32,
    /// Between 0 and 1.
    pub normalised: f32,
    /// What `normalised` was multiplied with.
    pub weight: f32,
}

/// Why a hit stands where it stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// Each leg's part; those that did not score it are missing.
    pub legs: Vec<LegScore>,
    /// Words of the query that it contains.
    pub matched_terms: Vec<String>,
    /// How old it was when recalled, in milliseconds.
    pub age_ms: i64,
    /// How it is joined to a hit of another leg, if [`Leg::Neighbourhood`] scored it.
    pub joined: Option<Joined>,
}

/// The way through the graph by which a hit was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Joined {
    /// From a memory that another leg found to the hit.
    pub path: GraphPath,
    /// What is on it, in order: nodes by their external ids, memories as `memory:` and their number.
    pub names: Vec<String>,
}

/// The piece of a content that shows best why it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snippet {
    /// The piece.
    pub text: String,
    /// Where in the content it stands, in bytes.
    pub range: Range<usize>,
    /// Words that the text of the request is about, in bytes of the piece; ascending and apart.
    pub marks: Vec<Range<usize>>,
}

/// A memory that was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// The memory.
    pub memory: Memory,
    /// Of a request with one leg: the raw score of that leg, such as the cosine. Of one with
    /// several: the sum over the legs of normalised score times weight.
    pub score: f32,
    /// Why, where the request asked.
    pub explanation: Option<Explanation>,
    /// The piece of its content that shows best why, where the request asked.
    pub snippet: Option<Snippet>,
    /// Turns before it in its session, where the request asked; in the order of the session.
    pub before: Vec<Memory>,
    /// Turns behind it.
    pub behind: Vec<Memory>,
    /// Memories that say the same and were left out for it, where the request asked.
    pub duplicates: Vec<MemoryId>,
}

impl Hit {
    /// The number of the memory.
    pub fn id(&self) -> MemoryId {
        self.memory.id
    }
}

/// How the filter of a request was carried out.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FilterReport {
    /// Memories that match; of a filter of a graph, nodes and memories.
    pub matching: u64,
    /// Rows that had to be read because a part of the filter has no index.
    pub scanned_rows: u64,
    /// That part, in the filter language.
    pub scanned_filter: Option<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// A step of a recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What was done: `filter`, `legs`, `rank` or `read`.
    pub name: &'static str,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// The answer to a recall.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recalled {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Each leg of the request and how it went.
    pub legs: Vec<LegReport>,
    /// How the filter was carried out.
    pub filter: FilterReport,
    /// What was done, in order. The legs say themselves how long each took.
    pub steps: Vec<Step>,
    /// Tokens of the hits, of a request with a budget.
    pub tokens: Option<usize>,
    /// Is it an answer that was kept? See [`Options::answer_cache_bytes`](crate::Options::answer_cache_bytes).
    pub is_kept: bool,
    /// The commit that the answer is of.
    pub seq: Seq,
    /// How long all of it took, in microseconds.
    pub micros: u64,
}
