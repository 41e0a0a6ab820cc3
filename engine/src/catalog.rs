//! The catalogue: which vector spaces, metadata indexes and kinds of edges a file has, and how texts in it
//! are searched.
//!
//! **Invariant:** a [`Catalog`] is a pure function of the rows of [`Table::Catalog`]. The number of a
//! space is never given again; that of a metadata index may be, once its labels are gone.

use crate::components::Precision;
use crate::error::Detail;
use crate::graph_options::GraphOptions;
use crate::ids::SpaceId;
use crate::knowledge::MAX_EDGE_KINDS;
use crate::memory::{MAX_DIMENSIONS, MAX_LABEL_BYTES, MAX_METADATA_INDEXES, MAX_SPACES};
use crate::rows::Pinned;
use crate::schema::Table;
use crate::text_settings::TextSettings;
use crate::{Error, Result};
use memlith_index::vectors::{Clip, Metric};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// A vector space: vectors of one length, compared by one metric, made by one embedder.
///
/// ```
/// use memlith::{Metric, Space};
/// let space = Space::new("minilm", 384).metric(Metric::Dot).embedder("all-MiniLM-L6-v2");
/// # assert_eq!(space.dimension, 384);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Space {
    /// Its name, unique in the file.
    pub name: String,
    /// How long its vectors are.
    pub dimension: usize,
    /// How they are compared.
    pub metric: Metric,
    /// Which embedder makes them; a vector of another is refused.
    pub embedder: Option<String>,
    /// What their components are rounded to when they are given; f32 unless given, which leaves them
    /// as they are.
    pub precision: Precision,
    /// How their graph is built and searched.
    pub graph: GraphOptions,
    /// At which quantile of the magnitudes of a vector's components its code cuts them off, 0.5 to 1;
    /// 1 unless given, which cuts nothing.
    pub clip: f32,
}

impl Space {
    /// A space compared by cosine, of no particular embedder.
    pub fn new(name: impl Into<String>, dimension: usize) -> Self {
        Space {
            name: name.into(),
            dimension,
            metric: Metric::Cosine,
            embedder: None,
            precision: Precision::F32,
            graph: GraphOptions::default(),
            clip: 1.0,
        }
    }

    /// Sets how its vectors are compared.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Sets the identity of the embedder that makes its vectors.
    #[must_use]
    pub fn embedder(mut self, embedder: impl Into<String>) -> Self {
        self.embedder = Some(embedder.into());
        self
    }

    /// Sets what the components of its vectors are rounded to.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Sets how their graph is built and searched.
    #[must_use]
    pub fn graph(mut self, graph: GraphOptions) -> Self {
        self.graph = graph;
        self
    }

    /// Has codes cut off what is beyond this quantile of the magnitudes of a vector's components, 0.5
    /// to 1.
    ///
    /// A code has one byte a component, in steps of one size. Where a few components of each vector
    /// stand far out, as with some models, they make the steps coarse for all the others. With 0.99
    /// the graph then finds more at the same effort, and scans get slower, for what is cut off has
    /// them compare more vectors in full: whether that pays is seen by
    /// [`View::check_recall`](crate::View::check_recall). Scores are exact all the same, and so is a
    /// search under [`SearchEffort::Exact`](crate::SearchEffort::Exact).
    #[must_use]
    pub fn clip(mut self, quantile: f32) -> Self {
        self.clip = quantile;
        self
    }

    /// What the index is made with; [`validate`](Self::validate) has passed.
    pub(crate) fn index_clip(&self) -> Clip {
        Clip::new(self.clip).unwrap_or_default()
    }

    pub(crate) fn validate(&self) -> Result<()> {
        self.graph.validate()?;
        if Clip::new(self.clip).is_none() {
            return Err(Error::invalid("clip of a space", "must be from 0.5 to 1"));
        }
        if self.name.is_empty() || self.name.len() > MAX_LABEL_BYTES {
            return Err(Error::invalid("space name", "must have 1 to 512 bytes"));
        }
        if self.dimension == 0 || self.dimension > MAX_DIMENSIONS {
            return Err(Error::invalid("dimension of a space", "must be 1 to 8,192"));
        }
        Ok(())
    }
}

