//! What changes a graph.

use super::batch::{edges, ml_edge_batch, ml_node_batch, nodes, set_upserted};
use super::namespace;
use crate::boundary::{list, out};
use crate::call::on;
use crate::db::{Open, ml_db};
use crate::error::{Failure, ml_error};
use crate::new_memory::limit;
use crate::status::ml_status;
use crate::text::{self, ml_text};
use crate::transaction::{Tx, ml_tx};
use crate::views::ml_str;
use crate::write::set_if;
use memlith::{EdgeId, GraphTx, NewEdge, NodePatch, Upserted};
use memlith_json::{
    Names, Put, edge_json, edge_patch_from_json, entity_ref, node_json, node_patch_from_json,
    read_node_link, reason,
};
use serde_json::{Map, Value};

/// Writes nodes, all or none, in a transaction of its own: creates each, or makes what stands under its id
/// the same. `numbers` and `dids` have room for `batch->count` entries each, or are NULL; a `did` is one of
/// `ML_CREATED`, `ML_UPDATED` and `ML_UNCHANGED`. `ns` no text is `default`, here and below.
///
/// `ML_ALREADY_EXISTS` if an alias belongs to another node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_graph_upsert_nodes(
    db: *const ml_db,
    ns: ml_str,
    batch: *const ml_node_batch,
    numbers: *mut u64,
    dids: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let done = open.db.graph(namespace(ns)?).upsert_nodes(nodes(batch)?)?;
        set_upserted(&done, |id| id.0, numbers, dids)
    })
}

/// Writes edges, likewise: creates each, or makes the newest of its kind between the same two the same.
/// `ML_NOT_FOUND` if an end of one is not in the namespace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_graph_upsert_edges(
    db: *const ml_db,
    ns: ml_str,
    batch: *const ml_edge_batch,
    numbers: *mut u64,
    dids: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let (ns, (edges, is_added)) = (namespace(ns)?, edges(batch)?);
        let done = open.db.write(|tx| put_edges(&mut tx.graph(ns), edges, is_added))?;
        set_upserted(&done, |id| id.0, numbers, dids)
    })
}

/// As `ml_db_graph_upsert_nodes`, in a transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_upsert_nodes(
    tx: *const ml_tx,
    ns: ml_str,
    batch: *const ml_node_batch,
    numbers: *mut u64,
    dids: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let done = graph.upsert_nodes(nodes(batch)?)?;
        set_upserted(&done, |id| id.0, numbers, dids)
    })
}

/// As `ml_db_graph_upsert_edges`, in a transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_upsert_edges(
    tx: *const ml_tx,
    ns: ml_str,
    batch: *const ml_edge_batch,
    numbers: *mut u64,
    dids: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let (edges, is_added) = edges(batch)?;
        let done = put_edges(graph, edges, is_added)?;
        set_upserted(&done, |id| id.0, numbers, dids)
    })
}

fn put_edges(
    graph: &mut GraphTx<'_, '_>,
    edges: Vec<NewEdge>,
    is_added: bool,
) -> memlith::Result<Vec<Upserted<EdgeId>>> {
    if is_added {
        edges.into_iter().map(|edge| graph.add_edge(edge).map(Upserted::Created)).collect()
    } else {
        graph.upsert_edges(edges)
    }
}

/// Changes parts of a node. `patch` is a JSON object of `kind`, `name`, `importance`, `properties` (merged,
/// RFC 7396), `add_tags`, `remove_tags`, `add_aliases` and `remove_aliases`, as far as they change; null
/// clears. `found` tells whether there is such a node; it may be NULL, here and below.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_update_node(
    tx: *const ml_tx,
    ns: ml_str,
    node: ml_str,
    patch: ml_str,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let node = entity_ref(node.required("node")?);
        let patch = node_patch_from_json(patch.bytes("patch")?)?;
        set_if(found, "found", || Ok(graph.update_node(node, &patch)?))
    })
}

/// Changes parts of an edge: `weight`, `properties`, `from_ms`, `until_ms`. So it is ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_update_edge(
    tx: *const ml_tx,
    ns: ml_str,
    number: u64,
    patch: ml_str,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let patch = edge_patch_from_json(patch.bytes("patch")?)?;
        set_if(found, "found", || Ok(graph.update_edge(EdgeId(number), &patch)?))
    })
}

