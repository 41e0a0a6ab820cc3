//! What a transaction of the workload may do: one function per thing one does with a model.
//!
//! **Invariant:** an action changes [`Known`] exactly as it changes the transaction, by what it
//! asked for and not by reading it back. Refusals that the interface documents are no failures.

use super::graph;
use crate::catalog::Space;
use crate::file::crash::Rng;
use crate::filter::Filter;
use crate::graph_options::GraphOptions;
use crate::ids::MemoryId;
use crate::memory::{NewMemory, Patch, Upsert};
use crate::text_settings::TextSettings;
use crate::transaction::WriteTx;
use crate::{ErrorKind, Language, Metric, Precision, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A memory as the workload remembers it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KnownMemory {
    pub(super) namespace: &'static str,
    pub(super) content: String,
    pub(super) tags: BTreeSet<String>,
    external: Option<String>,
    expires_ms: Option<i64>,
}

/// What there should be after the transactions so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) memories: BTreeMap<u64, KnownMemory>,
    /// Names and dimensions of the vector spaces.
    pub(super) spaces: BTreeMap<String, usize>,
    indexed: BTreeSet<String>,
    /// What there is of the graph.
    pub(super) graph: graph::KnownGraph,
    /// Makes every content unique.
    made: u64,
}

/// A transaction under way, and what it is to leave behind.
pub(super) struct Act<'a, 'tx> {
    pub(super) tx: &'a mut WriteTx<'tx>,
    pub(super) rng: &'a mut Rng,
    pub(super) known: &'a mut Known,
}

type Action = fn(&mut Act<'_, '_>) -> Result<()>;

/// How often each is done, and what it is.
pub(super) const ACTIONS: &[(u64, Action)] = &[
    (30, remember),
    (14, upsert),
    (14, update),
    (3, update_many),
    (5, supersede),
    (10, forget),
    (2, forget_where),
    (4, create_space),
    (3, drop_space),
    (1, index_metadata),
    (1, drop_metadata_index),
    (1, set_text),
    (2, seal),
    (2, merge),
    (2, write_through),
    (8, graph::upsert_node),
    (16, graph::upsert_edge),
    (4, graph::remember_with_edge),
    (3, graph::delete_node),
    (6, graph::delete_edge),
    (2, graph::merge_nodes),
];

/// Does one of them.
pub(super) fn any(act: &mut Act<'_, '_>) -> Result<()> {
    let all = ACTIONS.iter().map(|(weight, _)| weight).sum();
    let mut place = act.rng.below(all);
    for (weight, action) in ACTIONS {
        if place < *weight {
            return action(act);
        }
        place -= weight;
    }
    unreachable!("the weights add up")
}

/// Words of every content, few enough that each is in many.
pub(super) const VOCABULARY: [&str; 24] = [
    "amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "harbor", "indigo", "jasper",
    "kelp", "lagoon", "maple", "nectar", "onyx", "pebble", "quartz", "raven", "sable", "tundra",
    "umbra", "velvet", "willow", "zephyr",
];
pub(super) const TAGS: [&str; 6] = ["red", "green", "blue", "hot", "cold", "wet"];
pub(super) const NAMESPACES: [&str; 3] = ["default", "ops", "home"];
pub(super) const LANGUAGES: [&str; 3] = ["en", "de", "fr"];
pub(super) const PATHS: [&str; 2] = ["lang", "rank"];
const SPACES: [(&str, usize, Metric, Precision); 4] = [
    ("default", 24, Metric::Cosine, Precision::F32),
    ("wide", 72, Metric::Dot, Precision::F16),
    ("near", 16, Metric::L2, Precision::F32),
    ("spare", 8, Metric::Cosine, Precision::F16),
];

pub(super) fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.below(from.len() as u64) as usize]
}

/// A vector of one of few directions, a little off it: near neighbours and near ties.
pub(super) fn vector(rng: &mut Rng, dimension: usize) -> Vec<f32> {
    let axis = rng.below(5) as usize;
    let mut vector: Vec<f32> =
        (0..dimension).map(|_| rng.below(2_001) as f32 / 5_000.0 - 0.2).collect();
    vector[axis] += 1.0;
    vector
}

fn content(act: &mut Act<'_, '_>) -> String {
    act.known.made += 1;
    let mut text = format!("n{}", act.known.made);
    let words = match act.rng.below(12) {
        0 => 400,
        1 => 0,
        _ => 1 + act.rng.below(20),
    };
    for _ in 0..words {
        text.push(' ');
        let word: &&str = pick(act.rng, &VOCABULARY);
        text.push_str(word);
    }
    text
}

fn tags(rng: &mut Rng) -> BTreeSet<String> {
    (0..rng.below(4)).map(|_| (*pick(rng, &TAGS)).to_owned()).collect()
}

fn metadata(rng: &mut Rng) -> Value {
    match rng.below(3) {
        0 => Value::Null,
        1 => json!({ "lang": pick(rng, &LANGUAGES), "rank": rng.below(5) }),
        _ => json!({ "lang": pick(rng, &LANGUAGES) }),
    }
}

