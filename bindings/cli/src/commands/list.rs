//! `memlith list`: memories page by page.
//!
//! **Invariant:** paging by cursor misses nothing that stays in place and shows nothing twice,
//! however much is written in between.

use super::get::shown_link;
use crate::args::{Scope, Store};
use crate::output::table::{snippet, table};
use crate::output::{Console, Failure, MemoryLine, Outcome, Time, shown_id};
use clap::{Args, ValueEnum};
use memlith::{Cursor, List, Memory, Order, View};

/// Memories read at a time where all are wanted.
const PAGE: usize = 1_000;

const AFTER_HELP: &str = "\
With --json each memory is one line; the last line of a page that has more behind it carries the
cursor of the next page as \"next\".

Examples:
  memlith list agent.lith --limit 20
  memlith list agent.lith --namespace ada --filter 'kind:fact' --order importance
  memlith list agent.lith --after CURSOR --json
  memlith list agent.lith --all --json | wc -l";

/// List memories
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    store: Store,

    #[command(flatten)]
    scope: Scope,

    /// What comes first
    #[arg(long, value_enum, default_value_t = By::Newest)]
    order: By,

    /// At most so many
    #[arg(long, short, value_name = "K", default_value_t = 50)]
    limit: usize,

    /// Go on behind this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,

    /// All of them, to the end
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// An order of memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Created last first
    Newest,
    /// Created first first
    Oldest,
    /// Most important first
    Importance,
    /// Highest priority first
    Priority,
    /// Written last first
    Updated,
}

impl By {
    fn order(self) -> Order {
        match self {
            By::Newest => Order::Newest,
            By::Oldest => Order::Oldest,
            By::Importance => Order::Importance,
            By::Priority => Order::Priority,
            By::Updated => Order::Updated,
        }
    }
}

impl ListArgs {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let filter = self.scope.filter()?;
        let after = self.after.as_deref().map(parse_cursor).transpose()?;
        let limit = if self.all { PAGE } else { self.limit };
        let mut list = List::new().order(self.order.order()).limit(limit);
        if let Some(namespace) = &self.scope.namespace {
            list = list.namespace(namespace);
        }
        if let Some(filter) = filter {
            list = list.filter(filter);
        }
        let db = super::open_to_read(&self.store.file)?;
        let view = db.read()?;
        let mut after = after;
        loop {
            let list = match after.take() {
                Some(cursor) => list.clone().after(cursor),
                None => list.clone(),
            };
            let page = view.list(&list)?;
            let next = page.next.as_ref().filter(|_| !self.all).map(ToString::to_string);
            print(&view, &page.memories, next.as_deref(), console)?;
            match page.next {
                Some(cursor) if self.all => after = Some(cursor),
                _ => return Ok(()),
            }
        }
    }
}

fn parse_cursor(text: &str) -> Outcome<Cursor> {
    text.parse().map_err(|_| Failure::Usage("--after is not a cursor that list gave".into()))
}

fn print(view: &View, memories: &[Memory], next: Option<&str>, console: &mut Console) -> Outcome {
    if console.is_json() {
        for (place, memory) in memories.iter().enumerate() {
            let id = shown_id(memory);
            let supersedes = shown_link(view, memory.supersedes)?;
            let superseded_by = shown_link(view, memory.superseded_by)?;
            let line = MemoryLine::new(&id, memory)
                .supersedes(supersedes.as_deref())
                .with_file_fields(memory, superseded_by.as_deref())
                .next(next.filter(|_| place + 1 == memories.len()));
            console.json(&line)?;
        }
        return Ok(());
    }
    if memories.is_empty() {
        return Ok(());
    }
    let mut rows = table(["id", "created", "kind", "memory", "tags"]);
    for memory in memories {
        rows.add_row([
            snippet(&shown_id(memory), 40),
            Time(memory.created_ms).to_string(),
            snippet(memory.kind.as_deref().unwrap_or_default(), 20),
            snippet(&memory.content, 120),
            snippet(&memory.tags.join(", "), 40),
        ]);
    }
    console.line(rows.trim_fmt())?;
    match next {
        Some(cursor) => console.line(format_args!("more with --after {cursor}")),
        None => Ok(()),
    }
}