/// Deletes a node with all of its edges.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_delete_node(
    tx: *const ml_tx,
    ns: ml_str,
    node: ml_str,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let node = entity_ref(node.required("node")?);
        set_if(found, "found", || Ok(graph.delete_node(node)?))
    })
}

/// Deletes an edge.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_delete_edge(
    tx: *const ml_tx,
    ns: ml_str,
    number: u64,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        set_if(found, "found", || Ok(graph.delete_edge(EdgeId(number))?))
    })
}

/// Makes one node of two: `from` goes, its edges and names become those of `into`. `ML_NOT_FOUND` if one of
/// them is not there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_merge_nodes(
    tx: *const ml_tx,
    ns: ml_str,
    from: ml_str,
    into: ml_str,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let (from, into) = (from.required("from")?, into.required("into")?);
        Ok(graph.merge_nodes(entity_ref(from), entity_ref(into))?)
    })
}

/// Sets a property of `count` nodes, such as what an analysis made of them, to as many JSON values; null
/// takes it away. `written` gets how many are there; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_write_property(
    tx: *const ml_tx,
    ns: ml_str,
    name: ml_str,
    nodes: *const ml_str,
    values: *const ml_str,
    count: usize,
    written: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let name = name.required("name")?;
        limit("count", count, crate::ML_MAX_BATCH)?;
        let (nodes, values) = (list(nodes, count, "nodes")?, list(values, count, "values")?);
        let mut there = 0;
        for (node, value) in nodes.iter().zip(values) {
            let value: Value = serde_json::from_slice(value.bytes("value")?)
                .map_err(|e| Failure::invalid(format!("value: {}", reason(&e))))?;
            let patch = Value::Object(Map::from_iter([(name.to_owned(), value)]));
            let node = entity_ref(node.required("node")?);
            there += u64::from(graph.update_node(node, &NodePatch::new().properties(patch))?);
        }
        set_if(written, "written", || Ok(there))
    })
}

/// Reads node-link JSON, as networkx has it: `nodes` with an `id` each, `links` or `edges` with a `source`
/// and a `target` each. What has no field here becomes a property; nodes that only edges name are made, and
/// edges without a kind are of `default_kind`. `nodes` and `edges` get how many are new; they may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_import(
    tx: *const ml_tx,
    ns: ml_str,
    document: ml_str,
    default_kind: ml_str,
    nodes: *mut u64,
    edges: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let kind = default_kind.required("default_kind")?;
        let mut document = serde_json::Deserializer::from_slice(document.bytes("document")?);
        let (mut put, mut failed) = (Put::default(), None);
        let read = read_node_link(&mut document, kind, &mut |item| {
            let done = item.put(graph).map_err(|e| {
                let why = e.to_string();
                failed = Some(e);
                why
            })?;
            put += done;
            Ok(())
        });
        // What the library says goes before what the reader makes of it.
        if let Some(failed) = failed {
            return Err(failed.into());
        }
        let read = read.and_then(|()| document.end());
        read.map_err(|e| Failure::invalid(format!("document: {}", reason(&e))))?;
        set_if(nodes, "nodes", || Ok(put.nodes))?;
        set_if(edges, "edges", || Ok(put.edges))
    })
}

/// As `ml_snapshot_graph_node`, as this transaction sees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_node(
    tx: *const ml_tx,
    ns: ml_str,
    node: ml_str,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let place = out(json, "json")?;
        let found = graph.node(entity_ref(node.required("node")?))?;
        text::give_json_if(found.map(node_json), place)
    })
}

/// As `ml_snapshot_graph_edge`, as this transaction sees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_graph_edge(
    tx: *const ml_tx,
    ns: ml_str,
    number: u64,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(tx, ns, error, |graph| {
        let place = out(json, "json")?;
        let edge = graph.edge(EdgeId(number))?;
        let found = edge.map(|edge| edge_json(edge, &mut Names::of_tx(graph)));
        text::give_json_if(found.transpose()?, place)
    })
}

fn on_graph(
    tx: *const ml_tx,
    ns: ml_str,
    error: *mut *mut ml_error,
    work: impl FnOnce(&mut GraphTx<'_, '_>) -> Result<(), Failure>,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let ns = namespace(ns)?;
        tx.with(|tx| work(&mut tx.graph(ns)))
    })
}