/// Vectors in some of the spaces that there are; the default space comes with its first.
pub(super) fn vectors(act: &mut Act<'_, '_>) -> Vec<(String, Vec<f32>)> {
    let mut spaces = act.known.spaces.clone();
    spaces.entry("default".into()).or_insert(SPACES[0].1);
    let mut given = Vec::new();
    for (name, dimension) in spaces {
        if act.rng.one_in(2) {
            given.push((name, vector(act.rng, dimension)));
        }
    }
    given
}

pub(super) fn new_memory(
    act: &mut Act<'_, '_>,
    external: Option<String>,
) -> (NewMemory, KnownMemory) {
    let content = content(act);
    let tags = tags(act.rng);
    let namespace = *pick(act.rng, &NAMESPACES);
    let mut new = NewMemory::new(content.as_str())
        .namespace(namespace)
        .importance(act.rng.below(11) as f32 / 10.0)
        .priority(act.rng.below(9) as i64 - 4)
        .metadata(metadata(act.rng))
        .tags(tags.iter().cloned())
        .session(format!("s{}", act.rng.below(7)));
    new.external_id.clone_from(&external);
    new.vectors = vectors(act);
    if act.rng.one_in(8) {
        new.expires_ms = Some(act.tx.now_ms() + 1 + act.rng.below(30_000) as i64);
    }
    let known = KnownMemory { namespace, content, tags, external, expires_ms: new.expires_ms };
    (new, known)
}

impl Known {
    /// What there is once those that have expired are deleted; `None` if that is the same.
    pub(super) fn without_expired(&self, now_ms: i64) -> Option<Known> {
        let mut left = self.clone();
        left.memories.retain(|_, m| m.expires_ms.is_none_or(|at| at > now_ms));
        left.graph.keep(&left.memories);
        (left.memories.len() < self.memories.len()).then_some(left)
    }
}

impl Known {
    /// Memories that are gone have no edges.
    pub(super) fn forget_edges(&mut self) {
        self.graph.keep(&self.memories);
    }
}

impl Act<'_, '_> {
    pub(super) fn any_id(&mut self) -> Option<u64> {
        let count = self.known.memories.len() as u64;
        (count > 0)
            .then(|| self.rng.below(count))
            .and_then(|n| self.known.memories.keys().nth(n as usize).copied())
    }

    /// What was written into spaces may have created the default one.
    pub(super) fn note_vectors(&mut self, vectors: &[(String, Vec<f32>)]) {
        for (name, vector) in vectors {
            self.known.spaces.insert(name.clone(), vector.len());
        }
    }

    pub(super) fn is_live(&self, id: u64) -> bool {
        let expires_ms = self.known.memories.get(&id).map(|m| m.expires_ms);
        expires_ms.is_some_and(|at| at.is_none_or(|at| at > self.tx.now_ms()))
    }

    fn live_with_tag(&self, tag: &str) -> Vec<u64> {
        let ids = self.known.memories.iter().filter(|(_, m)| m.tags.contains(tag));
        ids.map(|(id, _)| *id).filter(|id| self.is_live(*id)).collect()
    }
}

pub(super) fn remember(act: &mut Act<'_, '_>) -> Result<()> {
    let count = if act.rng.one_in(10) { 12 } else { 1 };
    for _ in 0..count {
        let (new, known) = new_memory(act, None);
        let vectors = new.vectors.clone();
        let id = act.tx.remember(new)?;
        act.note_vectors(&vectors);
        act.known.memories.insert(id.0, known);
    }
    Ok(())
}

fn upsert(act: &mut Act<'_, '_>) -> Result<()> {
    let external = format!("x{}", act.rng.below(12));
    let (mut new, mut known) = new_memory(act, Some(external));
    new.namespace = "ops".into();
    known.namespace = "ops";
    if let (Some(old), true) =
        (act.known.memories.values().find(|m| m.external == known.external), act.rng.one_in(3))
    {
        // The same text again: vectors that are not given anew stay.
        new.content.clone_from(&old.content);
        known.content.clone_from(&old.content);
    }
    let vectors = new.vectors.clone();
    let upserted = act.tx.upsert(new)?;
    act.note_vectors(&vectors);
    if let Upsert::Created(_) = upserted {
        // Whoever had the external id before had expired.
        act.known.memories.retain(|_, m| m.external != known.external);
        act.known.forget_edges();
    }
    act.known.memories.insert(upserted.id().0, known);
    Ok(())
}

fn update(act: &mut Act<'_, '_>) -> Result<()> {
    let Some(id) = act.any_id() else { return Ok(()) };
    let is_live = act.is_live(id);
    let mut patch = Patch::new().importance(act.rng.below(11) as f32 / 10.0);
    let mut after = act.known.memories[&id].clone();
    if act.rng.one_in(2) {
        after.content = content(act);
        patch = patch.content(after.content.as_str());
    }
    if act.rng.one_in(2) {
        let tag = *pick(act.rng, &TAGS);
        after.tags.insert(tag.into());
        patch = patch.add_tag(tag);
    }
    if act.rng.one_in(3) {
        patch = patch.metadata(metadata(act.rng));
    }
    let vectors = vectors(act);
    for (space, vector) in &vectors {
        let is_known = act.known.spaces.contains_key(space);
        let given = (!is_known || !act.rng.one_in(3)).then(|| vector.clone());
        patch.vectors.push((space.clone(), given));
    }
    assert_eq!(act.tx.update(MemoryId(id), &patch)?, is_live);
    if is_live {
        act.note_vectors(&vectors);
        act.known.memories.insert(id, after);
    }
    Ok(())
}

