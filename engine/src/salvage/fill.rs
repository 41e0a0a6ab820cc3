//! Writing what was proved into a new file.
//!
//! **Invariant:** the new file holds nothing but what the survey proves, and each memory under its
//! old number, byte for byte, or, if one of its vectors is lost, without that vector and nothing
//! else changed; likewise each node.

use super::survey::{Progress, Survey};
use super::tree::{Found, Step, Trees, Walked};
use crate::clock::random;
use crate::commit::{Durability, Repair, WriteOptions};
use crate::db::Db;
use crate::history::hex;
use crate::ids::{EdgeId, MemoryId, NodeId, SpaceId};
use crate::knowledge::{EdgeRow, NodeRow};
use crate::memory::{MemoryRow, SpaceVector, VectorBytes, vector_digest};
use crate::schema::{self, Table, read_u64, vector_key};
use crate::text_settings::TextSettings;
use crate::transaction::Transaction;
use crate::{ErrorKind, Result};
use redb::TableHandle;
use roaring::RoaringTreemap;
use std::collections::BTreeSet;

/// Memories, and bytes of them, that one transaction writes.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 8 << 20;
/// Access counts that one transaction writes.
const ACCESS_BATCH: usize = 10_000;

/// What was written.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) memories: RoaringTreemap,
    pub(super) vectors: u64,
    /// Vectors that these memories and nodes name and that were no rows.
    pub(super) sealed_vectors: u64,
    pub(super) accesses: u64,
    pub(super) nodes: RoaringTreemap,
    pub(super) edges: u64,
    pub(super) lost_vectors: Vec<(MemoryId, String)>,
    pub(super) lost_vectors_of_nodes: Vec<(NodeId, String)>,
    /// Memories whose rows break a rule.
    pub(super) refused: BTreeSet<u64>,
}

/// Fills an empty file.
pub(super) fn fill(survey: &Survey<'_>, db: &Db, progress: Progress<'_>) -> Result<Filled> {
    let mut filler = Filler {
        survey,
        db,
        lookup: Trees::new(survey.wreck),
        open: None,
        batch: 0,
        batch_bytes: 0,
        filled: Filled::default(),
    };
    filler.catalogue()?;
    let total = survey.state.tables.len(Table::Memories.definition().name());
    survey.each_proved(&mut |id, value| {
        filler.memory(MemoryId(id), value)?;
        progress("writing", filler.filled.memories.len(), total);
        Ok(())
    })?;
    survey.each_of_graph(Table::Nodes, &mut |id, value| filler.node(NodeId(id), value))?;
    survey.each_of_graph(Table::Edges, &mut |id, value| filler.edge(EdgeId(id), value))?;
    filler.finish()?;
    filler.accesses()?;
    Ok(filler.filled)
}

/// The vectors that a row names, as far as they could be had.
#[derive(Default)]
struct FoundVectors {
    /// Those that were found, in order, …
    named: Vec<SpaceVector>,
    /// … and their bytes.
    vectors: Vec<VectorBytes>,
    /// Spaces of those that are lost.
    lost: Vec<String>,
    /// How many of all were no rows.
    sealed: u64,
}

impl FoundVectors {
    fn len_bytes(&self) -> usize {
        self.vectors.iter().map(Vec::len).sum()
    }
}

struct Filler<'a> {
    survey: &'a Survey<'a>,
    db: &'a Db,
    /// Finds vectors.
    lookup: Trees<'a>,
    open: Option<Transaction<'a>>,
    batch: usize,
    batch_bytes: usize,
    filled: Filled,
}

