//! `memlith put`: one memory, from the command line or from a line of JSON.
//!
//! **Invariant:** with an id it makes the memory under that id what was given; without one it
//! always adds a memory.

use super::lookup;
use super::spaces::{MetricName, Spaces};
use crate::args::{Ids, Store, parse_vector, time};
use crate::input::{Defaults, Line, Lines, Record};
use crate::output::{Console, Failure, Outcome, Time};
use clap::Args;
use memlith::{DEFAULT_NAMESPACE, DEFAULT_SPACE, Likeness, NewMemory, Resemblance, Upsert};
use memlith_json::ResemblanceJson;
use serde::Serialize;
use std::path::Path;

const AFTER_HELP: &str = "\
Examples:
  memlith put agent.lith \"Ada prefers tea\" --id ada/tea --tag taste --importance 0.8
  memlith put agent.lith \"Ada prefers coffee\" --supersedes ada/tea
  echo '{\"text\": \"The deploy key lives in the vault\", \"kind\": \"fact\"}' | memlith put agent.lith";

/// Write one memory, creating FILE if there is none
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Put {
    #[command(flatten)]
    store: Store,

    /// What to remember [default: a line of JSON on stdin, as import reads it]
    #[arg(value_name = "TEXT")]
    text: Option<String>,

    /// External id: a memory that has it already is updated
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Namespace
    #[arg(long, short, value_name = "NS", default_value = DEFAULT_NAMESPACE)]
    namespace: String,

    /// What sort of memory it is: fact, event, turn, …
    #[arg(long)]
    kind: Option<String>,

    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// From 0 (trivia) to 1 (vital) [default: 0.5]
    #[arg(long, value_name = "0..1")]
    importance: Option<f32>,

    /// From -1 (bad) to 1 (good) [default: 0]
    #[arg(long, value_name = "-1..1", allow_negative_numbers = true)]
    valence: Option<f32>,

    /// For filters and sorting [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i64>,

    /// A JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,

    /// Who said or did it
    #[arg(long)]
    agent: Option<String>,

    /// The conversation or task it belongs to
    #[arg(long)]
    session: Option<String>,

    /// The project it belongs to
    #[arg(long)]
    project: Option<String>,

    /// Where it came in
    #[arg(long)]
    channel: Option<String>,

    /// Where it was taken from
    #[arg(long)]
    source: Option<String>,

    /// When it happened [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    created_at: Option<Time>,

    /// From when on it is no longer found [default: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<Time>,

    /// Its embedding, a JSON array
    #[arg(long, value_name = "[…]")]
    vector: Option<String>,

    /// Vector space of the embedding
    #[arg(long, value_name = "NAME", default_value = DEFAULT_SPACE)]
    space: String,

    /// How the vectors of a new space are compared
    #[arg(long, value_enum, default_value_t)]
    metric: MetricName,

    /// Id of an older memory that this one replaces
    #[arg(long, value_name = "ID")]
    supersedes: Option<String>,

    /// Say which memories it resembles in words or by its vector
    #[arg(long)]
    resembling: bool,
}

#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    number: u64,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resembles: Option<Vec<ResemblanceJson>>,
}

impl Put {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let defaults = Defaults { namespace: self.namespace.clone(), space: self.space.clone() };
        let mut memory = if let Some(text) = self.text.take() {
            NewMemory::new(text).namespace(&self.namespace)
        } else {
            let record = record_on_stdin(&defaults)?;
            self.supersedes = self.supersedes.take().or(record.supersedes);
            record.memory
        };
        let (supersedes, resembling) = (self.supersedes.take(), self.resembling);
        let (file, metric) = (std::mem::take(&mut self.store.file), self.metric);
        self.fill(&mut memory)?;
        let id = memory.external_id.clone();

