//! Finding a memory by what a user types for it.
//!
//! **Invariant:** an external id goes before a number of the same digits.

use crate::args::Ids;
use crate::output::Outcome;
use memlith::{DEFAULT_NAMESPACE, Memory, MemoryId, View, WriteTx};

/// The memory that an id means in a View.
pub(super) fn in_view(
    view: &View,
    namespace: Option<&str>,
    id: &str,
    by: &Ids,
) -> Outcome<Option<Memory>> {
    let external = if by.number {
        None
    } else {
        view.get_external(namespace.unwrap_or(DEFAULT_NAMESPACE), id)?
    };
    match (external, id.parse::<MemoryId>()) {
        (Some(memory), _) => Ok(Some(memory)),
        (None, Ok(number)) => Ok(view.get(number)?.filter(|m| is_in(m, namespace))),
        (None, Err(_)) => Ok(None),
    }
}

/// The memory that an id means in a transaction.
pub(super) fn in_transaction(
    tx: &WriteTx<'_>,
    namespace: Option<&str>,
    id: &str,
    by: &Ids,
) -> memlith::Result<Option<Memory>> {
    let external =
        if by.number { None } else { tx.get_external(namespace.unwrap_or(DEFAULT_NAMESPACE), id)? };
    match (external, id.parse::<MemoryId>()) {
        (Some(memory), _) => Ok(Some(memory)),
        (None, Ok(number)) => Ok(tx.get(number)?.filter(|m| is_in(m, namespace))),
        (None, Err(_)) => Ok(None),
    }
}

fn is_in(memory: &Memory, namespace: Option<&str>) -> bool {
    namespace.is_none_or(|namespace| memory.namespace == namespace)
}
