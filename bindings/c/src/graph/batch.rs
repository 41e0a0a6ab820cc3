//! Nodes and edges to be written, as columns.

use crate::batch::MatrixRows;
use crate::boundary::{Growing, list, list_if, list_out, sized};
use crate::error::Failure;
use crate::new_memory::{limit, metadata, time};
use crate::views::ml_str;
use crate::write::{ML_CREATED, ML_UNCHANGED, ML_UPDATED};
use memlith::{DEFAULT_SPACE, NewEdge, NewNode, Upserted};
use memlith_json::entity_ref;
use std::ptr;

/// Nodes to be written, as columns: a node takes the entry of its row from each. Begin with
/// `ml_node_batch_init()`. A column that is NULL gives each the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_node_batch {
    /// `sizeof(ml_node_batch)`.
    pub struct_size: usize,
    /// How many nodes, up to `ML_MAX_BATCH`.
    pub count: usize,
    /// Your own ids, unique in the namespace: the one column that must be there.
    pub ids: *const ml_str,
    /// What sort of thing each is; no text is none.
    pub kinds: *const ml_str,
    /// What people call each; no text is none.
    pub names: *const ml_str,
    /// JSON objects; no text is none.
    pub properties: *const ml_str,
    /// JSON arrays of tags; no text is none.
    pub tags: *const ml_str,
    /// JSON arrays of other ids by which it is found; no text is none.
    pub aliases: *const ml_str,
    /// How important each is.
    pub importances: *const f32,
    /// When each came about; `ML_NO_TIME` is now.
    pub created_ms: *const i64,
    /// The vector space of `vectors`; no text is `default`.
    pub space: ml_str,
    /// Their embeddings: a matrix of `count` rows of `dimension` numbers each, or NULL.
    pub vectors: *const f32,
    /// Numbers of a row.
    pub dimension: usize,
    /// Numbers from the beginning of a row to that of the next; 0 is `dimension`.
    pub stride: usize,
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_node_batch {
    const FIRST_SIZE: usize = size_of::<ml_node_batch>();
}

/// Edges to be written, likewise. Begin with `ml_edge_batch_init()`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_edge_batch {
    /// `sizeof(ml_edge_batch)`.
    pub struct_size: usize,
    /// How many edges, up to `ML_MAX_BATCH`.
    pub count: usize,
    /// Where each begins: an external id or an alias of a node, or `memory:` and the number of a memory.
    /// Must be there, as must the next two.
    pub sources: *const ml_str,
    /// What sort of relation each is.
    pub kinds: *const ml_str,
    /// Where each leads.
    pub targets: *const ml_str,
    /// JSON objects; no text is none.
    pub properties: *const ml_str,
    /// From 0 on; 1 if NULL.
    pub weights: *const f32,
    /// From when on each holds; `ML_NO_TIME` is ever.
    pub from_ms: *const i64,
    /// From when on it no longer does; `ML_NO_TIME` is never.
    pub until_ms: *const i64,
    /// When each came about; `ML_NO_TIME` is now.
    pub created_ms: *const i64,
    /// Not 0: add each, also where there is one of its kind between the same two, for what held before and
    /// holds again. Otherwise that one is made the same.
    pub add: i32,
    /// 0.
    pub reserved: i32,
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_edge_batch {
    const FIRST_SIZE: usize = size_of::<ml_edge_batch>();
}

/// The nodes of a batch.
pub(super) fn nodes(pointer: *const ml_node_batch) -> Result<Vec<NewNode>, Failure> {
    let default = ml_node_batch {
        struct_size: size_of::<ml_node_batch>(),
        count: 0,
        ids: ptr::null(),
        kinds: ptr::null(),
        names: ptr::null(),
        properties: ptr::null(),
        tags: ptr::null(),
        aliases: ptr::null(),
        importances: ptr::null(),
        created_ms: ptr::null(),
        space: ml_str::NONE,
        vectors: ptr::null(),
        dimension: 0,
        stride: 0,
    };
    let batch = sized(pointer, default, "batch")?;
    limit("count of a batch", batch.count, crate::ML_MAX_BATCH)?;
    let space = batch.space.optional("space")?.unwrap_or(DEFAULT_SPACE);
    let rows = MatrixRows::of(batch.vectors, batch.count, (batch.dimension, batch.stride))?;
    let ids = list(batch.ids, batch.count, "ids")?;
    let kinds = list_if(batch.kinds, batch.count, "kinds")?;
    let names = list_if(batch.names, batch.count, "names")?;
    let properties = list_if(batch.properties, batch.count, "properties")?;
    let tags = list_if(batch.tags, batch.count, "tags")?;
    let aliases = list_if(batch.aliases, batch.count, "aliases")?;
    let importances = list_if(batch.importances, batch.count, "importances")?;
    let created = list_if(batch.created_ms, batch.count, "created_ms")?;
    let mut nodes = Vec::with_capacity(ids.len());
    for (at, id) in ids.iter().enumerate() {
        let mut node = NewNode::new(id.required("id")?);
        node.kind = text_at(kinds, at, "kind")?.map(str::to_owned);
        node.name = text_at(names, at, "name")?.map(str::to_owned);
        if let Some(text) = text_at(properties, at, "properties")? {
            node.properties = metadata(text)?;
        }
        node.tags = texts_at(tags, at, "tags")?;
        node.aliases = texts_at(aliases, at, "aliases")?;
        node.importance = importances.get(at).copied().unwrap_or(node.importance);
        node.created_ms = created.get(at).copied().and_then(time);
        if let Some(row) = rows.map(|rows| rows.row(at)) {
            node.vectors.push((space.to_owned(), row.to_vec()));
        }
        nodes.push(node);
    }
    Ok(nodes)
}

