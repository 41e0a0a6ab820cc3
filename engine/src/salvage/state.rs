//! Which commit is salvaged: the newest of which enough is left.
//!
//! redb's header names two commits, the newest and the one before it. Where neither can be used,
//! tables of tables are looked for among all leaves: every commit writes one.
//!
//! **Invariant:** everything that is salvaged was committed at or before one commit, the state's,
//! and holds after it. Whether there may have been a later one is said.

use super::chain::{Links, Tip};
use super::page::{PAGE_LEN, Tree, commit_slots, table_definition};
use super::tree::{Found, Step, Trees, Walked, scan};
use crate::commit::log::LogRow;
use crate::file::Wreck;
use crate::schema::{LOG, Table};
use redb::TableHandle;
use std::collections::BTreeMap;

/// The tables of a commit.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    roots: BTreeMap<String, Tree>,
    /// The end of its log, if that can be reached.
    pub(super) tip: Option<Tip>,
}

impl Tables {
    pub(super) fn tree(&self, name: &str) -> Tree {
        self.roots.get(name).copied().flatten()
    }

    pub(super) fn of(&self, table: Table) -> Tree {
        self.tree(table.definition().name())
    }

    /// How many rows a table has, by its root.
    pub(super) fn len(&self, name: &str) -> u64 {
        self.tree(name).map_or(0, |root| root.len)
    }

    /// Reads a table of tables whose rows are given, if it is one of ours.
    fn read(rows: BTreeMap<String, Tree>, trees: &mut Trees<'_>) -> Option<Self> {
        let names = Table::ALL.map(Table::definition);
        let has = |name: &str| rows.contains_key(name);
        if !names.iter().all(|definition| has(definition.name())) || !has(LOG.name()) {
            return None;
        }
        let mut tables = Tables { roots: rows, tip: None };
        tables.tip = match trees.last(tables.tree(LOG.name())) {
            Found::Value(row) => LogRow::decode(&row).ok().map(|row| Tip::of(&row)),
            Found::Absent => Some(Tip::START),
            Found::Lost => None,
        };
        Some(tables)
    }
}

/// What is salvaged.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tables: Tables,
    /// The other commit of the header, to find what is lost in the first.
    pub(super) other: Option<Tables>,
    /// Is it surely the newest commit of the file?
    pub(super) is_newest: bool,
    /// What is wrong with the ways to it.
    pub(super) flaws: Vec<(&'static str, String)>,
}

impl State {
    /// Chooses a commit; `None` if none can be found.
    pub(super) fn find(
        wreck: &Wreck,
        progress: &mut dyn FnMut(&'static str, u64, u64),
    ) -> Option<State> {
        let mut trees = Trees::new(wreck);
        let mut flaws = Vec::new();
        let mut named = Vec::new();
        let headers = headers(wreck);
        for header in &headers {
            let slots = commit_slots(header);
            let are_both_valid = slots.iter().all(Option::is_some);
            if !are_both_valid {
                flaws.push(("header of the tables", "names a commit that is damaged".into()));
            }
            let mut slots: Vec<_> = slots.into_iter().flatten().collect();
            slots.sort_by_key(|slot| std::cmp::Reverse(slot.transaction));
            for (i, slot) in slots.iter().enumerate() {
                let read = read_tables(&trees, slot.tables);
                match read.and_then(|rows| Tables::read(rows, &mut trees)) {
                    Some(tables) => {
                        let is_newest = are_both_valid && i == 0 && headers.len() == 1;
                        named.push((tables, is_newest));
                    }
                    None if i == 0 => {
                        flaws.push(("table of tables", "of the newest commit is lost".into()));
                    }
                    None => {}
                }
            }
        }
        if headers.len() > 1 {
            named.sort_by_key(|(tables, _)| std::cmp::Reverse(tables.tip.map(|tip| tip.seq)));
        }
        // What is reached from a root is its commit's; without the end of the log nothing else can
        // be proved, so a commit that has lost both is passed over.
        let is_usable = |tables: &Tables, trees: &Trees<'_>| {
            tables.tip.is_some() || trees.is_whole(tables.of(Table::Memories))
        };
        let usable = named.iter().position(|(tables, _)| is_usable(tables, &trees));
        if let Some(at) = usable {
            let (tables, is_newest) = named.remove(at);
            let other = named.into_iter().next().map(|(tables, _)| tables);
            return Some(State { tables, other, is_newest, flaws });
        }
        let found = search(wreck, &mut trees, progress);
        let (tables, _) =
            found.map(|tables| (tables, false)).or_else(|| named.into_iter().next())?;
        Some(State { tables, other: None, is_newest: false, flaws })
    }
}

/// The header of redb, by every way it can be read.
fn headers(wreck: &Wreck) -> Vec<Vec<u8>> {
    let ways = wreck.ways(0, PAGE_LEN);
    ways.into_iter().filter_map(|way| wreck.read(0, PAGE_LEN, way)).collect()
}

/// The tables of a tree of tables; `None` if a page of theirs is lost.
fn read_tables(trees: &Trees<'_>, tree: Tree) -> Option<BTreeMap<String, Tree>> {
    let mut tables = BTreeMap::new();
    let mut is_whole = tree.is_some();
    let walked = trees.walk(tree, &mut Walked::default(), &mut |step| {
        let row = match step {
            Step::Row(row) => entry(row.key, row.value),
            Step::Gap(..) => None,
        };
        is_whole &= row.is_some();
        tables.extend(row);
        Ok(())
    });
    (walked.is_ok() && is_whole).then_some(tables)
}

fn entry(key: &[u8], value: &[u8]) -> Option<(String, Tree)> {
    Some((String::from_utf8(key.to_vec()).ok()?, table_definition(value)?))
}

/// The table of tables with the latest log, among all leaves that match their checksum.
fn search(
    wreck: &Wreck,
    trees: &mut Trees<'_>,
    progress: &mut dyn FnMut(&'static str, u64, u64),
) -> Option<Tables> {
    let total = wreck.chunks() as u64;
    let mut best: Option<(u64, Tables)> = None;
    scan(wreck, &mut |done| progress("search", done, total), &mut |leaf| {
        if !leaf.is_intact {
            return;
        }
        let rows: Option<BTreeMap<_, _>> = leaf.rows().map(|r| entry(r.key, r.value)).collect();
        let Some(tables) = rows.and_then(|rows| Tables::read(rows, trees)) else { return };
        let Some(tip) = tables.tip else { return };
        if best.as_ref().is_none_or(|(seq, _)| tip.seq > *seq) {
            best = Some((tip.seq, tables));
        }
    });
    best.map(|(_, tables)| tables)
}

/// The rows of the tree of a log. Returns whether all of them were there.
pub(super) fn read_log(trees: &Trees<'_>, tree: Tree, links: &mut Links) -> bool {
    let mut is_whole = true;
    let walked = trees.walk(tree, &mut Walked::default(), &mut |step| {
        is_whole &= match step {
            Step::Row(row) => links.add(row.key, row.value).is_some(),
            Step::Gap(..) => false,
        };
        Ok(())
    });
    is_whole && walked.is_ok()
}
