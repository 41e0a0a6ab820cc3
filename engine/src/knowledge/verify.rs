//! Checking the rows of the graph against each other and against the log.

use super::row::{EdgeRow, NodeRow};
use super::write_nodes::names;
use super::{Entity, Side, link_key, read_link};
use crate::Result;
use crate::catalog::Catalog;
use crate::commit::log::commitment;
use crate::commit::{Linked, Model};
use crate::ids::{EdgeId, NodeId};
use crate::rows::{Pinned, Rows};
use crate::schema::{Table, edge_key, external_key, node_key, read_u64};
use crate::verify::{VerifyReport, commitments, verify_named_vectors};
use std::ops::Bound;

/// Every node: that it is what the log committed to, that its vectors are those that it names, and that its
/// names lead to it and nowhere else.
pub(crate) fn verify_nodes(rows: &Pinned, report: &mut VerifyReport) -> Result<u64> {
    let committed = commitments(rows, Model::Node)?;
    let mut count = 0;
    rows.scan(Table::Nodes, Bound::Unbounded, |key, value| {
        count += 1;
        let Some(id) = read_u64(key).map(NodeId) else {
            report.add("nodes", format!("key of {} bytes", key.len()));
            return Ok(true);
        };
        let place = || format!("node {id}");
        match NodeRow::decode(value) {
            Err(e) => report.add(place(), e),
            Ok(row) => {
                let of_log = committed.get(&id.0);
                if of_log.is_some_and(|c| *c != Some(commitment(&row.salt, value))) {
                    report.add(place(), "is not what the log committed to");
                }
                verify_named_vectors(rows, (id.0, &row.vectors), &place(), report);
                for name in names(&row) {
                    let found = rows.get(Table::NodeNames, &external_key(&row.namespace, name))?;
                    if found.and_then(|b| read_u64(&b)) != Some(id.0) {
                        report.add(place(), "is not found by one of its names");
                    }
                }
            }
        }
        Ok(true)
    })?;
    for (id, _) in committed.iter().filter(|(_, committed)| committed.is_some()) {
        if rows.get(Table::Nodes, &node_key(NodeId(*id)))?.is_none() {
            report.add(format!("node {id}"), "is in the log but not in the file");
        }
    }
    rows.scan(Table::NodeNames, Bound::Unbounded, |key, value| {
        let id = read_u64(value).map(NodeId);
        let row = match id {
            Some(id) => rows.get(Table::Nodes, &node_key(id))?,
            None => None,
        };
        let row = row.and_then(|bytes| NodeRow::decode(&bytes).ok());
        let is_right = row
            .is_some_and(|row| names(&row).any(|name| external_key(&row.namespace, name) == key));
        if !is_right {
            report.add("names of nodes", format!("{id:?} does not have the name"));
        }
        Ok(true)
    })?;
    Ok(count)
}

/// Every edge: that it is what the log committed to, that both of its ends are there and of one
/// namespace, and that it is linked to them if it should be.
pub(crate) fn verify_edges(
    rows: &Pinned,
    catalog: &Catalog,
    report: &mut VerifyReport,
) -> Result<u64> {
    let committed = commitments(rows, Model::Edge)?;
    let linked = Linked::load(rows)?;
    let mut count = 0;
    rows.scan(Table::Edges, Bound::Unbounded, |key, value| {
        count += 1;
        let Some(id) = read_u64(key).map(EdgeId) else {
            report.add("edges", format!("key of {} bytes", key.len()));
            return Ok(true);
        };
        let place = || format!("edge {id}");
        let row = match EdgeRow::decode(value) {
            Ok(row) => row,
            Err(e) => {
                report.add(place(), e);
                return Ok(true);
            }
        };
        let of_log = committed.get(&id.0);
        if of_log.is_some_and(|c| *c != Some(commitment(&row.salt, value))) {
            report.add(place(), "is not what the log committed to");
        }
        if catalog.edge_name(row.kind).is_none() {
            report.add(place(), "is of a kind that the catalogue does not know");
        }
        let namespace =
            |code: u32| super::names::namespace_of(rows, Entity::of_code(code.into()), i64::MIN);
        match (namespace(row.source), namespace(row.target)) {
            (Ok(Some(source)), Ok(Some(target))) if source == target => {}
            (Err(e), _) | (_, Err(e)) => report.add(place(), e),
            _ => report.add(place(), "has an end that is not there, or in another namespace"),
        }
        for side in [Side::Out, Side::In] {
            let is_there = rows.get(Table::Links, &link_key(side, row.ends(), id))?.is_some();
            match (linked.has(id), is_there) {
                (true, false) => report.add(place(), "is not linked to one of its ends"),
                (false, true) => report.add(place(), "has a link before its time"),
                _ => {}
            }
        }
        Ok(true)
    })?;
    for (id, _) in committed.iter().filter(|(_, committed)| committed.is_some()) {
        if rows.get(Table::Edges, &edge_key(EdgeId(*id)))?.is_none() {
            report.add(format!("edge {id}"), "is in the log but not in the file");
        }
    }
    rows.scan(Table::Links, Bound::Unbounded, |key, _| {
        let Some((_, ends, id)) = read_link(key) else {
            report.add("links", format!("key of {} bytes", key.len()));
            return Ok(true);
        };
        let row = rows.get(Table::Edges, &edge_key(id))?;
        let row = row.and_then(|bytes| EdgeRow::decode(&bytes).ok());
        if row.is_none_or(|row| row.ends() != ends) {
            report.add("links", format!("edge {id} is not where a link says"));
        }
        Ok(true)
    })?;
    Ok(count)
}
