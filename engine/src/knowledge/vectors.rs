//! Which nodes have embeddings in a space, and taking these away with it.
//!
//! **Invariant:** the answer is that of the rows as the transaction sees them; the index only says where to look.

use super::{NodeRow, access_node};
use crate::clock::random;
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind};
use crate::derived::field;
use crate::ids::{NodeId, SpaceId};
use crate::owner::has_vector_in;
use crate::rows::Rows;
use crate::schema::{Table, node_key, vector_key};
use crate::transaction::WriteTx;
use crate::{Error, Result};
use std::collections::BTreeSet;

impl WriteTx<'_> {
    /// The nodes that have a vector in a space, as this transaction sees them.
    pub(crate) fn nodes_in(&mut self, space: SpaceId) -> Result<BTreeSet<NodeId>> {
        let base = self.settled_base()?;
        let nodes = &base.versions().knowledge.nodes;
        let unknown = || Error::corruption("index", "an ordinal that was given", "another");
        let id = |ordinal| nodes.id_of(ordinal)?.map(NodeId).ok_or_else(unknown);
        let having = nodes.label(field::SPACE, &space.0.to_be_bytes())?;
        let mut ids = having.iter().map(id).collect::<Result<BTreeSet<_>>>()?;
        let changes = self.set.changes().filter(|change| change.model == Model::Node);
        ids.extend(changes.map(|change| NodeId(change.id)));
        let mut found = BTreeSet::new();
        for id in ids {
            if let Some(row) = Rows::get(self, Table::Nodes, &node_key(id))?
                && has_vector_in(space, &access_node(&row)?.vectors)
            {
                found.insert(id);
            }
        }
        Ok(found)
    }

    /// Takes the vectors of a space away from all nodes. What they are has not changed, nor has the time of
    /// their last change.
    pub(crate) fn drop_vectors_of_nodes(&mut self, space: SpaceId) -> Result<()> {
        for id in self.nodes_in(space)? {
            let Some(row) = Rows::get(self, Table::Nodes, &node_key(id))? else { continue };
            let mut row = NodeRow { salt: random()?, ..NodeRow::decode(&row)? };
            row.vectors.retain(|vector| vector.space != space.0);
            self.put(Table::Vectors, &vector_key(space, id.0), None)?;
            let aspects = Aspects::ATTRIBUTES.with(Aspects::VECTORS);
            self.put_node(id, &row, ChangeKind::Updated, aspects)?;
        }
        Ok(())
    }
}
