//! Figures about an open file.

use crate::background::BackgroundStats;
use crate::catalog::Space;
use crate::components::Precision;
use crate::db::Db;
use crate::derived::field;
use crate::embeddings::EmbeddingStats;
use crate::graph_options::GraphOptions;
use crate::ids::{Seq, SpaceId};
use crate::options::Setting;
use crate::recall::{AnswerStats, Deadline, Scope, SearchStats};
use crate::schema::Table;
use crate::text_settings::TextSettings;
use crate::view::View;
use crate::{Durability, Metric, Result};
use memlith_index::attributes::FieldId;

/// Values of a field that statistics of a namespace list at most.
const MAX_LISTED: usize = 100;

/// Figures about an open file. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// The identity of the file.
    pub file_id: [u8; 16],
    /// The format version that a reader of the file must know.
    pub format_read: u32,
    /// The format version that a writer of the file must know.
    pub format_write: u32,
    /// Length of the file.
    pub file_bytes: u64,
    /// What of it belongs to tables.
    pub table_bytes: u64,
    /// What of it belongs to images and to sealed vectors.
    pub segment_bytes: u64,
    /// What of it is free to be used again.
    pub free_bytes: u64,
    /// The newest commit.
    pub seq: Seq,
    /// The newest commit that survives power loss.
    pub durable_seq: Seq,
    /// Rows of the log that are kept.
    pub log_rows: u64,
    /// Memories, expired ones that are not deleted yet included.
    pub memories: u64,
    /// Namespaces that have memories.
    pub namespaces: u64,
    /// Vector spaces and how many memories have a vector in each.
    pub spaces: Vec<SpaceStats>,
    /// Vectors of all spaces that are not sealed yet.
    pub unsealed_vectors: u64,
    /// Nodes of the knowledge graph.
    pub nodes: u64,
    /// Its edges.
    pub edges: u64,
    /// Bytes of the image of its adjacency, which is read in place.
    pub graph_image_bytes: u64,
    /// Memory of what has changed in the adjacency since that was written.
    pub graph_delta_bytes: u64,
    /// Is the adjacency larger than [`Options::graph_bytes`](crate::Options::graph_bytes), so that walks
    /// read rows?
    pub is_graph_in_rows: bool,
    /// Declared metadata indexes.
    pub metadata_indexes: Vec<String>,
    /// What of memories is found by its words, and in which language.
    pub text: TextSettings,
    /// Memory that indexes take beyond their mapped images.
    pub index_bytes: u64,
    /// Changes that are in no image yet: what opening would have to fold.
    pub unsaved_changes: u64,
    /// Views older than the newest that somebody holds.
    pub held_views: u64,
    /// Is the handle closed to writing by an earlier failure?
    pub is_latched: bool,
    /// What went wrong last in the background, if anything.
    pub last_background_error: Option<String>,
    /// What is done in the background, and why.
    pub background: BackgroundStats,
    /// What embedders were asked.
    pub embedding: EmbeddingStats,
    /// Searches that ran, and waited for one another.
    pub searches: SearchStats,
    /// Answers that are kept.
    pub answers: AnswerStats,
    /// What is kept of graphs: subgraphs, projections, analyses, which edges match.
    pub graph_answers: AnswerStats,
    /// Every setting in force.
    pub settings: Vec<Setting>,
}

/// A vector space in figures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpaceStats {
    /// Its name.
    pub name: String,
    /// How long its vectors are.
    pub dimension: usize,
    /// How they are compared.
    pub metric: Metric,
    /// Which embedder makes them.
    pub embedder: Option<String>,
    /// Memories that have a vector in it.
    pub vectors: u64,
    /// Nodes of the graph that have a vector in it.
    pub nodes: u64,
    /// Memories that have none.
    pub missing: u64,
    /// Vectors that are not in the graph yet: every search scans them.
    pub unlinked: u64,
    /// Vectors that were replaced or removed, and are left out when the images are written next.
    pub dead: u64,
    /// How the graph is built and searched.
    pub graph: GraphOptions,
    /// What components are rounded to.
    pub precision: Precision,
    /// At which quantile codes cut components off; 1 if they do not.
    pub clip: f32,
    /// Vectors in sealed segments; those that were replaced, or whose memory or node is gone, stay there until
    /// the next merge.
    pub sealed_vectors: u64,
    /// Bytes of the sealed segments.
    pub sealed_bytes: u64,
    /// How many sealed segments there are.
    pub sealed_segments: u64,
    /// What is being filled to take its place, if its embedder is being changed.
    pub successor: Option<SuccessorStats>,
}

/// What is to take the place of a vector space, in figures: see [`Db::reembed`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SuccessorStats {
    /// How long its vectors are.
    pub dimension: usize,
    /// How they are compared.
    pub metric: Metric,
    /// Which embedder makes them.
    pub embedder: Option<String>,
    /// Memories that have a vector in it so far.
    pub vectors: u64,
}

/// A namespace in figures.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NamespaceStats {
    /// Memories that are in force or superseded, and have not expired.
    pub memories: u64,
    /// Of these, superseded.
    pub superseded: u64,
    /// Kinds and how many memories are of each, the most frequent first; a hundred at most.
    pub kinds: Vec<(String, u64)>,
    /// Likewise tags.
    pub tags: Vec<(String, u64)>,
    /// Likewise agents.
    pub agents: Vec<(String, u64)>,
    /// How many sessions there are.
    pub sessions: u64,
    /// Vector spaces and how many memories have a vector in each.
    pub spaces: Vec<(String, u64)>,
}

