//! Figures of a file, of a namespace and of vector spaces as objects.

use crate::text::TextSettingsJson;
use memlith::{
    AnswerStats, BackgroundStats, EmbeddingStats, JobStats, NamespaceStats, Origin, SearchStats,
    Setting, SpaceStats, Stats,
};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The figures of a file and its handle.
#[derive(serde::Serialize)]
pub struct StatsJson<'a> {
    file_id: String,
    file_bytes: u64,
    table_bytes: u64,
    segment_bytes: u64,
    free_bytes: u64,
    memories: u64,
    namespaces: u64,
    spaces: Vec<SpaceJson<'a>>,
    unsealed_vectors: u64,
    metadata_indexes: &'a [String],
    text: TextSettingsJson<'a>,
    nodes: u64,
    edges: u64,
    graph_image_bytes: u64,
    graph_delta_bytes: u64,
    is_graph_in_rows: bool,
    seq: u64,
    durable_seq: u64,
    log_rows: u64,
    index_bytes: u64,
    unsaved_changes: u64,
    background: BackgroundJson<'a>,
    embedding: EmbeddingJson,
    searches: SearchesJson,
    answers: AnswersJson,
    graph_answers: AnswersJson,
    settings: Vec<SettingJson<'a>>,
}

impl<'a> StatsJson<'a> {
    /// Of these figures.
    pub fn new(stats: &'a Stats) -> Self {
        StatsJson {
            file_id: format!("{:032x}", u128::from_be_bytes(stats.file_id)),
            file_bytes: stats.file_bytes,
            table_bytes: stats.table_bytes,
            segment_bytes: stats.segment_bytes,
            free_bytes: stats.free_bytes,
            memories: stats.memories,
            namespaces: stats.namespaces,
            spaces: stats.spaces.iter().map(SpaceJson::new).collect(),
            unsealed_vectors: stats.unsealed_vectors,
            metadata_indexes: &stats.metadata_indexes,
            text: TextSettingsJson::new(&stats.text),
            nodes: stats.nodes,
            edges: stats.edges,
            graph_image_bytes: stats.graph_image_bytes,
            graph_delta_bytes: stats.graph_delta_bytes,
            is_graph_in_rows: stats.is_graph_in_rows,
            seq: stats.seq.0,
            durable_seq: stats.durable_seq.0,
            log_rows: stats.log_rows,
            index_bytes: stats.index_bytes,
            unsaved_changes: stats.unsaved_changes,
            background: BackgroundJson::new(
                &stats.background,
                stats.last_background_error.as_deref(),
            ),
            embedding: EmbeddingJson::new(&stats.embedding),
            searches: SearchesJson::new(&stats.searches),
            answers: AnswersJson::new(&stats.answers),
            graph_answers: AnswersJson::new(&stats.graph_answers),
            settings: stats.settings.iter().map(SettingJson::new).collect(),
        }
    }
}

#[derive(serde::Serialize)]
struct EmbeddingJson {
    texts: u64,
    calls: u64,
    cut: u64,
    hits: u64,
    limit_bytes: u64,
    bytes: u64,
    file_limit_bytes: u64,
    in_file: u64,
}

impl EmbeddingJson {
    fn new(stats: &EmbeddingStats) -> Self {
        let EmbeddingStats { texts, calls, cut, hits, limit_bytes, bytes, .. } = *stats;
        let EmbeddingStats { file_limit_bytes, in_file, .. } = *stats;
        EmbeddingJson { texts, calls, cut, hits, limit_bytes, bytes, file_limit_bytes, in_file }
    }
}

#[derive(serde::Serialize)]
struct SearchesJson {
    limit: usize,
    running: usize,
    admitted: u64,
    waited: u64,
    refused: u64,
    wait_us: u64,
}

impl SearchesJson {
    fn new(stats: &SearchStats) -> Self {
        let SearchStats { limit, running, admitted, waited, refused, .. } = *stats;
        SearchesJson { limit, running, admitted, waited, refused, wait_us: stats.wait_micros }
    }
}

#[derive(serde::Serialize)]
struct AnswersJson {
    limit_bytes: u64,
    bytes: u64,
    answers: u64,
    hits: u64,
    misses: u64,
}

impl AnswersJson {
    fn new(stats: &AnswerStats) -> Self {
        let AnswerStats { limit_bytes, bytes, answers, hits, misses, .. } = *stats;
        AnswersJson { limit_bytes, bytes, answers, hits, misses }
    }
}

#[derive(serde::Serialize)]
struct BackgroundJson<'a> {
    threads: usize,
    paused: bool,
    throttled_writes: u64,
    throttled_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    jobs: Vec<JobJson<'a>>,
}

