//! What Python reads: memories, hits, answers.
//!
//! **Invariant:** they hold no file and no snapshot, and what they hold is converted when it is looked at.

use crate::convert::{json_to, report, time_to};
use memlith::{Explanation, Gathered, Recalled, Snippet};
use memlith_json::AnswerJson;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A memory as it stood when it was read.
///
/// >>> import memlith
/// >>> db = memlith.open_in_memory()
/// >>> memory = db.get(db.remember("Ada prefers tea", kind="fact"))
/// >>> memory.content, memory.kind, memory.importance
/// ('Ada prefers tea', 'fact', 0.5)
#[pyclass(frozen, module = "memlith")]
pub(crate) struct Memory(Arc<memlith::Memory>);

impl From<memlith::Memory> for Memory {
    fn from(memory: memlith::Memory) -> Self {
        Memory(Arc::new(memory))
    }
}

#[pymethods]
impl Memory {
    /// Its number in the file.
    #[getter]
    fn id(&self) -> u64 {
        self.0.id.0
    }

    /// Your own id, or None.
    #[getter]
    fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// What sort of memory it is, or None.
    #[getter]
    fn kind(&self) -> Option<&str> {
        self.0.kind.as_deref()
    }

    /// Who said or did it, or None.
    #[getter]
    fn agent(&self) -> Option<&str> {
        self.0.agent.as_deref()
    }

    /// The conversation or task it belongs to, or None.
    #[getter]
    fn session(&self) -> Option<&str> {
        self.0.session.as_deref()
    }

    /// The project it belongs to, or None.
    #[getter]
    fn project(&self) -> Option<&str> {
        self.0.project.as_deref()
    }

    /// Where it came in, or None.
    #[getter]
    fn channel(&self) -> Option<&str> {
        self.0.channel.as_deref()
    }

    /// Where it was taken from, or None.
    #[getter]
    fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// The persona or agent whose memory it is.
    #[getter]
    fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// What is remembered.
    #[getter]
    fn content(&self) -> &str {
        &self.0.content
    }

    /// From 0 (trivia) to 1 (vital).
    #[getter]
    fn importance(&self) -> f32 {
        self.0.importance
    }

    /// From -1 (bad) to 1 (good).
    #[getter]
    fn valence(&self) -> f32 {
        self.0.valence
    }

    /// For filters and sorting.
    #[getter]
    fn priority(&self) -> i64 {
        self.0.priority
    }

    /// A dict of its own, or None.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json_to(py, &self.0.metadata)
    }

    /// Sorted.
    #[getter]
    fn tags(&self) -> Vec<&str> {
        self.0.tags.iter().map(String::as_str).collect()
    }

    /// Names of the vector spaces that hold an embedding of it, sorted.
    #[getter]
    fn spaces(&self) -> Vec<&str> {
        self.0.spaces.iter().map(String::as_str).collect()
    }

    /// When it happened.
    #[getter]
    fn created<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        time_to(py, self.0.created_ms)
    }

    /// When it was last written.
    #[getter]
    fn updated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        time_to(py, self.0.updated_ms)
    }

    /// From when on it is no longer found, or None.
    #[getter]
    fn expires<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.expires_ms.map(|ms| time_to(py, ms)).transpose()
    }

    /// When it was superseded, or None.
    #[getter]
    fn superseded<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.superseded_ms.map(|ms| time_to(py, ms)).transpose()
    }

    /// When it was last read or recalled, or None.
    #[getter]
    fn accessed<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.accessed_ms.map(|ms| time_to(py, ms)).transpose()
    }

    /// How often it was read or recalled.
    #[getter]
    fn accesses(&self) -> u64 {
        self.0.accesses
    }

    /// The number of the memory that this one replaces, or None.
    #[getter]
    fn supersedes(&self) -> Option<u64> {
        self.0.supersedes.map(|id| id.0)
    }

    /// The number of the memory that replaces this one, or None.
    #[getter]
    fn superseded_by(&self) -> Option<u64> {
        self.0.superseded_by.map(|id| id.0)
    }

    /// All of it as a dict.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("id", self.0.id.0)?;
        dict.set_item("namespace", &self.0.namespace)?;
        dict.set_item("content", &self.0.content)?;
        dict.set_item("external_id", self.external_id())?;
        dict.set_item("kind", self.kind())?;
        dict.set_item("agent", self.agent())?;
        dict.set_item("session", self.session())?;
        dict.set_item("project", self.project())?;
        dict.set_item("channel", self.channel())?;
        dict.set_item("source", self.source())?;
        dict.set_item("importance", self.0.importance)?;
        dict.set_item("valence", self.0.valence)?;
        dict.set_item("priority", self.0.priority)?;
        dict.set_item("metadata", self.metadata(py)?)?;
        dict.set_item("tags", &self.0.tags)?;
        dict.set_item("spaces", &self.0.spaces)?;
        dict.set_item("created", self.created(py)?)?;
        dict.set_item("updated", self.updated(py)?)?;
        dict.set_item("expires", self.expires(py)?)?;
        dict.set_item("supersedes", self.supersedes())?;
        dict.set_item("superseded_by", self.superseded_by())?;
        dict.set_item("superseded", self.superseded(py)?)?;
        dict.set_item("accesses", self.0.accesses)?;
        dict.set_item("accessed", self.accessed(py)?)?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        const SHOWN: usize = 60;
        let mut content: String = self.0.content.chars().take(SHOWN).collect();
        if content.len() < self.0.content.len() {
            content.push('…');
        }
        format!("<memlith.Memory {} {content:?}>", self.0.id.0)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        // That it was read is no part of what it is.
        let read = |other: &Memory| {
            let (accesses, accessed_ms) = (self.0.accesses, self.0.accessed_ms);
            let mut other = memlith::Memory::clone(&other.0);
            (other.accesses, other.accessed_ms) = (accesses, accessed_ms);
            *self.0 == other
        };
        other.cast::<Memory>().is_ok_and(|other| read(other.get()))
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0.id, self.0.updated_ms).hash(&mut hasher);
        hasher.finish()
    }
}