/// A declared index over one metadata path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetadataIndex {
    /// Its number: which label field it has in the attributes index.
    pub(crate) field: u8,
    /// The path, its steps joined by dots.
    pub(crate) path: String,
}

/// All spaces, metadata indexes and kinds of edges.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Catalog {
    spaces: BTreeMap<String, (SpaceId, Space)>,
    /// By the name of the space that each is to take the place of.
    successors: BTreeMap<String, (SpaceId, Space)>,
    indexes: BTreeMap<String, MetadataIndex>,
    /// Kinds of edges by name, and names by number.
    edge_kinds: BTreeMap<Arc<str>, u16>,
    edge_names: BTreeMap<u16, Arc<str>>,
    text: Arc<TextSettings>,
}

/// What a row of the catalogue describes: the first byte of its key.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Space = b's',
    /// A space that is being filled, to take the place of the one of this name.
    Successor = b'n',
    Index = b'i',
    Edge = b'e',
    /// How texts are searched, if not by default.
    Text = b't',
    /// The highest number ever given to a space or index, so that none comes again.
    Counter = b'#',
}

fn key(kind: Kind, name: &str) -> Vec<u8> {
    [&[kind as u8], name.as_bytes()].concat()
}

/// A row to write: key, and value or none to remove it.
pub(crate) type Edit = (Vec<u8>, Option<Vec<u8>>);

impl Catalog {
    /// Reads all rows.
    pub(crate) fn load(rows: &Pinned) -> Result<Self> {
        let mut catalog = Catalog::default();
        rows.scan(Table::Catalog, Bound::Unbounded, |key, value| {
            catalog.apply(key, Some(value))?;
            Ok(true)
        })?;
        Ok(catalog)
    }

    /// Takes in one row, written or (`None`) removed.
    pub(crate) fn apply(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let bad = || Error::corruption("catalogue row", "a known row", format!("{key:?}"));
        let (&kind, name) = key.split_first().ok_or_else(bad)?;
        let name = std::str::from_utf8(name).map_err(|_| bad())?;
        let value: Option<Value> =
            value.map(serde_json::from_slice).transpose().map_err(|_| bad())?;
        if kind == Kind::Space as u8 || kind == Kind::Successor as u8 {
            let is_successor = kind == Kind::Successor as u8;
            let spaces = if is_successor { &mut self.successors } else { &mut self.spaces };
            match value {
                None => drop(spaces.remove(name)),
                Some(v) => {
                    let space = read_space(name, &v).ok_or_else(bad)?;
                    spaces.insert(name.into(), space);
                }
            }
        } else if kind == Kind::Index as u8 {
            match value {
                None => drop(self.indexes.remove(name)),
                Some(v) => {
                    let field = v["field"].as_u64().and_then(|f| u8::try_from(f).ok());
                    let index = MetadataIndex { field: field.ok_or_else(bad)?, path: name.into() };
                    self.indexes.insert(name.into(), index);
                }
            }
        } else if kind == Kind::Edge as u8 {
            // Kinds come and never go, so that their numbers stay what they are.
            let number = value.and_then(|v| u16::try_from(v["number"].as_u64()?).ok());
            let (number, name) = (number.ok_or_else(bad)?, Arc::from(name));
            if self.edge_names.get(&number).is_some_and(|known| *known != name) {
                return Err(bad());
            }
            self.edge_names.insert(number, Arc::clone(&name));
            self.edge_kinds.insert(name, number);
        } else if kind == Kind::Text as u8 {
            let settings =
                value.map(|v| TextSettings::from_json(&v).ok_or_else(bad)).transpose()?;
            self.text = Arc::new(settings.unwrap_or_default());
        } else if kind != Kind::Counter as u8 {
            return Err(bad());
        }
        Ok(())
    }

    pub(crate) fn space(&self, name: &str) -> Option<&(SpaceId, Space)> {
        self.spaces.get(name)
    }

