//! `memlith forget`: memories by their ids, or all that match a filter.
//!
//! **Invariant:** a filter forgets nothing unless it was confirmed: by `--yes`, by an answer on the
//! terminal, or by `--json`, which only programs say.

use super::lookup;
use crate::args::{Ids, Scope, Store};
use crate::output::table::grouped;
use crate::output::{Console, Failure, Outcome};
use clap::Args;
use memlith::Db;
use memlith::filter::Filter;
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};

const AFTER_HELP: &str = "\
Examples:
  memlith forget agent.lith runbook/17
  memlith forget agent.lith turn-1 turn-2 --namespace ada
  memlith forget agent.lith --filter 'kind:draft and created < 2025-01-01' --yes";

/// Forget memories by their ids or by a filter
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Forget {
    #[command(flatten)]
    store: Store,

    #[command(flatten)]
    ids: Ids,

    #[command(flatten)]
    scope: Scope,

    /// Do not ask before forgetting what matches a filter
    #[arg(long, short)]
    yes: bool,
}

#[derive(Serialize)]
struct Forgotten {
    forgotten: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

impl Forget {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let filter = self.scope.filter()?;
        match (self.ids.ids.is_empty(), filter) {
            (false, None) => self.by_id(console),
            (true, Some(filter)) => self.by_filter(&filter, console),
            (false, Some(_)) => Err(Failure::Usage("give either ids or a filter, not both".into())),
            (true, None) => {
                Err(Failure::Usage("what is to be forgotten? give an ID or --filter".into()))
            }
        }
    }

    fn by_id(&self, console: &mut Console) -> Outcome {
        let db = super::open_to_change(&self.store.file)?;
        let namespace = self.scope.namespace.as_deref();
        let done = db.write(|tx| {
            let mut done = Forgotten { forgotten: 0, missing: Vec::new() };
            for id in &self.ids.ids {
                let found = match lookup::in_transaction(tx, namespace, id, &self.ids)? {
                    Some(memory) => tx.forget(memory.id)?,
                    None => false,
                };
                if found {
                    done.forgotten += 1;
                } else {
                    done.missing.push(id.clone());
                }
            }
            Ok(done)
        })?;
        db.close()?;
        console.answer(&done, format_args!("forgot {}", grouped(done.forgotten)))?;
        if done.missing.is_empty() {
            return Ok(());
        }
        Err(Failure::NotFound(format!("no memory has the id {}", done.missing.join(", "))))
    }

    fn by_filter(&self, filter: &Filter, console: &mut Console) -> Outcome {
        let db = super::open_to_change(&self.store.file)?;
        let namespace = self.scope.namespace.as_deref();
        if !self.yes && !console.is_json() {
            self.confirm(&db, filter)?;
        }
        let forgotten = db.forget_where(namespace, filter)?;
        db.close()?;
        let json = Forgotten { forgotten, missing: Vec::new() };
        console.answer(&json, format_args!("forgot {}", grouped(forgotten)))
    }

    fn confirm(&self, db: &Db, filter: &Filter) -> Outcome {
        let matching = db.read()?.count(self.scope.namespace.as_deref(), Some(filter))?;
        let what = if matching == 1 { "memory" } else { "memories" };
        let question = format!("this forgets {} {what}", grouped(matching));
        if !io::stdin().is_terminal() {
            return Err(Failure::Usage(format!("{question}; add --yes to do it")));
        }
        let mut err = io::stderr().lock();
        let _ = write!(err, "{question}. Go on? [y/N] ");
        let _ = err.flush();
        let mut answer = String::new();
        // No answer is a no.
        let _ = io::stdin().lock().read_line(&mut answer);
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Failure::Usage("nothing was forgotten".into())),
        }
    }
}
