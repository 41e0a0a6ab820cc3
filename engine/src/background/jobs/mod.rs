//! What there is to do beside the writers.
//!
//! **Invariant:** the order of [`all`] is that of priority, and with threads off the order in which
//! a writer does it.

mod accesses;
mod checkpoint;
mod compact;
mod embeddings;
mod expiry;
mod graph;
mod link;
mod log;
mod merge;
mod reembed;
mod rest;
mod seal;
mod sync;
mod tables;
mod text;
mod views;

use super::scheduler::Job;
use crate::db::Core;
pub(crate) use reembed::{Reembedding, Step};

pub(crate) fn all() -> Vec<Box<dyn Job<Core>>> {
    vec![
        Box::new(sync::Sync),
        Box::new(accesses::Accesses),
        Box::new(embeddings::Embeddings),
        Box::new(views::Views),
        Box::new(expiry::Expiry),
        Box::new(seal::Seal),
        Box::new(merge::Merge),
        Box::new(graph::Graph),
        Box::new(text::Text),
        Box::new(checkpoint::Checkpoint),
        Box::new(link::Link),
        Box::new(reembed::Reembed),
        Box::new(log::Log),
        Box::new(tables::Tables),
        Box::new(compact::Compact),
        // Behind whatever else an idle handle does.
        Box::new(rest::Rest),
    ]
}