    pub(crate) fn require_space(&self, name: &str) -> Result<&(SpaceId, Space)> {
        self.space(name).ok_or_else(|| Error::not_found("vector space", name))
    }

    pub(crate) fn space_name(&self, id: SpaceId) -> Option<&str> {
        self.spaces.values().find(|(i, _)| *i == id).map(|(_, s)| s.name.as_str())
    }

    pub(crate) fn spaces(&self) -> impl Iterator<Item = &(SpaceId, Space)> {
        self.spaces.values()
    }

    /// The space that is to take the place of the one of this name.
    pub(crate) fn successor(&self, name: &str) -> Option<&(SpaceId, Space)> {
        self.successors.get(name)
    }

    pub(crate) fn successors(&self) -> impl Iterator<Item = &(SpaceId, Space)> {
        self.successors.values()
    }

    /// All that have vectors and an index: spaces and successors.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = &(SpaceId, Space)> {
        self.spaces().chain(self.successors())
    }

    pub(crate) fn index(&self, path: &str) -> Option<&MetadataIndex> {
        self.indexes.get(path)
    }

    pub(crate) fn indexes(&self) -> impl Iterator<Item = &MetadataIndex> {
        self.indexes.values()
    }

    /// The rows that add a space, and its number.
    pub(crate) fn add_space(&self, space: &Space, counter: u32) -> Result<(SpaceId, Vec<Edit>)> {
        self.add(Kind::Space, space, counter)
    }

    /// The rows that add a successor to the space of its name, and its number.
    pub(crate) fn add_successor(
        &self,
        space: &Space,
        counter: u32,
    ) -> Result<(SpaceId, Vec<Edit>)> {
        self.require_space(&space.name)?;
        self.add(Kind::Successor, space, counter)
    }

    fn add(&self, kind: Kind, space: &Space, counter: u32) -> Result<(SpaceId, Vec<Edit>)> {
        space.validate()?;
        let (what, others) = match kind {
            Kind::Successor => ("successor of vector space", &self.successors),
            _ => ("vector space", &self.spaces),
        };
        if others.contains_key(&space.name) {
            return Err(Detail::AlreadyExists { what, name: space.name.as_str().into() }.into());
        }
        limit("number of vector spaces", self.indexed().count() + 1, MAX_SPACES)?;
        let beyond = || Detail::Limit {
            what: "the number of vector spaces ever made",
            found: u64::from(u32::MAX) + 1,
            limit: u32::MAX.into(),
        };
        let id = counter.checked_add(1).ok_or_else(beyond)?;
        Ok((SpaceId(id), vec![Self::row(kind, space, id), Self::counter_row(id)]))
    }

    /// The row of a space of this number.
    pub(crate) fn space_row(space: &Space, id: SpaceId) -> Edit {
        Self::row(Kind::Space, space, id.0)
    }

    /// The row of a successor of this number.
    pub(crate) fn successor_row(space: &Space, id: SpaceId) -> Edit {
        Self::row(Kind::Successor, space, id.0)
    }

    /// The row that says which number was the highest ever given.
    pub(crate) fn counter_row(highest: u32) -> Edit {
        (Self::counter_key(), Some(json!(highest).to_string().into_bytes()))
    }

    fn row(kind: Kind, space: &Space, id: u32) -> Edit {
        let mut row = Map::new();
        row.insert("id".into(), json!(id));
        row.insert("dimension".into(), json!(space.dimension));
        row.insert("metric".into(), json!(space.metric.name()));
        row.insert("embedder".into(), json!(space.embedder));
        if space.precision != Precision::default() {
            row.insert("precision".into(), json!(space.precision.name()));
        }
        space.graph.write(&mut row);
        if space.index_clip() != Clip::default() {
            row.insert("clip".into(), json!(space.clip));
        }
        let row = Value::Object(row).to_string().into_bytes();
        (key(kind, &space.name), Some(row))
    }

    pub(crate) fn drop_space(name: &str) -> Edit {
        (key(Kind::Space, name), None)
    }

    pub(crate) fn drop_successor(name: &str) -> Edit {
        (key(Kind::Successor, name), None)
    }

    /// The row that declares an index over a metadata path, and its field number.
    pub(crate) fn add_index(&self, path: &str) -> Result<(u8, Edit)> {
        if path.is_empty() || path.len() > MAX_LABEL_BYTES {
            return Err(Error::invalid("metadata path", "must have 1 to 512 bytes"));
        }
        if self.indexes.contains_key(path) {
            return Err(Detail::AlreadyExists { what: "metadata index", name: path.into() }.into());
        }
        limit("number of metadata indexes", self.indexes.len() + 1, MAX_METADATA_INDEXES)?;
        let used = |f: u8| self.indexes.values().any(|i| i.field == f);
        // A dropped index leaves no labels behind, so its field may serve the next.
        let field = (0..MAX_METADATA_INDEXES as u8).find(|f| !used(*f)).unwrap_or(u8::MAX);
        Ok((field, (key(Kind::Index, path), Some(json!({ "field": field }).to_string().into()))))
    }

    /// The number of a kind of edge, if there was ever an edge of it.
    pub(crate) fn edge_kind(&self, name: &str) -> Option<u16> {
        self.edge_kinds.get(name).copied()
    }

    /// The name of a kind of edge.
    pub(crate) fn edge_name(&self, number: u16) -> Option<&Arc<str>> {
        self.edge_names.get(&number)
    }

    /// All kinds of edges, by name.
    pub(crate) fn edge_kinds(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, u16)> {
        self.edge_kinds.iter().map(|(name, number)| (name, *number))
    }

    /// The row that adds a kind of edge, and its number.
    pub(crate) fn add_edge_kind(&self, name: &str) -> Result<(u16, Edit)> {
        limit("number of kinds of edges", self.edge_kinds.len() + 1, MAX_EDGE_KINDS)?;
        let number = self.edge_names.last_key_value().map_or(0, |(highest, _)| highest + 1);
        Ok((number, Self::edge_kind_row(name, number)))
    }

    /// The row of a kind of edge of this number.
    pub(crate) fn edge_kind_row(name: &str, number: u16) -> Edit {
        (key(Kind::Edge, name), Some(json!({ "number": number }).to_string().into()))
    }

    /// How texts are searched.
    pub(crate) fn text(&self) -> &Arc<TextSettings> {
        &self.text
    }

    /// The row that says how texts are searched; none if that is as in every file.
    pub(crate) fn text_row(settings: &TextSettings) -> Edit {
        let is_usual = *settings == TextSettings::default();
        (key(Kind::Text, ""), (!is_usual).then(|| settings.to_json().to_string().into_bytes()))
    }

    pub(crate) fn drop_index(path: &str) -> Edit {
        (key(Kind::Index, path), None)
    }

    /// The key under which the highest space number stands.
    pub(crate) fn counter_key() -> Vec<u8> {
        key(Kind::Counter, "space")
    }
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<()> {
    if found <= limit {
        return Ok(());
    }
    Err(Detail::Limit { what, found: found as u64, limit: limit as u64 }.into())
}

fn read_space(name: &str, row: &Value) -> Option<(SpaceId, Space)> {
    let id = u32::try_from(row["id"].as_u64()?).ok()?;
    let dimension = usize::try_from(row["dimension"].as_u64()?).ok()?;
    let metric = Metric::from_name(row["metric"].as_str()?)?;
    let embedder = row["embedder"].as_str().map(Into::into);
    let graph = GraphOptions::read(row)?;
    let clip = match &row["clip"] {
        Value::Null => 1.0,
        value => value.as_f64()? as f32,
    };
    let precision = match &row["precision"] {
        Value::Null => Precision::default(),
        value => Precision::from_name(value.as_str()?)?,
    };
    let name = name.into();
    let space = Space { name, dimension, metric, embedder, precision, graph, clip };
    space.validate().ok()?;
    Some((SpaceId(id), space))
}
