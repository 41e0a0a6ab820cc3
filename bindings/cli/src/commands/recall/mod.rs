//! `memlith recall`: the memories that answer a question, or many questions in one go.
//!
//! **Invariant:** the file is opened once, for reading, and every question is asked of the same
//! View. Answers come in the order of the questions.

mod many;
mod one;

use crate::args::{Scope, Store, duration, effort, parse_vector, time};
use crate::commands::import::vector_of_file;
use crate::output::{Console, Failure, Outcome};
use clap::{Args, ValueEnum};
use memlith::{AsOf, Cut, Filter, Likeness, Recall, SearchEffort, Seq};
use std::path::PathBuf;
use std::time::Duration;

const AFTER_HELP: &str = "\
Examples:
  memlith recall agent.lith \"where is the deploy key\"
  memlith recall agent.lith --vector-file query.npy --filter 'tag:noun.animal' --limit 20
  memlith recall agent.lith \"tea\" --vector '[0.1, 0.2, 0.3]' --explain
  memlith recall agent.lith \"standup\" --namespace ada --recency 0.3 --half-life 7d
  memlith recall agent.lith '\"spare key\" -car' --signs --cut 0.5 --neighbours 2
  memlith recall agent.lith --queries questions.jsonl --vectors questions.npy --mode hybrid --json

With --queries, each line is an object with any of: text, embedding, namespace, filter; row i of
--vectors belongs to line i. One line of JSON answers each, in order: {\"ids\",\"scores\",\"us\"}.";

/// Recall memories by text, by vector, by both, or by a filter alone
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RecallArgs {
    #[command(flatten)]
    store: Store,

    /// Words to find
    #[arg(value_name = "TEXT", conflicts_with = "queries")]
    text: Option<String>,

    /// Find neighbours of this vector, a JSON array
    #[arg(long, value_name = "[…]", conflicts_with_all = ["vector_file", "queries"])]
    vector: Option<String>,

    /// Find neighbours of the vector in this file
    #[arg(long, value_name = "Q.npy", conflicts_with = "queries")]
    vector_file: Option<PathBuf>,

    /// Answer every line of this file of questions; - for stdin
    #[arg(long, value_name = "Q.jsonl")]
    queries: Option<PathBuf>,

    /// Vectors of the questions: row i belongs to line i
    #[arg(long, value_name = "Q.npy", requires = "queries")]
    vectors: Option<PathBuf>,

    /// What of the questions to use [default: all that they have]
    #[arg(long, value_enum, requires = "queries")]
    mode: Option<Mode>,

    #[command(flatten)]
    scope: Scope,

    #[command(flatten)]
    ranking: Ranking,

    /// Show with each hit the piece of its text that shows best why it was found, of about so many bytes
    #[arg(long, value_name = "BYTES")]
    snippet: Option<usize>,

    /// Show with each hit so many turns before and behind it in its session
    #[arg(long, value_name = "N", default_value_t = 0)]
    neighbours: usize,

    /// Explain each hit: rank and score in each leg, words matched, age
    #[arg(long)]
    explain: bool,
}

/// Which of the two searches a question goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Its words only
    Text,
    /// Its vector only
    Vector,
    /// Both
    Hybrid,
}

/// How hits are scored and how many are wanted.
#[derive(Debug, Args)]
struct Ranking {
    /// At most so many hits
    #[arg(long, short, value_name = "K", default_value_t = 10)]
    limit: usize,

    /// Leave out so many of the best hits
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,

    /// Read the signs in TEXT: "in a row", +required, -excluded, begin*, typo~
    #[arg(long)]
    signs: bool,

    /// Only hits that score at least this
    #[arg(long, value_name = "SCORE")]
    min_score: Option<f32>,

    /// Only hits that score at least this share of the best score, 0 to 1, or, with gap, those before the
    /// largest drop
    #[arg(long, value_name = "SHARE|gap", value_parser = cut)]
    cut: Option<Cut>,

    /// How much hits are to differ in words from those before them, 0 to 1
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    diversity: f32,

    /// Leave out what says the same as a better hit
    #[arg(long)]
    collapse: bool,

    /// Only so many hits as have so many tokens together; a token is taken for four bytes
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,

