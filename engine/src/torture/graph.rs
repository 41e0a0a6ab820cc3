//! What the workload does with the knowledge graph, and what must hold of it.
//!
//! **Invariant:** as of the other [actions](super::actions): what is known of the graph comes from what
//! was asked for. Under which numbers a merge goes on is the file's to say, and so edges are known by
//! their ends, which are unique here.

use super::actions::{Act, KnownMemory, NAMESPACES, new_memory, pick, vectors};
use crate::db::Db;
use crate::ids::{EdgeId, MemoryId, NodeId};
use crate::knowledge::{
    Direction, EdgeRow, Entity, Follow, NewEdge, NewNode, NodePatch, NodeRow, Upserted, When,
};
use crate::rows::Rows;
use crate::schema::{Table, memory_key, read_u64};
use crate::view::View;
use crate::{Error, Result};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Texts at a path that is declared at times.
const LANGUAGES: [&str; 3] = ["en", "old english", "français"];

const NAMES: u64 = 10;
const KINDS: [&str; 3] = ["mentions", "knows", "follows"];

/// Where an edge begins, of which kind it is, where it leads.
type Between = (Entity, &'static str, Entity);

/// What there should be of the graph.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownGraph {
    /// Namespace and name -> the node.
    names: BTreeMap<(&'static str, String), u64>,
    /// Weight of each edge.
    edges: BTreeMap<Between, f32>,
}

impl KnownGraph {
    /// Leaves out edges of memories that are gone.
    pub(super) fn keep(&mut self, memories: &BTreeMap<u64, KnownMemory>) {
        let is_there = |end: &Entity| match end {
            Entity::Node(_) => true,
            Entity::Memory(id) => memories.contains_key(&id.0),
        };
        self.edges.retain(|(source, _, target), _| is_there(source) && is_there(target));
    }

    fn drop_node(&mut self, id: u64) {
        self.names.retain(|_, known| *known != id);
        let gone = Entity::Node(NodeId(id));
        self.edges.retain(|(source, _, target), _| *source != gone && *target != gone);
    }

    /// The rows of a View say the same.
    pub(super) fn assert_is(&self, view: &View) -> Result<()> {
        let rows = view.rows()?;
        let mut nodes = BTreeSet::new();
        rows.scan(Table::Nodes, Bound::Unbounded, |key, row| {
            let (id, row) = (read_u64(key).expect("an id"), NodeRow::decode(row)?);
            let of = |((namespace, name), known): (&(&str, String), &u64)| {
                (*known == id && *namespace == row.namespace).then(|| name.clone())
            };
            let known: BTreeSet<String> = self.names.iter().filter_map(of).collect();
            let found = std::iter::once(row.external_id).chain(row.aliases).collect();
            assert_eq!(known, found, "names of node {id}");
            nodes.insert(id);
            Ok(true)
        })?;
        assert_eq!(nodes, self.names.values().copied().collect(), "nodes");
        let mut left = self.edges.clone();
        rows.scan(Table::Edges, Bound::Unbounded, |_, row| {
            let row = EdgeRow::decode(row)?;
            let kind = view.versions().catalog.edge_name(row.kind).expect("a kind");
            let kind = KINDS.into_iter().find(|known| *known == &**kind).expect("a known kind");
            let ends = [row.source, row.target].map(|code| Entity::of_code(code.into()));
            let known = left.remove(&(ends[0], kind, ends[1]));
            assert_eq!(known, Some(row.weight), "edge {kind} between {ends:?}");
            Ok(true)
        })?;
        assert!(left.is_empty(), "edges are missing: {left:?}");
        Ok(())
    }
}

impl Act<'_, '_> {
    fn any_name(&mut self, namespace: &'static str) -> Option<(String, u64)> {
        let names = &self.known.graph.names;
        let of = |((known, name), id): (&(&str, String), &u64)| {
            (*known == namespace).then(|| (name.clone(), *id))
        };
        let names: Vec<_> = names.iter().filter_map(of).collect();
        (!names.is_empty()).then(|| pick(self.rng, &names).clone())
    }

    /// A node of the namespace, or a memory of it.
    fn any_end(&mut self, namespace: &'static str) -> Option<Entity> {
        if self.rng.one_in(3) {
            let id = self.any_id()?;
            let is_here = self.known.memories[&id].namespace == namespace && self.is_live(id);
            return is_here.then_some(Entity::Memory(MemoryId(id)));
        }
        self.any_name(namespace).map(|(_, id)| Entity::Node(NodeId(id)))
    }
}

pub(super) fn upsert_node(act: &mut Act<'_, '_>) -> Result<()> {
    let namespace = *pick(act.rng, &NAMESPACES);
    let name = format!("n{}", act.rng.below(NAMES));
    let mut new = NewNode::new(&*name)
        .kind(*pick(act.rng, &KINDS))
        .properties(json!({ "rank": act.rng.below(5), "lang": pick(act.rng, &LANGUAGES) }));
    if act.rng.one_in(2) {
        new.vectors = vectors(act);
    }
    let given = new.vectors.clone();
    let upserted = act.tx.graph(namespace).upsert_node(new)?;
    act.note_vectors(&given);
    let known = act.known.graph.names.insert((namespace, name), upserted.id().0);
    assert_eq!(known.is_none(), matches!(upserted, Upserted::Created(_)));
    assert!(known.is_none_or(|known| known == upserted.id().0));
    Ok(())
}

fn put_edge(act: &mut Act<'_, '_>, namespace: &str, source: Entity, target: Entity) -> Result<()> {
    let (kind, weight) = (*pick(act.rng, &KINDS), act.rng.below(9) as f32);
    let mut edge = NewEdge::new(source, kind, target).weight(weight);
    if act.rng.one_in(4) {
        edge = edge.until_ms(act.tx.now_ms() + act.rng.below(10_000) as i64);
    }
    act.tx.graph(namespace).upsert_edge(edge)?;
    act.known.graph.edges.insert((source, kind, target), weight);
    Ok(())
}

pub(super) fn upsert_edge(act: &mut Act<'_, '_>) -> Result<()> {
    let namespace = *pick(act.rng, &NAMESPACES);
    let Some((source, target)) = act.any_end(namespace).zip(act.any_end(namespace)) else {
        return Ok(());
    };
    put_edge(act, namespace, source, target)
}

/// A memory and the edge from it: they appear together.
pub(super) fn remember_with_edge(act: &mut Act<'_, '_>) -> Result<()> {
    let (new, known) = new_memory(act, None);
    let (namespace, vectors) = (known.namespace, new.vectors.clone());
    let id = act.tx.remember(new)?;
    act.note_vectors(&vectors);
    act.known.memories.insert(id.0, known);
    match act.any_name(namespace) {
        Some((_, node)) => put_edge(act, namespace, id.into(), NodeId(node).into()),
        None => Ok(()),
    }
}

pub(super) fn delete_node(act: &mut Act<'_, '_>) -> Result<()> {
    let namespace = *pick(act.rng, &NAMESPACES);
    let Some((name, id)) = act.any_name(namespace) else { return Ok(()) };
    assert!(act.tx.graph(namespace).delete_node(&*name)?);
    act.known.graph.drop_node(id);
    Ok(())
}

pub(super) fn delete_edge(act: &mut Act<'_, '_>) -> Result<()> {
    let count = act.known.graph.edges.len() as u64;
    if count == 0 {
        return Ok(());
    }
    let place = act.rng.below(count) as usize;
    let between = *act.known.graph.edges.keys().nth(place).expect("counted");
    let (source, kind, target) = between;
    let found = act.tx.edges_at(source)?;
    let number = act.tx.catalog().edge_kind(kind);
    let is_it = |(_, ends): &(&EdgeId, &crate::knowledge::Ends)| {
        Some(ends.kind) == number && (ends.source, ends.target) == (source.code(), target.code())
    };
    let (&id, _) = found.iter().find(is_it).expect("the edge");
    let namespace = act.namespace_of(source)?;
    assert!(act.tx.graph(namespace).delete_edge(id)?);
    act.known.graph.edges.remove(&between);
    Ok(())
}

impl Act<'_, '_> {
    fn namespace_of(&self, end: Entity) -> Result<&'static str> {
        let bad = || Error::not_found("end of an edge", end);
        match end {
            Entity::Memory(id) => {
                self.known.memories.get(&id.0).map(|m| m.namespace).ok_or_else(bad)
            }
            Entity::Node(id) => {
                let mut names = self.known.graph.names.iter();
                names.find(|(_, known)| **known == id.0).map(|((n, _), _)| *n).ok_or_else(bad)
            }
        }
    }
}

