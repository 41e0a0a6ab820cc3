//! What a recall asks for.

use super::builders::{patience_builders, scope_builders, search_builders};
use super::{Cancellation, Cut, Likeness, TokenCounter};
use crate::error::check_limit;
use crate::filter::Filter;
use crate::graph_options::SearchEffort;
use crate::ids::Seq;
use crate::{Error, MAX_LIMIT, Result};
use memlith_index::text::Query;
use std::time::Duration;

/// Boosts of a request at most.
const MAX_BOOSTS: usize = 32;

/// Turns that a hit may bring with it, on each side.
const MAX_NEIGHBOURS: usize = 100;

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
    /// Read the signs in the text; see [`Recall::signs`].
    pub signs: bool,
    /// A query vector.
    pub vector: Option<Vec<f32>>,
    /// The vector space of `vector`; `default` unless given.
    pub space: Option<String>,
    /// Further vector spaces to look in at the same time, and the query vector in each; where there
    /// is none, the embedder of the space makes it of the text.
    pub also: Vec<(String, Option<Vec<f32>>)>,
    /// Only memories of this namespace; all namespaces if `None`.
    pub namespace: Option<String>,
    /// Only memories that match.
    pub filter: Option<Filter>,
    /// At most so many hits; 10 unless given.
    pub limit: usize,
    /// Leave out so many of the best: where the page before ended.
    pub offset: usize,
    /// Only hits that score at least this; see [`Hit::score`](crate::Hit::score).
    pub min_score: Option<f32>,
    /// Only hits before this cut.
    pub cut: Option<Cut>,
    /// How much hits are to differ from one another, 0 to 1; 0 unless given.
    pub diversity: f32,
    /// Leave out what says the same as a better hit.
    pub collapse: Option<Likeness>,
    /// Only so many hits as have so many tokens together.
    pub max_tokens: Option<usize>,
    /// How tokens are counted.
    pub tokens: TokenCounter,
    /// With each hit the piece of its content that shows best why it was found, of about so many bytes.
    pub snippet: Option<usize>,
    /// With each hit so many turns before and behind it in its session.
    pub neighbours: usize,
    /// How much each leg counts.
    pub weights: Weights,
    /// What lifts a memory that matches, and by how much; see [`Recall::boost`].
    pub boosts: Vec<(Filter, f32)>,
    /// How the scores of legs become one; the sum of normalised scores unless given.
    pub fusion: Fusion,
    /// After how long the recency score of a memory has halved; 30 days unless given.
    pub half_life: Duration,
    /// Also memories that another one supersedes.
    pub include_superseded: bool,
    /// Only what was in force then; see [`Recall::as_of`].
    pub as_of: Option<AsOf>,
    /// Explain each hit.
    pub explain: bool,
    /// How hard the vector leg looks; balanced unless given.
    pub effort: SearchEffort,
    /// Give up after this long, with an error.
    pub deadline: Option<Duration>,
    /// Give up once this is cancelled, with an error.
    pub cancellation: Option<Cancellation>,
}

/// A time in the past of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsOf {
    /// In milliseconds since 1970.
    Time(i64),
    /// When this commit was made; the log must still have it.
    Seq(Seq),
}

/// How the scores of several legs become one. A leg that is alone scores as it does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Fusion {
    /// The sum of normalised scores times weights.
    #[default]
    NormalisedSum,
    /// The sum of weights, each divided by `k` and the place in the leg, whatever the scores are (Cormack,
    /// Clarke and Büttcher, 2009). Does worse on judged sets: the first of a leg says more than a place.
    ReciprocalRank {
        /// How little the first places stand out; 60 is usual.
        k: f32,
    },
}

/// How much the normalised score of each leg counts towards the final score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Weights {
    /// Of the text leg; 1 unless given.
    pub text: f32,
    /// Of the vector leg; 1 unless given. The legs of several spaces share it in equal parts.
    pub vector: f32,
    /// Of recency; 0 unless given.
    pub recency: f32,
    /// Of importance; 0 unless given.
    pub importance: f32,
    /// Of valence, from 0 for the worst to 1 for the best; 0 unless given.
    pub valence: f32,
    /// Of how often a memory was read or recalled, by its logarithm beside that of the most read one among the
    /// candidates; 0 unless given.
    pub accesses: f32,
    /// Of the context of a conversation, which goes with the text leg; 1 unless given. See
    /// [`Recall::context`].
    pub context: f32,
    /// Of what hits are joined to in the graph; 0 unless given. See [`Recall::neighbourhood`].
    pub neighbourhood: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Weights {
            text: 1.0,
            vector: 1.0,
            recency: 0.0,
            importance: 0.0,
            valence: 0.0,
            accesses: 0.0,
            context: 1.0,
            neighbourhood: 0.0,
        }
    }
}

