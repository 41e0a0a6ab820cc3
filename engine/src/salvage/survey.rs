//! What of a damaged file can be proved, before anything is written.
//!
//! A row of a memory is taken if
//! 1. it is reached from the root of the state and the log does not contradict it; or
//! 2. it is what the log commits to as the last of this memory; or
//! 3. it is reached from the root of the commit before, and no commit since names the memory.
//!
//! A vector is taken if the row of its memory or node names its digest.
//!
//! **Invariant:** what is taken from anywhere but the tree of the state is known by its place
//! only: rows are read again when they are written, and no more than their numbers stay in memory.

use super::chain::{Chain, Links};
use super::page::Tree;
use super::sealed::Shelf;
use super::state::{State, read_log};
use super::tree::{Row, Step, Trees, ValueAt, Walked};
use crate::catalog::Space;
use crate::file::{Flaw, Wreck};
use crate::ids::{MAX_NUMBER, MemoryId, SpaceId};
use crate::schema::{ACCESSES, LOG, Table, read_u64, read_vector_key};
use crate::text_settings::TextSettings;
use crate::{Error, Result};
use redb::TableHandle;
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Gets the name of a part, and how far it is.
pub(super) type Progress<'p> = &'p mut dyn FnMut(&'static str, u64, u64);

/// What can be proved.
pub(super) struct Survey<'w> {
    pub(super) wreck: &'w Wreck,
    pub(super) state: State,
    pub(super) chain: Chain,
    pub(super) spaces: Vec<(SpaceId, Space)>,
    pub(super) successors: Vec<(SpaceId, Space)>,
    /// Paths of metadata indexes.
    pub(super) indexes: Vec<String>,
    /// How texts are searched.
    pub(super) text: TextSettings,
    /// Kinds of edges, with their numbers.
    pub(super) edge_kinds: Vec<(String, u16)>,
    /// The highest number ever given to a space.
    pub(super) highest_space: u32,
    /// Rows that are proved and not in the tree of the state, by memory.
    pub(super) elsewhere: BTreeMap<u64, ValueAt>,
    /// Vectors that are not in the tree of the state, by space and memory.
    pub(super) vectors: HashMap<(u32, u64), ValueAt>,
    /// Where sealed vectors may be.
    pub(super) shelf: Shelf,
    /// Memories of which the tree of the state has a row that the log refutes.
    pub(super) refuted: BTreeSet<u64>,
    /// Memories of which a row was found that nothing proves.
    pub(super) unproven: BTreeSet<u64>,
    /// First and last number that memories in lost pages of their table can have.
    pub(super) gaps: Vec<(u64, u64)>,
    pub(super) flaws: Vec<Flaw>,
    /// No memory of the new file gets a number below this.
    pub(super) next_memory: MemoryId,
    /// Memories that the tree of the state has.
    pub(super) reached: RoaringTreemap,
    /// Spaces in which a memory or a node that was taken has a vector.
    pub(super) named_spaces: BTreeSet<u32>,
}

impl<'w> Survey<'w> {
    /// Surveys a file.
    ///
    /// # Errors
    /// Corruption, if no commit is left at all.
    pub(super) fn of(wreck: &'w Wreck, progress: Progress<'_>) -> Result<Self> {
        progress("log", 0, 1);
        let Some(state) = State::find(wreck, progress) else {
            return Err(Error::corruption("file", "a commit that can be found", "none"));
        };
        let mut links = Links::default();
        let is_log_whole = read_log(&Trees::new(wreck), state.tables.tree(LOG.name()), &mut links);
        let chain = Chain::new(&links, state.tables.tip);
        let flaws = wreck.flaws().iter().chain(&state.flaws).cloned().collect();
        let mut survey = Survey {
            wreck,
            state,
            chain,
            spaces: Vec::new(),
            successors: Vec::new(),
            indexes: Vec::new(),
            text: TextSettings::default(),
            edge_kinds: Vec::new(),
            highest_space: 0,
            elsewhere: BTreeMap::new(),
            vectors: HashMap::new(),
            shelf: Shelf::default(),
            refuted: BTreeSet::new(),
            unproven: BTreeSet::new(),
            gaps: Vec::new(),
            flaws,
            next_memory: MemoryId(1),
            reached: RoaringTreemap::new(),
            named_spaces: BTreeSet::new(),
        };
        let mut walked = Walked::default();
        let gaps = survey.read_memories(&mut walked, progress)?;
        survey.note_gaps("table of memories", gaps);
        if !is_log_whole {
            survey.note_gaps("log", 1);
        }
        if gaps > 0 || !survey.refuted.is_empty() {
            if !is_log_whole {
                survey.search_log(links, progress);
            }
            survey.search_memories(&mut walked, progress)?;
        }
        survey.name_spaces_of_nodes()?;
        survey.read_catalogue(progress)?;
        survey.search_vectors(progress)?;
        survey.find_next_memory()?;
        Ok(survey)
    }

