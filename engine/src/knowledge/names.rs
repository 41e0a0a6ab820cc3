//! From what a caller names to what it is.
//!
//! **Invariant:** each external id and each alias of a node leads to it, and to nothing else in its
//! namespace.

use super::write_nodes::GraphTx;
use super::{Entity, EntityRef, NodeRow, access_node};
use crate::commit::Model;
use crate::derived::field;
use crate::ids::NodeId;
use crate::memory::access;
use crate::rows::Rows;
use crate::schema::{Table, external_key, memory_key, node_key, read_u64};
use crate::view::View;
use crate::{Error, Result};
use memlith_index::attributes::Attributes;
use roaring::RoaringBitmap;

/// Names that a [`GraphTx`] remembers at most.
const MAX_KNOWN: usize = 1 << 18;
/// Nodes that are looked for one by one before all of the namespace are gathered.
const LOOKS: u32 = 64;

/// The nodes of a namespace, as one View has them.
pub(super) struct Residents {
    nodes: Attributes,
    ordinals: RoaringBitmap,
}

impl Residents {
    fn of(view: &View, namespace: &str) -> Result<Self> {
        let nodes = view.versions().knowledge.nodes.clone();
        let ordinals = nodes.label(field::NAMESPACE, namespace.as_bytes())?;
        Ok(Residents { nodes, ordinals })
    }

    fn has(&self, id: NodeId) -> Result<bool> {
        let ordinal = self.nodes.ordinal_of(id.0)?;
        Ok(ordinal.is_some_and(|ordinal| self.ordinals.contains(ordinal)))
    }
}

/// The node that a name leads to.
pub(super) fn find_name(rows: &dyn Rows, namespace: &str, name: &str) -> Result<Option<NodeId>> {
    let Some(value) = rows.get(Table::NodeNames, &external_key(namespace, name))? else {
        return Ok(None);
    };
    let bad = || Error::corruption("name of a node", "the id of a node", "other bytes");
    read_u64(&value).map(NodeId).map(Some).ok_or_else(bad)
}

/// The namespace of what is there and has not expired.
pub(super) fn namespace_of(rows: &dyn Rows, entity: Entity, now_ms: i64) -> Result<Option<String>> {
    match entity {
        Entity::Node(id) => {
            let row = rows.get(Table::Nodes, &node_key(id))?;
            row.map(|row| Ok(access_node(&row)?.namespace.as_str().to_owned())).transpose()
        }
        Entity::Memory(id) => {
            let Some(bytes) = rows.get(Table::Memories, &memory_key(id))? else { return Ok(None) };
            let row = access(&bytes)?;
            let is_live = row.expires_ms.as_ref().is_none_or(|at| at.to_native() > now_ms);
            Ok(is_live.then(|| row.namespace.as_str().to_owned()))
        }
    }
}

impl GraphTx<'_, '_> {
    /// What a reference means, if it is there, in this namespace.
    pub(super) fn resolve(&mut self, reference: &EntityRef) -> Result<Option<Entity>> {
        if let Some(known) = self.known.get(reference) {
            return Ok(Some(*known));
        }
        let found = match reference {
            EntityRef::Name(name) => find_name(&*self.tx, &self.namespace, name)?.map(Entity::Node),
            EntityRef::Number(entity) => return Ok(self.is_here(*entity)?.then_some(*entity)),
        };
        if let Some(entity) = found {
            self.learn(reference.clone(), entity);
        }
        Ok(found)
    }

    /// Is it there, in this namespace?
    fn is_here(&mut self, entity: Entity) -> Result<bool> {
        if let Entity::Node(id) = entity
            && let Some(is_here) = self.is_indexed(id)?
        {
            return Ok(is_here);
        }
        // What edges can join has a code of 31 bits.
        let code = u32::try_from(entity.code()).ok();
        if code.is_some_and(|code| self.here.contains(code)) {
            return Ok(true);
        }
        let namespace = namespace_of(&*self.tx, entity, self.tx.now_ms())?;
        let is_here = namespace.is_some_and(|namespace| namespace == self.namespace);
        if let Some(code) = code.filter(|_| is_here) {
            self.here.insert(code);
        }
        Ok(is_here)
    }

    /// What the index of nodes says, without a read of any row; `None` of a node that may have come or gone since.
    fn is_indexed(&mut self, id: NodeId) -> Result<Option<bool>> {
        if self.tx.sets().any(|set| set.has_changed(Model::Node, id.0)) {
            return Ok(None);
        }
        if let Some(residents) = &self.residents {
            return residents.has(id).map(Some);
        }
        self.looks += 1;
        if self.looks == LOOKS {
            let residents = self.tx.look_back(|view| Residents::of(view, &self.namespace))?;
            return self.residents.insert(residents).has(id).map(Some);
        }
        let here = self.namespace.as_bytes();
        self.tx.look_back(|view| {
            let nodes = &view.versions().knowledge.nodes;
            let Some(ordinal) = nodes.ordinal_of(id.0)? else { return Ok(Some(false)) };
            Ok(Some(nodes.labels_of(ordinal, field::NAMESPACE)?.contains(&here)))
        })
    }

    /// The same, where there must be one.
    pub(super) fn require(&mut self, reference: &EntityRef) -> Result<Entity> {
        self.resolve(reference)?.ok_or_else(|| match reference {
            EntityRef::Name(name) => Error::not_found("node", name),
            EntityRef::Number(entity) => {
                Error::not_found("node or memory of this namespace", entity)
            }
        })
    }

    /// The node that a reference means, with its row.
    pub(super) fn find_node(&mut self, reference: &EntityRef) -> Result<Option<(NodeId, NodeRow)>> {
        match self.resolve(reference)? {
            None => Ok(None),
            Some(Entity::Node(id)) => Ok(Some((id, self.node_row(id)?))),
            Some(Entity::Memory(_)) => {
                Err(Error::invalid("node", "must not be a memory: use the calls for memories"))
            }
        }
    }

    /// The row of a node that a name or a link leads to.
    pub(super) fn node_row(&self, id: NodeId) -> Result<NodeRow> {
        let missing = || Error::corruption("name of a node", "the row of a node", id.to_string());
        let row = Rows::get(&*self.tx, Table::Nodes, &node_key(id))?.ok_or_else(missing)?;
        NodeRow::decode(&row)
    }

    fn learn(&mut self, reference: EntityRef, entity: Entity) {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(reference, entity);
    }
}