fn update_many(act: &mut Act<'_, '_>) -> Result<()> {
    let (of, new) = (*pick(act.rng, &TAGS), *pick(act.rng, &TAGS));
    let ids = act.live_with_tag(of);
    let count = act.tx.update_many(None, &Filter::tag(of), &Patch::new().add_tag(new))?;
    assert_eq!(count, ids.len() as u64, "memories with tag {of}");
    for id in ids {
        act.known.memories.get_mut(&id).expect("listed").tags.insert(new.into());
    }
    Ok(())
}

fn supersede(act: &mut Act<'_, '_>) -> Result<()> {
    let Some(id) = act.any_id() else { return Ok(()) };
    let (new, known) = new_memory(act, None);
    let vectors = new.vectors.clone();
    match act.tx.supersede(MemoryId(id), new) {
        Ok(new) => {
            act.note_vectors(&vectors);
            act.known.memories.insert(new.0, known);
            Ok(())
        }
        // It is superseded already, or has expired.
        Err(e) if matches!(e.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Ok(()),
        Err(e) => Err(e),
    }
}

fn forget(act: &mut Act<'_, '_>) -> Result<()> {
    let Some(id) = act.any_id() else { return Ok(()) };
    let is_live = act.is_live(id);
    assert_eq!(act.tx.forget(MemoryId(id))?, is_live);
    act.known.memories.remove(&id);
    act.known.forget_edges();
    Ok(())
}

fn forget_where(act: &mut Act<'_, '_>) -> Result<()> {
    let tag = *pick(act.rng, &TAGS);
    let ids = act.live_with_tag(tag);
    assert_eq!(act.tx.forget_where(None, &Filter::tag(tag))?, ids.len() as u64);
    act.known.memories.retain(|id, _| !ids.contains(id));
    act.known.forget_edges();
    Ok(())
}

fn create_space(act: &mut Act<'_, '_>) -> Result<()> {
    let (name, dimension, metric, precision) = *pick(act.rng, &SPACES);
    if act.known.spaces.contains_key(name) {
        return Ok(());
    }
    // Few vectors fit into a run: they are linked all the same.
    let graph = GraphOptions::new().m(3).ef_construction(8).link_from(2).scan_below(1);
    let space = Space::new(name, dimension).metric(metric).precision(precision);
    let space = space.graph(graph).clip(0.6);
    act.tx.create_space(&space)?;
    act.known.spaces.insert(name.into(), dimension);
    Ok(())
}

fn drop_space(act: &mut Act<'_, '_>) -> Result<()> {
    let name = pick(act.rng, &SPACES).0;
    if act.known.spaces.remove(name).is_some() {
        act.tx.drop_space(name)?;
    }
    Ok(())
}

fn index_metadata(act: &mut Act<'_, '_>) -> Result<()> {
    let path = *pick(act.rng, &PATHS);
    if act.known.indexed.insert(path.into()) {
        act.tx.index_metadata(path)?;
    }
    Ok(())
}

fn set_text(act: &mut Act<'_, '_>) -> Result<()> {
    let language = *pick(act.rng, &[None, Some(Language::English), Some(Language::German)]);
    let tags = *pick(act.rng, &[0, 2]);
    let path = *pick(act.rng, &PATHS);
    let mut settings = TextSettings::new().language(language).tags(tags).metadata(path, 3);
    if act.rng.one_in(2) {
        let of = *pick(act.rng, &[None, Some(Language::English), Some(Language::German)]);
        settings = settings.language_of(*pick(act.rng, &NAMESPACES), of);
    }
    act.tx.set_text(&settings)
}

fn drop_metadata_index(act: &mut Act<'_, '_>) -> Result<()> {
    let path = *pick(act.rng, &PATHS);
    if act.known.indexed.remove(path) {
        act.tx.drop_metadata_index(path)?;
    }
    Ok(())
}

/// Seals vectors while the transaction is open: it reads what was there when it began.
fn seal(act: &mut Act<'_, '_>) -> Result<()> {
    act.tx.beside().map_or(Ok(()), |committer| committer.seal_step().map(drop))
}

/// Likewise merges what is sealed.
fn merge(act: &mut Act<'_, '_>) -> Result<()> {
    act.tx.beside().map_or(Ok(()), |committer| committer.merge_step().map(drop))
}

/// Writes to the file what there is so far, as a transaction does that becomes too large.
fn write_through(act: &mut Act<'_, '_>) -> Result<()> {
    if act.tx.set.is_empty() { Ok(()) } else { act.tx.go_direct() }
}