impl Default for Recall {
    fn default() -> Self {
        Recall {
            text: None,
            signs: false,
            vector: None,
            space: None,
            also: Vec::new(),
            namespace: None,
            filter: None,
            limit: 10,
            offset: 0,
            min_score: None,
            cut: None,
            diversity: 0.0,
            collapse: None,
            max_tokens: None,
            tokens: TokenCounter::default(),
            snippet: None,
            neighbours: 0,
            weights: Weights::default(),
            boosts: Vec::new(),
            fusion: Fusion::default(),
            half_life: Duration::from_hours(30 * 24),
            include_superseded: false,
            as_of: None,
            explain: false,
            effort: SearchEffort::default(),
            deadline: None,
            cancellation: None,
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

    /// Reads the signs in the text, as people type them into a search box:
    ///
    /// | written | means |
    /// |---|---|
    /// | `"two words"` | in a row |
    /// | `+word`, `+"two words"` | required |
    /// | `-word`, `-"two words"` | excluded |
    /// | `wor*` | any word that begins so |
    /// | `word~`, `word~1` | words that differ by two letters, or one |
    ///
    /// What is required or excluded holds for every leg, also for what a vector finds. No text is an error:
    /// a sign in any other place is a character like others. Without this all signs are.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{NewMemory, Recall};
    /// db.remember(NewMemory::new("the spare key of the car"))?;
    /// db.remember(NewMemory::new("the spare key of the house"))?;
    /// let request = Recall::new().text("\"spare key\" -car").signs(true);
    /// let answer = db.recall(&request)?;
    /// assert_eq!(answer.hits.len(), 1);
    /// assert_eq!(answer.hits[0].memory.content, "the spare key of the house");
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn signs(mut self, signs: bool) -> Self {
        self.signs = signs;
        self
    }

    /// Looks for the neighbours of this vector in the default space.
    #[must_use]
    pub fn vector(mut self, vector: impl Into<Vec<f32>>) -> Self {
        self.vector = Some(vector.into());
        self
    }

    /// Looks in this vector space, instead of the default one.
    #[must_use]
    pub fn space(mut self, space: impl Into<String>) -> Self {
        self.space = Some(space.into());
        self
    }

    /// Also looks for the neighbours of this vector in another space.
    ///
    /// Each space is a leg of its own: its scores are put between 0 and 1, by their place between the
    /// least and the best among the candidates, before they are added to those of the others. So
    /// spaces of any metrics and dimensions go together, and a memory with vectors in several of
    /// them is one hit.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{Metric, NewMemory, Recall, Space};
    /// db.create_space(&Space::new("picture", 3).metric(Metric::L2))?;
    /// db.remember(NewMemory::new("a cat").vector([1.0, 0.0]).vector_in("picture", [0.9, 0.1, 0.3]))?;
    /// db.remember(NewMemory::new("a kitten").vector([0.8, 0.6]))?;
    /// let cats = Recall::new().vector([1.0, 0.1]).also_in("picture", [1.0, 0.0, 0.3]);
    /// let answer = db.recall(&cats)?;
    /// assert_eq!(answer.hits[0].memory.content, "a cat");
    /// assert_eq!(answer.legs[1].space.as_deref(), Some("picture"));
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn also_in(mut self, space: impl Into<String>, vector: impl Into<Vec<f32>>) -> Self {
        self.also.push((space.into(), Some(vector.into())));
        self
    }

    /// Also looks in another space for the neighbours of what its embedder makes of the text.
    #[must_use]
    pub fn also_embedded_in(mut self, space: impl Into<String>) -> Self {
        self.also.push((space.into(), None));
        self
    }

    scope_builders!();
    patience_builders!();
    search_builders!();

    /// Leaves out so many of the best hits: where the page before ended.
    #[must_use]
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// Cuts the hits where their scores say, whatever the scale of these is.
    #[must_use]
    pub fn cut(mut self, cut: Cut) -> Self {
        self.cut = Some(cut);
        self
    }

    /// Has hits differ from one another: the next one is the best by its score, less this many parts of its
    /// likeness in words to those before it (MMR). 0 to 1; what says the same comes later, and perhaps not
    /// at all.
    #[must_use]
    pub fn diversity(mut self, diversity: f32) -> Self {
        self.diversity = diversity;
        self
    }

    /// Leaves out what says the same as a better hit, which then names it in
    /// [`Hit::duplicates`](crate::Hit::duplicates). Compared are the best 500 by their words, and by their
    /// vectors in the spaces that the request looks in.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{Likeness, NewMemory, Recall};
    /// db.remember(NewMemory::new("The deploy key lies in the vault."))?;
    /// db.remember(NewMemory::new("the deploy key lies in the vault"))?;
    /// let request = Recall::new().text("deploy key").collapse(Likeness::default());
    /// let answer = db.recall(&request)?;
    /// assert_eq!((answer.hits.len(), answer.hits[0].duplicates.len()), (1, 1));
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn collapse(mut self, from: Likeness) -> Self {
        self.collapse = Some(from);
        self
    }

    /// Gives only hits whose contents have so many tokens together; one that does not fit any more is left
    /// out, and the next one tried.
    #[must_use]
    pub fn max_tokens(mut self, max_tokens: usize) -> Self {
        self.max_tokens = Some(max_tokens);
        self
    }

    /// Sets how tokens are counted.
    #[must_use]
    pub fn tokens(mut self, counter: TokenCounter) -> Self {
        self.tokens = counter;
        self
    }

    /// Gives with each hit the piece of its content that shows best why it was found, of about so many
    /// bytes, and where in it the words of the text are.
    #[must_use]
    pub fn snippet(mut self, bytes: usize) -> Self {
        self.snippet = Some(bytes);
        self
    }

    /// Gives with each hit so many turns before and behind it in its session, as far as they are in scope.
    #[must_use]
    pub fn neighbours(mut self, each_side: usize) -> Self {
        self.neighbours = each_side;
        self
    }

    /// Sets how much the text and vector legs count.
    #[must_use]
    pub fn weights(mut self, text: f32, vector: f32) -> Self {
        self.weights.text = text;
        self.weights.vector = vector;
        self
    }

    /// Sets how the scores of legs become one.
    #[must_use]
    pub fn fusion(mut self, fusion: Fusion) -> Self {
        self.fusion = fusion;
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

    /// Lets good memories score higher.
    #[must_use]
    pub fn valence(mut self, weight: f32) -> Self {
        self.weights.valence = weight;
        self
    }

    /// Lets memories score higher that were read or recalled often.
    #[must_use]
    pub fn accesses(mut self, weight: f32) -> Self {
        self.weights.accesses = weight;
        self
    }

    /// Lets memories that match score higher by `weight`: those of the same channel or session, say, where a
    /// filter would leave the others out.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{Filter, NewMemory, Recall};
    /// db.remember(NewMemory::new("standup is at nine").channel("mail"))?;
    /// db.remember(NewMemory::new("standup is at ten").channel("chat"))?;
    /// let request = Recall::new().text("when is standup").boost(Filter::channel("chat"), 0.3);
    /// assert_eq!(db.recall(&request)?.hits[0].memory.content, "standup is at ten");
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn boost(mut self, filter: Filter, weight: f32) -> Self {
        self.boosts.push((filter, weight));
        self
    }

    /// Looks only among what was in force at a time: created by then, and not superseded yet, by the times
    /// that the memories of today carry. What was forgotten or has expired since is gone, what was changed
    /// is found as it is now. Reads the row of every superseded memory in question.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{AsOf, NewMemory, Recall};
    /// let old = db.remember(NewMemory::new("Ada lives in Bonn").created_ms(1_000))?;
    /// db.supersede(old, NewMemory::new("Ada lives in Rome"))?;
    /// let question = Recall::new().text("where does Ada live");
    /// assert_eq!(db.recall(&question)?.hits[0].memory.content, "Ada lives in Rome");
    /// let answer = db.recall(&question.as_of(AsOf::Time(2_000)))?;
    /// assert_eq!(answer.hits[0].memory.content, "Ada lives in Bonn");
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn as_of(mut self, as_of: AsOf) -> Self {
        self.as_of = Some(as_of);
        self
    }

    /// Sets how much the context of a conversation counts; 1 unless given, 0 for not at all.
    ///
    /// Of a request with a text, a memory is also found for what is said up to three turns before and
    /// after it in its session: words that it does not have itself, at .6, .4 and .2 of what they count
    /// there; and with a vector as well, by the nearest of those turns, at the same shares. Turns stand in
    /// the order in which they were remembered, and count only if they are in the scope of the request.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{NewMemory, Recall};
    /// for turn in ["Where did you go on holiday?", "We saw Lisbon.", "Nice!"] {
    ///     db.remember(NewMemory::new(turn).session("monday"))?;
    /// }
    /// let question = Recall::new().text("which holiday was it");
    /// assert_eq!(db.recall(&question)?.hits.len(), 3);
    /// assert_eq!(db.recall(&question.context(0.0))?.hits.len(), 1);
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn context(mut self, weight: f32) -> Self {
        self.weights.context = weight;
        self
    }

    /// Lets what is joined to hits in the graph count: memories that share nodes with the best that the
    /// other legs find, or are joined to them within three steps, score higher, and are found where
    /// nothing else finds them.
    ///
    /// Hits hand on what they score, and each step splits half of it over the edges that hold, by their
    /// weights. So who shares a node with few others gains much, and a node that everything mentions
    /// says nothing. Of a file without edges nothing changes, and neither at weight 0, which it is unless
    /// given.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{NewEdge, NewMemory, NewNode, Recall};
    /// db.write(|tx| {
    ///     let trip = tx.remember(NewMemory::new("Ada booked the ferry"))?;
    ///     let bill = tx.remember(NewMemory::new("the bill came to 80 pounds"))?;
    ///     let mut graph = tx.graph("default");
    ///     graph.upsert_node(NewNode::new("trip to Calais"))?;
    ///     graph.upsert_edge(NewEdge::new(trip, "about", "trip to Calais"))?;
    ///     graph.upsert_edge(NewEdge::new(bill, "about", "trip to Calais"))
    /// })?;
    /// let answer = db.recall(&Recall::new().text("ferry").neighbourhood(0.5).explain(true))?;
    /// assert_eq!(answer.hits[1].memory.content, "the bill came to 80 pounds");
    /// let joined = answer.hits[1].explanation.as_ref().unwrap().joined.as_ref().unwrap();
    /// assert_eq!(joined.names[1], "trip to Calais");
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn neighbourhood(mut self, weight: f32) -> Self {
        self.weights.neighbourhood = weight;
        self
    }

    /// Explains each hit.
    #[must_use]
    pub fn explain(mut self, explain: bool) -> Self {
        self.explain = explain;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        self.check_search("limit of a recall")?;
        check_limit("offset of a recall", self.offset, MAX_LIMIT)?;
        check_limit("number of neighbours", self.neighbours, MAX_NEIGHBOURS)?;
        let share = match self.cut {
            Some(Cut::OfBest(share)) => share,
            _ => 0.0,
        };
        if ![share, self.diversity].iter().all(|part| (0.0..=1.0).contains(part)) {
            return Err(Error::invalid("cut and diversity", "must be from 0 to 1"));
        }
        check_limit("number of boosts", self.boosts.len(), MAX_BOOSTS)?;
        if let Some(likeness) = self.collapse {
            likeness.check()?;
        }
        let Weights {
            text,
            vector,
            recency,
            importance,
            valence,
            accesses,
            context,
            neighbourhood,
        } = self.weights;
        let weights =
            [text, vector, recency, importance, valence, accesses, context, neighbourhood];
        let mut weights = weights.iter().chain(self.boosts.iter().map(|(_, weight)| weight));
        if !weights.all(|w| w.is_finite() && *w >= 0.0) {
            return Err(Error::invalid("weights", "must be finite and not negative"));
        }
        if let Fusion::ReciprocalRank { k } = self.fusion
            && !(k.is_finite() && k >= 0.0)
        {
            return Err(Error::invalid("k of a fusion", "must be finite and not negative"));
        }
        if self.half_life.is_zero() {
            return Err(Error::invalid("half-life", "must be longer than nothing"));
        }
        Ok(())
    }

    /// The spaces to look in, by name where one is given, and what to be near to there.
    pub(super) fn spaces(&self) -> impl Iterator<Item = (Option<&str>, Option<&[f32]>)> {
        let first = (self.space.as_deref(), self.vector.as_deref());
        let also = self.also.iter().map(|(space, vector)| (Some(&**space), vector.as_deref()));
        std::iter::once(first).chain(also)
    }

    /// What the text asks of words.
    pub(super) fn query(&self) -> Option<Query> {
        let text = self.text.as_deref()?;
        Some(if self.signs { Query::parse(text) } else { Query::words(text) })
    }

    /// Are candidates compared with each other?
    pub(super) fn compares(&self) -> bool {
        self.diversity > 0.0 || self.collapse.is_some()
    }

    /// How many of the best are looked at.
    pub(super) fn depth(&self) -> usize {
        self.offset.saturating_add(self.limit)
    }

    /// Is there anything to look for?
    pub(super) fn seeks(&self) -> bool {
        self.text.is_some() || self.spaces().any(|(_, vector)| vector.is_some())
    }
}