/// The edges of a batch, and whether they are to be added whatever there is.
pub(super) fn edges(pointer: *const ml_edge_batch) -> Result<(Vec<NewEdge>, bool), Failure> {
    let default = ml_edge_batch {
        struct_size: size_of::<ml_edge_batch>(),
        count: 0,
        sources: ptr::null(),
        kinds: ptr::null(),
        targets: ptr::null(),
        properties: ptr::null(),
        weights: ptr::null(),
        from_ms: ptr::null(),
        until_ms: ptr::null(),
        created_ms: ptr::null(),
        add: 0,
        reserved: 0,
    };
    let batch = sized(pointer, default, "batch")?;
    limit("count of a batch", batch.count, crate::ML_MAX_BATCH)?;
    let sources = list(batch.sources, batch.count, "sources")?;
    let kinds = list(batch.kinds, batch.count, "kinds")?;
    let targets = list(batch.targets, batch.count, "targets")?;
    let properties = list_if(batch.properties, batch.count, "properties")?;
    let weights = list_if(batch.weights, batch.count, "weights")?;
    let from = list_if(batch.from_ms, batch.count, "from_ms")?;
    let until = list_if(batch.until_ms, batch.count, "until_ms")?;
    let created = list_if(batch.created_ms, batch.count, "created_ms")?;
    let mut edges = Vec::with_capacity(sources.len());
    for (at, ((source, kind), target)) in sources.iter().zip(kinds).zip(targets).enumerate() {
        let source = entity_ref(source.required("source")?);
        let target = entity_ref(target.required("target")?);
        let mut edge = NewEdge::new(source, kind.required("kind")?, target);
        if let Some(text) = text_at(properties, at, "properties")? {
            edge.properties = metadata(text)?;
        }
        edge.weight = weights.get(at).copied().unwrap_or(edge.weight);
        edge.from_ms = from.get(at).copied().and_then(time);
        edge.until_ms = until.get(at).copied().and_then(time);
        edge.created_ms = created.get(at).copied().and_then(time);
        edges.push(edge);
    }
    Ok((edges, batch.add != 0))
}

fn text_at<'a>(
    column: &[ml_str],
    at: usize,
    what: &'static str,
) -> Result<Option<&'a str>, Failure> {
    column.get(at).map_or(Ok(None), |text| text.optional(what))
}

fn texts_at(column: &[ml_str], at: usize, what: &'static str) -> Result<Vec<String>, Failure> {
    let Some(text) = text_at(column, at, what)? else { return Ok(Vec::new()) };
    serde_json::from_str(text)
        .map_err(|_| Failure::invalid(format!("{what}: must be a JSON array of texts")))
}

/// Writes the numbers of what was written, and what was done, to where the caller wants them.
pub(super) fn set_upserted<Id: Copy>(
    done: &[Upserted<Id>],
    number: impl Fn(Id) -> u64,
    numbers: *mut u64,
    dids: *mut i32,
) -> Result<(), Failure> {
    let numbers = list_out(numbers, if numbers.is_null() { 0 } else { done.len() }, "numbers")?;
    for (place, one) in numbers.iter_mut().zip(done) {
        place.write(number(one.id()));
    }
    let dids = list_out(dids, if dids.is_null() { 0 } else { done.len() }, "dids")?;
    for (place, one) in dids.iter_mut().zip(done) {
        place.write(match one {
            Upserted::Created(_) => ML_CREATED,
            Upserted::Updated(_) => ML_UPDATED,
            Upserted::Unchanged(_) => ML_UNCHANGED,
        });
    }
    Ok(())
}
