//! Memories, requests, answers and reports of Memlith as JSON.
//!
//! One form for every door: what the command line prints, C hands out too, and what one takes the
//! other does. The shapes are described in `docs/cli.md`.
//!
//! **Invariant:** nothing that an object says is dropped silently, and what is written reads back to the
//! same value.

mod answer;
mod context;
mod graph;
mod kind;
mod log;
mod memory;
mod patch;
mod record;
mod request;
mod resembling;
mod salvage;
mod stats;
mod text;
mod time;
mod values;
mod verify;

pub use answer::AnswerJson;
pub use context::{GatheredJson, context_from_json};
pub use graph::*;
pub use kind::kind_name;
pub use log::{LogReportJson, LogRowJson};
pub use memory::{Embedding, MemoryLine, shown_id};
pub use patch::patch_from_json;
pub use record::{Defaults, Record};
pub use request::{effort, recall_from_json, situated};
pub use resembling::ResemblanceJson;
pub use salvage::SalvageJson;
pub use stats::{NamespaceJson, SpaceJson, StatsJson, origin};
pub use text::{TextSettingsJson, text_settings_from_json};
pub use time::Time;
pub use values::{Embeddings, reason};
pub use verify::VerifyJson;