impl<'a> Filler<'a> {
    /// The transaction under way.
    fn transaction(&mut self) -> Result<&mut Transaction<'a>> {
        if self.open.is_none() {
            let options = WriteOptions::new()
                .durability(Durability::Relaxed)
                .actor("memlith")
                .reason(origin(self.survey));
            self.open = Some(self.db.begin(options)?);
        }
        // It was begun just now if there was none.
        self.open.as_mut().ok_or_else(|| crate::error::Detail::Latched.into())
    }

    fn catalogue(&mut self) -> Result<()> {
        let survey = self.survey;
        if !survey.spaces.is_empty() {
            let (spaces, successors) = (&survey.spaces, &survey.successors);
            self.transaction()?.restore_spaces(spaces, successors, survey.highest_space)?;
        }
        for (name, number) in &survey.edge_kinds {
            self.transaction()?.restore_edge_kind(name, *number)?;
        }
        for path in &survey.indexes {
            self.transaction()?.index_metadata(path)?;
        }
        if survey.text != TextSettings::default() {
            self.transaction()?.set_text(&survey.text)?;
        }
        if let Some(transaction) = self.open.take() {
            transaction.commit()?;
        }
        Ok(())
    }

    /// Commits what has gathered once it is enough.
    fn pace(&mut self) -> Result<()> {
        if self.batch == BATCH || self.batch_bytes > BATCH_BYTES {
            if let Some(transaction) = self.open.take() {
                transaction.commit()?;
            }
            (self.batch, self.batch_bytes) = (0, 0);
        }
        Ok(())
    }

    /// An edge. One that breaks a rule is as good as lost, and so is one without an end.
    fn edge(&mut self, id: EdgeId, value: &[u8]) -> Result<()> {
        self.pace()?;
        let Ok(row) = EdgeRow::decode(value) else { return Ok(()) };
        let restored = self.transaction()?.restore_edge(id, &row);
        if unless_refused(restored)? == Some(true) {
            self.took(value.len());
            self.filled.edges += 1;
        }
        Ok(())
    }

    /// A node. One that breaks a rule is as good as lost.
    fn node(&mut self, id: NodeId, value: &[u8]) -> Result<()> {
        self.pace()?;
        let Ok(mut row) = NodeRow::decode(value) else { return Ok(()) };
        let found = self.vectors_of(id.0, &row.vectors);
        if !found.lost.is_empty() {
            (row.vectors, row.salt) = (found.named.clone(), random()?);
        }
        let restored = self.transaction()?.restore_node(id, &row, &found.vectors);
        if unless_refused(restored)?.is_some() {
            self.took(value.len() + found.len_bytes());
            self.filled.nodes.insert(id.0);
            let lost = self.note_vectors(found);
            let lost = lost.into_iter().map(|space| (id, space));
            self.filled.lost_vectors_of_nodes.extend(lost);
        }
        Ok(())
    }

    fn memory(&mut self, id: MemoryId, value: &[u8]) -> Result<()> {
        self.pace()?;
        let Ok(mut row) = MemoryRow::decode(value) else {
            self.filled.refused.insert(id.0);
            return Ok(());
        };
        let found = self.vectors_of(id.0, &row.vectors);
        if !found.lost.is_empty() {
            (row.vectors, row.salt) = (found.named.clone(), random()?);
        }
        let restored = self.transaction()?.restore_row(id, &row, &found.vectors);
        if unless_refused(restored)?.is_none() {
            self.filled.refused.insert(id.0);
            return Ok(());
        }
        self.took(value.len() + found.len_bytes());
        self.filled.memories.insert(id.0);
        let lost = self.note_vectors(found);
        self.filled.lost_vectors.extend(lost.into_iter().map(|space| (id, space)));
        Ok(())
    }

    /// A row has gone into the transaction.
    fn took(&mut self, bytes: usize) {
        self.batch += 1;
        self.batch_bytes += bytes;
    }

    /// Counts what has been restored. Returns the spaces of what was lost.
    fn note_vectors(&mut self, found: FoundVectors) -> Vec<String> {
        self.filled.vectors += found.vectors.len() as u64;
        self.filled.sealed_vectors += found.sealed;
        found.lost
    }

    /// The vectors that the row of a memory or a node names.
    fn vectors_of(&mut self, owner: u64, named: &[SpaceVector]) -> FoundVectors {
        let mut found = FoundVectors::default();
        for vector in named {
            let space = self.survey.indexed().find(|(id, _)| id.0 == vector.space);
            match self.vector(owner, vector, &mut found.sealed).filter(|_| space.is_some()) {
                Some(bytes) => {
                    found.vectors.push(bytes);
                    found.named.push(*vector);
                }
                None => found.lost.push(match space {
                    Some((_, space)) => space.name.clone(),
                    None => vector.space.to_string(),
                }),
            }
        }
        found
    }

    fn vector(&mut self, owner: u64, named: &SpaceVector, sealed: &mut u64) -> Option<VectorBytes> {
        let survey = self.survey;
        let is_right = |bytes: &VectorBytes| vector_digest(bytes) == named.digest;
        let root = survey.state.tables.of(Table::Vectors);
        let row = self.lookup.get(root, &vector_key(SpaceId(named.space), owner));
        let is_no_row = row == Found::Absent;
        if let Found::Value(bytes) = row
            && is_right(&bytes)
        {
            return Some(bytes);
        }
        let key = (named.space, owner);
        let shelved = survey.shelf.get(survey.wreck, key, &named.digest);
        *sealed += u64::from(is_no_row || shelved.is_some());
        shelved.or_else(|| survey.vectors.get(&key)?.read(survey.wreck).filter(is_right))
    }

    /// Commits what is left. Also where nothing is, the log says where the file comes from, and
    /// numbers of memories that are gone are not given again.
    fn finish(&mut self) -> Result<()> {
        let next = self.survey.next_memory;
        self.transaction()?.restore_next_memory(next);
        if let Some(transaction) = self.open.take() {
            transaction.commit()?;
        }
        Ok(())
    }

    /// Access counts are in no log: only the tree of the state proves them.
    fn accesses(&mut self) -> Result<()> {
        let root = self.survey.state.tables.tree(schema::ACCESSES.name());
        let trees = Trees::new(self.survey.wreck);
        let mut batch = Vec::new();
        trees.walk(root, &mut Walked::default(), &mut |step| {
            if let Step::Row(row) = step
                && read_u64(row.key).is_some_and(|id| self.filled.memories.contains(id))
            {
                batch.push((row.key.to_vec(), row.value.to_vec()));
                self.filled.accesses += 1;
            }
            if batch.len() == ACCESS_BATCH { self.write_accesses(&mut batch) } else { Ok(()) }
        })?;
        self.write_accesses(&mut batch)
    }

    fn write_accesses(&self, batch: &mut Vec<(Vec<u8>, Vec<u8>)>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.db.core.committer.maintain(Repair::Walk, |transaction| {
            let mut table = transaction.open_table(schema::ACCESSES)?;
            for (key, value) in batch.drain(..) {
                table.insert(key.as_slice(), value.as_slice())?;
            }
            Ok(())
        })
    }
}

/// What the log of the new file says of where its memories come from.
fn origin(survey: &Survey<'_>) -> String {
    let file = survey.wreck.file_id().map_or_else(|| "of unknown id".into(), |id| hex(&id));
    match survey.state.tables.tip {
        Some(tip) => {
            format!("salvaged from file {file}, commit {}, head {}", tip.seq, hex(&tip.hash))
        }
        None => format!("salvaged from file {file}, from a commit of unknown number"),
    }
}

/// What came of restoring a row; `None` if it breaks a rule.
fn unless_refused<T>(restored: Result<T>) -> Result<Option<T>> {
    match restored {
        Ok(done) => Ok(Some(done)),
        Err(e) if is_about_the_row(e.kind()) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Does the error speak of the row that was to be written, and not of the file?
fn is_about_the_row(kind: ErrorKind) -> bool {
    use ErrorKind::{
        AlreadyExists, Corruption, DimensionMismatch, InvalidInput, LimitExceeded, NotFound,
    };
    let kinds =
        [AlreadyExists, Corruption, DimensionMismatch, InvalidInput, LimitExceeded, NotFound];
    kinds.contains(&kind)
}
