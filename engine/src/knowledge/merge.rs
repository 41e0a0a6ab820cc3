//! Merging: two nodes turn out to be one.

use super::write_nodes::{GraphTx, names};
use super::{EdgeRow, Entity, EntityRef, NodeRow};
use crate::commit::log::ChangeKind;
use crate::ids::{EdgeId, NodeId, SpaceId};
use crate::memory::{Given, SpaceVector, merge_patch, metadata_value};
use crate::rows::Rows;
use crate::schema::{Table, vector_key};
use crate::{Error, Result};
use serde_json::Value;

impl GraphTx<'_, '_> {
    /// Makes one node of two: `from` goes, and everything that was its becomes that of `into`.
    ///
    /// Its external id and aliases become aliases of `into`; tags are put together; of properties and
    /// where only one has a kind or a name, `into` has its own, and what it lacks comes from `from`. The
    /// higher importance stays, and the earlier creation; an embedding in a space where `into` has none comes
    /// from `from`. Edges of `from` become edges of `into`, under
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

        row.vectors = self.adopt_vectors((gone, &old), (kept, &before))?;

        let edges = self.tx.edges_at(Entity::Node(gone))?;
        let mut rows = Vec::with_capacity(edges.len());
        for (id, ends) in edges {
            let missing =
                || Error::corruption("adjacency", "an edge that is there", id.to_string());
            rows.push(self.tx.edge_row(id)?.ok_or_else(missing)?);
            self.tx.remove_edge(id, ends)?;
        }
        self.remove_node(gone, &old)?;
        self.replace_node(kept, &before, row, Given::new())?;
        rows.into_iter()
            .try_for_each(|edge| self.adopt(edge, Entity::Node(gone), Entity::Node(kept)))
    }

    /// Gives a node those embeddings of another that lie in spaces where it has none. Returns the names of all
    /// that it has then.
    fn adopt_vectors(
        &mut self,
        (gone, old): (NodeId, &NodeRow),
        (kept, before): (NodeId, &NodeRow),
    ) -> Result<Vec<SpaceVector>> {
        let mut named = before.vectors.clone();
        let has_none = |v: &&SpaceVector| before.vectors.iter().all(|own| own.space != v.space);
        for vector in old.vectors.iter().filter(has_none) {
            let missing =
                || Error::corruption("vector row", "the vector that a node names", "none");
            let space = SpaceId(vector.space);
            let bytes = Rows::get(self.tx, Table::Vectors, &vector_key(space, gone.0))?;
            let bytes = bytes.ok_or_else(missing)?;
            self.tx.put(Table::Vectors, &vector_key(space, kept.0), Some(&bytes))?;
            named.push(*vector);
        }
        named.sort_unstable_by_key(|vector| vector.space);
        Ok(named)
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

#[cfg(test)]
mod tests {
    use crate::{NearestNodes, NewNode, Options, Result, Space};

    /// Of a transaction that outgrows its memory vectors are in the rows or the segments that it has written.
    #[test]
    fn an_embedding_is_adopted_wherever_its_transaction_has_put_it() -> Result<()> {
        const DIMENSION: usize = 512;
        let vector =
            |n: u16| -> Vec<f32> { (0..DIMENSION).map(|i| f32::from(n) + i as f32).collect() };
        for count in [2_u16, 900] {
            let db = Options::new().threads(false).in_memory()?;
            db.create_space(&Space::new("default", DIMENSION))?;
            db.graph("n").upsert_node(NewNode::new("before").vector(vector(7)))?;
            db.write(|tx| {
                let new = |n| NewNode::new(format!("n{n}")).vector(vector(n));
                let mut graph = tx.graph("n");
                graph.upsert_nodes((0..count).map(new).collect())?;
                graph.upsert_nodes(vec![NewNode::new("a"), NewNode::new("b")])?;
                tx.go_direct()?;
                let mut graph = tx.graph("n");
                graph.merge_nodes("n1", "a")?;
                graph.merge_nodes("before", "b")
            })?;
            let sealed = db.read()?.spaces()[0].sealed_vectors;
            assert_eq!(sealed > 0, count > 2, "{sealed}");
            let graph = db.graph("n").read()?;
            for (node, own) in [("a", 1), ("n1", 1), ("b", 7), ("before", 7), ("n0", 0)] {
                assert_eq!(graph.vector(node, "default")?, Some(vector(own)), "{node}");
            }
            let near = graph.nearest(&NearestNodes::to(vector(1)).limit(1))?;
            assert_eq!(near[0].node.external_id, "a");
            assert!(db.verify(&mut |_| {})?.is_clean());
        }
        Ok(())
    }
}
