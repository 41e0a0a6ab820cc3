//! Whose a vector is: that of a memory, or of a node of the graph.
//!
//! The two are numbered in one run, and a vector lies under its space and the number of what it is of,
//! whichever that is.
//!
//! **Invariant:** a vector is in force exactly if the row of its memory or node names its space.

use crate::Result;
use crate::catalog::Catalog;
use crate::ids::SpaceId;
use crate::knowledge::access_node;
use crate::memory::{ArchivedSpaceVector, access};
use crate::planted::{self, Defect};
use crate::rows::Rows;
use crate::schema::Table;

/// Does a row that names these have a vector in the space?
pub(crate) fn has_vector_in(space: SpaceId, named: &[ArchivedSpaceVector]) -> bool {
    named.iter().any(|vector| vector.space == space.0)
}

/// What these spaces are called, of which one that is still to take the place of another has no name yet.
pub(crate) fn space_names(
    catalog: &Catalog,
    named: impl IntoIterator<Item = u32>,
) -> impl Iterator<Item = &str> {
    named.into_iter().filter_map(|space| catalog.space_name(SpaceId(space)))
}

/// Does the memory or the node of this number have a vector in the space?
pub(crate) fn names_vector(rows: &dyn Rows, space: SpaceId, owner: u64) -> Result<bool> {
    let key = owner.to_be_bytes();
    if let Some(row) = rows.get(Table::Memories, &key)? {
        return Ok(has_vector_in(space, &access(&row)?.vectors));
    }
    let Some(row) = rows.get(Table::Nodes, &key)? else { return Ok(false) };
    if planted::is(Defect::NodesOwnNothing) {
        return Ok(false);
    }
    Ok(has_vector_in(space, &access_node(&row)?.vectors))
}