    pub(super) fn note_gaps(&mut self, place: &'static str, gaps: u64) {
        match gaps {
            0 => {}
            1 => self.flaws.push((place, "has lost pages".into())),
            n => self.flaws.push((place, format!("has lost pages in {n} places"))),
        }
    }

    /// Every row that is proved, by ascending number of its memory.
    pub(super) fn each_proved(&self, each: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let mut others = self.elsewhere.iter().peekable();
        let mut last = None;
        let mut emit = |id: u64, value: &[u8]| {
            // A tree whose keys are out of order was not made by redb.
            let ascends = last.is_none_or(|last| last < id);
            last = last.max(Some(id));
            if ascends { each(id, value) } else { Ok(()) }
        };
        let root = self.state.tables.of(Table::Memories);
        Trees::new(self.wreck).walk(root, &mut Walked::default(), &mut |step| {
            let Step::Row(row) = step else { return Ok(()) };
            let Some(id) = read_u64(row.key) else { return Ok(()) };
            while let Some((other, at)) = others.next_if(|(other, _)| **other < id) {
                if let Some(value) = at.read(self.wreck) {
                    emit(*other, &value)?;
                }
            }
            if self.is_proved_in_state(id, row.value) { emit(id, row.value) } else { Ok(()) }
        })?;
        for (other, at) in others {
            if let Some(value) = at.read(self.wreck) {
                emit(*other, &value)?;
            }
        }
        Ok(())
    }

    /// Memories that were surely there, of those that `is_lost` asks for.
    pub(super) fn alive(&self, is_lost: impl Fn(u64) -> bool) -> Result<BTreeSet<u64>> {
        let mut alive: BTreeSet<u64> = self.chain.alive().filter(|id| is_lost(*id)).collect();
        self.each_named(&mut |id| {
            if is_lost(id) {
                alive.insert(id);
            }
        })?;
        Ok(alive)
    }

    /// The memories, and nodes with vectors, that rows of other tables belong to.
    fn each_named(&self, each: &mut dyn FnMut(u64)) -> Result<()> {
        let tables = &self.state.tables;
        let trees = Trees::new(self.wreck);
        let mut walk = |tree: Tree, id_of: fn(Row<'_>) -> Option<u64>| {
            trees.walk(tree, &mut Walked::default(), &mut |step| {
                if let Step::Row(row) = step
                    && let Some(id) = id_of(row)
                {
                    each(id);
                }
                Ok(())
            })
        };
        walk(tables.of(Table::Vectors), |row| read_vector_key(row.key).map(|(_, owner)| owner))?;
        walk(tables.of(Table::External), |row| read_u64(row.value))?;
        walk(tables.tree(ACCESSES.name()), |row| read_u64(row.key))
    }

    /// Namespaces and external ids of memories, of those that `is_lost` asks for.
    pub(super) fn names(
        &self,
        is_lost: impl Fn(u64) -> bool,
    ) -> Result<BTreeMap<u64, (String, String)>> {
        let mut names = BTreeMap::new();
        let root = self.state.tables.of(Table::External);
        Trees::new(self.wreck).walk(root, &mut Walked::default(), &mut |step| {
            if let Step::Row(row) = step
                && let Some(id) = read_u64(row.value).filter(|id| is_lost(*id))
                && let Some(name) = parse_external_key(row.key)
            {
                names.insert(id, name);
            }
            Ok(())
        })?;
        Ok(names)
    }

    /// The number that the next memory of the file would have got; where the log no longer says
    /// it, one above all that are known to have been given.
    fn find_next_memory(&mut self) -> Result<()> {
        let next = if let Some(tip) = self.state.tables.tip {
            tip.next_memory
        } else {
            let of_other = self.state.other.as_ref().and_then(|other| other.tip);
            let in_gaps = self.gaps.iter().map(|(first, _)| *first).max();
            let found = [self.unproven.last().copied(), self.refuted.last().copied()];
            let mut highest = found.into_iter().flatten().chain(in_gaps).max().unwrap_or(0);
            self.each_named(&mut |id| highest = highest.max(id))?;
            let sealed = self.shelf.ids().map(|(_, id)| id).filter(|id| *id < MAX_NUMBER);
            highest = highest.max(sealed.max().unwrap_or(0)).max(self.highest_of_graph()?);
            // Those that are lost without a trace had numbers too.
            let total = self.state.tables.len(Table::Memories.definition().name());
            let lost = total.saturating_sub(self.reached.len());
            let above = highest.saturating_add(lost).saturating_add(1);
            above.max(of_other.map_or(0, |tip| tip.next_memory))
        };
        let highest = self.reached.max().max(self.elsewhere.last_key_value().map(|(id, _)| *id));
        self.next_memory = MemoryId(next.max(highest.unwrap_or(0).saturating_add(1)));
        Ok(())
    }
}

fn parse_external_key(key: &[u8]) -> Option<(String, String)> {
    let (len, rest) = key.split_first_chunk()?;
    let (namespace, external) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    Some((text(namespace)?, text(external)?))
}