impl Db {
    /// Figures about the file and the handle. Costs about a step per namespace.
    pub fn stats(&self) -> Result<Stats> {
        let view = self.read()?;
        let core = &self.core;
        let container = core.committer.container();
        let file = container.stats()?;
        let chunks = |n: usize| n as u64 * file.chunk_bytes;
        let indexes = core.committer.index_stats();
        let attributes = &view.versions().attributes;
        let adjacency = view.versions().knowledge.adjacency.as_ref();
        let mut namespaces = 0;
        for label in attributes.labels(field::NAMESPACE, std::ops::Bound::Unbounded)? {
            namespaces += u64::from(label?.1 > 0);
        }
        Ok(Stats {
            file_id: container.file_id(),
            format_read: container.format().read,
            format_write: container.format().write,
            file_bytes: file.file_len,
            table_bytes: chunks(file.table_chunks),
            segment_bytes: chunks(file.segment_chunks),
            free_bytes: chunks(file.free_chunks),
            seq: view.seq(),
            durable_seq: core.committer.durable_seq(),
            log_rows: view.log_len()?,
            memories: attributes.live_len(),
            namespaces,
            spaces: view.spaces(),
            unsealed_vectors: view.rows()?.len(Table::Vectors)?,
            nodes: view.versions().knowledge.nodes.live_len(),
            edges: view.rows()?.len(Table::Edges)?,
            graph_image_bytes: adjacency.map_or(0, |a| a.bytes_used().image as u64),
            is_graph_in_rows: adjacency.is_none(),
            graph_delta_bytes: indexes.graph_delta_bytes,
            metadata_indexes: view.metadata_indexes(),
            text: view.text_settings().clone(),
            index_bytes: indexes.heap_bytes,
            unsaved_changes: indexes.unsaved,
            held_views: core.committer.views.held() as u64,
            is_latched: core.group.is_latched() || container.is_latched(),
            last_background_error: core.background.last_error(),
            background: core.background.stats(),
            embedding: view.shared().embeddings.stats(&view)?,
            searches: view.shared().searches.stats(),
            answers: view.shared().answers.stats(),
            graph_answers: view.shared().graph_answers.stats(),
            settings: core.listed.clone(),
        })
    }

    /// How safe a commit is unless its call says.
    pub fn durability(&self) -> Durability {
        self.core.settings.durability
    }
}

impl View {
    /// All vector spaces, by name.
    pub fn spaces(&self) -> Vec<SpaceStats> {
        let versions = self.versions();
        let live = |id: &SpaceId| versions.vectors.get(id).map_or(0, |v| v.live() as u64);
        let successor = |name: &str| {
            let (id, space) = versions.catalog.successor(name)?;
            let Space { dimension, metric, ref embedder, .. } = *space;
            let embedder = embedder.clone();
            Some(SuccessorStats { dimension, metric, embedder, vectors: live(id) })
        };
        let stats = |(id, space): &(SpaceId, Space)| {
            let sealed = self.sealed().get(id).copied().unwrap_or_default();
            SpaceStats {
                name: space.name.clone(),
                dimension: space.dimension,
                metric: space.metric,
                embedder: space.embedder.clone(),
                vectors: live(id),
                nodes: versions.knowledge.vectors.get(id).map_or(0, |v| v.live() as u64),
                missing: versions.attributes.live_len().saturating_sub(live(id)),
                unlinked: versions.in_space(*id).map(|v| v.unlinked() as u64).sum(),
                dead: versions.in_space(*id).map(|v| v.dead() as u64).sum(),
                graph: space.graph,
                precision: space.precision,
                clip: space.clip,
                sealed_vectors: sealed.vectors,
                sealed_bytes: sealed.bytes,
                sealed_segments: sealed.segments,
                successor: successor(&space.name),
            }
        };
        versions.catalog.spaces().map(stats).collect()
    }

    /// The metadata paths that have an index.
    pub fn metadata_indexes(&self) -> Vec<String> {
        self.versions().catalog.indexes().map(|index| index.path.clone()).collect()
    }

    /// What of memories is found by its words, and in which language.
    pub fn text_settings(&self) -> &TextSettings {
        self.versions().catalog.text()
    }

    /// Figures about one namespace. Costs a step per distinct label of the file.
    pub fn namespace_stats(&self, namespace: &str) -> Result<NamespaceStats> {
        let scope =
            Scope { namespace: Some(namespace), include_superseded: true, ..Scope::default() };
        let (within, _) = self.select(scope, &Deadline::NONE)?;
        let attributes = &self.versions().attributes;
        let counts = |field: FieldId| -> Result<Vec<(String, u64)>> {
            let mut found = Vec::new();
            for label in attributes.labels(field, std::ops::Bound::Unbounded)? {
                let label = label?.0;
                let count = attributes.label(field, label)?.intersection_len(&within);
                if count > 0 {
                    found.push((String::from_utf8_lossy(label).into_owned(), count));
                }
            }
            found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            Ok(found)
        };
        let listed = |field: FieldId| -> Result<Vec<(String, u64)>> {
            let mut found = counts(field)?;
            found.truncate(MAX_LISTED);
            Ok(found)
        };
        let superseded = attributes.label(field::FLAG, field::SUPERSEDED)?;
        let mut spaces = Vec::new();
        for (id, space) in self.versions().catalog.spaces() {
            let having = attributes.label(field::SPACE, &id.0.to_be_bytes())?;
            spaces.push((space.name.clone(), having.intersection_len(&within)));
        }
        Ok(NamespaceStats {
            memories: within.len(),
            superseded: superseded.intersection_len(&within),
            kinds: listed(field::KIND)?,
            tags: listed(field::TAG)?,
            agents: listed(field::AGENT)?,
            sessions: counts(field::SESSION)?.len() as u64,
            spaces,
        })
    }
}
