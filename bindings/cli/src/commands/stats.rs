//! `memlith stats`: what a file holds, how large it is, and which settings are in force.

use crate::args::Store;
use crate::output::table::{bytes, grouped, pairs, printable, table};
use crate::output::{Console, Outcome};
use clap::Args;
use memlith::{
    BackgroundStats, JobStats, Metric, NamespaceStats, Origin, Setting, SpaceStats, Stats,
};
use serde::ser::{Serialize, SerializeMap, Serializer};

const AFTER_HELP: &str = "\
Examples:
  memlith stats agent.lith
  memlith stats agent.lith --namespace ada --json
  MEMLITH_MEMORY_LIMIT=67108864 memlith stats agent.lith";

/// Show what a file holds, how large it is, and which settings are in force
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    store: Store,

    /// What this namespace holds instead
    #[arg(long, short, value_name = "NS")]
    namespace: Option<String>,
}

impl StatsArgs {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let db = super::open_to_read(&self.store.file)?;
        match &self.namespace {
            Some(namespace) => {
                let stats = db.read()?.namespace_stats(namespace)?;
                show_namespace(namespace, &stats, console)
            }
            None => show(&db.stats()?, console),
        }
    }
}

#[derive(serde::Serialize)]
struct StatsJson<'a> {
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
    nodes: u64,
    edges: u64,
    graph_image_bytes: u64,
    graph_delta_bytes: u64,
    seq: u64,
    durable_seq: u64,
    log_rows: u64,
    index_bytes: u64,
    unsaved_changes: u64,
    background: BackgroundJson<'a>,
    settings: Vec<SettingJson<'a>>,
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

#[derive(serde::Serialize)]
struct SpaceJson<'a> {
    name: &'a str,
    dimension: usize,
    metric: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<&'a str>,
    vectors: u64,
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
    metric: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<&'a str>,
    vectors: u64,
}