    /// How much counts what is said around a memory in its session
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0)]
    context_weight: f32,

    /// How much counts what is joined to the best hits in the graph
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    neighbourhood: f32,

    /// How much the words count
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0)]
    text_weight: f32,

    /// How much nearness of the vector counts
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0)]
    vector_weight: f32,

    /// How much newness counts
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    recency: f32,

    /// The age at which newness has halved
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = duration)]
    half_life: Duration,

    /// How much importance counts
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    importance: f32,

    /// How much it counts that a memory is good rather than bad
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    valence: f32,

    /// How much it counts how often a memory was read
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    accesses: f32,

    /// How much more counts what matches a filter, such as channel:chat=0.3; may be given several times
    #[arg(long, value_name = "FILTER=WEIGHT", value_parser = boost)]
    boost: Vec<Boost>,

    /// Only what was in force then: a time, or seq:N for that of a commit
    #[arg(long, value_name = "TIME", value_parser = as_of)]
    as_of: Option<AsOf>,

    /// Also find memories that a newer one supersedes
    #[arg(long)]
    include_superseded: bool,

    /// Vector space to search [default: default]
    #[arg(long, value_name = "NAME")]
    space: Option<String>,

    /// How hard to look for near vectors: fast, balanced, exact, or about how many of them to look around
    #[arg(long, value_name = "EFFORT", default_value = "balanced", value_parser = effort)]
    effort: SearchEffort,

    /// Give up after this long, such as 50ms
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    deadline: Option<Duration>,
}

/// What is lifted, and by how much.
#[derive(Clone, Debug)]
struct Boost {
    filter: Filter,
    weight: f32,
}

/// For clap: a boost.
fn boost(text: &str) -> Result<Boost, String> {
    let (filter, weight) = text.rsplit_once('=').ok_or("must be FILTER=WEIGHT")?;
    let weight = weight.parse().map_err(|_| format!("{weight:?} is no number"))?;
    let filter = filter.parse().map_err(|e| format!("{e}"))?;
    Ok(Boost { filter, weight })
}

/// For clap: a time of the file.
fn as_of(text: &str) -> Result<AsOf, String> {
    if let Some(seq) = text.strip_prefix("seq:") {
        let seq = seq.parse().map_err(|_| format!("{seq:?} is no number of a commit"))?;
        return Ok(AsOf::Seq(Seq(seq)));
    }
    Ok(AsOf::Time(time(text)?.0))
}

/// For clap: where the list of hits is cut.
fn cut(text: &str) -> Result<Cut, String> {
    match (text, text.parse()) {
        ("gap", _) => Ok(Cut::Gap),
        (_, Ok(share)) if (0.0..=1.0).contains(&share) => Ok(Cut::OfBest(share)),
        _ => Err("must be gap, or a number from 0 to 1".into()),
    }
}

impl RecallArgs {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let request = self.request()?;
        if let Some(queries) = &self.queries {
            let questions = many::Questions::open(queries, self.vectors.as_deref(), self.mode)?;
            let db = super::open_to_read(&self.store.file)?;
            return questions.answer(&db.read()?, &request, console);
        }
        let request = self.question(request)?;
        let db = super::open_to_read(&self.store.file)?;
        one::answer(&db.read()?, &request, self.explain, console)
    }

    /// All but the question itself.
    fn request(&self) -> Outcome<Recall> {
        let ranking = &self.ranking;
        let mut request = Recall::new()
            .limit(ranking.limit)
            .weights(ranking.text_weight, ranking.vector_weight)
            .recency(ranking.recency, ranking.half_life)
            .importance(ranking.importance)
            .include_superseded(ranking.include_superseded)
            .effort(ranking.effort)
            .offset(ranking.offset)
            .signs(ranking.signs)
            .diversity(ranking.diversity)
            .context(ranking.context_weight)
            .valence(ranking.valence)
            .accesses(ranking.accesses)
            .neighbourhood(ranking.neighbourhood)
            .neighbours(self.neighbours);
        for Boost { filter, weight } in &ranking.boost {
            request = request.boost(filter.clone(), *weight);
        }
        request.collapse = ranking.collapse.then(Likeness::default);
        request.as_of = ranking.as_of;
        request.cut = ranking.cut;
        request.max_tokens = ranking.max_tokens;
        request.snippet = self.snippet;
        request.namespace.clone_from(&self.scope.namespace);
        request.space.clone_from(&ranking.space);
        request.filter = self.scope.filter()?;
        request.min_score = ranking.min_score;
        request.deadline = ranking.deadline;
        Ok(request)
    }

    /// The request with the one question that stands on the command line.
    fn question(&self, mut request: Recall) -> Outcome<Recall> {
        request.text.clone_from(&self.text);
        request.vector = match (&self.vector, &self.vector_file) {
            (Some(array), _) => Some(parse_vector(array)?),
            (None, Some(path)) => Some(vector_of_file(path)?),
            (None, None) => None,
        };
        if request.text.is_none() && request.vector.is_none() && request.filter.is_none() {
            return Err(Failure::Usage(
                "nothing to recall by: give TEXT, --vector, --vector-file, --filter or --queries"
                    .into(),
            ));
        }
        Ok(request)
    }
}
