//! How the graph of a vector space is built and searched.

use crate::{Error, Result};
use memlith_index::vectors::{GraphParams, MAX_M};
use serde_json::{Map, Value, json};

/// The largest `ef` and `ef_construction`.
const MAX_EF: usize = GraphParams::MAX_EF_CONSTRUCTION;

/// How the graph of a vector space is built and searched. The defaults suit embeddings of text.
///
/// ```
/// use memlith::{GraphOptions, Space};
/// let precise = Space::new("minilm", 384).graph(GraphOptions::new().m(24).ef(200));
/// # let db = memlith::Options::new().in_memory()?;
/// db.create_space(&precise)?;
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphOptions {
    /// Neighbours that a vector gets when it is linked, 2 to 64. More find more, and take `8 * m`
    /// bytes a vector. 16 unless given.
    pub m: usize,
    /// Vectors that are compared when one is linked, 1 to 4,096. More take longer and link better.
    /// 100 unless given.
    pub ef_construction: usize,
    /// Vectors whose neighbours a balanced search looks at, 1 to 4,096: about so many, fewer where few are near, up
    /// to twice as many where many are. More find more and take longer.
    /// 100 unless given.
    pub ef: usize,
    /// Vectors are linked once a space holds so many; fewer are scanned. 4,096 unless given.
    pub link_from: usize,
    /// A search compares with every vector that its filter keeps, and so misses none, where there are
    /// no more than this. Above it, and for all of them at 0, which it is unless given, it does so
    /// where that is as fast as the graph.
    pub scan_below: usize,
}

impl Default for GraphOptions {
    fn default() -> Self {
        let GraphParams { m, ef_construction, .. } = GraphParams::default();
        GraphOptions { m, ef_construction, ef: 100, link_from: 4_096, scan_below: 0 }
    }
}

impl GraphOptions {
    /// Every default.
    pub fn new() -> Self {
        GraphOptions::default()
    }

    /// Sets [`m`](Self::m).
    #[must_use]
    pub fn m(mut self, m: usize) -> Self {
        self.m = m;
        self
    }

    /// Sets [`ef_construction`](Self::ef_construction).
    #[must_use]
    pub fn ef_construction(mut self, ef_construction: usize) -> Self {
        self.ef_construction = ef_construction;
        self
    }

    /// Sets [`ef`](Self::ef).
    #[must_use]
    pub fn ef(mut self, ef: usize) -> Self {
        self.ef = ef;
        self
    }

    /// Sets [`link_from`](Self::link_from).
    #[must_use]
    pub fn link_from(mut self, vectors: usize) -> Self {
        self.link_from = vectors;
        self
    }

    /// Sets [`scan_below`](Self::scan_below).
    #[must_use]
    pub fn scan_below(mut self, vectors: usize) -> Self {
        self.scan_below = vectors;
        self
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if !(2..=MAX_M).contains(&self.m) {
            return Err(Error::invalid("m of a space", "must be 2 to 64"));
        }
        check_ef("ef_construction of a space", self.ef_construction)?;
        check_ef("ef of a space", self.ef)
    }

    /// What the index is made with; [`validate`](Self::validate) has passed.
    pub(crate) fn params(&self) -> GraphParams {
        GraphParams::new(self.m, self.ef_construction).unwrap_or_default()
    }

    /// The fields of a catalogue row that are not the default.
    pub(crate) fn write(&self, row: &mut Map<String, Value>) {
        let default = GraphOptions::default();
        let mut field = |name: &str, value: usize, default: usize| {
            if value != default {
                row.insert(name.into(), json!(value));
            }
        };
        field("m", self.m, default.m);
        field("ef_construction", self.ef_construction, default.ef_construction);
        field("ef", self.ef, default.ef);
        field("link_from", self.link_from, default.link_from);
        field("scan_below", self.scan_below, default.scan_below);
    }

    /// The options that a catalogue row has; `None` if it has no such values.
    pub(crate) fn read(row: &Value) -> Option<Self> {
        let default = GraphOptions::default();
        let field = |name: &str, default: usize| match &row[name] {
            Value::Null => Some(default),
            value => usize::try_from(value.as_u64()?).ok(),
        };
        let options = GraphOptions {
            m: field("m", default.m)?,
            ef_construction: field("ef_construction", default.ef_construction)?,
            ef: field("ef", default.ef)?,
            link_from: field("link_from", default.link_from)?,
            scan_below: field("scan_below", default.scan_below)?,
        };
        options.validate().ok()?;
        Some(options)
    }
}

/// How hard a search for near vectors looks: how much of recall it gives up for speed.
///
/// Whatever it is, scores are exact, filters are kept, and where a scan is as fast as the graph the
/// answer is exact too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchEffort {
    /// A third of the [`ef`](GraphOptions::ef) of the space: misses a few of a hundred.
    Fast,
    /// The [`ef`](GraphOptions::ef) of the space: misses less than one of a hundred.
    #[default]
    Balanced,
    /// Compares with every vector: misses none, and takes time in proportion to their number.
    Exact,
    /// Looks at the neighbours of about this many vectors, 1 to 4,096: see [`ef`](GraphOptions::ef).
    Ef(usize),
}

impl SearchEffort {
    pub(crate) fn validate(self) -> Result<()> {
        match self {
            SearchEffort::Ef(ef) => check_ef("ef", ef),
            _ => Ok(()),
        }
    }
}

fn check_ef(what: &'static str, ef: usize) -> Result<()> {
    if (1..=MAX_EF).contains(&ef) {
        return Ok(());
    }
    Err(Error::invalid(what, "must be 1 to 4,096"))
}
