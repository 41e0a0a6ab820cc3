//! What a recall asks for.

use crate::filter::Filter;
use crate::graph_options::SearchEffort;
use std::time::Duration;

/// A request to recall memories: by text, by vector, by both, or by filter alone.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// # db.remember(memlith::NewMemory::new("Ada prefers tea").namespace("home").tag("taste"))?;
/// use memlith::Recall;
/// let answer = db.recall(
///     &Recall::new().text("what does Ada drink").namespace("home").limit(5),
/// )?;
/// assert_eq!(answer.hits[0].memory.content, "Ada prefers tea");
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recall {
    /// Words to find; also embedded for the vector leg if the file has an embedder and no vector
    /// is given.
    pub text: Option<String>,
    /// A query vector.
    pub vector: Option<Vec<f32>>,
    /// The vector space of `vector`; `default` unless given.
    pub space: Option<String>,
    /// Only memories of this namespace; all namespaces if `None`.
    pub namespace: Option<String>,
    /// Only memories that match.
    pub filter: Option<Filter>,
    /// At most so many hits; 10 unless given.
    pub limit: usize,
    /// Only hits that score at least this; see [`Hit::score`](crate::Hit::score).
    pub min_score: Option<f32>,
    /// How much each leg counts.
    pub weights: Weights,
    /// After how long the recency score of a memory has halved; 30 days unless given.
    pub half_life: Duration,
    /// Also memories that another one supersedes.
    pub include_superseded: bool,
    /// Explain each hit.
    pub explain: bool,
    /// How hard the vector leg looks; balanced unless given.
    pub effort: SearchEffort,
    /// Give up after this long, with an error.
    pub deadline: Option<Duration>,
}

/// How much the normalised score of each leg counts towards the final score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Weights {
    /// Of the text leg; 1 unless given.
    pub text: f32,
    /// Of the vector leg; 1 unless given.
    pub vector: f32,
    /// Of recency; 0 unless given.
    pub recency: f32,
    /// Of importance; 0 unless given.
    pub importance: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { text: 1.0, vector: 1.0, recency: 0.0, importance: 0.0 }
    }
}

impl Default for Recall {
    fn default() -> Self {
        Recall {
            text: None,
            vector: None,
            space: None,
            namespace: None,
            filter: None,
            limit: 10,
            min_score: None,
            weights: Weights::default(),
            half_life: Duration::from_hours(30 * 24),
            include_superseded: false,
            explain: false,
            effort: SearchEffort::default(),
            deadline: None,
        }
    }
}

impl Recall {
    /// A request with every default and nothing to look for yet.
    pub fn new() -> Self {
        Recall::default()
    }

    /// Looks for these words.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Looks for the neighbours of this vector in the default space.
    #[must_use]
    pub fn vector(mut self, vector: impl Into<Vec<f32>>) -> Self {
        self.vector = Some(vector.into());
        self
    }

    /// Looks in this vector space.
    #[must_use]
    pub fn space(mut self, space: impl Into<String>) -> Self {
        self.space = Some(space.into());
        self
    }

    /// Looks in this namespace only.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Looks among memories that match only.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Gives at most so many hits.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Gives only hits that score at least this.
    #[must_use]
    pub fn min_score(mut self, min_score: f32) -> Self {
        self.min_score = Some(min_score);
        self
    }

    /// Sets how much the text and vector legs count.
    #[must_use]
    pub fn weights(mut self, text: f32, vector: f32) -> Self {
        self.weights.text = text;
        self.weights.vector = vector;
        self
    }

    /// Lets newer memories score higher: `weight` times a score that halves every `half_life`.
    #[must_use]
    pub fn recency(mut self, weight: f32, half_life: Duration) -> Self {
        self.weights.recency = weight;
        self.half_life = half_life;
        self
    }

    /// Lets important memories score higher.
    #[must_use]
    pub fn importance(mut self, weight: f32) -> Self {
        self.weights.importance = weight;
        self
    }

    /// Also finds memories that another one supersedes.
    #[must_use]
    pub fn include_superseded(mut self, include: bool) -> Self {
        self.include_superseded = include;
        self
    }

    /// Explains each hit.
    #[must_use]
    pub fn explain(mut self, explain: bool) -> Self {
        self.explain = explain;
        self
    }

    /// Sets how hard the vector leg looks.
    #[must_use]
    pub fn effort(mut self, effort: SearchEffort) -> Self {
        self.effort = effort;
        self
    }

    /// Gives up after this long.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}