/// A memory that was found, and how well it fits.
#[pyclass(frozen, module = "memlith")]
pub(crate) struct Hit {
    memory: Py<Memory>,
    score: f32,
    explanation: Option<Explanation>,
    snippet: Option<Snippet>,
    before: Vec<Py<Memory>>,
    behind: Vec<Py<Memory>>,
    duplicates: Vec<u64>,
}

#[pymethods]
impl Hit {
    /// The memory.
    #[getter]
    fn memory(&self, py: Python<'_>) -> Py<Memory> {
        self.memory.clone_ref(py)
    }

    /// Of a request with one leg: its raw score, such as the cosine. Of one with several: the sum of their
    /// scores, each between 0 and 1 and times its weight.
    #[getter]
    fn score(&self) -> f32 {
        self.score
    }

    /// The number of the memory.
    #[getter]
    fn id(&self) -> u64 {
        self.memory.get().id()
    }

    /// What is remembered.
    #[getter]
    fn content(&self) -> &str {
        self.memory.get().content()
    }

    /// The piece of the content that shows best why it was found, where the request asked for one.
    #[getter]
    fn snippet(&self) -> Option<&str> {
        self.snippet.as_ref().map(|snippet| snippet.text.as_str())
    }

    /// The turns before it in its session, as many as the request asked for.
    #[getter]
    fn before<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.before)
    }

    /// The turns behind it in its session, as many as the request asked for.
    #[getter]
    fn behind<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.behind)
    }

    /// The numbers of memories that say the same, which were left out where the request asked for that.
    #[getter]
    fn duplicates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.duplicates)
    }

    /// Why it stands where it stands, where the request asked: a dict with `legs`, `matched_terms` and
    /// `age_seconds`, and where the graph has led to it `joined`: the `nodes` on the way and the `kinds` between.
    #[getter]
    fn explanation<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(explanation) = &self.explanation else { return Ok(None) };
        let legs = PyList::empty(py);
        for leg in &explanation.legs {
            let dict = PyDict::new(py);
            dict.set_item("leg", leg.leg.name())?;
            dict.set_item("space", leg.space.as_deref())?;
            dict.set_item("rank", leg.rank)?;
            dict.set_item("raw", leg.raw)?;
            dict.set_item("score", leg.normalised)?;
            dict.set_item("weight", leg.weight)?;
            legs.append(dict)?;
        }
        let dict = PyDict::new(py);
        dict.set_item("legs", legs)?;
        dict.set_item("matched_terms", &explanation.matched_terms)?;
        dict.set_item("age_seconds", explanation.age_ms as f64 / 1e3)?;
        if let Some(joined) = &explanation.joined {
            let way = PyDict::new(py);
            way.set_item("nodes", &joined.names)?;
            let kinds: Vec<&str> = joined.path.links.iter().map(|link| &*link.kind).collect();
            way.set_item("kinds", kinds)?;
            dict.set_item("joined", way)?;
        }
        Ok(Some(dict))
    }

    fn __repr__(&self) -> String {
        format!("<memlith.Hit {:.3} {}>", self.score, self.memory.get().__repr__())
    }
}