pub(super) fn merge_nodes(act: &mut Act<'_, '_>) -> Result<()> {
    let namespace = *pick(act.rng, &NAMESPACES);
    let pair = act.any_name(namespace).zip(act.any_name(namespace));
    let Some(((from, gone), (into, kept))) = pair else { return Ok(()) };
    // An edge of another validity would stay beside the one that is there.
    let mut patch = NodePatch::new().add_tag("merged");
    if act.known.spaces.contains_key("default") && act.rng.one_in(3) {
        patch = patch.remove_vector("default");
    }
    let mut graph = act.tx.graph(namespace);
    graph.update_node(&*into, &patch)?;
    if gone == kept {
        return graph.merge_nodes(&*from, &*into);
    }
    let has_both = act
        .known
        .graph
        .edges
        .keys()
        .any(|(source, _, target)| [*source, *target].contains(&Entity::Node(NodeId(gone))));
    if has_both {
        return Ok(());
    }
    graph.merge_nodes(&*from, &*into)?;
    for id in act.known.graph.names.values_mut().filter(|id| **id == gone) {
        *id = kept;
    }
    Ok(())
}

/// Edges have their ends, each is met from both of them, and the adjacency has them all; what it says
/// after it caught up is what a rebuild says, of which everything that verifies was asked.
pub(super) fn whole(db: &Db) -> Result<()> {
    let view = db.read()?;
    let rows = view.rows()?;
    let mut met: BTreeMap<Entity, BTreeSet<u64>> = BTreeMap::new();
    let mut count = 0;
    rows.scan(Table::Edges, Bound::Unbounded, |key, row| {
        let (id, row) = (read_u64(key).expect("an id"), EdgeRow::decode(row)?);
        for end in [row.source, row.target] {
            met.entry(Entity::of_code(end.into())).or_default().insert(id);
        }
        count += 1;
        Ok(true)
    })?;
    assert_eq!(view.adjacency()?.edge_count(), count, "edges of the adjacency");
    let follow = Follow::new().direction(Direction::Both).when(When::Any);
    for (end, edges) in met {
        let (table, key) = match end {
            Entity::Node(id) => (Table::Nodes, id.0.to_be_bytes()),
            Entity::Memory(id) => (Table::Memories, memory_key(id)),
        };
        assert!(rows.get(table, &key)?.is_some(), "{end} has edges and is not there");
        let namespaces = NAMESPACES.iter().filter_map(|namespace| {
            let found = view.graph(*namespace).neighbours(end, &follow, 10_000).ok()?.found;
            Some(found.iter().map(|next| next.link.id.0).collect::<BTreeSet<u64>>())
        });
        let mut found: Vec<BTreeSet<u64>> = namespaces.collect();
        let Some(found) = found.pop() else {
            // It has expired: nobody asks for what is joined to it.
            assert!(matches!(end, Entity::Memory(_)), "{end} is not found");
            continue;
        };
        // Neighbours that have expired are passed over.
        assert!(found.is_subset(&edges), "edges at {end}: {found:?}, and not {edges:?}");
    }
    Ok(())
}
