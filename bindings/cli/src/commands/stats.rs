//! `memlith stats`: what a file holds, how large it is, and which settings are in force.

use crate::args::Store;
use crate::output::table::{bytes, grouped, pairs, printable, table};
use crate::output::{Console, Outcome};
use clap::Args;
use memlith::{BackgroundStats, NamespaceStats, Stats};
use memlith_json::{NamespaceJson, StatsJson, origin};

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

fn show(stats: &Stats, console: &mut Console) -> Outcome {
    if console.is_json() {
        return console.json(&StatsJson::new(stats));
    }
    let file_id = format!("{:032x}", u128::from_be_bytes(stats.file_id));
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
            "of nodes",
            "unlinked",
            "dead",
            "sealed",
            "embedder",
        ]);
        for space in &stats.spaces {
            rows.add_row([
                printable(&space.name),
                space.dimension.to_string(),
                space.metric.name().to_owned(),
                grouped(space.vectors),
                grouped(space.nodes),
                grouped(space.unlinked),
                grouped(space.dead),
                grouped(space.sealed_vectors),
                printable(space.embedder.as_deref().unwrap_or_default()),
            ]);
            if let Some(next) = &space.successor {
                rows.add_row([
                    "  to be replaced by".to_owned(),
                    next.dimension.to_string(),
                    next.metric.name().to_owned(),
                    grouped(next.vectors),
                    String::new(),
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

fn show_namespace(namespace: &str, stats: &NamespaceStats, console: &mut Console) -> Outcome {
    if console.is_json() {
        return console.json(&NamespaceJson::new(namespace, stats));
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
