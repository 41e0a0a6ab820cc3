//! `memlith get`: memories by their ids.

use super::lookup;
use crate::args::{Ids, Store};
use crate::output::table::{pairs, printable};
use crate::output::{Console, Embedding, Failure, MemoryLine, Outcome, Time, shown_id};
use clap::Args;
use memlith::{Memory, View};

const AFTER_HELP: &str = "\
Examples:
  memlith get agent.lith runbook/17
  memlith get agent.lith turn-1 turn-2 --namespace ada --json
  memlith get agent.lith 42 --number --vectors --json";

/// Show memories by their ids
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Get {
    #[command(flatten)]
    store: Store,

    #[command(flatten)]
    ids: Ids,

    /// Namespace of the external ids [default: default]
    #[arg(long, short, value_name = "NS")]
    namespace: Option<String>,

    /// Show their vectors too
    #[arg(long)]
    vectors: bool,
}

impl Get {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        if self.ids.ids.is_empty() {
            return Err(Failure::Usage("which memory? give at least one ID".into()));
        }
        let db = super::open_to_read(&self.store.file)?;
        let view = db.read()?;
        let mut missing = Vec::new();
        for (place, id) in self.ids.ids.iter().enumerate() {
            let found = lookup::in_view(&view, self.namespace.as_deref(), id, &self.ids)?;
            let Some(memory) = found else {
                missing.push(format!("{id:?}"));
                continue;
            };
            if console.is_json() {
                print_json(&view, &memory, self.vectors, console)?;
            } else {
                if place > missing.len() {
                    console.line("")?;
                }
                print(&view, &memory, self.vectors, console)?;
            }
        }
        match missing.len() {
            0 => Ok(()),
            1 => Err(Failure::NotFound(format!("no memory has the id {}", missing[0]))),
            _ => Err(Failure::NotFound(format!("no memory has the ids {}", missing.join(", ")))),
        }
    }
}

/// Its vectors by space.
pub(super) fn embedding(view: &View, memory: &Memory) -> Outcome<Embedding> {
    let mut spaces = Vec::with_capacity(memory.spaces.len());
    for space in &memory.spaces {
        if let Some(vector) = view.vector(memory.id, space)? {
            spaces.push((space.clone(), vector));
        }
    }
    Ok(Embedding(spaces))
}

/// The shown id of a memory that another one names.
pub(super) fn shown_link(view: &View, id: Option<memlith::MemoryId>) -> Outcome<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    Ok(view.get(id)?.map(|memory| shown_id(&memory)))
}

fn print_json(view: &View, memory: &Memory, vectors: bool, console: &mut Console) -> Outcome {
    let id = shown_id(memory);
    let supersedes = shown_link(view, memory.supersedes)?;
    let superseded_by = shown_link(view, memory.superseded_by)?;
    let mut line = MemoryLine::new(&id, memory)
        .supersedes(supersedes.as_deref())
        .with_file_fields(memory, superseded_by.as_deref());
    if vectors {
        line = line.embedding(embedding(view, memory)?);
    }
    console.json(&line)
}

fn print(view: &View, memory: &Memory, vectors: bool, console: &mut Console) -> Outcome {
    let mut rows = vec![
        ("id", shown_id(memory)),
        ("number", memory.id.to_string()),
        ("namespace", memory.namespace.clone()),
    ];
    let optional = [
        ("kind", &memory.kind),
        ("agent", &memory.agent),
        ("session", &memory.session),
        ("project", &memory.project),
        ("channel", &memory.channel),
        ("source", &memory.source),
    ];
    rows.extend(optional.into_iter().filter_map(|(name, v)| Some((name, v.clone()?))));
    if !memory.tags.is_empty() {
        rows.push(("tags", memory.tags.join(", ")));
    }
    rows.push(("importance", memory.importance.to_string()));
    rows.push(("valence", memory.valence.to_string()));
    rows.push(("priority", memory.priority.to_string()));
    rows.push(("created", Time(memory.created_ms).to_string()));
    rows.push(("updated", Time(memory.updated_ms).to_string()));
    rows.extend(memory.expires_ms.map(|ms| ("expires", Time(ms).to_string())));
    rows.extend(shown_link(view, memory.supersedes)?.map(|id| ("supersedes", id)));
    rows.extend(shown_link(view, memory.superseded_by)?.map(|id| ("superseded by", id)));
    if !memory.metadata.is_null() {
        rows.push(("metadata", memory.metadata.to_string()));
    }
    if !memory.spaces.is_empty() {
        rows.push(("vector spaces", memory.spaces.join(", ")));
    }
    if vectors {
        for (space, vector) in embedding(view, memory)?.0 {
            let values: Vec<String> = vector.iter().map(ToString::to_string).collect();
            rows.push(("vector", format!("{space}: [{}]", values.join(", "))));
        }
    }
    rows.push(("accesses", memory.accesses.to_string()));
    let rows = rows.into_iter().map(|(name, value)| (name, printable(&value)));
    console.line(pairs(rows).trim_fmt())?;
    console.line("")?;
    console.line(printable(&memory.content))
}