impl<'a> SpaceJson<'a> {
    fn new(space: &'a SpaceStats) -> Self {
        SpaceJson {
            name: &space.name,
            dimension: space.dimension,
            metric: metric(space.metric),
            embedder: space.embedder.as_deref(),
            vectors: space.vectors,
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
                metric: metric(next.metric),
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

fn metric(metric: Metric) -> String {
    metric.name().to_owned()
}

/// Who said so: nobody, the program, or a variable of the environment by its name.
fn origin(setting: &Setting) -> String {
    match setting.origin {
        Origin::Environment => format!("MEMLITH_{}", setting.name.to_uppercase()),
        other => other.name().to_owned(),
    }
}

fn show(stats: &Stats, console: &mut Console) -> Outcome {
    let file_id = format!("{:032x}", u128::from_be_bytes(stats.file_id));
    if console.is_json() {
        let settings = stats.settings.iter();
        return console.json(&StatsJson {
            file_id,
            file_bytes: stats.file_bytes,
            table_bytes: stats.table_bytes,
            segment_bytes: stats.segment_bytes,
            free_bytes: stats.free_bytes,
            memories: stats.memories,
            namespaces: stats.namespaces,
            spaces: stats.spaces.iter().map(SpaceJson::new).collect(),
            unsealed_vectors: stats.unsealed_vectors,
            metadata_indexes: &stats.metadata_indexes,
            nodes: stats.nodes,
            edges: stats.edges,
            graph_image_bytes: stats.graph_image_bytes,
            graph_delta_bytes: stats.graph_delta_bytes,
            seq: stats.seq.0,
            durable_seq: stats.durable_seq.0,
            log_rows: stats.log_rows,
            index_bytes: stats.index_bytes,
            unsaved_changes: stats.unsaved_changes,
            background: BackgroundJson::new(
                &stats.background,
                stats.last_background_error.as_deref(),
            ),
            settings: settings
                .map(|s| SettingJson { name: s.name, value: &s.value, origin: origin(s) })
                .collect(),
        });
    }
    console.line(
        pairs([
            ("memories", grouped(stats.memories)),
            ("namespaces", grouped(stats.namespaces)),
            ("nodes", grouped(stats.nodes)),
            ("edges", grouped(stats.edges)),
            ("commits", grouped(stats.seq.0)),
            ("log rows", grouped(stats.log_rows)),
            ("file", bytes(stats.file_bytes)),
            ("  tables", bytes(stats.table_bytes)),
            ("  segments", bytes(stats.segment_bytes)),
            ("  free", bytes(stats.free_bytes)),
            ("indexes in memory", bytes(stats.index_bytes)),
            ("changes in no image", grouped(stats.unsaved_changes)),
            ("file id", file_id),
        ])
        .trim_fmt(),
    )?;
    if !stats.spaces.is_empty() {
        let mut rows = table([
            "vector space",
            "dimension",
            "metric",
            "vectors",
            "unlinked",
            "dead",
            "sealed",
            "embedder",
        ]);
        for space in &stats.spaces {
            rows.add_row([
                printable(&space.name),
                space.dimension.to_string(),
                metric(space.metric),
                grouped(space.vectors),
                grouped(space.unlinked),
                grouped(space.dead),
                grouped(space.sealed_vectors),
                printable(space.embedder.as_deref().unwrap_or_default()),
            ]);
            if let Some(next) = &space.successor {
                rows.add_row([
                    "  to be replaced by".to_owned(),
                    next.dimension.to_string(),
                    metric(next.metric),
                    grouped(next.vectors),
                    String::new(),
                    String::new(),
                    String::new(),
                    printable(next.embedder.as_deref().unwrap_or_default()),
                ]);
            }
        }
        console.line(format_args!("\n{}", rows.trim_fmt()))?;
    }
    show_background(&stats.background, console)?;
    let mut rows = table(["setting", "value", "from"]);
    for setting in &stats.settings {
        rows.add_row([setting.name.to_owned(), printable(&setting.value), origin(setting)]);
    }
    console.line(format_args!("\n{}", rows.trim_fmt()))
}

/// What the handle of this very command has done, which is not much: a program shows more.
fn show_background(background: &BackgroundStats, console: &mut Console) -> Outcome {
    let mut rows =
        table(["background job", "runs", "steps", "failures", "progress", "last because"]);
    for job in &background.jobs {
        let progress =
            job.progress.map(|(done, total)| format!("{} of {}", grouped(done), grouped(total)));
        rows.add_row([
            job.name.to_owned(),
            grouped(job.runs),
            grouped(job.steps),
            grouped(job.failures),
            progress.unwrap_or_default(),
            printable(job.last_error.as_deref().or(job.last_reason).unwrap_or_default()),
        ]);
    }
    console.line(format_args!("\n{}", rows.trim_fmt()))
}

#[derive(serde::Serialize)]
struct NamespaceJson<'a> {
    namespace: &'a str,
    memories: u64,
    superseded: u64,
    kinds: Counts<'a>,
    tags: Counts<'a>,
    agents: Counts<'a>,
    sessions: u64,
    spaces: Counts<'a>,
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

fn show_namespace(namespace: &str, stats: &NamespaceStats, console: &mut Console) -> Outcome {
    if console.is_json() {
        return console.json(&NamespaceJson {
            namespace,
            memories: stats.memories,
            superseded: stats.superseded,
            kinds: Counts(&stats.kinds),
            tags: Counts(&stats.tags),
            agents: Counts(&stats.agents),
            sessions: stats.sessions,
            spaces: Counts(&stats.spaces),
        });
    }
    let listed = |counts: &[(String, u64)]| {
        let parts = counts.iter().map(|(name, n)| format!("{} {}", printable(name), grouped(*n)));
        parts.collect::<Vec<_>>().join(", ")
    };
    console.line(
        pairs([
            ("memories", grouped(stats.memories)),
            ("superseded", grouped(stats.superseded)),
            ("sessions", grouped(stats.sessions)),
            ("kinds", listed(&stats.kinds)),
            ("tags", listed(&stats.tags)),
            ("agents", listed(&stats.agents)),
            ("vectors", listed(&stats.spaces)),
        ])
        .trim_fmt(),
    )
}
