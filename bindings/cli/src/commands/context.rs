//! `memlith context`: what an agent puts into its next prompt.

use crate::args::{Scope, Store, duration};
use crate::output::table::{grouped, printable};
use crate::output::{Console, Outcome};
use clap::Args;
use memlith::{Context, Gathered};
use memlith_json::GatheredJson;
use std::time::Duration;

const AFTER_HELP: &str = "\
Examples:
  memlith context agent.lith --session today \"what shall I cook for Ada\"
  memlith context agent.lith --session today \"the deploy\" --channel ops --max-tokens 4000 --json";

/// Gather the last turns of a session, memories like a text, and what was said in a channel
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ContextArgs {
    #[command(flatten)]
    store: Store,

    /// What was just said, or asked
    #[arg(value_name = "TEXT")]
    text: Option<String>,

    /// The session whose last turns are wanted
    #[arg(long, value_name = "NAME")]
    session: Option<String>,

    /// Also what was last said in this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,

    #[command(flatten)]
    scope: Scope,

    /// At most so many of each kind
    #[arg(long, short, value_name = "K", default_value_t = 20)]
    limit: usize,

    /// At most so many tokens together; a token is taken for four bytes
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    max_tokens: usize,

    /// Give up after this long, such as 50ms
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    deadline: Option<Duration>,
}

impl ContextArgs {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let mut request = Context::default().limit(self.limit).max_tokens(self.max_tokens);
        request.filter = self.scope.filter()?;
        request.namespace = self.scope.namespace;
        request.text = self.text;
        request.session = self.session;
        request.channel = self.channel;
        request.deadline = self.deadline;
        let db = super::open_to_read(&self.store.file)?;
        let gathered = db.context(&request)?;
        if !console.is_json() {
            return print(&gathered, console);
        }
        console.json(&GatheredJson::new(&gathered))
    }
}

/// A part for each kind, as text that can go into a prompt.
fn print(gathered: &Gathered, console: &mut Console) -> Outcome {
    let similar = gathered.similar.iter().map(|hit| &hit.memory).collect();
    let parts = [
        ("similar", similar),
        ("channel", gathered.channel.iter().collect::<Vec<_>>()),
        ("recent", gathered.recent.iter().collect()),
    ];
    for (name, memories) in parts {
        if memories.is_empty() {
            continue;
        }
        console.line(format_args!("{name}:"))?;
        for memory in memories {
            console.line(format_args!("  {}", printable(&memory.content)))?;
        }
    }
    console.line(format_args!("{} tokens", grouped(gathered.tokens as u64)))
}
