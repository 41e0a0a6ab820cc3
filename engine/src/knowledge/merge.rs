//! Merging: two nodes turn out to be one.

use super::write_nodes::{GraphTx, names};
use super::{EdgeRow, Entity, EntityRef};
use crate::commit::log::ChangeKind;
use crate::ids::EdgeId;
use crate::memory::{merge_patch, metadata_value};
use crate::{Error, Result};
use serde_json::Value;

impl GraphTx<'_, '_> {
    /// Makes one node of two: `from` goes, and everything that was its becomes that of `into`.
    ///
    /// Its external id and aliases become aliases of `into`; tags are put together; of properties and
    /// where only one has a kind or a name, `into` has its own, and what it lacks comes from `from`. The
    /// higher importance stays, and the earlier creation. Edges of `from` become edges of `into`, under
    /// new numbers; one that would be a loop then goes, unless it was a loop before, and so does one that
    /// `into` has already, to the same end, of the same kind and of the same validity: the higher weight
    /// stays. Does nothing if the two are one already.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of them is not there;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if they are too much together.
    pub fn merge_nodes(
        &mut self,
        from: impl Into<EntityRef>,
        into: impl Into<EntityRef>,
    ) -> Result<()> {
        let (from, into) = (from.into(), into.into());
        let missing = |name: &EntityRef| Error::not_found("node", name);
        let (gone, old) = self.find_node(&from)?.ok_or_else(|| missing(&from))?;
        let (kept, before) = self.find_node(&into)?.ok_or_else(|| missing(&into))?;
        if gone == kept {
            return Ok(());
        }
        let mut row = before.clone();
        row.aliases.extend(names(&old).map(str::to_owned));
        row.tags.extend(old.tags.iter().cloned());
        row.kind = row.kind.or_else(|| old.kind.clone());
        row.name = row.name.or_else(|| old.name.clone());
        row.importance = row.importance.max(old.importance);
        row.created_ms = row.created_ms.min(old.created_ms);
        row.properties = together(&old.properties, &before.properties)?;

        let edges = self.tx.edges_at(Entity::Node(gone))?;
        let mut rows = Vec::with_capacity(edges.len());
        for (id, ends) in edges {
            let missing =
                || Error::corruption("adjacency", "an edge that is there", id.to_string());
            rows.push(self.tx.edge_row(id)?.ok_or_else(missing)?);
            self.tx.remove_edge(id, ends)?;
        }
        self.remove_node(gone, &old)?;
        self.replace_node(kept, &before, row)?;
        rows.into_iter()
            .try_for_each(|edge| self.adopt(edge, Entity::Node(gone), Entity::Node(kept)))
    }

    /// Makes an edge of `gone` one of `kept`.
    fn adopt(&mut self, mut edge: EdgeRow, gone: Entity, kept: Entity) -> Result<()> {
        let was_loop = edge.source == edge.target;
        for end in [&mut edge.source, &mut edge.target] {
            if u64::from(*end) == gone.code() {
                *end = kept.end_code()?;
            }
        }
        if edge.source == edge.target && !was_loop {
            return Ok(());
        }
        if let Some((id, twin)) = self.newest_parallel(edge.ends(), |_| true)?
            && twin.valid == edge.valid
        {
            let heavier = EdgeRow { weight: twin.weight.max(edge.weight), ..twin.clone() };
            return self.replace_edge(id, &twin, heavier).map(drop);
        }
        let id = EdgeId(self.tx.take_graph_number()?);
        self.tx.put_edge(id, &edge, ChangeKind::Created)
    }
}

/// The properties of two, those of the second where both have some.
fn together(first: &str, second: &str) -> Result<String> {
    let (mut all, over) = (metadata_value(first)?, metadata_value(second)?);
    if all.is_null() {
        return Ok(second.to_owned());
    }
    if let Value::Object(_) = over {
        merge_patch(&mut all, &over);
    }
    super::validate::properties(&all)
}