        let db = super::open_or_create(&file)?;
        let by = Ids { ids: Vec::new(), number: false };
        let mut spaces = Spaces::of(&db, metric)?;
        let likeness = resembling.then(Likeness::default);
        let resembles = likeness.map(|from| db.read()?.resembling(&memory, from)).transpose()?;
        let upsert = db.write(|tx| {
            let mut replaced = None;
            if let Some(old) = &supersedes {
                let namespace = Some(memory.namespace.as_str());
                replaced = lookup::in_transaction(tx, namespace, old, &by)?;
                if replaced.is_none() {
                    return Ok(None);
                }
            }
            let written = spaces.made_for(tx, memory, |tx, memory| match (replaced, &memory) {
                (Some(old), _) => tx.supersede(old.id, memory).map(Upsert::Created),
                (None, NewMemory { external_id: Some(_), .. }) => tx.upsert(memory),
                (None, _) => tx.remember(memory).map(Upsert::Created),
            });
            written.map(Some)
        })?;
        db.close()?;
        let Some(upsert) = upsert else {
            let old = supersedes.unwrap_or_default();
            return Err(Failure::NotFound(format!("no memory has the id {old:?}")));
        };
        let number = upsert.id();
        let id = id.unwrap_or_else(|| number.to_string());
        let outcome = match upsert {
            Upsert::Created(_) => "created",
            Upsert::Updated(_) => "updated",
            Upsert::Unchanged(_) => "unchanged",
        };
        // An upsert finds itself.
        let resembles = resembles.map(|found| found.into_iter().filter(|r| r.id != number));
        let resembles: Option<Vec<Resemblance>> = resembles.map(Iterator::collect);
        let named: Vec<String> =
            resembles.iter().flatten().map(|other| format!("#{}", other.id)).collect();
        let more = if named.is_empty() {
            String::new()
        } else {
            format!("; resembles {}", named.join(", "))
        };
        let resembles = resembles.map(|found| found.into_iter().map(Into::into).collect());
        let json = Written { id: &id, number: number.0, outcome, resembles };
        console.answer(&json, format_args!("{outcome} {id}{more}"))
    }

    /// What was said with options, over what the line says.
    fn fill(self, memory: &mut NewMemory) -> Outcome {
        memory.external_id = self.id.or(memory.external_id.take());
        memory.kind = self.kind.or(memory.kind.take());
        memory.tags.extend(self.tags);
        memory.importance = self.importance.unwrap_or(memory.importance);
        memory.valence = self.valence.unwrap_or(memory.valence);
        memory.priority = self.priority.unwrap_or(memory.priority);
        memory.agent = self.agent.or(memory.agent.take());
        memory.session = self.session.or(memory.session.take());
        memory.project = self.project.or(memory.project.take());
        memory.channel = self.channel.or(memory.channel.take());
        memory.source = self.source.or(memory.source.take());
        memory.created_ms = self.created_at.map(|time| time.0).or(memory.created_ms);
        memory.expires_ms = self.expires_at.map(|time| time.0).or(memory.expires_ms);
        if let Some(metadata) = &self.metadata {
            memory.metadata = serde_json::from_str(metadata)
                .map_err(|e| Failure::Usage(format!("--metadata is not JSON: {e}")))?;
        }
        if let Some(vector) = &self.vector {
            memory.vectors.retain(|(space, _)| *space != self.space);
            memory.vectors.push((self.space, parse_vector(vector)?));
        }
        Ok(())
    }
}

/// The one line that stands on stdin.
fn record_on_stdin(defaults: &Defaults) -> Outcome<Record> {
    let stdin = Path::new("-");
    let io = |e| Failure::io("reading", stdin, e);
    let mut lines = Lines::open(stdin).map_err(io)?;
    let mut record = None;
    while let Some(line) = lines.next_line().map_err(io)? {
        let parsed = match line {
            Line::Blank => continue,
            Line::TooLong => Err("the line is too long".to_owned()),
            Line::Text(bytes) => Record::parse(bytes, defaults),
        };
        if record.is_some() {
            let message = "stdin has more than one line; import them with: memlith import FILE -";
            return Err(Failure::Usage(message.into()));
        }
        record = Some(parsed.map_err(Failure::Input)?);
    }
    record.ok_or_else(|| Failure::Usage("give TEXT, or a line of JSON on stdin".into()))
}
