//! The knowledge graph of a damaged file: nodes and edges that the state reaches and the log does not
//! refute.
//!
//! **Invariant:** an edge is salvaged only with both of its ends. What the tree of the state has lost is
//! looked for nowhere else.

use super::survey::Survey;
use super::tree::{Step, Trees, Walked};
use crate::Result;
use crate::commit::log::commitment;
use crate::knowledge::{access_edge, access_node};
use crate::schema::{Table, read_u64};
use std::collections::BTreeSet;

impl Survey<'_> {
    /// Every node and then every edge that is proved, by its number.
    pub(super) fn each_of_graph(
        &self,
        table: Table,
        each: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let root = self.state.tables.of(table);
        Trees::new(self.wreck).walk(root, &mut Walked::default(), &mut |step| {
            let Step::Row(row) = step else { return Ok(()) };
            let Some(id) = read_u64(row.key) else { return Ok(()) };
            let salt = match table {
                Table::Nodes => access_node(row.value).map(|node| node.salt),
                _ => access_edge(row.value).map(|edge| edge.salt),
            };
            let Ok(salt) = salt else { return Ok(()) };
            let is_refuted = self.chain.last_of_graph(id).is_some_and(|last| {
                last.is_none_or(|committed| commitment(&salt, row.value) != committed)
            });
            if is_refuted { Ok(()) } else { each(id, row.value) }
        })
    }

    /// Notes the spaces in which nodes have vectors.
    pub(super) fn name_spaces_of_nodes(&mut self) -> Result<()> {
        let mut named = BTreeSet::new();
        self.each_of_graph(Table::Nodes, &mut |_, value| {
            let spaces = access_node(value)?.vectors.iter().map(|v| v.space.to_native());
            named.extend(spaces);
            Ok(())
        })?;
        self.named_spaces.append(&mut named);
        Ok(())
    }

    /// The highest number of a node or an edge that the state reaches.
    pub(super) fn highest_of_graph(&self) -> Result<u64> {
        let mut highest = 0;
        for table in [Table::Nodes, Table::Edges] {
            self.each_of_graph(table, &mut |id, _| {
                highest = highest.max(id);
                Ok(())
            })?;
        }
        Ok(highest)
    }
}