#[derive(serde::Serialize)]
struct JobJson<'a> {
    name: &'a str,
    running: bool,
    runs: u64,
    steps: u64,
    failures: u64,
    panics: u64,
    bytes: u64,
    last_run_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
}

impl<'a> BackgroundJson<'a> {
    fn new(background: &'a BackgroundStats, last_error: Option<&'a str>) -> Self {
        BackgroundJson {
            threads: background.threads,
            paused: background.is_paused,
            throttled_writes: background.throttled_writes,
            throttled_us: background.throttled_us,
            last_error,
            jobs: background.jobs.iter().map(JobJson::new).collect(),
        }
    }
}

impl<'a> JobJson<'a> {
    fn new(job: &'a JobStats) -> Self {
        JobJson {
            name: job.name,
            running: job.is_running,
            runs: job.runs,
            steps: job.steps,
            failures: job.failures,
            panics: job.panics,
            bytes: job.bytes,
            last_run_us: job.last_run_us,
            done: job.progress.map(|(done, _)| done),
            total: job.progress.map(|(_, total)| total),
            last_reason: job.last_reason,
            last_error: job.last_error.as_deref(),
        }
    }
}

/// The figures of a vector space.
#[derive(serde::Serialize)]
pub struct SpaceJson<'a> {
    name: &'a str,
    dimension: usize,
    metric: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<&'a str>,
    vectors: u64,
    nodes: u64,
    missing: u64,
    unlinked: u64,
    dead: u64,
    m: usize,
    ef_construction: usize,
    ef: usize,
    link_from: usize,
    scan_below: usize,
    precision: &'static str,
    clip: f32,
    sealed_vectors: u64,
    sealed_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<SuccessorJson<'a>>,
}

#[derive(serde::Serialize)]
struct SuccessorJson<'a> {
    dimension: usize,
    metric: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<&'a str>,
    vectors: u64,
}

impl<'a> SpaceJson<'a> {
    /// Of these figures.
    pub fn new(space: &'a SpaceStats) -> Self {
        SpaceJson {
            name: &space.name,
            dimension: space.dimension,
            metric: space.metric.name(),
            embedder: space.embedder.as_deref(),
            vectors: space.vectors,
            nodes: space.nodes,
            missing: space.missing,
            unlinked: space.unlinked,
            dead: space.dead,
            m: space.graph.m,
            ef_construction: space.graph.ef_construction,
            ef: space.graph.ef,
            link_from: space.graph.link_from,
            scan_below: space.graph.scan_below,
            precision: space.precision.name(),
            clip: space.clip,
            sealed_vectors: space.sealed_vectors,
            sealed_bytes: space.sealed_bytes,
            successor: space.successor.as_ref().map(|next| SuccessorJson {
                dimension: next.dimension,
                metric: next.metric.name(),
                embedder: next.embedder.as_deref(),
                vectors: next.vectors,
            }),
        }
    }
}

#[derive(serde::Serialize)]
struct SettingJson<'a> {
    name: &'a str,
    value: &'a str,
    origin: String,
}

impl<'a> SettingJson<'a> {
    fn new(setting: &'a Setting) -> Self {
        SettingJson { name: setting.name, value: &setting.value, origin: origin(setting) }
    }
}

/// Who said so: nobody, the program, or a variable of the environment by its name.
pub fn origin(setting: &Setting) -> String {
    match setting.origin {
        Origin::Environment => format!("MEMLITH_{}", setting.name.to_uppercase()),
        other => other.name().to_owned(),
    }
}

/// The figures of a namespace.
#[derive(serde::Serialize)]
pub struct NamespaceJson<'a> {
    namespace: &'a str,
    memories: u64,
    superseded: u64,
    kinds: Counts<'a>,
    tags: Counts<'a>,
    agents: Counts<'a>,
    sessions: u64,
    spaces: Counts<'a>,
}

impl<'a> NamespaceJson<'a> {
    /// Of these figures.
    pub fn new(namespace: &'a str, stats: &'a NamespaceStats) -> Self {
        NamespaceJson {
            namespace,
            memories: stats.memories,
            superseded: stats.superseded,
            kinds: Counts(&stats.kinds),
            tags: Counts(&stats.tags),
            agents: Counts(&stats.agents),
            sessions: stats.sessions,
            spaces: Counts(&stats.spaces),
        }
    }
}

/// `{"fact": 12, …}`, in the order given.
struct Counts<'a>(&'a [(String, u64)]);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, count) in self.0 {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}