/// What a recall found, best first: a sequence of hits.
#[pyclass(frozen, sequence, module = "memlith")]
pub(crate) struct Answer {
    hits: Vec<Py<Hit>>,
    /// Without its hits.
    recalled: Recalled,
}

fn memories(py: Python<'_>, memories: Vec<memlith::Memory>) -> PyResult<Vec<Py<Memory>>> {
    memories.into_iter().map(|memory| Py::new(py, Memory::from(memory))).collect()
}

fn hits(py: Python<'_>, hits: Vec<memlith::Hit>) -> PyResult<Vec<Py<Hit>>> {
    let hit = |hit: memlith::Hit| {
        let hit = Hit {
            memory: Py::new(py, Memory::from(hit.memory))?,
            score: hit.score,
            explanation: hit.explanation,
            snippet: hit.snippet,
            before: memories(py, hit.before)?,
            behind: memories(py, hit.behind)?,
            duplicates: hit.duplicates.iter().map(|id| id.0).collect(),
        };
        Py::new(py, hit)
    };
    hits.into_iter().map(hit).collect()
}

impl Answer {
    pub(crate) fn new(py: Python<'_>, mut recalled: Recalled) -> PyResult<Self> {
        let hits = hits(py, std::mem::take(&mut recalled.hits))?;
        Ok(Answer { hits, recalled })
    }
}

/// What an agent puts into its next prompt.
#[pyclass(frozen, module = "memlith")]
pub(crate) struct Context {
    recent: Vec<Py<Memory>>,
    similar: Vec<Py<Hit>>,
    channel: Vec<Py<Memory>>,
    tokens: usize,
    seq: u64,
}

impl Context {
    pub(crate) fn new(py: Python<'_>, gathered: Gathered) -> PyResult<Self> {
        Ok(Context {
            recent: memories(py, gathered.recent)?,
            similar: hits(py, gathered.similar)?,
            channel: memories(py, gathered.channel)?,
            tokens: gathered.tokens,
            seq: gathered.seq.0,
        })
    }
}

#[pymethods]
impl Context {
    /// The last turns of the session, in the order in which they were said.
    #[getter]
    fn recent<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.recent)
    }

    /// What is like what was said, best first.
    #[getter]
    fn similar<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.similar)
    }

    /// What else was last said in the channel, in the order in which it was said.
    #[getter]
    fn channel<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.channel)
    }

    /// Tokens of all contents together.
    #[getter]
    fn tokens(&self) -> usize {
        self.tokens
    }

    /// The commit that it is of.
    #[getter]
    fn seq(&self) -> u64 {
        self.seq
    }

    fn __repr__(&self) -> String {
        let memories = self.recent.len() + self.similar.len() + self.channel.len();
        format!("<memlith.Context of {memories} memories, {} tokens>", self.tokens)
    }
}

#[pymethods]
impl Answer {
    /// The hits as a list.
    #[getter]
    fn hits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.hits)
    }

    /// How each leg of the request went, and why one did not run: a dict by its name.
    #[getter]
    fn legs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        report(py, &AnswerJson::new(&self.recalled, false))?.get_item("legs")
    }

    /// How the filter was carried out: a dict.
    #[getter]
    fn filter<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        report(py, &AnswerJson::new(&self.recalled, false))?.get_item("filter")
    }

    /// The commit that it is of.
    #[getter]
    fn seq(&self) -> u64 {
        self.recalled.seq.0
    }

    /// How long it took.
    #[getter]
    fn seconds(&self) -> f64 {
        self.recalled.micros as f64 / 1e6
    }

    fn __len__(&self) -> usize {
        self.hits.len()
    }

    fn __getitem__(&self, py: Python<'_>, index: isize) -> PyResult<Py<Hit>> {
        let at = if index < 0 {
            self.hits.len().checked_add_signed(index)
        } else {
            Some(index as usize)
        };
        let hit = at.and_then(|at| self.hits.get(at)).map(|hit| hit.clone_ref(py));
        hit.ok_or_else(|| PyIndexError::new_err("there is no such hit"))
    }

    fn __repr__(&self) -> String {
        format!("<memlith.Answer of {} hits>", self.hits.len())
    }
}
